//! Checkpoints: a stopped training resumes and ends with the same bits.
use crate::common;

use std::ops::ControlFlow;
use std::path::Path;

use common::{market, small_v31, with_parts};
use windvane_candles::CandleSeries;
use windvane_candles::simulate::MarketModel;
use windvane_models::network::NetworkLearner;
use windvane_models::train::{EpochReport, Learner, Run, Schedule, TrainConfig};
use windvane_models::{FittedModel, LoadError, TrainError};
use windvane_models::{v3, v31, v32, v32_stateful};

const EPOCHS: usize = 4;

fn training() -> TrainConfig {
    let schedule = Schedule::Cosine { warm_up_epochs: 1.0, length: EPOCHS as f64, floor: 0.1 };
    TrainConfig { epochs: EPOCHS, schedule, ..TrainConfig::default() }
}

fn learners() -> [Box<dyn Learner>; 4] {
    let training = training();
    [
        Box::new(NetworkLearner {
            config: v32::config().with_units(8),
            training,
            ..v32::learner()
        }),
        Box::new(NetworkLearner {
            config: v32_stateful::config().with_units(8),
            training,
            ..v32_stateful::learner()
        }),
        Box::new(NetworkLearner { config: v3::config().with_units(8), training, ..v3::learner() }),
        Box::new(NetworkLearner { config: small_v31(8, 6, &[8]), training, ..v31::learner() }),
    ]
}

fn fit(
    learner: &dyn Learner,
    series: &CandleSeries,
    run: &Run<'_>,
) -> Result<Box<dyn FittedModel>, TrainError> {
    with_parts(series, |train, validation, _| learner.fit(train, validation, run))
}

#[test]
fn checkpoint_resumed_run_has_same_bits() {
    let series = market(MarketModel::AR1, 900, 4);
    for learner in learners() {
        let whole = fit(&*learner, &series, &Run::new(3)).unwrap().to_bytes().unwrap();
        let folder = tempfile::tempdir().unwrap();
        for epoch in 1..EPOCHS {
            // Every part runs on another number of threads.
            let pool = rayon::ThreadPoolBuilder::new().num_threads(epoch).build().unwrap();
            let stop = |report: &EpochReport| {
                assert_eq!(report.epoch, epoch, "{}: no epoch is learned twice", learner.id());
                ControlFlow::Break(())
            };
            let run = Run::new(3).checkpoints(folder.path()).on_epoch(&stop);
            let error = pool.install(|| fit(&*learner, &series, &run)).unwrap_err();
            assert!(matches!(error, TrainError::Stopped { epoch: at } if at == epoch), "{error}");
        }
        let run = Run::new(3).checkpoints(folder.path());
        let pieces = fit(&*learner, &series, &run).unwrap().to_bytes().unwrap();
        assert!(pieces == whole, "{}", learner.id());
        // A finished run has no further epochs.
        let again = |_: &EpochReport| panic!("an epoch after the last");
        let again = fit(&*learner, &series, &run.on_epoch(&again)).unwrap().to_bytes().unwrap();
        assert!(again == whole, "{}", learner.id());
    }
}

/// Returns the only file of a folder.
fn only(folder: &Path) -> std::path::PathBuf {
    let mut files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let file = files.next().unwrap();
    assert!(files.next().is_none());
    file
}

#[test]
fn checkpoint_of_other_run_is_rejected() {
    let series = market(MarketModel::AR1, 900, 4);
    let folder = tempfile::tempdir().unwrap();
    let stop = |_: &EpochReport| ControlFlow::Break(());
    let learner = |units, training| {
        let config = v32::config().with_units(units);
        NetworkLearner { config, training, ..v32::learner() }
    };
    let kept = |seed| Run::new(seed).checkpoints(folder.path());
    fit(&learner(8, training()), &series, &kept(3).on_epoch(&stop)).unwrap_err();
    let file = only(folder.path());
    let before = std::fs::read(&file).unwrap();
    let wider = learner(9, training());
    let longer = learner(8, TrainConfig { batch: 64, ..training() });
    let other = market(MarketModel::AR1, 900, 5);
    for (learner, series, seed, what) in [
        (&learner(8, training()), &series, 4, "the seed differs"),
        (&wider, &series, 3, "the layers differ"),
        (&longer, &series, 3, "the training differs"),
        (&learner(8, training()), &other, 3, "the data differ"),
    ] {
        let error = fit(learner, series, &kept(seed)).unwrap_err();
        assert!(
            matches!(error, TrainError::Checkpoint { problem, .. } if problem == what),
            "{error}"
        );
    }
    assert!(std::fs::read(&file).unwrap() == before, "a refused checkpoint was changed");
    let mut flipped = before.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 4;
    for damaged in [flipped, before[..before.len() - 9].to_vec(), Vec::new()] {
        std::fs::write(&file, damaged).unwrap();
        let error = fit(&learner(8, training()), &series, &kept(3)).unwrap_err();
        let named = matches!(
            error,
            TrainError::File(LoadError::Damaged { .. } | LoadError::Checksum { .. })
        );
        assert!(named && error.to_string().contains("v32"), "{error}");
    }
}

#[test]
fn training_pools_pairs_or_fits_them_separately() {
    use windvane_signals::{LabelSpec, SampleSet, Split};
    let series = [market(MarketModel::AR1, 900, 4), market(MarketModel::REGIME, 900, 5)];
    let tables = series.each_ref().map(common::table);
    let samples = SampleSet::collect(&tables, 20, LabelSpec::default()).unwrap();
    let at = |index| series[0].close_time(index).unwrap();
    let split =
        Split::builder().validate_from(at(500)).test_from(at(650)).embargo(0).build().unwrap();
    let learner = NetworkLearner {
        config: v32::config().with_units(8),
        training: training(),
        ..v32::learner()
    };
    let bytes = |samples: &SampleSet| {
        let (train, validation) =
            (split.train(samples).unwrap(), split.validation(samples).unwrap());
        let model = learner.fit_model(&train, &validation, &Run::new(1)).unwrap();
        (model.record().unwrap().windows, model.to_bytes().unwrap())
    };
    let (pooled, _) = bytes(&samples);
    let (first, alone) = bytes(&samples.filtered(|sample| sample.table() == 0));
    let (second, _) = bytes(&samples.filtered(|sample| sample.table() == 1));
    assert_eq!(pooled, first + second);
    // A model of one pair does not depend on the other pairs.
    let own = SampleSet::collect(&tables[..1], 20, LabelSpec::default()).unwrap();
    assert!(bytes(&own).1 == alone);
}
