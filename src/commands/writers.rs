//! The sinks of `cortop watch`: JSON lines, and CSV with one line of values per sample. Values are not
//! converted: numbers keep their notation, nulls stay nulls.

use std::{
    borrow::Cow,
    fmt,
    io::{self, Write},
    sync::Arc,
};

use serde_json::value::RawValue;

use crate::{console::DISK_HANGS, exchange::ServeError};
use cortop_files::{
    json_lines::{LineBuffer, members},
    recorder::RecordError,
};
use cortop_protocol::{
    Columns, Sample, Stream, Subscription,
    sanitize::{clean, json_line},
};
use cortop_signal::sink::Sink;

/// Why samples can no longer be written.
#[derive(Debug)]
pub(super) enum WriteError {
    /// Nobody reads them any more.
    Closed,
    /// The output failed.
    Failed(io::Error),
    /// The columns of a stream differ from those in the CSV header.
    ColumnsChanged(Stream),
    /// An LSL stream cannot be served.
    Unserved(ServeError),
    /// A recording cannot continue.
    Unrecorded(RecordError),
    /// The disk no longer accepts data, without an error.
    DiskHangs,
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("nobody reads the samples any more"),
            Self::Failed(error) => write!(
                f,
                "standard output cannot be written ({error}) → check the disk and the redirection"
            ),
            Self::ColumnsChanged(stream) => write!(
                f,
                "the columns of {stream} have changed, which CSV cannot show → start again, or \
                 take --format jsonl"
            ),
            Self::Unserved(error) => error.fmt(f),
            Self::Unrecorded(error) => error.fmt(f),
            Self::DiskHangs => f.write_str(DISK_HANGS),
        }
    }
}

impl From<ServeError> for WriteError {
    fn from(error: ServeError) -> Self {
        Self::Unserved(error)
    }
}

impl From<RecordError> for WriteError {
    fn from(error: RecordError) -> Self {
        Self::Unrecorded(error)
    }
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Failed(error),
        }
    }
}

/// A line of column names, then one line of values per sample.
#[derive(Debug)]
pub(super) struct Csv<W> {
    lines: LineBuffer<W>,
    /// The columns of the header, and whether it has been written.
    header: Option<(Columns, bool)>,
}

impl<W: Write> Csv<W> {
    pub(super) fn new(out: W) -> Self {
        Self { lines: LineBuffer::new(out), header: None }
    }

    fn line<'a>(&mut self, cells: impl Iterator<Item = &'a str>) -> Result<(), WriteError> {
        let mut written = Ok(());
        self.lines.line(|lines| {
            let mut writer = csv::Writer::from_writer(lines);
            written = writer.write_record(cells).map_err(io::Error::from).and(writer.flush());
        })?;
        Ok(written?)
    }
}

impl<W: Write> Sink for Csv<W> {
    type Error = WriteError;

    fn subscription(&mut self, subscription: &Arc<Subscription>) -> Result<(), WriteError> {
        let columns = &subscription.columns;
        match &self.header {
            Some((header, _)) if header != columns => {
                Err(WriteError::ColumnsChanged(subscription.stream))
            }
            Some(_) => Ok(()),
            None => {
                self.header = Some((columns.clone(), false));
                Ok(())
            }
        }
    }

    fn sample(&mut self, sample: &Sample) -> Result<(), WriteError> {
        let Some((time, values)) = members(sample) else { return Ok(()) };
        let Subscription { stream, headset, columns, .. } = &*sample.subscription;
        if let Some((_, written @ false)) = &mut self.header {
            *written = true;
            self.line(["stream", "time", "headset"].into_iter().chain(columns.labels()))?;
        }
        let named = values.iter().filter(|pair| pair.label.is_some());
        let cells: Vec<_> = named.map(|pair| cell(pair.value)).collect();
        let time = cell(time);
        let fixed = [stream.name(), &time, headset.as_str()];
        self.line(fixed.into_iter().chain(cells.iter().map(Cow::as_ref)))
    }

    fn flush(&mut self) -> Result<(), WriteError> {
        Ok(self.lines.flush()?)
    }
}

