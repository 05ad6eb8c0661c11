//! Confidence intervals by resampling blocks of calendar time.
//!
//! Outcomes at neighbouring times are dependent: volatility and drift persist, outcomes of longer
//! horizons overlap, and instruments move together. Therefore blocks of consecutive times are drawn
//! with replacement instead of single predictions; a block holds the predictions of *all*
//! instruments at its times.
//!
//! **Block length** at least `max(20, ⌈n^(1/3)⌉, 2 × horizon)` times, n being the number of distinct
//! times with a scored prediction; n^(1/3) is the optimal order for the variance of a mean (Hall,
//! Horowitz & Jing 1995). If that gives fewer than 20 blocks, the length is reduced to n / 20, but
//! not below the horizon. Persistent values lengthen the blocks, down to five blocks: see
//! [`block_length`](super::block_length). An interval of fewer than 16 blocks is marked,
//! [`Bounds::few_blocks`](crate::metrics::Bounds::few_blocks). If several candle intervals are pooled, times are counted in units of the
//! longest one.
//!
//! **Interval** percentiles of 2,000 resamples, with their distance from the estimate multiplied by
//! √(B / (B − 1)) · t / z, where B is the number of blocks and t and z are the quantiles of
//! Student's t distribution with B − 1 degrees of freedom and of the normal distribution. Plain
//! percentiles ignore the uncertainty of the variance and have too low a coverage for few blocks.
//! The interval is `None` with fewer than 30 scored predictions, with fewer than 20 blocks before
//! they are lengthened, and if all resamples are equal (0 % or 100 %), because they then have no spread.
//!
//! **p-value** estimate divided by the standard deviation of the resamples, which is multiplied by
//! √(B / (B − 1)), as a one-sided Student's t with B − 1 degrees of freedom: the probability of at
//! least this estimate if the true value is 0.
use std::ops::{AddAssign, RangeInclusive};

use windvane_lstm_core::{Purpose, Stream};

use crate::metrics::Bounds;
use crate::metrics::distribution::student_two_sided;
use crate::score::block_length::lengthened;
use crate::score::comparison::ComparedRecords;
use crate::score::time_places::TimePlaces;
use crate::score::{Baseline, Record};

/// Number of resamples.
pub(crate) const RESAMPLES: u64 = 2_000;
/// Minimum number of values: scored predictions or returns.
pub(crate) const MIN_VALUES: usize = 30;
/// Minimum number of blocks.
const MIN_BLOCKS: usize = 20;
/// Minimum length of a block, in candles, if there are enough candles.
const MIN_BLOCK_LEN: usize = 20;

/// Settings of a run that its metrics depend on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScoreSettings<'a> {
    /// Horizon of the labels, in candles.
    pub(crate) horizon: usize,
    /// Seed of the resamples.
    pub(crate) seed: u64,
    /// Trading costs, basis points.
    pub(crate) costs: &'a [f64],
}

/// Counts of correct and scored predictions of a model, and of another model or a baseline on the
/// same candles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PairedCounts {
    correct: usize,
    scored: usize,
    other_correct: usize,
    other_scored: usize,
}

impl AddAssign for PairedCounts {
    fn add_assign(&mut self, more: Self) {
        self.correct += more.correct;
        self.scored += more.scored;
        self.other_correct += more.other_correct;
        self.other_scored += more.other_scored;
    }
}

impl PairedCounts {
    /// Counts of one candle: whether either prediction is correct; `None` if it is not scored.
    pub(crate) fn of(own: Option<bool>, other: Option<bool>) -> Self {
        Self {
            correct: usize::from(own == Some(true)),
            scored: usize::from(own.is_some()),
            other_correct: usize::from(other == Some(true)),
            other_scored: usize::from(other.is_some()),
        }
    }

