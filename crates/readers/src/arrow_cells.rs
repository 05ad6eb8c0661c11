//! Cells of Arrow columns as text.

use std::fmt::{self, Write as _};

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type,
    Decimal256Type, DecimalType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_schema::{DataType, TimeUnit};
use jiff::tz::TimeZone;

use super::table::clean;
use super::zone::fixed_offset;

const SECOND: i128 = 1_000_000_000;

/// A column of a batch, its dictionary resolved.
pub(crate) struct BatchColumn<'a> {
    column: &'a dyn Array,
    values: &'a dyn Array,
    /// Position in the dictionary of each row.
    keys: Option<Vec<usize>>,
    zone: Option<TimeZone>,
}

impl<'a> BatchColumn<'a> {
    /// Whether values of a type are read; others give empty cells.
    pub(crate) fn is_read(kind: &DataType) -> bool {
        match kind {
            DataType::Dictionary(_, values) => {
                !matches!(**values, DataType::Dictionary(..)) && Self::is_read(values)
            }
            DataType::FixedSizeBinary(_)
            | DataType::Duration(_)
            | DataType::Interval(_)
            | DataType::RunEndEncoded(..)
            | DataType::Union(..) => false,
            other => !other.is_nested(),
        }
    }

    /// A column, with the zone that the file notes beside its type.
    pub(crate) fn new(column: &'a dyn Array, noted: Option<&str>) -> Self {
        let dictionary = column.as_any_dictionary_opt();
        let values = dictionary.map_or(column, |dictionary| dictionary.values().as_ref());
        // Of an empty dictionary there are no keys, only nulls.
        let filled = dictionary.filter(|dictionary| !dictionary.values().is_empty());
        let keys = dictionary.map(|_| {
            filled.map_or_else(Vec::new, arrow_array::AnyDictionaryArray::normalized_keys)
        });
        let zone = match values.data_type() {
            DataType::Timestamp(_, Some(zone)) => Some(zone_of(noted.unwrap_or(zone))),
            _ => None,
        };
        Self { column, values, keys, zone }
    }

    /// Adds a cell to a text: numbers in full, times with the zone of their type.
    pub(crate) fn write(&self, row: usize, text: &mut String) {
        let index = self.keys.as_ref().map_or(Some(row), |keys| keys.get(row).copied());
        let Some(index) = index.filter(|_| !self.column.is_null(row)) else { return };
        if !self.values.is_null(index) {
            // Writing to a text cannot fail.
            let written = self.write_value(index, text);
            debug_assert!(written.is_ok());
        }
    }

    fn primitive<T: ArrowPrimitiveType>(&self, index: usize) -> T::Native {
        self.values.as_primitive::<T>().value(index)
    }

    fn decimal<T: DecimalType>(&self, index: usize) -> String {
        self.values.as_primitive::<T>().value_as_string(index)
    }

