//! The recording of one headset: its streams in sequence, over all of its sessions, and the files
//! they go to.

use std::{path::PathBuf, sync::Arc};

use cortop_protocol::{
    HeadsetId, Sample, SessionId, Stream, Subscription, columns::MARKERS, values::Conformance,
};
use cortop_signal::{
    sequence::{Placement, Sequence, Step, Witness},
    sink::Sink as _,
};
use jiff::{Timestamp, Zoned, tz::TimeZone};
use serde_json::Value;

use super::{
    OpenedStream, RecordError, RecordedFile, RecorderOptions, RecorderStatus, RecordingFormat,
    csv_output::CsvOutput,
    edf_output::EdfOutput,
    marker_output::{MarkerOutput, RecordedMarker},
    names,
    timeline::{Placed, SampleTimeline},
};
use crate::{
    csv_writer::{CsvMetadata, CsvVersion},
    edf::header::{EdfFormat, steady_record},
    json_lines::{JsonLines, members},
    output_file::OutputFile,
};

/// Endings of all files that a recording may have.
const ENDINGS: [&str; 8] =
    [".csv", ".json", "_intervalMarker.csv", ".edf", ".md.edf", ".bdf", ".md.bdf", ".jsonl"];

/// Streams with a place in a table, in the order in which one of them gives the rows.
const TABLE: [Stream; 7] =
    [Stream::Eeg, Stream::Mot, Stream::Pow, Stream::Met, Stream::Dev, Stream::Eq, Stream::Com];

/// The recording of one headset.
#[derive(Debug)]
pub(super) struct HeadsetRecording {
    pub(super) headset: HeadsetId,
    options: RecorderOptions,
    streams: Vec<RecordedStream>,
    lines: Option<JsonLines<OutputFile>>,
    tables: Option<Tables>,
    /// The path of the files without an ending, once one is made.
    stem: Option<PathBuf>,
    /// What came of files that are closed.
    closed: RecorderStatus,
}

/// A subscription that is recorded.
#[derive(Debug)]
struct RecordedStream {
    subscription: Arc<Subscription>,
    sequence: Sequence<Sample>,
    in_force: bool,
    /// Its next sample is the first since a connection was lost.
    resumes: bool,
}

/// The files with a row or a place for each sample.
#[derive(Debug)]
struct Tables {
    streams: Vec<OpenedStream>,
    /// The stream that gives the rows.
    pace: Stream,
    pace_timeline: SampleTimeline,
    /// Of motion beside EEG.
    motion_timeline: SampleTimeline,
    csv: Option<CsvOutput>,
    /// With the pace of the rows.
    edf: Vec<EdfOutput>,
    /// Motion has files of its own, which begin with its first sample.
    motion_apart: bool,
    motion_edf: Vec<EdfOutput>,
    markers: MarkerOutput,
    count: u64,
}

impl HeadsetRecording {
    pub(super) fn new(headset: HeadsetId, options: RecorderOptions) -> Self {
        Self {
            headset,
            options,
            streams: Vec::new(),
            lines: None,
            tables: None,
            stem: None,
            closed: RecorderStatus::default(),
        }
    }

    /// Whether it has a stream of a session.
    pub(super) fn is_of(&self, session: &SessionId) -> bool {
        self.streams.iter().any(|own| own.in_force && own.subscription.session == *session)
    }

    /// Whether a format is asked for.
    fn has(&self, format: RecordingFormat) -> bool {
        self.options.formats.contains(&format)
    }

    /// A subscription came into force. Files whose columns it does not fit end; others follow.
    pub(super) fn subscribe(
        &mut self,
        subscription: &Arc<Subscription>,
    ) -> Result<(), RecordError> {
        let stream = subscription.stream;
        let known = self.streams.iter().position(|own| own.subscription.stream == stream);
        let mut own = RecordedStream {
            sequence: Sequence::new(subscription, stream.is_trace()),
            subscription: Arc::clone(subscription),
            in_force: true,
            resumes: known.is_some(),
        };
        let opened = opened(&own);
        if let Some(at) = known {
            own.resumes = true;
            self.streams[at] = own;
        } else {
            self.streams.push(own);
        }
        let fits = self.tables.as_ref().is_none_or(|tables| {
            !TABLE.contains(&stream) || tables.streams.iter().any(|own| own.fits(&opened))
        });
        if fits { Ok(()) } else { self.close() }
    }

