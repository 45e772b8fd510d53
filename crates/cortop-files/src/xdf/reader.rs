//! Reads XDF as written by `LabRecorder`: EMOTIV's streams by type and name, and our own. The
//! samples of the first EEG stream that names sensors become the rows; motion, contact, EEG
//! quality, metrics, band powers and markers come with their own times, converted to the clock of
//! the recording.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
};

use cortop_protocol::Stream;
use serde_json::json;

use super::{
    chunk::{self, Chunk, StreamValues, ValueFormat},
    description::{element, elements, unescape},
};
use crate::{
    header::{ColumnKind, FileColumn, Header, listed, microvolts},
    input::InputFile,
    recording::{OpenError, RecordingInfo, RecordingReader},
    row::{ReadCounts, Row, RowMarker, StreamSample, count, eeg_value},
};

/// How many streams, and how many clock measurements, are kept of a file.
const MAX_STREAMS: usize = 256;
const MAX_OFFSETS: usize = 100_000;

/// The role of a stream in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Eeg,
    Of(Stream),
    Markers,
}

/// A stream of the file.
struct FileStream {
    name: String,
    role: Option<Role>,
    format: Option<ValueFormat>,
    channels: usize,
    rate: f64,
    labels: Vec<String>,
    /// The µV of its channels' units, if they are units of voltage.
    units: Vec<Option<f64>>,
    /// When its clock was measured, and the offset to add to it.
    offsets: Vec<(f64, f64)>,
    /// The stamp of its last sample.
    last: Option<f64>,
    /// Its columns, in the order of the header: kinds, channels, and the µV of their units.
    columns: Vec<(ColumnKind, usize, f64)>,
}

/// Reads a file.
pub(crate) struct XdfReader {
    input: InputFile,
    info: RecordingInfo,
    counts: ReadCounts,
    streams: BTreeMap<u32, FileStream>,
    /// Chunks read before the header was complete, and the content of the current chunk.
    waiting: VecDeque<(u32, StreamValues)>,
    place: u64,
    /// The EEG of the previous row.
    before: Vec<f64>,
    /// The number of streams whose footers were read.
    footers: usize,
}

impl FileStream {
    fn parse(xml: &str) -> Self {
        let text = |name: &str| element(xml, name).map(unescape).unwrap_or_default();
        let (name, kind) = (text("name"), text("type"));
        let labels = elements(xml, "channel").map(|own| element(own, "label").unwrap_or_default());
        let labels: Vec<_> = labels.map(unescape).collect();
        let units = elements(xml, "channel").map(|own| microvolts(element(own, "unit")?.trim()));
        let units: Vec<_> = units.collect();
        let format = ValueFormat::of(&text("channel_format"));
        let channels = text("channel_count").parse().unwrap_or_default();
        let rate = text("nominal_srate").parse().unwrap_or_default();
        let own = format!("{name} {kind}").to_lowercase();
        let has = |word: &str| own.contains(word);
        let role = if has("marker") {
            Some(Role::Markers)
        } else if has("motion") {
            Some(Role::Of(Stream::Mot))
        } else if has("quality") && has("eeg") || has("-eq") {
            Some(Role::Of(Stream::Eq))
        } else if has("contact") || has("-cq") {
            Some(Role::Of(Stream::Dev))
        } else if has("metric") {
            Some(Role::Of(Stream::Met))
        } else if has("power") {
            Some(Role::Of(Stream::Pow))
        } else if has("eeg") {
            Some(Role::Eeg)
        } else {
            None
        };
        Self {
            name,
            role: role.filter(|_| format.is_some() && channels > 0),
            format,
            channels,
            rate,
            labels,
            units,
            offsets: Vec::new(),
            last: None,
            columns: Vec::new(),
        }
    }

