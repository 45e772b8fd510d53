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

use self::edf::EdfFormat;
use super::{
    api_error::ApiError,
    call::Call,
    environment::Environment,
    model::MotionFormat,
    outgoing::Deferred,
    record::{Measurement, StoredMarker, StoredRecord},
    records::{Records, outcomes},
    source::SampleContext,
    values::Numbers,
};
use cortop_protocol::{
    Stream,
    code::error::{INTERNAL_ERROR, NO_STREAM_DATA},
    sample::Column,
};

/// What can be exported, with the stream it comes from and the part of a file's name it makes.
const DATA: [(&str, Stream, &str); 4] = [
    ("EEG", Stream::Eeg, ""),
    ("MOTION", Stream::Mot, ".md"),
    ("PM", Stream::Met, ".pm"),
    ("BP", Stream::Pow, ".bp"),
];

/// Records that one request may name.
const MAX_RECORDS: usize = 100;
/// Exports that may be under way.
const MAX_EXPORTS: usize = 4;
/// Files that are remembered as made here; the one first in the alphabet is forgotten.
const MAX_FILES: usize = 10_000;

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

/// Writes records to files.
#[derive(Default)]
pub(super) struct Exporter(Arc<Files>);

/// The files made so far, the only ones that may be overwritten.
#[derive(Default)]
struct Files(Mutex<BTreeSet<PathBuf>>);

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
        if made.len() == MAX_FILES {
            made.pop_first();
        }
        made.insert(path.to_owned());
        Ok(file)
    }
}

impl Exporter {
    /// `exportRecord`. Writing takes long, and needs nothing of the service.
    pub(super) fn export(
        &self,
        call: &Call<'_>,
        env: &Environment,
        records: &Records,
    ) -> Result<Deferred, ApiError> {
        let wanted: Vec<&str> = call.texts("streamTypes").collect();
        let (format, folder) = (call.text("format"), Path::new(call.text("folder")));
        let known = |name: &&str| DATA.iter().any(|(own, ..)| own == name);
        if wanted.is_empty() || !wanted.iter().all(known) {
            return Err(ApiError::invalid("There is no such stream type."));
        }
        if format != "CSV" && wanted.iter().any(|name| matches!(*name, "PM" | "BP")) {
            return Err(ApiError::invalid("EDF holds only EEG and MOTION."));
        }
        if format != "CSV" && call.get("version").is_some() {
            return Err(ApiError::invalid("Only CSV has versions."));
        }
        let folder = fs::canonicalize(folder).ok().filter(|folder| folder.is_dir());
        let folder = folder.ok_or_else(|| ApiError::invalid("The folder does not exist."))?;
        if call.texts("recordIds").count() > MAX_RECORDS {
            return Err(ApiError::invalid("There are too many records: 100 are exported at once."));
        }
        // Each export under way shares the list of files with the service.
        if Arc::strong_count(&self.0) > MAX_EXPORTS {
            let message = "Too many exports are under way.";
            return Err(ApiError::with_message(INTERNAL_ERROR, message));
        }
        let exports = call.texts("recordIds").map(|uuid| {
            (uuid.to_owned(), RecordExport::new(uuid, call, env, records, &wanted, &folder))
        });
        let exports: Vec<_> = exports.collect();
        let (format, files) = (format.to_owned(), Arc::clone(&self.0));
        Ok(Deferred::new(move || {
            outcomes(exports.iter().map(|(uuid, export)| {
                let written = match export {
                    Ok(export) => export.write(&format, &files),
                    Err(error) => Err(error.clone()),
                };
                (uuid.as_str(), written)
            }))
        }))
    }
}

/// Whether a record has data of a stream, by its licence and its headset.
fn holds(record: &StoredRecord, stream: Stream) -> bool {
    let allowed = match stream {
        Stream::Eeg => record.has("eeg"),
        Stream::Met => record.has("pm"),
        Stream::Mot => record.measurement.spec.motion != MotionFormat::None,
        _ => true,
    };
    allowed && record.measurement.source.columns(stream).is_some()
}

