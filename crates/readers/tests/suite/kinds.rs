//! One small file of each kind of trouble: read as it should be, or refused with what to write.

use windvane_candles::{Candle, Interval, Ohlcv, Pair, Timestamp};
use windvane_readers::{NoteKind, NumberStyle, ReadError, ReadOptions, ReadResult, TimeMeaning};
use windvane_testing::{assert_hours, hours};

fn options() -> ReadOptions {
    ReadOptions::new(Pair::new("BTCUSDT").unwrap())
}

fn read(text: impl Into<String>) -> Result<ReadResult, ReadError> {
    options().read_bytes(text.into().into_bytes(), "a.csv")
}

fn refused(text: impl Into<String>) -> String {
    read(text).unwrap_err().to_string()
}

fn ohlc(v: Ohlcv) -> String {
    format!("{},{},{},{}", v.open, v.high, v.low, v.close)
}

/// Thirty hours under a header, each row written by a function.
fn file(header: &str, write: impl Fn(i64, Ohlcv) -> String) -> String {
    let rows: Vec<String> =
        hours(30).into_iter().map(|(time, values)| write(time, values)).collect();
    format!("{header}\n{}\n", rows.join("\n"))
}

/// The same at ten times the price.
fn tenfold(v: Ohlcv) -> Ohlcv {
    let Ohlcv { open, high, low, close, volume } = v;
    Ohlcv { open: 10.0 * open, high: 10.0 * high, low: 10.0 * low, close: 10.0 * close, volume }
}

#[test]
fn series_keys_of_any_name_are_refused_with_counts_and_read_one_by_one() {
    let rows = |end: &str, times: f64| {
        let rows = hours(30).into_iter().map(|(time, v)| {
            let v = if times > 1.0 { tenfold(v) } else { v };
            format!("{time},{},{},{end}\n", ohlc(v), v.volume)
        });
        rows.collect::<String>()
    };
    for (name, a, b) in [
        ("ts_code", "000001.SZ", "600519.SH"),
        ("anything", "last", "mark"),
        ("interval", "1", "60"),
        ("is_bid", "true", "false"),
        ("x", "7", "9"),
    ] {
        let head = format!("time,open,high,low,close,volume,{name}\n");
        let text = head + &rows(a, 1.0) + &rows(b, 10.0);
        let error = refused(&*text);
        let keys =
            format!("2 series in one file: {name}={a} (30 rows), {name}={b} (30 rows). Read");
        assert!(error.contains(&keys), "{error}");
        let one = options().select(name, a).read_bytes(text.clone().into_bytes(), "a").unwrap();
        assert_hours(&one.series, 30);
        assert_eq!(options().read_all_bytes(text.into_bytes(), "a").unwrap().len(), 2);
    }
    let headless = rows("A", 1.0) + &rows("B", 10.0);
    assert!(refused(headless).contains("column 7=A (30 rows), column 7=B"));
    let remark = file("time,open,high,low,close,volume,day", |t, v| {
        format!("{t},{},{},{}", ohlc(v), v.volume, ["Mon", "Tue"][usize::from(t % 7200 == 0)])
    });
    let options = options().columns("ignore=day".parse().unwrap());
    assert_hours(&options.read_bytes(remark.into_bytes(), "a").unwrap().series, 30);
}

#[test]
fn series_side_by_side_are_refused_and_selected() {
    let flat = file(
        "Date,BTC_Open,BTC_High,BTC_Low,BTC_Close,ETH_Open,ETH_High,ETH_Low,ETH_Close",
        |t, v| format!("{t},{},{}", ohlc(v), ohlc(tenfold(v))),
    );
    let levels = "Price,Open,High,Low,Close,Open,High,Low,Close\nTicker,BTC,BTC,BTC,BTC,ETH,ETH,ETH,ETH\nDate,,,,,,,,";
    let levels = file(levels, |t, v| format!("{t},{},{}", ohlc(v), ohlc(tenfold(v))));
    for text in [flat, levels] {
        let error = refused(&*text);
        assert!(error.contains("prices=btc (30 rows), prices=eth (30 rows)"), "{error}");
        let eth = options().select("prices", "ETH").read_bytes(text.into_bytes(), "a").unwrap();
        assert_eq!(eth.series.get(0).map(Candle::open), Some(1000.0));
    }
    let twice = "time,open,high,low,close,open,high,low,close";
    let error = refused(file(twice, |t, v| format!("{t},{},{}", ohlc(v), ohlc(v))));
    assert!(error.contains("several columns are called \"open\""), "{error}");
}

