//! LSTM and GRU inference kernel over one window at a time.
use super::compact_column::StoredColumn;
use super::rows::copy;
use super::{Cell, Isa, Op};
use crate::Real;

/// Number of units in a block.
pub(crate) const UNITS: usize = 16;
/// Number of units in a tail column: four gates of four units fill a vector of sixteen numbers.
pub(crate) const TAIL_UNITS: usize = 4;

/// Rounds `hidden` up to whole blocks.
pub(crate) fn padded(hidden: usize) -> usize {
    hidden.next_multiple_of(UNITS)
}

/// One number per gate and unit of a block: a column of the weights, a bias or a running sum.
///
/// Aligned to a cache line, so that no register load crosses two lines.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
#[expect(unnameable_types, reason = "the seal of `Real` mentions it")]
pub struct WeightColumn<R>(pub(crate) [[R; UNITS]; 4]);

impl<R: Real> WeightColumn<R> {
    pub(crate) const ZERO: Self = Self([[R::ZERO; UNITS]; 4]);
}

/// One number per gate and unit of four tail units, gate by gate.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(crate) struct TailColumn<R>(pub(crate) [R; UNITS]);

impl<R: Real> TailColumn<R> {
    pub(crate) const ZERO: Self = Self([R::ZERO; UNITS]);
}

/// Packed weights of one LSTM layer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LstmWeights<'a, R, W = WeightColumn<R>> {
    pub(crate) inputs: usize,
    pub(crate) hidden: usize,
    /// Bias of the blocks, `[blocks]`.
    pub(crate) bias: &'a [WeightColumn<R>],
    /// Weight columns, `[pairs of blocks, inputs + hidden, 2]`, then `[inputs + hidden]` of an odd
    /// last block.
    pub(crate) columns: &'a [W],
    /// Bias of the tail, `[tails]`.
    pub(crate) tail_bias: &'a [TailColumn<R>],
    /// Weight columns of the tail, `[inputs + hidden, tails]`.
    pub(crate) tail_columns: &'a [TailColumn<R>],
    /// Size of the L1 data cache in bytes.
    pub(crate) cache: usize,
}

/// Bytes of the L1 data cache that biases, states and inputs occupy.
const STATE_BYTES: usize = 2048;

impl<'a, R, W> LstmWeights<'a, R, W> {
    /// Returns a slice and `width`: every `width`-th column of the slice belongs to the block.
    #[inline(always)]
    pub(super) fn columns_of(&self, block: usize) -> (&'a [W], usize) {
        let count = self.inputs + self.hidden;
        let (pair, inside) = (block / 2, block % 2);
        let width = (self.bias.len() - 2 * pair).min(2);
        (&self.columns[2 * pair * count..][..count * width][inside..], width)
    }

    /// Finds the group that is only partly in the L1 data cache when the reading order reverses.
    ///
    /// Returns the group's place in the order of the step and the number of its last columns that
    /// are in the cache.
    #[inline(always)]
    fn held<const BLOCKS: usize>(&self, groups: usize) -> Option<(usize, usize)> {
        if groups < 2 {
            return None;
        }
        let column = BLOCKS * size_of::<W>();
        let group = (self.inputs + self.hidden) * column;
        let room = self.cache.saturating_sub(STATE_BYTES);
        (group < room && room < group * groups).then(|| (room / group, room % group / column))
    }
}

/// LSTM or GRU over all steps of one window.
///
/// Padded units have zero weights. Their results (such as NaN from an infinite input) stay in the
/// padding of `h`, `c` and `next`, because only the first `hidden` units are read.
pub(crate) struct Lstm<'a, R, C, W = WeightColumn<R>> {
    pub(crate) cell: C,
    pub(crate) weights: LstmWeights<'a, R, W>,
    /// Window `[T, inputs]`.
    pub(crate) xs: &'a [R],
    /// Number of steps `T`.
    pub(crate) steps: usize,
    /// Whether the last step is read first.
    pub(crate) reversed: bool,
    /// Initial hidden state, padded.
    pub(crate) h: &'a mut [R],
    /// Initial and final cell, padded.
    pub(crate) c: &'a mut [R],
    /// Second buffer of the hidden state, padded; after an odd number of steps it has the last
    /// state.
    pub(crate) next: &'a mut [R],
    /// Output for the hidden states; that of step t is written to `out[t * stride..][..hidden]`.
    pub(crate) out: Option<&'a mut [R]>,
    pub(crate) stride: usize,
}

