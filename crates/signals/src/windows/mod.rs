//! Tables of channel values, and the windows of rows that models read.
mod table;
mod window;

pub use table::{Outcome, SignalTable};
pub use window::Window;
