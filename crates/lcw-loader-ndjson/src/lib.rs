//! Reads and writes dataset files as newline-delimited JSON
