//! Training: accuracy on predictable and unpredictable markets, reproducible bits, errors.
use crate::common;

use std::ops::ControlFlow;
use std::sync::Mutex;

use common::{market, small_v31, with_parts};
use windvane_candles::simulate::MarketModel;
use windvane_candles::{Candle, CandleSeries, Interval, Ohlcv, Timestamp};
use windvane_models::network::{NetworkConfig, NetworkLearner};
use windvane_models::train::{Learner, Run, Schedule, TrainConfig};
use windvane_models::v2::WeightedSignalsLearner;
use windvane_models::{FittedModel, TableReader, TrainError};
use windvane_models::{gru, mlp, tcn, transformer, v3, v31, v32, v32_stateful};
use windvane_signals::{Band, LabelSpec, Lags, SampleSet, Split};

fn accuracy(model: &dyn FittedModel, test: &SampleSet) -> (f64, usize) {
    let mut reader = TableReader::new(model, test.tables());
    let correct = test.samples().iter().filter(|sample| {
        let prediction = reader.predict_sample(sample).unwrap();
        let margin = prediction.probabilities.margin();
        margin != 0.0 && (margin > 0.0) == (sample.outcome().change > 0.0)
    });
    (correct.count() as f64 / test.len() as f64, test.len())
}

#[test]
fn v32_and_stateful_v32_learn_autocorrelated_market() {
    let series = market(MarketModel::AR1, 20_000, 11);
    let learners: [&dyn Learner; 2] = [&v32::learner(), &v32_stateful::learner()];
    for learner in learners {
        let (accuracy, n) = with_parts(&series, |train, validation, test| {
            let model = learner.fit(train, validation, &Run::new(1)).unwrap();
            accuracy(&*model, test)
        });
        let best = MarketModel::AR1.best_accuracy().unwrap();
        let error = (0.25 / n as f64).sqrt();
        let least = 0.5 + 0.8 * (best - 0.5) - 2.0 * error;
        assert!(accuracy > least, "{}: {accuracy}, best is {best}", learner.id());
        assert!(accuracy < best + 4.0 * error, "{}: {accuracy}: a leak", learner.id());
    }
}

#[test]
fn v3_and_v31_learn_autocorrelated_market() {
    let series = market(MarketModel::AR1, 12_000, 11);
    let best = MarketModel::AR1.best_accuracy().unwrap();
    let learners: [&dyn Learner; 2] = [
        &NetworkLearner { config: v3::config().with_units(16), ..v3::learner() },
        &NetworkLearner { config: small_v31(16, 16, &[16]), ..v31::learner() },
    ];
    for learner in learners {
        let (accuracy, n) = with_parts(&series, |train, validation, test| {
            let model = learner.fit(train, validation, &Run::new(1)).unwrap();
            accuracy(&*model, test)
        });
        let error = (0.25 / n as f64).sqrt();
        let least = 0.5 + 0.7 * (best - 0.5) - 2.0 * error;
        assert!(accuracy > least, "{}: {accuracy}, best is {best}", learner.id());
        assert!(accuracy < best + 4.0 * error, "{}: {accuracy}: a leak", learner.id());
    }
}

#[test]
fn gru_tcn_and_transformer_learn_autocorrelated_market() {
    let series = market(MarketModel::AR1, 12_000, 11);
    let best = MarketModel::AR1.best_accuracy().unwrap();
    let learners = [gru::learner(), tcn::learner(), transformer::learner()];
    let learners =
        learners.map(|own| NetworkLearner { config: own.config.clone().with_units(16), ..own });
    for learner in learners {
        let (accuracy, n) = with_parts(&series, |train, validation, test| {
            accuracy(&learner.fit_model(train, validation, &Run::new(1)).unwrap(), test)
        });
        let error = (0.25 / n as f64).sqrt();
        let least = 0.5 + 0.7 * (best - 0.5) - 2.0 * error;
        assert!(accuracy > least, "{}: {accuracy}, best is {best}", learner.id());
        assert!(accuracy < best + 4.0 * error, "{}: {accuracy}: a leak", learner.id());
    }
}

