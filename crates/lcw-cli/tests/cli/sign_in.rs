//! Every way to sign in, chosen by name or found.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use lcw_simulator::{DeviceOutcome, Endpoint, Simulator, roles};

use crate::desk::Desk;
use crate::program::{Ended, Lcw};

/// A plan of an export with nothing but the tenant's name and the application's.
fn plan(desk: &Desk, more: &str) -> Lcw {
    desk.bare(&format!("plan export {} {more}", desk.quickly()))
        .env("AZURE_TENANT_ID", desk.tenant.tenant_id())
        .env("AZURE_CLIENT_ID", desk.tenant.client_id())
}

/// Signed in, whatever with.
#[track_caller]
fn works(lcw: Lcw) -> Ended {
    lcw.run().with(0)
}

/// Refused with code 3 before Graph was asked for anything.
#[track_caller]
fn refused(desk: &Desk, lcw: Lcw, says: &[&str]) -> Ended {
    desk.tenant.reset_requests();
    let ended = lcw.run().with(3);
    ended.says(says);
    assert_eq!(desk.tenant.graph_count(), 0, "{ended}");
    ended
}

fn write_certificate(desk: &Desk) {
    desk.write("client.pem", Simulator::client_certificate_pem());
    desk.write("client.pfx", Simulator::client_certificate_pfx());
    desk.write(
        "password",
        format!("{}\n", Simulator::client_certificate_password()),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn with_a_certificate_of_the_environment_or_the_file() {
    let desk = Desk::new().await;
    write_certificate(&desk);
    let path = "AZURE_CLIENT_CERTIFICATE_PATH";
    works(plan(&desk, "").env(path, "client.pem"));
    works(plan(&desk, "--auth certificate").env(path, "client.pem"));
    let password = Simulator::client_certificate_password();
    let pfx = plan(&desk, "").env(path, "client.pfx");
    works(pfx.env("AZURE_CLIENT_CERTIFICATE_PASSWORD", password));
    for keys in [
        "certificate_path = \"client.pem\"",
        "certificate_path = \"client.pem\"\ncertificate_algorithm = \"RS256\"",
        "certificate_path = \"client.pfx\"\ncertificate_password_file = \"password\"",
    ] {
        desk.write("p.toml", format!("[source]\n{keys}\n"));
        works(plan(&desk, "p.toml"));
    }
    // The environment wins over the file; who else may read the file is not looked at.
    desk.write("p.toml", "[source]\ncertificate_path = \"nowhere.pem\"\n");
    let file = desk.folder().join("client.pem");
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o644)).unwrap();
    works(plan(&desk, "p.toml").env(path, "client.pem"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn with_files_in_the_folder_that_systemd_names() {
    let desk = Desk::new().await;
    let folder = desk.folder().join("credentials");
    std::fs::create_dir(&folder).unwrap();
    let put = |name: &str, text: &[u8]| std::fs::write(folder.join(name), text).unwrap();
    put("pfx", Simulator::client_certificate_pfx());
    put(
        "password",
        Simulator::client_certificate_password().as_bytes(),
    );
    put("token", desk.tenant.rotate_federated_token().as_bytes());
    for keys in [
        "certificate_path = \"pfx\"\ncertificate_password_file = \"password\"",
        "federated_token_file = \"token\"",
    ] {
        desk.write("p.toml", format!("[source]\n{keys}\n"));
        works(plan(&desk, "p.toml").env("CREDENTIALS_DIRECTORY", &folder));
        let code = plan(&desk, "p.toml").run().code;
        assert_eq!(code, Some(3), "only there");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn with_a_federated_token() {
    let desk = Desk::new().await;
    desk.write(
        "token",
        format!("{}\n", desk.tenant.rotate_federated_token()),
    );
    works(plan(&desk, "").env("AZURE_FEDERATED_TOKEN_FILE", "token"));
    desk.write(
        "p.toml",
        "[source]\nauth = \"federated\"\nfederated_token_file = \"token\"\n",
    );
    works(plan(&desk, "p.toml"));
    desk.tenant.rotate_federated_token();
    refused(
        &desk,
        plan(&desk, "p.toml"),
        &["AADSTS700024", "what to do: ", "still renews"],
    );
    let nowhere = plan(&desk, "").env("AZURE_FEDERATED_TOKEN_FILE", "nowhere");
    refused(
        &desk,
        nowhere,
        &[
            "federated token file nowhere cannot be read",
            "what to do: ",
        ],
    );
}

/// Each is there and wrong, but the first; each time the first is taken away, the next one counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn in_the_documented_order() {
    let desk = Desk::today().await;
    desk.write("stranger.pem", Simulator::strange_certificate_pem());
    let (trusted, other) = (lcw_simulator::FederatedIdentity::default(), "other");
    desk.write(
        "token",
        desk.tenant.federated_token_of(&trusted.issuer, other),
    );
    let all = [
        (
            "LCW_ACCESS_TOKEN",
            "header.eyJhdWQiOiJodHRwczovL290aGVyIn0.signature",
            "https://other",
        ),
        ("AZURE_CLIENT_SECRET", "wrong", "AADSTS7000215"),
        (
            "AZURE_CLIENT_CERTIFICATE_PATH",
            "stranger.pem",
            "AADSTS700027",
        ),
        ("AZURE_FEDERATED_TOKEN_FILE", "token", "AADSTS700213"),
    ];
    for first in 0..all.len() {
        let with = |lcw: Lcw| {
            let there = all[first..].iter();
            there.fold(lcw, |lcw, (name, value, _)| lcw.env(name, value))
        };
        refused(&desk, with(plan(&desk, "")), &[all[first].2]);
    }
    // Each of them by name, whatever else is there.
    for (name, (_, _, says)) in ["token", "secret", "certificate", "federated"]
        .iter()
        .zip(&all)
    {
        let lcw = plan(&desk, &format!("--auth {name}"));
        let lcw = all
            .iter()
            .fold(lcw, |lcw, (name, value, _)| lcw.env(name, value));
        refused(&desk, lcw, &[says]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn with_the_identity_of_the_machine_or_app_only_when_it_is_named() {
    let desk = Desk::new().await;
    let (endpoint, header) = (
        desk.tenant.identity_endpoint(),
        desk.tenant.identity_header(),
    );
    let app = |more: &str| {
        plan(&desk, more)
            .env("IDENTITY_ENDPOINT", &endpoint)
            .env("IDENTITY_HEADER", header)
    };
    let machine = |more: &str| {
        plan(&desk, more).env("AZURE_POD_IDENTITY_AUTHORITY_HOST", desk.tenant.origin())
    };
    for lcw in [app("").run(), machine("").run()] {
        lcw.with(3).says(&["no credentials", "AZURE_CLIENT_SECRET"]);
    }
    assert_eq!(desk.tenant.count(Endpoint::ManagedIdentity), 0);
    let named = "--auth managed-identity";
    works(app(named));
    works(machine(named));
    // Neither needs to know its tenant or its client id.
    works(
        app(named)
            .without("AZURE_TENANT_ID")
            .without("AZURE_CLIENT_ID"),
    );
    let other = app(named).env("AZURE_CLIENT_ID", "another");
    refused(
        &desk,
        other,
        &["Identity not found", "assign a managed identity"],
    );
    let arc = app(named).without("IDENTITY_HEADER");
    refused(&desk, arc, &["Azure Arc"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn with_no_identity_of_another_machine() {
    let desk = Desk::new().await;
    for url in [
        "http://10.0.0.1",
        "https://identity.example",
        "http://user@127.0.0.1/",
    ] {
        let named = || plan(&desk, "--auth managed-identity");
        let app = named()
            .env("IDENTITY_ENDPOINT", url)
            .env("IDENTITY_HEADER", "x");
        let machine = named().env("AZURE_POD_IDENTITY_AUTHORITY_HOST", url);
        for lcw in [app, machine] {
            lcw.run().with(2).says(&["on this machine only"]);
        }
    }
    assert_eq!(desk.tenant.requests().len(), 0);
}

/// Puts an `az` into a folder, and that folder alone onto the path.
fn with_az(desk: &Desk, script: &str) -> Lcw {
    let folder = desk.folder().join("bin");
    std::fs::create_dir_all(&folder).unwrap();
    let program = folder.join("az");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    plan(desk, "--auth azure-cli").env("PATH", path_with(&folder))
}

fn path_with(folder: &Path) -> String {
    format!("{}:/usr/bin:/bin", folder.display())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn with_the_azure_cli() {
    let desk = Desk::new().await;
    let end = jiff::Timestamp::now().as_second() + 3_600;
    let token = desk.tenant.issue_token();
    let json = format!("{{\"accessToken\": \"{token}\", \"expires_on\": {end}}}");
    works(with_az(&desk, &format!("echo '{json}'")));
    let failing = with_az(&desk, "echo 'ERROR: Please run az login' >&2; exit 1");
    refused(
        &desk,
        failing,
        &[
            "`az` failed: ERROR: Please run az login",
            "LifecycleWorkflows",
        ],
    );
    let missing = plan(&desk, "--auth azure-cli").env("PATH", desk.folder());
    refused(
        &desk,
        missing,
        &["there is no `az` on the PATH", "install the Azure CLI"],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn as_a_person_who_is_told_what_to_do() {
    let desk = Desk::new().await;
    desk.tenant.update_config(|config| {
        config.access.device.interval = std::time::Duration::from_secs(1);
    });
    for flags in ["", "--quiet", "--json"] {
        let ended = works(plan(&desk, &format!("--auth device-code {flags}")));
        ended.says(&[
            "to sign in, open https://microsoft.com/devicelogin",
            "enter the code SIM",
        ]);
        assert!(!ended.stdout.contains("devicelogin"), "{ended}");
        assert!(flags != "--json" || ended.json().is_object());
    }
    let ended = works(plan(&desk, "--auth device-code --log-format json"));
    let event = ended
        .stderr
        .lines()
        .find(|line| line.contains("user_code"))
        .unwrap();
    let event: serde_json::Value = serde_json::from_str(event).unwrap();
    assert_eq!(
        event["verification_uri"],
        "https://microsoft.com/devicelogin"
    );
    desk.tenant
        .update_config(|config| config.access.device.outcome = DeviceOutcome::Declined);
    let declined = plan(&desk, "--auth device-code");
    refused(
        &desk,
        declined,
        &["authorization_declined", "start again and accept it"],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn as_a_person_who_is_asked_for_what_the_tables_need() {
    let desk = Desk::new().await;
    desk.tenant.update_config(|config| {
        config.access.device.interval = std::time::Duration::from_secs(1);
        config.access.scopes = [roles::WORKFLOW_BASIC, roles::REPORTS]
            .map(str::to_owned)
            .to_vec();
    });
    works(plan(&desk, "--auth device-code"));
    let more = plan(&desk, "--auth device-code --table tasks");
    refused(&desk, more, &["AADSTS65001", "admin consent"]);
    desk.tenant.update_config(|config| {
        config.access.scopes = [roles::WORKFLOW, roles::REPORTS]
            .map(str::to_owned)
            .to_vec();
    });
    works(plan(&desk, "--auth device-code --table tasks"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn but_not_without_what_is_needed() {
    let desk = Desk::new().await;
    for (auth, missing) in [
        ("token", "LCW_ACCESS_TOKEN is not set"),
        ("secret", "missing the client secret (AZURE_CLIENT_SECRET)"),
        (
            "certificate",
            "missing the certificate (AZURE_CLIENT_CERTIFICATE_PATH)",
        ),
        (
            "federated",
            "missing the federated token file (AZURE_FEDERATED_TOKEN_FILE)",
        ),
    ] {
        refused(
            &desk,
            plan(&desk, &format!("--auth {auth}")),
            &[missing, "what to do: "],
        );
    }
    let nobody = plan(&desk, "--auth device-code").without("AZURE_CLIENT_ID");
    refused(&desk, nobody, &["missing the client id (AZURE_CLIENT_ID)"]);
    assert_eq!(desk.tenant.requests().len(), 0);
    let unknown = plan(&desk, "--auth password").run().with(2);
    unknown.says(&["device-code", "managed-identity"]);
    desk.write("p.toml", "[source]\nauth = \"certifcate\"\n");
    let unknown = plan(&desk, "p.toml").run().with(2);
    unknown.says(&["did you mean `certificate`?"]);
    // The flag wins over the file.
    desk.write("p.toml", "[source]\nauth = \"token\"\n");
    let secret = plan(&desk, "p.toml --auth secret");
    works(secret.env("AZURE_CLIENT_SECRET", desk.tenant.client_secret()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn but_not_with_a_certificate_file_that_cannot_be_used() {
    let desk = Desk::new().await;
    write_certificate(&desk);
    let pem = Simulator::client_certificate_pem();
    let key = &pem[pem.find("-----BEGIN PRIVATE").unwrap()..];
    desk.write("key.pem", key);
    desk.write("certificate.pem", pem.replace(key, ""));
    desk.write("garbage", "canary");
    for (file, says) in [
        ("nowhere.pem", "cannot read certificate_path nowhere.pem"),
        (
            "garbage",
            "garbage cannot be used: it is neither a PEM nor a PFX file",
        ),
        ("key.pem", "there is no certificate in it"),
        ("certificate.pem", "there is no private key in it"),
        ("client.pfx", "its password is missing or wrong"),
    ] {
        let lcw = plan(&desk, "").env("AZURE_CLIENT_CERTIFICATE_PATH", file);
        let ended = refused(&desk, lcw, &[says, "what to do: "]);
        assert!(!ended.stderr.contains("canary"), "{ended}");
    }
    let wrong = plan(&desk, "").env("AZURE_CLIENT_CERTIFICATE_PATH", "client.pfx");
    let wrong = wrong.env("AZURE_CLIENT_CERTIFICATE_PASSWORD", "canary");
    let ended = refused(&desk, wrong, &["its password is missing or wrong"]);
    assert!(!ended.stderr.contains("canary"), "{ended}");
    assert_eq!(desk.tenant.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn but_not_with_a_token_for_another_cloud() {
    let desk = Desk::today().await;
    desk.tenant.update_config(|config| {
        config.access.token_audience = Some("https://graph.microsoft.us".to_owned());
    });
    let ready = plan(&desk, "").env("LCW_ACCESS_TOKEN", desk.tenant.issue_token());
    let says = [
        "the access token is for https://graph.microsoft.us",
        "--cloud usgov",
    ];
    refused(&desk, ready, &says);
    let secret = plan(&desk, "").env("AZURE_CLIENT_SECRET", desk.tenant.client_secret());
    refused(&desk, secret, &says);
}
