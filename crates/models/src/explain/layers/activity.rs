//! Activity of network units and gates over many windows.
use windvane_signals::SampleSet;

use super::{LstmTrace, Trace};
use crate::TrainError;
use crate::network::Network;

/// Distance to the end of its range below which a gate is saturated.
const SATURATION: f32 = 0.01;

/// Standard deviation of the last hidden state below which an LSTM unit is dead.
const MIN_DEVIATION: f64 = 0.01;

/// Activity of the units of one layer over many windows.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LayerActivity {
    /// Name of the layer: `lstm`, `lstm reverse`, `fc1`, ….
    pub layer: String,
    /// Number of units.
    pub units: usize,
    /// Indices of dead units, whose output is the same for all windows: a ReLU that is never above
    /// 0, or an LSTM unit whose last hidden state has a standard deviation below 0.01.
    pub dead: Vec<usize>,
    /// Activity of an LSTM's gates in the order of [`GATES`](super::GATES); `None` for a dense
    /// layer.
    pub gates: Option<[GateActivity; 4]>,
}

/// Activations of one LSTM gate over many windows, for all rows and units together.
///
/// A gate is saturated below 0.01 and above 0.99, the candidate below −0.99 and above 0.99. There
/// its derivative is below 1 % (2 % for the candidate), so the gradient vanishes. **Source** shares
/// of saturated gates: Karpathy, Johnson, Li 2015 (with bounds at 0.1 and 0.9).
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct GateActivity {
    /// Mean activation.
    pub mean: f64,
    /// Share of the activations saturated at the lower end: the gate is closed.
    pub low: f64,
    /// Share of the activations saturated at the upper end: the gate is open.
    pub high: f64,
    /// Number of units whose gate is saturated in every row of every window.
    pub stuck: usize,
}

impl LayerActivity {
    /// Measures the activity of all layers over the windows of `samples`. A few hundred windows,
    /// spread over time, are enough.
    ///
    /// # Errors
    /// [`TrainError::TooFewWindows`] for fewer than two windows, and the errors of
    /// [`Network::trace`].
    pub fn measure(model: &Network, samples: &SampleSet) -> Result<Vec<Self>, TrainError> {
        if samples.len() < 2 {
            return Err(TrainError::TooFewWindows { expected: 2, got: samples.len() });
        }
        let (mut lstms, mut dense) = (Vec::new(), Vec::new());
        let mut reader = samples.reader();
        for sample in samples.samples() {
            let Trace { lstms: traced, dense: outputs, .. } =
                model.trace(reader.window_of(sample, samples.lookback())?)?;
            lstms.resize_with(traced.len(), LstmTally::default);
            lstms.iter_mut().zip(&traced).for_each(|(tally, trace)| tally.add(trace));
            dense.resize_with(outputs.len(), DenseTally::default);
            for (tally, layer) in dense.iter_mut().zip(outputs) {
                tally.layer = layer.layer;
                tally.above.resize(layer.outputs.len(), false);
                let units = tally.above.iter_mut().zip(layer.outputs);
                units.for_each(|(above, output)| *above |= output > 0.0);
            }
        }
        let lstms = lstms.into_iter().map(LstmTally::activity);
        Ok(lstms.chain(dense.into_iter().map(DenseTally::activity)).collect())
    }
}

/// Record of the dense units that were above 0 in some window.
#[derive(Default)]
struct DenseTally {
    layer: String,
    above: Vec<bool>,
}

impl DenseTally {
    fn activity(self) -> LayerActivity {
        let dead = (0..self.above.len()).filter(|unit| !self.above[*unit]).collect();
        LayerActivity { layer: self.layer, units: self.above.len(), dead, gates: None }
    }
}

/// Running statistics of an LSTM over windows.
#[derive(Default)]
struct LstmTally {
    layer: String,
    windows: f64,
    /// Mean and sum of squared deviations of the last hidden state per unit (Welford 1962).
    states: Vec<[f64; 2]>,
    gates: [GateTally; 4],
}

/// Running sums of one gate over windows, rows and units.
#[derive(Default)]
struct GateTally {
    count: f64,
    sum: f64,
    low: f64,
    high: f64,
    /// Whether each unit was unsaturated at least once.
    unsaturated: Vec<bool>,
}

impl LstmTally {
    fn add(&mut self, trace: &LstmTrace) {
        self.layer.clone_from(&trace.layer);
        self.windows += 1.0;
        self.states.resize(trace.hidden_size, [0.0; 2]);
        for ([mean, squares], state) in self.states.iter_mut().zip(trace.last_hidden()) {
            let distance = f64::from(*state) - *mean;
            *mean += distance / self.windows;
            *squares += distance * (f64::from(*state) - *mean);
        }
        for (index, (tally, values)) in self.gates.iter_mut().zip(&trace.gates).enumerate() {
            // The candidate is a tanh, the others are sigmoids.
            let low = if index == 2 { SATURATION - 1.0 } else { SATURATION };
            tally.unsaturated.resize(trace.hidden_size, false);
            for row in values.chunks_exact(trace.hidden_size) {
                for (unsaturated, value) in tally.unsaturated.iter_mut().zip(row) {
                    let (closed, open) = (*value < low, *value > 1.0 - SATURATION);
                    tally.count += 1.0;
                    tally.sum += f64::from(*value);
                    tally.low += f64::from(u8::from(closed));
                    tally.high += f64::from(u8::from(open));
                    *unsaturated |= !closed && !open;
                }
            }
        }
    }

    fn activity(self) -> LayerActivity {
        let dead = (0..self.states.len())
            .filter(|unit| (self.states[*unit][1] / self.windows).sqrt() < MIN_DEVIATION)
            .collect();
        let gates = self.gates.map(|GateTally { count, sum, low, high, unsaturated }| {
            let stuck = unsaturated.iter().filter(|unsaturated| !**unsaturated).count();
            GateActivity { mean: sum / count, low: low / count, high: high / count, stuck }
        });
        LayerActivity { layer: self.layer, units: self.states.len(), dead, gates: Some(gates) }
    }
}
