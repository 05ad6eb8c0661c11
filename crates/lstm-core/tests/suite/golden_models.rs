//! The whole network v3.2 against `PyTorch`.
use windvane_lstm_core::{
    Biases, CrossEntropy, Kernel, PackedDense, PackedLstm, Real, Tensors, softmax,
};
use windvane_testing::{TensorFile, Unsupported, assert_close, golden_dir, json};

use crate::common::{Batch, V32, cast, swap_axes, widen};

#[test]
fn golden_v32_results_and_gradients() {
    let dir = golden_dir("b_models");
    let mut cases = Unsupported::new("b_models");
    for case in json(&dir.join("index.json")).as_array().unwrap() {
        let name = case["case"].as_str().unwrap();
        if case["model"] != "v32" {
            cases.skip(name, "not an LSTM with a dense layer alone");
            continue;
        }
        let wide = TensorFile::read(&dir.join(format!("{name}.f64.safetensors")));
        if wide.find("dropout_mask").is_some() {
            cases.skip(name, "dropout is not this crate's");
            continue;
        }
        let narrow = TensorFile::read(&dir.join(format!("{name}.f32-results.safetensors")));
        let size = |key: &str| usize::try_from(case[key].as_u64().unwrap()).unwrap();
        let net = V32::new([size("inputs"), size("hidden"), size("classes")], Biases::Two);
        let sizes = [size("batch"), size("steps")];
        Case { name, net, given: &wide, want: &wide, sizes, tolerance: 1e-10 }.run::<f64>();
        Case { name, net, given: &wide, want: &narrow, sizes, tolerance: 1e-5 }.run::<f32>();
        cases.ran();
    }
}

struct Case<'a> {
    name: &'a str,
    net: V32,
    given: &'a TensorFile,
    want: &'a TensorFile,
    /// Batch and steps.
    sizes: [usize; 2],
    tolerance: f64,
}

impl Case<'_> {
    fn close<R: Real>(&self, got: &[R], name: &str) {
        if let Some(want) = self.want.find(name) {
            let what = format!("{} {name}", self.name);
            assert_close(&widen(got), &want.data, self.tolerance, 0.0, &what);
        }
    }

    fn run<R: Real>(&self) {
        assert!(self.want.find("logits").is_some() && self.want.find("grad.x").is_some());
        let weights: Tensors<R> = self.net.load(self.given);
        let x: Vec<R> = cast(&self.given.get("x").data);
        let targets: Vec<usize> =
            self.given.get("target").data.iter().copied().map(class).collect();
        let classes = self.net.fc.output_size();
        let batch = Batch {
            x: &swap_axes(&x, self.sizes),
            targets: &targets,
            loss: CrossEntropy { classes, weights: None, smoothing: R::ZERO },
        };
        let mut d_weights = weights.zeros_like();
        let mut d_x = vec![R::ZERO; x.len()];
        let (loss, logits) = self.net.learn(&weights, &batch, &mut d_weights, Some(&mut d_x));
        self.close(&[loss], "loss");
        self.check_logits(logits);
        let [batch, steps] = self.sizes;
        self.close(&swap_axes(&d_x, [steps, batch]), "grad.x");
        for (spec, gradient) in d_weights.iter() {
            self.close(gradient, &format!("grad.{}", spec.name));
        }
        for kernel in Kernel::available() {
            self.check_logits(self.infer(&weights, &x, *kernel));
        }
    }

    fn check_logits<R: Real>(&self, mut logits: Vec<R>) {
        self.close(&logits, "logits");
        logits.chunks_mut(self.net.fc.output_size()).for_each(softmax);
        self.close(&logits, "softmax");
    }

    fn infer<R: Real>(&self, weights: &Tensors<R>, x: &[R], kernel: Kernel) -> Vec<R> {
        let V32 { lstm, fc } = self.net;
        let (of_lstm, of_fc) = weights.flat().split_at(lstm.len());
        let packed = PackedLstm::new(lstm, lstm.params(of_lstm).unwrap()).unwrap();
        let packed = packed.with_kernel(kernel).unwrap();
        let dense = PackedDense::new(fc, fc.params(of_fc).unwrap()).unwrap();
        let dense = dense.with_kernel(kernel).unwrap();
        let mut scratch = packed.scratch();
        let mut logits = vec![R::ZERO; self.sizes[0] * fc.output_size()];
        let windows = x.chunks(self.sizes[1] * lstm.input_size());
        for (window, logits) in windows.zip(logits.chunks_mut(fc.output_size())) {
            dense.apply(packed.last_hidden(window, &mut scratch).unwrap(), logits).unwrap();
        }
        logits
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "classes are small whole numbers"
)]
pub(crate) fn class(number: f64) -> usize {
    number as usize
}
