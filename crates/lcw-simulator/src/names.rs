//! Names of people and departments, and names that break careless programs.

use crate::random;

const FIRST: [&str; 24] = [
    "Amara",
    "Björn",
    "Chloé",
    "Dmitri",
    "Esther",
    "Fatima",
    "Giorgos",
    "Hana",
    "Ingrid",
    "Jürgen",
    "Keiko",
    "Łukasz",
    "María",
    "Nguyễn",
    "Óscar",
    "Priya",
    "Quentin",
    "Rosa",
    "Søren",
    "Tomás",
    "Uma",
    "Véronique",
    "Wei",
    "Zoë",
];

const LAST: [&str; 20] = [
    "Andersson",
    "Brown",
    "Çelik",
    "Dubois",
    "Eriksen",
    "Fischer",
    "García",
    "Hansen",
    "Ivanova",
    "Jónsdóttir",
    "Kowalska",
    "Lê",
    "Müller",
    "Nakamura",
    "O'Brien",
    "Pereira",
    "Rossi",
    "Sharma",
    "Tanaka",
    "Wójcik",
];

const DEPARTMENTS: [&str; 8] = [
    "Marketing",
    "R&D",
    "Finance",
    "Sales",
    "Operations",
    "Legal",
    "Support",
    "People",
];

/// Display names that need care: quotes, line ends, formulas, markup, other scripts, odd directions.
pub(crate) const HOSTILE: [&str; 12] = [
    "Onboard \"new\" hire \\ employee",
    "=cmd|' /C calc'!A0",
    "<script>alert('lcw')</script>",
    "Робота з новачками 🦀 新入社員",
    "'; DROP TABLE runs; --",
    "line\r\nbreak\tand tab",
    "\u{202e}gnidraobnO\u{202c} \u{200b}\u{feff}",
    "e\u{301}\u{301}\u{301} combining \u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
    "\u{1b}[31mred\u{1b}[0m \u{7}",
    "../../etc/passwd%00",
    "\u{2028}separator\u{2029}",
    " ",
];

/// The name of a person.
pub(crate) fn person(seed: u64, person: u64) -> String {
    let hash = random::mix(&[seed, 0x0a_3e, person]);
    format!("{} {}", pick(&FIRST, hash), pick(&LAST, hash >> 32))
}

/// The name of a department.
pub(crate) fn department(seed: u64) -> &'static str {
    pick(&DEPARTMENTS, seed)
}

fn pick(names: &[&'static str], hash: u64) -> &'static str {
    let count = u64::try_from(names.len()).unwrap_or(1);
    names[usize::try_from(hash % count).unwrap_or(0)]
}
