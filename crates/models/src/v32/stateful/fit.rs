//! Fitting the stepper.
use windvane_signals::{TrainSet, ValidationSet};

use super::lessons::Lanes;
use super::{KIND, Layers, StatefulLstm};
use crate::train::{
    Checkpoint, Descent, Examples, Recipe, Run, as_learner, calibration_parts, fit_by,
};
use crate::v32::Config;
use crate::{ModelError, ModelId};

/// Fits the stepper: the scaler on the training rows, the weights by truncated backpropagation
/// through time.
///
/// The rows of every run (neighbours in a table, without reset or hidden row between) are cut
/// into lanes of 512, at other places in every epoch; some lanes are read side by side. Gradients
/// go back through 32 rows; the state is carried on to the next 32. The loss counts at every row
/// that a training window ends at, once the lane's state has read as many rows as a window has.
#[derive(Debug, Clone, PartialEq)]
pub struct StatefulLstmLearner {
    /// Id of the models it fits; `v32-stateful` by default.
    pub id: ModelId,
    /// Hidden units; 32 by default.
    pub hidden_size: usize,
    /// How the weights are learned; a batch is so many decisions: 32 in each of the lanes.
    pub recipe: Recipe,
}

impl Default for StatefulLstmLearner {
    fn default() -> Self {
        let recipe = Recipe { batch: 256, ..Recipe::default() };
        Self { id: ModelId::new(KIND), hidden_size: 32, recipe }
    }
}

impl StatefulLstmLearner {
    /// Fits the model.
    ///
    /// # Errors
    /// As those of [`FastLstmLearner::fit_model`](crate::v32::FastLstmLearner::fit_model).
    pub fn fit_model(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        run: &Run<'_>,
    ) -> Result<StatefulLstm, ModelError> {
        let recipe = &self.recipe;
        let choose = calibration_parts(validation).0;
        let learn = |network: &Layers, examples: [&Examples; 2], kept: Option<&Checkpoint>| {
            let [of_train, of_choose] = examples;
            let (batch, seed) = (recipe.batch, run.seed());
            let lessons = Lanes::new(network, (of_train, train), (of_choose, &choose), batch, seed);
            Descent { network, lessons, recipe, run }.run(kept)
        };
        let config = Config { hidden_size: self.hidden_size };
        let model = fit_by(&self.id, &config, train, validation, recipe, run, learn)?;
        Ok(StatefulLstm { model })
    }
}

as_learner!(StatefulLstmLearner);
