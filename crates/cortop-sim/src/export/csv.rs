//! A record as `EmotivPRO` exports it to CSV: one row per sample of its fastest stream, with the
//! newest values of the slower ones in the rows where they have a sample of their own.

use std::{
    fs::File,
    io::{self, BufWriter},
};

use cortop_files::csv_writer::{CsvMarker, CsvMetadata, CsvWriter};

use super::{EPSILON, ExportedStream, RecordExport};
use cortop_protocol::Stream;

impl RecordExport {
    pub(super) fn write_csv(&self, file: File, wanted: &[Stream]) -> io::Result<()> {
        let pace = fastest(wanted);
        let mut streams = self.streams_of(wanted);
        let labels: Vec<_> = streams.iter().map(|own| (own.stream, own.labels.clone())).collect();
        let mut file = CsvWriter::new(BufWriter::new(file), &self.metadata(wanted), &labels)?;
        let markers = self.markers();
        let mut markers = markers.iter().peekable();
        for index in self.samples(pace) {
            let (time, next) = (self.time(pace, index), self.time(pace, index + 1));
            for own in &mut streams {
                own.advance(self, next);
            }
            let values: Vec<_> =
                streams.iter().map(|own| (own.stream, own.values.as_slice())).collect();
            // A marker belongs to the first sample at or after it, and a row has room for one.
            let due = markers.next_if(|own| own.start - self.origin <= time + EPSILON);
            let marker = due.map(|own| CsvMarker {
                index: own.index,
                is_interval: own.is_interval(),
                value: own.value.as_f64(),
            });
            file.write_row(self.origin + time, &values, marker)?;
        }
        file.finish()?;
        Ok(())
    }

    fn metadata(&self, wanted: &[Stream]) -> CsvMetadata {
        let measurement = self.measurement();
        let id = measurement.headset.as_str();
        let (kind, serial) = id.split_once('-').unwrap_or((id, ""));
        let rates = [
            (Stream::Eeg, ("eeg", f64::from(measurement.spec.eeg_rate))),
            (Stream::Mot, ("mot", measurement.spec.mems_rate)),
            (Stream::Met, ("pm", 2.0)),
            (Stream::Pow, ("pow", 8.0)),
        ];
        let rates = rates.into_iter().filter(|(stream, _)| wanted.contains(stream));
        CsvMetadata {
            title: self.record.title.clone(),
            subject: self.record.subject.clone().unwrap_or_default(),
            headset_type: kind.to_owned(),
            serial: serial.to_owned(),
            firmware: measurement.spec.firmware.clone(),
            rates: rates.map(|(_, rate)| rate).collect(),
            version: self.version,
        }
    }
}

/// The fastest of some streams.
fn fastest(streams: &[Stream]) -> Stream {
    let order = [Stream::Eeg, Stream::Mot, Stream::Pow];
    order.into_iter().find(|stream| streams.contains(stream)).unwrap_or(Stream::Met)
}

impl ExportedStream {
    /// Takes the values of a row that ends before `next`: contact and quality are repeated, the
    /// others have a sample or nothing.
    fn advance(&mut self, export: &RecordExport, next: f64) {
        if export.time(self.stream, self.next) < next {
            self.values = export.values(self.stream, self.next);
            self.next += 1;
        } else if !self.is_state() {
            self.values.clear();
        }
    }
}
