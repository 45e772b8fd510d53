//! Turns the rows of a file into a recording: its times, its counters, the headset that it seems to
//! come from, and what the user should know about it.

use std::{
    collections::BTreeMap,
    io,
    ops::RangeInclusive,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use color_eyre::{
    Result,
    eyre::{Report, eyre},
};
use cortop_files::{
    header::{ColumnKind, Header, listed},
    recording::{RecordingInfo, RecordingReader, display_name},
    row::{ReadCounts, Row, RowMarker, StreamSample},
};
use serde_json::json;

use super::{
    RecordedStream, Recording,
    clock::{ClockCounts, Pace, RecordingClock, RowClock, StampScan},
    counter::{CounterScan, Steps},
    order::RowOrder,
    repeats::Repeats,
    store::Store,
    track::{BEFORE_CELLS, Track},
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

/// The most markers kept of a recording.
const MAX_MARKERS: usize = 1_000_000;
/// Real EEG does not stay below this many µV throughout; and the range in which EEG of a headset
/// with an offset stays if it is given in mV.
const LEAST_EEG: f64 = 1.0;
const OFFSET_IN_MILLIVOLTS: RangeInclusive<f64> = 1.0..=9.0;

/// What is read of a file, in row order.
struct Collected {
    eeg: Store,
    counters: CounterScan,
    stamps: StampScan,
    /// The time stamp, the counter and the values of the previous row.
    before: (Option<f64>, Option<u64>),
    eeg_before: Vec<f64>,
    repeats: Repeats,
    /// The number of duplicate rows, and of rows that come after the one that should follow them.
    doubled: u64,
    out_of_order: u64,
    /// The first value of each channel.
    first_values: Vec<f64>,
    /// The number of sensors, and the lowest and highest of their values.
    sensors: usize,
    range: (f64, f64),
    others: Vec<(Stream, Store, CounterScan)>,
    /// Markers, each with the row before which it came.
    markers: Vec<(usize, RowMarker)>,
}

/// Reads all rows of a file and builds a recording. Stores the number of rows so far in `read`.
pub(super) fn recording(
    mut reader: Box<dyn RecordingReader>,
    file: &Path,
    read: &AtomicU64,
) -> Result<Recording> {
    let name = display_name(file);
    let mut collected = Collected::new(&reader.info().header);
    let unstorable = |error: io::Error| {
        eyre!(
            "{name} cannot be kept for replay: {error}; make room in the folder of temporary files"
        )
    };
    let mut order = RowOrder::default();
    let mut row = Row::default();
    let mut cut = None;
    loop {
        match reader.next_row(&mut row) {
            Ok(true) => {
                if order.push(&mut row) {
                    collected.push(&mut row).map_err(unstorable)?;
                }
            }
            Ok(false) => break,
            Err(error) => {
                cut = Some(error);
                break;
            }
        }
        read.store(reader.counts().read, Ordering::Relaxed);
    }
    while let Some(mut row) = order.pop() {
        collected.push(&mut row).map_err(unstorable)?;
    }
    collected.out_of_order = order.moved;
    if collected.eeg.len() < 2 {
        return Err(refusal(&name, cut, reader.counts()));
    }
    let mut recording =
        collected.recording(reader.info(), file, reader.counts()).map_err(unstorable)?;
    let cut = cut.map(|error| {
        format!(
            "The file cannot be read beyond row {} ({error}); what comes before is played.",
            reader.counts().read
        )
    });
    let left_out = reader.left_out().into_iter().map(|what| format!("{what}."));
    let at = recording.notes.len().saturating_sub(1);
    recording.notes.splice(at..at, left_out.chain(cut));
    Ok(recording)
}

/// Why a file with so few rows cannot be played, and the next step.
fn refusal(name: &str, cut: Option<io::Error>, counts: &ReadCounts) -> Report {
    if let Some(error) = cut {
        return eyre!("{name} cannot be read: {error}; give a file that is whole");
    }
    if let Some(line) = counts.dropped.first().filter(|_| counts.surplus > 0) {
        return eyre!(
            "{name}: its rows have more values than its columns have names (line {line}, say); if \
             commas separate both decimals and cells, save it with decimal points"
        );
    }
    eyre!("{name} has fewer than two rows of readable EEG; give a longer recording")
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
            stamps: StampScan::default(),
            before: (None, None),
            eeg_before: Vec::new(),
            repeats: Repeats::default(),
            doubled: 0,
            out_of_order: 0,
            first_values: vec![f64::NAN; channels],
            sensors: header.labels(ColumnKind::Sensor).count(),
            range: (f64::INFINITY, f64::NEG_INFINITY),
            others: others.collect(),
            markers: Vec::new(),
        }
    }

    fn push(&mut self, row: &mut Row) -> io::Result<()> {
        let clock = (row.time, row.counter);
        let is_doubled =
            || row.counter.is_some() && clock == self.before && row.eeg == self.eeg_before;
        if is_doubled() || self.repeats.is_repeated(row, self.before.0, &self.eeg) {
            self.doubled += 1;
            return Ok(());
        }
        let place = self.eeg.len();
        for StreamSample { stream, time, counter, values } in &row.samples {
            let own = self.others.iter_mut().find(|(own, ..)| own == stream);
            let Some((_, store, scan)) = own else { continue };
            scan.push(*counter, f64::NAN);
            let before = [time.unwrap_or(f64::NAN), number(*counter), place as f64];
            store.push(before.into_iter().chain(values.iter().copied()))?;
        }
        let room = MAX_MARKERS.saturating_sub(self.markers.len());
        self.markers.extend(row.markers.drain(..).take(room).map(|marker| (place, marker)));
        if row.eeg.is_empty() {
            return Ok(());
        }
        self.before = clock;
        self.eeg_before.clone_from(&row.eeg);
        let place = row.place.saturating_sub(self.doubled);
        let stamp = row.time.unwrap_or(f64::NAN);
        self.stamps.push(row.time, row.counter, place);
        self.counters.push(row.counter, stamp);
        // NaN is neither lower nor higher.
        for value in row.eeg.iter().take(self.sensors) {
            self.range = (self.range.0.min(*value), self.range.1.max(*value));
        }
        for (first, value) in self.first_values.iter_mut().zip(&row.eeg) {
            if first.is_nan() {
                *first = *value;
            }
        }
        let before = [stamp, number(row.counter), place as f64];
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
        self.eeg.close_block()?;
        let measured = self.stamps.pace(info.eeg_rate, self.counters.is_usable());
        let eeg_rate = nominal_rate(info.eeg_rate, measured);
        let exact = measured.and_then(|own| own.fine_interval());
        let mut steps = Steps::new(self.counters.wrap(eeg_rate.into(), exact));
        let clocks = (0..self.eeg.len()).map(|row| row_clock(&self.eeg.row(row)));
        let mut clock =
            RecordingClock::new(&self.stamps, measured, eeg_rate.into(), steps.clone(), clocks);
        let (mut row_number, mut last_time, mut last_step) = (0, 0.0, 0);
        let first_values = &self.first_values;
        self.eeg.update(|row| {
            (last_time, last_step) = clock.next(row_number, row_clock(row), &mut steps);
            row_number += 1;
            let [time, step, _, _, cells @ ..] = row else { return };
            *time = last_time;
            *step = last_step as f64;
            for (cell, first) in cells.iter_mut().zip(first_values) {
                // Channels that start without a value get their first one.
                if cell.is_nan() {
                    *cell = if first.is_nan() { 0.0 } else { *first };
                }
            }
        })?;
        let period = last_time + last_time / last_step.max(1) as f64;
        let eeg = Track::new(self.eeg, steps.counter(eeg_rate.into()), period, info.once);
        let is_counted = steps.wrap().is_some();

        let mut mems_rate = info.motion_rate.unwrap_or_default();
        let mut streams = Vec::new();
        for (stream, mut rows, scan) in self.others {
            rows.close_block()?;
            let len = rows.len();
            if stream == Stream::Mot && info.motion_rate.is_none() {
                mems_rate = (len as f64 / period).round();
            }
            let wrap = if stream == Stream::Mot { slot(mems_rate).0.max(1) } else { 1 };
            let mut steps = Steps::new(scan.wrap(wrap, None));
            let (mut number, mut before) = (0, 0.0_f64);
            rows.update(|row| {
                let [time, counter, place, ..] = row else { return };
                *counter = steps.next(*counter, number) as f64;
                number += 1;
                let place = usize::try_from(slot(*place).0).unwrap_or_default();
                let own = if time.is_nan() { None } else { clock.time(*time, place) };
                before = own.unwrap_or_else(|| eeg.time_of_row(place)).max(before).min(last_time);
                *time = before;
            })?;
            streams.push((
                stream,
                RecordedStream {
                    track: Track::new(rows, steps.counter(wrap), period, info.once),
                    columns: columns(header, stream),
                    kinds: header.labels_of(stream).map(|(kind, _)| kind).collect(),
                },
            ));
        }
        let markers = markers(self.markers, &eeg, &clock);
        let eeg =
            RecordedStream { columns: columns(header, Stream::Eeg), track: eeg, kinds: Vec::new() };
        let spec = spec(info, eeg_rate, mems_rate);
        let id = info.serial.as_ref().map(|own| format!("{}-{own}", spec.model.prefix()));
        let id = id.map(HeadsetId::from);
        let mut recording = Recording { spec, id, notes: Vec::new(), eeg, streams, markers };
        let timing = Timing {
            stamps: match (self.stamps.has_any(), header.has(ColumnKind::Time)) {
                (true, _) if self.stamps.is_backwards() => StampQuality::Backwards,
                (true, _) => StampQuality::Rising,
                (false, true) => StampQuality::Unreadable,
                (false, false) => StampQuality::None,
            },
            pace: measured,
            is_counted,
            counts: clock.counts,
        };
        recording.notes = notes(&recording, file, info, period, &timing);
        recording.notes.extend(unit_note(self.range));
        if counts.unnamed_markers > 0 {
            recording.notes.push(
                "Its rows have markers, and no readable file beside it says what they mean: they \
                 are numbered."
                    .into(),
            );
        }
        recording.notes.push(count_sentences(
            counts,
            &clock.counts,
            self.doubled,
            self.out_of_order,
        ));
        Ok(recording)
    }
}

