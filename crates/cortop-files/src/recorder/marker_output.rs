//! The marker files beside a CSV, which are updated while the recording is running.

use std::{
    io,
    path::{Path, PathBuf},
};

use cortop_protocol::{MarkerId, SessionMarker};
use serde_json::json;

use super::names::with_ending;
use crate::{
    csv_writer::CsvMarker,
    marker_writer::{ExportedMarker, write_intervals, write_json},
    output_file::replace,
};

/// How many markers are kept; further ones are only in the rows.
const MOST: usize = 100_000;
/// Each time this many markers have been added, updates become less frequent by one turn.
const SLOWER: usize = 500;

/// A marker of a recording.
#[derive(Clone, Debug)]
pub(super) struct RecordedMarker {
    /// Its id in Cortex's record, if it is part of one.
    pub(super) id: Option<MarkerId>,
    /// Its label.
    pub(super) label: String,
    /// Its value: a number, a text or null.
    pub(super) value: serde_json::Value,
    /// Epoch seconds.
    pub(super) time: f64,
    /// Epoch seconds of its end, if it is an interval.
    pub(super) end: Option<f64>,
}

impl From<&SessionMarker> for RecordedMarker {
    fn from(marker: &SessionMarker) -> Self {
        let SessionMarker { id, time, end, text, .. } = marker.clone();
        // An empty id does not distinguish a marker from others.
        let id = id.filter(|id| !id.as_str().is_empty());
        Self { id, label: text.label, value: json!(text.value), time, end }
    }
}

impl RecordedMarker {
    /// The label, followed by the value if that adds information.
    pub(super) fn text(&self) -> String {
        let value = match &self.value {
            serde_json::Value::Null => return self.label.clone(),
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if value == self.label { value } else { format!("{} {value}", self.label) }
    }
}

/// Writes both marker files of a recording.
#[derive(Debug)]
pub(super) struct MarkerOutput {
    stem: PathBuf,
    /// Epoch seconds of the first sample.
    start: f64,
    markers: Vec<ExportedMarker>,
    count: u64,
    /// Turns until the next update, if one is due.
    due: Option<usize>,
}

impl MarkerOutput {
    pub(super) fn new(stem: &Path, start: f64) -> Self {
        let (stem, markers) = (stem.to_owned(), Vec::new());
        Self { stem, start, markers, count: 0, due: None }
    }

    /// Adds a marker. Returns what goes into its row.
    pub(super) fn push(&mut self, marker: &RecordedMarker) -> CsvMarker {
        self.count += 1;
        let index = self.count;
        if self.markers.len() < MOST {
            self.markers.push(ExportedMarker {
                index,
                uuid: marker.id.as_ref().map_or_else(String::new, |id| id.as_str().to_owned()),
                label: marker.label.clone(),
                value: marker.value.clone(),
                port: "cortop".to_owned(),
                start: marker.time,
                end: marker.time,
                extras: json!({}),
            });
            self.due.get_or_insert(self.markers.len() / SLOWER);
        }
        CsvMarker { index, is_interval: false, value: marker.value.as_f64() }
    }

    /// Turns a marker into an interval, by the number in its row.
    pub(super) fn end(&mut self, index: u64, end: f64) {
        if let Ok(at) = self.markers.binary_search_by_key(&index, |own| own.index) {
            self.markers[at].end = end;
            self.due.get_or_insert(self.markers.len() / SLOWER);
        }
    }

    /// Updates the files, if it is time.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        match &mut self.due {
            Some(0) => self.write(),
            Some(turns) => {
                *turns -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Updates the files.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        if self.due.is_some() { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> io::Result<()> {
        self.due = None;
        let intervals = with_ending(&self.stem, "_intervalMarker.csv");
        replace(&self.path(), |file| write_json(file, "", &self.markers))?;
        replace(&intervals, |file| write_intervals(file, self.start, &self.markers))
    }

    /// The path of the files.
    pub(super) fn path(&self) -> PathBuf {
        with_ending(&self.stem, ".json")
    }
}
