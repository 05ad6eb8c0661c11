//! Text with a row per line.

use std::borrow::Cow;

use super::RowGroups;
use super::encoding::{DecodedText, open_encoding};
use super::error::ReadError;
use super::note::{Note, NoteKind, file_note};

/// Rows and bytes that are looked at to recognise a dialect.
const HEAD_ROWS: usize = 1000;
const HEAD_BYTES: usize = 1 << 20;
/// Cells of a row that are looked at: wider tables are no candles.
pub(crate) const MAX_CELLS: usize = 64;
/// Fewer cells than a time and four prices are no row.
pub(crate) const MIN_CELLS: usize = 5;

/// A text divided into rows and cells.
#[derive(Debug)]
pub(crate) struct Table {
    /// All rows, or those of the first row group.
    text: String,
    /// Row groups after the first one, which become text one by one.
    pub(crate) later: Option<RowGroups>,
    /// Whether the encoding is open: no cell with bytes above 127 may be used.
    pub(crate) is_open: bool,
    pub(crate) delimiter: u8,
    /// Name of a row in messages: "line", or "row" where the text was made from another format.
    pub(crate) unit: &'static str,
    /// Lines before the first row that the original did not have.
    pub(crate) added: u64,
    /// The comment line nearest to the data: it may hold the names of the columns.
    pub(crate) comment: Option<String>,
    pub(crate) answer: Answer,
    /// Columns whose cells cannot be read, and their type.
    pub(crate) unread: Vec<(usize, String)>,
}

/// Times in the answer of an exchange that bound its finished candles, in milliseconds since 1970.
#[derive(Copy, Clone, Default, Debug)]
pub(crate) struct Answer {
    /// Whether the file is JSON, as all answers are.
    pub(crate) is_json: bool,
    /// Time at which it was written.
    pub(crate) written: Option<i64>,
    /// Open time of the last finished candle.
    pub(crate) last_finished: Option<i64>,
}

/// Sign between the cells of a table that came from another format.
pub(crate) const CELL_END: char = '\u{1f}';

/// A row of the head: its line and its cells.
pub(crate) type HeadRow = (u64, Vec<String>);

impl Table {
    /// The table in a text file.
    pub(crate) fn of_text(decoded: DecodedText, notes: &mut Vec<Note>) -> Self {
        let DecodedText { mut text, is_open } = decoded;
        if !text.contains('\n') && text.contains('\r') {
            text = text.replace('\r', "\n");
        }
        let mut comment = None;
        if text.starts_with('#') || text.contains("\n#") {
            let comments = text.lines().filter(|line| line.starts_with('#'));
            let note = format!("{} comment lines skipped", comments.clone().count());
            notes.push(file_note(NoteKind::SkippedLines, note));
            let last = comments.rev().find(|line| line.trim().len() > 1);
            comment = last.map(|line| line.trim_start_matches('#').to_owned());
        }
        let delimiter = sniff(&text);
        Self { is_open, delimiter, comment, unit: "line", ..Self::of_rows(text, 0) }
    }

    /// The table of rows that came from another format, with [`CELL_END`] between cells.
    pub(crate) fn of_rows(text: String, added: u64) -> Self {
        Self {
            text,
            later: None,
            is_open: false,
            delimiter: CELL_END as u8,
            unit: "row",
            added,
            comment: None,
            answer: Answer::default(),
            unread: vec![],
        }
    }

