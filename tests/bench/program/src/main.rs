//! What `tests/bench/bench.py` measures and cannot do itself, in one program: the tenant that everybody
//! exports, the bare hot path that an export is read against, and each stage alone.
//!
//! `make bench` builds and starts it.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark that fails has nothing to report"
)]

mod bare;
mod limit;
mod stages;
mod tenant;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["tenant", shape, workflows, runs, users] => {
            let size = [workflows, runs, users].map(|number| number.parse().unwrap());
            tenant::serve(shape, size);
        }
        ["limit", origin, tenant, client, secret, out] => {
            limit::export(
                &limit::SignIn {
                    origin,
                    tenant,
                    client,
                    secret,
                },
                out.as_ref(),
            );
        }
        ["stages", origin, tenant, client, secret, runs, rounds] => {
            let sign_in = limit::SignIn {
                origin,
                tenant,
                client,
                secret,
            };
            stages::measure(&sign_in, runs.parse().unwrap(), rounds.parse().unwrap());
        }
        _ => {
            eprintln!("this program is a part of `make bench`: tests/bench/bench.py starts it");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
