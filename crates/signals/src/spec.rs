//! Specs of channels and pipelines: data that is saved with a model.
use std::collections::BTreeMap;

use windvane_candles::{CandleSeries, Interval, Pair, Timestamp};

use crate::SignalError;

/// Spec of a channel: its name, its parameters and the other pairs that it reads.
///
/// # Examples
/// ```
/// use windvane_signals::ChannelSpec;
/// let spec = ChannelSpec::new("rsi").with("period", 21.0);
/// assert_eq!(spec.to_string(), "rsi(period=21)");
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct ChannelSpec {
    name: String,
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "BTreeMap::is_empty"))]
    parameters: BTreeMap<String, f64>,
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pairs: Vec<Pair>,
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pattern: Option<String>,
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    interval: Option<Interval>,
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    of: Option<Box<ChannelSpec>>,
}

impl ChannelSpec {
    /// Creates the spec of a channel with its default parameters.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            parameters: BTreeMap::new(),
            pairs: Vec::new(),
            pattern: None,
            interval: None,
            of: None,
        }
    }

    /// Creates the spec of a channel of the own pair, computed on candles of a coarser interval.
    ///
    /// # Examples
    /// ```
    /// use windvane_candles::Interval;
    /// use windvane_signals::ChannelSpec;
    /// let daily = ChannelSpec::on(Interval::DAY, ChannelSpec::new("rsi").with("period", 14.0));
    /// assert_eq!(daily.to_string(), "on(1d; rsi(period=14))");
    /// ```
    pub fn on(interval: Interval, channel: Self) -> Self {
        Self { interval: Some(interval), of: Some(Box::new(channel)), ..Self::new("on") }
    }

    /// Creates the spec of the mean of a channel over several pairs.
    ///
    /// # Examples
    /// ```
    /// use windvane_signals::ChannelSpec;
    /// let pairs = ["BTCUSDT".parse()?, "ETHUSDT".parse()?];
    /// let mean = ChannelSpec::market_mean(ChannelSpec::new("close_location")).reading_all(&pairs);
    /// assert_eq!(mean.to_string(), "market_mean(close_location; BTCUSDT, ETHUSDT)");
    /// # Ok::<(), windvane_candles::PairError>(())
    /// ```
    pub fn market_mean(channel: Self) -> Self {
        Self { of: Some(Box::new(channel)), ..Self::new("market_mean") }
    }

    /// Creates the spec of a candlestick pattern under its TA-Lib name in lower case without the prefix `CDL`.
    ///
    /// # Examples
    /// ```
    /// use windvane_signals::ChannelSpec;
    /// assert_eq!(ChannelSpec::pattern("engulfing").to_string(), "pattern(engulfing)");
    /// ```
    pub fn pattern(name: impl Into<String>) -> Self {
        Self { pattern: Some(name.into()), ..Self::new("pattern") }
    }

    /// Sets a parameter.
    #[must_use]
    pub fn with(mut self, parameter: impl Into<String>, value: f64) -> Self {
        self.parameters.insert(parameter.into(), value);
        self
    }

    /// Adds another pair whose candles of the same open time the channel reads.
    #[must_use]
    pub fn reading(mut self, pair: Pair) -> Self {
        self.pairs.push(pair);
        self
    }

    /// Declares several other pairs, as [`reading`](Self::reading) does for one.
    #[must_use]
    pub fn reading_all(mut self, pairs: &[Pair]) -> Self {
        self.pairs.extend_from_slice(pairs);
        self
    }

    /// Returns the name under which the channel is registered.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the other pairs that the channel reads.
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// Returns the value of a parameter, or `default` if it is not set.
    pub fn parameter(&self, name: &str, default: f64) -> f64 {
        self.parameters.get(name).copied().unwrap_or(default)
    }

    /// Name of the candlestick pattern, where the spec has one.
    pub(crate) fn pattern_name(&self) -> Option<&str> {
        self.pattern.as_deref()
    }

    /// Coarser interval, where the spec has one.
    pub(crate) fn interval(&self) -> Option<Interval> {
        self.interval
    }

    /// Inner channel, where the spec has one.
    pub(crate) fn of(&self) -> Option<&Self> {
        self.of.as_deref()
    }

    /// Checks that the spec has only parameters of the channel, and the number of other pairs that
    /// the channel reads. A factory calls it so that a misspelt parameter is an error.
    ///
    /// # Errors
    /// [`SignalError::UnknownParameter`] or [`SignalError::ChannelPairs`];
    /// [`SignalError::ChannelSetting`] if the spec has a pattern, an interval or an inner channel.
    pub fn check(&self, parameters: &[&str], pairs: usize) -> Result<(), SignalError> {
        self.check_parameters(parameters)?;
        self.check_pairs(pairs)?;
        self.check_no_extra()
    }

    pub(crate) fn check_no_extra(&self) -> Result<(), SignalError> {
        let extra = [
            ("pattern", self.pattern.is_some()),
            ("interval", self.interval.is_some()),
            ("of", self.of.is_some()),
        ];
        match extra.iter().find(|(_, is_set)| *is_set) {
            Some((field, _)) => {
                Err(SignalError::channel(&self.name, format!("it takes no {field}; remove it")))
            }
            None => Ok(()),
        }
    }

    pub(crate) fn check_parameters(&self, parameters: &[&str]) -> Result<(), SignalError> {
        if let Some(unknown) = self.parameters.keys().find(|p| !parameters.contains(&p.as_str())) {
            return Err(SignalError::UnknownParameter {
                channel: self.name.clone(),
                parameter: unknown.clone(),
                known: parameters.iter().map(ToString::to_string).collect(),
            });
        }
        Ok(())
    }

    pub(crate) fn check_pairs(&self, pairs: usize) -> Result<(), SignalError> {
        if self.pairs.len() != pairs {
            return Err(SignalError::ChannelPairs {
                channel: self.name.clone(),
                expected: pairs,
                got: self.pairs.len(),
            });
        }
        Ok(())
    }
}

