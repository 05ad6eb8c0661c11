//! Peer `candle`: LSTM layer, gradients and SGD of the library; clipping written by hand.
use candle_core::{D, DType, Device, IndexOp, Result, Tensor, Var};
use candle_nn::rnn::{Direction, LSTM, LSTMConfig, LSTMState, RNN};
use candle_nn::{
    Linear, Module, Optimizer, SGD, VarBuilder, VarMap, linear, linear_no_bias, loss, ops,
};

use crate::data::{Data, INPUTS, Kind, Net, STEPS, WINDOWS};
use crate::peer::{Offer, Peer};
use crate::workload::{CLIP, DROPOUT, LEARNING_RATE, Workload};

pub struct CandleNn;

impl Peer for CandleNn {
    fn name(&self) -> &'static str {
        "candle 0.11.1"
    }

    fn offer<'a>(&self, work: Workload, data: &'a Data, dropout: bool) -> Offer<'a> {
        let offer = match work {
            Workload::Window(kind) => windows(data, kind, 1),
            Workload::Batch(kind) => windows(data, kind, WINDOWS),
            Workload::Step => step(data),
            Workload::Train(kind, batch) => train(data, kind, batch, dropout),
            _ => return Offer::Nothing,
        };
        offer.unwrap_or_else(|error| Offer::Missing(error.to_string()))
    }
}

struct CandleNetwork {
    forward: LSTM,
    reverse: Option<LSTM>,
    /// Linear layers of W and v.
    attention: Option<(Linear, Linear)>,
    dense: Vec<Linear>,
    dropout: bool,
}

impl CandleNetwork {
    /// Creates a network whose weights are in `vars`.
    fn new(net: &Net, vars: &VarMap, dropout: bool) -> Result<Self> {
        let builder = VarBuilder::from_varmap(vars, DType::F32, &Device::Cpu);
        let hidden = net.lstms[0].hidden;
        let lstm = |direction| {
            let config = LSTMConfig { direction, ..LSTMConfig::default() };
            candle_nn::lstm(INPUTS, hidden, config, builder.pp("lstm"))
        };
        let attention = match &net.attention {
            Some(of) => Some((
                linear_no_bias(of.inputs, of.units, builder.pp("w"))?,
                linear_no_bias(of.units, 1, builder.pp("v"))?,
            )),
            None => None,
        };
        let layers = net.dense.iter().enumerate();
        let dense = layers.map(|(k, of)| linear(of.inputs, of.outputs, builder.pp(k)));
        let network = Self {
            forward: lstm(Direction::Forward)?,
            reverse: if net.lstms.len() == 2 { Some(lstm(Direction::Backward)?) } else { None },
            attention,
            dense: dense.collect::<Result<_>>()?,
            dropout,
        };
        fill(net, vars)?;
        Ok(network)
    }

    fn logits(&self, x: &Tensor) -> Result<Tensor> {
        let states = self.forward.seq(x)?;
        let last = states[STEPS - 1].h();
        let mut features = match &self.reverse {
            None => last.clone(),
            Some(reverse) => {
                let reversed = self.reverse_states(reverse, x)?;
                match &self.attention {
                    None => Tensor::cat(&[last, reversed[STEPS - 1].h()], 1)?,
                    Some(attention) => context(attention, &states, &reversed)?,
                }
            }
        };
        for (k, layer) in self.dense.iter().enumerate() {
            features = layer.forward(&features)?;
            if k + 1 < self.dense.len() {
                features = features.relu()?;
                if self.dropout {
                    features = ops::dropout(&features, DROPOUT)?;
                }
            }
        }
        Ok(features)
    }

    /// Steps the reverse layer from the end of a window: the library's `seq` runs forward for both
    /// directions.
    fn reverse_states(&self, reverse: &LSTM, x: &Tensor) -> Result<Vec<LSTMState>> {
        let mut state = reverse.zero_state(x.dim(0)?)?;
        let mut states = Vec::with_capacity(STEPS);
        for t in (0..STEPS).rev() {
            state = reverse.step(&x.i((.., t, ..))?.contiguous()?, &state)?;
            states.push(state.clone());
        }
        Ok(states)
    }
}

fn context(
    (w, v): &(Linear, Linear),
    states: &[LSTMState],
    reversed: &[LSTMState],
) -> Result<Tensor> {
    let forward = Tensor::stack(&states.iter().map(LSTMState::h).collect::<Vec<_>>(), 1)?;
    let reverse = Tensor::stack(&reversed.iter().rev().map(LSTMState::h).collect::<Vec<_>>(), 1)?;
    let hidden = Tensor::cat(&[&forward, &reverse], 2)?.contiguous()?;
    let scores = v.forward(&w.forward(&hidden)?.tanh()?)?.squeeze(2)?;
    // softmax_last_dim is faster but has no gradient.
    let tracked = scores.track_op();
    let weights =
        if tracked { ops::softmax(&scores, D::Minus1)? } else { ops::softmax_last_dim(&scores)? };
    weights.unsqueeze(1)?.matmul(&hidden)?.squeeze(1)
}

