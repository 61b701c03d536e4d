//! PEM files: certificates and one private key, in any order.

use rustls_pki_types::pem::{PemObject as _, SectionKind};
use secrecy::SecretSlice;

use super::CertificateError;
use super::identity::{Contents, PrivateKey};

const BEGIN: &[u8] = b"-----BEGIN ";

pub(super) fn is_pem(file: &[u8]) -> bool {
    contains(file, BEGIN)
}

/// Sorts the sections of a file. Other sections (parameters, requests) are passed over.
pub(super) fn read(file: &[u8]) -> Result<Contents, CertificateError> {
    // PKCS#8's way to say it, and that of the older formats.
    if contains(file, b"BEGIN ENCRYPTED PRIVATE KEY") || contains(file, b"Proc-Type: 4,ENCRYPTED") {
        return Err(CertificateError::EncryptedKey);
    }
    let mut contents = Contents::default();
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(file) {
        let (kind, der) = section.map_err(|_| CertificateError::Unreadable)?;
        match kind {
            SectionKind::Certificate => contents.certificates.push(der),
            SectionKind::PrivateKey => contents.key = Some(PrivateKey::Pkcs8(secret(der))),
            SectionKind::RsaPrivateKey => contents.key = Some(PrivateKey::Pkcs1(secret(der))),
            SectionKind::EcPrivateKey => return Err(CertificateError::NotRsa),
            _ => {}
        }
    }
    Ok(contents)
}

fn secret(der: Vec<u8>) -> SecretSlice<u8> {
    SecretSlice::from(der)
}

fn contains(file: &[u8], words: &[u8]) -> bool {
    file.windows(words.len()).any(|window| window == words)
}
