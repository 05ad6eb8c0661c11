//! `windvane predict --follow`: candles on standard input, predictions on standard output, as JSON
//! lines.
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::BufRead;
use std::sync::Arc;

use serde_json::{Value, json};
use windvane::candles::Ohlcv;
use windvane::models::{CandleOutcome, NoPredictionReason, PanelPredictor, PanelUpdate};
use windvane::prelude::*;
use windvane::signals::Panel;

use super::positions::Positions;
use super::{as_json, with_position};
use crate::Error;
use crate::output::print_data;

/// Smallest open time that is taken for milliseconds, in 1973: smaller ones may be seconds.
const MIN_MILLIS: i64 = 100_000_000_000;

/// A closed candle of one line.
#[derive(Debug)]
struct CandleLine {
    pair: Pair,
    candle: Candle,
    closed: bool,
}

/// Predictors of the pairs, or one of all pairs if the model reads other pairs.
enum Predictors {
    Each { model: Arc<dyn FittedModel>, of: BTreeMap<Pair, Predictor> },
    Together(Box<PanelPredictor>),
}

/// Answers each candle of standard input with lines on standard output, until it ends.
///
/// A line that is no candle is answered with an `error`; the state stays as it was.
pub(super) fn follow(
    model: Box<dyn FittedModel>,
    mut positions: Positions,
    history: &[CandleSeries],
) -> Result<(), Error> {
    let mut predictors = Predictors::new(model.into(), history)?;
    for series in history {
        if let Some(tracker) = positions.of(series.pair()) {
            series.iter().for_each(|candle| tracker.take(candle)); // for the volatility
        }
    }
    for (index, line) in std::io::stdin().lock().lines().enumerate() {
        let line = line.map_err(|error| format!("standard input: {error}"))?;
        if line.trim().is_empty() {
            continue;
        }
        let parsed = CandleLine::parse(&line);
        let answered = parsed.and_then(|line| predictors.answer(&line, &mut positions));
        let answers = answered
            .unwrap_or_else(|error| vec![json!({ "line": index + 1, "error": error.to_string() })]);
        for answer in &answers {
            print_data(format!("{answer}\n").as_bytes())?;
        }
    }
    Ok(())
}

impl Predictors {
    fn new(model: Arc<dyn FittedModel>, history: &[CandleSeries]) -> Result<Self, Error> {
        let spec = model.spec();
        let read = spec.signals.pairs();
        if read.is_empty() {
            let mut of = BTreeMap::new();
            for series in history {
                of_pair(&model, &mut of, series.pair())?.warm_up(series)?;
            }
            return Ok(Self::Each { model, of });
        }
        let own = history.iter().map(CandleSeries::pair);
        let mut pairs: Vec<Pair> = own.chain(read).cloned().collect();
        pairs.sort_unstable();
        pairs.dedup();
        let panel = Panel::new(&spec.signals, spec.interval, &Registry::default(), &pairs)?;
        let mut predictor = PanelPredictor::new(model, panel)?;
        predictor.warm_up(history)?;
        Ok(Self::Together(Box::new(predictor)))
    }

    fn answer(
        &mut self,
        line: &CandleLine,
        positions: &mut Positions,
    ) -> Result<Vec<Value>, Error> {
        let CandleLine { pair, candle, closed } = line;
        match self {
            Self::Each { model, of } => {
                let outcome = of_pair(model, of, pair)?.on_update(candle, *closed)?;
                let tracker = positions.of(pair);
                let position = tracker.map(|tracker| tracker.on_outcome(candle, &outcome).size());
                Ok(vec![match outcome.prediction() {
                    Some(prediction) => as_json(pair, prediction, position),
                    None => without(pair, &outcome.to_string(), position),
                }])
            }
            Self::Together(_) if !closed => {
                let outcome = CandleOutcome::Unfinished { open_time: candle.open_time() };
                let position = positions.of(pair).map(|tracker| tracker.position().size());
                Ok(vec![without(pair, &outcome.to_string(), position)])
            }
            Self::Together(predictor) => {
                let update = predictor.on_candle(pair, candle)?;
                if let Some(tracker) = positions.of(pair).filter(|_| update.ignored.is_none()) {
                    tracker.take(candle);
                }
                let answers = answers(pair, &update, positions);
                if !answers.is_empty() {
                    return Ok(answers);
                }
                let names: Vec<&str> = predictor.waiting_for().map(Pair::as_str).collect();
                let position = positions.of(pair).map(|tracker| tracker.position().size());
                Ok(vec![without(pair, &format!("waits for {}", names.join(", ")), position)])
            }
        }
    }
}

