//! Predictions with the largest expected moves: gross result per trade, by validation thresholds.
use serde::Serialize;
use windvane_models::{Policy, PolicyConfig, Probabilities, TrainError};

use crate::metrics::Bounds;
use crate::score::Record;
use crate::score::bootstrap::{Bootstrap, Mean, ScoreSettings};
use crate::score::calendar::quarter;
use crate::score::comparison::LEVEL;
use crate::score::policy_positions::TestRun;
use crate::score::portfolio::side;

/// Shares of the validation candles with the largest expected moves.
pub(crate) const TOP_SHARES: [f64; 4] = [0.1, 0.05, 0.02, 0.01];

/// Policies of a fold, fitted on its validation candles.
#[derive(Debug)]
pub(crate) struct FoldPolicies {
    /// Fold, counted from 1.
    pub(crate) fold: usize,
    /// Policies in the order of the run.
    pub(crate) policies: Vec<Policy>,
    /// Threshold of |logit| σ for each of [`TOP_SHARES`].
    pub(crate) thresholds: [f64; TOP_SHARES.len()],
}

impl FoldPolicies {
    /// Fits the policies on the probabilities and volatilities of the validation candles.
    pub(crate) fn fit(
        fold: usize,
        configs: &[PolicyConfig],
        validation: &[(Probabilities, f64)],
    ) -> Result<Self, TrainError> {
        let scores = || validation.iter().map(|(p, sigma)| Policy::score(*p, *sigma));
        let policies = configs.iter().map(|config| Policy::fit(*config, scores()));
        let mut thresholds = [0.0; TOP_SHARES.len()];
        for (threshold, share) in thresholds.iter_mut().zip(TOP_SHARES) {
            let config = PolicyConfig { share, ..PolicyConfig::default() };
            let moves = validation.iter().map(|(p, sigma)| expected_move(*p, *sigma));
            *threshold = Policy::fit(config, moves)?.entry();
        }
        Ok(Self { fold, policies: policies.collect::<Result<_, _>>()?, thresholds })
    }
}

/// Expected move |logit| σ, with the log odds of UP against DOWN as the logit.
fn expected_move(probabilities: Probabilities, volatility: f64) -> f64 {
    let [up, down, _] = probabilities.classes().map(|p| f64::from(p.max(f32::MIN_POSITIVE)).ln());
    (up - down).abs() * volatility
}

/// Gross result of the predictions with the largest expected moves, each held for the horizon.
///
/// The expected move is |ln(p(UP) / p(DOWN))| σ, with σ of
/// [`CloseVolatility`](windvane_signals::CloseVolatility). A prediction is selected if it is above
/// the threshold that the share of the fold's **validation** candles is above, all instruments
/// together.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TopMoves {
    /// Requested share, on validation candles.
    pub share: f64,
    /// Number of selected test candles.
    pub trades: usize,
    /// Realised share of the test candles.
    pub coverage: Option<f64>,
    /// Mean change in the predicted direction over the horizon, before costs, a fraction.
    pub gross: Option<f64>,
    /// 95 % interval of the mean: block bootstrap over calendar time.
    pub interval_95: Option<Bounds>,
    /// Mean of the same trades if each is entered and left one candle later.
    pub late: Option<f64>,
    /// Mean change of the same candles: always long.
    pub always_long: Option<f64>,
    /// Results by quarter of calendar time.
    pub quarters: Vec<TopMovesQuarter>,
}

/// Gross result of the largest expected moves in a quarter.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TopMovesQuarter {
    /// Name of the quarter, such as `2024-Q4`.
    pub quarter: String,
    /// Number of selected test candles.
    pub trades: usize,
    /// Mean change in the predicted direction over the horizon, before costs, a fraction.
    pub gross: Option<f64>,
    /// 95 % interval of the mean: block bootstrap within the quarter.
    pub interval_95: Option<Bounds>,
    /// Mean change of the same candles: always long.
    pub always_long: Option<f64>,
}

/// Selected prediction with its results.
#[derive(Clone, Copy)]
struct SelectedMove<'a> {
    record: &'a Record,
    gross: f64,
    /// Result one candle later; `None` at the end of a run.
    late: Option<f64>,
}

