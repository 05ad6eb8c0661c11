//! Accuracy by the size of the realised move.
use std::ops::AddAssign;

use serde::Serialize;
use windvane_candles::Direction;

use crate::metrics::{Bounds, share};
use crate::score::Record;
use crate::score::bootstrap::{Bootstrap, ScoreSettings, longest};
use crate::score::comparison::LEVEL;

/// Number of groups of the moves.
const DECILES: usize = 10;

/// Accuracy weighted by the size of the realised move, at full coverage.
///
/// **Formula** Σ |change| of the correct predictions / Σ |change| of all. Above 50 % the predictions
/// earn more than they lose before costs, whatever the accuracy.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct WeightedAccuracy {
    /// Weighted accuracy; `None` without a changed close.
    pub accuracy: Option<f64>,
    /// 95 % interval: block bootstrap over calendar time.
    pub interval_95: Option<Bounds>,
    /// Weighted accuracy of always up, the benchmark.
    pub always_up: Option<f64>,
}

/// Sums of the sizes of moves.
#[derive(Debug, Clone, Copy, Default)]
struct MoveSum {
    correct: f64,
    up: f64,
    all: f64,
}

impl AddAssign for MoveSum {
    fn add_assign(&mut self, more: Self) {
        self.correct += more.correct;
        self.up += more.up;
        self.all += more.all;
    }
}

impl MoveSum {
    fn of(record: &Record) -> Option<Self> {
        let correct = record.is_correct(record.margin_direction())?;
        let size = record.change.abs();
        let correct = if correct { size } else { 0.0 };
        Some(Self { correct, up: record.change.max(0.0), all: size })
    }

    /// Contributions to the deviations of the weighted accuracy of the model and of always up from
    /// those of the whole.
    fn influence(&self, whole: &Self) -> [f64; 2] {
        [(self.correct, whole.correct), (self.up, whole.up)]
            .map(|(own, all)| own - whole.share(all).unwrap_or(0.0) * self.all)
    }

    fn share(self, part: f64) -> Option<f64> {
        (self.all > 0.0).then(|| part / self.all)
    }
}

impl WeightedAccuracy {
    pub(crate) fn of(records: &[Record], settings: ScoreSettings<'_>) -> Self {
        let unit = longest(records).unwrap_or(1);
        let values = records.iter().filter_map(|record| {
            Some((record.decided_at.millis().div_euclid(unit), MoveSum::of(record)?))
        });
        let mut sum = MoveSum::default();
        for (_, one) in values.clone() {
            sum += one;
        }
        let (horizon, seed) = (settings.horizon, settings.seed);
        let bootstrap = Bootstrap::of_times(values, MoveSum::influence, horizon, seed);
        Self {
            accuracy: sum.share(sum.correct),
            interval_95: bootstrap
                .and_then(|b| b.bounds(|sum| sum.share(sum.correct), LEVEL, 0.0..=1.0)),
            always_up: sum.share(sum.up),
        }
    }
}

/// Accuracy on a tenth of the test candles, by the size of the realised move.
///
/// The tenths are known after the test only; they show where the accuracy is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MoveDecile {
    /// Smallest |change| of the tenth, a fraction.
    pub from: f64,
    /// Largest |change| of the tenth, a fraction.
    pub to: f64,
    /// Number of predictions at full coverage on candles whose close changed.
    pub scored: usize,
    /// Accuracy at full coverage.
    pub accuracy: Option<f64>,
    /// Accuracy of always up on the same candles, the benchmark.
    pub always_up: Option<f64>,
}

impl MoveDecile {
    /// Tenths of the candles with a prediction and a changed close, smallest moves first; none for
    /// fewer than ten.
    pub(crate) fn all(records: &[Record]) -> Vec<Self> {
        let scored = records.iter().filter_map(|record| {
            let correct = record.is_correct(record.margin_direction())?;
            Some((record.change.abs(), correct, record.is_correct(Direction::Up)?))
        });
        let mut moves: Vec<(f64, bool, bool)> = scored.collect();
        moves.sort_by(|a, b| a.0.total_cmp(&b.0));
        if moves.len() < DECILES {
            return Vec::new();
        }
        let bound = |decile: usize| decile * moves.len() / DECILES;
        let tenths = (0..DECILES).map(|decile| {
            let part = &moves[bound(decile)..bound(decile + 1)];
            let correct = part.iter().filter(|(_, correct, _)| *correct).count();
            let up = part.iter().filter(|(_, _, up)| *up).count();
            Self {
                from: part[0].0,
                to: part[part.len() - 1].0,
                scored: part.len(),
                accuracy: share(correct, part.len()),
                always_up: share(up, part.len()),
            }
        });
        tenths.collect()
    }
}

#[cfg(test)]
mod tests {
    use windvane_candles::Direction::{Down, Up};

    use super::*;
    use crate::score::testing::record;

    const SETTINGS: ScoreSettings<'_> = ScoreSettings { horizon: 1, seed: 7, costs: &[] };

    fn close(got: Option<f64>, want: f64) {
        assert!(got.is_some_and(|got| (got - want).abs() < 1e-12), "{got:?} {want}");
    }

    // Three of four correct, and the wrong one is the largest move.
    #[test]
    fn weighted_accuracy_is_below_the_accuracy_if_large_moves_are_wrong() {
        let records = [
            record(0, Up, 0.01),
            record(1, Down, -0.01),
            record(2, Up, 0.02),
            record(3, Up, -0.06),
            record(4, Up, 0.0),
        ];
        let got = WeightedAccuracy::of(&records, SETTINGS);
        close(got.accuracy, 0.4);
        close(got.always_up, 0.3);
        assert_eq!(got.interval_95, None);
        assert_eq!(WeightedAccuracy::of(&[], SETTINGS).accuracy, None);
        let many: Vec<Record> = (0..800)
            .map(|t| record(t, if t % 3 == 0 { Up } else { Down }, 0.01 * ((t % 7) as f64 - 3.0)))
            .collect();
        let got = WeightedAccuracy::of(&many, SETTINGS);
        let bounds = got.interval_95.unwrap();
        assert!(bounds.low < got.accuracy.unwrap() && got.accuracy.unwrap() < bounds.high);
    }

    #[test]
    fn move_deciles_hold_every_scored_candle_once_in_order_of_size() {
        // Moves of 1 to 25; those above 20 are predicted wrongly.
        let records: Vec<Record> =
            (1..=25).map(|t| record(t, if t > 20 { Down } else { Up }, t as f64)).collect();
        let tenths = MoveDecile::all(&records);
        assert_eq!(tenths.len(), 10);
        assert_eq!(tenths.iter().map(|tenth| tenth.scored).sum::<usize>(), 25);
        assert!(tenths.windows(2).all(|two| two[0].to <= two[1].from));
        close(tenths[0].accuracy, 1.0);
        close(tenths[9].accuracy, 0.0);
        close(tenths[9].always_up, 1.0);
        assert_eq!(MoveDecile::all(&records[..9]), []);
    }
}
