//! Named parameters in one flat buffer.
use crate::Real;

/// Name and shape of one tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorSpec {
    /// Name of the tensor, such as `lstm.w_ih`.
    pub name: String,
    /// Length of each axis.
    pub shape: Vec<usize>,
}

impl TensorSpec {
    /// Creates the spec of a tensor from its name and shape.
    pub fn new(name: impl Into<String>, shape: impl Into<Vec<usize>>) -> Self {
        Self { name: name.into(), shape: shape.into() }
    }

    /// Returns the number of entries.
    #[expect(clippy::len_without_is_empty, reason = "parameters are never empty")]
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

/// Parameters (or gradients) of a network: tensors by name over one flat buffer.
///
/// The buffer holds the tensors in the order of their specs, row-major, without gaps.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{TensorSpec, Tensors};
///
/// let mut weights =
///     Tensors::<f32>::new(vec![TensorSpec::new("w", [2, 3]), TensorSpec::new("b", [2])]);
/// weights.get_mut("b").unwrap().fill(0.5);
/// assert_eq!(weights.flat(), [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.5]);
/// assert_eq!(weights.get("c"), None);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Tensors<R> {
    specs: Vec<TensorSpec>,
    flat: Vec<R>,
}

impl<R: Real> Tensors<R> {
    /// Creates tensors of these names and shapes, filled with zeros.
    ///
    /// Names should be unique: a lookup returns the first tensor of a name.
    pub fn new(specs: Vec<TensorSpec>) -> Self {
        let len = specs.iter().map(TensorSpec::len).sum();
        Self { specs, flat: vec![R::ZERO; len] }
    }

    /// Creates tensors of the same names and shapes, filled with zeros.
    #[must_use]
    pub fn zeros_like(&self) -> Self {
        Self::new(self.specs.clone())
    }

    /// Returns the names and shapes of the tensors, in buffer order.
    pub fn specs(&self) -> &[TensorSpec] {
        &self.specs
    }

    /// Returns the total number of entries.
    pub fn len(&self) -> usize {
        self.flat.len()
    }

    /// Returns whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.flat.is_empty()
    }

    /// Returns the whole buffer.
    pub fn flat(&self) -> &[R] {
        &self.flat
    }

    /// Returns the whole buffer, mutable.
    pub fn flat_mut(&mut self) -> &mut [R] {
        &mut self.flat
    }

    /// Returns the tensor with this name; `None` if there is none.
    pub fn get(&self, name: &str) -> Option<&[R]> {
        self.span(name).map(|span| &self.flat[span])
    }

    /// Returns the tensor with this name, mutable; `None` if there is none.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut [R]> {
        self.span(name).map(|span| &mut self.flat[span])
    }

    /// Iterates over the tensors with their specs, in buffer order.
    pub fn iter(&self) -> impl Iterator<Item = (&TensorSpec, &[R])> {
        let mut rest = self.flat.as_slice();
        self.specs.iter().map(move |spec| {
            let (tensor, after) = rest.split_at(spec.len());
            rest = after;
            (spec, tensor)
        })
    }

    /// Converts to another number type, rounding each entry to the nearest value.
    pub fn cast<S: Real>(&self) -> Tensors<S> {
        let flat = self.flat.iter().map(|v| S::from_f64(v.to_f64())).collect();
        Tensors { specs: self.specs.clone(), flat }
    }

    fn span(&self, name: &str) -> Option<std::ops::Range<usize>> {
        let mut start = 0;
        for spec in &self.specs {
            let end = start + spec.len();
            if spec.name == name {
                return Some(start..end);
            }
            start = end;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{TensorSpec, Tensors};

    #[test]
    fn tensors_lookup_and_iteration_follow_the_specs() {
        let mut t =
            Tensors::<f64>::new(vec![TensorSpec::new("a", [2]), TensorSpec::new("b", [1, 2])]);
        t.flat_mut().copy_from_slice(&[1.0, 2.0, 3.0, 0.1]);
        assert_eq!(t.get("b"), Some(&[3.0, 0.1][..]));
        assert_eq!(t.get("c"), None);
        let walked: Vec<_> = t.iter().map(|(s, v)| (s.name.as_str(), v.len())).collect();
        assert_eq!(walked, [("a", 2), ("b", 2)]);
        assert_eq!(t.cast::<f32>().flat(), [1.0, 2.0, 3.0, 0.1]);
        assert_eq!(t.zeros_like().flat(), [0.0; 4]);
        assert_eq!(t.len(), 4);
    }
}
