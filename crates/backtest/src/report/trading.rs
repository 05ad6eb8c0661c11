//! The section on trading, and its short table.
use super::Report;
use super::headline::{UNDEFINED, interval, percent, text};
use super::section::Part;
use super::table::{Table, table};
use crate::metrics::Bounds;
use crate::score::{NetResult, ResultRow, Trading};

impl Report {
    /// Trading per candle, in basis points before and after costs, as texts: one row per model and
    /// interval, all instruments pooled. The numbers are those of [`ResultRow::trading`]; the
    /// deflated Sharpe ratio is that at the lowest cost.
    pub fn trading_table(&self) -> Table {
        let costs: Vec<String> = self.run.costs.iter().map(ToString::to_string).collect();
        let net = format!("Net bp at {}", costs.join(" / "));
        let header = [
            "Model",
            "Interval",
            "Exposure %",
            "Turnover",
            "Gross bp",
            &net,
            "Even at bp",
            "DSR %",
        ];
        table(2, header, self.traded().map(short_cells))
    }

    /// Describes the best net result of each interval in a sentence; `None` if nothing was traded.
    ///
    /// Of several costs the middle one is used.
    pub fn verdict_after_costs(&self) -> Option<String> {
        let best = self.groups.iter().filter_map(|group| {
            let rows = self.pooled().filter(|row| row.interval == Some(group.interval));
            NetResult::best(rows)
        });
        let best: Vec<(&ResultRow, &NetResult)> = best.collect();
        let cost = best.first()?.1.cost;
        let texts: Vec<String> = best.iter().map(|(row, net)| after_costs(row, net)).collect();
        Some(format!("After costs of {cost} bp, the best: {}.", texts.join("; ")))
    }

    fn traded(&self) -> impl Iterator<Item = (&ResultRow, &Trading)> {
        self.pooled().filter_map(|row| Some((row, row.trading.as_ref()?)))
    }

    pub(crate) fn trading_section(&self) -> Vec<Part> {
        let rows: Vec<[String; 13]> = self
            .traded()
            .flat_map(|(row, trading)| trading.net.iter().map(move |net| cells(row, net)))
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
        let how = format!(
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
        vec![how.into(), self.trading_table().into(), table(2, header, rows).into()]
    }
}

fn after_costs(row: &ResultRow, net: &NetResult) -> String {
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
}

fn short_cells((row, trading): (&ResultRow, &Trading)) -> [String; 8] {
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
}

fn cells(row: &ResultRow, net: &NetResult) -> [String; 13] {
    let baseline = net
        .best_baseline
        .map(|baseline| format!("{} {}", baseline.rule, percent(baseline.returns.annual_return)));
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
        text(baseline),
    ]
}

/// A fraction in basis points; a rounded zero has no minus.
fn points(fraction: Option<f64>) -> String {
    let text = text(fraction.map(|x| format!("{:+.2}", 1e4 * x)));
    if text == "-0.00" { "+0.00".to_string() } else { text }
}

fn point_bounds(bounds: Option<Bounds>) -> String {
    text(bounds.map(|b| format!("[{}, {}]", points(Some(b.low)), points(Some(b.high)))))
}

fn number(value: Option<f64>) -> String {
    text(value.map(|x| format!("{x:.2}")))
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
