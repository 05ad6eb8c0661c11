//! Accuracy of the networks on real sequences other than candles, compared with `PyTorch`.
//!
//! `cargo run --release --example learning_sets` trains on two sets of the UCR/UEA archive with the
//! training configuration of the measurement in `PyTorch`, and prints both accuracies.
//! `-- --dir DIR` reads a folder of the same format: `sets.json` and one safetensors file per set.
use std::path::{Path, PathBuf};

use clap::Parser;
use comfy_table::{Table, presets};
use indicatif::ProgressBar;
use rayon::prelude::*;
use safetensors::SafeTensors;
use serde_json::{Value, json};
use windvane::catalog::ModelEntry;
use windvane::models::network::{NetworkConfig, NetworkLearner};
use windvane::models::train::{
    Clip, Init, Optimizer, Run, Schedule, SequenceClassifier, SequenceShape, Sequences, TrainConfig,
};

#[derive(Parser)]
#[command(about = "Train the networks on real sequences and compare with PyTorch")]
struct LearningSetsOptions {
    /// Folder with sets.json and one safetensors file per set.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/golden/g_learning"))]
    dir: PathBuf,
    /// Networks to train.
    #[arg(long, value_delimiter = ',', default_value = "v32,v3")]
    models: Vec<ModelEntry>,
    /// Number of seeds.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// Print a JSON list of {set, model, seeds, mean} instead of a table.
    #[arg(long)]
    json: bool,
}

/// Training and test sequences; every channel is scaled by its mean and deviation in training.
struct Set {
    name: String,
    epochs: usize,
    train: Sequences,
    test: Sequences,
}

type Error = Box<dyn std::error::Error>;

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
    let options = LearningSetsOptions::parse();
    let sets = read(&options.dir)?;
    let rows = rows(&sets, &options)?;
    if options.json {
        let list = rows.iter().map(|(set, model, accuracies)| {
            json!({ "set": set, "model": model, "seeds": options.seeds, "mean": mean(accuracies) })
        });
        println!("{}", list.collect::<Value>());
        return Ok(());
    }
    let others = measured(&options.dir);
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(["Set", "Model", "Seeds", "Mean %", "Min %", "Max %", "PyTorch %"]);
    for (set, model, accuracies) in &rows {
        let min = accuracies.iter().copied().fold(f64::INFINITY, f64::min);
        let max = accuracies.iter().copied().fold(0.0, f64::max);
        let mean = mean(accuracies);
        let torch = others[set.as_str()][*model]["mean"].as_f64();
        let torch = torch.map_or("-".to_string(), percent);
        let seeds = options.seeds.to_string();
        let [mean, min, max] = [mean, min, max].map(percent);
        table.add_row([set.clone(), (*model).to_string(), seeds, mean, min, max, torch]);
    }
    println!("{table}");
    Ok(())
}

fn percent(share: f64) -> String {
    format!("{:.2}", 100.0 * share)
}

fn mean(accuracies: &[f64]) -> f64 {
    accuracies.iter().sum::<f64>() / accuracies.len() as f64
}

/// Name of the set, name of the model, and its accuracy with each seed.
type SetRow = (String, &'static str, Vec<f64>);

/// Test accuracies of every network on every set; the networks are fitted in parallel.
fn rows(sets: &[Set], options: &LearningSetsOptions) -> Result<Vec<SetRow>, Error> {
    let mut tasks = Vec::new();
    for set in sets {
        for &model in &options.models {
            tasks.extend((0..options.seeds).map(|seed| (set, model, seed)));
        }
    }
    let bar = ProgressBar::new(tasks.len() as u64);
    let accuracies = tasks.par_iter().map(|&(set, model, seed)| {
        let accuracy = fit(set, model, seed).and_then(|fitted| Ok(fitted.accuracy(&set.test)?));
        bar.inc(1);
        accuracy.map_err(|error| format!("{}: {error}", set.name))
    });
    let accuracies = accuracies.collect::<Result<Vec<f64>, String>>()?;
    bar.finish_and_clear();
    let per_row = usize::try_from(options.seeds)?;
    let rows = tasks.chunks(per_row).zip(accuracies.chunks(per_row)).map(|(tasks, accuracies)| {
        let (set, model, _) = tasks[0];
        (set.name.clone(), model.name, accuracies.to_vec())
    });
    Ok(rows.collect())
}

/// Training configuration of the measurement in `PyTorch`: Adam, learning rate 0.005 with decay
/// 0.99 per epoch, batches of 16, gradient norm clipped to 1, weights of the last epoch, and its
/// default initialisation with forget bias 1.
fn training(epochs: usize) -> TrainConfig {
    TrainConfig {
        optimizer: Optimizer::AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 },
        learning_rate: 0.005,
        schedule: Schedule::ExponentialDecay { rate: 0.99, every: 1.0 },
        batch: 16,
        clip: Clip::GlobalNorm(1.0),
        init: Init::Torch,
        forget_bias: 1.0,
        epochs,
        ..TrainConfig::default()
    }
}

