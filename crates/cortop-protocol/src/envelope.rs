//! Distinguishes the four kinds of message (§1.4), with their members in any order and without
//! building a tree. Samples of numbers, which nearly all messages are, have their own parser
//! (`scan`), which reads envelope and values in one pass.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Value, value::RawValue};

use crate::{
    Stream, Warning,
    scan::{self, Number, ScannedValues},
    tolerant,
};

pub use crate::scan::SampleMessage;

/// The kind of a text frame.
#[derive(Debug)]
pub enum ServerMessage<'a> {
    /// The answer to a request.
    Answer {
        /// The request's id, if it is one that we could have sent.
        id: Option<u64>,
        /// The result, or the error as received
        /// ([`Error::from_answer`](crate::Error::from_answer)).
        result: Result<&'a RawValue, Value>,
        /// Sent beside the result (`queryHeadsets`, §1.3).
        attention: Option<Warning>,
    },
    /// A sample of a stream.
    Sample(SampleMessage<'a>),
    /// Sent without a request.
    Warning(Warning),
    /// None of the above: JSON of another shape.
    Malformed,
}

impl<'a> ServerMessage<'a> {
    /// Classifies a text frame. If it is a sample whose values are numbers, as nearly all are,
    /// `numbers` contains them afterwards.
    ///
    /// # Errors
    /// The text is not JSON.
    pub fn parse(text: &'a str, numbers: &mut Vec<f64>) -> Result<Self, serde_json::Error> {
        // Anything but an object has no members by which to classify it.
        if !text.trim_ascii_start().starts_with('{') {
            return serde_json::from_str::<IgnoredAny>(text).map(|_| Self::Malformed);
        }
        if let Some(sample) = scan::sample(text, numbers) {
            return Ok(Self::Sample(sample));
        }
        let mut json = serde_json::Deserializer::from_str(text);
        let members = TopLevel::deserialize(&mut json)?;
        json.end()?;
        Ok(members.classify())
    }
}

/// The members of a message in their original order, as written; `None` if it is not a JSON object.
pub(crate) fn members(text: &str) -> Option<Vec<(String, &RawValue)>> {
    struct Ordered;

    impl<'de> Visitor<'de> for Ordered {
        type Value = Vec<(String, &'de RawValue)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some(member) = map.next_entry()? {
                members.push(member);
            }
            Ok(members)
        }
    }

    serde_json::Deserializer::from_str(text).deserialize_map(Ordered).ok()
}

/// The top-level members that distinguish the kinds.
#[derive(Default)]
struct TopLevel<'a> {
    id: Option<Value>,
    sid: Option<&'a RawValue>,
    time: Option<f64>,
    result: Option<&'a RawValue>,
    error: Option<Value>,
    warning: Option<Value>,
    attention: Option<Value>,
    /// The first member named after a stream, and what was read of its values.
    stream: Option<Stream>,
    values: ScannedValues<'a>,
    /// Whether the time is invalid.
    malformed: bool,
    /// Whether there are members that may contain the values of a stream.
    other: bool,
}

impl<'a> TopLevel<'a> {
    fn classify(self) -> ServerMessage<'a> {
        if let (Some(sid), true) = (self.sid.and_then(string), self.other) {
            let Self { stream, time, values, malformed, .. } = self;
            return ServerMessage::Sample(SampleMessage { sid, stream, time, values, malformed });
        }
        let result = match (self.result, self.error, self.warning) {
            (Some(result), _, _) => Ok(result),
            (None, Some(error), _) => Err(error),
            (None, None, Some(warning)) => return ServerMessage::Warning(warning.into()),
            (None, None, None) => return ServerMessage::Malformed,
        };
        ServerMessage::Answer {
            id: self.id.as_ref().and_then(number),
            result,
            attention: self.attention.map(Warning::from),
        }
    }
}

/// The content of a JSON string, unescaped if it contains escapes.
fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    let text = raw.get();
    match text.strip_prefix('"')?.strip_suffix('"')? {
        plain if !plain.contains('\\') => Some(Cow::Borrowed(plain)),
        _ => serde_json::from_str(text).ok().map(Cow::Owned),
    }
}

/// Our ids are numbers; accept one echoed as a string or a float.
fn number(id: &Value) -> Option<u64> {
    tolerant::code(id)?.try_into().ok()
}

impl<'de: 'a, 'a> Deserialize<'de> for TopLevel<'a> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_map(AllMembers)
    }
}

struct AllMembers;

