//! Audit of code that trains on candles up to a split and forecasts after it.
use windvane_candles::CandleSeries;

use super::lookahead::LookaheadCheck;
use super::modified_series::{self, Jump};
use super::outputs::AuditedOutputs;
use super::row_audit::RANDOM_MARKETS;
use super::sign_test::{self, CorrectCount, Sign};
use super::synthetic_markets::SyntheticMarkets;
use super::{Audit, AuditCandles, AuditFinding, AuditFindings, AuditInput, Check, Verdict};
use crate::error::BacktestError;

/// Number of splits.
const SPLITS: u8 = 2;

/// Minimum number of forecasts between a split and the first late cut.
const MIN_FORECASTS: usize = 30;

/// Runs the audited code; the text describes the candles in error messages.
pub(super) type FitFunction<'a> =
    dyn Fn(&AuditInput<'_>, &str) -> Result<AuditedOutputs, BacktestError> + 'a;

/// Fit function and the audit that checks it.
pub(super) struct FitAudit<'a> {
    pub(super) audit: &'a Audit,
    pub(super) audited: &'a str,
    pub(super) horizon: usize,
    pub(super) run: &'a FitFunction<'a>,
}

/// Indices of the candles at which data is modified for one split.
#[derive(Debug, Clone, Copy)]
struct SplitCuts {
    /// First candle after the split.
    split: usize,
    /// First candle that neither the training nor the first forecast may use.
    near: usize,
    /// Candles late in the forecast period, in order of time.
    far: [usize; 2],
}

/// Look-ahead over all splits, by the data that is modified.
struct FitLookahead<'a> {
    /// Look-ahead at inputs late in the forecast period.
    inputs: LookaheadCheck<'a>,
    /// Look-ahead at labels late in the forecast period.
    labels: LookaheadCheck<'a>,
    /// Look-ahead at labels after the split. If the function does not use the given labels, the
    /// inputs are modified as well.
    overlap: LookaheadCheck<'a>,
}

impl FitAudit<'_> {
    /// Runs all checks.
    pub(super) fn findings(&self) -> Result<AuditFindings, BacktestError> {
        self.audit.check_length(self.horizon)?;
        let split = self.split(0);
        let base = self.unmodified(split)?;
        if !base.is_same(&self.unmodified(split)?) {
            return Err(BacktestError::NotRepeatable { audited: self.audited.to_string() });
        }
        let (random_labels, labels_used) = self.random_labels(split, &base)?;
        let lookahead = self.lookahead(labels_used)?;
        let series = &self.audit.series;
        let last_closed = split.saturating_sub(1);
        let prediction =
            sign_test::next_candle_prediction(series, &base, last_closed, &[Sign::Score]);
        let shuffled = shuffled_labels(&lookahead.labels, labels_used, random_labels);
        let findings = vec![
            lookahead.inputs.prefix(),
            one_bar_offset(&lookahead.inputs, prediction, &shuffled),
            fitted_on_everything(&lookahead),
            overlapping_labels(&lookahead, labels_used, &shuffled),
            shuffled,
            self.martingale(split)?,
        ];
        Ok(self.audit.findings(self.audited, findings))
    }

    /// Index of the first candle after split `number`.
    fn split(&self, number: u8) -> usize {
        let low = 0.5 + 0.15 * f64::from(number);
        self.audit.draw_cut(0, [low, low + 0.05], u64::from(number))
    }

    fn run(
        &self,
        candles: AuditCandles<'_>,
        outcomes: &CandleSeries,
        split: usize,
        given: &str,
    ) -> Result<AuditedOutputs, BacktestError> {
        (self.run)(&AuditInput { candles, outcomes, split: self.audit.open_time(split) }, given)
    }

    fn unmodified(&self, split: usize) -> Result<AuditedOutputs, BacktestError> {
        let given = "the unmodified candles";
        self.run(self.audit.candles(), &self.audit.series, split, given)
    }

    /// Chooses the cuts of a split from the forecasts of an unmodified run.
    fn cuts(&self, split: usize, base: &AuditedOutputs) -> Result<SplitCuts, BacktestError> {
        let last_closed = split.saturating_sub(1);
        let first_forecast = base.first_from(last_closed).unwrap_or(base.len());
        let near = split.max(first_forecast + 1);
        let far = [[0.5, 0.68], [0.68, 0.86]]
            .map(|fractions| self.audit.draw_cut(near, fractions, split as u64));
        let got = base.count_before(far[0]) - base.count_before(last_closed);
        if got < MIN_FORECASTS {
            return Err(BacktestError::TooFewOutputs {
                audited: self.audited.to_string(),
                place: format!("from the split at {} on", self.audit.open_time(split)),
                expected: MIN_FORECASTS,
                got,
            });
        }
        Ok(SplitCuts { split, near, far })
    }

    fn lookahead(&self, labels_used: bool) -> Result<FitLookahead<'_>, BacktestError> {
        let audit = self.audit;
        let series = &audit.series;
        let [inputs, labels, overlap] = std::array::from_fn(|_| LookaheadCheck::new(series));
        let mut lookahead = FitLookahead { inputs, labels, overlap };
        for number in 0..SPLITS {
            let split = self.split(number);
            let base = self.unmodified(split)?;
            let SplitCuts { split, near, far } = self.cuts(split, &base)?;
            for (jump, far) in Jump::BOTH.into_iter().zip(far) {
                let markets = SyntheticMarkets::with_modified_future(audit, far, jump);
                let given = "modified later candles";
                let modified = self.run(markets.candles(), series, split, given)?;
                lookahead.inputs.compare(&base, &modified, far);
                let labels = modified_series::with_modified_future(series, far, jump);
                let given = "modified later labels";
                let modified = self.run(audit.candles(), &labels, split, given)?;
                lookahead.labels.compare(&base, &modified, far);
                let markets = SyntheticMarkets::with_modified_future(audit, near, jump);
                let candles = if labels_used { audit.candles() } else { markets.candles() };
                let given = "modified labels after the split";
                let modified = self.run(candles, &markets.own, split, given)?;
                lookahead.overlap.compare(&base, &modified, near);
            }
        }
        Ok(lookahead)
    }

    /// Tests forecasts against random labels. Also returns whether the forecasts depend on the
    /// given labels at all.
    fn random_labels(
        &self,
        split: usize,
        base: &AuditedOutputs,
    ) -> Result<(AuditFinding, bool), BacktestError> {
        let (mut count, mut labels_used) = (CorrectCount::default(), false);
        for number in 0..RANDOM_MARKETS {
            let labels = SyntheticMarkets::with_random_directions(self.audit, number).own;
            let scores = self.run(self.audit.candles(), &labels, split, "random labels")?;
            labels_used |= !base.is_same(&scores);
            count += self.correct_scores(&labels, &scores, split);
        }
        let check = Check::ShuffledLabels;
        Ok((sign_test::random_direction_finding(check, count, "random labels"), labels_used))
    }

    fn martingale(&self, split: usize) -> Result<AuditFinding, BacktestError> {
        let mut count = CorrectCount::default();
        for number in 0..RANDOM_MARKETS {
            // The numbers differ from those of the random labels, hence the directions too.
            let number = RANDOM_MARKETS + number;
            let markets = SyntheticMarkets::with_random_directions(self.audit, number);
            let scores = self.run(markets.candles(), &markets.own, split, "random directions")?;
            count += self.correct_scores(&markets.own, &scores, split);
        }
        Ok(sign_test::random_direction_finding(Check::Martingale, count, "random directions"))
    }

    fn correct_scores(
        &self,
        closes: &CandleSeries,
        scores: &AuditedOutputs,
        split: usize,
    ) -> CorrectCount {
        sign_test::correct_scores(closes, scores, split.saturating_sub(1), self.horizon)
    }
}

