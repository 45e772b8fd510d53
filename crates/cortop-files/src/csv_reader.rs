//! Recordings as tables: the CSV exports of `EmotivPRO`, old and new, and simpler ones whose header
//! names sensors. A row or a cell that cannot be read is repaired or left out, and counted.

use std::io;

use cortop_protocol::{
    Stream,
    model::{EPOC_SENSORS, INSIGHT_SENSORS, MN8_SENSORS},
};
use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};

use crate::{
    header::{ColumnKind, Header, metadata},
    input::InputFile,
    lines::{self, LineReader, cells, separator},
    marker_file::MarkerFile,
    recording::{OpenError, RecordingInfo, RecordingReader},
    row::{ReadCounts, Row, RowMarker, StreamSample, count},
};

/// Lines in which the names of the columns are looked for, and the most columns that make sense.
const HEADER_LINES: u32 = 1000;
const MAX_COLUMNS: usize = 65_536;
/// Lines without a row after which the caller is given one without EEG, so that it can say how far
/// the reading is.
const LINES_AT_A_TIME: u32 = 65_536;

/// What comments begin with.
const COMMENT: [char; 2] = ['#', '%'];

/// Reads a table.
pub(crate) struct CsvReader {
    lines: LineReader,
    info: RecordingInfo,
    separator: char,
    /// Names in the header.
    width: usize,
    /// Places of the sensors.
    sensors: Vec<usize>,
    markers: Option<MarkerFile>,
    counts: ReadCounts,
    /// The cells of a line.
    cells: Vec<Cell>,
    /// µV of the unit of the sensors.
    microvolts: f64,
    /// The EEG of the row before.
    before: Vec<f64>,
    /// The newest samples of what stands in each row, of which only changes are yielded.
    states: Vec<StreamSample>,
}

impl CsvReader {
    pub(crate) fn open(input: InputFile) -> Result<Self, OpenError> {
        let (name, once) = (input.name(), input.once);
        let (markers, notes) =
            if once { (None, Vec::new()) } else { MarkerFile::beside(&input.path) };
        let unreadable = |error: io::Error| OpenError::Unreadable { name: name.clone(), error };
        let mut lines = LineReader::new(input).map_err(unreadable)?;
        let (mut known, mut header, mut number) = (None, None, 0);
        // A comment may hold the names, which the first row then confirms.
        let mut commented: Option<(Header, char)> = None;
        while header.is_none() && number < HEADER_LINES {
            let Some(line) = lines.next_line().map_err(unreadable)? else { break };
            number += 1;
            let separator = separator(line);
            let columns = line.matches(separator).count() + 1;
            if columns > MAX_COLUMNS {
                continue;
            }
            if known.is_none() {
                known = metadata(line);
            }
            // The oldest exports name their columns within the metadata.
            let labels = known.as_ref().and_then(|pairs| pairs.get("labels"));
            if let Some(labels) = labels {
                let names = labels.split_whitespace().map(str::to_owned).collect();
                header = Header::of(names).map(|header| (header, ','));
                continue;
            }
            let own = line.trim_start_matches(COMMENT);
            let found = Header::of(names(&cells(own, separator))).map(|own| (own, separator));
            if own.len() < line.len() {
                commented = found.filter(|_| columns > 1).or(commented);
            } else if found.is_none() && is_row(line, columns, commented.as_ref()) {
                header = commented.take();
                lines.read_again();
            } else {
                header = found;
            }
        }
        let Some((header, separator)) = header else {
            return Err(if number == 0 {
                OpenError::Empty(name)
            } else {
                OpenError::unusable(
                    &name,
                    "no line names an EEG sensor as a column (EEG.AF3 or AF3, say), without which \
                     its numbers cannot be told apart; give a file that EmotivPRO has exported, or \
                     name its columns",
                )
            });
        };
        let known = known.unwrap_or_default();
        let text = |key: &str| known.get(key).filter(|text| !text.is_empty()).cloned();
        let rate = |prefix: &str| {
            let rates = known.get("sampling rate").into_iter().flat_map(|own| own.split(';'));
            let mut rates = rates.filter_map(|rate| rate.trim().strip_prefix(prefix));
            rates.find_map(|hz| hz.parse().ok()).filter(|hz: &f64| hz.is_finite() && *hz > 0.0)
        };
        let plain =
            |key: &str| text(key)?.parse().ok().filter(|hz: &f64| hz.is_finite() && *hz > 0.0);
        let info = RecordingInfo {
            headset_type: text("headset type"),
            serial: text("headset serial"),
            firmware: text("headset firmware"),
            eeg_rate: rate("eeg_").or_else(|| plain("sampling rate")).or_else(|| plain("sampling")),
            motion_rate: rate("mot_"),
            once,
            notes,
            header,
        };
        let has = |kind| info.header.has(kind);
        let is_paced = has(ColumnKind::Time) || has(ColumnKind::Counter) || info.eeg_rate.is_some();
        if !is_paced && info.headset_type.is_none() && !is_headset(&info.header) {
            return Err(OpenError::unusable(
                &name,
                "it has no column Timestamp or COUNTER and no sampling rate, and its sensors are \
                 those of no EMOTIV headset, so that its rate is unknown; if it has a column of \
                 times, name it Timestamp",
            ));
        }
        let (width, sensors) = places(&info.header);
        Ok(Self {
            lines,
            separator,
            width,
            sensors,
            markers,
            counts: ReadCounts::default(),
            cells: Vec::new(),
            microvolts: 1.0,
            before: Vec::new(),
            states: Vec::new(),
            info,
        })
    }

