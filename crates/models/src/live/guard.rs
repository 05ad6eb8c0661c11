//! Suppressed predictions: expired models, drift, novelty and anomalies.
use std::sync::Arc;

use windvane_candles::{Candle, Interval, Timestamp};
use windvane_signals::{StateReader, StateWriter, Window};
use xxhash_rust::xxh3::xxh3_64;

use super::Predictor;
use super::anomaly::CandleChecks;
use super::misfit;
use crate::{FittedModel, NeutralReason, PredictError, TrainingProfile};

/// Expiry and guard.
impl Predictor {
    /// Turns every prediction from the first close after `time` on into NEUTRAL with the reason
    /// [`Expired`](NeutralReason::Expired), until a newer model is swapped in.
    pub fn set_expire_at(&mut self, time: Timestamp) {
        self.valid_until = Some(time);
    }

    /// Sets the expiry of [`set_expire_at`](Self::set_expire_at) to `candles` candles after the end
    /// of the model's training and validation periods.
    ///
    /// # Errors
    /// [`PredictError::NoRecord`] for a model without a training record.
    pub fn set_expire_after(&mut self, candles: u32) -> Result<(), PredictError> {
        let record = self.model.record();
        let record =
            record.ok_or_else(|| PredictError::NoRecord { model: self.model.id().to_string() })?;
        let trained_until = record.until.max(record.validated_until);
        let end = trained_until.plus(self.pipeline.interval(), i64::from(candles));
        self.set_expire_at(end.unwrap_or(Timestamp::from_millis(i64::MAX)));
        Ok(())
    }

    /// Turns predictions from now on into NEUTRAL where the market differs from the training
    /// profile.
    ///
    /// The reason is [`Anomaly`](NeutralReason::Anomaly) if the profile has an
    /// [`AnomalyGate`](crate::AnomalyGate) and the last candle is an anomaly,
    /// [`Novelty`](NeutralReason::Novelty) if the window lies outside the range of the training
    /// windows, and [`Drift`](NeutralReason::Drift) if the distribution of the last
    /// [`window_len`](TrainingProfile::window_len) decisions has drifted. Drift is measured once
    /// there are `window_len` decisions, and anomalies from the 50th candle on. Many predictors can
    /// share a profile; each stores one byte per channel for `window_len` decisions.
    ///
    /// # Errors
    /// [`PredictError::OtherProfile`] for a profile with other channels, another interval or another
    /// lookback than the model.
    pub fn set_guard(&mut self, profile: Arc<TrainingProfile>) -> Result<(), PredictError> {
        self.guard = Some(Box::new(Guard::of(&*self.model, profile)?));
        Ok(())
    }
}

/// Guard of a predictor: the decile bins of its last decisions and the checks of its candles.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    profile: Arc<TrainingProfile>,
    fingerprint: u64,
    /// Ring buffer of bins, `[window_len, C]`.
    bins: Vec<u8>,
    /// Index of the next decision in the ring buffer.
    next: usize,
    /// Number of decisions in the ring buffer.
    filled: usize,
    /// Number of decisions per channel and bin.
    counts: Vec<[u64; 10]>,
    anomaly: Option<AnomalyGuard>,
}

/// State of the anomaly gate.
#[derive(Debug, Clone, Default)]
struct AnomalyGuard {
    checks: CandleChecks,
    /// True if the last candle is an anomaly.
    found: bool,
}

impl Guard {
    /// Creates the guard of a model.
    pub(super) fn of(
        model: &dyn FittedModel,
        profile: Arc<TrainingProfile>,
    ) -> Result<Self, PredictError> {
        if let Some((what, expected, got)) = profile.difference(model.spec()) {
            let model = model.id().to_string();
            return Err(PredictError::OtherProfile { model, what, expected, got });
        }
        Ok(Self::new(profile))
    }

