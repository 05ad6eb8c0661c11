//! Peer `burn` with its CPU backend flex: LSTM modules, gradients, SGD and clipping of the library.
use burn::module::{Module, Param};
use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig};
use burn::nn::{
    BiLstm, BiLstmConfig, Dropout, DropoutConfig, GateController, Initializer, Linear,
    LinearConfig, LstmConfig, LstmState,
};
use burn::optim::grad_clipping::GradientClippingConfig;
use burn::optim::{GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::{Device, Int, Tensor, TensorData, activation};

use crate::data::{self, Data, INPUTS, Kind, Net, STEPS, WINDOWS};
use crate::peer::{Offer, Peer};
use crate::workload::{CLIP, DROPOUT, LEARNING_RATE, Workload};

pub struct Burn;

impl Peer for Burn {
    fn name(&self) -> &'static str {
        "burn 0.22.1 (flex)"
    }

    fn offer<'a>(&self, work: Workload, data: &'a Data, dropout: bool) -> Offer<'a> {
        match work {
            Workload::Window(kind) => windows(data, kind, 1),
            Workload::Batch(kind) => windows(data, kind, WINDOWS),
            Workload::Step => step(data),
            Workload::Train(kind, batch) => train(data, kind, batch, dropout),
            _ => Offer::Nothing,
        }
    }
}

#[derive(Module, Debug)]
struct BurnNetwork {
    one: Option<burn::nn::Lstm>,
    both: Option<BiLstm>,
    /// Linear layers of W and v.
    attention: Option<(Linear, Linear)>,
    dense: Vec<Linear>,
    dropout: Dropout,
}

fn matrix(values: &[f32], columns: usize, device: &Device) -> Tensor<2> {
    let rows = values.len() / columns;
    Tensor::from_data(TensorData::new(values.to_vec(), [rows, columns]), device)
}

/// Linear layer from `w` `[O, N]`; the library stores `[N, O]`.
fn linear(w: &[f32], b: Option<&[f32]>, inputs: usize, device: &Device) -> Linear {
    let outputs = w.len() / inputs;
    let mut linear = LinearConfig::new(inputs, outputs).with_bias(b.is_some()).init(device);
    linear.weight = Param::from_tensor(matrix(w, inputs, device).transpose());
    linear.bias = b.map(|b| {
        Param::from_tensor(Tensor::from_data(TensorData::new(b.to_vec(), [outputs]), device))
    });
    linear
}

fn gate(lstm: &data::Lstm, gate: usize, device: &Device) -> GateController {
    let hidden = lstm.hidden;
    let part = |tensor: &[f32]| tensor[gate * tensor.len() / 4..][..tensor.len() / 4].to_vec();
    let zeros = Initializer::Zeros;
    let mut controller = GateController::new(lstm.inputs, hidden, true, zeros, device);
    let [w_ih, b_ih, w_hh, b_hh] =
        [&lstm.w_ih, &lstm.b_ih, &lstm.w_hh, &lstm.b_hh].map(|t| part(t));
    controller.input_transform = linear(&w_ih, Some(&b_ih), lstm.inputs, device);
    controller.hidden_transform = linear(&w_hh, Some(&b_hh), hidden, device);
    controller
}

fn fill(module: &mut burn::nn::Lstm, lstm: &data::Lstm, device: &Device) {
    module.input_gate = gate(lstm, 0, device);
    module.forget_gate = Some(gate(lstm, 1, device));
    module.cell_gate = gate(lstm, 2, device);
    module.output_gate = gate(lstm, 3, device);
}

impl BurnNetwork {
    fn new(net: &Net, dropout: bool, device: &Device) -> Self {
        let (inputs, hidden) = (net.lstms[0].inputs, net.lstms[0].hidden);
        let (mut one, mut both) = (None, None);
        if let [forward, reverse] = &net.lstms[..] {
            let mut module = BiLstmConfig::new(inputs, hidden, true).init(device);
            fill(&mut module.forward, forward, device);
            fill(&mut module.reverse, reverse, device);
            both = Some(module);
        } else {
            let mut module = LstmConfig::new(inputs, hidden, true).init(device);
            fill(&mut module, &net.lstms[0], device);
            one = Some(module);
        }
        let attention = net.attention.as_ref().map(|of| {
            (linear(&of.w, None, of.inputs, device), linear(&of.v, None, of.units, device))
        });
        let dense = net.dense.iter().map(|d| linear(&d.w, Some(&d.b), d.inputs, device)).collect();
        let dropout = DropoutConfig::new(if dropout { f64::from(DROPOUT) } else { 0.0 }).init();
        Self { one, both, attention, dense, dropout }
    }

