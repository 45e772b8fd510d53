//! One sample message into reused buffers: typed serde, no JSON tree, nothing allocated for a
//! sample of numbers. Knows the columns (the only authority for what a value means, cortex-api.md
//! §2.8) and the shapes of §5; what the values mean is for those who read the record.

use std::{fmt, slice};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::cortex::{
    Stream,
    sample::{Column, Subscription},
};

/// Numbers beyond this are no measurement, and would spoil sums: taken as missing.
const LARGEST: f64 = 1e12;

/// Bytes kept of a text; actions and events are a few words.
const LONGEST_TEXT: usize = 64;

/// The label whose one value is an array of objects (§5.2).
const MARKERS: &str = "MARKERS";

/// The values of the newest sample, in buffers that are used again for the next.
#[derive(Debug, Default)]
pub struct Record {
    /// One number a label, those of groups in their place, as `Columns::labels` lists them; NaN
    /// for null, for what is no number and for what is missing. A boolean is 0 or 1.
    pub numbers: Vec<f64>,
    /// One text a label, empty where there was none.
    pub texts: Vec<String>,
    /// Epoch seconds.
    pub time: Option<f64>,
    /// Markers that came with the sample (§5.2).
    pub markers: usize,
    /// Whether something was not as the columns say.
    pub odd: bool,
}

impl Record {
    fn clear(&mut self, labels: usize) {
        self.numbers.clear();
        self.numbers.resize(labels, f64::NAN);
        self.texts.resize_with(labels, String::new);
        self.texts.iter_mut().for_each(String::clear);
        (self.time, self.markers, self.odd) = (None, 0, false);
    }
}

/// Reads `text`, one message of `subscription`, into `record`.
///
/// # Errors
/// If it is not JSON or does not hold the stream's array; the record then holds no values.
pub fn parse(
    text: &str,
    subscription: &Subscription,
    record: &mut Record,
) -> serde_json::Result<()> {
    let labels = subscription.columns.labels().count();
    record.clear(labels);
    let mut message = Message { subscription, record, lenient: false };
    if message.read(text).is_ok() {
        return Ok(());
    }
    // A number too large for a float fails the whole message: read it again, value by value.
    message.record.clear(labels);
    message.record.odd = true;
    message.lenient = true;
    message.read(text).inspect_err(|_| record.clear(labels))
}

/// The whole object: `{"eeg":[…],"sid":"…","time":…}`, its members in any order.
struct Message<'a> {
    subscription: &'a Subscription,
    record: &'a mut Record,
    lenient: bool,
}

impl Message<'_> {
    fn read(&mut self, text: &str) -> serde_json::Result<()> {
        let mut json = serde_json::Deserializer::from_str(text);
        json.deserialize_map(self)?;
        json.end()
    }
}

impl<'de> Visitor<'de> for &mut Message<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a sample with a member \"{}\"", self.subscription.stream)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let stream = self.subscription.stream;
        let Record { numbers, texts, time, markers, odd } = &mut *self.record;
        let worded = matches!(stream, Stream::Com | Stream::Fac | Stream::Sys);
        let mut found = false;
        while let Some(member) = members.next_key_seed(Name(stream.name()))? {
            match member {
                Member::Values => {
                    members.next_value_seed(Row {
                        columns: &self.subscription.columns.0,
                        cells: Cells {
                            shape: Shape::One,
                            numbers,
                            texts,
                            markers,
                            odd,
                            worded,
                            lenient: self.lenient,
                        },
                    })?;
                    found = true;
                }
                Member::Time => {
                    let mut stamp = f64::NAN;
                    members.next_value_seed(Cells {
                        shape: Shape::One,
                        numbers: slice::from_mut(&mut stamp),
                        texts: &mut [],
                        markers,
                        odd,
                        worded: false,
                        lenient: self.lenient,
                    })?;
                    *time = Some(stamp).filter(|stamp| !stamp.is_nan());
                }
                Member::Other => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        if found { Ok(()) } else { Err(Error::missing_field(stream.name())) }
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
    columns: &'a [Column],
    cells: Cells<'a>,
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

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut values: A) -> Result<(), A::Error> {
        for column in self.columns {
            let cells = match column {
                Column::One(label) if label == MARKERS => self.cells.take(Shape::Markers, 1),
                Column::One(_) => self.cells.take(Shape::One, 1),
                Column::Group(labels) => self.cells.take(Shape::Group, labels.len()),
            };
            if values.next_element_seed(cells)?.is_none() {
                *self.cells.odd = true;
                return Ok(());
            }
        }
        *self.cells.odd |= drain(values)? > 0;
        Ok(())
    }
}

