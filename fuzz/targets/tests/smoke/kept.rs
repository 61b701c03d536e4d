//! The inputs and words that are kept for a target.

use std::fs;
use std::path::{Path, PathBuf};

/// What a target begins with.
pub(crate) struct Kept {
    /// File name and contents, in the order of the names.
    pub(crate) inputs: Vec<(String, Vec<u8>)>,
    /// Words that inputs are made of.
    pub(crate) words: Vec<Vec<u8>>,
}

pub(crate) fn fuzz_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

impl Kept {
    /// The inputs in `seeds/<target>` and the words in `dictionaries/<target>.dict`. Pages begin with
    /// the documented answers, too.
    pub(crate) fn of(target: &str) -> Self {
        let mut inputs = files(&fuzz_folder().join("seeds").join(target));
        if target == "page" {
            inputs.extend(files(&fuzz_folder().join("../tests/fixtures/graph")));
        }
        assert!(!inputs.is_empty(), "no inputs are kept for {target}");
        let dictionary = fuzz_folder().join(format!("dictionaries/{target}.dict"));
        let words = fs::read_to_string(&dictionary).unwrap_or_else(|error| {
            panic!("{}: {error}", dictionary.display());
        });
        let words = words.lines().filter_map(word).collect();
        Self { inputs, words }
    }
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| {
        panic!("{}: {error}", folder.display());
    });
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// A line of a dictionary of libFuzzer: a word in quotes, in which `\"`, `\\` and `\xNN` are one byte.
fn word(line: &str) -> Option<Vec<u8>> {
    let inner = line.strip_prefix('"')?.strip_suffix('"')?;
    let mut word = Vec::new();
    let mut bytes = inner.bytes();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'\\' => match bytes.next()? {
                b'x' => {
                    let digits = [bytes.next()?, bytes.next()?];
                    u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
                }
                escaped => escaped,
            },
            plain => plain,
        };
        word.push(byte);
    }
    Some(word)
}

/// A format that changes would be fuzzed with files that it no longer writes.
#[test]
fn the_kept_archives_are_what_the_formats_write() {
    for (target, name, bytes) in lcw_fuzz_targets::archives() {
        let kept = Kept::of(target)
            .inputs
            .into_iter()
            .find(|(file, _)| file == name);
        let is_kept = kept.is_some_and(|(_, kept)| kept == bytes);
        assert!(
            is_kept,
            "{target}/{name}: run `write_the_archives`, which is ignored"
        );
    }
}

#[test]
#[ignore = "writes the kept inputs that nobody can write by hand"]
fn write_the_archives() {
    for (target, name, bytes) in lcw_fuzz_targets::archives() {
        let file = fuzz_folder().join("seeds").join(target).join(name);
        fs::write(file, bytes).unwrap();
    }
}

#[test]
fn words_are_read_as_libfuzzer_reads_them() {
    assert_eq!(word(r#""a\"\\\x0a""#), Some(b"a\"\\\n".to_vec()));
    assert_eq!(word("# a comment"), None);
}
