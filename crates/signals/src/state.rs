//! Saving and restoring the state of channels bit for bit.
use crate::SignalError;

/// Collects a state as 64-bit words; floats keep their bits.
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

    /// Appends a signed number.
    pub fn int(&mut self, value: i64) {
        self.words.push(value.cast_unsigned());
    }

    /// Appends a list of floats with its length.
    pub fn floats(&mut self, values: impl ExactSizeIterator<Item = f64>) {
        self.count(values.len());
        self.words.extend(values.map(f64::to_bits));
    }

    /// The words collected.
    pub fn into_words(self) -> Vec<u64> {
        self.words
    }
}

/// Reads back what a [`StateWriter`] collected, in the same order.
#[derive(Debug, Clone)]
pub struct StateReader<'a> {
    words: &'a [u64],
}

impl<'a> StateReader<'a> {
    /// Starts at the first word.
    pub fn new(words: &'a [u64]) -> Self {
        Self { words }
    }

    fn word(&mut self) -> Result<u64, SignalError> {
        let (first, rest) =
            self.words.split_first().ok_or(SignalError::State { what: "it ends too early" })?;
        self.words = rest;
        Ok(*first)
    }

    /// The next float.
    ///
    /// # Errors
    /// [`SignalError::State`] when the words end or it is not finite.
    pub fn float(&mut self) -> Result<f64, SignalError> {
        let value = f64::from_bits(self.word()?);
        if value.is_finite() {
            Ok(value)
        } else {
            Err(SignalError::State { what: "a number is not finite" })
        }
    }

    /// The next count.
    ///
    /// # Errors
    /// [`SignalError::State`] when the words end or the count is too large for this machine.
    pub fn count(&mut self) -> Result<usize, SignalError> {
        usize::try_from(self.word()?)
            .map_err(|_| SignalError::State { what: "a count is too large" })
    }

    /// The next count, which must be `expected`: how an indicator knows its own state from that
    /// of one with other parameters.
    ///
    /// # Errors
    /// [`SignalError::State`] when it is another or the words end.
    pub fn expect(&mut self, expected: usize) -> Result<(), SignalError> {
        if self.count()? == expected {
            return Ok(());
        }
        Err(SignalError::State { what: "it is of a channel with another parameter" })
    }

    /// The next signed number.
    ///
    /// # Errors
    /// [`SignalError::State`] when the words end.
    pub fn int(&mut self) -> Result<i64, SignalError> {
        Ok(self.word()?.cast_signed())
    }

    /// The next list of at most `most` floats.
    ///
    /// # Errors
    /// [`SignalError::State`] when the list is longer or the words end.
    pub fn floats(&mut self, most: usize) -> Result<Vec<f64>, SignalError> {
        let len = self.count()?;
        if len > most {
            return Err(SignalError::State { what: "a list is too long" });
        }
        (0..len).map(|_| self.float()).collect()
    }

    /// Confirms that every word was read.
    ///
    /// # Errors
    /// [`SignalError::State`] when some are left.
    pub fn finish(self) -> Result<(), SignalError> {
        if self.words.is_empty() {
            Ok(())
        } else {
            Err(SignalError::State { what: "it has words left over" })
        }
    }
}
