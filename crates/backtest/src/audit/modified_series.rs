//! Modified copies of a series: other later candles, no later candles, random directions.
use windvane_candles::{Candle, CandleSeries, Ohlcv};
use windvane_lstm_core::{Purpose, Stream};

/// Range of modified prices, slightly narrower than the valid range of a candle.
const PRICES: (f64, f64) = (1e-99, 1e99);

/// Jump at the first modified candle, as a multiple of the mean absolute move.
const JUMP: f64 = 20.0;

/// Direction of the jump at the first modified candle. One of the two reverses any label that
/// spans the jump.
#[derive(Debug, Clone, Copy)]
pub(super) enum Jump {
    Up,
    Down,
}

impl Jump {
    pub(super) const BOTH: [Self; 2] = [Self::Up, Self::Down];
}

/// Modifies the candles from index `from` on. The close jumps up or down at the first of them,
/// every move is doubled and reversed, and volumes are alternately tripled and halved. With a jump
/// down, the first of them has no volume if it had one, and one if it had none: a signal may only
/// read whether there is any.
pub(super) fn with_modified_future(series: &CandleSeries, from: usize, jump: Jump) -> CandleSeries {
    let size = JUMP * mean_absolute_move(series);
    let (jump, swaps_volume) = match jump {
        Jump::Up => (size, false),
        Jump::Down => (-size, true),
    };
    rewritten(series, |index, mut moves| {
        if index < from {
            return None;
        }
        moves = moves.scaled(-2.0);
        if index == from {
            moves.close += jump;
        }
        moves.volume *= if (index - from).is_multiple_of(2) { 3.0 } else { 0.5 };
        if index == from && swaps_volume {
            moves.volume = if moves.volume > 0.0 { 0.0 } else { 1.0 };
        }
        Some(moves)
    })
}

/// Draws the direction of every candle at random. A candle is kept or mirrored vertically, with
/// its size and volume unchanged. It rises or falls with probability 1/2 given all earlier
/// candles, so the result is a martingale with the volatility of the series.
///
/// Candles of other pairs with the same open time are mirrored together.
pub(super) fn with_random_directions(
    series: &CandleSeries,
    seed: u64,
    number: u64,
) -> CandleSeries {
    rewritten(series, |index, moves| {
        let time = series.candles()[index].open_time().millis().cast_unsigned();
        let mirrored = Stream::new(seed, Purpose::Shuffle, number, time).uniform() < 0.5;
        // The first candle has no previous close and is not modified.
        (index > 0).then(|| if mirrored { moves.scaled(-1.0) } else { moves })
    })
}

/// Keeps the candles before index `until`.
pub(super) fn truncated(series: &CandleSeries, until: usize) -> CandleSeries {
    with_candles(series, series.candles()[..until.min(series.len())].to_vec())
}

/// Logarithms of the ratios of a candle's prices to the previous close, and its volume.
#[derive(Debug, Clone, Copy)]
struct LogMoves {
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    volume: f64,
}

impl LogMoves {
    fn from_values(previous_close: f64, values: Ohlcv) -> Self {
        let Ohlcv { open, high, low, close, volume } = values;
        let [open, high, low, close] =
            [open, high, low, close].map(|price| (price / previous_close).ln());
        Self { open, high, low, close, volume }
    }

    fn scaled(self, factor: f64) -> Self {
        let Self { open, high, low, close, volume } = self;
        Self {
            open: open * factor,
            high: high * factor,
            low: low * factor,
            close: close * factor,
            volume,
        }
    }
}

/// Replaces every candle for which `rewrite` returns new moves; copies the others.
fn rewritten(
    series: &CandleSeries,
    rewrite: impl Fn(usize, LogMoves) -> Option<LogMoves>,
) -> CandleSeries {
    let mut closes: Option<(f64, f64)> = None;
    let mut candles = Vec::with_capacity(series.len());
    for (index, candle) in series.iter().enumerate() {
        let (old, new) = closes.unwrap_or((candle.open(), candle.open()));
        let moves = LogMoves::from_values(old, candle.values());
        let rewritten = rewrite(index, moves);
        let rewritten = rewritten.map_or(*candle, |moves| moved(candle, new, moves));
        closes = Some((candle.close(), rewritten.close()));
        candles.push(rewritten);
    }
    with_candles(series, candles)
}

