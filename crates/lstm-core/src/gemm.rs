//! Matrix products: the one place that knows which library computes them.
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2, LinalgScalar};

/// A row-major matrix, possibly read transposed.
#[expect(unnameable_types, reason = "only the seal of `Real` mentions it")]
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a, R> {
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

    fn view(self) -> ArrayView2<'a, R> {
        let view = ArrayView2::from_shape((self.rows, self.columns), self.data)
            .expect("invariant: a matrix has rows times columns numbers");
        if self.transposed { view.reversed_axes() } else { view }
    }
}

/// `c = a b + keep c`.
pub(crate) fn mat_mul<R: LinalgScalar>(a: Matrix<'_, R>, b: Matrix<'_, R>, keep: R, c: &mut [R]) {
    let (a, b) = (a.view(), b.view());
    let mut c = ArrayViewMut2::from_shape((a.nrows(), b.ncols()), c)
        .expect("invariant: a product has the rows of a and the columns of b");
    general_mat_mul(R::one(), &a, &b, keep, &mut c);
}
