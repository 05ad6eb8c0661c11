//! Successive halving: the dropped candidates, the chosen model, and the same bits on any number of
//! threads.
use std::ops::ControlFlow;
use std::sync::Mutex;

use windvane_candles::simulate::MarketModel;
use windvane_models::network::{NetworkLearner, SuccessiveHalving};
use windvane_models::train::{EpochReport, Learner, Run, TrainConfig};
use windvane_models::{FittedModel, ModelId, TrainError, v32};

use crate::common::{market, with_parts};

fn candidate(name: &str, learning_rate: f64, epochs: usize) -> NetworkLearner {
    let training = TrainConfig { learning_rate, epochs, ..TrainConfig::default() };
    let config = v32::config().with_units(4);
    NetworkLearner { id: ModelId::new(name), config, training }
}

fn bracket() -> SuccessiveHalving {
    let candidates = vec![
        candidate("still", 1e-9, 6),
        candidate("good", 8e-3, 6),
        candidate("slow", 1e-5, 6),
        candidate("wild", 1e30, 6),
        candidate("slower", 1e-6, 6),
    ];
    SuccessiveHalving::new("rates", 1, candidates)
}

fn fit(learner: &dyn Learner, run: &Run<'_>) -> Result<Box<dyn FittedModel>, TrainError> {
    let series = market(MarketModel::AR1, 900, 4);
    with_parts(&series, |train, validation, _| learner.fit(train, validation, run))
}

#[test]
fn halving_fits_the_best_candidate_in_full() {
    let epochs = Mutex::new(Vec::new());
    let on_epoch = |report: &EpochReport| {
        epochs.lock().unwrap().push((report.model.to_string(), report.epoch));
        ControlFlow::Continue(())
    };
    let model = fit(&bracket(), &Run::new(3).on_epoch(&on_epoch)).unwrap();
    let notes = &model.record().unwrap().notes;
    assert_eq!((model.id().as_str(), &*notes[0]), ("rates", "rates chose good"));
    // Rounds of 5, 3 and 2 candidates.
    assert_eq!(notes.len(), 4, "{notes:?}");
    assert!(notes[1].starts_with("rates, validation loss after 1 epochs: good ("), "{}", notes[1]);
    assert_eq!(notes[1].matches("dropped").count(), 2);
    assert!(notes[3].starts_with("rates, validation loss after 4 epochs: good ("), "{}", notes[3]);
    let epochs = epochs.into_inner().unwrap();
    let of = |name: &str| epochs.iter().filter(|(model, _)| model == name).count();
    assert!(of("still") <= 3 && of("good") == 1 + 2 + 4, "{epochs:?}");
    // The model is that of the candidate alone.
    let alone = fit(&candidate("rates", 8e-3, 6), &Run::new(3)).unwrap();
    let mut record = model.record().unwrap().clone();
    record.notes.clear();
    assert_eq!(Some(&record), alone.record());
    assert_eq!(model.calibration(), alone.calibration());
}

#[test]
fn halving_is_the_same_on_any_number_of_threads() {
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| fit(&bracket(), &Run::new(5)).unwrap().to_bytes().unwrap())
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn halving_stops_with_the_run_and_counts_its_epochs() {
    let stop = |report: &EpochReport| {
        if report.model.as_str() == "good" {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let error = fit(&bracket(), &Run::new(3).on_epoch(&stop)).unwrap_err();
    assert!(matches!(error, TrainError::Stopped { epoch: 1 }), "{error}");
    assert_eq!(bracket().max_epochs(), 5 + 3 * 2 + 2 * 4 + 6);
    let none = SuccessiveHalving::new("none", 2, Vec::new());
    assert!(fit(&none, &Run::new(1)).unwrap_err().to_string().contains("no candidates"));
    assert_ne!(bracket().settings(), none.settings());
}
