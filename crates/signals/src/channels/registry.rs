//! Registry: creates channels by name.
use std::collections::BTreeMap;
use std::sync::Arc;

use windvane_candles::{Candle, Interval};

use super::catalog::{BuiltIn, ChannelInfo};
use super::market::Sharing;
use super::replayed::{Indicator, NewIndicator, Replay, Replayed};
use super::{
    Channel, ChannelSlot, bollinger, candle_shape, clock, coarse, directional, donchian,
    hidden_markov, log_volatility, macd, macd_signal, market, mean_absolute_return, momentum,
    moving_average, normalized_momentum, normalized_range, normalized_return, pattern, regime, roc,
    rsi, season, signed_volume, stochastic, typical_price, volatility, volatility_ratio, volume,
    volume_level, volume_profile, wilder,
};
use crate::{ChannelSpec, SignalError};

/// The built-in channels, one line each.
const BUILT_IN: &[BuiltIn] = &[
    momentum::MOMENTUM,
    momentum::TREND,
    rsi::RSI,
    macd::MACD,
    volatility::VOLATILITY,
    volume::VOLUME_CHANGE,
    log_volatility::LOG_VOLATILITY,
    normalized_return::NORMALIZED_RETURN,
    normalized_momentum::NORMALIZED_MOMENTUM,
    candle_shape::CLOSE_LOCATION,
    candle_shape::UPPER_WICK,
    candle_shape::LOWER_WICK,
    normalized_range::NORMALIZED_RANGE,
    normalized_range::MEAN_RANGE,
    donchian::DONCHIAN_POSITION,
    volume_level::VOLUME_LEVEL,
    volume_level::VOLUME_TREND,
    season::VOLUME_SEASON,
    season::SAME_HOUR_RETURN,
    signed_volume::SIGNED_VOLUME,
    signed_volume::OBV_CHANGE,
    volatility_ratio::VOLATILITY_RATIO,
    mean_absolute_return::MEAN_ABSOLUTE_RETURN,
    regime::REGIME,
    hidden_markov::HMM_VOLATILITY_STATE,
    clock::HOUR,
    clock::HOUR_SIN,
    clock::HOUR_COS,
    clock::WEEKDAY,
    clock::WEEKDAY_SIN,
    clock::WEEKDAY_COS,
    moving_average::SMA,
    moving_average::EMA,
    wilder::ATR,
    bollinger::BOLLINGER_PERCENT_B,
    directional::ADX,
    directional::PLUS_DI,
    directional::MINUS_DI,
    stochastic::STOCHASTIC_K,
    stochastic::STOCHASTIC_D,
    stochastic::WILLIAMS_R,
    typical_price::CCI,
    typical_price::MFI,
    macd_signal::MACD_SIGNAL,
    macd_signal::MACD_HISTOGRAM,
    roc::ROC,
    pattern::PATTERN,
    volume_profile::VOLUME_PROFILE_POC_DISTANCE,
    volume_profile::VOLUME_PROFILE_VALUE_AREA_POSITION,
    coarse::ON,
    market::LEADER_RETURN,
    market::LEADER_MOMENTUM,
    market::MARKET_RETURN,
    market::MARKET_MOMENTUM,
    market::MARKET_VOLATILITY,
    market::MARKET_DISPERSION,
    market::MARKET_BREADTH,
    market::MARKET_MEAN,
    market::MARKET_BETA,
    market::RELATIVE_RETURN,
    market::RELATIVE_MOMENTUM,
    market::RESIDUAL_RETURN,
    market::RETURN_RANK,
    market::RELATIVE_VOLATILITY,
];

type CustomChannel = dyn Fn(&ChannelSpec) -> Result<Box<dyn Channel>, SignalError> + Send + Sync;

