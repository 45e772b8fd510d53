//! A sample as a line of text: its values as they came, under the names of its columns. Nothing is
//! calculated: numbers keep their notation, nulls stay nulls.

use std::{borrow::Cow, collections::HashMap};

use color_eyre::eyre::{Result, bail};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::json;
use crate::cli::Format;
use cortop_client::{Columns, Sample, sample::Column, sanitize::clean};

/// Writes samples as lines.
#[derive(Debug)]
pub(super) struct Rows {
    format: Format,
    /// The columns of the header that was written.
    header: Option<Columns>,
    /// Samples that were not as their columns say.
    pub(super) odd: u64,
}

impl Rows {
    pub(super) fn new(format: Format) -> Self {
        Self { format, header: None, odd: 0 }
    }

    /// Appends a sample, and the header before the first; one that is no sample counts as odd.
    ///
    /// # Errors
    /// CSV cannot go on with other columns than it has begun with.
    pub(super) fn push(&mut self, sample: &Sample, to: &mut String) -> Result<()> {
        let subscription = &*sample.subscription;
        let columns = &subscription.columns;
        if self.format == Format::Csv && self.header.as_ref() != Some(columns) {
            if self.header.is_some() {
                bail!(
                    "the columns of {} have changed, which CSV cannot show → start again, or take \
                     --format jsonl",
                    subscription.stream
                );
            }
            csv(["stream", "time", "headset"].into_iter().chain(columns.labels()), to)?;
            self.header = Some(columns.clone());
        }
        let Some(message) = Message::read(&sample.text, subscription.stream.name()) else {
            self.odd += 1;
            return Ok(());
        };
        let (values, fits) = paired(columns, &message.values);
        self.odd += u64::from(!fits);
        let row = Row {
            stream: subscription.stream.name(),
            headset: subscription.headset.as_str(),
            session: subscription.session.as_str(),
            time: message.time,
            values: Values(columns, &values),
        };
        match self.format {
            Format::Jsonl => {
                to.push_str(&json::line(&serde_json::to_string(&row)?));
                to.push('\n');
            }
            Format::Csv => {
                let cells: Vec<_> = values.iter().map(|&value| cell(value)).collect();
                let time = cell(message.time);
                let fixed = [row.stream, &time, row.headset];
                csv(fixed.into_iter().chain(cells.iter().map(Cow::as_ref)), to)?;
            }
        }
        Ok(())
    }
}

/// A sample as JSON.
#[derive(Serialize)]
struct Row<'a> {
    stream: &'a str,
    headset: &'a str,
    session: &'a str,
    time: Option<&'a RawValue>,
    values: Values<'a>,
}

/// Values under the names of their columns, those of groups (`dev`, §5.4) in their place.
struct Values<'a>(&'a Columns, &'a [Option<&'a RawValue>]);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.labels().zip(self.1))
    }
}

/// What a sample's message holds, not read any further.
struct Message<'a> {
    time: Option<&'a RawValue>,
    values: Vec<&'a RawValue>,
}

impl<'a> Message<'a> {
    fn read(text: &'a str, stream: &str) -> Option<Self> {
        let members: HashMap<String, &'a RawValue> = serde_json::from_str(text).ok()?;
        let values = serde_json::from_str(members.get(stream)?.get()).ok()?;
        Some(Self { time: members.get("time").copied(), values })
    }
}

/// A value for each label, and whether there were as many as the columns say.
fn paired<'a>(columns: &Columns, values: &[&'a RawValue]) -> (Vec<Option<&'a RawValue>>, bool) {
    let mut fits = values.len() == columns.0.len();
    let mut paired = Vec::with_capacity(values.len());
    for (at, column) in columns.0.iter().enumerate() {
        let value = values.get(at).copied();
        match column {
            Column::One(_) => paired.push(value),
            Column::Group(labels) => {
                let group: Vec<&RawValue> = value
                    .and_then(|value| serde_json::from_str(value.get()).ok())
                    .unwrap_or_default();
                fits &= group.len() == labels.len();
                paired.extend((0..labels.len()).map(|at| group.get(at).copied()));
            }
        }
    }
    (paired, fits)
}

/// A value in CSV: a text without its quotes, nothing for null, everything else as it came.
fn cell(value: Option<&RawValue>) -> Cow<'_, str> {
    match value.map(RawValue::get) {
        None | Some("null") => Cow::Borrowed(""),
        Some(text) if text.starts_with('"') => serde_json::from_str::<String>(text)
            .map_or(Cow::Borrowed(text), |text| clean(&text).into()),
        Some(json) => json::line(json),
    }
}

