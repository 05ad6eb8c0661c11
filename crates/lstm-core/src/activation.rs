//! The `f32` hyperbolic tangent, free of branches and calls so that loops over it vectorise.
//!
//! With m = e^(-2|x|) - 1, which lies in [-1, 0],
//!
//! ```text
//! tanh |x| = -m / (2 + m)
//! ```
//!
//! and m comes from powers of two:
//!
//! 1. t = -2 log2(e) |x|, so that m = 2^t - 1.
//! 2. t = n + r with n the nearest integer: r in [-1/2, 1/2], and t - n is exact.
//! 3. 2^r - 1 = r P(r), P the polynomial of degree 5 that minimises the relative error (2e-8).
//! 4. 2^t - 1 = 2^n (2^r - 1) + (2^n - 1): no cancellation near zero, where n = 0, and none far
//!    out, where m tends to -1.
//!
//! The quotient cannot leave [0, 1], is exactly 1 once 2^t is below half a rounding step, and
//! small arguments keep their relative precision (3e-7). Rational approximations in x^2 with as
//! few operations rise and fall by several roundings near ±1 (0.45e-6 without fused operations).

use std::f32::consts::{LN_2, LOG2_E};

/// Largest distance of the `f32` tanh from the true value, over all arguments and kernels.
pub const TANH_F32_MAX_ERROR: f64 = 3e-7;
/// Largest fall of the `f32` tanh between an argument and a larger one.
pub const TANH_F32_MAX_FALL: f32 = 5e-7;

/// -2 log2(e).
const SCALE: f32 = -2.0 * LOG2_E;
/// 2^t vanishes against 1 long before; the exponent stays in range.
const LOWEST: f32 = -60.0;
/// 1.5 * 2^23: adding it rounds to an integer and leaves that integer in the low bits.
const ROUND: f32 = 12_582_912.0;
/// The exponent field of 1.
const ONE_BITS: u32 = 0x3f80_0000;
/// (2^r - 1) / r on [-1/2, 1/2], lowest power first.
const POWERS: [f32; 6] =
    [LN_2, 0.240_226_49, 0.055_503_566, 0.009_618_239_5, 0.001_339_119_4, 0.000_154_035_08];

/// tanh x.
#[inline(always)]
pub(crate) fn tanh_f32<const FUSED: bool>(x: f32) -> f32 {
    tanh_scaled::<FUSED>(x, SCALE)
}

/// 1 / (1 + e^-x) = tanh(x / 2) / 2 + 1/2; halving is exact, so it goes into the scale.
#[inline(always)]
pub(crate) fn sigmoid_f32<const FUSED: bool>(x: f32) -> f32 {
    fused::<FUSED>(0.5, tanh_scaled::<FUSED>(x, 0.5 * SCALE), 0.5)
}

/// tanh of x `scale` / `SCALE`.
#[inline(always)]
fn tanh_scaled<const FUSED: bool>(x: f32, scale: f32) -> f32 {
    let t = x.abs() * scale;
    // Not `max`: NaN has to pass.
    let t = if t < LOWEST { LOWEST } else { t };
    let rounded = t + ROUND;
    let r = t - (rounded - ROUND);
    let mut p = POWERS[5];
    p = fused::<FUSED>(p, r, POWERS[4]);
    p = fused::<FUSED>(p, r, POWERS[3]);
    p = fused::<FUSED>(p, r, POWERS[2]);
    p = fused::<FUSED>(p, r, POWERS[1]);
    p = fused::<FUSED>(p, r, POWERS[0]);
    let two_to_n = f32::from_bits((rounded.to_bits() << 23).wrapping_add(ONE_BITS));
    let m = fused::<FUSED>(two_to_n, p * r, two_to_n - 1.0);
    (m / (-2.0 - m)).copysign(x)
}

/// `a b + c`; not a closure, which would not be compiled for the caller's instruction set.
#[inline(always)]
fn fused<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

#[cfg(test)]
mod tests {
    use super::{TANH_F32_MAX_ERROR, TANH_F32_MAX_FALL, sigmoid_f32, tanh_f32};

    /// Checks every bound at positive arguments, in rising order.
    fn check<const FUSED: bool>(arguments: impl Iterator<Item = f32>) {
        let mut last = 0.0_f32;
        for x in arguments {
            let y = tanh_f32::<FUSED>(x);
            let error = (f64::from(y) - f64::from(x).tanh()).abs();
            assert!(error <= TANH_F32_MAX_ERROR, "tanh {x} = {y}, off by {error:e}");
            assert!((-1.0..=1.0).contains(&y), "tanh {x} = {y}");
            assert!(y >= last - TANH_F32_MAX_FALL, "tanh falls from {last} to {y} at {x}");
            assert!(x < 9.1 || y == 1.0, "tanh {x} = {y}");
            assert_eq!((-y).to_bits(), tanh_f32::<FUSED>(-x).to_bits(), "tanh is odd at {x}");
            let s = sigmoid_f32::<FUSED>(x);
            let error = (f64::from(s) - 1.0 / (1.0 + (-f64::from(x)).exp())).abs();
            assert!(error <= TANH_F32_MAX_ERROR, "sigmoid {x} = {s}, off by {error:e}");
            last = y;
        }
    }

    #[test]
    fn tanh_keeps_its_bounds_on_a_grid() {
        let grid = || (0..=f32::INFINITY.to_bits()).step_by(4099).map(f32::from_bits);
        check::<true>(grid());
        check::<false>(grid());
        let fine = || (0..400_000).map(|i| i as f32 * 2.5e-5);
        check::<true>(fine());
        check::<false>(fine());
    }

    #[test]
    #[ignore = "slow: every f32"]
    fn tanh_keeps_its_bounds_everywhere() {
        let all = || (0..=f32::INFINITY.to_bits()).map(f32::from_bits);
        check::<true>(all());
        check::<false>(all());
    }

    #[test]
    fn nan_stays_nan_and_zero_keeps_its_sign() {
        assert!(tanh_f32::<true>(f32::NAN).is_nan() && tanh_f32::<false>(f32::NAN).is_nan());
        assert!(sigmoid_f32::<true>(f32::NAN).is_nan());
        assert_eq!(tanh_f32::<true>(-0.0).to_bits(), (-0.0_f32).to_bits());
    }
}
