//! Which column is which.

use super::by_data;
use super::error::ReadError;
use super::note::{Ledger, NoteKind};
use super::number::is_missing;
use super::table::{HeadRow, LEAST_CELLS, Table};
use super::time::{parse, parse_clock};
use crate::error::excerpt;

/// Names of the time, the surest first, as `plain` writes them.
const TIME: &[&str] = &[
    "opentime",
    "opentimems",
    "timeopen",
    "timestamp",
    "unix",
    "unixtimestamp",
    "timestampms",
    "starttime",
    "startat",
    "start",
    "begin",
    "candlebegintime",
    "timeperiodstart",
    "bucket",
    "datetime",
    "gmttime",
    "localtime",
    "utctime",
    "timeutc",
    "dateutc",
    "time",
    "date",
    "t",
    "ts",
    "epoch",
    "id",
    "index",
    "",
];
const CLOCK: &[&str] = &["time", "clock", "hour"];
/// Names of the volume in units of what is traded, the surest first.
const VOLUME: &[&str] = &[
    "volume",
    "vol",
    "v",
    "basevolume",
    "volumebase",
    "basevol",
    "basevolumeamount",
    "volumefrom",
    "volumetraded",
    "baseassetvolume",
    "volumeshares",
    "realvolume",
    "tickvol",
    "tickvolume",
    "tickqty",
    "qty",
    "quantity",
    "amount",
];
/// Currencies that prices are usually written in.
const QUOTES: &[&str] = &[
    "usd", "usdt", "usdc", "busd", "tusd", "dai", "fdusd", "eur", "gbp", "jpy", "krw", "try",
    "aud", "quote", "to",
];
const SYMBOL: &[&str] =
    &["symbol", "ticker", "pair", "instrument", "market", "instid", "name", "coin"];
const CLOSED: &[&str] =
    &["confirm", "closed", "isclosed", "isfinal", "complete", "iscomplete", "windowclose"];
const CLOSE_TIME: &[&str] = &["closetime", "endtime", "timeperiodend", "closetimems", "timeclose"];
/// Rows at the top in which a header is looked for.
const BANNER_ROWS: usize = 50;
const MOST_LISTED: usize = 20;

/// Where a candle's values are in a row.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Columns {
    /// The line of the header; rows up to it are no candles.
    pub(super) header: Option<u64>,
    /// Cells of a row.
    pub(super) width: usize,
    pub(super) time: usize,
    pub(super) clock: Option<usize>,
    /// Open, high, low and close.
    pub(super) prices: [usize; 4],
    pub(super) volume: Option<usize>,
    pub(super) symbol: Option<usize>,
    /// A column that says whether the candle is finished.
    pub(super) closed: Option<usize>,
    pub(super) close_time: Option<usize>,
    /// Who writes such files.
    pub(super) source: &'static str,
}

impl Columns {
    /// Whether times mark the close, as those of `BitMEX` do.
    pub(super) fn stamps_close(&self) -> bool {
        self.source == "BitMEX"
    }

    /// Finds the columns by the names of a header, or else by the data.
    pub(super) fn find(
        table: &Table,
        head: &[HeadRow],
        file: &str,
        ledger: &mut Ledger,
    ) -> Result<Self, ReadError> {
        for (at, (line, cells)) in head.iter().take(BANNER_ROWS).enumerate() {
            let data = &head[at + 1..];
            if by_data::is_row(cells) {
                let banner = &head[..at];
                if let Some(comment) = &table.comment {
                    let names = table.split(comment);
                    if names.len() == cells.len()
                        && let Some(found) = Self::by_names(&names, 0, &head[at..], ledger)
                    {
                        note_banner(banner, ledger);
                        let text = "the names of the columns were taken from a comment";
                        ledger.file(NoteKind::Columns, text);
                        return Ok(found);
                    }
                }
                note_banner(banner, ledger);
                let found = by_data::find(&head[at..], ledger);
                return found.ok_or_else(|| unknown(table, file));
            }
            let mut names = cells.clone();
            // Tables of R have no name above the column of row names.
            let is_wider =
                |row: &HeadRow| row.1.len() == names.len() + 1 && !row.1[names.len()].is_empty();
            if !data.is_empty() && data.iter().take(20).all(is_wider) {
                names.insert(0, String::new());
            }
            if let Some(found) = Self::by_names(&names, *line, data, ledger) {
                note_banner(&head[..at], ledger);
                return Ok(found);
            }
            let plain: Vec<String> = names.iter().map(|name| plain_name(name)).collect();
            let known = ["open", "high", "low", "close"];
            let missing = known.iter().find(|name| !plain.iter().any(|p| p == *name));
            let at_least_two =
                known.iter().filter(|name| plain.iter().any(|p| p == *name)).count() > 1;
            if at_least_two {
                return Err(ReadError::MissingColumn {
                    file: file.to_owned(),
                    line: *line,
                    column: missing.copied().unwrap_or("the open time"),
                    found: names.iter().take(MOST_LISTED).map(|name| excerpt(name)).collect(),
                });
            }
        }
        Err(unknown(table, file))
    }

