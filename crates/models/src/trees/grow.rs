//! Growth of one tree, leaf by leaf.
use std::ops::Range;

use rayon::prelude::*;

use super::bins::{BinnedTable, InputBins};
use super::histogram::{BLOCK, GradientHistogram, GradientSum, GradientUnits, accumulate};
use super::monotone::{Monotone, OutputBounds};
use super::tree::{Missing, TreeNode};

/// Limits and penalties of a tree.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct GrowSettings {
    /// Maximum number of leaves.
    pub(super) leaves: usize,
    /// Maximum number of splits on a path; `None` for no limit.
    pub(super) depth: Option<usize>,
    /// Minimum number of rows in a leaf.
    pub(super) min_rows: usize,
    /// Minimum sum of Hessians in a leaf.
    pub(super) min_hessian: f64,
    /// L1 penalty on the outputs of leaves.
    pub(super) l1: f64,
    /// L2 penalty on the outputs of leaves.
    pub(super) l2: f64,
}

impl GrowSettings {
    /// Gradient shrunk towards zero by the L1 penalty.
    fn shrunk(&self, gradient: f64) -> f64 {
        gradient.signum() * (gradient.abs() - self.l1).max(0.0)
    }

    /// Twice the decrease of the loss from the best output of a leaf.
    fn score(&self, (gradient, hessian): (f64, f64)) -> f64 {
        self.shrunk(gradient).powi(2) / (hessian + self.l2)
    }

    /// Best output of a leaf, a Newton step.
    fn output(&self, (gradient, hessian): (f64, f64)) -> f64 {
        -self.shrunk(gradient) / (hessian + self.l2)
    }

    /// Twice the decrease of the loss from the best output within bounds.
    fn score_within(&self, sum: (f64, f64), bounds: OutputBounds) -> f64 {
        if bounds.is_open() {
            return self.score(sum);
        }
        let ((gradient, hessian), output) = (sum, bounds.clamp(self.output(sum)));
        -(2.0 * self.shrunk(gradient) * output + (hessian + self.l2) * output * output)
    }
}

/// Training rows of all trees, as bins.
#[derive(Debug, Clone, Copy)]
pub(super) struct GrowTable<'a> {
    pub(super) bins: &'a [InputBins],
    pub(super) rows: &'a BinnedTable,
    pub(super) units: GradientUnits,
    /// Constraint of each input; those after the end have none.
    pub(super) monotone: &'a [Option<Monotone>],
}

impl GrowTable<'_> {
    fn constraint(&self, input: usize) -> Option<Monotone> {
        self.monotone.get(input).copied().flatten()
    }
}

/// Sum over the rows of a leaf, and the range of its output.
#[derive(Debug, Clone, Copy)]
struct LeafSum {
    total: GradientSum,
    bounds: OutputBounds,
}

/// Best split of a leaf.
#[derive(Debug, Clone, Copy)]
struct BestSplit {
    gain: f64,
    input: usize,
    /// Last bin of the left child.
    bin: u8,
    missing_left: bool,
    left: GradientSum,
}

/// A leaf that may be split further.
struct OpenLeaf {
    /// Index of its node.
    node: usize,
    /// Its part of the row numbers.
    rows: Range<usize>,
    depth: usize,
    sum: LeafSum,
    /// One histogram per sampled input.
    histograms: Vec<GradientHistogram>,
    best: Option<BestSplit>,
}

/// A tree with the bins of its thresholds and the rows of its leaves.
#[derive(Debug)]
pub(super) struct GrownTree {
    pub(super) nodes: Vec<TreeNode>,
    /// Last bin of the left child of each split.
    bins: Vec<u8>,
    /// Node of each leaf and its range of the row numbers.
    leaves: Vec<(usize, Range<usize>)>,
}

impl GrownTree {
    /// Returns the output of each leaf with its range of the row numbers.
    pub(super) fn leaves(&self) -> impl Iterator<Item = (f64, Range<usize>)> {
        self.leaves.iter().map(|(node, rows)| (self.value(*node), rows.clone()))
    }

    fn value(&self, node: usize) -> f64 {
        match self.nodes[node] {
            TreeNode::Leaf { value } => value,
            TreeNode::Split { .. } => 0.0,
        }
    }

    /// Returns the output for a row of a table with the same bins.
    pub(super) fn output(&self, bins: &[InputBins], table: &BinnedTable, row: usize) -> f64 {
        let mut node = 0;
        loop {
            match self.nodes[node] {
                TreeNode::Leaf { value } => return value,
                TreeNode::Split { input, left, missing_left, .. } => {
                    let bin = table.column(input)[row];
                    let is_left = goes_left(bin, self.bins[node], missing_left, &bins[input]);
                    node = left + usize::from(!is_left);
                }
            }
        }
    }
}

