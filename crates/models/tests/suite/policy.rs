//! Policies: live positions equal batch positions, thresholds depend on validation only, storage.
use crate::common;

use common::{market, table};
use serde_json::json;
use windvane_candles::simulate::MarketModel;
use windvane_candles::{Candle, CandleSeries, Interval, Pair, Timestamp};
use windvane_models::train::{Learner, Run};
use windvane_models::v2::WeightedSignalsLearner;
use windvane_models::{
    Artifact, CandleOutcome, DirectionModel, FittedModel, NeutralReason, PanelPredictor, Policy,
    PolicyConfig, Position, PositionTracker, Predictor, TableReader, fit_policy, from_bytes, v32,
};
use windvane_signals::{Dataset, LabelSpec, Panel, Registry, SignalSpec, SignalTable};
use windvane_testing::saved::SavedParts;

/// Policy with a threshold that about a fifth of the pretrained model's scores are above.
fn policy() -> Policy {
    let config = PolicyConfig { share: 0.2, max_holding: Some(7), ..PolicyConfig::default() };
    Policy::fit(config, (0..1_000).map(|k| 4e-7 * f64::from(k))).unwrap()
}

fn without(series: &CandleSeries, missing: impl Fn(usize) -> bool) -> CandleSeries {
    let kept = series.iter().enumerate().filter(|(hour, _)| !missing(*hour));
    let candles = kept.map(|(_, candle)| *candle).collect();
    CandleSeries::new(series.pair().clone(), series.interval(), candles).unwrap()
}

/// Positions from the tables, as in a backtest.
fn batch_positions(table: &SignalTable, policy: &Policy) -> Vec<Position> {
    let (model, tables) = (v32::pretrained(), [table.clone()]);
    let mut reader = TableReader::new(&model, &tables);
    let mut position = Position::NONE;
    let mut positions = Vec::new();
    for (row, sigma) in table.close_volatility().into_iter().enumerate() {
        let prediction = reader.predict(0, row).unwrap();
        let score = prediction.and_then(|p| Some(Policy::score(p.probabilities, sigma?)));
        position = policy.next(position, score);
        positions.push(position);
    }
    positions
}

#[test]
fn live_positions_equal_batch_positions_also_after_gaps_and_a_restart() {
    let series = without(&market(MarketModel::MARTINGALE_GARCH, 700, 5), |hour| {
        (300..304).contains(&hour) || hour == 500
    });
    let expected = batch_positions(&table(&series), &policy());
    let mut predictor = Predictor::new(v32::pretrained(), Interval::HOUR).unwrap();
    let mut tracker = PositionTracker::new(policy(), Interval::HOUR);
    for (row, candle) in series.iter().enumerate() {
        let outcome = predictor.on_candle(candle).unwrap();
        assert_eq!(tracker.on_outcome(candle, &outcome), expected[row], "{row}");
        // An ignored candle changes nothing.
        let again = predictor.on_candle(candle).unwrap();
        assert_eq!(tracker.on_outcome(candle, &again), expected[row]);
        if row % 100 == 50 {
            let text = serde_json::to_string(&tracker).unwrap();
            let restored: PositionTracker = serde_json::from_str(&text).unwrap();
            assert_eq!(restored, tracker);
            tracker = restored;
        }
    }
    let sizes: Vec<f64> = expected.iter().map(Position::size).collect();
    for side in [-1.0, 0.0, 1.0] {
        assert!(sizes.iter().filter(|size| **size == side).count() > 20, "{side}");
    }
    assert!(expected.iter().any(|position| position.candles() == 7));
}

#[test]
fn warm_up_candles_and_panels_give_the_positions_of_single_predictors() {
    let pairs: Vec<Pair> = ["A", "B"].map(|name| name.parse().unwrap()).into();
    let series: Vec<CandleSeries> = (0_u64..)
        .zip(&pairs)
        .map(|(k, pair)| MarketModel::AR1.candles(pair.clone(), Interval::HOUR, 300, k).unwrap())
        .collect();
    let expected = batch_positions(&table(&series[0]), &policy());
    let spec = SignalSpec::default();
    let mut panel = Panel::new(&spec, Interval::HOUR, &Registry::default(), &pairs).unwrap();
    panel.set_max_wait(std::time::Duration::from_secs(3 * 3_600)).unwrap();
    let mut predictor = PanelPredictor::new(v32::pretrained(), panel).unwrap();
    let mut tracker = PositionTracker::new(policy(), Interval::HOUR);
    let mut got = Vec::new();
    // The second pair is one candle late, so that the candles of the first wait for it.
    for hour in 0..=300 {
        let arrivals: [(usize, Option<&Candle>); 2] =
            [(0, series[0].get(hour)), (1, hour.checked_sub(1).and_then(|k| series[1].get(k)))];
        for (place, candle) in arrivals {
            let Some(candle) = candle else { continue };
            if place == 0 {
                tracker.take(candle);
            }
            let update = predictor.on_candle(&pairs[place], candle).unwrap();
            for (_, prediction) in update.predictions.iter().filter(|(pair, _)| *pair == pairs[0]) {
                got.push(tracker.on_prediction(prediction));
            }
            for none in update.without.iter().filter(|none| none.pair == pairs[0]) {
                got.push(tracker.without_prediction(none.decided_at));
            }
        }
    }
    assert_eq!(got, expected);

    let mut warmed = PositionTracker::new(policy(), Interval::HOUR);
    let mut single = Predictor::new(v32::pretrained(), Interval::HOUR).unwrap();
    let (past, later) = series[0].candles().split_at(200);
    for candle in past {
        single.on_candle(candle).unwrap();
        warmed.take(candle);
    }
    let from_none: Vec<Position> = later
        .iter()
        .map(|candle| warmed.on_outcome(candle, &single.on_candle(candle).unwrap()))
        .collect();
    // The position is equal from the first time on at which both have none.
    let both = (0..100).find(|k| [from_none[*k], expected[200 + k]] == [Position::NONE; 2]);
    let both = both.unwrap();
    assert_eq!(from_none[both..], expected[200 + both..]);
}

