//! Binomial tests of calls against a fair coin.
use std::fmt;
use std::ops::{AddAssign, Range};

use windvane_candles::CandleSeries;

use super::outputs::Outputs;
use super::{Check, Finding};
use crate::metrics::{Alternative, Proportion};

/// Chance explains what is at least this likely.
pub(super) const LEVEL: f64 = 1e-4;

/// No market gives the direction of its next candle to a single number this often.
const UNBELIEVABLE: f64 = 0.75;

/// Fewer calls cannot show a leak that pays at all.
const MIN_CALLS: u64 = 100;

/// Number of hits among a number of calls.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hits {
    hits: u64,
    calls: u64,
}

impl AddAssign for Hits {
    fn add_assign(&mut self, other: Self) {
        self.hits += other.hits;
        self.calls += other.calls;
    }
}

impl Hits {
    fn count(&mut self, hit: bool) {
        self.hits += u64::from(hit);
        self.calls += 1;
    }

    /// As many calls, all turned.
    fn turned(self) -> Self {
        Self { hits: self.calls - self.hits, ..self }
    }

    fn share(self) -> f64 {
        if self.calls == 0 { 0.0 } else { self.hits as f64 / self.calls as f64 }
    }

    /// P-value of as many hits under a true share of `p0`.
    fn p_value(self, p0: f64, alternative: Alternative) -> f64 {
        let proportion = Proportion::new(self.hits, self.calls);
        proportion.and_then(|hits| hits.binomial_test(p0, alternative)).unwrap_or(1.0)
    }

    /// Two-sided p-value of a fair coin.
    fn coin_p_value(self) -> f64 {
        self.p_value(0.5, Alternative::TwoSided)
    }
}

/// `55.1 % of 2000`.
impl fmt::Display for Hits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} % of {}", 100.0 * self.share(), self.calls)
    }
}

/// The hits of scores, decided from candle `from` on, over `horizon` candles each. Calls do not
/// overlap, so on coins they are independent.
pub(super) fn of_scores(
    closes: &CandleSeries,
    scores: &Outputs,
    from: usize,
    horizon: usize,
) -> Hits {
    let (mut hits, mut next) = (Hits::default(), from);
    for index in from..scores.len() {
        let score = scores.value(index, 0).filter(|score| score.abs() > 0.0);
        let (true, Some(score)) = (index >= next, score) else { continue };
        let Some(change) = change(closes, index, horizon) else { break };
        next = index + horizon;
        if change.abs() > 0.0 {
            hits.count((score > 0.0) == (change > 0.0));
        }
    }
    hits
}

/// Tests whether calls on fair coins are right more or less often than in half of the cases.
pub(super) fn held_against_a_coin(check: Check, hits: Hits, on: &str) -> Finding {
    tried(check, hits, 1, &format!("forecasts have the sign of {on}"))
}

fn tried(check: Check, hits: Hits, tries: usize, what: &str) -> Finding {
    if hits.calls < MIN_CALLS {
        let reason = format!("{} calls are too few, {MIN_CALLS} are needed", hits.calls);
        return Finding::not_applicable(check, reason);
    }
    let p = (hits.p_value(0.5, Alternative::TwoSided) * tries as f64).min(1.0);
    let p_text = if p < 1e-300 { "p < 1e-300".to_string() } else { format!("p = {p:.1e}") };
    let evidence = format!("{what} in {hits} ({p_text})");
    if p < LEVEL { Finding::leak(check, evidence) } else { Finding::clean(check, evidence) }
}

/// Sign of a column that may predict the direction of the next candle.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sign {
    /// A forecast's score.
    Score,
    /// A column against its median.
    Level(usize),
    /// A column against its last value.
    Step(usize),
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Score => f.write_str("the score"),
            Self::Level(column) => write!(f, "column {column} against its median"),
            Self::Step(column) => write!(f, "the step of column {column}"),
        }
    }
}

/// Every sign of rows.
pub(super) fn signs_of_rows(outputs: &Outputs) -> Vec<Sign> {
    let columns = 0..outputs.width();
    columns.flat_map(|column| [Sign::Level(column), Sign::Step(column)]).collect()
}

impl Sign {
    /// Up or down at every candle; the median is that before `known`.
    fn read(self, outputs: &Outputs, known: usize) -> Vec<Option<bool>> {
        let centre = match self {
            Self::Level(column) => {
                median((0..known).filter_map(|index| outputs.value(index, column)).collect())
            }
            Self::Score | Self::Step(_) => Some(0.0),
        };
        (0..outputs.len()).map(|index| self.is_up(outputs, index, centre)).collect()
    }

    fn is_up(self, outputs: &Outputs, index: usize, centre: Option<f64>) -> Option<bool> {
        let (value, against) = match self {
            Self::Score => (outputs.value(index, 0)?, centre?),
            Self::Level(column) => (outputs.value(index, column)?, centre?),
            Self::Step(column) => {
                (outputs.value(index, column)?, outputs.value(index.checked_sub(1)?, column)?)
            }
        };
        let above = value - against;
        (above.abs() > 0.0).then_some(above > 0.0)
    }
}

