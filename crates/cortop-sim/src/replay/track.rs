//! A time series in an endless loop: times increase and counters continue from one round to the
//! next. Independent of files and streams.

use std::ops::Deref;

use super::{
    counter::ReplayedCounter,
    store::{Store, StoredRow},
};
use crate::noise::slot;

/// How many numbers of a row precede its cells: its time, its distance from the first row, and what
/// it belongs to.
pub(super) const BEFORE_CELLS: usize = 3;

/// A time series, looped unless it plays once.
#[derive(Debug)]
pub(super) struct Track {
    rows: Store,
    counter: ReplayedCounter,
    /// Steps of one round: more than its rows if samples are missing in the recording.
    span: u64,
    /// Duration of one round in seconds.
    period: f64,
    /// Whether it ends with its last row.
    once: bool,
}

/// The cells of a row.
#[derive(Clone, Debug)]
pub(super) struct RecordedCells(StoredRow);

impl Deref for RecordedCells {
    type Target = [f64];

    fn deref(&self) -> &[f64] {
        self.0.get(BEFORE_CELLS..).unwrap_or_default()
    }
}

impl Track {
    /// From rows whose first number is their time since the start and whose second is their
    /// distance from the first row; both increase.
    pub(super) fn new(rows: Store, counter: ReplayedCounter, period: f64, once: bool) -> Self {
        let last = rows.row(rows.len().saturating_sub(1));
        let (last, _) = slot(last.get(1).copied().unwrap_or_default());
        Self { rows, counter, span: last + 1, period, once }
    }

    /// Duration of one round in seconds.
    #[cfg(test)]
    pub(super) fn period(&self) -> f64 {
        self.period
    }

    /// Whether the series has ended at a time.
    pub(super) fn is_over(&self, time: f64) -> bool {
        self.rows.len() == 0 || self.once && time >= self.period
    }

    /// Samples missing in the recording.
    pub(super) fn missing(&self) -> u64 {
        self.span.saturating_sub(self.rows.len() as u64)
    }

    /// When sample `index` was measured; infinite if there is no such sample.
    pub(super) fn time(&self, index: u64) -> f64 {
        let (round, row) = self.position(index);
        if self.rows.len() == 0 || self.once && round > 0 {
            return f64::INFINITY;
        }
        (round as f64).mul_add(self.period, self.time_of_row(row))
    }

    /// When a row was measured within a round.
    pub(super) fn time_of_row(&self, row: usize) -> f64 {
        self.rows.row(row).first().copied().unwrap_or_default()
    }

    /// The first sample at or after a time.
    pub(super) fn index_at(&self, time: f64) -> u64 {
        let (round, within) = if self.once { (0, time) } else { self.round(time) };
        round * self.rows.len() as u64 + self.row_at(within) as u64
    }

    /// The first row at or after a time within a round.
    pub(super) fn row_at(&self, within: f64) -> usize {
        self.rows.first_at(within - 1e-6)
    }

    /// The counter of a sample and its row.
    pub(super) fn sample(&self, index: u64) -> (u64, RecordedCells) {
        let (round, row) = self.position(index);
        let row = self.rows.row(row);
        let (step, _) = slot(row.get(1).copied().unwrap_or_default());
        let counted = self.counter.first + round * self.span + step;
        (counted % self.counter.wrap.max(1), RecordedCells(row))
    }

    /// The newest row at a time; the first one before there is any.
    pub(super) fn newest(&self, time: f64) -> RecordedCells {
        let (_, within) = if self.once { (0, time) } else { self.round(time) };
        let after = self.rows.first_at(within.next_up());
        RecordedCells(self.rows.row(after.saturating_sub(1)))
    }

    /// The round and the row that a sample comes from.
    pub(super) fn position(&self, index: u64) -> (u64, usize) {
        let rows = (self.rows.len() as u64).max(1);
        (index / rows, usize::try_from(index % rows).unwrap_or_default())
    }

    fn round(&self, time: f64) -> (u64, f64) {
        let (round, _) = slot(time / self.period + 1e-12);
        (round, (round as f64).mul_add(-self.period, time))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::counter::Steps, *};

    fn track(rows: &[(f64, u64)], counter: Option<u64>, period: f64, once: bool) -> Track {
        let mut store = Store::new(BEFORE_CELLS + 1);
        let mut steps = Steps::new(counter);
        for (index, (time, counter)) in (0..).zip(rows) {
            let distance = steps.next(*counter as f64, index);
            store.push([*time, distance as f64, 0.0, index as f64]).unwrap();
        }
        store.close_block().unwrap();
        Track::new(store, steps.counter(128), period, once)
    }

    #[test]
    fn what_plays_once_ends_with_its_last_row() {
        let track = track(&[(0.0, 0), (1.0, 1), (2.0, 2)], None, 3.0, true);
        assert_eq!((track.time(2), track.time(3)), (2.0, f64::INFINITY));
        assert_eq!(track.index_at(100.0), 3);
        assert!(track.is_over(3.0) && !track.is_over(2.9));
    }

    #[test]
    fn rounds_follow_one_another_without_a_seam() {
        let track = track(&[(0.0, 126), (1.0, 127), (2.0, 0), (4.0, 2)], Some(128), 5.0, false);
        assert_eq!(track.missing(), 1);
        let samples: Vec<_> =
            (0..9).map(|index| (track.time(index), track.sample(index))).collect();
        let times: Vec<f64> = samples.iter().map(|(time, _)| *time).collect();
        assert_eq!(times, [0.0, 1.0, 2.0, 4.0, 5.0, 6.0, 7.0, 9.0, 10.0]);
        let counters: Vec<u64> = samples.iter().map(|(_, (counter, _))| *counter).collect();
        assert_eq!(counters, [126, 127, 0, 2, 3, 4, 5, 7, 8]);
        for (index, time) in (0..).zip(times) {
            assert_eq!(track.index_at(time), index);
            assert_eq!(track.index_at(time - 0.5), index);
            assert_eq!(*track.newest(time + 0.1), *track.sample(index).1);
        }
    }
}
