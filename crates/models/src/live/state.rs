//! State of a predictor as bytes, so that a restart changes no prediction, and its copy.
use std::sync::Arc;

use windvane_candles::Pair;
use windvane_signals::{SignalPipeline, StateReader, StateWriter};
use xxhash_rust::xxh3::xxh3_64;

use super::Predictor;
use super::feed_stats::FeedStats;
use super::history::History;
use super::misfit;
use super::outcome::Sessions;
use super::predictor::known;
use super::recurrent::SavedState;
use super::rows::RowRing;
use crate::{ModelSpec, PredictError};

/// Magic number: the bytes of "windvane".
const MAGIC: u64 = u64::from_le_bytes(*b"windvane");
/// Version of the states that are written. Version 1 had no pair, no sessions and one count less.
const VERSION: u64 = 2;
/// Maximum length of a pair's name, bytes.
const MAX_NAME_LEN: usize = 255 * 4;
/// Number of words in the header: magic number, version, checksum, fingerprint of the spec.
pub(super) const HEADER: usize = 4;

/// Saving and restoring the state.
impl Predictor {
    /// Serialises the state after the last candle, for [`restore`](Self::restore) after a restart.
    /// Write the bytes with [`replace_file`](crate::replace_file), which is atomic: after a crash
    /// the file contains the old state or the new one.
    ///
    /// The bytes contain the [pair](Self::pair), but neither the model nor the settings. They fit
    /// every model with the same spec. After a change of the model, the recurrent state of a
    /// [stateful](crate::StatefulModel) model is recomputed as in [`swap`](Self::swap). Set the
    /// expiry, the number of kept candles and the guard before [`restore`](Self::restore).
    ///
    /// # Examples
    /// ```
    /// use windvane_candles::{Interval, simulate::MarketModel};
    /// use windvane_models::{Predictor, v32};
    ///
    /// let series = MarketModel::AR1.candles("SIM".parse()?, Interval::HOUR, 60, 1)?;
    /// let mut before = Predictor::new(v32::pretrained(), Interval::HOUR)?;
    /// before.warm_up(&series)?;
    /// let bytes = before.save();
    ///
    /// let mut after = Predictor::new(v32::pretrained(), Interval::HOUR)?;
    /// after.restore(&bytes)?;
    /// assert_eq!(after.candles_needed(), 0);
    /// assert_eq!(after.feed_stats().taken, 60);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn save(&self) -> Vec<u8> {
        let mut state = StateWriter::default();
        self.stats.save(&mut state);
        state.count(self.seen);
        self.sessions.save(&mut state);
        save_pair(self.pair.as_ref(), &mut state);
        self.rows.save(&mut state);
        self.history.save(&mut state);
        state.count(usize::from(self.guard.is_some()));
        if let Some(guard) = &self.guard {
            guard.save(&mut state);
        }
        self.pipeline.save(&mut state);
        self.save_recurrent(&mut state);
        pack(MAGIC, fingerprint(self.model.spec()), state)
    }

    /// Restores a state that [`save`](Self::save) returned for the same pair and a model with the
    /// same spec. The next predictions have the bits of the saved predictor. A predictor without a
    /// pair takes over that of the state; a state without a pair, which older versions wrote, fits
    /// every pair.
    ///
    /// # Errors
    /// [`PredictError::OtherPair`] for a state of another pair, [`PredictError::State`] and
    /// [`PredictError::Signal`] for damaged bytes, a newer version, a model with another spec and a
    /// guard with another profile. The predictor is unchanged.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), PredictError> {
        let words = unpack(MAGIC, fingerprint(self.model.spec()), bytes)?;
        let state = &mut StateReader::new(&words[HEADER..]);
        let version = words[1];
        let stats = FeedStats::restored(state, version)?;
        let seen = state.count()?;
        let (mut sessions, mut pair) = (Sessions::default(), None);
        if version > 1 {
            (sessions, pair) = (Sessions::restored(state)?, restored_pair(state)?);
        }
        if let Some(got) = &pair {
            self.check_pair("saved state", got)?;
        }
        let rows: RowRing = self.rows.restored(state)?;
        let history: History = self.history.restored(state, self.pipeline.interval())?;
        let guard = match (&self.guard, state.count()?) {
            (Some(guard), 1) => Some(Box::new(guard.restored(state)?)),
            (None, 0) => None,
            _ => {
                let problem = "either the state or this predictor has no guard; set the same guard";
                return Err(PredictError::State { problem });
            }
        };
        let mut before = StateWriter::default();
        self.pipeline.save(&mut before);
        let restored = self.pipeline.restore(state).map_err(PredictError::from);
        let last = history.last_open_time();
        let old = std::mem::replace(&mut self.history, history);
        let recurrent = restored.and_then(|()| {
            let saved = SavedState::read(state)?;
            state.clone().finish()?;
            if self.pipeline.last_open_time() != last {
                let problem = "the last candles of its history and of its signals differ";
                return Err(PredictError::State { problem });
            }
            self.restored_state(saved, &rows)
        });
        match recurrent {
            Ok(recurrent) => self.state = recurrent,
            Err(error) => {
                self.history = old;
                self.pipeline.restore(&mut StateReader::new(&before.into_words()))?;
                return Err(error);
            }
        }
        (self.stats, self.seen, self.rows, self.guard) = (stats, seen, rows, guard);
        self.sessions = sessions;
        self.pair = pair.or(self.pair.take());
        Ok(())
    }
}

