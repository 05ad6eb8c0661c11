//! Arithmetic with calendar months.
use jiff::ToSpan;
use windvane::prelude::Timestamp;

/// Date `months` calendar months earlier; the date itself if the result is out of range.
pub(crate) fn months_before(date: Timestamp, months: u16) -> Timestamp {
    let utc = jiff::tz::Offset::UTC;
    let earlier = jiff::Timestamp::from_millisecond(date.millis())
        .and_then(|date| utc.to_datetime(date).checked_sub(i64::from(months).months()))
        .and_then(|earlier| utc.to_timestamp(earlier));
    earlier.map_or(date, |earlier| Timestamp::from_millis(earlier.as_millisecond()))
}
