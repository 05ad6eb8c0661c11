//! What the tests share: layouts, drawn numbers, and the network v3.2 (LSTM, last hidden state,
//! dense).
use windvane_lstm_core::{
    Biases, CrossEntropy, DenseShape, LstmCache, LstmGradients, LstmShape, LstmUpstream, Purpose,
    Real, Stream, Tensors, dense_backward, dense_forward, lstm_backward, lstm_forward,
};
use windvane_testing::TensorFile;

/// In another number type.
pub(crate) fn cast<R: Real>(values: &[f64]) -> Vec<R> {
    values.iter().map(|v| R::from_f64(*v)).collect()
}

/// Widened.
pub(crate) fn widen<R: Real>(values: &[R]) -> Vec<f64> {
    values.iter().map(|v| v.to_f64()).collect()
}

/// `[A, B, width]` as `[B, A, width]`: batch-major to time-major and back.
pub(crate) fn swap_axes<R: Copy>(values: &[R], [a, b]: [usize; 2]) -> Vec<R> {
    let width = values.len() / (a * b);
    let mut swapped = Vec::with_capacity(values.len());
    for second in 0..b {
        for first in 0..a {
            swapped.extend_from_slice(&values[(first * b + second) * width..][..width]);
        }
    }
    swapped
}

/// Numbers in [-scale, scale).
pub(crate) fn draws<R: Real>(seed: u64, len: usize, scale: f64) -> Vec<R> {
    let mut stream = Stream::new(seed, Purpose::Init, 0, 0);
    (0..len).map(|_| R::from_f64(scale * (2.0 * stream.uniform() - 1.0))).collect()
}

/// LSTM(I -> H), last hidden state, dense H -> C.
#[derive(Clone, Copy)]
pub(crate) struct V32 {
    pub(crate) lstm: LstmShape,
    pub(crate) fc: DenseShape,
}

/// A batch and what is asked of it.
pub(crate) struct Batch<'a, R> {
    /// `[T, B, I]`
    pub(crate) x: &'a [R],
    pub(crate) targets: &'a [usize],
    pub(crate) loss: CrossEntropy<'a, R>,
}

impl V32 {
    pub(crate) fn new(sizes: [usize; 3], biases: Biases) -> Self {
        let [inputs, hidden, classes] = sizes;
        Self {
            lstm: LstmShape::new(inputs, hidden, biases).unwrap(),
            fc: DenseShape::new(hidden, classes).unwrap(),
        }
    }

    pub(crate) fn zeros<R: Real>(&self) -> Tensors<R> {
        Tensors::new([self.lstm.specs("lstm"), self.fc.specs("fc")].concat())
    }

    /// The weights of that name in a golden file.
    pub(crate) fn load<R: Real>(&self, file: &TensorFile) -> Tensors<R> {
        let mut weights = self.zeros();
        for spec in weights.specs().to_vec() {
            let tensor = file.get(&spec.name);
            assert_eq!(tensor.shape, spec.shape, "{}", spec.name);
            weights.get_mut(&spec.name).unwrap().copy_from_slice(&cast(&tensor.data));
        }
        weights
    }

    /// Loss and logits; gradients are added to `d_weights` and `d_x`.
    pub(crate) fn learn<R: Real>(
        &self,
        weights: &Tensors<R>,
        batch: &Batch<'_, R>,
        d_weights: &mut Tensors<R>,
        d_x: Option<&mut [R]>,
    ) -> (R, Vec<R>) {
        let at = self.lstm.len();
        let (lstm, fc) = weights.flat().split_at(at);
        let (lstm, fc) = (self.lstm.params(lstm).unwrap(), self.fc.params(fc).unwrap());
        let (d_lstm, d_fc) = d_weights.flat_mut().split_at_mut(at);
        let n = batch.targets.len();
        let mut cache = LstmCache::new();
        lstm_forward(self.lstm, lstm, batch.x, n, None, &mut cache).unwrap();
        let mut logits = vec![R::ZERO; n * self.fc.output_size()];
        dense_forward(self.fc, fc, cache.last_hidden(), &mut logits).unwrap();
        let mut d_logits = vec![R::ZERO; logits.len()];
        let normaliser = batch.loss.normaliser(batch.targets).unwrap();
        let loss = batch.loss.add(&logits, batch.targets, normaliser, &mut d_logits).unwrap();
        let mut d_last = vec![R::ZERO; cache.last_hidden().len()];
        let into = self.fc.params_mut(d_fc).unwrap();
        dense_backward(self.fc, fc, cache.last_hidden(), &d_logits, into, Some(&mut d_last))
            .unwrap();
        let upstream =
            LstmUpstream { d_hidden: None, d_last_hidden: Some(&d_last), d_last_cell: None };
        let d_params = self.lstm.params_mut(d_lstm).unwrap();
        let into = LstmGradients { d_params, d_inputs: d_x, d_start: None };
        lstm_backward(self.lstm, lstm, batch.x, &mut cache, upstream, into).unwrap();
        (loss, logits)
    }
}
