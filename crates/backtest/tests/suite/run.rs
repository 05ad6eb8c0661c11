//! Whole runs: threads, failures, events, groups, files.
use std::sync::Mutex;

use crate::common::{boxed, coin, failing, learned, run, simulated, without_timing};
use windvane_backtest::{Backtest, BacktestError, Event, Instrument, Plan, Report, Scope};
use windvane_candles::simulate::MarketModel;
use windvane_candles::{Interval, Pair, sample};
use windvane_models::network::NetworkLearner;
use windvane_models::train::{Learner, TrainConfig};
use windvane_models::v2::WeightedSignalsLearner;
use windvane_models::v32;
use windvane_signals::{GapPolicy, WalkForward};

fn v2() -> Box<dyn Learner> {
    Box::new(WeightedSignalsLearner::default())
}

fn small_lstm() -> Box<dyn Learner> {
    let training = TrainConfig { epochs: 2, ..TrainConfig::default() };
    Box::new(NetworkLearner { config: v32::config().with_units(4), training, ..v32::learner() })
}

fn markets() -> Vec<Instrument> {
    let hour = |name, n| learned(simulated(MarketModel::AR1, name, Interval::HOUR, n));
    let day = learned(simulated(MarketModel::REGIME, "DAYS", Interval::DAY, 900));
    vec![hour("AAA", 1_500), day, hour("BBB", 1_200)]
}

#[test]
fn report_is_equal_on_any_number_of_threads() {
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| run(&markets(), &[v2(), small_lstm(), failing()]))
    };
    let (one, two, again) = (on(1), on(2), on(2));
    assert_eq!(without_timing(&one), without_timing(&two));
    assert_eq!(without_timing(&two), without_timing(&again));
    assert_eq!((one.timing.threads, two.timing.threads), (1, 2));
}

