//! Reader of LightGBM's text models.
use std::collections::BTreeMap;
use std::str::FromStr;

use super::tree::{Missing, TreeNode};

/// Trees of a LightGBM model.
#[derive(Debug)]
pub(super) struct LightGbmModel {
    pub(super) trees: Vec<Vec<TreeNode>>,
    /// Number of scores: 1 for a binary model, 3 for three classes.
    pub(super) scores: usize,
    /// Number of features.
    pub(super) features: usize,
}

/// Lines `key=value` of the header or of a tree.
type TextFields<'a> = BTreeMap<&'a str, &'a str>;

/// Parses the text of `Booster.save_model`. The error says what cannot be imported.
pub(super) fn parse(text: &str) -> Result<LightGbmModel, String> {
    let mut lines = text.lines().map(str::trim);
    if lines.next() != Some("tree") {
        return Err("the first line is not `tree`; save the model with Booster.save_model".into());
    }
    let (mut header, mut trees) = (TextFields::new(), Vec::<TextFields<'_>>::new());
    let mut complete = false;
    for line in lines {
        match line.split_once('=') {
            _ if line == "end of trees" => {
                complete = true;
                break;
            }
            Some(("Tree", number)) if number.parse() == Ok(trees.len()) => {
                trees.push(TextFields::new());
            }
            Some(("Tree", number)) => {
                return Err(format!("Tree={number} where Tree={} should be", trees.len()));
            }
            Some((key, value)) => {
                trees.last_mut().unwrap_or(&mut header).insert(key, value);
            }
            None if line == "average_output" => {
                return Err("random forests cannot be imported; train with boosting=gbdt".into());
            }
            None => {}
        }
    }
    if !complete {
        return Err("the line `end of trees` is missing: the file is truncated".into());
    }
    let (scores, factor) = objective(field(&header, "objective")?)?;
    let per_round: usize = number(&header, "num_tree_per_iteration")?;
    if per_round != scores {
        return Err(format!("num_tree_per_iteration is {per_round}, expected {scores}"));
    }
    let sizes = field(&header, "tree_sizes")?.split_whitespace().count();
    if sizes != trees.len() {
        return Err(format!("the header lists {sizes} trees, the file has {}", trees.len()));
    }
    let features = number::<usize>(&header, "max_feature_idx")?.saturating_add(1);
    let parsed = trees.iter().enumerate().map(|(index, tree)| {
        tree_nodes(tree, factor).map_err(|problem| format!("tree {index}: {problem}"))
    });
    Ok(LightGbmModel { trees: parsed.collect::<Result<_, _>>()?, scores, features })
}

/// Returns the number of scores, and the factor from a score to a logit.
fn objective(text: &str) -> Result<(usize, f64), String> {
    let refused = || {
        Err(format!(
            "objective `{text}` cannot be imported, expected `binary` or `multiclass` with 3 \
             classes"
        ))
    };
    let mut words = text.split_whitespace();
    match (words.next(), words.next().and_then(|word| word.split_once(':'))) {
        (Some("binary"), Some(("sigmoid", factor))) => match factor.parse() {
            Ok(factor) if factor > 0.0 && f64::is_finite(factor) => Ok((1, factor)),
            _ => refused(),
        },
        (Some("multiclass"), Some(("num_class", "3"))) => Ok((3, 1.0)),
        _ => refused(),
    }
}

fn field<'a>(fields: &TextFields<'a>, key: &str) -> Result<&'a str, String> {
    fields.get(key).copied().ok_or_else(|| format!("the line {key}= is missing"))
}

fn number<T: FromStr>(fields: &TextFields<'_>, key: &str) -> Result<T, String> {
    let text = field(fields, key)?;
    text.parse().map_err(|_| format!("{key}={text:.40} is not a valid number"))
}

