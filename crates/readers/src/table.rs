//! Text with a row per line.

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
    text: String,
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
    /// Whether the file may be one: JSON.
    pub(crate) is_answer: bool,
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
            let last = comments.filter(|line| line.trim().len() > 1).last();
            comment = last.map(|line| line.trim_start_matches('#').to_owned());
        }
        let delimiter = sniff(&text);
        Self { is_open, delimiter, comment, unit: "line", ..Self::of_rows(text, 0) }
    }

    /// The table of rows that came from another format, with [`CELL_END`] between cells.
    pub(crate) fn of_rows(text: String, added: u64) -> Self {
        Self {
            text,
            is_open: false,
            delimiter: CELL_END as u8,
            unit: "row",
            added,
            comment: None,
            answer: Answer::default(),
            unread: vec![],
        }
    }

    /// All rows that are no comments.
    pub(crate) fn rows(&self) -> TableRows<'_> {
        let (row, at) = (Row::default(), 0);
        TableRows { table: self, at, line: 0, row }
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
        let (mut rows, mut head, mut bytes) = (self.rows(), vec![], 0);
        while head.len() < HEAD_ROWS && bytes < HEAD_BYTES {
            let Some((line, row)) = rows.next(file)? else { break };
            bytes += row.text().len();
            let cells = (0..row.len().min(MAX_CELLS)).map(|i| row.cell(i).to_owned());
            head.push((line, cells.collect()));
        }
        Ok(head)
    }

    /// Number of rows after the header.
    pub(crate) fn rows_below(&self, header: Option<u64>, file: &str) -> Result<u64, ReadError> {
        let (mut rows, mut count) = (self.rows(), 0);
        while let Some((line, _)) = rows.next(file)? {
            count += u64::from(header.is_none_or(|header| line > header));
        }
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

/// Goes through the rows of a table.
pub(crate) struct TableRows<'a> {
    table: &'a Table,
    /// Start of the next line in the text.
    at: usize,
    /// Number of lines before it.
    line: u64,
    row: Row<'a>,
}

impl<'a> TableRows<'a> {
    /// The next row that is not blank, and its line.
    pub(crate) fn next(&mut self, file: &str) -> Result<Option<(u64, &Row<'a>)>, ReadError> {
        let Table { text, delimiter, unit, added, .. } = self.table;
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
            if is_text && has_quotes && !self.row.unquote(*delimiter) && self.at <= text.len() {
                return Err(ReadError::row(file, line, "a quote that is not closed on its line"));
            }
            let is_blank = |byte: u8| {
                byte.is_ascii_whitespace() || byte == *delimiter || (is_text && byte == b'"')
            };
            if !self.row.line.bytes().all(is_blank) {
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
    /// The line without the quotes that enclose cells.
    unquoted: String,
    is_unquoted: bool,
    /// Start and end of each cell.
    cells: Vec<(usize, usize)>,
}

impl<'a> Row<'a> {
    /// Takes the first line of a text and divides it at the delimiters; returns whether it has
    /// quotes.
    fn split(&mut self, text: &'a str, delimiter: u8) -> bool {
        self.cells.clear();
        self.is_unquoted = false;
        let (mut start, mut has_quotes, mut length) = (0, false, text.len());
        for (at, byte) in text.bytes().enumerate() {
            // Two comparisons for nearly all bytes: line ends and quotes lie below the digits.
            if byte == delimiter {
                self.cells.push((start, at));
                start = at + 1;
            } else if byte <= b'"' {
                if byte == b'\n' {
                    length = at;
                    break;
                }
                has_quotes |= byte == b'"';
            }
        }
        self.cells.push((start, length));
        self.line = &text[..length];
        has_quotes
    }

    /// Divides the line again, with quotes around cells taken off; returns whether all are closed.
    fn unquote(&mut self, delimiter: u8) -> bool {
        self.is_unquoted = true;
        self.unquoted.clear();
        self.cells.clear();
        let (mut start, mut is_quoted, mut is_start) = (0, false, true);
        let mut signs = self.line.chars().peekable();
        while let Some(sign) = signs.next() {
            let end = self.unquoted.len();
            if is_quoted && sign == '"' {
                // Two quotes stand for one.
                is_quoted = signs.next_if_eq(&'"').is_some();
                self.unquoted.extend(is_quoted.then_some('"'));
            } else if !is_quoted && sign == char::from(delimiter) {
                self.cells.push((start, end));
                (start, is_start) = (end, true);
                continue;
            } else if sign == '"' && is_start {
                is_quoted = true;
            } else {
                self.unquoted.push(sign);
            }
            is_start = false;
        }
        self.cells.push((start, self.unquoted.len()));
        !is_quoted
    }

    /// Number of cells.
    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    /// The whole line.
    pub(crate) fn text(&self) -> &str {
        if self.is_unquoted { &self.unquoted } else { self.line }
    }

    /// A cell as it stands in the line; empty past the end.
    pub(crate) fn raw_cell(&self, index: usize) -> &str {
        let Some((start, end)) = self.cells.get(index) else { return "" };
        &self.text()[*start..*end]
    }

    /// A cell without blanks and quotes around it; empty past the end.
    #[inline]
    pub(crate) fn cell(&self, index: usize) -> &str {
        let text = self.raw_cell(index);
        let is_bare = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'');
        let bytes = text.as_bytes();
        if bytes.first().is_some_and(is_bare) && bytes.last().is_some_and(is_bare) {
            return text;
        }
        bare(text)
    }
}

/// A text without blanks and quotes around it.
fn bare(text: &str) -> &str {
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