fn goes_left(bin: u8, last: u8, missing_left: bool, bins: &InputBins) -> bool {
    if usize::from(bin) == bins.len() { missing_left } else { bin <= last }
}

/// Growth of one tree.
struct Growth<'a> {
    table: GrowTable<'a>,
    settings: &'a GrowSettings,
    /// Sampled inputs, ascending, and their bins.
    inputs: &'a [usize],
    columns: Vec<&'a [u8]>,
    /// Gradient of each training row.
    gradients: &'a [GradientSum],
    /// Sampled row numbers; each leaf has a range of them.
    rows: &'a mut [u32],
    tree: GrownTree,
    buffer: Vec<u32>,
}

/// Grows a tree on the sampled rows and inputs: the leaf with the largest gain is split until the
/// number of leaves is reached or no split decreases the loss.
///
/// Sorts `rows` by leaf. `rate` multiplies the outputs.
///
/// **Formula** with G and H the sums of gradients and Hessians, λ₁ and λ₂ the penalties and
/// S(G) = sign(G) max(|G| − λ₁, 0):
///
/// ```text
/// output = −S(G) / (H + λ₂)
/// gain   = S(G_left)² / (H_left + λ₂) + S(G_right)² / (H_right + λ₂) − S(G)² / (H + λ₂)
/// ```
///
/// A split on a constrained input is rejected if the outputs of its children are not in order. The
/// outputs below it are then limited to their side of the middle, and the gains are those of the
/// limited outputs.
///
/// **Source** Friedman 2001; Ke et al. 2017 (LightGBM).
pub(super) fn grow(
    table: GrowTable<'_>,
    gradients: &[GradientSum],
    rows: &mut [u32],
    inputs: &[usize],
    rate: f64,
    settings: &GrowSettings,
) -> GrownTree {
    let columns = inputs.iter().map(|input| table.rows.column(*input)).collect();
    let tree = GrownTree { nodes: Vec::new(), bins: Vec::new(), leaves: Vec::new() };
    let buffer = Vec::new();
    let mut growth = Growth { table, settings, inputs, columns, gradients, rows, tree, buffer };
    let mut open = vec![growth.root()];
    while open.len() < settings.leaves {
        let Some(next) = best_leaf(&open) else { break };
        let last = open.len() + 1 == settings.leaves;
        let leaf = open.swap_remove(next);
        open.extend(growth.split(leaf, last));
    }
    growth.finish(open, rate)
}

/// Index of the leaf with the largest gain; the first node of several.
fn best_leaf(open: &[OpenLeaf]) -> Option<usize> {
    let candidates = open
        .iter()
        .enumerate()
        .filter_map(|(index, leaf)| leaf.best.map(|best| (best.gain, leaf.node, index)));
    let best = candidates.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
    best.map(|(_, _, index)| index)
}

