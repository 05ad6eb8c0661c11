//! Values of the tested rows of a run, such as their regimes.
use std::collections::BTreeMap;

use windvane_candles::Interval;

use super::fold::Fold;
use crate::score::Record;

/// Interval, number of the fold, and instrument.
type Place = (Interval, usize, usize);

/// A value for each row of every instrument of a fold, from its first tested row to its last.
#[derive(Debug)]
pub(super) struct TestedRows<T> {
    /// First row, and the values from it on.
    places: BTreeMap<Place, (usize, Vec<T>)>,
}

/// Values of the tested rows of an instrument of a fold.
pub(super) struct RowsOfFold<T> {
    place: Place,
    first: usize,
    values: Vec<T>,
}

impl<T> RowsOfFold<T> {
    /// Places the values of the tested rows of a table of the fold.
    pub(super) fn new(fold: &Fold<'_>, table: usize, values: Vec<T>) -> Self {
        let place = (fold.interval(), fold.number, fold.group.members[table]);
        Self { place, first: fold.tested_rows(table).start, values }
    }
}

impl<T> FromIterator<RowsOfFold<T>> for TestedRows<T> {
    fn from_iter<I: IntoIterator<Item = RowsOfFold<T>>>(all: I) -> Self {
        let all = all.into_iter();
        Self { places: all.map(|own| (own.place, (own.first, own.values))).collect() }
    }
}

impl<T: Copy> TestedRows<T> {
    /// Value of the row of a record; `None` in a fold without values.
    pub(super) fn of(&self, record: &Record) -> Option<T> {
        let (first, values) =
            self.places.get(&(record.interval, record.fold, record.instrument))?;
        values.get(record.row.checked_sub(*first)?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::testing::mostly_right;

    #[test]
    fn tested_rows_give_a_record_the_value_of_its_row() {
        let record = mostly_right(1)[0];
        let place = |fold| (record.interval, fold, record.instrument);
        let own = (place(record.fold), 7, vec!['a', 'b', 'c']);
        let of_another_fold = (place(record.fold + 1), 0, vec!['x'; 20]);
        let parts = [own, of_another_fold];
        let parts = parts.map(|(place, first, values)| RowsOfFold { place, first, values });
        let rows: TestedRows<char> = parts.into_iter().collect();
        let at = |row| rows.of(&Record { row, ..record });
        assert_eq!([6, 7, 8, 9, 10].map(at), [None, Some('a'), Some('b'), Some('c'), None]);
    }
}
