//! Random streams keyed by seed, purpose, epoch and index.
use ndarray_rand::rand::{RngCore, SeedableRng};
use ndarray_rand::rand_distr::{Distribution, StandardNormal};
use rand_chacha::ChaCha8Rng;

/// Purpose of a random stream; streams of different purposes are independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u64)]
pub enum Purpose {
    /// Initial weights.
    Init = 1,
    /// Shuffling of samples.
    Shuffle = 2,
    /// Dropout masks.
    Dropout = 3,
    /// Bootstrap resampling.
    Bootstrap = 4,
}

/// Random number generator whose draws depend only on (seed, purpose, epoch, index).
///
/// They depend neither on other streams nor on the number of threads. The four numbers,
/// little-endian, are the key of a `ChaCha8` generator.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{Purpose, Stream};
///
/// let draw = |index| Stream::new(42, Purpose::Shuffle, 0, index).uniform();
/// assert_eq!(draw(7), draw(7));
/// assert_ne!(draw(7), draw(8));
/// ```
#[derive(Debug, Clone)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// Creates the stream keyed by these four numbers.
    pub fn new(seed: u64, purpose: Purpose, epoch: u64, index: u64) -> Self {
        let mut key = [0; 32];
        let numbers = [seed, purpose as u64, epoch, index];
        for (bytes, number) in key.chunks_exact_mut(8).zip(numbers) {
            bytes.copy_from_slice(&number.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Draws a uniform number in [0, 1), a multiple of 2^-53.
    pub fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Draws from the normal distribution with mean 0 and standard deviation 1.
    pub fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }

    /// Draws a uniform integer in `0..n`, without modulo bias.
    ///
    /// # Panics
    /// When `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        assert!(n > 0, "n is 0, expected at least 1: the range 0..n is empty");
        let n = n as u64;
        // Draws from the last, incomplete run of n numbers are rejected: they would add bias.
        let runs_end = u64::MAX - u64::MAX % n;
        loop {
            let draw = self.0.next_u64();
            if draw < runs_end {
                return usize::try_from(draw % n).expect("invariant: less than a usize");
            }
        }
    }

    /// Shuffles the items so that every order is equally likely (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Purpose, Stream};

    fn stream(index: u64) -> Stream {
        Stream::new(1, Purpose::Init, 0, index)
    }

    #[test]
    fn stream_depends_on_every_part_of_the_key() {
        let draws = [
            Stream::new(1, Purpose::Init, 0, 0),
            Stream::new(2, Purpose::Init, 0, 0),
            Stream::new(1, Purpose::Shuffle, 0, 0),
            Stream::new(1, Purpose::Init, 1, 0),
            Stream::new(1, Purpose::Init, 0, 1),
        ]
        .map(|mut s| s.uniform().to_bits());
        for (k, draw) in draws.iter().enumerate() {
            assert!(!draws[..k].contains(draw));
        }
    }

    #[test]
    fn stream_draws_are_stable_between_versions() {
        let mut s = Stream::new(42, Purpose::Shuffle, 3, 5);
        let mut order = [0, 1, 2, 3, 4, 5, 6, 7];
        s.shuffle(&mut order);
        assert_eq!((order, s.below(1000)), ([7, 1, 0, 4, 5, 2, 6, 3], 954));
    }

    #[test]
    fn stream_moments_match_the_distribution() {
        let mut s = stream(0);
        let n = 100_000;
        let (mut mean, mut normal, mut square) = (0.0, 0.0, 0.0);
        for _ in 0..n {
            mean += s.uniform() / f64::from(n);
            let z = s.normal();
            normal += z / f64::from(n);
            square += z * z / f64::from(n);
        }
        // Five standard errors.
        assert!((mean - 0.5).abs() < 0.005, "{mean}");
        assert!(normal.abs() < 0.016, "{normal}");
        assert!((square - 1.0).abs() < 0.023, "{square}");
    }

    #[test]
    fn stream_shuffle_keeps_the_items() {
        let mut items: Vec<usize> = (0..100).collect();
        stream(3).shuffle(&mut items);
        assert!(items.iter().enumerate().any(|(at, item)| at != *item));
        items.sort_unstable();
        assert!(items.iter().enumerate().all(|(at, item)| at == *item));
    }
}