/// What stands in one place of the stream's array.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    /// One value.
    One,
    /// An array with a value for each label (`dev`, §5.4).
    Group,
    /// An array of objects (§5.2), which are only counted.
    Markers,
}

/// Where the values of one place go: a number and a text for each label.
struct Cells<'a> {
    shape: Shape,
    numbers: &'a mut [f64],
    texts: &'a mut [String],
    markers: &'a mut usize,
    odd: &'a mut bool,
    /// The stream has words among its values.
    worded: bool,
    /// The place is cut out first and then read, so that it can fail alone.
    lenient: bool,
}

impl Cells<'_> {
    /// The next `count` cells, which these then no longer have.
    fn take(&mut self, shape: Shape, count: usize) -> Cells<'_> {
        Cells {
            shape,
            numbers: self.numbers.split_off_mut(..count).unwrap_or_default(),
            texts: self.texts.split_off_mut(..count).unwrap_or_default(),
            markers: self.markers,
            odd: self.odd,
            worded: self.worded,
            lenient: self.lenient,
        }
    }

    fn number(&mut self, value: f64) {
        match self.numbers.first_mut() {
            Some(number) if self.shape == Shape::One && value.abs() <= LARGEST => *number = value,
            _ => *self.odd = true,
        }
    }
}

/// Skips the elements that are left and counts them.
fn drain<'de, A: SeqAccess<'de>>(mut values: A) -> Result<usize, A::Error> {
    let mut count = 0;
    while values.next_element::<IgnoredAny>()?.is_some() {
        count += 1;
    }
    Ok(count)
}

impl<'de> DeserializeSeed<'de> for Cells<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(mut self, json: D) -> Result<(), D::Error> {
        if !self.lenient {
            return json.deserialize_any(&mut self);
        }
        let value = <&RawValue>::deserialize(json)?;
        let read = serde_json::Deserializer::from_str(value.get()).deserialize_any(&mut self);
        *self.odd |= read.is_err();
        Ok(())
    }
}

impl<'de> Visitor<'de> for &mut Cells<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.number(value);
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.number(value as f64);
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.number(value as f64);
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.number(f64::from(u8::from(value)));
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        match self.texts.first_mut() {
            Some(text) if self.worded && self.shape == Shape::One => {
                let end = value.floor_char_boundary(LONGEST_TEXT);
                text.push_str(value.get(..end).unwrap_or_default());
            }
            _ => *self.odd = true,
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        match self.shape {
            Shape::One => {
                *self.odd = true;
                drain(values)?;
            }
            Shape::Markers => *self.markers += drain(values)?,
            Shape::Group => {
                while !self.numbers.is_empty() {
                    if values.next_element_seed(self.take(Shape::One, 1))?.is_none() {
                        *self.odd = true;
                        return Ok(());
                    }
                }
                *self.odd |= drain(values)? > 0;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        *self.odd = true;
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cortex::Columns;

    fn subscription(stream: Stream, columns: &str) -> Subscription {
        Subscription {
            session: "s".into(),
            headset: "h".into(),
            stream,
            columns: serde_json::from_str::<Columns>(columns).unwrap(),
            nominal_rate: None,
        }
    }

    fn eeg() -> Subscription {
        subscription(
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
                (record.time, record.markers, record.odd),
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
            let text = format!(r#"{{"eeg":[17,0,{value},4199.5,0,0,[{{"x":1}},{{}}]],"time":5}}"#);
            parse(&text, &eeg(), &mut record).unwrap();
            assert_eq!(numbers(&record)[2..4], [None, Some(4199.5)], "{value}");
            assert_eq!((record.time, record.markers, record.odd), (Some(5.0), 2, odd), "{value}");
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
        let dev = subscription(
            Stream::Dev,
            r#"["Battery","Signal",["T7","T8","OVERALL"],"BatteryPercent"]"#,
        );
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
        let com = subscription(Stream::Com, r#"["act","pow"]"#);
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
