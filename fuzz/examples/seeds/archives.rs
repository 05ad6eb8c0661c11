//! Candle files as text, plain and packed.

use std::io::{Cursor, Write as _};

use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::text::{DISTURBANCES, LAYOUTS, TIME_FORMATS, file};
use crate::{Result, Seeds};

/// The tracked seeds of the text targets: every layout and every time format at least once.
const NAMED: [&str; 23] = [
    "header_csv_milliseconds",
    "header_csv_nanoseconds",
    "header_csv_iso_utc_missing_row",
    "header_csv_named_zone",
    "header_csv_american_date_repeated_row",
    "header_csv_compact_date",
    "header_csv_spreadsheet_days",
    "tabs_txt_iso_without_zone",
    "bars_csv_month_name",
    "semicolons_decimal_comma_csv_german_date",
    "banner_csv_hour_am_newest_first",
    "comment_csv_iso_offset",
    "binance_csv_milliseconds",
    "kraken_csv_seconds",
    "coinbase_csv_seconds_newest_first",
    "gate_csv_microseconds",
    "binance_kline_json_milliseconds",
    "arrays_json_seconds",
    "objects_json_iso_utc",
    "short_names_json_milliseconds",
    "lines_json_milliseconds_repeated_row",
    "columns_json_seconds",
    "pandas_split_json_seconds",
];

/// Those of them that are packed as well.
const PACKED: [&str; 3] = ["header_csv_milliseconds", "kraken_csv_seconds", "arrays_json_seconds"];

pub fn write(seeds: &Seeds) -> Result<()> {
    for layout in LAYOUTS {
        for times in TIME_FORMATS {
            for disturbance in DISTURBANCES {
                let name = format!("{}_{}{}", layout.0, times.0, disturbance.0);
                if seeds.is_large() || NAMED.contains(&name.as_str()) {
                    texts(seeds, &name, &file(layout, times, disturbance))?;
                }
            }
        }
    }
    regressions(seeds)
}

/// Writes a text for its own target and, in the large corpus, packed for the others.
fn texts(seeds: &Seeds, name: &str, text: &str) -> Result<()> {
    let is_json = name.contains("_json");
    seeds.keep(if is_json { "json" } else { "text" }, name, text.as_bytes())?;
    if matches!(name, "header_csv_milliseconds" | "binance_csv_milliseconds")
        || (seeds.is_large() && !is_json)
    {
        seeds.keep("csv", name, text.as_bytes())?;
    }
    if seeds.is_large() || PACKED.contains(&name) {
        let gzipped = gzip(text.as_bytes())?;
        seeds.keep("gzip", name, &gzipped)?;
        seeds.keep("zip", name, &zip(&[("a.csv", text.as_bytes())])?)?;
        seeds.keep("zip", &format!("gzip_in_zip_{name}"), &zip(&[("a.csv.gz", &gzipped)])?)?;
    }
    Ok(())
}

fn regressions(seeds: &Seeds) -> Result<()> {
    let empty_objects = format!("[{}{{}}]", "{},".repeat(16_384));
    seeds.keep("json", "regression_list_of_empty_objects", empty_objects.as_bytes())?;
    let head = b"Datum;Er\xf6ffnung;Hoch;Tief;Schluss;Volumen\n";
    let rows = b"1706659200;1;2;0,5;1,5;9\n1706662800;1,5;2;1;1,7;8\n";
    seeds.keep("text", "latin_1_header_csv", &[&head[..], rows].concat())?;
    seeds.keep("gzip", "bomb_of_commas", &gzip(&vec![b','; 300_000])?)?;
    let csv = b"1704067200,1,2,0.5,1.5,9\n1704070800,1.5,2,1,1.7,8\n1704074400,1.7,2,1,1.2,7\n";
    seeds.keep("zip", "two_files", &zip(&[("README.md", b"text"), ("data/a.csv", csv)])?)
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut writer = flate2::write::GzEncoder::new(vec![], flate2::Compression::best());
    writer.write_all(bytes)?;
    Ok(writer.finish()?)
}

fn zip(files: &[(&str, &[u8])]) -> Result<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(vec![]));
    for (index, (name, bytes)) in files.iter().enumerate() {
        let method =
            if index == 0 { CompressionMethod::Deflated } else { CompressionMethod::Stored };
        writer.start_file(*name, SimpleFileOptions::default().compression_method(method))?;
        writer.write_all(bytes)?;
    }
    Ok(writer.finish()?.into_inner())
}
