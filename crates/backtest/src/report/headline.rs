//! Headline and ranking as tables, and the verdicts as sentences.
use super::format::{
    baseline, bounds, edge, interval, p_equation, p_value, percent, thousands, trials,
};
use super::table::{ReportTable, table};
use super::{Rank, Report};
use crate::score::{ExcessAccuracy, ResultRow, Scope};

impl Report {
    /// Rows of the headline: every model on every instrument, then pooled by interval and over all
    /// intervals, if that pools more than one.
    pub fn headline(&self) -> impl Iterator<Item = &ResultRow> {
        self.results.iter().filter(|row| match row.scope {
            Scope::Instrument => true,
            Scope::Interval => self.pooled_count(row, Scope::Instrument) > 1,
            Scope::All => self.pooled_count(row, Scope::Interval) > 1,
        })
    }

    /// Number of rows of a scope that a row pools.
    fn pooled_count(&self, row: &ResultRow, scope: Scope) -> usize {
        let pooled = self.results.iter().filter(|other| {
            other.scope == scope
                && other.model == row.model
                && (row.interval.is_none() || other.interval == row.interval)
        });
        pooled.count()
    }

    /// Table of the [`headline`](Self::headline). Undefined numbers are `-`.
    pub fn headline_table(&self) -> ReportTable {
        headline_table(self.headline())
    }

    /// Table of the pooled rows of the headline, or of the others.
    pub(crate) fn headline_part(&self, pooled: bool) -> ReportTable {
        headline_table(self.headline().filter(|row| (row.scope != Scope::Instrument) == pooled))
    }

    /// Table of the [`ranking`](Self::ranking), with the descriptions of the models.
    pub fn ranking_table(&self) -> ReportTable {
        let header = [
            "Rank",
            "Model",
            "Predictions",
            "Accuracy %",
            "95 % interval",
            "Coverage %",
            "Full coverage %",
            "Edge, points",
            "p (Holm)",
        ];
        let rows = self.ranking.iter().enumerate();
        table(2, header, rows.map(|(index, rank)| self.ranking_cells(index + 1, rank)))
    }

    fn ranking_cells(&self, place: usize, rank: &Rank) -> [String; 9] {
        let incomplete = if rank.complete { "" } else { " (incomplete)" };
        let in_sample = match (rank.in_sample, rank.unknown_training) {
            (true, _) => " (in-sample)",
            (false, true) => " (training period unknown)",
            (false, false) => "",
        };
        let model = self.model_name(&rank.model);
        [
            place.to_string(),
            format!("{model}{incomplete}{}{in_sample}", mark(rank.suspicious)),
            thousands(rank.predictions),
            percent(rank.accuracy),
            bounds(rank.interval_95),
            percent(rank.coverage),
            percent(rank.full_coverage_accuracy),
            edge(rank.excess_accuracy),
            p_value(rank.p_holm),
        ]
    }

    /// States which models beat the best baseline by a statistically significant margin, in one
    /// sentence per line.
    pub fn verdict(&self) -> String {
        let significant = self.ranking.iter().filter(|rank| rank.significant);
        let mut sentences: Vec<String> =
            significant.map(|rank| self.beats_baseline(rank)).collect();
        if sentences.is_empty() {
            sentences.push(self.no_model_beats_baseline());
        }
        let excluded = self.ranking.iter().filter(|rank| rank.in_sample).map(|rank| {
            let model = self.model_name(&rank.model);
            format!("{model} was fitted on candles of a test period: its results are in-sample.")
        });
        sentences.extend(excluded);
        let unknown = self.ranking.iter().filter(|rank| rank.unknown_training && rank.significant);
        let unknown = unknown.map(|rank| {
            let model = self.model_name(&rank.model);
            format!(
                "The training period of {model} is unknown: the edge counts only if it was not \
                 fitted on candles of the test."
            )
        });
        sentences.extend(unknown);
        sentences.join("\n")
    }

    fn no_model_beats_baseline(&self) -> String {
        let correction = match self.holm_correction() {
            Some(correction) => format!("95 %, {correction}"),
            None => "95 %".to_string(),
        };
        format!(
            "No model beats the best baseline by a statistically significant margin ({correction})."
        )
    }

