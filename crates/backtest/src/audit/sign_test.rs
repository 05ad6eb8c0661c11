//! Binomial tests of the signs of outputs against the directions of candles.
use std::fmt;
use std::ops::{AddAssign, Range};

use windvane_candles::CandleSeries;

use super::outputs::AuditedOutputs;
use super::{AuditFinding, Check};
use crate::metrics::{Alternative, Proportion};

/// Significance level of a leak.
const LEVEL: f64 = 1e-4;

/// Highest plausible accuracy of a single number for the direction of the next candle.
const MAX_PLAUSIBLE_ACCURACY: f64 = 0.75;

/// Minimum number of predictions for a test.
const MIN_PREDICTIONS: u64 = 100;

/// Number of correct predictions among all predictions.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CorrectCount {
    correct: u64,
    predictions: u64,
}

impl AddAssign for CorrectCount {
    fn add_assign(&mut self, other: Self) {
        self.correct += other.correct;
        self.predictions += other.predictions;
    }
}

impl CorrectCount {
    fn add(&mut self, correct: bool) {
        self.correct += u64::from(correct);
        self.predictions += 1;
    }

    /// Count of the opposite predictions.
    fn inverted(self) -> Self {
        Self { correct: self.predictions - self.correct, ..self }
    }

    fn accuracy(self) -> f64 {
        if self.predictions == 0 { 0.0 } else { self.correct as f64 / self.predictions as f64 }
    }

    /// P-value of the binomial test with probability `p0` of a correct prediction; 1 without
    /// predictions.
    fn p_value(self, p0: f64, alternative: Alternative) -> f64 {
        let proportion = Proportion::new(self.correct, self.predictions);
        proportion.and_then(|correct| correct.binomial_test(p0, alternative)).unwrap_or(1.0)
    }

    /// Two-sided p-value for random directions.
    fn random_p_value(self) -> f64 {
        self.p_value(0.5, Alternative::TwoSided)
    }
}

/// Formats as `55.1 % of 2000`.
impl fmt::Display for CorrectCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} % of {}", 100.0 * self.accuracy(), self.predictions)
    }
}

/// Counts the scores from candle `from` on that have the sign of the change over the next
/// `horizon` candles.
///
/// Only scores whose horizons do not overlap are counted, so that they are independent on random
/// directions.
pub(super) fn correct_scores(
    closes: &CandleSeries,
    scores: &AuditedOutputs,
    from: usize,
    horizon: usize,
) -> CorrectCount {
    let (mut count, mut next) = (CorrectCount::default(), from);
    for index in from..scores.len() {
        let score = scores.value(index, 0).filter(|score| score.abs() > 0.0);
        let (true, Some(score)) = (index >= next, score) else { continue };
        let Some(change) = change(closes, index, horizon) else { break };
        next = index + horizon;
        if change.abs() > 0.0 {
            count.add((score > 0.0) == (change > 0.0));
        }
    }
    count
}

/// Tests whether forecasts of random directions are right more or less often than in half of the
/// cases; both are a leak.
pub(super) fn random_direction_finding(
    check: Check,
    count: CorrectCount,
    predicted: &str,
) -> AuditFinding {
    best_of(check, count, 1, &format!("forecasts predict {predicted}"))
}

/// Tests the best of several signs, with the Bonferroni correction.
fn best_of(check: Check, count: CorrectCount, signs: usize, description: &str) -> AuditFinding {
    let predictions = count.predictions;
    if predictions < MIN_PREDICTIONS {
        let reason = format!("only {predictions} predictions; at least {MIN_PREDICTIONS} needed");
        return AuditFinding::not_applicable(check, reason);
    }
    let p = (count.random_p_value() * signs as f64).min(1.0);
    let p_text = if p < 1e-300 { "p < 1e-300".to_string() } else { format!("p = {p:.1e}") };
    let evidence = format!("{description} in {count} cases ({p_text})");
    if p < LEVEL {
        AuditFinding::leak(check, evidence)
    } else {
        AuditFinding::clean(check, evidence)
    }
}

/// Sign that may predict the direction of the next candle.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sign {
    /// Sign of a forecast's score.
    Score,
    /// Sign of a column minus its median.
    Level(usize),
    /// Sign of a column minus its previous value.
    Step(usize),
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Score => f.write_str("the sign of the score"),
            Self::Level(column) => write!(f, "the sign of column {column} minus its median"),
            Self::Step(column) => {
                write!(f, "the sign of column {column} minus its previous value")
            }
        }
    }
}

/// Returns two signs per column: against the median and against the previous value.
pub(super) fn signs_of_rows(outputs: &AuditedOutputs) -> Vec<Sign> {
    let columns = 0..outputs.width();
    columns.flat_map(|column| [Sign::Level(column), Sign::Step(column)]).collect()
}

