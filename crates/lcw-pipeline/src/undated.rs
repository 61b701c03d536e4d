//! The tables that have one file each: versions and tasks of workflows, and task definitions.
//!
//! They change only when somebody changes a workflow, so they are asked for only then; task
//! definitions once a day.

use std::collections::BTreeSet;
use std::marker::PhantomData;

use futures_util::{StreamExt, stream};
use lcw_extractor::{CollectionRequest, ExtractError, GraphClient, GraphPath};
use lcw_model::{Task, TaskDefinition, WorkflowVersion, parse_entity};
use lcw_transform::{
    FlattenError, Layout, Lineage, Rows, Table, TaskDefinitionRows, TaskRows, VersionRows,
};
use tracing::warn;

use crate::catalog::{Scope, concat, is_refusal, path_of, stops_everything, where_it_lives};
use crate::coverage::DAY;
use crate::decode::{self, Kind, Objects, OddRows, OneObject, SetAside, Sieve};
use crate::not_covered::NotCovered;
use crate::request::{DeletedWorkflows, Request};
use crate::state::State;
use crate::trouble::{Breaker, Reach, reach};

/// Objects as they were sent, on their way to the tables that have one file each.
#[derive(Debug, Default)]
pub(crate) struct Undated {
    versions: Vec<(String, Vec<Box<str>>)>,
    tasks: Vec<(String, Vec<Box<str>>)>,
    definitions: Option<Vec<Box<str>>>,
    pub(crate) not_covered: Vec<NotCovered>,
    pub(crate) set_aside: Vec<SetAside>,
    /// Tables and workflows that were read, with the state they were read for.
    read: Vec<(Table, String, String)>,
    definitions_read_at: Option<i64>,
}

/// A table below each workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Below {
    Versions,
    Tasks,
}

impl Below {
    fn table(self) -> Table {
        match self {
            Self::Versions => Table::WorkflowVersions,
            Self::Tasks => Table::Tasks,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Versions => "versions",
            Self::Tasks => "tasks",
        }
    }
}

/// What a collection holds, as it was sent.
struct Found {
    objects: Vec<Box<str>>,
    set_aside: Vec<SetAside>,
}

/// What is already there.
pub(crate) struct Known<'a> {
    pub(crate) state: &'a State,
    /// Versions whose row is stored, by workflow id and number.
    pub(crate) versions: &'a BTreeSet<(String, i32)>,
    /// Tables without days that have their file.
    pub(crate) with_file: &'a BTreeSet<Table>,
    /// The service's clock, in microseconds.
    pub(crate) now: i64,
}

/// Reads what has changed of the requested tables.
///
/// # Errors
/// What stops everything, and several workflows in a row that cannot be read.
pub(crate) async fn read(
    request: &Request,
    client: &GraphClient,
    scopes: &[Scope],
    known: Known<'_>,
) -> Result<Undated, ExtractError> {
    let reader = Reader {
        request,
        client,
        known,
    };
    let mut undated = Undated::default();
    for below in [Below::Versions, Below::Tasks] {
        if request.wants(below.table()) {
            reader.read_below(below, scopes, &mut undated).await?;
        }
    }
    if request.wants(Table::TaskDefinitions) {
        reader.read_definitions(&mut undated).await?;
    }
    Ok(undated)
}

struct Reader<'a> {
    request: &'a Request,
    client: &'a GraphClient,
    known: Known<'a>,
}

