//! Boosted trees of windvane on rows that LightGBM reads too; `python/lightgbm_trees.py` runs it.
//!
//! - `windvane-trees rows FOLDER CANDLES CHANNELS` writes the rows and labels of a simulated market.
//! - `windvane-trees train CANDLES CHANNELS ROUNDS` prints the seconds of a fit on the same rows.
//! - `windvane-trees row FOLDER CANDLES CHANNELS` loads the model that LightGBM fitted, compares its
//!   scores, and answers every line on standard input with the microseconds of one prediction.
use std::error::Error;
use std::hint::black_box;
use std::io::BufRead;
use std::path::Path;
use std::time::Instant;

use windvane_candles::{Direction, Interval, simulate::MarketModel};
use windvane_models::trees::{BoostedTrees, BoostedTreesLearner};
use windvane_models::{DirectionModel, ModelSpec, train::Run};
use windvane_signals::{
    ChannelSpec, LabelSpec, Lags, Registry, SampleSet, SignalSpec, SignalTable, Split, TrainSet,
    ValidationSet, Window,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Predictions of one measurement: shorter than the time slice of another program.
const CALLS: usize = 128;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["rows", folder, candles, channels] => {
            write_rows(Path::new(folder), &Data::new(candles.parse()?, channels.parse()?)?)
        }
        ["train", candles, channels, rounds] => {
            train(&Data::new(candles.parse()?, channels.parse()?)?, rounds.parse()?)
        }
        ["row", folder, candles, channels] => {
            predict_rows(Path::new(folder), &Data::new(candles.parse()?, channels.parse()?)?)
        }
        _ => Err("usage: windvane-trees rows | train | row (see the source)".into()),
    }
}

/// Samples of one simulated series, whose channels are momenta over 1, 2, .. candles.
struct Data {
    table: SignalTable,
    train: TrainSet,
    validation: ValidationSet,
}

fn spec(channels: u32) -> SignalSpec {
    let momentum = |lag: u32| ChannelSpec::new("momentum").with("lag", f64::from(lag));
    SignalSpec { channels: (1..=channels).map(momentum).collect(), ..SignalSpec::default() }
}

impl Data {
    fn new(candles: usize, channels: u32) -> Result<Self> {
        let market = MarketModel::VOLUME_LEAD;
        let series = market.candles("SIM".parse()?, Interval::MINUTE, candles, 1)?;
        let table = SignalTable::build(&spec(channels), &Registry::default(), &series, &[])?;
        let samples = SampleSet::collect(std::slice::from_ref(&table), 1, LabelSpec::default())?;
        let split = Split::for_live(&samples, 0.02)?;
        let (train, validation) = (split.train(&samples)?, split.validation(&samples)?);
        Ok(Self { table, train, validation })
    }

    /// Returns the windows of the training samples that are labelled UP or DOWN.
    fn labelled(&self) -> impl Iterator<Item = (Window<'_>, bool)> {
        self.train.samples().iter().filter_map(|sample| {
            let label = sample.label();
            let window = self.table.window(sample.row(), 1)?;
            (label != Direction::Neutral).then_some((window, label == Direction::Up))
        })
    }
}

/// Writes `rows.f64` `[N, C]` and `labels.u8` `[N]` (1 = UP).
fn write_rows(folder: &Path, data: &Data) -> Result<()> {
    let (mut rows, mut labels) = (Vec::new(), Vec::new());
    for (window, is_up) in data.labelled() {
        labels.push(u8::from(is_up));
        rows.extend(window.values().iter().flat_map(|value| value.to_le_bytes()));
    }
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("rows.f64"), rows)?;
    Ok(std::fs::write(folder.join("labels.u8"), labels)?)
}

fn train(data: &Data, rounds: usize) -> Result<()> {
    let lags = Some(Lags::newest());
    let learner =
        BoostedTreesLearner { lags, rounds, patience: rounds, ..BoostedTreesLearner::default() };
    let start = Instant::now();
    let model = learner.fit_model(&data.train, &data.validation, &Run::new(1))?;
    println!("{}", start.elapsed().as_secs_f64());
    eprintln!("{} trees", model.tree_count());
    Ok(())
}

/// Measures predictions with the model `model.txt`, whose scores of the first rows are in
/// `scores.f64`.
fn predict_rows(folder: &Path, data: &Data) -> Result<()> {
    let text = std::fs::read_to_string(folder.join("model.txt"))?;
    let (interval, labels) = (Interval::MINUTE, LabelSpec::default());
    let spec = ModelSpec { signals: data.table.spec().clone(), interval, lookback: 1, labels };
    let model = BoostedTrees::from_lightgbm(&text, spec, Some(Lags::newest()), Some(0.001))?;
    let windows: Vec<Window<'_>> = data.labelled().map(|(window, _)| window).collect();
    let expected = std::fs::read(folder.join("scores.f64"))?;
    for (window, expected) in windows.iter().zip(expected.as_chunks::<8>().0) {
        let score = model.scores(window.values()).ok_or("another number of inputs")?[0];
        if (score - f64::from_le_bytes(*expected)).abs() > 1e-9 {
            return Err("the scores differ from those of LightGBM".into());
        }
    }
    let mut scratch = model.scratch();
    for line in std::io::stdin().lock().lines() {
        line?;
        let start = Instant::now();
        for call in 0..CALLS {
            black_box(model.predict(windows[call % windows.len()], &mut scratch)?);
        }
        println!("{}", start.elapsed().as_secs_f64() * 1e6 / CALLS as f64);
    }
    Ok(())
}
