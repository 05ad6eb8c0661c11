//! Predictions with a carried state against a single pass over all rows.
#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
use std::sync::Arc;

use proptest::prelude::*;
use windvane_candles::simulate::MarketModel;
use windvane_candles::{CandleSeries, Interval};
use windvane_lstm_core::Tensors;
use windvane_signals::{GapPolicy, LabelSpec, Registry, Scaler, SignalSpec, SignalTable};

use crate::network::{CLASSES, Encoder, Layers, Network, NetworkConfig, WindowShape};
use crate::{DirectionModel, ModelSpec, Prediction, Predictor, TableReader};

const LOOKBACK: usize = 7;
const ENCODERS: [Encoder; 2] = [
    Encoder::Lstm { units: 13, bidirectional: false },
    Encoder::Gru { units: 13, bidirectional: false },
];
const POLICIES: [GapPolicy; 4] = [
    GapPolicy::Error,
    GapPolicy::Reset,
    GapPolicy::Sessions { max_missing: 3 },
    GapPolicy::Hold { max_missing: 3 },
];

/// Creates a network with sine weights that are large enough for a long memory of the state.
fn model(encoder: Encoder, gaps: GapPolicy) -> Network {
    let signals = SignalSpec { gaps, ..SignalSpec::default() };
    let width = signals.width();
    let config = NetworkConfig { stateful: true, ..NetworkConfig::new(encoder) };
    let layers = Layers::new(&config, &WindowShape::new(LOOKBACK, width), CLASSES).unwrap();
    let mut weights = Tensors::new(layers.specs());
    for (index, weight) in weights.flat_mut().iter_mut().enumerate() {
        *weight = (index as f32 * 1.3).sin() * 0.6;
    }
    let (interval, labels) = (Interval::HOUR, LabelSpec::default());
    let spec = ModelSpec { signals, interval, lookback: LOOKBACK, labels };
    let scaler = Scaler::from_parts(vec![0.0; width], vec![0.02; width], 5.0).unwrap();
    Network::new(spec, scaler, layers, weights).unwrap()
}

/// Simulates candles without those in `holes`; with [`GapPolicy::Error`] they end at the first
/// hole.
fn feed(seed: u64, holes: &[(usize, usize)], gaps: GapPolicy) -> CandleSeries {
    let whole =
        MarketModel::REGIME.candles("SIM".parse().unwrap(), Interval::HOUR, 220, seed).unwrap();
    let candles: Vec<_> = (0..whole.len())
        .filter(|index| !holes.iter().any(|&(at, len)| (at..at + len).contains(index)))
        .collect();
    let apart = candles.windows(2).position(|two| two[1] - two[0] > 1);
    let end = apart.filter(|_| gaps == GapPolicy::Error).map_or(candles.len(), |at| at + 1);
    let candles = candles[..end].iter().map(|&index| whole.candles()[index]).collect();
    CandleSeries::new(whole.pair().clone(), Interval::HOUR, candles).unwrap()
}

