//! The workflows of a tenant: which ones count, and what ran of each.

use std::collections::{BTreeMap, HashMap};

use lcw_dataset::DatasetError;
use lcw_model::time::format_micros;
use lcw_transform::Table;

use crate::error::ReportError;
use crate::model::{Outcomes, WorkflowLine};
use crate::plain::shortened;
use crate::source::Source;

const COLUMNS: [&str; 7] = [
    "id",
    "display_name",
    "category",
    "is_enabled",
    "is_scheduling_enabled",
    "created_date_time",
    "deleted_date_time",
];

/// One workflow.
#[derive(Debug, Default)]
pub(crate) struct Workflow {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    pub(crate) is_leaver: bool,
    /// Whether its runs count.
    pub(crate) is_chosen: bool,
    pub(crate) is_live: bool,
    category: Option<String>,
    is_enabled: Option<bool>,
    is_scheduling_enabled: Option<bool>,
    created: Option<i64>,
    deleted: Option<i64>,
    last_run: Option<i64>,
    runs: u64,
    open_runs: u64,
    preview_runs: u64,
    users: Outcomes,
}

/// What one day holds of one workflow.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Volume {
    pub(crate) runs: u64,
    pub(crate) open_runs: u64,
    pub(crate) preview_runs: u64,
    pub(crate) users: Outcomes,
    /// The newest schedule of a run that is no dry run.
    pub(crate) last_run: Option<i64>,
}

/// Workflows by their place, which stands for them everywhere else.
#[derive(Debug, Default)]
pub(crate) struct Workflows {
    all: Vec<Workflow>,
    places: HashMap<String, usize>,
    /// Without names all of them count.
    named: bool,
}

impl Workflows {
    /// Reads the tenant's workflows; `wanted` names the ones that count, by id or name.
    pub(crate) fn read(source: &Source, wanted: &[String]) -> Result<Self, ReportError> {
        let mut workflows = Self {
            named: !wanted.is_empty(),
            ..Self::default()
        };
        source.read(Table::Workflows, None, &COLUMNS, |row| {
            let text = |column| row.text(column).map(str::to_owned);
            let category = text(2);
            let mut flags = category.as_deref().unwrap_or_default().split(',');
            workflows.add(Workflow {
                id: text(0).unwrap_or_default(),
                name: text(1),
                is_leaver: flags.any(|flag| flag == "leaver"),
                is_chosen: wanted.is_empty(),
                is_live: row.instant(6).is_none(),
                category,
                is_enabled: row.truth(3),
                is_scheduling_enabled: row.truth(4),
                created: row.instant(5),
                deleted: row.instant(6),
                ..Workflow::default()
            });
        })?;
        for name in wanted {
            let place = workflows.find(name)?;
            workflows.all[place].is_chosen = true;
        }
        Ok(workflows)
    }

    fn add(&mut self, workflow: Workflow) -> usize {
        let place = self.all.len();
        self.places.insert(workflow.id.clone(), place);
        self.all.push(workflow);
        place
    }

    /// The place of a workflow, of which the dataset may have runs and nothing else.
    pub(crate) fn place(&mut self, id: &str) -> usize {
        match self.places.get(id) {
            Some(place) => *place,
            None => self.add(Workflow {
                id: id.to_owned(),
                is_chosen: !self.named,
                ..Workflow::default()
            }),
        }
    }