    /// Calls `visit` with the line and the cells of each row that is neither blank nor a comment,
    /// until it returns `false`.
    pub(crate) fn each_row(
        &self,
        file: &str,
        mut visit: impl FnMut(u64, &Row<'_>) -> Result<bool, ReadError>,
    ) -> Result<(), ReadError> {
        let mut rows = self.rows_of(&self.text, 0);
        while let Some((line, row)) = rows.next(file)? {
            if !visit(line, row)? {
                return Ok(());
            }
        }
        let mut lines = rows.line;
        for group in self.later.iter().flat_map(RowGroups::texts) {
            let text = group?;
            let mut rows = self.rows_of(&text, lines);
            while let Some((line, row)) = rows.next(file)? {
                if !visit(line, row)? {
                    return Ok(());
                }
            }
            lines = rows.line;
        }
        Ok(())
    }

    fn rows_of<'a>(&'a self, text: &'a str, line: u64) -> TableRows<'a> {
        TableRows { table: self, text, at: 0, line, row: Row::default() }
    }

    /// Whether the last line has no line end.
    pub(crate) fn is_end_open(&self) -> bool {
        self.unit == "line" && !self.text.ends_with('\n')
    }

    /// The error for a text whose encoding must be known.
    pub(crate) fn open_encoding(&self, file: &str) -> ReadError {
        open_encoding(file, &self.text)
    }

    /// The first rows with their cells.
    pub(crate) fn head(&self, file: &str) -> Result<Vec<HeadRow>, ReadError> {
        let (mut head, mut bytes) = (vec![], 0);
        self.each_row(file, |line, row| {
            bytes += row.line.len();
            let cells = (0..row.len().min(MAX_CELLS)).map(|i| row.cell(i).to_owned());
            head.push((line, cells.collect()));
            Ok(head.len() < HEAD_ROWS && bytes < HEAD_BYTES)
        })?;
        Ok(head)
    }

    /// Number of rows after the header.
    pub(crate) fn rows_below(&self, header: Option<u64>, file: &str) -> Result<u64, ReadError> {
        let mut count = 0;
        self.each_row(file, |line, _| {
            count += u64::from(header.is_none_or(|header| line > header));
            Ok(true)
        })?;
        Ok(count)
    }

    /// The first line that is not blank.
    pub(crate) fn start(&self) -> String {
        let line = self.text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        line.replace(CELL_END, ", ")
    }

    /// The cells of a line that is not part of the rows.
    pub(crate) fn split(&self, line: &str) -> Vec<String> {
        let cells = line.split(char::from(self.delimiter));
        cells.map(|cell| cell.trim().trim_matches('"').to_owned()).collect()
    }
}

/// Goes through the rows of a text of a table.
struct TableRows<'a> {
    table: &'a Table,
    text: &'a str,
    /// Start of the next line in the text.
    at: usize,
    /// Number of lines before it.
    line: u64,
    row: Row<'a>,
}

impl<'a> TableRows<'a> {
    /// The next row that is not blank, and its line.
    fn next(&mut self, file: &str) -> Result<Option<(u64, &Row<'a>)>, ReadError> {
        let (Table { delimiter, unit, added, .. }, text) = (self.table, self.text);
        while self.at < text.len() {
            let start = self.at;
            let has_quotes = self.row.split(&text[start..], *delimiter);
            self.at = start + self.row.line.len() + 1;
            self.line += 1;
            let line = self.line.saturating_sub(*added);
            let is_text = *unit == "line";
            if is_text && self.row.line.starts_with('#') {
                continue;
            }
            self.row.is_open = is_text && has_quotes && !self.row.unquote(*delimiter);
            if self.row.is_open && self.at <= text.len() {
                return Err(ReadError::row(file, line, "a quote that is not closed on its line"));
            }
            let is_blank = |byte: u8| {
                byte.is_ascii_whitespace() || byte == *delimiter || (is_text && byte == b'"')
            };
            // A last line with an open quote alone is one that was cut.
            if self.row.is_open || !self.row.line.bytes().all(is_blank) {
                return Ok(Some((line, &self.row)));
            }
        }
        Ok(None)
    }
}

/// A line divided into cells.
#[derive(Default, Debug)]
pub(crate) struct Row<'a> {
    line: &'a str,
    /// Cells without blanks and quotes around them; owned if they held two quotes for one.
    cells: Vec<Cow<'a, str>>,
    /// Whether its last quote is not closed: the line is the last one, and was cut.
    pub(crate) is_open: bool,
}

