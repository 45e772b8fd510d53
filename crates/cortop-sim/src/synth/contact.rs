//! How well each sensor touches the skin, how brain-like its signal looks, and the battery.

use crate::noise::{Noise, slot};

/// Seconds between changes of a sensor's contact.
const CONTACT_SLOT: f64 = 12.0;
/// Seconds a per cent of the battery lasts: a charge of ten hours.
const PERCENT: f64 = 360.0;

/// Contact quality, signal quality and battery of a headset.
#[derive(Clone, Copy, Debug)]
pub(super) struct ContactModel(Noise);

impl ContactModel {
    pub(super) fn new(noise: Noise) -> Self {
        Self(noise)
    }

    /// Contact quality of a sensor: one of 0, 1, 2, 4 (§5.4).
    pub(super) fn contact(self, sensor: u64, time: f64) -> u8 {
        let own = self.0.branch(sensor);
        // Each sensor changes at moments of its own.
        let (slot, _) = slot(time / CONTACT_SLOT + own.branch(1).unit(0));
        own.pick(slot, &[(0.02, 0), (0.05, 1), (0.13, 2)], 4)
    }

    /// EEG quality of a sensor, 0..4: follows contact, and flickers from sample to sample (§5.5).
    pub(super) fn quality(self, sensor: u64, time: f64) -> u8 {
        let (slot, _) = slot(time * 2.0);
        let flicker = self.0.branch(sensor).branch(2).unit(slot);
        self.contact(sensor, time).saturating_sub(u8::from(flicker < 0.25))
    }

    /// µV of noise that a bad contact adds.
    pub(super) fn noise(self, sensor: u64, time: f64) -> f64 {
        match self.contact(sensor, time) {
            0 => 60.0,
            1 => 25.0,
            2 => 8.0,
            _ => 0.0,
        }
    }

    /// Battery per cent of one of the batteries.
    pub(super) fn battery(self, which: u64, time: f64) -> f64 {
        let full = self.0.branch(99).unit(which).mul_add(20.0, 78.0);
        (full - time / PERCENT).floor().max(1.0)
    }
}
