//! Accuracy by period of calendar time.
use std::borrow::Cow;

use serde::Serialize;
use windvane_candles::Timestamp;

use crate::metrics::Bounds;
use crate::score::bootstrap::ScoreSettings;
use crate::score::comparison::Comparison;
use crate::score::iso;
use crate::score::{Accuracy, BaselineResult, Record};

/// Maximum number of periods.
const MAX_PERIODS: i64 = 24;
/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// Score in a period of calendar time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct PeriodScore {
    /// Start of the period, inclusive, by time of decision.
    #[serde(serialize_with = "iso::time")]
    pub(crate) from: Timestamp,
    /// End of the period, exclusive.
    #[serde(serialize_with = "iso::time")]
    pub(crate) until: Timestamp,
    /// Accuracy and coverage of the model's predictions.
    #[serde(flatten)]
    pub(crate) score: Accuracy,
    /// 95 % interval of the accuracy: block bootstrap within the period.
    pub(crate) interval_95: Option<Bounds>,
    /// Best baseline of the period, selected with hindsight.
    pub(crate) best_baseline: Option<BaselineResult>,
}

/// Scores of at most 24 periods of equally many whole days from midnight UTC. Periods without a
/// test candle are left out. Owned records that are not in order of time are sorted in place; borrowed
/// ones are copied.
pub(crate) fn accuracy_by_period(
    mut records: Cow<'_, [Record]>,
    settings: ScoreSettings<'_>,
) -> Vec<PeriodScore> {
    let times = records.iter().map(|record| record.decided_at.millis());
    let (Some(first), Some(last)) = (times.clone().min(), times.max()) else { return Vec::new() };
    let start = first.div_euclid(DAY);
    let days = last.div_euclid(DAY) - start + 1;
    let length = DAY * (days + MAX_PERIODS - 1).div_euclid(MAX_PERIODS);
    let place = |record: &Record| (record.decided_at.millis() - start * DAY) / length;
    if !records.is_sorted_by_key(place) {
        // The scores are counts, so the order within a period does not matter.
        records.to_mut().sort_unstable_by_key(place);
    }
    let periods = records.chunk_by(|a, b| place(a) == place(b)).map(|part| {
        let k = place(&part[0]);
        let Comparison { interval_95, best, .. } = Comparison::of(part, settings);
        let from = start * DAY + k * length;
        PeriodScore {
            from: Timestamp::from_millis(from),
            until: Timestamp::from_millis(from + length),
            score: Accuracy::of(part, |record| record.predicted),
            interval_95,
            best_baseline: best,
        }
    });
    periods.collect()
}

#[cfg(test)]
mod tests {
    use windvane_candles::Direction::Up;

    use super::*;
    use crate::score::testing::record;

    const SETTINGS: ScoreSettings<'_> = ScoreSettings { horizon: 1, seed: 7, costs: &[] };

    #[test]
    fn periods_have_whole_days_and_hold_every_candle_once() {
        // Days of hourly candles, days per period, periods.
        for (days, length, count) in [(1, 1, 1), (24, 1, 24), (25, 2, 13), (100, 5, 20)] {
            let records: Vec<Record> = (0..24 * days).map(|t| record(t + 5, Up, 0.01)).collect();
            // The candles start at five o'clock; without the cut they would reach into another day.
            let periods = accuracy_by_period(records[..records.len() - 5].into(), SETTINGS);
            assert_eq!(periods.len(), count, "{days}");
            let candles: usize = periods.iter().map(|period| period.score.candles).sum();
            assert_eq!(candles, records.len() - 5);
            for two in periods.windows(2) {
                assert_eq!(two[0].until, two[1].from);
            }
            for period in &periods {
                assert_eq!(period.until.millis() - period.from.millis(), length * DAY);
                assert_eq!(period.from.millis() % DAY, 0);
            }
        }
    }

    #[test]
    fn periods_without_a_candle_are_left_out() {
        let records: Vec<Record> =
            (0..24).chain(24 * 47..24 * 48).map(|t| record(t, Up, 0.01)).collect();
        let periods = accuracy_by_period(records.into(), SETTINGS);
        assert_eq!(periods.len(), 2);
        assert_eq!(periods[1].score.candles, 24);
        assert_eq!(accuracy_by_period(Cow::Borrowed(&[]), SETTINGS), []);
    }
}
