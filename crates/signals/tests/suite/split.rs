//! No label of a training or validation sample overlaps a test, for any plan.
use crate::common;

use std::time::Duration;

use common::{HOUR, series, walk};
use proptest::prelude::*;
use windvane_candles::{CandleSeries, Interval, Timestamp};
use windvane_signals::{
    Combinatorial, GapPolicy, LabelSpec, Period, RefitSchedule, Registry, RollingRefit, Sample,
    SampleSet, Scaler, SignalError, SignalSpec, SignalTable, Split, WalkForward,
};

fn at(hour: i64) -> Timestamp {
    Timestamp::from_millis(hour * HOUR)
}

fn table(spec: &SignalSpec, series: &CandleSeries) -> SignalTable {
    SignalTable::build(spec, &Registry::default(), series, &[]).unwrap()
}

/// Random walk with missing candles: every `every`-th, and seven hours of every `every`-th day.
fn gapped(name: &str, hours: std::ops::Range<i64>, seed: u64, every: i64) -> CandleSeries {
    let whole = walk(name, hours, seed);
    let kept = |hour: i64| hour % every != 0 && !(hour / 24 % every == 1 && hour % 24 < 7);
    let candles = whole.iter().filter(|c| kept(c.open_time().millis() / HOUR)).copied();
    series(name, candles.collect())
}

fn tables(every: i64, gaps: GapPolicy) -> Vec<SignalTable> {
    let spec = SignalSpec { gaps, ..SignalSpec::default() };
    let pairs = [
        walk("A", 0..1_500, 3),
        gapped("B", 100..1_600, 4, every),
        gapped("C", 700..1_300, 5, every + 3),
    ];
    pairs.iter().map(|series| table(&spec, series)).collect()
}

#[derive(Debug, Clone)]
enum AnyPlan {
    Walk(WalkForward),
    Groups(Combinatorial),
    Refit(RollingRefit),
    Holdout(Split),
}

impl AnyPlan {
    fn splits(&self, pool: &SampleSet) -> Vec<Split> {
        match self {
            Self::Walk(plan) => plan.splits(pool).unwrap(),
            Self::Groups(plan) => plan.splits(pool).unwrap(),
            Self::Refit(plan) => plan.splits(pool).unwrap(),
            Self::Holdout(split) => vec![split.clone()],
        }
    }
}

fn any_plan() -> impl Strategy<Value = AnyPlan> {
    let window = prop_oneof![Just(None), (100..900_u32).prop_map(Some)];
    let walk = (1..6_usize, 0.1..0.6_f64, window, 0..30_u32).prop_map(
        |(folds, validation, window, embargo)| {
            AnyPlan::Walk(WalkForward { folds, validation, window, embargo })
        },
    );
    let groups = (3..8_usize, 1..3_usize, 0.1..0.6_f64, 0..30_u32).prop_map(
        |(groups, test_groups, validation, embargo)| {
            AnyPlan::Groups(Combinatorial { groups, test_groups, validation, embargo })
        },
    );
    let window = prop_oneof![Just(None), (150..900_u64).prop_map(Some)];
    let refit = (400..900_i64, 20..300_u32, window, 0.1..0.6_f64, 0..30_u32).prop_map(
        |(test_from, candles, hours, validation, embargo)| {
            let window = hours.map(|hours| Duration::from_secs(3_600 * hours));
            let schedule = RefitSchedule::Candles(candles);
            let plan = RollingRefit::new(at(test_from), schedule);
            AnyPlan::Refit(RollingRefit { window, validation, embargo, ..plan })
        },
    );
    let once =
        (300..700_i64, 50..300_i64, 50..300_i64, 0..30_u32).prop_map(|(from, a, b, embargo)| {
            let (test_from, test_until) = (at(from + a), at(from + a + b));
            AnyPlan::Holdout(
                Split::builder()
                    .validate_from(at(from))
                    .test_from(test_from)
                    .test_until(test_until)
                    .embargo(embargo)
                    .build()
                    .unwrap(),
            )
        });
    prop_oneof![walk, groups, refit, once]
}

/// Period from the decision to the outcome of a sample, with the embargo on both sides.
fn span(sample: &Sample, embargo: u32) -> (Timestamp, Timestamp) {
    let moved = |time: Timestamp, by: i64| time.plus(Interval::HOUR, by).unwrap();
    let embargo = i64::from(embargo);
    (moved(sample.decided_at, -embargo), moved(sample.settled_at(), embargo))
}

