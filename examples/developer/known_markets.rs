//! Accuracy of the models on markets whose best possible accuracy is known.
//!
//! `cargo run --release --example known_markets` simulates four markets of one pair, and a panel of
//! eight pairs with a leader, once with the market channels and once with the six signals; `-- --dir
//! DIR` reads a folder with `markets.json` and one CSV file per market
//! (`t,open,high,low,close,volume`).
//!
//! The best accuracy of a simulated market is that of its own rule on the same test candles: a
//! forecaster who knows the parameters and the candles so far, but no hidden state. So the share of
//! the gain has less noise than against the mean over all possible candles.
use std::path::{Path, PathBuf};

use clap::Parser;
use comfy_table::{Table, presets};
use indicatif::ProgressBar;
use rayon::prelude::*;
use serde_json::{Value, json};
use windvane::candles::simulate::{LeaderMarket, MarketModel};
use windvane::catalog::{Hyperparameters, MODELS, ModelEntry};
use windvane::models::{Reliability, TableReader};
use windvane::prelude::*;
use windvane::signals::Lags;

#[derive(Parser)]
#[command(about = "Train every model on markets whose best accuracy is known")]
struct KnownMarketsOptions {
    /// Folder with markets.json and CSV files [default: simulate the markets]
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Models to train [default: all]
    #[arg(long, value_delimiter = ',')]
    models: Vec<ModelEntry>,
    /// Markets to simulate, such as ar1,leader [default: all]
    #[arg(long, value_delimiter = ',', conflicts_with = "dir")]
    markets: Vec<String>,
    /// Number of seeds.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// Print a JSON list of {market, model, seeds, mean} instead of a table.
    #[arg(long)]
    json: bool,
}

/// Market with its signals, the number of training candles, and the best accuracy
/// on the other ones.
struct KnownMarket {
    name: String,
    tables: Vec<SignalTable>,
    /// Values of a window that the tabular models read; `None` for all of them.
    lags: Option<Lags>,
    train: usize,
    best: Option<f64>,
}

impl KnownMarket {
    fn new(
        name: &str,
        series: &[CandleSeries],
        spec: &SignalSpec,
        train: usize,
        best: Option<f64>,
    ) -> Result<Self, Error> {
        let tables = SignalTable::build_all(spec, &Registry::default(), series)?;
        let lags = (*spec != SignalSpec::six()).then(|| Lags::of_returns(spec));
        Ok(Self { name: name.to_string(), tables, lags, train, best })
    }

    /// Whether a model can read the channels of the market.
    fn suits(&self, model: ModelEntry) -> bool {
        // The weights by hand belong to the six signals.
        self.lags.is_none() || !["v2", "original"].contains(&model.name)
    }
}

/// Result of a test.
struct Score {
    /// Share of candles with a correct prediction.
    accuracy: f64,
    /// Expected calibration error, 15 bins.
    calibration_error: f64,
}

/// Mean result over the seeds.
struct MarketRow<'a> {
    market: &'a KnownMarket,
    model: String,
    mean: Score,
}

type Error = Box<dyn std::error::Error>;

/// Number of validation candles before the test, for early stopping.
const VALIDATION: usize = 3_000;

fn main() -> std::process::ExitCode {
    match run() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "an example prints its results")]
fn run() -> Result<(), Error> {
    let options = KnownMarketsOptions::parse();
    let markets = match &options.dir {
        Some(dir) => read(dir)?,
        None => simulate(&options.markets)?,
    };
    let rows = rows(&markets, &options)?;
    if options.json {
        let list = rows.iter().map(|MarketRow { market, model, mean }| {
            let (market, mean) = (&market.name, mean.accuracy);
            json!({ "market": market, "model": model, "seeds": options.seeds, "mean": mean })
        });
        println!("{}", list.collect::<Value>());
        return Ok(());
    }
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    let header = ["Market", "Best %", "Model", "Seeds", "Accuracy %", "Of the gain %", "ECE %"];
    table.set_header(header);
    for MarketRow { market, model, mean } in rows {
        let best = market.best.map_or("-".to_string(), percent);
        let gain = market.best.filter(|best| *best > 0.5);
        let gain = gain.map(|best| percent((mean.accuracy - 0.5) / (best - 0.5)));
        let [accuracy, error] = [mean.accuracy, mean.calibration_error].map(percent);
        let (gain, seeds) = (gain.unwrap_or("-".to_string()), options.seeds.to_string());
        table.add_row([market.name.clone(), best, model, seeds, accuracy, gain, error]);
    }
    println!("{table}");
    Ok(())
}

