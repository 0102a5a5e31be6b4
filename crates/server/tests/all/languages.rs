//! The texts that people read, and their translations: what `t!` and its like have anywhere, in code,
//! templates and scripts, is in every catalogue; nothing else is.

use muster::language::LANGUAGES;
use muster_protocol::handshake::Family;
use muster_protocol::{operation, result};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The English and what is meant by it, and the English of several where it counts.
type Texts = BTreeMap<(String, String), Option<String>>;

#[test]
fn every_text_is_translated_and_no_translation_is_idle() {
    let texts = texts();
    assert!(texts.len() > 1_000, "only {} texts were found", texts.len());
    for (tag, entries) in catalogues() {
        let translated: BTreeSet<_> = entries.iter().map(|entry| entry.key()).collect();
        let missing: Vec<_> = texts
            .keys()
            .filter(|key| !translated.contains(key))
            .collect();
        assert!(
            missing.is_empty(),
            "{tag} lacks, by text and context: {missing:#?}"
        );
        let idle: Vec<_> = translated
            .iter()
            .filter(|key| !texts.contains_key(key))
            .collect();
        assert!(idle.is_empty(), "{tag} has what nobody says: {idle:#?}");
        for entry in &entries {
            assert_eq!(
                entry.other,
                texts[&entry.key()],
                "{tag}: {:?} counts, or does not",
                entry.english
            );
        }
    }
}

#[test]
fn translations_keep_the_names_of_values_and_the_tags() {
    for (tag, entries) in catalogues() {
        for entry in &entries {
            for form in &entry.forms {
                assert!(
                    !form.trim().is_empty(),
                    "{tag}: {:?} is not translated",
                    entry.english
                );
                assert_eq!(
                    marks(form),
                    marks(&entry.english),
                    "{tag}: {:?} is {form:?}",
                    entry.english
                );
            }
        }
    }
}

#[test]
fn nothing_in_hindi_is_english_but_names() {
    /// What has no other name in Hindi.
    const NAMES: &[&str] = &[
        "API",
        "BioTime",
        "CSV",
        "EasyTimePro",
        "Excel",
        "HTTP Basic",
        "HTTPS",
    ];
    let (_, entries) = catalogues()
        .into_iter()
        .find(|(tag, _)| tag == "hi")
        .expect("there is Hindi");
    let is_hindi = |form: &String| {
        form.chars()
            .any(|letter| ('\u{900}'..='\u{97f}').contains(&letter))
    };
    let says_something = |text: &str| without_marks(text).chars().any(char::is_alphabetic);
    let english: Vec<&str> = entries
        .iter()
        .filter(|entry| !entry.forms.iter().all(is_hindi) && says_something(&entry.english))
        .map(|entry| entry.english.as_str())
        .collect();
    assert_eq!(english, NAMES);
}

#[test]
fn catalogues_are_in_order_and_each_is_offered() {
    let mut tags = vec!["en".to_owned()];
    for (tag, entries) in catalogues() {
        let keys: Vec<_> = entries.iter().map(Entry::key).collect();
        let mut sorted = keys.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(
            keys, sorted,
            "{tag}: each text once, in the order of the English"
        );
        tags.push(tag);
    }
    let mut offered: Vec<_> = LANGUAGES.iter().map(|language| language.tag).collect();
    offered.sort_unstable();
    tags.sort_unstable();
    assert_eq!(offered, tags);
}

#[test]
fn what_scripts_say_comes_from_the_server() {
    let mut said = BTreeSet::new();
    for path in files(&root().join("../../web/scripts"), "js") {
        let script = fs::read_to_string(&path).expect("a script");
        for (place, _) in script.match_indices("say(\"") {
            let (text, _) = literal(&script[place + 4..]).expect("a text");
            said.insert(text);
        }
    }
    let page = fs::read_to_string(root().join("src/console/page.rs")).expect("the page's code");
    let (_, list) = page
        .split_once("SAID_BY_SCRIPTS: &[Text] = &[")
        .expect("the list");
    let (list, _) = list.split_once("];").expect("its end");
    let sent: BTreeSet<String> = in_code(list).into_keys().map(|(text, _)| text).collect();
    assert_eq!(said, sent);
}

#[test]
fn styles_know_a_start_and_an_end_and_no_left_and_right() {
    for path in files(&root().join("../../web/styles"), "css") {
        let style = fs::read_to_string(&path).expect("a style");
        let words = style.split(|letter: char| !letter.is_ascii_alphabetic());
        let sides: Vec<_> = words
            .filter(|word| ["left", "right"].contains(word))
            .collect();
        assert!(sides.is_empty(), "{path:?}: a page may be mirrored");
        for declaration in style.split(['{', '}', ';']) {
            let Some((name, value)) = declaration.split_once(':') else {
                continue;
            };
            // The second of four is right, the last is left.
            if let [_, right, _, left] = values(value.trim())[..]
                && ["margin", "padding"].contains(&name.trim())
            {
                assert_eq!(right, left, "{path:?}: {declaration}");
            }
        }
    }
}

/// Of a shorthand; what stands in brackets is one.
fn values(shorthand: &str) -> Vec<&str> {
    let mut open = 0;
    let between = |letter| {
        match letter {
            '(' => open += 1,
            ')' => open -= 1,
            _ => {}
        }
        open == 0 && letter == ' '
    };
    shorthand.split(between).collect()
}

