//! Warm-up, edge cases and specs of the built-in channels.
use crate::common;

use common::{candle, pair, single, walk, wide, wide_market};
use windvane_candles::{CandleSeries, Interval, Timestamp};
use windvane_signals::channels::{CandlePattern, ChannelPairs};
use windvane_signals::{
    ChannelSpec, GapPolicy, MarketSnapshot, Registry, SignalError, SignalPipeline, SignalSpec,
    SignalTable,
};

/// First row with a value.
fn first_value(spec: &SignalSpec, own: &CandleSeries, others: &[CandleSeries]) -> Option<usize> {
    let table = SignalTable::build(spec, &Registry::default(), own, others).unwrap();
    (0..table.len()).find(|row| table.row(*row).is_some())
}

#[test]
fn channel_warm_up_is_first_row_with_a_value() {
    // Begins one hour after midnight: the worst case of coarser candles.
    let own = walk("OWN", 1..700, 5);
    let others = [walk("X", 1..700, 6), walk("Y", 1..700, 7)];
    let mut specs = single(&wide());
    specs.extend(single(&wide_market()));
    let defaults = Registry::built_in()
        .filter(|info| !["pattern", "on", "market_mean"].contains(&info.name))
        .map(|info| {
            let spec = ChannelSpec::new(info.name);
            match info.pairs {
                ChannelPairs::Leader => spec.reading(pair("X")),
                ChannelPairs::Market => spec.reading_all(&["X", "Y"].map(pair)),
                _ => spec,
            }
        });
    let defaults: Vec<ChannelSpec> = defaults.collect();
    specs.extend(single(&SignalSpec { channels: defaults, gaps: GapPolicy::Reset }));
    for spec in specs {
        let pipeline = SignalPipeline::new(&spec, Interval::HOUR, &Registry::default()).unwrap();
        let name = &spec.channels[0];
        assert_eq!(first_value(&spec, &own, &others), Some(pipeline.warm_up()), "{name}");
    }
}

/// Last value on candles without movement and without volume.
fn value_of_resting_market(spec: ChannelSpec) -> Option<f64> {
    let spec = SignalSpec { channels: vec![spec], gaps: GapPolicy::ByClock };
    let mut pipeline = SignalPipeline::new(&spec, Interval::HOUR, &Registry::default()).unwrap();
    let mut last = None;
    for hour in 0..700 {
        let resting = candle(hour, [5.0, 5.0, 5.0, 5.0, 0.0]);
        let others = ["X", "Y", "OWN"].map(|name| (pair(name), resting));
        let rows = pipeline.update(MarketSnapshot::new(&resting, &others)).unwrap();
        last = rows.last().map(|row| row[0]);
    }
    last
}

#[test]
fn channels_of_a_resting_market_without_volume_have_documented_values() {
    let zero = [
        "momentum",
        "trend",
        "macd",
        "volatility",
        "volume_change",
        "close_location",
        "upper_wick",
        "lower_wick",
        "signed_volume",
        "obv_change",
        "sma",
        "ema",
        "atr",
        "adx",
        "plus_di",
        "minus_di",
        "stochastic_k",
        "stochastic_d",
        "williams_r",
        "cci",
        "mfi",
        "macd_signal",
        "macd_histogram",
        "roc",
        "market_breadth",
        "market_mean",
    ];
    let mut specs = single(&wide());
    specs.extend(single(&wide_market()));
    for spec in specs {
        let channel = spec.channels[0].clone();
        let (name, text) = (channel.name().to_string(), channel.to_string());
        let value = value_of_resting_market(channel);
        match name.as_str() {
            "rsi" => assert_eq!(value, Some(50.0), "{text}"),
            "return_rank" => assert_eq!(value, Some(0.5), "{text}"), // all are equal
            "pattern" | "hmm_volatility_state" => assert!(value.is_some(), "{text}"),
            "on" | "market_mean" if text.contains("normalized") => {
                assert_eq!(value, None, "{text}");
            }
            "on" if text.contains("rsi") => assert_eq!(value, Some(50.0), "{text}"),
            "on" => assert_eq!(value, Some(0.0), "{text}"),
            _ if name.starts_with("hour") || name.starts_with("weekday") => {
                assert!(value.is_some(), "{text}");
            }
            _ if zero.contains(&name.as_str()) => assert_eq!(value, Some(0.0), "{text}"),
            // σ, the price range or the volume is 0.
            _ => assert_eq!(value, None, "{text}"),
        }
    }
}

