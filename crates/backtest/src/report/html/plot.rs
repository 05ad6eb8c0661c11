//! Plots: axes and marks.
use super::axis::PlotAxis;
use super::colour::PlotColour;

/// Plot of a report.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ReportPlot {
    /// Title of the plot.
    pub(crate) title: String,
    /// Explanation of the plot in one line.
    pub(crate) caption: String,
    /// Height in pixels; the width is that of the column.
    pub(crate) height: u32,
    pub(crate) x: PlotAxis,
    pub(crate) y: PlotAxis,
    /// Marks in the order of drawing.
    pub(crate) marks: Vec<Mark>,
    /// Names of the colours.
    pub(crate) legend: Vec<(PlotColour, String)>,
}

/// Mark of a plot, in values of its axes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Mark {
    /// Line through points.
    Line(PlotColour, Vec<(f64, f64)>),
    /// Dot with an optional line, an estimate with its interval; shows a text under the pointer.
    Dot(PlotColour, (f64, f64), Option<Ends>, String),
    /// Filled rectangle between two corners, with an opacity; shows a text under the pointer.
    Block(PlotColour, [(f64, f64); 2], f64, String),
    /// Text centred on a point.
    Text((f64, f64), String),
    /// Invisible strip between two values of the horizontal axis that shows a text under the pointer.
    Hover([f64; 2], String),
}

/// Ends of the line of an interval.
pub(crate) type Ends = [(f64, f64); 2];

/// Half the height of the rows of marks around a name; two names are 1 apart.
const SPREAD: f64 = 0.38;

/// Offset of the marks of the k-th of n models from the position of a name.
pub(crate) fn spread(k: usize, n: usize) -> f64 {
    2.0 * SPREAD * ((k as f64 + 0.5) / n as f64 - 0.5)
}

impl ReportPlot {
    /// Default height.
    pub(crate) const HEIGHT: u32 = 280;
    /// Height of small plots side by side.
    pub(crate) const SMALL: u32 = 220;

    /// Height of a plot with a number of rows of a height in pixels.
    pub(crate) fn rows(count: usize, height: f64) -> u32 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a length of some hundreds"
        )]
        let height = (64.0 + count as f64 * height).max(130.0) as u32;
        height
    }

    /// Whether anything visible is drawn.
    pub(crate) fn has_marks(&self) -> bool {
        self.marks.iter().any(|mark| !matches!(mark, Mark::Hover(..)) && !mark.places().is_empty())
    }
}

impl Mark {
    /// Short grey line across a row of a plot with `rows` rows per name.
    pub(crate) fn upright((x, y): (f64, f64), rows: usize) -> Self {
        let half = SPREAD / rows as f64;
        Self::Line(PlotColour::Rule, vec![(x, y - half), (x, y + half)])
    }

    /// Strips that divide the horizontal axis at the middles between values, each with its text.
    pub(crate) fn strips(values: &[(f64, String)]) -> Vec<Self> {
        let middle = |a: usize, b: usize| f64::midpoint(values[a].0, values[b].0);
        let strips = values.iter().enumerate().map(|(index, (at, text))| {
            let from = if index == 0 { *at } else { middle(index - 1, index) };
            let until = if index + 1 == values.len() { *at } else { middle(index, index + 1) };
            Self::Hover([from, until], text.clone())
        });
        strips.collect()
    }

    /// Positions along the horizontal axis.
    pub(crate) fn places(&self) -> Vec<f64> {
        self.points().into_iter().map(|(x, _)| x).collect()
    }

    /// Positions along the vertical axis.
    pub(crate) fn heights(&self) -> Vec<f64> {
        self.points().into_iter().map(|(_, y)| y).collect()
    }

    fn points(&self) -> Vec<(f64, f64)> {
        match self {
            Self::Line(_, points) => points.clone(),
            Self::Dot(_, at, ends, _) => ends.iter().flatten().chain([at]).copied().collect(),
            Self::Block(_, corners, ..) => corners.to_vec(),
            Self::Text(at, _) => vec![*at],
            Self::Hover(..) => Vec::new(),
        }
    }
}
