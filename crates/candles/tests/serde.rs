//! Serialisation of the value types as JSON.
#![cfg(feature = "serde")]

use windvane_candles::{Direction, Interval, Pair, Timestamp};

#[test]
fn serde_round_trips_value_types() {
    let value = (
        Timestamp::from_millis(1_704_067_200_000),
        Interval::FOUR_HOURS,
        Pair::new("BTC/USDT").unwrap(),
        Direction::ALL,
    );
    let json = serde_json::to_string(&value).unwrap();
    assert_eq!(json, r#"[1704067200000,"4h","BTC/USDT",["UP","DOWN","NEUTRAL"]]"#);
    let back: (Timestamp, Interval, Pair, [Direction; 3]) = serde_json::from_str(&json).unwrap();
    assert_eq!(back, value);
}

#[test]
fn serde_rejects_invalid_texts_with_reason() {
    let month = serde_json::from_str::<Interval>("\"1M\"").unwrap_err().to_string();
    assert!(month.contains("means months"), "{month}");
    let pair = serde_json::from_str::<Pair>("\"BTC USDT\"").unwrap_err().to_string();
    assert!(pair.contains("character 4"), "{pair}");
    assert!(serde_json::from_str::<Direction>("\"up\"").is_err());
    assert!(serde_json::from_str::<Timestamp>("\"2024-01-01\"").is_err());
}
