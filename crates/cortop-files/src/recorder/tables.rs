//! The files of a recording that have a row or a position for each sample: CSV, EDF and BDF, with
//! the markers beside them.

use std::collections::VecDeque;

use cortop_protocol::{Marker, MarkerId, Sample, Stream, columns::MARKERS};
use cortop_signal::sequence::Placement;
use serde_json::Value;

use super::{
    OpenedStream, RecordError, RecordingFormat,
    bids_sidecars::BidsSidecars,
    csv_output::CsvOutput,
    edf_output::EdfOutput,
    files::RecordingFiles,
    marker_output::{MarkerOutput, RecordedMarker},
    timeline::{Placed, SampleTimeline},
};
use crate::{
    csv_writer::{CsvMetadata, CsvVersion},
    edf::header::{EdfFormat, steady_record},
    json_lines::members,
    output_file::OutputFile,
};

/// How many markers can still become intervals.
const MOST_RECENT: usize = 1024;
/// A marker without an id is identified by its text and by its time, within this many seconds.
const SAME_MARKER: f64 = 0.25;

/// The files, and what determines their rows.
#[derive(Debug)]
pub(super) struct Tables {
    streams: Vec<OpenedStream>,
    /// The stream that sets the rows.
    pace: Stream,
    pace_timeline: SampleTimeline,
    /// For motion beside EEG.
    motion_timeline: SampleTimeline,
    csv: Option<CsvOutput>,
    /// With the stream that sets the rows.
    edf: Vec<EdfOutput>,
    /// Whether motion has files of its own, which begin with its first sample.
    motion_apart: bool,
    motion_edf: Vec<EdfOutput>,
    markers: MarkerOutput,
    /// Beside the EEG, in a BIDS dataset.
    bids: Option<BidsSidecars>,
    /// The newest markers, which may become intervals.
    recent: VecDeque<RecentMarker>,
    /// The number of markers so far.
    count: u64,
    /// How many of them were set before the first sample.
    before_start: u64,
}

/// A marker that is in the files.
#[derive(Debug)]
struct RecentMarker {
    id: Option<MarkerId>,
    text: String,
    /// Epoch seconds of its start and its end.
    time: f64,
    end: Option<f64>,
    /// Its fractional index on the timeline of the rows.
    index: f64,
    /// Its number in the CSV.
    number: Option<u64>,
    /// Its number among the events of a BIDS dataset.
    event: Option<usize>,
}

impl RecentMarker {
    fn is(&self, marker: &RecordedMarker) -> bool {
        match (&self.id, &marker.id) {
            (Some(own), Some(other)) => own == other,
            _ => self.text == marker.text() && (self.time - marker.time).abs() <= SAME_MARKER,
        }
    }
}

impl Tables {
    /// Starts the tables with the first sample of the stream that sets the rows. `streams`: those
    /// that are running.
    pub(super) fn open(
        files: &mut RecordingFiles,
        streams: Vec<OpenedStream>,
        (sample, placement): (&Sample, Placement),
        firmware: &str,
    ) -> Result<Self, RecordError> {
        let pace = sample.subscription.stream;
        let find = |stream: Stream| streams.iter().find(|own| own.stream == stream);
        let rate = |stream: Stream| find(stream).map_or(1.0, |own| own.rate);
        let placed = Placed::first(placement);
        let csv = if files.has(RecordingFormat::Csv) {
            let metadata = metadata(files, &streams, firmware);
            let file = files.create(sample, ".csv")?;
            let path = file.path().to_owned();
            let csv = CsvOutput::new(file, &metadata, &streams);
            Some(csv.map_err(RecordError::write(&path))?)
        } else {
            None
        };
        let mut others: Vec<&OpenedStream> = Vec::new();
        let mut motion_apart = false;
        if pace == Stream::Eeg {
            others.extend([Stream::Dev, Stream::Eq].into_iter().filter_map(find));
            // 6.4 Hz motion has no whole samples in a data record as short as one of EEG.
            let (eeg, motion) = (rate(Stream::Eeg), find(Stream::Mot));
            let fits =
                |own: &&OpenedStream| steady_record(&[eeg, own.rate]) <= steady_record(&[eeg]);
            motion_apart = motion.is_some_and(|own| !fits(&own));
            others.extend(motion.filter(fits));
        }
        let mut edf = Vec::new();
        if let (Some(own), true) = (find(pace), pace.is_trace()) {
            let ending = if pace == Stream::Mot { ".md" } else { "" };
            edf = begin_edf(files, (sample, &placed), (own, &others), ending)?;
        }
        let eeg = edf.first().filter(|_| pace == Stream::Eeg);
        let bids = match eeg {
            Some(eeg) => BidsSidecars::begin(files, eeg.header(), firmware)?,
            None => None,
        };
        Ok(Self {
            pace,
            pace_timeline: SampleTimeline::new(rate(pace)),
            motion_timeline: SampleTimeline::new(rate(Stream::Mot)),
            csv,
            edf,
            motion_apart,
            motion_edf: Vec::new(),
            markers: MarkerOutput::new(files.stem(), placed.stamp),
            bids,
            recent: VecDeque::new(),
            count: 0,
            before_start: 0,
            streams,
        })
    }

