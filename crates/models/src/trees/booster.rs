//! Gradient boosting: rounds of trees on the gradients of the log loss.
use std::ops::ControlFlow;

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::bins::{BinnedTable, InputBins};
use super::grow::{GrowSettings, GrowTable, GrownTree, grow};
use super::histogram::{GradientSum, GradientUnits};
use super::monotone::Monotone;
use super::objective::{BoostScores, ScoreFit, initial_scores};
use super::tree::TreeNode;

/// Maximum number of rows that the bins are fitted on; more are sampled.
const BIN_ROWS: usize = 200_000;

/// Hyperparameters of boosting.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct BoostSettings {
    /// Maximum number of rounds.
    pub(super) rounds: usize,
    /// Number of rounds without a lower validation loss before training stops.
    pub(super) patience: usize,
    pub(super) learning_rate: f64,
    pub(super) grow: GrowSettings,
    /// Share of the rows that a round's trees are grown on.
    pub(super) row_fraction: f64,
    /// Share of the inputs that a tree reads.
    pub(super) input_fraction: f64,
    /// Maximum number of bins of an input.
    pub(super) bins: usize,
    /// Constraint of each input; those after the end have none.
    pub(super) monotone: Vec<Option<Monotone>>,
    pub(super) seed: u64,
}

/// Labelled rows; `value(row, input)` returns an input.
#[derive(Debug, Clone, Copy)]
pub(super) struct BoostCases<'a, V> {
    pub(super) labels: &'a [u8],
    pub(super) value: V,
}

/// State of boosting after a round.
#[derive(Debug, Clone, Copy)]
pub(super) struct RoundReport {
    /// Number of the round, counted from 1.
    pub(super) round: usize,
    pub(super) train: ScoreFit,
    pub(super) validation: Option<ScoreFit>,
    /// Whether this round has the lowest validation loss so far.
    pub(super) best: bool,
}

/// Trees up to the best round.
#[derive(Debug)]
pub(super) struct Boosted {
    /// Trees, one per class in every round.
    pub(super) trees: Vec<Vec<TreeNode>>,
    /// Initial scores.
    pub(super) base: Vec<f64>,
    /// Number of rounds run.
    pub(super) rounds: usize,
    /// State after the best round; `None` without a round.
    pub(super) best: Option<RoundReport>,
}

/// Purpose of a random draw.
#[derive(Debug, Clone, Copy)]
enum DrawPurpose {
    BinRows = 1,
    Rows = 2,
    Inputs = 3,
}

/// Random 64 bits that depend only on (seed, purpose, round, index).
fn draw(seed: u64, purpose: DrawPurpose, round: usize, index: usize) -> u64 {
    let mut key = [0; 32];
    let numbers = [seed, purpose as u64, round as u64, index as u64];
    for (bytes, number) in key.chunks_exact_mut(8).zip(numbers) {
        bytes.copy_from_slice(&number.to_le_bytes());
    }
    xxh3_64(&key)
}

/// Selects each of `rows` rows with a probability, and returns the selected and the other rows.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of 2^64")]
fn sample_rows(
    seed: u64,
    purpose: DrawPurpose,
    round: usize,
    rows: usize,
    share: f64,
) -> (Vec<u32>, Vec<u32>) {
    let limit = (share * 2_f64.powi(64)) as u64;
    let drawn = (0..rows).map(|row| share >= 1.0 || draw(seed, purpose, round, row) < limit);
    let (mut inside, mut outside) = (Vec::with_capacity(rows), Vec::new());
    for (row, selected) in (0_u32..).zip(drawn) {
        if selected { &mut inside } else { &mut outside }.push(row);
    }
    (inside, outside)
}

/// Selects a share of the inputs, at least one, without replacement.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
fn sample_inputs(seed: u64, tree: usize, inputs: usize, share: f64) -> Vec<usize> {
    let wanted = ((share * inputs as f64).round() as usize).clamp(1, inputs);
    let mut all: Vec<usize> = (0..inputs).collect();
    if wanted < inputs {
        all.sort_by_key(|input| draw(seed, DrawPurpose::Inputs, tree, *input));
        all.truncate(wanted);
        all.sort_unstable();
    }
    all
}

