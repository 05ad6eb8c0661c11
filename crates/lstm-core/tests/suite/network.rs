//! The networks v3.2, v3 and v3.1, built from the layers of the crate.
use windvane_lstm_core::{
    AttentionCache, AttentionShape, Biases, CrossEntropy, DenseShape, LstmUpstream, Real,
    TensorSpec, Tensors, apply_dropout, attention_backward, attention_forward, dense_backward,
    dense_forward, relu, relu_backward,
};
use windvane_testing::TensorFile;

use crate::common::cast;
use crate::layer::Layer;

/// Network of an LSTM, its last hidden state or an attention, and dense layers with ReLU between
/// them.
#[derive(Clone)]
pub(crate) struct Network {
    pub(crate) layer: Layer,
    pub(crate) attention: Option<AttentionShape>,
    pub(crate) dense: Vec<DenseShape>,
}

/// Batch with its targets, loss and dropout masks.
pub(crate) struct Batch<'a, R> {
    /// Inputs `[T, B, I]`.
    pub(crate) x: &'a [R],
    pub(crate) targets: &'a [usize],
    pub(crate) loss: CrossEntropy<'a, R>,
    /// Dropout masks `[B, D]` of the first hidden dense layers.
    pub(crate) masks: &'a [Vec<R>],
}

/// Results of a batch besides the gradients.
pub(crate) struct BatchResults<R> {
    pub(crate) loss: R,
    pub(crate) logits: Vec<R>,
    /// Attention weights `[T, B]`.
    pub(crate) attention: Option<Vec<R>>,
}

impl Network {
    pub(crate) fn v32([inputs, hidden, classes]: [usize; 3], biases: Biases) -> Self {
        let dense = vec![DenseShape::new(hidden, classes).unwrap()];
        Self { layer: Layer::one(inputs, hidden, biases), attention: None, dense }
    }

    pub(crate) fn v3([inputs, hidden, classes]: [usize; 3], biases: Biases) -> Self {
        let dense = vec![DenseShape::new(2 * hidden, classes).unwrap()];
        Self { layer: Layer::both(inputs, hidden, biases), attention: None, dense }
    }

    pub(crate) fn v31(
        [inputs, hidden, classes]: [usize; 3],
        units: usize,
        dense: &[usize],
        biases: Biases,
    ) -> Self {
        let widths = [&[2 * hidden], dense, &[classes]].concat();
        let dense = widths.windows(2).map(|pair| DenseShape::new(pair[0], pair[1]).unwrap());
        Self {
            layer: Layer::both(inputs, hidden, biases),
            attention: Some(AttentionShape::new(2 * hidden, units).unwrap()),
            dense: dense.collect(),
        }
    }

    pub(crate) fn classes(&self) -> usize {
        self.dense.last().unwrap().output_size()
    }

    pub(crate) fn zeros<R: Real>(&self) -> Tensors<R> {
        let mut specs: Vec<TensorSpec> = self.layer.specs("lstm");
        specs.extend(self.attention.iter().flat_map(|attention| attention.specs("att")));
        for (k, dense) in self.dense.iter().enumerate() {
            let one = self.dense.len() == 1;
            specs.extend(dense.specs(&if one { "fc".into() } else { format!("fc{}", k + 1) }));
        }
        Tensors::new(specs)
    }

    /// Loads the weights from a golden file.
    pub(crate) fn load<R: Real>(&self, file: &TensorFile) -> Tensors<R> {
        let mut weights = self.zeros();
        for spec in weights.specs().to_vec() {
            let tensor = file.get(&spec.name);
            assert_eq!(tensor.shape, spec.shape, "{}", spec.name);
            weights.get_mut(&spec.name).unwrap().copy_from_slice(&cast(&tensor.data));
        }
        weights
    }

    /// Returns the numbers of parameters of the LSTM, the attention and each dense layer.
    fn lens(&self) -> Vec<usize> {
        let mut lens = vec![self.layer.len(), self.attention.map_or(0, |a| a.len())];
        lens.extend(self.dense.iter().map(DenseShape::len));
        lens
    }

