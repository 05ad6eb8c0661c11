//! Online weights: they follow the outcomes and never see later ones.
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;
use windvane_candles::{CandleSeries, Interval};
use windvane_ensemble::{
    Ensemble, EnsembleError, EnsembleLearner, FixedShare, Voting, Weighting, kinds,
};
use windvane_models::train::Run;
use windvane_models::{DirectionModel, FittedModel, ModelId, Prediction, Predictor, TableReader};
use windvane_signals::{Band, Registry, SignalTable};
use windvane_testing::predictor::{self, feed, policies, under};
use windvane_testing::saved::SavedParts;

use crate::common::{
    RuleModel, follow, losses, market, mean, noise, reverse, with_other_future, with_parts,
};

const FAST: FixedShare = FixedShare { rate: 1.0, share: 0.01 };

fn rules(settings: FixedShare) -> Ensemble {
    let rules: [(&str, crate::common::Rule); 3] =
        [("right", follow), ("noise", noise), ("wrong", reverse)];
    let models = rules.map(|(id, rule)| Box::new(RuleModel::new(id, rule)) as Box<dyn FittedModel>);
    let weights = [1.0, 2.0, 2.0];
    let ensemble = Ensemble::new(ModelId::new("online"), models.into(), &weights, Voting::Soft);
    ensemble.unwrap().with_fixed_share(settings).unwrap()
}

/// Predictions of the batch path, candle by candle.
fn batch(model: &dyn FittedModel, series: &CandleSeries) -> Vec<Option<Prediction>> {
    let spec = &model.spec().signals;
    let tables = [SignalTable::build(spec, &Registry::default(), series, &[]).unwrap()];
    let mut reader = TableReader::new(model, &tables);
    (0..tables[0].len()).map(|row| reader.predict(0, row).unwrap()).collect()
}

#[test]
fn online_weights_move_to_the_member_that_is_right() {
    let series = market(3_000, 1);
    let ensemble = rules(FAST);
    let tables =
        [SignalTable::build(&ensemble.spec().signals, &Registry::default(), &series, &[]).unwrap()];
    let predictions = batch(&ensemble, &series);
    // Agreement is the weight of the members that predict the same direction: of `right` and, in
    // half of the cases, `noise`.
    let late = &predictions[500..];
    let follows = late.iter().flatten().zip(501..).filter(|(p, row)| {
        let rising = tables[0].row(row - 1).unwrap()[0] > 0.0;
        (p.probabilities.margin() > 0.0) == rising
    });
    assert!(follows.count() > late.len() * 8 / 10);
    let fixed = rules(FixedShare { share: 1.0, ..FAST });
    with_parts(&series, |_, _, test| {
        let row = |model: &dyn FittedModel| -> Vec<Prediction> {
            let all = batch(model, &series);
            test.samples().iter().map(|sample| all[sample.row()].clone().unwrap()).collect()
        };
        let (own, other) = (losses(&row(&ensemble), test), losses(&row(&fixed), test));
        let differences: Vec<f64> = own.iter().zip(&other).map(|(a, b)| a - b).collect();
        let (gain, error) = mean(&differences);
        assert!(gain < -2.0 * error, "{gain} ± {error}");
    });
}

