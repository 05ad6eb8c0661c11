//! Accuracy by regime of the market.
use serde::Serialize;

use crate::metrics::Bounds;
use crate::score::bootstrap::ScoreSettings;
use crate::score::comparison::Comparison;
use crate::score::{Accuracy, BaselineResult, Record};

/// Number of regimes: terciles of the volatility, with the trend down or up.
const REGIMES: usize = 6;

/// Score in a [regime](windvane_signals::channels::Regime) of the market.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct RegimeScore {
    /// Tercile of the volatility: `low`, `medium` or `high`.
    pub(crate) volatility: &'static str,
    /// Trend over 24 candles: `down` or `up`.
    pub(crate) trend: &'static str,
    /// Accuracy and coverage of the model's predictions.
    #[serde(flatten)]
    pub(crate) score: Accuracy,
    /// 95 % interval of the accuracy: block bootstrap within the regime.
    pub(crate) interval_95: Option<Bounds>,
    /// Best baseline of the regime, selected with hindsight.
    pub(crate) best_baseline: Option<BaselineResult>,
}

/// Scores of the regimes with a test candle. Records without a regime are left out.
pub(crate) fn accuracy_by_regime(
    records: &[Record],
    regime_of: impl Fn(&Record) -> Option<usize>,
    settings: ScoreSettings<'_>,
) -> Vec<RegimeScore> {
    let regimes: Vec<Option<u8>> =
        records.iter().map(|record| u8::try_from(regime_of(record)?).ok()).collect();
    let mut scores = Vec::new();
    for regime in 0..REGIMES {
        // The records of one regime at a time are copied.
        let own = records.iter().zip(&regimes);
        let own = own.filter(|(_, other)| other.is_some_and(|other| usize::from(other) == regime));
        let mut part = Vec::with_capacity(own.clone().count());
        part.extend(own.map(|(record, _)| *record));
        if part.is_empty() {
            continue;
        }
        let Comparison { interval_95, best, .. } = Comparison::of(&part, settings);
        scores.push(RegimeScore {
            volatility: ["low", "medium", "high"][regime / 2],
            trend: ["down", "up"][regime % 2],
            score: Accuracy::of(&part, |record| record.predicted),
            interval_95,
            best_baseline: best,
        });
    }
    scores
}

#[cfg(test)]
mod tests {
    use windvane_candles::Direction::Up;

    use super::*;
    use crate::score::testing::record;

    #[test]
    fn regimes_hold_every_candle_once_and_have_own_accuracy() {
        let settings = ScoreSettings { horizon: 1, seed: 7, costs: &[] };
        // In regime k of 0 to 4, k of four closes rise; every sixth record has no regime.
        let records: Vec<Record> = (0..6_000)
            .map(|t| record(t, Up, if t / 6 % 4 < t % 6 { 0.01 } else { -0.01 }))
            .collect();
        let regime_of = |record: &Record| Some(record.row % 6).filter(|regime| *regime < 5);
        let scores = accuracy_by_regime(&records, regime_of, settings);
        let names: Vec<[&str; 2]> = scores.iter().map(|s| [s.volatility, s.trend]).collect();
        let expected = [
            ["low", "down"],
            ["low", "up"],
            ["medium", "down"],
            ["medium", "up"],
            ["high", "down"],
        ];
        assert_eq!(names, expected);
        for (regime, score) in scores.iter().enumerate() {
            assert_eq!(score.score.candles, 1_000);
            assert_eq!(score.score.accuracy, Some(regime as f64 / 4.0));
        }
        assert_eq!(accuracy_by_regime(&records, |_| None, settings), []);
    }
}
