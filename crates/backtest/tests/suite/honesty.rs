//! Results of models without skill, and warnings about implausible results. The numbers of defects
//! are those of earlier systems.
use crate::common::{Knowledge, boxed, coin, constant, learned, oracle, run, simulated};
use windvane_backtest::{Backtest, Instrument, Plan, Scope, WarningCode};
use windvane_candles::simulate::MarketModel;
use windvane_candles::{Direction, Interval};
use windvane_models::ModelId;
use windvane_models::train::Learner;
use windvane_models::v2::WeightedSignalsLearner;

fn martingale(name: &str, n: usize) -> Instrument {
    learned(simulated(MarketModel::MARTINGALE_GARCH, name, Interval::HOUR, n))
}

#[test]
fn model_with_future_data_is_reported_as_suspicious() {
    let market = martingale("SIM", 3_000);
    let report = run(std::slice::from_ref(&market), &boxed(vec![oracle(&market.series)]));
    let row = &report.results[0];
    assert_eq!(row.score.accuracy, Some(1.0));
    assert_eq!(row.score.coverage, Some(1.0));
    let codes: Vec<WarningCode> =
        report.warnings.iter().filter(|w| w.instrument == "SIM").map(|w| w.code).collect();
    assert_eq!(codes, [WarningCode::AllOrNothing, WarningCode::Suspicious]);
    assert!(report.to_markdown().contains("audit for leaks"));
}

#[test]
fn random_predictions_on_a_martingale_have_half_accuracy() {
    let markets = [martingale("AAA", 9_000), martingale("BBB", 9_000)];
    let report = run(&markets, &boxed(vec![coin("coin", 5)]));
    let row = report.results.iter().find(|row| row.scope == Scope::All).unwrap();
    let n = row.score.scored as f64;
    let accuracy = row.score.accuracy.unwrap();
    assert!((accuracy - 0.5).abs() < 4.0 * (0.25 / n).sqrt(), "{accuracy}");
    let bounds = row.interval_95.unwrap();
    assert!(bounds.low < 0.5 && 0.5 < bounds.high, "{bounds:?}");
    assert!(!report.warnings.iter().any(|w| w.code == WarningCode::Suspicious));
}

#[test]
fn weighted_signals_have_no_edge_on_a_martingale() {
    let learners: Vec<Box<dyn Learner>> = vec![Box::new(WeightedSignalsLearner::default())];
    let report = run(&[martingale("SIM", 20_000)], &learners);
    let row = &report.results[0];
    let error = (0.25 / row.score.scored as f64).sqrt();
    assert!((row.score.accuracy.unwrap() - 0.5).abs() < 4.0 * error);
    assert!(row.excess_accuracy.unwrap().p_value.unwrap() > 1e-3);
}

// Defect 1: accuracies of 0 of 370 and 0 of 34 were printed without a warning.
#[test]
fn implausible_results_have_warnings() {
    let market = martingale("SIM", 3_000);
    let mut backwards = oracle(&market.series);
    backwards.id = ModelId::new("backwards");
    backwards.answer = |known: &Knowledge, time| match known.future.get(&time) {
        Some(Direction::Up) => [0.1, 0.8, 0.1],
        _ => [0.8, 0.1, 0.1],
    };
    let fakes = vec![
        backwards,
        constant("silent", |_, _| [0.1, 0.1, 0.8]),
        constant("bull", |_, _| [0.8, 0.1, 0.1]),
    ];
    let report = run(&[market], &boxed(fakes));
    let codes = |model: &str| -> Vec<WarningCode> {
        let own = report.warnings.iter().filter(|w| w.model == model && w.instrument == "SIM");
        own.map(|w| w.code).collect()
    };
    assert_eq!(report.results[0].score.accuracy, Some(0.0));
    assert_eq!(codes("backwards"), [WarningCode::AllOrNothing]);
    assert_eq!(codes("silent"), [WarningCode::NoPredictions]);
    assert_eq!(codes("bull"), [WarningCode::OneDirection]);
}

// Defects 1 and 19: without predictions the accuracy is undefined, not 0.00 %.
#[test]
fn undefined_number_is_a_dash_in_text_and_null_in_json() {
    let silent = constant("silent", |_, _| [0.1, 0.1, 0.8]);
    let report = run(&[martingale("SIM", 2_000)], &boxed(vec![silent]));
    let headline = &report.headline_table().rows[0];
    assert_eq!(headline[3..], ["0", "-", "-", "0.00", "-", "-"]);
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    let row = &json["results"][0];
    for field in ["accuracy", "interval_95", "best_baseline", "excess_accuracy"] {
        assert!(row[field].is_null(), "{field}");
    }
    assert_eq!(row["coverage"], 0.0);
    assert!(!report.to_json().contains("NaN") && !report.to_markdown().contains("NaN"));
}

