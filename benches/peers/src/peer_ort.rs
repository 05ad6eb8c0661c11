//! Peer ONNX Runtime through the crate `ort`, which loads the shared library at run time.
use std::path::PathBuf;
use std::sync::OnceLock;

use ort::environment::Environment;
use ort::session::Session;
use ort::value::TensorRef;

use crate::data::{Data, INPUTS, Kind, STEPS, WINDOWS};
use crate::fitted::Preset;
use crate::onnx;
use crate::peer::{Offer, Peer};
use crate::workload::Workload;

/// Instructions for a missing shared library.
const HOW: &str = "set ORT_DYLIB_PATH to ONNX Runtime's shared library; `pip install onnxruntime` \
                   has it at onnxruntime/capi/libonnxruntime.so.* (see README.md)";

#[derive(Default)]
pub struct OnnxRuntime(OnceLock<Option<Environment>>);

impl OnnxRuntime {
    fn environment(&self) -> Option<&Environment> {
        let start = || {
            let library = PathBuf::from(std::env::var_os("ORT_DYLIB_PATH")?);
            library.exists().then(|| ort::init_from(library).ok()?.build().ok())?
        };
        self.0.get_or_init(start).as_ref()
    }
}

impl Peer for OnnxRuntime {
    fn name(&self) -> &'static str {
        "ort 2.0.0-rc.15"
    }

    fn offer<'a>(&self, work: Workload, data: &'a Data, _: bool) -> Offer<'a> {
        if let Workload::FittedWindow(preset) | Workload::FittedBatch(preset) = work {
            let batch = if work == Workload::FittedWindow(preset) { 1 } else { WINDOWS };
            let Some(environment) = self.environment() else { return Offer::Missing(HOW.into()) };
            return match session(environment, &preset.fitted().onnx) {
                Err(error) => Offer::Missing(error.to_string()),
                Ok(session) => fitted(session, preset, batch),
            };
        }
        let (file, batch) = match work {
            Workload::Window(kind) => (onnx::network(data.net(kind), 1), 1),
            Workload::Batch(kind) => (onnx::network(data.net(kind), WINDOWS), WINDOWS),
            Workload::Step => (onnx::step(&data.net(Kind::V32).lstms[0]), 0),
            _ => return Offer::Nothing,
        };
        let Some(environment) = self.environment() else { return Offer::Missing(HOW.into()) };
        match session(environment, &file) {
            Err(error) => Offer::Missing(error.to_string()),
            Ok(session) if batch == 0 => step(session, data),
            Ok(session) => windows(session, data, batch),
        }
    }
}

fn session(environment: &Environment, file: &[u8]) -> ort::Result<Session> {
    let builder = Session::builder(environment)?.with_intra_threads(1)?;
    builder.with_inter_threads(1)?.commit_from_memory(file)
}

fn windows(mut session: Session, data: &Data, batch: usize) -> Offer<'_> {
    Offer::Task(Box::new(move |n, out| {
        let x = data.windows(n * batch % WINDOWS, batch);
        let x = TensorRef::from_array_view(([batch, STEPS, INPUTS], x)).expect("it fits");
        let outputs = session.run(ort::inputs!["x" => x]).expect("a run");
        out.copy_from_slice(outputs["p"].try_extract_tensor::<f32>().expect("numbers").1);
    }))
}

/// Runs the ONNX file that windvane wrote for a fitted model.
fn fitted(mut session: Session, preset: Preset, batch: usize) -> Offer<'static> {
    let fitted = preset.fitted();
    Offer::Task(Box::new(move |n, out| {
        let first = if batch == 1 { n } else { 0 };
        let x = ([batch, STEPS, INPUTS], fitted.raw(first, batch));
        let x = TensorRef::from_array_view(x).expect("it fits");
        let outputs = session.run(ort::inputs!["window" => x]).expect("a run");
        let found = outputs["probabilities"].try_extract_tensor::<f32>().expect("numbers");
        out.copy_from_slice(found.1);
    }))
}

fn step(mut session: Session, data: &Data) -> Offer<'_> {
    let (mut h, mut c) = ([0.0_f32; 32], [0.0_f32; 32]);
    Offer::Task(Box::new(move |n, out| {
        let state = [1_usize, 1, 32];
        let x = TensorRef::from_array_view(([1_usize, 1, INPUTS], data.row(n))).expect("it fits");
        let inputs = ort::inputs![
            "x" => x,
            "h" => TensorRef::from_array_view((state, &h[..])).expect("it fits"),
            "c" => TensorRef::from_array_view((state, &c[..])).expect("it fits"),
        ];
        let outputs = session.run(inputs).expect("a run");
        out.copy_from_slice(outputs["hn"].try_extract_tensor::<f32>().expect("numbers").1);
        let cell = outputs["cn"].try_extract_tensor::<f32>().expect("numbers").1;
        c.copy_from_slice(cell);
        drop(outputs);
        h.copy_from_slice(out);
    }))
}