    /// Takes the cells of a line; `false` for one that is no row.
    fn parse(&mut self) -> io::Result<Option<bool>> {
        let separator = self.separator;
        let line = self.lines.next_line()?;
        self.cells.clear();
        let Some(line) = line else {
            self.counts.too_long = self.lines.too_long();
            return Ok(None);
        };
        if line.contains('"') {
            self.cells.extend(cells(line, separator).iter().map(|cell| Cell::of(cell)));
        } else {
            self.cells.extend(line.split(separator).map(|cell| Cell::of(cell.trim())));
        }
        if self.cells.iter().all(|cell| *cell == Cell::Empty) {
            return Ok(Some(false));
        }
        let sensors = || self.sensors.iter().filter_map(|place| self.cells.get(*place));
        let has_eeg = sensors().any(|cell| matches!(cell, Cell::Number(_)));
        let is_whole = self.cells.len() >= self.width;
        if !has_eeg {
            let unit = sensors().find_map(|cell| match cell {
                Cell::Unit(microvolts) => Some(*microvolts),
                _ => None,
            });
            let are_units = sensors().all(|cell| matches!(cell, Cell::Unit(_)));
            if let Some(microvolts) = unit.filter(|_| are_units) {
                self.microvolts = microvolts;
                self.counts.names += 1;
                return Ok(Some(false));
            }
            let has_number = self.cells.iter().any(|cell| matches!(cell, Cell::Number(_)));
            if line.starts_with(COMMENT) {
                self.counts.unknown += 1;
                return Ok(Some(false));
            }
            let again = if has_number { None } else { Header::of(names(&cells(line, separator))) };
            if metadata(line).is_some() {
                self.counts.names += 1;
                return Ok(Some(false));
            }
            if let Some(again) = again {
                // Files that were put together may have their columns in another order.
                self.counts.names += 1;
                self.info.header.move_to(&again);
                self.sensors = places(&self.info.header).1;
                self.width = places(&again).0;
                return Ok(Some(false));
            }
            if !is_whole && !has_number {
                self.counts.unknown += 1;
                return Ok(Some(false));
            }
        }
        self.counts.read += 1;
        if !is_whole {
            self.counts.short += 1;
            return Ok(Some(false));
        }
        self.counts.lost += u64::from(!has_eeg);
        Ok(Some(has_eeg))
    }

