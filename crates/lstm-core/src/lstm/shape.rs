//! Sizes of an LSTM layer and views of its parameters.
use crate::error::check_len;
use crate::{LstmError, TensorSpec};

/// Maximum layer size; a larger size is rejected.
pub const MAX_SIZE: usize = 4096;

/// Number of trained bias vectors per gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Biases {
    /// One bias vector `b`, as in the equations.
    One,
    /// Two bias vectors `b_ih` and `b_hh`, as in `PyTorch`; results depend only on their sum.
    ///
    /// Both have the same gradient, so that gradient descent changes their sum twice as much.
    Two,
}

impl Biases {
    /// Returns the number of bias vectors.
    pub(crate) fn count(self) -> usize {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }
}

/// Checks that a layer size is 1 to [`MAX_SIZE`].
pub(crate) fn check_size(what: &'static str, got: usize) -> Result<(), LstmError> {
    if (1..=MAX_SIZE).contains(&got) {
        Ok(())
    } else {
        Err(LstmError::Size { what, expected: MAX_SIZE, got })
    }
}

/// Sizes of one LSTM layer.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{Biases, LstmShape, Tensors};
///
/// let shape = LstmShape::new(6, 32, Biases::One)?;
/// let weights = Tensors::<f32>::new(shape.specs("lstm"));
/// assert_eq!(weights.len(), shape.len());
/// assert_eq!(weights.get("lstm.w_hh").map(<[f32]>::len), Some(4 * 32 * 32));
/// assert_eq!(shape.params(weights.flat())?.w_ih.len(), 4 * 32 * 6);
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LstmShape {
    input_size: usize,
    hidden_size: usize,
    biases: Biases,
}

impl LstmShape {
    /// Creates the shape of `hidden_size` (`H`) units that read `input_size` (`I`) numbers per
    /// step.
    ///
    /// # Errors
    /// [`LstmError::Size`] unless both sizes are 1 to [`MAX_SIZE`].
    pub fn new(input_size: usize, hidden_size: usize, biases: Biases) -> Result<Self, LstmError> {
        check_size("input_size", input_size)?;
        check_size("hidden_size", hidden_size)?;
        Ok(Self { input_size, hidden_size, biases })
    }

    /// Returns the number of inputs `I` per step.
    pub fn input_size(&self) -> usize {
        self.input_size
    }

    /// Returns the number of hidden units `H`.
    pub fn hidden_size(&self) -> usize {
        self.hidden_size
    }

    /// Returns names and shapes: `prefix.w_ih` `[4H, I]`, `prefix.w_hh` `[4H, H]`, then `prefix.b`
    /// `[4H]` or `prefix.b_ih` and `prefix.b_hh`.
    pub fn specs(&self, prefix: &str) -> Vec<TensorSpec> {
        let gates = 4 * self.hidden_size;
        let mut specs = vec![
            TensorSpec::new(format!("{prefix}.w_ih"), [gates, self.input_size]),
            TensorSpec::new(format!("{prefix}.w_hh"), [gates, self.hidden_size]),
        ];
        let biases: &[&str] = match self.biases {
            Biases::One => &["b"],
            Biases::Two => &["b_ih", "b_hh"],
        };
        specs.extend(biases.iter().map(|b| TensorSpec::new(format!("{prefix}.{b}"), [gates])));
        specs
    }

    /// Returns the number of parameters.
    #[expect(clippy::len_without_is_empty, reason = "a layer is never empty")]
    pub fn len(&self) -> usize {
        4 * self.hidden_size * (self.input_size + self.hidden_size + self.biases.count())
    }

    /// Splits the layer's part of the flat buffer into views of its parameters.
    ///
    /// # Errors
    /// [`LstmError::Length`] unless `flat` has [`len`](Self::len) numbers.
    pub fn params<'a, R>(&self, flat: &'a [R]) -> Result<LstmParams<'a, R>, LstmError> {
        check_len("LSTM parameters", self.len(), flat.len())?;
        let gates = 4 * self.hidden_size;
        let (w_ih, rest) = flat.split_at(gates * self.input_size);
        let (w_hh, rest) = rest.split_at(gates * self.hidden_size);
        let (b_ih, b_hh) = rest.split_at(gates);
        let b_hh = (self.biases == Biases::Two).then_some(b_hh);
        Ok(LstmParams { w_ih, w_hh, b_ih, b_hh })
    }

    /// Splits the flat buffer into mutable views of the parameters.
    ///
    /// # Errors
    /// [`LstmError::Length`] unless `flat` has [`len`](Self::len) numbers.
    pub fn params_mut<'a, R>(&self, flat: &'a mut [R]) -> Result<LstmParamsMut<'a, R>, LstmError> {
        check_len("LSTM parameters", self.len(), flat.len())?;
        let gates = 4 * self.hidden_size;
        let (w_ih, rest) = flat.split_at_mut(gates * self.input_size);
        let (w_hh, rest) = rest.split_at_mut(gates * self.hidden_size);
        let (b_ih, b_hh) = rest.split_at_mut(gates);
        let b_hh = (self.biases == Biases::Two).then_some(b_hh);
        Ok(LstmParamsMut { w_ih, w_hh, b_ih, b_hh })
    }

    /// Checks that the lengths of the views fit the shape.
    pub(crate) fn check<R>(&self, params: &LstmParams<'_, R>) -> Result<(), LstmError> {
        let gates = 4 * self.hidden_size;
        check_len("w_ih", gates * self.input_size, params.w_ih.len())?;
        check_len("w_hh", gates * self.hidden_size, params.w_hh.len())?;
        check_len("b_ih", gates, params.b_ih.len())?;
        let second = if self.biases == Biases::Two { gates } else { 0 };
        check_len("b_hh", second, params.b_hh.map_or(0, <[R]>::len))
    }
}

/// Read-only views of the parameters of one LSTM layer; rows in the gate order i, f, g, o.
#[derive(Debug, Clone, Copy)]
pub struct LstmParams<'a, R> {
    /// Input weights `[4H, I]`.
    pub w_ih: &'a [R],
    /// Recurrent weights `[4H, H]`.
    pub w_hh: &'a [R],
    /// First bias `[4H]`; with [`Biases::One`] the only one.
    pub b_ih: &'a [R],
    /// Second bias `[4H]`; `None` with [`Biases::One`].
    pub b_hh: Option<&'a [R]>,
}

impl<R: crate::Real> LstmParams<'_, R> {
    /// Returns the sum of the biases of gate row `row`.
    pub(crate) fn bias(&self, row: usize) -> R {
        self.b_hh.map_or(self.b_ih[row], |b_hh| self.b_ih[row] + b_hh[row])
    }
}

/// Mutable views like [`LstmParams`], of parameters or of gradients.
#[derive(Debug)]
pub struct LstmParamsMut<'a, R> {
    /// Input weights `[4H, I]`.
    pub w_ih: &'a mut [R],
    /// Recurrent weights `[4H, H]`.
    pub w_hh: &'a mut [R],
    /// First bias `[4H]`; with [`Biases::One`] the only one.
    pub b_ih: &'a mut [R],
    /// Second bias `[4H]`; `None` with [`Biases::One`].
    pub b_hh: Option<&'a mut [R]>,
}

#[cfg(feature = "train")]
impl<R> LstmParamsMut<'_, R> {
    /// Returns the same views, read-only.
    pub(crate) fn as_params(&self) -> LstmParams<'_, R> {
        LstmParams { w_ih: self.w_ih, w_hh: self.w_hh, b_ih: self.b_ih, b_hh: self.b_hh.as_deref() }
    }
}
