//! Names of columns: plain words of one meaning, and groups of four prices.

/// Names that say the time of the open.
pub(crate) const OPEN_TIME: &[&str] = &[
    "opentime",
    "opentimems",
    "timeopen",
    "opentimestamp",
    "opents",
    "baropen",
    "starttime",
    "starttimestamp",
    "startat",
    "startedat",
    "start",
    "begin",
    "barstart",
    "periodstart",
    "windowstart",
    "intervalbegin",
    "timeperiodstart",
    "klineopentime",
    "candlebegintime",
    "bucket",
];
/// Names that say a time.
pub(crate) const TIME: &[&str] = &[
    "time",
    "timestamp",
    "timestampms",
    "timestamputc",
    "timeutc",
    "utctime",
    "unixtime",
    "unixtimestamp",
    "unix",
    "epoch",
    "datetime",
    "datetimeutc",
    "date",
    "dateutc",
    "dates",
    "t",
    "ts",
    "tradedate",
    "tradingday",
    "tradetime",
    "candletime",
    "datum",
    "fecha",
    "snapshottimeutc",
];
/// Names of an index: a time where the cells are times.
pub(crate) const INDEX: &[&str] = &["", "index", "unnamed0", "indexlevel0"];
/// Names of the time of day beside a date.
pub(crate) const CLOCK: &[&str] =
    &["time", "clock", "hour", "zeit", "uhrzeit", "heure", "hora", "ora", "время"];
/// Names that say the time of the close.
pub(crate) const CLOSE_TIME: &[&str] = &[
    "closetime",
    "closetimems",
    "closetimestamp",
    "timeclose",
    "closets",
    "barclose",
    "endtime",
    "endtimestamp",
    "end",
    "endat",
    "barend",
    "periodend",
    "windowend",
    "intervalend",
    "timeperiodend",
    "klineclosetime",
    "candleendtime",
];
/// Names of the volume in units of what is traded.
pub(crate) const VOLUME: &[&str] =
    &["volume", "vol", "v", "basevolume", "volumebase", "basevol", "baseassetvolume", "volumen"];
/// Names of a flag of finished candles.
pub(crate) const FINISHED: &[&str] =
    &["confirm", "closed", "isclosed", "isfinal", "final", "complete", "iscomplete", "finished"];
/// Names that tell series apart, also where their values are numbers.
pub(crate) const KEYS: &[&str] = &[
    "symbol",
    "symbolid",
    "ticker",
    "pair",
    "instrument",
    "instrumentid",
    "instid",
    "market",
    "productid",
    "secid",
    "securityid",
    "code",
    "stockcode",
    "tscode",
    "isin",
    "permno",
    "coin",
    "asset",
    "contract",
    "interval",
    "timeframe",
    "resolution",
    "granularity",
    "side",
];
/// Plain names of open, high, low and close.
const PRICES: [[&str; 4]; 4] = [
    ["open", "high", "low", "close"],
    ["o", "h", "l", "c"],
    ["open", "highest", "lowest", "close"],
    ["openingprice", "highprice", "lowprice", "closingprice"],
];

/// The names of a header.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Names {
    pub(crate) written: Vec<String>,
    /// The same as [`plain_name`] writes them.
    pub(crate) plain: Vec<String>,
}

/// Four prices and perhaps a volume whose names share an affix: the name of a series.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct PriceGroup {
    /// Text before and after the names of the prices; empty for plain names.
    pub(crate) affix: String,
    /// Columns of open, high, low and close.
    pub(crate) prices: [usize; 4],
    /// Column of the volume with the same affix.
    pub(crate) volume: Option<usize>,
}

impl Names {
    pub(crate) fn new(names: &[String]) -> Self {
        let written = names.iter().map(|name| name.trim().to_owned()).collect();
        Self { written, plain: names.iter().map(|name| plain_name(name)).collect() }
    }

    /// The column of a name. Of names that differ in their case alone the one written just so is
    /// taken: exchanges write the open time `t` beside the close time `T`.
    pub(crate) fn at(&self, name: &str) -> Option<usize> {
        let exact = self.written.iter().position(|written| written == name);
        exact.or_else(|| self.plain.iter().position(|plain| plain == name))
    }

    /// The first column of a pattern: names with `|` between them, `*` for any continuation.
    pub(crate) fn find(&self, pattern: &str) -> Option<usize> {
        pattern.split('|').filter(|name| !name.is_empty()).find_map(|name| {
            match name.strip_suffix('*') {
                Some(start) => self.plain.iter().position(|plain| plain.starts_with(start)),
                None => self.at(name),
            }
        })
    }

    /// All columns with one of some names; of names that differ in their case alone, those written
    /// just so.
    pub(crate) fn all(&self, list: &[&str]) -> Vec<usize> {
        let is_exact = |name: &str| self.written.iter().any(|written| written == name);
        let fits = |i: &usize| {
            let plain = self.plain[*i].as_str();
            list.contains(&plain) && (!is_exact(plain) || self.written[*i] == plain)
        };
        (0..self.plain.len()).filter(fits).collect()
    }

    /// The columns of four names, if all are there and different.
    fn four(&self, names: [&str; 4]) -> Option<[usize; 4]> {
        let [open, high, low, close] = names.map(|name| self.at(name));
        let four = [open?, high?, low?, close?];
        (1..4).all(|i| !four[..i].contains(&four[i])).then_some(four)
    }

    /// All groups of four prices; one of plain names comes first.
    pub(crate) fn groups(&self) -> Vec<PriceGroup> {
        let plain = PRICES.iter().find_map(|names| self.four(*names));
        let group = |prices| PriceGroup { affix: String::new(), prices, volume: None };
        let mut groups: Vec<PriceGroup> = plain.map(group).into_iter().collect();
        for open in &self.plain {
            let words = open.split_once("open").map(|(before, after)| {
                let names = ["open", "high", "low", "close", "volume"];
                (format!("{before}{after}"), names.map(|name| format!("{before}{name}{after}")))
            });
            let letters = open.strip_suffix('o').map(|before| {
                let names = ["o", "h", "l", "c", "v"];
                (before.to_owned(), names.map(|name| format!("{before}{name}")))
            });
            for (affix, names) in words.into_iter().chain(letters) {
                let [open, high, low, close, volume] = &names;
                let is_time = ["time", "date"].iter().any(|word| affix.contains(word));
                let Some(prices) = self.four([open, high, low, close]) else { continue };
                if !is_time && groups.iter().all(|group| group.prices != prices) {
                    let affix = if affix == "price" { String::new() } else { affix };
                    groups.push(PriceGroup { affix, prices, volume: self.at(volume) });
                }
            }
        }
        groups.sort_by_key(|group| !group.affix.is_empty());
        groups
    }
}

/// Whether one of some names fits a pattern (see [`Names::find`]).
pub(crate) fn has(plain: &[String], pattern: &str) -> bool {
    pattern.split('|').any(|name| match name.strip_suffix('*') {
        Some(start) => plain.iter().any(|plain| plain.starts_with(start)),
        None => plain.iter().any(|plain| plain == name),
    })
}

/// A name without case, blanks, signs and a number in front: `1. Open (USD)` is `openusd`.
pub(crate) fn plain_name(name: &str) -> String {
    let name = name.trim_start_matches(|c: char| c.is_ascii_digit());
    let name = name.strip_prefix(". ").unwrap_or(name);
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