    /// Its channels under the names of an export, so that one table serves all formats.
    fn exported(&self) -> Vec<String> {
        let known =
            ["emotiv", "cortop"].iter().any(|own| self.name.to_lowercase().starts_with(own));
        let family = match self.role {
            Some(Role::Eeg) => "EEG",
            Some(Role::Of(Stream::Mot)) => "MOT",
            Some(Role::Of(Stream::Dev)) => "CQ",
            Some(Role::Of(Stream::Eq)) => "EQ",
            Some(Role::Of(Stream::Met)) => "PM",
            Some(Role::Of(Stream::Pow)) => "POW",
            _ => return Vec::new(),
        };
        let names = self.labels.iter().map(|label| {
            if label.contains('.') {
                return label.clone();
            }
            match (family, label.as_str()) {
                // The file's own stamps are used.
                (_, "Timestamp") => String::new(),
                ("MOT", "Counter" | "COUNTER_MEMS") => "MOT.CounterMems".to_owned(),
                ("MOT", "Interpolate" | "INTERPOLATED_MEMS") => "MOT.InterpolatedMems".to_owned(),
                ("EEG", "Interpolate") => "EEG.Interpolated".to_owned(),
                ("EEG", "HardwareMarker") => "EEG.MarkerHardware".to_owned(),
                ("EEG", "Markers") => "MARKER".to_owned(),
                ("CQ", "Battery" | "BatteryPercent" | "Signal") => format!("EEG.{label}"),
                ("PM", _) if !label.eq_ignore_ascii_case("lex") => format!("PM.{label}.Scaled"),
                ("POW", _) => format!("POW.{}", label.replace(['/', '_'], ".")),
                // In another program's stream, only channels named after a sensor count as sensors.
                ("EEG", _) if !known => label.clone(),
                _ => format!("{family}.{label}"),
            }
        });
        names.collect()
    }

    /// Converts a stamp to the clock of the recording. A sample without a stamp follows the last
    /// one at the nominal rate.
    fn time(&mut self, stamp: Option<f64>) -> f64 {
        let step = if self.rate > 0.0 { 1.0 / self.rate } else { 0.0 };
        let stamp = stamp.or(self.last.map(|last| last + step)).unwrap_or_default();
        self.last = Some(stamp);
        stamp + self.offset(stamp)
    }

    /// The offset to add to a stamp: interpolated between two measurements, otherwise the nearest
    /// one.
    fn offset(&self, stamp: f64) -> f64 {
        let after = self.offsets.partition_point(|(time, _)| *time <= stamp);
        let before = after.checked_sub(1).and_then(|place| self.offsets.get(place));
        match (before, self.offsets.get(after)) {
            (Some((from, own)), Some((to, next))) if to > from => {
                (next - own).mul_add((stamp - from) / (to - from), *own)
            }
            (Some((_, own)), _) | (None, Some((_, own))) => *own,
            (None, None) => 0.0,
        }
    }
}

impl XdfReader {
    pub(crate) fn open(input: InputFile) -> Result<Self, OpenError> {
        let (name, path, once) = (input.name(), input.path.clone(), input.once);
        let unreadable = |error: io::Error| OpenError::Unreadable { name: name.clone(), error };
        let mut reader = Self {
            input,
            info: RecordingInfo { once, ..RecordingInfo::default() },
            counts: ReadCounts::default(),
            streams: BTreeMap::new(),
            waiting: VecDeque::new(),
            place: 0,
            before: Vec::new(),
            footers: 0,
        };
        let mut magic = [0; 4];
        reader.input.bytes.read_exact(&mut magic).map_err(unreadable)?;
        // Descriptions may occur anywhere, and clocks are measured until the end, so a file that
        // can be read twice is. Of others, only the streams described before the first EEG are
        // known.
        if once {
            while !reader.waiting.iter().any(|(id, _)| reader.is_eeg(*id)) {
                if !reader.read_chunk().map_err(unreadable)? {
                    break;
                }
            }
        } else {
            let mut scanned = InputFile::open(&path).map_err(unreadable)?;
            scanned.bytes.read_exact(&mut magic).map_err(unreadable)?;
            // What is cut off ends the scan, as it will end the rows.
            while let Ok(Some(chunk)) = chunk::next(&mut *scanned.bytes, |_| false) {
                reader.note(chunk);
            }
        }
        if reader.streams.is_empty() {
            let what = "it ends before its first stream is described; copy or record it again";
            return Err(OpenError::unusable(&name, what));
        }
        reader.choose_streams().ok_or_else(|| {
            OpenError::unusable(
                &name,
                "none of its streams is of type EEG with channels named after sensors (AF3, say), \
                 without which they cannot be told apart; record EMOTIV's EEG stream",
            )
        })?;
        Ok(reader)
    }

