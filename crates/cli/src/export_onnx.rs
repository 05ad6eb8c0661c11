//! `windvane export-onnx`: a saved network as an ONNX file.
use std::path::PathBuf;

use clap::Args;
use windvane::models::network::Network;
use windvane::models::replace_file;
use windvane::prelude::*;

use crate::Error;
use crate::output::{check_file, file_error, print};

/// Export a saved network as ONNX: raw channel values in, calibrated probabilities out
#[derive(Debug, Args)]
pub(crate) struct ExportOnnxOptions {
    /// Network saved by `fit` or by your own program.
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
    let Some(network) = model.downcast_ref::<Network>() else {
        return Err(format!(
            "{}: {} is not a network; ONNX is for networks: v3, v31, v32, v32-stateful, gru, tcn, \
             transformer",
            options.model.display(),
            model.id()
        )
        .into());
    };
    let bytes = network.to_onnx()?;
    replace_file(&out, &bytes).map_err(|error| file_error(&out, error))?;
    let spec = network.spec();
    print(format_args!(
        "{}: {} bytes, {} rows of {} channels",
        out.display(),
        bytes.len(),
        spec.lookback,
        spec.signals.width()
    ))?;
    Ok(())
}
