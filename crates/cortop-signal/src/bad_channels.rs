//! Detects channels whose raw signal cannot be EEG, however calm it looks after the filters: railed
//! at the end of the amplifier's range, far off its normal level, or stuck at one value. Their
//! contact quality may still be reported as good.
//!
//! Statistics of the raw samples are kept in blocks of half a second. A defect begins when the last
//! two seconds show it and ends when none of their blocks does, so that a borderline channel is not
//! reported over and over. Uses raw values and the headset's model only; neither filters nor loss.

use std::sync::Arc;

use cortop_protocol::model::Model;

/// The top of the amplifier's range in µV; EEG sits at half of it (docs/protocol.md §5.2) …
const FULL_SCALE: f32 = 8401.9;
/// … and how close to either end a value counts as railed.
const AT_RAIL: f32 = 0.02 * FULL_SCALE;
/// A level outside this range, in µV, does not come from a working electrode.
const LOWEST_LEVEL: f32 = 2000.0;
const HIGHEST_LEVEL: f32 = 6500.0;

/// A defect must be present for this many blocks …
const BLOCKS: usize = 4;
/// … of this many seconds each.
const BLOCK: f64 = 0.5;

/// What is wrong with a channel's raw signal, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Defect {
    /// All samples of two seconds are within 2 % of either end of the amplifier's range.
    Railed,
    /// All samples of two seconds have one value.
    Flat,
    /// The median of two seconds is far from the level at which EEG sits.
    OffLevel,
}

impl Defect {
    /// All defects, worst first.
    pub const ALL: [Self; 3] = [Self::Railed, Self::Flat, Self::OffLevel];

    /// Its name on the screen and in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Railed => "railed",
            Self::Flat => "flat",
            Self::OffLevel => "off level",
        }
    }
}

/// A channel with a defect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadChannel {
    /// The column's label, such as `AF3`.
    pub label: Arc<str>,
    /// What is wrong with it.
    pub defect: Defect,
}

/// Statistics of a channel over some time.
#[derive(Clone, Copy, Debug)]
struct BlockStats {
    /// Samples with a value, and how many of them are at either rail.
    count: u32,
    at_rail: u32,
    /// Samples below and above the plausible levels.
    below: u32,
    above: u32,
    min: f32,
    max: f32,
}

impl BlockStats {
    const EMPTY: Self = Self {
        count: 0,
        at_rail: 0,
        below: 0,
        above: 0,
        min: f32::INFINITY,
        max: f32::NEG_INFINITY,
    };

    /// Adds the next sample. A missing one is NaN, which compares as neither above nor below
    /// anything.
    fn push(&mut self, value: f32) {
        let at_rail = value.abs() <= AT_RAIL || (value - FULL_SCALE).abs() <= AT_RAIL;
        self.count += u32::from(!value.is_nan());
        self.at_rail += u32::from(at_rail);
        self.below += u32::from(value < LOWEST_LEVEL);
        self.above += u32::from(value > HIGHEST_LEVEL);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    fn merge(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            at_rail: self.at_rail + other.at_rail,
            below: self.below + other.below,
            above: self.above + other.above,
            min: self.min.min(other.min),
            max: self.max.max(other.max),
        }
    }

    fn median_is_below(self) -> bool {
        2 * self.below > self.count
    }

    /// The worst defect that all of the samples show.
    fn defect(self, offset: bool) -> Option<Defect> {
        let shows = |defect: &Defect| match defect {
            Defect::Railed => offset && self.at_rail == self.count,
            #[expect(clippy::float_cmp, reason = "a stuck channel repeats its value exactly")]
            Defect::Flat => self.count > 1 && self.min == self.max,
            Defect::OffLevel => offset && (self.median_is_below() || 2 * self.above > self.count),
        };
        Defect::ALL.into_iter().find(shows).filter(|_| self.count > 0)
    }

    /// Whether the channel has the offset; `None` if undecided: near 0, the channel may be at the
    /// lower rail or may have no offset.
    fn offset(self) -> Option<bool> {
        if self.count == 0 {
            return None;
        }
        let at_zero = (0.0..=AT_RAIL).contains(&self.min);
        if self.median_is_below() { (!at_zero).then_some(false) } else { Some(true) }
    }
}

