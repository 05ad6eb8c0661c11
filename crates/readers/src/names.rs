//! Names of columns.

/// Names of the time column in the form of [`plain_name`], most reliable first: names of an open
/// time come before names of a time.
pub(crate) const TIME: &[&str] = &[
    "timeperiodstart",
    "opentime",
    "opentimems",
    "timeopen",
    "klineopentime",
    "candlebegintime",
    "candledatetimeutc",
    "starttime",
    "startat",
    "startedat",
    "starttimestamp",
    "start",
    "begin",
    "intervalbegin",
    "barstart",
    "periodstart",
    "windowstart",
    "bucket",
    "unix",
    "unixtimestamp",
    "timestamp",
    "timestampms",
    "datetime",
    "datetimeutc",
    "gmttime",
    "localtime",
    "utctime",
    "timeutc",
    "dateutc",
    "time",
    "date",
    "ticks",
    "tsevent",
    "t",
    "ts",
    "epoch",
    "snapshottimeutc",
    "fromdate",
    "tradedate",
    "tradingday",
    "createdat",
    "periodid",
    "id",
    "index",
    "datum",
    "fecha",
    "data",
    "дата",
    "tarih",
    "日期",
    "时间",
    "日付",
    "日付け",
    "날짜",
    "",
];
pub(crate) const CLOCK: &[&str] =
    &["time", "clock", "hour", "zeit", "uhrzeit", "heure", "hora", "ora", "время"];
/// Names of the four prices in English, German, French, Spanish, Portuguese, Italian, Russian and
/// a few other languages. The last names of the close are used only without another one.
pub(crate) const PRICES: [&[&str]; 4] = [
    &[
        "open",
        "openprice",
        "openingprice",
        "eröffnung",
        "eröffn",
        "ouverture",
        "ouv",
        "apertura",
        "abertura",
        "открытие",
        "откр",
        "açılış",
        "开盘",
        "始値",
        "otwarcie",
        "시가",
    ],
    &[
        "high",
        "highest",
        "highprice",
        "hoch",
        "höchst",
        "haut",
        "plushaut",
        "máximo",
        "maximo",
        "máxima",
        "massimo",
        "максимум",
        "макс",
        "yüksek",
        "高",
        "最高",
        "高値",
        "najwyzszy",
        "고가",
    ],
    &[
        "low",
        "lowest",
        "lowprice",
        "tief",
        "tiefst",
        "bas",
        "plusbas",
        "mínimo",
        "minimo",
        "mínima",
        "минимум",
        "мин",
        "düşük",
        "低",
        "最低",
        "安値",
        "najnizszy",
        "저가",
    ],
    &[
        "close",
        "closeprice",
        "closingprice",
        "tradeprice",
        "schluss",
        "schlusskurs",
        "clôture",
        "cloture",
        "cierre",
        "fechamento",
        "chiusura",
        "закрытие",
        "закр",
        "收盘",
        "終値",
        "zamkniecie",
        "종가",
        "price",
        "last",
        "closelast",
        "zuletzt",
        "dernier",
        "último",
        "ultimo",
        "цена",
        "şimdi",
    ],
];
/// Names of the volume in units of the traded asset, most reliable first.
pub(crate) const VOLUME: &[&str] = &[
    "volume",
    "vol",
    "v",
    "basevolume",
    "volumebase",
    "basevol",
    "basevolumeamount",
    "basetokenvolume",
    "volumefrom",
    "volumetraded",
    "candleacctradevolume",
    "baseassetvolume",
    "volumeshares",
    "realvolume",
    "tickvol",
    "tickvolume",
    "tickqty",
    "qty",
    "quantity",
    "amount",
    "volumen",
    "volumi",
    "объём",
    "объем",
    "hac",
    "交易量",
    "成交量",
    "出来高",
    "wolumen",
    "거래량",
];
/// Common quote currencies.
pub(crate) const QUOTES: &[&str] = &[
    "usd", "usdt", "usdc", "busd", "tusd", "dai", "fdusd", "eur", "gbp", "jpy", "krw", "try",
    "aud", "quote", "to",
];
pub(crate) const SYMBOL: &[&str] = &[
    "symbol",
    "ticker",
    "pair",
    "instrument",
    "market",
    "instid",
    "productid",
    "secid",
    "name",
    "coin",
    "s",
];
pub(crate) const CLOSED: &[&str] = &[
    "confirm",
    "closed",
    "isclosed",
    "isfinal",
    "complete",
    "iscomplete",
    "windowclose",
    "x",
    "w",
];
pub(crate) const CLOSE_TIME: &[&str] = &[
    "closetime",
    "endtime",
    "endtimestamp",
    "closetimestamp",
    "timeperiodend",
    "closetimems",
    "timeclose",
    "klineclosetime",
    "end",
    "periodend",
    "windowend",
    "barend",
];