fn percent(share: f64) -> String {
    format!("{:.2}", 100.0 * share)
}

/// Mean results of every model on every market; the models are fitted in parallel.
fn rows<'a>(
    markets: &'a [KnownMarket],
    options: &KnownMarketsOptions,
) -> Result<Vec<MarketRow<'a>>, Error> {
    let models = if options.models.is_empty() { MODELS } else { &options.models };
    let mut tasks = Vec::new();
    for market in markets {
        for model in models.iter().filter(|model| market.suits(**model)) {
            tasks.extend((0..options.seeds).map(|seed| (market, *model, seed)));
        }
    }
    let bar = ProgressBar::new(tasks.len() as u64);
    let scores = tasks.par_iter().map(|&(market, model, seed)| {
        let score = test(market, model, seed);
        let score = score.map_err(|error| format!("{}: {}: {error}", market.name, model.name));
        bar.inc(1);
        score
    });
    let scores = scores.collect::<Result<Vec<Score>, String>>()?;
    bar.finish_and_clear();
    let per_row = usize::try_from(options.seeds)?;
    let rows = tasks.chunks(per_row).zip(scores.chunks(per_row)).map(|(tasks, scores)| {
        let (market, model, _) = tasks[0];
        let accuracy = mean(scores.iter().map(|score| score.accuracy));
        let calibration_error = mean(scores.iter().map(|score| score.calibration_error));
        let model = model.name.to_string();
        MarketRow { market, model, mean: Score { accuracy, calibration_error } }
    });
    Ok(rows.collect())
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

/// Fits a model and predicts every test candle.
fn test(market: &KnownMarket, model: ModelEntry, seed: u64) -> Result<Score, Error> {
    let KnownMarket { tables, lags, train, .. } = market;
    let learner =
        model.learner(&Hyperparameters { lags: lags.clone(), ..Hyperparameters::default() });
    let samples = SampleSet::collect(tables, 20, LabelSpec::default())?;
    let closes = |row: usize| tables.first()?.close_time(row);
    let validate_from = closes(train.saturating_sub(VALIDATION + 1)).ok_or("too few candles")?;
    let test_from = closes(train.saturating_sub(1)).ok_or("too few candles")?;
    let split =
        Split::builder().validate_from(validate_from).test_from(test_from).embargo(0).build()?;
    let (train, validation) = (split.train(&samples)?, split.validation(&samples)?);
    let model = learner.fit(&train, &validation, &Run::new(seed))?;
    let (test, mut reader) = (split.test(&samples), TableReader::new(&*model, tables));
    let (mut correct, mut reliability) = (0, Reliability::new(15));
    for sample in test.samples() {
        let probabilities = reader.predict_sample(sample)?.probabilities;
        let margin = probabilities.margin();
        correct += usize::from(margin != 0.0 && (margin > 0.0) == (sample.outcome().change > 0.0));
        reliability.add(&probabilities, sample.label());
    }
    let calibration_error = reliability.calibration_error().ok_or("no test candles")?;
    Ok(Score { accuracy: correct as f64 / test.len() as f64, calibration_error })
}

/// Number of simulated training candles of each pair; 10,000 are for the test.
const TRAIN: usize = 20_000;