impl<'de> Visitor<'de> for AllMembers {
    type Value = TopLevel<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut top = TopLevel::default();
        while let Some(member) = map.next_key()? {
            match member {
                Member::Id => top.id = Some(map.next_value()?),
                Member::Sid => top.sid = Some(map.next_value()?),
                Member::Result => top.result = Some(map.next_value()?),
                Member::Error => top.error = Some(map.next_value()?),
                Member::Warning => top.warning = Some(map.next_value()?),
                Member::Attention => top.attention = Some(map.next_value()?),
                Member::Time => {
                    let time = Number::of(map.next_value()?);
                    top.malformed |= time.is_none();
                    top.time = time.map(|Number(time)| time).filter(|time| !time.is_nan());
                }
                Member::Version => {
                    map.next_value::<IgnoredAny>()?;
                }
                Member::Stream(stream) if top.stream.is_none() => {
                    (top.stream, top.other) = (Some(stream), true);
                    top.values = ScannedValues::Raw(map.next_value()?);
                }
                Member::Stream(_) | Member::Other => {
                    map.next_value::<IgnoredAny>()?;
                    top.other = true;
                }
            }
        }
        Ok(top)
    }
}

/// The name of a member.
enum Member {
    Id,
    Sid,
    Time,
    Result,
    Error,
    Warning,
    Attention,
    Version,
    Stream(Stream),
    Other,
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Name;

        impl Visitor<'_> for Name {
            type Value = Member;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a member")
            }

            fn visit_str<E>(self, name: &str) -> Result<Member, E> {
                Ok(match name {
                    "id" => Member::Id,
                    "sid" => Member::Sid,
                    "time" => Member::Time,
                    "result" => Member::Result,
                    "error" => Member::Error,
                    "warning" => Member::Warning,
                    "attention" => Member::Attention,
                    "jsonrpc" => Member::Version,
                    name => Stream::from_name(name).map_or(Member::Other, Member::Stream),
                })
            }
        }

        json.deserialize_str(Name)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> serde_json::Result<ServerMessage<'_>> {
        ServerMessage::parse(text, &mut Vec::new())
    }

    fn answer(text: &str) -> (Option<u64>, Result<String, Value>) {
        match parse(text).unwrap() {
            ServerMessage::Answer { id, result, .. } => {
                (id, result.map(|raw| raw.get().to_owned()))
            }
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
            let ServerMessage::Sample(sample) = parse(text).unwrap() else { panic!("{text}") };
            assert_eq!((sample.sid.as_ref(), sample.stream), ("s", Some(Stream::Com)));
        }
        let unknown = parse(r#"{"eye":[1],"sid":"s"}"#).unwrap();
        assert!(matches!(unknown, ServerMessage::Sample(SampleMessage { stream: None, .. })));
    }

    #[test]
    fn warnings_and_attention_are_told_apart_from_answers() {
        let warning = parse(r#"{"jsonrpc":"2.0","warning":{"message":"x","code":9}}"#);
        assert!(matches!(warning.unwrap(), ServerMessage::Warning(Warning { code: 9, .. })));
        let beside = r#"{"attention":{"code":31,"message":"Bluetooth"},"id":5,"result":[]}"#;
        let ServerMessage::Answer { id: Some(5), attention: Some(attention), .. } =
            parse(beside).unwrap()
        else {
            panic!()
        };
        assert_eq!((attention.code, attention.text()), (31, "Bluetooth".into()));
    }

    #[test]
    fn anything_else_is_malformed_and_broken_json_is_an_error() {
        for other in ["[]", "7", "{}", r#"{"sid":"s"}"#, r#"{"hello":1}"#, r#"{"sid":7,"com":[]}"#]
        {
            assert!(matches!(parse(other), Ok(ServerMessage::Malformed)), "{other}");
        }
        for broken in [
            "",
            "{",
            r#"{"com":[1,}"#,
            r#"{"sid":"s","com":[1]} x"#,
            "{\"sid\":\"s\t\",\"eeg\":[1]}",
            "{\"sid\":\"s\",\"eeg\n\":[1]}",
        ] {
            assert!(parse(broken).is_err(), "{broken}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_fatal(text in ".{0,200}") {
            let _ = parse(&text);
        }

        #[test]
        fn the_order_of_members_does_not_matter(order in Just(vec![0, 1, 2]).prop_shuffle()) {
            let members = [r#""sid":"a\u0062""#, r#""time":1e3"#, r#""e\u0065g":[1,[2],{"a":null}]"#];
            let text = format!("{{{}}}", order.iter().map(|&i| members[i]).collect::<Vec<_>>().join(","));
            let is_the_sample = matches!(
                parse(&text),
                Ok(ServerMessage::Sample(sample))
                    if sample.sid == "ab" && sample.stream == Some(Stream::Eeg) && sample.time == Some(1e3)
            );
            prop_assert!(is_the_sample);
        }
    }

    #[test]
    fn deep_nesting_is_survived() {
        let deep = format!(r#"{{"warning":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
        assert!(parse(&deep).is_err());
    }
}
