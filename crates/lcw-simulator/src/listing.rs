//! The rows of a collection: which there are, in which order, from which position on.

use crate::config::{DateProperty, Order, WindowRule};
use crate::filter::{Filter, Property, Row, Value};
use crate::paging::Position;
use crate::plan::Listed;
use crate::render::Style;
use crate::result::{self, ResultView};
use crate::run::{Run, RunView};
use crate::tenant::Tenant;
use crate::ticks::{self, Ticks};
use crate::workflow::Workflow;

/// The rows of one request: filter, window, and where to begin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) tenant: &'a Tenant,
    pub(crate) style: Style<'a>,
    pub(crate) filter: Option<&'a Filter>,
    pub(crate) from: Option<Position>,
    pub(crate) now: Ticks,
}

impl<'a> Rows<'a> {
    /// Workflows of a listing.
    pub(crate) fn workflows(
        self,
        listed: impl Iterator<Item = &'a Workflow>,
    ) -> impl Iterator<Item = (Position, &'a Workflow)> {
        let first = self.from.map_or(0, |from| from.ordinal);
        listed
            .filter(move |workflow| self.filter.is_none_or(|filter| filter.accepts(*workflow)))
            .zip(0_u32..)
            .map(|(workflow, ordinal)| {
                (
                    Position {
                        scheduled: 0,
                        ordinal,
                        row: 0,
                    },
                    workflow,
                )
            })
            .filter(move |(position, _)| position.ordinal >= first)
    }

    /// Runs of a workflow.
    pub(crate) fn runs(
        self,
        workflow: &'a Workflow,
    ) -> impl Iterator<Item = (Position, RunView<'a>)> {
        let cutoff = self.cutoff(&self.tenant.config.windows.runs);
        self.reached_runs(workflow)
            .filter(move |run| run.scheduled >= cutoff)
            .flat_map(move |run| listed_views(run, self.now))
            .filter(move |(position, view)| {
                self.is_reached(*position) && self.filter.is_none_or(|filter| filter.accepts(view))
            })
    }

    /// Results of one run.
    pub(crate) fn results(
        self,
        workflow: &'a Workflow,
        run: &'a Run,
    ) -> impl Iterator<Item = (Position, ResultView<'a>)> {
        let cutoff = self.cutoff(&self.tenant.config.windows.results);
        let first = match self.from {
            Some(from) if from.ordinal == run.ordinal => from.row,
            _ => 0,
        };
        (first..run.users)
            .filter_map(move |row| result::view(run, row, self.now))
            .filter(move |view| view.scheduled >= cutoff && self.accepts_result(workflow, view))
            .map(|view| (position(view.run, view.row), view))
    }

    /// Results of all runs of a workflow.
    pub(crate) fn workflow_results(
        self,
        workflow: &'a Workflow,
    ) -> impl Iterator<Item = (Position, ResultView<'a>)> {
        self.reached_runs(workflow)
            .flat_map(move |run| self.results(workflow, run))
    }

    fn accepts_result(&self, workflow: &Workflow, view: &ResultView<'_>) -> bool {
        self.filter.is_none_or(|filter| {
            filter.accepts(&ResultRow {
                style: self.style,
                workflow,
                view,
            })
        })
    }

