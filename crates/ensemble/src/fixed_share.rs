//! Fixed-share Hedge: weights that follow the best member.
use serde::{Deserialize, Serialize};

use crate::EnsembleError;

/// Settings of online weights: Hedge with a fixed share on log loss.
///
/// **Formula** after an outcome that member m predicted with probability `p_m`, with the initial
/// weights π:
///
/// ```text
/// v_m = w_m p_m^η / Σ_k w_k p_k^η          loss update
/// w_m = (1 − α) v_m + α π_m                share update
/// ```
///
/// With η = 1 the log loss of the weighted mean is at most that of the best sequence of members with
/// S changes among T predictions, plus `ln(1/π) + S ln(1/(α π)) + (T − 1 − S) ln(1/(1 − α))` with the
/// smallest π. The weights remember about 1/α outcomes.
///
/// **Source** Herbster and Warmuth 1998; Vovk 1990 for η = 1 on log loss.
///
/// # Examples
/// ```
/// use windvane_ensemble::FixedShare;
/// assert_eq!(FixedShare::default(), FixedShare { rate: 1.0, share: 0.002 });
/// assert!(FixedShare { share: 0.0, ..FixedShare::default() }.validate().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixedShare {
    /// Learning rate η, above 0 and at most 1; 1 by default.
    pub rate: f64,
    /// Share α of the weight that returns to the initial weights after every outcome, at least 1e-6
    /// and at most 1; 0.002 by default.
    pub share: f64,
}

impl Default for FixedShare {
    fn default() -> Self {
        Self { rate: 1.0, share: 0.002 }
    }
}

impl FixedShare {
    /// Checks the ranges of the settings.
    ///
    /// # Errors
    /// [`EnsembleError::FixedShare`] for a setting out of range.
    pub fn validate(&self) -> Result<(), EnsembleError> {
        let rules = [
            ("rate", "above 0 and at most 1", self.rate, self.rate > 0.0 && self.rate <= 1.0),
            ("share", "1e-6 to 1", self.share, (1e-6..=1.0).contains(&self.share)),
        ];
        match rules.into_iter().find(|(_, _, _, valid)| !valid) {
            Some((setting, expected, got, _)) => {
                Err(EnsembleError::FixedShare { setting, expected, got })
            }
            None => Ok(()),
        }
    }

    /// Updates the weights with the probabilities that the members gave to an outcome.
    ///
    /// All slices have one value per member; weights and initial weights sum to 1.
    pub(crate) fn update(&self, weights: &mut [f64], initial: &[f64], likelihoods: &[f64]) {
        for (weight, likelihood) in weights.iter_mut().zip(likelihoods) {
            *weight *= likelihood.powf(self.rate);
        }
        let total: f64 = weights.iter().sum();
        for (weight, initial) in weights.iter_mut().zip(initial) {
            // All likelihoods are 0, or the product underflows: nothing was learned.
            let updated = if total > 0.0 { *weight / total } else { *initial };
            *weight = (1.0 - self.share) * updated + self.share * initial;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Log loss of the weighted mean over a sequence of likelihoods, and the weights at the end.
    fn loss(settings: FixedShare, initial: &[f64], sequence: &[Vec<f64>]) -> (f64, Vec<f64>) {
        let mut weights = initial.to_vec();
        let mut loss = 0.0;
        for likelihoods in sequence {
            loss -= weights.iter().zip(likelihoods).map(|(w, p)| w * p).sum::<f64>().ln();
            settings.update(&mut weights, initial, likelihoods);
            assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
        (loss, weights)
    }

    #[test]
    fn fixed_share_regret_is_within_its_bound_on_a_sequence_with_changes() {
        // The best member changes twice; a third member always gives one half.
        let best = |t: usize| usize::from((400..900).contains(&t));
        let sequence: Vec<Vec<f64>> = (0..1_500)
            .map(|t| {
                (0..3)
                    .map(|m| {
                        if m == 2 {
                            0.5
                        } else if m == best(t) {
                            0.7
                        } else {
                            0.3
                        }
                    })
                    .collect()
            })
            .collect();
        let initial = [0.5, 0.25, 0.25];
        let of_best = -1_500.0 * 0.7_f64.ln();
        for share in [0.001, 0.01, 0.1] {
            let settings = FixedShare { share, ..FixedShare::default() };
            let (got, weights) = loss(settings, &initial, &sequence);
            let switches = 2.0 * (1.0 / (share * 0.25)).ln();
            let bound = 4.0_f64.ln() + switches + 1_497.0 * (1.0 / (1.0 - share)).ln();
            assert!(got - of_best <= bound, "{share}: {got} {of_best} {bound}");
            assert!(weights[0] > 0.75, "{weights:?}");
        }
    }

    #[test]
    fn fixed_share_of_one_keeps_the_initial_weights() {
        let settings = FixedShare { share: 1.0, ..FixedShare::default() };
        let (_, weights) = loss(settings, &[0.75, 0.25], &[vec![0.9, 0.1], vec![0.2, 0.8]]);
        assert_eq!(weights, [0.75, 0.25]);
    }

    #[test]
    fn fixed_share_without_any_likelihood_returns_to_the_initial_weights() {
        let mut weights = [0.9, 0.1];
        FixedShare::default().update(&mut weights, &[0.5, 0.5], &[0.0, 0.0]);
        assert!(weights.iter().all(|weight| (weight - 0.5).abs() < 1e-12), "{weights:?}");
    }

    #[test]
    fn fixed_share_rejects_settings_out_of_range() {
        for (rate, share) in [(0.0, 0.1), (1.1, 0.1), (f64::NAN, 0.1), (1.0, 0.0), (1.0, 1.5)] {
            assert!(FixedShare { rate, share }.validate().is_err(), "{rate} {share}");
        }
    }
}
