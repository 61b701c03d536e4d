use super::*;

struct Sample;

impl Row for Sample {
    fn value(&self, property: Property) -> Value<'_> {
        match property {
            Property::Id => Value::Text("it's".into()),
            Property::Status => Value::Text("failed".into()),
            Property::Version => Value::Number(3),
            Property::IsEnabled => Value::Boolean(true),
            Property::Date(DateProperty::Scheduled) => {
                Value::Instant(ticks::parse("2026-11-22T10:00:00.0000001Z"))
            }
            Property::Date(_) => Value::Instant(None),
            _ => Value::Missing,
        }
    }
}

fn accepts(text: &str) -> bool {
    Filter::parse(RowKind::Run, text).unwrap().accepts(&Sample)
}

#[test]
fn comparisons_hold_to_the_tick() {
    assert!(accepts("scheduledDateTime ge 2026-11-22T10:00:00.0000001Z"));
    assert!(accepts("scheduledDateTime gt 2026-11-22T10:00:00Z"));
    assert!(!accepts(
        "scheduledDateTime gt 2026-11-22T10:00:00.0000001Z"
    ));
    assert!(accepts("scheduledDateTime lt 2026-11-22T11:00:00.1+00:00"));
    assert!(accepts("scheduledDateTime le 2026-11-22T10:00:00.0000001Z"));
    assert!(accepts("scheduledDateTime ne 2026-11-22T10:00:00Z"));
    assert!(accepts("processingStatus eq 'failed'"));
    assert!(accepts("id eq 'it''s'"));
}

#[test]
fn and_binds_tighter_than_or_and_parentheses_decide() {
    assert!(accepts(
        "processingStatus eq 'failed' or id eq 'a' and id eq 'b'"
    ));
    assert!(!accepts(
        "(processingStatus eq 'failed' or id eq 'a') and id eq 'b'"
    ));
    assert!(accepts("((processingStatus eq 'failed'))"));
}

#[test]
fn a_null_date_meets_no_range() {
    for operator in ["eq", "lt", "le", "gt", "ge"] {
        assert!(!accepts(&format!(
            "startedDateTime {operator} 2026-11-22T10:00:00Z"
        )));
    }
    assert!(accepts("startedDateTime ne 2026-11-22T10:00:00Z"));
    assert!(accepts("startedDateTime eq null"));
    assert!(!accepts("scheduledDateTime eq null"));
    assert!(accepts("scheduledDateTime ne null"));
}

#[test]
fn what_is_not_understood_is_an_error() {
    for text in [
        "",
        "scheduledDateTime",
        "scheduledDateTime ge",
        "scheduledDateTime ge '2026-11-22T10:00:00Z'",
        "scheduledDateTime ge 2026-11-22T10:00:00.12345678Z",
        "scheduledDateTime has 2026-11-22",
        "processingStatus eq failed",
        "processingStatus gt 'failed'",
        "totalUsersCount eq 3",
        "nonsense eq 3",
        "id eq 'open",
        "(id eq 'a'",
        "id eq 'a')",
        "id eq 'a' id eq 'b'",
        "not id eq 'a'",
    ] {
        assert!(Filter::parse(RowKind::Run, text).is_err(), "{text}");
    }
}

#[test]
fn only_lower_bounds_that_every_row_meets_lift_a_window() {
    let bounds = |text: &str| {
        Filter::parse(RowKind::Run, text)
            .unwrap()
            .bounds_below(&[DateProperty::Scheduled])
    };
    assert!(bounds("scheduledDateTime ge 2026-11-01"));
    assert!(bounds(
        "scheduledDateTime gt 2026-11-01 and processingStatus eq 'failed'"
    ));
    assert!(!bounds(
        "scheduledDateTime ge 2026-11-01 or processingStatus eq 'failed'"
    ));
    assert!(!bounds("scheduledDateTime le 2026-11-01"));
    assert!(!bounds("startedDateTime ge 2026-11-01"));
}

#[test]
fn each_kind_has_its_own_properties() {
    assert!(Filter::parse(RowKind::Result, "subject/id eq 'x'").is_ok());
    assert!(Filter::parse(RowKind::Run, "subject/id eq 'x'").is_err());
    assert!(Filter::parse(RowKind::Result, "lastUpdatedDateTime ge 2026-11-01").is_err());
    assert!(Filter::parse(RowKind::Workflow, "category eq 'leaver'").is_ok());
    assert!(Filter::parse(RowKind::Workflow, "scheduledDateTime ge 2026-11-01").is_err());
}
