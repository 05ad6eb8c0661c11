//! Training choices compared on walk-forward folds before a date.
//!
//! `cargo run --release --example training_choices -- --data DIR --until 2024-05-01 trees trees:seeds=3 mlp:weight_decay=0.1`
//! fits every choice on each fold, and prints log loss, accuracy, the accuracy of the most confident
//! tenth, and the paired differences to the first choice. Tests end at `--until`.
use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use windvane::catalog::{Hyperparameters, ModelEntry};
use windvane::ensemble::EnsembleLearner;
use windvane::models::TableReader;
use windvane::models::network::NetworkLearner;
use windvane::models::train::{Optimizer, Schedule};
use windvane::models::trees::BoostedTreesLearner;
use windvane::prelude::*;
use windvane::readers::read_file;
use windvane::signals::Lags;

#[derive(Parser)]
#[command(about = "Compare training choices on walk-forward folds")]
struct ChoiceOptions {
    /// Models with settings, such as `mlp`, `trees:leaves=7:seeds=3`, `v32:weight_decay=0.1`.
    #[arg(required = true)]
    choices: Vec<String>,
    /// Folder of CSV files, one pair each.
    #[arg(long)]
    data: PathBuf,
    /// End of the last test.
    #[arg(long)]
    until: Timestamp,
    /// Number of folds.
    #[arg(long, default_value_t = 4)]
    folds: u32,
    /// Number of candles of a test, and of the validation before it.
    #[arg(long, default_value_t = 3_672)]
    candles: u32,
    /// Inputs: six, price-action or market.
    #[arg(long, default_value = "market")]
    inputs: String,
    /// Label, as of `windvane fit`.
    #[arg(long, default_value = "next")]
    label: String,
    /// Seed of every fit.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

type Error = Box<dyn std::error::Error>;

/// Test predictions of one choice on all folds: week, whether the close rose, log odds of UP.
type Cases = Vec<Vec<(i64, bool, f64)>>;

fn main() -> ExitCode {
    match run(&ChoiceOptions::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "an example prints its results")]
fn run(options: &ChoiceOptions) -> Result<(), Error> {
    let series = read(&options.data)?;
    let pairs: Vec<Pair> = series.iter().map(|series| series.pair().clone()).collect();
    let leader = pairs.first().ok_or("no files")?;
    let leader = pairs.iter().find(|pair| pair.as_str() == "BTCUSDT").unwrap_or(leader);
    let spec = match options.inputs.as_str() {
        "six" => SignalSpec::six(),
        "price-action" => SignalSpec::price_action(),
        "market" => SignalSpec::market(&pairs, leader),
        other => return Err(format!("unknown inputs {other:?}").into()),
    };
    let lags = (options.inputs != "six").then(|| Lags::of_returns(&spec));
    let interval = series.first().ok_or("no series")?.interval();
    let data = Dataset::from_series(&series, &spec, 20, options.label.parse()?)?;
    let mut first: Option<Cases> = None;
    for choice in &options.choices {
        let (learner, mut cases) = (learner(choice, lags.as_ref())?, Cases::new());
        for fold in (0..options.folds).rev() {
            let before = |tests: u32| {
                let candles = i64::from(tests) * i64::from(options.candles);
                options.until.plus(interval, -candles).ok_or("the folds begin too early")
            };
            let split =
                Split::builder().validate_from(before(fold + 2)?).test_from(before(fold + 1)?);
            let parts = data.split_with(&split.test_until(before(fold)?).build()?)?;
            let model = learner.fit(&parts.train, &parts.validation, &Run::new(options.seed))?;
            let mut reader = TableReader::new(&*model, parts.test.tables());
            let moved = parts.test.samples().iter().filter(|sample| sample.outcome().change != 0.0);
            let predicted = moved.map(|sample| {
                let [up, down, _] = reader.predict_sample(sample)?.probabilities.classes();
                let week = sample.decided_at.millis().div_euclid(7 * 86_400_000);
                Ok((week, sample.outcome().change > 0.0, f64::from(up / down).ln()))
            });
            cases.push(predicted.collect::<Result<_, Error>>()?);
        }
        println!("{choice}: {}", scores(&cases));
        match &first {
            Some(first) => println!("    difference: {}", difference(&cases, first)),
            None => first = Some(cases),
        }
    }
    Ok(())
}

fn read(folder: &std::path::Path) -> Result<Vec<CandleSeries>, Error> {
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

/// Learner of a model with settings, such as `trees:leaves=7:seeds=3`.
fn learner(choice: &str, lags: Option<&Lags>) -> Result<Arc<dyn Learner>, Error> {
    let mut parts = choice.split(':');
    let entry: ModelEntry = parts.next().unwrap_or_default().parse()?;
    let defaults = Hyperparameters { lags: lags.cloned(), ..Hyperparameters::default() };
    let (mut trees, mut network) = (BoostedTreesLearner::default(), entry.network());
    (trees.lags, trees.id) = (lags.cloned(), ModelId::new(choice));
    if let Some(network) = network.as_mut().filter(|_| entry.name == "mlp") {
        network.config.lags = lags.cloned();
    }
    let (mut seeds, mut own) = (1, false);
    for part in parts {
        let (setting, value) = part.split_once('=').ok_or("a setting is NAME=NUMBER")?;
        if setting == "seeds" {
            seeds = value.parse()?;
        } else {
            own = true;
            match &mut network {
                Some(network) => set_network(network, setting, value)?,
                None if entry.name == "trees" => set_trees(&mut trees, setting, value)?,
                None => return Err(format!("{} has no setting {setting:?}", entry.name).into()),
            }
        }
    }
    let learner: Arc<dyn Learner> = match network {
        _ if !own => entry.learner(&defaults),
        Some(network) => Arc::new(network),
        None => Arc::new(trees),
    };
    Ok(if seeds == 1 { learner } else { Arc::new(EnsembleLearner::with_seeds(learner, seeds)) })
}

fn set_trees(trees: &mut BoostedTreesLearner, setting: &str, value: &str) -> Result<(), Error> {
    match setting {
        "learning_rate" => trees.learning_rate = value.parse()?,
        "rounds" => trees.rounds = value.parse()?,
        "leaves" => trees.leaves = value.parse()?,
        "min_leaf_rows" => trees.min_leaf_rows = Some(value.parse()?),
        _ => return Err(format!("trees have no setting {setting:?} here").into()),
    }
    Ok(())
}

fn set_network(network: &mut NetworkLearner, setting: &str, value: &str) -> Result<(), Error> {
    let training = &mut network.training;
    match (setting, &mut training.optimizer, &mut training.schedule) {
        ("learning_rate", ..) => training.learning_rate = value.parse()?,
        ("batch", ..) => training.batch = value.parse()?,
        ("weight_decay", Optimizer::AdamW { weight_decay, .. }, _) => {
            *weight_decay = value.parse()?;
        }
        ("epochs", _, Schedule::Cosine { length, .. }) => {
            training.epochs = value.parse()?;
            *length = value.parse()?;
        }
        _ => return Err(format!("networks have no setting {setting:?} here").into()),
    }
    Ok(())
}

/// Sums over the cases of a week: cases, correct, most confident, correct among those, loss.
type WeekSums = [f64; 5];

fn total(weeks: &[WeekSums]) -> WeekSums {
    weeks.iter().fold([0.0; 5], |sums, week| std::array::from_fn(|i| sums[i] + week[i]))
}

/// Accuracy, accuracy of the most confident tenth, log loss.
fn means([cases, correct, confident, confident_correct, loss]: WeekSums) -> [f64; 3] {
    [correct / cases, confident_correct / confident, loss / cases]
}

/// Part of a week in the deviation of each mean.
fn influence(week: WeekSums, total: WeekSums) -> [f64; 3] {
    let ([accuracy, confident, loss], [cases, _, most_confident, ..]) = (means(total), total);
    [
        (week[1] - accuracy * week[0]) / cases,
        (week[3] - confident * week[2]) / most_confident,
        (week[4] - loss * week[0]) / cases,
    ]
}

/// Sums by week of a fold. The most confident tenth is that of the fold.
fn weeks(fold: &[(i64, bool, f64)]) -> Vec<WeekSums> {
    let mut confidence: Vec<f64> = fold.iter().map(|(_, _, log_odds)| log_odds.abs()).collect();
    confidence.sort_by(|a, b| b.total_cmp(a));
    let tenth = confidence.get(confidence.len() / 10).copied().unwrap_or(f64::INFINITY);
    let mut weeks = std::collections::BTreeMap::<i64, WeekSums>::new();
    for (week, rose, log_odds) in fold {
        let correct = f64::from(u8::from((*log_odds > 0.0) == *rose));
        let confident = f64::from(u8::from(log_odds.abs() > tenth));
        let loss = if *rose { (-log_odds).exp().ln_1p() } else { log_odds.exp().ln_1p() };
        let case = [1.0, correct, confident, correct * confident, loss];
        let sums = weeks.entry(*week).or_default();
        *sums = total(&[*sums, case]);
    }
    weeks.into_values().collect()
}

fn scores(cases: &Cases) -> String {
    let weeks: Vec<Vec<WeekSums>> = cases.iter().map(|fold| weeks(fold)).collect();
    let [accuracy, confident, loss] = means(total(&weeks.concat()));
    let mut text = format!("log loss {loss:.5}, {:.2} %, ", 100.0 * accuracy);
    let _ = write!(text, "most confident tenth {:.2} %; by fold", 100.0 * confident);
    for fold in &weeks {
        let [accuracy, confident, _] = means(total(fold));
        let _ = write!(text, " {:.2} / {:.2}", 100.0 * accuracy, 100.0 * confident);
    }
    text
}

/// Paired differences with 95 % intervals, whose independent units are the weeks of a fold.
fn difference(cases: &Cases, first: &Cases) -> String {
    let [ours, theirs] = [cases, first]
        .map(|cases| cases.iter().flat_map(|fold| weeks(fold)).collect::<Vec<WeekSums>>());
    let [our, their] = [&ours, &theirs].map(|weeks| total(weeks));
    let units = ["points", "points at the most confident tenth", "log loss"];
    let mut text = String::new();
    for (i, unit) in units.into_iter().enumerate() {
        let scale = if i < 2 { 100.0 } else { 1.0 };
        let pairs = ours.iter().zip(&theirs);
        let squares = pairs.map(|(a, b)| (influence(*a, our)[i] - influence(*b, their)[i]).powi(2));
        let (reach, mean) = (1.96 * squares.sum::<f64>().sqrt(), means(our)[i] - means(their)[i]);
        let [mean, low, high] = [mean, mean - reach, mean + reach].map(|x| scale * x);
        let _ = write!(text, "{mean:+.4} {unit} [{low:+.4}, {high:+.4}]  ");
    }
    text
}
