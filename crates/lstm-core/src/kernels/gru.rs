//! Elementwise kernels of the GRU steps in training, each for a whole batch.
//!
//! Rows are padded from `H` to `P` numbers, a multiple of [`LANES`]. Padded units have zero weights
//! and remain zero.
use super::lstm::{fused, tanh};
use super::train::sigmoid;
use super::vector::LANES;
use super::{Isa, Op};
use crate::Real;

/// Kernel of the gates and the new state of a step.
pub(crate) struct GruForwardStep<'a, R> {
    /// Length of a padded row `P`.
    pub(crate) padded: usize,
    /// Sums `b_ih + W x`, overwritten with the activated gates r, z, n `[B, 3, P]`.
    pub(crate) gates: &'a mut [R],
    /// Sums `b_hh + U h` `[B, 3, P]`.
    pub(crate) recurrent: &'a [R],
    /// State before the step `[B, P]`.
    pub(crate) h_before: &'a [R],
    /// Output for the state after the step `[B, P]`.
    pub(crate) h_after: &'a mut [R],
}

impl<R: Real> Op for GruForwardStep<'_, R> {
    #[inline(always)]
    fn run<I: Isa>(self, _: I) {
        let Self { padded, gates, recurrent, h_before, h_after } = self;
        let blocks = padded / LANES;
        let (gates, recurrent) = (gates.as_chunks_mut().0, recurrent.as_chunks().0);
        let (before, after) = (h_before.as_chunks().0, h_after.as_chunks_mut().0);
        for row in 0..before.len() / blocks {
            let gates: &mut [[R; LANES]] = &mut gates[3 * row * blocks..][..3 * blocks];
            let recurrent: &[[R; LANES]] = &recurrent[3 * row * blocks..][..3 * blocks];
            let before: &[[R; LANES]] = &before[row * blocks..][..blocks];
            let after: &mut [[R; LANES]] = &mut after[row * blocks..][..blocks];
            for block in 0..blocks {
                let (r, z, n) = (block, blocks + block, 2 * blocks + block);
                let (mut of_r, mut of_z, mut of_n) = (gates[r], gates[z], gates[n]);
                for unit in 0..LANES {
                    of_r[unit] = sigmoid::<R, I>(of_r[unit] + recurrent[r][unit]);
                    of_z[unit] = sigmoid::<R, I>(of_z[unit] + recurrent[z][unit]);
                    let sum = fused::<R, I>(of_r[unit], recurrent[n][unit], of_n[unit]);
                    of_n[unit] = tanh::<R, I>(sum);
                    let n = of_n[unit];
                    after[block][unit] = fused::<R, I>(of_z[unit], before[block][unit] - n, n);
                }
                (gates[r], gates[z], gates[n]) = (of_r, of_z, of_n);
            }
        }
    }
}

/// Kernel of the gradients of a step:
///
/// ```text
/// d_z = d_h (h - n) z (1 - z)     d_n = d_h (1 - z) (1 - n^2)     d_r = d_n u r (1 - r)
/// ```
///
/// with u the part of n in `recurrent`. The gradients with respect to the gate sums of the inputs
/// are (`d_r`, `d_z`, `d_n`), those with respect to the recurrent ones (`d_r`, `d_z`, r `d_n`).
pub(crate) struct GruBackwardStep<'a, R> {
    /// Length of a padded row `P`.
    pub(crate) padded: usize,
    /// Activated gates r, z, n `[B, 3, P]`.
    pub(crate) gates: &'a [R],
    /// Sums `b_hh + U h` `[B, 3, P]`.
    pub(crate) recurrent: &'a [R],
    /// State before the step `[B, P]`.
    pub(crate) h_before: &'a [R],
    /// Gradient with respect to the state after the step, overwritten with the part z `d_h` of that
    /// before it `[B, P]`.
    pub(crate) d_h: &'a mut [R],
    /// Output for the gradients with respect to `b_ih + W x` `[B, 3, P]`.
    pub(crate) d_gates: &'a mut [R],
    /// Output for the gradients with respect to `b_hh + U h` `[B, 3, P]`.
    pub(crate) d_recurrent: &'a mut [R],
}

impl<R: Real> Op for GruBackwardStep<'_, R> {
    #[inline(always)]
    fn run<I: Isa>(self, _: I) {
        let Self { padded, gates, recurrent, h_before, d_h, d_gates, d_recurrent } = self;
        let blocks = padded / LANES;
        let (gates, recurrent) = (gates.as_chunks().0, recurrent.as_chunks().0);
        let (before, d_h) = (h_before.as_chunks().0, d_h.as_chunks_mut().0);
        let (d_gates, d_recurrent) = (d_gates.as_chunks_mut().0, d_recurrent.as_chunks_mut().0);
        for row in 0..before.len() / blocks {
            let gates: &[[R; LANES]] = &gates[3 * row * blocks..][..3 * blocks];
            let recurrent: &[[R; LANES]] = &recurrent[3 * row * blocks..][..3 * blocks];
            let before: &[[R; LANES]] = &before[row * blocks..][..blocks];
            let d_h: &mut [[R; LANES]] = &mut d_h[row * blocks..][..blocks];
            let d_gates: &mut [[R; LANES]] = &mut d_gates[3 * row * blocks..][..3 * blocks];
            let d_recurrent: &mut [[R; LANES]] = &mut d_recurrent[3 * row * blocks..][..3 * blocks];
            for block in 0..blocks {
                let (r, z, n) = (block, blocks + block, 2 * blocks + block);
                let mut d = [[R::ZERO; LANES]; 4];
                for unit in 0..LANES {
                    let (of_r, of_z, of_n) = (gates[r][unit], gates[z][unit], gates[n][unit]);
                    let d_after = d_h[block][unit];
                    let d_z = d_after * (before[block][unit] - of_n) * of_z * (R::ONE - of_z);
                    let d_n = d_after * (R::ONE - of_z) * (R::ONE - of_n * of_n);
                    let d_r = d_n * recurrent[n][unit] * of_r * (R::ONE - of_r);
                    (d[0][unit], d[1][unit], d[2][unit], d[3][unit]) = (d_r, d_z, d_n, of_r * d_n);
                    d_h[block][unit] = d_after * of_z;
                }
                (d_gates[r], d_gates[z], d_gates[n]) = (d[0], d[1], d[2]);
                (d_recurrent[r], d_recurrent[z], d_recurrent[n]) = (d[0], d[1], d[3]);
            }
        }
    }
}
