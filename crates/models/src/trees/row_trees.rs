//! Small boosted trees on rows of numbers that are no windows.
use serde::{Deserialize, Serialize};

use super::tree::{Forest, ForestScratch, Missing, TreeNode};

/// Boosted trees of an outcome that is true or false, on rows of numbers that are no windows, such
/// as the predictions of other models. The trees have at most four leaves.
///
/// **Formula** P(true) = 1 / (1 + exp(−F)), F the [`score`](Self::score): the sum of the trees'
/// outputs.
///
/// With serde it is plain data, so that another model can store it in its configuration.
///
/// # Examples
/// ```
/// # #[cfg(feature = "train")] {
/// use windvane_models::trees::RowTrees;
///
/// // True where the first of two numbers is positive.
/// let rows: Vec<[f64; 2]> = (0..2_000).map(|k| [((k * 7) % 11) as f64 - 5.0, (k % 3) as f64]).collect();
/// let outcomes: Vec<bool> = rows.iter().map(|row| row[0] > 0.0).collect();
/// let trees = RowTrees::fit(rows.as_flattened(), &outcomes, 400, &[true, false], 1)?;
/// let mut scratch = trees.scratch();
/// assert!(trees.score(&[3.0, 1.0], &mut scratch) > 1.0);
/// assert!(trees.score(&[-3.0, 1.0], &mut scratch) < -1.0);
/// # }
/// # Ok::<(), windvane_models::TrainError>(())
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "StoredRowTrees", into = "StoredRowTrees")]
pub struct RowTrees {
    forest: Forest,
}

/// Working memory of a [`RowTrees`].
#[derive(Debug)]
pub struct RowTreesScratch(ForestScratch);

/// Saved form, not validated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredRowTrees {
    inputs: usize,
    base: f64,
    trees: Vec<Vec<StoredNode>>,
}

/// Node of a saved tree.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum StoredNode {
    /// Input, threshold, index of the left child, and gain.
    Split(usize, f64, usize, f32),
    /// Output of the tree.
    Leaf(f64),
}

impl From<RowTrees> for StoredRowTrees {
    fn from(RowTrees { forest }: RowTrees) -> Self {
        let stored = |node: TreeNode| match node {
            TreeNode::Leaf { value } => StoredNode::Leaf(value),
            TreeNode::Split { input, threshold, left, gain, .. } => {
                StoredNode::Split(input, threshold, left, gain)
            }
        };
        let trees = forest.trees().map(|tree| tree.into_iter().map(stored).collect());
        Self { inputs: forest.inputs(), base: forest.base()[0], trees: trees.collect() }
    }
}

impl TryFrom<StoredRowTrees> for RowTrees {
    type Error = String;

    fn try_from(StoredRowTrees { inputs, base, trees }: StoredRowTrees) -> Result<Self, String> {
        let node = |node: StoredNode| match node {
            StoredNode::Leaf(value) => TreeNode::Leaf { value },
            StoredNode::Split(input, threshold, left, gain) => {
                let (missing, missing_left) = (Missing::Nothing, false);
                TreeNode::Split { input, threshold, left, missing, missing_left, gain }
            }
        };
        let trees: Vec<Vec<TreeNode>> =
            trees.into_iter().map(|tree| tree.into_iter().map(node).collect()).collect();
        Ok(Self { forest: Forest::new(&trees, vec![base], inputs)? })
    }
}

/// Shows sizes instead of trees.
impl std::fmt::Debug for RowTrees {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RowTrees")
            .field("inputs", &self.forest.inputs())
            .field("trees", &self.forest.len())
            .finish()
    }
}

impl PartialEq for RowTrees {
    fn eq(&self, other: &Self) -> bool {
        StoredRowTrees::from(self.clone()) == StoredRowTrees::from(other.clone())
    }
}

impl RowTrees {
    /// Returns the number of inputs of a row.
    pub fn inputs(&self) -> usize {
        self.forest.inputs()
    }

    /// Returns the number of trees.
    pub fn tree_count(&self) -> usize {
        self.forest.len()
    }

    /// Returns working memory for [`score`](Self::score).
    pub fn scratch(&self) -> RowTreesScratch {
        RowTreesScratch(self.forest.scratch())
    }

    /// Computes the log odds of true. Allocates nothing.
    ///
    /// # Panics
    /// If the length of the row is not the number of inputs, or for the scratch of other trees.
    pub fn score(&self, row: &[f64], scratch: &mut RowTreesScratch) -> f64 {
        let mut score = [0.0];
        self.forest.scores(row, &mut scratch.0, &mut score);
        score[0]
    }
}

#[cfg(feature = "train")]
mod fit {
    use std::ops::ControlFlow;

    use super::RowTrees;
    use crate::trees::booster::{BoostCases, BoostSettings, boost};
    use crate::trees::grow::GrowSettings;
    use crate::trees::monotone::Monotone;
    use crate::trees::tree::Forest;
    use crate::{SettingError, TrainError};

    /// Minimum number of rows for the fit, validation included.
    const MIN_ROWS: usize = 100;
    /// Largest default of the minimum number of sampled rows in a leaf.
    const LEAF_ROWS: usize = 500;