    /// The columns of a header, if it names four prices and there is a time.
    fn by_names(
        names: &[String],
        line: u64,
        data: &[HeadRow],
        ledger: &mut Ledger,
    ) -> Option<Self> {
        let plain: Vec<String> = names.iter().map(|name| plain_name(name)).collect();
        let at = |name: &str| plain.iter().position(|p| p == name);
        let any = |list: &[&str]| list.iter().find_map(|name| at(name));
        let (prices, affix) = find_prices(&plain)?;
        let (time, clock) = find_time(&plain, &prices, data)?;
        let mut source = source_of(&plain, clock.is_some());
        // Of Dukascopy's two exports one has no name of its own: `31.01.2024 22:00:00.000`.
        let day_first = |cell: &String| cell.len() == 23 && cell.as_bytes()[2] == b'.';
        if plain[time] == "time"
            && data.first().is_some_and(|(_, row)| row.get(time).is_some_and(day_first))
        {
            source = "Dukascopy";
        }
        if !affix.is_empty() {
            let used = prices.map(|i| names[i].as_str()).join(", ");
            ledger.file(NoteKind::Columns, format!("prices are taken from {used}"));
        }
        if let Some(adjusted) =
            plain.iter().position(|p| p.starts_with("adj") && p.contains("close"))
        {
            let name = &names[adjusted];
            ledger.file(
                NoteKind::Columns,
                format!("column {name:?} left out: prices are the unadjusted ones"),
            );
        }
        let volume = find_volume(names, &plain, any(SYMBOL), data, ledger);
        Some(Self {
            header: Some(line),
            width: names.len(),
            time,
            clock,
            prices,
            volume,
            symbol: any(SYMBOL).filter(|i| *i != time),
            closed: any(CLOSED),
            close_time: any(CLOSE_TIME),
            source,
        })
    }
}

fn unknown(table: &Table, file: &str) -> ReadError {
    ReadError::Unknown { file: file.to_owned(), start: excerpt(table.start()) }
}

fn note_banner(banner: &[HeadRow], ledger: &mut Ledger) {
    if let Some((_, cells)) = banner.first() {
        let text = excerpt(&cells.join(" "));
        let noun = if banner.len() == 1 { "line" } else { "lines" };
        let text = format!("{} {noun} above the table skipped: {text:?}", banner.len());
        ledger.file(NoteKind::SkippedLines, text);
    }
}