    /// The runs from the position on, in the configured order.
    fn reached_runs(self, workflow: &'a Workflow) -> impl Iterator<Item = &'a Run> {
        let kept = self.tenant.kept(workflow, self.now);
        let (up, down) = match self.tenant.config.paging.order {
            Order::OldestFirst => (Some(kept), None),
            Order::NewestFirst => (None, Some(kept.rev())),
        };
        let ordered = up.into_iter().flatten().chain(down.into_iter().flatten());
        ordered.skip_while(move |run| !self.is_run_reached(run))
    }

    fn is_run_reached(&self, run: &Run) -> bool {
        self.from.is_none_or(|from| {
            let (here, there) = ((run.scheduled, run.ordinal), (from.scheduled, from.ordinal));
            match self.tenant.config.paging.order {
                Order::OldestFirst => here >= there,
                Order::NewestFirst => here <= there,
            }
        })
    }

    fn is_reached(&self, position: Position) -> bool {
        self.from
            .is_none_or(|from| position.ordinal != from.ordinal || position.row >= from.row)
    }

    /// Rows scheduled before this instant are not listed.
    fn cutoff(&self, rule: &WindowRule) -> Ticks {
        let lifted = self
            .filter
            .is_some_and(|filter| filter.bounds_below(&rule.lifted_by));
        match rule.default {
            Some(window) if !lifted => self.now - ticks::from_duration(window),
            _ => Ticks::MIN,
        }
    }
}

fn position(run: &Run, row: u32) -> Position {
    Position {
        scheduled: run.scheduled,
        ordinal: run.ordinal,
        row,
    }
}

/// The rows that a run has in a listing: one, or two when it is listed twice.
fn listed_views(run: &Run, now: Ticks) -> impl Iterator<Item = (Position, RunView<'_>)> {
    let view = run.view(now);
    let (first, second) = match run.listed {
        Listed::Once => (view, None),
        Listed::Twice => (view, Some(view)),
        Listed::StaleFirst => (run.stale_view(), Some(view)),
        Listed::StaleLast => (view, Some(run.stale_view())),
    };
    std::iter::once(first)
        .chain(second)
        .zip(0_u32..)
        .map(move |(view, row)| (position(run, row), view))
}

impl Row for Workflow {
    fn value(&self, property: Property) -> Value<'_> {
        match property {
            Property::Id => Value::Text(self.id.as_str().into()),
            Property::Category => Value::Text(self.category.as_str().into()),
            Property::DisplayName => Value::Text(self.display_name.as_str().into()),
            Property::IsEnabled => Value::Boolean(self.enabled),
            Property::IsSchedulingEnabled => Value::Boolean(self.grid.is_some()),
            Property::Version => Value::Number(i64::from(self.version)),
            Property::Created => Value::Instant(Some(self.created)),
            Property::Modified => Value::Instant(Some(self.modified)),
            Property::Deleted => Value::Instant(self.deleted),
            Property::NextRun => {
                Value::Instant(self.grid.as_ref().and_then(|grid| grid.upcoming(self.seed)))
            }
            _ => Value::Missing,
        }
    }
}

impl Row for RunView<'_> {
    fn value(&self, property: Property) -> Value<'_> {
        match property {
            Property::Id => Value::Text(self.run.id.as_str().into()),
            Property::Status => Value::Text(self.status.as_str().into()),
            Property::Execution => Value::Text(self.run.execution.as_str().into()),
            Property::Date(DateProperty::Scheduled) => Value::Instant(Some(self.run.scheduled)),
            Property::Date(DateProperty::Started) => Value::Instant(self.started),
            Property::Date(DateProperty::Completed) => Value::Instant(self.completed),
            Property::Date(DateProperty::LastUpdated) => Value::Instant(Some(self.last_updated)),
            _ => Value::Missing,
        }
    }
}

struct ResultRow<'a> {
    style: Style<'a>,
    workflow: &'a Workflow,
    view: &'a ResultView<'a>,
}

impl Row for ResultRow<'_> {
    fn value(&self, property: Property) -> Value<'_> {
        let view = self.view;
        match property {
            Property::Id => Value::Text(self.style.result_id(self.workflow, view).into()),
            Property::Status => Value::Text(view.status.as_str().into()),
            Property::Execution => Value::Text(view.execution().as_str().into()),
            Property::Subject => {
                let person = self.style.tenant.person_id(view.person());
                Value::Text(crate::random::guid_text(person).into())
            }
            Property::Date(DateProperty::Scheduled) => Value::Instant(Some(view.scheduled)),
            Property::Date(DateProperty::Started) => Value::Instant(view.started),
            Property::Date(DateProperty::Completed) => Value::Instant(view.completed),
            _ => Value::Missing,
        }
    }
}
