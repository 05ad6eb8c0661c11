//! Peer `rust-lstm`: cells and linear layers of the library, which computes in f64 and has no
//! attention for v3.1.
use ndarray::{Array2, ArrayView2, Axis, concatenate, s};
use rust_lstm::optimizers::Optimizer;
use rust_lstm::{LSTMCell, LSTMCellCache, LSTMCellGradients, LinearLayer, SGD};

use crate::data::{CLASSES, Data, INPUTS, Kind, Lstm, Net, STEPS, WINDOWS};
use crate::peer::{Offer, Peer};
use crate::workload::{CLIP, LEARNING_RATE, Workload};

pub struct RustLstm;

impl Peer for RustLstm {
    fn name(&self) -> &'static str {
        "rust-lstm 0.10.0"
    }

    fn offer<'a>(&self, work: Workload, data: &'a Data, _: bool) -> Offer<'a> {
        match work {
            Workload::Window(Kind::V31)
            | Workload::Batch(Kind::V31)
            | Workload::Train(Kind::V31, _) => Offer::Nothing,
            Workload::Window(kind) => windows(data, kind, 1),
            Workload::Batch(kind) => windows(data, kind, WINDOWS),
            Workload::Step => step(data),
            Workload::Train(kind, batch) => train(data, kind, batch),
            _ => Offer::Nothing,
        }
    }
}

fn matrix(values: &[f32], columns: usize) -> Array2<f64> {
    let values: Vec<f64> = values.iter().copied().map(f64::from).collect();
    Array2::from_shape_vec((values.len() / columns, columns), values).expect("it fits")
}

fn cell(lstm: &Lstm) -> LSTMCell {
    let mut cell = LSTMCell::new(lstm.inputs, lstm.hidden);
    cell.w_ih = matrix(&lstm.w_ih, lstm.inputs);
    cell.w_hh = matrix(&lstm.w_hh, lstm.hidden);
    cell.b_ih = matrix(&lstm.b_ih, 1);
    cell.b_hh = matrix(&lstm.b_hh, 1);
    cell
}

/// Splits a batch into its steps, each `[I, B]`.
fn steps(windows: &[f32]) -> Vec<Array2<f64>> {
    let rows = matrix(windows, INPUTS);
    let step = |t| rows.slice(s![t..;STEPS, ..]).t().to_owned();
    (0..STEPS).map(step).collect()
}

struct RustLstmNetwork {
    cells: Vec<LSTMCell>,
    linear: LinearLayer,
}

impl RustLstmNetwork {
    fn new(net: &Net) -> Self {
        let dense = &net.dense[0];
        let linear = LinearLayer::from_weights(matrix(&dense.w, dense.inputs), matrix(&dense.b, 1));
        Self { cells: net.lstms.iter().map(cell).collect(), linear }
    }

    /// Returns the logits `[3, B]` and the caches of each direction.
    fn forward(&mut self, steps: &[Array2<f64>]) -> (Array2<f64>, Vec<Vec<LSTMCellCache>>) {
        let (mut last, mut caches) = (Vec::new(), Vec::new());
        for (direction, cell) in self.cells.iter_mut().enumerate() {
            let mut h = Array2::zeros((cell.hidden_size, steps[0].ncols()));
            let (mut c, mut cache) = (h.clone(), Vec::new());
            for k in 0..STEPS {
                let t = if direction == 0 { k } else { STEPS - 1 - k };
                let of_step;
                (h, c, of_step) = cell.forward_with_cache(&steps[t], &h, &c);
                cache.push(of_step);
            }
            last.push(h);
            caches.push(cache);
        }
        let views: Vec<ArrayView2<'_, f64>> = last.iter().map(Array2::view).collect();
        let features = concatenate(Axis(0), &views).expect("one batch");
        (self.linear.forward(&features), caches)
    }

    fn descend(&mut self, d_logits: &Array2<f64>, caches: &[Vec<LSTMCellCache>], rule: &mut SGD) {
        let (mut of_linear, d_features) = self.linear.backward(d_logits);
        [&mut of_linear.weight, &mut of_linear.bias].into_iter().for_each(clip);
        self.linear.update_parameters(&of_linear, rule, "linear");
        let mut from = 0;
        for (cell, caches) in self.cells.iter_mut().zip(caches) {
            let mut d_h = d_features.slice(s![from..from + cell.hidden_size, ..]).to_owned();
            from += cell.hidden_size;
            let mut d_c = Array2::zeros(d_h.raw_dim());
            let mut sum: LSTMCellGradients = cell.zero_gradients();
            for cache in caches.iter().rev() {
                let of_step;
                (of_step, _, d_h, d_c) = cell.backward(&d_h, &d_c, cache);
                sum.accumulate(&of_step);
            }
            let all = [&mut sum.w_ih, &mut sum.w_hh, &mut sum.b_ih, &mut sum.b_hh];
            all.into_iter().for_each(clip);
            cell.update_parameters(&sum, rule, "cell");
        }
        debug_assert!(rule.get_learning_rate() > 0.0);
    }
}

fn clip(gradient: &mut Array2<f64>) {
    gradient.mapv_inplace(|g| g.clamp(-f64::from(CLIP), f64::from(CLIP)));
}

/// Applies softmax to each column in place.
fn softmax(logits: &mut Array2<f64>) {
    for mut column in logits.columns_mut() {
        let top = column.fold(f64::NEG_INFINITY, |a, b| a.max(*b));
        column.mapv_inplace(|z| (z - top).exp());
        let sum = column.sum();
        column.mapv_inplace(|e| e / sum);
    }
}

fn windows(data: &Data, kind: Kind, batch: usize) -> Offer<'_> {
    let mut network = RustLstmNetwork::new(data.net(kind));
    Offer::Task(Box::new(move |n, out| {
        let x = steps(data.windows(n * batch % WINDOWS, batch));
        let mut p = network.forward(&x).0;
        softmax(&mut p);
        out.iter_mut().zip(p.t().iter()).for_each(|(out, p)| *out = *p as f32);
    }))
}

fn step(data: &Data) -> Offer<'_> {
    let mut cell = cell(&data.net(Kind::V32).lstms[0]);
    let mut h = Array2::zeros((32, 1));
    let mut c = h.clone();
    Offer::Task(Box::new(move |n, out| {
        (h, c) = cell.forward(&matrix(data.row(n), 1), &h, &c);
        out.iter_mut().zip(&h).for_each(|(out, h)| *out = *h as f32);
    }))
}

fn train(data: &Data, kind: Kind, batch: usize) -> Offer<'_> {
    let mut network = RustLstmNetwork::new(data.net(kind));
    let x = steps(data.windows(0, batch));
    let (targets, mut rule) = (&data.targets[..batch], SGD::new(LEARNING_RATE));
    Offer::Task(Box::new(move |_, out| {
        let (mut p, caches) = network.forward(&x);
        softmax(&mut p);
        let loss: f64 = targets.iter().enumerate().map(|(b, y)| -p[[*y, b]].ln()).sum();
        targets.iter().enumerate().for_each(|(b, y)| p[[*y, b]] -= 1.0);
        debug_assert_eq!(p.nrows(), CLASSES);
        network.descend(&(p / batch as f64), &caches, &mut rule);
        out[0] = (loss / batch as f64) as f32;
    }))
}