    fn fill(&mut self, row: &mut Row) {
        row.place = self.counts.read - 1;
        let (mut seconds, mut millis, mut mark) = (None, 0.0, [None; 3]);
        let mut motion_counter = None;
        for column in &self.info.header.columns {
            let cell = self.cells.get(column.place).copied().unwrap_or(Cell::Empty);
            let known = match cell {
                Cell::Number(number) => Some(number),
                // Words stand for flags alone.
                Cell::Flag(flag)
                    if !matches!(column.kind, ColumnKind::Sensor | ColumnKind::Extra) =>
                {
                    Some(f64::from(u8::from(flag)))
                }
                _ => None,
            };
            let number = known.unwrap_or(f64::NAN);
            match column.kind {
                ColumnKind::Time => seconds = known,
                ColumnKind::TimeMillis => millis = known.unwrap_or_default(),
                ColumnKind::Counter => row.counter = known.and_then(count),
                ColumnKind::MotionCounter => motion_counter = known.and_then(count),
                ColumnKind::MarkerIndex => mark[0] = known,
                ColumnKind::MarkerType => mark[1] = known,
                ColumnKind::MarkerValue => mark[2] = known,
                ColumnKind::MarkerFlag => mark[2] = known.filter(|value| *value != 0.0),
                ColumnKind::Interpolated => row.interpolated |= number > 0.0,
                ColumnKind::LeftOut => {}
                ColumnKind::Sensor | ColumnKind::Extra => {
                    let held = self.before.get(row.eeg.len()).copied().unwrap_or(f64::NAN);
                    if known.is_none() && column.kind == ColumnKind::Sensor {
                        self.counts.held += 1;
                        row.interpolated = true;
                    }
                    let scale =
                        if column.kind == ColumnKind::Sensor { self.microvolts } else { 1.0 };
                    row.eeg.push(known.map_or(held, |own| own * scale));
                }
                kind => {
                    let Some(stream) = kind.stream() else { continue };
                    self.counts.unreadable += u64::from(known.is_none() && cell != Cell::Empty);
                    if row.samples.last().is_none_or(|last| last.stream != stream) {
                        let counter = motion_counter.filter(|_| stream == Stream::Mot);
                        let values = Vec::new();
                        row.samples.push(StreamSample { stream, time: None, counter, values });
                    }
                    if let Some(last) = row.samples.last_mut() {
                        last.values.push(number);
                    }
                }
            }
        }
        row.time = seconds.map(|seconds| seconds + millis / 1000.0);
        self.before.clone_from(&row.eeg);
        // Slower streams leave their cells empty between their own samples.
        row.samples.retain(|own| own.values.iter().any(|value| value.is_finite()));
        self.keep_changes(row);
        if mark.iter().any(Option::is_some) {
            let object = MarkerFile::object(self.markers.as_ref(), mark);
            self.counts.unnamed_markers += u64::from(self.markers.is_none());
            row.markers.push(RowMarker { time: None, object });
        }
    }

    /// Battery, contact and quality stand in every row: only changes are samples.
    fn keep_changes(&mut self, row: &mut Row) {
        let states = &mut self.states;
        row.samples.retain(|own| {
            if !matches!(own.stream, Stream::Dev | Stream::Eq) {
                return true;
            }
            let Some(before) = states.iter_mut().find(|it| it.stream == own.stream) else {
                states.push(own.clone());
                return true;
            };
            let same = before.values.iter().zip(&own.values);
            let same =
                same.into_iter().all(|(a, b)| a.total_cmp(b).is_eq() || a.is_nan() && b.is_nan());
            if !same {
                before.clone_from(own);
            }
            !same
        });
    }
}

impl RecordingReader for CsvReader {
    fn info(&self) -> &RecordingInfo {
        &self.info
    }

    fn next_row(&mut self, row: &mut Row) -> io::Result<bool> {
        row.clear();
        for _ in 0..LINES_AT_A_TIME {
            match self.parse()? {
                None => return Ok(false),
                Some(false) => {}
                Some(true) => {
                    self.fill(row);
                    break;
                }
            }
        }
        Ok(true)
    }