impl Reader<'_> {
    async fn read_below(
        &self,
        below: Below,
        scopes: &[Scope],
        undated: &mut Undated,
    ) -> Result<(), ExtractError> {
        let changed = scopes.iter().filter(|scope| self.is_changed(below, scope));
        let mut answers = stream::iter(changed)
            .map(|scope| async move { (scope, self.read_where_it_lives(below, scope).await) })
            .buffered(self.request.max_concurrency);
        let mut breaker = Breaker::default();
        let mut refused = Vec::new();
        let mut is_shown = false;
        while let Some((scope, answer)) = answers.next().await {
            match answer {
                Ok(found) => {
                    breaker.success();
                    is_shown |= !scope.is_deleted;
                    undated.add(below, scope, found);
                }
                Err(error) => {
                    let reach = reach(&error);
                    if stops_everything(&error) || (reach == Reach::JustThis && breaker.failure()) {
                        return Err(error);
                    }
                    if reach == Reach::Refused && !scope.is_deleted {
                        refused.push((scope, error));
                    } else {
                        self.leave_out(below, scope, &error, undated);
                    }
                }
            }
        }
        drop(answers);
        if !is_shown && refused.len() > 1 {
            undated.refuse_all(below, &refused);
        } else {
            for (scope, error) in refused {
                self.leave_out(below, scope, &error, undated);
            }
        }
        Ok(())
    }

    fn leave_out(&self, below: Below, scope: &Scope, error: &ExtractError, undated: &mut Undated) {
        let id = &scope.workflow.id;
        let is_required = self.request.deleted_workflows == DeletedWorkflows::Require;
        let tolerated = scope.is_deleted && is_refusal(error) && !is_required;
        let words = below.words();
        if !tolerated {
            warn!(workflow.id = id, %error, "a workflow's {words} could not be read");
        }
        let what = format!("{words} of workflow {id}");
        let missing = NotCovered::new(what, error, !tolerated);
        undated
            .not_covered
            .push(missing.in_table(below.table()).of_workflow(id));
    }

    /// Whether the workflow is another than when the table was last read for it.
    fn is_changed(&self, below: Below, scope: &Scope) -> bool {
        if !self.known.with_file.contains(&below.table()) {
            return true;
        }
        let read_for = self.known.state.read_for.get(below.table().name());
        let before = read_for.and_then(|by| by.get(&scope.workflow.id));
        before != Some(&fingerprint(scope))
    }

    async fn read_where_it_lives(
        &self,
        below: Below,
        scope: &Scope,
    ) -> Result<Found, ExtractError> {
        let id = &scope.workflow.id;
        let deleted = self.request.deleted_workflows;
        let ask = async |is_deleted| self.read_one(below, id, path_of(id, is_deleted)).await;
        where_it_lives(scope.is_deleted, deleted, ask).await
    }

    async fn read_one(
        &self,
        below: Below,
        id: &str,
        workflow: GraphPath,
    ) -> Result<Found, ExtractError> {
        let odd = self.request.odd_rows();
        match below {
            Below::Tasks => {
                let path = workflow.tasks();
                list::<decode::Tasks>(self.client, path, below.table(), odd, id).await
            }
            Below::Versions => {
                let path = workflow.clone().versions();
                let list = list::<decode::Versions>(self.client, path, below.table(), odd, id);
                let Found {
                    objects: listed,
                    mut set_aside,
                } = list.await?;
                let mut objects = Vec::with_capacity(listed.len());
                for object in listed {
                    let whole = self.with_details(id, &workflow, object, &mut set_aside);
                    objects.extend(whole.await?);
                }
                Ok(Found { objects, set_aside })
            }
        }
    }

    /// A version never changes, so its details are asked for once: what the list says of it would pass
    /// for all there is, for good. Where they are refused the workflow's versions are left out, and a
    /// version whose details are set aside has no row until they can be read.
    async fn with_details(
        &self,
        id: &str,
        workflow: &GraphPath,
        listed: Box<str>,
        set_aside: &mut Vec<SetAside>,
    ) -> Result<Option<Box<str>>, ExtractError> {
        let version = parse_entity::<WorkflowVersion<'_>>(&listed);
        let number = version.ok().and_then(|it| it.version_number.into_option());
        let is_news = |number: &i32| !self.known.versions.contains(&(id.to_owned(), *number));
        let Some(number) = number.filter(is_news) else {
            return Ok(Some(listed));
        };
        let mut decoder = OneObject::<decode::Versions> {
            sieve: Sieve::new(Table::WorkflowVersions, self.request.odd_rows(), id),
            of: PhantomData,
        };
        let path = workflow.clone().version(number);
        let answer = self.client.entity(path, &mut decoder).await;
        set_aside.append(&mut decoder.sieve.set_aside);
        answer
    }

    async fn read_definitions(&self, undated: &mut Undated) -> Result<(), ExtractError> {
        let has_file = self.known.with_file.contains(&Table::TaskDefinitions);
        let last = self.known.state.definitions_read_at.filter(|_| has_file);
        if last.is_some_and(|last| (last..last + DAY).contains(&self.known.now)) {
            return Ok(());
        }
        let (table, odd) = (Table::TaskDefinitions, self.request.odd_rows());
        let path = GraphPath::task_definitions();
        match list::<decode::TaskDefinitions>(self.client, path, table, odd, "").await {
            Ok(mut found) => {
                // A row that was set aside is not read: the next export asks for it again.
                if found.set_aside.is_empty() {
                    undated.definitions_read_at = Some(self.known.now);
                }
                undated.definitions = Some(found.objects);
                undated.set_aside.append(&mut found.set_aside);
                Ok(())
            }
            Err(error) if stops_everything(&error) => Err(error),
            Err(error) => {
                warn!(%error, "task definitions could not be read");
                let missing = NotCovered::new("task definitions", &error, true);
                undated.not_covered.push(missing.in_table(table));
                Ok(())
            }
        }
    }
}

