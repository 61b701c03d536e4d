//! What was asked for, checked: nothing in it can be taken for anything but a part of a word.

use super::args::PrintArgs;
use super::every::Every;
use super::scheduler::Scheduler;
use crate::choice::Choice as _;
use crate::failure::Failure;

/// Checked options of `lcw schedule print`, with defaults.
pub(super) struct Options {
    pub(super) scheduler: Scheduler,
    pub(super) every: Every,
    pub(super) minute: u8,
    pub(super) name: String,
    program: String,
    pipeline: Option<String>,
    out: String,
    user: String,
    image: String,
    alert: String,
    connection: String,
    metrics_file: Option<String>,
}

impl Options {
    pub(super) fn check(args: &PrintArgs) -> Result<Self, Failure> {
        let scheduler = args.scheduler;
        refuse_what_has_no_place(args)?;
        let is_windows = scheduler == Scheduler::Windows;
        let path = |flag: &str, given: Option<&String>, default: (&str, &str)| {
            let default = if is_windows { default.1 } else { default.0 };
            let text = given.map_or(default, String::as_str);
            whole_path(flag, text, is_windows).map(|()| text.to_owned())
        };
        let optional = |flag: &str, given: Option<&String>| {
            given
                .map(|text| path(flag, Some(text), ("", "")))
                .transpose()
        };
        let out = if scheduler.has_image() {
            "/data/lcw"
        } else {
            "/var/lib/lcw/data"
        };
        let out = path(
            "--out",
            args.out.as_ref(),
            (out, r"C:\ProgramData\lcw\data"),
        )?;
        let program = ("/usr/local/bin/lcw", r"C:\Program Files\lcw\lcw.exe");
        let alert = ("/usr/local/lib/lcw/alert", r"C:\ProgramData\lcw\alert.ps1");
        let name = simple_name("--name", &args.name)?;
        Ok(Self {
            scheduler,
            every: args.every,
            minute: args.minute.unwrap_or_else(|| spread(&[&name, &out])),
            program: path("--program", args.program.as_ref(), program)?,
            pipeline: optional("the pipeline file", args.pipeline.as_ref())?,
            user: simple_name("--user", args.user.as_deref().unwrap_or("lcw"))?,
            image: image(args)?,
            alert: path("--alert", args.alert.as_ref(), alert)?,
            connection: simple_name("--connection", args.connection.as_deref().unwrap_or("lcw"))?,
            metrics_file: optional("--metrics-file", args.metrics_file.as_ref())?,
            name,
            out,
        })
    }

    /// The words behind the program's name.
    fn words(&self) -> Vec<&str> {
        let mut words = vec!["export"];
        words.extend(self.pipeline.as_deref());
        words.extend(["--out", self.out.as_str()]);
        if let Some(file) = &self.metrics_file {
            words.extend(["--metrics-file", file]);
        }
        words.extend(["--json", "--log-format", "json"]);
        words
    }

    /// What stands for each name in the templates.
    pub(super) fn values(&self) -> Vec<(&'static str, String)> {
        let words = self.words();
        let json = |words: &[&str]| format!("[\"{}\"]", words.join("\", \""));
        let command = [&[self.program.as_str()], &words[..]].concat();
        let identity = [&words[..], &["--auth", "managed-identity"]].concat();
        let quoted = words.iter().map(|word| {
            if word.contains(' ') {
                format!("\"{word}\"")
            } else {
                (*word).to_owned()
            }
        });
        let jitter = self.every.jitter_minutes();
        vec![
            ("name", self.name.clone()),
            ("file_name", self.name.replace('-', "_")),
            ("every", self.every.to_string()),
            ("cron", self.every.cron(self.minute)),
            ("oncalendar", self.every.calendar(self.minute)),
            ("interval", self.every.interval()),
            ("minute", format!("{:02}", self.minute)),
            ("jitter_seconds", (jitter * 60).to_string()),
            ("jitter_minutes", jitter.to_string()),
            ("program", self.program.clone()),
            ("words", words.join(" ")),
            ("words_quoted", quoted.collect::<Vec<_>>().join(" ")),
            ("words_json", json(&words)),
            ("command_json", json(&command)),
            ("identity_words_json", json(&identity)),
            ("out", self.out.clone()),
            ("read_write_paths", self.read_write_paths()),
            ("user", self.user.clone()),
            ("image", self.image.clone()),
            ("alert", self.alert.clone()),
            ("connection", self.connection.clone()),
        ]
    }

