//! Where candles are missing, in a sentence.
use windvane::prelude::*;

/// How many candles are missing in how many places, and where the most; `None` if none is.
pub(crate) fn gap_note(series: &CandleSeries) -> Option<String> {
    let longest = series.gaps().max_by_key(|gap| (gap.missing, std::cmp::Reverse(gap.after)))?;
    let (places, missing) = series.gaps().fold((0, 0), |(n, sum), gap| (n + 1, sum + gap.missing));
    let noun = if places == 1 { "place" } else { "places" };
    let candles = if missing == 1 { "candle" } else { "candles" };
    Some(format!(
        "{missing} {candles} missing in {places} {noun}, the most ({}) from {}",
        longest.missing, longest.from
    ))
}
