//! A capture as a recording: one row per EEG sample, with the samples of the other streams since
//! the previous one. Its columns are those of the first session with EEG; a later session, such as
//! after a reconnect, continues the recording if its columns are the same.

use std::{
    collections::{HashMap, VecDeque},
    io,
};

use cortop_protocol::{
    Marker, Method, Stream,
    metric::{IS_ACTIVE, MetricName},
    model::{EPOC_SENSORS, FLEX_SENSORS, INSIGHT_SENSORS, MN8_SENSORS, is_sensor},
    wire::Side,
};
use serde_json::{Map, Value};

use super::{CaptureEvent, CaptureLine, CaptureReader, ForeignSample, ForeignValues};
use crate::{
    header::{ColumnKind, Header},
    input::InputFile,
    recording::{OpenError, RecordingInfo, RecordingReader},
    row::{ReadCounts, Row, RowMarker, StreamSample, count},
};

/// How many unanswered requests, and how many subscriptions, are remembered.
const PENDING: usize = 1024;
const SUBSCRIPTIONS: usize = 1024;

/// How many marker ids are remembered.
const MARKERS: usize = 1024;

/// How many lines before the first EEG are kept.
const BEFORE: usize = 200_000;
/// How many lines after the first EEG are searched for streams that begin later: ten seconds, in
/// which each stream has a sample.
const AFTER: usize = 8192;

/// The streams that a recording can contain.
const STREAMS: [Stream; 6] =
    [Stream::Eeg, Stream::Mot, Stream::Dev, Stream::Eq, Stream::Met, Stream::Pow];

/// Reads a capture as a recording.
pub(crate) struct CaptureRecording {
    lines: CaptureReader,
    /// Lines that were read ahead.
    ahead: VecDeque<CaptureLine>,
    info: RecordingInfo,
    counts: ReadCounts,
    /// The labels of a session's streams, flattened.
    subscriptions: HashMap<(String, Stream), Vec<String>>,
    /// Unanswered requests that matter.
    pending: HashMap<(u64, u64), Method>,
    /// The columns of the recording.
    columns: Vec<StreamColumns>,
    place: u64,
    samples: Vec<StreamSample>,
    markers: Vec<RowMarker>,
    /// The ids of the newest markers: one that was set in this capture also comes with a sample.
    known: VecDeque<String>,
    has_reported: bool,
}

/// The columns of a stream in the recording.
struct StreamColumns {
    stream: Stream,
    /// Its labels, flattened: those of a session that continues it.
    labels: Vec<String>,
    /// Kinds, and indices into the flattened values.
    places: Vec<(ColumnKind, usize)>,
}

/// A sample as it is read: its session, stream, time and flattened values.
struct FlatSample {
    session: String,
    stream: Stream,
    time: Option<f64>,
    values: Vec<f64>,
    /// The markers in it.
    markers: Vec<Value>,
}

impl CaptureRecording {
    pub(crate) fn open(input: InputFile) -> Result<Self, OpenError> {
        let (name, once) = (input.name(), input.once);
        let unreadable = |error| OpenError::Unreadable { name: name.clone(), error };
        let mut reader = Self {
            lines: CaptureReader::of(input).map_err(unreadable)?,
            ahead: VecDeque::new(),
            info: RecordingInfo { once, ..RecordingInfo::default() },
            counts: ReadCounts::default(),
            subscriptions: HashMap::new(),
            pending: HashMap::new(),
            columns: Vec::new(),
            place: 0,
            samples: Vec::new(),
            markers: Vec::new(),
            known: VecDeque::new(),
            has_reported: false,
        };
        let (mut first, mut most) = (None, BEFORE);
        while reader.ahead.len() < most {
            let Some(line) = reader.lines.next_line() else { break };
            let sample = reader.note(&line.event).filter(|own| own.stream == Stream::Eeg);
            if let Some(sample) = sample.filter(|_| first.is_none()) {
                first = Some(sample.session);
                // If only samples name their columns, each stream does so with its first.
                let is_foreign = matches!(line.event, CaptureEvent::Sample(_));
                most = reader.ahead.len() + if is_foreign { AFTER } else { 1 };
            }
            reader.ahead.push_back(line);
        }
        first.and_then(|session| reader.arrange(&session)).ok_or_else(|| {
            OpenError::unusable(
                &name,
                "the capture has no EEG whose columns name sensors; capture an activated session, \
                 from its beginning on",
            )
        })?;
        // They are read again, in order.
        reader.pending.clear();
        reader.markers.clear();
        reader.known.clear();
        Ok(reader)
    }

