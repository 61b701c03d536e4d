//! The properties of a user that `$expand=subject` brings.

use serde_json::{Value, json};

use crate::config::TenantConfig;
use crate::json;
use crate::names;
use crate::random;
use crate::ticks::{self, DAY};

/// What Graph returns of a user unless properties are selected, besides the id.
const DEFAULT: [&str; 10] = [
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
];

/// What has to be selected.
const FURTHER: [&str; 5] = [
    "accountEnabled",
    "department",
    "employeeHireDate",
    "employeeId",
    "employeeLeaveDateTime",
];

const TITLES: [&str; 5] = [
    "Engineer",
    "Head of \"Growth\"",
    "Chargé d’affaires",
    "Trainee",
    "Account Manager",
];

/// Whether users have such a property here.
pub(crate) fn has_property(name: &str) -> bool {
    name == "id" || DEFAULT.contains(&name) || FURTHER.contains(&name)
}

/// Appends the properties of a person behind its id: those selected, or the default ones.
pub(crate) fn push_properties(
    out: &mut Vec<u8>,
    config: &TenantConfig,
    person: u64,
    selected: Option<&[String]>,
) {
    let names = DEFAULT.iter().chain(&FURTHER).copied();
    for name in names {
        let wanted = match selected {
            Some(selected) => selected.iter().any(|wanted| wanted == name),
            None => DEFAULT.contains(&name),
        };
        if wanted {
            out.push(b',');
            json::push_text(out, name);
            out.push(b':');
            out.extend_from_slice(value(config, person, name).to_string().as_bytes());
        }
    }
}

fn value(config: &TenantConfig, person: u64, name: &str) -> Value {
    let hash = random::mix(&[config.seed, 0x9e_50, person]);
    let full = names::person(config.seed, person);
    let (given, surname) = full.split_once(' ').unwrap_or((&full, ""));
    let upn = format!("user{person}@{}", config.access.domain);
    match name {
        "displayName" => json!(full),
        "givenName" => json!(given),
        "surname" => json!(surname),
        "userPrincipalName" => json!(upn),
        "mail" if !hash.is_multiple_of(6) => json!(upn),
        "businessPhones" if hash.is_multiple_of(4) => json!(["+49 30 1234567"]),
        "businessPhones" => json!([]),
        "jobTitle" if !hash.is_multiple_of(5) => {
            json!(TITLES[usize::try_from(hash % 5).unwrap_or(0)])
        }
        "department" if !hash.is_multiple_of(7) => json!(names::department(hash)),
        "employeeId" if !hash.is_multiple_of(3) => json!(format!("{:06}", person % 1_000_000)),
        "accountEnabled" => json!(!hash.is_multiple_of(8)),
        "employeeHireDate" => json!(day(config, hash, -900, 60)),
        "employeeLeaveDateTime" if hash.is_multiple_of(4) => json!(day(config, hash, -20, 90)),
        "preferredLanguage" if hash.is_multiple_of(3) => json!("de-DE"),
        _ => Value::Null,
    }
}

/// A day between two distances from the start of the clock.
fn day(config: &TenantConfig, hash: u64, from: i64, to: i64) -> String {
    let start = ticks::from_timestamp(config.now).div_euclid(DAY) * DAY;
    let days = from + random::below(hash ^ 0xda, (to - from).unsigned_abs()).cast_signed();
    ticks::instant_text(start + days * DAY)
}
