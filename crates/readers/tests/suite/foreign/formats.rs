use super::*;

/// Rows of `n` hours as the elements of a JSON list.
fn list(n: i64, write: impl Fn(i64, Ohlcv) -> String) -> String {
    rows(n, write).trim_end().replace('\n', ",")
}

fn ohlc(v: Ohlcv) -> String {
    format!("{},{},{},{}", v.open, v.high, v.low, v.close)
}

fn named(v: Ohlcv) -> String {
    let Ohlcv { open, high, low, close, .. } = v;
    format!("\"open\":{open},\"high\":{high},\"low\":{low},\"close\":{close}")
}

fn short(v: Ohlcv) -> String {
    let Ohlcv { open, high, low, close, .. } = v;
    format!("\"o\":\"{open}\",\"h\":\"{high}\",\"l\":\"{low}\",\"c\":\"{close}\"")
}

/// The volume, and the money paid for it.
fn amounts(v: Ohlcv) -> (f64, f64) {
    (v.volume, v.volume * (v.high + v.low) / 2.0)
}

#[test]
fn unfinished_candles_are_dropped_and_earlier_states_left_out() {
    let last = 1_706_652_000 + 29 * 3600;
    let okx = |t: i64, v: Ohlcv| {
        let (base, quote) = amounts(v);
        format!("[{t}000,{},{base},{quote},{quote},{}]", ohlc(v), u8::from(t < last))
    };
    let gate = |t: i64, v: Ohlcv| {
        let Ohlcv { open, high, low, close, volume } = v;
        format!(
            "[\"{t}\",\"9\",\"{close}\",\"{high}\",\"{low}\",\"{open}\",\"{volume}\",\"{}\"]",
            t < last
        )
    };
    let oanda = |t: i64, v: Ohlcv| {
        let time = date(t, "Y-M-DTh:00:00.000000000Z");
        format!(
            "{{\"complete\":{},\"volume\":{},\"time\":\"{time}\",\"mid\":{{{}}}}}",
            t < last,
            v.volume,
            short(v)
        )
    };
    let kraken = |t: i64, v: Ohlcv| format!("[{t},{},{},{},3]", ohlc(v), v.close, v.volume);
    for text in [
        format!("{{\"data\":[{}]}}", list(30, okx)),
        format!("[{}]", list(30, gate)),
        format!("{{\"candles\":[{}]}}", list(30, oanda)),
        format!("{{\"result\":{{\"XXBTZUSD\":[{}],\"last\":{}}}}}", list(30, kraken), last - 3600),
    ] {
        let reading = good(&text);
        assert_hours(&reading, 29);
        assert_eq!(note(&reading, NoteKind::Unfinished).rows, 1, "{text:.80}");
    }

    // A stream sends each candle twice before it is finished, and the last one never is.
    let message = |t: i64, v: Ohlcv, is_final: bool| {
        let close = if is_final { v.close } else { v.open };
        format!(
            "{{\"e\":\"kline\",\"E\":{t}555,\"s\":\"BTCUSDT\",\"k\":{{\"t\":{t}000,\"T\":{}999,\"s\":\"BTCUSDT\",{},\"v\":\"{}\",\"x\":{is_final},\"V\":\"1\"}}}}",
            t + 3599,
            short(Ohlcv { close, ..v }),
            v.volume,
        )
    };
    let stream = |t, v| [false, false, t < last].map(|is_final| message(t, v, is_final)).join("\n");
    let reading = good("{\"result\":null,\"id\":1}\n".to_owned() + &rows(30, stream));
    assert_hours(&reading, 29);
    assert_eq!(note(&reading, NoteKind::Unfinished).rows, 1);
    assert_eq!(note(&reading, NoteKind::Repeated).rows, 2 * 29 + 2);

    // Without a flag the last state is the candle.
    let growing = |t: i64, v: Ohlcv| {
        let early = Ohlcv { high: v.high - 0.01, volume: v.volume / 2.0, ..v };
        [early, v].map(|v| format!("{t},{},{}", ohlc(v), v.volume)).join("\n")
    };
    let reading = good(HEAD.to_owned() + &rows(30, growing));
    assert_hours(&reading, 30);
    assert_eq!(note(&reading, NoteKind::Repeated).rows, 30);

    // The same as the answers of a stream, a list in each.
    let answer = |t: i64, v: Ohlcv| {
        let (base, quote) = amounts(v);
        let cells = format!("{t}000,{},{base},{quote},{quote}", ohlc(v));
        let row = |flag: u8| format!("{{\"data\":[[{cells},{flag}]]}}");
        row(0) + "\n" + &row(1)
    };
    let reading = good(rows(30, answer));
    assert_hours(&reading, 30);
    assert_eq!(note(&reading, NoteKind::Repeated).rows, 30);
}