#[test]
fn times_of_two_columns_must_agree() {
    for (header, shift) in
        [("timestamp,bar_open", -3600), ("datetime,epoch", -19_800), ("time,received", 7)]
    {
        let text = file(&format!("{header},open,high,low,close,volume"), |t, v| {
            format!("{t},{},{},{}", t + shift, ohlc(v), v.volume)
        });
        let error = refused(text);
        assert!(error.contains("two columns hold different times"), "{error}");
    }
    let text = file("time,date,close_time,open,high,low,close,volume", |t, v| {
        format!("{t},{t}000,{},{},{}", t + 3599, ohlc(v), v.volume)
    });
    assert_hours(&read(text).unwrap().series, 30);
    let closes = file("end,open,high,low,close,volume", |t, v| {
        format!("{},{},{}", t * 1000 + 3_599_999, ohlc(v), v.volume)
    });
    assert!(refused(&*closes).contains("--columns time=end --time close"));
    let options = options().columns("time=end".parse().unwrap()).time(TimeMeaning::Close);
    assert_hours(&options.read_bytes(closes.into_bytes(), "a").unwrap().series, 30);
}

#[test]
fn times_that_are_cut_or_out_of_order_are_refused() {
    let mut rows: Vec<String> =
        hours(30).into_iter().map(|(t, v)| format!("{t},{},{}", ohlc(v), v.volume)).collect();
    rows.swap(3, 20);
    let text = format!("time,open,high,low,close,volume\n{}", rows.join("\n"));
    assert!(refused(text).contains("rows are out of order (rows ["));
    let cut = file("time,open,high,low,close,volume", |_, v| {
        format!("1.70665E+12,{},{}", ohlc(v), v.volume)
    });
    assert!(refused(cut).contains("\"1.70665E+12\" in row 2: a spreadsheet cut its digits"));
    let clock = file("date,time,open,high,low,close,volume", |t, v| {
        let minutes = (t - 1_706_652_000) / 3600 * 100;
        format!("2024-01-31,{minutes},{},{}", ohlc(v), v.volume)
    });
    assert!(refused(clock).contains("lost their leading zeros"));
    let end =
        "time,open,high,low,close,volume\n2024-01-31 23:00,1,1,1,1,5\n2024-01-31 24:00,1,1,1,1,5\n";
    assert!(refused(end).contains("24:00"));
    let options = options().time(TimeMeaning::Close);
    let read = options.read_bytes(end.into(), "a").unwrap();
    assert_eq!(read.series.candles()[1].open_time(), "2024-01-31 23:00".parse().unwrap());
}

#[test]
fn numbers_whose_sign_is_open_are_refused() {
    let prices = |price: &str| {
        format!(
            "time;open;high;low;close\n2024-01-31;{price};{price};{price};{price}\n2024-02-01;998;998;998;998\n"
        )
    };
    for price in ["1,012", "1.012"] {
        assert!(refused(prices(price)).contains("--decimal"), "{price}");
    }
    for (price, style, expected) in [
        ("1,012", NumberStyle::Point, "1012"),
        ("1,012", NumberStyle::Comma, "1.012"),
        ("1.012", NumberStyle::Comma, "1012"),
    ] {
        let options = options().number_style(style);
        let read = options.read_bytes(prices(price).into_bytes(), "a").unwrap();
        assert_eq!(read.series.candles()[0].open().to_string(), expected, "{price}");
    }
    for price in ["1\u{202f}012,5", "1'012.5", "1 012.5", "1.012,5"] {
        let read = read(prices(price)).unwrap();
        assert_eq!(read.series.candles()[0].open().to_string(), "1012.5", "{price}");
    }
}