#[derive(Clone)]
enum Factory {
    BuiltIn(&'static BuiltIn),
    Custom(Arc<CustomChannel>),
}

/// The channels that specs may name: the built-in ones, and a bot's own.
///
/// | family | names |
/// |---|---|
/// | the default six | `momentum`, `trend` ([`Momentum`](super::Momentum)), `rsi` ([`Rsi`](super::Rsi)), `macd` ([`RelativeMacd`](super::RelativeMacd)), `volatility` ([`Volatility`](super::Volatility)), `volume_change` ([`VolumeChange`](super::VolumeChange)) |
/// | return | `normalized_return` ([`NormalizedReturn`](super::NormalizedReturn)), `normalized_momentum` ([`NormalizedMomentum`](super::NormalizedMomentum)), `mean_absolute_return` ([`MeanAbsoluteReturn`](super::MeanAbsoluteReturn)), `same_hour_return` ([`SameHourReturn`](super::SameHourReturn)) |
/// | candle | `close_location`, `upper_wick`, `lower_wick` ([`CandleShape`](super::CandleShape)), `normalized_range`, `mean_range` ([`NormalizedRange`](super::NormalizedRange)), `donchian_position` ([`DonchianPosition`](super::DonchianPosition)), `pattern` ([`CandlePattern`](super::CandlePattern)) |
/// | volume | `volume_level` ([`VolumeLevel`](super::VolumeLevel)), `volume_trend` ([`VolumeTrend`](super::VolumeTrend)), `volume_season` ([`VolumeSeason`](super::VolumeSeason)), `signed_volume` ([`SignedVolume`](super::SignedVolume)), `obv_change` ([`ObvChange`](super::ObvChange)), `volume_profile_poc_distance` ([`PocDistance`](super::PocDistance)), `volume_profile_value_area_position` ([`ValueAreaPosition`](super::ValueAreaPosition)) |
/// | volatility | `log_volatility` ([`LogVolatility`](super::LogVolatility)), `volatility_ratio` ([`VolatilityRatio`](super::VolatilityRatio)) |
/// | regime | `regime` ([`Regime`](super::Regime)), `hmm_volatility_state` ([`HiddenMarkovState`](super::HiddenMarkovState)) |
/// | clock | `hour`, `hour_sin`, `hour_cos`, `weekday`, `weekday_sin`, `weekday_cos` ([`Clock`](super::Clock)) |
/// | TA-Lib | `sma` ([`SmaDistance`](super::SmaDistance)), `ema` ([`EmaDistance`](super::EmaDistance)), `atr` ([`RelativeAtr`](super::RelativeAtr)), `bollinger_percent_b` ([`BollingerPercentB`](super::BollingerPercentB)), `adx` ([`Adx`](super::Adx)), `plus_di`, `minus_di` ([`DirectionalIndicator`](super::DirectionalIndicator)), `stochastic_k`, `stochastic_d` ([`Stochastic`](super::Stochastic)), `williams_r` ([`WilliamsR`](super::WilliamsR)), `cci` ([`CommodityChannelIndex`](super::CommodityChannelIndex)), `mfi` ([`MoneyFlowIndex`](super::MoneyFlowIndex)), `macd_signal`, `macd_histogram` ([`MacdSignal`](super::MacdSignal)), `roc` ([`RateOfChange`](super::RateOfChange)) |
/// | coarser candles | `on` ([`OnInterval`](super::OnInterval)) |
/// | leader | `leader_return`, `leader_momentum` ([`LeaderChannel`](super::LeaderChannel)) |
/// | market | `market_return` ([`MarketReturn`](super::MarketReturn)), `market_momentum` ([`MarketMomentum`](super::MarketMomentum)), `market_volatility` ([`MarketVolatility`](super::MarketVolatility)), `market_dispersion` ([`MarketDispersion`](super::MarketDispersion)), `market_breadth` ([`MarketBreadth`](super::MarketBreadth)), `market_mean` ([`MarketMean`](super::MarketMean)) |
/// | relative | `relative_return` ([`RelativeReturn`](super::RelativeReturn)), `relative_momentum` ([`RelativeMomentum`](super::RelativeMomentum)), `return_rank` ([`ReturnRank`](super::ReturnRank)), `market_beta` ([`MarketBeta`](super::MarketBeta)), `residual_return` ([`ResidualReturn`](super::ResidualReturn)), `relative_volatility` ([`RelativeVolatility`](super::RelativeVolatility)) |
///
/// [`Registry::built_in`] lists parameters, defaults and formulas. The default parameters never
/// change: a stored spec that leaves one out means this value.
///
/// # Examples
/// ```
/// use windvane_candles::Interval;
/// use windvane_signals::{ChannelSpec, Momentum, Registry};
/// let mut registry = Registry::default();
/// registry.register("my_bot.week", |_| Ok(Box::new(Momentum::new(168)?)));
/// assert!(registry.build(&ChannelSpec::new("my_bot.week"), Interval::HOUR).is_ok());
/// assert!(registry.build(&ChannelSpec::new("my_bot.weak"), Interval::HOUR).is_err());
/// ```
#[derive(Clone)]
pub struct Registry {
    factories: BTreeMap<String, Factory>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.factories.keys()).finish()
    }
}

