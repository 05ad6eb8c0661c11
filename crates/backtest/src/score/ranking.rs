//! Ranking of the models, with tests of their order.
use serde::Serialize;
use windvane_candles::Timestamp;

use crate::metrics::Bounds;
use crate::metrics::holm;
use crate::score::bootstrap::{Bootstrap, Tally, Terms, longest};
use crate::score::{Lead, Record, ResultRow, Scope};

/// Chance of a single false claim among all models.
const ERROR: f64 = 0.05;

/// A model's place.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Rank {
    /// Name of the model.
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
    pub(crate) full_coverage_accuracy: Option<f64>,
    /// Lead over the best baseline.
    pub lead: Option<Lead>,
    /// The lead's p-value corrected for the number of models compared
    /// ([`holm`](crate::metrics::holm)); one that is undefined is taken for 1.
    pub p_holm: Option<f64>,
    /// Whether that is at most 0.05: a statistically significant lead over the best baseline.
    pub ahead: bool,
    /// Lead over the next model in the ranking, on the candles that both called and whose close
    /// moved; `None` for the last. Not corrected for choosing the pair.
    pub over_next: Option<Lead>,
}

/// Model with its completeness and its records on path 1 over all instruments.
pub(crate) struct Contender<'a> {
    pub(crate) model: &'a str,
    /// Whether it was tested on every fold.
    pub(crate) complete: bool,
    pub(crate) records: Vec<Record>,
}

/// Ranks the models by pooled accuracy, best first.
pub(crate) fn rank(
    results: &[ResultRow],
    mut contenders: Vec<Contender<'_>>,
    terms: Terms<'_>,
) -> Vec<Rank> {
    for one in &mut contenders {
        one.records.sort_by_key(key);
    }
    let pooled = results.iter().filter(|row| row.scope == Scope::All);
    let mut ranking: Vec<Rank> =
        pooled.map(|row| Rank::new(row, results, find(&contenders, &row.model))).collect();
    ranking.sort_by(|a, b| b.sort_key().total_cmp(&a.sort_key()));
    correct(&mut ranking);
    for place in 1..ranking.len() {
        let one = find(&contenders, &ranking[place - 1].model);
        let next = find(&contenders, &ranking[place].model);
        if let (Some(one), Some(next)) = (one, next) {
            ranking[place - 1].over_next = compare(&one.records, &next.records, terms);
        }
    }
    ranking
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
            calls: row.score.calls,
            accuracy: row.score.accuracy,
            interval_95: row.interval_95,
            coverage: row.score.coverage,
            full_coverage_accuracy: row.full_coverage.accuracy,
            lead: row.lead,
            p_holm: None,
            ahead: false,
            over_next: None,
        }
    }

    fn sort_key(&self) -> f64 {
        self.accuracy.unwrap_or(-1.0)
    }

    fn p_value(&self) -> Option<f64> {
        self.lead.and_then(|lead| lead.p_value)
    }
}

fn key(record: &Record) -> (Timestamp, usize) {
    (record.decided_at, record.instrument)
}

/// Edge of one model over another on the candles that both called; both sorted by [`key`].
fn compare(one: &[Record], other: &[Record], terms: Terms<'_>) -> Option<Lead> {
    let unit = longest(one)?;
    let mut others = other.iter().peekable();
    let mut both = Vec::new();
    for record in one {
        while others.next_if(|other| key(other) < key(record)).is_some() {}
        let Some(other) = others.next_if(|other| key(other) == key(record)) else { continue };
        if let (Some(hit), Some(other)) = (record.hit(record.called), other.hit(other.called)) {
            let time = record.decided_at.millis().div_euclid(unit);
            both.push((time, Tally::of(Some(hit), Some(other))));
        }
    }
    let bootstrap = Bootstrap::of_times(both, terms.horizon, terms.seed)?;
    Some(Lead::of(bootstrap.whole_lead()?, Some(&bootstrap)))
}

/// Adjusts the p-values for the number of models.
fn correct(ranking: &mut [Rank]) {
    let all: Vec<f64> = ranking.iter().map(|rank| rank.p_value().unwrap_or(1.0)).collect();
    for (rank, corrected) in ranking.iter_mut().zip(holm(&all).unwrap_or_default()) {
        rank.p_holm = rank.p_value().map(|_| corrected);
        rank.ahead = rank.p_holm.is_some_and(|p| p <= ERROR);
    }
}
