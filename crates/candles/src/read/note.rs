//! What was done to a file, note by note.

use std::fmt;

use crate::Timestamp;

/// One thing that was recognised, dropped, re-ordered or repaired.
///
/// Its text is a sentence for people; `kind`, `rows` and `first` say the same to a program.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Note {
    /// What it is about.
    pub kind: NoteKind,
    /// How many rows it concerns; 0 if it concerns the file as a whole.
    pub rows: u64,
    /// The first of them.
    pub first: Option<Place>,
    /// The note as a sentence, counts and first place included.
    pub text: String,
}

/// The text.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// A row of a file.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub struct Place {
    /// The line of a text, or the row of a JSON, Arrow or Parquet file, counted from 1.
    pub line: u64,
    /// The open time in that row, where it could be read.
    pub time: Option<Timestamp>,
}

/// What a [`Note`] is about.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum NoteKind {
    /// The file was taken out of a zip or gzip archive.
    Unpacked,
    /// The text was not plain UTF-8.
    Encoding,
    /// Lines beside the candles were skipped: comments, banners, further headers.
    SkippedLines,
    /// Which column is which had to be found out, or one was left out.
    Columns,
    /// Which volume was taken, or that there is none.
    Volume,
    /// Numbers are written with commas, currency signs or abbreviations.
    Numbers,
    /// How times were understood.
    Times,
    /// Rows stood in another order than that of time.
    Order,
    /// Rows that repeat another one, or are an earlier state of it, were left out.
    Repeated,
    /// Of two versions of a candle, with prices that differ by at most a thousandth, the one
    /// further up in the file was kept.
    Versions,
    /// Rows of the same time that contradict each other were dropped, all of them.
    Contradicting,
    /// Rows that the file calls unfinished were dropped.
    Unfinished,
    /// Rows without prices were dropped.
    NoPrices,
    /// Rows that cannot be read were dropped.
    Unreadable,
    /// Rows whose numbers make no candle were dropped.
    Impossible,
    /// Rows off the grid of the interval were dropped.
    OffGrid,
    /// Daily candles stamped within the day were moved to its beginning, or candles stamped at their
    /// close to their open.
    Restamped,
    /// Candles that look wrong, but may be right, were kept as they are.
    Suspect,
}

impl NoteKind {
    /// Whether rows with candles in them are missing from the result for this reason.
    ///
    /// Repeated rows, other versions and rows without prices are not counted: nothing is lost.
    pub fn is_loss(self) -> bool {
        matches!(
            self,
            Self::Contradicting
                | Self::Unfinished
                | Self::Unreadable
                | Self::Impossible
                | Self::OffGrid
        )
    }
}

/// The notes of one file while it is read.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) notes: Vec<Note>,
    /// What `Place::line` counts: "line" or "row".
    unit: &'static str,
}

impl Ledger {
    pub(super) fn new(notes: Vec<Note>, unit: &'static str) -> Self {
        Self { notes, unit }
    }

    /// A note about the file as a whole.
    pub(super) fn file(&mut self, kind: NoteKind, text: impl Into<String>) {
        self.notes.push(file_note(kind, text));
    }

    /// A note about rows, unless there are none; the text follows the count.
    pub(super) fn rows(&mut self, kind: NoteKind, tally: &Tally, what: &str) {
        let Some(first) = tally.first else { return };
        let (rows, unit) = (tally.rows, self.unit);
        let noun = if rows == 1 { "row" } else { "rows" };
        let at = match first.time {
            Some(time) => format!("{unit} {}, {time}", first.line),
            None => format!("{unit} {}", first.line),
        };
        let which = if rows == 1 { "" } else { "the first " };
        let reason = tally.reason.as_ref().map_or(String::new(), |text| format!(": {text}"));
        let text = format!("{rows} {noun} {what} ({which}{at}{reason})");
        self.notes.push(Note { kind, rows, first: Some(first), text });
    }
}

/// A note about a file as a whole.
pub(super) fn file_note(kind: NoteKind, text: impl Into<String>) -> Note {
    Note { kind, rows: 0, first: None, text: text.into() }
}

/// Rows of one kind: how many, the first, and why that one.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) rows: u64,
    pub(super) first: Option<Place>,
    pub(super) reason: Option<String>,
}

impl Tally {
    pub(super) fn add(&mut self, line: u64, time: Option<i64>) {
        self.add_because(line, time, || None);
    }

    /// Adds a row; the reason is asked for the first one only.
    pub(super) fn add_because(
        &mut self,
        line: u64,
        time: Option<i64>,
        reason: impl FnOnce() -> Option<String>,
    ) {
        if self.first.is_none() {
            self.first = Some(Place { line, time: time.map(Timestamp::from_millis) });
            self.reason = reason();
        }
        self.rows += 1;
    }
}
