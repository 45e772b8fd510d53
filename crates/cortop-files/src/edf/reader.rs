//! Reads EDF, EDF+ and BDF+, continuous or not, record by record. Each EEG sample becomes a row;
//! signals of other streams have samples of their own. A broken header is read as far as it makes
//! sense; a record that is cut off is dropped.

use std::{
    collections::VecDeque,
    io::{self, Read},
};

use cortop_protocol::Stream;
use jiff::{civil::DateTime, tz::TimeZone};
use serde_json::{Value, json};

use super::{
    annotation::Annotation,
    header::{EdfFormat, EdfScale},
};
use crate::{
    header::{ColumnKind, Header, MOTION_ALONE, microvolts},
    input::InputFile,
    marker_file::MarkerFile,
    recording::{OpenError, RecordingInfo, RecordingReader},
    row::{ReadCounts, Row, RowMarker, StreamSample, count, eeg_value},
};

/// The most plausible number of signals, and of bytes in a data record.
const MAX_SIGNALS: usize = 4096;
const MAX_RECORD: usize = 64 << 20;
/// The longest gap between data records in seconds.
const LONGEST_GAP: f64 = 86_400.0;

/// The position of a signal's samples in a data record, and their meaning.
struct SignalLayout {
    /// The number of other signals' samples before its own in a record.
    offset: usize,
    samples: usize,
    scale: EdfScale,
    /// The µV of its unit, if that is one of voltage.
    factor: f64,
}

/// Reads a file.
pub(crate) struct EdfReader {
    input: InputFile,
    info: RecordingInfo,
    counts: ReadCounts,
    format: EdfFormat,
    /// The signals, in the order of the header's columns.
    signals: Vec<SignalLayout>,
    annotations: Vec<SignalLayout>,
    /// Epoch seconds of the start in the header.
    start: f64,
    record_seconds: f64,
    record: Vec<u8>,
    /// EEG samples per data record.
    eeg_samples: usize,
    /// The next sample within the record; initially past the end.
    next: usize,
    records: u64,
    /// The number of records according to the header, if given.
    named_records: Option<u64>,
    /// EEG samples before the next one, including lost ones.
    place: u64,
    /// Epoch seconds of the record.
    time: f64,
    /// Periods in which nothing was measured.
    skips: VecDeque<(f64, f64)>,
    markers: Vec<RowMarker>,
    /// The marker file beside it, and the times of its markers if no signal contains them.
    marker_file: Option<MarkerFile>,
    timed: Vec<(Option<f64>, Value)>,
    /// The marker of the previous sample: its number, type and value.
    mark: [Option<f64>; 3],
    states: Vec<(Stream, Vec<f64>)>,
}

/// Reads the fields of a header in order.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn text(&mut self, width: usize) -> String {
        let (own, rest) = self.0.split_at(width.min(self.0.len()));
        self.0 = rest;
        own.iter()
            .map(|byte| char::from(*byte))
            .collect::<String>()
            .trim_matches([' ', '\0'])
            .to_owned()
    }

    fn number<T: std::str::FromStr>(&mut self, width: usize) -> Option<T> {
        // Some programs write decimal commas.
        self.text(width).replace(',', ".").parse().ok()
    }
}

