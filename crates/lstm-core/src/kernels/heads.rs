//! Inference kernel of the self-attention over one window.
use super::lstm::exp;
use super::vector::{LANES, Vector};
use super::{Isa, Op};
use crate::Real;

/// Numbers of a block of queries, which lie side by side: a column or a weight of each.
pub(crate) type QueryLanes<R> = [R; LANES];

/// Returns the number of blocks of queries of a window.
pub(crate) fn query_blocks(steps: usize) -> usize {
    steps.div_ceil(LANES)
}

/// Number of keys, or of columns of the values, that are computed together.
const TILE: usize = 4;

/// Kernel of the weighted values of all heads, head by head.
///
/// The queries lie side by side, so that the softmax over the keys needs no sum across lanes. Every
/// sum has one order: the columns of a head for a score, the keys for a weighted value.
pub(crate) struct HeadAttention<'a, R> {
    /// Number of columns of a head.
    pub(crate) width: usize,
    /// Length of a row N.
    pub(crate) size: usize,
    /// Queries, keys and values `[T, 3, N]`.
    pub(crate) rows: &'a [R],
    /// Working memory for the scaled queries of a head by columns, `[blocks, width]`.
    pub(crate) queries: &'a mut [QueryLanes<R>],
    /// Working memory for the weights of the keys, for a block of queries, `[T]`.
    pub(crate) weights: &'a mut [QueryLanes<R>],
    /// Output for the weighted values `[T, N]`.
    pub(crate) out: &'a mut [R],
}

impl<R: Real> Op for HeadAttention<'_, R> {
    #[inline(always)]
    fn run<I: Isa>(mut self, isa: I) {
        for head in (0..self.size).step_by(self.width) {
            self.read_queries(head);
            for block in 0..query_blocks(self.weights.len()) {
                let top = self.scores(isa, head, block);
                let factors = softmax::<R, I>(self.weights, &top);
                for column in (0..self.width).step_by(TILE) {
                    let at = head + column;
                    match self.width - column {
                        1 => self.values::<I, 1>(isa, at, block, &factors),
                        2 => self.values::<I, 2>(isa, at, block, &factors),
                        3 => self.values::<I, 3>(isa, at, block, &factors),
                        _ => self.values::<I, TILE>(isa, at, block, &factors),
                    }
                }
            }
        }
    }
}

impl<R: Real> HeadAttention<'_, R> {
    /// Scales and transposes the queries of a head. Lanes after the last query keep old numbers,
    /// whose results are not read.
    #[inline(always)]
    fn read_queries(&mut self, head: usize) {
        let scale = R::from_f64((self.width as f64).sqrt().recip());
        for (step, row) in self.rows.chunks_exact(3 * self.size).enumerate() {
            let columns = &mut self.queries[step / LANES * self.width..][..self.width];
            let row = &row[head..][..self.width];
            for column in 0..self.width {
                columns[column][step % LANES] = row[column] * scale;
            }
        }
    }

    /// Computes the scores of all keys for a block of queries, and returns the largest ones.
    #[inline(always)]
    fn scores<I: Isa>(&mut self, isa: I, head: usize, block: usize) -> QueryLanes<R> {
        let Self { width, size, rows, queries, weights, .. } = self;
        let (width, size) = (*width, *size);
        let queries = &queries[block * width..][..width];
        let mut top = [R::ZERO; LANES];
        let mut rows = rows.chunks(3 * size * TILE);
        for (tile, weights) in weights.chunks_mut(TILE).enumerate() {
            let Some(rows) = rows.next() else { break };
            // If fewer keys are left, the last one is computed several times.
            let last = weights.len() - 1;
            let mut keys: [&[R]; TILE] = [&[]; TILE];
            for (key, columns) in keys.iter_mut().enumerate() {
                *columns = &rows[(3 * last.min(key) + 1) * size + head..][..width];
            }
            let scores = products::<R, I>(isa, queries, keys);
            for (key, weights) in weights.iter_mut().enumerate() {
                scores[key].store(weights);
                for lane in 0..LANES {
                    let larger = (tile, key) == (0, 0) || weights[lane] > top[lane];
                    top[lane] = if larger { weights[lane] } else { top[lane] };
                }
            }
        }
        top
    }

    /// Computes `COLUMNS` columns of the weighted values of a block of queries.
    #[inline(always)]
    fn values<I: Isa, const COLUMNS: usize>(
        &mut self,
        isa: I,
        at: usize,
        block: usize,
        factors: &QueryLanes<R>,
    ) {
        let size = self.size;
        let mut values = self.rows[2 * size + at..].chunks(3 * size);
        let mut sums = [R::Vector::<I>::splat(isa, R::ZERO); COLUMNS];
        for weights in &*self.weights {
            let Some(values) = values.next() else { break };
            let weights = R::Vector::<I>::load(isa, weights);
            let values = &values[..COLUMNS];
            for column in 0..COLUMNS {
                let value = R::Vector::<I>::splat(isa, values[column]);
                sums[column] = weights.mul_add(value, sums[column]);
            }
        }
        let factors = R::Vector::<I>::load(isa, factors);
        let mut columns = [[R::ZERO; LANES]; COLUMNS];
        for column in 0..COLUMNS {
            sums[column].mul(factors).store(&mut columns[column]);
        }
        let rows = self.out[block * LANES * size..].chunks_exact_mut(size);
        for (lane, row) in rows.take(LANES).enumerate() {
            let row = &mut row[at..][..COLUMNS];
            for column in 0..COLUMNS {
                row[column] = columns[column][lane];
            }
        }
    }
}

/// Computes the scalar products of a block of queries, by columns, with some keys.
#[inline(always)]
fn products<R: Real, I: Isa>(
    isa: I,
    queries: &[QueryLanes<R>],
    keys: [&[R]; TILE],
) -> [R::Vector<I>; TILE] {
    let width = queries.len();
    let [a, b, c, d] = keys;
    let keys = [&a[..width], &b[..width], &c[..width], &d[..width]];
    let mut sums = [R::Vector::<I>::splat(isa, R::ZERO); TILE];
    for column in 0..width {
        let query = R::Vector::<I>::load(isa, &queries[column]);
        for key in 0..TILE {
            let value = R::Vector::<I>::splat(isa, keys[key][column]);
            sums[key] = query.mul_add(value, sums[key]);
        }
    }
    sums
}

/// Replaces the scores by e^(score - top), and returns the factors that make their sums 1.
#[inline(always)]
fn softmax<R: Real, I: Isa>(weights: &mut [QueryLanes<R>], top: &QueryLanes<R>) -> QueryLanes<R> {
    let mut sums = [R::ZERO; LANES];
    for weights in weights {
        for lane in 0..LANES {
            let weight = exp::<R, I>(weights[lane] - top[lane]);
            weights[lane] = weight;
            sums[lane] += weight;
        }
    }
    for sum in &mut sums {
        *sum = R::ONE / *sum;
    }
    sums
}
