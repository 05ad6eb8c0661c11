//! Pair: the name of an instrument.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::error::PairError;

/// Name of a trading pair or another instrument, such as `BTCUSDT`, `BTC/USDT` or `AAPL`.
///
/// One to 255 characters: letters and digits of any script and printable ASCII without spaces and
/// `\`. Names that differ in case or in a `/` are different pairs. Cloning is cheap: clones share
/// the text.
///
/// # Examples
/// ```
/// use windvane_candles::Pair;
///
/// let pair = Pair::new("BTC/USDT")?;
/// assert_eq!(pair.as_str(), "BTC/USDT");
/// assert!(Pair::new("BTC USDT").is_err());
/// # Ok::<(), windvane_candles::PairError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Pair(Arc<str>);

impl Pair {
    const MAX_CHARS: usize = 255;

    /// Creates a pair with this name.
    ///
    /// # Errors
    /// [`PairError`] if the name is empty, has more than 255 characters, or contains a space, a `\`,
    /// a control character or a sign outside ASCII.
    pub fn new(name: &str) -> Result<Self, PairError> {
        if name.is_empty() {
            return Err(PairError::Empty);
        }
        let mut characters = name.chars().enumerate();
        let wrong = characters.find(|(_, c)| !Self::allows(*c));
        if let Some((at, character)) = wrong {
            return Err(PairError::Character { character, at: at + 1 });
        }
        let length = name.chars().count();
        if length > Self::MAX_CHARS {
            return Err(PairError::TooLong { expected: Self::MAX_CHARS, got: length });
        }
        Ok(Self(name.into()))
    }

    /// Returns whether a name may contain a character.
    pub fn allows(character: char) -> bool {
        (character.is_ascii_graphic() && character != '\\') || character.is_alphanumeric()
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Pair {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Pair {
    type Err = PairError;

    fn from_str(name: &str) -> Result<Self, PairError> {
        Self::new(name)
    }
}

#[cfg(feature = "serde")]
mod with_serde {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    impl Serialize for super::Pair {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_str(self.as_str())
        }
    }

    impl<'de> Deserialize<'de> for super::Pair {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let name = String::deserialize(deserializer)?;
            Self::new(&name).map_err(D::Error::custom)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pair_accepts_common_names() {
        let longest = "Ä".repeat(255);
        for name in [
            "BTCUSDT",
            "BTC/USDT",
            "BTC/USDT:USDT",
            "BTC-PERP",
            "^GSPC",
            "EURUSD=X",
            "贵州茅台",
            &longest,
        ] {
            assert_eq!(Pair::new(name).unwrap().to_string(), name);
        }
    }

    #[test]
    fn pair_rejects_invalid_names() {
        let character = |character, at| PairError::Character { character, at };
        let cases = [
            (String::new(), PairError::Empty),
            ("BTC USDT".into(), character(' ', 4)),
            ("..\\x".into(), character('\\', 3)),
            ("BTC\n".into(), character('\n', 4)),
            ("A\u{202e}BC".into(), character('\u{202e}', 2)),
            ("A".repeat(256), PairError::TooLong { expected: 255, got: 256 }),
        ];
        for (name, error) in cases {
            assert_eq!(name.parse::<Pair>(), Err(error));
        }
    }
}
