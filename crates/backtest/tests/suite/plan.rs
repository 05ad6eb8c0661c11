//! Plans outside the data, learners of one kind, instruments without training windows.
#![allow(clippy::unwrap_used, reason = "a test may stop")]
use crate::common::{Failing, coin, learned, run, simulated};
use windvane_backtest::{Backtest, Instrument, Plan, Report};
use windvane_candles::simulate::MarketModel;
use windvane_candles::{CandleSeries, Interval, Timestamp};
use windvane_models::train::{Learner, Run};
use windvane_models::v2::{WeightedSignalsLearner, Weights};
use windvane_models::{FittedModel, ModelId, TrainError};
use windvane_signals::{TrainSet, ValidationSet};

fn v2() -> Box<dyn Learner> {
    Box::new(WeightedSignalsLearner::default())
}

fn daily(name: &str, n: usize) -> CandleSeries {
    simulated(MarketModel::AR1, name, Interval::DAY, n)
}

fn error_of(validate_from: &str, test_from: &str) -> String {
    let [validate_from, test_from] = [validate_from, test_from].map(|date| date.parse().unwrap());
    let plan = Plan::Holdout { validate_from, test_from, embargo: 1 };
    let backtest = Backtest { plan, ..Backtest::default() };
    let error = backtest.run(&[learned(daily("SIM", 366))], &[v2()], &|_| {}).unwrap_err();
    error.to_string()
}

#[test]
fn holdout_outside_the_data_states_the_direction_to_move() {
    // The data are the 366 days of 2020.
    let after = error_of("2022-01-01", "2022-07-01");
    assert!(after.contains("end at 2021-01-01T00:00:00Z"), "{after}");
    assert!(after.contains("must start earlier") && !after.contains("later"), "{after}");
    let barely = error_of("2020-07-01", "2021-01-01");
    assert!(barely.contains("must start earlier"), "{barely}");
    let before = error_of("2018-01-01", "2018-07-01");
    assert!(before.contains("begin at 2020-01-01T00:00:00Z"), "{before}");
    assert!(before.contains("must start later") && !before.contains("earlier"), "{before}");
    // The failure is reported once, not once per model.
    assert!(after.contains("1 failure(s)") && before.contains("every model, 1d: "), "{before}");
}

#[test]
fn holdout_without_training_samples_is_an_error() {
    let text = error_of("2020-01-10", "2020-07-10");
    let span = "validation takes the time from 2020-01-10T00:00:00Z to the test at 2020-07-10";
    assert!(text.contains(span) && text.contains("must start later"), "{text}");
    // Row 44 is the first with a window; its candle closes a day later.
    assert!(text.contains("the first sample is decided at 2020-02-15T00:00:00Z"), "{text}");
    let text = error_of("2020-07-09", "2020-07-10");
    assert!(text.contains("in the validation period from 2020-07-09"), "{text}");
}

