//! In which language people are answered. Whoever writes a text for a person wraps its English in `t!`,
//! which is also the key of its translation in `locales/TAG.po`; `tn!` is the same for a text that
//! counts. The language is the one of the task, set by the console for the length of a request:
//! programs, terminals, jobs and the log have none, so what they are told is English.

use icu_locale_core::Locale;
use icu_plurals::{PluralCategory, PluralRules};
use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;
use std::fmt::{self, Display, Write};
use std::future::Future;
use std::sync::LazyLock;

/// A language of the console.
pub struct Language {
    /// As in BCP 47 and in HTML's `lang`.
    pub tag: &'static str,
    /// What it calls itself.
    pub name: &'static str,
    pub is_right_to_left: bool,
    words: Words,
}

enum Words {
    /// The texts themselves.
    English,
    Of(LazyLock<Box<Catalogue>>),
    /// English, marked and in letters that are no English ones.
    Marked,
}

impl Language {
    const fn of(
        tag: &'static str,
        name: &'static str,
        is_right_to_left: bool,
        words: Words,
    ) -> Language {
        Language {
            tag,
            name,
            is_right_to_left,
            words,
        }
    }

    pub fn is_english(&self) -> bool {
        matches!(self.words, Words::English)
    }
}

/// The words of a catalogue, read when they are first needed.
macro_rules! words {
    ($tag:literal) => {
        Words::Of(LazyLock::new(|| {
            let file = include_str!(concat!("../locales/", $tag, ".po"));
            Box::new(Catalogue::read($tag, file))
        }))
    };
}

static ENGLISH: Language = Language::of("en", "English", false, Words::English);
static HINDI: Language = Language::of("hi", "हिन्दी", false, words!("hi"));
/// Nobody's language: it shows what was forgotten, and that pages can be mirrored. It is never offered.
static MARKED: Language = Language::of("ar-XB", "⟦⟧", true, Words::Marked);

/// Those that are offered.
pub static LANGUAGES: [&Language; 2] = [&ENGLISH, &HINDI];

impl PartialEq for Language {
    fn eq(&self, other: &Language) -> bool {
        self.tag == other.tag
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag)
    }
}

/// One that is offered, by its tag.
pub fn offered(tag: &str) -> Option<&'static Language> {
    LANGUAGES.into_iter().find(|language| language.tag == tag)
}

/// One that can be asked for by those who know its tag.
pub fn known(tag: &str) -> Option<&'static Language> {
    offered(tag).or_else(|| (tag == MARKED.tag).then_some(&MARKED))
}

/// The first choice of a browser's `Accept-Language` that is offered.
pub fn accepted(header: &str) -> Option<&'static Language> {
    let mut choices: Vec<(f32, &'static Language)> = header
        .split(',')
        .filter_map(|choice| {
            let (tag, weight) = choice.split_once(";q=").unwrap_or((choice, "1"));
            let primary = tag.trim().split('-').next()?.to_ascii_lowercase();
            Some((weight.trim().parse().ok()?, offered(&primary)?))
        })
        .filter(|(weight, _)| *weight > 0.0)
        .collect();
    // Of equals the first.
    choices.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    choices.first().map(|(_, language)| *language)
}

// ---- the language of a task ---------------------------------------------------------------------

tokio::task_local! {
    static NOW: Cell<&'static Language>;
}

/// The language of whoever is answered.
pub fn now() -> &'static Language {
    NOW.try_with(Cell::get).unwrap_or(&ENGLISH)
}

/// Words all that happens in `work` in a language, until `change` says otherwise.
pub async fn within<F: Future>(language: &'static Language, work: F) -> F::Output {
    NOW.scope(Cell::new(language), work).await
}

/// Words all that happens in `work` in a language.
pub fn at_once<T>(language: &'static Language, work: impl FnOnce() -> T) -> T {
    NOW.sync_scope(Cell::new(language), work)
}

/// Words in English what programs read, whoever asks for it.
pub async fn in_english<F: Future>(work: F) -> F::Output {
    within(&ENGLISH, work).await
}

/// From here on whoever is answered is known to read this one.
pub fn change(language: &'static Language) {
    // Outside of the console there is nothing to change.
    let _ = NOW.try_with(|now| now.set(language));
}

// ---- texts --------------------------------------------------------------------------------------

/// A text that people read: its English, in the language of whoever is answered when it is written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text {
    english: &'static str,
    /// What is meant where English has one word for several things.
    context: &'static str,
}

/// What stands in the place of `{name}`.
pub type Values<'a> = &'a [(&'a str, &'a dyn Display)];

