//! Altered candles: another future, or directions drawn by fair coins.
use windvane_candles::{Candle, CandleSeries, Ohlcv};
use windvane_lstm_core::{Purpose, Stream};

/// Prices stay within this, a little inside what a candle may hold.
const PRICES: (f64, f64) = (1e-99, 1e99);

/// Jump of the first candle of a changed future, in mean moves.
const JUMP: f64 = 20.0;

/// Direction of the first jump of a changed future. One of the two turns any label across it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Turn {
    Rise,
    Fall,
}

impl Turn {
    pub(super) const BOTH: [Self; 2] = [Self::Rise, Self::Fall];
}

/// The series with another future from the candle at `from` on: it jumps up or down, then every
/// move goes the other way and twice as far; volumes are three times or half what they were, in
/// turn.
pub(super) fn changed(series: &CandleSeries, from: usize, turn: Turn) -> CandleSeries {
    let jump = JUMP * usual_move(series);
    let jump = match turn {
        Turn::Rise => jump,
        Turn::Fall => -jump,
    };
    rewritten(series, |index, mut moves| {
        if index < from {
            return None;
        }
        moves = moves.times(-2.0);
        if index == from {
            moves.close += jump;
        }
        moves.volume *= if (index - from).is_multiple_of(2) { 3.0 } else { 0.5 };
        Some(moves)
    })
}

/// The series with directions drawn by fair coins: a candle keeps its size and its volume
/// or is turned upside down. Whatever is known before a candle, it rises or falls with
/// probability 1/2: a martingale with the volatility of the series.
///
/// Candles of other pairs that open together are turned together.
pub(super) fn coins(series: &CandleSeries, seed: u64, number: u64) -> CandleSeries {
    rewritten(series, |index, moves| {
        let time = series.candles()[index].open_time().millis().cast_unsigned();
        let turned = Stream::new(seed, Purpose::Shuffle, number, time).uniform() < 0.5;
        // The first candle has no candle before it and stays.
        (index > 0).then(|| if turned { moves.times(-1.0) } else { moves })
    })
}

/// The candles before `until`.
pub(super) fn cut_off(series: &CandleSeries, until: usize) -> CandleSeries {
    in_series(series, series.candles()[..until.min(series.len())].to_vec())
}

/// A candle's prices as logarithms of their ratios to the last close.
#[derive(Debug, Clone, Copy)]
struct Moves {
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    volume: f64,
}

impl Moves {
    fn since(close_before: f64, values: Ohlcv) -> Self {
        let Ohlcv { open, high, low, close, volume } = values;
        let [open, high, low, close] =
            [open, high, low, close].map(|price| (price / close_before).ln());
        Self { open, high, low, close, volume }
    }

    fn times(self, factor: f64) -> Self {
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

/// The series with every candle for which `rewrite` gives new moves made from those; the other
/// candles keep their bits as long as no candle before them was rewritten.
fn rewritten(
    series: &CandleSeries,
    rewrite: impl Fn(usize, Moves) -> Option<Moves>,
) -> CandleSeries {
    let mut last: Option<(f64, f64)> = None;
    let mut candles = Vec::with_capacity(series.len());
    for (index, candle) in series.iter().enumerate() {
        let (old, new) = last.unwrap_or((candle.open(), candle.open()));
        let moves = Moves::since(old, candle.values());
        let made = rewrite(index, moves).map_or(*candle, |moves| priced(candle, new, moves));
        last = Some((candle.close(), made.close()));
        candles.push(made);
    }
    in_series(series, candles)
}

/// The candle of these moves after a last close.
fn priced(candle: &Candle, last: f64, moves: Moves) -> Candle {
    let all = [moves.open, moves.close, moves.high, moves.low]
        .map(|ratio| (last * ratio.exp()).clamp(PRICES.0, PRICES.1));
    let [open, close, ..] = all;
    // A turned candle's high was its low.
    let high = all.into_iter().fold(open, f64::max);
    let low = all.into_iter().fold(open, f64::min);
    let volume = moves.volume.min(PRICES.1);
    Candle::new(candle.open_time(), Ohlcv { open, high, low, close, volume })
        .expect("invariant: prices in range, the high the highest")
}

fn in_series(like: &CandleSeries, candles: Vec<Candle>) -> CandleSeries {
    CandleSeries::new(like.pair().clone(), like.interval(), candles)
        .expect("invariant: the times of a series")
}

/// Mean distance of a close from the last one, as a logarithm; not 0.
fn usual_move(series: &CandleSeries) -> f64 {
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
    fn another_future_keeps_the_past_and_the_times() {
        let old = series();
        for turn in Turn::BOTH {
            let new = changed(&old, 300, turn);
            assert_eq!(new.candles()[..300], old.candles()[..300]);
            for (old, new) in old.iter().zip(&new).skip(300) {
                assert_eq!(old.open_time(), new.open_time());
                assert!(old.close().to_bits() != new.close().to_bits());
                assert!(old.volume().to_bits() != new.volume().to_bits());
            }
            let jumped = new.candles()[300].close() / new.candles()[299].close();
            assert_eq!(jumped > 1.0, matches!(turn, Turn::Rise));
        }
    }

    #[test]
    fn coins_keep_sizes_and_take_directions() {
        let old = series();
        let new = coins(&old, 1, 0);
        let (before, after) = (log_moves(&old), log_moves(&new));
        let mut kept = 0;
        let mut followed = 0;
        for index in 0..before.len() {
            assert!((before[index].abs() - after[index].abs()).abs() < 1e-9);
            kept += usize::from(before[index].signum() == after[index].signum());
            followed += usize::from(index > 0 && after[index - 1] * after[index] > 0.0);
        }
        // The old market follows its last sign in 58 % of 4,000; a coin in 50 ± 0.8.
        assert!(kept.abs_diff(2_000) < 130 && followed.abs_diff(2_000) < 130, "{kept} {followed}");
        assert_ne!(new, coins(&old, 1, 1));
        assert_ne!(new, coins(&old, 2, 0));
        assert_eq!(new, coins(&old, 1, 0));
    }

    #[test]
    fn extreme_prices_stay_candles() {
        let candles = [1e-100, 1e100, 1e-100, 1e100].into_iter().zip(0..).map(|(price, hour)| {
            let time = windvane_candles::Timestamp::from_millis(hour * 3_600_000);
            let (open, high, low, close) = (price, price, price, price);
            Candle::new(time, Ohlcv { open, high, low, close, volume: 1e100 }).unwrap()
        });
        let pair = Pair::new("SIM").unwrap();
        let series = CandleSeries::new(pair, Interval::HOUR, candles.collect()).unwrap();
        assert_eq!(changed(&series, 1, Turn::Rise).len(), 4);
        assert_eq!(coins(&series, 0, 0).len(), 4);
    }
}
