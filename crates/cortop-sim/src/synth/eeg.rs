//! The EEG of one headset: sources on the head, each of which reaches every sensor according to
//! their distance, which is volume conduction; then the noise of the electrode, and the steps of
//! the converter on top of the offset.
//!
//! | source | where |
//! |---|---|
//! | background | 17 places all over the head, 1/f |
//! | alpha | back of the head, left and right; rises when the eyes are closed |
//! | eyelids, gaze | the eyes: blinks and winks; a dipole from side to side |
//! | muscles | temples and forehead |

use std::f64::consts::{FRAC_PI_2, TAU};

use cortop_signal::electrode_positions::place;

use super::{
    activity::ActivityModel,
    contact::{ContactModel, SensorContact},
    eyes::Eyes,
};
use crate::{
    model::Spec,
    noise::{HeldCurve, Noise, slot},
};

/// A position on the head, seen from above, in the coordinates of [`place`].
type Place = (f64, f64);

/// Sources of the background: one at the vertex, and rings around it: their number and radius.
const RINGS: [(usize, f64); 3] = [(1, 0.0), (6, 0.55), (10, 1.1)];
const BACKGROUND_SOURCES: usize = 17;
/// How far a background source spreads: neighbours correlate with 0.6 to 0.9.
const BACKGROUND_WIDTH: f64 = 0.45;
/// How many times per second each octave of the background changes, and its amplitude in µV: the
/// median of |x| is about 7 µV after a band-pass, and the spectrum falls as in recordings, by 7 to
/// 10 dB from theta to gamma.
const OCTAVES: [(f64, f64); 8] = [
    (64.0, 11.5),
    (32.0, 8.5),
    (16.0, 7.5),
    (8.0, 7.5),
    (4.0, 7.5),
    (2.0, 7.5),
    (1.0, 7.5),
    (0.5, 7.5),
];

/// Frequency of the alpha rhythm in Hz.
const ALPHA: f64 = 10.2;
/// µV of alpha on each side with open and with closed eyes.
const ALPHA_OPEN: f64 = 4.5;
const ALPHA_CLOSED: f64 = 17.0;
const ALPHA_PLACE: Place = (0.3, -0.9);
const ALPHA_WIDTH: f64 = 0.5;
/// The share of alpha that reaches the whole head.
const ALPHA_EVERYWHERE: f64 = 0.2;

const EYE_PLACE: Place = (0.6, 0.95);
const EYE_WIDTH: f64 = 0.3;
/// The sensor that measures an eyelid at full strength.
const LID_SENSOR: &str = "AF3";
const GAZE_PLACE: Place = (0.9, 0.7);
const GAZE_WIDTH: f64 = 0.4;

const TEMPLE_PLACE: Place = (1.0, 0.1);
const TEMPLE_WIDTH: f64 = 0.4;
const FOREHEAD_PLACE: Place = (0.0, 1.1);
const FOREHEAD_WIDTH: f64 = 0.5;

/// Alpha of two sides, two eyelids, gaze, and muscles at both temples and the forehead.
const SOURCES: usize = BACKGROUND_SOURCES + 8;

/// How often per second the strength of the muscles is updated.
const MUSCLE_RATE: f64 = 16.0;
/// µV of the muscles at rest, with the jaw clenched, with a smile, and with a raised or lowered
/// brow.
const MUSCLE_REST: f64 = 0.8;
const CLENCH: f64 = 45.0;
const SMILE: f64 = 10.0;
const BROW: f64 = 20.0;

/// Noise in µV of an electrode with good contact, and its slow drift.
const ELECTRODE: f64 = 1.0;
const DRIFT: f64 = 15.0;
/// The time scale of the drift in seconds.
const DRIFT_SECONDS: f64 = 25.0;
/// µV above its level at which a channel without contact is stuck, if not at a rail (§5.2).
const STUCK: f64 = 830.0;
/// µV from the middle of the converter's range to its ends (§8).
const HALF_RANGE: f64 = 4200.0;

/// Generates EEG. Its state is only a cache: a sample depends on its index alone.
#[derive(Clone, Debug)]
pub(super) struct EegModel {
    background: Vec<Octave>,
    alpha: AlphaRhythm,
    eyes: Eyes,
    activity: ActivityModel,
    /// Noise of the temples and the forehead, and their strengths in a slot of time.
    muscles: [Noise; 3],
    strengths: Option<(u64, [f64; 2])>,
    mains_hz: f64,
    sensors: Vec<Sensor>,
    rate: f64,
    lsb: f64,
    range: (f64, f64),
}

/// A channel.
#[derive(Clone, Debug)]
struct Sensor {
    /// How strongly it receives each source.
    gains: [f64; SOURCES],
    offset: f64,
    noise: Noise,
    drift: HeldCurve,
    contact: SensorContact,
}