/// Result of the one-bar offset check. A predicted next candle is no offset if it follows from
/// the use of later labels.
fn one_bar_offset(
    inputs: &LookaheadCheck<'_>,
    prediction: Option<String>,
    shuffled: &AuditFinding,
) -> AuditFinding {
    match prediction {
        Some(prediction)
            if shuffled.verdict == Verdict::Leak && inputs.farthest_change().is_none() =>
        {
            let reason = format!("{prediction}; see shuffled labels");
            AuditFinding::not_applicable(Check::OneBarOffset, reason)
        }
        prediction => inputs.one_bar_offset(prediction),
    }
}

/// Result of the check for a fit on all inputs. It does not apply to training on whole samples
/// after the split, which include their inputs.
fn fitted_on_everything(lookahead: &FitLookahead<'_>) -> AuditFinding {
    if lookahead.inputs.far_change().is_some() && lookahead.labels.far_change().is_some() {
        let reason = "hidden: the training uses whole samples after the split, inputs and labels; \
                      see shuffled labels";
        return AuditFinding::not_applicable(Check::FittedOnEverything, reason);
    }
    lookahead.inputs.fitted_on_everything()
}

/// Result of the check for training on labels that were not settled at the split.
fn overlapping_labels(
    lookahead: &FitLookahead<'_>,
    labels_used: bool,
    shuffled: &AuditFinding,
) -> AuditFinding {
    let check = Check::OverlappingLabels;
    let FitLookahead { inputs, labels, overlap } = lookahead;
    if shuffled.verdict == Verdict::Leak {
        let reason = "hidden: the training uses labels of the forecast period; see shuffled labels";
        return AuditFinding::not_applicable(check, reason);
    }
    if !labels_used && inputs.farthest_change().is_some() {
        let reason = "hidden: forecasts depend on later inputs and not on the outcomes; see prefix \
                      and fitted on everything, or compute the labels from the outcomes";
        return AuditFinding::not_applicable(check, reason);
    }
    match (labels.farthest_change(), overlap.farthest_change()) {
        (Some(change), _) => AuditFinding::leak(check, labels.describe(change, "labels")),
        (None, Some(change)) => AuditFinding::leak(check, overlap.describe(change, "labels")),
        (None, None) => AuditFinding::clean(check, overlap.describe_no_change("labels")),
    }
}

/// Result of the check for training on labels of the forecast period: forecasts far before a
/// modified label change, or forecasts predict random labels.
fn shuffled_labels(
    labels: &LookaheadCheck<'_>,
    labels_used: bool,
    random_labels: AuditFinding,
) -> AuditFinding {
    let check = Check::ShuffledLabels;
    if !labels_used {
        let reason = "the forecasts do not depend on the labels given as outcomes";
        return AuditFinding::not_applicable(check, reason);
    }
    match labels.far_change() {
        Some(change) => {
            let change = labels.describe(change, "labels");
            AuditFinding::leak(check, format!("{change}; {}", random_labels.evidence))
        }
        None => random_labels,
    }
}
