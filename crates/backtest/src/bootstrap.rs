//! Confidence intervals by resampling blocks of calendar time.
//!
//! Hits at neighbouring times depend on each other: volatility and drift persist, outcomes of
//! longer horizons overlap, and instruments move together. So what is drawn with replacement is
//! not single predictions but blocks of consecutive times, each with the predictions of *all*
//! instruments at those times.
//!
//! **Block length** `max(20, ⌈n^(1/3)⌉, 2 × horizon)` times, n being the number of distinct
//! times with a scored call; n^(1/3) is the order that serves best for the spread of a mean
//! (Hall, Horowitz & Jing 1995). Where that leaves fewer than 20 blocks they are shortened to
//! n / 20, but not below the horizon. Where intervals are mixed, times are those of the longest.
//!
//! **Interval** the percentiles of 2,000 resamples, their distance from the estimate widened by
//! √(B / (B − 1)) · t / z, B being the number of blocks, t and z the quantiles of Student's
//! distribution with B − 1 degrees of freedom and of the normal one: percentiles alone take the
//! spread of a few blocks for known, and hold too seldom. It is `None` with fewer than 30 scored
//! calls, with fewer than 20 blocks, and where all resamples agree (0 % or 100 %): they then
//! say nothing about the spread.
use windvane_lstm_core::{Purpose, Stream};

use crate::{Baseline, Bounds, Record};

/// Number of resamples.
pub(crate) const RESAMPLES: u64 = 2_000;
/// Fewest scored calls.
pub(crate) const LEAST_CALLS: usize = 30;
/// Fewest blocks.
const LEAST_BLOCKS: usize = 20;
/// Shortest block wherever there is enough data, in candles.
const SHORTEST_BLOCK: usize = 20;

/// What the intervals of a run depend on beside the records.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    /// Candles ahead.
    pub(crate) horizon: usize,
    /// Seed of the draws.
    pub(crate) seed: u64,
    /// How many models are compared.
    pub(crate) models: usize,
}

/// Hits and scored calls of a model, and of a baseline on the same candles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tally {
    hits: usize,
    scored: usize,
    baseline_hits: usize,
    baseline_scored: usize,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.hits += other.hits;
        self.scored += other.scored;
        self.baseline_hits += other.baseline_hits;
        self.baseline_scored += other.baseline_scored;
    }

    fn accuracy(&self) -> Option<f64> {
        crate::accuracy::share(self.hits, self.scored)
    }

    fn lead(&self) -> Option<f64> {
        Some(self.accuracy()? - crate::accuracy::share(self.baseline_hits, self.baseline_scored)?)
    }
}

/// The resamples of a model's calls beside a baseline's on the same candles.
///
/// Both are drawn together, so the interval of the lead is that of a paired comparison.
#[derive(Debug)]
pub(crate) struct Bootstrap {
    blocks: usize,
    /// All blocks once.
    whole: Tally,
    resamples: Vec<Tally>,
}

impl Bootstrap {
    /// Draws the resamples; `None` where there is too little to draw from.
    pub(crate) fn new(records: &[Record], rule: Baseline, terms: Terms) -> Option<Self> {
        Some(Self::of_blocks(&blocks(records, rule, terms.horizon)?, terms.seed))
    }

    fn of_blocks(blocks: &[Tally], seed: u64) -> Self {
        let sum = |blocks: &mut dyn Iterator<Item = Tally>| {
            blocks.fold(Tally::default(), |mut sum, block| {
                sum.add(block);
                sum
            })
        };
        let resample = |index| {
            let mut stream = Stream::new(seed, Purpose::Bootstrap, 0, index);
            sum(&mut (0..blocks.len()).map(|_| blocks[stream.below(blocks.len())]))
        };
        let resamples = (0..RESAMPLES).map(resample).collect();
        Self { blocks: blocks.len(), whole: sum(&mut blocks.iter().copied()), resamples }
    }

