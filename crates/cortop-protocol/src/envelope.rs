//! Tells the four kinds of message apart (§1.4), in any order of members, without building a tree:
//! a sample's values are skipped here and parsed by the decoder.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Value, value::RawValue};

use crate::{Stream, Warning, tolerant};

/// What one text frame is.
#[derive(Debug)]
pub enum Message<'a> {
    /// The answer to a request.
    Answer {
        /// The request's id, if it is one we could have given.
        id: Option<u64>,
        /// What was asked for, or the error as it came
        /// ([`Error::from_answer`](crate::Error::from_answer)).
        result: Result<&'a RawValue, Value>,
        /// Said beside the result (`queryHeadsets`, §1.3).
        attention: Option<Warning>,
    },
    /// A sample of a stream.
    Sample {
        /// The session's id.
        sid: Cow<'a, str>,
        /// Those of its members that bear a stream's name: one, beside any that nobody knows.
        streams: Streams,
    },
    /// Said unasked.
    Warning(Warning),
    /// None of these: JSON of another shape.
    Odd,
}

/// A set of streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streams(u16);

impl Streams {
    fn insert(&mut self, stream: Stream) {
        self.0 |= 1 << stream as u16;
    }

    /// Whether a stream is among them.
    #[must_use]
    pub fn contain(self, stream: Stream) -> bool {
        self.0 & (1 << stream as u16) != 0
    }
}

impl<'a> Message<'a> {
    /// Classifies one text frame.
    ///
    /// # Errors
    /// The text is not JSON.
    pub fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        // Anything but an object has no members to tell it by.
        if text.trim_ascii_start().starts_with('{') {
            serde_json::from_str::<Envelope<'a>>(text).map(Envelope::classify)
        } else {
            serde_json::from_str::<IgnoredAny>(text).map(|_| Self::Odd)
        }
    }
}

/// The top-level members that tell the kinds apart.
#[derive(Default)]
struct Envelope<'a> {
    id: Option<Value>,
    sid: Option<&'a RawValue>,
    result: Option<&'a RawValue>,
    error: Option<Value>,
    warning: Option<Value>,
    attention: Option<Value>,
    streams: Streams,
    /// There are members of other names.
    other: bool,
}

impl<'a> Envelope<'a> {
    fn classify(self) -> Message<'a> {
        if let (Some(sid), true) = (self.sid.and_then(string), self.other) {
            return Message::Sample { sid, streams: self.streams };
        }
        let result = match (self.result, self.error, self.warning) {
            (Some(result), _, _) => Ok(result),
            (None, Some(error), _) => Err(error),
            (None, None, Some(warning)) => return Message::Warning(warning.into()),
            (None, None, None) => return Message::Odd,
        };
        Message::Answer {
            id: self.id.as_ref().and_then(number),
            result,
            attention: self.attention.map(Warning::from),
        }
    }
}

/// A string as it stands in the text; with escapes in it, unescaped.
fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    let text = raw.get();
    match text.strip_prefix('"')?.strip_suffix('"')? {
        plain if !plain.contains('\\') => Some(Cow::Borrowed(plain)),
        _ => serde_json::from_str(text).ok().map(Cow::Owned),
    }
}

/// Our ids are numbers; an echo as a string or as a float is still ours.
fn number(id: &Value) -> Option<u64> {
    tolerant::code(id)?.try_into().ok()
}

