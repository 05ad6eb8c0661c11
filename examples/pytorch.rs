//! PyTorch weights: loaded, compared with PyTorch's probabilities, and written back.
//!
//! `cargo run --release --example pytorch`. `fixtures/pytorch/round_trip.py` defines the same
//! network in PyTorch and wrote the files; `windvane export` writes rows of signals for training in
//! Python.
#![expect(clippy::print_stdout, reason = "an example prints its results")]

use std::path::Path;

use safetensors::SafeTensors;
use windvane::models::ModelSpec;
use windvane::models::network::Network;
use windvane::prelude::*;
use windvane::signals::{Scaler, Window};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/pytorch");

    // A state_dict contains neither channels nor scaler, so pass those of the training in Python.
    let (signals, interval) = (SignalSpec::default(), Interval::HOUR);
    let spec = ModelSpec { signals, interval, lookback: 20, labels: LabelSpec::default() };
    let scaler = Scaler::from_parts(vec![0.0; 6], vec![1.0; 6], 5.0)?;
    let model =
        Network::load_state_dict(folder.join("v32.safetensors"), &v32::config(), spec, scaler)?;

    let bytes = std::fs::read(folder.join("results.safetensors"))?;
    let results = SafeTensors::deserialize(&bytes)?;
    let windows = floats(results.tensor("x")?.data());
    let expected = floats(results.tensor("v32.probabilities")?.data());
    let mut scratch = model.scratch();
    let mut largest = 0.0_f64;
    for (window, expected) in windows.chunks(20 * 6).zip(expected.chunks(3)) {
        let window = Window::new(window, 6, Timestamp::from_millis(0)).ok_or("whole rows")?;
        let own = model.predict(window, &mut scratch)?.probabilities.classes();
        for (own, expected) in own.into_iter().zip(expected) {
            largest = largest.max((f64::from(own) - expected).abs());
        }
    }
    println!("largest difference from PyTorch's probabilities: {largest:.1e}");

    let file = std::env::temp_dir().join("for_pytorch.safetensors");
    std::fs::write(&file, model.to_state_dict()?)?;
    println!("written back for PyTorch: {}", file.display());
    Ok(())
}

/// Converts the data of an f32 tensor.
fn floats(bytes: &[u8]) -> Vec<f64> {
    let (words, _) = bytes.as_chunks::<4>();
    words.iter().map(|word| f64::from(f32::from_le_bytes(*word))).collect()
}
