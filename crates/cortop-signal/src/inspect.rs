//! A raw message, broken down for reading: its members in their original order, and its values next
//! to the names of their columns. Every value appears as it was written; nothing is rounded.

use cortop_protocol::Sample;
use serde_json::value::RawValue;

/// The most lines of a message, and bytes of a value, that are shown: more than any sample has, but
/// not endless.
const LINES: usize = 1000;
const LONGEST: usize = 2000;

/// One line of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageLine {
    /// The member or the column; empty if a value has no column.
    pub name: String,
    /// The value as written, cut if it is endless; `None` if a column has no value.
    pub value: Option<String>,
    /// Nesting depth: 0 for a member, 1 for a value, 2 for a value in a group (§5.4).
    pub depth: usize,
}

/// The lines of a message; one that is not a JSON object becomes a single line without a name.
#[must_use]
pub fn lines(sample: &Sample) -> Vec<MessageLine> {
    let Some(members) = sample.members() else { return vec![line("", Some(&sample.text), 0)] };
    let mut lines = Vec::new();
    for (name, value) in members {
        if name != sample.subscription.stream.name() {
            lines.push(line(&name, Some(value.get()), 0));
            continue;
        }
        lines.push(MessageLine { name, value: Some(String::new()), depth: 0 });
        match sample.pair(value) {
            Some(pairs) => lines.extend(pairs.iter().map(|pair| {
                let depth = if pair.in_group { 2 } else { 1 };
                line(pair.label.unwrap_or_default(), pair.value.map(RawValue::get), depth)
            })),
            None => lines.push(line("", Some(value.get()), 1)),
        }
    }
    lines.truncate(LINES);
    lines
}

fn line(name: &str, value: Option<&str>, depth: usize) -> MessageLine {
    let cut = |text: &str| match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    };
    MessageLine { name: cut(name), value: value.map(cut), depth }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use tokio::time::Instant;

    use super::*;
    use cortop_protocol::{Stream, Subscription};

    fn taken_apart(columns: &str, text: &str) -> Vec<(String, Option<String>, usize)> {
        let subscription = Arc::new(Subscription {
            session: "s".into(),
            headset: "h".into(),
            stream: Stream::Dev,
            columns: serde_json::from_str(columns).unwrap(),
            nominal_rate: None,
        });
        let sample = Sample::new(subscription, text.into(), Instant::now().into_std());
        lines(&sample).into_iter().map(|line| (line.name, line.value, line.depth)).collect()
    }

    const DEV: &str = r#"["Battery","Signal",["T7","OVERALL"],"BatteryPercent"]"#;

    #[test]
    fn values_stand_beside_their_columns_as_they_were_written() {
        let text = r#"{"time":1.70,"dev":[-1,0.0,[4,1e2],41],"sid":"ab"}"#;
        let expected = [
            ("time", Some("1.70"), 0),
            ("dev", Some(""), 0),
            ("Battery", Some("-1"), 1),
            ("Signal", Some("0.0"), 1),
            ("T7", Some("4"), 2),
            ("OVERALL", Some("1e2"), 2),
            ("BatteryPercent", Some("41"), 1),
            ("sid", Some("\"ab\""), 0),
        ];
        let found = taken_apart(DEV, text);
        let found: Vec<_> = found.iter().map(|(n, v, d)| (n.as_str(), v.as_deref(), *d)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_does_not_fit_the_columns_is_shown_as_what_it_is() {
        let found = taken_apart(DEV, r#"{"dev":[4,1,[2,50,7]]}"#);
        assert!(found.contains(&(String::new(), Some("7".into()), 2)), "no column");
        assert!(found.contains(&("BatteryPercent".into(), None, 1)), "no value");
        let found = taken_apart(DEV, r#"{"dev":[4,1,null,50,{"a":[1]}]}"#);
        assert!(found.contains(&(String::new(), Some(r#"{"a":[1]}"#.into()), 1)));
        assert_eq!(taken_apart(DEV, "[1")[0].1.as_deref(), Some("[1"));
        let endless = format!(r#"{{"dev":[{}]}}"#, vec!["1"; 5000].join(","));
        assert_eq!(taken_apart("[]", &endless).len(), LINES);
        let long = format!(r#"{{"dev":["{}"]}}"#, "µ".repeat(9000));
        let value = taken_apart("[]", &long).remove(1).1.unwrap();
        assert!(value.chars().count() < LONGEST + 40 && value.ends_with("(18002 bytes)"));
    }

    proptest! {
        #[test]
        fn no_text_can_refuse_it(text in ".{0,60}", values in "[\\[\\]{},:\"a0]{0,30}") {
            taken_apart(DEV, &text);
            taken_apart(DEV, &format!("{{\"dev\":{values}}}"));
        }
    }
}