impl EdfReader {
    pub(crate) fn open(mut input: InputFile) -> Result<Self, OpenError> {
        let name = input.name();
        let broken = |what: &str| {
            OpenError::unusable(&name, format!("its EDF header is broken: {what}; export it again"))
        };
        let mut fixed = [0; 256];
        input.bytes.read_exact(&mut fixed).map_err(|_| broken("it ends too early"))?;
        let format = if fixed[0] == 0xff { EdfFormat::BdfPlus } else { EdfFormat::EdfPlus };
        let mut fields = Fields(&fixed[8..]);
        let (_patient, recording) = (fields.text(80), fields.text(80));
        let (date, clock) = (fields.text(8), fields.text(8));
        let header_bytes: Option<usize> = fields.number(8);
        let _reserved = fields.text(44);
        // -1 if the file is still being written.
        let named_records: Option<u64> = fields.number(8);
        let record_seconds = fields.number(8).filter(|own: &f64| own.is_finite() && *own > 0.0);
        let count: usize = fields.number(4).ok_or_else(|| broken("it has no number of signals"))?;
        if !(1..=MAX_SIGNALS).contains(&count) {
            return Err(broken("its number of signals makes no sense"));
        }
        let mut bytes = vec![0; 256 * count];
        input.bytes.read_exact(&mut bytes).map_err(|_| broken("it ends too early"))?;
        // Some programs leave space after it.
        let more = header_bytes.unwrap_or_default().saturating_sub(256 * (count + 1));
        let more = more.min(MAX_RECORD) as u64;
        io::copy(&mut input.bytes.by_ref().take(more), &mut io::sink())
            .map_err(|error| OpenError::Unreadable { name: name.clone(), error })?;
        let mut notes = Vec::new();
        let record_seconds = record_seconds.unwrap_or_else(|| {
            notes.push("Its header gives no length of records: 1 s is assumed.".to_owned());
            1.0
        });
        let all = signals(&bytes, count, format);
        let total: usize = all.iter().map(|(_, own)| own.samples).sum();
        if total == 0 || total * format.sample_bytes() > MAX_RECORD {
            return Err(broken("the size of its records makes no sense"));
        }
        let mut annotations = Vec::new();
        let mut others = Vec::new();
        for (label, signal) in all {
            if label.ends_with("Annotations") {
                annotations.push(signal);
            } else {
                others.push((label, signal));
            }
        }
        let mut header = columns(&name, others.iter().map(|(label, _)| label.clone()).collect())?;
        let eeg_samples = header.columns.iter().find(|own| own.kind == ColumnKind::Sensor);
        let eeg_samples = eeg_samples.and_then(|own| others.get(own.place));
        let eeg_samples = eeg_samples.map_or(1, |(_, signal)| signal.samples.max(1));
        header.keep_rates(eeg_samples, |place| others.get(place).map_or(0, |(_, own)| own.samples));
        let rate = |samples: usize| samples as f64 / record_seconds;
        let motion = header.columns.iter().find(|own| own.kind == ColumnKind::Motion);
        let motion = motion.and_then(|own| others.get(own.place)).map(|(_, own)| rate(own.samples));
        let mut places: Vec<_> = others.into_iter().map(|(_, signal)| Some(signal)).collect();
        let ordered = header.columns.iter().filter_map(|own| places.get_mut(own.place)?.take());
        let signals = ordered.collect();
        let (headset_type, serial) = headset(&recording);
        let (marker_file, marker_notes) =
            if input.once { (None, Vec::new()) } else { MarkerFile::beside(&input.path) };
        notes.extend(marker_notes);
        let info = RecordingInfo {
            headset_type,
            serial,
            firmware: None,
            eeg_rate: Some(rate(eeg_samples)),
            motion_rate: motion,
            once: input.once,
            notes,
            header,
        };
        Ok(Self {
            record: vec![0; total * format.sample_bytes()],
            start: start(&recording, &date, &clock),
            input,
            info,
            counts: ReadCounts::default(),
            format,
            signals,
            annotations,
            record_seconds,
            eeg_samples,
            next: eeg_samples,
            records: 0,
            named_records,
            place: 0,
            time: 0.0,
            skips: VecDeque::new(),
            markers: Vec::new(),
            marker_file,
            timed: Vec::new(),
            mark: [None; 3],
            states: Vec::new(),
        })
    }

    /// Reads a record; `false` after the last complete one.
    fn read_record(&mut self) -> io::Result<bool> {
        let mut filled = 0;
        while let Some(rest) = self.record.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.input.bytes.read(rest) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if filled < self.record.len() {
            self.counts.short += u64::from(filled > 0);
            return Ok(false);
        }
        let bytes = self.format.sample_bytes();
        let mut time = None;
        let mut found = Vec::new();
        for signal in &self.annotations {
            let own = signal.offset * bytes..(signal.offset + signal.samples) * bytes;
            let (own_time, own) = Annotation::decode(self.record.get(own).unwrap_or_default());
            time = time.or(own_time);
            found.extend(own);
        }
        let even = self.records as f64 * self.record_seconds;
        let end = self.time + self.record_seconds;
        self.time = self.start + time.unwrap_or(even);
        if self.records > 0 {
            // A time that goes back, or ahead by days, is not a gap.
            let gap = Some(self.time - end).filter(|gap| (0.0..LONGEST_GAP).contains(gap));
            let lost = gap.and_then(|gap| count((gap / self.step()).round()));
            self.place += lost.unwrap_or_default();
        }
        if self.records == 0 {
            self.place_markers();
        }
        for own in found {
            let onset = self.start + own.onset;
            if own.has_no_data() {
                self.skips.push_back((onset, onset + own.duration.unwrap_or_default()));
                continue;
            }
            if own.is_note() {
                continue;
            }
            let kind = if own.duration.is_some() { "interval" } else { "instance" };
            // The file beside it contains more details.
            let known = self.timed.iter().position(|(_, object)| is_same(object, &own.text));
            let object = known.map(|at| self.timed.remove(at).1);
            let object = object
                .unwrap_or_else(|| json!({ "label": own.text, "type": kind, "value": own.text }));
            self.markers.push(RowMarker { time: Some(onset), object });
        }
        while self.skips.front().is_some_and(|(_, end)| *end < self.time) {
            self.skips.pop_front();
        }
        self.records += 1;
        self.next = 0;
        Ok(true)
    }

