//! Forward and backward pass of the dense layer over a batch.
use super::{DenseParams, DenseParamsMut, DenseShape};
use crate::error::{check_len, check_rows};
use crate::gemm::{Matrix, mat_mul};
use crate::kernels::{AddRows, DetectedKernel};
use crate::{LstmError, Real};

/// Writes y = W x + b for each row of a batch.
///
/// # Shapes
/// `x` `[B, N]`, `y` `[B, O]`.
///
/// # Errors
/// [`LstmError::Rows`] or [`LstmError::Length`] when a slice does not fit; nothing is changed then.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{DenseShape, dense_forward};
///
/// let shape = DenseShape::new(2, 1)?;
/// let mut y = [0.0_f64; 2];
/// dense_forward(shape, shape.params(&[3.0, 4.0, 0.5])?, &[1.0, 0.0, 0.0, 1.0], &mut y)?;
/// assert_eq!(y, [3.5, 4.5]);
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
pub fn dense_forward<R: Real>(
    shape: DenseShape,
    params: DenseParams<'_, R>,
    x: &[R],
    y: &mut [R],
) -> Result<(), LstmError> {
    let (inputs, outputs) = (shape.input_size(), shape.output_size());
    shape.check(params)?;
    let batch = check_rows("x", inputs, x.len())?;
    check_len("y", batch * outputs, y.len())?;
    for row in y.chunks_exact_mut(outputs) {
        row.copy_from_slice(params.b);
    }
    mat_mul(Matrix::new(x, batch, inputs), Matrix::new(params.w, outputs, inputs).t(), true, y);
    Ok(())
}

/// Adds the gradients of a dense layer to `d_params` and `d_x`.
///
/// # Shapes
/// `x` and `d_x` `[B, N]`, `d_y` `[B, O]`.
///
/// # Formula
/// ```text
/// d_W += d_y^T x;  d_b += sum over the batch of d_y;  d_x += d_y W
/// ```
///
/// # Errors
/// [`LstmError::Rows`] or [`LstmError::Length`] when a slice does not fit; nothing is changed then.
pub fn dense_backward<R: Real>(
    shape: DenseShape,
    params: DenseParams<'_, R>,
    x: &[R],
    d_y: &[R],
    d_params: DenseParamsMut<'_, R>,
    d_x: Option<&mut [R]>,
) -> Result<(), LstmError> {
    let (inputs, outputs) = (shape.input_size(), shape.output_size());
    shape.check(params)?;
    shape.check(d_params.as_params())?;
    let batch = check_rows("x", inputs, x.len())?;
    check_len("d_y", batch * outputs, d_y.len())?;
    check_len("d_x", x.len(), d_x.as_ref().map_or(x.len(), |d| d.len()))?;
    let DenseParamsMut { w: d_w, b: d_b } = d_params;
    let d_rows = Matrix::new(d_y, batch, outputs);
    // d_W += d_y^T x
    mat_mul(d_rows.t(), Matrix::new(x, batch, inputs), true, d_w);
    // d_b += sum d_y
    DetectedKernel::detect().run(AddRows { rows: d_y, sum: d_b });
    // d_x += d_y W
    if let Some(d_x) = d_x {
        mat_mul(d_rows, Matrix::new(params.w, outputs, inputs), true, d_x);
    }
    Ok(())
}
