//! Panel: the pipelines of many pairs, which share the quantities of their market.
mod queue;
mod state;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use windvane_candles::{Candle, Interval, Pair, Timestamp};

use crate::channels::{CloseCandles, ClosedCandle, MarketClose, SharedMarket};
use crate::pipeline::elapsed_between;
use crate::{
    GapPolicy, MarketSnapshot, Registry, SignalError, SignalPipeline, SignalRows, SignalSpec,
};

use queue::{CloseQueue, close_at};

/// Pipelines of many pairs with one spec, fed by candles in any order within a close.
///
/// Market means, ranks, dispersion, breadth and the leader's quantities are computed once per close
/// and read by every pair, so a close takes time linear in the number of pairs. The rows have the
/// bits of a [`SignalPipeline`] of each pair. Channels are shared under [`GapPolicy::ByClock`];
/// under the other policies a gap of the own pair resets its market quantities, so each pair
/// computes its own.
///
/// **Waiting** A close is decided when all its candles have arrived, or when
/// [`max_wait`](Self::set_max_wait) has passed after it, by the close of a later candle or by
/// [`set_time`](Self::set_time). Pairs without a candle then have no row and count as missing.
///
/// **Late candles** A candle of a decided close is rejected with [`SignalError::Late`] and counted.
/// It does not enter the history of its pair, because the market of that close was computed without
/// it. The rows are those of series without the late candles.
///
/// **Bound** A candle more than 10,000 intervals after the latest one is rejected with
/// [`SignalError::FarAhead`]: its time is in another unit or damaged, and it would decide every
/// close before it. [`set_max_ahead`](Self::set_max_ahead) changes the bound; the first candle has
/// none.
///
/// **Session closes** A pair's candle is visible to the others from its close on, as in
/// [`SignalTable::build`](crate::SignalTable::build).
///
/// After [`set_max_wait`](Self::set_max_wait) or the first closes there is no allocation.
///
/// # Examples
/// ```
/// use windvane_candles::{Candle, Interval, Ohlcv, Pair, Timestamp};
/// use windvane_signals::{ChannelSpec, GapPolicy, Panel, Registry, SignalSpec};
///
/// let pairs: Vec<Pair> = vec!["A".parse()?, "B".parse()?, "C".parse()?];
/// let channels = vec![ChannelSpec::new("return_rank").with("lag", 1.0).reading_all(&pairs)];
/// let spec = SignalSpec { channels, gaps: GapPolicy::ByClock };
/// let mut panel = Panel::new(&spec, Interval::HOUR, &Registry::default(), &pairs)?;
/// let candle = |hour: i64, close: f64| {
///     let values = Ohlcv { open: close, high: close, low: close, close, volume: 1.0 };
///     Candle::new(Timestamp::from_millis(hour * 3_600_000), values).unwrap()
/// };
/// let mut ranks = Vec::new();
/// for (place, hour, close) in [(0, 0, 1.0), (1, 0, 1.0), (2, 0, 1.0), (2, 1, 2.0), (0, 1, 1.5), (1, 1, 1.0)] {
///     panel.push(&pairs[place], &candle(hour, close))?;
///     while let Some(close) = panel.next_close() {
///         let rows = close.rows().filter_map(|(_, rows)| rows?.last());
///         ranks.extend(rows.map(|row| row[0]));
///     }
/// }
/// assert_eq!(ranks, [0.5, 0.5 / 3.0, 2.5 / 3.0]); // A in the middle, B last, C first
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Panel {
    interval: Interval,
    spec: SignalSpec,
    pairs: Box<[Pair]>,
    /// Place of each pair.
    places: BTreeMap<Pair, usize>,
    /// One pipeline per pair.
    pipelines: Box<[SignalPipeline]>,
    /// Rows of the last close of each pair; `None` without a candle.
    taken: Box<[Option<TakenRows>]>,
    groups: Box<[SessionGroup]>,
    queue: CloseQueue,
    stats: PanelStats,
}

/// Number of filled-in rows of a pair's last update, and whether its channels were reset before.
#[derive(Debug, Clone, Copy)]
struct TakenRows {
    held: usize,
    restarted: bool,
}

