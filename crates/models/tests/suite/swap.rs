//! Swapping models between two candles, and expiry.

use std::sync::Arc;

use proptest::prelude::*;
use windvane_candles::{Candle, Direction, Interval};
use windvane_models::{
    DirectionModel, FittedModel, ModelId, ModelSpec, NeutralReason, PredictError, Prediction,
    Predictor, Scratch, from_bytes,
};
use windvane_signals::{ChannelSpec, GapPolicy, LabelSpec, SignalSpec, Window};
use windvane_testing::predictor::{self, feed};

/// A model whose prediction depends on every bit of its window.
#[derive(Debug, Clone)]
struct Digest {
    id: ModelId,
    spec: ModelSpec,
}

impl Digest {
    fn new(channels: &[ChannelSpec], gaps: GapPolicy, lookback: usize) -> Self {
        let signals = SignalSpec { channels: channels.to_vec(), gaps };
        let (interval, labels) = (Interval::HOUR, LabelSpec::default());
        Self { id: ModelId::new("digest"), spec: ModelSpec { signals, interval, lookback, labels } }
    }

    fn predictor(&self) -> Predictor {
        Predictor::new(self.clone(), Interval::HOUR).unwrap()
    }
}

impl FittedModel for Digest {}

impl DirectionModel for Digest {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn scratch(&self) -> Scratch {
        Scratch::new(())
    }

    fn predict(&self, window: Window<'_>, _: &mut Scratch) -> Result<Prediction, PredictError> {
        self.spec.check(&window)?;
        let bytes: Vec<u8> =
            window.values().iter().flat_map(|value| value.to_bits().to_le_bytes()).collect();
        let hash = xxhash_rust::xxh3::xxh3_64(&bytes);
        let up = (hash >> 40) as f32 / (1 << 24) as f32;
        Prediction::new([up, 1.0 - up, 0.0], window.decided_at(), 1, &self.id)
    }
}

fn default_channels() -> Vec<ChannelSpec> {
    SignalSpec::default().channels
}

/// The default channels in another order with two more; `slow` is the lag of the slower one.
fn wider(slow: f64) -> Vec<ChannelSpec> {
    let more = |lag| ChannelSpec::new("momentum").with("lag", lag);
    let mut channels = default_channels();
    channels.reverse();
    channels.insert(2, more(5.0));
    channels.push(more(slow));
    channels
}

/// Prediction after a candle, if there is one.
fn predict(predictor: &mut Predictor, candle: &Candle) -> Option<Prediction> {
    predictor.on_candle(candle).unwrap().into_prediction()
}

/// Swaps after `cut` candles and compares with a predictor that had the new model from the start:
/// the same predictions, or `None` while the kept candles are too few. Returns the number of
/// missing predictions.
fn compare(
    old: &Digest,
    new: &Digest,
    keep: Option<usize>,
    candles: &[Candle],
    cut: usize,
) -> usize {
    let (mut always, mut swapped) = (new.predictor(), old.predictor());
    if let Some(keep) = keep {
        swapped = Predictor::builder(old.clone(), Interval::HOUR).history(keep).build().unwrap();
    }
    for candle in &candles[..cut] {
        always.on_candle(candle).unwrap();
        swapped.on_candle(candle).unwrap();
    }
    swapped.swap(new.clone()).unwrap();
    let mut missing = 0;
    let hour = Interval::HOUR;
    let gaps = candles.windows(2).any(|two| two[0].close_time(hour) != two[1].open_time());
    for candle in &candles[cut..] {
        let needed = swapped.candles_needed();
        let (expected, got) = (predict(&mut always, candle), predict(&mut swapped, candle));
        assert_eq!(got.is_some(), swapped.candles_needed() == 0);
        assert!(gaps || got.is_some() == (needed <= 1));
        if got.is_some() {
            assert_eq!(got, expected);
        }
        missing += usize::from(got != expected);
    }
    missing
}

const GAPS: [GapPolicy; 3] =
    [GapPolicy::Reset, GapPolicy::Sessions { max_missing: 3 }, GapPolicy::Hold { max_missing: 3 }];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn swap_equals_predictor_with_new_model(
        seed in 1..500_u64,
        holes in prop::collection::vec((0..250_usize, 1..7_usize), 0..4),
        gaps in prop::sample::select(&GAPS[..]),
        (old_lookback, lookback) in (1..25_usize, 1..25_usize),
        (slow, keep) in (1..70_u8, prop::option::of(1..300_usize)),
        cut in 0..200_usize,
        narrower in any::<bool>(),
    ) {
        let series = feed(250, seed, &holes);
        let cut = cut.min(series.len());
        let narrow = Digest::new(&default_channels()[1..4], gaps, old_lookback);
        let wide = Digest::new(&wider(f64::from(slow)), gaps, lookback);
        let plain = Digest::new(&default_channels(), gaps, old_lookback);
        // The wide model has no new channel with infinite memory.
        let (old, new) = if narrower { (&wide, &narrow) } else { (&plain, &wide) };
        compare(old, new, keep, series.candles(), cut);
    }
}

