//! A library that is timed.
use crate::data::Data;
use crate::workload::Work;

/// One call of the work: takes the number of the call, writes the output.
///
/// Call n reads window n (modulo their number), row n, or candle n; states and weights go on from
/// call to call.
pub type Task<'a> = Box<dyn FnMut(usize, &mut [f32]) + 'a>;

pub enum Offer<'a> {
    /// The library does this work.
    Task(Task<'a>),
    /// It has no such thing.
    Nothing,
    /// It would, but something is missing.
    Missing(String),
}

pub trait Peer {
    /// Name and version.
    fn name(&self) -> &'static str;

    /// Gets ready for the work. `dropout`: train v3.1 with dropout, which makes losses random.
    fn offer<'a>(&self, work: Work, data: &'a Data, dropout: bool) -> Offer<'a>;
}

/// Every peer that is compiled in, windvane first.
pub fn all() -> Vec<Box<dyn Peer>> {
    vec![
        Box::new(crate::peer_windvane::Windvane),
        #[cfg(feature = "ort")]
        Box::new(crate::peer_ort::OnnxRuntime::default()),
        #[cfg(feature = "rten")]
        Box::new(crate::peer_rten::Rten),
        #[cfg(feature = "tract")]
        Box::new(crate::peer_tract::Tract),
        #[cfg(feature = "candle")]
        Box::new(crate::peer_candle::CandleNn),
        #[cfg(feature = "burn")]
        Box::new(crate::peer_burn::Burn),
        #[cfg(feature = "rust-lstm")]
        Box::new(crate::peer_rust_lstm::RustLstm),
        #[cfg(feature = "ta")]
        Box::new(crate::peer_ta::Ta),
        #[cfg(feature = "yata")]
        Box::new(crate::peer_yata::Yata),
        #[cfg(feature = "kand")]
        Box::new(crate::peer_kand::Kand),
    ]
}