    /// Sentence about a model with a statistically significant edge.
    fn beats_baseline(&self, rank: &Rank) -> String {
        let pooled = self.results.iter().filter(|row| row.scope == Scope::All);
        let mut pooled = pooled.filter(|row| row.model == rank.model);
        let best = pooled.next().and_then(|row| row.best_baseline);
        let rule = best.map_or_else(String::new, |rule| format!(" ({rule})"));
        let (model, edge, p) = (
            self.model_name(&rank.model),
            edge_text(rank.excess_accuracy),
            p_equation(rank.p_holm),
        );
        let correction =
            self.holm_correction().map_or_else(String::new, |text| format!(" ({text})"));
        let audit = if rank.suspicious {
            " The accuracy is implausibly high: audit the model for leaks."
        } else {
            ""
        };
        format!("{model} beats the best baseline{rule} by {edge}, {p}{correction}.{audit}")
    }

    /// Name of the correction for multiple comparisons; `None` for a single model.
    fn holm_correction(&self) -> Option<String> {
        let models = self.run.sweep_trials.unwrap_or(self.run.models.len());
        let earlier = self.earlier.models;
        let text = match earlier {
            0 => format!("Holm-corrected for {models} models"),
            _ => format!("Holm-corrected for the models: {}", trials(models, earlier)),
        };
        (models.saturating_add(earlier) > 1).then_some(text)
    }

    /// States whether the first model of the ranking beats the second by a statistically
    /// significant margin; `None` if that is undefined. Models with in-sample results are left out.
    pub fn best_against_next(&self) -> Option<String> {
        let mut neighbours = self.ranking.windows(2);
        let [best, next] = neighbours.find(|two| two.iter().all(|rank| !rank.in_sample))? else {
            return None;
        };
        let excess = best.excess_over_next?;
        let verb = if excess.interval_95?.is_above_zero() { "beats" } else { "does not beat" };
        let (first, second) = (self.model_name(&best.model), self.model_name(&next.model));
        Some(format!(
            "{first} {verb} {second} by a statistically significant margin on the candles that \
             both predicted: {}, one-sided {}.",
            edge_text(Some(excess)),
            p_equation(excess.p_value),
        ))
    }

    /// Whether the results of a model are in-sample.
    pub(crate) fn is_in_sample(&self, model: &str) -> bool {
        self.ranking.iter().any(|rank| rank.in_sample && rank.model == model)
    }

    /// Description of a model, or its name without one.
    pub(crate) fn model_name<'a>(&'a self, model: &'a str) -> &'a str {
        self.run.model_descriptions.get(model).map_or(model, String::as_str)
    }
}

/// Edge of a model with its unit and interval, for a sentence.
pub(crate) fn edge_text(excess: Option<ExcessAccuracy>) -> String {
    let edge = edge(excess);
    match edge.split_once(' ') {
        Some((value, interval)) => format!("{value} percentage points {interval}"),
        None => edge,
    }
}

fn headline_table<'a>(rows: impl Iterator<Item = &'a ResultRow>) -> ReportTable {
    let header = [
        "Model",
        "Instrument",
        "Interval",
        "Predictions",
        "Accuracy %",
        "95 % interval",
        "Coverage %",
        "Best baseline %",
        "Edge, points",
    ];
    table(3, header, rows.map(cells))
}

fn cells(row: &ResultRow) -> [String; 9] {
    [
        row.marked_model(),
        row.instrument.clone(),
        interval(row),
        thousands(row.score.predictions),
        percent(row.score.accuracy),
        bounds(row.interval_95),
        percent(row.score.coverage),
        baseline(row.best_baseline_result()),
        edge(row.excess_accuracy),
    ]
}

impl ResultRow {
    /// Name of the model, with a mark if its accuracy is implausibly high.
    pub(crate) fn marked_model(&self) -> String {
        format!("{}{}", self.model, mark(self.suspicious))
    }
}

/// Mark after the name of a model with an implausibly high accuracy.
fn mark(suspicious: bool) -> &'static str {
    if suspicious { " (suspicious: audit)" } else { "" }
}
