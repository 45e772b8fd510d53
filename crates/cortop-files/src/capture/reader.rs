//! Reads captures line by line: those of cortop, and those of other clients whose lines are
//! samples. A line that cannot be read is counted and reported; the other lines are read all the
//! same.

use std::{io, path::Path};

use cortop_protocol::{Stream, wire::Side};
use serde_json::{Map, Value, json};

use super::FORMAT;
use crate::{
    input::InputFile,
    json_lines::MARKER_STREAM,
    lines::LineReader,
    recording::{OpenError, display_name},
    row::RowMarker,
    zstd::is_gap,
};

/// How many lines at the start decide whether a text is a capture.
const SNIFFED: usize = 20;

/// A line of a capture.
#[derive(Clone, Debug, PartialEq)]
pub struct CaptureLine {
    /// When it arrived, in epoch seconds; `None` if the line does not say.
    pub at: Option<f64>,
    /// Whether it crossed before the capture began; `at` is the original time.
    pub recalled: bool,
    /// Its content.
    pub event: CaptureEvent,
}

/// The content of a line.
#[derive(Clone, Debug, PartialEq)]
pub enum CaptureEvent {
    /// The first line: the service's URL.
    Began(String),
    /// A connection began.
    Connected(u64),
    /// A message.
    Text {
        /// The connection.
        connection: u64,
        /// Who sent it.
        from: Side,
        /// The message, with its secrets hidden.
        text: String,
    },
    /// A connection ended, and who ended it.
    Disconnected(u64, Side),
    /// This many lines are missing.
    Lost(u64),
    /// A sample in the format of another client.
    Sample(ForeignSample),
    /// A marker, as in recordings, that came with no sample.
    Marker(RowMarker),
    /// Anything else: frames without text, and whatever later versions may write.
    Other,
}

/// A sample of a capture whose lines are samples.
#[derive(Clone, Debug, PartialEq)]
pub struct ForeignSample {
    /// Its stream.
    pub stream: Stream,
    /// Epoch seconds.
    pub time: Option<f64>,
    /// Its headset and session, if the line names them.
    pub headset: Option<String>,
    /// See `headset`.
    pub session: Option<String>,
    /// Its values, by name if the line names them.
    pub values: ForeignValues,
}

/// The values of a [`ForeignSample`].
#[derive(Clone, Debug, PartialEq)]
pub enum ForeignValues {
    /// In the order of the stream's columns.
    List(Vec<Value>),
    /// By name, in their order.
    Named(Map<String, Value>),
}

/// Statistics of the lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineTally {
    /// Lines read.
    pub read: u64,
    /// How many of them are not lines of a capture.
    pub bad: u64,
    /// The first of those: its number, counted from 1, and what is wrong with it.
    pub first_bad: Option<(u64, String)>,
    /// Why the file could not be read to its end: it was cut off, or is damaged there.
    pub cut_off: Option<String>,
    /// How many damaged parts were left out, and how many lines precede the first of them.
    pub damaged: u64,
    /// See `damaged`.
    pub first_damaged: Option<u64>,
    /// How many lines were implausibly long.
    too_long: u64,
}

impl LineTally {
    /// Updates the number of lines that were too long.
    fn note_too_long(&mut self, count: u64) {
        let more = count - std::mem::replace(&mut self.too_long, count);
        self.read += more;
        self.bad += more;
        if more > 0 {
            self.first_bad.get_or_insert((self.read, "it is longer than 4 MiB".to_owned()));
        }
    }

    /// What was wrong, one sentence each.
    pub fn sentences(&self) -> impl Iterator<Item = String> {
        let cut = self
            .cut_off
            .as_ref()
            .map(|why| format!("Not readable beyond line {}: {why}", self.read));
        self.left_out().chain(cut)
    }

    /// What was left out although the file was read to its end, one sentence each.
    pub(super) fn left_out(&self) -> impl Iterator<Item = String> {
        let bad = self.first_bad.as_ref().map(|(line, why)| match self.bad {
            1 => format!("1 line left out, line {line}: {why}"),
            bad => format!("{bad} lines left out, the first is line {line}: {why}"),
        });
        let damaged = self.first_damaged.map(|after| match self.damaged {
            1 => format!("1 damaged part left out, after line {after}"),
            damaged => {
                format!("{damaged} damaged parts left out, the first after line {after}")
            }
        });
        bad.into_iter().chain(damaged)
    }
}

/// Reads a capture.
pub struct CaptureReader {
    lines: LineReader,
    tally: LineTally,
}

