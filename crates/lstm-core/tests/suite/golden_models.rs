//! Results and gradients of the networks v3.2, v3 and v3.1 against `PyTorch`.
use serde_json::Value;
use windvane_lstm_core::{Biases, CrossEntropy, Kernel, Real, Tensors, softmax};
use windvane_testing::{TensorFile, Unsupported, assert_close, golden_dir, json};

use crate::common::{cast, swap_axes, widen};
use crate::network::{Batch, BatchResults, Network};

#[test]
fn golden_results_and_gradients_of_networks() {
    let dir = golden_dir("b_models");
    let mut cases = Unsupported::new("b_models");
    for case in json(&dir.join("index.json")).as_array().unwrap() {
        let name = case["case"].as_str().unwrap();
        let Some(net) = network(case, Biases::Two) else {
            cases.skip(name, "a network with layers that the crate does not have");
            continue;
        };
        let wide = TensorFile::read(&dir.join(format!("{name}.f64.safetensors")));
        let narrow = TensorFile::read(&dir.join(format!("{name}.f32-results.safetensors")));
        let net = &net;
        let sizes = [size(case, "batch"), size(case, "steps")];
        NetworkCase { name, net, given: &wide, want: &wide, sizes, tolerance: 1e-10 }.run::<f64>();
        NetworkCase { name, net, given: &wide, want: &narrow, sizes, tolerance: 1e-5 }.run::<f32>();
        cases.ran();
    }
}

fn size(case: &Value, key: &str) -> usize {
    usize::try_from(case[key].as_u64().unwrap_or_else(|| panic!("no size {key}"))).unwrap()
}

/// Creates the network that an entry of the index describes, if the crate has its layers.
pub(crate) fn network(case: &Value, biases: Biases) -> Option<Network> {
    let sizes = || ["inputs", "hidden", "classes"].map(|key| size(case, key));
    // A single hidden layer is stored as a number, several as a list.
    let hidden = || -> Vec<usize> {
        match case["dense"].as_array() {
            Some(list) => list.iter().map(|n| n.as_u64().unwrap().try_into().unwrap()).collect(),
            None => vec![size(case, "dense")],
        }
    };
    match case["model"].as_str()? {
        "v32" => Some(Network::v32(sizes(), biases)),
        "v3" => Some(Network::v3(sizes(), biases)),
        "v31" | "v31_deep" => Some(Network::v31(sizes(), size(case, "att"), &hidden(), biases)),
        _ => None,
    }
}

struct NetworkCase<'a> {
    name: &'a str,
    net: &'a Network,
    given: &'a TensorFile,
    want: &'a TensorFile,
    /// Batch size and number of time steps.
    sizes: [usize; 2],
    tolerance: f64,
}

impl NetworkCase<'_> {
    /// Compares a tensor; the f32 files of the large cases have no gradients.
    fn close<R: Real>(&self, got: &[R], name: &str) {
        let complete = std::ptr::eq(self.want, self.given) || !name.starts_with("grad.");
        if complete || self.want.find(name).is_some() {
            let want = self.want.get(name);
            let what = format!("{} {name}", self.name);
            assert_close(&widen(got), &want.data, self.tolerance, 0.0, &what);
        }
    }

    fn run<R: Real>(&self) {
        let weights: Tensors<R> = self.net.load(self.given);
        let x: Vec<R> = cast(&self.given.get("x").data);
        let targets: Vec<usize> =
            self.given.get("target").data.iter().copied().map(class).collect();
        let masks: Vec<Vec<R>> =
            self.given.find("dropout_mask").iter().map(|mask| cast(&mask.data)).collect();
        let batch = Batch {
            x: &swap_axes(&x, self.sizes),
            targets: &targets,
            loss: CrossEntropy { classes: self.net.classes(), weights: None, smoothing: R::ZERO },
            masks: &masks,
        };
        let mut d_weights = weights.zeros_like();
        let mut d_x = vec![R::ZERO; x.len()];
        let BatchResults { loss, logits, attention } =
            self.net.learn(&weights, &batch, &mut d_weights, Some(&mut d_x));
        self.close(&[loss], "loss");
        let [batch, steps] = self.sizes;
        let attention = attention.map(|weights| swap_axes(&weights, [steps, batch]));
        self.check_results(logits, attention);
        self.close(&swap_axes(&d_x, [steps, batch]), "grad.x");
        for (spec, gradient) in d_weights.iter() {
            self.close(gradient, &format!("grad.{}", spec.name));
        }
        // Inference has no dropout.
        if masks.is_empty() {
            for kernel in Kernel::available() {
                self.infer(&weights, &x, *kernel);
            }
        }
    }

    /// Compares the logits `[B, C]` and the attention weights `[B, T]`, if there are any.
    fn check_results<R: Real>(&self, mut logits: Vec<R>, attention: Option<Vec<R>>) {
        self.close(&logits, "logits");
        logits.chunks_mut(self.net.classes()).for_each(softmax);
        self.close(&logits, "softmax");
        assert_eq!(attention.is_some(), self.want.find("attention").is_some(), "{}", self.name);
        if let Some(attention) = attention {
            self.close(&attention, "attention");
        }
    }

    fn infer<R: Real>(&self, weights: &Tensors<R>, x: &[R], kernel: Kernel) {
        let mut packed = self.net.pack(weights, kernel);
        let (mut logits, mut attention) = (vec![], vec![]);
        for window in x.chunks(x.len() / self.sizes[0]) {
            logits.extend(packed.logits(window));
            attention.extend(packed.attention().unwrap_or_default());
        }
        self.check_results(logits, self.net.attention.map(|_| attention));
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