    /// The stream that sets the rows.
    pub(super) fn pace(&self) -> Stream {
        self.pace
    }

    /// The timeline of its samples.
    pub(super) fn pace_timeline(&self) -> &SampleTimeline {
        &self.pace_timeline
    }

    /// The number of markers so far.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Whether the samples of a stream have a position.
    pub(super) fn fits(&self, opened: &OpenedStream) -> bool {
        self.streams.iter().any(|own| own.fits(opened))
    }

    /// Starts the files of motion that has its own.
    fn begin_motion(
        &mut self,
        files: &mut RecordingFiles,
        sample: &Sample,
        placement: Placement,
    ) -> Result<(), RecordError> {
        if !self.motion_apart || !self.motion_edf.is_empty() {
            return Ok(());
        }
        let motion = self.streams.iter().find(|own| own.stream == Stream::Mot);
        let Some(motion) = motion else { return Ok(()) };
        let placed = Placed::first(placement);
        self.motion_edf = begin_edf(files, (sample, &placed), (motion, &[]), ".md")?;
        Ok(())
    }

    /// Records a sample.
    pub(super) fn sample(
        &mut self,
        files: &mut RecordingFiles,
        sample: &Sample,
        placement: Placement,
        resumes: bool,
    ) -> Result<(), RecordError> {
        let (stream, values) = (sample.subscription.stream, &sample.values);
        if stream == Stream::Mot {
            self.begin_motion(files, sample, placement)?;
        }
        if stream != self.pace {
            if let Some(csv) = &mut self.csv {
                csv.sample(stream, values);
            }
            if stream == Stream::Mot {
                let placed = self.motion_timeline.place(sample, placement, resumes);
                for own in &mut self.edf {
                    let written = own.motion(values, &placed, &self.pace_timeline);
                    written.map_err(RecordError::write(own.path()))?;
                }
                for own in &mut self.motion_edf {
                    let written = own.pace(values, &placed, &self.motion_timeline);
                    written.map_err(RecordError::write(own.path()))?;
                }
            } else {
                self.edf.iter_mut().for_each(|own| own.state(stream, values));
            }
            return Ok(());
        }
        let placed = self.pace_timeline.place(sample, placement, resumes);
        if let (Some(bids), 1..) = (&mut self.bids, placed.lost) {
            bids.gap(placed.index.saturating_sub(placed.lost), placed.lost);
        }
        if !values.markers.is_empty() {
            for marker in markers(sample, placed.stamp) {
                self.mark(&marker, Some(placed.index))?;
            }
        }
        if let Some(csv) = &mut self.csv {
            let written = csv.row(stream, values, &placed);
            written.map_err(RecordError::write(csv.path()))?;
        }
        for own in &mut self.edf {
            let written = own.pace(values, &placed, &self.pace_timeline);
            written.map_err(RecordError::write(own.path()))?;
        }
        Ok(())
    }

