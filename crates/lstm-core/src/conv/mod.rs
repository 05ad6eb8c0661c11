//! Causal dilated convolution over time: sizes and parameters, training.

mod packed;
#[cfg(feature = "train")]
mod train;

pub(crate) use packed::{ConvBuffers, PackedCausalConv};
#[cfg(feature = "train")]
pub use train::{CausalConvCache, causal_conv_backward, causal_conv_forward};

use crate::lstm::check_size;
use crate::{LstmError, TensorSpec};

/// Sizes of a causal dilated convolution over time with three taps.
///
/// The result of a step depends on that step and on those `d` and `2d` before it, with `d` the
/// dilation. Steps before the first one are zero.
///
/// # Formula
/// ```text
/// y_t = b + sum over k = 0, 1, 2 of W_k x_(t - (2 - k) d)
/// ```
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::CausalConvShape;
///
/// let shape = CausalConvShape::new(6, 32, 4)?;
/// assert_eq!(shape.len(), 32 * 6 * 3 + 32);
/// assert_eq!(shape.specs("conv")[0].shape, [32, 6, 3]);
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CausalConvShape {
    input_size: usize,
    output_size: usize,
    dilation: usize,
}

impl CausalConvShape {
    /// Number of taps, the steps that a result depends on.
    pub const TAPS: usize = 3;

    /// Creates the shape of a convolution from rows of `input_size` (`N`) numbers to rows of
    /// `output_size` (`O`) numbers.
    ///
    /// # Errors
    /// [`LstmError::Size`] unless both sizes and `dilation` are 1 to
    /// [`MAX_SIZE`](crate::MAX_SIZE).
    pub fn new(input_size: usize, output_size: usize, dilation: usize) -> Result<Self, LstmError> {
        check_size("input_size", input_size)?;
        check_size("output_size", output_size)?;
        check_size("dilation", dilation)?;
        Ok(Self { input_size, output_size, dilation })
    }

    /// Returns the number of inputs `N` per step.
    pub fn input_size(&self) -> usize {
        self.input_size
    }

    /// Returns the number of outputs `O` per step.
    pub fn output_size(&self) -> usize {
        self.output_size
    }

    /// Returns the number of steps from one tap to the next.
    pub fn dilation(&self) -> usize {
        self.dilation
    }

    /// Returns names and shapes: `prefix.w` `[O, N, 3]`, with the tap of the earliest step first,
    /// as in `PyTorch`, and `prefix.b` `[O]`.
    pub fn specs(&self, prefix: &str) -> Vec<TensorSpec> {
        let w = [self.output_size, self.input_size, Self::TAPS];
        vec![
            TensorSpec::new(format!("{prefix}.w"), w),
            TensorSpec::new(format!("{prefix}.b"), [self.output_size]),
        ]
    }

    /// Returns the number of parameters.
    #[expect(clippy::len_without_is_empty, reason = "a layer is never empty")]
    pub fn len(&self) -> usize {
        self.weight_len() + self.output_size
    }

    /// Returns the length of `prefix.w`.
    fn weight_len(&self) -> usize {
        self.output_size * self.input_size * Self::TAPS
    }
}
