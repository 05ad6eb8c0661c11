//! Inference of a transformer encoder.
use super::{TransformerLayerShape, TransformerShape, split};
use crate::error::{check_len, check_rows};
use crate::kernels::{DetectedKernel, Finish, HeadAttention, NormRows, QueryLanes, query_blocks};
use crate::{Kernel, LstmError, PackedDense, Real, positional_encoding};

/// Transformer encoder packed for inference; nothing allocates after construction.
///
/// Every sum has one order, so the results of a window are bit-identical in every batch.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{PackedTransformer, TransformerShape};
///
/// let shape = TransformerShape::new(2, 4, 2, 8, 1)?;
/// let params: Vec<f32> = (0..shape.len()).map(|i| (i as f32).sin() / 3.0).collect();
/// let transformer = PackedTransformer::new(shape, &params)?;
/// let mut scratch = transformer.scratch(3);
/// let mut states = [0.0; 3 * 4];
/// transformer.sequence(&[0.1, -0.2, 0.3, 0.0, -0.1, 0.4], &mut states, &mut scratch)?;
/// assert!(states.iter().all(|value| value.is_finite() && *value != 0.0));
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
#[derive(Debug, Clone)]
pub struct PackedTransformer<R> {
    shape: TransformerShape,
    kernel: DetectedKernel,
    input: PackedDense<R>,
    layers: Vec<PackedLayer<R>>,
    /// Parameters of the last normalisation.
    norm: Vec<R>,
}

/// Layer packed for inference.
#[derive(Debug, Clone)]
struct PackedLayer<R> {
    /// Dense layer of the queries, keys and values.
    queries: PackedDense<R>,
    /// Dense layer of the results of the attention.
    attended: PackedDense<R>,
    linear1: PackedDense<R>,
    linear2: PackedDense<R>,
    /// Parameters of the normalisations.
    norms: [Vec<R>; 2],
}

/// Working memory of [`PackedTransformer`], created by [`PackedTransformer::scratch`].
///
/// It carries no state from one call to the next, so one per thread serves any number of windows.
#[derive(Debug, Clone)]
pub struct TransformerScratch<R> {
    /// Maximum number of steps of a window.
    steps: usize,
    /// Positional encoding `[T, N]`.
    positions: Vec<R>,
    /// Rows of the residual connection `[T, N]`.
    rows: Vec<R>,
    /// Normalised rows, and results of the attention `[T, N]`.
    normed: Vec<R>,
    /// Queries, keys and values `[T, 3N]`.
    heads: Vec<R>,
    /// Queries of a head by columns `[blocks of T, width]`.
    queries: Vec<QueryLanes<R>>,
    /// Attention weights of a block of queries `[T]`.
    weights: Vec<QueryLanes<R>>,
    /// Activations between the dense layers `[T, F]`.
    hidden: Vec<R>,
}

impl<R: Real> PackedLayer<R> {
    fn new(shape: TransformerLayerShape, params: &[R]) -> Result<Self, LstmError> {
        let [attention, linear1, linear2, norm1, norm2] = split(shape.lens(), params);
        let [input, output] = shape.attention.dense_layers();
        let (of_input, of_output) = attention.split_at(input.len());
        Ok(Self {
            queries: PackedDense::new(input, input.params(of_input)?)?,
            attended: PackedDense::new(output, output.params(of_output)?)?,
            linear1: PackedDense::new(shape.linear1, shape.linear1.params(linear1)?)?,
            linear2: PackedDense::new(shape.linear2, shape.linear2.params(linear2)?)?,
            norms: [norm1.to_vec(), norm2.to_vec()],
        })
    }

    fn with_kernel(self, kernel: Kernel) -> Result<Self, LstmError> {
        Ok(Self {
            queries: self.queries.with_kernel(kernel)?,
            attended: self.attended.with_kernel(kernel)?,
            linear1: self.linear1.with_kernel(kernel)?,
            linear2: self.linear2.with_kernel(kernel)?,
            norms: self.norms,
        })
    }
}

impl<R: Real> PackedTransformer<R> {
    /// Packs the parameters, in the order of [`TransformerShape::specs`], for the kernel that
    /// [`Kernel::chosen`] returns.
    ///
    /// # Errors
    /// [`LstmError::Length`] when the parameters do not fit the shape, or the error of
    /// [`Kernel::chosen`].
    pub fn new(shape: TransformerShape, params: &[R]) -> Result<Self, LstmError> {
        check_len("transformer parameters", shape.len(), params.len())?;
        let (of_input, mut rest) = params.split_at(shape.input.len());
        let mut layers = Vec::with_capacity(shape.layers);
        for _ in 0..shape.layers {
            let (own, after) = rest.split_at(shape.layer.len());
            layers.push(PackedLayer::new(shape.layer, own)?);
            rest = after;
        }
        let input = PackedDense::new(shape.input, shape.input.params(of_input)?)?;
        Ok(Self { shape, kernel: DetectedKernel::chosen()?, input, layers, norm: rest.to_vec() })
    }

