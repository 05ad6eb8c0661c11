//! Patterns of one candle, and of one candle and its place after the candle before.
use super::bars::{
    Bars, NEAR, SHADOW_LONG, SHADOW_SHORT, SHADOW_VERY_LONG, SHADOW_VERY_SHORT, bearish, bullish,
    directed,
};

pub(super) fn belt_hold(b: &Bars<'_>) -> i32 {
    let found = b.is_long(0)
        && if b.is_white(0) { b.lacks_lower_shadow(0) } else { b.lacks_upper_shadow(0) };
    directed(found, b.colour(0))
}

pub(super) fn closing_marubozu(b: &Bars<'_>) -> i32 {
    let found = b.is_long(0)
        && if b.is_white(0) { b.lacks_upper_shadow(0) } else { b.lacks_lower_shadow(0) };
    directed(found, b.colour(0))
}

pub(super) fn marubozu(b: &Bars<'_>) -> i32 {
    directed(b.is_long(0) && b.lacks_shadows(0), b.colour(0))
}

pub(super) fn doji(b: &Bars<'_>) -> i32 {
    bullish(b.is_doji(0))
}

pub(super) fn dragonfly_doji(b: &Bars<'_>) -> i32 {
    let has_lower = b.lower_shadow(0) > b.average(SHADOW_VERY_SHORT, 0);
    bullish(b.is_doji(0) && b.lacks_upper_shadow(0) && has_lower)
}

pub(super) fn gravestone_doji(b: &Bars<'_>) -> i32 {
    let has_upper = b.upper_shadow(0) > b.average(SHADOW_VERY_SHORT, 0);
    bullish(b.is_doji(0) && b.lacks_lower_shadow(0) && has_upper)
}

pub(super) fn long_legged_doji(b: &Bars<'_>) -> i32 {
    let long = b.average(SHADOW_LONG, 0);
    bullish(b.is_doji(0) && (b.lower_shadow(0) > long || b.upper_shadow(0) > long))
}

pub(super) fn rickshaw_man(b: &Bars<'_>) -> i32 {
    let long = b.average(SHADOW_LONG, 0);
    if !(b.is_doji(0) && b.lower_shadow(0) > long && b.upper_shadow(0) > long) {
        return 0;
    }
    let (middle, near) = (b.low(0) + b.range(0) / 2.0, b.average(NEAR, 0));
    bullish(b.bottom(0) <= middle + near && b.top(0) >= middle - near)
}

pub(super) fn takuri(b: &Bars<'_>) -> i32 {
    let has_lower = b.lower_shadow(0) > b.average(SHADOW_VERY_LONG, 0);
    bullish(b.is_doji(0) && b.lacks_upper_shadow(0) && has_lower)
}

pub(super) fn high_wave(b: &Bars<'_>) -> i32 {
    let long = b.average(SHADOW_VERY_LONG, 0);
    let found = b.is_short(0) && b.upper_shadow(0) > long && b.lower_shadow(0) > long;
    directed(found, b.colour(0))
}

pub(super) fn spinning_top(b: &Bars<'_>) -> i32 {
    let body = b.body(0);
    let found = b.is_short(0) && b.upper_shadow(0) > body && b.lower_shadow(0) > body;
    directed(found, b.colour(0))
}

pub(super) fn long_line(b: &Bars<'_>) -> i32 {
    let short = b.average(SHADOW_SHORT, 0);
    let found = b.is_long(0) && b.upper_shadow(0) < short && b.lower_shadow(0) < short;
    directed(found, b.colour(0))
}

pub(super) fn short_line(b: &Bars<'_>) -> i32 {
    let short = b.average(SHADOW_SHORT, 0);
    let found = b.is_short(0) && b.upper_shadow(0) < short && b.lower_shadow(0) < short;
    directed(found, b.colour(0))
}

/// Short body at the upper end, with a long lower shadow.
fn is_hammer(b: &Bars<'_>) -> bool {
    b.is_short(0) && b.lower_shadow(0) > b.average(SHADOW_LONG, 0) && b.lacks_upper_shadow(0)
}

/// Short body at the lower end, with a long upper shadow.
fn is_inverted_hammer(b: &Bars<'_>) -> bool {
    b.is_short(0) && b.upper_shadow(0) > b.average(SHADOW_LONG, 0) && b.lacks_lower_shadow(0)
}

pub(super) fn hammer(b: &Bars<'_>) -> i32 {
    bullish(is_hammer(b) && b.bottom(0) <= b.low(1) + b.average(NEAR, 1))
}

pub(super) fn hanging_man(b: &Bars<'_>) -> i32 {
    bearish(is_hammer(b) && b.bottom(0) >= b.high(1) - b.average(NEAR, 1))
}

pub(super) fn inverted_hammer(b: &Bars<'_>) -> i32 {
    bullish(is_inverted_hammer(b) && b.body_gap_down(0, 1))
}

pub(super) fn shooting_star(b: &Bars<'_>) -> i32 {
    bearish(is_inverted_hammer(b) && b.body_gap_up(0, 1))
}
