//! Columns of a table by their role: by the options, by a known format, or by plain names.

use super::encoding::has_stand_ins;
use super::error::{ReadError, excerpt};
use super::formats::{NAMED, NamedFormat, Stamps};
use super::names::{CLOSE_TIME, FINISHED, Names, PriceGroup, VOLUME};
use super::note::{NoteKind, ReadLog};
use super::number::{NumberStyle, is_missing};
use super::options::{ReadOptions, Role, TimeMeaning};
use super::table::{HeadRow, Table};
use super::time::{Stamp, pad_clock, parse, parse_serial, parse_two};
use super::time_column::{TimeColumn, TimeSearch};
use super::zone::{self, Zone};

/// Rows that must agree before a column is taken for the money paid for the volume.
const MIN_MONEY_ROWS: usize = 10;

/// Parts of names that may be those of a volume.
const MAYBE_VOLUME: [&str; 8] =
    ["vol", "qty", "quanti", "amount", "share", "turnover", "contracts", "traded"];

/// Positions of a candle's values in a row.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Columns {
    /// The line of the last row of the header; rows up to it are no candles.
    pub(crate) header: Option<u64>,
    pub(crate) names: Names,
    pub(crate) time: TimeColumn,
    /// Zone of times that have none.
    pub(crate) zone: Option<Zone>,
    /// Open, high, low and close.
    pub(crate) prices: [usize; 4],
    /// Exponent of fixed decimals, to be appended to the digits of a price.
    pub(crate) exponent: &'static str,
    pub(crate) volume: Option<usize>,
    /// A column that says whether the candle is finished.
    pub(crate) finished: Option<usize>,
    pub(crate) close_time: Option<usize>,
    /// Columns that tell no series apart.
    pub(crate) ignored: Vec<usize>,
    /// Exchange or tool that writes such files.
    pub(crate) source: &'static str,
    pub(crate) stamps_close: bool,
    /// Whether later rows replace earlier ones of the same time.
    pub(crate) is_log: bool,
    /// Whether candles are there twice, with prices that differ by rounding.
    pub(crate) has_versions: bool,
    /// Name of the series in a table with several groups of prices.
    pub(crate) group: Option<String>,
}

impl Columns {
    /// Cells of a row.
    pub(crate) fn width(&self) -> usize {
        self.names.written.len()
    }

    /// The columns that hold a candle, or belong to it.
    pub(crate) fn has_role(&self, index: usize) -> bool {
        let own = [Some(self.time.index), self.time.clock, self.volume, self.finished];
        own.contains(&Some(index))
            || self.close_time == Some(index)
            || self.prices.contains(&index)
            || self.ignored.contains(&index)
    }

    /// The columns that a candle is read from.
    pub(crate) fn is_needed(&self, index: usize) -> bool {
        self.has_role(index) && !self.ignored.contains(&index)
    }

    /// Whether the name of a column that is used has bytes of an open encoding.
    pub(crate) fn has_stand_ins(&self) -> bool {
        let mut used = self.names.written.iter().enumerate().filter(|(i, _)| self.is_needed(*i));
        used.any(|(_, name)| has_stand_ins(name))
    }

    /// Refuses a table with a needed column of a type that is not read.
    pub(crate) fn check_types(&self, table: &Table, file: &str) -> Result<(), ReadError> {
        match table.unread.iter().find(|(index, _)| self.is_needed(*index)) {
            None => Ok(()),
            Some((index, kind)) => {
                let name = &self.names.written[*index];
                let reason = format!(
                    "column {name:?} is of type {kind}, which is not read: write it as numbers, \
                     texts or timestamps"
                );
                Err(ReadError::format(file, "columnar", reason))
            }
        }
    }

