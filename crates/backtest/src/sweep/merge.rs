//! Merging of the results of a sweep into reports.
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use rayon::prelude::*;

use super::ProgramId;
use super::correction::correct;
use super::setting::{SweepSetting, TaskFile, task_files};
use super::validation::ValidationSum;
use crate::error::BacktestError;
use crate::report::{
    LabelOverfitting, Report, SweepReport, SweepSettingRecord, SweepTiming, TrialResult,
};
use crate::run::{Executor, FinishedRun, Instrument, RunPlan, StoredResult, Task};
use crate::score::AccuracyParts;

/// Failure message of a task without a result.
const MISSING: &str = "the task has not been run";

/// Reports of a sweep.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct MergedSweep {
    /// Comparison of all models of all settings.
    pub sweep: SweepReport,
    /// Report of each setting, with p-values and deflated Sharpe ratios for all models of the sweep;
    /// `None` for a setting without a tested model.
    pub reports: Vec<Option<Report>>,
}

/// Computes the reports of a sweep from the results in a folder; no model is fitted.
///
/// The reports depend neither on the division of the tasks nor on their order. With `partial`, a task
/// without a result is listed among the failures instead of being an error, and its model cannot be
/// the winner.
///
/// # Errors
/// [`BacktestError::MissingTasks`] without `partial`, [`BacktestError::DamagedResult`] for a file
/// that is damaged or has the name of another task, [`BacktestError::NothingEvaluated`] if no setting
/// has a tested model, and those of [`SweepSetting::tasks`].
pub fn merge(
    settings: &[SweepSetting],
    instruments: &[Instrument],
    folder: &Path,
    partial: bool,
) -> Result<MergedSweep, BacktestError> {
    let started = Instant::now();
    let mut parts: BTreeMap<String, AccuracyParts> = BTreeMap::new();
    let (mut missing, mut tasks) = (Vec::new(), 0);
    let (mut reports, mut validation) = (Vec::new(), Vec::new());
    let mut failures = Vec::new();
    for setting in settings {
        setting.check()?;
        setting.backtest.with_plan(instruments, &setting.learners, |plan, early| {
            let files = task_files(plan, folder)?;
            tasks += files.iter().filter(|(_, file)| file.is_some()).count();
            let (results, own_missing) = load(plan, &files)?;
            let incomplete = !own_missing.is_empty() && !partial;
            missing.extend(own_missing);
            if incomplete {
                return Ok(());
            }
            let tasks: Vec<Task<'_>> = files.into_iter().map(|(task, _)| task).collect();
            let finished = FinishedRun::new(plan, tasks, results, early);
            validation.push(validation_sums(&finished));
            if let Err(error) = finished.check_not_empty() {
                failures.push(format!("{}: {error}", setting.name));
                reports.push(None);
                return Ok(());
            }
            let label = setting.backtest.labels.to_string();
            parts.entry(label).or_default().add(&finished.contenders());
            reports.push(Some(finished.report(started)));
            Ok(())
        })?;
    }
    if !missing.is_empty() && !partial {
        return Err(BacktestError::MissingTasks { missing, tasks });
    }
    let Some(first) = reports.iter().flatten().next() else {
        let (count, first) = (failures.len(), failures.swap_remove(0));
        return Err(BacktestError::NothingEvaluated { failures: count, first });
    };
    let data_hash = first.run.data_hash.clone();
    // All settings of a sweep have the same earlier trials.
    let earlier = &settings[0].backtest.earlier_trials;
    correct(&mut reports.iter_mut().flatten().collect::<Vec<_>>(), earlier);
    let mut results = trials(settings, &reports, &validation);
    mark_winners(&mut results);
    let overfitting = parts.into_iter().filter_map(|(label, parts)| {
        Some(LabelOverfitting { label, overfitting: parts.overfitting()? })
    });
    let sweep = SweepReport {
        schema: SweepReport::SCHEMA,
        program: ProgramId::current()?.to_string(),
        data_hash,
        trials: results.len(),
        settings: settings.iter().map(record).collect(),
        results,
        overfitting: overfitting.collect(),
        failures,
        missing,
        timing: timing(&reports, started),
    };
    Ok(MergedSweep { sweep, reports })
}

