//! Place of the table values of a backtest under a memory budget.
use windvane::backtest::{Instrument, Plan, Record};
use windvane::models::train::Learner;
use windvane::signals::TableStore;

use super::BacktestOptions;
use crate::Error;
use crate::memory::MemoryNeed;

/// Bytes per candle: its volatility.
const CANDLE: f64 = 8.0;
/// Bytes per test window: its position, its regime, and whether it is an anomaly.
const TEST_WINDOW: f64 = 7.0;
/// Bytes per test window of each model and seed: direction, probabilities, confidence rank, and the
/// probabilities of a validation window.
const PREDICTION: f64 = 36.0;
/// Bytes per test window of each model: its outcome for the ranking.
const OUTCOME: f64 = 16.0;
/// Bytes per test window of each model whose rows are being computed: the record, and its place in an
/// order.
const RECORD: f64 = (size_of::<Record>() + 16) as f64;

/// Returns the store of the table values: memory if everything fits the budget of `--memory`, else a
/// temporary file.
///
/// The need is that of a plan that trains on the candles before a test. The other plans hold samples
/// several times.
pub(super) fn store(
    options: &BacktestOptions,
    instruments: &[Instrument],
    width: usize,
    learners: &[Box<dyn Learner>],
) -> Result<TableStore, Error> {
    let Some(budget) = options.memory else { return Ok(TableStore::memory()) };
    let (models, threads) =
        (learners.len(), std::thread::available_parallelism().map_or(1, usize::from));
    let fit = learners.iter().filter_map(|one| one.row_memory(width)).max().unwrap_or(0);
    let random_reader = learners.iter().find(|one| one.row_memory(width).is_none());
    let (tests, splits) = tests(&options.plan())?;
    let predictions = tests * models as f64 * f64::from(options.seeds) * PREDICTION;
    let records = models as f64 * OUTCOME + models.min(threads) as f64 * RECORD;
    let tasks = models.saturating_mul(usize::from(options.seeds)).saturating_mul(splits);
    let fits = (fit * threads.min(tasks)) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some bytes")]
    let row = (CANDLE + predictions + fits.max(tests * (TEST_WINDOW + records))).ceil() as usize;
    budget.store(&MemoryNeed {
        candles: instruments.iter().map(|one| one.series.len()).sum(),
        width,
        row,
        random_reader: random_reader.map(Learner::id),
    })
}

/// Number of tests of a candle, on average, and number of fits of a model.
fn tests(plan: &Plan) -> Result<(f64, usize), Error> {
    Ok(match plan {
        Plan::WalkForward(plan) => (plan.folds as f64 / (plan.folds as f64 + 1.0), plan.folds),
        Plan::Combinatorial(plan) => {
            plan.validate()?;
            (plan.paths() as f64, plan.combinations().len())
        }
        _ => (1.0, 1),
    })
}
