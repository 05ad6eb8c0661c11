//! Results of trading a policy, by cost, delay, period and instrument.
use std::ops::AddAssign;

use serde::Serialize;
use windvane_candles::{Interval, Timestamp};
use windvane_models::PolicyConfig;

use crate::metrics::{Bounds, Returns, SharpeRatio};
use crate::score::bootstrap::{Bootstrap, ScoreSettings};
use crate::score::calendar::{month, quarter};
use crate::score::comparison::LEVEL;
use crate::score::policy_positions::{TestRun, TradeSpan, TradeSummary};
use crate::score::portfolio::{Flow, Portfolio};
use crate::score::trading::yearly;

/// One basis point.
const BASIS_POINT: f64 = 1e-4;
/// Days of a year.
pub(crate) const YEAR_DAYS: f64 = 365.25;
/// Number of the last quarters that are compared with the whole test.
const LAST_QUARTERS: usize = 2;

/// Result of trading a policy of a model, or of the benchmark.
///
/// Positions are those of [`Policy::next`](windvane_models::Policy::next); costs, turnover, equal
/// parts of the instruments and closing at gaps are those of [`Trading`](crate::Trading).
/// The benchmark is always long in every tested instrument.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PolicyResult {
    /// Rules in words, or `always long`.
    pub name: String,
    /// Settings of the policy; `None` for the benchmark.
    pub policy: Option<PolicyConfig>,
    /// Mean absolute position, 0 to 1.
    pub exposure: f64,
    /// Mean turnover per period, 0 to 2.
    pub turnover: f64,
    /// Mean return per period before costs, a fraction.
    pub gross_mean: f64,
    /// Periods per day of tested time, to convert means per period; `None` for a single time.
    pub periods_per_day: Option<f64>,
    /// Trades after the middle one of the costs.
    pub trades: TradeSummary,
    /// Results after each cost, acted on at the close of the prediction.
    pub net: Vec<PolicyNet>,
    /// Results after each cost, acted on one candle later.
    pub late: Vec<PolicyNet>,
    /// Results by quarter of calendar time.
    pub quarters: Vec<PolicyPeriod>,
    /// Results by month.
    pub months: Vec<PolicyPeriod>,
    /// Result of the last two quarters together; `None` below three quarters.
    pub last_quarters: Option<PolicyPeriod>,
    /// Results of every instrument alone.
    pub instruments: Vec<PolicyInstrument>,
}

/// Result of a policy after a cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PolicyNet {
    /// Cost per unit of turnover, basis points.
    pub cost: f64,
    /// Mean return per period, a fraction.
    pub mean: f64,
    /// 95 % interval of the mean: block bootstrap over calendar time.
    pub interval_95: Option<Bounds>,
    /// Growth and risk.
    #[serde(flatten)]
    pub returns: Returns,
    /// Sharpe ratio per period with its moments.
    pub sharpe_ratio: Option<SharpeRatio>,
    /// Deflated Sharpe ratio over all policies of all models at this cost; `None` for the benchmark
    /// and with a delay, which are no trials.
    pub deflated_sharpe: Option<f64>,
}

/// Result of a policy in a period of calendar time.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PolicyPeriod {
    /// Name of the period: `2024-Q4`, `2024-10`, or `2024-Q4 to 2025-Q1`.
    pub period: String,
    /// Number of periods of the returns.
    pub periods: usize,
    /// Number of trades entered.
    pub trades: usize,
    /// Mean return per period after each cost, acted on at the close of the prediction.
    pub net: Vec<f64>,
    /// Mean return per period after each cost, acted on one candle later.
    pub late: Vec<f64>,
    /// Total return after the middle one of the costs, acted on at the close of the prediction.
    pub total: Option<f64>,
    /// 95 % interval of the mean after the middle cost, acted on at the close of the prediction:
    /// block bootstrap within the period. Not computed for months.
    pub interval_95: Option<Bounds>,
    /// The same, acted on one candle later.
    pub late_interval_95: Option<Bounds>,
}

/// Result of a policy on one instrument.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PolicyInstrument {
    /// Name of the instrument.
    pub instrument: String,
    /// Mean absolute position, 0 to 1.
    pub exposure: f64,
    /// Trades after the middle one of the costs.
    pub trades: TradeSummary,
    /// Mean return per period after each cost, acted on at the close of the prediction.
    pub net: Vec<f64>,
}

/// Costs of the results and the one that single numbers are shown at.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PolicyCosts {
    /// All costs, ascending, basis points.
    pub(crate) all: Vec<f64>,
    /// Index of the middle cost of the run.
    pub(crate) middle: usize,
}

