//! Trading on paper: predictions of closed candles, their return after costs, and the final check
//! against the batch path.
use windvane::models::TableReader;
use windvane::prelude::*;

use crate::Error;
use crate::connection::Connection;
use crate::wire::Message;

/// A bot for one pair.
#[derive(Debug)]
pub struct Bot {
    predictor: Predictor,
    pair: Pair,
    interval: Interval,
    /// Cost of a unit of turnover, as a fraction.
    cost: f64,
    /// All candles taken, oldest first.
    pub candles: Vec<Candle>,
    /// Predictions in the order of their candles.
    pub predictions: Vec<Prediction>,
    /// Position: 1 long, −1 short, 0 none.
    position: f64,
    /// Value of the account, which starts at 1.
    pub equity: f64,
    /// Closed candles that came again, or too late.
    pub repeated: usize,
    /// Candles that came on request only.
    pub fetched: usize,
}

impl Bot {
    /// Creates a bot without candles; `cost` in basis points per unit of turnover.
    pub fn new(
        model: impl DirectionModel + 'static,
        pair: Pair,
        cost: f64,
    ) -> Result<Self, ModelError> {
        let interval = model.spec().interval;
        Ok(Self {
            predictor: Predictor::new(model, interval)?,
            pair,
            interval,
            cost: cost / 1e4,
            candles: Vec::new(),
            predictions: Vec::new(),
            position: 0.0,
            equity: 1.0,
            repeated: 0,
            fetched: 0,
        })
    }

    /// Trades until the stream ends or that many predictions are made.
    pub fn run(&mut self, stream: &mut Connection<'_>, predictions: usize) -> Result<(), Error> {
        while self.predictions.len() < predictions {
            match stream.next()? {
                // A candle that has not closed may still change: nothing is predicted from it.
                Some(Message::Kline(_, false) | Message::History(..)) => {}
                Some(Message::Kline(candle, true)) => self.on_close(&candle, stream)?,
                None => break,
            }
        }
        Ok(())
    }

    /// Takes a closed candle; fetches those missing before it.
    fn on_close(&mut self, candle: &Candle, stream: &mut Connection<'_>) -> Result<(), Error> {
        let last = self.predictor.last_open_time();
        if last.is_some_and(|last| candle.open_time() <= last) {
            self.repeated += 1;
            return Ok(());
        }
        let needed = i64::try_from(self.predictor.candles_needed())?;
        let first = match last {
            Some(last) => last.plus(self.interval, 1),
            None => candle.open_time().plus(self.interval, -needed),
        };
        let first = first.ok_or("the end of time")?;
        if let Some(before) = candle.open_time().plus(self.interval, -1).filter(|b| *b >= first) {
            let missed = stream.fetch(first, before)?;
            self.fetched += missed.len();
            for candle in &missed {
                self.take(candle)?;
            }
        }
        self.take(candle)
    }

    /// Settles the position on the close of the candle and takes the next one.
    fn take(&mut self, candle: &Candle) -> Result<(), Error> {
        if let Some(last) = self.candles.last() {
            self.equity *= 1.0 + self.position * (candle.close() / last.close() - 1.0);
        }
        let prediction = self.predictor.on_candle(candle)?;
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

    /// The candles that the bot took.
    pub fn series(&self) -> Result<CandleSeries, Error> {
        Ok(CandleSeries::new(self.pair.clone(), self.interval, self.candles.clone())?)
    }

    /// Confirms that the batch path over the same candles has the same predictions, bit for bit.
    pub fn check(&self) -> Result<(), Error> {
        let (model, series) = (self.predictor.model(), self.series()?);
        let registry = Registry::default();
        let tables = [SignalTable::build(&model.spec().signals, &registry, &series, &[])?];
        let mut reader = TableReader::new(model, &tables);
        let batch = (0..series.len()).filter_map(|row| reader.predict(0, row).transpose());
        let batch: Vec<Prediction> = batch.collect::<Result<_, _>>()?;
        if batch != self.predictions {
            return Err("live predictions differ from those of the batch path".into());
        }
        Ok(())
    }
}
