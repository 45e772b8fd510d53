//! Rows of numbers over time, looped without end: times rise and counters run on from one round to
//! the next. Knows nothing of files or streams.

/// A looped series.
#[derive(Clone, Debug)]
pub(super) struct Track {
    /// Seconds since the start of the recording, rising.
    times: Vec<f64>,
    /// Each row's distance in counter steps from the first row; more than its index where the
    /// recording itself has lost samples.
    steps: Vec<u64>,
    /// The first row's counter.
    first: u64,
    /// The counter stays below this.
    wrap: u64,
    /// The rows, `width` numbers each.
    cells: Vec<f64>,
    width: usize,
    /// Seconds of one round.
    period: f64,
}

impl Track {
    /// `counters`: as recorded, one a row. `wrap`: how far they are thought to count, corrected if
    /// they count further.
    pub(super) fn new(
        times: Vec<f64>,
        counters: &[u64],
        wrap: u64,
        cells: Vec<f64>,
        period: f64,
    ) -> Self {
        let wrap = counters.iter().map(|counter| counter + 1).fold(wrap.max(1), u64::max);
        let first = counters.first().copied().unwrap_or_default();
        Self {
            width: cells.len() / times.len().max(1),
            steps: unwrapped(counters, wrap),
            times,
            first,
            wrap,
            cells,
            period,
        }
    }

    /// Samples that are missing in the recording, by its own counter.
    pub(super) fn missing(&self) -> u64 {
        (self.span() - self.times.len() as u64).min(self.span())
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
        let steps = self.steps.get(row).copied().unwrap_or_default();
        ((self.first + round * self.span() + steps) % self.wrap, self.row(row))
    }

    /// The newest row at a time; the first one before there is any.
    pub(super) fn newest(&self, time: f64) -> &[f64] {
        let (_, within) = self.round(time);
        let after = self.times.partition_point(|&at| at <= within);
        self.row(after.saturating_sub(1))
    }

    fn row(&self, row: usize) -> &[f64] {
        self.cells.get(row * self.width..(row + 1) * self.width).unwrap_or_default()
    }

    /// Counter steps of one round.
    fn span(&self) -> u64 {
        self.steps.last().map_or(1, |last| last + 1)
    }

    fn place(&self, index: u64) -> (u64, usize) {
        let rows = (self.times.len() as u64).max(1);
        (index / rows, usize::try_from(index % rows).unwrap_or_default())
    }

    fn round(&self, time: f64) -> (u64, f64) {
        let (round, _) = crate::sim::noise::slot(time / self.period + 1e-12);
        (round, (round as f64).mul_add(-self.period, time))
    }
}

/// Distances from the first counter, wraps undone.
pub(super) fn unwrapped(counters: &[u64], wrap: u64) -> Vec<u64> {
    let mut steps = 0;
    let mut before = counters.first().copied().unwrap_or_default();
    counters
        .iter()
        .map(|&counter| {
            steps += (counter + wrap - before % wrap) % wrap;
            before = counter;
            steps
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_follow_one_another_without_a_seam() {
        let counters = [126, 127, 0, 2];
        let track = Track::new(
            vec![0.0, 1.0, 2.0, 4.0],
            &counters,
            128,
            (0..4).map(f64::from).collect(),
            5.0,
        );
        assert_eq!(track.missing(), 1);
        let samples: Vec<_> =
            (0..9).map(|index| (track.time(index), track.sample(index))).collect();
        let times: Vec<f64> = samples.iter().map(|(time, _)| *time).collect();
        assert_eq!(times, [0.0, 1.0, 2.0, 4.0, 5.0, 6.0, 7.0, 9.0, 10.0]);
        let counted: Vec<u64> = samples.iter().map(|(_, (counter, _))| *counter).collect();
        assert_eq!(counted, [126, 127, 0, 2, 3, 4, 5, 7, 8]);
        for (index, time) in (0..).zip(times) {
            assert_eq!(track.index_at(time), index);
            assert_eq!(track.index_at(time - 0.5), index);
            assert_eq!(track.newest(time + 0.1), track.sample(index).1);
        }
    }
}
