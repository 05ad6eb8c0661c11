//! `windvane merge`: computes the reports of a sweep from the results.
use std::path::{Path, PathBuf};

use clap::Args;
use windvane::backtest::sweep::{self, MergedSweep, SweepSetting};
use windvane::backtest::{BacktestError, Report};

use super::data;
use super::plan_file::{PlanFile, folder_of};
use super::settings::{Setting, settings};
use crate::Error;
use crate::backtest::data::Loaded;
use crate::output::{self, check_folder, print};

/// Number of missing bundles that an error lists.
const LISTED: usize = 20;

/// Compute the reports of a sweep from the results of its bundles; no model is fitted
///
/// The reports do not depend on the shards or their order. Everything except the object timing at
/// the end of each report.json is byte for byte that of a run on one machine.
#[derive(Debug, Args)]
pub(crate) struct MergeOptions {
    /// Plan of `windvane plan`.
    #[arg(value_name = "FILE")]
    plan: PathBuf,
    /// Folder of the results [default: results in the folder of the plan]
    #[arg(long, value_name = "DIR")]
    results: Option<PathBuf>,
    /// Folder for report.md and report.json; the reports of the settings are in its subfolders 1, 2,
    /// … [default: report in the folder of the plan]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Merge although results are missing; models with a missing task cannot be winners.
    #[arg(long)]
    partial: bool,
}

pub(crate) fn merge(options: &MergeOptions) -> Result<(), Error> {
    let plan = PlanFile::read(&options.plan)?;
    let folder = folder_of(&options.plan);
    let results = options.results.clone().unwrap_or_else(|| folder.join("results"));
    let out = options.out.clone().unwrap_or_else(|| folder.join("report"));
    plan.check_data(&folder)?;
    check_folder(&out)?;
    let mut loaded = data::load(&plan.sweep, &folder)?;
    data::drop_short(&mut loaded, &plan.sweep, &plan.inputs)?;
    let all = settings(&plan.sweep, &plan.inputs)?;
    let (sweeps, descriptions): (Vec<SweepSetting>, Vec<_>) =
        all.into_iter().map(|Setting { sweep, descriptions, .. }| (sweep, descriptions)).unzip();
    let merged = sweep::merge(&sweeps, &loaded.instruments, &results, options.partial);
    let MergedSweep { sweep, mut reports, .. } =
        merged.map_err(|error| explained(&error, &plan, &results))?;
    for (report, descriptions) in reports.iter_mut().zip(descriptions) {
        if let Some(report) = report {
            report.run.model_descriptions = descriptions;
            complete(report, &loaded);
        }
    }
    for (number, report) in (1..).zip(&reports) {
        if let Some(report) = report {
            report.write(out.join(number.to_string()))?;
        }
    }
    sweep.write(&out)?;
    let table = sweep.results_table();
    print(format_args!("{}\n", output::table(&table.header, &table.rows, &[3, 4, 7, 8, 9])))?;
    for verdict in sweep.verdicts() {
        print(format_args!("{verdict}\n"))?;
    }
    print(format_args!("{}", out.join("report.md").display()))?;
    Ok(())
}

/// Adds the notes and the skipped files to the report of a setting.
fn complete(report: &mut Report, loaded: &Loaded) {
    report.run.command = Some("windvane merge plan.json".to_string());
    report.run.notes.clone_from(&loaded.notes);
    report.skipped.clone_from(&loaded.skipped);
}

/// Adds the bundles of missing tasks to an error.
fn explained(error: &BacktestError, plan: &PlanFile, results: &Path) -> String {
    let BacktestError::MissingTasks { missing, .. } = error else { return error.to_string() };
    let is_missing =
        |index: &usize| plan.bundles[*index].tasks.iter().any(|task| missing.contains(task));
    let bundles: Vec<usize> = (0..plan.bundles.len()).filter(is_missing).collect();
    let count = plan.bundles.len();
    let lines: Vec<String> = bundles
        .iter()
        .take(LISTED)
        .map(|index| {
            let setting = &plan.bundles[*index].setting;
            format!("\n  bundle {index} ({setting}): windvane run … --index {index} --of {count}")
        })
        .collect();
    let more = bundles.len().saturating_sub(LISTED);
    let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
    format!(
        "{}: results are missing: {error} (--partial).{}{more}",
        results.display(),
        lines.concat()
    )
}
