//! Test records for the unit tests.
use proptest::prelude::*;
use windvane_candles::{Direction, Interval, Timestamp};
use windvane_models::Probabilities;

use crate::score::{Baseline, BaselinePredictions, Record};

/// An hourly record of instrument 0 with a zero band and 60 % confidence.
pub(crate) fn record(hour: i64, predicted: Direction, change: f64) -> Record {
    let mut classes = [0.2; 3];
    classes[predicted.index()] = 0.6;
    Record {
        decided_at: Timestamp::from_millis(hour * Interval::HOUR.millis()),
        interval: Interval::HOUR,
        instrument: 0,
        fold: 1,
        path: 1,
        row: usize::try_from(hour).unwrap(),
        change,
        next_change: change,
        label: Direction::from_change(change),
        predicted,
        probabilities: Probabilities::new(classes).unwrap(),
        confidence_rank: 0.5,
        volatility: Some(0.01),
        baselines: BaselinePredictions::from_rules(Direction::Up, Direction::Down)
            .with(Baseline::Logistic, Direction::Down),
    }
}

/// Records that predict UP except at every eighth hour; three in four closes rise.
pub(crate) fn mostly_right(count: i64) -> Vec<Record> {
    let mut records = Vec::new();
    for hour in 0..count {
        let predicted = if hour % 8 == 0 { Direction::Down } else { Direction::Up };
        records.push(record(hour, predicted, if hour % 4 == 0 { -0.01 } else { 0.01 }));
    }
    records
}

/// Random records at different times.
pub(crate) fn any_records(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Record>> {
    let change = prop_oneof![Just(0.0), -0.1..0.1_f64];
    prop::collection::vec((any_direction(), change, any_direction()), count).prop_map(|rows| {
        let rows = rows.into_iter().zip(0..);
        rows.map(|((predicted, change, last), hour)| {
            with_last(record(hour, predicted, change), last)
        })
        .collect()
    })
}

fn any_direction() -> impl Strategy<Value = Direction> {
    prop::sample::select(Direction::ALL.to_vec())
}

/// Sets the direction of the closes before a record.
fn with_last(record: Record, last: Direction) -> Record {
    let baselines = BaselinePredictions::from_rules(last, Direction::Down);
    Record { baselines: baselines.with(Baseline::Logistic, Direction::Down), ..record }
}