/// Boosts trees on training rows. With validation rows, training stops when the validation loss
/// has not decreased for some rounds, and only the trees up to its minimum are kept.
///
/// The result depends on the seed and not on the number of threads. `on_round` is called after
/// every round; `Break` ends the training with an `Err` that contains the number of rounds.
pub(super) fn boost<V, W>(
    train: &BoostCases<'_, V>,
    validation: &BoostCases<'_, W>,
    (inputs, classes): (usize, usize),
    settings: &BoostSettings,
    on_round: &mut dyn FnMut(&RoundReport) -> ControlFlow<()>,
) -> Result<Boosted, usize>
where
    V: Fn(usize, usize) -> f64 + Sync,
    W: Fn(usize, usize) -> f64 + Sync,
{
    let bins = fit_bins(train, inputs, settings);
    let rows = BinnedTable::new(&bins, train.labels.len(), &train.value);
    let validation_rows = BinnedTable::new(&bins, validation.labels.len(), &validation.value);
    let base = initial_scores(train.labels, classes);
    let units = GradientUnits::new(train.labels.len());
    let mut rounds = BoostRounds {
        table: GrowTable { bins: &bins, rows: &rows, units, monotone: &settings.monotone },
        settings,
        gradients: vec![vec![GradientSum::default(); train.labels.len()]; base.len()],
        scores: BoostScores::new(&base, train.labels),
        validation_rows: &validation_rows,
        validation: BoostScores::new(&base, validation.labels),
        trees: Vec::new(),
    };
    rounds.scores.gradients(&units, &mut rounds.gradients);
    let (mut best, mut done): (Option<RoundReport>, _) = (None, 0);
    for round in 1..=settings.rounds {
        done = round;
        let Some((train, validation)) = rounds.round(round) else { break };
        let least = best.and_then(|best| best.validation);
        let is_best = validation.zip(least).is_none_or(|(now, least)| now.loss < least.loss);
        let report = RoundReport { round, train, validation, best: is_best };
        if is_best {
            best = Some(report);
        }
        if on_round(&report).is_break() {
            return Err(round);
        }
        if best.is_some_and(|best| round - best.round >= settings.patience) {
            break;
        }
    }
    let mut trees = rounds.trees;
    trees.truncate(best.map_or(0, |best| best.round) * base.len());
    Ok(Boosted { trees, base, rounds: done, best })
}

/// Fits the bins of all inputs on the training rows, or on a sample of them.
fn fit_bins<V>(train: &BoostCases<'_, V>, inputs: usize, settings: &BoostSettings) -> Vec<InputBins>
where
    V: Fn(usize, usize) -> f64 + Sync,
{
    let rows = train.labels.len();
    let share = BIN_ROWS as f64 / rows.max(1) as f64;
    let (sample, _) = sample_rows(settings.seed, DrawPurpose::BinRows, 0, rows, share);
    let fits = (0..inputs).into_par_iter().map(|input| {
        let values = sample.iter().map(|row| (train.value)(*row as usize, input));
        InputBins::fit(values.collect(), settings.bins)
    });
    fits.collect()
}

/// State between the rounds.
struct BoostRounds<'a> {
    table: GrowTable<'a>,
    settings: &'a BoostSettings,
    /// Gradients of each class.
    gradients: Vec<Vec<GradientSum>>,
    scores: BoostScores<'a>,
    validation_rows: &'a BinnedTable,
    validation: BoostScores<'a>,
    trees: Vec<Vec<TreeNode>>,
}

impl BoostRounds<'_> {
    /// Grows one tree per class and returns the training and validation fit after it; `None`
    /// without training rows.
    fn round(&mut self, round: usize) -> Option<(ScoreFit, Option<ScoreFit>)> {
        let (settings, count) = (self.settings, self.table.rows.rows());
        let (mut rows, others) =
            sample_rows(settings.seed, DrawPurpose::Rows, round, count, settings.row_fraction);
        for class in 0..self.gradients.len() {
            let (tree, inputs) = (self.trees.len(), self.table.bins.len());
            let inputs = sample_inputs(settings.seed, tree, inputs, settings.input_fraction);
            let gradients = &self.gradients[class];
            let rate = settings.learning_rate;
            let grown = grow(self.table, gradients, &mut rows, &inputs, rate, &settings.grow);
            self.add_to_scores(class, &grown, &rows, &others);
            self.trees.push(grown.nodes);
        }
        let train = self.scores.gradients(&self.table.units, &mut self.gradients)?;
        Some((train, self.validation.fit()))
    }

    /// Adds the outputs of a tree to the scores of all rows.
    fn add_to_scores(&mut self, class: usize, grown: &GrownTree, rows: &[u32], others: &[u32]) {
        let (bins, scores) = (self.table.bins, &mut self.scores.of_classes[class]);
        for (output, range) in grown.leaves() {
            rows[range].iter().for_each(|row| scores[*row as usize] += output);
        }
        let table = self.table.rows;
        let outputs = others.par_iter().map(|row| grown.output(bins, table, *row as usize));
        let outputs: Vec<f64> = outputs.with_min_len(1_024).collect();
        others.iter().zip(outputs).for_each(|(row, output)| scores[*row as usize] += output);
        let table = self.validation_rows;
        let scores = self.validation.of_classes[class].par_iter_mut().enumerate();
        scores
            .with_min_len(1_024)
            .for_each(|(row, score)| *score += grown.output(bins, table, row));
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "exact results")]
mod tests {
    use super::super::tree::Forest;
    use super::*;

