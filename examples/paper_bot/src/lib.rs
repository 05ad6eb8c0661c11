//! A bot that trades on paper over a WebSocket, and an exchange to practise on.
#![allow(clippy::missing_errors_doc, reason = "a program, not a library")]

pub mod bot;
pub mod connection;
pub mod exchange;
pub mod wire;

/// Failure of the bot or the exchange.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Exit code of a program; an error goes to standard error in plain words.
pub fn exit_code(result: Result<(), Error>) -> std::process::ExitCode {
    let Err(error) = result else { return std::process::ExitCode::SUCCESS };
    eprintln!("error: {error}");
    std::process::ExitCode::FAILURE
}
