//! Writes the CSV of `EmotivPRO` according to its manual (§3.4): metadata in line 1, names in line
//! 2, then one row per EEG sample with the values that the slower streams have at that moment. Each
//! flush updates what line 1 says about the length.

use std::{
    collections::VecDeque,
    fmt::Write as _,
    io::{self, Seek, SeekFrom, Write},
};

use cortop_protocol::{
    Stream,
    metric::{IS_ACTIVE, MetricName},
};

/// The set of columns, out of the documented ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CsvVersion {
    /// The older one: without the battery in per cent and without EEG quality.
    V1,
    /// The current one.
    #[default]
    V2,
}

impl CsvVersion {
    const fn number(self) -> &'static str {
        match self {
            Self::V1 => "1.0",
            Self::V2 => "2.1",
        }
    }
}

/// The metadata in line 1, apart from the length.
#[derive(Clone, Debug, Default)]
pub struct CsvMetadata {
    /// The title.
    pub title: String,
    /// The subject; empty if there is none.
    pub subject: String,
    /// The headset: type and serial number as in its id, and firmware.
    pub headset_type: String,
    /// See `headset_type`.
    pub serial: String,
    /// See `headset_type`.
    pub firmware: String,
    /// Samples per second, under the names of an export: `eeg`, `mot`, `pm`, `pow`.
    pub rates: Vec<(&'static str, f64)>,
    /// The set of columns.
    pub version: CsvVersion,
}

/// A marker in the row of its sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CsvMarker {
    /// Its number in the marker file, counted from 1.
    pub index: u64,
    /// Whether it is an interval.
    pub is_interval: bool,
    /// Its value, if it is a number.
    pub value: Option<f64>,
}

/// The content of a column's cells.
#[derive(Clone, Copy, Debug, PartialEq)]
enum CellContent {
    /// A value of a stream, by its index.
    Value(Stream, usize),
    /// A constant wherever a value of a stream, by its index, is present.
    Constant(Stream, usize, f64),
    /// Nothing.
    Empty,
    MarkerIndex,
    MarkerType,
    MarkerValue,
}

/// A column: its rank in an export, its name, and the content of its cells.
type CsvColumn = (u8, String, CellContent);

/// Writes a file.
#[derive(Debug)]
pub struct CsvWriter<W: Write + Seek> {
    file: W,
    columns: Vec<CsvColumn>,
    /// The offsets of the start, the end and the number of samples in line 1.
    patches: [u64; 3],
    /// Epoch seconds of the first and the last row.
    span: Option<(f64, f64)>,
    rows: u64,
    line: String,
    /// Bytes written so far.
    length: u64,
    /// The newest markers: their numbers, and the offsets of their types.
    types: VecDeque<(u64, u64)>,
}

/// The type of an instance marker.
const INSTANCE: char = '1';
const INTERVAL: char = '2';
/// How many markers can still become intervals after their row was written.
const MOST_TYPES: usize = 1024;

/// Width of the number of samples, in characters.
const SAMPLES_WIDTH: usize = 10;

