//! Counts and times as texts of reports.
use windvane_candles::Timestamp;

/// Writes a count with thousands separators: `1,234`.
pub(crate) fn thousands(count: impl Copy + ToString) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Writes a time as a date, `2023-06-01`; with the clock, `2023-06-01 07:00`, unless it is
/// midnight.
pub(crate) fn date(time: Timestamp) -> String {
    let text = time.to_string();
    let Some((day, clock)) = text.split_once('T') else { return text };
    let clock = clock.trim_end_matches('Z');
    match clock.strip_suffix(":00") {
        Some("00:00") => day.to_string(),
        Some(minutes) => format!("{day} {minutes}"),
        None => format!("{day} {clock}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated_by_commas() {
        for (count, expected) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345, "12,345"), (1_234_567, "1,234,567")]
        {
            assert_eq!(thousands(count), expected);
        }
    }

    #[test]
    fn date_has_a_clock_only_when_needed() {
        for (time, expected) in [
            ("2023-06-01T00:00:00Z", "2023-06-01"),
            ("2023-06-01T07:00:00Z", "2023-06-01 07:00"),
            ("2023-06-01T00:30:00Z", "2023-06-01 00:30"),
            ("2023-06-01T07:00:05Z", "2023-06-01 07:00:05"),
        ] {
            assert_eq!(date(time.parse().unwrap()), expected);
        }
    }
}
