//! Plots of trading every prediction: equity after costs, drawdown, net result by cost.
use windvane_candles::Interval;

use super::axis::PlotAxis;
use super::colour::PlotColour;
use super::figures::percent;
use super::plot::{Mark, ReportPlot, spread};
use crate::report::Report;
use crate::report::format::{date, point_bounds, points};
use crate::score::{EquityPoint, Trading};

const BASIS_POINTS: f64 = 1e4;
/// Maximum number of strips with values under the pointer.
const STRIPS: usize = 50;

/// Curve of an account over time.
#[derive(Debug, Clone, Copy, PartialEq)]
enum AccountCurve {
    /// Logarithm of the equity relative to the start of its segment.
    Equity,
    /// Drawdown, per cent.
    Drawdown,
}

/// Models with their trading results.
type TradedModels<'a> = [(&'a str, &'a Trading)];

impl Report {
    /// Equity, drawdown and net result of trading every prediction.
    pub(crate) fn trading_plots(&self, candles: Interval) -> Vec<ReportPlot> {
        let rows: Vec<(&str, &Trading)> = self
            .pooled_over(candles)
            .filter_map(|row| Some((row.model.as_str(), row.trading.as_ref()?)))
            .collect();
        let Some((_, any)) = rows.first() else { return Vec::new() };
        // The curves have the middle one of the costs.
        let middle = any.net.len() / 2;
        let Some(net) = any.net.get(middle) else { return Vec::new() };
        let given = format!("{candles} candles, {} bp", net.cost);
        let spans = any.equity.last().map_or(1, |point| point.segment);
        let restart = if spans > 1 { " After a gap in time it starts at 1 again." } else { "" };
        let equity = ReportPlot {
            title: format!("Equity after costs, {given}"),
            caption: format!(
                "Capital of 1 if every prediction is traded, on a logarithmic scale.{restart}"
            ),
            ..self.curve_plot(&rows, AccountCurve::Equity, middle)
        };
        let drawdown = ReportPlot {
            title: format!("Drawdown, {given}"),
            caption: "Distance of the equity below its previous maximum.".to_string(),
            ..self.curve_plot(&rows, AccountCurve::Drawdown, middle)
        };
        vec![equity, drawdown, self.net_plot(candles, &rows)]
    }

    /// Curves of all models and of always long at a cost, given by its index.
    fn curve_plot(&self, rows: &TradedModels<'_>, curve: AccountCurve, cost: usize) -> ReportPlot {
        let mut marks = Vec::new();
        if let Some((_, trading)) = rows.first() {
            let lines = curve.lines(&trading.equity, cost, true).into_iter();
            marks.extend(lines.map(|line| Mark::Line(PlotColour::Rule, line)));
        }
        for (model, trading) in rows {
            let lines = curve.lines(&trading.equity, cost, false).into_iter();
            marks.extend(lines.map(|line| Mark::Line(self.model_colour(model), line)));
        }
        let (x, y) = (marks.iter().flat_map(Mark::places), marks.iter().flat_map(Mark::heights));
        let (x, y) = (PlotAxis::times(x, 5), curve.axis(y));
        marks.extend(Mark::strips(&curve.texts(rows, cost)));
        ReportPlot {
            title: String::new(),
            caption: String::new(),
            height: ReportPlot::HEIGHT,
            x: PlotAxis { grid: false, ..x },
            y,
            marks,
            legend: self.legend_with("always long"),
        }
    }

