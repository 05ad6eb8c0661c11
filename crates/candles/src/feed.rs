//! Order of a live feed of candles: duplicates, gaps and fetched candles, without I/O.

use std::collections::VecDeque;
use std::fmt;

use crate::error::FeedError;
use crate::{Candle, CandleSeries, Interval, Pair, Timestamp};

/// Number of used candles that are kept to tell a duplicate from a revision.
const MAX_RECENT: usize = 32;

/// Order of the live feed of one pair: passes closed candles on in order of time, without
/// duplicates, after the missing ones have been requested.
///
/// A feed opens no connection and reads no clock. The bot gives it the updates of the exchange and
/// does what the returned [`Action`] says: use a candle, fetch missing ones, wait or ignore.
///
/// | update | action |
/// |---|---|
/// | candle that follows the last one | [`Use`](Action::Use) |
/// | first candle | [`Fetch`](Action::Fetch) of the history before it |
/// | candle after a gap | one [`Fetch`](Action::Fetch) of the missing candles; the candle is held until they have arrived |
/// | candle while a fetch is outstanding | [`Wait`](Action::Wait); it is held as well |
/// | unfinished, duplicate, revised or late candle | [`Ignore`](Action::Ignore), counted |
/// | candle off the grid, or more than 10,000 intervals after the last one received | [`FeedError`] |
///
/// An answer that ends before the held candle is one page, and the next page is requested. An
/// answer without a new candle means that the exchange does not have the others: the held candle is
/// used after a gap, and [`Action::Use`] says how many candles are missing. If a fetch fails, repeat
/// it; the feed waits.
///
/// # Examples
/// ```
/// use windvane_candles::{Action, Candle, CandleSeries, Feed, Interval, Ohlcv, Pair, Timestamp};
///
/// let values = Ohlcv { open: 10.0, high: 12.0, low: 9.5, close: 11.0, volume: 340.0 };
/// let hour = |hour: i64| {
///     Candle::new(Timestamp::from_millis(hour * 3_600_000), values).unwrap()
/// };
/// let pair = Pair::new("BTCUSDT")?;
/// let mut feed = Feed::new(pair.clone(), Interval::HOUR, Some(hour(4).open_time()), 0);
///
/// // The candles of hours 5 and 6 are missing: the one of hour 7 is held.
/// let (from, to) = (hour(5).open_time(), hour(7).open_time());
/// assert_eq!(feed.on_update(&hour(7), true)?, Action::Fetch { from, to });
/// let answer = CandleSeries::new(pair, Interval::HOUR, vec![hour(5), hour(6)])?;
/// let Action::Use { missed, candle, missing } = feed.on_fetched(from, &answer)? else {
///     unreachable!("nothing is missing any more");
/// };
/// assert_eq!((missed, candle, missing), (answer, hour(7), 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Feed {
    pair: Pair,
    interval: Interval,
    history: u32,
    /// Open time of the last candle taken.
    last: Option<Timestamp>,
    recent: VecDeque<Candle>,
    /// Candles that wait for missing ones, oldest first.
    held: VecDeque<Candle>,
    /// First open time of the outstanding fetch.
    requested: Option<Timestamp>,
    /// Taken candles that have not been passed on.
    missed: Vec<Candle>,
    /// Number of candles missing within and after `missed`.
    missing: u64,
    counts: FeedCounts,
}

/// Task of the bot after an update or an answer.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum Action {
    /// Warm the predictor up with `missed`, then predict from `candle`.
    Use {
        /// Candles before `candle` that were fetched or held, oldest first; usually none. A
        /// prediction from them would come too late.
        missed: CandleSeries,
        /// The most recent closed candle.
        candle: Candle,
        /// Number of candles before `candle` that the exchange does not have.
        missing: u64,
    },
    /// Request the closed candles that open from `from` on and before `to`, oldest first, and give
    /// the answer to [`Feed::on_fetched`]. Repeat the request if it fails.
    Fetch {
        /// First open time.
        from: Timestamp,
        /// Open time of the held candle, which need not be part of the answer.
        to: Timestamp,
    },
    /// Wait for the answer of the outstanding fetch; the candle is held until then.
    Wait,
    /// Continue with the next update.
    Ignore(IgnoreReason),
}

