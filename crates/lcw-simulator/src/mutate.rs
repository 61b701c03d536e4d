//! What a test changes in a running tenant.

use jiff::Timestamp;

use crate::config::{TenantConfig, WorkflowConfig};
use crate::plan::{Listed, ResultChange, RunChange, RunPlan, TaskChange};
use crate::random;
use crate::run::Run;
use crate::simulator::Simulator;
use crate::tenant::Tenant;
use crate::ticks::{self, Ticks};
use crate::words::ProcessingStatus;
use crate::workflow::Workflow;

/// Mutations take effect for the next request. They panic on ids that the tenant does not have, because a
/// test that changes nothing would prove nothing.
impl Simulator {
    /// Changes the configuration of the running tenant. Workflows, runs, the clock and the seed stay.
    pub fn update_config(&self, change: impl FnOnce(&mut TenantConfig)) {
        let (mut tenant, _) = self.service.tenant_mut();
        change(&mut tenant.config);
    }

    /// Adds a workflow and says its id. The history of its schedule counts from now.
    pub fn add_workflow(&self, config: &WorkflowConfig) -> String {
        let (mut tenant, now) = self.service.tenant_mut();
        let Tenant {
            config: tenant_config,
            workflows,
            ..
        } = &mut *tenant;
        let index = u64::try_from(workflows.len()).unwrap_or(0);
        let seed = random::mix(&[tenant_config.seed, 0x0f_10, index]);
        let mut workflow = Workflow::new(config, seed, now);
        workflow.catch_up(tenant_config, now);
        let id = workflow.id.clone();
        workflows.push(workflow);
        id
    }

    /// Adds a run and says its id.
    ///
    /// # Panics
    /// When there is no such workflow.
    pub fn add_run(&self, workflow_id: &str, plan: &RunPlan) -> String {
        let (mut tenant, _) = self.service.tenant_mut();
        let Tenant {
            config, workflows, ..
        } = &mut *tenant;
        let workflow = workflows
            .iter_mut()
            .find(|workflow| workflow.id == workflow_id);
        workflow.expect("no such workflow").add(config, plan)
    }

    /// The ids of the workflows, live, deleted or gone, in the order in which they were made.
    pub fn workflow_ids(&self) -> Vec<String> {
        let (tenant, _) = self.service.tenant();
        tenant
            .workflows
            .iter()
            .map(|workflow| workflow.id.clone())
            .collect()
    }

    /// The ids of the runs of a workflow that have come up, by schedule, aged out or not.
    ///
    /// # Panics
    /// When there is no such workflow.
    pub fn run_ids(&self, workflow_id: &str) -> Vec<String> {
        let (tenant, now) = self.service.tenant();
        let workflow = tenant
            .workflows
            .iter()
            .find(|workflow| workflow.id == workflow_id);
        let runs = workflow.expect("no such workflow").runs.iter();
        runs.filter(|run| run.scheduled <= now)
            .map(|run| run.id.clone())
            .collect()
    }

    /// Changes a run that has settled: `lastUpdatedDateTime` becomes now.
    ///
    /// # Panics
    /// When there is no such run.
    pub fn change_run(&self, run_id: &str, change: &RunChange) {
        self.with_run(run_id, |run, now| {
            run.changed = Some(now);
            run.outcome = change.outcome.unwrap_or(run.outcome);
            run.users += change.add_users;
            run.reported_users = change.reported_users.unwrap_or(run.reported_users);
            run.reported_tasks = change.reported_tasks.unwrap_or(run.reported_tasks);
            for (row, change) in &change.results {
                edit(run, *row, change);
            }
        });
    }

    /// Changes one result without any trace in its run's `lastUpdatedDateTime`.
    ///
    /// # Panics
    /// When there is no such run.
    pub fn change_result(&self, run_id: &str, row: u32, change: &ResultChange) {
        self.with_run(run_id, |run, _| edit(run, row, change));
    }

    /// Lets a result that its run counts show only from this instant on.
    ///
    /// # Panics
    /// When there is no such run.
    pub fn delay_result(&self, run_id: &str, row: u32, until: Timestamp) {
        self.change_result(
            run_id,
            row,
            &ResultChange {
                appears: Some(until),
                ..ResultChange::default()
            },
        );
    }

    /// Lets a run say another `totalUsersCount` than its rows; `None` makes it agree again.
    ///
    /// # Panics
    /// When there is no such run.
    pub fn report_users(&self, run_id: &str, count: Option<i32>) {
        self.with_run(run_id, |run, _| run.reported_users = count);
    }

    /// Lets a run say another `totalTasksCount` than its task results; `None` makes it agree again.
    ///
    /// # Panics
    /// When there is no such run.
    pub fn report_tasks(&self, run_id: &str, count: Option<i32>) {
        self.with_run(run_id, |run, _| run.reported_tasks = count);
    }

