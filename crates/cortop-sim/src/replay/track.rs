//! Rows of numbers over time, looped without end: times rise and counters run on from one round to
//! the next. Knows nothing of files or streams.

use crate::noise::slot;

/// A counter that runs on from round to round.
#[derive(Clone, Debug)]
pub(super) struct ReplayedCounter {
    first: u64,
    /// The counter stays below this.
    wrap: u64,
    /// Each row's distance from the first row; more than its index where the recording itself has
    /// lost samples.
    steps: Vec<u64>,
}

impl ReplayedCounter {
    /// As recorded, one a row. `rate`: how far it is thought to count, where it does not wrap.
    pub(super) fn recorded(counted: &[u64], rate: u64) -> Self {
        let wrap = wrap_of(counted, rate);
        let first = counted.first().copied().unwrap_or_default();
        let (mut before, mut distance) = (first, 0);
        let steps = counted.iter().map(|&counter| {
            distance += (counter + wrap - before) % wrap;
            before = counter;
            distance
        });
        Self { first, wrap, steps: steps.collect() }
    }

    /// For a recording without a counter: counts from 0, each row as far as it stands from the
    /// first.
    pub(super) fn made_up(places: &[u64], wrap: u64) -> Self {
        let first = places.first().copied().unwrap_or_default();
        let steps = places.iter().map(|place| place - first).collect();
        Self { first: 0, wrap: wrap.max(1), steps }
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

/// Below what a counter stays: where it falls again and again from one value to 0, above that one;
/// else what counters are known to stay below (§5.2).
fn wrap_of(counted: &[u64], rate: u64) -> u64 {
    let most = counted.iter().copied().max().unwrap_or_default();
    let falls = counted.windows(2).filter_map(|pair| match pair {
        [before, after] if after < before => Some((*before, *after)),
        _ => None,
    });
    let falls: Vec<_> = falls.collect();
    if falls.len() > 1 && falls.iter().all(|fall| *fall == (most, 0)) {
        return most + 1;
    }
    let mut usual = [rate, 128, 129, 256];
    usual.sort_unstable();
    let above = usual.into_iter().find(|wrap| *wrap > most && !falls.is_empty());
    above.unwrap_or_else(|| rate.max(most + 1)).max(1)
}

/// A series, looped unless it plays once.
#[derive(Clone, Debug)]
pub(super) struct Track {
    /// Seconds since the start of the recording, rising.
    times: Vec<f64>,
    counter: ReplayedCounter,
    /// The rows, `width` numbers each.
    cells: Vec<f64>,
    width: usize,
    /// Seconds of one round.
    period: f64,
    /// It ends with its last row.
    once: bool,
}

impl Track {
    pub(super) fn new(
        times: Vec<f64>,
        counter: ReplayedCounter,
        cells: Vec<f64>,
        period: f64,
    ) -> Self {
        let width = cells.len() / times.len().max(1);
        Self { width, times, counter, cells, period, once: false }
    }

    /// The same, played once.
    pub(super) fn once(self) -> Self {
        Self { once: true, ..self }
    }

    /// Whether there is nothing at a time any more.
    pub(super) fn is_over(&self, time: f64) -> bool {
        self.times.is_empty() || self.once && time >= self.period
    }

    /// Samples that are missing in the recording.
    pub(super) fn missing(&self) -> u64 {
        self.counter.missing()
    }

    /// When sample `index` was measured; never, if there is no such sample.
    pub(super) fn time(&self, index: u64) -> f64 {
        let (round, row) = self.place(index);
        if self.times.is_empty() || self.once && round > 0 {
            return f64::INFINITY;
        }
        let within = self.times.get(row).copied().unwrap_or_default();
        (round as f64).mul_add(self.period, within)
    }

    /// The first sample at or after a time.
    pub(super) fn index_at(&self, time: f64) -> u64 {
        let (round, within) = if self.once { (0, time) } else { self.round(time) };
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
        let (_, within) = if self.once { (0, time) } else { self.round(time) };
        let after = self.times.partition_point(|&at| at <= within);
        self.row(after.saturating_sub(1))
    }

    /// The round and the row that a sample comes from.
    pub(super) fn position(&self, index: u64) -> (u64, usize) {
        self.place(index)
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
    fn a_counter_may_wrap_anywhere() {
        let count = |wrap: u64| (0..600).map(move |index| index % wrap).collect::<Vec<u64>>();
        for (counted, rate, missing) in [
            (count(128), 256, 0),
            (count(256), 256, 0),
            (count(129), 128, 0),
            (count(100), 128, 0),
            (count(128), 250, 0),
            // One sample is lost where it wraps.
            (vec![125, 126, 0, 1], 128, 1),
            (vec![5, 6, 8], 128, 1),
        ] {
            assert_eq!(
                ReplayedCounter::recorded(&counted, rate).missing(),
                missing,
                "{rate} {missing}"
            );
        }
    }

    #[test]
    fn what_plays_once_ends_with_its_last_row() {
        let counter = ReplayedCounter::made_up(&[0, 1, 2], 128);
        let track = Track::new(vec![0.0, 1.0, 2.0], counter, vec![1.0, 2.0, 3.0], 3.0).once();
        assert_eq!((track.time(2), track.time(3)), (2.0, f64::INFINITY));
        assert_eq!(track.index_at(100.0), 3);
        assert!(track.is_over(3.0) && !track.is_over(2.9));
    }

    #[test]
    fn rounds_follow_one_another_without_a_seam() {
        let counter = ReplayedCounter::recorded(&[126, 127, 0, 2], 128);
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