impl CaptureReader {
    /// Opens a capture: plain, or compressed with zstd, gzip or bzip2.
    ///
    /// # Errors
    /// It cannot be read, or is not a capture.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let name = display_name(path);
        let unreadable = |error| OpenError::Unreadable { name: name.clone(), error };
        let input = InputFile::open(path).map_err(unreadable)?;
        if input.once {
            let what = "a capture is gone through more than once: write it to a file first";
            return Err(OpenError::unusable(&name, what));
        }
        let mut probe = Self::of(input).map_err(unreadable)?;
        let mut found = false;
        for _ in 0..SNIFFED {
            match probe.next_line() {
                Some(CaptureLine { event: CaptureEvent::Other, .. }) => {}
                Some(_) => {
                    found = true;
                    break;
                }
                None => break,
            }
        }
        if !found {
            return Err(OpenError::unusable(
                &name,
                if probe.tally.read == 0 {
                    "it is empty; give a capture, as `cortop capture` writes it"
                } else {
                    "this is no capture: its lines are neither those of `cortop capture` nor JSON \
                     objects with stream, time and data; for a recording take `cortop report FILE` \
                     or `cortop demo --replay FILE`"
                },
            ));
        }
        Self::of(InputFile::open(path).map_err(unreadable)?).map_err(unreadable)
    }

    pub(crate) fn of(input: InputFile) -> io::Result<Self> {
        Ok(Self { lines: LineReader::new(input)?, tally: LineTally::default() })
    }

    /// The next readable line; `None` after the last.
    pub fn next_line(&mut self) -> Option<CaptureLine> {
        loop {
            self.tally.note_too_long(self.lines.too_long());
            let line = match self.lines.next_line() {
                Ok(Some(line)) => line,
                Ok(None) => {
                    self.tally.note_too_long(self.lines.too_long());
                    return None;
                }
                Err(error) if is_gap(&error) => {
                    self.tally.damaged += 1;
                    self.tally.first_damaged.get_or_insert(self.tally.read);
                    continue;
                }
                Err(error) => {
                    self.tally.cut_off.get_or_insert_with(|| error.to_string());
                    return None;
                }
            };
            self.tally.read += 1;
            if line.trim_ascii().is_empty() {
                continue;
            }
            match parse(line) {
                Ok(line) => return Some(line),
                Err(why) => {
                    self.tally.bad += 1;
                    let read = self.tally.read;
                    self.tally.first_bad.get_or_insert((read, why));
                }
            }
        }
    }

    /// Statistics of what was read so far.
    #[must_use]
    pub fn tally(&self) -> &LineTally {
        &self.tally
    }
}

/// Parses a line.
fn parse(line: &str) -> Result<CaptureLine, String> {
    let value: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let Value::Object(mut line) = value else { return Err("it is no JSON object".to_owned()) };
    let at = line.get("at").and_then(Value::as_f64).filter(|at| at.is_finite() && *at >= 0.0);
    if !line.contains_key("event") && line.contains_key("stream") {
        return sample(line);
    }
    let at = Some(at.ok_or("it has no time `at`")?);
    let recalled = line.get("recalled") == Some(&Value::Bool(true));
    let connection = line.get("connection").and_then(Value::as_u64).unwrap_or_default();
    let side = |name: &str| line.get(name).and_then(Value::as_str).and_then(Side::from_name);
    let event = match line.get("event").and_then(Value::as_str) {
        Some("capture") => {
            if line.get("format").and_then(Value::as_str) != Some(FORMAT) {
                return Err("it is the first line of another format".to_owned());
            }
            CaptureEvent::Began(text(&mut line, "service").unwrap_or_default())
        }
        Some("connected") => CaptureEvent::Connected(connection),
        Some("text") => {
            let from = side("from").ok_or("it has no `from`")?;
            let text = text(&mut line, "text").ok_or("it has no `text`")?;
            CaptureEvent::Text { connection, from, text }
        }
        Some("disconnected") => {
            CaptureEvent::Disconnected(connection, side("by").unwrap_or(Side::Service))
        }
        Some("lost") => {
            CaptureEvent::Lost(line.get("lines").and_then(Value::as_u64).unwrap_or_default())
        }
        Some(_) => CaptureEvent::Other,
        None => return Err("it has neither `event` nor `stream`".to_owned()),
    };
    Ok(CaptureLine { at, recalled, event })
}

/// Parses a line that is a sample.
fn sample(mut line: Map<String, Value>) -> Result<CaptureLine, String> {
    let name = text(&mut line, "stream").ok_or("its `stream` is no text")?;
    if name == MARKER_STREAM {
        return Ok(marker(&line));
    }
    let stream = Stream::from_name(&name).ok_or("its `stream` is none of Cortex's")?;
    let time = line.get("time").and_then(Value::as_f64).filter(|time| time.is_finite());
    let (headset, session) = (text(&mut line, "headset"), text(&mut line, "session"));
    let at = line.get("at").and_then(Value::as_f64).or(time);
    let values = match line.remove("data").or_else(|| line.remove("values")) {
        Some(Value::Array(list)) => ForeignValues::List(list),
        Some(Value::Object(named)) => ForeignValues::Named(named),
        _ => return Err("it has neither `data` nor `values`".to_owned()),
    };
    let sample = ForeignSample { stream, time, headset, session, values };
    Ok(CaptureLine { at, recalled: false, event: CaptureEvent::Sample(sample) })
}

/// Parses a line that is a marker. The end of a marker, which has a line of its own, is not one.
fn marker(line: &Map<String, Value>) -> CaptureLine {
    let time = line.get("time").and_then(Value::as_f64).filter(|time| time.is_finite());
    let values = line.get("values").unwrap_or(&Value::Null);
    let event = if values.get("end").is_some() {
        CaptureEvent::Other
    } else {
        let own = |name: &str| values.get(name).unwrap_or(&values["text"]);
        let object =
            json!({ "label": own("label"), "value": own("value"), "uuid": values["uuid"] });
        CaptureEvent::Marker(RowMarker { time, object })
    };
    CaptureLine { at: time, recalled: false, event }
}

fn text(line: &mut Map<String, Value>, name: &str) -> Option<String> {
    match line.remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}
