//! Datasets: equality with tables and splits, ownership, and no look-ahead in training.
use crate::common;

use common::{HOUR, candle, pair, series, walk, wide};
use windvane_candles::{CandleSeries, Timestamp};
use windvane_signals::{
    ChannelSpec, Dataset, DatasetParts, LabelSpec, Momentum, Registry, SampleSet, Scaler,
    SignalError, SignalSpec, SignalTable, Split,
};

fn at(hour: i64) -> Timestamp {
    Timestamp::from_millis(hour * HOUR)
}

fn pairs() -> Vec<CandleSeries> {
    vec![walk("A", 0..900, 3), walk("B", 100..1_000, 4), walk("C", 50..700, 5)]
}

fn dataset(series: &[CandleSeries]) -> Dataset {
    Dataset::from_series(series, &SignalSpec::default(), 20, LabelSpec::default()).unwrap()
}

/// Bits of all values and outcomes of the set's windows.
fn bits(samples: &SampleSet) -> Vec<u64> {
    let mut bits = Vec::new();
    for sample in samples.samples() {
        bits.push(sample.decided_at.millis().cast_unsigned());
        bits.push(sample.outcome().change.to_bits());
        bits.extend(samples.window(sample).values().iter().map(|value| value.to_bits()));
    }
    bits
}

/// Returns only the parts: the series, the tables and the dataset are dropped here.
fn parts_from_helper() -> DatasetParts {
    dataset(&pairs()).split(at(500), at(700)).unwrap()
}

#[test]
fn dataset_parts_equal_split_of_collected_tables() {
    let parts = parts_from_helper();
    let build = |series: &CandleSeries| {
        SignalTable::build(&SignalSpec::default(), &Registry::default(), series, &[]).unwrap()
    };
    let tables: Vec<SignalTable> = pairs().iter().map(build).collect();
    let pool = SampleSet::collect(&tables, 20, LabelSpec::default()).unwrap();
    let split = Split::builder().validate_from(at(500)).test_from(at(700)).build().unwrap();
    let train = split.train(&pool).unwrap();
    assert_eq!(bits(&parts.train), bits(&train));
    assert_eq!(bits(&parts.validation), bits(&split.validation(&pool).unwrap()));
    assert_eq!(bits(&parts.test), bits(&split.test(&pool)));
    assert_eq!(Scaler::fit(&parts.train).unwrap(), Scaler::fit(&train).unwrap());
    assert_eq!(parts.train.until(), train.until());
    assert!(!parts.test.is_empty());
}

#[test]
fn dataset_training_part_ignores_changes_of_later_candles() {
    let original = pairs();
    let modified: Vec<CandleSeries> = original
        .iter()
        .map(|own| {
            let changed = own.iter().map(|one| {
                let (v, hour) = (one.values(), one.open_time().millis() / HOUR);
                let factor = if hour >= 500 { 2.0 + (hour % 5) as f64 } else { 1.0 };
                let prices = [v.open, v.high, v.low, v.close].map(|price| price * factor);
                candle(hour, [prices[0], prices[1], prices[2], prices[3], v.volume * factor])
            });
            series(own.pair().as_str(), changed.collect())
        })
        .collect();
    let [before, after] =
        [original, modified].map(|all| dataset(&all).split(at(500), at(700)).unwrap());
    assert_eq!(bits(&before.train), bits(&after.train));
    assert_eq!(Scaler::fit(&before.train).unwrap(), Scaler::fit(&after.train).unwrap());
    assert_ne!(bits(&before.test), bits(&after.test));
    let first = before.validation.samples()[0].decided_at;
    assert!(before.train.until() < first && !before.train.covers(first));
}

#[test]
fn dataset_with_registry_uses_own_channels_and_other_pairs() {
    let mut registry = Registry::default();
    registry.register("my_bot.week", |spec| {
        spec.check(&[], 1)?;
        Ok(Box::new(Momentum::new(168)?))
    });
    let mut spec = wide();
    spec.channels.push(ChannelSpec::new("my_bot.week").reading(pair("B")));
    let labels = LabelSpec::default();
    let own = Dataset::with_registry(&registry, &pairs(), &spec, 10, labels).unwrap();
    assert_eq!(own.samples().width(), spec.width());
    let alone = Dataset::with_registry(&registry, &pairs()[..1], &spec, 10, labels);
    assert_eq!(alone.unwrap_err(), SignalError::MissingPair { pair: pair("B") });
    let unknown = Dataset::from_series(&pairs(), &spec, 10, labels).unwrap_err();
    assert!(matches!(unknown, SignalError::UnknownChannel { .. }), "{unknown}");
}

#[test]
fn dataset_split_rejects_empty_parts_and_live_split_has_no_test() {
    let all = dataset(&pairs());
    for (validate, test, part) in [(1, 500, "training"), (2_000, 2_100, "validation")] {
        let error = all.split(at(validate), at(test)).unwrap_err();
        let wanted = matches!(error, SignalError::EmptyPart { part: got, .. } if got == part);
        assert!(wanted, "{error}");
    }
    let late = all.split(at(900), at(1_100)).unwrap_err();
    assert!(matches!(late, SignalError::EmptyPart { part: "test", .. }), "{late}");
    let live = Split::for_live(all.samples(), 0.2).unwrap();
    let parts = all.split_with(&live).unwrap();
    assert!(parts.test.is_empty() && !parts.train.is_empty());
    let reversed = all.split(at(700), at(500)).unwrap_err();
    assert!(matches!(reversed, SignalError::SplitOrder { .. }), "{reversed}");
}

#[test]
fn split_builder_requires_rising_times() {
    let builder = || Split::builder().validate_from(at(10)).test_from(at(20));
    let split = builder().build().unwrap();
    assert_eq!((split.train_from(), split.test_until(), split.embargo()), (None, None, 1));
    let full = builder().train_from(at(5)).test_until(at(30)).embargo(7).build().unwrap();
    assert_eq!((full.train_from(), full.validate_from()), (Some(at(5)), at(10)));
    assert_eq!((full.test_until(), full.embargo()), (Some(at(30)), 7));

    let wrong =
        [builder().train_from(at(10)), builder().test_until(at(20)), builder().test_from(at(10))];
    for builder in wrong {
        let error = builder.build().unwrap_err();
        assert!(matches!(error, SignalError::SplitOrder { .. }), "{error}");
    }
    let error = Split::builder().validate_from(at(10)).build().unwrap_err();
    assert_eq!(error.to_string(), "the split has no test_from; call SplitBuilder::test_from");
    let error = Split::builder().test_from(at(10)).build().unwrap_err();
    assert_eq!(error, SignalError::SplitTime { setter: "validate_from" });
}