async fn list<K: Kind>(
    client: &GraphClient,
    path: GraphPath,
    table: Table,
    odd: OddRows,
    workflow_id: &str,
) -> Result<Found, ExtractError> {
    let mut decoder = Objects::<K> {
        sieve: Sieve::new(table, odd, workflow_id),
        of: PhantomData,
    };
    let pages = client.pages(CollectionRequest::new(path), &mut decoder);
    let objects = concat(pages).await?;
    Ok(Found {
        objects,
        set_aside: decoder.sieve.set_aside,
    })
}

/// What of a workflow's listing changes with every change of the workflow, its deletion included.
fn fingerprint(scope: &Scope) -> String {
    let workflow = &scope.workflow;
    let version = workflow.version.map(|version| version.to_string());
    format!(
        "{}@{}{}",
        version.unwrap_or_default(),
        workflow.last_modified.as_deref().unwrap_or_default(),
        if scope.is_deleted { " deleted" } else { "" }
    )
}

impl Undated {
    fn add(&mut self, below: Below, scope: &Scope, mut found: Found) {
        let id = scope.workflow.id.clone();
        // A row that was set aside is not read: the next export asks for it again.
        if found.set_aside.is_empty() {
            let state = fingerprint(scope);
            self.read.push((below.table(), id.clone(), state));
        }
        self.set_aside.append(&mut found.set_aside);
        match below {
            Below::Versions => self.versions.push((id, found.objects)),
            Below::Tasks => self.tasks.push((id, found.objects)),
        }
    }

    /// No live workflow shows the table: that is said once.
    fn refuse_all(&mut self, below: Below, refused: &[(&Scope, ExtractError)]) {
        if let Some((_, error)) = refused.first() {
            let (words, count) = (below.words(), refused.len());
            warn!(%error, "the {words} of {count} workflows could not be read");
            let what = format!("{words} of {count} workflows");
            let missing = NotCovered::new(what, error, true);
            self.not_covered.push(missing.in_table(below.table()));
        }
    }

    /// The rows of each table that something was read of.
    pub(crate) fn rows(
        &self,
        layout: Layout,
        lineage: &Lineage,
    ) -> Result<Vec<(Table, Rows)>, FlattenError> {
        let mut tables = Vec::new();
        let seen = lineage.extracted_at_micros;
        let raw = |object: &'_ str| layout.keep_raw.then(|| object.to_owned());
        let mut parts = Vec::new();
        for (workflow, objects) in &self.versions {
            let mut rows = VersionRows::new(layout, lineage, workflow, seen);
            for object in objects {
                // Objects were parsed when their page was decoded.
                if let Ok(version) = parse_entity::<WorkflowVersion<'_>>(object) {
                    rows.append(&version, raw(object).as_deref())?;
                }
            }
            parts.push(rows.finish());
        }
        unite(Table::WorkflowVersions, &mut parts, &mut tables);
        for (workflow, objects) in &self.tasks {
            let mut rows = TaskRows::new(layout, lineage, workflow, seen);
            for object in objects {
                if let Ok(task) = parse_entity::<Task<'_>>(object) {
                    rows.append(&task, raw(object).as_deref())?;
                }
            }
            parts.push(rows.finish());
        }
        unite(Table::Tasks, &mut parts, &mut tables);
        if let Some(objects) = &self.definitions {
            let mut rows = TaskDefinitionRows::new(layout, lineage, seen);
            for object in objects {
                if let Ok(definition) = parse_entity::<TaskDefinition<'_>>(object) {
                    rows.append(&definition, raw(object).as_deref())?;
                }
            }
            parts.push(rows.finish());
        }
        unite(Table::TaskDefinitions, &mut parts, &mut tables);
        Ok(tables)
    }

    /// Remembers what was read, once it is committed.
    pub(crate) fn note(&self, state: &mut State) {
        for (table, workflow, read_for) in &self.read {
            let by_workflow = state.read_for.entry(table.name().to_owned()).or_default();
            by_workflow.insert(workflow.clone(), read_for.clone());
        }
        state.definitions_read_at = self.definitions_read_at.or(state.definitions_read_at);
    }
}

fn unite(table: Table, parts: &mut Vec<Rows>, tables: &mut Vec<(Table, Rows)>) {
    if !parts.is_empty() {
        let rows = Rows::concat(std::mem::take(parts));
        tables.push((table, rows.sorted_unique(&table.key())));
    }
}
