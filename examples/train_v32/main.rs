//! Trains v3.2 on a file of candles, or on the embedded real sample, and saves it with the profile of
//! its market, ready for a bot.
//!
//! `cargo run --release --example train_v32 -- --data FILE`; with `--pretrained` it makes the model that
//! the crate ships instead, and measures it.
mod pretrained;

use std::ops::ControlFlow;
use std::path::PathBuf;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use windvane::candles::{read, sample};
use windvane::models::v32;
use windvane::models::MarketProfile;
use windvane::models::train::{EpochReport, Run};
use windvane::prelude::*;
use windvane::signals::LabelSpec;

#[derive(Parser)]
#[command(about = "Train v3.2 on candles and save it with the profile of its market")]
struct Options {
    /// File of candles to learn from, as exchanges and tools write them [default: the sample].
    #[arg(long, conflicts_with = "instrument")]
    data: Option<PathBuf>,
    /// Instrument of the sample to learn from.
    #[arg(long, default_value = "BTCUSDT")]
    instrument: String,
    /// Seed of every random draw.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// File to write; the profile goes beside it.
    #[arg(long, default_value = "v32.safetensors")]
    out: PathBuf,
    /// Make the model of the feature `pretrained`, which holds back the last months and measures
    /// itself on them.
    #[arg(long, conflicts_with_all = ["data", "instrument", "seed", "out"])]
    pretrained: bool,
    /// Where the pretrained model goes [default: the crate's own folder].
    #[arg(long, requires = "pretrained")]
    folder: Option<PathBuf>,
}

#[expect(clippy::print_stdout, reason = "an example talks to the terminal")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    if options.pretrained {
        let folder = options.folder.unwrap_or_else(pretrained::folder);
        println!("{}", pretrained::make(&folder)?);
        return Ok(());
    }
    let series = candles(&options)?;
    let table = SignalTable::build(&SignalSpec::default(), &Registry::default(), &series, &[])?;
    let tables = [table];
    let samples = SampleSet::collect(&tables, 20, LabelSpec::default())?;
    let split = Split::for_live(&samples, 0.15)?;
    let (train, validation) = (split.train(&samples)?, split.validation(&samples)?);

    let learner = v32::learner();
    let style = ProgressStyle::with_template("{bar:30} epoch {pos}/{len}  {msg}")?;
    let bar = ProgressBar::new(learner.recipe.epochs as u64).with_style(style);
    let on_epoch = |epoch: &EpochReport| {
        bar.set_position(epoch.epoch as u64);
        bar.set_message(format!(
            "loss {:.4}, validation {:.4}",
            epoch.train_loss,
            epoch.validation_loss.unwrap_or_default()
        ));
        ControlFlow::Continue(())
    };
    let run = Run::new(options.seed).on_epoch(&on_epoch);
    let model = learner.fit_model(&train, &validation, &run)?;
    bar.finish();

    model.save(&options.out)?;
    let profile = options.out.with_extension("profile.json");
    MarketProfile::fit(&train, STRETCH)?.save(&profile)?;
    let record = model.record().ok_or("a fitted model has a record")?;
    println!(
        "{} windows of {} up to {}; epoch {} of {} was best, validation loss {:.4}\nsaved to {} and {}",
        record.windows,
        record.pairs.join(", "),
        record.until,
        record.best_epoch,
        record.epochs,
        record.validation_loss.unwrap_or_default(),
        options.out.display(),
        profile.display()
    );
    Ok(())
}

/// Decisions over which the bot looks for drift.
const STRETCH: usize = 250;

#[expect(clippy::print_stderr, reason = "an example talks to the terminal")]
fn candles(options: &Options) -> Result<CandleSeries, Box<dyn std::error::Error>> {
    let Some(file) = &options.data else {
        let names = || format!("no such instrument; the sample has {}", sample::NAMES.join(", "));
        return Ok(sample::load(&options.instrument).ok_or_else(names)?);
    };
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let reading = read::read_file(file, stem.parse()?)?;
    eprintln!("{}: {}", file.display(), reading.dialect);
    reading.notes.iter().for_each(|note| eprintln!("  {note}"));
    Ok(reading.series)
}