/// Checks the channels of one EEG stream.
#[derive(Debug)]
pub struct BadChannels {
    labels: Vec<Arc<str>>,
    /// The statistics of each channel, in a ring of blocks.
    blocks: [Vec<BlockStats>; BLOCKS],
    /// The index of the current block, the samples in it so far, and the number of finished blocks.
    growing: usize,
    samples: u32,
    finished: usize,
    model: Model,
    /// Whether the values include the offset.
    offset: bool,
    defects: Vec<Option<Defect>>,
    bad: Arc<[BadChannel]>,
}

impl BadChannels {
    /// For channels with these labels.
    #[must_use]
    pub fn new(labels: &[Arc<str>], model: Model) -> Self {
        Self {
            labels: labels.to_vec(),
            blocks: [(); BLOCKS].map(|()| vec![BlockStats::EMPTY; labels.len()]),
            growing: 0,
            samples: 0,
            finished: 0,
            model,
            offset: model.has_offset().unwrap_or(false),
            defects: vec![None; labels.len()],
            bad: Arc::default(),
        }
    }

    /// The channels that are bad now, in column order.
    #[must_use]
    pub fn bad(&self) -> &Arc<[BadChannel]> {
        &self.bad
    }

    /// Adds a sample that the headset has measured (an interpolated one carries no information):
    /// one raw value in µV per channel, at `rate` samples per second. If it changes which channels
    /// are bad, returns the previous ones.
    pub fn push(&mut self, values: &[f32], rate: f64) -> Option<Arc<[BadChannel]>> {
        for (stats, &value) in self.blocks[self.growing].iter_mut().zip(values) {
            stats.push(value);
        }
        self.samples += 1;
        if f64::from(self.samples) < BLOCK * rate {
            return None;
        }
        let before = (self.finished + 1 >= BLOCKS).then(|| self.judge()).flatten();
        self.finished = (self.finished + 1).min(BLOCKS);
        self.samples = 0;
        self.growing = (self.growing + 1) % BLOCKS;
        self.blocks[self.growing].fill(BlockStats::EMPTY);
        before
    }

    fn judge(&mut self) -> Option<Arc<[BadChannel]>> {
        self.find_offset();
        let mut changed = false;
        for channel in 0..self.defects.len() {
            let defect = self.defect(channel);
            changed |= self.defects[channel] != defect;
            self.defects[channel] = defect;
        }
        let bad = self.labels.iter().zip(&self.defects);
        let bad = bad.filter_map(|(label, &defect)| {
            Some(BadChannel { label: Arc::clone(label), defect: defect? })
        });
        changed.then(|| std::mem::replace(&mut self.bad, bad.collect()))
    }

    /// Trusts the model unless most channels contradict it: a single bad channel must not decide,
    /// and all channels at the rail must not go unnoticed.
    fn find_offset(&mut self) {
        if self.model == Model::EpocFlex {
            return;
        }
        let (mut with, mut without, mut all) = (0_usize, 0_usize, 0_usize);
        for window in (0..self.labels.len()).map(|channel| self.window(channel)) {
            all += usize::from(window.count > 0);
            match window.offset() {
                Some(true) => with += 1,
                Some(false) => without += 1,
                None => {}
            }
        }
        if 2 * with > all {
            self.offset = true;
        } else if 2 * without > all {
            self.offset = false;
        }
    }

    /// The last two seconds of a channel.
    fn window(&self, channel: usize) -> BlockStats {
        self.blocks.iter().map(|block| block[channel]).fold(BlockStats::EMPTY, BlockStats::merge)
    }

    fn defect(&self, channel: usize) -> Option<Defect> {
        let of = |block: &Vec<BlockStats>| block[channel].defect(self.offset);
        let newest = of(&self.blocks[self.growing]);
        let window = self.window(channel).defect(self.offset);
        // A channel that is turning into a worse defect does not get a lesser one on the way.
        let begun = window.filter(|&defect| newest.is_none_or(|newest| newest >= defect));
        let held = self.defects[channel].filter(|&held| {
            self.blocks.iter().any(|block| of(block).is_some_and(|shown| shown == held))
        });
        // Nor does a channel that passes through another defect on its way back.
        begun.into_iter().chain(held).min()
    }
}
