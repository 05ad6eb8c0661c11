//! GRU inference.
use super::GruShape;
use super::shape::GruParams;
use crate::error::{check_len, check_rows};
use crate::kernels::GruCell;
use crate::lstm::BatchOut;
use crate::{
    Biases, Kernel, LstmBatchScratch, LstmError, LstmParams, LstmScratch, LstmShape, LstmState,
    PackedLstm, Real,
};

/// GRU layer packed for inference; nothing allocates after construction.
///
/// It runs on the kernels of [`PackedLstm`] with four sums per unit: r, z, and the two parts of n
/// that the reset gate separates. Every sum has the same order in [`step`](Self::step),
/// [`sequence`](Self::sequence), [`last_hidden`](Self::last_hidden) and in a batch: results are
/// bit-identical. Inputs must be finite, because some packed weights are zero.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{GruShape, GruState, PackedGru};
///
/// let shape = GruShape::new(2, 3, false)?;
/// let params: Vec<f32> = (0..shape.len()).map(|i| (i as f32).sin() / 3.0).collect();
/// let gru = PackedGru::new(shape, &params)?;
/// let mut scratch = gru.scratch();
///
/// let window = [0.1, -0.2, 0.3, 0.0, -0.1, 0.4];
/// let mut state = GruState::zeros(3);
/// for x in window.chunks(2) {
///     gru.step(x, &mut state, &mut scratch)?;
/// }
/// assert_eq!(gru.last_hidden(&window, &mut scratch)?, state.h());
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
#[derive(Debug, Clone)]
pub struct PackedGru<R: Real> {
    shape: GruShape,
    forward: PackedLstm<R>,
    reverse: Option<PackedLstm<R>>,
}

impl<R: Real> PackedGru<R> {
    /// Packs the parameters, in the order of [`GruShape::specs`], for the kernel that
    /// [`Kernel::chosen`] returns.
    ///
    /// # Errors
    /// [`LstmError::Length`] when the parameters do not fit the shape, or the error of
    /// [`Kernel::chosen`].
    pub fn new(shape: GruShape, params: &[R]) -> Result<Self, LstmError> {
        let mut directions = shape.directions_of(params)?.map(|params| pack(shape, params));
        let missing = LstmError::Length { what: "GRU parameters", expected: shape.len(), got: 0 };
        let forward = directions.next().ok_or(missing)??;
        Ok(Self { shape, forward, reverse: directions.next().transpose()? })
    }

    /// Returns the same layer on another kernel.
    ///
    /// # Errors
    /// [`LstmError::Kernel`] when this processor cannot run it.
    pub fn with_kernel(self, kernel: Kernel) -> Result<Self, LstmError> {
        Ok(Self {
            shape: self.shape,
            forward: self.forward.with_kernel(kernel)?,
            reverse: self.reverse.map(|reverse| reverse.with_kernel(kernel)).transpose()?,
        })
    }

    /// Returns the same layer with compact weights, as [`PackedLstm::compact`].
    #[must_use]
    pub fn compact(self) -> Self {
        let Self { shape, forward, reverse } = self;
        Self { shape, forward: forward.compact(), reverse: reverse.map(PackedLstm::compact) }
    }

    /// Returns the sizes of the layer.
    pub fn shape(&self) -> GruShape {
        self.shape
    }

    /// Returns the kernel that the layer runs on.
    pub fn kernel(&self) -> Kernel {
        self.forward.kernel()
    }

    /// Creates working memory for this layer.
    pub fn scratch(&self) -> GruScratch<R> {
        let last = vec![R::ZERO; self.shape.output_size()];
        GruScratch { window: self.forward.scratch(), last }
    }

    /// Creates working memory for batches of any size.
    pub fn batch_scratch(&self) -> LstmBatchScratch<R> {
        self.forward.batch_scratch()
    }

    /// Reads one time step `x` `[I]` into `state`.
    ///
    /// # Errors
    /// [`LstmError::Number`] for a bidirectional layer, whose results depend on later steps;
    /// [`LstmError::Length`] when `x`, `state` or `scratch` does not fit. Nothing is changed then.
    #[inline]
    pub fn step(
        &self,
        x: &[R],
        state: &mut GruState<R>,
        scratch: &mut GruScratch<R>,
    ) -> Result<(), LstmError> {
        if self.reverse.is_some() {
            let expected = "0 (false) for single steps";
            return Err(LstmError::Number { what: "bidirectional", expected, got: 1.0 });
        }
        check_len("x", self.shape.input_size(), x.len())?;
        state.0.check(self.shape.hidden_size())?;
        scratch.window.check(self.shape.hidden_size())?;
        let (h, cell) = state.0.padded_mut();
        cell.copy_from_slice(h);
        self.forward.run(GruCell, (x, 1, false), &mut state.0, None, &mut scratch.window.next);
        Ok(())
    }

