//! Options of reading: the explicit meaning of columns, times and numbers.

use std::fmt;
use std::str::FromStr;

use windvane_candles::{Interval, Pair};

use super::encoding::TextEncoding;
use super::number::NumberStyle;

/// Explicit meaning of columns, times and numbers, for files that do not show it.
///
/// # Examples
/// ```
/// use windvane_candles::Pair;
/// use windvane_readers::{ReadOptions, TimeMeaning};
///
/// let text = "\
/// moment,erster,hoch,tief,letzter
/// 2024-01-31 06:00,10,12,9.5,11
/// 2024-01-31 07:00,11,13,11,12.5
/// ";
/// let options = ReadOptions::new(Pair::new("BTCUSDT")?)
///     .columns("time=moment,open=erster,high=hoch,low=tief,close=letzter,volume=none".parse()?)
///     .time(TimeMeaning::Close);
/// let read = options.read_bytes(text.as_bytes().to_vec(), "hours.csv")?;
/// assert_eq!(read.series.candles()[0].open_time(), "2024-01-31 05:00".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReadOptions {
    pub(crate) pair: Pair,
    pub(crate) columns: ColumnMap,
    pub(crate) time: Option<TimeMeaning>,
    pub(crate) zone: Option<String>,
    pub(crate) interval: Option<Interval>,
    pub(crate) number_style: Option<NumberStyle>,
    pub(crate) day_first: Option<bool>,
    pub(crate) encoding: Option<TextEncoding>,
    pub(crate) select: Vec<(String, String)>,
    /// Keys of the folders that a file lies in, which its columns must not contradict.
    pub(crate) partition: Vec<(String, String)>,
}

/// Meaning of the time of a row.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum TimeMeaning {
    /// The candle opens at this time.
    Open,
    /// The candle closes at this time.
    Close,
}

impl ReadOptions {
    /// Options that take everything from the file.
    pub fn new(pair: Pair) -> Self {
        Self {
            pair,
            columns: ColumnMap::default(),
            time: None,
            zone: None,
            interval: None,
            number_style: None,
            day_first: None,
            encoding: None,
            select: vec![],
            partition: vec![],
        }
    }

    /// Sets the columns; roles that are not mapped are found by their names.
    #[must_use]
    pub fn columns(mut self, columns: ColumnMap) -> Self {
        self.columns = columns;
        self
    }

    /// Sets whether times are those of the open or of the close.
    #[must_use]
    pub fn time(mut self, meaning: TimeMeaning) -> Self {
        self.time = Some(meaning);
        self
    }

    /// Sets the time zone of times that have none: `Asia/Tokyo`, `EST` or `UTC+8`.
    #[must_use]
    pub fn zone(mut self, zone: impl Into<String>) -> Self {
        self.zone = Some(zone.into());
        self
    }

    /// Sets the interval with its grid, such as `1h+30m` or `4h@session`; files of another one are
    /// refused.
    #[must_use]
    pub fn interval(mut self, interval: Interval) -> Self {
        self.interval = Some(interval);
        self
    }

    /// Sets the decimal sign.
    #[must_use]
    pub fn number_style(mut self, style: NumberStyle) -> Self {
        self.number_style = Some(style);
        self
    }

    /// Sets the order of dates such as `03/04/2024`.
    #[must_use]
    pub fn day_first(mut self, day_first: bool) -> Self {
        self.day_first = Some(day_first);
        self
    }

    /// Sets the encoding of a text file; otherwise it is UTF-8, or UTF-16 where the first bytes show it.
    #[must_use]
    pub fn encoding(mut self, encoding: TextEncoding) -> Self {
        self.encoding = Some(encoding);
        self
    }

    /// Keeps only the rows with this value in this column. Several selections must all hold.
    #[must_use]
    pub fn select(mut self, column: impl Into<String>, value: impl Into<String>) -> Self {
        self.select.push((column.into(), value.into()));
        self
    }
}

/// Role of a column.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    Time,
    Clock,
    Open,
    High,
    Low,
    Close,
    Volume,
    Finished,
    Ignore,
}

impl Role {
    pub(crate) const PRICES: [Self; 4] = [Self::Open, Self::High, Self::Low, Self::Close];
    const NAMES: [(&'static str, Self); 9] = [
        ("time", Self::Time),
        ("clock", Self::Clock),
        ("open", Self::Open),
        ("high", Self::High),
        ("low", Self::Low),
        ("close", Self::Close),
        ("volume", Self::Volume),
        ("finished", Self::Finished),
        ("ignore", Self::Ignore),
    ];

    pub(crate) fn name(self) -> &'static str {
        let found = Self::NAMES.iter().find(|(_, role)| *role == self);
        found.map_or("", |(name, _)| name)
    }
}

/// Columns by role: `time=date,open=o,high=h,low=l,close=c,volume=none`.
///
/// Roles are `time`, `clock` (the time of day, if `time` is a date), `open`, `high`, `low`,
/// `close`, `volume` (or `none`), `finished` (a flag of finished candles) and, any number of times,
/// `ignore`. A column is given by its name, or by its number from 1 on.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ColumnMap(Vec<(Role, String)>);

impl ColumnMap {
    /// The column of a role as it was given.
    pub(crate) fn get(&self, role: Role) -> Option<&str> {
        self.all(role).next()
    }

    pub(crate) fn all(&self, role: Role) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(own, _)| *own == role).map(|(_, name)| name.as_str())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Error of an option that cannot be understood.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{text:?}: expected {expected}")]
pub struct OptionError {
    text: String,
    expected: &'static str,
}

impl OptionError {
    pub(crate) fn new(text: &str, expected: &'static str) -> Self {
        Self { text: text.to_owned(), expected }
    }
}

impl FromStr for ColumnMap {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        const FORM: &str = "role=column pairs with commas between them; the roles are time, clock, \
            open, high, low, close, volume, finished and ignore, each but the last at most once";
        let mut all: Vec<(Role, String)> = vec![];
        for part in text.split(',') {
            let (role, column) =
                part.split_once('=').ok_or_else(|| OptionError::new(part, FORM))?;
            let role = Role::NAMES.iter().find(|(name, _)| *name == role.trim());
            let (_, role) = role.ok_or_else(|| OptionError::new(part, FORM))?;
            if *role != Role::Ignore && all.iter().any(|(own, _)| own == role) {
                return Err(OptionError::new(part, FORM));
            }
            all.push((*role, column.trim().to_owned()));
        }
        Ok(Self(all))
    }
}

/// The form that [`FromStr`] reads.
impl fmt::Display for ColumnMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (role, column)) in self.0.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            write!(f, "{comma}{}={column}", role.name())?;
        }
        Ok(())
    }
}

impl FromStr for TimeMeaning {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        match text {
            "open" => Ok(Self::Open),
            "close" => Ok(Self::Close),
            _ => Err(OptionError::new(text, "open or close")),
        }
    }
}

impl FromStr for NumberStyle {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        match text {
            "." => Ok(Self::Point),
            "," => Ok(Self::Comma),
            _ => Err(OptionError::new(text, "the decimal sign, a point or a comma")),
        }
    }
}