// ---- what is said -------------------------------------------------------------------------------

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn texts() -> Texts {
    let mut texts = Texts::new();
    for path in files(&root().join("src"), "rs") {
        let code = fs::read_to_string(&path).expect("code");
        let (code, _) = code.split_once("#[cfg(test)]").unwrap_or((&code, ""));
        let lines = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        texts.append(&mut in_code(&lines.collect::<Vec<_>>().join("\n")));
    }
    for path in files(&root().join("templates"), "html") {
        texts.append(&mut in_code(
            &fs::read_to_string(&path).expect("a template"),
        ));
    }
    // What the terminals' numbers mean is worded by the protocol, which knows no languages.
    let operations = (0..1_000).filter_map(operation::meaning);
    let alarms = (0..1_000)
        .chain([65_535])
        .filter_map(|code| operation::reason(3, &code.to_string()));
    let pictures = (0xD01E_0000_u32..0xD01E_0010).map(u32::cast_signed);
    let results = (-9_000..100).chain(pictures).flat_map(|code| {
        [Family::Attendance, Family::Access]
            .into_iter()
            .flat_map(move |family| {
                ["DATA", "ENROLL_FP", "ENROLL_MF"].map(|verb| result::meaning(family, verb, code))
            })
    });
    for text in operations.chain(alarms).chain(results) {
        texts.insert((text.to_owned(), String::new()), None);
    }
    texts
}

/// The texts of `t!`, `th!`, `later!`, `tn!` and `counted!`.
fn in_code(code: &str) -> Texts {
    let mut texts = Texts::new();
    for (word, counts) in [
        ("t!(", false),
        ("th!(", false),
        ("later!(", false),
        ("tn!(", true),
        ("counted!(", true),
    ] {
        for (place, _) in code.match_indices(word) {
            let before = code[..place].chars().next_back();
            if before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_') {
                continue;
            }
            let mut rest = &code[place + word.len()..];
            if word == "tn!(" {
                rest = rest.split_once(',').expect("a count comes first").1;
            }
            let Some((english, rest)) = literal(rest) else {
                continue;
            };
            let (mut meant, mut other) = (String::new(), None);
            if counts {
                let rest = rest.trim_start().strip_prefix(',').expect("two forms");
                other = Some(literal(rest).expect("the other form").0);
            } else if let Some(rest) = rest.trim_start().strip_prefix("as ") {
                meant = literal(rest).expect("what is meant").0;
            }
            texts.insert((english, meant), other);
        }
    }
    texts
}

/// The text literal that comes next, as Rust reads it, and what follows.
fn literal(code: &str) -> Option<(String, &str)> {
    let code = code.trim_start().strip_prefix('"')?;
    let mut text = String::new();
    let mut letters = code.char_indices();
    while let Some((place, letter)) = letters.next() {
        match letter {
            '"' => return Some((text, &code[place + 1..])),
            '\\' => match letters.next()?.1 {
                '\n' => {
                    let rest = letters.as_str().trim_start();
                    let skipped = letters.as_str().len() - rest.len();
                    if skipped > 0 {
                        letters.nth(letters.as_str()[..skipped].chars().count() - 1);
                    }
                }
                escaped => text.push(escaped),
            },
            letter => text.push(letter),
        }
    }
    None
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.append(&mut files(&path, extension));
        } else if path.extension().is_some_and(|own| own == extension) {
            found.push(path);
        }
    }
    found
}

// ---- what it is called --------------------------------------------------------------------------

struct Entry {
    english: String,
    meant: String,
    other: Option<String>,
    forms: Vec<String>,
}

impl Entry {
    fn key(&self) -> (String, String) {
        (self.english.clone(), self.meant.clone())
    }
}

/// By tag, in the order of the file.
fn catalogues() -> Vec<(String, Vec<Entry>)> {
    let read = files(&root().join("locales"), "po")
        .into_iter()
        .map(|path| {
            let catalogue = polib::po_file::parse(&path).expect("a catalogue");
            assert!(
                catalogue.messages().all(|message| !message.is_fuzzy()),
                "{path:?} has guesses"
            );
            let entries = catalogue.messages().map(|message| Entry {
                english: message.msgid().to_owned(),
                meant: message.msgctxt().unwrap_or_default().to_owned(),
                other: message.msgid_plural().ok().map(str::to_owned),
                forms: match message.msgstr_plural() {
                    Ok(forms) => forms.clone(),
                    Err(_) => vec![message.msgstr().expect("one form").to_owned()],
                },
            });
            let tag = path
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            assert_eq!(catalogue.metadata.language, tag);
            (tag, entries.collect())
        });
    read.collect()
}

/// The names of values and the tags in a text.
fn marks(text: &str) -> BTreeSet<&str> {
    let mut marks = BTreeSet::new();
    for (open, close) in [('{', '}'), ('<', '>')] {
        for (place, _) in text.match_indices(open) {
            let end = text[place..].find(close).expect("what is opened is closed");
            marks.insert(&text[place..=place + end]);
        }
    }
    marks
}

fn without_marks(text: &str) -> String {
    let mut plain = text.to_owned();
    for mark in marks(text) {
        plain = plain.replace(mark, "");
    }
    plain
}
