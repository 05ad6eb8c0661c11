//! The models in order, with what their order is worth.
use serde::Serialize;

use super::assemble::Finished;
use crate::bootstrap::{Bootstrap, Tally};
use crate::metrics::holm;
use crate::{Bounds, Lead, Record, ResultRow, Scope};

/// Chance of a single false claim among all models.
const ERROR: f64 = 0.05;

/// A model's place.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Rank {
    /// The model.
    pub model: String,
    /// Whether it was tested on every fold; otherwise it is compared on fewer candles.
    pub complete: bool,
    /// Whether a result of it, pooled, is better than markets allow: audit for leaks.
    pub suspicious: bool,
    /// Calls over all instruments.
    pub calls: usize,
    /// Accuracy of those, pooled: every call weighs the same.
    pub accuracy: Option<f64>,
    /// Its 95 % interval.
    pub interval_95: Option<Bounds>,
    /// Share of candles with a call.
    pub coverage: Option<f64>,
    /// Accuracy when every candle gets a call.
    pub full_coverage_accuracy: Option<f64>,
    /// Lead over the best naive rule.
    pub lead: Option<Lead>,
    /// The lead's p-value corrected for the number of models compared
    /// ([`holm`](crate::metrics::holm)); one that is undefined is taken for 1.
    pub p_holm: Option<f64>,
    /// Whether that is at most 0.05: only then can the model be told from the best naive rule.
    pub ahead: bool,
    /// Lead over the next model in the ranking, on the candles that both called and whose close
    /// moved; `None` for the last. Not corrected for choosing the pair.
    pub over_next: Option<Lead>,
}

impl Finished<'_> {
    /// The models by pooled accuracy, best first; `records` by learner.
    pub(crate) fn ranking(&self, results: &[ResultRow], records: &[Vec<Record>]) -> Vec<Rank> {
        let tasks: usize = self.planned.iter().map(|planned| planned.folds.len()).sum();
        let done =
            |model: &str| self.done.iter().filter(|done| self.names[done.learner] == model).count();
        let suspicious = |model: &str| {
            let pooled = results.iter().filter(|row| row.scope != Scope::Instrument);
            pooled.filter(|row| row.model == model).any(|row| row.suspicious)
        };
        // A group that failed as a whole failed for every model alike.
        let rank = |row: &ResultRow| Rank {
            model: row.model.clone(),
            complete: done(&row.model) == tasks,
            suspicious: suspicious(&row.model),
            calls: row.score.calls,
            accuracy: row.score.accuracy,
            interval_95: row.interval_95,
            coverage: row.score.coverage,
            full_coverage_accuracy: row.full_coverage.accuracy,
            lead: row.lead,
            p_holm: None,
            ahead: false,
            over_next: None,
        };
        let pooled = results.iter().filter(|row| row.scope == Scope::All);
        let mut ranking: Vec<Rank> = pooled.map(rank).collect();
        let key = |rank: &Rank| rank.accuracy.unwrap_or(-1.0);
        ranking.sort_by(|a, b| key(b).total_cmp(&key(a)));
        correct(&mut ranking);
        for place in 1..ranking.len() {
            let of = |rank: &Rank| self.names.iter().position(|name| *name == rank.model);
            if let (Some(one), Some(next)) = (of(&ranking[place - 1]), of(&ranking[place])) {
                ranking[place - 1].over_next = self.compare(&records[one], &records[next]);
            }
        }
        ranking
    }

    /// The lead of one model over another, on the candles that both called.
    fn compare(&self, one: &[Record], other: &[Record]) -> Option<Lead> {
        let key = |record: &Record| (record.decided_at, record.instrument, record.fold);
        let sorted = |records: &[Record]| {
            let mut all: Vec<Record> = records.to_vec();
            all.sort_by_key(key);
            all
        };
        let unit = crate::bootstrap::longest(one)?;
        let (one, other) = (sorted(one), sorted(other));
        let mut others = other.iter().peekable();
        let mut both = Vec::new();
        for record in &one {
            while others.next_if(|other| key(other) < key(record)).is_some() {}
            let Some(other) = others.next_if(|other| key(other) == key(record)) else { continue };
            if let (Some(hit), Some(other)) = (record.hit(record.called), other.hit(other.called)) {
                let time = record.decided_at.millis().div_euclid(unit);
                both.push((time, Tally::of(Some(hit), Some(other))));
            }
        }
        let terms = self.terms();
        let bootstrap = Bootstrap::of_times(both, terms.horizon, terms.seed)?;
        Some(Lead::of(bootstrap.whole_lead()?, Some(&bootstrap)))
    }
}

/// Corrects the p-values for being several.
fn correct(ranking: &mut [Rank]) {
    let p = |rank: &Rank| rank.lead.and_then(|lead| lead.p_value);
    let all: Vec<f64> = ranking.iter().map(|rank| p(rank).unwrap_or(1.0)).collect();
    for (rank, corrected) in ranking.iter_mut().zip(holm(&all).unwrap_or_default()) {
        rank.p_holm = p(rank).map(|_| corrected);
        rank.ahead = rank.p_holm.is_some_and(|p| p <= ERROR);
    }
}
