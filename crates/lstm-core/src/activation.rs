//! The `f32` activations, free of branches and calls so that loops over them vectorise.
//!
//! Both are computed from a power of two, 2^t:
//!
//! ```text
//! tanh |x|   = -m / (2 + m)    m = e^(-2|x|) - 1 = 2^t - 1,  t = -2 log2(e) |x|
//! sigmoid x  =  1 / (1 + e)    e = e^(-x)        = 2^t,      t = -log2(e) x
//! ```
//!
//! 1. t = n + r with n the nearest integer: r in [-1/2, 1/2].
//! 2. 2^r - 1 = r P(r), P the polynomial of degree 5 that minimises the relative error (2e-8).
//! 3. 2^t - 1 = 2^n (2^r - 1) + (2^n - 1): no cancellation near zero, where n = 0, nor for large
//!    |x|, where m tends to -1. 2^t = 2^n (1 + (2^r - 1)).
//!
//! The quotient -m / (2 + m) is always in [0, 1] and is exactly 1 once 2^t is below half a unit in
//! the last place. Small arguments keep their relative precision (3e-7). Rational approximations in
//! x^2 oscillate by several roundings near ±1 and cost more multiplications.
//!
//! A step of an LSTM needs five of these values, each with a division. [`cell_f32`] combines the
//! numerators and denominators first, so that two divisions remain.

use std::f32::consts::{LN_2, LOG2_E};

/// Maximum absolute error of the `f32` tanh, over all arguments and kernels.
#[cfg(test)]
const TANH_F32_MAX_ERROR: f64 = 3e-7;
/// Maximum decrease of the `f32` tanh from an argument to a larger one.
#[cfg(test)]
const TANH_F32_MAX_FALL: f32 = 5e-7;

/// Upper clamp of |x| in tanh; the result is 1 for much smaller arguments already.
const MAX_TANH_ARGUMENT: f32 = 20.0;
/// Lower clamp of the sigmoid's argument: the sigmoid is negligible against 1 for much larger
/// arguments already, and products of denominators in a cell stay in the range of `f32`.
const MIN_SIGMOID_ARGUMENT: f32 = -20.0;
/// Upper clamp of the sigmoid's argument: e^-x is negligible against 1 for much smaller arguments
/// already, and the exponent stays in the range of `f32`.
const MAX_SIGMOID_ARGUMENT: f32 = 60.0;
/// Lower clamp of the argument of e^x: the exponent stays in the range of `f32`.
const MIN_EXP_ARGUMENT: f32 = -87.0;
/// log2(e) minus its `f32`.
const LOG2_E_REST: f32 = 1.925_963e-8;
/// 1.5 * 2^23: adding it rounds to an integer and leaves that integer in the low bits.
const ROUND: f32 = 12_582_912.0;
/// Bit pattern of the number 1.
const ONE_BITS: u32 = 0x3f80_0000;
/// Coefficients of (2^r - 1) / r on [-1/2, 1/2], lowest power first.
const POWERS: [f32; 6] =
    [LN_2, 0.240_226_49, 0.055_503_566, 0.009_618_239_5, 0.001_339_119_4, 0.000_154_035_08];

/// Computes the hyperbolic tangent tanh x.
#[inline(always)]
pub(crate) fn tanh_f32<const FUSED: bool>(x: f32) -> f32 {
    let (numerator, denominator) = tanh_quotient::<FUSED>(x);
    numerator / denominator
}

/// Computes the logistic function 1 / (1 + e^-x).
#[inline(always)]
pub(crate) fn sigmoid_f32<const FUSED: bool>(x: f32) -> f32 {
    1.0 / sigmoid_denominator::<FUSED>(x)
}

/// Computes e^x for x at most 0, with a relative error of 2e-7; e^-87 for smaller x.
#[inline(always)]
pub(crate) fn exp_f32<const FUSED: bool>(x: f32) -> f32 {
    // Not `max`, which would replace NaN.
    let x = if x < MIN_EXP_ARGUMENT { MIN_EXP_ARGUMENT } else { x };
    let (rounded, r) = split::<FUSED>(x, LOG2_E);
    let r = fused::<FUSED>(x, LOG2_E_REST, r);
    let two_to_r = fused::<FUSED>(power::<FUSED>(r), r, 1.0);
    f32::from_bits((rounded.to_bits() << 23).wrapping_add(two_to_r.to_bits()))
}

/// Computes the new cell and hidden state of a unit from its gate sums i, f, g, o and its cell:
///
/// ```text
/// c' = c / F + G / (I D) = (c I D + G F) / (F I D)     sigmoid i = 1 / I, sigmoid f = 1 / F,
///                                                      tanh g = G / D
/// h' = 1 / O * C / E = C / (O E)                       sigmoid o = 1 / O, tanh c' = C / E
/// ```
#[inline(always)]
pub(crate) fn cell_f32<const FUSED: bool>([i, f, g, o]: [f32; 4], c: f32) -> (f32, f32) {
    let (g_top, g_bottom) = tanh_quotient::<FUSED>(g);
    let f_bottom = sigmoid_denominator::<FUSED>(f);
    let ig_bottom = sigmoid_denominator::<FUSED>(i) * g_bottom;
    let numerator = fused::<FUSED>(c, ig_bottom, g_top * f_bottom);
    let cell = numerator / (f_bottom * ig_bottom);
    let (c_top, c_bottom) = tanh_quotient::<FUSED>(cell);
    (cell, c_top / (sigmoid_denominator::<FUSED>(o) * c_bottom))
}

