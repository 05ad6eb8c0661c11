//! Errors of order, alignment and gaps, which do not change the state.
use crate::common;

use common::{flat, series, walk};
use windvane_candles::{Candle, CandleSeries, Interval, Ohlcv, Timestamp};
use windvane_signals::{
    ChannelSpec, GapPolicy, LabelSpec, Macd, Registry, Rsi, SampleSet, Scaler, SignalError,
    SignalPipeline, SignalSpec, SignalTable, Split, StateReader, StateWriter, WalkForward,
};

fn spec(gaps: GapPolicy) -> SignalSpec {
    SignalSpec { gaps, ..SignalSpec::default() }
}

fn pipeline(gaps: GapPolicy) -> SignalPipeline {
    SignalPipeline::new(&spec(gaps), Interval::HOUR, &Registry::default()).unwrap()
}

fn gapped() -> Vec<Candle> {
    let walk = walk("A", 0..120, 5);
    walk.iter()
        .copied()
        .filter(|c| !(60..63).contains(&(c.open_time().millis() / common::HOUR)))
        .collect()
}

fn table(gaps: GapPolicy) -> Result<SignalTable, SignalError> {
    SignalTable::build(&spec(gaps), &Registry::default(), &series("A", gapped()), &[])
}

#[test]
fn pipeline_rejects_duplicate_misaligned_and_gapped_candles_without_state_change() {
    let walk = walk("A", 0..60, 1);
    let (mut one, mut two) = (pipeline(GapPolicy::Error), pipeline(GapPolicy::Error));
    let misaligned = Candle::new(
        Timestamp::from_millis(60 * common::HOUR + 1),
        Ohlcv { open: 1.0, high: 1.0, low: 1.0, close: 1.0, volume: 0.0 },
    )
    .unwrap();
    for candle in &walk {
        let want = one.update(candle).unwrap().last().map(<[f64]>::to_vec);
        assert_eq!(two.update(candle).unwrap().last().map(<[f64]>::to_vec), want);
        assert!(matches!(two.update(candle), Err(SignalError::Duplicate { .. })));
        assert!(matches!(two.update(&misaligned), Err(SignalError::Misaligned { .. })));
        let gap =
            two.update(&flat(candle.open_time().millis() / common::HOUR + 3, 1.0)).unwrap_err();
        let from = candle.open_time().plus(Interval::HOUR, 1).unwrap();
        assert_eq!(gap, SignalError::Gap { from, missing: 2 });
    }
}

#[test]
fn table_error_policy_rejects_gap() {
    let error = table(GapPolicy::Error).unwrap_err();
    let from = Timestamp::from_millis(60 * common::HOUR);
    assert_eq!(error, SignalError::Gap { from, missing: 3 });
    assert!(error.to_string().contains("3 candle(s) missing from 1970-01-03T12:00:00Z"), "{error}");
}

#[test]
fn table_reset_policy_allows_no_window_or_label_across_gap() {
    let table = table(GapPolicy::Reset).unwrap();
    assert_eq!(table.len(), 117);
    assert!(table.row(59).is_some());
    assert!(table.outcome(59, 1).is_none());
    assert!((60..85).all(|row| table.row(row).is_none()));
    assert!(table.row(85).is_some());
    assert!(table.window(103, 20).is_none());
    assert!(table.window(104, 20).is_some());
}

#[test]
fn table_sessions_policy_continues_after_gap_up_to_max_missing() {
    let passed = table(GapPolicy::Sessions { max_missing: 3 }).unwrap();
    assert!((25..117).all(|row| passed.row(row).is_some()));
    let outcome = passed.outcome(59, 1).unwrap();
    assert_eq!(outcome.settled_at, Timestamp::from_millis(64 * common::HOUR));
    let reset = table(GapPolicy::Sessions { max_missing: 2 }).unwrap();
    assert!(reset.row(60).is_none());
}

#[test]
fn table_hold_policy_fills_windows_without_decisions_or_labels() {
    let table = table(GapPolicy::Hold { max_missing: 3 }).unwrap();
    assert_eq!(table.len(), 120);
    for row in 60..63 {
        assert!(table.is_held(row));
        assert_eq!(table.close(row), table.close(59));
        assert!(table.row(row).is_some());
        assert!(table.window(row, 20).is_none());
        assert!(table.outcome(row, 1).is_none());
    }
    assert!(table.outcome(59, 1).is_none(), "the next candle is missing, so it has no outcome");
    assert!(table.outcome(59, 4).is_some());
    assert!(table.window(63, 20).is_some());
    let tables = [table];
    let samples = SampleSet::collect(&tables, 20, LabelSpec::default()).unwrap();
    assert!(samples.samples().iter().all(|s| !(59..63).contains(&s.row())));
}

