//! Decision trees in one flat array: checks and prediction.
use super::scorer::BitScorer;

/// Values of an input that count as missing at a split; they go to the default child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// No value; NaN is read as 0.
    Nothing = 0,
    /// Zeros and NaN.
    Zero = 1,
    /// Values that are not a number (NaN).
    NotANumber = 2,
}

impl Missing {
    /// Returns the variant with this number in files.
    pub(super) fn from_number(number: usize) -> Option<Self> {
        [Self::Nothing, Self::Zero, Self::NotANumber].get(number).copied()
    }
}

/// Largest absolute value that LightGBM treats as zero.
pub(super) const ZERO: f64 = 1e-35_f32 as f64;

/// Node of a tree in its readable form.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum TreeNode {
    /// End of a path.
    Leaf {
        /// Output of the tree.
        value: f64,
    },
    /// Comparison of one input with a threshold.
    Split {
        /// Index of the input.
        input: usize,
        /// Inputs up to and including the threshold go left.
        threshold: f64,
        /// Index of the left child in the tree; the right child follows it.
        left: usize,
        /// Values that count as missing.
        missing: Missing,
        /// Whether missing values go left.
        missing_left: bool,
        /// Decrease of the loss, as defined by the learner.
        gain: f32,
    },
}

/// Node of the flat array, 16 bytes.
#[derive(Debug, Clone, Copy)]
struct PackedNode {
    /// Threshold of a split, output of a leaf.
    value: f64,
    /// Index of the left child in the array; not used by a leaf.
    left: u32,
    input: u16,
    flags: u16,
}

/// Flag of a node that is not a leaf.
const SPLIT: u16 = 1;
/// Flag of a split that sends missing values left.
const MISSING_LEFT: u16 = 2;
/// Position of the number of [`Missing`] in the flags.
const MISSING_SHIFT: u32 = 2;

impl PackedNode {
    fn missing(self) -> Missing {
        Missing::from_number(usize::from(self.flags >> MISSING_SHIFT)).unwrap_or(Missing::Nothing)
    }

    /// Returns the child of a split for an input.
    fn child(self, x: f64) -> u32 {
        let is_missing = match self.missing() {
            Missing::Nothing => false,
            Missing::Zero => x.is_nan() || x.abs() <= ZERO,
            Missing::NotANumber => x.is_nan(),
        };
        let x = if x.is_nan() { 0.0 } else { x };
        let is_left = if is_missing { self.flags & MISSING_LEFT != 0 } else { x <= self.value };
        self.left + u32::from(!is_left)
    }
}

/// Working memory of a [`Forest`].
#[derive(Debug)]
pub(super) struct ForestScratch {
    /// Reachable leaves of each tree.
    bits: Vec<u32>,
}

impl ForestScratch {
    /// Returns the number of trees of the forest that it belongs to.
    pub(super) fn trees(&self) -> usize {
        self.bits.len()
    }
}

/// Sum of decision trees; tree i adds to the score of class i mod `classes`.
#[derive(Clone)]
pub(super) struct Forest {
    nodes: Vec<PackedNode>,
    /// Gain of each node; 0 for leaves.
    gains: Vec<f32>,
    /// Index of the first node of each tree, followed by the number of nodes.
    starts: Vec<u32>,
    /// Score of each class before the first tree.
    base: Vec<f64>,
    inputs: usize,
    /// Whether a split treats zeros as missing.
    zeros_missing: bool,
    /// Scorer for inputs without missing values; `None` for trees with many leaves.
    scorer: Option<BitScorer>,
}

