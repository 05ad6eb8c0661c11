//! Descriptions of the built-in channels, and the arguments they are built from.
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use windvane_candles::{Interval, Pair};

use super::channel::period;
use super::market::{MarketQuantity, SharedQuantity, Sharing};
use super::{Channel, ChannelSlot, Registry};
use crate::{ChannelSpec, SignalError};

/// Description of a built-in channel.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ChannelInfo {
    /// Name in a [`ChannelSpec`].
    pub name: &'static str,
    /// Names and default values of the parameters.
    pub parameters: &'static [(&'static str, f64)],
    /// Formula in one line; o, h, l, c, v are the candle, r its log return, σ the volatility.
    pub formula: &'static str,
    /// Pairs whose candles the channel reads.
    pub pairs: ChannelPairs,
}

/// Pairs whose candles a channel reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelPairs {
    /// The own pair only.
    Own,
    /// One declared pair, the leader.
    Leader,
    /// Two or more declared pairs, the market. The own pair belongs to the market if it is one of
    /// them.
    Market,
}

/// Settings of a spec beside parameters and pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extra {
    None,
    Pattern,
    Channel,
    IntervalAndChannel,
}

type Build = fn(&ChannelArguments<'_>) -> Result<Box<dyn Channel>, SignalError>;

/// A built-in channel: one line of the registry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BuiltIn {
    info: ChannelInfo,
    extra: Extra,
    build: BuildChannel,
}

/// A built-in channel has a place of its own in [`ChannelSlot`], or lies in a box.
#[derive(Debug, Clone, Copy)]
enum BuildChannel {
    Slot(fn(&ChannelArguments<'_>) -> Result<ChannelSlot, SignalError>),
    Boxed(Build),
}

impl BuiltIn {
    const fn new(
        name: &'static str,
        parameters: &'static [(&'static str, f64)],
        formula: &'static str,
        pairs: ChannelPairs,
        build: BuildChannel,
    ) -> Self {
        let info = ChannelInfo { name, parameters, formula, pairs };
        Self { info, extra: Extra::None, build }
    }

    /// A channel of the own pair.
    pub(crate) const fn own(
        name: &'static str,
        parameters: &'static [(&'static str, f64)],
        formula: &'static str,
        build: Build,
    ) -> Self {
        Self::new(name, parameters, formula, ChannelPairs::Own, BuildChannel::Boxed(build))
    }

    /// A channel of the own pair that the pipeline stores without a box.
    pub(crate) const fn in_place(
        name: &'static str,
        parameters: &'static [(&'static str, f64)],
        formula: &'static str,
        build: fn(&ChannelArguments<'_>) -> Result<ChannelSlot, SignalError>,
    ) -> Self {
        Self::new(name, parameters, formula, ChannelPairs::Own, BuildChannel::Slot(build))
    }

    /// A channel that reads the leader.
    pub(crate) const fn leader(
        name: &'static str,
        parameters: &'static [(&'static str, f64)],
        formula: &'static str,
        build: Build,
    ) -> Self {
        Self::new(name, parameters, formula, ChannelPairs::Leader, BuildChannel::Boxed(build))
    }

    /// A channel that reads several pairs.
    pub(crate) const fn market(
        name: &'static str,
        parameters: &'static [(&'static str, f64)],
        formula: &'static str,
        build: Build,
    ) -> Self {
        Self::new(name, parameters, formula, ChannelPairs::Market, BuildChannel::Boxed(build))
    }

    /// The same, with a pattern's name in its spec.
    pub(crate) const fn with_pattern(mut self) -> Self {
        self.extra = Extra::Pattern;
        self
    }

    /// The same, with an inner channel in its spec.
    pub(crate) const fn with_channel(mut self) -> Self {
        self.extra = Extra::Channel;
        self
    }

    /// The same, with a coarser interval and an inner channel in its spec.
    pub(crate) const fn with_interval_and_channel(mut self) -> Self {
        self.extra = Extra::IntervalAndChannel;
        self
    }

    pub(crate) fn info(&self) -> &ChannelInfo {
        &self.info
    }

    /// Checks the spec and builds the channel.
    pub(crate) fn build(
        &self,
        spec: &ChannelSpec,
        interval: Interval,
        registry: &Registry,
        sharing: Option<Sharing<'_>>,
    ) -> Result<ChannelSlot, SignalError> {
        let arguments = ChannelArguments { spec, info: self.info, interval, registry, sharing };
        let names: Vec<&str> = self.info.parameters.iter().map(|(name, _)| *name).collect();
        spec.check_parameters(&names)?;
        match self.info.pairs {
            ChannelPairs::Own => spec.check_pairs(0)?,
            ChannelPairs::Leader => spec.check_pairs(1)?,
            // A panel of many pairs builds the channel for each of them: the first one checks it.
            ChannelPairs::Market if arguments.is_shared() => {}
            ChannelPairs::Market => arguments.check_market()?,
        }
        arguments.check_extra(self.extra)?;
        match self.build {
            BuildChannel::Slot(build) => build(&arguments),
            BuildChannel::Boxed(build) => build(&arguments).map(ChannelSlot::Boxed),
        }
    }
}

/// A checked spec, and the defaults of the parameters that it leaves out.
#[derive(Debug)]
pub(crate) struct ChannelArguments<'a> {
    spec: &'a ChannelSpec,
    info: ChannelInfo,
    interval: Interval,
    registry: &'a Registry,
    sharing: Option<Sharing<'a>>,
}

