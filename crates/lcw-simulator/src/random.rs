//! Everything that looks random is a hash of the seed and of what is being decided.

/// Spreads one word over all 64 bits (the finalizer of `SplitMix64`).
pub(crate) const fn scramble(word: u64) -> u64 {
    let mut mixed = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Hashes a sequence of words.
pub(crate) fn mix(words: &[u64]) -> u64 {
    words.iter().fold(0x51_7c_c1_b7, |state, &word| {
        scramble(state ^ scramble(word))
    })
}

/// Hashes a text under a seed.
pub(crate) fn mix_text(seed: u64, text: &str) -> u64 {
    text.bytes().fold(scramble(seed), |state, byte| {
        scramble(state ^ u64::from(byte))
    })
}

/// A number in `0..bound`; 0 when `bound` is 0.
pub(crate) fn below(hash: u64, bound: u64) -> u64 {
    if bound == 0 {
        0
    } else {
        scramble(hash) % bound
    }
}

/// A number in `low..=high`; `low` when the range is empty.
pub(crate) fn between(hash: u64, low: u64, high: u64) -> u64 {
    low + below(hash, high.saturating_sub(low).saturating_add(1))
}

/// True with the given probability.
pub(crate) fn chance(hash: u64, probability: f64) -> bool {
    unit(scramble(hash)) < probability
}

#[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
fn unit(hash: u64) -> f64 {
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}

/// A GUID of version 4 made of two hashes.
pub(crate) fn guid(hash: u64) -> u128 {
    let wide = (u128::from(scramble(hash)) << 64) | u128::from(scramble(hash ^ 0x00c0_ffee));
    let versioned = (wide & !(0xf << 76)) | (0x4 << 76);
    (versioned & !(0x3 << 62)) | (0x2 << 62)
}

/// Appends the 36 characters of a GUID.
pub(crate) fn push_guid(out: &mut Vec<u8>, guid: u128) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
    let mut text = [b'-'; 36];
    for (byte, at) in guid.to_be_bytes().into_iter().zip(PLACES) {
        text[at] = DIGITS[usize::from(byte >> 4)];
        text[at + 1] = DIGITS[usize::from(byte & 0xf)];
    }
    out.extend_from_slice(&text);
}

/// The 36 characters of a GUID.
pub(crate) fn guid_text(guid: u128) -> String {
    let mut out = Vec::with_capacity(36);
    push_guid(&mut out, guid);
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_have_the_version_and_variant_of_random_ones() {
        for hash in 0..200 {
            let text = guid_text(guid(hash));
            assert_eq!(text.len(), 36, "{text}");
            assert_eq!(text.as_bytes()[14], b'4', "{text}");
            assert!(
                matches!(text.as_bytes()[19], b'8' | b'9' | b'a' | b'b'),
                "{text}"
            );
        }
    }

    #[test]
    fn chances_come_out_near_their_probability() {
        let hits = (0..10_000).filter(|&hash| chance(hash, 0.25)).count();
        assert!((2_300..2_700).contains(&hits), "{hits}");
        assert!(!chance(1, 0.0));
        assert!(chance(1, 1.0));
    }

    #[test]
    fn ranges_include_both_ends() {
        let seen: std::collections::BTreeSet<u64> =
            (0..100).map(|hash| between(hash, 3, 5)).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [3, 4, 5]);
        assert_eq!(between(7, 9, 9), 9);
    }
}