    /// Places the markers of the file beside it by their times, if no signal shows their samples.
    /// Those that are also annotations stay where the annotations are, because clocks may have been
    /// set.
    fn place_markers(&mut self) {
        let Some(file) = &self.marker_file else { return };
        if self.info.header.has(ColumnKind::MarkerIndex) {
            return;
        }
        let records = self.named_records.map_or(f64::INFINITY, |own| own as f64);
        let timed = file.timed(self.time, records * self.record_seconds).into_iter();
        let start = self.time;
        self.timed.extend(timed.map(|(time, object)| (time.map(|time| start + time), object)));
    }

    /// Seconds from one EEG sample to the next.
    fn step(&self) -> f64 {
        self.record_seconds / self.eeg_samples as f64
    }

    /// A sample of a signal in the record.
    fn value(&self, signal: &SignalLayout, sample: usize) -> f64 {
        let bytes = self.format.sample_bytes();
        let at = (signal.offset + sample.min(signal.samples.saturating_sub(1))) * bytes;
        let own = self.record.get(at..at + bytes).unwrap_or_default();
        let digital = match own {
            [a, b] => i32::from(i16::from_le_bytes([*a, *b])),
            [a, b, c] => i32::from_le_bytes([0, *a, *b, *c]) >> 8,
            _ => 0,
        };
        signal.scale.to_physical(digital) * signal.factor
    }

    fn fill(&mut self, row: &mut Row) -> bool {
        let (index, in_record) = (self.next, self.eeg_samples);
        self.next += 1;
        let time = (index as f64).mul_add(self.step(), self.time);
        let half = self.step() / 2.0;
        let measured =
            !self.skips.iter().any(|(from, to)| (*from - half..*to - half).contains(&time));
        self.counts.read += u64::from(measured);
        row.place = self.place;
        self.place += 1;
        row.time = Some(time);
        let (mut motion_counter, mut mark) = (None, [None; 3]);
        for (column, signal) in self.info.header.columns.iter().zip(&self.signals) {
            match column.kind {
                ColumnKind::Counter => row.counter = count(self.value(signal, index).round()),
                ColumnKind::Interpolated => row.interpolated |= self.value(signal, index) > 0.5,
                ColumnKind::Sensor | ColumnKind::Extra => row.eeg.push(self.value(signal, index)),
                ColumnKind::MarkerIndex if self.value(signal, index) > 0.5 => {
                    mark[0] = Some(self.value(signal, index).round());
                }
                ColumnKind::MarkerType => mark[1] = Some(self.value(signal, index).round()),
                ColumnKind::MarkerValue => mark[2] = Some(self.value(signal, index).round()),
                ColumnKind::MarkerFlag if self.value(signal, index).abs() > 0.5 => {
                    mark[0] = mark[0].or(Some(self.value(signal, index).round()));
                }
                kind => {
                    // The samples of other signals that are due before the next row.
                    let due = |row: usize| (row * signal.samples).div_ceil(in_record);
                    for (place, sample) in (due(index)..due(index + 1)).enumerate() {
                        let value = self.value(signal, sample);
                        if kind == ColumnKind::MotionCounter {
                            motion_counter = count(value.round());
                            continue;
                        }
                        let Some(stream) = kind.stream() else { continue };
                        let mut own = row.samples.iter_mut().filter(|own| own.stream == stream);
                        if let Some(own) = own.nth(place) {
                            own.values.push(value);
                            continue;
                        }
                        let offset = sample as f64 / signal.samples as f64 * self.record_seconds;
                        row.samples.push(StreamSample {
                            stream,
                            time: Some(self.time + offset),
                            counter: motion_counter.take().filter(|_| stream == Stream::Mot),
                            values: vec![value],
                        });
                    }
                }
            }
        }
        row.markers.append(&mut self.markers);
        // If a signal contains marker numbers, the marker belongs to the first sample with its
        // number.
        if mark[0].is_some() && mark[0] != self.mark[0] {
            let object = MarkerFile::object(self.marker_file.as_ref(), mark);
            self.counts.unnamed_markers += u64::from(self.marker_file.is_none());
            row.markers.push(RowMarker { time: None, object });
        }
        self.mark = mark;
        let states = &mut self.states;
        row.samples.retain(|own| {
            if !matches!(own.stream, Stream::Dev | Stream::Eq) {
                return true;
            }
            if own.values.iter().all(|value| *value < 0.0) {
                // The headset had not sent this yet.
                return false;
            }
            match states.iter_mut().find(|(stream, _)| *stream == own.stream) {
                Some((_, before)) if *before == own.values => return false,
                Some((_, before)) => before.clone_from(&own.values),
                None => states.push((own.stream, own.values.clone())),
            }
            true
        });
        measured
    }
}

