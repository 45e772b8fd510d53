//! A record as `EmotivPRO` exports it: metadata in line 1, names in line 2, then a row for each
//! sample of EEG with the newest of the slower streams where they have a sample of their own.

use std::{fs::File, io};

use csv::{QuoteStyle, WriterBuilder};

use super::{RecordExport, StoredMarker};
use cortop_protocol::{
    Stream,
    metric::{IS_ACTIVE, MetricName},
};

/// A stream of a file and what is to come of it.
struct CsvStream {
    stream: Stream,
    labels: Vec<String>,
    next: u64,
}

impl RecordExport {
    pub(super) fn write_csv(&self, file: File) -> io::Result<()> {
        let mut file =
            WriterBuilder::new().flexible(true).quote_style(QuoteStyle::Never).from_writer(file);
        let pace = self.pace();
        let wanted =
            |stream: &Stream| self.has(*stream) || *stream == Stream::Dev && self.has(Stream::Eeg);
        let streams = [Stream::Eeg, Stream::Dev, Stream::Mot, Stream::Met, Stream::Pow];
        let mut columns: Vec<CsvStream> = streams
            .into_iter()
            .filter(wanted)
            .map(|stream| CsvStream {
                stream,
                labels: self.labels(stream),
                next: self.first(stream),
            })
            .collect();
        let mut names = vec!["Timestamp".to_owned()];
        for own in &columns {
            names.extend(own.names());
            if own.stream == Stream::Eeg {
                names.extend(MARKER.map(str::to_owned));
            }
        }
        let first = self.first(pace);
        let rows = (first..).take_while(|index| self.time(pace, *index) < self.end - EPSILON);
        file.write_record([self.metadata(names.len(), rows.clone().count())])?;
        file.write_record(&names)?;
        let markers: Vec<_> = self.markers().collect();
        for index in rows {
            let (time, next) = (self.time(pace, index), self.time(pace, index + 1));
            let before = if index == first {
                self.start - 2.0 * EPSILON
            } else {
                self.time(pace, index - 1)
            };
            let mut cells = vec![format!("{:.6}", self.origin + time)];
            for own in &mut columns {
                cells.extend(own.cells(self, next));
                if own.stream == Stream::Eeg {
                    // A marker belongs to the first sample that is not before it.
                    let here = |(at, _): &&(f64, &StoredMarker)| {
                        before + EPSILON < *at && *at <= time + EPSILON
                    };
                    cells.extend(marker_cells(markers.iter().enumerate().find(|(_, it)| here(it))));
                }
            }
            file.write_record(&cells)?;
        }
        file.flush()
    }

    /// The fastest stream of a file, which has a row for each of its samples.
    fn pace(&self) -> Stream {
        let order = [Stream::Eeg, Stream::Mot, Stream::Pow];
        order.into_iter().find(|stream| self.has(*stream)).unwrap_or(Stream::Met)
    }

    fn metadata(&self, channels: usize, samples: usize) -> String {
        let measurement = self.measurement();
        let id = measurement.headset.as_str();
        let (kind, serial) = id.split_once('-').unwrap_or((id, ""));
        let rates: Vec<String> = [
            (Stream::Eeg, format!("eeg_{}", measurement.spec.eeg_rate)),
            (Stream::Mot, format!("mot_{}", measurement.spec.mems_rate)),
            (Stream::Met, "pm_2".to_owned()),
            (Stream::Pow, "pow_8".to_owned()),
        ]
        .into_iter()
        .filter(|(stream, _)| self.has(*stream))
        .map(|(_, rate)| rate)
        .collect();
        // The line is one of key:value pairs: commas and line ends would break it.
        let plain = |text: &str| text.replace([',', '\r', '\n'], " ");
        format!(
            "title:{}, start timestamp:{:.6}, stop timestamp:{:.6}, headset type:{kind}, \
             headset serial:{serial}, headset firmware:{}, subject name:{}, channels:{channels}, \
             sampling rate:{}, samples:{samples}, version:{}",
            plain(&self.record.title),
            self.origin + self.start,
            self.origin + self.end,
            measurement.spec.firmware,
            plain(self.record.subject.as_deref().unwrap_or_default()),
            rates.join(";"),
            self.version,
        )
    }
}

/// Seconds that a sample and the end of a record may differ by and still be at one moment.
const EPSILON: f64 = 1e-6;
const MARKER: [&str; 3] = ["MarkerIndex", "MarkerType", "MarkerValueInt"];

