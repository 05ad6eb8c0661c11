//! Sizes of a GRU layer and views of its parameters.
use crate::error::check_len;
#[cfg(feature = "train")]
use crate::lstm::Side;
use crate::lstm::check_size;
use crate::{LstmError, TensorSpec};

/// Sizes of one layer of gated recurrent units (Cho et al. 2014), in the form that `PyTorch` uses.
///
/// # Formula
/// ```text
/// r = sigmoid(W_r x + b_ir + U_r h + b_hr)         reset gate
/// z = sigmoid(W_z x + b_iz + U_z h + b_hz)         update gate
/// n = tanh   (W_n x + b_in + r (U_n h + b_hn))     candidate
/// h' = (1 - z) n + z h                             hidden state
/// ```
///
/// The reset gate multiplies `b_hn` too: the candidate needs two biases. A bidirectional layer has
/// a second GRU that reads from the last step to the first; the results of both are concatenated,
/// the forward part first.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::GruShape;
///
/// let shape = GruShape::new(6, 32, false)?;
/// assert_eq!(shape.len(), 3 * 32 * (6 + 32 + 2));
/// assert_eq!(shape.specs("gru")[1].shape, [96, 32]);
/// let both = GruShape::new(6, 32, true)?;
/// assert_eq!((both.output_size(), both.len()), (64, 2 * shape.len()));
/// assert_eq!(both.specs("gru")[4].name, "gru.w_ih_reverse");
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GruShape {
    input_size: usize,
    hidden_size: usize,
    bidirectional: bool,
}

impl GruShape {
    /// Creates the shape of `hidden_size` (`H`) units in each direction that read `input_size`
    /// (`I`) numbers per step.
    ///
    /// # Errors
    /// [`LstmError::Size`] unless both sizes are 1 to [`MAX_SIZE`](crate::MAX_SIZE).
    pub fn new(
        input_size: usize,
        hidden_size: usize,
        bidirectional: bool,
    ) -> Result<Self, LstmError> {
        check_size("input_size", input_size)?;
        check_size("hidden_size", hidden_size)?;
        Ok(Self { input_size, hidden_size, bidirectional })
    }

    /// Returns the number of inputs `I` per step.
    pub fn input_size(&self) -> usize {
        self.input_size
    }

    /// Returns the number of hidden units `H` in each direction.
    pub fn hidden_size(&self) -> usize {
        self.hidden_size
    }

    /// Returns whether a second GRU reads from the last step to the first.
    pub fn is_bidirectional(&self) -> bool {
        self.bidirectional
    }

    /// Returns the number of outputs per step: `H`, or `2H` for a bidirectional layer.
    pub fn output_size(&self) -> usize {
        self.directions() * self.hidden_size
    }

    /// Returns names and shapes: `prefix.w_ih` `[3H, I]`, `prefix.w_hh` `[3H, H]`, `prefix.b_ih`
    /// and `prefix.b_hh` `[3H]`, each in the gate order r, z, n; then the same for the reverse
    /// direction with the suffix `_reverse`, as in `PyTorch`.
    pub fn specs(&self, prefix: &str) -> Vec<TensorSpec> {
        let gates = 3 * self.hidden_size;
        let suffixes = &["", "_reverse"][..self.directions()];
        let of_direction = |suffix: &&str| {
            let name = |tensor: &str| format!("{prefix}.{tensor}{suffix}");
            [
                TensorSpec::new(name("w_ih"), [gates, self.input_size]),
                TensorSpec::new(name("w_hh"), [gates, self.hidden_size]),
                TensorSpec::new(name("b_ih"), [gates]),
                TensorSpec::new(name("b_hh"), [gates]),
            ]
        };
        suffixes.iter().flat_map(of_direction).collect()
    }

    /// Returns the number of parameters.
    #[expect(clippy::len_without_is_empty, reason = "a layer is never empty")]
    pub fn len(&self) -> usize {
        self.directions() * self.direction_len()
    }

    /// Returns the number of directions.
    fn directions(&self) -> usize {
        1 + usize::from(self.bidirectional)
    }

    /// Returns the number of parameters of one direction.
    fn direction_len(&self) -> usize {
        3 * self.hidden_size * (self.input_size + self.hidden_size + 2)
    }

    /// Splits the parameters into views of each direction, forward first.
    ///
    /// # Errors
    /// [`LstmError::Length`] unless `flat` has [`len`](Self::len) numbers.
    pub(crate) fn directions_of<'a, R>(
        &self,
        flat: &'a [R],
    ) -> Result<impl Iterator<Item = GruParams<'a, R>> + use<'a, R>, LstmError> {
        check_len("GRU parameters", self.len(), flat.len())?;
        let (inputs, hidden) = (self.input_size, self.hidden_size);
        Ok(flat.chunks_exact(self.direction_len()).map(move |flat| {
            let (w_ih, rest) = flat.split_at(3 * hidden * inputs);
            let (w_hh, rest) = rest.split_at(3 * hidden * hidden);
            let (b_ih, b_hh) = rest.split_at(3 * hidden);
            GruParams { w_ih, w_hh, b_ih, b_hh }
        }))
    }

    /// Returns the reading order and the columns of each direction, forward first.
    #[cfg(feature = "train")]
    pub(crate) fn sides(&self) -> impl Iterator<Item = Side> + use<> {
        let (hidden, stride) = (self.hidden_size, self.output_size());
        let reversed = [false, true].into_iter().take(self.directions());
        reversed.zip([0, hidden]).map(move |(reversed, offset)| Side { reversed, stride, offset })
    }

    /// Splits gradients with respect to the parameters by direction, forward first.
    #[cfg(feature = "train")]
    pub(crate) fn directions_of_mut<'a, R>(
        &self,
        flat: &'a mut [R],
    ) -> std::slice::ChunksExactMut<'a, R> {
        flat.chunks_exact_mut(self.direction_len())
    }
}

/// Read-only views of the parameters of one direction; rows in the gate order r, z, n.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GruParams<'a, R> {
    /// Input weights W `[3H, I]`.
    pub(crate) w_ih: &'a [R],
    /// Recurrent weights U `[3H, H]`.
    pub(crate) w_hh: &'a [R],
    /// Biases of the inputs `[3H]`.
    pub(crate) b_ih: &'a [R],
    /// Biases of the recurrent sums `[3H]`.
    pub(crate) b_hh: &'a [R],
}