#[test]
fn pipeline_hold_policy_resets_after_huge_gap() {
    let mut pipeline = pipeline(GapPolicy::Hold { max_missing: 1000 });
    pipeline.update(&flat(0, 1.0)).unwrap();
    let far = pipeline.update(&flat(2_000_000_000, 1.0)).unwrap();
    assert!(far.restarted());
    assert_eq!(far.len(), 1);
    let too_long = GapPolicy::Hold { max_missing: 1001 };
    assert!(SignalPipeline::new(&spec(too_long), Interval::HOUR, &Registry::default()).is_err());
}

#[test]
fn registry_rejects_invalid_channel_specs_with_reason() {
    let build = |channel: ChannelSpec| {
        Registry::default().build(&channel, Interval::HOUR).map(|_| ()).unwrap_err().to_string()
    };
    let unknown = build(ChannelSpec::new("rsy"));
    assert!(
        unknown.starts_with("unknown channel \"rsy\"; the known channels are adx, atr, "),
        "{unknown}"
    );
    assert!(unknown.contains(", rsi, ") && unknown.ends_with(", williams_r"), "{unknown}");
    assert_eq!(
        build(ChannelSpec::new("rsi").with("perod", 14.0)),
        "channel \"rsi\" has no parameter \"perod\"; its parameters are: period"
    );
    for wrong in [0.0, 0.5, -3.0, 1e18, f64::NAN, f64::INFINITY] {
        let message = build(ChannelSpec::new("momentum").with("lag", wrong));
        assert!(message.contains("lag must be a whole number from 1 to 10000"), "{message}");
    }
    let empty = SignalSpec { channels: vec![], gaps: GapPolicy::Reset };
    assert!(SignalPipeline::new(&empty, Interval::HOUR, &Registry::default()).is_err());
}

#[test]
fn pipeline_rejects_spec_out_of_range() {
    let build = |spec: &SignalSpec| {
        SignalPipeline::new(spec, Interval::HOUR, &Registry::default()).map(|_| ()).unwrap_err()
    };
    let wide =
        SignalSpec { channels: vec![ChannelSpec::new("rsi"); 1_025], ..SignalSpec::default() };
    assert!(matches!(build(&wide), SignalError::Setting { setting: "number of channels", .. }));
    let mut leader = spec(GapPolicy::Hold { max_missing: 2 });
    leader.channels.push(ChannelSpec::new("leader").reading(common::pair("LEAD")));
    assert_eq!(build(&leader), SignalError::HoldReadsPair { pair: common::pair("LEAD") });
}

#[test]
fn pipeline_restore_rejects_state_of_another_pipeline() {
    let rsi = |period: f64, interval| {
        let channels = vec![ChannelSpec::new("rsi").with("period", period)];
        let spec = SignalSpec { channels, gaps: GapPolicy::Reset };
        SignalPipeline::new(&spec, interval, &Registry::default()).unwrap()
    };
    let mut own = rsi(14.0, Interval::HOUR);
    own.update(&flat(0, 1.0)).unwrap();
    let mut state = StateWriter::default();
    own.save(&mut state);
    let words = state.into_words();
    let restore = |mut into: SignalPipeline| into.restore(&mut StateReader::new(&words));
    assert!(restore(rsi(14.0, Interval::HOUR)).is_ok());
    for other in [rsi(21.0, Interval::HOUR), rsi(14.0, Interval::DAY), pipeline(GapPolicy::Reset)] {
        assert!(matches!(restore(other), Err(SignalError::State { .. })));
    }
    let mut reader = StateReader::new(&words);
    own.restore(&mut reader).unwrap();
    assert!(reader.finish().is_ok());
    let long = [&words[..], &[0]].concat();
    let mut reader = StateReader::new(&long);
    own.restore(&mut reader).unwrap();
    assert!(reader.finish().is_err());
}

