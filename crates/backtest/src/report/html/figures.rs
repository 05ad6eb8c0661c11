//! Figures: the plots of each section, with their captions.
use windvane_candles::Interval;

use super::colour::PlotColour;
use super::plot::ReportPlot;
use crate::report::Report;
use crate::report::format::interval;
use crate::score::{ResultRow, Scope};

/// Plots of a section.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// Whether the plots are small, because there are many.
    pub(crate) small: bool,
    /// Rows of plots side by side.
    pub(crate) rows: Vec<Vec<ReportPlot>>,
    /// Explanation of the plots.
    pub(crate) caption: &'static str,
    /// Legend of all plots, if they have the same; else each plot has its own.
    pub(crate) legend: Vec<(PlotColour, String)>,
}

impl Report {
    /// Plots of a section; most sections have none.
    pub(crate) fn figures(&self, section: &str) -> Figures {
        let mut figures = match section {
            "Results" => large(vec![self.instrument_plots()], INSTRUMENTS),
            "Ranking" => large(vec![self.edge_plots()], EDGES),
            "Most confident" => large(vec![self.coverage_plots()], COVERAGE),
            "Size of moves" => large(self.each(|candles| self.move_plots(candles)), MOVES),
            "Policies" => large(self.all_policy_plots(), POLICIES),
            "Trading" => large(self.each(|candles| self.trading_plots(candles)), TRADING),
            "Confusion matrix" => small(self.each(|c| self.confusion_plots(c)), CONFUSION),
            "Confidence" => small(vec![self.confidence_plots()], CONFIDENCE),
            "Reliability" => small(self.each(|c| self.reliability_plots(c)), RELIABILITY),
            "Over time" => small(self.each(|c| self.over_time_plots(c)), OVER_TIME),
            "Regimes" => small(self.each(|c| self.regime_plots(c)), REGIMES),
            "Folds" => large(vec![self.fold_plots()], FOLDS),
            "Training" => small(self.each(|c| self.training_plots(c)), LEARNING),
            "Importance of channels" => small(self.each(|c| self.importance_plots(c)), IMPORTANCE),
            _ => Figures::default(),
        };
        figures.rows.iter_mut().for_each(|plots| plots.retain(ReportPlot::has_marks));
        figures.rows.retain(|plots| !plots.is_empty());
        figures.share_legend();
        figures
    }

    fn all_policy_plots(&self) -> Vec<Vec<ReportPlot>> {
        self.groups.iter().flat_map(|group| self.policy_plots(group.interval)).collect()
    }

    /// Rows of plots, one per interval.
    fn each(&self, plots: impl Fn(Interval) -> Vec<ReportPlot>) -> Vec<Vec<ReportPlot>> {
        self.groups.iter().map(|group| plots(group.interval)).collect()
    }

    /// Results of an interval with all instruments pooled, one per model.
    pub(crate) fn pooled_over(&self, candles: Interval) -> impl Iterator<Item = &ResultRow> {
        self.pooled().filter(move |row| row.interval == Some(candles))
    }

    /// Colour of a model.
    pub(crate) fn model_colour(&self, model: &str) -> PlotColour {
        PlotColour::Series(self.run.models.iter().position(|name| name == model).unwrap_or(0))
    }

    /// Legend with the colours of all models.
    pub(crate) fn legend(&self) -> Vec<(PlotColour, String)> {
        self.run.models.iter().map(|model| (self.model_colour(model), model.clone())).collect()
    }

    /// Legend of all models and of a grey line.
    pub(crate) fn legend_with(&self, grey: &str) -> Vec<(PlotColour, String)> {
        self.legend().into_iter().chain([(PlotColour::Rule, grey.to_string())]).collect()
    }

    /// Results of a scope.
    pub(crate) fn rows(&self, scope: Scope) -> impl Iterator<Item = &ResultRow> {
        self.results.iter().filter(move |row| row.scope == scope)
    }

