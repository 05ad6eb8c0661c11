//! Figures: the plots of each section, with their captions.
use windvane_candles::Interval;

use super::ink::Ink;
use super::plot::Plot;
use crate::report::Report;
use crate::report::headline::interval;
use crate::score::{ResultRow, Scope};

/// The plots of a section.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// Whether there are many and each is small.
    pub(crate) small: bool,
    /// Rows of plots side by side.
    pub(crate) rows: Vec<Vec<Plot>>,
    /// Caption that explains the plots.
    pub(crate) caption: &'static str,
}

impl Report {
    /// The plots of a section; none for most.
    pub(crate) fn figures(&self, section: &str) -> Figures {
        let mut figures = match section {
            "Results" => large(vec![self.instrument_plots()], INSTRUMENTS),
            "Ranking" => large(vec![self.lead_plots()], LEADS),
            "Most confident" => large(vec![self.coverage_plots()], COVERAGE),
            "Trading" => large(self.each(|candles| self.trading_plots(candles)), TRADING),
            "Labels against calls" => small(self.each(|c| self.confusion_plots(c)), CONFUSION),
            "Confidence" => small(vec![self.confidence_plots()], CONFIDENCE),
            "Reliability" => small(self.each(|c| self.reliability_plots(c)), RELIABILITY),
            "Over time" => small(self.each(|c| self.over_time_plots(c)), OVER_TIME),
            "Training" => small(self.each(|c| self.training_plots(c)), LEARNING),
            "Importance of channels" => small(self.each(|c| self.importance_plots(c)), IMPORTANCE),
            _ => Figures::default(),
        };
        figures.rows.iter_mut().for_each(|plots| plots.retain(has_marks));
        figures.rows.retain(|plots| !plots.is_empty());
        figures
    }

    /// A row of plots for each interval.
    fn each(&self, plots: impl Fn(Interval) -> Vec<Plot>) -> Vec<Vec<Plot>> {
        self.groups.iter().map(|group| plots(group.interval)).collect()
    }

    /// The rows of an interval, all instruments pooled: one for each model.
    pub(crate) fn pooled_over(&self, candles: Interval) -> impl Iterator<Item = &ResultRow> {
        self.pooled().filter(move |row| row.interval == Some(candles))
    }

    /// The colour of a model.
    pub(crate) fn ink(&self, model: &str) -> Ink {
        Ink::Series(self.run.models.iter().position(|name| name == model).unwrap_or(0))
    }

    /// The colours of all models.
    pub(crate) fn legend(&self) -> Vec<(Ink, String)> {
        self.run.models.iter().map(|model| (self.ink(model), model.clone())).collect()
    }

    /// The rows of a scope.
    pub(crate) fn rows(&self, scope: Scope) -> impl Iterator<Item = &ResultRow> {
        self.results.iter().filter(move |row| row.scope == scope)
    }

    /// The pooled rows by what is pooled: each interval, and all where there are several.
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

fn large(rows: Vec<Vec<Plot>>, caption: &'static str) -> Figures {
    Figures { small: false, rows, caption }
}

fn small(rows: Vec<Vec<Plot>>, caption: &'static str) -> Figures {
    Figures { small: true, rows, caption }
}

fn has_marks(plot: &Plot) -> bool {
    plot.marks.iter().any(|mark| !mark.places().is_empty())
}

/// A fraction as per cent.
pub(crate) fn percent(fraction: f64) -> f64 {
    100.0 * fraction
}

const INSTRUMENTS: &str = "Dots are accuracies with their 95 % intervals, models from top to bottom as \
    in the legend; upright lines are the best baseline on the same candles: a model has to be right \
    of its line.";

const LEADS: &str = "Accuracy less that of the best baseline on the same candles, with 95 % \
    intervals: only one wholly right of 0 shows something, and with several models the corrected p of \
    the table decides.";

const COVERAGE: &str = "On the right every candle is called, further left only those a model is surest \
    of. A line that rises to the left knows when it knows; dots carry 95 % intervals.";

const TRADING: &str = "A basis point is a hundredth of a per cent; costs are per unit of turnover. An \
    equity curve is one path: whether it is more than luck say the intervals of the net result.";

const CONFUSION: &str = "Each row is what happened, each column what was called; a cell holds the \
    candles and their share of the row. A model that knows the way is dark where row and column agree.";

const CONFIDENCE: &str = "Calls by the probability that the model gave the called direction. With two \
    sides to choose from, bars near 50 % are guesses; a model that is never sure has nothing on the \
    right.";

const RELIABILITY: &str = "The probability of the likeliest class, and how often that class came. On \
    the grey line a probability means what it says; below it a model is too sure of itself. Intervals \
    are Wilson's, as if candles were independent, which makes them rather too short.";

const OVER_TIME: &str = "Accuracy over stretches of calendar time with its 95 % interval; grey is the \
    baseline that did best in each stretch, with hindsight. A lead that lies in one stretch may be \
    gone since.";

const LEARNING: &str = "Cross-entropy by epoch, a line for each fold and network: grey while learning, \
    in colour on the validation windows, a dot at the epoch that was kept. Where colour rises while \
    grey falls, the model learns by heart. To know nothing costs 0.69 nats where closes always move.";

const IMPORTANCE: &str = "Accuracy lost when a channel is silenced, all candles called, with 95 % \
    intervals. Right of 0 the model needs the channel; around 0 it does without.";