/// Reason why an update or an answer is ignored.
#[derive(Copy, Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum IgnoreReason {
    /// The candle has not closed.
    Unfinished {
        /// Open time of the candle.
        open_time: Timestamp,
    },
    /// The same candle was received before.
    Duplicate {
        /// Open time of the candle.
        open_time: Timestamp,
    },
    /// The exchange has changed a candle that was received before. The feed keeps the first values,
    /// because predictions were made from them.
    Revised {
        /// Candle as received first.
        known: Candle,
        /// Candle as received now.
        revised: Candle,
    },
    /// The candle is not after the last one, and is no longer kept.
    Late {
        /// Open time of the candle.
        open_time: Timestamp,
        /// Open time of the last candle.
        last: Timestamp,
    },
    /// The answer is not that of the outstanding fetch, such as the second answer to a repeated
    /// request.
    Unrequested {
        /// First open time of the answered request.
        from: Timestamp,
    },
}

impl fmt::Display for IgnoreReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unfinished { open_time } => write!(f, "candle {open_time} has not closed"),
            Self::Duplicate { open_time } => write!(f, "candle {open_time} is a duplicate"),
            Self::Revised { known, revised } => {
                let (time, was, now) = (known.open_time(), known.close(), revised.close());
                write!(f, "candle {time} was revised: its close was {was} and is now {now}")
            }
            Self::Late { open_time, last } => {
                write!(f, "candle {open_time} is late: the last one is {last}")
            }
            Self::Unrequested { from } => {
                write!(f, "candles from {from} on are no longer requested")
            }
        }
    }
}

/// Counts of the candles that a [`Feed`] received.
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct FeedCounts {
    /// Candles of the stream that were accepted.
    pub accepted: u64,
    /// Candles that were fetched.
    pub fetched: u64,
    /// Candles that the exchange does not have.
    pub missing: u64,
    /// Updates of candles that had not closed.
    pub unfinished: u64,
    /// Candles that were received before with the same values.
    pub duplicates: u64,
    /// Candles that were received before with other values.
    pub revised: u64,
    /// Candles that were out of order and are no longer kept.
    pub late: u64,
    /// Candles with an implausible time or off the grid.
    pub refused: u64,
}

impl Feed {
    /// Creates the feed of a pair.
    ///
    /// `last` is the open time of the last candle that the predictor has taken, for example after a
    /// restart; the candles since then are fetched, however many they are. Without it, `history`
    /// candles before the first one are fetched.
    pub fn new(pair: Pair, interval: Interval, last: Option<Timestamp>, history: u32) -> Self {
        Self {
            pair,
            interval,
            history,
            last,
            recent: VecDeque::with_capacity(MAX_RECENT),
            held: VecDeque::new(),
            requested: None,
            missed: Vec::new(),
            missing: 0,
            counts: FeedCounts::default(),
        }
    }

    /// Takes an update of the exchange; `closed` is the exchange's flag for the final update of a
    /// candle.
    ///
    /// # Errors
    /// [`FeedError::Misaligned`] for a candle off the grid of the interval, [`FeedError::Year`] and
    /// [`FeedError::Ahead`] for an implausible time. Only the count of refused candles changes.
    pub fn on_update(&mut self, candle: &Candle, closed: bool) -> Result<Action, FeedError> {
        if !closed {
            self.counts.unfinished += 1;
            let open_time = candle.open_time();
            return Ok(Action::Ignore(IgnoreReason::Unfinished { open_time }));
        }
        self.check(candle).inspect_err(|_| self.counts.refused += 1)?;
        if let Some(reason) = self.known(candle) {
            match reason {
                IgnoreReason::Duplicate { .. } => self.counts.duplicates += 1,
                IgnoreReason::Revised { .. } => self.counts.revised += 1,
                _ => self.counts.late += 1,
            }
            return Ok(Action::Ignore(reason));
        }
        self.counts.accepted += 1;
        self.held.push_back(*candle);
        Ok(if self.requested.is_some() { Action::Wait } else { self.proceed(false) })
    }

