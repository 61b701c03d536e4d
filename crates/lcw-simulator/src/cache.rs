//! Rendered bodies, kept while the clock stands and nothing changes: for benchmarks of the client.

use std::collections::HashMap;

use bytes::Bytes;

use crate::ticks::Ticks;

/// Bodies by request.
#[derive(Debug)]
pub(crate) struct Cache {
    limit: usize,
    used: usize,
    good_for: (Ticks, u64),
    bodies: HashMap<String, Bytes>,
}

impl Cache {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            used: 0,
            good_for: (Ticks::MIN, 0),
            bodies: HashMap::new(),
        }
    }

    pub(crate) fn get(&self, key: &str, now: Ticks, generation: u64) -> Option<Bytes> {
        if self.good_for == (now, generation) {
            self.bodies.get(key).cloned()
        } else {
            None
        }
    }

    pub(crate) fn put(&mut self, key: String, body: Bytes, now: Ticks, generation: u64) {
        if self.good_for != (now, generation) {
            self.bodies.clear();
            self.used = 0;
            self.good_for = (now, generation);
        }
        let size = key.len() + body.len();
        if self.used + size <= self.limit {
            self.used += size;
            self.bodies.insert(key, body);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_kept_until_the_clock_moves_or_the_tenant_changes() {
        let mut cache = Cache::new(100);
        cache.put("a".into(), Bytes::from_static(b"1"), 5, 1);
        assert!(cache.get("a", 5, 1).is_some());
        assert!(cache.get("a", 6, 1).is_none());
        assert!(cache.get("a", 5, 2).is_none());
        cache.put("b".into(), Bytes::from(vec![0; 200]), 5, 1);
        assert!(cache.get("b", 5, 1).is_none());
        cache.put("c".into(), Bytes::from_static(b"1"), 6, 1);
        assert!(cache.get("a", 6, 1).is_none());
    }
}
