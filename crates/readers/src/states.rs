//! Several rows of the same time: repetitions, states of one candle, contradictions.

use super::note::{NoteKind, ReadLog, Tally};
use super::rows::ParsedRow;
use windvane_candles::Ohlcv;

/// Prices of two versions of one candle differ by at most this share.
const SAME_PRICE: f64 = 0.001;
/// Outside a log, this share of the candles may have an earlier state, as the last candle of each
/// page of a download, or else nearly all of them.
const FEW: f64 = 0.01;
const NEARLY_ALL: f64 = 0.9;
/// Number that is accepted as an accident in any file.
const MAX_ODD: usize = 3;

/// Relation of the rows of one time.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Relation {
    Single,
    Equal,
    /// Each is a later state of the one before it in the file.
    States,
    Versions,
    Contradicting,
}

/// Keeps one of rows of the same time, or none if they contradict each other.
pub(crate) fn drop_doubles(
    rows: &mut Vec<ParsedRow>,
    is_log: bool,
    has_versions: bool,
    log: &mut ReadLog,
) {
    if rows.windows(2).all(|two| two[0].time != two[1].time) {
        return;
    }
    let mut groups: Vec<Vec<ParsedRow>> =
        rows.chunk_by(|a, b| a.time == b.time).map(<[ParsedRow]>::to_vec).collect();
    for group in &mut groups {
        group.sort_by_key(|row| row.line);
    }
    let next_opens = groups[1..].iter().map(|group| Some(group[0].values.open)).chain([None]);
    let mut relations: Vec<Relation> =
        groups.iter().zip(next_opens).map(|(group, open)| relation(group, open)).collect();
    let count = |relations: &[Relation], one: Relation| {
        let count = relations.iter().filter(|own| **own == one).count();
        (count, count as f64 / groups.len() as f64)
    };
    let (states, share) = count(&relations, Relation::States);
    if !(is_log || states <= MAX_ODD || share <= FEW || share >= NEARLY_ALL) {
        for (own, group) in relations.iter_mut().zip(&groups) {
            let is_version = group.iter().all(|row| is_version(row, &group[0]));
            *own = match *own {
                Relation::States if is_version => Relation::Versions,
                Relation::States => Relation::Contradicting,
                other => other,
            };
        }
    }
    let (versions, share) = count(&relations, Relation::Versions);
    let takes_versions = has_versions || versions <= MAX_ODD || share <= FEW;
    let mut tallies: [Tally; 4] = Default::default();
    let [repeated, earlier, versions, contradicting] = &mut tallies;
    let mut kept = Vec::with_capacity(groups.len());
    for (group, relation) in groups.iter().zip(relations) {
        let (first, last) = (group[0], group[group.len() - 1]);
        let add = |tally: &mut Tally, left_out: &[ParsedRow]| {
            for row in left_out {
                tally.add(row.line, Some(row.time));
            }
        };
        match relation {
            Relation::Single => kept.push(first),
            Relation::Equal => {
                kept.push(first);
                add(repeated, &group[1..]);
            }
            Relation::States => {
                kept.push(last);
                add(earlier, &group[..group.len() - 1]);
            }
            Relation::Versions if takes_versions => {
                kept.push(first);
                add(versions, &group[1..]);
            }
            Relation::Versions | Relation::Contradicting => add(contradicting, group),
        }
    }
    *rows = kept;
    log.rows(NoteKind::Repeated, repeated, "equal to another, left out");
    log.rows(NoteKind::Repeated, earlier, "with an earlier state of a candle, left out");
    let what = "with nearly the prices of another of the same time, the one further up kept";
    log.rows(NoteKind::Versions, versions, what);
    let what = "contradicting another of the same time, all dropped";
    log.rows(NoteKind::Contradicting, contradicting, what);
}

fn relation(group: &[ParsedRow], next_open: Option<f64>) -> Relation {
    let first = &group[0];
    if group.len() == 1 {
        Relation::Single
    } else if group.iter().all(|row| row.values == first.values) {
        Relation::Equal
    } else if group.windows(2).all(|two| is_later_state(&two[0], &two[1], next_open)) {
        Relation::States
    } else if group.iter().all(|row| is_version(row, first)) {
        Relation::Versions
    } else {
        Relation::Contradicting
    }
}

/// Whether a row is a later state of a candle: the same open, a range and a volume that have grown.
///
/// The candle of a longer interval that opens at the same time looks the same, but its close is
/// further from the next open than that of the shorter one.
fn is_later_state(before: &ParsedRow, after: &ParsedRow, next_open: Option<f64>) -> bool {
    let (a, b) = (before.values, after.values);
    let is_wider = a.open.to_bits() == b.open.to_bits() && a.high <= b.high && a.low >= b.low;
    let is_last = next_open.is_none_or(|open| (open - b.close).abs() <= (open - a.close).abs());
    is_wider && a.volume <= b.volume && is_last
}

/// Whether two rows are one candle in two versions of a file: rounded, or from a later look.
fn is_version(a: &ParsedRow, b: &ParsedRow) -> bool {
    prices(a).iter().zip(prices(b)).all(|(a, b)| (a - b).abs() <= SAME_PRICE * b)
}

fn prices(row: &ParsedRow) -> [f64; 4] {
    let Ohlcv { open, high, low, close, .. } = row.values;
    [open, high, low, close]
}