// Defect 1, case (a): NaN became NEUTRAL and was counted as wrong.
#[test]
fn model_with_nan_probabilities_fails() {
    let fakes = vec![constant("nan", |_, _| [f32::NAN; 3]), coin("coin", 1)];
    let report = run(&[martingale("SIM", 2_000)], &boxed(fakes));
    assert!(report.results.iter().all(|row| row.model == "coin"));
    assert!(
        report.failures.iter().all(|f| f.message.contains("expected probabilities")),
        "{report:?}"
    );
    assert_eq!(report.failures.len(), 4);
}

// Defect 2: the label lay inside the window.
#[test]
fn results_do_not_depend_on_later_candles() {
    let market = martingale("SIM", 4_000);
    let learners: Vec<Box<dyn Learner>> =
        vec![Box::new(WeightedSignalsLearner::default()), Box::new(coin("coin", 1))];
    let before = run(std::slice::from_ref(&market), &learners);
    let end = before.groups[0].folds[1].test_until.unwrap();
    let turned = |candle: &windvane_candles::Candle| {
        let v = candle.values();
        let (open, close, volume) = (v.close, v.open, 3.0 * v.volume);
        let later = candle.open_time() >= end;
        let turned = windvane_candles::Ohlcv { open, close, volume, ..v };
        windvane_candles::Candle::new(candle.open_time(), if later { turned } else { v }).unwrap()
    };
    let candles = market.series.iter().map(turned).collect();
    let (pair, interval) = (market.series.pair().clone(), market.series.interval());
    let series = windvane_candles::CandleSeries::new(pair, interval, candles).unwrap();
    let after = run(&[learned(series)], &learners);

    assert_ne!(before.run.data_hash, after.run.data_hash);
    let early = |report: &windvane_backtest::Report| {
        let pooled = report.results.iter().filter(|row| row.scope == Scope::Interval);
        let folds: Vec<_> = pooled.flat_map(|row| row.folds[..2].to_vec()).collect();
        let training = report.training.iter().filter(|t| t.fold <= 3).cloned().collect::<Vec<_>>();
        (folds, training)
    };
    assert_eq!(early(&before), early(&after));
    let last = |report: &windvane_backtest::Report| report.results[0].score.correct;
    assert_ne!(last(&before), last(&after));
}

// Defect 3: an accuracy was reported for models that cannot have been trained.
#[test]
fn report_has_training_data_and_fit_times() {
    let learners: Vec<Box<dyn Learner>> = vec![Box::new(WeightedSignalsLearner::default())];
    let report = run(&[martingale("SIM", 2_000)], &learners);
    assert_eq!(report.run.data_hash.len(), 16);
    assert_eq!(report.training.len(), 4);
    for (training, fold) in report.training.iter().zip(&report.groups[0].folds) {
        assert_eq!(Some(training.record.windows), fold.train_windows);
        assert!(training.record.until < fold.validate_from);
        assert!(fold.validate_from < fold.test_from);
    }
    assert!(report.timing.models[0].fit_seconds > 0.0);
    assert!(report.timing.models[0].microseconds_per_prediction.unwrap() > 0.0);
}

// Defect 15: two scripts had different metrics with the same name.
#[test]
fn metrics_agree_between_scopes_texts_and_json() {
    let markets = [martingale("AAA", 2_500), martingale("BBB", 3_500)];
    let report = run(&markets, &boxed(vec![coin("coin", 9)]));
    let sum = |scope| {
        let rows = report.results.iter().filter(|row| row.scope == scope);
        rows.fold((0, 0, 0), |(candles, scored, correct), row| {
            let score = row.score;
            (candles + score.candles, scored + score.scored, correct + score.correct)
        })
    };
    assert_eq!(sum(Scope::Instrument), sum(Scope::Interval));
    assert_eq!(sum(Scope::Instrument), sum(Scope::All));
    let pooled = report.results.iter().find(|row| row.scope == Scope::Interval).unwrap();
    let folds: usize = pooled.folds.iter().map(|fold| fold.score.correct).sum();
    assert_eq!(folds, pooled.score.correct);
    for row in &report.results {
        let expected = row.score.correct as f64 / row.score.scored as f64;
        assert_eq!(row.score.accuracy.map(f64::to_bits), Some(expected.to_bits()));
        assert_eq!(row.confusion.total(), row.score.candles);
    }
    assert_eq!(report.ranking[0].accuracy, pooled.score.accuracy);
    // The text has two decimals, the JSON all of them.
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(json["results"][0]["accuracy"].as_f64(), report.results[0].score.accuracy);
}

// Defect 20: the history was replayed until there were enough trades.
#[test]
fn walk_forward_scores_each_candle_once() {
    let markets = [martingale("AAA", 2_500), martingale("BBB", 3_500)];
    let report = run(&markets, &boxed(vec![coin("coin", 9)]));
    let all = report.results.iter().find(|row| row.scope == Scope::All).unwrap();
    let tested: usize = report.instruments.iter().map(|one| one.test_candles).sum();
    let windows: usize = report.groups[0].folds.iter().map(|fold| fold.test_windows).sum();
    assert_eq!((all.score.candles, tested), (windows, windows));
    assert!(report.instruments.iter().all(|one| one.test_candles < one.candles));
    for two in report.groups[0].folds.windows(2) {
        assert_eq!(two[0].test_until, Some(two[1].test_from));
    }
}

