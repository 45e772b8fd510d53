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
use cortop_protocol::{Sample, SessionMarker, Stream, Subscription, values::Values};
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
        bids: None,
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

/// A sample of EEG, with markers as Cortex sends them.
fn eeg(subscription: &Arc<Subscription>, index: u64, begun: Instant, markers: &str) -> Sample {
    let time = START + index as f64 / 128.0;
    let mut numbers = vec![(index % 128) as f64, 0.0];
    numbers.extend((0..SENSORS.len()).map(|channel| Night::value(index, channel)));
    numbers.extend([0.0, 0.0, f64::NAN]);
    let mut values = Values { numbers, time: Some(time), ..Values::default() };
    values.markers.extend((!markers.is_empty()).then(|| "shown".to_owned()));
    let text =
        format!(r#"{{"eeg":[{index},0,0,0,0,0,0,0,0,[{markers}]],"sid":"s1","time":{time}}}"#);
    let received = begun + Duration::from_secs_f64(index as f64 / 128.0);
    Sample { subscription: Arc::clone(subscription), values, text: text.into(), received }
}

/// A marker object (§4.4), its times in seconds after the first sample.
fn object(uuid: &str, label: &str, value: u64, start: f64, end: f64) -> String {
    let moment = |seconds: f64| {
        let since = Duration::from_secs_f64(START + seconds);
        jiff::Timestamp::try_from(std::time::UNIX_EPOCH + since).unwrap().to_string()
    };
    let (start, end) = (moment(start), moment(end));
    format!(
        r#"{{"uuid":"{uuid}","label":"{label}","value":{value},"startDatetime":"{start}","endDatetime":"{end}"}}"#
    )
}

/// Label, start and length of the markers: seconds from the first sample on.
const INTERVALS: [(&str, f64, f64); 6] = [
    ("early", -1.0, 3.0),
    ("closed", 5.0, 4.0),
    ("files", 6.5, 1.5),
    ("theirs", 10.0, 2.0),
    ("before", 13.0, 1.0),
    ("still", 15.0, 0.0),
];

/// Compares the table of intervals beside a CSV: label, start and length.
fn compare_intervals(folder: &Path) {
    let intervals = std::fs::read_dir(folder).unwrap().map(|own| own.unwrap().path());
    let mut intervals =
        intervals.filter(|own| own.to_string_lossy().ends_with("_intervalMarker.csv"));
    let table = std::fs::read_to_string(intervals.next().unwrap()).unwrap();
    let mut found: Vec<_> = table
        .lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<_> = line.split(',').collect();
            let number = |at: usize| cells[at].parse::<f64>().unwrap();
            (cells[2].to_owned(), number(0), number(1))
        })
        .collect();
    found.sort_by(|one, other| one.1.total_cmp(&other.1));
    assert_eq!(found.len(), INTERVALS.len(), "{table}");
    for (own, expected) in found.iter().zip(INTERVALS) {
        assert_eq!(own.0, expected.0);
        assert!((own.1 - expected.1).abs() < 1e-3, "{own:?} {expected:?}");
        assert!((own.2 - expected.2).abs() < 1e-3, "{own:?} {expected:?}");
    }
}

/// Compares the annotations of a file with the intervals.
fn compare_annotations(path: &Path) {
    let mut read = reader::open(path).unwrap();
    let (mut row, mut found) = (Row::default(), Vec::new());
    while read.next_row(&mut row).unwrap() {
        for own in &row.markers {
            found.push((
                own.object["label"].as_str().unwrap().to_owned(),
                own.object["type"].clone(),
            ));
        }
    }
    let bytes = std::fs::read(path).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    for (label, start, length) in INTERVALS {
        let kind = found.iter().find(|(own, _)| own.starts_with(label)).map(|own| &own.1);
        let expected = if length > 0.0 { "interval" } else { "instance" };
        assert_eq!(kind.and_then(|own| own.as_str()), Some(expected), "{label}: {found:?}");
        // ONSET 0x15 DURATION 0x14 TEXT 0x14
        let at = text.find(&format!("\u{14}{label}")).unwrap();
        let list = text[..at].rsplit('\0').next().unwrap();
        let mut numbers = list.split('\u{15}').map(|own| own.parse::<f64>().unwrap());
        let onset = numbers.next().unwrap() - START.fract();
        assert!((onset - start.max(0.0)).abs() < 0.01, "{label}: {onset}");
        let own = numbers.next().unwrap_or_default();
        let length = length + start.min(0.0);
        assert!((own - length).abs() < 0.01, "{label}: {own}");
    }
}