#[test]
fn volume_that_may_be_money_is_refused_until_the_options_name_it() {
    let header = |names: &str, write: fn(f64, f64) -> String| {
        format!("time,open,high,low,close,{names}\n")
            + &rows(30, |t, v| {
                let (base, quote) = amounts(v);
                format!("{t},{},{}", ohlc(v), write(base, quote))
            })
    };
    let base_first = |base: f64, quote: f64| format!("{base},{quote}");
    let quote_first = |base: f64, quote: f64| format!("{quote},{base}");
    for text in [
        header("vol,amount", base_first),
        header("volume,quoteVolume", base_first),
        // Lots of a hundred and thousands of money prove nothing.
        header("vol,amount", |base, quote| format!("{base},{}", quote / 10.0)),
        // A constant beside an average price proves nothing.
        header("volume,spread,vwap", |base, quote| format!("{base},1,{}", quote / base)),
        // Neither do contracts beside the number of trades.
        header("volume,vol2,trades", |base, _| format!("{base},{},7", base * 7.0)),
    ] {
        assert_hours(&good(&text), 30);
    }
    for (names, volume) in [
        ("vol,amount", "amount"),
        ("volume,quoteVolume", "quoteVolume"),
        ("v,q", "q"),
        ("Volume,Quantidade", "Quantidade"),
        ("Turnover,No.of Shares", "No.of Shares"),
    ] {
        let text = header(names, quote_first);
        let error = read(&text).unwrap_err().to_string();
        assert!(error.contains("the volume is not certain"), "{error}");
        let options = options().columns(format!("volume={volume}").parse().unwrap());
        assert_hours(&options.read_bytes(text.into_bytes(), "a").unwrap(), 30);
    }

    // Contracts, volume, money without a header.
    let swap = rows(30, |t, v| {
        let (base, quote) = amounts(v);
        format!("{t}000,{},{},{base},{quote},1", ohlc(v), base * 100.0)
    });
    assert_hours(&good(swap), 30);

    // Where the price is about 1 each could pay for the other: the names decide.
    let near_one = "time,open,high,low,close,volume,quoteVolume\n".to_owned()
        + &rows(30, |t, v| format!("{t},1,1.01,0.99,1,{},{}", v.volume, v.volume * 0.999));
    assert_eq!(good(near_one).series.candles()[0].volume().to_string(), "1000");
}

#[test]
fn names_that_differ_in_case_are_told_apart() {
    let hyperliquid = |t: i64, v: Ohlcv| {
        format!(
            "{{\"t\":{t}000,\"T\":{}999,\"s\":\"BTC\",\"i\":\"1h\",{},\"v\":\"{}\",\"n\":1}}",
            t + 3599,
            short(v),
            v.volume
        )
    };
    assert_hours(&good(format!("[{}]", list(30, hyperliquid))), 30);
    // One candle alone has its interval from the time of its close.
    assert_hours(&good(format!("[{}]", list(1, hyperliquid))), 1);
}

