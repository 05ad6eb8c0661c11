//! Boosted trees: accuracy, threads, seeds, early stopping, lags, saving.
use std::ops::ControlFlow;

use windvane_candles::simulate::MarketModel;
use windvane_models::train::{EpochReport, Run};
use windvane_models::trees::{BoostedTrees, BoostedTreesLearner, Monotone, TreesObjective};
use windvane_models::{DirectionModel, FittedModel, LoadError, ModelSpec, TrainError};
use windvane_signals::{Band, LabelSpec, Lags, SampleSet, SignalTable, Split, Window};

use crate::common::{market, quick_trees, table, with_parts};

/// Trees on the newest values of all inputs, which suit a small market.
fn learner() -> BoostedTreesLearner {
    BoostedTreesLearner {
        lags: Some(Lags::newest()),
        input_fraction: 1.0,
        ..BoostedTreesLearner::default()
    }
}

/// Share of the test windows with the predicted direction.
fn accuracy(model: &BoostedTrees, test: &SampleSet) -> f64 {
    let mut scratch = model.scratch();
    let correct = test.samples().iter().filter(|sample| {
        let prediction = model.predict(test.window(sample), &mut scratch).unwrap();
        prediction.direction == sample.label()
    });
    correct.count() as f64 / test.len() as f64
}

#[test]
fn trees_find_a_trend_and_name_its_channel() {
    let series = market(MarketModel::AR1, 6_000, 1);
    with_parts(&series, |train, validation, test| {
        let model = learner().fit_model(train, validation, &Run::new(1)).unwrap();
        let best = MarketModel::AR1.best_accuracy().unwrap();
        let got = accuracy(&model, test);
        // About 2,000 windows: the standard error is 1.1 points.
        assert!((got - best).abs() < 0.03, "{got} of {best}");
        let importance = model.importance();
        let shares: Vec<f64> = importance.iter().map(|own| own.share.unwrap()).collect();
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(importance[0].channel.starts_with("momentum"), "{importance:?}");
        assert!(shares[1..].iter().all(|share| *share < shares[0]), "{importance:?}");
        assert!(importance[0].splits > 0);
        let record = model.record().unwrap();
        assert_eq!(record.best_epoch, model.tree_count());
        assert!(record.epochs >= record.best_epoch && record.epochs < 400, "{record:?}");
        assert!(record.train_loss.unwrap() < std::f64::consts::LN_2);
    });
}

#[test]
fn trees_have_the_same_bits_on_any_number_of_threads() {
    let series = market(MarketModel::REGIME, 3_000, 5);
    let on = |threads, seed| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let learner = BoostedTreesLearner { rounds: 40, ..BoostedTreesLearner::default() };
        pool.install(|| {
            with_parts(&series, |train, validation, _| {
                learner.fit_model(train, validation, &Run::new(seed)).unwrap().to_bytes().unwrap()
            })
        })
    };
    assert_eq!(on(1, 3), on(4, 3));
    assert_ne!(on(1, 3), on(1, 4));
}

#[test]
fn trees_of_three_classes_learn_a_neutral_band() {
    let series = market(MarketModel::AR1, 6_000, 2);
    let tables: [SignalTable; 1] = [table(&series)];
    let labels = LabelSpec { band: Band::Fixed { width: 0.002 }, ..LabelSpec::default() };
    let samples = SampleSet::collect(&tables, 5, labels).unwrap();
    let at = |share: f64| series.close_time((series.len() as f64 * share) as usize).unwrap();
    let split = Split::builder().validate_from(at(0.5)).test_from(at(0.7)).embargo(0);
    let split = split.build().unwrap();
    let (train, validation) = (split.train(&samples).unwrap(), split.validation(&samples).unwrap());
    let counts = train.class_counts();
    assert!(counts.iter().all(|count| *count > 200), "{counts:?}");
    let learner = BoostedTreesLearner { objective: TreesObjective::ThreeClass, ..learner() };
    let model = learner.fit_model(&train, &validation, &Run::new(1)).unwrap();
    assert!(model.tree_count() > 0 && model.tree_count().is_multiple_of(3));
    let share = *counts.iter().max().unwrap() as f64 / train.len() as f64;
    let got = accuracy(&model, &split.test(&samples));
    assert!(got > share + 0.02, "{got}, largest class {share}");
    let bytes = model.to_bytes().unwrap();
    assert_eq!(BoostedTrees::from_bytes(&bytes).unwrap().to_bytes().unwrap(), bytes);
}

