//! The rows of a recording, read into tracks. Every refusal names file, line and column, and what
//! to do.

use std::{fs::File, path::Path};

use color_eyre::{Result, eyre::eyre};
use csv::{Reader, StringRecord};

use super::header::{ColumnKind, Header};
use crate::noise::slot;

/// The numbers of a recording as they stand in it, by what they are for.
#[derive(Default)]
pub(super) struct Rows {
    /// Epoch seconds of each row, if it has them.
    pub(super) times: Vec<f64>,
    /// Counter of each row, if it has them.
    pub(super) counters: Vec<u64>,
    /// One row each: the columns from interpolated to extra.
    pub(super) eeg: Vec<f64>,
    /// Rows with motion, their counters, and their cells.
    pub(super) moved: Vec<usize>,
    pub(super) motion_counters: Vec<u64>,
    pub(super) motion: Vec<f64>,
    /// Rows where battery or contact changed, and their cells.
    pub(super) touched: Vec<usize>,
    pub(super) contact: Vec<f64>,
    /// Rows with metrics, and their cells, NaN where one is empty.
    pub(super) rated: Vec<usize>,
    pub(super) metrics: Vec<f64>,
    /// Rows with band powers, and their cells.
    pub(super) powered: Vec<usize>,
    pub(super) power: Vec<f64>,
    /// Rows with a marker: its number, type and value as far as they are given.
    pub(super) marked: Vec<(usize, [Option<f64>; 3])>,
    /// How many rows were read.
    pub(super) len: usize,
}

/// Where a cell stands, for a refusal.
struct CellPosition<'a> {
    file: &'a Path,
    line: u64,
    column: &'a str,
}

impl Rows {
    /// Reads all rows that follow the header.
    pub(super) fn read(file: &Path, reader: &mut Reader<File>, header: &Header) -> Result<Self> {
        let mut rows = Self::default();
        let mut record = StringRecord::new();
        while reader.read_record(&mut record).map_err(|error| unreadable(file, &error))? {
            let line = record.position().map_or(0, csv::Position::line);
            let (found, wanted) = (record.len(), header.fields.len());
            if found != wanted {
                return Err(eyre!(
                    "{}, line {line}: it has {found} cells where the header names {wanted} columns; \
                     complete or delete the line",
                    file.display()
                ));
            }
            let (before_motion, before_contact) = (rows.motion.len(), rows.contact.len());
            let (before_metrics, before_power) = (rows.metrics.len(), rows.power.len());
            for field in &header.fields {
                let cell = record.get(field.place).unwrap_or_default();
                rows.push(field.kind, cell, &CellPosition { file, line, column: &field.name })?;
            }
            for (what, kinds, cells) in [
                ("motion", &[ColumnKind::MotionFormat][..], rows.motion.len() - before_motion),
                (
                    "contact",
                    &[ColumnKind::Battery, ColumnKind::Contact],
                    rows.contact.len() - before_contact,
                ),
                ("band power", &[ColumnKind::BandPower], rows.power.len() - before_power),
            ] {
                let wanted = header.fields.iter().filter(|field| kinds.contains(&field.kind));
                let wanted = wanted.count();
                if cells != 0 && cells != wanted {
                    return Err(eyre!(
                        "{}, line {line}: only {cells} of {wanted} cells of its {what} are filled; \
                         complete them or empty them all",
                        file.display()
                    ));
                }
            }
            if rows.motion.len() > before_motion {
                rows.moved.push(rows.len);
            }
            if rows.power.len() > before_power {
                rows.powered.push(rows.len);
            }
            // Metrics may be empty one by one; a row that has none has no sample.
            if rows.metrics.iter().skip(before_metrics).all(|cell| cell.is_nan()) {
                rows.metrics.truncate(before_metrics);
            } else {
                rows.rated.push(rows.len);
            }
            // Most rows repeat the contact of the row before: only changes are kept.
            let (before, now) = rows.contact.split_at(before_contact);
            if before.ends_with(now) {
                rows.contact.truncate(before_contact);
            } else {
                rows.touched.push(rows.len);
            }
            rows.len += 1;
        }
        Ok(rows)
    }

    fn push(&mut self, kind: ColumnKind, cell: &str, place: &CellPosition<'_>) -> Result<()> {
        match kind {
            ColumnKind::LeftOut => {}
            ColumnKind::Time => {
                let time = place.number(cell)?;
                if self.times.last().is_some_and(|before| *before >= time) {
                    return Err(place.refuse(cell, "is not later than in the line before"));
                }
                self.times.push(time);
            }
            ColumnKind::Counter => self.counters.push(place.count(cell)?),
            ColumnKind::Interpolated | ColumnKind::Sensor | ColumnKind::Extra => {
                self.eeg.push(place.number(cell)?);
            }
            ColumnKind::Metric if cell.is_empty() => self.metrics.push(f64::NAN),
            // Slower streams leave their cells empty between their own samples.
            _ if cell.is_empty() => {}
            ColumnKind::MotionCounter => self.motion_counters.push(place.count(cell)?),
            ColumnKind::MotionFormat => self.motion.push(place.number(cell)?),
            ColumnKind::Battery | ColumnKind::Contact => self.contact.push(place.number(cell)?),
            ColumnKind::Metric => self.metrics.push(place.number(cell)?),
            ColumnKind::BandPower => self.power.push(place.number(cell)?),
            ColumnKind::MarkerIndex => self.mark(0, place.number(cell)?),
            ColumnKind::MarkerType => self.mark(1, place.number(cell)?),
            ColumnKind::MarkerValue => self.mark(2, place.number(cell)?),
        }
        Ok(())
    }

    /// Notes one of the three numbers of a marker in the row that is being read.
    fn mark(&mut self, which: usize, number: f64) {
        if self.marked.last().is_none_or(|(row, _)| *row != self.len) {
            self.marked.push((self.len, [None; 3]));
        }
        if let Some(cell) = self.marked.last_mut().and_then(|(_, mark)| mark.get_mut(which)) {
            *cell = Some(number);
        }
    }
}

impl CellPosition<'_> {
    fn number(&self, cell: &str) -> Result<f64> {
        let number = cell.parse().ok().filter(|number: &f64| number.is_finite());
        number.ok_or_else(|| self.refuse(cell, "is not a number"))
    }

    fn count(&self, cell: &str) -> Result<u64> {
        const MOST: f64 = 65_536.0;
        let number = self.number(cell)?;
        if number.fract() != 0.0 || !(0.0..MOST).contains(&number) {
            return Err(self.refuse(cell, "is not a counter"));
        }
        Ok(slot(number).0)
    }

    fn refuse(&self, cell: &str, why: &str) -> color_eyre::Report {
        let cell: String = cell.chars().take(40).collect();
        let Self { file, line, column } = self;
        eyre!(
            "{}, line {line}, column {column}: {cell:?} {why}; correct or delete the line",
            file.display()
        )
    }
}

/// The sentence for what the file system or the CSV reader refuses.
pub(super) fn unreadable(file: &Path, error: &csv::Error) -> color_eyre::Report {
    let next = "give a CSV file that EmotivPRO has exported";
    match error.kind() {
        csv::ErrorKind::Io(error) => eyre!("{} cannot be read: {error}; {next}", file.display()),
        csv::ErrorKind::Utf8 { pos, .. } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            eyre!("{}, line {line}: it is not text; {next}", file.display())
        }
        _ => eyre!("{}: {error}; {next}", file.display()),
    }
}
