//! From what the tasks came to, to the report.
use std::fmt::Write as _;
use std::time::Instant;

use rayon::prelude::*;
use windvane_candles::Interval;
use windvane_lstm_core::Kernel;
use windvane_signals::{Combinatorial, WalkForward};
use xxhash_rust::xxh3::Xxh3;

use super::{
    Failure, FoldRecord, GroupRecord, InstrumentRecord, ModelTiming, PlanRecord, Report, RunRecord,
    SCHEMA, Timing, Training, Untested,
};
use crate::backtest::Planned;
use crate::bootstrap::Terms;
use crate::gaps::missing;
use crate::importance::Subject;
use crate::result::Place;
use crate::trading::deflate;
use crate::warning::{self, Warning, WarningCode};
use crate::work::Done;
use crate::{Backtest, Importance, Instrument, Plan, Record, ResultRow, Scope};

/// Everything a run came to.
pub(crate) struct Finished<'a> {
    pub(crate) backtest: &'a Backtest,
    pub(crate) instruments: &'a [Instrument],
    /// The models, in the order of the learners.
    pub(crate) names: Vec<&'a str>,
    pub(crate) planned: Vec<Planned<'a>>,
    pub(crate) done: Vec<Done>,
    pub(crate) failures: Vec<Failure>,
}

