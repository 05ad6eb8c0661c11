//! Backtest of ten real instruments with a report, by the command `windvane backtest`.
//!
//! `cargo run --release --example backtest` reads the embedded sample, fits every model on every
//! fold, and writes `report.html`, `report.md` and `report.json` to `target/backtest`.
//! `-- --help` lists the options. `own_model.rs` runs a `Backtest` from a program.
use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let command = ["windvane", "backtest"].map(OsString::from);
    windvane_cli::run(command.into_iter().chain(std::env::args_os().skip(1)))
}
