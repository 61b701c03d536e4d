#![no_main]

libfuzzer_sys::fuzz_target!(
    // The reader makes errors of the library's panics: only those that leave it count.
    init: std::panic::set_hook(Box::new(|_| {})),
    |data: &[u8]| lcw_fuzz_targets::parquet_file(data)
);
