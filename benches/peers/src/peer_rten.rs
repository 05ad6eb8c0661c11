//! Peer `rten`, an ONNX runtime in Rust.
use rten::{Model, ValueOrView};
use rten_tensor::prelude::*;
use rten_tensor::{NdTensor, NdTensorView};

use crate::data::{Data, INPUTS, Kind, STEPS, WINDOWS};
use crate::onnx;
use crate::peer::{Offer, Peer};
use crate::workload::Workload;

pub struct Rten;

impl Peer for Rten {
    fn name(&self) -> &'static str {
        "rten 0.27.0"
    }

    fn offer<'a>(&self, work: Workload, data: &'a Data, _: bool) -> Offer<'a> {
        match work {
            Workload::Window(kind) => windows(data, kind, 1),
            Workload::Batch(kind) => windows(data, kind, WINDOWS),
            Workload::Step => step(data),
            _ => Offer::Nothing,
        }
    }
}

fn windows(data: &Data, kind: Kind, batch: usize) -> Offer<'_> {
    let model = match Model::load(onnx::network(data.net(kind), batch)) {
        Ok(model) => model,
        Err(error) => return Offer::Missing(error.to_string()),
    };
    Offer::Task(Box::new(move |n, out| {
        let x = data.windows(n * batch % WINDOWS, batch);
        let x: ValueOrView<'_> = NdTensorView::from_data([batch, STEPS, INPUTS], x).into();
        let p: NdTensor<f32, 2> =
            model.run_one(x, None).expect("a run").try_into().expect("numbers");
        out.copy_from_slice(p.data().expect("contiguous"));
    }))
}

fn step(data: &Data) -> Offer<'_> {
    let model = match Model::load(onnx::step(&data.net(Kind::V32).lstms[0])) {
        Ok(model) => model,
        Err(error) => return Offer::Missing(error.to_string()),
    };
    let id = |name| model.node_id(name).expect("a name of the graph");
    let ([x_id, h_id, c_id], outputs) = (["x", "h", "c"].map(id), ["hn", "cn"].map(id));
    let mut h = NdTensor::<f32, 3>::zeros([1, 1, 32]);
    let mut c = h.clone();
    Offer::Task(Box::new(move |n, out| {
        let x = NdTensorView::from_data([1, 1, INPUTS], data.row(n));
        let inputs = vec![(x_id, x.into()), (h_id, h.view().into()), (c_id, c.view().into())];
        let [hn, cn] = model.run_n(inputs, outputs, None).expect("a run");
        h = hn.try_into().expect("numbers");
        c = cn.try_into().expect("numbers");
        out.copy_from_slice(h.data().expect("contiguous"));
    }))
}