#[test]
fn normalized_returns_stay_within_bound_of_their_half_life() {
    let own =
        (0..1_200).map(|hour| if hour == 1_100 { 1e6 } else { 1.0 + f64::from(hour % 2) / 1e6 });
    let own = own.enumerate().map(|(hour, close)| common::flat(hour as i64, close)).collect();
    let own = common::series("OWN", own);
    let spec = SignalSpec {
        channels: vec![ChannelSpec::new("normalized_return")],
        gaps: GapPolicy::Reset,
    };
    let table = SignalTable::build(&spec, &Registry::default(), &own, &[]).unwrap();
    let largest = (0..table.len()).filter_map(|row| table.row(row)).map(|row| row[0].abs());
    let largest = largest.fold(0.0, f64::max);
    assert!((8.35..=8.352).contains(&largest), "{largest}");
}

#[test]
fn lags_by_the_clock_are_undefined_where_the_earlier_candle_is_missing() {
    let full = walk("OWN", 0..60, 3);
    let kept = full.iter().filter(|c| c.open_time().millis() / common::HOUR != 40).copied();
    let own = common::series("OWN", kept.collect());
    let spec = SignalSpec {
        channels: vec![ChannelSpec::new("normalized_momentum").with("lag", 3.0)],
        gaps: GapPolicy::ByClock,
    };
    let table = SignalTable::build(&spec, &Registry::default(), &own, &[]).unwrap();
    for row in 24..table.len() {
        let hour = table.open_time(row).unwrap().millis() / common::HOUR;
        assert_eq!(table.row(row).is_some(), hour != 43, "hour {hour}");
    }
    // Row 39 is hour 39; the candle that settles it is missing.
    assert!(table.outcome(39, 1).is_none());
    assert!(table.outcome(38, 1).is_some());
    assert!(table.outcome(39, 2).is_none(), "two rows later is three hours later");
}

#[test]
fn pipeline_advances_market_without_own_candle() {
    let spec = wide_market();
    let build = || SignalPipeline::new(&spec, Interval::HOUR, &Registry::default()).unwrap();
    let mut pipeline = build();
    let at = |hour: i64| Timestamp::from_millis(hour * common::HOUR);
    let others = |hour| [(pair("X"), common::flat(hour, 2.0))];
    pipeline.advance(at(0), &others(0)).unwrap();
    assert_eq!(
        pipeline.advance(at(0), &others(0)),
        Err(SignalError::Late { open_time: at(0), last: at(0) })
    );
    assert!(matches!(pipeline.advance(at(1), &others(0)), Err(SignalError::OutOfSync { .. })));
    pipeline.update(MarketSnapshot::new(&common::flat(1, 3.0), &others(1))).unwrap();
    assert!(matches!(pipeline.advance(at(1), &others(1)), Err(SignalError::Late { .. })));
    pipeline.advance(at(2), &others(2)).unwrap();
    let late = pipeline.update(MarketSnapshot::new(&common::flat(2, 3.0), &others(2)));
    assert!(matches!(late, Err(SignalError::Late { .. })));
    let alone = pipeline.update(&common::flat(2, 3.0));
    assert!(matches!(alone, Err(SignalError::Late { .. })), "an own candle without other pairs");
    // A live feed can fetch the missing candle instead.
    let mut strict = build();
    strict.stop_at_gaps(true);
    strict.update(&common::flat(0, 3.0)).unwrap();
    assert!(matches!(strict.update(&common::flat(2, 3.0)), Err(SignalError::Gap { .. })));
}