/// Writes `name(parameter=value, …; PAIR, …)`, the label of the channel in reports. A pattern, an
/// interval and an inner channel come first.
impl std::fmt::Display for ChannelSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)?;
        let parameters: Vec<String> =
            self.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let pairs: Vec<String> = self.pairs.iter().map(ToString::to_string).collect();
        let parts = [
            self.pattern.clone().unwrap_or_default(),
            self.interval.map_or(String::new(), |interval| interval.to_string()),
            self.of.as_ref().map_or(String::new(), ToString::to_string),
            parameters.join(", "),
            pairs.join(", "),
        ];
        let parts: Vec<&str> = parts.iter().map(String::as_str).filter(|p| !p.is_empty()).collect();
        if parts.is_empty() { Ok(()) } else { write!(f, "({})", parts.join("; ")) }
    }
}

/// Policy for missing candles, the same in batch and streaming.
///
/// Candles [by session](windvane_candles::Interval::by_session) have breaks instead of a grid. Their
/// policy is [`Sessions`](Self::Sessions). Under [`Reset`](Self::Reset) and [`Error`](Self::Error)
/// a break of at least one interval is a gap; [`Hold`](Self::Hold) and [`ByClock`](Self::ByClock)
/// count intervals on a grid and are rejected
/// ([`SignalError::SessionGaps`](crate::SignalError::SessionGaps)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(tag = "policy", rename_all = "snake_case", deny_unknown_fields)
)]
pub enum GapPolicy {
    /// A missing candle is an error.
    Error,
    /// Every channel restarts its warm-up after a gap; no window spans a gap.
    Reset,
    /// A gap of up to `max_missing` candles counts as a closed market: the next candle follows the
    /// last one. A longer gap resets the channels.
    Sessions {
        /// Longest time of a closed market, in candles.
        max_missing: u32,
    },
    /// Up to `max_missing` missing candles are replaced by flat candles at the last close with
    /// volume 0; they have no decisions and no labels. A longer gap resets the channels.
    Hold {
        /// Longest gap that is filled in, in candles.
        max_missing: u32,
    },
    /// Nothing is reset, and lags go by the clock: a lag of k means the candle k intervals
    /// earlier, and the value is undefined if that candle is missing. Windows and averages run
    /// over the candles that exist. A label is undefined if the candle that settles it is missing.
    ///
    /// The `momentum`, `trend` and `volume_change` channels and the TA-Lib set count candles also
    /// under this policy. Windows of rows contain the rows that exist.
    ByClock,
}

impl GapPolicy {
    /// Maximum of `max_missing` of [`GapPolicy::Hold`]: limits the time of one update.
    pub(crate) const MAX_HELD: u32 = 1_000;

    /// Share of missing candles above which a market is assumed to have sessions.
    const SESSION_SHARE: f64 = 0.01;