    fn settings() -> BoostSettings {
        let (leaves, min_rows) = (31, 50);
        let (depth, min_hessian, l1, l2) = (None, 1e-3, 0.0, 1.0);
        let grow = GrowSettings { leaves, depth, min_rows, min_hessian, l1, l2 };
        BoostSettings {
            rounds: 200,
            patience: 50,
            learning_rate: 0.05,
            grow,
            row_fraction: 1.0,
            input_fraction: 1.0,
            bins: 255,
            monotone: Vec::new(),
            seed: 1,
        }
    }

    /// Uniform numbers between 0 and 1.
    fn uniform(index: usize) -> f64 {
        (draw(7, DrawPurpose::Rows, 0, index) >> 11) as f64 / 2_f64.powi(53)
    }

    /// Rows of three inputs whose label depends on the first two; the second is often missing.
    struct Xor {
        values: Vec<f64>,
        labels: Vec<u8>,
    }

    impl Xor {
        fn new(rows: usize, first: usize) -> Self {
            let (mut values, mut labels) = (Vec::new(), Vec::new());
            for row in first..first + rows {
                let [a, b, c, noise] = std::array::from_fn(|k| uniform(4 * row + k) - 0.5);
                let b = if noise > 0.3 { f64::NAN } else { b };
                values.extend([a, b, c]);
                let up = if b.is_nan() { a > 0.2 } else { (a > 0.0) == (b > 0.0) };
                labels.push(u8::from(up != (c.abs() > 0.45)));
            }
            Self { values, labels }
        }

        fn cases(&self) -> BoostCases<'_, impl Fn(usize, usize) -> f64 + Sync> {
            let value = |row: usize, input: usize| self.values[3 * row + input];
            BoostCases { labels: &self.labels, value }
        }