#[test]
fn json_has_the_documented_layout() {
    let mut report = run(&markets(), &[v2()]);
    report.run.command = Some("backtest --all".to_string());
    let text = report.to_json();
    assert!(text.starts_with("{\n  \"schema\": 3,\n  \"run\": {"));
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    // The parser sorts keys, so the order is taken from the text.
    let keys: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("  \"")?.split_once("\":").map(|(key, _)| key))
        .collect();
    let expected = "schema run groups instruments without_test_rows skipped ranking earlier results \
                    training importance failures warnings timing";
    assert_eq!(keys, expected.split_whitespace().collect::<Vec<_>>());
    assert_eq!(json["run"]["command"], "backtest --all");
    assert_eq!(json["run"]["plan"]["kind"], "walk_forward");
    assert_eq!(json["groups"][0]["gap_policy"]["policy"], "reset");
    assert_eq!(json["instruments"][0]["first"], "2020-01-01T00:00:00Z");
    for time in ["from", "until"] {
        let text = json["training"][0]["record"][time].as_str().unwrap();
        assert!(text.starts_with("2020-") && text.ends_with('Z'), "{text}");
    }
    assert_eq!(json["results"][0]["confusion"].as_array().unwrap().len(), 3);
    assert_eq!(json["results"][0]["baselines"][3]["rule"], "opposite_of_last_sign");
    let pooled = json["results"].as_array().unwrap().iter().find(|row| row["scope"] == "interval");
    let pooled = pooled.unwrap();
    let shares: Vec<f64> = pooled["most_confident"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["share"].as_f64().unwrap())
        .collect();
    assert_eq!(shares, [1.0, 0.5, 0.2, 0.1]);
    assert_eq!(pooled["coverage_curve"].as_array().unwrap().len(), 20);
    let trading = &pooled["trading"];
    assert_eq!(trading["net"][1]["cost"], 5.0);
    for key in ["mean", "total", "sharpe", "break_even_accuracy", "deflated_sharpe"] {
        assert!(trading["net"][1][key].is_number(), "{key}");
    }
    assert!(trading["equity"][0]["time"].as_str().unwrap().ends_with('Z'));
    assert!(pooled["over_time"][0]["from"].as_str().unwrap().ends_with("T00:00:00Z"));
    assert_eq!(json["importance"][0]["channel"], json["run"]["channels"][0]);
    for key in ["value", "interval_95", "p_value"] {
        assert!(pooled["excess_accuracy"].get(key).is_some(), "{key}");
    }
    assert!(pooled["predictions"].is_u64() && pooled["correct"].is_u64());
    let rank = &json["ranking"][0];
    assert!(rank["significant"].is_boolean() && rank["excess_over_next"].is_null());
    assert_eq!(trading["net"][0]["buy_and_hold"]["rule"], "always_up");
    assert!(json["timing"]["started_at"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn intervals_are_never_pooled_for_training() {
    let report = run(&markets(), &[v2()]);
    let groups: Vec<(String, String)> =
        report.groups.iter().map(|g| (g.interval.to_string(), g.instruments.join(" "))).collect();
    let expected = [("1h", "AAA BBB"), ("1d", "DAYS")];
    assert_eq!(groups, expected.map(|(interval, names)| (interval.into(), names.into())));
    for training in &report.training {
        let days = training.record.pairs == ["DAYS"];
        assert_eq!(days, training.interval == Interval::DAY);
    }
    let places: Vec<(String, Option<Interval>)> =
        report.results.iter().map(|row| (row.instrument.clone(), row.interval)).collect();
    let (hour, day) = (Some(Interval::HOUR), Some(Interval::DAY));
    let names = ["AAA", "DAYS", "BBB", "all", "all", "all"].map(String::from);
    assert_eq!(
        places,
        names.into_iter().zip([hour, day, hour, hour, day, None]).collect::<Vec<_>>()
    );
    // The headline has no pooled row of the days, because it has only one instrument.
    assert_eq!(report.headline().count(), 5);
}

#[test]
fn failing_model_does_not_stop_the_others() {
    let report = run(&markets(), &[failing(), v2()]);
    assert!(report.results.iter().all(|row| row.model == "v2"));
    assert_eq!(report.failures.len(), 8);
    let first = &report.failures[0];
    assert_eq!((first.model.as_deref(), first.fold), (Some("failing"), Some(1)));
    assert!(first.to_string().starts_with("failing, 1h, fold 1: 1 training windows are too few"));
    assert_eq!(report.ranking.len(), 1);
    assert!(report.ranking[0].complete);
    assert!(report.to_markdown().contains("## Failures\n\n- failing, 1h, fold 1"));
}

#[test]
fn group_with_too_few_candles_does_not_stop_the_others() {
    let mut instruments = markets();
    instruments.push(learned(simulated(MarketModel::AR1, "WEEKS", Interval::WEEK, 40)));
    let report = run(&instruments, &[v2()]);
    assert_eq!(report.failures.len(), 1, "{:?}", report.failures);
    assert_eq!((&report.failures[0].model, report.failures[0].interval), (&None, Interval::WEEK));
    let untested: Vec<&str> = report.without_test_rows.iter().map(|u| u.name.as_str()).collect();
    assert_eq!(untested, ["WEEKS"]);
    assert!(report.ranking[0].complete);
}

#[test]
fn failing_pair_does_not_stop_the_others() {
    let (whole, holey) =
        (markets(), crate::common::thinned(&markets()[2].series, |index| index != 700));
    let mut instruments = whole.clone();
    instruments[2].series = holey;
    let backtest = Backtest { gaps: Some(GapPolicy::Error), ..Backtest::default() };
    let on = |instruments: &[Instrument]| backtest.run(instruments, &[v2()], &|_| {}).unwrap();
    let report = on(&instruments);
    assert_eq!(report.failures.len(), 1, "{:?}", report.failures);
    let text = report.failures[0].to_string();
    assert!(text.starts_with("every model, BBB, 1h: 1 candle(s) missing from 2020-"), "{text}");
    assert_eq!(report.groups[0].instruments, ["AAA"]);
    assert_eq!(report.without_test_rows[0].name, "BBB");
    // The results of the others do not depend on it.
    let without = on(&whole[..2]);
    assert_eq!(report.results, without.results);
    assert_eq!(report.training, without.training);
    // If all instruments of an interval fail, the other intervals are still tested.
    let report = on(&[instruments[2].clone(), whole[1].clone()]);
    assert_eq!((report.failures.len(), report.groups.len()), (1, 1));
    assert!(report.results.iter().all(|row| row.model == "v2"));
    let error = backtest.run(&instruments[2..], &[v2()], &|_| {}).unwrap_err().to_string();
    assert!(error.contains("every model, BBB, 1h"), "{error}");
}

#[test]
fn instrument_without_test_candles_is_listed() {
    let long = simulated(MarketModel::AR1, "LONG", Interval::HOUR, 2_000);
    let short = simulated(MarketModel::AR1, "SHORT", Interval::HOUR, 150);
    let report = run(&[learned(long), learned(short)], &[v2()]);
    assert_eq!(report.without_test_rows[0].name, "SHORT");
    assert!(report.results.iter().all(|row| row.instrument != "SHORT"));
    assert!(report.to_markdown().contains("- SHORT (1h): no candle was tested"));
}

#[test]
fn backtest_without_results_is_an_error() {
    let backtest = Backtest::default();
    let run = |instruments: &[Instrument], learners: &[Box<dyn Learner>]| {
        backtest.run(instruments, learners, &|_| {}).unwrap_err()
    };
    assert!(matches!(run(&[], &[v2()]), BacktestError::NoInstruments));
    assert!(matches!(run(&markets(), &[]), BacktestError::NoLearners));
    let twice = [markets(), markets()].concat();
    assert!(matches!(run(&twice, &[v2()]), BacktestError::DuplicateInstrument { .. }));
    assert!(matches!(run(&markets(), &[v2(), v2()]), BacktestError::DuplicateLearner { .. }));
    let error = run(&markets(), &[failing()]);
    let text = error.to_string();
    assert!(text.contains("8 failure(s)") && text.contains("fold 1: 1 training windows"), "{text}");
    let held_out: Vec<Instrument> =
        markets().into_iter().map(|one| Instrument { test_only: true, ..one }).collect();
    let text = run(&held_out, &[v2()]).to_string();
    assert!(text.contains("every instrument of the interval is test-only"), "{text}");
}

#[test]
fn invalid_plan_is_an_error() {
    let late = "2100-01-01".parse().unwrap();
    let plans = [
        (Plan::WalkForward(WalkForward { folds: 0, ..WalkForward::default() }), "at least 1"),
        (Plan::Holdout { validate_from: late, test_from: late, embargo: 1 }, "must rise"),
    ];
    for (plan, expected) in plans {
        let backtest = Backtest { plan, ..Backtest::default() };
        let error = backtest.run(&markets(), &[v2()], &|_| {}).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn events_cover_every_task() {
    let seen = Mutex::new((0, 0, 0, 0, 0));
    let on_event = |event: Event<'_>| {
        let mut seen = seen.lock().unwrap();
        match event {
            Event::Planned { tasks } => seen.0 = tasks,
            Event::Started { task } => {
                assert!(task.index < 24 && task.fold <= task.folds);
                seen.1 += 1;
            }
            Event::Epoch { task, .. } => {
                assert_eq!(task.model, "v32");
                seen.2 += 1;
            }
            Event::Finished { error: None, .. } => seen.3 += 1,
            Event::Finished { error: Some(_), .. } => seen.4 += 1,
            _ => {}
        }
    };
    let learners = [small_lstm(), failing()];
    Backtest::default().run(&markets(), &learners, &on_event).unwrap();
    // Two models and the logistic regression on four folds of two groups.
    assert_eq!(*seen.lock().unwrap(), (24, 24, 16, 16, 8));
}

#[test]
fn real_candles_are_tested_across_weekends() {
    let names = ["BTCUSDT", "EURUSD", "NVDA"];
    let instruments: Vec<Instrument> =
        names.iter().map(|name| learned(sample::load(name).unwrap())).collect();
    let report = run(&instruments, &[v2()]);
    assert_eq!(report.groups[0].gap_policy, GapPolicy::Sessions { max_missing: 168 });
    assert_eq!(report.groups[1].gap_policy, GapPolicy::Sessions { max_missing: 7 });
    assert_eq!(report.instruments[1].gaps, 52);
    assert!(report.without_test_rows.iter().all(|one| one.name != "NVDA"));
    for row in &report.results {
        assert!((0.4..0.6).contains(&row.score.accuracy.unwrap()), "{row:?}");
        assert!(row.score.coverage.unwrap() > 0.99);
    }
}

#[test]
fn v2_finds_the_trend_of_a_simulated_market() {
    let market = learned(simulated(MarketModel::AR1, "SIM", Interval::HOUR, 8_000));
    let report = run(&[market], &[v2()]);
    let row = report.results.iter().find(|row| row.scope == Scope::Instrument).unwrap();
    let (accuracy, best) = (row.score.accuracy.unwrap(), MarketModel::AR1.best_accuracy().unwrap());
    assert!(accuracy > 0.52 && accuracy < best + 0.03, "{accuracy}");
    assert!(row.interval_95.unwrap().low > 0.5);
}

#[test]
fn report_files_are_written_and_errors_have_the_path() {
    let folder = tempfile::tempdir().unwrap();
    let market = learned(simulated(MarketModel::AR1, "A|B", Interval::HOUR, 1_000));
    let mut report: Report = run(&[market], &boxed(vec![coin("coin", 1)]));
    report.skipped.push(skipped());
    report.run.notes.push("a note".to_string());
    let inner = folder.path().join("new").join("reports");
    report.write(&inner).unwrap();
    report.write(&inner).unwrap();
    let read = |name: &str| std::fs::read_to_string(inner.join(name)).unwrap();
    assert_eq!((read("report.json"), read("report.md")), (report.to_json(), report.to_markdown()));
    let files = 2 + usize::from(cfg!(feature = "html"));
    assert_eq!(std::fs::read_dir(&inner).unwrap().count(), files);
    let text = read("report.md");
    for expected in ["| coin  | A\\|B ", "- broken.csv: line 3", "- a note"] {
        assert!(text.contains(expected), "{expected} in\n{text}");
    }
    assert!(read("report.json").contains("\"A|B\""));

    let file = inner.join("report.md");
    let error = report.write(&file).unwrap_err();
    assert!(error.to_string().contains("report.md"), "{error}");
}

fn skipped() -> windvane_backtest::report::Skipped {
    let (name, reason) = ("broken.csv".to_string(), "line 3: no price".to_string());
    windvane_backtest::report::Skipped { name, reason }
}

#[test]
fn markdown_tables_are_aligned() {
    let mut instruments = markets();
    instruments[0].series = simulated(MarketModel::AR1, "A|NAME|WITH|BARS", Interval::HOUR, 1_500);
    assert_eq!(instruments[0].series.pair(), &Pair::new("A|NAME|WITH|BARS").unwrap());
    let text = run(&instruments, &[v2()]).to_markdown();
    let mut width = None;
    for line in text.lines() {
        let length = line.starts_with('|').then(|| line.chars().count());
        assert!(length.is_none() || width.is_none() || width == length, "{line}");
        width = length;
    }
}
