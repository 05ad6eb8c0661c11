//! Rank of the own return among the pairs of a market.
use windvane_candles::Pair;

use super::shared::{MarketQuantity, SharedQuantity};
use crate::channels::catalog::BuiltIn;
use crate::channels::clocked::ClockWindow;
use crate::channels::{Channel, MarketClose, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

pub(crate) const RETURN_RANK: BuiltIn = BuiltIn::market(
    "return_rank",
    &[("lag", 24.0)],
    "(pairs with a smaller ln c − ln c[lag] + half of the equal ones) / pairs with a value",
    |arguments| {
        let lag = arguments.period("lag")?;
        let market = arguments.market(|| Ok(SortedReturns::new(arguments.pairs(), lag)))?;
        Ok(Box::new(ReturnRank { lag, own: ClockWindow::new(lag), market }))
    },
);

/// Returns x of the declared pairs over `lag` candles, sorted.
#[derive(Debug)]
struct SortedReturns {
    lag: usize,
    pairs: Box<[Pair]>,
    /// ln c of each declared pair.
    closes: Box<[ClockWindow]>,
    /// x of the pairs that have one, smallest first.
    sorted: Vec<f64>,
}

impl SortedReturns {
    fn new(pairs: &[Pair], lag: usize) -> Self {
        let closes = vec![ClockWindow::new(lag); pairs.len()].into_boxed_slice();
        Self { lag, pairs: pairs.into(), closes, sorted: Vec::with_capacity(pairs.len()) }
    }

    /// Midrank of a return among those of the pairs, as a share of their number.
    fn rank(&self, own: f64) -> Option<f64> {
        let smaller = self.sorted.partition_point(|other| *other < own);
        let equal = self.sorted.partition_point(|other| *other <= own) - smaller;
        let count = self.sorted.len();
        (count > 0).then(|| (smaller as f64 + 0.5 * equal as f64) / count as f64)
    }
}

impl MarketQuantity for SortedReturns {
    fn step(&mut self, close: &MarketClose<'_>) {
        for (place, (pair, closes)) in self.pairs.iter().zip(&mut self.closes).enumerate() {
            let now = close.log_close_at(place, pair);
            closes.push(close.elapsed() - 1, now);
        }
        let changes = self.closes.iter().filter_map(|closes| change(closes, self.lag));
        self.sorted.clear();
        self.sorted.extend(changes);
        self.sorted.sort_unstable_by(f64::total_cmp);
    }

    fn clear(&mut self) {
        self.closes.iter_mut().for_each(ClockWindow::clear);
        self.sorted.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        state.count(self.closes.len());
        for closes in &self.closes {
            closes.save(state);
        }
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        state.expect(self.closes.len())?;
        self.sorted.clear();
        self.closes.iter_mut().try_for_each(|closes| closes.restore(state))
    }
}

fn change(closes: &ClockWindow, lag: usize) -> Option<f64> {
    Some(closes.before(0)? - closes.before(lag)?)
}

/// Rank of the own return over `lag` candles among the returns of the declared pairs.
///
/// **Units** 0 (smallest) to 1 (largest). **Formula** with x = ln `c_t` − ln c_{t−lag}: (number of
/// pairs with a smaller x + half of those with an equal x) / number of pairs with an x. If the own
/// pair is one of them, it counts as equal to itself. **Source** the midrank, as in Conover 1999.
/// **Warm-up** `lag`. Undefined where the own pair or every declared pair lacks a candle.
/// **Parameters** `lag` = 24.
///
/// # Examples
/// ```
/// # use windvane_candles::{Candle, Interval, Ohlcv, Timestamp};
/// # use windvane_signals::{ChannelSpec, MarketSnapshot, Registry};
/// # fn candle(hour: i64, [open, high, low, close, volume]: [f64; 5]) -> Candle {
/// #     let values = Ohlcv { open, high, low, close, volume };
/// #     Candle::new(Timestamp::from_millis(hour * 3_600_000), values).unwrap()
/// # }
/// # fn flat(hour: i64, close: f64) -> Candle {
/// #     candle(hour, [close, close, close, close, 1.0])
/// # }
/// let pairs = ["A".parse().unwrap(), "B".parse().unwrap()];
/// let spec = ChannelSpec::new("return_rank").with("lag", 1.0).reading_all(&pairs);
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// let mut rank = |hour, [own, a, b]: [f64; 3]| {
///     let others = [(pairs[0].clone(), flat(hour, a)), (pairs[1].clone(), flat(hour, b))];
///     channel.update(&MarketSnapshot::new(&flat(hour, own), &others))
/// };
/// assert_eq!(rank(0, [1.0, 1.0, 1.0]), None);
/// assert_eq!(rank(1, [1.1, 1.0, 1.2]), Some(0.5)); // above A, below B
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug)]
pub struct ReturnRank {
    lag: usize,
    /// ln c of the own pair.
    own: ClockWindow,
    market: SharedQuantity<SortedReturns>,
}

impl Channel for ReturnRank {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        self.own.push(market.missing(), Some(market.log_close()));
        let returns = self.market.step(&market.close());
        returns?.rank(change(&self.own, self.lag)?)
    }

    fn advance(&mut self, close: &MarketClose<'_>) {
        self.market.step(close);
    }

    fn warm_up(&self) -> usize {
        self.lag
    }

    fn reset(&mut self) {
        self.own.clear();
        self.market.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        self.own.save(state);
        self.market.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.own.restore(state)?;
        self.market.restore(state)
    }
}
