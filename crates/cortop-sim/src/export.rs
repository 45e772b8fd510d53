//! Records written to files (`exportRecord`, §3.4): which are asked for, whether they may be had,
//! and the rows both formats are made of.

mod csv;
mod edf;

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::Value;

use self::edf::EdfFormat;
use super::{
    dispatch::Call,
    model::MotionFormat,
    record::{Measurement, StoredMarker, StoredRecord},
    records::outcomes,
    refusal::{ApiError, CallResult, INTERNAL, NO_SUCH_DATA},
    sample_writer::SampleWriter,
    service::Service,
    source::SampleContext,
};
use cortop_protocol::{Stream, sample::Column};

/// What can be exported, with the stream it comes from and the part of a file's name it makes.
const DATA: [(&str, Stream, &str); 4] = [
    ("EEG", Stream::Eeg, ""),
    ("MOTION", Stream::Mot, ".md"),
    ("PM", Stream::Met, ".pm"),
    ("BP", Stream::Pow, ".bp"),
];

/// Records that one request may name.
const RECORDS: usize = 100;
/// Exports that may be under way.
const EXPORTS: usize = 4;
/// Files that are remembered as made here; the one first in the alphabet is forgotten.
const FILES: usize = 10_000;

/// Records to be written as one request has ordered it. Writing them takes long, and needs nothing
/// of the service.
pub(super) struct PendingExport {
    /// By the ids that were asked for: a record, or why there is none.
    jobs: Vec<(String, Result<RecordExport, ApiError>)>,
    format: String,
    files: Arc<Files>,
}

/// A record to be written: what both formats need to know.
struct RecordExport {
    record: StoredRecord,
    /// Where to, without the ending.
    stem: PathBuf,
    /// Epoch seconds of the first sample of its source.
    origin: f64,
    /// Its start and its end in seconds of its source, exact where epoch seconds are not.
    start: f64,
    end: f64,
    streams: Vec<Stream>,
    /// `version:` of a CSV file.
    version: &'static str,
}

/// The files made so far, which are all that may be written anew.
#[derive(Default)]
pub(super) struct Files(Mutex<BTreeSet<PathBuf>>);

impl Files {
    /// A new file. Neither another's file is touched nor a link followed.
    fn create(&self, path: &Path) -> io::Result<File> {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if made.contains(path)
            && let Err(error) = fs::remove_file(path)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let file = File::create_new(path)?;
        if made.len() == FILES {
            made.pop_first();
        }
        made.insert(path.to_owned());
        Ok(file)
    }
}

impl Service {
    pub(super) fn export_records(&mut self, call: &Call<'_>) -> CallResult {
        let wanted: Vec<&str> = call.texts("streamTypes").collect();
        let (format, folder) = (call.text("format"), Path::new(call.text("folder")));
        let known = |name: &&str| DATA.iter().any(|(own, ..)| own == name);
        if wanted.is_empty() || !wanted.iter().all(known) {
            return Err(ApiError::bad("There is no such stream type."));
        }
        if format != "CSV" && wanted.iter().any(|name| matches!(*name, "PM" | "BP")) {
            return Err(ApiError::bad("EDF holds only EEG and MOTION."));
        }
        if format != "CSV" && call.get("version").is_some() {
            return Err(ApiError::bad("Only CSV has versions."));
        }
        let folder = fs::canonicalize(folder).ok().filter(|folder| folder.is_dir());
        let folder = folder.ok_or_else(|| ApiError::bad("The folder does not exist."))?;
        if call.texts("recordIds").count() > RECORDS {
            return Err(ApiError::bad("There are too many records: 100 are exported at once."));
        }
        // Each export under way shares the list of files with the service.
        if Arc::strong_count(&self.files) > EXPORTS {
            return Err(ApiError::told(INTERNAL, "Too many exports are under way."));
        }
        let jobs = call.texts("recordIds");
        let jobs = jobs.map(|uuid| (uuid.to_owned(), self.job(uuid, call, &wanted, &folder)));
        self.export = Some(PendingExport {
            jobs: jobs.collect(),
            format: format.to_owned(),
            files: Arc::clone(&self.files),
        });
        Ok(Value::Null)
    }

