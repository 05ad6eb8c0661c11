//! Section on policies: results by cost, delay, quarter, month and instrument, and the verdict.
use super::Report;
use super::format::{
    UNDEFINED, a_day, interval, number, percent, point_bounds, points, scaled, text, thousands,
    trials,
};
use super::section::SectionPart;
use super::table::{ReportTable, table};
use crate::score::{Economics, PolicyNet, PolicyPeriod, PolicyResult, ResultRow};

impl Report {
    /// Table of the policies, in basis points of capital a day after each cost, with the benchmark
    /// always long: one row per model, interval and policy. The deflated Sharpe ratio is that at the
    /// middle cost of the run. The numbers are those of [`Economics::policies`].
    pub fn policy_table(&self) -> ReportTable {
        let costs = self.valued().next().map(|(_, value)| &value.costs[..]).unwrap_or_default();
        let costs: Vec<String> = costs.iter().map(ToString::to_string).collect();
        let net = format!("Net bp a day at {}", costs.join(" / "));
        let header =
            ["Model", "Interval", "Policy", "Trades", "Exposure %", "Turnover", &net, "DSR %"];
        let rows = self.valued().flat_map(|(row, value)| {
            with_benchmark(value).map(move |policy| {
                let net = policy.net.iter().map(|net| points(a_day(policy, net.mean)));
                [
                    row.marked_model(),
                    interval(row),
                    policy.name.clone(),
                    thousands(policy.trades.trades),
                    percent(Some(policy.exposure)),
                    format!("{:.4}", policy.turnover),
                    net.collect::<Vec<_>>().join(" / "),
                    percent(policy.net[value.middle_cost].deflated_sharpe),
                ]
            })
        });
        table(3, header, rows)
    }

    /// States the best result of the policies of each interval, next to the benchmark, and whether
    /// anything is left of it in the last two quarters: one sentence per interval. The best policy
    /// is selected with hindsight, at the middle cost of the run.
    pub fn policy_verdicts(&self) -> Vec<String> {
        self.judged_policies().map(|(_, sentence)| sentence).collect()
    }

    /// Verdicts of the policies, with whether anything is left at the end of the test.
    pub(crate) fn judged_policies(&self) -> impl Iterator<Item = (bool, String)> {
        self.best_policies().map(|best| (best.is_left(), self.judge(&best)))
    }