impl PolicyCosts {
    /// Costs of 0, 1, 2, 5 and 10 basis points and those of the run.
    pub(crate) fn new(run: &[f64]) -> Self {
        let middle = run.get(run.len() / 2).copied().unwrap_or(5.0);
        let mut all = [&[0.0, 1.0, 2.0, 5.0, 10.0], run].concat();
        all.sort_by(f64::total_cmp);
        all.dedup();
        let middle = all.iter().position(|cost| *cost >= middle).unwrap_or(0);
        Self { all, middle }
    }

    fn fee(&self) -> f64 {
        self.all[self.middle] * BASIS_POINT
    }
}

/// Sums over several periods, without and with a delay.
#[derive(Debug, Clone, Copy, Default)]
struct NetSum {
    gross: [f64; 2],
    turnover: [f64; 2],
    count: usize,
}

impl AddAssign for NetSum {
    fn add_assign(&mut self, more: Self) {
        for delay in 0..2 {
            self.gross[delay] += more.gross[delay];
            self.turnover[delay] += more.turnover[delay];
        }
        self.count += more.count;
    }
}

impl NetSum {
    /// Contribution to the deviation of the mean return before costs, without a delay, from that of
    /// the whole.
    fn influence(&self, whole: &Self) -> [f64; 2] {
        let mean = whole.gross[0] / whole.count as f64;
        [self.gross[0] - mean * self.count as f64, 0.0]
    }
}

/// Test of a policy: its runs, costs and settings.
pub(crate) struct PolicyTest<'a> {
    pub(crate) runs: &'a [TestRun<'a>],
    pub(crate) interval: Interval,
    pub(crate) costs: &'a PolicyCosts,
    pub(crate) settings: ScoreSettings<'a>,
    /// Names of the instruments by index.
    pub(crate) names: &'a [String],
}

/// Portfolios of a policy without and with a delay.
struct DelayedPortfolios {
    prompt: Portfolio,
    late: Portfolio,
}

