//! Band power as Cortex has it (§5.6): from the samples of the last 2 s.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use cortop_signal::{
    bands::BANDS,
    spectrum::{Periodogram, RANGE},
};

use super::recent::RecentSamples;
use crate::noise::slot;

/// Computes band power of a headset.
pub(super) struct BandPower(Mutex<Workspace>);

/// What is reused from one computation to the next.
struct Workspace {
    periodogram: Periodogram,
    lines: Vec<f32>,
}

impl fmt::Debug for BandPower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BandPower")
    }
}

impl BandPower {
    /// For so many samples a second.
    pub(super) fn new(rate: u32) -> Self {
        let periodogram = Periodogram::new(rate.into(), *RANGE.end());
        Self(Mutex::new(Workspace { periodogram, lines: Vec::new() }))
    }

    /// Hands the µV²/Hz of each sensor to `each`, by band in the order of [`BANDS`], over the
    /// samples before an index; until there are enough, over the first ones.
    pub(super) fn bands(
        &self,
        samples: &RecentSamples,
        sensors: usize,
        end: u64,
        mut each: impl FnMut([f64; BANDS.len()]),
    ) {
        let mut workspace = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Workspace { periodogram, lines } = &mut *workspace;
        let (span, _) = slot(periodogram.length() as f64);
        let wanted = end.saturating_sub(span)..end.max(span);
        samples.read(&wanted, |ring| {
            for sensor in 0..sensors {
                let own = |index| ring.sample(index).get(sensor).copied().unwrap_or(f64::NAN);
                let powers = periodogram.powers(wanted.clone().map(own));
                lines.clear();
                #[expect(clippy::cast_possible_truncation, reason = "as the monitor keeps them")]
                lines.extend(powers.map(|power| power as f32));
                let kept = periodogram.lines();
                each(BANDS.map(|band| kept.mean(lines, band.low, band.high)));
            }
        });
    }
}