impl<'a, R, C, W> Lstm<'a, R, C, W> {
    /// Replaces the weights by another form of the same weights.
    pub(crate) fn with_weights<V>(self, weights: LstmWeights<'a, R, V>) -> Lstm<'a, R, C, V> {
        let Self { cell, xs, steps, reversed, h, c, next, out, stride, .. } = self;
        Lstm { cell, weights, xs, steps, reversed, h, c, next, out, stride }
    }
}

impl<R: Real, C: Cell, W: StoredColumn<R>> Op for Lstm<'_, R, C, W> {
    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        // Computes as many blocks at a time as fit into the registers. The order of each sum does
        // not depend on that number.
        match I::SUM_BYTES / size_of::<WeightColumn<R>>() {
            2.. => self.by::<I, 2>(isa),
            _ => self.by::<I, 1>(isa),
        }
    }
}

impl<R: Real, C: Cell, W: StoredColumn<R>> Lstm<'_, R, C, W> {
    /// Processes the units in groups of `BLOCKS` blocks and a last group of the remaining ones.
    #[inline(always)]
    fn by<I: Isa, const BLOCKS: usize>(self, isa: I) {
        let (blocks, tails) = (self.weights.bias.len(), self.weights.tail_bias.len());
        let mut groups = blocks / BLOCKS;
        // The tail is computed together with blocks, if there are any: by itself it has too few
        // independent sums to hide the latency of the multiply-adds.
        if tails > 0 && groups > 0 && blocks == groups * BLOCKS {
            groups -= 1;
        }
        match (blocks - groups * BLOCKS, tails) {
            (0, 0) => self.steps::<I, BLOCKS, 0, 0>(isa, groups),
            (0, 1) => self.steps::<I, BLOCKS, 0, 1>(isa, groups),
            (0, 2) => self.steps::<I, BLOCKS, 0, 2>(isa, groups),
            (0, _) => self.steps::<I, BLOCKS, 0, 3>(isa, groups),
            (1, 0) => self.steps::<I, BLOCKS, 1, 0>(isa, groups),
            (1, 1) => self.steps::<I, BLOCKS, 1, 1>(isa, groups),
            (1, 2) => self.steps::<I, BLOCKS, 1, 2>(isa, groups),
            (1, _) => self.steps::<I, BLOCKS, 1, 3>(isa, groups),
            (_, 1) => self.steps::<I, BLOCKS, BLOCKS, 1>(isa, groups),
            (_, 2) => self.steps::<I, BLOCKS, BLOCKS, 2>(isa, groups),
            (_, _) => self.steps::<I, BLOCKS, BLOCKS, 3>(isa, groups),
        }
    }

    #[inline(always)]
    fn steps<I: Isa, const BLOCKS: usize, const REST: usize, const TAILS: usize>(
        mut self,
        isa: I,
        groups: usize,
    ) {
        let LstmWeights { inputs, hidden, .. } = self.weights;
        let held = self.weights.held::<BLOCKS>(groups).filter(|_| REST + TAILS == 0);
        let (cell, mut now, mut next) = (self.cell, self.h, self.next);
        for read in 0..self.steps {
            let t = if self.reversed { self.steps - 1 - read } else { read };
            let x = &self.xs[t * inputs..][..inputs];
            let mut step =
                WindowStep { cell, weights: &self.weights, x, h: &now[..hidden], c: self.c, next };
            // The order of the groups alternates: if the weights do not fit into the L1 data cache,
            // it still has those that the previous step read last.
            let backwards = read % 2 == 1;
            let first = |place| BLOCKS * if backwards { groups - 1 - place } else { place };
            if REST + TAILS > 0 && backwards {
                step.group::<I, REST, TAILS>(isa, groups * BLOCKS, GroupColumns::NONE);
            }
            for place in 0..groups {
                let next = match held {
                    Some((at, columns)) if at == place + 1 => {
                        GroupColumns::<R, W, BLOCKS, 0>::new(&self.weights, first(at)).last(columns)
                    }
                    _ => GroupColumns::NONE,
                };
                step.group::<I, BLOCKS, 0>(isa, first(place), next);
            }
            if REST + TAILS > 0 && !backwards {
                step.group::<I, REST, TAILS>(isa, groups * BLOCKS, GroupColumns::NONE);
            }
            if let Some(out) = &mut self.out {
                copy(&next[..hidden], &mut out[t * self.stride..]);
            }
            std::mem::swap(&mut now, &mut next);
        }
    }
}