/// A title as part of a file's name.
fn harmless(title: &str) -> String {
    const LONGEST: usize = 64;
    let sound = |c: char| if c.is_alphanumeric() || matches!(c, ' ' | '-' | '.') { c } else { '_' };
    let name: String = title.chars().take(LONGEST).map(sound).collect();
    name.trim_start_matches('.').to_owned()
}

impl RecordExport {
    /// What is to be written of a record.
    fn new(
        uuid: &str,
        call: &Call<'_>,
        env: &Environment,
        records: &Records,
        wanted: &[&str],
        folder: &Path,
    ) -> Result<Self, ApiError> {
        let mut record = records.find(uuid, &call.app)?.clone();
        let measured = &mut record.measurement;
        let chosen = DATA.iter().filter(|(name, ..)| wanted.contains(name));
        let streams: Vec<_> = chosen.clone().map(|(_, stream, _)| *stream).collect();
        // One of its own: what a source holds of its newest samples is of use to those who stream.
        if let Some(source) = measured.source.refit(&measured.spec) {
            measured.source = source;
        }
        // Not ready is too early (§2.9); the code is inferred.
        if !record.ready || !streams.iter().all(|stream| holds(&record, *stream)) {
            return Err(ApiError::new(NO_STREAM_DATA));
        }
        let parts: String = chosen.map(|(.., part)| *part).collect();
        let begun = env.clock.moment(record.start).strftime("%Y.%m.%dT%H.%M.%S+00.00");
        let name = format!(
            "{}_{}_{begun}{parts}",
            harmless(&record.title),
            record.measurement.headset.as_str().replace('-', "_")
        );
        let origin = record.measurement.origin;
        Ok(Self {
            stem: folder.join(name),
            origin: env.clock.epoch(origin),
            start: record.start - origin,
            end: record.end.unwrap_or(call.now) - origin,
            streams,
            version: if call.text("version") == "V1" { "1.0" } else { "2.0" },
            record,
        })
    }

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
                ApiError::invalid("There is another file of that name.")
            } else {
                ApiError::new(INTERNAL_ERROR)
            }
        })
    }

    fn measurement(&self) -> &Measurement {
        &self.record.measurement
    }

    fn has(&self, stream: Stream) -> bool {
        self.streams.contains(&stream)
    }

    /// The labels of a stream, those of a group one by one.
    fn labels(&self, stream: Stream) -> Vec<String> {
        let columns = self.measurement().source.columns(stream).unwrap_or_default();
        let labels = columns.0.into_iter().flat_map(|column| match column {
            Column::One(label) => vec![label],
            Column::Group(labels) => labels,
        });
        labels.collect()
    }

    /// Seconds of the source at a sample.
    fn time(&self, stream: Stream, index: u64) -> f64 {
        self.measurement().source.time(stream, index)
    }

    /// The index of the first sample of a stream within the record.
    fn first(&self, stream: Stream) -> u64 {
        self.measurement().source.index_at(stream, self.start)
    }

    /// The values of a sample in the order of its labels; what is no number is empty.
    fn values(&self, stream: Stream, index: u64) -> Vec<Option<f64>> {
        let measurement = self.measurement();
        let metrics =
            measurement.origin + measurement.source.time(stream, index) >= measurement.metrics;
        let mut numbers = Numbers::default();
        let context = SampleContext { metrics, ..SampleContext::default() };
        measurement.source.write(stream, index, context, &mut numbers);
        numbers.0
    }

    /// Its markers with the seconds of the source at their start.
    fn markers(&self) -> impl Iterator<Item = (f64, &StoredMarker)> {
        let origin = self.measurement().origin;
        self.record.markers.iter().map(move |marker| (marker.start - origin, marker))
    }
}
