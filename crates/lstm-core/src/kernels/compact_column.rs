//! Weight columns with half the bytes, and the interface that the kernel reads both forms by.
use super::Isa;
use super::lstm::{UNITS, WeightColumn, add_scaled};
use super::vector::Vector;
use crate::Real;
use crate::real::sealed::Sealed;

/// Stored form of the weight column of a block.
#[expect(unnameable_types, reason = "the seal of `Real` mentions it")]
pub trait StoredColumn<R>: Copy + From<WeightColumn<R>> + Send + Sync {
    /// Running sums of the four gates.
    type Sums<I: Isa>: Copy;
    /// Starts the sums.
    fn start<I: Isa>(isa: I, sums: &[[R; UNITS]; 4]) -> Self::Sums<I>;
    /// Adds the weights, multiplied by `value`, to the sums.
    fn add<I: Isa>(&self, isa: I, value: R, sums: &mut Self::Sums<I>);
    /// Returns the sums as numbers.
    fn finish<I: Isa>(sums: Self::Sums<I>) -> [[R; UNITS]; 4];
    /// Returns the weights of a gate.
    fn gate(&self, gate: usize) -> [R; UNITS];
    /// Prefetches the column.
    fn touch<I: Isa>(&self);
}

impl<R: Real> StoredColumn<R> for WeightColumn<R> {
    type Sums<I: Isa> = [[R; UNITS]; 4];

    #[inline(always)]
    fn start<I: Isa>(_: I, sums: &[[R; UNITS]; 4]) -> Self::Sums<I> {
        *sums
    }

    #[inline(always)]
    fn add<I: Isa>(&self, _: I, value: R, sums: &mut Self::Sums<I>) {
        for gate in 0..4 {
            add_scaled::<R, I>(&mut sums[gate], &self.0[gate], value);
        }
    }

    #[inline(always)]
    fn finish<I: Isa>(sums: Self::Sums<I>) -> [[R; UNITS]; 4] {
        sums
    }

    fn gate(&self, gate: usize) -> [R; UNITS] {
        self.0[gate]
    }

    #[inline(always)]
    fn touch<I: Isa>(&self) {
        for gate in &self.0 {
            I::touch(gate);
        }
    }
}

/// Column with 16 bits per weight.
///
/// A word has the weights of two gates: gates i and f in the first sixteen words, g and o in the
/// others. The weight of the second gate is its low half, a bf16 number. The weight of the first
/// gate is the whole word read as an f32 number: its high half is chosen so that the number is the
/// nearest one with that low half. So only one of two weights needs an instruction to extract it.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
#[expect(unnameable_types, reason = "the seal of `Real` mentions it")]
pub struct CompactColumn([[f32; UNITS]; 2]);

/// Bits of the sign in the high half of an f32 number.
const SIGN: u32 = 0x8000;
/// High half of the smallest normal f32 number.
const SMALLEST: u32 = 0x0080;
/// High half of the largest finite bf16 number.
const LARGEST: u32 = 0x7F7F;

/// High half of NaN.
const NOT_A_NUMBER: u32 = 0x7FC0;

/// Returns the high half with which an f32 number of that low half is nearest to `weight`.
///
/// Weights beyond the largest bf16 number become that number; NaN stays NaN. A number below the normal ones would
/// slow the multiplications down, so it becomes the smallest normal one, or 0 if the low half is 0.
fn high_half(weight: f32, low: u32) -> u32 {
    if weight.is_nan() {
        return NOT_A_NUMBER;
    }
    let bits = weight.to_bits();
    let (sign, magnitude) = (bits >> 16 & SIGN, bits & !(SIGN << 16));
    let half = (magnitude.saturating_sub(low) + 0x8000) >> 16;
    match half.min(LARGEST) {
        0..SMALLEST if low == 0 => 0,
        half => sign | half.max(SMALLEST),
    }
}