/// One time step of one window.
struct WindowStep<'a, R, C, W> {
    cell: C,
    weights: &'a LstmWeights<'a, R, W>,
    x: &'a [R],
    h: &'a [R],
    c: &'a mut [R],
    next: &'a mut [R],
}

impl<R: Real, C: Cell, W: StoredColumn<R>> WindowStep<'_, R, C, W> {
    /// Computes `BLOCKS` blocks and `TAILS` tail columns of units.
    ///
    /// The columns `held` are the least recently used lines of the L1 data cache. They are
    /// prefetched while no load is pending, because the columns that are read before them would
    /// evict them.
    #[inline(always)]
    fn group<I: Isa, const BLOCKS: usize, const TAILS: usize>(
        &mut self,
        isa: I,
        first: usize,
        held: GroupColumns<'_, R, W, BLOCKS, 0>,
    ) {
        let (sums, tail) =
            gate_sums::<R, W, I, BLOCKS, TAILS>(isa, self.weights, first, self.x, self.h);
        let (cells, _) = self.c.as_chunks_mut();
        let (units, _) = self.next.as_chunks_mut();
        let (cells, units) = (&mut cells[first..], &mut units[first..]);
        for block in 0..BLOCKS {
            held.touch::<I>(block);
            update::<R, I>(self.cell, &sums[block], &mut cells[block], &mut units[block]);
        }
        if TAILS > 0 {
            update::<R, I>(self.cell, &by_gate(&tail), &mut cells[BLOCKS], &mut units[BLOCKS]);
        }
    }
}

/// Computes the gate sums: bias + sum over inputs of w x + sum over hidden units of u h.
#[inline(always)]
pub(super) fn gate_sums<
    R: Real,
    W: StoredColumn<R>,
    I: Isa,
    const BLOCKS: usize,
    const TAILS: usize,
>(
    isa: I,
    weights: &LstmWeights<'_, R, W>,
    first: usize,
    x: &[R],
    h: &[R],
) -> ([[[R; UNITS]; 4]; BLOCKS], [[R; UNITS]; TAILS]) {
    let mut sums = [W::start(isa, &[[R::ZERO; UNITS]; 4]); BLOCKS];
    for (block, sums) in sums.iter_mut().enumerate() {
        *sums = W::start(isa, &weights.bias[first + block].0);
    }
    let mut tail = [[R::ZERO; UNITS]; TAILS];
    for (tail, sums) in tail.iter_mut().enumerate() {
        *sums = weights.tail_bias[tail].0;
    }
    let columns = GroupColumns::<R, W, BLOCKS, TAILS>::new(weights, first);
    let (of_x, of_h) = columns.split_at(x.len());
    // Unrolled for six inputs, the default number of channels: the branch at the end of so short a
    // loop is mispredicted and costs as much as two columns.
    if let Ok(six) = <&[R; 6]>::try_from(x) {
        of_x.add::<I>(isa, &mut sums, &mut tail, six);
    } else {
        of_x.add::<I>(isa, &mut sums, &mut tail, x);
    }
    of_h.add::<I>(isa, &mut sums, &mut tail, h);
    let mut finished = [[[R::ZERO; UNITS]; 4]; BLOCKS];
    for block in 0..BLOCKS {
        finished[block] = W::finish(sums[block]);
    }
    (finished, tail)
}

/// Weight columns of a group of units.
#[derive(Clone, Copy)]
struct GroupColumns<'a, R, W, const BLOCKS: usize, const TAILS: usize> {
    /// Columns `[count, width]` of the blocks, from the group's first block on.
    blocks: &'a [W],
    width: usize,
    /// Tail columns `[count, TAILS]`.
    tails: &'a [TailColumn<R>],
}

