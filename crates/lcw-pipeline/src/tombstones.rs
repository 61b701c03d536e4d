//! What is remembered of people whom somebody has asked to forget.
//!
//! Their ids are not kept, but have to be recognised when the service sends them again: so their
//! keyed hashes are. The key is made at random when the first of them is forgotten, and lies beside
//! the hashes, in the state that the manifests carry. Anywhere else it could get lost, and with it
//! the knowledge of whom not to bring back; every export needs it, and an export needs nothing but
//! the folder. So whoever may read the folder, and knows an id already, can find out that it was
//! forgotten; nobody can find out ids, or compare two datasets. In a pseudonymised dataset the hashes
//! are those of pseudonyms, and tell nothing without the pseudonym key.

use std::collections::BTreeSet;
use std::fmt;

use lcw_dataset::{DatasetError, Manifest};
use lcw_transform::{Forgotten, KeyedHash, Mark};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// People whom somebody has asked to forget, by their marks.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tombstones {
    /// What the marks are made with.
    key: String,
    marks: BTreeSet<Mark>,
    /// The last of them may still be in the dataset: whoever took them out was stopped.
    #[serde(default)]
    pub(crate) is_unfinished: bool,
}

impl Tombstones {
    /// None yet, under a key of their own.
    pub(crate) fn new() -> Self {
        let random = || Uuid::new_v4().simple().to_string();
        Self {
            key: random() + &random(),
            marks: BTreeSet::new(),
            is_unfinished: false,
        }
    }

    /// Those that a manifest carries.
    ///
    /// # Errors
    /// When it carries some that cannot be read.
    pub(crate) fn of(manifest: &Manifest) -> Result<Option<Self>, DatasetError> {
        let Some(stored) = manifest.state.get("tombstones") else {
            return Ok(None);
        };
        let read = serde_json::from_value(stored.clone());
        read.map_err(|error| DatasetError::Unreadable {
            path: format!("_manifests/{}.json", manifest.export_id).into(),
            source: format!("its record of people who were forgotten: {error}").into(),
        })
    }

    /// Adds people by their ids, as the dataset has them.
    pub(crate) fn add<'i>(&mut self, ids: impl IntoIterator<Item = &'i str>) {
        let hash = self.hash();
        let marks = ids.into_iter().map(|id| Mark::of(&hash, id));
        self.marks.extend(marks);
    }

    pub(crate) fn len(&self) -> usize {
        self.marks.len()
    }

    pub(crate) fn forgotten(&self) -> Forgotten {
        Forgotten::new(self.hash(), self.marks.iter().cloned())
    }

    fn hash(&self) -> KeyedHash {
        KeyedHash::new(self.key.as_bytes())
    }
}

impl fmt::Debug for Tombstones {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Tombstones({})", self.len())
    }
}
