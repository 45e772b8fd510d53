//! Filters and spectra compared with those of `scipy` for the same input: `reference.json`, made by
//! `reference.py`.

use std::{collections::BTreeMap, sync::LazyLock};

use cortop_signal::{Filters, View, filter::FilterChain, spectrum::Periodogram};
use serde::Deserialize;

use crate::{
    harness::{DecoderHarness, view},
    recordings::Calm,
};

#[derive(Deserialize)]
struct ScipyCases {
    /// Only every `every`-th sample is listed.
    every: usize,
    /// In sixteenths of a µV.
    signals: BTreeMap<String, Vec<f64>>,
    filters: Vec<FilterDesign>,
    welch: Vec<WelchCase>,
    welch_filtered: Vec<FilteredCase>,
}

/// The sections `b0 b1 b2 a0 a1 a2` of a set of filters, the state of each after seeing 1 forever,
/// and the output for each signal.
#[derive(Deserialize)]
struct FilterDesign {
    rate: u64,
    high_pass: Option<f64>,
    low_pass: Option<f64>,
    notch: Option<f64>,
    sos: Vec<[f64; 6]>,
    zi: Vec<[f64; 2]>,
    outputs: BTreeMap<String, FilterOutput>,
}

#[derive(Deserialize)]
struct FilterOutput {
    samples: Vec<f64>,
    /// The sum of the squares of all samples.
    energy: f64,
}

#[derive(Deserialize)]
struct WelchCase {
    rate: u64,
    powers: BTreeMap<String, Vec<f64>>,
}

/// Welch's estimate of each signal after a high-pass and a notch.
#[derive(Deserialize)]
struct FilteredCase {
    rate: u64,
    high_pass: Option<f64>,
    notch: Option<f64>,
    powers: BTreeMap<String, Vec<f64>>,
}

static REFERENCE: LazyLock<ScipyCases> =
    LazyLock::new(|| serde_json::from_str(include_str!("reference.json")).unwrap());

/// A signal in µV.
fn signal(name: &str) -> Vec<f64> {
    REFERENCE.signals[name].iter().map(|sixteenths| sixteenths / 16.0).collect()
}

impl FilterDesign {
    fn chain(&self) -> FilterChain {
        let Self { high_pass, low_pass, notch, .. } = *self;
        FilterChain::new(Filters { high_pass, low_pass, notch }, self.rate as f64)
    }

    fn name(&self) -> String {
        format!("{:?} {:?} {:?} at {}", self.high_pass, self.low_pass, self.notch, self.rate)
    }

    /// `scipy.signal.sosfilt`, primed with the first sample.
    fn sosfilt(&self, samples: &[f64]) -> Vec<f64> {
        let mut state: Vec<[f64; 2]> =
            self.zi.iter().map(|zi| zi.map(|z| z * samples[0])).collect();
        let sections = self.sos.iter().zip(&mut state);
        let mut sections: Vec<_> = sections.collect();
        let step = |x: f64, (sos, z): &mut (&[f64; 6], &mut [f64; 2])| {
            let [b0, b1, b2, _, a1, a2] = **sos;
            let y = b0 * x + z[0];
            **z = [b1 * x - a1 * y + z[1], b2 * x - a2 * y];
            y
        };
        samples.iter().map(|&x| sections.iter_mut().fold(x, step)).collect()
    }
}

/// Asserts that no value differs by more than a share of the range of the expected values.
fn alike(is: &[f64], wanted: &[f64], share: f64, what: &str) {
    assert_eq!(is.len(), wanted.len(), "{what}");
    let reach = wanted.iter().fold(0.0_f64, |reach, x| reach.max((x - wanted[0]).abs()));
    let off = is.iter().zip(wanted).fold(0.0_f64, |off, (x, y)| off.max((x - y).abs()));
    assert!(off <= share * reach, "{what}: off by {off:e} of {reach}");
}

#[test]
fn filters_equal_sosfilt_of_the_same_design() {
    for design in &REFERENCE.filters {
        for (name, output) in &design.outputs {
            let mut chain = design.chain();
            let filtered: Vec<f64> = signal(name).into_iter().map(|x| chain.run(x).value).collect();
            let what = format!("{name} {}", design.name());
            let told: Vec<f64> = filtered.iter().copied().step_by(REFERENCE.every).collect();
            alike(&told, &output.samples, 1e-9, &what);
            let energy: f64 = filtered.iter().map(|y| y * y).sum();
            assert!((energy / output.energy - 1.0).abs() < 1e-9, "{what}");
        }
    }
}

#[test]
fn filters_equal_sosfilt_on_a_recording() {
    filters_like_sosfilt(&[Calm::synthetic()]);
}

#[test]
#[ignore = "needs real recordings: CORTOP_DATA names their folder"]
fn filters_equal_sosfilt_on_real_recordings() {
    filters_like_sosfilt(&Calm::real());
}

fn filters_like_sosfilt(recordings: &[Calm]) {
    for Calm { file, channels } in recordings {
        for design in REFERENCE.filters.iter().filter(|design| design.rate == 128) {
            for samples in channels {
                let mut chain = design.chain();
                let filtered: Vec<f64> = samples.iter().map(|&x| chain.run(x).value).collect();
                let what = format!("{file} {}", design.name());
                alike(&filtered, &design.sosfilt(samples), 1e-9, &what);
            }
        }
    }
}