/// A value in CSV: a string without its quotes, nothing for null, anything else as received.
fn cell(value: Option<&RawValue>) -> Cow<'_, str> {
    match value.map(RawValue::get) {
        None | Some("null") => Cow::Borrowed(""),
        Some(text) if text.starts_with('"') => serde_json::from_str::<String>(text)
            .map_or(Cow::Borrowed(text), |text| clean(&text).into()),
        Some(json) => json_line(json),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use cortop_files::json_lines::JsonLines;
    use cortop_protocol::values::Conformance;

    use super::*;
    use crate::cli::OutputFormat;

    /// What a sink writes for a message of a stream with these columns, and how the values match.
    fn lines(
        format: OutputFormat,
        stream: Stream,
        columns: &str,
        text: &str,
    ) -> (String, Conformance) {
        let columns = serde_json::from_str(columns).expect("columns");
        let subscription = Subscription {
            session: "s".into(),
            headset: "EPOCX-1".into(),
            stream,
            columns,
            nominal_rate: None,
        };
        let subscription = Arc::new(subscription);
        let received = Instant::now();
        let sample = Sample::new(Arc::clone(&subscription), text.into(), received);
        let mut out = Vec::new();
        match format {
            OutputFormat::Jsonl => write(JsonLines::new(&mut out), &subscription, &sample),
            OutputFormat::Csv => write(Csv::new(&mut out), &subscription, &sample),
        }
        (String::from_utf8(out).expect("text"), sample.values.fit)
    }

    fn write<S>(mut sink: S, subscription: &Arc<Subscription>, sample: &Sample)
    where
        S: Sink<Error: std::fmt::Debug>,
    {
        sink.subscription(subscription).expect("taken");
        sink.sample(sample).expect("taken");
        sink.flush().expect("written");
    }

    #[test]
    fn numbers_keep_their_notation_and_nulls_stay() {
        let columns = r#"["COUNTER","AF3","MARKERS"]"#;
        let text = r#"{"eeg":[7.0,4200.10,[{"label":
            "a"}]],"sid":"s","time":1767942612.4420}"#;
        let (line, fit) = lines(OutputFormat::Jsonl, Stream::Eeg, columns, text);
        let start = r#"{"stream":"eeg","headset":"EPOCX-1","session":"s","time":1767942612.4420,"values":{"COUNTER":7.0,"AF3":4200.10,"MARKERS":[{"label":"#;
        assert!(line.starts_with(start) && line.ends_with("\"a\"}]}}\n"), "{line}");
        assert_eq!((line.lines().count(), fit), (1, Conformance::Complete));

        let (csv, _) = lines(
            OutputFormat::Csv,
            Stream::Met,
            r#"["eng"]"#,
            r#"{"met":[null],"sid":"s","time":1.50}"#,
        );
        assert_eq!(csv, "stream,time,headset,eng\nmet,1.50,EPOCX-1,\n");
    }

    #[test]
    fn the_values_of_a_group_stand_under_their_own_names() {
        let columns = r#"["Battery",["AF3","OVERALL"],"BatteryPercent"]"#;
        let text = r#"{"dev":[4,[2,80],77],"sid":"s","time":1}"#;
        let (line, fit) = lines(OutputFormat::Jsonl, Stream::Dev, columns, text);
        assert!(
            line.contains(r#"{"Battery":4,"AF3":2,"OVERALL":80,"BatteryPercent":77}"#),
            "{line}"
        );
        assert_eq!(fit, Conformance::Complete);
    }

    #[test]
    fn what_is_missing_is_null_and_counted_and_what_is_no_sample_is_no_line() {
        let columns = r#"["a",["b","c"]]"#;
        for (text, values) in [
            (r#"{"dev":[1],"sid":"s","time":1}"#, r#"{"a":1,"b":null,"c":null}"#),
            (r#"{"dev":[1,[2]],"sid":"s","time":1}"#, r#"{"a":1,"b":2,"c":null}"#),
            (r#"{"dev":[1,[2,3],4],"sid":"s","time":1}"#, r#"{"a":1,"b":2,"c":3}"#),
            (r#"{"dev":[1,7],"sid":"s","time":1}"#, r#"{"a":1,"b":null,"c":null}"#),
        ] {
            let (line, fit) = lines(OutputFormat::Jsonl, Stream::Dev, columns, text);
            assert!(line.contains(values), "{line}");
            assert_eq!(fit, Conformance::Partial, "{text}");
        }
        for text in ["no", "{}", r#"{"dev":7,"sid":"s"}"#] {
            assert_eq!(
                lines(OutputFormat::Jsonl, Stream::Dev, columns, text),
                (String::new(), Conformance::None)
            );
        }
    }

    #[test]
    fn a_text_cannot_drive_the_terminal_nor_break_its_line() {
        let columns = r#"["act","pow"]"#;
        let text = "{\"com\":[\"a,\\n\\u001b[2J\u{9b}\",0.5],\"sid\":\"s\",\"time\":1}";
        for format in [OutputFormat::Jsonl, OutputFormat::Csv] {
            let (lines, _) = lines(format, Stream::Com, columns, text);
            let last = lines.trim_end().lines().last().expect("a line");
            assert!(last.contains("com") && !last.contains(char::is_control), "{last}");
        }
    }
}
