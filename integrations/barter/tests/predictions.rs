//! Predictions in the engine state: those of the batch path, also after disconnections, and with
//! invalid trades.
#![allow(clippy::unwrap_used, reason = "a test may stop")]
use barter::engine::state::EngineState;
use barter::engine::state::builder::EngineStateBuilder;
use barter::engine::state::instrument::data::DefaultInstrumentMarketData;
use barter_data::event::{DataKind, MarketEvent};
use barter_data::subscription::trade::PublicTrade;
use barter_instrument::exchange::ExchangeId;
use barter_instrument::index::IndexedInstruments;
use barter_instrument::instrument::{Instrument, InstrumentIndex};
use barter_instrument::{Side, Underlying};
use chrono::DateTime;
use windvane_barter::PredictionState;
use windvane_candles::{Candle, CandleSeries, Interval, Timestamp, sample};
use windvane_models::{DirectionModel, Prediction, TableReader, v32};
use windvane_signals::{Registry, SignalTable};

const PAIRS: [&str; 2] = ["BTCUSDT", "ETHUSDT"];
const HOUR: i64 = 3_600_000;
/// 2024-01-01.
const START: i64 = 1_704_067_200_000;

type State = EngineState<PredictionState, DefaultInstrumentMarketData>;

fn instruments() -> IndexedInstruments {
    IndexedInstruments::new(PAIRS.map(|name| {
        let underlying = Underlying::new(name.trim_end_matches("USDT"), "usdt");
        Instrument::spot(ExchangeId::BinanceSpot, format!("binance_{name}"), name, underlying, None)
    }))
}

fn state(predictions: PredictionState) -> State {
    let data = |_: &_| DefaultInstrumentMarketData::default();
    EngineStateBuilder::new(&instruments(), predictions, data).build()
}

fn predictions() -> PredictionState {
    PredictionState::new(v32::pretrained(), &instruments()).unwrap()
}

/// Hourly candles of a pair: the last ones of the sample, and for the second pair those before.
fn hours(pair: &str, count: usize) -> CandleSeries {
    let all = sample::load("BTCUSDT").unwrap();
    let first = all.len() - count * (1 + usize::from(pair == PAIRS[1]));
    let moved = all.candles()[first..].iter().zip(0..).take(count).map(|(candle, hour)| {
        Candle::new(Timestamp::from_millis(START + hour * HOUR), candle.values()).unwrap()
    });
    CandleSeries::new(pair.parse().unwrap(), Interval::HOUR, moved.collect()).unwrap()
}

fn trade(instrument: usize, millis: i64, price: f64, amount: f64) -> MarketEvent<InstrumentIndex> {
    let time = DateTime::from_timestamp_millis(millis).unwrap();
    MarketEvent {
        time_exchange: time,
        time_received: time,
        exchange: ExchangeId::BinanceSpot,
        instrument: InstrumentIndex(instrument),
        kind: DataKind::Trade(PublicTrade { id: String::new(), price, amount, side: Side::Buy }),
    }
}

/// Trades of a candle: its four prices, a quarter of the volume each.
fn trades(instrument: usize, candle: &Candle) -> [MarketEvent<InstrumentIndex>; 4] {
    let (open_time, quarter) = (candle.open_time().millis(), candle.volume() / 4.0);
    let prices = [candle.open(), candle.high(), candle.low(), candle.close()];
    [0, 1, 2, 3].map(|k| {
        let time = open_time + 5_000 + 15 * 60_000 * i64::try_from(k).unwrap();
        trade(instrument, time, prices[k], quarter)
    })
}

/// Predictions of the batch path.
fn batch(series: &CandleSeries) -> Vec<Prediction> {
    let model = v32::pretrained();
    let spec = &model.spec().signals;
    let tables = [SignalTable::build(spec, &Registry::default(), series, &[]).unwrap()];
    let mut reader = TableReader::new(&model, &tables);
    (0..series.len()).filter_map(|row| reader.predict(0, row).unwrap()).collect()
}

/// Sends the trades of the candles of both pairs, hour by hour; returns the different predictions.
fn play(
    state: &mut State,
    all: &[CandleSeries; 2],
    rows: std::ops::Range<usize>,
) -> [Vec<Prediction>; 2] {
    let mut seen = [Vec::new(), Vec::new()];
    for row in rows {
        for (place, series) in all.iter().enumerate() {
            for event in trades(place, &series.candles()[row]) {
                state.update_from_market(&event);
                note(state, &mut seen);
            }
        }
    }
    seen
}

/// Notes the predictions that are new.
fn note(state: &State, seen: &mut [Vec<Prediction>; 2]) {
    for (place, seen) in seen.iter_mut().enumerate() {
        let now = state.global.prediction(InstrumentIndex(place));
        seen.extend(now.filter(|now| seen.last() != Some(now)).cloned());
    }
}

