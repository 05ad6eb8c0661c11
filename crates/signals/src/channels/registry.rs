//! Registry: creates channels by name.
use std::collections::BTreeMap;
use std::sync::Arc;

use super::channel::period;
use super::{Channel, ChannelSlot, Momentum, RelativeMacd, Rsi, Volatility, VolumeChange};
use crate::{ChannelSpec, SignalError};

type Factory = dyn Fn(&ChannelSpec) -> Result<ChannelSlot, SignalError> + Send + Sync;

/// Channels that a spec can name: the six built-in channels and a bot's own.
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
/// The default parameters never change, because a stored spec may omit them.
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
            Ok(ChannelSlot::Rsi(Rsi::new(n)?))
        });
        registry.add("macd", |spec| plain(spec, ChannelSlot::Macd(RelativeMacd::default())));
        registry.add("volatility", |spec| plain(spec, ChannelSlot::Volatility(Volatility)));
        registry
            .add("volume_change", |spec| plain(spec, ChannelSlot::Volume(VolumeChange::default())));
        registry
    }
}

fn change(spec: &ChannelSpec, lag: f64) -> Result<ChannelSlot, SignalError> {
    spec.check(&["lag"], 0)?;
    Ok(ChannelSlot::Momentum(Momentum::new(period(
        spec.name(),
        "lag",
        spec.parameter("lag", lag),
    )?)?))
}

fn plain(spec: &ChannelSpec, channel: ChannelSlot) -> Result<ChannelSlot, SignalError> {
    spec.check(&[], 0)?;
    Ok(channel)
}

impl Registry {
    /// Registers a channel; replaces an existing channel of the same name.
    pub fn register<F>(&mut self, name: impl Into<String>, factory: F)
    where
        F: Fn(&ChannelSpec) -> Result<Box<dyn Channel>, SignalError> + Send + Sync + 'static,
    {
        self.add(name, move |spec| factory(spec).map(ChannelSlot::Boxed));
    }

    fn add<F>(&mut self, name: impl Into<String>, factory: F)
    where
        F: Fn(&ChannelSpec) -> Result<ChannelSlot, SignalError> + Send + Sync + 'static,
    {
        self.factories.insert(name.into(), Arc::new(factory));
    }

    /// Builds the channel of a spec.
    ///
    /// # Errors
    /// [`SignalError::UnknownChannel`], or the error of the channel's factory.
    pub fn build(&self, spec: &ChannelSpec) -> Result<Box<dyn Channel>, SignalError> {
        self.slot(spec).map(ChannelSlot::into_box)
    }

    /// Builds the channel of a spec for a pipeline, without a box for the built-in ones.
    pub(crate) fn slot(&self, spec: &ChannelSpec) -> Result<ChannelSlot, SignalError> {
        let factory = self.factories.get(spec.name()).ok_or_else(|| {
            let known = self.factories.keys().cloned().collect();
            SignalError::UnknownChannel { name: spec.name().to_string(), known }
        })?;
        factory(spec)
    }
}