    /// Some streams of a session are over.
    pub(super) fn end(&mut self, session: &SessionId, stream: Option<Stream>) {
        for own in &mut self.streams {
            let theirs = &own.subscription;
            if theirs.session == *session && stream.is_none_or(|stream| stream == theirs.stream) {
                own.in_force = false;
            }
        }
    }

    /// Takes a sample in.
    pub(super) fn sample(
        &mut self,
        sample: &Sample,
        firmware: &dyn Fn(&HeadsetId) -> String,
    ) -> Result<(), RecordError> {
        let is_own = |own: &RecordedStream| {
            own.in_force && Arc::ptr_eq(&own.subscription, &sample.subscription)
        };
        let Some(at) = self.streams.iter().position(is_own) else { return Ok(()) };
        if sample.values.fit == Conformance::None {
            return Ok(());
        }
        if self.has(RecordingFormat::Jsonl) {
            if self.lines.is_none() {
                let file = self.create(sample, ".jsonl")?;
                self.lines = Some(JsonLines::new(file));
            }
            if let Some(lines) = &mut self.lines {
                lines.sample(sample).map_err(RecordError::write(lines.get_ref().path()))?;
            }
        }
        if self.options.formats.iter().any(|format| *format != RecordingFormat::Jsonl) {
            self.sequence(at, sample, firmware)?;
        }
        Ok(())
    }

    /// Puts a sample at its place, once that is known.
    fn sequence(
        &mut self,
        at: usize,
        sample: &Sample,
        firmware: &dyn Fn(&HeadsetId) -> String,
    ) -> Result<(), RecordError> {
        let witness = self.witness(at);
        let Some(own) = self.streams.get_mut(at) else { return Ok(()) };
        match own.sequence.push(sample, witness) {
            Step::Next(placement) => self.place(at, sample, placement, firmware),
            Step::Repeat | Step::Held => Ok(()),
            Step::Released(samples) => {
                samples.iter().try_for_each(|sample| self.sequence(at, sample, firmware))
            }
        }
    }

    /// What the other streams say of the step of the clock that one of them shows.
    fn witness(&self, at: usize) -> Witness {
        let Some(step) = self.streams.get(at).and_then(|own| own.sequence.suspected_step()) else {
            return Witness::default();
        };
        let others = self.streams.iter().enumerate();
        let others = others.filter(|(other, own)| *other != at && own.in_force);
        others.map(|(_, own)| own.sequence.witness(step)).max().unwrap_or_default()
    }

    fn place(
        &mut self,
        at: usize,
        sample: &Sample,
        placement: Placement,
        firmware: &dyn Fn(&HeadsetId) -> String,
    ) -> Result<(), RecordError> {
        let Some(own) = self.streams.get_mut(at) else { return Ok(()) };
        let (stream, resumes) = (own.subscription.stream, std::mem::take(&mut own.resumes));
        let away = self.tables.as_ref().and_then(|own| own.pace_timeline.silence(sample.received));
        if away.is_some_and(|seconds| seconds > self.options.resume_within.as_secs_f64())
            && self.tables.as_ref().is_some_and(|tables| tables.pace == stream)
        {
            self.close()?;
        }
        if self.tables.is_none() {
            if self.pace() != Some(stream) {
                return Ok(());
            }
            self.open(sample, placement, firmware)?;
        }
        if stream == Stream::Mot {
            self.begin_motion(sample, placement)?;
        }
        match &mut self.tables {
            Some(tables) => tables.sample(sample, placement, resumes),
            None => Ok(()),
        }
    }

    /// The stream that gives the rows.
    fn pace(&self) -> Option<Stream> {
        let in_force = |stream: &Stream| {
            self.streams.iter().any(|own| own.in_force && own.subscription.stream == *stream)
        };
        TABLE.into_iter().find(in_force)
    }

