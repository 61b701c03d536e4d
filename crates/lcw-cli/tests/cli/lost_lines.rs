//! Lines that were set aside by an export whose manifest is gone.

use lcw_simulator::Endpoint;
use lcw_tests::damage::flip;
use lcw_tests::mistype;
use serde_json::{Value, json};

use crate::desk::Desk;

fn verify(desk: &Desk, code: i32) -> Value {
    let ended = desk.bare("verify --out data --json").run();
    ended.with(code).json()
}

/// A dataset with rows that were set aside, and the export that did.
pub(crate) async fn set_aside() -> (Desk, String) {
    let desk = Desk::new().await;
    mistype(
        &desk.tenant,
        Endpoint::RunResults,
        "workflowVersion",
        "\"two\"",
    );
    let ended = desk
        .lcw("export --out data --json --on-drift quarantine")
        .run()
        .with(4);
    let id = ended.json()["export_id"].as_str().unwrap().to_owned();
    (desk, id)
}

/// The class of what is found of a file.
fn class_of(done: &Value, file: &str) -> Option<String> {
    let mut findings = done["findings"].as_array().unwrap().iter();
    let finding = findings.find(|it| it["file"] == file)?;
    Some(finding["class"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn lines_of_a_lost_manifest_are_unverifiable_and_then_acknowledged_and_watched() {
    let (desk, id) = set_aside().await;
    let lines = format!("_quarantine/{id}/user_processing_results.ndjson");
    let path = desk.data().join(&lines);
    std::fs::remove_file(desk.data().join(format!("_manifests/{id}.json"))).unwrap();
    let done = verify(&desk, 1);
    assert_eq!(class_of(&done, &lines).as_deref(), Some("unverifiable"));
    assert_eq!(done["repair"]["moves"], json!([]));
    let line = format!("acknowledge --out data --manifest {id} --reason case-9");
    desk.bare(&line).run().with(0);
    let done = verify(&desk, 0);
    assert_eq!(done["findings"], json!([]));
    desk.bare(&line)
        .run()
        .with(2)
        .says(&["nothing is wrong with"]);
    flip(&path, 77);
    let done = verify(&desk, 1);
    assert_eq!(class_of(&done, &lines).as_deref(), Some("changed"));
    flip(&path, 77);
    let kept = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let done = verify(&desk, 1);
    assert_eq!(class_of(&done, &lines).as_deref(), Some("missing"));
    std::fs::write(&path, &kept).unwrap();
    verify(&desk, 0);
    // More of them, from a backup: the same word puts these on record, too.
    let other = lines.replace("user_processing_results", "runs");
    std::fs::write(desk.data().join(&other), &kept).unwrap();
    let done = verify(&desk, 1);
    assert_eq!(class_of(&done, &other).as_deref(), Some("unverifiable"));
    desk.bare(&line).run().with(0);
    verify(&desk, 0);
    std::fs::remove_file(desk.data().join(&other)).unwrap();
    let done = verify(&desk, 1);
    assert_eq!(class_of(&done, &other).as_deref(), Some("missing"));
}