    /// The time of a row, from the cells that hold it.
    pub(crate) fn stamp<'a>(&self, cell: impl Fn(usize) -> &'a str) -> Option<Stamp> {
        let text = cell(self.time.index);
        let stamp = match self.time.clock {
            Some(clock) if self.time.digits > 0 => {
                parse_two(text, &pad_clock(cell(clock), self.time.digits))
            }
            Some(clock) => parse_two(text, cell(clock)),
            None if self.time.serial => parse_serial(text),
            None => parse(text),
        };
        match stamp? {
            Stamp::Civil(mut civil) => {
                civil.zone = civil.zone.or_else(|| self.zone.clone());
                Some(Stamp::Civil(civil))
            }
            epoch @ Stamp::Epoch { .. } => Some(epoch),
        }
    }
}

/// Whether a cell is a flag.
pub(crate) fn is_flag(cell: &str) -> bool {
    ["0", "1", "true", "false"].iter().any(|flag| cell.eq_ignore_ascii_case(flag))
}

/// Whether a flag marks a candle that is not finished.
pub(crate) fn is_unfinished(flag: &str) -> bool {
    ["0", "false", "open", "no"].iter().any(|word| flag.eq_ignore_ascii_case(word))
}

/// The search for the columns of a table with names.
pub(crate) struct Resolver<'a> {
    pub(crate) names: Names,
    /// Line of the header, if the names are those of the file.
    pub(crate) header: Option<u64>,
    pub(crate) data: &'a [HeadRow],
    pub(crate) options: &'a ReadOptions,
    pub(crate) file: &'a str,
    pub(crate) log: &'a mut ReadLog,
}