    /// A new file. The first of a recording names them all.
    fn create(&mut self, sample: &Sample, ending: &str) -> Result<OutputFile, RecordError> {
        let options = &self.options;
        let stem = self.stem.get_or_insert_with(|| {
            let begun = Zoned::new(moment(sample), TimeZone::system());
            let texts = (options.title.as_str(), options.subject.as_str());
            names::stem(&options.folder, texts, &self.headset, &begun, &ENDINGS)
        });
        let path = names::with_ending(stem, ending);
        OutputFile::create(path.clone()).map_err(|source| RecordError::Create { path, source })
    }

    /// Begins the tables with the first sample of the stream that gives the rows.
    fn open(
        &mut self,
        sample: &Sample,
        placement: Placement,
        firmware: &dyn Fn(&HeadsetId) -> String,
    ) -> Result<(), RecordError> {
        let pace = sample.subscription.stream;
        let in_force = |stream: &Stream| {
            let mut own = self.streams.iter().filter(|own| own.in_force);
            own.find(|own| own.subscription.stream == *stream).map(opened)
        };
        let streams: Vec<_> = TABLE.iter().filter_map(in_force).collect();
        let find = |stream: Stream| streams.iter().find(|own| own.stream == stream);
        let rate = |stream: Stream| find(stream).map_or(1.0, |own| own.rate);
        let placed = Placed::first(placement);
        let csv = if self.has(RecordingFormat::Csv) {
            let metadata = self.metadata(&streams, firmware);
            let file = self.create(sample, ".csv")?;
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
            // Motion of 6.4 Hz has no whole samples in a record as short as one of EEG.
            let (eeg, motion) = (rate(Stream::Eeg), find(Stream::Mot));
            let fits =
                |own: &&OpenedStream| steady_record(&[eeg, own.rate]) <= steady_record(&[eeg]);
            motion_apart = motion.is_some_and(|own| !fits(&own));
            others.extend(motion.filter(fits));
        }
        let mut edf = Vec::new();
        if let (Some(own), true) = (find(pace), pace.is_trace()) {
            let ending = if pace == Stream::Mot { ".md" } else { "" };
            edf = self.begin_edf(sample, &placed, (own, &others), ending)?;
        } else if self.has(RecordingFormat::Edf) || self.has(RecordingFormat::Bdf) {
            let headset = &self.headset;
            self.note(format!("{headset}: EDF and BDF hold EEG and motion, and neither flows"));
        }
        let stem = self.stem.clone().unwrap_or_default();
        let tables = Tables {
            pace,
            pace_timeline: SampleTimeline::new(rate(pace)),
            motion_timeline: SampleTimeline::new(rate(Stream::Mot)),
            csv,
            edf,
            motion_apart,
            motion_edf: Vec::new(),
            markers: MarkerOutput::new(&stem, placed.stamp),
            count: 0,
            streams,
        };
        self.tables = Some(tables);
        Ok(())
    }

    /// New files of EDF and BDF, as far as they are asked for.
    fn begin_edf(
        &mut self,
        sample: &Sample,
        placed: &Placed,
        (pace, others): (&OpenedStream, &[&OpenedStream]),
        ending: &str,
    ) -> Result<Vec<EdfOutput>, RecordError> {
        let formats = [
            (RecordingFormat::Edf, EdfFormat::EdfPlus),
            (RecordingFormat::Bdf, EdfFormat::BdfPlus),
        ];
        let mut begun = Vec::new();
        for (format, kind) in formats {
            if self.has(format) {
                let file = self.create(sample, &format!("{ending}.{}", format.name()))?;
                let path = file.path().to_owned();
                let of = (&self.options, &self.headset);
                let first = (&sample.values, placed);
                let own = EdfOutput::new(file, kind, of, pace, others, first);
                begun.push(own.map_err(RecordError::write(&path))?);
            }
        }
        Ok(begun)
    }

