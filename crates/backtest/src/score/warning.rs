//! Warnings about suspicious results.
use std::fmt;
use std::ops::RangeInclusive;

use serde::Serialize;
use windvane_candles::{CandleSeries, Direction, Interval, Timestamp};

use crate::metrics::{Alternative, Bounds, Proportion};
use crate::score::bootstrap::MIN_VALUES;
use crate::score::text::{date, thousands};
use crate::score::{Accuracy, ResultRow};

/// Minimum number of predictions for a conclusion: with 400 the 95 % interval is still ± 5
/// percentage points.
const MIN_PREDICTIONS: usize = 400;

/// Minimum ratio of two consecutive closes without a warning; its inverse is the maximum.
const MIN_RATIO: f64 = 0.6;

/// Model of a warning that does not depend on a model.
const EVERY_MODEL: &str = "every model";

/// Kind of a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WarningCode {
    /// The model made no prediction of UP or DOWN.
    NoPredictions,
    /// All scored predictions are correct, or all are wrong.
    AllOrNothing,
    /// All predictions have the same direction.
    OneDirection,
    /// The accuracy is implausibly high; audit the model for leaks.
    Suspicious,
    /// There are too few predictions for a conclusion.
    FewPredictions,
    /// A channel did not vary in training.
    ConstantChannel,
    /// Two consecutive closes differ by more than 40 %: an unadjusted split, or a crash.
    Jump,
    /// Trading the predictions loses the whole capital.
    Ruined,
    /// The model was fitted on candles of a test period.
    InSample,
    /// The hits persist, so that the 95 % interval has few blocks and may be far too narrow.
    FewBlocks,
    /// The model, or a member of it, has no training record.
    UnknownTraining,
}

/// Code of the warning, as in JSON.
impl fmt::Display for WarningCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NoPredictions => "no_predictions",
            Self::AllOrNothing => "all_or_nothing",
            Self::OneDirection => "one_direction",
            Self::Suspicious => "suspicious",
            Self::FewPredictions => "few_predictions",
            Self::ConstantChannel => "constant_channel",
            Self::Jump => "jump",
            Self::Ruined => "ruined",
            Self::InSample => "in_sample",
            Self::FewBlocks => "few_blocks",
            Self::UnknownTraining => "unknown_training",
        })
    }
}

/// Warning about one row of results, a training or an instrument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Warning {
    /// Kind of the warning.
    pub code: WarningCode,
    /// Name of the model, or `every model`.
    pub model: String,
    /// Name of the instrument, or `all`.
    pub instrument: String,
    /// Interval of the candles; `None` if several are pooled.
    pub interval: Option<Interval>,
    /// Description with the observed numbers, as a sentence without its full stop.
    pub message: String,
}

/// `instrument (interval): message (model).`
impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place(), sentence(&self.message, &[&self.model]))
    }
}

impl Warning {
    /// Name of the instrument with the interval.
    fn place(&self) -> String {
        let instrument =
            if self.instrument == "all" { "All instruments" } else { &self.instrument };
        match self.interval {
            Some(interval) => format!("{instrument} ({interval})"),
            None => format!("{instrument}, all intervals"),
        }
    }
}

/// Messages with the models that they are about.
type ModelsByMessage<'a> = Vec<(&'a str, Vec<&'a str>)>;

