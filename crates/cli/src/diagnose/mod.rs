//! `windvane diagnose`: explains one prediction and shows the state of its model.
mod diagnosis;
mod format;
mod model;
mod options;
mod page;
mod plot;
mod source;
mod terminal;

use windvane::models::replace_file;
use windvane::prelude::*;

pub(crate) use options::DiagnoseOptions;

use crate::Error;
use crate::output::{check_file, file_error, print};

/// Prints the diagnosis and writes the HTML page of `--html`.
pub(crate) fn run(options: &DiagnoseOptions) -> Result<(), Error> {
    if let Some(file) = &options.html {
        check_file(file)?;
    }
    Ok(print(text(options)?)?)
}

fn text(options: &DiagnoseOptions) -> Result<String, Error> {
    let series = source::series(options, &options.pair)?;
    let loaded = options.load.as_ref().map(|path| model::load(path, series.interval()));
    let loaded = loaded.transpose()?;
    let spec = loaded.as_ref().map_or_else(|| model::spec(&series), |l| l.model.spec().clone());
    let others = spec.signals.pairs();
    let others = others.iter().map(|pair| source::series(options, pair.as_str()));
    let others: Vec<CandleSeries> = others.collect::<Result<_, _>>()?;
    let table = SignalTable::build(&spec.signals, &Registry::default(), &series, &others)?;
    let tables = [table];
    let samples = SampleSet::collect(&tables, spec.lookback, spec.labels)?;
    let row = diagnosis::decision(&samples, options.at)?;
    let diagnosed = match loaded {
        Some(diagnosed) => diagnosed,
        None => model::fit(options, &samples)?,
    };
    let diagnosis = diagnosis::diagnose(diagnosed, &samples, row)?;
    let mut text = terminal::text(&diagnosis);
    if let Some(file) = &options.html {
        let page = page::html(&diagnosis)?;
        replace_file(file, page.as_bytes()).map_err(|error| file_error(file, error))?;
        text.extend(["\npage: ", &file.display().to_string()]);
    }
    Ok(text)
}
