use proptest::prelude::*;

use super::*;
use crate::testing::{body, cases};

#[test]
fn the_documented_refusals_are_read() {
    let throttled = parse_error(body("error-429-v1.0-1").as_bytes()).unwrap();
    assert_eq!(throttled.code, "TooManyRequests");
    assert_eq!(throttled.inner_codes, ["429"]);
    assert_eq!(
        throttled.most_specific_code(),
        "TooManyRequests",
        "a number says less"
    );
    assert_eq!(throttled.message, "Please retry again later.");
    assert_eq!(
        throttled.request_id.as_deref(),
        Some("94fb3b52-452a-4535-a601-69e0a90e3aa2")
    );
    assert_eq!(throttled.date.as_deref(), Some("2020-08-18T12:51:51"));

    let forbidden = parse_error(body("error-403-batch-item-v1.0-1").as_bytes()).unwrap();
    assert_eq!(
        forbidden.most_specific_code(),
        "Authorization_RequestDenied"
    );
    assert_eq!(
        forbidden.message,
        "Insufficient privileges to complete the operation."
    );
    assert_eq!(
        forbidden.request_id.as_deref(),
        Some("93b6f17e-c05d-4f45-ad2a-6665c708d8a0")
    );
    assert_eq!(
        forbidden.client_request_id.as_deref(),
        Some("e70c5c1b-8b47-68c0-3171-3d22f5e0bd54")
    );
}

#[test]
fn both_spellings_and_nested_inner_errors_are_followed() {
    let body = br#"{"error":{"code":"","message":"no","innererror":{"code":"generalException",
        "innerError":{"code":"Directory_ExpiredPageToken","request-id":"r","innererror":{"code":"0x8"}}}}}"#;
    let error = parse_error(body).unwrap();
    assert_eq!(
        error.inner_codes,
        ["generalException", "Directory_ExpiredPageToken", "0x8"]
    );
    assert_eq!(error.most_specific_code(), "Directory_ExpiredPageToken");
    assert_eq!(error.request_id.as_deref(), Some("r"));
}

#[test]
fn an_empty_code_falls_back_to_what_there_is() {
    let error = parse_error(br#"{"error":{"code":"","innerError":{"code":"odd"}}}"#).unwrap();
    assert_eq!(error.most_specific_code(), "odd");
    assert_eq!(
        parse_error(br#"{"error":{}}"#)
            .unwrap()
            .most_specific_code(),
        ""
    );
}

#[test]
fn messages_are_one_line_of_bounded_length() {
    let long = "x\\n".repeat(5000);
    let body = format!(r#"{{"error":{{"code":"c","message":"{long}"}}}}"#);
    let message = parse_error(body.as_bytes()).unwrap().message;
    assert_eq!(message.len(), MAX_MESSAGE);
    assert!(message.starts_with("x x x"));
}

#[test]
fn everything_else_is_no_refusal() {
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    for body in [
        &b""[..],
        b"<html><body>502 Bad Gateway</body></html>",
        b"null",
        b"[]",
        b"{}",
        br#"{"error":"invalid_client","error_description":"AADSTS7000215"}"#,
        br#"{"error":{"code":"cut"#,
        b"\xff\xfe",
        deep.as_bytes(),
    ] {
        assert_eq!(parse_error(body), None);
    }
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0..300_usize) {
        drop(parse_error(&bytes));
        let real = body("error-429-v1.0-1");
        drop(parse_error(&real.as_bytes()[..cut.min(real.len())]));
    }
}