fn fit(set: &Set, model: ModelEntry, seed: u64) -> Result<SequenceClassifier, Error> {
    let own = model.network().ok_or_else(|| format!("{} is not a network", model.name))?;
    // Sequences have no channels for the lags of an MLP.
    let config = NetworkConfig { lags: None, ..own.config };
    let learner = NetworkLearner { config, training: training(set.epochs), ..own };
    Ok(learner.fit_sequences(&set.train, &Run::new(seed))?)
}

fn read(dir: &Path) -> Result<Vec<Set>, Error> {
    let index = dir.join("sets.json");
    let text = std::fs::read_to_string(&index).map_err(|e| format!("{}: {e}", index.display()))?;
    let sets: serde_json::Map<String, Value> = serde_json::from_str(&text)?;
    let epochs = &measured(dir)["recipe"]["epochs"];
    let sets = sets.iter().map(|(name, about)| {
        let path = dir.join(format!("{name}.safetensors"));
        let classes = about["classes"].as_array().map_or(0, Vec::len);
        let epochs = usize::try_from(epochs[name].as_u64().unwrap_or(100))?;
        read_set(name, &path, classes, epochs)
            .map_err(|error| format!("{}: {error}", path.display()).into())
    });
    sets.collect()
}

/// Accuracies and numbers of epochs of the measurement in `PyTorch`; null if they are missing.
fn measured(dir: &Path) -> Value {
    let text = std::fs::read_to_string(dir.join("learning.json")).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// Shape, values and labels of one part of a set.
type SetPart = (Vec<usize>, Vec<f32>, Vec<usize>);

fn read_part(tensors: &SafeTensors<'_>, part: &str) -> Result<SetPart, Error> {
    let x = tensors.tensor(&format!("x_{part}"))?;
    let (words, _) = x.data().as_chunks::<4>();
    let values = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
    let y = tensors.tensor(&format!("y_{part}"))?;
    let (words, _) = y.data().as_chunks::<8>();
    let labels = words.iter().map(|word| usize::try_from(i64::from_le_bytes(*word)));
    Ok((x.shape().to_vec(), values, labels.collect::<Result<_, _>>()?))
}

fn read_set(name: &str, path: &Path, classes: usize, epochs: usize) -> Result<Set, Error> {
    let bytes = std::fs::read(path)?;
    let tensors = SafeTensors::deserialize(&bytes)?;
    let (shape, mut x_train, y_train) = read_part(&tensors, "train")?;
    let (_, mut x_test, y_test) = read_part(&tensors, "test")?;
    let &[_, steps, channels] = &shape[..] else { return Err("x_train is not [n, T, C]".into()) };
    let scale = scale(&x_train, channels);
    standardize(&mut x_train, &scale);
    standardize(&mut x_test, &scale);
    let shape = SequenceShape { steps, channels, classes };
    let train = Sequences::new(shape, x_train, y_train)?;
    let test = Sequences::new(shape, x_test, y_test)?;
    Ok(Set { name: name.to_string(), epochs, train, test })
}

/// Mean and standard deviation of every channel.
fn scale(values: &[f32], channels: usize) -> Vec<(f64, f64)> {
    let scales = (0..channels).map(|channel| {
        let own = values.iter().skip(channel).step_by(channels).map(|value| f64::from(*value));
        let n = own.len() as f64;
        let mean = own.clone().sum::<f64>() / n;
        (mean, (own.map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt())
    });
    scales.collect()
}

fn standardize(values: &mut [f32], scale: &[(f64, f64)]) {
    for row in values.chunks_exact_mut(scale.len()) {
        for (value, (mean, deviation)) in row.iter_mut().zip(scale) {
            #[expect(clippy::cast_possible_truncation, reason = "networks take f32")]
            let scaled = ((f64::from(*value) - mean) / deviation.max(f64::MIN_POSITIVE)) as f32;
            *value = scaled;
        }
    }
}
