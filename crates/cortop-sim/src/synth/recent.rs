//! The newest EEG samples, generated once for all users: every session that streams `eeg`, and band
//! power.

use std::{
    fmt,
    ops::Range,
    sync::{Mutex, PoisonError},
};

use super::eeg::EegModel;

/// How many seconds are cached: twice what band power needs, so that sessions may lag behind each
/// other.
const SECONDS: u32 = 4;

/// Generates samples and caches the newest ones, which only saves generating them again.
pub(super) struct RecentSamples(Mutex<HeldSamples>);

struct HeldSamples {
    model: EegModel,
    /// The cached indices.
    held: Range<u64>,
    ring: Ring,
    /// How many samples have been generated.
    #[cfg(test)]
    made: u64,
}

/// Samples by index, each with all sensors.
pub(super) struct Ring {
    values: Vec<f64>,
    sensors: usize,
    capacity: u64,
}

impl fmt::Debug for RecentSamples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecentSamples")
    }
}

impl RecentSamples {
    /// For this many samples per second and sensors.
    pub(super) fn new(model: EegModel, rate: u32, sensors: usize) -> Self {
        let capacity = SECONDS * rate.max(1);
        let values = vec![0.0; capacity as usize * sensors];
        let ring = Ring { values, sensors, capacity: capacity.into() };
        let window = HeldSamples {
            model,
            held: 0..0,
            ring,
            #[cfg(test)]
            made: 0,
        };
        Self(Mutex::new(window))
    }

    /// Reads samples, generating those that are not cached; the range must not exceed half of the
    /// cache.
    pub(super) fn read<T>(&self, wanted: &Range<u64>, read: impl FnOnce(&Ring) -> T) -> T {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        window.fill(wanted);
        read(&window.ring)
    }

    #[cfg(test)]
    pub(super) fn made(&self) -> u64 {
        self.0.lock().unwrap().made
    }
}

impl HeldSamples {
    fn fill(&mut self, wanted: &Range<u64>) {
        if wanted.start > self.held.end || wanted.end < self.held.start {
            self.held = wanted.start..wanted.start;
        }
        while self.held.start > wanted.start {
            self.held.start -= 1;
            self.held.end = self.held.end.min(self.held.start + self.ring.capacity);
            self.make(self.held.start);
        }
        while self.held.end < wanted.end {
            self.make(self.held.end);
            self.held.end += 1;
            let oldest = self.held.end.saturating_sub(self.ring.capacity);
            self.held.start = self.held.start.max(oldest);
        }
    }

    fn make(&mut self, index: u64) {
        #[cfg(test)]
        {
            self.made += 1;
        }
        let (place, sensors) = (self.ring.place(index), self.ring.sensors);
        if let Some(values) = self.ring.values.get_mut(place..place + sensors) {
            self.model.sample(index, values);
        }
    }
}

impl Ring {
    /// The µV of every sensor at a cached index.
    pub(super) fn sample(&self, index: u64) -> &[f64] {
        let place = self.place(index);
        self.values.get(place..place + self.sensors).unwrap_or_default()
    }

    fn place(&self, index: u64) -> usize {
        usize::try_from(index % self.capacity).unwrap_or_default() * self.sensors
    }
}
