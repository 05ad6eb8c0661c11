//! Multi-head self-attention: sizes and parameters, training.

#[cfg(feature = "train")]
mod train;

#[cfg(feature = "train")]
pub use train::{SelfAttentionCache, self_attention_backward, self_attention_forward};

use crate::lstm::MAX_SIZE;
use crate::{DenseShape, LstmError, TensorSpec};

/// Sizes of a multi-head self-attention (Vaswani et al. 2017).
///
/// # Formula
/// Head j has the columns from j N / heads to (j + 1) N / heads of q, k and v:
///
/// ```text
/// (q, k, v) = W_in x + b_in
/// a = softmax(q k^T / sqrt(N / heads))    over the steps that a step attends to
/// y = W_out (a v of all heads) + b_out
/// ```
///
/// A causal attention has the weight 0 for later steps.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::SelfAttentionShape;
///
/// let shape = SelfAttentionShape::new(32, 4, true)?;
/// assert_eq!(shape.len(), 4 * 32 * 32 + 4 * 32);
/// assert_eq!(shape.specs("att")[0].shape, [96, 32]);
/// assert!(SelfAttentionShape::new(32, 5, true).is_err());
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SelfAttentionShape {
    /// Dense layer of the queries, keys and values.
    input: DenseShape,
    /// Dense layer of the results.
    output: DenseShape,
    heads: usize,
    causal: bool,
}

impl SelfAttentionShape {
    /// Creates the shape of an attention of `heads` heads over rows of `size` (`N`) numbers.
    ///
    /// # Errors
    /// [`LstmError::Size`] unless `size` is 1 to a third of [`MAX_SIZE`](crate::MAX_SIZE),
    /// [`LstmError::Number`] unless `heads` divides `size`.
    pub fn new(size: usize, heads: usize, causal: bool) -> Result<Self, LstmError> {
        let max_size = MAX_SIZE / 3;
        if !(1..=max_size).contains(&size) {
            return Err(LstmError::Size { what: "size", expected: max_size, got: size });
        }
        if heads == 0 || !size.is_multiple_of(heads) {
            let (expected, got) = ("a divisor of the size", heads as f64);
            return Err(LstmError::Number { what: "heads", expected, got });
        }
        let (input, output) = (DenseShape::new(size, 3 * size)?, DenseShape::new(size, size)?);
        Ok(Self { input, output, heads, causal })
    }

    /// Returns the length of a row `N`.
    pub fn size(&self) -> usize {
        self.output.input_size()
    }

    /// Returns the number of heads.
    pub fn heads(&self) -> usize {
        self.heads
    }

    /// Returns whether a step attends only to itself and earlier steps.
    pub fn is_causal(&self) -> bool {
        self.causal
    }

    /// Returns names and shapes: `prefix.in.w` `[3N, N]` and `prefix.in.b` `[3N]` with the rows of
    /// the queries, keys and values, then `prefix.out.w` `[N, N]` and `prefix.out.b` `[N]`.
    pub fn specs(&self, prefix: &str) -> Vec<TensorSpec> {
        let mut specs = self.input.specs(&format!("{prefix}.in"));
        specs.extend(self.output.specs(&format!("{prefix}.out")));
        specs
    }

    /// Returns the dense layer of the queries, keys and values, and that of the results.
    pub(crate) fn dense_layers(&self) -> [DenseShape; 2] {
        [self.input, self.output]
    }

    /// Returns the number of parameters.
    #[expect(clippy::len_without_is_empty, reason = "a layer is never empty")]
    pub fn len(&self) -> usize {
        self.input.len() + self.output.len()
    }
}
