//! Bidirectional LSTM inference.
use super::{BiLstmParams, BiLstmShape};
use crate::error::{check_len, check_rows};
use crate::kernels::LstmCell;
use crate::lstm::BatchOut;
use crate::{Kernel, LstmBatchScratch, LstmError, LstmScratch, PackedLstm, Real};

/// Bidirectional LSTM layer packed for inference; nothing allocates after construction.
///
/// Each half of a result is bit-identical to that of a [`PackedLstm`] over the window or, for the
/// reverse half, over the reversed window.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{BiLstmShape, Biases, PackedBiLstm};
///
/// let shape = BiLstmShape::new(2, 3, Biases::One)?;
/// let weights: Vec<f32> = (0..shape.len()).map(|i| (i as f32).sin() / 3.0).collect();
/// let lstm = PackedBiLstm::new(shape, shape.params(&weights)?)?;
/// let mut scratch = lstm.scratch();
///
/// let window = [0.1, -0.2, 0.3, 0.0, -0.1, 0.4];
/// let mut hidden = [0.0; 3 * 6];
/// lstm.sequence(&window, &mut hidden, &mut scratch)?;
/// let last = lstm.last_hidden(&window, &mut scratch)?;
/// // The forward LSTM ends at the last step, the reverse one at the first.
/// assert_eq!(last[..3], hidden[2 * 6..][..3]);
/// assert_eq!(last[3..], hidden[3..6]);
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
#[derive(Debug, Clone)]
pub struct PackedBiLstm<R: Real> {
    shape: BiLstmShape,
    forward: PackedLstm<R>,
    reverse: PackedLstm<R>,
}

impl<R: Real> PackedBiLstm<R> {
    /// Packs the parameters for the kernel that [`Kernel::chosen`] returns.
    ///
    /// # Errors
    /// [`LstmError::Length`] when a parameter does not fit the shape, or the error of
    /// [`Kernel::chosen`].
    pub fn new(shape: BiLstmShape, params: BiLstmParams<'_, R>) -> Result<Self, LstmError> {
        let forward = PackedLstm::new(shape.direction(), params.forward)?;
        let reverse = PackedLstm::new(shape.direction(), params.reverse)?;
        Ok(Self { shape, forward, reverse })
    }

    /// Returns the same layer on another kernel.
    ///
    /// # Errors
    /// [`LstmError::Kernel`] when this processor cannot run it.
    pub fn with_kernel(mut self, kernel: Kernel) -> Result<Self, LstmError> {
        self.forward = self.forward.with_kernel(kernel)?;
        self.reverse = self.reverse.with_kernel(kernel)?;
        Ok(self)
    }

    /// Returns the same layer with compact weights, as [`PackedLstm::compact`].
    #[must_use]
    pub fn compact(self) -> Self {
        let Self { shape, forward, reverse } = self;
        Self { shape, forward: forward.compact(), reverse: reverse.compact() }
    }

    /// Returns the sizes of the layer.
    pub fn shape(&self) -> BiLstmShape {
        self.shape
    }

    /// Returns the kernel that the layer runs on.
    pub fn kernel(&self) -> Kernel {
        self.forward.kernel()
    }

    /// Creates working memory for this layer.
    pub fn scratch(&self) -> BiLstmScratch<R> {
        BiLstmScratch {
            lstm: self.forward.scratch(),
            last: vec![R::ZERO; self.shape.output_size()],
        }
    }

