//! Peers `csv` and `polars`: the columns of a CSV file.
use crate::data::Data;
use crate::peer::{Offer, Peer};
use crate::workload::Workload;

/// A loop over the records of the `csv` crate that parses the six numbers of a row.
#[cfg(feature = "csv")]
pub struct CsvRecords;

#[cfg(feature = "csv")]
impl Peer for CsvRecords {
    fn name(&self) -> &'static str {
        "csv 1.4.0"
    }

    fn offer<'a>(&self, work: Workload, data: &'a Data, _: bool) -> Offer<'a> {
        if work != Workload::ReadCsv {
            return Offer::Nothing;
        }
        Offer::Task(Box::new(move |_, out| {
            let mut reader = csv::Reader::from_reader(data.csv.as_bytes());
            let mut record = csv::StringRecord::new();
            let mut times: Vec<i64> = Vec::new();
            let mut columns: [Vec<f64>; 5] = Default::default();
            while reader.read_record(&mut record).expect("a record") {
                times.push(record[0].parse().expect("a time"));
                for (i, column) in columns.iter_mut().enumerate() {
                    column.push(record[i + 1].parse().expect("a number"));
                }
            }
            out[0] = times.len() as f32;
            for (out, column) in out[1..].iter_mut().zip(&columns) {
                *out = (column.iter().sum::<f64>() / column.len() as f64) as f32;
            }
        }))
    }
}

/// The CSV reader of polars, on one thread.
#[cfg(feature = "polars")]
pub struct Polars;

#[cfg(feature = "polars")]
impl Peer for Polars {
    fn name(&self) -> &'static str {
        "polars 0.55.2"
    }

    fn offer<'a>(&self, work: Workload, data: &'a Data, _: bool) -> Offer<'a> {
        use polars::prelude::{ChunkAgg, CsvReadOptions, SerReader};

        if work != Workload::ReadCsv {
            return Offer::Nothing;
        }
        Offer::Task(Box::new(move |_, out| {
            let options = CsvReadOptions::default().with_has_header(true).with_n_threads(Some(1));
            let text = std::io::Cursor::new(data.csv.as_bytes());
            let table = options.into_reader_with_file_handle(text).finish().expect("a table");
            out[0] = table.height() as f32;
            let names = ["open", "high", "low", "close", "volume"];
            for (out, name) in out[1..].iter_mut().zip(names) {
                let column = table.column(name).expect("a column");
                *out = column.f64().expect("numbers").mean().expect("rows") as f32;
            }
        }))
    }
}
