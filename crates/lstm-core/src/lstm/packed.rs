//! LSTM inference.
use std::fmt;

use super::{LstmParams, LstmScratch, LstmShape, LstmState};
use crate::error::{check_len, check_rows};
use crate::kernels::{
    Cell, DetectedKernel, Lstm, LstmCell, LstmWeights, StoredColumn, TAIL_UNITS, TailColumn, UNITS,
    WeightColumn, l1_data_cache_bytes,
};
use crate::{Kernel, LstmError, Real};

/// LSTM layer packed for inference; nothing allocates after construction.
///
/// Weights are stored in blocks of 16 units, with all four gates of a block side by side and one
/// column per input and per hidden unit. The remaining units are stored in groups of four to limit
/// padding. Both biases are folded into one.
///
/// Every gate sum starts at the folded bias and adds the inputs in ascending order, then the hidden
/// units: [`step`](Self::step), [`sequence`](Self::sequence) and
/// [`last_hidden`](Self::last_hidden) give bit-identical results for the same inputs.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{Biases, LstmShape, LstmState, PackedLstm};
///
/// let shape = LstmShape::new(2, 3, Biases::One)?;
/// let weights: Vec<f32> = (0..shape.len()).map(|i| (i as f32).sin() / 3.0).collect();
/// let lstm = PackedLstm::new(shape, shape.params(&weights)?)?;
/// let mut scratch = lstm.scratch();
///
/// let window = [0.1, -0.2, 0.3, 0.0, -0.1, 0.4];
/// let mut state = LstmState::zeros(3);
/// for x in window.chunks(2) {
///     lstm.step(x, &mut state, &mut scratch)?;
/// }
/// assert_eq!(lstm.last_hidden(&window, &mut scratch)?, state.h());
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
#[derive(Clone)]
pub struct PackedLstm<R: Real> {
    shape: LstmShape,
    pub(super) kernel: DetectedKernel,
    /// Bias by blocks of units, `[blocks]`.
    bias: Vec<WeightColumn<R>>,
    /// Weight columns, `[pairs of blocks, I + H, 2]`, then `[I + H]` of an odd last block.
    columns: Vec<WeightColumn<R>>,
    /// The same columns in compact form; empty unless that form is used.
    compact: Vec<R::Compact>,
    /// Bias of the units in groups of four, `[tails]`.
    tail_bias: Vec<TailColumn<R>>,
    /// Weight columns of the units in groups of four, `[I + H, tails]`.
    tail_columns: Vec<TailColumn<R>>,
    /// Size of the L1 data cache in bytes.
    cache: usize,
}

/// Returns the lane of one gate of a tail unit within its column.
fn tail_lane(gate: usize, unit: usize) -> usize {
    gate * TAIL_UNITS + unit % TAIL_UNITS
}

/// Formats sizes and kernel, not the weights.
impl<R: Real> fmt::Debug for PackedLstm<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PackedLstm")
            .field("shape", &self.shape)
            .field("kernel", &self.kernel)
            .finish_non_exhaustive()
    }
}

impl<R: Real> PackedLstm<R> {
    /// Packs the parameters for the kernel that [`Kernel::chosen`] returns.
    ///
    /// # Errors
    /// [`LstmError::Length`] when a parameter does not fit the shape, or the error of
    /// [`Kernel::chosen`].
    pub fn new(shape: LstmShape, params: LstmParams<'_, R>) -> Result<Self, LstmError> {
        shape.check(&params)?;
        let (inputs, hidden) = (shape.input_size(), shape.hidden_size());
        let count = inputs + hidden;
        // Four tail columns are stored as a whole block.
        let (blocks, tails) = match (hidden % UNITS).div_ceil(TAIL_UNITS) {
            4 => (hidden.div_ceil(UNITS), 0),
            tails => (hidden / UNITS, tails),
        };
        let mut packed = Self {
            shape,
            kernel: DetectedKernel::chosen()?,
            bias: vec![WeightColumn::ZERO; blocks],
            columns: vec![WeightColumn::ZERO; blocks * count],
            compact: Vec::new(),
            tail_bias: vec![TailColumn::ZERO; tails],
            tail_columns: vec![TailColumn::ZERO; count * tails],
            cache: l1_data_cache_bytes(),
        };
        for gate in 0..4 {
            for unit in 0..hidden {
                let row = gate * hidden + unit;
                let w_ih = &params.w_ih[row * inputs..][..inputs];
                let w_hh = &params.w_hh[row * hidden..][..hidden];
                *packed.bias_mut(gate, unit) = params.bias(row);
                for (k, &w) in w_ih.iter().chain(w_hh).enumerate() {
                    *packed.weight_mut(gate, unit, k) = w;
                }
            }
        }
        Ok(packed)
    }

