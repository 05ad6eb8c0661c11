//! Paper trading with barter's engine and mock exchange on its example data: `cargo run --example
//! paper_trading`.
#![allow(clippy::print_stdout, reason = "an example prints its results")]
mod data;
mod strategy;

use std::error::Error;
use std::sync::Arc;

use barter::EngineEvent;
use barter::backtest::market_data::{BacktestMarketData, MarketDataInMemory};
use barter::engine::clock::HistoricalClock;
use barter::engine::state::instrument::data::DefaultInstrumentMarketData;
use barter::engine::state::trading::TradingState;
use barter::risk::DefaultRiskManager;
use barter::statistic::time::Daily;
use barter::system::builder::{AuditMode, EngineFeedMode, SystemArgs, SystemBuilder};
use barter::system::config::SystemConfig;
use barter_execution::order::id::StrategyId;
use barter_instrument::index::IndexedInstruments;
use rust_decimal::Decimal;
use windvane_barter::PredictionState;
use windvane_candles::simulate::MarketModel;
use windvane_candles::{Candle, CandleSeries, Interval, Pair, Timestamp};
use windvane_models::FittedModel;
use windvane_models::train::{Learner, Run};
use windvane_models::v2::WeightedSignalsLearner;
use windvane_signals::{Dataset, LabelSpec, SignalSpec, Split};

use strategy::{FollowPredictions, State};

/// First minute of the stream.
const START: &str = "2025-03-25 23:07";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (state, summary) = run().await?;
    for (name, own) in &state.instruments.0 {
        match state.global.prediction(own.key) {
            Some(last) => println!("{name}: {} at {}", last.direction, last.decided_at),
            None => println!("{name}: no prediction"),
        }
    }
    println!("{} predictions", state.global.predicted());
    for (name, sheet) in &summary.instruments {
        println!("{name}: profit {:.4} USDT after fees", sheet.pnl);
    }
    Ok(())
}

type Summary = barter::statistic::summary::TradingSummary<Daily>;

/// Runs the engine over the example data; returns its last state and barter's summary.
async fn run() -> Result<(State, Summary), Box<dyn Error>> {
    let SystemConfig { instruments, executions } = data::config()?;
    let instruments = IndexedInstruments::new(instruments);
    let events = MarketDataInMemory::new(Arc::new(data::events()?));

    // The stream begins at 23:07:00.7, and no trade of this minute is missing.
    let (start, history) = (START.parse()?, history()?);
    let mut predictions = PredictionState::new(fit(&history)?, &instruments)?;
    predictions.warm_up(&history)?;
    predictions.complete_from(start);

    let args = SystemArgs::new(
        &instruments,
        executions,
        HistoricalClock::new(events.time_first_event().await?),
        FollowPredictions { id: StrategyId::new("windvane"), quantity: Decimal::new(1, 3) },
        DefaultRiskManager::default(),
        events.stream().await?,
        predictions,
        |_| DefaultInstrumentMarketData::default(),
    );
    let system = SystemBuilder::new(args)
        .engine_feed_mode(EngineFeedMode::Stream)
        .audit_mode(AuditMode::Disabled)
        .trading_state(TradingState::Enabled)
        .build::<EngineEvent, _>()?
        .init()
        .await?;
    let (engine, _) = system.shutdown_after_backtest().await?;
    let summary = engine.trading_summary_generator(Decimal::ZERO).generate(Daily);
    Ok((engine.state, summary))
}

/// Simulated minutes before the stream, in place of the history that a bot requests from its
/// exchange.
fn history() -> Result<Vec<CandleSeries>, Box<dyn Error>> {
    let last = [("BTCUSDT", 87_232.0), ("ETHUSDT", 2_059.1), ("SOLUSDT", 142.5)];
    let start = START.parse()?;
    last.into_iter().map(|(pair, price)| minutes_before(start, pair, price)).collect()
}

