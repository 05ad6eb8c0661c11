//! Training steps with windvane's layers, in f32 and f64.
use windvane_lstm_core::{
    AttentionCache, AttentionShape, BiLstmCache, BiLstmGradients, BiLstmShape, BiLstmUpstream,
    Biases, Clip, CrossEntropy, DenseShape, LstmCache, LstmGradients, LstmShape, LstmUpstream,
    Optimizer, OptimizerState, Purpose, Real, Stream, apply_dropout, attention_backward,
    attention_forward, bilstm_backward, bilstm_forward, dense_backward, dense_forward,
    dropout_mask, lstm_backward, lstm_forward, relu, relu_backward,
};

use crate::data::{CLASSES, Data, INPUTS, Net, STEPS};
use crate::workload::{CLIP, DROPOUT, LEARNING_RATE};

enum RecurrentLayer<R> {
    One(LstmShape, LstmCache<R>),
    Both(BiLstmShape, Box<BiLstmCache<R>>),
}

/// Network with its batch and the working memory of a training step.
pub struct TrainingNetwork<R> {
    layer: RecurrentLayer<R>,
    attention: Option<(AttentionShape, AttentionCache<R>)>,
    dense: Vec<DenseShape>,
    /// Number of parameters of the LSTM, the attention, and each dense layer.
    lens: Vec<usize>,
    weights: Vec<R>,
    gradients: Vec<R>,
    state: OptimizerState<R>,
    /// Inputs `[T, B, I]`.
    x: Vec<R>,
    targets: Vec<usize>,
    dropout: bool,
    mask: Vec<R>,
    /// Inputs of each dense layer and the output of the last one, each `[B, ..]`.
    values: Vec<Vec<R>>,
    /// Gradients with respect to `values`.
    d_values: Vec<Vec<R>>,
    /// Gradients with respect to the hidden states `[T, B, 2H]`.
    d_hidden: Vec<R>,
}

impl<R: Real> TrainingNetwork<R> {
    pub fn new(net: &Net, data: &Data, batch: usize, dropout: bool) -> Self {
        let mut parts: Vec<Vec<f32>> = vec![Vec::new()];
        for lstm in &net.lstms {
            let tensors = [&lstm.w_ih, &lstm.w_hh, &lstm.b_ih, &lstm.b_hh];
            tensors.iter().for_each(|tensor| parts[0].extend(*tensor));
        }
        parts.push(net.attention.as_ref().map_or(Vec::new(), |attention| {
            [&attention.w[..], &vec![0.0; attention.units], &attention.v].concat()
        }));
        parts.extend(net.dense.iter().map(|dense| [&dense.w[..], &dense.b].concat()));
        let lens: Vec<usize> = parts.iter().map(Vec::len).collect();
        let weights = cast(&parts.concat());
        let attention = net.attention.as_ref().map(|attention| {
            let shape = AttentionShape::new(attention.inputs, attention.units);
            (shape.expect("a size"), AttentionCache::new())
        });
        let shape = |d: &crate::data::Dense| DenseShape::new(d.inputs, d.outputs).expect("a size");
        let dense: Vec<DenseShape> = net.dense.iter().map(shape).collect();
        let mut widths = vec![dense[0].input_size()];
        widths.extend(dense.iter().map(DenseShape::output_size));
        let values: Vec<Vec<R>> = widths.iter().map(|w| vec![R::ZERO; batch * w]).collect();
        let hidden = if net.attention.is_some() { STEPS * batch * widths[0] } else { 0 };
        Self {
            layer: layer(net),
            attention,
            dense,
            lens,
            gradients: vec![R::ZERO; weights.len()],
            state: OptimizerState::new(weights.len()),
            weights,
            x: cast(&time_major(data.windows(0, batch), batch)),
            targets: data.targets[..batch].to_vec(),
            dropout,
            mask: Vec::new(),
            d_values: values.clone(),
            values,
            d_hidden: vec![R::ZERO; hidden],
        }
    }

    /// Runs one training step and returns the loss before it.
    pub fn step(&mut self, n: usize) -> R {
        self.gradients.fill(R::ZERO);
        self.forward(n);
        let loss = self.loss();
        self.backward();
        Clip::Value(f64::from(CLIP)).apply(&mut self.gradients);
        let rule = Optimizer::Sgd { momentum: 0.0 };
        rule.step(LEARNING_RATE, &self.gradients, &mut self.state, &mut self.weights)
            .expect("it fits");
        loss
    }

    fn forward(&mut self, n: usize) {
        let batch = self.targets.len();
        let flat = split(&self.lens, &self.weights);
        let (hidden, last) = match &mut self.layer {
            RecurrentLayer::One(shape, cache) => {
                let params = shape.params(flat[0]).expect("it fits");
                lstm_forward(*shape, params, &self.x, batch, None, cache).expect("it fits");
                (cache.hidden(), cache.last_hidden())
            }
            RecurrentLayer::Both(shape, cache) => {
                let params = shape.params(flat[0]).expect("it fits");
                bilstm_forward(*shape, params, &self.x, batch, None, cache).expect("it fits");
                (cache.hidden(), cache.last_hidden())
            }
        };
        if let Some((shape, cache)) = &mut self.attention {
            let params = shape.params(flat[1]).expect("it fits");
            attention_forward(*shape, params, hidden, batch, cache).expect("it fits");
            self.values[0].copy_from_slice(cache.context());
        } else {
            self.values[0].copy_from_slice(last);
        }
        for (k, shape) in self.dense.iter().enumerate() {
            let (before, after) = self.values.split_at_mut(k + 1);
            let params = shape.params(flat[2 + k]).expect("it fits");
            dense_forward(*shape, params, &before[k], &mut after[0]).expect("it fits");
            if k + 1 < self.dense.len() {
                relu(&mut after[0]);
                if self.dropout {
                    let mut stream = Stream::new(1, Purpose::Dropout, n as u64, 0);
                    self.mask.resize(after[0].len(), R::ZERO);
                    dropout_mask(&mut stream, f64::from(DROPOUT), &mut self.mask).expect("a share");
                    apply_dropout(&self.mask, &mut after[0]).expect("it fits");
                }
            }
        }
    }