/// The part of all background sources that changes at one rate.
#[derive(Clone, Debug)]
struct Octave {
    hz: f64,
    height: f64,
    /// Prevents the octaves from changing at the same moments.
    shift: f64,
    slot: u64,
    /// Each source with its values at the beginning and the end of the slot.
    sources: Vec<(Noise, f64, f64)>,
}

/// The alpha rhythm: its amplitude waxes and wanes, and its phase wanders.
#[derive(Clone, Debug)]
struct AlphaRhythm {
    phase: HeldCurve,
    /// The phase difference between the right and the left side.
    apart: HeldCurve,
    slow: HeldCurve,
    fast: HeldCurve,
}

impl EegModel {
    pub(super) fn new(
        spec: &Spec,
        noise: Noise,
        eyes: Eyes,
        activity: ActivityModel,
        contact: ContactModel,
    ) -> Self {
        let sensors = spec.sensors.iter().zip(0..).map(|(name, channel)| {
            let noise = noise.branch(100 + channel);
            let spread = if spec.dc > 0.0 { 70.0 } else { 3.0 };
            Sensor {
                gains: gains(place(name).unwrap_or_default()),
                offset: noise.branch(50).signed(0).mul_add(spread, spec.dc),
                drift: HeldCurve::new(noise.branch(41)),
                contact: contact.sensor(channel),
                noise: noise.branch(40),
            }
        });
        let alpha = noise.branch(2);
        Self {
            sensors: sensors.collect(),
            background: Octave::all(noise.branch(1)),
            alpha: AlphaRhythm {
                phase: HeldCurve::new(alpha.branch(1)),
                apart: HeldCurve::new(alpha.branch(4)),
                slow: HeldCurve::new(alpha.branch(2)),
                fast: HeldCurve::new(alpha.branch(3)),
            },
            eyes,
            activity,
            muscles: [3, 4, 5].map(|muscle| noise.branch(muscle)),
            strengths: None,
            mains_hz: if noise.branch(6).unit(0) < 0.5 { 50.0 } else { 60.0 },
            rate: f64::from(spec.eeg_rate),
            lsb: spec.lsb,
            range: if spec.dc > 0.0 { (0.0, 2.0 * HALF_RANGE) } else { (-HALF_RANGE, HALF_RANGE) },
        }
    }

    /// The µV of every sensor at a sample index.
    pub(super) fn sample(&mut self, index: u64, values: &mut [f64]) {
        let time = index as f64 / self.rate;
        let sources = self.sources(index, time);
        let mains = (TAU * self.mains_hz * time).sin();
        let (low, high) = self.range;
        for (sensor, value) in self.sensors.iter_mut().zip(values) {
            let seen: f64 = sensor.gains.iter().zip(&sources).map(|(gain, own)| gain * own).sum();
            let contact = sensor.contact.at(time);
            let exact = if let Some(part) = contact.stuck {
                // Some of the channels are at either rail, the others off their level. If the
                // headset removes the baseline (§5.2), the rails are not visible.
                match part {
                    0.0..0.25 if low >= 0.0 => low,
                    0.25..0.5 if low >= 0.0 => high,
                    _ => sensor.offset + STUCK,
                }
            } else {
                let drift = DRIFT * sensor.drift.at(time / DRIFT_SECONDS);
                let rough = ELECTRODE * sensor.noise.signed(index);
                let added = contact.noise.mul_add(drift + rough, contact.mains * mains);
                sensor.offset + seen + added + sensor.contact.pop(time)
            };
            *value = (exact.clamp(low, high) / self.lsb).round() * self.lsb;
        }
    }

    /// The µV of every source.
    fn sources(&mut self, index: u64, time: f64) -> [f64; SOURCES] {
        let mut all = [0.0; SOURCES];
        let (background, others) = all.split_at_mut(BACKGROUND_SOURCES);
        self.background.iter_mut().for_each(|octave| octave.add(time, background));
        let [alpha_left, alpha_right] = self.alpha.at(time);
        let eyes = self.eyes.potentials(time);
        let [temples, forehead] = self.strengths(time);
        // Unlike white noise, muscles have almost no power below 15 Hz.
        let muscle = |noise: &Noise| noise.signed(index) - noise.signed(index.wrapping_sub(1));
        let [left, right, brow] = self.muscles.each_ref().map(muscle);
        let own = [
            alpha_left,
            alpha_right,
            eyes.left_lid,
            eyes.right_lid,
            eyes.gaze,
            temples * left,
            temples * right,
            forehead * brow,
        ];
        others.copy_from_slice(&own);
        all
    }

