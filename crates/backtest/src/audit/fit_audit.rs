//! Audit of code that learns from candles up to a split and forecasts after it.
use windvane_candles::CandleSeries;

use super::chance::{self, Hits, Sign};
use super::future::{self, Turn};
use super::outputs::Outputs;
use super::reach::Reach;
use super::rows::MARKETS;
use super::world::World;
use super::{Audit, Check, Exam, Finding, Findings, Inputs, Verdict};
use crate::error::BacktestError;

/// Splits tried.
const SPLITS: u8 = 2;

/// Fewest forecasts after a split.
const MIN_FORECASTS: usize = 30;

/// Asks audited code for its forecasts; the text says what it is given.
pub(super) type Ask<'a> = dyn Fn(&Exam<'_>, &str) -> Result<Outputs, BacktestError> + 'a;

/// A fit function and what it is audited with.
pub(super) struct Fit<'a> {
    pub(super) audit: &'a Audit,
    pub(super) audited: &'a str,
    pub(super) horizon: usize,
    pub(super) ask: &'a Ask<'a>,
}

/// Cuts around one split.
#[derive(Debug, Clone, Copy)]
struct Cuts {
    /// The first candle after the split.
    split: usize,
    /// The first candle that neither the training nor the first forecast may know.
    near: usize,
    /// Candles deep in the time that is forecast, the later one last.
    far: [usize; 2],
}

/// Reach of changed inputs and changed labels over all splits.
struct Reaches<'a> {
    /// Inputs deep in the time that is forecast.
    inputs: Reach<'a>,
    /// Labels there.
    labels: Reach<'a>,
    /// Labels from the split on; inputs with them where the labels given are not used.
    overlap: Reach<'a>,
}

impl Fit<'_> {
    /// Runs all checks.
    pub(super) fn findings(&self) -> Result<Findings, BacktestError> {
        self.audit.check_length(self.horizon)?;
        let split = self.split(0);
        let base = self.as_it_is(split)?;
        if !base.is_same(&self.as_it_is(split)?) {
            return Err(BacktestError::NotRepeatable { audited: self.audited.to_string() });
        }
        let (shuffled, labels_used) = self.on_shuffled_labels(split, &base)?;
        let reaches = self.reaches(labels_used)?;
        let series = &self.audit.series;
        let seen = chance::seen(series, &base, split.saturating_sub(1), &[Sign::Score]);
        let known = known_labels(&reaches.labels, labels_used, shuffled);
        let findings = vec![
            reaches.inputs.prefix(),
            offset(&reaches.inputs, seen, &known),
            everything(&reaches),
            overlapping(&reaches, labels_used, &known),
            known,
            self.on_coins(split)?,
        ];
        Ok(self.audit.findings(self.audited, findings))
    }

    /// The first candle after split `number`.
    fn split(&self, number: u8) -> usize {
        let low = 0.5 + 0.15 * f64::from(number);
        self.audit.somewhere(0, [low, low + 0.05], u64::from(number))
    }

    fn ask(
        &self,
        inputs: Inputs<'_>,
        outcomes: &CandleSeries,
        split: usize,
        given: &str,
    ) -> Result<Outputs, BacktestError> {
        (self.ask)(&Exam { inputs, outcomes, split: self.audit.open_time(split) }, given)
    }

    fn as_it_is(&self, split: usize) -> Result<Outputs, BacktestError> {
        let given = "the candles as they are";
        self.ask(self.audit.inputs(), &self.audit.series, split, given)
    }

    /// Chooses the cuts around a split, given the forecasts of an unchanged run.
    fn cuts(&self, split: usize, base: &Outputs) -> Result<Cuts, BacktestError> {
        let decided = split.saturating_sub(1);
        let first = base.first_from(decided).unwrap_or(base.len());
        let near = split.max(first + 1);
        let far = [[0.5, 0.68], [0.68, 0.86]]
            .map(|shares| self.audit.somewhere(near, shares, split as u64));
        let got = base.count_before(far[0]) - base.count_before(decided);
        if got < MIN_FORECASTS {
            return Err(BacktestError::TooFewOutputs {
                audited: self.audited.to_string(),
                place: format!("from the split at {} on", self.audit.open_time(split)),
                expected: MIN_FORECASTS,
                got,
            });
        }
        Ok(Cuts { split, near, far })
    }

    fn reaches(&self, labels_used: bool) -> Result<Reaches<'_>, BacktestError> {
        let audit = self.audit;
        let series = &audit.series;
        let [inputs, labels, overlap] = std::array::from_fn(|_| Reach::new(series));
        let mut reaches = Reaches { inputs, labels, overlap };
        for number in 0..SPLITS {
            let split = self.split(number);
            let base = self.as_it_is(split)?;
            let Cuts { split, near, far } = self.cuts(split, &base)?;
            for (turn, far) in Turn::BOTH.into_iter().zip(far) {
                let inputs = World::changed(audit, far, turn);
                let after = self.ask(inputs.inputs(), series, split, "another future")?;
                reaches.inputs.compare(&base, &after, far);
                let labels = future::changed(series, far, turn);
                let after = self.ask(audit.inputs(), &labels, split, "other labels")?;
                reaches.labels.compare(&base, &after, far);
                let world = World::changed(audit, near, turn);
                let inputs = if labels_used { audit.inputs() } else { world.inputs() };
                let after =
                    self.ask(inputs, &world.own, split, "other labels from the split on")?;
                reaches.overlap.compare(&base, &after, near);
            }
        }
        Ok(reaches)
    }

    /// Forecasts held against labels that are coins, and whether they depend on labels at all.
    fn on_shuffled_labels(
        &self,
        split: usize,
        base: &Outputs,
    ) -> Result<(Finding, bool), BacktestError> {
        let (mut hits, mut used) = (Hits::default(), false);
        for number in 0..MARKETS {
            let labels = World::coins(self.audit, number).own;
            let scores = self.ask(self.audit.inputs(), &labels, split, "coins for labels")?;
            used |= !base.is_same(&scores);
            hits += self.score(&labels, &scores, split);
        }
        let on = "labels that are coins";
        Ok((chance::held_against_a_coin(Check::ShuffledLabels, hits, on), used))
    }

    fn on_coins(&self, split: usize) -> Result<Finding, BacktestError> {
        let mut hits = Hits::default();
        for number in 0..MARKETS {
            // Other coins than those of the labels.
            let world = World::coins(self.audit, MARKETS + number);
            let given = "a coin for every direction";
            let scores = self.ask(world.inputs(), &world.own, split, given)?;
            hits += self.score(&world.own, &scores, split);
        }
        Ok(chance::held_against_a_coin(Check::Martingale, hits, "coins"))
    }

    fn score(&self, closes: &CandleSeries, scores: &Outputs, split: usize) -> Hits {
        chance::of_scores(closes, scores, split.saturating_sub(1), self.horizon)
    }
}

