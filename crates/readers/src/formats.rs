//! Table of known formats: one row per exchange or tool, with one sample file each in
//! `tests/samples`.
//!
//! A table with names is recognised by the names that a row requires, one without names by the
//! kinds of its cells in every row. All names are written as [`plain_name`](super::names::plain_name)
//! writes them; `*` at the end stands for any continuation.

use super::names::has;

/// Meaning of the times of a format.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Stamps {
    /// Times of the open.
    Open,
    /// Times of the close.
    Close,
    /// Either, by a setting of the tool: the user has to tell.
    Either,
}

/// Format of a table whose columns have names.
#[derive(Debug)]
pub(crate) struct NamedFormat {
    /// Exchange or tool.
    pub(crate) name: &'static str,
    /// Names that must all be there.
    pub(crate) needs: &'static [&'static str],
    /// Column of the time; empty if it is found by its plain name.
    pub(crate) time: &'static str,
    pub(crate) stamps: Stamps,
    /// Zone of times that have none.
    pub(crate) zone: &'static str,
    /// Open, high, low and close; empty if they are found by their plain names.
    pub(crate) prices: [&'static str; 4],
    /// Column of the volume; empty if it is found by its plain name.
    pub(crate) volume: &'static str,
    /// Flag of finished candles; empty if it is found by its plain name.
    pub(crate) finished: &'static str,
    /// Other columns that belong to a candle: times, counts, states of the answer. They tell no
    /// series apart.
    pub(crate) beside: &'static [&'static str],
    /// Whether later rows replace earlier ones of the same time.
    pub(crate) is_log: bool,
    /// Whether candles are there twice, with prices that differ by rounding.
    pub(crate) has_versions: bool,
    /// A remark for the user.
    pub(crate) remark: &'static str,
}

const PLAIN: NamedFormat = NamedFormat {
    name: "",
    needs: &[],
    time: "",
    stamps: Stamps::Open,
    zone: "",
    prices: ["", "", "", ""],
    volume: "",
    finished: "",
    beside: &[],
    is_log: false,
    has_versions: false,
    remark: "",
};

impl NamedFormat {
    /// Whether some names are those of the format.
    pub(crate) fn matches(&self, plain: &[String]) -> bool {
        self.needs.iter().all(|name| has(plain, name))
    }
}