#[test]
fn split_rejects_times_that_do_not_rise() {
    let at = Timestamp::from_millis;
    assert!(
        Split::builder()
            .validate_from(at(1))
            .test_from(at(2))
            .test_until(at(3))
            .embargo(0)
            .build()
            .is_ok()
    );
    for (validate, test, until) in [(2, 1, None), (1, 1, None), (1, 2, Some(2)), (1, 3, Some(2))] {
        let error = Split::builder()
            .validate_from(at(validate))
            .test_from(at(test))
            .test_until(until.map(at))
            .embargo(0)
            .build()
            .unwrap_err();
        assert!(matches!(error, SignalError::SplitOrder { .. }), "{error}");
    }
    let tables = [table(GapPolicy::Reset).unwrap()];
    let samples = SampleSet::collect(&tables, 20, LabelSpec::default()).unwrap();
    let too_many = WalkForward { folds: usize::MAX, ..WalkForward::default() };
    assert!(too_many.splits(&samples.filtered(|_| false)).is_err());
    assert!(too_many.splits(&samples).is_err());
}

#[test]
fn scaler_from_parts_validates_its_arguments() {
    assert!(Scaler::from_parts(vec![0.0], vec![1.0], 5.0).is_ok());
    // The same as scikit-learn's StandardScaler, which does not clip.
    let (mean, scale) = (0.0123, 0.0456);
    let unclipped = Scaler::from_parts(vec![mean], vec![scale], 1e6).unwrap();
    for value in [-30.0, 0.0, 0.02, 1e3] {
        assert_eq!(unclipped.apply(0, value), (value - mean) / scale);
    }
    let infinite = Scaler::from_parts(vec![0.0], vec![1.0], f64::INFINITY).unwrap_err().to_string();
    assert!(infinite.contains("use 1e6 to clip no value"), "{infinite}");
    let wrong = [
        (vec![], vec![], 5.0),
        (vec![0.0], vec![1.0, 1.0], 5.0),
        (vec![f64::NAN], vec![1.0], 5.0),
        (vec![0.0], vec![-1.0], 5.0),
        (vec![0.0], vec![1.0], 0.0),
    ];
    for (centre, scale, clip) in wrong {
        assert!(Scaler::from_parts(centre, scale, clip).is_err());
    }
}

#[test]
fn rsi_of_rising_flat_and_falling_closes_is_100_50_and_0() {
    let last = |close: fn(i64) -> f64| {
        let mut rsi = Rsi::new(14).unwrap();
        (0..40).filter_map(|hour| rsi.update(&flat(hour, close(hour)))).last().unwrap()
    };
    assert_eq!(last(|hour| 100.0 + hour as f64), 100.0);
    assert_eq!(last(|_| 100.0), 50.0);
    assert_eq!(last(|hour| 100.0 - hour as f64), 0.0);
}

#[test]
fn indicators_converge_within_documented_candles() {
    let walk = walk("A", 0..3000, 9);
    let closes = walk.candles();
    for start in [1000, 1500, 2000] {
        let (mut long, mut short) = (Rsi::new(14).unwrap(), Rsi::new(14).unwrap());
        let (mut long_macd, mut short_macd) = (Macd::default(), Macd::default());
        for (index, candle) in closes.iter().enumerate().take(start + 400) {
            let (rsi, macd) = (long.update(candle), long_macd.update(candle));
            if index < start {
                continue;
            }
            let (young_rsi, young_macd) = (short.update(candle), short_macd.update(candle));
            if index >= start + 220 {
                assert!((rsi.unwrap() - young_rsi.unwrap()).abs() <= 1e-4, "RSI ranges to 100");
                let price = candle.close();
                assert!((macd.unwrap() - young_macd.unwrap()).abs() <= 1e-6 * price);
            }
        }
    }
}

/// Candles of a random walk at these hours.
fn at_hours(interval: Interval, hours: impl IntoIterator<Item = f64>) -> CandleSeries {
    let hours: Vec<f64> = hours.into_iter().collect();
    let walk = walk("A", 0..i64::try_from(hours.len()).unwrap(), 9);
    let candles = hours.iter().zip(&walk).map(|(hour, candle)| {
        let open_time = Timestamp::from_millis((hour * common::HOUR as f64) as i64);
        Candle::new(open_time, candle.values()).unwrap()
    });
    CandleSeries::new(common::pair("A"), interval, candles.collect()).unwrap()
}

/// Five days of six candles of four hours, a weekend, and so on; from day 35 on an hour earlier.
fn four_hours_by_session() -> CandleSeries {
    let days = (0..70).filter(|day| day % 7 < 5);
    let open = |day: i64, four: i64| (day * 24 + 4 * four - i64::from(day >= 35)) as f64;
    let hours = days.flat_map(|day| (0..6).map(move |four| open(day, four)));
    at_hours(Interval::FOUR_HOURS.by_session(), hours)
}

