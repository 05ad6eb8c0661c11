//! Records of a finished run: settings, groups, folds, instruments and timing.
use std::collections::BTreeMap;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use windvane_candles::{Candle, Timestamp};
use windvane_lstm_core::Kernel;
use windvane_signals::{Combinatorial, RollingRefit, WalkForward};
use xxhash_rust::xxh3::Xxh3;

use super::finished::FinishedRun;
use super::fold::Fold;
use super::gaps::missing;
use super::{Backtest, Instrument, Plan};
use crate::report::{
    FoldRecord, GroupRecord, InstrumentRecord, ModelTiming, PlanRecord, RunRecord, Timing,
};
use crate::score::TrialRun;

impl FinishedRun<'_> {
    pub(super) fn run_record(&self) -> RunRecord {
        let Backtest { channels, gaps, lookback, labels, plan, costs, seed, .. } =
            self.plan.backtest;
        RunRecord {
            version: env!("CARGO_PKG_VERSION").to_string(),
            command: None,
            seed: *seed,
            seeds: self.plan.backtest.seeds.max(1),
            sweep_trials: None,
            kernel: Kernel::detect().name().to_string(),
            data_hash: data_hash(self.plan.instruments),
            plan: plan_record(plan),
            labels: *labels,
            channels: channels.iter().map(ToString::to_string).collect(),
            gaps: *gaps,
            lookback: *lookback,
            costs: costs.clone(),
            models: self.names.iter().map(ToString::to_string).collect(),
            model_descriptions: BTreeMap::new(),
            notes: Vec::new(),
        }
    }

    /// Properties of the run that its trials have in common.
    pub(super) fn trial_run(&self) -> TrialRun {
        let Backtest { channels, labels, seed, .. } = self.plan.backtest;
        TrialRun {
            at: Timestamp::from_millis(0), // equal trials may have other times
            label: labels.to_string(),
            channels: channels.iter().map(ToString::to_string).collect(),
            seed: *seed,
            data_hash: data_hash(self.plan.instruments),
        }
    }

    pub(super) fn group_record(&self, folds: &[Fold<'_>]) -> GroupRecord {
        let group = folds[0].group;
        GroupRecord {
            interval: group.interval,
            gap_policy: group.gaps,
            instruments: self.instrument_names(&group.members),
            folds: folds.iter().map(|fold| self.fold_record(fold)).collect(),
        }
    }

    fn fold_record(&self, fold: &Fold<'_>) -> FoldRecord {
        FoldRecord {
            fold: fold.number,
            validate_from: fold.split.validate_from(),
            test_from: fold.split.test_from(),
            test_until: fold.split.test_until(),
            test_groups: self.plan.backtest.plan.test_groups(fold.number - 1),
            train_windows: fold.training_windows.as_ref().ok().map(|(train, _)| train.len()),
            validation_windows: fold.training_windows.as_ref().ok().map(|(_, part)| part.len()),
            test_windows: fold.test.len(),
            untrained: self.instrument_names(&fold.untrained()),
        }
    }

    fn instrument_names(&self, indices: &[usize]) -> Vec<String> {
        let instruments = indices.iter().map(|index| &self.plan.instruments[*index]);
        instruments.map(|instrument| instrument.series.pair().to_string()).collect()
    }

    pub(super) fn instrument_records(&self) -> Vec<InstrumentRecord> {
        let mut tested = vec![0; self.plan.instruments.len()];
        // All models of a fold are tested on the same windows.
        for fold in self.folds_done() {
            // Path 1 tests every candle once.
            for sample in fold.test.samples().iter().filter(|sample| fold.path_of(sample) == 1) {
                tested[fold.instrument_of(sample)] += 1;
            }
        }
        let instruments = self.plan.instruments.iter().zip(tested);
        instruments.map(|(one, test_candles)| instrument_record(one, test_candles)).collect()
    }

    pub(super) fn timing(&self, started: Instant) -> Timing {
        let models = self.names.iter().enumerate();
        let elapsed = started.elapsed();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = now.saturating_sub(elapsed).as_millis();
        Timing {
            started_at: Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX)),
            wall_seconds: elapsed.as_secs_f64(),
            threads: rayon::current_num_threads(),
            models: models.map(|(index, model)| self.model_timing(index, model)).collect(),
        }
    }

    fn model_timing(&self, learner: usize, model: &str) -> ModelTiming {
        let (mut fit_seconds, mut predict_seconds, mut predictions) = (0.0, 0.0, 0);
        for (_, result) in self.done.iter().filter(|(task, _)| task.learner == learner) {
            fit_seconds += result.fit_seconds;
            predict_seconds += result.predict_seconds;
            predictions += result.predictions.len();
        }
        let micros = 1e6 * predict_seconds;
        ModelTiming {
            model: model.to_string(),
            fit_seconds,
            predict_seconds,
            predictions,
            microseconds_per_prediction: (predictions > 0).then(|| micros / predictions as f64),
        }
    }
}

fn instrument_record(
    Instrument { series, test_only }: &Instrument,
    test_candles: usize,
) -> InstrumentRecord {
    InstrumentRecord {
        name: series.pair().to_string(),
        interval: series.interval(),
        candles: series.len(),
        first: series.get(0).map(Candle::open_time),
        last: series.candles().last().map(Candle::open_time),
        gaps: series.gaps().count(),
        missing: missing(series),
        test_only: *test_only,
        test_candles,
    }
}

fn plan_record(plan: &Plan) -> PlanRecord {
    match *plan {
        Plan::WalkForward(WalkForward { folds, validation, window, embargo }) => {
            PlanRecord::WalkForward { folds, validation, window, embargo }
        }
        Plan::Combinatorial(plan) => {
            let (Combinatorial { groups, test_groups, validation, embargo }, paths) =
                (plan, plan.paths());
            PlanRecord::Combinatorial { groups, test_groups, paths, validation, embargo }
        }
        Plan::RollingRefit(plan) => {
            let RollingRefit { test_from, schedule, window, validation, embargo } = plan;
            let window_seconds = window.map(|window| window.as_secs_f64());
            PlanRecord::RollingRefit { test_from, schedule, window_seconds, validation, embargo }
        }
        Plan::Holdout { validate_from, test_from, embargo } => {
            PlanRecord::Holdout { validate_from, test_from, embargo }
        }
    }
}

/// XXH3 hash of the names, intervals and candles of all instruments.
fn data_hash(instruments: &[Instrument]) -> String {
    let mut hash = Xxh3::new();
    for Instrument { series, .. } in instruments {
        hash.update(series.pair().as_str().as_bytes());
        hash.update(&series.interval().millis().to_le_bytes());
        if series.interval().offset() != Some(0) {
            hash.update(series.interval().to_string().as_bytes());
        }
        hash.update(&(series.len() as u64).to_le_bytes());
        for candle in series {
            hash.update(&candle.open_time().millis().to_le_bytes());
            let v = candle.values();
            for value in [v.open, v.high, v.low, v.close, v.volume] {
                hash.update(&value.to_bits().to_le_bytes());
            }
        }
    }
    format!("{:016x}", hash.digest())
}
