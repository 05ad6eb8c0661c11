//! Names of the months and quarters of times.
use windvane_candles::Timestamp;

/// Name of the month of a time, UTC: `2024-10`.
pub(crate) fn month(time: Timestamp) -> String {
    let text = time.to_string();
    let date = text.split('T').next().unwrap_or_default();
    date.rsplit_once('-').map_or_else(String::new, |(month, _)| month.to_string())
}

/// Name of the quarter of a time, UTC: `2024-Q4`.
pub(crate) fn quarter(time: Timestamp) -> String {
    let name = month(time);
    let (year, month) = name.rsplit_once('-').unwrap_or_default();
    let quarter = month.parse().map_or(0, |month: u32| month.saturating_sub(1) / 3 + 1);
    format!("{year}-Q{quarter}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_and_quarters_are_those_of_the_calendar() {
        for (time, expected) in [
            ("2024-01-01T00:00:00Z", ["2024-01", "2024-Q1"]),
            ("2024-03-31T23:59:59Z", ["2024-03", "2024-Q1"]),
            ("2024-04-01T00:00:00Z", ["2024-04", "2024-Q2"]),
            ("2024-12-31T23:00:00Z", ["2024-12", "2024-Q4"]),
        ] {
            let time = time.parse().unwrap();
            assert_eq!([month(time), quarter(time)], expected);
        }
    }
}