    /// µV of the muscles at the temples and the forehead.
    fn strengths(&mut self, time: f64) -> [f64; 2] {
        let (now, _) = slot(time * MUSCLE_RATE);
        match self.strengths {
            Some((held, strengths)) if held == now => strengths,
            _ => {
                let moment = now as f64 / MUSCLE_RATE;
                let clench = CLENCH * self.activity.clench(moment);
                let smile = match self.activity.lower(moment) {
                    ("smile" | "laugh", power) => SMILE * power,
                    _ => 0.0,
                };
                let (_, brow) = self.activity.upper(moment);
                let strengths = [MUSCLE_REST + clench + smile, MUSCLE_REST + BROW * brow];
                self.strengths = Some((now, strengths));
                strengths
            }
        }
    }
}

impl Octave {
    /// All octaves of the background.
    fn all(noise: Noise) -> Vec<Self> {
        let octaves = OCTAVES.iter().zip(0..).map(|(&(hz, height), octave)| {
            let noise = noise.branch(octave);
            let sources = (0..BACKGROUND_SOURCES as u64).map(|source| {
                let own = noise.branch(source);
                (own, own.signed(0), own.signed(1))
            });
            Self {
                hz,
                height,
                shift: noise.branch(99).unit(0),
                slot: 0,
                sources: sources.collect(),
            }
        });
        octaves.collect()
    }

    /// Adds the contribution to each source at a time.
    fn add(&mut self, time: f64, sources: &mut [f64]) {
        let (now, part) = slot(time.mul_add(self.hz, self.shift));
        if now != self.slot {
            for (noise, from, to) in &mut self.sources {
                *from = if now == self.slot + 1 { *to } else { noise.signed(now) };
                *to = noise.signed(now + 1);
            }
            self.slot = now;
        }
        let weight = part * part * 2.0_f64.mul_add(-part, 3.0);
        for (sum, (_, from, to)) in sources.iter_mut().zip(&self.sources) {
            *sum += self.height * (to - from).mul_add(weight, *from);
        }
    }
}

impl AlphaRhythm {
    /// µV on the left and the right side.
    fn at(&mut self, time: f64) -> [f64; 2] {
        let phase = TAU.mul_add(ALPHA * time, 2.0 * self.phase.at(time));
        let apart = 0.8 * self.apart.at(time / 1.5);
        let waxing =
            0.45f64.mul_add(self.slow.at(time / 3.7), 0.35 * self.fast.at(time / 1.3)) + 1.0;
        let height = (ALPHA_CLOSED - ALPHA_OPEN).mul_add(Eyes::rest(time), ALPHA_OPEN) * waxing;
        [height * phase.sin(), height * (phase + apart).sin()]
    }
}

/// How strongly a sensor at a position receives each source.
fn gains(at: Place) -> [f64; SOURCES] {
    let [left, right] = [-1.0, 1.0];
    let side = |(x, y): Place, side: f64| (side * x, y);
    let lid = |eye: f64, at: Place| near(at, side(EYE_PLACE, eye), EYE_WIDTH);
    let lid_sensor = lid(left, place(LID_SENSOR).unwrap_or_default());
    let alpha = |own: f64| {
        let back = near(at, side(ALPHA_PLACE, own), ALPHA_WIDTH);
        (1.0 - ALPHA_EVERYWHERE).mul_add(back, ALPHA_EVERYWHERE)
    };
    let gaze = |own: f64| near(at, side(GAZE_PLACE, own), GAZE_WIDTH);
    let temple = |own: f64| near(at, side(TEMPLE_PLACE, own), TEMPLE_WIDTH);
    let mut all = [0.0; SOURCES];
    let (background, others) = all.split_at_mut(BACKGROUND_SOURCES);
    let rings = RINGS.iter().flat_map(|&(count, out)| {
        (0..count).map(move |step| {
            let (y, x) = (FRAC_PI_2 + TAU * step as f64 / count as f64).sin_cos();
            (out * x, out * y)
        })
    });
    for (gain, source) in background.iter_mut().zip(rings) {
        *gain = near(at, source, BACKGROUND_WIDTH);
    }
    // Every sensor has as much background as the others, however far out it is.
    let length = background.iter().map(|gain| gain * gain).sum::<f64>().sqrt();
    for gain in background.iter_mut() {
        *gain /= length;
    }
    let own = [
        alpha(left),
        alpha(right),
        lid(left, at) / lid_sensor,
        lid(right, at) / lid_sensor,
        gaze(left) - gaze(right),
        temple(left),
        temple(right),
        near(at, FOREHEAD_PLACE, FOREHEAD_WIDTH),
    ];
    others.copy_from_slice(&own);
    all
}

/// How strongly a source is received at a distance.
fn near((x, y): Place, (source_x, source_y): Place, width: f64) -> f64 {
    let distance = (x - source_x).hypot(y - source_y) / width;
    (-0.5 * distance * distance).exp()
}
