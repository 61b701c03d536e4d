use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn normal(text: &str) -> String {
    text.parse::<Filter>().unwrap().to_string()
}

fn refusal(text: &str) -> String {
    text.parse::<Filter>().unwrap_err().to_string()
}

#[test]
fn what_the_reference_shows_is_understood_as_it_is() {
    for filter in [
        "startedDateTime ge 2022-05-23T00:00:00Z and startedDateTime le 2022-06-22T00:00:00Z",
        "subject/id eq '8cdf25a8-c9d2-423e-a03d-3f39f03c3e97'",
        "processingStatus eq 'failed' or processingStatus eq 'completedWithErrors'",
        "id ne 'a''b'",
        "completedDateTime eq null and (workflowExecutionType ge 'onDemand' or startedDateTime ne null)",
        "processingStatus eq 'quarantined' or workflowExecutionType ne 'preview'",
    ] {
        assert_eq!(normal(filter), filter);
    }
}

#[test]
fn two_spellings_have_one_normal_form() {
    assert_eq!(
        normal("  PROCESSINGSTATUS\tEq'FAILED'AND((id NE'x'))"),
        "processingStatus eq 'failed' and id ne 'x'"
    );
    assert_eq!(
        normal("(id eq 'a' or id eq 'b') or (id eq 'c' and (id ne 'd' and Subject/ID eq 'e'))"),
        "id eq 'a' or id eq 'b' or id eq 'c' and id ne 'd' and subject/id eq 'e'"
    );
    assert_eq!(
        normal(
            "startedDateTime eq NULL or scheduledDateTime lt 2026-11-22t01:30:00.1234567000+01:30"
        ),
        "startedDateTime eq null or scheduledDateTime lt 2026-11-22T00:00:00.1234567Z"
    );
    assert_eq!(
        normal("scheduledDateTime gt 1969-12-31T23:59:59.9999999Z"),
        "scheduledDateTime gt 1969-12-31T23:59:59.9999999Z"
    );
}

#[test]
fn parentheses_that_matter_stay() {
    let filter = "(id eq 'a' or id eq 'b') and processingStatus ne 'failed'";
    assert_eq!(normal(filter), filter);
    assert_eq!(
        normal("id eq 'a' or id eq 'b' and processingStatus ne 'failed'"),
        "id eq 'a' or id eq 'b' and processingStatus ne 'failed'"
    );
}

#[test]
fn each_property_takes_its_own_operators_and_no_others() {
    for property in Property::ALL {
        let literal = match property.kind() {
            super::super::property::Kind::DateTime => "2026-11-22T00:00:00Z",
            super::super::property::Kind::Enum(members) => &format!("'{}'", members[0]),
            _ => "'x'",
        };
        for operator in Operator::ALL {
            let filter = format!("{} {operator} {literal}", property.filter_name());
            let is_documented = match property.name() {
                "completedDateTime"
                | "scheduledDateTime"
                | "startedDateTime"
                | "workflowExecutionType" => true,
                "id" | "processingStatus" | "subject" => {
                    matches!(operator.name(), "eq" | "ne")
                }
                _ => false,
            };
            assert_eq!(filter.parse::<Filter>().is_ok(), is_documented, "{filter}");
        }
    }
}

