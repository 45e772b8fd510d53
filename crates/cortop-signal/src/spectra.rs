//! The power spectra of a view, column by column, each over the two seconds up to the column's end.
//! A column's spectra are computed once, when it closes, and never change; Welch's estimate is the
//! mean of those that overlap by half, and a spectrogram is all of them side by side.

use std::{collections::VecDeque, fmt, iter::repeat_n, sync::Arc};

use super::{
    bands::BANDS,
    columns::Binning,
    spectrum::{self, FrequencyAxis, Periodogram, SECONDS, decibel},
};

/// The newest closed columns, at most as many as a window has.
#[derive(Clone, Debug)]
pub struct Spectra {
    /// The frequencies of the powers.
    pub lines: FrequencyAxis,
    /// The bin of the first column.
    pub first_bin: u64,
    /// One per column: `lines.count` powers in µV²/Hz for each channel of the view; NaN for a
    /// channel that is missing a sample in those two seconds.
    pub columns: Vec<Arc<[f32]>>,
}

/// Power in µV²/Hz below the noise of any EEG amplifier: what is weaker is rounding and filter
/// settling, and does not make a segment louder than another.
const NOISE: f64 = 0.01;

/// The expected range in dB between the highest and the lowest line of a spectrum of pure noise
/// with this many lines, each the mean of this many segments of equal power. The power of a line
/// has a gamma distribution; the variance of its logarithm is the trigamma function of the number
/// of segments (here its series). Nearly all of n independent values lie within √(2 ln n)
/// deviations, and under a Hann window, whose noise bandwidth is 1.5 lines, two of three lines are
/// independent.
fn roughness(lines: usize, segments: f64) -> f64 {
    let inverse = 1.0 / segments;
    let variance = inverse + inverse.powi(2) / 2.0 + inverse.powi(3) / 6.0;
    let deviation = 10.0 * std::f64::consts::LOG10_E * variance.sqrt();
    2.0 * deviation * (2.0 * (lines as f64 / 1.5).ln()).sqrt()
}

/// Welch's estimate.
#[derive(Clone, Debug, PartialEq)]
pub struct Welch {
    /// The power of each line in µV²/Hz.
    pub powers: Vec<f64>,
    /// The number of segments that were averaged, at least one.
    pub segments: usize,
    /// How many segments of equal power would give an equally smooth estimate: fewer if some are
    /// louder than the rest, as in a burst of muscle activity, because these dominate.
    pub effective_segments: f64,
}

impl Spectra {
    /// The powers of a channel in one column, if none of its samples is missing.
    #[must_use]
    pub fn powers(&self, column: usize, channel: usize) -> Option<&[f32]> {
        let own = self.columns.get(column)?.get(channel * self.lines.count..)?;
        own.get(..self.lines.count).filter(|powers| powers.first().is_some_and(|p| p.is_finite()))
    }

    /// Welch's estimate for a channel over a window of the length that `bins` gives, with one
    /// column per second; leaves out segments with missing samples. `None` if none is complete.
    #[must_use]
    pub fn welch(&self, channel: usize, bins: Binning) -> Option<Welch> {
        // The first segment of a window ends two seconds after the window begins.
        let most = usize::try_from(bins.columns.saturating_sub(SECONDS - 1)).unwrap_or(usize::MAX);
        let skip = self.columns.len().saturating_sub(most);
        let whole = || (skip..self.columns.len()).filter_map(|at| self.powers(at, channel));
        let mut powers = vec![0.0; self.lines.count];
        let mut segments = 0;
        for own in whole() {
            powers.iter_mut().zip(own).for_each(|(sum, &power)| *sum += f64::from(power));
            segments += 1;
        }
        for sum in &mut powers {
            *sum /= segments as f64;
        }
        // Every line has the same weight, so that the loudest do not dominate.
        let share = |(&power, &mean): (&f32, &f64)| f64::from(power).max(NOISE) / mean.max(NOISE);
        let loudness = |own: &[f32]| own.iter().zip(&powers).map(share).sum::<f64>();
        let (sum, squares) =
            whole().map(loudness).fold((0.0, 0.0), |(sum, squares), p| (sum + p, squares + p * p));
        let effective_segments = sum * sum / squares;
        (segments > 0).then_some(Welch { powers, segments, effective_segments })
    }
}

impl Spectra {
    /// The mean power of a channel in each of [`BANDS`] in one column, in µV²/Hz.
    #[must_use]
    pub fn bands(&self, column: usize, channel: usize) -> [Option<f64>; BANDS.len()] {
        let powers = self.powers(column, channel);
        BANDS.map(|band| {
            let mean = self.lines.mean(powers?, band.low, band.high);
            Some(mean).filter(|mean| mean.is_finite())
        })
    }

