//! The control surface at `/_simulator`, for people who run the simulator by itself.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::faults::{Fault, FaultBody, FaultRule, Pages, When};
use crate::hint::{Form, RetryAfter};
use crate::limit::Limit;
use crate::plan::{Reprocessed, RunPlan};
use crate::record::Endpoint;
use crate::service::{Asked, Service};
use crate::ticks;
use crate::words::ProcessingStatus;

mod options;

/// What the surface offers, said in every error.
const USAGE: &str = "GET / | POST clock?advance=24h | \
    POST faults?kind=KIND[&endpoint=KIND][&every=N|&nth=N|&chance=P][&times=N][&status=N][&retry_after=TEXT] | \
    DELETE faults | POST limit?per_second=N[&burst=N] | DELETE limit | \
    POST runs?workflow=ID&users=N[&non_users=N][&outcome=STATUS][&settling=6h][&reprocesses=RUN] | \
    POST options?NAME=VALUE";

/// Answers a request of the control surface.
pub(crate) fn answer(service: &Service, asked: &Asked, rest: &str) -> Answer {
    let done = match (asked.method.as_str(), rest) {
        ("GET", "") => Ok(()),
        ("POST", "clock") => advance(service, asked),
        ("POST", "faults") => inject(service, asked),
        ("DELETE", "faults") => {
            service.faults().clear();
            Ok(())
        }
        ("POST", "limit") => limit(service, asked),
        ("DELETE", "limit") => {
            service.gate().set(None);
            Ok(())
        }
        ("POST", "runs") => add_run(service, asked),
        ("POST", "options") => options::set(service, asked),
        _ => Err("there is nothing here".to_owned()),
    };
    match done {
        Ok(()) => Answer::json(200, format!("{:#}\n", state(service))),
        Err(problem) => Answer::json(
            400,
            format!("{:#}\n", json!({ "problem": problem, "usage": USAGE })),
        ),
    }
}

fn state(service: &Service) -> Value {
    let mut counts: BTreeMap<&str, BTreeMap<String, u64>> = BTreeMap::new();
    for ((endpoint, status), count) in service.records().counts() {
        counts
            .entry(endpoint.name())
            .or_default()
            .insert(status.to_string(), count);
    }
    let faults: Vec<Value> = service
        .faults()
        .state()
        .into_iter()
        .map(|(kind, matched, fired)| json!({ "kind": kind, "matched": matched, "fired": fired }))
        .collect();
    let limit = service
        .gate()
        .limit()
        .map(|limit| json!({ "per_second": limit.per_second, "burst": limit.burst }));
    let (tenant, now) = service.tenant();
    let workflows: Vec<Value> = tenant
        .workflows
        .iter()
        .map(|workflow| {
            json!({
                "id": workflow.id,
                "display_name": workflow.display_name,
                "deleted": workflow.deleted.is_some(),
                "runs": tenant.kept(workflow, now).count(),
            })
        })
        .collect();
    json!({
        "now": ticks::instant_text(now),
        "origin": service.identity.origin,
        "tenant_id": service.identity.tenant_id,
        "client_id": service.identity.client_id,
        "client_secret": service.identity.client_secret,
        "requests": counts,
        "faults": faults,
        "limit": limit,
        "workflows": workflows,
    })
}

fn advance(service: &Service, asked: &Asked) -> Result<(), String> {
    let text = required(asked, "advance")?;
    let by = duration(&text).ok_or_else(|| format!("'{text}' is not like 90s, 30m, 24h or 7d"))?;
    service.advance(by);
    Ok(())
}

fn limit(service: &Service, asked: &Asked) -> Result<(), String> {
    let per_second: f64 = number(asked, "per_second")?.ok_or("per_second is missing")?;
    if !per_second.is_finite() || per_second <= 0.0 {
        return Err("per_second must be above 0".to_owned());
    }
    let mut limit = Limit::per_second(per_second);
    limit.burst = number(asked, "burst")?.unwrap_or(limit.burst);
    service.gate().set(Some(limit));
    Ok(())
}

fn add_run(service: &Service, asked: &Asked) -> Result<(), String> {
    let id = required(asked, "workflow")?;
    let mut plan = RunPlan::new(
        ticks::to_timestamp(service.clock().now()),
        number(asked, "users")?.unwrap_or(3),
    );
    plan.non_users = number(asked, "non_users")?.unwrap_or(0);
    if let Some(name) = Service::parameter(asked, "outcome") {
        let status = ProcessingStatus::FINAL
            .into_iter()
            .find(|status| status.as_str() == name);
        plan.outcome = status.ok_or_else(|| format!("'{name}' is no final status"))?;
    }
    if let Some(text) = Service::parameter(asked, "settling") {
        plan.settling =
            duration(&text).ok_or_else(|| format!("'{text}' is not like 90s, 30m, 24h or 7d"))?;
    }
    if let Some(run) = Service::parameter(asked, "reprocesses") {
        plan = plan.reprocessing(Reprocessed::Run(run));
    }
    let (mut tenant, _) = service.tenant_mut();
    let config = tenant.config.clone();
    let workflow = tenant
        .workflows
        .iter_mut()
        .find(|workflow| workflow.id == id)
        .ok_or("there is no such workflow")?;
    workflow.add(&config, &plan);
    Ok(())
}

