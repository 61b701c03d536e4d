//! What puts damage in order: files to move away, days to backfill, and what people have to do.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use lcw_dataset::{Class, Finding, Place};
use serde::Serialize;

use crate::coverage::RETENTION;

/// What puts everything in order that was found, as far as the service still has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Repair {
    /// Paths below the dataset's folder that are to be moved out of the way first.
    pub moves: Vec<String>,
    /// What is to be read again afterwards.
    pub refills: Vec<Refill>,
    /// Days that the service has forgotten: their files have to come from a backup, or a snapshot
    /// that is whole itself.
    pub forgotten_days: Vec<String>,
    /// Files that nothing but a person can put in order.
    pub by_hand: Vec<String>,
}

/// What is to be read again of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refill {
    /// The tenant.
    pub tenant_id: String,
    /// First day; null when it is the undated tables, which an export reads.
    pub from: Option<String>,
    /// The day after the last one.
    pub to: Option<String>,
    /// The tables that the tenant has rows of.
    pub tables: BTreeSet<String>,
}

/// What a finding asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    /// Move it away, and read it again.
    Replace,
    /// Read it again.
    Refill,
    /// Move it away.
    Remove,
    /// A person has to look.
    ByHand,
}

/// Whether it is about quarantined lines, which nothing but a backup brings back.
fn is_set_aside(finding: &Finding) -> bool {
    finding.file.starts_with("_quarantine")
}

fn action(finding: &Finding) -> Action {
    let is_data = finding.place.is_some();
    match finding.class {
        // Rows that somebody may miss: who wrote them is for a person to find out.
        Class::Stray if is_data || is_set_aside(finding) => Action::ByHand,
        Class::Stray => Action::Remove,
        Class::Missing if is_data => Action::Refill,
        Class::ChildRowsMissing | Class::OrphanRows => Action::Refill,
        Class::Changed
        | Class::Stale
        | Class::Undecodable
        | Class::RowCount
        | Class::DuplicateKey
        | Class::Unsorted
            if is_data =>
        {
            Action::Replace
        }
        _ => Action::ByHand,
    }
}

/// Whether the service has all of a day, as far as this machine's clock knows.
fn is_kept(day: Date, now: Timestamp) -> bool {
    let oldest = now.as_microsecond() - RETENTION;
    let start = day.to_zoned_datetime(TimeZone::UTC);
    start.is_ok_and(|start| start.timestamp().as_microsecond() >= oldest)
}

/// Whether a data file is of a day that is gone from the service.
fn is_forgotten(place: &Place, now: Timestamp) -> bool {
    place.day.is_some_and(|day| !is_kept(day, now))
}

impl Repair {
    pub(crate) fn of(
        findings: &[Finding],
        now: Timestamp,
        held: &BTreeMap<String, BTreeSet<String>>,
    ) -> Self {
        let mut moves = BTreeSet::new();
        let mut days = BTreeMap::<&str, BTreeSet<Option<Date>>>::new();
        let (mut forgotten, mut by_hand) = (BTreeSet::new(), BTreeSet::new());
        for finding in findings {
            let action = action(finding);
            if action == Action::ByHand {
                by_hand.insert(finding.file.clone());
                continue;
            }
            let place = finding.place.as_ref().filter(|_| action != Action::Remove);
            if let Some(place) = place.filter(|place| is_forgotten(place, now)) {
                forgotten.extend(place.day.map(|day| day.to_string()));
                continue;
            }
            if action != Action::Refill {
                moves.insert(finding.file.clone());
            }
            if let Some(place) = place {
                days.entry(&place.tenant).or_default().insert(place.day);
            }
        }
        let refills = days.into_iter().flat_map(|(tenant, days)| {
            let tables = held.get(tenant).cloned().unwrap_or_default();
            let refill = move |(from, to): (Option<Date>, Option<Date>)| Refill {
                tenant_id: tenant.to_owned(),
                from: from.map(|day| day.to_string()),
                to: to.map(|day| day.to_string()),
                tables: tables.clone(),
            };
            windows(&days).into_iter().map(refill)
        });
        Self {
            moves: moves.into_iter().collect(),
            refills: refills.collect(),
            forgotten_days: forgotten.into_iter().collect(),
            by_hand: by_hand.into_iter().collect(),
        }
    }
}

