//! Files of one pair joined to one series.

use std::ops::Range;
use std::path::Path;

use windvane_candles::{Candle, CandleSeries, Timestamp};

use super::super::error::ReadError;
use super::super::note::{Note, NoteKind, file_note};
use super::super::options::ReadOptions;
use super::super::{ReadResult, bytes_of};
use super::folder::PartitionFile;
use super::key::{self, KeyKind};
use super::{PartitionedPair, is_same_name, wrong};

/// Milliseconds that candles may lie outside the period of their folder: folders may be divided by
/// the date of another time zone.
const ZONE_MS: i64 = 86_400_000;

/// Candles of one file within the list of all.
struct Part<'a> {
    file: &'a Path,
    candles: Range<usize>,
    first: Candle,
    last: Candle,
}

/// Files read so far.
struct Joined<'a> {
    pair: &'a PartitionedPair,
    candles: Vec<Candle>,
    parts: Vec<Part<'a>>,
    /// Result of the first file, without its candles.
    first: Option<ReadResult>,
    rows: u64,
    notes: Vec<Note>,
}

impl PartitionedPair {
    /// Reads the files one after the other and joins their candles in the order of time. The
    /// candles are those of one file with all rows, and one file at a time is in memory.
    ///
    /// The selection of the options holds for partition keys and for columns.
    ///
    /// # Errors
    /// As [`ReadOptions::read_file`] for the first file that is refused, and
    /// [`ReadError::Partitions`] if
    /// - candles of two files overlap or repeat each other (both files are named),
    /// - files differ in their interval or in the format of their columns,
    /// - a candle lies outside the period of its folder by more than a day,
    /// - a column contradicts the key of its folder.
    pub fn read(&self, options: &ReadOptions) -> Result<ReadResult, ReadError> {
        let mut joined = Joined {
            pair: self,
            candles: Vec::new(),
            parts: Vec::new(),
            first: None,
            rows: 0,
            notes: Vec::new(),
        };
        for file in &self.files {
            let read = self.read_one(file, options)?;
            joined.add(&file.path, read)?;
        }
        joined.finish()
    }

    fn read_one(
        &self,
        file: &PartitionFile,
        options: &ReadOptions,
    ) -> Result<ReadResult, ReadError> {
        let stated = |reason| wrong(&file.path, reason);
        let mut own = options.clone();
        own.pair = self.pair.clone();
        own.select.retain(|(name, _)| !file.keys.iter().any(|(key, _)| is_same_name(key, name)));
        own.partition.clone_from(&file.keys);
        if let Some(interval) = key::interval(&file.keys).map_err(stated)? {
            if let Some(given) = options.interval.filter(|given| *given != interval) {
                let reason = format!("the folder is of interval {interval}, expected {given}");
                return Err(stated(reason));
            }
            own.interval = Some(interval);
        }
        let period = key::period(&file.keys).map_err(stated)?;
        let (bytes, name) = bytes_of(&file.path)?;
        let read = own.read_bytes(bytes, &name)?;
        if let Some(period) = period {
            let period = period.start - ZONE_MS..period.end + ZONE_MS;
            let is_outside = |candle: &&Candle| !period.contains(&candle.open_time().millis());
            if let Some(candle) = read.series.iter().find(is_outside) {
                let times = file.keys.iter().filter(|(name, _)| KeyKind::of(name).is_time());
                let keys: Vec<String> = times.map(|(name, v)| format!("{name}={v}")).collect();
                let reason = format!(
                    "the candle of {} is not of {}; move the file, or rename its folder",
                    candle.open_time(),
                    keys.join(", ")
                );
                return Err(stated(reason));
            }
        }
        Ok(read)
    }
}

