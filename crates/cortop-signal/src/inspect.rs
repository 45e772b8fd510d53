//! A message as it came, taken apart for reading: its members in their own order, and the values
//! beside the names of their columns. Every value stands as it was written; nothing is rounded.

use std::fmt;

use serde::{
    Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use cortop_protocol::{Sample, sample::Column};

/// Items and bytes of a value shown at most: more than any sample has, so that none is endless.
const ITEMS: usize = 1000;
const LONGEST: usize = 2000;

/// One line of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageLine {
    /// The member, the column, or nothing where a value has no column.
    pub name: String,
    /// As it was written, cut where it is endless; `None` where a column has no value.
    pub value: Option<String>,
    /// How deep it is nested: 0 for a member, 1 for a value, 2 for one in a group (§5.4).
    pub depth: usize,
}

/// The items of a message; one that is no JSON object is a single item without a name.
#[must_use]
pub fn items(sample: &Sample) -> Vec<MessageLine> {
    let mut json = serde_json::Deserializer::from_str(&sample.text);
    let Ok(members) = json.deserialize_map(Members) else {
        return vec![item("", Some(&sample.text), 0)];
    };
    let mut items = Vec::new();
    for (name, value) in members {
        if name == sample.subscription.stream.name() {
            items.push(MessageLine { name, value: Some(String::new()), depth: 0 });
            row(&sample.subscription.columns.0, value, &mut items);
        } else {
            items.push(item(&name, Some(value.get()), 0));
        }
    }
    items.truncate(ITEMS);
    items
}

/// The values of a stream, each with its column; those of a group with its labels.
fn row(columns: &[Column], values: &RawValue, items: &mut Vec<MessageLine>) {
    let Some(mut values) = elements(values) else {
        return items.push(item("", Some(values.get()), 1));
    };
    for column in columns {
        let value = values.next();
        match column {
            Column::One(label) => items.push(item(label, value.map(RawValue::get), 1)),
            Column::Group(labels) => {
                let Some(mut group) = value.and_then(elements) else {
                    items.push(item("", value.map(RawValue::get), 1));
                    continue;
                };
                let named =
                    labels.iter().map(|label| item(label, group.next().map(RawValue::get), 2));
                items.extend(named.collect::<Vec<_>>());
                items.extend(group.map(|value| item("", Some(value.get()), 2)));
            }
        }
    }
    items.extend(values.map(|value| item("", Some(value.get()), 1)));
}

/// The elements of an array.
fn elements(array: &RawValue) -> Option<std::vec::IntoIter<&RawValue>> {
    serde_json::from_str::<Vec<&RawValue>>(array.get()).ok().map(IntoIterator::into_iter)
}

fn item(name: &str, value: Option<&str>, depth: usize) -> MessageLine {
    let cut = |text: &str| match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    };
    MessageLine { name: cut(name), value: value.map(cut), depth }
}

/// The members of an object in the order in which they came.
struct Members;

impl<'de> Visitor<'de> for Members {
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
        let sample =
            Sample { subscription, text: text.into(), received: Instant::now().into_std() };
        items(&sample).into_iter().map(|item| (item.name, item.value, item.depth)).collect()
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
        assert_eq!(taken_apart("[]", &endless).len(), ITEMS);
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
