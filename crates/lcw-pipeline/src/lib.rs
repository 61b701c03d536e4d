//! Plans what to fetch, exports it day by day, proves the counts