    fn write_value(&self, i: usize, text: &mut String) -> fmt::Result {
        let time = |number: i64, per_second: i128| i128::from(number) * (SECOND / per_second);
        match self.values.data_type() {
            DataType::Float64 => write!(text, "{:?}", self.primitive::<Float64Type>(i)),
            DataType::Float32 => write!(text, "{:?}", self.primitive::<Float32Type>(i)),
            DataType::Float16 => write!(text, "{:?}", self.primitive::<Float16Type>(i).to_f32()),
            DataType::Int64 => write!(text, "{}", self.primitive::<Int64Type>(i)),
            DataType::Int32 => write!(text, "{}", self.primitive::<Int32Type>(i)),
            DataType::Int16 => write!(text, "{}", self.primitive::<Int16Type>(i)),
            DataType::Int8 => write!(text, "{}", self.primitive::<Int8Type>(i)),
            DataType::UInt64 => write!(text, "{}", self.primitive::<UInt64Type>(i)),
            DataType::UInt32 => write!(text, "{}", self.primitive::<UInt32Type>(i)),
            DataType::UInt16 => write!(text, "{}", self.primitive::<UInt16Type>(i)),
            DataType::UInt8 => write!(text, "{}", self.primitive::<UInt8Type>(i)),
            DataType::Boolean => write!(text, "{}", self.values.as_boolean().value(i)),
            DataType::Decimal32(..) => text.write_str(&self.decimal::<Decimal32Type>(i)),
            DataType::Decimal64(..) => text.write_str(&self.decimal::<Decimal64Type>(i)),
            DataType::Decimal128(..) => text.write_str(&self.decimal::<Decimal128Type>(i)),
            DataType::Decimal256(..) => text.write_str(&self.decimal::<Decimal256Type>(i)),
            DataType::Utf8 => text.write_str(&clean(self.values.as_string::<i32>().value(i))),
            DataType::LargeUtf8 => text.write_str(&clean(self.values.as_string::<i64>().value(i))),
            DataType::Utf8View => text.write_str(&clean(self.values.as_string_view().value(i))),
            DataType::Binary => bytes(text, self.values.as_binary::<i32>().value(i)),
            DataType::LargeBinary => bytes(text, self.values.as_binary::<i64>().value(i)),
            DataType::BinaryView => bytes(text, self.values.as_binary_view().value(i)),
            DataType::Date32 => {
                let days = i64::from(self.primitive::<Date32Type>(i));
                self.date(text, time(days, 1) * 86_400)
            }
            DataType::Date64 => self.date(text, time(self.primitive::<Date64Type>(i), 1000)),
            DataType::Timestamp(TimeUnit::Second, _) => {
                self.date(text, time(self.primitive::<TimestampSecondType>(i), 1))
            }
            DataType::Timestamp(TimeUnit::Millisecond, _) => {
                self.date(text, time(self.primitive::<TimestampMillisecondType>(i), 1000))
            }
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                self.date(text, time(self.primitive::<TimestampMicrosecondType>(i), 1_000_000))
            }
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                self.date(text, time(self.primitive::<TimestampNanosecondType>(i), SECOND))
            }
            DataType::Time32(TimeUnit::Second) => {
                clock(text, time(self.primitive::<Time32SecondType>(i).into(), 1))
            }
            DataType::Time32(_) => {
                clock(text, time(self.primitive::<Time32MillisecondType>(i).into(), 1000))
            }
            DataType::Time64(TimeUnit::Microsecond) => {
                clock(text, time(self.primitive::<Time64MicrosecondType>(i), 1_000_000))
            }
            DataType::Time64(_) => {
                clock(text, time(self.primitive::<Time64NanosecondType>(i), SECOND))
            }
            _ => Ok(()),
        }
    }

    /// A time since 1970 in full, in its zone if the type has one. Days come without a clock.
    fn date(&self, text: &mut String, nanos: i128) -> fmt::Result {
        let Ok(instant) = jiff::Timestamp::from_nanosecond(nanos) else { return Ok(()) };
        let zone = self.zone.clone().unwrap_or(TimeZone::UTC);
        let offset = zone.to_offset(instant);
        let local = offset.to_datetime(instant);
        if matches!(self.values.data_type(), DataType::Date32 | DataType::Date64)
            && nanos % (86_400 * SECOND) == 0
        {
            return write!(text, "{}", local.date());
        }
        write!(text, "{} ", local.date())?;
        let midnight = local.date().to_datetime(jiff::civil::Time::midnight());
        clock(text, local.duration_since(midnight).as_nanos())?;
        match &self.zone {
            None => Ok(()),
            Some(_) if offset.is_zero() => text.write_char('Z'),
            Some(_) => {
                let minutes = offset.seconds() / 60;
                let sign = if minutes < 0 { '-' } else { '+' };
                write!(text, "{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
            }
        }
    }
}

/// A time of day with as many decimals as it has.
fn clock(text: &mut String, nanos: i128) -> fmt::Result {
    let (seconds, rest) = (nanos / SECOND, nanos % SECOND);
    write!(text, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)?;
    match rest {
        0 => Ok(()),
        rest => text.write_str(format!(".{rest:09}").trim_end_matches('0')),
    }
}

/// Bytes that are text, as old writers of Parquet have them.
fn bytes(text: &mut String, bytes: &[u8]) -> fmt::Result {
    text.write_str(&std::str::from_utf8(bytes).map(clean).unwrap_or_default())
}

fn zone_of(name: &str) -> TimeZone {
    let named = || TimeZone::get(name).ok();
    fixed_offset(name).or_else(named).unwrap_or(TimeZone::UTC)
}
