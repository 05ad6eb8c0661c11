//! Fitted networks of windvane and their ONNX files: GRU, TCN, transformer.
use std::sync::OnceLock;

use windvane_candles::Interval;
use windvane_candles::simulate::MarketModel;
use windvane_models::network::{Network, NetworkLearner};
use windvane_models::train::{Run, TrainConfig};
use windvane_models::{gru, tcn, transformer};
use windvane_signals::{LabelSpec, Registry, SampleSet, SignalSpec, SignalTable, Split, Window};

use crate::data::{STEPS, WINDOWS};

/// Presets that are exported from windvane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    Gru,
    Tcn,
    Transformer,
}

pub const PRESETS: [Preset; 3] = [Preset::Gru, Preset::Tcn, Preset::Transformer];

/// A network after one epoch on a simulated market, its ONNX file, and windows for it.
pub struct FittedNetwork {
    pub network: Network,
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
        }
    }

    /// Returns the fitted network, which is the same in every call.
    pub fn fitted(self) -> &'static FittedNetwork {
        static FITTED: [OnceLock<FittedNetwork>; 3] = [const { OnceLock::new() }; 3];
        FITTED[self as usize].get_or_init(|| {
            FittedNetwork::new(match self {
                Self::Gru => gru::learner(),
                Self::Tcn => tcn::learner(),
                Self::Transformer => transformer::learner(),
            })
        })
    }
}

impl FittedNetwork {
    fn new(learner: NetworkLearner) -> Self {
        let pair = "SIM".parse().expect("a name");
        let series = MarketModel::AR1.candles(pair, Interval::HOUR, 2_000, 1).expect("candles");
        let spec = SignalSpec::default();
        let table = SignalTable::build(&spec, &Registry::default(), &series, &[]).expect("a table");
        let samples = SampleSet::collect(&[table.clone()], STEPS, LabelSpec::default());
        let samples = samples.expect("samples");
        let split = Split::for_live(&samples, 0.15).expect("a split");
        let (train, validation) = (split.train(&samples), split.validation(&samples));
        let training = TrainConfig { epochs: 1, ..learner.training.clone() };
        let learner = NetworkLearner { training, ..learner };
        let network = learner
            .fit_model(&train.expect("samples"), &validation.expect("samples"), &Run::new(1))
            .expect("a network");
        let rows: Vec<usize> = (0..table.len())
            .filter(|row| table.window(*row, STEPS).is_some())
            .take(WINDOWS)
            .collect();
        let raw = rows
            .iter()
            .flat_map(|row| table.window(*row, STEPS).expect("a window").values().to_vec());
        Self { onnx: network.to_onnx().expect("a card"), raw: raw.collect(), network, table, rows }
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
