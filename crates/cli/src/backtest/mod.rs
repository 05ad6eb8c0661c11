//! `windvane backtest`: backtests models on instruments and writes a report.
pub(crate) mod data;
mod memory;
mod options;
pub(crate) mod progress;
mod show;

use std::path::Path;

use windvane::backtest::{
    Backtest, EarlierTrials, Event, Instrument, PolicyTrades, Predictions, Report, TrialLog,
};
use windvane::models::train::Learner;

pub(crate) use options::BacktestOptions;

use crate::inputs::Inputs;
use crate::{Error, output};

pub(crate) fn run(options: &BacktestOptions) -> Result<(), Error> {
    options.validate()?;
    let (loaded, inputs) = data::load(options)?;
    output::check_folder(&options.out)?;
    let files = [&options.predictions, &options.trades, &options.trials_log];
    files.into_iter().flatten().try_for_each(|file| output::check_file(file))?;
    let log = options.trials_log.as_ref().map(TrialLog::open).transpose()?;
    show::loaded(&loaded)?;
    show::models(&options.models(), &options.training(&inputs))?;
    let (report, rows) = backtest(options, &inputs, &loaded.instruments, log.as_ref())?;
    let report = complete(report, options, &inputs, loaded);
    // The report is written before it is printed, so that a closed pipe does not lose it.
    report.write(&options.out)?;
    log.iter().try_for_each(|log| log.append(&report))?;
    if let Some((predictions, trades)) = rows {
        options.predictions.iter().try_for_each(|file| predictions.write(file))?;
        options.trades.iter().try_for_each(|file| trades.write(file))?;
    }
    // The finished tasks are no longer needed.
    clear(&options.tasks());
    show::report(&report)?;
    Ok(show::written(&report, &options.out)?)
}

/// Predictions and trades of a run, for files.
type RunRows = (Predictions, PolicyTrades);

fn backtest(
    options: &BacktestOptions,
    inputs: &Inputs,
    instruments: &[Instrument],
    log: Option<&TrialLog>,
) -> Result<(Report, Option<RunRows>), Error> {
    let training = options.training(inputs);
    let learners: Vec<Box<dyn Learner>> = options
        .models()
        .iter()
        .map(|model| Box::new(model.averaged_learner(&training)) as Box<dyn Learner>)
        .collect();
    let store = memory::store(options, instruments, inputs.channels.len(), &learners)?;
    let tasks = options.tasks();
    if !options.resume {
        // Tasks of an earlier run, possibly of another version.
        clear(&tasks);
    }
    let (plan, seed, resume) = (options.plan(), options.seed, Some(tasks));
    let (costs, seeds) = (options.costs.clone(), usize::from(options.seeds));
    let Inputs { channels, always_open, lags } = inputs.clone();
    let settings = Backtest {
        channels,
        always_open,
        lags,
        labels: options.labels(),
        plan,
        costs,
        policies: options.policies(),
        earlier_trials: EarlierTrials {
            unknown: options.earlier_trials,
            logged: log.map_or(Vec::new(), |log| log.trials().to_vec()),
        },
        seed,
        seeds,
        resume,
        store,
        ..Backtest::default()
    };
    let progress = progress::BacktestProgress::new();
    let on_event = |event: Event<'_>| progress.on(&event);
    // Predictions take memory, so they are kept only if they are written.
    let run = if options.predictions.is_some() || options.trades.is_some() {
        let run = settings.run_detailed(instruments, &learners, &on_event);
        run.map(|run| (run.report, Some((run.predictions, run.trades))))
    } else {
        settings.run(instruments, &learners, &on_event).map(|report| (report, None))
    };
    progress.finish();
    // An error may contain a date that is derived from the options.
    Ok(run.map_err(|error| match options.validation() {
        Some(validation) => format!("{error}\n{validation}"),
        None => error.to_string(),
    })?)
}

/// Removes the finished tasks of a run, and their folder if it is empty then. Errors are ignored: a
/// later run identifies its own tasks.
fn clear(tasks: &Path) {
    for entry in std::fs::read_dir(tasks).into_iter().flatten().flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "task") {
            let _ = std::fs::remove_file(entry.path());
        }
    }
    let _ = std::fs::remove_dir(tasks);
}

/// Adds the command, the descriptions of the models, the notes and the skipped files to the report.
fn complete(
    mut report: Report,
    options: &BacktestOptions,
    inputs: &Inputs,
    loaded: data::Loaded,
) -> Report {
    report.run.command = Some(options.command());
    let training = options.training(inputs);
    let models = options.models();
    let described =
        models.iter().map(|entry| (entry.name.to_string(), entry.averaged_method(&training)));
    report.run.model_descriptions = described.collect();
    report.run.notes = loaded.notes;
    report.run.notes.extend(options.validation());
    report.skipped = loaded.skipped;
    report
}
