//! Learners that look where they must not: a sample set's tables hold the future too.
use windvane_backtest::Backtest;
use windvane_backtest::audit::{Check, Findings};
use windvane_candles::simulate::MarketModel;
use windvane_candles::{Direction, Timestamp};
use windvane_models::train::{Learner, Run, spec_of};
use windvane_models::{
    DirectionModel, FittedModel, ModelId, ModelSpec, PredictError, Prediction, Scratch, TrainError,
};
use windvane_signals::{LabelSpec, SampleSet, TrainSet, ValidationSet, Window};

use super::audit;

/// How far a learner looks.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Look {
    /// At the training samples.
    Known,
    /// It scales by all rows of the tables.
    AllRows,
    /// It labels by the closes of the tables, settled or not.
    Unsettled,
    /// It remembers the labels of all times.
    AllLabels,
}

/// Learns a weight per channel: how the label goes with the last row.
struct Correlations {
    id: ModelId,
    look: Look,
}

#[derive(Debug)]
struct Correlated {
    id: ModelId,
    spec: ModelSpec,
    scale: Vec<f64>,
    weights: Vec<f64>,
    /// Labels by time of decision.
    remembered: Vec<(Timestamp, Direction)>,
}

impl Learner for Correlations {
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
        let until = if self.look == Look::AllRows { table.len() } else { train.samples().len() };
        let rows: Vec<&[f64]> = (0..until).filter_map(|row| table.row(row)).collect();
        let width = spec.signals.width();
        let scale = |c: usize| rows.iter().map(|row| row[c].abs()).sum::<f64>() / rows.len() as f64;
        let scale: Vec<f64> = (0..width).map(scale).collect();
        let learned = match self.look {
            Look::Unsettled => {
                all.filtered(|sample| sample.decided_at < validation_from(validation))
            }
            _ => (**train).clone(),
        };
        let mut weights = vec![0.0; width];
        for sample in learned.samples() {
            let row = learned.window(sample).row(train.lookback() - 1);
            for (c, weight) in weights.iter_mut().enumerate() {
                *weight += sign(sample.label) * row[c] / scale[c] / learned.len() as f64;
            }
        }
        let remembered = match self.look {
            Look::AllLabels => all.samples().iter().map(|s| (s.decided_at, s.label)).collect(),
            _ => Vec::new(),
        };
        Ok(Box::new(Correlated { id: self.id.clone(), spec, scale, weights, remembered }))
    }
}

/// Where the test begins, as a learner without a purge would take it.
fn validation_from(validation: &ValidationSet) -> Timestamp {
    let last = validation.samples().last().expect("a sample");
    last.outcome.settled_at
}

fn sign(label: Direction) -> f64 {
    match label {
        Direction::Up => 1.0,
        Direction::Down => -1.0,
        Direction::Neutral => 0.0,
    }
}

impl FittedModel for Correlated {}

impl DirectionModel for Correlated {
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
        let known = self.remembered.binary_search_by_key(&at, |(time, _)| *time);
        let score = match known {
            Ok(index) => 3.0 * sign(self.remembered[index].1),
            Err(_) => scored.sum(),
        };
        #[expect(clippy::cast_possible_truncation, reason = "a probability")]
        let up = (1.0 / (1.0 + (-score).exp())) as f32;
        Prediction::new([up, 1.0 - up, 0.0], at, self.spec.labels.horizon, &self.id)
    }
}

fn audited(look: Look, horizon: usize) -> Findings {
    let settings = Backtest {
        labels: LabelSpec { horizon, ..LabelSpec::default() },
        lookback: 5,
        ..Backtest::default()
    };
    let learner = Correlations { id: ModelId::new("correlations"), look };
    audit(MarketModel::AR1, 1_000, 8).learner(&learner, &settings).expect("findings")
}

#[test]
fn what_a_learner_looks_at_is_found_out() {
    let clean = audited(Look::Known, 1);
    assert!(clean.is_clean(), "{clean}");
    assert!(audited(Look::Known, 8).is_clean());
    let scaled = audited(Look::AllRows, 1);
    assert_eq!(scaled.leaks(), [Check::FittedOnEverything], "{scaled}");
    let unsettled = audited(Look::Unsettled, 8);
    assert_eq!(unsettled.leaks(), [Check::OverlappingLabels], "{unsettled}");
    let knowing = audited(Look::AllLabels, 1);
    assert_eq!(knowing.leaks(), [Check::ShuffledLabels, Check::Martingale], "{knowing}");
    let offset = &knowing.of(Check::OneBarOffset).unwrap().evidence;
    assert!(offset.ends_with("see shuffled labels"), "{offset}");
}
