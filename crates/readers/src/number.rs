//! Number formats of cells.

/// Number format of a file.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub(crate) enum Style {
    /// Decimal point without separators: `1234.5`.
    #[default]
    Plain,
    /// Decimal point with commas between thousands: `1,234.5`.
    Thousands,
    /// Decimal comma with points between thousands: `1.234,5`.
    DecimalComma,
}

impl Style {
    /// Infers the style of a file from some of its prices. If `comma` is true, commas separate the
    /// cells, so a comma in a cell is more likely a thousands separator.
    pub(crate) fn of<'a>(prices: impl Iterator<Item = &'a str>, comma: bool) -> Self {
        let mut commas = false;
        let mut groups = true;
        for cell in prices {
            match (cell.rfind(','), cell.rfind('.')) {
                (Some(comma), Some(dot)) if comma < dot => return Self::Thousands,
                (Some(_), Some(_)) => return Self::DecimalComma,
                (Some(_), None) => {
                    commas = true;
                    groups &= cell.split(',').skip(1).all(|group| group.len() == 3);
                }
                _ => {}
            }
        }
        match (commas, groups && comma) {
            (false, _) => Self::Plain,
            (true, true) => Self::Thousands,
            (true, false) => Self::DecimalComma,
        }
    }

    /// Parses a price or a volume. NaN and infinities are accepted here and rejected by the candle.
    pub(crate) fn parse(self, cell: &str) -> Option<f64> {
        if self == Self::Plain
            && let Ok(number) = cell.parse()
        {
            return Some(number);
        }
        let cell = cell.trim_start_matches(['$', '€', '£', '¥', ' ']);
        let (digits, exponent) = match cell.as_bytes().last()?.to_ascii_uppercase() {
            b'K' => (&cell[..cell.len() - 1], "e3"),
            b'M' => (&cell[..cell.len() - 1], "e6"),
            b'B' => (&cell[..cell.len() - 1], "e9"),
            b'T' => (&cell[..cell.len() - 1], "e12"),
            _ => (cell, ""),
        };
        let digits = match self {
            Self::Plain => digits.to_owned(),
            Self::Thousands => digits.replace(',', ""),
            Self::DecimalComma => digits.replace('.', "").replace(',', "."),
        };
        // With the exponent in the text, the result is rounded only once.
        (digits + exponent).parse().ok()
    }
}

/// Returns whether a cell stands for a missing number.
pub(crate) fn is_missing(cell: &str) -> bool {
    const WORDS: [&str; 9] = ["nan", "null", "none", "n/a", "na", "-", "--", "nil", "#n/a"];
    cell.is_empty() || WORDS.iter().any(|word| cell.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_are_recognised_and_read() {
        let of = |cells: &[&str], comma| Style::of(cells.iter().copied(), comma);
        assert_eq!(of(&["1234.5", "12"], true), Style::Plain);
        assert_eq!(of(&["1,234.5", "12"], false), Style::Thousands);
        assert_eq!(of(&["1.234,5", "12"], true), Style::DecimalComma);
        assert_eq!(of(&["16,500", "12,000"], true), Style::Thousands);
        assert_eq!(of(&["1,23456", "1,234"], false), Style::DecimalComma);
        assert_eq!(of(&["1,234"], false), Style::DecimalComma);

        assert_eq!(Style::Plain.parse("0.1"), Some(0.1));
        assert_eq!(Style::Plain.parse("1e-05"), Some(1e-5));
        assert_eq!(Style::Plain.parse("$189.95"), Some(189.95));
        assert_eq!(Style::Plain.parse("1.13K"), Some(1130.0));
        assert_eq!(Style::Thousands.parse("1,234.5"), Some(1234.5));
        assert_eq!(Style::DecimalComma.parse("1.234,5"), Some(1234.5));
        for cell in ["", "x", "1,5", "K", "1..2", "ä"] {
            assert_eq!(Style::Plain.parse(cell), None, "{cell}");
        }
    }
}
