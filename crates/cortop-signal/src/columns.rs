//! The envelope: min, max, first and last (M4) of the samples in each bin of absolute sample
//! indices (docs/signal.md, "Downsampling"), computed incrementally for all channels of a view.
//! Independent of what the values mean and how they are drawn.

/// Min, max, first and last (M4) of the samples in one bin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// The smallest.
    pub min: f32,
    /// The largest.
    pub max: f32,
    /// The first.
    pub first: f32,
    /// The last.
    pub last: f32,
    /// The number of samples; if 0, the other values are NaN.
    pub count: u32,
    /// Whether samples were lost right before one of this bin's samples, or the whole bin was lost,
    /// so that no line connects it to the past. False in a bin without an index, as occurs when
    /// zoomed in.
    pub gap: bool,
}

impl Bin {
    /// A column without samples.
    pub const EMPTY: Self = Self {
        min: f32::NAN,
        max: f32::NAN,
        first: f32::NAN,
        last: f32::NAN,
        count: 0,
        gap: false,
    };
}

impl Bin {
    /// The column that combines this one with the one that follows it.
    #[must_use]
    pub fn followed_by(self, next: &Self) -> Self {
        match (self.count, next.count) {
            (_, 0) => self,
            (0, _) => *next,
            _ => Self {
                min: self.min.min(next.min),
                max: self.max.max(next.max),
                first: self.first,
                last: next.last,
                count: self.count.saturating_add(next.count),
                gap: self.gap,
            },
        }
    }
}

/// Divides absolute sample indices into columns: bin `j` of `samples` over `columns` covers
/// `[⌈j·samples/columns⌉, ⌈(j+1)·samples/columns⌉)`, counted from the start of the stream, so that
/// a closed column never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binning {
    /// Samples in a window.
    pub samples: u64,
    /// Columns in a window.
    pub columns: u64,
}

impl Binning {
    /// The first index of a bin.
    #[must_use]
    pub fn start(self, bin: u64) -> u64 {
        // 128-bit divisions cost many times as much as 64-bit ones, which suffice for billions of
        // samples.
        if let Some(samples) = bin.checked_mul(self.samples) {
            return samples.div_ceil(self.columns());
        }
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

    /// The first bin of the window that ends before this index.
    #[must_use]
    pub fn first_of_window(self, end: u64) -> u64 {
        (self.of(end.saturating_sub(1)) + 1).saturating_sub(self.columns())
    }

    fn columns(self) -> u64 {
        self.columns.max(1)
    }
}

/// The last columns of each channel. The newest still grows; the others never change.
#[derive(Debug)]
pub struct Envelope {
    bins: Binning,
    channels: usize,
    /// The closed columns, which never change again: a ring, bin by bin with all channels.
    closed: Vec<Block>,
    /// The open columns, which still grow.
    open: Vec<Block>,
    /// Index of the next sample.
    next: u64,
    /// The oldest bin kept, the open one, and the first index after the open one.
    first_bin: u64,
    bin: u64,
    bin_end: u64,
}

impl Envelope {
    /// Without columns yet; the first sample has index `start`.
    #[must_use]
    pub fn new(bins: Binning, channels: usize, start: u64) -> Self {
        let bin = bins.of(start);
        let open = vec![Block::default(); channels.div_ceil(LANES)];
        let kept = usize::try_from(bins.columns()).unwrap_or(1);
        Self {
            bins,
            channels,
            closed: vec![Block::default(); kept.saturating_mul(open.len())],
            open,
            next: start,
            first_bin: bin,
            bin,
            bin_end: bins.start(bin + 1),
        }
    }

    /// Adds the next sample, one value per channel; a non-finite value counts as lost.
    pub fn push(&mut self, values: &[f32]) {
        if self.next >= self.bin_end {
            self.open_bin();
        }
        self.next += 1;
        if values.len() != self.channels {
            return;
        }
        let (whole, rest) = values.as_chunks();
        let mut blocks = self.open.iter_mut();
        whole.iter().zip(&mut blocks).for_each(|(values, block)| block.push(values));
        if let Some(block) = blocks.next() {
            let mut values = [0.0; LANES];
            values.iter_mut().zip(rest).for_each(|(value, &own)| *value = own);
            block.push(&values);
        }
    }

    /// Records that the next `count` samples were lost.
    pub fn lose(&mut self, count: u64) {
        let end = self.next.saturating_add(count);
        // Only the end of a long outage is visible.
        let seen = self.bins.start(self.bins.first_of_window(end));
        if seen > self.bin_end {
            self.next = seen;
            self.bin = self.bins.of(seen);
            self.bin_end = self.bins.start(self.bin + 1);
            self.first_bin = self.bin;
            self.open.iter_mut().for_each(Block::clear);
        }
        while self.next < end {
            self.open_bin();
            self.next = self.bin_end.min(end);
            self.open.iter_mut().for_each(Block::lose);
        }
    }

