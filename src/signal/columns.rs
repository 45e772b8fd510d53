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

impl Column {
    /// Takes one sample in. `lost`: samples were lost right before it.
    fn add(&mut self, value: f32, lost: bool) {
        // Written so that the NaN of an empty column gives way, without a branch.
        self.min = if self.min < value { self.min } else { value };
        self.max = if self.max > value { self.max } else { value };
        if self.count == 0 {
            self.first = value;
        }
        self.last = value;
        self.count += 1;
        self.gap |= lost;
    }
}

/// The last columns of each channel; the newest still grows, the others never change.
#[derive(Debug)]
pub struct Envelope {
    bins: Bins,
    channels: Vec<Channel>,
    /// Index of the next sample.
    next: u64,
    /// The bin that grows, and the first index after it.
    bin: u64,
    bin_end: u64,
}

#[derive(Clone, Debug)]
struct Channel {
    closed: VecDeque<Column>,
    open: Column,
    /// Samples were lost since the last one.
    lost: bool,
}

impl Envelope {
    /// Without columns yet; the first sample has index `start`.
    #[must_use]
    pub fn new(bins: Bins, channels: usize, start: u64) -> Self {
        let channel = Channel { closed: VecDeque::new(), open: Column::EMPTY, lost: false };
        let bin = bins.of(start);
        Self {
            bins,
            channels: vec![channel; channels],
            next: start,
            bin,
            bin_end: bins.start(bin + 1),
        }
    }

    /// The next sample, one value a channel; what is not finite counts as lost.
    pub fn push(&mut self, values: &[f32]) {
        self.open_bin();
        self.next += 1;
        for (channel, &value) in self.channels.iter_mut().zip(values) {
            if value.is_finite() {
                channel.open.add(value, channel.lost);
                channel.lost = false;
            } else {
                channel.lose();
            }
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
            for channel in &mut self.channels {
                channel.closed.clear();
                channel.open = Column::EMPTY;
            }
        }
        while self.next < end {
            self.open_bin();
            self.next = self.bin_end.min(end);
            self.channels.iter_mut().for_each(Channel::lose);
        }
    }

    /// Closes bins until the open one holds the next index.
    fn open_bin(&mut self) {
        while self.next >= self.bin_end {
            self.bin += 1;
            self.bin_end = self.bins.start(self.bin + 1);
            for channel in &mut self.channels {
                if channel.closed.len() as u64 + 1 >= self.bins.columns() {
                    channel.closed.pop_front();
                }
                channel.closed.push_back(std::mem::replace(&mut channel.open, Column::EMPTY));
            }
        }
    }

    /// The bin of the first column.
    #[must_use]
    pub fn first_bin(&self) -> u64 {
        self.bin - self.channels.first().map_or(0, |channel| channel.closed.len() as u64)
    }

    /// The columns of one channel after another, oldest first.
    pub fn columns(&self) -> impl Iterator<Item = Vec<Column>> {
        self.channels
            .iter()
            .map(|channel| channel.closed.iter().copied().chain([channel.open]).collect())
    }
}

impl Channel {
    fn lose(&mut self) {
        self.lost = true;
        self.open.gap |= self.open.count == 0;
    }
}
