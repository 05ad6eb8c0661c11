//! Predictor in a live loop; `streaming.rs` tests its guarantees for every model.
use crate::common;

use std::sync::Arc;

use common::{market, models, table};
use windvane_candles::simulate::MarketModel;
use windvane_candles::{CandleSeries, Interval};
use windvane_models::{
    CandleOutcome, DirectionModel, FittedModel, ModelId, ModelSpec, PredictError, Prediction,
    Predictor, Scratch,
};
use windvane_signals::{ChannelSpec, Window};

#[test]
fn predict_batch_has_bits_of_predict() {
    let table = table(&market(MarketModel::REGIME, 120, 5));
    let windows: Vec<Window<'_>> = (0..120).filter_map(|row| table.window(row, 20)).collect();
    assert!(windows.len() > 50 && !windows.len().is_multiple_of(24));
    for model in models() {
        let (mut scratch, mut predictions) = (model.scratch(), Vec::new());
        model.predict_batch(&windows, &mut scratch, &mut predictions).unwrap();
        let alone = windows.iter().map(|window| model.predict(*window, &mut scratch).unwrap());
        assert_eq!(predictions, alone.collect::<Vec<_>>());
        let short = table.window(100, 19).unwrap();
        assert!(model.predict_batch(&[windows[0], short], &mut scratch, &mut predictions).is_err());
    }
}

#[test]
fn predictor_first_prediction_follows_candles_needed() {
    let series = market(MarketModel::AR1, 60, 3);
    let [v2, ..] = models();
    let mut predictor = Predictor::new(v2, Interval::HOUR).unwrap();
    for (index, candle) in series.iter().enumerate() {
        assert_eq!(predictor.candles_needed(), 45_usize.saturating_sub(index));
        let outcome = predictor.on_candle(candle).unwrap();
        assert_eq!(outcome.prediction().is_some(), index >= 44);
        if let Some(prediction) = outcome.into_prediction() {
            assert_eq!(prediction.decided_at, candle.close_time(Interval::HOUR));
            assert_eq!((prediction.horizon, prediction.model.as_str()), (1, "v2"));
        }
    }
}

#[test]
fn predictor_rejects_other_interval() {
    for model in models() {
        for interval in [Interval::FIVE_MINUTES, Interval::DAY] {
            let error = Predictor::new(Arc::clone(&model), interval).unwrap_err();
            assert!(
                matches!(error, PredictError::Interval { expected: Interval::HOUR, .. }),
                "{error}"
            );
        }
    }
}

#[test]
fn predictor_catches_up_after_pause_and_stops_at_gap() {
    let series = market(MarketModel::AR1, 120, 3);
    let part = |range: std::ops::Range<usize>| {
        let candles = series.candles()[range].to_vec();
        CandleSeries::new(series.pair().clone(), Interval::HOUR, candles).unwrap()
    };
    for model in models() {
        let fresh = || Predictor::new(Arc::clone(&model), Interval::HOUR).unwrap();
        let (mut whole, mut paused) = (fresh(), fresh());
        whole.warm_up(&part(0..110)).unwrap();
        paused.set_stop_at_gaps(true);
        paused.warm_up(&part(0..80)).unwrap();
        assert_eq!(paused.last_open_time(), Some(series.candles()[79].open_time()));
        // A pause of thirty candles, then a new candle, then an overlapping history.
        let before = paused.save();
        let error = paused.on_candle(&series.candles()[110]).unwrap_err();
        let missing = |error| match error {
            PredictError::Gap { from, missing } => Some((from, missing)),
            _ => None,
        };
        assert_eq!(missing(error), Some((series.candles()[80].open_time(), 30)));
        assert_eq!(paused.feed_stats().refused_gaps, 1);
        let mut twin = fresh();
        twin.restore(&before).unwrap();
        assert_eq!(twin.last_open_time(), paused.last_open_time());
        paused.warm_up(&part(60..110)).unwrap();
        for candle in &series.candles()[110..] {
            let expected = whole.on_candle(candle).unwrap();
            assert!(expected.prediction().is_some());
            assert_eq!(paused.on_candle(candle).unwrap(), expected);
        }
        // Without `stop_at_gaps`, a gap restarts the warm-up.
        twin.on_candle(&series.candles()[110]).unwrap();
        assert_eq!((twin.feed_stats().resets, twin.candles_needed()), (1, 44));
    }
}

