//! Predictor of many pairs: takes candles in any order within a close, returns predictions.
use std::fmt;
use std::sync::Arc;

use windvane_candles::{Candle, CandleSeries, Direction, Interval, Pair, Timestamp};
use windvane_signals::{Panel, PanelStats, SignalError, SignalRows, StateReader, StateWriter};

use super::guard::Guard;
use super::misfit;
use super::recurrent::{self, SavedState};
use super::rows::RowRing;
use super::state::{self, HEADER};
use crate::{CandleOutcome, FittedModel, PredictError, Prediction, Scratch, TrainingProfile};

/// Magic number of a state: the bytes of "windpanl".
const MAGIC: u64 = u64::from_le_bytes(*b"windpanl");

/// Predictor of many pairs that are predicted together, such as all pairs of an exchange.
///
/// A [`Panel`] computes the quantities of the market once per close, and one model, or one of each
/// pair, predicts from the pairs' windows. The predictions have the bits of the batch path, for any
/// order of arrival within a close. After the warm-up there is no allocation.
///
/// Waiting, late candles and session closes are described at [`Panel`]. Each pair can have a
/// [guard](Self::set_guard); expiry belongs to the [`Predictor`](crate::Predictor) of one pair.
///
/// # Examples
/// ```
/// use windvane_candles::{Interval, Pair, simulate::MarketModel};
/// use windvane_models::{DirectionModel, PanelPredictor, v32};
/// use windvane_signals::{Panel, Registry};
///
/// let pairs: Vec<Pair> = vec!["A".parse()?, "B".parse()?];
/// let model = v32::pretrained();
/// let panel = Panel::new(&model.spec().signals, Interval::HOUR, &Registry::default(), &pairs)?;
/// let mut predictor = PanelPredictor::new(model, panel)?;
/// let series = [0, 1].map(|k| {
///     MarketModel::AR1.candles(pairs[k].clone(), Interval::HOUR, 60, k as u64).unwrap()
/// });
/// let mut predictions = 0;
/// for (a, b) in series[0].iter().zip(&series[1]) {
///     assert_eq!(predictor.on_candle(&pairs[1], b)?.predictions.len(), 0); // waits for A
///     predictions += predictor.on_candle(&pairs[0], a)?.predictions.len();
/// }
/// assert_eq!(predictions, 2 * (60 - 44)); // the first at the 45th candle
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PanelPredictor {
    panel: Panel,
    /// The shared model, then those of single pairs.
    models: Vec<PanelModel>,
    /// State of each pair, by its place in the panel.
    pairs: Vec<PairState>,
    /// Buffers for the update that is returned.
    predictions: Vec<(Pair, Prediction)>,
    without: Vec<NoPrediction>,
}

/// A model and its scratch memory.
struct PanelModel {
    model: Box<dyn FittedModel>,
    scratch: Scratch,
}

/// Rows and recurrent state of one pair.
struct PairState {
    /// Index of the pair's model.
    model: usize,
    rows: RowRing,
    /// Recurrent state of a stateful model; empty for others.
    state: Vec<f32>,
    /// Number of rows since the start or the last reset.
    seen: usize,
    guard: Option<Box<Guard>>,
}

/// Predictions of the closes that a candle or a time has decided.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PanelUpdate<'a> {
    /// Predictions in order of close.
    pub predictions: &'a [(Pair, Prediction)],
    /// Pairs of these closes without a prediction.
    pub without: &'a [NoPrediction],
    /// Outcome of an ignored candle: [`Duplicate`](CandleOutcome::Duplicate),
    /// [`Revised`](CandleOutcome::Revised) or [`Late`](CandleOutcome::Late); `None` for an accepted
    /// candle.
    pub ignored: Option<CandleOutcome>,
}

/// A pair without a prediction at a decided close.
#[derive(Debug)]
#[non_exhaustive]
pub struct NoPrediction {
    /// Name of the pair.
    pub pair: Pair,
    /// Close time at which it has no prediction.
    pub decided_at: Timestamp,
    /// Reason for it.
    pub reason: NoPredictionReason,
}

