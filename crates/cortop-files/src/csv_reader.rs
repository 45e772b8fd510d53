//! Reads recordings as tables: the CSV exports of `EmotivPRO`, old and new, and simpler ones whose
//! header names sensors. A row or a cell that cannot be read is repaired or left out, and counted.

use std::{collections::BTreeMap, io};

use cortop_protocol::{
    Stream,
    model::{EPOC_SENSORS, INSIGHT_SENSORS, MN8_SENSORS},
};

use crate::{
    cell::{Cell, is_comment},
    cell_layout::CellLayout,
    header::{ColumnKind, Header, MOTION_ALONE, metadata, microvolts},
    input::InputFile,
    lines::{LineReader, cells, separator},
    marker_file::MarkerFile,
    recording::{OpenError, RecordingInfo, RecordingReader},
    row::{ReadCounts, Row, RowMarker, StreamSample, count, eeg_value},
};

/// How many lines are searched for the names of the columns, and the most columns that are
/// plausible.
const HEADER_LINES: u32 = 1000;
const MAX_COLUMNS: usize = 65_536;
/// After this many lines without a row, the caller is given one without EEG, so that it can report
/// the progress.
const LINES_AT_A_TIME: u32 = 65_536;

/// Reads a table.
pub(crate) struct CsvReader {
    lines: LineReader,
    info: RecordingInfo,
    separator: char,
    layout: CellLayout,
    /// Positions of the sensors.
    sensors: Vec<usize>,
    markers: Option<MarkerFile>,
    counts: ReadCounts,
    /// The cells of a line.
    cells: Vec<Cell>,
    /// The EEG of the previous row.
    before: Vec<f64>,
    /// The newest samples of streams whose values are repeated in each row; only changes are
    /// returned.
    states: Vec<StreamSample>,
}

