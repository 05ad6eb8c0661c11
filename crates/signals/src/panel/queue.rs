//! Queue of the candles whose close has not been decided.
use std::collections::VecDeque;

use windvane_candles::{Candle, Interval, Timestamp};

use crate::{SignalError, StateReader, StateWriter};

/// Default maximum number of intervals from the latest candle to the next one.
const MAX_AHEAD: u32 = 10_000;

/// Candles of all pairs with one open time.
#[derive(Debug)]
struct CandleSet {
    open_time: Timestamp,
    candles: Box<[Option<Candle>]>,
    /// Number of candles of each group.
    counts: Box<[usize]>,
}

/// Candles that wait for the other candles of their close, and the candles of the last close.
///
/// The pairs with the same session close are a group. A close has an open time and a group; the
/// groups are in order of their session close, so closes in the order (open time, group) are in
/// order of time.
#[derive(Debug)]
pub(super) struct CloseQueue {
    interval: Interval,
    /// Milliseconds from open to close of each group, ascending.
    sessions: Box<[i64]>,
    /// Group of each pair.
    group_of: Box<[usize]>,
    /// Number of pairs of each group.
    sizes: Box<[usize]>,
    /// Milliseconds after a close until it is decided without the missing candles.
    max_wait: i64,
    /// Maximum number of intervals from the latest candle to the next one.
    pub(super) max_ahead: u32,
    /// Candles by open time, oldest first.
    pending: VecDeque<CandleSet>,
    /// Candles of the open time before the oldest pending one, all groups of which are decided.
    previous: Option<CandleSet>,
    /// Sets for reuse.
    spare: Vec<CandleSet>,
    /// Next group of the oldest pending set.
    next_group: usize,
    /// Open time and group of the last decided close.
    decided: Option<(Timestamp, usize)>,
    /// Latest time given by the caller.
    now: Option<Timestamp>,
    /// Latest close of a received candle.
    latest: Option<Timestamp>,
    /// Open time up to which no further candles come.
    complete_through: Option<Timestamp>,
}

impl CloseQueue {
    pub(super) fn new(interval: Interval, sessions: Box<[i64]>, group_of: Box<[usize]>) -> Self {
        let mut sizes = vec![0; sessions.len()].into_boxed_slice();
        group_of.iter().for_each(|group| sizes[*group] += 1);
        Self {
            interval,
            sessions,
            group_of,
            sizes,
            max_wait: interval.millis(),
            max_ahead: MAX_AHEAD,
            pending: VecDeque::new(),
            previous: None,
            spare: Vec::new(),
            next_group: 0,
            decided: None,
            now: None,
            latest: None,
            complete_through: None,
        }
    }

    /// Sets the wait, and reserves the sets that can wait at the same time.
    pub(super) fn set_max_wait(&mut self, millis: i64) {
        self.max_wait = millis;
        let sets = usize::try_from(millis / self.interval.millis()).unwrap_or(0) + 4;
        self.pending.reserve(sets);
        while self.spare.len() < sets {
            self.spare.push(self.empty_set());
        }
    }

    pub(super) fn session(&self, group: usize) -> i64 {
        self.sessions[group]
    }

    pub(super) fn session_of(&self, place: usize) -> i64 {
        self.sessions[self.group_of[place]]
    }

    /// Adds a candle; the state is unchanged if it is rejected.
    pub(super) fn push(&mut self, place: usize, candle: &Candle) -> Result<(), SignalError> {
        let (open_time, group) = (candle.open_time(), self.group_of[place]);
        if !self.interval.is_aligned(open_time) {
            return Err(SignalError::Misaligned { open_time, interval: self.interval });
        }
        if self.kept(place, open_time).is_some() {
            return Err(SignalError::Duplicate { open_time });
        }
        if let Some(last) = self.last_open_time().filter(|_| self.is_decided(open_time, group)) {
            return Err(SignalError::Late { open_time, last });
        }
        self.check_ahead(open_time)?;
        self.expect_lagging(open_time);
        let index = self.set_at(open_time);
        let set = &mut self.pending[index];
        set.candles[place] = Some(*candle);
        set.counts[group] += 1;
        self.latest = self.latest.max(Some(close_at(open_time, self.sessions[group])));
        Ok(())
    }

