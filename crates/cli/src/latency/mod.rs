//! `windvane latency`: time from a closed candle to its prediction.
mod measure;
mod show;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use windvane::candles::sample;
use windvane::catalog::{Hyperparameters, ModelEntry};
use windvane::models::train::Run;
use windvane::prelude::*;

use crate::output::{note, print};
use crate::reading::ReadArgs;
use crate::{Error, models, series};

/// Models of a run without --models and --model.
const DEFAULT_MODELS: [&str; 7] = ["v2", "v2-learned", "v32", "v32-stateful", "v3", "v31", "tuned"];

/// Number of candles for training, the first ones of the sample.
const TRAINING_CANDLES: usize = 1_000;

/// Measure the time from a closed candle to its prediction, on one thread
#[derive(Debug, Args)]
pub(crate) struct LatencyOptions {
    /// Models to measure, such as v2,v32; they are fitted for one epoch on the embedded sample.
    #[arg(long, value_parser = models::parser(), value_delimiter = ',', value_name = "LIST")]
    #[arg(conflicts_with = "model")]
    models: Vec<ModelEntry>,
    /// Saved model to measure instead.
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// File of candles to feed [default: the embedded sample]
    #[arg(long, value_name = "FILE", requires = "model")]
    data: Option<PathBuf>,
    #[command(flatten)]
    reading: ReadArgs,
    /// Number of predictions to time per model.
    #[arg(long, value_name = "N", default_value_t = 30_000, alias = "calls")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    predictions: u32,
    /// Run a short measurement: 1,000 predictions per model.
    #[arg(long, conflicts_with = "predictions")]
    quick: bool,
    /// Print JSON instead of tables.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &LatencyOptions) -> Result<(), Error> {
    let predictions = if options.quick { 1_000 } else { options.predictions };
    let measured = match &options.model {
        Some(file) => vec![saved(options, file, predictions)?],
        None => fitted(options, predictions)?,
    };
    let text = if options.json { show::json(&measured)? } else { show::text(&measured)? };
    Ok(print(text)?)
}

/// Measures a saved model.
fn saved(
    options: &LatencyOptions,
    file: &PathBuf,
    predictions: u32,
) -> Result<measure::Latency, Error> {
    let model: Arc<dyn FittedModel> = load(file)?.into();
    let interval = model.spec().interval;
    let feed = if let Some(path) = &options.data {
        series::load(std::slice::from_ref(path), Some(interval), &options.reading)?.swap_remove(0)
    } else {
        let series = sample::all().into_iter().find(|series| series.interval() == interval);
        series.ok_or_else(|| {
            format!("the model reads {interval} candles, the sample has none; pass --data")
        })?
    };
    note(format_args!("{}: timing {predictions} predictions", model.id()));
    let method = models::method_of(&*model).unwrap_or_default();
    measure::latency((model.id().as_str(), method), &model, &feed, predictions)
}

/// Measures models that are fitted briefly, because latency does not depend on the weights.
fn fitted(options: &LatencyOptions, predictions: u32) -> Result<Vec<measure::Latency>, Error> {
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
        note(format_args!("{}: timing {predictions} predictions", entry.name));
        let names = (entry.name, entry.method().to_string());
        measured.push(measure::latency(names, &model, &feed, predictions)?);
    }
    Ok(measured)
}

fn fit(entry: ModelEntry, feed: &CandleSeries) -> Result<Arc<dyn FittedModel>, Error> {
    let until = feed.get(TRAINING_CANDLES).ok_or("the sample is too short")?.open_time();
    let past = feed.split_at(until).0;
    let data = Dataset::from_series(&[past], &SignalSpec::default(), 20, LabelSpec::default())?;
    let parts = data.split_with(&Split::for_live(data.samples(), 0.3)?)?;
    let learner = entry.learner(&Hyperparameters { epochs: Some(1), ..Hyperparameters::default() });
    Ok(learner.fit(&parts.train, &parts.validation, &Run::new(1))?.into())
}