fn inject(service: &Service, asked: &Asked) -> Result<(), String> {
    let mut rule = FaultRule::new(fault(asked)?);
    if let Some(name) = Service::parameter(asked, "endpoint") {
        let endpoint = Endpoint::ALL
            .into_iter()
            .find(|endpoint| endpoint.name() == name);
        let names = Endpoint::ALL.map(Endpoint::name).join(", ");
        rule = rule.on(endpoint.ok_or_else(|| format!("endpoint is one of {names}"))?);
    }
    rule.when = match (
        number(asked, "every")?,
        number(asked, "nth")?,
        number(asked, "chance")?,
    ) {
        (Some(every), _, _) => When::EveryNth(every),
        (_, Some(nth), _) => When::Nth(nth),
        (_, _, Some(chance)) => When::Chance(chance),
        _ => When::Always,
    };
    rule.times = number(asked, "times")?;
    rule.path_contains = Service::parameter(asked, "path");
    rule.pages = match Service::parameter(asked, "pages").as_deref() {
        None | Some("any") => Pages::Any,
        Some("first") => Pages::First,
        Some("further") => Pages::Further,
        Some(_) => return Err("pages is any, first or further".to_owned()),
    };
    service.faults().add(rule);
    Ok(())
}

/// The faults that can be asked for.
const KINDS: [&str; 23] = [
    "throttled",
    "status",
    "gateway",
    "reset",
    "truncated",
    "cut-gzip",
    "malformed-json",
    "error-with-ok",
    "html-with-ok",
    "slow",
    "loop",
    "foreign-link",
    "respelled-link",
    "endless",
    "expired-skip-token",
    "repeated-row",
    "dropped-page",
    "cut-collection",
    "not-found",
    "forbidden",
    "unauthorized",
    "oversized",
    "redirect",
];

fn fault(asked: &Asked) -> Result<Fault, String> {
    let kind = required(asked, "kind")?;
    let hint =
        Service::parameter(asked, "retry_after").map_or(RetryAfter::Absent, |text| hint(&text));
    let status = number(asked, "status")?;
    let origin = || required(asked, "origin");
    Ok(match kind.as_str() {
        "throttled" => Fault::Throttled(hint),
        "status" | "gateway" => Fault::Status {
            status: status.unwrap_or(503),
            body: if kind == "gateway" {
                FaultBody::Html
            } else {
                FaultBody::Json
            },
            retry_after: hint,
        },
        "reset" => Fault::ConnectionReset,
        "truncated" => Fault::TruncatedBody,
        "cut-gzip" => Fault::CutGzip,
        "malformed-json" => Fault::MalformedJson,
        "error-with-ok" => Fault::ErrorWithOk,
        "html-with-ok" => Fault::HtmlWithOk,
        "slow" => Fault::SlowBytes {
            chunk: 256,
            pause: Duration::from_millis(100),
        },
        "loop" => Fault::NextLinkLoop {
            period: number(asked, "period")?.unwrap_or(1),
        },
        "foreign-link" => Fault::ForeignNextLink { origin: origin()? },
        "respelled-link" => Fault::RespelledNextLink,
        "endless" => Fault::EndlessPages,
        "expired-skip-token" => Fault::ExpiredSkipToken {
            status: status.unwrap_or(410),
        },
        "repeated-row" => Fault::RepeatedRow,
        "dropped-page" => Fault::DroppedPage,
        "cut-collection" => Fault::CutCollection,
        "not-found" => Fault::NotFound,
        "forbidden" => Fault::Forbidden,
        "unauthorized" => Fault::Unauthorized,
        "oversized" => Fault::OversizedPage {
            bytes: number(asked, "bytes")?.unwrap_or(65 * 1024 * 1024),
        },
        "redirect" => Fault::Redirect { origin: origin()? },
        _ => {
            let kinds = KINDS.join(", ");
            return Err(format!(
                "there is no fault '{kind}': kind is one of {kinds}"
            ));
        }
    })
}

/// Whole seconds and fractions become pauses that the simulator watches; anything else is sent as it is.
fn hint(text: &str) -> RetryAfter {
    let form = match text {
        _ if text.contains(',') => Form::Comma,
        _ if text.contains('.') => Form::Fraction,
        _ => Form::Seconds,
    };
    text.replace(',', ".")
        .parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .map_or_else(
            || RetryAfter::Text(text.to_owned()),
            |after| RetryAfter::In(form, after),
        )
}

fn required(asked: &Asked, name: &str) -> Result<String, String> {
    Service::parameter(asked, name).ok_or_else(|| format!("{name} is missing"))
}

fn number<T: std::str::FromStr>(asked: &Asked, name: &str) -> Result<Option<T>, String> {
    Service::parameter(asked, name)
        .map(|text| {
            text.parse()
                .map_err(|_| format!("{name} is not a fitting number: '{text}'"))
        })
        .transpose()
}

/// Reads `90s`, `30m`, `24h` and `7d`.
fn duration(text: &str) -> Option<Duration> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let count: u64 = text.get(..text.len() - 1)?.parse().ok()?;
    // A clock beyond the calendar helps nobody.
    count
        .checked_mul(unit)
        .filter(|&seconds| seconds < 1_000 * 366 * 86_400)
        .map(Duration::from_secs)
}