impl Growth<'_> {
    fn root(&mut self) -> OpenLeaf {
        let mut total = GradientSum::default();
        self.rows.iter().for_each(|row| total.add(self.gradients[*row as usize]));
        self.push_node();
        let rows = 0..self.rows.len();
        let histograms = vec![GradientHistogram::default(); self.inputs.len()];
        let sum = LeafSum { total, bounds: OutputBounds::OPEN };
        let mut leaf = OpenLeaf { node: 0, rows, depth: 0, sum, histograms, best: None };
        if self.can_split(&leaf) {
            let ordered = self.ordered(&leaf.rows);
            let work = self.blocks_per_task(leaf.rows.len());
            let rows = &self.rows[leaf.rows.clone()];
            let blocks = leaf.histograms.par_chunks_mut(BLOCK).enumerate().with_min_len(work);
            let best: Vec<_> = blocks
                .map(|(block, histograms)| {
                    accumulate(histograms, self.block(block), rows, &ordered);
                    self.best_of(block, histograms, leaf.sum)
                })
                .collect();
            leaf.best = better(best);
        }
        leaf
    }

    /// Appends a leaf without an output.
    fn push_node(&mut self) {
        self.tree.nodes.push(TreeNode::Leaf { value: 0.0 });
        self.tree.bins.push(0);
    }

    fn can_split(&self, leaf: &OpenLeaf) -> bool {
        leaf.rows.len() >= 2 * self.settings.min_rows
            && self.settings.depth.is_none_or(|depth| leaf.depth < depth)
    }

    /// Gradients of some rows, in their order.
    fn ordered(&self, rows: &Range<usize>) -> Vec<GradientSum> {
        self.rows[rows.clone()].iter().map(|row| self.gradients[*row as usize]).collect()
    }

    /// Number of blocks of inputs in a parallel task: all of them for a leaf with few rows.
    fn blocks_per_task(&self, rows: usize) -> usize {
        if rows * self.inputs.len() < 1 << 14 { self.inputs.len() } else { 1 }
    }

    fn block(&self, block: usize) -> &[&[u8]] {
        let start = block * BLOCK;
        &self.columns[start..(start + BLOCK).min(self.columns.len())]
    }

    /// Best split of a leaf on the inputs of a block; the first input of several.
    fn best_of(
        &self,
        block: usize,
        histograms: &[GradientHistogram],
        leaf: LeafSum,
    ) -> Option<BestSplit> {
        let inputs = &self.inputs[block * BLOCK..];
        let splits = inputs.iter().zip(histograms);
        splits.map(|(input, histogram)| self.best_split(*input, histogram, leaf)).fold(None, larger)
    }

    /// Best split of a leaf on an input. Rows with missing values go to the child with the larger
    /// gain, or to the child with more rows if there are none.
    fn best_split(
        &self,
        input: usize,
        histogram: &GradientHistogram,
        leaf: LeafSum,
    ) -> Option<BestSplit> {
        let (units, bins) = (&self.table.units, self.table.bins[input].len());
        let missing = histogram.0[bins];
        let sides: &[bool] = if units.rows(missing) > 0 { &[true, false] } else { &[true] };
        let mut best: Option<BestSplit> = None;
        for missing_left in sides {
            let start = if *missing_left { GradientSum::default() } else { missing };
            let constraint = self.table.constraint(input);
            let found = self.best_bin(&histogram.0[..bins], start, leaf, constraint);
            let found = found.map(|(gain, bin, left)| {
                let missing_left = match sides.len() {
                    1 => 2 * units.rows(left) >= units.rows(leaf.total),
                    _ => *missing_left,
                };
                BestSplit { gain, input, bin, missing_left, left }
            });
            best = larger(best, found);
        }
        best
    }

    /// Gain, last left bin and left sum of the best split of a leaf's bins, with `start` on the
    /// right side of all of them.
    ///
    /// Of several bins that split the leaf equally, the last one is chosen, as in LightGBM.
    fn best_bin(
        &self,
        bins: &[GradientSum],
        start: GradientSum,
        LeafSum { total, bounds }: LeafSum,
        constraint: Option<Monotone>,
    ) -> Option<(f64, u8, GradientSum)> {
        let (units, settings) = (&self.table.units, self.settings);
        let all = units.rows(total);
        let least = settings.min_rows.max(1);
        let parent = settings.score_within(units.derivatives(total), bounds);
        let (mut right, mut largest, mut best) = (start, parent, None);
        let mut next = &start;
        for (bin, sum) in (0_u8..=u8::MAX).zip(bins).rev() {
            let rows = units.rows(right);
            if rows + least > all {
                break;
            }
            // An empty bin on the right side changes nothing.
            if rows >= least && *next != GradientSum::default() {
                let left = total.without(right);
                let (of_left, of_right) = (units.derivatives(left), units.derivatives(right));
                let score = settings.score_within(of_left, bounds)
                    + settings.score_within(of_right, bounds);
                let outputs = || [of_left, of_right].map(|sum| bounds.clamp(settings.output(sum)));
                if score > largest
                    && of_left.1.min(of_right.1) >= settings.min_hessian
                    && constraint.is_none_or(|constraint| constraint.holds(outputs()))
                {
                    (largest, best) = (score, Some((bin, left)));
                }
            }
            right.add(*sum);
            next = sum;
        }
        best.map(|(bin, left)| (largest - parent, bin, left))
    }

    /// Splits a leaf; the children of the `last` split get no histograms.
    fn split(&mut self, leaf: OpenLeaf, last: bool) -> [OpenLeaf; 2] {
        let best = leaf.best.expect("invariant: only leaves with a split are chosen");
        let middle = leaf.rows.start + self.partition(&leaf.rows, &best);
        let first = self.tree.nodes.len();
        let bins = &self.table.bins[best.input];
        #[expect(clippy::cast_possible_truncation, reason = "for reports")]
        let gain = best.gain as f32;
        self.tree.nodes[leaf.node] = TreeNode::Split {
            input: best.input,
            threshold: bins.threshold(best.bin),
            left: first,
            missing: Missing::NotANumber,
            missing_left: best.missing_left,
            gain,
        };
        self.tree.bins[leaf.node] = best.bin;
        self.push_node();
        self.push_node();
        let depth = leaf.depth + 1;
        let child = |node, rows, sum| {
            let histograms = Vec::new();
            OpenLeaf { node, rows, depth, sum, histograms, best: None }
        };
        let [of_left, of_right] = self.children(leaf.sum, &best);
        let mut left = child(first, leaf.rows.start..middle, of_left);
        let mut right = child(first + 1, middle..leaf.rows.end, of_right);
        if !last {
            let (small, large) = if left.rows.len() <= right.rows.len() {
                (&mut left, &mut right)
            } else {
                (&mut right, &mut left)
            };
            self.prepare(small, large, leaf.histograms);
        }
        [left, right]
    }

    /// Sums and bounds of the children of a split.
    fn children(&self, leaf: LeafSum, best: &BestSplit) -> [LeafSum; 2] {
        let totals = [best.left, leaf.total.without(best.left)];
        let outputs = totals.map(|total| {
            leaf.bounds.clamp(self.settings.output(self.table.units.derivatives(total)))
        });
        let bounds = leaf.bounds.children(self.table.constraint(best.input), outputs);
        [0, 1].map(|side| LeafSum { total: totals[side], bounds: bounds[side] })
    }

    /// Computes histograms and best splits of two siblings. `parent` becomes the histograms of the
    /// larger one.
    fn prepare(&self, small: &mut OpenLeaf, large: &mut OpenLeaf, parent: Vec<GradientHistogram>) {
        let (split_small, split_large) = (self.can_split(small), self.can_split(large));
        if !split_large {
            return;
        }
        large.histograms = parent;
        small.histograms = vec![GradientHistogram::default(); self.inputs.len()];
        let ordered = self.ordered(&small.rows);
        let work = self.blocks_per_task(small.rows.len());
        let rows = &self.rows[small.rows.clone()];
        let (of_small, of_large) = (small.sum, large.sum);
        let blocks = small.histograms.par_chunks_mut(BLOCK);
        let blocks = blocks.zip(large.histograms.par_chunks_mut(BLOCK)).enumerate();
        let best: Vec<_> = blocks
            .with_min_len(work)
            .map(|(block, (small, large))| {
                accumulate(small, self.block(block), rows, &ordered);
                self.subtract(block, large, small);
                let best = split_small.then(|| self.best_of(block, small, of_small)).flatten();
                (best, self.best_of(block, large, of_large))
            })
            .collect();
        let (best_small, best_large): (Vec<_>, Vec<_>) = best.into_iter().unzip();
        (small.best, large.best) = (better(best_small), better(best_large));
    }

    /// Subtracts the histograms of a child from those of its parent.
    fn subtract(
        &self,
        block: usize,
        parents: &mut [GradientHistogram],
        children: &[GradientHistogram],
    ) {
        for ((parent, child), input) in
            parents.iter_mut().zip(children).zip(&self.inputs[block * BLOCK..])
        {
            let bins = self.table.bins[*input].len();
            let sums = parent.0.iter_mut().zip(child.0.iter()).take(bins + 1);
            sums.for_each(|(parent, child)| *parent = parent.without(*child));
        }
    }

    /// Moves the rows of the left child before those of the right one, without changing the order
    /// within either, and returns the number of left rows.
    fn partition(&mut self, range: &Range<usize>, best: &BestSplit) -> usize {
        let column = self.table.rows.column(best.input);
        let bins = &self.table.bins[best.input];
        let rows = &mut self.rows[range.clone()];
        self.buffer.clear();
        let mut left = 0;
        for index in 0..rows.len() {
            let row = rows[index];
            if goes_left(column[row as usize], best.bin, best.missing_left, bins) {
                rows[left] = row;
                left += 1;
            } else {
                self.buffer.push(row);
            }
        }
        rows[left..].copy_from_slice(&self.buffer);
        left
    }

    /// Sets the outputs of the leaves.
    fn finish(mut self, open: Vec<OpenLeaf>, rate: f64) -> GrownTree {
        // A tree without a split has no effect: the initial score is its best output.
        let grown = open.len() > 1;
        for leaf in open {
            let output = self.settings.output(self.table.units.derivatives(leaf.sum.total));
            let output = leaf.sum.bounds.clamp(output);
            let value = if grown { rate * output } else { 0.0 };
            self.tree.nodes[leaf.node] = TreeNode::Leaf { value };
            self.tree.leaves.push((leaf.node, leaf.rows));
        }
        self.tree
    }
}

/// The split with the larger gain; the first of equal ones.
fn larger(first: Option<BestSplit>, second: Option<BestSplit>) -> Option<BestSplit> {
    match (first, second) {
        (Some(a), Some(b)) if b.gain > a.gain => Some(b),
        (first, second) => first.or(second),
    }
}

/// The split with the largest gain of all blocks.
fn better(blocks: Vec<Option<BestSplit>>) -> Option<BestSplit> {
    blocks.into_iter().fold(None, larger)
}
