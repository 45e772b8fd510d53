//! The envelope: min, max, first and last (M4) of the samples in each bin of absolute sample
//! indices (signal.md, "Downsampling"), streaming, for all channels of a view. Knows neither what
//! the values mean nor how they are drawn.

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
    /// The columns that never change again, used as a ring: those of all channels bin by bin.
    closed: Vec<Column>,
    open: Open,
    /// Index of the next sample.
    next: u64,
    /// The oldest bin kept, the open one, and the first index after that.
    first_bin: u64,
    bin: u64,
    bin_end: u64,
}

/// The columns that grow, one a channel.
#[derive(Debug)]
struct Open {
    lanes: Vec<Lanes>,
    /// Samples that arrived in this bin, and how many of them each channel misses.
    arrived: u32,
    missing: Vec<u32>,
    gap: Vec<bool>,
    /// Whether each channel lost samples since its last.
    lost: Vec<bool>,
    /// No channel misses any of the samples that arrived, nor lost one since.
    even: bool,
}

/// Channels side by side, so that a sample costs a few vector instructions. Those beyond the last
/// channel are never read.
#[derive(Clone, Copy, Debug, Default)]
struct Lanes {
    min: [f32; LANES],
    max: [f32; LANES],
    first: [f32; LANES],
    last: [f32; LANES],
    newest: [f32; LANES],
}

const LANES: usize = 8;

impl Envelope {
    /// Without columns yet; the first sample has index `start`.
    #[must_use]
    pub fn new(bins: Bins, channels: usize, start: u64) -> Self {
        let bin = bins.of(start);
        let kept = usize::try_from(bins.columns()).unwrap_or(1).saturating_mul(channels);
        Self {
            bins,
            channels,
            closed: vec![Column::EMPTY; kept],
            open: Open::new(channels),
            next: start,
            first_bin: bin,
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
            self.first_bin = self.bin;
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
            let row = self.row(self.bin);
            let row = self.closed.get_mut(row..row + self.channels).unwrap_or_default();
            for (channel, column) in row.iter_mut().enumerate() {
                *column = self.open.column(channel);
            }
            self.open.clear();
            self.bin += 1;
            self.bin_end = self.bins.start(self.bin + 1);
            self.first_bin = self.first_bin.max((self.bin + 1).saturating_sub(self.bins.columns()));
        }
    }

    /// Where the columns of a bin stand in the ring.
    fn row(&self, bin: u64) -> usize {
        let row = usize::try_from(bin % self.bins.columns()).unwrap_or_default();
        row * self.channels
    }

    /// The bin of the first column.
    #[must_use]
    pub fn first_bin(&self) -> u64 {
        self.first_bin
    }

    /// The columns of one channel after another, oldest first.
    pub fn columns(&self) -> impl Iterator<Item = Vec<Column>> {
        (0..self.channels).map(|channel| {
            let closed = (self.first_bin..self.bin).map(|bin| self.closed[self.row(bin) + channel]);
            closed.chain([self.open.column(channel)]).collect()
        })
    }
}

impl Open {
    fn new(channels: usize) -> Self {
        Self {
            lanes: vec![Lanes::default(); channels.div_ceil(LANES)],
            arrived: 0,
            missing: vec![0; channels],
            gap: vec![false; channels],
            lost: vec![false; channels],
            even: true,
        }
    }

    /// Takes one value a channel in.
    fn push(&mut self, values: &[f32]) {
        let mut finite = self.even;
        for (lanes, values) in self.lanes.iter_mut().zip(values.chunks(LANES)) {
            finite &= lanes.load(values);
        }
        if !finite {
            self.push_unevenly(values);
        } else if self.arrived == 0 {
            self.lanes.iter_mut().for_each(Lanes::open);
        } else {
            self.lanes.iter_mut().for_each(Lanes::grow);
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
            let empty = self.count(channel) == 0;
            let (lanes, lane) = (&mut self.lanes[channel / LANES], channel % LANES);
            if empty {
                (lanes.min[lane], lanes.max[lane]) = (value, value);
                lanes.first[lane] = value;
            }
            lanes.min[lane] = lanes.min[lane].min(value);
            lanes.max[lane] = lanes.max[lane].max(value);
            lanes.last[lane] = value;
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
        let (count, gap) = (self.count(channel), self.gap[channel]);
        if count == 0 {
            return Column { gap, ..Column::EMPTY };
        }
        let (lanes, lane) = (&self.lanes[channel / LANES], channel % LANES);
        Column {
            min: lanes.min[lane],
            max: lanes.max[lane],
            first: lanes.first[lane],
            last: lanes.last[lane],
            count,
            gap,
        }
    }

    /// Opens the next bin.
    fn clear(&mut self) {
        self.arrived = 0;
        self.missing.fill(0);
        self.gap.fill(false);
        self.even = !self.lost.contains(&true);
    }
}

impl Lanes {
    /// Takes the newest values in, and tells whether all are finite.
    fn load(&mut self, values: &[f32]) -> bool {
        if let Some(all) = values.as_array() {
            self.newest = *all;
        } else {
            for (newest, &value) in self.newest.iter_mut().zip(values) {
                *newest = value;
            }
        }
        self.newest.iter().fold(true, |finite, value| finite & value.is_finite())
    }

    /// The newest values are the first of their columns.
    fn open(&mut self) {
        let newest = self.newest;
        (self.min, self.max, self.first, self.last) = (newest, newest, newest, newest);
    }

    fn grow(&mut self) {
        for (min, value) in self.min.iter_mut().zip(self.newest) {
            *min = if *min < value { *min } else { value };
        }
        for (max, value) in self.max.iter_mut().zip(self.newest) {
            *max = if *max > value { *max } else { value };
        }
        self.last = self.newest;
    }
}
