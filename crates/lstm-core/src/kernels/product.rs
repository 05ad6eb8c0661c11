//! The matrix products of training.
//!
//! C += A B goes by tiles of C, a few rows times a few vectors of columns, whose sums stay in
//! registers over a stretch of the depth:
//!
//! ```text
//!                     B row k:   [ 16 columns | 16 columns | .. ]   loaded
//! A rows, column k:   a0         [ sum        | sum        | .. ]   += a0 times B row k
//!                     a1         [ sum        | sum        | .. ]   += a1 times B row k
//! ```
//!
//! A tile of 4 rows and 4 vectors loads 8 operands for 16 multiply-adds, which is what keeps the
//! multipliers of AVX-512 busy. The order of the sums depends on the instruction set alone.
use super::vector::{LANES, Vector};
use super::{Isa, Op};
use crate::Real;
use crate::real::sealed::Sealed;

/// Columns of a packed panel of B: the widest tile.
pub(crate) const PANEL: usize = 4 * LANES;
/// Depth summed in registers before the sums go to C: bounds what a tile touches to the caches.
const DEPTH: usize = 256;

/// The sums of a tile.
pub(super) type Tile<R, I, const ROWS: usize, const VECS: usize> =
    [[<R as Sealed>::Vector<I>; VECS]; ROWS];

/// A, read by single numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Left<'a, R> {
    /// Row-major, or column-major if `transposed`.
    pub(crate) data: &'a [R],
    /// From row to row, or from column to column.
    pub(crate) stride: usize,
    pub(crate) transposed: bool,
}

/// B, read by vectors: panels of at most `panel` columns, each row-major.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Right<'a, R> {
    /// `[panels, depth, columns of the panel]`
    pub(crate) data: &'a [R],
    /// Columns in memory: those of the product, up to a multiple of [`LANES`].
    pub(crate) columns: usize,
    /// Columns of all panels but the last, which has the rest.
    pub(crate) panel: usize,
}

/// C = A B, or C += A B.
pub(crate) struct Product<'a, R> {
    pub(crate) left: Left<'a, R>,
    pub(crate) right: Right<'a, R>,
    pub(crate) depth: usize,
    /// Columns of C.
    pub(crate) columns: usize,
    /// What C holds is added to; else it is overwritten.
    pub(crate) keep: bool,
    /// `[rows, columns]`
    pub(crate) c: &'a mut [R],
}

impl<R: Real> Op for Product<'_, R> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        match I::SUM_BYTES / size_of::<[R; LANES]>() {
            16.. => self.by::<I, 4, 4, 8>(),
            8.. => self.by::<I, 4, 2, 4>(),
            4.. => self.by::<I, 4, 1, 4>(),
            2.. => self.by::<I, 2, 1, 2>(),
            _ => self.by::<I, 1, 1, 1>(),
        }
    }
}

impl<R: Real> Product<'_, R> {
    /// `NARROW` rows where only two vectors are left: as many sums, or the multipliers idle.
    #[inline(always)]
    fn by<I: Isa, const ROWS: usize, const VECS: usize, const NARROW: usize>(mut self) {
        if self.depth == 0 && !self.keep {
            self.c.fill(R::ZERO);
        }
        for from in (0..self.depth).step_by(DEPTH) {
            let depth = from..self.depth.min(from + DEPTH);
            let mut column = 0;
            while column < self.columns {
                let in_panel = self.right.panel - column % self.right.panel;
                let left = (self.right.columns - column).min(in_panel) / LANES;
                if left >= VECS {
                    self.strip::<I, ROWS, VECS>(depth.clone(), column);
                    column += VECS * LANES;
                } else if left >= 2 && VECS > 2 {
                    self.strip::<I, NARROW, 2>(depth.clone(), column);
                    column += 2 * LANES;
                } else {
                    self.strip::<I, NARROW, 1>(depth.clone(), column);
                    column += LANES;
                }
            }
            self.keep = true;
        }
    }

    /// All rows of some columns.
    #[inline(always)]
    fn strip<I: Isa, const ROWS: usize, const VECS: usize>(
        &mut self,
        depth: std::ops::Range<usize>,
        column: usize,
    ) {
        let (b, stride) = self.right.from(self.depth, depth.start, column);
        let rows = self.c.len() / self.columns;
        let mut row = 0;
        while row + ROWS <= rows {
            self.tile::<I, ROWS, VECS>(depth.clone(), row, column, b, stride);
            row += ROWS;
        }
        if ROWS > 4 && row + 4 <= rows {
            self.tile::<I, 4, VECS>(depth.clone(), row, column, b, stride);
            row += 4;
        }
        if ROWS > 2 && row + 2 <= rows {
            self.tile::<I, 2, VECS>(depth.clone(), row, column, b, stride);
            row += 2;
        }
        while row < rows {
            self.tile::<I, 1, VECS>(depth.clone(), row, column, b, stride);
            row += 1;
        }
    }

    #[inline(always)]
    fn tile<I: Isa, const ROWS: usize, const VECS: usize>(
        &mut self,
        depth: std::ops::Range<usize>,
        row: usize,
        column: usize,
        b: &[R],
        b_stride: usize,
    ) {
        let Left { data, stride, transposed } = self.left;
        let zero = [[R::Vector::<I>::splat(R::ZERO); VECS]; ROWS];
        let sums = if transposed {
            let a = &data[depth.start * stride + row..(depth.end - 1) * stride + row + ROWS];
            add_columns::<R, I, ROWS, VECS>(zero, a, stride, b, b_stride)
        } else {
            let a = std::array::from_fn(|r| &data[(row + r) * stride..][depth.clone()]);
            add_rows::<R, I, ROWS, VECS>(zero, a, b, b_stride)
        };
        for r in 0..ROWS {
            let c = &mut self.c[(row + r) * self.columns..][column..self.columns];
            store::<R, I, VECS>(sums[r], self.keep, c);
        }
    }
}