    /// Changes one task result, by the index of its row and of its task, without any trace in its run's counters
    /// and `lastUpdatedDateTime`.
    ///
    /// # Panics
    /// When there is no such run.
    pub fn change_task_result(&self, run_id: &str, row: u32, task: u32, change: TaskChange) {
        let tasks = vec![(task, change)];
        self.change_result(
            run_id,
            row,
            &ResultChange {
                tasks,
                ..ResultChange::default()
            },
        );
    }

    /// Says how often, and how, a run shows in listings.
    ///
    /// # Panics
    /// When there is no such run.
    pub fn list_run(&self, run_id: &str, listed: Listed) {
        self.with_run(run_id, |run, _| run.listed = listed);
    }

    /// Lets the service forget a run before its time.
    ///
    /// # Panics
    /// When there is no such run.
    pub fn drop_run(&self, run_id: &str) {
        self.with_run(run_id, |run, _| run.dropped = true);
    }

    /// Lets the service forget every run that a workflow has had so far.
    ///
    /// # Panics
    /// When there is no such workflow.
    pub fn drop_history(&self, workflow_id: &str) {
        self.with_workflow(workflow_id, |workflow, now| {
            for run in workflow.runs.iter_mut().filter(|run| run.scheduled <= now) {
                run.dropped = true;
            }
        });
    }

    /// Soft-deletes a workflow: it moves to `deletedItems`, runs no more, and open runs are canceled.
    ///
    /// # Panics
    /// When there is no such workflow.
    pub fn delete_workflow(&self, workflow_id: &str) {
        self.with_workflow(workflow_id, |workflow, now| {
            workflow.deleted = Some(now);
            workflow.enabled = false;
            if let Some(grid) = &mut workflow.grid {
                grid.end(now);
            }
            workflow.runs.retain(|run| run.scheduled <= now);
            for run in &mut workflow.runs {
                cancel(run, now);
            }
        });
    }

    /// Deletes a workflow for good, with its history.
    ///
    /// # Panics
    /// When there is no such workflow.
    pub fn purge_workflow(&self, workflow_id: &str) {
        self.with_workflow(workflow_id, |workflow, now| {
            workflow.gone = true;
            workflow.runs.retain(|run| run.scheduled <= now);
            if let Some(grid) = &mut workflow.grid {
                grid.end(now);
            }
        });
    }

    /// Gives a workflow another name, and with it a new version and `lastModifiedDateTime`. The versions before
    /// keep the name that they had.
    ///
    /// # Panics
    /// When there is no such workflow.
    pub fn rename_workflow(&self, workflow_id: &str, display_name: &str) {
        self.with_workflow(workflow_id, |workflow, now| {
            workflow.begin_version(now);
            display_name.clone_into(&mut workflow.display_name);
        });
    }

    /// Lets everything of a workflow but its row in the list answer 403, or no longer.
    ///
    /// # Panics
    /// When there is no such workflow.
    pub fn forbid_workflow(&self, workflow_id: &str, forbidden: bool) {
        self.with_workflow(workflow_id, |workflow, _| workflow.forbidden = forbidden);
    }

    fn with_workflow(&self, id: &str, change: impl FnOnce(&mut Workflow, Ticks)) {
        let (mut tenant, now) = self.service.tenant_mut();
        let workflow = tenant
            .workflows
            .iter_mut()
            .find(|workflow| workflow.id == id);
        change(workflow.expect("no such workflow"), now);
    }

    fn with_run(&self, id: &str, change: impl FnOnce(&mut Run, Ticks)) {
        let (mut tenant, now) = self.service.tenant_mut();
        let run = tenant
            .workflows
            .iter_mut()
            .find_map(|workflow| workflow.run_mut(id));
        let run = run.expect("no such run");
        change(run, now);
        run.recount();
    }
}

fn edit(run: &mut Run, row: u32, change: &ResultChange) {
    let edit = run.edits.entry(row).or_default();
    edit.status = change.status.or(edit.status);
    edit.failed_tasks = change.failed_tasks.or(edit.failed_tasks);
    edit.completed = change
        .completed
        .map(ticks::from_timestamp)
        .or(edit.completed);
    edit.appears = change.appears.map(ticks::from_timestamp).or(edit.appears);
    edit.dropped |= change.dropped;
    for (task, change) in &change.tasks {
        let edit = edit.tasks.entry(*task).or_default();
        edit.status = change.status.or(edit.status);
        edit.failure_reason = change
            .failure_reason
            .clone()
            .or_else(|| edit.failure_reason.take());
        edit.appears = change.appears.map(ticks::from_timestamp).or(edit.appears);
        edit.dropped |= change.dropped;
    }
}

/// Ends a run that is open.
fn cancel(run: &mut Run, now: Ticks) {
    if run.completed.is_some_and(|completed| completed <= now) {
        return;
    }
    run.started = run.started.filter(|&started| started <= now);
    run.completed = Some(now);
    run.settled = now + 5 * ticks::MINUTE;
    run.outcome = ProcessingStatus::Canceled;
    run.recount();
}
