//! A recording as CSV with `EmotivPRO`'s columns: one row per sample of its fastest stream, with
//! what the slower ones have sent since the last row.

use std::{collections::VecDeque, io, path::Path};

use cortop_protocol::{Stream, values::Values};

use super::{OpenedStream, timeline::Placed};
use crate::{
    csv_writer::{CsvMarker, CsvMetadata, CsvWriter},
    output_file::OutputFile,
};

/// How many samples of a slower stream wait for a row while the fastest is silent; the oldest is
/// dropped.
const MOST_WAITING: usize = 1024;

/// Writes a CSV file.
#[derive(Debug)]
pub(super) struct CsvOutput {
    writer: CsvWriter<OutputFile>,
    streams: Vec<WaitingSamples>,
    /// Markers, each with the earliest epoch seconds of its row.
    markers: VecDeque<(f64, CsvMarker)>,
}

/// The samples of a stream that are not in a row yet.
#[derive(Debug)]
struct WaitingSamples {
    stream: Stream,
    /// The values for the next row: the sample that arrived, or for contact and quality the newest.
    shown: Vec<Option<f64>>,
    waiting: VecDeque<Vec<Option<f64>>>,
    /// Buffers for reuse.
    free: Vec<Vec<Option<f64>>>,
}

impl WaitingSamples {
    /// Whether its values are sent at their own rate and hold until the next.
    fn is_state(&self) -> bool {
        matches!(self.stream, Stream::Dev | Stream::Eq)
    }

    fn push(&mut self, values: &Values) {
        if self.waiting.len() == MOST_WAITING {
            self.free.extend(self.waiting.pop_front());
        }
        let mut own = self.free.pop().unwrap_or_default();
        own.clear();
        own.extend(values.numbers.iter().map(|&value| Some(value).filter(|own| !own.is_nan())));
        self.waiting.push_back(own);
    }

    /// Puts the next sample into the next row.
    fn advance(&mut self) {
        if let Some(next) = self.waiting.pop_front() {
            self.free.push(std::mem::replace(&mut self.shown, next));
        } else if !self.is_state() {
            self.shown.clear();
        }
    }
}

impl CsvOutput {
    pub(super) fn new(
        file: OutputFile,
        metadata: &CsvMetadata,
        streams: &[OpenedStream],
    ) -> io::Result<Self> {
        let labels: Vec<_> = streams.iter().map(|own| (own.stream, own.labels.clone())).collect();
        let streams = streams.iter().map(|own| WaitingSamples {
            stream: own.stream,
            shown: Vec::new(),
            waiting: VecDeque::new(),
            free: Vec::new(),
        });
        Ok(Self {
            streams: streams.collect(),
            writer: CsvWriter::new(file, metadata, &labels)?,
            markers: VecDeque::new(),
        })
    }

    /// Adds a sample of any stream but the fastest.
    pub(super) fn sample(&mut self, stream: Stream, values: &Values) {
        if let Some(own) = self.streams.iter_mut().find(|own| own.stream == stream) {
            own.push(values);
        }
    }

    /// Adds a sample of the fastest stream, which makes a row.
    pub(super) fn row(
        &mut self,
        stream: Stream,
        values: &Values,
        placed: &Placed,
    ) -> io::Result<()> {
        self.sample(stream, values);
        self.streams.iter_mut().for_each(WaitingSamples::advance);
        let mut shown: [(Stream, &[Option<f64>]); Stream::ALL.len()] =
            Stream::ALL.map(|stream| (stream, [].as_slice()));
        for (place, own) in shown.iter_mut().zip(&self.streams) {
            *place = (own.stream, &own.shown);
        }
        let shown = shown.get(..self.streams.len()).unwrap_or_default();
        let due = self.markers.front().filter(|(from, _)| *from <= placed.stamp);
        let marker = due.map(|(_, marker)| *marker);
        if marker.is_some() {
            self.markers.pop_front();
        }
        self.writer.write_row(placed.stamp, shown, marker)
    }

    /// Adds a marker to the first row at or after a time.
    pub(super) fn mark(&mut self, time: f64, marker: CsvMarker) {
        self.markers.push_back((time, marker));
    }

    /// Turns a marker into an interval, by its number.
    pub(super) fn end_marker(&mut self, index: u64) -> io::Result<()> {
        match self.markers.iter_mut().find(|(_, own)| own.index == index) {
            Some((_, waiting)) => {
                waiting.is_interval = true;
                Ok(())
            }
            None => self.writer.set_interval(index),
        }
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }

    pub(super) fn file(&self) -> &OutputFile {
        self.writer.get_ref()
    }

    pub(super) fn path(&self) -> &Path {
        self.file().path()
    }
}