    /// Reads the window `xs` `[T, I]` in both directions from zero states and returns the last
    /// hidden states `[2H]`: the forward one after the last step, the reverse one after the first.
    ///
    /// # Errors
    /// [`LstmError::Rows`] unless `xs` is one or more whole steps, [`LstmError::Length`] when
    /// `scratch` does not fit.
    pub fn last_hidden<'s>(
        &self,
        xs: &[R],
        scratch: &'s mut BiLstmScratch<R>,
    ) -> Result<&'s [R], LstmError> {
        let steps = check_rows("xs", self.shape.input_size(), xs.len())?;
        let hidden = self.shape.hidden_size();
        scratch.lstm.check(hidden)?;
        let BiLstmScratch { lstm, last } = scratch;
        let (of_forward, of_reverse) = last.split_at_mut(hidden);
        self.forward.read_window(LstmCell, (xs, steps, false), None, lstm);
        of_forward.copy_from_slice(lstm.state.h());
        self.reverse.read_window(LstmCell, (xs, steps, true), None, lstm);
        of_reverse.copy_from_slice(lstm.state.h());
        Ok(last)
    }

    /// Reads the window `xs` `[T, I]` in both directions from zero states and writes every hidden
    /// state into `out` `[T, 2H]`.
    ///
    /// # Errors
    /// [`LstmError::Rows`] unless `xs` is one or more whole steps, [`LstmError::Length`] when
    /// `out` or `scratch` does not fit; nothing is changed then.
    pub fn sequence(
        &self,
        xs: &[R],
        out: &mut [R],
        scratch: &mut BiLstmScratch<R>,
    ) -> Result<(), LstmError> {
        let steps = check_rows("xs", self.shape.input_size(), xs.len())?;
        let (hidden, width) = (self.shape.hidden_size(), self.shape.output_size());
        check_len("out", steps * width, out.len())?;
        scratch.lstm.check(hidden)?;
        let to = Some((&mut *out, width));
        self.forward.read_window(LstmCell, (xs, steps, false), to, &mut scratch.lstm);
        let to = Some((&mut out[hidden..], width));
        self.reverse.read_window(LstmCell, (xs, steps, true), to, &mut scratch.lstm);
        Ok(())
    }

    /// Creates working memory for batches of any size.
    pub fn batch_scratch(&self) -> LstmBatchScratch<R> {
        self.forward.batch_scratch()
    }

    /// Reads each of the windows `xs` `[B, T, I]` of `steps` steps in both directions from zero
    /// states and writes the last hidden states into `out` `[B, 2H]`, bit-identical to
    /// [`last_hidden`](Self::last_hidden).
    ///
    /// # Errors
    /// [`LstmError::Rows`] unless `xs` is one or more whole windows, [`LstmError::Length`] when
    /// `out` or `scratch` does not fit; nothing is changed then.
    pub fn last_hidden_batch(
        &self,
        xs: &[R],
        steps: usize,
        out: &mut [R],
        scratch: &mut LstmBatchScratch<R>,
    ) -> Result<(), LstmError> {
        self.read_windows(xs, steps, out, false, scratch)
    }

    /// Reads each of the windows `xs` `[B, T, I]` of `steps` steps in both directions from zero
    /// states and writes every hidden state into `out` `[B, T, 2H]`, bit-identical to
    /// [`sequence`](Self::sequence).
    ///
    /// # Errors
    /// [`LstmError::Rows`] unless `xs` is one or more whole windows, [`LstmError::Length`] when
    /// `out` or `scratch` does not fit; nothing is changed then.
    pub fn sequence_batch(
        &self,
        xs: &[R],
        steps: usize,
        out: &mut [R],
        scratch: &mut LstmBatchScratch<R>,
    ) -> Result<(), LstmError> {
        self.read_windows(xs, steps, out, true, scratch)
    }

    fn read_windows(
        &self,
        xs: &[R],
        steps: usize,
        out: &mut [R],
        every: bool,
        scratch: &mut LstmBatchScratch<R>,
    ) -> Result<(), LstmError> {
        let row = steps.saturating_mul(self.shape.input_size());
        let batch = check_rows("xs", row, xs.len())?;
        let (hidden, stride) = (self.shape.hidden_size(), self.shape.output_size());
        let rows = if every { batch * steps } else { batch };
        check_len("out", rows * stride, out.len())?;
        scratch.check(hidden)?;
        let to = BatchOut { out: &mut *out, stride, every };
        self.forward.read_windows(LstmCell, (xs, steps, false), to, scratch);
        let to = BatchOut { out: &mut out[hidden..], stride, every };
        self.reverse.read_windows(LstmCell, (xs, steps, true), to, scratch);
        Ok(())
    }
}

/// Working memory of [`PackedBiLstm`], created by [`PackedBiLstm::scratch`].
///
/// It carries no state from one call to the next, so one per thread serves any number of windows.
#[derive(Debug, Clone)]
pub struct BiLstmScratch<R> {
    lstm: LstmScratch<R>,
    /// Last hidden states `[2H]`.
    last: Vec<R>,
}
