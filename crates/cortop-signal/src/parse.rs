//! One sample message into reused buffers: typed serde, no JSON tree, nothing allocated for a
//! sample of numbers. Knows the columns (the only authority for what a value means, docs/protocol.md
//! §2.8) and the shapes of §5; what the values mean is for those who read the record.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Value, value::RawValue};

use cortop_protocol::{
    Stream,
    sample::{Column, Subscription},
};

/// Numbers beyond this are no measurement, and would spoil sums: taken as missing.
const LARGEST: f64 = 1e12;

/// Bytes kept of a text; actions and events are a few words.
const LONGEST_TEXT: usize = 64;

/// Markers taken of one sample; nobody sets more within a few milliseconds.
const MOST_MARKERS: usize = 16;

/// The label whose one value is an array of objects (§5.2).
const MARKERS: &str = "MARKERS";

/// The values of the newest sample, in buffers that are used again for the next.
#[derive(Debug, Default)]
pub struct Record {
    /// One number a label, those of groups in their place, as `Columns::labels` lists them; NaN
    /// for null, for what is no number and for what is missing. A boolean is 0 or 1.
    pub numbers: Vec<f64>,
    /// One text a label, empty where there was none; no texts at all for a stream without words.
    pub texts: Vec<String>,
    /// Epoch seconds.
    pub time: Option<f64>,
    /// What the markers that came with the sample say (§5.2): label and value.
    pub markers: Vec<String>,
    /// Whether something was not as the columns say.
    pub odd: bool,
    /// Each value is cut out first and then read as whatever it is, so that it can fail alone.
    lenient: bool,
}

/// Where a subscription's messages have what.
#[derive(Debug)]
pub struct Layout {
    stream: &'static str,
    shapes: Vec<Shape>,
    labels: usize,
    /// Words stand among its values (com, fac, sys).
    worded: bool,
}

impl Layout {
    /// As the columns of a subscription say.
    #[must_use]
    pub fn new(subscription: &Subscription) -> Self {
        let stream = subscription.stream;
        let mut labels = 0;
        let shape = |column: &Column| {
            let (shape, width) = match column {
                Column::One(label) if label == MARKERS => (Shape::Markers, 1),
                Column::One(_) => (Shape::One(labels), 1),
                Column::Group(group) => (Shape::Group(labels, group.len()), group.len()),
            };
            labels += width;
            shape
        };
        Self {
            stream: stream.name(),
            shapes: subscription.columns.0.iter().map(shape).collect(),
            labels,
            worded: matches!(stream, Stream::Com | Stream::Fac | Stream::Sys),
        }
    }
}

impl Record {
    fn clear(&mut self, layout: &Layout) {
        self.numbers.resize(layout.labels, f64::NAN);
        self.numbers.fill(f64::NAN);
        self.texts.resize_with(if layout.worded { layout.labels } else { 0 }, String::new);
        self.texts.iter_mut().for_each(String::clear);
        self.markers.clear();
        (self.time, self.odd, self.lenient) = (None, false, false);
    }

    fn number(&mut self, at: usize, value: f64) {
        match self.numbers.get_mut(at) {
            Some(number) if value.abs() <= LARGEST => *number = value,
            _ => self.odd = true,
        }
    }
}

/// Reads `text`, one message laid out as its columns say, into `record`: as numbers only, which
/// nearly all are, and if that fails value by value.
///
/// # Errors
/// If it is not JSON or does not hold the stream's array; the record then holds no values.
pub fn parse(text: &str, layout: &Layout, record: &mut Record) -> serde_json::Result<()> {
    record.clear(layout);
    if !layout.worded {
        let read = Message { layout, record }.read(text);
        if read.is_ok() {
            return read;
        }
        record.clear(layout);
    }
    record.lenient = true;
    Message { layout, record }.read(text).inspect_err(|_| record.clear(layout))
}

/// The whole object: `{"eeg":[…],"sid":"…","time":…}`, its members in any order.
struct Message<'a> {
    layout: &'a Layout,
    record: &'a mut Record,
}

impl Message<'_> {
    fn read(self, text: &str) -> serde_json::Result<()> {
        let mut json = serde_json::Deserializer::from_str(text);
        json.deserialize_map(self)?;
        json.end()
    }
}

impl<'de> Visitor<'de> for Message<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a sample with a member \"{}\"", self.layout.stream)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self { layout, record } = self;
        let mut found = false;
        while let Some(member) = members.next_key_seed(Name(layout.stream))? {
            match member {
                Member::Values => {
                    members.next_value_seed(Row { layout, record: &mut *record })?;
                    found = true;
                }
                Member::Time => {
                    members.next_value_seed(Place { shape: Shape::Time, record: &mut *record })?;
                }
                Member::Other => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        if found { Ok(()) } else { Err(Error::missing_field(layout.stream)) }
    }
}

