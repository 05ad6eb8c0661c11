//! `windvane plan`: divides the tasks of a sweep into bundles.
use std::path::{Path, PathBuf};

use clap::Args;
use windvane::prelude::*;

use super::cost::FitCost;
use super::data;
use super::file::SweepFile;
use super::plan_file::{PlanFile, TaskBundle, folder_of};
use super::settings::{FitShape, Setting, settings};
use crate::Error;
use crate::output::{check_file, print, thousands};

/// Divide the tasks of a sweep into bundles for several processes or machines
///
/// The sweep file (TOML) lists models, inputs, lookbacks, labels, recipes and seeds; every
/// combination is fitted and tested. The plan has the hashes of the data, the version and the kernel
/// that its bundles need, and the same sweep always gives the same plan.
#[derive(Debug, Args)]
pub(crate) struct PlanOptions {
    /// Sweep file; its relative paths are relative to its folder.
    #[arg(value_name = "FILE")]
    sweep: PathBuf,
    /// Plan to write [default: plan.json in the folder of the sweep file]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn plan(options: &PlanOptions) -> Result<(), Error> {
    let mut sweep = SweepFile::read(&options.sweep)?;
    let folder = folder_of(&options.sweep);
    let output = options.output.clone().unwrap_or_else(|| folder.join("plan.json"));
    check_file(&output)?;
    let mut loaded = data::load(&sweep, &folder)?;
    let inputs = data::inputs(&sweep, &loaded, &folder)?;
    data::drop_short(&mut loaded, &sweep, &inputs)?;
    let mut bundles = Vec::new();
    for setting in settings(&sweep, &inputs)? {
        bundles.extend(bundles_of(&setting, &loaded.instruments, sweep.bundle_seconds)?);
    }
    // The paths of a plan are relative to its own folder.
    if !is_same_folder(&folder, &folder_of(&output)) {
        for path in [&mut sweep.data, &mut sweep.test_data].into_iter().flatten() {
            *path = folder.join(&*path).canonicalize()?;
        }
    }
    let hashes = data::hashes(&sweep, &folder_of(&output))?;
    let plan = PlanFile::new(sweep, inputs, hashes, bundles)?;
    plan.write(&output)?;
    show(&plan, &output)
}

fn is_same_folder(one: &Path, other: &Path) -> bool {
    let [one, other] = [one, other].map(|folder| Path::new(".").join(folder).canonicalize().ok());
    one == other
}

/// Collects the tasks of a setting, in their order, into bundles of at least the given duration.
fn bundles_of(
    setting: &Setting,
    instruments: &[Instrument],
    min_seconds: f64,
) -> Result<Vec<TaskBundle>, Error> {
    let backtest = &setting.sweep.backtest;
    let shape = FitShape { lookback: backtest.lookback, channels: backtest.channels.len() };
    let name = &setting.sweep.name;
    let tasks = setting.sweep.tasks(instruments).map_err(|error| format!("{name}: {error}"))?;
    let mut bundles: Vec<TaskBundle> = Vec::new();
    let mut open = TaskBundle::new(name);
    for task in tasks {
        let cost = setting.costs.get(&task.model).copied();
        open.seconds += cost.unwrap_or(FitCost::of_baseline(shape)).seconds(&task);
        open.tasks.push(task.key);
        if open.seconds >= min_seconds {
            bundles.push(std::mem::replace(&mut open, TaskBundle::new(name)));
        }
    }
    match bundles.last_mut() {
        // The rest is too short for a bundle of its own.
        Some(last) => {
            last.seconds += open.seconds;
            last.tasks.append(&mut open.tasks);
        }
        None if open.tasks.is_empty() => {}
        None => bundles.push(open),
    }
    for bundle in &mut bundles {
        bundle.seconds = (bundle.seconds * 10.0).round() / 10.0;
    }
    Ok(bundles)
}

fn show(plan: &PlanFile, output: &Path) -> Result<(), Error> {
    let tasks: usize = plan.bundles.iter().map(|bundle| bundle.tasks.len()).sum();
    let seconds: f64 = plan.bundles.iter().map(|bundle| bundle.seconds).sum();
    print(format_args!(
        "{} tasks in {} bundles, about {seconds:.0} s on one core (an estimate)",
        thousands(tasks),
        thousands(plan.bundles.len())
    ))?;
    print(format_args!("{}", output.display()))?;
    Ok(())
}
