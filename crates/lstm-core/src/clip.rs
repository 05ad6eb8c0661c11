//! Gradient clipping.
use crate::Real;

/// How gradients are kept from exploding.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::Clip;
///
/// let mut gradients = [3.0_f64, -4.0];
/// let clipped = Clip::GlobalNorm(1.0).apply(&mut gradients);
/// assert_eq!((clipped.norm, clipped.count), (5.0, 1));
/// assert!((gradients[0] - 0.6).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Clip {
    /// Every entry into [-limit, limit].
    Value(f64),
    /// All entries together to this Euclidean norm, if they exceed it: g <- g limit / ||g||.
    GlobalNorm(f64),
}

/// What clipping met.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clipped {
    /// The Euclidean norm of all gradients before; NaN or infinite when a gradient was.
    pub norm: f64,
    /// The entries cut by [`Clip::Value`]; 1 or 0 for [`Clip::GlobalNorm`].
    pub count: usize,
}

impl Clip {
    /// Clips all gradients of a network, given as one slice. NaN stays NaN.
    pub fn apply<R: Real>(self, gradients: &mut [R]) -> Clipped {
        let norm = gradients.iter().map(|g| g.to_f64() * g.to_f64()).sum::<f64>().sqrt();
        let count = match self {
            Self::Value(limit) => clamp(R::from_f64(limit), gradients),
            Self::GlobalNorm(limit) if norm > limit => {
                let factor = R::from_f64(limit / norm);
                for g in gradients {
                    *g *= factor;
                }
                1
            }
            Self::GlobalNorm(_) => 0,
        };
        Clipped { norm, count }
    }
}

fn clamp<R: Real>(limit: R, gradients: &mut [R]) -> usize {
    let mut count = 0;
    for g in gradients {
        if g.abs() > limit {
            *g = if *g > R::ZERO { limit } else { -limit };
            count += 1;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::{Clip, Clipped};

    #[test]
    fn value_cuts_and_counts_entries() {
        let mut g = [5.0_f32, -7.0, 1.0, f32::NAN, f32::NEG_INFINITY];
        let clipped = Clip::Value(2.0).apply(&mut g);
        assert_eq!((g[0], g[1], g[2], g[4], clipped.count), (2.0, -2.0, 1.0, -2.0, 3));
        assert!(g[3].is_nan() && clipped.norm.is_nan());
    }

    #[test]
    fn small_norms_pass() {
        let mut g = [0.3_f64, 0.4];
        assert_eq!(Clip::GlobalNorm(1.0).apply(&mut g), Clipped { norm: 0.5, count: 0 });
        assert_eq!(g, [0.3, 0.4]);
    }
}
