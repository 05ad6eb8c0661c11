//! Who is fitted in a run: its models, and the baselines that are learners.
use std::collections::HashMap;

use windvane_candles::Direction;
use windvane_models::train::Learner;

use crate::work::Done;
use crate::{Baseline, Record};

/// The learners of a run: its models, then the baselines that are none of them.
pub(crate) struct Lineup<'a> {
    pub(crate) learners: Vec<&'a dyn Learner>,
    /// How many of them are models; the rest is fitted only to be compared with.
    pub(crate) models: usize,
    /// The place of each baseline among the learners.
    baselines: Vec<(Baseline, usize)>,
}

impl<'a> Lineup<'a> {
    /// The models, and a logistic regression unless that is one of them: nothing is fitted twice.
    pub(crate) fn new(models: &'a [Box<dyn Learner>], logistic: &'a dyn Learner) -> Self {
        let mut learners: Vec<&dyn Learner> = models.iter().map(|model| &**model).collect();
        let place = place_of(&learners, logistic).unwrap_or_else(|| {
            learners.push(logistic);
            models.len()
        });
        #[cfg_attr(not(feature = "boosted"), expect(unused_mut, reason = "trees may follow"))]
        let mut baselines = vec![(Baseline::Logistic, place)];
        #[cfg(feature = "boosted")]
        {
            let place = place_of(&learners, &crate::BoostedTreesLearner::default());
            baselines.extend(place.map(|place| (Baseline::BoostedTrees, place)));
        }
        Self { learners, models: models.len(), baselines }
    }

    /// Writes what the baselines said into the models' records, except their own, and drops what
    /// was fitted only for that.
    pub(crate) fn join(&self, mut done: Vec<Done>) -> Vec<Done> {
        let mut calls: HashMap<(usize, usize, Baseline), Vec<Direction>> = HashMap::new();
        for one in done.iter().filter(|one| one.repeat == 0) {
            let own = self.baselines.iter().filter(|(_, place)| *place == one.learner);
            for (baseline, _) in own {
                let said = one.outcome.records.iter().map(Record::edge_call).collect();
                calls.insert((one.group, one.fold, *baseline), said);
            }
        }
        done.retain(|one| one.learner < self.models);
        for one in &mut done {
            for (baseline, _) in self.baselines.iter().filter(|(_, place)| *place != one.learner) {
                // All learners of a fold are tested on the same windows, in the same order.
                let Some(said) = calls.get(&(one.group, one.fold, *baseline)) else { continue };
                let records = one.outcome.records.iter_mut().zip(said);
                records.for_each(|(record, call)| baseline.note(record, *call));
            }
        }
        done
    }
}

/// Where a learner that fits the same is among these.
fn place_of(learners: &[&dyn Learner], wanted: &dyn Learner) -> Option<usize> {
    learners.iter().position(|one| one.recipe().is_some() && one.recipe() == wanted.recipe())
}
