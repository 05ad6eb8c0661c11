//! Measurement of the look-ahead of outputs.
use windvane_candles::{CandleSeries, Timestamp};

use super::outputs::{AuditedOutputs, OutputChange};
use super::{AuditFinding, Check};

/// Look-ahead of outputs, measured by modifying later data at several cuts.
#[derive(Debug)]
pub(super) struct LookaheadCheck<'a> {
    series: &'a CandleSeries,
    /// Number of modifications.
    modifications: usize,
    /// Number of compared outputs, summed over the modifications.
    compared: usize,
    /// Changes of outputs, at most one per modification.
    changes: Vec<OutputChange>,
}

impl<'a> LookaheadCheck<'a> {
    pub(super) fn new(series: &'a CandleSeries) -> Self {
        Self { series, modifications: 0, compared: 0, changes: Vec::new() }
    }

    /// Compares the outputs before a cut, without and with a modification from the cut on.
    pub(super) fn compare(&mut self, base: &AuditedOutputs, modified: &AuditedOutputs, cut: usize) {
        self.modifications += 1;
        self.compared += base.count_before(cut);
        self.changes.extend(base.change(modified, cut));
    }

    /// Change with the largest distance from its cut.
    pub(super) fn farthest_change(&self) -> Option<&OutputChange> {
        self.changes.iter().max_by_key(|change| change.distance())
    }

    /// Farthest change among those that reach over more than half of the time before the cut.
    pub(super) fn far_change(&self) -> Option<&OutputChange> {
        let far = self.changes.iter().filter(|change| change.is_far());
        far.max_by_key(|change| change.distance())
    }

    /// Result of the prefix check: outputs depend on a few later candles.
    pub(super) fn prefix(&self) -> AuditFinding {
        let check = Check::Prefix;
        match (self.far_change(), self.farthest_change()) {
            (Some(_), _) => AuditFinding::not_applicable(
                check,
                "hidden: outputs depend on candles far after them; see fitted on everything",
            ),
            (None, Some(change)) if change.distance() == 1 => AuditFinding::not_applicable(
                check,
                "outputs depend on exactly one later candle; see one-bar offset",
            ),
            (None, Some(change)) => AuditFinding::leak(check, self.describe(change, "candles")),
            (None, None) => AuditFinding::clean(check, self.describe_no_change("candles")),
        }
    }

    /// Result of the one-bar offset check: outputs depend on exactly one later candle, or a sign
    /// predicts its direction, as described by `prediction`.
    pub(super) fn one_bar_offset(&self, prediction: Option<String>) -> AuditFinding {
        let check = Check::OneBarOffset;
        match (self.farthest_change(), prediction) {
            (Some(change), prediction) if change.distance() == 1 => {
                let change = self.describe(change, "candles");
                let prediction = prediction.map_or(String::new(), |text| format!("; {text}"));
                let evidence = format!("{change}{prediction}; delay the outputs by one candle");
                AuditFinding::leak(check, evidence)
            }
            (_, Some(prediction)) => AuditFinding::leak(check, prediction),
            (Some(_), None) => AuditFinding::not_applicable(
                check,
                "hidden: outputs depend on more than one later candle; see prefix and fitted on \
                 everything",
            ),
            (None, None) => AuditFinding::clean(
                check,
                "no output depends on the next candle, and no sign predicts its direction too \
                 often to be skill",
            ),
        }
    }

    /// Result of the check for a fit on all candles: outputs depend on candles far after them.
    pub(super) fn fitted_on_everything(&self) -> AuditFinding {
        let check = Check::FittedOnEverything;
        match self.far_change() {
            Some(change) => AuditFinding::leak(check, self.describe(change, "candles")),
            None => AuditFinding::clean(check, "no modification changed outputs far before it"),
        }
    }

    /// Describes a change caused by modified candles or labels.
    pub(super) fn describe(&self, change: &OutputChange, modified: &str) -> String {
        let OutputChange { cut, first, changed, compared, .. } = *change;
        let (from, earliest) = (self.open_time(cut), self.close_time(first));
        let distance = change.distance();
        let plural = if distance == 1 { "" } else { "s" };
        format!(
            "modified {modified} from {from} on changed {changed} of {compared} earlier outputs; \
             the earliest is {distance} candle{plural} before, at {earliest}"
        )
    }

    /// Describes that no modification of candles or labels changed an earlier output.
    pub(super) fn describe_no_change(&self, modified: &str) -> String {
        let Self { modifications, compared, .. } = self;
        format!(
            "{modifications} modifications of later {modified} changed none of {compared} earlier \
             outputs"
        )
    }

    fn open_time(&self, index: usize) -> Timestamp {
        let candle = self.series.get(index).or(self.series.candles().last());
        candle.map_or(Timestamp::from_millis(0), windvane_candles::Candle::open_time)
    }

    fn close_time(&self, index: usize) -> Timestamp {
        self.series.close_time(index).unwrap_or(self.open_time(index))
    }
}
