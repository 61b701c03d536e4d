//! Which role opens which of the further resources.

use lcw_simulator::{Endpoint, ReprocessedRuns, Simulator, TenantConfig, roles};

use crate::client::{Client, LW, segment};

const SPAN: &str = "startDateTime=2026-11-01T00:00:00Z,endDateTime=2026-12-01T00:00:00Z";

/// A target, its kind, and the least role that opens it.
fn targets(workflow: &str, run: &str) -> Vec<(String, Endpoint, &'static str)> {
    let path = format!("{LW}/workflows/{workflow}");
    let run = format!("{path}/runs/{}", segment(run));
    let beta = run.replacen("v1.0", "beta", 1);
    [
        (
            format!("{path}/versions"),
            Endpoint::Versions,
            roles::WORKFLOW,
        ),
        (
            format!("{path}/versions/1"),
            Endpoint::Version,
            roles::WORKFLOW,
        ),
        (format!("{path}/tasks"), Endpoint::Tasks, roles::WORKFLOW),
        (
            format!("{LW}/taskDefinitions"),
            Endpoint::TaskDefinitions,
            roles::EVERYTHING,
        ),
        (
            format!("{path}/taskReports"),
            Endpoint::TaskReports,
            roles::REPORTS,
        ),
        (
            format!("{run}/taskProcessingResults"),
            Endpoint::TaskResults,
            roles::REPORTS,
        ),
        (
            format!("{beta}/subjectProcessingResults"),
            Endpoint::SubjectResults,
            roles::REPORTS,
        ),
        (
            format!("{run}/reprocessedRuns"),
            Endpoint::ReprocessedRuns,
            roles::REPORTS,
        ),
    ]
    .into_iter()
    .chain(summaries(&path, &run))
    .collect()
}

fn summaries(path: &str, run: &str) -> Vec<(String, Endpoint, &'static str)> {
    [
        (format!("{path}/runs"), Endpoint::RunSummary),
        (
            format!("{path}/userProcessingResults"),
            Endpoint::ResultSummary,
        ),
        (
            format!("{run}/userProcessingResults"),
            Endpoint::ResultSummary,
        ),
        (format!("{path}/taskReports"), Endpoint::TaskReportSummary),
    ]
    .into_iter()
    .map(|(list, kind)| (format!("{list}/summary({SPAN})"), kind, roles::REPORTS))
    .collect()
}

#[tokio::test(start_paused = true)]
async fn each_resource_needs_its_least_role_and_has_its_kind() {
    let mut config = TenantConfig::bench(1, 1, 2);
    config.reprocessed_runs = ReprocessedRuns::Readable;
    let simulator = Simulator::start(config).await.unwrap();
    let workflow = simulator.workflow_ids().remove(0);
    let run = simulator.run_ids(&workflow).remove(0);
    let all = [
        roles::REPORTS,
        roles::WORKFLOW_BASIC,
        roles::WORKFLOW,
        roles::EVERYTHING,
        roles::WRITE,
        roles::USER,
    ];
    for granted in all {
        simulator.update_config(|config| config.access.roles = vec![granted.to_owned()]);
        let client = Client::new(&simulator);
        for (target, endpoint, least) in targets(&workflow, &run) {
            simulator.reset_requests();
            let opens = [least, roles::EVERYTHING, roles::WRITE].contains(&granted);
            let reply = client.get(&target).await;
            assert_eq!(
                reply.status,
                if opens { 200 } else { 403 },
                "{target}: {granted}"
            );
            assert_eq!(simulator.count(endpoint), 1, "{target}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_tenant_grants_whatever_can_be_read_unless_told_otherwise() {
    let simulator = Simulator::start(TenantConfig::bench(1, 1, 2))
        .await
        .unwrap();
    let workflow = simulator.workflow_ids().remove(0);
    let run = simulator.run_ids(&workflow).remove(0);
    let client = Client::new(&simulator);
    for (target, endpoint, _) in targets(&workflow, &run) {
        // The documentation calls this one not supported.
        let expected = if endpoint == Endpoint::ReprocessedRuns {
            403
        } else {
            200
        };
        assert_eq!(client.get(&target).await.status, expected, "{target}");
    }
}
