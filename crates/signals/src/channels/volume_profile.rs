//! Volume by price: distance from the fullest price, position in the value area.
use super::catalog::{BuiltIn, ChannelArguments};
use super::returns::{MIN_RETURNS, ReturnVolatility};
use super::rolling::{RollingWindow, max, min};
use super::{Channel, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

pub(crate) const VOLUME_PROFILE_POC_DISTANCE: BuiltIn = BuiltIn::own(
    "volume_profile_poc_distance",
    &[("period", 168.0), ("bins", 24.0), ("half_life", 48.0)],
    "ln(c / centre of the fullest price bin) / (σ √period)",
    |arguments| {
        let sigma = ReturnVolatility::new(arguments.period("half_life")?);
        Ok(Box::new(PocDistance { profile: VolumeProfile::new(arguments)?, sigma }))
    },
);

pub(crate) const VOLUME_PROFILE_VALUE_AREA_POSITION: BuiltIn = BuiltIn::own(
    "volume_profile_value_area_position",
    &[("period", 168.0), ("bins", 24.0)],
    "(c − VAL) / (VAH − VAL), the price bins around the fullest that hold 70 % of the volume",
    |arguments| Ok(Box::new(ValueAreaPosition { profile: VolumeProfile::new(arguments)? })),
);

/// Maximum number of bins: a bound on the work per candle.
const MAX_BINS: usize = 1_000;
/// Share of the volume in the value area.
const VALUE_AREA: f64 = 0.7;
/// Two bins are equal when they differ by at most this share of all volume.
const TIE: f64 = 1e-9;

/// Histogram of volume over price.
///
/// The price range of the last candles is cut into bins of equal width. Each candle's volume is
/// spread evenly over its range, or put into one bin where h = l. The histogram is computed anew at
/// every candle, because running sums accumulate rounding errors.
#[derive(Debug, Clone)]
struct VolumeProfile {
    highs: RollingWindow,
    lows: RollingWindow,
    volumes: RollingWindow,
    bins: Box<[f64]>,
}

/// A computed histogram.
#[derive(Debug, Clone, Copy)]
struct Histogram<'a> {
    bins: &'a [f64],
    /// Lowest price.
    low: f64,
    /// Width of a bin.
    width: f64,
    /// Sum of the bins.
    total: f64,
}

impl VolumeProfile {
    fn new(arguments: &ChannelArguments<'_>) -> Result<Self, SignalError> {
        let (period, bins) = (arguments.period("period")?, arguments.period_from("bins", 2)?);
        if bins > MAX_BINS {
            let problem = format!("bins is {bins}; give at most {MAX_BINS}");
            return Err(SignalError::channel(arguments.name(), problem));
        }
        Ok(Self {
            highs: RollingWindow::new(period),
            lows: RollingWindow::new(period),
            volumes: RollingWindow::new(period),
            bins: vec![0.0; bins].into(),
        })
    }

    fn period(&self) -> usize {
        self.volumes.size()
    }

    /// `None` while warming up, and without a price range or any volume.
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<Histogram<'_>> {
        let candle = market.own();
        self.highs.push(candle.high());
        self.lows.push(candle.low());
        self.volumes.push(candle.volume());
        let (highs, lows) = (self.highs.full()?, self.lows.full()?);
        let (high, low) = (max(highs), min(lows));
        let width = (high - low) / self.bins.len() as f64;
        if width <= 0.0 {
            return None;
        }
        self.bins.fill(0.0);
        for ((&high, &from), &volume) in highs.iter().zip(lows).zip(self.volumes.values()) {
            spread(&mut self.bins, volume, [from - low, high - low], width);
        }
        let total = self.bins.iter().sum();
        (total > 0.0).then_some(Histogram { bins: &self.bins, low, width, total })
    }

    fn clear(&mut self) {
        self.highs.clear();
        self.lows.clear();
        self.volumes.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        state.count(self.bins.len());
        self.highs.save(state);
        self.lows.save(state);
        self.volumes.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        state.expect(self.bins.len())?;
        self.highs.restore(state)?;
        self.lows.restore(state)?;
        self.volumes.restore(state)
    }
}

/// Adds a candle's volume to the bins; `from` and `to` are measured from the lowest price.
#[inline]
fn spread(bins: &mut [f64], volume: f64, [from, to]: [f64; 2], width: f64) {
    let last = bins.len() - 1;
    let first = bin_of(from, width, last);
    if to <= from {
        bins[first] += volume;
        return;
    }
    let density = volume / (to - from);
    let mut lower = from;
    for (k, bin) in bins.iter_mut().enumerate().skip(first) {
        let upper = (k as f64 + 1.0) * width;
        if upper >= to || k == last {
            *bin += density * (to - lower);
            break;
        }
        *bin += density * (upper - lower);
        lower = upper;
    }
}

/// Index of the bin of a price.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 and above")]
fn bin_of(price: f64, width: f64, last: usize) -> usize {
    ((price / width) as usize).min(last)
}

