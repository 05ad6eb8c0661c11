//! Memory budget of a fit or a backtest, and the place of the table values that follows from it.
use std::fmt;
use std::str::FromStr;

use windvane::models::ModelId;
use windvane::prelude::*;
use windvane::signals::{Sample, TableStore};

use crate::Error;
use crate::output::{note, thousands};

/// Bytes of a process without candles: program, threads, a file that is read.
const BASE: u64 = 96 << 20;

/// Memory budget, such as 8GiB.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct MemoryBudget(u64);

/// Candles and channels that the memory depends on.
pub(crate) struct MemoryNeed<'a> {
    /// Number of candles.
    pub(crate) candles: usize,
    /// Number of channels.
    pub(crate) width: usize,
    /// Bytes per candle beside the candle, its sample and the values of the tables.
    pub(crate) row: usize,
    /// Model that reads windows at random, which needs the values in memory.
    pub(crate) random_reader: Option<&'a ModelId>,
}

impl FromStr for MemoryBudget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit: u64 = match &text[number.len()..] {
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "TiB" => 1 << 40,
            _ => return Err("give MiB, GiB or TiB, such as 8GiB".to_string()),
        };
        let number = number.parse::<f64>().ok().filter(|number| *number > 0.0);
        let number = number.ok_or("give a number above 0, such as 8GiB or 1.5GiB")?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let bytes = (number * unit as f64) as u64;
        Ok(Self(bytes))
    }
}

/// Shows the size in GiB, rounded up to a hundredth.
impl fmt::Display for MemoryBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2}GiB", (self.0 as f64 / f64::from(1 << 30) * 100.0).ceil() / 100.0)
    }
}

impl MemoryBudget {
    /// Checks the candles read so far: a fit needs at least their memory and that of the samples.
    ///
    /// # Errors
    /// More memory than the budget, with an estimate for all pairs.
    pub(crate) fn check_read(
        self,
        candles: usize,
        (read, pairs): (usize, usize),
    ) -> Result<(), String> {
        let row = size_of::<Candle>() + size_of::<Sample>();
        let needed = memory(candles, row);
        if needed.0 <= self.0 {
            return Ok(());
        }
        let all = memory(candles / read.max(1) * pairs, row);
        Err(format!(
            "--memory {self}: the {} candles of {read} of {pairs} pairs need at least {needed}, those \
             of all pairs about {all}; give more memory or fewer candles",
            thousands(candles)
        ))
    }

    /// Returns the store of the table values: memory if everything fits the budget, else a temporary
    /// file.
    ///
    /// # Errors
    /// A budget that is too small, with the memory that is needed, and a file that cannot be created.
    pub(crate) fn store(self, need: &MemoryNeed<'_>) -> Result<TableStore, Error> {
        let MemoryNeed { candles, width, row, random_reader } = *need;
        let own = row.saturating_add(size_of::<Candle>() + size_of::<Sample>());
        let in_file = memory(candles, own);
        let in_memory = memory(candles, own.saturating_add(width * size_of::<f64>()));
        if in_memory.0 <= self.0 {
            return Ok(TableStore::memory());
        }
        let text =
            format!("--memory {self}: {} candles with {width} channels need", thousands(candles));
        if let Some(model) = random_reader {
            return Err(format!(
                "{text} at least {in_memory}, because {model} reads windows at random and holds the \
                 table values in memory; give more memory or fewer candles, or choose v2, the \
                 logistic regression, a network or an ensemble of them"
            )
            .into());
        }
        if in_file.0 > self.0 {
            return Err(format!(
                "{text} {in_file} with the table values in a temporary file, and {in_memory} without; \
                 give more memory or fewer candles"
            )
            .into());
        }
        let folder = std::env::temp_dir();
        note(format_args!(
            "note: the table values ({}) are in a temporary file in {}",
            Self((candles * width * size_of::<f64>()) as u64),
            folder.display()
        ));
        Ok(TableStore::file(folder)?)
    }
}

/// Memory of some candles with a number of bytes each.
fn memory(candles: usize, row: usize) -> MemoryBudget {
    MemoryBudget((candles as u64).saturating_mul(row as u64).saturating_add(BASE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(text: &str) -> MemoryBudget {
        text.parse().unwrap()
    }

    #[test]
    fn memory_budget_parses_binary_units() {
        assert_eq!(budget("8GiB"), MemoryBudget(8 << 30));
        assert_eq!(budget("1.5GiB"), MemoryBudget(3 << 29));
        assert_eq!(budget("512MiB").to_string(), "0.50GiB");
        for text in ["", "8", "GiB", "-1GiB", "8GB", "0GiB", "NaNGiB"] {
            assert!(text.parse::<MemoryBudget>().is_err(), "{text}");
        }
    }

    #[test]
    fn memory_budget_refuses_and_names_the_need() {
        let trees = ModelId::new("trees");
        let store = |text: &str, random_reader| {
            let need = MemoryNeed { candles: 43_200_000, width: 6, row: 9, random_reader };
            budget(text).store(&need).map(|_| ()).map_err(|error| error.to_string())
        };
        // 43.2 million × (48 + 32 + 9) bytes + 96 MiB; the values are 1.94 GiB more.
        assert!(store("6GiB", None).is_ok());
        let error = store("3GiB", None).unwrap_err();
        assert!(error.contains("43,200,000 candles with 6 channels need 3.68GiB"), "{error}");
        assert!(error.contains("5.61GiB without"), "{error}");
        let error = store("5GiB", Some(&trees)).unwrap_err();
        assert!(error.contains("trees reads windows at random"), "{error}");
        assert!(error.contains("choose v2, the logistic regression, a network"), "{error}");
    }
}