#[test]
fn pipeline_by_session_joins_sessions_across_a_clock_change() {
    let series = four_hours_by_session();
    let missing: Vec<u64> = series.gaps().map(|gap| gap.missing).collect();
    assert_eq!(missing, [12, 12, 12, 12, 11, 12, 12, 12, 12]);
    let registry = Registry::default();
    for (gaps, resets) in [(GapPolicy::Sessions { max_missing: 42 }, 0), (GapPolicy::Reset, 9)] {
        let table = SignalTable::build(&spec(gaps), &registry, &series, &[]).unwrap();
        let mut pipeline = SignalPipeline::new(&spec(gaps), series.interval(), &registry).unwrap();
        let mut restarts = 0;
        for (row, candle) in series.iter().enumerate() {
            let rows = pipeline.update(candle).unwrap();
            restarts += usize::from(rows.restarted());
            assert_eq!(rows.last(), table.row(row));
        }
        assert_eq!(restarts, resets);
    }
    let error = SignalTable::build(&spec(GapPolicy::Error), &registry, &series, &[]).unwrap_err();
    assert!(matches!(error, SignalError::Gap { missing: 12, .. }), "{error}");
    for gaps in [GapPolicy::Hold { max_missing: 3 }, GapPolicy::ByClock] {
        let error = SignalPipeline::new(&spec(gaps), series.interval(), &registry).unwrap_err();
        assert_eq!(error, SignalError::SessionGaps { interval: series.interval(), got: gaps });
    }
}

#[test]
fn rows_by_session_depend_on_no_later_candle() {
    let series = four_hours_by_session();
    let gaps = GapPolicy::Sessions { max_missing: 42 };
    let rows = |series: &CandleSeries| {
        let table = SignalTable::build(&spec(gaps), &Registry::default(), series, &[]).unwrap();
        let rows = (0..140).map(|row| (table.row(row).map(<[f64]>::to_vec), table.close_time(row)));
        rows.collect::<Vec<_>>()
    };
    let expected = rows(&series);
    // Later candles vanish, have other prices, or begin at other times.
    let (past, future) = series.candles().split_at(140);
    for hours in [0, 1, 5] {
        let moved = future.iter().step_by(2).map(|candle| {
            let at = candle.open_time().millis() + hours * common::HOUR;
            Candle::new(Timestamp::from_millis(at), past[0].values()).unwrap()
        });
        let changed: Vec<Candle> = past.iter().copied().chain(moved).collect();
        let changed = CandleSeries::new(common::pair("A"), series.interval(), changed).unwrap();
        assert_eq!(rows(&changed), expected);
    }
}

#[test]
fn pipeline_state_belongs_to_one_grid() {
    let state = |interval: Interval| {
        let pipeline = SignalPipeline::new(&SignalSpec::default(), interval, &Registry::default());
        let (pipeline, mut state) = (pipeline.unwrap(), StateWriter::default());
        pipeline.save(&mut state);
        state.into_words()
    };
    let grids = ["1h", "1h+30m", "1h+15m", "1h@session"].map(|text| text.parse().unwrap());
    assert_eq!(state(grids[0])[0], 3_600_000, "as in states before there were other grids");
    for from in grids {
        for to in grids {
            let pipeline = SignalPipeline::new(&SignalSpec::default(), to, &Registry::default());
            let restored = pipeline.unwrap().restore(&mut StateReader::new(&state(from)));
            assert_eq!(restored.is_ok(), from == to, "{from} {to}");
        }
    }
}

#[test]
fn coarser_channel_begins_with_the_offset_of_its_interval() {
    let (hours, fours): (Interval, Interval) =
        ("1h+30m".parse().unwrap(), "4h+90m".parse().unwrap());
    let fine = at_hours(hours, (0..300).map(|hour| f64::from(hour) + 0.5));
    let coarse = fine.resample(fours).unwrap().series;
    let momentum = ChannelSpec::new("momentum");
    let table = |channel: ChannelSpec, series: &CandleSeries| {
        let spec = SignalSpec { channels: vec![channel], gaps: GapPolicy::Reset };
        SignalTable::build(&spec, &Registry::default(), series, &[]).unwrap()
    };
    let on = table(ChannelSpec::on(fours, momentum.clone()), &fine);
    let own = table(momentum, &coarse);
    for row in 1..coarse.len() {
        let same = (0..fine.len()).find(|fine| on.close_time(*fine) == own.close_time(row));
        assert_eq!(on.row(same.unwrap()), own.row(row));
        assert!(own.row(row).is_some());
    }
}