/// Pairs with the same session close: they see the same candles of the market.
#[derive(Debug)]
struct SessionGroup {
    /// Places of the pairs.
    members: Box<[usize]>,
    market: SharedMarket,
    candles: CloseCandles,
    /// Open time of the last close of the market.
    last: Option<Timestamp>,
}

/// Counts of the candles and closes of a [`Panel`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PanelStats {
    /// Accepted candles.
    pub taken: u64,
    /// Rejected candles of a decided close.
    pub late: u64,
    /// Rejected candles of a pair that already had one with this open time.
    pub duplicates: u64,
    /// Rejected candles off the grid of the interval, or too far ahead of the latest one.
    pub misaligned: u64,
    /// Decided closes with at least one candle.
    pub closes: u64,
    /// Candles missing at the decided closes.
    pub missing: u64,
}

/// A decided close: the rows of the pairs that close at the same time.
#[derive(Debug, Clone, Copy)]
pub struct PanelClose<'a> {
    panel: &'a Panel,
    group: usize,
    open_time: Timestamp,
}

/// Construction and settings.
impl Panel {
    /// Maximum of [`set_max_wait`](Self::set_max_wait) in intervals: limits the memory.
    const MAX_WAIT: i64 = 100;

    /// Creates a panel of pairs whose candles close at the end of the interval.
    ///
    /// # Errors
    /// As [`SignalPipeline::new`]; [`SignalError::Setting`] without pairs,
    /// [`SignalError::RepeatedPair`], [`SignalError::MissingPair`] if a channel reads a pair that
    /// is not in `pairs`, [`SignalError::PanelGaps`] for [`GapPolicy::Error`].
    pub fn new(
        spec: &SignalSpec,
        interval: Interval,
        registry: &Registry,
        pairs: &[Pair],
    ) -> Result<Self, SignalError> {
        let close = Duration::from_millis(interval.millis().unsigned_abs());
        let sessions: Vec<_> = pairs.iter().map(|pair| (pair.clone(), close)).collect();
        Self::with_sessions(spec, interval, registry, &sessions)
    }

    /// Creates a panel of pairs with their
    /// [session closes](windvane_candles::CandleSeries::with_session_close), the time from the open
    /// of a candle to its close.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`SignalError::SessionClose`] for a time outside the interval.
    pub fn with_sessions(
        spec: &SignalSpec,
        interval: Interval,
        registry: &Registry,
        pairs: &[(Pair, Duration)],
    ) -> Result<Self, SignalError> {
        if pairs.is_empty() {
            return SignalError::setting("number of pairs", "at least 1", 0.0);
        }
        if spec.gaps == GapPolicy::Error {
            return Err(SignalError::PanelGaps);
        }
        let closes = session_closes(interval, pairs)?;
        let pairs: Box<[Pair]> = pairs.iter().map(|(pair, _)| pair.clone()).collect();
        let mut places = BTreeMap::new();
        for (place, pair) in pairs.iter().enumerate() {
            if places.insert(pair.clone(), place).is_some() {
                return Err(SignalError::RepeatedPair { pair: pair.clone() });
            }
        }
        if let Some(pair) = spec.pairs().into_iter().find(|pair| !places.contains_key(pair)) {
            return Err(SignalError::MissingPair { pair: pair.clone() });
        }
        let mut sessions = closes.clone();
        sessions.sort_unstable();
        sessions.dedup();
        let group_of: Box<[usize]> =
            closes.iter().map(|close| sessions.partition_point(|other| other < close)).collect();
        let markets: Vec<RefCell<SharedMarket>> =
            sessions.iter().map(|_| RefCell::default()).collect();
        let pipelines = group_of.iter().map(|group| {
            let market = (spec.gaps == GapPolicy::ByClock).then_some(&markets[*group]);
            SignalPipeline::sharing(spec, interval, registry, market)
        });
        let pipelines = pipelines.collect::<Result<_, _>>()?;
        let groups = markets.into_iter().enumerate().map(|(group, market)| SessionGroup {
            members: (0..pairs.len()).filter(|place| group_of[*place] == group).collect(),
            market: market.into_inner(),
            candles: CloseCandles::new(&pairs),
            last: None,
        });
        let groups = groups.collect();
        let mut queue = CloseQueue::new(interval, sessions.into(), group_of);
        queue.set_max_wait(interval.millis());
        let (spec, taken) = (spec.clone(), vec![None; pairs.len()].into());
        let stats = PanelStats::default();
        Ok(Self { interval, spec, pairs, places, pipelines, taken, groups, queue, stats })
    }

