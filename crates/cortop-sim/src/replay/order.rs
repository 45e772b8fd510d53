//! Restores the order of rows that were swapped on their way into the file.

use std::collections::VecDeque;

use cortop_files::row::Row;

/// Rows held back until it is certain that none belongs before them.
const HELD: usize = 8;
/// From this many consecutive moves on, it is not just a disturbed order.
const TOO_MANY: usize = HELD / 2;
/// By how much a counter drops at least where it wraps.
const FALL: u64 = 2 * HELD as u64;

/// Holds the last few rows. A row whose counter and time belong between two of them is inserted
/// there.
#[derive(Debug, Default)]
pub(super) struct RowOrder {
    held: VecDeque<Row>,
    /// The time and the counter of the last EEG row returned.
    before: Option<(Option<f64>, Option<u64>)>,
    /// How many rows were moved, and how many of the most recent ones in a row.
    pub(super) moved: u64,
    in_succession: usize,
}

impl RowOrder {
    /// Takes a row and returns the next one in order in its place; `false` if there is none yet.
    pub(super) fn push(&mut self, row: &mut Row) -> bool {
        let place = self.place(row);
        let own = std::mem::take(row);
        if self.in_succession < TOO_MANY {
            self.in_succession = if place < self.held.len() { self.in_succession + 1 } else { 0 };
        }
        if place < self.held.len() && self.in_succession < TOO_MANY {
            self.moved += 1;
            self.held.insert(place, own);
            // Their positions in the file stay unchanged.
            let moved = || self.held.range(place..).filter(|row| !row.eeg.is_empty());
            let mut places: Vec<_> = moved().map(|row| row.place).collect();
            places.rotate_left(1);
            let moved = self.held.range_mut(place..).filter(|row| !row.eeg.is_empty());
            moved.zip(places).for_each(|(row, own)| row.place = own);
        } else {
            self.held.push_back(own);
        }
        if self.held.len() <= HELD {
            return false;
        }
        self.pop().is_some_and(|first| {
            *row = first;
            true
        })
    }

    /// The next of the rows held.
    pub(super) fn pop(&mut self) -> Option<Row> {
        let row = self.held.pop_front()?;
        if !row.eeg.is_empty() {
            self.before = Some((row.time, row.counter));
        }
        Some(row)
    }

    /// Where a row belongs among those held.
    fn place(&self, row: &Row) -> usize {
        let end = self.held.len();
        let own = (row.time, row.counter);
        if row.eeg.is_empty() {
            return end;
        }
        let mut place = end;
        let rows = self.held.iter().enumerate().rev().filter(|(_, held)| !held.eeg.is_empty());
        for (index, held) in rows {
            let held = (held.time, held.counter);
            if !precedes(own, held) {
                return if place < end && precedes(held, own) { place } else { end };
            }
            place = index;
        }
        let first = self.held.get(place).and_then(|held| held.counter);
        let fits = match self.before {
            Some(before) => precedes(before, own),
            // At the start of the file, only the next row shows it.
            None => own.1.zip(first).is_some_and(|(own, first)| own + 1 == first),
        };
        if fits { place } else { end }
    }
}

/// Whether a row with this time and counter comes shortly before another.
fn precedes(
    (time, counter): (Option<f64>, Option<u64>),
    (other_time, other): (Option<f64>, Option<u64>),
) -> bool {
    let near = counter.zip(other).is_some_and(|(own, other)| match other.checked_sub(own) {
        Some(ahead) => (1..=HELD as u64).contains(&ahead),
        None => other < HELD as u64 && own - other >= FALL,
    });
    near && time.zip(other_time).is_none_or(|(own, other)| own <= other)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The counters in the order in which rows are returned, and how many rows were moved.
    fn ordered(rows: &[(f64, u64)]) -> (Vec<u64>, u64) {
        let (mut order, mut found) = (RowOrder::default(), Vec::new());
        for (place, (time, counter)) in (0..).zip(rows) {
            let mut row = Row {
                time: Some(*time).filter(|own| own.is_finite()),
                counter: Some(*counter),
                place,
                eeg: vec![1.0],
                ..Row::default()
            };
            if order.push(&mut row) {
                found.push(row);
            }
        }
        while let Some(row) = order.pop() {
            found.push(row);
        }
        assert!((0..).zip(&found).all(|(place, row)| row.place == place), "{found:?}");
        (found.iter().filter_map(|row| row.counter).collect(), order.moved)
    }

    #[test]
    fn rows_that_changed_places_are_put_in_order_with_or_without_times() {
        let rows = |counters: &[u64], is_timed: bool| -> Vec<_> {
            let time = |own: u64| if is_timed { (own + 100) as f64 % 128.0 } else { f64::NAN };
            counters.iter().map(|own| (time(*own), *own)).collect()
        };
        let sorted: Vec<u64> = (120..128).chain(0..20).collect();
        for is_timed in [true, false] {
            for (from, to, moved) in [(5, 8, 1), (6, 9, 1), (7, 10, 1), (12, 14, 1), (0, 3, 1)] {
                // The first of the rows comes last, or the last one first.
                let mut counters = sorted.clone();
                counters[from..to].rotate_left(1);
                assert_eq!(ordered(&rows(&counters, is_timed)), (sorted.clone(), moved));
            }
            let mut counters = sorted.clone();
            counters[10..13].rotate_right(1);
            assert_eq!(ordered(&rows(&counters, is_timed)), (sorted.clone(), 2));
        }
    }

    #[test]
    fn clocks_that_were_set_and_losses_leave_the_order_alone() {
        let own: Vec<u64> = (0..20).collect();
        let back = |row: &u64| (*row as f64 - if *row > 9 { 3.0 } else { 0.0 }, *row);
        assert_eq!(ordered(&own.iter().map(back).collect::<Vec<_>>()), (own, 0));
        let lost: Vec<u64> = [0, 1, 2, 5, 6, 9, 127, 3, 4].into();
        let timed: Vec<_> = (0..).zip(&lost).map(|(time, own)| (f64::from(time), *own)).collect();
        assert_eq!(ordered(&timed), (lost, 0));
    }
}
