//! What readers of a dataset get: a `DuckDB` script, dbt sources, and the data dictionary.
//!
//! All of it is text made from the declarations of the tables ([`lcw_transform::Table`]), so that it
//! says the same as the files and the contracts in `schemas/`. What does not depend on a dataset is
//! SQL in files of its own, below `sql/`.
//!
//! There is no I/O in this crate: where the files are comes in as a [`Location`].

mod comments;
mod dbt;
mod dictionary;
mod literal;
mod location;
mod relation;
mod script;

pub use dbt::sources;
pub use dictionary::dictionary;
pub use location::{Files, Location, LocationError};
pub use script::{examples, init, macros, views};
