//! Bytes of a terminal to text: UTF-8 where it is valid, else GB18030 (terminals set to Chinese), else Latin-1.

use std::borrow::Cow;

/// Text of `bytes`, without NUL bytes: firmware written in C leaves them behind, and no reader of ours can keep them.
pub(crate) fn decode(bytes: &[u8]) -> String {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            match encoding_rs::GB18030.decode_without_bom_handling_and_without_replacement(bytes) {
                Some(text) => text.into_owned(),
                None => bytes.iter().map(|&byte| char::from(byte)).collect(),
            }
        }
    };
    if text.contains('\0') {
        text.replace('\0', "")
    } else {
        text
    }
}

/// Simplified Chinese.
const CHINESE: Option<u16> = Some(83);

/// `text` in the encoding a terminal of this language reads: GB18030 for Simplified Chinese (vendor papers 2015 and
/// later), UTF-8 for all others.
pub(crate) fn encode_for(text: &str, language: Option<u16>) -> Cow<'_, [u8]> {
    match language {
        CHINESE => encoding_rs::GB18030.encode(text).0,
        _ => Cow::Borrowed(text.as_bytes()),
    }
}

/// The first bytes of `text`, at most `limit`, cut between two characters.
pub(crate) fn cut(text: &str, limit: usize) -> &str {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The same, with the limit in bytes of the encoding that a terminal of this language reads.
pub(crate) fn cut_for(text: &str, limit: usize, language: Option<u16>) -> &str {
    let mut room = limit;
    for (at, letter) in text.char_indices() {
        let length = encode_for(letter.encode_utf8(&mut [0; 4]), language).len();
        if length > room {
            return &text[..at];
        }
        room -= length;
    }
    text
}

/// As much as a terminal of any language holds in so many bytes.
pub(crate) fn longest_cut(text: &str, limit: usize) -> &str {
    let (other, chinese) = (cut(text, limit), cut_for(text, limit, CHINESE));
    if chinese.len() > other.len() {
        chinese
    } else {
        other
    }
}

/// Lines of a body without their ends: LF or CR LF. Lines of nothing but blanks and NUL bytes are left out.
pub(crate) fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    body.split(|&byte| byte == b'\n').filter_map(|line| {
        let line = trim_end(line);
        line.iter()
            .any(|&byte| !matches!(byte, b' ' | b'\t' | 0))
            .then_some(line)
    })
}

fn trim_end(mut line: &[u8]) -> &[u8] {
    while let [rest @ .., b'\r' | 0] = line {
        line = rest;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_utf_8_then_gb18030_then_latin_1() {
        assert_eq!(decode("José".as_bytes()), "José");
        assert_eq!(decode(&[0xd6, 0xd0]), "中");
        assert_eq!(decode(&[b'J', b'o', b's', 0xe9]), "José");
        assert_eq!(decode(b"A\0B\0"), "AB");
    }

    #[test]
    fn a_name_is_cut_between_characters() {
        assert_eq!(cut("ééé", 5), "éé");
        assert_eq!(cut("abc", 5), "abc");
    }

    #[test]
    fn a_text_is_cut_in_the_encoding_that_is_sent() {
        assert_eq!(cut_for("中国人", 5, Some(83)), "中国");
        assert_eq!(cut_for("中国人", 5, Some(69)), "中");
        assert_eq!(longest_cut("中国人", 5), "中国");
        // Hangul is longer there than in UTF-8.
        assert_eq!(cut_for("한국", 6, Some(83)), "한");
        assert_eq!(longest_cut("한국", 6), "한국");
    }

    #[test]
    fn blank_lines_are_no_lines() {
        let found: Vec<&[u8]> = lines(b"a\r\n\n \0\nb\0").collect();
        assert_eq!(found, [b"a", b"b"]);
    }

    #[test]
    fn chinese_terminals_get_gb18030() {
        assert_eq!(encode_for("中", Some(83)).as_ref(), [0xd6, 0xd0]);
        assert_eq!(encode_for("中", Some(69)).as_ref(), "中".as_bytes());
    }
}
