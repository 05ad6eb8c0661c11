//! Plots: axes and marks, drawn as SVG.
use std::ops::Range;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::PlotAxis;
use super::colour::PlotColour;

/// Number of drawing units per plot unit, because plotters has integer coordinates only.
const FINE: u32 = 4;
/// Font size, units.
const TEXT: f64 = 13.0;

/// Plot of a report.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ReportPlot {
    /// Title of the plot.
    pub(crate) title: String,
    /// Explanation of the plot in one line.
    pub(crate) caption: String,
    /// Width and height, units; a phone is about 330 wide.
    pub(crate) size: (u32, u32),
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
    /// Dot with an optional line: an estimate with its interval.
    Dot(PlotColour, (f64, f64), Option<Ends>),
    /// Filled rectangle between two corners, with an opacity.
    Block(PlotColour, (f64, f64), (f64, f64), f64),
    /// Text centred on a point.
    Text((f64, f64), String),
}

/// Ends of the line of an interval.
pub(crate) type Ends = [(f64, f64); 2];

/// Half the height of the rows of marks around a name; two names are 1 apart.
const SPREAD: f64 = 0.38;

/// Offset of the marks of the k-th of n models from the position of a name.
pub(crate) fn spread(k: usize, n: usize) -> f64 {
    2.0 * SPREAD * ((k as f64 + 0.5) / n as f64 - 0.5)
}

type PlotArea<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type PlotChart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<PlotAxis, PlotAxis>>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

impl ReportPlot {
    /// Default size.
    pub(crate) const SIZE: (u32, u32) = (420, 280);
    /// Size of small plots side by side.
    pub(crate) const SMALL: (u32, u32) = (300, 230);

    /// Default width with the given height, which is at least 130 units.
    pub(crate) fn tall(height: f64) -> (u32, u32) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a length of some hundreds"
        )]
        let height = height.max(130.0) as u32;
        (Self::SIZE.0, height)
    }

    /// Width and height of the drawing, for the `viewBox` of the SVG element.
    pub(crate) fn view(&self) -> (u32, u32) {
        (FINE * self.size.0, FINE * self.size.1)
    }

    /// Content of the SVG element.
    pub(crate) fn drawing(&self) -> String {
        let mut text = String::new();
        let area = SVGBackend::with_string(&mut text, self.view()).into_drawing_area();
        let drawn = self.draw(&area).and_then(|()| area.present());
        drawn.expect("invariant: drawing to a text cannot fail");
        drop(area);
        let inner = text.split_once('>').and_then(|(_, rest)| rest.rsplit_once("</svg>"));
        inner.map_or_else(String::new, |(inner, _)| inner.to_string())
    }

    fn draw(&self, area: &PlotArea<'_>) -> Drawn {
        let widest = self.y.ticks.iter().map(|(_, text)| width(text)).fold(0.0, f64::max);
        let beside = 10.0 + widest + label_height(&self.y);
        // Width of the last tick's text beyond the axis.
        let last = self.x.ticks.last().map_or(0.0, |(at, text)| {
            let left = (self.x.to - at) / (self.x.to - self.x.from);
            width(text) / 2.0 - left * (f64::from(self.size.0) - beside - 10.0)
        });
        let mut chart = ChartBuilder::on(area)
            .margin_top(fine(8.0))
            .margin_left(fine(4.0))
            .margin_right(fine(6.0 + last.max(0.0)))
            .x_label_area_size(fine(22.0 + label_height(&self.x)))
            .y_label_area_size(fine(beside))
            .build_cartesian_2d(self.x.clone(), self.y.clone())?;
        let mut mesh = chart.configure_mesh();
        if !self.x.grid {
            mesh.disable_x_mesh();
        }
        if !self.y.grid {
            mesh.disable_y_mesh();
        }
        mesh.bold_line_style(PlotColour::Grid.rgb().stroke_width(fine(1.0)))
            .axis_style(PlotColour::Rule.rgb().stroke_width(fine(1.0)))
            .set_all_tick_mark_size(fine(4.0))
            .label_style(text_style())
            .axis_desc_style(text_style());
        // Plotters would draw an empty label.
        if !self.x.label.is_empty() {
            mesh.x_desc(&self.x.label);
        }
        if !self.y.label.is_empty() {
            mesh.y_desc(&self.y.label);
        }
        mesh.draw()?;
        self.marks.iter().try_for_each(|mark| mark.draw(&mut chart))
    }
}

