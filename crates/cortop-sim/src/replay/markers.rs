//! The markers of a recording: its rows have their numbers, a file beside it, if there is one, what
//! they mean.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::{Value, json};

use super::lines::{cells, separator};
use crate::noise::slot;

/// Largest file of markers that is read.
const LARGEST: u64 = 16 << 20;

/// `NAME.json` or the like beside `NAME.csv`, as `EmotivPRO` writes it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct MarkersFile {
    markers: Vec<Value>,
}

/// The markers of each row, as the JSON inside the array of a sample (§5.2), and whether a file
/// says what they mean.
pub(super) fn of(
    recording: &Path,
    marked: &[(usize, [Option<f64>; 3])],
) -> (BTreeMap<usize, String>, bool) {
    let named = if marked.is_empty() { None } else { beside(recording) };
    let found = named.is_some();
    let named = named.unwrap_or_default();
    let of_row = |(row, [number, kind, value]): &(usize, [Option<f64>; 3])| {
        let (number, _) = slot(number.unwrap_or_default());
        let own = named.iter().find(|marker| marker["index"] == number);
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
    (marked.iter().map(of_row).collect(), found)
}

/// The markers in a file beside a recording, under all names that `EmotivPRO` has given it.
fn beside(recording: &Path) -> Option<Vec<Value>> {
    let name = recording.file_name()?.to_str()?;
    let name = [".gz", ".bz2"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    let full = name.strip_suffix(".csv").unwrap_or(name);
    let mut plain = full;
    // The parts name the streams a file holds.
    while let Some(shorter) =
        [".md", ".pm", ".bp", ".mc", ".fe"].iter().find_map(|part| plain.strip_suffix(part))
    {
        plain = shorter;
    }
    let ends = [".markers.json", ".json", ".cortex.marker.json", ".marker.json"];
    let files = [full, plain].into_iter().flat_map(|stem| ends.map(|end| format!("{stem}{end}")));
    let json = files.map(|file| recording.with_file_name(file)).find_map(|file| {
        let MarkersFile { markers } = serde_json::from_str(&text(file)?).ok()?;
        (!markers.is_empty()).then_some(markers)
    });
    let intervals = [full, plain].into_iter().find_map(|stem| {
        intervals(&text(recording.with_file_name(format!("{stem}_intervalMarker.csv")))?)
    });
    json.or(intervals)
}

/// The markers of a file of intervals: `latency,duration,type,marker_value,…,marker_id`.
fn intervals(text: &str) -> Option<Vec<Value>> {
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    let names = lines.next()?;
    let separator = separator(names);
    let names = cells(names, separator);
    let place = |name: &str| names.iter().position(|own| own.eq_ignore_ascii_case(name));
    let (label, value, duration) = (place("type")?, place("marker_value")?, place("duration")?);
    let markers = lines.zip(1_u64..).map(|(line, number)| {
        let cells = cells(line, separator);
        let cell = |place: usize| cells.get(place).map_or("", String::as_str);
        let lasts = cell(duration).parse().is_ok_and(|duration: f64| duration > 0.0);
        json!({
            "index": number,
            "label": cell(label),
            "type": if lasts { "interval" } else { "instance" },
            "value": cell(value),
        })
    });
    Some(markers.collect())
}

fn text(file: PathBuf) -> Option<String> {
    let small = fs::metadata(&file).is_ok_and(|it| it.is_file() && it.len() <= LARGEST);
    if small { fs::read_to_string(file).ok() } else { None }
}
