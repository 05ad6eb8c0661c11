//! The report as Markdown, pleasant as raw text too.
use windvane_candles::Direction;

use super::Report;
use super::headline::{interval, percent, text};
use super::section::{Part, Section};
use super::table::{Table, table};
use crate::score::{Baseline, LeadCount};
use crate::score::{ResultRow, Scope};

impl Report {
    /// Explanation of the terms of the report.
    pub(crate) const INTRODUCTION: &'static str = "Accuracy is the share of calls (UP or DOWN) that came true, among candles whose close \
         moved; NEUTRAL is no call, coverage is the share of candles with a call, and a dash \
         stands for what is undefined.\n\
         A model has shown something only where its lead over the best baseline has an \
         interval above 0; a high accuracy without that is what knowing nothing scores too.";

    /// The report as Markdown.
    pub fn to_markdown(&self) -> String {
        let sections: Vec<String> =
            self.sections().iter().map(|section| format!("\n{section}")).collect();
        format!("# {}\n\n{}\n{}", self.title(), Self::INTRODUCTION, sections.concat())
    }

    /// The sections that have something to say.
    pub(crate) fn sections(&self) -> Vec<Section> {
        let sections = [
            Section::new("Results", self.results_section()),
            Section::new("Ranking", self.ranking_section()),
            Section::new("Most confident", self.confident_section()),
            Section::new("Trading", self.trading_section()),
            Section::new("Baselines", self.baseline_section()),
            Section::new("Labels against calls", self.confusion_section()),
            Section::new("Confidence", self.confidence_section()),
            Section::new("Reliability", self.reliability_section()),
            Section::new("Over time", self.over_time_section()),
            Section::new("Folds", self.folds_section()),
            Section::new("Training", self.training_section()),
            Section::new("Importance of channels", self.importance_section()),
            Section::new("Instruments", self.instruments_section()),
            Section::new("Not read", [list(&self.skipped)]),
            Section::new("Failures", [list(&self.failures)]),
            Section::new("Warnings", [list(&self.warnings)]),
            Section::new("Run", self.run_section()),
        ];
        sections.into_iter().filter(|section| !section.parts.is_empty()).collect()
    }

    pub(crate) fn title(&self) -> String {
        let models = self.run.models.join(", ");
        match &self.instruments[..] {
            [one] => format!("Backtest of {models} on {}", one.name),
            all => format!("Backtest of {models} on {} instruments", all.len()),
        }
    }

    fn results_section(&self) -> [Part; 3] {
        let LeadCount { all, above, by_chance } = LeadCount::new(self.headline());
        let text = format!(
            "Intervals are 95 % block bootstraps over calendar time, all instruments of a block \
             together. The baseline is scored on the candles the model called, and is the best of \
             all, chosen with hindsight.\n{above} of {all} leads have an interval above 0; if no \
             model knew anything, about {by_chance:.1} would have one by chance."
        );
        [self.headline_part(true).into(), text.into(), self.headline_part(false).into()]
    }

    fn ranking_section(&self) -> [Part; 3] {
        let text = format!(
            "{}\n{}All calls pooled, each weighing the same; a model tested on fewer folds is marked \
             incomplete. p is that of the lead, one-sided, from blocks of calendar time, corrected \
             by Holm.",
            self.verdict(),
            self.verdict_after_costs().map_or_else(String::new, |text| text + "\n"),
        );
        let next = self.best_against_next().unwrap_or_default();
        [self.ranking_table().into(), text.into(), next.into()]
    }

    /// The rows pooled by interval.
    pub(crate) fn pooled(&self) -> impl Iterator<Item = &ResultRow> {
        self.results.iter().filter(|row| row.scope == Scope::Interval)
    }

    fn baseline_section(&self) -> [Part; 2] {
        let mut header: Vec<String> = ["Model", "Interval", "Accuracy %"].map(String::from).into();
        header.extend(Baseline::ALL.iter().map(|rule| capitalised(&rule.to_string())));
        let rows = self.pooled().map(baseline_cells).collect();
        let text = "Accuracy % (coverage %) of each baseline on the candles that the model called; \
                    majority is that of the training labels, logistic a regression on the same \
                    training windows.";
        [text.to_string().into(), Table { left: 2, header, rows }.into()]
    }

    fn confusion_section(&self) -> [Part; 3] {
        let rows = self.pooled().flat_map(|row| {
            Direction::ALL.map(|label| {
                let [up, down, neutral] =
                    Direction::ALL.map(|called| row.confusion.count(label, called).to_string());
                [row.model.clone(), interval(row), label.to_string(), up, down, neutral]
            })
        });
        let header = ["Model", "Interval", "Label", "Called UP", "Called DOWN", "Called NEUTRAL"];
        let losses = self.pooled().map(|row| {
            let balanced = percent(row.balanced_accuracy);
            let [loss, brier, error] = [row.log_loss, row.brier, row.calibration_error]
                .map(|x| text(x.map(|x| format!("{x:.4}"))));
            [row.model.clone(), interval(row), loss, brier, error, balanced]
        });
        let loss_header = ["Model", "Interval", "Log loss", "Brier", "ECE", "Balanced %"];
        let how = "To know nothing has a log loss of 0.6931 and a Brier score of 0.5 where closes \
                    always move (half UP, half DOWN), 1.0986 and 0.6667 with a third for each label. \
                    Balanced accuracy is the mean share of each label that was called so, over the \
                    labels that occur: a coin has 50 % without unchanged closes, and 33 % with them \
                    if it never says NEUTRAL.";
        let losses = table(2, loss_header, losses);
        [table(3, header, rows).into(), how.to_string().into(), losses.into()]
    }
}

/// A list with one item for each.
fn list(items: &[impl ToString]) -> Part {
    Part::List(items.iter().map(ToString::to_string).collect())
}

/// A model's accuracy and those of the baselines, with coverages.
fn baseline_cells(row: &ResultRow) -> Vec<String> {
    let mut cells = vec![row.model.clone(), interval(row), percent(row.score.accuracy)];
    for rule in Baseline::ALL {
        let own = row.baselines.iter().find(|own| own.rule == rule).map(|own| own.score);
        cells.push(text(
            own.map(|own| format!("{} ({})", percent(own.accuracy), percent(own.coverage))),
        ));
    }
    cells
}

fn capitalised(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    first.to_uppercase() + rest
}
