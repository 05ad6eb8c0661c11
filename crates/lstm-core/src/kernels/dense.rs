//! Inference kernel of the dense layer.
use std::ops::Range;

use super::rows::rows_from;
use super::vector::{LANES, Vector};
use super::{Isa, Op};
use crate::Real;

/// Number of outputs in a block.
pub(crate) const OUTPUTS: usize = 32;

/// One number per output of a block: a column of the weights or a bias.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(crate) struct OutputColumn<R>(pub(crate) [R; OUTPUTS]);

impl<R: Real> OutputColumn<R> {
    pub(crate) const ZERO: Self = Self([R::ZERO; OUTPUTS]);
}

/// Use of the sums W x + b.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Finish {
    /// Stores y = W x + b.
    Store,
    /// Stores y = max(W x + b, 0); NaN remains NaN.
    Relu,
    /// Adds W x + b to y.
    Add,
}

/// Kernel of the dense layer W x + b over rows.
///
/// Every sum starts at the bias and adds the inputs in ascending order.
pub(crate) struct DenseRows<'a, R> {
    /// Bias b, `[blocks]`.
    pub(crate) bias: &'a [OutputColumn<R>],
    /// Weights W, `[blocks, inputs]`.
    pub(crate) columns: &'a [OutputColumn<R>],
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) finish: Finish,
    /// Rows x, `[B, inputs]`.
    pub(crate) xs: &'a [R],
    /// Output for the rows y, `[B, outputs]`.
    pub(crate) ys: &'a mut [R],
}

impl<R: Real> Op for DenseRows<'_, R> {
    #[inline(always)]
    fn run<I: Isa>(mut self, isa: I) {
        // Computes as many rows at a time as fit into the registers. The order of each sum does not
        // depend on that number.
        let rows = self.xs.len() / self.inputs;
        for block in 0..self.bias.len() {
            let mut first = 0;
            while first < rows {
                let count = Self::tile_rows::<I>(rows - first);
                match count {
                    1 => self.tile::<I, 1>(isa, block, first),
                    2 => self.tile::<I, 2>(isa, block, first),
                    4 => self.tile::<I, 4>(isa, block, first),
                    _ => self.tile::<I, 6>(isa, block, first),
                }
                first += count;
            }
        }
    }
}

impl<R: Real> DenseRows<'_, R> {
    /// Returns the number of rows of the next tile: 1, 2, 4 or 6, at most `left`.
    ///
    /// The last tile of a batch seldom has one row, whose sums would be too few to hide the latency
    /// of the multiply-adds. Tiles of three and five rows would be a third of the code of a layer.
    #[inline(always)]
    fn tile_rows<I: Isa>(left: usize) -> usize {
        match (Self::max_vectors::<I>(), left) {
            (0..=1, _) | (_, 1) => 1,
            (2..=3, _) | (_, 2 | 3) => 2,
            (_, 4 | 5 | 7 | 8) => 4,
            _ => 6,
        }
    }

    /// Returns the number of vectors of sums that fit into half of the registers.
    const fn max_vectors<I: Isa>() -> usize {
        I::SUM_BYTES / size_of::<[R; LANES]>()
    }

    /// Computes a block of outputs of `ROWS` rows.
    #[inline(always)]
    fn tile<I: Isa, const ROWS: usize>(&mut self, isa: I, block: usize, first: usize) {
        let outputs = OUTPUTS.min(self.outputs - block * OUTPUTS);
        // The sums may occupy three quarters of the registers, because there are few operands.
        if outputs > LANES && 2 * ROWS <= Self::max_vectors::<I>() * 3 / 2 {
            self.outputs_of::<I, ROWS, 2>(isa, block, first, 0..outputs);
        } else {
            self.outputs_of::<I, ROWS, 1>(isa, block, first, 0..outputs.min(LANES));
            if outputs > LANES {
                self.outputs_of::<I, ROWS, 1>(isa, block, first, LANES..outputs);
            }
        }
    }

    /// Computes a range of the outputs of a block, at most `VECS` vectors.
    #[inline(always)]
    fn outputs_of<I: Isa, const ROWS: usize, const VECS: usize>(
        &mut self,
        isa: I,
        block: usize,
        first: usize,
        range: Range<usize>,
    ) {
        let inputs = self.inputs;
        let rows = rows_from::<R, ROWS>(self.xs, first, inputs, inputs);
        let vec = range.start / LANES;
        let mut sums = [load::<R, I, VECS>(isa, &self.bias[block], vec); ROWS];
        for (k, column) in self.columns[block * inputs..][..inputs].iter().enumerate() {
            let column = load::<R, I, VECS>(isa, column, vec);
            for row in 0..ROWS {
                let value = R::Vector::<I>::splat(isa, rows[row][k]);
                for vec in 0..VECS {
                    sums[row][vec] = column[vec].mul_add(value, sums[row][vec]);
                }
            }
        }
        for row in 0..ROWS {
            let y = &mut self.ys[(first + row) * self.outputs..][..self.outputs];
            let y = &mut y[block * OUTPUTS..][range.clone()];
            for (vec, y) in y.chunks_mut(LANES).enumerate() {
                finish::<R, I>(isa, self.finish, sums[row][vec], y);
            }
        }
    }
}

/// Loads `VECS` vectors of a column, from vector `first` on.
#[inline(always)]
fn load<R: Real, I: Isa, const VECS: usize>(
    isa: I,
    column: &OutputColumn<R>,
    first: usize,
) -> [R::Vector<I>; VECS] {
    let (vectors, _) = column.0.as_chunks::<LANES>();
    let mut loaded = [R::Vector::<I>::splat(isa, R::ZERO); VECS];
    for (vec, loaded) in loaded.iter_mut().enumerate() {
        *loaded = R::Vector::<I>::load(isa, &vectors[first + vec]);
    }
    loaded
}

/// Stores or adds a vector of sums, or its first numbers if `y` is shorter.
#[inline(always)]
fn finish<R: Real, I: Isa>(isa: I, finish: Finish, sums: R::Vector<I>, y: &mut [R]) {
    // Whole vectors are copied in registers: the length of the slice is not known to the compiler.
    let mut numbers = [R::ZERO; LANES];
    if let Some(y) = y.first_chunk_mut::<LANES>() {
        match finish {
            Finish::Store => sums.store(y),
            Finish::Relu => {
                sums.store(&mut numbers);
                for lane in 0..LANES {
                    y[lane] = positive(numbers[lane]);
                }
            }
            Finish::Add => sums.add(R::Vector::<I>::load(isa, y)).store(y),
        }
        return;
    }
    sums.store(&mut numbers);
    for (lane, y) in y.iter_mut().enumerate() {
        let sum = numbers[lane];
        *y = match finish {
            Finish::Store => sum,
            Finish::Relu => positive(sum),
            Finish::Add => *y + sum,
        };
    }
}

/// Computes max(x, 0) and keeps NaN.
#[inline(always)]
fn positive<R: Real>(x: R) -> R {
    if x < R::ZERO { R::ZERO } else { x }
}
