//! Creates the pretrained v3.2 of `windvane-models`: fitted on the sample's BTCUSDT without the
//! last months, and evaluated on those.
//!
//! `cargo run --release -p windvane-tools --bin pretrained` writes the model and its README into
//! the crate, or into the folder given as the argument.
#![expect(clippy::print_stdout, reason = "a command-line program")]
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
/// End of training and beginning of validation.
const VALIDATE_FROM: &str = "2023-05-01";
/// End of validation; later candles are used only for the evaluation.
const HELD_OUT_FROM: &str = "2023-08-01";
/// Number of candles whose time is left out between the periods.
const EMBARGO: u32 = 24;

const LIMITS: [&str; 4] = [
    "Fitted on hourly BTCUSDT alone: other pairs and other intervals were not measured, and a feed of another \
     interval is refused.",
    "No later candle than those of 2023 was seen; markets change, so measure it on your own candles before \
     anything depends on it.",
    "The measurement has no fees, no spread and no slippage; an accuracy near one half does not pay for them.",
    "Made by `cargo run --release -p windvane-tools --bin pretrained` from the embedded sample (MIT).",
];

/// Learner that fits v3.2 and keeps the model, because a report does not contain it.
#[derive(Debug)]
struct KeepModel {
    learner: NetworkLearner,
    model: OnceLock<Network>,
}

impl Learner for KeepModel {
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

/// Fits, evaluates and writes the model and its README; returns the text of the README.
fn make(folder: &Path) -> Result<String, Box<dyn std::error::Error>> {
    let series = sample::load(PAIR).ok_or("the sample has no such pair")?;
    let until = series.close_time(series.len() - 1).ok_or("the sample is empty")?;
    // A separate id in logs, different from models that a bot fits itself.
    let learner = NetworkLearner { id: ModelId::new(NAME), ..v32::learner() };
    let kept = Arc::new(KeepModel { learner, model: OnceLock::new() });
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

/// Folder of the pretrained model.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/models/pretrained")
}

fn measured(report: &Report, until: Timestamp) -> Result<HeldOut, &'static str> {
    let row = report.results.first().ok_or("nothing was measured")?;
    let baseline = row.best_baseline_result().ok_or("no baseline was scored")?;
    let bounds = row.interval_95.ok_or("the accuracy has no interval")?;
    let lead = row.lead.and_then(|lead| lead.interval_95).ok_or("the lead has no interval")?;
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
        lead_95: (lead.low, lead.high),
    })
}

/// Text of the README, which is also the documentation of a function: its first line is a summary.
fn text(record: &windvane::models::TrainingRecord) -> String {
    let measured = record.held_out.as_ref().map(ToString::to_string).unwrap_or_default();
    let better = match record.held_out.as_ref().map(|measured| measured.lead_95.0 > 0.0) {
        Some(true) => "The model is significantly better than that baseline.",
        _ => {
            "The model is therefore not significantly better than that baseline; it serves as an \
             example."
        }
    };
    let mut text = format!(
        "Returns the pretrained v3.2 (LSTM, 32 units) that comes with the crate, for a first prediction \
         without training.\n\n\
         **Accuracy** on held-out candles, after the training and validation periods: {measured}. \
         {better}\n\n\
         **Training** on {} windows of {} up to {}, validation on {} windows up to {}, seed {}.\n\n\
         Notes from the training record:\n\n",
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
