//! Live predictions of a model in Rust, for comparison with those of the Python package.
//!
//! `rust_loop CSV [MODEL] [--candles N]` prints the row, the direction and the bits of the probabilities
//! of every prediction. With `--candles` it repeats the prices of the file up to N candles and prints the
//! seconds that the loop took.
use std::error::Error;
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use windvane::candles::{Candle, CandleSeries, Pair};
use windvane::models::{FittedModel, Predictor, v32};
use windvane::readers::read_file;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let candles = match args.iter().position(|arg| arg == "--candles") {
        Some(at) => Some(args.drain(at..).nth(1).ok_or("--candles needs a number")?.parse()?),
        None => None,
    };
    let series =
        read_file(args.first().ok_or("a file of candles is needed")?, Pair::new("PAIR")?)?.series;
    let model: Arc<dyn FittedModel> = match args.get(1) {
        Some(path) => windvane::load(path)?.into(),
        None => Arc::new(v32::pretrained()),
    };
    match candles {
        None => print(&series, model),
        Some(candles) => measure(&series, model, candles),
    }
}

fn print(series: &CandleSeries, model: Arc<dyn FittedModel>) -> Result<(), Box<dyn Error>> {
    let mut predictor = Predictor::new(model, series.interval())?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for (row, candle) in series.iter().enumerate() {
        let Some(prediction) = predictor.on_candle(candle)?.into_prediction() else { continue };
        let [up, down, neutral] = prediction.probabilities.classes().map(f32::to_bits);
        writeln!(out, "{row},{},{up},{down},{neutral}", prediction.direction)?;
    }
    Ok(())
}

fn measure(
    series: &CandleSeries,
    model: Arc<dyn FittedModel>,
    candles: usize,
) -> Result<(), Box<dyn Error>> {
    let first = series.candles().first().ok_or("no candles")?.open_time();
    let mut all = Vec::with_capacity(candles);
    for (place, candle) in series.iter().cycle().take(candles).enumerate() {
        let time =
            first.plus(series.interval(), i64::try_from(place)?).ok_or("too many candles")?;
        all.push(Candle::new(time, candle.values())?);
    }
    let mut predictor = Predictor::new(model, series.interval())?;
    let (started, mut predictions) = (Instant::now(), 0);
    for candle in &all {
        predictions += usize::from(predictor.on_candle(candle)?.into_prediction().is_some());
    }
    let seconds = started.elapsed().as_secs_f64();
    writeln!(std::io::stdout(), "{predictions} predictions, {seconds:.3} s")?;
    Ok(())
}
