//! Corrections for the number of models over all settings of a sweep.
use std::collections::BTreeMap;

use windvane_candles::Interval;

use crate::report::Report;
use crate::score::{self, EarlierTrials, Economics, Scope, Trading};

/// Corrects p-values and deflates Sharpe ratios for the models of all reports, with earlier ones.
///
/// A single report is not changed: its own corrections are the same.
pub(super) fn correct(reports: &mut [&mut Report], earlier: &EarlierTrials) {
    if reports.len() < 2 {
        return;
    }
    let trials = reports.iter().map(|report| report.run.models.len()).sum();
    for report in reports.iter_mut() {
        report.run.sweep_trials = Some(trials);
    }
    let ranks = reports.iter_mut().flat_map(|report| &mut report.ranking);
    score::apply_holm(ranks.collect(), earlier);
    let mut trading: BTreeMap<RowPlace, Vec<&mut Trading>> = BTreeMap::new();
    let mut economics: BTreeMap<RowPlace, Vec<&mut Economics>> = BTreeMap::new();
    for row in reports.iter_mut().flat_map(|report| &mut report.results) {
        let place = (row.scope == Scope::Instrument, row.instrument.clone(), row.interval);
        if let Some(own) = &mut row.trading {
            trading.entry(place.clone()).or_default().push(own);
        }
        if let Some(own) = &mut row.economics {
            economics.entry(place).or_default().push(own);
        }
    }
    for rows in trading.values_mut() {
        score::deflate(rows, earlier);
    }
    for rows in economics.values_mut() {
        score::deflate_policies(rows, earlier);
    }
}

/// Rows that are compared: whether they are of one instrument, its name, and the interval.
type RowPlace = (bool, String, Option<Interval>);
