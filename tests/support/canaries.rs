//! What must not show, and the search for it.

use std::collections::{BTreeSet, HashMap};

use lcw_simulator::{Contents, Expand, Reading, Simulator, TrueResult};

/// No canary is shorter.
const STARTS: usize = 6;

/// What of an expanded subject names a person.
const NAMES: [&str; 3] = ["displayName", "userPrincipalName", "mail"];

/// The secret, the tokens, the skip tokens that were asked for, the ids of all subjects and what
/// names them.
pub fn of(tenant: &Simulator) -> BTreeSet<String> {
    let expanded = Reading {
        expand: Expand::SubjectSelecting(NAMES.map(str::to_owned).to_vec()),
        ..Reading::of(Contents::Core)
    };
    let subjects = tenant.truth_of_everything_ever_as(&expanded).results;
    let names = |result: TrueResult| {
        let subject = result.value["subject"].clone();
        let texts = ["id"].into_iter().chain(NAMES);
        texts
            .filter_map(|name| subject[name].as_str().map(str::to_owned))
            .filter(|text| text.len() >= STARTS)
            .collect::<Vec<_>>()
    };
    let mut canaries: BTreeSet<String> = subjects.into_iter().flat_map(names).collect();
    canaries.extend(secrets(tenant));
    assert!(canaries.len() > 10, "{canaries:?}");
    canaries
}

/// What must not be in the tables either: the secret, the tokens, the skip tokens that were asked for.
pub fn secrets(tenant: &Simulator) -> BTreeSet<String> {
    let requests = tenant.requests();
    let skip_tokens = requests.iter().filter_map(|request| {
        let (_, token) = request.query.split_once("skiptoken=")?;
        let token = token.split('&').next()?;
        (token.len() >= STARTS).then(|| token.to_owned())
    });
    let mut canaries: BTreeSet<String> = skip_tokens.collect();
    canaries.insert(tenant.client_secret().to_owned());
    // All tokens of a tenant begin alike.
    let token = tenant.issue_token();
    canaries.insert(token.split('.').next().unwrap().to_owned());
    canaries.insert("skiptoken=".to_owned());
    canaries.insert("Bearer".to_owned());
    canaries
}

/// None of `canaries` is in `text`; where one is, its surroundings are shown.
pub fn assert_none(what: &str, text: &str, canaries: &BTreeSet<String>) {
    // Logs are long and canaries many: look at each place once, by the first bytes.
    let mut by_start: HashMap<&[u8], Vec<&str>> = HashMap::new();
    for canary in canaries {
        let start = &canary.as_bytes()[..STARTS];
        by_start.entry(start).or_default().push(canary);
    }
    for (at, start) in text.as_bytes().windows(STARTS).enumerate() {
        let candidates = by_start.get(start).into_iter().flatten();
        for canary in candidates {
            if text.as_bytes()[at..].starts_with(canary.as_bytes()) {
                let from = text.floor_char_boundary(at.saturating_sub(300));
                let to = text.ceil_char_boundary(at + canary.len() + 100);
                panic!("{canary} is in {what}: …{}…", &text[from..to]);
            }
        }
    }
}