    /// Accepted candle of a pair that waits or belongs to the last closes.
    pub(super) fn kept(&self, place: usize, open_time: Timestamp) -> Option<&Candle> {
        let found = self.pending.binary_search_by_key(&open_time, |set| set.open_time);
        let previous = self.previous.as_ref().filter(|set| set.open_time == open_time);
        let set = found.ok().map(|index| &self.pending[index]).or(previous)?;
        set.candles[place].as_ref()
    }

    /// Rejects an open time too far after the latest received candle: it would decide every close
    /// before it.
    fn check_ahead(&self, open_time: Timestamp) -> Result<(), SignalError> {
        let reach = self.interval.millis().saturating_mul(self.max_ahead.into());
        let newest = self.pending.back().map(|set| set.open_time);
        match newest.max(self.last_open_time()) {
            Some(last) if open_time > close_at(last, reach) => {
                let (interval, max_ahead) = (self.interval, self.max_ahead);
                Err(SignalError::FarAhead { open_time, last, interval, max_ahead })
            }
            _ => Ok(()),
        }
    }

    /// Moves the clock forward, for the wait.
    pub(super) fn set_time(&mut self, now: Timestamp) {
        self.now = self.now.max(Some(now));
    }

    /// Declares that no further candles come that open at `open_time` or before.
    pub(super) fn complete_through(&mut self, open_time: Timestamp) {
        self.complete_through = self.complete_through.max(Some(open_time));
    }

    /// Returns the open time and the group of the next close if it is complete or its wait is over.
    pub(super) fn next_due(&mut self) -> Option<(Timestamp, usize)> {
        if self.next_group == self.sessions.len() {
            self.finish_oldest();
        }
        let (open_time, group) = (self.pending.front()?.open_time, self.next_group);
        if !self.is_due(open_time, group) {
            return None;
        }
        self.next_group += 1;
        self.decided = Some((open_time, group));
        Some((open_time, group))
    }

    fn is_due(&self, open_time: Timestamp, group: usize) -> bool {
        let close = close_at(open_time, self.sessions[group]);
        let deadline = close_at(close, self.max_wait);
        self.pending[0].counts[group] == self.sizes[group]
            || self.complete_through >= Some(open_time)
            || self.now >= Some(deadline)
            || (self.latest > Some(close) && self.latest >= Some(deadline))
    }

    /// Candle of a pair that is visible at the last due close of `group`: that of the same open
    /// time, or the one before it if the pair closes later.
    pub(super) fn visible(&self, group: usize, place: usize) -> Option<Candle> {
        let set = self.pending.front()?;
        if self.group_of[place] <= group {
            return set.candles[place];
        }
        let previous = self.previous.as_ref()?;
        let follows = previous.open_time.plus(self.interval, 1) == Some(set.open_time);
        if follows { previous.candles[place] } else { None }
    }

