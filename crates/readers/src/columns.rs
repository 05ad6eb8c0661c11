//! Which column is which.

use super::by_data;
use super::error::ReadError;
use super::error::excerpt;
use super::header::missing_column;
use super::names::{CLOCK, CLOSE_TIME, CLOSED, Names, SYMBOL, TIME};
use super::note::{NoteKind, ReadLog};
use super::table::{HeadRow, MIN_CELLS, Table};
use super::time::{Stamp, parse, parse_clock, parse_serial, parse_two, unknown_zone};
use super::volume;
use super::zone::{self, Zone};

/// Rows at the top in which a header is looked for.
const BANNER_ROWS: usize = 50;

/// Where a candle's values are in a row.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Columns {
    /// The line of the header; rows up to it are no candles.
    pub(crate) header: Option<u64>,
    /// Cells of a row.
    pub(crate) width: usize,
    pub(crate) time: usize,
    pub(crate) clock: Option<usize>,
    /// Whether times are days as spreadsheets count them.
    pub(crate) serial: bool,
    /// The zone that the header names.
    pub(crate) zone: Option<Zone>,
    /// Open, high, low and close.
    pub(crate) prices: [usize; 4],
    /// What has to be written behind a price to make it one: the exponent of fixed decimals.
    pub(crate) exponent: &'static str,
    pub(crate) volume: Option<usize>,
    pub(crate) symbol: Option<usize>,
    /// A column that says whether the candle is finished.
    pub(crate) closed: Option<usize>,
    pub(crate) close_time: Option<usize>,
    /// Who writes such files.
    pub(crate) source: &'static str,
}

impl Columns {
    /// Whether times mark the close, as those of `BitMEX` do.
    pub(crate) fn stamps_close(&self) -> bool {
        self.source == "BitMEX"
    }

    /// The time of a row, from the cells that hold it.
    pub(crate) fn stamp<'a>(&self, cell: impl Fn(usize) -> &'a str) -> Option<Stamp> {
        let stamp = match self.clock {
            Some(clock) => parse_two(cell(self.time), cell(clock)),
            None if self.serial => parse_serial(cell(self.time)),
            None => parse(cell(self.time)),
        };
        match stamp? {
            Stamp::Civil(mut civil) => {
                civil.zone = civil.zone.or_else(|| self.zone.clone());
                Some(Stamp::Civil(civil))
            }
            epoch @ Stamp::Epoch { .. } => Some(epoch),
        }
    }

    /// Finds the columns by the names of a header, or else by the data.
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
            // Tables of R have no name above the column of row names.
            let is_wider =
                |row: &HeadRow| row.1.len() == names.len() + 1 && !row.1[names.len()].is_empty();
            if !data.is_empty() && data.iter().take(20).all(is_wider) {
                names.insert(0, String::new());
            }
            if let Some(found) = Self::by_names(&names, *line, data, table, log) {
                note_banner(&head[..at], log);
                return match (zone::of_header(&names[found.time]), &found.zone) {
                    (Some(zone), None) => Err(ReadError::Zone {
                        file: file.to_owned(),
                        line: *line,
                        zone: zone.to_owned(),
                    }),
                    _ => Ok(found),
                };
            }
            refuse_header(&names, *line, data, file)?;
        }
        Err(unknown(table, file))
    }

    /// The columns of a header, if it names four prices and there is a time.
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
        // Of Dukascopy's two exports one has no name of its own: `31.01.2024 22:00:00.000`.
        let day_first = |cell: &String| cell.len() == 23 && cell.as_bytes()[2] == b'.';
        if plain[time] == "time"
            && data.first().is_some_and(|(_, row)| row.get(time).is_some_and(day_first))
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
        let first = |i: usize| data.first().and_then(|(_, row)| row.get(i));
        let is_whole = |cell: &String| cell.bytes().all(|b| b.is_ascii_digit());
        let nanos = source == "Databento" && first(prices[0]).is_some_and(is_whole);
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
        // The `s` of streams is the symbol, that of others a state or a size.
        let is_symbol = |i: &usize| {
            *i != time
                && (plain[*i].len() > 1 || first(*i).is_some_and(|s| s.parse::<f64>().is_err()))
        };
        let symbol = known.any(SYMBOL).filter(is_symbol);
        // Short names may also be those of a number.
        let is_flag = |i: &usize| {
            first(*i).is_none_or(|cell| is_flag(cell) && (plain[*i].len() > 1 || cell.len() > 1))
        };
        let comma = table.delimiter == b',';
        let volume = volume::find(names, &known, &prices, symbol, data, comma, log);
        let in_utc = || plain[time].ends_with("utc").then_some(Zone::Offset(0));
        let capital = || names.iter().position(|name| name == "T" && names[time] == "t");
        Some(Self {
            header: Some(line),
            width: names.len(),
            time,
            clock,
            serial,
            zone: zone::of_header(&names[time]).and_then(Zone::named).or_else(in_utc),
            prices,
            exponent: if nanos { "e-9" } else { "" },
            volume,
            symbol,
            closed: CLOSED.iter().filter_map(|name| known.at(name)).find(is_flag),
            close_time: known.any(CLOSE_TIME).or_else(capital),
            source,
        })
    }
}

/// Whether a cell says yes or no.
pub(crate) fn is_flag(cell: &str) -> bool {
    ["0", "1", "true", "false"].iter().any(|flag| cell.eq_ignore_ascii_case(flag))
}

