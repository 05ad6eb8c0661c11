//! Line charts as SVG.
use std::ops::Range;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::Error;
use super::ink::{self, Ink};

/// Number of units of the drawing per unit of the figure, because plotters has only whole numbers.
pub(crate) const FINE: u32 = 4;

pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Axis of a chart: its ends, approximate number of ticks, format of the tick labels, and label.
pub(crate) struct ChartAxis {
    pub(crate) ends: Range<f64>,
    pub(crate) ticks: usize,
    pub(crate) text: fn(f64) -> String,
    pub(crate) label: &'static str,
}

/// Line of a chart, with its name at a position with enough space.
pub(crate) struct ChartLine {
    pub(crate) ink: Ink,
    pub(crate) points: Vec<(f64, f64)>,
    pub(crate) name: Option<((f64, f64), String)>,
}

impl ChartLine {
    pub(crate) fn new(ink: Ink, points: Vec<(f64, f64)>) -> Self {
        Self { ink, points, name: None }
    }
}

/// Line chart with its width and height.
pub(crate) struct LineChart {
    pub(crate) size: (u32, u32),
    pub(crate) x: ChartAxis,
    pub(crate) y: ChartAxis,
    pub(crate) lines: Vec<ChartLine>,
}

impl LineChart {
    pub(crate) fn svg(&self) -> Result<String, Error> {
        svg(self.size, |area| self.draw(area))
    }

    fn draw(&self, area: &Area<'_>) -> Result<(), Error> {
        let mut chart = ChartBuilder::on(area)
            .margin_top(fine(12.0))
            .margin_right(fine(28.0))
            .margin_left(fine(6.0))
            .x_label_area_size(fine(if self.x.label.is_empty() { 24.0 } else { 42.0 }))
            .y_label_area_size(fine(66.0))
            .build_cartesian_2d(self.x.ends.clone(), self.y.ends.clone())?;
        let [x_text, y_text] = [&self.x, &self.y].map(|axis| |value: &f64| (axis.text)(*value));
        let mut mesh = chart.configure_mesh();
        mesh.x_labels(self.x.ticks)
            .y_labels(self.y.ticks)
            .x_label_formatter(&x_text)
            .y_label_formatter(&y_text)
            .light_line_style(TRANSPARENT)
            .bold_line_style(ink::GRID.colour().stroke_width(fine(1.0)))
            .axis_style(ink::RULE.colour().stroke_width(fine(1.0)))
            .set_all_tick_mark_size(fine(4.0))
            .label_style(text(ink::TEXT))
            .axis_desc_style(text(ink::TEXT))
            .y_desc(self.y.label);
        // Plotters would draw an empty text, too.
        if !self.x.label.is_empty() {
            mesh.x_desc(self.x.label);
        }
        mesh.draw()?;
        for ChartLine { ink, points, name } in &self.lines {
            let style = ink.colour().stroke_width(fine(1.6));
            // Plotters would draw points beyond the ends along them.
            let inside = points.iter().copied().filter(|(_, y)| self.y.ends.contains(y));
            chart.draw_series(LineSeries::new(inside, style))?;
            if let Some((at, name)) = name {
                let left = Pos::new(HPos::Left, VPos::Center);
                chart.plotting_area().draw(&Text::new(name.clone(), *at, text(*ink).pos(left)))?;
            }
        }
        Ok(())
    }
}

/// Runs `draw` and returns the SVG file.
pub(crate) fn svg(
    (width, height): (u32, u32),
    draw: impl FnOnce(&Area<'_>) -> Result<(), Error>,
) -> Result<String, Error> {
    let view = (FINE * width, FINE * height);
    let mut drawing = String::new();
    let area = SVGBackend::with_string(&mut drawing, view).into_drawing_area();
    area.fill(&ink::GROUND.colour())?;
    draw(&area)?;
    area.present()?;
    drop(area);
    let inner = drawing.split_once('>').and_then(|(_, rest)| rest.rsplit_once("</svg>"));
    let (inner, _) = inner.ok_or("plotters writes one SVG element")?;
    // These attributes have their default values.
    let inner = inner.replace(" opacity=\"1\"", "").replace(" stroke=\"none\"", "");
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {} {}\">{}{inner}</svg>\n",
        view.0,
        view.1,
        ink::css(&inner)
    ))
}

pub(crate) fn fine(units: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small length")]
    let fine = (units * f64::from(FINE)).round() as u32;
    fine
}

/// Style of a text of 13 units.
pub(crate) fn text(ink: Ink) -> TextStyle<'static> {
    // Plotters divides the size by 1.24.
    ("sans-serif", 1.24 * 13.0 * f64::from(FINE)).into_font().color(&ink.colour())
}