/// A name without case, blanks, signs and a number in front: `1. Open (USD)` is `openusd`.
fn plain_name(name: &str) -> String {
    let name = name.trim_start_matches(|c: char| c.is_ascii_digit());
    let name = name.strip_prefix(". ").unwrap_or(name);
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The four prices, and what stands before or after their names if they are not the plain ones.
fn find_prices(plain: &[String]) -> Option<([usize; 4], String)> {
    let at = |name: &str| plain.iter().position(|p| p == name);
    let four = |[o, h, l, c]: [&str; 4]| Some([at(o)?, at(h)?, at(l)?, at(c)?]);
    for close in ["close", "price", "last", "closelast"] {
        if let Some(found) = four(["open", "high", "low", close]) {
            return Some((found, String::new()));
        }
    }
    if let Some(found) = four(["o", "h", "l", "c"]) {
        return Some((found, String::new()));
    }
    plain.iter().find_map(|name| {
        let (before, after) = name.split_once("open")?;
        let named = |price: &str| format!("{before}{price}{after}");
        let [o, h, l, c] = ["open", "high", "low", "close"].map(named);
        Some((four([&o, &h, &l, &c])?, format!("{before}{after}")))
    })
}

/// The column of the time, and the one of the clock if the time is only a date.
fn find_time(
    plain: &[String],
    prices: &[usize; 4],
    data: &[HeadRow],
) -> Option<(usize, Option<usize>)> {
    let rows = || data.iter().filter(|(_, cells)| cells.len() >= LEAST_CELLS).take(20);
    let reads = |index: usize, read: &dyn Fn(&str) -> bool| {
        let good =
            rows().filter(|(_, cells)| cells.get(index).is_some_and(|cell| read(cell))).count();
        good * 2 > rows().count()
    };
    let is_time =
        |index: usize| !prices.contains(&index) && reads(index, &|cell| parse(cell).is_some());
    let named =
        TIME.iter().flat_map(|name| plain.iter().enumerate().filter(move |(_, p)| p == name));
    let mut candidates = named.map(|(index, _)| index);
    let time = if rows().next().is_none() {
        candidates.next()?
    } else {
        candidates.find(|i| is_time(*i)).or_else(|| is_time(0).then_some(0))?
    };
    let date_only = |cell: &str| matches!(parse(cell), Some(super::time::Stamp::Civil(civil)) if civil.clock.is_none());
    let is_clock = |i: &usize| *i != time && reads(*i, &|cell| parse_clock(cell).is_some());
    let clock = CLOCK.iter().find_map(|name| plain.iter().position(|p| p == name)).filter(is_clock);
    Some((time, clock.filter(|_| reads(time, &date_only))))
}

/// The column of the volume in units of what is traded; says which one if there is a choice.
fn find_volume(
    names: &[String],
    plain: &[String],
    symbol: Option<usize>,
    data: &[HeadRow],
    ledger: &mut Ledger,
) -> Option<usize> {
    let at = |name: &str| plain.iter().position(|p| p == name);
    let is_volume = |name: &String| name.contains("vol") || name == "v" || name == "amount";
    let mut all: Vec<usize> = (0..plain.len()).filter(|i| is_volume(&plain[*i])).collect();
    let idle = |i: usize| {
        let zero = |cell: &String| is_missing(cell) || cell.parse() == Ok(0.0);
        !data.is_empty() && data.iter().all(|(_, cells)| cells.get(i).is_none_or(zero))
    };
    // Of HTX, `vol` is in the quote currency and `amount` in the base.
    let amount = at("amount").filter(|_| at("vol").is_some() && at("volume").is_none());
    let exact: Vec<usize> = amount.into_iter().chain(VOLUME.iter().filter_map(|n| at(n))).collect();
    // A column of zeros is taken only if there is no other, as the real volume of currencies.
    let exact = exact.iter().find(|i| !idle(**i)).or(exact.first()).copied();
    let base = symbol.and_then(|i| data.first()?.1.get(i).cloned()).unwrap_or_default();
    let base = base.split(['/', '-', '_', ':']).next().unwrap_or_default().to_lowercase();
    let of_base = || {
        let units = all.iter().filter_map(|i| Some((*i, plain[*i].strip_prefix("volume")?)));
        let units: Vec<(usize, &str)> = units.collect();
        let own = units.iter().find(|(_, unit)| *unit == base);
        own.or_else(|| units.iter().find(|(_, unit)| !QUOTES.contains(unit))).map(|(i, _)| *i)
    };
    let taken = exact.or_else(of_base).or(all.first().copied());
    match taken {
        None => ledger.file(NoteKind::Volume, "no volume in this file: it is 0 everywhere"),
        Some(taken) => {
            all.retain(|i| *i != taken && !plain[*i].contains("taker"));
            if !all.is_empty() {
                let others = all.iter().map(|i| format!("{:?}", names[*i])).collect::<Vec<_>>();
                let text = format!("volume is {:?}, not {}", names[taken], others.join(" or "));
                ledger.file(NoteKind::Volume, text);
            }
        }
    }
    taken
}

/// Who writes such a header.
fn source_of(plain: &[String], clock: bool) -> &'static str {
    let has = |name: &str| plain.iter().any(|p| p == name);
    let all = |names: &[&str]| names.iter().all(|name| has(name));
    let volumes = plain.iter().filter(|p| p.starts_with("volume") && p.len() > 6).count();
    let known: [(bool, &str); 17] = [
        (
            all(&["opentime", "closetime"]) && plain.iter().any(|p| p.starts_with("takerbuy")),
            "Binance archive",
        ),
        (plain.iter().any(|p| p.starts_with("takerbuy")), "Binance columns"),
        (
            has("unix") && has("symbol") || has("tradecount") || (has("symbol") && volumes == 2),
            "CryptoDataDownload",
        ),
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
