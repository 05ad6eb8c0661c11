//! Note on missing candles.
use windvane::prelude::*;

/// Note on the number of missing candles, the number of gaps and the longest gap; `None` without
/// gaps.
pub(crate) fn gap_note(series: &CandleSeries) -> Option<String> {
    let longest = series.gaps().max_by_key(|gap| (gap.missing, std::cmp::Reverse(gap.after)))?;
    let (gaps, missing) = series.gaps().fold((0, 0), |(n, sum), gap| (n + 1, sum + gap.missing));
    let noun = if gaps == 1 { "gap" } else { "gaps" };
    let candles = if missing == 1 { "candle" } else { "candles" };
    Some(format!(
        "{missing} {candles} missing in {gaps} {noun}, the longest ({}) from {}",
        longest.missing, longest.from
    ))
}
