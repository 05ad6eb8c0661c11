//! LSTM inference over batches of windows.
use super::{LstmBatchScratch, PackedLstm};
use crate::error::{check_len, check_rows};
use crate::kernels::{Cell, Lstm, LstmBatch, LstmCell, TILE, padded};
use crate::{LstmError, Real};

/// Smallest batch for which the batch kernel is faster than one window at a time.
const MIN_BATCH: usize = 5;

/// Output for the hidden states of a batch: the first `H` numbers of each row.
pub(crate) struct BatchOut<'a, R> {
    /// Numbers `[B, T, stride]` if `every`, otherwise `[B, stride]`.
    pub(crate) out: &'a mut [R],
    pub(crate) stride: usize,
    /// Whether every hidden state is written, not only the last one.
    pub(crate) every: bool,
}

impl<R: Real> PackedLstm<R> {
    /// Creates working memory for batches of any size.
    pub fn batch_scratch(&self) -> LstmBatchScratch<R> {
        LstmBatchScratch::new(self.shape().hidden_size())
    }

    /// Reads each of the windows `xs` `[B, T, I]` of `steps` steps from a zero state and writes
    /// the last hidden states into `out` `[B, H]`.
    ///
    /// Each result is bit-identical to that of [`last_hidden`](Self::last_hidden). The weights are
    /// read once for several windows, which makes large batches faster.
    ///
    /// # Errors
    /// [`LstmError::Rows`] unless `xs` is one or more whole windows, [`LstmError::Length`] when
    /// `out` or `scratch` does not fit; nothing is changed then.
    ///
    /// # Examples
    ///
    /// ```
    /// use windvane_lstm_core::{Biases, LstmShape, PackedLstm};
    ///
    /// let shape = LstmShape::new(2, 3, Biases::One)?;
    /// let weights: Vec<f32> = (0..shape.len()).map(|i| (i as f32).sin() / 3.0).collect();
    /// let lstm = PackedLstm::new(shape, shape.params(&weights)?)?;
    ///
    /// let windows = [0.1, -0.2, 0.3, 0.0, /* second window */ -0.1, 0.4, 0.0, 0.2];
    /// let mut hidden = [0.0; 2 * 3];
    /// lstm.last_hidden_batch(&windows, 2, &mut hidden, &mut lstm.batch_scratch())?;
    /// let mut scratch = lstm.scratch();
    /// assert_eq!(hidden[3..], *lstm.last_hidden(&windows[4..], &mut scratch)?);
    /// # Ok::<(), windvane_lstm_core::LstmError>(())
    /// ```
    pub fn last_hidden_batch(
        &self,
        xs: &[R],
        steps: usize,
        out: &mut [R],
        scratch: &mut LstmBatchScratch<R>,
    ) -> Result<(), LstmError> {
        let batch = check_rows("xs", steps.saturating_mul(self.shape().input_size()), xs.len())?;
        let hidden = self.shape().hidden_size();
        check_len("out", batch * hidden, out.len())?;
        scratch.check(hidden)?;
        let to = BatchOut { out, stride: hidden, every: false };
        self.read_windows(LstmCell, (xs, steps, false), to, scratch);
        Ok(())
    }

    /// Reads windows `[B, T, I]` from zero states; the caller has checked the lengths.
    pub(crate) fn read_windows(
        &self,
        cell: impl Cell,
        (xs, steps, reversed): (&[R], usize, bool),
        to: BatchOut<'_, R>,
        scratch: &mut LstmBatchScratch<R>,
    ) {
        let BatchOut { out, stride, every } = to;
        let rows = if every { TILE * steps } else { TILE };
        let tiles = xs.chunks(TILE * steps * self.shape().input_size());
        for (tile, xs) in tiles.enumerate() {
            let out = &mut out[tile * rows * stride..];
            if xs.len() < MIN_BATCH * steps * self.shape().input_size() {
                let to = BatchOut { out, stride, every };
                self.read_one_by_one(cell, (xs, steps, reversed), to, scratch);
                continue;
            }
            let batch = LstmBatch {
                cell,
                weights: self.weights(),
                xs,
                steps,
                reversed,
                h: &mut scratch.h,
                c: &mut scratch.c,
                next: &mut scratch.next,
                sums: &mut scratch.sums,
                out,
                stride,
                every,
            };
            batch.run(self.kernel);
        }
    }

    /// Reads windows like [`read_windows`](Self::read_windows), one at a time.
    fn read_one_by_one(
        &self,
        cell: impl Cell,
        (xs, steps, reversed): (&[R], usize, bool),
        to: BatchOut<'_, R>,
        scratch: &mut LstmBatchScratch<R>,
    ) {
        let BatchOut { out, stride, every } = to;
        let hidden = self.shape().hidden_size();
        let rows = if every { steps } else { 1 };
        let windows = xs.chunks_exact(steps * self.shape().input_size());
        for (xs, out) in windows.zip(out.chunks_mut(rows * stride)) {
            let (weights, width) = (self.weights(), padded(hidden));
            let (h, c) = (&mut scratch.h[..width], &mut scratch.c[..width]);
            let next = &mut scratch.next[..width];
            h.fill(R::ZERO);
            c.fill(R::ZERO);
            let each = every.then_some(&mut *out);
            let window = Lstm { cell, weights, xs, steps, reversed, h, c, next, out: each, stride };
            self.kernel.run(window);
            if !every {
                // The steps alternate between two buffers.
                let last = if steps.is_multiple_of(2) { &scratch.h } else { &scratch.next };
                out[..hidden].copy_from_slice(&last[..hidden]);
            }
        }
    }
}
