//! Log loss of the models of a sweep on their validation windows.
use windvane_candles::Direction;
use windvane_signals::{Band, LabelSpec, SampleSet};

use crate::run::TaskResult;

/// Log loss summed over validation windows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct ValidationSum {
    loss: f64,
    pub(super) windows: usize,
}

impl ValidationSum {
    /// Adds the validation windows of a fit.
    ///
    /// As in early stopping, windows whose label is NEUTRAL are excluded where NEUTRAL is only an
    /// unchanged close.
    pub(super) fn add(&mut self, result: &TaskResult, validation: &SampleSet) {
        let excluded = is_without_neutral(validation.labels());
        for (sample, bits) in validation.samples().iter().zip(&result.validated) {
            if excluded && sample.label() == Direction::Neutral {
                continue;
            }
            let probability = f64::from(f32::from_bits(bits[sample.label().index()]));
            self.loss -= probability.max(f64::EPSILON).ln();
            self.windows += 1;
        }
    }

    /// Mean log loss, nats; `None` without windows.
    pub(super) fn mean(self) -> Option<f64> {
        (self.windows > 0).then(|| self.loss / self.windows as f64)
    }
}

fn is_without_neutral(labels: LabelSpec) -> bool {
    matches!(labels.band, Band::Fixed { width: 0.0 } | Band::Relative)
}