    /// Sets the longest wait for missing candles after a close. Default: one interval.
    ///
    /// The time is that of [`set_time`](Self::set_time) and of the closes of received candles; a
    /// candle decides only closes before its own. So up to one interval, and without
    /// [`set_time`](Self::set_time), the first candle of the next close decides a close.
    ///
    /// # Errors
    /// [`SignalError::Setting`] for more than 100 intervals.
    pub fn set_max_wait(&mut self, wait: Duration) -> Result<(), SignalError> {
        match i64::try_from(wait.as_millis()) {
            Ok(millis) if millis <= Self::MAX_WAIT * self.interval.millis() => {
                self.queue.set_max_wait(millis);
                Ok(())
            }
            _ => SignalError::setting(
                "max_wait of the panel in seconds",
                "at most 100 intervals",
                wait.as_secs_f64(),
            ),
        }
    }
}

/// Bound of open times.
impl Panel {
    /// Sets the maximum number of intervals from the latest candle to the next one.
    ///
    /// # Errors
    /// [`SignalError::Setting`] for 0.
    pub fn set_max_ahead(&mut self, intervals: u32) -> Result<(), SignalError> {
        if intervals == 0 {
            return SignalError::setting("max_ahead of the panel", "at least 1 interval", 0.0);
        }
        self.queue.max_ahead = intervals;
        Ok(())
    }
}

/// Milliseconds from open to close of each pair.
fn session_closes(interval: Interval, pairs: &[(Pair, Duration)]) -> Result<Vec<i64>, SignalError> {
    let millis = pairs.iter().map(|(pair, close)| {
        let (pair, got) = (pair.clone(), *close);
        interval.session_millis(got).ok_or(SignalError::SessionClose { pair, interval, got })
    });
    millis.collect()
}

/// Candles in, closes out.
impl Panel {
    /// Takes a closed candle of a pair. Call [`next_close`](Self::next_close) until it returns
    /// `None` afterwards.
    ///
    /// # Errors
    /// [`SignalError::UnknownPair`], [`SignalError::Misaligned`], [`SignalError::Duplicate`],
    /// [`SignalError::Late`], [`SignalError::FarAhead`]. The state is unchanged, except for the
    /// [`stats`](Self::stats).
    pub fn push(&mut self, pair: &Pair, candle: &Candle) -> Result<(), SignalError> {
        let unknown = || SignalError::UnknownPair { pair: pair.clone() };
        let place = *self.places.get(pair).ok_or_else(unknown)?;
        self.push_at(place, candle)
    }

    /// Returns the accepted candle of a pair, if it waits or belongs to the last closes.
    pub fn received(&self, pair: &Pair, open_time: Timestamp) -> Option<&Candle> {
        self.queue.kept(*self.places.get(pair)?, open_time)
    }

    pub(crate) fn push_at(&mut self, place: usize, candle: &Candle) -> Result<(), SignalError> {
        let pushed = self.queue.push(place, candle);
        let count = match pushed {
            Ok(()) => &mut self.stats.taken,
            Err(SignalError::Late { .. }) => &mut self.stats.late,
            Err(SignalError::Duplicate { .. }) => &mut self.stats.duplicates,
            Err(_) => &mut self.stats.misaligned,
        };
        *count = count.saturating_add(1);
        pushed
    }

    /// Moves the panel's clock forward to `now`, so that closes whose wait is over are decided. An
    /// earlier time than before changes nothing.
    pub fn set_time(&mut self, now: Timestamp) {
        self.queue.set_time(now);
    }

    /// Declares that no further candles come that open at `open_time` or before.
    pub(crate) fn close_through(&mut self, open_time: Timestamp) {
        self.queue.complete_through(open_time);
    }

