//! Shared tests of formats.
