//! Matrix product kernel for training.
//!
//! C += A B is computed in tiles of C of a few rows and a few vectors of columns. The sums of a
//! tile stay in registers for a part of the depth:
//!
//! ```text
//!                     B row k:   [ 16 columns | 16 columns | .. ]   loaded
//! A rows, column k:   a0         [ sum        | sum        | .. ]   += a0 times B row k
//!                     a1         [ sum        | sum        | .. ]   += a1 times B row k
//! ```
//!
//! A tile of 4 rows and 4 vectors loads 8 operands for 16 multiply-adds, enough to keep the
//! multipliers of AVX-512 busy. The order of the sums depends only on the instruction set.
use std::ops::Range;

use super::rows::rows_from;
use super::vector::{LANES, Vector};
use super::{Isa, Op};
use crate::Real;
use crate::real::sealed::Sealed;

/// Number of columns in a packed panel of B, which is that of the widest tile.
pub(crate) const PANEL: usize = 4 * LANES;
/// Depth summed in registers before the sums are added to C; a panel of B stays in the L2 cache.
const DEPTH: usize = 256;
/// Depth summed in registers if A is read by columns, which occupy the L1 data cache.
const DEPTH_BY_COLUMNS: usize = 128;

/// Running sums of a tile.
pub(super) type Tile<R, I, const ROWS: usize, const VECS: usize> =
    [[<R as Sealed>::Vector<I>; VECS]; ROWS];

/// Left factor A, read one number at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LeftFactor<'a, R> {
    /// Numbers of A, row-major, or column-major if `transposed`.
    pub(crate) data: &'a [R],
    /// Distance between rows, or between columns if `transposed`.
    pub(crate) stride: usize,
    pub(crate) transposed: bool,
}

/// Right factor B, read as vectors: panels of at most `panel` columns, each row-major.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RightFactor<'a, R> {
    /// Numbers of B, `[panels, depth, columns of the panel]`.
    pub(crate) data: &'a [R],
    /// Columns in memory: those of the product, rounded up to a multiple of [`LANES`].
    pub(crate) columns: usize,
    /// Number of columns in each panel except the last, which has the remaining ones.
    pub(crate) panel: usize,
}

/// Kernel of the matrix product C = A B, or C += A B.
pub(crate) struct Product<'a, R> {
    pub(crate) left: LeftFactor<'a, R>,
    pub(crate) right: RightFactor<'a, R>,
    pub(crate) depth: usize,
    /// Number of columns of C.
    pub(crate) columns: usize,
    /// Whether the product is added to C; otherwise it overwrites C.
    pub(crate) keep: bool,
    /// Output C, `[rows, columns]`.
    pub(crate) c: &'a mut [R],
}

impl<R: Real> Op for Product<'_, R> {
    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        match I::SUM_BYTES / size_of::<[R; LANES]>() {
            16.. => self.by::<I, 4, 4, 8>(isa),
            8.. => self.by::<I, 4, 2, 4>(isa),
            4.. => self.by::<I, 4, 1, 4>(isa),
            2.. => self.by::<I, 2, 1, 2>(isa),
            _ => self.by::<I, 1, 1, 1>(isa),
        }
    }
}

impl<R: Real> Product<'_, R> {
    /// Computes C in tiles of `ROWS` rows and `VECS` vectors.
    ///
    /// If fewer than `VECS` vectors are left, tiles have `NARROW` rows, because with fewer sums
    /// the multipliers would be idle.
    #[inline(always)]
    fn by<I: Isa, const ROWS: usize, const VECS: usize, const NARROW: usize>(mut self, isa: I) {
        if self.depth == 0 && !self.keep {
            for c in &mut *self.c {
                *c = R::ZERO;
            }
        }
        let max_depth = if self.left.transposed { DEPTH_BY_COLUMNS } else { DEPTH };
        for from in (0..self.depth).step_by(max_depth) {
            let depth = from..self.depth.min(from + max_depth);
            let mut column = 0;
            while column < self.columns {
                let in_panel = self.right.panel - column % self.right.panel;
                let left = (self.right.columns - column).min(in_panel) / LANES;
                if left >= VECS {
                    self.strip::<I, ROWS, VECS>(isa, depth.clone(), column);
                    column += VECS * LANES;
                } else if left >= 2 && VECS > 2 {
                    self.strip::<I, NARROW, 2>(isa, depth.clone(), column);
                    column += 2 * LANES;
                } else {
                    self.strip::<I, NARROW, 1>(isa, depth.clone(), column);
                    column += LANES;
                }
            }
            self.keep = true;
        }
    }

    /// Computes all rows of `VECS` vectors of columns, `ROWS` at a time, the remaining ones in
    /// smaller tiles.
    #[inline(always)]
    fn strip<I: Isa, const ROWS: usize, const VECS: usize>(
        &mut self,
        isa: I,
        depth: Range<usize>,
        column: usize,
    ) {
        let rows = self.c.len() / self.columns;
        let mut row = 0;
        // The columns of A are far apart in memory, so more numbers of each column are used
        // together.
        if ROWS == 4 && VECS == 4 && self.left.transposed {
            row = self.tiles::<I, 6, VECS>(isa, &depth, row..rows, column);
        }
        row = self.tiles::<I, ROWS, VECS>(isa, &depth, row..rows, column);
        if ROWS > 4 {
            row = self.tiles::<I, 4, VECS>(isa, &depth, row..rows, column);
        }
        if ROWS > 2 {
            row = self.tiles::<I, 2, VECS>(isa, &depth, row..rows, column);
        }
        self.tiles::<I, 1, VECS>(isa, &depth, row..rows, column);
    }

    /// Computes as many tiles as fit into the rows and returns the row after them.
    #[inline(always)]
    fn tiles<I: Isa, const ROWS: usize, const VECS: usize>(
        &mut self,
        isa: I,
        depth: &Range<usize>,
        rows: Range<usize>,
        column: usize,
    ) -> usize {
        let (b, stride) = self.right.from(self.depth, depth.start, column);
        let end = rows.end - rows.len() % ROWS;
        for row in (rows.start..end).step_by(ROWS) {
            self.tile::<I, ROWS, VECS>(isa, depth.clone(), row, column, b, stride);
        }
        end
    }

    /// Computes one tile.
    #[inline(always)]
    fn tile<I: Isa, const ROWS: usize, const VECS: usize>(
        &mut self,
        isa: I,
        depth: Range<usize>,
        row: usize,
        column: usize,
        b: &[R],
        b_stride: usize,
    ) {
        let LeftFactor { data, stride, transposed } = self.left;
        let zero = [[R::Vector::<I>::splat(isa, R::ZERO); VECS]; ROWS];
        let sums = if transposed {
            let a = &data[depth.start * stride + row..(depth.end - 1) * stride + row + ROWS];
            add_columns::<R, I, ROWS, VECS>(isa, zero, a, stride, b, b_stride)
        } else {
            let a = rows_from(&data[depth.start..], row, stride, depth.len());
            add_rows::<R, I, ROWS, VECS>(isa, zero, a, b, b_stride)
        };
        for r in 0..ROWS {
            let c = &mut self.c[(row + r) * self.columns..][column..self.columns];
            store::<R, I, VECS>(sums[r], self.keep, c);
        }
    }
}

