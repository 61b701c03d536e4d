//! Where faults come: at requests that an export sends.
//!
//! Whoever tells a story does not know what its exports will ask for; most faults would be meant for requests
//! that nobody sends. So an export is rehearsed, in a copy of the dataset and with nothing in its way, and
//! what could be hit is counted.

use std::path::Path;

use lcw_simulator::{Endpoint, FaultRule, Pages, When};
use lcw_tests::Dice;

use crate::story::Story;
use crate::troubles::{self, COUNTED, Severity, severity};

/// A fault and everywhere that it may come, best first: each with the requests that it can hit there.
#[derive(Debug)]
pub(crate) struct Target {
    drawn: FaultRule,
    /// Kinds of requests at the workflow or run, and on the pages, that were drawn.
    near: Vec<FaultRule>,
    /// Kinds of requests, whatever they are about.
    anywhere: Vec<FaultRule>,
    /// Another fault there: where no page has a next link, nothing can befall one.
    instead: Vec<FaultRule>,
}

impl Target {
    pub(crate) fn new(story: &Story, drawn: &FaultRule) -> Self {
        let endpoints: Vec<Endpoint> = if troubles::is_silent(&drawn.fault) {
            COUNTED.to_vec()
        } else {
            troubles::endpoints(&story.tables)
        };
        let on = |endpoint: &Endpoint| FaultRule {
            endpoints: vec![*endpoint],
            when: When::Always,
            times: None,
            ..drawn.clone()
        };
        let near: Vec<FaultRule> = endpoints.iter().map(on).collect();
        let anywhere = near.iter().map(|rule| FaultRule {
            path_contains: None,
            pages: Pages::Any,
            ..rule.clone()
        });
        let anywhere: Vec<FaultRule> = anywhere.collect();
        let fault = Dice::new(!drawn.seed).pick(&troubles::passing());
        let instead = anywhere.iter().map(|rule| FaultRule {
            fault: fault.clone(),
            ..rule.clone()
        });
        Self {
            drawn: drawn.clone(),
            instead: instead.collect(),
            anywhere,
            near,
        }
    }

    fn all(&self) -> impl Iterator<Item = &FaultRule> {
        let drawn = std::iter::once(&self.drawn);
        let others = self.near.iter().chain(&self.anywhere).chain(&self.instead);
        drawn.chain(others)
    }

    /// Rules that hit nothing, and count what they could.
    pub(crate) fn counters(&self) -> impl Iterator<Item = FaultRule> {
        self.all().map(|rule| rule.clone().times(0))
    }

    /// The fault where it comes: as it was drawn if that can be, and now and then whether it can or not,
    /// because what one fault brings about lets another one come. `counts` is what the counters say.
    pub(crate) fn aim(&self, counts: &[u64]) -> FaultRule {
        let mut dice = Dice::new(self.drawn.seed);
        let (drawn, others) = counts.split_first().unwrap();
        if dice.percent(8) {
            return self.drawn.clone();
        }
        if *drawn > 0 {
            return self.within(&self.drawn, *drawn, &mut dice);
        }
        let groups = [&self.near, &self.anywhere, &self.instead];
        for (rules, counts) in groups.into_iter().zip(others.chunks(self.near.len())) {
            let hits = rules.iter().zip(counts).filter(|(_, count)| **count > 0);
            let hits: Vec<_> = hits.collect();
            if !hits.is_empty() {
                let (rule, count) = dice.pick(&hits);
                return self.within(rule, *count, &mut dice);
            }
        }
        self.drawn.clone()
    }

    /// As often as it was drawn, among so many requests.
    fn within(&self, at: &FaultRule, count: u64, dice: &mut Dice) -> FaultRule {
        let when = match self.drawn.when {
            When::Nth(nth) => When::Nth(1 + (nth - 1) % count),
            When::EveryNth(nth) => When::EveryNth(nth.min(count)),
            // What ends an export at once keeps everything else out.
            When::Always if severity(&at.fault) == Severity::Lasting => {
                When::FromNth(1 + dice.roll() % count)
            }
            // So seldom that it would not come.
            When::Chance(share) if share * f64::from(small(count)) < 2.0 => {
                When::Nth(1 + dice.roll() % count)
            }
            when => when,
        };
        FaultRule {
            when,
            times: self.drawn.times,
            ..at.clone()
        }
    }
}

fn small(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The requests of each kind that a rehearsed export has sent.
pub(crate) type Sent = Vec<(Endpoint, u64)>;

/// A moment of a rehearsed export: the drawn request if it was sent, else one of those that were.
pub(crate) fn moment(
    sent: &[(Endpoint, u64)],
    (endpoint, nth): (Endpoint, u64),
) -> (Endpoint, u64) {
    let of_kind = sent.iter().find(|(kind, _)| *kind == endpoint);
    if let Some((_, count)) = of_kind {
        return (endpoint, 1 + (nth - 1) % count);
    }
    let at = usize::try_from(nth).unwrap() % sent.len().max(1);
    match sent.get(at) {
        Some((kind, count)) => (*kind, 1 + (nth - 1) % count),
        None => (endpoint, nth),
    }
}

/// Copies what is in a folder, and what is in that.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
