//! Networks of a GRU, a temporal convolutional network or a transformer against `PyTorch`: results,
//! gradients and ten training steps.
use serde_json::Value;
use windvane_lstm_core::{
    Clip, CrossEntropy, DenseShape, GruShape, Kernel, Optimizer, OptimizerState, Real, Schedule,
    TcnShape, TransformerShape, dense_backward, dense_forward, softmax,
};
use windvane_testing::{TensorFile, Unsupported, assert_close, golden_dir, json};

use crate::common::{cast, swap_axes, widen};
use crate::golden_layers::{size, torch_name};
use crate::golden_models::class;
use crate::golden_training::{number, numbers};
use crate::stack::{Stack, StackCache};

#[test]
fn golden_encoders_results_and_gradients() {
    let dir = golden_dir("j_models");
    let mut cases = Unsupported::new("j_models");
    for case in json(&dir.join("index.json"))["cases"].as_array().unwrap() {
        let name = case["case"].as_str().unwrap();
        let Some(net) = Network::read(case) else {
            cases.skip(name, "a network with layers that the crate does not have");
            continue;
        };
        let wide = TensorFile::read(&dir.join(format!("{name}.f64.safetensors")));
        check_case::<f64>(&net, case, [&wide, &wide], 1e-10);
        let narrow = dir.join(format!("{name}.f32-results.safetensors"));
        if narrow.exists() {
            check_case::<f32>(&net, case, [&wide, &TensorFile::read(&narrow)], 1e-5);
        }
        cases.ran();
    }
}

/// Network of an encoder, the last or the mean result, and a dense layer.
struct Network {
    stack: Stack,
    fc: DenseShape,
    mean: bool,
}

impl Network {
    /// Creates the network that an entry of the index describes, if the crate has its layers.
    fn read(case: &Value) -> Option<Self> {
        let size = |key| size(case, key);
        let inputs = size("inputs");
        let stack = match case["model"].as_str()? {
            "gru" => Stack::Gru(GruShape::new(inputs, size("hidden"), false).unwrap()),
            "tcn" => {
                let dilations: Vec<u64> =
                    case["dilations"].as_array()?.iter().filter_map(Value::as_u64).collect();
                if (0..).zip(&dilations).any(|(number, dilation)| 1 << number != *dilation) {
                    return None;
                }
                Stack::Tcn(TcnShape::new(inputs, size("channels"), dilations.len()).unwrap())
            }
            "transformer" => {
                let [heads, units] = [size("heads"), size("feed_forward")];
                let shape =
                    TransformerShape::new(inputs, size("size"), heads, units, size("layers"));
                Stack::Transformer(shape.unwrap())
            }
            _ => return None,
        };
        let fc = DenseShape::new(stack.sizes()[1], size("classes")).unwrap();
        let mean = matches!(stack, Stack::Transformer(_));
        Some(Self { stack, fc, mean })
    }

    /// Returns the names of `PyTorch` and the lengths of all parameters.
    fn names(&self) -> Vec<(String, usize)> {
        let name = |own: &str| match (&self.stack, own.strip_prefix("layer.")) {
            (Stack::Gru(_), Some(own)) => {
                let (kind, which) = own.split_once('_').unwrap();
                let kind = if kind == "w" { "weight" } else { "bias" };
                format!("gru.{kind}_{which}_l0")
            }
            (_, _) => torch_name(own),
        };
        let specs = self.stack.specs().into_iter().chain(self.fc.specs("fc"));
        specs.map(|spec| (name(&spec.name), spec.len())).collect()
    }

    fn load<R: Real>(&self, file: &TensorFile) -> Vec<R> {
        self.names().iter().flat_map(|(name, _)| cast(&file.get(name).data)).collect()
    }