#[test]
fn intervals_have_their_ends_in_each_file() {
    let folder = tempfile::tempdir().unwrap();
    let formats = RecordingFormat::list("csv,edf,bdf,jsonl").unwrap();
    let (mut recorder, status) = Recorder::new(RecorderOptions {
        folder: folder.path().to_owned(),
        formats,
        title: "ends".to_owned(),
        subject: String::new(),
        resume_within: Duration::from_secs(600),
        headset: None,
        bids: None,
    });
    let subscription = subscription(1, Stream::Eeg, EEG, 128.0);
    recorder.subscription(&subscription).unwrap();
    let marker = |id: Option<&str>, text: &str, time: f64, end: Option<f64>| SessionMarker {
        session: "s1".into(),
        id: id.map(Into::into),
        time: START + time,
        end: end.map(|end| START + end),
        text: text.to_owned(),
    };
    let begun = Instant::now();
    for index in 0..20 * 128 {
        let shown = match index {
            // Ours in the record; others' as they begin, and at their ends.
            640 => object("a", "closed", 1, 5.0, 5.0),
            1152 => object("a", "closed", 1, 5.0, 9.0),
            1280 => object("b", "theirs", 2, 10.0, 10.0),
            1536 => object("b", "theirs", 2, 10.0, 12.0),
            1792 => object("c", "before", 3, 13.0, 14.0),
            1920 => object("d", "still", 4, 15.0, 15.0),
            _ => String::new(),
        };
        recorder.sample(&eeg(&subscription, index, begun, &shown)).unwrap();
        match index {
            641 => recorder.marker(&marker(Some("a"), "closed 1", 5.0, None)).unwrap(),
            832 => recorder.marker(&marker(None, "files 7", 6.5, None)).unwrap(),
            1024 => recorder.marker(&marker(None, "files 7", 6.5, Some(8.0))).unwrap(),
            1153 => recorder.marker(&marker(Some("a"), "closed 1", 5.0, Some(9.0))).unwrap(),
            // Begun before the recording was.
            256 => recorder.marker(&marker(None, "early 8", -1.0, Some(2.0))).unwrap(),
            _ => {}
        }
        if index % 32 == 0 {
            recorder.flush().unwrap();
        }
    }
    recorder.finish().unwrap();
    let status = status.get();
    assert_eq!(status.markers, 6, "no end is a marker of its own");

    compare_intervals(folder.path());
    let csv = std::fs::read_to_string(file(&status, ".csv")).unwrap();
    let head: Vec<_> = csv.lines().nth(1).unwrap().split(',').collect();
    let kind = head.iter().position(|own| *own == "MarkerType").unwrap();
    let kinds: Vec<_> =
        csv.lines().skip(2).map(|line| line.split(',').nth(kind).unwrap()).collect();
    let count = |one: &str| kinds.iter().filter(|own| **own == one).count();
    assert_eq!((count("2"), count("1")), (5, 1), "{kinds:?}");
    assert_eq!((kinds[640], kinds[833], kinds[1280], kinds[1920]), ("2", "2", "2", "1"));

    compare_annotations(&file(&status, ".edf"));
    compare_annotations(&file(&status, ".bdf"));

    let lines = std::fs::read_to_string(file(&status, ".jsonl")).unwrap();
    let ends: Vec<serde_json::Value> = lines
        .lines()
        .filter(|line| line.contains(r#""stream":"marker""#))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let ends: Vec<_> = ends
        .iter()
        .map(|own| {
            let values = &own["values"];
            (values["text"].as_str().unwrap(), values["end"].as_f64().map(|end| end - START))
        })
        .collect();
    let expected = [
        ("early 8", Some(2.0)),
        ("files 7", None),
        ("files 7", Some(8.0)),
        ("closed 1", Some(9.0)),
    ];
    assert_eq!(ends, expected);
}

#[test]
fn an_end_after_the_session_is_over_still_finds_its_marker() {
    let folder = tempfile::tempdir().unwrap();
    let (mut recorder, status) = Recorder::new(RecorderOptions {
        folder: folder.path().to_owned(),
        formats: vec![RecordingFormat::Edf],
        title: "over".to_owned(),
        subject: String::new(),
        resume_within: Duration::from_secs(600),
        headset: None,
        bids: None,
    });
    let subscription = subscription(1, Stream::Eeg, EEG, 128.0);
    recorder.subscription(&subscription).unwrap();
    let begun = Instant::now();
    for index in 0..10 * 128 {
        let shown = if index == 640 { object("a", "closed", 1, 5.0, 5.0) } else { String::new() };
        recorder.sample(&eeg(&subscription, index, begun, &shown)).unwrap();
    }
    recorder.end(&"s1".into(), None).unwrap();
    let (session, id, text) = ("s1".into(), Some("a".into()), "closed 1".to_owned());
    let (time, end) = (START + 5.0, Some(START + 9.0));
    recorder.marker(&SessionMarker { session, id, time, end, text }).unwrap();
    recorder.finish().unwrap();
    let bytes = std::fs::read(file(&status.get(), ".edf")).unwrap();
    assert!(String::from_utf8_lossy(&bytes).contains("\u{15}4.000000\u{14}closed 1\u{14}"));
}

/// Eight hours: some minutes without optimization.
#[test]
#[ignore = "long"]
fn a_night_has_each_sample_and_marker_at_its_place() {
    check(&Night::new(128.0, 8.0 * 3600.0), &[RecordingFormat::Edf]);
    check(&Night::new(256.0, 8.0 * 3600.0), &[RecordingFormat::Bdf]);
}
