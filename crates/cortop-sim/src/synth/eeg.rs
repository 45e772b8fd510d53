//! The EEG of one headset: pink background, alpha at the back, blinks in front, muscle at the
//! sides, drift, a trace of mains, bad contacts, and the converter's steps on top of the DC offset.

use std::f64::consts::TAU;

use super::{activity::ActivityModel, contact::ContactModel};
use crate::{model::Spec, noise::Noise};

/// Octaves of the background, the fastest changing 64 times a second, the slowest every 2 s.
const OCTAVES: [f64; 8] = [64.0, 32.0, 16.0, 8.0, 4.0, 2.0, 1.0, 0.5];
/// µV of each octave; makes |x| about 9 µV in the median after a band-pass.
const BACKGROUND: f64 = 8.0;
/// Hz of the alpha rhythm.
const ALPHA: f64 = 10.2;
/// µV of a clenched jaw at the temples.
const MUSCLE: f64 = 45.0;
/// µV of 50 Hz: below 0.01 % of the power, as the headset's own notch leaves it.
const MAINS: f64 = 0.1;

/// How much of each source a sensor sees.
#[derive(Clone, Copy, Debug)]
struct SensorGains {
    alpha: f64,
    blink: f64,
    muscle: f64,
    offset: f64,
    noise: Noise,
}

/// Makes EEG.
#[derive(Clone, Debug)]
pub(super) struct EegModel {
    sites: Vec<SensorGains>,
    common: Noise,
    alpha: Noise,
    activity: ActivityModel,
    contact: ContactModel,
    rate: f64,
    lsb: f64,
    range: (f64, f64),
}

impl EegModel {
    pub(super) fn new(
        spec: &Spec,
        noise: Noise,
        activity: ActivityModel,
        contact: ContactModel,
    ) -> Self {
        let sites = spec.sensors.iter().zip(0..).map(|(name, channel)| {
            let noise = noise.branch(100 + channel);
            let spread = if spec.dc > 0.0 { 70.0 } else { 3.0 };
            SensorGains {
                alpha: alpha_at(name),
                blink: blink_at(name),
                muscle: muscle_at(name),
                offset: noise.branch(50).signed(0).mul_add(spread, spec.dc),
                noise,
            }
        });
        let half = 4200.0;
        Self {
            sites: sites.collect(),
            common: noise.branch(1),
            alpha: noise.branch(2),
            activity,
            contact,
            rate: f64::from(spec.eeg_rate),
            lsb: spec.lsb,
            range: if spec.dc > 0.0 { (0.0, 2.0 * half) } else { (-half, half) },
        }
    }

    /// The µV of every sensor at a sample index.
    pub(super) fn sample(&self, index: u64) -> impl Iterator<Item = f64> {
        let time = index as f64 / self.rate;
        let common = background(self.common, time);
        let phase = TAU * ALPHA * time + 2.0 * self.alpha.branch(1).smooth(time);
        let alpha = self.alpha(time) * phase.sin();
        let eyelid = self.activity.eyelid(time);
        let clench = self.activity.clench(time);
        let mains = MAINS * (TAU * 50.0 * time).sin();
        self.sites.iter().zip(0..).map(move |(site, channel)| {
            let rough = site.noise.branch(40).signed(index);
            let drift = 15.0 * site.noise.branch(41).smooth(time / 25.0);
            let roughness =
                MUSCLE.mul_add(site.muscle * clench, 1.0) + self.contact.noise(channel, time);
            let value = site.offset
                + drift
                + 0.5 * common
                + 0.85 * background(site.noise, time)
                + site.alpha * alpha
                + site.blink * eyelid
                + mains
                + roughness * rough;
            (value.clamp(self.range.0, self.range.1) / self.lsb).round() * self.lsb
        })
    }

    /// µV of alpha at the back of the head now: waxes and wanes between 2 and 26.
    fn alpha(&self, time: f64) -> f64 {
        let slow = self.alpha.branch(2).smooth(time / 7.0);
        let fast = self.alpha.branch(3).smooth(time / 1.3);
        12.0f64.mul_add(0.6f64.mul_add(slow, 0.4 * fast), 14.0)
    }
}

/// µV of 1/f noise.
fn background(noise: Noise, time: f64) -> f64 {
    let octaves = OCTAVES.iter().zip(0..);
    octaves.map(|(hz, octave)| noise.branch(octave).smooth(time * hz)).sum::<f64>() * BACKGROUND
}

fn alpha_at(sensor: &str) -> f64 {
    match sensor {
        "O1" | "O2" | "Oz" | "PO9" | "PO10" => 1.0,
        "Pz" | "P3" | "P4" | "P7" | "P8" => 0.8,
        "CP1" | "CP2" | "CP5" | "CP6" | "Cz" | "C3" | "C4" => 0.4,
        _ => 0.15,
    }
}

fn blink_at(sensor: &str) -> f64 {
    match sensor {
        "AF3" | "AF4" | "Fp1" | "Fp2" => 1.0,
        "F7" | "F8" | "F3" | "F4" | "Fz" => 0.45,
        "FC5" | "FC6" | "FC1" | "FC2" => 0.2,
        _ => 0.03,
    }
}

fn muscle_at(sensor: &str) -> f64 {
    match sensor {
        "T7" | "T8" | "FT9" | "FT10" => 1.0,
        "F7" | "F8" | "FC5" | "FC6" => 0.5,
        _ => 0.1,
    }
}