    /// Creates the columns from those of a session.
    fn arrange(&mut self, session: &str) -> Option<()> {
        let mut names = Vec::new();
        let mut owners = Vec::new();
        let mut streams = Vec::new();
        for stream in STREAMS {
            let key = (session.to_owned(), stream);
            let Some(labels) = self.subscriptions.get(&key) else { continue };
            for (place, label) in labels.iter().enumerate() {
                names.push(exported(stream, label));
                owners.push((stream, place));
            }
            streams.push(StreamColumns { stream, labels: labels.clone(), places: Vec::new() });
        }
        let header = Header::of(names)?;
        for column in &header.columns {
            let (stream, place) = *owners.get(column.place)?;
            if let Some(own) = streams.iter_mut().find(|own| own.stream == stream) {
                own.places.push((column.kind, place));
            }
        }
        self.columns = streams;
        self.info.header = header;
        Some(())
    }

    /// Processes what a line says about subscriptions and markers. Returns its sample.
    fn note(&mut self, event: &CaptureEvent) -> Option<FlatSample> {
        match event {
            CaptureEvent::Text { connection, from: Side::Client, text } => {
                let wanted = [Method::Subscribe, Method::InjectMarker, Method::QueryHeadsets];
                // Most requests do not matter here.
                let method = wanted
                    .into_iter()
                    .find(|method| text.contains(&format!("\"{}\"", method.name())))?;
                let request: Value = serde_json::from_str(text).ok()?;
                let id = request.get("id")?.as_u64()?;
                if self.pending.len() < PENDING && request["method"] == method.name() {
                    self.pending.insert((*connection, id), method);
                }
                None
            }
            CaptureEvent::Text { connection, from: Side::Service, text } => {
                let Value::Object(message) = serde_json::from_str(text).ok()? else { return None };
                if let Some(session) = message.get("sid").and_then(Value::as_str) {
                    let session = session.to_owned();
                    return self.sample(session, message);
                }
                let id = message.get("id")?.as_u64()?;
                let method = self.pending.remove(&(*connection, id))?;
                self.answer(method, message.get("result")?);
                None
            }
            CaptureEvent::Sample(sample) => self.foreign(sample),
            CaptureEvent::Marker(marker) => {
                self.mark(marker.clone());
                None
            }
            _ => None,
        }
    }

    /// Adds a marker, unless it has come before.
    fn mark(&mut self, marker: RowMarker) {
        let id = marker.object["uuid"].as_str().unwrap_or_default();
        if self.known.iter().any(|own| own == id) {
            return;
        }
        if !id.is_empty() {
            self.known.truncate(MARKERS - 1);
            self.known.push_front(id.to_owned());
        }
        self.markers.push(marker);
    }

    fn answer(&mut self, method: Method, result: &Value) {
        match method {
            Method::Subscribe => {
                for granted in result["success"].as_array().into_iter().flatten() {
                    let stream = granted["streamName"].as_str().and_then(Stream::from_name);
                    let session = granted["sid"].as_str();
                    let (Some(stream), Some(session)) = (stream, session) else { continue };
                    if self.subscriptions.len() < SUBSCRIPTIONS {
                        let labels = flat_labels(&granted["cols"]);
                        self.subscriptions.insert((session.to_owned(), stream), labels);
                    }
                }
            }
            Method::QueryHeadsets if self.info.serial.is_none() => {
                let connected = result.as_array().into_iter().flatten();
                let mut connected = connected.filter(|own| own["status"] == "connected");
                let Some(headset) = connected.next() else { return };
                if let Some((kind, serial)) =
                    headset["id"].as_str().and_then(|id| id.split_once('-'))
                {
                    self.info.headset_type = Some(kind.to_owned());
                    self.info.serial = Some(serial.to_owned());
                }
                let rate = |name: &str| headset["settings"][name].as_f64().filter(|hz| *hz > 0.0);
                (self.info.eeg_rate, self.info.motion_rate) = (rate("eegRate"), rate("memsRate"));
                self.info.firmware = headset["firmware"].as_str().map(str::to_owned);
            }
            Method::InjectMarker => {
                let marker = &result["marker"];
                if marker.is_object() {
                    let time = Some(Marker::from(marker.clone()).start);
                    self.mark(RowMarker { time, object: marker.clone() });
                }
            }
            _ => {}
        }
    }

