//! Kinds of work in the comparison.
use crate::data::{CLASSES, KINDS, Kind, WINDOWS};
use crate::fitted::{PRESETS, Preset};
use crate::indicator::{INDICATORS, Indicator};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// Probabilities of one window.
    Window(Kind),
    /// Probabilities of all windows in one batch.
    Batch(Kind),
    /// Probabilities of one raw window by a fitted model of windvane.
    FittedWindow(Preset),
    /// Probabilities of 256 raw windows in one batch.
    FittedBatch(Preset),
    /// One step of the v3.2 cell from state to state.
    Step,
    /// One step of two stacked LSTM layers of 100 units.
    Stack,
    /// One training step: forward pass, mean cross-entropy, backward pass, clipping by value, SGD.
    Train(Kind, usize),
    /// Six signals of one candle.
    Signals,
    /// One indicator of one candle.
    Indicator(Indicator),
    /// Candles of a CSV file of 100,000 rows.
    ReadCsv,
}

/// Learning rate of the training steps.
pub const LEARNING_RATE: f64 = 0.1;
/// Largest absolute value of a gradient's component.
pub const CLIP: f32 = 5.0;
/// Dropout rate between the dense layers of v3.1 in measured training steps.
pub const DROPOUT: f32 = 0.3;

impl Workload {
    pub fn all() -> Vec<Self> {
        let mut all = KINDS.map(Self::Window).to_vec();
        all.extend(PRESETS.map(Self::FittedWindow));
        all.extend([Self::Step, Self::Stack]);
        all.extend(KINDS.map(Self::Batch));
        all.extend(PRESETS.map(Self::FittedBatch));
        all.extend([32, 256].into_iter().flat_map(|n| KINDS.map(|kind| Self::Train(kind, n))));
        all.push(Self::Signals);
        all.extend(INDICATORS.map(Self::Indicator));
        all.push(Self::ReadCsv);
        all
    }

    pub fn name(self) -> String {
        let label = |kind| match kind {
            Kind::V32 => "v32",
            Kind::V3 => "v3",
            Kind::V31 => "v31",
        };
        match self {
            Self::Window(kind) => format!("{}-window", label(kind)),
            Self::Batch(kind) => format!("{}-batch256", label(kind)),
            Self::FittedWindow(preset) => format!("{}-window", preset.name()),
            Self::FittedBatch(preset) => format!("{}-batch256", preset.name()),
            Self::Step => "v32-step".into(),
            Self::Stack => "stack-step".into(),
            Self::Train(kind, batch) => format!("{}-train{batch}", label(kind)),
            Self::Signals => "signals-candle".into(),
            Self::Indicator(indicator) => format!("indicator-{}", indicator.name()),
            Self::ReadCsv => "read-csv".into(),
        }
    }

    /// Returns the number of calls per measurement: calls of nanoseconds are not measured one by
    /// one.
    pub fn calls_per_sample(self) -> usize {
        if matches!(self, Self::Step | Self::Signals | Self::Indicator(_)) { 1_000 } else { 1 }
    }

    /// Returns the number of output values of a call.
    pub fn output_len(self) -> usize {
        match self {
            Self::Window(_) | Self::FittedWindow(_) => CLASSES,
            Self::Batch(_) | Self::FittedBatch(_) => WINDOWS * CLASSES,
            Self::Step => 32,
            Self::Stack => 100,
            Self::Train(..) | Self::Indicator(_) => 1,
            Self::Signals => 6,
            // Number of rows, means of the columns.
            Self::ReadCsv => 6,
        }
    }

    /// Returns the number of first calls whose outputs are compared.
    pub fn checked_calls(self) -> usize {
        match self {
            Self::Window(_) | Self::FittedWindow(_) => WINDOWS,
            Self::Batch(_) | Self::FittedBatch(_) | Self::ReadCsv => 1,
            Self::Step | Self::Stack => 20,
            Self::Train(..) => 11,
            Self::Signals | Self::Indicator(_) => 8_000,
        }
    }

    /// Returns the number of first calls without comparison: the indicator libraries seed their
    /// averages differently.
    pub fn unchecked_start(self) -> usize {
        if matches!(self, Self::Signals | Self::Indicator(_)) { 1_000 } else { 0 }
    }
}
