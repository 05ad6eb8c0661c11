//! Direction of a price: up, down or neutral.

use std::fmt;

/// Direction of the price from one close to the next.
///
/// The order is that of the models' classes: up 0, down 1, neutral 2. The enum is deliberately
/// exhaustive, so that a `match` needs no wildcard.
///
/// # Examples
/// ```
/// use windvane_candles::Direction;
///
/// assert_eq!(Direction::of_change(-0.01), Direction::Down);
/// assert_eq!(Direction::Down.index(), 1);
/// assert_eq!(Direction::Down.opposite(), Direction::Up);
/// assert_eq!(Direction::Up.to_string(), "UP");
/// ```
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "UPPERCASE")
)]
pub enum Direction {
    /// The price rises.
    Up,
    /// The price falls.
    Down,
    /// The price does not change, or changes by less than the neutral band.
    Neutral,
}

impl Direction {
    /// All directions, in the order of their indices.
    pub const ALL: [Self; 3] = [Self::Up, Self::Down, Self::Neutral];

    /// Returns the index of the models' class: up 0, down 1, neutral 2.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Returns the direction of a class; `None` for an index above 2.
    pub const fn from_index(index: usize) -> Option<Self> {
        match index {
            0 => Some(Self::Up),
            1 => Some(Self::Down),
            2 => Some(Self::Neutral),
            _ => None,
        }
    }

    /// Returns `Up` for a positive change, `Down` for a negative one, `Neutral` for zero or NaN.
    pub fn of_change(change: f64) -> Self {
        if change > 0.0 {
            Self::Up
        } else if change < 0.0 {
            Self::Down
        } else {
            Self::Neutral
        }
    }

    /// Returns `Down` for `Up`, `Up` for `Down`, and `Neutral` for `Neutral`.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
            Self::Neutral => Self::Neutral,
        }
    }
}

/// Writes `UP`, `DOWN` or `NEUTRAL`.
impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Up => "UP",
            Self::Down => "DOWN",
            Self::Neutral => "NEUTRAL",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn direction_from_index_inverts_index() {
        for (index, direction) in Direction::ALL.into_iter().enumerate() {
            assert_eq!(direction.index(), index);
            assert_eq!(Direction::from_index(index), Some(direction));
            assert_eq!(direction.opposite().opposite(), direction);
        }
        assert_eq!(Direction::from_index(3), None);
    }

    #[test]
    fn direction_of_change_is_its_sign_and_nan_is_neutral() {
        let cases = [
            (1e-300, Direction::Up),
            (f64::NEG_INFINITY, Direction::Down),
            (0.0, Direction::Neutral),
            (-0.0, Direction::Neutral),
            (f64::NAN, Direction::Neutral),
        ];
        for (change, direction) in cases {
            assert_eq!(Direction::of_change(change), direction);
        }
    }
}
