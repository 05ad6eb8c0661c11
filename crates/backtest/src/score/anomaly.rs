//! Accuracy on anomalous candles.
use serde::Serialize;

use crate::score::{Accuracy, Record};

/// Scores of a model on the candles whose prediction an anomaly gate would veto, and on the others.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct AnomalyScore {
    /// Candles that are anomalies.
    pub(crate) vetoed: Accuracy,
    /// All other candles.
    pub(crate) others: Accuracy,
}

impl AnomalyScore {
    /// Scores the records with a gate; `None` if no record has one.
    pub(crate) fn of(
        records: &[Record],
        is_anomaly: impl Fn(&Record) -> Option<bool>,
    ) -> Option<Self> {
        let part = |wanted: bool| {
            let own = records.iter().filter(|record| is_anomaly(record) == Some(wanted));
            Accuracy::of(own, |record| record.predicted)
        };
        let (vetoed, others) = (part(true), part(false));
        (vetoed.candles + others.candles > 0).then_some(Self { vetoed, others })
    }
}

#[cfg(test)]
mod tests {
    use windvane_candles::Direction::Up;

    use super::*;
    use crate::score::testing::record;

    #[test]
    fn anomalies_and_others_hold_every_candle_with_a_gate_once() {
        // Every tenth candle is an anomaly that falls; the first hundred candles have no gate.
        let records: Vec<Record> =
            (0..1_000).map(|t| record(t, Up, if t % 10 == 0 { -0.01 } else { 0.01 })).collect();
        let is_anomaly =
            |record: &Record| (record.row >= 100).then_some(record.row.is_multiple_of(10));
        let score = AnomalyScore::of(&records, is_anomaly).unwrap();
        assert_eq!((score.vetoed.candles, score.others.candles), (90, 810));
        assert_eq!((score.vetoed.accuracy, score.others.accuracy), (Some(0.0), Some(1.0)));
        assert_eq!(AnomalyScore::of(&records, |_| None), None);
    }
}
