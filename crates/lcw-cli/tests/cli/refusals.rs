//! Bad input: one clear message, the documented exit code, and a dataset as it was before, byte
//! for byte, or as absent as before.

use std::path::Path;
use std::process::Command;

use lcw_simulator::{Endpoint, Fault, FaultRule, Simulator, TenantConfig};
use lcw_tests::compact;

use crate::desk::Desk;
use crate::program::{Ended, Lcw};

/// A desk without a dataset, and one with.
struct Desks([Desk; 2]);

impl Desks {
    async fn new() -> Self {
        let with_data = Desk::today().await;
        with_data.export();
        Self([Desk::today().await, with_data])
    }

    /// Runs what `refused` makes at each.
    #[track_caller]
    fn refuse(&self, code: i32, says: &[&str], refused: impl Fn(&Desk) -> Lcw) {
        for desk in &self.0 {
            refuses_at(desk, code, says, &refused);
        }
    }

    /// Every verb that reads a pipeline file refuses this one.
    #[track_caller]
    fn refuse_the_file(&self, text: &str, says: &[&str]) {
        for verb in ["export", "plan export", "status"] {
            let mut says = says.to_vec();
            says.push("p.toml");
            self.refuse(2, &says, |desk| {
                desk.write("p.toml", text);
                desk.with_secret(&format!("{verb} p.toml --out data"))
            });
        }
    }
}

