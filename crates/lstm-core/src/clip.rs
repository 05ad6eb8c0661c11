//! Gradient clipping.
use crate::Real;
use crate::kernels::{DetectedKernel, Isa, Op};

/// Gradient clipping rule, which limits exploding gradients.
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
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum Clip {
    /// Clips every entry to [-limit, limit].
    Value(f64),
    /// Scales all entries to this Euclidean norm if they exceed it: g <- g limit / ||g||.
    GlobalNorm(f64),
}

/// Statistics of one clipping operation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clipped {
    /// Euclidean norm of all gradients before clipping; NaN or infinite if a gradient is.
    pub norm: f64,
    /// Number of entries clipped by [`Clip::Value`]; 1 or 0 for [`Clip::GlobalNorm`].
    pub count: usize,
}

impl Clip {
    /// Clips all gradients of a network, given as one slice. A NaN remains NaN.
    pub fn apply<R: Real>(self, gradients: &mut [R]) -> Clipped {
        let mut squares = [0.0; LANES];
        DetectedKernel::detect().run(AddSquares { gradients, squares: &mut squares });
        let norm = squares.iter().sum::<f64>().sqrt();
        let mut count = 0;
        match self {
            Self::Value(limit) => {
                let (limit, count) = (R::from_f64(limit), &mut count);
                DetectedKernel::detect().run(Clamp { limit, gradients, count });
            }
            Self::GlobalNorm(limit) if norm > limit => {
                let factor = R::from_f64(limit / norm);
                for g in gradients {
                    *g *= factor;
                }
                count = 1;
            }
            Self::GlobalNorm(_) => {}
        }
        Clipped { norm, count }
    }
}

/// Number of independent running sums: with a single one, each addition would wait for the one
/// before it.
const LANES: usize = 16;

/// Kernel that adds the square of each gradient to one of `LANES` sums.
struct AddSquares<'a, R> {
    gradients: &'a [R],
    squares: &'a mut [f64; LANES],
}

impl<R: Real> Op for AddSquares<'_, R> {
    #[inline(always)]
    fn run<I: Isa>(self, _: I) {
        let mut squares = *self.squares;
        let (rows, rest) = self.gradients.as_chunks::<LANES>();
        for row in rows {
            for lane in 0..LANES {
                squares[lane] += row[lane].to_f64() * row[lane].to_f64();
            }
        }
        for (lane, g) in rest.iter().enumerate() {
            squares[lane] += g.to_f64() * g.to_f64();
        }
        *self.squares = squares;
    }
}

/// Kernel that clips every gradient to [-limit, limit] and counts the clipped ones.
struct Clamp<'a, R> {
    limit: R,
    gradients: &'a mut [R],
    count: &'a mut usize,
}

impl<R: Real> Op for Clamp<'_, R> {
    #[inline(always)]
    fn run<I: Isa>(self, _: I) {
        let (rows, rest) = self.gradients.as_chunks_mut::<LANES>();
        for row in rows {
            let beyond = row.iter().fold(false, |any, g| any | (g.abs() > self.limit));
            // Rare: most gradients are within the limit.
            if beyond {
                *self.count += clamp(self.limit, row);
            }
        }
        *self.count += clamp(self.limit, rest);
    }
}

/// Clips some gradients to [-limit, limit] and returns the number of clipped ones.
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
    fn clip_value_clips_and_counts_entries() {
        let mut g = [5.0_f32, -7.0, 1.0, f32::NAN, f32::NEG_INFINITY];
        let clipped = Clip::Value(2.0).apply(&mut g);
        assert_eq!((g[0], g[1], g[2], g[4], clipped.count), (2.0, -2.0, 1.0, -2.0, 3));
        assert!(g[3].is_nan() && clipped.norm.is_nan());
    }

    #[test]
    fn clip_norm_includes_every_gradient() {
        for len in [1, 31, 32, 33, 64, 100] {
            let mut g: Vec<f64> = (1..=len).map(f64::from).collect();
            let squares: f64 = g.iter().map(|g| g * g).sum();
            let clipped = Clip::GlobalNorm(1e9).apply(&mut g);
            assert!((clipped.norm - squares.sqrt()).abs() < 1e-9, "{len}");
        }
    }

    #[test]
    fn clip_norm_leaves_small_gradients_unchanged() {
        let mut g = [0.3_f64, 0.4];
        assert_eq!(Clip::GlobalNorm(1.0).apply(&mut g), Clipped { norm: 0.5, count: 0 });
        assert_eq!(g, [0.3, 0.4]);
    }
}
