//! Returns of trading all predictions, before and after costs.
use std::ops::{AddAssign, Range};

use serde::Serialize;
use windvane_candles::{Direction, Interval, Timestamp};

use crate::metrics::Bounds;
use crate::metrics::returns::{equity_after, until_ruin};
use crate::metrics::{Returns, SharpeRatio};
use crate::score::baseline::available;
use crate::score::bootstrap::{Bootstrap, ScoreSettings};
use crate::score::comparison::LEVEL;
use crate::score::iso;
use crate::score::portfolio::{Flow, Portfolio};
use crate::score::segment::segments;
use crate::score::{Baseline, EarlierTrials, Record, ResultRow};

/// Maximum number of points of an equity curve without gaps.
const POINTS: usize = 200;

/// Minimum days of tested time for an annual return: a shorter time would be extrapolated.
const MIN_DAYS: f64 = 90.0;

/// One basis point.
const BASIS_POINT: f64 = 1e-4;

/// Result of trading the predictions of a model: long on UP, short on DOWN, flat on NEUTRAL, at the
/// closes.
///
/// **Formula** for each instrument, with `s_t` the side of the prediction at the close of candle t
/// (+1, −1, 0), h the horizon, `r_{t+1}` the change of the close over the next candle, c the cost
/// per unit of turnover (fee and slippage):
///
/// ```text
/// position  P_t = (s_t + s_{t−1} + … + s_{t−h+1}) / h        every prediction is held h candles
/// turnover  q_t = |P_t − P_{t−1}|                            flat at the start and at the end
/// gross     g_t = P_t r_{t+1}
/// net       g_t − c q_t
/// ```
///
/// A change from long to short has a turnover of 2. At a candle without a test window (a gap, the
/// end of a fold) the position is closed, at the same cost. Several instruments are equal parts of
/// one portfolio at every time, with free rebalancing. An account that loses its whole capital is
/// ruined and never trades again ([`Returns::ruined_after`]). Funding, borrowing and order-book depth are
/// not modelled.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Trading {
    /// Number of periods of the returns, with or without a position.
    pub periods: usize,
    /// Periods per year of tested time, which excludes gaps of more than ten days or three
    /// intervals.
    pub periods_per_year: Option<f64>,
    /// Mean absolute position, 0 to 1.
    pub exposure: f64,
    /// Mean turnover per period, 0 to 2.
    pub turnover: f64,
    /// Mean gross return per period, a fraction.
    pub gross_mean: f64,
    /// Growth and risk before costs.
    pub gross: Returns,
    /// Candles held with a gain, as a share of those with a gain or a loss; `None` without any.
    /// Equal to the accuracy if the horizon is one candle and no instrument is ever missing.
    pub hit_rate: Option<f64>,
    /// Mean gain of the candles with a gain, a fraction.
    pub(crate) mean_gain: Option<f64>,
    /// Mean loss of the candles with a loss, a positive fraction.
    pub(crate) mean_loss: Option<f64>,
    /// Break-even cost per unit of turnover, basis points; negative for a loss before costs, `None`
    /// without turnover.
    pub break_even_cost: Option<f64>,
    /// Results after costs, one entry per cost.
    pub net: Vec<NetResult>,
    /// Equity curve from 1; empty for single instruments.
    pub equity: Vec<EquityPoint>,
}

/// Results after costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct NetResult {
    /// Cost per unit of turnover, basis points.
    pub cost: f64,
    /// Mean return per period, a fraction.
    pub mean: f64,
    /// 95 % interval of the mean: block bootstrap over calendar time.
    pub interval_95: Option<Bounds>,
    /// Growth and risk; `annual_return` and `calmar` are `None` below 90 days of tested time.
    #[serde(flatten)]
    pub returns: Returns,
    /// Decision time of the period in which the account was ruined; `None` for a solvent account.
    #[serde(serialize_with = "iso::optional_time")]
    pub ruined_at: Option<Timestamp>,
    /// Break-even [`hit_rate`](Trading::hit_rate) with gains and losses of the same size:
    /// (loss + cost) / (gain + loss), where cost is c Σ q per candle with a gain or a loss. The hit
    /// rate exceeds it exactly if the mean is positive. Above 1 no hit rate is sufficient.
    pub break_even_accuracy: Option<f64>,
    /// Sharpe ratio per period with its moments.
    pub sharpe_ratio: Option<SharpeRatio>,
    /// Deflated Sharpe ratio, [`SharpeRatio::deflated`]: probability that the ratio exceeds the
    /// expected maximum of all models of the run, and of earlier ones, by chance.
    pub deflated_sharpe: Option<f64>,
    /// Baseline that earned the most at this cost on all test candles, selected with hindsight.
    pub best_baseline: Option<BaselineReturn>,
    /// Benchmark: [`Baseline::AlwaysUp`] on the same candles at the same cost.
    pub buy_and_hold: Option<BaselineReturn>,
}

