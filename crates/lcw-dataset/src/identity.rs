//! What a dataset is: `_dataset.json`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::error::{DatasetError, PSEUDONYMISATION};
use crate::format::Format;
use crate::table::TableSpec;

/// Version of the layout of files and folders that this program writes.
const LAYOUT_VERSION: u32 = 1;

/// What must not change over the life of a dataset, and what it has grown to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Version of the layout of files and folders.
    pub layout_version: u32,
    /// Name of the format, like `parquet`.
    pub format: String,
    /// Name of the compression, like `zstd`.
    pub compression: String,
    /// Tenants with data in it; may grow.
    pub tenants: BTreeSet<String>,
    /// Properties asked for, when not all.
    pub select: Option<String>,
    /// Restriction of what is exported.
    pub filter: Option<String>,
    /// Related objects asked for.
    pub expand: Option<String>,
    /// Id of the key by which subjects are pseudonymised.
    pub pseudonymisation: Option<String>,
    /// Newest schema version by table; may grow.
    pub schema_versions: BTreeMap<String, u32>,
}

impl Identity {
    /// The identity of a new dataset in a format, without tenants and tables.
    pub fn new(format: &dyn Format) -> Self {
        Self {
            layout_version: LAYOUT_VERSION,
            format: format.name().to_owned(),
            compression: format.compression().to_owned(),
            tenants: BTreeSet::new(),
            select: None,
            filter: None,
            expand: None,
            pseudonymisation: None,
            schema_versions: BTreeMap::new(),
        }
    }

    /// Refuses a request that does not fit this dataset.
    pub(crate) fn check(&self, wanted: &Self, tables: &[TableSpec]) -> Result<(), DatasetError> {
        if self.layout_version > LAYOUT_VERSION {
            return Err(DatasetError::NewerSchema {
                what: "the dataset's layout".into(),
                has: self.layout_version,
                knows: LAYOUT_VERSION,
            });
        }
        compare("format", Some(&self.format), Some(&wanted.format))?;
        compare(
            "compression",
            Some(&self.compression),
            Some(&wanted.compression),
        )?;
        compare("select", self.select.as_ref(), wanted.select.as_ref())?;
        compare("filter", self.filter.as_ref(), wanted.filter.as_ref())?;
        compare("expand", self.expand.as_ref(), wanted.expand.as_ref())?;
        compare(
            PSEUDONYMISATION,
            self.pseudonymisation.as_ref(),
            wanted.pseudonymisation.as_ref(),
        )?;
        for table in tables {
            let knows = table.schema_version();
            match self.schema_versions.get(table.name()) {
                Some(&has) if has > knows => {
                    let what = format!("table {}", table.name());
                    return Err(DatasetError::NewerSchema { what, has, knows });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// This identity with a tenant and tables added.
    pub(crate) fn grown(&self, tenant: &str, tables: &[TableSpec]) -> Self {
        let mut grown = self.clone();
        grown.tenants.insert(tenant.to_owned());
        for table in tables {
            grown
                .schema_versions
                .insert(table.name().to_owned(), table.schema_version());
        }
        grown
    }
}

fn compare(
    what: &'static str,
    has: Option<&String>,
    wants: Option<&String>,
) -> Result<(), DatasetError> {
    if has == wants {
        return Ok(());
    }
    Err(DatasetError::Mismatch {
        what,
        has: has.cloned(),
        wants: wants.cloned(),
    })
}
