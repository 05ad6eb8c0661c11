//! Inputs of a model: a named set of channels, or a settings file.
use std::path::Path;

use clap::Args;
use serde::Deserialize;
use windvane::prelude::*;
use windvane::signals::Lags;

use crate::Error;

/// Options for the inputs of a model.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub(crate) struct InputArgs {
    /// Inputs of the models: six, price-action (own pair, normalised), market (also leader, market
    /// and clock), or a TOML file with channels, lags and gaps [default: six]
    #[arg(long, value_name = "SET|FILE")]
    pub(crate) inputs: Option<String>,
    /// Leader of the set market [default: the pair whose name begins with BTC]
    #[arg(long, value_name = "PAIR")]
    pub(crate) leader: Option<String>,
}

/// Channels of a model, their gap policy and the lags that tabular models read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Inputs {
    pub(crate) channels: Vec<ChannelSpec>,
    /// Policy of a market that is always open; a market with sessions has its own.
    pub(crate) always_open: GapPolicy,
    pub(crate) lags: Option<Lags>,
}

/// Settings file of inputs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct InputFile {
    channels: Vec<String>,
    gaps: Option<GapRule>,
    lags: Option<Lags>,
}

/// Treatment of gaps in a market that is always open.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum GapRule {
    Reset,
    ByClock,
}

impl Inputs {
    /// The six signals, or other channels whose gaps reset them.
    pub(crate) fn of(channels: Vec<ChannelSpec>) -> Self {
        Self { channels, always_open: GapPolicy::Reset, lags: None }
    }

    fn of_set(set: SignalSpec) -> Self {
        let lags = Some(Lags::of_returns(&set));
        Self { channels: set.channels, always_open: set.gaps, lags }
    }
}

impl InputArgs {
    /// The inputs for a model of these series; the set market consists of their pairs.
    ///
    /// # Errors
    /// A file that cannot be read, fewer than two pairs for the set market, and a leader that is
    /// missing or unclear.
    pub(crate) fn resolve(&self, all: &[&CandleSeries]) -> Result<Inputs, Error> {
        let set = self.inputs.as_deref().unwrap_or("six");
        if self.leader.is_some() && set != "market" {
            return Err("--leader belongs to --inputs market; add that or remove it".into());
        }
        match set {
            "six" => Ok(Inputs::of(SignalSpec::six().channels)),
            "price-action" => Ok(Inputs::of_set(SignalSpec::price_action())),
            "market" => self.market(all),
            file => read(Path::new(file)),
        }
    }

    fn market(&self, all: &[&CandleSeries]) -> Result<Inputs, Error> {
        let Some(first) = all.first() else { return Err("--inputs market: no candles".into()) };
        if let Some(other) = all.iter().find(|series| series.interval() != first.interval()) {
            return Err(format!(
                "--inputs market: {} has {} candles, {} has {} candles; the pairs of a market have \
                 one interval: choose it with --interval",
                first.pair(),
                first.interval(),
                other.pair(),
                other.interval()
            )
            .into());
        }
        let mut pairs: Vec<Pair> = all.iter().map(|series| series.pair().clone()).collect();
        pairs.sort();
        pairs.dedup();
        if pairs.len() < 2 {
            let problem = "--inputs market: a market needs two or more pairs; add files to --data";
            return Err(problem.into());
        }
        let leader = self.leader(&pairs)?;
        Ok(Inputs::of_set(SignalSpec::market(&pairs, &leader)))
    }

    fn leader(&self, pairs: &[Pair]) -> Result<Pair, Error> {
        let names = || pairs.iter().map(Pair::as_str).collect::<Vec<_>>().join(", ");
        if let Some(name) = &self.leader {
            let found = pairs.iter().find(|pair| pair.as_str() == name);
            return found
                .cloned()
                .ok_or_else(|| format!("--leader {name}: the pairs are {}", names()).into());
        }
        let mut bitcoin = pairs.iter().filter(|pair| pair.as_str().starts_with("BTC"));
        match (bitcoin.next(), bitcoin.next()) {
            (Some(leader), None) => Ok(leader.clone()),
            _ => Err(format!(
                "--inputs market: no single pair begins with BTC; choose one with --leader: {}",
                names()
            )
            .into()),
        }
    }
}