// Defect 21: the best of many settings was reported without n, interval and correction.
#[test]
fn best_of_many_random_models_is_not_significant() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let coins = names.iter().zip(0..).map(|(name, seed)| coin(name, seed)).collect();
    let report = run(&[martingale("SIM", 6_000)], &boxed(coins));
    assert_eq!((report.ranking.len(), report.overfitting), (8, None));
    let ordered = report.ranking.windows(2).all(|two| two[0].accuracy >= two[1].accuracy);
    assert!(ordered);
    assert!(report.ranking.iter().all(|rank| !rank.significant && rank.p_holm.unwrap() > 0.05));
    let text = report.to_markdown();
    let verdict = "No model beats the best baseline by a statistically significant margin (95 %, \
                   Holm-corrected for 8 models).";
    assert_eq!(report.verdict(), verdict);
    assert!(text.contains(verdict), "{text}");
    for row in report.headline() {
        assert!(row.score.predictions > 0 && row.interval_95.is_some(), "{row:?}");
    }
}

#[test]
fn ranking_of_ten_models_has_an_overfitting_probability() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let coins = names.iter().zip(0..).map(|(name, seed)| coin(name, seed)).collect();
    let report = run(&[martingale("SIM", 1_500)], &boxed(coins));
    let overfitting = report.overfitting.unwrap();
    assert_eq!((overfitting.variants, overfitting.choices), (10, 12_870));
    // One run of random models has any value; the unit tests measure its mean.
    assert!((0.0..=1.0).contains(&overfitting.probability), "{overfitting:?}");
    let text = format!("backtest overfitting is {:.2} %", 100.0 * overfitting.probability);
    assert!(report.to_markdown().contains(&text));
}

#[test]
fn real_edge_is_significant() {
    // The last sign is the best rule here; the model with three correct predictions in four is
    // better.
    let market = learned(simulated(MarketModel::AR1, "SIM", Interval::HOUR, 6_000));
    let mut good = oracle(&market.series);
    good.id = ModelId::new("good");
    good.answer = |known: &Knowledge, time| {
        let right = time.millis() / Interval::HOUR.millis() % 4 != 0;
        match (known.future.get(&time), right) {
            (Some(Direction::Up), true) | (Some(Direction::Down), false) => [0.8, 0.1, 0.1],
            _ => [0.1, 0.8, 0.1],
        }
    };
    let report = run(&[market], &boxed(vec![coin("coin", 2), good]));
    assert_eq!(report.ranking[0].model, "good");
    assert!(report.ranking[0].significant);
    assert!(!report.ranking[1].significant);
    let verdict = report.verdict();
    assert!(verdict.starts_with("good beats the best baseline (last sign) by +"), "{verdict}");
    assert!(verdict.contains("], p < 0.001 (Holm-corrected for 2 models)."), "{verdict}");
    assert!(verdict.contains("The training period of good is unknown"), "{verdict}");
    let text = report.to_markdown();
    assert!(verdict.lines().all(|line| text.contains(line)), "{text}");
}

#[test]
fn test_only_instruments_are_never_trained_on() {
    let (a, b) = (martingale("AAA", 2_500), martingale("BBB", 2_500));
    let learners: Vec<Box<dyn Learner>> = vec![Box::new(WeightedSignalsLearner::default())];
    let alone = run(std::slice::from_ref(&a), &learners);
    let held_out = Instrument { test_only: true, ..b };
    let both = run(&[held_out, a], &learners);
    assert!(both.training.iter().all(|training| training.record.pairs == ["AAA"]));
    assert_eq!(both.training, alone.training);
    let row = |report: &windvane_backtest::Report, name: &str| {
        report.results.iter().find(|row| row.instrument == name).cloned()
    };
    assert_eq!(row(&both, "AAA"), row(&alone, "AAA"));
    let held_out = row(&both, "BBB").unwrap();
    assert_eq!(held_out.score.candles, both.instruments[0].test_candles);
    assert!(held_out.score.candles > 1_000 && both.instruments[0].test_only);
}

#[test]
fn holdout_has_purge_and_embargo() {
    let market = martingale("SIM", 2_000);
    let at = |index: usize| market.series.close_time(index).unwrap();
    let (validate_from, test_from) = (at(1_200), at(1_500));
    let plan = Plan::Holdout { validate_from, test_from, embargo: 5 };
    let learners: Vec<Box<dyn Learner>> = vec![Box::new(WeightedSignalsLearner::default())];
    let report = Backtest { plan, ..Backtest::default() };
    let report = report.run(std::slice::from_ref(&market), &learners, &|_| {}).unwrap();
    assert_eq!(report.training[0].record.until, at(1_195));
    // The last candle has no outcome.
    assert_eq!(report.results[0].score.candles, 2_000 - 1 - 1_500);
    assert_eq!(report.groups[0].folds.len(), 1);
}
