//! Section about refits: whether refitting a model paid.
use super::Report;
use super::format::{edge, p_value, percent, thousands};
use super::headline::edge_text;
use super::section::SectionPart;
use super::table::table;
use crate::score::RefitGain;

impl Report {
    pub(crate) fn refits_section(&self) -> Vec<SectionPart> {
        if self.refits.is_empty() {
            return Vec::new();
        }
        let text = "The refitted model against the same model fitted once, at the start of the \
                    test, on the candles after the first refit that both predicted. p is one-sided \
                    and not corrected for the number of models.";
        let rows = self.refits.iter().map(|gain| {
            [
                gain.model.clone(),
                gain.interval.to_string(),
                thousands(gain.refits),
                thousands(gain.scored),
                percent(gain.accuracy),
                percent(gain.fitted_once_accuracy),
                edge(gain.excess_accuracy),
                p_value(gain.excess_accuracy.and_then(|excess| excess.p_value)),
            ]
        });
        let header = [
            "Model",
            "Interval",
            "Refits",
            "Candles",
            "Refitted %",
            "Fitted once %",
            "Difference, points",
            "p",
        ];
        vec![table(2, header, rows).into(), SectionPart::method(text)]
    }

    /// States for each model whether refitting paid, in one sentence per line; `None` under plans
    /// without refits.
    pub fn refit_verdict(&self) -> Option<String> {
        let sentences: Vec<String> =
            self.refits.iter().map(|gain| self.refit_sentence(gain)).collect();
        (!sentences.is_empty()).then(|| sentences.join("\n"))
    }

    fn refit_sentence(&self, gain: &RefitGain) -> String {
        let (model, interval) = (self.model_name(&gain.model), gain.interval);
        let Some(bounds) = gain.excess_accuracy.and_then(|excess| excess.interval_95) else {
            return format!(
                "Whether refitting {model} pays is unknown ({interval}): its predictions after the \
                 first refit are too few, or those of the model fitted once."
            );
        };
        let difference = edge_text(gain.excess_accuracy);
        if bounds.is_above_zero() {
            format!(
                "Refitting {model} pays ({interval}): {difference} against the model fitted once."
            )
        } else if bounds.high < 0.0 && !bounds.few_blocks {
            format!(
                "Refitting {model} costs accuracy ({interval}): {difference} against the model \
                 fitted once."
            )
        } else {
            format!(
                "Refitting {model} makes no statistically significant difference ({interval}): \
                 {difference} against the model fitted once."
            )
        }
    }
}
