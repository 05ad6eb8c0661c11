//! Paper trading: predictions after closed candles, and their return after costs.
#![expect(clippy::print_stdout, reason = "an example prints its results")]
use windvane::candles::{Action, Feed};
use windvane::models::{Policy, PositionTracker, TableReader};
use windvane::prelude::*;

use crate::{Error, connection::Connection, lines, wire::Message};

/// Bot for one pair.
#[derive(Debug)]
pub struct Bot {
    predictor: Predictor,
    /// Positions; by default those of a policy that trades every candle.
    pub tracker: PositionTracker,
    /// Order of the candles, with counts of duplicates and fetched ones.
    pub feed: Feed,
    /// Cost per unit of turnover, a fraction.
    cost: f64,
    /// Value of the account, which starts at 1.
    pub equity: f64,
    /// All accepted candles, oldest first.
    pub candles: Vec<Candle>,
    /// Predictions in the order of their candles.
    pub predictions: Vec<Prediction>,
}

impl Bot {
    /// Creates a bot without candles; `cost` is in basis points per unit of turnover.
    pub fn new(model: impl FittedModel + 'static, pair: Pair, cost: f64) -> Result<Self, Error> {
        let interval = model.spec().interval;
        let predictor = Predictor::builder(model, interval).pair(pair.clone()).build()?;
        let history = u32::try_from(predictor.candles_needed())?;
        let feed = Feed::new(pair, interval, None, history);
        let (candles, predictions) = (Vec::new(), Vec::new());
        let tracker = PositionTracker::new(Policy::every_candle(), interval);
        Ok(Self { predictor, tracker, feed, cost: cost / 1e4, equity: 1.0, candles, predictions })
    }

    /// Number of candles until the first prediction.
    pub fn candles_needed(&self) -> usize {
        self.predictor.candles_needed()
    }

    /// Trades until the stream ends or there are `predictions` predictions.
    pub fn run(&mut self, stream: &mut Connection, predictions: usize) -> Result<(), Error> {
        while self.predictions.len() < predictions {
            let action = match stream.read()? {
                Some(Message::Kline(candle, closed)) => self.feed.on_update(&candle, closed),
                Some(Message::History(from, candles)) => self.feed.on_fetched(from, &candles),
                None => break,
            };
            match action {
                Ok(Action::Use { missed, candle, .. }) => {
                    missed.iter().chain([&candle]).try_for_each(|candle| self.trade(candle))?;
                }
                Ok(Action::Fetch { from, to }) => stream.request(from, to),
                Ok(_) => {} // unfinished, a duplicate, or held until the answer arrives
                Err(error) => eprintln!("{error}"), // such as a time in another unit
            }
        }
        Ok(())
    }

    /// Trades the closed candles of JSON lines, until they end or there are `predictions` predictions.
    pub fn run_lines(
        &mut self,
        lines: impl std::io::BufRead,
        pair: &Pair,
        predictions: usize,
    ) -> Result<(), Error> {
        for line in lines.lines() {
            self.trade(&lines::parse(&line?, pair)?)?;
            if self.predictions.len() >= predictions {
                break;
            }
        }
        Ok(())
    }

    /// Settles the position at the close of a candle and opens the next one.
    fn trade(&mut self, candle: &Candle) -> Result<(), Error> {
        let before = self.tracker.position().size();
        if let Some(last) = self.candles.last() {
            // A loss of the whole capital ends the account.
            self.equity *= (1.0 + before * (candle.close() / last.close() - 1.0)).max(0.0);
        }
        let outcome = self.predictor.on_candle(candle)?;
        let position = self.tracker.on_outcome(candle, &outcome).size();
        self.equity *= 1.0 - self.cost * (position - before).abs();
        let prediction = outcome.into_prediction();
        if let Some(Prediction { decided_at, direction, confidence, .. }) = &prediction {
            let (close, percent) = (candle.close(), 100.0 * confidence);
            println!("{decided_at}  {close:>10.2}  {direction:<7} {percent:.1} %  {position:+.2}");
        }
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
