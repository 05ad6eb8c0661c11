//! Simple learners of UP against DOWN that come from other crates.
mod boosted;
mod windows;

use std::fmt;

use windvane_candles::Direction;
use windvane_models::train::{
    Run, calibrate, calibration_parts, check_directions, record_of, spec_of,
};
use windvane_models::{
    Calibration, DirectionModel, FittedModel, ModelId, ModelSpec, PredictError, Prediction,
    Scratch, TrainError, TrainingRecord,
};
use windvane_signals::{Scaler, TrainSet, ValidationSet, Window};

pub use boosted::BoostedTreesLearner;
use windows::{Cases, ScaledWindows};

/// Fewest windows that moved to learn from.
const LEAST_WINDOWS: usize = 50;

/// ln p(UP) / p(DOWN) of a scaled window.
type Logit = Box<dyn Fn(&[f64]) -> f64 + Send + Sync>;

/// What a simple learner found.
struct Fitted {
    logit: Logit,
    /// Mean −ln p(what came | UP or DOWN) on training and choosing windows, nats.
    losses: (Option<f64>, Option<f64>),
    /// What was chosen.
    note: String,
}

/// Fits a simple model: what it learns from are the training windows that moved, what it chooses
/// by the first two thirds of the validation windows, and what calibrates it all of those.
fn fit(
    id: &ModelId,
    train: &TrainSet<'_>,
    validation: &ValidationSet<'_>,
    run: &Run<'_>,
    learn: impl FnOnce(&Cases<'_>, &Cases<'_>) -> Result<Fitted, TrainError>,
) -> Result<Box<dyn FittedModel>, TrainError> {
    let spec = spec_of(train, validation)?;
    check_directions(train, LEAST_WINDOWS)?;
    let scaler = Scaler::fit(train)?;
    let mut record = record_of(train, validation, run.seed()).with_scaler(&scaler, &spec);
    let (choose, _) = calibration_parts(validation);
    let windows = [ScaledWindows::of(train, &scaler)?, ScaledWindows::of(&choose, &scaler)?];
    let fitted = learn(&Cases::of(train, &windows[0]), &Cases::of(&choose, &windows[1]))?;
    (record.train_loss, record.validation_loss) = fitted.losses;
    record.notes = vec![fitted.note];
    let neutral = train.class_counts()[Direction::Neutral.index()] as f64;
    let mut model = SimpleModel {
        id: id.clone(),
        spec,
        scaler,
        logit: fitted.logit,
        // Half a candle more: what never occurred yet is not impossible.
        neutral: (neutral + 0.5) / (train.len() as f64 + 1.0),
        calibration: Calibration::NONE,
        record,
    };
    calibrate(&mut model, validation)?;
    Ok(Box::new(model))
}

/// A fitted model of UP against DOWN beside a constant share of NEUTRAL. It has no saved form.
struct SimpleModel {
    id: ModelId,
    spec: ModelSpec,
    scaler: Scaler,
    logit: Logit,
    /// Probability of NEUTRAL.
    neutral: f64,
    calibration: Calibration,
    record: TrainingRecord,
}

impl fmt::Debug for SimpleModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, spec, .. } = self;
        f.debug_struct("SimpleModel").field("id", id).field("spec", spec).finish_non_exhaustive()
    }
}

/// A window scaled, as it is learned from, and as wide as the sums are.
struct Buffers {
    scaled: Vec<f32>,
    wide: Vec<f64>,
}

impl DirectionModel for SimpleModel {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn scratch(&self) -> Scratch {
        let inputs = self.spec.lookback * self.spec.signals.width();
        Scratch::new(Buffers { scaled: vec![0.0; inputs], wide: vec![0.0; inputs] })
    }

    fn predict(
        &self,
        window: Window<'_>,
        scratch: &mut Scratch,
    ) -> Result<Prediction, PredictError> {
        self.spec.check(&window)?;
        let Buffers { scaled, wide } = scratch.get()?;
        self.scaler
            .apply_rows(window.values(), scaled)
            .map_err(|_| PredictError::ForeignScratch)?;
        wide.iter_mut().zip(scaled).for_each(|(wide, scaled)| *wide = f64::from(*scaled));
        let (logit, moved) = ((self.logit)(wide), 1.0 - self.neutral);
        #[expect(clippy::cast_possible_truncation, reason = "logarithms of probabilities")]
        let logits = [moved * sigmoid(logit), moved * sigmoid(-logit), self.neutral]
            .map(|p| p.max(1e-30).ln() as f32);
        let (at, horizon) = (window.decided_at(), self.spec.labels.horizon);
        self.calibration.prediction(logits, at, horizon, &self.id)
    }
}

impl FittedModel for SimpleModel {
    fn record(&self) -> Option<&TrainingRecord> {
        Some(&self.record)
    }

    fn calibration(&self) -> Calibration {
        self.calibration
    }

    fn set_calibration(&mut self, calibration: Calibration) -> Result<(), TrainError> {
        self.calibration = calibration;
        Ok(())
    }
}

/// 1 / (1 + exp(−x)).
fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