    /// Folders that systemd leaves writable, whether they are there yet or not.
    fn read_write_paths(&self) -> String {
        let metrics = self.metrics_file.as_deref();
        let metrics = metrics.and_then(|file| file.rsplit_once('/'));
        let folders = [Some(self.out.as_str()), metrics.map(|(folder, _)| folder)];
        let folders = folders
            .into_iter()
            .flatten()
            .filter(|folder| !folder.is_empty());
        let folders: Vec<String> = folders.map(|folder| format!("-{folder}")).collect();
        folders.join(" ")
    }
}

/// An option that would change nothing is a misunderstanding.
fn refuse_what_has_no_place(args: &PrintArgs) -> Result<(), Failure> {
    let scheduler = args.scheduler;
    let runs_a_program = !scheduler.has_image();
    for (is_given, flag, has_place, whose) in [
        (
            args.user.is_some(),
            "--user",
            scheduler.has_user(),
            "cron and systemd",
        ),
        (
            args.image.is_some(),
            "--image",
            scheduler.has_image(),
            "kubernetes and container-apps",
        ),
        (
            args.alert.is_some(),
            "--alert",
            scheduler.has_alert(),
            "cron, systemd and windows",
        ),
        (
            args.connection.is_some(),
            "--connection",
            scheduler == Scheduler::Airflow,
            "airflow",
        ),
        (
            args.program.is_some(),
            "--program",
            runs_a_program,
            "schedulers that start the program themselves, not an image",
        ),
    ] {
        if is_given && !has_place {
            return Err(Failure::usage(
                format!("{flag} has no place in what {} needs", scheduler.name()),
                format!("leave it out: it is for {whose}"),
            ));
        }
    }
    Ok(())
}

/// The image, where there has to be one.
fn image(args: &PrintArgs) -> Result<String, Failure> {
    let scheduler = args.scheduler;
    let Some(image) = args.image.as_deref() else {
        if scheduler.has_image() {
            return Err(Failure::usage(
                format!("{} needs to know which image starts lcw", scheduler.name()),
                "build one from the Containerfile, push it to your registry, and give its name: \
                 --image registry.example/lcw:0.1.0",
            ));
        }
        return Ok(String::new());
    };
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "./:-_@".contains(letter);
    let is_one = image.starts_with(|first: char| first.is_ascii_alphanumeric());
    if is_one && image.chars().all(fits) {
        Ok(image.to_owned())
    } else {
        Err(Failure::usage(
            format!("--image {image} is no name of an image"),
            "write it like registry.example/lcw:0.1.0",
        ))
    }
}

/// A path that needs no quotes anywhere, from the root: schedulers have no working folder.
fn whole_path(flag: &str, path: &str, is_windows: bool) -> Result<(), Failure> {
    let mut letters = path.chars();
    let (is_whole, further, example) = if is_windows {
        let drive = letters
            .next()
            .is_some_and(|drive| drive.is_ascii_alphabetic());
        let is_whole = drive && letters.as_str().starts_with(":\\");
        (is_whole, "\\ ()", r"C:\ProgramData\lcw")
    } else {
        (path.starts_with('/'), "", "/var/lib/lcw")
    };
    if !is_whole {
        return Err(Failure::usage(
            format!("{flag} {path} is no whole path: a scheduler has no folder of its own"),
            format!("write it from the root, like {example}"),
        ));
    }
    let fits = |letter: char| {
        letter.is_ascii_alphanumeric() || "._/-+=,:".contains(letter) || further.contains(letter)
    };
    let ends_well = !path.ends_with('\\') && !path.ends_with(' ');
    if path.chars().all(fits) && ends_well {
        return Ok(());
    }
    Err(Failure::usage(
        format!("{flag} {path} holds a letter that some scheduler takes for something else"),
        "choose a path of letters, digits and ._/-+=,: alone",
    ))
}

/// A name that everybody takes: of units, users, Kubernetes objects and files.
fn simple_name(flag: &str, name: &str) -> Result<String, Failure> {
    let fits =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    let begins = name.starts_with(|first: char| first.is_ascii_lowercase());
    // What Kubernetes allows a CronJob, whose pods get longer names.
    if begins && !name.ends_with('-') && name.len() <= 40 && name.chars().all(fits) {
        return Ok(name.to_owned());
    }
    Err(Failure::usage(
        format!("{flag} {name} is no name that every scheduler takes"),
        "write at most 40 small letters, digits and hyphens, beginning with a letter",
    ))
}

/// A minute that follows from what the export is, so that printing again changes nothing, and that
/// differs between exports. Not the full hour, when everybody starts.
fn spread(words: &[&str]) -> u8 {
    let bytes = words.iter().flat_map(|word| word.bytes());
    let hash = bytes.fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    u8::try_from(hash % 58 + 1).unwrap_or(17)
}
