//! Help that fits the screen and teaches.

use crate::program::{Ended, Lcw};

fn help(line: &str) -> Ended {
    Lcw::new(&std::env::temp_dir(), line).run()
}

const VERBS: [&str; 25] = [
    "",
    "export",
    "backfill",
    "plan",
    "plan export",
    "plan backfill",
    "demo",
    "simulate",
    "doctor",
    "status",
    "snapshot",
    "verify",
    "report",
    "acknowledge",
    "schedule",
    "schedule print",
    "init",
    "config",
    "config show",
    "completions",
    "man",
    "forget",
    "schema",
    "connect",
    "sql",
];

#[test]
fn every_verb_s_help_fits_eighty_and_a_hundred_columns() {
    for (verb, columns) in VERBS.iter().flat_map(|verb| [(verb, 80), (verb, 100)]) {
        let mut examples = Vec::new();
        for flag in ["--help", "-h"] {
            let lcw = Lcw::new(&std::env::temp_dir(), &format!("{verb} {flag}"));
            let ended = lcw.env("COLUMNS", columns.to_string()).run().with(0);
            for line in ended.stdout.lines() {
                assert!(line.chars().count() <= columns, "{verb} {flag}: {line}");
            }
            assert_eq!(ended.stderr, "");
            examples.push(ended.stdout.split("\nExamples:").nth(1).map(str::to_owned));
        }
        // What was set by hand is shown as it was set, not broken to fit.
        let wide = help(&format!("{verb} --help")).stdout;
        let wide = wide.split("\nExamples:").nth(1).map(str::to_owned);
        assert_eq!(
            examples,
            [wide.clone(), wide],
            "{verb} at {columns} columns"
        );
    }
}

#[test]
fn every_verb_s_help_shows_examples_that_are_valid() {
    for verb in VERBS.into_iter().filter(|verb| !verb.starts_with("plan ")) {
        let text = help(&format!("{verb} --help")).with(0).stdout;
        let examples: Vec<&str> = text.lines().filter_map(example).collect();
        assert!(!examples.is_empty(), "{verb}: {text}");
        for example in examples {
            // With --help behind it a command line is parsed and not run; unknown flags are errors
            // even so.
            let line = example.strip_prefix("lcw ").unwrap();
            help(&format!("{line} --help")).with(0);
        }
    }
}

/// The command line of an indented line that begins with `lcw`, without what is said about it.
fn example(line: &str) -> Option<&str> {
    let command = line
        .strip_prefix("  ")
        .filter(|line| line.starts_with("lcw "))?;
    let command = command.split("  ").next()?;
    let command = command.split(" | ").next()?;
    Some(command.split(" >").next()?.trim_end())
}

#[test]
fn the_exit_codes_are_in_the_help() {
    let text = help("--help").with(0).stdout;
    for code in ["0", "1", "2", "3", "4", "5", "6", "7", "75", "130, 143"] {
        assert!(text.contains(&format!(" {code}  ")), "{code}: {text}");
    }
}

#[test]
fn a_mistyped_verb_or_flag_gets_a_suggestion() {
    for (line, meant) in [
        ("exprot", "export"),
        ("export --formt ndjson", "--format"),
        ("schema run", "runs"),
    ] {
        let ended = help(line).with(2);
        ended.says(&["error: ", meant, "similar"]);
        assert_eq!(ended.stdout, "");
    }
}

#[test]
fn the_version_is_on_stdout() {
    let text = help("--version").with(0).stdout;
    assert_eq!(text, format!("lcw {}\n", env!("CARGO_PKG_VERSION")));
}