/// Appends a line of CSV.
fn csv<'a>(cells: impl Iterator<Item = &'a str>, to: &mut String) -> Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells)?;
    to.push_str(std::str::from_utf8(&writer.into_inner()?)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::time::Instant;

    use super::*;
    use cortop_client::{Stream, Subscription};

    /// The lines of one message of a stream with these columns.
    fn lines(format: Format, stream: Stream, columns: &str, text: &str) -> (String, u64) {
        let columns = serde_json::from_str(columns).expect("columns");
        let subscription = Subscription {
            session: "s".into(),
            headset: "EPOCX-1".into(),
            stream,
            columns,
            nominal_rate: None,
        };
        let received = Instant::now().into_std();
        let sample = Sample::new(Arc::new(subscription), text.into(), received);
        let (mut rows, mut lines) = (Rows::new(format), String::new());
        rows.push(&sample, &mut lines).expect("written");
        (lines, rows.odd)
    }

    #[test]
    fn numbers_keep_their_notation_and_nulls_stay() {
        let columns = r#"["COUNTER","AF3","MARKERS"]"#;
        let text = r#"{"eeg":[7.0,4200.10,[{"label":
            "a"}]],"sid":"s","time":1767942612.4420}"#;
        let (line, odd) = lines(Format::Jsonl, Stream::Eeg, columns, text);
        let start = r#"{"stream":"eeg","headset":"EPOCX-1","session":"s","time":1767942612.4420,"values":{"COUNTER":7.0,"AF3":4200.10,"MARKERS":[{"label":"#;
        assert!(line.starts_with(start) && line.ends_with("\"a\"}]}}\n"), "{line}");
        assert_eq!((line.lines().count(), odd), (1, 0));

        let (csv, _) =
            lines(Format::Csv, Stream::Met, r#"["eng"]"#, r#"{"met":[null],"time":1.50}"#);
        assert_eq!(csv, "stream,time,headset,eng\nmet,1.50,EPOCX-1,\n");
    }

    #[test]
    fn the_values_of_a_group_stand_under_their_own_names() {
        let columns = r#"["Battery",["AF3","OVERALL"],"BatteryPercent"]"#;
        let text = r#"{"dev":[4,[2,80],77],"sid":"s","time":1}"#;
        let (line, odd) = lines(Format::Jsonl, Stream::Dev, columns, text);
        assert!(
            line.contains(r#"{"Battery":4,"AF3":2,"OVERALL":80,"BatteryPercent":77}"#),
            "{line}"
        );
        assert_eq!(odd, 0);
    }

    #[test]
    fn what_is_missing_is_null_and_counted_and_what_is_no_sample_is_no_line() {
        let columns = r#"["a",["b","c"]]"#;
        for (text, values) in [
            (r#"{"dev":[1],"time":1}"#, r#"{"a":1,"b":null,"c":null}"#),
            (r#"{"dev":[1,[2]],"time":1}"#, r#"{"a":1,"b":2,"c":null}"#),
            (r#"{"dev":[1,[2,3],4],"time":1}"#, r#"{"a":1,"b":2,"c":3}"#),
            (r#"{"dev":[1,7],"time":1}"#, r#"{"a":1,"b":null,"c":null}"#),
        ] {
            let (line, odd) = lines(Format::Jsonl, Stream::Dev, columns, text);
            assert!(line.contains(values), "{line}");
            assert_eq!(odd, 1, "{text}");
        }
        for text in ["no", "{}", r#"{"dev":7}"#] {
            assert_eq!(lines(Format::Jsonl, Stream::Dev, columns, text), (String::new(), 1));
        }
    }

    #[test]
    fn a_text_cannot_drive_the_terminal_nor_break_its_line() {
        let columns = r#"["act","pow"]"#;
        let text = "{\"com\":[\"a,\\n\\u001b[2J\u{9b}\",0.5],\"time\":1}";
        for format in [Format::Jsonl, Format::Csv] {
            let (lines, _) = lines(format, Stream::Com, columns, text);
            let last = lines.trim_end().lines().last().expect("a line");
            assert!(last.contains("com") && !last.contains(char::is_control), "{last}");
        }
    }
}
