//! The schedulers, and which files each of them needs.

use serde::Serialize;

use super::options::Options;
use super::template;
use crate::choice::Choice;

/// What starts exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheduler {
    Cron,
    Systemd,
    Kubernetes,
    Windows,
    GithubActions,
    Airflow,
    ContainerApps,
}

impl Choice for Scheduler {
    const ALL: &'static [Self] = &[
        Self::Cron,
        Self::Systemd,
        Self::Kubernetes,
        Self::Windows,
        Self::GithubActions,
        Self::Airflow,
        Self::ContainerApps,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Cron => "cron",
            Self::Systemd => "systemd",
            Self::Kubernetes => "kubernetes",
            Self::Windows => "windows",
            Self::GithubActions => "github-actions",
            Self::Airflow => "airflow",
            Self::ContainerApps => "container-apps",
        }
    }
}

impl Scheduler {
    /// Whether exports run in a container: there the program is what the image starts.
    pub(super) fn has_image(self) -> bool {
        matches!(self, Self::Kubernetes | Self::ContainerApps)
    }

    /// Whether it runs exports as somebody who has to be named.
    pub(super) fn has_user(self) -> bool {
        matches!(self, Self::Cron | Self::Systemd)
    }

    /// Whether a program is run when an export needs attention; the others have alerts of their own.
    pub(super) fn has_alert(self) -> bool {
        matches!(self, Self::Cron | Self::Systemd | Self::Windows)
    }

    /// Where its files go, and what they are made from.
    fn templates(self) -> Vec<Template> {
        match self {
            Self::Cron => vec![
                file("/etc/cron.d/@@name@@", include_str!("templates/cron.tab")),
                script(
                    "/usr/local/lib/lcw/@@name@@",
                    include_str!("templates/cron.sh"),
                ),
                file(
                    "/etc/logrotate.d/@@name@@",
                    include_str!("templates/cron.logrotate"),
                ),
            ],
            Self::Systemd => vec![
                file(
                    "/etc/systemd/system/@@name@@.service",
                    include_str!("templates/systemd.service"),
                ),
                file(
                    "/etc/systemd/system/@@name@@.timer",
                    include_str!("templates/systemd.timer"),
                ),
                file(
                    "/etc/systemd/system/@@name@@-alert.service",
                    include_str!("templates/systemd-alert.service"),
                ),
            ],
            Self::Kubernetes => vec![file(
                "@@name@@.yaml",
                include_str!("templates/kubernetes.yaml"),
            )],
            Self::Windows => vec![
                file(
                    r"C:\ProgramData\lcw\@@name@@.xml",
                    include_str!("templates/windows.xml"),
                ),
                file(
                    r"C:\ProgramData\lcw\@@name@@.ps1",
                    include_str!("templates/windows.ps1"),
                ),
            ],
            Self::GithubActions => vec![file(
                ".github/workflows/@@name@@.yml",
                include_str!("templates/github-actions.yml"),
            )],
            Self::Airflow => vec![file(
                "dags/@@file_name@@.py",
                include_str!("templates/airflow.py"),
            )],
            Self::ContainerApps => vec![file(
                "@@name@@.yaml",
                include_str!("templates/container-apps.yaml"),
            )],
        }
    }
}

struct Template {
    path: &'static str,
    text: &'static str,
    is_executable: bool,
}

fn file(path: &'static str, text: &'static str) -> Template {
    Template {
        path,
        text,
        is_executable: false,
    }
}

fn script(path: &'static str, text: &'static str) -> Template {
    Template {
        path,
        text,
        is_executable: true,
    }
}

/// A file to be installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct File {
    /// Where it is to be.
    pub(super) path: String,
    /// What is in it.
    pub(super) text: String,
    /// Whether it is to be run.
    pub(super) is_executable: bool,
    /// Its name in a folder with all of them.
    #[serde(skip)]
    name: String,
}

impl File {
    /// Its name in a folder with all of them: files for different places may have the same.
    pub(super) fn file_name(&self) -> &str {
        &self.name
    }
}

/// What the scheduler needs.
pub(super) fn files(options: &Options) -> Vec<File> {
    let values = options.values();
    let make = |template: Template| {
        let path = template::fill(template.path, &values);
        let base = path.rsplit(['/', '\\']).next().unwrap_or_default();
        let name = if path.starts_with("/etc/cron.d/") {
            format!("{base}.cron")
        } else if path.starts_with("/etc/logrotate.d/") {
            format!("{base}.logrotate")
        } else {
            base.to_owned()
        };
        File {
            text: template::fill(template.text, &values),
            is_executable: template.is_executable,
            name,
            path,
        }
    };
    options
        .scheduler
        .templates()
        .into_iter()
        .map(make)
        .collect()
}