/// Margins of a model along one channel of some test windows, in order.
fn margins(model: &BoostedTrees, test: &SampleSet, channel: usize) -> Vec<Vec<f32>> {
    let mut scratch = model.scratch();
    let range: Vec<f64> =
        test.samples().iter().map(|sample| test.window(sample).row(19)[channel]).collect();
    let low = range.iter().copied().fold(f64::INFINITY, f64::min);
    let high = range.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let windows = test.samples().iter().step_by(40).take(20);
    windows
        .map(|sample| {
            let window = test.window(sample);
            let mut rows = window.values().to_vec();
            let margin = |step: i32| {
                let last = rows.len() - window.width() + channel;
                rows[last] = low + (high - low) * f64::from(step) / 100.0;
                let window = Window::new(&rows, window.width(), window.decided_at()).unwrap();
                model.predict(window, &mut scratch).unwrap().probabilities.margin()
            };
            (0..=100).map(margin).collect()
        })
        .collect()
}

#[test]
fn trees_with_a_monotone_channel_keep_its_order_also_when_saved() {
    // Momentum is channel 0, RSI channel 2. The market reverses, so P(UP) falls with the momentum.
    let series = market(MarketModel::Ar1 { phi: -0.2, sigma: 0.005 }, 4_000, 4);
    let fit = |names: &[(&str, Monotone)]| {
        let monotone = names.iter().map(|(name, order)| ((*name).to_string(), *order)).collect();
        let learner = BoostedTreesLearner {
            monotone,
            rounds: 40,
            leaves: 31,
            min_leaf_rows: Some(10),
            ..learner()
        };
        with_parts(&series, |train, validation, test| {
            let model = learner.fit_model(train, validation, &Run::new(1)).unwrap();
            let [momentum, rsi] = [0, 2].map(|channel| margins(&model, test, channel));
            (model, momentum, rsi)
        })
    };
    let rises = |margins: &[Vec<f32>]| {
        margins.iter().flat_map(|own| own.windows(2)).any(|two| two[1] > two[0])
    };
    let falls = |margins: &[Vec<f32>]| {
        margins.iter().flat_map(|own| own.windows(2)).any(|two| two[1] < two[0])
    };
    let (_, momentum, rsi) = fit(&[]);
    assert!(rises(&momentum) && falls(&momentum) && rises(&rsi) && falls(&rsi));
    let order = [("momentum", Monotone::Decreasing), ("rsi", Monotone::Increasing)];
    let (model, momentum, rsi) = fit(&order);
    assert!(!rises(&momentum) && falls(&momentum));
    assert!(!falls(&rsi));
    let notes = &model.record().unwrap().notes;
    assert!(notes.contains(&"monotone: momentum decreasing".to_string()), "{notes:?}");
    let bytes = model.to_bytes().unwrap();
    let loaded = BoostedTrees::from_bytes(&bytes).unwrap();
    assert_eq!(loaded.record().unwrap().notes, *notes);
    assert_eq!(loaded.to_bytes().unwrap(), bytes);
    with_parts(&series, |_, _, test| assert_eq!(margins(&loaded, test, 0), momentum));
}

#[test]
fn trees_refuse_monotone_constraints_that_do_not_fit() {
    let series = market(MarketModel::AR1, 1_000, 3);
    let error = |names: &[(&str, Monotone)], objective| {
        let monotone = names.iter().map(|(name, order)| ((*name).to_string(), *order)).collect();
        let learner = BoostedTreesLearner { monotone, objective, ..learner() };
        with_parts(&series, |train, validation, _| {
            learner.fit_model(train, validation, &Run::new(1)).unwrap_err().to_string()
        })
    };
    let (up, down) = (Monotone::Increasing, Monotone::Decreasing);
    let text = error(&[("momentun", up)], TreesObjective::Binary);
    assert!(text.contains("momentun: no such channel; choose one of momentum"), "{text}");
    let spec = windvane_signals::SignalSpec::default();
    let rsi = spec.channels[2].to_string();
    if rsi != "rsi" {
        let text = error(&[("rsi", up), (&rsi, down)], TreesObjective::Binary);
        assert!(text.contains("has another constraint; remove one"), "{text}");
    }
    let text = error(&[("momentum", up)], TreesObjective::ThreeClass);
    assert!(text.contains("number of monotone constraints"), "{text}");
    // A learner without constraints has the settings of earlier versions.
    let settings = windvane_models::train::Learner::settings(&learner()).unwrap();
    assert!(!settings.contains("monotone"), "{settings}");
}

#[test]
fn trees_report_every_round_and_stop_on_request() {
    let series = market(MarketModel::AR1, 2_000, 3);
    with_parts(&series, |train, validation, _| {
        let stop = |report: &EpochReport| match report.epoch {
            5 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        };
        let run = Run::new(1).on_epoch(&stop);
        let error = learner().fit_model(train, validation, &run).unwrap_err();
        assert!(matches!(error, TrainError::Stopped { epoch: 5 }), "{error}");
    });
}

