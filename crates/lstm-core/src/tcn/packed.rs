//! Inference of a temporal convolutional network.
use super::TcnShape;
use crate::conv::{ConvBuffers, PackedCausalConv};
use crate::error::{check_len, check_rows};
use crate::{Kernel, LstmError, PackedDense, Real, relu};

/// Temporal convolutional network packed for inference; nothing allocates after construction.
///
/// The result of a step is bit-identical in every batch. [`last_hidden`](Self::last_hidden)
/// computes only the steps that the last one depends on.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{PackedTcn, TcnShape};
///
/// let shape = TcnShape::new(2, 3, 2)?;
/// let params: Vec<f32> = (0..shape.len()).map(|i| (i as f32).sin() / 3.0).collect();
/// let tcn = PackedTcn::new(&shape, &params)?;
/// let mut scratch = tcn.scratch(4);
///
/// let window = [0.1, -0.2, 0.3, 0.0, -0.1, 0.4, 0.2, 0.2];
/// let mut states = [0.0; 4 * 3];
/// tcn.sequence(&window, &mut states, &mut scratch)?;
/// assert_eq!(*tcn.last_hidden(&window, &mut scratch)?, states[3 * 3..]);
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
#[derive(Debug, Clone)]
pub struct PackedTcn<R> {
    shape: TcnShape,
    input: PackedDense<R>,
    /// Both convolutions of each block.
    blocks: Vec<[PackedCausalConv<R>; 2]>,
}

/// Working memory of [`PackedTcn`], created by [`PackedTcn::scratch`].
///
/// It carries no state from one call to the next, so one per thread serves any number of windows.
#[derive(Debug, Clone)]
pub struct TcnScratch<R> {
    /// Maximum number of steps of a window.
    steps: usize,
    /// Inputs, then results of a block `[T, channels]`.
    rows: Vec<R>,
    /// Results of the first and of the second convolution of a block `[T, channels]`.
    first: Vec<R>,
    second: Vec<R>,
    conv: ConvBuffers<R>,
}

impl<R: Real> PackedTcn<R> {
    /// Packs the parameters, in the order of [`TcnShape::specs`], for the kernel that
    /// [`Kernel::chosen`] returns.
    ///
    /// # Errors
    /// [`LstmError::Length`] when the parameters do not fit the shape, or the error of
    /// [`Kernel::chosen`].
    pub fn new(shape: &TcnShape, params: &[R]) -> Result<Self, LstmError> {
        check_len("TCN parameters", shape.len(), params.len())?;
        let (of_input, mut rest) = params.split_at(shape.input.len());
        let mut blocks = Vec::with_capacity(shape.blocks.len());
        for block in &shape.blocks {
            let (own, after) = rest.split_at(block.len());
            let (of_conv1, of_conv2) = own.split_at(block.conv1.len());
            let conv1 = PackedCausalConv::new(block.conv1, of_conv1)?;
            blocks.push([conv1, PackedCausalConv::new(block.conv2, of_conv2)?]);
            rest = after;
        }
        let input = PackedDense::new(shape.input, shape.input.params(of_input)?)?;
        Ok(Self { shape: shape.clone(), input, blocks })
    }

    /// Returns the same network on another kernel.
    ///
    /// # Errors
    /// [`LstmError::Kernel`] when this processor cannot run it.
    pub fn with_kernel(self, kernel: Kernel) -> Result<Self, LstmError> {
        let mut blocks = Vec::with_capacity(self.blocks.len());
        for [conv1, conv2] in self.blocks {
            blocks.push([conv1.with_kernel(kernel)?, conv2.with_kernel(kernel)?]);
        }
        Ok(Self { shape: self.shape, input: self.input.with_kernel(kernel)?, blocks })
    }

    /// Returns the sizes of the network.
    pub fn shape(&self) -> &TcnShape {
        &self.shape
    }