    /// Number of blocks.
    pub(crate) fn blocks(&self) -> usize {
        self.blocks
    }

    /// Interval of the accuracy.
    pub(crate) fn accuracy(&self, level: f64) -> Option<Bounds> {
        self.bounds(Tally::accuracy, level, 0.0)
    }

    /// Interval of the accuracy's lead over the baseline.
    pub(crate) fn lead(&self, level: f64) -> Option<Bounds> {
        self.bounds(Tally::lead, level, -1.0)
    }

    fn bounds(&self, of: fn(&Tally) -> Option<f64>, level: f64, least: f64) -> Option<Bounds> {
        let resamples = self.resamples.iter().filter_map(of).collect();
        Bounds::of(of(&self.whole)?, resamples, self.blocks, level, least)
    }
}

/// One tally per block of consecutive times, oldest first.
fn blocks(records: &[Record], rule: Baseline, horizon: usize) -> Option<Vec<Tally>> {
    let longest = records.iter().map(|record| record.interval.millis()).max()?;
    let mut scored: Vec<(i64, Tally)> = records
        .iter()
        .filter_map(|record| {
            let baseline = record.hit(rule.call(record));
            let tally = Tally {
                hits: usize::from(record.hit(record.called)?),
                scored: 1,
                baseline_hits: usize::from(baseline == Some(true)),
                baseline_scored: usize::from(baseline.is_some()),
            };
            Some((record.decided_at.millis().div_euclid(longest), tally))
        })
        .collect();
    if scored.len() < LEAST_CALLS {
        return None;
    }
    scored.sort_by_key(|(time, _)| *time);
    let times: Vec<&[(i64, Tally)]> = scored.chunk_by(|a, b| a.0 == b.0).collect();
    let count = block_count(times.len(), horizon)?;
    let mut blocks = vec![Tally::default(); count];
    for (rank, time) in times.iter().enumerate() {
        // Spreads the remainder over the blocks, so that none is a short rest.
        let block = &mut blocks[rank * count / times.len()];
        time.iter().for_each(|(_, tally)| block.add(*tally));
    }
    Some(blocks)
}