    impl RowTrees {
        /// Fits the trees on rows `[N, K]` in order of time. The last `validation` rows are not
        /// trained on: early stopping chooses the number of trees by their log loss. `increasing`
        /// has one value per input: whether the score must not fall as the input rises.
        ///
        /// Up to 200 trees of 4 leaves, each on half of the rows, with a learning rate of 0.05. The
        /// same seed gives the same bits on any number of threads.
        ///
        /// # Errors
        /// [`TrainError::TooFewWindows`] for fewer than 100 rows, [`TrainError::Setting`] if the
        /// lengths do not fit each other or if there are not more rows than `validation`.
        pub fn fit(
            rows: &[f64],
            outcomes: &[bool],
            validation: usize,
            increasing: &[bool],
            seed: u64,
        ) -> Result<Self, TrainError> {
            let (count, width) = (outcomes.len(), increasing.len());
            if count < MIN_ROWS {
                return Err(TrainError::TooFewWindows { expected: MIN_ROWS, got: count });
            }
            if width == 0 || rows.len() != count * width {
                let (setting, expected) = ("number of values", "rows times inputs");
                return Err(SettingError { setting, expected, got: rows.len() as f64 }.into());
            }
            let Some(trained) = count.checked_sub(validation).filter(|trained| *trained > 0) else {
                let (setting, expected) = ("validation rows", "fewer than rows");
                return Err(SettingError { setting, expected, got: validation as f64 }.into());
            };
            let labels: Vec<u8> = outcomes.iter().map(|outcome| u8::from(*outcome)).collect();
            let (train, choose) = labels.split_at(trained);
            let value = |row: usize, input: usize| rows[row * width + input];
            let later = |row: usize, input: usize| rows[(trained + row) * width + input];
            let train = BoostCases { labels: train, value };
            let choose = BoostCases { labels: choose, value: later };
            let settings = settings(trained, increasing, seed);
            let boosted = rayon::scope(|_| {
                boost(&train, &choose, (width, 2), &settings, &mut |_| ControlFlow::Continue(()))
            });
            let boosted = boosted.map_err(|epoch| TrainError::Stopped { epoch })?;
            let forest = Forest::new(&boosted.trees, boosted.base, width);
            Ok(Self { forest: forest.map_err(|problem| TrainError::Other(problem.into()))? })
        }
    }

    fn settings(rows: usize, increasing: &[bool], seed: u64) -> BoostSettings {
        let monotone = increasing.iter().map(|yes| yes.then_some(Monotone::Increasing)).collect();
        let grow = GrowSettings {
            leaves: 4,
            depth: None,
            min_rows: LEAF_ROWS.min(rows / 20).max(1),
            min_hessian: 1e-3,
            l1: 0.0,
            l2: 0.0,
        };
        BoostSettings {
            rounds: 200,
            patience: 40,
            learning_rate: 0.05,
            grow,
            row_fraction: 0.5,
            input_fraction: 1.0,
            bins: 63,
            monotone,
            seed,
        }
    }
}

#[cfg(all(test, feature = "train"))]
mod tests {
    use super::*;

    /// Rows of three pseudo-random numbers; the outcome is true with a probability that rises with
    /// the first one, if the second one is positive.
    fn rows(count: u32) -> (Vec<f64>, Vec<bool>) {
        let (mut rows, mut outcomes) = (Vec::new(), Vec::new());
        for k in 0..count {
            let uniform = |step: f64| 2.0 * (f64::from(k) * step).fract() - 1.0;
            let row = [uniform(0.618_034), uniform(0.324_718), uniform(0.754_878)];
            let odds = if row[1] > 0.0 { 2.0 * row[0] } else { 0.0 };
            outcomes.push((f64::from(k) * 0.414_214).fract() < 1.0 / (1.0 + (-odds).exp()));
            rows.extend(row);
        }
        (rows, outcomes)
    }

    fn fit(count: u32) -> RowTrees {
        let (rows, outcomes) = rows(count);
        let fitted = RowTrees::fit(&rows, &outcomes, outcomes.len() / 5, &[true, false, false], 3);
        fitted.unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn row_trees_find_an_interaction_and_are_monotone() {
        let trees = fit(20_000);
        let mut scratch = trees.scratch();
        let mut score = |row: [f64; 3]| trees.score(&row, &mut scratch);
        assert!(score([0.8, 0.5, 0.0]) > 0.9 && score([-0.8, 0.5, 0.0]) < -0.9);
        assert!(score([0.8, -0.5, 0.0]).abs() < 0.4, "{}", score([0.8, -0.5, 0.0]));
        for second in [-0.9, -0.3, 0.2, 0.7] {
            let along: Vec<f64> =
                (-10..=10).map(|k| score([f64::from(k) / 10.0, second, 0.3])).collect();
            assert!(along.windows(2).all(|two| two[0] <= two[1]), "{along:?}");
        }
    }

    #[test]
    fn row_trees_are_the_same_on_any_number_of_threads_and_after_json() {
        let bits = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| serde_json::to_string(&fit(2_000)).unwrap())
        };
        let json = bits(1);
        assert_eq!(bits(4), json);
        let loaded: RowTrees = serde_json::from_str(&json).unwrap();
        assert_eq!((&loaded, loaded.inputs()), (&fit(2_000), 3));
        assert!(loaded.tree_count() > 5);
        for damaged in [
            json.replacen("\"inputs\":3", "\"inputs\":0", 1),
            json.replacen("\"base\":", "\"base\":1e999,\"old\":", 1),
            json.replacen("[[", "[[[9,0.5,1,0.0],", 1),
        ] {
            assert!(serde_json::from_str::<RowTrees>(&damaged).is_err(), "{damaged:.80}");
        }
    }

    #[test]
    fn row_trees_of_wrong_lengths_and_too_few_rows_are_errors() {
        let (rows, outcomes) = rows(200);
        let fit = |rows: &[f64], outcomes: &[bool], validation: usize| {
            RowTrees::fit(rows, outcomes, validation, &[false; 3], 1).unwrap_err().to_string()
        };
        assert!(fit(&rows[..150], &outcomes[..50], 10).contains("100"));
        assert!(fit(&rows[1..], &outcomes, 10).contains("rows times inputs"));
        assert!(fit(&rows, &outcomes, 200).contains("fewer than rows"));
    }
}
