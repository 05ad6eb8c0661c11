//! Finished runs: from the results of the tasks to the report and the predictions.
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Instant;

use rayon::prelude::*;
use windvane_candles::Candle;
use windvane_lstm_core::Kernel;
use windvane_models::TrainError;
use windvane_signals::{Combinatorial, WalkForward};
use xxhash_rust::xxh3::Xxh3;

use super::fold::Fold;
use super::gaps::missing;
use super::run_plan::{Calls, RunPlan};
use super::task::TaskResult;
use super::{Backtest, Instrument, Plan, PredictionRow, Predictions, Task};
use crate::report::{
    Failure, FoldRecord, GroupRecord, InstrumentRecord, ModelTiming, PlanRecord, Report, RunRecord,
    SCHEMA, Timing, Training, Untested,
};
use crate::score::{
    self, Baseline, Contender, Effect, Importance, Place, Rank, Record, ResultRow, Scope, Subject,
    Terms, Warning, WarningCode,
};

/// Results of all tasks of a run.
pub(crate) struct Finished<'a> {
    plan: &'a RunPlan<'a>,
    /// Names of the models, in their order.
    names: Vec<&'a str>,
    /// The tasks of the models that did not fail, with their results.
    done: Vec<(Task<'a>, TaskResult)>,
    /// Predictions of the fitted baselines.
    baselines: Vec<Calls>,
    failures: Vec<Failure>,
}

impl<'a> Finished<'a> {
    /// Sorts the results; `failures` are those from before the first task.
    pub(crate) fn new(
        plan: &'a RunPlan<'a>,
        tasks: Vec<Task<'a>>,
        results: Vec<Result<TaskResult, TrainError>>,
        failures: Vec<Failure>,
    ) -> Self {
        let names = plan.names();
        let (done, baselines) = (Vec::new(), Vec::new());
        let mut finished = Self { plan, names, done, baselines, failures };
        for (task, result) in tasks.into_iter().zip(results) {
            match result {
                Ok(result) => finished.add(task, result),
                Err(error) => finished.fail(&task, &error),
            }
        }
        finished
    }

    fn add(&mut self, task: Task<'a>, result: TaskResult) {
        if task.repeat == 0 {
            self.baselines.extend(self.plan.baseline_calls(&task, &result));
        }
        if self.plan.is_model(task.learner) {
            self.done.push((task, result));
        }
    }

    fn fail(&mut self, task: &Task<'_>, error: &TrainError) {
        // That a fold has no training windows is reported by the models.
        if !self.plan.is_model(task.learner) && self.plan.fold(task).parts.is_err() {
            return;
        }
        let message = match self.plan.backtest.seeds {
            0 | 1 => error.to_string(),
            _ => format!("seed {}: {error}", task.seed),
        };
        self.failures.push(Failure {
            model: Some(task.model.to_string()),
            instrument: None,
            interval: task.interval,
            fold: Some(task.fold),
            message,
        });
    }

    /// Whether every task of a model failed.
    pub(crate) fn is_empty(&self) -> bool {
        self.done.is_empty()
    }

    pub(crate) fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// Computes every metric and orders all of it; independent of the number of threads.
    pub(crate) fn report(&self, started: Instant) -> Report {
        let results = self.results();
        let ranking = self.ranking(&results);
        let training = self.training();
        let mut warnings: Vec<Warning> = results.iter().flat_map(score::about).collect();
        warnings.extend(constant_channels(&training));
        warnings.extend(self.jumps());
        let instruments = self.instrument_records();
        let untested = instruments.iter().filter(|i| i.test_candles == 0);
        let without_test_rows =
            untested.map(|i| Untested { name: i.name.clone(), interval: i.interval }).collect();
        Report {
            schema: SCHEMA,
            run: self.run_record(),
            groups: self.plan.groups().map(|folds| self.group_record(folds)).collect(),
            without_test_rows,
            instruments,
            skipped: Vec::new(),
            ranking,
            results,
            training,
            importance: self.importance(),
            warnings,
            timing: self.timing(started),
            failures: self.failures.clone(),
        }
    }

    /// The predictions of all models, as the report counts them, and on its other paths and
    /// seeds.
    pub(crate) fn predictions(&self) -> Predictions {
        let instruments = self.plan.instruments.iter().map(|one| one.series.pair().to_string());
        let mut predictions =
            Predictions::new(self.names.iter().map(ToString::to_string), instruments);
        for (task, result) in &self.done {
            let fold = self.plan.fold(task);
            for (sample, prediction) in fold.test.samples().iter().zip(&result.predictions) {
                predictions.push(
                    task.learner,
                    fold.instrument_of(sample),
                    PredictionRow {
                        time: sample.decided_at,
                        instrument: "",
                        interval: task.interval,
                        model: "",
                        seed: task.seed,
                        fold: task.fold,
                        path: fold.path_of(sample),
                        probabilities: prediction.probabilities.classes(),
                        direction: prediction.direction,
                        confidence: prediction.probabilities.of(prediction.direction),
                        realised_return: sample.outcome.change,
                    },
                );
            }
        }
        predictions
    }