impl Text {
    /// By way of `t!`, so that the catalogues are held against it.
    pub const fn of(english: &'static str, context: &'static str) -> Text {
        Text { english, context }
    }

    /// Where there is nothing to say.
    pub const fn none() -> Text {
        Text::of("", "")
    }

    pub const fn is_none(self) -> bool {
        self.english.is_empty()
    }

    pub const fn english(self) -> &'static str {
        self.english
    }

    fn worded(self) -> Cow<'static, str> {
        if self.is_none() {
            return Cow::Borrowed("");
        }
        match &now().words {
            Words::English => Cow::Borrowed(self.english),
            Words::Of(catalogue) => Cow::Borrowed(
                catalogue
                    .find(self.english, self.context)
                    .and_then(|forms| forms.first())
                    .map_or(self.english, String::as_str),
            ),
            Words::Marked => Cow::Owned(marked(self.english)),
        }
    }

    pub fn with(self, values: Values<'_>) -> String {
        filled(&self.worded(), values)
    }
}

impl Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.worded())
    }
}

impl From<Text> for String {
    fn from(text: Text) -> String {
        text.worded().into_owned()
    }
}

/// What a text that is worded elsewhere in English is called here, such as a terminal's answer; as it
/// is, when it is in no catalogue.
pub fn worded(english: &str) -> Cow<'_, str> {
    match &now().words {
        Words::English => Cow::Borrowed(english),
        Words::Of(catalogue) => {
            let forms = catalogue.find(english, "");
            let form = forms.and_then(|forms| forms.first());
            form.map_or(Cow::Borrowed(english), |form| Cow::Borrowed(form))
        }
        Words::Marked => Cow::Owned(marked(english)),
    }
}

/// A text that counts: its English forms, both with `{count}`.
#[derive(Debug, Clone, Copy)]
pub struct Counted {
    one: &'static str,
    other: &'static str,
}

impl Counted {
    /// By way of `counted!`.
    pub const fn of(one: &'static str, other: &'static str) -> Counted {
        Counted { one, other }
    }

    pub fn with(self, count: i64, values: Values<'_>) -> String {
        let number = grouped(count);
        let mut all: Vec<(&str, &dyn Display)> = vec![("count", &number)];
        all.extend_from_slice(values);
        let english = if count == 1 { self.one } else { self.other };
        match &now().words {
            Words::English => filled(english, &all),
            Words::Of(catalogue) => {
                let forms = catalogue.find(self.one, "");
                let text = forms.and_then(|forms| forms.get(catalogue.form(count)));
                filled(text.map_or(english, String::as_str), &all)
            }
            Words::Marked => filled(&marked(english), &all),
        }
    }
}

/// A number with a thin space between thousands, from five digits on.
pub fn grouped(number: i64) -> String {
    let digits = number.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A count as the texts take it.
pub fn count_of(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

/// Puts the values in the place of their names.
pub fn filled(text: &str, values: Values<'_>) -> String {
    let mut written = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        written.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            written.push('{');
            rest = after;
            continue;
        };
        if let Some((_, value)) = values.iter().find(|(known, _)| *known == name) {
            let _ = write!(written, "{value}");
        }
        rest = after;
    }
    written.push_str(rest);
    written
}

/// A text with its values that is worded when it is read: it may be kept meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    text: Text,
    values: Vec<(&'static str, Value)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Plain(String),
    /// With commas between.
    Several(Vec<Sentence>),
}

impl Sentence {
    /// By way of `later!`.
    pub fn of(text: Text, values: Vec<(&'static str, Value)>) -> Sentence {
        Sentence { text, values }
    }

    /// The same without one of its values, for who may not see that.
    pub fn without(mut self, name: &str) -> Sentence {
        for (_, value) in self.values.iter_mut().filter(|(known, _)| *known == name) {
            *value = Value::Plain("…".into());
        }
        self
    }
}

impl From<String> for Value {
    fn from(plain: String) -> Value {
        Value::Plain(plain)
    }
}

impl From<Vec<Sentence>> for Value {
    fn from(several: Vec<Sentence>) -> Value {
        Value::Several(several)
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Plain(text) => f.write_str(text),
            Value::Several(sentences) => {
                for (index, sentence) in sentences.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ", " };
                    write!(f, "{separator}{sentence}")?;
                }
                Ok(())
            }
        }
    }
}

impl Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values: Vec<(&str, &dyn Display)> = self
            .values
            .iter()
            .map(|(name, value)| (*name, value as &dyn Display))
            .collect();
        f.write_str(&self.text.with(&values))
    }
}

