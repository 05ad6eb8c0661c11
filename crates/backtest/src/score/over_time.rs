//! Accuracy stretch by stretch of calendar time.
use serde::Serialize;
use windvane_candles::Timestamp;

use crate::metrics::Bounds;
use crate::score::bootstrap::Terms;
use crate::score::comparison::Comparison;
use crate::score::iso;
use crate::score::{Accuracy, BaselineResult, Record};

/// Most stretches.
const STRETCHES: i64 = 24;
/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// Score in a period of calendar time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct StretchScore {
    /// First moment of decision that belongs to it.
    #[serde(serialize_with = "iso::time")]
    pub(crate) from: Timestamp,
    /// First one that does not.
    #[serde(serialize_with = "iso::time")]
    pub(crate) until: Timestamp,
    /// Accuracy and coverage of the model's calls.
    #[serde(flatten)]
    pub(crate) score: Accuracy,
    /// 95 % interval of the accuracy: block bootstrap within the stretch.
    pub(crate) interval_95: Option<Bounds>,
    /// The baseline that did best in the stretch, with hindsight.
    pub(crate) best_baseline: Option<BaselineResult>,
}

/// At most 24 stretches of as many whole days, the first beginning at midnight UTC, those without
/// a test candle left out.
pub(crate) fn stretches(records: &[Record], terms: Terms<'_>) -> Vec<StretchScore> {
    let times = records.iter().map(|record| record.decided_at.millis());
    let (Some(first), Some(last)) = (times.clone().min(), times.max()) else { return Vec::new() };
    let start = first.div_euclid(DAY);
    let days = last.div_euclid(DAY) - start + 1;
    let length = DAY * (days + STRETCHES - 1).div_euclid(STRETCHES);
    let mut parts: Vec<Vec<Record>> = Vec::new();
    parts.resize_with(usize::try_from(STRETCHES).unwrap_or_default(), Vec::new);
    for record in records {
        let place = (record.decided_at.millis() - start * DAY) / length;
        if let Some(part) = usize::try_from(place).ok().and_then(|k| parts.get_mut(k)) {
            part.push(*record);
        }
    }
    let tested = (0..).zip(&parts).filter(|(_, part)| !part.is_empty());
    let stretches = tested.map(|(k, part)| {
        let Comparison { interval_95, best, .. } = Comparison::of(part, terms);
        let from = start * DAY + k * length;
        StretchScore {
            from: Timestamp::from_millis(from),
            until: Timestamp::from_millis(from + length),
            score: Accuracy::of(part, |record| record.called),
            interval_95,
            best_baseline: best,
        }
    });
    stretches.collect()
}

#[cfg(test)]
mod tests {
    use windvane_candles::Direction::Up;

    use super::*;
    use crate::score::testing::record;

    const TERMS: Terms<'_> = Terms { horizon: 1, seed: 7, costs: &[] };

    #[test]
    fn every_candle_is_in_one_stretch_of_whole_days() {
        // Days of hourly candles, days per stretch, stretches.
        for (days, length, count) in [(1, 1, 1), (24, 1, 24), (25, 2, 13), (100, 5, 20)] {
            let records: Vec<Record> = (0..24 * days).map(|t| record(t + 5, Up, 0.01)).collect();
            // Beginning at five, they reach into one day more.
            let stretches = stretches(&records[..records.len() - 5], TERMS);
            assert_eq!(stretches.len(), count, "{days}");
            let candles: usize = stretches.iter().map(|stretch| stretch.score.candles).sum();
            assert_eq!(candles, records.len() - 5);
            for two in stretches.windows(2) {
                assert_eq!(two[0].until, two[1].from);
            }
            for stretch in &stretches {
                assert_eq!(stretch.until.millis() - stretch.from.millis(), length * DAY);
                assert_eq!(stretch.from.millis() % DAY, 0);
            }
        }
    }

    #[test]
    fn stretches_without_a_candle_are_left_out_and_nothing_has_none() {
        let records: Vec<Record> =
            (0..24).chain(24 * 47..24 * 48).map(|t| record(t, Up, 0.01)).collect();
        let stretches = stretches(&records, TERMS);
        assert_eq!(stretches.len(), 2);
        assert_eq!(stretches[1].score.candles, 24);
        assert_eq!(super::stretches(&[], TERMS), []);
    }
}
