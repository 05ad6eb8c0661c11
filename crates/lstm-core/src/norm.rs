//! Layer normalisation: sizes and parameters, inference, training.
use crate::error::{check_len, check_rows};
use crate::kernels::{NormRows, Op, Portable};
use crate::lstm::check_size;
use crate::{LstmError, Real, TensorSpec};

/// Number of partial sums of a mean in training.
#[cfg(feature = "train")]
const LANES: usize = 16;

/// Size of a layer normalisation over the numbers of each row (Ba, Kiros and Hinton 2016).
///
/// # Formula
/// ```text
/// y = w (x - mean) / sqrt(variance + epsilon) + b        variance = mean of (x - mean)^2
/// ```
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::LayerNormShape;
///
/// let shape = LayerNormShape::new(32, LayerNormShape::EPSILON)?;
/// assert_eq!(shape.len(), 64);
/// assert_eq!(shape.specs("norm")[1].name, "norm.b");
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LayerNormShape {
    size: usize,
    epsilon: f64,
}

impl LayerNormShape {
    /// Epsilon that `PyTorch` uses by default.
    pub const EPSILON: f64 = 1e-5;

    /// Creates the shape for rows of `size` (`N`) numbers; `epsilon` is added to the variance.
    ///
    /// # Errors
    /// [`LstmError::Size`] unless `size` is 1 to [`MAX_SIZE`](crate::MAX_SIZE),
    /// [`LstmError::Number`] unless `epsilon` is finite and greater than 0.
    pub fn new(size: usize, epsilon: f64) -> Result<Self, LstmError> {
        check_size("size", size)?;
        if !(epsilon > 0.0 && epsilon.is_finite()) {
            let expected = "finite and greater than 0";
            return Err(LstmError::Number { what: "epsilon", expected, got: epsilon });
        }
        Ok(Self { size, epsilon })
    }

    /// Returns the length of a row `N`.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Returns the number that is added to the variance.
    pub fn epsilon(&self) -> f64 {
        self.epsilon
    }

    /// Returns names and shapes: `prefix.w` `[N]`, `prefix.b` `[N]`.
    pub fn specs(&self, prefix: &str) -> Vec<TensorSpec> {
        ["w", "b"].map(|name| TensorSpec::new(format!("{prefix}.{name}"), [self.size])).to_vec()
    }

    /// Returns the number of parameters.
    #[expect(clippy::len_without_is_empty, reason = "a layer is never empty")]
    pub fn len(&self) -> usize {
        2 * self.size
    }
}

/// Activations of one forward pass of a layer normalisation.
///
/// Reuse one cache for all batches: its buffers grow to the largest batch and are kept.
#[cfg(feature = "train")]
#[derive(Debug, Clone, Default)]
pub struct LayerNormCache<R> {
    /// Normalised rows (x - mean) / sqrt(variance + epsilon), `[rows, N]`.
    normalised: Vec<R>,
    /// Factors 1 / sqrt(variance + epsilon), `[rows]`.
    inverse_std: Vec<R>,
}

/// Normalises each row of a batch and caches the activations.
///
/// # Shapes
/// `weights` as in [`LayerNormShape::specs`], `x` and `y` `[rows, N]`.
///
/// # Errors
/// [`LstmError::Rows`] or [`LstmError::Length`] when a slice does not fit; nothing is changed then.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{LayerNormCache, LayerNormShape, layer_norm_forward};
///
/// let shape = LayerNormShape::new(2, 1e-9)?;
/// let (weights, mut y) = ([1.0_f64, 1.0, 0.0, 10.0], [0.0; 4]);
/// layer_norm_forward(shape, &weights, &[3.0, 5.0, 7.0, 7.0], &mut y, &mut Default::default())?;
/// assert!((y[0] + 1.0).abs() < 1e-6 && (y[1] - 11.0).abs() < 1e-6);
/// // A constant row has no deviations from its mean.
/// assert_eq!(y[2..], [0.0, 10.0]);
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
#[cfg(feature = "train")]
pub fn layer_norm_forward<R: Real>(
    shape: LayerNormShape,
    weights: &[R],
    x: &[R],
    y: &mut [R],
    cache: &mut LayerNormCache<R>,
) -> Result<(), LstmError> {
    let size = shape.size;
    check_len("layer norm parameters", shape.len(), weights.len())?;
    let rows = check_rows("x", size, x.len())?;
    check_len("y", x.len(), y.len())?;
    let (w, b) = weights.split_at(size);
    cache.normalised.resize(x.len(), R::ZERO);
    cache.inverse_std.resize(rows, R::ZERO);
    let normalised = cache.normalised.chunks_exact_mut(size).zip(&mut cache.inverse_std);
    let rows = x.chunks_exact(size).zip(y.chunks_exact_mut(size));
    for ((x, y), (normalised, inverse_std)) in rows.zip(normalised) {
        *inverse_std = normalise(x, shape.epsilon, normalised);
        for at in 0..size {
            y[at] = normalised[at] * w[at] + b[at];
        }
    }
    Ok(())
}