impl Forest {
    /// Builds a forest and checks it: every path ends at a leaf, every node has one parent, every
    /// input exists, every number is usable.
    pub(super) fn new(
        trees: &[Vec<TreeNode>],
        base: Vec<f64>,
        inputs: usize,
    ) -> Result<Self, String> {
        if inputs > usize::from(u16::MAX) {
            return Err(format!("trees read at most 65,535 inputs, got {inputs}"));
        }
        if base.is_empty() || !base.iter().all(|score| score.is_finite()) {
            return Err(format!("the initial scores must be finite, got {base:?}"));
        }
        if !trees.len().is_multiple_of(base.len()) {
            let (trees, classes) = (trees.len(), base.len());
            return Err(format!("{trees} trees are not a multiple of {classes} classes"));
        }
        let mut forest = Self {
            nodes: Vec::new(),
            gains: Vec::new(),
            starts: vec![0],
            base,
            inputs,
            zeros_missing: false,
            scorer: None,
        };
        for (index, tree) in trees.iter().enumerate() {
            forest.push(tree).map_err(|problem| format!("tree {index}: {problem}"))?;
        }
        forest.scorer = BitScorer::new(trees, inputs);
        Ok(forest)
    }

    /// Appends a tree.
    fn push(&mut self, tree: &[TreeNode]) -> Result<(), String> {
        let start = self.nodes.len();
        let end = u32::try_from(start + tree.len()).map_err(|_| "too many nodes".to_string())?;
        let mut has_parent = vec![false; tree.len()];
        *has_parent.first_mut().ok_or("it has no nodes")? = true;
        for (index, node) in tree.iter().enumerate() {
            if !has_parent[index] {
                return Err(format!("node {index} has no parent"));
            }
            let packed = self.packed(node, start, index, tree.len());
            let packed = packed.map_err(|problem| format!("node {index}: {problem}"))?;
            if let TreeNode::Split { left, .. } = *node {
                for child in [left, left + 1] {
                    if std::mem::replace(&mut has_parent[child], true) {
                        return Err(format!("node {child} has two parents"));
                    }
                }
            }
            self.nodes.push(packed);
        }
        self.gains.extend(tree.iter().map(|node| match node {
            TreeNode::Leaf { .. } => 0.0,
            TreeNode::Split { gain, .. } => *gain,
        }));
        self.starts.push(end);
        Ok(())
    }

    /// Checks a node of a tree that begins at `start` and converts it.
    #[expect(clippy::cast_possible_truncation, reason = "checked by the callers and here")]
    fn packed(
        &mut self,
        node: &TreeNode,
        start: usize,
        index: usize,
        length: usize,
    ) -> Result<PackedNode, String> {
        match *node {
            TreeNode::Leaf { value } if !value.is_finite() => {
                Err(format!("the output of a leaf must be finite, got {value}"))
            }
            TreeNode::Leaf { value } => Ok(PackedNode { value, left: 0, input: 0, flags: 0 }),
            TreeNode::Split { input, threshold, left, missing, missing_left, gain } => {
                if input >= self.inputs {
                    let inputs = self.inputs;
                    return Err(format!("it reads input {input}, expected less than {inputs}"));
                }
                if threshold.is_nan() || !gain.is_finite() {
                    return Err(format!("threshold {threshold} and gain {gain} must be numbers"));
                }
                if left <= index || left >= length - 1 {
                    return Err(format!("its left child is {left}, expected a later node"));
                }
                self.zeros_missing |= missing == Missing::Zero;
                let flags = SPLIT
                    | if missing_left { MISSING_LEFT } else { 0 }
                    | (missing as u16) << MISSING_SHIFT;
                let (left, input) = ((start + left) as u32, input as u16);
                Ok(PackedNode { value: threshold, left, input, flags })
            }
        }
    }

    /// Returns the trees in their readable form.
    pub(super) fn trees(&self) -> impl Iterator<Item = Vec<TreeNode>> {
        self.starts.windows(2).map(|ends| {
            (ends[0]..ends[1]).map(|node| self.readable(node as usize, ends[0] as usize)).collect()
        })
    }

    fn readable(&self, index: usize, start: usize) -> TreeNode {
        let node = self.nodes[index];
        if node.flags & SPLIT == 0 {
            return TreeNode::Leaf { value: node.value };
        }
        TreeNode::Split {
            input: usize::from(node.input),
            threshold: node.value,
            left: node.left as usize - start,
            missing: node.missing(),
            missing_left: node.flags & MISSING_LEFT != 0,
            gain: self.gains[index],
        }
    }

