//! Properties of a candle relative to the recent ones, in which faults of a feed show.
use windvane_candles::{Candle, Interval, Ohlcv, Timestamp};
use windvane_signals::{StateReader, StateWriter};

use crate::PredictError;

/// Number of properties.
pub(super) const CHECKS: usize = 5;
/// Half-life of the averages, candles.
const HALF_LIFE: f64 = 48.0;
/// Candles after the first one before there are values.
const MIN_SEEN: usize = 48;
/// Largest return and range that enter an average, in units of that average: a bad tick must not
/// hide the next one.
const MAX_RATIO: f64 = 5.0;
/// Largest difference of a log volume that enters the average.
const MAX_VOLUME_CHANGE: f64 = 3.0;
/// Offset that keeps the logarithm of a ratio of 0 finite.
const MIN_RATIO: f64 = 0.01;
/// The same for volumes, whose ratios are often below 0.01.
const MIN_VOLUME_RATIO: f64 = 1e-4;

/// Largest number of decimals that are distinguished.
const MAX_DECIMALS: u32 = 8;
/// Relative rounding error of a volume that is a sum or a product of decimals.
const ROUNDING: f64 = 1e-12;
/// Additional decimals that are an anomaly: lot sizes change by a factor of ten, so one is not.
const MORE_DECIMALS: u32 = 2;

/// Exponentially weighted mean.
#[derive(Debug, Clone, Copy, Default)]
struct Average {
    sum: f64,
    weight: f64,
}

impl Average {
    fn push(&mut self, x: f64) {
        let decay = (-std::f64::consts::LN_2 / HALF_LIFE).exp();
        self.sum = decay * self.sum + x;
        self.weight = decay * self.weight + 1.0;
    }

    fn mean(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }
}

/// Largest number of decimals of the last 48 to 96 volumes.
#[derive(Debug, Clone, Copy, Default)]
struct Decimals {
    /// Largest numbers of the 48 volumes before and of those since.
    largest: [u32; 2],
    /// Number of volumes since.
    count: usize,
    /// Whether there were 48 volumes before.
    full: bool,
}

impl Decimals {
    /// Takes a volume above 0; returns whether it has two decimals more than those before.
    fn take(&mut self, volume: f64) -> bool {
        let [before, since] = self.largest;
        let own = decimals(volume);
        let more = self.full && own >= before.max(since) + MORE_DECIMALS;
        self.largest[1] = since.max(own);
        self.count += 1;
        if self.count == MIN_SEEN {
            *self = Self { largest: [self.largest[1], 0], count: 0, full: true };
        }
        more
    }
}

impl Decimals {
    fn restored(state: &mut StateReader<'_>) -> Result<Self, PredictError> {
        let numbers = [state.count()?, state.count()?, state.count()?, state.count()?];
        let [before, since, count, full] = numbers;
        let largest = [before, since].map(|number| u32::try_from(number).unwrap_or(u32::MAX));
        if largest.iter().any(|number| *number > MAX_DECIMALS) || count >= MIN_SEEN || full > 1 {
            return super::super::misfit(
                "the decimals of the volumes in its guard are out of range",
            );
        }
        Ok(Self { largest, count, full: full == 1 })
    }
}

/// Number of decimals of a number, at most 8, up to rounding errors.
fn decimals(x: f64) -> u32 {
    let is_whole = |places: &u32| {
        let scaled = x * 10_f64.powi(places.cast_signed());
        (scaled - scaled.round()).abs() <= ROUNDING * scaled
    };
    (0..MAX_DECIMALS).find(is_whole).unwrap_or(MAX_DECIMALS)
}

/// Averages over the candles of a feed, to which the properties of the next candle are relative;
/// [`AnomalyGate`](crate::AnomalyGate) has the formulas.
#[derive(Debug, Clone, Default)]
pub(in crate::live) struct CandleChecks {
    /// Open time and close of the last candle.
    last: Option<(Timestamp, f64)>,
    /// Number of candles after the first one, up to the minimum.
    seen: usize,
    squares: Average,
    ranges: Average,
    log_volumes: Average,
    /// Number of unchanged candles in a row.
    unchanged: usize,
    decimals: Decimals,
    /// Whether the last volume has two decimals more than those before.
    finer_volume: bool,
}

