//! Detects rows that the file already contains, as when a file was appended to itself: the time
//! returns to an earlier one, and what follows is the same.

use cortop_files::row::Row;

use super::store::Store;

/// How many rows with the same time stamp are compared, and after how many fruitless searches to
/// give up.
const SAME_STAMP: usize = 512;
const SEARCHES: u32 = 1000;

/// Compares rows with earlier ones, in which the first number is the time stamp.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    /// Within a repeated block: the stored row that should equal the next one.
    next: Option<usize>,
    /// Fruitless searches so far.
    futile: u32,
    stored: Vec<f64>,
}

impl Repeats {
    /// Whether a row is among those stored; `before`: the time stamp of the last of them.
    pub(super) fn is_repeated(&mut self, row: &Row, before: Option<f64>, rows: &Store) -> bool {
        let Some(time) = row.time.filter(|_| !row.eeg.is_empty()) else {
            return self.next.is_some() && row.eeg.is_empty();
        };
        if let Some(next) = self.next.take()
            && self.is_same(row, time, next, rows, true)
        {
            self.next = Some(next + 1).filter(|next| *next < rows.len());
            return true;
        }
        if before.is_none_or(|before| time >= before) || self.futile >= SEARCHES {
            return false;
        }
        let first = rows.first_at(time);
        for own in first..rows.len().min(first + SAME_STAMP) {
            rows.copy_row(own, &mut self.stored);
            if self.stored.first() != Some(&time) {
                break;
            }
            if self.is_same(row, time, own, rows, false) {
                self.next = Some(own + 1).filter(|next| *next < rows.len());
                return true;
            }
        }
        self.futile += 1;
        false
    }

    /// Whether a row equals a stored one. Within a repeated block, unreadable values may have been
    /// filled in differently.
    fn is_same(&mut self, row: &Row, time: f64, own: usize, rows: &Store, within: bool) -> bool {
        rows.copy_row(own, &mut self.stored);
        let [stamp, counter, _, _, cells @ ..] = self.stored.as_slice() else { return false };
        let same = |a: f64, b: f64| a.total_cmp(&b).is_eq() || a.is_nan() && b.is_nan();
        let own_counter = row.counter.map_or(f64::NAN, |own| own as f64);
        let is_equal = || row.eeg.iter().zip(cells).all(|(a, b)| same(*a, *b));
        same(*stamp, time)
            && same(*counter, own_counter)
            && (within && row.interpolated || is_equal())
    }
}
