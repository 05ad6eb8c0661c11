//! The last candles as patterns read them: bodies, shadows, gaps and average sizes.
use crate::channels::rolling::RollingWindow;

/// The last candles; `k` is the number of candles before the current one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bars<'a> {
    pub(super) open: &'a [f64],
    pub(super) high: &'a [f64],
    pub(super) low: &'a [f64],
    pub(super) close: &'a [f64],
}

/// Size that a pattern compares with: a factor of the average size of earlier candles.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    part: Part,
    /// Number of candles before the candle in question; 0 for that candle itself.
    period: usize,
    factor: f64,
}

#[derive(Debug, Clone, Copy)]
enum Part {
    Body,
    Range,
    /// Both shadows together.
    Shadows,
}

const fn size(part: Part, period: usize, factor: f64) -> Size {
    Size { part, period, factor }
}

/// The default candle settings of TA-Lib.
pub(super) const BODY_LONG: Size = size(Part::Body, 10, 1.0);
pub(super) const BODY_SHORT: Size = size(Part::Body, 10, 1.0);
pub(super) const BODY_DOJI: Size = size(Part::Range, 10, 0.1);
pub(super) const SHADOW_LONG: Size = size(Part::Body, 0, 1.0);
pub(super) const SHADOW_VERY_LONG: Size = size(Part::Body, 0, 2.0);
pub(super) const SHADOW_SHORT: Size = size(Part::Shadows, 10, 1.0);
pub(super) const SHADOW_VERY_SHORT: Size = size(Part::Range, 10, 0.1);
pub(super) const NEAR: Size = size(Part::Range, 5, 0.2);
pub(super) const FAR: Size = size(Part::Range, 5, 0.6);
pub(super) const EQUAL: Size = size(Part::Range, 5, 0.05);

impl<'a> Bars<'a> {
    /// The candles of four full windows.
    pub(super) fn of(windows: &'a [RollingWindow; 4]) -> Option<Self> {
        let [open, high, low, close] = windows;
        Some(Self {
            open: open.full()?,
            high: high.full()?,
            low: low.full()?,
            close: close.full()?,
        })
    }

    fn place(&self, k: usize) -> usize {
        self.close.len() - 1 - k
    }

    pub(super) fn open(&self, k: usize) -> f64 {
        self.open[self.place(k)]
    }

    pub(super) fn high(&self, k: usize) -> f64 {
        self.high[self.place(k)]
    }

    pub(super) fn low(&self, k: usize) -> f64 {
        self.low[self.place(k)]
    }

    pub(super) fn close(&self, k: usize) -> f64 {
        self.close[self.place(k)]
    }

    /// 1 for a white candle (close not below open), −1 for a black one.
    pub(super) fn colour(&self, k: usize) -> i32 {
        if self.is_white(k) { 1 } else { -1 }
    }

    pub(super) fn is_white(&self, k: usize) -> bool {
        self.close(k) >= self.open(k)
    }

    pub(super) fn is_black(&self, k: usize) -> bool {
        !self.is_white(k)
    }

    /// Returns whether both candles are white, or both black.
    pub(super) fn same_colour(&self, k: usize, j: usize) -> bool {
        self.is_white(k) == self.is_white(j)
    }

    /// Upper end of the body.
    pub(super) fn top(&self, k: usize) -> f64 {
        self.open(k).max(self.close(k))
    }

    /// Lower end of the body.
    pub(super) fn bottom(&self, k: usize) -> f64 {
        self.open(k).min(self.close(k))
    }

    pub(super) fn body(&self, k: usize) -> f64 {
        (self.close(k) - self.open(k)).abs()
    }

    pub(super) fn range(&self, k: usize) -> f64 {
        self.high(k) - self.low(k)
    }

    pub(super) fn upper_shadow(&self, k: usize) -> f64 {
        self.high(k) - self.top(k)
    }

