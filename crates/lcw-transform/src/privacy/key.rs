//! Keyed hashes, and the key that makes pseudonyms.

use std::borrow::Cow;
use std::fmt::{self, Write};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What a key's own id is made of: no id of the service looks like this.
const KEY_ID_OF: &str = "lcw: the id of this pseudonym key";
/// Hex digits of a key's id: enough to tell keys apart, too few to be a test for guesses.
const KEY_ID_DIGITS: usize = 16;

/// HMAC-SHA-256 under one key, which is not printed.
#[derive(Clone)]
pub struct KeyedHash {
    state: Hmac<Sha256>,
}

impl KeyedHash {
    /// The hash under a key of any length.
    ///
    /// # Panics
    /// Never: HMAC takes keys of every length.
    pub fn new(key: &[u8]) -> Self {
        Self {
            state: Hmac::new_from_slice(key).expect("HMAC takes keys of every length"),
        }
    }

    /// The hash of a text, in 64 lower-case hex digits.
    pub fn hex(&self, text: &str) -> String {
        let mut state = self.state.clone();
        state.update(text.as_bytes());
        let bytes = state.finalize().into_bytes();
        let mut hex = String::with_capacity(2 * bytes.len());
        for byte in bytes {
            // Writing to a String cannot fail.
            let _infallible = write!(hex, "{byte:02x}");
        }
        hex
    }
}

impl fmt::Debug for KeyedHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("KeyedHash(…)")
    }
}

/// The key that makes pseudonyms. Shows its id, never itself.
#[derive(Clone)]
pub struct PseudonymKey {
    hash: KeyedHash,
    id: String,
}

/// A key that can be guessed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "it has {bytes} bytes, and a key needs {} at least",
    PseudonymKey::SHORTEST
)]
pub struct WeakKey {
    bytes: usize,
}

impl PseudonymKey {
    /// Bytes of the shortest key: as many as the hash has.
    pub const SHORTEST: usize = 32;

    /// The key that a secret is.
    ///
    /// # Errors
    /// A secret of less than [`SHORTEST`](Self::SHORTEST) bytes.
    pub fn new(secret: &[u8]) -> Result<Self, WeakKey> {
        if secret.len() < Self::SHORTEST {
            return Err(WeakKey {
                bytes: secret.len(),
            });
        }
        let hash = KeyedHash::new(secret);
        let mut id = hash.hex(KEY_ID_OF);
        id.truncate(KEY_ID_DIGITS);
        Ok(Self { hash, id })
    }

    /// What the key is called: derived from it, so that another key is found out.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The pseudonym of a person's id or of a text about people: HMAC-SHA-256 of its UTF-8 in 64
    /// hex digits. A GUID is the same in capitals.
    pub fn pseudonym(&self, text: &str) -> String {
        self.hash.hex(&folded(text))
    }

    /// The same for a part of a key, which is another one with every other letter.
    pub(super) fn pseudonym_of_key(&self, text: &str) -> String {
        self.hash.hex(text)
    }
}

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PseudonymKey({})", self.id)
    }
}

/// A GUID in lower case; any other text as it is.
fn folded(text: &str) -> Cow<'_, str> {
    let has_capitals = || text.bytes().any(|byte| byte.is_ascii_uppercase());
    if is_guid(text) && has_capitals() {
        text.to_ascii_lowercase().into()
    } else {
        text.into()
    }
}

fn is_guid(text: &str) -> bool {
    let is_in_place = |(position, byte): (usize, u8)| match position {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(is_in_place)
}
