//! From the rows of a file to a recording: its times, its counters, the headset it seems to come
//! from, and what the user should know about it.

use std::{
    collections::BTreeMap,
    io,
    path::Path,
    time::{Duration, Instant},
};

use color_eyre::{Result, eyre::eyre};
use cortop_files::{
    header::{ColumnKind, Header},
    recording::{RecordingInfo, RecordingReader, display_name},
    row::{ReadCounts, Row, RowMarker, StreamSample},
};
use serde_json::json;

use super::{
    RecordedStream, Recording,
    store::Store,
    track::{BEFORE_CELLS, CounterScan, ReplayedCounter, Track, counted, placed},
};
use crate::{
    model::{MotionFormat, Spec},
    noise::slot,
    source::SampleSource as _,
};
use cortop_protocol::{
    HeadsetId, Stream,
    model::{EPOC_SENSORS, INSIGHT_SENSORS, MN8_SENSORS, Model},
    sample::{Column, Columns},
};

/// Markers that are kept of a recording.
const MAX_MARKERS: usize = 1_000_000;
/// Seconds of reading after which progress is reported, and then again and again.
const REPORTED: Duration = Duration::from_secs(2);

/// What is read of a file, in the order of its rows.
struct Collected {
    eeg: Store,
    counters: CounterScan,
    /// Epoch seconds of the first row that has them, and of the last.
    first: Option<f64>,
    last: Option<(f64, u64)>,
    /// Rows without a time, and those whose time is not later than that of the one before.
    without_time: u64,
    falls: u64,
    intervals: Intervals,
    /// The first value of each channel.
    first_values: Vec<f64>,
    others: Vec<(Stream, Store, CounterScan)>,
    /// Markers, each with the row before which it came.
    markers: Vec<(usize, RowMarker)>,
}

/// Reads all rows of a file and puts a recording together.
pub(super) fn recording(
    mut reader: Box<dyn RecordingReader>,
    file: &Path,
    report: fn(&str),
) -> Result<Recording> {
    let name = display_name(file);
    let mut collected = Collected::new(&reader.info().header);
    let unstorable = |error: io::Error| {
        eyre!(
            "{name} cannot be kept for replay: {error}; make room in the folder of temporary files"
        )
    };
    let mut row = Row::default();
    let mut reported = Instant::now();
    let mut cut = None;
    for count in 1_u64.. {
        match reader.next_row(&mut row) {
            Ok(true) => collected.push(&mut row).map_err(unstorable)?,
            Ok(false) => break,
            Err(error) => {
                cut = Some(error);
                break;
            }
        }
        if count.is_multiple_of(4096) && reported.elapsed() > REPORTED {
            reported = Instant::now();
            let read = reader.counts().read;
            report(&match reader.progress() {
                Some(share) => format!("reading {name}: {:.0} %, {read} rows", 100.0 * share),
                None => format!("reading {name}: {read} rows"),
            });
        }
    }
    if collected.eeg.len() < 2 {
        return Err(match cut {
            Some(error) => eyre!("{name} cannot be read: {error}; give a file that is whole"),
            None => {
                eyre!("{name} has fewer than two rows of readable EEG; give a longer recording")
            }
        });
    }
    let mut recording =
        collected.recording(reader.info(), file, reader.counts()).map_err(unstorable)?;
    if let Some(error) = cut {
        let note = format!("The file cannot be read to its end ({error}); the rest is played.");
        recording.notes.insert(recording.notes.len().saturating_sub(1), note);
    }
    Ok(recording)
}

impl Collected {
    fn new(header: &Header) -> Self {
        let channels = header.labels_of(Stream::Eeg).count();
        let others = Stream::ALL.into_iter().filter(|stream| *stream != Stream::Eeg);
        let others = others.filter(|stream| header.has_stream(*stream)).map(|stream| {
            let width = BEFORE_CELLS + header.labels_of(stream).count();
            (stream, Store::new(width), CounterScan::default())
        });
        Self {
            eeg: Store::new(BEFORE_CELLS + 1 + channels),
            counters: CounterScan::default(),
            first: None,
            last: None,
            without_time: 0,
            falls: 0,
            intervals: Intervals::default(),
            first_values: vec![f64::NAN; channels],
            others: others.collect(),
            markers: Vec::new(),
        }
    }

