//! Global data of the engine state: candles from trades, predictions of all instruments.
use std::sync::Arc;
use std::time::Duration;

use barter::engine::Processor;
use barter_data::event::{DataKind, MarketEvent};
use barter_data::subscription::trade::PublicTrade;
use barter_execution::AccountEvent;
use barter_instrument::Side;
use barter_instrument::exchange::ExchangeId;
use barter_instrument::index::IndexedInstruments;
use barter_instrument::instrument::InstrumentIndex;
use windvane_candles::{
    Candle, CandleBuilder, CandleSeries, FeedError, Interval, Pair, PairError, Timestamp, Trade,
    TradeSide,
};
use windvane_models::{FittedModel, PanelPredictor, PanelUpdate, PredictError, Prediction};
use windvane_signals::{Panel, Registry, SignalError};

/// Time after a close during which trades of the candle may arrive.
const DELAY_MILLIS: i64 = 1_000;

/// Global data of barter's engine state: builds a candle per instrument and interval from trades,
/// and predicts all instruments together.
///
/// The pairs of the model have the exchange's names of the instruments, such as `BTCUSDT`. Every
/// market event moves the clock: a candle closes with the first trade after it, or a second after
/// its close time, and a close is decided a second after it at the latest. An instrument without a
/// trade in an interval has no candle and no prediction at that close.
///
/// The first candle of each instrument is incomplete and is not used; see
/// [`complete_from`](Self::complete_from). A clone has a state of its own.
pub struct PredictionState {
    model: Arc<dyn FittedModel>,
    interval: Interval,
    instruments: Vec<InstrumentPrediction>,
    predictor: PanelPredictor,
    /// Close time of the interval of the clock.
    next_close: Option<Timestamp>,
    predicted: u64,
    rejected: u64,
    last_rejection: Option<String>,
}

/// Trades and prediction of one instrument.
#[derive(Debug, Clone)]
struct InstrumentPrediction {
    exchange: ExchangeId,
    pair: Pair,
    builder: CandleBuilder,
    latest: Option<Prediction>,
}