/// Results of the tasks, and the keys of those without a file.
fn load(
    plan: &RunPlan<'_>,
    files: &[TaskFile<'_>],
) -> Result<(Vec<StoredResult>, Vec<String>), BacktestError> {
    let loaded: Vec<Option<StoredResult>> =
        files.par_iter().map(|one| load_one(plan, one)).collect::<Result<_, _>>()?;
    let missing = loaded.iter().zip(files).filter(|(result, _)| result.is_none());
    let missing = missing.filter_map(|(_, (_, file))| Some(file.as_ref()?.key())).collect();
    let results = loaded.into_iter().map(|one| one.unwrap_or_else(|| Err(MISSING.to_string())));
    Ok((results.collect(), missing))
}

fn load_one(
    plan: &RunPlan<'_>,
    (task, file): &TaskFile<'_>,
) -> Result<Option<StoredResult>, BacktestError> {
    let Some(file) = file else {
        // A fold without training windows: the result is the reason.
        let executor = Executor { plan, cache: None, on_event: &|_| {} };
        return Ok(Some(executor.fit(*task)));
    };
    file.read(plan.fold(task)).map_err(|reason| {
        let path = file.path().to_path_buf();
        BacktestError::DamagedResult { path, reason }
    })
}

/// Log loss of each model over all folds, intervals and seeds, by the index of the learner.
fn validation_sums(finished: &FinishedRun<'_>) -> Vec<ValidationSum> {
    let mut sums = vec![ValidationSum::default(); finished.names.len()];
    for (task, result) in &finished.done {
        if let Ok((_, validation)) = &finished.plan.fold(task).training_windows {
            sums[task.learner].add(result, validation);
        }
    }
    sums
}

/// Results of all models, in the order of the settings and of their learners.
fn trials(
    settings: &[SweepSetting],
    reports: &[Option<Report>],
    validation: &[Vec<ValidationSum>],
) -> Vec<TrialResult> {
    let mut trials = Vec::new();
    for ((setting, report), sums) in settings.iter().zip(reports).zip(validation) {
        let Some(report) = report else { continue };
        for (model, sum) in report.run.models.iter().zip(sums) {
            let label = setting.backtest.labels.to_string();
            let loss = (sum.mean(), sum.windows);
            trials.push(TrialResult::new(&setting.name, label, report, model, loss));
        }
    }
    trials
}

/// Marks the complete model with the lowest validation loss of each label, the first one on a tie.
fn mark_winners(results: &mut [TrialResult]) {
    let mut best: BTreeMap<String, (f64, usize)> = BTreeMap::new();
    for (index, trial) in results.iter().enumerate() {
        let Some(loss) = trial.validation_loss.filter(|_| trial.can_win()) else { continue };
        let first = best.entry(trial.label.clone()).or_insert((loss, index));
        if loss < first.0 {
            *first = (loss, index);
        }
    }
    for (_, index) in best.into_values() {
        results[index].winner = true;
    }
}

fn record(setting: &SweepSetting) -> SweepSettingRecord {
    SweepSettingRecord {
        name: setting.name.clone(),
        label: setting.backtest.labels.to_string(),
        lookback: setting.backtest.lookback,
        channels: setting.backtest.channels.len(),
    }
}

fn timing(reports: &[Option<Report>], started: Instant) -> SweepTiming {
    let models = reports.iter().flatten().flat_map(|report| &report.timing.models);
    SweepTiming {
        wall_seconds: started.elapsed().as_secs_f64(),
        fit_seconds: models.map(|model| model.fit_seconds).sum(),
    }
}
