//! Warnings about suspicious results.
use std::fmt;
use std::ops::RangeInclusive;

use serde::Serialize;
use windvane_candles::{CandleSeries, Direction, Interval, Timestamp};

use crate::score::bootstrap::MIN_CALLS;
use crate::score::{Accuracy, ResultRow};

/// Fewest calls for a claim: with 400 the 95 % interval is still ± 5 percentage points.
const ENOUGH_CALLS: usize = 400;

/// Smallest ratio of two closes that gives no warning; its inverse is the largest.
const MIN_RATIO: f64 = 0.6;

/// Kind of a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WarningCode {
    /// No candle was called.
    NoCalls,
    /// Every call hit, or every call missed: no skill and no lack of it does that.
    AllOrNothing,
    /// All calls go one way.
    OneDirection,
    /// Better than markets allow: audit for leaks.
    Suspicious,
    /// Too few calls for a claim.
    FewCalls,
    /// A channel did not vary in training.
    ConstantChannel,
    /// A close far from the one before: a split that is not adjusted for, or a crash.
    Jump,
}

/// Written as in JSON.
impl fmt::Display for WarningCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NoCalls => "no_calls",
            Self::AllOrNothing => "all_or_nothing",
            Self::OneDirection => "one_direction",
            Self::Suspicious => "suspicious",
            Self::FewCalls => "few_calls",
            Self::ConstantChannel => "constant_channel",
            Self::Jump => "jump",
        })
    }
}

/// A warning about one row of results or one training.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Warning {
    /// Kind of the warning.
    pub code: WarningCode,
    /// The model, or `every model`.
    pub model: String,
    /// The instrument, or `all`.
    pub instrument: String,
    /// The candles' interval; `None` where several are pooled.
    pub interval: Option<Interval>,
    /// Description with the observed numbers.
    pub message: String,
}

