//! Tables of channel values, and windows of rows.
mod blocks;
mod file;
mod lags;
mod reader;
mod table;
mod values;
mod window;

pub use lags::Lags;
pub use reader::RowReader;
pub use table::{Outcome, SignalTable};
pub use values::TableStore;
pub use window::Window;
