//! Rolling refit: a test period whose model is fitted again at fixed times.
use std::time::Duration;

use windvane_candles::{Interval, Timestamp};

use super::Split;
use super::embargo::{check_share, quantile};
use crate::{SampleSet, SignalError};

/// Maximum number of fits of a plan.
const MAX_FITS: usize = 1_000;

/// Schedule of refits: when a model that was fitted at some time is fitted again.
///
/// # Examples
/// ```
/// use windvane_candles::{Interval, Timestamp};
/// use windvane_signals::RefitSchedule;
///
/// let fitted: Timestamp = "2024-02-10 07:00".parse()?;
/// let due = |schedule: RefitSchedule| schedule.next_after(fitted, Interval::HOUR);
/// assert_eq!(due(RefitSchedule::Monthly), Some("2024-03-01".parse()?));
/// assert_eq!(due(RefitSchedule::Quarterly), Some("2024-04-01".parse()?));
/// assert_eq!(due(RefitSchedule::Candles(24)), Some("2024-02-11 07:00".parse()?));
/// # Ok::<(), windvane_candles::TimeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum RefitSchedule {
    /// First day of every month, 00:00 UTC.
    Monthly,
    /// First day of January, April, July and October, 00:00 UTC.
    Quarterly,
    /// The time of this number of candles after the last fit, at least 1.
    Candles(u32),
}

impl RefitSchedule {
    /// Returns the time at which a model fitted at `fitted` is due for a refit, always later than
    /// `fitted`; `None` if it is out of range, or for a schedule of 0 candles.
    ///
    /// `interval` is that of the candles; the calendar does not depend on it.
    pub fn next_after(self, fitted: Timestamp, interval: Interval) -> Option<Timestamp> {
        match self {
            Self::Monthly => next_period(fitted, 1),
            Self::Quarterly => next_period(fitted, 3),
            Self::Candles(0) => None,
            Self::Candles(candles) => fitted.plus(interval, i64::from(candles)),
        }
    }
}

/// `monthly`, `quarterly`, or the number of candles.
impl std::fmt::Display for RefitSchedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Monthly => f.write_str("monthly"),
            Self::Quarterly => f.write_str("quarterly"),
            Self::Candles(candles) => write!(f, "{candles}"),
        }
    }
}

/// Rolling refit: one test from `test_from` to the end of the data, whose model is fitted again on
/// a schedule.
///
/// The first model is fitted for `test_from`. At every due time of the schedule a new model is
/// fitted, which is tested up to the next due time. Each fit sees only samples whose outcome was
/// settled before it (purge), less the embargo: all earlier ones (expanding window), or those of the
/// last `window` (sliding window). The last `validation` share of them validates. A due time
/// without a sample since the last fit is left out.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use windvane_signals::{RefitSchedule, RollingRefit};
///
/// let expanding = RollingRefit::new("2024-01-01".parse()?, RefitSchedule::Quarterly);
/// assert_eq!((expanding.window, expanding.validation, expanding.embargo), (None, 0.15, 1));
/// let year = Some(Duration::from_secs(365 * 86_400));
/// let sliding = RollingRefit { window: year, ..expanding };
/// assert_ne!(sliding, expanding);
/// # Ok::<(), windvane_candles::TimeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RollingRefit {
    /// End of the first training and validation, where the test begins.
    pub test_from: Timestamp,
    /// Schedule of the refits after it.
    pub schedule: RefitSchedule,
    /// Length of training and validation together; `None` for all time before the fit.
    pub window: Option<Duration>,
    /// Share of validation samples among the samples of a fit.
    pub validation: f64,
    /// Time left out between periods beyond the purge, in candles.
    pub embargo: u32,
}

impl RollingRefit {
    /// Creates a plan with an expanding window, a validation share of 0.15 and an embargo of one
    /// candle.
    pub const fn new(test_from: Timestamp, schedule: RefitSchedule) -> Self {
        Self { test_from, schedule, window: None, validation: 0.15, embargo: 1 }
    }

    /// Creates the splits, one per fit in order of time.
    ///
    /// # Errors
    /// [`SignalError::Setting`] for a schedule of 0 candles, a window of 0, a share outside 0 to 1
    /// or more than 1,000 fits; [`SignalError::EmptyPart`] if there are no samples before or after
    /// `test_from`, or too few in the window of a fit.
    pub fn splits(&self, pool: &SampleSet) -> Result<Vec<Split>, SignalError> {
        self.validate()?;
        let starts = self.starts(pool)?;
        let until = starts.iter().skip(1).copied().map(Some).chain([None]);
        starts.iter().zip(until).map(|(from, until)| self.split(pool, *from, until)).collect()
    }

    fn validate(&self) -> Result<(), SignalError> {
        check_share(self.validation)?;
        if self.schedule == RefitSchedule::Candles(0) {
            return SignalError::setting("candles between refits", "at least 1", 0.0);
        }
        if self.window.is_some_and(|window| window.is_zero()) {
            return SignalError::setting("training window", "longer than 0", 0.0);
        }
        Ok(())
    }

