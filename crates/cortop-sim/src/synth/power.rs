//! Band power as Cortex has it (§5.6): from the samples of the last 2 s.

use std::{
    fmt,
    ops::Range,
    sync::{Mutex, PoisonError},
};

use cortop_signal::{bands::BANDS, spectrum::Periodogram};

use super::eeg::EegModel;
use crate::noise::slot;

/// Makes band power of a headset. What it holds only saves making samples again.
pub(super) struct BandPower(Mutex<SampleWindow>);

struct SampleWindow {
    periodogram: Periodogram,
    /// The samples of these indices, all sensors of one after the other, as a ring.
    held: Range<u64>,
    samples: Vec<f64>,
    lines: Vec<f32>,
}

impl fmt::Debug for BandPower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Power")
    }
}

impl BandPower {
    /// For so many samples a second and so many sensors.
    pub(super) fn new(rate: u32, sensors: usize) -> Self {
        let periodogram = Periodogram::new(rate.into());
        let samples = vec![0.0; periodogram.length() * sensors];
        Self(Mutex::new(SampleWindow { periodogram, held: 0..0, samples, lines: Vec::new() }))
    }

    /// Hands the µV²/Hz of each sensor to `each`, by band in the order of [`BANDS`], over the
    /// samples before an index; until there are enough, over the first ones.
    pub(super) fn bands(
        &self,
        brain: &EegModel,
        end: u64,
        mut each: impl FnMut([f64; BANDS.len()]),
    ) {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let SampleWindow { periodogram, held, samples, lines } = &mut *window;
        let length = periodogram.length();
        let (span, _) = slot(length as f64);
        let wanted = end.saturating_sub(span)..end.max(span);
        let sensors = samples.len() / length.max(1);
        let place = |index: u64| usize::try_from(index % span.max(1)).unwrap_or_default() * sensors;
        for index in wanted.clone().filter(|index| !held.contains(index)) {
            let own = samples.iter_mut().skip(place(index));
            own.zip(brain.sample(index)).for_each(|(sample, value)| *sample = value);
        }
        *held = wanted.clone();
        for sensor in 0..sensors {
            let own = |index| samples.get(place(index) + sensor).copied().unwrap_or(f64::NAN);
            let powers = periodogram.powers(wanted.clone().map(own));
            lines.clear();
            #[expect(clippy::cast_possible_truncation, reason = "as the monitor keeps them")]
            lines.extend(powers.map(|power| power as f32));
            let kept = periodogram.lines();
            each(BANDS.map(|band| kept.mean(lines, band.low, band.high)));
        }
    }
}