#[test]
fn mlp_learns_autocorrelated_market_from_windows_and_from_lags() {
    let series = market(MarketModel::AR1, 12_000, 11);
    let best = MarketModel::AR1.best_accuracy().unwrap();
    for lags in [None, Some(Lags::newest().with("momentum", 1..=3))] {
        let config = NetworkConfig { lags, ..mlp::config() };
        let learner = NetworkLearner { config, ..mlp::learner() };
        let (accuracy, n) = with_parts(&series, |train, validation, test| {
            accuracy(&learner.fit_model(train, validation, &Run::new(1)).unwrap(), test)
        });
        let error = (0.25 / n as f64).sqrt();
        let least = 0.5 + 0.7 * (best - 0.5) - 2.0 * error;
        assert!(accuracy > least, "{:?}: {accuracy}, best is {best}", learner.config.lags);
        assert!(accuracy < best + 4.0 * error, "{accuracy}: a leak");
    }
}

/// A market whose close does not move in two of three hours of the last fifth.
fn market_with_unmoved_closes() -> CandleSeries {
    let series = market(MarketModel::AR1, 2_000, 11);
    let mut close = 0.0;
    let candles = series.iter().enumerate().map(|(index, candle)| {
        if index < 1_600 || index % 3 == 0 {
            close = candle.close();
        }
        let (high, low) = (candle.high().max(close), candle.low().min(close));
        let values = Ohlcv { high, low, close, ..candle.values() };
        Candle::new(candle.open_time(), values).unwrap()
    });
    let candles = candles.collect();
    CandleSeries::new(series.pair().clone(), series.interval(), candles).unwrap()
}

#[test]
fn validation_loss_excludes_unmoved_closes_without_band() {
    let series = market_with_unmoved_closes();
    let loss = |width: f64| {
        let tables = [common::table(&series)];
        let labels = LabelSpec { band: Band::Fixed { width }, ..LabelSpec::default() };
        let samples = SampleSet::collect(&tables, 20, labels).unwrap();
        let time = |index| series.close_time(index).unwrap();
        let split = Split::builder()
            .validate_from(time(1_590))
            .test_from(time(1_990))
            .embargo(0)
            .build()
            .unwrap();
        let (train, validation) =
            (split.train(&samples).unwrap(), split.validation(&samples).unwrap());
        let training = TrainConfig { epochs: 1, ..TrainConfig::default() };
        let learner =
            NetworkLearner { config: v32::config().with_units(4), training, ..v32::learner() };
        let model = learner.fit_model(&train, &validation, &Run::new(1)).unwrap();
        model.record().unwrap().validation_loss.unwrap()
    };
    // No training window has an unmoved close, so the loss of each is about −ln(1/1,600).
    assert!(loss(0.0) < 1.0, "{}", loss(0.0));
    assert!(loss(1e-12) > 2.0, "{}", loss(1e-12));
}

#[test]
fn learners_find_nothing_on_martingale() {
    let series = market(MarketModel::MARTINGALE_GARCH, 15_000, 5);
    let learners: [&dyn Learner; 3] =
        [&WeightedSignalsLearner::default(), &v32::learner(), &v32_stateful::learner()];
    for learner in learners {
        let (accuracy, n) = with_parts(&series, |train, validation, test| {
            let model = learner.fit(train, validation, &Run::new(1)).unwrap();
            accuracy(&*model, test)
        });
        let error = (0.25 / n as f64).sqrt();
        assert!((accuracy - 0.5).abs() < 4.0 * error, "{}: {accuracy}", learner.id());
    }
}

#[test]
fn v32_overfits_few_windows() {
    let series = market(MarketModel::AR1, 160, 3);
    let training = TrainConfig {
        epochs: 400,
        patience: 400,
        schedule: Schedule::Constant,
        batch: 16,
        ..TrainConfig::default()
    };
    let last = Mutex::new(f64::MAX);
    with_parts(&series, |train, validation, _| {
        assert!((32..80).contains(&train.len()), "{}", train.len());
        let learner =
            NetworkLearner { config: v32::config().with_units(32), training, ..v32::learner() };
        let note = |report: &windvane_models::train::EpochReport| {
            *last.lock().unwrap() = report.train_loss;
            ControlFlow::Continue(())
        };
        learner.fit_model(train, validation, &Run::new(1).on_epoch(&note)).unwrap();
    });
    let loss = last.into_inner().unwrap();
    assert!(loss < 0.05, "training loss {loss}");
}

