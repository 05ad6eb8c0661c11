//! Learning rates over time.

/// How the learning rate changes from step to step.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::Schedule;
///
/// let schedule = Schedule::ExponentialDecay { rate: 0.5, every: 10 };
/// assert_eq!(schedule.learning_rate(0.1, 9), 0.1);
/// assert_eq!(schedule.learning_rate(0.1, 20), 0.025);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Schedule {
    /// Always the same.
    Constant,
    /// start * rate^floor(step / every); with `every` 0 as with 1.
    ExponentialDecay {
        /// The factor.
        rate: f64,
        /// Steps from one factor to the next.
        every: u64,
    },
    /// Half a cosine from the start to `floor` of it, over `steps` steps; then it stays there.
    Cosine {
        /// The length of the fall.
        steps: u64,
        /// The share of the starting rate that remains.
        floor: f64,
    },
}

impl Schedule {
    /// The learning rate of step `step`, counted from 0.
    pub fn learning_rate(self, start: f64, step: u64) -> f64 {
        match self {
            Self::Constant => start,
            Self::ExponentialDecay { rate, every } => {
                let times = i32::try_from(step / every.max(1)).unwrap_or(i32::MAX);
                start * rate.powi(times)
            }
            Self::Cosine { steps, floor } if step < steps => {
                let turn = std::f64::consts::PI * step as f64 / steps as f64;
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
    fn cosine_falls_from_the_start_to_the_floor() {
        let schedule = Schedule::Cosine { steps: 10, floor: 0.1 };
        let rates: Vec<f64> = (0..12).map(|k| schedule.learning_rate(2.0, k)).collect();
        assert!((rates[0] - 2.0).abs() < 1e-15 && (rates[5] - 1.1).abs() < 1e-15);
        assert!((rates[10] - 0.2).abs() < 1e-15 && (rates[11] - 0.2).abs() < 1e-15);
        assert!(rates.windows(2).all(|pair| pair[1] <= pair[0]));
    }
}
