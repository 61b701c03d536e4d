//! Certificate files as people have them.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaParameters, UnparsedPublicKey,
};
use jiff::Timestamp;
use proptest::prelude::*;
use secrecy::SecretString;

use super::*;

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/fixtures/test-only/",
            $name
        ))
        .as_slice()
    };
    (simulator $name:literal) => {
        include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../lcw-simulator/fixtures/",
            $name
        ))
        .as_slice()
    };
}

const PASSWORD: &str = "test-only";
const CERTIFICATE: &[u8] = fixture!(simulator "test-only-client.crt.der");
const PUBLIC_KEY: &[u8] = fixture!(simulator "test-only-client.pub.der");
const PFX: &[u8] = fixture!(simulator "test-only-client.pfx");

fn read(file: &[u8], password: Option<&str>) -> Result<Identity, CertificateError> {
    let password = password.map(SecretString::from);
    Identity::read(file, password.as_ref())
}

fn refusal(file: &[u8], password: Option<&str>) -> CertificateError {
    read(file, password).err().expect("a refusal")
}

#[test]
fn pem_files_hold_certificate_and_key_in_any_order_and_form() {
    for file in [
        fixture!(simulator "test-only-client.pem"),
        fixture!("pkcs1.pem"),
        &[fixture!("key-only.pem"), fixture!("certificate-only.pem")].concat(),
        &[
            b"Bag Attributes\n    localKeyID: 01\n",
            fixture!("certificate-only.pem"),
            b"some words\n",
            fixture!("key-only.pem"),
        ]
        .concat(),
    ] {
        assert_eq!(read(file, None).unwrap().certificate, CERTIFICATE);
    }
}

#[test]
fn of_a_chain_the_certificate_of_the_key_is_taken() {
    let leaf = fixture!("chain-leaf.crt.der");
    let pem = read(fixture!("chain.pem"), None).unwrap();
    assert_eq!(pem.certificate, leaf);
    let pfx = read(fixture!("chain.pfx"), Some(PASSWORD)).unwrap();
    assert_eq!(pfx.certificate, leaf);
}

#[test]
fn pfx_files_of_all_ages_are_opened() {
    for (file, password) in [
        (PFX, Some(PASSWORD)),
        (fixture!("legacy-3des-rc2.pfx"), Some(PASSWORD)),
        (fixture!("legacy-rc2-2des.pfx"), Some(PASSWORD)),
        (
            fixture!("aes128-192-sha512-umlauts.pfx"),
            Some("pässwörd €"),
        ),
        (fixture!("pbes2-3des.pfx"), Some(PASSWORD)),
        (fixture!("no-mac.pfx"), Some(PASSWORD)),
        (fixture!("empty-password.pfx"), None),
        (fixture!("empty-password.pfx"), Some("")),
        (fixture!("plain.pfx"), None),
    ] {
        assert_eq!(read(file, password).unwrap().certificate, CERTIFICATE);
    }
}

#[test]
fn a_wrong_password_is_called_so() {
    for file in [
        PFX,
        fixture!("legacy-3des-rc2.pfx"),
        fixture!("aes128-192-sha512-umlauts.pfx"),
        fixture!("no-mac.pfx"),
    ] {
        for password in [None, Some(""), Some("wrong")] {
            assert_eq!(refusal(file, password), CertificateError::Password);
        }
    }
}

#[test]
fn files_that_cannot_be_used_say_why() {
    use CertificateError as E;
    for (file, password, expected) in [
        (&b""[..], None, E::Unreadable),
        (b"garbage", None, E::Unreadable),
        (CERTIFICATE, None, E::Unreadable),
        (
            b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
            None,
            E::Unreadable,
        ),
        (fixture!("certificate-only.pem"), None, E::NoKey),
        (fixture!("key-only.pem"), None, E::NoCertificate),
        (fixture!("no-key.pfx"), Some(PASSWORD), E::NoKey),
        (fixture!("another-key.pem"), None, E::Mismatch),
        (fixture!("encrypted-pkcs8.pem"), None, E::EncryptedKey),
        (fixture!("encrypted-pkcs1.pem"), None, E::EncryptedKey),
        (fixture!("ec-pkcs8.pem"), None, E::NotRsa),
        (fixture!("ec-sec1.pem"), None, E::NotRsa),
        (fixture!("ec.pfx"), Some(PASSWORD), E::NotRsa),
        (fixture!("rsa-1024.pem"), None, E::BadKey),
    ] {
        assert_eq!(refusal(file, password), expected);
        assert!(!expected.remedy().is_empty());
    }
}

