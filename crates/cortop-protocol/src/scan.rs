//! Parses a sample of numbers, as nearly all are, in a single pass without a general parser: an
//! object with one stream's array of numbers, `sid` and `time`, in any order. Every other message
//! is left to [`envelope`](crate::envelope), which parses anything; both give the same result for
//! what this one parses.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{Stream, stream::Shape};

/// Larger numbers are not measurements and would ruin sums: they count as missing.
pub(crate) const LARGEST: f64 = 1e12;

/// A sample whose values have no labels yet: those are the columns of its subscription.
#[derive(Debug)]
pub struct SampleMessage<'a> {
    /// The session's id.
    pub sid: Cow<'a, str>,
    /// The stream; `None` if unknown.
    pub stream: Option<Stream>,
    /// Epoch seconds; `None` if missing or unreadable.
    pub time: Option<f64>,
    /// The values.
    pub(crate) values: ScannedValues<'a>,
    /// Whether there is a time that cannot be read.
    pub(crate) malformed: bool,
}

/// The values of a sample after the first pass.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum ScannedValues<'a> {
    /// The array contains only numbers, which have been read.
    Numbers,
    /// As received.
    Raw(&'a RawValue),
    /// There are no values.
    #[default]
    None,
}

/// A number with up to this many digits is exact, and so is a power of ten with an exponent up to
/// this one. Their quotient is therefore rounded only once, as required.
const EXACT_DIGITS: usize = 15;
const POWERS: [f64; 16] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// Parses a message, and its values into `numbers`. Returns `None` for anything but a sample of
/// plausible numbers.
pub(crate) fn sample<'a>(text: &'a str, numbers: &mut Vec<f64>) -> Option<SampleMessage<'a>> {
    let mut scan = Scan { text, at: 0 };
    let (mut stream, mut sid, mut time) = (None, None, None);
    scan.byte(b'{')?;
    loop {
        let name = scan.string()?;
        scan.byte(b':')?;
        // Duplicate members are left to the general parser.
        let again = match name {
            "sid" => sid.replace(scan.string()?).is_some(),
            "time" => time.replace(scan.number()?).is_some(),
            name => {
                let own = Stream::from_name(name).filter(|own| own.shape() == Shape::Numbers)?;
                scan.numbers(numbers)?;
                stream.replace(own).is_some()
            }
        };
        if again {
            return None;
        }
        match scan.next()? {
            b',' => {}
            b'}' => break,
            _ => return None,
        }
    }
    let (stream, sid) = (Some(stream?), Cow::Borrowed(sid?));
    let is_all = text.get(scan.at..)?.trim_ascii().is_empty();
    is_all.then_some(SampleMessage {
        sid,
        stream,
        time,
        values: ScannedValues::Numbers,
        malformed: false,
    })
}

/// A position in a text.
struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is not white space.
    fn next(&mut self) -> Option<u8> {
        loop {
            let byte = self.peek()?;
            self.at += 1;
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
        }
    }

    fn byte(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    /// A string without escapes.
    fn string(&mut self) -> Option<&'a str> {
        self.byte(b'"')?;
        let rest = self.text.get(self.at..)?;
        let end = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | ..0x20))?;
        // Not the next byte but the end itself: a line break or tab before it is no JSON.
        (rest.as_bytes().get(end) == Some(&b'"')).then_some(())?;
        self.at += end + 1;
        rest.get(..end)
    }

    /// An array of numbers, nulls and empty arrays (which is what `MARKERS` mostly is, §5.2).
    fn numbers(&mut self, numbers: &mut Vec<f64>) -> Option<()> {
        numbers.clear();
        self.byte(b'[')?;
        loop {
            let number = match self.next()? {
                b'n' => self.word("ull").map(|()| f64::NAN),
                b't' => self.word("rue").map(|()| 1.0),
                b'f' => self.word("alse").map(|()| 0.0),
                b'[' => self.byte(b']').map(|()| f64::NAN),
                _ => {
                    self.at -= 1;
                    self.number()
                }
            };
            numbers.push(number?);
            match self.next()? {
                b',' => {}
                b']' => return Some(()),
                _ => return None,
            }
        }
    }

    fn word(&mut self, rest: &str) -> Option<()> {
        let found = self.text.get(self.at..)?.starts_with(rest);
        self.at += rest.len();
        found.then_some(())
    }

    /// A JSON number without an exponent.
    fn number(&mut self) -> Option<f64> {
        let mut first = self.next()?;
        self.at -= 1;
        let start = self.at;
        let negative = first == b'-';
        if negative {
            self.at += 1;
            first = self.peek()?;
        }
        let mut mantissa = 0_u64;
        let whole = self.digits(&mut mantissa);
        let mut decimals = 0;
        if self.peek() == Some(b'.') {
            self.at += 1;
            decimals = self.digits(&mut mantissa);
            if decimals == 0 {
                return None;
            }
        }
        // Neither an empty number nor leading zeros are valid JSON.
        if whole == 0 || (first == b'0' && whole > 1) || matches!(self.peek(), Some(b'e' | b'E')) {
            return None;
        }
        let number = if whole + decimals <= EXACT_DIGITS {
            let size = mantissa as f64 / POWERS.get(decimals)?;
            if negative { -size } else { size }
        } else {
            self.text.get(start..self.at)?.parse().ok()?
        };
        (number.abs() <= LARGEST).then_some(number)
    }

    /// Appends digits to a number. Returns how many.
    fn digits(&mut self, number: &mut u64) -> usize {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let (mut count, mut value) = (0, *number);
        for digit in rest.iter().map(|byte| byte.wrapping_sub(b'0')).take_while(|&own| own < 10) {
            value = value.wrapping_mul(10).wrapping_add(digit.into());
            count += 1;
        }
        *number = value;
        self.at += count;
        count
    }
}

