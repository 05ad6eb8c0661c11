//! Economic value of the predictions: size of the moves, expected moves, policies.
use serde::Serialize;
use windvane_models::PolicyConfig;

use crate::score::bootstrap::ScoreSettings;
use crate::score::expected_move::{FoldPolicies, TopMoves};
use crate::score::move_size::{MoveDecile, WeightedAccuracy};
use crate::score::policy_positions::{runs, sort_for_runs};
use crate::score::policy_result::{PolicyCosts, PolicyResult, PolicyTest, YEAR_DAYS};
use crate::score::{EarlierTrials, Record};

/// Economic value of the predictions of a model on all instruments of an interval.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Economics {
    /// Accuracy weighted by the size of the realised move.
    pub weighted_accuracy: WeightedAccuracy,
    /// Accuracy by tenths of the realised moves, smallest first.
    pub move_deciles: Vec<MoveDecile>,
    /// Results of the 10, 5, 2 and 1 % largest expected moves.
    pub top_moves: Vec<TopMoves>,
    /// Costs of the results of the policies, basis points.
    pub costs: Vec<f64>,
    /// Index of the cost that trades, months and intervals of periods are computed at.
    pub middle_cost: usize,
    /// Results of the policies, in the order of the run.
    pub policies: Vec<PolicyResult>,
    /// Result of the benchmark: always long in every tested instrument, with equal weights.
    pub benchmark: PolicyResult,
    /// Number of trials of this run that the Sharpe ratios are deflated for: policies of all models.
    /// [`Report::earlier`](crate::Report::earlier) has those before.
    pub trials: usize,
}

impl Economics {
    /// Computes the results from the records of path 1; `None` if a fold has no policies. `names`
    /// are the names of the instruments by index.
    pub(crate) fn of(
        mut records: Vec<Record>,
        configs: &[PolicyConfig],
        folds: &[FoldPolicies],
        names: &[String],
        settings: ScoreSettings<'_>,
    ) -> Option<Self> {
        let interval = records.first()?.interval;
        let weighted_accuracy = WeightedAccuracy::of(&records, settings);
        let move_deciles = MoveDecile::all(&records);
        sort_for_runs(&mut records);
        let runs = runs(&records, folds)?;
        let costs = PolicyCosts::new(settings.costs);
        let test = PolicyTest { runs: &runs, interval, costs: &costs, settings, names };
        let policies = configs.iter().enumerate().map(|policy| test.result(Some(policy)));
        Some(Self {
            weighted_accuracy,
            move_deciles,
            top_moves: TopMoves::all(&runs, settings),
            policies: policies.collect(),
            benchmark: test.result(None),
            middle_cost: costs.middle,
            costs: costs.all,
            trials: 0,
        })
    }

    fn periods_per_year(&self) -> Option<f64> {
        Some(YEAR_DAYS * self.benchmark.periods_per_day?)
    }

    /// Cost that single numbers are shown at, basis points.
    pub(crate) fn cost(&self) -> f64 {
        self.costs[self.middle_cost]
    }

    /// Policy that earned the most at the middle cost, selected with hindsight.
    pub(crate) fn best(&self) -> Option<&PolicyResult> {
        let mean = |policy: &PolicyResult| policy.net[self.middle_cost].mean;
        let policies = self.policies.iter();
        policies.reduce(|best, next| if mean(next) > mean(best) { next } else { best })
    }
}

/// Computes the deflated Sharpe ratios of the policies of all models of an interval.
pub(crate) fn deflate_policies(all: &mut [&mut Economics], earlier: &EarlierTrials) {
    let trials = all.iter().map(|economics| economics.policies.len()).sum();
    let costs = all.first().map_or(0, |economics| economics.costs.len());
    for k in 0..costs {
        let policies = all.iter().flat_map(|economics| &economics.policies);
        let ratios = policies.map(|policy| policy.net[k].sharpe_ratio.map(|s| s.ratio));
        // A policy that never trades counts as a trial with a ratio of 0.
        let own = ratios.map(|ratio| ratio.unwrap_or(0.0));
        let ratios: Vec<f64> =
            own.chain(earlier.policy_ratios(all[0].costs[k], all[0].periods_per_year())).collect();
        for policy in all.iter_mut().flat_map(|economics| &mut economics.policies) {
            let net = &mut policy.net[k];
            let sharpe = net.sharpe_ratio;
            net.deflated_sharpe = sharpe.and_then(|s| s.deflated_with(&ratios, earlier.unknown));
        }
    }
    for economics in all {
        economics.trials = trials;
    }
}

#[cfg(test)]
mod tests {
    use windvane_candles::Direction::{Down, Up};
    use windvane_models::Policy;

    use super::*;
    use crate::score::testing::{mostly_right, record};

    const SETTINGS: ScoreSettings<'_> = ScoreSettings { horizon: 1, seed: 7, costs: &[5.0] };

    fn close(got: f64, want: f64) {
        assert!((got - want).abs() < 1e-12 * want.abs().max(1.0), "{got} {want}");
    }

