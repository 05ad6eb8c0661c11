//! Common interface of the GRU, the temporal convolutional network and the transformer encoder.
use windvane_lstm_core::{
    GruCache, GruGradients, GruShape, GruUpstream, Kernel, PackedGru, PackedTcn, PackedTransformer,
    Real, TcnCache, TcnShape, TensorSpec, TransformerCache, TransformerShape, gru_backward,
    gru_forward, tcn_backward, tcn_forward, transformer_backward, transformer_forward,
};

#[derive(Debug, Clone)]
pub(crate) enum Stack {
    Gru(GruShape),
    Tcn(TcnShape),
    Transformer(TransformerShape),
}

/// Caches of the last forward pass.
pub(crate) struct StackCache<R> {
    gru: GruCache<R>,
    tcn: TcnCache<R>,
    transformer: TransformerCache<R>,
}

impl<R: Real> StackCache<R> {
    pub(crate) fn new() -> Self {
        let (tcn, transformer) = (TcnCache::default(), TransformerCache::default());
        Self { gru: GruCache::new(), tcn, transformer }
    }
}

impl Stack {
    pub(crate) fn specs(&self) -> Vec<TensorSpec> {
        match self {
            Self::Gru(shape) => shape.specs("layer"),
            Self::Tcn(shape) => shape.specs("layer"),
            Self::Transformer(shape) => shape.specs("layer"),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Gru(shape) => shape.len(),
            Self::Tcn(shape) => shape.len(),
            Self::Transformer(shape) => shape.len(),
        }
    }

    /// Returns the numbers of inputs and outputs per step.
    pub(crate) fn sizes(&self) -> [usize; 2] {
        match self {
            Self::Gru(shape) => [shape.input_size(), shape.output_size()],
            Self::Tcn(shape) => [shape.input_size(), shape.output_size()],
            Self::Transformer(shape) => [shape.input_size(), shape.output_size()],
        }
    }

    /// Computes the results `[T, B, N]` of `x` `[T, B, I]`.
    pub(crate) fn forward<'c, R: Real>(
        &self,
        params: &[R],
        x: &[R],
        batch: usize,
        cache: &'c mut StackCache<R>,
    ) -> &'c [R] {
        match self {
            Self::Gru(shape) => {
                gru_forward(*shape, params, x, batch, None, &mut cache.gru).unwrap();
                cache.gru.hidden()
            }
            Self::Tcn(shape) => {
                tcn_forward(shape, params, x, batch, &mut cache.tcn).unwrap();
                cache.tcn.output()
            }
            Self::Transformer(shape) => {
                transformer_forward(*shape, params, x, batch, &mut cache.transformer).unwrap();
                cache.transformer.output()
            }
        }
    }

    /// Adds the gradients with respect to parameters and inputs.
    pub(crate) fn backward<R: Real>(
        &self,
        params: &[R],
        x: &[R],
        cache: &mut StackCache<R>,
        d_y: &[R],
        (d_params, d_x): (&mut [R], Option<&mut [R]>),
    ) {
        match self {
            Self::Gru(shape) => {
                let upstream = GruUpstream { d_hidden: Some(d_y), d_last_hidden: None };
                let into = GruGradients { d_params, d_inputs: d_x, d_start: None };
                gru_backward(*shape, params, x, &mut cache.gru, upstream, into)
            }
            Self::Tcn(shape) => tcn_backward(shape, params, x, &mut cache.tcn, d_y, d_params, d_x),
            Self::Transformer(shape) => {
                let cache = &mut cache.transformer;
                transformer_backward(*shape, params, x, cache, d_y, d_params, d_x)
            }
        }
        .unwrap();
    }

    /// Computes the results `[T, N]` of a window by inference, with working memory for `max_steps`
    /// steps.
    pub(crate) fn infer<R: Real>(
        &self,
        params: &[R],
        window: &[R],
        max_steps: usize,
        kernel: Kernel,
    ) -> Vec<R> {
        let [inputs, outputs] = self.sizes();
        let mut out = vec![R::ZERO; window.len() / inputs * outputs];
        match self {
            Self::Gru(shape) => {
                let gru = PackedGru::new(*shape, params).unwrap().with_kernel(kernel).unwrap();
                let mut scratch = gru.scratch();
                gru.sequence(window, &mut out, &mut scratch).unwrap();
                let last = gru.last_hidden(window, &mut scratch).unwrap();
                assert_eq!(*last, out[out.len() - outputs..]);
            }
            Self::Tcn(shape) => {
                let tcn = PackedTcn::new(shape, params).unwrap().with_kernel(kernel).unwrap();
                let mut scratch = tcn.scratch(max_steps);
                tcn.sequence(window, &mut out, &mut scratch).unwrap();
                let last = tcn.last_hidden(window, &mut scratch).unwrap();
                assert_eq!(*last, out[out.len() - outputs..]);
            }
            Self::Transformer(shape) => {
                let packed = PackedTransformer::new(*shape, params).unwrap();
                let packed = packed.with_kernel(kernel).unwrap();
                packed.sequence(window, &mut out, &mut packed.scratch(max_steps)).unwrap();
            }
        }
        out
    }
}
