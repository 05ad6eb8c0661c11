//! Answers and messages in the form that each exchange documents.
#![allow(clippy::unwrap_used, reason = "a test may stop")]
use serde_json::{Value, json};
use windvane_candles::{Candle, Interval, Ohlcv, Timestamp, TradeSide};
use windvane_exchange::exchanges::by_name;
use windvane_exchange::{EXCHANGES, ExchangeError, Market, Update};

fn market(pair: &str) -> Market {
    Market::new(pair.parse().unwrap(), Interval::HOUR)
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn candle(open_time: &str, values: [f64; 5]) -> Candle {
    let [open, high, low, close, volume] = values;
    Candle::new(time(open_time), Ohlcv { open, high, low, close, volume }).unwrap()
}

fn history(exchange: &str, pair: &str, answer: &Value) -> Result<Vec<Candle>, ExchangeError> {
    by_name(exchange).unwrap().parse_history(&market(pair), answer)
}

fn updates(exchange: &str, pair: &str, message: &Value) -> Vec<Update> {
    by_name(exchange).unwrap().parse_message(&market(pair), message).unwrap()
}

fn url(exchange: &str, pair: &str) -> String {
    let (from, to) = (time("2024-01-01"), time("2024-01-01 03:00"));
    by_name(exchange).unwrap().history_url(&market(pair), from, to).unwrap()
}

#[test]
fn binance_messages_of_its_documentation() {
    let row = json!([
        1_499_040_000_000_i64,
        "0.01634790",
        "0.80000000",
        "0.01575800",
        "0.01577100",
        "148976.11427815",
        1_499_644_799_999_i64,
        "2434.19055334",
        308,
        "1756.87402397",
        "28.46694368",
        "0"
    ]);
    let expected =
        candle("2017-07-03", [0.016_347_90, 0.8, 0.015_758, 0.015_771, 148_976.114_278_15]);
    assert_eq!(history("binance", "BNBBTC", &json!([row])).unwrap(), [expected]);
    assert_eq!(
        url("binance", "BTCUSDT"),
        "https://api.binance.com/api/v3/klines?symbol=BTCUSDT&interval=1h&startTime=1704067200000&endTime=1704077999999&limit=1000"
    );
    let kline = |x: bool| {
        json!({ "e": "kline", "E": 1_672_515_782_136_i64, "s": "BNBBTC", "k": {
            "t": 1_672_515_780_000_i64, "T": 1_672_515_839_999_i64, "s": "BNBBTC", "i": "1m", "f": 100, "L": 200,
            "o": "0.0010", "c": "0.0020", "h": "0.0025", "l": "0.0005", "v": "1000", "n": 100, "x": x,
            "q": "1.0000", "V": "500", "Q": "0.500", "B": "123456" } })
    };
    let expected = candle("2022-12-31 19:43", [0.001, 0.0025, 0.0005, 0.002, 1_000.0]);
    for closed in [false, true] {
        let update = Update::Candle { candle: expected, closed: Some(closed) };
        assert_eq!(updates("binance", "BNBBTC", &kline(closed)), [update]);
    }
    assert!(updates("binance", "BNBBTC", &json!({ "result": null, "id": 1 })).is_empty());
    let (url, subscription) = by_name("binance").unwrap().subscription(&market("BTCUSDT")).unwrap();
    assert_eq!(url, "wss://stream.binance.com:9443/ws/btcusdt@kline_1h");
    assert!(subscription.is_none());
}

#[test]
fn bybit_messages_of_its_documentation() {
    let list = json!([
        ["1670608800000", "17071", "17073", "17027", "17055.5", "268611", "15.74462667"],
        ["1670605200000", "17071.5", "17071.5", "17061", "17071", "4177", "0.24469757"],
    ]);
    let result = json!({ "symbol": "BTCUSD", "category": "inverse", "list": list });
    let answer = json!({ "retCode": 0, "retMsg": "OK", "result": result });
    let first = candle("2022-12-09 18:00", [17_071.0, 17_073.0, 17_027.0, 17_055.5, 268_611.0]);
    assert_eq!(history("bybit", "BTCUSD", &answer).unwrap()[0], first);
    let refused = json!({ "retCode": 10_001, "retMsg": "params error: Symbol Is Invalid" });
    let error = history("bybit", "X", &refused).unwrap_err().to_string();
    assert!(error.contains("Symbol Is Invalid"), "{error}");
    let data = json!([{ "start": 1_672_324_800_000_i64, "end": 1_672_325_099_999_i64, "interval": "5",
        "open": "16649.5", "close": "16677", "high": "16677", "low": "16608", "volume": "2.081",
        "turnover": "34666.4005", "confirm": false, "timestamp": 1_672_324_988_882_i64 }]);
    let message = json!({ "topic": "kline.5.BTCUSDT", "data": data, "ts": 1_672_324_988_882_i64, "type": "snapshot" });
    let expected = candle("2022-12-29 14:40", [16_649.5, 16_677.0, 16_608.0, 16_677.0, 2.081]);
    let expected = Update::Candle { candle: expected, closed: Some(false) };
    assert_eq!(updates("bybit", "BTCUSDT", &message), [expected]);
    let (_, subscription) = by_name("bybit").unwrap().subscription(&market("BTCUSDT")).unwrap();
    assert_eq!(subscription.unwrap()["args"], json!(["kline.60.BTCUSDT"]));
    assert!(updates("bybit", "BTCUSDT", &json!({ "success": true, "op": "subscribe" })).is_empty());
}

#[test]
fn okx_messages_of_its_documentation() {
    let row = json!([
        "1597026383085",
        "3.721",
        "3.743",
        "3.677",
        "3.708",
        "8422410",
        "22698348.04828491",
        "12698348.04828491",
        "1"
    ]);
    let expected = Timestamp::from_millis(1_597_026_383_085);
    let answer = json!({ "code": "0", "msg": "", "data": [row] });
    let found = history("okx", "BTC-USDT", &answer).unwrap()[0];
    assert_eq!((found.open_time(), found.high(), found.volume()), (expected, 3.743, 8_422_410.0));
    let argument = json!({ "channel": "candle1H", "instId": "BTC-USDT" });
    let message = json!({ "arg": argument, "data": [row] });
    let update = Update::Candle { candle: found, closed: Some(true) };
    assert_eq!(updates("okx", "BTC-USDT", &message), [update]);
    assert!(
        updates("okx", "BTC-USDT", &json!({ "event": "subscribe", "arg": argument })).is_empty()
    );
    let refused = json!({ "event": "error", "code": "60012", "msg": "Invalid request" });
    let refused = by_name("okx").unwrap().parse_message(&market("BTC-USDT"), &refused);
    assert!(matches!(refused, Err(ExchangeError::Refused { .. })));
    assert!(url("okx", "BTC-USDT").contains("bar=1H&before=1704067199999&after=1704078000000"));
}

#[test]
fn kraken_messages_of_its_documentation() {
    let rows = json!([[
        1_688_671_200,
        "30306.1",
        "30306.2",
        "30305.7",
        "30305.7",
        "30306.1",
        "3.39243896",
        23
    ]]);
    let answer = json!({ "error": [], "result": { "XXBTZUSD": rows, "last": 1_688_672_160 } });
    let expected =
        candle("2023-07-06 19:20", [30_306.1, 30_306.2, 30_305.7, 30_305.7, 3.392_438_96]);
    assert_eq!(history("kraken", "BTC/USD", &answer).unwrap(), [expected]);
    let error = history("kraken", "X/Y", &json!({ "error": ["EQuery:Unknown asset pair"] }));
    assert!(error.unwrap_err().to_string().contains("Unknown asset pair"));
    let row = json!({ "symbol": "MATIC/USD", "open": 0.5624, "high": 0.5628, "low": 0.5622, "close": 0.5627,
        "trades": 12, "volume": 30_927.689_763_52, "vwap": 0.562_656_8,
        "interval_begin": "2023-10-04T16:25:00.000000000Z", "interval": 5,
        "timestamp": "2023-10-04T16:30:00.000000Z" });
    let message = json!({ "channel": "ohlc", "type": "update", "data": [row] });
    let expected = candle("2023-10-04 16:25", [0.5624, 0.5628, 0.5622, 0.5627, 30_927.689_763_52]);
    assert_eq!(
        updates("kraken", "MATIC/USD", &message),
        [Update::Candle { candle: expected, closed: None }]
    );
    assert!(updates("kraken", "MATIC/USD", &json!({ "channel": "heartbeat" })).is_empty());
    let error = by_name("kraken").unwrap().subscription(&market("BTCUSD")).unwrap_err();
    assert!(error.to_string().contains("BTC/USD"), "{error}");
}

#[test]
fn coinbase_messages_of_its_documentation() {
    // time, low, high, open, close, volume
    let answer = json!([[1_415_398_768, 0.32, 4.2, 0.35, 4.2, 12.3]]);
    let found = history("coinbase", "BTC-USD", &answer).unwrap()[0];
    assert_eq!(
        found.values(),
        Ohlcv { open: 0.35, high: 4.2, low: 0.32, close: 4.2, volume: 12.3 }
    );
    let error = history("coinbase", "X", &json!({ "message": "NotFound" })).unwrap_err();
    assert!(error.to_string().contains("NotFound"), "{error}");
    let message = json!({ "type": "match", "trade_id": 10, "sequence": 50,
        "maker_order_id": "ac928c66", "taker_order_id": "132fb6ae", "time": "2014-11-07T08:19:27.028459Z",
        "product_id": "BTC-USD", "size": "5.23512", "price": "400.23", "side": "sell" });
    let [Update::Trade(trade)] = updates("coinbase", "BTC-USD", &message)[..] else {
        panic!("a trade")
    };
    assert_eq!((trade.price, trade.size, trade.side), (400.23, 5.235_12, Some(TradeSide::Buy)));
    assert_eq!(trade.time, time("2014-11-07 08:19:27.028"));
    let url = url("coinbase", "BTC-USD");
    assert!(
        url.ends_with("granularity=3600&start=2024-01-01T00:00:00Z&end=2024-01-01T02:00:00Z"),
        "{url}"
    );
}

#[test]
fn exchange_errors_say_what_is_possible() {
    for name in EXCHANGES {
        let exchange = by_name(name).unwrap();
        assert_eq!(exchange.name(), name);
        let odd =
            Market { interval: Interval::from_millis(7 * 60_000).unwrap(), ..market("BTC-USD") };
        let error = exchange.subscription(&odd).unwrap_err().to_string();
        assert!(error.contains("7m") && error.contains("15m"), "{error}");
        let other = exchange.parse_history(&market("BTC-USD"), &json!({ "unknown": 1 }));
        assert!(other.is_err(), "{name}");
        // An offset grid is no interval of an exchange.
        let interval = Interval::HOUR.with_offset(1_800_000).unwrap();
        let offset = Market { interval, ..market("BTC-USD") };
        assert!(exchange.history_url(&offset, time("2024-01-01"), time("2024-01-02")).is_err());
    }
    assert!(by_name("mtgox").unwrap_err().to_string().contains("kraken"));
}
