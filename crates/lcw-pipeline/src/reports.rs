//! Task reports: one chain per workflow, handed to the runs that they are about.

use std::collections::{BTreeMap, HashMap};

use futures_util::{StreamExt, stream};
use lcw_extractor::{CollectionRequest, ExtractError, GraphClient, GraphPath};
use lcw_model::time::format_micros;
use lcw_transform::Table;
use tracing::warn;

use crate::catalog::{Scope, concat, is_refusal, path_of, stops_everything, where_it_lives};
use crate::coverage::DAY;
use crate::decode::{self, ListedReport, Sieve};
use crate::not_covered::{Cause, NotCovered};
use crate::request::{DeletedWorkflows, Request};
use crate::summaries::{Counted, Measure};
use crate::survey::{Survey, instant};
use crate::trouble::{Breaker, Reach, reach};

/// The ways to ask for task reports. Nothing says which window a plain call answers with; only
/// `completedDateTime` is documented to be filtered on, and it leaves out what is under way.
#[derive(Debug, Clone, Copy)]
enum Way {
    CompletedDateTime,
    Unfiltered,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::CompletedDateTime => "completedDateTime",
            Self::Unfiltered => "unfiltered",
        }
    }
}

/// The task reports of one run.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunReports {
    /// As they were sent.
    pub(crate) objects: Vec<Box<str>>,
    /// None of the workflow's was set aside, which may be one of the run's.
    pub(crate) is_whole: bool,
}

/// What one workflow's task reports are needed for.
struct Need<'a> {
    scope: &'a Scope,
    /// The schedule of the oldest run in need.
    since: i64,
    /// A run in need is still open: reports that are not completed count, too.
    has_open: bool,
    /// Until when the service's own counts stand still; none where it was not asked for any.
    until: Option<i64>,
}

/// Reads the task reports of every workflow with a run that needs them.
///
/// # Errors
/// What stops everything, and several workflows in a row that cannot be read.
pub(crate) async fn read(
    request: &Request,
    client: &GraphClient,
    scopes: &[Scope],
    survey: &mut Survey,
) -> Result<Reports, ExtractError> {
    let mut reports = Reports::default();
    let needs = needs(scopes, survey);
    let mut answers = stream::iter(needs)
        .map(|need| async move {
            let scope = need.scope;
            let deleted = request.deleted_workflows;
            let answer = where_it_lives(scope.is_deleted, deleted, async |is_deleted| {
                let path = path_of(&scope.workflow.id, is_deleted).task_reports();
                read_one(request, client, &need, path).await
            });
            (scope, answer.await)
        })
        .buffer_unordered(request.max_concurrency);
    let mut breaker = Breaker::default();
    while let Some((scope, answer)) = answers.next().await {
        match answer {
            Ok(found) => {
                breaker.success();
                reports.add(scope, found);
            }
            Err(error) if stops_everything(&error) => return Err(error),
            Err(error) => match reach(&error) {
                Reach::JustThis if breaker.failure() => return Err(error),
                _ => reports.leave_out(scope, &error, request.deleted_workflows),
            },
        }
    }
    drop(answers);
    reports.hand_out(survey);
    Ok(reports)
}

fn needs<'a>(scopes: &'a [Scope], survey: &Survey) -> Vec<Need<'a>> {
    let mut by_workflow = HashMap::<&str, (i64, bool)>::new();
    for task in survey.days.values().flatten() {
        if let Some(run) = task.listed.as_ref().filter(|_| task.reading.reports) {
            let need = by_workflow
                .entry(&task.workflow_id)
                .or_insert((run.scheduled, false));
            need.0 = need.0.min(run.scheduled);
            need.1 |= !run.is_final();
        }
    }
    scopes
        .iter()
        .filter_map(|scope| {
            let (since, has_open) = *by_workflow.get(&*scope.workflow.id)?;
            let counted = survey.counted.get(&scope.workflow.id);
            Some(Need {
                scope,
                since,
                has_open,
                until: counted.map(Counted::until).filter(|until| since < *until),
            })
        })
        .collect()
}

/// The reports of one workflow.
struct Found {
    reports: BTreeMap<Box<str>, ListedReport>,
    way: Way,
    /// What the service counts over them, where it says.
    counted: Option<i64>,
    set_aside: Vec<decode::SetAside>,
}

