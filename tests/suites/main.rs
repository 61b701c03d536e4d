//! Suites across crates: the exporter against the simulated tenant, over real HTTP.

mod first_export;
