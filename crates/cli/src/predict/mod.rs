//! `windvane predict`: predictions of a saved model, with the bits of a live predictor.
mod follow;
mod positions;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use windvane::models::{Artifact, ModelSpec, Policy, TableReader, replace_file_with};
use windvane::prelude::*;

use crate::inputs::InputArgs;
use crate::output::{check_file, file_error, note};
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
    /// those of the model; --inputs checks them. Memory holds the candles of one pair at a time, or
    /// of all pairs if the model reads other pairs or --inputs is given.
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
    let positions = Positions::new(policy, model.spec().interval);
    if options.follow {
        let history = if options.data.is_empty() {
            Vec::new()
        } else {
            series::load(&options.data, Some(model.spec().interval), &options.reading)?
        };
        return follow::follow(model, positions, &history);
    }
    let mut job = PredictJob { model: &*model, options, has_policy: policy.is_some(), positions };
    let Some(file) = &options.out else {
        return job.run("standard output", &mut io::stdout().lock());
    };
    let mut failed = None;
    let written = replace_file_with(file, |out| {
        job.run(&file.display().to_string(), out).map_err(|error| {
            failed = Some(error);
            io::ErrorKind::Other.into()
        })
    });
    match failed {
        Some(error) => Err(error),
        None => Ok(written.map_err(|error| file_error(file, error))?),
    }
}

/// Predictions of a model on the candles of the options.
struct PredictJob<'a> {
    model: &'a dyn FittedModel,
    options: &'a PredictOptions,
    has_policy: bool,
    positions: Positions,
}

impl PredictJob<'_> {
    /// Writes a line per prediction. The candles of one pair are in memory at a time, unless the
    /// model reads other pairs or inputs are to be checked.
    ///
    /// # Errors
    /// Candles that cannot be read, no predictions, and output that cannot be written.
    fn run(&mut self, name: &str, out: &mut dyn io::Write) -> Result<(), Error> {
        let PredictOptions { data, reading, .. } = self.options;
        let spec = self.model.spec();
        let mut lines = PredictionLines {
            name,
            out: io::BufWriter::new(out),
            is_closed: false,
            header: (!self.options.json).then_some(self.has_policy),
            count: 0,
        };
        let together = !spec.signals.pairs().is_empty();
        if together || self.options.inputs != InputArgs::default() {
            let all = series::load(data, Some(spec.interval), reading)?;
            check_inputs(self.options, spec, &all)?;
            for series in series::targets(&spec.signals, &all) {
                if lines.is_closed {
                    break;
                }
                self.predict(series, &all, &mut lines)?;
            }
        } else {
            let mut any = false;
            for pair in series::by_pair(data, reading)? {
                if lines.is_closed {
                    break;
                }
                if let Some(series) = pair.read(Some(spec.interval), reading)? {
                    any = true;
                    self.predict(&series, &[], &mut lines)?;
                }
            }
            series::check_read(any)?;
        }
        if lines.count == 0 {
            return Err(format!(
                "no prediction: the candles have no complete window of {} rows after the warm-up; \
                 pass more candles or an earlier --from",
                spec.lookback
            )
            .into());
        }
        lines.finish()
    }

    /// Writes the predictions of a pair.
    fn predict(
        &mut self,
        series: &CandleSeries,
        all: &[CandleSeries],
        lines: &mut PredictionLines<'_>,
    ) -> Result<(), Error> {
        let Self { model, options, positions, .. } = self;
        let spec = &model.spec().signals;
        let others = series::of_pairs(all, &spec.pairs())?;
        let tables = [SignalTable::build(spec, &Registry::default(), series, &others)?];
        let mut reader = TableReader::new(*model, &tables);
        let mut tracker = positions.of(series.pair());
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
                lines.write(&line(series.pair(), &prediction, position, options.json))?;
            }
        }
        Ok(())
    }
}

/// Lines of predictions.
struct PredictionLines<'a> {
    /// Name of the output in messages.
    name: &'a str,
    /// Whether the reader has closed the pipe, which is not an error.
    is_closed: bool,
    out: io::BufWriter<&'a mut dyn io::Write>,
    /// Header of a CSV file, with whether it has positions; written before the first line.
    header: Option<bool>,
    count: usize,
}

impl PredictionLines<'_> {
    fn write(&mut self, line: &str) -> Result<(), Error> {
        if let Some(has_policy) = self.header.take() {
            let end = if has_policy { ",position\n" } else { "\n" };
            self.put(&format!("{HEADER}{end}"))?;
        }
        self.count += 1;
        self.put(line)
    }

    fn put(&mut self, text: &str) -> Result<(), Error> {
        let written = self.out.write_all(text.as_bytes());
        self.check(written)
    }

    fn finish(mut self) -> Result<(), Error> {
        let written = self.out.flush();
        self.check(written)
    }

    fn check(&mut self, written: io::Result<()>) -> Result<(), Error> {
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(())
            }
            Err(error) => Err(format!("{}: {error}", self.name).into()),
            Ok(()) => Ok(()),
        }
    }
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