impl Resolver<'_> {
    /// Whether the names are those of a header: mapped, or with four prices.
    pub(crate) fn is_header(names: &Names, options: &ReadOptions) -> bool {
        let roles = [Role::Time].into_iter().chain(Role::PRICES);
        let mut mapped = roles.filter_map(|role| options.columns.get(role));
        mapped.any(|name| names.at(name).is_some()) || has_prices(names)
    }

    /// The columns of each series in the table; more than one only if there are several groups of
    /// prices.
    pub(crate) fn resolve(mut self) -> Result<Vec<Columns>, ReadError> {
        self.check_mapping()?;
        let format = NAMED.iter().find(|format| fits(format, &self.names));
        let groups = self.groups(format)?;
        let time = self.time(format, &groups)?;
        if time.serial {
            let text = "dates are days since 1899-12-30, as spreadsheets count them";
            self.log.file(NoteKind::Times, text);
        }
        let stamps_close = self.stamps_close(format)?;
        let zone = self.zone(format, &time)?;
        let finished = self.finished(format);
        let close_time = self.close_time(&time);
        let mut ignored: Vec<usize> = self.mapped(Role::Ignore).collect();
        if let Some(format) = format {
            let plain = self.names.plain.iter().enumerate();
            let beside = plain.filter(|(_, name)| format.beside.contains(&name.as_str()));
            ignored.extend(beside.map(|(i, _)| i));
            if !format.remark.is_empty() {
                self.log.file(NoteKind::Columns, format.remark);
            }
        }
        let exponent = self.exponent(format, &groups[0]);
        let is_only = groups.len() == 1;
        let mut all = vec![];
        for group in groups {
            let volume = self.volume(format, &group)?;
            let columns = Columns {
                header: self.header,
                names: self.names.clone(),
                time: time.clone(),
                zone: zone.clone(),
                prices: group.prices,
                exponent,
                volume,
                finished,
                close_time,
                ignored: ignored.clone(),
                source: self.source(format, &time),
                stamps_close,
                is_log: format.is_some_and(|format| format.is_log),
                has_versions: format.is_some_and(|format| format.has_versions),
                group: (!is_only).then_some(group.affix),
            };
            if self.options.columns.get(Role::Time).is_none() {
                TimeSearch::new(&columns, self.data).check(self.file)?;
            }
            all.push(columns);
        }
        Ok(all)
    }

    /// The error for columns that cannot be found: all of them with an example, and the mapping to
    /// write.
    pub(crate) fn error(&self, problem: impl Into<String>) -> ReadError {
        let columns = described(&self.names, self.data);
        let known = |role: Role| {
            let plain = match role {
                Role::Time => vec![],
                Role::Volume => self.names.all(VOLUME),
                _ => self.names.all(&[role.name()]),
            };
            let own = self.options.columns.get(role).map(str::to_owned);
            let time = self.only_times().filter(|_| role == Role::Time);
            let found = plain.first().copied().or(time).map(|i| self.names.written[i].clone());
            format!("{}={}", role.name(), own.or(found).unwrap_or_else(|| "?".to_owned()))
        };
        let roles = [Role::Time].into_iter().chain(Role::PRICES).chain([Role::Volume]);
        let mapping = roles.map(known).collect::<Vec<_>>().join(",");
        ReadError::Columns {
            file: self.file.to_owned(),
            line: self.header.unwrap_or(1),
            problem: problem.into(),
            columns,
            mapping,
        }
    }

    /// The only column that holds times, if there is one.
    fn only_times(&self) -> Option<usize> {
        let is_times = |i: &usize| {
            let mut all = cells(self.data, *i).take(100).peekable();
            all.peek().is_some() && all.all(|cell| parse(cell).is_some())
        };
        let mut times = (0..self.names.written.len()).filter(is_times);
        times.next().filter(|_| times.next().is_none())
    }

    /// The columns that the options give for a role, those that are not there left out.
    fn mapped(&self, role: Role) -> impl Iterator<Item = usize> {
        let given = self.options.columns.all(role);
        given.filter_map(|name| column(&self.names, name))
    }

    fn check_mapping(&self) -> Result<(), ReadError> {
        let roles = [Role::Time, Role::Clock, Role::Volume, Role::Finished, Role::Ignore];
        for role in roles.into_iter().chain(Role::PRICES) {
            for name in self.options.columns.all(role) {
                let is_none = role == Role::Volume && name == "none";
                if !is_none && column(&self.names, name).is_none() {
                    let problem = format!("no column {name:?} for {}", role.name());
                    return Err(self.error(problem));
                }
            }
        }
        Ok(())
    }

    fn groups(&mut self, format: Option<&NamedFormat>) -> Result<Vec<PriceGroup>, ReadError> {
        let mut groups = self.names.groups();
        let mapped = Role::PRICES.map(|role| self.mapped(role).next());
        let of_format = format.filter(|format| !format.prices[0].is_empty());
        if mapped.iter().any(Option::is_some) {
            let mut prices = [0; 4];
            for (i, role) in Role::PRICES.into_iter().enumerate() {
                let plain = groups.first().filter(|group| group.affix.is_empty());
                let found = mapped[i].or(plain.map(|group| group.prices[i]));
                let missing = || self.error(format!("no column for {}", role.name()));
                prices[i] = found.ok_or_else(missing)?;
            }
            groups = vec![PriceGroup { affix: String::new(), prices, volume: None }];
        } else if let Some(format) = of_format {
            let found = format.prices.map(|name| self.names.find(name).unwrap_or_default());
            groups = vec![PriceGroup { affix: String::new(), prices: found, volume: None }];
        }
        let Some(first) = groups.first().cloned() else {
            let missing = Role::PRICES.iter().find(|role| self.names.at(role.name()).is_none());
            let missing = missing.map_or("the prices", |role| role.name());
            return Err(self.error(format!("no column for {missing}")));
        };
        let is_double = first.prices.iter().find(|i| {
            self.names.written.iter().filter(|name| **name == self.names.written[**i]).count() > 1
        });
        if let (Some(i), true) = (is_double, mapped.iter().any(Option::is_none)) {
            let name = &self.names.written[*i];
            return Err(self.error(format!("several columns are called {name:?}")));
        }
        if first.affix.is_empty() || groups.len() == 1 {
            self.note_prices(&groups);
            groups.truncate(1);
        }
        Ok(groups)
    }

    fn note_prices(&mut self, groups: &[PriceGroup]) {
        let names =
            |group: &PriceGroup| group.prices.map(|i| self.names.written[i].as_str()).join(", ");
        let left: Vec<String> = groups[1..].iter().map(names).collect();
        if !groups[0].affix.is_empty() {
            let used = names(&groups[0]);
            self.log.file(NoteKind::Columns, format!("prices are taken from {used}"));
        } else if !left.is_empty() {
            let (used, left) = (names(&groups[0]), left.join("; "));
            let text = format!("prices are taken from {used}; left out: {left}");
            self.log.file(NoteKind::Columns, text);
        }
        let is_adjusted = |plain: &String| plain.starts_with("adj") && plain.contains("close");
        if let Some(adjusted) = self.names.plain.iter().position(is_adjusted)
            && left.is_empty()
        {
            let name = &self.names.written[adjusted];
            let text = format!("column {name:?} left out: prices are the unadjusted ones");
            self.log.file(NoteKind::Columns, text);
        }
    }

    fn time(
        &self,
        format: Option<&NamedFormat>,
        groups: &[PriceGroup],
    ) -> Result<TimeColumn, ReadError> {
        let taken: Vec<usize> = groups.iter().flat_map(|group| group.prices).collect();
        let clock = self.mapped(Role::Clock).next();
        let of_format = format.and_then(|format| self.names.find(format.time));
        let given = self.mapped(Role::Time).next();
        TimeColumn::find(&self.names, self.data, &taken, given.or(of_format), clock).map_err(
            |problem| match problem.zone {
                Some((line, zone)) => unknown_zone(self.file, line, &zone),
                None => self.error(problem.text),
            },
        )
    }

    /// Whether times are those of the close.
    fn stamps_close(&self, format: Option<&NamedFormat>) -> Result<bool, ReadError> {
        let stamps = format.map_or(Stamps::Open, |format| format.stamps);
        stamps_close(stamps, format.map_or("", |format| format.name), self.options, self.file)
    }

    fn zone(
        &self,
        format: Option<&NamedFormat>,
        time: &TimeColumn,
    ) -> Result<Option<Zone>, ReadError> {
        if let Some(zone) = given_zone(self.options, self.file)? {
            return Ok(Some(zone));
        }
        let name = &self.names.written[time.index];
        if let Some(zone) = zone::of_header(name) {
            let line = self.header.unwrap_or(1);
            return Zone::named(zone).map(Some).ok_or_else(|| unknown_zone(self.file, line, zone));
        }
        let is_utc = self.names.plain[time.index].ends_with("utc");
        let of_format = format.and_then(|format| Zone::named(format.zone));
        Ok(is_utc.then_some(Zone::Offset(0)).or(of_format))
    }

    fn finished(&self, format: Option<&NamedFormat>) -> Option<usize> {
        let of_format = format.and_then(|format| self.names.find(format.finished));
        let plain = || {
            let flags = self.names.all(FINISHED).into_iter();
            let is_flags =
                |i: &usize| cells(self.data, *i).all(|cell| is_flag(cell) || is_missing(cell));
            flags.into_iter().find(is_flags)
        };
        self.mapped(Role::Finished).next().or(of_format).or_else(plain)
    }

    fn close_time(&self, time: &TimeColumn) -> Option<usize> {
        let capital = || {
            let is_t = self.names.written[time.index] == "t";
            self.names.written.iter().position(|name| is_t && name == "T")
        };
        let named = self.names.all(CLOSE_TIME).first().copied();
        named.or_else(capital).filter(|i| *i != time.index)
    }

    /// Databento writes prices as whole numbers of 1e-9, or as decimals.
    fn exponent(&mut self, format: Option<&NamedFormat>, group: &PriceGroup) -> &'static str {
        let first = cells(self.data, group.prices[0]).next();
        let is_whole = first.is_some_and(|cell| cell.bytes().all(|b| b.is_ascii_digit()));
        if format.is_none_or(|format| format.name != "Databento") || !is_whole {
            return "";
        }
        self.log.file(NoteKind::Numbers, "prices are whole numbers of 1e-9");
        "e-9"
    }

    fn volume(
        &mut self,
        format: Option<&NamedFormat>,
        group: &PriceGroup,
    ) -> Result<Option<usize>, ReadError> {
        let given = self.options.columns.get(Role::Volume);
        if given.is_some_and(|name| name != "none") {
            return Ok(self.mapped(Role::Volume).next());
        }
        let of_format = format.and_then(|format| self.names.find(format.volume));
        let named = self.names.all(VOLUME);
        let exact = named.iter().filter(|i| VOLUME[..3].contains(&self.names.plain[**i].as_str()));
        let exact: Vec<usize> = exact.copied().collect();
        let found = of_format.or(group.volume).or(match (&exact[..], &named[..]) {
            // `v` beside `V`: the one written as the prices are.
            ([_, ..], _) if self.names.at("v").is_some() && exact.len() == 2 => self.names.at("v"),
            ([one], _) | ([], [one]) => Some(*one),
            _ => None,
        });
        if given.is_none() && found.is_none() {
            let other = (0..self.names.plain.len()).find(|i| {
                let name = &self.names.plain[*i];
                MAYBE_VOLUME.iter().any(|word| name.contains(word))
                    && cells(self.data, *i).any(|cell| NumberStyle::Point.parse(cell).is_some())
            });
            if let Some(other) = other {
                let name = &self.names.written[other];
                let problem = format!("the volume is not certain: {name:?} may be it, or none");
                return Err(self.error(problem));
            }
        }
        if given.is_some() || found.is_none() {
            self.log.file(NoteKind::Volume, "no volume in this file: it is 0 everywhere");
            return Ok(None);
        }
        self.check_money(found, of_format.is_some(), &group.prices)?;
        Ok(found)
    }

    /// Refuses a volume that is the money paid: divided by another column it is a price of the
    /// candle in nearly all rows.
    fn check_money(
        &mut self,
        volume: Option<usize>,
        is_certain: bool,
        prices: &[usize; 4],
    ) -> Result<(), ReadError> {
        let Some(volume) = volume else { return Ok(()) };
        let mut left: Vec<String> = vec![];
        for other in 0..self.names.written.len() {
            let is_other = other != volume && !prices.contains(&other);
            if is_other && !is_certain && pays(self.data, prices, other, volume) {
                let (own, other) = (&self.names.written[volume], &self.names.written[other]);
                return Err(self.error(format!(
                    "the volume is not certain: {own:?} is {other:?} times the price, so it may \
                     be money"
                )));
            }
            let name = &self.names.plain[other];
            if is_other && name.contains("vol") && !name.contains("taker") {
                left.push(format!("{:?}", self.names.written[other]));
            }
        }
        if !left.is_empty() {
            let (own, left) = (&self.names.written[volume], left.join(" or "));
            self.log.file(NoteKind::Volume, format!("volume is {own:?}, not {left}"));
        }
        Ok(())
    }

    fn source(&self, format: Option<&NamedFormat>, time: &TimeColumn) -> &'static str {
        let first = cells(self.data, time.index).next().unwrap_or_default();
        match format {
            Some(format) => format.name,
            // Of Dukascopy's exports one has no name of its own: `31.01.2024 22:00:00.000`.
            None if first.len() == 23 && first.as_bytes()[2] == b'.' => "Dukascopy",
            None if !self.options.columns.is_empty() => "columns of the options",
            None if self.names.written.iter().any(|name| name == "o") => "short names",
            None if time.clock.is_some() => "date and time columns",
            None => "named columns",
        }
    }
}