impl NetResult {
    /// Row with the highest mean net return, at the middle one of the costs; a ruined account is
    /// worse than any other.
    pub(crate) fn best<'a>(
        rows: impl Iterator<Item = &'a ResultRow>,
    ) -> Option<(&'a ResultRow, &'a Self)> {
        let traded = rows.filter_map(|row| {
            let net = &row.trading.as_ref()?.net;
            Some((row, net.get(net.len() / 2)?))
        });
        traded.reduce(|best, next| if next.1.key() > best.1.key() { next } else { best })
    }

    /// Order of results: whether the account is solvent, then the mean.
    fn key(&self) -> (bool, f64) {
        (self.ruined_at.is_none(), self.mean)
    }
}

/// Result of trading a baseline.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BaselineReturn {
    /// Rule of the baseline; `always_up` is buy and hold.
    pub rule: Baseline,
    /// Mean return per period after costs, a fraction.
    pub mean: f64,
    /// Growth and risk after costs.
    #[serde(flatten)]
    pub returns: Returns,
}

/// Point of an equity curve.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct EquityPoint {
    /// Time of the point.
    #[serde(serialize_with = "iso::time")]
    pub time: Timestamp,
    /// Span of tested time without a gap, counted from 1. A span also ends where no instrument was
    /// tested both before and after.
    pub(crate) segment: usize,
    /// Equity before costs.
    pub gross: f64,
    /// Equity after costs, in the order of [`Trading::net`].
    pub net: Vec<f64>,
    /// Deepest drawdown since the previous point, per cost, 0 to −1.
    pub(crate) drawdown: Vec<f64>,
    /// Equity of always long after costs, the benchmark.
    pub(crate) always_long: Vec<f64>,
    /// Deepest drawdown of always long since the previous point, per cost, 0 to −1.
    pub(crate) always_long_drawdown: Vec<f64>,
}

impl Trading {
    /// Returns the final equity of a capital of 1 after trading all predictions.
    ///
    /// Each position is held for `horizon` candles, at `cost` basis points per unit of turnover.
    /// The result equals the last equity of the report; a bot can compute it while it trades. All
    /// records must have one interval; a `horizon` of 0 counts as 1.
    ///
    /// # Examples
    /// ```
    /// use windvane_backtest::Trading;
    /// assert_eq!(Trading::growth(&[], 1, 5.0), 1.0);
    /// ```
    pub fn growth(records: &[Record], horizon: usize, cost: f64) -> f64 {
        let portfolio = Portfolio::of(records, |record| record.predicted, horizon.max(1));
        let fee = cost * BASIS_POINT;
        portfolio.flows.iter().fold(1.0, |equity, flow| equity_after(equity, flow.net(fee)))
    }

    /// Trades records of one interval; `None` without records or with several intervals.
    pub(crate) fn of(
        records: &[Record],
        settings: ScoreSettings<'_>,
        with_equity: bool,
    ) -> Option<Self> {
        let interval = records.first()?.interval;
        if records.iter().any(|record| record.interval != interval) {
            return None;
        }
        let portfolio = Portfolio::of(records, |record| record.predicted, settings.horizon);
        let year = portfolio.periods_per_year(interval);
        let baselines = baseline_returns(records, settings, year);
        let whole = portfolio.total();
        let n = portfolio.flows.len() as f64;
        let bootstrap = bootstrap(&portfolio, interval, settings);
        let mut net = Vec::with_capacity(settings.costs.len());
        for (cost, baselines) in settings.costs.iter().zip(&baselines) {
            let fee = cost * BASIS_POINT;
            let returns = portfolio.returns(fee);
            let yearly = yearly(&returns, year);
            let ruined_at = yearly.ruined_after.map(|periods| portfolio.times[periods - 1]);
            net.push(NetResult {
                cost: *cost,
                mean: returns.iter().sum::<f64>() / n,
                interval_95: bootstrap.as_ref().and_then(|b| net_bounds(b, fee)),
                returns: yearly,
                ruined_at,
                break_even_accuracy: break_even_accuracy(&whole, fee),
                sharpe_ratio: SharpeRatio::new(until_ruin(&returns)),
                deflated_sharpe: None,
                best_baseline: best_return(baselines),
                buy_and_hold: baselines.iter().find(|b| b.rule == Baseline::AlwaysUp).copied(),
            });
        }
        let equity = if with_equity {
            let segments = segments(&portfolio.times, records, interval);
            let always_long = Portfolio::of(records, |_| Direction::Up, settings.horizon);
            equity(&portfolio, &always_long, &segments, interval, settings.costs)
        } else {
            Vec::new()
        };
        Some(Self {
            periods: portfolio.flows.len(),
            periods_per_year: year,
            exposure: whole.exposure / n,
            turnover: whole.turnover / n,
            gross_mean: whole.gross / n,
            gross: yearly(&portfolio.returns(0.0), year),
            hit_rate: share(whole.right, whole.right + whole.wrong),
            mean_gain: share(whole.gained, whole.right),
            mean_loss: share(whole.lost, whole.wrong),
            break_even_cost: (whole.turnover > 0.0)
                .then(|| whole.gross / whole.turnover / BASIS_POINT),
            net,
            equity,
        })
    }
}

