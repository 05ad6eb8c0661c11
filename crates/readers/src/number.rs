//! Cells that hold a number, in the styles of people and tools.

/// Decimal sign of a file; the other sign, blanks and apostrophes may divide groups of three.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub enum NumberStyle {
    /// `1234.5`, `1,234.5` or `1'234.5`
    #[default]
    Point,
    /// `1234,5`, `1.234,5` or `1 234,5`
    Comma,
}

/// Signs that divide groups of three digits in every style.
const BLANKS: [char; 6] = [' ', '\u{a0}', '\u{202f}', '\u{2009}', '\'', '\u{2019}'];

impl NumberStyle {
    fn decimal(self) -> char {
        match self {
            Self::Point => '.',
            Self::Comma => ',',
        }
    }

    /// Reads a price or a volume; NaN and infinities pass, the candle refuses them by name.
    pub(crate) fn parse(self, cell: &str) -> Option<f64> {
        if self == Self::Point
            && let Ok(number) = cell.parse()
        {
            return Some(number);
        }
        let (number, exponent) = split_unit(cell);
        let decimal = self.decimal();
        let group = if self == Self::Point { ',' } else { '.' };
        let (whole, fraction) = number.split_once(decimal).unwrap_or((number, ""));
        let mut text = ungroup(whole, group)?;
        if number.contains(decimal) {
            text.push('.');
        }
        text += fraction;
        // With the exponent in the text the result is rounded once.
        (text + exponent).parse().ok()
    }
}

/// Reads a number of digits and at most one decimal sign; the result is that of `str::parse`.
///
/// **Formula**: digits / 10^decimals. Digits below 2^53 and powers of ten up to 10^22 are exact, so
/// that the quotient is rounded once. **Source**: Clinger, How to Read Floating Point Numbers
/// Accurately, 1990.
pub(crate) fn plain_number(cell: &str, style: NumberStyle) -> Option<f64> {
    const POWERS: [f64; 16] =
        [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
    let decimal = if style == NumberStyle::Point { b'.' } else { b',' };
    let bytes = cell.as_bytes();
    // Fifteen digits and a decimal sign.
    if bytes.len() > 16 {
        return None;
    }
    let (mut digits, mut point) = (0_i64, None);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'0'..=b'9' => digits = digits * 10 + i64::from(byte - b'0'),
            sign if *sign == decimal && point.is_none() => point = Some(at),
            _ => return None,
        }
    }
    let count = bytes.len() - usize::from(point.is_some());
    let decimals = point.map_or(0, |at| bytes.len() - at - 1);
    ((1..=15).contains(&count)).then(|| digits as f64 / POWERS[decimals])
}

/// A number without its currency sign, and the exponent of its unit (`K`, `M`, `B` or `T`).
fn split_unit(cell: &str) -> (&str, &'static str) {
    let cell = cell.trim_start_matches(['$', '€', '£', '¥', ' ']);
    for (unit, exponent) in [('K', "e3"), ('M', "e6"), ('B', "e9"), ('T', "e12")] {
        if let Some(rest) = cell.strip_suffix(unit) {
            return (rest.trim_end(), exponent);
        }
    }
    (cell, "")
}

/// The digits before the decimal sign without the signs between groups of three.
fn ungroup(whole: &str, group: char) -> Option<String> {
    let Some(sign) = whole.chars().find(|c| *c == group || BLANKS.contains(c)) else {
        return Some(whole.to_owned());
    };
    let mut groups = whole.split(sign);
    let first = groups.next()?.trim_start_matches('-');
    let is_number = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit());
    let good = (1..=3).contains(&first.len()) && is_number(first) && first != "0";
    let good = good && groups.all(|digits| digits.len() == 3 && is_number(digits));
    good.then(|| whole.replace(sign, ""))
}

/// Evidence of the decimal sign in the cells of a file: the first cell of each kind.
#[derive(Debug, Default)]
pub(crate) struct StyleEvidence {
    /// The point can only be the decimal sign.
    point: Option<String>,
    /// The comma can only be the decimal sign.
    comma: Option<String>,
    /// One comma before three digits: `1,012`.
    either_comma: Option<String>,
    /// One point before three digits: `1.012`.
    either_point: Option<String>,
    /// A price without any sign.
    plain: Option<String>,
}