    fn push(&mut self, row: &mut Row) -> io::Result<()> {
        let place = self.eeg.len();
        for StreamSample { stream, time, counter, values } in &row.samples {
            let own = self.others.iter_mut().find(|(own, ..)| own == stream);
            let Some((_, store, scan)) = own else { continue };
            if let Some(counter) = counter {
                scan.push(*counter);
            }
            let before = [time.unwrap_or(f64::NAN), number(*counter), place as f64];
            store.push(before.into_iter().chain(values.iter().copied()))?;
        }
        let room = MAX_MARKERS.saturating_sub(self.markers.len());
        self.markers.extend(row.markers.drain(..).take(room).map(|marker| (place, marker)));
        if row.eeg.is_empty() {
            return Ok(());
        }
        match row.time {
            None => self.without_time += 1,
            Some(time) => {
                self.first.get_or_insert(time);
                if let Some((before, place)) = self.last {
                    self.falls += u64::from(time <= before);
                    self.intervals.push(time - before, row.place.saturating_sub(place) as f64);
                }
                self.last = Some((time, row.place));
            }
        }
        if let Some(counter) = row.counter {
            self.counters.push(counter);
        }
        for (first, value) in self.first_values.iter_mut().zip(&row.eeg) {
            if first.is_nan() {
                *first = *value;
            }
        }
        let before = [row.time.unwrap_or(f64::NAN), number(row.counter), row.place as f64];
        let filled_in = f64::from(u8::from(row.interpolated));
        self.eeg.push(before.into_iter().chain([filled_in]).chain(row.eeg.iter().copied()))
    }

    fn recording(
        mut self,
        info: &RecordingInfo,
        file: &Path,
        counts: &ReadCounts,
    ) -> io::Result<Recording> {
        let header = &info.header;
        let eeg_rate = nominal_rate(info.eeg_rate, &self.intervals);
        let rate = f64::from(eeg_rate);
        self.eeg.close_block()?;
        let has_counters = self.counters.count() == self.eeg.len() as u64;
        let counter = if has_counters {
            self.counters.counter(eeg_rate.into())
        } else {
            ReplayedCounter { first: 0, wrap: u64::from(eeg_rate).max(1) }
        };
        let mut steps = steps(has_counters.then_some(counter));
        // Where the file has no times, or they do not rise, rows are spread evenly by their counter.
        let timed = self.without_time == 0 && self.falls == 0;
        let first = self.first.unwrap_or_default();
        let (mut last_time, mut last_step) = (0.0, 0);
        let first_values = &self.first_values;
        self.eeg.update(|row| {
            let [time, counter, place, _, cells @ ..] = row else { return };
            last_step = steps(if has_counters { *counter } else { *place });
            last_time = if timed { *time - first } else { last_step as f64 / rate };
            *time = last_time;
            *counter = last_step as f64;
            for (cell, first) in cells.iter_mut().zip(first_values) {
                // Channels that have no value at first begin with their first one.
                if cell.is_nan() {
                    *cell = if first.is_nan() { 0.0 } else { *first };
                }
            }
        })?;
        let period = last_time + last_time / last_step.max(1) as f64;
        let eeg = Track::new(self.eeg, counter, period, info.once);

        let mut mems_rate = info.motion_rate.unwrap_or_default();
        let mut streams = Vec::new();
        for (stream, mut rows, scan) in self.others {
            rows.close_block()?;
            let len = rows.len();
            if stream == Stream::Mot && info.motion_rate.is_none() {
                mems_rate = (len as f64 / period).round();
            }
            let has_counters = len > 0 && scan.count() == len as u64;
            let wrap = if stream == Stream::Mot { slot(mems_rate).0 } else { 1 };
            let counter = if has_counters {
                scan.counter(wrap)
            } else {
                ReplayedCounter { first: 0, wrap: wrap.max(1) }
            };
            let mut steps = self::steps(has_counters.then_some(counter));
            let (mut number, mut before) = (0.0, 0.0_f64);
            rows.update(|row| {
                let [time, counter, place, ..] = row else { return };
                *counter = steps(if has_counters { *counter } else { number }) as f64;
                number += 1.0;
                let of_row =
                    || eeg.time_of_row(usize::try_from(slot(*place).0).unwrap_or_default());
                let own = if time.is_nan() { of_row() } else { *time - first };
                before = own.max(before).min(last_time);
                *time = before;
            })?;
            streams.push((
                stream,
                RecordedStream {
                    track: Track::new(rows, counter, period, info.once),
                    columns: columns(header, stream),
                    kinds: header.labels_of(stream).map(|(kind, _)| kind).collect(),
                },
            ));
        }
        let markers = markers(self.markers, &eeg, self.first);
        let eeg =
            RecordedStream { columns: columns(header, Stream::Eeg), track: eeg, kinds: Vec::new() };
        let spec = spec(info, eeg_rate, mems_rate);
        let id = info.serial.as_ref().map(|own| format!("{}-{own}", spec.model.prefix()));
        let id = id.map(HeadsetId::from);
        let mut recording = Recording { spec, id, notes: Vec::new(), eeg, streams, markers };
        recording.notes = notes(&recording, file, info, period, self.first.is_some());
        if counts.unnamed_markers > 0 {
            recording.notes.push(
                "Its rows have markers, and no file beside it says what they mean: they are \
                 numbered."
                    .into(),
            );
        }
        // Of times that no row has, none is repaired.
        let spread = if self.first.is_some() { self.falls } else { 0 };
        recording.notes.push(count_sentences(counts, spread));
        Ok(recording)
    }
}

