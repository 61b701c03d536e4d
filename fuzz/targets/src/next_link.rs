//! Where a next link may lead: to the origin that was configured, and nowhere else.
//!
//! Redirects have no reader that could be fuzzed: none is followed, wherever it leads.

use std::net::IpAddr;

use http::Uri;
use lcw_extractor::Origin;
use lcw_extractor::fuzzing::next_link as follow;

/// Scheme, host and port of origins that a token is for.
const ORIGINS: [(&str, &str, u16); 6] = [
    ("https", "graph.microsoft.com", 443),
    ("https", "graph.example", 8443),
    ("http", "127.0.0.1", 8080),
    ("http", "localhost", 80),
    ("http", "[::1]", 99),
    ("https", "xn--r8jz45g.example", 443),
];

/// A text as a next link of each origin, and as an origin.
pub fn next_link(data: &[u8]) {
    // More than `http` takes for a URL is refused by it, whatever it is.
    let Some(text) = std::str::from_utf8(data)
        .ok()
        .filter(|text| text.len() < 8_192)
    else {
        return;
    };
    for (scheme, host, port) in ORIGINS {
        let origin = Origin::parse(&format!("{scheme}://{host}:{port}")).unwrap();
        if let Some(url) = follow(&origin, text) {
            assert_eq!(parts(&url), (scheme, host.to_owned(), port), "{text:?}");
            as_written(text, (scheme, host, port));
        }
    }
    as_origin(text);
}

/// Where a request to this URL goes: read by `http`, whose word the connection is made by.
fn parts(url: &str) -> (&'static str, String, u16) {
    let uri: Uri = url.parse().unwrap();
    let authority = uri.authority().unwrap();
    assert!(!authority.as_str().contains('@'), "{url:?} names a user");
    assert!(!url.contains('#'), "{url:?} has a fragment");
    let (scheme, default) = match uri.scheme_str() {
        Some("https") => ("https", 443),
        Some("http") => ("http", 80),
        other => panic!("{url:?} has the scheme {other:?}"),
    };
    let port = authority.port_u16().unwrap_or(default);
    (scheme, authority.host().to_owned(), port)
}

/// The link itself, where RFC 3986 can read it: without the blanks and backslashes that browsers
/// forgive.
fn as_written(link: &str, (scheme, host, port): (&str, &str, u16)) {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\' && byte != b'%';
    if !link.bytes().all(is_plain) || host.contains(|it: char| it.is_ascii_digit() || it == ':') {
        return;
    }
    let Some((written, rest)) = link.split_once("://") else {
        return;
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = rest[..end].rsplit('@').next().unwrap();
    // Browsers skip any number of slashes.
    let is_scheme = written.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if authority.is_empty() || !is_scheme {
        return;
    }
    let (name, number) = authority.split_once(':').unwrap_or((authority, ""));
    let default = if scheme == "https" { 443 } else { 80 };
    let number = if number.is_empty() {
        default
    } else {
        number.parse().unwrap()
    };
    assert!(written.eq_ignore_ascii_case(scheme), "{link:?}");
    assert!(name.eq_ignore_ascii_case(host), "{link:?}");
    assert_eq!(number, port, "{link:?}");
}

/// What is taken for an origin is one, and a safe one.
fn as_origin(text: &str) {
    let Ok(origin) = Origin::parse(text) else {
        return;
    };
    let shown = origin.to_string();
    // Names that no host can have, such as `{`.
    if shown.parse::<Uri>().is_err() {
        return;
    }
    assert_eq!(Origin::parse(&shown).unwrap(), origin, "{text:?}");
    let (scheme, host, port) = parts(&shown);
    let bare = host.trim_matches(['[', ']']);
    let is_loopback = match bare.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => bare == "localhost",
    };
    assert!(scheme == "https" || is_loopback, "{text:?}");
    assert_eq!(origin.is_loopback(), is_loopback, "{text:?}");
    let own = format!("{shown}/v1.0/x?$skiptoken=a%20b");
    assert_eq!(follow(&origin, &own), Some(own.clone()), "{text:?}");
    for foreign in [
        format!("{scheme}://{host}.evil.example:{port}/"),
        format!("{scheme}://{host}:{}/", port ^ 1),
        format!("{scheme}://{host}:{port}@evil.example/"),
        format!("ftp://{host}:{port}/"),
    ] {
        assert_eq!(follow(&origin, &foreign), None, "{foreign:?}");
    }
}
