//! Section on the predictions that an anomaly gate would veto.
use super::Report;
use super::format::{interval, percent, thousands};
use super::section::SectionPart;
use super::table::table;

impl Report {
    pub(crate) fn anomalies_section(&self) -> [SectionPart; 2] {
        let rows = self.pooled().filter_map(|row| {
            let anomalies = row.anomalies.as_ref()?;
            let candles = anomalies.vetoed.candles + anomalies.others.candles;
            Some([
                row.model.clone(),
                interval(row),
                thousands(anomalies.vetoed.candles),
                percent(Some(anomalies.vetoed.candles as f64 / candles as f64)),
                thousands(anomalies.vetoed.scored),
                percent(anomalies.vetoed.accuracy),
                percent(anomalies.others.accuracy),
            ])
        });
        let header = [
            "Model",
            "Interval",
            "Vetoed candles",
            "Share %",
            "Scored",
            "Accuracy of vetoed %",
            "Accuracy of others %",
        ];
        let table = table(2, header, rows);
        let explanation = if table.rows.is_empty() {
            String::new()
        } else {
            "A gate fitted on the training candles of each fold finds candles that no training \
             candle resembles, such as faults of a feed. A live predictor with this gate turns its \
             predictions there into NEUTRAL; all other numbers of the report contain them."
                .to_string()
        };
        [explanation.into(), table.into()]
    }
}
