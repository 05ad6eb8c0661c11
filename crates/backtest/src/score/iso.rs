//! Serialization of times as RFC 3339.
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use windvane_candles::Timestamp;
use windvane_models::TrainingRecord;

/// Serializes a time as RFC 3339.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde calls")]
pub(crate) fn time<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

/// Deserializes a time from RFC 3339.
pub(crate) fn parsed_time<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}

/// Serializes a time as RFC 3339, or as null.
#[expect(clippy::ref_option, reason = "the signature serde calls")]
pub(crate) fn optional_time<S: Serializer>(
    time: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    time.map(|time| time.to_string()).serialize(serializer)
}

/// Serializes a training record with its times as RFC 3339; its own format has numbers.
pub(crate) fn record<S: Serializer>(
    record: &TrainingRecord,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut value = serde_json::to_value(record).map_err(serde::ser::Error::custom)?;
    for (field, time) in [("from", record.from), ("until", record.until)] {
        value[field] = time.to_string().into();
    }
    value.serialize(serializer)
}
