//! How PFX files make keys of passwords (RFC 7292, appendix B; RFC 8018, section 5.2).

use std::num::NonZeroU32;

use aws_lc_rs::{digest, hmac, pbkdf2};

use super::MOST_ROUNDS;

/// A hash function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Digest {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

/// What a key is for: the diversifier of PKCS #12's derivation.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    Key = 1,
    Iv = 2,
    Mac = 3,
}

impl Digest {
    /// By its own object identifier: 1.3.14.3.2.26, 2.16.840.1.101.3.4.2.x.
    pub(super) fn of_hash(oid: &[u8]) -> Option<Self> {
        match oid {
            [0x2b, 0x0e, 3, 2, 26] => Some(Self::Sha1),
            [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1] => Some(Self::Sha256),
            [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2] => Some(Self::Sha384),
            [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3] => Some(Self::Sha512),
            _ => None,
        }
    }

    /// By the object identifier of its HMAC, 1.2.840.113549.2.x.
    pub(super) fn of_hmac(oid: &[u8]) -> Option<Self> {
        match oid {
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, kind] => match kind {
                7 => Some(Self::Sha1),
                9 => Some(Self::Sha256),
                10 => Some(Self::Sha384),
                11 => Some(Self::Sha512),
                _ => None,
            },
            _ => None,
        }
    }

    pub(super) fn hmac(self) -> hmac::Algorithm {
        match self {
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha384 => hmac::HMAC_SHA384,
            Self::Sha512 => hmac::HMAC_SHA512,
        }
    }

    fn hash(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }

    fn pbkdf2(self) -> pbkdf2::Algorithm {
        match self {
            Self::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
            Self::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Self::Sha384 => pbkdf2::PBKDF2_HMAC_SHA384,
            Self::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        }
    }
}

/// PBKDF2; `None` when the number of rounds is 0 or unreasonable.
pub(super) fn pbkdf2(
    digest: Digest,
    password: &str,
    salt: &[u8],
    rounds: u32,
    length: usize,
) -> Option<Vec<u8>> {
    let rounds = NonZeroU32::new(rounds).filter(|rounds| rounds.get() <= MOST_ROUNDS)?;
    let mut key = vec![0; length];
    pbkdf2::derive(digest.pbkdf2(), rounds, salt, password.as_bytes(), &mut key);
    Some(key)
}

/// PKCS #12's own derivation; `None` when the number of rounds is 0 or unreasonable.
///
/// `password` is UTF-16, big endian, with its terminator.
pub(super) fn pkcs12(
    digest: Digest,
    purpose: Purpose,
    password: &[u8],
    salt: &[u8],
    rounds: u32,
    length: usize,
) -> Option<Vec<u8>> {
    if rounds == 0 || rounds > MOST_ROUNDS || length > 1024 {
        return None;
    }
    let block = digest.hash().block_len();
    let diversifier = vec![purpose as u8; block];
    let mut input = fill(salt, block);
    input.extend(fill(password, block));
    let mut key = Vec::with_capacity(length + block);
    while key.len() < length {
        let mut hash = digest::digest(digest.hash(), &[&*diversifier, &*input].concat());
        for _ in 1..rounds {
            hash = digest::digest(digest.hash(), hash.as_ref());
        }
        key.extend_from_slice(hash.as_ref());
        let addend = &fill(hash.as_ref(), block)[..block];
        input
            .chunks_mut(block)
            .for_each(|chunk| add_one_and(chunk, addend));
    }
    key.truncate(length);
    Some(key)
}

/// Repeats bytes until they fill whole blocks; nothing stays nothing.
fn fill(bytes: &[u8], block: usize) -> Vec<u8> {
    let length = bytes.len().div_ceil(block) * block;
    bytes.iter().copied().cycle().take(length).collect()
}

/// Adds `addend` and 1 to a big-endian number of the same length; what overflows is lost.
fn add_one_and(number: &mut [u8], addend: &[u8]) {
    let mut carry = 1;
    for (digit, other) in number.iter_mut().zip(addend).rev() {
        let sum = u16::from(*digit) + u16::from(*other) + carry;
        let [high, low] = sum.to_be_bytes();
        (carry, *digit) = (u16::from(high), low);
    }
}
