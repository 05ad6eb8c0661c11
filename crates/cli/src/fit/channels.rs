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
/// The error of the first text that is no channel.
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

fn parse(text: &str) -> Result<ChannelSpec, String> {
    text.parse().map_err(|error: windvane::signals::SignalError| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_parse_is_inverse_of_display() {
        let text = "momentum,rsi(period=21),spread(a=1, b=-2.5; ETHUSDT, BTC/USDT),ratio(ETHUSDT),on(4h; rsi(period=14))";
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
