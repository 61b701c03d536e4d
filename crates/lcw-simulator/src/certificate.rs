//! The certificate that the simulated application knows, with its key: for tests only.

/// The certificate, in DER.
pub(crate) const CERTIFICATE: &[u8] = include_bytes!("../fixtures/test-only-client.crt.der");
/// Its public key (`SubjectPublicKeyInfo`).
pub(crate) const PUBLIC_KEY: &[u8] = include_bytes!("../fixtures/test-only-client.pub.der");
/// Certificate and private key, as PEM.
pub(crate) const PEM: &str = include_str!("../fixtures/test-only-client.pem");
/// The same as PFX.
pub(crate) const PFX: &[u8] = include_bytes!("../fixtures/test-only-client.pfx");
/// The password of the PFX file.
pub(crate) const PASSWORD: &str = "test-only";
/// Another certificate and its key, as PEM, which no application knows.
pub(crate) const STRANGER: &str = include_str!("../fixtures/test-only-stranger.pem");