    fn jumps(&self) -> impl Iterator<Item = Warning> {
        self.plan.instruments.iter().enumerate().filter_map(|(index, instrument)| {
            let tested: Vec<_> = self.folds_done().filter_map(|fold| fold.tested(index)).collect();
            let first = tested.iter().map(|(first, _)| *first).min()?;
            let last = tested.iter().map(|(_, last)| *last).max()?;
            score::jump(&instrument.series, first..=last)
        })
    }

    /// The folds that at least one model was tested on.
    fn folds_done(&self) -> impl Iterator<Item = &Fold<'a>> {
        let folds: BTreeSet<usize> = self.done.iter().map(|(task, _)| task.fold_index).collect();
        folds.into_iter().map(|index| &self.plan.folds[index])
    }

    fn terms(&self) -> Terms<'a> {
        let Backtest { labels, seed, costs, .. } = self.plan.backtest;
        Terms { horizon: labels.horizon, seed: *seed, costs }
    }

    /// Every model at every place where it was tested.
    fn results(&self) -> Vec<ResultRow> {
        let places = self.places();
        let jobs: Vec<(&(Place, Vec<usize>), usize)> = places
            .iter()
            .flat_map(|place| (0..self.names.len()).map(move |model| (place, model)))
            .collect();
        let mut rows: Vec<Option<ResultRow>> = jobs
            .into_par_iter()
            .map(|((place, members), model)| self.result(place, members, model))
            .collect();
        for models in rows.chunks_mut(self.names.len()) {
            let rows = models.iter_mut().flatten();
            score::deflate(&mut rows.filter_map(|row| row.trading.as_mut()).collect::<Vec<_>>());
        }
        rows.into_iter().flatten().collect()
    }

    /// `None` where the model was not tested.
    fn result(&self, place: &Place, members: &[usize], model: usize) -> Option<ResultRow> {
        let first = self.records(model, 0, members);
        if first.iter().all(|record| record.path != 1) {
            return None;
        }
        let mut row = ResultRow::of(self.names[model], place, &first, self.terms());
        if self.plan.backtest.seeds > 1 {
            for repeat in 0..self.plan.backtest.seeds {
                let own = self.records(model, repeat, members);
                row.add_seed(self.plan.backtest.seed_of(repeat), &own);
            }
        }
        Some(row)
    }

    /// Records of a model of one of the seeds on some instruments, fold after fold.
    fn records(&self, model: usize, repeat: usize, members: &[usize]) -> Vec<Record> {
        let mut records = Vec::new();
        for (task, result) in &self.done {
            if task.learner != model || task.repeat != repeat {
                continue;
            }
            let beside = self.baselines.iter().filter(|calls| calls.are_beside(task));
            let beside: Vec<(Baseline, &[_])> =
                beside.map(|calls| (calls.baseline, &calls.directions[..])).collect();
            records.extend(self.plan.fold(task).records(result, &beside, members));
        }
        records
    }

    /// The models by pooled accuracy, best first.
    fn ranking(&self, results: &[ResultRow]) -> Vec<Rank> {
        // A group that failed as a whole failed for every model alike.
        let tasks = self.plan.folds.len() * self.plan.backtest.seeds.max(1);
        let everywhere: Vec<usize> = (0..self.plan.instruments.len()).collect();
        let mut contenders = Vec::new();
        for (index, model) in self.names.iter().enumerate() {
            let mut records = self.records(index, 0, &everywhere);
            records.retain(|record| record.path == 1);
            let done = self.done.iter().filter(|(task, _)| task.learner == index).count();
            contenders.push(Contender { model, complete: done == tasks, records });
        }
        score::rank(results, contenders, self.terms())
    }

    /// Single instruments, then intervals, then all; each with the instruments it covers.
    fn places(&self) -> Vec<(Place, Vec<usize>)> {
        let all = "all".to_string();
        let mut places = Vec::new();
        for (index, Instrument { series, .. }) in self.plan.instruments.iter().enumerate() {
            let (instrument, interval) = (series.pair().to_string(), Some(series.interval()));
            places.push((Place { scope: Scope::Instrument, instrument, interval }, vec![index]));
        }
        for folds in self.plan.groups() {
            let (instrument, interval) = (all.clone(), Some(folds[0].interval()));
            let place = Place { scope: Scope::Interval, instrument, interval };
            places.push((place, folds[0].group.members.clone()));
        }
        let place = Place { scope: Scope::All, instrument: all, interval: None };
        places.push((place, (0..self.plan.instruments.len()).collect()));
        places
    }

    fn training(&self) -> Vec<Training> {
        let trained = self.done.iter().filter_map(|(task, result)| {
            Some(Training {
                model: task.model.to_string(),
                interval: task.interval,
                fold: task.fold,
                record: result.training.clone()?,
                epochs: result.epochs.clone(),
            })
        });
        trained.collect()
    }

    /// Every channel of every model, by interval.
    fn importance(&self) -> Vec<Importance> {
        let mut jobs = Vec::new();
        for folds in self.plan.groups() {
            for (learner, model) in self.names.iter().copied().enumerate() {
                let interval = folds[0].interval();
                let own = self.done.iter().filter(|(task, _)| {
                    task.interval == interval && task.learner == learner && task.repeat == 0
                });
                let own: Vec<&TaskResult> = own.map(|(_, result)| result).collect();
                let width = own.first().map_or(0, |result| result.effects.len());
                for (index, channel) in self.plan.backtest.channels.iter().enumerate().take(width) {
                    let effects = own.iter().flat_map(|result| &result.effects[index]).collect();
                    let channel = channel.to_string();
                    jobs.push((Subject { model, interval, channel }, effects));
                }
            }
        }
        let jobs: Vec<(Subject<'_>, Vec<&Effect>)> = jobs;
        let terms = self.terms();
        jobs.into_par_iter()
            .map(|(subject, effects)| Importance::of(subject, &effects, terms))
            .collect()
    }

    fn run_record(&self) -> RunRecord {
        let Backtest { channels, gaps, lookback, labels, plan, costs, seed, .. } =
            self.plan.backtest;
        RunRecord {
            version: env!("CARGO_PKG_VERSION").to_string(),
            command: None,
            seed: *seed,
            seeds: self.plan.backtest.seeds.max(1),
            kernel: Kernel::detect().name().to_string(),
            data_hash: data_hash(self.plan.instruments),
            plan: plan_record(plan),
            labels: *labels,
            channels: channels.iter().map(ToString::to_string).collect(),
            gaps: *gaps,
            lookback: *lookback,
            costs: costs.clone(),
            models: self.names.iter().map(ToString::to_string).collect(),
            notes: Vec::new(),
        }
    }

    fn group_record(&self, folds: &[Fold<'_>]) -> GroupRecord {
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
            train_windows: fold.parts.as_ref().ok().map(|(train, _)| train.len()),
            validation_windows: fold.parts.as_ref().ok().map(|(_, part)| part.len()),
            test_windows: fold.test.len(),
            untrained: self.instrument_names(&fold.untrained()),
        }
    }

    fn instrument_names(&self, indices: &[usize]) -> Vec<String> {
        let instruments = indices.iter().map(|index| &self.plan.instruments[*index]);
        instruments.map(|instrument| instrument.series.pair().to_string()).collect()
    }

    fn instrument_records(&self) -> Vec<InstrumentRecord> {
        let mut tested = vec![0; self.plan.instruments.len()];
        // The models of a fold are all tested on the same windows.
        for fold in self.folds_done() {
            // On one path every candle is tested once.
            for sample in fold.test.samples().iter().filter(|sample| fold.path_of(sample) == 1) {
                tested[fold.instrument_of(sample)] += 1;
            }
        }
        let instruments = self.plan.instruments.iter().zip(tested);
        instruments.map(|(one, test_candles)| instrument_record(one, test_candles)).collect()
    }

    fn timing(&self, started: Instant) -> Timing {
        let models = self.names.iter().enumerate();
        Timing {
            wall_seconds: started.elapsed().as_secs_f64(),
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
        Plan::Holdout { validate_from, test_from, embargo } => {
            PlanRecord::Holdout { validate_from, test_from, embargo }
        }
    }
}

/// XXH3 of all candles: other data, another hash.
fn data_hash(instruments: &[Instrument]) -> String {
    let mut hash = Xxh3::new();
    for Instrument { series, .. } in instruments {
        hash.update(series.pair().as_str().as_bytes());
        hash.update(&series.interval().millis().to_le_bytes());
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

/// One warning per model, interval and list of channels, naming the folds.
fn constant_channels(training: &[Training]) -> Vec<Warning> {
    let mut warnings: Vec<Warning> = Vec::new();
    for Training { model, interval, fold, record, .. } in training {
        if record.constant_channels.is_empty() {
            continue;
        }
        let about = format!("{} did not vary in training", record.constant_channels.join(", "));
        let same = warnings.iter_mut().find(|w| {
            w.model == *model && w.interval == Some(*interval) && w.message.starts_with(&about)
        });
        if let Some(warning) = same {
            // Writing to a String cannot fail.
            let _ = write!(warning.message, ", {fold}");
        } else {
            warnings.push(Warning {
                code: WarningCode::ConstantChannel,
                model: model.clone(),
                instrument: "all".to_string(),
                interval: Some(*interval),
                message: format!("{about}; folds {fold}"),
            });
        }
    }
    warnings
}