    /// Returns the number of trees.
    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Returns the number of classes with a score: 1 for a binary model.
    pub(super) fn classes(&self) -> usize {
        self.base.len()
    }

    /// Returns the scores before the first tree.
    pub(super) fn base(&self) -> &[f64] {
        &self.base
    }

    /// Returns the number of inputs.
    pub(super) fn inputs(&self) -> usize {
        self.inputs
    }

    /// Returns working memory for [`scores`](Self::scores).
    pub(super) fn scratch(&self) -> ForestScratch {
        ForestScratch { bits: vec![0; self.len()] }
    }

    /// Computes the score of every class. Allocates nothing.
    ///
    /// # Panics
    /// If the number of inputs, scores or bits is not that of the forest.
    pub(super) fn scores(&self, inputs: &[f64], scratch: &mut ForestScratch, scores: &mut [f64]) {
        assert_eq!((inputs.len(), scratch.bits.len()), (self.inputs, self.len()), "lengths");
        scores.copy_from_slice(&self.base);
        let plain = !self.zeros_missing && !inputs.iter().any(|x| x.is_nan());
        match &self.scorer {
            Some(scorer) if plain => add(scorer.outputs(inputs, &mut scratch.bits), scores),
            _ => {
                let roots = self.starts[..self.len()].iter();
                add(roots.map(|root| self.output(*root, inputs)), scores);
            }
        }
    }

    /// Returns the output of the leaf below a node.
    fn output(&self, mut at: u32, inputs: &[f64]) -> f64 {
        loop {
            let node = self.nodes[at as usize];
            if node.flags & SPLIT == 0 {
                return node.value;
            }
            at = node.child(inputs[usize::from(node.input)]);
        }
    }
}

/// Adds the output of tree i to the score of class i mod the number of classes.
fn add(outputs: impl Iterator<Item = f64>, scores: &mut [f64]) {
    if let [score] = scores {
        outputs.for_each(|output| *score += output);
        return;
    }
    let mut class = 0;
    for output in outputs {
        scores[class] += output;
        class = if class + 1 == scores.len() { 0 } else { class + 1 };
    }
}

#[cfg(test)]
#[allow(
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "exact results and small numbers"
)]
mod tests {
    use super::*;

    fn split(input: usize, threshold: f64, left: usize) -> TreeNode {
        let (missing, missing_left, gain) = (Missing::NotANumber, true, 1.0);
        TreeNode::Split { input, threshold, left, missing, missing_left, gain }
    }

    fn leaf(value: f64) -> TreeNode {
        TreeNode::Leaf { value }
    }

    fn score(forest: &Forest, inputs: &[f64]) -> f64 {
        let mut score = [0.0];
        forest.scores(inputs, &mut forest.scratch(), &mut score);
        score[0]
    }

    #[test]
    fn forest_sums_leaves_and_sends_missing_inputs_to_the_default_child() {
        let tree = vec![split(1, 0.5, 1), leaf(-1.0), split(0, 2.0, 3), leaf(10.0), leaf(20.0)];
        let trees = vec![tree.clone(), vec![leaf(0.25)], tree];
        let forest = Forest::new(&trees, vec![100.0], 2).unwrap();
        let got = [[0.0, 0.5], [2.0, 0.6], [2.1, 0.6], [0.0, f64::NAN], [f64::NAN, 0.6]];
        let got = got.map(|inputs| score(&forest, &inputs));
        assert_eq!(got, [98.25, 120.25, 140.25, 98.25, 120.25]);
        assert_eq!(forest.trees().collect::<Vec<_>>(), trees);
    }

    #[test]
    fn forest_of_many_trees_adds_each_tree_to_its_class() {
        let trees: Vec<_> = (0..51).map(|i| vec![leaf(f64::from(i))]).collect();
        let forest = Forest::new(&trees, vec![0.0; 3], 1).unwrap();
        let mut scores = [0.0; 3];
        forest.scores(&[0.0], &mut forest.scratch(), &mut scores);
        assert_eq!(scores, [408.0, 425.0, 442.0]);
    }

