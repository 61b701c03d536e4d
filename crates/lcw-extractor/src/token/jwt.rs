//! Reading the claims of a token that is ours anyway: nothing is verified here,
//! and nothing is decided by it that the service would not decide again.

use serde::Deserialize;
use serde::de::IgnoredAny;

/// The claims of use to us.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
pub(crate) struct Claims {
    /// The tenant's id.
    #[serde(default)]
    pub(crate) tid: Option<String>,
    /// When the token ends, in seconds since 1970.
    #[serde(default)]
    pub(crate) exp: Option<f64>,
    /// Whom the token is for.
    #[serde(default)]
    aud: Option<Audience>,
}

/// One audience, or several (RFC 7519, section 4.1.3).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
    Odd(IgnoredAny),
}

impl Claims {
    /// Whom the token is for; nobody in particular when it does not say.
    pub(crate) fn audiences(&self) -> &[String] {
        match &self.aud {
            Some(Audience::One(one)) => std::slice::from_ref(one),
            Some(Audience::Many(many)) => many,
            Some(Audience::Odd(_)) | None => &[],
        }
    }
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

/// Writes base64 with the URL alphabet, without padding (RFC 7515, section 2).
pub(crate) fn encode_base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let padded = [0, 1, 2].map(|at| u32::from(chunk.get(at).copied().unwrap_or(0)));
        let word = padded[0] << 16 | padded[1] << 8 | padded[2];
        let digits = [18, 12, 6, 0].map(|shift| (word >> shift & 63) as usize);
        let digits = &digits[..=chunk.len()];
        text.extend(digits.iter().map(|digit| char::from(ALPHABET[*digit])));
    }
    text
}

/// Reads base64 with the URL alphabet, with or without padding.
pub(crate) fn decode_base64url(text: &str) -> Option<Vec<u8>> {
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
        assert_eq!(claims("a.e30.c"), Some(Claims::default()));
    }

    #[test]
    fn audiences_are_one_several_or_none() {
        let audiences = |claims: &str| {
            let payload = encode_base64url(claims.as_bytes());
            claims_of(&payload).audiences().to_vec()
        };
        assert_eq!(audiences(r#"{"aud":"https://a"}"#), ["https://a"]);
        assert_eq!(audiences(r#"{"aud":["a","b"]}"#), ["a", "b"]);
        assert!(audiences(r#"{"aud":7}"#).is_empty());
        assert!(audiences("{}").is_empty());
    }

    fn claims_of(payload: &str) -> Claims {
        claims(&format!("e30.{payload}.x")).unwrap()
    }

    #[test]
    fn base64_is_read_as_it_was_written() {
        for length in 0..70_u8 {
            let bytes: Vec<u8> = (0..length).map(|byte| byte.wrapping_mul(73)).collect();
            let text = encode_base64url(&bytes);
            assert_eq!(decode_base64url(&text), Some(bytes), "{text}");
        }
        assert_eq!(encode_base64url(&[0xfb, 0xff]), "-_8");
    }
}
