//! The rows of a recording, read into tracks. A row or a cell that cannot be read is repaired or
//! left out, and counted.

use std::io;

use super::{
    header::{ColumnGroup, ColumnKind, Header},
    lines::{LineReader, cells},
};
use crate::noise::slot;

/// The numbers of a recording as they stand in it, by what they are for.
#[derive(Default)]
pub(super) struct Rows {
    /// Epoch seconds of each row, NaN where there are none.
    pub(super) times: Vec<f64>,
    /// Counter of each row, if all have one.
    pub(super) counters: Vec<u64>,
    /// How many rows stand before each row in the file: more than were kept where some are lost.
    pub(super) places: Vec<u64>,
    /// Counters of the samples of motion.
    pub(super) motion_counters: Vec<u64>,
    groups: [RecordedCells; ColumnGroup::COUNT],
    /// Rows with a marker: its number, type and value as far as they are given.
    pub(super) marked: Vec<(usize, [Option<f64>; 3])>,
    /// How many rows were kept.
    pub(super) len: usize,
    pub(super) repairs: Repairs,
}

/// The samples of a stream: the rows they stand in and their cells, NaN where one has no number.
#[derive(Clone, Default)]
pub(super) struct RecordedCells {
    pub(super) rows: Vec<usize>,
    pub(super) cells: Vec<f64>,
}

/// What was not as it should be, by kind.
#[derive(Clone, Debug, Default)]
pub(super) struct Repairs {
    /// Rows of data in the file.
    pub(super) read: u64,
    /// EEG values that could not be read: the channel holds its last one.
    pub(super) held: u64,
    /// Other values that could not be read.
    pub(super) unreadable: u64,
    /// Rows without any readable EEG, which are lost samples.
    pub(super) lost: u64,
    /// Lines that are too short.
    pub(super) short: u64,
    /// Lines that repeat the names or give units.
    pub(super) names: u64,
    /// Rows whose time is not later than that of the row before.
    pub(super) times: u64,
    /// The file goes on after the most that is read of one.
    pub(super) cut: bool,
}

impl Rows {
    /// Reads all rows that follow the header.
    pub(super) fn read(
        lines: &mut LineReader,
        header: &Header,
        separator: char,
    ) -> io::Result<Self> {
        let mut rows = Self::default();
        let sensors: Vec<usize> = header
            .columns
            .iter()
            .filter(|column| column.kind == ColumnKind::Sensor)
            .map(|column| column.place)
            .collect();
        let width = header.columns.iter().filter(|own| !own.name.is_empty()).count();
        while let Some((line, whole)) = lines.next_line()? {
            let cells = cells(&line, separator);
            if cells.iter().all(String::is_empty) {
                continue;
            }
            let numbers: Vec<f64> = cells.iter().map(|cell| number(cell, separator)).collect();
            if header.is_repeated_by(&cells) || numbers.iter().all(|number| number.is_nan()) {
                rows.repairs.names += 1;
                continue;
            }
            rows.repairs.read += 1;
            // The last cell of the last line that is read may be cut itself.
            if cells.len() < width || !whole && lines.is_cut() {
                rows.repairs.short += 1;
                continue;
            }
            let readable = |place: &usize| numbers.get(*place).is_some_and(|own| own.is_finite());
            if !sensors.iter().any(readable) {
                rows.repairs.lost += 1;
                continue;
            }
            rows.push(header, &cells, &numbers);
        }
        rows.repairs.cut = lines.is_cut();
        rows.fill_the_start(header);
        Ok(rows)
    }

    /// The samples of a stream.
    pub(super) fn take(&mut self, group: ColumnGroup) -> RecordedCells {
        self.groups.get_mut(group as usize).map(std::mem::take).unwrap_or_default()
    }

