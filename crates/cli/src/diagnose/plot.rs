//! Line plots as SVG.

/// Width and height of the plot in SVG units.
const SIZE: (f64, f64) = (200.0, 60.0);

/// Line plot; its axis labels are outside the SVG, so that it can be stretched.
pub(super) struct LinePlot {
    pub(super) curves: Vec<Curve>,
    pub(super) low: String,
    pub(super) high: String,
    /// Position of the zero line, if zero is inside the range.
    pub(super) zero: Option<String>,
}

/// Curve of a plot; its name is empty for a single curve.
pub(super) struct Curve {
    /// Class in the style sheet.
    pub(super) class: &'static str,
    pub(super) name: &'static str,
    pub(super) points: String,
    values: Vec<f64>,
}

impl Curve {
    pub(super) fn new(class: &'static str, name: &'static str, values: &[f64]) -> Self {
        Self { class, name, points: String::new(), values: values.to_vec() }
    }
}

impl LinePlot {
    /// Creates a plot of curves with the same number of values, scaled from `low` to `high`.
    pub(super) fn new(mut curves: Vec<Curve>, low: f64, high: f64) -> Self {
        let (width, height) = SIZE;
        let spread = if high > low { high - low } else { 1.0 };
        let y = |value: f64| height - (value - low) / spread * height;
        for curve in &mut curves {
            let last = curve.values.len().saturating_sub(1).max(1) as f64;
            let points = curve.values.iter().enumerate().map(|(index, value)| {
                format!("{:.1},{:.1}", index as f64 / last * width, y(*value))
            });
            curve.points = points.collect::<Vec<_>>().join(" ");
        }
        let zero = (low < 0.0 && high > 0.0).then(|| format!("{:.1}", y(0.0)));
        Self { curves, low: short(low), high: short(high), zero }
    }
}

/// Formats a number with at most three decimals.
fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}
