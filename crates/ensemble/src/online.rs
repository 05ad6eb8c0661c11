//! Online weights: the part of an ensemble's state from which its weights follow the outcomes.
use windvane_candles::Timestamp;
use windvane_models::{ModelSpec, PredictError, Prediction, Scratch};
use windvane_signals::{Band, Window};

use crate::member::Member;
use crate::{EnsembleError, FixedShare};

/// Smallest probability of an outcome, because the logarithm of 0 is infinite.
const MIN_PROBABILITY: f64 = 1e-6;

/// Online weights of an ensemble.
///
/// The state, after the states of the members: `ln(w_m / π_m)` `[M]`; number of rows, at most the
/// lookback `[1]`; probabilities of UP of the last decisions without an outcome, oldest first, 0
/// where there was none `[horizon, M]`; the last rows, oldest first `[lookback, C]`. All zeros are
/// the initial state.
#[derive(Debug)]
pub(crate) struct OnlineWeights {
    pub(crate) settings: FixedShare,
    /// Column whose sign is the direction of the close over the horizon.
    column: usize,
    horizon: usize,
    lookback: usize,
    width: usize,
}

/// Working memory of online weights.
#[derive(Default)]
pub(crate) struct OnlineBuffers {
    weights: Vec<f64>,
    initial: Vec<f64>,
    likelihoods: Vec<f64>,
    window: Vec<f64>,
}

/// Parts of the state.
struct OnlineState<'s> {
    /// Logarithms of the weights over the initial weights.
    logs: &'s mut [f32],
    rows_seen: &'s mut f32,
    pending: &'s mut [f32],
    rows: &'s mut [f32],
}

impl OnlineWeights {
    /// Creates online weights for an ensemble of a spec.
    ///
    /// # Errors
    /// [`EnsembleError::FixedShare`] for settings out of range, [`EnsembleError::NoOutcome`] if no
    /// channel has the sign of the outcome or the labels have a band.
    pub(crate) fn new(settings: FixedShare, spec: &ModelSpec) -> Result<Self, EnsembleError> {
        settings.validate()?;
        let horizon = spec.labels.horizon;
        let none = EnsembleError::NoOutcome { horizon };
        if spec.labels.band != (Band::Fixed { width: 0.0 }) {
            return Err(none);
        }
        let lag = |default: f64, channel: &windvane_signals::ChannelSpec| {
            (channel.parameter("lag", default) - horizon as f64).abs() < 0.5
        };
        let mut channels = spec.signals.channels.iter();
        let column = channels.position(|channel| match channel.name() {
            "momentum" => lag(1.0, channel),
            "normalized_momentum" => lag(24.0, channel),
            "normalized_return" => horizon == 1,
            _ => false,
        });
        let (lookback, width) = (spec.lookback, spec.signals.width());
        Ok(Self { settings, column: column.ok_or(none)?, horizon, lookback, width })
    }

    /// Returns the length of the state.
    pub(crate) fn state_len(&self, members: usize) -> usize {
        members + 1 + self.horizon * members + self.lookback * self.width
    }

    pub(crate) fn buffers(&self, members: usize) -> OnlineBuffers {
        let empty = || Vec::with_capacity(members);
        let window = vec![0.0; self.lookback * self.width];
        OnlineBuffers { weights: empty(), initial: empty(), likelihoods: empty(), window }
    }

    fn split<'s>(&self, state: &'s mut [f32], members: usize) -> Option<OnlineState<'s>> {
        if state.len() != self.state_len(members) {
            return None;
        }
        let (logs, rest) = state.split_at_mut(members);
        let (rows_seen, rest) = rest.split_first_mut()?;
        let (pending, rows) = rest.split_at_mut(self.horizon * members);
        Some(OnlineState { logs, rows_seen, pending, rows })
    }

    /// Updates the weights with the outcome that a row settles, then predicts with every member
    /// from the rows up to it. The members' own states include the row already.
    pub(crate) fn update(
        &self,
        row: &[f64],
        members: &[Member],
        states: (&[f32], &mut [f32]),
        buffers: (&mut OnlineBuffers, &mut Vec<f64>),
        scratches: &mut [Scratch],
    ) -> Result<(), PredictError> {
        let ((of_members, own), (buffers, member_rows)) = (states, buffers);
        let count = members.len();
        let state = self.split(own, count).ok_or(PredictError::ForeignScratch)?;
        self.learn(row[self.column], members, &state.pending[..count], state.logs, buffers);
        state.rows.rotate_left(self.width);
        let newest = state.rows.len() - self.width;
        for (kept, value) in state.rows[newest..].iter_mut().zip(row) {
            #[expect(clippy::cast_possible_truncation, reason = "only the weights depend on it")]
            let narrow = value.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32;
            *kept = narrow;
        }
        let lookback = self.lookback as f32;
        *state.rows_seen = (*state.rows_seen + 1.0).min(lookback);
        state.pending.rotate_left(count);
        let newest = state.pending.len() - count;
        let pending = &mut state.pending[newest..];
        pending.fill(0.0);
        if *state.rows_seen < lookback {
            return Ok(());
        }
        for (wide, value) in buffers.window.iter_mut().zip(&*state.rows) {
            *wide = f64::from(*value);
        }
        // The members read no time: `with_fixed_share` rejects those that do.
        let window = Window::new(&buffers.window, self.width, Timestamp::from_millis(0));
        let window = window.ok_or(PredictError::ForeignScratch)?;
        for ((member, pending), scratch) in members.iter().zip(pending).zip(scratches) {
            let predicted = member.predict(window, Some(of_members), member_rows, scratch)?;
            *pending = share_of_up(&predicted);
        }
        Ok(())
    }

    /// Updates the logarithms of the weights with an outcome, if there is a prediction of it.
    fn learn(
        &self,
        change: f64,
        members: &[Member],
        pending: &[f32],
        logs: &mut [f32],
        buffers: &mut OnlineBuffers,
    ) {
        let known = change != 0.0 && !change.is_nan();
        if !known || pending.contains(&0.0) {
            return;
        }
        let OnlineBuffers { weights, initial, likelihoods, .. } = buffers;
        initial.clear();
        initial.extend(members.iter().map(|member| f64::from(member.weight)));
        weights.clear();
        weights.extend(logs.iter().zip(&*initial).map(|(log, p)| p * f64::from(*log).exp()));
        likelihoods.clear();
        likelihoods.extend(pending.iter().map(|up| {
            let up = f64::from(*up);
            if change > 0.0 { up } else { 1.0 - up }.max(MIN_PROBABILITY)
        }));
        self.settings.update(weights, initial, likelihoods);
        for ((log, weight), initial) in logs.iter_mut().zip(&*weights).zip(&*initial) {
            #[expect(clippy::cast_possible_truncation, reason = "stored as f32")]
            let ratio = (weight / initial).ln() as f32;
            *log = if *initial > 0.0 && ratio.is_finite() { ratio } else { 0.0 };
        }
    }
}

/// Writes the current weights of the members, which sum to 1, from the state of online weights.
pub(crate) fn weights(own: &[f32], members: &[Member], weights: &mut Vec<f32>) {
    weights.clear();
    weights.extend(members.iter().zip(own).map(|(member, log)| member.weight * log.exp()));
    let total: f32 = weights.iter().sum();
    for weight in weights {
        *weight /= total;
    }
}

/// Probability of UP given UP or DOWN, never 0.
fn share_of_up(prediction: &Prediction) -> f32 {
    let [up, down, _] = prediction.probabilities.classes().map(|p| p.max(1e-6));
    up / (up + down)
}
