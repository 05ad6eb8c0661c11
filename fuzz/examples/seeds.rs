//! Makes the seeds that are not text: `cargo run --all-features --example seeds` in this folder.

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde_json::{Value, json};
use windvane_candles::{CandleSeries, Interval, simulate::Market};
use windvane_fuzz::models::{Parts, SAVED, file_of, input_of, policies, under};
use windvane_models::network::Network;
use windvane_models::{FittedModel, MarketProfile, Predictor};
use windvane_signals::{LabelSpec, Registry, SampleSet, SignalSpec, SignalTable, Split};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    arrow()?;
    parquet()?;
    packed()?;
    models()?;
    states()
}

fn keep(name: &str, bytes: &[u8]) -> Result<()> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
    fs::create_dir_all(path.parent().ok_or("a folder")?)?;
    Ok(fs::write(path, bytes)?)
}

fn series(candles: usize) -> Result<CandleSeries> {
    Ok(Market::REGIME.candles("SIM".parse()?, Interval::HOUR, candles, 1)?)
}

/// Candles as columns; dates as times or as text, which readers find in other places.
fn batch(text: bool) -> Result<RecordBatch> {
    let series = series(8)?;
    let millis = series.iter().map(|candle| candle.open_time().millis());
    let dates: ArrayRef = if text {
        let dates = series.iter().map(|candle| Some(candle.open_time().to_string()));
        Arc::new(StringArray::from_iter(dates))
    } else {
        Arc::new(TimestampMillisecondArray::from_iter_values(millis).with_timezone("UTC"))
    };
    let column = |of: fn(&windvane_candles::Candle) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(series.iter().map(of)))
    };
    Ok(RecordBatch::try_from_iter([
        ("date", dates),
        ("open", column(windvane_candles::Candle::open)),
        ("high", column(windvane_candles::Candle::high)),
        ("low", column(windvane_candles::Candle::low)),
        ("close", column(windvane_candles::Candle::close)),
        ("volume", column(windvane_candles::Candle::volume)),
    ])?)
}

fn arrow() -> Result<()> {
    let packings = [
        ("plain", None),
        ("lz4", Some(CompressionType::LZ4_FRAME)),
        ("zstd", Some(CompressionType::ZSTD)),
    ];
    for (name, packing) in packings {
        let options = IpcWriteOptions::default().try_with_compression(packing)?;
        let batch = batch(name == "lz4")?;
        let mut writer = FileWriter::try_new_with_options(vec![], &batch.schema(), options)?;
        writer.write(&batch)?;
        keep(&format!("arrow/{name}.feather"), &writer.into_inner()?)?;
    }
    Ok(())
}

fn parquet() -> Result<()> {
    let packings = [
        ("plain", Compression::UNCOMPRESSED),
        ("snappy", Compression::SNAPPY),
        ("gzip", Compression::GZIP(GzipLevel::default())),
        ("lz4", Compression::LZ4_RAW),
        ("zstd", Compression::ZSTD(ZstdLevel::default())),
    ];
    for (name, packing) in packings {
        let properties = WriterProperties::builder()
            .set_compression(packing)
            .set_dictionary_enabled(name == "snappy")
            .build();
        let batch = batch(name == "snappy")?;
        let mut writer = ArrowWriter::try_new(vec![], batch.schema(), Some(properties))?;
        writer.write(&batch)?;
        keep(&format!("parquet/{name}.parquet"), &writer.into_inner()?)?;
    }
    Ok(())
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut writer = flate2::write::GzEncoder::new(vec![], flate2::Compression::best());
    writer.write_all(bytes)?;
    Ok(writer.finish()?)
}

fn packed() -> Result<()> {
    use zip::{CompressionMethod, write::SimpleFileOptions};
    let csv = "1704067200,1,2,0.5,1.5,9\n1704070800,1.5,2,1,1.7,8\n1704074400,1.7,2,1,1.2,7\n";
    keep("gzip/csv.gz", &gzip(csv.as_bytes())?)?;
    keep("gzip/bomb.gz", &gzip(&vec![b','; 300_000])?)?;
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(vec![]));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    writer.start_file("README.md", stored)?;
    writer.write_all(b"aside")?;
    writer.start_file("data/a.csv.gz", SimpleFileOptions::default())?;
    writer.write_all(&gzip(csv.as_bytes())?)?;
    keep("zip/gzip.zip", &writer.finish()?.into_inner())
}

fn models() -> Result<()> {
    let names = ["v2", "v2-learned", "v3", "v31", "v32", "v32-stateful", "ensemble"];
    for (name, saved) in names.into_iter().zip(SAVED) {
        let input = input_of(lean(Parts::of(saved)));
        windvane_ensemble::kinds().from_bytes(&file_of(&input))?;
        keep(&format!("model/{name}"), &input)?;
    }
    for (name, saved) in [names[0], names[2]].into_iter().zip([SAVED[0], SAVED[2]]) {
        keep(&format!("file/{name}.safetensors"), saved)?;
    }
    keep("file/v3.torch.safetensors", &Network::from_bytes(SAVED[2])?.to_state_dict()?)?;
    keep("file/v31.torch.safetensors", &Network::from_bytes(SAVED[3])?.to_state_dict()?)
}

/// The same model of two channels and three rows, without its record: small inputs run fast.
fn lean(mut parts: Parts) -> Parts {
    lean_card(&mut parts.card);
    for tensor in &mut parts.tensors {
        if tensor.name.contains(".w_ih") || tensor.name.ends_with("weights") {
            *tensor.shape.last_mut().expect("no scalars") = 2;
        }
    }
    parts
}

fn lean_card(card: &mut Value) {
    let shorten = |place: Option<&mut Value>| {
        place.and_then(Value::as_array_mut).into_iter().for_each(|list| list.truncate(2));
    };
    for place in ["/spec/signals/channels", "/scaler/centre", "/scaler/scale", "/config/importance"]
    {
        shorten(card.pointer_mut(place));
    }
    card["spec"]["lookback"] = json!(3);
    card["record"] = Value::Null;
    card.get_mut("members").and_then(Value::as_array_mut).into_iter().flatten().for_each(lean_card);
}

fn states() -> Result<()> {
    let series = series(1_500)?;
    let spec = SignalSpec::default();
    let tables = [SignalTable::build(&spec, &Registry::default(), &series, &[])?];
    let samples = SampleSet::collect(&tables, 20, LabelSpec::default())?;
    let profile = MarketProfile::fit(&Split::for_live(&samples, 0.15)?.train(&samples)?, 60)?;
    keep("profile/fitted.json", &serde_json::to_vec(&profile)?)?;
    let profile = Arc::new(profile);
    // As the target numbers its subjects.
    for (which, (policy, gated)) in
        [(1, false), (1, true), (2, false), (3, false)].into_iter().enumerate()
    {
        let model: Arc<dyn FittedModel> = under(SAVED[0], &policies()[policy]);
        let mut predictor = Predictor::new(model, Interval::HOUR)?;
        if gated {
            predictor.set_gates(Arc::clone(&profile))?;
        }
        for candle in series.iter().take(70) {
            predictor.on_candle(candle)?;
        }
        let words = &predictor.save()[32..];
        keep(&format!("state/{which}"), &[&[u8::try_from(which)?], words].concat())?;
    }
    Ok(())
}
