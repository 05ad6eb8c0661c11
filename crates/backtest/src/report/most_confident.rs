//! Sections on the most confident predictions, the reliability diagram and the confidence.
use super::Report;
use super::format::{baseline, bounds, edge, interval, percent, points, thousands};
use super::section::SectionPart;
use super::table::{ReportTable, table};
use crate::score::{ResultRow, Scope};

impl Report {
    /// Table of the accuracy on all candles and on the most confident ones, with 95 % intervals:
    /// one row per model and interval, all instruments pooled. The numbers are those of
    /// [`ResultRow::most_confident`].
    pub fn most_confident_table(&self) -> ReportTable {
        let header = [
            "Model",
            "Interval",
            "All candles %",
            "Most confident 50 %",
            "Most confident 20 %",
            "Most confident 10 %",
            "ECE %",
        ];
        table(2, header, self.pooled().map(most_confident_cells))
    }

    pub(crate) fn most_confident_section(&self) -> [SectionPart; 3] {
        let shares = self.pooled().flat_map(|row| {
            row.most_confident.iter().map(|selected| {
                [
                    row.model.clone(),
                    interval(row),
                    format!("{:.0}", 100.0 * selected.share),
                    percent(selected.score.coverage),
                    thousands(selected.score.predictions),
                    baseline(selected.best_baseline.as_ref()),
                    edge(selected.excess_accuracy),
                    points(selected.mean_return),
                ]
            })
        });
        let header = [
            "Model",
            "Interval",
            "Most confident %",
            "Coverage %",
            "Predictions",
            "Best baseline %",
            "Edge, points",
            "Mean return, bp",
        ];
        let explanation = "Every candle is predicted by the sign of the margin p(UP) − p(DOWN). \
                           The most confident predictions are those with the largest |p(UP) − \
                           p(DOWN)|. The threshold of a share is the quantile on the validation \
                           candles of the fold, before the test, so the coverage differs from the \
                           share. Intervals are 95 % block bootstraps. The mean return is that of \
                           a prediction over the horizon, before costs.";
        [
            self.most_confident_table().into(),
            SectionPart::method(explanation),
            SectionPart::details("Edge and mean return by share", table(2, header, shares)),
        ]
    }

    pub(crate) fn reliability_section(&self) -> [SectionPart; 2] {
        let rows = self.pooled().flat_map(|row| {
            row.reliability.iter().map(|bin| {
                let range = format!("{:.1} to {:.1}", 100.0 * bin.from, 100.0 * bin.to);
                let (confidence, accuracy) = (percent(bin.confidence), percent(bin.accuracy));
                [
                    row.model.clone(),
                    interval(row),
                    range,
                    thousands(bin.cases),
                    confidence,
                    accuracy,
                ]
            })
        });
        let header =
            ["Model", "Interval", "Probability %", "Candles", "Mean probability %", "Frequency %"];
        let explanation = "Probability of the most likely class, NEUTRAL included, and the \
                           frequency of that class. ECE is the mean gap between the two.";
        [
            SectionPart::method(explanation),
            SectionPart::details("Bins of the diagrams", table(3, header, rows)),
        ]
    }

    pub(crate) fn confidence_section(&self) -> [SectionPart; 3] {
        let all: Vec<&ResultRow> =
            self.results.iter().filter(|row| row.scope == Scope::All).collect();
        let span = all.iter().map(|row| {
            let c = &row.confidence;
            [row.model.clone(), percent(c.min), percent(c.median), percent(c.max)]
        });
        let bins = all.iter().flat_map(|row| {
            row.confidence.bins.iter().filter(|bin| bin.predictions > 0).map(|bin| {
                let range = format!("{:.0} to {:.0}", 100.0 * bin.from, 100.0 * bin.to);
                [row.model.clone(), range, thousands(bin.predictions), percent(bin.accuracy)]
            })
        });
        let explanation = "Confidence is the probability of the predicted direction.".to_string();
        let span = table(1, ["Model", "Minimum %", "Median %", "Maximum %"], span);
        let bins = table(1, ["Model", "Confidence %", "Predictions", "Accuracy %"], bins);
        [span.into(), SectionPart::Method(explanation), SectionPart::details("Bins", bins)]
    }
}

fn most_confident_cells(row: &ResultRow) -> [String; 7] {
    let [all, half, fifth, tenth] = [0, 1, 2, 3].map(|index| {
        let selected = row.most_confident.get(index);
        let accuracy = percent(selected.and_then(|s| s.score.accuracy));
        format!("{accuracy} {}", bounds(selected.and_then(|s| s.interval_95)))
    });
    let (model, error) = (row.marked_model(), percent(row.calibration_error));
    [model, interval(row), all, half, fifth, tenth, error]
}
