//! The values of one sample under the labels of its columns, in buffers that are reused for later
//! samples. What the values mean is up to the reader.

use serde_json::{Value, value::RawValue};

use crate::{
    columns::{Columns, MARKERS, elements},
    envelope::members,
    sanitize::floor_char_boundary,
    scan::{Number, SampleMessage, ScannedValues},
    stream::Shape,
};

/// The longest text kept, in bytes; actions and events are a few words.
const LONGEST_TEXT: usize = 64;

/// The most markers accepted from one sample; nobody sets more within a few milliseconds.
const MOST_MARKERS: usize = 16;

/// The values of one sample.
#[derive(Clone, Debug, Default)]
pub struct Values {
    /// One number per label, with groups at their position, in the order of [`Columns::labels`];
    /// NaN if null, not a number, or missing. A boolean is 0 or 1.
    pub numbers: Vec<f64>,
    /// One text per label, empty if there was none; empty altogether for a stream of numbers.
    pub texts: Vec<String>,
    /// Epoch seconds (§5).
    pub time: Option<f64>,
    /// Label and value of the markers that came with the sample (§5.2).
    pub markers: Vec<String>,
    /// How well the message matched its columns.
    pub fit: Conformance,
}

/// How well a message matched its columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conformance {
    /// Completely.
    #[default]
    Complete,
    /// Values were missing, surplus, or of another type.
    Partial,
    /// Not at all: the stream's member is missing or not an array, so there are no values.
    None,
}

impl Values {
    /// Takes over the values of a message; `text` is the whole message. `numbers` holds those that
    /// were read with it, and afterwards a buffer to reuse.
    pub(crate) fn read(
        &mut self,
        columns: &Columns,
        message: &SampleMessage<'_>,
        text: &str,
        numbers: &mut Vec<f64>,
    ) {
        self.clear();
        self.time = message.time;
        let values = match message.values {
            ScannedValues::Numbers if columns.are_flat(numbers.len()) => {
                std::mem::swap(&mut self.numbers, numbers);
                return;
            }
            // Not one per label: parse again, value by value.
            ScannedValues::Numbers => message.stream.and_then(|stream| {
                let mut members = members(text)?.into_iter();
                Some(members.find(|(name, _)| name == stream.name())?.1)
            }),
            ScannedValues::Raw(values) => Some(values),
            ScannedValues::None => None,
        };
        let Some(pairs) = values.and_then(|values| columns.pair(values)) else {
            self.fit = Conformance::None;
            return;
        };
        let has_words = message.stream.is_some_and(|stream| stream.shape() == Shape::Words);
        let mut fits = !message.malformed;
        for pair in pairs {
            let Some(label) = pair.label else {
                fits = false;
                continue;
            };
            let number = pair.value.and_then(Number::of).map(|Number(number)| number);
            let (mut fits_label, mut text) = (number.is_some(), String::new());
            match pair.value {
                Some(value) if label == MARKERS => {
                    let markers = elements(value);
                    fits_label |= markers.is_some();
                    let markers = markers.unwrap_or_default().take(MOST_MARKERS);
                    self.markers.extend(markers.map(marker));
                }
                Some(value) if has_words && value.get().starts_with('"') => {
                    text = serde_json::from_str(value.get()).unwrap_or_default();
                    text.truncate(floor_char_boundary(&text, LONGEST_TEXT));
                    fits_label = true;
                }
                _ => {}
            }
            fits &= fits_label;
            self.numbers.push(number.unwrap_or(f64::NAN));
            if has_words {
                self.texts.push(text);
            }
        }
        self.fit = if fits { Conformance::Complete } else { Conformance::Partial };
    }

    /// No values at all.
    pub(crate) fn none() -> Self {
        Self { fit: Conformance::None, ..Self::default() }
    }

    fn clear(&mut self) {
        self.numbers.clear();
        self.texts.clear();
        self.markers.clear();
        (self.time, self.fit) = (None, Conformance::Complete);
    }
}

