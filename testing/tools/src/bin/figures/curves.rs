//! Figures of the learning rate schedules and of the calibration.
use windvane::models::Calibration;
use windvane::models::train::TrainConfig;
use windvane::models::v31;

use super::chart::{ChartAxis, ChartLine, LineChart};
use super::signals::number;
use super::{Error, Figure, ink};

/// Draws the learning rate of every training configuration over the epochs.
pub(crate) fn schedules() -> Result<Figure, Error> {
    let line = |ink, training: TrainConfig, at, name: &str| {
        let rate = |step: i32| {
            let epoch = f64::from(step) / 20.0;
            (epoch, 1e3 * training.schedule.learning_rate(training.learning_rate, epoch))
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_possible_wrap,
            reason = "30 epochs"
        )]
        let steps = 20 * training.epochs as i32;
        let points = (0..steps).map(rate).collect();
        ChartLine { name: Some((at, name.to_string())), ..ChartLine::new(ink, points) }
    };
    let lines = vec![
        line(ink::BLUE, TrainConfig::default(), (1.6, 5.4), "default"),
        line(ink::ORANGE, v31::learner().training, (2.0, 3.4), "v3.1"),
        line(ink::GREEN, TrainConfig::original(), (12.5, 6.4), "original, SGD"),
    ];
    let x = ChartAxis { ends: 0.0..30.0, ticks: 16, text: number, label: "epochs" };
    let y = ChartAxis { ends: 0.0..10.5, ticks: 6, text: number, label: "learning rate, 1e−3" };
    Ok(("schedules".to_string(), LineChart { size: (760, 250), x, y, lines }.svg()?))
}

/// Draws P(UP) after the exponent of the calibration over P(UP) before it.
pub(crate) fn calibration() -> Result<Figure, Error> {
    let line = |ink, exponent, at, name: &str| -> Result<ChartLine, Error> {
        let calibration = Calibration::new(1.0, 0.0)?.with_exponent(exponent)?;
        let point = |step: u8| {
            let before = 0.3 + 0.004 * f32::from(step);
            let [up, ..] = calibration.probabilities([(before / (1.0 - before)).ln(), 0.0, -60.0]);
            (f64::from(100.0 * before), f64::from(100.0 * up))
        };
        let points = (0..=100).map(point).collect();
        Ok(ChartLine { name: Some((at, name.to_string())), ..ChartLine::new(ink, points) })
    };
    let lines = vec![
        line(ink::RULE, 1.0, (30.8, 27.5), "b = 1")?,
        line(ink::BLUE, 2.0, (58.5, 70.0), "b = 2")?,
        line(ink::ORANGE, 0.5, (31.0, 40.0), "b = 0.5")?,
    ];
    let percent = |value: f64| format!("{value} %");
    let label = "P(UP) of the network";
    let x = ChartAxis { ends: 30.0..70.0, ticks: 9, text: percent, label };
    let y = ChartAxis { ends: 24.0..76.0, ticks: 6, text: percent, label: "calibrated" };
    Ok(("calibration".to_string(), LineChart { size: (560, 300), x, y, lines }.svg()?))
}
