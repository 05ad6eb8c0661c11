//! Candle files as text: a grid of layouts, time formats and disturbances.

use windvane_candles::Timestamp;

/// Open time of the first candle, in seconds: 2024-01-31T00:00:00Z.
const FIRST: i64 = 1_706_659_200;
const ROWS: i64 = 6;

/// One candle: its time in the layout's format, and its numbers.
pub struct Row {
    time: String,
    seconds: i64,
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    volume: f64,
}

/// Format of the open time.
pub type TimeFormat = (&'static str, fn(i64) -> String);

/// Layout of the file: name, and text of all rows.
pub type Layout = (&'static str, fn(&[Row]) -> String);

/// Disturbance of the rows' order or completeness.
pub type Disturbance = (&'static str, fn(&mut Vec<Row>));

pub const TIME_FORMATS: [TimeFormat; 14] = [
    ("milliseconds", |t| format!("{t}000")),
    ("seconds", |t| t.to_string()),
    ("microseconds", |t| format!("{t}000000")),
    ("nanoseconds", |t| format!("{t}000000000")),
    ("iso_utc", |t| date(t, "{Y}-{M}-{D}T{h}:00:00Z")),
    ("iso_without_zone", |t| date(t, "{Y}-{M}-{D} {h}:00:00")),
    ("iso_offset", |t| date(t + 3 * 3600, "{Y}-{M}-{D} {h}:00:00+03:00")),
    ("named_zone", |t| date(t - 5 * 3600, "{Y}-{M}-{D} {h}:00:00 US/Eastern")),
    ("german_date", |t| date(t, "{D}.{M}.{Y} {h}:00")),
    ("american_date", |t| date(t, "{M}/{D}/{Y} {h}:00")),
    ("compact_date", |t| date(t, "{Y}{M}{D} {h}0000")),
    ("hour_am", |t| date(t, "{Y}-{M}-{D} {h}-AM")),
    ("month_name", |t| date(t, "Jan {D} {Y} {h}:00")),
    ("spreadsheet_days", |t| format!("{:.10}", t as f64 / 86_400.0 + 25_569.0)),
];

pub const LAYOUTS: [Layout; 17] = [
    ("header_csv", |rows| header(rows, "open_time", ",")),
    ("tabs_txt", |rows| header(rows, "<DATE>", "\t")),
    ("bars_csv", |rows| header(rows, "Date", "|")),
    ("semicolons_decimal_comma_csv", semicolons),
    ("banner_csv", |rows| format!("https://www.example.com\n{}", header(rows, "date", ","))),
    ("comment_csv", |rows| format!("# a comment\n{}", header(rows, "date", ","))),
    ("binance_csv", |rows| lines(rows, binance_cells)),
    ("kraken_csv", |rows| lines(rows, |row| format!("{},3", ohlcv(row)))),
    ("coinbase_csv", |rows| lines(rows, coinbase_cells)),
    ("gate_csv", |rows| lines(rows, gate_cells)),
    ("binance_kline_json", |rows| list(rows, |row| format!("[{}]", quoted(&binance_cells(row))))),
    ("arrays_json", |rows| list(rows, |row| format!("[{}]", quoted(&ohlcv(row))))),
    ("objects_json", |rows| list(rows, long_names)),
    ("short_names_json", |rows| format!("{{\"code\":\"0\",\"data\":{}}}", list(rows, short_names))),
    ("lines_json", |rows| lines(rows, short_names)),
    ("columns_json", columns),
    ("pandas_split_json", pandas_split),
];

pub const DISTURBANCES: [Disturbance; 4] = [
    ("", |_| ()),
    ("_newest_first", |rows| rows.reverse()),
    ("_repeated_row", |rows| rows.insert(2, row(2, &rows[2].time.clone()))),
    ("_missing_row", |rows| drop(rows.remove(3))),
];

/// Text of one file of the grid.
pub fn file(layout: Layout, times: TimeFormat, disturbance: Disturbance) -> String {
    let mut rows: Vec<Row> = (0..ROWS).map(|i| row(i, &times.1(FIRST + 3600 * i))).collect();
    disturbance.1(&mut rows);
    layout.1(&rows)
}

fn row(index: i64, time: &str) -> Row {
    let by = index as f64;
    Row {
        time: time.to_owned(),
        seconds: FIRST + 3600 * index,
        open: 100.0 + by,
        high: 102.5 + by,
        low: 99.0 - by / 4.0,
        close: 101.0 + by,
        volume: 10.0 + by,
    }
}

/// Date and hour of a time in seconds, by a pattern with `{Y}`, `{M}`, `{D}` and `{h}`.
fn date(seconds: i64, pattern: &str) -> String {
    let text = Timestamp::from_millis(1000 * seconds).to_string();
    pattern
        .replace("{Y}", &text[..4])
        .replace("{M}", &text[5..7])
        .replace("{D}", &text[8..10])
        .replace("{h}", &text[11..13])
}

fn ohlcv(row: &Row) -> String {
    let Row { time, open, high, low, close, volume, .. } = row;
    format!("{time},{open},{high},{low},{close},{volume}")
}

fn binance_cells(row: &Row) -> String {
    format!("{},{}999,1010.5,3,2,1,0", ohlcv(row), row.seconds + 3599)
}

fn coinbase_cells(row: &Row) -> String {
    let Row { time, open, high, low, close, volume, .. } = row;
    format!("{time},{low},{high},{open},{close},{volume}")
}

fn gate_cells(row: &Row) -> String {
    let Row { time, open, high, low, close, volume, .. } = row;
    format!("{time},9,{close},{high},{low},{open},{volume},true")
}

fn lines(rows: &[Row], write: fn(&Row) -> String) -> String {
    rows.iter().map(|row| write(row) + "\n").collect()
}

fn header(rows: &[Row], time: &str, separator: &str) -> String {
    let head = format!("{time},open,high,low,close,volume\n");
    (head + &lines(rows, ohlcv)).replace(',', separator)
}

fn semicolons(rows: &[Row]) -> String {
    let cells = lines(rows, |row| ohlcv(row).replace(',', ";")).replace('.', ",");
    // A German date keeps its dots.
    let dates = rows.iter().map(|row| (row.time.replace('.', ","), &row.time));
    let body = dates.fold(cells, |text, (comma, dot)| text.replace(&comma, dot));
    format!("Datum;Open;High;Low;Close;Volumen\n{body}")
}

/// Cells as JSON strings.
fn quoted(cells: &str) -> String {
    format!("\"{}\"", cells.replace(',', "\",\""))
}

fn list(rows: &[Row], write: fn(&Row) -> String) -> String {
    let items: Vec<String> = rows.iter().map(write).collect();
    format!("[{}]", items.join(","))
}

fn long_names(row: &Row) -> String {
    let Row { time, open, high, low, close, volume, .. } = row;
    format!(
        "{{\"time\":\"{time}\",\"open\":{open},\"high\":{high},\"low\":{low},\"close\":{close},\"volume\":{volume}}}"
    )
}

fn short_names(row: &Row) -> String {
    let Row { time, open, high, low, close, volume, .. } = row;
    format!(
        "{{\"t\":\"{time}\",\"o\":{open},\"h\":{high},\"l\":{low},\"c\":{close},\"v\":{volume}}}"
    )
}

fn columns(rows: &[Row]) -> String {
    let all = [
        column(rows, "t", |row| format!("\"{}\"", row.time)),
        column(rows, "o", |row| row.open.to_string()),
        column(rows, "h", |row| row.high.to_string()),
        column(rows, "l", |row| row.low.to_string()),
        column(rows, "c", |row| row.close.to_string()),
        column(rows, "v", |row| row.volume.to_string()),
    ];
    format!("{{\"s\":\"ok\",{}}}", all.join(","))
}

fn column(rows: &[Row], name: &str, write: fn(&Row) -> String) -> String {
    format!("\"{name}\":{}", list(rows, write))
}

fn pandas_split(rows: &[Row]) -> String {
    let index = list(rows, |row| format!("\"{}\"", row.time));
    let data = list(rows, |row| {
        let Row { open, high, low, close, volume, .. } = row;
        format!("[{open},{high},{low},{close},{volume}]")
    });
    format!(
        "{{\"columns\":[\"open\",\"high\",\"low\",\"close\",\"volume\"],\"index\":{index},\"data\":{data}}}"
    )
}