/// Formats with names, the more special ones first.
pub(crate) const NAMED: &[NamedFormat] = &[
    NamedFormat {
        name: "Binance archive",
        needs: &["opentime", "closetime", "takerbuy*"],
        time: "opentime",
        ..PLAIN
    },
    NamedFormat { name: "Binance columns", needs: &["takerbuy*"], ..PLAIN },
    NamedFormat {
        name: "Binance stream",
        needs: &["t", "o", "h", "l", "c", "v", "x"],
        time: "t",
        volume: "v",
        finished: "x",
        beside: &["e", "n", "f", "b", "q", "eventtime"],
        is_log: true,
        ..PLAIN
    },
    NamedFormat {
        name: "Hyperliquid",
        needs: &["t", "i", "o", "h", "l", "c", "v", "n"],
        time: "t",
        volume: "v",
        ..PLAIN
    },
    NamedFormat {
        name: "CryptoDataDownload",
        needs: &["unix", "symbol", "volume*"],
        time: "unix",
        volume: "volume*",
        beside: &["date"],
        has_versions: true,
        ..PLAIN
    },
    NamedFormat {
        name: "CryptoDataDownload",
        needs: &["date", "symbol", "volume*", "tradecount"],
        time: "date",
        volume: "volume*",
        ..PLAIN
    },
    NamedFormat {
        name: "CryptoDataDownload",
        needs: &["date", "symbol", "volumebtc|volumeeth|volumeltc", "volumeusd*"],
        time: "date",
        volume: "volume*",
        ..PLAIN
    },
    NamedFormat {
        name: "Databento",
        needs: &["rtype", "publisherid", "tsevent"],
        time: "tsevent",
        beside: &["rtype"],
        ..PLAIN
    },
    NamedFormat {
        name: "NautilusTrader",
        needs: &["tsevent", "tsinit"],
        time: "tsevent",
        stamps: Stamps::Either,
        beside: &["tsinit"],
        ..PLAIN
    },
    NamedFormat {
        name: "TradeStation API",
        needs: &["timestamp", "totalvolume", "barstatus"],
        time: "timestamp",
        stamps: Stamps::Close,
        volume: "totalvolume",
        finished: "barstatus",
        beside: &["epoch", "isrealtime", "isendofhistory"],
        ..PLAIN
    },
    NamedFormat {
        name: "TradeStation or MultiCharts",
        needs: &["date", "time", "up", "down"],
        stamps: Stamps::Either,
        volume: "vol|volume|",
        remark: "without a column of all volume it is 0: Up and Down are not added",
        ..PLAIN
    },
    NamedFormat {
        name: "Tiingo",
        needs: &["date", "adjopen", "divcash"],
        volume: "volume",
        ..PLAIN
    },
    NamedFormat { name: "Yahoo Finance", needs: &["adjclose"], ..PLAIN },
    NamedFormat { name: "yfinance", needs: &["dividends", "stocksplits"], ..PLAIN },
    NamedFormat { name: "Dukascopy", needs: &["gmttime"], time: "gmttime", zone: "UTC", ..PLAIN },
    NamedFormat { name: "Dukascopy", needs: &["localtime"], time: "localtime", ..PLAIN },
    NamedFormat {
        name: "MetaTrader 5",
        needs: &["date", "tickvol", "spread"],
        volume: "tickvol",
        ..PLAIN
    },
    NamedFormat {
        name: "MetaTrader 5",
        needs: &["time", "tickvolume", "spread", "realvolume"],
        time: "time",
        volume: "tickvolume",
        ..PLAIN
    },
    NamedFormat { name: "Stooq", needs: &["ticker", "per", "date", "vol"], volume: "vol", ..PLAIN },
    NamedFormat {
        name: "MetaStock or Forexite",
        needs: &["ticker", "dtyyyymmdd"],
        time: "dtyyyymmdd",
        volume: "vol*",
        ..PLAIN
    },
    NamedFormat {
        name: "Investing.com",
        needs: &["date", "price", "change*"],
        prices: ["open", "high", "low", "price"],
        volume: "vol|volume|",
        ..PLAIN
    },
    NamedFormat {
        name: "Nasdaq.com",
        needs: &["date", "closelast"],
        prices: ["open", "high", "low", "closelast"],
        ..PLAIN
    },
    NamedFormat {
        name: "Polygon or Alpaca",
        needs: &["t", "o", "h", "l", "c", "v", "vw", "n"],
        time: "t",
        volume: "v",
        ..PLAIN
    },
    NamedFormat {
        name: "Polygon flat file",
        needs: &["ticker", "windowstart", "transactions"],
        time: "windowstart",
        ..PLAIN
    },
    NamedFormat {
        name: "HTX",
        needs: &["id", "amount", "vol", "count", "open"],
        time: "id",
        volume: "amount",
        ..PLAIN
    },
    NamedFormat {
        name: "CoinAPI",
        needs: &["timeperiodstart", "priceopen"],
        time: "timeperiodstart",
        prices: ["priceopen", "pricehigh", "pricelow", "priceclose"],
        volume: "volumetraded",
        beside: &["timeperiodend", "timeopen", "timeclose"],
        ..PLAIN
    },
    NamedFormat {
        name: "FXCM",
        needs: &["bidopen", "askopen"],
        prices: ["bidopen", "bidhigh", "bidlow", "bidclose"],
        volume: "tickqty|volume|",
        remark: "prices are those of the bid; those of the ask are left out",
        ..PLAIN
    },
    NamedFormat {
        name: "OANDA, mid prices",
        needs: &["time", "mido", "midh", "midl", "midc"],
        time: "time",
        prices: ["mido", "midh", "midl", "midc"],
        ..PLAIN
    },
    NamedFormat {
        name: "OANDA, bid prices",
        needs: &["time", "bido", "bidh", "bidl", "bidc", "asko"],
        time: "time",
        prices: ["bido", "bidh", "bidl", "bidc"],
        remark: "prices are taken from bid.o, bid.h, bid.l, bid.c; those of the ask are left out",
        ..PLAIN
    },
    NamedFormat {
        name: "Bybit",
        needs: &["turnover", "start", "end", "confirm"],
        time: "start",
        beside: &["timestamp"],
        is_log: true,
        ..PLAIN
    },
    NamedFormat { name: "Bybit", needs: &["turnover", "startat|start"], ..PLAIN },
    NamedFormat { name: "OKX", needs: &["volccy", "confirm"], volume: "vol|volume", ..PLAIN },
    NamedFormat {
        name: "BitMEX",
        needs: &["timestamp", "homenotional", "lastsize"],
        time: "timestamp",
        stamps: Stamps::Close,
        remark: "volume is in contracts",
        ..PLAIN
    },
    NamedFormat {
        name: "Upbit",
        needs: &["candledatetimeutc", "openingprice", "tradeprice"],
        time: "candledatetimeutc",
        zone: "UTC",
        prices: ["openingprice", "highprice", "lowprice", "tradeprice"],
        volume: "candleacctradevolume",
        beside: &["candledatetimekst", "timestamp"],
        ..PLAIN
    },
    NamedFormat {
        name: "dYdX",
        needs: &["startedat", "basetokenvolume"],
        time: "startedat",
        volume: "basetokenvolume",
        beside: &["updatedat"],
        ..PLAIN
    },
    NamedFormat {
        name: "MOEX",
        needs: &["begin", "end", "value", "volume"],
        time: "begin",
        zone: "Europe/Moscow",
        ..PLAIN
    },
    NamedFormat {
        name: "HitBTC",
        needs: &["timestamp", "open", "close", "min", "max", "volumequote"],
        time: "timestamp",
        prices: ["open", "max", "min", "close"],
        volume: "volume",
        ..PLAIN
    },
    NamedFormat {
        name: "CoinMarketCap",
        needs: &["timeopen", "timeclose", "timehigh", "timelow"],
        time: "timeopen",
        prices: ["open", "high", "low", "close"],
        beside: &["timeclose", "timehigh", "timelow", "timestamp"],
        remark: "volume is in the currency of the prices, of all exchanges",
        ..PLAIN
    },
    NamedFormat {
        name: "CryptoCompare",
        needs: &["time", "volumefrom", "volumeto"],
        time: "time",
        volume: "volumefrom",
        ..PLAIN
    },
    NamedFormat {
        name: "Birdeye",
        needs: &["unixtime", "o", "h", "l", "c", "v"],
        time: "unixtime",
        volume: "v",
        ..PLAIN
    },
    NamedFormat {
        name: "Uniswap subgraph",
        needs: &["periodstartunix", "open", "volume", "volumeusd"],
        time: "periodstartunix",
        volume: "volume",
        ..PLAIN
    },
    NamedFormat {
        name: "Deribit",
        needs: &["ticks", "open", "cost", "volume"],
        time: "ticks",
        ..PLAIN
    },
    NamedFormat {
        name: "EODHD",
        needs: &["timestamp", "gmtoffset", "datetime"],
        time: "timestamp",
        beside: &["datetime", "gmtoffset"],
        ..PLAIN
    },
    NamedFormat {
        name: "Interactive Brokers",
        needs: &["date", "average", "barcount"],
        time: "date",
        ..PLAIN
    },
    NamedFormat {
        name: "baostock, minutes",
        needs: &["date", "time", "code", "adjustflag"],
        time: "time",
        stamps: Stamps::Close,
        zone: "Asia/Shanghai",
        beside: &["date"],
        ..PLAIN
    },
    NamedFormat {
        name: "Futu",
        needs: &["timekey", "lastclose"],
        time: "timekey",
        stamps: Stamps::Either,
        ..PLAIN
    },
    NamedFormat {
        name: "tushare",
        needs: &["tscode", "tradedate"],
        time: "tradedate",
        volume: "vol",
        remark: "volume is in lots of a hundred shares",
        ..PLAIN
    },
    NamedFormat {
        name: "German columns",
        needs: &["datum"],
        time: "datum",
        prices: ["eröffnung|eröffn", "hoch|höchst", "tief|tiefst", "schluss|schlusskurs|zuletzt"],
        volume: "volumen|vol|volume|",
        ..PLAIN
    },
    NamedFormat {
        name: "French columns",
        needs: &["date"],
        prices: ["ouverture|ouv", "plushaut|haut", "plusbas|bas", "clôture|cloture|dernier"],
        volume: "volume|vol|",
        ..PLAIN
    },
    NamedFormat {
        name: "Spanish columns",
        needs: &["fecha"],
        time: "fecha",
        prices: ["apertura", "máximo|maximo", "mínimo|minimo", "cierre|último|ultimo"],
        volume: "volumen|vol|volume|",
        ..PLAIN
    },
    NamedFormat {
        name: "Italian columns",
        needs: &["data"],
        time: "data",
        prices: ["apertura", "massimo", "minimo", "chiusura|ultimo"],
        volume: "volumi|volume|vol|",
        ..PLAIN
    },
    NamedFormat {
        name: "Portuguese columns",
        needs: &["data"],
        time: "data",
        prices: ["abertura", "máxima|maxima", "mínima|minima", "fechamento|último|ultimo"],
        volume: "volume|vol|",
        ..PLAIN
    },
    NamedFormat {
        name: "Polish columns",
        needs: &["data"],
        time: "data",
        prices: ["otwarcie", "najwyzszy", "najnizszy", "zamkniecie"],
        volume: "wolumen|",
        ..PLAIN
    },
    NamedFormat {
        name: "Russian columns",
        needs: &["дата"],
        time: "дата",
        prices: ["открытие|откр", "максимум|макс", "минимум|мин", "закрытие|закр|цена"],
        volume: "объём|объем|",
        ..PLAIN
    },
    NamedFormat {
        name: "Turkish columns",
        needs: &["tarih"],
        time: "tarih",
        prices: ["açılış", "yüksek", "düşük", "şimdi"],
        volume: "hac|",
        ..PLAIN
    },
    NamedFormat {
        name: "Chinese columns",
        needs: &["日期|时间|日期时间"],
        time: "日期时间|日期|时间",
        prices: ["开盘|开盘价", "最高|最高价|高", "最低|最低价|低", "收盘|收盘价"],
        volume: "成交量|交易量|",
        ..PLAIN
    },
    NamedFormat {
        name: "Japanese columns",
        needs: &["日付|日付け|日時"],
        time: "日時|日付|日付け",
        prices: ["始値", "高値", "安値", "終値"],
        volume: "出来高|",
        ..PLAIN
    },
    NamedFormat {
        name: "Korean columns",
        needs: &["날짜|일자"],
        time: "날짜|일자",
        prices: ["시가", "고가", "저가", "종가"],
        volume: "거래량|",
        ..PLAIN
    },
];

