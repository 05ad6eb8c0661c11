//! Common interface of the unidirectional and the bidirectional LSTM layer.
use windvane_lstm_core::{
    BiLstmCache, BiLstmGradients, BiLstmShape, Biases, LstmCache, LstmGradients, LstmShape,
    LstmStart, LstmStartMut, LstmUpstream, Real, TensorSpec, bilstm_backward, bilstm_forward,
    lstm_backward, lstm_forward,
};

#[derive(Debug, Clone, Copy)]
pub(crate) enum Layer {
    One(LstmShape),
    Both(BiLstmShape),
}

pub(crate) enum LayerCache<R> {
    One(Box<LstmCache<R>>),
    Both(Box<BiLstmCache<R>>),
}

impl Layer {
    pub(crate) fn one(inputs: usize, hidden: usize, biases: Biases) -> Self {
        Self::One(LstmShape::new(inputs, hidden, biases).unwrap())
    }

    pub(crate) fn both(inputs: usize, hidden: usize, biases: Biases) -> Self {
        Self::Both(BiLstmShape::new(inputs, hidden, biases).unwrap())
    }

    /// Returns the sizes of one direction.
    pub(crate) fn direction(&self) -> LstmShape {
        match self {
            Self::One(shape) => *shape,
            Self::Both(shape) => shape.direction(),
        }
    }

    pub(crate) fn directions(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Both(_) => 2,
        }
    }

    pub(crate) fn output_size(&self) -> usize {
        self.directions() * self.direction().hidden_size()
    }

    pub(crate) fn len(&self) -> usize {
        self.directions() * self.direction().len()
    }

    pub(crate) fn specs(&self, prefix: &str) -> Vec<TensorSpec> {
        match self {
            Self::One(shape) => shape.specs(prefix),
            Self::Both(shape) => shape.specs(prefix),
        }
    }

    pub(crate) fn cache<R: Real>(&self) -> LayerCache<R> {
        match self {
            Self::One(_) => LayerCache::One(Box::default()),
            Self::Both(_) => LayerCache::Both(Box::default()),
        }
    }

    pub(crate) fn forward<R: Real>(
        &self,
        weights: &[R],
        (x, batch): (&[R], usize),
        start: Option<LstmStart<'_, R>>,
        cache: &mut LayerCache<R>,
    ) {
        match (*self, cache) {
            (Self::One(shape), LayerCache::One(cache)) => {
                lstm_forward(shape, shape.params(weights).unwrap(), x, batch, start, cache)
            }
            (Self::Both(shape), LayerCache::Both(cache)) => {
                bilstm_forward(shape, shape.params(weights).unwrap(), x, batch, start, cache)
            }
            _ => panic!("the cache belongs to a layer of another kind"),
        }
        .unwrap();
    }

    pub(crate) fn backward<R: Real>(
        &self,
        (weights, d_weights): (&[R], &mut [R]),
        x: &[R],
        cache: &mut LayerCache<R>,
        upstream: LstmUpstream<'_, R>,
        d_inputs: Option<&mut [R]>,
        d_start: Option<LstmStartMut<'_, R>>,
    ) {
        match (*self, cache) {
            (Self::One(shape), LayerCache::One(cache)) => {
                let d_params = shape.params_mut(d_weights).unwrap();
                let into = LstmGradients { d_params, d_inputs, d_start };
                lstm_backward(shape, shape.params(weights).unwrap(), x, cache, upstream, into)
            }
            (Self::Both(shape), LayerCache::Both(cache)) => {
                let d_params = shape.params_mut(d_weights).unwrap();
                let into = BiLstmGradients { d_params, d_inputs, d_start };
                bilstm_backward(shape, shape.params(weights).unwrap(), x, cache, upstream, into)
            }
            _ => panic!("the cache belongs to a layer of another kind"),
        }
        .unwrap();
    }
}

impl<R: Real> LayerCache<R> {
    pub(crate) fn hidden(&self) -> &[R] {
        match self {
            Self::One(cache) => cache.hidden(),
            Self::Both(cache) => cache.hidden(),
        }
    }

    pub(crate) fn last_hidden(&self) -> &[R] {
        match self {
            Self::One(cache) => cache.last_hidden(),
            Self::Both(cache) => cache.last_hidden(),
        }
    }

    pub(crate) fn last_cell(&self) -> &[R] {
        match self {
            Self::One(cache) => cache.last_cell(),
            Self::Both(cache) => cache.last_cell(),
        }
    }
}
