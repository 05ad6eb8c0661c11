//! Read log: notes on everything that was recognised or repaired.

use std::fmt;

use windvane_candles::Timestamp;

/// Note on rows or a file: recognised with uncertainty, dropped, reordered or repaired.
///
/// The text is for people; the other fields contain the same facts for programs.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Note {
    /// Subject of the note.
    pub kind: NoteKind,
    /// Number of affected rows; 0 if the note is about the whole file.
    pub rows: u64,
    /// First affected row: the line of a text, or the row of a JSON, Arrow or Parquet file, counted
    /// from 1.
    pub line: Option<u64>,
    /// Open time of the first affected row, if it can be parsed.
    pub time: Option<Timestamp>,
    /// Text of the note, with the counts and the first affected row.
    pub text: String,
}

/// Writes the text.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// Subject of a [`Note`].
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum NoteKind {
    /// The file was extracted from a zip or gzip archive.
    Unpacked,
    /// The text was not plain UTF-8.
    Encoding,
    /// Lines other than candles were skipped: comments, banners, repeated headers.
    SkippedLines,
    /// The columns were recognised by their values, or a column was ignored.
    Columns,
    /// One of several volumes was chosen, or there is none.
    Volume,
    /// Numbers contain commas, currency signs or abbreviations.
    Numbers,
    /// Times were ambiguous and had to be interpreted.
    Times,
    /// Rows were not in order of time.
    Order,
    /// Duplicate rows, or earlier states of another row, were dropped.
    Repeated,
    /// Of two versions of a candle whose prices differ by at most a thousandth, the first one in
    /// the file was kept.
    Versions,
    /// Open or close lay outside of low and high by rounding: the high or the low was widened.
    Rounding,
    /// Rows of the same time that contradict each other were dropped, all of them.
    Contradicting,
    /// Rows marked as unfinished were dropped.
    Unfinished,
    /// Rows without prices were dropped.
    NoPrices,
    /// Rows that cannot be parsed were dropped.
    Unreadable,
    /// Rows whose values are not a valid candle were dropped.
    Impossible,
    /// Rows off the grid of the interval were dropped.
    OffGrid,
    /// Daily candles stamped within the day were moved to its beginning, or candles stamped at
    /// their close were moved to their open.
    Restamped,
    /// Candles that are suspicious but possible were kept unchanged.
    Suspect,
}

impl NoteKind {
    /// Returns whether candles are missing from the result for this reason.
    ///
    /// Duplicates, other versions and rows without prices are not losses.
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
#[derive(Clone, Debug)]
pub(crate) struct ReadLog {
    pub(crate) notes: Vec<Note>,
    /// Noun for `Note::line`: "line" or "row".
    unit: &'static str,
}

impl ReadLog {
    pub(crate) fn new(notes: Vec<Note>, unit: &'static str) -> Self {
        Self { notes, unit }
    }

    /// Adds a note about the whole file.
    pub(crate) fn file(&mut self, kind: NoteKind, text: impl Into<String>) {
        self.notes.push(file_note(kind, text));
    }

    /// Adds a note about rows, unless there are none; the text follows the count.
    pub(crate) fn rows(&mut self, kind: NoteKind, tally: &Tally, what: &str) {
        let Some((line, time)) = tally.first else { return };
        let (rows, unit) = (tally.rows, self.unit);
        let noun = if rows == 1 { "row" } else { "rows" };
        let at = match time {
            Some(time) => format!("{unit} {line}, {time}"),
            None => format!("{unit} {line}"),
        };
        let which = if rows == 1 { "" } else { "the first " };
        let reason = tally.reason.as_ref().map_or(String::new(), |text| format!(": {text}"));
        let text = format!("{rows} {noun} {what} ({which}{at}{reason})");
        self.notes.push(Note { kind, rows, line: Some(line), time, text });
    }
}

/// Creates a note about the whole file.
pub(crate) fn file_note(kind: NoteKind, text: impl Into<String>) -> Note {
    Note { kind, rows: 0, line: None, time: None, text: text.into() }
}

/// Number of rows of one kind, with the first of them and its reason.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) rows: u64,
    /// Line and open time of the first row.
    pub(crate) first: Option<(u64, Option<Timestamp>)>,
    pub(crate) reason: Option<String>,
}

impl Tally {
    pub(crate) fn add(&mut self, line: u64, time: Option<i64>) {
        self.rows += 1;
        self.first.get_or_insert((line, time.map(Timestamp::from_millis)));
    }

    /// Adds a row; the reason is computed only for the first one.
    pub(crate) fn add_because(
        &mut self,
        line: u64,
        time: Option<i64>,
        reason: impl FnOnce() -> String,
    ) {
        if self.first.is_none() {
            self.reason = Some(reason());
        }
        self.add(line, time);
    }
}
