//! The columns of a subscription, and the only way in which values are paired with them (§2.8, §5):
//! the decoder, the inspector and everything that writes samples use [`Columns::pair`].

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The label whose single value is an array of markers (§5.2).
pub const MARKERS: &str = "MARKERS";

/// One label of a stream, or a group of labels for a nested array of values (`dev`, §5.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Column {
    /// The label of one value. For [`MARKERS`], that value is an array (§5.2).
    One(String),
    /// The labels of the nested array at this position.
    Group(Vec<String>),
}

/// The columns of one subscription: the only authority on the meaning and order of its values
/// (§2.8).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns(pub Vec<Column>);

/// A value and its label, both as they appear in the message.
#[derive(Clone, Copy, Debug)]
pub struct LabelledValue<'a> {
    /// `None` for a value that no column names.
    pub label: Option<&'a str>,
    /// `None` for a column without a value.
    pub value: Option<&'a RawValue>,
    /// Whether it is in a nested array.
    pub in_group: bool,
}

impl Columns {
    /// All labels in order, with those of groups at their position.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .flat_map(|column| match column {
                Column::One(label) => std::slice::from_ref(label),
                Column::Group(labels) => labels,
            })
            .map(String::as_str)
    }

    /// Whether this many values, none of them a nested array, are exactly one per label.
    #[must_use]
    pub fn are_flat(&self, values: usize) -> bool {
        self.0.len() == values && self.0.iter().all(|column| matches!(column, Column::One(_)))
    }

    /// Pairs the values of a message, a JSON array, with the labels: each label once and in order,
    /// and in between each value that has no label. If the value of a group is null, each of its
    /// labels has that null; if it is anything else but an array, none has a value. Returns `None`
    /// if `values` is not an array.
    #[must_use]
    pub fn pair<'a>(&'a self, values: &'a RawValue) -> Option<Vec<LabelledValue<'a>>> {
        let mut values = elements(values)?;
        let mut pairs = Vec::with_capacity(self.0.len());
        for column in &self.0 {
            let value = values.next();
            match column {
                Column::One(label) => {
                    pairs.push(LabelledValue { label: Some(label), value, in_group: false });
                }
                Column::Group(labels) => {
                    let is_null = |value: &&RawValue| value.get() == "null";
                    let (null, value) = (value.filter(is_null), value.filter(|own| !is_null(own)));
                    let group = value.and_then(elements);
                    let other = value.filter(|_| group.is_none());
                    let mut group = group.unwrap_or_default();
                    let in_group = true;
                    pairs.extend(labels.iter().map(|label| {
                        let value = group.next().or(null);
                        LabelledValue { label: Some(label), value, in_group }
                    }));
                    pairs.extend(group.map(|value| LabelledValue {
                        label: None,
                        value: Some(value),
                        in_group,
                    }));
                    pairs.extend(other.map(|_| LabelledValue {
                        label: None,
                        value: other,
                        in_group: false,
                    }));
                }
            }
        }
        pairs.extend(values.map(|value| LabelledValue {
            label: None,
            value: Some(value),
            in_group: false,
        }));
        Some(pairs)
    }
}

/// The elements of a JSON array.
pub(crate) fn elements(array: &RawValue) -> Option<std::vec::IntoIter<&RawValue>> {
    serde_json::from_str::<Vec<&RawValue>>(array.get()).ok().map(IntoIterator::into_iter)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Labels and values, `-` for a missing one, groups in brackets.
    fn paired(columns: &str, values: &str) -> String {
        let columns: Columns = serde_json::from_str(columns).unwrap();
        let values: Box<RawValue> = serde_json::from_str(values).unwrap();
        let Some(pairs) = columns.pair(&values) else { return "no array".to_owned() };
        let text = |pair: &LabelledValue<'_>| {
            let value = pair.value.map_or("-", RawValue::get);
            let text = format!("{}={value}", pair.label.unwrap_or("-"));
            if pair.in_group { format!("[{text}]") } else { text }
        };
        pairs.iter().map(text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn values_pair_with_labels_up_to_the_shorter() {
        let columns = r#"["a",["b","c"],"d"]"#;
        for (values, expected) in [
            ("[1,[2,3],4]", "a=1 [b=2] [c=3] d=4"),
            ("[1.0,[null,\"x\"],[]]", "a=1.0 [b=null] [c=\"x\"] d=[]"),
            ("[1]", "a=1 [b=-] [c=-] d=-"),
            ("[1,[2],4,5]", "a=1 [b=2] [c=-] d=4 -=5"),
            ("[1,[2,3,9],4]", "a=1 [b=2] [c=3] [-=9] d=4"),
            ("[1,null,4]", "a=1 [b=null] [c=null] d=4"),
            ("[1,7,4]", "a=1 [b=-] [c=-] -=7 d=4"),
            ("7", "no array"),
        ] {
            assert_eq!(paired(columns, values), expected, "{values}");
        }
    }

    #[test]
    fn only_columns_without_groups_are_flat() {
        let columns = |json: &str| serde_json::from_str::<Columns>(json).unwrap();
        assert!(columns(r#"["a","b"]"#).are_flat(2));
        assert!(!columns(r#"["a","b"]"#).are_flat(3));
        assert!(!columns(r#"["a",["b"]]"#).are_flat(2));
    }
}
