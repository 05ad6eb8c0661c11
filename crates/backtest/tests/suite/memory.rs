//! Tests of models with recurrent state.
use crate::common::{learned, run, simulated};
use windvane_candles::simulate::MarketModel;
use windvane_candles::{Interval, Timestamp};
use windvane_models::train::{Learner, Run};
use windvane_models::{
    DirectionModel, FittedModel, ModelId, ModelSpec, PredictError, Prediction, Scratch,
    StatefulModel, TrainError,
};
use windvane_signals::{TrainSet, ValidationSet, Window};

/// Stateful model that counts the rows and fails if one since the start is missing.
#[derive(Debug, Clone)]
struct Counting {
    id: ModelId,
    spec: Option<ModelSpec>,
    start: Timestamp,
}

/// Candles before the first complete row.
const WARM_UP: i64 = 25;

impl Learner for Counting {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn fit(
        &self,
        train: &TrainSet,
        _: &ValidationSet,
        _: &Run<'_>,
    ) -> Result<Box<dyn FittedModel>, TrainError> {
        let table = &train.tables()[0];
        let spec = ModelSpec {
            signals: table.spec().clone(),
            interval: table.interval(),
            lookback: train.lookback(),
            labels: train.labels(),
        };
        Ok(Box::new(Self { spec: Some(spec), ..self.clone() }))
    }
}

impl DirectionModel for Counting {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn spec(&self) -> &ModelSpec {
        self.spec.as_ref().expect("a fitted one")
    }

    fn scratch(&self) -> Scratch {
        Scratch::new(())
    }

    fn predict(&self, _: Window<'_>, _: &mut Scratch) -> Result<Prediction, PredictError> {
        Err(PredictError::NoRecord { model: "a window by itself".to_string() })
    }
}

impl FittedModel for Counting {
    fn stateful(&self) -> Option<&dyn StatefulModel> {
        Some(self)
    }
}

impl StatefulModel for Counting {
    fn state_len(&self) -> usize {
        1
    }

    fn update_state(
        &self,
        _: &[f64],
        state: &mut [f32],
        _: &mut Scratch,
    ) -> Result<(), PredictError> {
        state[0] += 1.0;
        Ok(())
    }

    fn predict_with_state(
        &self,
        window: Window<'_>,
        state: &[f32],
        _: &mut Scratch,
    ) -> Result<Prediction, PredictError> {
        let at = window.decided_at();
        let candles = (at.millis() - self.start.millis()) / Interval::HOUR.millis();
        if (f64::from(state[0]) - (candles - WARM_UP) as f64).abs() > 0.0 {
            return Err(PredictError::NoRecord { model: format!("{candles}: {state:?}") });
        }
        Prediction::new([0.6, 0.4, 0.0], at, 1, &self.id)
    }
}

#[test]
fn stateful_model_reads_every_row_before_a_test_window() {
    let hour = |name, n| learned(simulated(MarketModel::AR1, name, Interval::HOUR, n));
    let instruments = [hour("AAA", 3_000), hour("BBB", 2_000)];
    let start = instruments[0].series.candles()[0].open_time();
    let learner = Counting { id: ModelId::new("counting"), spec: None, start };
    let report = run(&instruments, &[Box::new(learner)]);
    assert!(report.failures.is_empty(), "{:?}", report.failures);
    assert!(report.results.iter().all(|row| row.full_coverage.predictions > 0));
}