/// The text of a marker. Markers are rare, so building a tree does no harm.
fn marker(marker: &RawValue) -> String {
    let marker: Value = serde_json::from_str(marker.get()).unwrap_or_default();
    let texts = ["label", "value"].map(|member| match &marker[member] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    });
    let [label, value] = &texts;
    let mut text = if label == value { label.clone() } else { texts.join(" ") };
    text = text.trim().to_owned();
    text.truncate(floor_char_boundary(&text, LONGEST_TEXT));
    text
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Instant};

    use super::*;
    use crate::{Sample, Stream, Subscription};

    fn read(stream: Stream, columns: &str, text: &str) -> Values {
        let subscription = Subscription {
            session: "s".into(),
            headset: "h".into(),
            stream,
            columns: serde_json::from_str(columns).unwrap(),
            nominal_rate: None,
        };
        Sample::new(Arc::new(subscription), text.into(), Instant::now()).values
    }

    const EEG: &str =
        r#"["COUNTER","INTERPOLATED","T7","T8","RAW_CQ","MARKER_HARDWARE","MARKERS"]"#;

    fn eeg(text: &str) -> Values {
        read(Stream::Eeg, EEG, text)
    }

    /// `NaN` as `None`, so that values can be compared.
    fn numbers(values: &Values) -> Vec<Option<f64>> {
        values.numbers.iter().map(|&number| Some(number).filter(|n| !n.is_nan())).collect()
    }

    #[test]
    fn members_come_in_any_order_and_numbers_in_any_form() {
        for text in [
            r#"{"eeg":[17,0,4211.905,4199.5,0.0,0,[]],"sid":"s","time":1767942612.5}"#,
            r#"{"time":1767942612.5,"more":{"a":[1]},"sid":"s","eeg":[17.0,0e0,4.211905E3,4199.5,-0,0,[]]}"#,
        ] {
            let values = eeg(text);
            assert_eq!(
                numbers(&values),
                [Some(17.0), Some(0.0), Some(4211.905), Some(4199.5), Some(0.0), Some(0.0), None]
            );
            assert_eq!(
                (values.time, values.markers.len(), values.fit),
                (Some(1_767_942_612.5), 0, Conformance::Complete)
            );
        }
    }

    #[test]
    fn a_value_that_is_no_number_is_missing_alone() {
        let markers = r#"[{"label":"eyes closed","value":1},{"label":"","value":2},{}]"#;
        for (value, fit) in [
            ("null", Conformance::Complete),
            ("\"4211\"", Conformance::Partial),
            ("[1,2]", Conformance::Partial),
            ("{\"a\":1}", Conformance::Partial),
            ("1e300", Conformance::Partial),
            ("1e999", Conformance::Partial),
            ("-1e999", Conformance::Partial),
        ] {
            for (markers, expected) in [("[]", &[][..]), (markers, &["eyes closed 1", "2", ""])] {
                let text =
                    format!(r#"{{"eeg":[17,0,{value},4199.5,0,0,{markers}],"sid":"s","time":5}}"#);
                let values = eeg(&text);
                assert_eq!(numbers(&values)[2..4], [None, Some(4199.5)], "{value}");
                assert_eq!((values.time, values.fit), (Some(5.0), fit), "{value}");
                assert_eq!(values.markers, expected, "{value}");
            }
        }
    }

    #[test]
    fn lengths_that_differ_pair_up_to_the_shorter() {
        let values = eeg(r#"{"eeg":[17,0,1],"sid":"s","time":7}"#);
        assert_eq!(numbers(&values)[..4], [Some(17.0), Some(0.0), Some(1.0), None]);
        assert_eq!(
            (values.numbers.len(), values.time, values.fit),
            (7, Some(7.0), Conformance::Partial)
        );
        let values = eeg(r#"{"eeg":[18,0,1,2,3,4,[],8,9],"sid":"s"}"#);
        assert_eq!((numbers(&values)[5], values.fit), (Some(4.0), Conformance::Partial));
        let values = eeg(r#"{"eeg":[17,0,1,2,3,4,[]],"sid":"s","time":"soon"}"#);
        assert_eq!((numbers(&values)[2], values.time), (Some(1.0), None));
        assert_eq!(values.fit, Conformance::Partial);
    }

    #[test]
    fn groups_pair_with_nested_arrays() {
        let columns = r#"["Battery","Signal",["T7","T8","OVERALL"],"BatteryPercent"]"#;
        for (group, expected, fit) in [
            ("[2,4,75]", [Some(2.0), Some(4.0), Some(75.0)], Conformance::Complete),
            ("[2]", [Some(2.0), None, None], Conformance::Partial),
            ("[2,4,75,1]", [Some(2.0), Some(4.0), Some(75.0)], Conformance::Partial),
            ("[[1],null,75]", [None, None, Some(75.0)], Conformance::Partial),
            ("null", [None, None, None], Conformance::Complete),
            ("3", [None, None, None], Conformance::Partial),
        ] {
            let text = format!(r#"{{"dev":[4,0,{group},41],"sid":"s","time":1.5}}"#);
            let values = read(Stream::Dev, columns, &text);
            assert_eq!(numbers(&values)[2..5], expected, "{group}");
            assert_eq!((numbers(&values)[5], values.fit), (Some(41.0), fit), "{group}");
            assert!(values.texts.is_empty());
        }
    }

    #[test]
    fn words_are_kept_up_to_a_length_and_booleans_are_numbers() {
        let com = |text: &str| read(Stream::Com, r#"["act","pow"]"#, text);
        let long = "ä".repeat(500);
        let values = com(&format!(r#"{{"com":["{long}",true],"sid":"s"}}"#));
        assert_eq!(values.texts[0], "ä".repeat(LONGEST_TEXT / 2));
        assert_eq!(numbers(&values), [None, Some(1.0)]);
        let values = com(r#"{"com":["a\"b",0.5],"sid":"s"}"#);
        assert_eq!((values.texts[0].as_str(), values.fit), ("a\"b", Conformance::Complete));
    }

    #[test]
    fn what_is_no_sample_has_no_values() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"mot":[1],"sid":"s"}"#,
            r#"{"eeg":7,"sid":"s"}"#,
            r#"{"eeg":[1,NaN],"sid":"s"}"#,
            r#"{"eeg":[1],"sid":"s"}x"#,
        ] {
            let values = eeg(text);
            assert_eq!((values.numbers.len(), values.fit), (0, Conformance::None), "{text}");
        }
    }
}