    /// Takes the answer to the [`Fetch`](Action::Fetch) that began at `from`. Candles outside the
    /// requested range are ignored, so both ends may be included.
    ///
    /// # Errors
    /// [`FeedError::OtherSeries`] for candles of another pair or interval. The state is unchanged.
    pub fn on_fetched(
        &mut self,
        from: Timestamp,
        answer: &CandleSeries,
    ) -> Result<Action, FeedError> {
        if (answer.pair(), answer.interval()) != (&self.pair, self.interval) {
            return Err(FeedError::OtherSeries {
                expected_pair: self.pair.clone(),
                expected_interval: self.interval,
                got_pair: answer.pair().clone(),
                got_interval: answer.interval(),
            });
        }
        let to = match self.held.front() {
            Some(held) if self.requested == Some(from) => held.open_time(),
            _ => return Ok(Action::Ignore(IgnoreReason::Unrequested { from })),
        };
        self.requested = None;
        let fetched = answer.between(from, to);
        fetched.iter().for_each(|candle| self.take(candle));
        self.counts.fetched += fetched.len() as u64;
        Ok(self.proceed(fetched.is_empty()))
    }

    /// Returns the counts of received candles.
    pub fn counts(&self) -> FeedCounts {
        self.counts
    }

    /// Rejects a candle that no feed of this interval can contain.
    fn check(&self, candle: &Candle) -> Result<(), FeedError> {
        let (open_time, interval) = (candle.open_time(), self.interval);
        if !interval.is_aligned(open_time) {
            return Err(FeedError::Misaligned { open_time, interval });
        }
        // `last` may be that of a saved state: a bot may have been down for long.
        let received = self.held.front().or(self.recent.back()).map(Candle::open_time);
        FeedError::check_time(open_time, received, interval)
    }

    /// Reason to ignore a candle that is not after the last one.
    fn known(&self, candle: &Candle) -> Option<IgnoreReason> {
        let open_time = candle.open_time();
        let last = self.held.back().map(Candle::open_time).or(self.last)?;
        if open_time > last {
            return None;
        }
        let known = self.recent.iter().chain(&self.held).find(|c| c.open_time() == open_time);
        Some(match known {
            Some(known) if known == candle => IgnoreReason::Duplicate { open_time },
            Some(known) => IgnoreReason::Revised { known: *known, revised: *candle },
            None => IgnoreReason::Late { open_time, last },
        })
    }

    /// Takes the held candles up to the next gap. Requests what is missing there, or passes
    /// everything on. With `accept_gap` the gap before the first held candle stays.
    fn proceed(&mut self, mut accept_gap: bool) -> Action {
        while let Some(candle) = self.held.pop_front() {
            if let Some(from) = self.missing_before(&candle).filter(|_| !accept_gap) {
                let to = candle.open_time();
                self.held.push_front(candle);
                self.requested = Some(from);
                return Action::Fetch { from, to };
            }
            accept_gap = false;
            self.take(&candle);
            if self.held.is_empty() {
                self.missed.pop();
                let missing = std::mem::take(&mut self.missing);
                return Action::Use { missed: self.pass_on(), candle, missing };
            }
        }
        Action::Wait
    }

    /// Open time of the first candle missing before this one.
    fn missing_before(&self, candle: &Candle) -> Option<Timestamp> {
        let open_time = candle.open_time();
        match self.last {
            Some(last) if self.interval.missing_between(last, open_time) == 0 => None,
            Some(last) => last.plus(self.interval, 1),
            None if self.history == 0 => None,
            None => open_time.plus(self.interval, -i64::from(self.history)),
        }
    }

