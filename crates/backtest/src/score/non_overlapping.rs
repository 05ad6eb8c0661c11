//! Evaluation on candles whose outcomes do not overlap.
use serde::Serialize;

use crate::metrics::Bounds;
use crate::score::baseline::{best, on_scored_candles};
use crate::score::bootstrap::{Bootstrap, PairedCounts, ScoreSettings, longest};
use crate::score::comparison::LEVEL;
use crate::score::{Accuracy, BaselineResult, ExcessAccuracy, Record};

/// Result of a model on every h-th candle of each instrument, h being the horizon of the labels.
///
/// The candles are counted from the first one of the instrument, so no two outcomes of an
/// instrument overlap. The intervals are those of a block bootstrap with h candles as the unit of
/// time.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct NonOverlapping {
    /// Accuracy and coverage of the model's predictions.
    #[serde(flatten)]
    pub score: Accuracy,
    /// 95 % interval of the accuracy.
    pub interval_95: Option<Bounds>,
    /// Best baseline on the same candles, selected with hindsight; `None` if nothing was scored.
    pub best_baseline: Option<BaselineResult>,
    /// Excess accuracy of the model over the best baseline.
    pub excess_accuracy: Option<ExcessAccuracy>,
}

impl NonOverlapping {
    /// Computes the result; `None` for a horizon of one candle, whose outcomes never overlap.
    pub(crate) fn of(all: &[Record], settings: ScoreSettings<'_>) -> Option<Self> {
        let horizon = settings.horizon;
        if horizon < 2 {
            return None;
        }
        let thinned = all.iter().filter(|record| record.row.is_multiple_of(horizon));
        let records: Vec<Record> = thinned.copied().collect();
        let score = Accuracy::of(&records, |record| record.predicted);
        let best_baseline = best(&on_scored_candles(&records));
        let bootstrap = best_baseline.and_then(|best| resampled(&records, best, settings));
        let excess_accuracy = best_baseline.and_then(|best| {
            let value = score.accuracy? - best.score.accuracy?;
            Some(ExcessAccuracy::of(value, bootstrap.as_ref()))
        });
        let interval_95 = bootstrap.as_ref().and_then(|b| b.accuracy(LEVEL));
        Some(Self { score, interval_95, best_baseline, excess_accuracy })
    }
}

/// Resamples the predictions of the model paired with those of a baseline, in blocks of times in
/// units of the horizon.
fn resampled(
    records: &[Record],
    best: BaselineResult,
    settings: ScoreSettings<'_>,
) -> Option<Bootstrap<PairedCounts>> {
    let unit = longest(records)?.saturating_mul(i64::try_from(settings.horizon).ok()?);
    let scored = records.iter().filter_map(|record| {
        let outcome = record.is_correct(record.predicted)?;
        let baseline = record.is_correct(record.baselines.direction(best.rule));
        let time = record.decided_at.millis().div_euclid(unit);
        Some((time, PairedCounts::of(Some(outcome), baseline)))
    });
    Bootstrap::of_times(scored, PairedCounts::influence, 1, settings.seed)
}

#[cfg(test)]
mod tests {
    use windvane_candles::Direction::{Down, Up};

    use super::*;
    use crate::score::testing::record;

    fn settings(horizon: usize) -> ScoreSettings<'static> {
        ScoreSettings { horizon, seed: 7, costs: &[] }
    }

    #[test]
    fn non_overlapping_scores_every_candle_of_the_horizon_once() {
        // UP is right on multiples of 4 only, except at every 12th hour.
        let records: Vec<Record> = (0..4_000)
            .map(|hour| {
                let rises = hour % 4 == 0 && hour % 12 != 0;
                record(hour, Up, if rises { 0.01 } else { -0.01 })
            })
            .collect();
        let own = NonOverlapping::of(&records, settings(4)).unwrap();
        assert_eq!((own.score.candles, own.score.correct), (1_000, 666));
        let bounds = own.interval_95.unwrap();
        assert!(bounds.low < 0.666 && 0.666 < bounds.high, "{bounds:?}");
        assert!(own.excess_accuracy.unwrap().value.abs() < 1e-12); // always up is the model
    }

    #[test]
    fn non_overlapping_counts_rows_per_instrument() {
        let mut records: Vec<Record> = (0..9).map(|hour| record(hour, Up, 0.01)).collect();
        let other = (0..9).map(|hour| Record {
            instrument: 1,
            row: usize::try_from(hour).unwrap() + 1,
            ..record(hour, Down, 0.01)
        });
        records.extend(other);
        let own = NonOverlapping::of(&records, settings(3)).unwrap();
        assert_eq!((own.score.candles, own.score.correct), (6, 3));
        assert_eq!(own.interval_95, None); // too few
    }

    #[test]
    fn non_overlapping_of_the_next_candle_is_undefined() {
        let records: Vec<Record> = (0..9).map(|hour| record(hour, Up, 0.01)).collect();
        assert_eq!(NonOverlapping::of(&records, settings(1)), None);
    }
}
