//! A recording played back as a headset, looped: the CSV export of `EmotivPRO`, and simpler CSV
//! files whose header names sensors. Streams a recording does not have are refused, never made up.
//!
//! Rates are the recording's own: an `eeg_128` that ran at 126.9 Hz is replayed at 126.9 Hz.

mod assemble;
mod header;
mod markers;
mod rows;
mod track;

use std::{collections::BTreeMap, fs, path::Path};

use self::{
    header::Header,
    rows::{Rows, unreadable},
    track::Track,
};
use super::{
    model::Spec,
    noise::slot,
    source::{SampleContext, SampleSource},
    values::ValueSink,
};
use color_eyre::{Result, eyre::eyre};
use cortop_protocol::{
    HeadsetId, Stream,
    sample::{Column, Columns},
};
use csv::StringRecord;

/// Largest file that is read; hours of 32 channels.
const LARGEST: u64 = 512 << 20;
/// Samples of `dev` a second.
const DEV_RATE: f64 = 2.0;

/// A recording.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The headset that made it, as far as it tells.
    pub spec: Spec,
    /// The headset's id, if it tells.
    pub id: Option<HeadsetId>,
    /// Sentences about what is assumed and what is left out.
    pub notes: Vec<String>,
    /// Whether the first cell of a row of `eeg` tells if the sample was filled in.
    interpolated: bool,
    eeg: Series,
    motion: Option<Series>,
    /// Battery and contact quality, a row for each change.
    contact: Option<Series>,
    metrics: Option<Series>,
    power: Option<Series>,
    /// The markers of a row, as JSON.
    markers: BTreeMap<usize, String>,
}

/// A stream of a recording.
#[derive(Clone, Debug)]
struct Series {
    track: Track,
    columns: Columns,
}

impl Recording {
    /// Reads a recording.
    ///
    /// # Errors
    /// The file cannot be read, is of no known form, or has a bad row: one sentence that names
    /// the file, the place in it and the next step.
    pub fn read(file: &Path) -> Result<Self> {
        let name = file.display();
        let size = fs::metadata(file).map_err(|error| {
            eyre!("{name} cannot be read: {error}; check the path given to --replay")
        })?;
        if size.len() > LARGEST {
            return Err(eyre!("{name} is larger than 512 MiB; export a shorter piece"));
        }
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_path(file)
            .map_err(|error| unreadable(file, &error))?;
        let mut line = StringRecord::new();
        let mut next = |line: &mut StringRecord| {
            reader.read_record(line).map_err(|error| unreadable(file, &error))
        };
        let mut any = next(&mut line)?;
        let metadata = header::metadata(&line);
        if metadata.is_some() {
            any = next(&mut line)?;
        }
        if !any {
            return Err(eyre!("{name} is empty; give a CSV file that EmotivPRO has exported"));
        }
        let header = Header::parse(&line).ok_or_else(|| {
            eyre!(
                "{name}, line {}: no column is an EEG sensor (EEG.AF3 or AF3, say); \
                 give a CSV file that EmotivPRO has exported",
                line.position().map_or(1, csv::Position::line)
            )
        })?;
        let rows = Rows::read(file, &mut reader, &header)?;
        if rows.len < 2 {
            return Err(eyre!("{name} has fewer than two rows of data; give a longer recording"));
        }
        Ok(assemble::recording(file, &metadata.unwrap_or_default(), &header, rows))
    }

    fn write_eeg(&self, index: u64, live: SampleContext<'_>, row: &mut dyn ValueSink) {
        let (counter, cells) = self.eeg.track.sample(index);
        let (told, cells) = cells.split_at(usize::from(self.interpolated).min(cells.len()));
        let interpolated = live.interpolated || told.iter().any(|cell| *cell != 0.0);
        row.int(counter);
        row.int(interpolated.into());
        row.all(cells.iter().copied(), 3);
        let own = self.markers.get(&self.eeg.track.row_of(index)).map(String::as_str);
        let all = [own.unwrap_or_default(), live.markers];
        row.nested(&all.into_iter().filter(|json| !json.is_empty()).collect::<Vec<_>>().join(","));
    }

    /// What an inactive metric carries is no reading (§5.7).
    fn write_met(&self, index: u64, ready: bool, row: &mut dyn ValueSink) {
        let Some(Series { track, columns }) = &self.metrics else { return };
        let (_, cells) = track.sample(index);
        let labels: Vec<_> = columns.labels().collect();
        let active = |name: &str| {
            let flag =
                labels.iter().position(|label| label.strip_suffix(".isActive") == Some(name));
            flag.and_then(|place| cells.get(place)).is_none_or(|cell| *cell > 0.0)
        };
        for (label, cell) in labels.iter().zip(cells) {
            match label.strip_suffix(".isActive") {
                Some(_) => row.flag(ready && *cell > 0.0),
                None => row.optional(Some(*cell).filter(|_| ready && active(label)), 6),
            }
        }
    }

    fn series(&self, stream: Stream) -> Option<&Series> {
        match stream {
            Stream::Eeg => Some(&self.eeg),
            Stream::Mot => self.motion.as_ref(),
            Stream::Dev => self.contact.as_ref(),
            Stream::Met => self.metrics.as_ref(),
            Stream::Pow => self.power.as_ref(),
            _ => None,
        }
    }

    /// The track whose rows are the samples of a stream; `dev` has a pace of its own.
    fn track(&self, stream: Stream) -> Option<&Track> {
        let series = self.series(stream).filter(|_| stream != Stream::Dev)?;
        Some(&series.track)
    }
}

impl SampleSource for Recording {
    fn columns(&self, stream: Stream) -> Option<Columns> {
        self.series(stream).map(|series| series.columns.clone())
    }

    fn time(&self, stream: Stream, index: u64) -> f64 {
        self.track(stream).map_or(index as f64 / DEV_RATE, |track| track.time(index))
    }

    fn index_at(&self, stream: Stream, time: f64) -> u64 {
        let at_pace = || slot((time * DEV_RATE - 1e-6).ceil()).0;
        self.track(stream).map_or_else(at_pace, |track| track.index_at(time))
    }

    fn write(&self, stream: Stream, index: u64, live: SampleContext<'_>, row: &mut dyn ValueSink) {
        let Some(Series { track, columns }) = self.series(stream) else { return };
        match stream {
            Stream::Eeg => self.write_eeg(index, live, row),
            Stream::Mot => {
                let (counter, cells) = track.sample(index);
                row.int(counter);
                row.all(cells.iter().copied(), 6);
            }
            Stream::Met => self.write_met(index, live.metrics, row),
            Stream::Pow => row.all(track.sample(index).1.iter().copied(), 3),
            _ => {
                let mut cells = track.newest(self.time(stream, index)).iter().copied();
                for column in &columns.0 {
                    match column {
                        Column::One(_) => row.optional(cells.next(), 2),
                        Column::Group(labels) => {
                            row.open();
                            row.all(cells.by_ref().take(labels.len()), 2);
                            row.close();
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
