//! Makes the fitted v3.2 that `windvane-models` ships: fitted on all but the last months of the
//! sample's BTCUSDT, measured on those.
//!
//! `cargo run --release -p windvane-tools --bin pretrained` writes the model and its README into the
//! crate; a folder as the argument writes them there.
#![expect(clippy::print_stdout, reason = "a program of the maintainers")]
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use windvane::backtest::{Backtest, Instrument, Plan, Report};
use windvane::candles::sample;
use windvane::models::network::{Network, NetworkLearner};
use windvane::models::train::{Learner, Run};
use windvane::models::{HeldOut, ModelId, replace_file};
use windvane::prelude::*;
use windvane::signals::{TrainSet, ValidationSet};

const PAIR: &str = "BTCUSDT";
const NAME: &str = "v32-pretrained";
const SEED: u64 = 1;
/// Training ends and choosing begins.
const VALIDATE_FROM: &str = "2023-05-01";
/// Choosing ends; nothing after this is looked at before the measurement.
const HELD_OUT_FROM: &str = "2023-08-01";
/// Candles left out between the stretches.
const EMBARGO: u32 = 24;

const LIMITS: [&str; 4] = [
    "Fitted on hourly BTCUSDT alone: other pairs and other intervals were not measured, and a feed of another \
     interval is refused.",
    "No later candle than those of 2023 was seen; markets change, so measure it on your own candles before \
     anything depends on it.",
    "The measurement has no fees, no spread and no slippage; an accuracy near one half does not pay for them.",
    "Made by `cargo run --release -p windvane-tools --bin pretrained` from the embedded sample (MIT).",
];

/// Fits as v3.2 does and keeps the model, which a report does not.
#[derive(Debug)]
struct Kept {
    learner: NetworkLearner,
    model: OnceLock<Network>,
}

impl Learner for Kept {
    fn id(&self) -> &ModelId {
        self.learner.id()
    }

    fn fit(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        run: &Run<'_>,
    ) -> Result<Box<dyn FittedModel>, TrainError> {
        let model = self.learner.fit_model(train, validation, run)?;
        Ok(Box::new(self.model.get_or_init(|| model).clone()))
    }
}

fn main() -> std::process::ExitCode {
    match run() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).map_or_else(folder, PathBuf::from);
    println!("{}", make(&folder)?);
    Ok(())
}

/// Fits, measures and writes the model and the text that goes with it; returns that text.
fn make(folder: &Path) -> Result<String, Box<dyn std::error::Error>> {
    let series = sample::load(PAIR).ok_or("the sample has no such pair")?;
    let until = series.close_time(series.len() - 1).ok_or("the sample is empty")?;
    // A name of its own in logs, beside models that a bot fits itself.
    let learner = NetworkLearner { id: ModelId::new(NAME), ..v32::learner() };
    let kept = Arc::new(Kept { learner, model: OnceLock::new() });
    let plan = Plan::Holdout {
        validate_from: VALIDATE_FROM.parse()?,
        test_from: HELD_OUT_FROM.parse()?,
        embargo: EMBARGO,
    };
    let backtest = Backtest { plan, seed: SEED, ..Backtest::default() };
    let instruments = [Instrument { series, test_only: false }];
    let report = backtest.run(&instruments, &[Box::new(kept.clone())], &|_| {})?;
    let measured = measured(&report, until)?;

    let model = kept.model.get().ok_or("nothing was fitted")?;
    let mut record = model.record().ok_or("a fitted model has a record")?.clone();
    record.held_out = Some(measured);
    record.notes = LIMITS.map(str::to_string).to_vec();
    let text = text(&record);
    let artifact = model.to_artifact()?.with_record(Some(&record));
    std::fs::create_dir_all(folder)?;
    replace_file(&folder.join("v32.safetensors"), &artifact.to_bytes()?)?;
    replace_file(&folder.join("README.md"), text.as_bytes())?;
    Ok(text)
}

/// Folder of the shipped model.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/models/pretrained")
}

fn measured(report: &Report, until: Timestamp) -> Result<HeldOut, &'static str> {
    let row = report.results.first().ok_or("nothing was measured")?;
    let baseline = row.best_baseline_result().ok_or("no baseline was scored")?;
    let bounds = row.interval_95.ok_or("the accuracy has no interval")?;
    let edge = row.excess_accuracy.and_then(|excess| excess.interval_95);
    let edge = edge.ok_or("the edge over the best baseline has no interval")?;
    let number = |value: Option<f64>| value.ok_or("nothing was scored");
    Ok(HeldOut {
        pairs: vec![row.instrument.clone()],
        from: HELD_OUT_FROM.parse().map_err(|_| "a date is none")?,
        until,
        candles: row.score.candles,
        coverage: number(row.score.coverage)?,
        scored: row.score.scored,
        accuracy: number(row.score.accuracy)?,
        interval_95: (bounds.low, bounds.high),
        naive_rule: baseline.rule.to_string(),
        naive_accuracy: number(baseline.score.accuracy)?,
        lead_95: (edge.low, edge.high),
    })
}

/// The first line says what it is, as documents of functions do.
fn text(record: &windvane::models::TrainingRecord) -> String {
    let measured = record.held_out.as_ref().map(ToString::to_string).unwrap_or_default();
    let better = match record.held_out.as_ref().map(|measured| measured.lead_95.0 > 0.0) {
        Some(true) => "It was better than the best baseline there.",
        _ => "So it is not known to be better than that rule: it shows how a model is used.",
    };
    let mut text = format!(
        "The fitted v3.2 that comes with the crate, for a first prediction without training.\n\n\
         **Measured** on candles that it was neither fitted nor chosen on: {measured}. {better}\n\n\
         **Fitted** on {} windows of {} up to {}, chosen on {} more up to {}, seed {}.\n\n",
        record.windows,
        record.pairs.join(", "),
        record.until,
        record.validation_windows,
        record.validated_until,
        record.seed,
    );
    for limit in &record.notes {
        text.extend(["- ", limit, "\n"]);
    }
    text
}