#[test]
fn vetoed_prediction_and_one_without_a_volatility_leave_the_position() {
    let series = market(MarketModel::AR1, 90, 3);
    let mut predictor = Predictor::new(v32::pretrained(), Interval::HOUR).unwrap();
    let mut tracker = PositionTracker::new(Policy::every_candle(), Interval::HOUR);
    let mut fresh = PositionTracker::new(Policy::every_candle(), Interval::HOUR);
    for (row, candle) in series.iter().enumerate() {
        let outcome = predictor.on_candle(candle).unwrap();
        let before = tracker.on_outcome(candle, &outcome);
        let CandleOutcome::Prediction(prediction) = outcome else { continue };
        assert_ne!(before, Position::NONE);
        assert_eq!(fresh.on_prediction(&prediction), Position::NONE, "without candles");
        for (reason, leaves) in [
            (NeutralReason::Abstained, false),
            (NeutralReason::Disagreement, false),
            (NeutralReason::Expired, true),
            (NeutralReason::Drift, true),
            (NeutralReason::Novelty, true),
        ] {
            let mut own = tracker.clone();
            let neutral = CandleOutcome::Prediction(prediction.clone().into_neutral(reason));
            let next = series.get(row + 1).unwrap_or(candle);
            let position = own.on_outcome(next, &neutral);
            assert_eq!(position == Position::NONE, leaves, "{reason}");
        }
    }
}

/// Policy of a model fitted before and validated up to a time; all later candles are modified.
fn fitted_policy(change_later: bool) -> (Policy, Vec<u8>) {
    let mut candles = market(MarketModel::AR1, 1_600, 9).candles().to_vec();
    let at = |index: usize| Timestamp::from_millis(candles[index].open_time().millis());
    let (validate_from, test_from) = (at(1_000), at(1_300));
    if change_later {
        let later = market(MarketModel::MARTINGALE_GARCH, 1_600, 4);
        // The close of the candle before the test is the last that a validation label uses.
        candles.splice(1_300.., later.candles()[1_300..].iter().copied());
    }
    let series = CandleSeries::new("SIM".parse().unwrap(), Interval::HOUR, candles).unwrap();
    let spec = SignalSpec::default();
    let data = Dataset::from_series(&[series], &spec, 20, LabelSpec::default()).unwrap();
    let parts = data.split(validate_from, test_from).unwrap();
    let learner = WeightedSignalsLearner::learned();
    let model = learner.fit(&parts.train, &parts.validation, &Run::new(1)).unwrap();
    let policy = fit_policy(&*model, &parts.validation, PolicyConfig::default()).unwrap();
    assert!(policy.scores() > 250 && policy.scores() <= parts.validation.len());
    let artifact = model.to_artifact().unwrap().with_policy(&policy);
    (policy, artifact.to_bytes().unwrap())
}

#[test]
fn fitted_policy_depends_on_validation_candles_only_and_is_stored_with_the_model() {
    let (policy, bytes) = fitted_policy(false);
    assert_eq!(fitted_policy(true), (policy, bytes.clone()));
    assert!(policy.entry() > 0.0);
    let artifact = Artifact::from_bytes(&bytes).unwrap();
    assert_eq!(artifact.policy(), Some(&policy));
    // The model itself is the same with and without a policy.
    let model = from_bytes(&bytes).unwrap();
    let plain = Artifact::from_bytes(&model.to_bytes().unwrap()).unwrap();
    assert_eq!((plain.policy(), plain.id()), (None, model.id().clone()));
}

#[test]
fn stored_policy_out_of_range_is_an_error() {
    let (_, bytes) = fitted_policy(false);
    for (place, wrong) in [
        ("/policy/entry", json!(-1.0)),
        ("/policy/full", json!(0.0)),
        ("/policy/config/share", json!(0.0)),
        ("/policy/config/size", json!("half")),
        ("/policy/config/max_holding", json!(0)),
    ] {
        let mut parts = SavedParts::parse(&bytes);
        *parts.card.pointer_mut(place).unwrap() = wrong;
        let error = from_bytes(&parts.bytes()).unwrap_err();
        assert!(matches!(error, windvane_models::LoadError::Damaged { .. }), "{place}: {error}");
    }
}
