//! The reader of files of exchanges and tools.

mod formats;
mod properties;

use std::io::Write;

use windvane_candles::{Candle, Interval, Ohlcv, Pair, Timestamp};
use windvane_readers::{Note, NoteKind, ReadError, ReadOptions, ReadResult, read_bytes};
use windvane_testing::hours;

fn read(bytes: impl AsRef<[u8]>) -> Result<ReadResult, ReadError> {
    read_bytes(bytes.as_ref().to_vec(), "a.csv", Pair::new("BTCUSDT").unwrap())
}

fn options() -> ReadOptions {
    ReadOptions::new(Pair::new("BTCUSDT").unwrap())
}

/// Reads, whatever comes of it, in memory of a small multiple of the file: a cell of two signs of
/// JSON is a value of 32 bytes in a list that grows by doubling. What is packed may be larger.
fn read_within_memory(bytes: impl AsRef<[u8]>) {
    let bytes = bytes.as_ref();
    let unpacked = 200 * bytes.len() as u64 + (1 << 20);
    let most = match bytes {
        [b'P', b'K', ..] | [0x1f, 0x8b, ..] => 64 * unpacked,
        _ => 80 * bytes.len() as u64 + (64 << 10),
    };
    let memory = allocation_counter::measure(|| drop(read(bytes)));
    assert!(memory.bytes_max <= most, "{} bytes of at most {most}", memory.bytes_max);
}

/// The most of all: a list of 2^14 objects of two bytes grows by one.
#[test]
fn the_list_that_has_just_grown_takes_little_memory() {
    for cell in ["{}", "[]"] {
        (14..17).for_each(|power| read_within_memory(cell.repeat((1 << power) + 1)));
    }
}

fn good(bytes: impl AsRef<[u8]>) -> ReadResult {
    read(bytes).unwrap()
}

fn kinds(reading: &ReadResult) -> Vec<NoteKind> {
    reading.notes.iter().map(|note| note.kind).collect()
}