/// Whether some names hold those of four prices.
pub(crate) fn has_prices(names: &Names) -> bool {
    !names.groups().is_empty() || fits_named(names)
}

/// Whether some names are those of a known format.
pub(crate) fn fits_named(names: &Names) -> bool {
    NAMED.iter().any(|format| fits(format, names))
}

/// Whether a table has all names of a format.
fn fits(format: &NamedFormat, names: &Names) -> bool {
    let found = |pattern: &str| pattern.is_empty() || names.find(pattern).is_some();
    let own = format.prices.iter().all(|name| found(name));
    let plain = || names.groups().first().is_some_and(|group| group.affix.is_empty());
    let volume = format.volume.ends_with('|') || found(format.volume);
    format.matches(&names.plain)
        && found(format.time)
        && volume
        && own
        && (!format.prices[0].is_empty() || plain())
}

/// The column that the user means: its name as it is written, as a plain name, or its number.
pub(crate) fn column(names: &Names, given: &str) -> Option<usize> {
    let exact = names.written.iter().position(|name| name == given);
    let number = || given.parse::<usize>().ok()?.checked_sub(1);
    exact
        .or_else(|| names.at(&given.to_lowercase()))
        .or_else(|| number().filter(|index| *index < names.written.len()))
}

/// Whether times are those of the close, by the options or by the format.
pub(crate) fn stamps_close(
    stamps: Stamps,
    name: &str,
    options: &ReadOptions,
    file: &str,
) -> Result<bool, ReadError> {
    match (options.time, stamps) {
        (Some(meaning), _) => Ok(meaning == TimeMeaning::Close),
        (None, Stamps::Open) => Ok(false),
        (None, Stamps::Close) => Ok(true),
        (None, Stamps::Either) => {
            let reason = format!(
                "the times of {name} may be those of the open or of the close of a candle: write \
                 --time open or --time close (ReadOptions::time)"
            );
            Err(ReadError::ambiguous(file, reason))
        }
    }
}