impl StyleEvidence {
    /// Adds the evidence of a cell.
    pub(crate) fn add(&mut self, cell: &str, is_price: bool) {
        let keep = |place: &mut Option<String>| {
            if place.is_none() {
                *place = Some(cell.to_owned());
            }
        };
        let (number, unit) = split_unit(cell);
        let digits = number.trim_start_matches(['-', '+']);
        if digits.is_empty() || !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return;
        }
        let count = |sign: char| digits.chars().filter(|c| *c == sign).count();
        let (points, commas) = (count('.'), count(','));
        // Another sign divides the groups.
        let is_divided = digits.contains(BLANKS) || !unit.is_empty();
        match (points, commas) {
            (0, 0) if is_price && !is_divided => keep(&mut self.plain),
            (0, 0) => {}
            (1.., 1..) if digits.rfind('.') > digits.rfind(',') => keep(&mut self.point),
            (1.., 1..) | (2.., 0) => keep(&mut self.comma),
            (0, 2..) => keep(&mut self.point),
            (1, _) if is_divided || !is_group(digits, '.') => keep(&mut self.point),
            (1, _) => keep(&mut self.either_point),
            (_, 1) if is_divided || !is_group(digits, ',') => keep(&mut self.comma),
            _ => keep(&mut self.either_comma),
        }
    }

    /// Whether a cell would add nothing: `is_plain` says that [`plain_number`] reads it in a style.
    pub(crate) fn is_known(
        &self,
        cell: &str,
        style: NumberStyle,
        is_plain: bool,
        is_price: bool,
    ) -> bool {
        let (decided, either) = match style {
            NumberStyle::Point => (&self.point, &self.either_point),
            NumberStyle::Comma => (&self.comma, &self.either_comma),
        };
        if !is_plain {
            let is_digits = |byte: u8| byte.is_ascii_digit() || byte == b'.';
            return self.point.is_some() && cell.bytes().all(is_digits);
        }
        if decided.is_some() {
            return true;
        }
        if cell.contains(style.decimal()) {
            return either.is_some() && is_group(cell, style.decimal());
        }
        self.plain.is_some() || !is_price
    }

    /// The style of the file, or two cells that leave it open. `is_text` says whether people may
    /// have written the numbers: in JSON and columnar files a point is the decimal sign.
    pub(crate) fn style(&self, is_text: bool) -> Result<NumberStyle, String> {
        match (&self.point, &self.comma) {
            (Some(point), Some(comma)) => {
                Err(format!("the decimal sign is a point in {point:?} and a comma in {comma:?}"))
            }
            (Some(_), None) => Ok(NumberStyle::Point),
            (None, Some(_)) => Ok(NumberStyle::Comma),
            (None, None) => match (&self.either_comma, &self.either_point, &self.plain) {
                (Some(cell), _, _) => {
                    Err(format!("the comma in {cell:?} may be decimal or between thousands"))
                }
                (None, Some(cell), Some(plain)) if is_text => Err(format!(
                    "beside {plain:?} the point in {cell:?} may be decimal or between thousands"
                )),
                _ => Ok(NumberStyle::Point),
            },
        }
    }
}

/// Whether the sign could be one between thousands: one to three digits before it, three after.
fn is_group(digits: &str, sign: char) -> bool {
    let Some((before, after)) = digits.split_once(sign) else { return false };
    (1..=3).contains(&before.len())
        && before != "0"
        && after.len() == 3
        && after.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a cell says that there is no number.
pub(crate) fn is_missing(cell: &str) -> bool {
    const WORDS: [&str; 10] =
        ["nan", "null", "none", "n/a", "na", "-", "--", "nil", "#n/a", "<na>"];
    if cell.as_bytes().first().is_some_and(u8::is_ascii_digit) {
        return false;
    }
    cell.is_empty() || WORDS.iter().any(|word| cell.eq_ignore_ascii_case(word))
}

/// Whether a cell is a number in some style, perhaps with a currency sign or a per cent sign.
pub(crate) fn is_number(cell: &str) -> bool {
    let cell = cell.trim_end_matches('%');
    NumberStyle::Point.parse(cell).is_some() || NumberStyle::Comma.parse(cell).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn style(prices: &[&str]) -> Option<NumberStyle> {
        let mut evidence = StyleEvidence::default();
        for cell in prices {
            evidence.add(cell, true);
        }
        evidence.style(true).ok()
    }

    #[test]
    fn number_style_is_recognised_or_refused() {
        for (cells, expected) in [
            (&["1234.5", "12"][..], Some(NumberStyle::Point)),
            (&["1,234.5", "12"], Some(NumberStyle::Point)),
            (&["1,234,567", "12"], Some(NumberStyle::Point)),
            (&["999.5", "1,012"], Some(NumberStyle::Point)),
            (&["101.234", "101.235"], Some(NumberStyle::Point)),
            (&["1.234,5", "12"], Some(NumberStyle::Comma)),
            (&["1,23456", "1,234"], Some(NumberStyle::Comma)),
            (&["7 500,125", "12"], Some(NumberStyle::Comma)),
            (&["16,500", "12,000"], None),
            (&["1,234"], None),
            (&["998", "1.012"], None),
            (&["1.5", "1,5"], None),
        ] {
            assert_eq!(style(cells), expected, "{cells:?}");
        }
    }

    #[test]
    fn plain_numbers_equal_those_of_the_standard_library() {
        for cell in
            ["0", "00.5", ".5", "5.", "0.1", "123456789012345", "1.23456789012345", "42000.07"]
        {
            let bits = |number: f64| number.to_bits();
            assert_eq!(
                plain_number(cell, NumberStyle::Point).map(bits),
                cell.parse().ok().map(bits),
                "{cell}"
            );
        }
        for cell in ["", ".", "1.2.3", "-1", "1e5", "1,5", "1234567890123456", "nan"] {
            assert_eq!(plain_number(cell, NumberStyle::Point), None, "{cell}");
        }
    }

    #[test]
    fn plain_numbers_may_have_a_decimal_comma() {
        assert_eq!(plain_number("101,25", NumberStyle::Comma), Some(101.25));
        assert_eq!(plain_number("1.012", NumberStyle::Comma), None);
    }

    #[test]
    fn number_cells_are_read_in_their_style() {
        for (cell, expected) in [
            ("0.1", 0.1),
            ("1e-05", 1e-5),
            ("$189.95", 189.95),
            ("1.13K", 1130.0),
            ("1,234.5", 1234.5),
            ("1'234'567.5", 1_234_567.5),
            ("-1,234", -1234.0),
        ] {
            assert_eq!(NumberStyle::Point.parse(cell), Some(expected), "{cell}");
        }
        for (cell, expected) in [("1.234,5", 1234.5), ("7\u{202f}500,00", 7500.0), ("0,5", 0.5)] {
            assert_eq!(NumberStyle::Comma.parse(cell), Some(expected), "{cell}");
        }
        for cell in ["", "x", "1,5", "0,500", "12,34.5", "K", "1..2", "ä", "1 5"] {
            assert_eq!(NumberStyle::Point.parse(cell), None, "{cell}");
        }
    }
}
