//! Matrix products of any size and orientation, over [`Product`].
use crate::Real;
use crate::kernels::{self, Checked, LANES, Left, PANEL, Product, Right};

/// A row-major matrix, possibly read transposed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matrix<'a, R> {
    data: &'a [R],
    rows: usize,
    columns: usize,
    transposed: bool,
}

impl<'a, R> Matrix<'a, R> {
    /// `data` as `[rows, columns]`.
    pub(crate) fn new(data: &'a [R], rows: usize, columns: usize) -> Self {
        debug_assert_eq!(data.len(), rows * columns, "invariant: matrix size");
        Self { data, rows, columns, transposed: false }
    }

    /// The same numbers with rows and columns exchanged.
    pub(crate) fn t(self) -> Self {
        Self { transposed: !self.transposed, ..self }
    }

    /// Rows and columns as read.
    fn size(self) -> (usize, usize) {
        if self.transposed { (self.columns, self.rows) } else { (self.rows, self.columns) }
    }
}

/// `c = a b`, on top of what `c` holds if `keep`.
pub(crate) fn mat_mul<R: Real>(a: Matrix<'_, R>, b: Matrix<'_, R>, keep: bool, c: &mut [R]) {
    let ((rows, depth), (_, columns)) = (a.size(), b.size());
    debug_assert_eq!(depth, b.size().0, "invariant: inner sizes");
    debug_assert_eq!(rows * columns, c.len(), "invariant: size of a product");
    let left = Left { data: a.data, stride: a.columns, transposed: a.transposed };
    let kernel = Checked::detect();
    if !b.transposed && columns.is_multiple_of(LANES) {
        let right = Right { data: b.data, columns, panel: columns };
        kernels::dispatch(kernel, Product { left, right, depth, columns, keep, c });
    } else {
        R::with_scratch(|panels| {
            pack(b, panels);
            let all = columns.next_multiple_of(LANES);
            let right = Right { data: panels, columns: all, panel: PANEL };
            kernels::dispatch(kernel, Product { left, right, depth, columns, keep, c });
        });
    }
}

/// Copies into panels of [`PANEL`] columns, the last one filled up with zeros.
fn pack<R: Real>(matrix: Matrix<'_, R>, panels: &mut Vec<R>) {
    let (depth, columns) = matrix.size();
    let all = columns.next_multiple_of(LANES);
    panels.clear();
    panels.resize(depth * all, R::ZERO);
    for first in (0..columns).step_by(PANEL) {
        let width = PANEL.min(all - first);
        let here = PANEL.min(columns - first);
        let panel = &mut panels[first * depth..][..depth * width];
        if matrix.transposed {
            for column in 0..here {
                let numbers = &matrix.data[(first + column) * depth..][..depth];
                let targets = panel[column..].iter_mut().step_by(width);
                targets.zip(numbers).for_each(|(target, number)| *target = *number);
            }
        } else {
            let rows = matrix.data.chunks_exact(columns);
            for (target, row) in panel.chunks_exact_mut(width).zip(rows) {
                target[..here].copy_from_slice(&row[first..][..here]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Matrix, mat_mul};

    /// Entry (i, j) is the sum over k of a (i, k) b (k, j), whatever sizes and orientations.
    #[test]
    fn products_of_all_sizes_and_orientations_equal_the_sums() {
        let numbers = |count: usize, phase: f64| -> Vec<f64> {
            (0..count).map(|i| (i as f64 * 1.7 + phase).sin()).collect()
        };
        let sizes = [(1, 1, 1), (3, 300, 5), (6, 7, 32), (7, 600, 70), (9, 5, 130), (4, 3, 48)];
        for (m, k, n) in sizes {
            let (a, b, before) = (numbers(m * k, 0.1), numbers(k * n, 0.2), numbers(m * n, 0.3));
            for orientation in 0..8 {
                let [a_t, b_t, keep] = [1, 2, 4].map(|bit| orientation & bit != 0);
                let left = if a_t { Matrix::new(&a, k, m).t() } else { Matrix::new(&a, m, k) };
                let right = if b_t { Matrix::new(&b, n, k).t() } else { Matrix::new(&b, k, n) };
                let mut c = before.clone();
                mat_mul(left, right, keep, &mut c);
                for (at, got) in c.iter().enumerate() {
                    let (i, j) = (at / n, at % n);
                    let of_a = |p: usize| if a_t { a[p * m + i] } else { a[i * k + p] };
                    let of_b = |p: usize| if b_t { b[j * k + p] } else { b[p * n + j] };
                    let sum = (0..k).map(|p| of_a(p) * of_b(p)).sum::<f64>();
                    let expected = if keep { before[at] + sum } else { sum };
                    assert!((got - expected).abs() < 1e-11, "{m} {k} {n} {orientation}: {at}");
                }
            }
        }
    }
}
