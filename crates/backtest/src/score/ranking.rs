//! Ranking of the models, with significance tests.
use serde::Serialize;
use windvane_candles::Timestamp;

use crate::metrics::{Bounds, OverfittingProbability, PartSum, holm_with};
use crate::score::bootstrap::{Bootstrap, PairedCounts, ScoreSettings};
use crate::score::{EarlierTrials, ExcessAccuracy, Record, ResultRow, Scope};

/// Family-wise error rate over all models.
const ERROR: f64 = 0.05;

/// Row of the ranking.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about a model")]
pub struct Rank {
    /// Name of the model.
    pub model: String,
    /// Whether the model was tested on every fold; otherwise it is compared on fewer candles.
    pub complete: bool,
    /// Whether a pooled result of the model is implausibly good; audit it for leaks.
    pub suspicious: bool,
    /// Number of predictions over all instruments.
    pub predictions: usize,
    /// Pooled accuracy; every prediction has the same weight.
    pub accuracy: Option<f64>,
    /// 95 % interval of the accuracy.
    pub interval_95: Option<Bounds>,
    /// Share of candles with a prediction.
    pub coverage: Option<f64>,
    /// Accuracy at full coverage.
    pub(crate) full_coverage_accuracy: Option<f64>,
    /// Excess accuracy over the best baseline.
    pub excess_accuracy: Option<ExcessAccuracy>,
    /// p-value of the excess accuracy, corrected for the number of models compared and of earlier ones
    /// ([`holm`](crate::metrics::holm)); an undefined p-value counts as 1.
    pub p_holm: Option<f64>,
    /// Whether the excess accuracy is statistically significant: `p_holm` is at most 0.05, its interval
    /// does not have [few blocks](Bounds::few_blocks), and the model is not
    /// [`in_sample`](Self::in_sample).
    pub significant: bool,
    /// Whether the model was fitted on candles of a test period according to its training record.
    /// It is then left out of the verdicts.
    pub in_sample: bool,
    /// Whether the training period of the model, or of a member, is unknown: it has no training
    /// record.
    pub unknown_training: bool,
    /// Excess accuracy over the next model in the ranking, on the candles that both predicted and
    /// whose close changed; `None` for the last. Not corrected for the choice of the pair.
    pub excess_over_next: Option<ExcessAccuracy>,
}

/// Model with its completeness and the outcomes of its predictions on path 1 over all instruments.
pub(crate) struct Contender<'a> {
    pub(crate) model: &'a str,
    /// Whether the model was tested on every fold.
    pub(crate) complete: bool,
    /// Longest interval of the predicted candles, milliseconds: their unit of time.
    unit: i64,
    outcomes: Vec<PredictionOutcome>,
}

impl<'a> Contender<'a> {
    /// Creates an incomplete model without predictions.
    pub(crate) fn new(model: &'a str) -> Self {
        Self { model, complete: false, unit: 1, outcomes: Vec::new() }
    }

    /// Adds a prediction.
    pub(crate) fn add(&mut self, record: &Record) {
        self.unit = self.unit.max(record.interval.millis());
        self.outcomes.push(PredictionOutcome::of(record));
    }
}

/// Outcome of a prediction, for comparisons of models: the part of a [`Record`] that they need of
/// all models at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PredictionOutcome {
    decided_at: Timestamp,
    instrument: u32,
    /// Whether the prediction is correct; `None` if it is not scored.
    is_correct: Option<bool>,
}

impl PredictionOutcome {
    /// Outcome of the prediction of a record.
    pub(crate) fn of(record: &Record) -> Self {
        let instrument = u32::try_from(record.instrument);
        Self {
            decided_at: record.decided_at,
            instrument: instrument.expect("invariant: a run has fewer than 2^32 instruments"),
            is_correct: record.is_correct(record.predicted),
        }
    }

    /// Order of two lists that are compared.
    pub(crate) fn key(&self) -> (Timestamp, u32) {
        (self.decided_at, self.instrument)
    }
}

/// Ranks the models by pooled accuracy, best first.
pub(crate) fn rank(
    results: &[ResultRow],
    mut contenders: Vec<Contender<'_>>,
    settings: ScoreSettings<'_>,
    earlier: &EarlierTrials,
) -> Vec<Rank> {
    for one in &mut contenders {
        one.outcomes.sort_by_key(PredictionOutcome::key);
    }
    let pooled = results.iter().filter(|row| row.scope == Scope::All);
    let mut ranking: Vec<Rank> =
        pooled.map(|row| Rank::new(row, results, find(&contenders, &row.model))).collect();
    ranking.sort_by(|a, b| b.sort_key().total_cmp(&a.sort_key()));
    apply_holm(ranking.iter_mut().collect(), earlier);
    for place in 1..ranking.len() {
        let one = find(&contenders, &ranking[place - 1].model);
        let next = find(&contenders, &ranking[place].model);
        if let (Some(one), Some(next)) = (one, next) {
            ranking[place - 1].excess_over_next =
                compare(&one.outcomes, &next.outcomes, one.unit, settings);
        }
    }
    ranking
}