/// Sum of the flows of several periods.
#[derive(Debug, Clone, Copy, Default)]
struct FlowSum {
    flow: Flow,
    count: usize,
}

impl AddAssign for FlowSum {
    fn add_assign(&mut self, more: Self) {
        self.flow += more.flow;
        self.count += more.count;
    }
}

impl FlowSum {
    /// Contribution to the deviation of the mean return before costs from that of the whole.
    fn influence(&self, whole: &Self) -> [f64; 2] {
        let mean = whole.flow.gross / whole.count as f64;
        [self.flow.gross - mean * self.count as f64, 0.0]
    }
}

/// Resamples the periods of a portfolio.
fn bootstrap(
    portfolio: &Portfolio,
    interval: Interval,
    settings: ScoreSettings<'_>,
) -> Option<Bootstrap<FlowSum>> {
    let times = portfolio.times.iter().map(|time| time.millis().div_euclid(interval.millis()));
    let periods = portfolio.flows.iter().map(|flow| FlowSum { flow: *flow, count: 1 });
    Bootstrap::of_times(times.zip(periods), FlowSum::influence, settings.horizon, settings.seed)
}

/// Interval of the mean return after a fee.
fn net_bounds(bootstrap: &Bootstrap<FlowSum>, fee: f64) -> Option<Bounds> {
    let all = f64::NEG_INFINITY..=f64::INFINITY;
    bootstrap.bounds(|sum| Some(sum.flow.net(fee) / sum.count as f64), LEVEL, all)
}

/// Growth and risk; without annual numbers for less than [`MIN_DAYS`] of tested time.
pub(crate) fn yearly(returns: &[f64], periods_per_year: Option<f64>) -> Returns {
    let whole = Returns::new(returns, periods_per_year.unwrap_or(f64::NAN));
    let days = periods_per_year.map(|year| 365.25 * returns.len() as f64 / year);
    if days.is_some_and(|days| days >= MIN_DAYS) {
        return whole;
    }
    Returns { annual_return: None, calmar: None, ..whole }
}

fn break_even_accuracy(whole: &Flow, fee: f64) -> Option<f64> {
    let gain = share(whole.gained, whole.right)?;
    let loss = share(whole.lost, whole.wrong)?;
    let cost = fee * whole.turnover / (whole.right + whole.wrong);
    Some((loss + cost) / (gain + loss))
}

fn share(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

/// Results of trading the baselines, by cost. One portfolio at a time is in memory.
fn baseline_returns(
    records: &[Record],
    settings: ScoreSettings<'_>,
    periods_per_year: Option<f64>,
) -> Vec<Vec<BaselineReturn>> {
    let mut results = vec![Vec::new(); settings.costs.len()];
    for rule in available(records) {
        let portfolio =
            Portfolio::of(records, |record| record.baselines.direction(rule), settings.horizon);
        for (own, cost) in results.iter_mut().zip(settings.costs) {
            let returns = portfolio.returns(cost * BASIS_POINT);
            let mean = returns.iter().sum::<f64>() / returns.len() as f64;
            own.push(BaselineReturn { rule, mean, returns: yearly(&returns, periods_per_year) });
        }
    }
    results
}

/// Baseline with the highest mean return, the first one on a tie.
fn best_return(baselines: &[BaselineReturn]) -> Option<BaselineReturn> {
    let results = baselines.iter().copied();
    results.reduce(|best, next| if next.mean > best.mean { next } else { best })
}

/// Account of a capital of 1 that trades a portfolio, at every cost.
struct Account<'a> {
    flows: &'a [Flow],
    costs: &'a [f64],
    net: Vec<f64>,
    highest: Vec<f64>,
    deepest: Vec<f64>,
}