/// Number of blocks for so many times; `None` where even blocks of the horizon are too few.
fn block_count(times: usize, horizon: usize) -> Option<usize> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cube root of a length"
    )]
    let root = (times as f64).cbrt().ceil() as usize;
    let length = SHORTEST_BLOCK.max(root).max(horizon.saturating_mul(2));
    let length = length.min(times / LEAST_BLOCKS);
    (length >= horizon.max(1)).then(|| times / length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rayon::prelude::*;
    use windvane_candles::Direction::{Down, Neutral, Up};

    use super::*;
    use crate::testing::{any_records, record};

    const TERMS: Terms = Terms { horizon: 1, seed: 7, models: 1 };

    fn alternating(n: i64) -> Vec<Record> {
        (0..n).map(|t| record(t, Up, if t % 2 == 0 { 0.01 } else { -0.01 })).collect()
    }

    fn accuracy(records: &[Record]) -> Option<Bounds> {
        Bootstrap::new(records, Baseline::AlwaysUp, TERMS)?.accuracy(0.95)
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
            assert_eq!(block_count(times, horizon), expected, "{times} {horizon}");
        }
    }

    #[test]
    fn too_little_has_no_interval() {
        assert_eq!(accuracy(&alternating(29)), None);
        assert!(accuracy(&alternating(30)).is_some_and(|bounds| bounds.low < bounds.high));
        let neutral: Vec<Record> = (0..100).map(|t| record(t, Neutral, 0.01)).collect();
        assert_eq!(accuracy(&neutral), None);
        // Thirty calls, but all at one time: one block tells nothing about the spread.
        let at_once: Vec<Record> = (0..30).map(|_| record(5, Up, 0.01)).collect();
        assert_eq!(accuracy(&at_once), None);
    }

    #[test]
    fn every_call_right_says_nothing_about_the_spread() {
        let right: Vec<Record> = (0..500).map(|t| record(t, Up, 0.01)).collect();
        assert_eq!(accuracy(&right), None);
    }

    #[test]
    fn for_independent_calls_it_is_as_wide_as_the_binomial_one() {
        let mut stream = Stream::new(3, Purpose::Shuffle, 0, 0);
        let mut coin = || if stream.uniform() < 0.5 { 0.01 } else { -0.01 };
        let records: Vec<Record> = (0..20_000).map(|t| record(t, Up, coin())).collect();
        let bounds = accuracy(&records).unwrap();
        let binomial = 2.0 * 1.96 * (0.25_f64 / 20_000.0).sqrt();
        let ratio = (bounds.high - bounds.low) / binomial;
        assert!((0.85..1.15).contains(&ratio), "{ratio}");
    }

    #[test]
    fn instruments_that_move_together_do_not_narrow_it() {
        let mut stream = Stream::new(4, Purpose::Shuffle, 0, 0);
        let one: Vec<Record> = (0..2_000)
            .map(|t| record(t, Up, if stream.uniform() < 0.5 { 0.01 } else { -0.01 }))
            .collect();
        let ten: Vec<Record> = one
            .iter()
            .flat_map(|r| (0..10).map(move |instrument| Record { instrument, ..*r }))
            .collect();
        assert_eq!(accuracy(&one), accuracy(&ten));
    }

    #[test]
    fn the_lead_over_itself_is_exactly_nothing() {
        let bootstrap = Bootstrap::new(&alternating(500), Baseline::AlwaysUp, TERMS).unwrap();
        assert!(bootstrap.resamples.iter().all(|tally| tally.lead() == Some(0.0)));
        assert_eq!(bootstrap.lead(0.95), None);
    }

    // Without the widening 20 blocks hold 91 to 93 times of 100.
    #[test]
    fn intervals_of_fair_coins_hold_as_often_as_they_say() {
        // Blocks of 20 coins, simulations.
        for (count, simulations) in [(20, 4_000), (40, 3_000), (200, 1_000)] {
            let holds = |simulation: &u64| {
                let mut stream = Stream::new(11, Purpose::Shuffle, count, *simulation);
                let mut block = || Tally {
                    hits: (0..20).filter(|_| stream.uniform() < 0.5).count(),
                    scored: 20,
                    ..Tally::default()
                };
                let blocks: Vec<Tally> = (0..count).map(|_| block()).collect();
                let bounds = Bootstrap::of_blocks(&blocks, *simulation).accuracy(0.95).unwrap();
                bounds.low <= 0.5 && 0.5 <= bounds.high
            };
            let held = (0..simulations).into_par_iter().filter(holds).count() as f64;
            let coverage = held / simulations as f64;
            let error = (0.95 * 0.05 / simulations as f64).sqrt();
            assert!((coverage - 0.95).abs() < 3.0 * error, "{count} blocks: {coverage}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn order_and_neutral_predictions_change_nothing(mut records in any_records(30..90)) {
            let before = accuracy(&records);
            records.push(record(500, Neutral, 0.01));
            records.reverse();
            prop_assert_eq!(before, accuracy(&records));
            if let Some(Bounds { low, high }) = before {
                prop_assert!(0.0 <= low && low <= high && high <= 1.0);
            }
        }

        #[test]
        fn it_lies_around_the_accuracy(flips in prop::collection::vec(any::<bool>(), 200..400)) {
            let change = |up: &bool| if *up { 0.01 } else { -0.01 };
            let records: Vec<Record> =
                flips.iter().zip(0..).map(|(up, t)| record(t, Down, change(up))).collect();
            let score = crate::Accuracy::of(&records, |r| r.called).accuracy.unwrap();
            let Bounds { low, high } = accuracy(&records).unwrap();
            prop_assert!(low <= score && score <= high, "{} {} {}", low, score, high);
        }
    }
}