impl<W: Write + Seek> CsvWriter<W> {
    /// Starts a file with these streams, each with the labels of its values.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn new(
        mut file: W,
        metadata: &CsvMetadata,
        streams: &[(Stream, Vec<String>)],
    ) -> io::Result<Self> {
        let columns = columns(streams, metadata.version);
        let rates = metadata.rates.iter().map(|(name, hz)| format!("{name}_{hz}"));
        let rates: Vec<_> = rates.collect();
        // The line consists of key:value pairs: commas and line ends would break it.
        let plain = |text: &str| text.replace([',', '\r', '\n'], " ");
        let mut line = format!("title:{}, start timestamp:", plain(&metadata.title));
        let mut patches = [line.len() as u64; 3];
        let _ = write!(line, "{}, stop timestamp:", stamp(0.0));
        patches[1] = line.len() as u64;
        let _ = write!(
            line,
            "{}, headset type:{}, headset serial:{}, headset firmware:{}, subject name:{}, \
             channels:{}, sampling rate:{}, samples:",
            stamp(0.0),
            metadata.headset_type,
            metadata.serial,
            metadata.firmware,
            plain(&metadata.subject),
            columns.len(),
            rates.join(";"),
        );
        patches[2] = line.len() as u64;
        let version = metadata.version.number();
        let _ = writeln!(line, "{:<SAMPLES_WIDTH$}, version:{version},", 0);
        let names: Vec<_> = columns.iter().map(|(_, name, _)| name.as_str()).collect();
        let _ = writeln!(line, "{}", names.join(","));
        file.write_all(line.as_bytes())?;
        let length = line.len() as u64;
        let types = VecDeque::new();
        Ok(Self { file, columns, patches, span: None, rows: 0, line, length, types })
    }

    /// Writes a row: epoch seconds, and the values of the streams that have any at that moment, in
    /// the order of their labels.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_row(
        &mut self,
        time: f64,
        values: &[(Stream, &[Option<f64>])],
        marker: Option<CsvMarker>,
    ) -> io::Result<()> {
        let line = &mut self.line;
        line.clear();
        // Like `stamp`, but without allocating a text for each row.
        let _ = write!(line, "{time:017.6}");
        for (_, _, shown) in self.columns.iter().skip(1) {
            line.push(',');
            let value = |stream: Stream, place: usize| {
                let own = values.iter().find(|(own, _)| *own == stream);
                own.and_then(|(_, values)| values.get(place).copied().flatten())
            };
            let value = match *shown {
                CellContent::Value(stream, place) => value(stream, place),
                CellContent::Constant(stream, place, constant) => {
                    value(stream, place).map(|_| constant)
                }
                CellContent::Empty => None,
                CellContent::MarkerIndex | CellContent::MarkerType => {
                    let Some(marker) = marker else { continue };
                    if *shown == CellContent::MarkerIndex {
                        let _ = write!(line, "{}", marker.index);
                        continue;
                    }
                    if self.types.len() == MOST_TYPES {
                        self.types.pop_front();
                    }
                    self.types.push_back((marker.index, self.length + line.len() as u64));
                    line.push(if marker.is_interval { INTERVAL } else { INSTANCE });
                    continue;
                }
                CellContent::MarkerValue => {
                    if let Some(value) = marker.and_then(|marker| marker.value) {
                        let _ = write!(line, "{value}");
                    }
                    continue;
                }
            };
            if let Some(value) = value {
                let _ = write!(line, "{value:.6}");
            }
        }
        line.push('\n');
        self.file.write_all(line.as_bytes())?;
        self.length += line.len() as u64;
        self.span = Some((self.span.map_or(time, |(first, _)| first), time));
        self.rows += 1;
        Ok(())
    }

    /// Turns a marker whose row was written into an interval, by its number.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn set_interval(&mut self, index: u64) -> io::Result<()> {
        let Some((_, at)) = self.types.iter().find(|(own, _)| *own == index) else {
            return Ok(());
        };
        self.file.seek(SeekFrom::Start(*at))?;
        self.file.write_all(INTERVAL.encode_utf8(&mut [0]).as_bytes())?;
        self.file.seek(SeekFrom::End(0))?;
        Ok(())
    }

    /// Updates line 1 and flushes.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.file.flush()?;
        let (first, last) = self.span.unwrap_or_default();
        let samples = format!("{:<SAMPLES_WIDTH$}", self.rows);
        for (at, text) in self.patches.into_iter().zip([stamp(first), stamp(last), samples]) {
            self.file.seek(SeekFrom::Start(at))?;
            self.file.write_all(text.as_bytes())?;
        }
        self.file.seek(SeekFrom::End(0))?;
        self.file.flush()
    }

    /// The underlying writer.
    pub fn get_ref(&self) -> &W {
        &self.file
    }

    /// Ends the file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        self.flush()?;
        Ok(self.file)
    }
}

/// Epoch seconds with a fixed width.
fn stamp(seconds: f64) -> String {
    format!("{seconds:017.6}")
}

