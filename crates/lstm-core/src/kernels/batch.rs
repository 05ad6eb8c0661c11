//! LSTM and GRU inference kernels over a batch of windows.
//!
//! Gate sums and activations are separate loops in separate functions, because together they would
//! need more registers than there are.
use super::lstm::{
    LstmWeights, UNITS, WeightColumn, add_scaled, by_gate, gate_sums, padded, update,
};
use super::rows::copy;
use super::{Cell, DetectedKernel, Isa, Op};
use crate::Real;

/// Number of windows that use a block of weights while it is in the L1 data cache.
pub(crate) const TILE: usize = 24;

/// Number of windows (or rows) computed together.
pub(super) const WINDOWS: usize = 6;

/// LSTM or GRU over all steps of up to [`TILE`] windows from zero states, in the summation order of one
/// window.
pub(crate) struct LstmBatch<'a, R, C> {
    pub(crate) cell: C,
    pub(crate) weights: LstmWeights<'a, R>,
    /// Windows `[B, T, inputs]`.
    pub(crate) xs: &'a [R],
    /// Number of steps `T`.
    pub(crate) steps: usize,
    /// Whether the last step is read first.
    pub(crate) reversed: bool,
    /// Working memory for the hidden states, `[TILE, padded]`.
    pub(crate) h: &'a mut [R],
    /// Working memory for the cells, `[TILE, padded]`.
    pub(crate) c: &'a mut [R],
    /// Working memory for the new hidden states, `[TILE, padded]`.
    pub(crate) next: &'a mut [R],
    /// Working memory for the gate sums of a block, `[TILE]`.
    pub(crate) sums: &'a mut [WeightColumn<R>],
    /// Output, `[B, T, stride]` if `every`, otherwise `[B, stride]`. Only the first `hidden`
    /// numbers of each row are written.
    pub(crate) out: &'a mut [R],
    pub(crate) stride: usize,
    /// Whether every hidden state is written, not only the last one.
    pub(crate) every: bool,
}

impl<R: Real, C: Cell> LstmBatch<'_, R, C> {
    /// Runs all steps on a kernel.
    pub(crate) fn run(self, kernel: DetectedKernel) {
        let LstmWeights { inputs, hidden, .. } = self.weights;
        let (row, width) = (self.steps * inputs, padded(hidden));
        let batch = self.xs.len() / row;
        let (cell, sums) = (self.cell, &mut self.sums[..batch]);
        let c = &mut self.c[..batch * width];
        let (mut now, mut next) = (&mut self.h[..batch * width], &mut self.next[..batch * width]);
        now.fill(R::ZERO);
        c.fill(R::ZERO);
        for read in 0..self.steps {
            let t = if self.reversed { self.steps - 1 - read } else { read };
            for block in 0..width / UNITS {
                let (weights, xs) = (&self.weights, &self.xs[t * inputs..]);
                kernel.run(GateSums { weights, block, xs, row, h: now, sums });
                let blocks = width / UNITS;
                kernel.run(StateUpdate { cell, block, blocks, sums, c, h: next });
            }
            if self.every || read + 1 == self.steps {
                for (window, h) in next.chunks_exact(width).enumerate() {
                    let at = if self.every { window * self.steps + t } else { window };
                    self.out[at * self.stride..][..hidden].copy_from_slice(&h[..hidden]);
                }
            }
            std::mem::swap(&mut now, &mut next);
        }
    }
}

/// Kernel of the gate sums b + W x + U h of one block of units, or of the tail, for some windows.
struct GateSums<'a, R> {
    weights: &'a LstmWeights<'a, R>,
    block: usize,
    /// Inputs, starting at the step of the first window; the windows are `row` numbers apart.
    xs: &'a [R],
    row: usize,
    /// Hidden states before the step, `[B, padded]`.
    h: &'a [R],
    /// Output for the gate sums, `[B]`.
    sums: &'a mut [WeightColumn<R>],
}

impl<R: Real> Op for GateSums<'_, R> {
    #[inline(always)]
    fn run<I: Isa>(mut self, isa: I) {
        // Computes as many gates of six windows at a time as fit into the registers. The order of
        // each sum does not depend on that number.
        let tail = self.block == self.weights.bias.len();
        match I::SUM_BYTES / size_of::<[R; UNITS]>() {
            _ if tail => self.one_by_one(isa),
            16.. => self.by::<I, 4>(),
            8.. => self.by::<I, 2>(),
            4.. => self.by::<I, 1>(),
            _ => self.one_by_one(isa),
        }
    }
}

