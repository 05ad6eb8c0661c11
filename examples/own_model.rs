//! Your own model in a backtest, compared with v3.2 and the baselines.
//!
//! `cargo run --release --example own_model`
#![expect(clippy::print_stdout, reason = "an example prints its results")]

use windvane::candles::sample;
use windvane::models::{ModelSpec, Scratch};
use windvane::prelude::*;
use windvane::signals::{TrainSet, ValidationSet, Window};

/// Model that predicts the continuation of the last move, with the frequency of continuations in
/// training as its probability.
#[derive(Debug)]
struct Continuation {
    id: ModelId,
    spec: ModelSpec,
    /// Probability that the next move has the sign of the last one.
    probability: f32,
}

impl DirectionModel for Continuation {
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
        self.spec.check(&window)?;
        // Momentum is the first of the default signals.
        let momentum = window.row(window.steps() - 1)[0];
        let up = if momentum > 0.0 { self.probability } else { 1.0 - self.probability };
        Prediction::new([up, 1.0 - up, 0.0], window.decided_at(), 1, &self.id)
    }
}

// The defaults: no scaler, no calibration, no saving.
impl FittedModel for Continuation {}

/// Learner of [`Continuation`].
struct ContinuationLearner(ModelId);

impl Learner for ContinuationLearner {
    fn id(&self) -> &ModelId {
        &self.0
    }

    fn fit(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        _: &Run<'_>,
    ) -> Result<Box<dyn FittedModel>, TrainError> {
        let spec = windvane::models::train::spec_of(train, validation)?;
        let (mut same, mut all) = (1.0_f32, 2.0_f32);
        for sample in train.samples() {
            let window = train.window(sample);
            let rises = window.row(window.steps() - 1)[0] > 0.0;
            same += f32::from(u8::from(rises == (sample.label() == Direction::Up)));
            all += 1.0;
        }
        let (id, probability) = (self.0.clone(), same / all);
        Ok(Box::new(Continuation { id, spec, probability }))
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let series = sample::load("BTCUSDT").ok_or("the sample has BTCUSDT")?;
    let instruments = [Instrument { series, test_only: false }];
    let learners: [Box<dyn Learner>; 2] =
        [Box::new(ContinuationLearner(ModelId::new("continuation"))), Box::new(v32::learner())];
    let report = Backtest::default().run(&instruments, &learners, &|_| {})?;
    for row in &report.results {
        let accuracy = row.score.accuracy.map_or(f64::NAN, |share| 100.0 * share);
        println!("{:<12} {:<8} {accuracy:.2} %", row.model, row.instrument);
    }
    println!("{}", report.verdict());
    Ok(())
}
