//! Every error of the extractor in every way in which it can be printed.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Write as _;
use std::pin::pin;

use futures_util::StreamExt;
use lcw_extractor::{
    ClientSecret, CollectionRequest, DecodeError, Decoded, ExtractError, GraphClient, GraphPath,
    PageDecoder,
};
use lcw_simulator::{Endpoint, Fault, FaultRule, Pages, RetryAfter, Simulator};
use lcw_tests::canaries::{self, assert_none};
use lcw_tests::{Office, compact};

use crate::listener::{heard, listen};

/// Follows next links and keeps nothing.
struct Links;

impl PageDecoder for Links {
    type Output = ();

    fn decode(&mut self, body: &str) -> Result<Decoded<()>, DecodeError> {
        let page: serde_json::Value = serde_json::from_str(body).map_err(DecodeError::damaged)?;
        let rows = page["value"].as_array().map(Vec::len);
        Ok(Decoded {
            output: (),
            next_link: page["@odata.nextLink"].as_str().map(str::to_owned),
            rows: rows.ok_or_else(|| DecodeError::damaged("no collection"))?,
        })
    }
}

/// The error that ends a collection.
async fn error_of(client: &GraphClient, path: GraphPath) -> ExtractError {
    let request = CollectionRequest::new(path);
    let mut decoder = Links;
    let mut pages = pin!(client.pages(request, &mut decoder));
    while let Some(page) = pages.next().await {
        if let Err(error) = page {
            return error;
        }
    }
    panic!("the collection ended well");
}

fn everything_of(error: &ExtractError) -> String {
    let mut text = format!("{error} {error:#} {error:?} {error:#?} {}", error.remedy());
    let mut cause = error.source();
    while let Some(source) = cause {
        write!(text, " {source} {source:?}").unwrap();
        cause = source.source();
    }
    text
}

#[tokio::test(start_paused = true)]
async fn no_error_shows_a_secret_a_token_or_a_next_link() {
    listen();
    let origins = [
        "http://canary:canary@127.0.0.1:9",
        "ftp://canary:canary@127.0.0.1",
        "canary",
        "//canary@x",
    ];
    let foreign = origins.map(|origin| Fault::ForeignNextLink {
        origin: origin.to_owned(),
    });
    let others = [
        Fault::status(500),
        Fault::gateway(502),
        Fault::status(400),
        Fault::status(418),
        Fault::ConnectionReset,
        Fault::TruncatedBody,
        Fault::CutGzip,
        Fault::MalformedJson,
        Fault::ErrorWithOk,
        Fault::HtmlWithOk,
        Fault::NextLinkLoop { period: 1 },
        Fault::EndlessPages,
        Fault::ExpiredSkipToken { status: 410 },
        Fault::NotFound,
        Fault::Forbidden,
        Fault::Unauthorized,
        Fault::OversizedPage { bytes: 2 << 20 },
        Fault::Redirect {
            origin: "http://canary:canary@127.0.0.1:9".to_owned(),
        },
        Fault::Throttled(RetryAfter::seconds(1_000_000_000)),
    ];
    let mut config = compact(111);
    config.paging.page_size = 1..=1;
    let tenant = Simulator::start(config).await.unwrap();
    let mut office = Office::new(lcw_pipeline::FileFormat::Parquet);
    office.client.max_attempts = 2;
    office.client.page_limit = 20;
    office.client.page_cap_bytes = 1 << 20;
    let mut all = BTreeSet::new();
    for fault in foreign.into_iter().chain(others) {
        tenant.clear_faults();
        let rule = FaultRule::new(fault.clone()).on(Endpoint::Workflows);
        tenant.inject(rule.pages(Pages::Further));
        let client = office.sign_in(&tenant);
        let error = error_of(&client, GraphPath::workflows()).await;
        let mut canaries = canaries::of(&tenant);
        canaries.insert("canary".to_owned());
        let what = format!("the error of {fault:?}");
        assert_none(&what, &everything_of(&error), &canaries);
        assert_none("the client", &format!("{client:?} {client:#?}"), &canaries);
        all.extend(canaries);
    }
    assert_none("the log", &heard(), &all);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_secret_is_told_by_the_service_and_not_repeated() {
    listen();
    let tenant = Simulator::start(compact(112)).await.unwrap();
    let secret = "wr0ng~secret-of-the-office";
    let credential = ClientSecret::new(
        tenant.origin(),
        tenant.tenant_id(),
        tenant.client_id(),
        secret.to_owned().into(),
    )
    .unwrap();
    let mut office = Office::new(lcw_pipeline::FileFormat::Parquet);
    office.client.graph_url = tenant.origin().to_owned();
    let shown = format!("{credential:?} {credential:#?}");
    let client = GraphClient::new(office.client.clone(), credential).unwrap();
    let error = error_of(&client, GraphPath::workflows()).await;
    let summary = office.run_with(client).await;
    assert_eq!(summary.exit_code, 3, "{summary:#?}");
    let message = &summary.error.as_ref().unwrap().message;
    assert!(message.contains("AADSTS7000215"), "{message}");
    let shown = format!("{shown} {} {summary:?} {}", everything_of(&error), heard());
    assert!(!shown.contains(secret));
    assert!(!office.out().exists());
}
