//! Recognition of the columns by the names in a header, or else by the data.
use super::by_data;
use super::columns::{Columns, is_flag};
use super::error::ReadError;
use super::error::excerpt;
use super::header::missing_column;
use super::names::{CLOCK, CLOSE_TIME, CLOSED, Names, SYMBOL, TIME};
use super::note::{NoteKind, ReadLog};
use super::table::{HeadRow, MIN_CELLS, Table};
use super::time::{Stamp, parse, parse_clock, parse_serial, unknown_zone};
use super::volume;
use super::zone::{self, Zone};

/// Number of first rows that may contain the header.
const BANNER_ROWS: usize = 50;

impl Columns {
    /// Finds the columns by the names in a header, or else by the data.
    pub(crate) fn find(
        table: &Table,
        head: &[HeadRow],
        file: &str,
        log: &mut ReadLog,
    ) -> Result<Self, ReadError> {
        for (at, (line, cells)) in head.iter().take(BANNER_ROWS).enumerate() {
            let data = &head[at + 1..];
            if by_data::is_row(cells) {
                let banner = &head[..at];
                if let Some(comment) = &table.comment {
                    let names = table.split(comment);
                    if names.len() == cells.len()
                        && let Some(found) = Self::by_names(&names, 0, &head[at..], table, log)
                    {
                        note_banner(banner, log);
                        let text = "the names of the columns were taken from a comment";
                        log.file(NoteKind::Columns, text);
                        return Ok(found);
                    }
                }
                note_banner(banner, log);
                let found = by_data::find(&head[at..], log);
                return found.ok_or_else(|| unknown(table, file));
            }
            let mut names = cells.clone();
            // Tables written by R have no name for the column of row names.
            let width = cells.len();
            let mut first = data.iter().take(20).map(|(_, row)| row);
            if !data.is_empty() && first.all(|row| row.len() == width + 1 && !row[width].is_empty())
            {
                names.insert(0, String::new());
            }
            if let Some(found) = Self::by_names(&names, *line, data, table, log) {
                note_banner(&head[..at], log);
                return match (zone::of_header(&names[found.time]), &found.zone) {
                    (Some(zone), None) => Err(unknown_zone_in(file, *line, zone)),
                    _ => Ok(found),
                };
            }
            refuse_header(&names, *line, data, file)?;
        }
        Err(unknown(table, file))
    }

    /// Returns the columns of a header, if it names four prices and a time is found.
    fn by_names(
        names: &[String],
        line: u64,
        data: &[HeadRow],
        table: &Table,
        log: &mut ReadLog,
    ) -> Option<Self> {
        let known = Names::new(names);
        let plain = &known.plain;
        let (prices, affix) = known.prices()?;
        let (time, clock, serial) = find_time(&known, &prices, data)?;
        let mut source = source_of(plain, clock.is_some());
        // One of Dukascopy's two export formats is only recognisable by its times, such as
        // `31.01.2024 22:00:00.000`.
        if plain[time] == "time"
            && first_cell(data, time).is_some_and(|c| c.len() == 23 && c.as_bytes()[2] == b'.')
        {
            source = "Dukascopy";
        }
        if !affix.is_empty() {
            let used = prices.map(|i| names[i].as_str()).join(", ");
            log.file(NoteKind::Columns, format!("prices are taken from {used}"));
        }
        if let Some(adjusted) =
            plain.iter().position(|p| p.starts_with("adj") && p.contains("close"))
        {
            let name = &names[adjusted];
            log.file(
                NoteKind::Columns,
                format!("column {name:?} left out: prices are the unadjusted ones"),
            );
        }
        let nanos = source == "Databento"
            && first_cell(data, prices[0]).is_some_and(|c| c.bytes().all(|b| b.is_ascii_digit()));
        if nanos {
            log.file(NoteKind::Numbers, "prices are whole numbers of 1e-9");
        }
        if ["NautilusTrader", "TradeStation or MultiCharts"].contains(&source) {
            let text = format!("times are taken for the open: {source} may write the close");
            log.file(NoteKind::Times, text);
        }
        if serial {
            let text = "dates are days since 1899-12-30, as spreadsheets count them";
            log.file(NoteKind::Times, text);
        }
        // In streams `s` is the symbol, elsewhere a state or a size.
        let symbol = known.any(SYMBOL).filter(|i| {
            *i != time
                && (plain[*i].len() > 1
                    || first_cell(data, *i).is_some_and(|s| s.parse::<f64>().is_err()))
        });
        // A short name may also be the name of a number.
        let closed = CLOSED.iter().filter_map(|name| known.at(name)).find(|i| {
            first_cell(data, *i)
                .is_none_or(|cell| is_flag(cell) && (plain[*i].len() > 1 || cell.len() > 1))
        });
        let close_time = known
            .any(CLOSE_TIME)
            .or_else(|| names.iter().position(|name| name == "T" && names[time] == "t"));
        let comma = table.delimiter == b',';
        let volume = volume::find(names, &known, &prices, symbol, data, comma, log);
        Some(Self {
            header: Some(line),
            width: names.len(),
            time,
            clock,
            serial,
            zone: zone::of_header(&names[time])
                .and_then(Zone::named)
                .or_else(|| plain[time].ends_with("utc").then_some(Zone::Offset(0))),
            prices,
            exponent: if nanos { "e-9" } else { "" },
            volume,
            symbol,
            closed,
            close_time,
            source,
        })
    }
}

