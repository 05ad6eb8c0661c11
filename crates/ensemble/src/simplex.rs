//! Optimisation of ensemble weights on the probability simplex.
use windvane_models::Probabilities;

/// Pseudo-count of each member (Dirichlet prior).
const PRIOR: f64 = 1.0;
const MAX_STEPS: usize = 2_000;

/// Maximum-likelihood weights w ≥ 0, Σ w = 1, of the mixture of the members.
///
/// **Formula** the greatest `Σ_i ln Σ_m w_m p_m(label_i) + Σ_m ln w_m`, a concave problem, by
/// expectation-maximisation: `w_m ← (1 + Σ_i w_m p_m(label_i) / Σ_k w_k p_k(label_i)) / (n + M)`.
/// The second term (a Dirichlet(2) prior) keeps the weights nearly equal if the windows are not
/// informative: on a nearly random market the pure maximum gives all weight to one member by chance.
/// **Source** Dempster, Laird, Rubin 1977; linear opinion pool: Stone 1961.
///
/// `members` holds the predictions of each member, in the order of `labels`.
pub(crate) fn weights(members: &[Vec<Probabilities>], labels: &[usize]) -> Vec<f64> {
    let count = members.len() as f64;
    let said: Vec<Vec<f64>> = members
        .iter()
        .map(|answers| {
            let answers = answers.iter().zip(labels);
            let said = answers.map(|(p, &label)| f64::from(p.classes()[label]));
            // Bounded below, since ln 0 is infinite.
            said.map(|p| p.max(1e-6)).collect()
        })
        .collect();
    let mut weights = vec![1.0 / count; members.len()];
    for _ in 0..MAX_STEPS {
        let mut credit = vec![PRIOR; members.len()];
        for window in 0..labels.len() {
            let mixture: f64 = weights.iter().zip(&said).map(|(w, said)| w * said[window]).sum();
            for ((credit, weight), said) in credit.iter_mut().zip(&weights).zip(&said) {
                *credit += weight * said[window] / mixture;
            }
        }
        let total: f64 = credit.iter().sum();
        let mut moved: f64 = 0.0;
        for (weight, credit) in weights.iter_mut().zip(credit) {
            moved = moved.max((credit / total - *weight).abs());
            *weight = credit / total;
        }
        if moved < 1e-9 {
            break;
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(up: &[f32]) -> Vec<Probabilities> {
        up.iter().map(|&p| Probabilities::new([p, 1.0 - p, 0.0]).unwrap()).collect()
    }

    #[test]
    fn who_knows_gets_the_weight_and_who_knows_nothing_keeps_little() {
        let labels: Vec<usize> = (0..2_000).map(|i| usize::from(i % 3 == 0)).collect();
        let oracle = labels.iter().map(|l| if *l == 0 { 0.8 } else { 0.2 }).collect::<Vec<_>>();
        let against: Vec<f32> = oracle.iter().map(|p| 1.0 - p).collect();
        let coin = vec![0.5; labels.len()];
        let got = weights(&[answers(&oracle), answers(&coin), answers(&against)], &labels);
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
    fn the_maximum_is_where_the_slope_says() {
        // Two members, so one free weight: compare with a fine grid.
        let labels: Vec<usize> = (0..300).map(|i| usize::from(i * 7 % 10 < 4)).collect();
        let (a, b) = (wave(0.0), wave(2.0));
        let cost = |w: f64| -> f64 {
            let windows = labels.iter().enumerate();
            let mixtures =
                windows.map(|(i, &l)| w * probability(a[i], l) + (1.0 - w) * probability(b[i], l));
            let fit: f64 = mixtures.map(f64::ln).sum();
            fit + w.ln() + (1.0 - w).ln()
        };
        let grid = (1..10_000).map(|i| f64::from(i) / 10_000.0);
        let best = grid.max_by(|x, y| cost(*x).total_cmp(&cost(*y))).unwrap();
        let got = weights(&[answers(&a), answers(&b)], &labels)[0];
        assert!((got - best).abs() < 2e-4, "{got} {best}");
    }

    #[test]
    fn equal_members_and_no_windows_give_equal_weights() {
        let same = answers(&[0.3, 0.9]);
        for got in [weights(&[same.clone(), same], &[0, 1]), weights(&[vec![], vec![]], &[])] {
            assert!(got.iter().all(|w| (w - 0.5).abs() < 1e-9), "{got:?}");
        }
    }
}
