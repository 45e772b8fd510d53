//! Records written to files (`exportRecord`, §3.4): which are asked for, whether they may be had,
//! and the rows both formats are made of.

mod csv;
mod edf;

use std::{io, path::Path};

use serde_json::Value;

use self::edf::Depth;
use super::{
    dispatch::Call,
    model::Motion,
    record::{Marker, Record, Take},
    records::each,
    refusal::{Answer, INTERNAL, NO_SUCH_DATA, Refusal},
    row::Row,
    service::Service,
    source::Live,
};
use cortop_protocol::{Stream, sample::Column};

/// What can be exported, with the stream it comes from and the part of a file's name it makes.
const DATA: [(&str, Stream, &str); 4] = [
    ("EEG", Stream::Eeg, ""),
    ("MOTION", Stream::Mot, ".md"),
    ("PM", Stream::Met, ".pm"),
    ("BP", Stream::Pow, ".bp"),
];

/// A record to be written: what both formats need to know.
struct Job<'a> {
    record: &'a Record,
    /// Epoch seconds of the first sample of its source.
    origin: f64,
    /// Its start and its end in seconds of its source, exact where epoch seconds are not.
    start: f64,
    end: f64,
    streams: Vec<Stream>,
    /// `version:` of a CSV file.
    version: &'a str,
}

impl Service {
    pub(super) fn export_records(&mut self, call: &Call<'_>) -> Answer {
        let wanted: Vec<&str> = call.texts("streamTypes").collect();
        let (format, folder) = (call.text("format"), Path::new(call.text("folder")));
        let known = |name: &&str| DATA.iter().any(|(own, ..)| own == name);
        if wanted.is_empty() || !wanted.iter().all(known) {
            return Err(Refusal::bad("There is no such stream type."));
        }
        if format != "CSV" && wanted.iter().any(|name| matches!(*name, "PM" | "BP")) {
            return Err(Refusal::bad("EDF holds only EEG and MOTION."));
        }
        if format != "CSV" && call.get("version").is_some() {
            return Err(Refusal::bad("Only CSV has versions."));
        }
        if !folder.is_dir() {
            return Err(Refusal::bad("The folder does not exist."));
        }
        Ok(each(call, "recordIds", |uuid| {
            let place = self.record_of(uuid, &call.app)?;
            let record = self.records.get(place).filter(|record| record.ready);
            // Too early (§2.9); the code is inferred.
            let record = record.ok_or_else(|| Refusal::new(NO_SUCH_DATA))?;
            let chosen = DATA.iter().filter(|(name, ..)| wanted.contains(name));
            let streams: Vec<_> = chosen.clone().map(|(_, stream, _)| *stream).collect();
            if !streams.iter().all(|stream| holds(record, *stream)) {
                return Err(Refusal::new(NO_SUCH_DATA));
            }
            let job = Job {
                record,
                origin: self.clock.epoch(record.take.origin),
                start: record.start - record.take.origin,
                end: record.end.unwrap_or(call.now) - record.take.origin,
                streams,
                version: if call.text("version") == "V1" { "1.0" } else { "2.0" },
            };
            let parts: String = chosen.map(|(.., part)| *part).collect();
            let begun = self.clock.moment(record.start).strftime("%Y.%m.%dT%H.%M.%S+00.00");
            let name = format!(
                "{}_{}_{begun}{parts}",
                harmless(&record.title),
                record.take.headset.as_str().replace('-', "_")
            );
            job.write(&folder.join(name), format).map_err(|error| {
                tracing::warn!("the simulator cannot write an export: {error}");
                Refusal::new(INTERNAL)
            })
        }))
    }
}

/// Whether a record has data of a stream, by its licence and its headset.
fn holds(record: &Record, stream: Stream) -> bool {
    let allowed = match stream {
        Stream::Eeg => record.has("eeg"),
        Stream::Met => record.has("pm"),
        Stream::Mot => record.take.spec.motion != Motion::None,
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

impl Job<'_> {
    fn write(&self, stem: &Path, format: &str) -> io::Result<()> {
        let name = stem.as_os_str().to_owned();
        let named = |ending: &str| {
            let mut name = name.clone();
            name.push(ending);
            name
        };
        match format {
            "CSV" => self.write_csv(Path::new(&named(".csv"))),
            "EDF" => self.write_edf(Path::new(&named(".edf")), Depth::Edf),
            "EDFPLUS" => self.write_edf(Path::new(&named(".edf")), Depth::EdfPlus),
            _ => self.write_edf(Path::new(&named(".bdf")), Depth::BdfPlus),
        }
    }

    fn take(&self) -> &Take {
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
        let mut row = Row::new(stream);
        take.source.write(stream, index, Live { metrics, ..Live::default() }, &mut row);
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
    fn markers(&self) -> impl Iterator<Item = (f64, &Marker)> {
        let origin = self.take().origin;
        self.record.markers.iter().map(move |marker| (marker.start - origin, marker))
    }
}