impl Sign {
    /// Computes the sign at every candle: true for positive, `None` for zero or missing. The
    /// median is that of the candles before `median_until`.
    fn read(self, outputs: &AuditedOutputs, median_until: usize) -> Vec<Option<bool>> {
        let centre = match self {
            Self::Level(column) => {
                let values = (0..median_until).filter_map(|index| outputs.value(index, column));
                median(values.collect())
            }
            Self::Score | Self::Step(_) => Some(0.0),
        };
        (0..outputs.len()).map(|index| self.is_positive(outputs, index, centre)).collect()
    }

    fn is_positive(
        self,
        outputs: &AuditedOutputs,
        index: usize,
        centre: Option<f64>,
    ) -> Option<bool> {
        let (value, reference) = match self {
            Self::Score => (outputs.value(index, 0)?, centre?),
            Self::Level(column) => (outputs.value(index, column)?, centre?),
            Self::Step(column) => {
                (outputs.value(index, column)?, outputs.value(index.checked_sub(1)?, column)?)
            }
        };
        let difference = value - reference;
        (difference.abs() > 0.0).then_some(difference > 0.0)
    }
}

/// Counts the agreements of the sign at a candle with the move that ends `lag` candles later.
fn agreement(
    closes: &CandleSeries,
    signs: &[Option<bool>],
    range: Range<usize>,
    lag: usize,
) -> CorrectCount {
    let mut count = CorrectCount::default();
    for index in range {
        let moved = change(closes, index + lag - 1, 1).filter(|change| change.abs() > 0.0);
        if let (Some(sign), Some(moved)) = (signs.get(index).copied().flatten(), moved) {
            count.add(sign == (moved > 0.0));
        }
    }
    count
}