#[test]
fn training_with_same_seed_has_same_bits_on_any_thread_count() {
    let series = market(MarketModel::AR1, 1_500, 2);
    let training = TrainConfig { epochs: 2, batch: 256, ..TrainConfig::default() };
    let learners: [&(dyn Learner + Sync); 4] = [
        &NetworkLearner { config: v32::config().with_units(16), training, ..v32::learner() },
        &NetworkLearner {
            config: v32_stateful::config().with_units(16),
            training,
            ..v32_stateful::learner()
        },
        &NetworkLearner { config: v3::config().with_units(16), training, ..v3::learner() },
        &NetworkLearner { config: small_v31(16, 8, &[64, 32]), training, ..v31::learner() },
    ];
    for learner in learners {
        let fit = |threads, seed| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                with_parts(&series, |train, validation, _| {
                    learner.fit(train, validation, &Run::new(seed)).unwrap().to_bytes().unwrap()
                })
            })
        };
        let one = fit(1, 9);
        assert!(one == fit(2, 9), "{}: 1 and 2 threads differ", learner.id());
        assert!(one == fit(16, 9), "{}: 1 and 16 threads differ", learner.id());
        assert!(one != fit(1, 10), "{}: the seed does nothing", learner.id());
    }
}

#[test]
fn training_ignores_test_candles() {
    let one = market(MarketModel::AR1, 3_000, 2);
    let other = market(MarketModel::VOLUME_LEAD, 3_000, 4);
    let cut = one.candles()[2_020].open_time();
    let joined = one.split_at(cut).0.iter().chain(other.split_at(cut).1.iter()).copied().collect();
    let changed = CandleSeries::new(one.pair().clone(), Interval::HOUR, joined).unwrap();
    let training = TrainConfig { epochs: 2, ..TrainConfig::default() };
    let learners: [&dyn Learner; 2] = [
        &NetworkLearner { config: v32::config().with_units(8), training, ..v32::learner() },
        &NetworkLearner {
            config: v32_stateful::config().with_units(8),
            training,
            ..v32_stateful::learner()
        },
    ];
    for learner in learners {
        let bytes = |series: &CandleSeries| {
            with_parts(series, |train, validation, _| {
                learner.fit(train, validation, &Run::new(1)).unwrap().to_bytes().unwrap()
            })
        };
        assert!(bytes(&one) == bytes(&changed), "{}", learner.id());
    }
}

fn series_of(closes: impl Iterator<Item = f64>) -> CandleSeries {
    let candles = closes.enumerate().map(|(hour, close)| {
        let values = Ohlcv { open: close, high: close, low: close, close, volume: 1.0 };
        Candle::new(Timestamp::from_millis(hour as i64 * 3_600_000), values).unwrap()
    });
    CandleSeries::new("T".parse().unwrap(), Interval::HOUR, candles.collect()).unwrap()
}

fn fit_error(series: &CandleSeries, training: TrainConfig) -> TrainError {
    with_parts(series, |train, validation, _| {
        let learner =
            NetworkLearner { config: v32::config().with_units(8), training, ..v32::learner() };
        learner.fit_model(train, validation, &Run::new(1)).unwrap_err()
    })
}

fn decaying(rate: f64, every: f64) -> TrainConfig {
    TrainConfig { schedule: Schedule::ExponentialDecay { rate, every }, ..TrainConfig::default() }
}

fn cosine(warm_up_epochs: f64, length: f64, floor: f64) -> TrainConfig {
    TrainConfig {
        schedule: Schedule::Cosine { warm_up_epochs, length, floor },
        ..TrainConfig::default()
    }
}

