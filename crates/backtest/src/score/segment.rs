//! Segments of the tested time: spans without a gap, in which equity curves are comparable.
use std::collections::BTreeMap;
use std::ops::Range;

use windvane_candles::{Interval, Timestamp};

use crate::score::Record;
use crate::score::portfolio::longest_gap;

/// Divides ascending times of decision into ranges of indices.
///
/// A range ends at a gap of more than ten days (or three intervals), and where no instrument was
/// tested both before and after: a curve through instruments of different years has no meaning.
pub(crate) fn segments(
    times: &[Timestamp],
    records: &[Record],
    interval: Interval,
) -> Vec<Range<usize>> {
    let spans = tested_spans(records);
    let longest = longest_gap(interval);
    let mut ranges = Vec::new();
    let mut first = 0;
    for (index, two) in times.windows(2).enumerate() {
        let (before, after) = (two[0].millis(), two[1].millis());
        let is_continued = spans.iter().any(|(from, until)| *from <= before && after <= *until);
        if after - before > longest || !is_continued {
            ranges.push(first..index + 1);
            first = index + 1;
        }
    }
    if first < times.len() {
        ranges.push(first..times.len());
    }
    ranges
}

/// First and last time of decision of each instrument.
fn tested_spans(records: &[Record]) -> Vec<(i64, i64)> {
    let mut spans: BTreeMap<usize, (i64, i64)> = BTreeMap::new();
    for record in records {
        let time = record.decided_at.millis();
        let span = spans.entry(record.instrument).or_insert((time, time));
        *span = (span.0.min(time), span.1.max(time));
    }
    spans.into_values().collect()
}

#[cfg(test)]
mod tests {
    use windvane_candles::Direction::Up;

    use super::*;
    use crate::score::testing::record;

    /// Segments of instruments whose records have these hours, each from one to another.
    fn of(instruments: &[&[(i64, i64)]]) -> Vec<(usize, usize)> {
        let mut records = Vec::new();
        for (instrument, ranges) in instruments.iter().enumerate() {
            for hour in ranges.iter().flat_map(|&(from, until)| from..until) {
                records.push(Record { instrument, ..record(hour, Up, 0.01) });
            }
        }
        let mut times: Vec<Timestamp> = records.iter().map(|record| record.decided_at).collect();
        times.sort_unstable();
        times.dedup();
        let segments = segments(&times, &records, Interval::HOUR);
        segments.into_iter().map(|one| (one.start, one.end)).collect()
    }

    #[test]
    fn segments_end_at_gaps_and_where_no_instrument_continues() {
        assert_eq!(of(&[&[(0, 100)]]), [(0, 100)]);
        // Closed at the weekend, and for more than ten days.
        assert_eq!(of(&[&[(0, 100), (148, 200)]]), [(0, 152)]);
        assert_eq!(of(&[&[(0, 100), (400, 500)]]), [(0, 100), (100, 200)]);
        // The second instrument begins where the first one ends, or within its time.
        assert_eq!(of(&[&[(0, 100)], &[(100, 150)]]), [(0, 100), (100, 150)]);
        assert_eq!(of(&[&[(0, 100)], &[(50, 150)]]), [(0, 150)]);
        assert_eq!(of(&[&[(0, 50), (60, 100)], &[(52, 55)]]), [(0, 93)]);
        assert_eq!(of(&[]), []);
    }
}
