//! A model on tables, row by row, as a predictor runs it on a feed.
use windvane_signals::{Sample, SignalTable, Window};

use crate::{FittedModel, PredictError, Prediction, Scratch, StatefulModel};

/// Predicts from rows of tables with the bits that a [`Predictor`](crate::Predictor) has live.
///
/// A model that reads windows alone needs none of it. A [stateful](StatefulModel) one has read every row since the start of the table or the last
/// reset before it answers: ask for rows in ascending order, table by table or in order of time,
/// and each row is read once. Going back starts anew.
///
/// # Examples
/// ```
/// use windvane_candles::{Interval, simulate::MarketModel};
/// use windvane_models::{Predictor, TableReader, v32};
/// use windvane_signals::{Registry, SignalSpec, SignalTable};
///
/// let series = MarketModel::AR1.candles("SIM".parse()?, Interval::HOUR, 60, 1)?;
/// let tables = [SignalTable::build(&SignalSpec::default(), &Registry::default(), &series, &[])?];
/// let model = v32::pretrained();
/// let mut reader = TableReader::new(&model, &tables);
/// let mut live = Predictor::new(v32::pretrained(), Interval::HOUR)?;
/// for (row, candle) in series.iter().enumerate() {
///     assert_eq!(reader.predict(0, row)?, live.on_candle(candle)?);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TableReader<'a> {
    model: &'a dyn FittedModel,
    stateful: Option<&'a dyn StatefulModel>,
    tables: &'a [SignalTable],
    scratch: Scratch,
    /// Position of the reader in each table.
    places: Vec<Place>,
    /// A channel that shows one value only.
    silenced: Option<(usize, f64)>,
    /// Rows without that channel.
    rows: Vec<f64>,
}

#[derive(Debug, Clone)]
struct Place {
    state: Vec<f32>,
    /// The row that is read next.
    next: usize,
}

impl<'a> TableReader<'a> {
    /// A model before the first row of each table.
    pub fn new(model: &'a dyn FittedModel, tables: &'a [SignalTable]) -> Self {
        let stateful = model.stateful();
        let state = vec![0.0; stateful.map_or(0, StatefulModel::state_len)];
        let (scratch, places) = (model.scratch(), vec![Place { state, next: 0 }; tables.len()]);
        Self { model, stateful, tables, scratch, places, silenced: None, rows: Vec::new() }
    }

    /// The same, with a channel that shows `value` in every row.
    #[must_use]
    pub fn silencing(self, channel: usize, value: f64) -> Self {
        Self { silenced: Some((channel, value)), ..self }
    }

    /// Predicts from a row and those before it; `None` where there is no whole window: while
    /// warming up, on a filled candle, outside the tables.
    ///
    /// # Errors
    /// As [`predict`](crate::DirectionModel::predict).
    pub fn predict(
        &mut self,
        table: usize,
        row: usize,
    ) -> Result<Option<Prediction>, PredictError> {
        let lookback = self.model.spec().lookback;
        let window = self.tables.get(table).and_then(|rows| rows.window(row, lookback));
        let Some(window) = window else { return Ok(None) };
        self.read(table, row)?;
        let Self { model, stateful, scratch, places, silenced, rows, .. } = self;
        let values = shown(window.values(), window.width(), *silenced, rows);
        let window = Window::new(values, window.width(), window.decided_at()).unwrap_or(window);
        let predicted = match stateful {
            Some(model) => model.predict_with_state(window, &places[table].state, scratch),
            None => model.predict(window, scratch),
        };
        predicted.map(Some)
    }

    /// Predicts from the window of a sample of these tables.
    ///
    /// # Errors
    /// As [`predict`](Self::predict); [`PredictError::WindowShape`] where the sample's window is
    /// shorter than the model's, or the sample is of other tables.
    pub fn predict_sample(&mut self, sample: &Sample) -> Result<Prediction, PredictError> {
        let Sample { table, row, .. } = *sample;
        let got = self.tables.get(table).map_or(0, |rows| rows.run(row));
        let shape =
            PredictError::WindowShape { what: "rows", expected: self.model.spec().lookback, got };
        self.predict(table, row)?.ok_or(shape)
    }

    /// Reads on to a row, from the beginning of its run where nothing of that has been read.
    fn read(&mut self, table: usize, row: usize) -> Result<(), PredictError> {
        let Self { stateful, tables, scratch, places, silenced, rows, .. } = self;
        let Some(model) = stateful else { return Ok(()) };
        let (table, Place { state, next }) = (&tables[table], &mut places[table]);
        let first = row + 1 - table.run(row);
        if *next <= first || *next > row + 1 {
            state.fill(0.0);
            *next = first;
        }
        while *next <= row {
            let values = table.row(*next).unwrap_or_default();
            let values = shown(values, table.width(), *silenced, rows);
            model.update_state(values, state, scratch)?;
            *next += 1;
        }
        Ok(())
    }
}

/// Rows as they are, or in a buffer with one channel held still.
fn shown<'r>(
    values: &'r [f64],
    width: usize,
    silenced: Option<(usize, f64)>,
    rows: &'r mut Vec<f64>,
) -> &'r [f64] {
    let Some((channel, value)) = silenced else { return values };
    rows.clear();
    rows.extend_from_slice(values);
    rows.iter_mut().skip(channel).step_by(width).for_each(|cell| *cell = value);
    rows
}