/// Returns the bytes of a state: header and words. `magic` is the kind of state.
pub(super) fn pack(magic: u64, spec: u64, state: StateWriter) -> Vec<u8> {
    let words = state.into_words();
    let mut bytes = Vec::with_capacity((HEADER + words.len()) * 8);
    for word in [magic, VERSION, 0, spec].into_iter().chain(words) {
        bytes.extend(word.to_le_bytes());
    }
    let checksum = xxh3_64(&bytes);
    bytes[16..24].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Splits the bytes into header and words after checking length, kind, version, checksum and spec.
pub(super) fn unpack(magic: u64, spec: u64, bytes: &[u8]) -> Result<Vec<u64>, PredictError> {
    let (chunks, rest) = bytes.as_chunks::<8>();
    let words: Vec<u64> = chunks.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
    if words.first() != Some(&magic) || words.len() < HEADER || !rest.is_empty() {
        return misfit("not a predictor state, or truncated");
    }
    if words[1] > VERSION {
        return misfit("a newer version of windvane wrote it; update windvane");
    }
    let mut blank = bytes.to_vec();
    blank[16..24].fill(0);
    if words[1] == 0 || words[2] != xxh3_64(&blank) {
        return misfit("its checksum does not match, it is damaged or truncated");
    }
    if words[3] != spec {
        return misfit("it belongs to a model with another spec");
    }
    Ok(words)
}

/// Continues with the same bits as the original.
///
/// # Panics
/// If a bot's own channel cannot be built again or rejects the state that it has saved.
impl Clone for Predictor {
    fn clone(&self) -> Self {
        let (signals, interval) = (&self.model.spec().signals, self.pipeline.interval());
        let registry = known(self.registry.as_deref());
        let own = [(signals, &self.pipeline)];
        let pipeline = SignalPipeline::joined(signals, interval, &registry, &own);
        let mut pipeline = pipeline.expect("invariant: a channel restores the state it has saved");
        pipeline.stop_at_gaps(self.pipeline.stops_at_gaps());
        Self {
            model: Arc::clone(&self.model),
            pair: self.pair.clone(),
            registry: self.registry.clone(),
            pipeline,
            scratch: self.model.scratch(),
            rows: self.rows.clone(),
            state: self.state.clone(),
            seen: self.seen,
            sessions: self.sessions,
            undefined: self.undefined.clone(),
            history: self.history.clone(),
            stats: self.stats,
            valid_until: self.valid_until,
            guard: self.guard.clone(),
            max_ahead: self.max_ahead,
            session: self.session,
        }
    }
}

/// Writes the length of the pair's name and its bytes, eight per word; a length of 0 for `None`.
fn save_pair(pair: Option<&Pair>, state: &mut StateWriter) {
    let name = pair.map_or("", Pair::as_str).as_bytes();
    state.count(name.len());
    for eight in name.chunks(8) {
        let mut word = [0; 8];
        word[..eight.len()].copy_from_slice(eight);
        state.int(i64::from_le_bytes(word));
    }
}

/// Reads the pair that [`save_pair`] wrote.
fn restored_pair(state: &mut StateReader<'_>) -> Result<Option<Pair>, PredictError> {
    let len = state.count()?;
    if len == 0 {
        return Ok(None);
    }
    if len > MAX_NAME_LEN {
        return misfit("the name of its pair is too long");
    }
    let mut name = Vec::with_capacity(len.next_multiple_of(8));
    for _ in 0..len.div_ceil(8) {
        name.extend(state.int()?.to_le_bytes());
    }
    let padding = name.split_off(len);
    let pair = std::str::from_utf8(&name).ok().and_then(|name| Pair::new(name).ok());
    match pair.filter(|_| padding.iter().all(|byte| *byte == 0)) {
        Some(pair) => Ok(Some(pair)),
        None => misfit("the name of its pair is invalid"),
    }
}

/// Hash of a spec.
pub(super) fn fingerprint(spec: &ModelSpec) -> u64 {
    // A spec is plain data, so serialisation cannot fail.
    serde_json::to_vec(spec).map_or(0, |json| xxh3_64(&json))
}
