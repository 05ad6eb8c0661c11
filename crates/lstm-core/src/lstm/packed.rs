//! LSTM inference.
use super::{LstmParams, LstmScratch, LstmShape, LstmState};
use crate::error::{check_len, check_rows};
use crate::kernels::{self, Checked, Column, Lstm, UNITS};
use crate::{Kernel, LstmError, Real};

/// An LSTM layer packed for inference: after construction nothing allocates.
///
/// Weights are held in blocks of 16 units, all four gates of a block side by side, one column per
/// input and per hidden unit; both biases are folded into one.
///
/// Every gate sum starts at the folded bias and adds the inputs in ascending order, then the hidden
/// units: [`step`](Self::step), [`sequence`](Self::sequence) and
/// [`last_hidden`](Self::last_hidden) give the same bits for the same numbers.
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
#[derive(Debug, Clone)]
pub struct PackedLstm<R> {
    shape: LstmShape,
    kernel: Checked,
    // [blocks]
    bias: Vec<Column<R>>,
    // [blocks, I + H]
    columns: Vec<Column<R>>,
}

impl<R: Real> PackedLstm<R> {
    /// Packs the parameters, for the kernel that [`Kernel::detect`] names.
    ///
    /// # Errors
    /// [`LstmError::Length`] when a parameter does not fit the shape.
    pub fn new(shape: LstmShape, params: LstmParams<'_, R>) -> Result<Self, LstmError> {
        shape.check(&params)?;
        let (inputs, hidden) = (shape.input_size(), shape.hidden_size());
        let blocks = hidden.div_ceil(UNITS);
        let mut bias = vec![Column::ZERO; blocks];
        let mut columns = vec![Column::ZERO; blocks * (inputs + hidden)];
        for gate in 0..4 {
            for unit in 0..hidden {
                let row = gate * hidden + unit;
                let (block, lane) = (unit / UNITS, unit % UNITS);
                bias[block].0[gate][lane] = params.bias(row);
                let w_ih = &params.w_ih[row * inputs..][..inputs];
                let w_hh = &params.w_hh[row * hidden..][..hidden];
                let columns = &mut columns[block * (inputs + hidden)..][..inputs + hidden];
                for (column, &w) in columns.iter_mut().zip(w_ih.iter().chain(w_hh)) {
                    column.0[gate][lane] = w;
                }
            }
        }
        Ok(Self { shape, kernel: Checked::detect(), bias, columns })
    }

    /// The same layer run by another kernel.
    ///
    /// # Errors
    /// [`LstmError::Kernel`] when this processor cannot run it.
    pub fn with_kernel(mut self, kernel: Kernel) -> Result<Self, LstmError> {
        self.kernel = Checked::new(kernel)?;
        Ok(self)
    }

    /// The layer's sizes.
    pub fn shape(&self) -> LstmShape {
        self.shape
    }

    /// The kernel that runs.
    pub fn kernel(&self) -> Kernel {
        self.kernel.kernel()
    }

    /// Working memory for this layer.
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
        self.sequence(x, state, None, scratch)
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
        check_rows("xs", self.shape.input_size(), xs.len())?;
        scratch.check(self.shape.hidden_size())?;
        self.read_window(xs, false, None, scratch);
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
        self.run(xs, false, state, out.map(|out| (out, hidden)), &mut scratch.next);
        Ok(())
    }

    /// Reads whole steps `[T, I]` from a zero state, the last step first if `reversed`.
    ///
    /// The state stays in `scratch`, which fits; the hidden state after reading step t goes to
    /// `out[t * stride..]`. The caller has checked the lengths.
    pub(crate) fn read_window(
        &self,
        xs: &[R],
        reversed: bool,
        out: Option<(&mut [R], usize)>,
        scratch: &mut LstmScratch<R>,
    ) {
        let LstmScratch { state, next } = scratch;
        state.reset();
        self.run(xs, reversed, state, out, next);
    }

    fn run(
        &self,
        xs: &[R],
        reversed: bool,
        state: &mut LstmState<R>,
        out: Option<(&mut [R], usize)>,
        next: &mut [R],
    ) {
        let (h, c) = state.padded_mut();
        let (out, stride) = out.unzip();
        kernels::dispatch(
            self.kernel,
            Lstm {
                bias: &self.bias,
                columns: &self.columns,
                inputs: self.shape.input_size(),
                hidden: self.shape.hidden_size(),
                xs,
                reversed,
                h,
                c,
                next,
                out,
                stride: stride.unwrap_or(0),
            },
        );
    }
}
