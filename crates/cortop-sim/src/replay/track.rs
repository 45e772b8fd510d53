//! Rows of numbers over time, looped without end: times rise and counters run on from one round to
//! the next. Knows nothing of files or streams.

use crate::noise::slot;

/// A counter that runs on from round to round.
#[derive(Clone, Debug)]
pub(super) struct Counter {
    first: u64,
    /// The counter stays below this.
    wrap: u64,
    /// Each row's distance from the first row; more than its index where the recording itself has
    /// lost samples.
    steps: Vec<u64>,
}

impl Counter {
    /// As recorded, one a row. `wrap`: how far it is thought to count, corrected if it counts
    /// further.
    pub(super) fn recorded(counted: &[u64], wrap: u64) -> Self {
        let wrap = counted.iter().map(|counter| counter + 1).fold(wrap.max(1), u64::max);
        let first = counted.first().copied().unwrap_or_default();
        let (mut before, mut distance) = (first, 0);
        let steps = counted.iter().map(|&counter| {
            distance += (counter + wrap - before) % wrap;
            before = counter;
            distance
        });
        Self { first, wrap, steps: steps.collect() }
    }

    /// One by one from 0, for a recording without a counter.
    pub(super) fn made_up(rows: usize, wrap: u64) -> Self {
        Self { first: 0, wrap: wrap.max(1), steps: (0..rows as u64).collect() }
    }

    /// The distances of the rows from the first one.
    pub(super) fn steps(&self) -> &[u64] {
        &self.steps
    }

    /// Samples that are missing in the recording.
    pub(super) fn missing(&self) -> u64 {
        self.span().saturating_sub(self.steps.len() as u64)
    }

    /// Steps of one round.
    fn span(&self) -> u64 {
        self.steps.last().map_or(1, |last| last + 1)
    }

    fn at(&self, round: u64, row: usize) -> u64 {
        let step = self.steps.get(row).copied().unwrap_or_default();
        (self.first + round * self.span() + step) % self.wrap
    }
}

/// A looped series.
#[derive(Clone, Debug)]
pub(super) struct Track {
    /// Seconds since the start of the recording, rising.
    times: Vec<f64>,
    counter: Counter,
    /// The rows, `width` numbers each.
    cells: Vec<f64>,
    width: usize,
    /// Seconds of one round.
    period: f64,
}

impl Track {
    pub(super) fn new(times: Vec<f64>, counter: Counter, cells: Vec<f64>, period: f64) -> Self {
        Self { width: cells.len() / times.len().max(1), times, counter, cells, period }
    }

    /// Samples that are missing in the recording.
    pub(super) fn missing(&self) -> u64 {
        self.counter.missing()
    }

    /// When sample `index` was measured.
    pub(super) fn time(&self, index: u64) -> f64 {
        let (round, row) = self.place(index);
        let within = self.times.get(row).copied().unwrap_or_default();
        (round as f64).mul_add(self.period, within)
    }

    /// The first sample at or after a time.
    pub(super) fn index_at(&self, time: f64) -> u64 {
        let (round, within) = self.round(time);
        let row = self.times.partition_point(|&at| at < within - 1e-6);
        round * self.times.len() as u64 + row as u64
    }

    /// The counter of a sample and its row.
    pub(super) fn sample(&self, index: u64) -> (u64, &[f64]) {
        let (round, row) = self.place(index);
        (self.counter.at(round, row), self.row(row))
    }

    /// The newest row at a time; the first one before there is any.
    pub(super) fn newest(&self, time: f64) -> &[f64] {
        let (_, within) = self.round(time);
        let after = self.times.partition_point(|&at| at <= within);
        self.row(after.saturating_sub(1))
    }

    /// The row that a sample comes from.
    pub(super) fn row_of(&self, index: u64) -> usize {
        self.place(index).1
    }

    fn row(&self, row: usize) -> &[f64] {
        self.cells.get(row * self.width..(row + 1) * self.width).unwrap_or_default()
    }

    fn place(&self, index: u64) -> (u64, usize) {
        let rows = (self.times.len() as u64).max(1);
        (index / rows, usize::try_from(index % rows).unwrap_or_default())
    }

    fn round(&self, time: f64) -> (u64, f64) {
        let (round, _) = slot(time / self.period + 1e-12);
        (round, (round as f64).mul_add(-self.period, time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_follow_one_another_without_a_seam() {
        let counter = Counter::recorded(&[126, 127, 0, 2], 128);
        let cells = (0..4).map(f64::from).collect();
        let track = Track::new(vec![0.0, 1.0, 2.0, 4.0], counter, cells, 5.0);
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
            assert_eq!(track.newest(time + 0.1), track.sample(index).1);
        }
    }
}
