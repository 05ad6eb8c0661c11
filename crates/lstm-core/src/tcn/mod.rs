//! Residual block of a temporal convolutional network: sizes and parameters, training.

#[cfg(feature = "train")]
mod train;

#[cfg(feature = "train")]
pub use train::{TcnBlockCache, tcn_block_backward, tcn_block_forward};

use crate::{CausalConvShape, DenseShape, LstmError, TensorSpec};

/// Sizes of a residual block of a temporal convolutional network (Bai, Kolter and Koltun 2018),
/// without weight normalisation and dropout.
///
/// # Formula
/// ```text
/// z = relu(conv2(relu(conv1(x))))
/// y = relu(z + x)                 if the sizes of x and y are equal
/// y = relu(z + W x + b)           otherwise (1x1 convolution)
/// ```
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::TcnBlockShape;
///
/// let shape = TcnBlockShape::new(6, 32, 2)?;
/// let names: Vec<String> = shape.specs("b").into_iter().map(|spec| spec.name).collect();
/// assert_eq!(names[3..], ["b.conv2.b", "b.downsample.w", "b.downsample.b"]);
/// assert_eq!(TcnBlockShape::new(32, 32, 2)?.specs("b").len(), 4);
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TcnBlockShape {
    conv1: CausalConvShape,
    conv2: CausalConvShape,
    /// Map of the input to the size of the output, if they differ.
    downsample: Option<DenseShape>,
}

impl TcnBlockShape {
    /// Creates the shape of a block from rows of `input_size` (`N`) numbers to rows of
    /// `output_size` (`O`) numbers; both convolutions have the same dilation.
    ///
    /// # Errors
    /// [`LstmError::Size`] unless both sizes and `dilation` are 1 to
    /// [`MAX_SIZE`](crate::MAX_SIZE).
    pub fn new(input_size: usize, output_size: usize, dilation: usize) -> Result<Self, LstmError> {
        let downsample = match input_size == output_size {
            true => None,
            false => Some(DenseShape::new(input_size, output_size)?),
        };
        Ok(Self {
            conv1: CausalConvShape::new(input_size, output_size, dilation)?,
            conv2: CausalConvShape::new(output_size, output_size, dilation)?,
            downsample,
        })
    }

    /// Returns the number of inputs `N` per step.
    pub fn input_size(&self) -> usize {
        self.conv1.input_size()
    }

    /// Returns the number of outputs `O` per step.
    pub fn output_size(&self) -> usize {
        self.conv2.output_size()
    }

    /// Returns names and shapes: those of [`CausalConvShape::specs`] for `prefix.conv1` and
    /// `prefix.conv2`, then `prefix.downsample.w` `[O, N]` and `prefix.downsample.b` `[O]` if the
    /// sizes differ.
    pub fn specs(&self, prefix: &str) -> Vec<TensorSpec> {
        let mut specs = self.conv1.specs(&format!("{prefix}.conv1"));
        specs.extend(self.conv2.specs(&format!("{prefix}.conv2")));
        let downsample = self.downsample.iter();
        specs.extend(downsample.flat_map(|dense| dense.specs(&format!("{prefix}.downsample"))));
        specs
    }

    /// Returns the number of parameters.
    #[expect(clippy::len_without_is_empty, reason = "a layer is never empty")]
    pub fn len(&self) -> usize {
        let downsample = self.downsample.map_or(0, |dense| dense.len());
        self.conv1.len() + self.conv2.len() + downsample
    }
}