#[test]
fn signs_of_nothing_are_no_losses() {
    let text = file("time,open,high,low,close,volume", |t, v| match t / 3600 % 4 {
        0 => format!("{t},0,0,0,0,0"),
        1 => format!("{t},{},-1", ohlc(v)),
        2 => format!(
            "{t},{},{},{},{},1",
            v.open,
            v.high.min(v.open.max(v.close)) - 1e-11,
            v.low,
            v.close
        ),
        _ => format!("{t},0,{},{},{},1", v.high, v.low, v.close),
    });
    let read = read(text).unwrap();
    for kind in [NoteKind::NoPrices, NoteKind::Volume, NoteKind::Rounding] {
        assert!(read.notes.iter().any(|note| note.kind == kind), "{kind:?}");
    }
    assert_eq!(read.rows, 30);
}

/// A file of flat candles that open at these times, dates or seconds.
fn opening_at<T: std::fmt::Display>(times: impl IntoIterator<Item = T>) -> String {
    let rows: Vec<String> = times.into_iter().map(|time| format!("{time},1,1,1,1,5")).collect();
    format!("time,open,high,low,close,volume\n{}", rows.join("\n"))
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn interval(text: &str) -> Interval {
    text.parse().unwrap()
}

/// The interval of a file and its note on the grid.
fn grid(text: String) -> (String, String) {
    let read = read(text).unwrap();
    let note = read.notes.iter().find(|note| note.text.contains(": interval "));
    (read.series.interval().to_string(), note.map_or(String::new(), |note| note.text.clone()))
}

/// Seconds of the opens of sessions of these hours, one per day from 2024-03-01 on, without
/// weekends: at the given seconds of the day in New York, whose clock changed on 2024-03-10.
fn new_york(days: i64, opens: &[i64]) -> Vec<i64> {
    let first = time("2024-03-01").millis() / 1000;
    let days = (0..days).filter(|day| !matches!((day + 4) % 7, 5 | 6));
    let zone = |day| if day < 9 { 5 * 3600 } else { 4 * 3600 };
    days.flat_map(|day| opens.iter().map(move |open| first + day * 86_400 + open + zone(day)))
        .collect()
}

#[test]
fn encodings_are_read_by_name_and_never_guessed() {
    let encoded = |header: &[u8], end: &[u8]| {
        let row = |(t, v): (i64, Ohlcv)| format!("{t},{},{}", ohlc(v), v.volume).into_bytes();
        let rows = hours(30).into_iter().flat_map(|row_of| [&row(row_of), end, b"\n"].concat());
        header.iter().copied().chain(rows).collect::<Vec<u8>>()
    };
    let read = |bytes: Vec<u8>, encoding: Option<&str>| {
        let options = options();
        let options = match encoding {
            Some(name) => options.encoding(name.parse().unwrap()),
            None => options,
        };
        options.read_bytes(bytes, "a.csv")
    };
    // 时间,开盘,最高,最低,收盘,成交量
    let chinese = b"\xca\xb1\xbc\xe4,\xbf\xaa\xc5\xcc,\xd7\xee\xb8\xdf,\xd7\xee\xb5\xcd,\xca\xd5\xc5\xcc,\xb3\xc9\xbd\xbb\xc1\xbf\n";
    let german = b"Datum,Er\xf6ffnung,Hoch,Tief,Schluss,Volumen\n";
    for (header, name, shown) in [
        (&chinese[..], "gbk", "GBK text"),
        (&german[..], "latin1", "windows-1252 text"),
        (&german[..], "windows-1252", "windows-1252 text"),
    ] {
        let error = read(encoded(header, b""), None).unwrap_err().to_string();
        assert!(error.contains("line 1") && error.contains("write --encoding gbk"), "{error}");
        let found = read(encoded(header, b""), Some(name)).unwrap();
        assert_hours(&found.series, 30);
        assert!(found.notes.iter().any(|note| note.text == shown), "{:?}", found.notes);
        let error = read(encoded(header, b""), Some("utf-8")).unwrap_err().to_string();
        assert!(error.contains("not UTF-8 text"), "{error}");
    }
    let text = String::from_utf8(encoded(b"time,open,high,low,close,volume\n", b"")).unwrap();
    let list = hours(30).into_iter().map(|(t, v)| format!("[{t}000,{},{}]", ohlc(v), v.volume));
    let json = format!("[{}]", list.collect::<Vec<_>>().join(","));
    for text in [text, json] {
        for to_bytes in [u16::to_le_bytes, u16::to_be_bytes] {
            let marked = format!("\u{feff}{text}");
            let bytes = |text: &str| text.encode_utf16().flat_map(to_bytes).collect::<Vec<u8>>();
            assert_hours(&read(bytes(&marked), None).unwrap().series, 30);
            assert_hours(&read(bytes(&text), None).unwrap().series, 30);
            let odd = bytes(&marked)[..101].to_vec();
            assert!(read(odd, None).unwrap_err().to_string().contains("text"));
        }
    }
}

#[test]
fn encodings_may_stay_open_where_nothing_is_read() {
    let file = |remark: &dyn Fn(usize) -> Vec<u8>, volume: &[u8]| {
        let head = b"time,open,high,low,close,volume,remark\n".to_vec();
        let row = |(i, (t, v)): (usize, (i64, Ohlcv))| {
            let cells = format!("{t},{},{}", ohlc(v), v.volume).into_bytes();
            [&cells, volume, b",", &remark(i), b"\n"].concat()
        };
        let rows = hours(30).into_iter().enumerate().flat_map(row);
        options().read_bytes(head.into_iter().chain(rows).collect(), "a.csv")
    };
    let found = file(&|_| b"gr\xfcn".to_vec(), b"").unwrap();
    assert_hours(&found.series, 30);
    assert!(found.notes.iter().any(|note| note.kind == NoteKind::Encoding));
    for refused in [
        // A number with a blank between its thousands.
        file(&|_| b"gr\xfcn".to_vec(), b"\xa0000"),
        // Two series: their names are read.
        file(&|i| if i < 15 { b"gr\xfcn".to_vec() } else { b"gr\xf6n".to_vec() }, b""),
    ] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("--encoding"), "{error}");
    }
}

