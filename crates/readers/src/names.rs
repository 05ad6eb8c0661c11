//! What columns are called.

/// Names of the time, the surest first, as [`plain_name`] writes them: a name that says the
/// beginning before one that only says a time.
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
/// a few others. The last of the close are taken only if there is no other.
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
/// Names of the volume in units of what is traded, the surest first.
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
/// Currencies that prices are usually written in.
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

/// The names of a header.
#[derive(Debug)]
pub(crate) struct Names {
    written: Vec<String>,
    /// The same as [`plain_name`] writes them.
    pub(crate) plain: Vec<String>,
}

impl Names {
    pub(crate) fn new(names: &[String]) -> Self {
        let written = names.iter().map(|name| name.trim().to_owned()).collect();
        Self { written, plain: names.iter().map(|name| plain_name(name)).collect() }
    }

    /// The name of a column as it is written.
    pub(crate) fn written(&self, index: usize) -> &str {
        &self.written[index]
    }

    /// The column of a name. Of names that differ in their case alone the one written just so is
    /// taken: exchanges write the open time `t` beside the close time `T`.
    pub(crate) fn at(&self, name: &str) -> Option<usize> {
        let exact = self.written.iter().position(|written| written == name);
        exact.or_else(|| self.plain.iter().position(|plain| plain == name))
    }

    /// All columns of a name, however it is written.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = usize> {
        (0..self.plain.len()).filter(move |i| self.plain[*i] == name)
    }

    /// The first of some names that there is.
    pub(crate) fn any(&self, list: &[&str]) -> Option<usize> {
        list.iter().find_map(|name| self.at(name))
    }

    /// The columns of four names, if all are there.
    fn four(&self, [open, high, low, close]: [&str; 4]) -> Option<[usize; 4]> {
        Some([self.at(open)?, self.at(high)?, self.at(low)?, self.at(close)?])
    }

    /// The four prices, and the text before or after their names if they are not the plain ones.
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
        // The mean of bid and ask, or else what one can sell at; then the first.
        affixed.min_by_key(|(_, affix)| (!affix.contains("mid"), !affix.contains("bid")))
    }

    /// Prices such as `priceopen` or `openmid`, from the name of the open.
    fn affixed_words(&self, open: &str) -> Option<([usize; 4], String)> {
        let (before, after) = open.split_once("open")?;
        let names = ["open", "high", "low", "close"].map(|price| format!("{before}{price}{after}"));
        Some((self.four(names.each_ref().map(String::as_str))?, format!("{before}{after}")))
    }

    /// Prices such as `bido`, from the name of the open.
    fn affixed_letters(&self, open: &str) -> Option<([usize; 4], String)> {
        let before = open.strip_suffix('o')?;
        let names = ["o", "h", "l", "c"].map(|price| format!("{before}{price}"));
        Some((self.four(names.each_ref().map(String::as_str))?, before.to_owned()))
    }
}

/// A name without case, blanks, signs and a number in front: `1. Open (USD)` is `openusd`.
fn plain_name(name: &str) -> String {
    let name = name.trim_start_matches(|c: char| c.is_ascii_digit());
    let name = name.strip_prefix(". ").unwrap_or(name);
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
