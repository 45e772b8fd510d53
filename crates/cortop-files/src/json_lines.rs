//! Samples as JSON lines: one object per sample, with its values as received under the names of
//! their columns. Nothing is computed: numbers keep their notation, nulls stay null.

use std::io::{self, Write};

use cortop_protocol::{
    HeadsetId, Sample, SessionMarker, Subscription, columns::LabelledValue, sanitize::json_line,
    values::Conformance,
};
use cortop_signal::sink::Sink;
use serde::{Serialize, Serializer};
use serde_json::{json, value::RawValue};

/// The stream's name in lines that are markers.
pub(crate) const MARKER_STREAM: &str = "marker";

/// How many bytes of lines are written at once.
const CHUNK: usize = 8192;

/// Collects whole lines and writes them together, so that a reader never sees part of one.
#[derive(Debug)]
pub struct LineBuffer<W> {
    out: W,
    waiting: Vec<u8>,
}

impl<W: Write> LineBuffer<W> {
    /// An empty buffer.
    pub fn new(out: W) -> Self {
        Self { out, waiting: Vec::with_capacity(2 * CHUNK) }
    }

    /// Adds a whole line, including its end.
    ///
    /// # Errors
    /// The lines cannot be written.
    pub fn line(&mut self, append: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        append(&mut self.waiting);
        if self.waiting.len() < CHUNK { Ok(()) } else { self.flush() }
    }

    /// Writes all lines.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&self.waiting)?;
        self.waiting.clear();
        self.out.flush()
    }
}

/// One JSON object per sample.
#[derive(Debug)]
pub struct JsonLines<W>(LineBuffer<W>);

impl<W: Write> JsonLines<W> {
    /// Without any lines yet.
    pub fn new(out: W) -> Self {
        Self(LineBuffer::new(out))
    }

    /// The underlying writer.
    pub fn get_ref(&self) -> &W {
        &self.0.out
    }

    /// Writes a marker that comes with no sample, or its end, as a line like those of samples.
    ///
    /// # Errors
    /// The lines cannot be written.
    pub fn push_marker(&mut self, headset: &HeadsetId, marker: &SessionMarker) -> io::Result<()> {
        let SessionMarker { session, id, time, end, text } = marker;
        let mut values =
            json!({ "text": text.to_string(), "label": text.label, "value": text.value });
        if let Some(end) = end {
            values["end"] = json!(end);
        }
        if let Some(id) = id {
            values["uuid"] = json!(id.as_str());
        }
        let object = json!({
            "stream": MARKER_STREAM,
            "headset": headset.as_str(),
            "session": session.as_str(),
            "time": time,
            "values": values,
        });
        self.push(&object.to_string())
    }

    fn push(&mut self, json: &str) -> io::Result<()> {
        self.0.line(|lines| {
            lines.extend(json_line(json).as_bytes());
            lines.push(b'\n');
        })
    }
}

impl<W: Write> Sink for JsonLines<W> {
    type Error = io::Error;

    fn sample(&mut self, sample: &Sample) -> io::Result<()> {
        let Some((time, values)) = members(sample) else { return Ok(()) };
        let Subscription { stream, headset, session, .. } = &*sample.subscription;
        let object = Object {
            stream: stream.name(),
            headset: headset.as_str(),
            session: session.as_str(),
            time,
            values: NamedValues(&values),
        };
        self.push(&serde_json::to_string(&object)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A sample as a JSON object.
#[derive(Serialize)]
struct Object<'a> {
    stream: &'a str,
    headset: &'a str,
    session: &'a str,
    time: Option<&'a RawValue>,
    values: NamedValues<'a>,
}

/// Values under the names of their columns, with those of groups (`dev`, §5.4) at their position.
struct NamedValues<'a>(&'a [LabelledValue<'a>]);

impl Serialize for NamedValues<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().filter_map(|pair| Some((pair.label?, pair.value))))
    }
}

/// The time of a sample and its values with their labels, as written; `None` if it is not a valid
/// sample.
#[must_use]
pub fn members(sample: &Sample) -> Option<(Option<&RawValue>, Vec<LabelledValue<'_>>)> {
    if sample.values.fit == Conformance::None {
        return None;
    }
    let members = sample.members()?;
    let find = |name: &str| members.iter().find(|(own, _)| own == name).map(|&(_, value)| value);
    let values = sample.pair(find(sample.subscription.stream.name())?)?;
    Some((find("time"), values))
}
