//! Exports records to files (`exportRecord`, §3.4): which records are requested, whether they may
//! be exported, which files that makes, and the samples in them.

mod csv;
mod edf;

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use cortop_files::{
    csv_writer::CsvVersion,
    edf::header::EdfFormat,
    marker_writer::{ExportedMarker, write_intervals, write_json},
    recorder::name_part,
};

use super::{
    api_error::ApiError,
    call::Call,
    environment::Environment,
    model::MotionFormat,
    outgoing::Deferred,
    record::{Measurement, StoredRecord},
    records::{Records, outcomes},
    source::SampleContext,
    values::Numbers,
};
use cortop_protocol::{
    Stream,
    code::error::{INTERNAL_ERROR, NO_STREAM_DATA},
    sample::Column,
};

/// What can be exported, its stream, and the part of the file name that it contributes.
const DATA: [(&str, Stream, &str); 4] = [
    ("EEG", Stream::Eeg, ""),
    ("MOTION", Stream::Mot, ".md"),
    ("PM", Stream::Met, ".pm"),
    ("BP", Stream::Pow, ".bp"),
];

/// The most records that one request may name.
const MAX_RECORDS: usize = 100;
/// The most exports that may run at once.
const MAX_EXPORTS: usize = 4;
/// How many files are remembered as created here; the alphabetically first one is forgotten.
const MAX_FILES: usize = 10_000;

/// A record to be written: what all formats need to know.
struct RecordExport {
    record: StoredRecord,
    /// The path without its extension.
    stem: PathBuf,
    /// Epoch seconds of the first sample of its source.
    origin: f64,
    /// Its start and end in seconds of its source, which are exact where epoch seconds are not.
    start: f64,
    end: f64,
    streams: Vec<Stream>,
    /// The column layout of a CSV file.
    version: CsvVersion,
    /// Whether a table of the markers is wanted.
    marker_table: bool,
}

/// A stream of a file, and its remaining samples.
struct ExportedStream {
    stream: Stream,
    labels: Vec<String>,
    next: u64,
    /// Its newest values, or empty if there is no sample.
    values: Vec<Option<f64>>,
}

impl ExportedStream {
    /// Whether its values are sent at their own rate and hold until the next.
    fn is_state(&self) -> bool {
        matches!(self.stream, Stream::Dev | Stream::Eq)
    }
}

/// A sample and the end of a record may differ by this many seconds and still coincide.
const EPSILON: f64 = 1e-6;

/// Writes records to files.
#[derive(Default)]
pub(super) struct Exporter(Arc<Files>);

/// The files created so far, the only ones that may be overwritten.
#[derive(Default)]
struct Files(Mutex<BTreeSet<PathBuf>>);

impl Files {
    /// Creates a file. Neither overwrites foreign files nor follows links.
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
    /// `exportRecord`. Writing takes long, and does not need the service.
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
        // Each running export shares the list of files with the service.
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

/// Whether a record contains data of a stream, according to its licence and headset.
fn holds(record: &StoredRecord, stream: Stream) -> bool {
    let allowed = match stream {
        Stream::Eeg => record.has("eeg"),
        Stream::Met => record.has("pm"),
        Stream::Mot => record.measurement.spec.motion != MotionFormat::None,
        _ => true,
    };
    allowed && record.measurement.source.columns(stream).is_some()
}

impl RecordExport {
    /// Collects what is to be written of a record.
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
        // A separate source: the cache of newest samples should serve those who stream.
        if let Some(source) = measured.source.refit(&measured.spec) {
            measured.source = source;
        }
        // Not ready yet: the request came too early (§2.9); the code is inferred.
        if !record.ready || !streams.iter().all(|stream| holds(&record, *stream)) {
            return Err(ApiError::new(NO_STREAM_DATA));
        }
        let begun = env.clock.moment(record.start).strftime("%Y.%m.%dT%H.%M.%S+00.00");
        let name = format!(
            "{}_{}_{begun}",
            name_part(&record.title),
            record.measurement.headset.as_str().replace('-', "_")
        );
        let origin = record.measurement.origin;
        Ok(Self {
            stem: folder.join(name),
            origin: env.clock.epoch(origin),
            start: record.start - origin,
            end: record.end.unwrap_or(call.now) - origin,
            streams,
            version: if call.text("version") == "V1" { CsvVersion::V1 } else { CsvVersion::V2 },
            marker_table: call.flag("includeMarkerExtraInfos"),
            record,
        })
    }

    fn write(&self, format: &str, files: &Files) -> Result<(), ApiError> {
        self.write_files(format, files).map_err(|error| {
            tracing::warn!("the simulator cannot write an export: {error}");
            if error.kind() == io::ErrorKind::AlreadyExists {
                ApiError::invalid("There is another file of that name.")
            } else {
                ApiError::new(INTERNAL_ERROR)
            }
        })
    }

