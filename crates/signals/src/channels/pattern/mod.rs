//! The 61 candlestick patterns of TA-Lib.
mod bars;
mod many_candles;
mod one_candle;
mod three_candles;
mod two_candles;

use self::bars::Bars;
use self::many_candles as many;
use self::one_candle as one;
use self::three_candles as three;
use self::two_candles as two;
use super::catalog::BuiltIn;
use super::rolling::RollingWindow;
use super::{Channel, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

pub(crate) const PATTERN: BuiltIn = BuiltIn::own(
    "pattern",
    &[],
    "candlestick pattern of TA-Lib: 1 bullish, −1 bearish, ±2 confirmed, 0 none",
    |arguments| Ok(Box::new(CandlePattern::new(arguments.pattern())?)),
)
.with_pattern();

/// A pattern by its TA-Lib name in lower case without `CDL`.
struct PatternKind {
    name: &'static str,
    /// Number of earlier candles that it reads.
    lookback: usize,
    /// Evaluates the pattern: −200 to 200.
    find: fn(&Bars<'_>) -> i32,
}

const fn kind(name: &'static str, lookback: usize, find: fn(&Bars<'_>) -> i32) -> PatternKind {
    PatternKind { name, lookback, find }
}

const PATTERNS: [PatternKind; 61] = [
    kind("2crows", 12, three::two_crows),
    kind("3blackcrows", 13, many::three_black_crows),
    kind("3inside", 12, three::three_inside),
    kind("3linestrike", 8, many::three_line_strike),
    kind("3outside", 3, three::three_outside),
    kind("3starsinsouth", 12, three::three_stars_in_the_south),
    kind("3whitesoldiers", 12, three::three_white_soldiers),
    kind("abandonedbaby", 12, three::abandoned_baby),
    kind("advanceblock", 12, three::advance_block),
    kind("belthold", 10, one::belt_hold),
    kind("breakaway", 14, many::breakaway),
    kind("closingmarubozu", 10, one::closing_marubozu),
    kind("concealbabyswall", 13, many::conceal_baby_swallow),
    kind("counterattack", 11, two::counterattack),
    kind("darkcloudcover", 11, two::dark_cloud_cover),
    kind("doji", 10, one::doji),
    kind("dojistar", 11, two::doji_star),
    kind("dragonflydoji", 10, one::dragonfly_doji),
    kind("engulfing", 2, two::engulfing),
    kind("eveningdojistar", 12, three::evening_doji_star),
    kind("eveningstar", 12, three::evening_star),
    kind("gapsidesidewhite", 7, three::gap_side_by_side_white),
    kind("gravestonedoji", 10, one::gravestone_doji),
    kind("hammer", 11, one::hammer),
    kind("hangingman", 11, one::hanging_man),
    kind("harami", 11, two::harami),
    kind("haramicross", 11, two::harami_cross),
    kind("highwave", 10, one::high_wave),
    kind("hikkake", 5, many::hikkake),
    kind("hikkakemod", 10, many::hikkake_modified),
    kind("homingpigeon", 11, two::homing_pigeon),
    kind("identical3crows", 12, three::identical_three_crows),
    kind("inneck", 11, two::in_neck),
    kind("invertedhammer", 11, one::inverted_hammer),
    kind("kicking", 11, two::kicking),
    kind("kickingbylength", 11, two::kicking_by_length),
    kind("ladderbottom", 14, many::ladder_bottom),
    kind("longleggeddoji", 10, one::long_legged_doji),
    kind("longline", 10, one::long_line),
    kind("marubozu", 10, one::marubozu),
    kind("matchinglow", 6, two::matching_low),
    kind("mathold", 14, many::mat_hold),
    kind("morningdojistar", 12, three::morning_doji_star),
    kind("morningstar", 12, three::morning_star),
    kind("onneck", 11, two::on_neck),
    kind("piercing", 11, two::piercing),
    kind("rickshawman", 10, one::rickshaw_man),
    kind("risefall3methods", 14, many::rising_falling_three_methods),
    kind("separatinglines", 11, two::separating_lines),
    kind("shootingstar", 11, one::shooting_star),
    kind("shortline", 10, one::short_line),
    kind("spinningtop", 10, one::spinning_top),
    kind("stalledpattern", 12, three::stalled_pattern),
    kind("sticksandwich", 7, three::stick_sandwich),
    kind("takuri", 10, one::takuri),
    kind("tasukigap", 7, three::tasuki_gap),
    kind("thrusting", 11, two::thrusting),
    kind("tristar", 12, three::tristar),
    kind("unique3river", 12, three::unique_three_river),
    kind("upsidegap2crows", 12, three::upside_gap_two_crows),
    kind("xsidegap3methods", 2, three::side_gap_three_methods),
];

/// Candlestick pattern at the last candle: the channel `pattern`, with one of 61 names.
///
/// **Units** 0 (no pattern), 1 (bullish), −1 (bearish); 0.8 and −0.8 for an engulfing or harami
/// whose bodies end at the same price; 2 and −2 for a confirmed hikkake. **Formula** the
/// definitions of TA-Lib's `CDL` functions with default settings, where "long" and "short" compare
/// with the 5 or 10 candles before. **Source** TA-Lib 0.8, exact up to ties that hang on the
/// rounding of a sum. **Warm-up** the lookback of the TA-Lib function, 2 to 14; TA-Lib returns 0
/// before. The pattern runs over the candles that exist.
///
/// # Examples
/// ```
/// # use windvane_candles::{Candle, Interval, Ohlcv, Timestamp};
/// # use windvane_signals::{ChannelSpec, MarketSnapshot, Registry};
/// # fn candle(hour: i64, [open, high, low, close, volume]: [f64; 5]) -> Candle {
/// #     let values = Ohlcv { open, high, low, close, volume };
/// #     Candle::new(Timestamp::from_millis(hour * 3_600_000), values).unwrap()
/// # }
/// # fn flat(hour: i64, close: f64) -> Candle {
/// #     candle(hour, [close, close, close, close, 1.0])
/// # }
/// use windvane_signals::channels::CandlePattern;
///
/// let spec = ChannelSpec::pattern("engulfing");
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// let mut value = |candle| channel.update(&MarketSnapshot::from(&candle));
/// assert_eq!(value(candle(0, [10.0, 11.0, 9.0, 10.5, 1.0])), None);
/// assert_eq!(value(candle(1, [10.5, 11.0, 9.0, 10.0, 1.0])), None);
/// assert_eq!(value(candle(2, [9.5, 11.0, 9.0, 10.8, 1.0])), Some(1.0)); // white engulfs black
/// assert!(CandlePattern::names().any(|name| name == "engulfing"));
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[doc(alias = "candlestick")]
pub struct CandlePattern {
    kind: &'static PatternKind,
    /// Open, high, low, close.
    prices: [RollingWindow; 4],
}

impl std::fmt::Debug for CandlePattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("CandlePattern").field(&self.kind.name).finish()
    }
}

