//! The control surface.

use lcw_simulator::{Endpoint, Simulator, TenantConfig};

use crate::client::{Client, LW, Reply, send};

async fn control(simulator: &Simulator, method: &str, rest: &str) -> Reply {
    let target = format!("/_simulator{rest}");
    send(simulator.origin(), method, &target, &[], "")
        .await
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_state_says_how_to_sign_in_and_what_was_asked() {
    let simulator = Simulator::start(TenantConfig::demo()).await.unwrap();
    Client::new(&simulator)
        .get(&format!("{LW}/workflows"))
        .await;
    let state = control(&simulator, "GET", "").await.json();
    assert_eq!(state["client_id"], simulator.client_id());
    assert_eq!(state["client_secret"], simulator.client_secret());
    assert_eq!(state["tenant_id"], simulator.tenant_id());
    assert_eq!(state["now"], "2026-11-23T12:00:00Z");
    assert_eq!(state["requests"]["workflows"]["200"], 1);
    assert_eq!(state["workflows"].as_array().unwrap().len(), 8);
}

#[tokio::test(start_paused = true)]
async fn the_clock_faults_limits_and_runs_can_be_set() {
    let simulator = Simulator::start(TenantConfig::demo()).await.unwrap();
    let state = control(&simulator, "POST", "/clock?advance=36h")
        .await
        .json();
    assert_eq!(state["now"], "2026-11-25T00:00:00Z");

    let target = "/faults?kind=throttled&endpoint=runs&retry_after=2,5&times=2&every=2";
    assert_eq!(control(&simulator, "POST", target).await.status, 200);
    let client = Client::new(&simulator);
    let workflow = simulator.workflow_ids().remove(0);
    let runs = format!("{LW}/workflows/{workflow}/runs");
    assert_eq!(client.get(&runs).await.status, 200);
    let reply = client.get(&runs).await;
    assert_eq!(
        (reply.status, reply.header("retry-after")),
        (429, Some("2,5"))
    );
    assert_eq!(
        control(&simulator, "GET", "").await.json()["faults"][0]["fired"],
        1
    );
    control(&simulator, "DELETE", "/faults").await;
    assert!(simulator.fired().is_empty());

    control(&simulator, "POST", "/limit?per_second=1&burst=2").await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(client.get(&runs).await.status);
    }
    assert_eq!(statuses, [200, 200, 429]);
    control(&simulator, "DELETE", "/limit").await;
    assert_eq!(client.get(&runs).await.status, 200);

    let before = simulator.run_ids(&workflow).len();
    control(
        &simulator,
        "POST",
        &format!("/runs?workflow={workflow}&users=4"),
    )
    .await;
    assert_eq!(simulator.run_ids(&workflow).len(), before + 1);
    assert!(simulator.count(Endpoint::Control) > 5);
}

#[tokio::test(start_paused = true)]
async fn mistakes_are_answered_with_the_usage() {
    let simulator = Simulator::start(TenantConfig::demo()).await.unwrap();
    for (method, rest) in [
        ("GET", "/nothing"),
        ("POST", "/clock"),
        ("POST", "/clock?advance=soon"),
        ("POST", "/clock?advance=99999999999999d"),
        ("POST", "/faults?kind=strange"),
        ("POST", "/faults?kind=reset&endpoint=strange"),
        ("POST", "/faults?kind=reset&times=x"),
        ("POST", "/limit?per_second=0"),
        ("POST", "/runs?workflow=none"),
    ] {
        let reply = control(&simulator, method, rest).await;
        assert_eq!(reply.status, 400, "{method} {rest}");
        assert!(reply.json()["usage"].is_string());
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_for_an_unknown_fault_is_told_which_there_are() {
    let simulator = Simulator::start(TenantConfig::demo()).await.unwrap();
    let reply = control(&simulator, "POST", "/faults?kind=strange").await;
    let problem = reply.json()["problem"].as_str().unwrap().to_owned();
    let (_, kinds) = problem.split_once("one of ").unwrap();
    let kinds: Vec<&str> = kinds.split(", ").collect();
    assert!(kinds.contains(&"cut-collection"), "{problem}");
    for kind in kinds {
        let target = format!("/faults?kind={kind}&origin=http://elsewhere.example");
        let reply = control(&simulator, "POST", &target).await;
        assert_eq!(reply.status, 200, "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn options_faults_and_odd_runs_can_be_set_by_name() {
    let simulator = Simulator::start(TenantConfig::demo()).await.unwrap();
    let client = Client::new(&simulator);
    let workflow = simulator.workflow_ids().remove(0);
    let run = simulator.run_ids(&workflow).pop().unwrap();
    let path = format!("{LW}/workflows/{workflow}/runs/{run}");
    let reprocessed = format!("{path}/reprocessedRuns");
    assert_eq!(client.get(&reprocessed).await.status, 403);
    let options = "/options?reprocessed_runs=readable&changed_type=run,totalUsersCount,%22x%22\
        &nested_select=false&subject_results_on_v1=true&summaries=started&unknown_property=odd";
    assert_eq!(control(&simulator, "POST", options).await.status, 200);
    assert_eq!(client.get(&reprocessed).await.status, 200);
    assert_eq!(client.get(&path).await.json()["totalUsersCount"], "x");
    let subjects = format!("{path}/subjectProcessingResults");
    assert_eq!(client.get(&subjects).await.status, 200);
    let nested = format!("{path}/userProcessingResults?$expand=subject($select=mail)");
    assert_eq!(client.get(&nested).await.status, 400);

    for kind in ["dropped-page", "cut-collection"] {
        let target = format!("/faults?kind={kind}&endpoint=task-results");
        let state = control(&simulator, "POST", &target).await.json();
        assert!(state["faults"].to_string().contains(kind));
    }
    let target = format!(
        "/runs?workflow={workflow}&users=5&non_users=2&outcome=failed&settling=6h&reprocesses={run}"
    );
    assert_eq!(control(&simulator, "POST", &target).await.status, 200);
    control(&simulator, "POST", "/clock?advance=7h").await;
    let again = client.rows(&reprocessed).await.remove(0);
    assert_eq!(again["processingStatus"], "failed");
    assert_eq!(again["totalUsersCount"], 7);
}

#[tokio::test(start_paused = true)]
async fn an_option_that_is_not_understood_changes_nothing() {
    let simulator = Simulator::start(TenantConfig::demo()).await.unwrap();
    for rest in [
        "/options",
        "/options?strange=1",
        "/options?nested_select=perhaps",
        "/options?nested_select=false&reprocessed_runs=strange",
        "/options?changed_type=strange,a,1",
        "/options?changed_type=runs,a",
        "/runs?workflow=none&outcome=strange",
    ] {
        let reply = control(&simulator, "POST", rest).await;
        assert_eq!(reply.status, 400, "{rest}");
        assert!(reply.json()["usage"].is_string());
    }
    let client = Client::new(&simulator);
    let workflow = simulator.workflow_ids().remove(0);
    let nested =
        format!("{LW}/workflows/{workflow}/userProcessingResults?$expand=subject($select=mail)");
    assert_eq!(client.get(&nested).await.status, 200);
}