    /// Creates the policy of a market with sessions: gaps up to a week are skipped.
    pub fn sessions(interval: Interval) -> Self {
        let week = (Interval::WEEK.millis() / interval.millis()).max(1);
        Self::Sessions { max_missing: u32::try_from(week).unwrap_or(u32::MAX) }
    }

    /// Infers the policy from the share of missing candles of training data.
    ///
    /// More than 1 % missing between the first and the last candle of any series means a market
    /// that closes (nights, weekends, holidays): the policy is [`sessions`](Self::sessions), as for
    /// candles by session. Otherwise the policy is [`Reset`](Self::Reset). Pass candles of the training period only.
    ///
    /// # Examples
    /// ```
    /// # use windvane_candles::{Candle, Ohlcv, Timestamp};
    /// # fn candle(day: i64) -> Candle {
    /// #     let values = Ohlcv { open: 1.0, high: 1.0, low: 1.0, close: 1.0, volume: 1.0 };
    /// #     Candle::new(Timestamp::from_millis(day * 86_400_000), values).unwrap()
    /// # }
    /// use windvane_candles::{CandleSeries, Interval};
    /// use windvane_signals::GapPolicy;
    ///
    /// // 1970-01-01 was a Thursday: days 2 and 3 of every week are a weekend.
    /// let weekdays = (0..100).filter(|day| !(2..4).contains(&(day % 7))).map(candle).collect();
    /// let stock = CandleSeries::new("AAPL".parse()?, Interval::DAY, weekdays)?;
    /// assert_eq!(GapPolicy::infer([&stock]), GapPolicy::Sessions { max_missing: 7 });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn infer<'a>(series: impl IntoIterator<Item = &'a CandleSeries>) -> Self {
        let closing = series.into_iter().find(|series| {
            let missing: u64 = series.gaps().map(|gap| gap.missing).sum();
            let missing = missing as f64;
            let share = Self::SESSION_SHARE * (missing + series.len().saturating_sub(1) as f64);
            series.interval().is_by_session() || missing > share
        });
        closing.map_or(Self::Reset, |series| Self::sessions(series.interval()))
    }

    /// Builds samples, or whatever else depends on the policy, under the policy that the candles
    /// before the first validation imply: `always_open`, or [`sessions`](Self::sessions) of a market
    /// that closes.
    ///
    /// `validate_from` returns the start of the validation of what was built, `None` if it has none.
    /// This time depends on the number of windows, hence on the policy: the candles before the
    /// earlier of the two possible times count. The series are of one interval; candles by session
    /// are of a market that closes.
    ///
    /// # Examples
    /// ```
    /// # use windvane_candles::{Candle, Ohlcv, Timestamp};
    /// # fn candle(day: i64) -> Candle {
    /// #     let values = Ohlcv { open: 1.0, high: 1.0, low: 1.0, close: 1.0, volume: 1.0 };
    /// #     Candle::new(Timestamp::from_millis(day * 86_400_000), values).unwrap()
    /// # }
    /// use windvane_candles::{CandleSeries, Interval};
    /// use windvane_signals::{Dataset, GapPolicy, LabelSpec, SignalSpec, Split};
    ///
    /// // A market that begins to close at weekends after day 1,000, the start of the validation.
    /// let days = (0..1_400).filter(|day| *day < 1_000 || !(2..4).contains(&(day % 7)));
    /// let days = days.map(candle).collect();
    /// let series = [CandleSeries::new("AAPL".parse()?, Interval::DAY, days)?];
    /// let validate_from = Timestamp::from_millis(1_000 * 86_400_000);
    /// let build = |gaps| {
    ///     let spec = SignalSpec { gaps, ..SignalSpec::default() };
    ///     Dataset::from_series(&series, &spec, 20, LabelSpec::default())
    /// };
    /// let dataset = GapPolicy::infer_before(&series, GapPolicy::Reset, build, |_| Some(validate_from))?;
    /// assert_eq!(dataset.samples().tables()[0].spec().gaps, GapPolicy::Reset);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn infer_before<T>(
        series: &[CandleSeries],
        always_open: Self,
        mut build: impl FnMut(Self) -> T,
        validate_from: impl Fn(&T) -> Option<Timestamp>,
    ) -> T {
        let Some(interval) = series.first().map(CandleSeries::interval) else {
            return build(always_open);
        };
        let sessions = Self::sessions(interval);
        if interval.is_by_session() {
            return build(sessions);
        }
        if series.iter().all(|own| own.gaps().next().is_none()) {
            return build(always_open); // the policy of every part of them
        }
        // One after the other: what was built may take most of the memory.
        let closing = validate_from(&build(sessions));
        let open = build(always_open);
        // Without a validation under either policy, the split reports the problem.
        let until = validate_from(&open).into_iter().chain(closing).min();
        let until = until.unwrap_or(Timestamp::from_millis(i64::MIN));
        let closes = |own: &CandleSeries| Self::infer([&own.split_at(until).0]) != Self::Reset;
        if series.iter().any(closes) {
            drop(open);
            return build(sessions);
        }
        open
    }

    /// Maximum number of candles filled in at one gap.
    pub(crate) fn max_held(self) -> u32 {
        if let Self::Hold { max_missing } = self { max_missing } else { 0 }
    }
}

