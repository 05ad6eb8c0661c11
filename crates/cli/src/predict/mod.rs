//! `windvane predict`: predictions of a saved model, with the bits of a live predictor.
mod follow;
mod positions;

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use windvane::models::{Artifact, ModelSpec, Policy, TableReader, replace_file};
use windvane::prelude::*;

use crate::inputs::InputArgs;
use crate::output::{check_file, file_error, note, print_data};
use crate::reading::ReadArgs;
use crate::{Error, series};
use positions::Positions;

const HEADER: &str = "time,pair,direction,p_up,p_down,p_neutral,confidence";

/// Predict with a saved model: time, pair, direction, probabilities, confidence; for a model with a
/// policy also the position over the next candle
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
    let (model, policy) = load_with_policy(&options.model)?;
    if let Some(policy) = &policy {
        note(format_args!("positions follow the policy of the model: {}", policy.config()));
    }
    let mut positions = Positions::new(policy, model.spec().interval);
    if options.follow {
        let history = if options.data.is_empty() {
            Vec::new()
        } else {
            series::load(&options.data, Some(model.spec().interval), &options.reading)?
        };
        return follow::follow(model, positions, &history);
    }
    let all = series::load(&options.data, Some(model.spec().interval), &options.reading)?;
    let mut text = String::new();
    if !options.json {
        text.push_str(HEADER);
        text.push_str(if policy.is_some() { ",position\n" } else { "\n" });
    }
    let mut lines = 0;
    check_inputs(options, model.spec(), &all)?;
    for series in series::targets(&model.spec().signals, &all) {
        lines += predict(&*model, series, &all, options, &mut positions, &mut text)?;
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

/// Loads a model with the policy in its file.
fn load_with_policy(file: &Path) -> Result<(Box<dyn FittedModel>, Option<Policy>), Error> {
    let file = Artifact::read(file)?;
    Ok((windvane::kinds().model(&file)?, file.policy().copied()))
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
    positions: &mut Positions,
    text: &mut String,
) -> Result<usize, Error> {
    let spec = &model.spec().signals;
    let others = series::of_pairs(all, &spec.pairs())?;
    let tables = [SignalTable::build(spec, &Registry::default(), series, &others)?];
    let mut reader = TableReader::new(model, &tables);
    let mut tracker = positions.of(series.pair());
    let mut lines = 0;
    // Candles that the gap policy filled in are rows without a candle of the series.
    let rows = (0..tables[0].len()).filter(|row| !tables[0].is_held(*row));
    for (row, candle) in rows.zip(series) {
        let prediction = reader.predict(0, row)?;
        let position = tracker.as_mut().map(|tracker| {
            tracker.take(candle);
            match &prediction {
                Some(prediction) => tracker.on_prediction(prediction).size(),
                None => tracker.without_prediction(candle.close_time(series.interval())).size(),
            }
        });
        let Some(prediction) = prediction else { continue };
        if options.from.is_none_or(|from| prediction.decided_at >= from) {
            text.push_str(&line(series.pair(), &prediction, position, options.json));
            lines += 1;
        }
    }
    Ok(lines)
}

fn line(pair: &Pair, prediction: &Prediction, position: Option<f64>, is_json: bool) -> String {
    if is_json {
        return format!("{}\n", as_json(pair, prediction, position));
    }
    let Prediction { decided_at, direction, confidence, .. } = prediction;
    let [up, down, neutral] = prediction.probabilities.classes();
    let pair = quoted(pair.as_str());
    let position = position.map_or_else(String::new, |position| format!(",{position}"));
    format!("{decided_at},{pair},{direction},{up},{down},{neutral},{confidence}{position}\n")
}

/// Object of a prediction, with the position if there is a policy.
fn as_json(pair: &Pair, prediction: &Prediction, position: Option<f64>) -> Value {
    let [up, down, neutral] = prediction.probabilities.classes();
    with_position(
        json!({
            "time": prediction.decided_at.to_string(),
            "pair": pair.as_str(),
            "direction": prediction.direction.to_string(),
            "probabilities": { "up": up, "down": down, "neutral": neutral },
            "confidence": prediction.confidence,
        }),
        position,
    )
}

/// Adds the position to an object if there is one.
fn with_position(mut object: Value, position: Option<f64>) -> Value {
    if let Some(position) = position {
        object["position"] = json!(position);
    }
    object
}

/// Quotes a field of a CSV file if necessary.
fn quoted(field: &str) -> String {
    if field.contains([',', '"']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_string()
    }
}
