//! A night of an EPOC X in all formats and as a capture, with losses, two broken connections and a
//! clock that is set, read back by the reader of replay. With `CORTOP_NIGHT`, the night and what
//! was sent are kept in that folder for other readers (`tests/python/night.py`).

use std::{
    env,
    fmt::Write as _,
    fs::{self, File},
    io::{BufWriter, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant, UNIX_EPOCH},
};

use cortop_files::{
    capture::CaptureFile,
    reader,
    recorder::{Recorder, RecorderStatus, RecordingFormat},
    row::Row,
};
use cortop_protocol::{
    Sample, Stream, Subscription,
    wire::{Side, WireEvent, WireEventKind, WireMessage},
};
use cortop_signal::sink::Sink as _;
use jiff::Timestamp;

use super::{START, file, options};

const HEADSET: &str = "EPOCX-0A1B2C3D";
/// µV per step of the converter.
const STEP: f64 = 5.0 / 39.0;
const SENSORS: [&str; 14] =
    ["AF3", "F7", "F3", "FC5", "T7", "P7", "O1", "O2", "P8", "T8", "FC6", "F4", "F8", "AF4"];

/// Like `SplitMix64`.
fn random(seed: u64) -> f64 {
    let seed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let seed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let seed = (seed ^ (seed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((seed ^ (seed >> 31)) >> 40) as f64 / f64::from(1 << 24)
}

/// A headset and what happens to it.
struct Night {
    /// The sampling rate that it claims, and the actual one.
    nominal: f64,
    rate: f64,
    seconds: f64,
    /// Samples during which nothing is connected.
    away: [std::ops::Range<u64>; 2],
    /// The sample at which the clock is set, and by how many seconds.
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

    /// Whether a sample is lost on the way: 1 in 400, and occasionally up to half a second.
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

    /// What the converter measured, above its offset, in steps.
    fn steps(index: u64, channel: usize) -> f64 {
        (random(index * 16 + channel as u64) * 500.0).round()
    }

    /// The same in µV.
    fn value(index: u64, channel: usize) -> f64 {
        Self::steps(index, channel).mul_add(STEP, 4100.0 - 4100.0 % STEP)
    }

    /// Cortex's stamp, with a resolution of a tenth of a millisecond.
    fn stamp(&self, index: u64) -> f64 {
        let set = if index >= self.clock.0 { self.clock.1 } else { 0.0 };
        let jitter = (random(index ^ 0xabcd) - 0.5) * 6e-4;
        ((index as f64 / self.rate + START + set + jitter) * 1e4).round() / 1e4
    }
}

/// The columns of a stream.
fn columns(stream: Stream) -> String {
    let sensors = SENSORS.map(|own| format!("\"{own}\"")).join(",");
    match stream {
        Stream::Eeg => {
            format!(r#"["COUNTER","INTERPOLATED",{sensors},"RAW_CQ","MARKER_HARDWARE","MARKERS"]"#)
        }
        Stream::Mot => r#"["COUNTER_MEMS","INTERPOLATED_MEMS","Q0","ACCX"]"#.to_owned(),
        _ => format!(r#"["Battery","Signal",[{sensors},"OVERALL"],"BatteryPercent"]"#),
    }
}

fn resident() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').nth(1).and_then(|own| own.parse::<u64>().ok()).unwrap_or_default() * 4096
}

/// A capture that is given no more than it can write: here hours pass in minutes.
struct PacedCapture {
    file: CaptureFile,
    written: File,
    /// Lines that were sent, and those that are in the file.
    sent: u64,
    seen: u64,
}

impl PacedCapture {
    const MOST_WAITING: u64 = 8192;

    fn create(path: &Path) -> Self {
        let file = CaptureFile::create(path, "wss://localhost:6868").unwrap();
        Self { file, written: File::open(path).unwrap(), sent: 1, seen: 0 }
    }

    fn write(&mut self, connection: u64, at: f64, kind: WireEventKind<'_>) {
        let at = Timestamp::try_from(UNIX_EPOCH + Duration::from_secs_f64(START + at)).unwrap();
        self.file.write(&WireEvent { at, recalled: false, connection, kind });
        self.sent += 1;
        let mut bytes = [0; 1 << 13];
        while self.sent - self.seen > Self::MOST_WAITING {
            match self.written.read(&mut bytes).unwrap() {
                0 => thread::sleep(Duration::from_millis(1)),
                read => {
                    let lines = bytes[..read].split(|own| *own == b'\n').count() - 1;
                    self.seen += lines as u64;
                }
            }
        }
    }

    fn message(&mut self, connection: u64, at: f64, from: Side, text: &str) {
        let kind = WireEventKind::Message { from, message: WireMessage::Text(text) };
        self.write(connection, at, kind);
    }
}

/// Where the headset's data goes.
struct Receiver {
    recorder: Recorder,
    capture: PacedCapture,
    begun: Instant,
    /// The number of connections so far, and the subscriptions of the current one.
    connection: u64,
    subscriptions: Option<[Arc<Subscription>; 3]>,
}

impl Receiver {
    /// A connection begins or ends.
    fn connect(&mut self, night: &Night, at: f64) {
        self.connection += 1;
        let (connection, session) = (self.connection, format!("s{}", self.connection));
        self.capture.write(connection, at, WireEventKind::Connected);
        let rates = [night.nominal, night.nominal / 2.0, 2.0];
        let [eeg, motion, _] = rates;
        let streams = [Stream::Eeg, Stream::Mot, Stream::Dev];
        let granted = streams.map(|own| {
            let columns = columns(own);
            format!(r#"{{"streamName":"{}","sid":"{session}","cols":{columns}}}"#, own.name())
        });
        let granted = granted.join(",");
        for (from, text) in [
            (Side::Client, r#"{"id":1,"jsonrpc":"2.0","method":"queryHeadsets"}"#.to_owned()),
            (
                Side::Service,
                format!(
                    r#"{{"id":1,"result":[{{"id":"{HEADSET}","status":"connected","settings":{{"eegRate":{eeg},"memsRate":{motion}}}}}]}}"#
                ),
            ),
            (Side::Client, r#"{"id":2,"jsonrpc":"2.0","method":"subscribe"}"#.to_owned()),
            (
                Side::Service,
                format!(r#"{{"id":2,"result":{{"success":[{granted}],"failure":[]}}}}"#),
            ),
        ] {
            self.capture.message(connection, at, from, &text);
        }
        let mut rates = rates.into_iter();
        let subscriptions = streams.map(|stream| {
            let subscription = Subscription {
                session: session.as_str().into(),
                headset: HEADSET.into(),
                stream,
                columns: serde_json::from_str(&columns(stream)).unwrap(),
                nominal_rate: rates.next(),
            };
            Arc::new(subscription)
        });
        for own in &subscriptions {
            self.recorder.subscription(own).unwrap();
        }
        self.subscriptions = Some(subscriptions);
    }

    fn disconnect(&mut self, at: f64) {
        if self.subscriptions.take().is_some() {
            let kind = WireEventKind::Disconnected { by: Side::Service };
            self.capture.write(self.connection, at, kind);
            self.recorder.end(&format!("s{}", self.connection).into(), None).unwrap();
        }
    }

    /// Receives a message in Cortex's format.
    fn sample(&mut self, place: usize, values: &str, stamp: f64, at: f64) {
        let own = self.subscriptions.as_ref().map(|own| Arc::clone(&own[place])).unwrap();
        let (stream, session) = (own.stream.name(), &own.session);
        let text = format!(r#"{{"{stream}":[{values}],"sid":"{session}","time":{stamp:.4}}}"#);
        self.capture.message(self.connection, at, Side::Service, &text);
        let received = self.begun + Duration::from_secs_f64(at);
        self.recorder.sample(&Sample::new(own, text.into(), received)).unwrap();
    }
}

/// The result of a night.
struct Recorded {
    status: RecorderStatus,
    capture: PathBuf,
    /// The samples of the markers.
    markers: Vec<u64>,
    /// By how many bytes memory grew in the second half.
    grown: i64,
}

/// Records it. What was sent goes into the file `sent`: for each sample its index, its stamp, and
/// its converter steps, little-endian.
fn record(night: &Night, formats: &[RecordingFormat], folder: &Path) -> Recorded {
    let (recorder, status) = Recorder::new(options(folder, formats, "night"));
    let capture = folder.join("capture.jsonl");
    let mut receiver = Receiver {
        recorder,
        capture: PacedCapture::create(&capture),
        begun: Instant::now(),
        connection: 0,
        subscriptions: None,
    };
    let mut sent = BufWriter::new(File::create(folder.join("sent")).unwrap());
    let (mut markers, mut memory) = (Vec::new(), 0);
    let wrap = night.nominal as u64;
    let (levels, mut values) =
        ([4; SENSORS.len()].map(|own| own.to_string()).join(","), String::new());
    for index in 0..night.samples() {
        if index == night.samples() / 2 {
            memory = resident();
        }
        let arrived = index as f64 / night.rate + 0.02 + random(index ^ 0x77) * 0.01;
        if night.is_away(index) {
            receiver.disconnect(arrived);
            continue;
        }
        if receiver.subscriptions.is_none() {
            receiver.connect(night, arrived);
        }
        let stamp = night.stamp(index);
        if !Night::is_lost(index) {
            sent.write_all(&index.to_le_bytes()).unwrap();
            sent.write_all(&stamp.to_le_bytes()).unwrap();
            values.clear();
            let _ = write!(values, "{},0", index % wrap);
            for channel in 0..SENSORS.len() {
                let _ = write!(values, ",{:.6}", Night::value(index, channel));
                sent.write_all(&(Night::steps(index, channel) as u16).to_le_bytes()).unwrap();
            }
            let is_marked = index % 5000 == 4999;
            let _ = if is_marked {
                // As Cortex sends those in its record.
                markers.push(index);
                write!(values, r#",0,0,[{{"label":"event","value":{index}}}]"#)
            } else {
                write!(values, ",0,0,[]")
            };
            receiver.sample(0, &values, stamp, arrived);
        }
        if index % 2 == 0 && random(index ^ 0x999) > 0.001 {
            let (count, moved) = (index / 2 % (wrap / 2), (index / 2 % 1000) as f64 / 1000.0);
            receiver.sample(1, &format!("{count},0,0.5,{moved}"), stamp, arrived + 1e-4);
        }
        if index % (wrap / 2) == 0 {
            receiver.sample(2, &format!("4,2,[{levels},95],80"), stamp, arrived + 2e-4);
        }
    }
    let grown = resident().cast_signed() - memory.cast_signed();
    receiver.recorder.finish().unwrap();
    let state = receiver.capture.file.finish();
    assert_eq!((state.lost, state.error), (0, None));
    sent.flush().unwrap();
    Recorded { status: status.get(), capture, markers, grown }
}

/// Compares the content of a file with what was sent, sample by sample.
fn compare(night: &Night, path: &Path, markers: &[u64]) {
    let mut read = reader::open(path).unwrap();
    let is_edf = path.extension().is_some_and(|own| own == "edf" || own == "bdf");
    let sensor = |label: &str| SENSORS.iter().position(|own| *own == label);
    let labels: Vec<_> =
        read.info().header.labels_of(Stream::Eeg).map(|(_, label)| sensor(label)).collect();
    // The duration of a record has six decimals: over a night this amounts to some samples.
    let rate = read.info().eeg_rate.unwrap_or(night.nominal);
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
            if is_edf {
                let by = row.place.cast_signed() - index.cast_signed();
                // A clock that was set does not disturb the times.
                let even = (row.place as f64 / rate + START - stamp).abs();
                assert!(even < 0.05, "{index}: {even}");
                if off.last() != Some(&by) {
                    off.push(by);
                }
            } else {
                assert!((stamp - night.stamp(index)).abs() < 1e-6);
            }
            motion += row.samples.iter().filter(|own| own.stream == Stream::Mot).count();
            if !is_edf {
                found.extend(row.markers.iter().map(|_| index));
            }
        }
        if is_edf {
            let events = row
                .markers
                .iter()
                .filter(|own| own.object["label"].as_str().unwrap().starts_with("event"));
            found.extend(events.map(|own| ((own.time.unwrap() - START) * rate).round() as u64));
        }
    }
    assert_eq!(own.next(), None, "{}: less than was sent", path.display());
    // After a lost connection, the position follows from the time.
    assert!(off.len() <= 3 && off.iter().all(|by| by.abs() <= 1), "{off:?}");
    assert_eq!(found.len(), markers.len());
    for (at, index) in found.iter().zip(markers) {
        let most = u64::from(is_edf);
        assert!(at.abs_diff(*index) <= most, "{at} for {index}");
    }
    let lasted =
        (night.samples() - night.away.iter().map(|away| away.end - away.start).sum::<u64>()) / 2;
    assert!(motion as f64 > lasted as f64 * 0.99, "{motion} of {lasted}");
}

fn check(night: &Night, formats: &[RecordingFormat], folder: &Path) {
    let begun = Instant::now();
    let Recorded { status, capture, markers, grown } = record(night, formats, folder);
    println!(
        "{} s of {} Hz in {:?}: lost {} of {}, {} markers, memory grew by {grown} bytes",
        night.seconds,
        night.nominal,
        begun.elapsed(),
        status.lost,
        night.samples(),
        markers.len(),
    );
    let sent =
        (0..night.samples()).filter(|index| !night.is_away(*index) && !Night::is_lost(*index));
    assert_eq!(status.samples, sent.count() as u64);
    assert_eq!(status.notes, Vec::<String>::new());
    for path in
        formats.iter().map(|own| file(&status, &format!(".{}", own.name()))).chain([capture])
    {
        compare(night, &path, &markers);
        if path.extension().is_some_and(|own| own == "edf" || own == "bdf") {
            compare_header(night, &path);
        }
        println!("{}: {} bytes", path.display(), fs::metadata(&path).unwrap().len());
    }
    // When an hour passes in seconds, more data waits between two flushes.
    assert!(grown < 16 << 20, "memory grew by {grown}");
}

/// The number of data records and their duration, as measured.
fn compare_header(night: &Night, path: &Path) {
    let mut bytes = [0; 252];
    File::open(path).unwrap().read_exact(&mut bytes).unwrap();
    let field =
        |at: usize| -> f64 { str::from_utf8(&bytes[at..at + 8]).unwrap().trim().parse().unwrap() };
    let (records, seconds) = (field(236), field(244));
    let measured = night.nominal / 2.0 / seconds;
    // One sample for each lost connection, plus what the field can hold.
    let most = 2.0 / night.samples() as f64 + 2e-6;
    assert!((measured / night.rate - 1.0).abs() < most, "{measured} {}", night.rate);
    let length = night.samples() as f64 / night.nominal * 2.0;
    assert!((records - length).abs() <= 2.0, "{records} {length}");
}

#[test]
fn a_recording_has_each_sample_and_marker_at_its_place() {
    for nominal in [128.0, 256.0] {
        let folder = tempfile::tempdir().unwrap();
        check(&Night::new(nominal, 420.0), &RecordingFormat::ALL, folder.path());
    }
}

/// Eight hours, which take some minutes without optimization.
#[test]
#[ignore = "long"]
fn a_night_has_each_sample_and_marker_at_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let kept = env::var_os("CORTOP_NIGHT").map(PathBuf::from);
    let night = Night::new(256.0, 8.0 * 3600.0);
    check(&night, &RecordingFormat::ALL, kept.as_deref().unwrap_or(folder.path()));
}
