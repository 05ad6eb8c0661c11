//! `windvane latency`: time from a closed candle in to a prediction out.
mod measure;
mod show;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use windvane::candles::sample;
use windvane::catalog::{ModelEntry, Training};
use windvane::models::train::Run;
use windvane::prelude::*;

use crate::output::{note, print};
use crate::reading::ReadArgs;
use crate::{Error, models, series};

/// Models of a run without --models and --model.
const DEFAULT_MODELS: [&str; 7] = ["v2", "v2-learned", "v32", "v32-stateful", "v3", "v31", "tuned"];

/// Models learn from this many of the first candles.
const TRAINING_CANDLES: usize = 1_000;

/// Measure the time from a closed candle to its prediction, on one thread
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Models to measure, such as v2,v32: fitted for one epoch on the embedded sample.
    #[arg(long, value_parser = models::parser(), value_delimiter = ',', value_name = "LIST")]
    #[arg(conflicts_with = "model")]
    models: Vec<ModelEntry>,
    /// Measure this saved model instead.
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Candles to feed; without it those of the embedded sample.
    #[arg(long, value_name = "FILE", requires = "model")]
    data: Option<PathBuf>,
    #[command(flatten)]
    reading: ReadArgs,
    /// Predictions to time for each model.
    #[arg(long, default_value_t = 30_000, value_parser = clap::value_parser!(u32).range(1..))]
    calls: u32,
    /// A short run: 1,000 predictions for each model.
    #[arg(long, conflicts_with = "calls")]
    quick: bool,
    /// Print JSON instead of tables.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options) -> Result<(), Error> {
    let calls = if options.quick { 1_000 } else { options.calls };
    let measured = match &options.model {
        Some(file) => vec![saved(options, file, calls)?],
        None => fitted(options, calls)?,
    };
    let text = if options.json { show::json(&measured)? } else { show::text(&measured)? };
    Ok(print(text)?)
}

/// Latency of a saved model.
fn saved(options: &Options, file: &PathBuf, calls: u32) -> Result<measure::Latency, Error> {
    let model: Arc<dyn FittedModel> = load(file)?.into();
    let interval = model.spec().interval;
    let feed = if let Some(path) = &options.data {
        series::load(std::slice::from_ref(path), Some(interval), &options.reading)?.swap_remove(0)
    } else {
        let series = sample::all().into_iter().find(|series| series.interval() == interval);
        series.ok_or_else(|| {
            format!("the model reads candles of {interval}, the sample has none; give --data")
        })?
    };
    note(format_args!("{}: timing {calls} predictions", model.id()));
    measure::latency(model.id().as_str(), &model, &feed, calls)
}

/// Latencies of models that are fitted for a moment: what they learn plays no part.
fn fitted(options: &Options, calls: u32) -> Result<Vec<measure::Latency>, Error> {
    let entries = if options.models.is_empty() {
        DEFAULT_MODELS.iter().filter_map(|name| name.parse().ok()).collect()
    } else {
        models::in_order(&options.models)
    };
    let feed = series::sample("BTCUSDT")?;
    let mut measured = Vec::new();
    for entry in entries {
        note(format_args!("{}: fitting", entry.name));
        let model = fit(entry, &feed)?;
        note(format_args!("{}: timing {calls} predictions", entry.name));
        measured.push(measure::latency(entry.name, &model, &feed, calls)?);
    }
    Ok(measured)
}

fn fit(entry: ModelEntry, feed: &CandleSeries) -> Result<Arc<dyn FittedModel>, Error> {
    let until = feed.get(TRAINING_CANDLES).ok_or("the sample is too short")?.open_time();
    let past = feed.split_at(until).0;
    let data = Dataset::from_series(&[past], &SignalSpec::default(), 20, LabelSpec::default())?;
    let parts = data.split_with(&Split::for_live(data.samples(), 0.3)?)?;
    let learner = entry.learner(&Training { epochs: Some(1), ..Training::default() });
    Ok(learner.fit(&parts.train, &parts.validation, &Run::new(1))?.into())
}