impl<'a> Account<'a> {
    fn new(portfolio: &'a Portfolio, costs: &'a [f64]) -> Self {
        let (ones, zeros) = (vec![1.0; costs.len()], vec![0.0; costs.len()]);
        Self { flows: &portfolio.flows, costs, net: ones.clone(), highest: ones, deepest: zeros }
    }

    fn trade(&mut self, index: usize) {
        for (k, cost) in self.costs.iter().enumerate() {
            self.net[k] = equity_after(self.net[k], self.flows[index].net(cost * BASIS_POINT));
            self.highest[k] = self.highest[k].max(self.net[k]);
            self.deepest[k] = self.deepest[k].min(self.net[k] / self.highest[k] - 1.0);
        }
    }

    /// Deepest drawdowns since the last call.
    fn drawdown(&mut self) -> Vec<f64> {
        std::mem::replace(&mut self.deepest, vec![0.0; self.costs.len()])
    }
}

/// Equity curve of a portfolio and of always long: for each segment of time its start and one point
/// per period, thinned to at most 200 points in all.
fn equity(
    portfolio: &Portfolio,
    always_long: &Portfolio,
    segments: &[Range<usize>],
    interval: Interval,
    costs: &[f64],
) -> Vec<EquityPoint> {
    let (mut own, mut long) = (Account::new(portfolio, costs), Account::new(always_long, costs));
    let (mut gross, mut curve) = (1.0, Vec::new());
    let periods = portfolio.flows.len();
    let room = POINTS.saturating_sub(segments.len());
    for (number, segment) in (1..).zip(segments) {
        let mut point = |time, gross, own: &mut Account<'_>, long: &mut Account<'_>| {
            curve.push(EquityPoint {
                time,
                segment: number,
                gross,
                net: own.net.clone(),
                drawdown: own.drawdown(),
                always_long: long.net.clone(),
                always_long_drawdown: long.drawdown(),
            });
        };
        point(portfolio.times[segment.start], gross, &mut own, &mut long);
        let length = segment.len();
        let points = (room * length / periods).clamp(1, length);
        for (place, index) in segment.clone().enumerate() {
            gross = equity_after(gross, portfolio.flows[index].gross);
            own.trade(index);
            long.trade(index);
            // The last period of each of the `points` parts.
            if (place + 1) * points / length > place * points / length {
                let next = portfolio.times.get(index + 1).filter(|_| index + 1 < segment.end);
                let time = portfolio.times[index];
                let time = next.copied().or_else(|| time.plus(interval, 1)).unwrap_or(time);
                point(time, gross, &mut own, &mut long);
            }
        }
    }
    curve
}

/// Computes the deflated Sharpe ratios of all models with the same scope.
pub(crate) fn deflate(trades: &mut [&mut Trading], earlier: &EarlierTrials) {
    let costs = trades.first().map_or(0, |trading| trading.net.len());
    let year = trades.first().and_then(|trading| trading.periods_per_year);
    for k in 0..costs {
        let ratios = trades.iter().map(|trading| trading.net[k].sharpe_ratio.map(|s| s.ratio));
        // A model that never trades counts as a trial with a ratio of 0.
        let own = ratios.map(|ratio| ratio.unwrap_or(0.0));
        let trials: Vec<f64> =
            own.chain(earlier.trading_ratios(trades[0].net[k].cost, year)).collect();
        for trading in &mut *trades {
            let net = &mut trading.net[k];
            let sharpe = net.sharpe_ratio;
            net.deflated_sharpe = sharpe.and_then(|s| s.deflated_with(&trials, earlier.unknown));
        }
    }
}

#[cfg(test)]
mod tests {
    use windvane_candles::Direction::{Down, Up};

    use windvane_candles::Direction;

    use super::*;
    use crate::score::testing::{mostly_right as records, record};

    const SETTINGS: ScoreSettings<'_> = ScoreSettings { horizon: 1, seed: 7, costs: &[0.0, 10.0] };

