//! Tables of channel values, and windows of rows.
mod blocks;
mod lags;
mod table;
mod window;

pub use lags::Lags;
pub use table::{Outcome, SignalTable};
pub use window::Window;
