//! Soak test: checks over millions of candles that memory stays constant and that live predictions
//! equal batch predictions.
//!
//! `cargo run --release -p windvane-tools --bin soak` feeds ten million candles of a simulated
//! market to each model; `-- --candles 100000 --models v2,v32` is a short run. It ends with an
//! error if memory has grown or a prediction differs.
mod feed;
mod memory;
mod run;

use std::sync::Arc;

use clap::Parser;
use comfy_table::{CellAlignment, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use run::SoakResult;
use windvane::candles::sample;
use windvane::catalog::{Hyperparameters, ModelEntry};
use windvane::prelude::*;

/// Number of training candles; the accuracy of the models is irrelevant.
const TRAINING_CANDLES: usize = 1_000;

/// Feed candles to `Predictor::on_candle` for a long time, and compare with the batch path.
#[derive(Debug, Parser)]
#[command(name = "soak")]
struct SoakOptions {
    /// Number of candles for each model.
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    candles: u64,
    /// Models to feed.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "v2,v2-learned,v32,v32-stateful,v3,v31,tuned"
    )]
    models: Vec<ModelEntry>,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

type Error = Box<dyn std::error::Error>;

fn main() -> std::process::ExitCode {
    match run() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "a command-line program")]
fn run() -> Result<(), Error> {
    let options = SoakOptions::parse();
    let history = sample::load("BTCUSDT").ok_or("the sample has no BTCUSDT")?;
    let mut soaked = Vec::new();
    for entry in options.models {
        eprintln!("{}: fitting", entry.name);
        let model = fit(entry, &history)?;
        let bar = ProgressBar::new(options.candles);
        let style = "{prefix:>14} {wide_bar} {human_pos} of {human_len} candles, {eta} left";
        bar.set_style(ProgressStyle::with_template(style)?);
        bar.set_prefix(entry.name);
        soaked.push(run::soak(entry.name, &model, options.candles, &bar)?);
        bar.finish_and_clear();
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&soaked)?);
    } else {
        println!("{}", table(&soaked));
    }
    let bad = soaked.iter().find(|soaked| !soaked.is_good());
    bad.map_or(Ok(()), |bad| {
        let message = "memory has grown, or live and batch predictions differ";
        Err(format!("{}: {message}", bad.model).into())
    })
}

/// Fits a model of its default size for one epoch.
fn fit(entry: ModelEntry, feed: &CandleSeries) -> Result<Arc<dyn FittedModel>, Error> {
    let until = feed.get(TRAINING_CANDLES).ok_or("the sample is too short")?.open_time();
    let past = feed.split_at(until).0;
    let data = Dataset::from_series(&[past], &SignalSpec::default(), 20, LabelSpec::default())?;
    let parts = data.split_with(&Split::for_live(data.samples(), 0.3)?)?;
    let learner = entry.learner(&Hyperparameters { epochs: Some(1), ..Hyperparameters::default() });
    Ok(learner.fit(&parts.train, &parts.validation, &Run::new(1))?.into())
}

fn table(soaked: &[SoakResult]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header([
        "model",
        "candles",
        "gaps",
        "predictions",
        "compared",
        "different",
        "initial, KiB",
        "maximum, KiB",
        "seconds",
    ]);
    for s in soaked {
        let kib = |bytes: Option<u64>| bytes.map_or("-".to_string(), |b| (b / 1024).to_string());
        table.add_row([
            s.model.to_string(),
            s.candles.to_string(),
            s.gaps.to_string(),
            s.predictions.to_string(),
            s.compared.to_string(),
            s.different.to_string(),
            kib(s.warm_bytes),
            kib(s.most_bytes),
            format!("{:.1}", s.seconds),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