#[test]
fn two_learners_of_one_kind_run_in_one_backtest() {
    let named = |id: &str, weights: [f32; 6]| -> Box<dyn Learner> {
        let (id, weights) = (ModelId::new(id), Weights::Given(weights.to_vec()));
        Box::new(WeightedSignalsLearner { id, weights })
    };
    let follow = || named("follow", [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    let fade = || named("fade", [-1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    let market = || learned(simulated(MarketModel::AR1, "SIM", Interval::HOUR, 2_000));
    let report = run(&[market()], &[follow(), fade()]);
    assert_eq!(report.run.models, ["follow", "fade"]);
    let accuracy = |model: &str| {
        let row = report.results.iter().find(|row| row.model == model).unwrap();
        row.score.accuracy.unwrap()
    };
    assert!(accuracy("follow") > 0.5 && (accuracy("follow") + accuracy("fade") - 1.0).abs() < 0.01);
    let alone = run(&[market()], &[fade()]);
    let correct = |report: &Report| {
        let row = report.results.iter().find(|row| row.model == "fade").unwrap();
        row.score.correct
    };
    assert_eq!(correct(&report), correct(&alone));
    let twice = Backtest::default().run(&[market()], &[fade(), fade()], &|_| {}).unwrap_err();
    assert!(twice.to_string().contains("the id fade"), "{twice}");
}

/// Learner that fails on few training windows, as in the early folds.
struct Demanding(ModelId, usize);

impl Learner for Demanding {
    fn id(&self) -> &ModelId {
        &self.0
    }

    fn fit(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        run: &Run<'_>,
    ) -> Result<Box<dyn FittedModel>, TrainError> {
        let (expected, got) = (self.1, train.len());
        if got < expected {
            return Err(TrainError::TooFewWindows { expected, got });
        }
        coin("coin", 1).fit(train, validation, run)
    }
}

#[test]
fn test_candles_count_only_where_a_model_was_tested() {
    let long = simulated(MarketModel::AR1, "LONG", Interval::HOUR, 2_000);
    let end = long.close_time(700).unwrap();
    let early = simulated(MarketModel::AR1, "EARLY", Interval::HOUR, 2_000).split_at(end).0;
    let instruments = [learned(long), learned(early)];
    let demanding = || -> Box<dyn Learner> { Box::new(Demanding(ModelId::new("demanding"), 900)) };
    let untested = |report: &Report| -> Vec<String> {
        report.without_test_rows.iter().map(|one| one.name.clone()).collect()
    };
    // EARLY ends before the folds on which the model can be fitted.
    let report = run(&instruments, &[demanding()]);
    assert_eq!(untested(&report), ["EARLY"]);
    assert_eq!(report.instruments[0].test_candles, report.results[0].score.candles);
    assert!(report.results.iter().all(|row| row.instrument != "EARLY"));
    // If another model is tested there, its candles count once.
    let report = run(&instruments, &[demanding(), v2()]);
    assert!(untested(&report).is_empty());
    let row = report.results.iter().find(|r| r.instrument == "EARLY").unwrap();
    assert_eq!(report.instruments[1].test_candles, row.score.candles);
    let none = Failing(ModelId::new("failing"));
    let report = run(&instruments, &[Box::new(none), demanding()]);
    assert_eq!(untested(&report), ["EARLY"]);
}

#[test]
fn instrument_without_training_windows_is_reported() {
    let old = simulated(MarketModel::AR1, "OLD", Interval::HOUR, 3_000);
    let from: Timestamp = old.get(1_200).unwrap().open_time();
    let young = simulated(MarketModel::AR1, "YOUNG", Interval::HOUR, 3_000).split_at(from).1;
    let other = simulated(MarketModel::AR1, "OTHER", Interval::HOUR, 3_000);
    let other = Instrument { series: other, test_only: true };
    let report = run(&[other, learned(young), learned(old)], &[v2()]);
    let folds = &report.groups[0].folds;
    let untrained: Vec<&[String]> = folds.iter().map(|fold| &*fold.untrained).collect();
    let records: Vec<bool> =
        report.training.iter().map(|t| t.record.pairs.contains(&"YOUNG".to_string())).collect();
    for (untrained, trained) in untrained.iter().zip(&records) {
        assert_eq!(untrained.is_empty(), *trained);
    }
    assert_eq!((untrained[0], records[3]), (&["YOUNG".to_string()][..], true));
    let text = report.to_markdown();
    let sentence = "Tested by models that were trained on other instruments only, because there \
                    was no training window of their own: 1h fold 1: YOUNG";
    assert!(text.contains(sentence), "{text}");
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(json["groups"][0]["folds"][0]["untrained"][0], "YOUNG");
    let alone = run(&[learned(simulated(MarketModel::AR1, "OLD", Interval::HOUR, 3_000))], &[v2()]);
    assert!(!alone.to_markdown().contains("other instruments only"));
}
