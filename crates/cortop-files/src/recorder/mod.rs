//! The recorder: a sink that writes what headsets send to files: CSV with `EmotivPRO`'s columns,
//! EDF+ and BDF+, and JSON lines. Values are as Cortex sent them. Independent of how a recording is
//! requested and displayed.
//!
//! ```text
//! recording     one headset: its streams in sequence, and the files they go to
//!  ├─ tables        files with a row or a position for each sample
//!  │   ├─ timeline      the position of each sample
//!  │   └─ csv_output, edf_output, marker_output
//!  ├─ bids_sidecars  the files beside the EEG in a BIDS dataset
//!  └─ files, names, bids  the names and locations of the files
//! service       a recorder that is started and stopped while samples arrive
//! status        its public state
//! ```

mod bids;
mod bids_sidecars;
mod csv_output;
mod edf_output;
mod files;
mod marker_output;
mod names;
mod recording;
mod service;
mod status;
mod tables;
mod timeline;

use std::{
    collections::VecDeque,
    fs, io, iter, mem,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::{Duration, Instant},
};

use cortop_protocol::{HeadsetId, Sample, SessionId, SessionMarker, Stream, Subscription};
use cortop_signal::sink::Sink;

use recording::HeadsetRecording;

pub use self::{
    bids::BidsOptions,
    names::name_part,
    service::{RecorderService, RecorderState},
    status::{RecordedFile, RecorderStatus, SharedStatus, free_space, human_size},
};

/// How often data is handed to the operating system.
const PASS_ON: Duration = Duration::from_millis(250);
/// How often it is forced to disk.
const SYNC: Duration = Duration::from_secs(1);
/// How many markers may wait for the first sample of their headset; the oldest are dropped first.
const MOST_EARLY: usize = 64;

/// A file format of recordings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordingFormat {
    /// CSV with `EmotivPRO`'s columns, and its markers beside it.
    Csv,
    /// EDF+C, 16 bits.
    Edf,
    /// BDF+C, 24 bits.
    Bdf,
    /// One JSON object per sample, for all streams.
    Jsonl,
}

impl RecordingFormat {
    /// All formats.
    pub const ALL: [Self; 4] = [Self::Csv, Self::Edf, Self::Bdf, Self::Jsonl];

    /// Its name, which is also the extension of its files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Edf => "edf",
            Self::Bdf => "bdf",
            Self::Jsonl => "jsonl",
        }
    }

    /// Whether it can contain any stream, rather than just EEG and motion.
    #[must_use]
    pub const fn holds_any_stream(self) -> bool {
        matches!(self, Self::Csv | Self::Jsonl)
    }

    /// Parses several formats, separated by commas or spaces.
    ///
    /// # Errors
    /// A sentence that names the invalid one.
    pub fn list(text: &str) -> Result<Vec<Self>, String> {
        let names = text.split([',', ' ']).filter(|name| !name.is_empty());
        let mut all = names.map(str::parse).collect::<Result<Vec<_>, _>>()?;
        all.sort_unstable();
        all.dedup();
        Ok(all)
    }
}

impl FromStr for RecordingFormat {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let named = Self::ALL.into_iter().find(|format| format.name() == name.to_ascii_lowercase());
        named.ok_or_else(|| {
            format!("there is no format \"{name}\"; the formats are csv edf bdf jsonl")
        })
    }
}

/// What is recorded, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecorderOptions {
    /// Where the files go.
    pub folder: PathBuf,
    /// The formats, at least one.
    pub formats: Vec<RecordingFormat>,
    /// The title; may be empty.
    pub title: String,
    /// Who is recorded; may be empty.
    pub subject: String,
    /// How long a headset may be away before its files end.
    pub resume_within: Duration,
    /// The only headset to record; `None` for all.
    pub headset: Option<HeadsetId>,
    /// Set if the folder is a BIDS dataset.
    pub bids: Option<BidsOptions>,
}

impl RecorderOptions {
    /// Checks, before anything is recorded, whether the folder can hold the recording; creates it
    /// if it does not exist.
    ///
    /// # Errors
    /// A sentence that says what is not possible.
    pub fn prepare(&mut self) -> Result<(), String> {
        if let Some(bids) = &mut self.bids {
            bids.check(&self.folder)?;
        }
        let folder = self.folder.display();
        fs::create_dir_all(&self.folder).map_err(|error| {
            format!("the folder {folder} cannot be created ({error}): choose another with --out")
        })?;
        let tried = self.folder.join(format!(".cortop-{}", std::process::id()));
        let made = fs::File::create_new(&tried).and_then(|_| fs::remove_file(&tried));
        made.map_err(|error| {
            format!("the folder {folder} is not writable ({error}): choose another with --out")
        })
    }
}

/// Why a recording cannot continue.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A file cannot be created.
    #[error("{} cannot be created ({source}): choose another folder with --out", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be written any more.
    #[error(
        "{} cannot be written any more ({source}): the recording has ended; files that hold anything are whole, empty ones are removed; make room and start again",
        path.display()
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl RecordError {
    fn write(path: &Path) -> impl Fn(io::Error) -> Self {
        |source| Self::Write { path: path.to_owned(), source }
    }
}

/// A stream in a table: one whose samples have a position in CSV or EDF.
#[derive(Clone, Debug)]
struct OpenedStream {
    stream: Stream,
    /// The labels of its values, with those of a group listed one by one.
    labels: Vec<String>,
    /// Nominal samples per second.
    rate: f64,
}

