//! Plots as SVG.
//!
//! Positions are percentages of the inner area, and the texts have a size in pixels: a plot fills
//! the width of its column and keeps the size of its texts.
use std::fmt::Write as _;

use super::axis::PlotAxis;
use super::plot::{Mark, ReportPlot};

/// Space around the inner area, pixels.
const TOP: f64 = 10.0;
const RIGHT: f64 = 12.0;
const BOTTOM: f64 = 26.0;
/// Height of the label of an axis.
const LABEL: f64 = 18.0;
/// Distance of the texts of the vertical axis from the inner area.
const BESIDE: f64 = 8.0;
/// Units of the inner area in each direction, for lines.
const UNITS: f64 = 1_000.0;

impl ReportPlot {
    /// Height and inner distances of the SVG element, as CSS.
    pub(crate) fn style(&self) -> String {
        let widest = self.y.ticks.iter().map(|(_, text)| width(text)).fold(0.0, f64::max);
        let top = TOP + label_height(&self.y);
        let bottom = BOTTOM + label_height(&self.x);
        // The first and the last text of the horizontal axis are centred on their ticks.
        let ends = |place: fn(f64) -> bool| {
            let ticks = self.x.ticks.iter().filter(|(at, _)| place(share(&self.x, *at)));
            ticks.map(|(_, text)| width(text) / 2.0).fold(0.0, f64::max)
        };
        let right = RIGHT.max(ends(|share| share > 0.85));
        let left = (BESIDE + 4.0 + widest).max(ends(|share| share < 0.15));
        format!("height:{}px;padding:{top}px {right:.0}px {bottom}px {left:.0}px", self.height)
    }

    /// Content of the SVG element after its title.
    pub(crate) fn drawing(&self) -> String {
        let mut svg = String::new();
        self.draw_axes(&mut svg);
        for line in self.marks.chunk_by(|a, b| is_line(a) && is_line(b)) {
            if is_line(&line[0]) {
                self.draw_lines(&mut svg, line);
            } else {
                self.draw(&mut svg, &line[0]);
            }
        }
        svg
    }

    fn draw_axes(&self, svg: &mut String) {
        if self.y.grid {
            for (at, _) in &self.y.ticks {
                let y = down(&self.y, *at);
                push(svg, format_args!("<line class=\"grid\" x2=\"100%\" y1=\"{y}\" y2=\"{y}\"/>"));
            }
        }
        if self.x.grid {
            for (at, _) in &self.x.ticks {
                let x = across(&self.x, *at);
                push(svg, format_args!("<line class=\"grid\" y2=\"100%\" x1=\"{x}\" x2=\"{x}\"/>"));
            }
        }
        svg.push_str("<line class=\"axis\" x2=\"100%\" y1=\"100%\" y2=\"100%\"/>");
        for (at, text) in &self.y.ticks {
            let (y, text) = (down(&self.y, *at), escaped(text));
            push(
                svg,
                format_args!(
                    "<text class=\"end\" y=\"{y}\" dx=\"-{BESIDE}\" dy=\".35em\">{text}</text>"
                ),
            );
        }
        for (at, text) in &self.x.ticks {
            let (x, text) = (across(&self.x, *at), escaped(text));
            push(svg, format_args!("<text x=\"{x}\" y=\"100%\" dy=\"1.5em\">{text}</text>"));
        }
        if !self.x.label.is_empty() {
            let label = escaped(&self.x.label);
            push(svg, format_args!("<text x=\"50%\" y=\"100%\" dy=\"3em\">{label}</text>"));
        }
        if !self.y.label.is_empty() {
            let label = escaped(&self.y.label);
            push(svg, format_args!("<text class=\"start\" dy=\"-10\">{label}</text>"));
        }
    }

    /// Lines in an area of their own, which is stretched to the inner area; the width of a line is
    /// not.
    fn draw_lines(&self, svg: &mut String, marks: &[Mark]) {
        push(
            svg,
            format_args!("<svg viewBox=\"0 0 {UNITS} {UNITS}\" preserveAspectRatio=\"none\">"),
        );
        for mark in marks {
            let Mark::Line(colour, points) = mark else { continue };
            let mut path = String::new();
            for (x, y) in points.iter().filter(|(x, y)| x.is_finite() && y.is_finite()) {
                let (x, y) = (share(&self.x, *x), 1.0 - share(&self.y, *y));
                push(&mut path, format_args!("{:.1},{:.1} ", UNITS * x, UNITS * y));
            }
            let (class, path) = (colour.class(), path.trim_end());
            if path.contains(' ') {
                push(svg, format_args!("<polyline class=\"{class}\" points=\"{path}\"/>"));
            }
        }
        svg.push_str("</svg>");
    }