impl CandleChecks {
    /// Takes the next candle and returns its properties: `None` for the first 49 candles and while
    /// no price has changed. A candle of volume 0 does not enter the mean of ln v; its property is 0
    /// while every volume was 0.
    pub(in crate::live) fn take(
        &mut self,
        candle: &Candle,
        interval: Interval,
    ) -> Option<[f64; CHECKS]> {
        let Ohlcv { open, high, low, close, volume } = candle.values();
        let open_time = candle.open_time();
        let (last, before) = self.last.replace((open_time, close))?;
        let elapsed = interval.missing_between(last, open_time) as f64 + 1.0;
        let change = (close / before).ln() / elapsed.sqrt();
        let gap = (open / before).ln().abs() / elapsed.sqrt();
        let range = (high / low).ln();
        let flat = range <= 0.0 && (close - before).abs() <= 0.0;
        self.unchanged = if flat { self.unchanged.saturating_add(1) } else { 0 };
        let row = self.row(change, gap, range, volume);
        self.finer_volume = volume > 0.0 && self.decimals.take(volume);
        self.update(change, range, volume);
        row.filter(|row| row.iter().all(|value| value.is_finite()))
    }

    /// Returns whether the volume of the last candle has two decimals more than any of the 48 to 96
    /// volumes before: it is in another unit, such as the quote currency.
    pub(in crate::live) fn has_finer_volume(&self) -> bool {
        self.finer_volume
    }

    fn sigma(&self) -> Option<f64> {
        self.squares.mean().map(f64::sqrt).filter(|sigma| *sigma > 0.0)
    }

    fn row(&self, change: f64, gap: f64, range: f64, volume: f64) -> Option<[f64; CHECKS]> {
        let sigma = self.sigma().filter(|_| self.seen == MIN_SEEN)?;
        let mean_range = self.ranges.mean().filter(|mean| *mean > 0.0);
        let range = mean_range.map_or(0.0, |mean| range / mean);
        let level = self.log_volumes.mean();
        let volume = level.map_or(0.0, |mean| (volume / mean.exp() + MIN_VOLUME_RATIO).ln());
        Some([
            (change / sigma).asinh(),
            (gap / sigma + MIN_RATIO).ln(),
            (range + MIN_RATIO).ln(),
            volume,
            (self.unchanged as f64).ln_1p(),
        ])
    }

    /// Updates the averages; beyond the first candles, extreme values are clipped.
    fn update(&mut self, change: f64, range: f64, volume: f64) {
        let full = self.seen == MIN_SEEN;
        let mean_range = self.ranges.mean().filter(|mean| *mean > 0.0);
        let change = clipped(change.abs(), self.sigma().filter(|_| full));
        self.squares.push(change * change);
        self.ranges.push(clipped(range, mean_range.filter(|_| full)));
        if volume > 0.0 {
            let log_volume = match self.log_volumes.mean().filter(|_| full) {
                Some(mean) => volume.ln().clamp(mean - MAX_VOLUME_CHANGE, mean + MAX_VOLUME_CHANGE),
                None => volume.ln(),
            };
            self.log_volumes.push(log_volume);
        }
        self.seen = (self.seen + 1).min(MIN_SEEN);
    }

    pub(in crate::live) fn save(&self, state: &mut StateWriter) {
        state.count(usize::from(self.last.is_some()));
        let (time, close) = self.last.unwrap_or((Timestamp::from_millis(0), 0.0));
        state.int(time.millis());
        state.float(close);
        state.count(self.seen);
        state.count(self.unchanged);
        for Average { sum, weight } in [self.squares, self.ranges, self.log_volumes] {
            state.float(sum);
            state.float(weight);
        }
        let Decimals { largest: [before, since], count, full } = self.decimals;
        for number in [before as usize, since as usize, count, usize::from(full)] {
            state.count(number);
        }
    }

    /// Reads the state that [`save`](Self::save) wrote.
    pub(in crate::live) fn restored(state: &mut StateReader<'_>) -> Result<Self, PredictError> {
        let has_last = state.count()? == 1;
        let last = (Timestamp::from_millis(state.int()?), state.float()?);
        let (seen, unchanged) = (state.count()?, state.count()?);
        if seen > MIN_SEEN || (has_last && last.1 <= 0.0) {
            return super::super::misfit("the candle checks of its guard are out of range");
        }
        let mut averages = [Average::default(); 3];
        for average in &mut averages {
            *average = Average { sum: state.float()?, weight: state.float()? };
        }
        let [squares, ranges, log_volumes] = averages;
        let last = has_last.then_some(last);
        let decimals = Decimals::restored(state)?;
        Ok(Self {
            last,
            seen,
            squares,
            ranges,
            log_volumes,
            unchanged,
            decimals,
            ..Self::default()
        })
    }
}

