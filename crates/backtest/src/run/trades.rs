//! Trades of the policies of a run as rows, CSV and Parquet.
use std::io::{self, Write};
use std::path::Path;

use windvane_candles::{Interval, Timestamp};

use super::table_file::{self, quoted};
use crate::error::BacktestError;
use crate::score::TradeSpan;

/// Trade of a policy: a position of one instrument from its entry to its exit.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct PolicyTrade<'a> {
    /// Name of the model.
    pub model: &'a str,
    /// Rules of the policy in words.
    pub policy: &'a str,
    /// Name of the instrument.
    pub instrument: &'a str,
    /// Interval of the candles.
    pub interval: Interval,
    /// Fold, counted from 1.
    pub fold: usize,
    /// Close at which the position was entered.
    pub entered_at: Timestamp,
    /// Close at which the position was left, or changed to another size.
    pub left_at: Timestamp,
    /// Share of the capital of the instrument, −1 to 1; negative for a short position.
    pub position: f64,
    /// Number of candles held.
    pub candles: usize,
    /// Sum of the position times the change of the close of each candle held, before costs, a
    /// fraction. Costs are twice |position| times the cost per unit of turnover.
    pub gross_return: f64,
}

/// Trades of all policies and models of a run, acted on at the close of the prediction:
/// [`Backtest::run_detailed`](crate::Backtest::run_detailed).
///
/// They are those of the numbers of the report: of the first seed and of path 1. Rows are ordered by
/// interval, model, policy, instrument and time.
///
/// | column | content |
/// |---|---|
/// | `model`, `policy`, `instrument`, `interval` | names |
/// | `fold` | number, counted from 1 |
/// | `entered_at`, `left_at` | closes, RFC 3339 (Parquet: UTC milliseconds) |
/// | `position` | share of the capital of the instrument, −1 to 1 |
/// | `candles` | number of candles held |
/// | `gross_return` | sum of position × change of each candle held, before costs, a fraction |
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyTrades {
    models: Vec<String>,
    policies: Vec<String>,
    instruments: Vec<String>,
    rows: Vec<TradeRow>,
}

/// Trade with the indices of its model and policy.
#[derive(Debug, Clone, Copy, PartialEq)]
struct TradeRow {
    model: usize,
    policy: usize,
    interval: Interval,
    span: TradeSpan,
}

impl PolicyTrades {
    /// Names of the columns of the files.
    pub const COLUMNS: [&'static str; 10] = [
        "model",
        "policy",
        "instrument",
        "interval",
        "fold",
        "entered_at",
        "left_at",
        "position",
        "candles",
        "gross_return",
    ];

    /// Creates an empty list with the names of models, policies and instruments by index.
    pub(super) fn new(
        models: Vec<String>,
        policies: Vec<String>,
        instruments: Vec<String>,
    ) -> Self {
        Self { models, policies, instruments, rows: Vec::new() }
    }

    /// Adds a trade of a model and a policy, given by index.
    pub(super) fn push(
        &mut self,
        (model, policy): (usize, usize),
        interval: Interval,
        span: TradeSpan,
    ) {
        self.rows.push(TradeRow { model, policy, interval, span });
    }

    /// Iterates over the trades.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = PolicyTrade<'_>> {
        self.rows.iter().map(|TradeRow { model, policy, interval, span }| PolicyTrade {
            model: &self.models[*model],
            policy: &self.policies[*policy],
            instrument: &self.instruments[span.instrument],
            interval: *interval,
            fold: span.fold,
            entered_at: span.entered_at,
            left_at: span.left_at,
            position: span.position,
            candles: span.candles,
            gross_return: span.gross,
        })
    }

    /// Writes a file: Parquet if its name ends in `.parquet`, which requires the feature
    /// `columnar`, otherwise CSV. An existing file is replaced atomically.
    ///
    /// # Errors
    /// [`BacktestError::Io`] with the path, also for Parquet without the feature.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), BacktestError> {
        table_file::write(path.as_ref(), |file| self.write_csv(file), |file| parquet(self, file))
    }

    /// Writes CSV with a header. Reading the numbers gives the same bits.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_csv<W: Write>(&self, mut writer: W) -> io::Result<()> {
        writeln!(writer, "{}", Self::COLUMNS.join(","))?;
        for row in self.iter() {
            let [model, policy, instrument] = [row.model, row.policy, row.instrument].map(quoted);
            let (interval, fold, candles) = (row.interval, row.fold, row.candles);
            let (entered, left, position) = (row.entered_at, row.left_at, row.position);
            writeln!(
                writer,
                "{model},{policy},{instrument},{interval},{fold},{entered},{left},{position},\
                 {candles},{}",
                row.gross_return
            )?;
        }
        Ok(())
    }

    /// Writes Parquet.
    ///
    /// # Errors
    /// Those of the writer.
    #[cfg(feature = "columnar")]
    #[cfg_attr(docsrs, doc(cfg(feature = "columnar")))]
    pub fn write_parquet<W: Write + Send>(&self, writer: W) -> io::Result<()> {
        super::columnar::write_trades(self, writer)
    }
}

#[cfg(feature = "columnar")]
fn parquet(trades: &PolicyTrades, file: &mut (impl Write + Send)) -> io::Result<()> {
    trades.write_parquet(file)
}

#[cfg(not(feature = "columnar"))]
fn parquet(_: &PolicyTrades, _: &mut impl Write) -> io::Result<()> {
    Err(table_file::parquet_is_missing())
}
