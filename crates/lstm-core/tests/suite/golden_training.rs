//! Ten training steps of v3.2, v3 and v3.1 against `PyTorch`, with every optimiser setting.
use serde_json::Value;
use windvane_lstm_core::{
    Biases, Clip, CrossEntropy, Optimizer, OptimizerState, Schedule, Tensors,
};
use windvane_testing::{TensorFile, Unsupported, assert_close, golden_dir, json};

use crate::common::swap_axes;
use crate::golden_models::{class, network};
use crate::network::{Batch, Network};

const TOLERANCE: f64 = 1e-9;

#[test]
fn golden_training_runs() {
    let dir = golden_dir("c_training");
    let mut cases = Unsupported::new("c_training");
    for run in json(&dir.join("index.json")).as_array().unwrap() {
        let name =
            format!("{}.{}", text(run, "case").unwrap(), text(run, "optimizer_name").unwrap());
        let biases = if run["single_bias"] == true { Biases::One } else { Biases::Two };
        let Some(net) = network(run, biases) else {
            cases.skip(&name, "a network with layers that the crate does not have");
            continue;
        };
        let (Some(optimizer), Some(clip)) = (optimizer(run), clip(run)) else {
            cases.skip(&name, "an optimiser or clipping rule that the crate does not have");
            continue;
        };
        let start = TensorFile::read(&dir.join(text(run, "start").unwrap()));
        let end = TensorFile::read(&dir.join(text(run, "final").unwrap()));
        TrainingRun { name, net, settings: run, start: &start, optimizer, clip }.check(&end);
        cases.ran();
    }
}

fn text<'a>(run: &'a Value, key: &str) -> Option<&'a str> {
    run[key].as_str()
}

pub(crate) fn number(run: &Value, key: &str) -> f64 {
    run[key].as_f64().unwrap_or_else(|| panic!("no number {key}"))
}

pub(crate) fn numbers(run: &Value, key: &str) -> Vec<f64> {
    run[key].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn size(run: &Value, key: &str) -> usize {
    usize::try_from(run[key].as_u64().unwrap()).unwrap()
}

fn optimizer(run: &Value) -> Option<Optimizer> {
    match text(run, "optimizer")? {
        "sgd" => Some(Optimizer::Sgd { momentum: run["momentum"].as_f64().unwrap_or(0.0) }),
        "adam" | "adamw" => Some(Optimizer::AdamW {
            beta1: number(run, "beta1"),
            beta2: number(run, "beta2"),
            epsilon: number(run, "eps"),
            weight_decay: run["weight_decay"].as_f64().unwrap_or(0.0),
        }),
        _ => None,
    }
}

fn clip(run: &Value) -> Option<Clip> {
    match text(run, "clip")? {
        "value" => Some(Clip::Value(number(run, "clip_at"))),
        "global_norm" => Some(Clip::GlobalNorm(number(run, "clip_at"))),
        _ => None,
    }
}

struct TrainingRun<'a> {
    name: String,
    net: Network,
    settings: &'a Value,
    start: &'a TensorFile,
    optimizer: Optimizer,
    clip: Clip,
}

impl TrainingRun<'_> {
    fn close(&self, got: &[f64], want: &[f64], what: &str) {
        assert_close(got, want, TOLERANCE, 0.0, &format!("{} {what}", self.name));
    }

    fn check(&self, end: &TensorFile) {
        let run = self.settings;
        let mut weights: Tensors<f64> = self.net.load(self.start);
        let mut state = OptimizerState::new(weights.len());
        let schedule = Schedule::ExponentialDecay {
            rate: number(run, "decay"),
            every: number(run, "steps_per_epoch"),
        };
        let (mut losses, mut norms, mut counts, mut rates) = (vec![], vec![], vec![], vec![]);
        for k in 0..size(run, "training_steps") {
            let (loss, mut gradients) = self.learn(&weights, k);
            let clipped = self.clip.apply(gradients.flat_mut());
            let rate = schedule.learning_rate(number(run, "lr"), k as f64);
            self.optimizer.step(rate, gradients.flat(), &mut state, weights.flat_mut()).unwrap();
            losses.push(loss);
            norms.push(clipped.norm);
            counts.push(clipped.count as f64);
            rates.push(rate);
        }
        self.close(&losses, &numbers(run, "loss_before_step"), "losses");
        self.close(&norms, &numbers(run, "grad_norm_before_clip"), "norms");
        self.close(&rates, &numbers(run, "lr_at_step"), "learning rates");
        assert_eq!(counts, numbers(run, "clipped"), "{} clipped", self.name);
        let after: Vec<f64> = (0..losses.len()).map(|k| self.learn(&weights, k).0).collect();
        self.close(&after, &numbers(run, "loss_of_each_batch_after_all_steps"), "final losses");
        for (spec, tensor) in weights.iter() {
            self.close(tensor, &end.get(&spec.name).data, &spec.name);
        }
    }

    /// Computes the loss of batch `k` and the gradients of the scaled loss.
    fn learn(&self, weights: &Tensors<f64>, k: usize) -> (f64, Tensors<f64>) {
        let (batch, steps) =
            (size(self.settings, "batch"), size(self.settings, "steps_in_sequence"));
        let len = batch * steps * size(self.settings, "inputs");
        let x = swap_axes(&self.start.get("x").data[k * len..][..len], [batch, steps]);
        let targets = &self.start.get("target").data[k * batch..][..batch];
        let targets: Vec<usize> = targets.iter().copied().map(class).collect();
        let class_weights =
            self.settings.get("class_weights").map(|_| numbers(self.settings, "class_weights"));
        let loss = CrossEntropy {
            classes: self.net.classes(),
            weights: class_weights.as_deref(),
            smoothing: self.settings["label_smoothing"].as_f64().unwrap_or(0.0),
        };
        let mut gradients = weights.zeros_like();
        let batch = Batch { x: &x, targets: &targets, loss, masks: &[] };
        let loss = self.net.learn(weights, &batch, &mut gradients, None).loss;
        for g in gradients.flat_mut() {
            *g *= number(self.settings, "loss_scale");
        }
        (loss, gradients)
    }
}
