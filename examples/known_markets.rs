//! Do the models learn what can be learned? Markets whose best possible accuracy is known.
//!
//! `cargo run --release --example known_markets` simulates them; `-- --dir DIR` reads a folder
//! with `markets.json` and one CSV file a market (`t,open,high,low,close,volume`).
use std::path::{Path, PathBuf};

use clap::{Parser, ValueEnum};
use comfy_table::{Table, presets};
use indicatif::ProgressBar;
use rayon::prelude::*;
use serde_json::{Value, json};
use windvane::candles::simulate::Market;
use windvane::ensemble::EnsembleLearner;
use windvane::models::{v3, v31, v32, v32_stateful};
use windvane::models::train::{Learner, Run};
use windvane::models::v2::WeightedSignalsLearner;
use windvane::models::{Reliability, TableReader};
use windvane::prelude::*;
use windvane::signals::LabelSpec;

#[derive(Parser)]
#[command(about = "Train every network on markets whose best accuracy is known")]
struct Options {
    /// Folder with markets.json and CSV files; without it the markets are simulated.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Models to train.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "v32,v3,v31,tuned")]
    models: Vec<Model>,
    /// Number of seeds.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// Print a JSON list of {market, model, seeds, mean} instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Model {
    V3,
    V31,
    V32,
    V32Stateful,
    V2,
    V2Learned,
    Original,
    Tuned,
}

/// Candles, how many of them are for training, and the best accuracy on the rest.
struct Known {
    name: String,
    series: CandleSeries,
    train: usize,
    best: Option<f64>,
}

/// What came of a test.
struct Score {
    /// Share of candles whose direction is called.
    accuracy: f64,
    /// Expected calibration error, 15 bins.
    calibration_error: f64,
}

/// The mean over the seeds.
struct Row<'a> {
    market: &'a Known,
    model: String,
    mean: Score,
}

type Error = Box<dyn std::error::Error>;

/// The last candles before the test serve for choosing the epoch.
const VALIDATION: usize = 3_000;

#[expect(clippy::print_stdout, reason = "an example talks to the terminal")]
fn main() -> Result<(), Error> {
    let options = Options::parse();
    let markets = match &options.dir {
        Some(dir) => read(dir)?,
        None => simulate()?,
    };
    let rows = rows(&markets, &options)?;
    if options.json {
        let list = rows.iter().map(|Row { market, model, mean }| {
            let (market, mean) = (&market.name, mean.accuracy);
            json!({ "market": market, "model": model, "seeds": options.seeds, "mean": mean })
        });
        println!("{}", list.collect::<Value>());
        return Ok(());
    }
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(["Market", "Best %", "Model", "Seeds", "Mean accuracy %", "Mean ECE %"]);
    let percent = |share: f64| format!("{:.2}", 100.0 * share);
    for Row { market, model, mean } in rows {
        let best = market.best.map_or("-".to_string(), percent);
        let [accuracy, error] = [mean.accuracy, mean.calibration_error].map(percent);
        let seeds = options.seeds.to_string();
        table.add_row([market.name.clone(), best, model, seeds, accuracy, error]);
    }
    println!("{table}");
    Ok(())
}

/// Mean accuracy of every model on every market; the fits run side by side.
fn rows<'a>(markets: &'a [Known], options: &Options) -> Result<Vec<Row<'a>>, Error> {
    let mut tasks = Vec::new();
    for market in markets {
        for model in &options.models {
            tasks.extend((0..options.seeds).map(|seed| (market, *model, seed)));
        }
    }
    let bar = ProgressBar::new(tasks.len() as u64);
    let fit = |&(market, model, seed): &(&Known, Model, u64)| {
        let got = test(market, &*learner(model), seed).map_err(|error| error.to_string());
        bar.inc(1);
        got
    };
    let scores = tasks.par_iter().map(fit).collect::<Result<Vec<Score>, String>>()?;
    bar.finish_and_clear();
    let per_row = usize::try_from(options.seeds)?;
    let rows = tasks.chunks(per_row).zip(scores.chunks(per_row)).map(|(tasks, scores)| {
        let (market, model, _) = tasks[0];
        let mean = |of: fn(&Score) -> f64| scores.iter().map(of).sum::<f64>() / per_row as f64;
        let [accuracy, calibration_error] = [mean(|s| s.accuracy), mean(|s| s.calibration_error)];
        let name = learner(model).id().to_string();
        Row { market, model: name, mean: Score { accuracy, calibration_error } }
    });
    Ok(rows.collect())
}

