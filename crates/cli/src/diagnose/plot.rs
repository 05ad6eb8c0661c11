//! Small line plots as SVG.

/// Width and height of a plot's own units.
const SIZE: (f64, f64) = (200.0, 60.0);

/// A line plot whose labels stand beside it, so that it can be stretched.
pub(super) struct Plot {
    pub(super) curves: Vec<Curve>,
    pub(super) low: String,
    pub(super) high: String,
    /// Height of the zero line, where zero lies inside.
    pub(super) zero: Option<String>,
}

/// One line, named where there are several.
pub(super) struct Curve {
    /// Its class in the style sheet.
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

impl Plot {
    /// Curves of equally many values between `low` and `high`.
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

/// Three decimals at most.
fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}