impl OpenedStream {
    /// Whether the samples of its next subscription can continue in the same files.
    fn fits(&self, other: &Self) -> bool {
        let rate = !self.stream.is_trace() || self.rate.total_cmp(&other.rate).is_eq();
        self.stream == other.stream && self.labels == other.labels && rate
    }
}

/// Writes the files of all headsets.
#[derive(Debug)]
pub struct Recorder {
    options: RecorderOptions,
    status: Arc<SharedStatus>,
    recordings: Vec<HeadsetRecording>,
    /// Markers that came before their files existed, at most [`MOST_EARLY`].
    early: VecDeque<SessionMarker>,
    /// What could not be written as received, and concerns no recording.
    notes: Vec<String>,
    passed_on: Instant,
    synced: Instant,
}

impl Recorder {
    /// Without files yet: those of each headset begin with its first sample.
    #[must_use]
    pub fn new(options: RecorderOptions) -> (Self, Arc<SharedStatus>) {
        let status = Arc::<SharedStatus>::default();
        let (now, recordings) = (Instant::now(), Vec::new());
        let (shared, early, notes) = (Arc::clone(&status), VecDeque::new(), Vec::new());
        (Self { options, status, recordings, early, notes, passed_on: now, synced: now }, shared)
    }

    /// The recording to which a marker belongs. The end of a marker may come after its session is
    /// over.
    fn recording_of(&mut self, marker: &SessionMarker) -> Option<&mut HeadsetRecording> {
        let of_session = |own: &HeadsetRecording| own.is_of(&marker.session);
        let known = |own: &HeadsetRecording| own.has_marker(marker);
        let at = self.recordings.iter().position(of_session);
        at.or_else(|| self.recordings.iter().position(known)).map(|at| &mut self.recordings[at])
    }

    /// Writes the waiting markers whose files now exist.
    fn write_early(&mut self) -> Result<(), RecordError> {
        for marker in mem::take(&mut self.early) {
            match self.recording_of(&marker) {
                Some(own) if own.is_begun() => own.marker(&marker)?,
                _ => self.early.push_back(marker),
            }
        }
        Ok(())
    }

    /// Hands the data to the operating system or the disk, if it is time.
    fn pass_on(&mut self) -> Result<(), RecordError> {
        let now = Instant::now();
        if now.duration_since(self.passed_on) < PASS_ON {
            return Ok(());
        }
        self.passed_on = now;
        let syncs = now.duration_since(self.synced) >= SYNC;
        if syncs {
            self.synced = now;
        }
        for recording in &mut self.recordings {
            recording.flush(syncs)?;
        }
        self.report(false);
        Ok(())
    }

    fn report(&self, finished: bool) {
        let own = RecorderStatus { notes: self.notes.clone(), ..RecorderStatus::default() };
        let all = self.recordings.iter().map(HeadsetRecording::status);
        self.status.set(all.chain(iter::once(own)), finished);
    }
}

impl Sink for Recorder {
    type Error = RecordError;

    fn subscription(&mut self, subscription: &Arc<Subscription>) -> Result<(), RecordError> {
        let id = &subscription.headset;
        if self.options.headset.as_ref().is_some_and(|only| only != id) {
            return Ok(());
        }
        if !self.recordings.iter().any(|own| own.headset() == id) {
            self.recordings.push(HeadsetRecording::new(id.clone(), self.options.clone()));
        }
        for own in self.recordings.iter_mut().filter(|own| own.headset() == id) {
            own.subscribe(subscription)?;
        }
        Ok(())
    }

    fn sample(&mut self, sample: &Sample) -> Result<(), RecordError> {
        let id = &sample.subscription.headset;
        let Some(own) = self.recordings.iter_mut().find(|own| own.headset() == id) else {
            return Ok(());
        };
        let status = &self.status;
        own.sample(sample, &|headset| status.firmware(headset))?;
        if !self.early.is_empty() {
            self.write_early()?;
        }
        self.pass_on()
    }

    fn marker(&mut self, marker: &SessionMarker) -> Result<(), RecordError> {
        match self.recording_of(marker) {
            Some(own) if own.is_begun() => own.marker(marker),
            _ => {
                if self.early.len() == MOST_EARLY {
                    self.early.pop_front();
                }
                self.early.push_back(marker.clone());
                Ok(())
            }
        }
    }

    fn end(&mut self, session: &SessionId, stream: Option<Stream>) -> Result<(), RecordError> {
        self.recordings.iter_mut().for_each(|own| own.end(session, stream));
        Ok(())
    }

    fn flush(&mut self) -> Result<(), RecordError> {
        self.pass_on()
    }

    fn finish(&mut self) -> Result<(), RecordError> {
        let mut done = Ok(());
        let mut in_no_file = 0;
        for marker in mem::take(&mut self.early) {
            match self.recording_of(&marker) {
                // There never were any rows, but there were lines.
                Some(own) if own.has_files() => done = done.and(own.marker(&marker)),
                _ => in_no_file += 1,
            }
        }
        for recording in &mut self.recordings {
            done = done.and(recording.finish());
        }
        // With a single headset, they may belong to another one.
        if in_no_file > 0 && self.options.headset.is_none() {
            let text = format!("{in_no_file} markers belong to no sample: they are in no file");
            tracing::warn!("{text}");
            self.notes.push(text);
        }
        self.report(true);
        done
    }
}
