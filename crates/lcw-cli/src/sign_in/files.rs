//! Files that prove who is signing in.

use std::path::{Path, PathBuf};

use lcw_extractor::SecretString;

use crate::failure::Failure;
use crate::settings::env;

/// Where a file is: systemd hands a unit its secrets in a folder of their own.
pub(crate) fn find(path: &Path) -> PathBuf {
    env("CREDENTIALS_DIRECTORY")
        .map(|folder| Path::new(&folder).join(path))
        .filter(|candidate| path.is_relative() && candidate.exists())
        .unwrap_or_else(|| path.to_owned())
}

/// What a file holds. `key` is the setting that names it.
pub(super) fn bytes(key: &str, path: &Path) -> Result<Vec<u8>, Failure> {
    let path = find(path);
    std::fs::read(&path).map_err(|error| {
        Failure::credentials(
            format!("cannot read {key} {}: {error}", path.display()),
            "check the path and that this user may read it",
        )
    })
}

/// The secret that a file holds; its last line may end or not.
pub(crate) fn secret(key: &str, path: &Path) -> Result<SecretString, Failure> {
    let refuse = |problem: &str, remedy: &str| {
        let shown = find(path);
        Failure::credentials(format!("{key} {} {problem}", shown.display()), remedy)
    };
    let text = String::from_utf8(bytes(key, path)?)
        .map_err(|_| refuse("is not text", "write the secret into it, as UTF-8"))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(refuse("is empty", "write the secret into it"));
    }
    Ok(secret.into())
}
