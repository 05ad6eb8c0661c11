//! Inference of the networks.
use windvane_lstm_core::{
    AttentionScratch, AttentionShape, BiLstmScratch, BiLstmShape, Biases, Kernel, LstmScratch,
    LstmState, PackedAttention, PackedBiLstm, PackedDense, PackedLstm, Real, Tensors, relu,
};

use crate::layer::Layer;
use crate::network::Network;

/// Maximum number of time steps in a window of a packed network.
const MAX_STEPS: usize = 64;

impl Network {
    pub(crate) fn pack<R: Real>(&self, weights: &Tensors<R>, kernel: Kernel) -> PackedNetwork<R> {
        let flat = self.parts(weights.flat());
        let layer = match self.layer {
            Layer::One(shape) => {
                let lstm = PackedLstm::new(shape, shape.params(flat[0]).unwrap()).unwrap();
                let scratch = lstm.scratch();
                PackedLayer::One(lstm.with_kernel(kernel).unwrap(), scratch)
            }
            Layer::Both(shape) => {
                let lstm = PackedBiLstm::new(shape, shape.params(flat[0]).unwrap()).unwrap();
                let scratch = lstm.scratch();
                PackedLayer::Both(Box::new(lstm.with_kernel(kernel).unwrap()), scratch)
            }
        };
        let attention = self.attention.map(|shape| {
            let packed = PackedAttention::new(shape, shape.params(flat[1]).unwrap()).unwrap();
            let scratch = packed.scratch(MAX_STEPS);
            (packed.with_kernel(kernel).unwrap(), scratch)
        });
        let dense = self.dense.iter().zip(&flat[2..]).map(|(shape, flat)| {
            let packed = PackedDense::new(*shape, shape.params(flat).unwrap()).unwrap();
            packed.with_kernel(kernel).unwrap()
        });
        let width = self.layer.output_size();
        PackedNetwork { layer, width, attention, dense: dense.collect() }
    }
}

/// Network packed for inference.
pub(crate) struct PackedNetwork<R: Real> {
    layer: PackedLayer<R>,
    /// Number of outputs of the LSTM layer per time step.
    width: usize,
    attention: Option<(PackedAttention<R>, AttentionScratch<R>)>,
    dense: Vec<PackedDense<R>>,
}

enum PackedLayer<R: Real> {
    One(PackedLstm<R>, LstmScratch<R>),
    Both(Box<PackedBiLstm<R>>, BiLstmScratch<R>),
}

impl<R: Real> PackedNetwork<R> {
    /// Computes the logits of a window `[T, I]`.
    pub(crate) fn logits(&mut self, window: &[R]) -> Vec<R> {
        let mut values = if self.attention.is_some() {
            let hidden = self.hidden(window);
            let (attention, scratch) = self.attention.as_mut().unwrap();
            let mut context = vec![R::ZERO; self.width];
            attention.apply(&hidden, &mut context, scratch).unwrap();
            context
        } else {
            match &mut self.layer {
                PackedLayer::One(lstm, scratch) => lstm.last_hidden(window, scratch),
                PackedLayer::Both(lstm, scratch) => lstm.last_hidden(window, scratch),
            }
            .unwrap()
            .to_vec()
        };
        for (k, dense) in self.dense.iter().enumerate() {
            let mut y = vec![R::ZERO; dense.shape().output_size()];
            dense.apply(&values, &mut y).unwrap();
            if k + 1 < self.dense.len() {
                relu(&mut y);
            }
            values = y;
        }
        values
    }

    /// Returns the attention weights of the last window `[T]`.
    pub(crate) fn attention(&self) -> Option<&[R]> {
        self.attention.as_ref().map(|(_, scratch)| scratch.weights())
    }

    /// Computes all hidden states `[T, width]` of a window.
    fn hidden(&mut self, window: &[R]) -> Vec<R> {
        let (inputs, hidden) = match &self.layer {
            PackedLayer::One(lstm, _) => (lstm.shape().input_size(), lstm.shape().hidden_size()),
            PackedLayer::Both(lstm, _) => (lstm.shape().input_size(), lstm.shape().hidden_size()),
        };
        let mut out = vec![R::ZERO; window.len() / inputs * self.width];
        match &mut self.layer {
            PackedLayer::One(lstm, scratch) => {
                lstm.sequence(window, &mut LstmState::zeros(hidden), Some(&mut out), scratch)
            }
            PackedLayer::Both(lstm, scratch) => lstm.sequence(window, &mut out, scratch),
        }
        .unwrap();
        out
    }
}

#[test]
fn packed_debug_output_has_sizes_and_no_weights() {
    let direction = BiLstmShape::new(6, 64, Biases::Two).unwrap();
    let attention = AttentionShape::new(128, 64).unwrap();
    let zeros = |len| vec![0.0_f32; len];
    let (lstm, scores) = (zeros(direction.len()), zeros(attention.len()));
    let lstm = PackedBiLstm::new(direction, direction.params(&lstm).unwrap()).unwrap();
    let scores = PackedAttention::new(attention, attention.params(&scores).unwrap()).unwrap();
    let texts = [format!("{lstm:?}"), format!("{scores:?}")];
    assert!(texts.iter().all(|text| text.contains("64") && text.len() < 800), "{texts:?}");
}
