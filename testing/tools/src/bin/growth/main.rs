//! Growth of time and memory with the number of pairs.
//!
//! `cargo run --release -p windvane-tools --bin growth -- --pairs 10,100` makes pairs of simulated
//! 1-minute candles as a Hive-partitioned folder of Parquet files, runs signals, fit, prediction and
//! backtest as a process each, and prints the time and the peak of the resident memory (`VmHWM`).
mod market;
mod step;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use step::{Measured, Step};

/// Measure how time and memory grow with the number of pairs.
#[derive(Debug, Parser)]
#[command(name = "growth", args_conflicts_with_subcommands = true)]
struct GrowthOptions {
    /// Numbers of pairs.
    #[arg(long, value_delimiter = ',', default_value = "10,100")]
    pairs: Vec<usize>,
    /// Number of candles of each pair: 43,200 is a month of 1-minute candles, 525,600 a year.
    #[arg(long, default_value_t = 43_200)]
    candles: usize,
    /// Steps to run.
    #[arg(long, value_delimiter = ',', default_value = "signals,fit,predict,backtest")]
    steps: Vec<Step>,
    /// Memory budget of the fit, such as 4GiB [default: none]
    #[arg(long)]
    memory: Option<String>,
    /// Folder for candles, models and reports; candles that exist are used again.
    #[arg(long, default_value = "target/growth")]
    folder: PathBuf,
    #[command(subcommand)]
    command: Option<Inner>,
}

/// A step, in a process of its own.
#[derive(Debug, Subcommand)]
enum Inner {
    /// Run one step, and print its time and memory; used by the program itself.
    #[command(hide = true)]
    Step {
        step: Step,
        data: PathBuf,
        folder: PathBuf,
        #[arg(long)]
        memory: Option<String>,
    },
}

type Error = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "a command-line program")]
fn run() -> Result<(), Error> {
    let options = GrowthOptions::parse();
    if let Some(Inner::Step { step, data, folder, memory }) = options.command {
        return step.run(&data, &folder, memory.as_deref());
    }
    let mut rows: Vec<Measured> = Vec::new();
    for pairs in options.pairs {
        let own = options.folder.join(format!("{pairs}x{}", options.candles));
        let data = own.join("candles");
        eprintln!("{pairs} pairs: candles in {}", data.display());
        market::write(&data, pairs, options.candles)?;
        for step in &options.steps {
            let measured = step.measure(&data, &own, options.memory.as_deref())?;
            eprintln!("{pairs} pairs: {step}: {:.1} s", measured.seconds);
            rows.push(Measured { pairs, candles: pairs * options.candles, ..measured });
        }
    }
    println!("{}", table::of(&rows));
    Ok(())
}