/// Welch's estimate of a whole signal, from the individual segments.
fn welch(samples: &[f64], rate: u64) -> Vec<f64> {
    let mut periodogram = Periodogram::new(rate, 70.0);
    let (length, mut sums) = (periodogram.length(), vec![0.0; periodogram.lines().count]);
    let starts = (0..=samples.len() - length).step_by(length / 2);
    let count = starts.clone().count() as f64;
    for start in starts {
        let segment = samples[start..start + length].iter().copied();
        sums.iter_mut().zip(periodogram.powers(segment)).for_each(|(sum, power)| *sum += power);
    }
    sums.into_iter().map(|sum| sum / count).collect()
}

fn alike_each(is: &[f64], wanted: &[f64], share: f64, what: &str) {
    assert_eq!(is.len(), wanted.len(), "{what}");
    for (x, y) in is.iter().zip(wanted) {
        assert!((x / y - 1.0).abs() < share, "{what}: {x:e} for {y:e}");
    }
}

#[test]
fn the_spectrum_equals_scipys_welch() {
    for wanted in &REFERENCE.welch {
        for (name, powers) in &wanted.powers {
            let what = format!("{name} at {}", wanted.rate);
            alike_each(&welch(&signal(name), wanted.rate), powers, 1e-9, &what);
        }
    }
}

/// Welch's estimate in a view with these filters, for a signal that arrives as messages.
fn welch_of_messages(samples: &[f64], filters: Filters, rate: u64) -> Vec<f64> {
    let seconds = samples.len() / rate as usize;
    let shape = View { spectra: Some(70.0), ..view(seconds as f64, seconds, filters) };
    let mut rig = DecoderHarness::new(&["Pz"], rate as f64, shape);
    for &sample in samples {
        rig.send(&[sample]);
    }
    let traces = rig.traces();
    let welch = traces.spectra.unwrap().welch(0, traces.bins).unwrap();
    assert_eq!(welch.segments, seconds - 1);
    welch.powers
}

#[test]
fn the_spectrum_of_messages_equals_scipys_welch() {
    for wanted in &REFERENCE.welch {
        for (name, powers) in &wanted.powers {
            let what = format!("{name} at {}", wanted.rate);
            let welch = welch_of_messages(&signal(name), Filters::NONE, wanted.rate);
            alike_each(&welch, powers, 1e-6, &what);
        }
    }
}

#[test]
fn the_spectrum_of_filtered_messages_is_scipys_before_any_low_pass() {
    for FilteredCase { rate, high_pass, notch, powers } in &REFERENCE.welch_filtered {
        for (name, powers) in powers {
            let samples = signal(name);
            for low_pass in [None, Some(30.0), Some(45.0)] {
                let filters = Filters { high_pass: *high_pass, notch: *notch, low_pass };
                let what = format!("{name} at {rate} after {filters:?}");
                let mut chain = FilterChain::new(filters, *rate as f64);
                let filtered: Vec<f64> =
                    samples.iter().map(|&x| chain.run(x).before_low_pass).collect();
                alike_each(&welch(&filtered, *rate), powers, 1e-9, &what);
                // In a view, filtered values are rounded to `f32`: noise that shows in the weakest
                // lines.
                let largest = filtered.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
                let noise = largest * f64::from(f32::EPSILON) * (2.0 / *rate as f64).sqrt();
                for (x, y) in welch_of_messages(&samples, filters, *rate).iter().zip(powers) {
                    let off = (x.sqrt() - y.sqrt()).abs();
                    assert!(off < 1e-6 * y.sqrt() + noise, "{what}: {x:e} for {y:e}");
                }
            }
        }
    }
}

/// The same, computed from the defining sum.
fn by_definition(samples: &[f64], rate: usize) -> Vec<f64> {
    let length = 2 * rate;
    let turn = std::f64::consts::TAU / length as f64;
    let hann: Vec<f64> = (0..length).map(|n| 0.5 - 0.5 * (turn * n as f64).cos()).collect();
    let scale = 2.0 / (rate as f64 * hann.iter().map(|w| w * w).sum::<f64>());
    let starts = (0..=samples.len() - length).step_by(rate);
    let count = starts.clone().count() as f64;
    let line = |segment: &[f64], line: usize| {
        let mean = segment.iter().sum::<f64>() / length as f64;
        let windowed = segment.iter().zip(&hann).map(|(x, w)| (x - mean) * w);
        let (re, im) = windowed.enumerate().fold((0.0, 0.0), |(re, im), (n, x)| {
            let phase = turn * ((line * n) % length) as f64;
            (re + x * phase.cos(), im - x * phase.sin())
        });
        scale * (re * re + im * im)
    };
    let mean = |at: usize| {
        starts.clone().map(|start| line(&samples[start..start + length], at)).sum::<f64>() / count
    };
    // Lines of half a hertz, from 1 Hz to 70 Hz and below Nyquist.
    (2..rate.min(141)).map(mean).collect()
}

#[test]
fn the_spectrum_equals_its_definition_on_a_recording() {
    spectra_by_definition(&[Calm::synthetic()]);
}

#[test]
#[ignore = "needs real recordings: CORTOP_DATA names their folder"]
fn the_spectrum_equals_its_definition_on_real_recordings() {
    spectra_by_definition(&Calm::real());
}

fn spectra_by_definition(recordings: &[Calm]) {
    for Calm { file, channels } in recordings {
        let part = &channels[0][..6 * 128];
        alike_each(&welch(part, 128), &by_definition(part, 128), 1e-6, file);
    }
}
