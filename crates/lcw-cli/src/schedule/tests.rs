use clap::Parser;

use super::*;
use scheduler::Scheduler;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: ScheduleArgs,
}

fn checked(line: &str) -> Result<Options, Failure> {
    let line = Line::try_parse_from(line.split_whitespace()).unwrap();
    let ScheduleVerb::Print(args) = line.args.verb;
    Options::check(&args)
}

fn files(line: &str) -> Vec<File> {
    scheduler::files(&checked(line).unwrap())
}

/// The line that prints for a scheduler, with what it needs.
fn line(scheduler: Scheduler) -> String {
    let image = if scheduler.has_image() {
        "--image r.example/lcw:1"
    } else {
        ""
    };
    format!("lcw print {} {image}", scheduler.name())
}

#[test]
fn every_template_is_filled() {
    for scheduler in Scheduler::ALL {
        for file in files(&line(*scheduler)) {
            let is_filled = !file.text.contains("@@") && !file.path.contains("@@");
            assert!(is_filled, "{}: {}", file.path, file.text);
            assert!(file.text.ends_with('\n') && !file.text.contains('\t'));
            let is_bare = |line: &&str| line.ends_with(' ');
            assert_eq!(file.text.lines().find(is_bare), None, "{}", file.path);
        }
    }
}

#[test]
fn nothing_printed_holds_a_secret_or_takes_one() {
    for scheduler in Scheduler::ALL {
        for file in files(&line(*scheduler)) {
            for line in file.text.lines().filter(|line| line.contains("SECRET")) {
                let refers = ["secrets.", "login.password", "--from-file"];
                let refers = refers.iter().any(|reference| line.contains(reference));
                assert!(refers, "{}: {line}", file.path);
            }
        }
    }
}

#[test]
fn the_program_s_own_lock_is_known_to_everybody_who_knows_codes() {
    for scheduler in Scheduler::ALL {
        let text: String = files(&line(*scheduler))
            .iter()
            .map(|file| file.text.clone())
            .collect();
        assert!(text.contains("75"), "{}", scheduler.name());
        assert!(text.contains("export"), "{}", scheduler.name());
    }
}

#[test]
fn what_could_be_taken_for_something_else_is_refused() {
    for words in [
        "cron /etc/lcw/$(id).toml",
        "cron /etc/lcw/a;b.toml",
        "cron /etc/lcw/50%.toml",
        "systemd /etc/lcw/%n.toml",
        "systemd --out /srv/'x",
        "systemd --out relative",
        "windows --out /srv/lcw",
        "windows --out C:\\x&y",
        "windows --out C:\\x\\",
        "cron --user root;id",
        "cron --name UPPER",
        "cron --name=-x",
        "cron --alert alert",
        "kubernetes --image \"x\"",
        "kubernetes --image=-x",
        "kubernetes",
        "airflow --connection a'b",
        "cron --metrics-file `x`",
        "cron --image x",
        "kubernetes --user lcw --image x",
        "kubernetes --program /bin/lcw --image x",
        "airflow --alert /bin/true",
    ] {
        let Err(failure) = checked(&format!("lcw print {words}")) else {
            panic!("{words}")
        };
        assert_eq!(failure.exit_code(), 2, "{words}");
        assert!(failure.remedy().is_some(), "{words}");
    }
}

#[test]
fn everything_that_was_asked_for_is_there() {
    let asked = "/etc/lcw/daily.toml --every 1h --minute 7 --out /srv/lcw --name other \
                 --metrics-file /srv/metrics/lcw.prom";
    for (scheduler, further) in [
        (
            "cron",
            "--program /opt/lcw --user exporter --alert /opt/alert",
        ),
        (
            "systemd",
            "--program /opt/lcw --user exporter --alert /opt/alert",
        ),
        ("kubernetes", "--image r.example/lcw:1"),
        ("github-actions", "--program /opt/lcw"),
        ("airflow", "--program /opt/lcw --connection graph"),
        ("container-apps", "--image r.example/lcw:1"),
    ] {
        let files = files(&format!("lcw print {scheduler} {asked} {further}"));
        let text: String = files.iter().map(|file| file.text.clone()).collect();
        let words = asked.split_whitespace().chain(further.split_whitespace());
        let values = words.filter(|word| word.starts_with('/') || word.contains("r.example"));
        for value in values.chain(["other"]) {
            assert!(text.contains(value), "{scheduler}: {value}");
        }
        assert!(
            text.contains("7 * * * *") || text.contains("*:07:00"),
            "{scheduler}"
        );
    }
}

#[test]
fn printing_again_changes_nothing_and_exports_are_spread() {
    let minute = |name: &str| {
        checked(&format!("lcw print cron --name {name}"))
            .unwrap()
            .minute
    };
    assert_eq!(minute("a"), minute("a"));
    let minutes: std::collections::BTreeSet<u8> =
        ["a", "b", "c", "d", "e"].into_iter().map(minute).collect();
    assert!(minutes.len() > 2, "{minutes:?}");
    assert!(!minutes.contains(&0));
}
