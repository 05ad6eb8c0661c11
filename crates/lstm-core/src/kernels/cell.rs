//! Activations and new state of a recurrent unit.
use super::Isa;
use crate::Real;

/// Recurrent unit with four gate sums.
///
/// The kernels of the LSTM are generic over it. Both kinds have the same weight columns and the
/// same order of every sum.
pub(crate) trait Cell: Copy {
    /// Computes the new cell and the new hidden state of a unit.
    fn update<R: Real, I: Isa>(self, sums: [R; 4], cell: R) -> (R, R);
}

/// LSTM unit with the gate sums i, f, g, o.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LstmCell;

impl Cell for LstmCell {
    #[inline(always)]
    fn update<R: Real, I: Isa>(self, sums: [R; 4], cell: R) -> (R, R) {
        if I::FUSED { R::cell_with::<true>(sums, cell) } else { R::cell_with::<false>(sums, cell) }
    }
}

/// GRU unit with the gate sums r, z, `W_n x + b_in` and `U_n h + b_hn`; its cell is its hidden state.
///
/// The third sum has zero weights for the hidden units and the fourth one for the inputs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GruCell;

impl Cell for GruCell {
    #[inline(always)]
    fn update<R: Real, I: Isa>(self, sums: [R; 4], hidden: R) -> (R, R) {
        let hidden = if I::FUSED {
            R::gru_with::<true>(sums, hidden)
        } else {
            R::gru_with::<false>(sums, hidden)
        };
        (hidden, hidden)
    }
}
