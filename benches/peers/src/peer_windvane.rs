//! Peer windvane: its public layers and its signal pipeline.
use windvane_candles::{Interval, Pair};
use windvane_lstm_core::{
    AttentionScratch, AttentionShape, BiLstmScratch, BiLstmShape, Biases, DenseShape,
    LstmBatchScratch, LstmError, LstmScratch, LstmShape, LstmState, PackedAttention, PackedBiLstm,
    PackedDense, PackedLstm, relu, softmax,
};
use windvane_models::DirectionModel;
use windvane_signals::{Registry, SignalPipeline, SignalSpec};

use crate::data::{Attention, Data, Dense, INPUTS, Kind, Lstm, Net, STEPS, WINDOWS};
use crate::fitted::Preset;
use crate::indicator;
use crate::network::TrainingNetwork;
use crate::peer::indicator_task;
use crate::peer::{Offer, Peer};
use crate::workload::Workload;

pub struct Windvane;

impl Peer for Windvane {
    fn name(&self) -> &'static str {
        "windvane"
    }

    fn offer<'a>(&self, work: Workload, data: &'a Data, dropout: bool) -> Offer<'a> {
        match work {
            Workload::Window(kind) => windows(data, kind, 1),
            Workload::Batch(kind) => windows(data, kind, WINDOWS),
            Workload::Step => step(data),
            Workload::Stack => stack(data),
            Workload::Train(kind, batch) => {
                let mut network = TrainingNetwork::<f32>::new(data.net(kind), data, batch, dropout);
                Offer::Task(Box::new(move |n, out| out[0] = network.step(n)))
            }
            Workload::FittedWindow(preset) => fitted(preset, 1),
            Workload::FittedBatch(preset) => fitted(preset, WINDOWS),
            Workload::Signals => signals(data),
            Workload::Indicator(indicator) => indicator_task(data, indicator::windvane(indicator)),
            Workload::ReadCsv => read_csv(data),
        }
    }
}

/// Returns the losses of the checked training steps, computed in f64.
pub fn losses_f64(data: &Data, kind: Kind, batch: usize) -> Vec<f64> {
    let mut network = TrainingNetwork::<f64>::new(data.net(kind), data, batch, false);
    (0..Workload::Train(kind, batch).checked_calls()).map(|n| network.step(n)).collect()
}

fn windows(data: &Data, kind: Kind, count: usize) -> Offer<'_> {
    let mut model = PackedNetwork::new(data.net(kind));
    Offer::Task(Box::new(move |n, out| {
        let xs = data.windows(n * count % WINDOWS, count);
        if count == 1 { model.predict(xs, out) } else { model.predict_batch(xs, out) }
    }))
}

/// Prepares the predictions of a fitted model, such as scaler, layers, calibration, softmax.
fn fitted(preset: Preset, batch: usize) -> Offer<'static> {
    let fitted = preset.fitted();
    let mut scratch = fitted.model.scratch();
    if batch == 1 {
        return Offer::Task(Box::new(move |n, out| {
            let window = fitted.windows(n, 1).next().expect("a window");
            let prediction = fitted.model.predict(window, &mut scratch).expect("it fits");
            out.copy_from_slice(&prediction.probabilities.classes());
        }));
    }
    let windows: Vec<_> = fitted.windows(0, batch).collect();
    let mut predictions = Vec::with_capacity(batch);
    Offer::Task(Box::new(move |_, out| {
        predictions.clear();
        let done = fitted.model.predict_batch(&windows, &mut scratch, &mut predictions);
        done.expect("they fit");
        for (out, prediction) in out.chunks_exact_mut(3).zip(&predictions) {
            out.copy_from_slice(&prediction.probabilities.classes());
        }
    }))
}

/// Returns the probabilities of all windows, one by one.
pub fn fitted_probabilities(preset: Preset) -> Vec<f64> {
    let Offer::Task(mut task) = fitted(preset, 1) else { return Vec::new() };
    let mut out = [0.0; 3];
    let all = (0..WINDOWS).flat_map(|n| {
        task(n, &mut out);
        out.map(f64::from)
    });
    all.collect()
}

fn step(data: &Data) -> Offer<'_> {
    let lstm = packed(&data.net(Kind::V32).lstms[0]);
    let (mut state, mut scratch) = (LstmState::zeros(32), lstm.scratch());
    Offer::Task(Box::new(move |n, out| {
        lstm.step(data.row(n), &mut state, &mut scratch).expect("it fits");
        out.copy_from_slice(state.h());
    }))
}