    fn new(profile: Arc<TrainingProfile>) -> Self {
        let width = profile.signals().width();
        let json = serde_json::to_vec(&*profile);
        Self {
            fingerprint: json.map_or(0, |json| xxh3_64(&json)),
            bins: vec![0; profile.window_len() * width],
            next: 0,
            filled: 0,
            counts: vec![[0; 10]; width],
            anomaly: profile.anomaly_gate().is_some().then(AnomalyGuard::default),
            profile,
        }
    }

    /// Takes a candle, before the window that ends with it.
    pub(super) fn take_candle(&mut self, candle: &Candle, interval: Interval) {
        if let (Some(gate), Some(anomaly)) = (self.profile.anomaly_gate(), &mut self.anomaly) {
            anomaly.found = gate.check(&mut anomaly.checks, candle, interval);
        }
    }

    /// Adds the last row of a window and removes the oldest one from a full ring buffer.
    pub(super) fn take(&mut self, window: &Window<'_>) {
        let row = window.row(window.steps() - 1);
        let full = self.filled == self.profile.window_len();
        let slots = self.next * row.len()..(self.next + 1) * row.len();
        let slots = self.bins[slots].iter_mut().zip(&mut self.counts).zip(row);
        for (channel, ((bin, counts), value)) in slots.enumerate() {
            if full {
                counts[usize::from(*bin)] -= 1;
            }
            *bin = self.profile.bin(channel, *value);
            counts[usize::from(*bin)] += 1;
        }
        self.next = (self.next + 1) % self.profile.window_len();
        self.filled += usize::from(!full);
    }

    /// Returns the reason to suppress the prediction of a window, if any.
    pub(super) fn veto(&self, window: &Window<'_>) -> Option<NeutralReason> {
        if self.anomaly.as_ref().is_some_and(|anomaly| anomaly.found) {
            return Some(NeutralReason::Anomaly);
        }
        if self.profile.is_novel(window) {
            return Some(NeutralReason::Novelty);
        }
        let full = self.filled == self.profile.window_len();
        (full && self.profile.has_drifted(&self.counts)).then_some(NeutralReason::Drift)
    }

    /// Writes the ring buffer, eight bins per word.
    pub(super) fn save(&self, state: &mut StateWriter) {
        state.int(self.fingerprint.cast_signed());
        state.count(self.next);
        state.count(self.filled);
        for eight in self.bins.chunks(8) {
            let mut word = [0; 8];
            word[..eight.len()].copy_from_slice(eight);
            state.int(i64::from_le_bytes(word));
        }
        if let Some(anomaly) = &self.anomaly {
            anomaly.checks.save(state);
        }
    }

    /// Reads the ring buffer that [`save`](Self::save) wrote into a guard with the same profile.
    pub(super) fn restored(&self, state: &mut StateReader<'_>) -> Result<Self, PredictError> {
        let mut guard = Self::new(Arc::clone(&self.profile));
        if state.int()?.cast_unsigned() != self.fingerprint {
            return misfit("its guard has another training profile");
        }
        (guard.next, guard.filled) = (state.count()?, state.count()?);
        let window_len = self.profile.window_len();
        let next_fits = if guard.filled == window_len {
            guard.next < window_len
        } else {
            guard.next == guard.filled
        };
        if guard.filled > window_len || !next_fits {
            return misfit("the position in its guard is out of range");
        }
        for eight in guard.bins.chunks_mut(8) {
            let word = state.int()?.to_le_bytes();
            eight.copy_from_slice(&word[..eight.len()]);
        }
        if let Some(anomaly) = &mut guard.anomaly {
            anomaly.checks = CandleChecks::restored(state)?;
        }
        let width = guard.counts.len();
        for row in guard.bins.chunks_exact(width).take(guard.filled) {
            for (bin, counts) in row.iter().zip(&mut guard.counts) {
                match counts.get_mut(usize::from(*bin)) {
                    Some(count) => *count += 1,
                    None => return misfit("a bin of its guard is out of range"),
                }
            }
        }
        Ok(guard)
    }
}