/// The name of a member, compared without keeping it.
struct Name(&'static str);

enum Member {
    Values,
    Time,
    Other,
}

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Member;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Member, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Member;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Member, E> {
        Ok(match name {
            "time" => Member::Time,
            _ if name == self.0 => Member::Values,
            _ => Member::Other,
        })
    }
}

/// The stream's array: each value pairs with its column, as far as both go.
struct Row<'a> {
    layout: &'a Layout,
    record: &'a mut Record,
}

impl<'de> DeserializeSeed<'de> for Row<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Row<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        let Self { layout, record } = self;
        let lenient = record.lenient;
        for &shape in &layout.shapes {
            let read = match shape {
                // The way of nearly all values, as short as can be.
                Shape::One(at) if !lenient => {
                    values.next_element()?.map(|value| record.number(at, value))
                }
                _ => values.next_element_seed(Place { shape, record: &mut *record })?,
            };
            if read.is_none() {
                record.odd = true;
                return Ok(());
            }
        }
        record.odd |= drain(values)? > 0;
        Ok(())
    }
}

/// What may stand in one place.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// The stamp of the sample.
    Time,
    /// One value, for the label with this index.
    One(usize),
    /// An array with a value for each of so many labels from this index on (`dev`, §5.4).
    Group(usize, usize),
    /// An array of objects (§5.2).
    Markers,
}

/// One place in a message, to be read into the record.
struct Place<'a> {
    shape: Shape,
    record: &'a mut Record,
}

/// Skips the elements that are left and counts them.
fn drain<'de, A: SeqAccess<'de>>(mut values: A) -> Result<usize, A::Error> {
    let mut count = 0;
    while values.next_element::<IgnoredAny>()?.is_some() {
        count += 1;
    }
    Ok(count)
}

