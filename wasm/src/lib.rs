//! Predictions in a browser or in any other WebAssembly runtime, without a server.
//!
//! The functions with C names are the interface; `page/windvane.js` calls them. A caller
//! writes bytes to the memory at [`input`], calls one of the three jobs, which returns the length of
//! a JSON text, and reads the text at [`result`]. The text of a failed job is `{"error": "…"}`.
#![expect(
    unsafe_code,
    reason = "an exported function needs the attribute `no_mangle`; there is no unsafe block"
)]

mod csv;
mod session;

use std::cell::RefCell;

use serde_json::{Value, json};

pub use session::{Session, SessionError};

/// Session of the page and the buffers that it shares with the caller.
#[derive(Default)]
struct Page {
    session: Session,
    input: Vec<u8>,
    result: String,
}

impl Page {
    /// Stores the result of a job as text and returns its length.
    fn finish(&mut self, result: Result<Value, SessionError>) -> usize {
        let value = result.unwrap_or_else(|error| json!({ "error": error.to_string() }));
        self.result = value.to_string();
        self.result.len()
    }
}

thread_local! {
    static PAGE: RefCell<Page> = RefCell::default();
}

/// Returns the address of `len` bytes for the input of the next job.
#[unsafe(no_mangle)]
pub extern "C" fn input(len: usize) -> *mut u8 {
    PAGE.with_borrow_mut(|page| {
        page.input.clear();
        page.input.resize(len, 0);
        page.input.as_mut_ptr()
    })
}

/// Returns the address of the result of the last job.
#[unsafe(no_mangle)]
pub extern "C" fn result() -> *const u8 {
    PAGE.with_borrow(|page| page.result.as_ptr())
}

/// Replaces the pretrained model by the saved model in the input.
#[unsafe(no_mangle)]
pub extern "C" fn load_model() -> usize {
    PAGE.with_borrow_mut(|page| {
        let loaded = page.session.load_model(&page.input);
        page.finish(loaded)
    })
}

/// Reads the candles of a CSV file: the input is its name, `name_len` bytes, and then its content.
#[unsafe(no_mangle)]
pub extern "C" fn read_candles(name_len: usize) -> usize {
    PAGE.with_borrow_mut(|page| {
        let bytes = std::mem::take(&mut page.input);
        let (name, content) = bytes.split_at(name_len.min(bytes.len()));
        let read = page.session.read(&String::from_utf8_lossy(name), content);
        page.finish(read)
    })
}

/// Predicts at every candle that was read.
#[unsafe(no_mangle)]
pub extern "C" fn predict() -> usize {
    PAGE.with_borrow_mut(|page| {
        let predicted = page.session.predict();
        page.finish(predicted)
    })
}
