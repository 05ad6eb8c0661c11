//! Outcomes of a predictor in a bot: pairs, undefined channels, short sessions, times far ahead.
use crate::common::market;

use std::time::Duration;

use windvane_candles::simulate::MarketModel;
use windvane_candles::{Candle, CandleSeries, Interval, Pair, Timestamp};
use windvane_models::network::Network;
use windvane_models::v2::WeightedSignals;
use windvane_models::{
    CandleOutcome, DirectionModel, ModelSpec, PredictError, Predictor, TableReader,
};
use windvane_signals::{
    Channel, ChannelSpec, GapPolicy, LabelSpec, MarketSnapshot, Momentum, Registry, Scaler,
    SignalSpec, SignalTable,
};

fn pair(name: &str) -> Pair {
    name.parse().unwrap()
}

/// A model of one channel with windows of three rows.
fn model(channel: ChannelSpec) -> WeightedSignals {
    let signals = SignalSpec { channels: vec![channel], gaps: GapPolicy::Reset };
    let (interval, labels) = (Interval::HOUR, LabelSpec::default());
    let spec = ModelSpec { signals, interval, lookback: 3, labels };
    let scaler = Scaler::from_parts(vec![0.0], vec![0.01], 5.0).unwrap();
    WeightedSignals::new(spec, scaler, vec![1.0]).unwrap()
}

fn momentum(lag: f64) -> WeightedSignals {
    model(ChannelSpec::new("momentum").with("lag", lag))
}

fn part(series: &CandleSeries, name: &str, candles: std::ops::Range<usize>) -> CandleSeries {
    let candles = series.candles()[candles].to_vec();
    CandleSeries::new(pair(name), series.interval(), candles).unwrap()
}