#[track_caller]
fn refuses_at(desk: &Desk, code: i32, says: &[&str], refused: &impl Fn(&Desk) -> Lcw) -> Ended {
    let lcw = refused(desk);
    let before = desk.contents();
    let ended = lcw.run().with(code);
    assert!(desk.contents() == before, "the folder has changed\n{ended}");
    assert_eq!(ended.stdout, "", "{ended}");
    ended.says(says);
    let messages = ended.stderr.matches("error: ").count();
    assert_eq!(messages, 1, "not one message\n{ended}");
    assert!(
        ended.stderr.starts_with("error: "),
        "not only a message\n{ended}"
    );
    ended
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn without_credentials() {
    let desks = Desks::new().await;
    let says = [
        "no credentials",
        "AZURE_TENANT_ID",
        "AZURE_CLIENT_ID",
        "AZURE_CLIENT_SECRET",
        "LCW_ACCESS_TOKEN",
        "lcw demo",
    ];
    desks.refuse(3, &says, |desk| desk.bare("export --out data"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn with_a_wrong_secret() {
    let desks = Desks::new().await;
    let says = [
        "AADSTS7000215: Invalid client secret",
        "invalid_client",
        "not its id",
    ];
    desks.refuse(3, &says, |desk| {
        desk.lcw("export --out data")
            .env("AZURE_CLIENT_SECRET", "wrong")
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_an_application_that_the_tenant_does_not_have() {
    let desks = Desks::new().await;
    let other = "00000000-1111-2222-3333-444444444444";
    desks.refuse(3, &["AADSTS700016", "check client id"], |desk| {
        desk.lcw("export --out data").env("AZURE_CLIENT_ID", other)
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn without_the_permission_to_list_workflows() {
    let desks = Desks::new().await;
    let says = [
        "GET /identityGovernance/lifecycleWorkflows/workflows failed with 403",
        "LifecycleWorkflows-Workflow.ReadBasic.All",
        "admin consent",
        "request-id",
    ];
    desks.refuse(3, &says, |desk| {
        let forbidden = FaultRule::new(Fault::Forbidden).on(Endpoint::Workflows);
        desk.tenant.clear_faults();
        desk.tenant.inject(forbidden.times(1));
        desk.lcw("export --out data")
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_a_host_that_nobody_knows() {
    let desk = Desk::today().await;
    desk.export();
    let before = desk.contents();
    desk.tenant.update_config(|config| {
        config.access.token_audience = Some("https://graph.nowhere.invalid".to_owned());
    });
    let ended = desk
        .bare("export --out data --graph-url https://graph.nowhere.invalid")
        .env("LCW_ACCESS_TOKEN", desk.tenant.issue_token())
        .run()
        .with(1);
    ended.says(&["graph.nowhere.invalid", "check the name of the host"]);
    assert!(desk.contents() == before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_plain_http_to_another_machine() {
    let desks = Desks::new().await;
    desks.refuse(
        2,
        &["the Graph URL", "http://graph.example is not https"],
        |desk| desk.with_secret("export --out data --graph-url http://graph.example"),
    );
    desks.refuse(
        2,
        &["the authority URL", "http://login.example is not https"],
        |desk| desk.with_secret("export --out data --authority-url http://login.example"),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_a_url_with_the_api_version_in_it() {
    let desks = Desks::new().await;
    desks.refuse(
        2,
        &["https://graph.example must be given without a path"],
        |desk| desk.with_secret("export --out data --graph-url https://graph.example/v1.0"),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_a_malformed_pipeline_file() {
    let desks = Desks::new().await;
    desks.refuse_the_file("[extract]\nrequests_per_second =\n", &["line 2"]);
    desks.refuse_the_file("[extract\n", &["line 1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_an_unknown_key() {
    let desks = Desks::new().await;
    let says = [
        "line 4",
        "unknown field `lokback`",
        "did you mean `lookback`?",
    ];
    desks.refuse_the_file("[source]\n\n[extract]\nlokback = \"30d\"\n", &says);
    let says = ["line 1", "unknown field `sorce`", "did you mean `source`?"];
    desks.refuse_the_file("[sorce]\n", &says);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_an_unknown_table() {
    let desks = Desks::new().await;
    let says = [
        "'--table <NAME>'",
        "rums",
        "runs",
        "user_processing_results",
    ];
    desks.refuse(2, &says, |desk| desk.lcw("export --out data --table rums"));
    let says = ["line 2", "unknown value `rums`", "did you mean `runs`?"];
    desks.refuse_the_file("[extract]\ntables = [\"rums\"]\n", &says);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_a_value_out_of_range() {
    let desks = Desks::new().await;
    for flag in ["--requests-per-second", "--max-concurrency"] {
        for value in ["0", "-1", "many"] {
            desks.refuse(2, &[flag, value, "above 0"], |desk| {
                desk.with_secret(&format!("export --out data {flag} {value}"))
            });
        }
    }
    desks.refuse_the_file(
        "[extract]\nrequests_per_second = 0\n",
        &["line 2", "above 0"],
    );
    desks.refuse_the_file("[extract]\nmax_concurrency = 0\n", &["line 2", "above 0"]);
    desks.refuse_the_file(
        "[extract]\nlookback = \"31d\"\n",
        &["line 2", "at most 30d"],
    );
    desks.refuse_the_file(
        "[load]\nformat = \"csv\"\n",
        &["line 2", "`parquet`, `ndjson`"],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_a_compression_that_the_format_does_not_have() {
    let desks = Desks::new().await;
    desks.refuse(2, &["gzip", "ndjson", "use zstd"], |desk| {
        desk.write("p.toml", "[load]\ncompression = \"gzip\"\n");
        desk.with_secret("export p.toml --out data")
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_a_pipeline_file_that_does_not_exist() {
    let desks = Desks::new().await;
    let says = [
        "cannot read the pipeline file nowhere.toml",
        "No such file",
        "`lcw init nowhere.toml` writes one",
    ];
    desks.refuse(2, &says, |desk| desk.with_secret("export nowhere.toml"));
}

/// A device gives bytes for ever, a pipe may never give one.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_a_pipeline_file_without_an_end() {
    let desks = Desks::new().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let pipe = elsewhere.path().join("pipe.toml");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    for path in [Path::new("/dev/zero"), &pipe, elsewhere.path()] {
        let says = [path.to_str().unwrap(), "it is not a regular file"];
        for verb in ["export", "status"] {
            desks.refuse(2, &says, |desk| desk.with_secret(verb).arg(path));
        }
    }
    let comment = "# as large as it may be\n";
    let large = comment.repeat((1 << 20) / comment.len() + 1);
    desks.refuse_the_file(&large, &["larger than 1024 KiB"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_a_name_that_no_file_can_have() {
    let desks = Desks::new().await;
    for (section, key, value) in [
        ("load", "out", r#""a\u0000b""#),
        ("source", "ca_file", r#""ca\u0000""#),
        ("extract", "select", r#"["id", "\u0000"]"#),
    ] {
        let text = format!("[{section}]\n{key} = {value}\n");
        let says = format!("`{section}.{key}` holds a NUL character");
        desks.refuse_the_file(&text, &[&says]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_a_window_that_ends_before_it_begins() {
    let desks = Desks::new().await;
    let says = [
        "--from 2026-11-10 is not before --to 2026-11-01",
        "half-open",
    ];
    desks.refuse(2, &says, |desk| {
        desk.lcw("backfill --out data --from 2026-11-10 --to 2026-11-01")
    });
    desks.refuse(2, &["is not before"], |desk| {
        desk.lcw("backfill --out data --from 2026-11-10 --to 2026-11-10")
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_a_window_that_begins_in_the_future() {
    let desks = Desks::new().await;
    desks.refuse(2, &["--from 2999-01-01 lies in the future"], |desk| {
        desk.lcw("backfill --out data --from 2999-01-01 --to 2999-01-02")
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_a_window_that_is_none() {
    let desks = Desks::new().await;
    desks.refuse(2, &["--from <D>", "yesterday", "T-7d"], |desk| {
        desk.lcw("backfill --out data --from yesterday --to T")
    });
    desks.refuse(2, &["--to <D>", "required"], |desk| {
        desk.lcw("backfill --out data --from T-7d")
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_a_window_for_the_incremental_export() {
    let desks = Desks::new().await;
    for verb in ["export", "plan export"] {
        for flag in ["--from T-7d", "--to T", "--workflow x"] {
            let name = flag.split(' ').next().unwrap();
            let says = [&format!("{name} is for backfill"), "lcw backfill --from"];
            desks.refuse(2, &says, |desk| {
                desk.lcw(&format!("{verb} --out data {flag}"))
            });
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_a_workflow_that_the_tenant_does_not_have() {
    let desk = Desk::new().await;
    desk.export();
    let workflow = desk.tenant.truth().workflows.remove(0);
    let unlike = "zzz";
    let part = workflow.detail["displayName"].as_str().unwrap();
    let end = part.char_indices().nth_back(1).unwrap().0;
    let part = &part[..end];
    for (unknown, remedy) in [(unlike, "name one of these"), (part, "did you mean")] {
        refuses_at(
            &desk,
            2,
            &[
                &format!("no workflow with the id or name \"{unknown}\""),
                remedy,
                &workflow.id,
            ],
            &|desk: &Desk| {
                desk.lcw("backfill --out data --from T-7d --to T")
                    .arg("--workflow")
                    .arg(unknown)
            },
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_a_folder_that_holds_something_else() {
    let desks = Desks::new().await;
    desks.refuse(
        2,
        &[
            "thesis is not a dataset",
            "chapter.tex",
            "an empty or new one",
        ],
        |desk| {
            let thesis = desk.folder().join("thesis");
            std::fs::create_dir_all(&thesis).unwrap();
            desk.write("thesis/chapter.tex", "precious");
            desk.lcw("export --out thesis")
        },
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_a_file_in_the_place_of_the_folder() {
    let desks = Desks::new().await;
    for out in ["file", "file/data"] {
        desks.refuse(2, &["file", "a part of the path is a file"], |desk| {
            desk.write("file", "precious");
            desk.lcw("export").arg("--out").arg(out)
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_a_folder_where_nobody_may_write() {
    let desks = Desks::new().await;
    let says = ["/sys", "cannot make"];
    desks.refuse(2, &says, |desk| desk.lcw("export --out /sys/lcw-data"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_a_dataset_in_another_format() {
    let desk = Desk::new().await;
    desk.export();
    for verb in ["export", "plan export", "backfill --from T-7d --to T"] {
        refuses_at(
            &desk,
            2,
            &[
                "the dataset's format is parquet, not ndjson",
                "another folder",
            ],
            &|desk: &Desk| desk.lcw(&format!("{verb} --out data --format ndjson")),
        );
    }
    let line = "export --out data --format ndjson";
    let desk = Desk::new().await;
    desk.lcw(line).run().with(0);
    desk.write("p.toml", "[load]\ncompression = \"none\"\n");
    let says = ["the dataset's compression is zstd, not none"];
    refuses_at(&desk, 2, &says, &|desk: &Desk| desk.lcw(line).arg("p.toml"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn with_a_token_of_another_tenant() {
    let desks = Desks::new().await;
    let other = "00000000-1111-2222-3333-444444444444";
    let says = ["the token belongs to tenant", other, "tenant_id"];
    desks.refuse(3, &says, |desk| {
        desk.lcw("export --out data")
            .env("LCW_ACCESS_TOKEN", desk.tenant.issue_token())
            .env("AZURE_TENANT_ID", other)
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn with_a_token_that_does_not_say_its_tenant() {
    let mut config = compact(1);
    config.now = jiff::Timestamp::now();
    config.access.opaque_tokens = true;
    let desk = Desk::of(config).await;
    let line = |desk: &Desk| {
        desk.lcw("export --out data")
            .env("LCW_ACCESS_TOKEN", desk.tenant.issue_token())
    };
    let says = [
        "does not tell which tenant",
        "--tenant-id",
        "AZURE_TENANT_ID",
    ];
    refuses_at(&desk, 2, &says, &|desk: &Desk| {
        line(desk).without("AZURE_TENANT_ID")
    });
    // With the tenant's id the same token does.
    line(&desk).run().with(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn with_a_token_that_has_ended() {
    let desks = Desks::new().await;
    let config = TenantConfig {
        now: "2020-01-01T00:00:00Z".parse().unwrap(),
        ..compact(1)
    };
    let old = Simulator::start(config).await.unwrap().issue_token();
    let says = ["the ready access token has expired", "LCW_ACCESS_TOKEN"];
    desks.refuse(3, &says, |desk| {
        desk.lcw("export --out data").env("LCW_ACCESS_TOKEN", &old)
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn with_a_secret_file_that_holds_nothing() {
    let desks = Desks::new().await;
    for text in ["", "\n", "\r\n"] {
        desks.refuse(3, &["client_secret_file secret.txt is empty"], |desk| {
            desk.write("secret.txt", text);
            desk.write("p.toml", "[source]\nclient_secret_file = \"secret.txt\"\n");
            let lcw = desk.lcw("export p.toml --out data");
            lcw.without("AZURE_CLIENT_SECRET")
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn with_a_secret_file_that_is_not_there() {
    let desks = Desks::new().await;
    let says = [
        "cannot read client_secret_file secret.txt",
        "check the path",
    ];
    desks.refuse(3, &says, |desk| {
        desk.write("p.toml", "[source]\nclient_secret_file = \"secret.txt\"\n");
        let lcw = desk.lcw("export p.toml --out data");
        lcw.without("AZURE_CLIENT_SECRET")
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn without_the_token_that_was_asked_for() {
    let desks = Desks::new().await;
    desks.refuse(
        3,
        &["auth is `token`", "LCW_ACCESS_TOKEN is not set"],
        |desk| {
            desk.write("p.toml", "[source]\nauth = \"token\"\n");
            desk.lcw("export p.toml --out data")
        },
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_certificate_authorities_that_are_none() {
    let desks = Desks::new().await;
    for (text, says) in [(None, "No such file"), (Some("text"), "no PEM certificate")] {
        desks.refuse(
            2,
            &["cannot read certificate authorities from ca.pem", says],
            |desk| {
                if let Some(text) = text {
                    desk.write("ca.pem", text);
                }
                desk.write("p.toml", "[source]\nca_file = \"ca.pem\"\n");
                desk.lcw("export p.toml --out data")
            },
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_a_log_filter_that_is_none() {
    let desks = Desks::new().await;
    desks.refuse(2, &["RUST_LOG `lcw=loud`", "debug"], |desk| {
        desk.lcw("export --out data").env("RUST_LOG", "lcw=loud")
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn with_a_token_that_is_none() {
    let desks = Desks::new().await;
    for token in ["abc\ndef", "abc\u{1b}[31m", "\"abc def\""] {
        let says = [
            "LCW_ACCESS_TOKEN cannot be used",
            "what to do: ",
            "one line",
        ];
        desks.refuse(3, &says, |desk| {
            desk.bare("export --out data")
                .env("LCW_ACCESS_TOKEN", token)
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_a_url_that_is_no_origin() {
    let desks = Desks::new().await;
    for (url, says) in [
        ("http://graph.example", "an https URL"),
        (
            "https://graph.example/v1.0",
            "write --graph-url https://graph.example;",
        ),
        ("graph.example", "a whole URL"),
    ] {
        desks.refuse(2, &["the Graph URL", "what to do: ", says], |desk| {
            desk.with_secret("export --out data --graph-url").arg(url)
        });
    }
}
