//! Entities and columns against Graph's own metadata: a name that is spelt wrong, or a column of a
//! type that its property does not have, would be NULL or drift for ever.

mod csdl;

use std::collections::BTreeSet;

use csdl::Csdl;
use lcw_model::{
    Entity, InlinedTask, InlinedTaskDefinition, Reference, Run, Subject, SubjectProcessingResult,
    Summary, Task, TaskDefinition, TaskProcessingResult, TaskReport, UserProcessingResult,
    Workflow, WorkflowSubject, WorkflowVersion,
};
use lcw_transform::{Column, Kind, Table};

/// What pages of the reference describe and the metadata of August 2026 does not have, with the
/// members of the enumeration that it is.
const ON_A_PAGE_ONLY: [(&str, &str, &[&str]); 1] = [(
    "subjectProcessingResult",
    "subjectType",
    &["user", "unknownFutureValue", "provisioningObject"],
)];

fn page_only(of: &str) -> Option<&'static (&'static str, &'static str, &'static [&'static str])> {
    ON_A_PAGE_ONLY.iter().find(|(known, ..)| *known == of)
}

/// Name of the type that a table's rows come from.
fn type_of(table: Table) -> &'static str {
    match table {
        Table::Workflows => "workflow",
        Table::Runs | Table::ReprocessedRuns => "run",
        Table::UserProcessingResults => "userProcessingResult",
        Table::TaskProcessingResults => "taskProcessingResult",
        Table::WorkflowVersions => "workflowVersion",
        Table::Tasks => "task",
        Table::TaskDefinitions => "taskDefinition",
        Table::TaskReports => "taskReport",
        Table::SubjectProcessingResults => "subjectProcessingResult",
    }
}

type Names = &'static [&'static str];

/// Each type that is read, its properties with a field, and those without.
fn declared() -> Vec<(&'static str, Names, Names)> {
    fn entity<'a, T: Entity<'a>>(of: &'static str) -> (&'static str, Names, Names) {
        (of, T::PROPERTIES, T::WITHOUT_FIELD)
    }
    macro_rules! object {
        ($of:literal, $Object:ident) => {
            ($of, $Object::PROPERTIES, $Object::WITHOUT_FIELD)
        };
    }
    vec![
        entity::<Workflow<'_>>("workflow"),
        entity::<WorkflowVersion<'_>>("workflowVersion"),
        entity::<Run<'_>>("run"),
        entity::<UserProcessingResult<'_>>("userProcessingResult"),
        entity::<SubjectProcessingResult<'_>>("subjectProcessingResult"),
        entity::<TaskProcessingResult<'_>>("taskProcessingResult"),
        entity::<Task<'_>>("task"),
        entity::<TaskDefinition<'_>>("taskDefinition"),
        entity::<TaskReport<'_>>("taskReport"),
        object!("user", Subject),
        object!("user", Reference),
        object!("task", InlinedTask),
        object!("taskDefinition", InlinedTaskDefinition),
        object!("workflowSubject", WorkflowSubject),
    ]
}

#[test]
fn every_entity_knows_exactly_the_properties_of_its_type() {
    let csdl = Csdl::read();
    for (of, with_field, without_field) in declared() {
        let known: BTreeSet<&str> = with_field.iter().chain(without_field).copied().collect();
        let mut defined: BTreeSet<&str> = csdl.properties(of).into_keys().collect();
        assert!(!defined.is_empty(), "{of} is in the metadata");
        if let Some((_, property, _)) = page_only(of) {
            let is_news = defined.insert(property);
            assert!(is_news, "{property} is in the metadata by now");
        }
        assert_eq!(known, defined, "{of}");
    }
}

/// The types of which a summary can be, with the number of each that is compared.
const SUMMARIES: [(&str, &[&str]); 3] = [
    ("runSummary", &["totalRuns"]),
    ("userSummary", &["totalUsers", "totalTasks"]),
    ("taskReportSummary", &["totalTasks"]),
];

#[test]
fn a_summary_knows_exactly_the_properties_of_its_types() {
    let csdl = Csdl::read();
    let (with_field, without_field) = (Summary::PROPERTIES, Summary::WITHOUT_FIELD);
    let known: BTreeSet<&str> = with_field.iter().chain(without_field).copied().collect();
    let types = SUMMARIES.iter();
    let defined = types.flat_map(|(of, _)| csdl.properties(of).into_keys());
    assert_eq!(known, defined.collect());
    for (of, numbers) in SUMMARIES {
        for number in numbers {
            assert!(with_field.contains(number), "{number}");
            assert_eq!(csdl.type_at(of, number), Some("Edm.Int32"), "{of} {number}");
        }
    }
}

/// What a column of a property of this type can be.
fn kinds(csdl: &Csdl, of: &str) -> &'static [Kind] {
    match of {
        "Edm.String" => &[Kind::Id, Kind::Text],
        "Edm.DateTimeOffset" => &[Kind::Timestamp],
        "Edm.Int32" => &[Kind::Int32],
        "Edm.Boolean" => &[Kind::Boolean],
        _ if csdl.members(of).is_some() => &[Kind::Enum],
        // A complex type, an entity, or a collection.
        _ if of.starts_with("Collection(") || of.starts_with("microsoft.graph.") => &[Kind::Json],
        _ => panic!("no column is made of {of} yet"),
    }
}

/// The columns that come from a property, each with its table and property.
fn columns() -> impl Iterator<Item = (Table, Column, &'static str)> {
    Table::ALL.into_iter().flat_map(|table| {
        let columns = table.columns(false).iter();
        columns.filter_map(move |column| Some((table, *column, column.source?)))
    })
}

#[test]
fn every_column_has_the_type_of_its_property() {
    let csdl = Csdl::read();
    let mut count = 0;
    for (table, column, source) in columns() {
        let of = type_of(table);
        let allowed = match page_only(of) {
            Some((_, property, _)) if *property == source => &[Kind::Enum][..],
            _ => {
                let Some(found) = csdl.type_at(of, source) else {
                    panic!("{of} has no property {source}");
                };
                kinds(&csdl, found)
            }
        };
        let kind = column.kind;
        assert!(
            allowed.contains(&kind),
            "{table:?} {source} is {kind:?}, not {allowed:?}"
        );
        count += 1;
    }
    assert!(count > 100, "all columns are looked at: {count}");
}

#[test]
fn every_enumeration_has_the_members_of_its_type() {
    let csdl = Csdl::read();
    let mut count = 0;
    for (table, column, source) in columns().filter(|(_, column, _)| column.kind == Kind::Enum) {
        let of = type_of(table);
        let defined: BTreeSet<&str> = match page_only(of) {
            Some((_, property, members)) if *property == source => {
                members.iter().copied().collect()
            }
            _ => {
                let members = csdl.members(csdl.type_at(of, source).unwrap()).unwrap();
                members.iter().map(String::as_str).collect()
            }
        };
        let known: BTreeSet<&str> = column.values.iter().copied().collect();
        assert_eq!(known.len(), column.values.len(), "no member is there twice");
        assert_eq!(known, defined, "{table:?} {source}");
        count += 1;
    }
    assert!(count > 10, "all enumerations are looked at: {count}");
}
