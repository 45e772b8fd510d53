//! The answer to `subscribe` and `unsubscribe` (§2.8): the running streams with their columns, and
//! the refused ones.

use serde_json::Value;

use cortop_protocol::{
    Columns, Error, ErrorSubject, Method, Stream,
    sample::Column,
    sanitize,
    tolerant::{self, Members},
};

/// Longest label, in characters, and the highest number of columns accepted per stream.
const LABEL: usize = 64;
const COLUMNS: usize = 512;

/// Both arrays of the answer. Streams unknown to this program are left out.
#[derive(Debug, Default, PartialEq)]
pub(super) struct SubscribeAnswer {
    pub(super) success: Vec<(Stream, Columns)>,
    pub(super) failure: Vec<(Stream, Error)>,
}

impl SubscribeAnswer {
    /// Parses the answer to `subscribe` or `unsubscribe`.
    pub(super) fn of(method: Method, mut value: Value) -> Self {
        let mut list = |name| {
            let entries = value.get_mut(name).map(Value::take).unwrap_or_default();
            tolerant::objects::<StreamEntry>(method.name(), entries)
        };
        let success = list("success");
        let failure = list("failure");
        Self {
            success: success
                .into_iter()
                .filter_map(|entry| Some((entry.stream?, entry.columns)))
                .collect(),
            failure: failure
                .into_iter()
                .filter_map(|entry| {
                    let stream = entry.stream?;
                    let error = Error::refused(method, entry.code, &entry.message);
                    Some((stream, error.about(ErrorSubject::Stream(stream))))
                })
                .collect(),
        }
    }
}

/// An entry of either array.
struct StreamEntry {
    stream: Option<Stream>,
    columns: Columns,
    code: i64,
    message: String,
}

impl From<Value> for StreamEntry {
    fn from(mut value: Value) -> Self {
        let columns = value.get_mut("cols").map(Value::take).unwrap_or_default();
        let code = value.get("code").and_then(tolerant::code).unwrap_or_default();
        let mut members = Members::of(Method::Subscribe.name(), value);
        let name = members.text("streamName");
        let stream = name.parse().ok();
        if stream.is_none() {
            tracing::debug!("a stream this program does not know: {name}");
        }
        Self { stream, columns: columns_of(columns), code, message: members.text("message") }
    }
}

fn columns_of(value: Value) -> Columns {
    let Value::Array(columns) = value else { return Columns::default() };
    Columns(
        columns
            .into_iter()
            .take(COLUMNS)
            .map(|column| match column {
                Value::Array(labels) => {
                    Column::Group(labels.iter().take(COLUMNS).map(label).collect())
                }
                other => Column::One(label(&other)),
            })
            .collect(),
    )
}

/// A label of another type still keeps its column.
fn label(value: &Value) -> String {
    let label = value
        .as_str()
        .map_or_else(|| sanitize::clean_bounded(&value.to_string()), sanitize::clean_bounded);
    label.chars().take(LABEL).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nested_columns_keep_their_place() {
        let answer = SubscribeAnswer::of(
            Method::Subscribe,
            json!({"failure": [], "success": [
                {"cols": ["Battery", "Signal", ["AF3", "T7", "OVERALL"], "BatteryPercent"],
                 "sid": "s", "streamName": "dev"}
            ]}),
        );
        let [(Stream::Dev, columns)] = answer.success.as_slice() else { panic!("{answer:?}") };
        assert_eq!(columns.0.len(), 4);
        assert_eq!(
            columns.labels().collect::<Vec<_>>(),
            ["Battery", "Signal", "AF3", "T7", "OVERALL", "BatteryPercent"]
        );
    }

    #[test]
    fn odd_entries_cost_only_themselves() {
        let answer = SubscribeAnswer::of(
            Method::Subscribe,
            json!({"failure": [
                {"code": "-32016", "streamName": "eeg"}, 7, {"streamName": 3}
            ], "success": [
                {"cols": [1, null, "x"], "streamName": "mot"}, {"cols": 5, "streamName": "pow"},
                {"streamName": "psychic", "cols": []}, null
            ]}),
        );
        assert_eq!(answer.success.len(), 2);
        assert_eq!(answer.success[0].1.labels().collect::<Vec<_>>(), ["1", "null", "x"]);
        let [(Stream::Eeg, refusal)] = answer.failure.as_slice() else { panic!("{answer:?}") };
        assert!(refusal.next.contains("the other streams keep running"));
        assert_eq!(SubscribeAnswer::of(Method::Subscribe, json!("no")), SubscribeAnswer::default());
    }
}
