//! What the training loop asks of a network.
use windvane_lstm_core::{Init, LstmError, Real, TensorSpec};

/// A classifier over windows whose parameters lie in one flat buffer.
///
/// **Shapes** `x` `[T, B, C]` time-major, logits `[B, classes]`.
pub(crate) trait Network<R: Real>: Sync {
    /// What `forward` keeps for `backward`; buffers are reused.
    type Cache: Default + Send;

    /// Names and shapes of the parameters, in buffer order.
    fn specs(&self) -> Vec<TensorSpec>;

    /// Number of classes.
    fn classes(&self) -> usize;

    /// Draws the starting weights.
    fn init(
        &self,
        init: Init,
        forget_bias: f64,
        seed: u64,
        weights: &mut [R],
    ) -> Result<(), LstmError>;

    /// Computes the logits of a batch.
    fn forward<'c>(
        &self,
        weights: &[R],
        x: &[R],
        batch: usize,
        cache: &'c mut Self::Cache,
    ) -> Result<&'c [R], LstmError>;

    /// **Adds** the gradient of the loss by the parameters to `d_weights`.
    fn backward(
        &self,
        weights: &[R],
        x: &[R],
        d_logits: &[R],
        cache: &mut Self::Cache,
        d_weights: &mut [R],
    ) -> Result<(), LstmError>;
}
