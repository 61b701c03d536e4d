//! Reads and writes dataset files as Parquet