impl RecordingReader for EdfReader {
    fn info(&self) -> &RecordingInfo {
        &self.info
    }

    fn next_row(&mut self, row: &mut Row) -> io::Result<bool> {
        loop {
            row.clear();
            if self.next >= self.eeg_samples && !self.read_record()? {
                // The annotations of the last records.
                row.markers.append(&mut self.markers);
                let (known, outside): (Vec<_>, Vec<_>) =
                    self.timed.drain(..).partition(|(time, _)| time.is_some());
                row.markers
                    .extend(known.into_iter().map(|(time, object)| RowMarker { time, object }));
                let file = self.marker_file.as_ref().filter(|_| !outside.is_empty());
                self.info.notes.extend(file.map(|file| file.outside(outside.len())));
                let own = self.records;
                if let Some(named) = self.named_records.take().filter(|named| *named != own) {
                    let note = format!("Its header names {named} records, and it has {own}.");
                    self.info.notes.push(note);
                }
                return Ok(!row.markers.is_empty());
            }
            if self.fill(row) {
                return Ok(true);
            }
            // A lost sample: keep its markers.
            self.markers.append(&mut row.markers);
        }
    }

    fn counts(&self) -> &ReadCounts {
        &self.counts
    }
}

/// The columns for signals with these labels.
fn columns(name: &str, labels: Vec<String>) -> Result<Header, OpenError> {
    let has_motion = Header::names_motion(&labels);
    Header::of(labels).ok_or_else(|| {
        let without = "none of its signals is named after an EEG sensor (AF3 or EEG AF3, say), \
                       without which they cannot be told apart; give a file with named channels";
        OpenError::unusable(name, if has_motion { MOTION_ALONE } else { without })
    })
}

/// The signals of a header with their labels.
fn signals(bytes: &[u8], count: usize, format: EdfFormat) -> Vec<(String, SignalLayout)> {
    let field = |before: usize, width: usize| {
        (0..count).map(move |signal| {
            let at = before * count + signal * width;
            bytes.get(at..at + width).unwrap_or_default()
        })
    };
    let number = |field: &[u8]| Fields(field).number::<f64>(8).filter(|own| own.is_finite());
    let top = format.digital_maximum();
    let mut offset = 0;
    let all = field(0, 16).zip(field(96, 8)).zip(field(104, 8)).zip(field(112, 8));
    let all = all.zip(field(120, 8)).zip(field(128, 8)).zip(field(216, 8));
    all.map(|((((((label, unit), low), high), bottom), ceiling), samples)| {
        let samples: usize = Fields(samples).number(8).unwrap_or_default();
        let whole = |field: &[u8], usual: i32| Fields(field).number(8).unwrap_or(usual);
        let (mut digital, physical) =
            ((whole(bottom, -top - 1), whole(ceiling, top)), (number(low), number(high)));
        if digital.0 == digital.1 {
            digital = (-top - 1, top);
        }
        // Without a scale, the digital values are the best available.
        let physical = physical.0.zip(physical.1);
        let physical =
            physical.filter(|(low, high)| eeg_value(low - high).is_some_and(|own| own != 0.0));
        let physical = physical.unwrap_or((f64::from(digital.0), f64::from(digital.1)));
        let unit = Fields(unit).text(8);
        let factor = microvolts(&unit).unwrap_or(1.0);
        let signal =
            SignalLayout { offset, samples, scale: EdfScale { physical, digital }, factor };
        offset += samples;
        (Fields(label).text(16), signal)
    })
    .collect()
}

