//! The recording of one headset: its streams in sequence, across all of its sessions, and the files
//! into which they go.

use std::{sync::Arc, time::Instant};

use cortop_protocol::{
    HeadsetId, Sample, SessionId, SessionMarker, Stream, Subscription, values::Conformance,
};
use cortop_signal::{
    sequence::{Placement, Sequence, Step, Witness},
    sink::Sink as _,
};

use super::{
    OpenedStream, RecordError, RecordedFile, RecorderOptions, RecorderStatus, RecordingFormat,
    files::RecordingFiles, marker_output::RecordedMarker, tables::Tables,
};
use crate::{json_lines::JsonLines, output_file::OutputFile};

/// Streams with a position in a table, in order of preference for setting the rows.
const TABLE: [Stream; 7] =
    [Stream::Eeg, Stream::Mot, Stream::Pow, Stream::Met, Stream::Dev, Stream::Eq, Stream::Com];

/// The recording of one headset.
#[derive(Debug)]
pub(super) struct HeadsetRecording {
    files: RecordingFiles,
    streams: Vec<StreamRecording>,
    lines: Option<JsonLines<OutputFile>>,
    tables: Option<Tables>,
    /// When the newest sample of any stream was received.
    newest: Option<Instant>,
    /// The status of files that are closed.
    closed: RecorderStatus,
}

/// A subscription that is recorded.
#[derive(Debug)]
struct StreamRecording {
    subscription: Arc<Subscription>,
    sequence: Sequence<Sample>,
    in_force: bool,
    /// Whether its next sample is the first since a connection was lost.
    resumes: bool,
}

impl HeadsetRecording {
    pub(super) fn new(headset: HeadsetId, options: RecorderOptions) -> Self {
        let named = options.bids.iter().flat_map(|bids| &bids.notes);
        let notes = named.map(|note| format!("{headset}: {note}")).collect();
        Self {
            files: RecordingFiles::new(headset, options),
            streams: Vec::new(),
            lines: None,
            tables: None,
            newest: None,
            closed: RecorderStatus { notes, ..RecorderStatus::default() },
        }
    }

    pub(super) fn headset(&self) -> &HeadsetId {
        &self.files.headset
    }

    /// Whether it has a stream of a session.
    pub(super) fn is_of(&self, session: &SessionId) -> bool {
        self.streams.iter().any(|own| own.in_force && own.subscription.session == *session)
    }

    /// A subscription started. Files with different columns end; new ones follow.
    pub(super) fn subscribe(
        &mut self,
        subscription: &Arc<Subscription>,
    ) -> Result<(), RecordError> {
        let stream = subscription.stream;
        let known = self.streams.iter().position(|own| own.subscription.stream == stream);
        let mut own = StreamRecording {
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
        let fits = self
            .tables
            .as_ref()
            .is_none_or(|tables| !TABLE.contains(&stream) || tables.fits(&opened));
        if fits { Ok(()) } else { self.close() }
    }

    /// Some streams of a session have ended.
    pub(super) fn end(&mut self, session: &SessionId, stream: Option<Stream>) {
        for own in &mut self.streams {
            let theirs = &own.subscription;
            if theirs.session == *session && stream.is_none_or(|stream| stream == theirs.stream) {
                own.in_force = false;
            }
        }
    }

    /// Processes a sample.
    pub(super) fn sample(
        &mut self,
        sample: &Sample,
        firmware: &dyn Fn(&HeadsetId) -> String,
    ) -> Result<(), RecordError> {
        let is_own = |own: &StreamRecording| {
            own.in_force && Arc::ptr_eq(&own.subscription, &sample.subscription)
        };
        let Some(at) = self.streams.iter().position(is_own) else { return Ok(()) };
        if sample.values.fit == Conformance::None {
            return Ok(());
        }
        if self.was_away(sample) {
            self.close()?;
        }
        self.newest = Some(sample.received);
        if self.files.has(RecordingFormat::Jsonl) {
            if self.lines.is_none() {
                let file = self.files.create(sample, ".jsonl")?;
                self.lines = Some(JsonLines::new(file));
            }
            if let Some(lines) = &mut self.lines {
                lines.sample(sample).map_err(RecordError::write(lines.get_ref().path()))?;
            }
        }
        if self.wants_tables() {
            self.sequence(at, sample, firmware)?;
        }
        Ok(())
    }

    /// Whether the headset, or the stream that sets the rows, has been away for so long that a
    /// sample starts new files.
    fn was_away(&self, sample: &Sample) -> bool {
        let most = self.files.options.resume_within;
        let pace = self.tables.as_ref().filter(|own| own.pace() == sample.subscription.stream);
        let of_pace = pace.and_then(|own| own.pace_timeline().silence(sample.received));
        self.newest.is_some_and(|newest| sample.received.duration_since(newest) > most)
            || of_pace.is_some_and(|seconds| seconds > most.as_secs_f64())
    }

    /// Records a sample at its position, once that is known.
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

    /// What the other streams indicate about a clock step that one of them shows.
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
        if self.tables.is_none() {
            if self.pace() != Some(stream) {
                return Ok(());
            }
            self.open(sample, placement, &firmware(&self.files.headset))?;
        }
        match &mut self.tables {
            Some(tables) => tables.sample(&mut self.files, sample, placement, resumes),
            None => Ok(()),
        }
    }