impl<'de: 'a, 'a> Deserialize<'de> for Envelope<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Envelope<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut envelope = Envelope::default();
                while let Some(Key(key)) = map.next_key()? {
                    match key.as_ref() {
                        "id" => envelope.id = Some(map.next_value()?),
                        "sid" => envelope.sid = Some(map.next_value()?),
                        "result" => envelope.result = Some(map.next_value()?),
                        "error" => envelope.error = Some(map.next_value()?),
                        "warning" => envelope.warning = Some(map.next_value()?),
                        "attention" => envelope.attention = Some(map.next_value()?),
                        "time" | "jsonrpc" => {
                            map.next_value::<IgnoredAny>()?;
                        }
                        name => {
                            map.next_value::<IgnoredAny>()?;
                            envelope.other = true;
                            if let Some(stream) = Stream::from_name(name) {
                                envelope.streams.insert(stream);
                            }
                        }
                    }
                }
                Ok(envelope)
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// A member's name, borrowed where it has no escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn answer(text: &str) -> (Option<u64>, Result<String, Value>) {
        match Message::parse(text).unwrap() {
            Message::Answer { id, result, .. } => (id, result.map(|raw| raw.get().to_owned())),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn answers_are_known_by_result_or_error_in_any_order() {
        assert_eq!(answer(r#"{"id":1,"jsonrpc":"2.0","result":[]}"#), (Some(1), Ok("[]".into())));
        assert_eq!(answer(r#"{"result":"ok","new":{},"id":"2"}"#), (Some(2), Ok("\"ok\"".into())));
        assert_eq!(
            answer(r#"{"error":{"code":-32004,"message":"away"},"id":3.0}"#),
            (Some(3), Err(json!({"code": -32004, "message": "away"})))
        );
        let parse_error = answer(r#"{"error":{"code":-32700},"id":null}"#);
        assert_eq!(parse_error, (None, Err(json!({"code": -32700}))));
        assert_eq!(answer(r#"{"error":"bad","id":4}"#), (Some(4), Err(json!("bad"))));
    }

    #[test]
    fn a_sample_is_known_by_sid_and_the_member_that_names_a_stream() {
        for text in [
            r#"{"com":["push",0.5],"sid":"s","time":1.5}"#,
            r#"{"sid":"s","time":1.5,"com":["push",{"id":7,"result":[[]]}]}"#,
            r#"{"aux":1,"com":["push",0.5],"sid":"s","time":1.5,"zone":[]}"#,
            r#"{"zone":[],"sid":"s","com":["push",0.5],"aux":1}"#,
        ] {
            let Message::Sample { sid, streams } = Message::parse(text).unwrap() else {
                panic!("{text}")
            };
            assert_eq!(sid.as_ref(), "s");
            assert!(Stream::ALL.iter().all(|&own| streams.contain(own) == (own == Stream::Com)));
        }
        let unknown = Message::parse(r#"{"eye":[1],"sid":"s"}"#).unwrap();
        assert!(
            matches!(unknown, Message::Sample { streams, .. } if streams == Streams::default())
        );
    }

    #[test]
    fn warnings_and_attention_are_told_apart_from_answers() {
        let warning = Message::parse(r#"{"jsonrpc":"2.0","warning":{"message":"x","code":9}}"#);
        assert!(matches!(warning.unwrap(), Message::Warning(Warning { code: 9, .. })));
        let beside = r#"{"attention":{"code":31,"message":"Bluetooth"},"id":5,"result":[]}"#;
        let Message::Answer { id: Some(5), attention: Some(attention), .. } =
            Message::parse(beside).unwrap()
        else {
            panic!()
        };
        assert_eq!((attention.code, attention.text()), (31, "Bluetooth".into()));
    }

    #[test]
    fn anything_else_is_odd_and_broken_json_is_an_error() {
        for odd in ["[]", "7", "{}", r#"{"sid":"s"}"#, r#"{"hello":1}"#, r#"{"sid":7,"com":[]}"#] {
            assert!(matches!(Message::parse(odd), Ok(Message::Odd)), "{odd}");
        }
        for broken in ["", "{", r#"{"com":[1,}"#, r#"{"sid":"s","com":[1]} x"#] {
            assert!(Message::parse(broken).is_err(), "{broken}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_fatal(text in ".{0,200}") {
            let _ = Message::parse(&text);
        }

        #[test]
        fn the_order_of_members_does_not_matter(order in Just(vec![0, 1, 2]).prop_shuffle()) {
            let members = [r#""sid":"a\u0062""#, r#""time":1e3"#, r#""e\u0065g":[1,[2],{"a":null}]"#];
            let text = format!("{{{}}}", order.iter().map(|&i| members[i]).collect::<Vec<_>>().join(","));
            let is_the_sample = matches!(
                Message::parse(&text),
                Ok(Message::Sample { sid, streams }) if sid == "ab" && streams.contain(Stream::Eeg)
            );
            prop_assert!(is_the_sample);
        }
    }

    #[test]
    fn deep_nesting_is_survived() {
        let deep = format!(r#"{{"warning":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
        assert!(Message::parse(&deep).is_err());
    }
}