    fn take(&mut self, candle: &Candle) {
        let open_time = candle.open_time();
        if let Some(last) = self.last {
            let missing = self.interval.missing_between(last, open_time);
            self.missing += missing;
            self.counts.missing += missing;
        }
        self.last = Some(open_time);
        if self.recent.len() == MAX_RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(*candle);
        self.missed.push(*candle);
    }

    fn pass_on(&mut self) -> CandleSeries {
        let missed = std::mem::take(&mut self.missed);
        let Ok(series) = CandleSeries::new(self.pair.clone(), self.interval, missed) else {
            unreachable!("invariant: taken candles are aligned, and each is after the last one");
        };
        series
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Ohlcv;

    fn pair() -> Pair {
        Pair::new("BTCUSDT").unwrap()
    }

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_millis(hour * 3_600_000)
    }

    fn candle(hour: i64) -> Candle {
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let close = 100.0 + hour as f64;
        let values = Ohlcv { open: close, high: close, low: close, close, volume: 1.0 };
        Candle::new(at(hour), values).unwrap()
    }

    fn hours(hours: impl IntoIterator<Item = i64>) -> CandleSeries {
        let candles = hours.into_iter().map(candle).collect();
        CandleSeries::new(pair(), Interval::HOUR, candles).unwrap()
    }

    /// Feed whose last candle is that of hour 9.
    fn after_nine() -> Feed {
        Feed::new(pair(), Interval::HOUR, Some(at(9)), 0)
    }

    fn used(missed: CandleSeries, hour: i64, missing: u64) -> Action {
        Action::Use { missed, candle: candle(hour), missing }
    }

    #[test]
    fn feed_passes_candles_on_in_order() {
        let mut feed = after_nine();
        for hour in 10..100 {
            let action = feed.on_update(&candle(hour), true).unwrap();
            assert_eq!(action, used(hours([]), hour, 0));
        }
        assert_eq!(feed.counts(), FeedCounts { accepted: 90, ..FeedCounts::default() });
    }

    #[test]
    fn feed_fetches_history_before_the_first_candle() {
        let mut feed = Feed::new(pair(), Interval::HOUR, None, 5);
        let fetch = feed.on_update(&candle(20), true).unwrap();
        assert_eq!(fetch, Action::Fetch { from: at(15), to: at(20) });
        // Both ends and the running candle are part of the answer.
        let action = feed.on_fetched(at(15), &hours(14..=21)).unwrap();
        assert_eq!(action, used(hours(15..20), 20, 0));

        let mut feed = Feed::new(pair(), Interval::HOUR, None, 0);
        assert_eq!(feed.on_update(&candle(20), true).unwrap(), used(hours([]), 20, 0));
        // An exchange without history.
        let mut feed = Feed::new(pair(), Interval::HOUR, None, 5);
        feed.on_update(&candle(20), true).unwrap();
        assert_eq!(feed.on_fetched(at(15), &hours([])).unwrap(), used(hours([]), 20, 0));
    }

    #[test]
    fn feed_holds_candles_until_the_missing_ones_have_arrived() {
        let mut feed = after_nine();
        let fetch = feed.on_update(&candle(12), true).unwrap();
        assert_eq!(fetch, Action::Fetch { from: at(10), to: at(12) });
        // One fetch only: later candles are held as well, and have a gap of their own.
        assert_eq!(feed.on_update(&candle(13), true).unwrap(), Action::Wait);
        assert_eq!(feed.on_update(&candle(15), true).unwrap(), Action::Wait);
        let next = feed.on_fetched(at(10), &hours(10..12)).unwrap();
        assert_eq!(next, Action::Fetch { from: at(14), to: at(15) });
        let action = feed.on_fetched(at(14), &hours([14])).unwrap();
        assert_eq!(action, used(hours(10..15), 15, 0));
        assert_eq!((feed.counts().accepted, feed.counts().fetched), (3, 3));
    }