    /// The files of motion that has its own.
    fn begin_motion(&mut self, sample: &Sample, placement: Placement) -> Result<(), RecordError> {
        let Some(tables) = self.tables.as_ref().filter(|own| own.motion_apart) else {
            return Ok(());
        };
        let motion = tables.streams.iter().find(|own| own.stream == Stream::Mot).cloned();
        let Some(motion) = motion.filter(|_| tables.motion_edf.is_empty()) else { return Ok(()) };
        let placed = Placed::first(placement);
        let begun = self.begin_edf(sample, &placed, (&motion, &[]), ".md")?;
        if let Some(tables) = &mut self.tables {
            tables.motion_edf = begun;
        }
        Ok(())
    }

    fn metadata(
        &self,
        streams: &[OpenedStream],
        firmware: &dyn Fn(&HeadsetId) -> String,
    ) -> CsvMetadata {
        let id = self.headset.as_str();
        let (kind, serial) = id.split_once('-').unwrap_or((id, ""));
        let names =
            [(Stream::Eeg, "eeg"), (Stream::Mot, "mot"), (Stream::Met, "pm"), (Stream::Pow, "pow")];
        let rates = names.into_iter().filter_map(|(stream, name)| {
            let own = streams.iter().find(|own| own.stream == stream)?;
            Some((name, own.rate))
        });
        CsvMetadata {
            title: self.options.title.clone(),
            subject: self.options.subject.clone(),
            headset_type: kind.to_owned(),
            serial: serial.to_owned(),
            firmware: firmware(&self.headset),
            rates: rates.collect(),
            version: CsvVersion::V2,
        }
    }

    fn note(&mut self, text: String) {
        tracing::warn!("{text}");
        self.closed.notes.push(text);
    }

    /// A marker of ours. One in the record comes with the EEG, too.
    pub(super) fn marker(
        &mut self,
        session: &SessionId,
        time: f64,
        text: &str,
        in_record: bool,
    ) -> Result<(), RecordError> {
        let mut own =
            self.streams.iter().filter(|own| own.in_force && own.subscription.session == *session);
        let Some(first) = own.clone().next().map(|own| Arc::clone(&own.subscription)) else {
            return Ok(());
        };
        if in_record && own.any(|own| own.subscription.stream == Stream::Eeg) {
            return Ok(());
        }
        if let Some(lines) = &mut self.lines {
            lines
                .push_marker(&first, time, text)
                .map_err(RecordError::write(lines.get_ref().path()))?;
        }
        if let Some(tables) = &mut self.tables {
            tables.mark(&RecordedMarker::from_text(text, time), None);
        }
        Ok(())
    }

    /// Passes on what was measured.
    pub(super) fn flush(&mut self, syncs: bool) -> Result<(), RecordError> {
        if let Some(lines) = &mut self.lines {
            let file =
                lines.flush().and_then(|()| if syncs { lines.get_ref().sync() } else { Ok(()) });
            file.map_err(RecordError::write(lines.get_ref().path()))?;
        }
        match &mut self.tables {
            Some(tables) => tables.flush(syncs),
            None => Ok(()),
        }
    }

    /// What there is of it.
    pub(super) fn status(&self) -> RecorderStatus {
        let mut status = self.closed.clone();
        let mut add = |file: &OutputFile| {
            let headset = self.headset.clone();
            status.files.push(RecordedFile {
                headset,
                path: file.path().to_owned(),
                size: file.size(),
            });
        };
        if let Some(tables) = &self.tables {
            tables.files().for_each(&mut add);
        }
        self.lines.iter().for_each(|lines| add(lines.get_ref()));
        if let Some(tables) = &self.tables {
            status.samples += tables.pace_timeline.received;
            status.lost += tables.pace_timeline.lost;
            status.markers += tables.count;
        }
        status
    }

    /// Closes the files: the next sample begins others.
    fn close(&mut self) -> Result<(), RecordError> {
        self.flush(true)?;
        let mut status = self.status();
        (self.lines, self.stem) = (None, None);
        let notes = match self.tables.take() {
            Some(tables) => tables.finish()?,
            None => Vec::new(),
        };
        for file in &mut status.files {
            file.size = std::fs::metadata(&file.path).map_or(file.size, |it| it.len());
        }
        self.closed = status;
        let headset = self.headset.clone();
        for note in notes {
            self.note(format!("{headset}: {note}"));
        }
        Ok(())
    }