/// Normalises each row.
///
/// The result of a row is bit-identical in every batch and on every kernel.
///
/// # Shapes
/// `weights` as in [`LayerNormShape::specs`], `x` and `y` `[rows, N]`.
///
/// # Errors
/// [`LstmError::Rows`] or [`LstmError::Length`] when a slice does not fit; nothing is changed then.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{LayerNormShape, layer_norm};
///
/// let shape = LayerNormShape::new(2, 1e-9)?;
/// let mut y = [0.0_f32; 2];
/// layer_norm(shape, &[1.0, 1.0, 0.0, 10.0], &[3.0, 5.0], &mut y)?;
/// assert_eq!(y, [-1.0, 11.0]);
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
pub fn layer_norm<R: Real>(
    shape: LayerNormShape,
    weights: &[R],
    x: &[R],
    y: &mut [R],
) -> Result<(), LstmError> {
    let size = shape.size;
    check_len("layer norm parameters", shape.len(), weights.len())?;
    check_rows("x", size, x.len())?;
    check_len("y", x.len(), y.len())?;
    NormRows { epsilon: shape.epsilon, weights, xs: x, ys: y }.run(Portable);
    Ok(())
}

/// Writes the normalised row and returns 1 / sqrt(variance + epsilon).
#[cfg(feature = "train")]
fn normalise<R: Real>(x: &[R], epsilon: f64, normalised: &mut [R]) -> R {
    let mean = mean(x, |x| x);
    // The mean of the differences is the rounding error of the mean: with a small variance it
    // would not be small against the standard deviation.
    let error = self::mean(x, |x| x - mean);
    for (value, x) in normalised.iter_mut().zip(x) {
        *value = *x - mean - error;
    }
    let variance = self::mean(normalised, |value| value * value);
    let inverse_std = R::ONE / (variance + R::from_f64(epsilon)).sqrt();
    for value in normalised {
        *value *= inverse_std;
    }
    inverse_std
}

/// Computes the mean of a function of the values, in one fixed order.
///
/// Partial sums let the compiler add several values at a time.
#[cfg(feature = "train")]
fn mean<R: Real>(values: &[R], of: impl Fn(R) -> R) -> R {
    let mut sums = [R::ZERO; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            sums[lane] += of(chunk[lane]);
        }
    }
    for (lane, value) in rest.iter().enumerate() {
        sums[lane] += of(*value);
    }
    let mut sum = sums[0];
    for lane in 1..LANES {
        sum += sums[lane];
    }
    sum / R::from_f64(values.len() as f64)
}

/// Adds the gradients of a layer normalisation to `d_weights` and `d_x`.
///
/// # Shapes
/// `d_y` and `d_x` `[rows, N]` with the rows of the forward pass that filled `cache`; `d_weights`
/// like `weights`.
///
/// # Formula
/// With n the normalised row and `d_n = d_y w`:
///
/// ```text
/// d_x += (d_n - mean(d_n) - n mean(d_n n)) / sqrt(variance + epsilon)
/// d_w += d_y n        d_b += d_y
/// ```
///
/// # Errors
/// [`LstmError::Length`] when a slice does not fit the forward pass in `cache`; nothing is changed
/// then.
#[cfg(feature = "train")]
pub fn layer_norm_backward<R: Real>(
    shape: LayerNormShape,
    weights: &[R],
    cache: &LayerNormCache<R>,
    d_y: &[R],
    d_weights: &mut [R],
    d_x: &mut [R],
) -> Result<(), LstmError> {
    let size = shape.size;
    check_len("layer norm parameters", shape.len(), weights.len())?;
    check_len("layer norm gradients", shape.len(), d_weights.len())?;
    check_len("rows of the forward pass in `cache`", d_y.len(), cache.normalised.len())?;
    check_len("d_x", size * cache.inverse_std.len(), d_x.len())?;
    check_len("d_y", d_x.len(), d_y.len())?;
    let w = &weights[..size];
    let (d_w, d_b) = d_weights.split_at_mut(size);
    let cached = cache.normalised.chunks_exact(size).zip(&cache.inverse_std);
    let rows = d_y.chunks_exact(size).zip(d_x.chunks_exact_mut(size));
    for ((d_y, d_x), (normalised, inverse_std)) in rows.zip(cached) {
        let (mut middle, mut slope) = (-R::ZERO, -R::ZERO);
        for at in 0..size {
            let d_n = d_y[at] * w[at];
            middle += d_n;
            slope += d_n * normalised[at];
        }
        let count = R::from_f64(size as f64);
        (middle, slope) = (middle / count, slope / count);
        for at in 0..size {
            let d_n = d_y[at] * w[at];
            d_x[at] += (d_n - middle - normalised[at] * slope) * *inverse_std;
        }
        for at in 0..size {
            d_w[at] += d_y[at] * normalised[at];
            d_b[at] += d_y[at];
        }
    }
    Ok(())
}
