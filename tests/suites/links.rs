//! The token and what gets one go to their own origin and to no other, whatever an answer says.
//!
//! Each hostile link and redirect is met by a whole export. Another host listens beside the
//! service; it must not even be connected to.

use lcw_extractor::{
    ClientCertificate, ClientSecret, Credential, DeviceCode, GraphClient, ManagedIdentity,
    WorkloadIdentity,
};
use lcw_pipeline::{FileFormat, Summary};
use lcw_simulator::Simulator;
use lcw_tests::impostor::{TENANT, TOKEN, answer, one_run, one_run_or_404};
use lcw_tests::{Eavesdropper, Heard, Impostor, Office};
use serde_json::json;

const SECRET: &str = "canary-client-secret";
const LISTINGS: [&str; 3] = ["/workflows", "/workflows/w/runs", "/userProcessingResults"];

/// Next links that lead elsewhere or nowhere. `PORT` is that of another host's listener, `OWN` the
/// authority of the service itself; each leads to `/canary`, where nobody may arrive.
const ELSEWHERE: [&str; 62] = [
    "http://127.0.0.1:PORT/canary",
    "HTTP://127.0.0.1:PORT/canary",
    "https://127.0.0.1:PORT/canary",
    "http://localhost:PORT/canary",
    "http://LOCALHOST:PORT/canary",
    "http://127.0.0.1.:PORT/canary",
    "http://localhost.:PORT/canary",
    "http://127.0.0.2:PORT/canary",
    "http://127.1:PORT/canary",
    "http://2130706433:PORT/canary",
    "http://0x7f000001:PORT/canary",
    "http://0x7f.1:PORT/canary",
    "http://0177.0.0.1:PORT/canary",
    "http://%31%32%37.0.0.1:PORT/canary",
    "http://127%2E0.0.1:PORT/canary",
    "http://\u{ff11}\u{ff12}\u{ff17}.0.0.1:PORT/canary",
    "http://127\u{3002}0\u{3002}0\u{3002}1:PORT/canary",
    "http://\u{24db}ocalhost:PORT/canary",
    "http://local\u{ad}host:PORT/canary",
    "http://[::1]:PORT/canary",
    "http://[::ffff:127.0.0.1]:PORT/canary",
    "http://0.0.0.0:PORT/canary",
    "http://OWN@127.0.0.1:PORT/canary",
    "http://OWN:x@127.0.0.1:PORT/canary",
    "http://OWN%2F@127.0.0.1:PORT/canary",
    "http://OWN\t@127.0.0.1:PORT/canary",
    "http://127.0.0.1:PORT#@OWN/canary",
    "http://127.0.0.1:PORT?@OWN/canary",
    "http://127.0.0.1:PORT\\@OWN/canary",
    "http:127.0.0.1:PORT/canary",
    "http:/127.0.0.1:PORT/canary",
    "http:///127.0.0.1:PORT/canary",
    "http:\\\\127.0.0.1:PORT\\canary",
    "\thttp://127.0.0.1:PORT/canary",
    "ht\ntp://127.0.0.1:PORT/canary",
    "http://127.0.0.1\n:PORT/canary",
    "\u{0}http://127.0.0.1:PORT/canary",
    "ftp://127.0.0.1:PORT/canary",
    "ws://127.0.0.1:PORT/canary",
    "gopher://127.0.0.1:PORT/canary",
    // The own host, but not the own origin.
    "https://OWN/canary",
    "http://user@OWN/canary",
    "http://user:password@OWN/canary",
    "http://localhost:OWNPORT/canary",
    "http://[::1]:OWNPORT/canary",
    "http://127.0.0.1/canary",
    "http://127.0.0.1:1OWNPORT/canary",
    // Hosts that look like Graph's.
    "https://graph.microsoft.com/canary",
    "https://graph.microsoft.com.evil.invalid/canary",
    "https://graph.m\u{456}crosoft.com/canary",
    "https://xn--graph-microsoft-9qb.invalid/canary",
    "http://graph.microsoft.com/canary",
    // No links at all.
    "//127.0.0.1:PORT/canary",
    "\\\\127.0.0.1:PORT\\canary",
    "/v1.0/canary",
    "../canary",
    "data:application/json,canary",
    "file:///etc/canary",
    "javascript:canary",
    "canary",
    "http://",
    " ",
];

fn office() -> Office {
    let mut office = Office::new(FileFormat::Parquet);
    office.request.tenant = Some(TENANT.to_owned());
    office.client.max_attempts = 2;
    office
}

async fn export(office: &Office, service: &Impostor) -> Summary {
    let client = office.sign_in_as(service.origin(), TENANT, "client", SECRET);
    office.run_with(client).await
}