/// Days in a row as half-open windows; without any for the undated tables, last.
fn windows(days: &BTreeSet<Option<Date>>) -> Vec<(Option<Date>, Option<Date>)> {
    let after = |day: Date| day.checked_add(Span::new().days(1)).unwrap_or(day);
    let mut windows: Vec<(Option<Date>, Option<Date>)> = Vec::new();
    for day in days.iter().flatten() {
        match windows.last_mut() {
            Some((_, to)) if *to == Some(*day) => *to = Some(after(*day)),
            _ => windows.push((Some(*day), Some(after(*day)))),
        }
    }
    if days.contains(&None) {
        windows.push((None, None));
    }
    windows
}

/// What to do about a finding.
pub(crate) fn remedy(finding: &Finding, now: Timestamp) -> String {
    let restore = "restore it from a backup, or a snapshot that verify finds whole";
    match finding.class {
        Class::Unreadable => return "let this user read it, and verify again".to_owned(),
        Class::SymbolicLink => return "replace it with the folder or file itself".to_owned(),
        Class::NewerSchema => return "use the newer program that wrote it".to_owned(),
        Class::Unverifiable => {
            return "restore the manifest from a backup, or a snapshot that verify finds whole, and \
                    verify again; where there is none, put that on record: lcw acknowledge --manifest"
                .to_owned();
        }
        Class::Stray if action(finding) == Action::ByHand => {
            return "find out where it comes from, and move it away yourself".to_owned();
        }
        Class::RowsGone => {
            return "keep what a backup has of them elsewhere; then put on record that this is known: \
                    lcw acknowledge --manifest with the export that found no file"
                .to_owned();
        }
        Class::Acknowledged => return "nothing: somebody has put it on record".to_owned(),
        Class::Missing | Class::Changed | Class::BrokenChain
            if finding.file.starts_with("_manifests/") =>
        {
            return format!(
                "{restore}; where there is none, put that on record: lcw acknowledge --manifest {}",
                manifest_id(&finding.file)
            );
        }
        Class::BrokenChain if is_set_aside(finding) => {
            return "compare its lines with what a backup has of them; then put on record that this is \
                    known: lcw acknowledge --manifest with the export that found it so"
                .to_owned();
        }
        Class::Stale if is_set_aside(finding) => {
            return format!(
                "{restore}; where there is none, lcw forget takes out again whom it took out since"
            );
        }
        Class::Missing | Class::Changed | Class::Undecodable | Class::RowCount
            if is_set_aside(finding) =>
        {
            return format!(
                "{restore}; where there is none, nothing brings these lines back: exports set the rows \
                 aside again, elsewhere, that the service still has and that still do not fit. Once the \
                 file is gone, lcw acknowledge --manifest with its export puts on record that this is known"
            );
        }
        Class::UnknownHead => {
            return "find out who changed the manifests, and restore the dataset".to_owned();
        }
        Class::LeftoverStaging | Class::InterruptedExport => {
            return "nothing: the next export puts it in order".to_owned();
        }
        Class::UnknownName => return "nothing, unless it should not be here".to_owned(),
        Class::MoreRows | Class::OtherDay => return "nothing: rows never leave".to_owned(),
        _ => {}
    }
    match (action(finding), finding.place.as_ref()) {
        (Action::Replace | Action::Refill, Some(place)) if is_forgotten(place, now) => {
            let away = match action(finding) {
                Action::Replace => {
                    "move it away, into _damaged or elsewhere: its rows go with it, and the next export"
                }
                _ => "the next export",
            };
            format!(
                "{restore}: the service has forgotten the day; where there is none, {away} names a lost day, \
                 which lcw acknowledge --day puts on record as known"
            )
        }
        (Action::Replace, Some(place)) => format!("move it away, and run {}", refill(place)),
        (Action::Refill, Some(place)) => format!("run {}", refill(place)),
        (Action::Remove, _) => "move it away".to_owned(),
        _ => restore.to_owned(),
    }
}

