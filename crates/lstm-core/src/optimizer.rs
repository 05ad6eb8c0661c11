//! Optimisers: gradient descent with momentum, Adam and AdamW.
use crate::error::check_len;
use crate::kernels::{DetectedKernel, Isa, Op};
use crate::{LstmError, Real};

/// Update rule of gradient descent; its state is an [`OptimizerState`].
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{Optimizer, OptimizerState};
///
/// let (mut weights, mut state) = ([1.0_f64, 2.0], OptimizerState::new(2));
/// Optimizer::Sgd { momentum: 0.0 }.step(0.1, &[1.0, -1.0], &mut state, &mut weights)?;
/// assert_eq!(weights, [0.9, 2.1]);
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum Optimizer {
    /// Stochastic gradient descent: u = momentum u + g; w -= rate u.
    Sgd {
        /// Momentum: share of the last step that is kept; 0 is plain gradient descent.
        momentum: f64,
    },
    /// Adam with decoupled weight decay (Kingma and Ba 2015; Loshchilov and Hutter 2019); plain
    /// Adam if `weight_decay` is 0.
    ///
    /// ```text
    /// w *= 1 - rate weight_decay
    /// m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2
    /// w -= rate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
    /// ```
    AdamW {
        /// Decay of the running mean of gradients.
        beta1: f64,
        /// Decay of the running mean of squared gradients.
        beta2: f64,
        /// Epsilon added to the denominator for numerical stability.
        epsilon: f64,
        /// Weight decay: share of each weight lost per unit of learning rate.
        weight_decay: f64,
    },
}

/// State of an [`Optimizer`] between steps: step count and moments.
#[derive(Debug, Clone, PartialEq)]
pub struct OptimizerState<R> {
    steps: u64,
    first: Vec<R>,
    second: Vec<R>,
}

impl<R: Real> OptimizerState<R> {
    /// Creates the state before the first step of a network with `len` parameters.
    pub fn new(len: usize) -> Self {
        Self { steps: 0, first: vec![R::ZERO; len], second: vec![R::ZERO; len] }
    }

    /// Creates a state from its saved step count and moments.
    ///
    /// # Errors
    /// [`LstmError::Length`] when the moments differ in length.
    pub fn from_parts(steps: u64, first: Vec<R>, second: Vec<R>) -> Result<Self, LstmError> {
        check_len("second moment", first.len(), second.len())?;
        Ok(Self { steps, first, second })
    }

    /// Returns the number of steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Returns the first moments: u of SGD, m of Adam.
    pub fn first(&self) -> &[R] {
        &self.first
    }

    /// Returns the second moments: v of Adam; zeros under SGD.
    pub fn second(&self) -> &[R] {
        &self.second
    }
}

impl Optimizer {
    /// Creates Adam with the usual hyperparameters 0.9, 0.999, 1e-8, without weight decay.
    pub fn adam() -> Self {
        Self::AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 }
    }

    /// Updates all weights of a network by one step of gradient descent.
    ///
    /// # Errors
    /// [`LstmError::Length`] when the slices or the state differ in length; nothing is changed
    /// then.
    pub fn step<R: Real>(
        self,
        rate: f64,
        gradients: &[R],
        state: &mut OptimizerState<R>,
        weights: &mut [R],
    ) -> Result<(), LstmError> {
        check_len("gradients", weights.len(), gradients.len())?;
        check_len("optimizer state", weights.len(), state.first.len())?;
        state.steps += 1;
        let OptimizerState { steps, first, second } = state;
        match self {
            Self::Sgd { momentum } => {
                let [momentum, rate] = [momentum, rate].map(R::from_f64);
                let step = SgdStep { momentum, rate, gradients, first, weights };
                DetectedKernel::detect().run(step);
            }
            Self::AdamW { beta1, beta2, epsilon, weight_decay } => {
                // After i32::MAX steps both bias corrections are 1.
                let t = i32::try_from(*steps).unwrap_or(i32::MAX);
                let step = AdamStep {
                    beta1: R::from_f64(beta1),
                    rest1: R::from_f64(1.0 - beta1),
                    beta2: R::from_f64(beta2),
                    rest2: R::from_f64(1.0 - beta2),
                    keep: R::from_f64(1.0 - rate * weight_decay),
                    rate: R::from_f64(rate / (1.0 - beta1.powi(t))),
                    correct2: R::from_f64(1.0 / (1.0 - beta2.powi(t))),
                    epsilon: R::from_f64(epsilon),
                    gradients,
                    moments: [first, second],
                    weights,
                };
                DetectedKernel::detect().run(step);
            }
        }
        Ok(())
    }
}