    fn is_eeg(&self, id: u32) -> bool {
        self.streams.get(&id).is_some_and(|own| own.role == Some(Role::Eeg))
    }

    /// Processes a description or a clock measurement.
    fn note(&mut self, chunk: Chunk) {
        match chunk {
            Chunk::Header(id, xml) if self.streams.len() < MAX_STREAMS => {
                self.streams.entry(id).or_insert_with(|| FileStream::parse(&xml));
            }
            Chunk::Offset(id, time, offset) => {
                if let Some(own) = self.streams.get_mut(&id)
                    && own.offsets.len() < MAX_OFFSETS
                    && own.offsets.last().is_none_or(|(last, _)| *last < time)
                {
                    own.offsets.push((time, offset));
                }
            }
            _ => {}
        }
    }

    /// Chooses the streams and creates their columns.
    fn choose_streams(&mut self) -> Option<()> {
        let sensors = |own: &FileStream| Header::of(own.exported()).is_some();
        let mut chosen: Vec<(u32, Role)> = Vec::new();
        let mut left_out = Vec::new();
        for (id, own) in &mut self.streams {
            let Some(role) = own.role else {
                left_out.push(own.name.clone());
                continue;
            };
            let taken = role != Role::Markers && chosen.iter().any(|(_, other)| *other == role);
            if taken || role == Role::Eeg && !sensors(own) {
                left_out.push(own.name.clone());
                own.role = None;
                continue;
            }
            chosen.push((*id, role));
        }
        let eeg = chosen.iter().find(|(_, role)| *role == Role::Eeg)?.0;
        let mut names = Vec::new();
        let mut owners = Vec::new();
        for (id, _) in &chosen {
            for (channel, name) in self.streams.get(id)?.exported().into_iter().enumerate() {
                names.push(name);
                owners.push((*id, channel));
            }
        }
        let mut header = Header::of(names)?;
        for column in header.columns.iter_mut().filter(|own| own.kind == ColumnKind::Sensor) {
            let (id, channel) = *owners.get(column.place)?;
            let unit = self.streams.get(&id)?.units.get(channel).copied().flatten();
            column.microvolts = column.microvolts.or(unit);
        }
        for FileColumn { place, kind, microvolts, .. } in &header.columns {
            let (id, channel) = *owners.get(*place)?;
            // A channel belongs to one stream only.
            if let Some(own) = self.streams.get_mut(&id) {
                own.columns.push((*kind, channel, microvolts.unwrap_or(1.0)));
            }
        }
        let rate = |id: u32| self.streams.get(&id).map(|own| own.rate).filter(|own| *own > 0.0);
        let motion = chosen.iter().find(|(_, role)| *role == Role::Of(Stream::Mot));
        self.info.eeg_rate = rate(eeg);
        self.info.motion_rate = motion.and_then(|(id, _)| rate(*id));
        if !left_out.is_empty() {
            let names = listed(&left_out);
            self.info.notes.push(format!("Streams of the file that are left out: {names}."));
        }
        self.info.header = header;
        Some(())
    }

    /// Reads a chunk into the waiting samples; `false` after the last.
    fn read_chunk(&mut self) -> io::Result<bool> {
        let streams = &self.streams;
        let wanted = |id| streams.get(&id).is_some_and(|own: &FileStream| own.role.is_some());
        let Some(chunk) = chunk::next(&mut *self.input.bytes, wanted)? else { return Ok(false) };
        if chunk == Chunk::Cut {
            self.counts.short += 1;
        } else if chunk == Chunk::Footer {
            self.footers += 1;
        } else if let Chunk::Samples(id, content) = &chunk {
            if let Some(own) = self.streams.get(id)
                && let Some(format) = own.format
            {
                let samples = chunk::samples(content, format, own.channels);
                self.waiting.extend(samples.into_iter().map(|sample| (*id, sample)));
            }
        } else if self.info.once {
            self.note(chunk);
        }
        Ok(true)
    }