    pub(crate) fn get(&self, place: usize) -> &Workflow {
        &self.all[place]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Workflow> {
        self.all.iter()
    }

    /// Whether the rows of this workflow count.
    pub(crate) fn counts(&self, id: &str) -> bool {
        match self.places.get(id) {
            Some(place) => self.all[*place].is_chosen,
            None => !self.named,
        }
    }

    /// Ids of the workflows that were named.
    pub(crate) fn named_ids(&self) -> Vec<String> {
        let chosen = self.all.iter().filter(|it| self.named && it.is_chosen);
        chosen.map(|workflow| workflow.id.clone()).collect()
    }

    /// The one workflow that a name or an id means.
    fn find(&self, wanted: &str) -> Result<usize, ReportError> {
        if let Some(place) = self.places.get(wanted) {
            return Ok(*place);
        }
        let lower = wanted.to_lowercase();
        let is_it = |it: &Workflow| {
            it.name
                .as_ref()
                .is_some_and(|it| it.to_lowercase() == lower)
        };
        let mut found = (0..self.all.len()).filter(|place| is_it(&self.all[*place]));
        match (found.next(), found.next()) {
            (Some(place), None) => Ok(place),
            (Some(_), Some(_)) => {
                let ids = self
                    .all
                    .iter()
                    .filter(|it| is_it(it))
                    .map(|it| it.id.clone());
                let ids: Vec<String> = ids.collect();
                Err(ReportError::usage(
                    format!("several workflows are called {:?}", shortened(wanted, 80)),
                    format!("name one by its id: {}", ids.join(", ")),
                ))
            }
            (None, _) => Err(self.unknown(wanted)),
        }
    }

    fn unknown(&self, wanted: &str) -> ReportError {
        let names = self.all.iter().filter_map(|it| it.name.as_deref());
        let ids = self.all.iter().map(|it| it.id.as_str());
        let remedy = match closest(wanted, names.chain(ids)) {
            Some(name) => format!("did you mean {:?}?", shortened(name, 80)),
            None => "lcw report --csv workflows lists them".to_owned(),
        };
        let message = format!("the dataset has no workflow {:?}", shortened(wanted, 80));
        ReportError::usage(message, remedy)
    }

    /// Adds what a day holds.
    pub(crate) fn add_day(&mut self, volumes: &BTreeMap<usize, Volume>) {
        for (place, volume) in volumes {
            let workflow = &mut self.all[*place];
            workflow.runs += volume.runs;
            workflow.open_runs += volume.open_runs;
            workflow.preview_runs += volume.preview_runs;
            workflow.users.add(&volume.users);
            workflow.last_run = workflow.last_run.max(volume.last_run);
        }
    }

    /// Looks before the window for the newest runs of workflows that have none in it.
    pub(crate) fn find_last_runs(
        &mut self,
        source: &Source,
        before: i64,
    ) -> Result<(), DatasetError> {
        const RUN: [&str; 3] = [
            "workflow_id",
            "scheduled_date_time",
            "workflow_execution_type",
        ];
        let days: Vec<_> = source.days().rev().collect();
        let last = lcw_model::time::date_of(before);
        for day in days.into_iter().filter(|day| *day <= last) {
            let is_missed = |it: &Workflow| it.is_chosen && it.may_run() && it.last_run.is_none();
            if !self.all.iter().any(is_missed) {
                break;
            }
            let mut newest = HashMap::<usize, i64>::new();
            source.read(Table::Runs, Some(day), &RUN, |row| {
                let (Some(id), Some(scheduled)) = (row.text(0), row.instant(1)) else {
                    return;
                };
                if row.text(2) != Some("preview") && scheduled < before {
                    let newest = newest.entry(self.place(id)).or_insert(scheduled);
                    *newest = scheduled.max(*newest);
                }
            })?;
            for (place, scheduled) in newest {
                let last_run = &mut self.all[place].last_run;
                *last_run = last_run.or(Some(scheduled));
            }
        }
        Ok(())
    }

    /// What is said of each, by name. Stale is what has not run since `stale_since`.
    pub(crate) fn lines(&self, stale_since: Option<i64>) -> Vec<WorkflowLine> {
        let chosen = self.all.iter().filter(|it| it.is_chosen);
        let mut lines: Vec<_> = chosen.map(|it| it.line(stale_since)).collect();
        lines.sort_by_cached_key(|line| {
            let name = line.workflow.as_deref().unwrap_or_default().to_lowercase();
            (name, line.workflow_id.clone())
        });
        lines
    }
}

impl Workflow {
    /// Its name, or its id.
    pub(crate) fn label(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.id.clone())
    }

    /// Whether it is there to run by itself.
    fn may_run(&self) -> bool {
        self.deleted.is_none()
            && self.is_enabled == Some(true)
            && self.is_scheduling_enabled == Some(true)
    }

    fn line(&self, stale_since: Option<i64>) -> WorkflowLine {
        let is_before = |at: Option<i64>, since: i64| at.is_none_or(|at| at < since);
        let is_stale = |since: i64| {
            self.may_run() && is_before(self.last_run, since) && is_before(self.created, since)
        };
        WorkflowLine {
            workflow_id: self.id.clone(),
            workflow: self.name.clone(),
            category: self.category.clone(),
            is_enabled: self.is_enabled,
            is_scheduling_enabled: self.is_scheduling_enabled,
            deleted_at: self.deleted.map(format_micros),
            last_run: self.last_run.map(format_micros),
            is_stale: stale_since.is_some_and(is_stale),
            runs: self.runs,
            open_runs: self.open_runs,
            preview_runs: self.preview_runs,
            users: self.users,
            success_rate_percent: self.users.success_rate(),
        }
    }
}

/// The candidate that `word` was probably meant to be.
pub(crate) fn closest<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let word = word.to_lowercase();
    candidates
        .map(|it| (strsim::jaro_winkler(&word, &it.to_lowercase()), it))
        .filter(|(similarity, _)| *similarity > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