/// Returns a cell of the first row.
fn first_cell(data: &[HeadRow], index: usize) -> Option<&str> {
    data.first()?.1.get(index).map(String::as_str)
}

/// Returns an error for a header with some of the prices but without all required columns.
fn refuse_header(
    names: &[String],
    line: u64,
    data: &[HeadRow],
    file: &str,
) -> Result<(), ReadError> {
    let known = Names::new(names);
    let prices = ["open", "high", "low", "close"];
    let all = known.prices().is_some();
    let missing = prices.iter().find(|name| !all && known.at(name).is_none());
    if !all && prices.iter().filter(|name| known.at(name).is_some()).count() < 2 {
        return Ok(());
    }
    // There is a time, but its time zone is unknown.
    let zone = TIME.iter().filter_map(|name| known.at(name)).find_map(|i| {
        let (line, cells) = data.first()?;
        Some((*line, unknown_zone(cells.get(i)?)?))
    });
    if let (None, Some((line, zone))) = (missing, zone) {
        return Err(unknown_zone_in(file, line, zone));
    }
    Err(missing_column(missing.copied().unwrap_or("the open time"), names, file, line))
}

fn unknown_zone_in(file: &str, line: u64, zone: &str) -> ReadError {
    let zone = excerpt(zone);
    let reason = format!("time zone {zone:?} is not known or not the only one of this name");
    ReadError::row(file, line, reason)
}

fn unknown(table: &Table, file: &str) -> ReadError {
    ReadError::Unknown { file: file.to_owned(), start: excerpt(table.start()) }
}

fn note_banner(banner: &[HeadRow], log: &mut ReadLog) {
    if let Some((_, cells)) = banner.first() {
        let text = excerpt(&cells.join(" "));
        let noun = if banner.len() == 1 { "line" } else { "lines" };
        let text = format!("{} {noun} above the table skipped: {text:?}", banner.len());
        log.file(NoteKind::SkippedLines, text);
    }
}

/// Returns the column of the time, the column of the clock if the time is only a date, and whether
/// the times are day numbers of a spreadsheet.
fn find_time(
    names: &Names,
    prices: &[usize; 4],
    data: &[HeadRow],
) -> Option<(usize, Option<usize>, bool)> {
    let search = TimeSearch::new(names, prices, data);
    let in_brackets =
        (0..names.plain.len()).filter(|i| zone::of_header(names.written(*i)).is_some());
    let mut candidates = search.named().chain(in_brackets);
    if search.rows.is_empty() {
        return Some((candidates.next()?, None, false));
    }
    let found = candidates
        .find(|i| search.is_time(*i))
        .or_else(|| (search.is_time(0) && !search.names_close(0)).then_some(0));
    let Some(time) = found else {
        let serial = search.named().find(|i| {
            let name = &names.plain[*i];
            (name.contains("date") || name.contains("time"))
                && search.reads(*i, |cell| parse_serial(cell).is_some())
        });
        return serial.map(|time| (time, None, true));
    };
    let clock = CLOCK
        .iter()
        .filter_map(|name| names.at(name))
        .find(|i| *i != time && search.reads(*i, |cell| parse_clock(cell).is_some()))
        .filter(|_| search.reads(time, is_date_only));
    Some((time, clock, false))
}

fn is_date_only(cell: &str) -> bool {
    matches!(parse(cell), Some(Stamp::Civil(civil)) if civil.clock.is_none())
}

fn millis(row: &[String], index: usize) -> Option<i64> {
    parse(row.get(index)?)?.millis()
}