    fn sample(&self, session: String, mut message: Map<String, Value>) -> Option<FlatSample> {
        let time = message.get("time").and_then(Value::as_f64);
        let (stream, values) = STREAMS
            .into_iter()
            .find_map(|stream| Some((stream, message.remove(stream.name())?)))?;
        self.subscriptions.contains_key(&(session.clone(), stream)).then_some(())?;
        let mut flat = Vec::new();
        flatten(&values, &mut flat);
        let markers = values.as_array().into_iter().flatten().flat_map(shown_markers).collect();
        Some(FlatSample { session, stream, time, values: flat, markers })
    }

    /// A sample from a line that names its values, or whose session was subscribed.
    fn foreign(&mut self, sample: &ForeignSample) -> Option<FlatSample> {
        let named = sample.headset.as_ref().filter(|_| self.info.serial.is_none());
        if let Some((kind, serial)) = named.and_then(|own| own.split_once('-')) {
            self.info.headset_type = Some(kind.to_owned());
            self.info.serial = Some(serial.to_owned());
        }
        let session = sample.session.clone().unwrap_or_default();
        let (mut flat, mut markers) = (Vec::new(), Vec::new());
        let key = (session.clone(), sample.stream);
        match &sample.values {
            ForeignValues::Named(named) => {
                if !self.subscriptions.contains_key(&key)
                    && self.subscriptions.len() < SUBSCRIPTIONS
                {
                    self.subscriptions.insert(key.clone(), in_order(named.keys()));
                }
                // By name: a line may lack some, and the list of markers may be empty.
                let labels = self.subscriptions.get(&key)?;
                flat.extend(labels.iter().map(|label| named.get(label).map_or(f64::NAN, number)));
                markers.extend(named.values().flat_map(shown_markers));
            }
            ForeignValues::List(values) => {
                for value in values {
                    flatten(value, &mut flat);
                }
                markers.extend(values.iter().flat_map(shown_markers));
                self.subscriptions.contains_key(&key).then_some(())?;
            }
        }
        Some(FlatSample {
            session,
            stream: sample.stream,
            time: sample.time,
            values: flat,
            markers,
        })
    }

    /// The values of a sample in the order of the recording; `None` if its columns differ.
    fn arranged(&self, sample: &FlatSample) -> Option<Vec<(ColumnKind, f64)>> {
        let columns = self.columns.iter().find(|own| own.stream == sample.stream)?;
        let own = self.subscriptions.get(&(sample.session.clone(), sample.stream))?;
        (*own == columns.labels).then_some(())?;
        let value = |place: usize| sample.values.get(place).copied().unwrap_or(f64::NAN);
        Some(columns.places.iter().map(|(kind, place)| (*kind, value(*place))).collect())
    }
}

impl RecordingReader for CaptureRecording {
    fn info(&self) -> &RecordingInfo {
        &self.info
    }

    fn next_row(&mut self, row: &mut Row) -> io::Result<bool> {
        row.clear();
        while let Some(line) = self.ahead.pop_front().or_else(|| self.lines.next_line()) {
            let Some(sample) = self.note(&line.event) else { continue };
            let Some(values) = self.arranged(&sample) else { continue };
            let counter = values.iter().find_map(|(kind, value)| {
                let is_counter = matches!(kind, ColumnKind::Counter | ColumnKind::MotionCounter);
                is_counter.then(|| count(*value)).flatten()
            });
            if sample.stream == Stream::Eeg {
                self.counts.read += 1;
                row.time = sample.time.or(line.at);
                row.counter = counter;
                row.place = self.place;
                self.place += 1;
                let is = |wanted: &[ColumnKind], kind: ColumnKind| wanted.contains(&kind);
                row.interpolated = values
                    .iter()
                    .any(|(kind, value)| *kind == ColumnKind::Interpolated && *value > 0.0);
                let own = values
                    .iter()
                    .filter(|(kind, _)| is(&[ColumnKind::Sensor, ColumnKind::Extra], *kind));
                row.eeg.extend(own.map(|(_, value)| *value));
                row.samples.append(&mut self.samples);
                for object in sample.markers {
                    self.mark(RowMarker { time: row.time, object });
                }
                row.markers.append(&mut self.markers);
                return Ok(true);
            }
            let own = values.iter().filter(|(kind, _)| kind.stream() == Some(sample.stream));
            let values = own.map(|(_, value)| *value).collect();
            let (stream, time) = (sample.stream, sample.time);
            self.samples.push(StreamSample { stream, time, counter, values });
        }
        match self.lines.tally().cut_off.clone().filter(|_| !self.has_reported) {
            Some(why) => {
                self.has_reported = true;
                Err(io::Error::other(why))
            }
            None => Ok(false),
        }
    }