#[test]
fn candles_off_the_usual_grid_have_an_offset() {
    for (shift, own, wanted) in
        [(1800, "1h+30m", "30 minutes after"), (900, "1h+15m", "15 minutes after")]
    {
        let text = file("time,open,high,low,close,volume", |t, v| {
            format!("{},{},{}", t + shift, ohlc(v), v.volume)
        });
        let (interval, note) = grid(text);
        assert_eq!(interval, own);
        assert!(note.contains(wanted), "{note}");
    }
    let week = |day: u32| opening_at((0..4).map(|i| format!("2024-01-{:02}", day + 7 * i)));
    let (sunday, note) = grid(week(7));
    assert_eq!(sunday, "1w+6d");
    assert!(note.contains("candles open on Sunday 00:00 UTC"), "{note}");
    assert_eq!(grid(week(4)).0, "1w+3d");
    assert_eq!(grid(week(8)), ("1w".to_owned(), String::new()));
    let days: Vec<String> = (1..15).map(|day| format!("2024-01-{day:02} 16:00")).collect();
    assert!(grid(opening_at(&days)).1.contains("candles open at 16:00 UTC: interval 1d+16h"));
    let seconds = opening_at((0..20).map(|hour| 1_706_652_030 + hour * 3600));
    assert!(refused(seconds).contains("most open 30000 ms after the grid of UTC"));
    // A stray row is dropped as on the usual grid.
    let mut hours: Vec<i64> = (0..300).map(|hour| 1_706_652_000 + 1800 + hour * 3600).collect();
    hours.insert(7, hours[6] + 60);
    let read = read(opening_at(&hours)).unwrap();
    assert_eq!((read.series.len(), read.series.interval()), (300, interval("1h+30m")));
    assert!(read.notes.iter().any(|note| note.kind == NoteKind::OffGrid && note.rows == 1));
}