fn stack(data: &Data) -> Offer<'_> {
    let [first, second] = data.stack.each_ref().map(packed);
    let mut states = [LstmState::zeros(100), LstmState::zeros(100)];
    let mut scratch = first.scratch();
    let rows = data.stack_inputs.len() / 100;
    Offer::Task(Box::new(move |n, out| {
        let [of_first, of_second] = &mut states;
        let x = &data.stack_inputs[n % rows * 100..][..100];
        first.step(x, of_first, &mut scratch).expect("it fits");
        second.step(of_first.h(), of_second, &mut scratch).expect("it fits");
        out.copy_from_slice(of_second.h());
    }))
}

/// Prepares the reader that recognises formats, with all its checks.
fn read_csv(data: &Data) -> Offer<'_> {
    let pair = Pair::new("BTCUSDT").expect("a name");
    Offer::Task(Box::new(move |_, out| {
        let bytes = data.csv.clone().into_bytes();
        let read = windvane_readers::read_bytes(bytes, "a.csv", pair.clone()).expect("candles");
        let means = crate::reference::means(read.series.iter());
        out.iter_mut().zip(means).for_each(|(out, mean)| *out = mean as f32);
    }))
}

/// Prepares the default signals with the pipeline of the models.
fn signals(data: &Data) -> Offer<'_> {
    let (spec, registry) = (SignalSpec::default(), Registry::default());
    let mut pipeline = SignalPipeline::new(&spec, Interval::HOUR, &registry).expect("built in");
    Offer::Task(Box::new(move |n, out| {
        let index = n % data.candles.len();
        if index == 0 {
            pipeline.reset();
        }
        let rows = pipeline.update(&data.candles[index]).expect("candles in order");
        if let Some(row) = rows.last() {
            out.iter_mut().zip(row).for_each(|(out, value)| *out = *value as f32);
        }
    }))
}

fn flat(lstm: &Lstm) -> Vec<f32> {
    [&lstm.w_ih[..], &lstm.w_hh, &lstm.b_ih, &lstm.b_hh].concat()
}

fn packed(lstm: &Lstm) -> PackedLstm<f32> {
    let shape = LstmShape::new(lstm.inputs, lstm.hidden, Biases::Two).expect("a size");
    PackedLstm::new(shape, shape.params(&flat(lstm)).expect("it fits")).expect("it fits")
}

/// Number of windows per block in v3.1, so that their states stay in the cache.
const BLOCK: usize = 24;

/// Recurrent part of a network: from a window to the input of the dense layers.
enum FeatureReader {
    Last(PackedLstm<f32>, LstmScratch<f32>),
    LastOfBoth(PackedBiLstm<f32>, BiLstmScratch<f32>),
    Attending(Box<Attending>),
}

struct Attending {
    lstm: PackedBiLstm<f32>,
    scratch: BiLstmScratch<f32>,
    attention: PackedAttention<f32>,
    weights: AttentionScratch<f32>,
    /// Hidden states `[T, 2H]`.
    hidden: Vec<f32>,
    /// Context vector `[2H]`.
    context: Vec<f32>,
}

/// Network of the crate's packed layers.
struct PackedNetwork {
    reader: FeatureReader,
    dense: Vec<PackedDense<f32>>,
    /// Values between the dense layers of v3.1, `[B, 64]`.
    between: Vec<f32>,
    /// Inputs of the dense layers, `[B, features]`.
    features: Vec<f32>,
    batch_scratch: LstmBatchScratch<f32>,
}

impl PackedNetwork {
    fn new(net: &Net) -> Self {
        let reader = match (net.kind, &net.attention) {
            (Kind::V32, _) => {
                let lstm = packed(&net.lstms[0]);
                let scratch = lstm.scratch();
                FeatureReader::Last(lstm, scratch)
            }
            (_, None) => {
                let lstm = both(&net.lstms);
                let scratch = lstm.scratch();
                FeatureReader::LastOfBoth(lstm, scratch)
            }
            (_, Some(attention)) => {
                FeatureReader::Attending(Box::new(Attending::new(net, attention)))
            }
        };
        let dense = net.dense.iter().map(packed_dense).collect();
        let batch_scratch = match &reader {
            FeatureReader::Last(lstm, _) => lstm.batch_scratch(),
            FeatureReader::LastOfBoth(lstm, _) => lstm.batch_scratch(),
            FeatureReader::Attending(attending) => attending.lstm.batch_scratch(),
        };
        Self { reader, dense, between: vec![0.0; 64], features: Vec::new(), batch_scratch }
    }