/// Portfolio of a policy on some runs, acted on with a delay of some candles.
fn portfolio(runs: &[TestRun<'_>], policy: Option<usize>, delay: usize) -> Portfolio {
    let times = runs.iter().flat_map(|run| run.records).map(|record| record.decided_at);
    Portfolio::of_runs(times, runs.iter().map(|run| run.held(policy, delay)))
}

impl PolicyTest<'_> {
    /// Result of a policy, given by index, or of the benchmark.
    pub(crate) fn result(&self, policy: Option<(usize, &PolicyConfig)>) -> PolicyResult {
        let index = policy.map(|(index, _)| index);
        let [prompt, late] = [0, 1].map(|delay| portfolio(self.runs, index, delay));
        let both = DelayedPortfolios { prompt, late };
        let trades: Vec<TradeSpan> =
            self.runs.iter().flat_map(|run| run.trades(&run.held(index, 0))).collect();
        let (whole, n) = (both.prompt.total(), both.prompt.flows.len() as f64);
        let quarters = self.periods(&both, &trades, quarter, true);
        let [net, late] = self.nets(&both);
        PolicyResult {
            name: policy.map_or_else(|| "always long".to_string(), |(_, p)| p.to_string()),
            policy: policy.map(|(_, config)| *config),
            exposure: whole.exposure / n,
            turnover: whole.turnover / n,
            gross_mean: whole.gross / n,
            periods_per_day: both.prompt.periods_per_year(self.interval).map(|y| y / YEAR_DAYS),
            trades: TradeSummary::of(&trades, self.costs.fee()),
            net,
            late,
            last_quarters: self.last_quarters(&both, &trades, &quarters),
            quarters,
            months: self.periods(&both, &trades, month, false),
            instruments: self.instruments(index, &trades),
        }
    }

    /// Results after each cost, without and with a delay.
    fn nets(&self, both: &DelayedPortfolios) -> [Vec<PolicyNet>; 2] {
        let bootstrap = self.bootstrap(both, 0..both.prompt.flows.len());
        [0, 1].map(|delay| {
            let portfolio = if delay == 0 { &both.prompt } else { &both.late };
            let year = portfolio.periods_per_year(self.interval);
            let nets = self.costs.all.iter().map(|cost| {
                let fee = cost * BASIS_POINT;
                let returns = portfolio.returns(fee);
                PolicyNet {
                    cost: *cost,
                    mean: returns.iter().sum::<f64>() / returns.len() as f64,
                    interval_95: bootstrap.as_ref().and_then(|b| bounds(b, fee, delay)),
                    returns: yearly(&returns, year),
                    sharpe_ratio: SharpeRatio::new(&returns),
                    deflated_sharpe: None,
                }
            });
            nets.collect()
        })
    }

    /// Resamples a range of the periods.
    fn bootstrap(
        &self,
        both: &DelayedPortfolios,
        range: std::ops::Range<usize>,
    ) -> Option<Bootstrap<NetSum>> {
        let unit = self.interval.millis();
        let sums = range.map(|index| {
            let flows = [both.prompt.flows[index], both.late.flows[index]];
            let (gross, turnover) = (flows.map(|flow| flow.gross), flows.map(|flow| flow.turnover));
            let time = both.prompt.times[index].millis().div_euclid(unit);
            (time, NetSum { gross, turnover, count: 1 })
        });
        let ScoreSettings { horizon, seed, .. } = self.settings;
        Bootstrap::of_times(sums, NetSum::influence, horizon, seed)
    }

    /// Results by periods with a name.
    fn periods(
        &self,
        both: &DelayedPortfolios,
        trades: &[TradeSpan],
        name: fn(Timestamp) -> String,
        intervals: bool,
    ) -> Vec<PolicyPeriod> {
        let names: Vec<String> = both.prompt.times.iter().map(|time| name(*time)).collect();
        let mut entries = std::collections::BTreeMap::new();
        for trade in trades {
            *entries.entry(name(trade.entered_at)).or_insert(0) += 1;
        }
        let mut first = 0;
        let periods = names.chunk_by(|a, b| a == b).map(|same| {
            let range = first..first + same.len();
            first = range.end;
            let count = entries.get(&same[0]).copied().unwrap_or(0);
            self.period(same[0].clone(), both, range, count, intervals)
        });
        periods.collect()
    }

    /// Result of a range of times.
    fn period(
        &self,
        period: String,
        both: &DelayedPortfolios,
        range: std::ops::Range<usize>,
        trades: usize,
        intervals: bool,
    ) -> PolicyPeriod {
        let (flows, fee) = (&both.prompt.flows[range.clone()], self.costs.fee());
        let bootstrap = if intervals { self.bootstrap(both, range.clone()) } else { None };
        // An equity of 0 ends the account.
        let growth =
            flows.iter().fold(1.0_f64, |equity, flow| (equity * (1.0 + flow.net(fee))).max(0.0));
        PolicyPeriod {
            period,
            periods: flows.len(),
            trades,
            net: self.means(flows),
            late: self.means(&both.late.flows[range]),
            total: growth.is_finite().then_some(growth - 1.0),
            interval_95: bootstrap.as_ref().and_then(|b| bounds(b, fee, 0)),
            late_interval_95: bootstrap.as_ref().and_then(|b| bounds(b, fee, 1)),
        }
    }

    /// Mean return after each cost.
    fn means(&self, flows: &[Flow]) -> Vec<f64> {
        let costs = self.costs.all.iter();
        let mean = |fee: f64| flows.iter().map(|f| f.net(fee)).sum::<f64>() / flows.len() as f64;
        costs.map(|cost| mean(cost * BASIS_POINT)).collect()
    }

    fn last_quarters(
        &self,
        both: &DelayedPortfolios,
        trades: &[TradeSpan],
        quarters: &[PolicyPeriod],
    ) -> Option<PolicyPeriod> {
        let count = quarters.len();
        let last = quarters.get(count.checked_sub(LAST_QUARTERS)?..).filter(|_| count >= 3)?;
        let until = both.prompt.flows.len();
        let from = until - last.iter().map(|quarter| quarter.periods).sum::<usize>();
        let entered = trades.iter().filter(|t| t.entered_at >= both.prompt.times[from]).count();
        let name = format!("{} to {}", last[0].period, last[last.len() - 1].period);
        Some(self.period(name, both, from..until, entered, true))
    }

    fn instruments(&self, policy: Option<usize>, trades: &[TradeSpan]) -> Vec<PolicyInstrument> {
        let own_runs =
            self.runs.chunk_by(|a, b| a.records[0].instrument == b.records[0].instrument);
        let results = own_runs.map(|runs| {
            let instrument = runs[0].records[0].instrument;
            let portfolio = portfolio(runs, policy, 0);
            // The trades are in the order of the runs, hence of the instruments.
            let from = trades.partition_point(|trade| trade.instrument < instrument);
            let until = trades.partition_point(|trade| trade.instrument <= instrument);
            PolicyInstrument {
                instrument: self.names.get(instrument).cloned().unwrap_or_default(),
                exposure: portfolio.total().exposure / portfolio.flows.len() as f64,
                trades: TradeSummary::of(&trades[from..until], self.costs.fee()),
                net: self.means(&portfolio.flows),
            }
        });
        results.collect()
    }
}

/// Interval of the mean return after a fee, without (0) or with (1) a delay.
fn bounds(bootstrap: &Bootstrap<NetSum>, fee: f64, delay: usize) -> Option<Bounds> {
    let all = f64::NEG_INFINITY..=f64::INFINITY;
    let net = |sum: &NetSum| (sum.gross[delay] - fee * sum.turnover[delay]) / sum.count as f64;
    bootstrap.bounds(|sum| Some(net(sum)), LEVEL, all)
}