    /// Reads the window `xs` `[T, I]` from zero states and returns the last hidden states, `[H]`,
    /// or `[2H]` for a bidirectional layer: the forward one after the last step, the reverse one
    /// after the first.
    ///
    /// # Errors
    /// [`LstmError::Rows`] unless `xs` is one or more whole steps, [`LstmError::Length`] when
    /// `scratch` does not fit.
    pub fn last_hidden<'s>(
        &self,
        xs: &[R],
        scratch: &'s mut GruScratch<R>,
    ) -> Result<&'s [R], LstmError> {
        let steps = check_rows("xs", self.shape.input_size(), xs.len())?;
        scratch.check(self.shape)?;
        let GruScratch { window, last } = scratch;
        for (layer, reversed, offset) in self.directions() {
            layer.read_window(GruCell, (xs, steps, reversed), None, window);
            last[offset..][..self.shape.hidden_size()].copy_from_slice(window.state.h());
        }
        Ok(last)
    }

    /// Reads the window `xs` `[T, I]` from zero states and writes every hidden state into `out`,
    /// `[T, H]`, or `[T, 2H]` for a bidirectional layer.
    ///
    /// # Errors
    /// [`LstmError::Rows`] unless `xs` is one or more whole steps, [`LstmError::Length`] when
    /// `out` or `scratch` does not fit; nothing is changed then.
    pub fn sequence(
        &self,
        xs: &[R],
        out: &mut [R],
        scratch: &mut GruScratch<R>,
    ) -> Result<(), LstmError> {
        let steps = check_rows("xs", self.shape.input_size(), xs.len())?;
        let width = self.shape.output_size();
        check_len("out", steps * width, out.len())?;
        scratch.check(self.shape)?;
        for (layer, reversed, offset) in self.directions() {
            let to = Some((&mut out[offset..], width));
            layer.read_window(GruCell, (xs, steps, reversed), to, &mut scratch.window);
        }
        Ok(())
    }

    /// Reads each of the windows `xs` `[B, T, I]` of `steps` steps from zero states and writes the
    /// last hidden states into `out`, `[B, H]` or `[B, 2H]`, bit-identical to
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

    /// Reads each of the windows `xs` `[B, T, I]` of `steps` steps from zero states and writes
    /// every hidden state into `out`, `[B, T, H]` or `[B, T, 2H]`, bit-identical to
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
        let stride = self.shape.output_size();
        let rows = if every { batch * steps } else { batch };
        check_len("out", rows * stride, out.len())?;
        scratch.check(self.shape.hidden_size())?;
        for (layer, reversed, offset) in self.directions() {
            let to = BatchOut { out: &mut out[offset..], stride, every };
            layer.read_windows(GruCell, (xs, steps, reversed), to, scratch);
        }
        Ok(())
    }

    /// Iterates over the directions: layer, whether the last step is read first, and offset in a
    /// row of the results.
    fn directions(&self) -> impl Iterator<Item = (&PackedLstm<R>, bool, usize)> {
        let reverse = self.reverse.iter().map(|layer| (layer, true, self.shape.hidden_size()));
        std::iter::once((&self.forward, false, 0)).chain(reverse)
    }
}

/// Packs one direction with the sums r, z, `W_n x + b_in` and `U_n h + b_hn`.
fn pack<R: Real>(shape: GruShape, params: GruParams<'_, R>) -> Result<PackedLstm<R>, LstmError> {
    let (inputs, hidden) = (shape.input_size(), shape.hidden_size());
    let zeros = vec![R::ZERO; hidden * inputs.max(hidden)];
    let (of_gates, of_candidate) = params.w_hh.split_at(2 * hidden * hidden);
    let w_ih = [params.w_ih, &zeros[..hidden * inputs]].concat();
    let w_hh = [of_gates, &zeros[..hidden * hidden], of_candidate].concat();
    let sums = params.b_ih.iter().zip(params.b_hh).take(2 * hidden).map(|(a, b)| *a + *b);
    let candidate = params.b_ih[2 * hidden..].iter().chain(&params.b_hh[2 * hidden..]);
    let bias: Vec<R> = sums.chain(candidate.copied()).collect();
    let packed = LstmShape::new(inputs, hidden, Biases::One)?;
    PackedLstm::new(packed, LstmParams { w_ih: &w_ih, w_hh: &w_hh, b_ih: &bias, b_hh: None })
}

/// Hidden state of one GRU layer.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::GruState;
///
/// let mut state = GruState::<f32>::zeros(32);
/// state.h_mut()[0] = 0.5;
/// state.reset();
/// assert_eq!(state.h(), [0.0; 32]);
/// ```
#[derive(Debug, Clone)]
pub struct GruState<R>(
    /// Hidden state; the cell is working memory.
    LstmState<R>,
);

impl<R: Real> GruState<R> {
    /// Creates the state before the first step, all zeros.
    pub fn zeros(hidden_size: usize) -> Self {
        Self(LstmState::zeros(hidden_size))
    }

    /// Resets the state to zeros.
    pub fn reset(&mut self) {
        self.0.reset();
    }

    /// Returns the hidden state `[H]`.
    pub fn h(&self) -> &[R] {
        self.0.h()
    }

    /// Returns the hidden state `[H]`, mutable.
    pub fn h_mut(&mut self) -> &mut [R] {
        self.0.h_mut()
    }
}

/// Working memory of [`PackedGru`], created by [`PackedGru::scratch`].
///
/// It carries no state from one call to the next, so one per thread serves any number of windows.
#[derive(Debug, Clone)]
pub struct GruScratch<R> {
    window: LstmScratch<R>,
    /// Last hidden states `[H]` or `[2H]`.
    last: Vec<R>,
}

impl<R: Real> GruScratch<R> {
    fn check(&self, shape: GruShape) -> Result<(), LstmError> {
        self.window.check(shape.hidden_size())?;
        check_len("scratch", shape.output_size(), self.last.len())
    }
}