    /// Policy that earned the most on each interval, selected with hindsight.
    pub(crate) fn best_policies(&self) -> impl Iterator<Item = BestPolicy<'_>> {
        self.groups.iter().filter_map(|group| {
            let rows = self.valued().filter(|(row, _)| {
                row.interval == Some(group.interval) && !self.is_in_sample(&row.model)
            });
            let policies = rows
                .filter_map(|(row, value)| Some(BestPolicy { row, value, policy: value.best()? }));
            policies.reduce(|best, next| if next.mean() > best.mean() { next } else { best })
        })
    }

    fn judge(&self, best: &BestPolicy<'_>) -> String {
        let BestPolicy { row, value, policy } = best;
        let start = if best.is_left() { "" } else { "Nothing is left after costs: " };
        let last = best.last_quarters().map_or_else(String::new, |(period, result)| {
            format!("; in the last two quarters ({period}) {result}")
        });
        let net = &policy.net[value.middle_cost];
        format!(
            "{start}{} candles, policies at {} bp: the best of {} (policies and models), {} with \
             \"{}\", earns {}{last}; always long {} bp (deflated Sharpe ratio {} %).",
            interval(row),
            value.cost(),
            trials(value.trials, self.earlier.policies),
            self.model_name(&row.model),
            policy.name,
            best.whole_test().replacen(' ', " bp a day ", 1),
            best.always_long(),
            percent(net.deflated_sharpe),
        )
    }

    pub(crate) fn policies_section(&self) -> Vec<SectionPart> {
        let Some((_, value)) = self.valued().next() else { return Vec::new() };
        let rules = format!(
            "A policy enters when the score (p(UP) − p(DOWN)) σ is above a quantile of the \
             validation scores of the fold, and leaves when it has fallen to the exit level. \
             Results are basis points of capital a day; instruments have equal parts. Trades, \
             months and quarters are after {} bp per unit of turnover. Always long, with equal \
             weights and the same costs, is the benchmark. DSR is the deflated Sharpe ratio: the \
             probability that the ratio exceeds the expected maximum of the trials by chance. \
             Trials, the policies of all models of the interval: {}. Late is acted on one candle \
             after the prediction. A trade is a position from its entry to its exit. The profit \
             factor is the sum of the gains divided by the sum of the losses. Intervals are 95 % \
             block bootstraps.",
            value.cost(),
            trials(value.trials, self.earlier.policies),
        );
        let cost = value.cost();
        vec![
            self.policy_results().into(),
            SectionPart::Method(rules),
            SectionPart::details(format!("By quarter, after {cost} bp"), self.policy_quarters()),
            SectionPart::details("By cost and delay, net bp a day", self.policy_costs()),
            SectionPart::details(format!("Trades, after {cost} bp"), self.policy_trades()),
            SectionPart::details(
                format!("Return by month after {cost} bp, %"),
                self.policy_months(),
            ),
            SectionPart::details(
                format!("By instrument, after {cost} bp"),
                self.policy_instruments(),
            ),
        ]
    }

    /// Policies of all models, followed by the benchmark of each interval.
    fn policy_rows(&self) -> Vec<(String, String, &PolicyResult, &Economics)> {
        let mut rows = Vec::new();
        for group in &self.groups {
            let own = |(row, _): &(&ResultRow, &Economics)| row.interval == Some(group.interval);
            for (row, value) in self.valued().filter(own) {
                let policies = value.policies.iter();
                rows.extend(
                    policies.map(|policy| (row.marked_model(), interval(row), policy, value)),
                );
            }
            if let Some((row, value)) = self.valued().find(own) {
                rows.push(("benchmark".to_string(), interval(row), &value.benchmark, value));
            }
        }
        rows
    }

    /// Results at the middle cost.
    fn policy_results(&self) -> ReportTable {
        let cost = self.valued().next().map_or(0.0, |(_, value)| value.cost());
        let net = format!("Net bp a day at {cost} bp");
        let header = [
            "Model",
            "Interval",
            "Policy",
            &net,
            "Last two quarters",
            "% a year",
            "Drawdown %",
            "Sharpe",
            "DSR %",
            "Exposure %",
            "Turnover",
        ];
        let rows = self.policy_rows().into_iter().map(|(model, candles, policy, value)| {
            let net = &policy.net[value.middle_cost];
            [
                model,
                candles,
                policy.name.clone(),
                daily(policy, net),
                text(policy.last_quarters.as_ref().map(|last| period(policy, value, last))),
                percent(net.returns.annual_return),
                percent(net.returns.max_drawdown),
                number(net.returns.sharpe),
                percent(net.deflated_sharpe),
                percent(Some(policy.exposure)),
                format!("{:.4}", policy.turnover),
            ]
        });
        table(3, header, rows)
    }

    /// Results at every cost, at once and late, with intervals.
    fn policy_costs(&self) -> ReportTable {
        let mut header: Vec<String> =
            ["Model", "Interval", "Policy", "Delay"].map(str::to_string).into();
        if let Some((_, value)) = self.valued().next() {
            header.extend(value.costs.iter().map(|cost| format!("at {cost} bp")));
        }
        let rows = self.policy_rows().into_iter().flat_map(|(model, candles, policy, _)| {
            [("at once", &policy.net), ("late", &policy.late)].map(|(delay, results)| {
                let name = policy.name.clone();
                let mut cells = vec![model.clone(), candles.clone(), name, delay.to_string()];
                cells.extend(results.iter().map(|net| daily(policy, net)));
                cells
            })
        });
        ReportTable { left: 4, header, rows: rows.collect() }
    }

    fn policy_trades(&self) -> ReportTable {
        let header = [
            "Model",
            "Interval",
            "Policy",
            "Number",
            "Hit rate %",
            "Profit factor",
            "Mean win bp",
            "Mean loss bp",
            "Holding, candles",
        ];
        let rows = self.policy_rows().into_iter().map(|(model, candles, policy, _)| {
            let trades = &policy.trades;
            [
                model,
                candles,
                policy.name.clone(),
                thousands(trades.trades),
                percent(trades.hit_rate),
                number(trades.profit_factor),
                points(trades.mean_win),
                points(trades.mean_loss.map(|loss| -loss)),
                number(trades.mean_holding),
            ]
        });
        table(3, header, rows)
    }

    fn policy_quarters(&self) -> ReportTable {
        let header = [
            "Model",
            "Interval",
            "Policy",
            "Quarter",
            "Net bp a day",
            "Late, net bp a day",
            "Trades",
        ];
        let rows = self.policy_rows().into_iter().flat_map(|(model, candles, policy, value)| {
            policy.quarters.iter().map(move |quarter: &PolicyPeriod| {
                let late = points(a_day(policy, quarter.late[value.middle_cost]));
                let late_bounds = quarter.late_interval_95.map(|bounds| scaled(policy, bounds));
                [
                    model.clone(),
                    candles.clone(),
                    policy.name.clone(),
                    quarter.period.clone(),
                    period(policy, value, quarter),
                    format!("{late} {}", point_bounds(late_bounds)),
                    thousands(quarter.trades),
                ]
            })
        });
        table(4, header, rows)
    }

    /// Returns of each month, with one column per policy and one of the benchmark.
    fn policy_months(&self) -> ReportTable {
        let mut header: Vec<String> = ["Model", "Interval", "Month"].map(str::to_string).into();
        if let Some((_, value)) = self.valued().next() {
            header.extend(with_benchmark(value).map(|policy| policy.name.clone()));
        }
        let rows =
            self.valued().flat_map(|(row, value)| {
                let months = value.benchmark.months.iter().enumerate();
                months.map(move |(index, month)| {
                    let mut cells = vec![row.model.clone(), interval(row), month.period.clone()];
                    cells.extend(with_benchmark(value).map(|policy| {
                        percent(policy.months.get(index).and_then(|month| month.total))
                    }));
                    cells
                })
            });
        ReportTable { left: 3, header, rows: rows.collect() }
    }

    fn policy_instruments(&self) -> ReportTable {
        let header = [
            "Model",
            "Interval",
            "Policy",
            "Instrument",
            "Net bp a day",
            "Hit rate %",
            "Trades",
            "Exposure %",
        ];
        let rows = self.policy_rows().into_iter().flat_map(|(model, candles, policy, value)| {
            policy.instruments.iter().map(move |one| {
                [
                    model.clone(),
                    candles.clone(),
                    policy.name.clone(),
                    one.instrument.clone(),
                    points(a_day(policy, one.net[value.middle_cost])),
                    percent(one.trades.hit_rate),
                    thousands(one.trades.trades),
                    percent(Some(one.exposure)),
                ]
            })
        });
        table(4, header, rows)
    }
}