/// Asserts that an error is about the pairs, and that it names both.
fn assert_other_pair(error: &PredictError, expected: &str, got: &str) {
    assert!(matches!(error, PredictError::OtherPair { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains(expected) && text.contains(got), "{text}");
}

#[test]
fn predictor_rejects_state_and_history_of_other_pair() {
    let series = market(MarketModel::AR1, 60, 1);
    let of = |name: &str| {
        Predictor::builder(momentum(1.0), Interval::HOUR).pair(pair(name)).build().unwrap()
    };
    let (mut btc, mut eth) = (of("BTCUSDT"), of("ETHUSDT"));
    btc.warm_up(&part(&series, "BTCUSDT", 0..30)).unwrap();
    let before = eth.save();
    assert_other_pair(&eth.restore(&btc.save()).unwrap_err(), "ETHUSDT", "BTCUSDT");
    let history = part(&series, "BTCUSDT", 0..30);
    assert_other_pair(&eth.warm_up(&history).unwrap_err(), "ETHUSDT", "BTCUSDT");
    assert_eq!(eth.save(), before, "the predictor is unchanged");
    of("BTCUSDT").restore(&btc.save()).unwrap();

    // Without a setting, the pair is that of the history or of the state.
    let fresh = || Predictor::new(momentum(1.0), Interval::HOUR).unwrap();
    let (mut warm, mut restored) = (fresh(), fresh());
    assert_eq!(warm.pair(), None);
    warm.warm_up(&history).unwrap();
    restored.restore(&warm.save()).unwrap();
    for predictor in [&mut warm, &mut restored] {
        assert_eq!(predictor.pair(), Some(&pair("BTCUSDT")));
        let error = predictor.warm_up(&part(&series, "ETHUSDT", 30..60)).unwrap_err();
        assert_other_pair(&error, "BTCUSDT", "ETHUSDT");
    }
    // A state without a pair fits every predictor, which keeps its own.
    let mut unnamed = fresh();
    for candle in series.iter().take(30) {
        unnamed.on_candle(candle).unwrap();
    }
    let mut eth = of("ETHUSDT");
    eth.restore(&unnamed.save()).unwrap();
    assert_eq!(eth.pair(), Some(&pair("ETHUSDT")));
    let long = pair(&"ж".repeat(255));
    let named = || Predictor::builder(momentum(1.0), Interval::HOUR).pair(long.clone());
    named().build().unwrap().restore(&named().build().unwrap().save()).unwrap();
}

/// A state of version 1 after 134 candles, written before predictors knew their pair.
#[test]
fn first_state_file_loads_and_continues_with_same_bits() {
    let network = || Network::from_bytes(include_bytes!("../data/v32.format1.safetensors"));
    // The series whose states `killed.rs` writes.
    let series = market(MarketModel::REGIME, 100_000, 1);
    let mut whole = Predictor::new(network().unwrap(), Interval::HOUR).unwrap();
    let builder = Predictor::builder(network().unwrap(), Interval::HOUR);
    let mut restored = builder.pair(pair("BTCUSDT")).build().unwrap();
    restored.restore(include_bytes!("../data/v32.state.format1")).unwrap();
    let (before, after) = series.candles()[..200].split_at(134);
    for candle in before {
        whole.on_candle(candle).unwrap();
    }
    assert_eq!(restored.feed_stats(), whole.feed_stats());
    assert_eq!(restored.pair(), Some(&pair("BTCUSDT")));
    for candle in after {
        let expected = whole.on_candle(candle).unwrap();
        assert!(expected.prediction().is_some());
        assert_eq!(restored.on_candle(candle).unwrap(), expected);
    }
}

#[test]
fn undefined_channel_and_missing_pair_are_named() {
    let channel = ChannelSpec::new("leader_return").reading(pair("ETHUSDT"));
    let fresh = || Predictor::new(model(channel.clone()), Interval::HOUR).unwrap();
    let (own, other) = (market(MarketModel::AR1, 60, 1), market(MarketModel::AR1, 60, 2));
    let mut predictor = fresh();
    let warm_up = predictor.candles_needed() - 3;
    let undefined =
        |pair| CandleOutcome::Undefined { channel: "leader_return(ETHUSDT)".into(), pair };
    for (index, candle) in own.iter().enumerate() {
        let outcome = predictor.on_candle(candle).unwrap();
        assert!(outcome.is_accepted());
        if index < warm_up {
            assert!(matches!(outcome, CandleOutcome::WarmingUp { .. }), "{outcome}");
        } else {
            assert_eq!(outcome, undefined(Some(pair("ETHUSDT"))));
            assert!(outcome.to_string().contains("the candle of ETHUSDT was not given"));
        }
    }
    // The other pair's candles are given from the 30th candle on, and the channel needs 24.
    let mut predictor = fresh();
    for (index, (own, other)) in own.iter().zip(&other).enumerate() {
        let others = [(pair("ETHUSDT"), *other)];
        let market = MarketSnapshot::new(own, if index < 30 { &[] } else { &others });
        let outcome = predictor.on_candle(market).unwrap();
        match index {
            24..30 => assert_eq!(outcome, undefined(Some(pair("ETHUSDT")))),
            30..54 => assert_eq!(outcome, undefined(None)),
            54 => assert_eq!(outcome, CandleOutcome::WarmingUp { candles_needed: 2 }),
            56.. => assert!(outcome.prediction().is_some(), "{index}: {outcome}"),
            _ => {}
        }
    }
}

/// Sessions of `len` hourly candles, each followed by a break of five.
fn sessions(len: usize) -> Vec<Candle> {
    let series = market(MarketModel::AR1, 200, 3);
    let open = series.iter().enumerate().filter(|(hour, _)| hour % (len + 5) < len);
    open.map(|(_, candle)| *candle).collect()
}

#[test]
fn short_sessions_are_reported_from_second_reset_on() {
    // The model needs a lag of 8 and three rows.
    let fresh = || Predictor::new(momentum(8.0), Interval::HOUR).unwrap();
    assert_eq!(fresh().candles_needed(), 11);
    let (mut predictor, mut warm) = (fresh(), fresh());
    for (index, candle) in sessions(7).iter().enumerate().take(40) {
        let (session, place) = (index / 7, index % 7);
        let expected = if session < 2 {
            CandleOutcome::WarmingUp { candles_needed: 10 - place }
        } else {
            CandleOutcome::ShortSessions { candles_needed: 10 - place, session_len: 7 }
        };
        assert_eq!(predictor.on_candle(candle).unwrap(), expected);
        assert!(expected.is_accepted());
        // A restart does not forget the sessions.
        let state = predictor.save();
        predictor = fresh();
        predictor.restore(&state).unwrap();
    }
    let series = CandleSeries::new(pair("STOCK"), Interval::HOUR, sessions(7)).unwrap();
    let (past, next) = series.candles().split_at(40);
    let past = CandleSeries::new(pair("STOCK"), Interval::HOUR, past.to_vec()).unwrap();
    warm.warm_up(&past).unwrap();
    let outcome = warm.on_candle(&next[0]).unwrap();
    assert!(outcome.to_string().contains("the last session had only 7"), "{outcome}");

    // Sessions that are long enough end the report.
    let mut long = fresh();
    for candle in sessions(12) {
        let outcome = long.on_candle(&candle).unwrap();
        assert!(!matches!(outcome, CandleOutcome::ShortSessions { .. }), "{outcome}");
    }
    assert!(long.feed_stats().resets > 5);
}

#[test]
fn candle_far_ahead_is_rejected_within_bound() {
    let series = market(MarketModel::AR1, 60, 1);
    let builder = || Predictor::builder(momentum(1.0), Interval::HOUR);
    let at = |hours: i64| {
        let time = series.candles()[29].open_time().plus(Interval::HOUR, hours).unwrap();
        Candle::new(time, series.candles()[30].values()).unwrap()
    };
    for (predictor, max_ahead) in [(builder(), 10_000), (builder().max_ahead(24), 24)] {
        let mut predictor = predictor.build().unwrap();
        predictor.warm_up(&part(&series, "SIM", 0..30)).unwrap();
        let before = predictor.feed_stats();
        let last = Candle::new(Timestamp::from_millis(i64::MAX), at(1).values()).unwrap();
        for far in [at(max_ahead + 1), last] {
            let error = predictor.on_candle(&far).unwrap_err();
            assert!(matches!(error, PredictError::FarAhead { .. }), "{error}");
            assert!(error.to_string().contains("check the unit"), "{error}");
        }
        let history = CandleSeries::new(pair("SIM"), Interval::HOUR, vec![at(max_ahead + 1)]);
        assert!(predictor.warm_up(&history.unwrap()).is_err());
        assert_eq!(predictor.feed_stats().far_ahead, 3);
        assert_eq!(predictor.feed_stats().taken, before.taken);
        // The next real candle is not late, and the bound itself is accepted.
        assert!(predictor.on_candle(&at(1)).unwrap().prediction().is_some());
        assert!(predictor.on_candle(&at(1 + max_ahead)).unwrap().is_accepted());
    }
}

#[test]
fn builder_rejects_settings_out_of_range() {
    let builder = || Predictor::builder(momentum(1.0), Interval::HOUR);
    for builder in [builder().history(usize::MAX), builder().history(1_000_001)] {
        let error = builder.build().unwrap_err();
        assert!(matches!(error, PredictError::Setting { setting: "history", .. }), "{error}");
    }
    let error = builder().max_ahead(0).build().unwrap_err();
    assert!(matches!(error, PredictError::Setting { setting: "max_ahead", .. }), "{error}");
}

#[test]
fn warm_up_until_drops_running_candle() {
    let history = market(MarketModel::AR1, 60, 1);
    let mut predictor = Predictor::new(momentum(1.0), Interval::HOUR).unwrap();
    let closes = history.close_time(58).unwrap();
    let before = Timestamp::from_millis(closes.millis() - 1);
    for (now, last) in [(before, 57), (closes, 58)] {
        predictor.warm_up_until(&history, now).unwrap();
        assert_eq!(predictor.last_open_time(), Some(history.candles()[last].open_time()));
    }
    // The final values of the candle that was running are accepted.
    assert!(predictor.on_candle(&history.candles()[59]).unwrap().prediction().is_some());
}

#[test]
fn clone_with_own_channel_continues_independently() {
    let mut registry = Registry::default();
    registry.register("mine", |_| Ok(Box::new(Momentum::new(5)?) as Box<dyn Channel>));
    let builder = Predictor::builder(model(ChannelSpec::new("mine")), Interval::HOUR);
    let builder = builder.registry(&registry).stop_at_gaps(true).pair(pair("SIM")).max_ahead(99);
    let mut original = builder.build().unwrap();
    let series = market(MarketModel::AR1, 80, 1);
    original.warm_up(&part(&series, "SIM", 0..40)).unwrap();
    let mut clone = original.clone();
    assert_eq!((clone.save(), clone.pair()), (original.save(), original.pair()));
    let gap = clone.on_candle(&series.candles()[42]).unwrap_err();
    assert!(matches!(gap, PredictError::Gap { missing: 2, .. }), "{gap}");
    // The clone runs on another thread, while the original is read.
    let later = &series.candles()[40..];
    let ahead: Vec<CandleOutcome> = std::thread::scope(|scope| {
        let clone = scope.spawn(|| later.iter().map(|c| clone.on_candle(c).unwrap()).collect());
        std::thread::sleep(Duration::from_millis(1));
        assert_eq!(original.feed_stats().taken, 40);
        clone.join().unwrap()
    });
    let own: Vec<CandleOutcome> = later.iter().map(|c| original.on_candle(c).unwrap()).collect();
    assert!(own == ahead && own.iter().all(|outcome| outcome.prediction().is_some()));
}

#[test]
fn session_close_gives_the_decision_times_of_the_batch_path() {
    let close = Duration::from_secs(50 * 60);
    let series = market(MarketModel::AR1, 60, 1).with_session_close(close).unwrap();
    let model = momentum(1.0);
    let spec = model.spec().signals.clone();
    let tables = [SignalTable::build(&spec, &Registry::default(), &series, &[]).unwrap()];
    let mut batch = TableReader::new(&model, &tables);
    let builder = Predictor::builder(model.clone(), Interval::HOUR).session_close(close);
    let mut live = builder.build().unwrap();
    for (row, candle) in series.iter().enumerate() {
        let prediction = live.on_candle(candle).unwrap().into_prediction();
        assert_eq!(prediction, batch.predict(0, row).unwrap());
    }
    let error = Predictor::new(model.clone(), Interval::HOUR).unwrap().warm_up(&series);
    assert!(matches!(error, Err(PredictError::SessionClose { .. })), "{error:?}");
    let long = Predictor::builder(model, Interval::HOUR).session_close(2 * close).build();
    assert!(matches!(long, Err(PredictError::Setting { .. })), "{long:?}");
}
