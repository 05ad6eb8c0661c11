//! One LSTM layer against `PyTorch`: results and every gradient.
use serde_json::Value;
use windvane_lstm_core::{
    Biases, Kernel, LstmCache, LstmGradients, LstmShape, LstmStart, LstmStartMut, LstmState,
    LstmUpstream, PackedLstm, Real, lstm_backward, lstm_forward,
};
use windvane_testing::{TensorFile, Unsupported, assert_close, golden_dir, json};

use crate::common::{cast, swap_axes, widen};

#[test]
fn golden_lstm_forward_and_gradients() {
    let dir = golden_dir("a_lstm");
    let mut cases = Unsupported::new("a_lstm");
    for case in json(&dir.join("index.json")).as_array().unwrap() {
        let name = case["file"].as_str().unwrap();
        if case["layers"] != 1 || case["bidirectional"] != false {
            cases.skip(name, "the crate's layer is single and runs in one direction");
            continue;
        }
        let file = TensorFile::read(&dir.join(name));
        let case = Case::read(case, &file);
        if name.contains(".f64.") {
            case.run::<f64>(1e-10, 1e-10);
        } else {
            case.run::<f32>(1e-5, 1e-4);
        }
        cases.ran();
    }
}

struct Case<'a> {
    name: &'a str,
    file: &'a TensorFile,
    shape: LstmShape,
    steps: usize,
    batch: usize,
}

impl<'a> Case<'a> {
    fn read(case: &'a Value, file: &'a TensorFile) -> Self {
        let size = |key: &str| usize::try_from(case[key].as_u64().unwrap()).unwrap();
        Self {
            name: case["file"].as_str().unwrap(),
            file,
            shape: LstmShape::new(size("input"), size("hidden"), Biases::Two).unwrap(),
            steps: size("steps"),
            batch: size("batch"),
        }
    }

    fn tensor<R: Real>(&self, name: &str) -> Vec<R> {
        cast(&self.file.get(name).data)
    }

    /// A `[B, T, ..]` tensor of the file as `[T, B, ..]`.
    fn time_major<R: Real>(&self, name: &str) -> Vec<R> {
        swap_axes(&self.tensor(name), [self.batch, self.steps])
    }

    fn close<R: Real>(&self, got: &[R], name: &str, tolerance: f64) {
        let want = &self.file.get(name).data;
        assert_close(&widen(got), want, tolerance, 0.0, &format!("{} {name}", self.name));
    }

    /// A `[T, B, ..]` result against a `[B, T, ..]` tensor.
    fn close_in_time<R: Real>(&self, got: &[R], name: &str, tolerance: f64) {
        self.close(&swap_axes(got, [self.steps, self.batch]), name, tolerance);
    }

    fn run<R: Real>(&self, tolerance: f64, loss_tolerance: f64) {
        let names = ["w_ih", "w_hh", "b_ih", "b_hh"];
        let weights: Vec<R> = names.iter().flat_map(|name| self.tensor(name)).collect();
        self.train(&weights, tolerance, loss_tolerance);
        for kernel in Kernel::available() {
            let lstm = PackedLstm::new(self.shape, self.shape.params(&weights).unwrap()).unwrap();
            self.infer(&lstm.with_kernel(*kernel).unwrap(), tolerance);
        }
    }