#[test]
fn weeks_stamped_with_their_last_day_end_with_it() {
    let fridays = opening_at((0..4).map(|i| format!("2024-01-{:02}", 5 + 7 * i)));
    assert!(refused(fridays.clone()).contains("4 weeks are stamped with Fridays"));
    for (meaning, own, first) in
        [(TimeMeaning::Open, "1w+4d", "2024-01-05"), (TimeMeaning::Close, "1w+5d", "2023-12-30")]
    {
        let read = options().time(meaning).read_bytes(fridays.clone().into(), "a").unwrap();
        assert_eq!(read.series.interval(), interval(own));
        assert_eq!(read.series.candles()[0].open_time(), time(first));
    }
    let close = options().time(TimeMeaning::Close).read_bytes(fridays.into(), "a").unwrap();
    assert_eq!(close.series.close_time(0), Some(time("2024-01-06")), "the end of Friday");
    let mondays = opening_at((0..4).map(|i| format!("2024-01-{:02}", 8 + 7 * i)));
    let close = options().time(TimeMeaning::Close).read_bytes(mondays.into(), "a").unwrap();
    assert_eq!(close.series.interval(), Interval::WEEK);
    assert_eq!(close.series.close_time(0), Some(time("2024-01-08")));
}

#[test]
fn candles_across_a_clock_change_are_by_session() {
    let half_past_nine = 9 * 3600 + 1800;
    let four = new_york(30, &[half_past_nine, half_past_nine + 4 * 3600]);
    let (own, note) = grid(opening_at(&four));
    assert_eq!(own, "4h@session");
    assert!(note.contains("gap policy Sessions"), "{note}");
    // Days of foreign exchange begin at 17:00 on Sundays to Thursdays.
    let days: Vec<i64> = new_york(40, &[17 * 3600 - 86_400]);
    assert_eq!(grid(opening_at(&days)).0, "1d@session");
    assert_eq!(grid(opening_at(&days[..5])).0, "1d+22h");
    // Also without a Sunday: the date of the open ends before the candle does.
    assert_eq!(grid(opening_at(&days[2..5])).0, "1d+22h");
    // Rows that overlap others are dropped, if they are few.
    let mut strays = four.clone();
    strays.insert(5, four[4] + 600);
    let read_strays = read(opening_at(&strays)).unwrap();
    let times: Vec<i64> =
        read_strays.series.iter().map(|candle| candle.open_time().millis() / 1000).collect();
    assert_eq!(times, four);
    let mut strays = four.clone();
    (2..12).for_each(|index| strays.insert(2 * index, strays[2 * index] - 420));
    assert!(refused(opening_at(&strays)).contains("no regular interval"));
    // A market that trades through the change in autumn has a day of 25 hours.
    let midnight = |day: i64| 1_730_419_200 + day * 86_400 + if day < 3 { 4 } else { 5 } * 3600;
    let error = refused(opening_at((0..20).map(midnight)));
    assert!(error.contains("without a break") && error.contains("1d@session"), "{error}");
}

#[test]
fn the_given_grid_is_checked_against_the_file() {
    let halves = opening_at((0..30).map(|hour| 1_706_652_000 + 1800 + hour * 3600));
    let read = |text: &str, own: &str| {
        let read = options().interval(interval(own)).read_bytes(text.into(), "a");
        read.map(|read| read.series).map_err(|error| error.to_string())
    };
    for own in ["1h+30m", "1h@session"] {
        assert_eq!(read(&halves, own).unwrap().interval(), interval(own));
    }
    for own in ["1h", "1h+15m"] {
        let error = read(&halves, own).unwrap_err();
        assert_eq!(error, format!("a: looks like 1h+30m candles, expected {own}"));
    }
    assert!(read(&halves, "4h+30m").unwrap_err().contains("looks like 1h candles"));
    // Stocks of a day are read by date, unless the grid is given.
    let days = opening_at(new_york(30, &[9 * 3600 + 1800]));
    assert_eq!(read(&days, "1d").unwrap().candles()[0].open_time(), time("2024-03-01"));
    let session = read(&days, "1d@session").unwrap();
    assert_eq!(session.candles()[0].open_time(), time("2024-03-01 14:30"));
    // Hours with a pause have no regular step.
    let minutes = [9 * 60 + 30, 10 * 60 + 30, 13 * 60, 14 * 60];
    let opens: Vec<i64> = minutes.iter().map(|minute| minute * 60).collect();
    let pauses = opening_at(new_york(30, &opens));
    assert!(refused(pauses.clone()).contains("1h@session"));
    assert_eq!(read(&pauses, "1h@session").unwrap().gaps().next().unwrap().missing, 1);
    let doubled = opening_at((0..30).map(|half| 1_706_652_000 + half * 1800));
    assert!(read(&doubled, "1h@session").is_err());
}