    pub(crate) fn parts<'a, R>(&self, mut flat: &'a [R]) -> Vec<&'a [R]> {
        self.lens().iter().map(|len| flat.split_off(..*len).unwrap()).collect()
    }

    fn parts_mut<'a, R>(&self, mut flat: &'a mut [R]) -> Vec<&'a mut [R]> {
        self.lens().iter().map(|len| flat.split_off_mut(..*len).unwrap()).collect()
    }

    /// Computes the loss of a batch and adds its gradients to `d_weights` and `d_x`.
    pub(crate) fn learn<R: Real>(
        &self,
        weights: &Tensors<R>,
        batch: &Batch<'_, R>,
        d_weights: &mut Tensors<R>,
        d_x: Option<&mut [R]>,
    ) -> BatchResults<R> {
        let flat = self.parts(weights.flat());
        let mut d_flat = self.parts_mut(d_weights.flat_mut());
        let n = batch.targets.len();
        let mut cache = self.layer.cache();
        self.layer.forward(flat[0], (batch.x, n), None, &mut cache);
        let mut attention_cache = AttentionCache::new();
        let pooled = if let Some(attention) = self.attention {
            let params = attention.params(flat[1]).unwrap();
            attention_forward(attention, params, cache.hidden(), n, &mut attention_cache).unwrap();
            attention_cache.context()
        } else {
            cache.last_hidden()
        };
        let values = self.dense_forward(&flat[2..], pooled, batch.masks);
        let logits = values.last().unwrap().clone();

        let mut d_logits = vec![R::ZERO; logits.len()];
        let normaliser = batch.loss.normaliser(batch.targets).unwrap();
        let loss = batch.loss.add(&logits, batch.targets, normaliser, &mut d_logits).unwrap();
        let d_pooled =
            self.dense_backward(&flat[2..], &mut d_flat[2..], &values, batch.masks, d_logits);
        let mut d_hidden = vec![R::ZERO; cache.hidden().len()];
        let none = LstmUpstream { d_hidden: None, d_last_hidden: None, d_last_cell: None };
        let upstream = if let Some(attention) = self.attention {
            let (params, h) = (attention.params(flat[1]).unwrap(), cache.hidden());
            let (into, d_h) = (attention.params_mut(d_flat[1]).unwrap(), Some(&mut d_hidden[..]));
            attention_backward(attention, params, h, &mut attention_cache, &d_pooled, into, d_h)
                .unwrap();
            LstmUpstream { d_hidden: Some(&d_hidden), ..none }
        } else {
            LstmUpstream { d_last_hidden: Some(&d_pooled), ..none }
        };
        let of_layer = (flat[0], &mut *d_flat[0]);
        self.layer.backward(of_layer, batch.x, &mut cache, upstream, d_x, None);
        let attention = self.attention.map(|_| attention_cache.weights().to_vec());
        BatchResults { loss, logits, attention }
    }

    /// Returns the inputs of each dense layer, followed by the outputs of the last one.
    fn dense_forward<R: Real>(
        &self,
        weights: &[&[R]],
        pooled: &[R],
        masks: &[Vec<R>],
    ) -> Vec<Vec<R>> {
        let mut values = vec![pooled.to_vec()];
        for (k, (shape, weights)) in self.dense.iter().zip(weights).enumerate() {
            let x = &values[k];
            let mut y = vec![R::ZERO; x.len() / shape.input_size() * shape.output_size()];
            dense_forward(*shape, shape.params(weights).unwrap(), x, &mut y).unwrap();
            if k + 1 < self.dense.len() {
                relu(&mut y);
                if let Some(mask) = masks.get(k) {
                    apply_dropout(mask, &mut y).unwrap();
                }
            }
            values.push(y);
        }
        values
    }

    /// Returns the gradient with respect to the inputs of the first dense layer.
    fn dense_backward<R: Real>(
        &self,
        weights: &[&[R]],
        d_weights: &mut [&mut [R]],
        values: &[Vec<R>],
        masks: &[Vec<R>],
        mut d: Vec<R>,
    ) -> Vec<R> {
        for (k, shape) in self.dense.iter().enumerate().rev() {
            if k + 1 < self.dense.len() {
                if let Some(mask) = masks.get(k) {
                    apply_dropout(mask, &mut d).unwrap();
                }
                relu_backward(&values[k + 1], &mut d).unwrap();
            }
            let mut d_x = vec![R::ZERO; values[k].len()];
            let (params, into) = (shape.params(weights[k]), shape.params_mut(&mut *d_weights[k]));
            let d_in = Some(&mut d_x[..]);
            dense_backward(*shape, params.unwrap(), &values[k], &d, into.unwrap(), d_in).unwrap();
            d = d_x;
        }
        d
    }
}
