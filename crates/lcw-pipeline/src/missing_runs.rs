//! Runs that the dataset waits for and no listing brought.

use std::collections::HashMap;
use std::sync::Arc;

use lcw_extractor::ExtractError;
use lcw_transform::Table;

use crate::ask_runs::Listing;
use crate::catalog::{Scope, path_of, where_it_lives};
use crate::coverage::RETENTION;
use crate::decide::Reading;
use crate::decode::{self, SetAside, Sieve};
use crate::listing::ListedRun;
use crate::not_covered::NotCovered;
use crate::stored::StoredRun;
use crate::survey::{RunTask, Search, Survey};
use crate::trouble::{Breaker, Reach, reach};

/// A stored run that no listing brought.
pub(crate) struct MissingRun {
    /// Its workflow, when that was listed.
    scope: Option<Scope>,
    workflow_id: Arc<str>,
    run_id: Box<str>,
    stored: StoredRun,
}

impl Search<'_> {
    /// Whether the service has forgotten a run by now.
    fn is_past(&self, stored: &StoredRun) -> bool {
        stored.scheduled.is_none_or(|at| at < self.now - RETENTION)
    }

    /// Runs that the dataset waits for and no listing brought, and open ones to be given up.
    pub(crate) fn missing_runs(&self, listings: &[Listing]) -> Vec<MissingRun> {
        if self.until.is_some() {
            return Vec::new();
        }
        let by_id: HashMap<&str, &Listing> = listings
            .iter()
            .map(|listing| (listing.scope.workflow.id.as_str(), listing))
            .collect();
        let wanted = self.stored.iter().filter(|(.., stored)| {
            if self.is_past(stored) {
                stored.is_open()
            } else {
                stored.is_awaited(self.rules.wanted)
            }
        });
        wanted
            .filter_map(|(workflow_id, run_id, stored)| {
                let listing = by_id.get(workflow_id);
                let is_listed = listing.is_some_and(|listing| listing.runs.contains_key(run_id));
                (!is_listed).then(|| MissingRun {
                    scope: listing.map(|listing| listing.scope.clone()),
                    workflow_id: workflow_id.into(),
                    run_id: run_id.into(),
                    stored: stored.clone(),
                })
            })
            .collect()
    }

    /// Asks for a run by its id, until the service has forgotten it.
    pub(crate) async fn look_for(
        &self,
        run: MissingRun,
        breaker: &mut Breaker,
        survey: &mut Survey,
    ) -> Result<(), ExtractError> {
        if self.is_past(&run.stored) {
            expire(run, survey);
            return Ok(());
        }
        let Some(scope) = &run.scope else {
            return Ok(());
        };
        match self.ask_for(scope, &run.run_id).await {
            Ok((found, set_aside)) => {
                breaker.success();
                survey.add_set_aside(set_aside);
                if let Some(found) = found {
                    self.sort_in_run(scope, &run.workflow_id, found, survey);
                }
            }
            Err(error) => match reach(&error) {
                Reach::Everything => return Err(error),
                Reach::JustThis if breaker.failure() => return Err(error),
                Reach::Gone if run.stored.is_open() => expire(run, survey),
                // A final run stays as it was read.
                Reach::Gone if !run.stored.lacks(self.rules.wanted) => {}
                Reach::Gone | Reach::Refused | Reach::JustThis => {
                    let (id, workflow) = (&run.run_id, &run.workflow_id);
                    let what = format!("run {id} of workflow {workflow}");
                    // What is gone was told when it could not be read.
                    let is_partial = reach(&error) != Reach::Gone;
                    let missing = NotCovered::new(what, &error, is_partial).in_table(Table::Runs);
                    let missing = missing.of_workflow(workflow).of_run(id);
                    survey.not_covered.push(missing.on_day(run.stored.day));
                }
            },
        }
        Ok(())
    }

    /// The run, unless it is set aside.
    async fn ask_for(
        &self,
        scope: &Scope,
        run_id: &str,
    ) -> Result<(Option<ListedRun>, Vec<SetAside>), ExtractError> {
        where_it_lives(scope.is_deleted, self.deleted, async |is_deleted| {
            let workflow = &scope.workflow.id;
            let mut decoder = decode::SingleRun {
                sieve: Sieve::new(Table::Runs, self.odd, workflow).of_run(run_id),
            };
            let path = path_of(workflow, is_deleted).run(run_id);
            let found = self.client.entity(path, &mut decoder).await?;
            Ok((found, decoder.sieve.set_aside))
        })
        .await
    }
}

fn expire(run: MissingRun, survey: &mut Survey) {
    survey.counts.expired += 1;
    survey
        .days
        .entry(run.stored.day)
        .or_default()
        .push(RunTask {
            workflow_id: run.workflow_id,
            is_deleted: false,
            counts_users: true,
            run_id: run.run_id,
            scheduled_as_stored: run.stored.scheduled_text,
            listed: None,
            settled: false,
            reading: Reading::default(),
            is_unchanged: true,
            known_rows: run.stored.rows,
            reports: None,
        });
}