    /// The stream that sets the rows.
    fn pace(&self) -> Option<Stream> {
        let in_force = |stream: &Stream| {
            self.streams.iter().any(|own| own.in_force && own.subscription.stream == *stream)
        };
        TABLE.into_iter().find(in_force)
    }

    /// Starts the tables with the first sample of the stream that sets the rows.
    fn open(
        &mut self,
        sample: &Sample,
        placement: Placement,
        firmware: &str,
    ) -> Result<(), RecordError> {
        let in_force = |stream: &Stream| {
            let mut own = self.streams.iter().filter(|own| own.in_force);
            own.find(|own| own.subscription.stream == *stream).map(opened)
        };
        let streams: Vec<_> = TABLE.iter().filter_map(in_force).collect();
        let has_edf = [RecordingFormat::Edf, RecordingFormat::Bdf];
        if !sample.subscription.stream.is_trace()
            && has_edf.into_iter().any(|own| self.files.has(own))
        {
            let headset = self.headset();
            self.note(format!(
                "{headset}: EDF and BDF hold EEG and motion, and neither is subscribed"
            ));
        }
        if self.files.options.bids.is_some() && sample.subscription.stream != Stream::Eeg {
            let headset = self.headset();
            self.note(format!(
                "{headset}: no EEG flows; what does is in sourcedata of the dataset"
            ));
        }
        let first = (sample, placement);
        self.tables = Some(Tables::open(&mut self.files, streams, first, firmware)?);
        Ok(())
    }

    fn note(&mut self, text: String) {
        tracing::warn!("{text}");
        self.closed.notes.push(text);
    }

    /// Whether there is a file yet.
    pub(super) fn has_files(&self) -> bool {
        self.lines.is_some() || self.tables.is_some()
    }

    /// Whether all files into which the running streams are written exist.
    pub(super) fn is_begun(&self) -> bool {
        let awaits_table = self.wants_tables() && self.tables.is_none() && self.pace().is_some();
        self.has_files() && !awaits_table
    }

    fn wants_tables(&self) -> bool {
        self.files.options.formats.iter().any(|format| *format != RecordingFormat::Jsonl)
    }

    /// Whether it has a marker that may still get an end.
    pub(super) fn has_marker(&self, marker: &SessionMarker) -> bool {
        let own = RecordedMarker::from(marker);
        self.tables.as_ref().is_some_and(|tables| tables.has_marker(&own))
    }

    /// Adds a marker of ours, or its end. One in Cortex's record also comes with the EEG.
    pub(super) fn marker(&mut self, marker: &SessionMarker) -> Result<(), RecordError> {
        let mut own = self.streams.iter().filter(|own| own.in_force);
        let comes_with_eeg = own.any(|own| {
            own.subscription.session == marker.session && own.subscription.stream == Stream::Eeg
        });
        if marker.end.is_none() && marker.id.is_some() && comes_with_eeg {
            return Ok(());
        }
        if let Some(lines) = &mut self.lines {
            lines
                .push_marker(&self.files.headset, marker)
                .map_err(RecordError::write(lines.get_ref().path()))?;
        }
        match &mut self.tables {
            Some(tables) => tables.mark(&RecordedMarker::from(marker), None),
            None => Ok(()),
        }
    }

    /// Hands the data to the operating system, or with `syncs` to the disk.
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

    /// The status of this recording.
    pub(super) fn status(&self) -> RecorderStatus {
        let mut status = self.closed.clone();
        let mut add = |file: &OutputFile| {
            let headset = self.headset().clone();
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
            status.samples += tables.pace_timeline().received;
            status.lost += tables.pace_timeline().lost;
            status.markers += tables.count();
        }
        status
    }

    /// Closes the files: the next sample starts new ones.
    fn close(&mut self) -> Result<(), RecordError> {
        self.flush(true)?;
        let mut status = self.status();
        self.lines = None;
        self.files.close();
        let notes = match self.tables.take() {
            Some(tables) => tables.finish()?,
            None => Vec::new(),
        };
        for file in &mut status.files {
            file.size = std::fs::metadata(&file.path).map_or(file.size, |it| it.len());
        }
        self.closed = status;
        let headset = self.headset().clone();
        for note in notes {
            self.note(format!("{headset}: {note}"));
        }
        Ok(())
    }

    /// Ends the recording.
    pub(super) fn finish(&mut self) -> Result<(), RecordError> {
        self.close()
    }
}

/// A stream in the form that tables use.
fn opened(own: &StreamRecording) -> OpenedStream {
    let Subscription { stream, columns, .. } = &*own.subscription;
    OpenedStream {
        stream: *stream,
        labels: columns.labels().map(str::to_owned).collect(),
        rate: own.sequence.rate().unwrap_or(1.0),
    }
}