#[test]
fn an_assertion_is_signed_names_the_certificate_and_lives_ten_minutes() {
    let identity = read(PFX, Some(PASSWORD)).unwrap();
    let pss: &'static RsaParameters = &RSA_PSS_2048_8192_SHA256;
    for (algorithm, verification) in [
        (AssertionAlgorithm::Ps256, pss),
        (AssertionAlgorithm::Rs256, &RSA_PKCS1_2048_8192_SHA256),
    ] {
        let now = Timestamp::from_second(1_790_000_000).unwrap();
        let sign = || assertion::sign(&identity, algorithm, "https://a/token", "c", now).unwrap();
        let assertion = sign();
        let (signed, signature) = assertion.rsplit_once('.').unwrap();
        let signature = crate::token::jwt::decode_base64url(signature).unwrap();
        UnparsedPublicKey::new(verification, PUBLIC_KEY)
            .verify(signed.as_bytes(), &signature)
            .unwrap();
        let part = |at: usize| -> serde_json::Value {
            let part = assertion.split('.').nth(at).unwrap();
            serde_json::from_slice(&crate::token::jwt::decode_base64url(part).unwrap()).unwrap()
        };
        let (header, claims) = (part(0), part(1));
        assert_eq!(
            (&header["alg"], &header["typ"]),
            (&algorithm.name().into(), &"JWT".into())
        );
        let thumbprint = crate::token::jwt::encode_base64url(digest(&SHA256, CERTIFICATE).as_ref());
        assert_eq!(header["x5t#S256"], thumbprint);
        assert_eq!(
            header["x5t"].is_string(),
            algorithm == AssertionAlgorithm::Rs256
        );
        assert_eq!((&claims["iss"], &claims["sub"]), (&"c".into(), &"c".into()));
        assert_eq!(claims["aud"], "https://a/token");
        assert_eq!(
            (&claims["nbf"], &claims["exp"]),
            (&1_790_000_000.into(), &1_790_000_600.into())
        );
        assert_ne!(assertion, sign(), "each is good for one request");
    }
}

#[test]
fn a_certificate_does_not_print() {
    let file = fixture!(simulator "test-only-client.pem");
    let certificate =
        ClientCertificate::new("https://login.example", "t", "c", file, None).unwrap();
    let shown = format!("{certificate:?}");
    assert!(
        shown.contains("client_id: \"c\"") && shown.len() < 200,
        "{shown}"
    );
}

proptest! {
    #[test]
    fn any_file_is_read_or_refused(bytes: Vec<u8>, is_sequence: bool) {
        let head: &[u8] = if is_sequence { &[0x30, 0x82] } else { b"-----BEGIN CERTIFICATE-----\n" };
        prop_assert!(read(&[head, &bytes].concat(), Some(PASSWORD)).is_err());
    }

    #[test]
    fn a_damaged_pfx_file_is_refused_and_nothing_worse(at in 0..PFX.len(), byte: u8, end in 0..PFX.len()) {
        let mut file = PFX.to_vec();
        file[at] = byte;
        let is_same = file == PFX;
        let opened = read(&file, Some(PASSWORD));
        // Attributes and the like may change without harm.
        prop_assert!(opened.is_err() || opened.unwrap().certificate == CERTIFICATE || is_same);
        prop_assert!(read(&PFX[..end], Some(PASSWORD)).is_err());
    }
}