    /// Returns the same encoder on another kernel.
    ///
    /// # Errors
    /// [`LstmError::Kernel`] when this processor cannot run it.
    pub fn with_kernel(self, kernel: Kernel) -> Result<Self, LstmError> {
        let layers = self.layers.into_iter().map(|layer| layer.with_kernel(kernel));
        Ok(Self {
            shape: self.shape,
            kernel: DetectedKernel::new(kernel)?,
            input: self.input.with_kernel(kernel)?,
            layers: layers.collect::<Result<_, _>>()?,
            norm: self.norm,
        })
    }

    /// Returns the sizes of the encoder.
    pub fn shape(&self) -> TransformerShape {
        self.shape
    }

    /// Returns the kernel that the encoder runs on.
    pub fn kernel(&self) -> Kernel {
        self.kernel.kernel()
    }

    /// Creates working memory for windows of up to `steps` steps.
    pub fn scratch(&self, steps: usize) -> TransformerScratch<R> {
        let size = self.shape.output_size();
        let width = size / self.shape.layer.attention.heads();
        let zeros = |width: usize| vec![R::ZERO; steps * width];
        let mut positions = zeros(size);
        // Without steps there are no positions to encode.
        let encoded = positional_encoding(size, &mut positions);
        debug_assert_eq!(encoded.is_err(), steps == 0, "invariant: whole rows");
        TransformerScratch {
            steps,
            positions,
            rows: zeros(size),
            normed: zeros(size),
            heads: zeros(3 * size),
            queries: vec![QueryLanes::default(); width * query_blocks(steps)],
            weights: vec![QueryLanes::default(); steps],
            hidden: zeros(self.shape.layer.linear1.output_size()),
        }
    }

    /// Reads the window `xs` `[T, I]` and writes the result of every step into `out` `[T, N]`.
    ///
    /// # Errors
    /// [`LstmError::Rows`] unless `xs` is one or more whole steps, [`LstmError::Size`] when the
    /// window has more steps than `scratch` was created for, [`LstmError::Length`] when `out` or
    /// `scratch` does not fit. Nothing is changed then.
    pub fn sequence(
        &self,
        xs: &[R],
        out: &mut [R],
        scratch: &mut TransformerScratch<R>,
    ) -> Result<(), LstmError> {
        let (steps, size) = (check_rows("xs", self.shape.input_size(), xs.len())?, out.len());
        check_len("out", steps * self.shape.output_size(), size)?;
        let units = self.shape.layer.linear1.output_size();
        check_len("scratch", scratch.steps * self.shape.output_size(), scratch.rows.len())?;
        check_len("scratch", scratch.steps * units, scratch.hidden.len())?;
        let width = self.shape.output_size() / self.shape.layer.attention.heads();
        check_len("scratch", width * query_blocks(scratch.steps), scratch.queries.len())?;
        if steps > scratch.steps {
            return Err(LstmError::Size { what: "steps", expected: scratch.steps, got: steps });
        }
        let rows = &mut scratch.rows[..size];
        rows.copy_from_slice(&scratch.positions[..size]);
        self.input.apply_with(Finish::Add, xs, rows)?;
        for layer in &self.layers {
            self.attend(layer, steps, scratch)?;
            let TransformerScratch { rows, normed, hidden, .. } = &mut *scratch;
            let [rows, normed] = [rows, normed].map(|all| &mut all[..size]);
            let hidden = &mut hidden[..steps * units];
            self.normalise(&layer.norms[1], rows, normed);
            layer.linear1.apply_with(Finish::Relu, normed, hidden)?;
            layer.linear2.apply_with(Finish::Add, hidden, rows)?;
        }
        self.normalise(&self.norm, &scratch.rows[..size], out);
        Ok(())
    }

    fn normalise(&self, weights: &[R], xs: &[R], ys: &mut [R]) {
        let epsilon = self.shape.layer.norm.epsilon();
        self.kernel.run(NormRows { epsilon, weights, xs, ys });
    }

    /// Adds the self-attention of a layer to `scratch.rows`.
    fn attend(
        &self,
        layer: &PackedLayer<R>,
        steps: usize,
        scratch: &mut TransformerScratch<R>,
    ) -> Result<(), LstmError> {
        let size = self.shape.output_size();
        let width = size / self.shape.layer.attention.heads();
        let TransformerScratch { rows, normed, heads, queries, weights, .. } = scratch;
        let [rows, normed] = [rows, normed].map(|all| &mut all[..steps * size]);
        let heads = &mut heads[..steps * 3 * size];
        self.normalise(&layer.norms[0], rows, normed);
        layer.queries.apply(normed, heads)?;
        self.kernel.run(HeadAttention {
            width,
            size,
            rows: heads,
            queries: &mut queries[..width * query_blocks(steps)],
            weights: &mut weights[..steps],
            // The normalised rows are not read again.
            out: normed,
        });
        layer.attended.apply_with(Finish::Add, normed, rows)
    }
}
