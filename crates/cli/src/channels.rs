//! `windvane channels`: every built-in channel with parameters, warm-up and formula.
use clap::Args;
use windvane::prelude::*;
use windvane::signals::ChannelInfo;
use windvane::signals::channels::ChannelPairs;

use crate::{Error, output};

/// List every channel with its parameters, its warm-up and its formula
#[derive(Debug, Args)]
pub(crate) struct ChannelOptions {
    /// Interval of the candles; the warm-up of some channels depends on it.
    #[arg(long, default_value = "1h")]
    interval: Interval,
}

/// Interval and channel of the example of `on`, and the channel of `market_mean`.
const COARSE: Interval = Interval::DAY;
const INNER: &str = "rsi";
/// Pattern of the example of `pattern`.
const PATTERN: &str = "engulfing";

pub(crate) fn run(options: &ChannelOptions) -> Result<(), Error> {
    let registry = Registry::default();
    let mut rows = Vec::new();
    for info in Registry::built_in() {
        let warm_up = registry.build(&example(info)?, options.interval);
        // Daily candles have no coarser day.
        let warm_up = warm_up.map_or("–".to_string(), |channel| channel.warm_up().to_string());
        rows.push([
            info.name.to_string(),
            parameters(info),
            reads(info),
            warm_up,
            info.formula.to_string(),
        ]);
    }
    let header = ["channel", "parameters", "reads", "warm-up", "formula"];
    output::print(output::table(header, rows, &[3]))?;
    Ok(output::print(format_args!(
        "\no, h, l, c, v are the candle, r its log return, σ the volatility. Warm-up: candles before \
         the first value,\nwith the default parameters; on: of on({COARSE}; {INNER}), pattern: of \
         pattern({PATTERN})."
    ))?)
}

/// Spec with default parameters, with example pairs and settings where the channel needs them.
fn example(info: &ChannelInfo) -> Result<ChannelSpec, Error> {
    let spec = match info.name {
        "on" => ChannelSpec::on(COARSE, ChannelSpec::new(INNER)),
        "pattern" => ChannelSpec::pattern(PATTERN),
        "market_mean" => ChannelSpec::market_mean(ChannelSpec::new("close_location")),
        name => ChannelSpec::new(name),
    };
    let pairs: [Pair; 2] = ["A".parse()?, "B".parse()?];
    let count = match info.pairs {
        ChannelPairs::Leader => 1,
        ChannelPairs::Market => 2,
        _ => 0,
    };
    Ok(spec.reading_all(&pairs[..count]))
}

fn parameters(info: &ChannelInfo) -> String {
    let own = info.parameters.iter().map(|(name, value)| format!("{name}={value}"));
    own.collect::<Vec<_>>().join(", ")
}

fn reads(info: &ChannelInfo) -> String {
    match info.pairs {
        ChannelPairs::Leader => "leader",
        ChannelPairs::Market => "market",
        _ => "own pair",
    }
    .to_string()
}