#[test]
fn training_reports_cause_of_failure() {
    let rising = series_of((0..500).map(|hour| 100.0 + f64::from(hour)));
    let error = fit_error(&rising, TrainConfig::default()).to_string();
    assert!(error.starts_with("no training window is DOWN"), "{error}");

    let short = market(MarketModel::AR1, 100, 1);
    let error = fit_error(&short, TrainConfig::default());
    assert!(matches!(error, TrainError::TooFewWindows { expected: 32, .. }), "{error}");

    let wild = TrainConfig { learning_rate: 1e38, ..TrainConfig::original() };
    let error = fit_error(&market(MarketModel::AR1, 2_000, 1), wild);
    assert!(matches!(error, TrainError::Diverged { epoch: 1, .. }), "{error}");
    // The first step of a warm-up has a rate near 0, which is not the one to lower.
    let warm = TrainConfig { learning_rate: 1e38, ..cosine(2.0, 10.0, 0.1) };
    let error = fit_error(&market(MarketModel::AR1, 2_000, 1), warm);
    let TrainError::Diverged { learning_rate, .. } = error else { panic!("{error}") };
    assert!(learning_rate > 1e37, "{learning_rate}");

    for (wrong, name) in [
        (TrainConfig { learning_rate: f64::NAN, ..TrainConfig::default() }, "learning_rate"),
        (TrainConfig { batch: 0, ..TrainConfig::default() }, "batch"),
        (TrainConfig { epochs: 0, ..TrainConfig::default() }, "epochs"),
        (decaying(1.5, 1.0), "decay"),
        (decaying(f64::NAN, 1.0), "decay"),
        (decaying(0.9, 0.0), "epochs from one decay"),
        (cosine(-1.0, 12.0, 0.1), "warm_up_epochs"),
        (cosine(2.0, 2.0, 0.1), "length"),
        (cosine(1.0, 12.0, 0.0), "floor"),
    ] {
        let error = fit_error(&market(MarketModel::AR1, 500, 1), wrong).to_string();
        assert!(error.starts_with(name), "{error}");
    }
}

#[test]
fn record_names_constant_channels() {
    let waves = series_of((0..500).map(|hour| 100.0 + f64::from(hour % 7)));
    let record = with_parts(&waves, |train, validation, _| {
        let model =
            WeightedSignalsLearner::default().fit_model(train, validation, &Run::new(1)).unwrap();
        model.record().unwrap().clone()
    });
    assert_eq!(record.constant_channels, ["volatility", "volume_change"]);
}

#[test]
fn record_data_hash_covers_training_and_validation_candles() {
    let series = market(MarketModel::AR1, 600, 2);
    let hash = |changed: Option<usize>| {
        let candles = series.iter().enumerate().map(|(index, candle)| {
            if Some(index) != changed {
                return *candle;
            }
            let Ohlcv { volume, .. } = candle.values();
            let values = Ohlcv { volume: volume * 1.5, ..candle.values() };
            Candle::new(candle.open_time(), values).unwrap()
        });
        let pair = series.pair().clone();
        let series = CandleSeries::new(pair, Interval::HOUR, candles.collect()).unwrap();
        with_parts(&series, |train, validation, _| {
            let model = WeightedSignalsLearner::default()
                .fit_model(train, validation, &Run::new(1))
                .unwrap();
            model.record().unwrap().data_hash.clone()
        })
    };
    let own = hash(None);
    for learned in [30, 200, 370] {
        assert_ne!(hash(Some(learned)), own, "candle {learned}");
    }
    assert_eq!(hash(Some(500)), own, "a test candle");
}

#[test]
fn training_rejects_foreign_validation_windows() {
    let series = market(MarketModel::AR1, 600, 2);
    let tables = [common::table(&series)];
    let samples = SampleSet::collect(&tables, 20, LabelSpec::default()).unwrap();
    let far = LabelSpec { horizon: 5, ..LabelSpec::default() };
    let other = SampleSet::collect(&tables, 20, far).unwrap();
    let split = common::split(&series);
    let early = Split::for_live(&samples.filtered(|s| s.row() < 200), 0.5).unwrap();
    let train = split.train(&samples).unwrap();
    let refused = |validation: &windvane_signals::ValidationSet| {
        let learner = WeightedSignalsLearner::default();
        learner.fit_model(&train, validation, &Run::new(1)).unwrap_err().to_string()
    };
    let labels = refused(&split.validation(&other).unwrap());
    assert!(labels.contains("labels"), "{labels}");
    let time = refused(&early.validation(&samples).unwrap());
    assert!(time.contains("validation begins before training ends"), "{time}");
}

#[test]
fn train_config_original_matches_original_system() {
    let training = TrainConfig::original();
    assert!(training.validate().is_ok());
    assert_eq!((training.learning_rate, training.batch), (0.01, 32));
    assert_eq!(training.schedule, Schedule::ExponentialDecay { rate: 0.95, every: 1.0 });
}
