//! The ciphers of PFX files: AES as written today, Triple DES and RC2 as written for decades.

use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, Algorithm, DecryptionContext, PaddedBlockDecryptingKey,
    UnboundCipherKey,
};
use des::cipher::{Block, BlockCipherDecrypt, BlockSizeUser, KeyInit as _, consts::U8};
use des::{TdesEde2, TdesEde3};
use rc2::Rc2;
use secrecy::ExposeSecret as _;

use super::super::CertificateError;
use super::super::der::{Der, tag};
use super::Password;
use super::kdf::{self, Digest, Purpose};

/// PKCS #5, 1.2.840.113549.1.5.x.
const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 13];
const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 12];
/// `des-EDE3-CBC` within PBES2, 1.2.840.113549.3.7.
const DES_EDE3_CBC: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 3, 7];

/// Decrypts with the algorithm that stands beside the secret: its identifier and parameters.
pub(super) fn decrypt(
    mut algorithm: Der<'_>,
    secret: &[u8],
    password: &Password,
) -> Result<Vec<u8>, CertificateError> {
    let kind = algorithm
        .take(tag::OID)
        .ok_or(CertificateError::Unreadable)?;
    let parameters = algorithm.sequence().ok_or(CertificateError::Unreadable)?;
    let scheme = match kind {
        PBES2 => pbes2(parameters, password),
        // PKCS #12's own, 1.2.840.113549.1.12.1.x.
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 1, kind] => legacy(*kind, parameters, password),
        _ => None,
    };
    let scheme = scheme.ok_or(CertificateError::Encryption)?;
    scheme.decrypt(secret).ok_or(CertificateError::Password)
}

/// A cipher with its key and first block.
struct Scheme {
    cipher: Cipher,
    key: Vec<u8>,
    iv: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Cipher {
    Aes(&'static Algorithm),
    TripleDes,
    DoubleDes,
    /// With so many effective bits, all of the key's.
    Rc2,
}

/// Keys by PBKDF2, mostly with AES (RFC 8018, section 6.2).
fn pbes2(mut parameters: Der<'_>, password: &Password) -> Option<Scheme> {
    let mut derivation = parameters.sequence()?;
    derivation.take(tag::OID).filter(|kind| *kind == PBKDF2)?;
    let mut derivation = derivation.sequence()?;
    let salt = derivation.take(tag::OCTET_STRING)?;
    let rounds = derivation.number()?;
    if derivation.peek() == Some(tag::INTEGER) {
        derivation.number()?;
    }
    let digest = match derivation.sequence() {
        Some(mut function) => Digest::of_hmac(function.take(tag::OID)?)?,
        None => Digest::Sha1,
    };
    let mut encryption = parameters.sequence()?;
    let (cipher, length) = match encryption.take(tag::OID)? {
        // aes128-CBC, aes192-CBC and aes256-CBC: 2.16.840.1.101.3.4.1.x.
        [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 2] => (Cipher::Aes(&AES_128), 16),
        [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 22] => (Cipher::Aes(&AES_192), 24),
        [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 42] => (Cipher::Aes(&AES_256), 32),
        DES_EDE3_CBC => (Cipher::TripleDes, 24),
        _ => return None,
    };
    let iv = encryption.take(tag::OCTET_STRING)?.to_vec();
    let key = kdf::pbkdf2(digest, password.utf8.expose_secret(), salt, rounds, length)?;
    Some(Scheme { cipher, key, iv })
}

/// Keys by PKCS #12's own derivation with SHA-1 (RFC 7292, appendix C).
fn legacy(kind: u8, mut parameters: Der<'_>, password: &Password) -> Option<Scheme> {
    let salt = parameters.take(tag::OCTET_STRING)?;
    let rounds = parameters.number()?;
    let (cipher, length) = match kind {
        3 => (Cipher::TripleDes, 24),
        4 => (Cipher::DoubleDes, 16),
        5 => (Cipher::Rc2, 16),
        6 => (Cipher::Rc2, 5),
        _ => return None,
    };
    let derive = |purpose, length| {
        let password = password.bmp.expose_secret();
        kdf::pkcs12(Digest::Sha1, purpose, password, salt, rounds, length)
    };
    let (key, iv) = (derive(Purpose::Key, length)?, derive(Purpose::Iv, 8)?);
    Some(Scheme { cipher, key, iv })
}

impl Scheme {
    /// `None` when the padding is wrong, which is what a wrong password comes to.
    fn decrypt(&self, secret: &[u8]) -> Option<Vec<u8>> {
        match self.cipher {
            Cipher::Aes(algorithm) => self.aes(algorithm, secret),
            Cipher::TripleDes => self.chained(&TdesEde3::new_from_slice(&self.key).ok()?, secret),
            Cipher::DoubleDes => self.chained(&TdesEde2::new_from_slice(&self.key).ok()?, secret),
            Cipher::Rc2 => {
                let bits = self.key.len() * 8;
                self.chained(&Rc2::new_with_eff_key_len(&self.key, bits), secret)
            }
        }
    }

    fn aes(&self, algorithm: &'static Algorithm, secret: &[u8]) -> Option<Vec<u8>> {
        let key = UnboundCipherKey::new(algorithm, &self.key).ok()?;
        let iv = self.iv.as_slice().try_into().ok()?;
        let mut text = secret.to_vec();
        let plain = PaddedBlockDecryptingKey::cbc_pkcs7(key).and_then(|key| {
            key.decrypt(&mut text, DecryptionContext::Iv128(iv))
                .map(|plain| plain.len())
        });
        let length = plain.ok()?;
        text.truncate(length);
        Some(text)
    }

    /// Cipher block chaining over blocks of eight bytes, padded as PKCS #7 says.
    fn chained<C>(&self, cipher: &C, secret: &[u8]) -> Option<Vec<u8>>
    where
        C: BlockCipherDecrypt + BlockSizeUser<BlockSize = U8>,
    {
        let (blocks, rest) = secret.as_chunks::<8>();
        let mut before: [u8; 8] = self.iv.as_slice().try_into().ok()?;
        if !rest.is_empty() {
            return None;
        }
        let mut text = Vec::with_capacity(secret.len());
        for block in blocks {
            let mut plain = Block::<C>::from(*block);
            cipher.decrypt_block(&mut plain);
            text.extend(plain.iter().zip(before).map(|(byte, mask)| byte ^ mask));
            before = *block;
        }
        unpad(text)
    }
}

fn unpad(mut text: Vec<u8>) -> Option<Vec<u8>> {
    let padding = *text.last()?;
    let length = text.len().checked_sub(usize::from(padding))?;
    let is_padding =
        (1..=8).contains(&padding) && text[length..].iter().all(|byte| *byte == padding);
    text.truncate(length);
    is_padding.then_some(text)
}
