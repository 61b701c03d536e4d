//! Client assertions: what the login service takes, and in which words it refuses the rest.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair};
use jiff::Timestamp;
use lcw_simulator::{Simulator, TenantConfig};
use serde_json::{Value, json};

use crate::client::{Reply, send};

const TYPE: &str = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";

/// The body of a section of a PEM file.
fn section(pem: &str, name: &str) -> Vec<u8> {
    let begin = format!("-----BEGIN {name}-----");
    let body = pem.split(&begin).nth(1).unwrap();
    let body: String = body
        .split("-----END")
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    decode(body.trim_end_matches('='))
}

fn decode(text: &str) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::new();
    for chunk in text.as_bytes().chunks(4) {
        let word = chunk
            .iter()
            .zip([18, 12, 6, 0])
            .fold(0, |word, (byte, shift)| {
                let digit = alphabet.iter().position(|letter| letter == byte).unwrap();
                word | u32::try_from(digit).unwrap() << shift
            });
        out.extend(&word.to_be_bytes()[1..chunk.len()]);
    }
    out
}

fn encode(bytes: &[u8]) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk
            .iter()
            .zip([16, 8, 0])
            .fold(0, |word, (byte, shift)| word | u32::from(*byte) << shift);
        out.extend(
            (0..=chunk.len())
                .map(|place| char::from(alphabet[(word >> (18 - 6 * place) & 63) as usize])),
        );
    }
    out
}

/// An assertion as an exporter would make it, to be changed before it is signed.
struct Draft {
    pem: &'static str,
    encoding: &'static dyn RsaEncoding,
    header: Value,
    claims: Value,
}

impl Draft {
    fn new(simulator: &Simulator, number: u32) -> Self {
        let pem = Simulator::client_certificate_pem();
        let thumbprint = encode(digest(&SHA256, &section(pem, "CERTIFICATE")).as_ref());
        let (origin, tenant) = (simulator.origin(), simulator.tenant_id());
        let now = Timestamp::now().as_second();
        Self {
            pem,
            encoding: &RSA_PSS_SHA256,
            header: json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint }),
            claims: json!({
                "aud": format!("{origin}/{tenant}/oauth2/v2.0/token"),
                "iss": simulator.client_id(),
                "sub": simulator.client_id(),
                "jti": format!("assertion {number}"),
                "nbf": now,
                "exp": now + 600,
            }),
        }
    }

    fn sign(&self) -> String {
        let key = RsaKeyPair::from_pkcs8(&section(self.pem, "PRIVATE KEY")).unwrap();
        let part = |value: &Value| encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(&self.header), part(&self.claims));
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(
            self.encoding,
            &SystemRandom::new(),
            signed.as_bytes(),
            &mut signature,
        )
        .unwrap();
        format!("{signed}.{}", encode(&signature))
    }
}

async fn ask(simulator: &Simulator, assertion: &str) -> Reply {
    let scope = format!("{}/.default", simulator.origin())
        .replace(':', "%3A")
        .replace('/', "%2F");
    let form = format!(
        "grant_type=client_credentials&client_id={}&scope={scope}&client_assertion_type={TYPE}&client_assertion={assertion}",
        simulator.client_id()
    );
    let target = format!("/{}/oauth2/v2.0/token", simulator.tenant_id());
    send(simulator.origin(), "POST", &target, &[], &form)
        .await
        .unwrap()
}

#[track_caller]
fn assert_refused(reply: &Reply, code: u32) {
    let answer = reply.json();
    assert_eq!(
        (reply.status, &answer["error"]),
        (401, &json!("invalid_client")),
        "{answer}"
    );
    assert_eq!(answer["error_codes"][0], code, "{answer}");
}

#[tokio::test]
async fn an_assertion_of_the_registered_certificate_is_good_once() {
    let simulator = Simulator::start(TenantConfig::small(1)).await.unwrap();
    let mut draft = Draft::new(&simulator, 1);
    let assertion = draft.sign();
    assert_eq!(ask(&simulator, &assertion).await.status, 200);
    assert_refused(&ask(&simulator, &assertion).await, 50_027);
    draft.claims["jti"] = "another".into();
    (draft.encoding, draft.header["alg"]) = (&RSA_PKCS1_SHA256, "RS256".into());
    assert_eq!(ask(&simulator, &draft.sign()).await.status, 200);
}

type Change = fn(&mut Draft);

#[tokio::test]
async fn every_part_of_an_assertion_is_checked() {
    let simulator = Simulator::start(TenantConfig::small(1)).await.unwrap();
    let changes: [(u32, Change); 13] = [
        (700_027, |draft| {
            draft.pem = Simulator::strange_certificate_pem();
        }),
        (700_027, |draft| draft.header["x5t#S256"] = "another".into()),
        (700_027, |draft| draft.header["typ"] = "at+jwt".into()),
        (700_027, |draft| draft.header["alg"] = "RS256".into()),
        (50_027, |draft| draft.header["alg"] = "none".into()),
        (700_023, |draft| {
            draft.claims["aud"] = "https://elsewhere.example".into();
        }),
        (700_021, |draft| draft.claims["sub"] = "another".into()),
        (700_211, |draft| draft.claims["iss"] = "another".into()),
        (700_024, |draft| draft.claims["exp"] = 1_600_000_000.into()),
        (700_024, |draft| {
            draft.claims["nbf"] = 9_000_000_000_i64.into();
        }),
        (50_027, |draft| draft.claims["jti"] = "".into()),
        (50_027, |draft| draft.claims["jti"] = Value::Null),
        (700_027, |draft| draft.header["x5t#S256"] = Value::Null),
    ];
    for (number, (code, change)) in (0..).zip(changes) {
        let mut draft = Draft::new(&simulator, number);
        change(&mut draft);
        assert_refused(&ask(&simulator, &draft.sign()).await, code);
    }
    assert_refused(&ask(&simulator, "no-token").await, 50_027);
    let mut altered = Draft::new(&simulator, 99).sign();
    altered.replace_range(altered.len() - 4.., "AAAA");
    assert_refused(&ask(&simulator, &altered).await, 700_027);
    simulator.update_config(|config| config.access.login_skew_seconds = 3_600);
    assert_refused(
        &ask(&simulator, &Draft::new(&simulator, 100).sign()).await,
        700_024,
    );
}

#[tokio::test]
async fn a_federated_token_is_the_one_that_is_in_the_file_now() {
    let simulator = Simulator::start(TenantConfig::small(1)).await.unwrap();
    let first = simulator.rotate_federated_token();
    assert_eq!(ask(&simulator, &first).await.status, 200);
    assert_eq!(
        ask(&simulator, &first).await.status,
        200,
        "it may be used again"
    );
    let second = simulator.rotate_federated_token();
    assert_refused(&ask(&simulator, &first).await, 700_024);
    assert_eq!(ask(&simulator, &second).await.status, 200);
    let trusted = lcw_simulator::FederatedIdentity::default();
    let of = |issuer: &str, subject: &str| simulator.federated_token_of(issuer, subject);
    assert_refused(
        &ask(&simulator, &of("https://other", &trusted.subject)).await,
        700_211,
    );
    assert_refused(
        &ask(&simulator, &of(&trusted.issuer, "other")).await,
        700_213,
    );
    simulator.update_config(|config| config.access.federated = None);
    assert_refused(&ask(&simulator, &second).await, 70_021);
}
