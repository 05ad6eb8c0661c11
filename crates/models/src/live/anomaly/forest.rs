//! Isolation forest: rows that few random splits separate from the training rows.
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::FitRows;
use crate::SettingError;

/// Number of trees.
const TREES: usize = 100;
/// Training rows of a tree.
const ROWS: usize = 256;
/// Maximum depth: the binary logarithm of the number of rows.
const MAX_DEPTH: usize = 8;
/// Mean path length of all rows of a tree.
const MEAN_PATH_LEN: f64 = mean_path_len(ROWS);

/// Isolation forest: 100 trees of random splits, each grown on 256 training rows.
///
/// **Formula** score = `2^(−E[h] / c(n))` with h the depth at which a row ends, plus c(m) for the
/// m training rows of that leaf, and `c(n) = 2 H(n − 1) − 2 (n − 1) / n` the mean depth in a random
/// binary tree of n rows. A score near 1 is an anomaly, below 0.5 the row is ordinary. **Source**
/// Liu, Ting and Zhou 2008.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct IsolationForest {
    trees: Vec<Vec<IsolationNode>>,
}

/// Node of a tree, in preorder: the left child follows its parent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum IsolationNode {
    /// Column, threshold and index of the right child; a row below the threshold goes left.
    Split(u16, f32, u16),
    /// Length of the path that ends here.
    Leaf(f32),
}

/// Random numbers of one tree: hashes of (seed, tree, number of the draw).
struct Draws {
    seed: u64,
    tree: u64,
    count: u64,
}

