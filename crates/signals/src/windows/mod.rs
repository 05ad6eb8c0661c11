//! Tables of channel values, and windows of rows.
mod table;
mod window;

pub use table::{Outcome, SignalTable};
pub use window::Window;