    /// Whether it has a marker that may still get an end.
    pub(super) fn has_marker(&self, marker: &RecordedMarker) -> bool {
        self.recent.iter().any(|own| own.is(marker))
    }

    /// Adds a marker, at a sample or by its time, or the end of a known one.
    pub(super) fn mark(
        &mut self,
        marker: &RecordedMarker,
        at: Option<u64>,
    ) -> Result<(), RecordError> {
        if !self.has_marker(marker) {
            self.begin_marker(marker, at);
        }
        match marker.end {
            Some(end) => self.end_marker(marker, end),
            None => Ok(()),
        }
    }

    fn begin_marker(&mut self, marker: &RecordedMarker, at: Option<u64>) {
        self.count += 1;
        // An interval appears in the stream at its end.
        let at = at.filter(|_| marker.end.is_none()).map(|at| at as f64);
        let index = at.or_else(|| self.pace_timeline.index_of_stamp(marker.time));
        let index = index.unwrap_or_default();
        self.before_start += u64::from(index < 0.0);
        let (time, text) = (marker.time, marker.text());
        for own in &mut self.edf {
            own.annotate(index, text.clone());
        }
        let mut number = None;
        if let Some(csv) = &mut self.csv {
            let row = self.markers.push(marker);
            number = Some(row.index);
            csv.mark(time, row);
        }
        let event = self.bids.as_mut().and_then(|bids| bids.mark(index, marker));
        if self.recent.len() == MOST_RECENT {
            self.recent.pop_front();
        }
        let id = marker.id.clone();
        self.recent.push_back(RecentMarker { id, text, time, end: None, index, number, event });
    }