impl<'a, R: Real, W: StoredColumn<R>, const BLOCKS: usize, const TAILS: usize>
    GroupColumns<'a, R, W, BLOCKS, TAILS>
{
    #[inline(always)]
    fn new(weights: &LstmWeights<'a, R, W>, first: usize) -> Self {
        let count = weights.inputs + weights.hidden;
        let (blocks, width) =
            if BLOCKS > 0 { weights.columns_of(first) } else { ([].as_slice(), 1) };
        // A group of two blocks starts at a pair of blocks.
        let width = if BLOCKS == 2 { 2 } else { width };
        Self { blocks, width, tails: &weights.tail_columns[..count * TAILS] }
    }

    const NONE: Self = Self { blocks: &[], width: 1, tails: &[] };

    /// Returns the columns of the last `count` values.
    #[inline(always)]
    fn last(self, count: usize) -> Self {
        self.split_at(self.blocks.len() / self.width - count).1
    }

    /// Prefetches one of `BLOCKS` equal shares of the blocks' columns.
    #[inline(always)]
    fn touch<I: Isa>(&self, share: usize) {
        let columns = self.blocks.len() / self.width;
        for k in columns * share / BLOCKS..columns * (share + 1) / BLOCKS {
            for column in &self.blocks[k * self.width..][..BLOCKS] {
                column.touch::<I>();
            }
        }
    }

    /// Splits into the columns of the first `count` values and the rest.
    #[inline(always)]
    fn split_at(self, count: usize) -> (Self, Self) {
        let at = if BLOCKS > 0 { count * self.width } else { 0 };
        let (blocks, blocks_after) = self.blocks.split_at(at);
        let (tails, tails_after) = self.tails.split_at(count * TAILS);
        (Self { blocks, tails, ..self }, Self { blocks: blocks_after, tails: tails_after, ..self })
    }

    /// Adds the columns, each multiplied by its value, to the sums.
    #[inline(always)]
    fn add<I: Isa>(
        self,
        isa: I,
        sums: &mut [W::Sums<I>; BLOCKS],
        tail: &mut [[R; UNITS]; TAILS],
        values: &[R],
    ) {
        let (mut of_sums, mut of_tail) = (*sums, *tail);
        // Chunks instead of slices indexed by k: a bounds check between loading a value and using
        // it makes the compiler broadcast the value with two instructions.
        let mut blocks = self.blocks.chunks(self.width);
        for (k, &value) in values.iter().enumerate() {
            if BLOCKS > 0 {
                let Some(columns) = blocks.next().and_then(<[_]>::first_chunk::<BLOCKS>) else {
                    break;
                };
                for block in 0..BLOCKS {
                    columns[block].add(isa, value, &mut of_sums[block]);
                }
            }
            let tails = &self.tails[k * TAILS..][..TAILS];
            for j in 0..TAILS {
                add_scaled::<R, I>(&mut of_tail[j], &tails[j].0, value);
            }
        }
        (*sums, *tail) = (of_sums, of_tail);
    }
}

#[inline(always)]
pub(super) fn add_scaled<R: Real, I: Isa>(sum: &mut [R; UNITS], column: &[R; UNITS], value: R) {
    for unit in 0..UNITS {
        sum[unit] = fused::<R, I>(column[unit], value, sum[unit]);
    }
}

/// Rearranges the sums of the tail into the layout of a block.
#[inline(always)]
pub(super) fn by_gate<R: Real, const TAILS: usize>(tail: &[[R; UNITS]; TAILS]) -> [[R; UNITS]; 4] {
    let mut sums = [[R::ZERO; UNITS]; 4];
    for (j, lanes) in tail.iter().enumerate() {
        let (units, _) = lanes.as_chunks::<TAIL_UNITS>();
        for gate in 0..4 {
            sums[gate].as_chunks_mut().0[j] = units[gate];
        }
    }
    sums
}

/// Computes the new cells and hidden states of a block of units.
#[inline(always)]
pub(super) fn update<R: Real, I: Isa>(
    cell: impl Cell,
    sums: &[[R; UNITS]; 4],
    c: &mut [R; UNITS],
    h: &mut [R; UNITS],
) {
    let [i, f, g, o] = sums;
    for unit in 0..UNITS {
        let sums = [i[unit], f[unit], g[unit], o[unit]];
        (c[unit], h[unit]) = cell.update::<R, I>(sums, c[unit]);
    }
}

#[inline(always)]
pub(super) fn fused<R: Real, I: Isa>(a: R, b: R, c: R) -> R {
    if I::FUSED { a.fused::<true>(b, c) } else { a.fused::<false>(b, c) }
}

#[inline(always)]
pub(super) fn tanh<R: Real, I: Isa>(x: R) -> R {
    if I::FUSED { x.tanh_with::<true>() } else { x.tanh_with::<false>() }
}

#[inline(always)]
pub(super) fn exp<R: Real, I: Isa>(x: R) -> R {
    if I::FUSED { x.exp_with::<true>() } else { x.exp_with::<false>() }
}