/// Index from 1, type (1 for an instance, 2 for an interval), and the value if it is a number.
fn marker_cells(marker: Option<(usize, &(f64, &StoredMarker))>) -> [String; 3] {
    let Some((place, (_, marker))) = marker else { return Default::default() };
    let kind = if marker.kind() == "interval" { "2" } else { "1" };
    let value = marker.value.as_u64().map_or_else(String::new, |value| value.to_string());
    [(place + 1).to_string(), kind.to_owned(), value]
}

impl CsvStream {
    /// The names of its columns; of `dev`, only what the file has of it.
    fn names(&self) -> Vec<String> {
        let names = self.labels.iter().filter_map(|label| name(self.stream, label));
        names.flatten().collect()
    }

    /// The cells of a row that ends before `next`: values if a sample falls into it.
    fn cells(&mut self, job: &RecordExport, next: f64) -> Vec<String> {
        let due = job.time(self.stream, self.next) < next;
        // `dev` repeats itself, the others have a sample or nothing.
        let values = if due {
            self.next += 1;
            job.values(self.stream, self.next - 1)
        } else if self.stream == Stream::Dev {
            job.values(self.stream, self.next.saturating_sub(1))
        } else {
            Vec::new()
        };
        let cells = self.labels.iter().enumerate().filter_map(|(place, label)| {
            let names = name(self.stream, label)?;
            let value = values.get(place).copied().flatten();
            Some(names.into_iter().map(move |name| cell(&name, value)))
        });
        cells.flatten().collect()
    }
}

/// A number with six decimals. Of a metric only the scaled value is known, and the range it lies in.
fn cell(name: &str, value: Option<f64>) -> String {
    let value = match (name.rsplit('.').next(), value) {
        (Some("Min"), Some(_)) => Some(0.0),
        (Some("Max"), Some(_)) => Some(1.0),
        _ => value,
    };
    value.map_or_else(String::new, |value| format!("{value:.6}"))
}

/// The names of a stream's column in a file; `None` for one that is not in it.
fn name(stream: Stream, label: &str) -> Option<Vec<String>> {
    let one = |name: String| Some(vec![name]);
    match (stream, label) {
        (Stream::Eeg, "COUNTER") => one("EEG.Counter".into()),
        (Stream::Eeg, "INTERPOLATED") => one("EEG.Interpolated".into()),
        (Stream::Eeg, "RAW_CQ") => one("EEG.RawCq".into()),
        (Stream::Eeg, "MARKER_HARDWARE") => one("EEG.MarkerHardware".into()),
        (Stream::Eeg, "MARKERS" | "HighBitFlex") => None,
        (Stream::Eeg, sensor) => one(format!("EEG.{sensor}")),
        (Stream::Dev, "Battery") => one("EEG.Battery".into()),
        (Stream::Dev, "BatteryPercent") => one("EEG.BatteryPercent".into()),
        (Stream::Dev, "OVERALL") => one("CQ.Overall".into()),
        (Stream::Dev, label) if label == "Signal" || label.starts_with("battery") => None,
        (Stream::Dev, sensor) => one(format!("CQ.{sensor}")),
        (Stream::Mot, "COUNTER_MEMS") => one("MOT.CounterMems".into()),
        (Stream::Mot, "INTERPOLATED_MEMS") => one("MOT.InterpolatedMems".into()),
        (Stream::Mot, axis) => one(format!("MOT.{}", capital(&axis.to_lowercase()))),
        (Stream::Pow, label) => {
            let (sensor, band) = label.split_once('/')?;
            one(format!("POW.{sensor}.{}", capital(band)))
        }
        (Stream::Met, "lex") => one("PM.LongTermExcitement".into()),
        (Stream::Met, label) => {
            let metric = |label: &str| {
                MetricName::of_label(label)
                    .map_or_else(|| capital(label), |own| own.exported.into())
            };
            match label.strip_suffix(IS_ACTIVE) {
                Some(name) => one(format!("PM.{}.IsActive", metric(name))),
                None => Some(
                    ["Scaled", "Raw", "Min", "Max"]
                        .map(|part| format!("PM.{}.{part}", metric(label)))
                        .into(),
                ),
            }
        }
        _ => None,
    }
}

/// With a capital at the start, and one at the end of an axis: `accx` is `AccX`.
fn capital(name: &str) -> String {
    let axis =
        matches!(name.get(..3), Some("gyr" | "acc" | "mag")) && name.ends_with(['x', 'y', 'z']);
    let last = name.chars().count().saturating_sub(1);
    let upper = |(place, c): (usize, char)| {
        if place == 0 || axis && place == last { c.to_ascii_uppercase() } else { c }
    };
    name.chars().enumerate().map(upper).collect()
}
