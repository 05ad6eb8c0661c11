//! Sizes of a dense layer and views of its parameters.
use crate::error::check_len;
use crate::lstm::check_size;
use crate::{LstmError, TensorSpec};

/// Sizes of one dense layer.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::DenseShape;
///
/// let shape = DenseShape::new(32, 3)?;
/// assert_eq!(shape.len(), 32 * 3 + 3);
/// assert_eq!(shape.specs("fc")[0].shape, [3, 32]);
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DenseShape {
    input_size: usize,
    output_size: usize,
}

impl DenseShape {
    /// Creates the shape of a layer from `input_size` (`N`) to `output_size` (`O`) numbers.
    ///
    /// # Errors
    /// [`LstmError::Size`] unless both sizes are 1 to [`MAX_SIZE`](crate::MAX_SIZE).
    pub fn new(input_size: usize, output_size: usize) -> Result<Self, LstmError> {
        check_size("input_size", input_size)?;
        check_size("output_size", output_size)?;
        Ok(Self { input_size, output_size })
    }

    /// Returns the number of inputs `N`.
    pub fn input_size(&self) -> usize {
        self.input_size
    }

    /// Returns the number of outputs `O`.
    pub fn output_size(&self) -> usize {
        self.output_size
    }

    /// Returns names and shapes: `prefix.w` `[O, N]`, `prefix.b` `[O]`.
    pub fn specs(&self, prefix: &str) -> Vec<TensorSpec> {
        vec![
            TensorSpec::new(format!("{prefix}.w"), [self.output_size, self.input_size]),
            TensorSpec::new(format!("{prefix}.b"), [self.output_size]),
        ]
    }

    /// Returns the number of parameters.
    #[expect(clippy::len_without_is_empty, reason = "a layer is never empty")]
    pub fn len(&self) -> usize {
        self.output_size * (self.input_size + 1)
    }

    /// Splits the layer's part of the flat buffer into views of its parameters.
    ///
    /// # Errors
    /// [`LstmError::Length`] unless `flat` has [`len`](Self::len) numbers.
    pub fn params<'a, R>(&self, flat: &'a [R]) -> Result<DenseParams<'a, R>, LstmError> {
        check_len("dense parameters", self.len(), flat.len())?;
        let (w, b) = flat.split_at(self.output_size * self.input_size);
        Ok(DenseParams { w, b })
    }

    /// Splits the flat buffer into mutable views of the parameters.
    ///
    /// # Errors
    /// [`LstmError::Length`] unless `flat` has [`len`](Self::len) numbers.
    pub fn params_mut<'a, R>(&self, flat: &'a mut [R]) -> Result<DenseParamsMut<'a, R>, LstmError> {
        check_len("dense parameters", self.len(), flat.len())?;
        let (w, b) = flat.split_at_mut(self.output_size * self.input_size);
        Ok(DenseParamsMut { w, b })
    }

    /// Checks that the lengths of the views fit the shape.
    pub(crate) fn check<R>(&self, params: DenseParams<'_, R>) -> Result<(), LstmError> {
        check_len("w", self.output_size * self.input_size, params.w.len())?;
        check_len("b", self.output_size, params.b.len())
    }
}

/// Read-only views of the parameters of one dense layer.
#[derive(Debug)]
pub struct DenseParams<'a, R> {
    /// Weight matrix W `[O, N]`.
    pub w: &'a [R],
    /// Bias vector b `[O]`.
    pub b: &'a [R],
}

// Derived impls would require `R: Clone`.
impl<R> Clone for DenseParams<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for DenseParams<'_, R> {}

/// Mutable views like [`DenseParams`], of parameters or of gradients.
#[derive(Debug)]
pub struct DenseParamsMut<'a, R> {
    /// Weight matrix W `[O, N]`.
    pub w: &'a mut [R],
    /// Bias vector b `[O]`.
    pub b: &'a mut [R],
}

#[cfg(feature = "train")]
impl<R> DenseParamsMut<'_, R> {
    /// Returns the same views, read-only.
    pub(crate) fn as_params(&self) -> DenseParams<'_, R> {
        DenseParams { w: self.w, b: self.b }
    }
}