/// Where an export with this link in this listing went: what the service was asked for.
async fn follow(link: &str, listing: &'static str, elsewhere: &Eavesdropper) -> Vec<Heard> {
    let (link, port) = (link.to_owned(), elsewhere.port().to_string());
    let service = Impostor::start(move |origin, request| {
        let Some(mut body) = one_run(request) else {
            return one_run_or_404(request);
        };
        if request.path().ends_with(listing) {
            let own = origin.trim_start_matches("http://");
            let own_port = own.rsplit(':').next().unwrap();
            let link = link.replace("OWNPORT", own_port).replace("OWN", own);
            body["@odata.nextLink"] = json!(link.replace("PORT", &port));
        }
        answer(200, &[], &body.to_string())
    })
    .await;
    let office = office();
    let summary = export(&office, &service).await;
    let what = format!("{:?} in {listing}: {summary:#?}", service.origin());
    assert_ne!(summary.exit_code, 0, "{what}");
    assert!(!what.contains("canary"), "{what}");
    service.heard()
}

#[tokio::test]
async fn no_hostile_next_link_is_followed_anywhere() {
    let elsewhere = Eavesdropper::start().await;
    let long = "x".repeat(8_192);
    let longer = [
        format!("http://127.0.0.1:PORT/canary?{long}"),
        format!("http://{long}.invalid/canary"),
        format!("http://{long}@127.0.0.1:PORT/canary"),
        format!("http://127.0.0.1:PORT/canary#{long}"),
    ];
    let links = ELSEWHERE
        .into_iter()
        .chain(longer.iter().map(String::as_str));
    for (nth, link) in links.enumerate() {
        // Each of them somewhere, and the first ones everywhere.
        let everywhere = if nth < 4 { LISTINGS.len() } else { 1 };
        for more in 0..everywhere {
            let listing = LISTINGS[(nth + more) % LISTINGS.len()];
            let heard = follow(link, listing, &elsewhere).await;
            let told = elsewhere.heard();
            assert!(told.is_empty(), "{link:?} in {listing}: {told:?}");
            assert_home(link, &heard);
            let arrived = heard
                .iter()
                .find(|request| request.target().contains("canary"));
            assert!(arrived.is_none(), "{link:?} in {listing}: {arrived:?}");
        }
    }
}

/// Wherever they seem to lead, these are the service's own, and so they may be followed there.
#[tokio::test]
async fn a_link_that_only_looks_foreign_goes_home() {
    let elsewhere = Eavesdropper::start().await;
    for link in [
        "http://OWN/v1.0/../../elsewhere?canary",
        "http://OWN/%2e%2e/%2e%2e/canary",
        "http://OWN//127.0.0.1:PORT/canary",
        "http://OWN\\@127.0.0.1:PORT/canary",
        "http://OWN/canary?url=http://127.0.0.1:PORT",
        "http://OWN/canary#@127.0.0.1:PORT",
    ] {
        let heard = follow(link, "/userProcessingResults", &elsewhere).await;
        let told = elsewhere.heard();
        assert!(told.is_empty(), "{link:?}: {told:?}");
        assert_home(link, &heard);
    }
}

/// What a service is told: the token where it belongs, and not where a request came from.
fn assert_home(what: &str, heard: &[Heard]) {
    let bearer = format!("Bearer {TOKEN}");
    assert!(
        heard
            .iter()
            .any(|request| request.header("authorization") == Some(&bearer))
    );
    for request in heard {
        let is_token = request.path().ends_with("/token");
        assert_eq!(
            request.header("authorization").is_none(),
            is_token,
            "{what}"
        );
        assert_eq!(request.header("referer"), None, "{what}");
        assert_eq!(request.header("cookie"), None, "{what}");
        assert_eq!(request.body.contains(SECRET), is_token, "{what}");
    }
}

/// Ways to send somebody elsewhere.
fn redirects(target: &str) -> Vec<Vec<(&'static str, String)>> {
    vec![
        vec![("location", target.to_owned())],
        vec![("refresh", format!("0; url={target}"))],
        vec![
            ("link", format!("<{target}>; rel=\"next\"")),
            ("content-location", target.to_owned()),
            ("alt-svc", format!("h2=\"{target}\"")),
            ("set-cookie", "canary=1".to_owned()),
        ],
    ]
}