impl From<WeightColumn<f32>> for CompactColumn {
    fn from(WeightColumn([i, f, g, o]): WeightColumn<f32>) -> Self {
        let words = |first: [f32; UNITS], second: [f32; UNITS]| {
            std::array::from_fn(|unit| {
                let low = high_half(second[unit], 0);
                f32::from_bits(high_half(first[unit], low) << 16 | low)
            })
        };
        Self([words(i, f), words(g, o)])
    }
}

/// The loop over the units is written with vectors: as a loop over arrays, the compiler extracts the
/// weights one by one.
impl StoredColumn<f32> for CompactColumn {
    type Sums<I: Isa> = [I::F32; 4];

    #[inline(always)]
    fn start<I: Isa>(isa: I, [i, f, g, o]: &[[f32; UNITS]; 4]) -> Self::Sums<I> {
        [I::F32::load(isa, i), I::F32::load(isa, f), I::F32::load(isa, g), I::F32::load(isa, o)]
    }

    #[inline(always)]
    fn add<I: Isa>(&self, isa: I, value: f32, sums: &mut Self::Sums<I>) {
        let value = I::F32::splat(isa, value);
        for pair in 0..2 {
            let words = I::F32::load(isa, &self.0[pair]);
            sums[2 * pair] = words.mul_add(value, sums[2 * pair]);
            sums[2 * pair + 1] = words.low_half().mul_add(value, sums[2 * pair + 1]);
        }
    }

    #[inline(always)]
    fn finish<I: Isa>(sums: Self::Sums<I>) -> [[f32; UNITS]; 4] {
        let mut stored = [[0.0; UNITS]; 4];
        for gate in 0..4 {
            sums[gate].store(&mut stored[gate]);
        }
        stored
    }

    fn gate(&self, gate: usize) -> [f32; UNITS] {
        let words = self.0[gate / 2];
        if gate.is_multiple_of(2) { words } else { words.map(Sealed::low_half) }
    }

    #[inline(always)]
    fn touch<I: Isa>(&self) {
        for words in &self.0 {
            I::touch(words);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(first: f32, second: f32) -> [f32; 2] {
        let column =
            WeightColumn([[first; UNITS], [second; UNITS], [first; UNITS], [second; UNITS]]);
        let compact = CompactColumn::from(column);
        let [first, second, third, fourth] = [0, 1, 2, 3].map(|gate| compact.gate(gate)[7]);
        assert_eq!([first.to_bits(), second.to_bits()], [third.to_bits(), fourth.to_bits()]);
        [first, second]
    }

    #[test]
    fn compact_weights_are_within_half_a_unit_of_eight_bits() {
        let mut largest: f32 = 0.0;
        for k in -400_i16..400 {
            for l in [-17_i16, -3, 0, 1, 250] {
                let [a, b] = [f32::from(k) / 97.0, f32::from(l) / 31.0];
                let [of_a, of_b] = stored(a, b);
                if a == 0.0 {
                    assert!(of_a.abs() < 1e-37);
                } else {
                    largest = largest.max((of_a / a - 1.0).abs());
                }
                assert!((of_b - b).abs() <= b.abs() / 256.0, "{b}: {of_b}");
            }
        }
        assert!((1.0 / 300.0..=1.0 / 256.0).contains(&largest), "{largest}");
    }

    #[test]
    fn compact_weights_are_normal_finite_numbers_or_zero() {
        let numbers = [0.0, -0.0, 1e-45, -1e-40, 1e-38, f32::MAX, f32::MIN, 1.0, -2.5e-38];
        for a in numbers {
            for b in numbers {
                for weight in stored(a, b) {
                    assert!(weight == 0.0 || weight.is_normal(), "{a} and {b}: {weight}");
                }
            }
        }
        assert_eq!(stored(f32::INFINITY, 1.0)[0].to_bits(), 0x7F7F_3F80);
        assert!(stored(f32::NAN, 1.0)[0].is_nan() && stored(1.0, f32::NAN)[1].is_nan());
        assert_eq!(stored(0.0, 0.0), [0.0, 0.0]);
        assert_eq!(stored(0.0, 0.25)[1], 0.25);
    }
}
