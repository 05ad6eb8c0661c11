//! Saved form of boosted trees.
//!
//! Tensors of format 1 are f32, thresholds and outputs f64. Each f64 is stored as the four 16-bit
//! words of its bits, lowest first, which f32 represents exactly.
use serde::{Deserialize, Serialize};
use windvane_signals::Lags;

use super::KIND;
use super::model::{BoostedTrees, input_count, positions};
use super::tree::{Forest, Missing, TreeNode};
use crate::{Artifact, FittedModel, Kinds, LoadError};

/// Number of words of an f64.
const WORDS: usize = 4;

/// Tensors of a saved model.
const TENSORS: [&str; 6] = ["sizes", "inputs", "children", "missing", "gains", "values"];

/// Configuration in a saved file, in addition to the tensors.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TreesConfig {
    /// Number of inputs, of trees and of their nodes.
    inputs: usize,
    trees: usize,
    nodes: usize,
    /// Scores before the first tree.
    base: Vec<f64>,
    /// Probability of NEUTRAL of a binary model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    neutral: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lags: Option<Lags>,
}

/// Loads a model of this kind.
pub(crate) fn loader(artifact: &Artifact, _: &Kinds) -> Result<Box<dyn FittedModel>, LoadError> {
    Ok(Box::new(BoostedTrees::from_artifact(artifact)?))
}

/// Returns the words of a number.
fn words(number: f64) -> [f32; WORDS] {
    let bits = number.to_bits();
    let bytes = bits.to_le_bytes();
    std::array::from_fn(|word| {
        f32::from(u16::from_le_bytes([bytes[2 * word], bytes[2 * word + 1]]))
    })
}

/// Returns the number with these words; `None` unless each is an integer of 16 bits.
fn number(words: [f32; WORDS]) -> Option<f64> {
    let mut bits = 0;
    for word in words.into_iter().rev() {
        let word = u16::try_from(integer(word)?).ok()?;
        bits = bits << 16 | u64::from(word);
    }
    Some(f64::from_bits(bits))
}

/// Returns a number without a fraction; `None` for another one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
fn integer(number: f32) -> Option<usize> {
    let exact = (0.0..=16_777_216.0).contains(&number) && number.fract() == 0.0;
    exact.then_some(number as usize)
}

impl BoostedTrees {
    /// Returns the content of the saved model.
    pub(super) fn artifact(&self) -> Result<Artifact, LoadError> {
        let trees: Vec<Vec<TreeNode>> = self.forest.trees().collect();
        let nodes: Vec<TreeNode> = trees.iter().flatten().copied().collect();
        let (neutral, lags) = (self.neutral, self.lags.clone());
        let (base, count) = (self.forest.base().to_vec(), nodes.len());
        let (inputs, tree_count) = (self.forest.inputs(), trees.len());
        let config = TreesConfig { inputs, trees: tree_count, nodes: count, base, neutral, lags };
        let artifact = Artifact::new(KIND, &self.id, &self.spec, &config)?;
        let artifact = artifact.with_calibration(self.calibration);
        let mut artifact = artifact.with_record(self.record.as_ref());
        let sizes = trees.iter().map(|tree| tree.len() as f32).collect();
        artifact.push("sizes", &[trees.len()], sizes)?;
        let parts: Vec<[f32; 4]> = nodes.iter().map(|node| node_parts(*node)).collect();
        for (part, name) in ["inputs", "children", "missing", "gains"].into_iter().enumerate() {
            artifact.push(name, &[count], parts.iter().map(|parts| parts[part]).collect())?;
        }
        let values = nodes.iter().map(|node| match node {
            TreeNode::Leaf { value } => words(*value),
            TreeNode::Split { threshold, .. } => words(*threshold),
        });
        artifact.push("values", &[count, WORDS], values.flatten().collect())?;
        Ok(artifact)
    }

