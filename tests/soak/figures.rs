//! What a process takes, and whether that grows.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// What this process takes now.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// Resident memory, in bytes.
    pub(crate) memory: u64,
    /// Bytes asked of the allocator and not given back: what the program holds, whatever the allocator
    /// keeps of the rest.
    pub(crate) held: u64,
    /// Open descriptors.
    pub(crate) descriptors: usize,
    pub(crate) threads: usize,
    /// Files that are neither rows nor known to belong to the dataset, and those left in the folder
    /// for temporary files.
    pub(crate) leftovers: Vec<String>,
}

impl Figures {
    pub(crate) fn now(data: &Path) -> Self {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
        let count = |folder| std::fs::read_dir(folder).unwrap().count();
        let mut leftovers = below(&data.join("_staging"));
        leftovers.extend(below(&std::env::temp_dir()));
        Self {
            memory: pages * page_size(),
            held: crate::ALLOCATOR.current_usage() as u64,
            // One of them is the folder that is being read.
            descriptors: count("/proc/self/fd") - 1,
            threads: count("/proc/self/task"),
            leftovers,
        }
    }
}

/// The kernel tells it of every mapping.
fn page_size() -> u64 {
    let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let line = maps.lines().find(|line| line.starts_with("KernelPageSize"));
    let size: u64 = line
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    size * 1024
}

/// Every file below a folder.
fn below(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(below(&path));
        } else {
            files.push(path.display().to_string());
        }
    }
    files
}

/// By how much `y` grows with each `x`, as the line of least squares has it.
#[expect(clippy::cast_precision_loss, reason = "figures far below 2^53")]
pub(crate) fn slope(points: &[(u64, u64)]) -> f64 {
    let count = points.len() as f64;
    let (mut x, mut y) = (0.0, 0.0);
    for point in points {
        x += point.0 as f64 / count;
        y += point.1 as f64 / count;
    }
    let (mut above, mut below) = (0.0, 0.0);
    for point in points {
        let distance = point.0 as f64 - x;
        above += distance * (point.1 as f64 - y);
        below += distance * distance;
    }
    above / below
}