impl Default for Registry {
    fn default() -> Self {
        let built_in = BUILT_IN
            .iter()
            .map(|channel| (channel.info().name.to_string(), Factory::BuiltIn(channel)));
        Self { factories: built_in.collect() }
    }
}

impl Registry {
    /// Registers a channel; replaces an existing channel of the same name.
    pub fn register<F>(&mut self, name: impl Into<String>, factory: F)
    where
        F: Fn(&ChannelSpec) -> Result<Box<dyn Channel>, SignalError> + Send + Sync + 'static,
    {
        self.factories.insert(name.into(), Factory::Custom(Arc::new(factory)));
    }

    /// Registers an indicator of another crate, or a closure, as a channel without parameters and
    /// other pairs; replaces an existing channel of the same name.
    ///
    /// `create` returns the indicator as before its first candle: a function that consumes the next
    /// candle and returns a value. The channel saves no state of it. It keeps the last
    /// [`Replay::history`] candles and saves those; when a state is restored, a new indicator
    /// consumes them. After a restart, and after a [swap](crate::SignalPipeline::joined) of models,
    /// the values are therefore those of the replay. An indicator that depends only on the last
    /// `history` candles, without running sums, has the same bits. One with infinite memory, such
    /// as an EMA, differs by the influence of the earlier candles.
    ///
    /// # Examples
    /// ```
    /// use windvane_candles::{Candle, Interval};
    /// use windvane_signals::{ChannelSpec, Registry, channels::Replay};
    ///
    /// let mut registry = Registry::default();
    /// registry.register_replayed("my_bot.change", Replay { warm_up: 1, history: 2 }, || {
    ///     let mut last = None;
    ///     move |candle: &Candle| {
    ///         let before: Option<f64> = last.replace(candle.close());
    ///         before.map(|before| candle.close() / before - 1.0)
    ///     }
    /// });
    /// let change = registry.build(&ChannelSpec::new("my_bot.change"), Interval::HOUR)?;
    /// assert_eq!(change.warm_up(), 1);
    /// # Ok::<(), windvane_signals::SignalError>(())
    /// ```
    pub fn register_replayed<F, I>(&mut self, name: impl Into<String>, replay: Replay, create: F)
    where
        F: Fn() -> I + Send + Sync + 'static,
        I: FnMut(&Candle) -> Option<f64> + Send + Sync + 'static,
    {
        let create: Arc<NewIndicator> = Arc::new(move || {
            let indicator: Box<Indicator> = Box::new(create());
            indicator
        });
        self.register(name, move |spec| {
            spec.check(&[], 0)?;
            Ok(Box::new(Replayed::new(replay, Arc::clone(&create))?))
        });
    }

    /// Descriptions of the built-in channels, by family.
    ///
    /// # Examples
    /// ```
    /// use windvane_signals::Registry;
    /// let roc = Registry::built_in().find(|channel| channel.name == "roc").unwrap();
    /// assert_eq!(roc.parameters, [("lag", 10.0)]);
    /// assert_eq!(roc.formula, "100·(c / c[lag] − 1)");
    /// ```
    pub fn built_in() -> impl Iterator<Item = &'static ChannelInfo> {
        BUILT_IN.iter().map(BuiltIn::info)
    }

    /// Builds the channel that a spec names, for candles of `interval`.
    ///
    /// # Errors
    /// [`SignalError::UnknownChannel`]; [`SignalError::UnknownParameter`],
    /// [`SignalError::Parameter`], [`SignalError::ChannelPairs`] or [`SignalError::ChannelSetting`]
    /// if the spec does not fit the channel.
    pub fn build(
        &self,
        spec: &ChannelSpec,
        interval: Interval,
    ) -> Result<Box<dyn Channel>, SignalError> {
        self.slot(spec, interval, None).map(ChannelSlot::into_box)
    }

    /// [`build`](Self::build) for a pipeline, which may share its market quantities with others.
    pub(crate) fn slot(
        &self,
        spec: &ChannelSpec,
        interval: Interval,
        sharing: Option<Sharing<'_>>,
    ) -> Result<ChannelSlot, SignalError> {
        match self.factories.get(spec.name()) {
            Some(Factory::BuiltIn(channel)) => channel.build(spec, interval, self, sharing),
            Some(Factory::Custom(factory)) => factory(spec).map(ChannelSlot::Boxed),
            None => Err(SignalError::UnknownChannel {
                name: spec.name().to_string(),
                known: self.factories.keys().cloned().collect(),
            }),
        }
    }
}