impl Finished<'_> {
    /// Computes every metric and orders all of it; independent of the number of threads.
    pub(crate) fn into_report(self, started: Instant) -> Report {
        let results = self.results();
        let ranking = self.ranking(&results);
        let training = self.training();
        let mut warnings: Vec<Warning> = results.iter().flat_map(warning::about).collect();
        warnings.extend(constant_channels(&training));
        warnings.extend(self.jumps());
        let instruments = self.instrument_records();
        let untested = instruments.iter().filter(|i| i.test_candles == 0);
        let without_test_rows =
            untested.map(|i| Untested { name: i.name.clone(), interval: i.interval }).collect();
        Report {
            schema: SCHEMA,
            run: self.run_record(),
            groups: self.planned.iter().map(|planned| self.group_record(planned)).collect(),
            without_test_rows,
            instruments,
            skipped: Vec::new(),
            ranking,
            results,
            training,
            importance: self.importance(),
            warnings,
            timing: self.timing(started),
            failures: self.failures,
        }
    }

    fn jumps(&self) -> impl Iterator<Item = Warning> {
        self.instruments.iter().enumerate().filter_map(|(index, instrument)| {
            let records = self.done.iter().flat_map(|done| &done.outcome.records);
            let times = records.filter(|r| r.instrument == index).map(|r| r.decided_at);
            let tested = times.clone().min()?..=times.max()?;
            warning::jump(&instrument.series, tested)
        })
    }

    pub(crate) fn terms(&self) -> Terms<'_> {
        let Backtest { labels, seed, costs, .. } = self.backtest;
        Terms { horizon: labels.horizon, seed: *seed, costs }
    }

    /// Every model at every place where it was tested.
    fn results(&self) -> Vec<ResultRow> {
        let places = self.places();
        let jobs: Vec<(&(Place, Vec<usize>), usize)> = places
            .iter()
            .flat_map(|place| (0..self.names.len()).map(move |model| (place, model)))
            .collect();
        let row = |((place, members), model): (&(Place, Vec<usize>), usize)| {
            let first = self.records(model, 0, members);
            let some = first.iter().any(|record| record.path == 1);
            let row = || ResultRow::of(self.names[model], place, &first, self.terms());
            let mut row = some.then(row)?;
            if self.backtest.seeds > 1 {
                for repeat in 0..self.backtest.seeds {
                    let own = self.records(model, repeat, members);
                    row.add_seed(self.backtest.seed_of(repeat), &own);
                }
            }
            Some(row)
        };
        let mut rows: Vec<Option<ResultRow>> = jobs.into_par_iter().map(row).collect();
        for models in rows.chunks_mut(self.names.len()) {
            let rows = models.iter_mut().flatten();
            deflate(&mut rows.filter_map(|row| row.trading.as_mut()).collect::<Vec<_>>());
        }
        rows.into_iter().flatten().collect()
    }

    /// What a model of one of the seeds said to some instruments, fold after fold.
    pub(crate) fn records(&self, model: usize, repeat: usize, members: &[usize]) -> Vec<Record> {
        let own = self.done.iter().filter(|done| done.learner == model && done.repeat == repeat);
        let records = own.flat_map(|done| &done.outcome.records);
        records.filter(|record| members.contains(&record.instrument)).copied().collect()
    }

    /// Single instruments, then intervals, then all; each with the instruments it covers.
    fn places(&self) -> Vec<(Place, Vec<usize>)> {
        let all = "all".to_string();
        let mut places = Vec::new();
        for (index, Instrument { series, .. }) in self.instruments.iter().enumerate() {
            let (instrument, interval) = (series.pair().to_string(), Some(series.interval()));
            places.push((Place { scope: Scope::Instrument, instrument, interval }, vec![index]));
        }
        for Planned { group, .. } in &self.planned {
            let (instrument, interval) = (all.clone(), Some(group.interval));
            let place = Place { scope: Scope::Interval, instrument, interval };
            places.push((place, group.members.clone()));
        }
        let place = Place { scope: Scope::All, instrument: all, interval: None };
        places.push((place, (0..self.instruments.len()).collect()));
        places
    }

    fn training(&self) -> Vec<Training> {
        let record = |done: &Done| {
            Some(Training {
                model: self.names[done.learner].to_string(),
                interval: self.planned[done.group].group.interval,
                fold: done.fold + 1,
                record: done.outcome.training.clone()?,
                epochs: done.outcome.epochs.clone(),
            })
        };
        self.done.iter().filter_map(record).collect()
    }

    /// Every channel of every model, by interval.
    fn importance(&self) -> Vec<Importance> {
        let mut jobs = Vec::new();
        for (group, planned) in self.planned.iter().enumerate() {
            for (learner, model) in self.names.iter().copied().enumerate() {
                let own = move |done: &&Done| {
                    done.group == group && done.learner == learner && done.repeat == 0
                };
                let done: Vec<&Done> = self.done.iter().filter(own).collect();
                let width = done.first().map_or(0, |done| done.outcome.effects.len());
                let interval = planned.group.interval;
                jobs.extend((0..width).map(|index| (model, interval, index, done.clone())));
            }
        }
        let one = |(model, interval, index, done): (&str, Interval, usize, Vec<&Done>)| {
            let channel = self.backtest.channels[index].to_string();
            let effects = done.iter().flat_map(|done| &done.outcome.effects[index]);
            Importance::of(Subject { model, interval, channel }, effects, self.terms())
        };
        jobs.into_par_iter().map(one).collect()
    }

    fn run_record(&self) -> RunRecord {
        let Backtest { channels, gaps, lookback, labels, plan, costs, seed, .. } = self.backtest;
        RunRecord {
            version: env!("CARGO_PKG_VERSION").to_string(),
            command: None,
            seed: *seed,
            seeds: self.backtest.seeds.max(1),
            kernel: Kernel::detect().name().to_string(),
            data_hash: data_hash(self.instruments),
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

    fn group_record(&self, Planned { group, folds }: &Planned<'_>) -> GroupRecord {
        let name = |index: &usize| self.instruments[*index].series.pair().to_string();
        let fold = |(index, fold): (usize, &crate::group::Fold)| FoldRecord {
            fold: index + 1,
            validate_from: fold.split.validate_from(),
            test_from: fold.split.test_from(),
            test_until: fold.split.test_until(),
            test_groups: self.backtest.plan.test_groups(index),
            train_windows: fold.parts.as_ref().ok().map(|(train, _)| train.len()),
            validation_windows: fold.parts.as_ref().ok().map(|(_, part)| part.len()),
            test_windows: fold.test.len(),
            untrained: group.untrained(fold).iter().map(name).collect(),
        };
        GroupRecord {
            interval: group.interval,
            gap_policy: group.gaps,
            instruments: group.members.iter().map(name).collect(),
            folds: folds.iter().enumerate().map(fold).collect(),
        }
    }

    fn instrument_records(&self) -> Vec<InstrumentRecord> {
        let mut tested = vec![0; self.instruments.len()];
        // A fold's models are all tested on the same windows.
        let mut folds: Vec<(usize, usize)> = self.done.iter().map(|d| (d.group, d.fold)).collect();
        folds.sort_unstable();
        folds.dedup();
        for (group, fold) in folds {
            let Planned { group, folds } = &self.planned[group];
            let fold = &folds[fold];
            // On one path every candle is tested once.
            for sample in fold.test.samples().iter().filter(|sample| fold.path_of(sample) == 1) {
                tested[group.members[sample.table]] += 1;
            }
        }
        let record = |(Instrument { series, test_only }, test_candles): (&Instrument, usize)| {
            InstrumentRecord {
                name: series.pair().to_string(),
                interval: series.interval(),
                candles: series.len(),
                first: series.get(0).map(windvane_candles::Candle::open_time),
                last: series.candles().last().map(windvane_candles::Candle::open_time),
                gaps: series.gaps().count(),
                missing: missing(series),
                test_only: *test_only,
                test_candles,
            }
        };
        self.instruments.iter().zip(tested).map(record).collect()
    }

    fn timing(&self, started: Instant) -> Timing {
        let model = |(learner, name): (usize, &&str)| {
            let own = || self.done.iter().filter(move |done| done.learner == learner);
            let predictions: usize = own().map(|done| done.outcome.records.len()).sum();
            // Not `sum`: that of nothing is -0.
            let total = |seconds: fn(&Done) -> f64| own().map(seconds).fold(0.0, |a, b| a + b);
            let predict_seconds = total(|done| done.outcome.predict_seconds);
            let micros = 1e6 * predict_seconds;
            ModelTiming {
                model: (*name).to_string(),
                fit_seconds: total(|done| done.outcome.fit_seconds),
                predict_seconds,
                predictions,
                microseconds_per_prediction: (predictions > 0).then(|| micros / predictions as f64),
            }
        };
        Timing {
            wall_seconds: started.elapsed().as_secs_f64(),
            threads: rayon::current_num_threads(),
            models: self.names.iter().enumerate().map(model).collect(),
        }
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
        Plan::Once { validate_from, test_from, embargo } => {
            PlanRecord::Once { validate_from, test_from, embargo }
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
        let same = |w: &&mut Warning| {
            w.model == *model && w.interval == Some(*interval) && w.message.starts_with(&about)
        };
        if let Some(warning) = warnings.iter_mut().find(same) {
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
