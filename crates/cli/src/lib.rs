//! The command `windvane`: candles in, models, predictions and reports out.
//!
//! `windvane --help` lists the commands, `windvane COMMAND --help` the options of one. Tables and data
//! go to standard output, progress and notes to standard error.
//!
//! | command | purpose |
//! |---|---|
//! | `backtest` | tests models on real candles and writes a report |
//! | `fit` | fits one model and saves it, ready for a bot |
//! | `predict` | predictions of a saved model as CSV or JSON lines |
//! | `inspect` | content of candle files and the repairs they need |
//! | `diagnose` | one prediction, and the model behind it, in detail |
//! | `export` | rows of signals and labels for a training elsewhere |
//! | `latency` | time from a closed candle to its prediction |
#![forbid(unsafe_code)]
#![warn(clippy::print_stderr)]

mod backtest;
mod calendar;
mod diagnose;
mod export;
mod files;
mod fit;
mod gap_note;
mod inspect;
mod latency;
mod models;
mod output;
mod predict;
mod progress;
mod reading;
mod series;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Failure of a command; shown by its `Display`.
type Error = Box<dyn std::error::Error>;

/// Predicts where the next candle of a trading pair goes: UP, DOWN or NEUTRAL.
#[derive(Debug, Parser)]
#[command(name = "windvane", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Backtest(backtest::Options),
    Fit(fit::Options),
    Predict(predict::Options),
    Inspect(inspect::Options),
    Diagnose(diagnose::Options),
    Export(export::Options),
    Latency(latency::Options),
}

/// Runs the command that the arguments name; the first argument is the program.
///
/// Prints failures as `error: …` on standard error.
pub fn run<I, T>(arguments: I) -> ExitCode
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // A closed pipe must not turn help into a failure.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1));
        }
    };
    match execute(&arguments.command) {
        Ok(code) => code,
        Err(error) => {
            output::note(format_args!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn execute(command: &Command) -> Result<ExitCode, Error> {
    match command {
        Command::Backtest(options) => backtest::run(options)?,
        Command::Fit(options) => fit::run(options)?,
        Command::Predict(options) => predict::run(options)?,
        Command::Inspect(options) => return inspect::run(options),
        Command::Diagnose(options) => diagnose::run(options)?,
        Command::Export(options) => export::run(options)?,
        Command::Latency(options) => latency::run(options)?,
    }
    Ok(ExitCode::SUCCESS)
}