    pub(super) fn from_artifact(artifact: &Artifact) -> Result<Self, LoadError> {
        artifact.expect_kind(KIND)?;
        artifact.expect_tensors(&TENSORS)?;
        let TreesConfig { inputs, trees, nodes, base, neutral, lags } = artifact.config()?;
        let problem = |error: &dyn std::fmt::Display| artifact.damaged(error.to_string());
        let spec = artifact.spec().clone();
        let at = positions(&spec, lags.as_ref()).map_err(|error| problem(&error))?;
        let expected = input_count(&spec, at.as_ref());
        if inputs != expected {
            let got = format!("its trees read {inputs} inputs, the spec has {expected}");
            return Err(artifact.damaged(got));
        }
        let read = saved_trees(artifact, trees, nodes)?;
        let forest = Forest::new(&read, base, inputs).map_err(|error| problem(&error))?;
        let model = Self::new(spec, lags, forest, neutral).map_err(|error| problem(&error))?;
        let (calibration, record) = (artifact.calibration(), artifact.record().cloned());
        Ok(Self { id: artifact.id(), calibration, record, ..model })
    }
}

/// Input, left child, missing values and gain of a node; 0 for a leaf.
fn node_parts(node: TreeNode) -> [f32; 4] {
    match node {
        TreeNode::Leaf { .. } => [0.0; 4],
        TreeNode::Split { input, left, missing, missing_left, gain, .. } => {
            let missing = 2 * missing as usize + usize::from(missing_left);
            [input as f32, left as f32, missing as f32, gain]
        }
    }
}

/// Reads the trees from the tensors.
fn saved_trees(
    artifact: &Artifact,
    trees: usize,
    nodes: usize,
) -> Result<Vec<Vec<TreeNode>>, LoadError> {
    let tensor = |name| artifact.tensor(name, &[nodes]);
    let [inputs, children, missing, gains] =
        [tensor("inputs")?, tensor("children")?, tensor("missing")?, tensor("gains")?];
    let (values, _) = artifact.tensor("values", &[nodes, WORDS])?.as_chunks::<WORDS>();
    let mut rest = (0..nodes).map(|node| {
        let odd = || artifact.damaged(format!("node {node} has invalid numbers"));
        let value = number(values[node]).ok_or_else(odd)?;
        let left = integer(children[node]).ok_or_else(odd)?;
        if left == 0 {
            return Ok(TreeNode::Leaf { value });
        }
        let way = integer(missing[node]).ok_or_else(odd)?;
        Ok(TreeNode::Split {
            input: integer(inputs[node]).ok_or_else(odd)?,
            threshold: value,
            left,
            missing: Missing::from_number(way / 2).ok_or_else(odd)?,
            missing_left: way % 2 == 1,
            gain: gains[node],
        })
    });
    let sizes = artifact.tensor("sizes", &[trees])?.iter().map(|size| {
        integer(*size).ok_or_else(|| artifact.damaged(format!("a tree has {size} nodes")))
    });
    let read: Result<Vec<Vec<TreeNode>>, LoadError> =
        sizes.map(|size| rest.by_ref().take(size?).collect()).collect();
    let read = read?;
    let got: usize = read.iter().map(Vec::len).sum();
    if got != nodes || rest.next().is_some() {
        return Err(artifact.damaged(format!("its trees have {got} of {nodes} nodes")));
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_preserve_every_bit() {
        for value in [0.0, -0.0, 0.1, -1e300, 1e-35, f64::MIN_POSITIVE / 8.0, f64::INFINITY] {
            assert_eq!(number(words(value)).map(f64::to_bits), Some(value.to_bits()), "{value}");
        }
        assert_eq!(number([0.5, 0.0, 0.0, 0.0]), None);
        assert_eq!(number([65_536.0, 0.0, 0.0, 0.0]), None);
        assert_eq!(number([-1.0, 0.0, 0.0, 0.0]), None);
    }
}