    /// Mean returns after each cost with intervals, and those of always long.
    fn net_plot(&self, candles: Interval, rows: &TradedModels<'_>) -> ReportPlot {
        let models = self.run.models.len();
        let mut marks = Vec::new();
        for (model, trading) in rows {
            let place = self.run.models.iter().position(|name| name == model).unwrap_or(0);
            for (index, net) in trading.net.iter().enumerate() {
                let y = index as f64 + spread(place, models);
                let ends = net
                    .interval_95
                    .map(|b| [(BASIS_POINTS * b.low, y), (BASIS_POINTS * b.high, y)]);
                let long = net.buy_and_hold.map(|long| long.mean);
                let text = format!(
                    "{model} at {} bp: {} bp {}; always long {} bp",
                    net.cost,
                    points(Some(net.mean)),
                    point_bounds(net.interval_95),
                    points(long),
                );
                let dot = (BASIS_POINTS * net.mean, y);
                marks.push(Mark::Dot(self.model_colour(model), dot, ends, text));
                marks.extend(long.map(|long| Mark::upright((BASIS_POINTS * long, y), models)));
            }
        }
        let costs = rows.first().map_or(&[][..], |(_, trading)| &trading.net);
        let y = PlotAxis::names("", costs.iter().map(|net| format!("{} bp", net.cost))).downwards();
        let values = marks.iter().flat_map(Mark::places).chain([0.0]);
        let x = PlotAxis::numbers("Mean net return per candle, bp", values, 5);
        marks.insert(0, Mark::Line(PlotColour::Grid, vec![(0.0, y.from), (0.0, y.to)]));
        let height = ReportPlot::rows(costs.len(), models as f64 * 11.0 + 12.0);
        ReportPlot {
            title: format!("Net result by cost, {candles} candles"),
            caption:
                "With 95 % intervals. Good: an interval entirely to the right of 0 and of the \
                      grey line."
                    .to_string(),
            height: height.max(ReportPlot::HEIGHT),
            x,
            y,
            marks,
            legend: self.legend_with("always long"),
        }
    }
}

impl AccountCurve {
    /// Values of a model or of always long at a point, after a cost given by its index.
    fn value(self, point: &EquityPoint, cost: usize, benchmark: bool) -> f64 {
        let values = match (self, benchmark) {
            (Self::Equity, false) => &point.net,
            (Self::Equity, true) => &point.always_long,
            (Self::Drawdown, false) => &point.drawdown,
            (Self::Drawdown, true) => &point.always_long_drawdown,
        };
        values.get(cost).copied().unwrap_or(f64::NAN)
    }

    /// One line per segment of time.
    fn lines(self, points: &[EquityPoint], cost: usize, benchmark: bool) -> Vec<Vec<(f64, f64)>> {
        let segments = points.chunk_by(|a, b| a.segment == b.segment);
        let lines = segments.map(|segment| {
            let start = self.value(&segment[0], cost, benchmark);
            let line = segment.iter().map(|point| {
                let value = self.value(point, cost, benchmark);
                let height = match self {
                    // An equity of 0 has no logarithm.
                    Self::Equity => relative(value, start).max(1e-12).log10(),
                    Self::Drawdown => percent(value),
                };
                (point.time.millis() as f64, height)
            });
            line.collect()
        });
        lines.collect()
    }

    fn axis(self, values: impl Iterator<Item = f64>) -> PlotAxis {
        match self {
            Self::Equity => PlotAxis::ratios("Equity, start = 1", values, 5),
            Self::Drawdown => PlotAxis::numbers("Drawdown, %", values, 5),
        }
    }

    /// Values of all models and of always long at some times, for the pointer.
    fn texts(self, rows: &TradedModels<'_>, cost: usize) -> Vec<(f64, String)> {
        let Some((_, first)) = rows.first() else { return Vec::new() };
        let step = first.equity.len().div_ceil(STRIPS).max(1);
        let texts = first.equity.iter().enumerate().step_by(step).map(|(index, point)| {
            let own = rows.iter().filter_map(|(model, trading)| {
                let own = trading.equity.get(index).filter(|own| own.time == point.time)?;
                Some(format!("{model}: {}", self.text(&trading.equity, own, cost, false)))
            });
            let long = format!("always long: {}", self.text(&first.equity, point, cost, true));
            let lines: Vec<String> =
                [date(point.time)].into_iter().chain(own).chain([long]).collect();
            let text = lines.join("\n");
            (point.time.millis() as f64, text)
        });
        texts.collect()
    }

    fn text(
        self,
        all: &[EquityPoint],
        point: &EquityPoint,
        cost: usize,
        benchmark: bool,
    ) -> String {
        let value = self.value(point, cost, benchmark);
        match self {
            Self::Equity => {
                let start = all.iter().find(|other| other.segment == point.segment);
                let start = start.map_or(1.0, |start| self.value(start, cost, benchmark));
                format!("{:.3}", relative(value, start))
            }
            Self::Drawdown => format!("{} %", crate::report::format::percent(Some(value))),
        }
    }
}

/// Equity relative to the start of its segment; a ruined account stays at 0.
fn relative(value: f64, start: f64) -> f64 {
    if start > 0.0 { value / start } else { 0.0 }
}
