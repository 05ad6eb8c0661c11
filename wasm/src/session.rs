//! Session of the page: a model, the candles of a file, predictions as JSON.
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};
use windvane_models::candles::{Candle, CandleSeries, Direction, Pair, Timestamp};
use windvane_models::{FittedModel, Prediction, Predictor, v32};

use crate::csv;

/// Error message of a failed job of the page, for its user.
#[derive(Debug)]
pub struct SessionError(String);

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for SessionError {}

fn failed(error: impl Error) -> SessionError {
    SessionError(error.to_string())
}

/// Model and candles of the page.
#[derive(Debug)]
pub struct Session {
    model: Arc<dyn FittedModel>,
    series: Option<CandleSeries>,
}

impl Default for Session {
    /// Creates a session with the pretrained model and without candles.
    fn default() -> Self {
        Self { model: Arc::new(v32::pretrained()), series: None }
    }
}

impl Session {
    /// Replaces the model by a saved one and returns its description.
    ///
    /// # Errors
    /// [`SessionError`] for bytes that are not a saved model; the model stays.
    pub fn load_model(&mut self, bytes: &[u8]) -> Result<Value, SessionError> {
        self.model = Arc::from(windvane_ensemble::kinds().from_bytes(bytes).map_err(failed)?);
        Ok(self.described())
    }

    /// Reads the candles of a CSV file and returns their description; the pair is the name of the
    /// file up to the first dot, the interval that of the model.
    ///
    /// # Errors
    /// [`SessionError`] with the line of a file that cannot be read as candles; there are no candles
    /// then.
    pub fn read(&mut self, name: &str, content: &[u8]) -> Result<Value, SessionError> {
        self.series = None;
        let pair = Pair::new(name.split('.').next().unwrap_or_default()).map_err(failed)?;
        let text = str::from_utf8(content).map_err(failed)?;
        let candles =
            csv::parse(text).map_err(|problem| SessionError(format!("{name}: {problem}")))?;
        let interval = self.model.spec().interval;
        let series = CandleSeries::new(pair, interval, candles).map_err(|error| {
            SessionError(format!("{name}: {error}; the model reads {interval} candles"))
        })?;
        let candles = series.candles();
        let described = json!({
            "pair": series.pair().as_str(),
            "interval": interval.to_string(),
            "candles": candles.len(),
            "missing": series.gaps().map(|gap| gap.missing).sum::<u64>(),
            "from": candles.first().map(|candle| candle.open_time().to_string()),
            "until": candles.last().map(|candle| candle.open_time().to_string()),
        });
        self.series = Some(series);
        Ok(described)
    }

    /// Predicts at every candle and returns the columns of the predictions.
    ///
    /// The columns have one value per candle; without a prediction it is `null`. `tested` counts the
    /// predictions of UP and DOWN after the candles that the model was fitted on.
    ///
    /// # Errors
    /// [`SessionError`] without candles, for candles of another interval than the model's, and for a
    /// model that reads other pairs.
    pub fn predict(&self) -> Result<Value, SessionError> {
        let none = || SessionError("no candles; read a file of candles first".to_string());
        let series = self.series.as_ref().ok_or_else(none)?;
        let mut predictor =
            Predictor::new(self.model.clone(), series.interval()).map_err(failed)?;
        let mut predictions = Vec::with_capacity(series.candles().len());
        for candle in series.candles() {
            let outcome = predictor.on_candle(candle).map_err(failed)?;
            predictions.push(outcome.into_prediction());
        }
        let class = |index: usize| {
            predictions.iter().map(move |prediction| {
                prediction.as_ref().map(|prediction| prediction.probabilities.classes()[index])
            })
        };
        let columns = |index| -> Value { class(index).collect::<Vec<_>>().into() };
        let direction = predictions.iter().map(|one| one.as_ref().map(|p| p.direction.to_string()));
        let candles = series.candles();
        let millis = |candle: &Candle| candle.open_time().millis();
        Ok(json!({
            "model": self.described(),
            "pair": series.pair().as_str(),
            "time": candles.iter().map(millis).collect::<Vec<_>>(),
            "close": candles.iter().map(Candle::close).collect::<Vec<_>>(),
            "up": columns(0),
            "down": columns(1),
            "neutral": columns(2),
            "direction": direction.collect::<Vec<_>>(),
            "tested": tested(&predictions, candles, self.trained_until()),
        }))
    }

    /// Returns the end of the candles that the model was fitted on.
    fn trained_until(&self) -> Option<Timestamp> {
        self.model.record().map(|record| record.validated_until)
    }

    fn described(&self) -> Value {
        let spec = self.model.spec();
        json!({
            "id": self.model.id().as_str(),
            "interval": spec.interval.to_string(),
            "lookback": spec.lookback,
            "pairs": self.model.record().map(|record| record.pairs.clone()),
            "trained_until": self.trained_until().map(|time| time.to_string()),
        })
    }
}

/// Counts the predictions of UP and DOWN after a time whose close moved, and the correct ones.
///
/// A model without a known training period has no tested predictions: it may have seen the candles.
fn tested(
    predictions: &[Option<Prediction>],
    candles: &[Candle],
    after: Option<Timestamp>,
) -> Value {
    let (mut count, mut correct) = (0_usize, 0_usize);
    for (row, prediction) in predictions.iter().enumerate() {
        let Some(prediction) = prediction else { continue };
        let Some(later) = candles.get(row + prediction.horizon) else { continue };
        let change = later.close() - candles[row].close();
        let is_after = after.is_some_and(|time| prediction.decided_at >= time);
        if is_after && change != 0.0 && prediction.direction != Direction::Neutral {
            count += 1;
            correct += usize::from((prediction.direction == Direction::Up) == (change > 0.0));
        }
    }
    json!({ "predictions": count, "correct": correct })
}
