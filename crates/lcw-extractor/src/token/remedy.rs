//! What can be done about a token service that gives no token.

use std::error::Error;

use super::TokenService;
use crate::error::mentions_certificate;

/// The endpoint of an app does not know who asks.
const OF_IDENTITY_HEADER: &str = "check IDENTITY_HEADER: it has to be the one that the platform gave \
    to this process, and changes when the app is started anew";

/// The remedy for a service that says no.
pub(super) fn of_refusal(
    service: TokenService,
    status: u16,
    code: &str,
    message: &str,
) -> &'static str {
    if service == TokenService::ManagedIdentity {
        if status == 401 {
            return OF_IDENTITY_HEADER;
        }
        return "assign a managed identity to this machine or app; for a user-assigned one, set its client id";
    }
    let aadsts = message
        .strip_prefix("AADSTS")
        .and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
    aadsts
        .and_then(|code| of_aadsts(service, code))
        .or_else(|| of_oauth(code))
        .unwrap_or("check tenant id, client id, the credential and the cloud")
}

/// The remedy for the AADSTS codes that a wrong set-up meets.
fn of_aadsts(service: TokenService, code: &str) -> Option<&'static str> {
    of_application(code)
        .or_else(|| of_assertion(service, code))
        .or_else(|| of_user(code))
}

/// Tenant, application, secret and scope.
fn of_application(code: &str) -> Option<&'static str> {
    Some(match code {
        "7000215" => {
            "the client secret is wrong: use the secret's value, not its id, of this app registration"
        }
        "7000222" => "the client secret has expired: make a new one in the app registration",
        "700016" => "no such application in this tenant: check client id and tenant id",
        "90002" | "900023" | "90013" => "no such tenant in this cloud: check tenant id and cloud",
        "7000112" => {
            "the application is disabled in this tenant: enable its enterprise application"
        }
        "500011" | "650057" | "70011" | "1002012" => {
            "the scope is not known there: check that cloud, authority and Graph URL belong together"
        }
        "53003" | "530036" => {
            "conditional access blocks this application: ask the tenant's administrator"
        }
        _ => return None,
    })
}

/// Certificates and federated tokens.
fn of_assertion(service: TokenService, code: &str) -> Option<&'static str> {
    Some(match code {
        "700027" => {
            "the certificate is not one of this app registration's: upload its public part under \
             Certificates & secrets, or use the key that belongs to it"
        }
        "1000502" => "the certificate has expired: make a new one and upload its public part",
        "700024" => {
            "what proves the identity is too old or too new: check this machine's clock, and that the \
             platform still renews the federated token file"
        }
        "700021" | "700023" => {
            "check client id and authority URL, and give the tenant's GUID instead of its domain name"
        }
        "50027" if service == TokenService::Federation => {
            "check that the federated token file holds a JSON web token as its issuer wrote it, and \
             this machine's clock"
        }
        "50027" => "check that the certificate's key is RSA, and this machine's clock",
        "70021" | "700211" | "700212" | "700213" | "700214" => {
            "no federated credential of this app registration has this issuer, subject and audience: \
             compare them with those of the token file"
        }
        _ => return None,
    })
}

/// Signing in as a person.
fn of_user(code: &str) -> Option<&'static str> {
    Some(match code {
        "7000218" => {
            "the app registration takes no sign-in without a secret: under Authentication, allow public \
             client flows"
        }
        "65001" | "65004" | "90094" => {
            "grant admin consent for the delegated permissions that the requested tables need; \
             LifecycleWorkflows-Workflow.ReadBasic.All and LifecycleWorkflows-Reports.Read.All read \
             those that are exported by default"
        }
        "50105" => "assign the user to the application in the tenant",
        "50076" | "50079" | "50158" => {
            "the tenant asks this user for a second factor: start again and sign in with it"
        }
        "70043" | "70044" | "700082" | "700084" | "50173" => {
            "the sign-in has ended: start again and sign in anew"
        }
        _ => return None,
    })
}

/// The remedy for `OAuth2`'s own errors, of a sign-in by device code.
fn of_oauth(code: &str) -> Option<&'static str> {
    Some(match code {
        "authorization_declined" | "access_denied" => {
            "the sign-in was declined: start again and accept it"
        }
        "expired_token" | "code_expired" => {
            "nobody signed in with the code in time: start again and be quicker"
        }
        "bad_verification_code" => "start again",
        _ => return None,
    })
}

/// The remedy for a service that fails, or is none.
pub(super) fn of_answer(service: TokenService, status: u16) -> &'static str {
    match (service, status) {
        (_, 429 | 500..) => "the token service is failing; try again later",
        (TokenService::ManagedIdentity, 401) => OF_IDENTITY_HEADER,
        (TokenService::ManagedIdentity, _) => {
            "assign a managed identity to this machine or app; it may take minutes until it is there"
        }
        (TokenService::Login | TokenService::Federation, _) => {
            "check the authority URL and the tenant id, and that no proxy or sign-in page is in between"
        }
    }
}

/// The remedy for a service that cannot be reached.
pub(super) fn of_network(
    service: TokenService,
    source: &(dyn Error + Send + Sync + 'static),
) -> &'static str {
    match service {
        TokenService::ManagedIdentity => {
            "managed identities are there on Azure only: elsewhere use a certificate, a federated token or \
             a secret"
        }
        TokenService::Login | TokenService::Federation if mentions_certificate(source) => {
            "the server's certificate is not trusted; a proxy that inspects TLS needs its authority in ca_file"
        }
        TokenService::Login | TokenService::Federation => {
            "check the authority URL, the name of the host, the connection, the proxy and the firewall"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_signs_in_decides_what_a_malformed_assertion_means() {
        let of = |service| of_refusal(service, 401, "invalid_request", "AADSTS50027: malformed");
        assert!(of(TokenService::Login).contains("certificate"));
        let federated = of(TokenService::Federation);
        assert!(federated.contains("federated token file"), "{federated}");
        assert!(!federated.contains("certificate"), "{federated}");
    }

    #[test]
    fn an_endpoint_that_does_not_know_its_caller_points_at_the_header() {
        let service = TokenService::ManagedIdentity;
        for text in [
            of_refusal(service, 401, "401", "unauthorized"),
            of_answer(service, 401),
        ] {
            assert!(text.contains("IDENTITY_HEADER"), "{text}");
        }
        assert!(of_answer(service, 404).contains("assign a managed identity"));
    }
}
