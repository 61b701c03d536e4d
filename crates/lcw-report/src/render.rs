//! A report as text for a terminal, as CSV, and as one HTML file. Pure functions; whatever stands in
//! a name or a reason can neither steer a terminal, nor become a formula, nor markup.

mod chart;
pub mod csv;
mod html;
mod human;
mod page;
mod text;

#[cfg(test)]
mod tests;

pub use html::html;
pub use text::text;