fn numbers<T: FromStr>(
    fields: &TextFields<'_>,
    key: &str,
    length: usize,
) -> Result<Vec<T>, String> {
    let words = field(fields, key)?.split_whitespace();
    let parsed = words.map(|word| {
        word.parse().map_err(|_| format!("{key} contains {word:.40}, which is not a valid number"))
    });
    let parsed: Vec<T> = parsed.collect::<Result<_, _>>()?;
    if parsed.len() != length {
        return Err(format!("{key} has {} numbers, expected {length}", parsed.len()));
    }
    Ok(parsed)
}

/// Arrays of one tree; inner nodes and leaves are numbered apart.
struct TextTree {
    features: Vec<usize>,
    thresholds: Vec<f64>,
    gains: Vec<f32>,
    decisions: Vec<u8>,
    /// Children of each inner node: an inner node k, or a leaf −k − 1.
    children: [Vec<i64>; 2],
    leaves: Vec<f64>,
}

/// Bit of a decision type that marks a split by category.
const CATEGORY: u8 = 1;
/// Bit of a decision type that sends missing values left.
const DEFAULT_LEFT: u8 = 2;

fn tree_nodes(fields: &TextFields<'_>, factor: f64) -> Result<Vec<TreeNode>, String> {
    let leaves: usize = number(fields, "num_leaves")?;
    if fields.get("is_linear").is_some_and(|linear| *linear != "0") {
        return Err("linear trees cannot be imported; train with linear_tree=false".into());
    }
    if leaves == 0 {
        return Err("num_leaves must be at least 1, got 0".into());
    }
    let mut values: Vec<f64> = numbers(fields, "leaf_value", leaves)?;
    for value in &mut values {
        *value *= factor;
    }
    if let [value] = values[..] {
        return Ok(vec![TreeNode::Leaf { value }]);
    }
    let splits = leaves - 1;
    let tree = TextTree {
        features: numbers(fields, "split_feature", splits)?,
        thresholds: numbers(fields, "threshold", splits)?,
        gains: numbers(fields, "split_gain", splits)?,
        decisions: numbers(fields, "decision_type", splits)?,
        children: [numbers(fields, "left_child", splits)?, numbers(fields, "right_child", splits)?],
        leaves: values,
    };
    tree.nodes()
}

impl TextTree {
    /// Orders the nodes so that siblings are neighbours and follow their parent.
    fn nodes(&self) -> Result<Vec<TreeNode>, String> {
        let mut nodes = vec![TreeNode::Leaf { value: 0.0 }];
        let mut open = vec![(0_i64, 0_usize)];
        while let Some((child, at)) = open.pop() {
            if child < 0 {
                let leaf = usize::try_from(-(child + 1)).ok();
                let value = leaf.and_then(|leaf| self.leaves.get(leaf));
                let value = value.ok_or_else(|| format!("it has no leaf {}", -(child + 1)))?;
                nodes[at] = TreeNode::Leaf { value: *value };
                continue;
            }
            // A node with two parents would never end.
            let index = usize::try_from(child).ok().filter(|index| *index < self.features.len());
            let index = index.ok_or_else(|| format!("it has no inner node {child}"))?;
            let left = nodes.len();
            if left > 2 * self.features.len() {
                return Err("its nodes do not form a tree".into());
            }
            nodes[at] = self.split(index, left)?;
            nodes.extend([TreeNode::Leaf { value: 0.0 }; 2]);
            open.extend([(self.children[0][index], left), (self.children[1][index], left + 1)]);
        }
        if nodes.len() != self.features.len() + self.leaves.len() {
            return Err("its nodes do not form a tree".into());
        }
        Ok(nodes)
    }

