//! The model that comes with the crate: what it says of itself is true.
use windvane_candles::{Direction, Interval, Timestamp, sample};
use windvane_models::network::Network;
use windvane_models::v32;
use windvane_models::{DirectionModel, FittedModel, HeldOut, Predictor};
use windvane_signals::{LabelSpec, Registry, SampleSet, SignalTable, Split};

const FILE: &[u8] = include_bytes!("../../pretrained/v32.safetensors");
const README: &str = include_str!("../../pretrained/README.md");

fn measured(model: &Network) -> HeldOut {
    model.record().unwrap().held_out.clone().unwrap()
}

#[test]
fn it_loads_and_says_how_it_came_to_be() {
    let model = v32::pretrained();
    assert_eq!(model.to_bytes().unwrap(), FILE, "nothing is lost on the way");
    assert!(FILE.len() < 25_000, "it is in every binary that asks for it: {}", FILE.len());
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
    // What it is measured on lies behind all it was made from.
    let measured = measured(&model);
    assert!(record.until < record.validated_until && record.validated_until < measured.from);
    let half_year = i64::from(183 * 24);
    assert!(measured.until < measured.from.plus(Interval::HOUR, half_year).unwrap());
    for limit in &record.notes {
        assert!(README.contains(limit.as_str()), "the documents name its limits: {limit}");
    }
}

/// Calls, scored calls and hits on the candles of BTCUSDT decided from `from` on.
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
    let (mut calls, mut scored, mut hits) = (0, 0, 0);
    let mut scratch = model.scratch();
    for sample in held_out.samples() {
        let call = model.predict(held_out.window(sample), &mut scratch).unwrap().direction;
        let went = Direction::of_change(sample.outcome.change);
        let counts = call != Direction::Neutral && went != Direction::Neutral;
        calls += usize::from(call != Direction::Neutral);
        scored += usize::from(counts);
        hits += usize::from(counts && call == went);
    }
    [held_out.len(), calls, scored, hits]
}

#[test]
fn its_accuracy_is_what_it_and_the_documents_say() {
    let model = v32::pretrained();
    let measured = measured(&model);
    let [candles, calls, scored, hits] = counts(&model, measured.from);
    assert_eq!(candles, measured.candles);
    // Another instruction set may turn a call that was a toss-up.
    assert!(scored.abs_diff(measured.scored) <= 5, "{scored} {measured:?}");
    let (accuracy, coverage) = (hits as f64 / scored as f64, calls as f64 / candles as f64);
    assert!((accuracy - measured.accuracy).abs() < 0.002, "{accuracy} {measured:?}");
    assert!((coverage - measured.coverage).abs() < 0.002, "{coverage} {measured:?}");
    let (low, high) = measured.interval_95;
    assert!(low < accuracy && accuracy < high && high - low < 0.06, "{measured:?}");
    assert!(accuracy > 0.5, "{measured:?}");
    assert!(README.contains(&measured.to_string()), "make both again: {measured}");
}

#[test]
fn a_first_prediction_needs_no_training() {
    let series = sample::load("BTCUSDT").unwrap();
    let mut predictor = Predictor::new(v32::pretrained(), Interval::HOUR).unwrap();
    let candles = &series.candles()[..100];
    let said: Vec<_> =
        candles.iter().filter_map(|candle| predictor.on_candle(candle).unwrap()).collect();
    let all = said.iter().map(|prediction| prediction.probabilities.classes());
    assert!(said.len() > 40 && all.into_iter().flatten().all(|p| (0.0..=1.0).contains(&p)));
    let wrong = Predictor::new(v32::pretrained(), Interval::DAY).unwrap_err();
    assert!(wrong.to_string().contains("fitted on 1h candles, the feed has 1d"), "{wrong}");
}
