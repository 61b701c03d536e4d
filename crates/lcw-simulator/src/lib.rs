//! A Lifecycle Workflows tenant on loopback, for the demo, the tests and the benchmarks