/// Minimum number of models for a probability of backtest overfitting.
const MIN_VARIANTS: usize = 10;
/// Number of parts of the tested time for it: 12,870 choices of half of them.
const PARTS: usize = 16;

/// Numbers of correct and of scored predictions of the models that were tested on every fold, by
/// part of the tested time; models of several runs can be added.
#[derive(Debug, Default)]
pub(crate) struct AccuracyParts {
    /// Times of the decisions of the first model.
    times: Vec<Timestamp>,
    sums: Vec<Vec<PartSum>>,
}

impl AccuracyParts {
    /// Adds the models of a run.
    pub(crate) fn add(&mut self, contenders: &[Contender<'_>]) {
        for Contender { outcomes, .. } in contenders.iter().filter(|one| one.complete) {
            if self.times.is_empty() {
                self.times = outcomes.iter().map(|outcome| outcome.decided_at).collect();
                self.times.sort_unstable();
                self.times.dedup();
            }
            let mut sums = vec![(0.0, 0.0); PARTS];
            for outcome in outcomes {
                if let Some(correct) = outcome.is_correct {
                    let rank = self.times.partition_point(|time| *time < outcome.decided_at);
                    let sum = &mut sums[(rank * PARTS / self.times.len()).min(PARTS - 1)];
                    *sum = (sum.0 + f64::from(u8::from(correct)), sum.1 + 1.0);
                }
            }
            self.sums.push(sums);
        }
    }

    /// Probability that the choice of the model with the highest accuracy is overfitted; `None` for
    /// fewer than ten models, and if one of them has a part of the time without a scored prediction.
    pub(crate) fn overfitting(&self) -> Option<OverfittingProbability> {
        let enough = self.sums.len() >= MIN_VARIANTS;
        enough.then(|| OverfittingProbability::of_parts(&self.sums)).flatten()
    }
}

fn find<'a>(contenders: &'a [Contender<'a>], model: &str) -> Option<&'a Contender<'a>> {
    contenders.iter().find(|one| one.model == model)
}

impl Rank {
    fn new(row: &ResultRow, results: &[ResultRow], contender: Option<&Contender<'_>>) -> Self {
        let pooled = results.iter().filter(|other| other.scope != Scope::Instrument);
        Self {
            model: row.model.clone(),
            complete: contender.is_some_and(|contender| contender.complete),
            suspicious: pooled.filter(|other| other.model == row.model).any(|row| row.suspicious),
            predictions: row.score.predictions,
            accuracy: row.score.accuracy,
            interval_95: row.interval_95,
            coverage: row.score.coverage,
            full_coverage_accuracy: row.full_coverage.accuracy,
            excess_accuracy: row.excess_accuracy,
            p_holm: None,
            significant: false,
            in_sample: false,
            unknown_training: false,
            excess_over_next: None,
        }
    }

    fn sort_key(&self) -> f64 {
        self.accuracy.unwrap_or(-1.0)
    }

    fn p_value(&self) -> Option<f64> {
        self.excess_accuracy.and_then(|excess| excess.p_value)
    }
}

/// Excess accuracy of one model over another on the candles that both predicted, in blocks of times
/// in units of some milliseconds; both are sorted by [`key`](PredictionOutcome::key).
pub(crate) fn compare(
    one: &[PredictionOutcome],
    other: &[PredictionOutcome],
    unit: i64,
    settings: ScoreSettings<'_>,
) -> Option<ExcessAccuracy> {
    let mut others = other.iter().peekable();
    let both = one.iter().filter_map(move |own| {
        while others.next_if(|other| other.key() < own.key()).is_some() {}
        let other = others.next_if(|other| other.key() == own.key())?;
        let is_scored = own.is_correct.is_some() && other.is_correct.is_some();
        let time = own.decided_at.millis().div_euclid(unit);
        is_scored.then(|| (time, PairedCounts::of(own.is_correct, other.is_correct)))
    });
    let influence = PairedCounts::influence;
    let bootstrap = Bootstrap::of_times(both, influence, settings.horizon, settings.seed)?;
    Some(ExcessAccuracy::of(bootstrap.whole_excess_accuracy()?, Some(&bootstrap)))
}

/// Applies the Holm–Bonferroni correction for the number of models, with earlier ones.
pub(crate) fn apply_holm(ranks: Vec<&mut Rank>, earlier: &EarlierTrials) {
    let own = ranks.iter().map(|rank| rank.p_value().unwrap_or(1.0));
    let all: Vec<f64> = own.chain(earlier.p_values()).collect();
    let corrected = holm_with(&all, earlier.unknown).unwrap_or_default();
    for (rank, corrected) in ranks.into_iter().zip(corrected) {
        rank.p_holm = rank.p_value().map(|_| corrected);
        let interval = rank.excess_accuracy.and_then(|excess| excess.interval_95);
        let reliable = !rank.in_sample && interval.is_none_or(|bounds| !bounds.few_blocks);
        rank.significant = reliable && rank.p_holm.is_some_and(|p| p <= ERROR);
    }
}