impl TopMoves {
    /// Results at all of [`TOP_SHARES`].
    pub(crate) fn all(runs: &[TestRun<'_>], settings: ScoreSettings<'_>) -> Vec<Self> {
        (0..TOP_SHARES.len()).map(|index| Self::of(index, runs, settings)).collect()
    }

    fn of(index: usize, runs: &[TestRun<'_>], settings: ScoreSettings<'_>) -> Self {
        let selected: Vec<SelectedMove<'_>> =
            runs.iter().flat_map(|run| selected(run, index)).collect();
        let candles: usize = runs.iter().map(|run| run.records.len()).sum();
        let unit = runs.first().map_or(1, |run| run.records[0].interval.millis());
        Self {
            share: TOP_SHARES[index],
            trades: selected.len(),
            coverage: crate::metrics::share(selected.len(), candles),
            gross: mean(selected.iter().map(|one| one.gross)),
            interval_95: bounds(&selected, unit, settings),
            late: mean(selected.iter().filter_map(|one| one.late)),
            always_long: mean(selected.iter().map(|one| one.record.change)),
            quarters: quarters(&selected, unit, settings),
        }
    }
}

/// Selected predictions of a run.
fn selected<'a>(run: &'a TestRun<'_>, index: usize) -> impl Iterator<Item = SelectedMove<'a>> {
    let threshold = run.policies.thresholds[index];
    run.records.iter().enumerate().filter_map(move |(place, record)| {
        let strength = expected_move(record.probabilities, record.volatility?);
        let side = side(record.margin_direction());
        (strength > threshold).then(|| SelectedMove {
            record,
            gross: side * record.change,
            late: run.records.get(place + 1).map(|next| side * next.change),
        })
    })
}

/// Interval of the mean result of selected predictions; `unit` is the interval of their candles.
fn bounds(selected: &[SelectedMove<'_>], unit: i64, settings: ScoreSettings<'_>) -> Option<Bounds> {
    let values = selected.iter().map(|one| {
        let time = one.record.decided_at.millis().div_euclid(unit);
        (time, Mean { sum: one.gross, count: 1 })
    });
    let ScoreSettings { horizon, seed, .. } = settings;
    let bootstrap = Bootstrap::of_times(values, Mean::influence, horizon, seed);
    bootstrap?.bounds(Mean::value, LEVEL, f64::NEG_INFINITY..=f64::INFINITY)
}

fn quarters(
    selected: &[SelectedMove<'_>],
    unit: i64,
    settings: ScoreSettings<'_>,
) -> Vec<TopMovesQuarter> {
    let mut own: Vec<&SelectedMove<'_>> = selected.iter().collect();
    own.sort_by_key(|one| one.record.decided_at);
    let quarters =
        own.chunk_by(|a, b| quarter(a.record.decided_at) == quarter(b.record.decided_at));
    let quarters = quarters.map(|moves| {
        let moves: Vec<SelectedMove<'_>> = moves.iter().copied().copied().collect();
        TopMovesQuarter {
            quarter: quarter(moves[0].record.decided_at),
            trades: moves.len(),
            gross: mean(moves.iter().map(|one| one.gross)),
            interval_95: bounds(&moves, unit, settings),
            always_long: mean(moves.iter().map(|one| one.record.change)),
        }
    });
    quarters.collect()
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sum = Mean::default();
    for value in values {
        sum += Mean { sum: value, count: 1 };
    }
    sum.value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::policy_positions::runs;
    use crate::score::testing::record;
    use windvane_candles::Direction::{Down, Up};

    const SETTINGS: ScoreSettings<'_> = ScoreSettings { horizon: 1, seed: 7, costs: &[] };

    fn fold(thresholds: [f64; 4]) -> FoldPolicies {
        FoldPolicies { fold: 1, policies: Vec::new(), thresholds }
    }

    fn close(got: Option<f64>, want: f64) {
        assert!(got.is_some_and(|got| (got - want).abs() < 1e-12), "{got:?} {want}");
    }

    // Calculated by hand: |ln 3| σ with p = (0.6, 0.2, 0.2); the hours 1 and 2 are selected.
    #[test]
    fn top_moves_equal_a_calculation_by_hand() {
        let strength = 3.0_f64.ln() * 0.01;
        let folds = [fold([0.9 * strength, 1.1 * strength, 1.5 * strength, 9.0])];
        let stormy = |record: Record| Record { volatility: Some(0.012), ..record };
        let records = [
            record(0, Up, 0.5),
            stormy(record(1, Down, -0.01)),
            stormy(record(2, Up, 0.03)),
            Record { volatility: None, ..record(3, Up, 0.7) },
        ];
        let runs = runs(&records, &folds).unwrap();
        let all = TopMoves::all(&runs, SETTINGS);
        let trades: Vec<usize> = all.iter().map(|top| top.trades).collect();
        assert_eq!(trades, [3, 2, 0, 0]);
        assert_eq!((all[1].coverage, all[2].gross), (Some(0.5), None));
        close(all[1].gross, 0.02);
        close(all[1].always_long, 0.01);
        close(all[1].late, f64::midpoint(-0.03, 0.7));
        assert_eq!(all[1].quarters.len(), 1);
        assert_eq!(all[1].quarters[0].quarter, "1970-Q1");
        close(all[1].quarters[0].gross, 0.02);
        close(all[1].quarters[0].always_long, 0.01);
        assert_eq!(all[1].quarters[0].interval_95, None);
    }

    #[test]
    fn thresholds_are_quantiles_of_the_validation_candles_only() {
        let p = Probabilities::new([0.6, 0.2, 0.2]).unwrap();
        let validation: Vec<(Probabilities, f64)> = (1..=100).map(|k| (p, f64::from(k))).collect();
        let fold = FoldPolicies::fit(2, &[PolicyConfig::default()], &validation).unwrap();
        let want = [90.0, 95.0, 98.0, 99.0].map(|sigma| sigma * expected_move(p, 1.0));
        for (got, want) in fold.thresholds.into_iter().zip(want) {
            close(Some(got), want);
        }
        close(Some(fold.policies[0].entry()), Policy::score(p, 95.0));
        assert!(FoldPolicies::fit(2, &[], &[]).is_err());
    }

    #[test]
    fn expected_move_of_a_certain_prediction_is_finite() {
        let certain = Probabilities::new([1.0, 0.0, 0.0]).unwrap();
        assert!(expected_move(certain, 0.01).is_finite());
    }
}