impl CsvReader {
    pub(crate) fn open(input: InputFile) -> Result<Self, OpenError> {
        let (name, once) = (input.name(), input.once);
        let (markers, notes) =
            if once { (None, Vec::new()) } else { MarkerFile::beside(&input.path) };
        let mut lines = LineReader::new(input)
            .map_err(|error| OpenError::Unreadable { name: name.clone(), error })?;
        let mut counts = ReadCounts::default();
        let (mut header, separator, known) = titles(&name, &mut lines, &mut counts)?;
        let text = |key: &str| known.get(key).filter(|text| !text.is_empty()).cloned();
        let rate = |prefix: &str| {
            let rates = known.get("sampling rate").into_iter().flat_map(|own| own.split(';'));
            let mut rates = rates.filter_map(|rate| rate.trim().strip_prefix(prefix));
            rates.find_map(|hz| hz.parse().ok()).filter(|hz: &f64| hz.is_finite() && *hz > 0.0)
        };
        let plain = |key: &str| {
            // `256 Hz` is 256.
            let number = text(key)?.split_whitespace().next()?.parse().ok();
            number.filter(|hz: &f64| hz.is_finite() && *hz > 0.0)
        };
        let (layout, note) = CellLayout::of(&header, separator, &mut lines);
        layout.shift(&mut header);
        let unit = text("units").or_else(|| text("unit")).and_then(|own| microvolts(&own));
        let sensors = header.columns.iter_mut().filter(|own| own.kind == ColumnKind::Sensor);
        sensors.for_each(|own| own.microvolts = own.microvolts.or(unit));
        let notes = notes.into_iter().chain(note).collect();
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
                "it has no column of times, no COUNTER and no sampling rate, and its sensors are \
                 those of no EMOTIV headset, so that its rate is unknown; if it has a column of \
                 times, name it Timestamp",
            ));
        }
        Ok(Self {
            lines,
            separator,
            layout,
            sensors: sensor_places(&info.header),
            markers,
            counts,
            cells: Vec::new(),
            before: Vec::new(),
            states: Vec::new(),
            info,
        })
    }

    /// Parses the cells of a line; `false` if it is not a row.
    fn parse(&mut self) -> io::Result<Option<bool>> {
        let separator = self.separator;
        self.cells.clear();
        let line = match self.lines.next_record() {
            Ok(Some(line)) => line,
            Ok(None) => {
                self.counts.too_long = self.lines.too_long();
                return Ok(None);
            }
            Err(error) => {
                // Whatever was read of the line that is cut off there.
                if self.lines.is_cut() {
                    self.counts.read += 1;
                    self.counts.short += 1;
                    self.counts.drop_line(self.lines.number() + 1);
                }
                return Err(error);
            }
        };
        if is_comment(line) {
            self.counts.unknown += 1;
            return Ok(Some(false));
        }
        if separator == ' ' || line.contains('"') {
            self.cells.extend(cells(line, separator).iter().map(|cell| Cell::of(cell)));
        } else {
            let cells = line.split(separator).map(|cell| Cell::of(cell.trim()));
            self.cells.extend(cells);
        }
        if self.cells.iter().all(|cell| *cell == Cell::Empty) {
            return Ok(Some(false));
        }
        let is_joined = self.layout.join(line, &mut self.cells);
        let eeg = || self.sensors.iter().filter_map(|place| self.cells.get(*place));
        let has_eeg = eeg().any(|cell| matches!(cell, Cell::Number(_)));
        if !has_eeg {
            if eeg().any(|cell| matches!(cell, Cell::Unit(_)))
                && eeg().all(|cell| matches!(cell, Cell::Unit(_) | Cell::Empty))
            {
                for column in &mut self.info.header.columns {
                    if let Some(Cell::Unit(microvolts)) = self.cells.get(column.place) {
                        column.microvolts = Some(*microvolts);
                    }
                }
                self.counts.names += 1;
                return Ok(Some(false));
            }
            let has_number = self.cells.iter().any(|cell| matches!(cell, Cell::Number(_)));
            let again = if has_number { None } else { Header::of(names(&cells(line, separator))) };
            if metadata(line).is_some() {
                self.counts.names += 1;
                return Ok(Some(false));
            }
            if let Some(mut again) = again {
                // Concatenated files may have their columns in another order.
                self.counts.names += 1;
                self.layout.resize(&mut again);
                self.info.header.move_to(&again);
                self.sensors = sensor_places(&self.info.header);
                return Ok(Some(false));
            }
            if !self.layout.is_whole(&self.cells) && !has_number {
                self.counts.unknown += 1;
                return Ok(Some(false));
            }
        }
        // Programs without a counter put events in rows of their own.
        let is_event = !has_eeg
            && eeg().all(|cell| *cell == Cell::Empty)
            && self.cells.contains(&Cell::Other)
            && !self.info.header.has(ColumnKind::Counter);
        if is_event {
            self.counts.unknown += 1;
            return Ok(Some(false));
        }
        self.counts.read += 1;
        let has_surplus = !is_joined || self.layout.has_surplus(&self.cells);
        if has_surplus
            || !self.layout.is_whole(&self.cells)
            || self.lines.is_unended() && !self.layout.is_full(&self.cells)
        {
            *(if has_surplus { &mut self.counts.surplus } else { &mut self.counts.short }) += 1;
            self.counts.drop_line(self.lines.number());
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
                // Words are only valid for flags.
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
                ColumnKind::Sensor => {
                    let microvolts = column.microvolts.unwrap_or(1.0);
                    let known = known.map(|own| own * microvolts).and_then(eeg_value);
                    if known.is_none() {
                        self.counts.held += 1;
                        row.interpolated = true;
                    }
                    let held = self.before.get(row.eeg.len()).copied().unwrap_or(f64::NAN);
                    row.eeg.push(known.unwrap_or(held));
                }
                ColumnKind::Extra => {
                    let held = self.before.get(row.eeg.len()).copied().unwrap_or(f64::NAN);
                    row.eeg.push(known.unwrap_or(held));
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

    /// Battery, contact and quality are repeated in every row: only changes are samples.
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
}

/// Finds the line of names, its separator and the metadata before it.
fn titles(
    name: &str,
    lines: &mut LineReader,
    counts: &mut ReadCounts,
) -> Result<(Header, char, BTreeMap<String, String>), OpenError> {
    let unreadable = |error: io::Error| OpenError::Unreadable { name: name.to_owned(), error };
    let (mut known, mut header, mut number) = (None, None, 0);
    let mut has_motion = false;
    // A comment may contain the names, which the first row then confirms.
    let mut commented: Option<((Header, char), u64)> = None;
    while header.is_none() && number < HEADER_LINES {
        let Some(line) = lines.next_record().map_err(unreadable)? else { break };
        let line = line.to_owned();
        let line = line.as_str();
        number += 1;
        if line.trim().is_empty() {
            continue;
        }
        let separator = separator(line);
        let columns = line.matches(separator).count() + 1;
        if columns > MAX_COLUMNS {
            counts.unknown += 1;
            continue;
        }
        let own = line.trim_start_matches(['#', '%', '/', ' ']);
        let metadata = if known.is_none() { metadata(own) } else { None };
        // A line of metadata may name the columns, too.
        let counted = u64::from(metadata.is_none());
        counts.unknown += counted;
        known = known.or(metadata);
        // The oldest exports name their columns within the metadata.
        let labels = known.as_ref().and_then(|pairs| pairs.get("labels"));
        if let Some(labels) = labels {
            let names = labels.split_whitespace().map(str::to_owned).collect();
            header = Header::of(names).map(|header| (header, ','));
            continue;
        }
        let cells = cells(own, separator);
        let columns = if separator == ' ' { cells.len() } else { columns };
        let names = names(&cells);
        has_motion |= Header::names_motion(&names);
        let found = Header::of(names).map(|own| (own, separator));
        let found = found.filter(|(header, _)| separator != ' ' || is_spaced(header, line, lines));
        if is_comment(line) {
            if let Some(found) = found.filter(|_| columns > 1) {
                commented = Some((found, counted));
            }
        } else if let (None, Some((names, comment))) = (&found, &commented)
            && is_row(line, columns, names)
        {
            // Neither the comment with the names nor this row counts as a line without data.
            counts.unknown -= comment + counted;
            header = commented.take().map(|(names, _)| names);
            lines.read_again();
        } else if found.is_some() {
            counts.unknown -= counted;
            header = found;
        }
    }
    let Some((header, separator)) = header else {
        return Err(if number == 0 {
            OpenError::Empty(name.to_owned())
        } else if has_motion {
            OpenError::unusable(name, MOTION_ALONE)
        } else {
            OpenError::unusable(
                name,
                "no line names an EEG sensor as a column (EEG.AF3 or AF3, say), without which \
                 its numbers cannot be told apart; give a file that EmotivPRO has exported, or \
                 name its columns",
            )
        });
    };
    Ok((header, separator, known.unwrap_or_default()))
}

/// Whether the words of a line are names separated by spaces: all of them are known, and there are
/// numbers below.
fn is_spaced(header: &Header, line: &str, lines: &mut LineReader) -> bool {
    let is_known = header.columns.iter().all(|own| own.kind != ColumnKind::LeftOut);
    let below = lines.look_ahead(1).next().map(|below| cells(below, ' ')).unwrap_or_default();
    let numbers = below.iter().filter(|own| matches!(Cell::of(own), Cell::Number(_))).count();
    let names = header.columns.len();
    is_known && (is_comment(line) || (names..=names + 1).contains(&below.len()) && numbers >= names)
}

/// The names in a header line; a name may contain commas in brackets (`MARKERS['Blank','Image']`).
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

/// The positions of the sensors.
fn sensor_places(header: &Header) -> Vec<usize> {
    let sensors = header.columns.iter().filter(|own| own.kind == ColumnKind::Sensor);
    sensors.map(|own| own.place).collect()
}

/// Whether all sensors belong to a headset with fixed positions.
fn is_headset(header: &Header) -> bool {
    let known: [&[&str]; 3] = [&EPOC_SENSORS, &INSIGHT_SENSORS, &MN8_SENSORS];
    known.iter().any(|known| header.labels(ColumnKind::Sensor).all(|own| known.contains(&own)))
}

/// Whether a line is a row of the columns that a comment names.
fn is_row(line: &str, columns: usize, (header, separator): &(Header, char)) -> bool {
    let first = line.split(*separator).next().unwrap_or_default();
    header.columns.len() == columns && matches!(Cell::of(first.trim()), Cell::Number(_))
}
