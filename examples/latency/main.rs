//! How long from a closed candle in to a prediction out, model by model.
//!
//! `cargo run --release --example latency` fits small models on the embedded sample, feeds each of
//! them tens of thousands of candles one by one, and shows p50, p99, p99.9, the longest time and a
//! histogram. `--json` prints the numbers alone, `--quick` is a short run.
mod measure;
#[path = "../shared/models.rs"]
mod models;
mod show;

use clap::Parser;

/// Time `Predictor::on_candle` on closed candles, after warm-up, on one thread.
#[derive(Debug, Parser)]
#[command(name = "latency")]
struct Options {
    /// Predictions to time for each model.
    #[arg(long, default_value_t = 30_000, value_parser = clap::value_parser!(u32).range(1..))]
    calls: u32,
    /// A short run: 1,000 predictions for each model.
    #[arg(long, conflicts_with = "calls")]
    quick: bool,
    /// Print JSON instead of tables.
    #[arg(long)]
    json: bool,
}

#[expect(clippy::print_stdout, reason = "an example talks to the terminal")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    let calls = if options.quick { 1_000 } else { options.calls };
    let feed = models::feed()?;
    let mut measured = Vec::new();
    for kind in models::Kind::ALL {
        eprintln!("{}: fitting", kind.label());
        let model = models::model(kind, &feed)?;
        eprintln!("{}: timing {calls} predictions", kind.label());
        measured.push(measure::latency(kind.label(), &model, &feed, calls)?);
    }
    let text = if options.json { show::json(&measured)? } else { show::text(&measured)? };
    println!("{text}");
    Ok(())
}