    #[test]
    fn feed_requests_the_next_page_until_the_exchange_has_no_more() {
        let mut feed = after_nine();
        feed.on_update(&candle(20), true).unwrap();
        let next = feed.on_fetched(at(10), &hours(10..13)).unwrap();
        assert_eq!(next, Action::Fetch { from: at(13), to: at(20) });
        let next = feed.on_fetched(at(13), &hours([15, 16])).unwrap();
        assert_eq!(next, Action::Fetch { from: at(17), to: at(20) });
        let action = feed.on_fetched(at(17), &hours([])).unwrap();
        assert_eq!(action, used(hours([10, 11, 12, 15, 16]), 20, 5));
        assert_eq!((feed.counts().fetched, feed.counts().missing), (5, 5));
        assert_eq!(feed.on_update(&candle(21), true).unwrap(), used(hours([]), 21, 0));
    }

    #[test]
    fn feed_ignores_duplicates_revisions_late_and_unfinished_candles() {
        let mut feed = after_nine();
        (10..60).for_each(|hour| {
            feed.on_update(&candle(hour), true).unwrap();
        });
        let revised = Candle::new(at(58), candle(57).values()).unwrap();
        let far = Candle::new(at(1_000_000_000), candle(57).values()).unwrap();
        for (update, closed, reason, text) in [
            (
                candle(59),
                true,
                IgnoreReason::Duplicate { open_time: at(59) },
                "candle 1970-01-03T11:00:00Z is a duplicate",
            ),
            (
                revised,
                true,
                IgnoreReason::Revised { known: candle(58), revised },
                "candle 1970-01-03T10:00:00Z was revised: its close was 158 and is now 157",
            ),
            (
                candle(11),
                true,
                IgnoreReason::Late { open_time: at(11), last: at(59) },
                "candle 1970-01-01T11:00:00Z is late: the last one is 1970-01-03T11:00:00Z",
            ),
            (
                far,
                false,
                IgnoreReason::Unfinished { open_time: at(1_000_000_000) },
                "has not closed",
            ),
        ] {
            assert_eq!(feed.on_update(&update, closed).unwrap(), Action::Ignore(reason));
            assert!(reason.to_string().ends_with(text), "{reason}");
        }
        let counts = feed.counts();
        assert_eq!([counts.duplicates, counts.revised, counts.late, counts.unfinished], [1; 4]);
        assert_eq!(feed.on_update(&candle(60), true).unwrap(), used(hours([]), 60, 0));
    }

    #[test]
    fn feed_ignores_answers_that_are_no_longer_requested() {
        let mut feed = after_nine();
        feed.on_update(&candle(20), true).unwrap();
        feed.on_fetched(at(10), &hours(10..13)).unwrap();
        // The request was repeated, and both are answered.
        let second = feed.on_fetched(at(10), &hours(10..13)).unwrap();
        assert_eq!(second, Action::Ignore(IgnoreReason::Unrequested { from: at(10) }));
        let action = feed.on_fetched(at(13), &hours(13..20)).unwrap();
        assert_eq!(action, used(hours(10..20), 20, 0));
        let second = feed.on_fetched(at(13), &hours(13..20)).unwrap();
        assert_eq!(second, Action::Ignore(IgnoreReason::Unrequested { from: at(13) }));
    }