    /// Closes bins until the open one contains the next index.
    #[cold]
    fn open_bin(&mut self) {
        while self.next >= self.bin_end {
            let row = self.row(self.bin);
            if let Some(row) = self.closed.get_mut(row..row + self.open.len()) {
                row.copy_from_slice(&self.open);
            }
            self.open.iter_mut().for_each(Block::clear);
            self.bin += 1;
            self.bin_end = self.bins.start(self.bin + 1);
            self.first_bin = self.first_bin.max((self.bin + 1).saturating_sub(self.bins.columns()));
        }
    }

    /// The row of a bin in the ring.
    fn row(&self, bin: u64) -> usize {
        let row = usize::try_from(bin % self.bins.columns()).unwrap_or_default();
        row * self.open.len()
    }

    /// The bin of the first column.
    #[must_use]
    pub fn first_bin(&self) -> u64 {
        self.first_bin
    }

    /// The columns of each channel in turn, oldest first.
    pub fn columns(&self) -> impl Iterator<Item = Vec<Bin>> {
        let (newer, older) = self.closed.split_at(self.row(self.first_bin));
        let kept = usize::try_from(self.bin - self.first_bin).unwrap_or_default();
        (0..self.channels).map(move |channel| {
            let (block, lane) = (channel / LANES, channel % LANES);
            let of_block = older.iter().chain(newer).skip(block).step_by(self.open.len());
            let all = of_block.take(kept).chain(self.open.get(block));
            all.map(|block| block.column(lane)).collect()
        })
    }
}

/// Channels are processed side by side, so that a sample costs a few vector instructions.
const LANES: usize = 16;

/// The exponent bits of an `f32`: all ones if it is infinite or NaN.
const EXPONENT: u32 = f32::INFINITY.to_bits();

/// The columns of one bin for this many channels. Lanes beyond the last channel are never read.
#[derive(Clone, Copy, Debug, Default)]
struct Block {
    min: [f32; LANES],
    max: [f32; LANES],
    first: [f32; LANES],
    last: [f32; LANES],
    /// Samples that arrived in this bin, and how many of them each channel is missing.
    arrived: u32,
    missing: [u32; LANES],
    gap: [bool; LANES],
    /// Whether each channel has lost samples since its last one.
    lost: [bool; LANES],
    /// Whether some channel is missing one of the samples that arrived, or has lost some since.
    uneven: bool,
}

impl Block {
    /// Adds one value per channel.
    #[expect(clippy::inline_always, reason = "the calls would cost a tenth more")]
    #[inline(always)]
    fn push(&mut self, values: &[f32; LANES]) {
        // A comparison of bits costs half as much as one of floats.
        let is_finite = |value: &f32| value.to_bits() & EXPONENT != EXPONENT;
        let finite = values.iter().fold(true, |finite, value| finite & is_finite(value));
        if self.uneven || !finite {
            self.push_unevenly(values);
        } else if self.arrived == 0 {
            (self.min, self.max, self.first, self.last) = (*values, *values, *values, *values);
        } else {
            // `f32::min` and `f32::max` handle NaN, which costs more than everything else.
            for (min, &value) in self.min.iter_mut().zip(values) {
                *min = if value < *min { value } else { *min };
            }
            for (max, &value) in self.max.iter_mut().zip(values) {
                *max = if value > *max { value } else { *max };
            }
            self.last = *values;
        }
        self.arrived += 1;
    }

    /// Like [`push`](Self::push), if some channels are missing this sample or have lost others.
    #[cold]
    fn push_unevenly(&mut self, values: &[f32; LANES]) {
        for (lane, &value) in values.iter().enumerate() {
            if !value.is_finite() {
                self.lose_one(lane);
                self.missing[lane] += 1;
                continue;
            }
            if self.count(lane) == 0 {
                (self.min[lane], self.max[lane], self.first[lane]) = (value, value, value);
            }
            self.min[lane] = self.min[lane].min(value);
            self.max[lane] = self.max[lane].max(value);
            self.last[lane] = value;
            self.gap[lane] |= std::mem::take(&mut self.lost[lane]);
        }
        self.uneven = self.missing != [0; LANES];
    }

    /// Records that samples of this bin were lost for all channels.
    fn lose(&mut self) {
        (0..LANES).for_each(|lane| self.lose_one(lane));
        self.uneven = true;
    }

    fn lose_one(&mut self, lane: usize) {
        self.gap[lane] |= self.count(lane) == 0;
        self.lost[lane] = true;
    }

    fn count(&self, lane: usize) -> u32 {
        self.arrived - self.missing[lane]
    }

    fn column(&self, lane: usize) -> Bin {
        let (count, gap) = (self.count(lane), self.gap[lane]);
        if count == 0 {
            return Bin { gap, ..Bin::EMPTY };
        }
        let (min, max) = (self.min[lane], self.max[lane]);
        Bin { min, max, first: self.first[lane], last: self.last[lane], count, gap }
    }

    /// Clears the block for the next bin.
    fn clear(&mut self) {
        self.arrived = 0;
        self.missing = [0; LANES];
        self.gap = [false; LANES];
        self.uneven = self.lost != [false; LANES];
    }
}
