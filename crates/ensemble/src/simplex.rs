//! Optimisation of ensemble weights on the probability simplex.

/// Pseudo-count of each member (Dirichlet prior).
const PRIOR: f64 = 1.0;
/// Maximum number of expectation-maximisation steps.
const MAX_STEPS: usize = 2_000;

/// Maximum-likelihood weights w ≥ 0, Σ w = 1, of the mixture of the members.
///
/// **Formula** maximises `Σ_i ln Σ_m w_m p_m(label_i) + Σ_m ln w_m`, which is concave, by
/// expectation-maximisation: `w_m ← (1 + Σ_i w_m p_m(label_i) / Σ_k w_k p_k(label_i)) / (n + M)`.
/// The second term (a Dirichlet(2) prior) keeps the weights nearly equal if the windows are not
/// informative: on a nearly random market, maximum likelihood gives all weight to one member by
/// chance.
/// **Source** Dempster, Laird, Rubin 1977; linear opinion pool: Stone 1961.
///
/// `likelihoods` contains, for each member, the probability that it gave to the label of each window.
pub(crate) fn weights(likelihoods: &[Vec<f64>]) -> Vec<f64> {
    let windows = likelihoods.first().map_or(0, Vec::len);
    let mut weights = vec![1.0 / likelihoods.len() as f64; likelihoods.len()];
    for _ in 0..MAX_STEPS {
        let mut counts = vec![PRIOR; likelihoods.len()];
        for window in 0..windows {
            let mixture: f64 = weights.iter().zip(likelihoods).map(|(w, p)| w * p[window]).sum();
            for ((count, weight), p) in counts.iter_mut().zip(&weights).zip(likelihoods) {
                *count += weight * p[window] / mixture;
            }
        }
        let total: f64 = counts.iter().sum();
        let mut change: f64 = 0.0;
        for (weight, count) in weights.iter_mut().zip(counts) {
            change = change.max((count / total - *weight).abs());
            *weight = count / total;
        }
        if change < 1e-9 {
            break;
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Likelihoods of the labels 0 for UP and 1 for DOWN under probabilities of UP.
    fn likelihoods(up: &[f32], labels: &[usize]) -> Vec<f64> {
        up.iter().zip(labels).map(|(&up, &label)| probability(up, label).max(1e-6)).collect()
    }

    #[test]
    fn simplex_gives_nearly_all_weight_to_only_informative_member() {
        let labels: Vec<usize> = (0..2_000).map(|i| usize::from(i % 3 == 0)).collect();
        let informed = labels.iter().map(|l| if *l == 0 { 0.8 } else { 0.2 }).collect::<Vec<_>>();
        let opposite: Vec<f32> = informed.iter().map(|p| 1.0 - p).collect();
        let even = vec![0.5; labels.len()];
        let members = [informed, even, opposite].map(|up| likelihoods(&up, &labels));
        let got = weights(&members);
        assert!(got[0] > 0.99, "{got:?}");
        assert!(got.iter().all(|w| *w > 0.0) && (got.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    fn wave(phase: f32) -> Vec<f32> {
        (0..300).map(|i| 0.5 + 0.3 * (i as f32 * 0.9 + phase).sin()).collect()
    }

    fn probability(up: f32, label: usize) -> f64 {
        f64::from(if label == 0 { up } else { 1.0 - up })
    }

    #[test]
    fn simplex_weights_maximise_posterior_on_grid() {
        // Two members have one free weight: compare with a fine grid.
        let labels: Vec<usize> = (0..300).map(|i| usize::from(i * 7 % 10 < 4)).collect();
        let (a, b) = (wave(0.0), wave(2.0));
        let posterior = |w: f64| -> f64 {
            let windows = labels.iter().enumerate();
            let mixtures =
                windows.map(|(i, &l)| w * probability(a[i], l) + (1.0 - w) * probability(b[i], l));
            let likelihood: f64 = mixtures.map(f64::ln).sum();
            likelihood + w.ln() + (1.0 - w).ln()
        };
        let grid = (1..10_000).map(|i| f64::from(i) / 10_000.0);
        let best = grid.max_by(|x, y| posterior(*x).total_cmp(&posterior(*y))).unwrap();
        let got = weights(&[likelihoods(&a, &labels), likelihoods(&b, &labels)])[0];
        assert!((got - best).abs() < 2e-4, "{got} {best}");
    }

    #[test]
    fn simplex_gives_equal_weights_to_equal_members_or_without_windows() {
        let same = likelihoods(&[0.3, 0.9], &[0, 1]);
        for got in [weights(&[same.clone(), same]), weights(&[vec![], vec![]])] {
            assert!(got.iter().all(|w| (w - 0.5).abs() < 1e-9), "{got:?}");
        }
    }
}
