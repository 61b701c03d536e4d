//! PFX files (PKCS #12, RFC 7292), as Windows, Key Vault and OpenSSL write them.
//!
//! Own code, because the crates for it bring some fifty others. Only DER is read, and only what
//! leads to a key and certificates.

mod cipher;
mod kdf;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

use super::CertificateError;
use super::der::{Der, tag};
use super::identity::{Contents, PrivateKey};
use kdf::{Digest, Purpose};

/// PKCS #7 content types, 1.2.840.113549.1.7.x.
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
const ENCRYPTED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 6];
/// Kinds of bags, 1.2.840.113549.1.12.10.1.x.
const KEY_BAG: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 10, 1, 1];
const SHROUDED_KEY_BAG: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 10, 1, 2];
const CERTIFICATE_BAG: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 10, 1, 3];
/// An X.509 certificate in a certificate bag, 1.2.840.113549.1.9.22.1.
const X509: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 22, 1];
/// More rounds than any exporter asks for; a damaged file shall not keep the program busy for hours.
const MOST_ROUNDS: u32 = 10_000_000;

/// A password in the two encodings that are in use.
struct Password {
    /// For PBES2.
    utf8: SecretString,
    /// For PKCS #12's own derivation: UTF-16, big endian, with a terminator.
    bmp: SecretSlice<u8>,
}

impl Password {
    fn new(text: &str, is_terminated: bool) -> Self {
        let mut units: Vec<u16> = text.encode_utf16().collect();
        if is_terminated {
            units.push(0);
        }
        let bmp: Vec<u8> = units.into_iter().flat_map(u16::to_be_bytes).collect();
        Self {
            utf8: SecretString::from(text),
            bmp: SecretSlice::from(bmp),
        }
    }
}

/// Opens a file. Without a password, an empty one is tried in both ways that exporters mean it.
pub(super) fn read(
    file: &[u8],
    password: Option<&SecretString>,
) -> Result<Contents, CertificateError> {
    let text = password.map_or("", |password| password.expose_secret());
    let opened = open(file, &Password::new(text, true));
    if text.is_empty() && matches!(opened, Err(CertificateError::Password)) {
        return open(file, &Password::new(text, false));
    }
    opened
}

fn open(file: &[u8], password: &Password) -> Result<Contents, CertificateError> {
    let (safe, mac) = outer(file).ok_or(CertificateError::Unreadable)?;
    if let Some(mac) = mac {
        verify(safe, mac, password)?;
    }
    let mut contents = Contents::default();
    let mut parts = Der::new(safe)
        .sequence()
        .ok_or(CertificateError::Unreadable)?;
    while !parts.is_empty() {
        let part = parts.sequence().ok_or(CertificateError::Unreadable)?;
        let bags = plain(part, password)?;
        sort(&bags, password, &mut contents)?;
    }
    Ok(contents)
}

/// The authenticated safe, and what follows it.
fn outer(file: &[u8]) -> Option<(&[u8], Option<Der<'_>>)> {
    let mut pfx = Der::new(file).sequence()?;
    pfx.number().filter(|version| *version == 3)?;
    let mut content = pfx.sequence()?;
    content.take(tag::OID).filter(|kind| *kind == DATA)?;
    let safe = content.inside(tag::CONTEXT_0)?.take(tag::OCTET_STRING)?;
    Some((safe, pfx.sequence()))
}

/// Checks the password by the file's MAC. A MAC that is not known here is passed over: what the
/// password is for says whether it is right.
fn verify(safe: &[u8], mut mac: Der<'_>, password: &Password) -> Result<(), CertificateError> {
    let mut parse = || {
        let mut info = mac.sequence()?;
        let digest = Digest::of_hash(info.sequence()?.take(tag::OID)?);
        let expected = info.take(tag::OCTET_STRING)?;
        let salt = mac.take(tag::OCTET_STRING)?;
        let rounds = if mac.is_empty() { 1 } else { mac.number()? };
        Some((digest, expected, salt, rounds))
    };
    let (digest, expected, salt, rounds) = parse().ok_or(CertificateError::Unreadable)?;
    let Some(digest) = digest else {
        return Ok(());
    };
    let length = expected.len();
    let key = kdf::pkcs12(
        digest,
        Purpose::Mac,
        password.bmp.expose_secret(),
        salt,
        rounds,
        length,
    )
    .ok_or(CertificateError::Encryption)?;
    let tag = hmac::sign(&hmac::Key::new(digest.hmac(), &key), safe);
    verify_slices_are_equal(tag.as_ref(), expected).map_err(|_| CertificateError::Password)
}

/// The bags of one part of the safe, decrypted where it is encrypted.
fn plain(mut part: Der<'_>, password: &Password) -> Result<Vec<u8>, CertificateError> {
    let unreadable = CertificateError::Unreadable;
    let kind = part.take(tag::OID).ok_or(unreadable)?;
    let mut content = part.inside(tag::CONTEXT_0).ok_or(unreadable)?;
    match kind {
        DATA => content
            .take(tag::OCTET_STRING)
            .map(<[u8]>::to_vec)
            .ok_or(unreadable),
        ENCRYPTED_DATA => {
            let mut parse = || {
                let mut data = content.sequence()?;
                data.number()?;
                let mut info = data.sequence()?;
                info.take(tag::OID)?;
                let algorithm = info.sequence()?;
                Some((algorithm, info.take(tag::CONTEXT_0_PLAIN)?))
            };
            let (algorithm, secret) = parse().ok_or(unreadable)?;
            cipher::decrypt(algorithm, secret, password)
        }
        _ => Err(CertificateError::Encryption),
    }
}

/// Picks key and certificates out of bags.
fn sort(bags: &[u8], password: &Password, contents: &mut Contents) -> Result<(), CertificateError> {
    let unreadable = CertificateError::Unreadable;
    let mut bags = Der::new(bags).sequence().ok_or(unreadable)?;
    while !bags.is_empty() {
        let mut bag = bags.sequence().ok_or(unreadable)?;
        let kind = bag.take(tag::OID).ok_or(unreadable)?;
        let value = bag.take(tag::CONTEXT_0).ok_or(unreadable)?;
        match kind {
            KEY_BAG => contents.key = Some(pkcs8(value.to_vec())),
            SHROUDED_KEY_BAG => {
                let mut info = Der::new(value).sequence().ok_or(unreadable)?;
                let algorithm = info.sequence().ok_or(unreadable)?;
                let secret = info.take(tag::OCTET_STRING).ok_or(unreadable)?;
                contents.key = Some(pkcs8(cipher::decrypt(algorithm, secret, password)?));
            }
            CERTIFICATE_BAG => contents.certificates.extend(certificate(value)),
            _ => {}
        }
    }
    Ok(())
}

fn pkcs8(der: Vec<u8>) -> PrivateKey {
    PrivateKey::Pkcs8(SecretSlice::from(der))
}

fn certificate(value: &[u8]) -> Option<Vec<u8>> {
    let mut bag = Der::new(value).sequence()?;
    bag.take(tag::OID).filter(|kind| *kind == X509)?;
    let der = bag.inside(tag::CONTEXT_0)?.take(tag::OCTET_STRING)?;
    Some(der.to_vec())
}