/// Candle with these moves from the previous close, at the time of another candle.
fn moved(candle: &Candle, previous_close: f64, moves: LogMoves) -> Candle {
    let all = [moves.open, moves.close, moves.high, moves.low]
        .map(|ratio| (previous_close * ratio.exp()).clamp(PRICES.0, PRICES.1));
    let [open, close, ..] = all;
    // Mirroring exchanges high and low.
    let high = all.into_iter().fold(open, f64::max);
    let low = all.into_iter().fold(open, f64::min);
    let volume = moves.volume.min(PRICES.1);
    Candle::new(candle.open_time(), Ohlcv { open, high, low, close, volume })
        .expect("invariant: prices are in range and high is the highest")
}

fn with_candles(series: &CandleSeries, candles: Vec<Candle>) -> CandleSeries {
    CandleSeries::new(series.pair().clone(), series.interval(), candles)
        .and_then(|modified| modified.with_session_close(series.session_close()))
        .expect("invariant: the times are those of a valid series")
}

/// Mean absolute logarithmic change of the close, limited to 1e-4 to 0.1.
fn mean_absolute_move(series: &CandleSeries) -> f64 {
    let moves = series.candles().windows(2).map(|two| (two[1].close() / two[0].close()).ln().abs());
    let (sum, count) = moves.fold((0.0, 0.0), |(sum, count), one| (sum + one, count + 1.0_f64));
    (sum / count.max(1.0)).clamp(1e-4, 0.1)
}

#[cfg(test)]
mod tests {
    use windvane_candles::simulate::MarketModel;
    use windvane_candles::{Interval, Pair};

    use super::*;

    fn series() -> CandleSeries {
        let pair = Pair::new("SIM").unwrap();
        MarketModel::AR1.candles(pair, Interval::HOUR, 4_000, 5).unwrap()
    }

    fn log_moves(series: &CandleSeries) -> Vec<f64> {
        series.candles().windows(2).map(|two| (two[1].close() / two[0].close()).ln()).collect()
    }

    #[test]
    fn modified_future_keeps_earlier_candles_and_times() {
        let old = series();
        for jump in Jump::BOTH {
            let new = with_modified_future(&old, 300, jump);
            assert_eq!(new.candles()[..300], old.candles()[..300]);
            for (old, new) in old.iter().zip(&new).skip(300) {
                assert_eq!(old.open_time(), new.open_time());
                assert!(old.close().to_bits() != new.close().to_bits());
                assert!(old.volume().to_bits() != new.volume().to_bits());
            }
            let ratio = new.candles()[300].close() / new.candles()[299].close();
            assert_eq!(ratio > 1.0, matches!(jump, Jump::Up));
        }
    }

    #[test]
    fn random_directions_keep_sizes() {
        let old = series();
        let new = with_random_directions(&old, 1, 0);
        let (before, after) = (log_moves(&old), log_moves(&new));
        let mut kept = 0;
        let mut followed = 0;
        for index in 0..before.len() {
            assert!((before[index].abs() - after[index].abs()).abs() < 1e-9);
            kept += usize::from(before[index].signum() == after[index].signum());
            followed += usize::from(index > 0 && after[index - 1] * after[index] > 0.0);
        }
        // A move has the sign of the previous one in 58 % of 4,000 candles of AR1; with random
        // directions in 50 ± 0.8 %.
        assert!(kept.abs_diff(2_000) < 130 && followed.abs_diff(2_000) < 130, "{kept} {followed}");
        assert_ne!(new, with_random_directions(&old, 1, 1));
        assert_ne!(new, with_random_directions(&old, 2, 0));
        assert_eq!(new, with_random_directions(&old, 1, 0));
    }

    #[test]
    fn modifications_of_extreme_prices_give_valid_candles() {
        let candles = [1e-100, 1e100, 1e-100, 1e100].into_iter().zip(0..).map(|(price, hour)| {
            let time = windvane_candles::Timestamp::from_millis(hour * 3_600_000);
            let (open, high, low, close) = (price, price, price, price);
            Candle::new(time, Ohlcv { open, high, low, close, volume: 1e100 }).unwrap()
        });
        let pair = Pair::new("SIM").unwrap();
        let series = CandleSeries::new(pair, Interval::HOUR, candles.collect()).unwrap();
        assert_eq!(with_modified_future(&series, 1, Jump::Up).len(), 4);
        assert_eq!(with_random_directions(&series, 0, 0).len(), 4);
    }
}