fn fill(net: &Net, vars: &VarMap) -> Result<()> {
    let set = |name: &str, values: &[f32]| {
        let vars = vars.data().lock().expect("one thread");
        let var = &vars[name];
        var.set(&Tensor::from_slice(values, var.shape(), &Device::Cpu)?)
    };
    for (lstm, suffix) in net.lstms.iter().zip(["", "_reverse"]) {
        set(&format!("lstm.weight_ih_l0{suffix}"), &lstm.w_ih)?;
        set(&format!("lstm.weight_hh_l0{suffix}"), &lstm.w_hh)?;
        set(&format!("lstm.bias_ih_l0{suffix}"), &lstm.b_ih)?;
        set(&format!("lstm.bias_hh_l0{suffix}"), &lstm.b_hh)?;
    }
    if let Some(attention) = &net.attention {
        set("w.weight", &attention.w)?;
        set("v.weight", &attention.v)?;
    }
    for (k, dense) in net.dense.iter().enumerate() {
        set(&format!("{k}.weight"), &dense.w)?;
        set(&format!("{k}.bias"), &dense.b)?;
    }
    Ok(())
}

/// Creates a network whose weights are plain tensors, without recording of gradients.
fn frozen(net: &Net) -> Result<CandleNetwork> {
    let vars = VarMap::new();
    let mut network = CandleNetwork::new(net, &vars, false)?;
    let plain = |(name, var): (&String, &Var)| (name.clone(), var.as_tensor().detach());
    let tensors = vars.data().lock().expect("one thread").iter().map(plain).collect();
    let builder = VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu);
    let hidden = net.lstms[0].hidden;
    let lstm = |direction| {
        let config = LSTMConfig { direction, ..LSTMConfig::default() };
        candle_nn::lstm(INPUTS, hidden, config, builder.pp("lstm"))
    };
    network.forward = lstm(Direction::Forward)?;
    if network.reverse.is_some() {
        network.reverse = Some(lstm(Direction::Backward)?);
    }
    let plain =
        |layer: &Linear| Linear::new(layer.weight().detach(), layer.bias().map(Tensor::detach));
    network.attention = network.attention.map(|(w, v)| (plain(&w), plain(&v)));
    network.dense = network.dense.iter().map(plain).collect();
    Ok(network)
}

fn batch_tensor(data: &Data, first: usize, count: usize) -> Result<Tensor> {
    Tensor::from_slice(data.windows(first, count), (count, STEPS, INPUTS), &Device::Cpu)
}

fn windows(data: &Data, kind: Kind, batch: usize) -> Result<Offer<'_>> {
    let network = frozen(data.net(kind))?;
    let run = move |n: usize| -> Result<Vec<f32>> {
        let x = batch_tensor(data, n * batch % WINDOWS, batch)?;
        ops::softmax_last_dim(&network.logits(&x)?)?.flatten_all()?.to_vec1()
    };
    Ok(Offer::Task(Box::new(move |n, out| out.copy_from_slice(&run(n).expect("a run")))))
}

fn step(data: &Data) -> Result<Offer<'_>> {
    let lstm = frozen(data.net(Kind::V32))?.forward;
    let mut state = lstm.zero_state(1)?;
    let mut run = move |n: usize| -> Result<Vec<f32>> {
        let x = Tensor::from_slice(data.row(n), (1, INPUTS), &Device::Cpu)?;
        state = lstm.step(&x, &state)?;
        state.h().flatten_all()?.to_vec1()
    };
    Ok(Offer::Task(Box::new(move |n, out| out.copy_from_slice(&run(n).expect("a run")))))
}

fn train(data: &Data, kind: Kind, batch: usize, dropout: bool) -> Result<Offer<'_>> {
    let vars = VarMap::new();
    let network = CandleNetwork::new(data.net(kind), &vars, dropout)?;
    let mut rule = SGD::new(vars.all_vars(), LEARNING_RATE)?;
    let x = batch_tensor(data, 0, batch)?;
    let targets: Vec<u32> = data.targets[..batch].iter().map(|y| *y as u32).collect();
    let targets = Tensor::from_vec(targets, batch, &Device::Cpu)?;
    let mut run = move || -> Result<f32> {
        let loss = loss::cross_entropy(&network.logits(&x)?, &targets)?;
        let mut gradients = loss.backward()?;
        for var in vars.all_vars() {
            if let Some(gradient) = gradients.remove(&var) {
                gradients.insert(&var, gradient.clamp(-CLIP, CLIP)?);
            }
        }
        rule.step(&gradients)?;
        loss.to_scalar()
    };
    Ok(Offer::Task(Box::new(move |_, out| out[0] = run().expect("a run"))))
}
