//! Patterns of three candles.
use super::bars::{
    BODY_DOJI, Bars, EQUAL, FAR, NEAR, SHADOW_LONG, SHADOW_SHORT, SHADOW_VERY_SHORT, bearish,
    bullish, directed,
};

/// Part of the first body that the third candle of a star must penetrate.
const PENETRATION: f64 = 0.3;

pub(super) fn two_crows(b: &Bars<'_>) -> i32 {
    let found = b.is_white(2)
        && b.is_black(1)
        && b.is_black(0)
        && b.body_gap_up(1, 2)
        && b.open(0) < b.open(1)
        && b.open(0) > b.close(1)
        && b.close(0) > b.open(2)
        && b.close(0) < b.close(2)
        && b.is_long(2);
    bearish(found)
}

pub(super) fn upside_gap_two_crows(b: &Bars<'_>) -> i32 {
    let found = b.is_white(2)
        && b.is_black(1)
        && b.is_black(0)
        && b.body_gap_up(1, 2)
        && b.open(0) > b.open(1)
        && b.close(0) < b.close(1)
        && b.close(0) > b.close(2)
        && b.is_long(2)
        && b.is_small(1);
    bearish(found)
}

pub(super) fn three_inside(b: &Bars<'_>) -> i32 {
    let closes_out = if b.is_white(2) {
        b.is_black(0) && b.close(0) < b.open(2)
    } else {
        b.is_white(0) && b.close(0) > b.open(2)
    };
    let found = closes_out
        && b.top(1) < b.top(2)
        && b.bottom(1) > b.bottom(2)
        && b.is_long(2)
        && b.is_small(1);
    directed(found, -b.colour(2))
}

pub(super) fn three_outside(b: &Bars<'_>) -> i32 {
    let found = if b.is_white(1) {
        b.is_black(2) && b.close(1) > b.open(2) && b.open(1) < b.close(2) && b.close(0) > b.close(1)
    } else {
        b.is_white(2) && b.open(1) > b.close(2) && b.close(1) < b.open(2) && b.close(0) < b.close(1)
    };
    directed(found, b.colour(1))
}

pub(super) fn three_stars_in_the_south(b: &Bars<'_>) -> i32 {
    let found = b.is_black(2)
        && b.is_black(1)
        && b.is_black(0)
        && b.body(1) < b.body(2)
        && b.open(1) > b.close(2)
        && b.open(1) <= b.high(2)
        && b.low(1) < b.close(2)
        && b.low(1) >= b.low(2)
        && b.low(0) > b.low(1)
        && b.high(0) < b.high(1)
        && b.is_long(2)
        && b.lower_shadow(2) > b.average(SHADOW_LONG, 2)
        && b.lower_shadow(1) > b.average(SHADOW_VERY_SHORT, 1)
        && b.is_short(0)
        && b.lacks_shadows(0);
    bullish(found)
}

/// Three white candles with rising closes, each opening within or near the body before.
fn is_advance(b: &Bars<'_>) -> bool {
    b.is_white(2)
        && b.is_white(1)
        && b.is_white(0)
        && b.close(0) > b.close(1)
        && b.close(1) > b.close(2)
        && b.open(1) > b.open(2)
        && b.open(0) > b.open(1)
        && b.open(1) <= b.close(2) + b.average(NEAR, 2)
        && b.open(0) <= b.close(1) + b.average(NEAR, 1)
}

pub(super) fn three_white_soldiers(b: &Bars<'_>) -> i32 {
    let found = is_advance(b)
        && (0..3).all(|k| b.lacks_upper_shadow(k))
        && b.body(1) > b.body(2) - b.average(FAR, 2)
        && b.body(0) > b.body(1) - b.average(FAR, 1)
        && b.is_not_short(0);
    bullish(found)
}

pub(super) fn advance_block(b: &Bars<'_>) -> i32 {
    if !(is_advance(b) && b.is_long(2) && b.upper_shadow(2) < b.average(SHADOW_SHORT, 2)) {
        return 0;
    }
    let [third, second, first] = [b.body(0), b.body(1), b.body(2)];
    let has_upper = |k| b.upper_shadow(k) > b.average(SHADOW_SHORT, k);
    let is_blocked = (second < first - b.average(FAR, 2) && third < second + b.average(NEAR, 1))
        || third < second - b.average(FAR, 1)
        || (third < second && second < first && (has_upper(0) || has_upper(1)))
        || (third < second && b.upper_shadow(0) > b.average(SHADOW_LONG, 0));
    bearish(is_blocked)
}

pub(super) fn stalled_pattern(b: &Bars<'_>) -> i32 {
    let found = b.is_white(2)
        && b.is_white(1)
        && b.is_white(0)
        && b.close(0) > b.close(1)
        && b.close(1) > b.close(2)
        && b.is_long(2)
        && b.is_long(1)
        && b.lacks_upper_shadow(1)
        && b.open(1) > b.open(2)
        && b.open(1) <= b.close(2) + b.average(NEAR, 2)
        && b.is_short(0)
        && b.open(0) >= b.close(1) - b.body(0) - b.average(NEAR, 1);
    bearish(found)
}

