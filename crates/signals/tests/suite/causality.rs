//! No look-ahead: rows at time t depend on no later candle, and live rows equal batch rows.
use crate::common;

use common::{any_series, candle, flat, others, pair, series, single, walk, wide, wide_market};
use proptest::prelude::*;
use windvane_candles::{Candle, CandleSeries, Interval, Ohlcv, Pair, Timestamp};
use windvane_signals::{
    Band, Channel, ChannelSpec, GapPolicy, LabelSpec, MarketSnapshot, Registry, Sample, SampleSet,
    Scaler, SignalError, SignalPipeline, SignalSpec, SignalTable, Split, StateReader, StateWriter,
    WalkForward,
};

fn table(spec: &SignalSpec, series: &CandleSeries) -> SignalTable {
    let others = if spec.pairs().is_empty() { Vec::new() } else { others(last_hour(series)) };
    SignalTable::build(spec, &Registry::default(), series, &others).unwrap()
}

fn last_hour(series: &CandleSeries) -> i64 {
    series.candles().last().unwrap().open_time().millis() / common::HOUR
}

/// One close of the market in a live feed: the own candle, if there is one, and the others'.
struct LiveClose {
    open_time: Timestamp,
    own: Option<Candle>,
    others: Vec<(Pair, Candle)>,
}

/// All closes up to the last own candle, in order of time.
fn live_feed(spec: &SignalSpec, own: &CandleSeries) -> Vec<LiveClose> {
    let others = if spec.pairs().is_empty() { Vec::new() } else { others(last_hour(own)) };
    let all = others.iter().chain([own]);
    let times = all.clone().flat_map(|series| series.iter().map(Candle::open_time));
    let times: std::collections::BTreeSet<Timestamp> = times.collect();
    let find = |series: &CandleSeries, time| {
        series.iter().find(|candle| candle.open_time() == time).copied()
    };
    let closes = times.into_iter().map(|open_time| LiveClose {
        open_time,
        own: find(own, open_time),
        others: all
            .clone()
            .filter(|series| spec.pairs().contains(&series.pair()))
            .filter_map(|series| Some((series.pair().clone(), find(series, open_time)?)))
            .collect(),
    });
    let last = own.candles().last().map(Candle::open_time);
    closes.filter(|close| Some(close.open_time) <= last).collect()
}

/// Feeds one close to a pipeline and returns the rows; `None` without an own candle.
fn feed<'p>(
    pipeline: &'p mut SignalPipeline,
    close: &LiveClose,
) -> Option<windvane_signals::SignalRows<'p>> {
    let Some(own) = &close.own else {
        pipeline.advance(close.open_time, &close.others).unwrap();
        return None;
    };
    Some(pipeline.update(MarketSnapshot::new(own, &close.others)).unwrap())
}

fn pipeline(spec: &SignalSpec) -> SignalPipeline {
    SignalPipeline::new(spec, Interval::HOUR, &Registry::default()).unwrap()
}

fn bits(row: Option<&[f64]>) -> Option<Vec<u64>> {
    row.map(|row| row.iter().map(|value| value.to_bits()).collect())
}

fn policies() -> impl Strategy<Value = GapPolicy> {
    prop_oneof![
        Just(GapPolicy::Reset),
        Just(GapPolicy::ByClock),
        (0..20_u32).prop_map(|max_missing| GapPolicy::Sessions { max_missing }),
        (0..20_u32).prop_map(|max_missing| GapPolicy::Hold { max_missing }),
    ]
}

/// The default six channels, which have a separate code path in the pipeline, all channels of the
/// own pair together, and every channel alone. Candles of other pairs cannot be held.
fn specs() -> impl Strategy<Value = Vec<SignalSpec>> {
    policies().prop_map(|gaps| {
        let mut all = single(&wide());
        all.extend([SignalSpec::default(), wide()]);
        if !matches!(gaps, GapPolicy::Hold { .. }) {
            all.extend(single(&wide_market()));
        }
        all.into_iter().map(|spec| SignalSpec { gaps, ..spec }).collect()
    })
}

