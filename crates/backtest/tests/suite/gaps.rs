//! Test candles affect neither the gap policy nor the training.
use crate::common::{learned, run, simulated, thinned};
use windvane_backtest::report::TrainingResult;
use windvane_backtest::{Backtest, Instrument, Plan, Report, ResultRow};
use windvane_candles::simulate::MarketModel;
use windvane_candles::{Candle, CandleSeries, Interval, Timestamp};
use windvane_models::train::Learner;
use windvane_models::v2::WeightedSignalsLearner;
use windvane_signals::GapPolicy;

const SESSIONS: GapPolicy = GapPolicy::Sessions { max_missing: 168 };

fn v2() -> Vec<Box<dyn Learner>> {
    vec![Box::new(WeightedSignalsLearner::default())]
}

/// Hourly market without every twentieth candle from an index on.
fn holey(name: &str, from: usize) -> Instrument {
    let whole = simulated(MarketModel::AR1, name, Interval::HOUR, 3_000);
    learned(thinned(&whole, |index| index < from || index % 20 != 0))
}

/// Hourly market with a few missing candles, far below 1 %.
fn whole(name: &str) -> Instrument {
    let series = simulated(MarketModel::AR1, name, Interval::HOUR, 3_000);
    learned(thinned(&series, |index| ![300, 1_100, 2_200].contains(&index)))
}

fn rows_of(report: &Report, name: &str) -> Vec<ResultRow> {
    report.results.iter().filter(|row| row.instrument == name).cloned().collect()
}

#[test]
fn gap_policy_ignores_test_only_instruments() {
    let (own, held_out) = (whole("AAA"), Instrument { test_only: true, ..holey("BBB", 0) });
    let alone = run(std::slice::from_ref(&own), &v2());
    let both = run(&[own, held_out], &v2());
    assert_eq!(both.groups[0].gap_policy, GapPolicy::Reset);
    // Window counts and data hashes, then results.
    assert_eq!(both.training, alone.training);
    assert!(!alone.training.is_empty());
    assert_eq!(rows_of(&both, "AAA"), rows_of(&alone, "AAA"));
    assert_eq!(rows_of(&alone, "AAA").len(), 1);
    let windows = |report: &Report| -> Vec<_> {
        report.groups[0].folds.iter().map(|f| (f.train_windows, f.validation_windows)).collect()
    };
    assert_eq!(windows(&both), windows(&alone));
}

#[test]
fn training_ignores_gaps_of_the_test_period() {
    let market = whole("AAA");
    let at = |index| market.series.close_time(index).unwrap();
    let plan = Plan::Holdout { validate_from: at(1_500), test_from: at(2_000), embargo: 1 };
    let backtest = Backtest { plan, ..Backtest::default() };
    let run =
        |market: &Instrument| backtest.run(std::slice::from_ref(market), &v2(), &|_| {}).unwrap();
    let thin = learned(thinned(&market.series, |index| !(2_200..2_260).contains(&index)));
    let (before, after) = (run(&market), run(&thin));
    let learned = |report: &Report| -> Vec<TrainingResult> { report.training.clone() };
    assert_eq!(learned(&before), learned(&after));
    assert_eq!(after.groups[0].gap_policy, GapPolicy::Reset);
    assert_ne!(before.results[0].score.candles, after.results[0].score.candles);
    assert_ne!(before.run.data_hash, after.run.data_hash);
}

#[test]
fn gap_policy_is_inferred_before_the_first_validation() {
    let policy = |from| run(&[holey("AAA", from)], &v2()).groups[0].gap_policy;
    assert_eq!(policy(0), SESSIONS);
    // The first validation begins at about a sixth of 3,000.
    assert_eq!(policy(600), GapPolicy::Reset);
}

#[test]
fn given_gap_policy_is_used_and_reported() {
    let run = |gaps| {
        let backtest = Backtest { gaps, ..Backtest::default() };
        backtest.run(&[whole("AAA")], &v2(), &|_| {}).unwrap()
    };
    for (policy, words) in [
        (SESSIONS, "up to 168 missing candles are skipped"),
        (GapPolicy::Reset, "signals restart after a gap"),
        (GapPolicy::Hold { max_missing: 5 }, "up to 5 missing candles are filled with the last"),
    ] {
        let report = run(Some(policy));
        assert_eq!((report.run.gaps, report.groups[0].gap_policy), (Some(policy), policy));
        let text = report.to_markdown();
        assert!(text.contains(words) && text.contains("(as given)"), "{text}");
    }
    let inferred = run(None);
    assert_eq!(inferred.run.gaps, None);
    assert!(inferred.to_markdown().contains("(inferred from the share of missing time steps"));
    let backtest = Backtest { gaps: Some(GapPolicy::Error), ..Backtest::default() };
    let error = backtest.run(&[whole("AAA")], &v2(), &|_| {}).unwrap_err().to_string();
    assert!(error.contains("1 candle"), "{error}");
}

/// Candles of a market at other open times.
fn opening_at(interval: Interval, name: &str, opens: impl Iterator<Item = i64>) -> Instrument {
    let opens: Vec<i64> = opens.take(1_500).collect();
    let whole = simulated(MarketModel::AR1, name, Interval::HOUR, opens.len());
    let candles = opens.iter().zip(&whole).map(|(open, candle)| {
        Candle::new(Timestamp::from_millis(open * 60_000), candle.values()).expect("a candle")
    });
    learned(CandleSeries::new(whole.pair().clone(), interval, candles.collect()).expect("a series"))
}

/// Seven hours of stocks from half past, and six candles of four hours from 22:00 or 21:00.
fn sessions() -> [Instrument; 2] {
    let stocks = (0..7_000).filter(|hour| hour / 24 % 7 < 5 && (14..21).contains(&(hour % 24)));
    let fours = (0..3_000).filter(|four| four / 6 % 7 < 5);
    let summer = |four: i64| i64::from(four / 6 / 7 % 52 >= 26);
    [
        opening_at(
            "1h+30m".parse().expect("an interval"),
            "STOCK",
            stocks.map(|hour| hour * 60 + 30),
        ),
        opening_at(
            "4h@session".parse().expect("an interval"),
            "EURUSD",
            fours.map(|four| (four * 4 + 22 - summer(four)) * 60),
        ),
    ]
}

#[test]
fn backtest_of_session_grids_uses_sessions_and_does_not_pool_them() {
    let hours = whole("AAA");
    let [stocks, fours] = sessions();
    let report = run(&[hours, stocks, fours], &v2());
    assert!(report.failures.is_empty(), "{:?}", report.failures);
    let groups: Vec<(String, GapPolicy)> =
        report.groups.iter().map(|group| (group.interval.to_string(), group.gap_policy)).collect();
    let expected = [
        ("1h".to_owned(), GapPolicy::Reset),
        ("1h+30m".to_owned(), SESSIONS),
        ("4h@session".to_owned(), GapPolicy::Sessions { max_missing: 42 }),
    ];
    assert_eq!(groups, expected);
    for name in ["STOCK", "EURUSD"] {
        let row = report.results.iter().find(|row| row.instrument == name).unwrap();
        assert!(row.score.coverage.unwrap() > 0.9 && row.score.accuracy.is_some());
    }
    assert!(report.to_markdown().contains("Gaps of 4h@session candles"));
}
