//! Sizes of an attention and views of its parameters.
use crate::error::check_len;
use crate::lstm::check_size;
use crate::{DenseParams, DenseShape, LstmError, TensorSpec};

/// Sizes of an additive attention over time (Bahdanau et al. 2015, without a query).
///
/// It computes a weight for each row `h_t` `[N]` of a window and returns the weighted mean of the
/// rows:
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
    /// Dense layer W h + b.
    dense: DenseShape,
}

impl AttentionShape {
    /// Creates the shape of `units` (`A`) units over rows of `input_size` (`N`) numbers.
    ///
    /// # Errors
    /// [`LstmError::Size`] unless both sizes are 1 to [`MAX_SIZE`](crate::MAX_SIZE).
    pub fn new(input_size: usize, units: usize) -> Result<Self, LstmError> {
        check_size("input_size", input_size)?;
        check_size("units", units)?;
        Ok(Self { dense: DenseShape::new(input_size, units)? })
    }

    /// Returns the number of inputs `N` per row.
    pub fn input_size(&self) -> usize {
        self.dense.input_size()
    }

    /// Returns the number of units `A`.
    pub fn units(&self) -> usize {
        self.dense.output_size()
    }

    /// Returns names and shapes: `prefix.w` `[A, N]`, `prefix.b` `[A]`, `prefix.v` `[A]`.
    pub fn specs(&self, prefix: &str) -> Vec<TensorSpec> {
        let mut specs = self.dense.specs(prefix);
        specs.push(TensorSpec::new(format!("{prefix}.v"), [self.units()]));
        specs
    }

    /// Returns the number of parameters.
    #[expect(clippy::len_without_is_empty, reason = "a layer is never empty")]
    pub fn len(&self) -> usize {
        self.dense.len() + self.units()
    }

    /// Splits the flat buffer into views of the parameters.
    ///
    /// # Errors
    /// [`LstmError::Length`] unless `flat` has [`len`](Self::len) numbers.
    pub fn params<'a, R>(&self, flat: &'a [R]) -> Result<AttentionParams<'a, R>, LstmError> {
        check_len("attention parameters", self.len(), flat.len())?;
        let (w, rest) = flat.split_at(self.units() * self.input_size());
        let (b, v) = rest.split_at(self.units());
        Ok(AttentionParams { w, b, v })
    }

    /// Splits the flat buffer into mutable views of the parameters.
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

    /// Returns the shape of the dense layer W h + b.
    pub(crate) fn dense(&self) -> DenseShape {
        self.dense
    }

    /// Checks that the lengths of the views fit the shape.
    pub(crate) fn check<R>(&self, params: AttentionParams<'_, R>) -> Result<(), LstmError> {
        self.dense.check(params.dense())?;
        check_len("v", self.units(), params.v.len())
    }
}

/// Read-only views of the parameters of one attention.
#[derive(Debug)]
pub struct AttentionParams<'a, R> {
    /// Input weights W `[A, N]`.
    pub w: &'a [R],
    /// Bias b of each unit `[A]`.
    pub b: &'a [R],
    /// Score weight v of each unit `[A]`.
    pub v: &'a [R],
}

// Derived impls would require `R: Clone`.
impl<R> Clone for AttentionParams<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for AttentionParams<'_, R> {}

impl<'a, R> AttentionParams<'a, R> {
    /// Returns the parameters of the dense layer W h + b.
    pub(crate) fn dense(self) -> DenseParams<'a, R> {
        DenseParams { w: self.w, b: self.b }
    }
}

/// Mutable views like [`AttentionParams`], of parameters or of gradients.
#[derive(Debug)]
pub struct AttentionParamsMut<'a, R> {
    /// Input weights W `[A, N]`.
    pub w: &'a mut [R],
    /// Bias b of each unit `[A]`.
    pub b: &'a mut [R],
    /// Score weight v of each unit `[A]`.
    pub v: &'a mut [R],
}

#[cfg(feature = "train")]
impl<R> AttentionParamsMut<'_, R> {
    /// Returns the same views, read-only.
    pub(crate) fn as_params(&self) -> AttentionParams<'_, R> {
        AttentionParams { w: self.w, b: self.b, v: self.v }
    }
}
