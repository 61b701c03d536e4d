//! The functions that sum up a time: `summary(startDateTime=…,endDateTime=…)`.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::config::DateProperty;
use crate::graph::GraphAsk;
use crate::report;
use crate::result;
use crate::route::Target;
use crate::run::RunView;
use crate::ticks::{self, Ticks};
use crate::words::ProcessingStatus;
use crate::workflow::Workflow;

/// A time with both its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    from: Ticks,
    until: Ticks,
}

impl Span {
    /// Reads the arguments of the function; both are required and written without quotes.
    fn parse(arguments: &str) -> Option<Self> {
        let value = |name: &str| {
            arguments
                .split(',')
                .filter_map(|part| part.split_once('='))
                .find(|(key, _)| key.trim() == name)
                .and_then(|(_, value)| ticks::parse(value.trim()))
        };
        Some(Self {
            from: value("startDateTime")?,
            until: value("endDateTime")?,
        })
    }

    fn contains(self, instant: Option<Ticks>) -> bool {
        instant.is_some_and(|instant| self.from <= instant && instant <= self.until)
    }
}

impl<'a> GraphAsk<'a> {
    /// Sums up the runs, results or task reports of a workflow as they are now.
    pub(crate) fn summary(
        &self,
        workflow: &'a Workflow,
        target: &Target,
    ) -> Result<Answer, Answer> {
        let (Target::RunSummary(.., arguments)
        | Target::ResultSummary(.., arguments)
        | Target::TaskReportSummary(.., arguments)) = target
        else {
            return Err(Answer::not_found("The resource", self.caller));
        };
        let span = Span::parse(arguments).ok_or_else(|| {
            self.bad_request("The function needs the parameters 'startDateTime' and 'endDateTime'.")
        })?;
        let (name, mut body) = match target {
            Target::RunSummary(..) => ("runSummary", self.of_runs(workflow, span)),
            Target::TaskReportSummary(..) => ("taskReportSummary", self.of_reports(workflow, span)),
            Target::ResultSummary(_, _, Some(run), _) => {
                let run = self.run(workflow, run)?.view(self.now);
                ("userSummary", self.of_results(std::iter::once(run), span))
            }
            _ => ("userSummary", self.of_results(self.seen(workflow), span)),
        };
        let version = self.path.split('/').nth(1).unwrap_or_default();
        body["@odata.context"] = json!(format!(
            "{}/{version}/$metadata#microsoft.graph.identityGovernance.{name}",
            self.origin
        ));
        Ok(Answer::json(200, body.to_string()))
    }

    fn seen(&self, workflow: &'a Workflow) -> impl Iterator<Item = RunView<'a>> {
        self.tenant
            .kept(workflow, self.now)
            .map(|run| run.view(self.now))
    }

    fn decides(&self) -> DateProperty {
        self.tenant.config.windows.summaries
    }

    fn of_runs(&self, workflow: &'a Workflow, span: Span) -> Value {
        let mut sum = [0_i64; 6];
        let runs = self.seen(workflow);
        for run in runs.filter(|run| span.contains(date_of(run, self.decides()))) {
            let is = |status| i64::from(run.status == status);
            sum[0] += is(ProcessingStatus::Failed);
            sum[1] += i64::from(run.totals.failed_tasks);
            sum[2] += is(ProcessingStatus::Completed);
            sum[3] += 1;
            sum[4] += i64::from(run.totals.tasks);
            sum[5] += i64::from(run.totals.users);
        }
        json!({
            "failedRuns": sum[0],
            "failedTasks": sum[1],
            "successfulRuns": sum[2],
            "totalRuns": sum[3],
            "totalTasks": sum[4],
            "totalUsers": sum[5],
        })
    }

    fn of_results(&self, runs: impl Iterator<Item = RunView<'a>>, span: Span) -> Value {
        let mut sum = [0_i64; 5];
        for run in runs {
            let rows = (0..run.run.users).filter_map(|row| result::view(run.run, row, self.now));
            for view in rows {
                let date = match self.decides() {
                    DateProperty::Scheduled | DateProperty::Created => Some(view.scheduled),
                    DateProperty::Started => view.started,
                    DateProperty::Completed => view.completed,
                    DateProperty::LastUpdated => Some(run.last_updated),
                };
                if !span.contains(date) {
                    continue;
                }
                sum[0] += i64::from(view.failed_tasks);
                match view.status {
                    ProcessingStatus::Failed | ProcessingStatus::CompletedWithErrors => sum[1] += 1,
                    ProcessingStatus::Completed => sum[2] += 1,
                    _ => {}
                }
                sum[3] += i64::from(view.total_tasks);
                sum[4] += 1;
            }
        }
        json!({
            "failedTasks": sum[0],
            "failedUsers": sum[1],
            "successfulUsers": sum[2],
            "totalTasks": sum[3],
            "totalUsers": sum[4],
        })
    }

    fn of_reports(&self, workflow: &'a Workflow, span: Span) -> Value {
        let mut sum = [0_i64; 4];
        let runs = self.seen(workflow);
        let counted = runs
            .filter(|run| span.contains(date_of(run, self.decides())))
            .flat_map(|run| report::views(run.run, self.now));
        for view in counted {
            sum[0] += i64::from(view.tally.failed);
            sum[1] += i64::from(view.tally.successful);
            sum[2] += i64::from(view.tally.total());
            sum[3] += i64::from(view.tally.unprocessed);
        }
        json!({
            "failedTasks": sum[0],
            "successfulTasks": sum[1],
            "totalTasks": sum[2],
            "unprocessedTasks": sum[3],
        })
    }
}

fn date_of(run: &RunView<'_>, property: DateProperty) -> Option<Ticks> {
    match property {
        DateProperty::Scheduled | DateProperty::Created => Some(run.run.scheduled),
        DateProperty::Started => run.started,
        DateProperty::Completed => run.completed,
        DateProperty::LastUpdated => Some(run.last_updated),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_needed_and_neither_is_quoted() {
        let whole = "startDateTime=2022-08-01T00:00:00Z,endDateTime=2022-08-31T00:00:00Z";
        let span = Span::parse(whole).unwrap();
        assert!(span.contains(ticks::parse("2022-08-31")));
        assert!(!span.contains(ticks::parse("2022-08-31T00:00:00.0000001Z")));
        assert!(!span.contains(None));
        for text in [
            "",
            "startDateTime=2022-08-01T00:00:00Z",
            "endDateTime=2022-08-01T00:00:00Z",
            "startDateTime='2022-08-01T00:00:00Z',endDateTime='2022-08-31T00:00:00Z'",
            "startDateTime=null,endDateTime=2022-08-31T00:00:00Z",
        ] {
            assert_eq!(Span::parse(text), None, "{text}");
        }
    }
}