/// `code model, instrument, interval: message`.
impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}, {}", self.code, self.model, self.instrument)?;
        if let Some(interval) = self.interval {
            write!(f, ", {interval}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// All warnings about a row.
pub(crate) fn about(row: &ResultRow) -> Vec<Warning> {
    let messages = [
        (WarningCode::NoCalls, no_calls(row)),
        (WarningCode::AllOrNothing, all_or_nothing(row)),
        (WarningCode::OneDirection, one_direction(row)),
        (WarningCode::Suspicious, suspicious(row)),
        (WarningCode::FewCalls, few_calls(row)),
    ];
    let warnings = messages.into_iter().filter_map(|(code, message)| {
        Some(Warning {
            code,
            model: row.model.clone(),
            instrument: row.instrument.clone(),
            interval: row.interval,
            message: message?,
        })
    });
    warnings.collect()
}

/// A warning where a tested close lies further from the one before than prices go by themselves.
pub(crate) fn jump(series: &CandleSeries, tested: RangeInclusive<Timestamp>) -> Option<Warning> {
    let interval = series.interval();
    let far = series.candles().windows(2).filter_map(|two| {
        let ratio = two[1].close() / two[0].close();
        let time = two[1].open_time();
        let wide = !(MIN_RATIO..=1.0 / MIN_RATIO).contains(&ratio);
        (wide && tested.contains(&time)).then_some((time, 100.0 * (ratio - 1.0)))
    });
    let far: Vec<_> = far.collect();
    let (time, percent) = far.first()?;
    let others = match far.len() - 1 {
        0 => String::new(),
        count => format!(", and as far at {count} more"),
    };
    Some(Warning {
        code: WarningCode::Jump,
        model: "every model".to_string(),
        instrument: series.pair().to_string(),
        interval: Some(interval),
        message: format!(
            "the close changes by {percent:+.1} % in the candle of {time}{others}: if that is a split, \
             nobody earned or lost it, but the trading results do"
        ),
    })
}

fn no_calls(row: &ResultRow) -> Option<String> {
    let candles = row.score.candles;
    (row.score.calls == 0 && candles > 0)
        .then(|| format!("none of {candles} candles was called: there is no accuracy"))
}

fn all_or_nothing(row: &ResultRow) -> Option<String> {
    let scored = row.score.scored;
    let which = match row.score.hits {
        0 => "missed",
        hits if hits == scored => "hit",
        _ => return None,
    };
    (scored >= MIN_CALLS)
        .then(|| format!("all {scored} calls {which}: look for a leak or a swapped sign"))
}

fn one_direction(row: &ResultRow) -> Option<String> {
    let [up, down] = [Direction::Up, Direction::Down].map(|direction| -> usize {
        Direction::ALL.iter().map(|label| row.confusion.count(*label, direction)).sum()
    });
    let direction = match (up, down) {
        (up, 0) if up >= MIN_CALLS => Direction::Up,
        (0, down) if down >= MIN_CALLS => Direction::Down,
        _ => return None,
    };
    Some(format!("all {} calls are {direction}: this is a bias, not a prediction", row.score.calls))
}

/// The highest accuracy, every candle called, that a market may allow: 58 % for candles shorter
/// than a day, 62 % beyond, and where intervals are mixed.
fn limit(interval: Option<Interval>) -> f64 {
    if interval.is_some_and(|interval| interval < Interval::DAY) { 0.58 } else { 0.62 }
}

/// Whether an accuracy, every candle called, is above what markets allow.
pub(crate) fn too_good(full_coverage: &Accuracy, interval: Option<Interval>) -> bool {
    full_coverage.scored >= MIN_CALLS
        && full_coverage.accuracy.is_some_and(|accuracy| accuracy > limit(interval))
}

fn suspicious(row: &ResultRow) -> Option<String> {
    let (percent, limit) = (100.0 * row.full_coverage.accuracy?, 100.0 * limit(row.interval));
    row.suspicious
        .then(|| format!("{percent:.2} % on every candle, above {limit:.0} %: audit for leaks"))
}

fn few_calls(row: &ResultRow) -> Option<String> {
    let calls = row.score.calls;
    (1..ENOUGH_CALLS)
        .contains(&calls)
        .then(|| format!("{calls} calls are too few for a claim, which takes {ENOUGH_CALLS}"))
}

#[cfg(test)]
mod tests {
    use Direction::{Down, Neutral, Up};
    use windvane_candles::{Candle, Ohlcv};

    use super::*;
    use crate::score::Record;
    use crate::score::result::row;
    use crate::score::testing::record;

    fn codes(n: i64, one: impl Fn(i64) -> (Direction, f64)) -> Vec<WarningCode> {
        let records: Vec<Record> = (0..n)
            .map(|t| (t, one(t)))
            .map(|(t, (call, change))| record(t, call, change))
            .collect();
        about(&row(&records)).into_iter().map(|warning| warning.code).collect()
    }

    fn day(number: i64) -> Timestamp {
        Timestamp::from_millis(number * 86_400_000)
    }

    fn sign(t: i64) -> f64 {
        if t % 2 == 0 { 0.01 } else { -0.01 }
    }

    fn turn(t: i64) -> Direction {
        if t % 4 < 2 { Up } else { Down }
    }

    fn right(t: i64) -> (Direction, f64) {
        (Direction::of_change(sign(t)), sign(t))
    }

    fn mostly(t: i64) -> (Direction, f64) {
        (if t % 5 < 3 { right(t).0 } else { right(t).0.opposite() }, sign(t))
    }

    #[test]
    fn each_warning_has_its_case() {
        use WarningCode::{AllOrNothing, FewCalls, NoCalls, OneDirection, Suspicious};
        assert_eq!(codes(500, |t| (turn(t), sign(t))), []);
        assert_eq!(codes(399, |t| (turn(t), sign(t))), [FewCalls]);
        assert_eq!(codes(500, |t| (Neutral, sign(t))), [NoCalls]);
        assert_eq!(codes(500, |t| (Up, sign(t))), [OneDirection]);
        assert_eq!(codes(500, |t| (Down, sign(t))), [OneDirection]);
        assert_eq!(codes(500, right), [AllOrNothing, Suspicious]);
        assert_eq!(codes(500, |t| (right(t).0.opposite(), sign(t))), [AllOrNothing]);
        assert_eq!(codes(29, right), [FewCalls]);
        // Three of five right, on every candle.
        assert_eq!(codes(500, mostly), [Suspicious]);
    }

    #[test]
    fn a_split_that_is_tested_is_told_of() {
        let closes = [700.0, 702.0, 100.5, 101.0, 55.0, 56.0];
        let candles = (0..).zip(closes).map(|(number, close)| {
            let values = Ohlcv { open: close, high: close, low: close, close, volume: 1.0 };
            Candle::new(day(number), values).unwrap()
        });
        let pair = "AAPL".parse().unwrap();
        let series = CandleSeries::new(pair, Interval::DAY, candles.collect()).unwrap();
        let all = jump(&series, day(0)..=day(9)).unwrap().to_string();
        assert!(
            all.starts_with("jump every model, AAPL, 1d: the close changes by -85.7 % in"),
            "{all}"
        );
        assert!(all.contains("1970-01-03") && all.contains("as far at 1 more"), "{all}");
        assert!(!jump(&series, day(3)..=day(9)).unwrap().message.contains("more"));
        assert_eq!(jump(&series, day(0)..=day(1)), None);
        assert_eq!(jump(&series, day(5)..=day(9)), None);
    }

    #[test]
    fn the_limit_is_higher_for_days() {
        let records: Vec<Record> = (0..500)
            .map(|t| record(t, if t % 10 < 6 { Up } else { Down }, 0.01))
            .map(|record| Record { interval: Interval::DAY, ..record })
            .collect();
        let mut daily = row(&records);
        let half = Interval::from_millis(12 * 3_600_000).unwrap();
        for (interval, expected) in [
            (Some(half), true),
            (Some(Interval::MINUTE), true),
            (Some(Interval::DAY), false),
            (None, false),
        ] {
            assert_eq!(too_good(&daily.full_coverage, interval), expected, "{interval:?}");
        }
        daily.suspicious = true;
        daily.interval = Some(half);
        assert!(suspicious(&daily).unwrap().starts_with("60.00 %"));
    }
}