    fn fill(&mut self, id: u32, sample: &StreamValues, row: &mut Row) {
        let Some(own) = self.streams.get_mut(&id) else { return };
        let time = own.time(sample.stamp);
        let value = |channel: usize| sample.numbers.get(channel).copied().unwrap_or(f64::NAN);
        match own.role {
            None => {}
            Some(Role::Eeg) => {
                self.counts.read += 1;
                row.time = Some(time);
                row.place = self.place;
                self.place += 1;
                for (kind, channel, microvolts) in &own.columns {
                    let number = value(*channel);
                    match kind {
                        ColumnKind::Counter => row.counter = count(number),
                        ColumnKind::Interpolated => row.interpolated |= number > 0.0,
                        ColumnKind::MarkerFlag if number.is_finite() && number != 0.0 => {
                            let value = count(number).map_or(json!(number), |own| json!(own));
                            let label = value.to_string();
                            let object =
                                json!({ "label": label, "type": "instance", "value": value });
                            row.markers.push(RowMarker { time: None, object });
                        }
                        ColumnKind::Sensor | ColumnKind::Extra => {
                            let known = eeg_value(number * microvolts);
                            if known.is_none() && *kind == ColumnKind::Sensor {
                                self.counts.held += 1;
                                row.interpolated = true;
                            }
                            let before = self.before.get(row.eeg.len()).copied();
                            row.eeg.push(known.or(before).unwrap_or(f64::NAN));
                        }
                        _ => {}
                    }
                }
                self.before.clone_from(&row.eeg);
            }
            Some(Role::Of(stream)) => {
                let mut counter = None;
                let mut values = Vec::with_capacity(own.columns.len());
                for (kind, channel, _) in &own.columns {
                    match kind {
                        ColumnKind::MotionCounter => counter = count(value(*channel)),
                        kind if kind.stream() == Some(stream) => values.push(value(*channel)),
                        _ => {}
                    }
                }
                row.samples.push(StreamSample { stream, time: Some(time), counter, values });
            }
            Some(Role::Markers) => {
                // With one channel, that is the value; with three, they are its time, its value,
                // and when it was sent.
                let place = usize::from(sample.numbers.len() == 3);
                let text = sample.texts.first().cloned();
                let number = sample.numbers.get(place).copied();
                let label = text.or_else(|| Some(number?.to_string())).unwrap_or_default();
                let value = number.and_then(count).map_or(json!(label), |own| json!(own));
                let object = json!({ "label": label, "type": "instance", "value": value });
                row.markers.push(RowMarker { time: Some(time), object });
            }
        }
    }
}

impl RecordingReader for XdfReader {
    fn info(&self) -> &RecordingInfo {
        &self.info
    }

    fn next_row(&mut self, row: &mut Row) -> io::Result<bool> {
        row.clear();
        loop {
            if let Some((id, sample)) = self.waiting.pop_front() {
                self.fill(id, &sample, row);
                return Ok(true);
            }
            if !self.read_chunk()? {
                if std::mem::replace(&mut self.footers, usize::MAX) == 0 {
                    let note =
                        "It ends without the footers of its streams: its end may be missing.";
                    self.info.notes.push(note.to_owned());
                }
                return Ok(false);
            }
        }
    }

    fn counts(&self) -> &ReadCounts {
        &self.counts
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::reader::open;

    fn chunk(tag: u16, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len() + 2).unwrap();
        [&[4][..], &length.to_le_bytes(), &tag.to_le_bytes(), content].concat()
    }

