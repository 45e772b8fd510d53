//! The wearer's eyes: alternately open and closed; while open, they blink, wink and look to the
//! side. `fac` reports what shows in the EEG. Any moment can be computed directly.

use std::f64::consts::{PI, TAU};

use crate::noise::{Noise, slot};

/// Seconds from the headset's start during which the eyes are open …
const OPEN: f64 = 20.0;
/// … and then closed, alternating from then on.
const CLOSED: f64 = 10.0;
/// Seconds in which there is at most one movement.
const SLOT: f64 = 2.8;
/// Seconds without movement at the ends of a slot, and around each opening or closing of the eyes.
const MARGIN: f64 = 0.3;
/// The movements of the eyes, and their share of the slots.
const ACTS: [(f64, &str); 5] =
    [(0.65, "blink"), (0.08, "lookL"), (0.08, "lookR"), (0.03, "winkL"), (0.03, "winkR")];
/// Time constant in seconds of the headset's 0.2 Hz high-pass (§8): a constant potential fades, and
/// a pulse is followed by an undershoot.
const FADING: f64 = 0.8;
/// Seconds that the eyes take to turn.
const SACCADE: f64 = 0.04;
/// µV at AF3 and AF4 when the eyes close; the opposite when they open.
const LIDS_CLOSE: f64 = 60.0;
/// Seconds that alpha takes to rise after the eyes close, and to fall after they open.
const ALPHA_RISES: f64 = 1.0;
const ALPHA_FALLS: f64 = 0.4;

/// A wearer's eyes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Eyes(Noise);

/// The potentials of the eyes in µV.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct EyePotentials {
    /// Of the eyelids, as measured at AF3 and AF4.
    pub(super) left_lid: f64,
    pub(super) right_lid: f64,
    /// Of the gaze to the side, as measured at F7; F8 has the opposite.
    pub(super) gaze: f64,
}

/// A movement of the eyes.
struct Movement {
    act: &'static str,
    start: f64,
    seconds: f64,
    /// Peak amplitude in µV.
    height: f64,
}

impl Eyes {
    pub(super) fn new(noise: Noise) -> Self {
        Self(noise)
    }

    /// Whether they are closed at a time.
    pub(super) fn closed(time: f64) -> bool {
        time.rem_euclid(OPEN + CLOSED) >= OPEN
    }

    /// How far alpha has risen because the eyes are closed, 0..1.
    pub(super) fn rest(time: f64) -> f64 {
        let phase = time.rem_euclid(OPEN + CLOSED);
        if phase >= OPEN {
            ramp((phase - OPEN) / ALPHA_RISES)
        } else if time >= OPEN + CLOSED {
            1.0 - ramp(phase / ALPHA_FALLS)
        } else {
            0.0
        }
    }

    /// The action in the sample of `fac` that covers the `span` seconds before `time`: a blink
    /// once, at its peak; the others for as long as they last.
    pub(super) fn action(self, time: f64, span: f64) -> &'static str {
        let movement = self.movement(slot(time / SLOT).0).filter(|own| {
            let (from, until) = match own.act {
                "blink" => {
                    let peak = own.start + own.seconds / 2.0;
                    (peak, peak + span)
                }
                _ => (own.start, own.start + own.seconds),
            };
            from <= time && time < until
        });
        movement.map_or("neutral", |own| own.act)
    }

    /// The potentials at a time.
    pub(super) fn potentials(self, time: f64) -> EyePotentials {
        let mut all = EyePotentials::default();
        let phase = time.rem_euclid(OPEN + CLOSED);
        let opened = if time >= OPEN + CLOSED { held(phase) } else { 0.0 };
        let lids = LIDS_CLOSE * (held(phase - OPEN) - opened);
        all.left_lid += lids;
        all.right_lid += lids;
        let (newest, _) = slot(time / SLOT);
        // What has faded for a whole slot is negligible.
        for own in (newest.saturating_sub(1)..=newest).filter_map(|slot| self.movement(slot)) {
            let since = time - own.start;
            let pulse = || own.height * pulse(since, own.seconds);
            let turn = || own.height * (held(since) - held(since - own.seconds));
            match own.act {
                "winkL" => all.left_lid += pulse(),
                "winkR" => all.right_lid += pulse(),
                "lookL" => all.gaze += turn(),
                "lookR" => all.gaze -= turn(),
                _ => {
                    all.left_lid += pulse();
                    all.right_lid += pulse();
                }
            }
        }
        all
    }

    /// The movement in a slot, if any.
    fn movement(self, slot: u64) -> Option<Movement> {
        let of = |what: u64| self.0.branch(what).unit(slot);
        let act = Some(self.0.pick(slot, &ACTS, "")).filter(|act| !act.is_empty())?;
        let ((least, more), (low, higher)) = match act {
            "blink" => ((0.2, 0.2), (120.0, 180.0)),
            "winkL" | "winkR" => ((0.35, 0.25), (90.0, 90.0)),
            _ => ((0.6, 0.6), (60.0, 50.0)),
        };
        let seconds = of(1).mul_add(more, least);
        let free = SLOT - 2.0 * MARGIN - seconds;
        let start = of(2).mul_add(free, (slot as f64).mul_add(SLOT, MARGIN));
        let height = of(3).mul_add(higher, low);
        let open = !Self::closed(start - MARGIN) && !Self::closed(start + seconds + MARGIN);
        open.then_some(Movement { act, start, seconds, height })
    }
}

/// Rises smoothly from 0 to 1 while `part` does.
fn ramp(part: f64) -> f64 {
    let part = part.clamp(0.0, 1.0);
    part * part * 2.0_f64.mul_add(-part, 3.0)
}

/// A step of 1 at time 0, fading.
fn held(time: f64) -> f64 {
    if time <= 0.0 { 0.0 } else { ramp(time / SACCADE) * (-time / FADING).exp() }
}

/// A pulse of height 1 starting at time 0, and its undershoot.
fn pulse(time: f64, seconds: f64) -> f64 {
    if time <= 0.0 {
        0.0
    } else if time < seconds {
        let part = time / seconds;
        let area = seconds * (part / 2.0 - (TAU * part).sin() / (2.0 * TAU));
        (PI * part).sin().powi(2) - area / FADING
    } else {
        -seconds / 2.0 / FADING * (-(time - seconds) / FADING).exp()
    }
}
