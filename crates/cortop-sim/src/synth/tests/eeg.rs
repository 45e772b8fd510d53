//! Whether the EEG passes for EEG with an expert: its statistics, compared with those of real
//! recordings, which are not in the repository: `CORTOP_DATA` names the folder that contains them.

use cortop_signal::spectrum::{Periodogram, RANGE};

use super::*;

/// Pairs of neighbouring sensors of an EPOC.
const NEIGHBOURS: [(&str, &str); 12] = [
    ("AF3", "F7"),
    ("F7", "F3"),
    ("F3", "FC5"),
    ("FC5", "T7"),
    ("T7", "P7"),
    ("P7", "O1"),
    ("O1", "O2"),
    ("O2", "P8"),
    ("T8", "FC6"),
    ("FC6", "F4"),
    ("F4", "F8"),
    ("AF3", "AF4"),
];

/// Seconds over which sensors are correlated: the median of such sections ignores blinks and bad
/// contacts.
const CORRELATED: usize = 4;

/// EEG by channel, and whether the eyes were closed.
struct Stretch {
    name: String,
    rate: usize,
    labels: Vec<String>,
    channels: Vec<Vec<f64>>,
    /// The same without changes slower than about a second.
    flat: Vec<Vec<f64>>,
    closed: Vec<bool>,
}

impl Stretch {
    fn new(name: String, rate: usize, labels: Vec<String>, channels: Vec<Vec<f64>>) -> Self {
        let flat = channels.iter().map(|own| flatten(own, rate / 2)).collect();
        Self { name, rate, labels, channels, flat, closed: Vec::new() }
    }

    /// The first seconds of a synthetic headset.
    fn synthetic(model: Model, seed: u64, seconds: u64) -> Self {
        let source = synth(model, seed);
        let rate = u64::from(source.spec.eeg_rate);
        let mut channels = vec![Vec::new(); source.spec.sensors.len()];
        for index in 0..seconds * rate {
            channels.iter_mut().zip(source.eeg(index)).for_each(|(own, value)| own.push(value));
        }
        let closed = |index: u64| Synth::eyes_closed(index as f64 / rate as f64);
        Self {
            closed: (0..seconds * rate).map(closed).collect(),
            ..Self::new(
                format!("{model:?}, seed {seed}"),
                usize::try_from(rate).unwrap(),
                source.spec.sensors.clone(),
                channels,
            )
        }
    }

    /// Columns of a file in the folder of recordings; `closed` tells for a row whether the eyes
    /// were closed.
    fn real(file: &str, labels: &[&str], first: usize, closed: fn(&[f64]) -> bool) -> Self {
        let folder =
            std::env::var_os("CORTOP_DATA").expect("CORTOP_DATA names the folder of recordings");
        let text = std::fs::read_to_string(std::path::Path::new(&folder).join(file)).unwrap();
        let row = |line: &str| -> Vec<f64> {
            line.split(',').map(|cell| cell.trim().parse().unwrap_or(f64::NAN)).collect()
        };
        let sensors = first..first + labels.len();
        let rows: Vec<_> = text.lines().map(row).collect();
        let rows = rows.into_iter().filter(|row| {
            row.get(sensors.clone()).is_some_and(|own| own.iter().all(|own| own.is_finite()))
        });
        let rows: Vec<_> = rows.collect();
        let channel = |at: usize| {
            let all: Vec<f64> = rows.iter().map(|row| row[at]).collect();
            let mut sorted = all.clone();
            sorted.sort_by(f64::total_cmp);
            let middle = sorted[sorted.len() / 2];
            // Remove glitches of single samples.
            let own = |it: f64| if (it - middle).abs() > 800.0 { middle } else { it };
            all.into_iter().map(own).collect()
        };
        let names = labels.iter().map(|&label| label.to_owned()).collect();
        Self {
            closed: rows.iter().map(|row| closed(row)).collect(),
            ..Self::new(file.to_owned(), 128, names, sensors.clone().map(channel).collect())
        }
    }

    fn place(&self, label: &str) -> usize {
        let place = self.labels.iter().position(|own| own == label);
        place.unwrap_or_else(|| panic!("{}: {label}", self.name))
    }

