//! Section on the size of the moves: weighted accuracy, tenths of the moves, expected moves.
use super::Report;
use super::format::{bounds, interval, percent, point_bounds, points, thousands};
use super::section::SectionPart;
use super::table::{ReportTable, table};
use crate::score::{Economics, MoveDecile, ResultRow, TopMoves};

/// Column of the benchmark.
const LONG: &str = "Always long bp";

impl Report {
    /// Pooled rows of one interval with their economic value.
    pub(crate) fn valued(&self) -> impl Iterator<Item = (&ResultRow, &Economics)> {
        self.pooled().filter_map(|row| Some((row, row.economics.as_ref()?)))
    }

    pub(crate) fn moves_section(&self) -> Vec<SectionPart> {
        if self.valued().next().is_none() {
            return Vec::new();
        }
        let weighted = "Every candle is predicted by the sign of the margin. The weighted accuracy \
                        counts each prediction with the size of the realised move: above 50 % the \
                        predictions earn more than they lose, before costs. The benchmark is \
                        always up (always long).";
        let top = "The largest expected moves are the candles with the largest |ln(p(UP) / \
                   p(DOWN))| σ, each held for the horizon; results are basis points per trade before \
                   costs. σ is the exponentially weighted volatility of log returns with a half-life \
                   of 48 candles. The threshold of a share is the quantile on the validation candles \
                   of the fold. Late is the same trade one candle later. The tenths of the realised \
                   moves, smallest first, are known after the test only.";
        vec![
            self.weighted_table().into(),
            self.expected_move_table().into(),
            SectionPart::Method(format!("{weighted} {top}")),
            SectionPart::details(
                "Largest expected moves by quarter",
                self.expected_move_quarters(),
            ),
            SectionPart::details("Accuracy by tenths of the realised moves", self.decile_table()),
        ]
    }

    fn weighted_table(&self) -> ReportTable {
        let header = [
            "Model",
            "Interval",
            "Accuracy %",
            "Weighted by size %",
            "95 % interval",
            "Always up, weighted %",
        ];
        let rows = self.valued().map(|(row, value)| {
            let weighted = &value.weighted_accuracy;
            [
                row.marked_model(),
                interval(row),
                percent(row.full_coverage.accuracy),
                percent(weighted.accuracy),
                bounds(weighted.interval_95),
                percent(weighted.always_up),
            ]
        });
        table(2, header, rows)
    }

    fn decile_table(&self) -> ReportTable {
        let header = ["Model", "Interval", "Move, bp", "Predictions", "Accuracy %", "Always up %"];
        let rows = self.valued().flat_map(|(row, value)| {
            value.move_deciles.iter().map(|tenth: &MoveDecile| {
                let range = format!("{:.1} to {:.1}", 1e4 * tenth.from, 1e4 * tenth.to);
                let (accuracy, up) = (percent(tenth.accuracy), percent(tenth.always_up));
                [row.model.clone(), interval(row), range, thousands(tenth.scored), accuracy, up]
            })
        });
        table(3, header, rows)
    }

    /// Table of the gross result per trade of the largest expected moves, in basis points: one row
    /// per model, interval and share. The numbers are those of [`Economics::top_moves`].
    pub fn expected_move_table(&self) -> ReportTable {
        let header = [
            "Model",
            "Interval",
            "Largest expected moves %",
            "Realised %",
            "Trades",
            "Gross bp per trade",
            "Late bp",
            LONG,
        ];
        let rows = self.valued().flat_map(|(row, value)| {
            value.top_moves.iter().map(|top: &TopMoves| {
                [
                    row.model.clone(),
                    interval(row),
                    format!("{:.0}", 100.0 * top.share),
                    percent(top.coverage),
                    thousands(top.trades),
                    format!("{} {}", points(top.gross), point_bounds(top.interval_95)),
                    points(top.late),
                    points(top.always_long),
                ]
            })
        });
        table(2, header, rows)
    }

    fn expected_move_quarters(&self) -> ReportTable {
        let header = [
            "Model",
            "Interval",
            "Largest expected moves %",
            "Quarter",
            "Trades",
            "Gross bp",
            LONG,
        ];
        let rows = self.valued().flat_map(|(row, value)| {
            value.top_moves.iter().flat_map(|top: &TopMoves| {
                top.quarters.iter().map(|quarter| {
                    [
                        row.model.clone(),
                        interval(row),
                        format!("{:.0}", 100.0 * top.share),
                        quarter.quarter.clone(),
                        thousands(quarter.trades),
                        format!("{} {}", points(quarter.gross), point_bounds(quarter.interval_95)),
                        points(quarter.always_long),
                    ]
                })
            })
        });
        table(4, header, rows)
    }
}
