//! From a channel's name to the channel.
use std::collections::BTreeMap;
use std::sync::Arc;

use super::channel::period;
use super::{Channel, Momentum, RelativeMacd, Rsi, Slot, Volatility, VolumeChange};
use crate::{ChannelSpec, SignalError};

type Factory = dyn Fn(&ChannelSpec) -> Result<Slot, SignalError> + Send + Sync;

/// The channels that specs may name: the six built in, and a bot's own.
///
/// | name | parameters | channel |
/// |---|---|---|
/// | `momentum` | `lag` = 1 | [`Momentum`] |
/// | `trend` | `lag` = 20 | [`Momentum`] |
/// | `rsi` | `period` = 14 | [`Rsi`] |
/// | `macd` | | [`RelativeMacd`] |
/// | `volatility` | | [`Volatility`] |
/// | `volume_change` | | [`VolumeChange`] |
///
/// The default parameters never change: a stored spec that leaves one out means this value.
///
/// # Examples
/// ```
/// use windvane_signals::{ChannelSpec, Momentum, Registry};
/// let mut registry = Registry::default();
/// registry.register("my_bot.week", |_| Ok(Box::new(Momentum::new(168)?)));
/// assert!(registry.build(&ChannelSpec::new("my_bot.week")).is_ok());
/// assert!(registry.build(&ChannelSpec::new("my_bot.weak")).is_err());
/// ```
#[derive(Clone)]
pub struct Registry {
    factories: BTreeMap<String, Arc<Factory>>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.factories.keys()).finish()
    }
}

impl Default for Registry {
    fn default() -> Self {
        let mut registry = Self { factories: BTreeMap::new() };
        registry.add("momentum", |spec| change(spec, 1.0));
        registry.add("trend", |spec| change(spec, 20.0));
        registry.add("rsi", |spec| {
            spec.check(&["period"], 0)?;
            let n = period(spec.name(), "period", spec.parameter("period", 14.0))?;
            Ok(Slot::Rsi(Rsi::new(n)?))
        });
        registry.add("macd", |spec| plain(spec, Slot::Macd(RelativeMacd::default())));
        registry.add("volatility", |spec| plain(spec, Slot::Volatility(Volatility)));
        registry.add("volume_change", |spec| plain(spec, Slot::Volume(VolumeChange::default())));
        registry
    }
}

fn change(spec: &ChannelSpec, lag: f64) -> Result<Slot, SignalError> {
    spec.check(&["lag"], 0)?;
    Ok(Slot::Momentum(Momentum::new(period(spec.name(), "lag", spec.parameter("lag", lag))?)?))
}

fn plain(spec: &ChannelSpec, channel: Slot) -> Result<Slot, SignalError> {
    spec.check(&[], 0)?;
    Ok(channel)
}

impl Registry {
    /// Adds a channel, or replaces the one of that name.
    pub fn register<F>(&mut self, name: impl Into<String>, factory: F)
    where
        F: Fn(&ChannelSpec) -> Result<Box<dyn Channel>, SignalError> + Send + Sync + 'static,
    {
        self.add(name, move |spec| factory(spec).map(Slot::Boxed));
    }

    fn add<F>(&mut self, name: impl Into<String>, factory: F)
    where
        F: Fn(&ChannelSpec) -> Result<Slot, SignalError> + Send + Sync + 'static,
    {
        self.factories.insert(name.into(), Arc::new(factory));
    }

    /// Builds the channel a spec names.
    ///
    /// # Errors
    /// [`SignalError::UnknownChannel`], or what the channel's factory finds wrong with the spec.
    pub fn build(&self, spec: &ChannelSpec) -> Result<Box<dyn Channel>, SignalError> {
        self.slot(spec).map(Slot::into_box)
    }

    /// [`build`](Self::build) for a pipeline.
    pub(crate) fn slot(&self, spec: &ChannelSpec) -> Result<Slot, SignalError> {
        let factory = self.factories.get(spec.name()).ok_or_else(|| {
            let known = self.factories.keys().cloned().collect();
            SignalError::UnknownChannel { name: spec.name().to_string(), known }
        })?;
        factory(spec)
    }
}