    /// Mean µV²/Hz from `low` to `high`: the median over the segments of 2 s throughout which the
    /// eyes were in the given state.
    fn power(&self, label: &str, closed: Option<bool>, low: f64, high: f64) -> f64 {
        let mut periodogram = Periodogram::new(self.rate as u64, *RANGE.end());
        let (length, axis) = (periodogram.length(), periodogram.lines());
        let segments = self.channels[self.place(label)].chunks_exact(length);
        let segments = segments
            .zip(self.closed.chunks(length))
            .filter(|(_, eyes)| closed.is_none_or(|closed| eyes.iter().all(|own| *own == closed)));
        let mut powers: Vec<f64> = segments
            .map(|(segment, _)| {
                let lines = periodogram.powers(segment.iter().copied());
                #[expect(clippy::cast_possible_truncation, reason = "as the monitor keeps them")]
                let lines: Vec<f32> = lines.map(|power| power as f32).collect();
                axis.mean(&lines, low, high)
            })
            .collect();
        powers.sort_by(f64::total_cmp);
        powers[powers.len() / 2]
    }

    /// By how many dB alpha is higher with closed eyes than with open ones.
    fn reactivity(&self, label: &str) -> f64 {
        let of = |closed| self.power(label, Some(closed), 8.0, 12.0);
        10.0 * (of(true) / of(false)).log10()
    }

    fn correlation(&self, one: &str, other: &str) -> f64 {
        let [one, other] = [one, other]
            .map(|label| self.flat[self.place(label)].chunks_exact(CORRELATED * self.rate));
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let all = one.zip(other).map(|(one, other)| {
            product(one, other) / (product(one, one) * product(other, other)).sqrt()
        });
        let mut all: Vec<f64> = all.filter(|own| own.is_finite()).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    }

    /// By how many dB the spectrum falls from theta to gamma.
    fn fall(&self, label: &str) -> f64 {
        let of = |low, high| self.power(label, None, low, high);
        10.0 * (of(4.0, 8.0) / of(25.0, 45.0)).log10()
    }

    /// The mean over its sensors of the median |x| and of the fall, and over some pairs of the
    /// correlation.
    fn figures(&self, pairs: &[(&str, &str)]) -> [f64; 3] {
        let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
        let figures = [
            mean(self.flat.iter().map(|own| median(own)).collect()),
            mean(self.labels.iter().map(|label| self.fall(label)).collect()),
            mean(pairs.iter().map(|(one, other)| self.correlation(one, other)).collect()),
        ];
        let [size, fall, neighbours] = figures;
        println!(
            "{}: median |x| {size:.1} µV, theta to gamma {fall:.1} dB, neighbours {neighbours:.2}",
            self.name
        );
        figures
    }
}

/// Subtracts the mean over `half` values to either side.
fn flatten(values: &[f64], half: usize) -> Vec<f64> {
    let width = 2 * half + 1;
    let mut sum: f64 = values.iter().take(width - 1).sum();
    let windows = values.windows(width).map(|window| {
        sum += window[width - 1];
        let flat = window[half] - sum / width as f64;
        sum -= window[0];
        flat
    });
    windows.collect()
}

/// Mean µV of a sensor between two times.
fn level(source: &Synth, label: &str, from: f64, to: f64) -> f64 {
    let place = source.spec.sensors.iter().position(|own| own == label).unwrap();
    let indices = source.index_at(Stream::Eeg, from)..source.index_at(Stream::Eeg, to).max(1);
    let count = indices.clone().count();
    indices.map(|index| source.eeg(index).nth(place).unwrap()).sum::<f64>() / count as f64
}

/// When this movement of the eyes begins within some seconds, according to `fac`.
fn acts(source: &Synth, act: &str, seconds: u32) -> Vec<f64> {
    let span = 1.0 / FAC_RATE;
    let does = |index: u32| source.eyes.action(f64::from(index) * span, span) == act;
    let begins = (16..seconds * 32).filter(|&index| does(index) && !does(index - 1));
    begins.map(|index| f64::from(index) * span).collect()
}

