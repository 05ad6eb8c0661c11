//! Boosted trees as ONNX operators.
use super::BoostedTrees;
use super::tree::{Forest, Missing, TreeNode, ZERO};
use crate::onnx::{Attribute, Graph, flat, integer};

/// Columns of the attributes of a `TreeEnsembleRegressor`, one value per node.
#[derive(Default)]
struct NodeColumns {
    trees: Vec<i64>,
    nodes: Vec<i64>,
    features: Vec<i64>,
    modes: Vec<&'static str>,
    thresholds: Vec<f64>,
    /// Children if the condition holds, and otherwise.
    left: Vec<i64>,
    right: Vec<i64>,
    /// Whether a missing value (NaN) goes left.
    missing_left: Vec<i64>,
}

/// Columns of the attributes of a `TreeEnsembleRegressor`, one value per leaf.
#[derive(Default)]
struct LeafColumns {
    trees: Vec<i64>,
    nodes: Vec<i64>,
    targets: Vec<i64>,
    weights: Vec<f64>,
}

impl BoostedTrees {
    /// Adds the operators from a raw window to the probabilities.
    pub(crate) fn nodes(&self, graph: &mut Graph, window: &str) -> String {
        let inputs = flat(graph, window, self.positions.as_deref());
        let inputs = with_zeros_missing(graph, &self.forest, inputs);
        let scores = regressor(graph, &self.forest, &inputs);
        let logits = match self.neutral {
            Some(neutral) => {
                let score = graph.as_double(&scores);
                graph.score_logits(&score, neutral)
            }
            None => scores,
        };
        graph.calibrated(self.calibration, &logits)
    }
}

/// Appends a second copy of the inputs in which zeros are missing, for the splits that treat them
/// so; without such a split returns the inputs.
fn with_zeros_missing(graph: &mut Graph, forest: &Forest, inputs: String) -> String {
    let reads_zeros = forest
        .trees()
        .flatten()
        .any(|node| matches!(node, TreeNode::Split { missing: Missing::Zero, .. }));
    if !reads_zeros {
        return inputs;
    }
    let [zero, missing] = [ZERO, f64::NAN].map(|number| graph.doubles(&[], &[number]));
    let size = graph.node("Abs", &[&inputs], &[]);
    let is_zero = graph.node("LessOrEqual", &[&size, &zero], &[]);
    let copy = graph.node("Where", &[&is_zero, &missing, &inputs], &[]);
    graph.node("Concat", &[&inputs, &copy], &[Attribute::Int("axis", 1)])
}

/// Adds the trees: inputs f64 `[batch, N]`, scores f32 `[batch, classes]`.
fn regressor(graph: &mut Graph, forest: &Forest, inputs: &str) -> String {
    let classes = forest.classes();
    let (mut nodes, mut leaves) = (NodeColumns::default(), LeafColumns::default());
    for (index, tree) in forest.trees().enumerate() {
        push_tree(&mut nodes, &mut leaves, index, index % classes, &tree, forest.inputs());
    }
    if nodes.trees.is_empty() {
        // The operator needs a tree.
        push_tree(&mut nodes, &mut leaves, 0, 0, &[TreeNode::Leaf { value: 0.0 }], 0);
    }
    graph.tree_node(
        "TreeEnsembleRegressor",
        inputs,
        &[
            Attribute::Text("aggregate_function", "SUM"),
            Attribute::Doubles("base_values_as_tensor", forest.base()),
            Attribute::Int("n_targets", integer(classes)),
            Attribute::Ints("nodes_falsenodeids", &nodes.right),
            Attribute::Ints("nodes_featureids", &nodes.features),
            Attribute::Ints("nodes_missing_value_tracks_true", &nodes.missing_left),
            Attribute::Texts("nodes_modes", &nodes.modes),
            Attribute::Ints("nodes_nodeids", &nodes.nodes),
            Attribute::Ints("nodes_treeids", &nodes.trees),
            Attribute::Ints("nodes_truenodeids", &nodes.left),
            Attribute::Doubles("nodes_values_as_tensor", &nodes.thresholds),
            Attribute::Text("post_transform", "NONE"),
            Attribute::Ints("target_ids", &leaves.targets),
            Attribute::Ints("target_nodeids", &leaves.nodes),
            Attribute::Ints("target_treeids", &leaves.trees),
            Attribute::Doubles("target_weights_as_tensor", &leaves.weights),
        ],
    )
}

/// Appends the nodes of a tree that adds to the score of a class.
fn push_tree(
    columns: &mut NodeColumns,
    leaves: &mut LeafColumns,
    tree: usize,
    class: usize,
    nodes: &[TreeNode],
    inputs: usize,
) {
    for (index, node) in nodes.iter().enumerate() {
        columns.trees.push(integer(tree));
        columns.nodes.push(integer(index));
        let (mode, feature, threshold, left, missing_left) = match *node {
            TreeNode::Leaf { value } => {
                leaves.trees.push(integer(tree));
                leaves.nodes.push(integer(index));
                leaves.targets.push(integer(class));
                leaves.weights.push(value);
                ("LEAF", 0, 0.0, None, false)
            }
            TreeNode::Split { input, threshold, left, missing, missing_left, .. } => {
                let (feature, missing_left) = match missing {
                    // NaN is read as 0.
                    Missing::Nothing => (input, 0.0 <= threshold),
                    Missing::NotANumber => (input, missing_left),
                    Missing::Zero => (inputs + input, missing_left),
                };
                ("BRANCH_LEQ", feature, threshold, Some(left), missing_left)
            }
        };
        columns.modes.push(mode);
        columns.features.push(integer(feature));
        columns.thresholds.push(threshold);
        columns.left.push(integer(left.unwrap_or(0)));
        columns.right.push(integer(left.map_or(0, |left| left + 1)));
        columns.missing_left.push(i64::from(missing_left));
    }
}
