//! The section on trading, and its short table.
use super::Report;
use super::headline::{UNDEFINED, interval, percent};
use super::section::Part;
use super::table::table;
use crate::{Bounds, NetResult, ResultRow, Trading};
use windvane_candles::Interval;

impl Report {
    /// Titles of the columns of [`trading_rows`](Self::trading_rows); they name the costs.
    pub fn trading_header(&self) -> [String; 8] {
        let costs: Vec<String> = self.run.costs.iter().map(ToString::to_string).collect();
        let net = format!("Net bp at {}", costs.join(" / "));
        ["Model", "Interval", "Exposure %", "Turnover", "Gross bp", &net, "Even at bp", "DSR %"]
            .map(ToString::to_string)
    }

    /// What trading the calls comes to per candle, in basis points before and after costs, as
    /// texts for a table: one row per model and interval, all instruments pooled. The deflated
    /// Sharpe ratio is that at the lowest cost.
    pub fn trading_rows(&self) -> Vec<[String; 8]> {
        let row = |(row, trading): (&ResultRow, &Trading)| {
            let net: Vec<String> = trading.net.iter().map(|net| points(Some(net.mean))).collect();
            let lowest = trading.net.iter().min_by(|a, b| a.cost.total_cmp(&b.cost));
            [
                row.marked_model(),
                interval(row),
                percent(Some(trading.exposure)),
                format!("{:.3}", trading.turnover),
                points(Some(trading.gross_mean)),
                if net.is_empty() { UNDEFINED.to_string() } else { net.join(" / ") },
                number(trading.break_even_cost),
                percent(lowest.and_then(|net| net.deflated_sharpe)),
            ]
        };
        self.traded().map(row).collect()
    }

    /// What the best model is left with after costs, the middle one of those reckoned with, for
    /// each interval, in a sentence; `None` where nothing was traded.
    pub fn verdict_after_costs(&self) -> Option<String> {
        let net = |trading: &'_ Trading| trading.net.get(trading.net.len() / 2).cloned();
        let best = |interval: Interval| {
            let traded = self.traded().filter(|(row, _)| row.interval == Some(interval));
            let traded = traded.filter_map(|(row, trading)| Some((row, net(trading)?)));
            traded.reduce(|best, next| if next.1.mean > best.1.mean { next } else { best })
        };
        let best: Vec<_> = self.groups.iter().filter_map(|group| best(group.interval)).collect();
        let cost = best.first()?.1.cost;
        let text = best.iter().map(|(row, net)| {
            let judged = match net.interval_95 {
                Some(Bounds { low, .. }) if low > 0.0 => "a gain",
                Some(Bounds { high, .. }) if high < 0.0 => "a loss",
                _ => "not to be told from nothing",
            };
            let (mean, ends) = (points(Some(net.mean)), point_bounds(net.interval_95));
            let baseline = net.best_baseline.map_or_else(String::new, |best| {
                format!(" ({} has {})", best.rule, points(Some(best.mean)))
            });
            let (model, candles) = (&row.model, interval(row));
            format!("{model} {mean} bp per {candles} candle {ends}, {judged}{baseline}")
        });
        let text: Vec<String> = text.collect();
        Some(format!("After costs of {cost} bp, the best: {}.", text.join("; ")))
    }

    fn traded(&self) -> impl Iterator<Item = (&ResultRow, &Trading)> {
        self.pooled().filter_map(|row| Some((row, row.trading.as_ref()?)))
    }

    pub(crate) fn trading_section(&self) -> Vec<Part> {
        let after = |row: &ResultRow, net: &NetResult| {
            let baseline = net.best_baseline.map(|baseline| {
                format!("{} {}", baseline.rule, percent(baseline.returns.annual_return))
            });
            [
                row.model.clone(),
                interval(row),
                net.cost.to_string(),
                format!("{} {}", points(Some(net.mean)), point_bounds(net.interval_95)),
                percent(net.returns.annual_return),
                percent(net.returns.max_drawdown),
                number(net.returns.sharpe),
                number(net.returns.sortino),
                number(net.returns.calmar),
                percent(net.deflated_sharpe),
                percent(row.trading.as_ref().and_then(|trading| trading.hit_rate)),
                percent(net.break_even_accuracy),
                baseline.unwrap_or_else(|| UNDEFINED.to_string()),
            ]
        };
        let rows: Vec<[String; 13]> = self
            .traded()
            .flat_map(|(row, trading)| trading.net.iter().map(move |net| after(row, net)))
            .collect();
        if rows.is_empty() {
            return Vec::new();
        }
        let header = [
            "Model",
            "Interval",
            "Cost bp",
            "Net bp per candle",
            "% a year",
            "Drawdown %",
            "Sharpe",
            "Sortino",
            "Calmar",
            "DSR %",
            "Right %",
            "Even at %",
            "Best baseline, % a year",
        ];
        let text = format!(
            "Long on UP, short on DOWN, flat on NEUTRAL, at the closes, each call held for the \
             horizon; all instruments of an interval in equal parts. Costs are basis points per \
             unit of turnover, fee and slippage together; from long to short is a turnover of \
             2. \"Even at bp\" is the cost at which nothing is left; \"Right\" the share of the candles \
             held that earned something, and \"Even at %\" that share at which nothing is left, gains \
             and losses being as large as they were. Nothing is reckoned per year from less than 90 \
             days. DSR is the \
             deflated Sharpe ratio: the probability that the ratio is more than the best of {} \
             models has by chance; models that were tried before and dropped are not counted.",
            self.run.models.len(),
        );
        let short = self.trading_header();
        let short = table(2, short.each_ref().map(String::as_str), self.trading_rows());
        vec![text.into(), short.into(), table(2, header, rows).into()]
    }
}

/// A fraction in basis points; a rounded zero has no minus.
fn points(fraction: Option<f64>) -> String {
    let text = |x: f64| format!("{:+.2}", 1e4 * x);
    let text = fraction.map_or_else(|| UNDEFINED.to_string(), text);
    if text == "-0.00" { "+0.00".to_string() } else { text }
}

fn point_bounds(bounds: Option<Bounds>) -> String {
    let text = |b: Bounds| format!("[{}, {}]", points(Some(b.low)), points(Some(b.high)));
    bounds.map_or_else(|| UNDEFINED.to_string(), text)
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| UNDEFINED.to_string(), |x| format!("{x:.2}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basis_points_are_signed_and_zero_is_plus() {
        assert_eq!(points(Some(0.000_123)), "+1.23");
        assert_eq!(points(Some(-1e-9)), "+0.00");
        assert_eq!(points(None), "-");
        assert_eq!(point_bounds(Some(Bounds { low: -1e-4, high: 2e-4 })), "[-1.00, +2.00]");
    }
}