async fn read_one(
    request: &Request,
    client: &GraphClient,
    need: &Need<'_>,
    path: GraphPath,
) -> Result<Found, ExtractError> {
    let counted = count(client, need, path.clone()).await?;
    let mut decoder = decode::TaskReports {
        sieve: Sieve::new(
            Table::TaskReports,
            request.odd_rows(),
            &need.scope.workflow.id,
        ),
    };
    let mut reports = BTreeMap::<Box<str>, ListedReport>::new();
    let mut last_way = Way::CompletedDateTime;
    for way in [Way::CompletedDateTime, Way::Unfiltered] {
        last_way = way;
        let all = CollectionRequest::new(path.clone()).with_task();
        let asked = match way {
            Way::CompletedDateTime => {
                let since = format_micros(need.since - DAY);
                all.filtered(format!("completedDateTime ge {since}"))
            }
            Way::Unfiltered => all,
        };
        for report in concat(client.pages(asked, &mut decoder)).await? {
            reports.insert(report.id.clone(), report);
        }
        let is_whole = counted.is_some_and(|counted| counted <= tasks_of(reports.values()));
        if !need.has_open && is_whole {
            break;
        }
    }
    Ok(Found {
        reports,
        way: last_way,
        counted,
        set_aside: decoder.sieve.set_aside,
    })
}

/// What the service counts over the reports since the oldest run in need, where it says.
///
/// # Errors
/// What stops everything.
async fn count(
    client: &GraphClient,
    need: &Need<'_>,
    path: GraphPath,
) -> Result<Option<i64>, ExtractError> {
    let Some(until) = need.until else {
        return Ok(None);
    };
    let path = path.summary(instant(need.since), instant(until));
    match client.entity(path, &mut decode::Summary).await {
        Ok(summary) => Ok(summary.tasks),
        Err(error) if stops_everything(&error) => Err(error),
        Err(_) => Ok(None),
    }
}

fn tasks_of<'r>(reports: impl Iterator<Item = &'r ListedReport>) -> i64 {
    // A report that names no run is not stored.
    let stored = reports.filter(|report| report.run_id.is_some());
    stored.map(|report| i64::from(report.users)).sum()
}

/// The task reports of all workflows.
#[derive(Default)]
pub(crate) struct Reports {
    by_run: HashMap<(String, Box<str>), Vec<Box<str>>>,
    read: HashMap<String, ReadOf>,
    pub(crate) ways: BTreeMap<String, u64>,
    pub(crate) not_covered: Vec<NotCovered>,
    pub(crate) set_aside: Vec<decode::SetAside>,
    /// Workflows whose reports could not be read.
    pub(crate) unread: Vec<String>,
}

/// What the reports of one workflow came to.
struct ReadOf {
    measure: Option<Measure>,
    is_whole: bool,
}

impl Reports {
    fn add(&mut self, scope: &Scope, mut found: Found) {
        let workflow = &scope.workflow.id;
        *self.ways.entry(found.way.name().to_owned()).or_default() += 1;
        let held = tasks_of(found.reports.values());
        let read = ReadOf {
            measure: found.counted.map(|counted| Measure { counted, held }),
            is_whole: found.set_aside.is_empty(),
        };
        self.set_aside.append(&mut found.set_aside);
        self.read.insert(workflow.clone(), read);
        let mut of_no_run = 0;
        for report in found.reports.into_values() {
            let Some(run) = report.run_id else {
                of_no_run += 1;
                continue;
            };
            let key = (workflow.clone(), run);
            self.by_run.entry(key).or_default().push(report.raw);
        }
        if of_no_run > 0 {
            self.not_covered.push(no_day(workflow, of_no_run));
        }
    }

    fn leave_out(&mut self, scope: &Scope, error: &ExtractError, deleted: DeletedWorkflows) {
        let id = &scope.workflow.id;
        let tolerated =
            scope.is_deleted && is_refusal(error) && deleted != DeletedWorkflows::Require;
        if !tolerated {
            warn!(workflow.id = id, %error, "a workflow's task reports could not be read");
        }
        let what = format!("task reports of workflow {id}");
        let missing = NotCovered::new(what, error, !tolerated);
        self.not_covered
            .push(missing.in_table(Table::TaskReports).of_workflow(id));
        self.unread.push(id.clone());
    }

    /// Gives every run that needs them its reports, and the sums to the service's own counts.
    fn hand_out(&mut self, survey: &mut Survey) {
        for task in survey.days.values_mut().flatten() {
            let workflow = task.workflow_id.to_string();
            if let Some(read) = self.read.get(&workflow).filter(|_| task.reading.reports) {
                let key = (workflow, task.run_id.clone());
                task.reports = Some(RunReports {
                    objects: self.by_run.remove(&key).unwrap_or_default(),
                    is_whole: read.is_whole,
                });
            }
        }
        self.by_run.clear();
        for (workflow, read) in &self.read {
            let counted = survey.counted.get_mut(workflow);
            if let (Some(counted), Some(measure)) = (counted, read.measure) {
                counted.compare_reports(measure);
            }
        }
    }
}

/// Reports that name no run have no day to be stored under.
fn no_day(workflow_id: &str, reports: usize) -> NotCovered {
    let what = format!("{reports} task reports of workflow {workflow_id}");
    let reason = "the service does not say which run they are about";
    NotCovered::plain(what, Cause::NotFound, reason, true)
        .in_table(Table::TaskReports)
        .of_workflow(workflow_id)
}
