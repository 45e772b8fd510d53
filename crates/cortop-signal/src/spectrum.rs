//! Power spectra, computed like `scipy.signal.welch`: two seconds under a Hann window, mean
//! removed, one-sided, in µV²/Hz. Pure numbers, independent of channels and time.

use std::{f64::consts::TAU, ops::RangeInclusive, sync::Arc};

use realfft::{RealFftPlanner, RealToComplex, num_complex::Complex};

/// Length of a segment in seconds. Segments overlap by half.
pub const SECONDS: u64 = 2;

/// The displayed range in Hz, unless configured otherwise and as far as the rate allows: from the
/// high-pass to a little above mains.
pub const RANGE: RangeInclusive<f64> = 1.0..=70.0;

/// Mains frequencies in Hz.
pub const MAINS: [f64; 2] = [50.0, 60.0];

/// The frequencies of a spectrum's powers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrequencyAxis {
    /// The first frequency in Hz.
    pub first: f64,
    /// The distance between two frequencies in Hz.
    pub step: f64,
    /// The number of frequencies.
    pub count: usize,
}

impl FrequencyAxis {
    /// The frequency of a line in Hz.
    #[must_use]
    pub fn hz(self, line: usize) -> f64 {
        self.first + self.step * line as f64
    }

    /// The mean power from `low` up to but excluding `high`; NaN if there is no line between them
    /// or one of them is unknown.
    #[must_use]
    pub fn mean(self, powers: &[f32], low: f64, high: f64) -> f64 {
        let own = powers.iter().enumerate().filter(|&(line, _)| {
            let hz = self.hz(line);
            low <= hz && hz < high
        });
        let (sum, count) =
            own.fold((0.0, 0_u32), |(sum, count), (_, &power)| (sum + f64::from(power), count + 1));
        sum / f64::from(count)
    }
}

/// Computes the power spectra of segments at one rate.
pub struct Periodogram {
    transform: Arc<dyn RealToComplex<f64>>,
    window: Vec<f64>,
    /// One over the product of rate and window power, doubled because the spectrum is one-sided.
    scale: f64,
    lines: FrequencyAxis,
    /// How many lines of the transform precede the first that is kept.
    skipped: usize,
    segment: Vec<f64>,
    spectrum: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
}

impl Periodogram {
    /// For `rate` samples per second; keeps the powers from the lower end of [`RANGE`] up to `end`
    /// in Hz.
    #[must_use]
    pub fn new(rate: u64, end: f64) -> Self {
        let rate = rate.max(1);
        let length = usize::try_from(SECONDS * rate).unwrap_or(usize::MAX);
        let transform = RealFftPlanner::new().plan_fft_forward(length);
        let window: Vec<f64> =
            (0..length).map(|at| 0.5 - 0.5 * (TAU * at as f64 / length as f64).cos()).collect();
        let step = 1.0 / SECONDS as f64;
        // The line at half the rate has no mirror image whose power could be added.
        let kept = |line: &usize| {
            *line < length / 2 && (*RANGE.start()..=end).contains(&(*line as f64 * step))
        };
        let kept: Vec<usize> = (0..length).filter(kept).collect();
        let skipped = kept.first().copied().unwrap_or_default();
        Self {
            scale: 2.0 / (rate as f64 * window.iter().map(|factor| factor * factor).sum::<f64>()),
            window,
            lines: FrequencyAxis { first: skipped as f64 * step, step, count: kept.len() },
            skipped,
            segment: transform.make_input_vec(),
            spectrum: transform.make_output_vec(),
            scratch: transform.make_scratch_vec(),
            transform,
        }
    }

    /// Samples in a segment.
    #[must_use]
    pub fn length(&self) -> usize {
        self.window.len()
    }

    /// The frequencies of the computed powers.
    #[must_use]
    pub fn lines(&self) -> FrequencyAxis {
        self.lines
    }

    /// The powers in µV²/Hz of one segment of [`Periodogram::length`] samples in µV. If a sample is
    /// missing, all are NaN.
    pub fn powers(&mut self, samples: impl Iterator<Item = f64>) -> impl Iterator<Item = f64> {
        self.segment.fill(f64::NAN);
        self.segment.iter_mut().zip(samples).for_each(|(place, sample)| *place = sample);
        let mean = self.segment.iter().sum::<f64>() / self.segment.len() as f64;
        let windowed = self.segment.iter_mut().zip(&self.window);
        windowed.for_each(|(sample, factor)| *sample = (*sample - mean) * factor);
        let Self { transform, segment, spectrum, scratch, .. } = self;
        let done = transform.process_with_scratch(segment, spectrum, scratch);
        debug_assert!(done.is_ok(), "the plan made these buffers");
        let kept = self.spectrum.iter().skip(self.skipped).take(self.lines.count);
        kept.map(|line| line.norm_sqr() * self.scale)
    }
}

