//! Calendar months.
use jiff::ToSpan;
use windvane::prelude::Timestamp;

/// So many calendar months earlier; where the calendar ends, the date itself.
pub(crate) fn months_before(date: Timestamp, months: u16) -> Timestamp {
    let utc = jiff::tz::Offset::UTC;
    let earlier = jiff::Timestamp::from_millisecond(date.millis())
        .and_then(|date| utc.to_datetime(date).checked_sub(i64::from(months).months()))
        .and_then(|earlier| utc.to_timestamp(earlier));
    earlier.map_or(date, |earlier| Timestamp::from_millis(earlier.as_millisecond()))
}