    fn counts(&self) -> &ReadCounts {
        &self.counts
    }

    fn progress(&self) -> Option<f64> {
        self.lines.progress()
    }
}

/// The names of a header line; a name in brackets may hold commas (`MARKERS['Blank','Image']`).
fn names(cells: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut open = false;
    for cell in cells {
        match names.last_mut().filter(|_| open) {
            Some(name) => {
                name.push(',');
                name.push_str(cell);
            }
            None => names.push(cell.clone()),
        }
        open = names.last().is_some_and(|name| name.contains('[') && !name.contains(']'));
    }
    names
}

/// How many names a header has, and the places of the sensors.
fn places(header: &Header) -> (usize, Vec<usize>) {
    let columns = &header.columns;
    let sensors = columns.iter().filter(|own| own.kind == ColumnKind::Sensor);
    let width = columns.iter().filter(|own| !own.name.is_empty()).count();
    (width, sensors.map(|own| own.place).collect())
}

/// Whether all sensors are those of a headset with fixed ones.
fn is_headset(header: &Header) -> bool {
    let known: [&[&str]; 3] = [&EPOC_SENSORS, &INSIGHT_SENSORS, &MN8_SENSORS];
    known.iter().any(|known| header.labels(ColumnKind::Sensor).all(|own| known.contains(&own)))
}

/// Whether a line is a row of the columns that a comment names.
fn is_row(line: &str, columns: usize, commented: Option<&(Header, char)>) -> bool {
    commented.is_some_and(|(header, separator)| {
        let first = line.split(*separator).next().unwrap_or_default();
        header.columns.len() == columns && matches!(Cell::of(first.trim()), Cell::Number(_))
    })
}

/// The units of voltage in µV.
const UNITS: [(&[&str], f64); 4] = [
    (&["uV", "µV", "μV", "microvolt", "microvolts"], 1.0),
    (&["mV", "millivolt", "millivolts"], 1e3),
    (&["V", "volt", "volts"], 1e6),
    (&["nV"], 1e-3),
];

/// What a cell holds.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cell {
    Empty,
    Number(f64),
    /// A word that stands for yes or no.
    Flag(bool),
    /// A unit of voltage, in µV.
    Unit(f64),
    Other,
}

impl Cell {
    fn of(cell: &str) -> Self {
        if cell.is_empty() {
            return Self::Empty;
        }
        if let Some(number) = lines::number(cell) {
            return Self::Number(number);
        }
        let is_in =
            |words: &[&str], cell: &str| words.iter().any(|own| own.eq_ignore_ascii_case(cell));
        let plain = cell.trim_matches(['[', ']', '(', ')', ' ']);
        let unit = UNITS.iter().find(|(words, _)| is_in(words, plain));
        if is_in(&["true", "yes", "interpolated"], cell) {
            Self::Flag(true)
        } else if is_in(&["false", "no", "none"], cell) {
            Self::Flag(false)
        } else if let Some((_, microvolts)) = unit {
            Self::Unit(*microvolts)
        } else if let Some(seconds) = date_and_time(cell) {
            Self::Number(seconds)
        } else {
            Self::Other
        }
    }
}

/// The seconds since 1970 of a date with a time of the day, or those of a time of the day alone.
fn date_and_time(cell: &str) -> Option<f64> {
    if !cell.starts_with(|first: char| first.is_ascii_digit()) || !cell.contains(':') {
        return None;
    }
    let day = || Some(Date::constant(1970, 1, 1).to_datetime(cell.parse::<Time>().ok()?));
    let without_zone = || cell.parse::<DateTime>().ok().or_else(day)?.to_zoned(TimeZone::UTC).ok();
    let time = cell.parse::<Timestamp>().ok();
    let time = time.or_else(|| without_zone().map(|own| own.timestamp()))?;
    Some(time.as_duration().as_secs_f64())
}
