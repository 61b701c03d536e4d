//! Tells others how an export went: Prometheus' text format, `OpenLineage` events, and, with the
//! feature `otlp`, traces and metrics for an OpenTelemetry collector.
//!
//! What is measured is declared once ([`measure`]), and written by whoever asks: [`MetricsFile`] for a
//! file that Prometheus' node exporter reads, OTLP for a collector.
//!
//! **Invariants.** Nothing is sent unless an address was configured. No error here changes how an
//! export ends. Labels and attributes hold names of tables, folders and the tenant, and numbers:
//! nothing about people, no secret, no text of the service but what stopped the export.

mod delivery;
mod exposition;
mod family;
mod lineage;
mod measure;
mod metrics_file;
#[cfg(feature = "otlp")]
pub mod otlp;

pub use delivery::{Endpoint, EndpointError};
pub use family::{Definition, Family, Sample};
pub use lineage::{Lineage, LineageConfig, Parent};
pub use measure::{Ended, measure};
pub use metrics_file::{MetricsFile, MetricsFileError};
