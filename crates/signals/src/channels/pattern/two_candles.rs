//! Patterns of two candles.
use super::bars::{Bars, EQUAL, bearish, bullish, directed};

pub(super) fn counterattack(b: &Bars<'_>) -> i32 {
    let found = !b.same_colour(0, 1)
        && b.is_long(1)
        && b.is_long(0)
        && b.is_within(b.close(0), b.close(1), EQUAL, 1);
    directed(found, b.colour(0))
}

pub(super) fn dark_cloud_cover(b: &Bars<'_>) -> i32 {
    let found = b.is_white(1)
        && b.is_black(0)
        && b.open(0) > b.high(1)
        && b.close(0) > b.open(1)
        && b.close(0) < b.close(1) - b.body(1) * 0.5
        && b.is_long(1);
    bearish(found)
}

pub(super) fn piercing(b: &Bars<'_>) -> i32 {
    let found = b.is_black(1)
        && b.is_white(0)
        && b.open(0) < b.low(1)
        && b.close(0) < b.open(1)
        && b.close(0) > b.close(1) + b.body(1) * 0.5
        && b.is_long(1)
        && b.is_long(0);
    bullish(found)
}

pub(super) fn doji_star(b: &Bars<'_>) -> i32 {
    let gaps = if b.is_white(1) { b.body_gap_up(0, 1) } else { b.body_gap_down(0, 1) };
    directed(gaps && b.is_long(1) && b.is_doji(0), -b.colour(1))
}

/// Full strength where both ends pass the other body, 80 % where one end only reaches it.
fn strength(is_strict: bool, is_touching: bool, direction: i32) -> i32 {
    match (is_strict, is_touching) {
        (true, _) => 100 * direction,
        (false, true) => 80 * direction,
        (false, false) => 0,
    }
}

pub(super) fn engulfing(b: &Bars<'_>) -> i32 {
    if b.same_colour(0, 1) {
        return 0;
    }
    let (up, down) = (b.top(0) - b.top(1), b.bottom(1) - b.bottom(0));
    let touches = up >= 0.0 && down >= 0.0 && (up > 0.0 || down > 0.0);
    strength(up > 0.0 && down > 0.0, touches, b.colour(0))
}

/// The second body lies within the first.
fn within_first(b: &Bars<'_>) -> i32 {
    let (up, down) = (b.top(1) - b.top(0), b.bottom(0) - b.bottom(1));
    strength(up > 0.0 && down > 0.0, up >= 0.0 && down >= 0.0, -b.colour(1))
}

pub(super) fn harami(b: &Bars<'_>) -> i32 {
    if b.is_small(0) && b.is_long(1) { within_first(b) } else { 0 }
}

pub(super) fn harami_cross(b: &Bars<'_>) -> i32 {
    if b.is_doji(0) && b.is_long(1) { within_first(b) } else { 0 }
}

pub(super) fn homing_pigeon(b: &Bars<'_>) -> i32 {
    let found = b.is_black(1)
        && b.is_black(0)
        && b.open(0) < b.open(1)
        && b.close(0) > b.close(1)
        && b.is_long(1)
        && b.is_small(0);
    bullish(found)
}

/// A white candle that opens below the low of a long black one.
fn opens_below_long_black(b: &Bars<'_>) -> bool {
    b.is_black(1) && b.is_white(0) && b.open(0) < b.low(1) && b.is_long(1)
}

pub(super) fn in_neck(b: &Bars<'_>) -> i32 {
    let found = opens_below_long_black(b)
        && b.close(0) >= b.close(1)
        && b.close(0) <= b.close(1) + b.average(EQUAL, 1);
    bearish(found)
}

pub(super) fn on_neck(b: &Bars<'_>) -> i32 {
    bearish(opens_below_long_black(b) && b.is_within(b.close(0), b.low(1), EQUAL, 1))
}

pub(super) fn thrusting(b: &Bars<'_>) -> i32 {
    let found = opens_below_long_black(b)
        && b.close(0) > b.close(1) + b.average(EQUAL, 1)
        && b.close(0) <= b.close(1) + b.body(1) * 0.5;
    bearish(found)
}

/// Two long candles without shadows, of opposite colours, with a gap in the second one's direction.
fn kicks(b: &Bars<'_>) -> bool {
    !b.same_colour(0, 1)
        && if b.is_white(1) { b.gap_down(0, 1) } else { b.gap_up(0, 1) }
        && b.is_long(1)
        && b.lacks_shadows(1)
        && b.is_long(0)
        && b.lacks_shadows(0)
}

pub(super) fn kicking(b: &Bars<'_>) -> i32 {
    directed(kicks(b), b.colour(0))
}

pub(super) fn kicking_by_length(b: &Bars<'_>) -> i32 {
    let longer = usize::from(b.body(0) <= b.body(1));
    directed(kicks(b), b.colour(longer))
}

pub(super) fn matching_low(b: &Bars<'_>) -> i32 {
    let found = b.is_black(1) && b.is_black(0) && b.is_within(b.close(0), b.close(1), EQUAL, 1);
    bullish(found)
}

pub(super) fn separating_lines(b: &Bars<'_>) -> i32 {
    let found = !b.same_colour(0, 1)
        && b.is_within(b.open(0), b.open(1), EQUAL, 1)
        && b.is_long(0)
        && if b.is_white(0) { b.lacks_lower_shadow(0) } else { b.lacks_upper_shadow(0) };
    directed(found, b.colour(0))
}
