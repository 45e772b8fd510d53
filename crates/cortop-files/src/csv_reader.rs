//! Recordings as tables: the CSV exports of `EmotivPRO`, old and new, and simpler ones whose header
//! names sensors. A row or a cell that cannot be read is repaired or left out, and counted.

use std::io;

use cortop_protocol::Stream;

use crate::{
    header::{ColumnKind, Header, metadata},
    input::InputFile,
    lines::{LineReader, cells, separator},
    marker_file::MarkerFile,
    recording::{OpenError, RecordingInfo, RecordingReader},
    row::{ReadCounts, Row, RowMarker, StreamSample, count},
};

/// Lines in which the names of the columns are looked for.
const HEADER_LINES: u32 = 20;

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
    /// The numbers of a line, NaN where there is none, and whether the cell is empty.
    numbers: Vec<(f64, bool)>,
    /// The EEG of the row before.
    before: Vec<f64>,
    /// The newest samples of what stands in each row, of which only changes are yielded.
    states: Vec<StreamSample>,
}

impl CsvReader {
    pub(crate) fn open(input: InputFile) -> Result<Self, OpenError> {
        let (name, once) = (input.name(), input.once);
        let markers = if once { None } else { MarkerFile::beside(&input.path) };
        let unreadable = |error: io::Error| OpenError::Unreadable { name: name.clone(), error };
        let mut lines = LineReader::new(input).map_err(unreadable)?;
        let (mut known, mut header, mut number) = (None, None, 0);
        while header.is_none() && number < HEADER_LINES {
            let Some(line) = lines.next_line().map_err(unreadable)? else { break };
            number += 1;
            if known.is_none() {
                known = metadata(line);
            }
            let separator = separator(line);
            // The oldest exports name their columns within the metadata.
            let labels = known.as_ref().and_then(|pairs| pairs.get("labels"));
            header = match labels {
                Some(labels) => {
                    let names = labels.split_whitespace().map(str::to_owned).collect();
                    Header::of(names).map(|header| (header, ','))
                }
                None => Header::of(names(&cells(line, separator))).map(|own| (own, separator)),
            };
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
            notes: Vec::new(),
            header,
        };
        let of = |kind| move |column: &&crate::header::FileColumn| column.kind == kind;
        let columns = &info.header.columns;
        Ok(Self {
            lines,
            separator,
            width: columns.iter().filter(|own| !own.name.is_empty()).count(),
            sensors: columns.iter().filter(of(ColumnKind::Sensor)).map(|own| own.place).collect(),
            markers,
            counts: ReadCounts::default(),
            numbers: Vec::new(),
            before: Vec::new(),
            states: Vec::new(),
            info,
        })
    }

    /// Takes the numbers of a line; `false` for one that is no row.
    fn parse(&mut self) -> io::Result<Option<bool>> {
        let separator = self.separator;
        let Some(line) = self.lines.next_line()? else { return Ok(None) };
        self.numbers.clear();
        if line.contains('"') {
            let cells = cells(line, separator);
            self.numbers.extend(cells.iter().map(|cell| number(cell, separator)));
        } else {
            let cells = line.split(separator).map(|cell| number(cell.trim(), separator));
            self.numbers.extend(cells);
        }
        if self.numbers.iter().all(|(_, empty)| *empty) {
            return Ok(Some(false));
        }
        let readable =
            |place: &usize| self.numbers.get(*place).is_some_and(|(number, _)| number.is_finite());
        let has_eeg = self.sensors.iter().any(readable);
        if !has_eeg {
            let all = self.numbers.iter().all(|(number, _)| number.is_nan());
            if all || self.info.header.is_repeated_by(&cells(line, separator)) {
                self.counts.names += 1;
                return Ok(Some(false));
            }
        }
        self.counts.read += 1;
        if self.numbers.len() < self.width {
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
            let (number, empty) =
                self.numbers.get(column.place).copied().unwrap_or((f64::NAN, true));
            let known = Some(number).filter(|number| number.is_finite());
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
                    row.eeg.push(known.unwrap_or(held));
                }
                kind => {
                    let Some(stream) = kind.stream() else { continue };
                    self.counts.unreadable += u64::from(number.is_nan() && !empty);
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
        loop {
            match self.parse()? {
                None => return Ok(false),
                Some(false) => {}
                Some(true) => {
                    self.fill(row);
                    return Ok(true);
                }
            }
        }
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

/// The number in a cell, NaN where there is none, and whether the cell is empty. Where cells are not
/// separated by commas, decimals may be.
fn number(cell: &str, separator: char) -> (f64, bool) {
    let number = if separator == ',' || !cell.contains(',') {
        cell.parse()
    } else {
        cell.replace(',', ".").parse()
    };
    let number = number.ok().filter(|number: &f64| number.is_finite());
    (number.unwrap_or(f64::NAN), cell.is_empty())
}
