//! Lists of channels as text, such as `momentum,rsi(period=21),spread(lag=2; ETHUSDT)`.
use serde::{Deserialize, Deserializer, de::Error as _};
use windvane::prelude::*;

/// List of channels, in the order of the columns of a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ChannelList(Vec<ChannelSpec>);

impl ChannelList {
    pub(crate) fn specs(&self) -> Vec<ChannelSpec> {
        self.0.clone()
    }
}

impl<'de> Deserialize<'de> for ChannelList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let specs = texts.iter().map(|text| parse(text)).collect::<Result<_, _>>();
        specs.map(Self).map_err(D::Error::custom)
    }
}

/// Parses a list of channels separated by commas outside parentheses.
///
/// # Errors
/// The errors of [`parse`].
pub(crate) fn split(text: &str) -> Result<ChannelList, String> {
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
    Ok(ChannelList(specs))
}

/// Parses a channel in the format of `ChannelSpec`: `name(parameter=value, …; PAIR, …)`.
///
/// # Errors
/// A message with the channel and the expected form.
fn parse(text: &str) -> Result<ChannelSpec, String> {
    let text = text.trim();
    let (name, inside) = match text.split_once('(') {
        None => (text, ""),
        Some((name, rest)) => {
            let inside = rest.strip_suffix(')');
            (
                name.trim(),
                inside.ok_or_else(|| {
                    format!("channel {text:?}: the closing parenthesis is missing; add it")
                })?,
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
    fn channels_parse_is_inverse_of_display() {
        let text = "momentum,rsi(period=21),spread(a=1, b=-2.5; ETHUSDT, BTC/USDT),ratio(ETHUSDT)";
        let shown: Vec<String> = split(text).unwrap().0.iter().map(ToString::to_string).collect();
        assert_eq!(shown.join(","), text);
    }

    #[test]
    fn channels_reject_invalid_text() {
        for text in ["", "a,,b", "rsi(period", "rsi(period=long)", "rsi(a=1; B C)"] {
            assert!(split(text).is_err(), "{text}");
        }
    }
}