    /// Contributions to the deviations of the accuracy and of the excess accuracy from those of
    /// the whole.
    pub(crate) fn influence(&self, whole: &Self) -> [f64; 2] {
        let deviation = |correct: usize, scored: usize, all_correct: usize, all: usize| {
            let share = crate::metrics::share(all_correct, all).unwrap_or(0.0);
            correct as f64 - share * scored as f64
        };
        let own = deviation(self.correct, self.scored, whole.correct, whole.scored);
        let (correct, scored) = (self.other_correct, self.other_scored);
        let other = deviation(correct, scored, whole.other_correct, whole.other_scored);
        [own, own - other]
    }

    fn accuracy(&self) -> Option<f64> {
        crate::metrics::share(self.correct, self.scored)
    }

    fn excess_accuracy(&self) -> Option<f64> {
        Some(self.accuracy()? - crate::metrics::share(self.other_correct, self.other_scored)?)
    }
}

/// Sum with the number of its terms.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Mean {
    pub(crate) sum: f64,
    pub(crate) count: usize,
}

impl AddAssign for Mean {
    fn add_assign(&mut self, more: Self) {
        self.sum += more.sum;
        self.count += more.count;
    }
}

impl Mean {
    /// Contribution to the deviation of the mean from that of the whole.
    pub(crate) fn influence(&self, whole: &Self) -> [f64; 2] {
        [self.sum - whole.value().unwrap_or(0.0) * self.count as f64, 0.0]
    }