    fn header(
        id: u32,
        name: &str,
        kind: &str,
        format: &str,
        rate: f64,
        labels: &[&str],
    ) -> Vec<u8> {
        let channels = labels.iter().map(|own| format!("<channel><label>{own}</label></channel>"));
        let channels = channels.collect::<Vec<_>>().concat();
        let xml = format!(
            "<?xml version=\"1.0\"?><info><name>{name}</name><type>{kind}</type><channel_count>{}\
             </channel_count><nominal_srate>{rate}</nominal_srate><channel_format>{format}\
             </channel_format><desc><channels>{channels}</channels></desc></info>",
            labels.len().max(1)
        );
        chunk(2, &[&id.to_le_bytes()[..], xml.as_bytes()].concat())
    }

    fn samples(id: u32, values: &[(Option<f64>, &[f64])]) -> Vec<u8> {
        let mut content = id.to_le_bytes().to_vec();
        content.extend([1, u8::try_from(values.len()).unwrap()]);
        for (stamp, values) in values {
            match stamp {
                Some(stamp) => {
                    content.push(8);
                    content.extend(stamp.to_le_bytes());
                }
                None => content.push(0),
            }
            content.extend(values.iter().flat_map(|own| own.to_le_bytes()));
        }
        chunk(3, &content)
    }

    fn file() -> Vec<u8> {
        let mut text = 3_u32.to_le_bytes().to_vec();
        text.extend([1, 1, 8]);
        text.extend(100.015_f64.to_le_bytes());
        text.extend([1, 4]);
        text.extend(b"eyes");
        let offset =
            [&2_u32.to_le_bytes()[..], &50.0_f64.to_le_bytes(), &50.0_f64.to_le_bytes()].concat();
        let eeg = ["Timestamp", "Counter", "Interpolate", "AF3", "Pz", "HardwareMarker", "Markers"];
        [
            b"XDF:".to_vec(),
            chunk(1, b"<info/>"),
            header(9, "Camera", "Video", "int32", 30.0, &["frame"]),
            samples(9, &[]),
            header(1, "EmotivDataStream-EEG", "EEG", "double64", 100.0, &eeg),
            header(3, "Keys", "Markers", "string", 0.0, &[]),
            samples(
                1,
                &[
                    (Some(100.0), &[9.0, 126.0, 0.0, 4200.5, 4100.0, 0.0, 0.0]),
                    (None, &[9.0, 127.0, 0.0, 4201.5, f64::NAN, 0.0, 5.0]),
                ],
            ),
            header(
                2,
                "EmotivDataStream-Motion",
                "Motion",
                "double64",
                50.0,
                &["Timestamp", "Counter", "Interpolate", "Q0", "ACCX"],
            ),
            chunk(4, &offset),
            samples(2, &[(Some(50.01), &[9.0, 3.0, 0.0, 1.0, 0.5])]),
            chunk(3, &text),
            samples(1, &[(Some(100.02), &[9.0, 0.0, 1.0, 4202.5, 4102.0, 1.0, 0.0])]),
        ]
        .concat()
    }

    fn rows(bytes: &[u8]) -> (Vec<Row>, Box<dyn RecordingReader>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.xdf");
        fs::write(&path, bytes).unwrap();
        let mut reader = open(&path).unwrap();
        let (mut rows, mut row) = (Vec::new(), Row::default());
        while reader.next_row(&mut row).is_ok_and(|more| more) {
            rows.push(row.clone());
        }
        (rows, reader)
    }