/// A text that is worded when it is read: `later!("brings {table}", table = …)`, a [`Sentence`].
macro_rules! later {
    ($english:literal $(, $name:ident = $value:expr)* $(,)?) => {{
        let _ = ::std::format_args!($english $(, $name = "")*);
        $crate::language::Sentence::of(
            $crate::language::Text::of($english, ""),
            vec![$((stringify!($name), $crate::language::Value::from($value))),*],
        )
    }};
}

/// A text that people read. `t!("Save")` is a [`Text`], also in a constant; `t!("From" as "an address")`
/// where one English word means several things; `t!("Photo of {name}", name = …)` is a `String`.
macro_rules! t {
    ($english:literal) => {
        const { $crate::language::Text::of($english, "") }
    };
    ($english:literal as $context:literal) => {
        const { $crate::language::Text::of($english, $context) }
    };
    ($english:literal, $($name:ident = $value:expr),+ $(,)?) => {
        match ($(&$value,)+) {
            ($($name,)+) => {
                // The compiler compares the names with those of the text.
                let _ = ::std::format_args!($english, $($name = $name),+);
                $crate::language::Text::of($english, "")
                    .with(&[$((stringify!($name), $name as &dyn ::std::fmt::Display)),+])
            }
        }
    };
}

/// A text that counts: `tn!(3, "{count} row", "{count} rows")`. Both have the count, for some languages use
/// the first for more than 1.
macro_rules! tn {
    ($count:expr, $one:literal, $other:literal $(, $name:ident = $value:expr)* $(,)?) => {
        match ($crate::language::count_of($count), $(&$value,)*) {
            (count, $($name,)*) => {
                let _ = ::std::format_args!($one, count = count $(, $name = $name)*);
                let _ = ::std::format_args!($other, count = count $(, $name = $name)*);
                $crate::language::Counted::of($one, $other).with(
                    count,
                    &[$((stringify!($name), $name as &dyn ::std::fmt::Display)),*],
                )
            }
        }
    };
}

/// The same as a constant, for a count that comes later.
macro_rules! counted {
    ($one:literal, $other:literal $(,)?) => {
        const { $crate::language::Counted::of($one, $other) }
    };
}

// ---- catalogues ---------------------------------------------------------------------------------

/// The texts of a language: a file as translators' tools write it (gettext's PO).
struct Catalogue {
    /// By the English: what is meant, and the forms.
    texts: HashMap<String, Vec<(String, Vec<String>)>>,
    locale: Locale,
    /// The forms of a text that counts, in the order the file has them: Unicode's.
    categories: Vec<PluralCategory>,
}

impl Catalogue {
    fn read(tag: &'static str, file: &str) -> Catalogue {
        let read = polib::po_file::parse_from_reader(file.as_bytes())
            .expect("a test reads every catalogue");
        let mut texts: HashMap<String, Vec<(String, Vec<String>)>> = HashMap::new();
        for message in read.messages() {
            let forms = match message.msgstr_plural() {
                Ok(forms) => forms.clone(),
                Err(_) => vec![message.msgstr().unwrap_or_default().to_owned()],
            };
            let context = message.msgctxt().unwrap_or_default().to_owned();
            let meanings = texts.entry(message.msgid().to_owned()).or_default();
            meanings.push((context, forms));
        }
        let locale: Locale = tag.parse().expect("the list has tags of languages");
        Catalogue {
            texts,
            categories: rules(&locale).categories().collect(),
            locale,
        }
    }

    fn find(&self, english: &str, context: &str) -> Option<&Vec<String>> {
        let meanings = self.texts.get(english)?.iter();
        let mut meanings = meanings.filter(|(meant, _)| meant == context);
        meanings.next().map(|(_, forms)| forms)
    }

    fn form(&self, count: i64) -> usize {
        let category = rules(&self.locale).category_for(count);
        let forms = self.categories.iter();
        forms.take_while(|one| **one != category).count()
    }
}

/// Costs nothing to make: the rules are built in.
fn rules(locale: &Locale) -> PluralRules {
    PluralRules::try_new_cardinal(locale.into()).expect("every language has rules")
}

// ---- the language that is none ------------------------------------------------------------------