    fn features(&self, x: Tensor<3>) -> Tensor<2> {
        let Some(both) = &self.both else {
            return self.one.as_ref().expect("one direction").forward(x, None).1.hidden;
        };
        let (hidden, last) = both.forward(x, None);
        let Some((w, v)) = &self.attention else {
            let [directions, batch, units] = last.hidden.dims();
            return last.hidden.swap_dims(0, 1).reshape([batch, directions * units]);
        };
        let scores = v.forward(activation::tanh(w.forward(hidden.clone())));
        let [batch, _, width] = hidden.dims();
        activation::softmax(scores, 1).swap_dims(1, 2).matmul(hidden).reshape([batch, width])
    }

    fn logits(&self, x: Tensor<3>) -> Tensor<2> {
        let mut features = self.features(x);
        for (k, layer) in self.dense.iter().enumerate() {
            features = layer.forward(features);
            if k + 1 < self.dense.len() {
                features = self.dropout.forward(activation::relu(features));
            }
        }
        features
    }
}

fn numbers<const N: usize>(tensor: Tensor<N>) -> Vec<f32> {
    tensor.into_data().to_vec().expect("f32")
}

fn batch_tensor(windows: &[f32], device: &Device) -> Tensor<3> {
    let batch = windows.len() / (STEPS * INPUTS);
    Tensor::from_data(TensorData::new(windows.to_vec(), [batch, STEPS, INPUTS]), device)
}

fn windows(data: &Data, kind: Kind, batch: usize) -> Offer<'_> {
    let device = Device::flex();
    let network = BurnNetwork::new(data.net(kind), false, &device);
    Offer::Task(Box::new(move |n, out| {
        let x = batch_tensor(data.windows(n * batch % WINDOWS, batch), &device);
        out.copy_from_slice(&numbers(activation::softmax(network.logits(x), 1)));
    }))
}

fn step(data: &Data) -> Offer<'_> {
    let device = Device::flex();
    let network = BurnNetwork::new(data.net(Kind::V32), false, &device);
    let zeros = Tensor::<2>::zeros([1, 32], &device);
    let mut state = Some(LstmState::new(zeros.clone(), zeros));
    Offer::Task(Box::new(move |n, out| {
        let x = TensorData::new(data.row(n).to_vec(), [1, 1, INPUTS]);
        let lstm = network.one.as_ref().expect("one direction");
        let next = lstm.forward(Tensor::from_data(x, &device), state.take()).1;
        out.copy_from_slice(&numbers(next.hidden.clone()));
        state = Some(next);
    }))
}

fn train(data: &Data, kind: Kind, batch: usize, dropout: bool) -> Offer<'_> {
    let device = Device::flex().autodiff();
    let mut network = Some(BurnNetwork::new(data.net(kind), dropout, &device));
    let x = batch_tensor(data.windows(0, batch), &device);
    let targets: Vec<i64> = data.targets[..batch].iter().map(|y| *y as i64).collect();
    let targets: Tensor<1, Int> = Tensor::from_data(TensorData::new(targets, [batch]), &device);
    let loss_of: CrossEntropyLoss = CrossEntropyLossConfig::new().init(&device);
    let clipping = Some(GradientClippingConfig::Value(CLIP));
    let mut rule: ModuleOptimizer = SgdConfig::new().with_gradient_clipping(clipping).init();
    Offer::Task(Box::new(move |_, out| {
        let before = network.take().expect("a network");
        let loss = loss_of.forward(before.logits(x.clone()), targets.clone());
        out.copy_from_slice(&numbers(loss.clone()));
        let gradients = GradientsParams::from_grads(loss.backward(), &before);
        network = Some(rule.step(LEARNING_RATE, before, gradients));
    }))
}