    fn push(&mut self, header: &Header, cells: &[String], numbers: &[f64]) {
        let mut row: [Vec<f64>; ColumnGroup::COUNT] = Default::default();
        let (mut time, mut interpolated) = (f64::NAN, 0.0);
        let mut eeg = vec![0.0];
        for column in &header.columns {
            let number = numbers.get(column.place).copied().unwrap_or(f64::NAN);
            match column.kind {
                ColumnKind::Time => time = number,
                ColumnKind::Counter => self.counters.extend(count(number)),
                ColumnKind::MotionCounter => self.motion_counters.extend(count(number)),
                ColumnKind::MarkerIndex => self.mark(0, number),
                ColumnKind::MarkerType => self.mark(1, number),
                ColumnKind::MarkerValue => self.mark(2, number),
                ColumnKind::Interpolated if number > 0.0 => interpolated = 1.0,
                ColumnKind::Interpolated | ColumnKind::LeftOut => {}
                ColumnKind::Sensor | ColumnKind::Extra if number.is_nan() => {
                    if column.kind == ColumnKind::Sensor {
                        self.repairs.held += 1;
                        interpolated = 1.0;
                    }
                    eeg.push(self.before(eeg.len(), header));
                }
                ColumnKind::Sensor | ColumnKind::Extra => eeg.push(number),
                kind => {
                    let Some(group) = kind.group() else { continue };
                    let empty = cells.get(column.place).is_none_or(String::is_empty);
                    self.repairs.unreadable += u64::from(number.is_nan() && !empty);
                    if let Some(own) = row.get_mut(group as usize) {
                        own.push(number);
                    }
                }
            }
        }
        if let Some(first) = eeg.first_mut() {
            *first = interpolated;
        }
        if let Some(own) = row.get_mut(ColumnGroup::Eeg as usize) {
            *own = eeg;
        }
        for (group, own) in row.into_iter().enumerate() {
            let Some(kept) = self.groups.get_mut(group) else { continue };
            // Battery, contact and quality stand in every row: only changes are kept. Slower
            // streams leave their cells empty between their own samples.
            let state =
                group == ColumnGroup::Dev as usize || group == ColumnGroup::Quality as usize;
            if own.iter().all(|cell| cell.is_nan()) || state && kept.ends_with(&own) {
                continue;
            }
            kept.rows.push(self.len);
            kept.cells.extend(own);
        }
        self.times.push(time);
        self.places.push(self.repairs.read - 1);
        self.len += 1;
    }

    /// The value of a cell of EEG in the row before.
    fn before(&self, place: usize, header: &Header) -> f64 {
        let width = eeg_width(header);
        let eeg = self.groups.first().map_or(&[][..], |eeg| &eeg.cells);
        let last = eeg.len().checked_sub(width).and_then(|start| eeg.get(start + place));
        last.copied().unwrap_or(f64::NAN)
    }

    /// Channels that have no value at first begin with their first one.
    fn fill_the_start(&mut self, header: &Header) {
        let width = eeg_width(header);
        let Some(eeg) = self.groups.first_mut() else { return };
        for place in 1..width {
            let own = eeg.cells.iter().skip(place).step_by(width);
            let first = own.copied().find(|value| !value.is_nan()).unwrap_or_default();
            let own = eeg.cells.iter_mut().skip(place).step_by(width);
            own.take_while(|value| value.is_nan()).for_each(|value| *value = first);
        }
    }

    /// Notes one of the three numbers of a marker in the row that is being read.
    fn mark(&mut self, which: usize, number: f64) {
        if number.is_nan() {
            return;
        }
        if self.marked.last().is_none_or(|(row, _)| *row != self.len) {
            self.marked.push((self.len, [None; 3]));
        }
        if let Some(cell) = self.marked.last_mut().and_then(|(_, mark)| mark.get_mut(which)) {
            *cell = Some(number);
        }
    }
}

impl RecordedCells {
    fn ends_with(&self, row: &[f64]) -> bool {
        let start = self.cells.len().checked_sub(row.len());
        start.and_then(|start| self.cells.get(start..)).is_some_and(|last| {
            last.iter().zip(row).all(|(a, b)| a.total_cmp(b).is_eq() || a.is_nan() && b.is_nan())
        })
    }
}

/// Cells of a row of EEG: whether it was filled in, sensors, and what else there is.
fn eeg_width(header: &Header) -> usize {
    1 + header.labels(ColumnKind::Sensor).count() + header.labels(ColumnKind::Extra).count()
}

/// The number in a cell, NaN where there is none. Where cells are not separated by commas, decimals
/// may be.
fn number(cell: &str, separator: char) -> f64 {
    let number = if separator == ',' || !cell.contains(',') {
        cell.parse()
    } else {
        cell.replace(',', ".").parse()
    };
    number.ok().filter(|number: &f64| number.is_finite()).unwrap_or(f64::NAN)
}

/// A counter, if it is one.
fn count(number: f64) -> Option<u64> {
    const MOST: f64 = 1e15;
    (0.0..MOST).contains(&number).then(|| slot(number).0)
}