/// The median of a value over some times, so that a change of contact in one of them does not
/// matter.
fn middle_of(times: &[f64], of: impl Fn(f64) -> f64) -> f64 {
    let mut all: Vec<f64> = times.iter().map(|&time| of(time)).collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// A channel and the start of a period of this many seconds throughout which its contact is at a
/// level.
fn contact_at(source: &Synth, wanted: u8, seconds: u32) -> (usize, f64) {
    let found = (0..source.spec.sensors.len())
        .flat_map(|channel| (1..3000_u32).map(move |start| (channel, start)));
    let mut found = found.filter(|&(channel, start)| {
        let mut contact = source.contact.sensor(channel as u64);
        (0..=seconds).all(|second| contact.at(f64::from(start + second)).level == wanted)
    });
    let (channel, start) = found.next().unwrap_or_else(|| panic!("no contact {wanted}"));
    (channel, f64::from(start))
}

#[test]
fn alpha_rises_at_the_back_when_the_eyes_are_closed() {
    for seed in 0..3 {
        let epoc = Stretch::synthetic(Model::EpocPlus, seed, 90);
        for label in ["O1", "O2"] {
            let rise = epoc.reactivity(label);
            assert!((5.0..20.0).contains(&rise), "seed {seed}, {label}: {rise} dB");
        }
        let front = epoc.reactivity("AF3");
        assert!(front < epoc.reactivity("O1") - 3.0, "seed {seed}: {front} dB");
    }
    let insight = Stretch::synthetic(Model::Insight, 0, 90).reactivity("Pz");
    assert!((5.0..20.0).contains(&insight), "Pz: {insight} dB");
}

#[test]
fn neighbours_see_the_same_and_the_ends_of_the_head_do_not() {
    let epocs = [0, 1, 2].map(|seed| Stretch::synthetic(Model::EpocPlus, seed, 60));
    for (one, other) in NEIGHBOURS {
        let mut found = epocs.each_ref().map(|epoc| epoc.correlation(one, other));
        // A bad contact spoils it in one of them, not in all three.
        found.sort_by(f64::total_cmp);
        assert!((0.6..0.95).contains(&found[1]), "{one} {other}: {found:?}");
    }
    for (one, other) in [("AF3", "O1"), ("F8", "P7"), ("AF4", "O2")] {
        for far in epocs.each_ref().map(|epoc| epoc.correlation(one, other)) {
            assert!(far.abs() < 0.4, "{one} {other}: {far}");
        }
    }
}

#[test]
fn a_blink_is_largest_in_front_and_is_followed_by_an_undershoot() {
    let source = synth(Model::EpocPlus, 2);
    let blinks = acts(&source, "blink", 240);
    assert!((20..80).contains(&blinks.len()), "{} in four minutes", blinks.len());
    // The peak is up to one sample of `fac` before the sample that reports it.
    let rise = |label: &str| {
        middle_of(&blinks, |at| {
            level(&source, label, at - 0.04, at) - level(&source, label, at - 0.4, at - 0.25)
        })
    };
    let after = middle_of(&blinks, |at| {
        level(&source, "AF3", at + 0.22, at + 0.4) - level(&source, "AF3", at - 0.4, at - 0.25)
    });
    let (front, middle, back) = (rise("AF3"), rise("FC5"), rise("O1"));
    assert!((110.0..310.0).contains(&front), "{front}");
    assert!((-0.3..-0.05).contains(&(after / front)), "{after} after {front}");
    let side = rise("F7");
    assert!(side > 0.4 * front && middle < 0.4 * front, "{side} {middle} of {front}");
    assert!(back.abs() < 0.15 * front, "{back} of {front}");
    assert!((rise("AF4") / front - 1.0).abs() < 0.2);
}

#[test]
fn fac_reports_which_eye_winks_and_where_the_eyes_look() {
    let source = synth(Model::EpocPlus, 3);
    for (act, [left, right], sign) in [
        ("lookL", ["F7", "F8"], 1.0),
        ("lookR", ["F7", "F8"], -1.0),
        ("winkL", ["AF3", "AF4"], 1.0),
        ("winkR", ["AF3", "AF4"], -1.0),
    ] {
        let times = acts(&source, act, 1800);
        assert!(times.len() > 5, "{act}: {}", times.len());
        let more_left = middle_of(&times, |at| {
            let rise = |label| {
                level(&source, label, at + 0.1, at + 0.25) - level(&source, label, at - 0.2, at)
            };
            rise(left) - rise(right)
        });
        assert!(more_left * sign > 50.0, "{act}: {more_left} µV");
    }
    let span = 1.0 / FAC_RATE;
    let closed =
        (0..32 * 600).map(|index| f64::from(index) * span).filter(|&time| Synth::eyes_closed(time));
    let acts: Vec<_> = closed.filter(|&time| source.eyes.action(time, span) != "neutral").collect();
    assert!(acts.is_empty(), "closed eyes move at {acts:?}");
}

#[test]
fn a_bad_contact_pops_and_hums_and_without_one_the_channel_is_stuck() {
    let source = synth(Model::EpocPlus, 1);
    let samples = |(channel, start): (usize, f64)| -> Vec<f64> {
        let first = source.index_at(Stream::Eeg, start);
        (first..first + 4 * 128).map(|index| source.eeg(index).nth(channel).unwrap()).collect()
    };
    let hum = |values: &[f64]| [50.0, 60.0].map(|hz| power(values, 128.0, hz)).iter().sum::<f64>();
    let jumps = |values: &[f64]| {
        let steps = values.windows(2).map(|pair| (pair[1] - pair[0]).abs());
        steps.fold(0.0, f64::max)
    };
    let [none, very_bad, poor, good] = [0, 1, 2, 4].map(|wanted| contact_at(&source, wanted, 5));
    let stuck = samples(none);
    assert!(stuck.iter().all(|value| value.to_bits() == stuck[0].to_bits()), "{stuck:?}");
    let [very_bad_hum, poor_hum, good_hum] = [very_bad, poor, good].map(|at| hum(&samples(at)));
    assert!(very_bad_hum > 5.0 * poor_hum, "{very_bad_hum} {poor_hum}");
    assert!(poor_hum > 20.0 * good_hum, "{poor_hum} {good_hum}");
    assert!(jumps(&samples(very_bad)) > 60.0, "no pop in four seconds");
    assert!(jumps(&samples(good)) < 40.0);
    // EEG quality is that of the preceding samples.
    let quality = |(channel, start): (usize, f64)| {
        let index = source.index_at(Stream::Eq, start + 3.0);
        let sample: serde_json::Value =
            serde_json::from_str(&text(&source, Stream::Eq, index)).unwrap();
        sample["eq"][3 + channel].as_u64().unwrap()
    };
    assert_eq!(quality(none), 0);
    assert_eq!(quality(very_bad), 1);
    assert_eq!(quality(poor), 2);
    assert!(quality(good) >= 3);
}

#[test]
#[ignore = "needs real recordings: CORTOP_DATA names their folder"]
fn its_figures_are_those_of_real_recordings() {
    let insight = ["AF3", "T7", "Pz", "T8", "AF4"];
    let epoc = cortop_protocol::model::EPOC_SENSORS;
    let closed = Stretch::real("insight-eyes-closed-40s.csv", &insight, 1, |_| true);
    let open = Stretch::real("insight-eyes-open-40s.csv", &insight, 1, |_| false);
    let seated = Stretch::real("epoc-eye-state-117s.csv", &epoc, 0, |row| row[14] > 0.5);
    let worn = Stretch::real("epocplus-emotivpro-worn-16s.csv", &epoc, 3, |_| false);
    let real = [&seated, &worn].map(|own| own.figures(&NEIGHBOURS));
    // The wearer of the eye-state recording has almost no alpha reactivity.
    println!("O1 {:.1} dB, O2 {:.1} dB", seated.reactivity("O1"), seated.reactivity("O2"));
    let alpha = |own: &Stretch, closed| own.power("Pz", Some(closed), 8.0, 12.0);
    let rise = 10.0 * (alpha(&closed, true) / alpha(&open, false)).log10();
    println!("Pz of the Insight: {:.0} µV²/Hz, {rise:.1} dB", alpha(&closed, true));

    for seed in 0..3 {
        let own = Stretch::synthetic(Model::EpocPlus, seed, 90).figures(&NEIGHBOURS);
        for (at, (name, apart)) in
            [("µV", 3.0), ("dB", 4.0), ("correlation", 0.15)].into_iter().enumerate()
        {
            // Within the range of the recordings, with some tolerance.
            let [one, other] = real.map(|figures| figures[at]);
            let range = one.min(other) - apart..one.max(other) + apart;
            assert!(range.contains(&own[at]), "seed {seed}: {} {name}, not {range:?}", own[at]);
        }
        let ours = Stretch::synthetic(Model::Insight, seed, 90);
        let own = ours.reactivity("Pz");
        println!("Pz, seed {seed}: {:.0} µV²/Hz, {own:.1} dB", alpha(&ours, true));
        assert!((own - rise).abs() < 4.0, "seed {seed}: {own} dB, not {rise} dB");
        let times = alpha(&ours, true) / alpha(&closed, true);
        assert!((0.4..2.5).contains(&times), "seed {seed}: {times} times the alpha");
    }
}
