//! The robust scale of each channel: median, and p99 of the distance to it, over about a window
//! (docs/signal.md, "Robust auto-scale"). One sample, however large, never decides it; nor does one
//! channel the scale that all share.

/// Values a channel that the statistics are taken from; of a longer window every so many-th.
const VALUES: u64 = 2048;

/// So many of the largest distances never count, so that few samples are as robust as many.
const OUTLIERS: usize = 2;

/// The spread follows only when it changes by more than these factors …
const GROWTH: f32 = 1.25;
const DECLINE: f32 = 0.7;
/// … and the median when it moves by more than this share of the spread.
const MOVE: f32 = 0.25;

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

/// Follows the levels of all channels of a view.
#[derive(Debug)]
pub(crate) struct AutoScale {
    levels: Vec<ChannelScale>,
    /// The lower median of the channels' spreads; NaN until known.
    common: f32,
    /// The values of one sample after another, used as a ring.
    values: Vec<f32>,
    samples: usize,
    /// Every so many-th sample is taken.
    stride: u64,
    taken: u64,
    /// Samples in a second, and the index of the next renewal.
    second: u64,
    due: u64,
    scratch: Vec<f32>,
}

impl AutoScale {
    /// Over windows of `window` samples of which a second has `second`; the first has index `start`.
    pub(crate) fn new(channels: usize, window: u64, second: u64, start: u64) -> Self {
        let stride = window.div_ceil(VALUES).max(1);
        Self {
            levels: vec![ChannelScale::UNKNOWN; channels],
            common: f32::NAN,
            values: Vec::new(),
            samples: usize::try_from(window / stride).unwrap_or(usize::MAX).max(1),
            stride,
            taken: 0,
            second: second.max(1),
            // The first comes early, for until then there is no scale.
            due: start + second / 8,
            scratch: Vec::new(),
        }
    }

    /// The sample with this index, one filtered value a channel.
    pub(crate) fn push(&mut self, index: u64, values: &[f32]) {
        if index.is_multiple_of(self.stride) {
            let ring = self.samples * self.levels.len();
            if self.values.len() < ring {
                self.values.extend_from_slice(values);
            } else {
                let slot = usize::try_from(self.taken % self.samples as u64).unwrap_or_default();
                let place = self.values.chunks_exact_mut(values.len().max(1)).nth(slot);
                if let Some(place) = place {
                    place.copy_from_slice(values);
                }
            }
            self.taken += 1;
        }
        if index >= self.due {
            self.due = index + self.second;
            self.renew();
        }
    }

    /// The levels as last renewed, at most once a second of samples.
    pub(crate) fn levels(&self) -> &[ChannelScale] {
        &self.levels
    }

    /// The spread that fits most channels: the median of theirs, with the same hysteresis. Of two
    /// in the middle it is the lower one, for of two electrodes one may be bad, and flat channels
    /// do not count. NaN until known.
    pub(crate) fn common(&self) -> f32 {
        self.common
    }

    fn renew(&mut self) {
        let channels = self.levels.len();
        let mut spreads = Vec::with_capacity(channels);
        for (channel, level) in self.levels.iter_mut().enumerate() {
            let own = self.values.iter().skip(channel).step_by(channels);
            self.scratch.clear();
            self.scratch.extend(own.filter(|value| value.is_finite()));
            let Some(median) = quantile(&mut self.scratch, |count| count / 2) else { continue };
            self.scratch.iter_mut().for_each(|value| *value = (*value - median).abs());
            let p99 = |count: usize| (count * 99 / 100).min(count.saturating_sub(1 + OUTLIERS));
            let Some(spread) = quantile(&mut self.scratch, p99) else { continue };
            level.spread = steady(level.spread, spread);
            level.exact_median = median;
            let still = (median - level.median).abs() <= level.spread * MOVE;
            if !still {
                level.median = median;
            }
            spreads.extend((spread > 0.0).then_some(spread));
        }
        if let Some(common) = quantile(&mut spreads, |count| count.saturating_sub(1) / 2) {
            self.common = steady(self.common, common);
        }
    }
}

/// A spread after it was measured anew: the old one, unless they differ by much.
fn steady(old: f32, new: f32) -> f32 {
    if new <= old * GROWTH && new >= old * DECLINE { old } else { new }
}

/// The value at a rank that is told from the count of values.
fn quantile(values: &mut [f32], rank: impl Fn(usize) -> usize) -> Option<f32> {
    let rank = rank(values.len());
    (rank < values.len()).then(|| *values.select_nth_unstable_by(rank, f32::total_cmp).1)
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
        // Nor does it among the few samples from which the first scale is made.
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

    /// The common spread of channels that are waves of these amplitudes.
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
        // Up and down by a tenth, window by window, and then twice as large for good.
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
