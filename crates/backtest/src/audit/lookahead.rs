//! Reach: the distance by which outputs look ahead.
use windvane_candles::{CandleSeries, Timestamp};

use super::outputs::{Change, Outputs};
use super::{Check, Finding};

/// Reach of outputs, measured by changing the future at several cuts.
#[derive(Debug)]
pub(super) struct Reach<'a> {
    series: &'a CandleSeries,
    /// Number of changes made to the future.
    changes_made: usize,
    /// Number of outputs before the changes that were compared.
    compared: usize,
    changes: Vec<Change>,
}

impl<'a> Reach<'a> {
    pub(super) fn new(series: &'a CandleSeries) -> Self {
        Self { series, changes_made: 0, compared: 0, changes: Vec::new() }
    }

    /// Compares outputs before a cut with those after the future from it on was changed.
    pub(super) fn compare(&mut self, before: &Outputs, after: &Outputs, cut: usize) {
        self.changes_made += 1;
        self.compared += before.count_before(cut);
        self.changes.extend(before.change(after, cut));
    }

    /// The change that reached farthest.
    pub(super) fn farthest(&self) -> Option<&Change> {
        self.changes.iter().max_by_key(|change| change.reach())
    }

    /// The change that reached over more than half of the outputs, if one did.
    pub(super) fn far(&self) -> Option<&Change> {
        self.changes.iter().filter(|change| change.is_far()).max_by_key(|change| change.reach())
    }

    /// The farthest change where none reached over more than half of the outputs.
    pub(super) fn near(&self) -> Option<&Change> {
        if self.far().is_some() { None } else { self.farthest() }
    }

    /// Some candles after the output are known.
    pub(super) fn prefix(&self) -> Finding {
        match (self.far(), self.near()) {
            (Some(_), _) => Finding::not_applicable(
                Check::Prefix,
                "hidden: outputs know far more than some candles; see the checks below",
            ),
            (_, Some(change)) if change.reach() == 1 => Finding::not_applicable(
                Check::Prefix,
                "outputs know one candle after them; see one-bar offset",
            ),
            (_, Some(change)) => Finding::leak(Check::Prefix, self.words(change, "candles")),
            _ => Finding::clean(Check::Prefix, self.nothing("candles")),
        }
    }

    /// Exactly one candle after the output is known, or its direction was `seen`.
    pub(super) fn offset(&self, seen: Option<String>) -> Finding {
        let check = Check::OneBarOffset;
        match (self.farthest(), seen) {
            (Some(change), seen) if change.reach() == 1 => {
                let seen = seen.map_or(String::new(), |seen| format!("; {seen}"));
                let mend = "delay it by one candle";
                Finding::leak(check, format!("{}{seen}: {mend}", self.words(change, "candles")))
            }
            (_, Some(seen)) => Finding::leak(check, seen),
            (Some(_), None) => Finding::not_applicable(
                check,
                "hidden: outputs know more than one candle after them; mend that first",
            ),
            (None, None) => Finding::clean(
                check,
                "no output knows the candle after it, and none gives its direction away",
            ),
        }
    }

    /// Everything is known.
    pub(super) fn everything(&self) -> Finding {
        let check = Check::FittedOnEverything;
        match self.far() {
            Some(change) => Finding::leak(check, self.words(change, "candles")),
            None => Finding::clean(check, "no output far before a change knew of it"),
        }
    }

    /// Describes a change in words.
    pub(super) fn words(&self, change: &Change, what: &str) -> String {
        let Change { cut, first, count, of, .. } = *change;
        let (at, closes) = (self.open_time(cut), self.close_time(first));
        let reach = change.reach();
        let plural = if reach == 1 { "" } else { "s" };
        format!(
            "other {what} from {at} on changed {count} of {of} outputs before, the first {reach} \
             candle{plural} before, at {closes}"
        )
    }

    /// That nothing changed, in words.
    pub(super) fn nothing(&self, what: &str) -> String {
        let Self { changes_made, compared, .. } = self;
        format!(
            "{changes_made} changes of later {what} changed none of the {compared} outputs before"
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
