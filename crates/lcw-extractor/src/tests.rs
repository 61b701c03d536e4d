//! Whole behaviour against a scripted server.