    fn train<R: Real>(&self, weights: &[R], tolerance: f64, loss_tolerance: f64) {
        let params = self.shape.params(weights).unwrap();
        let x = self.time_major("x");
        let (h0, c0) = (self.tensor("h0"), self.tensor("c0"));
        let mut cache = LstmCache::new();
        let start = LstmStart { hidden: &h0, cell: &c0 };
        lstm_forward(self.shape, params, &x, self.batch, Some(start), &mut cache).unwrap();
        self.close_in_time(cache.hidden(), "y", tolerance);
        self.close(cache.last_hidden(), "h_n", tolerance);
        self.close(cache.last_cell(), "c_n", tolerance);

        let d_y: Vec<R> = self.time_major("dL_dy");
        let (d_h, d_c): (Vec<R>, Vec<R>) = (self.tensor("dL_dh_n"), self.tensor("dL_dc_n"));
        let dot = |a: &[R], b: &[R]| a.iter().zip(b).map(|(a, b)| *a * *b).sum::<R>();
        let loss = dot(cache.hidden(), &d_y)
            + dot(cache.last_hidden(), &d_h)
            + dot(cache.last_cell(), &d_c);
        assert_close(
            &[loss.to_f64()],
            &self.file.get("loss").data,
            loss_tolerance,
            1.0,
            &format!("{} loss", self.name),
        );

        let all = [Some(&d_y[..]), Some(&d_h[..]), Some(&d_c[..])];
        self.differentiate(weights, &x, &mut cache, all, ("grad_", tolerance));
        let only_y = [Some(&d_y[..]), None, None];
        self.differentiate(weights, &x, &mut cache, only_y, ("yonly_grad_", tolerance));
    }

    fn differentiate<R: Real>(
        &self,
        weights: &[R],
        x: &[R],
        cache: &mut LstmCache<R>,
        [d_hidden, d_last_hidden, d_last_cell]: [Option<&[R]>; 3],
        (prefix, tolerance): (&str, f64),
    ) {
        let state = self.batch * self.shape.hidden_size();
        let mut d_weights = vec![R::ZERO; weights.len()];
        let mut d_x = vec![R::ZERO; x.len()];
        let (mut d_h0, mut d_c0) = (vec![R::ZERO; state], vec![R::ZERO; state]);
        let into = LstmGradients {
            d_params: self.shape.params_mut(&mut d_weights).unwrap(),
            d_inputs: Some(&mut d_x),
            d_start: Some(LstmStartMut { hidden: &mut d_h0, cell: &mut d_c0 }),
        };
        let upstream = LstmUpstream { d_hidden, d_last_hidden, d_last_cell };
        let params = self.shape.params(weights).unwrap();
        lstm_backward(self.shape, params, x, cache, upstream, into).unwrap();
        self.close_in_time(&d_x, &format!("{prefix}x"), tolerance);
        self.close(&d_h0, &format!("{prefix}h0"), tolerance);
        self.close(&d_c0, &format!("{prefix}c0"), tolerance);
        if prefix == "grad_" {
            let d = self.shape.params(&d_weights).unwrap();
            self.close(d.w_ih, "grad_w_ih", tolerance);
            self.close(d.w_hh, "grad_w_hh", tolerance);
            self.close(d.b_ih, "grad_b_ih", tolerance);
            self.close(d.b_hh.unwrap(), "grad_b_hh", tolerance);
        }
    }

    fn infer<R: Real>(&self, lstm: &PackedLstm<R>, tolerance: f64) {
        let hidden = self.shape.hidden_size();
        let (x, h0, c0) = (self.tensor::<R>("x"), self.tensor::<R>("h0"), self.tensor::<R>("c0"));
        let mut scratch = lstm.scratch();
        let mut y = vec![R::ZERO; self.batch * self.steps * hidden];
        let (mut h_n, mut c_n) = (Vec::new(), Vec::new());
        let windows = x.chunks(self.steps * self.shape.input_size());
        for (b, (window, y)) in windows.zip(y.chunks_mut(self.steps * hidden)).enumerate() {
            let mut state = LstmState::zeros(hidden);
            state.h_mut().copy_from_slice(&h0[b * hidden..][..hidden]);
            state.c_mut().copy_from_slice(&c0[b * hidden..][..hidden]);
            lstm.sequence(window, &mut state, Some(y), &mut scratch).unwrap();
            h_n.extend_from_slice(state.h());
            c_n.extend_from_slice(state.c());
        }
        self.close(&y, "y", tolerance);
        self.close(&h_n, "h_n", tolerance);
        self.close(&c_n, "c_n", tolerance);
    }
}