#[test]
fn online_weights_with_a_share_of_one_predict_like_fixed_weights() {
    let series = market(300, 1);
    let online = rules(FixedShare { share: 1.0, ..FAST });
    let mut scratch = online.scratch();
    let spec = &online.spec().signals;
    let table = SignalTable::build(spec, &Registry::default(), &series, &[]).unwrap();
    for (row, predicted) in batch(&online, &series).into_iter().enumerate() {
        let Some(predicted) = predicted else { continue };
        let window = table.window(row, 20).unwrap();
        let alone = online.predict(window, &mut scratch).unwrap();
        assert!((alone.probabilities.margin() - predicted.probabilities.margin()).abs() < 1e-6);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn online_weights_are_independent_of_later_candles(cut in 60..290_usize, seed in 1..99_u64) {
        let series = market(300, seed);
        let ensemble = rules(FAST);
        let (own, other) =
            (batch(&ensemble, &series), batch(&ensemble, &with_other_future(&series, cut)));
        prop_assert_eq!(&own[..cut], &other[..cut]);
        prop_assert_ne!(&own[cut..], &other[cut..]);
    }

    #[test]
    fn online_ensemble_streams_like_batch_and_resumes_after_restart(
        seed in 1..1000_u64,
        gaps in prop::collection::vec((0..150_usize, 1..7_usize), 0..3),
        policy in 0..4_usize,
        cut in any::<Index>(),
    ) {
        let series = feed(150, seed, &gaps);
        let cut = cut.index(series.len() + 1);
        let model = saved(policy);
        predictor::streams_like_batch(&model, &series);
        if policy > 0 {
            predictor::resumes_after(&model, &series, cut);
        }
    }
}

/// Saved models under a gap policy with online weights, one of them stateful.
fn saved(policy: usize) -> Arc<dyn FittedModel> {
    let models = ["v2", "v32-stateful", "v31"].map(|kind| {
        let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tests/data");
        let bytes = std::fs::read(format!("{data}/{kind}.format1.safetensors")).unwrap();
        kinds().from_bytes(&under(&bytes, &policies()[policy])).unwrap()
    });
    let ensemble = Ensemble::new(ModelId::new("o"), models.into(), &[1.0, 1.0, 2.0], Voting::Soft);
    let ensemble = ensemble.unwrap().with_fixed_share(FAST).unwrap();
    let loaded = Ensemble::from_bytes(&ensemble.to_bytes().unwrap()).unwrap();
    assert_eq!(loaded.fixed_share(), Some(FAST));
    Arc::new(loaded)
}

#[test]
fn online_ensemble_after_warm_up_allocates_nothing_and_ignores_rejected_candles() {
    predictor::allocates_nothing(&saved(1));
    predictor::ignores_rejected_candles(&saved(1), &feed(80, 3, &[]));
}

#[test]
fn online_state_is_restored_by_a_predictor_of_the_same_model() {
    let series = market(400, 2);
    let model = saved(1);
    let mut whole = Predictor::new(Arc::clone(&model), Interval::HOUR).unwrap();
    let mut first = Predictor::new(Arc::clone(&model), Interval::HOUR).unwrap();
    for candle in &series.candles()[..300] {
        whole.on_candle(candle).unwrap();
        first.on_candle(candle).unwrap();
    }
    let mut second = Predictor::new(model, Interval::HOUR).unwrap();
    second.restore(&first.save()).unwrap();
    for candle in &series.candles()[300..] {
        assert_eq!(second.on_candle(candle).unwrap(), whole.on_candle(candle).unwrap());
    }
}

#[test]
fn online_weights_need_a_channel_with_the_sign_of_the_outcome() {
    let with = |change: fn(&mut serde_json::Value)| {
        let file =
            concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tests/data/v32.format1.safetensors");
        let mut parts = SavedParts::parse(&std::fs::read(file).unwrap());
        change(&mut parts.card["spec"]);
        let model = kinds().from_bytes(&parts.bytes()).unwrap();
        let ensemble = Ensemble::new(ModelId::new("one"), vec![model], &[1.0], Voting::Soft);
        ensemble.unwrap().with_fixed_share(FAST)
    };
    assert!(with(|_| {}).is_ok());
    let horizon = with(|spec| spec["labels"]["horizon"] = 4.into()).unwrap_err();
    assert_eq!(horizon, EnsembleError::NoOutcome { horizon: 4 });
    assert!(horizon.to_string().contains("lag=4"), "{horizon}");
    assert!(
        with(|spec| {
            spec["labels"]["horizon"] = 4.into();
            spec["signals"]["channels"][1] =
                serde_json::json!({"name": "normalized_momentum", "parameters": {"lag": 4.0}});
        })
        .is_ok()
    );
    let band = serde_json::to_value(Band::Fixed { width: 0.01 }).unwrap();
    assert_eq!(band["width"], 0.01);
    let banded = with(|spec| spec["labels"]["band"]["width"] = 0.01.into());
    assert!(matches!(banded, Err(EnsembleError::NoOutcome { horizon: 1 })));
}

#[test]
fn online_learner_starts_from_the_weights_by_log_loss() {
    let series = market(1_500, 3);
    let members = vec![RuleModel::member("right", follow), RuleModel::member("wrong", reverse)];
    let learner = |weighting| EnsembleLearner {
        weighting,
        ..EnsembleLearner::new(ModelId::new("rules"), members.clone())
    };
    with_parts(&series, |train, validation, _| {
        let fit =
            |weighting| learner(weighting).fit_model(train, validation, &Run::new(1)).unwrap();
        let (online, fixed) = (fit(Weighting::FixedShare(FAST)), fit(Weighting::LogLoss));
        let weights = |model: &Ensemble| model.members().map(|(_, w)| w).collect::<Vec<_>>();
        assert_eq!(weights(&online), weights(&fixed));
        assert_eq!((online.fixed_share(), fixed.fixed_share()), (Some(FAST), None));
        assert!(online.stateful().is_some() && fixed.stateful().is_none());
    });
}
