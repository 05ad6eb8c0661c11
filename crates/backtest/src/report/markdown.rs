//! The report as Markdown.
use windvane_candles::{Direction, Timestamp};
use windvane_signals::Band;

use super::Report;
use super::format::{baseline, bounds, date, edge, interval, markdown, percent, text, thousands};
use super::section::{Section, SectionPart};
use super::table::{ReportTable, table};
use crate::score::{Baseline, ExcessAccuracyCount, ResultRow, Scope, warning_lines};

impl Report {
    /// Explanation of the terms of the report.
    pub(crate) const INTRODUCTION: &'static str = "Accuracy is the share of correct predictions \
        (UP or DOWN) among candles whose close changed; NEUTRAL is not a prediction. Coverage is \
        the share of candles with a prediction. The edge is the accuracy minus that of the best \
        baseline on the same candles. A dash is an undefined number, and times are UTC.\n\
        Only an edge with an interval above 0 is evidence of skill: a high accuracy alone may be \
        reached by a simple baseline as well.";

    /// Writes the report as Markdown, with aligned tables.
    pub fn to_markdown(&self) -> String {
        let verdicts: Vec<String> =
            self.verdicts().iter().map(|verdict| format!("- {}\n", markdown(verdict))).collect();
        let sections: Vec<String> =
            self.sections().iter().map(|section| format!("\n{section}")).collect();
        format!(
            "# {}\n\n{}\n\n{}\n{}\n{}",
            markdown(&self.title()),
            self.run_date(),
            verdicts.concat(),
            Self::INTRODUCTION,
            sections.concat()
        )
    }

    /// Sentence with the date of the run.
    pub(crate) fn run_date(&self) -> String {
        let started = self.timing.started_at.millis();
        let minute = Timestamp::from_millis(started - started.rem_euclid(60_000));
        format!("Run on {} UTC.", date(minute))
    }

    /// Returns all verdicts, one sentence per item. Those of policies of which nothing is left after
    /// costs, over the whole test or in the last two quarters, come first.
    pub fn verdicts(&self) -> Vec<String> {
        let verdicts = [
            Some(self.verdict()),
            self.best_against_next(),
            self.refit_verdict(),
            self.verdict_after_costs(),
        ];
        let verdicts = verdicts.iter().flatten().flat_map(|verdict| verdict.lines());
        let (left, gone): (Vec<_>, Vec<_>) = self.judged_policies().partition(|(left, _)| *left);
        let gone = gone.into_iter().map(|(_, sentence)| sentence);
        let left = left.into_iter().map(|(_, sentence)| sentence);
        gone.chain(verdicts.map(str::to_string)).chain(left).collect()
    }

    /// Texts of the [`warnings`](Self::warnings): one line per instrument and interval.
    pub fn warning_lines(&self) -> Vec<String> {
        warning_lines(&self.warnings)
    }

    /// Non-empty sections of the report.
    pub(crate) fn sections(&self) -> Vec<Section> {
        let sections = [
            Section::new("Ranking", self.ranking_section()),
            Section::new("Policies", self.policies_section()),
            Section::new("Results", self.results_section()),
            Section::new("Over time", self.over_time_section()),
            Section::new("Regimes", self.regimes_section()),
            Section::new("Refits", self.refits_section()),
            Section::new("Most confident", self.most_confident_section()),
            Section::new("Size of moves", self.moves_section()),
            Section::new("Trading", self.trading_section()),
            Section::new("Baselines", self.baseline_section()),
            Section::new("Non-overlapping evaluation", self.non_overlapping_section()),
            Section::new("Confusion matrix", self.confusion_section()),
            Section::new("Confidence", self.confidence_section()),
            Section::new("Reliability", self.reliability_section()),
            Section::new("Anomalous candles", self.anomalies_section()),
            Section::new("Folds", self.folds_section()),
            Section::new("Training", self.training_section()),
            Section::new("Importance of channels", self.importance_section()),
            Section::new("Models", [self.models_list()]),
            Section::new("Instruments", self.instruments_section()),
            Section::new("Skipped files", [list(&self.skipped)]),
            Section::new("Failures", [list(&self.failures)]),
            Section::new("Warnings", [list(&self.warning_lines())]),
            Section::new("Run", self.run_section()),
        ];
        sections.into_iter().filter(|section| !section.parts.is_empty()).collect()
    }

    pub(crate) fn title(&self) -> String {
        let models = match &self.run.models[..] {
            [one] => self.model_name(one).to_string(),
            all => all.join(", "),
        };
        match &self.instruments[..] {
            [one] => format!("Backtest of {models} on {}", one.name),
            all => format!("Backtest of {models} on {} instruments", all.len()),
        }
    }

    /// Names and descriptions of the models that have one.
    fn models_list(&self) -> SectionPart {
        let descriptions = &self.run.model_descriptions;
        let models = self
            .run
            .models
            .iter()
            .filter_map(|model| Some(format!("{model}: {}", descriptions.get(model)?)));
        SectionPart::List(models.collect())
    }

    fn results_section(&self) -> [SectionPart; 3] {
        let ExcessAccuracyCount { all, above, by_chance } =
            ExcessAccuracyCount::new(self.headline());
        let text = format!(
            "Intervals are 95 % block bootstraps over calendar time, with all instruments of a \
             block together. The best baseline is selected with hindsight on the candles that the \
             model predicted.\n{above} of {all} edges have an interval above 0; if all models were \
             only equal to the best baseline, about {by_chance:.1} would have one by chance."
        );
        // With a single interval the pooled rows are those of the ranking.
        let mut pooled = self.headline_part(true);
        pooled.rows.retain(|_| self.groups.len() > 1);
        [
            pooled.into(),
            SectionPart::Method(text),
            SectionPart::details("By instrument", self.headline_part(false)),
        ]
    }

