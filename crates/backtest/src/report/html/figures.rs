//! Which plots stand in which section.
use super::ink::Ink;
use super::plot::Plot;
use crate::report::headline::interval;
use crate::{Report, ResultRow, Scope};

/// Plots side by side.
#[derive(Debug)]
pub(crate) struct Row {
    /// Whether there are many and each is small.
    pub(crate) small: bool,
    pub(crate) plots: Vec<Plot>,
    /// How to read them, where they do not say so one by one.
    pub(crate) caption: Option<&'static str>,
}

impl Row {
    pub(crate) fn large(plots: Vec<Plot>) -> Self {
        Self { small: false, plots, caption: None }
    }

    pub(crate) fn captioned(plots: Vec<Plot>, caption: &'static str) -> Self {
        Self { small: false, plots, caption: Some(caption) }
    }

    pub(crate) fn small(plots: Vec<Plot>, caption: &'static str) -> Self {
        Self { small: true, plots, caption: Some(caption) }
    }
}

impl Report {
    /// The plots of a section; rows without any are left out.
    pub(crate) fn figures(&self, section: &str) -> Vec<Row> {
        let rows = match section {
            "Results" => vec![self.instrument_plots()],
            "Ranking" => vec![self.lead_plots()],
            "Labels against calls" => vec![self.confusion_plots()],
            "Most confident" => vec![self.coverage_plots()],
            "Confidence" => vec![self.confidence_plots()],
            "Reliability" => vec![self.reliability_plots()],
            "Over time" => vec![self.over_time_plots()],
            "Trading" => self
                .groups
                .iter()
                .map(|group| Row::large(self.trading_plots(group.interval)))
                .collect(),
            "Training" => vec![self.training_plots()],
            "Importance of channels" => vec![self.importance_plots()],
            _ => Vec::new(),
        };
        rows.into_iter().filter(|row| !row.plots.is_empty()).collect()
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

/// A fraction as per cent.
pub(crate) fn percent(fraction: f64) -> f64 {
    100.0 * fraction
}
