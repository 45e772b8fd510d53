//! The envelope: min, max, first and last (M4) of the samples in each bin of absolute sample
//! indices (signal.md, "Downsampling"), streaming, for all channels of a view. Knows neither what
//! the values mean nor how they are drawn.

use std::collections::VecDeque;

use super::snapshot::{Bins, Column};

impl Bins {
    /// The first index of a bin.
    #[must_use]
    pub fn start(self, bin: u64) -> u64 {
        let start = (u128::from(bin) * u128::from(self.samples)).div_ceil(self.columns().into());
        u64::try_from(start).unwrap_or(u64::MAX)
    }

    /// The bin that holds an index.
    #[must_use]
    pub fn of(self, index: u64) -> u64 {
        let samples = u128::from(self.samples.max(1));
        let bin = u128::from(index) * u128::from(self.columns()) / samples;
        u64::try_from(bin).unwrap_or(u64::MAX)
    }

    /// The first bin of the window that ends before an index.
    #[must_use]
    pub fn first_of_window(self, end: u64) -> u64 {
        (self.of(end.saturating_sub(1)) + 1).saturating_sub(self.columns())
    }

    fn columns(self) -> u64 {
        self.columns.max(1)
    }
}

/// The last columns of each channel; the newest still grows, the others never change.
#[derive(Debug)]
pub struct Envelope {
    bins: Bins,
    channels: usize,
    /// The columns that never change again, those of all channels bin by bin.
    closed: VecDeque<Column>,
    open: Open,
    /// Index of the next sample.
    next: u64,
    /// The open bin, and the first index after it.
    bin: u64,
    bin_end: u64,
}

/// The columns that grow, one a channel: array by array, so that a sample costs a few vector
/// instructions.
#[derive(Debug)]
struct Open {
    min: Vec<f32>,
    max: Vec<f32>,
    first: Vec<f32>,
    last: Vec<f32>,
    /// Samples that arrived in this bin, and how many of them each channel misses.
    arrived: u32,
    missing: Vec<u32>,
    gap: Vec<bool>,
    /// Whether each channel lost samples since its last.
    lost: Vec<bool>,
    /// No channel misses any of the samples that arrived, nor lost one since.
    even: bool,
}

impl Envelope {
    /// Without columns yet; the first sample has index `start`.
    #[must_use]
    pub fn new(bins: Bins, channels: usize, start: u64) -> Self {
        let bin = bins.of(start);
        Self {
            bins,
            channels,
            closed: VecDeque::new(),
            open: Open::new(channels),
            next: start,
            bin,
            bin_end: bins.start(bin + 1),
        }
    }

    /// The next sample, one value a channel; what is not finite counts as lost.
    pub fn push(&mut self, values: &[f32]) {
        self.open_bin();
        self.next += 1;
        if values.len() == self.channels {
            self.open.push(values);
        }
    }

    /// The next `count` samples were lost.
    pub fn lose(&mut self, count: u64) {
        let end = self.next.saturating_add(count);
        // Of a long outage only its end can be seen.
        let seen = self.bins.start(self.bins.first_of_window(end));
        if seen > self.bin_end {
            self.next = seen;
            self.bin = self.bins.of(seen);
            self.bin_end = self.bins.start(self.bin + 1);
            self.closed.clear();
            self.open.clear();
        }
        while self.next < end {
            self.open_bin();
            self.next = self.bin_end.min(end);
            self.open.lose();
        }
    }

    /// Closes bins until the open one holds the next index.
    fn open_bin(&mut self) {
        while self.next >= self.bin_end {
            self.bin += 1;
            self.bin_end = self.bins.start(self.bin + 1);
            if (self.closed.len() / self.channels.max(1)) as u64 + 1 >= self.bins.columns() {
                self.closed.drain(..self.channels.min(self.closed.len()));
            }
            self.closed.extend((0..self.channels).map(|channel| self.open.column(channel)));
            self.open.clear();
        }
    }

    /// The bin of the first column.
    #[must_use]
    pub fn first_bin(&self) -> u64 {
        self.bin - (self.closed.len() / self.channels.max(1)) as u64
    }

    /// The columns of one channel after another, oldest first.
    pub fn columns(&self) -> impl Iterator<Item = Vec<Column>> {
        (0..self.channels).map(|channel| {
            let closed = self.closed.iter().skip(channel).step_by(self.channels).copied();
            closed.chain([self.open.column(channel)]).collect()
        })
    }
}

impl Open {
    fn new(channels: usize) -> Self {
        Self {
            min: vec![f32::NAN; channels],
            max: vec![f32::NAN; channels],
            first: vec![f32::NAN; channels],
            last: vec![f32::NAN; channels],
            arrived: 0,
            missing: vec![0; channels],
            gap: vec![false; channels],
            lost: vec![false; channels],
            even: true,
        }
    }

    fn push(&mut self, values: &[f32]) {
        let finite = values.iter().fold(true, |finite, value| finite & value.is_finite());
        if !(finite && self.even) {
            self.push_unevenly(values);
        } else if self.arrived == 0 {
            for side in [&mut self.min, &mut self.max, &mut self.first, &mut self.last] {
                side.copy_from_slice(values);
            }
        } else {
            for (min, &value) in self.min.iter_mut().zip(values) {
                *min = if *min < value { *min } else { value };
            }
            for (max, &value) in self.max.iter_mut().zip(values) {
                *max = if *max > value { *max } else { value };
            }
            self.last.copy_from_slice(values);
        }
        self.arrived += 1;
    }

    /// The same for a sample that some channels miss, or after one.
    fn push_unevenly(&mut self, values: &[f32]) {
        for (channel, &value) in values.iter().enumerate() {
            if !value.is_finite() {
                self.lose_one(channel);
                self.missing[channel] += 1;
                continue;
            }
            if self.count(channel) == 0 {
                self.first[channel] = value;
            }
            // The NaN of an empty column gives way.
            self.min[channel] = self.min[channel].min(value);
            self.max[channel] = self.max[channel].max(value);
            self.last[channel] = value;
            self.gap[channel] |= std::mem::take(&mut self.lost[channel]);
        }
        self.even = self.missing.iter().all(|&missing| missing == 0);
    }

    /// Samples of this bin were lost for all channels.
    fn lose(&mut self) {
        (0..self.lost.len()).for_each(|channel| self.lose_one(channel));
        self.even = false;
    }

    fn lose_one(&mut self, channel: usize) {
        self.gap[channel] |= self.count(channel) == 0;
        self.lost[channel] = true;
    }

    fn count(&self, channel: usize) -> u32 {
        self.arrived - self.missing[channel]
    }

    fn column(&self, channel: usize) -> Column {
        Column {
            min: self.min[channel],
            max: self.max[channel],
            first: self.first[channel],
            last: self.last[channel],
            count: self.count(channel),
            gap: self.gap[channel],
        }
    }

    /// Opens the next bin.
    fn clear(&mut self) {
        for side in [&mut self.min, &mut self.max, &mut self.first, &mut self.last] {
            side.fill(f32::NAN);
        }
        self.arrived = 0;
        self.missing.fill(0);
        self.gap.fill(false);
        self.even = !self.lost.contains(&true);
    }
}
