//! Inference kernel of the self-attention over one window.
use super::lstm::fused;
use super::{Isa, Op};
use crate::{Real, softmax};

/// Kernel of the weighted values of all heads, head by head and step by step.
///
/// Every sum has one order: the columns of a head for a score, the steps for a weighted value.
pub(crate) struct HeadAttention<'a, R> {
    /// Number of columns of a head.
    pub(crate) width: usize,
    /// Length of a row N.
    pub(crate) size: usize,
    /// Whether a step attends only to itself and earlier steps.
    pub(crate) causal: bool,
    /// Queries, keys and values `[T, 3, N]`.
    pub(crate) rows: &'a [R],
    /// Working memory for the keys of a head `[width, T]`.
    pub(crate) keys: &'a mut [R],
    /// Working memory for the scores of a step `[T]`.
    pub(crate) scores: &'a mut [R],
    /// Output for the weighted values `[T, N]`.
    pub(crate) out: &'a mut [R],
}

impl<R: Real> Op for HeadAttention<'_, R> {
    #[inline(always)]
    fn run<I: Isa>(self, _: I) {
        let Self { width, size, causal, rows, keys, scores, out } = self;
        let steps = scores.len();
        let scale = R::from_f64((width as f64).sqrt().recip());
        for head in (0..size).step_by(width) {
            for (step, row) in rows.chunks_exact(3 * size).enumerate() {
                let column = keys[step..].iter_mut().step_by(steps);
                column.zip(&row[size + head..][..width]).for_each(|(to, key)| *to = *key);
            }
            for (step, out) in out.chunks_exact_mut(size).enumerate() {
                let query = &rows[step * 3 * size + head..][..width];
                let seen = if causal { step + 1 } else { steps };
                scores.fill(R::ZERO);
                for (query, keys) in query.iter().zip(keys.chunks_exact(steps)) {
                    let query = *query * scale;
                    for (score, key) in scores[..seen].iter_mut().zip(keys) {
                        *score = fused::<R, I>(query, *key, *score);
                    }
                }
                softmax(&mut scores[..seen]);
                let out = &mut out[head..][..width];
                out.fill(R::ZERO);
                for (weight, row) in scores[..seen].iter().zip(rows.chunks_exact(3 * size)) {
                    for (sum, value) in out.iter_mut().zip(&row[2 * size + head..][..width]) {
                        *sum = fused::<R, I>(*weight, *value, *sum);
                    }
                }
            }
        }
    }
}
