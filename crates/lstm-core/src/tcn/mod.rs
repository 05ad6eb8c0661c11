//! Temporal convolutional network and its residual block: sizes and parameters, inference,
//! training.

mod packed;
#[cfg(feature = "train")]
mod train;

pub use packed::{PackedTcn, TcnScratch};
#[cfg(feature = "train")]
pub use train::{
    TcnBlockCache, TcnCache, tcn_backward, tcn_block_backward, tcn_block_forward, tcn_forward,
};

use crate::lstm::MAX_SIZE;
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
        let downsample = if input_size == output_size {
            None
        } else {
            Some(DenseShape::new(input_size, output_size)?)
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

/// Sizes of a temporal convolutional network: a map of each step to `channels` numbers, then
/// residual blocks with the dilations 1, 2, 4, and so on.
///
/// With k blocks, the result of a step depends on the last `4 (2^k - 1) + 1` steps.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::TcnShape;
///
/// let shape = TcnShape::new(6, 32, 4)?;
/// assert_eq!(shape.receptive_field(), 61);
/// let names: Vec<String> = shape.specs("tcn").into_iter().map(|spec| spec.name).collect();
/// assert_eq!(names[1..3], ["tcn.input.b", "tcn.blocks.0.conv1.w"]);
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TcnShape {
    input: DenseShape,
    blocks: Vec<TcnBlockShape>,
}

impl TcnShape {
    /// Maximum number of blocks.
    pub const MAX_BLOCKS: usize = 12;

    /// Creates the shape of a network of `blocks` blocks over rows of `input_size` (`I`) numbers.
    ///
    /// # Errors
    /// [`LstmError::Size`] unless both sizes are 1 to [`MAX_SIZE`](crate::MAX_SIZE), three times
    /// the number of channels is at most that, and `blocks` is 1 to
    /// [`MAX_BLOCKS`](Self::MAX_BLOCKS).
    pub fn new(input_size: usize, channels: usize, blocks: usize) -> Result<Self, LstmError> {
        let max_channels = MAX_SIZE / CausalConvShape::TAPS;
        if !(1..=max_channels).contains(&channels) {
            let (what, expected) = ("channels", max_channels);
            return Err(LstmError::Size { what, expected, got: channels });
        }
        if !(1..=Self::MAX_BLOCKS).contains(&blocks) {
            let (what, expected) = ("blocks", Self::MAX_BLOCKS);
            return Err(LstmError::Size { what, expected, got: blocks });
        }
        let input = DenseShape::new(input_size, channels)?;
        let blocks = (0..blocks).map(|number| TcnBlockShape::new(channels, channels, 1 << number));
        Ok(Self { input, blocks: blocks.collect::<Result<_, _>>()? })
    }

    /// Returns the number of inputs `I` per step.
    pub fn input_size(&self) -> usize {
        self.input.input_size()
    }

    /// Returns the number of channels, which is the number of outputs per step.
    pub fn output_size(&self) -> usize {
        self.input.output_size()
    }

    /// Returns the map of each step to the channels.
    #[cfg(feature = "train")]
    pub(crate) fn input(&self) -> DenseShape {
        self.input
    }

    /// Iterates over the convolutions in the order of the parameters.
    #[cfg(feature = "train")]
    pub(crate) fn convolutions(&self) -> impl Iterator<Item = CausalConvShape> {
        self.blocks.iter().flat_map(|block| [block.conv1, block.conv2])
    }

    /// Returns the number of steps that the result of a step depends on.
    pub fn receptive_field(&self) -> usize {
        let of_blocks = self.blocks.iter().map(|block| 4 * block.conv1.dilation());
        1 + of_blocks.sum::<usize>()
    }

    /// Returns names and shapes: `prefix.input.w` `[channels, I]` and `prefix.input.b`, then those
    /// of [`TcnBlockShape::specs`] for `prefix.blocks.0`, `prefix.blocks.1` and so on.
    pub fn specs(&self, prefix: &str) -> Vec<TensorSpec> {
        let mut specs = self.input.specs(&format!("{prefix}.input"));
        for (number, block) in self.blocks.iter().enumerate() {
            specs.extend(block.specs(&format!("{prefix}.blocks.{number}")));
        }
        specs
    }

    /// Returns the number of parameters.
    #[expect(clippy::len_without_is_empty, reason = "a network is never empty")]
    pub fn len(&self) -> usize {
        self.input.len() + self.blocks.iter().map(TcnBlockShape::len).sum::<usize>()
    }
}