impl<'a> Joined<'a> {
    fn add(&mut self, file: &'a Path, mut read: ReadResult) -> Result<(), ReadError> {
        let candles = read.series.candles();
        let (Some(first), Some(last)) = (candles.first().copied(), candles.last().copied()) else {
            return Err(ReadError::Empty { file: file.display().to_string() });
        };
        if let (Some(other), Some(part)) = (&self.first, self.parts.first()) {
            check_alike(&read, file, other, part.file)?;
        }
        let start = self.candles.len();
        self.candles.extend_from_slice(candles);
        self.parts.push(Part { file, candles: start..self.candles.len(), first, last });
        self.rows += read.rows;
        self.add_notes(file, std::mem::take(&mut read.notes));
        if self.first.is_none() {
            let (pair, interval) = (self.pair.pair.clone(), read.series.interval());
            let series = CandleSeries::new(pair, interval, Vec::new())
                .map_err(|error| wrong(file, error.to_string()))?;
            self.first = Some(ReadResult { series, ..read });
        }
        Ok(())
    }

    /// Adds the notes of a file; a note on files as a whole is kept once.
    fn add_notes(&mut self, file: &Path, notes: Vec<Note>) {
        let name = file.strip_prefix(&self.pair.folder).unwrap_or(file).display();
        for mut note in notes {
            if note.rows > 0 {
                note.text = format!("{name}: {}", note.text);
            } else if self.notes.contains(&note) {
                continue;
            }
            self.notes.push(note);
        }
    }

    fn finish(mut self) -> Result<ReadResult, ReadError> {
        self.parts.sort_by_key(|part| part.first.open_time());
        for two in self.parts.windows(2) {
            check_order(&two[0], &two[1])?;
        }
        let Self { pair, candles, parts, first, rows, mut notes } = self;
        let Some(first) = first else { return Err(wrong(&pair.folder, "no file")) };
        let is_sorted = parts.windows(2).all(|two| two[0].candles.end == two[1].candles.start);
        let candles = if is_sorted {
            candles
        } else {
            parts.iter().flat_map(|part| &candles[part.candles.clone()]).copied().collect()
        };
        notes.extend(parts.windows(2).filter_map(|two| jump(&two[0], &two[1])));
        let key = Some(format!("{}={}", pair.key, pair.pair));
        let series = CandleSeries::new(pair.pair.clone(), first.series.interval(), candles)
            .map_err(|error| wrong(&pair.folder, format!("{}: {error}", pair.pair)))?;
        Ok(ReadResult { series, key, rows, notes, ..first })
    }
}

/// Refuses a file of another interval or format than the first one.
fn check_alike(
    read: &ReadResult,
    file: &Path,
    other: &ReadResult,
    other_file: &Path,
) -> Result<(), ReadError> {
    let (own, first) = (read.series.interval(), other.series.interval());
    if own != first {
        let reason = format!(
            "it has {own} candles, {} has {first} candles; choose one interval with --interval \
             (ReadOptions::interval), such as 4h@session for all files of a market whose clock changes",
            other_file.display()
        );
        return Err(wrong(file, reason));
    }
    let format = |read: &ReadResult| (read.format.source, read.format.container);
    if format(read) != format(other) {
        let reason = format!(
            "its format is {}, that of {} is {}; the files of one pair need one format",
            read.format,
            other_file.display(),
            other.format
        );
        return Err(wrong(file, reason));
    }
    Ok(())
}

/// Refuses files whose candles overlap.
fn check_order(earlier: &Part<'_>, later: &Part<'_>) -> Result<(), ReadError> {
    if earlier.last.open_time() < later.first.open_time() {
        return Ok(());
    }
    let period =
        |part: &Part<'_>| format!("{} to {}", part.first.open_time(), part.last.open_time());
    let reason = format!(
        "its candles of {} overlap those of {}, {}; remove one of the files, or the rows that both \
         have",
        period(later),
        earlier.file.display(),
        period(earlier)
    );
    Err(wrong(later.file, reason))
}

/// Note on a price that jumps from one file to the next, as within a file.
fn jump(earlier: &Part<'_>, later: &Part<'_>) -> Option<Note> {
    let is_jump = !(0.5..=2.0).contains(&(later.first.open() / earlier.last.close()));
    let at: Timestamp = later.first.open_time();
    is_jump.then(|| {
        let text = format!(
            "{}: the open of {at} is above twice or below half of the close before, perhaps of \
             another instrument or after a split, kept",
            later.file.display()
        );
        file_note(NoteKind::Suspect, text)
    })
}
