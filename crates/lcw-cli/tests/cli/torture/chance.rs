//! Numbers by chance that come again with their seed.

/// Splitmix64.
#[derive(Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of the numbers from 0 up to `end`, which is not one of them.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    /// One of these.
    pub(crate) fn pick<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[self.below(of.len())]
    }

    pub(crate) fn coin(&mut self) -> bool {
        self.next() & 1 == 0
    }
}

/// The seeds to try: so many, or the one that `LCW_SEED` names.
pub(crate) fn seeds(count: u64) -> Vec<u64> {
    match std::env::var("LCW_SEED") {
        Ok(seed) => vec![seed.parse().expect("LCW_SEED is a number")],
        Err(_) => (1..=count).collect(),
    }
}

/// Says how to try a seed again when the test that holds this panics.
pub(crate) struct Again {
    pub(crate) seed: u64,
    pub(crate) test: &'static str,
}

impl Drop for Again {
    #[expect(clippy::print_stderr, reason = "what a failed test says")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self { seed, test } = self;
            eprintln!("again: LCW_SEED={seed} cargo test --package lcw-cli --test cli {test}");
        }
    }
}