/// A power in µV²/Hz as dB.
#[must_use]
pub fn decibel(power: f64) -> f64 {
    10.0 * power.log10()
}

/// The index of the most prominent peak: the one from which one has to descend farthest before
/// reaching a higher point. `None` if nothing stands out. The maximum of a spectrum that falls from
/// its low end is there, which is not a peak; nor is anything less prominent than `least` dB.
#[must_use]
pub fn peak(decibels: &[f64], least: f64) -> Option<usize> {
    let lowest_towards = |height: f64, way: &mut dyn Iterator<Item = &f64>| {
        way.take_while(|&&other| other <= height).fold(height, |low, &other| low.min(other))
    };
    (1..decibels.len().saturating_sub(1))
        .filter_map(|at| {
            let (left, rest) = decibels.split_at_checked(at)?;
            let (&height, right) = rest.split_first()?;
            let higher = left.last().is_some_and(|&other| height > other)
                && right.first().is_some_and(|&other| height >= other);
            let base = lowest_towards(height, &mut left.iter().rev())
                .max(lowest_towards(height, &mut right.iter()));
            (higher && height - base >= least).then_some((at, height - base))
        })
        .max_by(|(_, one), (_, other)| one.total_cmp(other))
        .map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sine_is_a_line_of_its_power_and_a_constant_is_nothing() {
        for (rate, last) in [(128_u64, 63.5), (127, 63.0), (256, 70.0)] {
            let mut periodogram = Periodogram::new(rate, *RANGE.end());
            let lines = periodogram.lines();
            let ends = (lines.first, lines.step, lines.hz(lines.count - 1));
            assert_eq!(ends, (1.0, 0.5, last));
            let sine = (0..2 * rate)
                .map(|at| 4200.0 + 20.0 * (TAU * 10.0 * at as f64 / rate as f64).sin());
            let powers: Vec<f64> = periodogram.powers(sine).collect();
            // Amplitude²/2, spread over the three lines of the window.
            assert!((powers.iter().sum::<f64>() * lines.step - 200.0).abs() < 1e-6);
            let highest = powers.iter().enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b));
            assert_eq!(highest.map(|(line, _)| lines.hz(line)), Some(10.0));
            let constant: Vec<f64> = periodogram.powers(std::iter::repeat_n(4200.0, 512)).collect();
            assert!(constant.iter().all(|&power| power < 1e-18));
        }
    }

    #[test]
    fn a_segment_that_misses_a_sample_has_no_power_at_all() {
        let mut periodogram = Periodogram::new(128, 70.0);
        for samples in [vec![1.0; 255], [vec![1.0; 100], vec![f64::NAN], vec![1.0; 155]].concat()] {
            assert!(periodogram.powers(samples.into_iter()).all(f64::is_nan));
        }
        assert!(periodogram.powers([1.0, 2.0].into_iter().cycle()).all(f64::is_finite));
    }

    #[test]
    fn slow_rates_have_as_many_lines_as_they_can_tell() {
        assert_eq!(
            Periodogram::new(64, 70.0).lines(),
            FrequencyAxis { first: 1.0, step: 0.5, count: 62 }
        );
        assert_eq!(Periodogram::new(1, 70.0).lines().count, 0);
    }

    #[test]
    fn the_powers_end_where_asked_or_below_half_the_rate() {
        let count = |rate, end| Periodogram::new(rate, end).lines().count;
        // Lines of half a hertz, starting at 1 Hz.
        assert_eq!([45.0, 70.0, f64::INFINITY].map(|end| count(256, end)), [89, 139, 254]);
        assert_eq!([45.0, 70.0, f64::INFINITY].map(|end| count(128, end)), [89, 126, 126]);
    }

    #[test]
    fn a_peak_is_what_stands_out_not_what_is_highest() {
        // It falls all the way except for a bump at 5 and a smaller one at 8.
        let falling = [30.0, 20.0, 15.0, 12.0, 16.0, 19.0, 10.0, 6.0, 9.5, 4.0];
        assert_eq!(peak(&falling, 3.0), Some(5));
        assert_eq!(peak(&falling[..4], 3.0), None);
        assert_eq!(peak(&falling, 8.0), None);
        assert_eq!(peak(&[f64::NAN; 9], 3.0), None);
        assert_eq!(peak(&[], 3.0), None);
    }
}