/// What a marker says. They are rare, so a tree does no harm.
fn text_of(marker: &RawValue) -> String {
    let marker: Value = serde_json::from_str(marker.get()).unwrap_or_default();
    let texts = ["label", "value"].map(|member| match &marker[member] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    });
    let [label, value] = &texts;
    let mut text = if label == value { label.clone() } else { texts.join(" ") };
    text = text.trim().to_owned();
    text.truncate(text.floor_char_boundary(LONGEST_TEXT));
    text
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        if !self.record.lenient {
            return match self.shape {
                Shape::Time | Shape::One(_) => json.deserialize_f64(self),
                Shape::Group(..) | Shape::Markers => json.deserialize_seq(self),
            };
        }
        let value = <&RawValue>::deserialize(json)?;
        let Self { shape, record } = self;
        let place = Place { shape, record: &mut *record };
        let read = serde_json::Deserializer::from_str(value.get()).deserialize_any(place);
        record.odd |= read.is_err();
        Ok(())
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        match self.shape {
            Shape::One(at) => self.record.number(at, value),
            Shape::Time if value.abs() <= LARGEST => self.record.time = Some(value),
            _ => self.record.odd = true,
        }
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.visit_f64(value as f64)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.visit_f64(value as f64)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.visit_f64(f64::from(u8::from(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        match self.shape {
            Shape::One(at) if at < self.record.texts.len() => {
                let end = value.floor_char_boundary(LONGEST_TEXT);
                let text = value.get(..end).unwrap_or_default();
                self.record.texts.iter_mut().skip(at).take(1).for_each(|own| own.push_str(text));
            }
            _ => self.record.odd = true,
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        let Self { shape, record } = self;
        match shape {
            Shape::Markers => {
                while let Some(marker) = values.next_element::<&RawValue>()? {
                    if record.markers.len() < MOST_MARKERS {
                        record.markers.push(text_of(marker));
                    }
                }
            }
            Shape::Group(start, labels) => {
                for at in start..start + labels {
                    let place = Place { shape: Shape::One(at), record: &mut *record };
                    if values.next_element_seed(place)?.is_none() {
                        record.odd = true;
                        return Ok(());
                    }
                }
                record.odd |= drain(values)? > 0;
            }
            Shape::Time | Shape::One(_) => {
                record.odd = true;
                drain(values)?;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        self.record.odd = true;
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cortop_protocol::Columns;

    fn layout(stream: Stream, columns: &str) -> Layout {
        Layout::new(&Subscription {
            session: "s".into(),
            headset: "h".into(),
            stream,
            columns: serde_json::from_str::<Columns>(columns).unwrap(),
            nominal_rate: None,
        })
    }

    fn eeg() -> Layout {
        layout(
            Stream::Eeg,
            r#"["COUNTER","INTERPOLATED","T7","T8","RAW_CQ","MARKER_HARDWARE","MARKERS"]"#,
        )
    }

    /// `NaN` as `None`, so that records can be compared.
    fn numbers(record: &Record) -> Vec<Option<f64>> {
        record.numbers.iter().map(|&number| Some(number).filter(|n| !n.is_nan())).collect()
    }

    #[test]
    fn members_come_in_any_order_and_numbers_in_any_form() {
        let mut record = Record::default();
        for text in [
            r#"{"eeg":[17,0,4211.905,4199.5,0.0,0,[]],"sid":"s","time":1767942612.5}"#,
            r#"{"time":1767942612.5,"more":{"a":[1]},"sid":"s","eeg":[17.0,0e0,4.211905E3,4199.5,-0,0,[]]}"#,
        ] {
            parse(text, &eeg(), &mut record).unwrap();
            assert_eq!(
                numbers(&record),
                [Some(17.0), Some(0.0), Some(4211.905), Some(4199.5), Some(0.0), Some(0.0), None]
            );
            assert_eq!(
                (record.time, record.markers.len(), record.odd),
                (Some(1_767_942_612.5), 0, false)
            );
        }
    }

    #[test]
    fn a_value_that_is_no_number_is_missing_alone() {
        let mut record = Record::default();
        for (value, odd) in [
            ("null", false),
            ("\"4211\"", true),
            ("[1,2]", true),
            ("{\"a\":1}", true),
            ("1e300", true),
            ("1e999", true),
            ("-1e999", true),
        ] {
            let text = format!(
                r#"{{"eeg":[17,0,{value},4199.5,0,0,[{{"label":"eyes closed","value":1}},{{"label":"","value":2}},{{}}]],"time":5}}"#
            );
            parse(&text, &eeg(), &mut record).unwrap();
            assert_eq!(numbers(&record)[2..4], [None, Some(4199.5)], "{value}");
            assert_eq!((record.time, record.odd), (Some(5.0), odd), "{value}");
            assert_eq!(record.markers, ["eyes closed 1", "2", ""], "{value}");
        }
    }

    #[test]
    fn lengths_that_differ_pair_up_to_the_shorter() {
        let mut record = Record::default();
        parse(r#"{"eeg":[17,0,1],"time":"soon"}"#, &eeg(), &mut record).unwrap();
        assert_eq!(numbers(&record)[..4], [Some(17.0), Some(0.0), Some(1.0), None]);
        assert!(record.odd && record.time.is_none());
        parse(r#"{"eeg":[18,0,1,2,3,4,[],8,9]}"#, &eeg(), &mut record).unwrap();
        assert_eq!(numbers(&record)[5], Some(4.0));
        assert!(record.odd);
    }

    #[test]
    fn groups_pair_with_nested_arrays() {
        let dev =
            layout(Stream::Dev, r#"["Battery","Signal",["T7","T8","OVERALL"],"BatteryPercent"]"#);
        let mut record = Record::default();
        for (group, expected, odd) in [
            ("[2,4,75]", [Some(2.0), Some(4.0), Some(75.0)], false),
            ("[2]", [Some(2.0), None, None], true),
            ("[2,4,75,1]", [Some(2.0), Some(4.0), Some(75.0)], true),
            ("[[1],null,75]", [None, None, Some(75.0)], true),
            ("null", [None, None, None], false),
            ("3", [None, None, None], true),
        ] {
            let text = format!(r#"{{"dev":[4,0,{group},41],"sid":"s","time":1.5}}"#);
            parse(&text, &dev, &mut record).unwrap();
            assert_eq!(numbers(&record)[2..5], expected, "{group}");
            assert_eq!((numbers(&record)[5], record.odd), (Some(41.0), odd), "{group}");
        }
    }

    #[test]
    fn words_are_kept_up_to_a_length_and_booleans_are_numbers() {
        let com = layout(Stream::Com, r#"["act","pow"]"#);
        let mut record = Record::default();
        let long = "ä".repeat(500);
        parse(&format!(r#"{{"com":["{long}",true]}}"#), &com, &mut record).unwrap();
        assert_eq!(record.texts[0], "ä".repeat(LONGEST_TEXT / 2));
        assert_eq!(numbers(&record), [None, Some(1.0)]);
        parse(r#"{"com":["a\"b",0.5]}"#, &com, &mut record).unwrap();
        assert_eq!((record.texts[0].as_str(), record.odd), ("a\"b", false));
    }

    #[test]
    fn what_is_no_sample_is_refused_and_leaves_no_values() {
        let mut record = Record::default();
        for text in [
            "",
            "[]",
            "{}",
            r#"{"mot":[1]}"#,
            r#"{"eeg":7}"#,
            r#"{"eeg":[1,NaN]}"#,
            r#"{"eeg":[1]}x"#,
        ] {
            assert!(parse(text, &eeg(), &mut record).is_err(), "{text}");
            assert!(record.numbers.iter().all(|number| number.is_nan()), "{text}");
        }
    }
}
