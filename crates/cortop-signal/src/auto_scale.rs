//! The robust scale of each channel: the median, and the 99th percentile of the distance to it,
//! over about a window (docs/signal.md, "Robust auto-scale"). A single sample, however large, never
//! decides the scale, and a single channel never decides the common scale.

use std::ops::Range;

/// Values per channel used for the statistics; a longer window is subsampled to this number.
const VALUES: u64 = 2048;

/// This many of the largest distances never count, so that the scale is robust with few samples
/// too.
const OUTLIERS: usize = 2;

/// The spread is updated only if it changes by more than this factor …
const GROWTH: f32 = 1.25;
const DECLINE: f32 = 0.7;
/// … and the median if it moves by more than this share of the spread.
const MOVE: f32 = 0.25;

/// The new median is first sought within this share of the spread around the last one.
const NEAR: f32 = 0.1;

/// Median and spread of one channel; NaN until known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ChannelScale {
    pub(crate) median: f32,
    /// The median without hysteresis.
    pub(crate) exact_median: f32,
    pub(crate) spread: f32,
}

impl ChannelScale {
    const UNKNOWN: Self = Self { median: f32::NAN, exact_median: f32::NAN, spread: f32::NAN };
}

/// Tracks the scales of all channels of a view.
#[derive(Debug)]
pub(crate) struct AutoScale {
    levels: Vec<ChannelScale>,
    /// Which of them count for the common scale.
    counts: Vec<bool>,
    /// The lower median of the channels' spreads; NaN until known.
    common: f32,
    /// The values of the channels, channel by channel, each used as a ring; encoded by [`order`].
    values: Vec<i32>,
    samples: usize,
    /// Every `stride`-th sample is used.
    stride: u64,
    taken: u64,
    /// Samples per second, and the index at which the next update is due.
    second: u64,
    due: u64,
    distances: Vec<i32>,
    scratch: Vec<i32>,
}