/// The next candle is known; not where its direction is, because labels are.
fn offset(inputs: &Reach<'_>, seen: Option<String>, known: &Finding) -> Finding {
    match seen {
        Some(seen) if known.verdict == Verdict::Leak && inputs.farthest().is_none() => {
            let reason = format!("{seen}: see shuffled labels");
            Finding::not_applicable(Check::OneBarOffset, reason)
        }
        seen => inputs.offset(seen),
    }
}

/// Inputs after the split are known; not where whole samples are, which bring theirs along.
fn everything(reaches: &Reaches<'_>) -> Finding {
    if reaches.inputs.far().is_some() && reaches.labels.far().is_some() {
        let reason = "hidden: samples behind the split are learned from, with inputs and labels; \
                      see shuffled labels";
        return Finding::not_applicable(Check::FittedOnEverything, reason);
    }
    reaches.inputs.everything()
}

/// Labels that were not settled at the split were learned from.
fn overlapping(reaches: &Reaches<'_>, labels_used: bool, known: &Finding) -> Finding {
    let check = Check::OverlappingLabels;
    let Reaches { inputs, labels, overlap } = reaches;
    if known.verdict == Verdict::Leak {
        let reason = "hidden: labels of the time that is forecast are known; see shuffled labels";
        return Finding::not_applicable(check, reason);
    }
    if !labels_used && inputs.farthest().is_some() {
        let reason = "hidden: labels come from the inputs, and inputs of the future are known; \
                      mend that first, or take labels from the outcomes";
        return Finding::not_applicable(check, reason);
    }
    match (labels.farthest(), overlap.farthest()) {
        (Some(change), _) => Finding::leak(check, labels.words(change, "labels")),
        (None, Some(change)) => Finding::leak(check, overlap.words(change, "labels")),
        (None, None) => Finding::clean(check, overlap.nothing("labels")),
    }
}

/// Labels of the time that is forecast are known: seen in a changed bit, or in skill on coins.
fn known_labels(labels: &Reach<'_>, labels_used: bool, shuffled: Finding) -> Finding {
    if !labels_used {
        let reason = "the forecasts do not depend on the labels given as outcomes";
        return Finding::not_applicable(Check::ShuffledLabels, reason);
    }
    match labels.far() {
        Some(change) => {
            let evidence = format!("{}; {}", labels.words(change, "labels"), shuffled.evidence);
            Finding::leak(Check::ShuffledLabels, evidence)
        }
        None => shuffled,
    }
}
