//! Indicator of another crate as a channel, rebuilt after a restart from kept candles.
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use windvane_candles::{Candle, Ohlcv, Timestamp};

use super::{Channel, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

/// Number of candles that a [replayed channel](super::Registry::register_replayed) needs.
///
/// # Examples
/// ```
/// use windvane_signals::channels::Replay;
///
/// // A maximum over 20 candles: the 20th candle has the first value, and no other candle matters.
/// let maximum = Replay { warm_up: 19, history: 20 };
/// // An EMA of 20 candles: after 300 candles the first one counts less than 1e-12.
/// let ema = Replay { warm_up: 19, history: 300 };
/// assert!((1.0_f64 - 2.0 / 21.0).powi(300) < 1e-12);
/// # let _ = (maximum, ema);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replay {
    /// Index (from 0) of the first candle with a value; values before it are suppressed.
    pub warm_up: usize,
    /// Number of candles that are kept and replayed after a restart: more than `warm_up`, at most
    /// 10,000. For an indicator of the last n candles this is n. For one with infinite memory, such
    /// as an EMA, it is the number of candles after which the influence of the first one is
    /// negligible.
    pub history: usize,
}

impl Replay {
    /// Maximum number of kept candles: a limit of the memory and of the size of a state.
    const MAX_HISTORY: usize = 10_000;

    fn validate(self) -> Result<(), SignalError> {
        if self.history > self.warm_up && self.history <= Self::MAX_HISTORY {
            return Ok(());
        }
        Err(SignalError::Setting {
            setting: "history of a replayed channel",
            expected: "more than its warm_up and at most 10,000",
            got: self.history as f64,
        })
    }
}

/// Function from the next candle to the value of an indicator.
pub(super) type Indicator = dyn FnMut(&Candle) -> Option<f64> + Send + Sync;

/// Creates the indicator as before its first candle.
pub(super) type NewIndicator = dyn Fn() -> Box<Indicator> + Send + Sync;

/// Channel of an indicator whose state cannot be saved: the last candles are saved instead, and a
/// new indicator consumes them when the state is restored.
pub(super) struct Replayed {
    replay: Replay,
    create: Arc<NewIndicator>,
    indicator: Box<Indicator>,
    /// Number of candles consumed, at most `replay.warm_up`.
    seen: usize,
    candles: VecDeque<Candle>,
}

impl fmt::Debug for Replayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replayed")
            .field("replay", &self.replay)
            .field("candles", &self.candles.len())
            .finish_non_exhaustive()
    }
}

impl Replayed {
    pub(super) fn new(replay: Replay, create: Arc<NewIndicator>) -> Result<Self, SignalError> {
        replay.validate()?;
        let (indicator, candles) = (create(), VecDeque::with_capacity(replay.history));
        Ok(Self { replay, create, indicator, seen: 0, candles })
    }

    /// Consumes a candle; returns the value after the warm-up.
    fn next(&mut self, candle: &Candle) -> Option<f64> {
        if self.candles.len() == self.replay.history {
            self.candles.pop_front();
        }
        self.candles.push_back(*candle);
        let value = (self.indicator)(candle).filter(|value| value.is_finite());
        if self.seen < self.replay.warm_up {
            self.seen += 1;
            return None;
        }
        value
    }
}