/// Simulates the markets with these names, or all.
fn simulate(names: &[String]) -> Result<Vec<KnownMarket>, Error> {
    let all: Vec<&str> =
        MarketModel::ALL.iter().map(MarketModel::name).chain(["leader", "leader_six"]).collect();
    if let Some(name) = names.iter().find(|name| !all.contains(&name.as_str())) {
        return Err(format!("unknown market {name:?}; choose from {}", all.join(", ")).into());
    }
    let wanted = |name: &str| names.is_empty() || names.iter().any(|own| own == name);
    let mut markets = Vec::new();
    for market in MarketModel::ALL.iter().filter(|market| wanted(market.name())) {
        let name = market.name();
        let series = [market.candles(name.parse()?, Interval::HOUR, 30_000, 1)?];
        let best = best_accuracy(&series, &[market.best_probabilities(series[0].candles())]);
        markets.push(KnownMarket::new(name, &series, &SignalSpec::six(), TRAIN, Some(best))?);
    }
    let leader = LeaderMarket::DEFAULT;
    let series = leader.candles(Interval::HOUR, 30_000, 1)?;
    let pairs: Vec<Pair> = series.iter().map(|own| own.pair().clone()).collect();
    if wanted("leader") {
        let spec = SignalSpec::market(&pairs, &pairs[0]);
        let best = best_accuracy(&series, &leader.best_probabilities(&series));
        markets.push(KnownMarket::new("leader", &series, &spec, TRAIN, Some(best))?);
    }
    // The six signals do not read the leader.
    if wanted("leader_six") {
        let (spec, best) = (SignalSpec::six(), Some(0.5));
        markets.push(KnownMarket::new("leader_six", &series, &spec, TRAIN, best)?);
    }
    Ok(markets)
}

/// Accuracy of the best probabilities on the test candles; a probability of 1/2 is right half the time.
fn best_accuracy(series: &[CandleSeries], best: &[Vec<f64>]) -> f64 {
    let shares = series.iter().zip(best).flat_map(|(series, best)| {
        let closes = series.candles().windows(2).zip(best).skip(TRAIN - 1);
        closes.map(|(two, up)| {
            let right = (*up > 0.5) == (two[1].close() > two[0].close());
            if (up - 0.5).abs() < 1e-12 { 0.5 } else { f64::from(u8::from(right)) }
        })
    });
    mean(shares.collect::<Vec<f64>>().into_iter())
}

fn read(dir: &Path) -> Result<Vec<KnownMarket>, Error> {
    let index = dir.join("markets.json");
    let text = std::fs::read_to_string(&index).map_err(|e| format!("{}: {e}", index.display()))?;
    let markets: serde_json::Map<String, Value> = serde_json::from_str(&text)?;
    let known = markets.iter().map(|(name, market)| {
        let train = market["n_train"].as_u64().ok_or("markets.json: n_train is missing")?;
        let best = [&market["test_accuracy_of_bayes_rule"], &market["bayes_accuracy"]];
        let series = series(name, &dir.join(format!("{name}.csv")))?;
        let best = best.into_iter().find_map(Value::as_f64);
        KnownMarket::new(name, &[series], &SignalSpec::six(), usize::try_from(train)?, best)
    });
    known.collect()
}

/// Reads hourly candles; the times in the file are row numbers.
fn series(name: &str, path: &Path) -> Result<CandleSeries, Error> {
    let mut reader =
        csv::Reader::from_path(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let rows = reader.deserialize::<[f64; 6]>();
    let candles = rows.map(|row| -> Result<Candle, Error> {
        let row = row.map_err(|error| format!("{}: {error}", path.display()))?;
        let [t, open, high, low, close, volume] = row;
        #[expect(clippy::cast_possible_truncation, reason = "a row number")]
        let open_time = Timestamp::from_millis(t as i64 * Interval::HOUR.millis());
        Ok(Candle::new(open_time, Ohlcv { open, high, low, close, volume })?)
    });
    let candles = candles.collect::<Result<_, Error>>()?;
    Ok(CandleSeries::new(name.parse()?, Interval::HOUR, candles)?)
}