    /// Times of the fits.
    fn starts(&self, pool: &SampleSet) -> Result<Vec<Timestamp>, SignalError> {
        let (Some(table), Some(last)) = (pool.tables().first(), pool.samples().last()) else {
            return Err(few("test", "give more candles"));
        };
        if last.decided_at < self.test_from {
            return Err(few("test", "choose test_from within the data"));
        }
        let mut starts = vec![self.test_from];
        let mut due = self.test_from;
        while let Some(next) = self.schedule.next_after(due, table.interval()) {
            if next > last.decided_at {
                break;
            }
            let since = starts[starts.len() - 1];
            if count_before(pool, since) < count_before(pool, next) {
                starts.push(next);
            }
            due = next;
            if starts.len() > MAX_FITS {
                let expected = "at most 1000; refit less often or start the test later";
                return SignalError::setting("number of fits", expected, starts.len() as f64);
            }
        }
        Ok(starts)
    }

    /// Split of the fit at a time.
    fn split(
        &self,
        pool: &SampleSet,
        fit: Timestamp,
        until: Option<Timestamp>,
    ) -> Result<Split, SignalError> {
        let hint = "use a longer window, a later test_from or more candles";
        let train_from = self.window.map(|window| {
            let millis = i64::try_from(window.as_millis()).unwrap_or(i64::MAX);
            Timestamp::from_millis(fit.millis().saturating_sub(millis))
        });
        let first = train_from.map_or(0, |from| count_before(pool, from)) as f64;
        let end = count_before(pool, fit) as f64;
        let position = first + (end - first) * (1.0 - self.validation);
        let validate_from = quantile(pool, position / pool.len().max(1) as f64);
        let split = Split::builder()
            .train_from(train_from)
            .validate_from(validate_from.ok_or(few("training", hint))?)
            .test_from(fit)
            .test_until(until)
            .embargo(self.embargo)
            .build();
        split.map_err(|_| few("training", hint))
    }
}

const fn few(part: &'static str, hint: &'static str) -> SignalError {
    SignalError::EmptyPart { part, hint }
}

/// Number of samples decided before a time.
fn count_before(pool: &SampleSet, time: Timestamp) -> usize {
    pool.samples().partition_point(|sample| sample.decided_at < time)
}

/// Start of the next calendar period of `months` months, which divide a year, in UTC.
fn next_period(time: Timestamp, months: i64) -> Option<Timestamp> {
    const DAY: i64 = 86_400_000;
    let month = month_of(time.millis().div_euclid(DAY))?;
    let next = (month.div_euclid(months) + 1) * months;
    first_day(next).checked_mul(DAY).map(Timestamp::from_millis)
}

/// Number of the month of a day since 1970-01-01, counted from January of year 0.
///
/// **Source** Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
fn month_of(day: i64) -> Option<i64> {
    let day = day.checked_add(719_468)?;
    let (era, day) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    // Months of a year that begins in March.
    let month = (5 * day_of_year + 2) / 153;
    Some(12 * (year + 400 * era) + month + 2)
}

/// First day of a month, since 1970-01-01: `days_from_civil` of the same source.
fn first_day(month: i64) -> i64 {
    let (year, month) = ((month - 2).div_euclid(12), (month - 2).rem_euclid(12));
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month + 2) / 5;
    146_097 * era + 365 * year + year / 4 - year / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refit_schedule_follows_the_calendar() {
        let cases = [
            ("2023-12-31 23:59", "2024-01-01", "2024-01-01"),
            ("2024-01-01", "2024-02-01", "2024-04-01"),
            ("2024-02-29 12:00", "2024-03-01", "2024-04-01"),
            ("2024-03-31 23:00", "2024-04-01", "2024-04-01"),
            ("2024-11-15", "2024-12-01", "2025-01-01"),
            ("1969-12-31 23:00", "1970-01-01", "1970-01-01"),
            ("1899-05-03", "1899-06-01", "1899-07-01"),
        ];
        for (fitted, month, quarter) in cases {
            let fitted: Timestamp = fitted.parse().unwrap();
            let due = |schedule: RefitSchedule| {
                schedule.next_after(fitted, Interval::HOUR).unwrap().to_string()[..10].to_string()
            };
            assert_eq!(due(RefitSchedule::Monthly), month);
            assert_eq!(due(RefitSchedule::Quarterly), quarter);
        }
        let fitted: Timestamp = "2024-01-01".parse().unwrap();
        assert_eq!(RefitSchedule::Candles(0).next_after(fitted, Interval::HOUR), None);
        let end = Timestamp::from_millis(i64::MAX);
        for schedule in
            [RefitSchedule::Monthly, RefitSchedule::Quarterly, RefitSchedule::Candles(1)]
        {
            assert_eq!(schedule.next_after(end, Interval::HOUR), None, "{schedule}");
        }
    }

    #[test]
    fn refit_months_of_four_centuries_are_those_of_the_calendar() {
        let mut due: Timestamp = "1799-12-31".parse().unwrap();
        for year in 1800..2200 {
            for month in 1..=12 {
                due = RefitSchedule::Monthly.next_after(due, Interval::HOUR).unwrap();
                assert_eq!(due.to_string(), format!("{year}-{month:02}-01T00:00:00Z"));
            }
        }
    }
}
