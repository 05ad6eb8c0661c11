//! A model inside a live loop: candle in, prediction out.
use windvane_candles::{Candle, Interval};
use windvane_signals::{Market, Registry, SignalPipeline, Window};

use crate::{DirectionModel, ModelError, Prediction, Scratch};

/// Feeds a model candle by candle.
///
/// It runs the same pipeline and model as the batch path, so the predictions have the same
/// bits. It allocates nothing once built.
///
/// # Examples
/// With a model `m` fitted or loaded before:
/// ```
/// # use windvane_models::{DirectionModel, Predictor, ModelError};
/// # use windvane_candles::{Candle, Interval};
/// # fn live(m: impl DirectionModel + 'static, feed: Vec<Candle>) -> Result<(), ModelError> {
/// let mut predictor = Predictor::new(m, Interval::HOUR)?;
/// for candle in feed {
///     if let Some(prediction) = predictor.on_candle(&candle)? {
///         println!("{} with {:.0} %", prediction.direction, 100.0 * prediction.confidence);
///     }
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Predictor {
    model: Box<dyn DirectionModel>,
    pipeline: SignalPipeline,
    scratch: Scratch,
    rows: RowRing,
    /// Candles since the start or the last reset.
    seen: usize,
}

impl Predictor {
    /// A predictor for a feed of `interval` candles and a model that reads built-in channels.
    /// Many predictors can share one model: pass an `Arc` of it.
    ///
    /// # Errors
    /// [`ModelError::Interval`] when the model was fitted on candles of another interval,
    /// [`ModelError::Signal`] when a channel cannot be built, [`ModelError::Setting`] when the
    /// model's own spec is out of range.
    pub fn new(
        model: impl DirectionModel + 'static,
        interval: Interval,
    ) -> Result<Self, ModelError> {
        Self::with_registry(model, interval, &Registry::default())
    }

    /// A predictor for a model that reads a bot's own channels too.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_registry(
        model: impl DirectionModel + 'static,
        interval: Interval,
        registry: &Registry,
    ) -> Result<Self, ModelError> {
        let spec = model.spec();
        spec.validate()?;
        if spec.interval != interval {
            return Err(ModelError::Interval { expected: spec.interval, got: interval });
        }
        let pipeline = SignalPipeline::new(&spec.signals, interval, registry)?;
        let rows = RowRing::new(spec.lookback, pipeline.width());
        let scratch = model.scratch();
        Ok(Self { model: Box::new(model), pipeline, scratch, rows, seen: 0 })
    }

    /// Takes a closed candle (or one with other pairs' candles of the same time) and predicts;
    /// `None` while warming up.
    ///
    /// # Errors
    /// [`ModelError::Signal`] for a late, repeated, misaligned or (under that policy) missing
    /// candle, with the state as it was before; what [`DirectionModel::predict`] finds wrong.
    pub fn on_candle<'m>(
        &mut self,
        market: impl Into<Market<'m>>,
    ) -> Result<Option<Prediction>, ModelError> {
        let market = market.into();
        let candle: &Candle = market.own();
        let decided_at = candle.close_time(self.pipeline.interval());
        let rows = self.pipeline.update(market)?;
        if rows.restarted() {
            self.rows.clear();
            self.seen = 0;
        }
        self.seen += rows.len();
        for index in 0..rows.len() {
            self.rows.push(rows.get(index));
        }
        let Some(values) = self.rows.window() else { return Ok(None) };
        let Some(window) = Window::new(values, self.rows.width, decided_at) else {
            return Ok(None);
        };
        self.model.predict(window, &mut self.scratch).map(Some)
    }

    /// Candles still to come before the first prediction; 0 once warm. Where a channel is
    /// undefined for a while (another pair's candle is missing) it takes longer.
    pub fn candles_needed(&self) -> usize {
        let lookback = self.rows.lookback;
        let warming = (self.pipeline.warm_up() + lookback).saturating_sub(self.seen);
        warming.max(lookback - self.rows.run)
    }

    /// The model.
    pub fn model(&self) -> &dyn DirectionModel {
        &self.model
    }
}

/// The last rows, kept twice so that every window is one slice.
#[derive(Debug)]
struct RowRing {
    lookback: usize,
    width: usize,
    /// `2 × lookback` rows; row r of the second half repeats row r of the first.
    values: Vec<f64>,
    next: usize,
    /// Complete rows in a row.
    run: usize,
}

impl RowRing {
    fn new(lookback: usize, width: usize) -> Self {
        Self { lookback, width, values: vec![0.0; 2 * lookback * width], next: 0, run: 0 }
    }

    fn clear(&mut self) {
        self.run = 0;
    }

    fn push(&mut self, row: Option<&[f64]>) {
        let Some(row) = row else { return self.clear() };
        for half in [self.next, self.next + self.lookback] {
            self.values[half * self.width..(half + 1) * self.width].copy_from_slice(row);
        }
        self.next = (self.next + 1) % self.lookback;
        self.run = (self.run + 1).min(self.lookback);
    }

    /// The last `lookback` rows, oldest first, once there are that many.
    fn window(&self) -> Option<&[f64]> {
        let first = self.next * self.width;
        (self.run == self.lookback).then(|| &self.values[first..first + self.lookback * self.width])
    }
}
