//! The report as Markdown, pleasant as raw text too.
use windvane_candles::Direction;

use super::Report;
use super::headline::{UNDEFINED, interval, percent};
use super::table::table;
use crate::ResultRow;
use crate::Scope;
use crate::baseline::Baseline;

impl Report {
    /// The report as Markdown.
    pub fn to_markdown(&self) -> String {
        let sections = [
            self.title(),
            section("Results", &self.results_section()),
            section("Ranking", &self.ranking_section()),
            section("Most confident", &self.confident_section()),
            section("Trading", &self.trading_section()),
            section("Baselines", &self.baseline_section()),
            section("Labels against calls", &self.confusion_section()),
            section("Confidence", &self.confidence_section()),
            section("Reliability", &self.reliability_section()),
            section("Over time", &self.over_time_section()),
            section("Folds", &self.folds_section()),
            section("Training", &self.training_section()),
            section("Importance of channels", &self.importance_section()),
            section("Instruments", &self.instruments_section()),
            section("Failures", &list(self.failures.iter().map(ToString::to_string))),
            section("Warnings", &self.warnings_section()),
            section("Run", &self.run_section()),
        ];
        sections.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")
    }

    fn title(&self) -> String {
        format!(
            "# Backtest of {} on {} instruments\n\n\
             Accuracy is the share of calls (UP or DOWN) that came true, among candles whose close \
             moved; NEUTRAL is no call, coverage is the share of candles with a call, and `-` is \
             undefined.\n\
             A model has shown something only where its lead over the best baseline has an \
             interval above 0; a high accuracy without that is what knowing nothing scores too.\n",
            self.run.models.join(", "),
            self.instruments.len(),
        )
    }

    fn results_section(&self) -> String {
        let leads: Vec<_> = self.headline_rows().filter_map(|r| r.lead?.interval_95).collect();
        let (all, above) = (leads.len(), leads.iter().filter(|bounds| bounds.low > 0.0).count());
        format!(
            "{}\nIntervals are 95 % block bootstraps over calendar time, all instruments of a \
             block together. The baseline is scored on the candles the model called, and is the \
             best of all, chosen with hindsight.\n{above} of {all} leads have an interval above 0; \
             if no model knew anything, about {:.1} would have one by chance.\n",
            table(3, Self::HEADLINE, self.headline()),
            0.025 * all as f64,
        )
    }

    fn ranking_section(&self) -> String {
        let next = self.best_against_next().map_or_else(String::new, |text| text + "\n");
        format!(
            "{}\n{} All calls pooled, each weighing the same; a model tested on fewer folds is \
             marked incomplete. p is that of the lead, one-sided, from blocks of calendar time, \
             corrected by Holm.\n{next}",
            table(2, Self::RANKING, self.ranking_rows()),
            self.verdict(),
        )
    }

    /// The rows pooled by interval.
    pub(crate) fn pooled(&self) -> impl Iterator<Item = &ResultRow> {
        self.results.iter().filter(|row| row.scope == Scope::Interval)
    }

    fn baseline_section(&self) -> String {
        let rows = self.pooled().map(|row| {
            let rule = |rule: Baseline| {
                let Some(own) = row.baselines.iter().find(|own| own.rule == rule) else {
                    return UNDEFINED.to_string();
                };
                format!("{} ({})", percent(own.score.accuracy), percent(own.score.coverage))
            };
            let [up, majority, last, opposite, logistic, boosted] = Baseline::ALL.map(rule);
            let (model, accuracy) = (row.model.clone(), percent(row.score.accuracy));
            [model, interval(row), accuracy, up, majority, last, opposite, logistic, boosted]
        });
        let header = [
            "Model",
            "Interval",
            "Accuracy %",
            "Always up",
            "Majority",
            "Last sign",
            "Opposite of last",
            "Logistic",
            "Boosted trees",
        ];
        format!(
            "Accuracy % (coverage %) of each baseline on the candles that the model called; majority \
             is that of the training labels, logistic a regression on the same training windows.\n\n{}",
            table(2, header, rows)
        )
    }

    fn confusion_section(&self) -> String {
        let rows = self.pooled().flat_map(|row| {
            Direction::ALL.map(|label| {
                let [up, down, neutral] =
                    Direction::ALL.map(|called| row.confusion.count(label, called).to_string());
                [row.model.clone(), interval(row), label.to_string(), up, down, neutral]
            })
        });
        let header = ["Model", "Interval", "Label", "Called UP", "Called DOWN", "Called NEUTRAL"];
        let number =
            |x: Option<f64>| x.map_or_else(|| UNDEFINED.to_string(), |x| format!("{x:.4}"));
        let losses = self.pooled().map(|row| {
            let balanced = percent(row.balanced_accuracy);
            let [loss, brier, error] = [row.log_loss, row.brier, row.calibration_error].map(number);
            [row.model.clone(), interval(row), loss, brier, error, balanced]
        });
        let loss_header = ["Model", "Interval", "Log loss", "Brier", "ECE", "Balanced %"];
        format!(
            "{}\nSaying 1/3 to everything has a log loss of 1.0986 and a Brier score of \
             0.6667.\n\n{}",
            table(3, header, rows),
            table(2, loss_header, losses)
        )
    }

    fn warnings_section(&self) -> String {
        list(self.warnings.iter().map(ToString::to_string))
    }
}

/// A section, or nothing where there is nothing to say.
fn section(title: &str, body: &str) -> String {
    if body.is_empty() { String::new() } else { format!("## {title}\n\n{body}") }
}

/// A list with one item per line.
pub(crate) fn list(items: impl IntoIterator<Item = String>) -> String {
    let item = |item: String| ["- ", &item.replace(['\n', '\r'], " "), "\n"].concat();
    items.into_iter().map(item).collect()
}