/// Counts the agreements of the sign at a candle with the move that ends `lag` candles later.
fn agreement(
    closes: &CandleSeries,
    signs: &[Option<bool>],
    range: Range<usize>,
    lag: usize,
) -> Hits {
    let mut hits = Hits::default();
    for index in range {
        let moved = change(closes, index + lag - 1, 1).filter(|change| change.abs() > 0.0);
        if let (Some(sign), Some(moved)) = (signs.get(index).copied().flatten(), moved) {
            hits.count(sign == (moved > 0.0));
        }
    }
    hits
}

/// The change of the close over the `horizon` candles after one.
fn change(closes: &CandleSeries, index: usize, horizon: usize) -> Option<f64> {
    Some(closes.get(index + horizon)?.close() - closes.get(index)?.close())
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// The sign that has the direction of the next candle so often that it must have seen it, in
/// words; `None` without one.
///
/// Read one candle later such a sign knows much less; one that does not is no offset, but a
/// market that goes one way.
pub(super) fn seen(
    closes: &CandleSeries,
    outputs: &Outputs,
    from: usize,
    signs: &[Sign],
) -> Option<String> {
    let range = from..outputs.len();
    signs.iter().find_map(|sign| {
        let read = sign.read(outputs, outputs.len());
        let [next, later] = [1, 2].map(|lag| agreement(closes, &read, range.clone(), lag));
        let (next, later) =
            if next.share() < 0.5 { (next.turned(), later.turned()) } else { (next, later) };
        // Either way round, for every sign.
        let p = next.p_value(UNBELIEVABLE, Alternative::Greater) * 2.0 * signs.len() as f64;
        let lost = later.share() - 0.5 < (next.share() - 0.5) / 2.0;
        (p < LEVEL && lost).then(|| {
            format!(
                "{sign} tells the direction of the next candle in {next}; delayed by one candle, \
                 in {later}"
            )
        })
    })
}

/// Hits on coins of the signs of rows, gathered over several markets.
///
/// The orientation of a sign and its median come from the first half of each market; on the
/// second half code that does not know the future is right in half of the candles.
#[derive(Debug)]
pub(super) struct OnCoins {
    signs: Vec<(Sign, Hits)>,
}

impl OnCoins {
    pub(super) fn new(signs: Vec<Sign>) -> Self {
        Self { signs: signs.into_iter().map(|sign| (sign, Hits::default())).collect() }
    }

    pub(super) fn add(&mut self, closes: &CandleSeries, outputs: &Outputs) {
        let begins = outputs.first_from(0).unwrap_or(outputs.len());
        let half = usize::midpoint(begins, outputs.len());
        for (sign, hits) in &mut self.signs {
            let read = sign.read(outputs, half);
            let first = agreement(closes, &read, begins..half.saturating_sub(1), 1);
            let second = agreement(closes, &read, half..outputs.len(), 1);
            *hits += if first.share() < 0.5 { second.turned() } else { second };
        }
    }

    pub(super) fn finding(&self) -> Finding {
        let best =
            self.signs.iter().min_by(|a, b| a.1.coin_p_value().total_cmp(&b.1.coin_p_value()));
        let Some((sign, hits)) = best else {
            return Finding::not_applicable(Check::Martingale, "there are no columns");
        };
        let what = format!("on coins the best of {} signs, {sign}, is right", self.signs.len());
        tried(Check::Martingale, *hits, self.signs.len(), &what)
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

    fn verdict(hits: u64, calls: u64) -> Verdict {
        held_against_a_coin(Check::Martingale, Hits { hits, calls }, "coins").verdict
    }

    fn scores(series: &CandleSeries, scores: &[f64]) -> Outputs {
        Outputs::of_rows(series, scores.iter().map(|score| Some(vec![*score])).collect()).unwrap()
    }

    #[test]
    fn scored_calls_do_not_overlap() {
        let closes = series(&[1.0, 2.0, 3.0, 2.0, 2.0, 5.0, 5.0]);
        let scores = scores(&closes, &[1.0, -1.0, 0.0, -1.0, 1.0, 1.0, 1.0]);
        for (from, horizon, expected) in [
            // Up right, down wrong, no call, no change, up right, no change.
            (0, 1, (2, 3)),
            (2, 1, (1, 1)),
            // At 0 up to 3, then at 3 (the score at 2 is no call) down to 5, wrong.
            (0, 2, (1, 2)),
            (0, 7, (0, 0)),
        ] {
            let Hits { hits, calls } = of_scores(&closes, &scores, from, horizon);
            assert_eq!((hits, calls), expected, "from {from} over {horizon}");
        }
    }

    #[test]
    fn a_coin_is_clean_and_few_calls_say_nothing() {
        assert_eq!(verdict(99, 99), Verdict::NotApplicable);
        assert_eq!(verdict(520, 1_000), Verdict::Clean);
        assert_eq!(verdict(561, 1_000), Verdict::Clean);
        assert_eq!(verdict(563, 1_000), Verdict::Leak);
        // Who is always wrong knows as much.
        assert_eq!(verdict(437, 1_000), Verdict::Leak);
    }

    #[test]
    fn a_market_that_only_rises_gives_no_sign_away() {
        let rising: Vec<f64> = (0..500).map(|hour| 100.0 + f64::from(hour)).collect();
        let rising = series(&rising);
        let bull = scores(&rising, &[1.0; 500]);
        assert_eq!(seen(&rising, &bull, 0, &[Sign::Score]), None);
    }
}