#[test]
fn nested_objects_and_several_lists() {
    let nested = |names: &'static [&'static str]| {
        move |t: i64, v: Ohlcv| {
            let one = |(i, name): (usize, &&str)| {
                let Ohlcv { open, high, low, close, volume } = v;
                let by = i as f64;
                let moved = Ohlcv {
                    open: open + by,
                    high: high + by,
                    low: low + by,
                    close: close + by,
                    volume,
                };
                format!("\"{name}\":{{{}}}", short(moved))
            };
            let prices = names.iter().enumerate().map(one).collect::<Vec<_>>().join(",");
            let time = date(t, "Y-M-DTh:00:00Z");
            format!("{{\"volume\":{},\"time\":\"{time}\",{prices}}}", v.volume)
        }
    };
    let reading = good(format!("[{}]", list(30, nested(&["bid", "ask"]))));
    assert_hours(&reading, 30);
    assert!(note(&reading, NoteKind::Columns).text.contains("bid.o, bid.h, bid.l, bid.c"));
    let reading = good(format!("[{}]", list(30, nested(&["mid", "bid", "ask"]))));
    assert_hours(&reading, 30);

    let plain = |t: i64, v: Ohlcv| format!("{{\"t\":{t},{},\"v\":{}}}", short(v), v.volume);
    let (all, half) = (list(30, plain), list(15, plain));
    let rest = all[half.len() + 1..].to_owned();
    assert_hours(&good(format!("[{{\"data\":[{half}]}},{{\"data\":[{rest}]}}]")), 30);
    let two = format!("{{\"bars\":{{\"BTC/USD\":[{all}],\"ETH/USD\":[{all}]}}}}");
    let error = read(&two).unwrap_err().to_string();
    assert!(error.contains("2 series in one file: key=BTC/USD (30 rows), key=ETH/USD"), "{error}");
    let both = options().read_all_bytes(two.into_bytes(), "a").unwrap();
    assert_eq!(both[1].key.as_deref(), Some("key=ETH/USD"));
    assert_eq!(both[1].series.pair().as_str(), "ETH/USD");
    for reading in &both {
        assert_hours(reading, 30);
    }
    // The time of the message is not that of the candle in it.
    let message = |t: i64, v: Ohlcv| format!("{{\"time\":{},\"result\":{}}}", t + 77, plain(t, v));
    assert_hours(&good(rows(30, message)), 30);
    // But its symbol is.
    let two =
        |t: i64, v: Ohlcv| format!("{{\"symbol\":\"{}\",\"data\":{}}}", t / 3600 % 2, plain(t, v));
    assert!(matches!(read(rows(30, two)), Err(ReadError::SeveralSeries { .. })));
}

#[test]
fn tables_of_pandas_and_of_data_services_in_json() {
    let cells = |v: Ohlcv| format!("{},{}", ohlc(v), v.volume);
    let names = "[\"open\",\"high\",\"low\",\"close\",\"volume\"]";
    let column = |of: fn(Ohlcv) -> f64| list(30, |t, v| format!("\"{t}000\":{}", of(v)));
    let columns = |times: &str| {
        format!(
            "{{{times}\"open\":{{{}}},\"high\":{{{}}},\"low\":{{{}}},\"close\":{{{}}},\"volume\":{{{}}}}}",
            column(|v| v.open),
            column(|v| v.high),
            column(|v| v.low),
            column(|v| v.close),
            column(|v| v.volume),
        )
    };
    let rows = list(30, |_, v| format!("[{}]", cells(v)));
    for text in [
        format!(
            "{{\"columns\":{names},\"index\":[{}],\"data\":[{rows}]}}",
            list(30, |t, _| format!("{t}000")),
        ),
        columns(""),
        format!(
            "{{{}}}",
            list(30, |t, v| format!("\"{t}000\":{{{},\"volume\":{}}}", named(v), v.volume))
        ),
        format!(
            "{{\"datatable\":{{\"columns\":[{{\"name\":\"date\"}},{{\"name\":\"open\"}},{{\"name\":\"high\"}},{{\"name\":\"low\"}},{{\"name\":\"close\"}},{{\"name\":\"volume\"}}],\"data\":[{}]}}}}",
            list(30, |t, v| format!("[\"{}\",{}]", date(t, "Y-M-D h:00:00"), cells(v))),
        ),
        format!(
            "{{\"candles\":{{\"columns\":[\"open\",\"close\",\"high\",\"low\",\"value\",\"volume\",\"begin\",\"end\"],\"data\":[{}]}}}}",
            list(30, |t, v| {
                let ((base, quote), Ohlcv { open, high, low, close, .. }) = (amounts(v), v);
                // Times are those of Moscow.
                let (begin, end) =
                    (date(t + 10_800, "Y-M-D h:00:00"), date(t + 10_800, "Y-M-D h:59:59"));
                format!("[{open},{close},{high},{low},{quote},{base},\"{begin}\",\"{end}\"]")
            }),
        ),
    ] {
        assert_hours(&good(&text), 30);
    }
}

