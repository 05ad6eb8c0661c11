//! Models of candles whose grid begins with the session: hours from 09:30, four hours and days of
//! New York across clock changes, weeks from Sunday.
use crate::common;

use std::sync::Arc;

use windvane_candles::simulate::MarketModel;
use windvane_candles::{Candle, CandleSeries, Interval, Timestamp};
use windvane_models::logistic::LogisticLearner;
use windvane_models::train::Run;
use windvane_models::v2::WeightedSignalsLearner;
use windvane_models::{FittedModel, PredictError, Predictor, from_bytes};
use windvane_signals::{GapPolicy, LabelSpec, Registry, SampleSet, SignalSpec, SignalTable};
use windvane_testing::predictor;

const DAY: i64 = 86_400_000;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Simulated candles at these open times, milliseconds.
fn series(interval: &str, opens: &[i64]) -> CandleSeries {
    let pair: windvane_candles::Pair = "SIM".parse().unwrap();
    let values = MarketModel::AR1.candles(pair.clone(), Interval::HOUR, opens.len(), 3).unwrap();
    let candles = opens
        .iter()
        .zip(&values)
        .map(|(open, candle)| Candle::new(Timestamp::from_millis(*open), candle.values()).unwrap());
    CandleSeries::new(pair, interval.parse().unwrap(), candles.collect()).unwrap()
}

/// Open times on the trading days of New York from Monday, 2023-01-02 on, at minutes of its clock.
fn new_york(days: i64, minutes: &[i64]) -> Vec<i64> {
    let summers = [("2023-03-12", "2023-11-05"), ("2024-03-10", "2024-11-03")];
    let is_summer = |date: i64| {
        let inside =
            |(from, to): &(&str, &str)| (time(from).millis()..time(to).millis()).contains(&date);
        summers.iter().any(inside)
    };
    let open = |day: i64, minute: i64| {
        let local = time("2023-01-02").millis() + day * DAY + minute * 60_000;
        local + if is_summer(local) { 4 } else { 5 } * 3_600_000
    };
    let days = (0..days).filter(|day| day % 7 < 5);
    days.flat_map(|day| minutes.iter().map(move |minute| open(day, *minute))).collect()
}

/// Hours of stocks from 09:30, four hours and days of foreign exchange from 17:00 of the day
/// before, and weeks from Sunday.
fn markets() -> [CandleSeries; 4] {
    let stocks: Vec<i64> = (0..7).map(|hour| 9 * 60 + 30 + 60 * hour).collect();
    let fours: Vec<i64> = (0..6).map(|four| 17 * 60 - 24 * 60 + 240 * four).collect();
    let weeks: Vec<i64> =
        (0..700).map(|week| time("2005-01-02").millis() + 7 * week * DAY).collect();
    [
        series("1h+30m", &new_york(330, &stocks)),
        series("4h@session", &new_york(400, &fours)),
        series("1d@session", &new_york(700, &fours[..1])),
        series("1w+6d", &weeks),
    ]
}

/// A model with weights and one with a window, fitted on a market with sessions, after saving and
/// loading.
fn models(series: &CandleSeries) -> [Arc<dyn FittedModel>; 2] {
    let gaps = GapPolicy::Sessions { max_missing: 168 };
    let spec = SignalSpec { gaps, ..SignalSpec::default() };
    let tables = [SignalTable::build(&spec, &Registry::default(), series, &[]).unwrap()];
    let samples = SampleSet::collect(&tables, 20, LabelSpec::default()).unwrap();
    let split = common::split(series);
    let (train, validation) = (split.train(&samples).unwrap(), split.validation(&samples).unwrap());
    let run = Run::new(7);
    let v2 = WeightedSignalsLearner::default().fit_model(&train, &validation, &run).unwrap();
    let logistic = LogisticLearner::default().fit_model(&train, &validation, &run).unwrap();
    let saved = [v2.to_bytes().unwrap(), logistic.to_bytes().unwrap()];
    saved.map(|bytes| Arc::from(from_bytes(&bytes).unwrap()))
}

#[test]
fn models_of_session_grids_predict_live_with_the_bits_of_batch() {
    for series in markets() {
        for model in models(&series) {
            assert_eq!(model.spec().interval, series.interval());
            predictor::streams_like_batch(&model, &series);
            predictor::resumes_after(&model, &series, series.len() / 2);
        }
    }
}

#[test]
fn predictor_of_another_grid_is_an_error_with_both_intervals() {
    let [stocks, fours, ..] = markets();
    let error = |series: &CandleSeries, interval: &str| {
        let [v2, _] = models(series);
        let error = Predictor::new(v2, interval.parse().unwrap()).unwrap_err();
        assert!(matches!(error, PredictError::Interval { .. }), "{error}");
        error.to_string()
    };
    let text = error(&stocks, "1h");
    assert!(text.contains("fitted on 1h+30m candles, the feed has 1h;"), "{text}");
    let text = error(&fours, "4h+2h");
    assert!(text.contains("fitted on 4h@session candles, the feed has 4h+2h;"), "{text}");
}

#[test]
fn predictor_rejects_a_candle_by_session_that_overlaps_the_last_one() {
    let [_, fours, ..] = markets();
    let [v2, _] = models(&fours);
    let (mut clean, mut disturbed) = (predictor::predictor(&v2), predictor::predictor(&v2));
    for candle in &fours {
        let expected = clean.on_candle(candle).unwrap();
        assert_eq!(disturbed.on_candle(candle).unwrap(), expected);
        let early = Timestamp::from_millis(candle.open_time().millis() + 3_600_000);
        let early = Candle::new(early, candle.values()).unwrap();
        let error = disturbed.on_candle(&early).unwrap_err();
        assert!(matches!(error, PredictError::Overlap { .. }), "{error}");
    }
    assert_eq!(disturbed.feed_stats().misaligned, fours.len() as u64);
    // The weekend of the clock change has an hour less than whole candles.
    let last = time("2023-03-10 18:00").millis();
    let at = fours.iter().position(|candle| candle.open_time().millis() == last).unwrap();
    assert_eq!(fours.candles()[at + 1].open_time(), time("2023-03-12 21:00"));
}