/// The time stamp, the counter and the position of a stored EEG row.
fn row_clock(row: &[f64]) -> RowClock {
    match row {
        [time, counter, place, ..] => (*time, *counter, slot(*place).0),
        _ => (f64::NAN, f64::NAN, 0),
    }
}

fn number(counter: Option<u64>) -> f64 {
    counter.map_or(f64::NAN, |counter| counter as f64)
}

/// The markers of each row, as the JSON inside the array of a sample (§5.2).
fn markers(
    found: Vec<(usize, RowMarker)>,
    eeg: &Track,
    clock: &RecordingClock,
) -> BTreeMap<usize, String> {
    let mut of_row: BTreeMap<usize, String> = BTreeMap::new();
    for (row, RowMarker { time, mut object }) in found {
        if let Some(members) = object.as_object_mut() {
            members.insert("applicationId".to_owned(), json!(""));
            members.insert("recordId".to_owned(), json!(""));
        }
        // A marker with a time of its own belongs to the first sample at or after it.
        let at = time.and_then(|time| clock.time(time, row)).map_or(row, |at| eeg.row_at(at));
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

/// The columns of `dev`, with contact quality in a group of its own (§5.4). Clients find battery
/// and signal by position, so these columns exist even if the file lacks them.
fn dev_columns(header: &Header) -> Columns {
    let one = |label: &str| Column::One(label.to_owned());
    let contact: Vec<_> = header.labels(ColumnKind::Contact).map(str::to_owned).collect();
    let contact = (!contact.is_empty()).then_some(Column::Group(contact));
    let charge = [ColumnKind::Battery, ColumnKind::BatteryPercent];
    let percent = charge.iter().any(|kind| header.has(*kind)).then(|| one("BatteryPercent"));
    Columns([one("Battery"), one("Signal")].into_iter().chain(contact).chain(percent).collect())
}

/// A note that the EEG is not in µV, if its range shows that.
fn unit_note((low, high): (f64, f64)) -> Option<String> {
    let most = low.abs().max(high.abs());
    let unit = if most < LEAST_EEG / 100.0 {
        "volts"
    } else if most < LEAST_EEG
        || OFFSET_IN_MILLIVOLTS.contains(&low) && OFFSET_IN_MILLIVOLTS.contains(&high)
    {
        "millivolts"
    } else {
        return None;
    };
    let symbol = if unit == "volts" { "V" } else { "mV" };
    (most > 0.0).then(|| {
        format!(
            "Its EEG looks like {unit}, and is played as µV; if so, name the unit: AF3 ({symbol})."
        )
    })
}

/// What was read, repaired and dropped.
fn count_sentences(
    counts: &ReadCounts,
    clock: &ClockCounts,
    doubled: u64,
    out_of_order: u64,
) -> String {
    let mut sentences = vec![format!("Rows read: {}.", counts.read)];
    let moved = if clock.spread { "all spread evenly" } else { "moved behind it" };
    for (what, count) in [
        ("EEG values that cannot be read, held at the last one", counts.held),
        ("Other values that cannot be read, left out", counts.unreadable),
        ("Counters that cannot be read or do not fit, filled in", clock.counters),
        ("Time stamps that cannot be read or do not fit, filled in", clock.stamps),
        (&format!("Time stamps not later than the one before, {moved}"), clock.not_later),
        ("Steps of the clock while samples went on, taken out", clock.steps),
        ("Rows without any readable EEG, lost samples", counts.lost),
        ("Duplicate rows, the second dropped", doubled),
        ("Rows that come after the next one, put before it", out_of_order),
        ("Rows with more values than names, dropped", counts.surplus),
        ("Lines or records that are cut off, dropped", counts.short),
        ("Lines that are too long, dropped", counts.too_long),
        ("Lines of names or units, skipped", counts.names),
        ("Lines that are no rows, skipped", counts.unknown),
    ] {
        if count > 0 {
            sentences.push(format!("{what}: {count}."));
        }
    }
    let lines: Vec<_> = counts.dropped.iter().map(ToString::to_string).collect();
    let lines = lines.join(", ");
    let step = if counts.surplus > 0 { "; is there a comma within a value?" } else { "." };
    match counts.dropped.len() {
        0 => {}
        1 => sentences.push(format!("Dropped: line {lines}{step}")),
        own if own as u64 == counts.surplus + counts.short => {
            sentences.push(format!("Dropped: lines {lines}{step}"));
        }
        _ => sentences.push(format!("The first dropped: lines {lines}{step}")),
    }
    sentences.join(" ")
}

fn flat<'a>(labels: impl Iterator<Item = &'a str>) -> Columns {
    Columns(labels.map(|label| Column::One(label.to_owned())).collect())
}

/// How usable the time stamps are.
enum StampQuality {
    None,
    Unreadable,
    Backwards,
    Rising,
}

/// The basis of a recording's times and counters.
struct Timing {
    stamps: StampQuality,
    pace: Option<Pace>,
    is_counted: bool,
    counts: ClockCounts,
}

impl Timing {
    fn notes(&self, has_counter: bool, named: Option<f64>, rate: u32) -> Vec<String> {
        let mut notes = Vec::new();
        match &self.pace {
            None => {
                let (what, step) = match self.stamps {
                    StampQuality::None => ("It has no timestamps", ""),
                    StampQuality::Unreadable => {
                        ("Its timestamps cannot be read", "; write them as seconds")
                    }
                    StampQuality::Backwards => {
                        ("Its timestamps run backwards", "; sort its rows by time")
                    }
                    StampQuality::Rising => ("Its timestamps are unusable", ""),
                };
                notes.push(format!("{what}: {rate} Hz is assumed{step}."));
            }
            Some(own) if own.unit_name != "seconds" => {
                notes.push(format!("Its timestamps are taken for {}.", own.unit_name));
            }
            Some(_) => {}
        }
        if let Some(named) = named.filter(|named| (f64::from(rate) / named - 1.0).abs() > 0.1) {
            notes.push(format!("It says {named} Hz; by its timestamps it has {rate} Hz."));
        }
        if !has_counter {
            notes.push("It has no counter: its rows are counted, so loss cannot be seen.".into());
        } else if !self.is_counted {
            notes.push(
                "Its counter does not count samples: its rows are counted, so loss cannot be seen."
                    .into(),
            );
        }
        notes
    }
}

/// What the user should know before trusting the recording.
fn notes(
    recording: &Recording,
    file: &Path,
    info: &RecordingInfo,
    period: f64,
    timing: &Timing,
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
        let repeated = listed(&header.repeated);
        notes.push(format!("Duplicate names: {repeated}; the first column counts."));
    }
    notes.extend(timing.notes(header.has(ColumnKind::Counter), info.eeg_rate, *eeg_rate));
    if header.renamed {
        notes.push("Its column P is taken for P7.".into());
    }
    let missing = recording.eeg.track.missing();
    if missing > 0 {
        let longest = match timing.counts.longest_gap {
            0.0 => String::new(),
            gap => format!("; the longest gap lasts {gap:.1} s"),
        };
        notes.push(format!("{missing} samples are missing in the recording itself{longest}."));
    }
    let left_out = header.left_out();
    if !left_out.is_empty() {
        notes.push(format!("Left out: {}.", listed(&left_out)));
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

/// The model named in the metadata, or else the one with these sensors.
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
        // Too little is known to simulate it, but enough to play it.
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

/// The EEG rate named in the file, or else the measured one; also the measured one if it is
/// reliable and differs. Snaps to a headset's rate if it is close to one.
fn nominal_rate(named: Option<f64>, pace: Option<Pace>) -> u32 {
    const RATES: [f64; 2] = [128.0, 256.0];
    const LIMITS: RangeInclusive<f64> = 1.0..=100_000.0;
    let rate = |own: Pace| 1.0 / own.interval;
    let near = |rate: f64, other: f64, share: f64| (rate / other - 1.0).abs() < share;
    let certain = pace.filter(|own| own.fine_interval().is_some()).map(rate);
    let named = named.filter(|named| certain.is_none_or(|own| near(own, *named, 0.1)));
    let measured = pace.map(rate).filter(|rate| LIMITS.contains(rate));
    let rate = named.or(measured).unwrap_or(128.0);
    let usual = RATES.into_iter().find(|own| near(rate, *own, 0.015));
    let rate = usual.unwrap_or(rate).round().clamp(*LIMITS.start(), *LIMITS.end());
    u32::try_from(slot(rate).0).unwrap_or(128)
}
