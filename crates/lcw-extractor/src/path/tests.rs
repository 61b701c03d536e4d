use proptest::prelude::*;

use super::*;
use crate::Origin;

fn url_of(path: GraphPath) -> reqwest::Url {
    let origin = Origin::parse("https://graph.example").unwrap();
    origin
        .url(&CollectionRequest::new(path).target("v1.0"))
        .unwrap()
}

#[test]
fn an_id_that_is_no_segment_never_names_another_resource() {
    for id in [
        "", ".", "..", "%2e%2e", "%2E", "/", "\\", "a/../b", "?x", "#x", "\0", "a\nb",
    ] {
        let url = url_of(GraphPath::workflow(id).runs());
        let segments: Vec<_> = url.path_segments().unwrap().collect();
        assert_eq!(segments.len(), 6, "{id:?} became {url}");
        assert_eq!(
            (segments[3], segments[5]),
            ("workflows", "runs"),
            "{id:?} became {url}"
        );
        assert!(!segments[4].is_empty());
        assert_eq!(url.query(), None);
    }
}

#[test]
fn a_filter_is_one_query_value() {
    let filter = "scheduledDateTime ge 2026-10-23T00:00:00Z and x eq 'a&b#c+d%=e'";
    let request = CollectionRequest::new(GraphPath::workflow("w").runs()).filtered(filter);
    let origin = Origin::parse("https://graph.example").unwrap();
    let url = origin.url(&request.target("v1.0")).unwrap();
    let pairs: Vec<_> = url.query_pairs().collect();
    assert_eq!(pairs.len(), 1);
    assert_eq!(pairs[0].0, "$filter");
    assert_eq!(pairs[0].1, filter);
    assert!(!url.as_str().contains('+'));
}

proptest! {
    #[test]
    fn every_id_is_exactly_one_segment_and_survives(id in "\\PC{1,40}|[./%\\\\?#\u{0}-\u{20}]{1,6}") {
        let url = url_of(GraphPath::workflow("w").run(&id).user_processing_results());
        let segments: Vec<_> = url.path_segments().unwrap().collect();
        prop_assert_eq!(segments.len(), 8);
        prop_assert_eq!(segments[7], "userProcessingResults");
        if id != "." && id != ".." {
            let decoded = percent_encoding::percent_decode_str(segments[6]).decode_utf8().unwrap();
            prop_assert_eq!(decoded, id);
        }
    }
}

fn results() -> CollectionRequest {
    CollectionRequest::new(GraphPath::workflow("w").run("r").user_processing_results())
}

fn query_of(request: &CollectionRequest) -> Vec<(String, String)> {
    let origin = Origin::parse("https://graph.example").unwrap();
    let url = origin.url(&request.target("v1.0")).unwrap();
    url.query_pairs().into_owned().collect()
}

#[test]
fn the_users_filter_and_the_exporters_hold_together() {
    let query = ResultQuery::parse(
        None,
        Some("processingStatus eq 'failed' or id eq 'a&b'"),
        None,
        None,
    )
    .unwrap();
    let own = "scheduledDateTime ge 2026-10-23T00:00:00Z";
    let user = "(processingStatus eq 'failed' or id eq 'a&b')";
    let pair = |filter: String| vec![("$filter".to_owned(), filter)];
    let before = results().filtered(own).queried(&query, ExpandForm::Plain);
    assert_eq!(query_of(&before), pair(format!("{own} and {user}")));
    let after = results().queried(&query, ExpandForm::Plain).filtered(own);
    assert_eq!(query_of(&after), pair(format!("{user} and {own}")));
    let alone = results().queried(&query, ExpandForm::Plain);
    assert_eq!(query_of(&alone), pair(user.to_owned()));
}

#[test]
fn every_part_of_a_query_is_sent_readably() {
    let query = ResultQuery::parse(
        Some("processingStatus"),
        Some("id ne 'x'"),
        Some("startedDateTime desc,id"),
        Some("subject"),
    )
    .unwrap();
    let path =
        "/v1.0/identityGovernance/lifecycleWorkflows/workflows/w/runs/r/userProcessingResults";
    let options = "$select=id,processingStatus,subject&$filter=(id%20ne%20%27x%27)\
        &$orderby=startedDateTime%20desc,id";
    assert_eq!(
        results().queried(&query, ExpandForm::Plain).target("v1.0"),
        format!("{path}?{options}&$expand=subject"),
    );
    assert_eq!(
        results()
            .queried(&query, ExpandForm::Selected)
            .target("v1.0"),
        format!(
            "{path}?{options}&$expand=subject($select=id,displayName,userPrincipalName,mail,\
             department,jobTitle,employeeId,employeeHireDate,employeeLeaveDateTime,accountEnabled)"
        ),
    );
    let default = results().queried(&ResultQuery::default(), ExpandForm::Selected);
    assert_eq!(default, results());
    let reports = CollectionRequest::new(GraphPath::workflow("w").task_reports()).with_task();
    assert_eq!(
        query_of(&reports),
        [("$expand".to_owned(), "task".to_owned())]
    );
}

#[test]
fn functions_are_called_within_the_path() {
    let (start, end) = ("2022-08-01T00:00:00Z", "2022-08-31T00:00:00.5Z");
    let to = "2022-08-31T00:00:00.500000999Z".parse().unwrap();
    let from = start.parse().unwrap();
    let below = "/identityGovernance/lifecycleWorkflows/workflows/w";
    for (path, collection) in [
        (GraphPath::workflow("w").runs(), "runs"),
        (
            GraphPath::workflow("w").user_processing_results(),
            "userProcessingResults",
        ),
        (GraphPath::workflow("w").task_reports(), "taskReports"),
    ] {
        let expected =
            format!("/v1.0{below}/{collection}/summary(startDateTime={start},endDateTime={end})");
        let url = url_of(path.summary(from, to));
        assert_eq!(url.path(), expected);
        assert_eq!(url.query(), None);
    }
    assert_eq!(
        GraphPath::workflow("w").version(3).tasks().to_string(),
        format!("{below}/versions/3/tasks"),
    );
    assert_eq!(
        GraphPath::workflow("w")
            .run("r")
            .reprocessed_runs()
            .to_string(),
        format!("{below}/runs/r/reprocessedRuns"),
    );
}
