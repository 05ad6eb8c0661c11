//! Section on policies: results by cost, delay, quarter, month and instrument, and the verdict.
use super::Report;
use super::format::{UNDEFINED, interval, number, percent, point_bounds, points, text, thousands};
use super::section::SectionPart;
use super::table::{ReportTable, table};
use crate::metrics::Bounds;
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
        self.groups.iter().filter_map(|group| {
            let rows = self.valued().filter(|(row, _)| row.interval == Some(group.interval));
            let policies = rows.filter_map(|(row, value)| Some((row, value, value.best()?)));
            let mean = |value: &Economics, best: &PolicyResult| best.net[value.middle_cost].mean;
            let best = policies.reduce(|best, next| {
                if mean(next.1, next.2) > mean(best.1, best.2) { next } else { best }
            });
            best.map(|(row, value, policy)| self.judge(row, value, policy))
        })
    }

    fn judge(&self, row: &ResultRow, value: &Economics, policy: &PolicyResult) -> (bool, String) {
        let net = &policy.net[value.middle_cost];
        let last = policy.last_quarters.as_ref();
        let last_mean = last.map(|period| period.net[value.middle_cost]);
        let left = net.mean > 0.0 && last_mean.is_none_or(|mean| mean > 0.0);
        let start = if left { "" } else { "Nothing is left after costs: " };
        let last = last.map_or_else(String::new, |period| {
            let bounds = period.interval_95.map(|bounds| scaled(policy, bounds));
            let mean = points(a_day(policy, period.net[value.middle_cost]));
            format!(
                "; in the last two quarters ({}) {mean} {}",
                period.period,
                point_bounds(bounds)
            )
        });
        let benchmark = &value.benchmark;
        let long = points(a_day(benchmark, benchmark.net[value.middle_cost].mean));
        let sentence = format!(
            "{start}{} candles, policies at {} bp: the best of {} (policies and models), {} with \
             \"{}\", earns {} bp a day {}{last}; always long {long} bp (deflated Sharpe ratio {} %).",
            interval(row),
            value.cost(),
            value.trials,
            self.model_name(&row.model),
            policy.name,
            points(a_day(policy, net.mean)),
            point_bounds(net.interval_95.map(|bounds| scaled(policy, bounds))),
            percent(net.deflated_sharpe),
        );
        (left, sentence)
    }

    pub(crate) fn policies_section(&self) -> Vec<SectionPart> {
        let Some((_, value)) = self.valued().next() else { return Vec::new() };
        let rules = format!(
            "A policy enters when the score (p(UP) − p(DOWN)) σ is above a quantile of the \
             validation scores of the fold, and leaves when it has fallen to the exit level. \
             Results are basis points of capital a day; instruments have equal parts. Trades, \
             months and quarters are after {} bp per unit of turnover. Always long, with equal \
             weights and the same costs, is the benchmark. DSR is the deflated Sharpe ratio: the \
             probability that the ratio exceeds the expected maximum of {} trials, the policies of \
             all models of the interval, by chance; earlier experiments are not counted.",
            value.cost(),
            value.trials,
        );
        let delays = "By cost and delay, with 95 % block-bootstrap intervals. Late is acted on one \
                      candle after the prediction.";
        let trades = "A trade is a position from its entry to its exit. The profit factor is the \
                      sum of the gains divided by the sum of the losses.";
        let months = format!("Return by month after {} bp, per cent:", value.cost());
        vec![
            rules.into(),
            self.policy_table().into(),
            delays.to_string().into(),
            self.policy_costs().into(),
            trades.to_string().into(),
            self.policy_trades().into(),
            "By quarter:".to_string().into(),
            self.policy_quarters().into(),
            months.into(),
            self.policy_months().into(),
            "By instrument:".to_string().into(),
            self.policy_instruments().into(),
        ]
    }

    fn policy_costs(&self) -> ReportTable {
        let header = [
            "Model",
            "Interval",
            "Policy",
            "Cost bp",
            "Net bp a day",
            "Late, net bp a day",
            "% a year",
            "Drawdown %",
            "Sharpe",
            "DSR %",
        ];
        let rows = self.valued().flat_map(|(row, value)| {
            with_benchmark(value).flat_map(move |policy| {
                policy.net.iter().zip(&policy.late).map(move |(net, late)| {
                    [
                        row.model.clone(),
                        interval(row),
                        policy.name.clone(),
                        net.cost.to_string(),
                        daily(policy, net),
                        daily(policy, late),
                        percent(net.returns.annual_return),
                        percent(net.returns.max_drawdown),
                        number(net.returns.sharpe),
                        percent(net.deflated_sharpe),
                    ]
                })
            })
        });
        table(3, header, rows)
    }

    fn policy_trades(&self) -> ReportTable {
        let header = [
            "Model",
            "Interval",
            "Policy",
            "Trades",
            "Hit rate %",
            "Profit factor",
            "Mean win bp",
            "Mean loss bp",
            "Holding, candles",
        ];
        let rows = self.valued().flat_map(|(row, value)| {
            with_benchmark(value).map(move |policy| {
                let trades = &policy.trades;
                [
                    row.model.clone(),
                    interval(row),
                    policy.name.clone(),
                    thousands(trades.trades),
                    percent(trades.hit_rate),
                    number(trades.profit_factor),
                    points(trades.mean_win),
                    points(trades.mean_loss.map(|loss| -loss)),
                    number(trades.mean_holding),
                ]
            })
        });
        table(3, header, rows)
    }

    fn policy_quarters(&self) -> ReportTable {
        let header = [
            "Model",
            "Interval",
            "Policy",
            "Quarter",
            "Trades",
            "Net bp a day",
            "Late, net bp a day",
        ];
        let rows = self.valued().flat_map(|(row, value)| {
            with_benchmark(value).flat_map(move |policy| {
                policy.quarters.iter().map(move |quarter: &PolicyPeriod| {
                    let bounds = quarter.interval_95.map(|bounds| scaled(policy, bounds));
                    let net = points(a_day(policy, quarter.net[value.middle_cost]));
                    [
                        row.model.clone(),
                        interval(row),
                        policy.name.clone(),
                        quarter.period.clone(),
                        thousands(quarter.trades),
                        format!("{net} {}", point_bounds(bounds)),
                        points(a_day(policy, quarter.late[value.middle_cost])),
                    ]
                })
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
            "Trades",
            "Exposure %",
            "Hit rate %",
            "Net bp a day",
        ];
        let rows = self.valued().flat_map(|(row, value)| {
            with_benchmark(value).flat_map(move |policy| {
                policy.instruments.iter().map(move |one| {
                    [
                        row.model.clone(),
                        interval(row),
                        policy.name.clone(),
                        one.instrument.clone(),
                        thousands(one.trades.trades),
                        percent(Some(one.exposure)),
                        percent(one.trades.hit_rate),
                        points(a_day(policy, one.net[value.middle_cost])),
                    ]
                })
            })
        });
        table(4, header, rows)
    }
}

/// Policies of a model, followed by the benchmark.
fn with_benchmark(value: &Economics) -> impl Iterator<Item = &PolicyResult> {
    value.policies.iter().chain([&value.benchmark])
}

/// Mean return a day from the mean per period.
fn a_day(policy: &PolicyResult, mean: f64) -> Option<f64> {
    Some(mean * policy.periods_per_day?)
}

/// Interval of the mean return a day.
fn scaled(policy: &PolicyResult, bounds: Bounds) -> Bounds {
    let days = policy.periods_per_day.unwrap_or(1.0);
    Bounds { low: bounds.low * days, high: bounds.high * days }
}

/// Net result a day with its interval.
fn daily(policy: &PolicyResult, net: &PolicyNet) -> String {
    let bounds = net.interval_95.map(|bounds| scaled(policy, bounds));
    let mean = points(a_day(policy, net.mean));
    if mean == UNDEFINED { text(None) } else { format!("{mean} {}", point_bounds(bounds)) }
}