impl<'a, R> Right<'a, R> {
    /// From a row and a column on, and the distance to the next row.
    #[inline(always)]
    fn from(&self, depth: usize, row: usize, column: usize) -> (&'a [R], usize) {
        let panel = column / self.panel * self.panel;
        let width = self.panel.min(self.columns - panel);
        (&self.data[panel * depth + row * width + column - panel..], width)
    }
}

/// Sums += A B with A by rows, all of one length; `b` starts at the tile's first column.
#[inline(always)]
pub(super) fn add_rows<R: Real, I: Isa, const ROWS: usize, const VECS: usize>(
    mut sums: Tile<R, I, ROWS, VECS>,
    a: [&[R]; ROWS],
    b: &[R],
    stride: usize,
) -> Tile<R, I, ROWS, VECS> {
    let depth = a[0].len();
    let a = a.map(|row| &row[..depth]);
    for (k, b) in (0..depth).zip(b.chunks(stride)) {
        let (b, _) = b.as_chunks::<LANES>();
        let b = load::<R, I, VECS>(b);
        for row in 0..ROWS {
            let value = R::Vector::<I>::splat(a[row][k]);
            for vec in 0..VECS {
                sums[row][vec] = b[vec].mul_add(value, sums[row][vec]);
            }
        }
    }
    sums
}

/// Sums += A B with A by columns; `a` starts at the tile's first row, `b` at its first column.
#[inline(always)]
fn add_columns<R: Real, I: Isa, const ROWS: usize, const VECS: usize>(
    mut sums: Tile<R, I, ROWS, VECS>,
    a: &[R],
    a_stride: usize,
    b: &[R],
    b_stride: usize,
) -> Tile<R, I, ROWS, VECS> {
    for (a, b) in a.chunks(a_stride).zip(b.chunks(b_stride)) {
        let (b, _) = b.as_chunks::<LANES>();
        let (a, b) = (&a[..ROWS], load::<R, I, VECS>(b));
        for row in 0..ROWS {
            let value = R::Vector::<I>::splat(a[row]);
            for vec in 0..VECS {
                sums[row][vec] = b[vec].mul_add(value, sums[row][vec]);
            }
        }
    }
    sums
}

/// The first vectors of a row.
#[inline(always)]
pub(super) fn load<R: Real, I: Isa, const VECS: usize>(
    from: &[[R; LANES]],
) -> [R::Vector<I>; VECS] {
    let mut vectors = [R::Vector::<I>::splat(R::ZERO); VECS];
    for (vector, from) in vectors.iter_mut().zip(&from[..VECS]) {
        *vector = R::Vector::<I>::load(from);
    }
    vectors
}

/// The sums of a row go to as many columns as C has left.
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
    let (whole, rest) = c.as_chunks_mut::<LANES>();
    if whole.len() >= VECS {
        for (c, sums) in whole[..VECS].iter_mut().zip(sums) {
            for lane in 0..LANES {
                c[lane] = if keep { c[lane] + sums[lane] } else { sums[lane] };
            }
        }
    } else {
        let c = whole.as_flattened_mut().iter_mut().chain(rest);
        for (c, sum) in c.zip(sums.as_flattened()) {
            *c = if keep { *c + *sum } else { *sum };
        }
    }
}
