//! Paper trading: predictions after closed candles, and their return after costs.
#![expect(clippy::print_stdout, reason = "an example prints its results")]
use windvane::models::TableReader;
use windvane::prelude::*;

use crate::{Error, connection::Connection, wire::Message};

/// Bot for one pair.
#[derive(Debug)]
pub struct Bot {
    predictor: Predictor,
    /// Cost per unit of turnover, a fraction.
    cost: f64,
    /// Current position: 1 long, −1 short, 0 none.
    position: f64,
    /// Value of the account, which starts at 1.
    pub equity: f64,
    /// All accepted candles, oldest first.
    pub candles: Vec<Candle>,
    /// Predictions in the order of their candles.
    pub predictions: Vec<Prediction>,
    /// Number of closed candles that were duplicates or late.
    pub repeated: usize,
    /// Number of missing candles that were requested.
    pub fetched: usize,
}

impl Bot {
    /// Creates a bot without candles; `cost` is in basis points per unit of turnover.
    pub fn new(model: impl FittedModel + 'static, cost: f64) -> Result<Self, Error> {
        let interval = model.spec().interval;
        let predictor = Predictor::new(model, interval)?;
        let (cost, candles, predictions) = (cost / 1e4, Vec::new(), Vec::new());
        let (position, equity, repeated, fetched) = (0.0, 1.0, 0, 0);
        Ok(Self { predictor, cost, position, equity, candles, predictions, repeated, fetched })
    }

    /// Trades until the stream ends or there are `predictions` predictions.
    pub fn run(&mut self, stream: &mut Connection, predictions: usize) -> Result<(), Error> {
        while self.predictions.len() < predictions {
            match stream.read()? {
                // A candle that has not closed may still change, so there is no prediction from it.
                Some(Message::Kline(_, false) | Message::History(..)) => {}
                Some(Message::Kline(candle, true)) => self.on_close(&candle, stream)?,
                None => break,
            }
        }
        Ok(())
    }

    /// Consumes a closed candle, after requesting the missing candles before it.
    fn on_close(&mut self, candle: &Candle, stream: &mut Connection) -> Result<(), Error> {
        let interval = self.predictor.model().spec().interval;
        let needed = i64::try_from(self.predictor.candles_needed())?;
        let first = match self.predictor.last_open_time() {
            Some(last) if candle.open_time() <= last => {
                self.repeated += 1;
                return Ok(());
            }
            Some(last) => last.plus(interval, 1),
            None => candle.open_time().plus(interval, -needed),
        };
        let before = candle.open_time().plus(interval, -1);
        if let (Some(first), Some(before)) = (first, before)
            && first <= before
        {
            let missed = stream.fetch(first, before)?;
            self.fetched += missed.len();
            missed.iter().try_for_each(|candle| self.trade(candle))?;
        }
        self.trade(candle)
    }

    /// Settles the position at the close of a candle and opens the next one.
    fn trade(&mut self, candle: &Candle) -> Result<(), Error> {
        if let Some(last) = self.candles.last() {
            self.equity *= 1.0 + self.position * (candle.close() / last.close() - 1.0);
        }
        let prediction = self.predictor.on_candle(candle)?.into_prediction();
        if let Some(Prediction { decided_at, direction, confidence, .. }) = &prediction {
            let (close, percent) = (candle.close(), 100.0 * confidence);
            println!("{decided_at}  {close:>10.2}  {direction:<7} {percent:.1} %");
        }
        let position = match prediction.as_ref().map(|prediction| prediction.direction) {
            Some(Direction::Up) => 1.0,
            Some(Direction::Down) => -1.0,
            Some(Direction::Neutral) | None => 0.0,
        };
        self.equity *= 1.0 - self.cost * (position - self.position).abs();
        self.position = position;
        self.candles.push(*candle);
        self.predictions.extend(prediction);
        Ok(())
    }

    /// Checks that the batch path over the same candles gives the same predictions, bit for bit.
    pub fn check(&self, pair: Pair) -> Result<(), Error> {
        let (model, registry) = (self.predictor.model(), Registry::default());
        let series = CandleSeries::new(pair, model.spec().interval, self.candles.clone())?;
        let tables = [SignalTable::build(&model.spec().signals, &registry, &series, &[])?];
        let mut reader = TableReader::new(model, &tables);
        let batch = (0..series.len()).filter_map(|row| reader.predict(0, row).transpose());
        let batch: Vec<Prediction> = batch.collect::<Result<_, _>>()?;
        let same = batch == self.predictions;
        same.then_some(()).ok_or_else(|| "live predictions differ from the batch path".into())
    }
}
