//! Test cases of the ONNX operator that the layer supports: forward, reverse (the reversed
//! sequence) and bidirectional (one layer per direction).
use serde_json::Value;
use windvane_lstm_core::{
    Biases, Kernel, LstmCache, LstmParams, LstmShape, LstmStart, LstmState, PackedLstm,
    lstm_forward,
};
use windvane_testing::{TensorFile, Unsupported, assert_close, golden_dir, json};

use crate::common::{cast, swap_axes, widen};

const TOLERANCE: f64 = 1e-5;

#[test]
fn golden_onnx_operator_cases() {
    let dir = golden_dir("e_onnx");
    let mut cases = Unsupported::new("e_onnx");
    for (name, case) in json(&dir.join("index.json")).as_object().unwrap() {
        let file = TensorFile::read(&dir.join(format!("{name}.safetensors")));
        if let Some(why) = obstacle(case, &file) {
            cases.skip(name, why);
        } else {
            run(name, case, &file);
            cases.ran();
        }
    }
}

/// Returns the reason why the layer does not support a case.
fn obstacle(case: &Value, file: &TensorFile) -> Option<&'static str> {
    let known = |key: &String| key == "hidden_size" || key == "direction";
    if file.find("P").is_some() {
        return Some("peepholes");
    }
    if !case["attributes"].as_object().unwrap().keys().all(known) {
        return Some("an attribute that the layer does not have");
    }
    let steps = file.get("X").shape[0] as f64;
    let full = |lens: &[f64]| lens.iter().all(|len| *len == steps);
    match file.find("sequence_lens") {
        Some(lens) if !full(&lens.data) => Some("sequences of different lengths"),
        _ => None,
    }
}

fn run(name: &str, case: &Value, file: &TensorFile) {
    let reversed: &[bool] = match case["attributes"]["direction"].as_str().unwrap_or("forward") {
        "forward" => &[false],
        "reverse" => &[true],
        "bidirectional" => &[false, true],
        other => panic!("{name}: direction {other}"),
    };
    for (direction, reversed) in reversed.iter().enumerate() {
        let layer = OnnxLayer::read(file, direction, *reversed);
        let what = format!("{name} direction {direction}");
        layer.check(file, layer.train(), &format!("{what} training"));
        for kernel in Kernel::available() {
            layer.check(file, layer.infer(*kernel), &format!("{what} {}", kernel.name()));
        }
    }
}

/// One direction of a case, in the layout of the crate.
struct OnnxLayer {
    shape: LstmShape,
    direction: usize,
    reversed: bool,
    steps: usize,
    batch: usize,
    /// Inputs `[T, B, I]` in the order of reading.
    x: Vec<f32>,
    /// Parameters `w_ih`, `w_hh`, `b_ih` and `b_hh`.
    weights: [Vec<f32>; 4],
    h0: Vec<f32>,
    c0: Vec<f32>,
}

/// Hidden states `[T, B, H]` in the order of reading, and the last states `[B, H]`.
struct OnnxResults {
    y: Vec<f32>,
    h_n: Vec<f32>,
    c_n: Vec<f32>,
}

impl OnnxLayer {
    fn read(file: &TensorFile, direction: usize, reversed: bool) -> Self {
        let shape = &file.get("X").shape;
        let (steps, batch, inputs) = (shape[0], shape[1], shape[2]);
        let hidden = file.get("R").shape[2];
        let part = |name: &str, len: usize| -> Vec<f32> {
            file.find(name).map_or_else(
                || vec![0.0; len],
                |tensor| cast(&tensor.data[direction * len..][..len]),
            )
        };
        // ONNX orders the gates i, o, f, c; the crate i, f, g, o.
        let gates = |rows: &[f32]| -> Vec<f32> {
            let gate = rows.len() / 4;
            [0, 2, 3, 1].iter().flat_map(|g| rows[g * gate..][..gate].to_vec()).collect()
        };
        let biases = part("B", 8 * hidden);
        let (b_ih, b_hh) = biases.split_at(4 * hidden);
        Self {
            shape: LstmShape::new(inputs, hidden, Biases::Two).unwrap(),
            direction,
            reversed,
            steps,
            batch,
            x: reorder(cast(&file.get("X").data), steps, reversed),
            weights: [
                gates(&part("W", 4 * hidden * inputs)),
                gates(&part("R", 4 * hidden * hidden)),
                gates(b_ih),
                gates(b_hh),
            ],
            h0: part("initial_h", batch * hidden),
            c0: part("initial_c", batch * hidden),
        }
    }

    fn params(&self) -> LstmParams<'_, f32> {
        let [w_ih, w_hh, b_ih, b_hh] = &self.weights;
        LstmParams { w_ih, w_hh, b_ih, b_hh: Some(b_hh) }
    }

    fn train(&self) -> OnnxResults {
        let mut cache = LstmCache::new();
        let start = LstmStart { hidden: &self.h0, cell: &self.c0 };
        lstm_forward(self.shape, self.params(), &self.x, self.batch, Some(start), &mut cache)
            .unwrap();
        OnnxResults {
            y: cache.hidden().to_vec(),
            h_n: cache.last_hidden().to_vec(),
            c_n: cache.last_cell().to_vec(),
        }
    }

    fn infer(&self, kernel: Kernel) -> OnnxResults {
        let hidden = self.shape.hidden_size();
        let lstm = PackedLstm::new(self.shape, self.params()).unwrap();
        let lstm = lstm.with_kernel(kernel).unwrap();
        let mut scratch = lstm.scratch();
        let windows = swap_axes(&self.x, [self.steps, self.batch]);
        let (mut y, mut h_n, mut c_n) = (vec![], vec![], vec![]);
        for (b, window) in windows.chunks(self.steps * self.shape.input_size()).enumerate() {
            let mut state = LstmState::zeros(hidden);
            state.h_mut().copy_from_slice(&self.h0[b * hidden..][..hidden]);
            state.c_mut().copy_from_slice(&self.c0[b * hidden..][..hidden]);
            let mut out = vec![0.0; self.steps * hidden];
            lstm.sequence(window, &mut state, Some(&mut out), &mut scratch).unwrap();
            y.extend(out);
            h_n.extend_from_slice(state.h());
            c_n.extend_from_slice(state.c());
        }
        OnnxResults { y: swap_axes(&y, [self.batch, self.steps]), h_n, c_n }
    }

    fn check(&self, file: &TensorFile, got: OnnxResults, what: &str) {
        let state = self.batch * self.shape.hidden_size();
        let close = |got: &[f32], name: &str, want: &[f64]| {
            assert_close(&widen(got), want, TOLERANCE, 0.0, &format!("{what} {name}"));
        };
        for (name, got) in [("out.Y_h", &got.h_n), ("out.Y_c", &got.c_n)] {
            if let Some(want) = file.find(name) {
                close(got, name, &want.data[self.direction * state..][..state]);
            }
        }
        if let Some(want) = file.find("out.Y") {
            // [T, dirs, B, H]
            let directions = want.shape[1];
            let want: Vec<f64> = (0..self.steps)
                .flat_map(|t| &want.data[(t * directions + self.direction) * state..][..state])
                .copied()
                .collect();
            close(&reorder(got.y, self.steps, self.reversed), "out.Y", &want);
        }
    }
}

/// Reverses the order of the steps if `reversed`.
fn reorder(values: Vec<f32>, steps: usize, reversed: bool) -> Vec<f32> {
    if !reversed {
        return values;
    }
    crate::common::reversed(&values, steps)
}
