//! Writes the marker files beside a recording: as JSON, and as a table of intervals.

use std::io::{self, Write};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// A marker of a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportedMarker {
    /// Its number, counted from 1, as in the rows of the recording.
    pub index: u64,
    /// Its id.
    pub uuid: String,
    /// Its label.
    pub label: String,
    /// A text or a number.
    pub value: Value,
    /// Where it came from.
    pub port: String,
    /// Epoch seconds of its start and its end, which are equal for an instance.
    pub start: f64,
    /// See `start`.
    pub end: f64,
    /// Any further members.
    pub extras: Value,
}

impl ExportedMarker {
    /// Whether it has a duration.
    #[must_use]
    pub fn is_interval(&self) -> bool {
        self.end > self.start
    }
}

/// Writes `….json`.
///
/// # Errors
/// The file cannot be written.
pub fn write_json(
    mut file: impl Write,
    record: &str,
    markers: &[ExportedMarker],
) -> io::Result<()> {
    let objects = markers.iter().map(|own| {
        json!({
            "endDatetime": moment(own.end),
            "extras": own.extras,
            "index": own.index,
            "label": own.label,
            "port": own.port,
            "startDatetime": moment(own.start),
            "type": if own.is_interval() { "interval" } else { "instance" },
            "uuid": own.uuid,
            "value": own.value,
        })
    });
    let all = json!({ "Markers": objects.collect::<Vec<_>>(), "recordId": record });
    serde_json::to_writer_pretty(&mut file, &all)?;
    file.write_all(b"\n")?;
    file.flush()
}

/// Writes `…_intervalMarker.csv`. `start`: epoch seconds of the first sample, from which latencies
/// are counted.
///
/// # Errors
/// The file cannot be written.
pub fn write_intervals(
    mut file: impl Write,
    start: f64,
    markers: &[ExportedMarker],
) -> io::Result<()> {
    writeln!(file, "latency,duration,type,marker_value,key,timestamp,marker_id")?;
    for own in markers {
        let plain = |text: &str| text.replace([',', '\r', '\n'], "_").replace(' ', "_");
        let value = own.value.as_str().map_or_else(|| own.value.to_string(), plain);
        writeln!(
            file,
            "{:.6},{:.6},{},{value},-1,{:.6},{}",
            own.start - start,
            own.end - own.start,
            plain(&own.label),
            own.start,
            own.index,
        )?;
    }
    file.flush()
}

/// ISO 8601 with microseconds (§4.4).
fn moment(seconds: f64) -> String {
    let since = SignedDuration::try_from_secs_f64(seconds).ok();
    let moment = since.and_then(|own| Timestamp::from_duration(own).ok()).unwrap_or_default();
    moment.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}