/// Texts of the warnings: one line per instrument and interval, one sentence per message. Models
/// with the same message share a sentence.
pub(crate) fn warning_lines(warnings: &[Warning]) -> Vec<String> {
    let mut places: Vec<(String, ModelsByMessage<'_>)> = Vec::new();
    for warning in warnings {
        let place = warning.place();
        let index = places.iter().position(|(other, _)| *other == place).unwrap_or_else(|| {
            places.push((place, Vec::new()));
            places.len() - 1
        });
        let messages = &mut places[index].1;
        match messages.iter_mut().find(|(message, _)| *message == warning.message) {
            Some((_, models)) => models.push(&warning.model),
            None => messages.push((&warning.message, vec![&warning.model])),
        }
    }
    let lines = places.iter().map(|(place, messages)| {
        let sentences = messages.iter().map(|(message, models)| sentence(message, models));
        format!("{place}: {}", sentences.collect::<Vec<_>>().join(" "))
    });
    lines.collect()
}

/// Message with the models that it is about, as a sentence.
fn sentence(message: &str, models: &[&str]) -> String {
    if models == [EVERY_MODEL] {
        return format!("{message}.");
    }
    format!("{message} ({}).", models.join(", "))
}

/// Warnings about a row.
pub(crate) fn warnings_about(row: &ResultRow) -> Vec<Warning> {
    let messages = [
        (WarningCode::NoPredictions, no_predictions(row)),
        (WarningCode::AllOrNothing, all_or_nothing(row)),
        (WarningCode::OneDirection, one_direction(row)),
        (WarningCode::Suspicious, suspicious(row)),
        (WarningCode::FewPredictions, few_predictions(row)),
        (WarningCode::Ruined, ruined(row)),
        (WarningCode::FewBlocks, few_blocks(row)),
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

/// Warning about a tested close that differs from the previous one by more than 40 %.
pub(crate) fn jump(series: &CandleSeries, tested: RangeInclusive<Timestamp>) -> Option<Warning> {
    let jumps = series.candles().windows(2).filter_map(|two| {
        let ratio = two[1].close() / two[0].close();
        let time = two[1].open_time();
        let wide = !(MIN_RATIO..=1.0 / MIN_RATIO).contains(&ratio);
        (wide && tested.contains(&time)).then_some((time, 100.0 * (ratio - 1.0)))
    });
    let jumps: Vec<_> = jumps.collect();
    let (time, percent) = jumps.first()?;
    let verb = if *percent < 0.0 { "falls" } else { "rises" };
    let others = match jumps.len() - 1 {
        0 => String::new(),
        count => format!(", and by a similar amount in {} more", thousands(count)),
    };
    Some(Warning {
        code: WarningCode::Jump,
        model: EVERY_MODEL.to_string(),
        instrument: series.pair().to_string(),
        interval: Some(series.interval()),
        message: format!(
            "The close {verb} by {:.1} % in the candle of {}{others}; if this is a split, adjust \
             the prices, because the trading results count it as a gain or a loss",
            percent.abs(),
            date(*time)
        ),
    })
}

fn no_predictions(row: &ResultRow) -> Option<String> {
    let candles = row.score.candles;
    (row.score.predictions == 0 && candles > 0).then(|| {
        format!("No prediction on any of {} candles, so there is no accuracy", thousands(candles))
    })
}

fn all_or_nothing(row: &ResultRow) -> Option<String> {
    let scored = row.score.scored;
    let outcome = match row.score.correct {
        0 => "wrong; look for a swapped sign",
        correct if correct == scored => "correct; look for a leak",
        _ => return None,
    };
    (scored >= MIN_VALUES)
        .then(|| format!("All {} scored predictions are {outcome}", thousands(scored)))
}

fn one_direction(row: &ResultRow) -> Option<String> {
    let [up, down] = [Direction::Up, Direction::Down].map(|direction| -> usize {
        Direction::ALL.iter().map(|label| row.confusion.count(*label, direction)).sum()
    });
    let direction = match (up, down) {
        (up, 0) if up >= MIN_VALUES => Direction::Up,
        (0, down) if down >= MIN_VALUES => Direction::Down,
        _ => return None,
    };
    let predictions = thousands(row.score.predictions);
    Some(format!("All {predictions} predictions are {direction}, which is a bias, not a forecast"))
}

/// Maximum plausible accuracy at full coverage: 58 % for candles shorter than a day, 62 % for
/// longer ones and for pooled intervals.
fn limit(interval: Option<Interval>) -> f64 {
    if interval.is_some_and(|interval| interval < Interval::DAY) { 0.58 } else { 0.62 }
}

/// Significance level of an implausibly high accuracy: a report has a test per model and
/// instrument.
const SUSPICIOUS_LEVEL: f64 = 1e-3;

/// Whether the accuracy at full coverage is implausibly high: above the limit by a statistically
/// significant margin, in an exact binomial test and, where it is defined, in the block bootstrap's
/// `interval_95`, which allows for dependent predictions.
pub(crate) fn too_good(
    full_coverage: &Accuracy,
    interval_95: Option<Bounds>,
    interval: Option<Interval>,
) -> bool {
    let limit = limit(interval);
    let counts = Proportion::new(full_coverage.correct as u64, full_coverage.scored as u64);
    let p = counts.and_then(|counts| counts.binomial_test(limit, Alternative::Greater));
    full_coverage.scored >= MIN_VALUES
        && p.is_some_and(|p| p < SUSPICIOUS_LEVEL)
        && interval_95.is_none_or(|bounds| bounds.low > limit)
}

fn suspicious(row: &ResultRow) -> Option<String> {
    let (percent, limit) = (100.0 * row.full_coverage.accuracy?, 100.0 * limit(row.interval));
    row.suspicious.then(|| {
        format!(
            "An accuracy of {percent:.2} % at full coverage is significantly above the plausible \
             {limit:.0} %; audit for leaks"
        )
    })
}

/// Ruin at the lowest cost at which it happens.
fn ruined(row: &ResultRow) -> Option<String> {
    let net = row.trading.as_ref()?.net.iter().filter(|net| net.ruined_at.is_some());
    let net = net.min_by(|a, b| a.cost.total_cmp(&b.cost))?;
    Some(format!(
        "Trading every prediction at a cost of {} bp loses the whole capital on {}: total return \
         and drawdown are −100 %, and the account trades no more",
        net.cost,
        date(net.ruined_at?)
    ))
}

/// Intervals of the accuracy or the edge from few blocks.
fn few_blocks(row: &ResultRow) -> Option<String> {
    let edge = row.excess_accuracy.and_then(|excess| excess.interval_95);
    let few = [row.interval_95, edge].iter().flatten().any(|bounds| bounds.few_blocks);
    few.then(|| {
        let blocks = row.blocks.unwrap_or_default();
        format!(
            "The hits persist over long times: the 95 % intervals have only {blocks} independent \
             blocks of time, may be far too narrow (marked †), and are no evidence; test a longer \
             period"
        )
    })
}

fn few_predictions(row: &ResultRow) -> Option<String> {
    let predictions = row.score.predictions;
    (1..MIN_PREDICTIONS)
        .contains(&predictions)
        .then(|| format!("Only {predictions} predictions; at least {MIN_PREDICTIONS} are needed"))
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
            .map(|(t, (prediction, change))| record(t, prediction, change))
            .collect();
        let codes = warnings_about(&row(&records)).into_iter().map(|warning| warning.code);
        // Periodic hits lengthen the blocks.
        codes.filter(|code| *code != WarningCode::FewBlocks).collect()
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
        (Direction::from_change(sign(t)), sign(t))
    }

    fn mostly(t: i64) -> (Direction, f64) {
        (if t % 5 < 3 { right(t).0 } else { right(t).0.opposite() }, sign(t))
    }

    #[test]
    fn each_warning_is_raised_in_its_case() {
        use WarningCode::{AllOrNothing, FewPredictions, NoPredictions, OneDirection, Suspicious};
        assert_eq!(codes(500, |t| (turn(t), sign(t))), []);
        assert_eq!(codes(399, |t| (turn(t), sign(t))), [FewPredictions]);
        assert_eq!(codes(500, |t| (Neutral, sign(t))), [NoPredictions]);
        assert_eq!(codes(500, |t| (Up, sign(t))), [OneDirection]);
        assert_eq!(codes(500, |t| (Down, sign(t))), [OneDirection]);
        assert_eq!(codes(500, right), [AllOrNothing, Suspicious]);
        assert_eq!(codes(500, |t| (right(t).0.opposite(), sign(t))), [AllOrNothing]);
        assert_eq!(codes(29, right), [FewPredictions]);
        // Three of five right, on every candle: above 58 %, and significantly so for many candles.
        assert_eq!(codes(500, mostly), []);
        assert_eq!(codes(10_000, mostly), [Suspicious]);
    }

    // Right in the first half of the test and wrong in the second.
    #[test]
    fn persistent_hits_have_a_warning_about_few_blocks() {
        let hit = |t: i64| if t < 1_000 { right(t).0 } else { right(t).0.opposite() };
        let records: Vec<Record> = (0..2_000).map(|t| record(t, hit(t), sign(t))).collect();
        let warnings = warnings_about(&row(&records));
        let few = warnings.iter().find(|warning| warning.code == WarningCode::FewBlocks).unwrap();
        assert!(few.message.contains("marked †"), "{few}");
    }

    #[test]
    fn jump_of_a_tested_close_is_reported_once() {
        let closes = [700.0, 702.0, 100.5, 101.0, 55.0, 56.0];
        let candles = (0..).zip(closes).map(|(number, close)| {
            let values = Ohlcv { open: close, high: close, low: close, close, volume: 1.0 };
            Candle::new(day(number), values).unwrap()
        });
        let pair = "AAPL".parse().unwrap();
        let series = CandleSeries::new(pair, Interval::DAY, candles.collect()).unwrap();
        let all = jump(&series, day(0)..=day(9)).unwrap().to_string();
        assert!(
            all.starts_with(
                "AAPL (1d): The close falls by 85.7 % in the candle of 1970-01-03, and"
            ),
            "{all}"
        );
        assert!(all.contains("in 1 more;") && all.ends_with("a gain or a loss."), "{all}");
        assert!(!jump(&series, day(3)..=day(9)).unwrap().message.contains("more"));
        assert_eq!(jump(&series, day(0)..=day(1)), None);
        assert_eq!(jump(&series, day(5)..=day(9)), None);
    }

    #[test]
    fn plausible_accuracy_is_higher_for_daily_candles() {
        let records: Vec<Record> = (0..10_000)
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
            assert_eq!(too_good(&daily.full_coverage, None, interval), expected, "{interval:?}");
        }
        daily.suspicious = true;
        daily.interval = Some(half);
        assert!(
            suspicious(&daily).unwrap().contains("60.00 % at full coverage is significantly above")
        );
    }

    // 15 of 200 random walks with 77 predictions each have an accuracy above 58 %.
    #[test]
    fn accuracy_of_few_random_predictions_is_not_suspicious() {
        let mut random =
            windvane_lstm_core::Stream::new(9, windvane_lstm_core::Purpose::Shuffle, 0, 0);
        let (mut above, mut suspicious) = (0, 0);
        for _ in 0..200 {
            let correct = (0..77).filter(|_| random.uniform() < 0.5).count();
            let accuracy = Some(correct as f64 / 77.0);
            let score = Accuracy {
                candles: 77,
                predictions: 77,
                scored: 77,
                correct,
                accuracy,
                coverage: Some(1.0),
            };
            above += usize::from(accuracy > Some(0.58));
            suspicious += usize::from(too_good(&score, None, Some(Interval::HOUR)));
        }
        assert!(above > 5 && suspicious == 0, "{above} {suspicious}");
    }

    #[test]
    fn warning_lines_are_one_per_instrument_and_share_equal_messages() {
        let warning = |model: &str, instrument: &str, interval, message: &str| Warning {
            code: WarningCode::FewPredictions,
            model: model.to_string(),
            instrument: instrument.to_string(),
            interval,
            message: message.to_string(),
        };
        let hour = Some(Interval::HOUR);
        let warnings = [
            warning("v2", "SIM", hour, "Only 9 predictions"),
            warning("v32", "SIM", hour, "Only 9 predictions"),
            warning("v2", "all", None, "All 9 predictions are UP"),
            warning("v3", "SIM", hour, "Only 8 predictions"),
            warning(EVERY_MODEL, "SIM", Some(Interval::DAY), "The close falls"),
        ];
        let expected = [
            "SIM (1h): Only 9 predictions (v2, v32). Only 8 predictions (v3).",
            "All instruments, all intervals: All 9 predictions are UP (v2).",
            "SIM (1d): The close falls.",
        ];
        assert_eq!(warning_lines(&warnings), expected);
    }
}
