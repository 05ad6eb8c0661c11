//! Sizes of an attention and views of its parameters.
use crate::error::check_len;
use crate::lstm::check_size;
use crate::{DenseParams, DenseShape, LstmError, TensorSpec};

/// The sizes of an additive attention over time (Bahdanau et al. 2015, without a query).
///
/// It weighs the rows `h_t` of a window, each `[N]`, and returns their weighted mean:
///
/// ```text
/// score_t = v · tanh(W h_t + b)
/// a_t = e^score_t / sum over s of e^score_s
/// context = sum over t of a_t h_t
/// ```
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::AttentionShape;
///
/// let shape = AttentionShape::new(128, 64)?;
/// assert_eq!(shape.len(), 64 * 128 + 64 + 64);
/// let specs = shape.specs("att");
/// assert_eq!(specs[0].shape, [64, 128]);
/// assert_eq!(specs[2].name, "att.v");
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AttentionShape {
    /// W h + b.
    dense: DenseShape,
}

impl AttentionShape {
    /// An attention of `units` (`A`) units over rows of `input_size` (`N`) numbers.
    ///
    /// # Errors
    /// [`LstmError::Size`] unless both sizes are 1 to [`MAX_SIZE`](crate::MAX_SIZE).
    pub fn new(input_size: usize, units: usize) -> Result<Self, LstmError> {
        check_size("input_size", input_size)?;
        check_size("units", units)?;
        Ok(Self { dense: DenseShape::new(input_size, units)? })
    }

    /// `N`.
    pub fn input_size(&self) -> usize {
        self.dense.input_size()
    }

    /// `A`.
    pub fn units(&self) -> usize {
        self.dense.output_size()
    }

    /// Names and shapes: `prefix.w` `[A, N]`, `prefix.b` `[A]`, `prefix.v` `[A]`.
    pub fn specs(&self, prefix: &str) -> Vec<TensorSpec> {
        let mut specs = self.dense.specs(prefix);
        specs.push(TensorSpec::new(format!("{prefix}.v"), [self.units()]));
        specs
    }

    /// The number of parameters.
    #[expect(clippy::len_without_is_empty, reason = "a layer is never empty")]
    pub fn len(&self) -> usize {
        self.dense.len() + self.units()
    }

    /// Views of the parameters in their part of the flat buffer.
    ///
    /// # Errors
    /// [`LstmError::Length`] unless `flat` has [`len`](Self::len) numbers.
    pub fn params<'a, R>(&self, flat: &'a [R]) -> Result<AttentionParams<'a, R>, LstmError> {
        check_len("attention parameters", self.len(), flat.len())?;
        let (w, rest) = flat.split_at(self.units() * self.input_size());
        let (b, v) = rest.split_at(self.units());
        Ok(AttentionParams { w, b, v })
    }

    /// Views like [`params`](Self::params), to be changed.
    ///
    /// # Errors
    /// [`LstmError::Length`] unless `flat` has [`len`](Self::len) numbers.
    pub fn params_mut<'a, R>(
        &self,
        flat: &'a mut [R],
    ) -> Result<AttentionParamsMut<'a, R>, LstmError> {
        check_len("attention parameters", self.len(), flat.len())?;
        let (w, rest) = flat.split_at_mut(self.units() * self.input_size());
        let (b, v) = rest.split_at_mut(self.units());
        Ok(AttentionParamsMut { w, b, v })
    }

    /// The layer W h + b.
    pub(crate) fn dense(&self) -> DenseShape {
        self.dense
    }

    /// `Ok` if views made elsewhere fit.
    pub(crate) fn check<R>(&self, params: AttentionParams<'_, R>) -> Result<(), LstmError> {
        self.dense.check(params.dense())?;
        check_len("v", self.units(), params.v.len())
    }
}

/// The parameters of one attention.
#[derive(Debug)]
pub struct AttentionParams<'a, R> {
    /// Weights `[A, N]`.
    pub w: &'a [R],
    /// Bias `[A]`.
    pub b: &'a [R],
    /// What each unit adds to the score `[A]`.
    pub v: &'a [R],
}

// Derived impls would ask for `R: Clone`.
impl<R> Clone for AttentionParams<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for AttentionParams<'_, R> {}

impl<'a, R> AttentionParams<'a, R> {
    /// Those of W h + b.
    pub(crate) fn dense(self) -> DenseParams<'a, R> {
        DenseParams { w: self.w, b: self.b }
    }
}

/// Like [`AttentionParams`], to be changed; also holds gradients.
#[derive(Debug)]
pub struct AttentionParamsMut<'a, R> {
    /// Weights `[A, N]`.
    pub w: &'a mut [R],
    /// Bias `[A]`.
    pub b: &'a mut [R],
    /// What each unit adds to the score `[A]`.
    pub v: &'a mut [R],
}

#[cfg(feature = "train")]
impl<R> AttentionParamsMut<'_, R> {
    /// The same views, not to be changed.
    pub(crate) fn as_params(&self) -> AttentionParams<'_, R> {
        AttentionParams { w: self.w, b: self.b, v: self.v }
    }
}