impl AutoScale {
    /// For windows of `window` samples at `second` samples per second; the first sample has index
    /// `start`.
    pub(crate) fn new(channels: usize, window: u64, second: u64, start: u64) -> Self {
        let stride = window.div_ceil(VALUES).max(1);
        let samples = usize::try_from(window / stride).unwrap_or(usize::MAX).max(1);
        Self {
            levels: vec![ChannelScale::UNKNOWN; channels],
            counts: vec![true; channels],
            common: f32::NAN,
            values: vec![MISSING; samples.saturating_mul(channels)],
            samples,
            stride,
            taken: 0,
            second: second.max(1),
            // The first update comes early, because there is no scale until then.
            due: start + second / 8,
            distances: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Sets which channels do not count for the common scale.
    pub(crate) fn leave_out(&mut self, channels: impl Iterator<Item = bool>) {
        self.counts.iter_mut().zip(channels).for_each(|(counts, is_out)| *counts = !is_out);
    }

    /// Adds the sample with this index, one filtered value per channel.
    pub(crate) fn push(&mut self, index: u64, values: &[f32]) {
        if index.is_multiple_of(self.stride) {
            let slot = usize::try_from(self.taken % self.samples as u64).unwrap_or_default();
            let places = self.values.iter_mut().skip(slot).step_by(self.samples);
            places.zip(values).for_each(|(place, &value)| *place = order(value));
            self.taken += 1;
        }
        if index >= self.due {
            self.due = index + self.second;
            self.renew();
        }
    }

    /// The scales as last updated, at most once per second of samples.
    pub(crate) fn levels(&self) -> &[ChannelScale] {
        &self.levels
    }

    /// The spread that fits most channels: the median of their spreads, with the same hysteresis.
    /// For an even number, the lower of the two middle ones, because of two electrodes one may be
    /// bad. Flat channels do not count. NaN until known.
    pub(crate) fn common(&self) -> f32 {
        self.common
    }

    fn renew(&mut self) {
        let mut spreads = Vec::with_capacity(self.levels.len());
        let channels = self.levels.iter_mut().zip(&self.counts);
        for ((level, counts), own) in channels.zip(self.values.chunks_exact(self.samples)) {
            let count = count_below(own, INFINITE);
            // Both are usually close to their previous values, so only few numbers have to be
            // sorted.
            let near = NEAR * level.spread;
            let near = order(level.exact_median - near)..order(level.exact_median + near);
            let scratch = &mut self.scratch;
            let Some(median) = select(own, count / 2, near, scratch) else { continue };
            // The distance of a missing value is NaN too, and sorts above all others.
            let distance = |&own: &i32| (value(own) - median).abs().to_bits().cast_signed();
            self.distances.clear();
            self.distances.extend(own.iter().map(distance));
            let p99 = (count * 99 / 100).min(count.saturating_sub(1 + OUTLIERS));
            let far = order(level.spread * DECLINE)..INFINITE;
            let Some(spread) = select(&self.distances, p99, far, scratch) else { continue };
            level.spread = steady(level.spread, spread);
            level.exact_median = median;
            let still = (median - level.median).abs() <= level.spread * MOVE;
            if !still {
                level.median = median;
            }
            spreads.extend((*counts && spread > 0.0).then(|| order(spread)));
        }
        if !spreads.is_empty() {
            let middle = (spreads.len() - 1) / 2;
            self.common = steady(self.common, value(*spreads.select_nth_unstable(middle).1));
        }
    }
}

/// The spread after a new measurement: unchanged unless the two differ by much.
fn steady(old: f32, new: f32) -> f32 {
    if new <= old * GROWTH && new >= old * DECLINE { old } else { new }
}

/// Encodes a number as an integer with the same order, because sorting integers costs half as much.
/// Non-finite values become [`MISSING`].
fn order(value: f32) -> i32 {
    let bits = value.to_bits().cast_signed();
    if value.is_finite() { bits ^ ((bits >> 31) & i32::MAX) } else { MISSING }
}

/// Decodes an [`order`]; NaN for [`MISSING`].
fn value(order: i32) -> f32 {
    f32::from_bits((order ^ ((order >> 31) & i32::MAX)).cast_unsigned())
}

/// Greater than the [`order`] of any finite number. The values from here on stand for non-finite
/// ones.
const INFINITE: i32 = f32::INFINITY.to_bits().cast_signed();
const MISSING: i32 = i32::MAX;

/// How many values are less than `other`. Counts in 32 bits, like the values, so that four are
/// compared at once.
fn count_below(orders: &[i32], other: i32) -> usize {
    orders.iter().map(|&own| u32::from(own < other)).sum::<u32>() as usize
}

/// The finite value at a rank, if there are that many. If it lies in `near`, only the values in
/// that range are sorted.
fn select(orders: &[i32], rank: usize, near: Range<i32>, scratch: &mut Vec<i32>) -> Option<f32> {
    let below = count_below(orders, near.start);
    scratch.clear();
    scratch.extend(orders.iter().filter(|own| near.contains(own)));
    let mut rank_in = rank.checked_sub(below).filter(|&rank| rank < scratch.len());
    if rank_in.is_none() {
        scratch.clear();
        scratch.extend(orders.iter().filter(|&&own| own < INFINITE));
        rank_in = Some(rank).filter(|&rank| rank < scratch.len());
    }
    rank_in.map(|rank| value(*scratch.select_nth_unstable(rank).1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(values: impl IntoIterator<Item = f32>) -> ChannelScale {
        let mut spread = AutoScale::new(1, 1280, 128, 0);
        for (index, value) in (0..).zip(values) {
            spread.push(index, &[value]);
        }
        spread.levels()[0]
    }

    fn wave(samples: u16) -> impl Iterator<Item = f32> {
        (0..samples).map(|i| 40.0 * (f32::from(i) * 0.7).sin() + 7.0)
    }

    #[test]
    fn it_is_the_median_and_p99_of_the_distance() {
        let level = level(wave(1500));
        assert!((level.median - 7.0).abs() < 2.0, "{level:?}");
        assert!((level.spread - 40.0).abs() < 2.0, "{level:?}");
    }

    #[test]
    fn one_sample_never_changes_it() {
        let spoilt = |at| level(wave(1500).enumerate().map(|(i, v)| if i == at { 7e5 } else { v }));
        for at in [17, 100, 1000, 1499] {
            assert_eq!(spoilt(at), level(wave(1500)), "{at}");
        }
        // Nor does it among the few samples from which the first scale is computed.
        assert!((spoilt(3).spread / level(wave(1500)).spread - 1.0).abs() < 0.05);
    }

    #[test]
    fn it_follows_lasting_changes_in_a_few_steps() {
        let mut spread = AutoScale::new(1, 1280, 128, 0);
        let mut changes = 0;
        let louder = wave(2560).map(|value| value * 3.0);
        for (index, value) in (0..).zip(wave(2560).chain(louder)) {
            let before = spread.levels()[0].spread;
            spread.push(index, &[value]);
            changes += u32::from(spread.levels()[0].spread.to_bits() != before.to_bits());
        }
        assert!((spread.levels()[0].spread / 120.0 - 1.0).abs() < 0.2);
        assert!((2..8).contains(&changes), "{changes} changes");
    }

    /// The common spread of channels that carry waves of these amplitudes.
    fn common(amplitudes: &[f32]) -> f32 {
        let mut spread = AutoScale::new(amplitudes.len(), 1280, 128, 0);
        for (index, value) in (0..).zip(wave(1500)) {
            let values: Vec<f32> =
                amplitudes.iter().map(|amplitude| (value - 7.0) / 40.0 * amplitude).collect();
            spread.push(index, &values);
        }
        spread.common()
    }

    #[test]
    fn the_common_spread_is_that_of_most_channels() {
        for (amplitudes, wanted) in [
            (&[30.0, 31.0, 5000.0, 30.0, 29.0][..], 30.0),
            (&[30.0, 5000.0], 30.0),
            (&[5000.0, 0.0, 0.0, 30.0, 0.0], 30.0),
            (&[40.0], 40.0),
        ] {
            let common = common(amplitudes);
            assert!((common / wanted - 1.0).abs() < 0.05, "{common} of {amplitudes:?}");
        }
        assert!(common(&[0.0, 0.0]).is_nan() && common(&[]).is_nan());
    }

    #[test]
    fn the_common_spread_follows_lasting_changes_only() {
        let mut spread = AutoScale::new(2, 1280, 128, 0);
        let mut changes = 0;
        // Up and down by a tenth from window to window, and then twice as large for good.
        let amplitudes = [1.0, 1.1, 0.95, 1.1, 0.9, 1.0, 2.0, 2.0];
        for (index, value) in (0..).zip(wave(1280).collect::<Vec<_>>().repeat(amplitudes.len())) {
            let amplitude = amplitudes[usize::try_from(index / 1280).unwrap()];
            let before = spread.common();
            spread.push(index, &[(value - 7.0) * amplitude; 2]);
            changes += u32::from(index > 200 && spread.common().to_bits() != before.to_bits());
        }
        assert!((1..4).contains(&changes), "{changes} changes");
        assert!((spread.common() / 80.0 - 1.0).abs() < 0.2, "{}", spread.common());
    }
}
