//! The two shapes of a row: fields by position, and `Key=Value` fields. TAB separates; very old or relayed rows have blanks.

use crate::text;

/// `Key=Value` fields in their order; keys compare without case because firmware spells `PIN`, `Pin` and `pin`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pairs(pub Vec<(String, String)>);

/// The longest row known has 17.
const MOST_PAIRS: usize = 1_000;

impl Pairs {
    /// Splits at TABs, each field at its first `=` (base64 ends in `=`). Without any TAB, splits at blanks that stand
    /// before a `Key=`, so that values keep their blanks (fixture B32). A field without `=` is left out.
    pub fn read(row: &str) -> Pairs {
        let fields: Vec<&str> = if row.contains('\t') {
            row.split('\t').collect()
        } else {
            split_before_keys(row, &[' '])
        };
        Pairs(
            fields
                .into_iter()
                .filter_map(pair)
                .take(MOST_PAIRS)
                .collect(),
        )
    }

    /// The value of the first of `names` that is present.
    pub fn get(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| {
            self.0
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.as_str())
        })
    }

    /// As [`Pairs::get`], and takes it out: templates and pictures are large.
    pub fn take(&mut self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| {
            self.0
                .iter_mut()
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| std::mem::take(value))
        })
    }

    pub fn number<T: std::str::FromStr>(&self, names: &[&str]) -> Option<T> {
        self.get(names)?.trim().parse().ok()
    }

    pub fn filled(&self, names: &[&str]) -> Option<&str> {
        self.get(names)
            .map(str::trim)
            .filter(|value| !value.is_empty())
    }
}

fn pair(field: &str) -> Option<(String, String)> {
    let (key, value) = field.split_once('=')?;
    let key = key.trim();
    (!key.is_empty()).then(|| (key.to_owned(), value.to_owned()))
}

/// Splits at each of `separators` that is followed by a key and `=`, so that the same character inside of a value stays.
/// Blanks around the parts are dropped.
pub(crate) fn split_before_keys<'a>(row: &'a str, separators: &[char]) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let mut start = 0;
    // Where the text since the last separator still looks like the beginning of a key.
    let mut candidate: Option<usize> = None;
    let mut in_key = false;
    for (at, c) in row.char_indices() {
        if separators.contains(&c) {
            candidate = Some(at);
            in_key = false;
        } else if c == '=' {
            if let (Some(separator), true) = (candidate, in_key) {
                parts.push(row[start..separator].trim_matches(' '));
                start = separator + 1;
            }
            candidate = None;
        } else if c.is_ascii_alphanumeric() || matches!(c, '_' | '~' | '.' | '-') {
            in_key = true;
        } else if c != ' ' || in_key {
            candidate = None;
        }
    }
    parts.push(row[start..].trim_matches(' '));
    parts.retain(|part| !part.is_empty());
    parts
}

/// Fields by position. Without any TAB, splits at blanks and joins a date with the time behind it (fixture B18).
pub(crate) fn fields(row: &str) -> Vec<String> {
    if row.contains('\t') {
        return row.split('\t').map(str::to_owned).collect();
    }
    let mut fields: Vec<String> = Vec::new();
    for word in row.split(' ').filter(|word| !word.is_empty()) {
        match fields.last_mut() {
            Some(date) if looks_like_date(date) && word.contains(':') => {
                date.push(' ');
                date.push_str(word);
            }
            _ => fields.push(word.to_owned()),
        }
    }
    fields
}

fn looks_like_date(word: &str) -> bool {
    word.len() <= 10
        && word
            .bytes()
            .filter(|byte| matches!(byte, b'-' | b'/'))
            .count()
            == 2
        && !word.contains('T')
}

/// Tag and rest of a row: `USER PIN=1`. Without a tag (fixture C10) the tag is empty.
pub(crate) fn tag(row: &str) -> (&str, &str) {
    let row = row.trim_start_matches([' ', '\t']);
    let end = row.find([' ', '\t']).unwrap_or(row.len());
    let (word, rest) = row.split_at(end);
    if word.is_empty() || word.contains('=') {
        return ("", row);
    }
    (word, rest.strip_prefix([' ', '\t']).unwrap_or(rest))
}

/// As [`tag`], but only for these tags: the row's first word may be a value.
pub(crate) fn tag_of<'a>(row: &'a str, tags: &[&str]) -> (&'a str, &'a str) {
    match tag(row) {
        (word, rest) if tags.iter().any(|known| known.eq_ignore_ascii_case(word)) => (word, rest),
        _ => ("", row),
    }
}

/// The text of a row, decoded field by field: one name in another encoding must not spoil its neighbours, and a long
/// template must not be searched for one.
pub(crate) fn decode(line: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(line)
        && !text.contains('\0')
    {
        return text.to_owned();
    }
    let fields: Vec<String> = line
        .split(|&byte| byte == b'\t')
        .map(text::decode)
        .collect();
    fields.join("\t")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn owned(pairs: &[(&str, &str)]) -> Pairs {
        Pairs(
            pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn values_keep_their_blanks_and_equal_signs() {
        assert_eq!(
            Pairs::read("PIN=1\tName=TEST ONE\tTMP=ab=="),
            owned(&[("PIN", "1"), ("Name", "TEST ONE"), ("TMP", "ab==")])
        );
        assert_eq!(
            Pairs::read("PIN=1001    DateTime=2025-09-02 14:32:11    Verified=1"),
            owned(&[
                ("PIN", "1001"),
                ("DateTime", "2025-09-02 14:32:11"),
                ("Verified", "1")
            ])
        );
        assert_eq!(
            Pairs::read("PIN=13 Name= Pri=0 TMP=a=="),
            owned(&[("PIN", "13"), ("Name", ""), ("Pri", "0"), ("TMP", "a==")])
        );
    }

    #[test]
    fn a_comma_inside_of_a_value_is_no_separator() {
        assert_eq!(
            split_before_keys("A=1,~B=x, y,C=3", &[',', '&']),
            ["A=1", "~B=x, y", "C=3"]
        );
        assert_eq!(
            split_before_keys("Key1=Val1, ~Key2=Val2", &[',', '&']),
            ["Key1=Val1", "~Key2=Val2"]
        );
    }

    #[test]
    fn a_date_is_joined_with_its_time() {
        assert_eq!(
            fields("1004 2026-08-09 11:30:00 0 1"),
            ["1004", "2026-08-09 11:30:00", "0", "1"]
        );
    }

    #[test]
    fn a_row_may_lack_its_tag() {
        assert_eq!(tag("USER PIN=1\tName="), ("USER", "PIN=1\tName="));
        assert_eq!(tag("PIN=1\tName="), ("", "PIN=1\tName="));
        assert_eq!(tag("junk"), ("junk", ""));
    }

    proptest! {
        #[test]
        fn no_row_panics(row: String) {
            Pairs::read(&row);
            fields(&row);
            tag(&row);
            split_before_keys(&row, &[',', '&', ' ']);
        }
    }
}