/// The distances of rows from the first one, by their counter or by their place.
fn steps(counter: Option<ReplayedCounter>) -> Box<dyn FnMut(f64) -> u64> {
    match counter {
        Some(counter) => Box::new(counted(counter)),
        None => Box::new(placed()),
    }
}

fn number(counter: Option<u64>) -> f64 {
    counter.map_or(f64::NAN, |counter| counter as f64)
}

/// The markers of each row, as the JSON inside the array of a sample (§5.2).
fn markers(
    found: Vec<(usize, RowMarker)>,
    eeg: &Track,
    first: Option<f64>,
) -> BTreeMap<usize, String> {
    let mut of_row: BTreeMap<usize, String> = BTreeMap::new();
    for (row, RowMarker { time, mut object }) in found {
        if let Some(members) = object.as_object_mut() {
            members.insert("applicationId".to_owned(), json!(""));
            members.insert("recordId".to_owned(), json!(""));
        }
        // One that has a time of its own belongs to the first sample that is not before it.
        let at = time.zip(first).map_or(row, |(time, first)| eeg.row_at(time - first));
        let own = of_row.entry(at).or_default();
        if !own.is_empty() {
            own.push(',');
        }
        own.push_str(&object.to_string());
    }
    of_row
}

/// The columns of a stream.
fn columns(header: &Header, stream: Stream) -> Columns {
    let labels = || header.labels_of(stream).map(|(_, label)| label);
    match stream {
        Stream::Eeg => {
            flat(["COUNTER", "INTERPOLATED"].into_iter().chain(labels()).chain(["MARKERS"]))
        }
        Stream::Mot => flat(["COUNTER_MEMS"].into_iter().chain(labels())),
        Stream::Dev => dev_columns(header),
        Stream::Eq => flat(["batteryPercent"].into_iter().chain(labels())),
        _ => {
            let mut last = "";
            flat(labels().filter(move |label| std::mem::replace(&mut last, label) != *label))
        }
    }
}

