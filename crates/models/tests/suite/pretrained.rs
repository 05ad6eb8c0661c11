//! Pretrained model: its training record and its accuracy.
use windvane_candles::{Direction, Interval, Timestamp, sample};
use windvane_models::network::Network;
use windvane_models::v32;
use windvane_models::{CandleOutcome, DirectionModel, FittedModel, HeldOut, Predictor};
use windvane_signals::{LabelSpec, Registry, SampleSet, SignalTable, Split};

const FILE: &[u8] = include_bytes!("../../pretrained/v32.safetensors");
const README: &str = include_str!("../../pretrained/README.md");

fn measured(model: &Network) -> HeldOut {
    model.record().unwrap().held_out.clone().unwrap()
}

#[test]
fn pretrained_has_training_record() {
    let model = v32::pretrained();
    assert_eq!(model.to_bytes().unwrap(), FILE, "nothing is lost on the way");
    assert!(FILE.len() < 25_000, "it is part of every binary with the feature: {}", FILE.len());
    let spec = model.spec();
    assert_eq!(
        (model.config().encoder.units(), spec.interval, spec.lookback),
        (32, Interval::HOUR, 20)
    );
    let record = model.record().unwrap();
    assert_eq!(record.pairs, ["BTCUSDT"]);
    assert!(record.windows > 10_000 && record.epochs > 0 && record.seed > 0, "{record:?}");
    assert!(record.notes.iter().any(|note| note.contains("--pretrained")), "how to make it");
    assert!(record.constant_channels.is_empty());
    // The held-out candles are after the training and validation periods.
    let measured = measured(&model);
    assert!(record.until < record.validated_until && record.validated_until < measured.from);
    let half_year = i64::from(183 * 24);
    assert!(measured.until < measured.from.plus(Interval::HOUR, half_year).unwrap());
    for limit in &record.notes {
        assert!(README.contains(limit.as_str()), "the documents name its limits: {limit}");
    }
}

/// Numbers of candles, predictions UP or DOWN, scored predictions and correct ones on BTCUSDT,
/// for decisions from `from` on.
fn counts(model: &Network, from: Timestamp) -> [usize; 4] {
    let series = sample::load("BTCUSDT").unwrap();
    let spec = model.spec();
    let tables = [SignalTable::build(&spec.signals, &Registry::default(), &series, &[]).unwrap()];
    let samples = SampleSet::collect(&tables, spec.lookback, LabelSpec::default()).unwrap();
    let before = series.close_time(100).unwrap();
    let held_out = Split::builder()
        .validate_from(before)
        .test_from(from)
        .embargo(0)
        .build()
        .unwrap()
        .test(&samples);
    let (mut predictions, mut scored, mut correct) = (0, 0, 0);
    let mut scratch = model.scratch();
    for sample in held_out.samples() {
        let predicted = model.predict(held_out.window(sample), &mut scratch).unwrap().direction;
        let outcome = Direction::from_change(sample.outcome().change);
        let counts = predicted != Direction::Neutral && outcome != Direction::Neutral;
        predictions += usize::from(predicted != Direction::Neutral);
        scored += usize::from(counts);
        correct += usize::from(counts && predicted == outcome);
    }
    [held_out.len(), predictions, scored, correct]
}

#[test]
fn pretrained_accuracy_matches_record_and_readme() {
    let model = v32::pretrained();
    let measured = measured(&model);
    let [candles, predictions, scored, correct] = counts(&model, measured.from);
    assert_eq!(candles, measured.candles);
    // Another instruction set may change a prediction whose margin is close to 0.
    assert!(scored.abs_diff(measured.scored) <= 5, "{scored} {measured:?}");
    let (accuracy, coverage) =
        (correct as f64 / scored as f64, predictions as f64 / candles as f64);
    assert!((accuracy - measured.accuracy).abs() < 0.002, "{accuracy} {measured:?}");
    assert!((coverage - measured.coverage).abs() < 0.002, "{coverage} {measured:?}");
    let (low, high) = measured.interval_95;
    assert!(low < accuracy && accuracy < high && high - low < 0.06, "{measured:?}");
    assert!(accuracy > 0.5, "{measured:?}");
    assert!(README.contains(&measured.to_string()), "make both again: {measured}");
}

#[test]
fn pretrained_predicts_without_training() {
    let series = sample::load("BTCUSDT").unwrap();
    let mut predictor = Predictor::new(v32::pretrained(), Interval::HOUR).unwrap();
    let candles = &series.candles()[..100];
    let outcomes = candles.iter().map(|candle| predictor.on_candle(candle).unwrap());
    let predictions: Vec<_> = outcomes.filter_map(CandleOutcome::into_prediction).collect();
    let all = predictions.iter().map(|prediction| prediction.probabilities.classes());
    assert!(predictions.len() > 40 && all.into_iter().flatten().all(|p| (0.0..=1.0).contains(&p)));
    let wrong = Predictor::new(v32::pretrained(), Interval::DAY).unwrap_err();
    assert!(wrong.to_string().contains("fitted on 1h candles, the feed has 1d"), "{wrong}");
}
