//! Which tenant the rows belong to.

use crate::error::PipelineError;

/// Unites what was configured with what the token says; the lower-case GUID names partitions.
///
/// # Errors
/// [`PipelineError::Tenant`] when the two differ, [`PipelineError::Usage`] when neither is a GUID.
pub(crate) fn resolve(
    configured: Option<&str>,
    token_tid: Option<&str>,
) -> Result<String, PipelineError> {
    let configured_guid = configured
        .filter(|text| is_guid(text))
        .map(str::to_ascii_lowercase);
    let token_guid = token_tid
        .filter(|text| is_guid(text))
        .map(str::to_ascii_lowercase);
    match (configured_guid, token_guid) {
        (Some(configured), Some(token)) if configured != token => Err(PipelineError::Tenant {
            message: format!("the token belongs to tenant {token}, but {configured} is configured"),
            remedy: "sign in to the configured tenant, or correct tenant_id".to_owned(),
        }),
        (Some(tenant), _) | (None, Some(tenant)) => Ok(tenant),
        (None, None) => Err(PipelineError::Usage {
            message: match configured {
                Some(name) => format!("the token does not tell which tenant `{name}` is"),
                None => "the token does not tell which tenant it belongs to".to_owned(),
            },
            remedy: "set tenant_id (--tenant-id, AZURE_TENANT_ID) to the tenant's GUID, shown \
                     under Overview in the Entra admin center"
                .to_owned(),
        }),
    }
}

/// Whether `text` has the shape of a GUID.
pub(crate) fn is_guid(text: &str) -> bool {
    const HYPHENS: [usize; 4] = [8, 13, 18, 23];
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| {
            if HYPHENS.contains(&at) {
                byte == b'-'
            } else {
                byte.is_ascii_hexdigit()
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "0F0E0D0C-0b0a-0908-0706-050403020100";
    const B: &str = "11111111-2222-3333-4444-555555555555";

    #[test]
    fn the_configured_guid_and_the_token_must_agree() {
        assert_eq!(resolve(Some(A), None).unwrap(), A.to_lowercase());
        assert_eq!(
            resolve(Some(A), Some(&A.to_lowercase())).unwrap(),
            A.to_lowercase()
        );
        assert_eq!(resolve(Some("contoso.example"), Some(B)).unwrap(), B);
        assert_eq!(resolve(None, Some(B)).unwrap(), B);
        assert_eq!(resolve(Some(A), Some(B)).unwrap_err().exit_code(), 3);
        assert_eq!(
            resolve(Some("contoso.example"), None)
                .unwrap_err()
                .exit_code(),
            2
        );
        assert_eq!(resolve(None, Some("../../etc")).unwrap_err().exit_code(), 2);
    }
}