    pub(super) fn lower_shadow(&self, k: usize) -> f64 {
        self.bottom(k) - self.low(k)
    }

    /// Returns whether the body of `later` lies above that of `earlier`.
    pub(super) fn body_gap_up(&self, later: usize, earlier: usize) -> bool {
        self.bottom(later) > self.top(earlier)
    }

    /// Returns whether the body of `later` lies below that of `earlier`.
    pub(super) fn body_gap_down(&self, later: usize, earlier: usize) -> bool {
        self.top(later) < self.bottom(earlier)
    }

    /// Returns whether the whole range of `later` lies above that of `earlier`.
    pub(super) fn gap_up(&self, later: usize, earlier: usize) -> bool {
        self.low(later) > self.high(earlier)
    }

    /// Returns whether the whole range of `later` lies below that of `earlier`.
    pub(super) fn gap_down(&self, later: usize, earlier: usize) -> bool {
        self.high(later) < self.low(earlier)
    }

    fn part(&self, part: Part, k: usize) -> f64 {
        match part {
            Part::Body => self.body(k),
            Part::Range => self.range(k),
            Part::Shadows => self.upper_shadow(k) + self.lower_shadow(k),
        }
    }

    /// The size that candle `k` is compared with.
    pub(super) fn average(&self, size: Size, k: usize) -> f64 {
        let base = if size.period == 0 {
            self.part(size.part, k)
        } else {
            let sum: f64 = (k + 1..=k + size.period).rev().map(|j| self.part(size.part, j)).sum();
            sum / size.period as f64
        };
        let average = size.factor * base;
        if matches!(size.part, Part::Shadows) { average / 2.0 } else { average }
    }

    /// Returns whether the body is longer than the average of the candles before.
    pub(super) fn is_long(&self, k: usize) -> bool {
        self.body(k) > self.average(BODY_LONG, k)
    }

    /// Returns whether the body is longer than that of a short candle.
    pub(super) fn is_not_short(&self, k: usize) -> bool {
        self.body(k) > self.average(BODY_SHORT, k)
    }

    /// Returns whether the body is shorter than the average.
    pub(super) fn is_short(&self, k: usize) -> bool {
        self.body(k) < self.average(BODY_SHORT, k)
    }

    /// Returns whether the body is at most the average.
    pub(super) fn is_small(&self, k: usize) -> bool {
        self.body(k) <= self.average(BODY_SHORT, k)
    }

    pub(super) fn is_doji(&self, k: usize) -> bool {
        self.body(k) <= self.average(BODY_DOJI, k)
    }

    /// Returns whether the upper shadow is very short.
    pub(super) fn lacks_upper_shadow(&self, k: usize) -> bool {
        self.upper_shadow(k) < self.average(SHADOW_VERY_SHORT, k)
    }

    /// Returns whether the lower shadow is very short.
    pub(super) fn lacks_lower_shadow(&self, k: usize) -> bool {
        self.lower_shadow(k) < self.average(SHADOW_VERY_SHORT, k)
    }

    /// Returns whether both shadows are very short.
    pub(super) fn lacks_shadows(&self, k: usize) -> bool {
        self.lacks_upper_shadow(k) && self.lacks_lower_shadow(k)
    }

    /// Returns whether `value` is within the size of candle `k` of `target`.
    pub(super) fn is_within(&self, value: f64, target: f64, size: Size, k: usize) -> bool {
        let distance = self.average(size, k);
        value >= target - distance && value <= target + distance
    }
}

/// 100 if the pattern is there and bullish.
pub(super) fn bullish(found: bool) -> i32 {
    if found { 100 } else { 0 }
}

/// −100 if the pattern is there and bearish.
pub(super) fn bearish(found: bool) -> i32 {
    if found { -100 } else { 0 }
}

/// 100 or −100 by the direction, which is 1 or −1, if the pattern is there.
pub(super) fn directed(found: bool, direction: i32) -> i32 {
    if found { 100 * direction } else { 0 }
}
