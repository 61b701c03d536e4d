//! JSON files that say what their contents were: the last key is the SHA-256 of all before it.
//!
//! Nothing else links to the newest manifest or to `_dataset.json`, so a bit that flips in them
//! would go unnoticed. This finds accidents; whoever can write to the folder can seal anew.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::format::digest_of;

const BEFORE: &str = ",\n  \"content_sha256\": \"";
const AFTER: &str = "\"\n}\n";
const DIGEST: usize = 64;

/// An object as the text of its file, which ends with the digest of what comes before.
pub(crate) fn sealed(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    // The brace and the line before it.
    bytes.truncate(bytes.len() - 2);
    let digest = digest_of(&bytes);
    for part in [BEFORE, &digest, AFTER] {
        bytes.extend_from_slice(part.as_bytes());
    }
    Ok(bytes)
}

/// Reads such an object. `Ok(None)` when it is not what was written, though it can be read.
///
/// A file without a digest is one of an earlier version, and has no keys but those of `T`: a
/// damaged digest is not taken for none.
pub(crate) fn unsealed<T: Serialize + DeserializeOwned>(
    bytes: &[u8],
) -> serde_json::Result<Option<T>> {
    let value: T = serde_json::from_slice(bytes)?;
    let is_intact = match digest_in(bytes) {
        Some((contents, digest)) => digest_of(contents).as_bytes() == digest,
        None => has_only_known_keys(bytes, &value)?,
    };
    Ok(is_intact.then_some(value))
}

/// What a file says that its contents were, and these.
fn digest_in(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = bytes.strip_suffix(AFTER.as_bytes())?;
    let (rest, digest) = rest.split_at_checked(rest.len().checked_sub(DIGEST)?)?;
    let contents = rest.strip_suffix(BEFORE.as_bytes())?;
    Some((contents, digest))
}

fn has_only_known_keys(bytes: &[u8], value: &impl Serialize) -> serde_json::Result<bool> {
    let keys: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(bytes)?;
    let known = serde_json::to_value(value)?;
    Ok(keys.keys().all(|key| known.get(key).is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Thing {
        name: String,
        #[serde(default)]
        maybe: Option<u32>,
    }

    fn thing() -> Thing {
        Thing {
            name: "é\n\"".into(),
            maybe: Some(7),
        }
    }

    #[test]
    fn what_was_sealed_is_read_back_and_is_json_with_one_more_key() {
        let bytes = sealed(&thing()).unwrap();
        assert_eq!(unsealed::<Thing>(&bytes).unwrap(), Some(thing()));
        let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let digest = value["content_sha256"].as_str().unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (contents, _) = text.split_once(",\n  \"content_sha256\"").unwrap();
        assert_eq!(digest, digest_of(contents.as_bytes()));
        assert!(text.ends_with("\"\n}\n"));
    }

    #[test]
    fn no_flipped_bit_goes_unnoticed() {
        let bytes = sealed(&thing()).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let read = unsealed::<Thing>(&flipped);
            assert!(!matches!(read, Ok(Some(_))), "bit {bit}: {read:?}");
        }
    }

    #[test]
    fn a_file_of_an_earlier_version_has_no_digest() {
        let plain = serde_json::to_vec_pretty(&thing()).unwrap();
        assert_eq!(unsealed::<Thing>(&plain).unwrap(), Some(thing()));
        let other = br#"{"name": "a", "content_sha25": "0"}"#;
        assert_eq!(unsealed::<Thing>(other).unwrap(), None);
    }

    #[test]
    fn a_newer_file_may_have_more_keys() {
        #[derive(Serialize)]
        struct Newer {
            name: &'static str,
            added: bool,
        }
        let bytes = sealed(&Newer {
            name: "a",
            added: true,
        });
        let read = unsealed::<Thing>(&bytes.unwrap()).unwrap().unwrap();
        assert_eq!(read.name, "a");
    }
}