    /// Returns the kernel that the network runs on.
    pub fn kernel(&self) -> Kernel {
        self.input.kernel()
    }

    /// Creates working memory for windows of up to `steps` steps.
    pub fn scratch(&self, steps: usize) -> TcnScratch<R> {
        let zeros = vec![R::ZERO; steps * self.shape.output_size()];
        let conv = ConvBuffers::new(self.shape.blocks[0].conv2, steps);
        TcnScratch { steps, rows: zeros.clone(), first: zeros.clone(), second: zeros, conv }
    }

    /// Reads the window `xs` `[T, I]` and returns the result of the last step `[channels]`.
    ///
    /// # Errors
    /// [`LstmError::Rows`] unless `xs` is one or more whole steps, [`LstmError::Size`] when the
    /// window has more steps than `scratch` was created for, [`LstmError::Length`] when `scratch`
    /// belongs to another network.
    pub fn last_hidden<'s>(
        &self,
        xs: &[R],
        scratch: &'s mut TcnScratch<R>,
    ) -> Result<&'s [R], LstmError> {
        let steps = self.check(xs, scratch)?;
        self.read(xs, steps, false, scratch)?;
        let width = self.shape.output_size();
        Ok(&scratch.rows[(steps - 1) * width..steps * width])
    }

    /// Reads the window `xs` `[T, I]` and writes the result of every step into `out` `[T,
    /// channels]`.
    ///
    /// # Errors
    /// Those of [`last_hidden`](Self::last_hidden), and [`LstmError::Length`] when `out` does not
    /// fit; nothing is changed then.
    pub fn sequence(
        &self,
        xs: &[R],
        out: &mut [R],
        scratch: &mut TcnScratch<R>,
    ) -> Result<(), LstmError> {
        let steps = self.check(xs, scratch)?;
        check_len("out", steps * self.shape.output_size(), out.len())?;
        self.read(xs, steps, true, scratch)?;
        out.copy_from_slice(&scratch.rows[..out.len()]);
        Ok(())
    }

    /// Checks a window and the working memory; returns the number of steps.
    fn check(&self, xs: &[R], scratch: &TcnScratch<R>) -> Result<usize, LstmError> {
        let steps = check_rows("xs", self.shape.input_size(), xs.len())?;
        check_len("scratch", scratch.steps * self.shape.output_size(), scratch.rows.len())?;
        if steps > scratch.steps {
            return Err(LstmError::Size { what: "steps", expected: scratch.steps, got: steps });
        }
        Ok(steps)
    }

    /// Computes the results of the last step, or of every step, in `scratch.rows`.
    fn read(
        &self,
        xs: &[R],
        steps: usize,
        every: bool,
        scratch: &mut TcnScratch<R>,
    ) -> Result<(), LstmError> {
        let width = self.shape.output_size();
        let TcnScratch { rows, first, second, conv, .. } = scratch;
        let [rows, first, second] = [rows, first, second].map(|all| &mut all[..steps * width]);
        self.input.apply(xs, rows)?;
        for (number, [conv1, conv2]) in self.blocks.iter().enumerate() {
            // The last step depends on the results of a block at multiples of the next dilation,
            // and on those of its first convolution at multiples of its own one.
            let dilation = 1 << number;
            let is_last = number + 1 == self.blocks.len();
            let [of_first, of_second] = match (every, is_last) {
                (true, _) => [1, 1],
                (false, true) => [dilation, steps],
                (false, false) => [dilation, 2 * dilation],
            };
            conv1.apply(rows, of_first, first, conv)?;
            conv2.apply(first, of_second, second, conv)?;
            for step in (0..steps).rev().step_by(of_second) {
                let row = &mut rows[step * width..][..width];
                let sums = row.iter_mut().zip(&second[step * width..][..width]);
                sums.for_each(|(y, z)| *y += *z);
                relu(row);
            }
        }
        Ok(())
    }
}
