//! Things that happen while a client is reading.

use crate::record::Endpoint;

/// Something to be done just before a certain request is answered.
type Action = Box<dyn FnOnce() + Send>;

/// The actions that wait for their request.
#[derive(Default)]
pub(crate) struct Hooks {
    waiting: Vec<Waiting>,
}

struct Waiting {
    endpoint: Endpoint,
    left: u64,
    action: Action,
}

impl std::fmt::Debug for Hooks {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Hooks({} waiting)", self.waiting.len())
    }
}

impl Hooks {
    /// Waits for the `nth` request of a kind from now on, counted from 1.
    pub(crate) fn add(&mut self, endpoint: Endpoint, nth: u64, action: Action) {
        self.waiting.push(Waiting {
            endpoint,
            left: nth.max(1),
            action,
        });
    }

    /// Counts a request and hands out what is to be done before it is answered.
    pub(crate) fn due(&mut self, endpoint: Endpoint) -> Vec<Action> {
        for waiting in self
            .waiting
            .iter_mut()
            .filter(|waiting| waiting.endpoint == endpoint)
        {
            waiting.left -= 1;
        }
        let due = self.waiting.extract_if(.., |waiting| waiting.left == 0);
        due.map(|waiting| waiting.action).collect()
    }
}