impl Ranged for PlotAxis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (first, last): (i32, i32)) -> i32 {
        let share = (value - self.from) / (self.to - self.from);
        #[expect(clippy::cast_possible_truncation, reason = "within the drawing")]
        let length = (share * f64::from(last - first)).round() as i32;
        first + length
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() {
            return Vec::new();
        }
        self.ticks.iter().map(|(at, _)| *at).collect()
    }

    fn range(&self) -> Range<f64> {
        self.from..self.to
    }
}

impl ValueFormatter<f64> for PlotAxis {
    fn format_ext(&self, value: &f64) -> String {
        let tick = self.ticks.iter().find(|(at, _)| at.to_bits() == value.to_bits());
        tick.map_or_else(String::new, |(_, text)| text.clone())
    }
}

impl Mark {
    /// Short grey line across a row of a plot with `rows` rows per name.
    pub(crate) fn upright((x, y): (f64, f64), rows: usize) -> Self {
        let half = SPREAD / rows as f64;
        Self::Line(PlotColour::Rule, vec![(x, y - half), (x, y + half)])
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
            Self::Dot(_, at, ends) => ends.iter().flatten().chain([at]).copied().collect(),
            Self::Block(_, from, to, _) => vec![*from, *to],
            Self::Text(at, _) => vec![*at],
        }
    }

    fn draw(&self, chart: &mut PlotChart<'_, '_>) -> Drawn {
        let area = chart.plotting_area();
        match self {
            Self::Line(_, points) if points.len() < 2 => Ok(()),
            Self::Line(colour, points) => area.draw(&path(points.clone(), *colour)),
            Self::Dot(colour, centre, ends) => {
                if let Some(ends) = ends {
                    area.draw(&path(ends.to_vec(), *colour))?;
                }
                area.draw(&Circle::new(*centre, fine(3.4), colour.rgb().filled()))
            }
            Self::Block(colour, from, to, opacity) => {
                area.draw(&Rectangle::new([*from, *to], colour.rgb().mix(*opacity).filled()))
            }
            Self::Text(at, text) => {
                let middle = Pos::new(HPos::Center, VPos::Center);
                area.draw(&Text::new(text.clone(), *at, text_style().pos(middle)))
            }
        }
    }
}

/// Line through points.
fn path(points: Vec<(f64, f64)>, colour: PlotColour) -> PathElement<(f64, f64)> {
    PathElement::new(points, colour.rgb().stroke_width(fine(1.8)))
}

/// Height of the label of an axis, units; 0 without a label.
fn label_height(axis: &PlotAxis) -> f64 {
    if axis.label.is_empty() { 0.0 } else { 21.0 }
}

/// Upper estimate of the width of a text in common fonts, units.
fn width(text: &str) -> f64 {
    text.chars().map(character_width).sum()
}

fn character_width(character: char) -> f64 {
    match character {
        'm' | 'w' | 'M' | 'W' | '%' | '…' => 12.5,
        'A'..='Z' => 9.4,
        '.' | ',' | ' ' | 'i' | 'l' | '-' => 5.0,
        c if c.is_ascii() || c == '−' => 8.2,
        _ => TEXT,
    }
}

fn fine(units: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small length")]
    let fine = (units * f64::from(FINE)).round() as u32;
    fine
}

fn text_style() -> TextStyle<'static> {
    // Plotters divides the font size by 1.24.
    let font = ("sans-serif", 1.24 * TEXT * f64::from(FINE)).into_font();
    font.color(&PlotColour::Text.rgb())
}