        /// Share of the rows that the trees classify correctly.
        fn accuracy(&self, boosted: &Boosted) -> f64 {
            let forest = Forest::new(&boosted.trees, boosted.base.clone(), 3).unwrap();
            let rows = self.values.chunks_exact(3).zip(&self.labels);
            let correct = rows.filter(|(inputs, label)| {
                let mut score = [0.0];
                forest.scores(inputs, &mut forest.scratch(), &mut score);
                u8::from(score[0] > 0.0) == **label
            });
            correct.count() as f64 / self.labels.len() as f64
        }
    }

    fn fit(train: &Xor, validation: &Xor, settings: &BoostSettings) -> Boosted {
        let mut go = |_: &RoundReport| ControlFlow::Continue(());
        boost(&train.cases(), &validation.cases(), (3, 2), settings, &mut go).unwrap()
    }

    #[test]
    fn booster_learns_an_interaction_with_missing_values() {
        let (train, test) = (Xor::new(4_000, 0), Xor::new(2_000, 10_000));
        let boosted = fit(&train, &Xor::new(0, 0), &settings());
        assert_eq!((boosted.rounds, boosted.trees.len()), (200, 200));
        let got = test.accuracy(&boosted);
        assert!(got > 0.97, "{got}");
        let sampled = BoostSettings { row_fraction: 0.5, input_fraction: 0.7, ..settings() };
        let got = test.accuracy(&fit(&train, &Xor::new(0, 0), &sampled));
        assert!(got > 0.85, "{got}");
    }

    #[test]
    fn booster_scores_equal_the_forest() {
        let (train, validation) = (Xor::new(1_000, 0), Xor::new(500, 5_000));
        let sampled = BoostSettings { rounds: 20, row_fraction: 0.4, ..settings() };
        let boosted = fit(&train, &validation, &sampled);
        let best = boosted.best.unwrap();
        // Losses of the training come from bins, those of the forest from thresholds.
        assert_eq!(best.train.accuracy, train.accuracy(&boosted));
        assert_eq!(best.validation.unwrap().accuracy, validation.accuracy(&boosted));
    }

    #[test]
    fn booster_limits_hold_in_every_tree() {
        let train = Xor::new(3_000, 0);
        let grow = GrowSettings { leaves: 9, depth: Some(3), min_rows: 200, ..settings().grow };
        let limited = BoostSettings { rounds: 30, grow, ..settings() };
        let boosted = fit(&train, &Xor::new(0, 0), &limited);
        for tree in &boosted.trees {
            let leaves = tree.iter().filter(|node| matches!(node, TreeNode::Leaf { .. }));
            assert!(leaves.count() <= 8, "nine leaves need a depth of four");
            let mut rows = vec![0; tree.len()];
            for inputs in train.values.chunks_exact(3) {
                let (mut node, mut depth) = (0, 0);
                while let TreeNode::Split { input, threshold, left, missing_left, .. } = tree[node]
                {
                    let x = inputs[input];
                    let is_left = if x.is_nan() { missing_left } else { x <= threshold };
                    (node, depth) = (left + usize::from(!is_left), depth + 1);
                }
                assert!(depth <= 3);
                rows[node] += 1;
            }
            for (node, rows) in tree.iter().zip(rows) {
                assert!(matches!(node, TreeNode::Split { .. }) || rows >= 200, "{rows} rows");
            }
        }
    }

    #[test]
    fn booster_penalties_shrink_the_outputs() {
        let train = Xor::new(2_000, 0);
        let largest = |l1, l2| {
            let grow = GrowSettings { l1, l2, ..settings().grow };
            let boosted =
                fit(&train, &Xor::new(0, 0), &BoostSettings { rounds: 1, grow, ..settings() });
            boosted.trees[0].iter().fold(0.0_f64, |largest, node| match node {
                TreeNode::Leaf { value } => largest.max(value.abs()),
                TreeNode::Split { .. } => largest,
            })
        };
        let plain = largest(0.0, 0.0);
        assert!(largest(10.0, 0.0) < plain && largest(0.0, 100.0) < 0.6 * plain);
        assert_eq!(largest(1e6, 0.0), 0.0);
    }

    /// Mean of −p ln q − (1 − p) ln(1 − q) and of p where the trees predict 1, 1 − p elsewhere.
    fn expected(boosted: &Boosted, rows: &[f64], probabilities: &[f64]) -> [f64; 2] {
        let forest = Forest::new(&boosted.trees, boosted.base.clone(), 20).unwrap();
        let sums = rows.chunks_exact(20).zip(probabilities).fold([0.0; 2], |[loss, hits], row| {
            let (inputs, p) = row;
            let mut score = [0.0];
            forest.scores(inputs, &mut forest.scratch(), &mut score);
            let q = 1.0 / (1.0 + (-score[0]).exp());
            let hit = if q > 0.5 { *p } else { 1.0 - p };
            [loss - p * q.ln() - (1.0 - p) * (1.0 - q).ln(), hits + hit]
        });
        sums.map(|sum| sum / probabilities.len() as f64)
    }

    /// The loss of one fit varies by 0.004, with LightGBM as here: on `y` with 255 bins LightGBM has
    /// 0.5503, with the learning rate multiplied by 1.00001 0.5541; with other numbers of bins 0.5503
    /// to 0.5538. Later trees depend on the last bits of the sums of the earlier ones. The mean over
    /// several numbers of bins is therefore compared.
    #[test]
    fn golden_trees_are_as_good_as_lightgbm_xgboost_and_scikit_learn() {
        use windvane_testing::{TensorFile, golden_dir, golden_parts, json};
        if !golden_parts().iter().any(|part| part == "l_trees") {
            return;
        }
        let dir = golden_dir("l_trees");
        let (table, results) =
            (TensorFile::read(&dir.join("table.safetensors")), json(&dir.join("trees.json")));
        let (train, test) = (&table.get("x_train").data, &table.get("x_test").data);
        for (labels, bayes) in [("y", "y_bayes_test"), ("y_weak", "y_weak_bayes_test")] {
            let y = table.get(&format!("{labels}_train")).data.iter();
            let y: Vec<u8> = y.map(|label| u8::from(*label > 0.5)).collect();
            let cases =
                BoostCases { labels: &y, value: |row: usize, k: usize| train[20 * row + k] };
            let none = BoostCases { labels: &[], value: |_: usize, _: usize| 0.0 };
            let bins = [255, 200, 128, 63];
            let fits = bins.map(|bins| {
                let settings = BoostSettings { bins, ..settings() };
                let mut go = |_: &RoundReport| ControlFlow::Continue(());
                let boosted = boost(&cases, &none, (20, 2), &settings, &mut go).unwrap();
                expected(&boosted, test, &table.get(bayes).data)
            });
            let mean = [0, 1].map(|k| fits.iter().map(|fit| fit[k]).sum::<f64>() / 4.0);
            let theirs = |what: &str| {
                let peers = results["results"][labels].as_object().unwrap().values();
                peers.map(|peer| peer["fixed"][what].as_f64().unwrap()).collect::<Vec<f64>>()
            };
            let loss = theirs("expected_log_loss").into_iter().fold(0.0, f64::max);
            let accuracy = theirs("expected_accuracy").into_iter().fold(1.0, f64::min);
            assert!(mean[0] <= loss + 0.001, "{labels}: {fits:?}, worst {loss}");
            assert!(mean[1] >= accuracy - 0.002, "{labels}: {fits:?}, worst {accuracy}");
            let best = results["bayes"][labels]["bayes_log_loss"].as_f64().unwrap();
            assert!(mean[0] > best, "{labels}: {fits:?} is better than the truth, {best}");
        }
    }
}