    #[test]
    fn emotivs_streams_are_found_and_put_on_one_clock() {
        let (rows, reader) = rows(&file());
        let info = reader.info();
        assert_eq!((info.eeg_rate, info.motion_rate), (Some(100.0), Some(50.0)));
        assert!(info.notes[0].contains("Camera"), "{:?}", info.notes);
        let eeg: Vec<_> = rows.iter().filter(|row| !row.eeg.is_empty()).collect();
        let sensors: Vec<_> = eeg.iter().map(|row| (row.eeg[0], row.eeg[1])).collect();
        // A value that is not a number repeats the last one.
        assert_eq!(sensors, [(4200.5, 4100.0), (4201.5, 4100.0), (4202.5, 4102.0)]);
        let flags: Vec<_> = eeg.iter().map(|row| (row.counter, row.interpolated)).collect();
        assert_eq!(flags, [(Some(126), false), (Some(127), true), (Some(0), true)]);
        // A sample without a stamp follows at the nominal rate.
        assert!((eeg[1].time.unwrap() - 100.01).abs() < 1e-9);
        let motion = rows.iter().flat_map(|row| &row.samples).next().unwrap();
        assert_eq!((motion.stream, motion.counter), (Stream::Mot, Some(3)));
        assert_eq!(motion.values, [0.0, 1.0, 0.5]);
        assert!((motion.time.unwrap() - 100.01).abs() < 1e-9, "{motion:?}");
        let markers: Vec<_> = rows.iter().flat_map(|row| &row.markers).collect();
        let labels: Vec<_> =
            markers.iter().map(|own| own.object["label"].as_str().unwrap()).collect();
        assert_eq!(labels, ["5", "eyes"]);
        assert_eq!((markers[0].time, markers[1].time), (None, Some(100.015)));
    }

    #[test]
    fn a_file_may_be_cut_anywhere() {
        let whole = file();
        let mut ends = vec![4];
        while let Some(last) = ends.last().filter(|last| **last < whole.len()) {
            let length = whole[last + 1..last + 5].try_into().unwrap();
            ends.push(last + 5 + usize::try_from(u32::from_le_bytes(length)).unwrap());
        }
        for length in (800..=whole.len()).step_by(3).chain(ends.clone()) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("r.xdf");
            fs::write(&path, &whole[..length]).unwrap();
            let Ok(mut reader) = open(&path) else { continue };
            let mut row = Row::default();
            let mut count = 0;
            while reader.next_row(&mut row).is_ok_and(|more| more) {
                count += 1;
            }
            assert!(count <= 5, "{length}");
            let short = reader.counts().short;
            assert_eq!(short, u64::from(!ends.contains(&length)), "{length}");
        }
    }

    #[test]
    fn what_ends_too_early_says_so_and_values_have_units_and_bounds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.xdf");
        let whole = file();
        for length in [4, 8, 20] {
            fs::write(&path, &whole[..length]).unwrap();
            let refused = open(&path).err().unwrap().to_string();
            assert!(refused.contains("it ends before its first stream is described"), "{refused}");
        }
        let said = "It ends without the footers of its streams: its end may be missing.";
        let is_said = |bytes: &[u8]| rows(bytes).1.info().notes.iter().any(|note| note == said);
        assert!(is_said(&whole));
        let footer = chunk(6, &[&1_u32.to_le_bytes()[..], b"<info/>"].concat());
        assert!(!is_said(&[whole, footer].concat()));

        let eeg = header(1, "lab", "EEG", "double64", 100.0, &["AF3", "T7"]);
        let eeg = String::from_utf8_lossy(&eeg[7..]).replace("</label>", "</label><unit>V</unit>");
        let values: [(Option<f64>, &[f64]); 3] =
            [(Some(1.0), &[1e-6, 2e-6]), (None, &[1e308, -1e300]), (None, &[3e-6, 4e-6])];
        let bytes = [b"XDF:".to_vec(), chunk(2, eeg.as_bytes()), samples(1, &values)].concat();
        let (found, reader) = rows(&bytes);
        let found: Vec<_> =
            found.iter().map(|row| (row.eeg[0].round(), row.eeg[1].round())).collect();
        assert_eq!(found, [(1.0, 2.0), (1.0, 2.0), (3.0, 4.0)]);
        assert_eq!(reader.counts().held, 2);
    }

    #[test]
    fn a_file_without_named_sensors_is_refused_with_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.xdf");
        let eeg = header(1, "amplifier", "EEG", "float32", 250.0, &["ch1", "ch2"]);
        fs::write(&path, [b"XDF:".to_vec(), eeg].concat()).unwrap();
        let refused = open(&path).err().unwrap().to_string();
        assert!(refused.contains("none of its streams is of type EEG"), "{refused}");
    }
}
