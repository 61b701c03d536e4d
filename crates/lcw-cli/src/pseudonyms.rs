//! The key of a pseudonymised dataset, and what does not go together with one.

use anyhow::{Context, Result, bail};
use lcw_extractor::query::{Property, ResultQuery};
use lcw_transform::PseudonymKey;

use crate::config::Load;
use crate::settings::env;
use crate::sign_in::files;

/// Where a key comes from.
const VARIABLE: &str = "LCW_PSEUDONYM_KEY";

/// The key for an export that is to put pseudonyms in the place of people.
pub(crate) fn key_for(load: &Load, query: &ResultQuery) -> Result<PseudonymKey> {
    if load.keep_raw == Some(true) {
        bail!(
            "pseudonymize and keep_raw do not go together: _lcw_raw is what the service sent, with \
             everybody's ids and names; leave one of them out"
        );
    }
    let names_people = |property| {
        let filter = query.filter.as_ref();
        filter.is_some_and(|filter| filter.compares(property))
    };
    if names_people(Property::Subject) || names_people(Property::Id) {
        bail!(
            "pseudonymize does not go together with a filter on subject/id or id: the filter is part \
             of what the dataset is, and would name somebody in _dataset.json; leave it out"
        );
    }
    key(load)?.with_context(|| {
        format!(
            "pseudonymize needs a key, and there is none: put one into {VARIABLE}, or into a file \
             that pseudonym_key_file names (openssl rand -hex 32 makes one), and keep a copy of it"
        )
    })
}

/// The key, where there is one: from the environment, else from the file that is named.
pub(crate) fn key(load: &Load) -> Result<Option<PseudonymKey>> {
    if let Some(secret) = env(VARIABLE) {
        return checked(VARIABLE, secret.as_bytes()).map(Some);
    }
    let Some(path) = &load.pseudonym_key_file else {
        return Ok(None);
    };
    let path = files::find(path);
    let what = format!("pseudonym_key_file {}", path.display());
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {what}"))?;
    checked(&what, &bytes).map(Some)
}

/// The last line may end or not.
fn checked(what: &str, secret: &[u8]) -> Result<PseudonymKey> {
    let secret = secret.strip_suffix(b"\n").unwrap_or(secret);
    let secret = secret.strip_suffix(b"\r").unwrap_or(secret);
    PseudonymKey::new(secret).with_context(|| {
        format!("{what} cannot be the key of pseudonyms (openssl rand -hex 32 makes one)")
    })
}
