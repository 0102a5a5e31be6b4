//! Texts that a spreadsheet program would run as a formula. An apostrophe before them makes them
//! texts; reading takes it away again.

use std::borrow::Cow;

/// What formulas begin with, and what programs drop before they look for one. A dash alone is none: it
/// stands where there is nothing.
fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text != "-"
}

/// Apostrophes and then a formula: what an apostrophe was put before, or would have to be.
fn is_quoted(text: &str) -> bool {
    text.starts_with('\'') && is_formula(text.trim_start_matches('\''))
}

/// For files without types: a formula, and what looks like one made harmless, gets an apostrophe.
pub fn neutral(text: &str) -> Cow<'_, str> {
    if is_formula(text) || is_quoted(text) {
        format!("'{text}").into()
    } else {
        text.into()
    }
}

/// For files with types, where a text is no formula: whether it should be marked as one that is
/// to stay so when somebody edits it, and the text.
pub fn typed(text: &str) -> (bool, Cow<'_, str>) {
    if is_quoted(text) {
        (true, format!("'{text}").into())
    } else {
        (is_formula(text), text.into())
    }
}

/// The text as it was before either of the above.
pub fn restore(text: &mut String) {
    if is_quoted(text) {
        text.remove(0);
    }
}

#[cfg(test)]
mod tests {
    use super::{neutral, restore, typed};

    #[test]
    fn a_formula_becomes_a_text_and_comes_back() {
        for (text, written, in_workbook) in [
            ("=1+1", "'=1+1", "=1+1"),
            ("+91 80", "'+91 80", "+91 80"),
            ("-", "-", "-"),
            ("'-", "'-", "'-"),
            ("--", "'--", "--"),
            ("@x", "'@x", "@x"),
            ("\tx", "'\tx", "\tx"),
            ("\r", "'\r", "\r"),
            ("'=x", "''=x", "''=x"),
            ("''=x", "'''=x", "'''=x"),
            ("'x", "'x", "'x"),
            ("a=1", "a=1", "a=1"),
            ("", "", ""),
        ] {
            assert_eq!(neutral(text), written, "{text:?}");
            assert_eq!(typed(text).1, in_workbook, "{text:?}");
            for stored in [neutral(text), typed(text).1] {
                let mut read = stored.into_owned();
                restore(&mut read);
                assert_eq!(read, text);
            }
        }
    }
}