impl ChannelArguments<'_> {
    /// Name of the channel.
    pub(crate) fn name(&self) -> &'static str {
        self.info.name
    }

    /// Interval of the candles.
    pub(crate) fn interval(&self) -> Interval {
        self.interval
    }

    /// The declared pairs.
    pub(crate) fn pairs(&self) -> &[Pair] {
        self.spec.pairs()
    }

    fn value(&self, parameter: &str) -> f64 {
        let default = self.info.parameters.iter().find(|(name, _)| *name == parameter);
        self.spec.parameter(parameter, default.map_or(f64::NAN, |(_, value)| *value))
    }

    /// A parameter that is a number of candles.
    pub(crate) fn period(&self, parameter: &str) -> Result<usize, SignalError> {
        period(self.info.name, parameter, self.value(parameter))
    }

    /// A number of candles that is at least `min`.
    pub(crate) fn period_from(&self, parameter: &str, min: usize) -> Result<usize, SignalError> {
        let value = self.period(parameter)?;
        if value < min {
            let problem = format!("{parameter} is {value}; give {min} or more");
            return Err(SignalError::channel(self.info.name, problem));
        }
        Ok(value)
    }

    /// Two numbers of candles, the first smaller than the second.
    pub(crate) fn fast_and_slow(&self) -> Result<(usize, usize), SignalError> {
        let (fast, slow) = (self.period("fast")?, self.period("slow")?);
        if fast >= slow {
            let problem = format!("fast is {fast} and slow {slow}; give a smaller fast");
            return Err(SignalError::channel(self.info.name, problem));
        }
        Ok((fast, slow))
    }

    /// A parameter above 0 and at most 100.
    pub(crate) fn positive(&self, parameter: &str) -> Result<f64, SignalError> {
        let got = self.value(parameter);
        if got > 0.0 && got <= 100.0 {
            return Ok(got);
        }
        Err(SignalError::Parameter {
            channel: self.info.name.to_string(),
            parameter: parameter.to_string(),
            expected: "above 0 and at most 100".to_string(),
            got,
        })
    }

    /// A parameter within a range.
    pub(crate) fn within(
        &self,
        parameter: &str,
        range: RangeInclusive<f64>,
    ) -> Result<f64, SignalError> {
        let got = self.value(parameter);
        if range.contains(&got) {
            return Ok(got);
        }
        Err(SignalError::Parameter {
            channel: self.info.name.to_string(),
            parameter: parameter.to_string(),
            expected: format!("from {} to {}", range.start(), range.end()),
            got,
        })
    }

    /// The pattern's name; empty if there is none.
    pub(crate) fn pattern(&self) -> &str {
        self.spec.pattern_name().unwrap_or_default()
    }

    /// The coarser interval, which is made of whole candles.
    pub(crate) fn coarse_interval(&self) -> Result<Interval, SignalError> {
        let (fine, coarse) = (self.interval, self.spec.interval().unwrap_or(self.interval));
        if !coarse.consists_of(fine) {
            let problem = format!(
                "{coarse} candles do not consist of whole {fine} candles; use a multiple with the \
                 same offset, and no candles by session"
            );
            return Err(SignalError::channel(self.info.name, problem));
        }
        Ok(coarse)
    }

    /// Builds the channel's market quantity: one for each channel, or one for a whole panel.
    pub(crate) fn market<Q: MarketQuantity>(
        &self,
        build: impl FnOnce() -> Result<Q, SignalError>,
    ) -> Result<SharedQuantity<Q>, SignalError> {
        let Some(Sharing { market, place }) = self.sharing else {
            return build().map(SharedQuantity::Own);
        };
        market.borrow_mut().add(place, build)?;
        Ok(SharedQuantity::Panel(place))
    }

    /// Builds the inner channel for candles of `interval`; it reads its own pair only.
    pub(crate) fn inner(&self, interval: Interval) -> Result<Box<dyn Channel>, SignalError> {
        let name = self.info.name;
        let Some(of) = self.spec.of() else {
            return Err(SignalError::channel(name, "it needs an inner channel; set `of`"));
        };
        if !of.pairs().is_empty() {
            let problem = format!("{of} reads other pairs; use a channel of the own pair");
            return Err(SignalError::channel(name, problem));
        }
        if of.of().is_some_and(|inner| inner.of().is_some()) {
            return Err(SignalError::channel(name, "channels are nested more than twice"));
        }
        self.registry.build(of, interval)
    }

    /// Returns whether a panel has the market quantity of this channel, from another pair's channel.
    fn is_shared(&self) -> bool {
        self.sharing.is_some_and(|sharing| sharing.market.borrow().contains(sharing.place))
    }

    fn check_market(&self) -> Result<(), SignalError> {
        let pairs = self.pairs();
        if pairs.len() < 2 {
            let problem = format!("it reads 2 or more pairs, its spec names {}", pairs.len());
            return Err(SignalError::channel(self.info.name, problem));
        }
        let mut seen = BTreeSet::new();
        match pairs.iter().find(|pair| !seen.insert(*pair)) {
            Some(pair) => {
                let problem = format!("its spec names {pair} twice; remove one");
                Err(SignalError::channel(self.info.name, problem))
            }
            None => Ok(()),
        }
    }

    fn check_extra(&self, extra: Extra) -> Result<(), SignalError> {
        let spec = self.spec;
        let given = [spec.pattern_name().is_some(), spec.interval().is_some(), spec.of().is_some()];
        let wanted = match extra {
            Extra::None => return spec.check_no_extra(),
            Extra::Pattern => [true, false, false],
            Extra::Channel => [false, false, true],
            Extra::IntervalAndChannel => [false, true, true],
        };
        if given == wanted {
            return Ok(());
        }
        let problem = match extra {
            Extra::Pattern => "it needs the name of a pattern; use ChannelSpec::pattern",
            Extra::Channel => "it needs an inner channel; use ChannelSpec::market_mean",
            _ => "it needs an interval and an inner channel; use ChannelSpec::on",
        };
        Err(SignalError::channel(self.info.name, problem))
    }
}