/// Policies of a model, followed by the benchmark.
fn with_benchmark(value: &Economics) -> impl Iterator<Item = &PolicyResult> {
    value.policies.iter().chain([&value.benchmark])
}

/// Policy that earned the most on an interval, with its model.
pub(crate) struct BestPolicy<'a> {
    pub(crate) row: &'a ResultRow,
    pub(crate) value: &'a Economics,
    pub(crate) policy: &'a PolicyResult,
}

impl BestPolicy<'_> {
    fn mean(&self) -> f64 {
        self.policy.net[self.value.middle_cost].mean
    }

    /// Whether anything is left of it in the whole test and in its last two quarters.
    pub(crate) fn is_left(&self) -> bool {
        let last = self.policy.last_quarters.as_ref();
        let last = last.map(|period| period.net[self.value.middle_cost]);
        self.mean() > 0.0 && last.is_none_or(|mean| mean > 0.0)
    }

    /// Net basis points a day over the whole test, with the interval.
    pub(crate) fn whole_test(&self) -> String {
        let net = &self.policy.net[self.value.middle_cost];
        let bounds = net.interval_95.map(|bounds| scaled(self.policy, bounds));
        format!("{} {}", points(a_day(self.policy, net.mean)), point_bounds(bounds))
    }

    /// Name and net basis points a day of the last two quarters, with the interval.
    pub(crate) fn last_quarters(&self) -> Option<(&str, String)> {
        let last = self.policy.last_quarters.as_ref()?;
        Some((&last.period, period(self.policy, self.value, last)))
    }

    /// Net basis points a day of the benchmark.
    pub(crate) fn always_long(&self) -> String {
        let benchmark = &self.value.benchmark;
        points(a_day(benchmark, benchmark.net[self.value.middle_cost].mean))
    }
}

/// Net result a day in a period, with its interval.
fn period(policy: &PolicyResult, value: &Economics, period: &PolicyPeriod) -> String {
    let bounds = period.interval_95.map(|bounds| scaled(policy, bounds));
    format!("{} {}", points(a_day(policy, period.net[value.middle_cost])), point_bounds(bounds))
}

/// Net result a day with its interval.
fn daily(policy: &PolicyResult, net: &PolicyNet) -> String {
    let bounds = net.interval_95.map(|bounds| scaled(policy, bounds));
    let mean = points(a_day(policy, net.mean));
    if mean == UNDEFINED { text(None) } else { format!("{mean} {}", point_bounds(bounds)) }
}