#[test]
fn swap_same_spec_needs_no_warm_up() {
    let series = feed(200, 3, &[(90, 2)]);
    let model = Digest::new(&default_channels(), GapPolicy::Reset, 20);
    assert_eq!(compare(&model, &model, Some(1), series.candles(), 170), 0);
}

#[test]
fn swap_wider_spec_uses_kept_candles() {
    let series = feed(1_000, 3, &[]);
    let old = Digest::new(&default_channels(), GapPolicy::Reset, 20);
    let new = |slow, lookback| Digest::new(&wider(slow), GapPolicy::Reset, lookback);
    let missing = |new: &Digest, keep| compare(&old, new, keep, series.candles(), 900);
    // The default keeps 45 candles, which are enough for a lag of 24 and 20 rows.
    assert_eq!(missing(&new(24.0, 20), None), 0);
    assert_eq!(missing(&new(60.0, 20), None), 34);
    assert_eq!(missing(&new(60.0, 20), Some(80)), 0);
    // The rows of the old channels before the old lookback are not kept.
    assert_eq!(missing(&new(24.0, 30), Some(80)), 9);
    // With all candles kept, the new model may read any channels.
    let mut rsi = new(60.0, 40);
    rsi.spec.signals.channels.push(ChannelSpec::new("rsi").with("period", 21.0));
    assert_eq!(missing(&rsi, Some(1_000)), 0);
    rsi.spec.signals.gaps = GapPolicy::Hold { max_missing: 3 };
    assert_eq!(missing(&rsi, Some(1_000)), 0);
}

#[test]
fn swap_other_gap_policy_restarts_warm_up() {
    let series = feed(300, 3, &[]);
    let old = Digest::new(&default_channels(), GapPolicy::Reset, 20);
    let new = Digest::new(&default_channels(), GapPolicy::Error, 20);
    let mut swapped = old.predictor();
    for candle in series.iter().take(200) {
        swapped.on_candle(candle).unwrap();
    }
    swapped.swap(new).unwrap();
    assert_eq!(swapped.candles_needed(), 45);
    let later = series.iter().skip(200).map(|candle| predict(&mut swapped, candle));
    assert_eq!(later.filter(Option::is_none).count(), 44);
}

#[test]
fn swap_failure_keeps_old_model() {
    let series = feed(200, 3, &[]);
    let model = Digest::new(&default_channels(), GapPolicy::Reset, 20);
    let (mut clean, mut tried) = (model.predictor(), model.predictor());
    let mut daily = model.clone();
    daily.spec.interval = Interval::DAY;
    let mut unknown = model.clone();
    unknown.spec.signals.channels.push(ChannelSpec::new("moon"));
    let mut empty = model;
    empty.spec.lookback = 0;
    for candle in &series {
        assert!(matches!(tried.swap(daily.clone()), Err(PredictError::Interval { .. })));
        assert!(matches!(tried.swap(unknown.clone()), Err(PredictError::Signal(_))));
        assert!(matches!(tried.swap(empty.clone()), Err(PredictError::Signal(_))));
        assert_eq!(tried.on_candle(candle).unwrap(), clean.on_candle(candle).unwrap());
    }
}

#[test]
fn expired_model_predicts_neutral_until_swap() {
    let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let saved = std::fs::read(data.join("v32.format1.safetensors")).unwrap();
    let model: Arc<dyn FittedModel> = Arc::from(from_bytes(&saved).unwrap());
    let (mut free, mut bound) = (predictor::predictor(&model), predictor::predictor(&model));
    // The model was fitted on candles up to 2024; the simulated candles are older.
    bound.set_expire_after(10).unwrap();
    let series = feed(200, 3, &[]);
    let until = series.close_time(120).unwrap();
    let mut suppressed = 0;
    for (index, candle) in series.iter().enumerate() {
        if index == 60 {
            bound.set_expire_at(until);
        }
        if index == 180 {
            bound.swap(Arc::clone(&model)).unwrap();
        }
        let (expected, got) = (predict(&mut free, candle), predict(&mut bound, candle));
        let expired = (121..180).contains(&index);
        let directional = expected.as_ref().is_some_and(|p| p.direction != Direction::Neutral);
        if expired && directional {
            let got = got.unwrap();
            assert_eq!(
                (got.direction, got.neutral),
                (Direction::Neutral, Some(NeutralReason::Expired))
            );
            // The probabilities and the confidence stay those of the model.
            let expected = expected.unwrap();
            assert_eq!(got.probabilities, expected.probabilities);
            assert_eq!(got.confidence.to_bits(), expected.confidence.to_bits());
            assert!(got.confidence > 0.4, "that of UP or DOWN");
            suppressed += 1;
        } else {
            assert_eq!(got, expected);
        }
    }
    assert!(suppressed > 20, "{suppressed}");
    let digest = Digest::new(&default_channels(), GapPolicy::Reset, 20);
    let error = digest.predictor().set_expire_after(10).unwrap_err();
    assert!(matches!(error, PredictError::NoRecord { .. }), "{error}");
}