/// Predictor of a pair, created at its first candle.
fn of_pair<'a>(
    model: &Arc<dyn FittedModel>,
    of: &'a mut BTreeMap<Pair, Predictor>,
    pair: &Pair,
) -> Result<&'a mut Predictor, Error> {
    match of.entry(pair.clone()) {
        Entry::Occupied(found) => Ok(found.into_mut()),
        Entry::Vacant(place) => {
            let builder = Predictor::builder(Arc::clone(model), model.spec().interval);
            Ok(place.insert(builder.pair(pair.clone()).build()?))
        }
    }
}

/// Predictions of the decided closes, the pairs without one, and the outcome of an ignored candle.
fn answers(pair: &Pair, update: &PanelUpdate<'_>, positions: &mut Positions) -> Vec<Value> {
    let mut answers = Vec::new();
    if let Some(outcome) = &update.ignored {
        let position = positions.of(pair).map(|tracker| tracker.position().size());
        answers.push(without(pair, &outcome.to_string(), position));
    }
    for (pair, found) in update.predictions {
        let position = positions.of(pair).map(|tracker| tracker.on_prediction(found).size());
        answers.push(as_json(pair, found, position));
    }
    for none in update.without {
        let reason = match &none.reason {
            NoPredictionReason::MissingCandle => "its candle is missing".to_string(),
            NoPredictionReason::WarmUp => "warming up".to_string(),
            NoPredictionReason::Undefined => "a channel has no value".to_string(),
            NoPredictionReason::Failed(error) => error.to_string(),
            _ => "no reason is known".to_string(),
        };
        let tracker = positions.of(&none.pair);
        let position = tracker.map(|tracker| tracker.without_prediction(none.decided_at).size());
        answers.push(without(&none.pair, &format!("{reason} at {}", none.decided_at), position));
    }
    answers
}

/// Answer without a prediction.
fn without(pair: &Pair, reason: &str, position: Option<f64>) -> Value {
    with_position(json!({ "pair": pair.as_str(), "direction": null, "reason": reason }), position)
}

impl CandleLine {
    /// Parses an object with `pair`, `open_time`, `open`, `high`, `low`, `close`, `volume` and
    /// optionally `closed`.
    fn parse(line: &str) -> Result<Self, Error> {
        let object: Value = serde_json::from_str(line)
            .map_err(|error| format!("not a JSON object: {error}; send one candle per line"))?;
        let pair = object["pair"].as_str().ok_or("pair must be a text, such as \"BTCUSDT\"")?;
        let number = |key: &'static str| {
            let value = object[key].as_f64();
            value.ok_or_else(|| format!("{key} must be a number, got {}", object[key]))
        };
        let values = Ohlcv {
            open: number("open")?,
            high: number("high")?,
            low: number("low")?,
            close: number("close")?,
            volume: number("volume")?,
        };
        let closed = match &object["closed"] {
            Value::Null => true,
            Value::Bool(closed) => *closed,
            other => return Err(format!("closed must be true or false, got {other}").into()),
        };
        let candle = Candle::new(open_time(&object["open_time"])?, values)?;
        Ok(Self { pair: pair.parse()?, candle, closed })
    }
}

/// Open time as a text, or as a number of milliseconds since 1970.
fn open_time(value: &Value) -> Result<Timestamp, Error> {
    match (value.as_str(), value.as_i64()) {
        (Some(text), _) => Ok(text.parse()?),
        (None, Some(millis)) if millis >= MIN_MILLIS => Ok(Timestamp::from_millis(millis)),
        _ => Err(format!(
            "open_time must be a text such as \"2024-01-01T05:00:00Z\" or milliseconds since 1970, \
             got {value}"
        )
        .into()),
    }
}
