//! Every fault of the simulator, with the shapes that it comes in.

use std::time::Duration;

use lcw_simulator::{Endpoint, Fault, FaultBody, RetryAfter};
use lcw_tests::Dice;
use lcw_transform::Table;

/// Faults that pass when a request is sent again.
pub(crate) fn passing() -> Vec<Fault> {
    let pauses = [
        RetryAfter::seconds(7),
        RetryAfter::fraction(2_128),
        RetryAfter::comma(700),
        RetryAfter::date(9),
        RetryAfter::Text("Mon, 23 Nov 2015 10:00:00 GMT".to_owned()),
        RetryAfter::Text("soon".to_owned()),
        RetryAfter::Absent,
    ];
    let bodies = [FaultBody::Json, FaultBody::Html, FaultBody::Empty];
    let mut faults: Vec<Fault> = pauses.into_iter().map(Fault::Throttled).collect();
    for (status, body) in [408, 500, 502, 503, 504, 509]
        .into_iter()
        .zip(bodies.into_iter().cycle())
    {
        let retry_after = match status {
            503 => RetryAfter::seconds(3),
            504 => RetryAfter::fraction(4_500),
            _ => RetryAfter::Absent,
        };
        faults.push(Fault::Status {
            status,
            body,
            retry_after,
        });
    }
    faults.extend([
        Fault::ConnectionReset,
        Fault::TruncatedBody,
        Fault::CutGzip,
        Fault::MalformedJson,
        Fault::ErrorWithOk,
        Fault::HtmlWithOk,
        Fault::SlowBytes {
            chunk: 100,
            pause: Duration::from_millis(300),
        },
        Fault::SlowBytes {
            chunk: 60,
            pause: Duration::from_mins(30),
        },
        Fault::RespelledNextLink,
        Fault::RepeatedRow,
        Fault::OversizedPage { bytes: 100_000 },
        Fault::ExpiredSkipToken { status: 400 },
        Fault::ExpiredSkipToken { status: 410 },
        Fault::Unauthorized,
    ]);
    faults
}

/// Faults that another request does not help against.
pub(crate) fn lasting(elsewhere: &str) -> Vec<Fault> {
    let origin = elsewhere.to_owned();
    vec![
        Fault::Throttled(RetryAfter::seconds(99_999_999)),
        Fault::status(400),
        Fault::status(418),
        Fault::gateway(501),
        Fault::NextLinkLoop { period: 1 },
        Fault::NextLinkLoop { period: 2 },
        Fault::ForeignNextLink {
            origin: origin.clone(),
        },
        Fault::EndlessPages,
        Fault::NotFound,
        Fault::Forbidden,
        Fault::OversizedPage { bytes: 2 << 20 },
        Fault::Redirect { origin },
    ]
}

/// Faults by which the service keeps something to itself without a word.
pub(crate) const SILENT: [Fault; 2] = [Fault::DroppedPage, Fault::CutCollection];

/// Any of them.
pub(crate) fn any(dice: &mut Dice, elsewhere: &str) -> Fault {
    match dice.within(0..=9) {
        0..=5 => dice.pick(&passing()),
        6..=7 => dice.pick(&lasting(elsewhere)),
        _ => dice.pick(&SILENT),
    }
}

pub(crate) fn is_silent(fault: &Fault) -> bool {
    matches!(fault, Fault::DroppedPage | Fault::CutCollection)
}

/// What a fault can do to an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    /// It makes no request fail.
    Harmless,
    /// It makes one fail, and the next may be answered.
    Passing,
    /// Another request does not help.
    Lasting,
}

pub(crate) fn severity(fault: &Fault) -> Severity {
    match fault {
        Fault::RespelledNextLink | Fault::RepeatedRow => Severity::Harmless,
        Fault::OversizedPage { bytes } if *bytes < 1 << 20 => Severity::Harmless,
        fault if is_silent(fault) => Severity::Harmless,
        // A first page has none that a new beginning would replace.
        Fault::ExpiredSkipToken { .. } => Severity::Lasting,
        fault if passing().contains(fault) => Severity::Passing,
        _ => Severity::Lasting,
    }
}

/// What an export of these tables asks for.
pub(crate) fn endpoints(tables: &[Table]) -> Vec<Endpoint> {
    let mut endpoints = vec![
        Endpoint::Token,
        Endpoint::Workflows,
        Endpoint::Workflow,
        Endpoint::DeletedWorkflows,
        Endpoint::DeletedWorkflow,
        Endpoint::Runs,
        Endpoint::Run,
        Endpoint::RunResults,
        Endpoint::RunSummary,
        Endpoint::ResultSummary,
    ];
    for (table, asked) in [
        (Table::TaskProcessingResults, &[Endpoint::TaskResults][..]),
        (
            Table::WorkflowVersions,
            &[Endpoint::Versions, Endpoint::Version],
        ),
        (Table::Tasks, &[Endpoint::Tasks]),
        (Table::TaskDefinitions, &[Endpoint::TaskDefinitions]),
        (
            Table::TaskReports,
            &[Endpoint::TaskReports, Endpoint::TaskReportSummary],
        ),
    ] {
        if tables.contains(&table) {
            endpoints.extend(asked);
        }
    }
    endpoints
}

/// Endpoints whose rows the service counts, or that are listed anew by every export: there, what is
/// kept back comes to light. Nothing counts versions, tasks and reports.
pub(crate) const COUNTED: [Endpoint; 5] = [
    Endpoint::Workflows,
    Endpoint::DeletedWorkflows,
    Endpoint::Runs,
    Endpoint::RunResults,
    Endpoint::TaskResults,
];
