//! Randomness with random access: a hash of seed, purpose and slot. There is no state to advance,
//! so a signal made from it is the same however it is read.

/// A source of randomness, independent for each purpose.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noise(u64);

impl Noise {
    /// The root of all randomness of a headset.
    pub(super) fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    /// An independent source for a purpose: a channel, an octave, a kind of event.
    pub(super) fn branch(self, purpose: u64) -> Self {
        Self(mix(self.0 ^ mix(purpose)))
    }

    /// Uniform in 0..1, one value per slot.
    pub(super) fn unit(self, slot: u64) -> f64 {
        // The upper 53 bits: exact in an `f64`.
        (mix(self.0.wrapping_add(slot.wrapping_mul(GOLDEN))) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in -1..1, one value per slot.
    pub(super) fn signed(self, slot: u64) -> f64 {
        self.unit(slot).mul_add(2.0, -1.0)
    }

    /// A smooth curve in -1..1 through a random value at each whole `x`.
    pub(super) fn smooth(self, x: f64) -> f64 {
        let (slot, part) = slot(x);
        between([self.signed(slot), self.signed(slot + 1)], part)
    }

    /// One of the items per slot.
    pub(super) fn pick<T: Copy>(self, slot: u64, items: &[(f64, T)], last: T) -> T {
        let mut rest = self.unit(slot);
        for &(share, item) in items {
            if rest < share {
                return item;
            }
            rest -= share;
        }
        last
    }
}

/// A curve like that of [`Noise::smooth`], for sequential access: caches the two values around the
/// newest point.
#[derive(Clone, Debug)]
pub(super) struct HeldCurve {
    noise: Noise,
    slot: u64,
    ends: [f64; 2],
}

impl HeldCurve {
    pub(super) fn new(noise: Noise) -> Self {
        Self { noise, slot: 0, ends: [noise.signed(0), noise.signed(1)] }
    }

    /// The value of the curve at `x`.
    pub(super) fn at(&mut self, x: f64) -> f64 {
        let (slot, part) = slot(x);
        if slot != self.slot {
            self.slot = slot;
            self.ends = [self.noise.signed(slot), self.noise.signed(slot + 1)];
        }
        between(self.ends, part)
    }
}

/// Interpolates smoothly between two values.
fn between([from, to]: [f64; 2], part: f64) -> f64 {
    let weight = part * part * 2.0_f64.mul_add(-part, 3.0);
    (to - from).mul_add(weight, from)
}

/// The slot number and the fraction within the slot; anything before zero is zero.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and whole numbers are what is wanted"
)]
pub(super) fn slot(x: f64) -> (u64, f64) {
    let whole = x.max(0.0).floor();
    (whole as u64, x.max(0.0) - whole)
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The finaliser of `SplitMix64`.
fn mix(value: u64) -> u64 {
    let z = value.wrapping_add(GOLDEN);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