fn learner(model: Model) -> Box<dyn Learner> {
    match model {
        Model::V2 => Box::new(WeightedSignalsLearner::default()),
        Model::V2Learned => Box::new(WeightedSignalsLearner::learned()),
        Model::V3 => Box::new(v3::learner()),
        Model::V31 => Box::new(v31::learner()),
        Model::V32 => Box::new(v32::learner()),
        Model::V32Stateful => Box::new(v32_stateful::learner()),
        Model::Original => Box::new(EnsembleLearner::original()),
        Model::Tuned => Box::new(EnsembleLearner::tuned()),
    }
}

/// Fits a model and asks it about the test candles, of which every one gets a call.
fn test(market: &Known, learner: &dyn Learner, seed: u64) -> Result<Score, Error> {
    let Known { series, train, .. } = market;
    let table = SignalTable::build(&SignalSpec::default(), &Registry::default(), series, &[])?;
    let tables = [table];
    let samples = SampleSet::collect(&tables, 20, LabelSpec::default())?;
    let close_time = |index: usize| series.close_time(index).ok_or("too few candles");
    let validate_from = close_time(train.saturating_sub(VALIDATION + 1))?;
    let split = Split::new(validate_from, close_time(train.saturating_sub(1))?, None, 0)?;
    let (train, validation) = (split.train(&samples)?, split.validation(&samples)?);
    let model = learner.fit(&train, &validation, &Run::new(seed))?;
    let (test, mut reader) = (split.test(&samples), TableReader::new(&*model, &tables));
    let (mut hits, mut reliability) = (0, Reliability::new(15));
    for sample in test.samples() {
        let said = reader.predict_sample(sample)?.probabilities;
        let edge = said.edge();
        hits += usize::from(edge != 0.0 && (edge > 0.0) == (sample.outcome.change > 0.0));
        reliability.add(&said, sample.label);
    }
    let calibration_error = reliability.calibration_error().ok_or("no test candles")?;
    Ok(Score { accuracy: hits as f64 / test.len() as f64, calibration_error })
}

/// The four markets with their default parameters, 20,000 candles to learn from, 10,000 to test.
fn simulate() -> Result<Vec<Known>, Error> {
    let known = |market: &Market| {
        let series = market.candles(market.name().parse()?, Interval::HOUR, 30_000, 1)?;
        let name = market.name().to_string();
        Ok(Known { name, series, train: 20_000, best: market.best_accuracy() })
    };
    Market::ALL.iter().map(known).collect()
}

fn read(dir: &Path) -> Result<Vec<Known>, Error> {
    let index = dir.join("markets.json");
    let text = std::fs::read_to_string(&index).map_err(|e| format!("{}: {e}", index.display()))?;
    let markets: serde_json::Map<String, Value> = serde_json::from_str(&text)?;
    let known = |(name, market): (&String, &Value)| {
        let train = market["n_train"].as_u64().ok_or("markets.json: n_train is missing")?;
        let best = [&market["test_accuracy_of_bayes_rule"], &market["bayes_accuracy"]];
        let series = series(name, &dir.join(format!("{name}.csv")))?;
        let best = best.into_iter().find_map(Value::as_f64);
        Ok(Known { name: name.clone(), series, train: usize::try_from(train)?, best })
    };
    markets.iter().map(known).collect()
}

/// Candles counted by hours: the files have no calendar.
fn series(name: &str, path: &Path) -> Result<CandleSeries, Error> {
    let at = |e: csv::Error| format!("{}: {e}", path.display());
    let mut reader = csv::Reader::from_path(path).map_err(at)?;
    let candle = |row: Result<[f64; 6], csv::Error>| {
        let [t, open, high, low, close, volume] = row.map_err(at)?;
        #[expect(clippy::cast_possible_truncation, reason = "a row number")]
        let open_time = Timestamp::from_millis(t as i64 * Interval::HOUR.millis());
        Ok(Candle::new(open_time, Ohlcv { open, high, low, close, volume })?)
    };
    let candles = reader.deserialize().map(candle).collect::<Result<_, Error>>()?;
    Ok(CandleSeries::new(name.parse()?, Interval::HOUR, candles)?)
}