    /// What is to be written of a record.
    fn job(
        &self,
        uuid: &str,
        call: &Call<'_>,
        wanted: &[&str],
        folder: &Path,
    ) -> Result<RecordExport, ApiError> {
        let place = self.record_of(uuid, &call.app)?;
        let record = self.records.get(place).filter(|record| record.ready);
        // Too early (§2.9); the code is inferred.
        let record = record.ok_or_else(|| ApiError::new(NO_SUCH_DATA))?;
        let chosen = DATA.iter().filter(|(name, ..)| wanted.contains(name));
        let streams: Vec<_> = chosen.clone().map(|(_, stream, _)| *stream).collect();
        if !streams.iter().all(|stream| holds(record, *stream)) {
            return Err(ApiError::new(NO_SUCH_DATA));
        }
        let mut record = record.clone();
        // One of its own: what a source holds of its newest samples is of use to those who stream.
        if let Some(source) = record.take.source.refit(&record.take.spec) {
            record.take.source = source;
        }
        let parts: String = chosen.map(|(.., part)| *part).collect();
        let begun = self.clock.moment(record.start).strftime("%Y.%m.%dT%H.%M.%S+00.00");
        let name = format!(
            "{}_{}_{begun}{parts}",
            harmless(&record.title),
            record.take.headset.as_str().replace('-', "_")
        );
        Ok(RecordExport {
            stem: folder.join(name),
            origin: self.clock.epoch(record.take.origin),
            start: record.start - record.take.origin,
            end: record.end.unwrap_or(call.now) - record.take.origin,
            streams,
            version: if call.text("version") == "V1" { "1.0" } else { "2.0" },
            record,
        })
    }
}

impl PendingExport {
    /// Writes all that can be written: the result of the request.
    pub(super) fn write(&self) -> Value {
        outcomes(self.jobs.iter().map(|(uuid, job)| {
            let written = match job {
                Ok(job) => job.write(&self.format, &self.files),
                Err(refusal) => Err(refusal.clone()),
            };
            (uuid.as_str(), written)
        }))
    }
}

/// Whether a record has data of a stream, by its licence and its headset.
fn holds(record: &StoredRecord, stream: Stream) -> bool {
    let allowed = match stream {
        Stream::Eeg => record.has("eeg"),
        Stream::Met => record.has("pm"),
        Stream::Mot => record.take.spec.motion != MotionFormat::None,
        _ => true,
    };
    allowed && record.take.source.columns(stream).is_some()
}

/// A title as part of a file's name.
fn harmless(title: &str) -> String {
    const LONGEST: usize = 64;
    let sound = |c: char| if c.is_alphanumeric() || matches!(c, ' ' | '-' | '.') { c } else { '_' };
    let name: String = title.chars().take(LONGEST).map(sound).collect();
    name.trim_start_matches('.').to_owned()
}

impl RecordExport {
    fn write(&self, format: &str, files: &Files) -> Result<(), ApiError> {
        let ending = match format {
            "CSV" => ".csv",
            "EDF" | "EDFPLUS" => ".edf",
            _ => ".bdf",
        };
        let mut path = self.stem.clone().into_os_string();
        path.push(ending);
        let written = files.create(Path::new(&path)).and_then(|file| match format {
            "CSV" => self.write_csv(file),
            "EDF" => self.write_edf(file, EdfFormat::Edf),
            "EDFPLUS" => self.write_edf(file, EdfFormat::EdfPlus),
            _ => self.write_edf(file, EdfFormat::BdfPlus),
        });
        written.map_err(|error| {
            tracing::warn!("the simulator cannot write an export: {error}");
            if error.kind() == io::ErrorKind::AlreadyExists {
                ApiError::bad("There is another file of that name.")
            } else {
                ApiError::new(INTERNAL)
            }
        })
    }

    fn take(&self) -> &Measurement {
        &self.record.take
    }

    fn has(&self, stream: Stream) -> bool {
        self.streams.contains(&stream)
    }

    /// The labels of a stream, those of a group one by one.
    fn labels(&self, stream: Stream) -> Vec<String> {
        let columns = self.take().source.columns(stream).unwrap_or_default();
        let labels = columns.0.into_iter().flat_map(|column| match column {
            Column::One(label) => vec![label],
            Column::Group(labels) => labels,
        });
        labels.collect()
    }

    /// Seconds of the source at a sample.
    fn time(&self, stream: Stream, index: u64) -> f64 {
        self.take().source.time(stream, index)
    }

    /// The index of the first sample of a stream within the record.
    fn first(&self, stream: Stream) -> u64 {
        self.take().source.index_at(stream, self.start)
    }

    /// The values of a sample in the order of its labels; what is no number is empty.
    fn values(&self, stream: Stream, index: u64) -> Vec<Option<f64>> {
        let take = self.take();
        let metrics = take.origin + take.source.time(stream, index) >= take.metrics;
        let mut row = SampleWriter::new(stream);
        take.source.write(
            stream,
            index,
            SampleContext { metrics, ..SampleContext::default() },
            &mut row,
        );
        let values = row.values().into_iter().flat_map(|value| match value {
            Value::Array(values) if stream == Stream::Dev => values,
            value => vec![value],
        });
        let number = |value: Value| match value {
            Value::Bool(flag) => Some(f64::from(u8::from(flag))),
            value => value.as_f64(),
        };
        values.map(number).collect()
    }

    /// Its markers with the seconds of the source at their start.
    fn markers(&self) -> impl Iterator<Item = (f64, &StoredMarker)> {
        let origin = self.take().origin;
        self.record.markers.iter().map(move |marker| (marker.start - origin, marker))
    }
}
