//! Strict reader of a CSV file of candles: columns by name, nothing guessed and nothing repaired.
use windvane_models::candles::{Candle, Ohlcv, Timestamp};

/// Names of the columns; the first one has two.
const COLUMNS: [&str; 6] = ["open_time", "open", "high", "low", "close", "volume"];
const OTHER_TIME: &str = "time";

/// Open times from here on are in milliseconds, smaller ones in seconds. As seconds the number is
/// the year 5138, as milliseconds 1973.
const MILLIS: i64 = 100_000_000_000;

/// Reads candles of a text with a header: the columns `open_time` (or `time`), `open`, `high`, `low`,
/// `close` and `volume` in any order, other columns are ignored.
///
/// Times are milliseconds or seconds since 1970, or such as `2024-01-01 05:00` in UTC. The delimiter
/// is the comma or the semicolon, the decimal sign is the point.
///
/// # Errors
/// The line and what is wrong there.
pub(crate) fn parse(text: &str) -> Result<Vec<Candle>, String> {
    let mut lines = text.trim_start_matches('\u{feff}').lines().zip(1_usize..);
    let Some((header, _)) = lines.next() else { return Err("the file is empty".to_string()) };
    let delimiter = if header.contains(';') { ';' } else { ',' };
    let places = places(header, delimiter)?;
    let mut candles = Vec::new();
    for (line, number) in lines.filter(|(line, _)| !line.trim().is_empty()) {
        let cells: Vec<&str> = line.split(delimiter).map(str::trim).collect();
        let candle =
            candle(&cells, places).map_err(|problem| format!("line {number}: {problem}"))?;
        candles.push(candle);
    }
    Ok(candles)
}

/// Returns the place of each column in the header.
fn places(header: &str, delimiter: char) -> Result<[usize; 6], String> {
    let names: Vec<String> =
        header.split(delimiter).map(|name| name.trim().to_ascii_lowercase()).collect();
    let mut places = [0; 6];
    for (place, wanted) in places.iter_mut().zip(COLUMNS) {
        let is_own = |name: &str| name == wanted || (wanted == COLUMNS[0] && name == OTHER_TIME);
        let mut found = names.iter().enumerate().filter(|(_, name)| is_own(name));
        *place = match (found.next(), found.next()) {
            (Some((place, _)), None) => place,
            (None, _) => {
                return Err(format!(
                    "line 1: there is no column {wanted}; expected {} in any order",
                    COLUMNS.join(", ")
                ));
            }
            _ => return Err(format!("line 1: two columns are named {wanted}; keep one")),
        };
    }
    Ok(places)
}

fn candle(cells: &[&str], places: [usize; 6]) -> Result<Candle, String> {
    let mut values = [""; 6];
    for ((value, place), name) in values.iter_mut().zip(places).zip(COLUMNS) {
        *value = cells.get(place).ok_or_else(|| format!("there is no value of {name}"))?;
    }
    let [time, prices @ ..] = values;
    let mut numbers = [0.0; 5];
    for ((number, text), name) in numbers.iter_mut().zip(prices).zip(&COLUMNS[1..]) {
        *number = text.parse().map_err(|_| format!("{name} is {text:?}, expected a number"))?;
    }
    let [open, high, low, close, volume] = numbers;
    Candle::new(open_time(time)?, Ohlcv { open, high, low, close, volume })
        .map_err(|error| error.to_string())
}

fn open_time(text: &str) -> Result<Timestamp, String> {
    if let Ok(number) = text.parse::<i64>() {
        let millis = if number.abs() < MILLIS { number * 1_000 } else { number };
        return Ok(Timestamp::from_millis(millis));
    }
    text.parse().map_err(|error| format!("{error}"))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn csv_reads_columns_in_any_order_and_times_in_any_unit() {
        let texts = [
            "open_time,open,high,low,close,volume\n1704085200000,10,13,9,12,5\n",
            "\u{feff}Volume;Time;Close;Low;High;Open;more\r\n5;1704085200;12;9;13;10;x\r\n\r\n",
            "time,open,high,low,close,volume\n2024-01-01 05:00,10,13,9,12,5",
        ];
        for text in texts {
            let candles = parse(text).unwrap();
            assert_eq!(candles.len(), 1, "{text}");
            assert_eq!(candles[0].open_time(), "2024-01-01T05:00:00Z".parse().unwrap());
            assert_eq!((candles[0].open(), candles[0].close()), (10.0, 12.0));
        }
    }

    #[test]
    fn csv_errors_name_the_line() {
        for (text, problem) in [
            ("", "empty"),
            ("time,open,high,low,volume\n", "line 1: there is no column close"),
            ("time,open_time,open,high,low,close,volume\n", "line 1: two columns"),
            (
                "time,open,high,low,close,volume\n1,10,13,9,12\n",
                "line 2: there is no value of volume",
            ),
            ("time,open,high,low,close,volume\n\n1,\"10\",13,9,12,5\n", "line 3: open is"),
            ("time,open,high,low,close,volume\n1,10,11,9,12,5\n", "line 2: high 11"),
            ("time,open,high,low,close,volume\n31.12.2024,10,13,9,12,5\n", "line 2:"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(problem), "{text}: {error}");
        }
    }
}
