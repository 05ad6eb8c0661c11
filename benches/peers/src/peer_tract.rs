//! Peer `tract`, an ONNX runtime in Rust.
use std::io::Cursor;

use tract_onnx::prelude::*;

use crate::data::{Data, INPUTS, Kind, STEPS, WINDOWS};
use crate::onnx;
use crate::peer::{Offer, Peer};
use crate::workload::Workload;

pub struct Tract;

impl Peer for Tract {
    fn name(&self) -> &'static str {
        "tract-onnx 0.23.9"
    }

    fn offer<'a>(&self, work: Workload, data: &'a Data, _: bool) -> Offer<'a> {
        let offer = match work {
            Workload::Window(kind) => windows(data, kind, 1),
            Workload::Batch(kind) => windows(data, kind, WINDOWS),
            Workload::Step => step(data),
            _ => return Offer::Nothing,
        };
        offer.unwrap_or_else(|error| Offer::Missing(error.to_string()))
    }
}

fn load(file: &[u8]) -> TractResult<Arc<TypedRunnableModel>> {
    tract_onnx::onnx().model_for_read(&mut Cursor::new(file))?.into_optimized()?.into_runnable()
}

fn tensor(shape: &[usize], values: &[f32]) -> TValue {
    Tensor::from_shape(shape, values).expect("it fits").into()
}

fn copy(tensor: &Tensor, out: &mut [f32]) {
    let view = tensor.to_plain_array_view::<f32>().expect("numbers");
    out.iter_mut().zip(view.iter()).for_each(|(out, value)| *out = *value);
}

fn windows(data: &Data, kind: Kind, batch: usize) -> TractResult<Offer<'_>> {
    let mut state = load(&onnx::network(data.net(kind), batch))?.spawn()?;
    Ok(Offer::Task(Box::new(move |n, out| {
        let x = tensor(&[batch, STEPS, INPUTS], data.windows(n * batch % WINDOWS, batch));
        let outputs = state.run(tvec![x]).expect("a run");
        copy(&outputs[0], out);
    })))
}

fn step(data: &Data) -> TractResult<Offer<'_>> {
    let mut state = load(&onnx::step(&data.net(Kind::V32).lstms[0]))?.spawn()?;
    let mut h = tensor(&[1, 1, 32], &[0.0; 32]);
    let mut c = h.clone();
    Ok(Offer::Task(Box::new(move |n, out| {
        let x = tensor(&[1, 1, INPUTS], data.row(n));
        let mut outputs = state.run(tvec![x, h.clone(), c.clone()]).expect("a run");
        c = outputs.pop().expect("a cell");
        h = outputs.pop().expect("a hidden state");
        copy(&h, out);
    })))
}
