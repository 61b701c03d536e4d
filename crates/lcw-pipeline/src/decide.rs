//! Which listed runs need fetching: one pure function.

use crate::children::ChildSet;
use crate::listing::ListedRun;
use crate::stored::StoredRun;

/// What is done about a listed run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Its row is stored, and what is below it is asked for.
    Store(Reading),
    /// The dataset holds it already, settled and unchanged.
    Skip,
}

/// What is asked for below a run; nothing when its row says enough.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Tables read run by run.
    pub(crate) children: ChildSet,
    /// Its task reports.
    pub(crate) reports: bool,
}

impl Reading {
    fn is_nothing(self) -> bool {
        self.children.is_empty() && !self.reports
    }
}

/// What the decision depends on besides the run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// What was asked for.
    pub(crate) wanted: Reading,
    /// Read everything again, whatever the dataset says.
    pub(crate) everything: bool,
}

pub(crate) fn decide(
    listed: &ListedRun,
    settled: bool,
    stored: Option<&StoredRun>,
    rules: Rules,
) -> Decision {
    let unchanged = stored.filter(|stored| stored.same_state(listed, settled));
    let known = unchanged.filter(|_| settled && !rules.everything);
    // Open and unsettled runs move on without a word.
    let reading = known.map_or(rules.wanted, |stored| stored.missing(rules.wanted));
    if reading.is_nothing() && unchanged.is_some() && !rules.everything {
        return Decision::Skip;
    }
    // Nobody was in it: what is below it is read without asking.
    let is_empty = settled && listed.is_empty();
    Decision::Store(if is_empty {
        Reading::default()
    } else {
        reading
    })
}

#[cfg(test)]
mod tests;