    /// The most prominent peak above the lower limit of the lowest band that exceeds the roughness
    /// of noise: its frequency in Hz and its power in µV²/Hz. Whatever lies below `floor`, in dB
    /// µV²/Hz, does not count: it is not drawn, or is rounding noise.
    #[must_use]
    pub fn peak(&self, welch: &Welch, floor: f64) -> Option<(f64, f64)> {
        let skip = (0..self.lines.count).find(|&line| self.lines.hz(line) >= BANDS[0].low)?;
        let decibels: Vec<f64> =
            welch.powers.iter().skip(skip).map(|&power| decibel(power).max(floor)).collect();
        let line =
            spectrum::peak(&decibels, roughness(decibels.len(), welch.effective_segments))? + skip;
        Some((self.lines.hz(line), *welch.powers.get(line)?))
    }
}

/// Computes the spectra as samples arrive.
pub struct SpectrumBuilder {
    periodogram: Periodogram,
    bins: Binning,
    channels: usize,
    /// The samples of the newest segment, a ring that begins at `next`.
    samples: Vec<f32>,
    /// Index of the next sample.
    next: u64,
    /// The open bin, and the first index after it.
    bin: u64,
    bin_end: u64,
    /// Columns that close before this index are not needed.
    from: u64,
    columns: VecDeque<Arc<[f32]>>,
}

impl SpectrumBuilder {
    /// For channels whose powers `periodogram` computes; the first sample has index `start`, and
    /// columns that close before the index `from` are not needed.
    #[must_use]
    pub fn new(
        bins: Binning,
        channels: usize,
        periodogram: Periodogram,
        start: u64,
        from: u64,
    ) -> Self {
        let bin = bins.of(start);
        Self {
            samples: vec![f32::NAN; periodogram.length() * channels],
            periodogram,
            bins,
            channels,
            next: start,
            bin,
            bin_end: bins.start(bin + 1),
            from,
            columns: VecDeque::new(),
        }
    }

    /// Adds the next sample, one value per channel; NaN if missing.
    pub fn push(&mut self, values: &[f32]) {
        self.take(values.iter().copied());
    }

    /// Records that the next `count` samples were lost.
    pub fn lose(&mut self, count: u64) {
        // Only the end of a long outage is visible.
        let seen = self.bins.samples.saturating_add(self.periodogram.length() as u64);
        if let Some(unseen) = count.checked_sub(seen).filter(|&unseen| unseen > 0) {
            self.samples.fill(f32::NAN);
            self.next = self.next.saturating_add(unseen);
            self.bin = self.bins.of(self.next);
            self.bin_end = self.bins.start(self.bin + 1);
            self.columns.clear();
        }
        for _ in 0..count.min(seen) {
            self.take(repeat_n(f32::NAN, self.channels));
        }
    }

    /// The spectra so far.
    #[must_use]
    pub fn spectra(&self) -> Spectra {
        Spectra {
            lines: self.periodogram.lines(),
            first_bin: self.bin - self.columns.len() as u64,
            columns: self.columns.iter().cloned().collect(),
        }
    }

    fn take(&mut self, values: impl Iterator<Item = f32>) {
        let start = self.place() * self.channels;
        if let Some(row) = self.samples.get_mut(start..start + self.channels) {
            row.iter_mut().zip(values).for_each(|(place, value)| *place = value);
        }
        self.next += 1;
        while self.next >= self.bin_end {
            if self.next >= self.from {
                self.close();
            }
            self.bin += 1;
            self.bin_end = self.bins.start(self.bin + 1);
        }
    }

    /// Where the next sample goes in the ring, which is where the oldest is.
    fn place(&self) -> usize {
        usize::try_from(self.next % self.periodogram.length() as u64).unwrap_or_default()
    }

    fn close(&mut self) {
        let (newer, older) = self.samples.split_at(self.place() * self.channels);
        let mut column = Vec::with_capacity(self.channels * self.periodogram.lines().count);
        for channel in 0..self.channels {
            let all = older.iter().chain(newer).skip(channel).step_by(self.channels);
            let powers = self.periodogram.powers(all.map(|&value| value.into()));
            #[expect(clippy::cast_possible_truncation, reason = "far finer than the estimate")]
            column.extend(powers.map(|power| power as f32));
        }
        if self.columns.len() as u64 >= self.bins.columns.max(1) {
            self.columns.pop_front();
        }
        self.columns.push_back(column.into());
    }
}

impl fmt::Debug for SpectrumBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpectrumBuilder").field("bins", &self.bins).finish_non_exhaustive()
    }
}