    /// Returns the pooled results `[B, N]` of rows `[T, B, N]`.
    fn pool<R: Real>(&self, rows: &[R], batch: usize) -> Vec<R> {
        let row = batch * self.fc.input_size();
        let mut pooled = vec![R::ZERO; row];
        let skipped = if self.mean { 0 } else { rows.len() - row };
        for step in rows[skipped..].chunks_exact(row) {
            pooled.iter_mut().zip(step).for_each(|(sum, value)| *sum += *value);
        }
        let count = R::from_f64((rows.len() - skipped) as f64 / row as f64);
        for sum in &mut pooled {
            *sum /= count;
        }
        pooled
    }

    fn logits<R: Real>(&self, weights: &[R], pooled: &[R]) -> Vec<R> {
        let mut logits = vec![R::ZERO; pooled.len() / self.fc.input_size() * self.fc.output_size()];
        let params = self.fc.params(&weights[self.stack.len()..]).unwrap();
        dense_forward(self.fc, params, pooled, &mut logits).unwrap();
        logits
    }

    /// Returns loss and logits of a batch `[T, B, I]` and adds the gradients.
    fn learn<R: Real>(
        &self,
        weights: &[R],
        (x, targets): (&[R], &[usize]),
        d_weights: &mut [R],
        d_x: Option<&mut [R]>,
    ) -> (R, Vec<R>) {
        let batch = targets.len();
        let (of_stack, of_fc) = weights.split_at(self.stack.len());
        let (d_stack, d_fc) = d_weights.split_at_mut(self.stack.len());
        let mut cache = StackCache::new();
        let rows = self.stack.forward(of_stack, x, batch, &mut cache).to_vec();
        let pooled = self.pool(&rows, batch);
        let logits = self.logits(weights, &pooled);
        let loss =
            CrossEntropy { classes: self.fc.output_size(), weights: None, smoothing: R::ZERO };
        let mut d_logits = vec![R::ZERO; logits.len()];
        let normaliser = loss.normaliser(targets).unwrap();
        let value = loss.add(&logits, targets, normaliser, &mut d_logits).unwrap();
        let mut d_pooled = vec![R::ZERO; pooled.len()];
        let (params, into) = (self.fc.params(of_fc).unwrap(), self.fc.params_mut(d_fc).unwrap());
        dense_backward(self.fc, params, &pooled, &d_logits, into, Some(&mut d_pooled)).unwrap();
        let mut d_rows = vec![R::ZERO; rows.len()];
        let skipped = if self.mean { 0 } else { rows.len() - pooled.len() };
        let count = R::from_f64((rows.len() - skipped) as f64 / pooled.len() as f64);
        for step in d_rows[skipped..].chunks_exact_mut(pooled.len()) {
            step.iter_mut().zip(&d_pooled).for_each(|(d, pooled)| *d = *pooled / count);
        }
        self.stack.backward(of_stack, x, &mut cache, &d_rows, (d_stack, d_x));
        (value, logits)
    }
}

fn check_case<R: Real>(
    net: &Network,
    case: &Value,
    [given, want]: [&TensorFile; 2],
    tolerance: f64,
) {
    let name = case["case"].as_str().unwrap();
    let (sizes, inputs) = ([size(case, "batch"), size(case, "steps")], size(case, "inputs"));
    let close = |got: &[R], key: &str| {
        // The f32 files of the large cases have no gradients.
        if std::ptr::eq(given, want) || !key.starts_with("grad.") || want.find(key).is_some() {
            let what = format!("{name} {key}");
            assert_close(&widen(got), &want.get(key).data, tolerance, 0.0, &what);
        }
    };
    let weights: Vec<R> = net.load(given);
    let windows: Vec<R> = cast(&given.get("x").data);
    let targets: Vec<usize> = given.get("target").data.iter().copied().map(class).collect();
    let (mut d_weights, mut d_x) = (vec![R::ZERO; weights.len()], vec![R::ZERO; windows.len()]);
    let x = swap_axes(&windows, sizes);
    let (loss, logits) = net.learn(&weights, (&x, &targets), &mut d_weights, Some(&mut d_x));
    close(&[loss], "loss");
    close(&logits, "logits");
    let mut p = logits;
    p.chunks_mut(net.fc.output_size()).for_each(softmax);
    close(&p, "softmax");
    close(&swap_axes(&d_x, [sizes[1], sizes[0]]), "grad.x");
    let mut rest = &d_weights[..];
    for (key, len) in net.names() {
        close(rest.split_off(..len).unwrap(), &format!("grad.{key}"));
    }
    for &kernel in Kernel::available() {
        let of_window = |window: &[R]| {
            let rows = net.stack.infer(&weights[..net.stack.len()], window, sizes[1], kernel);
            net.logits(&weights, &net.pool(&rows, 1))
        };
        let windows = windows.chunks(sizes[1] * inputs);
        close(&windows.flat_map(of_window).collect::<Vec<R>>(), "logits");
    }
}