    fn split(&self, index: usize, left: usize) -> Result<TreeNode, String> {
        let (input, decision) = (self.features[index], self.decisions[index]);
        if decision & CATEGORY != 0 {
            return Err(format!(
                "it splits feature {input} by category, which cannot be imported; train without \
                 categorical_feature"
            ));
        }
        let missing = Missing::from_number(usize::from(decision >> 2));
        let missing = missing.ok_or_else(|| format!("decision_type {decision} is unknown"))?;
        Ok(TreeNode::Split {
            input,
            threshold: self.thresholds[index],
            left,
            missing,
            missing_left: decision & DEFAULT_LEFT != 0,
            gain: self.gains[index],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A binary model of one tree with three leaves.
    const SMALL: &str = "tree
version=v4
num_class=1
num_tree_per_iteration=1
max_feature_idx=1
objective=binary sigmoid:2
tree_sizes=300

Tree=0
num_leaves=3
num_cat=0
split_feature=1 0
split_gain=3 2
threshold=0.5 1.0000000180025095e-35
decision_type=10 4
left_child=1 -1
right_child=-2 -3
leaf_value=0.1 -0.2 0.3
is_linear=0
shrinkage=1

end of trees
";

    fn problem(from: &str, to: &str) -> String {
        assert!(SMALL.contains(from), "{from}");
        parse(&SMALL.replace(from, to)).expect_err("an error")
    }

    #[test]
    fn lightgbm_text_becomes_nodes() {
        let model = parse(SMALL).unwrap();
        assert_eq!((model.scores, model.features), (1, 2));
        let gain = 3.0;
        let (missing, missing_left) = (Missing::NotANumber, true);
        let root =
            TreeNode::Split { input: 1, threshold: 0.5, left: 1, missing, missing_left, gain };
        assert_eq!(model.trees[0][0], root);
        assert_eq!(model.trees[0][2], TreeNode::Leaf { value: -0.4 });
        assert!(matches!(
            model.trees[0][1],
            TreeNode::Split { input: 0, left: 3, missing: Missing::Zero, missing_left: false, .. }
        ));
        let leaf = SMALL.replace("num_leaves=3", "num_leaves=1").replace("0.1 -0.2 0.3", "0.25");
        assert_eq!(parse(&leaf).unwrap().trees, [[TreeNode::Leaf { value: 0.5 }]]);
    }

    #[test]
    fn lightgbm_models_of_other_kinds_are_rejected() {
        assert!(parse("").unwrap_err().contains("first line"));
        assert!(problem("binary sigmoid:2", "regression").contains("`regression`"));
        assert!(problem("binary sigmoid:2", "multiclass num_class:4").contains("3 classes"));
        assert!(problem("binary sigmoid:2", "binary sigmoid:nan").contains("cannot be imported"));
        assert!(problem("version=v4", "average_output").contains("random forests"));
        assert!(problem("decision_type=10 4", "decision_type=10 1").contains("by category"));
        assert!(problem("decision_type=10 4", "decision_type=10 14").contains("decision_type 14"));
        assert!(problem("is_linear=0", "is_linear=1").contains("linear trees"));
    }

    #[test]
    fn lightgbm_damage_is_rejected() {
        assert!(problem("end of trees", "").contains("truncated"));
        assert!(problem("Tree=0", "Tree=1").contains("Tree=0 should be"));
        assert!(problem("tree_sizes=300", "tree_sizes=300 300").contains("lists 2 trees"));
        assert!(problem("num_leaves=3", "num_leaves=0").contains("at least 1"));
        assert!(problem("num_leaves=3", "num_leaves=4").contains("expected 4"));
        assert!(problem("threshold=0.5 ", "threshold=x ").contains("threshold contains x"));
        assert!(problem("left_child=1 -1", "left_child=0 -1").contains("do not form a tree"));
        assert!(problem("left_child=1 -1", "left_child=5 -1").contains("no inner node 5"));
        assert!(problem("left_child=1 -1", "left_child=-1 -1").contains("do not form a tree"));
        assert!(problem("left_child=1 -1", "left_child=1 -9").contains("no leaf 8"));
        let least = format!("left_child=1 {}", i64::MIN);
        assert!(problem("left_child=1 -1", &least).contains("no leaf"));
    }
}
