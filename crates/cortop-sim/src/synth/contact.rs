//! How well each sensor touches the skin, what bad contact adds to its signal, and the battery.

use crate::noise::{Noise, slot};

/// Seconds between changes of a sensor's contact.
const CONTACT_SLOT: f64 = 12.0;
/// Contact levels (§5.4) other than good, and their probabilities.
const LEVELS: [(f64, u8); 3] = [(0.02, 0), (0.05, 1), (0.13, 2)];
const GOOD: u8 = 4;
/// Seconds in which an electrode with very bad contact may pop once, and how often it does.
const POP_SLOT: f64 = 2.3;
const POPS: f64 = 0.7;
/// Seconds in which a pop fades out.
const POP_FADING: f64 = 0.35;
/// Seconds per per cent of the battery: a charge lasts ten hours.
const PERCENT: f64 = 360.0;

/// Contact quality and battery of a headset.
#[derive(Clone, Copy, Debug)]
pub(super) struct ContactModel(Noise);

/// The contact of one sensor. Caches its last lookup.
#[derive(Clone, Debug)]
pub(super) struct SensorContact {
    noise: Noise,
    /// Makes each sensor change at moments of its own.
    shift: f64,
    slot: u64,
    held: Contact,
}

/// The effect of a contact level on the signal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Contact {
    /// One of 0, 1, 2, 4 (§5.4).
    pub(super) level: u8,
    /// The factor by which its noise exceeds that of good contact.
    pub(super) noise: f64,
    /// Mains hum in µV. With good contact, the headset's own notch leaves less than 0.01 % of the
    /// power.
    pub(super) mains: f64,
    /// Without contact the channel is stuck at one value; this selects which, 0..1.
    pub(super) stuck: Option<f64>,
}

impl ContactModel {
    pub(super) fn new(noise: Noise) -> Self {
        Self(noise)
    }

    /// The contact of a sensor.
    pub(super) fn sensor(self, sensor: u64) -> SensorContact {
        let noise = self.0.branch(sensor);
        let held = Contact::of(noise, 0);
        SensorContact { noise, shift: noise.branch(1).unit(0), slot: 0, held }
    }

    /// The charge of one of the batteries in per cent.
    pub(super) fn battery(self, which: u64, time: f64) -> f64 {
        let full = self.0.branch(99).unit(which).mul_add(20.0, 78.0);
        (full - time / PERCENT).floor().max(1.0)
    }
}

impl SensorContact {
    /// The contact at a time.
    pub(super) fn at(&mut self, time: f64) -> Contact {
        let (now, _) = slot(time / CONTACT_SLOT + self.shift);
        if now != self.slot {
            self.slot = now;
            self.held = Contact::of(self.noise, now);
        }
        self.held
    }

    /// The electrode's pops at a time, in µV, if the contact that was looked up last has any.
    pub(super) fn pop(&self, time: f64) -> f64 {
        if self.held.level != 1 {
            return 0.0;
        }
        let (newest, _) = slot(time / POP_SLOT);
        let pop = |slot: u64| {
            let of = |what: u64| self.noise.branch(what).unit(slot);
            let since = (slot as f64 + of(3)).mul_add(-POP_SLOT, time);
            let sign = if of(4) < 0.5 { -1.0 } else { 1.0 };
            let height = sign * of(5).mul_add(150.0, 70.0);
            let pops = of(6) < POPS && since >= 0.0;
            if pops { height * (-since / POP_FADING).exp() } else { 0.0 }
        };
        pop(newest) + newest.checked_sub(1).map_or(0.0, pop)
    }
}

impl Contact {
    fn of(noise: Noise, slot: u64) -> Self {
        let level = noise.pick(slot, &LEVELS, GOOD);
        let (noise, mains, stuck) = match level {
            0 => (0.0, 0.0, Some(noise.branch(2).unit(slot))),
            1 => (6.0, 25.0, None),
            2 => (2.5, 6.0, None),
            _ => (1.0, 0.1, None),
        };
        Self { level, noise, mains, stuck }
    }
}