/// Kernel of one step of gradient descent.
struct SgdStep<'a, R> {
    momentum: R,
    rate: R,
    gradients: &'a [R],
    first: &'a mut [R],
    weights: &'a mut [R],
}

impl<R: Real> Op for SgdStep<'_, R> {
    #[inline(always)]
    fn run<I: Isa>(self, _: I) {
        let Self { weights, first, gradients, .. } = self;
        let count = weights.len();
        let (first, gradients) = (&mut first[..count], &gradients[..count]);
        for at in 0..count {
            first[at] = self.momentum * first[at] + gradients[at];
            weights[at] -= self.rate * first[at];
        }
    }
}

/// Kernel of one step of Adam or AdamW.
struct AdamStep<'a, R> {
    beta1: R,
    rest1: R,
    beta2: R,
    rest2: R,
    keep: R,
    rate: R,
    correct2: R,
    epsilon: R,
    gradients: &'a [R],
    moments: [&'a mut [R]; 2],
    weights: &'a mut [R],
}

impl<R: Real> Op for AdamStep<'_, R> {
    #[inline(always)]
    fn run<I: Isa>(self, _: I) {
        let Self { weights, moments: [first, second], gradients, .. } = self;
        let count = weights.len();
        let (first, second) = (&mut first[..count], &mut second[..count]);
        let gradients = &gradients[..count];
        for at in 0..count {
            let g = gradients[at];
            let (m, v) = (&mut first[at], &mut second[at]);
            *m = self.beta1 * *m + self.rest1 * g;
            *v = self.beta2 * *v + self.rest2 * g * g;
            let step = self.rate * *m / ((*v * self.correct2).sqrt() + self.epsilon);
            weights[at] = weights[at] * self.keep - step;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Optimizer, OptimizerState};

    #[test]
    fn sgd_momentum_accumulates() {
        let (mut w, mut state) = ([0.0_f64], OptimizerState::new(1));
        let rule = Optimizer::Sgd { momentum: 0.5 };
        for _ in 0..3 {
            rule.step(1.0, &[1.0], &mut state, &mut w).unwrap();
        }
        // u: 1, 1.5, 1.75
        assert_eq!((w, state.steps()), ([-4.25], 3));
        assert_eq!(state.first(), [1.75]);
    }

    #[test]
    fn adam_first_step_equals_the_rate() {
        let (mut w, mut state) = ([1.0_f64, 1.0], OptimizerState::new(2));
        Optimizer::adam().step(0.01, &[1e-3, -1e3], &mut state, &mut w).unwrap();
        assert!((w[0] - 0.99).abs() < 1e-6 && (w[1] - 1.01).abs() < 1e-12);
    }

    #[test]
    fn adam_weight_decay_does_not_change_the_moments() {
        let (mut w, mut state) = ([2.0_f64], OptimizerState::new(1));
        let rule = Optimizer::AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.5 };
        rule.step(0.1, &[0.0], &mut state, &mut w).unwrap();
        assert_eq!((w, state.first()), ([1.9], &[0.0][..]));
    }

    #[test]
    fn optimizer_restored_state_continues_identically() {
        let rule = Optimizer::adam();
        let (mut w, mut state) = ([1.0_f32, -1.0], OptimizerState::new(2));
        rule.step(0.01, &[0.3, 0.2], &mut state, &mut w).unwrap();
        let (first, second) = (state.first().to_vec(), state.second().to_vec());
        let mut restored = OptimizerState::from_parts(state.steps(), first, second).unwrap();
        let mut again = w;
        rule.step(0.01, &[0.1, 0.2], &mut state, &mut w).unwrap();
        rule.step(0.01, &[0.1, 0.2], &mut restored, &mut again).unwrap();
        assert_eq!(w, again);
    }
}