/// Returns whether a label of one set overlaps a label of the other; common ends are no overlap.
fn overlap(some: &[Sample], tests: &[Sample], embargo: u32) -> bool {
    some.iter().any(|sample| {
        let (from, until) = span(sample, embargo);
        // The decision times rise, but over missing candles the times of the outcomes do not.
        let first = tests.partition_point(|test| test.decided_at < from);
        let earlier = tests[..first].iter().rev().take(400);
        earlier.clone().any(|test| test.settled_at() > from)
            || tests[first..].first().is_some_and(|test| test.decided_at < until)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn split_labels_of_training_and_validation_overlap_no_test(
        plan in any_plan(), horizon in 1..=24_usize, every in 5..60_i64, sessions in any::<bool>(),
    ) {
        let gaps =
            if sessions { GapPolicy::Sessions { max_missing: 30 } } else { GapPolicy::Reset };
        let tables = tables(every, gaps);
        let pool = SampleSet::collect(&tables, 10, LabelSpec { horizon, ..LabelSpec::default() });
        let pool = pool.unwrap();
        let mut tested = vec![0; pool.len()];
        for split in plan.splits(&pool) {
            let test = split.test(&pool);
            for sample in test.samples() {
                let is_it = |s: &Sample| (s.decided_at, s.table()) < (sample.decided_at, sample.table());
                tested[pool.samples().partition_point(is_it)] += 1;
            }
            // An empty part is an error, so no model is trained.
            let (Ok(train), Ok(validation)) = (split.train(&pool), split.validation(&pool)) else {
                continue;
            };
            let embargo = split.embargo();
            prop_assert!(!overlap(train.samples(), test.samples(), embargo));
            prop_assert!(!overlap(validation.samples(), test.samples(), embargo));
            // Validation comes after training.
            let first = validation.samples()[0].decided_at;
            prop_assert!(train.samples().iter().all(|s| span(s, embargo).1 <= first));
            // The scaler's rows are in no test, and not before the training period.
            for hour in 0..1_700 {
                let close = at(hour);
                let of_test = |test: &Period| close > test.from && test.contains(close);
                if train.covers(close) {
                    prop_assert!(!split.tests().iter().any(of_test) && close <= train.until());
                    prop_assert!(split.train_from().is_none_or(|from| from <= close));
                }
            }
        }
        if let AnyPlan::Groups(plan) = plan {
            // Every sample is tested once per path, except those whose label overlaps two groups.
            prop_assert!(tested.iter().all(|count| *count == plan.paths() || *count == 0));
            let crossing = tested.iter().filter(|count| **count == 0).count();
            prop_assert!(crossing <= plan.groups * 3 * (horizon + 1));
        } else {
            prop_assert!(tested.iter().all(|count| *count <= 1));
        }
    }
}

#[test]
fn combinatorial_plan_counts_paths_without_listing_the_choices() {
    for groups in 2..9 {
        for test_groups in 1..groups {
            let plan = Combinatorial { groups, test_groups, ..Combinatorial::default() };
            assert_eq!(plan.paths(), plan.combinations().len() * test_groups / groups);
        }
    }
    let paths = |groups, test_groups| {
        Combinatorial { groups, test_groups, ..Combinatorial::default() }.paths()
    };
    assert_eq!((paths(3, 4), paths(0, 0)), (0, 0));
    assert!(paths(60, 30) > 1_000_000 && paths(usize::MAX, usize::MAX / 2) > 0);
}

/// Modifies the rows of a test before the end of training: the fitted scaler must not change.
#[test]
fn scaler_of_split_around_test_ignores_rows_of_test() {
    let original = walk("A", 0..1_500, 3);
    let modified = series(
        "A",
        original
            .iter()
            .map(|candle| {
                let v = candle.values();
                // Only the volume, so that the rows after the test are unchanged.
                let hour = candle.open_time().millis() / HOUR;
                let volume =
                    if (600..760).contains(&hour) { v.volume * hour as f64 } else { v.volume };
                common::candle(hour, [v.open, v.high, v.low, v.close, volume])
            })
            .collect(),
    );
    let tests = vec![Period { from: at(600), until: Some(at(800)) }];
    let split = Split::around(tests, at(1_300), 10).unwrap();
    let fit = |series: &CandleSeries| {
        let tables = [table(&SignalSpec::default(), series)];
        let pool = SampleSet::collect(&tables, 10, LabelSpec::default()).unwrap();
        let train = split.train(&pool).unwrap();
        assert!(train.samples().iter().any(|sample| sample.decided_at > at(800)));
        Scaler::fit(&train).unwrap()
    };
    assert_eq!(fit(&original), fit(&modified));
}

#[test]
fn walk_forward_rolling_window_has_its_length_and_validation_share() {
    let tables = [table(&SignalSpec::default(), &walk("A", 0..2_000, 3))];
    let pool = SampleSet::collect(&tables, 10, LabelSpec::default()).unwrap();
    let plan = WalkForward { window: Some(300), ..WalkForward::default() };
    let grows = WalkForward::default().splits(&pool).unwrap();
    for (split, grown) in plan.splits(&pool).unwrap().iter().zip(&grows) {
        assert_eq!(split.tests(), grown.tests());
        let from = split.train_from().unwrap();
        assert_eq!(from.plus(Interval::HOUR, 300), Some(split.test_from()));
        let train = split.train(&pool).unwrap();
        assert!((254 - 3..=255).contains(&train.len()), "{}", train.len());
        let validation = split.validation(&pool).unwrap().len();
        assert!((43..=45).contains(&validation), "{validation}");
    }
    // A window longer than the history is all of it.
    let long = WalkForward { window: Some(90_000), ..WalkForward::default() };
    let all = |split: &Split| split.train(&pool).unwrap().len();
    let long: Vec<usize> = long.splits(&pool).unwrap().iter().map(all).collect();
    assert_eq!(long, grows.iter().map(all).collect::<Vec<_>>());
}

#[test]
fn rolling_refit_fits_on_the_calendar_with_its_window() {
    // The hours count from 1970-01-01; the test begins on 20 February.
    let tables = [table(&SignalSpec::default(), &walk("A", 0..4_000, 3))];
    let pool = SampleSet::collect(&tables, 10, LabelSpec::default()).unwrap();
    let plan = RollingRefit::new("1970-02-20".parse().unwrap(), RefitSchedule::Monthly);
    let splits = plan.splits(&pool).unwrap();
    let starts: Vec<String> =
        splits.iter().map(|split| split.test_from().to_string()[..10].to_string()).collect();
    assert_eq!(starts, ["1970-02-20", "1970-03-01", "1970-04-01", "1970-05-01", "1970-06-01"]);
    // The tests cover the time from the first fit to the end of the data, once.
    for two in splits.windows(2) {
        assert_eq!(two[0].test_until(), Some(two[1].test_from()));
    }
    assert_eq!(splits[4].test_until(), None);
    let tested: usize = splits.iter().map(|split| split.test(&pool).len()).sum();
    let after = pool.samples().iter().filter(|sample| sample.decided_at >= plan.test_from);
    assert_eq!(tested, after.count());
    // An expanding window grows, a sliding one keeps its length and its validation share.
    let sizes = |plan: RollingRefit| -> Vec<(usize, usize)> {
        let splits = plan.splits(&pool).unwrap();
        let size = |split: &Split| {
            (split.train(&pool).unwrap().len(), split.validation(&pool).unwrap().len())
        };
        splits.iter().map(size).collect()
    };
    assert!(sizes(plan).windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 < two[1].1));
    let window = Some(Duration::from_secs(30 * 86_400));
    let sliding = RollingRefit { window, ..plan };
    for (train, validation) in sizes(sliding) {
        assert!((608..=612).contains(&train) && (106..=108).contains(&validation));
    }
    for split in sliding.splits(&pool).unwrap() {
        assert_eq!(split.train_from().unwrap().plus(Interval::DAY, 30), Some(split.test_from()));
    }
    // Months without candles have no fit.
    let late = series(
        "A",
        walk("A", 0..5_000, 3)
            .iter()
            .copied()
            .filter(|c| !(2_000..4_000).contains(&(c.open_time().millis() / HOUR)))
            .collect(),
    );
    let tables = [table(&SignalSpec::default(), &late)];
    let pool = SampleSet::collect(&tables, 10, LabelSpec::default()).unwrap();
    let starts: Vec<String> = plan
        .splits(&pool)
        .unwrap()
        .iter()
        .map(|split| split.test_from().to_string()[..7].to_string())
        .collect();
    assert_eq!(starts, ["1970-02", "1970-03", "1970-04", "1970-07"]);
}

#[test]
fn rolling_refit_rejects_invalid_settings() {
    let tables = [table(&SignalSpec::default(), &walk("A", 0..1_500, 3))];
    let pool = SampleSet::collect(&tables, 10, LabelSpec::default()).unwrap();
    let plan = RollingRefit::new(at(700), RefitSchedule::Candles(100));
    assert_eq!(plan.splits(&pool).unwrap().len(), 8);
    let wrong = [
        RollingRefit { schedule: RefitSchedule::Candles(0), ..plan },
        RollingRefit { window: Some(Duration::ZERO), ..plan },
        RollingRefit { validation: 0.0, ..plan },
    ];
    for plan in wrong {
        let error = plan.splits(&pool).unwrap_err();
        assert!(matches!(error, SignalError::Setting { .. }), "{plan:?}: {error}");
    }
    let many = RollingRefit { schedule: RefitSchedule::Candles(1), ..plan };
    let long = [table(&SignalSpec::default(), &walk("A", 0..3_000, 3))];
    let long = SampleSet::collect(&long, 10, LabelSpec::default()).unwrap();
    let error = many.splits(&long).unwrap_err().to_string();
    assert!(error.contains("number of fits") && error.contains("refit less often"), "{error}");
    let parts = [
        (RollingRefit { test_from: at(9_000), ..plan }, "test"),
        (
            RollingRefit { test_from: at(-9_000), schedule: RefitSchedule::Monthly, ..plan },
            "training",
        ),
        (RollingRefit { window: Some(Duration::from_secs(60)), ..plan }, "training"),
    ];
    for (plan, expected) in parts {
        let error = plan.splits(&pool).unwrap_err();
        assert!(
            matches!(error, SignalError::EmptyPart { part, .. } if part == expected),
            "{plan:?}: {error}"
        );
    }
    let empty = pool.filtered(|_| false);
    assert!(matches!(plan.splits(&empty), Err(SignalError::EmptyPart { part: "test", .. })));
}

#[test]
fn plans_reject_invalid_settings() {
    let tables = [table(&SignalSpec::default(), &walk("A", 0..300, 3))];
    let pool = SampleSet::collect(&tables, 10, LabelSpec::default()).unwrap();
    let plan = Combinatorial::default();
    let wrong = [
        Combinatorial { groups: 1, ..plan },
        Combinatorial { groups: 101, ..plan },
        Combinatorial { test_groups: 0, ..plan },
        Combinatorial { test_groups: 6, ..plan },
        Combinatorial { groups: 40, test_groups: 20, ..plan },
        Combinatorial { validation: 1.0, ..plan },
    ];
    for plan in wrong {
        let error = plan.splits(&pool).unwrap_err();
        assert!(matches!(error, SignalError::Setting { .. }), "{plan:?}: {error}");
    }
    let too_far = Combinatorial { embargo: 400, ..plan }.splits(&pool);
    assert!(matches!(too_far, Err(SignalError::EmptyPart { part: "training", .. })));
    let none = WalkForward { window: Some(0), ..WalkForward::default() }.splits(&pool);
    assert!(matches!(none, Err(SignalError::Setting { .. })));
    let test = |from, until| Period { from: at(from), until: Some(at(until)) };
    for tests in [vec![], vec![test(5, 5)], vec![test(0, 9), test(8, 20)]] {
        assert!(Split::around(tests, at(1), 0).is_err());
    }
    let split = Split::builder().validate_from(at(10)).test_from(at(20)).embargo(0);
    assert!(split.train_from(at(10)).build().is_err());
}

#[test]
fn part_of_a_training_set_hides_the_rows_that_the_set_hides() {
    let tables = tables(50, GapPolicy::Reset);
    let pool = SampleSet::collect(&tables, 5, LabelSpec::default()).unwrap();
    let plan = Combinatorial { groups: 5, test_groups: 1, validation: 0.2, embargo: 10 };
    // Training before and after the second group.
    let train = plan.splits(&pool).unwrap()[1].train(&pool).unwrap();
    let hours = || (0..1_600).map(at);
    let mut leaks = 0;
    let plan = WalkForward { folds: 3, ..WalkForward::default() };
    for split in plan.splits(&train).unwrap() {
        let (part, alone) = (train.part(&split).unwrap(), split.train(&train).unwrap());
        assert_eq!(part.samples(), alone.samples());
        assert!(part.until() <= split.validate_from());
        assert!(hours().all(|time| !part.covers(time) || train.covers(time)));
        leaks += hours().filter(|time| alone.covers(*time) && !train.covers(*time)).count();
    }
    assert!(leaks > 0, "the split alone covers the hidden rows");
}
