//! Matrix products of any size and orientation, over [`Product`].
use crate::Real;
use crate::kernels::{DetectedKernel, LANES, LeftFactor, PANEL, Product, RightFactor};

/// Row-major matrix that may be read transposed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matrix<'a, R> {
    data: &'a [R],
    rows: usize,
    columns: usize,
    transposed: bool,
}

impl<'a, R> Matrix<'a, R> {
    /// Creates the matrix `[rows, columns]` over `data`.
    pub(crate) fn new(data: &'a [R], rows: usize, columns: usize) -> Self {
        debug_assert_eq!(data.len(), rows * columns, "invariant: matrix size");
        Self { data, rows, columns, transposed: false }
    }

    /// Returns the transposed matrix over the same numbers.
    pub(crate) fn t(self) -> Self {
        Self { transposed: !self.transposed, ..self }
    }

    /// Returns the numbers of rows and columns, after transposition.
    fn size(self) -> (usize, usize) {
        if self.transposed { (self.columns, self.rows) } else { (self.rows, self.columns) }
    }
}

/// Computes the matrix product `c = a b`, or `c += a b` if `keep`.
pub(crate) fn mat_mul<R: Real>(a: Matrix<'_, R>, b: Matrix<'_, R>, keep: bool, c: &mut [R]) {
    mat_mul_on(DetectedKernel::detect(), a, b, keep, c);
}

/// Computes the matrix product on a given kernel.
fn mat_mul_on<R: Real>(
    kernel: DetectedKernel,
    a: Matrix<'_, R>,
    b: Matrix<'_, R>,
    keep: bool,
    c: &mut [R],
) {
    let ((rows, depth), (_, columns)) = (a.size(), b.size());
    debug_assert_eq!(depth, b.size().0, "invariant: inner sizes");
    debug_assert_eq!(rows * columns, c.len(), "invariant: size of a product");
    let left = LeftFactor { data: a.data, stride: a.columns, transposed: a.transposed };
    if !b.transposed && columns.is_multiple_of(LANES) {
        let right = RightFactor { data: b.data, columns, panel: columns };
        kernel.run(Product { left, right, depth, columns, keep, c });
    } else {
        R::with_scratch(|panels| {
            pack(b, panels);
            let all = columns.next_multiple_of(LANES);
            let right = RightFactor { data: panels, columns: all, panel: PANEL };
            kernel.run(Product { left, right, depth, columns, keep, c });
        });
    }
}

/// Copies a matrix into panels of [`PANEL`] columns; the last one is padded with zeros.
fn pack<R: Real>(matrix: Matrix<'_, R>, panels: &mut Vec<R>) {
    let (depth, columns) = matrix.size();
    let all = columns.next_multiple_of(LANES);
    panels.resize(depth * all, R::ZERO);
    for first in (0..columns).step_by(PANEL) {
        let width = PANEL.min(all - first);
        let here = PANEL.min(columns - first);
        let panel = &mut panels[first * depth..][..depth * width];
        if matrix.transposed {
            for column in 0..here {
                let numbers = &matrix.data[(first + column) * depth..][..depth];
                for row in 0..depth {
                    panel[row * width + column] = numbers[row];
                }
            }
        } else {
            for (row, target) in panel.chunks_exact_mut(width).enumerate() {
                let numbers = &matrix.data[row * columns + first..][..here];
                target[..here].copy_from_slice(numbers);
            }
        }
        if here < width {
            for row in panel.chunks_exact_mut(width) {
                row[here..].fill(R::ZERO);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, ShapeBuilder};

    use super::{Matrix, mat_mul_on};
    use crate::kernels::DetectedKernel;
    use crate::{Kernel, Real};

    /// Returns the largest difference from ndarray's product in f64, over sizes and orientations.
    fn largest_error<R: Real>(kernel: Kernel) -> f64 {
        let numbers = |count: usize, phase: f64| -> Vec<f64> {
            (0..count).map(|i| (i as f64 * 1.7 + phase).sin()).collect()
        };
        let rounded = |numbers: &[f64]| -> Vec<R> {
            numbers.iter().map(|number| R::from_f64(*number)).collect()
        };
        let (mut largest, kernel) = (0.0_f64, DetectedKernel::new(kernel).unwrap());
        let sizes = [(1, 1, 1), (3, 300, 5), (15, 7, 32), (13, 600, 70), (9, 5, 130), (4, 3, 48)];
        for (m, k, n) in sizes {
            let (a, b, before) = (numbers(m * k, 0.1), numbers(k * n, 0.2), numbers(m * n, 0.3));
            for orientation in 0..8 {
                let [a_t, b_t, keep] = [1, 2, 4].map(|bit| orientation & bit != 0);
                let wide = |rows: usize, columns: usize, columnwise: bool, flat: &[f64]| {
                    let shape = (rows, columns).set_f(columnwise);
                    Array2::from_shape_vec(shape, flat.to_vec()).unwrap()
                };
                let mut expected = wide(m, k, a_t, &a).dot(&wide(k, n, b_t, &b));
                if keep {
                    expected += &wide(m, n, false, &before);
                }
                let (a, b, mut c) = (rounded(&a), rounded(&b), rounded(&before));
                let left = if a_t { Matrix::new(&a, k, m).t() } else { Matrix::new(&a, m, k) };
                let right = if b_t { Matrix::new(&b, n, k).t() } else { Matrix::new(&b, k, n) };
                mat_mul_on(kernel, left, right, keep, &mut c);
                for (got, expected) in c.iter().zip(&expected) {
                    largest = largest.max((got.to_f64() - expected).abs());
                }
            }
        }
        largest
    }

    #[test]
    fn gemm_equals_ndarray_for_all_sizes_orientations_and_kernels() {
        for kernel in Kernel::available() {
            let error = largest_error::<f64>(*kernel);
            assert!(error < 1e-11, "{}: {error:e}", kernel.name());
            let error = largest_error::<f32>(*kernel);
            assert!(error < 2e-4, "{}: {error:e}", kernel.name());
        }
    }
}
