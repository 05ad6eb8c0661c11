//! Summary at the top of the page: short verdicts and the most important numbers.
use windvane_candles::Timestamp;

use crate::report::Report;
use crate::report::format::{
    UNDEFINED, bounds, date, interval, p_equation, percent, signed, text, thousands,
};
use crate::report::policies::BestPolicy;
use crate::score::{ResultRow, Scope};

/// Number of the summary with its name and a remark.
pub(crate) struct SummaryNumber {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) remark: String,
}

impl Report {
    /// Verdicts without the numbers of the summary; the worst news come first.
    pub(crate) fn short_verdicts(&self) -> Vec<String> {
        let (left, gone): (Vec<_>, Vec<_>) = self.best_policies().partition(BestPolicy::is_left);
        let gone = gone.iter().map(|best| {
            format!(
                "Nothing is left after costs: {} candles, {} bp, the best of {} policies and \
                 models.",
                interval(best.row),
                best.value.cost(),
                best.value.trials
            )
        });
        let left = left.iter().map(|best| {
            let bounds = best.policy.net[best.value.middle_cost].interval_95;
            let margin = match bounds {
                Some(bounds) if bounds.low > 0.0 => "significantly more than zero",
                _ => "not significantly more than zero",
            };
            format!(
                "The best policy of {} candles, selected among {} with hindsight, earns {margin} \
                 after {} bp.",
                interval(best.row),
                best.value.trials,
                best.value.cost(),
            )
        });
        let verdict = self.verdict();
        let others = [Some(verdict), self.best_against_next(), self.refit_verdict()];
        let others = others.iter().flatten().flat_map(|verdict| verdict.lines());
        gone.chain(others.map(str::to_string)).chain(left).collect()
    }

    /// Rows of numbers: the test and the best model, then the best policy of each interval.
    pub(crate) fn summary(&self) -> Vec<Vec<SummaryNumber>> {
        let candles: usize = self.instruments.iter().map(|one| one.test_candles).sum();
        let mut first = vec![number("Tested candles", thousands(candles), self.tested_time())];
        first.extend(self.best_model());
        let policies = self.best_policies().map(|best| policy_numbers(self, &best));
        [first].into_iter().chain(policies).collect()
    }

    /// First and last time of the tests.
    fn tested_time(&self) -> String {
        let folds = || self.groups.iter().flat_map(|group| &group.folds);
        let first = folds().map(|fold| fold.test_from).min();
        let last = folds()
            .map(|fold| fold.test_until)
            .max_by_key(|until| until.map_or(i64::MAX, Timestamp::millis));
        let end = self.instruments.iter().filter(|one| one.test_candles > 0);
        let last = last.flatten().or_else(|| end.filter_map(|one| one.last).max());
        let day = |time: Timestamp| date(time).chars().take(10).collect::<String>();
        format!("{} to {}", text(first.map(day)), text(last.map(day)))
    }

    /// Accuracy and edge of the model with the highest accuracy out of sample.
    fn best_model(&self) -> Vec<SummaryNumber> {
        let mut ranking = self.ranking.iter();
        let Some(first) = ranking.find(|rank| !rank.in_sample) else {
            return vec![number("Accuracy", UNDEFINED.to_string(), "no out-of-sample test".into())];
        };
        let pooled = self.rows(Scope::All).find(|row| row.model == first.model);
        let best = pooled.and_then(ResultRow::best_baseline_result);
        let rule = best.map_or_else(|| UNDEFINED.to_string(), |best| best.rule.to_string());
        let edge = first.excess_accuracy;
        let edge_bounds = edge.and_then(|edge| edge.interval_95);
        let edge_bounds =
            text(edge_bounds.map(|b| format!("[{}, {}]", signed(b.low), signed(b.high))));
        vec![
            number(
                "Highest accuracy, %",
                percent(first.accuracy),
                format!("{} {}", bounds(first.interval_95), first.model),
            ),
            number("Best baseline, %", percent(best.and_then(|best| best.score.accuracy)), rule),
            number(
                "Edge, points",
                text(edge.map(|edge| signed(edge.value))),
                format!("{edge_bounds} {}", p_equation(first.p_holm)),
            ),
        ]
    }
}

/// Results of the best policy of an interval beside the benchmark.
fn policy_numbers(report: &Report, best: &BestPolicy<'_>) -> Vec<SummaryNumber> {
    let candles = match report.groups.len() {
        1 => String::new(),
        _ => format!("{}: ", interval(best.row)),
    };
    let split = |result: String| match result.split_once(' ') {
        Some((value, bounds)) => (value.to_string(), bounds.to_string()),
        None => (result, String::new()),
    };
    let (whole, whole_bounds) = split(best.whole_test());
    let name = format!("{candles}best policy, net bp a day");
    let remark = format!("{whole_bounds} {}, {}", best.row.model, best.policy.name);
    let mut numbers = vec![number(&name, whole, remark)];
    if let Some((period, result)) = best.last_quarters() {
        let (last, last_bounds) = split(result);
        let name = format!("{candles}in the last two quarters");
        numbers.push(number(&name, last, format!("{last_bounds} {period}")));
    }
    let name = format!("{candles}always long, bp a day");
    let remark = format!("benchmark at the same {} bp", best.value.cost());
    numbers.push(number(&name, best.always_long(), remark));
    numbers
}

fn number(name: &str, value: String, remark: String) -> SummaryNumber {
    let mut letters = name.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    let name = if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.to_string()
    } else {
        format!("{}{}", first.unwrap_or_default(), letters.as_str())
    };
    SummaryNumber { name, value, remark }
}