    /// Pooled results by interval, and over all intervals if there are several.
    pub(crate) fn pools(&self) -> Vec<(String, Vec<&ResultRow>)> {
        let mut pools: Vec<(String, Vec<&ResultRow>)> = Vec::new();
        let all = self.rows(Scope::All).filter(|_| self.groups.len() > 1);
        for row in self.pooled().chain(all) {
            let name = interval(row);
            match pools.iter_mut().find(|(pool, _)| *pool == name) {
                Some((_, rows)) => rows.push(row),
                None => pools.push((name, vec![row])),
            }
        }
        pools
    }
}

impl Figures {
    /// Moves the legend of the plots to the section if all have the same.
    fn share_legend(&mut self) {
        let mut plots = self.rows.iter().flatten();
        let Some(first) = plots.next() else { return };
        if plots.all(|plot| plot.legend == first.legend) {
            self.legend.clone_from(&first.legend);
            self.rows.iter_mut().flatten().for_each(|plot| plot.legend.clear());
        }
    }
}

fn large(rows: Vec<Vec<ReportPlot>>, caption: &'static str) -> Figures {
    Figures { small: false, rows, caption, legend: Vec::new() }
}

fn small(rows: Vec<Vec<ReportPlot>>, caption: &'static str) -> Figures {
    Figures { small: true, rows, caption, legend: Vec::new() }
}

/// Converts a fraction to per cent.
pub(crate) fn percent(fraction: f64) -> f64 {
    100.0 * fraction
}

const INSTRUMENTS: &str = "Dots are accuracies with 95 % intervals, models from top to bottom as \
    in the legend. Upright lines are the best baseline on the same candles. Good: an interval \
    entirely to the right of its line.";

const EDGES: &str = "Accuracy minus that of the best baseline on the same candles, with 95 % \
    intervals. Good: an interval entirely to the right of 0; with several models the corrected p \
    of the table decides.";

const COVERAGE: &str = "At 100 % every candle is predicted, to the left only the most confident \
    ones. Dots have 95 % intervals. Good: accuracy rises as coverage falls.";

const POLICIES: &str = "Left: equity by month of a capital of 1 that follows each policy, after \
    the middle cost, on a logarithmic scale. Right: mean net result of each of the last twelve \
    quarters with 95 % intervals. Grey is always long, the benchmark. Good: results that stay above \
    0 and above the grey line in the last quarters. A curve is a single path; the best one was \
    selected with hindsight.";

const MOVES: &str = "Accuracy by tenths of the realised moves, from the smallest to the largest, \
    and gross result per trade of the largest expected moves with 95 % intervals. Grey is always \
    up or always long. Good: the largest moves are predicted best.";

const REGIMES: &str = "Accuracy with 95 % intervals by tercile of the volatility and sign of the \
    trend. Grey lines are the best baseline of the regime, selected with hindsight. Good: an edge \
    in more than one regime.";

const FOLDS: &str = "A row per fold. Every model is fitted on the training time, stops and \
    calibrates on the validation time, and is tested on the later time.";

const TRADING: &str = "A basis point (bp) is a hundredth of a per cent; costs are per unit of \
    turnover. Grey is always long with equal weights, the benchmark. An equity curve is a single \
    path; the intervals of the net result show its uncertainty.";

const CONFUSION: &str = "Rows are labels, columns are predictions. A cell holds the number of \
    candles and its share of the row. Good: dark cells on the diagonal.";

const CONFIDENCE: &str = "Predictions by the probability of the predicted direction. Bars near 50 \
    % are close to random guesses.";

const RELIABILITY: &str = "Probability of the most likely class against the frequency of that \
    class. On the grey line probabilities are calibrated; below it the model is overconfident. \
    Wilson intervals assume independent candles and are therefore too narrow.";

const OVER_TIME: &str = "Accuracy by period of calendar time with 95 % intervals. Grey is the best \
    baseline of each period, selected with hindsight.";

const LEARNING: &str = "Cross-entropy by epoch, one line per fold and network. The training loss \
    is often above the validation loss, because only training has dropout.";

const IMPORTANCE: &str = "Loss of accuracy if a channel is replaced by its median, at full \
    coverage, with 95 % intervals. To the right of 0 the model uses the channel.";
