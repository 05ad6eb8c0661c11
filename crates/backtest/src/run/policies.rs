//! Policies of a finished run: thresholds of each fold, and the economic value of a model.
use windvane_candles::Interval;
use windvane_models::Probabilities;
use windvane_signals::ValidationSet;

use super::PolicyTrades;
use super::finished::FinishedRun;
use super::fold::Fold;
use super::task_result::TaskResult;
use crate::score::{Economics, FoldPolicies, Record, runs, sort_for_runs};

impl FinishedRun<'_> {
    /// Economic value of a model on the records of one interval and path 1; `None` if the thresholds
    /// of a fold cannot be fitted, for want of validation candles with a volatility.
    pub(super) fn economics(&self, model: usize, records: Vec<Record>) -> Option<Economics> {
        let interval = records.first()?.interval;
        let folds = self.fold_policies(model, interval);
        let configs = &self.plan.backtest.policies;
        Economics::of(records, configs, &folds, &self.instrument_list(), self.settings())
    }

    /// Trades of the policies of all models, of the first seed and path 1.
    pub(crate) fn trades(&self) -> PolicyTrades {
        let models = self.names.iter().map(ToString::to_string).collect();
        let policies = self.plan.backtest.policies.iter().map(ToString::to_string).collect();
        let mut trades = PolicyTrades::new(models, policies, self.instrument_list());
        for folds in self.plan.groups() {
            for model in 0..self.names.len() {
                self.add_trades(&mut trades, model, &folds[0]);
            }
        }
        trades
    }

    /// Adds the trades of a model on the instruments of the group of a fold.
    fn add_trades(&self, trades: &mut PolicyTrades, model: usize, fold: &Fold<'_>) {
        let mut records = self.records(model, 0, &fold.group.members);
        records.retain(|record| record.path == 1);
        sort_for_runs(&mut records);
        let folds = self.fold_policies(model, fold.interval());
        let runs = runs(&records, &folds).unwrap_or_default();
        for policy in 0..self.plan.backtest.policies.len() {
            for run in &runs {
                for span in run.trades(&run.held(Some(policy), 0)) {
                    trades.push((model, policy), fold.interval(), span);
                }
            }
        }
    }

    fn instrument_list(&self) -> Vec<String> {
        self.plan.instruments.iter().map(|one| one.series.pair().to_string()).collect()
    }

    /// Policies of all folds of a model on an interval.
    fn fold_policies(&self, model: usize, interval: Interval) -> Vec<FoldPolicies> {
        let own = self.done.iter().filter(|(task, _)| {
            task.learner == model && task.repeat == 0 && task.interval == interval
        });
        own.filter_map(|(task, result)| self.policies(self.plan.fold(task), result)).collect()
    }

    /// Policies of a task, fitted on its predictions for the validation windows of the fold.
    fn policies(&self, fold: &Fold<'_>, result: &TaskResult) -> Option<FoldPolicies> {
        let (_, validation) = fold.training_windows.as_ref().ok()?;
        let validation = validated(fold, validation, result);
        FoldPolicies::fit(fold.number, &self.plan.backtest.policies, &validation).ok()
    }
}

/// Probabilities and volatilities of the validation windows, without those before the warm-up of
/// the volatility.
fn validated(
    fold: &Fold<'_>,
    validation: &ValidationSet,
    result: &TaskResult,
) -> Vec<(Probabilities, f64)> {
    let windows = validation.samples().iter().zip(&result.validated);
    let validated = windows.filter_map(|(sample, bits)| {
        let sigma = fold.group.volatility(sample.table(), sample.row())?;
        Some((Probabilities::new(bits.map(f32::from_bits))?, sigma))
    });
    validated.collect()
}