/// An average of models with different channels, as another crate would implement it.
#[derive(Debug)]
struct Average {
    id: ModelId,
    spec: ModelSpec,
    members: Vec<(Arc<dyn FittedModel>, Vec<usize>)>,
}

impl Average {
    fn new(spec: ModelSpec, members: Vec<Arc<dyn FittedModel>>) -> Self {
        let columns = |m: &Arc<dyn FittedModel>| spec.signals.columns_of(&m.spec().signals);
        let members = members.into_iter().map(|m| (m.clone(), columns(&m).unwrap())).collect();
        Self { id: ModelId::new("average"), spec, members }
    }
}

impl FittedModel for Average {}

impl DirectionModel for Average {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn scratch(&self) -> Scratch {
        let children = self.members.iter().map(|(member, _)| member.scratch()).collect();
        Scratch::with_children(vec![0.0_f64; self.spec.lookback * 8], children)
    }

    fn predict(
        &self,
        window: Window<'_>,
        scratch: &mut Scratch,
    ) -> Result<Prediction, PredictError> {
        self.spec.check(&window)?;
        let (rows, children) = scratch.split::<Vec<f64>>()?;
        let mut sum = [0.0; 3];
        for ((member, columns), scratch) in self.members.iter().zip(children) {
            let picked =
                (0..window.steps()).flat_map(|t| columns.iter().map(move |&c| window.row(t)[c]));
            rows.clear();
            rows.extend(picked);
            let own = Window::new(rows, columns.len(), window.decided_at()).unwrap();
            let prediction = member.predict(own, scratch)?;
            for (sum, p) in sum.iter_mut().zip(prediction.probabilities.classes()) {
                *sum += p / self.members.len() as f32;
            }
        }
        Prediction::new(sum, window.decided_at(), self.spec.labels.horizon, &self.id)
    }
}

#[test]
fn predictor_runs_nested_foreign_model() {
    let [v2, v32, ..] = models();
    let mut wide = v2.spec().clone();
    wide.signals.channels.insert(0, ChannelSpec::new("momentum").with("lag", 3.0));
    let inner = Arc::new(Average::new(wide.clone(), vec![v2.clone(), v32.clone()]));
    let outer = Average::new(wide, vec![inner, v32]);
    let mut predictor = Predictor::new(outer, Interval::HOUR).unwrap();
    let series = market(MarketModel::AR1, 80, 3);
    let outcomes = series.iter().map(|candle| predictor.on_candle(candle).unwrap());
    assert_eq!(outcomes.filter_map(CandleOutcome::into_prediction).count(), 80 - 44);

    // The scratch memory of another model is rejected.
    let mut foreign = predictor.model().scratch();
    let rows = [0.0; 120];
    let window = Window::new(&rows, 6, windvane_candles::Timestamp::from_millis(0)).unwrap();
    let error = v2.predict(window, &mut foreign).unwrap_err();
    assert!(matches!(error, PredictError::ForeignScratch));
}

#[test]
fn v31_attention_weights_sum_to_one() {
    let series = market(MarketModel::AR1, 600, 3);
    let model = common::quick_v31(&series);
    let table = table(&series);
    let mut scratch = model.scratch();
    for row in [44, 300, 599] {
        let weights =
            model.attention(table.window(row, 20).unwrap(), &mut scratch).unwrap().unwrap();
        assert_eq!(weights.len(), 20);
        assert!(weights.iter().all(|weight| *weight >= 0.0));
        assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    }
    let [v2, ..] = models();
    let mut scratch = v2.scratch();
    let foreign = model.attention(table.window(44, 20).unwrap(), &mut scratch);
    assert!(matches!(foreign, Err(PredictError::ForeignScratch)));
}

#[test]
fn models_reject_other_window_shape() {
    let at = windvane_candles::Timestamp::from_millis(0);
    let rows = [0.0; 120];
    for model in models() {
        let mut scratch = model.scratch();
        for (width, len) in [(5, 100), (6, 114), (6, 6)] {
            let window = Window::new(&rows[..len], width, at).unwrap();
            let error = model.predict(window, &mut scratch).unwrap_err();
            assert!(matches!(error, PredictError::WindowShape { .. }), "{error}");
        }
    }
}
