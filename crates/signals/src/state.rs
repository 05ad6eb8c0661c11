//! Saving and restoring the state of channels without loss of bits.
use windvane_candles::{Candle, Interval, Ohlcv, Timestamp};

use crate::SignalError;

/// Writer of a state as 64-bit words; floats keep their bits.
///
/// # Examples
/// ```
/// use windvane_signals::{StateReader, StateWriter};
/// let mut writer = StateWriter::default();
/// writer.float(0.1);
/// writer.count(3);
/// let words = writer.into_words();
/// let mut reader = StateReader::new(&words);
/// assert_eq!(reader.float()?, 0.1);
/// assert_eq!(reader.count()?, 3);
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Default, Clone)]
pub struct StateWriter {
    words: Vec<u64>,
}

impl StateWriter {
    /// Appends a float.
    pub fn float(&mut self, value: f64) {
        self.words.push(value.to_bits());
    }

    /// Appends a count.
    pub fn count(&mut self, value: usize) {
        self.words.push(value as u64);
    }

    /// Appends a signed integer.
    pub fn int(&mut self, value: i64) {
        self.words.push(value.cast_unsigned());
    }

    /// Appends an interval: its length; with an offset or by session the negative length and the
    /// offset, −1 by session. States of the usual grid are as they were before there were others.
    pub(crate) fn interval(&mut self, interval: Interval) {
        if interval.offset() == Some(0) {
            self.int(interval.millis());
        } else {
            self.int(-interval.millis());
            self.int(interval.offset().unwrap_or(-1));
        }
    }

    /// Appends a list of floats, preceded by its length.
    pub fn floats(&mut self, values: impl ExactSizeIterator<Item = f64>) {
        self.count(values.len());
        self.words.extend(values.map(f64::to_bits));
    }

    /// Appends a text, preceded by its length in bytes.
    pub fn text(&mut self, text: &str) {
        self.count(text.len());
        for chunk in text.as_bytes().chunks(8) {
            let mut bytes = [0; 8];
            bytes[..chunk.len()].copy_from_slice(chunk);
            self.words.push(u64::from_le_bytes(bytes));
        }
    }

    /// Appends a time, or its absence.
    pub(crate) fn time(&mut self, time: Option<Timestamp>) {
        self.count(usize::from(time.is_some()));
        self.int(time.map_or(0, Timestamp::millis));
    }

    /// Appends a candle, or its absence.
    pub(crate) fn candle(&mut self, candle: Option<&Candle>) {
        self.count(usize::from(candle.is_some()));
        if let Some(candle) = candle {
            let Ohlcv { open, high, low, close, volume } = candle.values();
            self.int(candle.open_time().millis());
            for value in [open, high, low, close, volume] {
                self.float(value);
            }
        }
    }

    /// Returns the words written.
    pub fn into_words(self) -> Vec<u64> {
        self.words
    }
}

/// Reader of the words of a [`StateWriter`], in the same order.
#[derive(Debug, Clone)]
pub struct StateReader<'a> {
    words: &'a [u64],
}

impl<'a> StateReader<'a> {
    /// Creates a reader that starts at the first word.
    pub fn new(words: &'a [u64]) -> Self {
        Self { words }
    }

    fn word(&mut self) -> Result<u64, SignalError> {
        let (first, rest) =
            self.words.split_first().ok_or(SignalError::State { what: "it ends too early" })?;
        self.words = rest;
        Ok(*first)
    }

    /// Reads the next float.
    ///
    /// # Errors
    /// [`SignalError::State`] if there is no next word or the float is not finite.
    pub fn float(&mut self) -> Result<f64, SignalError> {
        let value = f64::from_bits(self.word()?);
        if value.is_finite() {
            Ok(value)
        } else {
            Err(SignalError::State { what: "a number is not finite" })
        }
    }

    /// Reads the next count.
    ///
    /// # Errors
    /// [`SignalError::State`] if there is no next word or the count does not fit into a `usize`.
    pub fn count(&mut self) -> Result<usize, SignalError> {
        usize::try_from(self.word()?)
            .map_err(|_| SignalError::State { what: "a count is too large" })
    }

    /// Reads the next count, which must be `expected`. A channel calls it to reject the state of a
    /// channel with another parameter.
    ///
    /// # Errors
    /// [`SignalError::State`] if the count differs or there is no next word.
    pub fn expect(&mut self, expected: usize) -> Result<(), SignalError> {
        if self.count()? == expected {
            return Ok(());
        }
        Err(SignalError::State { what: "it is from a channel with another parameter" })
    }

    /// Reads the next signed integer.
    ///
    /// # Errors
    /// [`SignalError::State`] if there is no next word.
    pub fn int(&mut self) -> Result<i64, SignalError> {
        Ok(self.word()?.cast_signed())
    }

    /// Reads the next interval and returns whether it is the given one.
    pub(crate) fn is_interval(&mut self, interval: Interval) -> Result<bool, SignalError> {
        let length = self.int()?;
        let offset = if length < 0 { self.int()? } else { 0 };
        let is_equal = length.unsigned_abs() == interval.millis().unsigned_abs();
        Ok(is_equal && offset == interval.offset().unwrap_or(-1))
    }

    /// Reads the next list of at most `max_len` floats.
    ///
    /// # Errors
    /// [`SignalError::State`] if the list is longer or there are too few words.
    pub fn floats(&mut self, max_len: usize) -> Result<Vec<f64>, SignalError> {
        let len = self.count()?;
        if len > max_len {
            return Err(SignalError::State { what: "a list is too long" });
        }
        (0..len).map(|_| self.float()).collect()
    }

    /// Reads the next text of at most `max_len` bytes.
    ///
    /// # Errors
    /// [`SignalError::State`] if the text is longer or not UTF-8, or there are too few words.
    pub fn text(&mut self, max_len: usize) -> Result<String, SignalError> {
        let len = self.count()?;
        if len > max_len {
            return Err(SignalError::State { what: "a text is too long" });
        }
        let mut bytes = Vec::with_capacity(len);
        while bytes.len() < len {
            let rest = len - bytes.len();
            bytes.extend_from_slice(&self.word()?.to_le_bytes()[..rest.min(8)]);
        }
        String::from_utf8(bytes).map_err(|_| SignalError::State { what: "a text is not UTF-8" })
    }

    /// Reads a time that [`StateWriter::time`] wrote.
    pub(crate) fn time(&mut self) -> Result<Option<Timestamp>, SignalError> {
        let is_some = self.count()? != 0;
        let time = Timestamp::from_millis(self.int()?);
        Ok(is_some.then_some(time))
    }

    /// Reads a candle that [`StateWriter::candle`] wrote.
    pub(crate) fn candle(&mut self) -> Result<Option<Candle>, SignalError> {
        if self.count()? == 0 {
            return Ok(None);
        }
        let open_time = Timestamp::from_millis(self.int()?);
        let (open, high, low) = (self.float()?, self.float()?, self.float()?);
        let values = Ohlcv { open, high, low, close: self.float()?, volume: self.float()? };
        let candle = Candle::new(open_time, values);
        candle.map(Some).map_err(|_| SignalError::State { what: "a candle is invalid" })
    }

    /// Checks that all words have been read.
    ///
    /// # Errors
    /// [`SignalError::State`] if words are left.
    pub fn finish(self) -> Result<(), SignalError> {
        if self.words.is_empty() {
            Ok(())
        } else {
            Err(SignalError::State { what: "it has more words than expected" })
        }
    }
}