    fn economics(records: &[Record], policies: Vec<Policy>) -> Economics {
        let configs: Vec<PolicyConfig> = policies.iter().map(|policy| *policy.config()).collect();
        let folds = [FoldPolicies { fold: 1, policies, thresholds: [0.0; 4] }];
        let names = ["AAA".to_string(), "BBB".to_string()];
        Economics::of(records.to_vec(), &configs, &folds, &names, SETTINGS).unwrap()
    }

    #[test]
    fn economics_of_every_candle_equals_trading_every_prediction() {
        let mut records = mostly_right(3_000);
        records.extend(mostly_right(1_500).into_iter().map(|r| Record { instrument: 1, ..r }));
        let got = economics(&records, vec![Policy::every_candle()]);
        let trading = crate::score::Trading::of(&records, SETTINGS, false).unwrap();
        let policy = &got.policies[0];
        assert_eq!(got.costs, [0.0, 1.0, 2.0, 5.0, 10.0]);
        assert_eq!((got.middle_cost, got.cost().to_bits()), (3, 5.0_f64.to_bits()));
        assert_eq!(policy.net[3].returns, trading.net[0].returns);
        assert_eq!(policy.net[3].interval_95, trading.net[0].interval_95);
        close(policy.turnover, trading.turnover);
        close(policy.exposure, 1.0);
        // Benchmark: buy and hold at the same cost.
        let hold = trading.net[0].buy_and_hold.unwrap();
        assert_eq!(got.benchmark.net[3].returns, hold.returns);
        assert_eq!(got.benchmark.trades.trades, 2);
        // Periods and instruments add up.
        let quarters = policy.quarters.iter();
        let sum: f64 = quarters.map(|q| q.net[3] * q.periods as f64).sum();
        close(sum, policy.net[3].mean * trading.periods as f64);
        let trades: usize = policy.months.iter().map(|month| month.trades).sum();
        assert_eq!(trades, policy.trades.trades);
        let names: Vec<&str> = policy.instruments.iter().map(|i| i.instrument.as_str()).collect();
        assert_eq!(names, ["AAA", "BBB"]);
        assert_eq!(policy.last_quarters, None);
        assert_eq!(policy.quarters.len(), 2);
    }

    // A gain of 1 % per candle for three quarters, then a loss.
    #[test]
    fn last_quarters_show_the_decay_and_a_delay_loses_alternating_moves() {
        let records: Vec<Record> = (0..24 * 365)
            .map(|t| {
                let up = if t % 2 == 0 { 0.01 } else { -0.01 };
                let right = t < 24 * 181;
                record(t, if (up > 0.0) == right { Up } else { Down }, up)
            })
            .collect();
        let got = economics(&records, vec![Policy::every_candle()]);
        let policy = &got.policies[0];
        let last = policy.last_quarters.as_ref().unwrap();
        assert_eq!((policy.quarters.len(), last.period.as_str()), (4, "1970-Q3 to 1970-Q4"));
        assert_eq!(last.periods, 24 * 184);
        close(last.net[0], -0.01);
        close(policy.quarters[0].net[0], 0.01);
        assert!(policy.quarters[0].late[0] < -0.009);
        assert_eq!(policy.months[11].period, "1970-12");
        assert!(policy.months[11].total.unwrap() > -1.0);
    }

    // After a loss of three times the capital a gain must not raise the equity again.
    #[test]
    fn loss_of_the_capital_ends_the_account_of_a_month() {
        let mut records = mostly_right(400);
        records[9] = record(9, Up, -3.0);
        let got = economics(&records, vec![Policy::every_candle()]);
        assert_eq!(got.policies[0].months[0].total, Some(-1.0));
        assert_eq!(got.policies[0].quarters[0].total, Some(-1.0));
    }

    #[test]
    fn economics_without_policies_of_a_fold_is_undefined() {
        let names = ["AAA".to_string()];
        assert_eq!(Economics::of(mostly_right(9), &[], &[], &names, SETTINGS), None);
    }

    #[test]
    fn deflated_sharpe_counts_the_policies_of_all_models() {
        let rare = Policy::fit(PolicyConfig { share: 0.5, ..PolicyConfig::default() }, [9.0, 1.0]);
        let policies = vec![Policy::every_candle(), rare.unwrap()];
        let mut one = economics(&mostly_right(900), policies.clone());
        let mut two = economics(&mostly_right(700), policies);
        deflate_policies(&mut [&mut one, &mut two], &EarlierTrials::default());
        assert_eq!((one.trials, two.trials), (4, 4));
        let ratio = |e: &Economics, p: usize| e.policies[p].net[3].sharpe_ratio.map(|s| s.ratio);
        let ratios = [ratio(&one, 0).unwrap(), 0.0, ratio(&two, 0).unwrap(), 0.0];
        let expected = one.policies[0].net[3].sharpe_ratio.unwrap().deflated(&ratios);
        assert_eq!(one.policies[0].net[3].deflated_sharpe, expected);
        assert_eq!(one.policies[1].net[3].deflated_sharpe, None);
        assert_eq!(one.benchmark.net[3].deflated_sharpe, None);
        assert_eq!(one.best().unwrap().name, "every candle");
    }
}