#[test]
fn trees_stop_early_where_there_is_nothing_to_learn() {
    let series = market(MarketModel::MARTINGALE_GARCH, 4_000, 3);
    with_parts(&series, |train, validation, _| {
        let model = learner().fit_model(train, validation, &Run::new(1)).unwrap();
        let record = model.record().unwrap();
        assert!(record.epochs < 200, "{record:?}");
        assert!(record.validation_loss.unwrap() < std::f64::consts::LN_2 + 0.01, "{record:?}");
    });
}

#[test]
fn trees_reject_hyperparameters_out_of_range() {
    let series = market(MarketModel::AR1, 500, 3);
    let own = learner();
    let wrong = [
        (BoostedTreesLearner { rounds: 0, ..own.clone() }, "rounds"),
        (BoostedTreesLearner { patience: 0, ..own.clone() }, "patience"),
        (BoostedTreesLearner { leaves: 1, ..own.clone() }, "leaves"),
        (BoostedTreesLearner { depth: Some(0), ..own.clone() }, "depth"),
        (BoostedTreesLearner { min_leaf_rows: Some(0), ..own.clone() }, "min_leaf_rows"),
        (BoostedTreesLearner { bins: 256, ..own.clone() }, "bins"),
        (BoostedTreesLearner { learning_rate: f64::NAN, ..own.clone() }, "learning_rate"),
        (BoostedTreesLearner { row_fraction: 0.0, ..own.clone() }, "row_fraction"),
        (BoostedTreesLearner { input_fraction: 1.5, ..own.clone() }, "input_fraction"),
        (BoostedTreesLearner { min_leaf_hessian: 0.0, ..own.clone() }, "min_leaf_hessian"),
        (BoostedTreesLearner { l1: -1.0, ..own.clone() }, "l1"),
        (BoostedTreesLearner { l2: f64::INFINITY, ..own.clone() }, "l2"),
        (BoostedTreesLearner { lags: Some(Lags::newest().with("rsy", [1])), ..own }, "rsy"),
    ];
    with_parts(&series, |train, validation, _| {
        for (learner, name) in wrong {
            let error = learner.fit_model(train, validation, &Run::new(1)).unwrap_err();
            assert!(error.to_string().contains(name), "{name}: {error}");
        }
    });
}

#[test]
fn trees_depend_on_the_inputs_of_their_lags_alone() {
    let series = market(MarketModel::AR1, 2_000, 3);
    let lags = Lags::newest().with("momentum", 1..=2);
    let model = with_parts(&series, |train, validation, _| {
        let learner = BoostedTreesLearner { lags: Some(lags.clone()), ..learner() };
        learner.fit_model(train, validation, &Run::new(1)).unwrap()
    });
    assert_eq!(model.lags(), Some(&lags));
    assert_eq!(model.scores(&[0.0; 8]).unwrap().len(), 1);
    assert!(model.scores(&[0.0; 7]).is_none());
    // A missing value follows the default child.
    assert!(model.scores(&[f64::NAN; 8]).unwrap()[0].is_finite());
}

/// A LightGBM model of one split on six features.
const TEXT: &str = "tree\nversion=v4\nnum_tree_per_iteration=1\nmax_feature_idx=5\n\
    objective=binary sigmoid:1\ntree_sizes=200\n\nTree=0\nnum_leaves=2\nnum_cat=0\n\
    split_feature=2\nsplit_gain=1\nthreshold=30\ndecision_type=2\nleft_child=-1\n\
    right_child=-2\nleaf_value=0.1 -0.1\nis_linear=0\n\nend of trees\n";

#[test]
fn lightgbm_import_saves_and_rejects_other_inputs() {
    let spec: ModelSpec = quick_trees(&market(MarketModel::AR1, 1_000, 1)).spec().clone();
    let lags = Some(Lags::newest());
    let import = |lags, neutral| BoostedTrees::from_lightgbm(TEXT, spec.clone(), lags, neutral);
    let model = import(lags.clone(), Some(0.001)).unwrap();
    let again = BoostedTrees::from_bytes(&model.to_bytes().unwrap()).unwrap();
    assert_eq!(again.scores(&[30.0; 6]), Some(vec![0.1]));
    assert_eq!(again.scores(&[30.5; 6]), Some(vec![-0.1]));
    let says = |error: LoadError, part: &str| {
        assert!(error.to_string().contains(part), "{part}: {error}");
    };
    says(import(None, Some(0.001)).unwrap_err(), "6 features");
    says(import(lags.clone(), None).unwrap_err(), "number of scores");
    says(import(lags.clone(), Some(1.0)).unwrap_err(), "probability of NEUTRAL");
    says(import(Some(Lags::newest().with("rsy", [1])), Some(0.1)).unwrap_err(), "rsy");
}
