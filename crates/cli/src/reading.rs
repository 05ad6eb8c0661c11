//! Options of every command that reads files of candles.
use clap::{ArgAction, Args};
use windvane::prelude::*;
use windvane::readers::{ColumnMap, NumberStyle, ReadOptions, TextEncoding, TimeMeaning};

use crate::Error;

/// Meaning of columns, times and numbers, for files that do not show it.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Reading of files")]
pub(crate) struct ReadArgs {
    /// Columns by name or number, such as time=ts,open=o,high=h,low=l,close=c,volume=none; also
    /// clock, finished and ignore.
    #[arg(long, value_name = "LIST")]
    columns: Option<ColumnMap>,
    /// Whether times are those of the open or of the close.
    #[arg(long, value_name = "open|close")]
    time: Option<TimeMeaning>,
    /// Time zone of times that have none, such as Asia/Tokyo or UTC+8.
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// Decimal sign.
    #[arg(long, value_name = ".|,", allow_hyphen_values = true)]
    decimal: Option<NumberStyle>,
    /// Whether 03/04/2024 is in April.
    #[arg(long, value_name = "BOOL", action = ArgAction::Set)]
    day_first: Option<bool>,
    /// Encoding of text that is not UTF-8, such as gbk, big5 or windows-1252.
    #[arg(long, value_name = "NAME")]
    encoding: Option<TextEncoding>,
    /// The series to read of a file with several, such as symbol=BTCUSDT.
    #[arg(long, value_name = "COLUMN=VALUE", value_delimiter = ',')]
    select: Vec<String>,
}

impl ReadArgs {
    /// The options for a file, which must have the interval if there is one.
    pub(crate) fn options(
        &self,
        pair: Pair,
        interval: Option<Interval>,
    ) -> Result<ReadOptions, Error> {
        let mut options = ReadOptions::new(pair);
        if let Some(interval) = interval {
            options = options.interval(interval);
        }
        if let Some(columns) = &self.columns {
            options = options.columns(columns.clone());
        }
        if let Some(time) = self.time {
            options = options.time(time);
        }
        if let Some(zone) = &self.zone {
            options = options.zone(zone);
        }
        if let Some(style) = self.decimal {
            options = options.number_style(style);
        }
        if let Some(day_first) = self.day_first {
            options = options.day_first(day_first);
        }
        if let Some(encoding) = self.encoding {
            options = options.encoding(encoding);
        }
        for text in &self.select {
            let (column, value) = text
                .split_once('=')
                .ok_or_else(|| format!("--select {text}: expected column=value"))?;
            options = options.select(column, value);
        }
        Ok(options)
    }
}
