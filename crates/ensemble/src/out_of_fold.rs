//! Out-of-fold predictions inside a training period.
use std::sync::Arc;

use windvane_models::train::{Learner, Run, predictions};
use windvane_models::{ModelId, TrainError};
use windvane_signals::{SignalError, Split, TrainSet, ValidationSet, WalkForward};

use crate::second_fit::OutOfFold;

/// Predicts the later parts of the training period with members that were fitted on earlier parts.
///
/// The training samples are divided by [`WalkForward`]: fold k is predicted by members that were
/// fitted on the samples before it, of which the last 15 % validate. Labels are purged between the
/// parts. Samples and rows outside the training set stay hidden.
pub(crate) fn out_of_fold(
    id: &ModelId,
    members: &[Arc<dyn Learner>],
    train: &TrainSet,
    folds: usize,
    run: &Run<'_>,
) -> Result<OutOfFold, TrainError> {
    let plan = WalkForward { folds, ..WalkForward::default() };
    let name = ModelId::new(format!("{id}-fold"));
    let mut all = OutOfFold { samples: Vec::new(), members: vec![Vec::new(); members.len()] };
    for (fold, split) in (0..).zip(plan.splits(train)?) {
        let (fitted, validation) = (train.part(&split)?, split.validation(train)?);
        let test = tested(train, &split)?;
        let run = run.member(&name, fold);
        for (index, (member, all)) in (0..).zip(members.iter().zip(&mut all.members)) {
            let model = member.fit(&fitted, &validation, &run.member(id, index))?;
            all.extend(predictions(&*model, &test)?);
        }
        all.samples.push((*test).clone());
    }
    Ok(all)
}

/// Returns the samples of a split's test period, in the form that predictions are made for.
fn tested(train: &TrainSet, split: &Split) -> Result<ValidationSet, SignalError> {
    let end = train.until().millis().saturating_add(1);
    let end = windvane_candles::Timestamp::from_millis(end);
    let until = split.test_until().unwrap_or(end);
    let after = Split::builder().validate_from(split.test_from()).test_from(until).embargo(0);
    after.build()?.validation(train)
}