/// Format of a table without names, by the kinds of its cells.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    /// One letter per cell; cells of text are left out before the comparison.
    ///
    /// | letter | cell |
    /// |---|---|
    /// | `t` | time as an epoch number |
    /// | `T` | close time as an epoch number, after the time |
    /// | `d`, `k` | date; time of day |
    /// | `D` | date and time of day in one cell |
    /// | `N` | the same as `20240131 053000` |
    /// | `o h l c v` | prices and volume |
    /// | `q` | money, which divided by the volume is a price of the candle |
    /// | `n` | whole number |
    /// | `f` | flag of finished candles: 0, 1, true or false |
    /// | `#` | any number |
    pub(crate) cells: &'static str,
    pub(crate) stamps: Stamps,
}

const fn shape(name: &'static str, cells: &'static str) -> Shape {
    Shape { name, cells, stamps: Stamps::Open }
}

/// Formats without names. Where several fit, those whose money fits the volume are taken.
pub(crate) const SHAPES: &[Shape] = &[
    shape("Binance archive", "tohlcvTqn###"),
    shape("Binance archive", "tohlcvTqn##"),
    shape("MEXC", "tohlcvTq"),
    shape("Kraken OHLCVT", "tohlcvn"),
    shape("Bybit", "tohlcvq"),
    shape("Kraken", "tohlc#vn"),
    shape("Bitget", "tohlcvqq"),
    shape("OKX", "tohlcv#qf"),
    shape("OKX, contracts", "tohlc#vqf"),
    shape("freqtrade or CCXT order", "tohlcv"),
    shape("Bitfinex order", "tochlv"),
    shape("KuCoin order", "tochlvq"),
    shape("Coinbase order", "tlhocv"),
    shape("Gate order", "tvchlo"),
    shape("Gate order", "tqchlovf"),
    shape("Phemex", "t##ohlcvq"),
    shape("Phemex", "t##ohlcv"),
    shape("Poloniex", "lhocqv##n##tT"),
    Shape { name: "CoinGecko", cells: "tohlc", stamps: Stamps::Either },
    Shape { name: "HistData or NinjaTrader", cells: "Nohlcv", stamps: Stamps::Either },
    shape("MetaTrader 4 or HistData", "dkohlcv"),
    shape("dates in the order of CCXT", "dohlcv"),
    shape("dates in the order of CCXT", "Dohlcv"),
];

/// Names of all known formats, in the order of the table.
///
/// Other files are read by plain column names, or by the columns in
/// [`ReadOptions`](crate::ReadOptions).
pub fn known_formats() -> Vec<&'static str> {
    let named = NAMED.iter().map(|format| format.name);
    let mut names: Vec<&str> = named.chain(SHAPES.iter().map(|shape| shape.name)).collect();
    names.dedup();
    names
}
