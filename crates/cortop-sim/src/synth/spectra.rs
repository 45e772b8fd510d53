//! What Cortex computes from the samples of the last 2 s: band power (§5.6), and how much the
//! signal resembles EEG (§5.5).

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use cortop_signal::{
    bands::BANDS,
    spectrum::{FrequencyAxis, MAINS, Periodogram, RANGE},
};

use super::recent::RecentSamples;
use crate::noise::slot;

/// The frequency range that counts as EEG, in Hz.
const EEG: (f64, f64) = (1.0, 45.0);
/// The half width of mains in Hz.
const MAINS_WIDTH: f64 = 3.0;
/// Above these µV, EEG or mains are too large for levels 4, 3 and 2.
const EEG_LIMITS: [f64; 3] = [50.0, 90.0, 150.0];
const MAINS_LIMITS: [f64; 3] = [1.0, 3.0, 10.0];

/// Computes band power and quality of a headset once for all users.
pub(super) struct SensorSpectra(Mutex<Workspace>);

/// The results for one sensor over the last 2 s.
#[derive(Clone, Copy, Debug)]
pub(super) struct SensorSpectrum {
    /// Band powers in µV²/Hz, in the order of [`BANDS`].
    pub(super) bands: [f64; BANDS.len()],
    /// EEG quality, 0..4.
    pub(super) quality: u8,
}

/// Buffers reused between computations.
struct Workspace {
    periodogram: Periodogram,
    lines: Vec<f32>,
    /// The index of the last request, and its result.
    end: Option<u64>,
    sensors: Vec<SensorSpectrum>,
}

impl fmt::Debug for SensorSpectra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SensorSpectra")
    }
}

impl SensorSpectra {
    /// For this many samples per second.
    pub(super) fn new(rate: u32) -> Self {
        let periodogram = Periodogram::new(rate.into(), *RANGE.end());
        let workspace =
            Workspace { periodogram, lines: Vec::new(), end: None, sensors: Vec::new() };
        Self(Mutex::new(workspace))
    }

    /// Reads the results of each sensor over the samples before an index; until there are enough,
    /// over the first ones.
    pub(super) fn read<T>(
        &self,
        samples: &RecentSamples,
        sensors: usize,
        end: u64,
        read: impl FnOnce(&[SensorSpectrum]) -> T,
    ) -> T {
        let mut workspace = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if workspace.end != Some(end) {
            workspace.compute(samples, sensors, end);
            workspace.end = Some(end);
        }
        read(&workspace.sensors)
    }
}

impl Workspace {
    fn compute(&mut self, samples: &RecentSamples, sensors: usize, end: u64) {
        let Self { periodogram, lines, sensors: all, .. } = self;
        let (span, _) = slot(periodogram.length() as f64);
        let wanted = end.saturating_sub(span)..end.max(span);
        all.clear();
        samples.read(&wanted, |ring| {
            all.extend((0..sensors).map(|sensor| {
                let own = |index| ring.sample(index).get(sensor).copied().unwrap_or(f64::NAN);
                let powers = periodogram.powers(wanted.clone().map(own));
                lines.clear();
                #[expect(clippy::cast_possible_truncation, reason = "as the monitor keeps them")]
                lines.extend(powers.map(|power| power as f32));
                let kept = periodogram.lines();
                let first = own(wanted.start);
                #[expect(clippy::float_cmp, reason = "a stuck channel repeats its value exactly")]
                let stuck = wanted.clone().all(|index| own(index) == first);
                SensorSpectrum {
                    bands: BANDS.map(|band| kept.mean(lines, band.low, band.high)),
                    quality: if stuck { 0 } else { quality(kept, lines) },
                }
            }));
        });
    }
}

/// The quality of a signal with these powers, 1..4.
fn quality(axis: FrequencyAxis, powers: &[f32]) -> u8 {
    let microvolts = |low: f64, high: f64| ((high - low) * axis.mean(powers, low, high)).sqrt();
    let level = |microvolts: f64, limits: [f64; 3]| {
        limits.iter().rev().zip(1..).find(|(limit, _)| microvolts >= **limit).map_or(4, |it| it.1)
    };
    let eeg = level(microvolts(EEG.0, EEG.1), EEG_LIMITS);
    let mains = MAINS.map(|hz| microvolts(hz - MAINS_WIDTH, hz + MAINS_WIDTH));
    mains.into_iter().map(|own| level(own, MAINS_LIMITS)).fold(eeg, u8::min)
}
