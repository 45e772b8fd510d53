//! The wearer's facial expressions, which show in the EEG and in `fac` alike, and mental commands.
//! Each event is contained in a slot of time, so any moment can be computed directly. Independent
//! of the eyes.

use std::f64::consts::PI;

use crate::noise::{Noise, slot};

const CLENCH_SLOT: f64 = 17.0;
const FACE_SLOT: f64 = 5.0;
const COMMAND_SLOT: f64 = 6.0;

/// The wearer's muscles and intentions.
#[derive(Clone, Copy, Debug)]
pub(super) struct ActivityModel {
    clenches: Noise,
    upper: Noise,
    lower: Noise,
    commands: Noise,
}

/// An action and its strength of 0..1.
pub(super) type ActionPower = (&'static str, f64);

impl ActivityModel {
    pub(super) fn new(noise: Noise) -> Self {
        let branch = |purpose| noise.branch(purpose);
        Self { clenches: branch(2), upper: branch(3), lower: branch(4), commands: branch(5) }
    }

    /// Strength 0..1 of jaw clenching at `time`.
    pub(super) fn clench(&self, time: f64) -> f64 {
        let (slot, part) = slot(time / CLENCH_SLOT);
        let start = 0.3f64.mul_add(self.clenches.unit(slot), 0.4);
        bump((part - start) * CLENCH_SLOT / 1.2)
    }

    /// The upper face at `time`.
    pub(super) fn upper(&self, time: f64) -> ActionPower {
        let (slot, part) = slot(time / FACE_SLOT);
        let act = self.upper.pick(slot, &[(0.2, "surprise"), (0.15, "frown")], "neutral");
        expression(act, bump(part))
    }

    /// The lower face at `time`.
    pub(super) fn lower(&self, time: f64) -> ActionPower {
        let clench = self.clench(time);
        if clench > 0.0 {
            return ("clench", clench);
        }
        let (slot, part) = slot(time / FACE_SLOT);
        let act = self.lower.pick(slot, &[(0.25, "smile"), (0.05, "laugh")], "neutral");
        expression(act, 0.8 * bump(part))
    }

    /// The mental command at `time`, out of those that are known.
    pub(super) fn command(&self, time: f64, known: &[&'static str]) -> ActionPower {
        let (slot, part) = slot(time / COMMAND_SLOT);
        let share = 0.75 / known.len().max(1) as f64;
        let rest = |place: usize| self.commands.unit(slot) < share * (place + 1) as f64;
        let act = known.iter().enumerate().find(|(place, _)| rest(*place));
        let act = act.map_or("neutral", |(_, act)| act);
        expression(act, self.commands.branch(1).unit(slot).mul_add(0.6, 0.4) * bump(part))
    }
}

/// Rises from 0 to 1 and falls back to 0 while `part` goes from 0 to 1.
fn bump(part: f64) -> f64 {
    if (0.0..1.0).contains(&part) { (PI * part).sin().powi(2) } else { 0.0 }
}

/// An action too weak to see is neutral.
fn expression(act: &'static str, power: f64) -> ActionPower {
    if act == "neutral" || power < 0.1 { ("neutral", 0.0) } else { (act, power) }
}
