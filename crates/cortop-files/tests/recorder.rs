//! A night of a headset, driven through the recorder without a socket: what it loses, two
//! connections that break and a clock that is set, read back by the reader of replay.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail aloud")]
#![expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small numbers")]

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use cortop_files::{
    reader,
    recorder::{Recorder, RecorderOptions, RecorderStatus, RecordingFormat},
    row::Row,
};
use cortop_protocol::{Sample, Stream, Subscription, values::Values};
use cortop_signal::sink::Sink as _;

/// Epoch seconds of the first sample.
const START: f64 = 1_767_942_612.5;
/// µV of a step of the converter.
const STEP: f64 = 5.0 / 39.0;
const SENSORS: [&str; 5] = ["AF3", "T7", "Pz", "T8", "AF4"];

/// As `SplitMix64` does.
fn random(seed: u64) -> f64 {
    let seed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let seed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let seed = (seed ^ (seed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((seed ^ (seed >> 31)) >> 40) as f64 / f64::from(1 << 24)
}

/// A headset and what becomes of it.
struct Night {
    /// What it says it samples, and what it does.
    nominal: f64,
    rate: f64,
    seconds: f64,
    /// Samples in which nothing is connected.
    away: [std::ops::Range<u64>; 2],
    /// The sample from which the clock is set, and by how many seconds.
    clock: (u64, f64),
}

impl Night {
    fn new(nominal: f64, seconds: f64) -> Self {
        let rate = nominal * 126.9 / 128.0;
        let at = |share: f64| (share * seconds * rate) as u64;
        let away = |share: f64, seconds: f64| {
            let from = at(share);
            from..from + (seconds * rate) as u64
        };
        Self {
            nominal,
            rate,
            seconds,
            away: [away(0.3, 13.4), away(0.6, 97.77)],
            clock: (at(0.45), 3.217),
        }
    }

    fn samples(&self) -> u64 {
        (self.seconds * self.rate) as u64
    }

    /// Whether a sample is lost on the way: 1 in 400, and now and then up to half a second.
    fn is_lost(index: u64) -> bool {
        let burst = random(index / 4096);
        let within = (index % 4096) as f64;
        index > 100
            && (random(index ^ 0x5555) < 0.0025
                || burst < 0.3 && within > 1000.0 && within < 1000.0 + burst * 200.0)
    }

    fn is_away(&self, index: u64) -> bool {
        self.away.iter().any(|away| away.contains(&index))
    }

    fn value(index: u64, channel: usize) -> f64 {
        (random(index * 8 + channel as u64) * 500.0).round().mul_add(STEP, 4100.0 - 4100.0 % STEP)
    }

    /// What Cortex stamps, to a tenth of a millisecond.
    fn stamp(&self, index: u64) -> f64 {
        let set = if index >= self.clock.0 { self.clock.1 } else { 0.0 };
        let jitter = (random(index ^ 0xabcd) - 0.5) * 6e-4;
        ((index as f64 / self.rate + START + set + jitter) * 1e4).round() / 1e4
    }
}

fn subscription(session: u32, stream: Stream, columns: &str, rate: f64) -> Arc<Subscription> {
    Arc::new(Subscription {
        session: format!("s{session}").into(),
        headset: "INSIGHT-0A1B2C3D".into(),
        stream,
        columns: serde_json::from_str(columns).unwrap(),
        nominal_rate: Some(rate),
    })
}

const EEG: &str =
    r#"["COUNTER","INTERPOLATED","AF3","T7","Pz","T8","AF4","RAW_CQ","MARKER_HARDWARE","MARKERS"]"#;
const MOTION: &str = r#"["COUNTER_MEMS","INTERPOLATED_MEMS","Q0","ACCX"]"#;
const CONTACT: &str =
    r#"["Battery","Signal",["AF3","T7","Pz","T8","AF4","OVERALL"],"BatteryPercent"]"#;

fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').nth(1).and_then(|own| own.parse::<u64>().ok()).unwrap_or_default() * 4096
}

/// Records it; gives the status, the markers' samples, and by how many bytes memory grew in the second
/// half.
fn record(
    night: &Night,
    formats: &[RecordingFormat],
    folder: &Path,
) -> (RecorderStatus, Vec<u64>, i64) {
    let (mut recorder, status) = Recorder::new(RecorderOptions {
        folder: folder.to_owned(),
        formats: formats.to_vec(),
        title: "night".to_owned(),
        subject: String::new(),
        resume_within: Duration::from_secs(600),
        headset: None,
    });
    let (begun, wrap) = (Instant::now(), night.nominal as u64);
    let (mut session, mut subscriptions) = (0, None);
    let mut expected = Vec::new();
    let mut memory = 0;
    let sample = |subscription: &Arc<Subscription>, numbers: Vec<f64>, time: f64, at: f64| Sample {
        subscription: Arc::clone(subscription),
        values: Values { numbers, time: Some(time), ..Values::default() },
        text: "".into(),
        received: begun + Duration::from_secs_f64(at),
    };
    for index in 0..night.samples() {
        if index == night.samples() / 2 {
            memory = resident();
        }
        if night.is_away(index) {
            if subscriptions.take().is_some() {
                recorder.end(&format!("s{session}").into(), None).unwrap();
            }
            continue;
        }
        if subscriptions.is_none() {
            session += 1;
            let streams = [
                subscription(session, Stream::Eeg, EEG, night.nominal),
                subscription(session, Stream::Mot, MOTION, night.nominal / 2.0),
                subscription(session, Stream::Dev, CONTACT, 2.0),
            ];
            for own in &streams {
                recorder.subscription(own).unwrap();
            }
            subscriptions = Some(streams);
        }
        let Some([eeg, mot, dev]) = &subscriptions else { continue };
        let arrived = index as f64 / night.rate + 0.02 + random(index ^ 0x77) * 0.01;
        let stamp = night.stamp(index);
        if !Night::is_lost(index) {
            let mut numbers = vec![(index % wrap) as f64, 0.0];
            numbers.extend((0..SENSORS.len()).map(|channel| Night::value(index, channel)));
            numbers.extend([0.0, 0.0, f64::NAN]);
            let mut own = sample(eeg, numbers, stamp, arrived);
            if index % 5000 == 4999 {
                // As Cortex sends those that are in its record.
                own.values.markers.push(format!("event {index}"));
                own.text = format!(
                    r#"{{"eeg":[0,0,0,0,0,0,0,0,0,[{{"label":"event","value":{index}}}]],"sid":"s","time":{stamp}}}"#
                )
                .into();
                expected.push(index);
            }
            recorder.sample(&own).unwrap();
        }
        if index % 2 == 0 && random(index ^ 0x999) > 0.001 {
            let count = (index / 2 % (wrap / 2)) as f64;
            let own = vec![count, 0.0, 0.5, (index / 2 % 1000) as f64 / 1000.0];
            recorder.sample(&sample(mot, own, stamp, arrived + 1e-4)).unwrap();
        }
        if index % (wrap / 2) == 0 {
            let own = vec![4.0, 2.0, 4.0, 4.0, 3.0, 4.0, 4.0, 95.0, 80.0];
            recorder.sample(&sample(dev, own, stamp, arrived + 2e-4)).unwrap();
        }
    }
    let grown = resident().cast_signed() - memory.cast_signed();
    recorder.finish().unwrap();
    (status.get(), expected, grown)
}

fn file(status: &RecorderStatus, ending: &str) -> PathBuf {
    let own = status.files.iter().find(|own| own.path.to_string_lossy().ends_with(ending));
    own.unwrap_or_else(|| panic!("no {ending}: {status:?}")).path.clone()
}

/// Compares what a file has with what was sent, sample by sample.
fn compare(night: &Night, path: &Path, markers: &[u64]) {
    let mut read = reader::open(path).unwrap();
    let is_table = path.extension().is_some_and(|ending| ending == "csv");
    let sensor = |label: &str| SENSORS.iter().position(|own| *own == label);
    let labels: Vec<_> =
        read.info().header.labels_of(Stream::Eeg).map(|(_, label)| sensor(label)).collect();
    // The length of a record has six decimals: over a night that is some samples.
    let rate = read.info().eeg_rate.unwrap();
    let sent = |index: &u64| !night.is_away(*index) && !Night::is_lost(*index);
    let mut own = (0..night.samples()).filter(sent);
    let (mut off, mut found, mut motion) = (Vec::new(), Vec::new(), 0);
    let mut row = Row::default();
    while read.next_row(&mut row).unwrap() {
        if !row.eeg.is_empty() {
            let index = own.next().unwrap_or_else(|| panic!("more than was sent: {row:?}"));
            assert_eq!(row.counter, Some(index % night.nominal as u64));
            for (label, value) in labels.iter().zip(&row.eeg) {
                let Some(channel) = *label else { continue };
                let expected = Night::value(index, channel);
                assert!((value - expected).abs() < 2e-3, "{index} {channel}: {expected} {value}");
            }
            let stamp = row.time.unwrap();
            if is_table {
                assert!((stamp - night.stamp(index)).abs() < 1e-6);
            } else {
                let by = row.place.cast_signed() - index.cast_signed();
                // A clock that was set leaves the times even.
                let even = (row.place as f64 / rate + START - stamp).abs();
                assert!(even < 0.05, "{index}: {even}");
                if off.last() != Some(&by) {
                    off.push(by);
                }
            }
            motion += row.samples.iter().filter(|own| own.stream == Stream::Mot).count();
            if is_table {
                found.extend(row.markers.iter().map(|_| index));
            }
        }
        if !is_table {
            let events = row
                .markers
                .iter()
                .filter(|own| own.object["label"].as_str().unwrap().starts_with("event"));
            found.extend(events.map(|own| ((own.time.unwrap() - START) * rate).round() as u64));
        }
    }
    assert_eq!(own.next(), None, "{}: less than was sent", path.display());
    // After a connection was lost the place is known by its time.
    assert!(off.len() <= 3 && off.iter().all(|by| by.abs() <= 1), "{off:?}");
    assert_eq!(found.len(), markers.len());
    for (at, index) in found.iter().zip(markers) {
        let most = u64::from(!is_table);
        assert!(at.abs_diff(*index) <= most, "{at} for {index}");
    }
    let lasted =
        (night.samples() - night.away.iter().map(|away| away.end - away.start).sum::<u64>()) / 2;
    assert!(motion as f64 > lasted as f64 * 0.99, "{motion} of {lasted}");
}

fn check(night: &Night, formats: &[RecordingFormat]) {
    let folder = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let (status, markers, grown) = record(night, formats, folder.path());
    let took = begun.elapsed();
    let sent =
        (0..night.samples()).filter(|index| !night.is_away(*index) && !Night::is_lost(*index));
    assert_eq!(status.samples, sent.count() as u64);
    assert_eq!(status.notes, Vec::<String>::new());
    for format in formats {
        let path = file(&status, &format!(".{}", format.name()));
        compare(night, &path, &markers);
        if *format != RecordingFormat::Csv {
            let bytes = std::fs::read(&path).unwrap();
            let field = |at: usize| -> f64 {
                str::from_utf8(&bytes[at..at + 8]).unwrap().trim().parse().unwrap()
            };
            let (records, seconds) = (field(236), field(244));
            let measured = night.nominal / 2.0 / seconds;
            // A sample for each connection that was lost, and what the field can hold.
            let most = 2.0 / night.samples() as f64 + 2e-6;
            assert!((measured / night.rate - 1.0).abs() < most, "{measured} {}", night.rate);
            let length = night.samples() as f64 / night.nominal * 2.0;
            assert!((records - length).abs() <= 2.0, "{records} {length}");
        }
        let size = std::fs::metadata(&path).unwrap().len();
        println!("{}: {size} bytes", format.name());
    }
    println!(
        "{} s of {} Hz in {took:?}: lost {} of {}, {} markers, memory grew by {grown} bytes",
        night.seconds,
        night.nominal,
        status.lost,
        night.samples(),
        markers.len(),
    );
    // Where an hour passes in seconds, more waits between two times at which it is passed on.
    assert!(grown < 16 << 20, "memory grew by {grown}");
}

#[test]
fn a_recording_has_each_sample_and_marker_at_its_place() {
    check(&Night::new(128.0, 420.0), &[RecordingFormat::Csv, RecordingFormat::Edf]);
    check(&Night::new(256.0, 420.0), &[RecordingFormat::Bdf]);
}

/// Eight hours: some minutes without optimization.
#[test]
#[ignore = "long"]
fn a_night_has_each_sample_and_marker_at_its_place() {
    check(&Night::new(128.0, 8.0 * 3600.0), &[RecordingFormat::Edf]);
    check(&Night::new(256.0, 8.0 * 3600.0), &[RecordingFormat::Bdf]);
}
