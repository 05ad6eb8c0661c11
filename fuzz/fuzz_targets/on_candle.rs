//! A predictor's life: candles of odd times and prices, gaps, repetitions, restarts.
#![no_main]

use std::sync::{Arc, LazyLock};

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use windvane_candles::{Candle, CandleSeries, Ohlcv, Pair, Timestamp};
use windvane_fuzz::models::{INTERVAL, SAVED, check_classes, policies, under};
use windvane_models::{FittedModel, PredictError, Prediction, Predictor, TableReader};
use windvane_signals::{Registry, SignalTable};

#[derive(Debug, Arbitrary)]
struct Life {
    model: u8,
    policy: u8,
    /// Whether it begins with a warm predictor.
    warm: bool,
    events: Vec<Event>,
}

#[derive(Debug, Arbitrary)]
enum Event {
    /// The next candle, after so many missing ones.
    Next { missing: u8, step: Step },
    /// The same with any prices.
    Wild { missing: u8, prices: [f64; 4], volume: f64 },
    /// A candle so many hours away from the last one.
    Jump { hours: i32, step: Step },
    /// A candle of any time.
    At { millis: i64, step: Step },
    /// The last candle again.
    Again,
    /// A candle that has not closed.
    Unfinished { step: Step },
    /// A new predictor that takes over the state.
    Restart,
}

/// Prices relative to the last close, in steps of about 1 %.
#[derive(Debug, Arbitrary)]
struct Step {
    close: i8,
    up: u8,
    down: u8,
    volume: u16,
}

const HOUR: i64 = 3_600_000;
/// Candles that a warm predictor has seen.
const HISTORY: i64 = 60;

fn at(millis: i64, values: Ohlcv) -> Option<Candle> {
    Candle::new(Timestamp::from_millis(millis), values).ok()
}

fn history() -> Vec<Candle> {
    let candle = |hour: i64| {
        let price = 100.0 + ((hour * 37) % 23) as f64;
        let volume = (hour % 5) as f64;
        at(HOUR * hour, Ohlcv { open: 100.0, high: 130.0, low: 90.0, close: price, volume })
    };
    (0..HISTORY).map(|hour| candle(hour).expect("a candle")).collect()
}

/// A model under a policy, and the state of a predictor that has seen the history.
type Start = (Arc<dyn FittedModel>, Vec<u8>);

static STARTS: LazyLock<Vec<Vec<Start>>> = LazyLock::new(|| {
    let start = |saved, policy| -> Start {
        let model = under(saved, policy);
        let mut predictor = Predictor::new(Arc::clone(&model), INTERVAL).expect("a saved model");
        for candle in history() {
            predictor.on_candle(&candle).expect("it follows");
        }
        (model, predictor.save())
    };
    let policies = policies();
    SAVED.map(|saved| policies.iter().map(|policy| start(saved, policy)).collect()).into()
});

fuzz_target!(|life: Life| {
    let models = &STARTS[usize::from(life.model) % STARTS.len()];
    let (model, state) = &models[usize::from(life.policy) % models.len()];
    let fresh = || Predictor::new(Arc::clone(model), INTERVAL).expect("a saved model");
    let (mut predictor, mut taken) = (fresh(), vec![]);
    if life.warm {
        predictor.restore(state).expect("its own state");
        taken = history();
    }
    let mut last_answer = None;
    for event in &life.events {
        let last = taken.last().copied();
        match event {
            Event::Restart => {
                let saved = predictor.save();
                predictor = fresh();
                predictor.restore(&saved).expect("its own state");
                assert_eq!(predictor.save(), saved);
            }
            Event::Unfinished { step } => {
                let Some(candle) = step.candle(last, HOUR) else { continue };
                let before = predictor.save();
                assert!(predictor.on_update(&candle, false).is_err());
                assert_eq!(words(&predictor.save()), words(&before));
            }
            event => {
                let Some(candle) = event.candle(last) else { continue };
                if let Some(answer) = feed(&mut predictor, &candle) {
                    taken.push(candle);
                    last_answer = Some(answer);
                }
            }
        }
    }
    assert_eq!(predictor.feed_stats().taken, taken.len() as u64);
    if let Some(answer) = last_answer {
        assert_eq!(answer, batch(&**model, taken), "live and batch");
    }
});

/// The answer to a candle that was taken; one that was refused changes nothing.
fn feed(predictor: &mut Predictor, candle: &Candle) -> Option<Option<Prediction>> {
    let before = predictor.save();
    match predictor.on_candle(candle) {
        Ok(answer) => {
            if let Some(prediction) = &answer {
                let classes = prediction.probabilities.classes();
                check_classes(classes);
                assert!(classes.contains(&prediction.confidence));
            }
            assert_eq!(answer.is_some(), predictor.candles_needed() == 0);
            Some(answer)
        }
        Err(
            PredictError::Gap { .. }
            | PredictError::Duplicate { .. }
            | PredictError::Late { .. }
            | PredictError::Misaligned { .. }
            | PredictError::OutOfSync { .. }
            | PredictError::Signal(_),
        ) => {
            assert_eq!(words(&predictor.save()), words(&before));
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// A state without its header and the ledger.
fn words(state: &[u8]) -> &[u8] {
    &state[(4 + 12) * 8..]
}

/// What the batch path says after the last candle.
fn batch(model: &dyn FittedModel, taken: Vec<Candle>) -> Option<Prediction> {
    let pair = Pair::new("X").expect("a letter is a name");
    let series = CandleSeries::new(pair, INTERVAL, taken).expect("candles that were taken");
    let spec = model.spec();
    let table = SignalTable::build(&spec.signals, &Registry::default(), &series, &[]);
    let table = table.expect("candles that were taken");
    let row = table.len() - 1;
    if model.stateful().is_some() {
        let tables = [table];
        let mut reader = TableReader::new(model, &tables);
        let answers = (0..=row).map(|row| reader.predict(0, row).expect("a saved model"));
        return answers.last().flatten();
    }
    let window = table.window(row, spec.lookback)?;
    Some(model.predict(window, &mut model.scratch()).expect("a saved model"))
}

impl Event {
    fn candle(&self, last: Option<Candle>) -> Option<Candle> {
        let after = |missing: u8| HOUR * (1 + i64::from(missing));
        match self {
            Self::Next { missing, step } => step.candle(last, after(*missing)),
            Self::Jump { hours, step } => step.candle(last, HOUR * i64::from(*hours)),
            Self::At { millis, step } => at(*millis, step.values(last)),
            Self::Again => last,
            Self::Wild { missing, prices, volume } => {
                let [open, close, more, less] = prices.map(f64::abs);
                let high = open.max(close).max(more);
                let low = open.min(close).min(less);
                let millis = last.map_or(0, |last| last.open_time().millis());
                let millis = millis.checked_add(after(*missing))?;
                at(millis, Ohlcv { open, high, low, close, volume: volume.abs() })
            }
            Self::Unfinished { .. } | Self::Restart => None,
        }
    }
}

impl Step {
    fn values(&self, last: Option<Candle>) -> Ohlcv {
        let open = last.map_or(100.0, |last| last.close());
        let close = open * (f64::from(self.close) / 100.0).exp();
        let high = open.max(close) * (1.0 + f64::from(self.up) / 100.0);
        let low = open.min(close) / (1.0 + f64::from(self.down) / 100.0);
        Ohlcv { open, high, low, close, volume: f64::from(self.volume) }
    }

    fn candle(&self, last: Option<Candle>, after: i64) -> Option<Candle> {
        let millis = last.map_or(0, |last| last.open_time().millis()).checked_add(after)?;
        at(millis, self.values(last))
    }
}
