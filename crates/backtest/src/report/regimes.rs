//! Section on the accuracy by regime of the market.
use super::Report;
use super::format::{baseline, bounds, interval, percent, thousands};
use super::section::SectionPart;
use super::table::table;

impl Report {
    pub(crate) fn regimes_section(&self) -> [SectionPart; 2] {
        let rows = self.pooled().flat_map(|row| {
            row.by_regime.iter().map(|regime| {
                [
                    row.model.clone(),
                    interval(row),
                    regime.volatility.to_string(),
                    regime.trend.to_string(),
                    thousands(regime.score.candles),
                    thousands(regime.score.scored),
                    format!("{} {}", percent(regime.score.accuracy), bounds(regime.interval_95)),
                    baseline(regime.best_baseline.as_ref()),
                ]
            })
        });
        let header = [
            "Model",
            "Interval",
            "Volatility",
            "Trend",
            "Candles",
            "Scored",
            "Accuracy %",
            "Best baseline %",
        ];
        let table = table(4, header, rows);
        let explanation = if table.rows.is_empty() {
            String::new()
        } else {
            "The volatility is that of the last returns (half-life 48 candles), in terciles of the \
             training candles of the fold; the trend is the sign of the change over 24 candles. \
             Both are known at the decision. Intervals are 95 % block bootstraps within the \
             regime."
                .to_string()
        };
        [table.into(), SectionPart::Method(explanation)]
    }
}
