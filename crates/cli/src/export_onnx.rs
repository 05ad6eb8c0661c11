//! `windvane export-onnx`: a saved model as an ONNX file.
use std::path::PathBuf;

use clap::Args;
use windvane::models::replace_file;
use windvane::prelude::*;

use crate::Error;
use crate::output::{check_file, file_error, print};

/// Export a saved model as ONNX: raw channel values in, calibrated probabilities out
#[derive(Debug, Args)]
pub(crate) struct ExportOnnxOptions {
    /// Model saved by `fit` or by your own program.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// File to write [default: the model's path with the extension .onnx]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(options: &ExportOnnxOptions) -> Result<(), Error> {
    let out = options.out.clone().unwrap_or_else(|| options.model.with_extension("onnx"));
    check_file(&out)?;
    let model = load(&options.model)?;
    let bytes = windvane::to_onnx(&*model)
        .map_err(|error| format!("{}: {error}", options.model.display()))?;
    replace_file(&out, &bytes).map_err(|error| file_error(&out, error))?;
    let spec = model.spec();
    print(format_args!(
        "{}: {} bytes, {} rows of {} channels",
        out.display(),
        bytes.len(),
        spec.lookback,
        spec.signals.width()
    ))?;
    Ok(())
}