    /// Writes the files of a format: one per stream for CSV V1 and EDF, one in total for the
    /// others, plus the markers.
    fn write_files(&self, format: &str, files: &Files) -> io::Result<()> {
        let ending = match format {
            "CSV" => ".csv",
            "EDF" | "EDFPLUS" => ".edf",
            _ => ".bdf",
        };
        let apart = format == "EDF" || format == "CSV" && self.version == CsvVersion::V1;
        let parts: Vec<&[Stream]> =
            if apart { self.streams.chunks(1).collect() } else { vec![&self.streams] };
        for streams in parts {
            let named = DATA.iter().filter(|(_, stream, _)| streams.contains(stream));
            let name: String = named.map(|(.., part)| *part).chain([ending]).collect();
            let file = files.create(&self.path(&name))?;
            match format {
                "CSV" => self.write_csv(file, streams)?,
                "EDF" => self.write_edf(file, EdfFormat::Edf, streams)?,
                "EDFPLUS" => self.write_edf(file, EdfFormat::EdfPlus, streams)?,
                _ => self.write_edf(file, EdfFormat::BdfPlus, streams)?,
            }
        }
        let markers = self.markers();
        if !markers.is_empty() {
            write_json(files.create(&self.path(".json"))?, &self.record.uuid, &markers)?;
        }
        if self.marker_table || markers.iter().any(ExportedMarker::is_interval) {
            let start = self.origin + self.time(Stream::Eeg, self.first(Stream::Eeg));
            write_intervals(files.create(&self.path("_intervalMarker.csv"))?, start, &markers)?;
        }
        Ok(())
    }

    fn path(&self, ending: &str) -> PathBuf {
        let mut path = self.stem.clone().into_os_string();
        path.push(ending);
        path.into()
    }

    fn measurement(&self) -> &Measurement {
        &self.record.measurement
    }

    /// The streams of a file before their first sample: contact and EEG quality accompany the EEG.
    fn streams_of(&self, wanted: &[Stream]) -> Vec<ExportedStream> {
        let with_eeg = wanted.contains(&Stream::Eeg);
        let all = [Stream::Eeg, Stream::Dev, Stream::Eq, Stream::Mot, Stream::Met, Stream::Pow];
        let own = all.into_iter().filter(|stream| match stream {
            Stream::Dev | Stream::Eq => {
                with_eeg && self.measurement().source.columns(*stream).is_some()
            }
            _ => wanted.contains(stream),
        });
        let own = own.map(|stream| {
            let (labels, mut next) = (self.labels(stream), self.first(stream));
            let mut values = Vec::new();
            if matches!(stream, Stream::Dev | Stream::Eq) {
                // The value at the start was measured before it.
                next = next.saturating_sub(1);
                values = self.values(stream, next);
                next += 1;
            }
            ExportedStream { stream, labels, next, values }
        });
        own.collect()
    }

    /// The samples of a stream within the record.
    fn samples(&self, stream: Stream) -> Range<u64> {
        let first = self.first(stream);
        let end = self.measurement().source.index_at(stream, self.end - EPSILON);
        first..end.max(first)
    }

    /// The labels of a stream, with those of a group listed one by one.
    fn labels(&self, stream: Stream) -> Vec<String> {
        let columns = self.measurement().source.columns(stream).unwrap_or_default();
        let labels = columns.0.into_iter().flat_map(|column| match column {
            Column::One(label) => vec![label],
            Column::Group(labels) => labels,
        });
        labels.collect()
    }

    /// The time of a sample in seconds of the source.
    fn time(&self, stream: Stream, index: u64) -> f64 {
        self.measurement().source.time(stream, index)
    }

    /// The index of the first sample of a stream within the record.
    fn first(&self, stream: Stream) -> u64 {
        self.measurement().source.index_at(stream, self.start)
    }

    /// The values of a sample in the order of its labels; `None` for anything but a number.
    fn values(&self, stream: Stream, index: u64) -> Vec<Option<f64>> {
        let measurement = self.measurement();
        let metrics =
            measurement.origin + measurement.source.time(stream, index) >= measurement.metrics;
        let mut numbers = Numbers::default();
        let context = SampleContext { metrics, ..SampleContext::default() };
        measurement.source.write(stream, index, context, &mut numbers);
        numbers.0
    }

    /// Its markers, sorted by start.
    fn markers(&self) -> Vec<ExportedMarker> {
        let epoch = |time: f64| time - self.measurement().origin + self.origin;
        let mut all: Vec<_> = self.record.markers.iter().collect();
        all.sort_by(|a, b| a.start.total_cmp(&b.start));
        let numbered = (1..).zip(all).map(|(index, own)| ExportedMarker {
            index,
            uuid: own.uuid.clone(),
            label: own.label.clone(),
            value: own.value.clone(),
            port: own.port.clone(),
            start: epoch(own.start),
            end: epoch(own.end),
            extras: own.extras.clone(),
        });
        numbered.collect()
    }
}
