//! Figure of the gates of the pretrained v3.2 over the rows of one window.
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use windvane::models::v32;
use windvane::prelude::*;

use super::chart::{self, Area, fine};
use super::{Error, Figure, ink};

/// Time of the window's decision: the hour after the largest rise of the week.
const DECISION: &str = "2023-03-14T14:00";

/// Width and height of the cell of one unit in one row of the window.
const CELL: (f64, f64) = (10.5, 3.5);

/// Panel with the values `[T, H]` of one gate or state, and the shade of a value.
struct GatePanel {
    title: &'static str,
    values: Vec<f32>,
    shade: fn(f32) -> Option<ink::Ink>,
}

pub(crate) fn figure(table: &SignalTable) -> Result<Figure, Error> {
    let model = v32::pretrained();
    let decision: Timestamp = DECISION.parse()?;
    let row = (0..table.len()).find(|row| table.close_time(*row) == Some(decision));
    let window = row.and_then(|row| table.window(row, model.spec().lookback));
    let trace = model.trace(window.ok_or("the sample has that hour")?)?;
    let lstm = trace.lstms.into_iter().next().ok_or("it has an LSTM")?;
    let (units, steps) = (lstm.hidden_size, trace.scaled.len() / model.spec().signals.width());

    // Units with the largest forget gates first.
    let [i, f, g, o] = lstm.gates;
    let forget_sum = |unit: &usize| f.iter().skip(*unit).step_by(units).sum::<f32>();
    let mut order: Vec<usize> = (0..units).collect();
    order.sort_by(|a, b| forget_sum(b).total_cmp(&forget_sum(a)));

    let panel = |title, values, shade| GatePanel { title, values, shade };
    let panels = [
        panel("i, input gate", i, share),
        panel("f, forget gate", f.clone(), share),
        panel("g, candidate", g, signed),
        panel("o, output gate", o, share),
        panel("c, cell", lstm.cell, signed),
        panel("h, hidden state", lstm.hidden, signed),
    ];
    let svg = chart::svg((720, 304), |area| {
        for (number, panel) in panels.iter().enumerate() {
            let (column, row) = ((number % 3) as f64, (number / 3) as f64);
            panel.draw(area, (18.0 + 234.0 * column, 30.0 + 152.0 * row), &order, steps)?;
        }
        Ok(())
    })?;
    Ok(("gates".to_string(), svg))
}

/// Shade of a number from 0 to 1; none for a closed gate.
fn share(value: f32) -> Option<ink::Ink> {
    level(value, 5).map(|level| ink::ABOVE[level.min(3)])
}

/// Shade of a signed number; none near 0.
fn signed(value: f32) -> Option<ink::Ink> {
    let shades = if value > 0.0 { ink::ABOVE } else { ink::BELOW };
    level(value.abs(), 9).map(|level| shades[(level / 2).min(3)])
}

/// Index of the part that contains a number when 0 to 1 is divided into `parts` equal parts,
/// counted from the second part; `None` for the first part.
fn level(value: f32, parts: u8) -> Option<usize> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
    let part = (value * f32::from(parts)) as u8;
    usize::from(part).checked_sub(1)
}

impl GatePanel {
    fn draw(
        &self,
        area: &Area<'_>,
        (left, top): (f64, f64),
        order: &[usize],
        steps: usize,
    ) -> Result<(), Error> {
        let at = |step: usize, unit: usize| {
            let place = |start: f64, index: usize, size: f64| {
                i32::try_from(fine(start + index as f64 * size)).unwrap_or(i32::MAX)
            };
            (place(left, step, CELL.0), place(top, unit, CELL.1))
        };
        let above = Pos::new(HPos::Left, VPos::Bottom);
        let (x, y) = at(0, 0);
        area.draw(&Text::new(self.title, (x, y - 16), chart::text(ink::TEXT).pos(above)))?;
        for (place, &unit) in order.iter().enumerate() {
            let shade = |step: usize| (self.shade)(self.values[step * order.len() + unit]);
            let mut step = 0;
            while step < steps {
                // Adjacent cells with the same shade are drawn as one rectangle.
                let alike = |later: &usize| {
                    shade(*later).map(ink::Ink::colour) == shade(step).map(ink::Ink::colour)
                };
                let end = (step..steps).take_while(alike).count() + step;
                if let Some(shade) = shade(step) {
                    let corners = [at(step, place), at(end, place + 1)];
                    area.draw(&Rectangle::new(corners, shade.colour().filled()))?;
                }
                step = end;
            }
        }
        let frame = [at(0, 0), at(steps, order.len())];
        area.draw(&Rectangle::new(frame, ink::RULE.colour().stroke_width(fine(1.0))))?;
        Ok(())
    }
}