    fn predict(&mut self, window: &[f32], out: &mut [f32]) {
        let features = match &mut self.reader {
            FeatureReader::Last(lstm, scratch) => {
                lstm.last_hidden(window, scratch).expect("it fits")
            }
            FeatureReader::LastOfBoth(lstm, scratch) => {
                lstm.last_hidden(window, scratch).expect("it fits")
            }
            FeatureReader::Attending(attending) => attending.read(window),
        };
        match &self.dense[..] {
            [hidden, last] => {
                hidden.apply(features, &mut self.between[..64]).expect("it fits");
                relu(&mut self.between[..64]);
                last.apply(&self.between[..64], out).expect("it fits");
            }
            layers => layers[0].apply(features, out).expect("it fits"),
        }
        softmax(out);
    }

    /// Predicts the probabilities `[B, classes]` of windows `[B, T, I]`.
    fn predict_batch(&mut self, windows: &[f32], out: &mut [f32]) {
        let count = windows.len() / (STEPS * INPUTS);
        let Self { reader, dense, between, features, batch_scratch } = self;
        features.resize(count * dense[0].shape().input_size(), 0.0);
        match reader {
            FeatureReader::Last(lstm, _) => {
                lstm.last_hidden_batch(windows, STEPS, features, batch_scratch)
            }
            FeatureReader::LastOfBoth(lstm, _) => {
                lstm.last_hidden_batch(windows, STEPS, features, batch_scratch)
            }
            FeatureReader::Attending(attending) => {
                attending.read_batch(windows, features, batch_scratch)
            }
        }
        .expect("it fits");
        match &dense[..] {
            [hidden, last] => {
                between.resize(count * 64, 0.0);
                hidden.apply(features, between).expect("it fits");
                relu(between);
                last.apply(between, out).expect("it fits");
            }
            layers => layers[0].apply(features, out).expect("it fits"),
        }
        out.chunks_mut(out.len() / count).for_each(softmax);
    }
}

impl Attending {
    fn new(net: &Net, attention: &Attention) -> Self {
        let lstm = both(&net.lstms);
        let scratch = lstm.scratch();
        let shape = AttentionShape::new(attention.inputs, attention.units).expect("a size");
        let bias = vec![0.0; attention.units];
        let flat = [&attention.w[..], &bias, &attention.v].concat();
        let attention = PackedAttention::new(shape, shape.params(&flat).expect("it fits"));
        let attention = attention.expect("it fits");
        let weights = attention.scratch(STEPS);
        let width = shape.input_size();
        let (hidden, context) = (vec![0.0; STEPS * width], vec![0.0; width]);
        Self { lstm, scratch, attention, weights, hidden, context }
    }

    fn read(&mut self, window: &[f32]) -> &[f32] {
        self.lstm.sequence(window, &mut self.hidden, &mut self.scratch).expect("it fits");
        let applied = self.attention.apply(&self.hidden, &mut self.context, &mut self.weights);
        applied.expect("it fits");
        &self.context
    }

    /// Computes the contexts in blocks of windows, so that their states stay in the cache.
    fn read_batch(
        &mut self,
        windows: &[f32],
        contexts: &mut [f32],
        batch_scratch: &mut LstmBatchScratch<f32>,
    ) -> Result<(), LstmError> {
        let width = self.context.len();
        let parts = windows.chunks(BLOCK * STEPS * INPUTS);
        for (windows, contexts) in parts.zip(contexts.chunks_mut(BLOCK * width)) {
            self.hidden.resize(windows.len() / INPUTS * width, 0.0);
            self.lstm.sequence_batch(windows, STEPS, &mut self.hidden, batch_scratch)?;
            let states = self.hidden.chunks(STEPS * width);
            for (states, context) in states.zip(contexts.chunks_mut(width)) {
                self.attention.apply(states, context, &mut self.weights)?;
            }
        }
        Ok(())
    }
}

fn both(lstms: &[Lstm]) -> PackedBiLstm<f32> {
    let (inputs, hidden) = (lstms[0].inputs, lstms[0].hidden);
    let shape = BiLstmShape::new(inputs, hidden, Biases::Two).expect("a size");
    let flat = [flat(&lstms[0]), flat(&lstms[1])].concat();
    PackedBiLstm::new(shape, shape.params(&flat).expect("it fits")).expect("it fits")
}

fn packed_dense(dense: &Dense) -> PackedDense<f32> {
    let shape = DenseShape::new(dense.inputs, dense.outputs).expect("a size");
    let flat = [&dense.w[..], &dense.b].concat();
    PackedDense::new(shape, shape.params(&flat).expect("it fits")).expect("it fits")
}
