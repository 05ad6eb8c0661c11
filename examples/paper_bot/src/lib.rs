//! Paper-trading bot over a WebSocket, and a simulated exchange.
#![allow(clippy::missing_errors_doc, reason = "a program, not a library")]

pub mod bot;
pub mod connection;
pub mod exchange;
pub mod lines;
pub mod wire;

/// Error of the bot or the exchange.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Returns the exit code of a program; prints an error to standard error.
pub fn exit_code(result: Result<(), Error>) -> std::process::ExitCode {
    let Err(error) = result else { return std::process::ExitCode::SUCCESS };
    eprintln!("error: {error}");
    std::process::ExitCode::FAILURE
}