    #[test]
    fn feed_refuses_implausible_candles_without_a_change() {
        let mut feed = after_nine();
        feed.on_update(&candle(10), true).unwrap();
        let values = candle(10).values();
        for (millis, message) in [
            (at(10).millis() + 60_000, "is not on the grid of 1h candles"),
            (at(11).millis() * 1_000, "is more than 10,000 1h candles after 1970-01-01T10:00:00Z"),
            (at(10_011).millis(), "is more than 10,000 1h candles after"),
            (at(473_000_000_000).millis(), "is outside the years 1 to 9999"),
            (-at(473_000_000_000).millis(), "is outside the years 1 to 9999"),
        ] {
            let update = Candle::new(Timestamp::from_millis(millis), values).unwrap();
            let error = feed.on_update(&update, true).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
        assert_eq!(feed.counts().refused, 5);
        assert_eq!(feed.on_update(&candle(11), true).unwrap(), used(hours([]), 11, 0));

        feed.on_update(&candle(14), true).unwrap();
        let other = CandleSeries::new(Pair::new("OTHER").unwrap(), Interval::HOUR, vec![]).unwrap();
        let error = feed.on_fetched(at(12), &other).unwrap_err().to_string();
        assert_eq!(error, "expected 1h candles of BTCUSDT, got 1h candles of OTHER");
        assert_eq!(feed.on_fetched(at(12), &hours(12..14)).unwrap(), used(hours(12..14), 14, 0));
    }

    #[test]
    fn feed_fetches_everything_since_a_saved_state_after_a_long_pause() {
        let mut feed = after_nine();
        let fetch = feed.on_update(&candle(20_000), true).unwrap();
        assert_eq!(fetch, Action::Fetch { from: at(10), to: at(20_000) });
        // The bound applies from the first candle on.
        assert!(feed.on_update(&candle(30_001), true).is_err());
        let action = feed.on_fetched(at(10), &hours(10..20_000)).unwrap();
        assert_eq!(action, used(hours(10..20_000), 20_000, 0));
    }

    proptest! {
        /// A stream with losses, duplicates and late candles, whose requests are answered in pages
        /// and after a delay: the feed passes on every candle of the exchange once, in order.
        #[test]
        fn feed_passes_on_every_candle_of_the_exchange_in_order(
            steps in prop::collection::vec((1i64..4, 0u8..8, 1usize..5), 2..120),
            history in 0u32..6,
        ) {
            let mut hour = 20;
            let there: Vec<i64> = steps.iter().map(|(step, ..)| { hour += step; hour }).collect();
            let exchange = hours((10..=20).chain(there.iter().copied()));
            let mut feed = Feed::new(pair(), Interval::HOUR, None, history);
            let mut passed = Vec::new();
            let mut fetch = None;
            for (row, &(_, fault, page)) in steps.iter().enumerate() {
                let (hour, before) = (there[row], there[row.saturating_sub(3)]);
                let mut actions = VecDeque::new();
                match fault {
                    0 => continue, // lost
                    1 => actions.push_back(feed.on_update(&candle(before), true).unwrap()),
                    2 => actions.push_back(feed.on_update(&candle(hour), false).unwrap()),
                    _ => {}
                }
                actions.push_back(feed.on_update(&candle(hour), true).unwrap());
                if fault == 3 {
                    actions.push_back(feed.on_update(&candle(hour), true).unwrap());
                }
                while let Some(action) = actions.pop_front() {
                    match action {
                        Action::Use { missed, candle, missing } => {
                            prop_assert!(candle.open_time() <= at(hour), "look-ahead");
                            let first = passed.len().saturating_sub(1);
                            passed.extend(missed.iter().chain([&candle]).map(Candle::open_time));
                            let hours = passed[first..].windows(2).map(|two| {
                                two[1].millis().abs_diff(two[0].millis()) / 3_600_000 - 1
                            });
                            prop_assert_eq!(missing, hours.sum::<u64>());
                        }
                        Action::Fetch { from, to } => {
                            prop_assert!(fetch.is_none(), "two fetches at a time");
                            fetch = Some((from, to));
                        }
                        Action::Wait => prop_assert!(fetch.is_some()),
                        Action::Ignore(_) => {}
                    }
                    // Answered at once, or after a later candle.
                    if fault != 4 && actions.is_empty() && let Some((from, to)) = fetch.take() {
                        let asked = exchange.between(from, to.plus(Interval::HOUR, 1).unwrap());
                        let page = asked.candles()[..asked.len().min(page)].to_vec();
                        let page = CandleSeries::new(pair(), Interval::HOUR, page).unwrap();
                        actions.push_back(feed.on_fetched(from, &page).unwrap());
                    }
                }
            }
            if let (Some(first), Some(last)) = (passed.first(), passed.last()) {
                let expected = exchange.between(*first, last.plus(Interval::HOUR, 1).unwrap());
                let expected: Vec<Timestamp> = expected.iter().map(Candle::open_time).collect();
                prop_assert_eq!(passed, expected);
            }
        }
    }
}
