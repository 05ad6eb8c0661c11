//! Text form of the spec of a channel, the inverse of its `Display`.
use std::collections::VecDeque;
use std::str::FromStr;

use windvane_candles::{IntervalError, PairError};

use crate::{ChannelSpec, SignalError};

/// Longest text of a spec; it bounds the depth of nested channels.
const MAX_TEXT: usize = 4_096;

/// Parses the form that `Display` writes: `name(parameter=value, …; PAIR, …)`. The name of a
/// pattern, an interval and an inner channel come first, as in `on(4h; rsi(period=14))`.
///
/// # Errors
/// [`SignalError::ChannelSetting`] with the text that cannot be read and the expected form.
///
/// # Examples
/// ```
/// use windvane_signals::ChannelSpec;
/// for text in ["rsi(period=21)", "pattern(doji)", "on(4h; rsi(period=14))", "my.spread(lag=2; A, B)"] {
///     assert_eq!(text.parse::<ChannelSpec>()?.to_string(), text);
/// }
/// assert!("rsi(period=long)".parse::<ChannelSpec>().is_err());
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
impl FromStr for ChannelSpec {
    type Err = SignalError;

    fn from_str(text: &str) -> Result<Self, SignalError> {
        let text = text.trim();
        if text.len() > MAX_TEXT {
            let start: String = text.chars().take(40).collect();
            return Err(SignalError::channel(&start, "its text is longer than 4,096 characters"));
        }
        let (name, inside) = match text.split_once('(') {
            None => (text, ""),
            Some((name, rest)) => {
                let inside = rest.strip_suffix(')').ok_or_else(|| {
                    SignalError::channel(text, "the closing parenthesis is missing; add it")
                })?;
                (name.trim_end(), inside)
            }
        };
        if name.is_empty() || name.contains([')', ';', ',', '=']) {
            let problem = "a channel is written as momentum or rsi(period=21)";
            return Err(SignalError::channel(text, problem));
        }
        let mut parts = split(inside, ';').collect::<VecDeque<_>>();
        let spec = settings(name, &mut parts, text)?;
        parts.into_iter().try_fold(spec, |spec, part| add(spec, part, text))
    }
}

/// Spec with the pattern, or with the interval and the inner channel, of the first parts.
fn settings(
    name: &str,
    parts: &mut VecDeque<&str>,
    text: &str,
) -> Result<ChannelSpec, SignalError> {
    match name {
        "pattern" if parts.front().is_some_and(|part| !part.contains('=')) => {
            Ok(ChannelSpec::pattern(parts.pop_front().unwrap_or_default()))
        }
        "on" => {
            let (Some(interval), Some(of)) = (parts.pop_front(), parts.pop_front()) else {
                let problem = "it needs an interval and a channel, as in on(4h; rsi(period=14))";
                return Err(SignalError::channel(text, problem));
            };
            let interval = interval.parse();
            let interval = interval
                .map_err(|error: IntervalError| SignalError::channel(text, error.to_string()))?;
            Ok(ChannelSpec::on(interval, of.parse()?))
        }
        "market_mean" => match parts.pop_front() {
            Some(of) => Ok(ChannelSpec::market_mean(of.parse()?)),
            None => Ok(ChannelSpec::new(name)),
        },
        _ => Ok(ChannelSpec::new(name)),
    }
}

/// Adds a list of parameters or a list of pairs to a spec.
fn add(mut spec: ChannelSpec, part: &str, text: &str) -> Result<ChannelSpec, SignalError> {
    for word in split(part, ',') {
        let Some((name, value)) = word.split_once('=') else {
            let pair = word.parse();
            let pair =
                pair.map_err(|error: PairError| SignalError::channel(text, error.to_string()))?;
            spec = spec.reading(pair);
            continue;
        };
        let value = value.trim().parse().ok().filter(|value: &f64| value.is_finite());
        let value = value.ok_or_else(|| {
            let problem = format!("{word:?} is not a parameter and a number, as period=21");
            SignalError::channel(text, problem)
        })?;
        spec = spec.with(name.trim(), value);
    }
    Ok(spec)
}

/// Parts of a list between separators outside parentheses, trimmed, without empty ones.
pub(crate) fn split(list: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    let parts = list.split(move |character| {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        character == separator && depth == 0
    });
    parts.map(str::trim).filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use windvane_candles::{Interval, Pair};

    use super::*;
    use crate::SignalSpec;

    #[test]
    fn channel_text_is_inverse_of_display_for_all_sets() {
        let pairs: Vec<Pair> = ["BTCUSDT", "ETH/USDT", "S&P500"].map(|p| p.parse().unwrap()).into();
        let mut channels = SignalSpec::six().channels;
        channels.extend(SignalSpec::market(&pairs, &pairs[0]).channels);
        channels.push(ChannelSpec::pattern("3whitesoldiers"));
        let coarse =
            ChannelSpec::on(Interval::DAY, ChannelSpec::on(Interval::WEEK, "rsi".parse().unwrap()));
        channels.push(coarse);
        for spec in channels {
            assert_eq!(spec.to_string().parse(), Ok(spec));
        }
    }

    #[test]
    fn channel_text_that_is_not_a_channel_is_an_error() {
        for text in [
            "",
            "(lag=1)",
            "rsi(period=21",
            "rsi(period=long)",
            "rsi(period=NaN)",
            "rsi)",
            "on(4h)",
            "on(4x; rsi)",
            "on(4h; rsi(period=x))",
            "rsi(; a\\b)",
            "a,b",
        ] {
            assert!(text.parse::<ChannelSpec>().is_err(), "{text}");
        }
        let deep = "on(1d; ".repeat(2_000) + "rsi" + &")".repeat(2_000);
        assert!(deep.parse::<ChannelSpec>().is_err());
    }
}