/// Error of the construction of a [`PredictionState`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The exchange's name of an instrument is no name of a pair.
    #[error(transparent)]
    Pair(#[from] PairError),
    /// A channel of the model cannot be computed for these instruments, or two instruments have
    /// the same name.
    #[error(transparent)]
    Signal(#[from] SignalError),
    /// The model reads candles by session, which cannot be built from trades.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The model and the instruments do not fit, or a candle of the history was rejected.
    #[error(transparent)]
    Predict(#[from] PredictError),
}

impl PredictionState {
    /// Creates the state for a model and the instruments of the engine.
    ///
    /// # Errors
    /// [`StateError`] for two instruments with the same name, for a channel that reads a pair which
    /// is not among the instruments, and for a model of candles by session.
    pub fn new(
        model: impl FittedModel + 'static,
        instruments: &IndexedInstruments,
    ) -> Result<Self, StateError> {
        let model: Arc<dyn FittedModel> = Arc::new(model);
        let interval = model.spec().interval;
        if interval.is_by_session() {
            return Err(FeedError::BySession { interval }.into());
        }
        let instruments = instruments.instruments().iter().map(|keyed| {
            let (exchange, name) = (keyed.value.exchange.value, &keyed.value.name_exchange);
            let (pair, builder) = (Pair::new(name.name().as_str())?, CandleBuilder::new(interval));
            Ok(InstrumentPrediction { exchange, pair, builder, latest: None })
        });
        let instruments = instruments.collect::<Result<Vec<_>, PairError>>()?;
        let predictor = predictor(&model, &instruments)?;
        let (next_close, last_rejection) = (None, None);
        let (predicted, rejected) = (0, 0);
        Ok(Self {
            model,
            interval,
            instruments,
            predictor,
            next_close,
            predicted,
            rejected,
            last_rejection,
        })
    }

    /// Takes the candles before the stream without predicting.
    ///
    /// # Errors
    /// [`StateError::Predict`] for a candle that the predictor rejects.
    pub fn warm_up(&mut self, history: &[CandleSeries]) -> Result<(), StateError> {
        Ok(self.predictor.warm_up(history)?)
    }

    /// States that the stream has all trades from `time` on, so that the first candle from then on
    /// is complete.
    pub fn complete_from(&mut self, time: Timestamp) {
        for instrument in &mut self.instruments {
            instrument.builder = CandleBuilder::complete_from(self.interval, time);
        }
    }

    /// Drops the running candles of an exchange, whose trades are no longer complete; call it in
    /// `OnDisconnectStrategy::on_disconnect`. The next complete candle follows a gap.
    pub fn on_disconnect(&mut self, exchange: ExchangeId) {
        for instrument in self.instruments.iter_mut().filter(|own| own.exchange == exchange) {
            instrument.builder = CandleBuilder::new(self.interval);
        }
    }

    /// Returns the prediction of the last decided close of an instrument; `None` without one.
    pub fn prediction(&self, instrument: InstrumentIndex) -> Option<&Prediction> {
        self.instruments.get(instrument.index())?.latest.as_ref()
    }

    /// Returns the number of predictions since the start.
    pub fn predicted(&self) -> u64 {
        self.predicted
    }

    /// Returns the number of rejected trades, candles and times, and the reason for the last one.
    pub fn rejected(&self) -> (u64, Option<&str>) {
        (self.rejected, self.last_rejection.as_deref())
    }

    /// Returns the predictor of all instruments.
    pub fn predictor(&self) -> &PanelPredictor {
        &self.predictor
    }

    fn on_trade(&mut self, place: usize, time: Timestamp, trade: &PublicTrade) {
        let side = Some(match trade.side {
            Side::Buy => TradeSide::Buy,
            Side::Sell => TradeSide::Sell,
        });
        let trade = Trade { time, price: trade.price, size: trade.amount, side };
        match self.instruments[place].builder.on_trade(&trade) {
            Ok(Some(closed)) => self.on_candle(place, &closed.candle),
            Ok(None) => {}
            Err(error) => self.reject(error),
        }
    }

    /// Closes the candles and decides the closes that are a second old, once per interval.
    fn set_time(&mut self, now: Timestamp) {
        let due = Timestamp::from_millis(now.millis().saturating_sub(DELAY_MILLIS));
        if self.next_close.is_some_and(|close| due < close) {
            return;
        }
        for place in 0..self.instruments.len() {
            match self.instruments[place].builder.advance(due) {
                Ok(Some(closed)) => self.on_candle(place, &closed.candle),
                Ok(None) => {}
                // A damaged time would close everything before it.
                Err(error) => return self.reject(error),
            }
        }
        self.next_close = self.interval.floor(due).plus(self.interval, 1);
        let update = self.predictor.set_time(due);
        self.predicted += take(&mut self.instruments, &update);
    }

    fn on_candle(&mut self, place: usize, candle: &Candle) {
        match self.predictor.on_candle(&self.instruments[place].pair, candle) {
            Ok(update) => self.predicted += take(&mut self.instruments, &update),
            Err(error) => self.reject(error),
        }
    }

    #[cold]
    fn reject(&mut self, error: impl std::fmt::Display) {
        self.rejected += 1;
        self.last_rejection = Some(error.to_string());
    }
}

/// Creates the predictor of the instruments; it waits for candles until the clock decides a close.
fn predictor(
    model: &Arc<dyn FittedModel>,
    instruments: &[InstrumentPrediction],
) -> Result<PanelPredictor, StateError> {
    let pairs: Vec<Pair> = instruments.iter().map(|own| own.pair.clone()).collect();
    let spec = model.spec();
    let mut panel = Panel::new(&spec.signals, spec.interval, &Registry::default(), &pairs)?;
    panel.set_max_wait(Duration::ZERO)?;
    Ok(PanelPredictor::new(Arc::clone(model), panel)?)
}

/// Stores the predictions of an update, and their absence; returns their number.
fn take(instruments: &mut [InstrumentPrediction], update: &PanelUpdate<'_>) -> u64 {
    for own in instruments {
        let without = update.without.iter().rev().find(|none| none.pair == own.pair);
        let predicted = update.predictions.iter().rev().find(|(pair, _)| *pair == own.pair);
        match (predicted, without) {
            (Some((_, new)), none) if none.is_none_or(|none| none.decided_at < new.decided_at) => {
                own.latest = Some(new.clone());
            }
            (_, Some(_)) => own.latest = None,
            _ => {}
        }
    }
    update.predictions.len() as u64
}

impl Processor<&MarketEvent<InstrumentIndex, DataKind>> for PredictionState {
    type Audit = ();

    fn process(&mut self, event: &MarketEvent<InstrumentIndex, DataKind>) {
        let time = Timestamp::from_millis(event.time_exchange.timestamp_millis());
        if let DataKind::Trade(trade) = &event.kind {
            self.on_trade(event.instrument.index(), time, trade);
        }
        self.set_time(time);
    }
}

impl Processor<&AccountEvent> for PredictionState {
    type Audit = ();

    fn process(&mut self, _: &AccountEvent) {}
}

impl Clone for PredictionState {
    fn clone(&self) -> Self {
        let mut predictor = predictor(&self.model, &self.instruments)
            .expect("invariant: the model and the pairs made a predictor before");
        predictor
            .restore(&self.predictor.save())
            .expect("invariant: the state is that of the same model and pairs");
        Self {
            model: Arc::clone(&self.model),
            interval: self.interval,
            instruments: self.instruments.clone(),
            predictor,
            next_close: self.next_close,
            predicted: self.predicted,
            rejected: self.rejected,
            last_rejection: self.last_rejection.clone(),
        }
    }
}

impl std::fmt::Debug for PredictionState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PredictionState")
            .field("instruments", &self.instruments)
            .field("predictor", &self.predictor)
            .field("predicted", &self.predicted)
            .field("rejected", &self.rejected)
            .field("last_rejection", &self.last_rejection)
            .finish_non_exhaustive()
    }
}