/// Whether the text of an annotation is that of a marker: its label, its value, or both.
fn is_same(object: &Value, text: &str) -> bool {
    let part = |name: &str| match &object[name] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let (label, value) = (part("label"), part("value"));
    text == label || text == value || *text == format!("{label} {value}")
}

/// The headset in the equipment field of a recording: `TYPE-SERIAL`, as in our own files.
fn headset(recording: &str) -> (Option<String>, Option<String>) {
    let id = recording.split_whitespace().find_map(|word| {
        let (kind, serial) = word.split_once('-')?;
        let is_serial = serial.len() == 8 && serial.chars().all(|c| c.is_ascii_hexdigit());
        is_serial.then(|| (kind.to_owned(), serial.to_owned()))
    });
    id.unzip()
}

/// Epoch seconds of the start in a header. Interpreted as UTC, because it names no time zone. Its
/// year has two digits, except in the recording field of the plus formats.
fn start(recording: &str, date: &str, clock: &str) -> f64 {
    let numbers = |text: &str| -> Option<[i16; 3]> {
        let parts: Vec<_> = text.split(['.', ':', '-', '/']).map(str::trim).collect();
        let numbers: Vec<i16> = parts.iter().filter_map(|part| part.parse().ok()).collect();
        numbers.try_into().ok()
    };
    let at = || {
        let [day, month, year] = numbers(date)?;
        let [hour, minute, second] = numbers(clock)?;
        let long = recording.split_whitespace().nth(1).and_then(|own| own.rsplit('-').next());
        let long = long.and_then(|own| own.parse::<i16>().ok()).filter(|own| own % 100 == year);
        let year = long.unwrap_or(if year < 85 { 2000 + year } else { 1900 + year });
        let small = |number: i16| i8::try_from(number).ok();
        let (month, day, hour) = (small(month)?, small(day)?, small(hour)?);
        let date = DateTime::new(year, month, day, hour, small(minute)?, small(second)?, 0).ok()?;
        date.to_zoned(TimeZone::UTC).ok()
    };
    at().map_or(0.0, |own| own.timestamp().as_second() as f64)
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Cursor, path::PathBuf};

    use super::*;
    use crate::{
        edf::{
            header::{EdfHeader, EdfSignal},
            writer::EdfWriter,
        },
        reader::open,
    };

    fn signal(label: &str, samples: usize) -> EdfSignal {
        EdfSignal {
            label: label.to_owned(),
            transducer: String::new(),
            unit: "uV".to_owned(),
            prefilter: String::new(),
            scale: EdfScale::whole(-1000, 1000),
            samples,
        }
    }

    /// Three records with 4 EEG samples and 2 of motion, and a marker at 1.3 s.
    fn file(format: EdfFormat) -> Vec<u8> {
        let header = EdfHeader {
            format,
            patient: "X X X X".to_owned(),
            recording: "X X INSIGHT-0A1B2C3D".to_owned(),
            start: 1_717_000_000.25,
            record_seconds: 1.0,
            signals: vec![
                signal("EEG AF3-Ref", 4),
                signal("COUNTER", 4),
                signal("CQ_AF3", 4),
                signal("ACCX", 2),
                signal("ECG", 4),
            ],
            annotation_bytes: 100,
        };
        let mut writer = EdfWriter::new(Cursor::new(Vec::new()), header).unwrap();
        writer.annotate(Annotation { onset: 1.3, duration: Some(0.5), text: "eyes".into() });
        for index in 0..12_u32 {
            writer.push(0, f64::from(index) + 100.0).unwrap();
            writer.push(1, f64::from(index % 8)).unwrap();
            writer.push(2, f64::from(index / 6 + 2)).unwrap();
            if index % 2 == 0 {
                writer.push(3, f64::from(index)).unwrap();
            }
            writer.push(4, 0.0).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn rows(bytes: &[u8]) -> (Vec<Row>, Box<dyn RecordingReader>) {
        let folder = tempfile::tempdir().unwrap();
        let path: PathBuf = folder.path().join("r.edf");
        fs::write(&path, bytes).unwrap();
        let mut reader = open(&path).unwrap();
        let (mut rows, mut row) = (Vec::new(), Row::default());
        while reader.next_row(&mut row).unwrap() {
            rows.push(row.clone());
        }
        (rows, reader)
    }

    #[test]
    fn signals_are_played_by_name_with_their_own_times() {
        for format in [EdfFormat::EdfPlus, EdfFormat::BdfPlus] {
            let (rows, reader) = rows(&file(format));
            let info = reader.info();
            assert_eq!((info.eeg_rate, info.motion_rate), (Some(4.0), Some(2.0)));
            assert_eq!(info.headset_type.as_deref(), Some("INSIGHT"));
            assert_eq!(info.serial.as_deref(), Some("0A1B2C3D"));
            assert_eq!(info.header.left_out(), ["ECG"]);
            assert_eq!((rows.len(), reader.counts().read), (12, 12));
            let eeg: Vec<f64> = rows.iter().map(|row| row.eeg[0]).collect();
            assert_eq!(eeg, (100..112).map(f64::from).collect::<Vec<_>>());
            assert_eq!(rows[9].counter, Some(1));
            assert!((rows[5].time.unwrap() - 1_717_000_001.5).abs() < 1e-6);
            let of = |stream: Stream| {
                let all = rows.iter().flat_map(|row| &row.samples);
                all.filter(move |own| own.stream == stream).collect::<Vec<_>>()
            };
            let motion = of(Stream::Mot);
            assert_eq!((motion.len(), motion[3].values[0]), (6, 6.0));
            assert!((motion[3].time.unwrap() - 1_717_000_001.75).abs() < 1e-6);
            // Contact is repeated in every record, and only its changes are samples.
            assert_eq!(
                of(Stream::Dev).iter().map(|own| own.values[0]).collect::<Vec<_>>(),
                [2.0, 3.0]
            );
            let markers: Vec<_> = rows.iter().flat_map(|row| &row.markers).collect();
            assert_eq!((markers.len(), &markers[0].object["label"]), (1, &json!("eyes")));
            assert_eq!(markers[0].object["type"], "interval");
            assert!((markers[0].time.unwrap() - 1_717_000_001.55).abs() < 1e-6);
        }
    }

    #[test]
    fn markers_beside_a_file_are_placed_by_their_times() {
        let folder = tempfile::tempdir().unwrap();
        // The file begins at 16:26:40.25 UTC, which is 18:26:40.25 on a clock two hours ahead.
        let marker = |index: u32, second: &str, label: &str| {
            format!(
                "{{\"index\":{index},\"label\":\"{label}\",\"type\":\"instance\",\"value\":\"{index}\",\
                 \"startDatetime\":\"{second}\",\"endDatetime\":\"{second}\"}}"
            )
        };
        let markers = |hour: &str, zone: &str| {
            let own = [
                marker(1, &format!("2024-05-29T{hour}:26:41.250{zone}"), "open"),
                // Also an annotation of the file.
                marker(2, &format!("2024-05-29T{hour}:26:41.550{zone}"), "eyes"),
                marker(3, &format!("2024-05-29T{hour}:59:00{zone}"), "too late"),
            ];
            format!("{{\"Markers\":[{}]}}", own.join(","))
        };
        let start = 1_717_000_000.25;
        for (name, beside, json) in [
            ("a.edf", "a.json", markers("16", "+00:00")),
            ("b.md.edf", "b.json", markers("18", "+02:00")),
            ("c.md.edf", "c.md.markers.json", markers("16", "Z")),
            // The header has the local time.
            ("d.EDF", "d_marker.json", markers("16", "+02:00")),
        ] {
            let path = folder.path().join(name);
            fs::write(&path, file(EdfFormat::EdfPlus)).unwrap();
            fs::write(folder.path().join(beside), json).unwrap();
            let mut reader = open(&path).unwrap();
            let (mut found, mut row) = (Vec::new(), Row::default());
            while reader.next_row(&mut row).unwrap() {
                found.append(&mut row.markers);
            }
            found.sort_by(|a, b| a.time.unwrap().total_cmp(&b.time.unwrap()));
            let found: Vec<_> = found
                .iter()
                .map(|own| {
                    ((own.time.unwrap() - start) * 100.0, own.object["label"].as_str().unwrap())
                })
                .map(|(time, label)| (format!("{time:.0}"), label))
                .collect();
            assert_eq!(found, [("100".into(), "open"), ("130".into(), "eyes")], "{name}");
            let note = format!("{beside}: markers that are not within the recording: 1.");
            assert!(reader.info().notes.contains(&note), "{name}: {:?}", reader.info().notes);
        }
        // A table of intervals counts from the first sample.
        let path = folder.path().join("e.bdf");
        fs::write(&path, file(EdfFormat::BdfPlus)).unwrap();
        let table =
            "latency,duration,type,marker_value,key,timestamp,marker_id\n2.5,1,rest,7,-1,9,1\n";
        fs::write(folder.path().join("e_intervalMarker.csv"), table).unwrap();
        let mut reader = open(&path).unwrap();
        let (mut found, mut row) = (Vec::new(), Row::default());
        while reader.next_row(&mut row).unwrap() {
            found.append(&mut row.markers);
        }
        let rest = found.iter().find(|own| own.object["label"] == "rest").unwrap();
        assert!((rest.time.unwrap() - start - 2.5).abs() < 1e-6);
    }

    #[test]
    fn a_file_of_motion_alone_says_which_one_to_give() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.md.edf");
        let mut bytes = file(EdfFormat::EdfPlus);
        bytes[256..272].copy_from_slice(b"Q0              ");
        fs::write(&path, &bytes).unwrap();
        let refused = open(&path).err().unwrap().to_string();
        assert!(
            refused.contains("it holds motion and no EEG; give the file of the same name without"),
            "{refused}"
        );
    }

    #[test]
    fn gaps_cut_records_and_broken_fields_cost_nothing_else() {
        let whole = file(EdfFormat::EdfPlus);
        let size = (18 + 50) * 2;
        // The second record is lost: the third says when it was measured.
        let start = whole.len() - 3 * size;
        let mut gap = whole.clone();
        gap.drain(start + size..start + 2 * size);
        gap[192..197].copy_from_slice(b"EDF+D");
        let (found, _) = rows(&gap);
        let places: Vec<u64> = found.iter().map(|row| row.place).collect();
        assert_eq!(places, [0, 1, 2, 3, 8, 9, 10, 11]);
        assert!((found[4].time.unwrap() - 1_717_000_002.25).abs() < 1e-6);

        // Records whose times go back, or ahead by years, are taken as consecutive.
        for onset in [b"+0.2", b"+9e9"] {
            let mut odd = whole.clone();
            let at = (start..odd.len()).find(|at| odd[*at..].starts_with(b"+2.25")).unwrap();
            odd[at..at + 14].copy_from_slice(&[onset, &b"\x14\x14\0\0\0\0\0\0\0\0"[..]].concat());
            let (found, _) = rows(&odd);
            let places: Vec<u64> = found.iter().map(|row| row.place).collect();
            assert_eq!(places, (0..12).collect::<Vec<_>>());
        }

        let (found, reader) = rows(&whole[..whole.len() - 7]);
        assert_eq!((found.len(), reader.counts().short), (8, 1));

        // The number of records, the size of the header, the date, and a scale.
        let mut broken = whole;
        broken[236..244].copy_from_slice(b"-1      ");
        broken[184..192].copy_from_slice(b"????????");
        broken[168..176].copy_from_slice(b"99.99.99");
        let (found, reader) = rows(&broken);
        assert_eq!((found.len(), &reader.info().notes[..]), (12, &[][..]));
        for named in ["2", "9"] {
            broken[236..244].copy_from_slice(format!("{named:8}").as_bytes());
            let (found, reader) = rows(&broken);
            let said = format!("Its header names {named} records, and it has 3.");
            assert_eq!((found.len(), &reader.info().notes[..]), (12, &[said][..]));
        }
    }

    #[test]
    fn a_file_without_named_sensors_is_refused_with_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.edf");
        let mut bytes = file(EdfFormat::Edf);
        bytes[256..272].copy_from_slice(b"Channel 1       ");
        fs::write(&path, &bytes).unwrap();
        let refused = open(&path).err().unwrap().to_string();
        assert!(refused.contains("none of its signals is named after an EEG sensor"), "{refused}");
        fs::write(&path, &bytes[..300]).unwrap();
        let refused = open(&path).err().unwrap().to_string();
        assert!(refused.contains("its EDF header is broken: it ends too early"), "{refused}");
    }
}
