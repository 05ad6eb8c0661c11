//! Predictions from signal tables, row by row.
use windvane_signals::{RowReader, Sample, SignalTable, Window};

use crate::{FittedModel, ModelSpec, PredictError, Prediction, Scratch, StatefulModel};

/// Reader of signal tables that predicts with the bits of a live [`Predictor`](crate::Predictor).
///
/// The prediction of a [stateful](StatefulModel) model depends on all rows since the start of the
/// table or the last reset. The tables must have the interval, the channels in their order and the
/// gap policy of the model's spec: other values of the same number would be predicted from without
/// an error. Request the rows of a table in ascending order: then each row is read
/// once. An earlier row makes the reader start again from the last reset.
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
///     assert_eq!(reader.predict(0, row)?, live.on_candle(candle)?.into_prediction());
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TableReader<'a> {
    model: &'a dyn FittedModel,
    stateful: Option<&'a dyn StatefulModel>,
    table_rows: RowReader<'a>,
    scratch: Scratch,
    /// Position of the reader in each table.
    positions: Vec<TablePosition>,
    /// Index and value of a channel that is held constant.
    constant_channel: Option<(usize, f64)>,
    /// Buffer for rows with the constant channel.
    rows: Vec<f64>,
}

/// Position in one table, with the recurrent state before the next row.
#[derive(Debug, Clone, Default)]
struct TablePosition {
    /// Recurrent state; empty before the first row.
    state: Vec<f32>,
    /// Index of the next row.
    next: usize,
    /// Whether the table has the model's spec; `None` before its first row.
    fits: Option<bool>,
}

impl<'a> TableReader<'a> {
    /// Creates a reader before the first row of each table.
    pub fn new(model: &'a dyn FittedModel, tables: &'a [SignalTable]) -> Self {
        Self {
            model,
            stateful: model.stateful(),
            table_rows: RowReader::new(tables),
            scratch: model.scratch(),
            positions: vec![TablePosition::default(); tables.len()],
            constant_channel: None,
            rows: Vec::new(),
        }
    }

    /// Holds a channel at `value` in every row.
    #[must_use]
    pub fn with_constant_channel(self, channel: usize, value: f64) -> Self {
        Self { constant_channel: Some((channel, value)), ..self }
    }

    /// Predicts from the window that ends at a row; `None` without a complete window: during the
    /// warm-up, on a filled candle, outside the tables.
    ///
    /// # Errors
    /// [`PredictError::OtherTable`] for a table of another spec, [`PredictError::Signal`] for a file
    /// that cannot be read, and the errors of [`predict`](crate::DirectionModel::predict).
    pub fn predict(
        &mut self,
        table: usize,
        row: usize,
    ) -> Result<Option<Prediction>, PredictError> {
        let Some(own) = self.table_rows.tables().get(table) else { return Ok(None) };
        let spec = self.model.spec();
        let fits = &mut self.positions[table].fits;
        if !*fits.get_or_insert_with(|| difference(spec, own).is_none()) {
            return Err(self.other_table(table));
        }
        if own.decision(row, spec.lookback).is_none() {
            return Ok(None);
        }
        self.read(table, row)?;
        let Self { model, stateful, table_rows, scratch, positions, constant_channel, rows } = self;
        let Some(window) = table_rows.window(table, row, spec.lookback)? else { return Ok(None) };
        let values = with_constant(window.values(), window.width(), *constant_channel, rows);
        let window = Window::new(values, window.width(), window.decided_at()).unwrap_or(window);
        let predicted = match stateful {
            Some(model) => model.predict_with_state(window, &positions[table].state, scratch),
            None => model.predict(window, scratch),
        };
        predicted.map(Some)
    }

    /// Predicts from the window of a sample of these tables.
    ///
    /// # Errors
    /// The errors of [`predict`](Self::predict), and [`PredictError::WindowShape`] if the sample's
    /// window is shorter than the model's or the sample belongs to other tables.
    pub fn predict_sample(&mut self, sample: &Sample) -> Result<Prediction, PredictError> {
        let (table, row) = (sample.table(), sample.row());
        let got = self.table_rows.tables().get(table).map_or(0, |rows| rows.run(row));
        let shape =
            PredictError::WindowShape { what: "rows", expected: self.model.spec().lookback, got };
        self.predict(table, row)?.ok_or(shape)
    }

    /// Error for a table of another spec.
    fn other_table(&self, table: usize) -> PredictError {
        let (model, table) = (self.model.id().to_string(), &self.table_rows.tables()[table]);
        let difference = difference(self.model.spec(), table);
        let Difference { what, expected, got } = difference.unwrap_or_default();
        PredictError::OtherTable { model, pair: table.pair().clone(), what, expected, got }
    }

    /// Updates the recurrent state up to a row. Starts from zero at the first row of its run of
    /// complete rows, unless the state is already inside that run and before the row.
    fn read(&mut self, table: usize, row: usize) -> Result<(), PredictError> {
        let Self { stateful, table_rows, scratch, positions, constant_channel, rows, .. } = self;
        let Some(model) = stateful else { return Ok(()) };
        let (own, TablePosition { state, next, .. }) =
            (&table_rows.tables()[table], &mut positions[table]);
        let first = row + 1 - own.run(row);
        state.resize(model.state_len(), 0.0);
        if *next <= first || *next > row + 1 {
            state.fill(0.0);
            *next = first;
        }
        while *next <= row {
            let values = table_rows.row(table, *next)?.unwrap_or_default();
            let values = with_constant(values, own.width(), *constant_channel, rows);
            model.update_state(values, state, scratch)?;
            *next += 1;
        }
        Ok(())
    }
}

/// First property in which a table differs from a model's spec.
#[derive(Debug, Default)]
struct Difference {
    what: &'static str,
    expected: String,
    got: String,
}

/// Compares interval, channels and gap policy; `None` if they are the same.
fn difference(spec: &ModelSpec, table: &SignalTable) -> Option<Difference> {
    let (own, other) = (&spec.signals, table.spec());
    if spec.interval != table.interval() {
        let (expected, got) = (spec.interval.to_string(), table.interval().to_string());
        return Some(Difference { what: "interval", expected, got });
    }
    if own.channels != other.channels {
        let count = own.channels.len().max(other.channels.len());
        let (own, other) = (&own.channels, &other.channels);
        let index = (0..count).find(|index| own.get(*index) != other.get(*index))?;
        let [expected, got] = [own, other].map(|channels| {
            let channel = channels.get(index);
            channel.map_or_else(|| "none".to_string(), ToString::to_string)
        });
        let expected = format!("{} as number {}", expected, index + 1);
        return Some(Difference { what: "channel", expected, got });
    }
    let [expected, got] = [own.gaps, other.gaps].map(|gaps| format!("{gaps:?}"));
    (own.gaps != other.gaps).then_some(Difference { what: "gap policy", expected, got })
}

/// Returns the rows, or their copy in `rows` with the constant channel.
fn with_constant<'r>(
    values: &'r [f64],
    width: usize,
    constant_channel: Option<(usize, f64)>,
    rows: &'r mut Vec<f64>,
) -> &'r [f64] {
    let Some((channel, value)) = constant_channel else { return values };
    rows.clear();
    rows.extend_from_slice(values);
    rows.iter_mut().skip(channel).step_by(width).for_each(|cell| *cell = value);
    rows
}
