//! `windvane run`: runs bundles of a plan and stores their results.
use std::path::PathBuf;

use clap::Args;
use windvane::backtest::Event;

use super::data;
use super::plan_file::{PlanFile, folder_of};
use super::settings::settings;
use crate::Error;
use crate::backtest::progress::BacktestProgress;
use crate::output::{check_folder, note, print, thousands};

/// Run bundles of a plan and store the result of every task in a folder
///
/// Without --index all bundles are run. Results that exist are kept, so an interrupted run continues
/// when it is started again; several processes may write to one folder.
#[derive(Debug, Args)]
pub(crate) struct RunOptions {
    /// Plan of `windvane plan`.
    #[arg(value_name = "FILE")]
    plan: PathBuf,
    /// Index of the shard, counted from 0: the bundles whose number has the remainder INDEX in the
    /// division by --of.
    #[arg(long, default_value_t = 0)]
    index: usize,
    /// Number of shards.
    #[arg(long, value_name = "N", default_value_t = 1)]
    of: usize,
    /// Folder for the results [default: results in the folder of the plan]
    #[arg(long, value_name = "DIR")]
    results: Option<PathBuf>,
}

pub(crate) fn run(options: &RunOptions) -> Result<(), Error> {
    let (index, of) = (options.index, options.of);
    if index >= of {
        return Err(format!(
            "--index {index} --of {of}: the index is counted from 0 and less than the number of \
             shards"
        )
        .into());
    }
    let plan = PlanFile::read(&options.plan)?;
    let folder = folder_of(&options.plan);
    let results = options.results.clone().unwrap_or_else(|| folder.join("results"));
    plan.check_data(&folder)?;
    check_folder(&results)?;
    let bundles: Vec<_> = plan.bundles.iter().skip(index).step_by(of).collect();
    let keys = PlanFile::keys(bundles.iter().copied());
    let tasks: usize = keys.values().map(std::collections::BTreeSet::len).sum();
    print(format_args!("{} bundles with {} tasks", thousands(bundles.len()), thousands(tasks)))?;
    if keys.is_empty() {
        return Ok(());
    }
    let mut loaded = data::load(&plan.sweep, &folder)?;
    data::drop_short(&mut loaded, &plan.sweep, &plan.inputs)?;
    for setting in settings(&plan.sweep, &plan.inputs)? {
        let name = &setting.sweep.name;
        let Some(own) = keys.get(name.as_str()) else { continue };
        note(format_args!("{name}: {} tasks", thousands(own.len())));
        let progress = BacktestProgress::new();
        let on_event = |event: Event<'_>| progress.on(&event);
        let ran = setting.sweep.run(&loaded.instruments, own, &results, &on_event);
        progress.finish();
        ran.map_err(|error| format!("{name}: {error}"))?;
    }
    print(format_args!("results in {}", results.display()))?;
    Ok(())
}