    fn draw(&self, svg: &mut String, mark: &Mark) {
        match mark {
            Mark::Line(..) => {}
            Mark::Dot(colour, (x, y), ends, title) => {
                let (x, y) = (across(&self.x, *x), down(&self.y, *y));
                push(svg, format_args!("<g class=\"{}\">{}", colour.class(), titled(title)));
                if let Some([from, to]) = ends {
                    let (x1, y1) = (across(&self.x, from.0), down(&self.y, from.1));
                    let (x2, y2) = (across(&self.x, to.0), down(&self.y, to.1));
                    push(
                        svg,
                        format_args!("<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"/>"),
                    );
                }
                push(svg, format_args!("<circle cx=\"{x}\" cy=\"{y}\" r=\"3.5\"/></g>"));
            }
            Mark::Block(colour, corners, opacity, title) => {
                let x = corners.map(|(x, _)| share(&self.x, x));
                let y = corners.map(|(_, y)| 1.0 - share(&self.y, y));
                let (area, class, title) = (area(x, y), colour.class(), titled(title));
                push(
                    svg,
                    format_args!(
                        "<rect class=\"{class}\" {area} fill-opacity=\"{opacity:.2}\">{title}</rect>"
                    ),
                );
            }
            Mark::Text((x, y), text) => {
                let (x, y, text) = (across(&self.x, *x), down(&self.y, *y), escaped(text));
                push(
                    svg,
                    format_args!(
                        "<text class=\"value\" x=\"{x}\" y=\"{y}\" dy=\".35em\">{text}</text>"
                    ),
                );
            }
            Mark::Hover(ends, title) => {
                let area = area(ends.map(|x| share(&self.x, x)), [0.0, 1.0]);
                let title = titled(title);
                push(svg, format_args!("<rect class=\"hover\" {area}>{title}</rect>"));
            }
        }
    }
}

fn is_line(mark: &Mark) -> bool {
    matches!(mark, Mark::Line(..))
}

/// Appends a text.
fn push(svg: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = svg.write_fmt(text);
}

/// Position of a value on its axis, 0 to 1; 0 for a value that is not finite.
fn share(axis: &PlotAxis, value: f64) -> f64 {
    let share = (value - axis.from) / (axis.to - axis.from);
    if share.is_finite() { share.clamp(-0.1, 1.1) } else { 0.0 }
}

fn across(axis: &PlotAxis, value: f64) -> String {
    per_cent(share(axis, value))
}

fn down(axis: &PlotAxis, value: f64) -> String {
    per_cent(1.0 - share(axis, value))
}

fn per_cent(share: f64) -> String {
    format!("{:.2}%", 100.0 * share)
}

/// Position and size of a rectangle.
fn area(x: [f64; 2], y: [f64; 2]) -> String {
    let (left, top) = (x[0].min(x[1]), y[0].min(y[1]));
    let (wide, high) = ((x[0] - x[1]).abs(), (y[0] - y[1]).abs());
    let [left, top, wide, high] = [left, top, wide, high].map(per_cent);
    format!("x=\"{left}\" y=\"{top}\" width=\"{wide}\" height=\"{high}\"")
}

/// Element with the text that is shown under the pointer.
fn titled(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("<title>{}</title>", escaped(text)) }
}

/// Escapes a text for an element.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Height of the label of an axis; 0 without a label.
fn label_height(axis: &PlotAxis) -> f64 {
    if axis.label.is_empty() { 0.0 } else { LABEL }
}

/// Upper estimate of the width of a text of 12 pixels in common fonts.
fn width(text: &str) -> f64 {
    text.chars().map(character_width).sum()
}

fn character_width(character: char) -> f64 {
    match character {
        'm' | 'w' | 'M' | 'W' | '%' | '…' => 11.5,
        'A'..='Z' => 8.7,
        '.' | ',' | ' ' | 'i' | 'l' | '-' => 4.2,
        c if c.is_ascii() || c == '−' => 7.2,
        _ => 12.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::html::colour::PlotColour;

    fn plot(marks: Vec<Mark>) -> ReportPlot {
        ReportPlot {
            title: "Plot".into(),
            caption: String::new(),
            height: 100,
            x: PlotAxis::between("", 0.0, 10.0, 2),
            y: PlotAxis::between("", 0.0, 1.0, 1),
            marks,
            legend: Vec::new(),
        }
    }

    #[test]
    fn marks_are_at_the_shares_of_their_axes() {
        let ends = Some([(2.5, 0.25), (2.5, 1.0)]);
        let svg = plot(vec![
            Mark::Dot(PlotColour::Plain, (2.5, 0.75), ends, "a < b".into()),
            Mark::Block(PlotColour::Plain, [(0.0, 0.0), (5.0, 0.5)], 0.5, String::new()),
            Mark::Line(PlotColour::Rule, vec![(0.0, 0.0), (f64::NAN, 0.0), (10.0, 1.0)]),
            Mark::Line(PlotColour::Rule, vec![(0.0, 0.0)]),
            Mark::Hover([5.0, 10.0], "strip".into()),
        ])
        .drawing();
        for part in [
            "<g class=\"plain\"><title>a &lt; b</title>\
             <line x1=\"25.00%\" y1=\"75.00%\" x2=\"25.00%\" y2=\"0.00%\"/>\
             <circle cx=\"25.00%\" cy=\"25.00%\" r=\"3.5\"/></g>",
            "x=\"0.00%\" y=\"50.00%\" width=\"50.00%\" height=\"50.00%\" fill-opacity=\"0.50\"",
            "<polyline class=\"rule\" points=\"0.0,1000.0 1000.0,0.0\"/></svg>",
            "<rect class=\"hover\" x=\"50.00%\" y=\"0.00%\" width=\"50.00%\" height=\"100.00%\">",
        ] {
            assert!(svg.contains(part), "{part}\n{svg}");
        }
        assert_eq!(svg.matches("<polyline").count(), 1);
        assert!(!svg.contains("NaN"));
    }

    #[test]
    fn strips_meet_at_the_middles() {
        let strips = Mark::strips(&[(0.0, "a".into()), (2.0, "b".into()), (6.0, "c".into())]);
        let ends = strips.iter().map(|strip| match strip {
            Mark::Hover(ends, _) => *ends,
            other => panic!("{other:?}"),
        });
        assert_eq!(ends.collect::<Vec<_>>(), [[0.0, 1.0], [1.0, 4.0], [4.0, 6.0]]);
    }
}
