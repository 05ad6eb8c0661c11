//! windvane itself.
use windvane_candles::Interval;
use windvane_lstm_core::{
    AttentionScratch, AttentionShape, BiLstmScratch, BiLstmShape, Biases, DenseShape,
    LstmBatchScratch, LstmError, LstmScratch, LstmShape, LstmState, PackedAttention, PackedBiLstm,
    PackedDense, PackedLstm, relu, softmax,
};
use windvane_signals::{Registry, SignalPipeline, SignalSpec};

use crate::data::{Attention, Data, Dense, INPUTS, Kind, Lstm, Net, STEPS, WINDOWS};
use crate::network::Network;
use crate::peer::{Offer, Peer};
use crate::workload::Work;

pub struct Windvane;

impl Peer for Windvane {
    fn name(&self) -> &'static str {
        "windvane"
    }

    fn offer<'a>(&self, work: Work, data: &'a Data, dropout: bool) -> Offer<'a> {
        match work {
            Work::Window(kind) => windows(data, kind, 1),
            Work::Batch(kind) => windows(data, kind, WINDOWS),
            Work::Step => step(data),
            Work::Stack => stack(data),
            Work::Train(kind, batch) => {
                let mut network = Network::<f32>::new(data.net(kind), data, batch, dropout);
                Offer::Task(Box::new(move |n, out| out[0] = network.step(n)))
            }
            Work::Signals => signals(data),
        }
    }
}

/// The losses of the checked training steps, computed in f64.
pub fn losses_f64(data: &Data, kind: Kind, batch: usize) -> Vec<f64> {
    let mut network = Network::<f64>::new(data.net(kind), data, batch, false);
    (0..Work::Train(kind, batch).checked_calls()).map(|n| network.step(n)).collect()
}

fn windows(data: &Data, kind: Kind, count: usize) -> Offer<'_> {
    let mut model = Model::new(data.net(kind));
    Offer::Task(Box::new(move |n, out| {
        let xs = data.windows(n * count % WINDOWS, count);
        if count == 1 { model.predict(xs, out) } else { model.predict_batch(xs, out) }
    }))
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

/// The default signals by the pipeline that models read.
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

/// Windows that v3.1 takes at a time.
const TOGETHER: usize = 24;

/// What is left of an LSTM's hidden states, and how.
enum Reader {
    Last(PackedLstm<f32>, LstmScratch<f32>),
    LastOfBoth(PackedBiLstm<f32>, BiLstmScratch<f32>),
    Attending(Box<Attending>),
}

struct Attending {
    lstm: PackedBiLstm<f32>,
    scratch: BiLstmScratch<f32>,
    attention: PackedAttention<f32>,
    weights: AttentionScratch<f32>,
    /// `[T, 2H]`
    hidden: Vec<f32>,
    /// `[2H]`
    context: Vec<f32>,
}

/// A whole network out of the crate's layers.
struct Model {
    reader: Reader,
    dense: Vec<PackedDense<f32>>,
    /// Between the dense layers of v3.1, `[B, 64]`.
    between: Vec<f32>,
    /// What the dense layers read, `[B, features]`.
    features: Vec<f32>,
    together: LstmBatchScratch<f32>,
}

impl Model {
    fn new(net: &Net) -> Self {
        let reader = match (net.kind, &net.attention) {
            (Kind::V32, _) => {
                let lstm = packed(&net.lstms[0]);
                let scratch = lstm.scratch();
                Reader::Last(lstm, scratch)
            }
            (_, None) => {
                let lstm = both(&net.lstms);
                let scratch = lstm.scratch();
                Reader::LastOfBoth(lstm, scratch)
            }
            (_, Some(attention)) => Reader::Attending(Box::new(Attending::new(net, attention))),
        };
        let dense = net.dense.iter().map(packed_dense).collect();
        let together = match &reader {
            Reader::Last(lstm, _) => lstm.batch_scratch(),
            Reader::LastOfBoth(lstm, _) => lstm.batch_scratch(),
            Reader::Attending(attending) => attending.lstm.batch_scratch(),
        };
        Self { reader, dense, between: vec![0.0; 64], features: Vec::new(), together }
    }

    fn predict(&mut self, window: &[f32], out: &mut [f32]) {
        let features = match &mut self.reader {
            Reader::Last(lstm, scratch) => lstm.last_hidden(window, scratch).expect("it fits"),
            Reader::LastOfBoth(lstm, scratch) => {
                lstm.last_hidden(window, scratch).expect("it fits")
            }
            Reader::Attending(attending) => attending.read(window),
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

    /// Windows `[B, T, I]` to probabilities `[B, classes]`.
    fn predict_batch(&mut self, windows: &[f32], out: &mut [f32]) {
        let count = windows.len() / (STEPS * INPUTS);
        let Self { reader, dense, between, features, together } = self;
        features.resize(count * dense[0].shape().input_size(), 0.0);
        match reader {
            Reader::Last(lstm, _) => lstm.last_hidden_batch(windows, STEPS, features, together),
            Reader::LastOfBoth(lstm, _) => {
                lstm.last_hidden_batch(windows, STEPS, features, together)
            }
            Reader::Attending(attending) => attending.read_batch(windows, features, together),
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

    /// Few windows at a time, so that their states stay in the cache.
    fn read_batch(
        &mut self,
        windows: &[f32],
        contexts: &mut [f32],
        together: &mut LstmBatchScratch<f32>,
    ) -> Result<(), LstmError> {
        let width = self.context.len();
        let parts = windows.chunks(TOGETHER * STEPS * INPUTS);
        for (windows, contexts) in parts.zip(contexts.chunks_mut(TOGETHER * width)) {
            self.hidden.resize(windows.len() / INPUTS * width, 0.0);
            self.lstm.sequence_batch(windows, STEPS, &mut self.hidden, together)?;
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