impl<'a, R> RightFactor<'a, R> {
    /// Returns the numbers of B from a row and a column on, and the distance between rows.
    #[inline(always)]
    fn from(&self, depth: usize, row: usize, column: usize) -> (&'a [R], usize) {
        let panel = column / self.panel * self.panel;
        let width = self.panel.min(self.columns - panel);
        (&self.data[panel * depth + row * width + column - panel..], width)
    }
}

/// Adds A B to the sums, with A by rows of equal length; `b` starts at the tile's first column.
#[inline(always)]
pub(super) fn add_rows<R: Real, I: Isa, const ROWS: usize, const VECS: usize>(
    isa: I,
    mut sums: Tile<R, I, ROWS, VECS>,
    mut a: [&[R]; ROWS],
    b: &[R],
    stride: usize,
) -> Tile<R, I, ROWS, VECS> {
    let depth = a[0].len();
    for row in &mut a {
        *row = &row[..depth];
    }
    let mut b = b.chunks(stride);
    for k in 0..depth {
        let Some(b) = b.next() else { break };
        let (b, _) = b.as_chunks::<LANES>();
        let b = load::<R, I, VECS>(isa, b);
        for row in 0..ROWS {
            let value = R::Vector::<I>::splat(isa, a[row][k]);
            for vec in 0..VECS {
                sums[row][vec] = b[vec].mul_add(value, sums[row][vec]);
            }
        }
    }
    sums
}

/// Adds A B to the sums, with A by columns.
///
/// `a` starts at the tile's first row, `b` at its first column.
#[inline(always)]
fn add_columns<R: Real, I: Isa, const ROWS: usize, const VECS: usize>(
    isa: I,
    mut sums: Tile<R, I, ROWS, VECS>,
    a: &[R],
    a_stride: usize,
    b: &[R],
    b_stride: usize,
) -> Tile<R, I, ROWS, VECS> {
    let mut b = b.chunks(b_stride);
    for a in a.chunks(a_stride) {
        let Some(b) = b.next() else { break };
        let (b, _) = b.as_chunks::<LANES>();
        let (a, b) = (&a[..ROWS], load::<R, I, VECS>(isa, b));
        for row in 0..ROWS {
            let value = R::Vector::<I>::splat(isa, a[row]);
            for vec in 0..VECS {
                sums[row][vec] = b[vec].mul_add(value, sums[row][vec]);
            }
        }
    }
    sums
}

/// Loads the first vectors of a row.
#[inline(always)]
pub(super) fn load<R: Real, I: Isa, const VECS: usize>(
    isa: I,
    from: &[[R; LANES]],
) -> [R::Vector<I>; VECS] {
    let mut vectors = [R::Vector::<I>::splat(isa, R::ZERO); VECS];
    let from = &from[..VECS];
    for vec in 0..VECS {
        vectors[vec] = R::Vector::<I>::load(isa, &from[vec]);
    }
    vectors
}

/// Stores the sums of a row, or adds them if `keep`, up to the last column of C.
#[inline(always)]
fn store<R: Real, I: Isa, const VECS: usize>(
    vectors: [R::Vector<I>; VECS],
    keep: bool,
    c: &mut [R],
) {
    let mut sums = [[R::ZERO; LANES]; VECS];
    for vec in 0..VECS {
        vectors[vec].store(&mut sums[vec]);
    }
    if c.len() >= VECS * LANES {
        let (c, _) = c[..VECS * LANES].as_chunks_mut::<LANES>();
        for vec in 0..VECS {
            for lane in 0..LANES {
                c[vec][lane] = if keep { c[vec][lane] + sums[vec][lane] } else { sums[vec][lane] };
            }
        }
    } else {
        for (at, c) in c.iter_mut().enumerate() {
            let sum = sums[at / LANES][at % LANES];
            *c = if keep { *c + sum } else { sum };
        }
    }
}