/// Refuses a header that has some of the prices, but not all that is needed.
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
    // A time is there, but in a zone that is not known.
    let zone = TIME.iter().filter_map(|name| known.at(name)).find_map(|i| {
        let (line, cells) = data.first()?;
        Some((*line, unknown_zone(cells.get(i)?)?))
    });
    if let (None, Some((line, zone))) = (missing, zone) {
        return Err(ReadError::Zone { file: file.to_owned(), line, zone: excerpt(zone) });
    }
    Err(missing_column(missing.copied().unwrap_or("the open time"), names, file, line))
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

/// The column of the time, the one of the clock if the time is only a date, and whether times are
/// days as spreadsheets count them.
fn find_time(
    names: &Names,
    prices: &[usize; 4],
    data: &[HeadRow],
) -> Option<(usize, Option<usize>, bool)> {
    let rows = || data.iter().filter(|(_, cells)| cells.len() >= MIN_CELLS).take(20);
    let most = |is: &dyn Fn(&[String]) -> bool| {
        rows().filter(|(_, cells)| is(cells)).count() * 2 > rows().count()
    };
    let reads = |index: usize, read: &dyn Fn(&str) -> bool| {
        most(&|cells| cells.get(index).is_some_and(|cell| read(cell)))
    };
    // Some write the time of the close, or a later one, under a name that does not say so.
    let close_time = names.any(CLOSE_TIME);
    let is_close = |index: usize| {
        let millis = |cells: &[String], i: usize| parse(cells.get(i)?)?.millis();
        let is_after =
            |cells: &[String]| Some(millis(cells, index)? >= millis(cells, close_time?)?);
        let says_open = ["open", "start", "begin"].iter().any(|w| names.plain[index].contains(w));
        !says_open && most(&|cells| is_after(cells) == Some(true))
    };
    let is_time = |index: usize| {
        !prices.contains(&index) && reads(index, &|cell| parse(cell).is_some()) && !is_close(index)
    };
    let equal = |name| (0..names.plain.len()).filter(move |i| names.plain[*i] == name);
    // A name written just so goes first.
    let named = || TIME.iter().flat_map(|name| names.at(name).into_iter().chain(equal(*name)));
    let in_brackets =
        || (0..names.plain.len()).filter(|i| zone::of_header(names.written(*i)).is_some());
    let mut candidates = named().chain(in_brackets());
    if rows().next().is_none() {
        return Some((candidates.next()?, None, false));
    }
    let closes = |i: usize| {
        let name = &names.plain[i];
        name.contains("close") || name.starts_with("end") || name.ends_with("end")
    };
    let first = || (is_time(0) && !closes(0)).then_some(0);
    let Some(time) = candidates.find(|i| is_time(*i)).or_else(first) else {
        let says_so = |i: &usize| ["date", "time"].iter().any(|w| names.plain[*i].contains(w));
        let is_serial = |i: &usize| reads(*i, &|cell| parse_serial(cell).is_some());
        return named().filter(says_so).find(is_serial).map(|time| (time, None, true));
    };
    let date_only =
        |cell: &str| matches!(parse(cell), Some(Stamp::Civil(civil)) if civil.clock.is_none());
    let is_clock = |i: &usize| *i != time && reads(*i, &|cell| parse_clock(cell).is_some());
    let clock = CLOCK.iter().filter_map(|name| names.at(name)).find(is_clock);
    Some((time, clock.filter(|_| reads(time, &date_only)), false))
}

/// Who writes such a header.
fn source_of(plain: &[String], clock: bool) -> &'static str {
    let has = |name: &str| plain.iter().any(|p| p == name);
    let all = |names: &[&str]| names.iter().all(|name| has(name));
    let volumes = plain.iter().filter(|p| p.starts_with("volume") && p.len() > 6).count();
    let known: [(bool, &str); 20] = [
        (
            all(&["opentime", "closetime"]) && plain.iter().any(|p| p.starts_with("takerbuy")),
            "Binance archive",
        ),
        (plain.iter().any(|p| p.starts_with("takerbuy")), "Binance columns"),
        (
            has("unix") && has("symbol") || has("tradecount") || (has("symbol") && volumes == 2),
            "CryptoDataDownload",
        ),
        (all(&["rtype", "publisherid"]), "Databento"),
        (all(&["bartype", "tsevent"]), "NautilusTrader"),
        (all(&["up", "down"]), "TradeStation or MultiCharts"),
        (has("adjclose"), "Yahoo Finance"),
        (has("gmttime") || has("localtime"), "Dukascopy"),
        (has("tickvol") && has("spread"), "MetaTrader 5"),
        (all(&["ticker", "per"]), "Stooq"),
        (has("price") && plain.iter().any(|p| p.starts_with("change")), "Investing.com"),
        (has("closelast"), "Nasdaq.com"),
        (all(&["v", "vw", "n"]), "Polygon or Alpaca"),
        (all(&["id", "amount", "vol", "count"]), "HTX"),
        (all(&["timeperiodstart", "priceopen"]), "CoinAPI"),
        (has("bidopen"), "FXCM"),
        (all(&["turnover", "startat"]) || all(&["turnover", "start"]), "Bybit"),
        (all(&["volccy", "confirm"]), "OKX"),
        (all(&["foreignnotional", "lastsize"]) || all(&["homenotional", "lastsize"]), "BitMEX"),
        (all(&["t", "o", "h", "l", "c"]), "short names"),
    ];
    let other = if clock { "date and time columns" } else { "named columns" };
    known.iter().find(|(is, _)| *is).map_or(other, |(_, name)| name)
}