pub(super) fn identical_three_crows(b: &Bars<'_>) -> i32 {
    let found = (0..3).all(|k| b.is_black(k) && b.lacks_lower_shadow(k))
        && b.close(2) > b.close(1)
        && b.close(1) > b.close(0)
        && b.is_within(b.open(1), b.close(2), EQUAL, 2)
        && b.is_within(b.open(0), b.close(1), EQUAL, 1);
    bearish(found)
}

pub(super) fn abandoned_baby(b: &Bars<'_>) -> i32 {
    let is_isolated = if b.is_white(2) {
        b.is_black(0)
            && b.gap_up(1, 2)
            && b.gap_down(0, 1)
            && b.close(0) < b.close(2) - b.body(2) * PENETRATION
    } else {
        b.is_white(0)
            && b.gap_down(1, 2)
            && b.gap_up(0, 1)
            && b.close(0) > b.close(2) + b.body(2) * PENETRATION
    };
    directed(is_isolated && b.is_long(2) && b.is_doji(1) && b.is_not_short(0), b.colour(0))
}

/// A star above a long white candle, then a black candle that closes well within its body.
fn is_evening(b: &Bars<'_>) -> bool {
    b.is_white(2)
        && b.is_black(0)
        && b.body_gap_up(1, 2)
        && b.close(0) < b.close(2) - b.body(2) * PENETRATION
        && b.is_long(2)
        && b.is_not_short(0)
}

/// A star below a long black candle, then a white candle that closes well within its body.
fn is_morning(b: &Bars<'_>) -> bool {
    b.is_black(2)
        && b.is_white(0)
        && b.body_gap_down(1, 2)
        && b.close(0) > b.close(2) + b.body(2) * PENETRATION
        && b.is_long(2)
        && b.is_not_short(0)
}

pub(super) fn evening_star(b: &Bars<'_>) -> i32 {
    bearish(is_evening(b) && b.is_small(1))
}

pub(super) fn evening_doji_star(b: &Bars<'_>) -> i32 {
    bearish(is_evening(b) && b.is_doji(1))
}

pub(super) fn morning_star(b: &Bars<'_>) -> i32 {
    bullish(is_morning(b) && b.is_small(1))
}

pub(super) fn morning_doji_star(b: &Bars<'_>) -> i32 {
    bullish(is_morning(b) && b.is_doji(1))
}

pub(super) fn gap_side_by_side_white(b: &Bars<'_>) -> i32 {
    let gaps_up = b.body_gap_up(1, 2) && b.body_gap_up(0, 2);
    let gaps_down = b.body_gap_down(1, 2) && b.body_gap_down(0, 2);
    let found = (gaps_up || gaps_down)
        && b.is_white(1)
        && b.is_white(0)
        && b.is_within(b.body(0), b.body(1), NEAR, 1)
        && b.is_within(b.open(0), b.open(1), EQUAL, 1);
    directed(found, if gaps_up { 1 } else { -1 })
}

pub(super) fn stick_sandwich(b: &Bars<'_>) -> i32 {
    let found = b.is_black(2)
        && b.is_white(1)
        && b.is_black(0)
        && b.low(1) > b.close(2)
        && b.is_within(b.close(0), b.close(2), EQUAL, 2);
    bullish(found)
}

pub(super) fn tasuki_gap(b: &Bars<'_>) -> i32 {
    let closes_into_gap = if b.is_white(1) {
        b.body_gap_up(1, 2)
            && b.is_black(0)
            && b.open(0) < b.close(1)
            && b.open(0) > b.open(1)
            && b.close(0) < b.open(1)
            && b.close(0) > b.top(2)
    } else {
        b.body_gap_down(1, 2)
            && b.is_white(0)
            && b.open(0) < b.open(1)
            && b.open(0) > b.close(1)
            && b.close(0) > b.open(1)
            && b.close(0) < b.bottom(2)
    };
    let found = closes_into_gap && (b.body(1) - b.body(0)).abs() < b.average(NEAR, 1);
    directed(found, b.colour(1))
}

pub(super) fn tristar(b: &Bars<'_>) -> i32 {
    let doji = b.average(BODY_DOJI, 2);
    if !(0..3).all(|k| b.body(k) <= doji) {
        return 0;
    }
    if b.body_gap_down(1, 2) && b.bottom(0) > b.bottom(1) {
        return 100;
    }
    bearish(b.body_gap_up(1, 2) && b.top(0) < b.top(1))
}

pub(super) fn unique_three_river(b: &Bars<'_>) -> i32 {
    let found = b.is_black(2)
        && b.is_black(1)
        && b.is_white(0)
        && b.close(1) > b.close(2)
        && b.open(1) <= b.open(2)
        && b.low(1) < b.low(2)
        && b.open(0) > b.low(1)
        && b.is_long(2)
        && b.is_short(0);
    bullish(found)
}

pub(super) fn side_gap_three_methods(b: &Bars<'_>) -> i32 {
    let gaps = if b.is_white(2) { b.body_gap_up(1, 2) } else { b.body_gap_down(1, 2) };
    let found = b.same_colour(2, 1)
        && !b.same_colour(1, 0)
        && b.open(0) < b.top(1)
        && b.open(0) > b.bottom(1)
        && b.close(0) < b.top(2)
        && b.close(0) > b.bottom(2)
        && gaps;
    directed(found, b.colour(2))
}
