//! Plans: training, validation and test periods, with the errors of unsuitable plans.
use windvane_candles::Timestamp;
use windvane_signals::{
    Combinatorial, RollingRefit, SampleSet, SignalError, SignalTable, Split, TrainSet,
    ValidationSet, WalkForward,
};

use super::fold::Fold;

/// Plan that divides calendar time into training, validation and test periods.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Plan {
    /// Walk-forward: several tests, each after the training period of its model.
    WalkForward(WalkForward),
    /// Combinatorial purged cross-validation: every combination of some groups of time is tested
    /// once, by models trained on both sides of them.
    Combinatorial(Combinatorial),
    /// Rolling refit: one test whose model is fitted again on a schedule; each fit is a fold. The
    /// report compares it with the model of the first fit ([`RefitGain`](crate::RefitGain)).
    RollingRefit(RollingRefit),
    /// One test at the end of the data.
    Holdout {
        /// End of training and start of validation.
        validate_from: Timestamp,
        /// End of validation and start of the test.
        test_from: Timestamp,
        /// Embargo: number of candles left out between periods, in addition to the purge.
        embargo: u32,
    },
}

/// Training and validation windows of a fold.
pub(crate) type TrainingWindows = (TrainSet, ValidationSet);

/// Reason why the plan is unsuitable for the instruments of an interval.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    #[error(transparent)]
    Signal(#[from] SignalError),
    #[error(
        "no test candles from {test_from} on: the data end at {last}, so the test must start \
         earlier"
    )]
    AfterData { test_from: Timestamp, last: Timestamp },
    #[error(
        "no training candles before {test_from}: the training data begin at {first}, so the test \
         must start later"
    )]
    BeforeData { test_from: Timestamp, first: Timestamp },
    #[error(
        "validation takes the time from {validate_from} to the test at {test_from} and leaves no \
         sample to train on: the first sample is decided at {first}, so the test must start later"
    )]
    NoTraining { validate_from: Timestamp, test_from: Timestamp, first: Timestamp },
    #[error(
        "no sample is decided and settled in the validation period from {validate_from} to \
         {test_from}; make the period longer"
    )]
    NoValidation { validate_from: Timestamp, test_from: Timestamp },
}

impl Plan {
    /// Splits of the plan, one per fold; `pool` holds the samples of the training instruments.
    pub(crate) fn splits(&self, pool: &SampleSet) -> Result<Vec<Split>, SignalError> {
        match self {
            Self::WalkForward(plan) => plan.splits(pool),
            Self::Combinatorial(plan) => plan.splits(pool),
            Self::RollingRefit(plan) => plan.splits(pool),
            Self::Holdout { validate_from, test_from, embargo } => Ok(vec![
                Split::builder()
                    .validate_from(*validate_from)
                    .test_from(*test_from)
                    .embargo(*embargo)
                    .build()?,
            ]),
        }
    }

    /// Path of each test of each split, counted from 1. A path tests every candle once. Only
    /// combinatorial plans have several paths: path p takes the (p + g)-th of the splits that test
    /// group g, so that the models of a path do not all lack the same group.
    pub(crate) fn paths(&self, splits: &[Split]) -> Vec<Vec<usize>> {
        let Self::Combinatorial(plan) = self else {
            return splits.iter().map(|split| vec![1; split.tests().len()]).collect();
        };
        let mut tested = vec![0; plan.groups];
        let mut paths = Vec::new();
        for groups in plan.combinations() {
            let mut own = Vec::with_capacity(groups.len());
            for group in groups {
                let turn = tested[group] + plan.paths() - group % plan.paths();
                own.push(turn % plan.paths() + 1);
                tested[group] += 1;
            }
            paths.push(own);
        }
        paths
    }

