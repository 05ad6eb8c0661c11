//! Results and gradients of one or two LSTM layers, unidirectional or bidirectional, against
//! `PyTorch`.
use serde_json::Value;
use windvane_lstm_core::{
    Biases, Kernel, LstmStart, LstmStartMut, LstmState, LstmUpstream, PackedLstm, Real,
};
use windvane_testing::{TensorFile, Unsupported, assert_close, golden_dir, json};

use crate::common::{cast, reversed, swap_axes, widen};
use crate::layer::{Layer, LayerCache};

#[test]
fn golden_lstm_forward_and_gradients() {
    let dir = golden_dir("a_lstm");
    let mut cases = Unsupported::new("a_lstm");
    for case in json(&dir.join("index.json")).as_array().unwrap() {
        let name = case["file"].as_str().unwrap();
        let file = TensorFile::read(&dir.join(name));
        let case = LstmCase::read(case, &file);
        if name.contains(".f64.") {
            case.run::<f64>(1e-10, 1e-10);
        } else {
            case.run::<f32>(1e-5, 1e-4);
        }
        cases.ran();
    }
}

struct LstmCase<'a> {
    name: &'a str,
    file: &'a TensorFile,
    /// Layers; the results of each are the inputs of the next.
    layers: Vec<Layer>,
    steps: usize,
    batch: usize,
}

/// Results of all layers in the layout of the file.
struct LstmResults<R> {
    /// Hidden states of the last layer, `[B, T, dirs * H]`.
    y: Vec<R>,
    /// Last hidden states of all layers, `[layers * dirs, B, H]`.
    h_n: Vec<R>,
    /// Last cells of all layers, `[layers * dirs, B, H]`.
    c_n: Vec<R>,
}

impl<'a> LstmCase<'a> {
    fn read(case: &'a Value, file: &'a TensorFile) -> Self {
        let size = |key: &str| usize::try_from(case[key].as_u64().unwrap()).unwrap();
        let layer = if case["bidirectional"] == true { Layer::both } else { Layer::one };
        let mut layers = vec![layer(size("input"), size("hidden"), Biases::Two)];
        for _ in 1..size("layers") {
            layers.push(layer(layers[0].output_size(), size("hidden"), Biases::Two));
        }
        Self {
            name: case["file"].as_str().unwrap(),
            file,
            layers,
            steps: size("steps"),
            batch: size("batch"),
        }
    }

    fn tensor<R: Real>(&self, name: &str) -> Vec<R> {
        cast(&self.file.get(name).data)
    }

    /// Returns a `[B, T, ..]` tensor of the file as `[T, B, ..]`.
    fn time_major<R: Real>(&self, name: &str) -> Vec<R> {
        swap_axes(&self.tensor(name), [self.batch, self.steps])
    }

    /// Returns layer `k` of a `[layers * dirs, B, H]` tensor as `[B, dirs * H]`.
    fn state<R: Real>(&self, name: &str, k: usize) -> Vec<R> {
        let len = self.batch * self.layers[k].output_size();
        let of_layer = &self.tensor(name)[k * len..][..len];
        swap_axes(of_layer, [self.layers[k].directions(), self.batch])
    }

    /// Rearranges a state of layer `k` from `[B, dirs * H]` to `[dirs, B, H]`.
    fn by_direction<R: Real>(&self, state: &[R], k: usize) -> Vec<R> {
        swap_axes(state, [self.batch, self.layers[k].directions()])
    }

    fn close<R: Real>(&self, got: &[R], name: &str, tolerance: f64) {
        let want = &self.file.get(name).data;
        assert_close(&widen(got), want, tolerance, 0.0, &format!("{} {name}", self.name));
    }

    fn check<R: Real>(&self, got: &LstmResults<R>, tolerance: f64) {
        self.close(&got.y, "y", tolerance);
        self.close(&got.h_n, "h_n", tolerance);
        self.close(&got.c_n, "c_n", tolerance);
    }

    /// Returns the names of the tensors of layer `k` in the order of its parameters.
    fn names(&self, k: usize) -> Vec<String> {
        let directions = &["", "_reverse"][..self.layers[k].directions()];
        let layer = if k == 0 { String::new() } else { format!("_l{k}") };
        let name = |direction| {
            ["w_ih", "w_hh", "b_ih", "b_hh"].map(|tensor| format!("{tensor}{layer}{direction}"))
        };
        directions.iter().flat_map(name).collect()
    }

    fn run<R: Real>(&self, tolerance: f64, loss_tolerance: f64) {
        let weights: Vec<Vec<R>> = (0..self.layers.len())
            .map(|k| self.names(k).iter().flat_map(|name| self.tensor(name)).collect())
            .collect();
        self.train(&weights, tolerance, loss_tolerance);
        for kernel in Kernel::available() {
            self.check(&self.infer(&weights, *kernel), tolerance);
        }
    }

    fn train<R: Real>(&self, weights: &[Vec<R>], tolerance: f64, loss_tolerance: f64) {
        let mut caches: Vec<LayerCache<R>> = vec![];
        let mut xs = vec![self.time_major("x")];
        let (mut h_n, mut c_n) = (vec![], vec![]);
        for (k, layer) in self.layers.iter().enumerate() {
            let (hidden, cell) = (self.state("h0", k), self.state("c0", k));
            let start = LstmStart { hidden: &hidden, cell: &cell };
            let mut cache = layer.cache();
            layer.forward(&weights[k], (&xs[k], self.batch), Some(start), &mut cache);
            xs.push(cache.hidden().to_vec());
            h_n.extend(self.by_direction(cache.last_hidden(), k));
            c_n.extend(self.by_direction(cache.last_cell(), k));
            caches.push(cache);
        }
        let y = swap_axes(&xs[self.layers.len()], [self.steps, self.batch]);
        let results = LstmResults { y, h_n, c_n };
        self.check(&results, tolerance);
        self.check_loss(&results, loss_tolerance);
        self.differentiate(weights, &xs, &mut caches, ("grad_", tolerance));
        self.differentiate(weights, &xs, &mut caches, ("yonly_grad_", tolerance));
    }