    fn close(got: f64, want: f64) {
        assert!((got - want).abs() < 1e-12 * want.abs().max(1.0) * 10.0, "{got} {want}");
    }

    // Calculated by hand: of eight predictions 7 are correct and 1 is wrong, 1 % each. The position
    // is reversed twice, each with a turnover of 2; entering has 1, and closing at the end has 1.
    #[test]
    fn trading_returns_and_break_even_equal_a_calculation_by_hand() {
        let trading = Trading::of(&records(800), SETTINGS, false).unwrap();
        let turnover = (100.0 * 4.0 - 1.0 + 1.0) / 800.0;
        close(trading.turnover, turnover);
        close(trading.gross_mean, 0.0075);
        close(trading.exposure, 1.0);
        close(trading.break_even_cost.unwrap(), 0.0075 / turnover * 1e4);
        let net = &trading.net[1];
        close(net.mean, 0.0075 - 0.001 * turnover);
        close(net.break_even_accuracy.unwrap(), 0.5 + 0.001 * turnover / 0.02);
        let bounds = net.interval_95.unwrap();
        assert!(bounds.low <= net.mean && net.mean <= bounds.high);
        // Buy and hold earns less before costs and has almost no turnover.
        let baseline = net.best_baseline.unwrap();
        assert_eq!(baseline.rule, Baseline::AlwaysUp);
        assert_eq!(net.buy_and_hold, Some(baseline));
        close(baseline.mean, 0.005 - 0.001 * 2.0 / 800.0);
    }

    // Rare large gains and frequent small losses: profitable with a hit rate below 50 %.
    #[test]
    fn hit_rate_above_break_even_means_a_positive_result() {
        let mut random =
            windvane_lstm_core::Stream::new(5, windvane_lstm_core::Purpose::Shuffle, 0, 0);
        let mut profitable = 0;
        for _ in 0..200 {
            let mut records = Vec::new();
            for t in 0..60 {
                let change =
                    (random.uniform() - 0.6) * if random.uniform() < 0.3 { 0.04 } else { 0.01 };
                records.push(record(t, if t % 3 == 0 { Down } else { Up }, change));
            }
            let trading = Trading::of(&records, SETTINGS, false).unwrap();
            for net in &trading.net {
                let above = trading.hit_rate.unwrap() > net.break_even_accuracy.unwrap();
                assert_eq!(above, net.mean > 0.0, "{trading:?}");
                profitable += usize::from(above);
            }
        }
        assert!((20..380).contains(&profitable), "{profitable}");
    }

    #[test]
    fn annual_return_is_undefined_below_ninety_days() {
        let [short, long] = [24 * 90 - 1, 24 * 90 + 1]
            .map(|hours| Trading::of(&records(hours), SETTINGS, false).unwrap());
        assert_eq!((short.gross.annual_return, short.net[1].returns.calmar), (None, None));
        assert_eq!(short.net[0].best_baseline.unwrap().returns.annual_return, None);
        assert!(short.gross.total.is_some() && short.gross.sharpe.is_some());
        assert!(long.gross.annual_return.is_some() && long.net[1].returns.calmar.is_some());
    }

    #[test]
    fn equity_curve_ends_at_the_total_return_and_keeps_the_deepest_drawdown() {
        for n in [1, 2, 150, 199, 200, 1_000] {
            let trading = Trading::of(&records(n), SETTINGS, true).unwrap();
            let curve = &trading.equity;
            assert_eq!(curve.len(), usize::try_from(n).unwrap().min(POINTS - 1) + 1);
            assert!(curve.windows(2).all(|two| two[0].time < two[1].time));
            let last = curve.last().unwrap();
            assert_eq!(last.time, Timestamp::from_millis(n * 3_600_000));
            for (k, net) in trading.net.iter().enumerate() {
                close(Trading::growth(&records(n), 1, net.cost), last.net[k]);
                let deepest = curve.iter().map(|point| point.drawdown[k]).fold(0.0, f64::min);
                if let Some(total) = net.returns.total {
                    assert!((last.net[k] / (1.0 + total) - 1.0).abs() < 1e-9, "{n}");
                    close(deepest, net.returns.max_drawdown.unwrap());
                }
            }
        }
    }

