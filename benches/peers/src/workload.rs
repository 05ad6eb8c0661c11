//! What is timed.
use crate::data::{CLASSES, KINDS, Kind, WINDOWS};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// One window to its probabilities.
    Window(Kind),
    /// All windows at once to their probabilities.
    Batch(Kind),
    /// One step of the v3.2 cell from and to a state.
    Step,
    /// One step of two LSTM layers of 100 units.
    Stack,
    /// Forward, mean cross-entropy, backward, clipping by value, a step of SGD.
    Train(Kind, usize),
    /// The six signals of one candle.
    Signals,
}

/// Of every training step.
pub const LEARNING_RATE: f64 = 0.1;
/// Bound of a gradient's every component.
pub const CLIP: f32 = 5.0;
/// Between the dense layers of v3.1, while training is timed.
pub const DROPOUT: f32 = 0.3;

impl Work {
    pub fn all() -> Vec<Self> {
        let mut all = KINDS.map(Self::Window).to_vec();
        all.extend([Self::Step, Self::Stack]);
        all.extend(KINDS.map(Self::Batch));
        all.extend([32, 256].into_iter().flat_map(|n| KINDS.map(|kind| Self::Train(kind, n))));
        all.push(Self::Signals);
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
            Self::Step => "v32-step".into(),
            Self::Stack => "stack-step".into(),
            Self::Train(kind, batch) => format!("{}-train{batch}", label(kind)),
            Self::Signals => "signals-candle".into(),
        }
    }

    /// Calls that are timed together: work of nanoseconds is not timed call by call.
    pub fn calls_per_sample(self) -> usize {
        if matches!(self, Self::Step | Self::Signals) { 1_000 } else { 1 }
    }

    /// Numbers that a call writes.
    pub fn output_len(self) -> usize {
        match self {
            Self::Window(_) => CLASSES,
            Self::Batch(_) => WINDOWS * CLASSES,
            Self::Step => 32,
            Self::Stack => 100,
            Self::Train(..) => 1,
            Self::Signals => 6,
        }
    }

    /// Calls from the start whose outputs are compared.
    pub fn checked_calls(self) -> usize {
        match self {
            Self::Window(_) => WINDOWS,
            Self::Batch(_) => 1,
            Self::Step | Self::Stack => 20,
            Self::Train(..) => 11,
            Self::Signals => 8_000,
        }
    }

    /// Calls from the start that are left out of the comparison: the libraries of indicators
    /// start their averages in different ways.
    pub fn unchecked_start(self) -> usize {
        if self == Self::Signals { 1_000 } else { 0 }
    }
}
