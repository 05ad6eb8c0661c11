//! Fast prediction: all splits of one input at a time, with bit vectors.
use std::ops::Range;

use super::tree::TreeNode;

/// Maximum number of leaves of a tree: bits of a vector.
const LEAVES: usize = 32;

/// Scorer of trees with at most 32 leaves, for inputs without missing values.
///
/// Each tree has a vector with one bit per leaf, from left to right, all 1 at first. A split whose
/// input is above its threshold clears the bits of its left leaves. The lowest bit that is left is
/// that of the leaf where the path ends. The splits of each input are sorted by threshold, so that
/// only those that clear bits are visited.
///
/// **Source** `QuickScorer`: Lucchese et al. 2015.
#[derive(Debug, Clone)]
pub(super) struct BitScorer {
    /// Splits by input, ascending by threshold.
    splits: Vec<SplitBits>,
    /// End of each input's splits.
    ends: Vec<usize>,
    /// Outputs of each tree's leaves, from left to right.
    outputs: Vec<[f64; LEAVES]>,
}

/// Split of an input.
#[derive(Debug, Clone, Copy)]
struct SplitBits {
    threshold: f64,
    tree: u32,
    /// Leaves that can be reached above the threshold.
    kept: u32,
}

impl BitScorer {
    /// Builds the scorer of valid trees; `None` if one has more than 32 leaves.
    pub(super) fn new(trees: &[Vec<TreeNode>], inputs: usize) -> Option<Self> {
        let mut by_input = vec![Vec::new(); inputs];
        let mut outputs = Vec::with_capacity(trees.len());
        for (index, tree) in (0..).zip(trees) {
            if tree.len().div_ceil(2) > LEAVES {
                return None;
            }
            let mut own = ([0.0; LEAVES], 0);
            number_leaves(tree, 0, index, &mut by_input, &mut own);
            outputs.push(own.0);
        }
        let (mut splits, mut ends) = (Vec::new(), Vec::with_capacity(inputs));
        for mut own in by_input {
            own.sort_by(|a: &SplitBits, b| a.threshold.total_cmp(&b.threshold));
            splits.append(&mut own);
            ends.push(splits.len());
        }
        Some(Self { splits, ends, outputs })
    }

    /// Returns the outputs of all trees, in order. `bits` is working memory, one number per tree.
    pub(super) fn outputs<'a>(
        &'a self,
        inputs: &[f64],
        bits: &'a mut [u32],
    ) -> impl Iterator<Item = f64> + 'a {
        bits.fill(u32::MAX);
        let mut start = 0;
        for (x, end) in inputs.iter().zip(&self.ends) {
            for split in &self.splits[start..*end] {
                if split.threshold >= *x {
                    break;
                }
                bits[split.tree as usize] &= split.kept;
            }
            start = *end;
        }
        let leaves = bits.iter().zip(&self.outputs);
        leaves.map(|(bits, outputs)| outputs[bits.trailing_zeros() as usize % LEAVES])
    }
}

/// Numbers the leaves below a node from left to right, and returns their range.
///
/// `leaves` contains the outputs of the leaves numbered so far, and their count.
fn number_leaves(
    tree: &[TreeNode],
    node: usize,
    index: u32,
    splits: &mut [Vec<SplitBits>],
    leaves: &mut ([f64; LEAVES], usize),
) -> Range<usize> {
    match tree[node] {
        TreeNode::Leaf { value } => {
            let leaf = leaves.1;
            leaves.0[leaf] = value;
            leaves.1 += 1;
            leaf..leaf + 1
        }
        TreeNode::Split { input, threshold, left, .. } => {
            let lower = number_leaves(tree, left, index, splits, leaves);
            let upper = number_leaves(tree, left + 1, index, splits, leaves);
            let kept = lower.clone().fold(u32::MAX, |bits, leaf| bits & !(1 << leaf));
            splits[input].push(SplitBits { threshold, tree: index, kept });
            lower.start..upper.end
        }
    }
}
