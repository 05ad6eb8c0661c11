//! Sections on confidence: what the surest calls are worth, and whether probabilities are kept.
use super::Report;
use super::headline::{baseline, bounds, interval, lead, percent, text};
use super::section::Part;
use super::table::{Table, table};
use crate::score::{ResultRow, Scope};

impl Report {
    /// Accuracy on all candles and on the most confident ones, with 95 % intervals, as texts: one
    /// row per model and interval, all instruments pooled. The numbers are those of
    /// [`ResultRow::selected`].
    pub fn confident_table(&self) -> Table {
        let header =
            ["Model", "Interval", "All %", "Surest 50 %", "Surest 20 %", "Surest 10 %", "ECE %"];
        table(2, header, self.pooled().map(confident_cells))
    }

    pub(crate) fn confident_section(&self) -> [Part; 4] {
        let shares = self.pooled().flat_map(|row| {
            row.selected.iter().map(|selected| {
                let points = selected.mean_return.map(|mean| format!("{:+.2}", 1e4 * mean));
                [
                    row.model.clone(),
                    interval(row),
                    format!("{:.0}", 100.0 * selected.share),
                    percent(selected.score.coverage),
                    selected.score.calls.to_string(),
                    percent(selected.score.accuracy),
                    baseline(selected.best_baseline.as_ref()),
                    lead(selected.lead),
                    text(points),
                ]
            })
        });
        let header = [
            "Model",
            "Interval",
            "Surest %",
            "Coverage %",
            "Calls",
            "Accuracy %",
            "Best baseline %",
            "Lead, points",
            "Mean return, bp",
        ];
        let how = "Every candle is called by the sign of p(UP) − p(DOWN); the surest are those with \
                   the largest |p(UP) − p(DOWN)|. The threshold of a share is chosen on the fold's \
                   validation candles, before the test, so the realised coverage differs from it. \
                   Intervals are 95 % block bootstraps.";
        let returns = "The mean return is that of a call over the horizon, before costs.";
        [
            how.to_string().into(),
            self.confident_table().into(),
            table(2, header, shares).into(),
            returns.to_string().into(),
        ]
    }

    pub(crate) fn reliability_section(&self) -> [Part; 2] {
        let rows = self.pooled().flat_map(|row| {
            row.reliability.iter().map(|bin| {
                let range = format!("{:.1} to {:.1}", 100.0 * bin.from, 100.0 * bin.to);
                let (confidence, accuracy) = (percent(bin.confidence), percent(bin.accuracy));
                [
                    row.model.clone(),
                    interval(row),
                    range,
                    bin.cases.to_string(),
                    confidence,
                    accuracy,
                ]
            })
        });
        let header =
            ["Model", "Interval", "Probability %", "Candles", "Mean probability %", "Came true %"];
        let legend = "The probability of the most probable class, NEUTRAL included, against how \
                    often it came; ECE is the mean gap.";
        [legend.to_string().into(), table(3, header, rows).into()]
    }

    pub(crate) fn confidence_section(&self) -> [Part; 3] {
        let all: Vec<&ResultRow> =
            self.results.iter().filter(|row| row.scope == Scope::All).collect();
        let span = all.iter().map(|row| {
            let c = &row.confidence;
            [row.model.clone(), percent(c.min), percent(c.median), percent(c.max)]
        });
        let bins = all.iter().flat_map(|row| {
            row.confidence.bins.iter().filter(|bin| bin.calls > 0).map(|bin| {
                let range = format!("{:.0} to {:.0}", 100.0 * bin.from, 100.0 * bin.to);
                [row.model.clone(), range, bin.calls.to_string(), percent(bin.hit_rate)]
            })
        });
        let legend = "The probability a model gives the direction it calls.".to_string();
        let span = table(1, ["Model", "Least %", "Median %", "Most %"], span);
        let bins = table(1, ["Model", "Confidence %", "Calls", "Hit rate %"], bins);
        [legend.into(), span.into(), bins.into()]
    }
}

fn confident_cells(row: &ResultRow) -> [String; 7] {
    let [all, half, fifth, tenth] = [0, 1, 2, 3].map(|index| {
        let selected = row.selected.get(index);
        let accuracy = percent(selected.and_then(|s| s.score.accuracy));
        format!("{accuracy} {}", bounds(selected.and_then(|s| s.interval_95)))
    });
    let (model, error) = (row.marked_model(), percent(row.calibration_error));
    [model, interval(row), all, half, fifth, tenth, error]
}