/// Reason why a pair has no prediction.
#[derive(Debug)]
#[non_exhaustive]
pub enum NoPredictionReason {
    /// The pair's candle had not arrived when the close was decided.
    MissingCandle,
    /// The pair has too few candles since the start or the last reset.
    WarmUp,
    /// A channel is undefined in the window, for example after a missing candle.
    Undefined,
    /// The model returned an error; the candle has been consumed.
    Failed(PredictError),
}

impl PanelPredictor {
    /// Creates a predictor of the panel's pairs that share a model.
    ///
    /// # Errors
    /// [`PredictError::Interval`] if the model was fitted on candles of another interval,
    /// [`PredictError::OtherChannels`] if the panel has another spec.
    pub fn new(model: impl FittedModel + 'static, panel: Panel) -> Result<Self, PredictError> {
        check(&model, &panel)?;
        let states = panel.pairs().iter().map(|_| PairState::new(0, &model));
        let pairs = states.collect::<Result<Vec<_>, _>>()?;
        let model = PanelModel { scratch: model.scratch(), model: Box::new(model) };
        let (predictions, without) =
            (Vec::with_capacity(pairs.len()), Vec::with_capacity(pairs.len()));
        Ok(Self { panel, models: vec![model], pairs, predictions, without })
    }

    /// Gives a pair a model of its own, which reads the same channels. Windows of the same length
    /// continue; others begin with the next row. The pair's guard is removed.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`SignalError::UnknownPair`]. The predictor is then unchanged.
    pub fn set_model(
        &mut self,
        pair: &Pair,
        model: impl FittedModel + 'static,
    ) -> Result<(), PredictError> {
        check(&model, &self.panel)?;
        let place = self.place(pair)?;
        let old = &mut self.pairs[place];
        // The first model is shared; a pair's own model is replaced.
        let index = if old.model == 0 { self.models.len() } else { old.model };
        let mut new = PairState { seen: old.seen, ..PairState::new(index, &model)? };
        if new.rows.lookback() == old.rows.lookback() {
            new.state = recurrent::from_rows(&model, &old.rows)?;
            std::mem::swap(&mut new.rows, &mut old.rows);
        }
        *old = new;
        let model = PanelModel { scratch: model.scratch(), model: Box::new(model) };
        match self.models.get_mut(index) {
            Some(replaced) => *replaced = model,
            None => self.models.push(model),
        }
        Ok(())
    }