/// The zone of the options.
pub(crate) fn given_zone(options: &ReadOptions, file: &str) -> Result<Option<Zone>, ReadError> {
    let Some(name) = &options.zone else { return Ok(None) };
    let zone = Zone::named(name).ok_or_else(|| {
        let name = excerpt(name);
        let reason = format!("no time zone {name:?}: write one such as Asia/Tokyo, EST or UTC+8");
        ReadError::ambiguous(file, reason)
    })?;
    Ok(Some(zone))
}

fn unknown_zone(file: &str, line: u64, zone: &str) -> ReadError {
    let zone = excerpt(zone);
    let reason = format!("time zone {zone:?} is not known or not the only one of this name");
    ReadError::row(file, line, reason)
}

/// The cells of a column in the first rows.
pub(crate) fn cells(data: &[HeadRow], index: usize) -> impl Iterator<Item = &str> {
    data.iter().filter_map(move |(_, row)| row.get(index).map(String::as_str))
}

/// Names of columns, each with its number and an example.
pub(crate) fn described(names: &Names, data: &[HeadRow]) -> String {
    const MAX_LISTED: usize = 20;
    let one = |(i, name): (usize, &String)| {
        let example = cells(data, i).find(|cell| !is_missing(cell)).unwrap_or_default();
        format!("{} {:?} ({})", i + 1, excerpt(name), excerpt(example))
    };
    let listed: Vec<String> = names.written.iter().enumerate().take(MAX_LISTED).map(one).collect();
    listed.join(", ")
}

/// Whether one column divided by another is a price of nearly every candle.
pub(crate) fn pays(data: &[HeadRow], prices: &[usize; 4], base: usize, money: usize) -> bool {
    let number = |row: &[String], index: usize| {
        let cell = row.get(index)?;
        let value = NumberStyle::Point.parse(cell).or_else(|| NumberStyle::Comma.parse(cell));
        value.filter(|value| *value > 0.0)
    };
    let (mut all, mut good, mut apart) = (0, 0, 0);
    for (_, row) in data {
        let values = [base, money, prices[1], prices[2]].map(|index| number(row, index));
        let [Some(base), Some(money), Some(high), Some(low)] = values else { continue };
        all += 1;
        // Money and amounts are rounded.
        good += usize::from((low * 0.999..=high * 1.001).contains(&(money / base)));
        // Near a price of 1 each would be the other's money, and a price the money for one.
        apart += usize::from((base - 1.0).abs() > 1e-9 && !(0.8..1.25).contains(&high));
    }
    all >= MIN_MONEY_ROWS && good * 100 >= all * 95 && apart * 2 > all
}