    /// Mean of the terms; `None` without any.
    pub(crate) fn value(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

/// Resampled sums over blocks of calendar time. Statistics of one resample are paired.
#[derive(Debug)]
pub(crate) struct Bootstrap<T> {
    blocks: usize,
    /// Sum of all blocks.
    whole: T,
    resamples: Vec<T>,
}

impl<T: Copy + Default + AddAssign> Bootstrap<T> {
    /// Resamples values with their times, which are in units of candles and in any order; `None`
    /// with too few values or blocks. The values of equal times are added in their order.
    ///
    /// `influence` returns the contributions of a value to the deviations of two statistics from
    /// those of all values. The blocks are long enough for both.
    pub(crate) fn of_times(
        values: impl Iterator<Item = (i64, T)> + Clone,
        influence: impl Fn(&T, &T) -> [f64; 2],
        horizon: usize,
        seed: u64,
    ) -> Option<Self> {
        Some(Self::of_blocks(&blocks(values, influence, horizon)?, seed))
    }

    fn of_blocks(blocks: &[T], seed: u64) -> Self {
        let resamples = (0..RESAMPLES).map(|index| {
            let mut stream = Stream::new(seed, Purpose::Bootstrap, 0, index);
            sum((0..blocks.len()).map(|_| blocks[stream.below(blocks.len())]))
        });
        Self {
            blocks: blocks.len(),
            whole: sum(blocks.iter().copied()),
            resamples: resamples.collect(),
        }
    }

    /// Number of blocks.
    pub(crate) fn blocks(&self) -> usize {
        self.blocks
    }

    /// Confidence interval of a statistic, clipped to a range.
    pub(crate) fn bounds(
        &self,
        of: impl Fn(&T) -> Option<f64>,
        level: f64,
        range: RangeInclusive<f64>,
    ) -> Option<Bounds> {
        let resamples = self.resamples.iter().filter_map(&of).collect();
        Bounds::from_resamples(of(&self.whole)?, resamples, self.blocks, level, range)
    }

    /// One-sided p-value of a statistic above 0; `None` if all resamples are equal.
    pub(crate) fn p_value(&self, of: impl Fn(&T) -> Option<f64>) -> Option<f64> {
        let estimate = of(&self.whole)?;
        let values: Vec<f64> = self.resamples.iter().filter_map(&of).collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n;
        // The variance of equal values is 0 except for rounding.
        if values.is_empty() || variance <= 1e-24 * mean * mean {
            return None;
        }
        let freedom = self.blocks as f64 - 1.0;
        let t = estimate / (variance * (freedom + 1.0) / freedom).sqrt();
        let tail = student_two_sided(t, freedom) / 2.0;
        Some(if t > 0.0 { tail } else { 1.0 - tail })
    }
}

fn sum<T: Default + AddAssign>(terms: impl Iterator<Item = T>) -> T {
    let mut sum = T::default();
    for term in terms {
        sum += term;
    }
    sum
}

impl Bootstrap<PairedCounts> {
    /// Resamples the predictions of a model paired with those of a baseline on the same candles.
    pub(crate) fn new<'a>(
        records: impl Into<ComparedRecords<'a>>,
        rule: Baseline,
        settings: ScoreSettings<'_>,
    ) -> Option<Self> {
        let records = records.into();
        let unit = records.iter().map(|record| record.interval.millis()).max()?;
        let scored = records.iter().filter_map(|record| {
            let outcome = record.is_correct(record.predicted)?;
            let baseline = record.is_correct(record.baselines.direction(rule));
            let counts = PairedCounts::of(Some(outcome), baseline);
            Some((record.decided_at.millis().div_euclid(unit), counts))
        });
        Self::of_times(scored, PairedCounts::influence, settings.horizon, settings.seed)
    }

    /// Interval of the accuracy.
    pub(crate) fn accuracy(&self, level: f64) -> Option<Bounds> {
        self.bounds(PairedCounts::accuracy, level, 0.0..=1.0)
    }

    /// Interval of the excess accuracy.
    pub(crate) fn excess_accuracy(&self, level: f64) -> Option<Bounds> {
        self.bounds(PairedCounts::excess_accuracy, level, -1.0..=1.0)
    }

    /// Excess accuracy over all candles.
    pub(crate) fn whole_excess_accuracy(&self) -> Option<f64> {
        self.whole.excess_accuracy()
    }

    /// One-sided p-value of an excess accuracy above 0.
    pub(crate) fn excess_p_value(&self) -> Option<f64> {
        self.p_value(PairedCounts::excess_accuracy)
    }
}

/// Longest candle interval of the records, milliseconds: their unit of time.
pub(crate) fn longest(records: &[Record]) -> Option<i64> {
    records.iter().map(|record| record.interval.millis()).max()
}

/// Sums of the blocks of consecutive times, oldest first.
fn blocks<T: Copy + Default + AddAssign>(
    values: impl Iterator<Item = (i64, T)> + Clone,
    influence: impl Fn(&T, &T) -> [f64; 2],
    horizon: usize,
) -> Option<Vec<T>> {
    if values.clone().count() < MIN_VALUES {
        return None;
    }
    let mut places = TimePlaces::new(values.clone().map(|(time, _)| time));
    let mut times = vec![T::default(); places.len()];
    for (time, value) in values {
        times[places.of(time)] += value;
    }
    let mut length = least_length(times.len(), horizon)?;
    let whole = sum(times.iter().copied());
    let influences: Vec<[f64; 2]> = times.iter().map(|time| influence(time, &whole)).collect();
    for statistic in 0..2 {
        let series: Vec<f64> = influences.iter().map(|both| both[statistic]).collect();
        length = lengthened(length, &series);
    }
    let count = times.len() / length;
    let mut blocks = vec![T::default(); count];
    for (rank, time) in times.iter().enumerate() {
        // The remainder is spread over all blocks, so that no block is much shorter.
        blocks[rank * count / times.len()] += *time;
    }
    Some(blocks)
}

/// Least length of a block for a number of times; `None` if blocks as short as the horizon are too
/// few.
fn least_length(times: usize, horizon: usize) -> Option<usize> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cube root of a length"
    )]
    let root = (times as f64).cbrt().ceil() as usize;
    let length = MIN_BLOCK_LEN.max(root).max(horizon.saturating_mul(2));
    let length = length.min(times / MIN_BLOCKS);
    (length >= horizon.max(1)).then_some(length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rayon::prelude::*;
    use windvane_candles::Direction::{Down, Neutral, Up};

    use super::*;
    use crate::score::testing::{any_records, record};

    const SETTINGS: ScoreSettings<'_> = ScoreSettings { horizon: 1, seed: 7, costs: &[] };

    fn alternating(n: i64) -> Vec<Record> {
        (0..n).map(|t| record(t, Up, if t % 2 == 0 { 0.01 } else { -0.01 })).collect()
    }

    fn accuracy(records: &[Record]) -> Option<Bounds> {
        Bootstrap::new(records, Baseline::AlwaysUp, SETTINGS)?.accuracy(0.95)
    }

    #[test]
    fn block_count_follows_the_rule() {
        // Times, horizon, blocks.
        let table = [
            (19, 1, None),
            (20, 1, Some(20)),
            (100, 1, Some(20)),
            (400, 1, Some(20)),
            (1_000, 1, Some(50)),
            (27_000, 1, Some(900)),
            (10_000, 24, Some(208)),
            (400, 21, None),
        ];
        for (times, horizon, expected) in table {
            let count = least_length(times, horizon).map(|length| times / length);
            assert_eq!(count, expected, "{times} {horizon}");
        }
    }

    #[test]
    fn bootstrap_interval_requires_enough_values_and_blocks() {
        assert_eq!(accuracy(&alternating(29)), None);
        assert!(accuracy(&alternating(30)).is_some_and(|bounds| bounds.low < bounds.high));
        let neutral: Vec<Record> = (0..100).map(|t| record(t, Neutral, 0.01)).collect();
        assert_eq!(accuracy(&neutral), None);
        // Thirty predictions at one time are one block, which has no spread.
        let at_once: Vec<Record> = (0..30).map(|_| record(5, Up, 0.01)).collect();
        assert_eq!(accuracy(&at_once), None);
    }

    #[test]
    fn bootstrap_of_only_correct_predictions_has_no_interval() {
        let right: Vec<Record> = (0..500).map(|t| record(t, Up, 0.01)).collect();
        assert_eq!(accuracy(&right), None);
    }

    fn fair_change(stream: &mut Stream) -> f64 {
        if stream.uniform() < 0.5 { 0.01 } else { -0.01 }
    }

    fn excess_p_value(records: &[Record]) -> f64 {
        Bootstrap::new(records, Baseline::AlwaysUp, SETTINGS).unwrap().excess_p_value().unwrap()
    }

    /// Whether the interval of blocks of 20 fair coin flips covers 0.5.
    fn covers_half(count: u64, simulation: u64) -> bool {
        let mut stream = Stream::new(11, Purpose::Shuffle, count, simulation);
        let blocks = (0..count).map(|_| PairedCounts {
            correct: (0..20).filter(|_| stream.uniform() < 0.5).count(),
            scored: 20,
            ..PairedCounts::default()
        });
        let blocks: Vec<PairedCounts> = blocks.collect();
        let bounds = Bootstrap::of_blocks(&blocks, simulation).accuracy(0.95).unwrap();
        bounds.low <= 0.5 && 0.5 <= bounds.high
    }

    /// p-value of an autocorrelated series with a mean of 0.
    fn null_p_value(simulation: u64) -> f64 {
        let mut stream = Stream::new(12, Purpose::Shuffle, 0, simulation);
        let mut level = 0.0;
        let mut values = Vec::new();
        for time in 0..1_200 {
            level = 0.5 * level + stream.normal();
            values.push((time, Mean { sum: level, count: 1 }));
        }
        let bootstrap =
            Bootstrap::of_times(values.into_iter(), Mean::influence, 1, simulation).unwrap();
        bootstrap.p_value(Mean::value).unwrap()
    }

    #[test]
    fn bootstrap_interval_of_independent_predictions_equals_the_binomial_interval() {
        let mut stream = Stream::new(3, Purpose::Shuffle, 0, 0);
        let records: Vec<Record> =
            (0..20_000).map(|t| record(t, Up, fair_change(&mut stream))).collect();
        let bounds = accuracy(&records).unwrap();
        let binomial = 2.0 * 1.96 * (0.25_f64 / 20_000.0).sqrt();
        let ratio = (bounds.high - bounds.low) / binomial;
        assert!((0.85..1.15).contains(&ratio), "{ratio}");
    }

    #[test]
    fn bootstrap_interval_is_not_narrowed_by_identical_instruments() {
        let mut stream = Stream::new(4, Purpose::Shuffle, 0, 0);
        let one: Vec<Record> =
            (0..2_000).map(|t| record(t, Up, fair_change(&mut stream))).collect();
        let ten: Vec<Record> = one
            .iter()
            .flat_map(|r| (0..10).map(move |instrument| Record { instrument, ..*r }))
            .collect();
        assert_eq!(accuracy(&one), accuracy(&ten));
    }

    #[test]
    fn excess_accuracy_over_an_equal_model_is_zero() {
        let bootstrap = Bootstrap::new(&alternating(500), Baseline::AlwaysUp, SETTINGS).unwrap();
        assert!(bootstrap.resamples.iter().all(|counts| counts.excess_accuracy() == Some(0.0)));
        assert_eq!(bootstrap.excess_accuracy(0.95), None);
        assert_eq!(bootstrap.excess_p_value(), None);
    }

    // Without the widening the coverage of 20 blocks is 91 to 93 %.
    #[test]
    fn bootstrap_interval_has_its_nominal_coverage() {
        // Blocks of 20 coin flips, simulations.
        for (count, simulations) in [(20, 4_000), (40, 3_000), (200, 1_000)] {
            let simulated = (0..simulations).into_par_iter();
            let covered = simulated.filter(|number| covers_half(count, *number)).count() as f64;
            let coverage = covered / simulations as f64;
            let error = (0.95 * 0.05 / simulations as f64).sqrt();
            assert!((coverage - 0.95).abs() < 3.0 * error, "{count} blocks: {coverage}");
        }
    }

    #[test]
    fn p_values_under_the_null_hypothesis_are_uniform() {
        let p_values: Vec<f64> = (0..600).into_par_iter().map(null_p_value).collect();
        for level in [0.05, 0.2, 0.5, 0.95] {
            let below = p_values.iter().filter(|p| **p < level).count() as f64 / 600.0;
            let error = (level * (1.0 - level) / 600.0_f64).sqrt();
            assert!((below - level).abs() < 4.0 * error, "{level}: {below}");
        }
    }

    #[test]
    fn p_value_of_a_large_edge_is_small_and_of_its_reverse_large() {
        let records: Vec<Record> = (0..1_000)
            .map(|t| {
                record(t, if t % 7 < 4 { Up } else { Down }, if t % 7 < 4 { 0.01 } else { -0.01 })
            })
            .map(
                |r| {
                    if r.row % 5 == 0 {
                        Record { predicted: r.predicted.opposite(), ..r }
                    } else {
                        r
                    }
                },
            )
            .collect();
        assert!(excess_p_value(&records) < 1e-6);
        let wrong: Vec<Record> =
            records.iter().map(|r| Record { predicted: r.predicted.opposite(), ..*r }).collect();
        assert!(excess_p_value(&wrong) > 1.0 - 1e-6);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn bootstrap_interval_ignores_order_and_neutral(mut records in any_records(30..90)) {
            let before = accuracy(&records);
            records.push(record(500, Neutral, 0.01));
            records.reverse();
            prop_assert_eq!(before, accuracy(&records));
            if let Some(Bounds { low, high, .. }) = before {
                prop_assert!(0.0 <= low && low <= high && high <= 1.0);
            }
        }

        #[test]
        fn bootstrap_interval_contains_the_accuracy(
            flips in prop::collection::vec(any::<bool>(), 200..400),
        ) {
            let changes = flips.iter().map(|up| if *up { 0.01 } else { -0.01 });
            let records: Vec<Record> =
                changes.zip(0..).map(|(change, t)| record(t, Down, change)).collect();
            let score = crate::score::Accuracy::of(&records, |r| r.predicted).accuracy.unwrap();
            let Bounds { low, high, .. } = accuracy(&records).unwrap();
            prop_assert!(low <= score && score <= high, "{} {} {}", low, score, high);
        }
    }
}