/// All columns in the order of an export.
fn columns(streams: &[(Stream, Vec<String>)], version: CsvVersion) -> Vec<CsvColumn> {
    let mut columns = vec![(0, "Timestamp".to_owned(), CellContent::Empty)];
    for (stream, labels) in streams {
        for (place, label) in labels.iter().enumerate() {
            columns.extend(of_label(*stream, label, place, version));
        }
        if *stream == Stream::Eeg {
            let markers = [
                ("MarkerIndex", CellContent::MarkerIndex),
                ("MarkerType", CellContent::MarkerType),
                ("MarkerValueInt", CellContent::MarkerValue),
            ];
            columns.extend(markers.map(|(name, shown)| (4, name.to_owned(), shown)));
        }
    }
    columns.sort_by_key(|(rank, ..)| *rank);
    columns
}

/// The columns of a label; empty if an export does not have it.
fn of_label(stream: Stream, label: &str, place: usize, version: CsvVersion) -> Vec<CsvColumn> {
    let one = |rank: u8, name: String| vec![(rank, name, CellContent::Value(stream, place))];
    let current = version == CsvVersion::V2;
    match (stream, label) {
        (Stream::Eeg, "COUNTER") => one(1, "EEG.Counter".into()),
        (Stream::Eeg, "INTERPOLATED") => one(1, "EEG.Interpolated".into()),
        (Stream::Eeg, "RAW_CQ") => one(1, "EEG.RawCq".into()),
        (Stream::Eeg, "MARKER_HARDWARE") => one(5, "EEG.MarkerHardware".into()),
        (Stream::Eeg, "MARKERS" | "HighBitFlex") => Vec::new(),
        (Stream::Eeg, sensor) => one(1, format!("EEG.{sensor}")),
        (Stream::Dev, "Battery") => one(2, "EEG.Battery".into()),
        (Stream::Dev, "BatteryPercent") if current => one(3, "EEG.BatteryPercent".into()),
        (Stream::Dev, "OVERALL") => one(7, "CQ.Overall".into()),
        (Stream::Dev, "Signal" | "BatteryPercent") => Vec::new(),
        (Stream::Dev, label) if label.starts_with("battery") => Vec::new(),
        (Stream::Dev, sensor) => one(6, format!("CQ.{sensor}")),
        (Stream::Eq, _) if !current => Vec::new(),
        (Stream::Eq, "batteryPercent") => Vec::new(),
        (Stream::Eq, "sampleRateQuality") => one(8, "EQ.SampleRateQuality".into()),
        (Stream::Eq, "overall") => one(9, "EQ.OVERALL".into()),
        (Stream::Eq, sensor) => one(10, format!("EQ.{sensor}")),
        (Stream::Mot, "COUNTER_MEMS") => one(11, "MOT.CounterMems".into()),
        (Stream::Mot, "INTERPOLATED_MEMS") => one(11, "MOT.InterpolatedMems".into()),
        (Stream::Mot, axis) => one(11, format!("MOT.{}", capital(&axis.to_lowercase()))),
        (Stream::Met, "lex") => one(12, "PM.LongTermExcitement".into()),
        (Stream::Met, label) => {
            let plain = label.strip_suffix(IS_ACTIVE);
            let metric = plain.unwrap_or(label);
            let metric = MetricName::of_label(metric)
                .map_or_else(|| capital(metric), |own| own.exported.into());
            if plain.is_some() {
                return one(12, format!("PM.{metric}.IsActive"));
            }
            // Only the scaled value and its range are known.
            [
                ("Scaled", CellContent::Value(stream, place)),
                ("Raw", CellContent::Empty),
                ("Min", CellContent::Constant(stream, place, 0.0)),
                ("Max", CellContent::Constant(stream, place, 1.0)),
            ]
            .map(|(part, shown)| (12, format!("PM.{metric}.{part}"), shown))
            .into()
        }
        (Stream::Pow, label) => match label.split_once('/') {
            Some((sensor, band)) => one(13, format!("POW.{sensor}.{}", capital(band))),
            None => Vec::new(),
        },
        (Stream::Com, "act") => one(14, "MC.Action".into()),
        (Stream::Com, "pow") => one(14, "MC.ActionPower".into()),
        (Stream::Com | Stream::Fac | Stream::Sys, _) => Vec::new(),
    }
}

