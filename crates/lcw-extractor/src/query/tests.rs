use super::*;

fn refusal(select: Option<&str>, orderby: Option<&str>, expand: Option<&str>) -> String {
    ResultQuery::parse(select, None, orderby, expand)
        .unwrap_err()
        .to_string()
}

#[test]
fn a_selection_has_the_id_and_the_order_of_the_metadata() {
    for text in [
        "subject,processingStatus",
        " PROCESSINGSTATUS , Subject,id",
        "id,subject,processingStatus",
    ] {
        let select: Select = text.parse().unwrap();
        assert_eq!(select.to_string(), "id,processingStatus,subject");
    }
    let all: Vec<&str> = Property::ALL.into_iter().map(Property::name).collect();
    assert_eq!(
        Select::of(all.iter().rev().copied()).unwrap().to_string(),
        all.join(",")
    );
}

#[test]
fn what_cannot_be_selected_is_refused_with_what_can() {
    let cases = [
        (
            "",
            "expected names separated by commas, allowed are id, completedDateTime",
        ),
        ("id,,subject", "expected names separated by commas"),
        ("id,subject,ID", "`id` is named twice"),
        (
            "failedTaskCount",
            "(did you mean `failedTasksCount`?); allowed are id, ",
        ),
        ("runId", "have no property `runId`"),
        ("taskProcessingResults", "--table task_processing_results"),
        (
            "reprocessedruns",
            "`reprocessedRuns` cannot be asked for with the results; it is a table of its own: --table reprocessed_runs",
        ),
    ];
    for (select, expected) in cases {
        let message = refusal(Some(select), None, None);
        assert!(message.contains(expected), "{select}: {message}");
    }
}

#[test]
fn only_what_is_documented_as_sortable_orders() {
    let order: OrderBy = " startedDateTime  DESC,id asc , workflowExecutionType"
        .parse()
        .unwrap();
    assert_eq!(
        order.to_string(),
        "startedDateTime desc,id,workflowExecutionType"
    );
    let cases = [
        (
            "failedTasksCount",
            "cannot be ordered by `failedTasksCount`; allowed are id, completedDateTime, processingStatus, scheduledDateTime, startedDateTime, workflowExecutionType",
        ),
        ("subject", "cannot be ordered by `subject`"),
        ("id down", "expected `asc` or `desc` after `id`, got `down`"),
        ("id asc desc", "got `asc desc`"),
        ("id,id desc", "`id` is named twice"),
        ("id,", "expected names separated by commas"),
        ("Id2", "have no property `Id2`"),
    ];
    for (orderby, expected) in cases {
        let message = refusal(None, Some(orderby), None);
        assert!(message.contains(expected), "{orderby}: {message}");
    }
}

#[test]
fn only_the_subject_is_expanded() {
    let query = ResultQuery::parse(None, None, None, Some(" Subject ")).unwrap();
    assert!(query.expands_subject());
    assert!(!ResultQuery::default().expands_subject());
    let cases = [
        ("taskProcessingResults", "--table task_processing_results"),
        ("reprocessedRuns", "--table reprocessed_runs"),
        (
            "subjects",
            "`subjects` cannot be expanded (did you mean `subject`?); allowed is `subject`",
        ),
        ("subject,subject", "`subject` is named twice"),
        ("", "allowed are subject"),
    ];
    for (expand, expected) in cases {
        let message = refusal(None, None, Some(expand));
        assert!(message.contains(expected), "{expand}: {message}");
    }
}
