//! Reading the claims of a token that is ours anyway: nothing is verified here,
//! and nothing is decided by it that the service would not decide again.

use serde::Deserialize;

/// The claims of use to us.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Claims {
    /// The tenant's id.
    #[serde(default)]
    pub(crate) tid: Option<String>,
    /// When the token ends, in seconds since 1970.
    #[serde(default)]
    pub(crate) exp: Option<f64>,
}

/// The claims of a JSON web token; `None` for anything else (a token may be opaque).
pub(crate) fn claims(token: &str) -> Option<Claims> {
    serde_json::from_slice(&payload(token)?).ok()
}

/// The middle of a token of three parts, decoded.
pub(crate) fn payload(token: &str) -> Option<Vec<u8>> {
    let mut parts = token.split('.');
    let payload = parts.nth(1)?;
    parts.next()?;
    decode_base64url(payload)
}

/// Base64 with the URL alphabet, without padding (RFC 7515, section 2).
fn decode_base64url(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4 + 1);
    let mut bits = 0_u32;
    let mut held = 0;
    for character in text.trim_end_matches('=').bytes() {
        let value = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tenant_and_the_end_are_read() {
        // {"tid":"7f1c0f52-0000-4000-8000-00000000a11c","exp":1790000000,"name":"Jörg"}
        let token = "eyJhbGciOiJub25lIn0.eyJ0aWQiOiI3ZjFjMGY1Mi0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMGExMWMiLCJleHAiOjE3OTAwMDAwMDAsIm5hbWUiOiJKw7ZyZyJ9.sig";
        let claims = claims(token).unwrap();
        assert_eq!(
            claims.tid.as_deref(),
            Some("7f1c0f52-0000-4000-8000-00000000a11c")
        );
        assert_eq!(claims.exp, Some(1_790_000_000.0));
    }

    #[test]
    fn an_opaque_token_has_no_claims() {
        for token in [
            "",
            "opaque",
            "a.b",
            "a.!.c",
            "a..c",
            "a.e30",
            "a.bm90IGpzb24.c",
            "..",
            "é.é.é",
        ] {
            assert_eq!(claims(token), None, "{token}");
        }
        assert_eq!(
            claims("a.e30.c"),
            Some(Claims {
                tid: None,
                exp: None
            })
        );
    }
}