/// Change of the close over the `horizon` candles after candle `index`.
fn change(closes: &CandleSeries, index: usize, horizon: usize) -> Option<f64> {
    Some(closes.get(index + horizon)?.close() - closes.get(index)?.close())
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Describes the first sign that predicts the next candle too often to be skill; `None` if there
/// is none.
///
/// Delayed by one candle, a sign that contains the next candle loses more than half of its
/// advantage over 50 %. A sign that keeps it follows a trend, which is no leak. In a market whose
/// price bounces between bid and ask, past closes predict the next move almost always: a sign must
/// be right significantly more often than they are.
pub(super) fn next_candle_prediction(
    closes: &CandleSeries,
    outputs: &AuditedOutputs,
    from: usize,
    signs: &[Sign],
) -> Option<String> {
    let range = from..outputs.len();
    signs.iter().find_map(|sign| {
        let read = sign.read(outputs, outputs.len());
        let [next, delayed] = [1, 2].map(|lag| agreement(closes, &read, range.clone(), lag));
        let (next, delayed) = if next.accuracy() < 0.5 {
            (next.inverted(), delayed.inverted())
        } else {
            (next, delayed)
        };
        // Bonferroni correction for both orientations of every sign.
        let tests = 2.0 * signs.len() as f64;
        let plausible = MAX_PLAUSIBLE_ACCURACY.max(accuracy_of_past(closes, &read, range.clone()));
        let p = next.p_value(plausible, Alternative::Greater) * tests;
        let lost = delayed.accuracy() - 0.5 < (next.accuracy() - 0.5) / 2.0;
        (p < LEVEL && lost).then(|| {
            format!(
                "{sign} predicts the direction of the next candle in {next} cases; delayed by one \
                 candle, in {delayed}"
            )
        })
    })
}

/// Number of closes in the average that a close is compared with.
const PAST: usize = 20;

/// Highest accuracy of the signs of past closes for the next move, at the candles where `signs` has
/// a sign: of the last move, and of the close against the average of the last 20 closes; each in
/// its better orientation. 0 with too few candles.
fn accuracy_of_past(closes: &CandleSeries, signs: &[Option<bool>], range: Range<usize>) -> f64 {
    let prices: Vec<f64> = closes.iter().map(windvane_candles::Candle::close).collect();
    let mut last_move = None;
    let (mut moves, mut levels) = (vec![None; signs.len()], vec![None; signs.len()]);
    for index in 0..signs.len().min(prices.len()) {
        if index > 0 && (prices[index] - prices[index - 1]).abs() > 0.0 {
            last_move = Some(prices[index] > prices[index - 1]);
        }
        let past = &prices[(index + 1).saturating_sub(PAST)..=index];
        let difference = prices[index] - past.iter().sum::<f64>() / past.len() as f64;
        if signs[index].is_some() {
            moves[index] = last_move;
            levels[index] = (difference.abs() > 0.0).then_some(difference > 0.0);
        }
    }
    let counts = [moves, levels].map(|signs| agreement(closes, &signs, range.clone(), 1));
    let counts = counts.into_iter().filter(|count| count.predictions >= MIN_PREDICTIONS);
    counts.map(|count| count.accuracy().max(count.inverted().accuracy())).fold(0.0, f64::max)
}

/// Test of the signs of rows on several markets with random directions.
///
/// The orientation and the median of a sign come from the first half of each market. On the
/// second half, code without look-ahead is right in half of the cases.
#[derive(Debug)]
pub(super) struct MartingaleTest {
    signs: Vec<(Sign, CorrectCount)>,
}

impl MartingaleTest {
    pub(super) fn new(signs: Vec<Sign>) -> Self {
        Self { signs: signs.into_iter().map(|sign| (sign, CorrectCount::default())).collect() }
    }

    /// Adds the outputs on one market.
    pub(super) fn add(&mut self, closes: &CandleSeries, outputs: &AuditedOutputs) {
        let begins = outputs.first_from(0).unwrap_or(outputs.len());
        let half = usize::midpoint(begins, outputs.len());
        for (sign, count) in &mut self.signs {
            let read = sign.read(outputs, half);
            let first = agreement(closes, &read, begins..half.saturating_sub(1), 1);
            let second = agreement(closes, &read, half..outputs.len(), 1);
            *count += if first.accuracy() < 0.5 { second.inverted() } else { second };
        }
    }

    /// Returns the finding for the sign with the smallest p-value.
    pub(super) fn finding(&self) -> AuditFinding {
        let best =
            self.signs.iter().min_by(|a, b| a.1.random_p_value().total_cmp(&b.1.random_p_value()));
        let Some((sign, count)) = best else {
            return AuditFinding::not_applicable(Check::Martingale, "the rows have no columns");
        };
        let signs = self.signs.len();
        let description = format!("best of {signs} signs: {sign} predicts random directions");
        best_of(Check::Martingale, *count, signs, &description)
    }
}

#[cfg(test)]
mod tests {
    use windvane_candles::{Candle, Interval, Ohlcv, Pair, Timestamp};

    use super::super::Verdict;
    use super::*;

    fn series(closes: &[f64]) -> CandleSeries {
        let candles = closes.iter().zip(0..).map(|(&close, hour)| candle(close, hour)).collect();
        CandleSeries::new(Pair::new("SIM").unwrap(), Interval::HOUR, candles).unwrap()
    }

    fn candle(close: f64, hour: i64) -> Candle {
        let values = Ohlcv { open: close, high: close, low: close, close, volume: 1.0 };
        Candle::new(Timestamp::from_millis(hour * 3_600_000), values).unwrap()
    }

    fn verdict(correct: u64, predictions: u64) -> Verdict {
        let count = CorrectCount { correct, predictions };
        random_direction_finding(Check::Martingale, count, "random directions").verdict
    }

    fn scores(series: &CandleSeries, scores: &[f64]) -> AuditedOutputs {
        let rows = scores.iter().map(|score| Some(vec![*score])).collect();
        AuditedOutputs::from_rows(series, rows).unwrap()
    }

    #[test]
    fn correct_scores_counts_only_disjoint_horizons() {
        let closes = series(&[1.0, 2.0, 3.0, 2.0, 2.0, 5.0, 5.0]);
        let scores = scores(&closes, &[1.0, -1.0, 0.0, -1.0, 1.0, 1.0, 1.0]);
        for (from, horizon, expected) in [
            // UP correct, DOWN wrong, no prediction, no change, UP correct, no change.
            (0, 1, (2, 3)),
            (2, 1, (1, 1)),
            // UP at 0, from 1 to 3, correct; no prediction at 2; DOWN at 3, from 2 to 5, wrong.
            (0, 2, (1, 2)),
            (0, 7, (0, 0)),
        ] {
            let count = correct_scores(&closes, &scores, from, horizon);
            let got = (count.correct, count.predictions);
            assert_eq!(got, expected, "from {from}, horizon {horizon}");
        }
    }

    #[test]
    fn random_direction_finding_depends_on_count_and_accuracy() {
        assert_eq!(verdict(99, 99), Verdict::NotApplicable);
        assert_eq!(verdict(520, 1_000), Verdict::Clean);
        assert_eq!(verdict(561, 1_000), Verdict::Clean);
        assert_eq!(verdict(563, 1_000), Verdict::Leak);
        // Too few correct predictions are a leak as well.
        assert_eq!(verdict(437, 1_000), Verdict::Leak);
    }

    #[test]
    fn next_candle_prediction_ignores_trend() {
        let rising: Vec<f64> = (0..500).map(|hour| 100.0 + f64::from(hour)).collect();
        let rising = series(&rising);
        let always_up = scores(&rising, &[1.0; 500]);
        assert_eq!(next_candle_prediction(&rising, &always_up, 0, &[Sign::Score]), None);
    }
}