/// The columns of `dev`, contact quality in a group of its own (§5.4). Clients take battery and signal
/// by their places, so that they are there whatever the file has.
fn dev_columns(header: &Header) -> Columns {
    let one = |label: &str| Column::One(label.to_owned());
    let contact: Vec<_> = header.labels(ColumnKind::Contact).map(str::to_owned).collect();
    let contact = (!contact.is_empty()).then_some(Column::Group(contact));
    let charge = [ColumnKind::Battery, ColumnKind::BatteryPercent];
    let percent = charge.iter().any(|kind| header.has(*kind)).then(|| one("BatteryPercent"));
    Columns([one("Battery"), one("Signal")].into_iter().chain(contact).chain(percent).collect())
}

/// What was read, what was repaired, what was dropped.
fn count_sentences(counts: &ReadCounts, times: u64) -> String {
    let mut sentences = vec![format!("Rows read: {}.", counts.read)];
    for (what, count) in [
        ("EEG values that cannot be read, held at the last one", counts.held),
        ("Other values that cannot be read, left out", counts.unreadable),
        ("Time stamps not later than the one before, all spread evenly", times),
        ("Rows without any readable EEG, lost samples", counts.lost),
        ("Lines or records that are cut off, dropped", counts.short),
        ("Lines of names or units, skipped", counts.names),
    ] {
        if count > 0 {
            sentences.push(format!("{what}: {count}."));
        }
    }
    sentences.join(" ")
}

fn flat<'a>(labels: impl Iterator<Item = &'a str>) -> Columns {
    Columns(labels.map(|label| Column::One(label.to_owned())).collect())
}

/// What the user should know before believing the picture.
fn notes(
    recording: &Recording,
    file: &Path,
    info: &RecordingInfo,
    period: f64,
    timed: bool,
) -> Vec<String> {
    let header = &info.header;
    let Spec { model, sensors, eeg_rate, .. } = &recording.spec;
    let channels = sensors.len();
    let name = display_name(file);
    let how = if info.once { "played once" } else { "replayed in a loop" };
    let mut notes = vec![format!(
        "{name}: {period:.1} s of {channels} channels, taken for an {}, {how}.",
        model.name()
    )];
    notes.extend(info.notes.iter().cloned());
    if !matches!(eeg_rate, 128 | 256) {
        notes.push(format!("It has {eeg_rate} Hz, which no headset has, and is played so."));
    }
    if !header.repeated.is_empty() {
        let repeated = header.repeated.join(", ");
        notes.push(format!("Names that stand twice: {repeated}; the first column counts."));
    }
    if !timed {
        notes.push(format!("It has no timestamps: {eeg_rate} Hz is assumed."));
    }
    if !header.has(ColumnKind::Counter) {
        notes.push("It has no counter: its rows are counted, so loss cannot be seen.".into());
    }
    if header.renamed {
        notes.push("Its column P is taken for P7.".into());
    }
    let missing = recording.eeg.track.missing();
    if missing > 0 {
        notes.push(format!("{missing} samples are missing in the recording itself."));
    }
    let left_out = header.left_out();
    if !left_out.is_empty() {
        notes.push(format!("Left out: {}.", left_out.join(", ")));
    }
    let refused: Vec<_> = Stream::ALL
        .into_iter()
        .filter(|stream| *stream != Stream::Sys && recording.columns(*stream).is_none())
        .map(Stream::name)
        .collect();
    if !refused.is_empty() {
        notes.push(format!("Not replayed, and refused: the streams {}.", refused.join(" ")));
    }
    notes
}