    fn counts(&self) -> &ReadCounts {
        &self.counts
    }

    fn left_out(&self) -> Vec<String> {
        self.lines.tally().left_out().collect()
    }
}

/// The labels of a subscription in order, including those of groups.
fn flat_labels(columns: &Value) -> Vec<String> {
    let mut labels = Vec::new();
    for column in columns.as_array().into_iter().flatten() {
        match column {
            Value::Array(group) => {
                labels.extend(group.iter().map(|own| own.as_str().unwrap_or_default().to_owned()));
            }
            one => labels.push(one.as_str().unwrap_or_default().to_owned()),
        }
    }
    labels
}

/// The names of values, with the sensors among them in the order of the headset that has these.
fn in_order<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut names: Vec<_> = names.cloned().collect();
    let models: [&[&str]; 4] = [&MN8_SENSORS, &INSIGHT_SENSORS, &EPOC_SENSORS, &FLEX_SENSORS];
    let is_of = |own: &&&[&str]| {
        names.iter().filter(|name| is_sensor(name)).all(|name| own.contains(&name.as_str()))
    };
    if let Some(model) = models.iter().find(is_of) {
        names.sort_by_key(|name| model.iter().position(|own| own == name));
    }
    names
}

/// A value as a number; NaN for anything else.
fn number(value: &Value) -> f64 {
    match value {
        Value::Bool(flag) => f64::from(u8::from(*flag)),
        other => other.as_f64().unwrap_or(f64::NAN),
    }
}

/// Appends values in order, including those of groups. The list of markers takes a single place,
/// however long it is.
fn flatten(value: &Value, into: &mut Vec<f64>) {
    match value {
        Value::Array(list) => {
            for own in list {
                match own {
                    Value::Array(group)
                        if group.iter().all(|own| !own.is_object()) && !group.is_empty() =>
                    {
                        into.extend(group.iter().map(number));
                    }
                    one => into.push(number(one)),
                }
            }
        }
        one => into.push(number(one)),
    }
}

/// The markers among the values of a sample (§5.1).
fn shown_markers(value: &Value) -> impl Iterator<Item = Value> {
    value.as_array().into_iter().flatten().filter(|own| own.is_object()).cloned()
}

/// The name of a label in an export, so that one table serves all formats; empty if it is left out.
fn exported(stream: Stream, label: &str) -> String {
    match (stream, label) {
        (Stream::Eeg, "MARKERS")
        | (Stream::Eq, "batteryPercent")
        | (Stream::Dev, "batteryLeftPercent" | "batteryRightPercent") => String::new(),
        (Stream::Mot, "COUNTER_MEMS") => "MOT.CounterMems".to_owned(),
        (Stream::Mot, "INTERPOLATED_MEMS") => "MOT.InterpolatedMems".to_owned(),
        (Stream::Mot, _) => format!("MOT.{label}"),
        (Stream::Dev, "Battery" | "Signal" | "BatteryPercent") => format!("EEG.{label}"),
        (Stream::Dev, _) => format!("CQ.{label}"),
        (Stream::Eq, _) => format!("EQ.{label}"),
        (Stream::Pow, _) => format!("POW.{}", label.replace('/', ".")),
        (Stream::Met, _) => {
            let (own, part) = match label.strip_suffix(IS_ACTIVE) {
                Some(own) => (own, "IsActive"),
                None => (label, "Scaled"),
            };
            match MetricName::of_label(own) {
                Some(metric) if metric.label == "lex" => format!("PM.{}", metric.exported),
                Some(metric) => format!("PM.{}.{part}", metric.exported),
                None => String::new(),
            }
        }
        _ => format!("EEG.{label}"),
    }
}