    /// Places of the pairs whose candles the next close waits for.
    pub(super) fn waiting_for(&self) -> impl Iterator<Item = usize> + '_ {
        let last = self.sessions.len();
        // A set whose groups are all decided waits for nothing; the next one does.
        let (index, group) = if self.next_group == last { (1, 0) } else { (0, self.next_group) };
        let set = self.pending.get(index);
        set.into_iter().flat_map(move |set| {
            let places = set.candles.iter().enumerate();
            let missing = places
                .filter(move |(place, candle)| candle.is_none() && self.group_of[*place] == group);
            missing.map(|(place, _)| place)
        })
    }

    /// Open time of the last decided close.
    pub(super) fn last_open_time(&self) -> Option<Timestamp> {
        self.decided.map(|(open_time, _)| open_time)
    }

    /// Returns whether the close of a group with this open time has been decided.
    pub(super) fn is_decided(&self, open_time: Timestamp, group: usize) -> bool {
        Some((open_time, group)) <= self.decided
    }

    /// Replaces the previous set by the oldest one, all groups of which are decided.
    fn finish_oldest(&mut self) {
        self.next_group = 0;
        let Some(finished) = self.pending.pop_front() else { return };
        let next = finished.open_time.plus(self.interval, 1);
        // Pairs that close later in the day are visible to the others one interval later, also if
        // no candle opens there.
        let lags = finished.counts.iter().skip(1).any(|count| *count > 0);
        if let Some(old) = self.previous.replace(finished) {
            self.spare.push(old);
        }
        if let Some(next) = next.filter(|_| lags) {
            self.set_at(next);
        }
    }

    /// Creates the set before `open_time`, so that its closes wait for the pairs that close later in
    /// the day: their candles are visible one interval later.
    fn expect_lagging(&mut self, open_time: Timestamp) {
        let last_group = self.sessions.len() - 1;
        let before = open_time.plus(self.interval, -1);
        let undecided = before.filter(|time| Some((*time, last_group)) > self.decided);
        if let Some(before) = undecided.filter(|_| last_group > 0) {
            self.set_at(before);
        }
    }

    /// Index of the pending set with this open time, which is created if there is none.
    fn set_at(&mut self, open_time: Timestamp) -> usize {
        let found = self.pending.binary_search_by_key(&open_time, |set| set.open_time);
        found.unwrap_or_else(|index| {
            let mut set = self.spare.pop().unwrap_or_else(|| self.empty_set());
            set.open_time = open_time;
            set.candles.fill(None);
            set.counts.fill(0);
            self.pending.insert(index, set);
            index
        })
    }

    fn empty_set(&self) -> CandleSet {
        CandleSet {
            open_time: Timestamp::from_millis(0),
            candles: vec![None; self.group_of.len()].into(),
            counts: vec![0; self.sessions.len()].into(),
        }
    }

    pub(super) fn save(&self, state: &mut StateWriter) {
        state.count(self.next_group);
        let (time, group) = self.decided.unzip();
        for time in [time, self.now, self.latest] {
            state.time(time);
        }
        state.count(group.unwrap_or(0));
        state.count(usize::from(self.previous.is_some()));
        state.count(self.pending.len());
        for set in self.previous.iter().chain(&self.pending) {
            state.time(Some(set.open_time));
            for candle in &set.candles {
                state.candle(candle.as_ref());
            }
        }
    }

    pub(super) fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        let next_group = state.count()?;
        let [decided, now, latest] = [state.time()?, state.time()?, state.time()?];
        let group = state.count()?;
        if next_group > self.sessions.len() || group >= self.sessions.len() {
            return Err(SignalError::State { what: "it has another number of session closes" });
        }
        while let Some(set) = self.pending.pop_front().or(self.previous.take()) {
            self.spare.push(set);
        }
        let has_previous = state.count()? != 0;
        let pending = state.count()?;
        if has_previous {
            self.restore_set(state)?;
            self.previous = self.pending.pop_front();
        }
        for index in 0..pending {
            if self.restore_set(state)? != index {
                return Err(SignalError::State { what: "its waiting candles are out of order" });
            }
        }
        self.next_group = next_group;
        self.decided = decided.map(|time| (time, group));
        (self.now, self.latest, self.complete_through) = (now, latest, None);
        if self.is_consistent() {
            return Ok(());
        }
        Err(SignalError::State { what: "its waiting candles do not follow its last close" })
    }

    /// Returns whether the oldest set follows the previous one and the last decided close.
    fn is_consistent(&self) -> bool {
        let Some(oldest) = self.pending.front() else { return self.next_group == 0 };
        let previous = self.previous.as_ref().map(|set| set.open_time);
        let follows = match self.next_group.checked_sub(1) {
            Some(group) => self.decided == Some((oldest.open_time, group)),
            None => !self.is_decided(oldest.open_time, 0),
        };
        follows && previous < Some(oldest.open_time)
    }

    /// Reads a set and returns its index among the pending ones.
    fn restore_set(&mut self, state: &mut StateReader<'_>) -> Result<usize, SignalError> {
        let none = SignalError::State { what: "a set of candles has no open time" };
        let open_time = state.time()?.ok_or(none)?;
        if !self.interval.is_aligned(open_time) {
            return Err(SignalError::Misaligned { open_time, interval: self.interval });
        }
        let index = self.set_at(open_time);
        for place in 0..self.group_of.len() {
            let candle = state.candle()?;
            if candle.is_some_and(|candle| candle.open_time() != open_time) {
                return Err(SignalError::State { what: "a waiting candle has another open time" });
            }
            let set = &mut self.pending[index];
            set.counts[self.group_of[place]] += usize::from(candle.is_some());
            set.candles[place] = candle;
        }
        Ok(index)
    }
}

/// Time `millis` after an open time, or the largest timestamp.
pub(super) fn close_at(open_time: Timestamp, millis: i64) -> Timestamp {
    Timestamp::from_millis(open_time.millis().saturating_add(millis))
}
