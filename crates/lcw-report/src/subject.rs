//! Subjects as keys: an exact or hashed number instead of a text per row.

use std::hash::{DefaultHasher, Hash, Hasher};

/// A subject's id as a number: a GUID is its own 128 bits, any other text two hashes of 64 bits.
pub(crate) fn key(id: &str) -> u128 {
    guid(id).unwrap_or_else(|| {
        let half = |salt: u8| {
            let mut hasher = DefaultHasher::new();
            (salt, id).hash(&mut hasher);
            u128::from(hasher.finish())
        };
        half(1) << 64 | half(2)
    })
}

/// The number that a GUID in its usual form stands for; upper and lower case are the same.
pub(crate) fn guid(text: &str) -> Option<u128> {
    let bytes = text.as_bytes();
    let is_dash = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    let shaped = bytes.len() == 36
        && bytes.iter().enumerate().all(|(at, byte)| {
            if is_dash(at) {
                *byte == b'-'
            } else {
                byte.is_ascii_hexdigit()
            }
        });
    if !shaped {
        return None;
    }
    let digits = text.chars().filter_map(|letter| letter.to_digit(16));
    Some(digits.fold(0, |number, digit| number << 4 | u128::from(digit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_are_numbers_and_other_texts_are_hashed() {
        let id = "0000000a-0000-0000-0000-00000000000F";
        assert_eq!(guid(id), Some((10 << 96) | 15));
        assert_eq!(key(id), key(&id.to_lowercase()));
        for other in [
            "",
            "x",
            "0000000a-0000-0000-0000-00000000000",
            "0000000a+0000-0000-0000-00000000000f",
        ] {
            assert_eq!(guid(other), None, "{other}");
            assert_ne!(key(other), key(&format!("{other}x")));
        }
    }
}