    /// Ends it.
    pub(super) fn finish(&mut self) -> Result<(), RecordError> {
        self.close()
    }
}

impl Tables {
    fn sample(
        &mut self,
        sample: &Sample,
        placement: Placement,
        resumes: bool,
    ) -> Result<(), RecordError> {
        let (stream, values) = (sample.subscription.stream, &sample.values);
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
        if !values.markers.is_empty() {
            for marker in markers(sample, placed.stamp) {
                self.mark(&marker, Some(placed.index));
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

    /// Takes a marker: at a sample, or by its time.
    fn mark(&mut self, marker: &RecordedMarker, at: Option<u64>) {
        self.count += 1;
        let index = at.map(|at| at as f64);
        let index = index.or_else(|| self.pace_timeline.index_of_stamp(marker.time));
        for own in &mut self.edf {
            own.annotate(index.unwrap_or_default(), marker.text());
        }
        if let Some(csv) = &mut self.csv {
            csv.mark(marker.time, self.markers.push(marker));
        }
    }

    fn files(&self) -> impl Iterator<Item = &OutputFile> {
        let edf = self.edf.iter().chain(&self.motion_edf).map(EdfOutput::file);
        self.csv.iter().map(CsvOutput::file).chain(edf)
    }

    fn flush(&mut self, syncs: bool) -> Result<(), RecordError> {
        if let Some(csv) = &mut self.csv {
            csv.flush().map_err(RecordError::write(csv.path()))?;
            self.markers.flush().map_err(RecordError::write(&self.markers.path()))?;
        }
        for own in self.edf.iter_mut().chain(&mut self.motion_edf) {
            own.flush().map_err(RecordError::write(own.path()))?;
        }
        if syncs {
            for file in self.files() {
                file.sync().map_err(RecordError::write(file.path()))?;
            }
        }
        Ok(())
    }

    /// Ends the files; gives what could not be written as it came.
    fn finish(mut self) -> Result<Vec<String>, RecordError> {
        let mut notes = Vec::new();
        if self.csv.is_some() {
            self.markers.finish().map_err(RecordError::write(&self.markers.path()))?;
        }
        let paced = self.edf.into_iter().map(|own| (own, &self.pace_timeline));
        let motion = self.motion_edf.into_iter().map(|own| (own, &self.motion_timeline));
        for (own, timeline) in paced.chain(motion) {
            let path = own.path().to_owned();
            let summary = own.finish(timeline).map_err(RecordError::write(&path))?;
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

/// A stream as tables have it.
fn opened(own: &RecordedStream) -> OpenedStream {
    let Subscription { stream, columns, .. } = &*own.subscription;
    OpenedStream {
        stream: *stream,
        labels: columns.labels().map(str::to_owned).collect(),
        rate: own.sequence.rate().unwrap_or(1.0),
    }
}

/// When a sample was measured; now where it does not say.
fn moment(sample: &Sample) -> Timestamp {
    let since =
        sample.values.time.and_then(|time| jiff::SignedDuration::try_from_secs_f64(time).ok());
    since.and_then(|since| Timestamp::from_duration(since).ok()).unwrap_or_else(Timestamp::now)
}

/// The markers that came with a sample, label and value apart.
fn markers(sample: &Sample, time: f64) -> Vec<RecordedMarker> {
    let Some((_, values)) = members(sample) else { return Vec::new() };
    let own = values.into_iter().find(|own| own.label == Some(MARKERS)).and_then(|own| own.value);
    let all: Vec<Value> =
        own.and_then(|own| serde_json::from_str(own.get()).ok()).unwrap_or_default();
    // As many as are shown of a sample.
    let all = all.into_iter().take(sample.values.markers.len());
    all.map(|mut own| RecordedMarker {
        label: own["label"].as_str().map(cortop_protocol::sanitize::clean).unwrap_or_default(),
        value: own.get_mut("value").map(Value::take).unwrap_or_default(),
        time,
    })
    .collect()
}