/// English with marks around it, and no letter left as it was but those of names and tags.
fn marked(english: &str) -> String {
    const LETTERS: [(char, char); 52] = {
        let plain = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        let other = [
            'á', 'ƀ', 'ç', 'ð', 'é', 'ƒ', 'ĝ', 'ĥ', 'í', 'ĵ', 'ķ', 'ļ', 'ɱ', 'ñ', 'ó', 'þ', 'ɋ',
            'ř', 'š', 'ţ', 'ú', 'ṽ', 'ŵ', 'ẋ', 'ý', 'ž', 'Á', 'Ɓ', 'Ç', 'Ð', 'É', 'Ƒ', 'Ĝ', 'Ĥ',
            'Í', 'Ĵ', 'Ķ', 'Ļ', 'Ṁ', 'Ñ', 'Ó', 'Þ', 'Ǫ', 'Ŕ', 'Š', 'Ţ', 'Û', 'Ṽ', 'Ŵ', 'Ẋ', 'Ý',
            'Ž',
        ];
        let mut letters = [('a', 'a'); 52];
        let mut index = 0;
        while index < letters.len() {
            letters[index] = (plain[index] as char, other[index]);
            index += 1;
        }
        letters
    };
    let mut written = String::from("⟦");
    let mut closing = None;
    for letter in english.chars() {
        match (closing, letter) {
            (None, '{') => closing = Some('}'),
            (None, '<') => closing = Some('>'),
            (Some(end), letter) if letter == end => closing = None,
            _ => {}
        }
        let other = LETTERS.iter().find(|(plain, _)| *plain == letter);
        written.push(match (closing, other) {
            (None, Some((_, other))) => *other,
            _ => letter,
        });
    }
    written.push('⟧');
    written
}

#[cfg(test)]
mod tests {
    use super::{accepted, at_once, filled, grouped, known, marked, offered, worded};

    fn in_language<T>(tag: &str, work: impl FnOnce() -> T) -> T {
        at_once(known(tag).expect("it is there"), work)
    }

    #[test]
    fn a_text_is_english_unless_somebody_reads_another_language() {
        assert_eq!(t!("Save").to_string(), "Save");
        assert_eq!(in_language("hi", || t!("Save").to_string()), "सहेजें");
        assert_eq!(in_language("ar-XB", || t!("Save").to_string()), "⟦Šáṽé⟧");
        assert_eq!(t!("Save").to_string(), "Save");
    }

    #[test]
    fn one_word_of_english_may_be_two_elsewhere() {
        let both = || {
            (
                t!("On" as "a day").to_string(),
                t!("On" as "switched on").to_string(),
            )
        };
        assert_eq!(both(), ("On".into(), "On".into()));
        assert_eq!(in_language("hi", both), ("तारीख़".into(), "चालू".into()));
    }

    #[test]
    fn each_language_counts_by_its_own_rules() {
        let removed = |count: i64| tn!(count, "{count} removed.", "{count} removed.");
        let punches = |count: i64| tn!(count, "{count} punch", "{count} punches");
        assert_eq!(
            [0, 1, 2].map(punches),
            ["0 punches", "1 punch", "2 punches"]
        );
        assert_eq!(punches(12_345), "12\u{202f}345 punches");
        // In Hindi nothing is one, too.
        let hindi = in_language("hi", || [0, 1, 2].map(removed));
        assert_eq!(hindi, ["0 हटाया गया।", "1 हटाया गया।", "2 हटाए गए।"]);
    }

    #[test]
    fn what_nobody_translated_stays_as_it_is() {
        assert_eq!(
            in_language("hi", || worded("Head gate").into_owned()),
            "Head gate"
        );
        assert_eq!(
            in_language("hi", || worded("Timed out").into_owned()),
            "समय समाप्त"
        );
    }

    #[test]
    fn values_stand_in_the_place_of_their_names() {
        assert_eq!(
            filled("{a} and {b}, {a}", &[("a", &1), ("b", &"{a}")]),
            "1 and {a}, 1"
        );
        assert_eq!(filled("a { b", &[]), "a { b");
        assert_eq!(marked("A <b>{name}</b>"), "⟦Á <b>{name}</b>⟧");
    }

    #[test]
    fn a_browser_is_answered_in_the_first_of_its_languages_that_there_is() {
        let tag = |header| accepted(header).map(|language| language.tag);
        assert_eq!(tag("hi-IN,hi;q=0.9,en;q=0.8"), Some("hi"));
        assert_eq!(tag("de, en;q=0.5, HI;q=0.7"), Some("hi"));
        assert_eq!(tag("en-GB,hi"), Some("en"));
        assert_eq!(tag("hi;q=0, en;q=0.1"), Some("en"));
        assert_eq!(tag("de"), None);
        assert_eq!(tag("ar-XB"), None);
        assert_eq!(tag("hi;q=x,,;"), None);
        assert!(offered("ar-XB").is_none() && known("ar-XB").is_some());
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(grouped(9_999), "9999");
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
    }
}