    fn bias_mut(&mut self, gate: usize, unit: usize) -> &mut R {
        let (block, lane) = (unit / UNITS, unit % UNITS);
        match self.bias.get_mut(block) {
            Some(bias) => &mut bias.0[gate][lane],
            None => &mut self.tail_bias[lane / TAIL_UNITS].0[tail_lane(gate, lane)],
        }
    }

    fn weight_mut(&mut self, gate: usize, unit: usize, k: usize) -> &mut R {
        let count = self.shape.input_size() + self.shape.hidden_size();
        let (block, lane) = (unit / UNITS, unit % UNITS);
        if block < self.bias.len() {
            let (pair, inside) = (block / 2, block % 2);
            let width = (self.bias.len() - 2 * pair).min(2);
            return &mut self.columns[2 * pair * count + k * width + inside].0[gate][lane];
        }
        let column = k * self.tail_bias.len() + lane / TAIL_UNITS;
        &mut self.tail_columns[column].0[tail_lane(gate, lane)]
    }

    /// Returns the same layer on another kernel.
    ///
    /// # Errors
    /// [`LstmError::Kernel`] when this processor cannot run it.
    pub fn with_kernel(mut self, kernel: Kernel) -> Result<Self, LstmError> {
        self.kernel = DetectedKernel::new(kernel)?;
        Ok(self)
    }

    /// Returns the same layer with compact weights.
    ///
    /// Weights of type `f32` are rounded to 8 significant bits, a relative error of at most 1/256, and
    /// read as 16 bits, so that twice as many fit into the L1 data cache. Weights beyond 3.3e38 become
    /// that number. [`step`](Self::step), [`sequence`](Self::sequence) and
    /// [`last_hidden`](Self::last_hidden) become faster if the weights exceed the cache, and slower
    /// if they do not. Batches compute with the rounded weights too, at their usual speed, so results
    /// are bit-identical alone and in a batch. Biases, and the weights of the units after the last
    /// whole block of sixteen, are not rounded. A layer holds both forms, half as many bytes more.
    /// Layers of type `f64` do not change.
    ///
    /// # Examples
    ///
    /// ```
    /// use windvane_lstm_core::{Biases, LstmShape, PackedLstm};
    ///
    /// let shape = LstmShape::new(2, 16, Biases::One)?;
    /// let weights: Vec<f32> = (0..shape.len()).map(|i| (i as f32).sin() / 3.0).collect();
    /// let lstm = PackedLstm::new(shape, shape.params(&weights)?)?;
    /// let (compact, mut scratch) = (lstm.clone().compact(), lstm.scratch());
    ///
    /// let window = [0.1, -0.2, 0.3, 0.0, -0.1, 0.4];
    /// let exact = lstm.last_hidden(&window, &mut scratch)?[0];
    /// assert!((compact.last_hidden(&window, &mut scratch)?[0] - exact).abs() < 1e-3);
    /// # Ok::<(), windvane_lstm_core::LstmError>(())
    /// ```
    #[must_use]
    pub fn compact(mut self) -> Self {
        if size_of::<R::Compact>() == size_of::<WeightColumn<R>>() {
            return self;
        }
        self.compact = self.columns.iter().map(|column| R::Compact::from(*column)).collect();
        for (column, compact) in self.columns.iter_mut().zip(&self.compact) {
            for gate in 0..4 {
                column.0[gate] = compact.gate(gate);
            }
        }
        self
    }

    /// Returns the sizes of the layer.
    pub fn shape(&self) -> LstmShape {
        self.shape
    }

    /// Returns the kernel that the layer runs on.
    pub fn kernel(&self) -> Kernel {
        self.kernel.kernel()
    }

    /// Creates working memory for this layer.
    pub fn scratch(&self) -> LstmScratch<R> {
        LstmScratch::new(self.shape.hidden_size())
    }

