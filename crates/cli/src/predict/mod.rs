//! `windvane predict`: predictions of a saved model, with the bits of a live predictor.
mod follow;

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use windvane::models::{ModelSpec, TableReader, replace_file};
use windvane::prelude::*;

use crate::inputs::InputArgs;
use crate::output::{check_file, file_error, print_data};
use crate::reading::ReadArgs;
use crate::{Error, series};

const HEADER: &str = "time,pair,direction,p_up,p_down,p_neutral,confidence\n";

/// Predict with a saved model: time, pair, direction, probabilities, confidence
#[derive(Debug, Args)]
pub(crate) struct PredictOptions {
    /// Model saved by `fit` or by your own program, also an ensemble.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// Files of candles, or folders of such files, with the interval of the model. The inputs are
    /// those of the model; --inputs checks them.
    #[arg(long, value_name = "PATH", num_args = 1.., required_unless_present = "follow")]
    data: Vec<PathBuf>,
    #[command(flatten)]
    inputs: InputArgs,
    #[command(flatten)]
    reading: ReadArgs,
    /// Write a JSON object per line instead of CSV.
    #[arg(long)]
    json: bool,
    /// Time of the first prediction; earlier candles are used for the warm-up.
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// File to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Read closed candles from standard input, an object per line, and answer each at once:
    /// {"pair":"BTCUSDT","open_time":"2024-01-01T05:00:00Z","open":1,"high":1,"low":1,"close":1,"volume":1}.
    /// --data is the history for the warm-up.
    #[arg(long, conflicts_with_all = ["json", "from", "out"])]
    follow: bool,
}

pub(crate) fn run(options: &PredictOptions) -> Result<(), Error> {
    if let Some(file) = &options.out {
        check_file(file)?;
    }
    let model = load(&options.model)?;
    if options.follow {
        let history = if options.data.is_empty() {
            Vec::new()
        } else {
            series::load(&options.data, Some(model.spec().interval), &options.reading)?
        };
        return follow::follow(model, &history);
    }
    let all = series::load(&options.data, Some(model.spec().interval), &options.reading)?;
    let mut text = String::new();
    if !options.json {
        text.push_str(HEADER);
    }
    let mut lines = 0;
    check_inputs(options, model.spec(), &all)?;
    for series in series::targets(&model.spec().signals, &all) {
        lines += predict(&*model, series, &all, options, &mut text)?;
    }
    if lines == 0 {
        let spec = model.spec();
        return Err(format!(
            "no prediction: the candles have no complete window of {} rows after the warm-up; \
             pass more candles or an earlier --from",
            spec.lookback
        )
        .into());
    }
    match &options.out {
        None => print_data(text.as_bytes())?,
        Some(file) => {
            replace_file(file, text.as_bytes()).map_err(|error| file_error(file, error))?;
        }
    }
    Ok(())
}

/// Checks that the model was fitted on the inputs of the options, if there are any.
fn check_inputs(
    options: &PredictOptions,
    spec: &ModelSpec,
    all: &[CandleSeries],
) -> Result<(), Error> {
    if options.inputs == InputArgs::default() {
        return Ok(());
    }
    let inputs = options.inputs.resolve(&all.iter().collect::<Vec<_>>())?;
    let own = &spec.signals.channels;
    let other = inputs.channels.iter().find(|channel| !own.contains(channel));
    let other = other.or_else(|| own.iter().find(|channel| !inputs.channels.contains(channel)));
    match other {
        None => Ok(()),
        Some(other) => Err(format!(
            "the model was not fitted on these inputs: they differ in {other}; remove --inputs to \
             use those of the model"
        )
        .into()),
    }
}

/// Appends a line per prediction and returns their number.
fn predict(
    model: &dyn FittedModel,
    series: &CandleSeries,
    all: &[CandleSeries],
    options: &PredictOptions,
    text: &mut String,
) -> Result<usize, Error> {
    let spec = &model.spec().signals;
    let others = series::of_pairs(all, &spec.pairs())?;
    let tables = [SignalTable::build(spec, &Registry::default(), series, &others)?];
    let mut reader = TableReader::new(model, &tables);
    let mut lines = 0;
    for row in 0..tables[0].len() {
        let Some(prediction) = reader.predict(0, row)? else { continue };
        if options.from.is_none_or(|from| prediction.decided_at >= from) {
            text.push_str(&line(series.pair(), &prediction, options.json));
            lines += 1;
        }
    }
    Ok(lines)
}

fn line(pair: &Pair, prediction: &Prediction, is_json: bool) -> String {
    if is_json {
        return format!("{}\n", as_json(pair, prediction));
    }
    let Prediction { decided_at, direction, confidence, .. } = prediction;
    let [up, down, neutral] = prediction.probabilities.classes();
    let pair = quoted(pair.as_str());
    format!("{decided_at},{pair},{direction},{up},{down},{neutral},{confidence}\n")
}

fn as_json(pair: &Pair, prediction: &Prediction) -> Value {
    let [up, down, neutral] = prediction.probabilities.classes();
    json!({
        "time": prediction.decided_at.to_string(),
        "pair": pair.as_str(),
        "direction": prediction.direction.to_string(),
        "probabilities": { "up": up, "down": down, "neutral": neutral },
        "confidence": prediction.confidence,
    })
}

/// Quotes a field of a CSV file if necessary.
fn quoted(field: &str) -> String {
    if field.contains([',', '"']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_string()
    }
}