    fn loss(&mut self) -> R {
        let loss = CrossEntropy { classes: CLASSES, weights: None, smoothing: R::ZERO };
        let (logits, d_logits) = (self.values.last(), self.d_values.last_mut());
        let (logits, d_logits) = (logits.expect("a layer"), d_logits.expect("a layer"));
        d_logits.fill(R::ZERO);
        let normaliser = loss.normaliser(&self.targets).expect("classes");
        loss.add(logits, &self.targets, normaliser, d_logits).expect("it fits")
    }

    fn backward(&mut self) {
        let flat = split(&self.lens, &self.weights);
        let mut d_flat = split_mut(&self.lens, &mut self.gradients);
        for (k, shape) in self.dense.iter().enumerate().rev() {
            let (before, after) = self.d_values.split_at_mut(k + 1);
            if k + 1 < self.dense.len() {
                if self.dropout {
                    apply_dropout(&self.mask, &mut after[0]).expect("it fits");
                }
                relu_backward(&self.values[k + 1], &mut after[0]).expect("it fits");
            }
            let params = shape.params(flat[2 + k]).expect("it fits");
            let into = shape.params_mut(&mut *d_flat[2 + k]).expect("it fits");
            before[k].fill(R::ZERO);
            let d_x = Some(&mut before[k][..]);
            dense_backward(*shape, params, &self.values[k], &after[0], into, d_x).expect("it fits");
        }
        let (mut d_hidden, mut d_last_hidden) = (None, Some(&self.d_values[0][..]));
        if let Some((shape, cache)) = &mut self.attention {
            let hidden = match &self.layer {
                RecurrentLayer::One(_, cache) => cache.hidden(),
                RecurrentLayer::Both(_, cache) => cache.hidden(),
            };
            self.d_hidden.fill(R::ZERO);
            let params = shape.params(flat[1]).expect("it fits");
            let into = shape.params_mut(&mut *d_flat[1]).expect("it fits");
            let (d_context, d_rows) = (&self.d_values[0], Some(&mut self.d_hidden[..]));
            attention_backward(*shape, params, hidden, cache, d_context, into, d_rows)
                .expect("it fits");
            // The attention of the other libraries has no bias, so it stays 0.
            shape.params_mut(&mut *d_flat[1]).expect("it fits").b.fill(R::ZERO);
            (d_hidden, d_last_hidden) = (Some(&self.d_hidden[..]), None);
        }
        let (x, d_flat) = (&self.x, &mut *d_flat[0]);
        match &mut self.layer {
            RecurrentLayer::One(shape, cache) => {
                let d_params = shape.params_mut(d_flat).expect("it fits");
                let upstream = LstmUpstream { d_hidden, d_last_hidden, d_last_cell: None };
                let into = LstmGradients { d_params, d_inputs: None, d_start: None };
                let params = shape.params(flat[0]).expect("it fits");
                lstm_backward(*shape, params, x, cache, upstream, into).expect("it fits");
            }
            RecurrentLayer::Both(shape, cache) => {
                let d_params = shape.params_mut(d_flat).expect("it fits");
                let upstream = BiLstmUpstream { d_hidden, d_last_hidden, d_last_cell: None };
                let into = BiLstmGradients { d_params, d_inputs: None, d_start: None };
                let params = shape.params(flat[0]).expect("it fits");
                bilstm_backward(*shape, params, x, cache, upstream, into).expect("it fits");
            }
        }
    }
}

fn layer<R: Real>(net: &Net) -> RecurrentLayer<R> {
    let lstm = &net.lstms[0];
    if net.lstms.len() == 1 {
        let shape = LstmShape::new(lstm.inputs, lstm.hidden, Biases::Two).expect("a size");
        RecurrentLayer::One(shape, LstmCache::new())
    } else {
        let shape = BiLstmShape::new(lstm.inputs, lstm.hidden, Biases::Two).expect("a size");
        RecurrentLayer::Both(shape, Box::default())
    }
}

fn cast<R: Real>(values: &[f32]) -> Vec<R> {
    values.iter().map(|value| R::from_f64(f64::from(*value))).collect()
}

/// Transposes `[B, T, I]` to `[T, B, I]`.
fn time_major(windows: &[f32], batch: usize) -> Vec<f32> {
    let row = |t: usize, b: usize| &windows[(b * STEPS + t) * INPUTS..][..INPUTS];
    (0..STEPS).flat_map(|t| (0..batch).flat_map(move |b| row(t, b))).copied().collect()
}

fn split<'a, R>(lens: &[usize], mut flat: &'a [R]) -> Vec<&'a [R]> {
    lens.iter().map(|len| flat.split_off(..*len).expect("all parameters")).collect()
}

fn split_mut<'a, R>(lens: &[usize], mut flat: &'a mut [R]) -> Vec<&'a mut [R]> {
    lens.iter().map(|len| flat.split_off_mut(..*len).expect("all parameters")).collect()
}