#[test]
fn property_tests_cover_every_built_in_channel() {
    let unknown = Registry::default().build(&ChannelSpec::new(""), Interval::HOUR).unwrap_err();
    let SignalError::UnknownChannel { known, .. } = unknown else { panic!("{unknown}") };
    let (own, market) = (wide(), wide_market());
    let listed: Vec<&str> =
        own.channels.iter().chain(&market.channels).map(ChannelSpec::name).collect();
    for name in known {
        assert!(listed.contains(&name.as_str()), "add {name} to wide() in tests/suite/common.rs");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pipeline_streaming_rows_equal_batch_rows(series in any_series(1..150), specs in specs()) {
        for spec in specs {
            let table = table(&spec, &series);
            let mut pipeline = pipeline(&spec);
            let mut row = 0;
            for close in live_feed(&spec, &series) {
                let Some(rows) = feed(&mut pipeline, &close) else { continue };
                for index in 0..rows.len() {
                    prop_assert_eq!(bits(rows.get(index)), bits(table.row(row)));
                    prop_assert_eq!(table.is_held(row), index + 1 < rows.len());
                    row += 1;
                }
            }
            prop_assert_eq!(row, table.len());
        }
    }

    #[test]
    fn table_rows_and_labels_are_independent_of_later_candles(
        series in any_series(60..150),
        other in any_series(60..150),
        specs in specs(),
        share in 0.1..0.9_f64,
    ) {
        let cut = (series.len() as f64 * share) as usize;
        let now = series.candles()[cut].open_time();
        let shift = now.millis();
        let future = other.candles().iter().filter(|c| c.open_time().millis() > 0).map(|c| {
            candle((c.open_time().millis() + shift) / common::HOUR, values_array(c))
        });
        let changed: Vec<Candle> = series.candles()[..=cut].iter().copied().chain(future).collect();
        let changed = common::series("OWN", changed);
        let labels = LabelSpec { horizon: 2, band: Band::Volatility { factor: 0.5, lookback: 10 } };
        for spec in specs {
            let (before, after) = (table(&spec, &series), table(&spec, &changed));
            for row in 0..before.len() {
                let Some(at) = before.close_time(row) else { continue };
                if at > now.plus(Interval::HOUR, 1).unwrap() { break; }
                prop_assert_eq!(bits(before.row(row)), bits(after.row(row)));
                let settled = |table| labels.label(table, row).filter(|(_, outcome)| outcome.settled_at <= now);
                prop_assert_eq!(settled(&before), settled(&after));
            }
        }
    }

    #[test]
    fn scaler_fit_is_independent_of_candles_after_training(seed in 1..1000_u64, other in 1000..2000_u64) {
        let head = walk("A", 0..300, seed);
        let tails = [walk("A", 300..400, seed), walk("A", 300..400, other)];
        let [one, two] = tails.map(|tail| {
            let candles = head.iter().chain(tail.iter()).copied().collect();
            table(&SignalSpec::default(), &series("A", candles))
        });
        let split = Split::builder().validate_from(head.close_time(250).unwrap()).test_from(head.close_time(299).unwrap()).embargo(0).build().unwrap();
        let fit = |table: SignalTable| {
            let tables = [table];
            let samples = SampleSet::collect(&tables, 20, LabelSpec::default()).unwrap();
            Scaler::fit(&split.train(&samples).unwrap()).unwrap()
        };
        prop_assert_eq!(fit(one), fit(two));
    }

    #[test]
    fn walk_forward_labels_overlap_no_later_period(
        folds in 1..6_usize, validation in 0.15..0.5_f64, embargo in 0..10_u32, horizon in 1..8_usize,
    ) {
        let tables = [walk("A", 0..1200, 3), walk("B", 200..1800, 4)]
            .map(|series| table(&SignalSpec::default(), &series));
        let labels = LabelSpec { horizon, ..LabelSpec::default() };
        let samples = SampleSet::collect(&tables, 20, labels).unwrap();
        for split in (WalkForward { folds, validation, embargo, window: None }).splits(&samples).unwrap() {
            let train = split.train(&samples).unwrap();
            let validation = split.validation(&samples).unwrap();
            let test = split.test(&samples);
            let first = |set: &SampleSet| set.samples()[0].decided_at;
            let settled = |set: &SampleSet| {
                let last = set.samples().iter().map(Sample::settled_at).max().unwrap();
                last.plus(Interval::HOUR, i64::from(embargo)).unwrap()
            };
            prop_assert!(settled(&train) <= first(&validation));
            prop_assert!(settled(&validation) <= first(&test));
            prop_assert!(train.until() <= split.validate_from());
            prop_assert!(!test.is_empty());
        }
    }

    #[test]
    fn channels_are_invariant_under_price_scaling(series in any_series(60..120), power in -10..10_i32) {
        // A power of two: no price is rounded, so that no comparison of two prices changes.
        let factor = 2.0_f64.powi(power);
        let scaled = series.iter().map(|c| {
            let [open, high, low, close, volume] = values_array(c);
            let [open, high, low, close] = [open, high, low, close].map(|price| price * factor);
            candle(c.open_time().millis() / common::HOUR, [open, high, low, close, volume])
        }).collect();
        let scaled = common::series("OWN", scaled);
        for spec in single(&wide()) {
            let spec = SignalSpec { gaps: GapPolicy::Sessions { max_missing: 100 }, ..spec };
            let (one, two) = (table(&spec, &series), table(&spec, &scaled));
            for row in 0..one.len() {
                prop_assert_eq!(one.row(row).is_some(), two.row(row).is_some());
                for (a, b) in one.row(row).unwrap_or(&[]).iter().zip(two.row(row).unwrap_or(&[])) {
                    let name = &spec.channels[0];
                    prop_assert!((a - b).abs() <= 1e-6 * a.abs().max(1.0), "{name} row {row}: {a} and {b}");
                }
            }
        }
    }

    #[test]
    fn pipeline_restored_from_state_continues_with_same_bits(
        series in any_series(2..120), specs in specs(), share in 0.0..1.0_f64,
    ) {
        for spec in specs {
            let closes = live_feed(&spec, &series);
            let cut = (closes.len() as f64 * share) as usize;
            let mut one = pipeline(&spec);
            for close in &closes[..cut] {
                feed(&mut one, close);
            }
            let mut state = StateWriter::default();
            one.save(&mut state);
            let words = state.into_words();
            let mut two = pipeline(&spec);
            // The restored pipeline has seen other candles before.
            two.update(&flat(-50, 3.0)).unwrap();
            let mut reader = StateReader::new(&words);
            two.restore(&mut reader).unwrap();
            prop_assert!(reader.finish().is_ok());
            // A truncated state is rejected and changes nothing.
            if let Some((_, short)) = words.split_last() {
                prop_assert!(two.restore(&mut StateReader::new(short)).is_err());
            }
            for close in &closes[cut..] {
                let want = feed(&mut one, close).map(|rows| bits(rows.last()));
                prop_assert_eq!(feed(&mut two, close).map(|rows| bits(rows.last())), want);
            }
        }
    }
}

fn values_array(candle: &Candle) -> [f64; 5] {
    let Ohlcv { open, high, low, close, volume } = candle.values();
    [open, high, low, close, volume]
}

#[test]
fn label_is_none_for_last_horizon_rows() {
    let tables = [table(&SignalSpec::default(), &walk("A", 0..100, 1))];
    for horizon in 1..5 {
        let labels = LabelSpec { horizon, ..LabelSpec::default() };
        assert!(labels.label(&tables[0], 99 - horizon).is_some());
        assert!(labels.label(&tables[0], 100 - horizon).is_none());
    }
}

#[test]
fn label_outcome_is_settled_after_its_window() {
    let tables = [table(&SignalSpec::default(), &walk("A", 0..100, 1))];
    let samples = SampleSet::collect(&tables, 20, LabelSpec::default()).unwrap();
    assert_eq!(samples.len(), 100 - 25 - 19 - 1);
    for sample in samples.samples() {
        assert_eq!(sample.settled_at().millis() - sample.decided_at.millis(), common::HOUR);
        let change = tables[0].close(sample.row() + 1).unwrap()
            / tables[0].close(sample.row()).unwrap()
            - 1.0;
        assert!((change - sample.outcome().change).abs() < 1e-12);
    }
}

#[test]
fn label_is_neutral_for_tie_and_within_band() {
    let closes = [100.0, 100.0, 101.0, 100.0, 100.5];
    let candles = (0..60).map(|hour| flat(hour, closes[hour as usize % 5])).collect();
    let tables = [table(&SignalSpec::default(), &series("A", candles))];
    let share_neutral = |width| {
        let labels = LabelSpec { band: Band::Fixed { width }, ..LabelSpec::default() };
        let samples = SampleSet::collect(&tables, 1, labels).unwrap();
        samples.class_counts()[2] as f64 / samples.len() as f64
    };
    assert!((share_neutral(0.0) - 0.2).abs() < 0.02);
    assert!((share_neutral(0.006) - 0.6).abs() < 0.03);
    assert!((share_neutral(0.02) - 1.0).abs() < 1e-12);
}

/// A bot's own channel: the last change of another pair, the leader.
#[derive(Debug)]
struct LeaderMove {
    leader: Pair,
    previous: Option<f64>,
}

impl Channel for LeaderMove {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let close = market.other(&self.leader)?.close();
        let before = self.previous.replace(close)?;
        Some(close / before - 1.0)
    }

    fn warm_up(&self) -> usize {
        1
    }

    fn reset(&mut self) {
        self.previous = None;
    }

    fn save(&self, state: &mut StateWriter) {
        state.floats(self.previous.into_iter());
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.previous = state.floats(1)?.first().copied();
        Ok(())
    }
}