fn note(reading: &ReadResult, kind: NoteKind) -> &Note {
    reading.notes.iter().find(|note| note.kind == kind).unwrap()
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Rows of `n` hours, each written by a function.
fn rows(n: i64, write: impl Fn(i64, Ohlcv) -> String) -> String {
    hours(n).into_iter().map(|(time, values)| write(time, values) + "\n").collect()
}

fn assert_hours(reading: &ReadResult, n: i64) {
    windvane_testing::assert_hours(&reading.series, n);
}

#[test]
fn a_time_of_the_close_becomes_that_of_the_open() {
    let header = "timestamp,symbol,open,high,low,close,trades,volume,lastSize,homeNotional\n";
    let row = |time: i64, v: Ohlcv| {
        let Ohlcv { open, high, low, close, volume } = v;
        format!("{},XBTUSD,{open},{high},{low},{close},9,{volume},1,1", (time + 3600) * 1000)
    };
    let reading = good(header.to_owned() + &rows(30, row));
    assert_hours(&reading, 30);
    assert_eq!((note(&reading, NoteKind::Restamped).rows, reading.format.source), (30, "BitMEX"));
}

/// A time as a date, with the order of its parts as given.
fn date(seconds: i64, form: &str) -> String {
    let text = Timestamp::from_millis(seconds * 1000).to_string();
    form.replace('Y', &text[..4])
        .replace('M', &text[5..7])
        .replace('D', &text[8..10])
        .replace('h', &text[11..13])
}

/// Header, end of each row, how its time is written, and the source.
type Case = (&'static str, &'static str, fn(i64) -> String, &'static str);

#[test]
fn headers_of_many_tools_are_read() {
    let ohlcv = |v: Ohlcv| format!("{},{},{},{},{}", v.open, v.high, v.low, v.close, v.volume);
    let cases: [Case; 11] = [
        ("open_time,open,high,low,close,volume", "", |t| (t * 1000).to_string(), "named columns"),
        (
            "unix,open,high,low,close,Volume BTC,date,symbol",
            ",x,BTC/USDT",
            |t| format!("{t}.0"),
            "CryptoDataDownload",
        ),
        (
            "Date,Open,High,Low,Close,Volume,Adj Close",
            ",9",
            |t| date(t, "Y-M-D h:00"),
            "Yahoo Finance",
        ),
        ("Gmt time,Open,High,Low,Close,Volume", "", |t| date(t, "D.M.Y h:00:00.000"), "Dukascopy"),
        (
            "Local time,Open,High,Low,Close,Volume",
            "",
            |t| date(t, "D.M.Y h:00:00.000 Z+0000").replace('Z', "GMT"),
            "Dukascopy",
        ),
        (
            "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>",
            "",
            |t| date(t, "X,60,YMD,h0000"),
            "Stooq",
        ),
        (
            "\"time\",\"open\",\"high\",\"low\",\"close\",\"Volume\"",
            "",
            |t| date(t, "Y-M-DTh:00:00Z"),
            "named columns",
        ),
        (
            "timestamp,1. open,2. high,3. low,4. close,5. volume",
            "",
            |t| date(t, "Y-M-D h:00:00"),
            "named columns",
        ),
        ("t,o,h,l,c,v,vw,n", ",1,2", |t| (t * 1000).to_string(), "Polygon or Alpaca"),
        (
            "time_period_start,price_open,price_high,price_low,price_close,volume_traded",
            "",
            |t| date(t, "Y-M-DTh:00:00.0000000Z"),
            "CoinAPI",
        ),
        (
            " datetime , open , high , low , close , volume ,",
            ",",
            |t| date(t, "Y-M-D h:00:00"),
            "named columns",
        ),
    ];
    for (header, end, stamp, source) in cases {
        for newline in ["\n", "\r\n"] {
            let text = format!("\u{feff}{header}\n")
                + &rows(30, |t, v| format!("{},{}{end}", stamp(t), ohlcv(v)));
            let reading = good(text.replace('\n', newline));
            assert_hours(&reading, 30);
            assert_eq!(reading.format.source, source, "{header}");
            assert!(reading.format.header && reading.rows == 30);
        }
    }
}

#[test]
fn columns_without_a_header_are_found_by_the_shape_of_the_rows() {
    type Write = fn(i64, Ohlcv) -> String;
    let cases: [(&str, Write); 9] = [
        ("Kraken OHLCVT", |t, v| {
            format!("{t},{},{},{},{},{},3", v.open, v.high, v.low, v.close, v.volume)
        }),
        ("Binance archive", |t, v| {
            let Ohlcv { open, high, low, close, volume } = v;
            format!("{t}000000,{open},{high},{low},{close},{volume},{}999999,5,3,2,1,0", t + 3599)
        }),
        ("Bitfinex order", |t, v| {
            format!("{t}000,{},{},{},{},{}", v.open, v.close, v.high, v.low, v.volume)
        }),
        ("KuCoin order", |t, v| {
            format!("{t},{},{},{},{},{},9", v.open, v.close, v.high, v.low, v.volume)
        }),
        ("Coinbase order", |t, v| {
            format!("{t},{},{},{},{},{}", v.low, v.high, v.open, v.close, v.volume)
        }),
        ("Gate order", |t, v| {
            format!("{t},{},{},{},{},{}", v.volume, v.close, v.high, v.low, v.open)
        }),
        ("Gate order", |t, v| {
            format!("{t},9,{},{},{},{},{},true", v.close, v.high, v.low, v.open, v.volume)
        }),
        ("Kraken", |t, v| {
            format!("{t},{},{},{},{},{},{},7", v.open, v.high, v.low, v.close, v.close, v.volume)
        }),
        ("MetaTrader 4 or HistData", |t, v| {
            let Ohlcv { open, high, low, close, volume } = v;
            format!("{},{open},{high},{low},{close},{volume}", date(t, "Y.M.D,h:00"))
        }),
    ];
    for (source, write) in cases {
        let forwards = rows(40, write);
        let backwards: Vec<&str> = forwards.lines().rev().collect();
        for text in [forwards.clone(), backwards.join("\n")] {
            let reading = good(&text);
            assert_eq!(reading.format.source, source, "{text:.80}");
            assert_hours(&reading, 40);
            assert!(note(&reading, NoteKind::Columns).text.contains("no header; columns of "));
        }
    }
}

#[test]
fn answers_of_exchanges_in_json_are_read() {
    let list = |v: Ohlcv| format!("{},{},{},{},{}", v.open, v.high, v.low, v.close, v.volume);
    let texts = |v: Ohlcv| {
        format!("\"{}\",\"{}\",\"{}\",\"{}\",\"{}\"", v.open, v.high, v.low, v.close, v.volume)
    };
    let joined = |text: String| text.trim_end().replace('\n', ",");
    let plain = joined(rows(30, |t, v| format!("[{t}000,{}]", list(v))));
    let okx = joined(rows(30, |t, v| {
        let money = v.volume * v.close;
        format!("[\"{t}000\",{},\"{money}\",\"{money}\",\"1\"]", texts(v))
    }));
    let objects = joined(rows(30, |t, v| {
        let Ohlcv { open, high, low, close, volume } = v;
        format!(
            "{{\"timestamp\":\"{t}\",\"open\":\"{open}\",\"high\":{high},\"low\":{low},\"close\":{close},\"volume\":{volume}}}"
        )
    }));
    let keyed = joined(rows(30, |t, v| {
        let Ohlcv { open, high, low, close, volume } = v;
        let key = date(t, "Y-M-D h:00:00");
        format!(
            "\"{key}\":{{\"1. open\":\"{open}\",\"2. high\":\"{high}\",\"3. low\":\"{low}\",\"4. close\":\"{close}\",\"5. volume\":\"{volume}\"}}"
        )
    }));
    let column = |of: fn(i64, Ohlcv) -> f64| joined(rows(30, |t, v| of(t, v).to_string()));
    let arrays = format!(
        "{{\"s\":\"ok\",\"t\":[{}],\"o\":[{}],\"h\":[{}],\"l\":[{}],\"c\":[{}],\"v\":[{}]}}",
        column(|t, _| t as f64),
        column(|_, v| v.open),
        column(|_, v| v.high),
        column(|_, v| v.low),
        column(|_, v| v.close),
        column(|_, v| v.volume),
    );
    for text in [
        format!("[{plain}]"),
        format!("  {{\"error\":[],\"result\":{{\"XXBTZUSD\":[{plain}],\"last\":1}}}}"),
        format!("{{\"code\":\"0\",\"data\":[{okx}]}}"),
        format!("{{\"data\":{{\"pair\":\"BTC/USD\",\"ohlc\":[{objects}]}}}}"),
        format!("{{\"Meta Data\":{{\"1. a\":\"b\"}},\"Time Series (60min)\":{{{keyed}}}}}"),
        arrays,
        objects.replace("},{", "}\n{"),
        format!(
            "{{\"columns\":[\"date\",\"open\",\"high\",\"low\",\"close\",\"volume\"],\"data\":[{plain}]}}"
        ),
    ] {
        let reading = good(&text);
        assert_hours(&reading, 30);
        assert_eq!(reading.format.container, "JSON");
    }
    let zipped = packed(format!("[{plain}]").as_bytes());
    assert_hours(&good(&zipped), 30);
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(vec![]));
    for (name, bytes) in files {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

const HEAD: &str = "date,open,high,low,close,volume\n";

fn plain(n: i64) -> String {
    HEAD.to_owned()
        + &rows(n, |t, v| format!("{t},{},{},{},{},{}", v.open, v.high, v.low, v.close, v.volume))
}

#[test]
fn archives_are_opened_and_bounded() {
    let text = plain(30);
    let reading = good(zipped(&[("BTC-1h.csv", text.as_bytes()), ("readme.txt", b"hello")]));
    assert_hours(&reading, 30);
    assert_eq!(
        note(&reading, NoteKind::Unpacked).text,
        "unzipped BTC-1h.csv, 1 other file left aside"
    );
    assert_hours(&good(packed(&zipped(&[("a.csv", text.as_bytes())]))), 30);

    let several = read(zipped(&[("a.csv", b"1"), ("b.csv", b"2")])).unwrap_err().to_string();
    assert!(several.starts_with("a.csv: zip: holds 2 files"), "{several}");
    let bomb = vec![b'0'; 100 << 20];
    for archive in [packed(&bomb), zipped(&[("a.csv", &bomb)])] {
        let most = (archive.len() as u64) * 200 + (1 << 20);
        let error = read(archive).unwrap_err();
        assert!(
            matches!(error, ReadError::TooLarge { most: m, packed: true, .. } if m == most),
            "{error}"
        );
    }
    let three = packed(&packed(&packed(b"x")));
    for wrong in
        [&packed(text.as_bytes())[..40], &zipped(&[("a.csv", b"1,2")])[..20], &three, b"BZh91AY"]
    {
        assert!(matches!(read(wrong), Err(ReadError::Format { .. })));
    }
}

#[test]
fn newest_first_banner_and_mixed_units_are_read_and_noted() {
    let mut lines: Vec<String> = hours(30)
        .into_iter()
        .map(|(t, v)| {
            let stamp = if t % 7200 == 0 { format!("{t}000") } else { format!("{t}.0") };
            let Ohlcv { open, high, low, close, volume } = v;
            format!(
                "{stamp},x,BTC/USDT,{open},{high},{low},{close},{volume},{},NULL",
                volume * close
            )
        })
        .collect();
    lines.reverse();
    let text = "https://www.example.com\nunix,date,symbol,open,high,low,close,Volume BTC,Volume USDT,tradecount\n".to_owned()
        + &lines.join("\n");
    let reading = good(text);
    assert_hours(&reading, 30);
    assert_eq!(reading.format.source, "CryptoDataDownload");
    assert_eq!(
        note(&reading, NoteKind::Volume).text,
        "volume is \"Volume BTC\", not \"Volume USDT\""
    );
    assert_eq!(note(&reading, NoteKind::Order).text, "newest first: turned round");
    let mixed = "times are mixed: epoch seconds and epoch milliseconds, read row by row";
    assert_eq!(note(&reading, NoteKind::Times).text, mixed);
    assert!(note(&reading, NoteKind::SkippedLines).text.contains("https://www.example.com"));
}

#[test]
fn offsets_that_change_give_one_line_of_time() {
    let text = HEAD.to_owned()
        + "2020-10-25 02:00:00+03:00,1,1,1,1,5\n2020-10-25 03:00:00+03:00,1,1,1,1,5\n\
           2020-10-25 03:00:00+02:00,1,1,1,1,5\n2020-10-25 04:00:00+02:00,1,1,1,1,5\n";
    let reading = good(text);
    assert_eq!(reading.series.gaps().count(), 0);
    assert_eq!(reading.series.candles()[3].open_time(), time("2020-10-25 02:00"));
    assert!(note(&reading, NoteKind::Times).text.contains("+02:00 and +03:00, which changes"));
}

#[test]
fn day_and_month_are_decided_by_all_rows_or_refused() {
    let days = |form: &str, n: i64| {
        let day = |i: i64| format!("{},1,1,1,1,5\n", date(1_704_067_200 + 86_400 * i, form));
        HEAD.to_owned() + &(0..n).map(day).collect::<String>()
    };
    for (form, is_day_first) in
        [("D/M/Y", true), ("M/D/Y", false), ("D.M.Y", true), ("M-D-Y", false)]
    {
        // Up to the 31st it is certain, up to the 12th only dates with points are.
        for n in [31, 12] {
            let text = days(form, n);
            let reading = match read(&text) {
                Err(error) => {
                    assert!(
                        n == 12 && form != "D.M.Y" && error.to_string().contains("--day-first")
                    );
                    options().day_first(is_day_first).read_bytes(text.into_bytes(), "a").unwrap()
                }
                Ok(reading) => reading,
            };
            assert_eq!(reading.series.candles()[0].open_time(), time("2024-01-01"), "{form}");
            assert_eq!(i64::try_from(reading.series.len()), Ok(n));
        }
    }
    // The other order would not rise.
    let text =
        HEAD.to_owned() + "12/01/2024,1,1,1,1,5\n01/02/2024,1,1,1,1,5\n02/02/2024,1,1,1,1,5\n";
    let text = text + "03/02/2024,1,1,1,1,5\n";
    assert_eq!(good(text).series.candles()[0].open_time(), time("2024-01-12"));
    let both = HEAD.to_owned() + "31/01/2024,1,1,1,1,5\n01/31/2024,1,1,1,1,5\n";
    let error = read(both).unwrap_err();
    assert!(matches!(error, ReadError::Dates { day_first: 2, month_first: 3, .. }), "{error}");
}

#[test]
fn what_is_wrong_is_dropped_and_counted() {
    let mut lines: Vec<String> = plain(60).lines().map(str::to_owned).collect();
    let row = lines[10].clone();
    let cells: Vec<&str> = row.split(',').collect();
    lines.push(row.clone()); // repeats line 11
    lines[19] = format!("{},1,0.5,2,1,9", lines[19].split(',').next().unwrap());
    lines[29] = format!("{},,,,,", lines[29].split(',').next().unwrap());
    lines[39] = format!("{},1,x,1,1,9", lines[39].split(',').next().unwrap());
    lines.insert(11, format!("{},{}", cells[0].parse::<i64>().unwrap() + 60, cells[1..].join(",")));
    let reading = good(lines.join("\n"));
    assert_eq!((reading.rows, reading.series.len()), (62, 57));
    for (kind, text) in [
        (
            NoteKind::Impossible,
            "1 row with impossible numbers, dropped (line 21, 2024-01-31T16:00:00Z: high 0.5 is below open 1.0)",
        ),
        (NoteKind::NoPrices, "1 row without prices, dropped (line 31, 2024-02-01T02:00:00Z)"),
        (
            NoteKind::Unreadable,
            "1 row unreadable, dropped (line 41, 2024-02-01T12:00:00Z: no number in \"x\", column high)",
        ),
        (
            NoteKind::OffGrid,
            "1 row at no open time of 1h candles, dropped (line 12, 2024-01-31T07:01:00Z)",
        ),
        (NoteKind::Repeated, "1 row equal to another, left out (line 63, 2024-01-31T07:00:00Z)"),
    ] {
        assert_eq!(note(&reading, kind).text, text);
        assert_eq!(note(&reading, kind).rows, 1);
    }

    let mut contradicting = plain(60);
    contradicting += "1706652000,100,120,90,100,1\n";
    let reading = good(contradicting);
    assert_eq!(reading.series.len(), 59, "neither of the two is kept");
    assert_eq!(note(&reading, NoteKind::Contradicting).rows, 2);

    let first = hours(1)[0].1;
    let rounded = format!(
        "1706652000,{},{},{},{},9\n",
        first.open,
        first.high + 0.01,
        first.low,
        first.close
    );
    let reading = good(plain(60) + &rounded);
    assert_hours(&reading, 60);
    assert_eq!(note(&reading, NoteKind::Versions).rows, 1);
}

#[test]
fn too_much_lost_is_an_error() {
    let bad = |n: usize| {
        let wrong = plain(60)
            .lines()
            .skip(1)
            .enumerate()
            .map(|(i, line)| {
                let time = line.split(',').next().unwrap();
                if i % (60 / n) == 1 { format!("{time},1,1,1,0,1\n") } else { format!("{line}\n") }
            })
            .collect::<String>();
        read(HEAD.to_owned() + &wrong)
    };
    assert_eq!(bad(3).unwrap().series.len(), 57);
    let error = bad(4).unwrap_err();
    assert!(matches!(error, ReadError::TooMuchLost { lost: 4, rows: 60, .. }), "{error}");
    assert!(error.to_string().contains("close is 0.0"), "{error}");
}

#[test]
fn days_of_a_session_are_stamped_at_midnight_and_others_have_an_offset() {
    // 2024-01-01 was a Monday.
    let week = |hour: &str, days: &[i64]| {
        let day = |d: &i64| format!("2024-01-{d:02} {hour},1,1,1,1,5\n");
        read(HEAD.to_owned() + &days.iter().map(day).collect::<String>())
    };
    let five = [1, 2, 3, 4, 5, 8, 9, 10, 11, 12];
    let reading = week("14:30:00 +00:00", &five).unwrap();
    assert_eq!(reading.series.candles()[0].open_time(), time("2024-01-01"));
    assert_eq!(note(&reading, NoteKind::Restamped).rows, 10);
    // The date as written counts, not the one in UTC.
    let reading = week("00:00:00+09:00", &five).unwrap();
    assert_eq!(reading.series.candles()[0].open_time(), time("2024-01-01"));
    // A candle of a market that never closes would be known too early at midnight.
    let all: Vec<i64> = (1..15).collect();
    let series = week("16:00:00", &all).unwrap().series;
    assert_eq!(series.candles()[0].open_time(), time("2024-01-01 16:00"));
    assert_eq!(series.interval().to_string(), "1d+16h");
}

#[test]
fn numbers_with_commas_signs_and_letters_are_read() {
    let text = "\"Date\",\"Price\",\"Open\",\"High\",\"Low\",\"Vol.\",\"Change %\"\n\
        \"01/31/2024\",\"1,010.5\",\"1,000.0\",\"1,020.0\",\"990.0\",\"1.23K\",\"1%\"\n\
        \"01/30/2024\",\"1,000.0\",\"1,001.0\",\"1,002.0\",\"995.5\",\"-\",\"0%\"\n";
    let reading = good(text);
    assert_eq!(reading.format.source, "Investing.com");
    let candles = reading.series.candles();
    assert_eq!(
        (candles[1].close(), candles[1].volume(), candles[0].volume()),
        (1010.5, 1230.0, 0.0)
    );
    assert_eq!(note(&reading, NoteKind::Volume).rows, 1);

    let text = "Date,Close/Last,Volume,Open,High,Low\n\
        01/31/2024,$181.18,\"62,379,660\",$181.99,$182.76,$180.17\n\
        01/30/2024,$181.91,\"71,983,570\",$182.15,$183.0872,$180.88\n";
    let reading = good(text);
    assert_eq!(reading.format.source, "Nasdaq.com");
    assert_eq!(reading.series.get(1).map(Candle::volume), Some(62_379_660.0));

    let text = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n\
        2024.01.31\t05:00:00\t1.1\t1.2\t1.0\t1.15\t321\t0\t2\n\
        2024.01.31\t06:00:00\t1.15\t1.2\t1.0\t1.1\t322\t0\t2\n";
    let reading = good(text.encode_utf16().flat_map(u16::to_le_bytes).fold(
        vec![0xff, 0xfe],
        |mut all, byte| {
            all.push(byte);
            all
        },
    ));
    assert_eq!(reading.format.source, "MetaTrader 5");
    assert_eq!(reading.series.get(0).map(Candle::volume), Some(321.0));
    assert!(kinds(&reading).contains(&NoteKind::Encoding));
}

#[test]
fn one_candle_has_an_interval_if_its_close_time_is_there() {
    let archive = "1706572800000,1,1,1,1,5,1706659199999,5,3,2,1,0\n";
    assert_eq!(good(archive).series.interval(), Interval::DAY);
    assert!(matches!(
        read(HEAD.to_owned() + "2024-01-31,1,1,1,1,5\n"),
        Err(ReadError::NoInterval { .. })
    ));
}

#[test]
fn unfinished_candles_are_dropped_where_the_file_tells() {
    let text = HEAD.trim_end().to_owned()
        + ",confirm\n"
        + &rows(30, |t, v| {
            let flag = u8::from(t < 1_706_652_000 + 29 * 3600);
            format!("{t},{},{},{},{},{},{flag}", v.open, v.high, v.low, v.close, v.volume)
        });
    let reading = good(text);
    assert_hours(&reading, 29);
    assert_eq!(note(&reading, NoteKind::Unfinished).rows, 1);
}

#[test]
fn what_is_no_candles_is_an_error_that_says_so() {
    let month = HEAD.to_owned()
        + "2024-01-01,1,1,1,1,5\n2024-02-01,1,1,1,1,5\n2024-03-01,1,1,1,1,5\n2024-04-01,1,1,1,1,5\n";
    let two =
        "date,ticker,open,high,low,close,volume\n2024-01-01,A,1,1,1,1,5\n2024-01-01,B,1,1,1,1,5\n";
    let cases: [(&[u8], &str); 12] = [
        (b"", "a.csv: the file is empty"),
        (b" \n\n", "a.csv: the file is empty"),
        (b"# only\n", "a.csv: the file is empty"),
        (b"hello\nworld\n", "a.csv: no table of candles recognised; it begins with \"hello\""),
        (b"<html><body>404</body></html>", "a.csv: no table of candles recognised"),
        (b"date,open,high,low,volume\n2024-01-01,1,1,1,5\n", "a.csv, line 1: no column for close"),
        (b"open,high,low,close,volume\n1,1,1,1,5\n", "a.csv, line 1: no column for the open time"),
        (b"{\"code\":\"error\"}", "a.csv: JSON: holds no list of candles"),
        (b"[1,2", "a.csv: JSON: EOF while parsing"),
        (
            b"date,open,high,low,close,volume\n2024-01-01,\"1,1,1,1,5\n2024-01-02,1,1,1,1,5\n",
            "a.csv, line 2: a quote",
        ),
        (month.as_bytes(), "a.csv: looks like monthly candles"),
        (two.as_bytes(), "a.csv: 2 series in one file: ticker=A (1 rows), ticker=B (1 rows)."),
    ];
    for (bytes, expected) in cases {
        let error = read(bytes).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}
