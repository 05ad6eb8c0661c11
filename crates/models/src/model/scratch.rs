//! Working memory of a prediction, owned by the caller.
use std::any::Any;

use crate::PredictError;

/// Buffers a model writes to while it predicts: made once by
/// [`DirectionModel::scratch`](crate::DirectionModel::scratch), reused for every window.
///
/// It holds any type, so models of other crates bring their own; `children` carry the scratch
/// of a model's members, so an ensemble's scratch is a tree.
///
/// # Examples
/// ```
/// use windvane_models::Scratch;
/// let mut scratch = Scratch::new(vec![0.0_f32; 8]);
/// scratch.get::<Vec<f32>>()?[0] = 1.0;
/// assert!(scratch.get::<String>().is_err()); // another model's
/// # Ok::<(), windvane_models::PredictError>(())
/// ```
#[derive(Debug)]
pub struct Scratch {
    own: Box<dyn Any + Send>,
    children: Vec<Scratch>,
}

impl Scratch {
    /// A model's own buffers.
    pub fn new<T: Any + Send>(own: T) -> Self {
        Self { own: Box::new(own), children: Vec::new() }
    }

    /// Own buffers beside the members' scratch.
    pub fn with_children<T: Any + Send>(own: T, children: Vec<Scratch>) -> Self {
        Self { own: Box::new(own), children }
    }

    /// The model's own buffers.
    ///
    /// # Errors
    /// [`PredictError::ForeignScratch`] when another kind of model made this scratch.
    pub fn get<T: Any>(&mut self) -> Result<&mut T, PredictError> {
        self.own.downcast_mut().ok_or(PredictError::ForeignScratch)
    }

    /// The model's own buffers to read; `None` when another kind of model made this scratch.
    pub fn peek<T: Any>(&self) -> Option<&T> {
        self.own.downcast_ref()
    }

    /// The model's own buffers and the members' scratch, both at once.
    ///
    /// # Errors
    /// [`PredictError::ForeignScratch`] when another kind of model made this scratch.
    pub fn split<T: Any>(&mut self) -> Result<(&mut T, &mut [Scratch]), PredictError> {
        let own = self.own.downcast_mut().ok_or(PredictError::ForeignScratch)?;
        Ok((own, &mut self.children))
    }
}