/// Simulated minutes that end with a price.
fn minutes_before(end: Timestamp, pair: &str, price: f64) -> Result<CandleSeries, Box<dyn Error>> {
    let pair: Pair = pair.parse()?;
    let path = MarketModel::AR1.candles(pair.clone(), Interval::MINUTE, 1_000, 7)?;
    let last = path.candles()[999];
    let (shift, factor) = (end.millis() - 60_000 - last.open_time().millis(), price / last.close());
    let moved = path.iter().map(|candle| {
        let mut values = candle.values();
        for one in [&mut values.open, &mut values.high, &mut values.low, &mut values.close] {
            *one *= factor;
        }
        Candle::new(Timestamp::from_millis(candle.open_time().millis() + shift), values)
    });
    Ok(CandleSeries::new(pair, Interval::MINUTE, moved.collect::<Result<_, _>>()?)?)
}

/// Fits weighted signals on the history; a bot loads a model that `windvane fit` has saved.
fn fit(history: &[CandleSeries]) -> Result<Box<dyn FittedModel>, Box<dyn Error>> {
    let dataset = Dataset::from_series(history, &SignalSpec::default(), 20, LabelSpec::default())?;
    let split = Split::for_live(dataset.samples(), 0.15)?;
    let (train, validation) =
        (split.train(dataset.samples())?, split.validation(dataset.samples())?);
    Ok(WeightedSignalsLearner::learned().fit(&train, &validation, &Run::new(1))?)
}

#[cfg(test)]
mod tests {
    use barter_data::event::DataKind;
    use barter_data::streams::consumer::MarketStreamEvent;
    use windvane_candles::Ohlcv;
    use windvane_models::TableReader;
    use windvane_signals::{Registry, SignalTable};

    use super::*;

    /// Candles of the minutes 23:07 to 23:09 of an instrument, from its trades in the file.
    fn minutes(events: &[data::Event], instrument: usize) -> Vec<Candle> {
        let mut trades = Vec::new();
        for event in events {
            let MarketStreamEvent::Item(event) = event else { continue };
            if let DataKind::Trade(trade) = &event.kind
                && event.instrument.index() == instrument
            {
                trades.push((event.time_exchange.timestamp_millis(), trade.price, trade.amount));
            }
        }
        let first = "2025-03-25 23:07".parse::<Timestamp>().unwrap().millis();
        let minutes = [0, 1, 2].map(|minute| {
            let open_time = first + 60_000 * minute;
            let own = trades.iter().filter(|(time, ..)| time - time % 60_000 == open_time);
            let mut own: Vec<(i64, f64, f64)> = own.copied().collect();
            let volume = own.iter().fold(0.0, |sum, (.., amount)| sum + amount);
            own.sort_by_key(|(time, ..)| *time);
            let prices = || own.iter().map(|(_, price, _)| *price);
            let values = Ohlcv {
                open: prices().next().unwrap(),
                high: prices().fold(f64::MIN, f64::max),
                low: prices().fold(f64::MAX, f64::min),
                close: prices().next_back().unwrap(),
                volume,
            };
            Candle::new(Timestamp::from_millis(open_time), values).unwrap()
        });
        minutes.to_vec()
    }

    #[tokio::test]
    async fn engine_has_the_predictions_of_the_batch_on_the_example_data() {
        let (state, _) = run().await.unwrap();
        assert_eq!(state.global.rejected(), (0, None));
        assert_eq!(state.global.predicted(), 9); // three minutes of three instruments
        let (history, events) = (history().unwrap(), data::events().unwrap());
        let model = fit(&history).unwrap();
        for (own, before) in state.instruments.0.values().zip(&history) {
            let mut candles = before.candles().to_vec();
            candles.extend(minutes(&events, own.key.index()));
            let series =
                CandleSeries::new(before.pair().clone(), before.interval(), candles).unwrap();
            let spec = &model.spec().signals;
            let tables = [SignalTable::build(spec, &Registry::default(), &series, &[]).unwrap()];
            let expected = TableReader::new(&*model, &tables).predict(0, series.len() - 1).unwrap();
            assert_eq!(state.global.prediction(own.key), expected.as_ref());
        }
    }
}