    fn ranking_section(&self) -> [SectionPart; 3] {
        let text = "All predictions are pooled with equal weights. A model that was tested on \
                    fewer folds is marked incomplete. p is the one-sided p-value of the edge from \
                    blocks of calendar time, with Holm's correction for the number of models.";
        let overfitting = self.overfitting.map(|one| {
            format!(
                "The probability of backtest overfitting is {} % over {} models: in that share of \
                 {} divisions of the time into halves, the best model of one half is not above the \
                 median in the other.",
                percent(Some(one.probability)),
                one.variants,
                thousands(one.choices)
            )
        });
        let overfitting = overfitting.unwrap_or_default();
        [self.ranking_table().into(), overfitting.into(), SectionPart::method(text)]
    }

    /// Rows pooled by interval.
    pub(crate) fn pooled(&self) -> impl Iterator<Item = &ResultRow> {
        self.results.iter().filter(|row| row.scope == Scope::Interval)
    }

    fn baseline_section(&self) -> [SectionPart; 2] {
        let mut header: Vec<String> = ["Model", "Interval", "Accuracy %"].map(String::from).into();
        let relative = self.run.labels.band == Band::Relative;
        let rules: Vec<Baseline> =
            Baseline::ALL.into_iter().filter(|rule| relative || !rule.is_relative()).collect();
        header.extend(rules.iter().map(|rule| capitalised(&rule.to_string())));
        let rows = self.pooled().map(|row| baseline_cells(row, &rules)).collect();
        let mut text = "Accuracy % (coverage %) of each baseline on the candles that the model \
                        predicted. The majority class is that of the training labels; the logistic \
                        regression has the same training windows as the model."
            .to_string();
        if relative {
            text += " The last relative move is the pair's log change over the last horizon minus \
                     the panel's median. Lowest volatility predicts UP for pairs below the median \
                     volatility. The own share in the past predicts the more frequent direction of \
                     the pair's own training labels.";
        }
        [ReportTable { left: 2, header, rows }.into(), SectionPart::Method(text)]
    }

    /// Results on every h-th candle; empty for the horizon 1.
    fn non_overlapping_section(&self) -> Vec<SectionPart> {
        let horizon = self.run.labels.horizon;
        let rows: Vec<[String; 7]> = self
            .pooled()
            .filter_map(|row| Some((row, row.non_overlapping.as_ref()?)))
            .map(|(row, own)| {
                [
                    row.model.clone(),
                    interval(row),
                    thousands(own.score.scored),
                    percent(own.score.accuracy),
                    bounds(own.interval_95),
                    baseline(own.best_baseline.as_ref()),
                    edge(own.excess_accuracy),
                ]
            })
            .collect();
        if rows.is_empty() {
            return Vec::new();
        }
        let header = [
            "Model",
            "Interval",
            "Scored",
            "Accuracy %",
            "95 % interval",
            "Best baseline %",
            "Edge, points",
        ];
        let explanation = format!(
            "Every h-th candle of each instrument (horizon h = {horizon}), counted from its first \
             candle, so that no two outcomes of an instrument overlap. All other sections use every \
             candle, with blocks of at least the horizon in the intervals."
        );
        vec![table(2, header, rows).into(), SectionPart::Method(explanation)]
    }

    fn confusion_section(&self) -> [SectionPart; 3] {
        let rows = self.pooled().flat_map(|row| {
            Direction::ALL.map(|label| {
                let [up, down, neutral] = Direction::ALL
                    .map(|predicted| thousands(row.confusion.count(label, predicted)));
                [row.model.clone(), interval(row), label.to_string(), up, down, neutral]
            })
        });
        let header =
            ["Model", "Interval", "Label", "Predicted UP", "Predicted DOWN", "Predicted NEUTRAL"];
        let losses = self.pooled().map(|row| {
            let balanced = percent(row.balanced_accuracy);
            let [loss, brier, error] = [row.log_loss, row.brier, row.calibration_error]
                .map(|x| text(x.map(|x| format!("{x:.4}"))));
            [row.model.clone(), interval(row), loss, brier, error, balanced]
        });
        let loss_header =
            ["Model", "Interval", "Log loss", "Brier score", "ECE", "Balanced accuracy %"];
        let explanation = "Without skill the log loss is 0.6931 and the Brier score 0.5 if closes \
                           always change (half UP, half DOWN), or 1.0986 and 0.6667 if each label \
                           has a third. Balanced accuracy is the mean recall over the labels that \
                           occur: random predictions of UP and DOWN have 50 % without unchanged \
                           closes, and 33 % with them.";
        let losses = table(2, loss_header, losses);
        [
            losses.into(),
            SectionPart::method(explanation),
            SectionPart::details("Counts", table(3, header, rows)),
        ]
    }
}

/// List with one item per value.
fn list(items: &[impl ToString]) -> SectionPart {
    SectionPart::List(items.iter().map(ToString::to_string).collect())
}

/// Accuracy of a model and of the baselines, with coverages.
fn baseline_cells(row: &ResultRow, rules: &[Baseline]) -> Vec<String> {
    let mut cells = vec![row.model.clone(), interval(row), percent(row.score.accuracy)];
    for rule in rules {
        let own = row.baselines.iter().find(|own| own.rule == *rule).map(|own| own.score);
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
