//! Activity of a network's units over many windows.
use windvane_signals::SampleSet;

use super::{LstmTrace, Trace};
use crate::TrainError;
use crate::network::Network;

/// A gate nearer to its end than this is saturated: gradients hardly pass.
const END: f32 = 0.01;

/// An LSTM's unit whose last state has a smaller standard deviation than this says nothing.
const STILL: f64 = 0.01;

/// Activity of the units of one layer over many windows.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LayerActivity {
    /// `lstm`, `lstm reverse`, `fc1`, ….
    pub layer: String,
    /// Number of units.
    pub units: usize,
    /// Units that tell no window from another: a rectifier that never rises above 0, an LSTM's
    /// unit whose state after its last row has a standard deviation below 0.01.
    pub dead: Vec<usize>,
    /// The gates of an LSTM in the order of [`GATES`](super::GATES); `None` for a dense layer.
    pub gates: Option<[GateActivity; 4]>,
}

/// Activations of one gate of an LSTM over many windows, all rows and units together.
///
/// A gate is saturated below 0.01 and above 0.99, the candidate beyond ± 0.99: there its
/// derivative is below 1 % (2 % for the candidate) and hardly any gradient passes. **Source**
/// shares of saturated gates: Karpathy, Johnson, Li 2015 (with bounds at 0.1 and 0.9).
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct GateActivity {
    /// Mean activation.
    pub mean: f64,
    /// Share of the activations at the lower end: the gate is shut.
    pub low: f64,
    /// Share of the activations at the upper end: the gate is open.
    pub high: f64,
    /// Units whose gate is saturated at every row of every window.
    pub stuck: usize,
}

impl LayerActivity {
    /// Traces every window of `samples`; a few hundred, spread over time, say as much as all.
    ///
    /// # Errors
    /// [`TrainError::TooFewWindows`] below two windows, and as [`Network::trace`].
    pub fn of(model: &Network, samples: &SampleSet) -> Result<Vec<Self>, TrainError> {
        if samples.len() < 2 {
            return Err(TrainError::TooFewWindows { expected: 2, got: samples.len() });
        }
        let (mut lstms, mut dense) = (Vec::new(), Vec::new());
        for sample in samples.samples() {
            let Trace { lstms: traced, dense: outputs, .. } =
                model.trace(samples.window(sample))?;
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

/// Units of a dense layer that were ever above 0.
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

/// Sums over the windows seen.
#[derive(Default)]
struct LstmTally {
    layer: String,
    windows: f64,
    /// Per unit, mean and sum of squared distances of the last state (Welford 1962).
    states: Vec<[f64; 2]>,
    gates: [GateTally; 4],
}

#[derive(Default)]
struct GateTally {
    count: f64,
    sum: f64,
    low: f64,
    high: f64,
    /// Per unit, whether it was ever between its ends.
    between: Vec<bool>,
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
            let low = if index == 2 { END - 1.0 } else { END };
            tally.between.resize(trace.hidden_size, false);
            for row in values.chunks_exact(trace.hidden_size) {
                for (between, value) in tally.between.iter_mut().zip(row) {
                    let (shut, open) = (*value < low, *value > 1.0 - END);
                    tally.count += 1.0;
                    tally.sum += f64::from(*value);
                    tally.low += f64::from(u8::from(shut));
                    tally.high += f64::from(u8::from(open));
                    *between |= !shut && !open;
                }
            }
        }
    }

    fn activity(self) -> LayerActivity {
        let dead = (0..self.states.len())
            .filter(|unit| (self.states[*unit][1] / self.windows).sqrt() < STILL)
            .collect();
        let gates = self.gates.map(|GateTally { count, sum, low, high, between }| GateActivity {
            mean: sum / count,
            low: low / count,
            high: high / count,
            stuck: between.iter().filter(|between| !**between).count(),
        });
        LayerActivity { layer: self.layer, units: self.states.len(), dead, gates: Some(gates) }
    }
}
