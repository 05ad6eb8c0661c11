//! Learning-rate schedules.
use std::f64::consts::PI;

/// Learning-rate schedule.
///
/// The caller chooses the unit of time: steps, epochs or fractions of an epoch. The lengths below
/// are in the same unit.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::Schedule;
///
/// let schedule = Schedule::ExponentialDecay { rate: 0.5, every: 10.0 };
/// assert_eq!(schedule.learning_rate(0.1, 9.0), 0.1);
/// assert_eq!(schedule.learning_rate(0.1, 20.0), 0.025);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum Schedule {
    /// Constant learning rate.
    Constant,
    /// Step decay: start * rate^floor(time / every).
    ExponentialDecay {
        /// Decay factor per step.
        rate: f64,
        /// Time from one decay to the next, above 0.
        every: f64,
    },
    /// Linear warm-up to the full rate over `warm_up_epochs`, then cosine annealing down to the
    /// share `floor` of the full rate at `length`, constant after that.
    ///
    /// **Source** cosine annealing: Loshchilov and Hutter 2017; warm-up: Goyal et al. 2017.
    Cosine {
        /// Length of the warm-up; 0 for no warm-up.
        warm_up_epochs: f64,
        /// Time at which the annealing ends.
        length: f64,
        /// Final learning rate as a share of the full rate.
        floor: f64,
    },
}

impl Schedule {
    /// Returns the learning rate at a time counted from 0, where `start` is the full rate.
    pub fn learning_rate(self, start: f64, time: f64) -> f64 {
        match self {
            Self::Constant => start,
            Self::ExponentialDecay { rate, every } => start * rate.powf((time / every).floor()),
            Self::Cosine { warm_up_epochs, .. } if time < warm_up_epochs => {
                start * time / warm_up_epochs
            }
            Self::Cosine { warm_up_epochs, length, floor } if time < length => {
                let turn = PI * (time - warm_up_epochs) / (length - warm_up_epochs);
                start * (floor + (1.0 - floor) * 0.5 * (1.0 + turn.cos()))
            }
            Self::Cosine { floor, .. } => start * floor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;

    #[test]
    fn schedule_cosine_rises_then_falls_to_the_floor() {
        let schedule = Schedule::Cosine { warm_up_epochs: 2.0, length: 12.0, floor: 0.1 };
        let rates: Vec<f64> = (0..14).map(|k| schedule.learning_rate(2.0, f64::from(k))).collect();
        assert!(rates[0] == 0.0 && (rates[1] - 1.0).abs() < 1e-15);
        assert!((rates[2] - 2.0).abs() < 1e-15 && (rates[7] - 1.1).abs() < 1e-15);
        assert!((rates[12] - 0.2).abs() < 1e-15 && (rates[13] - 0.2).abs() < 1e-15);
        assert!(rates[2..].windows(2).all(|pair| pair[1] <= pair[0]));
    }

    #[test]
    fn schedule_decay_falls_once_per_period() {
        let schedule = Schedule::ExponentialDecay { rate: 0.95, every: 1.0 };
        for epoch in 0..30 {
            let within = f64::from(epoch) + 0.999;
            let expected = 0.01 * 0.95_f64.powi(epoch);
            assert!((schedule.learning_rate(0.01, within) / expected - 1.0).abs() < 1e-12);
        }
    }
}
