//! Channels as text: `momentum,rsi(period=21),spread(lag=2; ETHUSDT)`.
use serde::{Deserialize, Deserializer, de::Error as _};
use windvane::prelude::*;

/// Channels in the order of a row's columns.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct List(Vec<ChannelSpec>);

impl List {
    pub(crate) fn specs(&self) -> Vec<ChannelSpec> {
        self.0.clone()
    }
}

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let specs = texts.iter().map(|text| parse(text)).collect::<Result<_, _>>();
        specs.map(Self).map_err(D::Error::custom)
    }
}

/// Reads a list whose channels are separated by commas outside parentheses.
///
/// # Errors
/// As [`parse`].
pub(crate) fn split(text: &str) -> Result<List, String> {
    let mut specs = Vec::new();
    let (mut start, mut depth) = (0, 0_usize);
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                specs.push(parse(&text[start..at])?);
                start = at + 1;
            }
            _ => {}
        }
    }
    specs.push(parse(&text[start..])?);
    Ok(List(specs))
}

/// Reads a channel as `ChannelSpec` displays it: `name(parameter=value, …; PAIR, …)`.
///
/// # Errors
/// The channel, with what was expected in it.
fn parse(text: &str) -> Result<ChannelSpec, String> {
    let text = text.trim();
    let (name, inside) = match text.split_once('(') {
        None => (text, ""),
        Some((name, rest)) => {
            let inside = rest.strip_suffix(')');
            (
                name.trim(),
                inside.ok_or_else(|| format!("channel {text:?}: no closing parenthesis"))?,
            )
        }
    };
    if name.is_empty() {
        return Err("a channel needs a name; write them as momentum,rsi(period=21)".to_string());
    }
    let (parameters, pairs) = match inside.split_once(';') {
        Some(parts) => parts,
        None if inside.contains('=') => (inside, ""),
        None => ("", inside),
    };
    let mut spec = ChannelSpec::new(name);
    for parameter in parts(parameters) {
        let (key, value) = parameter.split_once('=').ok_or_else(|| wrong(text, parameter))?;
        let value: f64 = value.trim().parse().map_err(|_| wrong(text, parameter))?;
        spec = spec.with(key.trim(), value);
    }
    for pair in parts(pairs) {
        let pair: Pair = pair.parse().map_err(|error| format!("channel {text:?}: {error}"))?;
        spec = spec.reading(pair);
    }
    Ok(spec)
}

fn parts(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|part| !part.is_empty())
}

fn wrong(text: &str, parameter: &str) -> String {
    format!("channel {text:?}: {parameter:?} must be a parameter and a number, such as period=21")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_read_as_they_are_shown() {
        let text = "momentum,rsi(period=21),spread(a=1, b=-2.5; ETHUSDT, BTC/USDT),ratio(ETHUSDT)";
        let shown: Vec<String> = split(text).unwrap().0.iter().map(ToString::to_string).collect();
        assert_eq!(shown.join(","), text);
    }

    #[test]
    fn damaged_channels_are_refused() {
        for text in ["", "a,,b", "rsi(period", "rsi(period=long)", "rsi(a=1; B C)"] {
            assert!(split(text).is_err(), "{text}");
        }
    }
}