#[test]
fn channel_specs_that_do_not_fit_are_refused_with_a_remedy() {
    let error = |spec: ChannelSpec| {
        Registry::default().build(&spec, Interval::HOUR).map(|_| ()).unwrap_err().to_string()
    };
    let momentum = ChannelSpec::new("momentum");
    let cases = [
        (ChannelSpec::new("on"), "it needs an interval and an inner channel; use ChannelSpec::on"),
        (ChannelSpec::new("pattern"), "it needs the name of a pattern; use ChannelSpec::pattern"),
        (ChannelSpec::pattern("dojo"), "unknown pattern \"dojo\"; known are 2crows, "),
        (
            ChannelSpec::on(Interval::MINUTE, momentum.clone()),
            "1m candles do not consist of whole 1h",
        ),
        (
            ChannelSpec::on(Interval::FOUR_HOURS.by_session(), momentum.clone()),
            "4h@session candles do not consist of whole 1h candles",
        ),
        (
            ChannelSpec::on("4h+30m".parse().unwrap(), momentum.clone()),
            "use a multiple with the same offset",
        ),
        (
            ChannelSpec::on(Interval::DAY, ChannelSpec::new("leader_return").reading(pair("X"))),
            "use a channel of the own pair",
        ),
        (ChannelSpec::new("leader_return"), "reads 1 other pair(s), but its spec names 0"),
        (ChannelSpec::new("market_return").reading(pair("X")), "it reads 2 or more pairs"),
        (ChannelSpec::new("market_return").reading_all(&["X", "X"].map(pair)), "names X twice"),
        (
            ChannelSpec::new("market_mean").reading_all(&["X", "Y"].map(pair)),
            "ChannelSpec::market_mean",
        ),
        (ChannelSpec::new("volume_trend").with("fast", 168.0), "give a smaller fast"),
        (ChannelSpec::new("regime").with("low", -1.0), "give a smaller low"),
        (ChannelSpec::new("regime").with("low", f64::NAN), "low must be from -100 to 100"),
        (ChannelSpec::new("hmm_volatility_state").with("stay_low", 1.0), "stay_low must be from"),
        (ChannelSpec::new("hmm_volatility_state").with("deviation_low", 0.5), "swap the states"),
        (ChannelSpec::new("adx").with("period", 1.0), "period is 1; give 2 or more"),
        (ChannelSpec::new("bollinger_percent_b").with("deviations", 0.0), "must be above 0"),
        (
            ChannelSpec::new("volume_season").with("cycle", 1000.0).with("cycles", 11.0),
            "cycle · cycles is 11000; give at most 10000",
        ),
        (
            ChannelSpec::new("roc").with("period", 3.0),
            "has no parameter \"period\"; its parameters are: lag",
        ),
    ];
    for (spec, want) in cases {
        let message = error(spec);
        assert!(message.contains(want), "{message}");
    }
    let deep = ChannelSpec::on(Interval::DAY, ChannelSpec::on(Interval::DAY, momentum.clone()));
    assert!(Registry::default().build(&deep, Interval::HOUR).is_ok());
    assert!(error(ChannelSpec::on(Interval::DAY, deep)).contains("nested more than twice"));
}

#[test]
fn channel_descriptions_name_parameters_once_and_have_a_formula() {
    let mut names = Vec::new();
    for info in Registry::built_in() {
        assert!(!names.contains(&info.name), "{} is listed twice", info.name);
        assert!(!info.formula.is_empty() && !info.formula.contains('\n'), "{}", info.name);
        names.push(info.name);
    }
    assert!(names.len() > 55);
    let mut patterns: Vec<&str> = CandlePattern::names().collect();
    assert_eq!(patterns.len(), 61);
    patterns.sort_unstable();
    patterns.dedup();
    assert_eq!(patterns.len(), 61);
}

#[cfg(feature = "serde")]
#[test]
fn channel_specs_survive_serialisation_and_old_ones_keep_their_form() {
    let pairs = ["X", "Y"].map(pair);
    for spec in
        [SignalSpec::six(), SignalSpec::price_action(), SignalSpec::market(&pairs, &pairs[0])]
    {
        let json = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<SignalSpec>(&json).unwrap(), spec, "{json}");
    }
    let rsi = ChannelSpec::new("rsi").with("period", 21.0);
    let json = serde_json::to_string(&rsi).unwrap();
    assert_eq!(json, r#"{"name":"rsi","parameters":{"period":21.0}}"#);
    let daily = serde_json::to_string(&ChannelSpec::on(Interval::DAY, rsi)).unwrap();
    assert!(daily.starts_with(r#"{"name":"on","interval":"1d","of":{"name":"rsi""#), "{daily}");
    let gaps = serde_json::to_string(&GapPolicy::ByClock).unwrap();
    assert_eq!(gaps, r#"{"policy":"by_clock"}"#);
}
