//! `windvane download`: candles of an exchange as a CSV file.
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use clap::Parser;
use windvane_candles::{Candle, Interval, Ohlcv, Pair, Timestamp};
use windvane_exchange::exchanges::by_name;
use windvane_exchange::{Client, EXCHANGES, History, Market};

type Error = Box<dyn std::error::Error>;

const HEADER: &str = "open_time,open,high,low,close,volume";

/// Download candles of an exchange to a CSV file; a file that exists is continued
#[derive(Debug, Parser)]
#[command(name = "windvane download", version)]
struct Options {
    /// Exchange.
    #[arg(long, value_parser = EXCHANGES)]
    exchange: String,
    /// Pair in the notation of the exchange, such as BTCUSDT, BTC-USDT or BTC/USD.
    #[arg(long)]
    pair: Pair,
    /// Interval, such as 1m, 1h or 1d.
    #[arg(long)]
    interval: Interval,
    /// First open time, such as 2023-01-01.
    #[arg(long, value_name = "TIME")]
    from: Timestamp,
    /// The candles open before this time [default: the last closed candle]
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// File to write [default: PAIR.csv]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Error> {
    let exchange = by_name(&options.exchange)?;
    let market = Market::new(options.pair.clone(), options.interval);
    let name = format!("{}.csv", options.pair.as_str().replace(['/', '\\'], "-"));
    let out = options.out.clone().unwrap_or_else(|| PathBuf::from(name));
    let last = last_open_time(&out, options.interval)?;
    let from = match last {
        Some(last) => last.plus(options.interval, 1).ok_or("the file ends too late")?,
        None => options.from,
    };
    if let Some(last) = last {
        eprintln!("{}: continues after {last}, whatever --from is", out.display());
    }
    let now = Timestamp::try_from(SystemTime::now())?;
    let until = options.until.map_or(now, |until| until.min(now));
    let client = Client::default();
    let mut history = History::new(&*exchange, &client, &market, from, until)?;
    let mut file = BufWriter::new(open(&out)?);
    let mut written = 0;
    while let Some(page) = history.next_page()? {
        for candle in &page {
            writeln!(file, "{}", line(candle))?;
        }
        // What is complete stays, also if the next request fails.
        file.flush()?;
        written += page.len();
        eprint!("\r{}: {written} candles, up to {}", out.display(), history.position());
    }
    eprintln!("\r{}: {written} new candles{}", out.display(), " ".repeat(40));
    Ok(())
}

/// Open time of the last line of a file that this program wrote; `None` for a new file, and for one
/// whose first request had failed. The candles of the file must have the interval.
fn last_open_time(path: &Path, interval: Interval) -> Result<Option<Timestamp>, Error> {
    if std::fs::metadata(path).is_ok_and(|file| file.len() == 0) || !path.exists() {
        return Ok(None);
    }
    let other = || format!("{}: not written by this program; choose another --out", path.display());
    let mut lines = BufReader::new(File::open(path)?).lines();
    if lines.next().transpose()?.as_deref() != Some(HEADER) {
        return Err(other().into());
    }
    let mut last = None;
    let (mut before, mut shortest) = (None, None);
    for line in lines {
        let line = line?;
        let time = line.split(',').next().and_then(|time| time.parse::<Timestamp>().ok());
        let step = time.zip(before).map(|(time, before): (Timestamp, Timestamp)| {
            time.millis().saturating_sub(before.millis())
        });
        shortest = shortest.into_iter().chain(step).min();
        (before, last) = (time, Some(line));
    }
    let Some(last) = last else { return Ok(None) };
    let fields: Vec<&str> = last.split(',').collect();
    let complete = fields.len() == 6 && std::fs::read(path)?.ends_with(b"\n");
    let time = fields[0].parse::<Timestamp>().ok().filter(|_| complete);
    let cut = || format!("{}: the last line is cut; remove it and start again", path.display());
    let time = time.ok_or_else(cut)?;
    if shortest != Some(interval.millis()) {
        let got =
            shortest.map_or("unknown, with one candle".to_string(), |step| format!("{step} ms"));
        return Err(format!(
            "{}: expected candles of {interval}, {} ms, and the shortest step of the file is {got}; choose \
             another --out, or remove the file",
            path.display(),
            interval.millis()
        )
        .into());
    }
    Ok(Some(time))
}

/// Opens the file for appending; an empty one gets the header.
fn open(path: &Path) -> Result<File, Error> {
    let opened = OpenOptions::new().append(true).create(true).open(path);
    let mut file = opened.map_err(|error| format!("{}: {error}", path.display()))?;
    if file.metadata()?.len() == 0 {
        writeln!(file, "{HEADER}")?;
    }
    Ok(file)
}

fn line(candle: &Candle) -> String {
    let Ohlcv { open, high, low, close, volume } = candle.values();
    format!("{},{open},{high},{low},{close},{volume}", candle.open_time())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]
    use super::*;

    #[test]
    fn download_continues_a_file_also_after_a_failed_first_request() {
        let path = std::env::temp_dir().join(format!("windvane-download-{}", std::process::id()));
        std::fs::remove_file(&path).ok();
        let last = |interval| last_open_time(&path, interval);
        assert_eq!(last(Interval::HOUR).unwrap(), None);
        drop(open(&path).unwrap());
        assert_eq!(last(Interval::HOUR).unwrap(), None);
        let values = Ohlcv { open: 1.0, high: 2.5, low: 0.5, close: 2.0, volume: 3.0 };
        let candle = |hour: &str| {
            Candle::new(format!("2024-01-01 {hour}:00").parse().unwrap(), values).unwrap()
        };
        writeln!(open(&path).unwrap(), "{}", line(&candle("05"))).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!("{HEADER}\n2024-01-01T05:00:00Z,1,2.5,0.5,2,3\n"));
        assert!(last(Interval::HOUR).unwrap_err().to_string().contains("unknown, with one candle"));
        // A gap, then two candles of an interval.
        for hour in ["08", "09"] {
            writeln!(open(&path).unwrap(), "{}", line(&candle(hour))).unwrap();
        }
        assert_eq!(last(Interval::HOUR).unwrap(), Some(candle("09").open_time()));
        for other in ["1m", "4h"] {
            let error = last(other.parse().unwrap()).unwrap_err().to_string();
            assert!(error.contains("the shortest step of the file is 3600000 ms"), "{error}");
        }
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, &text[..text.len() - 2]).unwrap();
        assert!(last(Interval::HOUR).unwrap_err().to_string().contains("is cut"));
        std::fs::write(&path, "time,price\n1,2\n").unwrap();
        assert!(last(Interval::HOUR).unwrap_err().to_string().contains("not written by this"));
        std::fs::remove_file(&path).unwrap();
    }
}