    fn check_loss<R: Real>(&self, results: &LstmResults<R>, tolerance: f64) {
        let dot = |a: &[R], name: &str| {
            a.iter().zip(self.tensor::<R>(name)).map(|(a, b)| *a * b).sum::<R>()
        };
        let loss =
            dot(&results.y, "dL_dy") + dot(&results.h_n, "dL_dh_n") + dot(&results.c_n, "dL_dc_n");
        let what = format!("{} loss", self.name);
        assert_close(&[loss.to_f64()], &self.file.get("loss").data, tolerance, 1.0, &what);
    }

    fn differentiate<R: Real>(
        &self,
        weights: &[Vec<R>],
        xs: &[Vec<R>],
        caches: &mut [LayerCache<R>],
        (prefix, tolerance): (&str, f64),
    ) {
        let mut d_y: Vec<R> = self.time_major("dL_dy");
        let (mut d_h0, mut d_c0) = (vec![], vec![]);
        for (k, layer) in self.layers.iter().enumerate().rev() {
            let whole = prefix == "grad_";
            let d_last = ["dL_dh_n", "dL_dc_n"].map(|name| self.state(name, k));
            let upstream = LstmUpstream {
                d_hidden: Some(&d_y),
                d_last_hidden: whole.then_some(&d_last[0]),
                d_last_cell: whole.then_some(&d_last[1]),
            };
            let mut d_weights = vec![R::ZERO; weights[k].len()];
            let mut d_x = vec![R::ZERO; xs[k].len()];
            let [mut hidden, mut cell] = d_last.each_ref().map(|d| vec![R::ZERO; d.len()]);
            let start = LstmStartMut { hidden: &mut hidden, cell: &mut cell };
            let of_layer = (&weights[k][..], &mut d_weights[..]);
            let (cache, d_inputs) = (&mut caches[k], Some(&mut d_x[..]));
            layer.backward(of_layer, &xs[k], cache, upstream, d_inputs, Some(start));
            d_h0.splice(0..0, self.by_direction(&hidden, k));
            d_c0.splice(0..0, self.by_direction(&cell, k));
            if whole {
                self.check_weights(&d_weights, k, tolerance);
            }
            d_y = d_x;
        }
        self.close(&swap_axes(&d_y, [self.steps, self.batch]), &format!("{prefix}x"), tolerance);
        self.close(&d_h0, &format!("{prefix}h0"), tolerance);
        self.close(&d_c0, &format!("{prefix}c0"), tolerance);
    }

    fn check_weights<R: Real>(&self, mut d_weights: &[R], k: usize, tolerance: f64) {
        for name in self.names(k) {
            let len = self.file.get(&name).data.len();
            let tensor = d_weights.split_off(..len).unwrap();
            self.close(tensor, &format!("grad_{name}"), tolerance);
        }
        assert!(d_weights.is_empty());
    }

    /// Computes the results by inference of each layer, direction and window.
    fn infer<R: Real>(&self, weights: &[Vec<R>], kernel: Kernel) -> LstmResults<R> {
        let mut results = LstmResults { y: self.tensor("x"), h_n: Vec::new(), c_n: Vec::new() };
        for (layer, weights) in self.layers.iter().zip(weights) {
            let shape = layer.direction();
            let parts: Vec<Vec<R>> = weights
                .chunks(shape.len())
                .enumerate()
                .map(|(direction, weights)| {
                    let lstm = PackedLstm::new(shape, shape.params(weights).unwrap()).unwrap();
                    let lstm = lstm.with_kernel(kernel).unwrap();
                    self.infer_direction(&lstm, direction == 1, &mut results)
                })
                .collect();
            let rows = self.batch * self.steps;
            results.y = swap_axes(&parts.concat(), [layer.directions(), rows]);
        }
        results
    }

    /// Returns the hidden states `[B, T, H]` and appends the last states to those in `results`.
    fn infer_direction<R: Real>(
        &self,
        lstm: &PackedLstm<R>,
        reverse: bool,
        results: &mut LstmResults<R>,
    ) -> Vec<R> {
        let hidden = lstm.shape().hidden_size();
        let turn = |rows: &[R]| if reverse { reversed(rows, self.steps) } else { rows.to_vec() };
        let (h0, c0) = (self.tensor::<R>("h0"), self.tensor::<R>("c0"));
        let mut y = vec![];
        for window in results.y.chunks(self.steps * lstm.shape().input_size()) {
            let mut state = LstmState::zeros(hidden);
            let at = results.h_n.len();
            state.h_mut().copy_from_slice(&h0[at..][..hidden]);
            state.c_mut().copy_from_slice(&c0[at..][..hidden]);
            let mut rows = vec![R::ZERO; self.steps * hidden];
            let mut scratch = lstm.scratch();
            lstm.sequence(&turn(window), &mut state, Some(&mut rows), &mut scratch).unwrap();
            y.extend(turn(&rows));
            results.h_n.extend_from_slice(state.h());
            results.c_n.extend_from_slice(state.c());
        }
        y
    }
}
