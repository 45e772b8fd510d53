//! Finds rows that stand in the file already, as where a file was appended to itself: the time runs back
//! to one that was, and what follows is the same.

use cortop_files::row::Row;

use super::store::Store;

/// Rows of one time stamp that are compared, and searches without a find after which there are no more.
const SAME_STAMP: usize = 512;
const SEARCHES: u32 = 1000;

/// Compares rows with those before, of which the first numbers are time stamps.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    /// The stored row that the next one is the same as, within a repeated block.
    next: Option<usize>,
    /// Searches that found nothing.
    futile: u32,
    stored: Vec<f64>,
}

impl Repeats {
    /// Whether a row stands among those that are stored; `before`: the time stamp of the last of them.
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

    /// Whether a row is the stored one. Within a repeated block, values that could not be read may have
    /// been filled in otherwise.
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