#[test]
fn channel_reads_another_pair() {
    let mut registry = Registry::default();
    registry.register("leader_move", |spec| {
        spec.check(&[], 1)?;
        Ok(Box::new(LeaderMove { leader: spec.pairs()[0].clone(), previous: None }))
    });
    let mut spec = SignalSpec::default();
    spec.channels.push(ChannelSpec::new("leader_move").reading(pair("LEAD")));
    let (own, leader) = (walk("OWN", 0..80, 1), walk("LEAD", 0..60, 2));
    let build = |others: &[CandleSeries]| SignalTable::build(&spec, &registry, &own, others);
    assert_eq!(build(&[]).unwrap_err(), SignalError::MissingPair { pair: pair("LEAD") });
    let table = build(std::slice::from_ref(&leader)).unwrap();
    assert_eq!(table.width(), 7);
    let want = leader.candles()[30].close() / leader.candles()[29].close() - 1.0;
    assert_eq!(table.row(30).unwrap()[6].to_bits(), want.to_bits());
    assert!(table.row(59).is_some());
    // Without a candle of the leader the row is undefined.
    assert_eq!(table.row(60), None);

    let mut live = SignalPipeline::new(&spec, Interval::HOUR, &registry).unwrap();
    for (own, leader) in own.iter().zip(&leader) {
        let beside = [(pair("LEAD"), *leader)];
        let row = bits(live.update(MarketSnapshot::new(own, &beside)).unwrap().last());
        let index = (own.open_time().millis() / common::HOUR) as usize;
        assert_eq!(row, bits(table.row(index)));
    }
    let late = [(pair("LEAD"), leader.candles()[10])];
    let error = live.update(MarketSnapshot::new(&own.candles()[60], &late)).unwrap_err();
    assert!(matches!(error, SignalError::OutOfSync { .. }), "{error}");
}