impl Channel for Replayed {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        self.next(market.own())
    }

    fn warm_up(&self) -> usize {
        self.replay.warm_up
    }

    fn reset(&mut self) {
        self.indicator = (self.create)();
        self.seen = 0;
        self.candles.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        state.count(self.candles.len());
        for candle in &self.candles {
            let Ohlcv { open, high, low, close, volume } = candle.values();
            state.int(candle.open_time().millis());
            for value in [open, high, low, close, volume] {
                state.float(value);
            }
        }
    }

    /// Replays the saved candles through a new indicator. The number of consumed candles follows
    /// from theirs, because more than the warm-up are kept.
    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        let mut restored = Self::new(self.replay, Arc::clone(&self.create))?;
        let len = state.count()?;
        if len > self.replay.history {
            return Err(SignalError::State { what: "it is from a channel with a longer history" });
        }
        for _ in 0..len {
            let open_time = Timestamp::from_millis(state.int()?);
            let (open, high, low) = (state.float()?, state.float()?, state.float()?);
            let values = Ohlcv { open, high, low, close: state.float()?, volume: state.float()? };
            let candle = Candle::new(open_time, values)
                .map_err(|_| SignalError::State { what: "a candle to replay is invalid" })?;
            restored.next(&candle);
        }
        *self = restored;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use windvane_candles::Interval;

    use super::*;
    use crate::{ChannelSpec, Registry};

    fn candle(hour: i64) -> Candle {
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let close = 100.0 + (hour * 7 % 11) as f64;
        let values = Ohlcv { open: close, high: close, low: close, close, volume: 1.0 };
        Candle::new(Timestamp::from_millis(hour * 3_600_000), values).unwrap()
    }

    /// Registry with the mean of the last four closes, and an EMA with α = 0.5.
    fn registry(mean: Replay) -> Registry {
        let mut registry = Registry::default();
        registry.register_replayed("mean", mean, || {
            let mut last = VecDeque::new();
            move |candle: &Candle| {
                last.push_back(candle.close());
                if last.len() > 4 {
                    last.pop_front();
                }
                Some(last.iter().sum::<f64>() / 4.0)
            }
        });
        registry.register_replayed("ema", Replay { warm_up: 3, history: 40 }, || {
            let mut ema = None;
            move |candle: &Candle| {
                let next = ema.map_or(candle.close(), |ema: f64| 0.5 * (ema + candle.close()));
                ema = Some(next);
                ema
            }
        });
        registry
    }

    fn build(name: &str) -> Box<dyn Channel> {
        let registry = registry(Replay { warm_up: 3, history: 4 });
        registry.build(&ChannelSpec::new(name), Interval::HOUR).unwrap()
    }

    fn update(channel: &mut dyn Channel, hour: i64) -> Option<f64> {
        channel.update(&MarketSnapshot::from(&candle(hour)))
    }

    /// Largest difference between a channel and the same one that is saved and restored into a new
    /// one after every number of candles.
    fn difference_after_restarts(name: &str) -> f64 {
        let mut largest = 0.0_f64;
        for restart in 0..60 {
            let (mut whole, mut before, mut after) = (build(name), build(name), build(name));
            for hour in 0..restart {
                assert_eq!(update(&mut *whole, hour), update(&mut *before, hour));
            }
            let mut state = StateWriter::default();
            before.save(&mut state);
            let words = state.into_words();
            let mut reader = StateReader::new(&words);
            after.restore(&mut reader).unwrap();
            reader.finish().unwrap();
            for hour in restart..80 {
                let (whole, after) = (update(&mut *whole, hour), update(&mut *after, hour));
                assert_eq!(whole.is_some(), hour >= 3);
                assert_eq!(whole.is_some(), after.is_some());
                let apart = whole.zip(after).map_or(0.0, |(whole, after)| (whole - after).abs());
                largest = largest.max(apart);
            }
        }
        largest
    }

    #[test]
    fn replayed_channel_of_finite_memory_has_the_same_bits_after_a_restart() {
        assert!(difference_after_restarts("mean").to_bits() == 0);
    }

    #[test]
    fn replayed_channel_of_infinite_memory_is_within_the_decay_of_its_history() {
        // The first kept candle counts 0.5^40, and closes differ by at most 10.
        assert!(difference_after_restarts("ema") <= 10.0 * 0.5_f64.powi(39));
    }

    #[test]
    fn replayed_channel_resets_and_suppresses_values_that_are_not_finite() {
        let mut mean = build("mean");
        let first: Vec<Option<f64>> = (0..9).map(|hour| update(&mut *mean, hour)).collect();
        mean.reset();
        let second: Vec<Option<f64>> = (0..9).map(|hour| update(&mut *mean, hour)).collect();
        assert_eq!(first, second);

        let mut registry = Registry::default();
        let replay = Replay { warm_up: 0, history: 1 };
        registry.register_replayed("nan", replay, || |_: &Candle| Some(f64::NAN));
        let mut nan = registry.build(&ChannelSpec::new("nan"), Interval::HOUR).unwrap();
        assert_eq!(update(&mut *nan, 0), None);
    }

    #[test]
    fn replayed_channel_rejects_settings_and_states_that_do_not_fit() {
        for (warm_up, history) in [(3, 3), (0, 0), (3, 10_001), (usize::MAX, 4)] {
            let registry = registry(Replay { warm_up, history });
            let error = registry.build(&ChannelSpec::new("mean"), Interval::HOUR).unwrap_err();
            let expected = "more than its warm_up and at most 10,000";
            assert!(error.to_string().contains(expected), "{error}");
        }
        let with_parameter = ChannelSpec::new("mean").with("period", 4.0);
        let registry = registry(Replay { warm_up: 3, history: 4 });
        assert!(registry.build(&with_parameter, Interval::HOUR).is_err());

        let mut mean = build("mean");
        (0..9).for_each(|hour| {
            update(&mut *mean, hour);
        });
        let mut state = StateWriter::default();
        mean.save(&mut state);
        let good = state.into_words();
        let [mut longer, mut invalid] = [good.clone(), good.clone()];
        longer[0] = 5;
        invalid[2] = (-1.0_f64).to_bits();
        for words in [&longer, &invalid, &good[..20].to_vec()] {
            assert!(mean.restore(&mut StateReader::new(words)).is_err());
            let mut state = StateWriter::default();
            mean.save(&mut state);
            assert_eq!(state.into_words(), good);
        }
    }
}
