//! Axes of plots: label, range and ticks.
use windvane_candles::Timestamp;

/// Axis of a plot.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PlotAxis {
    /// Quantity with its unit.
    pub(crate) label: String,
    pub(crate) from: f64,
    pub(crate) to: f64,
    /// Positions of the ticks, with their texts.
    pub(crate) ticks: Vec<(f64, String)>,
    /// Whether a line is drawn across the plot at every tick.
    pub(crate) grid: bool,
}

/// Largest value of an axis: sums and differences of two are finite.
const MAX_VALUE: f64 = 1e300;
/// Largest distance of a tick from 0, in steps. Beyond 2^53 steps two neighbouring ticks are equal.
const MAX_STEPS: f64 = 1e15;

impl PlotAxis {
    /// Creates an axis from the minimum to the maximum of the values with a margin, with about
    /// `count` ticks at round numbers. Values that are not finite are left out.
    pub(crate) fn numbers(
        label: &str,
        values: impl IntoIterator<Item = f64>,
        count: usize,
    ) -> Self {
        let finite = values.into_iter().filter(|value| value.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let (low, high) = if low > high { (0.0, 1.0) } else { (low, high) };
        let (low, high) = (low.clamp(-MAX_VALUE, MAX_VALUE), high.clamp(-MAX_VALUE, MAX_VALUE));
        let size = low.abs().max(high.abs());
        let spread = high - low;
        // Values some units of the last place apart are one value.
        let pad = if spread > 1e-9 * size { 0.04 * spread } else { (0.05 * size).max(0.5) };
        Self::between(label, low - pad, high + pad, count)
    }

    /// Creates an axis with exactly this range. A range too narrow for numbers of its size has no
    /// ticks.
    pub(crate) fn between(label: &str, from: f64, to: f64, count: usize) -> Self {
        let step = round_step((to - from) / count as f64);
        let decimals = usize::try_from(-exponent(step)).unwrap_or(0);
        let mut ticks = Vec::new();
        // The slack includes ticks on the edges in spite of rounding.
        let (first, slack) = ((from / step - 1e-9).ceil(), 1e-9 * step);
        // The steps are at least the range divided by the count, so there are no more ticks.
        let distinct = first.abs() + count as f64 + 2.0 < MAX_STEPS;
        for index in 0..if distinct { count + 2 } else { 0 } {
            let value = (first + index as f64) * step;
            if value > to + slack {
                break;
            }
            let text = format!("{value:.decimals$}");
            let is_zero = text.trim_start_matches('-').trim_matches(['0', '.']).is_empty();
            ticks.push((value, text.replace('-', if is_zero { "" } else { "−" })));
        }
        Self { label: label.to_string(), from, to, ticks, grid: true }
    }

    /// Creates a logarithmic axis of positive numbers, given by their logarithms to base ten.
    pub(crate) fn ratios(label: &str, powers: impl IntoIterator<Item = f64>, count: usize) -> Self {
        let axis = Self::numbers(label, powers, count);
        let range = axis.from..=axis.to;
        // Ticks at 1, 2 and 5 times the powers of ten, or at every, every second or fifth power.
        for (factors, step) in [(&[1.0, 2.0, 5.0][..], 1), (&[1.0], 1), (&[1.0], 2), (&[1.0], 5)] {
            let decades = (-300..=300).filter(|decade| decade % step == 0);
            let values = decades
                .flat_map(|decade| factors.iter().map(move |factor| factor * 10_f64.powi(decade)));
            let ticks: Vec<_> = values
                .map(|value| (value.log10(), value.to_string()))
                .filter(|(at, _)| range.contains(at))
                .collect();
            if ticks.len() <= count + 1 {
                if ticks.len() > 2 {
                    return Self { ticks, ..axis };
                }
                break;
            }
        }
        let linear = Self::between("", 10_f64.powf(axis.from), 10_f64.powf(axis.to), count).ticks;
        let ticks = linear.into_iter().filter(|(value, _)| *value > 0.0);
        Self { ticks: ticks.map(|(value, text)| (value.log10(), text)).collect(), ..axis }
    }

    /// Creates an axis with names at 0, 1, 2 and so on.
    pub(crate) fn names(label: &str, names: impl IntoIterator<Item = String>) -> Self {
        let ticks: Vec<(f64, String)> =
            names.into_iter().enumerate().map(|(k, name)| (k as f64, short(&name))).collect();
        let to = ticks.len().max(1) as f64 - 0.5;
        Self { label: label.to_string(), from: -0.5, to, ticks, grid: false }
    }

    /// Creates an axis of times, in milliseconds since 1970, with about `count` dates.
    pub(crate) fn times(times: impl IntoIterator<Item = f64>, count: usize) -> Self {
        let axis = Self::numbers("", times, count);
        let ticks = dates(axis.from, axis.to, count);
        Self { ticks, ..axis }
    }

    /// Keeps at most `count` evenly spaced texts, so that they do not overlap on a phone.
    pub(crate) fn thinned(self, count: usize) -> Self {
        let step = self.ticks.len().div_ceil(count.max(1)).max(1);
        Self { ticks: self.ticks.into_iter().step_by(step).collect(), ..self }
    }

    /// Reverses the range, so that the first name is at the top.
    pub(crate) fn downwards(self) -> Self {
        Self { from: self.to, to: self.from, ..self }
    }
}

/// Decimal exponent of a positive number.
#[expect(clippy::cast_possible_truncation, reason = "an exponent of a finite number")]
fn exponent(value: f64) -> i32 {
    (value.log10() + 1e-9).floor() as i32
}

/// Smallest number of the form 1, 2 or 5 times a power of ten that is at least `least`.
fn round_step(least: f64) -> f64 {
    if !(least.is_finite() && least > 0.0) {
        return 1.0;
    }
    let unit = 10_f64.powi(exponent(least));
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|f| f * unit >= least * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * unit
}

/// At most about `count` starts of years or months within a range, or else evenly spaced dates.
fn dates(from: f64, to: f64, count: usize) -> Vec<(f64, String)> {
    let mut firsts = Vec::new();
    if let (Some(first), Some(last)) = (year(from), year(to)) {
        for (year, month) in (first..=last).flat_map(|y| (1..=12).map(move |m| (y, m))) {
            if let Ok(time) = format!("{year:04}-{month:02}-01T00:00:00Z").parse::<Timestamp>() {
                let millis = time.millis() as f64;
                if (from..=to).contains(&millis) {
                    firsts.push((millis, year, month));
                }
            }
        }
    }
    // Steps in months: a tick every month, quarter, half-year, year, and so on.
    for step in [1, 3, 6, 12, 24, 60, 120, 240] {
        let kept = firsts.iter().filter(|(_, year, month)| (12 * year + month - 1) % step == 0);
        let kept: Vec<_> = kept.collect();
        // Names of months are longer, so there are fewer.
        let most = if step < 12 { 2 * count / 3 } else { count };
        if (2..=most).contains(&kept.len()) {
            return kept.into_iter().map(|(at, y, m)| (*at, first_name(*y, *m, step))).collect();
        }
    }
    let evenly = [0.25, 0.75].map(|share| from + (to - from) * share);
    evenly.map(|millis| (millis, text(millis).chars().take(10).collect())).to_vec()
}

/// Text of a start of a month, given the step between ticks in months.
fn first_name(year: i32, month: i32, step: i32) -> String {
    if step < 12 { format!("{year}-{month:02}") } else { year.to_string() }
}

fn text(millis: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "a time of a candle")]
    let time = Timestamp::from_millis(millis as i64);
    time.to_string()
}