    #[test]
    fn equity_curve_restarts_its_points_after_a_gap_and_has_the_benchmark() {
        let mut all = records(3_000);
        all.extend((9_000..9_500).map(|t| record(t, Down, 0.001)));
        let trading = Trading::of(&all, SETTINGS, true).unwrap();
        let curve = &trading.equity;
        assert!((190..=POINTS).contains(&curve.len()), "{}", curve.len());
        let second = curve.iter().position(|point| point.segment == 2).unwrap();
        let (end, start) = (&curve[second - 1], &curve[second]);
        assert_eq!((end.segment, end.time.millis()), (1, 3_000 * 3_600_000));
        assert_eq!(start.time, all[3_000].decided_at);
        assert_eq!(
            (end.gross, &end.net, &end.always_long),
            (start.gross, &start.net, &start.always_long)
        );
        let last = curve.last().unwrap();
        close(last.net[1], Trading::growth(&all, 1, 10.0));
        let up: Vec<Record> = all.iter().map(|one| Record { predicted: Up, ..*one }).collect();
        let long = Trading::of(&up, SETTINGS, false).unwrap();
        for (k, net) in long.net.iter().enumerate() {
            assert!((last.always_long[k] / (1.0 + net.returns.total.unwrap()) - 1.0).abs() < 1e-9);
            let deepest = curve.iter().map(|point| point.always_long_drawdown[k]);
            close(deepest.fold(0.0, f64::min), net.returns.max_drawdown.unwrap());
        }
    }

    // A short position loses more than the capital on a candle of +160 %.
    #[test]
    fn account_below_zero_is_ruined_and_stays_so() {
        let mut all = records(5_000);
        all[400] = record(400, Down, 1.6);
        all[450] = record(450, Down, 1.6);
        let trading = Trading::of(&all, SETTINGS, true).unwrap();
        for (k, net) in trading.net.iter().enumerate() {
            assert_eq!((net.returns.total, net.returns.annual_return), (Some(-1.0), Some(-1.0)));
            assert_eq!((net.returns.max_drawdown, net.returns.calmar), (Some(-1.0), Some(-1.0)));
            assert_eq!(net.returns.ruined_after, Some(401));
            assert_eq!(net.ruined_at, Some(all[400].decided_at));
            let after = trading.equity.iter().filter(|point| point.time > all[400].decided_at);
            assert!(after.clone().count() > 100);
            assert!(after.clone().all(|point| point.net[k].to_bits() == 0));
            assert!(trading.equity.iter().all(|p| (-1.0..=0.0).contains(&p.drawdown[k])));
            close(Trading::growth(&all, 1, net.cost), 0.0);
        }
        // Means of periods are those of a fixed capital.
        assert!(trading.net[0].mean > 0.0);
        let solvent = Trading::of(&records(5_000), SETTINGS, false).unwrap();
        assert_eq!(solvent.net[0].ruined_at, None);
    }

    #[test]
    fn mixed_intervals_are_not_traded_and_neutral_has_no_costs() {
        let mut mixed = records(40);
        assert_eq!(Trading::of(&[], SETTINGS, true), None);
        mixed[3].interval = Interval::DAY;
        assert_eq!(Trading::of(&mixed, SETTINGS, true), None);
        let idle: Vec<Record> = (0..40).map(|t| record(t, Direction::Neutral, 0.01)).collect();
        let idle = Trading::of(&idle, SETTINGS, true).unwrap();
        assert_eq!((idle.break_even_cost, idle.net[1].break_even_accuracy), (None, None));
        assert_eq!((idle.net[1].interval_95, idle.net[1].sharpe_ratio), (None, None));
        close(idle.net[1].mean, 0.0);
    }

    #[test]
    fn deflated_sharpe_falls_with_the_number_of_models() {
        let mut random =
            windvane_lstm_core::Stream::new(3, windvane_lstm_core::Purpose::Shuffle, 0, 0);
        let mut all: Vec<Trading> = Vec::new();
        for share in [0.54, 0.5, 0.5, 0.47] {
            let records: Vec<Record> = (0..900)
                .map(|t| record(t, Up, if random.uniform() < share { 0.01 } else { -0.01 }))
                .collect();
            all.push(Trading::of(&records, SETTINGS, false).unwrap());
        }
        let mut alone = all[0].clone();
        deflate(&mut [&mut alone], &EarlierTrials::default());
        let before = alone.net[0].deflated_sharpe.unwrap();
        let expected = all[0].net[0].sharpe_ratio.unwrap().probability_above(0.0);
        assert_eq!(Some(before), expected);
        deflate(&mut all.iter_mut().collect::<Vec<_>>(), &EarlierTrials::default());
        assert!(all[0].net[0].deflated_sharpe.unwrap() < before);
    }
}
