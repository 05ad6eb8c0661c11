//! The read log: notes on all that was done to a file.

use std::fmt;

use windvane_candles::Timestamp;

/// One thing that was recognised, dropped, re-ordered or repaired.
///
/// Its text is a sentence for people; the other fields are the same facts for a program.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Note {
    /// Subject of the note.
    pub kind: NoteKind,
    /// Number of rows it concerns; 0 if it concerns the file as a whole.
    pub rows: u64,
    /// The first of these rows: the line of a text, or the row of a JSON, Arrow or Parquet file,
    /// counted from 1.
    pub line: Option<u64>,
    /// The open time in that row, where it could be read.
    pub time: Option<Timestamp>,
    /// The note as a sentence, counts and first place included.
    pub text: String,
}

/// Text of the note.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// Subject of a [`Note`].
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum NoteKind {
    /// The file was taken out of a zip or gzip archive.
    Unpacked,
    /// The text was not plain UTF-8.
    Encoding,
    /// Lines beside the candles were skipped: comments, banners, further headers.
    SkippedLines,
    /// The columns had to be found by their numbers, or one was left out.
    Columns,
    /// One of several volumes was taken, or there is none.
    Volume,
    /// Numbers are written with commas, currency signs or abbreviations.
    Numbers,
    /// Times needed an interpretation.
    Times,
    /// Rows stood in another order than that of time.
    Order,
    /// Rows that repeat another one, or are an earlier state of it, were left out.
    Repeated,
    /// Of two versions of a candle, with prices that differ by at most a thousandth, the one
    /// further up in the file was kept.
    Versions,
    /// Open or close lay outside of low and high by rounding: the high or the low was widened.
    Rounding,
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

    /// A note about the file as a whole.
    pub(crate) fn file(&mut self, kind: NoteKind, text: impl Into<String>) {
        self.notes.push(file_note(kind, text));
    }

    /// A note about rows, unless there are none; the text follows the count.
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

/// A note about a file as a whole.
pub(crate) fn file_note(kind: NoteKind, text: impl Into<String>) -> Note {
    Note { kind, rows: 0, line: None, time: None, text: text.into() }
}

/// Rows of one kind: how many, the first, and why that one.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) rows: u64,
    /// Line and open time.
    pub(crate) first: Option<(u64, Option<Timestamp>)>,
    pub(crate) reason: Option<String>,
}

impl Tally {
    pub(crate) fn add(&mut self, line: u64, time: Option<i64>) {
        self.rows += 1;
        self.first.get_or_insert((line, time.map(Timestamp::from_millis)));
    }

    /// Adds a row; the reason is asked for the first one only.
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
