//! Why does the model say UP here, and is the model in order?
//!
//! `cargo run --release --example diagnose -- --pair BTCUSDT --model v31` trains v3.1 on the past
//! of the embedded sample and looks at a later candle: signals, gates, attention, occlusion, what
//! happened; then at the whole model. `--html page.html` draws it, `-- --help` lists the options.
#[path = "../shared/calendar.rs"]
mod calendar;
mod diagnosis;
#[path = "../shared/files.rs"]
mod files;
mod format;
#[path = "../shared/gap_note.rs"]
mod gap_note;
pub(crate) mod options;
mod page;
mod plot;
mod source;
mod subject;
mod terminal;

use clap::Parser;
use windvane::prelude::*;

use options::Options;

#[expect(clippy::print_stdout, reason = "an example talks to the terminal")]
fn main() -> std::process::ExitCode {
    match run(&Options::parse()) {
        Ok(text) => {
            println!("{text}");
            std::process::ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

/// What the terminal shows; the page is written on the way.
pub(crate) fn run(options: &Options) -> Result<String, Box<dyn std::error::Error>> {
    let series = source::series(options, &options.pair)?;
    let loaded = options.load.as_ref().map(|path| subject::load(path, series.interval()));
    let loaded = loaded.transpose()?;
    let spec = loaded.as_ref().map_or_else(|| subject::spec(&series), |l| l.model.spec().clone());
    let others = spec.signals.pairs();
    let others = others.iter().map(|pair| source::series(options, pair.as_str()));
    let others: Vec<CandleSeries> = others.collect::<Result<_, _>>()?;
    let table = SignalTable::build(&spec.signals, &Registry::default(), &series, &others)?;
    let tables = [table];
    let samples = SampleSet::collect(&tables, spec.lookback, spec.labels)?;
    let row = diagnosis::decision(&samples, options.at)?;
    let subject = match loaded {
        Some(subject) => subject,
        None => subject::fit(options, &samples)?,
    };
    let diagnosis = diagnosis::diagnose(subject, &samples, row)?;
    let mut text = terminal::text(&diagnosis);
    if let Some(file) = &options.html {
        let page = page::html(&diagnosis)?;
        windvane::models::replace_file(file, page.as_bytes())
            .map_err(|error| format!("{}: {error}", file.display()))?;
        text.extend(["\npage: ", &file.display().to_string()]);
    }
    Ok(text)
}