fn read(file: &Path) -> Result<Inputs, Error> {
    let named = |problem: &dyn std::fmt::Display| format!("{}: {problem}", file.display());
    let text = std::fs::read_to_string(file).map_err(|error| {
        named(&format!("{error}; --inputs is six, price-action, market or a TOML file"))
    })?;
    let InputFile { channels, gaps, lags } =
        toml::from_str(&text).map_err(|error| named(&error))?;
    let channels = channels.iter().map(|text| text.parse()).collect::<Result<Vec<_>, _>>();
    let channels = channels.map_err(|error| named(&error))?;
    let always_open = match gaps {
        Some(GapRule::ByClock) => GapPolicy::ByClock,
        Some(GapRule::Reset) | None => GapPolicy::Reset,
    };
    Ok(Inputs { channels, always_open, lags })
}

#[cfg(test)]
mod tests {
    use windvane::candles::simulate::MarketModel;

    use super::*;

    fn series(pair: &str, interval: Interval) -> CandleSeries {
        MarketModel::AR1.candles(pair.parse().unwrap(), interval, 50, 1).unwrap()
    }

    fn resolve(inputs: &str, leader: Option<&str>, pairs: &[&str]) -> Result<Inputs, String> {
        let all: Vec<CandleSeries> = pairs.iter().map(|p| series(p, Interval::HOUR)).collect();
        let args =
            InputArgs { inputs: Some(inputs.to_string()), leader: leader.map(ToString::to_string) };
        args.resolve(&all.iter().collect::<Vec<_>>()).map_err(|error| error.to_string())
    }

    #[test]
    fn inputs_of_market_take_pairs_and_leader_from_the_data() {
        let market = resolve("market", None, &["ETHUSDT", "BTCUSDT", "SOLUSDT"]).unwrap();
        assert_eq!((market.channels.len(), market.always_open), (42, GapPolicy::ByClock));
        let leader = market.channels.iter().find(|channel| channel.name() == "leader_return");
        assert_eq!(leader.unwrap().to_string(), "leader_return(BTCUSDT)");
        let other = resolve("market", Some("SOLUSDT"), &["ETHUSDT", "BTCUSDT", "SOLUSDT"]).unwrap();
        assert!(other.channels.iter().any(|c| c.to_string() == "leader_return(SOLUSDT)"));
    }

    #[test]
    fn inputs_that_are_unclear_are_refused() {
        let cases = [
            ("market", None, &["BTCUSDT"][..], "two or more pairs"),
            ("market", None, &["BTCUSDT", "BTCEUR"], "--leader: BTCEUR, BTCUSDT"),
            ("market", None, &["ETHUSDT", "SOLUSDT"], "--leader: ETHUSDT, SOLUSDT"),
            ("market", Some("XRP"), &["ETHUSDT", "SOLUSDT"], "ETHUSDT, SOLUSDT"),
            ("six", Some("BTCUSDT"), &["BTCUSDT"], "--inputs market"),
            ("sixty", None, &["BTCUSDT"], "six, price-action, market or a TOML file"),
        ];
        for (inputs, leader, pairs, message) in cases {
            let error = resolve(inputs, leader, pairs).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
        let mixed = [series("BTCUSDT", Interval::HOUR), series("SPX", Interval::DAY)];
        let args = InputArgs { inputs: Some("market".to_string()), leader: None };
        let error = args.resolve(&[&mixed[0], &mixed[1]]).unwrap_err().to_string();
        assert!(error.contains("--interval"), "{error}");
    }

    #[test]
    fn inputs_of_a_file_have_channels_lags_and_gaps() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = "channels = ['normalized_return', 'on(4h; rsi(period=14))']\n\
                    gaps = 'by-clock'\n[lags]\nnormalized_return = [1, 2]\n";
        std::fs::write(file.path(), text).unwrap();
        let inputs = resolve(&file.path().display().to_string(), None, &["A"]).unwrap();
        assert_eq!(inputs.channels[1].to_string(), "on(4h; rsi(period=14))");
        assert_eq!(inputs.always_open, GapPolicy::ByClock);
        assert_eq!(inputs.lags, Some(Lags::newest().with("normalized_return", [1, 2])));
        std::fs::write(file.path(), "channels = ['rsi(period=long)']").unwrap();
        let error = resolve(&file.path().display().to_string(), None, &["A"]).unwrap_err();
        assert!(error.contains("period=21"), "{error}");
    }
}