impl CandlePattern {
    fn new(name: &str) -> Result<Self, SignalError> {
        let kind = PATTERNS.iter().find(|kind| kind.name == name).ok_or_else(|| {
            let names: Vec<&str> = Self::names().collect();
            let problem = format!("unknown pattern {name:?}; known are {}", names.join(", "));
            SignalError::channel("pattern", problem)
        })?;
        let prices = std::array::from_fn(|_| RollingWindow::new(kind.lookback + 1));
        Ok(Self { kind, prices })
    }

    /// Names of the patterns, in alphabetical order.
    pub fn names() -> impl Iterator<Item = &'static str> {
        PATTERNS.iter().map(|kind| kind.name)
    }
}

impl Channel for CandlePattern {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let candle = market.own();
        let prices = [candle.open(), candle.high(), candle.low(), candle.close()];
        for (window, price) in self.prices.iter_mut().zip(prices) {
            window.push(price);
        }
        let bars = Bars::of(&self.prices)?;
        Some(f64::from((self.kind.find)(&bars)) / 100.0)
    }

    fn warm_up(&self) -> usize {
        self.kind.lookback
    }

    fn reset(&mut self) {
        for window in &mut self.prices {
            window.clear();
        }
    }

    fn save(&self, state: &mut StateWriter) {
        for window in &self.prices {
            window.save(state);
        }
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        for window in &mut self.prices {
            window.restore(state)?;
        }
        Ok(())
    }
}
