//! Window: the last rows before a decision, the input of a model.
use windvane_candles::Timestamp;

/// Window of the last `lookback` rows of channel values, oldest first, and the time of the
/// decision.
///
/// **Shapes** `[T, C]`, row-major: T steps of C channels. **Units** raw channel values; a model
/// scales them itself.
///
/// # Examples
/// ```
/// use windvane_candles::Timestamp;
/// use windvane_signals::Window;
/// let rows = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6];
/// let window = Window::new(&rows, 2, Timestamp::from_millis(0)).unwrap();
/// assert_eq!(window.steps(), 3);
/// assert_eq!(window.row(2), [0.5, 0.6]);
/// assert!(Window::new(&rows, 4, Timestamp::from_millis(0)).is_none());
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window<'a> {
    rows: &'a [f64],
    width: usize,
    decided_at: Timestamp,
}

impl<'a> Window<'a> {
    /// Creates a window from the flat values of its rows; `None` unless they are one or more whole
    /// rows of `width` values.
    pub fn new(rows: &'a [f64], width: usize, decided_at: Timestamp) -> Option<Self> {
        let fits = width > 0 && !rows.is_empty() && rows.len().is_multiple_of(width);
        fits.then_some(Self { rows, width, decided_at })
    }

    /// Returns all values, row after row.
    pub fn values(&self) -> &'a [f64] {
        self.rows
    }

    /// Returns the number of channels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Returns the number of rows.
    pub fn steps(&self) -> usize {
        self.rows.len() / self.width
    }

    /// Returns one row.
    ///
    /// # Panics
    /// If `step` is not below [`steps`](Self::steps).
    pub fn row(&self, step: usize) -> &'a [f64] {
        &self.rows[step * self.width..(step + 1) * self.width]
    }

    /// Returns the close time of the last candle, when the window becomes known.
    pub fn decided_at(&self) -> Timestamp {
        self.decided_at
    }
}
