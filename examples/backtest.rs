//! Ten real instruments in, a report out: the command `windvane backtest`.
//!
//! `cargo run --release --example backtest` reads the embedded sample, fits every model fold by
//! fold, and writes `report.html`, `report.md` and `report.json` to `target/backtest`.
//! `-- --help` lists the options. The same from a program: `Backtest` in `own_model.rs`.
use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let command = ["windvane", "backtest"].map(OsString::from);
    windvane_cli::run(command.into_iter().chain(std::env::args_os().skip(1)))
}