#[test]
fn header_words_of_exchanges_and_languages() {
    for (header, time) in [
        ("startedAt,open,high,low,close,baseTokenVolume", "Y-M-DTh:00:00.000Z"),
        ("klineOpenTime,open,high,low,close,volume", "Y-M-D h:00"),
        ("period start,open,high,low,close,volume", "Y-M-D h:00"),
        ("bar_start,open,highest,lowest,close,volume", "Y-M-D h:00"),
        (
            "time_period_start,time_open,price_open,price_high,price_low,price_close,volume_traded",
            "Y-M-DTh:00Z,Y-M-DTh:00:07Z",
        ),
        ("Data,Otwarcie,Najwyzszy,Najnizszy,Zamkniecie,Wolumen", "Y-M-D h:00"),
        ("Datum;Eröffnung;Hoch;Tief;Schluss;Volumen", "D.M.Y h:00"),
        ("Date;Ouv.;Plus Haut;Plus Bas;Dernier;Vol.", "D/M/Y h:00"),
        ("Fecha;Apertura;Máximo;Mínimo;Último;Vol.", "D.M.Y h:00"),
        ("Data;Ora;Apertura;Massimo;Minimo;Chiusura;Volumi", "D/M/Y;h:00"),
        ("Data;Hora;Abertura;Máxima;Mínima;Fechamento;Volume", "D/M/Y;h:00"),
        ("Дата;Время;Откр.;Макс.;Мин.;Закр.;Объём", "D.M.Y;h:00"),
    ] {
        let sign = if header.contains(';') { ";" } else { "," };
        let row =
            |t, v: Ohlcv| format!("{},{},{}", date(t, time), ohlc(v), v.volume).replace(',', sign);
        let reading = good(format!("{header}\n") + &rows(30, row));
        assert_hours(&reading, 30);
        assert!(reading.format.header, "{header}");
    }
    let upbit = |t: i64, v: Ohlcv| {
        let ((base, quote), Ohlcv { open, high, low, close, .. }) = (amounts(v), v);
        format!(
            "{{\"market\":\"KRW-BTC\",\"candle_date_time_utc\":\"{}\",\"candle_date_time_kst\":\"{}\",\"opening_price\":{open},\"high_price\":{high},\"low_price\":{low},\"trade_price\":{close},\"timestamp\":{t}999,\"candle_acc_trade_price\":{quote},\"candle_acc_trade_volume\":{base}}}",
            date(t, "Y-M-DTh:00:00"),
            date(t + 9 * 3600, "Y-M-DTh:00:00"),
        )
    };
    let reading = good(format!("[{}]", list(30, upbit)));
    assert_hours(&reading, 30);
    assert!(!kinds(&reading).contains(&NoteKind::Times), "the name says UTC");
    // Only the close is known.
    for name in ["close_time", "bar_end", "End", "close_timestamp,timestamp"] {
        let times = ["2024-01-01 00:59:58", "2024-01-01 01:00"];
        let times = times[..name.split(',').count()].join(",");
        let text = format!("{name},open,high,low,close,volume\n{times},1,1,1,1,5\n");
        let error = read(text).unwrap_err();
        assert!(
            matches!(error, ReadError::Columns { .. } | ReadError::Ambiguous { .. }),
            "{error}"
        );
        assert!(error.to_string().contains("--time close"), "{error}");
    }
}

