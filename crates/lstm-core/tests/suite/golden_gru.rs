//! Results and gradients of one or two GRU layers, unidirectional or bidirectional, against
//! `PyTorch`.
use serde_json::Value;
use windvane_lstm_core::{
    GruCache, GruGradients, GruShape, GruUpstream, Real, gru_backward, gru_forward,
};
use windvane_testing::{TensorFile, assert_close, golden_dir, json};

use crate::common::{cast, swap_axes, widen};
use crate::golden_layers::size;

#[test]
fn golden_gru_forward_and_gradients() {
    let dir = golden_dir("i_layers");
    let index = json(&dir.join("index.json"));
    let cases: Vec<&Value> =
        index.as_array().unwrap().iter().filter(|case| case["layer"] == "gru").collect();
    assert!(!cases.is_empty(), "the folder has no GRU");
    for case in cases {
        let file = TensorFile::read(&dir.join(case["file"].as_str().unwrap()));
        let case = GruCase::read(case, &file);
        if case.name.contains(".f64.") {
            case.run::<f64>(1e-10, 1e-10);
        } else {
            case.run::<f32>(1e-5, 1e-4);
        }
    }
}

struct GruCase<'a> {
    name: &'a str,
    file: &'a TensorFile,
    /// Layers; the results of each are the inputs of the next.
    layers: Vec<GruShape>,
    directions: usize,
    steps: usize,
    batch: usize,
}

impl<'a> GruCase<'a> {
    fn read(case: &'a Value, file: &'a TensorFile) -> Self {
        let both = case["bidirectional"] == true;
        let hidden = size(case, "hidden");
        let mut layers = vec![GruShape::new(size(case, "input"), hidden, both).unwrap()];
        for _ in 1..size(case, "layers") {
            layers.push(GruShape::new(layers[0].output_size(), hidden, both).unwrap());
        }
        Self {
            name: case["file"].as_str().unwrap(),
            file,
            layers,
            directions: 1 + usize::from(both),
            steps: size(case, "steps"),
            batch: size(case, "batch"),
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
        swap_axes(&self.tensor(name)[k * len..][..len], [self.directions, self.batch])
    }

    /// Rearranges a state of a layer from `[B, dirs * H]` to `[dirs, B, H]`.
    fn by_direction<R: Real>(&self, state: &[R]) -> Vec<R> {
        swap_axes(state, [self.batch, self.directions])
    }

    fn close<R: Real>(&self, got: &[R], name: &str, tolerance: f64) {
        let want = &self.file.get(name).data;
        assert_close(&widen(got), want, tolerance, 0.0, &format!("{} {name}", self.name));
    }

    /// Returns the names of the tensors of layer `k` in the order of its parameters.
    fn names(&self, k: usize) -> Vec<String> {
        let layer = if k == 0 { String::new() } else { format!("_l{k}") };
        let specs = self.layers[k].specs("gru");
        let name = |own: &str| {
            let own = &own["gru.".len()..];
            match own.strip_suffix("_reverse") {
                Some(tensor) => format!("{tensor}{layer}_reverse"),
                None => format!("{own}{layer}"),
            }
        };
        specs.iter().map(|spec| name(&spec.name)).collect()
    }

    fn run<R: Real>(&self, tolerance: f64, loss_tolerance: f64) {
        let weights: Vec<Vec<R>> = (0..self.layers.len())
            .map(|k| self.names(k).iter().flat_map(|name| self.tensor(name)).collect())
            .collect();
        let (mut caches, mut xs, mut h_n) = (vec![], vec![self.time_major("x")], vec![]);
        for (k, layer) in self.layers.iter().enumerate() {
            let start: Vec<R> = self.state("h0", k);
            let mut cache = GruCache::new();
            gru_forward(*layer, &weights[k], &xs[k], self.batch, Some(&start), &mut cache).unwrap();
            h_n.extend(self.by_direction(cache.last_hidden()));
            xs.push(cache.hidden().to_vec());
            caches.push(cache);
        }
        let y = swap_axes(&xs[self.layers.len()], [self.steps, self.batch]);
        self.close(&y, "y", tolerance);
        self.close(&h_n, "h_n", tolerance);
        let dot = |a: &[R], name: &str| {
            a.iter().zip(self.tensor::<R>(name)).map(|(a, b)| *a * b).sum::<R>()
        };
        let loss = (dot(&y, "dL_dy") + dot(&h_n, "dL_dh_n")).to_f64();
        let what = format!("{} loss", self.name);
        assert_close(&[loss], &self.file.get("loss").data, loss_tolerance, 1.0, &what);
        self.differentiate(&weights, &xs, &mut caches, ("grad_", tolerance));
        self.differentiate(&weights, &xs, &mut caches, ("yonly_grad_", tolerance));
    }

    fn differentiate<R: Real>(
        &self,
        weights: &[Vec<R>],
        xs: &[Vec<R>],
        caches: &mut [GruCache<R>],
        (prefix, tolerance): (&str, f64),
    ) {
        let mut d_y: Vec<R> = self.time_major("dL_dy");
        let (mut d_h0, whole) = (vec![], prefix == "grad_");
        for (k, layer) in self.layers.iter().enumerate().rev() {
            let d_last = self.state("dL_dh_n", k);
            let d_last_hidden = whole.then_some(&d_last[..]);
            let mut d_weights = vec![R::ZERO; weights[k].len()];
            let mut d_x = vec![R::ZERO; xs[k].len()];
            let mut d_start = vec![R::ZERO; d_last.len()];
            let into = GruGradients {
                d_params: &mut d_weights,
                d_inputs: Some(&mut d_x),
                d_start: Some(&mut d_start),
            };
            let upstream = GruUpstream { d_hidden: Some(&d_y), d_last_hidden };
            gru_backward(*layer, &weights[k], &xs[k], &mut caches[k], upstream, into).unwrap();
            d_h0.splice(0..0, self.by_direction(&d_start));
            if whole {
                self.check_weights(&d_weights, k, tolerance);
            }
            d_y = d_x;
        }
        self.close(&swap_axes(&d_y, [self.steps, self.batch]), &format!("{prefix}x"), tolerance);
        self.close(&d_h0, &format!("{prefix}h0"), tolerance);
    }

    fn check_weights<R: Real>(&self, mut d_weights: &[R], k: usize, tolerance: f64) {
        for name in self.names(k) {
            let len = self.file.get(&name).data.len();
            let tensor = d_weights.split_off(..len).unwrap();
            self.close(tensor, &format!("grad_{name}"), tolerance);
        }
        assert!(d_weights.is_empty());
    }
}
