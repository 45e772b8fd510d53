//! The files of markers that stand beside a recording: rows have the numbers of markers, these files
//! what they mean. They are found under all names that `EmotivPRO` has given them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    lines::{cells, separator},
    row::count,
};

/// Largest file of markers that is read.
const LARGEST: u64 = 16 << 20;

/// The markers of a recording.
pub(crate) struct MarkerFile(Vec<Value>);

/// `NAME.json` or the like beside `NAME.csv`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Json {
    markers: Vec<Value>,
}

impl MarkerFile {
    /// The file beside a recording, if there is one.
    pub(crate) fn beside(recording: &Path) -> Option<Self> {
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
        let ends = [
            ".markers.json",
            ".json",
            ".cortex.marker.json",
            ".marker.json",
            "_markers.json",
            "_marker.json",
        ];
        let files =
            [full, plain].into_iter().flat_map(|stem| ends.map(|end| format!("{stem}{end}")));
        let json = files.map(|file| recording.with_file_name(file)).find_map(|file| {
            let Json { markers } = serde_json::from_str(&text(file)?).ok()?;
            (!markers.is_empty()).then_some(markers)
        });
        let intervals = [full, plain].into_iter().find_map(|stem| {
            intervals(&text(recording.with_file_name(format!("{stem}_intervalMarker.csv")))?)
        });
        json.or(intervals).map(Self)
    }

    /// The marker of a row, by its number, type and value as far as the row has them.
    pub(crate) fn object(file: Option<&Self>, [number, kind, value]: [Option<f64>; 3]) -> Value {
        let index = number.and_then(count);
        let own = file.and_then(|file| file.0.iter().find(|own| own["index"].as_u64() == index));
        let mut object = own.filter(|_| index.is_some()).cloned().unwrap_or_else(|| {
            let value = value.map(|value| count(value).map_or(json!(value), |whole| json!(whole)));
            let label = index.map(|index| json!(index.to_string())).or_else(|| value.clone());
            json!({
                "label": label.map_or_else(String::new, |label| match label {
                    Value::String(text) => text,
                    number => number.to_string(),
                }),
                "type": if kind == Some(2.0) { "interval" } else { "instance" },
                "value": value.unwrap_or_else(|| json!("")),
            })
        });
        if let Some(members) = object.as_object_mut() {
            // Its times are those of the recording, not of the replay.
            members.retain(|name, _| !matches!(name.as_str(), "startDatetime" | "endDatetime"));
        }
        object
    }
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
        let index = place("marker_id").and_then(|own| cell(own).parse().ok()).unwrap_or(number);
        json!({
            "index": index,
            "label": cell(label),
            "type": if lasts { "interval" } else { "instance" },
            "value": cell(value),
        })
    });
    Some(markers.collect())
}

fn text(file: PathBuf) -> Option<String> {
    let small = fs::metadata(&file).is_ok_and(|it| it.is_file() && it.len() <= LARGEST);
    let bytes = if small { fs::read(file).ok()? } else { return None };
    Some(String::from_utf8_lossy(&bytes).trim_start_matches('\u{feff}').to_owned())
}