    /// Turns predictions of a pair from now on into NEUTRAL where its market differs from the training
    /// profile, as [`Predictor::set_guard`](crate::Predictor::set_guard). Many pairs can share a
    /// profile; each has its own counts.
    ///
    /// # Errors
    /// [`SignalError::UnknownPair`]; [`PredictError::OtherProfile`] for a profile with other channels
    /// or another lookback than the pair's model.
    ///
    /// # Examples
    /// ```
    /// # use std::sync::Arc;
    /// # use windvane_models::{PanelPredictor, PredictError, TrainingProfile};
    /// fn guarded(predictor: &mut PanelPredictor, profile: TrainingProfile) -> Result<(), PredictError> {
    ///     let profile = Arc::new(profile);
    ///     for pair in predictor.panel().pairs().to_vec() {
    ///         predictor.set_guard(&pair, Arc::clone(&profile))?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn set_guard(
        &mut self,
        pair: &Pair,
        profile: Arc<TrainingProfile>,
    ) -> Result<(), PredictError> {
        let place = self.place(pair)?;
        let state = &mut self.pairs[place];
        state.guard = Some(Box::new(Guard::of(&*self.models[state.model].model, profile)?));
        Ok(())
    }

    fn place(&self, pair: &Pair) -> Result<usize, SignalError> {
        let place = self.panel.pairs().iter().position(|own| own == pair);
        place.ok_or_else(|| SignalError::UnknownPair { pair: pair.clone() })
    }

    /// Takes a closed candle of a pair and returns the predictions that became possible: none while
    /// its close waits for other pairs, those of one close, or of several. A duplicate, a revised
    /// and a late candle are [`ignored`](PanelUpdate::ignored).
    ///
    /// # Errors
    /// [`PredictError::Misaligned`], [`PredictError::FarAhead`], and [`PredictError::Signal`] for an
    /// unknown pair. The state is unchanged, except for the [`stats`](Self::stats).
    pub fn on_candle(
        &mut self,
        pair: &Pair,
        candle: &Candle,
    ) -> Result<PanelUpdate<'_>, PredictError> {
        if let Err(error) = self.panel.push(pair, candle) {
            let ignored = self.ignored(pair, candle, error)?;
            return Ok(PanelUpdate { predictions: &[], without: &[], ignored: Some(ignored) });
        }
        Ok(self.decide(true))
    }

    /// Returns the outcome of an ordinary rejected candle, and the error otherwise.
    #[cold]
    fn ignored(
        &self,
        pair: &Pair,
        candle: &Candle,
        error: SignalError,
    ) -> Result<CandleOutcome, PredictError> {
        match error {
            SignalError::Late { open_time, last } => Ok(CandleOutcome::Late { open_time, last }),
            SignalError::Duplicate { open_time } => {
                let is_same = self.panel.received(pair, open_time) == Some(candle);
                Ok(if is_same {
                    CandleOutcome::Duplicate { open_time }
                } else {
                    CandleOutcome::Revised { open_time }
                })
            }
            error => Err(error.into()),
        }
    }

    /// Moves the clock to `now` and returns the predictions of the closes whose wait is over, as
    /// [`Panel::set_time`]. Call it about as often as [`Panel::set_max_wait`] is long.
    pub fn set_time(&mut self, now: Timestamp) -> PanelUpdate<'_> {
        self.panel.set_time(now);
        self.decide(true)
    }

    /// Takes historical candles of the pairs without predicting, in order of their close times.
    /// Later predictions are the same as if [`on_candle`](Self::on_candle) had taken them. Candles
    /// up to the [last decided close](Self::last_open_time) are skipped.
    ///
    /// # Errors
    /// [`PredictError::Interval`] for a series of another interval; the errors of
    /// [`on_candle`](Self::on_candle). The candles before the rejected one have been consumed.
    pub fn warm_up(&mut self, history: &[CandleSeries]) -> Result<(), PredictError> {
        let expected = self.panel.interval();
        if let Some(other) = history.iter().find(|series| series.interval() != expected) {
            return Err(PredictError::Interval { expected, got: other.interval() });
        }
        let last = self.last_open_time();
        let mut candles: Vec<(Option<Timestamp>, &Pair, &Candle)> = Vec::new();
        for series in history {
            let indexed = series.iter().enumerate();
            let new = indexed.filter(|(_, candle)| Some(candle.open_time()) > last);
            candles.extend(new.map(|(k, candle)| (series.close_time(k), series.pair(), candle)));
        }
        candles.sort_by_key(|(close_time, ..)| *close_time);
        for (_, pair, candle) in candles {
            self.panel.push(pair, candle)?;
            self.decide(false);
            if let Some(NoPrediction { reason: NoPredictionReason::Failed(error), .. }) =
                self.without.pop()
            {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Takes the rows of the decided closes, and predicts if `predicts`; otherwise the update
    /// contains only failures.
    fn decide(&mut self, predicts: bool) -> PanelUpdate<'_> {
        let Self { panel, models, pairs, predictions, without } = self;
        predictions.clear();
        without.clear();
        let (warm_up, interval) = (panel.warm_up(), panel.interval());
        while let Some(close) = panel.next_close() {
            let decided_at = close.close_time();
            for (place, rows) in close.rows() {
                let state = &mut pairs[place];
                let model = &mut models[state.model];
                let taken = match rows {
                    Some(rows) => {
                        state.take_candle(close.candle(place), interval);
                        state.take(rows, model)
                    }
                    None => Err(NoPredictionReason::MissingCandle),
                };
                if taken.is_ok() {
                    state.watch(decided_at);
                }
                if !predicts && !matches!(taken, Err(NoPredictionReason::Failed(_))) {
                    continue;
                }
                match taken.and_then(|()| state.predict(model, decided_at, warm_up)) {
                    Ok(prediction) => predictions.push((close.pair(place).clone(), prediction)),
                    Err(reason) => {
                        let pair = close.pair(place).clone();
                        without.push(NoPrediction { pair, decided_at, reason });
                    }
                }
            }
        }
        PanelUpdate { predictions, without, ignored: None }
    }
}

impl PairState {
    fn new(model: usize, fitted: &dyn FittedModel) -> Result<Self, PredictError> {
        let spec = fitted.spec();
        spec.validate()?;
        let rows = RowRing::new(spec.lookback, spec.signals.width());
        Ok(Self {
            model,
            rows,
            state: vec![0.0; recurrent::state_len(fitted)],
            seen: 0,
            guard: None,
        })
    }

    /// Passes a candle to the guard.
    fn take_candle(&mut self, candle: Option<&Candle>, interval: Interval) {
        if let (Some(guard), Some(candle)) = (&mut self.guard, candle) {
            guard.take_candle(candle, interval);
        }
    }

    /// Passes the window of a decision to the guard.
    fn watch(&mut self, decided_at: Timestamp) {
        if let (Some(guard), Some(window)) = (&mut self.guard, self.rows.window(decided_at)) {
            guard.take(&window);
        }
    }

    /// Adds the rows of a candle.
    fn take(
        &mut self,
        rows: SignalRows<'_>,
        model: &mut PanelModel,
    ) -> Result<(), NoPredictionReason> {
        let restarted = rows.restarted();
        self.rows.take(rows);
        self.seen = if restarted { 0 } else { self.seen }.saturating_add(rows.len());
        let PanelModel { model, scratch } = model;
        recurrent::take(&**model, rows, restarted, &mut self.state, scratch)
            .map_err(NoPredictionReason::Failed)
    }

    fn predict(
        &self,
        model: &mut PanelModel,
        decided_at: Timestamp,
        warm_up: usize,
    ) -> Result<Prediction, NoPredictionReason> {
        let Some(window) = self.rows.window(decided_at) else {
            let warming = self.seen < warm_up + self.rows.lookback();
            let reason =
                if warming { NoPredictionReason::WarmUp } else { NoPredictionReason::Undefined };
            return Err(reason);
        };
        let PanelModel { model, scratch } = model;
        let prediction = match model.stateful().filter(|_| !self.state.is_empty()) {
            Some(model) => model.predict_with_state(window, &self.state, scratch),
            None => model.predict(window, scratch),
        };
        let prediction = prediction.map_err(NoPredictionReason::Failed)?;
        let veto = match &self.guard {
            Some(guard) if prediction.direction != Direction::Neutral => guard.veto(&window),
            _ => None,
        };
        Ok(match veto {
            Some(reason) => prediction.into_neutral(reason),
            None => prediction,
        })
    }
}

/// Properties and state.
impl PanelPredictor {
    /// Pairs whose candles the next close waits for; none if no candle waits.
    pub fn waiting_for(&self) -> impl Iterator<Item = &Pair> {
        self.panel.waiting_for()
    }

    /// Returns the counts of candles and closes.
    pub fn stats(&self) -> PanelStats {
        self.panel.stats()
    }

    /// Returns the open time of the last decided close.
    pub fn last_open_time(&self) -> Option<Timestamp> {
        self.panel.last_open_time()
    }

    /// Returns the panel.
    pub fn panel(&self) -> &Panel {
        &self.panel
    }

    /// Serialises the state of all pairs, waiting candles included, for [`restore`](Self::restore)
    /// after a restart; write the bytes with [`replace_file`](crate::replace_file).
    ///
    /// The bytes contain the pairs, their session closes and the channels, but no model. They fit
    /// every model with the same spec. Set the guards before [`restore`](Self::restore).
    pub fn save(&self) -> Vec<u8> {
        let mut state = StateWriter::default();
        self.panel.save(&mut state);
        for pair in &self.pairs {
            state.count(pair.seen);
            pair.rows.save(&mut state);
            recurrent::save(&*self.models[pair.model].model, &pair.state, &mut state);
        }
        self.save_guards(&mut state);
        state::pack(MAGIC, self.spec_hash(), state)
    }

    /// Restores a state that [`save`](Self::save) returned for the same pairs and models with the
    /// same specs. The next predictions have the bits of the saved predictor; the recurrent state
    /// of another model is computed from the windows.
    ///
    /// # Errors
    /// [`PredictError::Signal`] with [`SignalError::StateMismatch`] names the pair, channel or
    /// setting that differs; [`PredictError::State`] for damaged bytes and another model spec. The
    /// predictor is unchanged.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), PredictError> {
        let words = state::unpack(MAGIC, self.spec_hash(), bytes)?;
        let mut before = StateWriter::default();
        self.panel.save(&mut before);
        let state = &mut StateReader::new(&words[HEADER..]);
        self.panel.restore(state)?;
        match self.restored_pairs(state) {
            Ok(pairs) => {
                self.pairs = pairs;
                Ok(())
            }
            Err(error) => {
                self.panel.restore(&mut StateReader::new(&before.into_words()))?;
                Err(error)
            }
        }
    }

    /// Writes the guards of the pairs; nothing if no pair has one.
    fn save_guards(&self, state: &mut StateWriter) {
        if self.pairs.iter().all(|pair| pair.guard.is_none()) {
            return;
        }
        for pair in &self.pairs {
            state.count(usize::from(pair.guard.is_some()));
            if let Some(guard) = &pair.guard {
                guard.save(state);
            }
        }
    }

    /// Reads the guards that [`save_guards`](Self::save_guards) wrote, into the same guards.
    fn restore_guards(
        &self,
        pairs: &mut [PairState],
        state: &mut StateReader<'_>,
    ) -> Result<(), PredictError> {
        let saved = state.clone().finish().is_err();
        for (pair, own) in pairs.iter_mut().zip(&self.pairs) {
            let has_guard = saved && state.count()? == 1;
            pair.guard = match (&own.guard, has_guard) {
                (Some(guard), true) => Some(Box::new(guard.restored(state)?)),
                (None, false) => None,
                _ => {
                    return misfit(
                        "either the state or this predictor has no guard of a pair; set the same guards",
                    );
                }
            };
        }
        Ok(())
    }

    fn restored_pairs(&self, state: &mut StateReader<'_>) -> Result<Vec<PairState>, PredictError> {
        let restored = self.pairs.iter().map(|pair| {
            let model = &*self.models[pair.model].model;
            let seen = state.count()?;
            let rows = pair.rows.restored(state)?;
            let saved = if pair.state.is_empty() { None } else { SavedState::read(state)? };
            let state = match saved.and_then(|saved| saved.numbers_for(model)) {
                Some(numbers) => numbers,
                None => recurrent::from_rows(model, &rows)?,
            };
            Ok(PairState { model: pair.model, rows, state, seen, guard: None })
        });
        let mut pairs = restored.collect::<Result<Vec<_>, PredictError>>()?;
        self.restore_guards(&mut pairs, state)?;
        state.clone().finish()?;
        Ok(pairs)
    }

    fn spec_hash(&self) -> u64 {
        state::fingerprint(self.models[0].model.spec())
    }
}

/// Checks that a model reads the channels of a panel.
fn check(model: &dyn FittedModel, panel: &Panel) -> Result<(), PredictError> {
    let spec = model.spec();
    super::predictor::check(spec, panel.interval())?;
    if spec.signals == *panel.spec() {
        return Ok(());
    }
    Err(PredictError::OtherChannels { model: model.id().to_string() })
}

/// Shows the models, the number of pairs and the counts, without rows and candles.
impl fmt::Debug for PanelPredictor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let models: Vec<_> = self.models.iter().map(|model| model.model.id()).collect();
        f.debug_struct("PanelPredictor")
            .field("models", &models)
            .field("pairs", &self.pairs.len())
            .field("last_open_time", &self.last_open_time())
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
