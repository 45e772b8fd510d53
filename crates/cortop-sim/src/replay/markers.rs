//! The markers of a recording: its rows have their numbers, a file beside it, if there is one, what
//! they mean.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::noise::slot;

/// Largest file of markers that is read.
const LARGEST: u64 = 16 << 20;

/// `NAME.markers.json` beside `NAME.csv`, as `EmotivPRO` writes it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct MarkersFile {
    markers: Vec<Value>,
}

/// The markers of each row, as the JSON inside the array of a sample (§5.2).
pub(super) fn of(
    recording: &Path,
    marked: &[(usize, [Option<f64>; 3])],
) -> BTreeMap<usize, String> {
    let told = if marked.is_empty() { MarkersFile::default() } else { beside(recording) };
    let of_row = |(row, [number, kind, value]): &(usize, [Option<f64>; 3])| {
        let (number, _) = slot(number.unwrap_or_default());
        let own = told.markers.iter().find(|marker| marker["index"] == number);
        let mut object = own.cloned().unwrap_or_else(|| {
            json!({
                "label": number.to_string(),
                "type": if *kind == Some(2.0) { "interval" } else { "instance" },
                "value": value.map_or(json!(""), |value| json!(slot(value).0)),
            })
        });
        if let Some(members) = object.as_object_mut() {
            // Its times are those of the recording, not of the replay.
            members.retain(|name, _| !matches!(name.as_str(), "startDatetime" | "endDatetime"));
            members.insert("applicationId".to_owned(), json!(""));
            members.insert("recordId".to_owned(), json!(""));
        }
        (*row, object.to_string())
    };
    marked.iter().map(of_row).collect()
}

/// What stands in the file beside a recording; nothing if there is none, or if it is of no use.
fn beside(recording: &Path) -> MarkersFile {
    let file = recording.with_extension("markers.json");
    let small = fs::metadata(&file).is_ok_and(|it| it.len() <= LARGEST);
    let text = if small { fs::read_to_string(file).unwrap_or_default() } else { String::new() };
    serde_json::from_str(&text).unwrap_or_default()
}