    /// Split whose tests are those of all folds after the first, if the model of the first fold is
    /// tested on them too.
    pub(crate) fn after_first(&self, folds: &[Fold<'_>]) -> Result<Option<Split>, SignalError> {
        let (Self::RollingRefit(plan), [first, later @ ..]) = (self, folds) else {
            return Ok(None);
        };
        if later.is_empty() {
            return Ok(None);
        }
        let tests = later.iter().flat_map(|fold| fold.split.tests()).copied().collect();
        Split::around(tests, first.split.validate_from(), plan.embargo).map(Some)
    }

    /// Test groups of a fold, counted from 1; empty under plans without groups.
    pub(crate) fn test_groups(&self, fold: usize) -> Vec<usize> {
        let Self::Combinatorial(plan) = self else { return Vec::new() };
        plan.combinations()[fold].iter().map(|group| group + 1).collect()
    }

    /// Training and validation windows of a fold. The inner error concerns one of several folds,
    /// and the others are still tested; the outer error concerns the only fold of a group.
    pub(crate) fn training_windows(
        &self,
        split: &Split,
        pool: &SampleSet,
        test: &SampleSet,
    ) -> Result<Result<TrainingWindows, SignalError>, PlanError> {
        let parts = split.train(pool).and_then(|train| Ok((train, split.validation(pool)?)));
        let parts = parts.and_then(|parts| some_test(parts, test));
        match self {
            Self::WalkForward(_) | Self::Combinatorial(_) => {
                Ok(parts.map_err(|error| with_hint(error, FOLD_HINT)))
            }
            Self::RollingRefit(_) => Ok(parts.map_err(|error| with_hint(error, REFIT_HINT))),
            Self::Holdout { .. } => {
                Ok(Ok(parts.map_err(|error| in_dates(error, split, pool, test.tables()))?))
            }
        }
    }
}

fn some_test<T>(parts: T, test: &SampleSet) -> Result<T, SignalError> {
    if test.is_empty() { Err(SignalError::EmptyPart { part: "test", hint: "" }) } else { Ok(parts) }
}

const FOLD_HINT: &str = "use fewer or longer folds, or give more candles";
const REFIT_HINT: &str = "refit less often, use a longer window, or start the test later";

fn with_hint(error: SignalError, hint: &'static str) -> SignalError {
    match error {
        SignalError::EmptyPart { part, .. } => SignalError::EmptyPart { part, hint },
        other => other,
    }
}

/// Explains an empty period of a plan with the date that must be moved and its direction.
fn in_dates(
    error: SignalError,
    split: &Split,
    pool: &SampleSet,
    tables: &[SignalTable],
) -> PlanError {
    let (validate_from, test_from) = (split.validate_from(), split.test_from());
    let pooled = pool.tables().iter();
    let first = pooled.filter_map(|table| table.open_time(0)).min();
    let last =
        tables.iter().filter_map(|table| table.close_time(table.len().checked_sub(1)?)).max();
    match (error, first, last) {
        (SignalError::EmptyPart { .. }, _, Some(last)) if last <= test_from => {
            PlanError::AfterData { test_from, last }
        }
        (SignalError::EmptyPart { .. }, Some(first), _) if test_from <= first => {
            PlanError::BeforeData { test_from, first }
        }
        (SignalError::EmptyPart { part: "training", .. }, _, _) if !pool.is_empty() => {
            let first = pool.samples()[0].decided_at;
            PlanError::NoTraining { validate_from, test_from, first }
        }
        (SignalError::EmptyPart { part: "validation", .. }, _, _) => {
            PlanError::NoValidation { validate_from, test_from }
        }
        (SignalError::EmptyPart { .. }, _, Some(last)) => PlanError::AfterData { test_from, last },
        (other, ..) => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use windvane_signals::{LabelSpec, Registry, SignalSpec};

    use super::*;

    #[test]
    fn combinatorial_path_tests_each_group_once() {
        let pair = windvane_candles::Pair::new("SIM").unwrap();
        let market = windvane_candles::simulate::MarketModel::AR1;
        let series = market.candles(pair, windvane_candles::Interval::HOUR, 900, 1).unwrap();
        let spec = SignalSpec::default();
        let tables = [SignalTable::build(&spec, &Registry::default(), &series, &[]).unwrap()];
        let pool = SampleSet::collect(&tables, 5, LabelSpec::default()).unwrap();
        for (groups, test_groups) in [(6, 2), (5, 1), (7, 3), (4, 3)] {
            let inner = Combinatorial { groups, test_groups, ..Combinatorial::default() };
            let plan = Plan::Combinatorial(inner);
            let paths = plan.paths(&plan.splits(&pool).unwrap());
            let mut seen: Vec<(usize, usize)> = Vec::new();
            for (fold, paths) in paths.iter().enumerate() {
                seen.extend(plan.test_groups(fold).into_iter().zip(paths.iter().copied()));
            }
            seen.sort_unstable();
            let all = (1..=groups).flat_map(|g| (1..=inner.paths()).map(move |path| (g, path)));
            assert_eq!(seen, all.collect::<Vec<_>>());
        }
    }
}
