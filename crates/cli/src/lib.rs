//! The command `windvane`: backtests, fits and explains models of candles, and predicts with them.
//!
//! ```no_run
//! windvane_cli::run(["windvane", "backtest", "--quick"]);
//! ```
//!
//! `windvane --help` lists the commands, `windvane COMMAND --help` the options of one. Tables and
//! data are written to standard output, progress and notes to standard error.
//!
//! | command | purpose |
//! |---|---|
//! | `backtest` | backtests models on real candles and writes a report |
//! | `plan` | divides the fits of a sweep into tasks |
//! | `run` | runs tasks of a plan and stores their results |
//! | `merge` | computes the reports of a sweep from the results |
//! | `fit` | fits a model and saves it for a bot |
//! | `predict` | writes the predictions of a saved model as CSV or JSON lines |
//! | `inspect` | shows the content of candle files and their repairs |
//! | `diagnose` | explains a prediction and shows the state of its model |
//! | `export` | writes rows of signals and labels for training with other tools |
//! | `export-onnx` | writes a saved model as an ONNX file |
//! | `channels` | lists every channel with parameters, warm-up and formula |
//! | `latency` | measures the time from a closed candle to its prediction |
#![forbid(unsafe_code)]
#![warn(clippy::print_stderr)]

mod backtest;
mod calendar;
mod channels;
mod diagnose;
mod export;
mod export_onnx;
mod external;
mod files;
mod fit;
mod gap_note;
mod inputs;
mod inspect;
mod latency;
mod memory;
mod models;
mod output;
mod predict;
mod progress;
mod reading;
mod series;
mod source;
mod sweep;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Error of a command, printed by its `Display`.
type Error = Box<dyn std::error::Error>;

/// Predicts the direction of the next candle of a trading pair: UP, DOWN or NEUTRAL
#[derive(Debug, Parser)]
#[command(
    name = "windvane",
    version,
    arg_required_else_help = true,
    after_help = "windvane download and windvane live, candles of exchanges, are programs of their own in the folder \
                  integrations/exchange of the repository."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Backtest(backtest::BacktestOptions),
    Plan(sweep::PlanOptions),
    Run(sweep::RunOptions),
    Merge(sweep::MergeOptions),
    Fit(fit::FitOptions),
    Predict(predict::PredictOptions),
    Inspect(inspect::InspectOptions),
    Diagnose(diagnose::DiagnoseOptions),
    Export(export::ExportOptions),
    ExportOnnx(export_onnx::ExportOnnxOptions),
    Channels(channels::ChannelOptions),
    Latency(latency::LatencyOptions),
    #[command(external_subcommand)]
    External(Vec<OsString>),
}

/// Runs a command line; the first argument is the name of the program.
///
/// Prints errors as `error: …` to standard error.
pub fn run<I, T>(arguments: I) -> ExitCode
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // A closed pipe is not an error.
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
        Command::Plan(options) => sweep::plan(options)?,
        Command::Run(options) => sweep::run(options)?,
        Command::Merge(options) => sweep::merge(options)?,
        Command::Fit(options) => fit::run(options)?,
        Command::Predict(options) => predict::run(options)?,
        Command::Inspect(options) => return inspect::run(options),
        Command::Diagnose(options) => diagnose::run(options)?,
        Command::Export(options) => export::run(options)?,
        Command::ExportOnnx(options) => export_onnx::run(options)?,
        Command::Channels(options) => channels::run(options)?,
        Command::Latency(options) => latency::run(options)?,
        Command::External(arguments) => return external::run(arguments),
    }
    Ok(ExitCode::SUCCESS)
}