#[test]
fn days_of_spreadsheets_and_zones() {
    let at = |stamp: &dyn Fn(i64) -> String| {
        read(HEAD.to_owned() + &rows(30, |t, v| format!("{},{},{}", stamp(t), ohlc(v), v.volume)))
    };
    let reading = at(&|t| format!("{:.10}", t as f64 / 86_400.0 + 25_569.0)).unwrap();
    assert_hours(&reading, 30);
    assert!(note(&reading, NoteKind::Times).text.contains("days since 1899-12-30"));

    for (zone, behind, text) in [
        ("US/Eastern", 5, "times are of US/Eastern: converted to UTC"),
        ("America/New_York", 5, "times are of America/New_York: converted to UTC"),
        ("EST", 5, "times have an offset of -05:00: converted to UTC"),
        ("CET", -1, "times are of CET: converted to UTC"),
    ] {
        let reading = at(&|t| date(t - behind * 3600, "YMD h:00:00 ") + zone).unwrap();
        assert_hours(&reading, 30);
        assert_eq!(note(&reading, NoteKind::Times).text, text);
    }
    assert!(!kinds(&at(&|t| date(t, "Y-M-D h:00:00 UTC")).unwrap()).contains(&NoteKind::Times));
    for zone in ["CST", "IST", "Nowhere/Town"] {
        let error = at(&|t| date(t, "Y-M-D h:00:00 ") + zone).unwrap_err();
        assert!(
            error.to_string().starts_with(&format!("a.csv, line 2: time zone {zone:?}")),
            "{error}"
        );
    }

    let head = |name: &str, behind: i64| {
        let row = |t, v: Ohlcv| {
            format!("{},{},{}", date(t - behind * 3600, "Y.M.D h:00:00"), ohlc(v), v.volume)
        };
        read(format!("Time ({name}),Open,High,Low,Close,Volume\n") + &rows(30, row))
    };
    for (zone, behind) in [("EET", -2), ("UTC+8", -8), ("ET", 5)] {
        assert_hours(&head(zone, behind).unwrap(), 30);
    }
    let error = head("CST", 6).unwrap_err().to_string();
    assert!(error.starts_with("a.csv, line 1: time zone \"CST\""), "{error}");
}

#[test]
fn a_column_with_the_close_before_is_no_open() {
    let mut before = 100.0;
    let mut phemex = String::new();
    for (t, v) in hours(30) {
        phemex = format!("{phemex}{t},3600,{before},{},{},9\n", ohlc(v), v.volume);
        before = v.close;
    }
    assert_hours(&good(phemex), 30);
}

#[test]
fn fixed_decimals_are_read_as_the_prices_they_are() {
    let nanos = |price: f64| format!("{:.0}", price * 1e9);
    let header = "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol\n";
    let row = |t: i64, v: Ohlcv| {
        let [open, high, low, close] = [v.open, v.high, v.low, v.close].map(nanos);
        format!("{t}000000000,34,1,15,{open},{high},{low},{close},{},ES", v.volume)
    };
    let reading = good(header.to_owned() + &rows(30, row));
    assert_hours(&reading, 30);
    assert_eq!(note(&reading, NoteKind::Numbers).text, "prices are whole numbers of 1e-9");
}
