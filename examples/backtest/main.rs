//! Ten real instruments in, an honest report out.
//!
//! `cargo run --release --example backtest` reads the embedded sample, fits every model fold by
//! fold, and writes `report.html`, `report.md` and `report.json`. `-- --help` lists the options.
#[path = "../shared/calendar.rs"]
mod calendar;
mod data;
#[path = "../shared/files.rs"]
mod files;
#[path = "../shared/gap_note.rs"]
mod gap_note;
pub(crate) mod options;
mod progress;
mod show;

use std::path::Path;
use std::sync::Arc;

use clap::Parser;
use windvane::backtest::{Backtest, BoostedTreesLearner, Instrument, LogisticLearner, Report};
use windvane::ensemble::EnsembleLearner;
use windvane::models::train::{Learner, Recipe};
use windvane::models::v2::WeightedSignalsLearner;
use windvane::models::network::NetworkLearner;
use windvane::models::{v3, v31, v32, v32_stateful};

use options::{Model, Options};

fn main() -> std::process::ExitCode {
    match run(&Options::parse()) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

pub(crate) fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    options.check()?;
    let loaded = data::load(options)?;
    show::loaded(&loaded);
    let report = backtest(options, &loaded.instruments)?;
    let report = complete(report, options, loaded);
    show::report(&report);
    report.write(&options.out)?;
    // What was kept has served.
    clear(&options.tasks());
    show::written(&report, &options.out);
    Ok(())
}

fn backtest(options: &Options, instruments: &[Instrument]) -> Result<Report, String> {
    let learners: Vec<Box<dyn Learner>> = options
        .models()
        .into_iter()
        .map(|model| Box::new(learner(model, options.quick)) as Box<dyn Learner>)
        .collect();
    let tasks = options.tasks();
    if !options.resume {
        // Of another run, and perhaps of other code.
        clear(&tasks);
    }
    let (plan, seed, resume) = (options.plan(), options.seed, Some(tasks));
    let (costs, seeds) = (options.costs.clone(), usize::from(options.seeds));
    let settings = Backtest { plan, costs, seed, seeds, resume, ..Backtest::default() };
    let progress = progress::Progress::new();
    let report = settings.run(instruments, &learners, &|event| progress.on(&event));
    progress.finish();
    // The dates in an error may be some that nobody typed.
    report.map_err(|error| match options.validation() {
        Some(validation) => format!("{error}\n{validation}"),
        None => error.to_string(),
    })
}

/// Removes what a run keeps of its tasks, and the folder if nothing else is in it. A failure harms
/// nobody: a later run knows its own tasks.
fn clear(tasks: &Path) {
    for entry in std::fs::read_dir(tasks).into_iter().flatten().flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "task") {
            let _ = std::fs::remove_file(entry.path());
        }
    }
    let _ = std::fs::remove_dir(tasks);
}

/// Each model by its own recipe; a short run has fewer epochs.
fn learner(model: Model, quick: bool) -> Arc<dyn Learner> {
    let short = |recipe: Recipe| {
        if quick { Recipe { epochs: options::QUICK_EPOCHS, ..recipe } } else { recipe }
    };
    let network = |own: NetworkLearner| -> Arc<dyn Learner> {
        Arc::new(NetworkLearner { recipe: short(own.recipe), ..own })
    };
    match model {
        Model::V2 => Arc::new(WeightedSignalsLearner::default()),
        Model::V2Learned => Arc::new(WeightedSignalsLearner::learned()),
        Model::Logistic => Arc::new(LogisticLearner::default()),
        Model::Boosted => Arc::new(BoostedTreesLearner::default()),
        Model::V3 => network(v3::learner()),
        Model::V31 => network(v31::learner()),
        Model::V32 => network(v32::learner()),
        Model::V32Stateful => network(v32_stateful::learner()),
        Model::Original => {
            let members = [Model::V2, Model::V31].map(|member| learner(member, quick)).to_vec();
            Arc::new(EnsembleLearner { members, ..EnsembleLearner::original() })
        }
        Model::Tuned => {
            let members = [Model::V2Learned, Model::V3, Model::V31, Model::V32];
            let members = members.map(|member| learner(member, quick)).to_vec();
            Arc::new(EnsembleLearner { members, ..EnsembleLearner::tuned() })
        }
    }
}

/// Adds what only the caller of the run knows.
fn complete(mut report: Report, options: &Options, loaded: data::Loaded) -> Report {
    report.run.command = Some(options.command());
    report.run.notes = loaded.notes;
    report.run.notes.extend(options.validation());
    report.skipped = loaded.skipped;
    report
}