fn manifest_id(file: &str) -> &str {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.strip_suffix(".json").unwrap_or(name)
}

fn refill(place: &Place) -> String {
    match place.day {
        Some(day) => {
            let after = day.checked_add(Span::new().days(1)).unwrap_or(day);
            format!("lcw backfill --from {day} --to {after}")
        }
        None => "lcw export".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn finding(class: Class, table: &str, day: Option<Date>) -> Finding {
        Finding {
            class,
            file: format!("{table}/{day:?}"),
            place: Some(Place {
                table: table.to_owned(),
                tenant: "t".to_owned(),
                day,
            }),
            expected: String::new(),
            found: String::new(),
            written_by: None,
        }
    }

    fn now() -> Timestamp {
        "2026-11-27T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn days_in_a_row_are_one_window() {
        let days = |days: &[i8]| -> BTreeSet<Option<Date>> {
            days.iter().map(|day| Some(date(2026, 11, *day))).collect()
        };
        let of = |text: &[(i8, i8)]| -> Vec<(Option<Date>, Option<Date>)> {
            let day = |day: i8| Some(date(2026, 11, day));
            text.iter()
                .map(|(from, to)| (day(*from), day(*to)))
                .collect()
        };
        assert_eq!(windows(&days(&[3, 4, 5, 9])), of(&[(3, 6), (9, 10)]));
        assert_eq!(windows(&BTreeSet::new()), []);
        let undated = BTreeSet::from([None, Some(date(2026, 11, 30))]);
        let of_both = [
            (Some(date(2026, 11, 30)), Some(date(2026, 12, 1))),
            (None, None),
        ];
        assert_eq!(windows(&undated), of_both);
    }

    #[test]
    fn what_the_service_has_forgotten_is_not_moved() {
        let findings = [
            finding(Class::Changed, "runs", Some(date(2026, 10, 28))),
            finding(Class::Changed, "runs", Some(date(2026, 10, 29))),
            finding(Class::Missing, "runs", Some(date(2026, 1, 1))),
        ];
        let repair = Repair::of(&findings, now(), &BTreeMap::new());
        assert_eq!(repair.moves, [findings[1].file.clone()]);
        assert_eq!(repair.refills.len(), 1);
        assert_eq!(repair.refills[0].from.as_deref(), Some("2026-10-29"));
        assert_eq!(repair.forgotten_days, ["2026-01-01", "2026-10-28"]);
        let damaged = remedy(&findings[0], now());
        let known =
            "the next export names a lost day, which lcw acknowledge --day puts on record as known";
        for part in [
            "has forgotten the day",
            "where there is none, move it away",
            known,
        ] {
            assert!(damaged.contains(part), "{damaged}");
        }
        let gone = remedy(&findings[2], now());
        assert!(
            gone.contains(known) && !gone.contains("move it away"),
            "{gone}"
        );
        assert!(remedy(&findings[1], now()).contains("--from 2026-10-29 --to 2026-10-30"));
    }

    #[test]
    fn what_may_be_good_is_left_where_it_is() {
        let day = Some(date(2026, 11, 22));
        for class in [
            Class::Unverifiable,
            Class::Unreadable,
            Class::NewerSchema,
            Class::SymbolicLink,
        ] {
            let repair = Repair::of(&[finding(class, "runs", day)], now(), &BTreeMap::new());
            assert!(
                repair.moves.is_empty() && repair.refills.is_empty(),
                "{class:?}"
            );
            assert_eq!(repair.by_hand.len(), 1, "{class:?}");
        }
        let missing = finding(Class::ChildRowsMissing, "user_processing_results", day);
        let repair = Repair::of(&[missing], now(), &BTreeMap::new());
        assert!(repair.moves.is_empty() && repair.refills.len() == 1);
    }
}
