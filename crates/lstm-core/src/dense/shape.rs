//! Sizes of a dense layer and views of its parameters.
use crate::error::check_len;
use crate::lstm::check_size;
use crate::{LstmError, TensorSpec};

/// The sizes of one dense layer.
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
    /// A layer from `input_size` (`N`) to `output_size` (`O`) numbers.
    ///
    /// # Errors
    /// [`LstmError::Size`] unless both sizes are 1 to [`MAX_SIZE`](crate::MAX_SIZE).
    pub fn new(input_size: usize, output_size: usize) -> Result<Self, LstmError> {
        check_size("input_size", input_size)?;
        check_size("output_size", output_size)?;
        Ok(Self { input_size, output_size })
    }

    /// `N`.
    pub fn input_size(&self) -> usize {
        self.input_size
    }

    /// `O`.
    pub fn output_size(&self) -> usize {
        self.output_size
    }

    /// Names and shapes: `prefix.w` `[O, N]`, `prefix.b` `[O]`.
    pub fn specs(&self, prefix: &str) -> Vec<TensorSpec> {
        vec![
            TensorSpec::new(format!("{prefix}.w"), [self.output_size, self.input_size]),
            TensorSpec::new(format!("{prefix}.b"), [self.output_size]),
        ]
    }

    /// The number of parameters.
    #[expect(clippy::len_without_is_empty, reason = "a layer is never empty")]
    pub fn len(&self) -> usize {
        self.output_size * (self.input_size + 1)
    }

    /// Views of the layer's parameters in its part of the flat buffer.
    ///
    /// # Errors
    /// [`LstmError::Length`] unless `flat` has [`len`](Self::len) numbers.
    pub fn params<'a, R>(&self, flat: &'a [R]) -> Result<DenseParams<'a, R>, LstmError> {
        check_len("dense parameters", self.len(), flat.len())?;
        let (w, b) = flat.split_at(self.output_size * self.input_size);
        Ok(DenseParams { w, b })
    }

    /// Views like [`params`](Self::params), to be changed.
    ///
    /// # Errors
    /// [`LstmError::Length`] unless `flat` has [`len`](Self::len) numbers.
    pub fn params_mut<'a, R>(&self, flat: &'a mut [R]) -> Result<DenseParamsMut<'a, R>, LstmError> {
        check_len("dense parameters", self.len(), flat.len())?;
        let (w, b) = flat.split_at_mut(self.output_size * self.input_size);
        Ok(DenseParamsMut { w, b })
    }

    /// `Ok` if views made elsewhere fit.
    pub(crate) fn check<R>(&self, params: DenseParams<'_, R>) -> Result<(), LstmError> {
        check_len("w", self.output_size * self.input_size, params.w.len())?;
        check_len("b", self.output_size, params.b.len())
    }
}

/// The parameters of one dense layer.
#[derive(Debug)]
pub struct DenseParams<'a, R> {
    /// Weights `[O, N]`.
    pub w: &'a [R],
    /// Bias `[O]`.
    pub b: &'a [R],
}

// Derived impls would ask for `R: Clone`.
impl<R> Clone for DenseParams<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for DenseParams<'_, R> {}

/// Like [`DenseParams`], to be changed; also holds gradients.
#[derive(Debug)]
pub struct DenseParamsMut<'a, R> {
    /// Weights `[O, N]`.
    pub w: &'a mut [R],
    /// Bias `[O]`.
    pub b: &'a mut [R],
}

#[cfg(feature = "train")]
impl<R> DenseParamsMut<'_, R> {
    /// The same views, not to be changed.
    pub(crate) fn as_params(&self) -> DenseParams<'_, R> {
        DenseParams { w: self.w, b: self.b }
    }
}