fn redirect(status: u16, headers: &[(&'static str, String)], body: &str) -> Vec<u8> {
    let headers: Vec<(&str, &str)> = headers.iter().map(|(k, v)| (*k, v.as_str())).collect();
    answer(status, &headers, body)
}

#[tokio::test]
async fn no_redirect_is_followed_with_the_token_nor_without() {
    let elsewhere = Eavesdropper::start().await;
    let target = format!("http://127.0.0.1:{}/canary", elsewhere.port());
    for headers in redirects(&target) {
        for status in [201, 300, 301, 302, 303, 305, 307, 308, 401, 503] {
            for listing in LISTINGS {
                let headers = headers.clone();
                let service = Impostor::start(move |_, request| {
                    if request.path().ends_with(listing) {
                        return redirect(status, &headers, "{}");
                    }
                    one_run_or_404(request)
                })
                .await;
                let summary = export(&office(), &service).await;
                assert_ne!(summary.exit_code, 0, "{status} {listing}: {summary:#?}");
                assert!(!format!("{summary:?}").contains("canary"), "{summary:#?}");
                assert_home("a redirect", &service.heard());
            }
        }
    }
    assert_eq!(elsewhere.heard(), Vec::<String>::new());
}

#[tokio::test]
async fn headers_that_lead_elsewhere_change_nothing_on_a_good_answer() {
    let elsewhere = Eavesdropper::start().await;
    let target = format!("http://127.0.0.1:{}/canary", elsewhere.port());
    for headers in redirects(&target) {
        let service = Impostor::start(move |_, request| match one_run(request) {
            Some(body) => redirect(200, &headers, &body.to_string()),
            None => one_run_or_404(request),
        })
        .await;
        let summary = export(&office(), &service).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        assert_home("a header", &service.heard());
    }
    assert_eq!(elsewhere.heard(), Vec::<String>::new());
}

/// Every credential that asks somebody for a token, at this service.
fn credentials(origin: &str, token_file: &std::path::Path) -> Vec<Credential> {
    let pem = Simulator::client_certificate_pem();
    let identity = format!("{origin}/oauth2/v2.0/token");
    vec![
        ClientSecret::new(origin, TENANT, "client", SECRET.to_owned().into())
            .unwrap()
            .into(),
        ClientCertificate::new(origin, TENANT, "client", pem.as_bytes(), None)
            .unwrap()
            .into(),
        WorkloadIdentity::new(origin, TENANT, "client", token_file)
            .unwrap()
            .into(),
        DeviceCode::new(origin, TENANT, "client", |_| {})
            .unwrap()
            .into(),
        ManagedIdentity::app_service(&identity, &SECRET.to_owned().into(), None)
            .unwrap()
            .into(),
        ManagedIdentity::imds_at(origin, None).unwrap().into(),
    ]
}

#[tokio::test]
async fn no_proof_of_identity_follows_a_redirect_of_the_token_service() {
    let elsewhere = Eavesdropper::start().await;
    let target = format!("http://127.0.0.1:{}/canary", elsewhere.port());
    let office = office();
    let token_file = office.scratch().join("federated");
    std::fs::write(&token_file, SECRET).unwrap();
    for status in [301, 302, 303, 307, 308] {
        for headers in redirects(&target) {
            let service = Impostor::start(move |_, _| redirect(status, &headers, "{}")).await;
            for credential in credentials(service.origin(), &token_file) {
                let mut config = office.client.clone();
                service.origin().clone_into(&mut config.graph_url);
                let client = GraphClient::new(config, credential).unwrap();
                let summary = office.run_with(client).await;
                assert_eq!(summary.exit_code, 3, "{status}: {summary:#?}");
                assert!(!format!("{summary:?}").contains("canary"), "{summary:#?}");
            }
            let heard = service.heard();
            assert!(heard.len() >= 6, "{heard:?}");
            let is_bare = |request: &Heard| {
                request.header("authorization").is_none() && request.header("referer").is_none()
            };
            assert!(heard.iter().all(is_bare), "{heard:?}");
        }
    }
    assert_eq!(elsewhere.heard(), Vec::<String>::new());
    assert!(!office.out().exists());
}

/// Where a token service and Graph are two, neither sees what is the other's.
#[tokio::test]
async fn the_secret_goes_to_the_token_service_and_the_token_to_graph() {
    let graph = Impostor::start(|_, request| one_run_or_404(request)).await;
    let authority = Impostor::start(|_, request| one_run_or_404(request)).await;
    let office = office();
    let secret = SECRET.to_owned().into();
    let credential = ClientSecret::new(authority.origin(), TENANT, "client", secret).unwrap();
    let mut config = office.client.clone();
    graph.origin().clone_into(&mut config.graph_url);
    let client = GraphClient::new(config, credential).unwrap();
    let summary = office.run_with(client).await;
    assert_eq!(summary.exit_code, 0, "{summary:#?}");
    let (asked, read) = (authority.heard(), graph.heard());
    assert!(asked.len() == 1 && asked[0].body.contains(SECRET));
    assert!(!asked[0].head.contains(TOKEN));
    assert!(read.len() > 3 && !format!("{read:?}").contains(SECRET));
}