/// Limits a value to a multiple of the average, if there is one.
fn clipped(value: f64, average: Option<f64>) -> f64 {
    average.map_or(value, |average| value.min(MAX_RATIO * average))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candle(hour: i64, open: f64, close: f64, volume: f64) -> Candle {
        let (high, low) = (open.max(close), open.min(close));
        let values = Ohlcv { open, high, low, close, volume };
        Candle::new(Timestamp::from_millis(hour * 3_600_000), values).unwrap()
    }

    /// A feed whose close alternates between 100 and 101, after `hours` candles.
    fn fed(hours: i64) -> CandleChecks {
        let mut checks = CandleChecks::default();
        for hour in 0..hours {
            let (open, close) = if hour % 2 == 0 { (101.0, 100.0) } else { (100.0, 101.0) };
            let row = checks.take(&candle(hour, open, close, 10.0), Interval::HOUR);
            assert_eq!(row.is_some(), hour > 48, "{hour}");
        }
        checks
    }

    #[test]
    fn checks_equal_formula() {
        let sigma = (1.01_f64).ln();
        let mut checks = fed(100);
        let row = checks.take(&candle(100, 101.0, 100.0, 20.0), Interval::HOUR).unwrap();
        let expected = [(-1.0_f64).asinh(), 0.01_f64.ln(), 1.01_f64.ln(), 2.0001_f64.ln(), 0.0];
        for (got, expected) in row.iter().zip(expected) {
            assert!((got - expected).abs() < 1e-9, "{row:?}");
        }
        // A gap of one σ after four intervals counts as half of it.
        let row = checks.take(&candle(104, 101.0, 101.0, 10.0), Interval::HOUR).unwrap();
        let gap = (0.5 * sigma / sigma + 0.01_f64).ln();
        assert!((row[1] - gap).abs() < 1e-3 && (row[2] - 0.01_f64.ln()).abs() < 1e-9, "{row:?}");
    }

    #[test]
    fn checks_count_unchanged_candles_and_survive_a_bad_tick() {
        let mut checks = fed(100);
        for run in 1..4 {
            let row = checks.take(&candle(99 + run, 101.0, 101.0, 0.0), Interval::HOUR).unwrap();
            assert!((row[4] - (run as f64).ln_1p()).abs() < 1e-12, "{row:?}");
            assert!((row[3] - 1e-4_f64.ln()).abs() < 1e-9, "no volume: {row:?}");
        }
        let tick = checks.take(&candle(103, 101.0, 1_010.0, 10.0), Interval::HOUR).unwrap();
        let back = checks.take(&candle(104, 1_010.0, 101.0, 10.0), Interval::HOUR).unwrap();
        assert!(tick[0] > 5.0 && back[0] < -5.0, "{tick:?} {back:?}");
        let mut words = StateWriter::default();
        checks.save(&mut words);
        let words = words.into_words();
        let mut restored = CandleChecks::restored(&mut StateReader::new(&words)).unwrap();
        let next = candle(105, 101.0, 100.0, 9.0);
        assert_eq!(restored.take(&next, Interval::HOUR), checks.take(&next, Interval::HOUR));
    }

    #[test]
    fn checks_detect_volumes_with_more_decimals_once() {
        let mut checks = CandleChecks::default();
        let mut finer = |hour: i64, volume: f64| {
            checks.take(&candle(hour, 100.0, 101.0, volume), Interval::HOUR);
            checks.has_finer_volume()
        };
        // A lot of 0.1, with a volume of 0 now and then.
        for hour in 0..200 {
            let lots = (hour * 7_919) % 1_000;
            assert!(!finer(hour, lots as f64 * 0.1), "{hour}");
        }
        assert!(!finer(200, 55.25), "a lot of 0.01");
        assert!(finer(201, 55.25 * 0.4567), "in the quote currency");
        assert!(!finer(202, 56.1 * 0.4567), "the new unit is known");
    }

    #[test]
    fn decimals_of_sums_and_products_ignore_rounding_errors() {
        assert_eq!(decimals(0.1 + 0.2), 1);
        assert_eq!(decimals((0..1_000).map(|k| 0.001 * f64::from(k)).sum::<f64>()), 1);
        assert_eq!([5_609.17, 408_931_668.0, 1e-9, 8.25].map(decimals), [2, 0, 8, 2]);
        assert_eq!(decimals(8_471_644.7 * 0.509_5), 5);
        assert_eq!(decimals(f64::MAX), 0);
    }

    #[test]
    fn checks_of_resting_market_are_undefined() {
        let mut checks = CandleChecks::default();
        for hour in 0..200 {
            assert_eq!(checks.take(&candle(hour, 5.0, 5.0, 0.0), Interval::HOUR), None);
        }
    }
}
