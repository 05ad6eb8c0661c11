//! Fitted models of windvane and their ONNX files: GRU, TCN, transformer, boosted trees.
use std::sync::OnceLock;

use windvane_candles::Interval;
use windvane_candles::simulate::MarketModel;
use windvane_models::network::NetworkLearner;
use windvane_models::onnx::to_onnx;
use windvane_models::train::{Learner, Run, TrainConfig};
use windvane_models::trees::BoostedTreesLearner;
use windvane_models::{FittedModel, gru, tcn, transformer};
use windvane_signals::{LabelSpec, Registry, SampleSet, SignalSpec, SignalTable, Split, Window};

use crate::data::{STEPS, WINDOWS};

/// Presets that are exported from windvane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    Gru,
    Tcn,
    Transformer,
    Trees,
}

pub const PRESETS: [Preset; 4] = [Preset::Gru, Preset::Tcn, Preset::Transformer, Preset::Trees];

/// A model fitted on a simulated market, its ONNX file, and windows for it.
pub struct Fitted {
    pub model: Box<dyn FittedModel>,
    pub onnx: Vec<u8>,
    /// Raw windows `[256, T, C]`, as the ONNX file reads them.
    pub raw: Vec<f64>,
    table: SignalTable,
    rows: Vec<usize>,
}

impl Preset {
    pub fn name(self) -> &'static str {
        match self {
            Self::Gru => "gru",
            Self::Tcn => "tcn",
            Self::Transformer => "transformer",
            Self::Trees => "trees",
        }
    }

    /// Returns the fitted model, which is the same in every call.
    pub fn fitted(self) -> &'static Fitted {
        static FITTED: [OnceLock<Fitted>; 4] = [const { OnceLock::new() }; 4];
        FITTED[self as usize].get_or_init(|| match self {
            Self::Gru => Fitted::new(&one_epoch(gru::learner()), 2_000),
            Self::Tcn => Fitted::new(&one_epoch(tcn::learner()), 2_000),
            Self::Transformer => Fitted::new(&one_epoch(transformer::learner()), 2_000),
            Self::Trees => Fitted::new(&trees(), 20_000),
        })
    }
}

fn one_epoch(learner: NetworkLearner) -> NetworkLearner {
    let training = TrainConfig { epochs: 1, ..learner.training.clone() };
    NetworkLearner { training, ..learner }
}

/// 400 trees of 15 leaves.
fn trees() -> BoostedTreesLearner {
    let (rounds, min_leaf_rows) = (400, Some(20));
    BoostedTreesLearner {
        rounds,
        patience: rounds,
        min_leaf_rows,
        ..BoostedTreesLearner::default()
    }
}

impl Fitted {
    fn new(learner: &dyn Learner, candles: usize) -> Self {
        let pair = "SIM".parse().expect("a name");
        let series = MarketModel::AR1.candles(pair, Interval::HOUR, candles, 1).expect("candles");
        let spec = SignalSpec::default();
        let table = SignalTable::build(&spec, &Registry::default(), &series, &[]).expect("a table");
        let samples = SampleSet::collect(&[table.clone()], STEPS, LabelSpec::default());
        let samples = samples.expect("samples");
        let split = Split::for_live(&samples, 0.15).expect("a split");
        let (train, validation) = (split.train(&samples), split.validation(&samples));
        let model = learner
            .fit(&train.expect("samples"), &validation.expect("samples"), &Run::new(1))
            .expect("a model");
        let rows: Vec<usize> = (0..table.len())
            .filter(|row| table.window(*row, STEPS).is_some())
            .take(WINDOWS)
            .collect();
        let raw = rows
            .iter()
            .flat_map(|row| table.window(*row, STEPS).expect("a window").values().to_vec());
        Self { onnx: to_onnx(&*model).expect("a card"), raw: raw.collect(), model, table, rows }
    }

    /// Returns the windows of `batch` predictions from number `first` on.
    pub fn windows(&self, first: usize, batch: usize) -> impl Iterator<Item = Window<'_>> {
        let rows = self.rows[first % WINDOWS..].iter().take(batch);
        rows.map(|row| self.table.window(*row, STEPS).expect("a window"))
    }

    /// Returns the raw values of these windows.
    pub fn raw(&self, first: usize, batch: usize) -> &[f64] {
        let len = self.raw.len() / WINDOWS;
        &self.raw[first % WINDOWS * len..][..batch * len]
    }
}
