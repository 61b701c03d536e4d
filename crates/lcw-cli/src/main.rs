//! The `lcw` program; what it does is in the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    lcw_cli::main()
}