impl Draws {
    /// Draws a uniform number in [0, 1).
    fn uniform(&mut self) -> f64 {
        let mut key = [0; 24];
        let numbers = [self.seed, self.tree, self.count];
        for (bytes, number) in key.chunks_exact_mut(8).zip(numbers) {
            bytes.copy_from_slice(&number.to_le_bytes());
        }
        self.count += 1;
        (xxh3_64(&key) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Draws an index below `n`, which is at least 1.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in 0..n")]
    fn below(&mut self, n: usize) -> usize {
        ((self.uniform() * n as f64) as usize).min(n - 1)
    }
}

impl IsolationForest {
    /// Grows the trees on drawn rows.
    pub(super) fn fit(rows: &FitRows<'_>, seed: u64) -> Self {
        let new = |tree| Draws { seed, tree, count: 0 };
        let mut draws: Vec<Draws> = (0..TREES as u64).map(new).collect();
        let drawn = draws.iter_mut().flat_map(|draws| (0..ROWS).map(|_| draws.below(rows.count)));
        let drawn: Vec<usize> = drawn.collect();
        let values = drawn_rows(rows, &drawn);
        let trees = draws.iter_mut().zip(values.chunks_exact(ROWS * rows.width));
        let trees = trees.map(|(draws, values)| {
            let mut drawn: Vec<&[f64]> = values.chunks_exact(rows.width).collect();
            let mut nodes = Vec::new();
            grow(&mut nodes, &mut drawn, 0, draws);
            nodes
        });
        Self { trees: trees.collect() }
    }

    /// Returns the score of a row, between 0 and 1.
    pub(super) fn score(&self, row: &[f64]) -> f64 {
        let depths: f64 = self.trees.iter().map(|tree| path_len(tree, row)).sum();
        (-depths / self.trees.len() as f64 / MEAN_PATH_LEN).exp2()
    }

    /// Checks the structure of loaded trees, so that every path ends in a leaf.
    pub(super) fn validate(&self, width: usize) -> Result<(), SettingError> {
        let trees = self.trees.len();
        if trees != TREES {
            SettingError::refuse::<()>("trees of an isolation forest", "100", trees as f64)?;
        }
        for tree in &self.trees {
            let damaged = tree.iter().enumerate().find(|(index, node)| match node {
                IsolationNode::Split(column, threshold, right) => {
                    let right = usize::from(*right);
                    !(usize::from(*column) < width
                        && threshold.is_finite()
                        && right > index + 1
                        && right < tree.len())
                }
                IsolationNode::Leaf(len) => !len.is_finite(),
            });
            if tree.is_empty() || tree.len() > 2 * ROWS || damaged.is_some() {
                let (setting, expected) = ("nodes of an isolation tree", "splits above leaves");
                SettingError::refuse::<()>(setting, expected, tree.len() as f64)?;
            }
        }
        Ok(())
    }
}

/// Values of the rows at some indices, found in one pass.
fn drawn_rows(rows: &FitRows<'_>, drawn: &[usize]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..drawn.len()).collect();
    order.sort_unstable_by_key(|place| drawn[*place]);
    let mut values = vec![0.0; drawn.len() * rows.width];
    let (mut order, mut index) = (order.into_iter().peekable(), 0);
    rows.each(|row| {
        while let Some(place) = order.next_if(|place| drawn[*place] == index) {
            values[place * rows.width..][..rows.width].copy_from_slice(row);
        }
        index += 1;
    });
    values
}

/// Appends the subtree of some rows, which it reorders.
fn grow(nodes: &mut Vec<IsolationNode>, rows: &mut [&[f64]], depth: usize, draws: &mut Draws) {
    let split = if depth < MAX_DEPTH { draw_split(rows, draws) } else { None };
    let Some((column, threshold)) = split else {
        nodes.push(IsolationNode::Leaf(narrow(depth as f64 + mean_path_len(rows.len()))));
        return;
    };
    let (mut left, mut end) = (0, rows.len());
    while left < end {
        if rows[left][column] < f64::from(threshold) {
            left += 1;
        } else {
            end -= 1;
            rows.swap(left, end);
        }
    }
    let (below, above) = rows.split_at_mut(left);
    let node = nodes.len();
    nodes.push(IsolationNode::Leaf(0.0)); // replaced below
    grow(nodes, below, depth + 1, draws);
    let (right, column) = (u16::try_from(nodes.len()), u16::try_from(column));
    if let (Ok(right), Ok(column)) = (right, column) {
        nodes[node] = IsolationNode::Split(column, threshold, right);
    }
    grow(nodes, above, depth + 1, draws);
}

/// Draws one of the columns that differ between the rows, and a threshold that separates them;
/// `None` if all rows are equal.
fn draw_split(rows: &[&[f64]], draws: &mut Draws) -> Option<(usize, f32)> {
    let width = rows.first().map_or(0, |row| row.len());
    // The first differing column from a random one on, so that the draws are bounded.
    let first = draws.below(width);
    let share = 1.0 - draws.uniform();
    (0..width).find_map(|k| {
        let column = (first + k) % width;
        Some((column, threshold(rows, column, share)?))
    })
}

/// Threshold at a share of the range of a column; `None` if it does not separate the rows.
fn threshold(rows: &[&[f64]], column: usize, share: f64) -> Option<f32> {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for row in rows {
        (low, high) = (low.min(row[column]), high.max(row[column]));
    }
    let threshold = narrow(low + share * (high - low));
    (low < f64::from(threshold) && f64::from(threshold) <= high).then_some(threshold)
}

#[expect(clippy::cast_possible_truncation, reason = "saved in f32; the trees compare with these")]
fn narrow(value: f64) -> f32 {
    value as f32
}

fn path_len(tree: &[IsolationNode], row: &[f64]) -> f64 {
    let mut node = 0;
    loop {
        match tree[node] {
            IsolationNode::Split(column, threshold, right) => {
                let below = row[usize::from(column)] < f64::from(threshold);
                node = if below { node + 1 } else { usize::from(right) };
            }
            IsolationNode::Leaf(len) => return f64::from(len),
        }
    }
}

/// Mean path length of an unsuccessful search in a random binary tree of `n` rows.
const fn mean_path_len(n: usize) -> f64 {
    let (mut harmonic, mut k) = (0.0, 1);
    while k < n {
        harmonic += 1.0 / k as f64;
        k += 1;
    }
    if n < 2 { 0.0 } else { 2.0 * harmonic - 2.0 * (n - 1) as f64 / n as f64 }
}

#[cfg(test)]
mod tests {
    use super::super::tests::fit_rows;
    use super::*;

    fn grown(rows: &[f64], seed: u64) -> IsolationForest {
        fit_rows(rows, 3, |rows| IsolationForest::fit(rows, seed))
    }

    fn cloud(count: usize) -> Vec<f64> {
        let mut draws = Draws { seed: 3, tree: 0, count: 0 };
        // Sums of uniform numbers: a bell-shaped cloud in two columns, and a constant one.
        let mut bell = || (0..6).map(|_| draws.uniform()).sum::<f64>() - 3.0;
        (0..count).flat_map(|_| [bell(), bell(), 7.0]).collect()
    }

    #[test]
    fn forest_scores_outliers_above_the_cloud() {
        let rows = cloud(2_000);
        let forest = grown(&rows, 1);
        let mut scores: Vec<f64> = rows.chunks(3).map(|row| forest.score(row)).collect();
        scores.sort_by(f64::total_cmp);
        assert!(scores[1_000] < 0.5, "{}", scores[1_000]);
        // A row that is extreme in one column scores like the rim of the cloud, not above it.
        for (outlier, rank) in
            [([9.0, 0.0, 7.0], 1_600), ([0.0, -9.0, 7.0], 1_600), ([5.0, 5.0, 7.0], 1_999)]
        {
            assert!(forest.score(&outlier) > scores[rank], "{outlier:?}");
        }
        assert_eq!(forest, grown(&rows, 1));
        assert_ne!(forest, grown(&rows, 2));
    }

    #[test]
    fn forest_of_equal_rows_is_one_leaf_per_tree() {
        let forest = grown(&[2.0; 30], 1);
        assert!(forest.trees.iter().all(|tree| tree.len() == 1));
        assert!((forest.score(&[9.0, 9.0, 9.0]) - 0.5).abs() < 1e-6);
    }

    #[test]
    fn forest_validation_rejects_paths_without_end() {
        let forest = grown(&cloud(500), 1);
        assert!(forest.validate(3).is_ok());
        assert!(forest.validate(1).is_err(), "a column that does not exist");
        for node in [
            IsolationNode::Split(0, 0.0, 0),
            IsolationNode::Split(0, 0.0, 600),
            IsolationNode::Split(0, f32::NAN, 2),
            IsolationNode::Leaf(f32::INFINITY),
        ] {
            let mut damaged = forest.clone();
            damaged.trees[5][0] = node;
            assert!(damaged.validate(3).is_err(), "{node:?}");
        }
        assert!(IsolationForest { trees: Vec::new() }.validate(3).is_err());
    }
}