/// The model of the metadata, else the one whose sensors these are.
fn spec(info: &RecordingInfo, eeg_rate: u32, mems_rate: f64) -> Spec {
    let header = &info.header;
    let named = info.headset_type.as_ref().map(|kind| Model::from_id(&format!("{kind}-").into()));
    let sensors: Vec<_> = header.labels(ColumnKind::Sensor).map(str::to_owned).collect();
    let has = |label: &str| header.labels(ColumnKind::Motion).any(|own| own == label);
    let motion = match (has("Q0"), header.has(ColumnKind::Motion)) {
        (true, _) => MotionFormat::Quaternion,
        (false, true) => MotionFormat::RawGyro,
        (false, false) => MotionFormat::None,
    };
    let of = |known: &[&str]| {
        sensors.len() == known.len() && sensors.iter().all(|name| known.contains(&name.as_str()))
    };
    let guessed = if of(&EPOC_SENSORS) {
        if motion == MotionFormat::None { Model::Epoc } else { Model::EpocPlus }
    } else if of(&INSIGHT_SENSORS) {
        Model::Insight
    } else if of(&MN8_SENSORS) {
        Model::Mn8
    } else {
        Model::EpocFlex
    };
    let spec = match named {
        // Too little is known of it to simulate it, and enough to play it.
        Some(Model::XTrodes) => Some(Spec {
            model: Model::XTrodes,
            mode: "UNKNOWN",
            bci: false,
            faces: false,
            ..Spec::epoc()
        }),
        named => named.and_then(Spec::of).or_else(|| Spec::of(guessed)),
    };
    let mems_rate = if motion == MotionFormat::None { 0.0 } else { mems_rate };
    let spec = spec.unwrap_or_else(Spec::epoc);
    Spec {
        sensors,
        eeg_rate,
        mems_rate,
        mems_bits: if motion == MotionFormat::None { 0 } else { spec.mems_bits },
        motion,
        firmware: info.firmware.clone().unwrap_or(spec.firmware),
        ..spec
    }
}

/// The intervals between rows, as far as they tell the rate: of a long file the first ones say what
/// is usual.
#[derive(Default)]
struct Intervals {
    /// Seconds and rows of the first intervals.
    first: Vec<(f64, f64)>,
    usual: Option<f64>,
    /// Seconds and rows of all, and of those without a gap.
    whole: (f64, f64),
    without_gaps: (f64, f64),
}

impl Intervals {
    /// Intervals by which the usual one is known.
    const KNOWN: usize = 16_384;

    fn push(&mut self, seconds: f64, rows: f64) {
        if let Some(usual) = self.usual {
            self.add(usual, seconds, rows);
            return;
        }
        self.first.push((seconds, rows));
        if self.first.len() == Self::KNOWN {
            let usual = self.median();
            self.usual = Some(usual);
            for (seconds, rows) in std::mem::take(&mut self.first) {
                self.add(usual, seconds, rows);
            }
        }
    }

    fn median(&self) -> f64 {
        let mut each: Vec<_> = self.first.iter().map(|(seconds, rows)| seconds / rows).collect();
        each.sort_by(f64::total_cmp);
        each.get(each.len() / 2).copied().unwrap_or_default()
    }

    fn add(&mut self, usual: f64, seconds: f64, rows: f64) {
        self.whole = (self.whole.0 + seconds, self.whole.1 + rows);
        if seconds / rows < 1.5 * usual {
            self.without_gaps = (self.without_gaps.0 + seconds, self.without_gaps.1 + rows);
        }
    }

    /// Rows a second. Lost samples leave gaps, which would make the rate look lower. Stamps that come
    /// in bursts have nearly all of the time in their gaps.
    fn rate(&self) -> f64 {
        let mut all = Self { usual: self.usual, first: Vec::new(), ..*self };
        let usual = self.median();
        for (seconds, rows) in &self.first {
            all.add(usual, *seconds, *rows);
        }
        let most = all.without_gaps.0 > 0.5 * all.whole.0;
        let (seconds, rows) = if most { all.without_gaps } else { all.whole };
        rows / seconds
    }
}

/// The EEG rate that the file names, else the measured one: that of a headset if it is near one.
fn nominal_rate(named: Option<f64>, intervals: &Intervals) -> u32 {
    const RATES: [f64; 2] = [128.0, 256.0];
    const MOST: f64 = 2560.0;
    let measured = Some(intervals.rate()).filter(|rate| (1.0..MOST).contains(rate));
    let rate = named.or(measured).unwrap_or(128.0);
    let near = RATES.into_iter().find(|own| (rate / own - 1.0).abs() < 0.015);
    let (rate, _) = slot(near.unwrap_or(rate).round().clamp(1.0, MOST));
    u32::try_from(rate).unwrap_or(128)
}