#[test]
fn a_refusal_shows_what_is_allowed() {
    let cases = [
        (
            "failedTasksCount gt 0",
            "`failedTasksCount` cannot be filtered; filterable are: id (eq, ne), \
             completedDateTime (lt, le, gt, ge, eq, ne), processingStatus (eq, ne)",
        ),
        (
            "processingStatus gt 'failed'",
            "`processingStatus` does not support `gt`; it supports eq, ne",
        ),
        (
            "completedDateTime has 'x'",
            "`completedDateTime` does not support `has`; it supports lt, le, gt, ge, eq, ne",
        ),
        ("startedDatetimes ge x", "(did you mean `startedDateTime`?)"),
        ("colour eq 'red'", "no property `colour`; allowed are id, "),
        ("colour eq 'red'", "workflowExecutionType, subject/id"),
        ("subject/i eq 'x'", "write `subject/id eq '…'`"),
        (
            "id in ('x', 'y')",
            "supports eq, ne (compare with each value",
        ),
        ("processingStatus eq 'faild'", "(did you mean `failed`?)"),
        (
            "processingStatus eq failed",
            "compared with one of 'queued', 'inProgress', 'completed'",
        ),
        ("processingStatus eq null", "got null"),
        ("startedDateTime lt null", "by eq and ne with null"),
        (
            "startedDateTime ge '2026-11-22T00:00:00Z'",
            "without quotes",
        ),
        (
            "startedDateTime ge 2026-02-30T00:00:00Z",
            "a date-time like",
        ),
        (
            "startedDateTime ge 2026-11-22T00:00:00.12345678Z",
            "7 fraction digits at most",
        ),
        ("subject eq 'x'", "write `subject/id eq '…'`"),
        ("subject/mail eq 'x'", "write `subject/id eq '…'`"),
        ("id eq x", "a text in quotes"),
        ("reprocessedRuns eq 'x'", "--table reprocessed_runs"),
        ("not (id eq 'x')", "`not` is not documented"),
        ("not id eq 'x'", "`not` is not documented"),
        (
            "startswith(id,'x')",
            "allowed are comparisons by eq, ne, lt, le, gt and ge, joined by and, or",
        ),
        ("contains(subject/id, 'x')", "`contains(…)` is a function"),
        ("not (id eq 'x')", "allowed are comparisons by eq"),
        ("id eq 'x', id eq 'y'", "expected `and` or `or`, got `,`"),
        ("startswith(id)", "`startswith(…)` is a function"),
        (
            "id eq 'x' id",
            "expected `and` or `or`, got `id` at character 11",
        ),
        (
            "(id eq 'x'",
            "expected `)`, but the filter ends at character 11",
        ),
        ("(id eq 'x' id", "expected `and`, `or` or `)`, got `id`"),
        ("id eq 'x')", "no opening parenthesis"),
        ("id eq 'x", "no closing quote, which begins at character 7"),
        ("id eq 'x' and", "expected a property, but the filter ends"),
        ("id", "expected an operator (eq, ne), but the filter ends"),
        ("id eq", "expected a value, but"),
        (
            "",
            "expected a property, but the filter ends at character 1",
        ),
        ("'id' eq 'x'", "expected a property, got `'id'`"),
        ("id eq 'a\nb'", "control character"),
    ];
    for (filter, expected) in cases {
        let message = refusal(filter);
        assert!(message.contains(expected), "{filter}: {message}");
        assert!(message.starts_with("$filter: "), "{message}");
    }
}

#[test]
fn parentheses_without_end_are_refused_before_they_fill_the_stack() {
    let deep = |depth| format!("{}id eq 'x'{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(normal(&deep(32)), "id eq 'x'");
    assert!(refusal(&deep(33)).contains("more than 32 parentheses"));
    assert!(refusal(&"(".repeat(1_000_000)).contains("more than 32 parentheses"));
}

#[test]
fn a_refusal_cannot_drive_a_terminal() {
    for filter in ["\u{1b}[31m eq 'x'", "id eq '\u{1b}[31m", "id eq \u{1b}"] {
        assert!(!refusal(filter).contains('\u{1b}'));
    }
}

fn comparison() -> impl Strategy<Value = Expression> {
    let literal = prop_oneof![
        Just("null".to_owned()),
        (-9_000_000_000_000_000_i64..9_000_000_000_000_000)
            .prop_map(lcw_model::time::format_micros),
        "[a-z0-9' ü()]{0,12}".prop_map(|text| format!("'{}'", text.replace('\'', "''"))),
        prop::sample::select(vec!["'failed'", "'onDemand'", "'PREVIEW'"]).prop_map(str::to_owned),
    ];
    let property = prop::sample::select(Property::ALL.to_vec());
    let operator = prop::sample::select(Operator::ALL.to_vec());
    (property, operator, literal).prop_filter_map("not documented", |(property, operator, text)| {
        let filter = format!("{} {operator} {text}", property.filter_name());
        filter.parse::<Filter>().ok().map(|filter| filter.root)
    })
}

fn expression() -> impl Strategy<Value = Expression> {
    comparison().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 1..4).prop_map(Expression::all),
            vec(inner, 1..4).prop_map(Expression::any),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_is_read_as_the_same(root in expression()) {
        let filter = Filter { root };
        let printed = filter.to_string();
        prop_assert_eq!(printed.parse::<Filter>().unwrap(), filter);
    }

    #[test]
    fn no_text_is_too_much(text in "\\PC{0,60}|[()'a-z0-9 :.TZ-]{0,60}") {
        if let Ok(filter) = text.parse::<Filter>() {
            prop_assert_eq!(filter.to_string().parse::<Filter>().unwrap(), filter);
        }
    }

    #[test]
    fn words_in_any_order_are_read_or_refused(
        words in vec(prop::sample::select(vec![
            "(", ")", "id", "subject/id", "processingStatus", "startedDateTime", "eq", "ne", "ge",
            "and", "or", "not", "null", "'failed'", "'x''y'", "2026-11-22T00:00:00.5+01:00",
        ]), 0..16)
    ) {
        if let Ok(filter) = words.join(" ").parse::<Filter>() {
            prop_assert_eq!(filter.to_string().parse::<Filter>().unwrap(), filter);
        }
    }
}
