//! Saving and restoring the state of channels without loss of bits.
use windvane_candles::Interval;

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
