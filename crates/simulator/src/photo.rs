//! A picture as small as JPEG allows, made as large as a terminal's with a comment.

/// Grey, 8 by 8: one quantisation table of ones, one code per Huffman table, both coefficients zero.
fn smallest() -> Vec<u8> {
    let mut bytes = vec![0xff, 0xdb, 0x00, 0x43, 0x00];
    bytes.extend([1; 64]);
    bytes.extend([0xff, 0xc0, 0x00, 0x0b, 8, 0, 8, 0, 8, 1, 1, 0x11, 0]);
    for class in [0x00, 0x10] {
        bytes.extend([0xff, 0xc4, 0x00, 0x14, class, 1]);
        bytes.extend([0; 16]);
    }
    bytes.extend([0xff, 0xda, 0x00, 0x08, 1, 1, 0, 0, 63, 0, 0x3f, 0xff, 0xd9]);
    bytes
}

/// A valid JPEG of about `size` bytes.
pub(crate) fn jpeg(size: usize) -> Vec<u8> {
    const LONGEST_COMMENT: usize = 65_000;
    let picture = smallest();
    let mut bytes = vec![0xff, 0xd8];
    let mut missing = size.saturating_sub(picture.len() + 2);
    while missing > 4 {
        let comment = missing.min(LONGEST_COMMENT) - 4;
        let length = u16::try_from(comment + 2).unwrap_or(u16::MAX);
        bytes.extend([0xff, 0xfe]);
        bytes.extend(length.to_be_bytes());
        bytes.resize(bytes.len() + comment, b' ');
        missing -= comment + 4;
    }
    bytes.extend(picture);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_the_size_that_was_asked_for() {
        for size in [0, 1000, 60_000, 200_000] {
            let bytes = jpeg(size);
            assert!(bytes.starts_with(&[0xff, 0xd8, 0xff]) && bytes.ends_with(&[0xff, 0xd9]));
            assert!(
                bytes.len() <= size.max(200) && bytes.len() + 8 >= size,
                "{size}: {}",
                bytes.len()
            );
        }
    }
}
