//! Calls that are held back: the model is too old, or the market not the one it was fitted on.
use std::sync::Arc;

use windvane_candles::Timestamp;
use windvane_signals::{StateReader, StateWriter, Window};
use xxhash_rust::xxh3::xxh3_64;

use super::Predictor;
use super::misfit;
use crate::{NeutralReason, PredictError, TrainingProfile};

/// When not to call.
impl Predictor {
    /// From the first close after `time` on, every call becomes NEUTRAL for
    /// [`Expired`](NeutralReason::Expired), until a newer model is swapped in.
    pub fn set_expire_at(&mut self, time: Timestamp) {
        self.valid_until = Some(time);
    }

    /// The same, `candles` candles after the last one the model learned or chose from.
    ///
    /// # Errors
    /// [`PredictError::NoRecord`] for a model that does not say when that was.
    pub fn set_expire_after(&mut self, candles: u32) -> Result<(), PredictError> {
        let record = self.model.record();
        let record =
            record.ok_or_else(|| PredictError::NoRecord { model: self.model.id().to_string() })?;
        let learned = record.until.max(record.validated_until);
        let end = learned.plus(self.pipeline.interval(), i64::from(candles));
        self.set_expire_at(end.unwrap_or(Timestamp::from_millis(i64::MAX)));
        Ok(())
    }

    /// From now on a call becomes NEUTRAL for [`Novelty`](NeutralReason::Novelty) where the window
    /// is unlike all that the profile was measured on, and for
    /// [`Drift`](NeutralReason::Drift) where the last [`window_len`](TrainingProfile::window_len)
    /// decisions are; the latter only once there were as many. Many predictors can share a
    /// profile; each keeps a byte per channel and decision of the window_len.
    ///
    /// # Errors
    /// [`PredictError::OtherProfile`] for a profile of other channels or rows than the model reads.
    pub fn set_guard(&mut self, profile: Arc<TrainingProfile>) -> Result<(), PredictError> {
        let spec = self.model.spec();
        if (profile.signals(), profile.lookback()) != (&spec.signals, spec.lookback) {
            return Err(PredictError::OtherProfile { model: self.model.id().to_string() });
        }
        self.guard = Some(Box::new(Guard::new(profile)));
        Ok(())
    }
}

/// The last decisions of a pair, as the bins of their channels.
#[derive(Debug)]
pub(super) struct Guard {
    profile: Arc<TrainingProfile>,
    fingerprint: u64,
    /// `[window_len, C]`, a ring once it is full.
    bins: Vec<u8>,
    next: usize,
    /// Decisions in the ring.
    filled: usize,
    counts: Vec<[u64; 10]>,
}

impl Guard {
    pub(super) fn new(profile: Arc<TrainingProfile>) -> Self {
        let width = profile.signals().width();
        let json = serde_json::to_vec(&*profile);
        Self {
            fingerprint: json.map_or(0, |json| xxh3_64(&json)),
            bins: vec![0; profile.window_len() * width],
            next: 0,
            filled: 0,
            counts: vec![[0; 10]; width],
            profile,
        }
    }

    /// Takes the decision's own row.
    pub(super) fn take(&mut self, window: &Window<'_>) {
        let row = window.row(window.steps() - 1);
        let full = self.filled == self.profile.window_len();
        let places = self.next * row.len()..(self.next + 1) * row.len();
        let places = self.bins[places].iter_mut().zip(&mut self.counts).zip(row);
        for (channel, ((place, counts), value)) in places.enumerate() {
            if full {
                counts[usize::from(*place)] -= 1;
            }
            *place = self.profile.bin(channel, *value);
            counts[usize::from(*place)] += 1;
        }
        self.next = (self.next + 1) % self.profile.window_len();
        self.filled += usize::from(!full);
    }

    /// Reason to suppress a call on this window.
    pub(super) fn veto(&self, window: &Window<'_>) -> Option<NeutralReason> {
        if self.profile.is_novel(window) {
            return Some(NeutralReason::Novelty);
        }
        let full = self.filled == self.profile.window_len();
        (full && self.profile.has_drifted(&self.counts)).then_some(NeutralReason::Drift)
    }

    /// Writes the ring, eight bins to a word.
    pub(super) fn save(&self, state: &mut StateWriter) {
        state.int(self.fingerprint.cast_signed());
        state.count(self.next);
        state.count(self.filled);
        for eight in self.bins.chunks(8) {
            let mut word = [0; 8];
            word[..eight.len()].copy_from_slice(eight);
            state.int(i64::from_le_bytes(word));
        }
    }

    /// Guard of the same profile with the ring that [`save`](Self::save) wrote.
    pub(super) fn restored(&self, state: &mut StateReader<'_>) -> Result<Self, PredictError> {
        let mut guard = Self::new(Arc::clone(&self.profile));
        if state.int()?.cast_unsigned() != self.fingerprint {
            return misfit("its guard are of another market profile");
        }
        (guard.next, guard.filled) = (state.count()?, state.count()?);
        let window_len = self.profile.window_len();
        let place = if guard.filled == window_len {
            guard.next < window_len
        } else {
            guard.next == guard.filled
        };
        if guard.filled > window_len || !place {
            return misfit("its guard have seen more than fits");
        }
        for eight in guard.bins.chunks_mut(8) {
            let word = state.int()?.to_le_bytes();
            eight.copy_from_slice(&word[..eight.len()]);
        }
        let width = guard.counts.len();
        for row in guard.bins.chunks_exact(width).take(guard.filled) {
            for (bin, counts) in row.iter().zip(&mut guard.counts) {
                match counts.get_mut(usize::from(*bin)) {
                    Some(count) => *count += 1,
                    None => return misfit("its guard name a bin that there is not"),
                }
            }
        }
        Ok(guard)
    }
}