fn year(millis: f64) -> Option<i32> {
    text(millis).get(..4)?.parse().ok()
}

/// Shortens a name to fit next to an axis.
pub(crate) fn short(name: &str) -> String {
    const MAX_TICKS: usize = 16;
    if name.chars().count() <= MAX_TICKS {
        return name.to_string();
    }
    name.chars().take(MAX_TICKS - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &PlotAxis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, text)| text.as_str()).collect()
    }

    fn ratios(low: f64, high: f64) -> PlotAxis {
        PlotAxis::ratios("", [low.log10(), high.log10()], 5)
    }

    fn millis(text: &str) -> f64 {
        text.parse::<Timestamp>().unwrap().millis() as f64
    }

    #[test]
    fn axis_ticks_are_round_and_within_the_range() {
        assert_eq!(
            texts(&PlotAxis::between("", 0.0, 1.0, 5)),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert_eq!(texts(&PlotAxis::between("", -0.3, 0.3, 3)), ["−0.2", "0.0", "0.2"]);
        assert_eq!(texts(&PlotAxis::between("", 47.0, 55.2, 4)), ["50", "55"]);
        assert_eq!(
            texts(&PlotAxis::between("", 0.0, 31_000.0, 4)),
            ["0", "10000", "20000", "30000"]
        );
    }

    #[test]
    fn logarithmic_axis_has_plain_numbers() {
        assert_eq!(texts(&ratios(0.05, 1.1)), ["0.05", "0.1", "0.2", "0.5", "1"]);
        assert_eq!(texts(&ratios(0.000_05, 1.0)), ["0.0001", "0.001", "0.01", "0.1", "1"]);
        assert_eq!(texts(&ratios(1e-9, 1.0)), ["0.00000001", "0.000001", "0.0001", "0.01", "1"]);
        assert_eq!(texts(&ratios(0.94, 1.03)), ["0.94", "0.96", "0.98", "1.00", "1.02"]);
        assert!(ratios(0.94, 1.03).ticks.iter().all(|(at, _)| at.abs() < 0.03));
    }

    #[test]
    fn axis_of_any_values_has_a_range() {
        for values in [vec![], vec![f64::NAN], vec![3.0], vec![0.0, 0.0], vec![1e9, -1e9]] {
            let axis = PlotAxis::numbers("", values, 4);
            assert!(axis.from < axis.to && (1..9).contains(&axis.ticks.len()), "{axis:?}");
        }
        // Values some units of the last place apart, and the largest numbers.
        for value in [1.0, -3.7e-5, 52.3, 1e9, 1e15, 1e300] {
            let values = [value, value * (1.0 + f64::EPSILON), value * (1.0 + 3.0 * f64::EPSILON)];
            let axis = PlotAxis::numbers("", values, 4);
            assert!(axis.from < axis.to && (1..9).contains(&axis.ticks.len()), "{axis:?}");
        }
        let axis = PlotAxis::numbers("", [f64::MAX, f64::MIN], 4);
        assert!(axis.from < axis.to && axis.ticks.len() < 9, "{axis:?}");
        let narrow = PlotAxis::between("", 1.0, 1.0 + f64::EPSILON, 4);
        assert!(narrow.ticks.len() < 9, "{narrow:?}");
        let times = PlotAxis::times([0.0], 4);
        assert!(times.from < times.to && !times.ticks.is_empty());
    }

    #[test]
    fn axis_of_times_has_ticks_at_starts_of_years_or_months() {
        let [from, to] = ["2021-03-04T00:00:00Z", "2024-08-01T00:00:00Z"].map(millis);
        assert_eq!(texts(&PlotAxis::times([from, to], 4)), ["2022", "2023", "2024"]);
        let [from, to] = ["2021-03-04T00:00:00Z", "2021-08-20T00:00:00Z"].map(millis);
        assert_eq!(texts(&PlotAxis::times([from, to], 4)), ["2021-04", "2021-07"]);
        let [from, to] = ["2021-03-04T00:00:00Z", "2021-03-09T00:00:00Z"].map(millis);
        assert_eq!(texts(&PlotAxis::times([from, to], 4)), ["2021-03-05", "2021-03-07"]);
    }

    #[test]
    fn long_names_are_shortened() {
        assert_eq!(short("BTCUSDT"), "BTCUSDT");
        assert_eq!(short("a-pair-with-a-very-long-name"), "a-pair-with-a-v…");
    }
}
