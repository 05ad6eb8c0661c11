//! Benefit of second models over the mean of their members, on real pairs.
//!
//! `cargo run --release --example second_models -- --data DIR --test-from DATE --out predictions.csv` fits boosted trees and a
//! multilayer perceptron on the channels of the market, and combines them by equal weights, log loss,
//! stacking, meta-labels and online weights; it also fits the trees per regime. It prints the accuracy
//! of each, and writes the predictions for paired comparisons.
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use windvane::backtest::{Event, Plan, Scope};
use windvane::catalog::{Hyperparameters, ModelEntry};
use windvane::ensemble::{EnsembleLearner, FixedShare, RegimeLearner, SecondKind, Weighting};
use windvane::models::ModelId;
use windvane::prelude::*;
use windvane::readers::read_file;
use windvane::signals::Lags;
use windvane::signals::channels::Regime;

#[derive(Parser)]
#[command(about = "Measure second models over the mean of their members")]
struct SecondModelOptions {
    /// Folder of CSV files, one pair each.
    #[arg(long)]
    data: PathBuf,
    /// Start of the test; the six months before it are for validation.
    #[arg(long)]
    test_from: Timestamp,
    /// End of training and start of validation.
    #[arg(long)]
    validate_from: Timestamp,
    /// Leader of the market.
    #[arg(long, default_value = "BTCUSDT")]
    leader: Pair,
    /// File for the predictions, CSV.
    #[arg(long)]
    out: Option<PathBuf>,
}

type Error = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match run(&SecondModelOptions::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "an example prints its results")]
fn run(options: &SecondModelOptions) -> Result<(), Error> {
    let folder = options.out.as_ref().and_then(|out| out.parent());
    if let Some(folder) = folder.filter(|folder| *folder != Path::new("") && !folder.is_dir()) {
        return Err(format!("{}: no such folder for --out", folder.display()).into());
    }
    let series = read(&options.data)?;
    let pairs: Vec<Pair> = series.iter().map(|series| series.pair().clone()).collect();
    let mut spec = SignalSpec::market(&pairs, &options.leader);
    let lags = Lags::of_returns(&spec);
    // The thresholds of the regimes are those of the training candles.
    let data = Dataset::from_series(&series, &SignalSpec::six(), 20, LabelSpec::default())?;
    let split = Split::builder().validate_from(options.validate_from).test_from(options.test_from);
    spec.channels.push(Regime::fit(&split.build()?.train(data.samples())?)?);

    let plan = Plan::Holdout {
        validate_from: options.validate_from,
        test_from: options.test_from,
        embargo: 1,
    };
    let (gaps, lags) = (Some(spec.gaps), Some(lags));
    let learners = learners(&Hyperparameters { lags: lags.clone(), ..Hyperparameters::default() })?;
    let backtest = Backtest { channels: spec.channels, gaps, lags, plan, ..Backtest::default() };
    let instruments: Vec<Instrument> =
        series.into_iter().map(|series| Instrument { series, test_only: false }).collect();
    let (report, predictions) = backtest.run_with_predictions(&instruments, &learners, &show)?;
    // Before the table, which a closed pipe would end.
    if let Some(out) = &options.out {
        predictions.write(out)?;
    }
    for row in report.results.iter().filter(|row| row.scope == Scope::Interval) {
        let accuracy = row.score.accuracy.map_or(f64::NAN, |share| 100.0 * share);
        println!("{:<12} {accuracy:.2} % of {}", row.model, row.score.scored);
    }
    Ok(())
}

fn read(folder: &Path) -> Result<Vec<CandleSeries>, Error> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_, Error>>()?;
    files.sort();
    let series = files.iter().map(|file| {
        let pair =
            file.file_stem().and_then(|name| name.to_str()).ok_or("a file without a name")?;
        Ok(read_file(file, pair.parse()?)?.series)
    });
    series.collect()
}

fn learners(training: &Hyperparameters) -> Result<Vec<Box<dyn Learner>>, Error> {
    let fitted = |name: &str| Ok::<_, Error>(name.parse::<ModelEntry>()?.learner(training));
    let (trees, mlp) = (fitted("trees")?, fitted("mlp")?);
    let folds = EnsembleLearner::STACKING_FOLDS;
    let weightings = [
        ("equal", Weighting::Equal),
        ("log-loss", Weighting::LogLoss),
        ("stacked", Weighting::Stacked { folds, second: SecondKind::Logistic }),
        ("stacked-trees", Weighting::Stacked { folds, second: SecondKind::Trees }),
        ("meta", Weighting::Meta { folds, second: SecondKind::Logistic }),
        ("meta-trees", Weighting::Meta { folds, second: SecondKind::Trees }),
        ("online", Weighting::FixedShare(FixedShare::default())),
    ];
    let mut all: Vec<Box<dyn Learner>> = vec![Box::new(Arc::clone(&trees)), Box::new(mlp.clone())];
    for (name, weighting) in weightings {
        let members = vec![Arc::clone(&trees), Arc::clone(&mlp)];
        all.push(Box::new(EnsembleLearner {
            weighting,
            ..EnsembleLearner::new(ModelId::new(name), members)
        }));
    }
    all.push(Box::new(RegimeLearner::new(trees)));
    Ok(all)
}

fn show(event: Event<'_>) {
    if let Event::Finished { task, seconds, error } = event {
        eprintln!("{}: {seconds:.1} s {}", task.model, error.unwrap_or(""));
    }
}
