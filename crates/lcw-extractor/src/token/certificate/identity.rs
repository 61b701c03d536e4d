//! A certificate and the private key that belongs to it.

use aws_lc_rs::signature::{KeyPair as _, RsaKeyPair};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

use super::der::{Der, tag};
use super::{CertificateError, pem, pfx};

/// rsaEncryption, 1.2.840.113549.1.1.1.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];

/// A private key as a file holds it.
#[derive(Debug)]
pub(super) enum PrivateKey {
    Pkcs8(SecretSlice<u8>),
    Pkcs1(SecretSlice<u8>),
}

/// What a file holds, not yet checked.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) key: Option<PrivateKey>,
    /// Certificates in DER, in the order of the file.
    pub(super) certificates: Vec<Vec<u8>>,
}

/// A certificate whose private key is here.
pub(super) struct Identity {
    pub(super) key: RsaKeyPair,
    /// In DER.
    pub(super) certificate: Vec<u8>,
}

impl Identity {
    /// Reads a PEM or PFX file. Of a chain, the certificate that belongs to the key is taken.
    pub(super) fn read(
        file: &[u8],
        password: Option<&SecretString>,
    ) -> Result<Self, CertificateError> {
        let contents = if pem::is_pem(file) {
            pem::read(file)?
        } else {
            pfx::read(file, password)?
        };
        Self::of(contents)
    }

    fn of(contents: Contents) -> Result<Self, CertificateError> {
        let key = rsa_key(&contents.key.ok_or(CertificateError::NoKey)?)?;
        if contents.certificates.is_empty() {
            return Err(CertificateError::NoCertificate);
        }
        let public_key = key.public_key().as_ref();
        let belongs = |certificate: &Vec<u8>| certified_key(certificate) == Some(public_key);
        let certificate = contents.certificates.into_iter().find(belongs);
        let certificate = certificate.ok_or(CertificateError::Mismatch)?;
        Ok(Self { key, certificate })
    }
}

fn rsa_key(key: &PrivateKey) -> Result<RsaKeyPair, CertificateError> {
    let key = match key {
        PrivateKey::Pkcs8(der) => {
            let der = der.expose_secret();
            if pkcs8_algorithm(der).ok_or(CertificateError::BadKey)? != RSA {
                return Err(CertificateError::NotRsa);
            }
            RsaKeyPair::from_pkcs8(der)
        }
        PrivateKey::Pkcs1(der) => RsaKeyPair::from_der(der.expose_secret()),
    };
    key.map_err(|_| CertificateError::BadKey)
}

/// The kind of a key: `PrivateKeyInfo.privateKeyAlgorithm.algorithm` (RFC 5208).
fn pkcs8_algorithm(der: &[u8]) -> Option<&[u8]> {
    let mut info = Der::new(der).sequence()?;
    info.number()?;
    info.sequence()?.take(tag::OID)
}

/// The public key that a certificate is about: `tbsCertificate.subjectPublicKeyInfo.subjectPublicKey`
/// (RFC 5280). Certificates without a version, which `az` once made, are read as well.
fn certified_key(certificate: &[u8]) -> Option<&[u8]> {
    let mut to_be_signed = Der::new(certificate).sequence()?.sequence()?;
    if to_be_signed.peek()? == tag::CONTEXT_0 {
        to_be_signed.any()?;
    }
    // Serial number, signature algorithm, issuer, validity, subject.
    for _ in 0..5 {
        to_be_signed.any()?;
    }
    let mut info = to_be_signed.sequence()?;
    info.sequence()?;
    match info.take(tag::BIT_STRING)?.split_first()? {
        (0, key) => Some(key),
        _ => None,
    }
}
