//! Why a certificate file cannot be used.

/// What is wrong with a file that should hold a certificate and its private key.
///
/// Holds nothing of the file's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// Neither PEM nor PFX, or damaged.
    #[error("it is neither a PEM nor a PFX file, or damaged")]
    Unreadable,
    /// There is a key, but no certificate.
    #[error("there is no certificate in it")]
    NoCertificate,
    /// There is a certificate, but no key.
    #[error("there is no private key in it")]
    NoKey,
    /// None of the certificates belongs to the key.
    #[error("its private key does not belong to its certificate")]
    Mismatch,
    /// A PEM key with a password.
    #[error("its private key is encrypted")]
    EncryptedKey,
    /// A PFX file with a password that was not given, or with another.
    #[error("its password is missing or wrong")]
    Password,
    /// A PFX file encrypted in a way that is not known here.
    #[error("it is encrypted in a way that is not supported")]
    Encryption,
    /// An elliptic curve, or another key that Entra does not take.
    #[error("its private key is not an RSA key")]
    NotRsa,
    /// An RSA key that is too short, too long or not valid.
    #[error("its RSA key cannot be used (2048 to 8192 bits are)")]
    BadKey,
}

impl CertificateError {
    /// What the user can do about it.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Unreadable | Self::NoKey | Self::NoCertificate => {
                "it must hold the certificate and its private key: both as PEM in one file, or a PFX file"
            }
            Self::Mismatch => "put the certificate and the key that was made with it into one file",
            Self::EncryptedKey => {
                "keys with a password are read from PFX files only: convert it (openssl pkcs12 -export), or \
                 remove the password (openssl pkey) and let only this user read the file"
            }
            Self::Password => {
                "put the PFX file's password into AZURE_CLIENT_CERTIFICATE_PASSWORD, or into a file named by \
                 certificate_password_file"
            }
            Self::Encryption => {
                "export it again with AES (openssl pkcs12 -export, or Export-PfxCertificate \
                 -CryptoAlgorithmOption AES256_SHA256)"
            }
            Self::NotRsa | Self::BadKey => {
                "Entra takes RSA keys of 2048 bits or more: make a certificate with one"
            }
        }
    }
}