#[test]
fn a_candle_of_a_longer_interval_is_no_later_state() {
    let all = hours(30);
    let mut rows: Vec<String> =
        all.iter().map(|(t, v)| format!("{t},{},{}", ohlc(*v), v.volume)).collect();
    let day = all[..24].iter().map(|(_, v)| *v).reduce(|a, b| Ohlcv {
        open: a.open,
        high: a.high.max(b.high),
        low: a.low.min(b.low),
        close: b.close,
        volume: a.volume + b.volume,
    });
    rows.insert(1, format!("{},{},{}", all[0].0, ohlc(day.unwrap()), day.unwrap().volume));
    let read = read(format!("time,open,high,low,close,volume\n{}", rows.join("\n"))).unwrap();
    assert_eq!(read.series.len(), 29, "neither is kept");
    assert!(read.notes.iter().any(|note| note.kind == NoteKind::Contradicting && note.rows == 2));
}

#[test]
fn running_candles_and_broken_ends_are_dropped_with_a_note() {
    let list: Vec<String> = hours(30)
        .into_iter()
        .map(|(t, v)| format!("[\"{t}000\",{},{},{}]", ohlc(v), v.volume, v.volume * v.close))
        .collect();
    let at = 1_706_652_000 + 29 * 3600 + 60;
    let bybit =
        format!("{{\"retCode\":0,\"result\":{{\"list\":[{}]}},\"time\":{at}000}}", list.join(","));
    let read_bybit = read(bybit).unwrap();
    assert_hours(&read_bybit.series, 29);
    let object = |t: i64, v: Ohlcv| {
        let Ohlcv { open, high, low, close, volume } = v;
        format!("{{\"t\":{t},\"o\":{open},\"h\":{high},\"l\":{low},\"c\":{close},\"v\":{volume}}}")
    };
    let lines = file("", object);
    let cut = format!("{}{{\"t\":17066,\"o\":", lines.trim_start());
    assert_hours(&read(cut).unwrap().series, 30);
    let cut =
        file("time,open,high,low,close,volume", |t, v| format!("{t},{},{}", ohlc(v), v.volume));
    for end in ["1706760000,100,1", "\"17067", "\""] {
        let read = read(format!("{cut}{end}")).unwrap();
        assert_hours(&read.series, 30);
        let is_noted = read.notes.iter().any(|note| note.text.contains("at the end is cut"));
        assert!(is_noted, "{end}: {:?}", read.notes);
    }
}

#[test]
fn columns_without_a_known_name_are_listed_with_the_mapping_to_write() {
    let text = file("when,first,top,bottom,final", |t, v| format!("{t},{}", ohlc(v)));
    let error = refused(&*text);
    assert!(error.contains("1 \"when\" (1706652000), 2 \"first\" (100)"), "{error}");
    assert!(error.contains("--columns time=when,open=?,high=?,low=?,close=?,volume=?"), "{error}");
    let map = "time=when,open=first,high=3,low=4,close=final,volume=none";
    let read = options().columns(map.parse().unwrap()).read_bytes(text.into_bytes(), "a").unwrap();
    assert_eq!(read.series.len(), 30);
    for wrong in ["time", "tme=x", "open=a,open=b"] {
        assert!(wrong.parse::<windvane_readers::ColumnMap>().is_err(), "{wrong}");
    }
    let error = options().columns("time=nothing".parse().unwrap()).read_bytes(
        file("time,open,high,low,close", |t, v| format!("{t},{}", ohlc(v))).into_bytes(),
        "a",
    );
    assert!(error.unwrap_err().to_string().contains("no column \"nothing\" for time"));
}

#[test]
fn exchanged_open_and_close_are_refused() {
    let text = file("time,open,high,low,close,volume", |t, v| {
        format!("{t},{},{},{},{},{}", v.close, v.high, v.low, v.open, v.volume)
    });
    assert!(refused(&*text).contains("seem to be exchanged"));
    let options = options().columns("open=close,close=open".parse().unwrap());
    assert_hours(&options.read_bytes(text.into_bytes(), "a").unwrap().series, 30);
}