#[test]
fn predictions_from_trades_equal_the_batch() {
    let all = PAIRS.map(|pair| hours(pair, 150));
    let mut predictions = predictions();
    predictions.complete_from(all[0].candles()[0].open_time());
    let mut state = state(predictions);
    let mut seen = play(&mut state, &all, 0..150);
    // The next trade closes the last hour of its pair, the clock that of the other one.
    let end = all[0].candles()[149].open_time().millis() + HOUR;
    state.update_from_market(&trade(0, end + 1, 1.0, 1.0));
    assert_eq!(state.global.predicted(), 2 * (149 - 44));
    state.update_from_market(&trade(0, end + 1_000, 1.0, 1.0));
    note(&state, &mut seen);
    assert_eq!(state.global.predicted(), 2 * (150 - 44));
    assert_eq!(seen, [batch(&all[0]), batch(&all[1])]);
    assert_eq!(state.global.rejected(), (0, None));
}

#[test]
fn predictions_after_a_warm_up_continue_the_history() {
    let all = PAIRS.map(|pair| hours(pair, 80));
    let start = all[0].candles()[60].open_time();
    let mut predictions = predictions();
    predictions.warm_up(&[all[0].split_at(start).0, all[1].split_at(start).0]).unwrap();
    predictions.complete_from(start);
    let mut state = state(predictions);
    let seen = play(&mut state, &all, 60..80);
    let expected = batch(&all[0]);
    assert_eq!(seen[0], expected[expected.len() - 20..expected.len() - 1]);
}

#[test]
fn instrument_without_trades_has_no_prediction_at_that_close() {
    let all = PAIRS.map(|pair| hours(pair, 80));
    let mut predictions = predictions();
    predictions.complete_from(all[0].candles()[0].open_time());
    let mut state = state(predictions);
    play(&mut state, &all, 0..60);
    for row in 60..62 {
        for event in trades(0, &all[0].candles()[row]) {
            state.update_from_market(&event);
        }
    }
    let decided = |place| state.global.prediction(InstrumentIndex(place)).map(|p| p.decided_at);
    let close = all[0].candles()[60].close_time(Interval::HOUR);
    assert_eq!((decided(0), decided(1)), (Some(close), None));
}

#[test]
fn disconnection_drops_the_incomplete_candles() {
    let all = PAIRS.map(|pair| hours(pair, 80));
    let mut predictions = predictions();
    predictions.complete_from(all[0].candles()[0].open_time());
    let mut state = state(predictions);
    play(&mut state, &all, 0..60);
    let before = state.global.predicted();
    state.global.on_disconnect(ExchangeId::BinanceSpot);
    // Trades of half an hour are missing.
    play(&mut state, &all, 61..80);
    assert_eq!(state.global.predicted(), before); // the warm-up begins again after the gap
    let stats = state.global.predictor().stats();
    assert_eq!(stats.taken, 2 * (59 + 17), "{stats:?}"); // neither hour 59 nor the first after it
}

#[test]
fn clone_continues_with_the_same_bits_and_separately() {
    let all = PAIRS.map(|pair| hours(pair, 80));
    let mut predictions = predictions();
    predictions.complete_from(all[0].candles()[0].open_time());
    let mut state = state(predictions);
    play(&mut state, &all, 0..60);
    let mut copy = state.clone();
    let before = state.global.predicted();
    let continued = play(&mut copy, &all, 60..80);
    assert_eq!(state.global.predicted(), before);
    assert_eq!(play(&mut state, &all, 60..80), continued);
    assert_eq!(format!("{:?}", state.global), format!("{:?}", copy.global));
}

#[test]
fn invalid_trades_are_counted_and_change_nothing() {
    let all = PAIRS.map(|pair| hours(pair, 60));
    let mut predictions = predictions();
    predictions.complete_from(all[0].candles()[0].open_time());
    let mut state = state(predictions);
    play(&mut state, &all, 0..50);
    let now = all[0].candles()[50].open_time().millis();
    let far = now + 20_000 * HOUR;
    for event in [trade(0, now, f64::NAN, 1.0), trade(0, now, 1.0, 0.0), trade(0, far, 1.0, 1.0)] {
        state.update_from_market(&event);
    }
    let (count, reason) = state.global.rejected();
    assert_eq!(count, 4); // the far trade, and the clock that it would move
    assert!(reason.unwrap().contains("more than 10,000 1h candles after"), "{reason:?}");
    let seen = play(&mut state, &all, 50..60);
    let expected = batch(&all[0]);
    assert_eq!(seen[0].last(), expected.get(expected.len() - 2));
}

#[test]
fn construction_refuses_two_instruments_of_one_name() {
    let spot = |exchange: ExchangeId| {
        let underlying = Underlying::new("btc", "usdt");
        Instrument::spot(exchange, format!("{exchange}_btc"), "BTCUSDT", underlying, None)
    };
    let twice = IndexedInstruments::new([ExchangeId::BinanceSpot, ExchangeId::BybitSpot].map(spot));
    let error = PredictionState::new(v32::pretrained(), &twice).unwrap_err().to_string();
    assert!(error.contains("BTCUSDT"), "{error}");
}
