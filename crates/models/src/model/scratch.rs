//! Scratch memory of a prediction, owned by the caller.
use std::any::Any;

use crate::PredictError;

/// Scratch memory of a model's predictions, created by
/// [`DirectionModel::scratch`](crate::DirectionModel::scratch) and reused for every window.
///
/// It holds a value of any type, so models of other crates define their own. The children are the
/// scratch memory of an ensemble's members.
///
/// # Examples
/// ```
/// use windvane_models::Scratch;
/// let mut scratch = Scratch::new(vec![0.0_f32; 8]);
/// scratch.get::<Vec<f32>>()?[0] = 1.0;
/// assert!(scratch.get::<String>().is_err()); // another type
/// # Ok::<(), windvane_models::PredictError>(())
/// ```
#[derive(Debug)]
pub struct Scratch {
    own: Box<dyn Any + Send + Sync>,
    children: Vec<Scratch>,
}

impl Scratch {
    /// Creates scratch memory from a model's own buffers.
    pub fn new<T: Any + Send + Sync>(own: T) -> Self {
        Self { own: Box::new(own), children: Vec::new() }
    }

    /// Creates scratch memory from a model's own buffers and the scratch memory of its members.
    pub fn with_children<T: Any + Send + Sync>(own: T, children: Vec<Scratch>) -> Self {
        Self { own: Box::new(own), children }
    }

    /// Returns the model's own buffers.
    ///
    /// # Errors
    /// [`PredictError::ForeignScratch`] if another kind of model created this scratch memory.
    pub fn get<T: Any>(&mut self) -> Result<&mut T, PredictError> {
        self.own.downcast_mut().ok_or(PredictError::ForeignScratch)
    }

    /// Returns the model's own buffers for reading; `None` if they have another type.
    pub fn peek<T: Any>(&self) -> Option<&T> {
        self.own.downcast_ref()
    }

    /// Returns the model's own buffers and the scratch memory of its members.
    ///
    /// # Errors
    /// [`PredictError::ForeignScratch`] if another kind of model created this scratch memory.
    pub fn split<T: Any>(&mut self) -> Result<(&mut T, &mut [Scratch]), PredictError> {
        let own = self.own.downcast_mut().ok_or(PredictError::ForeignScratch)?;
        Ok((own, &mut self.children))
    }
}