/// Computes the predictions at every row, with one pass over each run of rows.
fn long_passes(model: &Network, table: &SignalTable) -> Vec<Option<Prediction>> {
    let Network { packed, scaler, calibration, id, .. } = model;
    let (width, hidden) = (table.width(), model.config().encoder.units());
    let mut predictions = vec![None; table.len()];
    let ends = (0..table.len()).filter(|row| table.run(*row) > 0 && table.run(row + 1) <= 1);
    for end in ends {
        let first = end + 1 - table.run(end);
        let rows: Vec<f64> =
            (first..=end).flat_map(|row| table.row(row).unwrap().to_vec()).collect();
        let mut scaled = vec![0.0; rows.len()];
        scaler.apply_rows(&rows, &mut scaled).unwrap();
        let mut states = vec![0.0; rows.len() / width * hidden];
        let mut buffers = packed.buffers(1);
        packed
            .encoder
            .sequence(&scaled, &mut states, &mut packed.encoder.scratch(LOOKBACK))
            .unwrap();
        for (row, state) in (first..=end).zip(states.chunks_exact(hidden)) {
            if table.run(row) >= LOOKBACK && !table.is_held(row) {
                let mut logits = [0.0; CLASSES];
                packed.logits_of_state(state, &mut buffers, &mut logits).unwrap();
                let at = table.close_time(row).unwrap();
                predictions[row] = Some(calibration.prediction(logits, at, 1, id).unwrap());
            }
        }
    }
    predictions
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn stateful_predictor_and_reader_equal_one_long_pass(
        seed in 1..1000_u64,
        holes in prop::collection::vec((0..220_usize, 1..7_usize), 0..5),
        encoder in prop::sample::select(&ENCODERS[..]),
        gaps in prop::sample::select(&POLICIES[..]),
        far in 0..40_usize,
    ) {
        let (model, series) = (Arc::new(model(encoder, gaps)), feed(seed, &holes, gaps));
        let signals = &model.spec().signals;
        let table = SignalTable::build(signals, &Registry::default(), &series, &[]).unwrap();
        let expected = long_passes(&model, &table);
        let mut predictor = Predictor::new(Arc::clone(&model), Interval::HOUR).unwrap();
        let own = (0..table.len()).filter(|row| !table.is_held(*row));
        for (row, candle) in own.zip(&series) {
            let live = predictor.on_candle(candle).unwrap().into_prediction();
            prop_assert_eq!(&live, &expected[row]);
        }
        let tables = [table];
        let mut reader = TableReader::new(&*model, &tables);
        for (row, expected) in expected.iter().enumerate() {
            prop_assert_eq!(&reader.predict(0, row).unwrap(), expected);
        }
        // Backward, and with several rows skipped.
        let skipping = (0..expected.len()).step_by(far + 1);
        for row in (0..expected.len()).rev().step_by(29).chain(skipping) {
            prop_assert_eq!(&reader.predict(0, row).unwrap(), &expected[row]);
        }
    }
}

#[test]
fn stateful_prediction_depends_on_earlier_rows_only() {
    for encoder in ENCODERS {
        check_dependence(&model(encoder, GapPolicy::Reset));
    }
}

/// Checks that earlier rows change a prediction and later ones do not.
fn check_dependence(model: &Network) {
    let tables = [3, 4].map(|seed| {
        // The first 60 candles differ; the later ones have the same returns.
        let (one, other) = (feed(3, &[], GapPolicy::Reset), feed(seed, &[], GapPolicy::Reset));
        let mut candles = other.candles()[..60].to_vec();
        let factor = other.candles()[59].close() / one.candles()[59].close();
        candles.extend(one.candles()[60..].iter().map(|candle| scaled(candle, factor)));
        let series = CandleSeries::new(one.pair().clone(), Interval::HOUR, candles).unwrap();
        SignalTable::build(&model.spec().signals, &Registry::default(), &series, &[]).unwrap()
    });
    let mut reader = TableReader::new(model, &tables);
    let row = 60 + 26 + 3;
    assert_ne!(reader.predict(0, row).unwrap(), reader.predict(1, row).unwrap());
    // A single window is read from a zero state, like the first window of a table.
    let window = tables[0].window(row, LOOKBACK).unwrap();
    let alone = model.predict(window, &mut model.scratch()).unwrap();
    assert_ne!(Some(alone), reader.predict(0, row).unwrap());
    let first = (0..tables[0].len()).find(|row| tables[0].run(*row) == LOOKBACK).unwrap();
    let window = tables[0].window(first, LOOKBACK).unwrap();
    let alone = model.predict(window, &mut model.scratch()).unwrap();
    assert_eq!(Some(alone), reader.predict(0, first).unwrap());
    // Later candles do not change a prediction.
    let all = feed(3, &[], GapPolicy::Reset);
    let table = |series: &CandleSeries| {
        let signals = &model.spec().signals;
        [SignalTable::build(signals, &Registry::default(), series, &[]).unwrap()]
    };
    let (whole, part) = (table(&all), table(&all.split_at(all.candles()[150].open_time()).0));
    let [mut whole, mut part] = [&whole, &part].map(|tables| TableReader::new(model, tables));
    for row in 0..150 {
        assert_eq!(whole.predict(0, row).unwrap(), part.predict(0, row).unwrap());
    }
}

/// Multiplies the prices of a candle by a factor.
fn scaled(candle: &windvane_candles::Candle, factor: f64) -> windvane_candles::Candle {
    let windvane_candles::Ohlcv { open, high, low, close, volume } = candle.values();
    let [open, high, low, close] = [open, high, low, close].map(|price| price * factor);
    let values = windvane_candles::Ohlcv { open, high, low, close, volume };
    windvane_candles::Candle::new(candle.open_time(), values).unwrap()
}