/// Computes the new hidden state of a GRU unit from its gate sums r, z, n and u and its hidden
/// state, with n' = tanh(n + sigmoid(r) u):
///
/// ```text
/// h' = (1 - 1 / Z) N / D + h / Z = ((Z - 1) N + h D) / (D Z)    sigmoid z = 1 / Z, n' = N / D
/// ```
#[inline(always)]
pub(crate) fn gru_f32<const FUSED: bool>([r, z, n, u]: [f32; 4], hidden: f32) -> f32 {
    let n = fused::<FUSED>(sigmoid_f32::<FUSED>(r), u, n);
    let (n_top, n_bottom) = tanh_quotient::<FUSED>(n);
    let z_bottom = sigmoid_denominator::<FUSED>(z);
    let numerator = fused::<FUSED>(z_bottom - 1.0, n_top, hidden * n_bottom);
    numerator / (n_bottom * z_bottom)
}

/// Returns numerator and denominator of tanh x.
#[inline(always)]
fn tanh_quotient<const FUSED: bool>(x: f32) -> (f32, f32) {
    let magnitude = x.abs();
    // Not `min`, which would replace NaN.
    let magnitude = if magnitude > MAX_TANH_ARGUMENT { MAX_TANH_ARGUMENT } else { magnitude };
    let (rounded, r) = split::<FUSED>(magnitude, -2.0 * LOG2_E);
    let two_to_n = f32::from_bits((rounded.to_bits() << 23).wrapping_add(ONE_BITS));
    let m = fused::<FUSED>(two_to_n, power::<FUSED>(r) * r, two_to_n - 1.0);
    ((-m).copysign(x), 2.0 + m)
}

/// Returns the denominator of the sigmoid, 1 + e^-x.
#[inline(always)]
fn sigmoid_denominator<const FUSED: bool>(x: f32) -> f32 {
    // Not `max` and `min`, which would replace NaN.
    let x = if x < MIN_SIGMOID_ARGUMENT { MIN_SIGMOID_ARGUMENT } else { x };
    let x = if x > MAX_SIGMOID_ARGUMENT { MAX_SIGMOID_ARGUMENT } else { x };
    let (rounded, r) = split::<FUSED>(x, -LOG2_E);
    let two_to_r = fused::<FUSED>(power::<FUSED>(r), r, 1.0);
    1.0 + f32::from_bits((rounded.to_bits() << 23).wrapping_add(two_to_r.to_bits()))
}

/// Splits t = x `scale` into n + r; returns `ROUND` + n, and r.
#[inline(always)]
fn split<const FUSED: bool>(x: f32, scale: f32) -> (f32, f32) {
    let rounded = fused::<FUSED>(x, scale, ROUND);
    (rounded, fused::<FUSED>(x, scale, -(rounded - ROUND)))
}

/// Evaluates the polynomial (2^r - 1) / r in pairs, a shorter dependency chain than Horner's
/// scheme.
///
/// Without fused multiply-add it uses Horner's scheme, whose rounding errors are smaller.
#[inline(always)]
fn power<const FUSED: bool>(r: f32) -> f32 {
    if !FUSED {
        let p = (POWERS[5] * r + POWERS[4]) * r + POWERS[3];
        return ((p * r + POWERS[2]) * r + POWERS[1]) * r + POWERS[0];
    }
    let square = r * r;
    let low = fused::<FUSED>(POWERS[1], r, POWERS[0]);
    let middle = fused::<FUSED>(POWERS[3], r, POWERS[2]);
    let high = fused::<FUSED>(POWERS[5], r, POWERS[4]);
    fused::<FUSED>(fused::<FUSED>(high, square, middle), square, low)
}

/// Computes `a b + c`; not a closure, which would not be compiled for the caller's instruction set.
#[inline(always)]
fn fused<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

#[cfg(test)]
mod tests {
    use super::{
        MIN_EXP_ARGUMENT, TANH_F32_MAX_ERROR, TANH_F32_MAX_FALL, exp_f32, sigmoid_f32, tanh_f32,
    };

    /// Checks every bound at positive arguments, given in ascending order.
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
    fn tanh_keeps_its_bounds_for_every_f32() {
        let all = || (0..=f32::INFINITY.to_bits()).map(f32::from_bits);
        check::<true>(all());
        check::<false>(all());
    }

    /// Checks the relative error of e^x; without fused multiply-add, the rounding of x log2(e) is
    /// part of it.
    fn check_exp<const FUSED: bool>(max_error: impl Fn(f64) -> f64) {
        for i in 0..=870_000 {
            let x = i as f32 * -1e-4;
            let (y, expected) = (f64::from(exp_f32::<FUSED>(x)), f64::from(x).exp());
            let error = (y / expected - 1.0).abs();
            assert!(error <= max_error(f64::from(x)), "e^{x} = {y}, off by {error:e}");
        }
        assert_eq!(exp_f32::<FUSED>(0.0).to_bits(), 1.0_f32.to_bits());
        for x in [-88.0, -1e9, f32::NEG_INFINITY] {
            let least = exp_f32::<FUSED>(MIN_EXP_ARGUMENT);
            assert!(least > 0.0 && least < 2e-38);
            assert_eq!(exp_f32::<FUSED>(x).to_bits(), least.to_bits());
        }
        assert!(exp_f32::<FUSED>(f32::NAN).is_nan());
    }

    #[test]
    fn exp_keeps_its_bounds_on_a_grid() {
        check_exp::<true>(|_| 2e-7);
        check_exp::<false>(|x| 3e-7 - 1e-7 * x);
    }

    #[test]
    fn activations_keep_nan_and_the_sign_of_zero() {
        assert!(tanh_f32::<true>(f32::NAN).is_nan() && tanh_f32::<false>(f32::NAN).is_nan());
        assert!(sigmoid_f32::<true>(f32::NAN).is_nan());
        assert_eq!(tanh_f32::<true>(-0.0).to_bits(), (-0.0_f32).to_bits());
    }
}
