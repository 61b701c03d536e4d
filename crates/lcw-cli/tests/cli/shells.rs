//! What shells and `man` get from the program: completions and pages.

use std::process::Command;

use crate::program::{Ended, Lcw};

fn lcw(line: &str) -> Ended {
    Lcw::new(&std::env::temp_dir(), line).run()
}

const SHELLS: [&str; 5] = ["bash", "zsh", "fish", "powershell", "elvish"];

#[test]
fn every_shell_can_complete_verbs_flags_and_values() {
    for shell in SHELLS {
        let ended = lcw(&format!("completions {shell}")).with(0);
        for word in ["backfill", "max-concurrency"] {
            assert!(ended.stdout.contains(word), "{shell}: no {word}");
        }
        // Those of the other two know no values.
        if ["bash", "zsh", "fish"].contains(&shell) {
            for value in ["usgov-dod", "task_reports"] {
                assert!(ended.stdout.contains(value), "{shell}: no {value}");
            }
        }
        // Flags that are only known in order to be refused are not offered.
        let offered = ended.stdout.matches("misplaced").count();
        assert_eq!((offered, &*ended.stderr), (0, ""), "{shell}");
    }
    lcw("completions bsh").with(2).says(&["bash", "similar"]);
}

/// What bash would offer behind these words.
fn offered(words: &[&str]) -> String {
    let script = lcw("completions bash").with(0).stdout;
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let ask = format!(
        "{script}\nCOMP_WORDS=({}); COMP_CWORD={}; _lcw lcw '{}' '{}'; echo \"${{COMPREPLY[@]}}\"",
        quoted.join(" "),
        words.len() - 1,
        words[words.len() - 1],
        words[words.len() - 2],
    );
    let done = Command::new("bash").args(["-c", &ask]).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn bash_completes_with_the_script() {
    assert_eq!(offered(&["lcw", "back"]).trim(), "backfill");
    assert_eq!(offered(&["lcw", "plan", "exp"]).trim(), "export");
    assert_eq!(
        offered(&["lcw", "export", "--max"]).trim(),
        "--max-concurrency"
    );
    let clouds = offered(&["lcw", "export", "--cloud", ""]);
    assert_eq!(clouds.trim(), "global usgov usgov-dod china");
}

#[test]
fn there_is_a_page_for_every_verb_and_all_of_its_flags() {
    let folder = tempfile::tempdir().unwrap();
    let ended = Lcw::new(folder.path(), "man deep/man1 --json")
        .run()
        .with(0);
    let pages = folder.path().join("deep/man1");
    let names: Vec<_> = std::fs::read_dir(&pages).unwrap().collect();
    assert_eq!(ended.json()["pages"], names.len());
    // The verbs that the help lists, each with its page.
    let help = lcw("--help").with(0).stdout;
    let verbs = help.split("\nCommands:\n").nth(1).unwrap();
    let verbs = verbs.split("\n\n").next().unwrap().lines();
    let verbs = verbs.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let verbs: Vec<&str> = verbs
        .filter_map(|line| line.split_whitespace().next())
        .filter(|verb| *verb != "help")
        .collect();
    assert!(
        verbs.contains(&"export") && verbs.contains(&"man"),
        "{help}"
    );
    for verb in verbs {
        let page = std::fs::read_to_string(pages.join(format!("lcw-{verb}.1"))).unwrap();
        let page = page.replace("\\-", "-");
        let help = lcw(&format!("{verb} --help")).with(0).stdout;
        let flags = help
            .split_whitespace()
            .filter(|word| word.starts_with("--"));
        let flags =
            flags.map(|flag| flag.trim_end_matches(|letter: char| !letter.is_ascii_lowercase()));
        for flag in flags.filter(|flag| flag.len() > 2) {
            assert!(page.contains(flag), "lcw-{verb}.1 has no {flag}");
        }
        assert!(!page.contains(".SH EXTRA"), "{page}");
    }
}

#[test]
fn a_folder_for_pages_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let ended = Lcw::new(folder.path(), "man file/man1").run().with(1);
    ended.says(&["error: cannot make the folder file/man1"]);
}
