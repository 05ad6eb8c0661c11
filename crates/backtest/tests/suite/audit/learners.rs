//! Audits of learners that use later data: the tables of a sample set contain later rows too.
use windvane_backtest::Backtest;
use windvane_backtest::audit::{AuditFindings, Check};
use windvane_candles::simulate::MarketModel;
use windvane_candles::{Direction, Timestamp};
use windvane_models::train::{Learner, Run, spec_of};
use windvane_models::{
    DirectionModel, FittedModel, ModelId, ModelSpec, PredictError, Prediction, Scratch, TrainError,
};
use windvane_signals::{LabelSpec, SampleSet, TrainSet, ValidationSet, Window};

use super::audit;

/// Data that a learner uses.
#[derive(Debug, Clone, Copy, PartialEq)]
enum LearnerLeak {
    /// Training samples only.
    None,
    /// All rows of the tables for the scale.
    AllRows,
    /// Labels that are not settled at the split.
    Unsettled,
    /// Labels of all times, memorised.
    AllLabels,
}

/// Learner of one weight per channel: the correlation of the label with the last row.
struct CorrelationLearner {
    id: ModelId,
    leak: LearnerLeak,
}

#[derive(Debug)]
struct CorrelationModel {
    id: ModelId,
    spec: ModelSpec,
    scale: Vec<f64>,
    weights: Vec<f64>,
    /// Memorised labels by decision time.
    memorised: Vec<(Timestamp, Direction)>,
}

impl Learner for CorrelationLearner {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn fit(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        _: &Run<'_>,
    ) -> Result<Box<dyn FittedModel>, TrainError> {
        let spec = spec_of(train, validation)?;
        let table = &train.tables()[0];
        let all = SampleSet::collect(train.tables(), train.lookback(), train.labels())?;
        let until =
            if self.leak == LearnerLeak::AllRows { table.len() } else { train.samples().len() };
        let rows: Vec<&[f64]> = (0..until).filter_map(|row| table.row(row)).collect();
        let width = spec.signals.width();
        let scale = |c: usize| rows.iter().map(|row| row[c].abs()).sum::<f64>() / rows.len() as f64;
        let scale: Vec<f64> = (0..width).map(scale).collect();
        let learned = match self.leak {
            LearnerLeak::Unsettled => {
                all.filtered(|sample| sample.decided_at < unpurged_end(validation))
            }
            _ => (**train).clone(),
        };
        let mut weights = vec![0.0; width];
        for sample in learned.samples() {
            let row = learned.window(sample).row(train.lookback() - 1);
            for (c, weight) in weights.iter_mut().enumerate() {
                *weight += sign(sample.label()) * row[c] / scale[c] / learned.len() as f64;
            }
        }
        let memorised = match self.leak {
            LearnerLeak::AllLabels => {
                all.samples().iter().map(|s| (s.decided_at, s.label())).collect()
            }
            _ => Vec::new(),
        };
        Ok(Box::new(CorrelationModel { id: self.id.clone(), spec, scale, weights, memorised }))
    }
}

/// End of the training labels of a learner without a purge.
fn unpurged_end(validation: &ValidationSet) -> Timestamp {
    let last = validation.samples().last().expect("a sample");
    last.settled_at()
}

fn sign(label: Direction) -> f64 {
    match label {
        Direction::Up => 1.0,
        Direction::Down => -1.0,
        Direction::Neutral => 0.0,
    }
}

impl FittedModel for CorrelationModel {}

impl DirectionModel for CorrelationModel {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn scratch(&self) -> Scratch {
        Scratch::new(())
    }

    fn predict(&self, window: Window<'_>, _: &mut Scratch) -> Result<Prediction, PredictError> {
        let at = window.decided_at();
        let row = window.row(window.steps() - 1);
        let scored = row.iter().zip(&self.scale).zip(&self.weights).map(|((x, s), w)| w * x / s);
        let memorised = self.memorised.binary_search_by_key(&at, |(time, _)| *time);
        let score = match memorised {
            Ok(index) => 3.0 * sign(self.memorised[index].1),
            Err(_) => scored.sum(),
        };
        #[expect(clippy::cast_possible_truncation, reason = "a probability")]
        let up = (1.0 / (1.0 + (-score).exp())) as f32;
        Prediction::new([up, 1.0 - up, 0.0], at, self.spec.labels.horizon, &self.id)
    }
}

fn audited(leak: LearnerLeak, horizon: usize) -> AuditFindings {
    let settings = Backtest {
        labels: LabelSpec { horizon, ..LabelSpec::default() },
        lookback: 5,
        ..Backtest::default()
    };
    let learner = CorrelationLearner { id: ModelId::new("correlations"), leak };
    audit(MarketModel::AR1, 1_000, 8).learner(&learner, &settings).expect("findings")
}

#[test]
fn learner_leaks_are_reported_by_the_right_check() {
    let clean = audited(LearnerLeak::None, 1);
    assert!(clean.is_clean(), "{clean}");
    assert!(audited(LearnerLeak::None, 8).is_clean());
    let scaled = audited(LearnerLeak::AllRows, 1);
    assert_eq!(scaled.leaks(), [Check::FittedOnEverything], "{scaled}");
    let unsettled = audited(LearnerLeak::Unsettled, 8);
    assert_eq!(unsettled.leaks(), [Check::OverlappingLabels], "{unsettled}");
    let memorised = audited(LearnerLeak::AllLabels, 1);
    assert_eq!(memorised.leaks(), [Check::ShuffledLabels, Check::Martingale], "{memorised}");
    let offset = &memorised.finding(Check::OneBarOffset).unwrap().evidence;
    assert!(offset.ends_with("see shuffled labels"), "{offset}");
}