    /// Reads one time step `x` `[I]` into `state`.
    ///
    /// # Errors
    /// [`LstmError::Length`] when `x`, `state` or `scratch` does not fit; nothing is changed then.
    #[inline]
    pub fn step(
        &self,
        x: &[R],
        state: &mut LstmState<R>,
        scratch: &mut LstmScratch<R>,
    ) -> Result<(), LstmError> {
        check_len("x", self.shape.input_size(), x.len())?;
        state.check(self.shape.hidden_size())?;
        scratch.check(self.shape.hidden_size())?;
        self.run(LstmCell, (x, 1, false), state, None, &mut scratch.next);
        Ok(())
    }

    /// Reads the window `xs` `[T, I]` from a zero state and returns the last hidden state `[H]`.
    ///
    /// # Errors
    /// [`LstmError::Rows`] unless `xs` is one or more whole steps, [`LstmError::Length`] when
    /// `scratch` does not fit.
    #[inline]
    pub fn last_hidden<'s>(
        &self,
        xs: &[R],
        scratch: &'s mut LstmScratch<R>,
    ) -> Result<&'s [R], LstmError> {
        let steps = check_rows("xs", self.shape.input_size(), xs.len())?;
        scratch.check(self.shape.hidden_size())?;
        self.read_window(LstmCell, (xs, steps, false), None, scratch);
        Ok(scratch.state.h())
    }

    /// Reads `xs` `[T, I]` into `state`, and every hidden state into `out` `[T, H]` if given.
    ///
    /// # Errors
    /// [`LstmError::Rows`] unless `xs` is one or more whole steps, [`LstmError::Length`] when
    /// `state`, `out` or `scratch` does not fit; nothing is changed then.
    pub fn sequence(
        &self,
        xs: &[R],
        state: &mut LstmState<R>,
        out: Option<&mut [R]>,
        scratch: &mut LstmScratch<R>,
    ) -> Result<(), LstmError> {
        let hidden = self.shape.hidden_size();
        let steps = check_rows("xs", self.shape.input_size(), xs.len())?;
        state.check(hidden)?;
        scratch.check(hidden)?;
        if let Some(out) = &out {
            check_len("out", steps * hidden, out.len())?;
        }
        let out = out.map(|out| (out, hidden));
        self.run(LstmCell, (xs, steps, false), state, out, &mut scratch.next);
        Ok(())
    }

    /// Reads `steps` steps `xs` `[T, I]` from a zero state, the last one first if `reversed`.
    ///
    /// The state stays in `scratch`; the hidden state after reading step t goes to
    /// `out[t * stride..]`. The caller has checked the lengths.
    pub(crate) fn read_window(
        &self,
        cell: impl Cell,
        (xs, steps, reversed): (&[R], usize, bool),
        out: Option<(&mut [R], usize)>,
        scratch: &mut LstmScratch<R>,
    ) {
        let LstmScratch { state, next } = scratch;
        state.reset();
        self.run(cell, (xs, steps, reversed), state, out, next);
    }

    pub(super) fn weights(&self) -> LstmWeights<'_, R> {
        self.weights_of(&self.columns)
    }

    fn weights_of<'a, W>(&'a self, columns: &'a [W]) -> LstmWeights<'a, R, W> {
        LstmWeights {
            inputs: self.shape.input_size(),
            hidden: self.shape.hidden_size(),
            bias: &self.bias,
            columns,
            tail_bias: &self.tail_bias,
            tail_columns: &self.tail_columns,
            cache: self.cache,
        }
    }

    /// Reads `steps` steps `xs` `[T, I]` into `state`, the last one first if `reversed`.
    ///
    /// The caller has checked the lengths.
    pub(crate) fn run(
        &self,
        cell: impl Cell,
        (xs, steps, reversed): (&[R], usize, bool),
        state: &mut LstmState<R>,
        out: Option<(&mut [R], usize)>,
        next: &mut Vec<R>,
    ) {
        let (h, c) = state.padded_mut();
        let (out, stride) = out.unzip();
        let stride = stride.unwrap_or(0);
        let (weights, hidden) = (self.weights(), &mut *next);
        let window =
            Lstm { cell, weights, xs, steps, reversed, h: &mut *h, c, next: hidden, out, stride };
        if self.compact.is_empty() {
            self.kernel.run(window);
        } else {
            self.kernel.run(window.with_weights(self.weights_of(&self.compact)));
        }
        // Each step reads one buffer and writes the other.
        if !steps.is_multiple_of(2) {
            std::mem::swap(h, next);
        }
    }
}