/// Search for the column of the time in the first rows.
struct TimeSearch<'a> {
    names: &'a Names,
    prices: &'a [usize; 4],
    rows: Vec<&'a [String]>,
    close_time: Option<usize>,
}

impl<'a> TimeSearch<'a> {
    fn new(names: &'a Names, prices: &'a [usize; 4], data: &'a [HeadRow]) -> Self {
        let rows = data.iter().map(|(_, cells)| &cells[..]);
        let rows = rows.filter(|cells| cells.len() >= MIN_CELLS).take(20).collect();
        Self { names, prices, rows, close_time: names.any(CLOSE_TIME) }
    }

    /// Iterates over the columns with a name of the time, most reliable first; an exact match in
    /// case comes before other matches.
    fn named(&self) -> impl Iterator<Item = usize> {
        TIME.iter().flat_map(|name| self.names.at(name).into_iter().chain(self.names.all(name)))
    }

    /// Returns whether the cell can be parsed in most rows.
    fn reads(&self, index: usize, read: fn(&str) -> bool) -> bool {
        let good = self.rows.iter().filter(|row| row.get(index).is_some_and(|cell| read(cell)));
        good.count() * 2 > self.rows.len()
    }

    fn is_time(&self, index: usize) -> bool {
        !self.prices.contains(&index)
            && self.reads(index, |cell| parse(cell).is_some())
            && !self.is_close(index)
    }

    /// Returns whether most times are at or after the close, although the name does not indicate
    /// it.
    fn is_close(&self, index: usize) -> bool {
        let name = &self.names.plain[index];
        if ["open", "start", "begin"].iter().any(|word| name.contains(word)) {
            return false;
        }
        let Some(close_time) = self.close_time else { return false };
        let is_after = self.rows.iter().filter(|row| {
            let times = millis(row, index).zip(millis(row, close_time));
            times.is_some_and(|(time, close)| time >= close)
        });
        is_after.count() * 2 > self.rows.len()
    }

    fn names_close(&self, index: usize) -> bool {
        let name = &self.names.plain[index];
        name.contains("close") || name.starts_with("end") || name.ends_with("end")
    }
}

/// Returns the exchange or tool that writes such a header.
fn source_of(plain: &[String], clock: bool) -> &'static str {
    let volumes = plain.iter().filter(|p| p.starts_with("volume") && p.len() > 6).count();
    let takers = plain.iter().any(|p| p.starts_with("takerbuy"));
    let changes = plain.iter().any(|p| p.starts_with("change"));
    let known: [(bool, &[&str], &str); 24] = [
        (takers, &["opentime", "closetime"], "Binance archive"),
        (takers, &[], "Binance columns"),
        (true, &["unix", "symbol"], "CryptoDataDownload"),
        (true, &["tradecount"], "CryptoDataDownload"),
        (volumes == 2, &["symbol"], "CryptoDataDownload"),
        (true, &["rtype", "publisherid"], "Databento"),
        (true, &["bartype", "tsevent"], "NautilusTrader"),
        (true, &["up", "down"], "TradeStation or MultiCharts"),
        (true, &["adjclose"], "Yahoo Finance"),
        (true, &["gmttime"], "Dukascopy"),
        (true, &["localtime"], "Dukascopy"),
        (true, &["tickvol", "spread"], "MetaTrader 5"),
        (true, &["ticker", "per"], "Stooq"),
        (changes, &["price"], "Investing.com"),
        (true, &["closelast"], "Nasdaq.com"),
        (true, &["v", "vw", "n"], "Polygon or Alpaca"),
        (true, &["id", "amount", "vol", "count"], "HTX"),
        (true, &["timeperiodstart", "priceopen"], "CoinAPI"),
        (true, &["bidopen"], "FXCM"),
        (true, &["turnover", "startat"], "Bybit"),
        (true, &["turnover", "start"], "Bybit"),
        (true, &["volccy", "confirm"], "OKX"),
        (true, &["foreignnotional", "lastsize"], "BitMEX"),
        (true, &["homenotional", "lastsize"], "BitMEX"),
    ];
    let found = known.iter().find(|(is, names, _)| *is && has_all(plain, names));
    match found {
        Some((_, _, source)) => source,
        None if has_all(plain, &["t", "o", "h", "l", "c"]) => "short names",
        None if clock => "date and time columns",
        None => "named columns",
    }
}

fn has_all(plain: &[String], names: &[&str]) -> bool {
    names.iter().all(|name| plain.iter().any(|p| p == name))
}
