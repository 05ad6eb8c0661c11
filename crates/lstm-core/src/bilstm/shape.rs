//! Sizes of a bidirectional LSTM layer and views of its parameters.
use crate::error::check_len;
#[cfg(feature = "train")]
use crate::lstm::Side;
use crate::{Biases, LstmError, LstmParams, LstmParamsMut, LstmShape, TensorSpec};

/// Sizes of one bidirectional LSTM layer: two LSTMs of one size over the same window, one from
/// its first step to the last, one from its last step to the first.
///
/// The results of both directions are concatenated, the forward part first: `2H` numbers per step.
/// The reverse part of step t is the hidden state of the reverse LSTM after it has read step t.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{BiLstmShape, Biases};
///
/// let shape = BiLstmShape::new(6, 64, Biases::One)?;
/// assert_eq!(shape.output_size(), 128);
/// assert_eq!(shape.len(), 2 * shape.direction().len());
/// let names: Vec<String> = shape.specs("lstm").into_iter().map(|spec| spec.name).collect();
/// assert_eq!(names[2..4], ["lstm.b", "lstm.w_ih_reverse"]);
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BiLstmShape {
    direction: LstmShape,
}

impl BiLstmShape {
    /// Creates the shape of two LSTMs of `hidden_size` (`H`) units each that read `input_size`
    /// (`I`) numbers per step.
    ///
    /// # Errors
    /// [`LstmError::Size`] unless both sizes are 1 to [`MAX_SIZE`](crate::MAX_SIZE).
    pub fn new(input_size: usize, hidden_size: usize, biases: Biases) -> Result<Self, LstmError> {
        Ok(Self { direction: LstmShape::new(input_size, hidden_size, biases)? })
    }

    /// Returns the number of inputs `I` per step.
    pub fn input_size(&self) -> usize {
        self.direction.input_size()
    }

    /// Returns the number of units `H` of each direction.
    pub fn hidden_size(&self) -> usize {
        self.direction.hidden_size()
    }

    /// Returns the number of outputs per step, `2H`.
    pub fn output_size(&self) -> usize {
        2 * self.hidden_size()
    }

    /// Returns the sizes of either LSTM.
    pub fn direction(&self) -> LstmShape {
        self.direction
    }

    /// Returns names and shapes: those of [`LstmShape::specs`] for the forward direction, then the
    /// same for the reverse one with the suffix `_reverse`, as in `PyTorch`.
    pub fn specs(&self, prefix: &str) -> Vec<TensorSpec> {
        let mut specs = self.direction.specs(prefix);
        for spec in self.direction.specs(prefix) {
            specs.push(TensorSpec::new(format!("{}_reverse", spec.name), spec.shape));
        }
        specs
    }

    /// Returns the number of parameters.
    #[expect(clippy::len_without_is_empty, reason = "a layer is never empty")]
    pub fn len(&self) -> usize {
        2 * self.direction.len()
    }

    /// Splits the layer's part of the flat buffer into views of its parameters.
    ///
    /// # Errors
    /// [`LstmError::Length`] unless `flat` has [`len`](Self::len) numbers.
    pub fn params<'a, R>(&self, flat: &'a [R]) -> Result<BiLstmParams<'a, R>, LstmError> {
        check_len("BiLSTM parameters", self.len(), flat.len())?;
        let (forward, reverse) = flat.split_at(self.direction.len());
        Ok(BiLstmParams {
            forward: self.direction.params(forward)?,
            reverse: self.direction.params(reverse)?,
        })
    }

    /// Splits the flat buffer into mutable views of the parameters.
    ///
    /// # Errors
    /// [`LstmError::Length`] unless `flat` has [`len`](Self::len) numbers.
    pub fn params_mut<'a, R>(
        &self,
        flat: &'a mut [R],
    ) -> Result<BiLstmParamsMut<'a, R>, LstmError> {
        check_len("BiLSTM parameters", self.len(), flat.len())?;
        let (forward, reverse) = flat.split_at_mut(self.direction.len());
        Ok(BiLstmParamsMut {
            forward: self.direction.params_mut(forward)?,
            reverse: self.direction.params_mut(reverse)?,
        })
    }

    /// Returns the reading order and the columns of the forward and the reverse direction.
    #[cfg(feature = "train")]
    pub(crate) fn sides(&self) -> [Side; 2] {
        let (hidden, stride) = (self.hidden_size(), self.output_size());
        [
            Side { reversed: false, stride, offset: 0 },
            Side { reversed: true, stride, offset: hidden },
        ]
    }

    /// Checks that the lengths of the views fit the shape.
    #[cfg(feature = "train")]
    pub(crate) fn check<R>(&self, params: &BiLstmParams<'_, R>) -> Result<(), LstmError> {
        self.direction.check(&params.forward)?;
        self.direction.check(&params.reverse)
    }
}

/// Read-only views of the parameters of one bidirectional LSTM layer.
#[derive(Debug, Clone, Copy)]
pub struct BiLstmParams<'a, R> {
    /// Parameters of the LSTM that reads from the first step to the last.
    pub forward: LstmParams<'a, R>,
    /// Parameters of the LSTM that reads from the last step to the first.
    pub reverse: LstmParams<'a, R>,
}

/// Mutable views like [`BiLstmParams`], of parameters or of gradients.
#[derive(Debug)]
pub struct BiLstmParamsMut<'a, R> {
    /// Parameters of the LSTM that reads from the first step to the last.
    pub forward: LstmParamsMut<'a, R>,
    /// Parameters of the LSTM that reads from the last step to the first.
    pub reverse: LstmParamsMut<'a, R>,
}

#[cfg(feature = "train")]
impl<R> BiLstmParamsMut<'_, R> {
    /// Returns the same views, read-only.
    pub(crate) fn as_params(&self) -> BiLstmParams<'_, R> {
        BiLstmParams { forward: self.forward.as_params(), reverse: self.reverse.as_params() }
    }
}