    /// Decides the next close, in order of time; `None` if it waits for candles.
    pub fn next_close(&mut self) -> Option<PanelClose<'_>> {
        loop {
            let (open_time, group) = self.queue.next_due()?;
            if self.decide(open_time, group) {
                return Some(PanelClose { panel: self, group, open_time });
            }
        }
    }

    /// Computes the rows of a close; `false` if no pair of the group has a candle.
    fn decide(&mut self, open_time: Timestamp, group: usize) -> bool {
        let Self { interval, pipelines, taken, groups, queue, stats, .. } = self;
        let SessionGroup { members, market, candles, last } = &mut groups[group];
        if !candles.fill(|place| queue.visible(group, place)) {
            return false;
        }
        let elapsed = elapsed_between(*last, open_time, *interval);
        *last = Some(open_time);
        market.step(&MarketClose::joined(candles, None).after(elapsed));
        let close = MarketClose::joined(candles, Some(market));
        let mut present = 0;
        for place in &*members {
            let pipeline = &mut pipelines[*place];
            taken[*place] = candles.at_place(*place).map(|ClosedCandle { candle, logs }| {
                let own = MarketSnapshot::at_close(candle, close).with_logs(logs);
                let Ok(rows) = pipeline.update(own) else {
                    unreachable!("invariant: closes are aligned and in order, gaps are accepted");
                };
                present += 1;
                TakenRows { held: rows.len() - 1, restarted: rows.restarted() }
            });
            if taken[*place].is_none() {
                let advanced = pipeline.advance_to(open_time, close);
                debug_assert!(advanced.is_ok(), "invariant: closes are in order");
            }
        }
        if present == 0 {
            return false;
        }
        stats.closes = stats.closes.saturating_add(1);
        stats.missing = stats.missing.saturating_add((members.len() - present) as u64);
        true
    }

    /// Pairs whose candles the next close waits for; none if no candle waits.
    pub fn waiting_for(&self) -> impl Iterator<Item = &Pair> {
        self.queue.waiting_for().map(|place| &self.pairs[place])
    }
}

/// Properties of the panel.
impl Panel {
    /// Returns the pairs; the place of a pair is its index here.
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// Returns the interval of the candles.
    pub fn interval(&self) -> Interval {
        self.interval
    }

    /// Returns the channels and the gap policy.
    pub fn spec(&self) -> &SignalSpec {
        &self.spec
    }

    /// Returns the number of channels.
    pub fn width(&self) -> usize {
        self.spec.width()
    }

    /// Returns the index (from 0) of a pair's first candle with a complete row, as
    /// [`SignalPipeline::warm_up`].
    pub fn warm_up(&self) -> usize {
        self.pipelines[0].warm_up()
    }

    /// Milliseconds from open to close of the pair at a place.
    fn session(&self, place: usize) -> i64 {
        self.queue.session_of(place)
    }

    /// Returns the open time of the last decided close.
    pub fn last_open_time(&self) -> Option<Timestamp> {
        self.queue.last_open_time()
    }

    /// Returns the counts of candles and closes.
    pub fn stats(&self) -> PanelStats {
        self.stats
    }
}

impl<'a> PanelClose<'a> {
    /// Returns the open time of the candles.
    pub fn open_time(&self) -> Timestamp {
        self.open_time
    }

    /// Returns the close time of the candles, when the rows become known.
    pub fn close_time(&self) -> Timestamp {
        close_at(self.open_time, self.panel.queue.session(self.group))
    }

    /// Iterates over the pairs that close here: the place of the pair in [`Panel::pairs`], and its
    /// rows; `None` if its candle is missing.
    pub fn rows(&self) -> impl Iterator<Item = (usize, Option<SignalRows<'a>>)> + use<'a> {
        let panel = self.panel;
        panel.groups[self.group].members.iter().map(move |place| {
            let rows = panel.taken[*place]
                .map(|taken| panel.pipelines[*place].last_rows(taken.held, taken.restarted));
            (*place, rows)
        })
    }

    /// Returns the pair at a place.
    ///
    /// # Panics
    /// If `place` is not below the number of pairs.
    pub fn pair(&self, place: usize) -> &'a Pair {
        &self.panel.pairs[place]
    }

    /// Returns the candle of the pair at a place, as it is visible at this close; `None` if it is
    /// missing.
    pub fn candle(&self, place: usize) -> Option<&'a Candle> {
        Some(&self.panel.groups[self.group].candles.at_place(place)?.candle)
    }
}
