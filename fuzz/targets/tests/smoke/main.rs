//! Every target with every kept input and seeded mutations of it, on a stable toolchain.
//!
//! `LCW_TORTURE=long` takes more seeds, `LCW_SEED=n` that one alone. An input that fails is printed
//! and written to a file: kept in `fuzz/seeds/<target>`, it is tried by everybody from then on.

#![expect(
    clippy::unwrap_used,
    reason = "what goes wrong here fails the test that asked for it"
)]

mod kept;
mod mutate;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use lcw_fuzz_targets::TARGETS;

use crate::kept::Kept;
use crate::mutate::Mutator;

/// How many times more seeds the long form takes.
const LONG: u64 = 200;

/// The seeds of a target, of which the short form takes so many.
fn seeds(short: u64) -> std::ops::Range<u64> {
    if let Ok(seed) = std::env::var("LCW_SEED") {
        let seed = seed.parse().expect("LCW_SEED is a number");
        return seed..seed + 1;
    }
    let is_long = std::env::var("LCW_TORTURE").is_ok_and(|form| form == "long");
    0..if is_long { short * LONG } else { short }
}

/// Feeds a target every kept input, and one mutation of each per seed.
fn smoke(name: &str, short: u64) {
    let &(_, target) = TARGETS.iter().find(|(known, _)| *known == name).unwrap();
    let kept = Kept::of(name);
    for (file, input) in &kept.inputs {
        try_input(name, target, input, &format!("the kept input {file}"));
    }
    for seed in seeds(short) {
        for (number, (file, input)) in kept.inputs.iter().enumerate() {
            let mut mutator = Mutator::new(seed, number as u64, &kept);
            let input = mutator.mutate(input);
            try_input(name, target, &input, &format!("seed {seed} of {file}"));
        }
    }
}

fn try_input(name: &str, target: lcw_fuzz_targets::Target, input: &[u8], what: &str) {
    if catch_unwind(AssertUnwindSafe(|| target(input))).is_ok() {
        return;
    }
    let hash = input.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let file = format!("regression-{hash:016x}");
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{file}"));
    std::fs::write(&path, input).unwrap();
    let seed = what
        .strip_prefix("seed ")
        .and_then(|it| it.split(' ').next());
    let replay = seed.map_or(String::new(), |seed| format!("LCW_SEED={seed} "));
    panic!(
        "{name} fails with {what}:\nb\"{}\"\nwritten to {}; keep it as fuzz/seeds/{name}/{file}\n\
         again: {replay}cargo test --locked -p lcw-fuzz-targets --test smoke {name}",
        input.escape_ascii(),
        path.display()
    );
}

macro_rules! smoke {
    ($($name:ident: $short:literal,)*) => {
        $(#[test]
        fn $name() {
            smoke(stringify!($name), $short);
        })*

        #[test]
        fn every_target_is_tried() {
            assert_eq!(TARGETS.map(|(name, _)| name), [$(stringify!($name)),*]);
        }
    };
}

smoke! {
    dates: 400,
    filter: 300,
    manifest: 30,
    merge: 60,
    ndjson: 100,
    next_link: 150,
    page: 15,
    parquet_file: 500,
    pipeline_file: 200,
    retry_after: 400,
}

#[test]
fn the_entry_points_of_libfuzzer_are_the_targets() {
    let manifest = kept::fuzz_folder().join("Cargo.toml");
    let manifest: toml::Table = std::fs::read_to_string(manifest).unwrap().parse().unwrap();
    let programs = manifest["bin"].as_array().unwrap().iter();
    let names: Vec<&str> = programs.map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, TARGETS.map(|(name, _)| name));
    for name in names {
        let file = kept::fuzz_folder().join(format!("fuzz_targets/{name}.rs"));
        let text = std::fs::read_to_string(file).unwrap();
        assert!(
            text.contains(&format!("lcw_fuzz_targets::{name}(data)")),
            "{name}"
        );
    }
}