    /// Turns a marker into an interval. Its length is measured on the timeline, which is not
    /// affected when a clock is set.
    fn end_marker(&mut self, marker: &RecordedMarker, end: f64) -> Result<(), RecordError> {
        let own = self.recent.iter_mut().rev().find(|own| own.is(marker));
        let (Some(own), Some(to)) = (own, self.pace_timeline.index_of_stamp(end)) else {
            return Ok(());
        };
        let is_known = own.end.is_some_and(|own| own.total_cmp(&end).is_eq());
        if is_known || to <= own.index {
            return Ok(());
        }
        own.end = Some(end);
        for edf in &mut self.edf {
            let written = edf.end_annotation(&own.text, own.index, to);
            written.map_err(RecordError::write(edf.path()))?;
        }
        if let (Some(bids), Some(event)) = (&mut self.bids, own.event) {
            bids.end_marker(event, to);
        }
        if let (Some(csv), Some(number)) = (&mut self.csv, own.number) {
            let lasted = (to - own.index) / self.pace_timeline.pace();
            self.markers.end(number, own.time + lasted);
            csv.end_marker(number).map_err(RecordError::write(csv.path()))?;
        }
        Ok(())
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &OutputFile> {
        let edf = self.edf.iter().chain(&self.motion_edf).map(EdfOutput::file);
        self.csv.iter().map(CsvOutput::file).chain(edf)
    }

    pub(super) fn flush(&mut self, syncs: bool) -> Result<(), RecordError> {
        if let Some(csv) = &mut self.csv {
            csv.flush().map_err(RecordError::write(csv.path()))?;
            self.markers.flush().map_err(RecordError::write(&self.markers.path()))?;
        }
        for own in self.edf.iter_mut().chain(&mut self.motion_edf) {
            own.flush().map_err(RecordError::write(own.path()))?;
        }
        if let Some(bids) = &mut self.bids {
            bids.flush()?;
        }
        if syncs {
            for file in self.files() {
                file.sync().map_err(RecordError::write(file.path()))?;
            }
        }
        Ok(())
    }

    /// Ends the files. Returns what could not be written as received.
    pub(super) fn finish(mut self) -> Result<Vec<String>, RecordError> {
        let mut notes = Vec::new();
        if self.before_start > 0 && !self.edf.is_empty() {
            notes.push(format!(
                "{} markers were set before the first sample: EDF and BDF have them at its time",
                self.before_start
            ));
        }
        if self.csv.is_some() {
            self.markers.finish().map_err(RecordError::write(&self.markers.path()))?;
        }
        let paced = self.edf.into_iter().map(|own| (own, &self.pace_timeline));
        let motion = self.motion_edf.into_iter().map(|own| (own, &self.motion_timeline));
        for (own, timeline) in paced.chain(motion) {
            let path = own.path().to_owned();
            let summary = own.finish(timeline).map_err(RecordError::write(&path))?;
            // The first file is that of the EEG.
            if let Some(bids) = self.bids.take() {
                notes.extend(bids.finish(&summary)?);
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if summary.clipped > 0 {
                let count = summary.clipped;
                notes.push(format!("{count} values were beyond the scale of {name}; CSV has them"));
            }
            if summary.dropped > 0 {
                let count = summary.dropped;
                notes.push(format!("{count} samples of motion came too late for {name}"));
            }
        }
        Ok(notes)
    }
}

/// Creates the EDF and BDF files, if wanted.
fn begin_edf(
    files: &mut RecordingFiles,
    (sample, placed): (&Sample, &Placed),
    (pace, others): (&OpenedStream, &[&OpenedStream]),
    ending: &str,
) -> Result<Vec<EdfOutput>, RecordError> {
    let formats =
        [(RecordingFormat::Edf, EdfFormat::EdfPlus), (RecordingFormat::Bdf, EdfFormat::BdfPlus)];
    let mut begun = Vec::new();
    for (format, kind) in formats {
        if files.has(format) {
            let file = files.create(sample, &format!("{ending}.{}", format.name()))?;
            let path = file.path().to_owned();
            let of = (&files.options, &files.headset);
            let own = EdfOutput::new(file, kind, of, pace, others, (&sample.values, placed));
            begun.push(own.map_err(RecordError::write(&path))?);
        }
    }
    Ok(begun)
}

fn metadata(files: &RecordingFiles, streams: &[OpenedStream], firmware: &str) -> CsvMetadata {
    let id = files.headset.as_str();
    let (kind, serial) = id.split_once('-').unwrap_or((id, ""));
    let names =
        [(Stream::Eeg, "eeg"), (Stream::Mot, "mot"), (Stream::Met, "pm"), (Stream::Pow, "pow")];
    let rates = names.into_iter().filter_map(|(stream, name)| {
        let own = streams.iter().find(|own| own.stream == stream)?;
        Some((name, own.rate))
    });
    CsvMetadata {
        title: files.options.title.clone(),
        subject: files.options.subject.clone(),
        headset_type: kind.to_owned(),
        serial: serial.to_owned(),
        firmware: firmware.to_owned(),
        rates: rates.collect(),
        version: CsvVersion::V2,
    }
}

/// The markers that came with a sample, with label and value separate.
fn markers(sample: &Sample, time: f64) -> Vec<RecordedMarker> {
    let Some((_, values)) = members(sample) else { return Vec::new() };
    let own = values.into_iter().find(|own| own.label == Some(MARKERS)).and_then(|own| own.value);
    let all: Vec<Value> =
        own.and_then(|own| serde_json::from_str(own.get()).ok()).unwrap_or_default();
    // As many as the sample contains.
    let all = all.into_iter().take(sample.values.markers.len());
    all.map(|mut own| {
        let known = Marker::from(own.clone());
        let (id, interval) = (known.uuid.clone(), known.is_interval());
        RecordedMarker {
            id: (!id.as_str().is_empty()).then_some(id),
            label: own["label"].as_str().map(cortop_protocol::sanitize::clean).unwrap_or_default(),
            value: own.get_mut("value").map(Value::take).unwrap_or_default(),
            time: if interval { known.start } else { time },
            end: interval.then_some(known.end),
        }
    })
    .collect()
}