impl<'a, R: Real> GateSums<'a, R> {
    /// Computes the sums of a block for six windows and `GATES` gates at a time.
    #[inline(always)]
    fn by<I: Isa, const GATES: usize>(&mut self) {
        let LstmWeights { inputs, .. } = *self.weights;
        let (columns, width) = self.weights.columns_of(self.block);
        let (of_x, of_h) = columns.split_at(inputs * width);
        let bias = &self.weights.bias[self.block].0;
        let last = self.sums.len() - 1;
        for first in (0..=last).step_by(WINDOWS) {
            // If fewer than six windows are left, the last one is computed several times.
            let (mut windows, mut x, mut h) =
                ([last; WINDOWS], [&[][..]; WINDOWS], [&[][..]; WINDOWS]);
            for window in 0..WINDOWS {
                windows[window] = last.min(first + window);
                (x[window], h[window]) = (self.x(windows[window]), self.h(windows[window]));
            }
            for gate in (0..4).step_by(GATES) {
                let mut sums = [[[R::ZERO; UNITS]; GATES]; WINDOWS];
                for window in 0..WINDOWS {
                    copy(&bias[gate..gate + GATES], &mut sums[window]);
                }
                add::<R, I, GATES>(&mut sums, of_x, width, gate, x);
                add::<R, I, GATES>(&mut sums, of_h, width, gate, h);
                for window in 0..WINDOWS {
                    copy(&sums[window], &mut self.sums[windows[window]].0[gate..]);
                }
            }
        }
    }

    /// Computes the sums of a block or of the tail for one window at a time.
    #[inline(always)]
    fn one_by_one<I: Isa>(&mut self, isa: I) {
        let (weights, block) = (self.weights, self.block);
        for at in 0..self.sums.len() {
            let (x, h) = (self.x(at), self.h(at));
            let sums = if block < weights.bias.len() {
                gate_sums::<R, _, I, 1, 0>(isa, weights, block, x, h).0[0]
            } else {
                match weights.tail_bias.len() {
                    1 => by_gate(&gate_sums::<R, _, I, 0, 1>(isa, weights, block, x, h).1),
                    2 => by_gate(&gate_sums::<R, _, I, 0, 2>(isa, weights, block, x, h).1),
                    _ => by_gate(&gate_sums::<R, _, I, 0, 3>(isa, weights, block, x, h).1),
                }
            };
            self.sums[at].0 = sums;
        }
    }

    #[inline(always)]
    fn x(&self, window: usize) -> &'a [R] {
        &self.xs[window * self.row..][..self.weights.inputs]
    }

    #[inline(always)]
    fn h(&self, window: usize) -> &'a [R] {
        &self.h[window * padded(self.weights.hidden)..][..self.weights.hidden]
    }
}

/// Adds weights times `values` to the sums of `GATES` gates from gate `first` on.
#[inline(always)]
fn add<R: Real, I: Isa, const GATES: usize>(
    sums: &mut [[[R; UNITS]; GATES]; WINDOWS],
    columns: &[WeightColumn<R>],
    width: usize,
    first: usize,
    mut values: [&[R]; WINDOWS],
) {
    // Slices of one length: no access to them needs a check.
    let depth = values[0].len();
    for values in &mut values {
        *values = &values[..depth];
    }
    let (mut of_sums, mut columns) = (*sums, columns.chunks(width));
    for k in 0..depth {
        let Some([column, ..]) = columns.next() else { break };
        for gate in 0..GATES {
            let column = column.0[first + gate];
            for window in 0..WINDOWS {
                add_scaled::<R, I>(&mut of_sums[window][gate], &column, values[window][k]);
            }
        }
    }
    *sums = of_sums;
}

/// Kernel of the new cells and hidden states of one block of units, for some windows.
struct StateUpdate<'a, R, C> {
    /// Kind of the units, which selects the activations.
    cell: C,
    block: usize,
    blocks: usize,
    /// Gate sums of each window, `[B]`.
    sums: &'a [WeightColumn<R>],
    /// Cells before the step, overwritten with those after it, `[B, padded]`.
    c: &'a mut [R],
    /// Output for the hidden states, `[B, padded]`.
    h: &'a mut [R],
}

impl<R: Real, C: Cell> Op for StateUpdate<'_, R, C> {
    #[inline(always)]
    fn run<I: Isa>(self, _: I) {
        let (cells, _) = self.c.as_chunks_mut();
        let (units, _) = self.h.as_chunks_mut();
        for (window, sums) in self.sums.iter().enumerate() {
            let at = window * self.blocks + self.block;
            update::<R, I>(self.cell, &sums.0, &mut cells[at], &mut units[at]);
        }
    }
}
