//! Patterns of four and more candles.
use super::bars::{Bars, NEAR, SHADOW_VERY_SHORT, bearish, bullish, directed};

pub(super) fn three_black_crows(b: &Bars<'_>) -> i32 {
    let found = b.is_white(3)
        && (0..3).all(|k| b.is_black(k))
        && b.open(1) < b.open(2)
        && b.open(1) > b.close(2)
        && b.open(0) < b.open(1)
        && b.open(0) > b.close(1)
        && b.high(3) > b.close(2)
        && b.close(2) > b.close(1)
        && b.close(1) > b.close(0)
        && (0..3).all(|k| b.lacks_lower_shadow(k));
    bearish(found)
}

pub(super) fn three_line_strike(b: &Bars<'_>) -> i32 {
    if !(b.same_colour(3, 2) && b.same_colour(2, 1) && !b.same_colour(1, 0)) {
        return 0;
    }
    let strikes = if b.is_white(1) {
        b.close(1) > b.close(2)
            && b.close(2) > b.close(3)
            && b.open(0) > b.close(1)
            && b.close(0) < b.open(3)
    } else {
        b.close(1) < b.close(2)
            && b.close(2) < b.close(3)
            && b.open(0) < b.close(1)
            && b.close(0) > b.open(3)
    };
    let opens_near = |k: usize| {
        let near = b.average(NEAR, k);
        b.open(k - 1) >= b.bottom(k) - near && b.open(k - 1) <= b.top(k) + near
    };
    directed(strikes && opens_near(3) && opens_near(2), b.colour(1))
}

pub(super) fn conceal_baby_swallow(b: &Bars<'_>) -> i32 {
    let found = (0..4).all(|k| b.is_black(k))
        && b.body_gap_down(1, 2)
        && b.high(1) > b.close(2)
        && b.high(0) > b.high(1)
        && b.low(0) < b.low(1)
        && b.lacks_shadows(3)
        && b.lacks_shadows(2)
        && b.upper_shadow(1) > b.average(SHADOW_VERY_SHORT, 1);
    bullish(found)
}

pub(super) fn breakaway(b: &Bars<'_>) -> i32 {
    let same = b.same_colour(4, 3) && b.same_colour(3, 1) && !b.same_colour(1, 0);
    if !same {
        return 0;
    }
    let breaks = if b.is_black(4) {
        b.body_gap_down(3, 4)
            && (1..=2).all(|k| b.high(k) < b.high(k + 1) && b.low(k) < b.low(k + 1))
            && b.close(0) > b.open(3)
            && b.close(0) < b.close(4)
    } else {
        b.body_gap_up(3, 4)
            && (1..=2).all(|k| b.high(k) > b.high(k + 1) && b.low(k) > b.low(k + 1))
            && b.close(0) < b.open(3)
            && b.close(0) > b.close(4)
    };
    directed(breaks && b.is_long(4), b.colour(0))
}

pub(super) fn ladder_bottom(b: &Bars<'_>) -> i32 {
    let found = (1..5).all(|k| b.is_black(k))
        && b.is_white(0)
        && b.open(4) > b.open(3)
        && b.open(3) > b.open(2)
        && b.close(4) > b.close(3)
        && b.close(3) > b.close(2)
        && b.upper_shadow(1) > b.average(SHADOW_VERY_SHORT, 1)
        && b.open(0) > b.open(1)
        && b.close(0) > b.high(1);
    bullish(found)
}

pub(super) fn mat_hold(b: &Bars<'_>) -> i32 {
    let floor = b.close(4) - b.body(4) * 0.5;
    let found = b.is_white(4)
        && b.is_black(3)
        && b.is_white(0)
        && b.body_gap_up(3, 4)
        && (1..=2).all(|k| b.bottom(k) < b.close(4) && b.bottom(k) > floor)
        && b.top(2) < b.open(3)
        && b.top(1) < b.top(2)
        && b.open(0) > b.close(1)
        && b.close(0) > b.high(3).max(b.high(2)).max(b.high(1))
        && b.is_long(4)
        && (1..=3).all(|k| b.is_short(k));
    bullish(found)
}

pub(super) fn rising_falling_three_methods(b: &Bars<'_>) -> i32 {
    let colours =
        !b.same_colour(4, 3) && b.same_colour(3, 2) && b.same_colour(2, 1) && !b.same_colour(1, 0);
    if !colours {
        return 0;
    }
    let direction = f64::from(b.colour(4));
    let is_beyond = |a: f64, c: f64| a * direction > c * direction;
    let found = (1..=3).all(|k| b.bottom(k) < b.high(4) && b.top(k) > b.low(4))
        && is_beyond(b.close(3), b.close(2))
        && is_beyond(b.close(2), b.close(1))
        && is_beyond(b.open(0), b.close(1))
        && is_beyond(b.close(0), b.close(4))
        && b.is_long(4)
        && (1..=3).all(|k| b.is_short(k))
        && b.is_long(0);
    directed(found, b.colour(4))
}

/// An inside candle, then one that leaves its range on one side: 100 below, −100 above.
fn false_break(b: &Bars<'_>, k: usize) -> i32 {
    if !(b.high(k + 1) < b.high(k + 2) && b.low(k + 1) > b.low(k + 2)) {
        return 0;
    }
    if b.high(k) < b.high(k + 1) && b.low(k) < b.low(k + 1) {
        100
    } else {
        bearish(b.high(k) > b.high(k + 1) && b.low(k) > b.low(k + 1))
    }
}

/// Two inside candles, the first closing near the end of the range at which the break comes.
fn modified_false_break(b: &Bars<'_>, k: usize) -> i32 {
    if !(b.high(k + 2) < b.high(k + 3) && b.low(k + 2) > b.low(k + 3)) {
        return 0;
    }
    let direction = false_break(b, k);
    let near = b.average(NEAR, k + 2);
    let closes_near_end = if direction > 0 {
        b.close(k + 2) <= b.low(k + 2) + near
    } else {
        b.close(k + 2) >= b.high(k + 2) - near
    };
    if closes_near_end { direction } else { 0 }
}

/// Returns whether candle `k` closes beyond the inside candle of a false break at `at`.
fn confirms(b: &Bars<'_>, k: usize, direction: i32, at: usize) -> bool {
    if direction > 0 { b.close(k) > b.high(at + 1) } else { b.close(k) < b.low(at + 1) }
}

/// A false break (±100), or the first confirmation (±200) of one within three candles.
fn hikkake_by(b: &Bars<'_>, find: fn(&Bars<'_>, usize) -> i32) -> i32 {
    let now = find(b, 0);
    if now != 0 {
        return now;
    }
    // A break more than three candles ago has expired, so its state need not be stored.
    let mut pending = None;
    for k in (1..=3).rev() {
        let found = find(b, k);
        if found != 0 {
            pending = Some((found, k));
        } else if pending.is_some_and(|(direction, at)| confirms(b, k, direction, at)) {
            pending = None;
        }
    }
    match pending {
        Some((direction, at)) if confirms(b, 0, direction, at) => 2 * direction,
        _ => 0,
    }
}

pub(super) fn hikkake(b: &Bars<'_>) -> i32 {
    hikkake_by(b, false_break)
}

pub(super) fn hikkake_modified(b: &Bars<'_>) -> i32 {
    hikkake_by(b, modified_false_break)
}
