//! Entry point of the command `windvane`.
use std::process::ExitCode;

fn main() -> ExitCode {
    windvane_cli::run(std::env::args_os())
}
