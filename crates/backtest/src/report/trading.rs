//! Section on trading, its short table and its verdict.
use super::Report;
use super::format::{
    UNDEFINED, date, interval, number, percent, point_bounds, points, text, trials,
};
use super::section::SectionPart;
use super::table::{ReportTable, table};
use crate::metrics::Bounds;
use crate::score::{BaselineReturn, Economics, NetResult, ResultRow, Trading};

impl Report {
    /// Table of trading per candle, in basis points before and after costs: one row per model and
    /// interval, all instruments pooled. The numbers are those of [`ResultRow::trading`]; the
    /// deflated Sharpe ratio is that at the lowest cost.
    pub fn trading_table(&self) -> ReportTable {
        let costs: Vec<String> = self.run.costs.iter().map(ToString::to_string).collect();
        let net = format!("Net bp at {}", costs.join(" / "));
        let header = [
            "Model",
            "Interval",
            "Exposure %",
            "Turnover",
            "Gross bp",
            &net,
            "Break-even bp",
            "DSR %",
        ];
        let benchmarks = self.benchmarks().map(|(row, value)| self.benchmark_cells(row, value));
        table(2, header, self.traded().map(short_cells).chain(benchmarks))
    }

    /// First row of each interval, for its benchmark.
    pub(crate) fn benchmarks(&self) -> impl Iterator<Item = (&ResultRow, &Economics)> {
        let groups = self.groups.iter();
        groups
            .filter_map(|group| self.valued().find(|(row, _)| row.interval == Some(group.interval)))
    }

    /// Always long at the costs of the run.
    fn benchmark_cells(&self, row: &ResultRow, value: &Economics) -> [String; 8] {
        let long = &value.benchmark;
        let net = self.run.costs.iter().map(|cost| {
            let net = long.net.iter().find(|net| net.cost.to_bits() == cost.to_bits());
            points(net.map(|net| net.mean))
        });
        let net: Vec<String> = net.collect();
        let break_even = (long.turnover > 0.0).then(|| 1e4 * long.gross_mean / long.turnover);
        [
            long.name.clone(),
            interval(row),
            percent(Some(long.exposure)),
            format!("{:.3}", long.turnover),
            points(Some(long.gross_mean)),
            if net.is_empty() { UNDEFINED.to_string() } else { net.join(" / ") },
            number(break_even),
            UNDEFINED.to_string(),
        ]
    }

    /// Describes the best net result of each interval next to buy and hold and the best-earning
    /// baseline, in one sentence per line; `None` if nothing was traded.
    ///
    /// Of several costs the middle one is used.
    pub fn verdict_after_costs(&self) -> Option<String> {
        let best = self.groups.iter().filter_map(|group| {
            let rows = self.pooled().filter(|row| row.interval == Some(group.interval));
            NetResult::best(rows.filter(|row| !self.is_in_sample(&row.model)))
        });
        let sentences: Vec<String> = best.map(|(row, net)| self.after_costs(row, net)).collect();
        (!sentences.is_empty()).then(|| sentences.join("\n"))
    }

    /// Sentence about the best net result of an interval.
    fn after_costs(&self, row: &ResultRow, net: &NetResult) -> String {
        let significance = match net.interval_95 {
            Some(bounds) if bounds.few_blocks => "with an interval that is not reliable",
            Some(Bounds { low, .. }) if low > 0.0 => "a statistically significant gain",
            Some(Bounds { high, .. }) if high < 0.0 => "a statistically significant loss",
            _ => "not significantly different from zero",
        };
        let name = self.model_name(&row.model);
        let model = match self.run.models.len() {
            1 => name.to_string(),
            _ => format!("the best model, {name},"),
        };
        format!(
            "{} candles, after costs of {} bp: {model} earns {} bp per candle {}, {significance} \
             (Sharpe ratio {}){}.",
            interval(row),
            net.cost,
            points(Some(net.mean)),
            point_bounds(net.interval_95),
            number(net.returns.sharpe),
            benchmarks(net),
        ) + &ruin(net)
    }