#[test]
fn golden_encoders_training_runs() {
    let dir = golden_dir("j_models");
    for run in json(&dir.join("index.json"))["training"].as_array().unwrap() {
        let net = Network::read(run).expect("a network with layers that the crate has");
        let file = |key: &str| TensorFile::read(&dir.join(run[key].as_str().unwrap()));
        check_training(&net, run, [&file("start"), &file("final")]);
    }
}

fn check_training(net: &Network, run: &Value, [start, end]: [&TensorFile; 2]) {
    let name = run["case"].as_str().unwrap();
    let close = |got: &[f64], want: &[f64], what: &str| {
        assert_close(got, want, 1e-9, 0.0, &format!("{name} {what}"));
    };
    assert_eq!([&run["optimizer"], &run["clip"]], ["adamw", "global_norm"]);
    let [beta1, beta2, epsilon] = ["beta1", "beta2", "eps"].map(|key| number(run, key));
    let weight_decay = number(run, "weight_decay");
    let optimizer = Optimizer::AdamW { beta1, beta2, epsilon, weight_decay };
    let (rate, every) = (number(run, "decay"), number(run, "steps_per_epoch"));
    let schedule = Schedule::ExponentialDecay { rate, every };
    let mut weights: Vec<f64> = net.load(start);
    let (batch, steps) = (size(run, "batch"), size(run, "steps_in_sequence"));
    let len = batch * steps * size(run, "inputs");
    let learn = |weights: &[f64], k: usize| {
        let x = swap_axes(&start.get("x").data[k * len..][..len], [batch, steps]);
        let targets = &start.get("target").data[k * batch..][..batch];
        let targets: Vec<usize> = targets.iter().copied().map(class).collect();
        let mut gradients = vec![0.0; weights.len()];
        let (loss, _) = net.learn(weights, (&x, &targets), &mut gradients, None);
        (loss, gradients)
    };
    let mut state = OptimizerState::new(weights.len());
    let (mut losses, mut norms) = (vec![], vec![]);
    for k in 0..size(run, "training_steps") {
        let (loss, mut gradients) = learn(&weights, k);
        let clipped = Clip::GlobalNorm(number(run, "clip_at")).apply(&mut gradients);
        let rate = schedule.learning_rate(number(run, "lr"), k as f64);
        optimizer.step(rate, &gradients, &mut state, &mut weights).unwrap();
        losses.push(loss);
        norms.push(clipped.norm);
    }
    close(&losses, &numbers(run, "loss_before_step"), "losses");
    close(&norms, &numbers(run, "grad_norm_before_clip"), "norms");
    let after: Vec<f64> = (0..losses.len()).map(|k| learn(&weights, k).0).collect();
    close(&after, &numbers(run, "loss_of_each_batch_after_all_steps"), "final losses");
    let mut rest = &weights[..];
    for (key, len) in net.names() {
        close(rest.split_off(..len).unwrap(), &end.get(&key).data, &key);
    }
}