/// Writes the effect of the policy, such as `signals restart after a gap`.
impl std::fmt::Display for GapPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Error => f.write_str("a missing candle is an error"),
            Self::Reset => f.write_str("signals restart after a gap"),
            Self::Sessions { max_missing } => write!(
                f,
                "the market has sessions, so up to {max_missing} missing candles are skipped"
            ),
            Self::Hold { max_missing } => {
                write!(f, "up to {max_missing} missing candles are filled with the last close")
            }
            Self::ByClock => f.write_str("lags go by the clock, and nothing is reset"),
        }
    }
}

/// Channels and gap policy of a model.
///
/// The default has six channels: momentum (1 candle), trend (20), RSI 14, MACD 12/26 relative
/// to price, volatility (range) and volume change; gaps reset the channels. Any other list of
/// channels is possible; its length is the width of the model's input.
///
/// # Examples
/// ```
/// use windvane_signals::{ChannelSpec, SignalSpec};
/// let mut spec = SignalSpec::default();
/// assert_eq!(spec.width(), 6);
/// spec.channels.push(ChannelSpec::new("momentum").with("lag", 5.0));
/// assert_eq!(spec.width(), 7);
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct SignalSpec {
    /// Channels in the order of a row's values.
    pub channels: Vec<ChannelSpec>,
    /// Policy for missing candles.
    pub gaps: GapPolicy,
}

impl Default for SignalSpec {
    fn default() -> Self {
        let names = ["momentum", "trend", "rsi", "macd", "volatility", "volume_change"];
        Self { channels: names.map(ChannelSpec::new).to_vec(), gaps: GapPolicy::Reset }
    }
}

impl SignalSpec {
    /// Maximum number of channels: limits the memory, because specs come from files.
    pub(crate) const MAX_CHANNELS: usize = 1_024;

    /// Validates the spec, which may come from a file.
    ///
    /// # Errors
    /// [`SignalError::Setting`] unless there are 1 to 1,024 channels and `max_missing` of the hold
    /// policy is at most 1,000; [`SignalError::HoldReadsPair`] if the hold policy is combined with
    /// a channel that reads another pair.
    pub fn validate(&self) -> Result<(), SignalError> {
        if !(1..=Self::MAX_CHANNELS).contains(&self.width()) {
            return SignalError::setting("number of channels", "1 to 1024", self.width() as f64);
        }
        let held = self.gaps.max_held();
        if held > GapPolicy::MAX_HELD {
            return SignalError::setting(
                "max_missing of the hold policy",
                "at most 1000",
                f64::from(held),
            );
        }
        if held > 0
            && let Some(pair) = self.channels.iter().flat_map(ChannelSpec::pairs).min()
        {
            return Err(SignalError::HoldReadsPair { pair: pair.clone() });
        }
        Ok(())
    }

    /// Returns the number of channels.
    pub fn width(&self) -> usize {
        self.channels.len()
    }

    /// Returns the other pairs that the channels read, sorted and without duplicates.
    pub fn pairs(&self) -> Vec<&Pair> {
        let mut pairs: Vec<&Pair> = self.channels.iter().flat_map(ChannelSpec::pairs).collect();
        pairs.sort();
        pairs.dedup();
        pairs
    }

    /// Returns the column of each channel of `needed` in this spec; `None` if a channel is missing
    /// or the gap policies differ. So models with fewer channels can share a table with more
    /// channels.
    pub fn columns_of(&self, needed: &Self) -> Option<Vec<usize>> {
        if self.gaps != needed.gaps {
            return None;
        }
        needed.channels.iter().map(|c| self.channels.iter().position(|own| own == c)).collect()
    }
}
