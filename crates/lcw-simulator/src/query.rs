//! Percent-encoding and the query options of a request.

use crate::expand::Expansion;

/// Decodes `%xx`, and `+` as a space where `form` says so.
pub(crate) fn decode(text: &str, form: bool) -> String {
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match (byte, text.get(at..at + 2)) {
            (b'%', Some(digits)) => match u8::from_str_radix(digits, 16) {
                Ok(decoded) => {
                    out.push(decoded);
                    at += 2;
                }
                Err(_) => out.push(byte),
            },
            (b'+', _) if form => out.push(b' '),
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Splits `a=b&c=d` into decoded pairs.
pub(crate) fn pairs(query: &str) -> impl Iterator<Item = (String, String)> + '_ {
    query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(key, true), decode(value, true))
        })
}

/// The value of one key.
pub(crate) fn value(query: &str, key: &str) -> Option<String> {
    pairs(query)
        .find(|(name, _)| name == key)
        .map(|(_, value)| value)
}

/// What a collection was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) filter: Option<String>,
    pub(crate) select: Option<Vec<String>>,
    pub(crate) expand: Option<Expansion>,
    pub(crate) order_by: Option<String>,
    pub(crate) count: bool,
    pub(crate) skip_token: Option<String>,
    /// The options as they came, without the skip token.
    pub(crate) carried: String,
}

/// Why a query is answered with 400.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InvalidOption(pub(crate) String);

impl Options {
    /// Reads the options of a collection or of a single entity.
    pub(crate) fn parse(query: &str) -> Result<Self, InvalidOption> {
        let mut options = Self::default();
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let (key, raw) = part.split_once('=').unwrap_or((part, ""));
            let (key, value) = (decode(key, true), decode(raw, true));
            if key.eq_ignore_ascii_case("$skiptoken") {
                options.skip_token = Some(value);
                continue;
            }
            options.set(&key, value)?;
            if !options.carried.is_empty() {
                options.carried.push('&');
            }
            options.carried.push_str(part);
        }
        Ok(options)
    }

    fn set(&mut self, key: &str, value: String) -> Result<(), InvalidOption> {
        match key {
            "$filter" => self.filter = Some(value),
            "$select" => {
                self.select = Some(
                    value
                        .split(',')
                        .map(|name| name.trim().to_owned())
                        .collect(),
                );
            }
            "$expand" => self.expand = Some(Expansion::parse(&value)?),
            "$orderby" => self.order_by = Some(value),
            "$count" => self.count = value == "true",
            "$top" | "$skip" | "$search" => {
                return Err(InvalidOption(format!(
                    "The query specified in the URI is not valid. Query option '{key}' is not allowed."
                )));
            }
            key if key.starts_with('$') => {
                return Err(InvalidOption(format!(
                    "The query parameter '{key}' is not supported."
                )));
            }
            // Options without a dollar sign belong to nobody and are ignored.
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_and_what_is_none_stays() {
        assert_eq!(decode("a%2Fb%20c%C3%A9", false), "a/b cé");
        assert_eq!(decode("a+b", true), "a b");
        assert_eq!(decode("a+b", false), "a+b");
        assert_eq!(decode("%é%zz%", false), "%é%zz%");
    }

    #[test]
    fn options_are_carried_as_they_came_but_for_the_skip_token() {
        let options = Options::parse("$filter=id%20eq%20'x'&$skiptoken=abc&$count=true").unwrap();
        assert_eq!(options.filter.as_deref(), Some("id eq 'x'"));
        assert_eq!(options.skip_token.as_deref(), Some("abc"));
        assert_eq!(options.carried, "$filter=id%20eq%20'x'&$count=true");
        assert!(options.count);
    }

    #[test]
    fn what_the_service_does_not_take_is_refused() {
        for query in ["$top=5", "$skip=5", "$expand=runs", "$apply=x"] {
            assert!(Options::parse(query).is_err(), "{query}");
        }
        assert!(Options::parse("unknown=1").is_ok());
    }
}