/// Names in a header.
#[derive(Debug)]
pub(crate) struct Names {
    written: Vec<String>,
    /// Names in the form of [`plain_name`].
    pub(crate) plain: Vec<String>,
}

impl Names {
    pub(crate) fn new(names: &[String]) -> Self {
        let written = names.iter().map(|name| name.trim().to_owned()).collect();
        Self { written, plain: names.iter().map(|name| plain_name(name)).collect() }
    }

    /// Returns the name of a column as it is written.
    pub(crate) fn written(&self, index: usize) -> &str {
        &self.written[index]
    }

    /// Returns the column with a name. An exact match comes first, because exchanges use names that
    /// differ only in case: the open time `t` and the close time `T`.
    pub(crate) fn at(&self, name: &str) -> Option<usize> {
        let exact = self.written.iter().position(|written| written == name);
        exact.or_else(|| self.plain.iter().position(|plain| plain == name))
    }

    /// Iterates over all columns whose plain name matches.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = usize> {
        (0..self.plain.len()).filter(move |i| self.plain[*i] == name)
    }

    /// Returns the column of the first name in a list that the header contains.
    pub(crate) fn any(&self, list: &[&str]) -> Option<usize> {
        list.iter().find_map(|name| self.at(name))
    }

    /// Returns the columns of four names, if the header contains all of them.
    fn four(&self, [open, high, low, close]: [&str; 4]) -> Option<[usize; 4]> {
        Some([self.at(open)?, self.at(high)?, self.at(low)?, self.at(close)?])
    }

    /// Returns the four price columns and the prefix or suffix of their names, which is empty for
    /// plain names.
    pub(crate) fn prices(&self) -> Option<([usize; 4], String)> {
        let words = PRICES.map(|list| self.any(list));
        if let [Some(open), Some(high), Some(low), Some(close)] = words {
            return Some(([open, high, low, close], String::new()));
        }
        if let Some(found) = self.four(["o", "h", "l", "c"]) {
            return Some((found, String::new()));
        }
        let affixed = self
            .plain
            .iter()
            .filter_map(|name| self.affixed_words(name).or_else(|| self.affixed_letters(name)));
        // Prefers mid prices, then bid prices, then the first ones.
        affixed.min_by_key(|(_, affix)| (!affix.contains("mid"), !affix.contains("bid")))
    }

    /// Finds prices such as `priceopen` or `openmid` from the name of the open.
    fn affixed_words(&self, open: &str) -> Option<([usize; 4], String)> {
        let (before, after) = open.split_once("open")?;
        let names = ["open", "high", "low", "close"].map(|price| format!("{before}{price}{after}"));
        Some((self.four(names.each_ref().map(String::as_str))?, format!("{before}{after}")))
    }

    /// Finds prices such as `bido` from the name of the open.
    fn affixed_letters(&self, open: &str) -> Option<([usize; 4], String)> {
        let before = open.strip_suffix('o')?;
        let names = ["o", "h", "l", "c"].map(|price| format!("{before}{price}"));
        Some((self.four(names.each_ref().map(String::as_str))?, before.to_owned()))
    }
}

/// Converts a name to lower case without spaces, punctuation and a leading number: `1. Open (USD)`
/// becomes `openusd`.
fn plain_name(name: &str) -> String {
    let name = name.trim_start_matches(|c: char| c.is_ascii_digit());
    let name = name.strip_prefix(". ").unwrap_or(name);
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
