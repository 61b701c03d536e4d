//! The tables that are read run by run: one chain of requests per run and table.

use std::ops::{Index, IndexMut};

use lcw_extractor::GraphPath;
use lcw_transform::Table;

/// A table below each run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Child {
    /// What the run did to each user.
    Results,
    /// What each task did to each user.
    Tasks,
    /// What the run did to subjects that are not users.
    Subjects,
    /// The runs that process it again.
    Reprocessed,
}

impl Child {
    /// Every one, in the order in which a day's files are written.
    pub(crate) const ALL: [Self; 4] = [
        Self::Results,
        Self::Tasks,
        Self::Subjects,
        Self::Reprocessed,
    ];

    /// The table that holds its rows.
    pub(crate) fn table(self) -> Table {
        match self {
            Self::Results => Table::UserProcessingResults,
            Self::Tasks => Table::TaskProcessingResults,
            Self::Subjects => Table::SubjectProcessingResults,
            Self::Reprocessed => Table::ReprocessedRuns,
        }
    }

    /// The column of `runs` that says how many of its rows were read.
    pub(crate) const fn marker(self) -> &'static str {
        match self {
            Self::Results => "_lcw_result_rows",
            Self::Tasks => "_lcw_task_rows",
            Self::Subjects => "_lcw_subject_rows",
            Self::Reprocessed => "_lcw_reprocessed_rows",
        }
    }

    /// Where it is below a run.
    pub(crate) fn below(self, run: GraphPath) -> GraphPath {
        match self {
            Self::Results => run.user_processing_results(),
            Self::Tasks => run.task_processing_results(),
            Self::Subjects => run.subject_processing_results(),
            Self::Reprocessed => run.reprocessed_runs(),
        }
    }

    /// What its rows are called in messages.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Results => "results",
            Self::Tasks => "task results",
            Self::Subjects => "subject results",
            Self::Reprocessed => "reprocessed runs",
        }
    }

    /// Whether a run says how many rows of it there are.
    pub(crate) fn is_counted(self) -> bool {
        matches!(self, Self::Results | Self::Tasks)
    }

    /// Whether the service may refuse it without anything being missing: the pages of the API say
    /// that links to reprocessed runs are not supported, its metadata has them.
    pub(crate) fn is_tolerated(self) -> bool {
        self == Self::Reprocessed
    }
}

/// Some of the tables below a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ChildSet(u8);

impl ChildSet {
    pub(crate) fn contains(self, child: Child) -> bool {
        self.0 & (1 << child as u8) != 0
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those that the service may not refuse.
    pub(crate) fn required(self) -> Self {
        self.iter().filter(|child| !child.is_tolerated()).collect()
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Child> {
        Child::ALL
            .into_iter()
            .filter(move |child| self.contains(*child))
    }
}

impl FromIterator<Child> for ChildSet {
    fn from_iter<I: IntoIterator<Item = Child>>(children: I) -> Self {
        let add = |bits, child: Child| bits | (1 << child as u8);
        Self(children.into_iter().fold(0, add))
    }
}

/// Something for each of the tables below a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PerChild<T>([T; 4]);

impl<T> PerChild<T> {
    pub(crate) fn of(make: impl FnMut(Child) -> T) -> Self {
        Self(Child::ALL.map(make))
    }
}

impl<T> Index<Child> for PerChild<T> {
    type Output = T;

    fn index(&self, child: Child) -> &T {
        &self.0[child as usize]
    }
}

impl<T> IndexMut<Child> for PerChild<T> {
    fn index_mut(&mut self, child: Child) -> &mut T {
        &mut self.0[child as usize]
    }
}

impl<T> IntoIterator for PerChild<T> {
    type Item = (Child, T);
    type IntoIter = std::iter::Zip<std::array::IntoIter<Child, 4>, std::array::IntoIter<T, 4>>;

    fn into_iter(self) -> Self::IntoIter {
        Child::ALL.into_iter().zip(self.0)
    }
}