impl Histogram<'_> {
    /// Lowest of the fullest bins.
    fn fullest(&self) -> usize {
        let bound = max(self.bins) - TIE * self.total;
        self.bins.iter().position(|bin| *bin >= bound).unwrap_or(0)
    }

    /// Lowest and highest bin of the value area.
    fn value_area(&self) -> (usize, usize) {
        let fullest = self.fullest();
        let (mut lower, mut upper) = (fullest, fullest);
        let mut held = self.bins[fullest];
        while held < VALUE_AREA * self.total {
            let above = self.bins.get(upper + 1);
            let below = lower.checked_sub(1).map(|place| self.bins[place]);
            match (above, below) {
                (Some(above), Some(below)) if below - above > TIE * self.total => {
                    (held, lower) = (held + below, lower - 1);
                }
                (Some(above), _) => (held, upper) = (held + above, upper + 1),
                (None, Some(below)) => (held, lower) = (held + below, lower - 1),
                (None, None) => break,
            }
        }
        (lower, upper)
    }

    /// Price at the lower edge of a bin.
    fn edge(&self, bin: f64) -> f64 {
        self.low + bin * self.width
    }
}

/// Distance of the close from the price with the most volume (the point of control).
///
/// **Units** standard deviations over `period` candles. **Formula** `ln(c / p) / (σ √period)`; p is
/// the centre of the fullest of `bins` price bins over the last `period` candles (of equally full
/// bins the lowest), σ as in [`NormalizedReturn`](super::NormalizedReturn). **Source**
/// Steidlmayer's market profile, by volume. **Warm-up** the larger of period − 1 and 24. Undefined
/// where σ or the price range is 0, or without any volume. **Parameters** `period` = 168, `bins` =
/// 24 (2 to 1,000), `half_life` = 48.
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
/// let spec = ChannelSpec::new("volume_profile_poc_distance").with("period", 24.0);
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// let mut value = None;
/// for hour in 0..30 {
///     // Most volume is traded at 100.
///     let (close, volume) = if hour % 4 == 3 { (104.0, 1.0) } else { (100.0, 9.0) };
///     let next = candle(hour, [close, close, close, close, volume]);
///     value = channel.update(&MarketSnapshot::from(&next));
///     assert_eq!(value.is_some(), hour >= 24);
/// }
/// assert!(value.unwrap() < 0.0); // 100 is in the lowest bin, below its centre
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone)]
#[doc(alias = "point of control")]
pub struct PocDistance {
    profile: VolumeProfile,
    sigma: ReturnVolatility,
}

impl Channel for PocDistance {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        self.sigma.update(market);
        let scale = (self.profile.period() as f64).sqrt();
        let histogram = self.profile.update(market)?;
        let centre = histogram.edge(histogram.fullest() as f64 + 0.5);
        Some((market.own().close() / centre).ln() / (self.sigma.sigma()? * scale))
    }

    fn warm_up(&self) -> usize {
        MIN_RETURNS.max(self.profile.period() - 1)
    }

    fn reset(&mut self) {
        self.profile.clear();
        self.sigma.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        self.profile.save(state);
        self.sigma.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.profile.restore(state)?;
        self.sigma.restore(state)
    }
}

/// Position of the close in the value area: the prices around the fullest that hold 70 % of the
/// volume.
///
/// **Units** 0 (at the lower edge of the area) to 1 (at the upper edge), also beyond. **Formula**
/// `(c − VAL) / (VAH − VAL)`. The area starts at the fullest of `bins` price bins over the last
/// `period` candles and takes the fuller neighbour (of equally full ones the upper) until it holds
/// 70 %. **Source** Steidlmayer's market profile, by volume. **Warm-up** period − 1. Undefined
/// where the price range is 0 or without any volume. **Parameters** `period` = 168, `bins` = 24 (2
/// to 1,000).
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
/// let name = "volume_profile_value_area_position";
/// let spec = ChannelSpec::new(name).with("period", 2.0).with("bins", 2.0);
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// let mut position = |candle| channel.update(&MarketSnapshot::from(&candle));
/// assert_eq!(position(candle(0, [10.0, 12.0, 10.0, 11.0, 9.0])), None);
/// // The bin from 10 to 12 holds 9 of 10 units; the close is beyond its upper edge.
/// assert_eq!(position(candle(1, [12.5, 14.0, 12.5, 13.0, 1.0])), Some(1.5));
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone)]
#[doc(alias = "value area")]
pub struct ValueAreaPosition {
    profile: VolumeProfile,
}

impl Channel for ValueAreaPosition {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let histogram = self.profile.update(market)?;
        let (lower, upper) = histogram.value_area();
        let (low, high) = (histogram.edge(lower as f64), histogram.edge(upper as f64 + 1.0));
        Some((market.own().close() - low) / (high - low))
    }

    fn warm_up(&self) -> usize {
        self.profile.period() - 1
    }

    fn reset(&mut self) {
        self.profile.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        self.profile.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.profile.restore(state)
    }
}