    /// A tree with `leaves` leaves, split at random numbers.
    fn random_tree(leaves: usize, draw: &mut impl FnMut() -> f64) -> Vec<TreeNode> {
        let mut tree = vec![leaf(draw())];
        while tree.len() < 2 * leaves - 1 {
            let at = (draw() * tree.len() as f64) as usize;
            if matches!(tree[at], TreeNode::Leaf { .. }) {
                tree[at] = split((draw() * 5.0) as usize, draw(), tree.len());
                tree.extend([leaf(draw()), leaf(draw())]);
            }
        }
        tree
    }

    #[test]
    fn forest_of_small_trees_scores_like_the_nodes_one_by_one() {
        let mut state = 1_u64;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
            (state >> 40) as f64 / 2_f64.powi(24)
        };
        for most in [32, 40] {
            let trees: Vec<_> = (1..=most).map(|leaves| random_tree(leaves, &mut draw)).collect();
            let forest = Forest::new(&trees, vec![0.5], 5).unwrap();
            assert_eq!(forest.scorer.is_some(), most <= 32);
            for _ in 0..200 {
                let inputs: Vec<f64> = (0..5).map(|_| draw()).collect();
                let outputs = (0..trees.len()).map(|k| forest.output(forest.starts[k], &inputs));
                let expected = outputs.fold(0.5, |sum, output| sum + output);
                assert_eq!(score(&forest, &inputs), expected);
            }
        }
    }

    #[test]
    fn forest_with_missing_zeros_or_nothing_follows_lightgbm() {
        let with = |missing, missing_left| {
            let (input, threshold, left, gain) = (0, 1.0, 1, 0.0);
            let root = TreeNode::Split { input, threshold, left, missing, missing_left, gain };
            Forest::new(&[vec![root, leaf(-1.0), leaf(1.0)]], vec![0.0], 1).unwrap()
        };
        let zero = with(Missing::Zero, false);
        assert_eq!(
            [0.0, 1e-36, f64::NAN, 0.5, 2.0].map(|x| score(&zero, &[x])),
            [1.0, 1.0, 1.0, -1.0, 1.0]
        );
        let nothing = with(Missing::Nothing, false);
        assert_eq!([f64::NAN, 2.0].map(|x| score(&nothing, &[x])), [-1.0, 1.0]);
    }

    #[test]
    fn forest_rejects_damaged_trees() {
        let problem = |tree: &[TreeNode]| Forest::new(&[tree.to_vec()], vec![0.0], 2).err();
        let text = |tree: &[TreeNode]| problem(tree).expect("an error");
        assert!(text(&[]).contains("no nodes"));
        assert!(text(&[split(2, 0.0, 1), leaf(0.0), leaf(0.0)]).contains("reads input 2"));
        assert!(text(&[split(0, 0.0, 0), leaf(0.0)]).contains("left child is 0"));
        assert!(text(&[split(0, 0.0, 1), leaf(0.0)]).contains("left child is 1"));
        assert!(text(&[split(0, f64::NAN, 1), leaf(0.0), leaf(0.0)]).contains("must be numbers"));
        assert!(text(&[leaf(f64::INFINITY)]).contains("must be finite"));
        assert!(text(&[leaf(0.0), leaf(0.0)]).contains("node 1 has no parent"));
        let twice = [split(0, 0.0, 1), split(0, 0.0, 2), leaf(0.0), leaf(0.0)];
        assert!(text(&twice).contains("node 2 has two parents"));
        assert!(Forest::new(&[vec![leaf(0.0)]], vec![0.0; 3], 2).is_err());
        assert!(Forest::new(&[], vec![f64::NAN], 2).is_err());
        assert!(Forest::new(&[], vec![0.0], 70_000).is_err());
    }
}
