//! Interface of a library in the comparison.
use crate::data::Data;
use crate::indicator::PerCandle;
use crate::workload::Workload;

/// Function that runs one call of the work: its arguments are the number of the call and the
/// output.
///
/// Call n reads window n (modulo the number of windows), row n, or candle n; states and weights are
/// kept from call to call.
pub type Task<'a> = Box<dyn FnMut(usize, &mut [f32]) + 'a>;

pub enum Offer<'a> {
    /// The library supports the work.
    Task(Task<'a>),
    /// The library does not support the work.
    Nothing,
    /// The library supports the work, but a requirement is missing: the reason.
    Missing(String),
}

pub trait Peer {
    /// Returns the name and the version.
    fn name(&self) -> &'static str;

    /// Prepares the work. With `dropout`, v3.1 trains with dropout, which makes its losses random.
    fn offer<'a>(&self, work: Workload, data: &'a Data, dropout: bool) -> Offer<'a>;
}

/// Runs an indicator on candle n.
pub fn indicator_task(data: &Data, mut indicator: PerCandle) -> Offer<'_> {
    Offer::Task(Box::new(move |n, out| {
        out[0] = indicator(&data.candles[n % data.candles.len()]) as f32;
    }))
}

/// Returns all enabled peers, windvane first.
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
        #[cfg(feature = "csv")]
        Box::new(crate::peer_csv::CsvRecords),
        #[cfg(feature = "polars")]
        Box::new(crate::peer_csv::Polars),
    ]
}