/// One number of a sample; NaN for null and for an empty array (which is what `MARKERS` mostly is,
/// §5.2). A boolean is 0 or 1.
#[derive(Clone, Copy)]
pub(crate) struct Number(pub(crate) f64);

impl Number {
    /// `None` if the value is anything else.
    pub(crate) fn of(value: &RawValue) -> Option<Self> {
        serde_json::from_str(value.get()).ok()
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Number, E> {
                if value.abs() <= LARGEST {
                    Ok(Number(value))
                } else {
                    Err(E::custom("no measurement is as large"))
                }
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Number, E> {
                self.visit_f64(value as f64)
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Number, E> {
                self.visit_f64(value as f64)
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Number, E> {
                self.visit_f64(f64::from(u8::from(value)))
            }

            fn visit_unit<E: Error>(self) -> Result<Number, E> {
                Ok(Number(f64::NAN))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Number, A::Error> {
                match values.next_element::<IgnoredAny>()? {
                    None => Ok(Number(f64::NAN)),
                    Some(_) => Err(A::Error::custom("an array is no number")),
                }
            }
        }

        json.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// Session, stream and time, and the numbers.
    type ScannedSample = (String, Option<Stream>, Option<f64>, Vec<f64>);

    fn scan(text: &str) -> Option<ScannedSample> {
        let mut numbers = Vec::new();
        let SampleMessage { sid, stream, time, .. } = sample(text, &mut numbers)?;
        Some((sid.into_owned(), stream, time, numbers))
    }

    /// The bits of the numbers as the general parser reads them. It rounds like the standard
    /// library, which is correct to the last bit.
    fn expected(array: &str) -> Option<Vec<u64>> {
        let values: Vec<&RawValue> = serde_json::from_str(array).ok()?;
        let bits = |value: &RawValue| {
            let Number(number) = Number::of(value)?;
            Some(value.get().parse().unwrap_or(number).to_bits())
        };
        values.into_iter().map(bits).collect()
    }

    #[test]
    fn members_come_in_any_order_and_with_white_space() {
        let sample = |text| {
            scan(text).map(|(sid, stream, time, numbers)| {
                assert_eq!((sid.as_str(), stream), ("a-b", Some(Stream::Eeg)), "{text}");
                (time, numbers)
            })
        };
        for text in [
            r#"{"eeg":[1,-2.5],"sid":"a-b","time":1767942612.4421}"#,
            " {\n\"time\" : 1767942612.4421 ,\t\"sid\":\"a-b\", \"eeg\":[ 1 , -2.5 ] } \n",
        ] {
            assert_eq!(sample(text), Some((Some(1_767_942_612.442_1), vec![1.0, -2.5])));
        }
        assert_eq!(sample(r#"{"eeg":[0],"sid":"a-b"}"#), Some((None, vec![0.0])));
    }

    #[test]
    fn everything_else_is_left_to_the_general_reader() {
        for text in [
            "",
            "{",
            "{}",
            "[1]",
            r#"{"eeg":[1]}"#,
            r#"{"sid":"s"}"#,
            r#"{"eeg":[],"sid":"s"}"#,
            r#"{"eeg":[1],"sid":"s",}"#,
            r#"{"eeg":[1],"sid":"s"}}"#,
            r#"{"eeg":[1],"sid":7}"#,
            r#"{"eeg":[1],"sid":"a\nb"}"#,
            r#"{"eeg":[1],"eeg":[2],"sid":"s"}"#,
            r#"{"eeg":[1],"sid":"s","sid":"t"}"#,
            r#"{"dev":[1],"sid":"s"}"#,
            r#"{"eeg":[1],"sid":"s","more":1}"#,
            r#"{"eeg":["1"],"sid":"s"}"#,
            r#"{"eeg":[[1]],"sid":"s"}"#,
            r#"{"eeg":[1e3],"sid":"s"}"#,
            r#"{"eeg":7,"sid":"s"}"#,
            r#"{"eeg":[1e999],"sid":"s"}"#,
            r#"{"eeg":[1],"sid":"s","time":null}"#,
        ] {
            assert_eq!(scan(text), None, "{text}");
        }
    }

    fn number() -> impl Strategy<Value = String> {
        prop_oneof![
            8 => "-?(0|[1-9][0-9]{0,6})(\\.[0-9]{1,6})?",
            2 => "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?",
            2 => "(null|true|false|\\[\\]|\\[ \\])",
            1 => "[-+0-9.eE]{1,8}",
        ]
    }

    proptest! {
        #[test]
        fn numbers_are_read_right_to_the_last_bit(
            numbers in prop::collection::vec(number(), 1..6)
        ) {
            let array = format!("[{}]", numbers.join(","));
            let text = format!(r#"{{"eeg":{array},"sid":"s"}}"#);
            let found = scan(&text).map(|(.., numbers)| numbers.iter().map(|n| n.to_bits()).collect());
            prop_assert!(found.is_none() || found == expected(&array), "{array}");
            // Only exponents are excluded.
            let has_exponent = numbers.iter().any(|own| {
                own.contains(['e', 'E']) && own.starts_with(|c: char| !c.is_ascii_lowercase())
            });
            prop_assert!(has_exponent || found == expected(&array), "{array}");
        }

        #[test]
        fn what_it_reads_is_json(text in "\\{\"(eeg|sid|time)\":[\\[\\]{}0-9,:\"a.-]{0,30}\\}") {
            prop_assert!(scan(&text).is_none() || serde_json::from_str::<Value>(&text).is_ok());
        }
    }
}