/// With a capital at the start, and one for an axis at the end: `accx` becomes `AccX`.
fn capital(name: &str) -> String {
    let axis =
        matches!(name.get(..3), Some("gyr" | "acc" | "mag")) && name.ends_with(['x', 'y', 'z']);
    let last = name.chars().count().saturating_sub(1);
    let upper = |(place, c): (usize, char)| {
        if place == 0 || axis && place == last { c.to_ascii_uppercase() } else { c }
    };
    name.chars().enumerate().map(upper).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn columns_stand_in_the_documented_order_and_line_1_grows_with_the_file() {
        let labels = |labels: &[&str]| labels.iter().map(|&own| own.to_owned()).collect::<Vec<_>>();
        let streams = [
            (Stream::Mot, labels(&["COUNTER_MEMS", "INTERPOLATED_MEMS", "Q0", "ACCX"])),
            (Stream::Eq, labels(&["batteryPercent", "overall", "sampleRateQuality", "AF3"])),
            (Stream::Dev, labels(&["Battery", "Signal", "AF3", "OVERALL", "BatteryPercent"])),
            (
                Stream::Eeg,
                labels(&["COUNTER", "INTERPOLATED", "AF3", "RAW_CQ", "MARKER_HARDWARE", "MARKERS"]),
            ),
        ];
        let metadata = CsvMetadata {
            title: "a, b".to_owned(),
            headset_type: "INSIGHT".to_owned(),
            rates: vec![("eeg", 128.0), ("mot", 6.4)],
            ..CsvMetadata::default()
        };
        let mut writer = CsvWriter::new(Cursor::new(Vec::new()), &metadata, &streams).unwrap();
        let text = |writer: &CsvWriter<Cursor<Vec<u8>>>| {
            String::from_utf8(writer.file.get_ref().clone()).unwrap()
        };
        assert_eq!(
            text(&writer).lines().nth(1).unwrap(),
            "Timestamp,EEG.Counter,EEG.Interpolated,EEG.AF3,EEG.RawCq,EEG.Battery,\
             EEG.BatteryPercent,MarkerIndex,MarkerType,MarkerValueInt,EEG.MarkerHardware,CQ.AF3,\
             CQ.Overall,EQ.SampleRateQuality,EQ.OVERALL,EQ.AF3,MOT.CounterMems,\
             MOT.InterpolatedMems,MOT.Q0,MOT.AccX"
        );
        let eeg = [Some(7.0), Some(0.0), Some(4200.5), None, Some(0.0), None];
        let marker = CsvMarker { index: 1, is_interval: false, value: Some(3.0) };
        writer.write_row(1_717_000_000.25, &[(Stream::Eeg, &eeg)], Some(marker)).unwrap();
        writer.set_interval(2).unwrap();
        writer.set_interval(1).unwrap();
        writer.flush().unwrap();
        writer.write_row(1_717_000_000.5, &[], None).unwrap();
        let bytes = writer.finish().unwrap().into_inner();
        let text = String::from_utf8(bytes).unwrap();
        let mut lines = text.lines();
        assert_eq!(
            lines.next().unwrap(),
            "title:a  b, start timestamp:1717000000.250000, stop timestamp:1717000000.500000, \
             headset type:INSIGHT, headset serial:, headset firmware:, subject name:, channels:20, \
             sampling rate:eeg_128;mot_6.4, samples:2         , version:2.1,"
        );
        assert_eq!(
            lines.nth(1).unwrap(),
            "1717000000.250000,7.000000,0.000000,4200.500000,,,,1,2,3,0.000000,,,,,,,,,"
        );
        let older = columns(&streams, CsvVersion::V1);
        assert!(
            older
                .iter()
                .all(|(_, name, _)| !name.starts_with("EQ") && name != "EEG.BatteryPercent")
        );
    }
}
