//! Entities of Lifecycle Workflows as Microsoft Graph sends them, borrowed from the response body.
//!
//! A page is parsed in one pass over one checked `str`: ids, dates and enums stay slices of the
//! body, and nothing is allocated for a value unless its JSON string holds an escape.
//! Dates and enums stay text here; [`time`] reads dates, and enums are open by contract (the
//! service adds members).
//!
//! Every property tells three states apart ([`Field`]): not in the answer, null, and a value.
//! Properties without a field of their own are kept, name and original text, in `extra`.
//!
//! There is no I/O, no clock and no Arrow in this crate.

mod entities;
mod entity;
mod field;
mod odata_error;
mod page;
mod property;
pub mod status;
#[cfg(test)]
mod testing;
mod text;
pub mod time;

pub use entities::{
    InlinedTask, InlinedTaskDefinition, Reference, Run, Subject, SubjectProcessingResult, Summary,
    Task, TaskDefinition, TaskProcessingResult, TaskReport, UserProcessingResult, Workflow,
    WorkflowSubject, WorkflowVersion,
};
pub use entity::{Entity, Extra, WithRaw};
pub use field::Field;
pub use odata_error::{ODataError, parse_error};
pub use page::{Page, PageError, parse_entity, parse_page, parse_raw_page};
pub use text::{Text, shortened, shortened_to};