impl<'a> Row<'a> {
    /// Takes the first line of a text and divides it at the delimiters, eight bytes at a time; returns
    /// whether it has quotes.
    fn split(&mut self, text: &'a str, delimiter: u8) -> bool {
        self.cells.clear();
        let (bytes, mut start, mut has_quotes) = (text.as_bytes(), 0, false);
        for first in (0..bytes.len()).step_by(8) {
            let word = match bytes[first..].first_chunk() {
                Some(chunk) => u64::from_le_bytes(*chunk),
                None => {
                    bytes[first..].iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
                }
            };
            let (ends, quotes) = (positions(word, b'\n'), positions(word, b'"'));
            let in_line = (ends & ends.wrapping_neg()).wrapping_sub(1);
            has_quotes |= quotes & in_line != 0;
            let mut delimiters = positions(word, delimiter) & in_line;
            while delimiters != 0 {
                let at = first + delimiters.trailing_zeros() as usize / 8;
                self.cells.push(Cow::Borrowed(bare(&text[start..at])));
                start = at + 1;
                delimiters &= delimiters - 1;
            }
            if ends != 0 {
                let end = first + ends.trailing_zeros() as usize / 8;
                self.line = &text[..end];
                self.cells.push(Cow::Borrowed(bare(&text[start..end])));
                return has_quotes;
            }
        }
        self.line = text;
        self.cells.push(Cow::Borrowed(bare(&text[start..])));
        has_quotes
    }

    /// Divides the line again, with quotes around cells taken off; returns whether all are closed.
    fn unquote(&mut self, delimiter: u8) -> bool {
        self.cells.clear();
        let (mut cell, mut is_quoted, mut is_start) = (String::new(), false, true);
        let mut signs = self.line.chars().peekable();
        while let Some(sign) = signs.next() {
            if is_quoted && sign == '"' {
                // Two quotes stand for one.
                is_quoted = signs.next_if_eq(&'"').is_some();
                cell.extend(is_quoted.then_some('"'));
            } else if !is_quoted && sign == char::from(delimiter) {
                self.cells.push(Cow::Owned(bare(&cell).to_owned()));
                cell.clear();
                is_start = true;
                continue;
            } else if sign == '"' && is_start {
                is_quoted = true;
            } else {
                cell.push(sign);
            }
            is_start = false;
        }
        self.cells.push(Cow::Owned(bare(&cell).to_owned()));
        !is_quoted
    }

    /// Number of cells.
    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    /// A cell without blanks and quotes around it; empty past the end.
    pub(crate) fn cell(&self, index: usize) -> &str {
        self.cells.get(index).map_or("", |cell| cell)
    }
}

/// Positions of a sign in eight bytes: the highest bit of each byte that is equal to it.
fn positions(word: u64, sign: u8) -> u64 {
    const LOW: u64 = u64::from_ne_bytes([0x7f; 8]);
    let differences = word ^ u64::from_ne_bytes([sign; 8]);
    !(((differences & LOW) + LOW) | differences | LOW)
}

/// A text without blanks and quotes around it.
fn bare(text: &str) -> &str {
    let is_bare = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'');
    let bytes = text.as_bytes();
    if bytes.first().is_some_and(is_bare) && bytes.last().is_some_and(is_bare) {
        return text;
    }
    let text = text.trim();
    let quoted = |quote| text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    quoted('"').or_else(|| quoted('\'')).unwrap_or(text).trim()
}

/// A cell of another format without the signs that divide rows and cells.
pub(crate) fn clean(text: impl AsRef<str>) -> String {
    text.as_ref().replace([CELL_END, '\n', '\r'], " ")
}

/// The name of a column with two levels, which pandas writes as `('Close', 'AAPL')`.
pub(crate) fn joined_name(name: &str) -> String {
    let inner = name.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    let parts = inner.map(|inner| inner.split(", ").map(|part| part.trim_matches('\'')));
    match parts.map(Iterator::collect::<Vec<_>>).as_deref() {
        Some([price, ticker]) => format!("{ticker} {price}").trim().to_owned(),
        _ => name.to_owned(),
    }
}

/// The sign that divides most of the first lines into cells.
fn sniff(text: &str) -> u8 {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let mut counts = [(b'\t', 0), (b';', 0), (b'|', 0), (b',', 0)];
    for line in lines.take(50) {
        for (delimiter, lines) in &mut counts {
            let mut quoted = false;
            let signs = line.bytes().filter(|byte| {
                quoted ^= *byte == b'"';
                byte == delimiter && !quoted
            });
            *lines += usize::from(signs.take(MIN_CELLS - 1).count() == MIN_CELLS - 1);
        }
    }
    // The last of equal maxima would be taken: a comma may also be the decimal sign.
    let best = counts.iter().rev().max_by_key(|(_, lines)| *lines);
    best.map_or(b',', |(delimiter, lines)| if *lines == 0 { b',' } else { *delimiter })
}