    fn traded(&self) -> impl Iterator<Item = (&ResultRow, &Trading)> {
        self.pooled().filter_map(|row| Some((row, row.trading.as_ref()?)))
    }

    pub(crate) fn trading_section(&self) -> Vec<SectionPart> {
        let mut rows: Vec<[String; 13]> = self
            .traded()
            .flat_map(|(row, trading)| trading.net.iter().map(move |net| cells(row, net)))
            .collect();
        if rows.is_empty() {
            return Vec::new();
        }
        for group in &self.groups {
            let mut traded = self.traded().filter(|(row, _)| row.interval == Some(group.interval));
            if let Some((row, trading)) = traded.next() {
                rows.extend(trading.net.iter().filter_map(|net| long_cells(row, net)));
            }
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
            "Break-even %",
            "Best baseline, % a year (Sharpe)",
        ];
        let explanation = format!(
            "Long on UP, short on DOWN, flat on NEUTRAL, at the closes; each position is held for \
             the horizon, and all instruments of an interval have equal parts of the capital. \
             Costs are basis points per unit of turnover, fee and slippage together; a change from \
             long to short has a turnover of 2. \"Break-even bp\" is the cost at which the net \
             result is zero. \"Right %\" is the share of the candles held with a gain, and \
             \"Break-even %\" the share at which the net result is zero, with gains and losses of \
             the same size. Annual numbers are undefined below 90 days. DSR is the deflated Sharpe \
             ratio: the probability that the ratio exceeds the expected maximum of the trials by \
             chance. Trials, the models: {}.",
            trials(self.run.models.len(), self.earlier.models),
        );
        vec![
            self.trading_table().into(),
            SectionPart::Method(explanation),
            SectionPart::details("By cost", table(2, header, rows)),
        ]
    }
}

/// Sentence about the ruin of the account; empty for a solvent one.
fn ruin(net: &NetResult) -> String {
    let ruined = net.ruined_at.map(|at| format!(" The account is ruined on {}.", date(at)));
    ruined.unwrap_or_default()
}

/// Results of buy and hold and of the best-earning baseline, for a sentence.
fn benchmarks(net: &NetResult) -> String {
    let (Some(hold), Some(best)) = (&net.buy_and_hold, &net.best_baseline) else {
        return String::new();
    };
    if hold.rule == best.rule {
        return format!("; {}", benchmark("buy and hold, the best-earning baseline", hold));
    }
    let best_name = format!("the best-earning baseline, {}", best.rule);
    format!("; {}; {}", benchmark("buy and hold", hold), benchmark(&best_name, best))
}

fn benchmark(name: &str, result: &BaselineReturn) -> String {
    let (mean, sharpe) = (points(Some(result.mean)), number(result.returns.sharpe));
    format!("{name}: {mean} bp (Sharpe ratio {sharpe})")
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
    let best = net.best_baseline.map(|best| format!("{} {}", best.rule, annual(&best)));
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
        text(best),
    ]
}

/// Always long at a cost.
fn long_cells(row: &ResultRow, net: &NetResult) -> Option<[String; 13]> {
    let long = net.buy_and_hold?;
    let undefined = || UNDEFINED.to_string();
    Some([
        "always long".to_string(),
        interval(row),
        net.cost.to_string(),
        points(Some(long.mean)),
        percent(long.returns.annual_return),
        percent(long.returns.max_drawdown),
        number(long.returns.sharpe),
        number(long.returns.sortino),
        number(long.returns.calmar),
        undefined(),
        undefined(),
        undefined(),
        undefined(),
    ])
}

/// Annual return in per cent, with the Sharpe ratio.
fn annual(result: &BaselineReturn) -> String {
    format!("{} ({})", percent(result.returns.annual_return), number(result.returns.sharpe))
}
