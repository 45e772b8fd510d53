//! The marker files beside a recording: its rows contain the numbers of markers, these files what
//! they mean. They are found under all names that `EmotivPRO` has used.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde_json::{Value, json};

use crate::{
    lines::{cells, decode, number as number_in, separator},
    row::count,
};

/// The largest marker file that is read.
const LARGEST: u64 = 16 << 20;

/// The markers of a recording.
pub(crate) struct MarkerFile {
    name: String,
    markers: Vec<DescribedMarker>,
}

/// A marker in a marker file.
struct DescribedMarker {
    object: Value,
    /// Seconds since the first sample, as in a table of intervals.
    latency: Option<f64>,
}

impl MarkerFile {
    /// The marker file beside a recording, if there is one, and sentences about its broken parts.
    pub(crate) fn beside(recording: &Path) -> (Option<Self>, Vec<String>) {
        let name = recording.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let full = without(without(name, &[".gz", ".bz2", ".zst"]), &[".csv", ".edf", ".bdf"]);
        let mut plain = full;
        // These parts of a name denote the streams in a file.
        loop {
            let shorter = without(plain, &[".md", ".pm", ".bp", ".mc", ".fe"]);
            if shorter.len() == plain.len() {
                break;
            }
            plain = shorter;
        }
        let stems = if plain == full { vec![full] } else { vec![full, plain] };
        let ends = [
            ".markers.json",
            ".json",
            ".cortex.marker.json",
            ".marker.json",
            "_markers.json",
            "_marker.json",
        ];
        let files = stems.iter().flat_map(|stem| ends.map(|end| format!("{stem}{end}")));
        let mut notes = Vec::new();
        let tables = || stems.iter().map(|stem| format!("{stem}_intervalMarker.csv"));
        for file in files {
            let read = text(recording.with_file_name(&file)).map(|text| markers(&text));
            match read {
                Some(Ok(markers)) if !markers.is_empty() => {
                    let table = tables().find_map(|own| text(recording.with_file_name(own)));
                    let latencies = table.and_then(|own| intervals(&own).ok());
                    let latencies = latencies.map(|(own, _)| own).unwrap_or_default();
                    let markers = markers.into_iter().map(|object| DescribedMarker {
                        latency: latency(&latencies, &object),
                        object,
                    });
                    return (Some(Self { name: file, markers: markers.collect() }), notes);
                }
                Some(Err(why)) => notes.push(format!("{file} is broken, {why}: it is left out.")),
                _ => {}
            }
        }
        for file in tables() {
            match text(recording.with_file_name(&file)).map(|text| intervals(&text)) {
                Some(Ok((markers, broken))) => {
                    if let Some(line) = broken.first() {
                        let count = broken.len();
                        notes.push(format!(
                            "{file}: broken lines, left out: {count}; the first is line {line}."
                        ));
                    }
                    return (Some(Self { name: file, markers }), notes);
                }
                Some(Err(why)) => notes.push(format!("{file} is broken, {why}: it is left out.")),
                None => {}
            }
        }
        (None, notes)
    }

    /// The markers with their seconds since the first sample, for a recording whose rows do not
    /// contain them; `None` for a marker outside the recording. `start`: seconds since 1970 by its
    /// clock, which may show local time; `seconds`: its duration.
    pub(crate) fn timed(&self, start: f64, seconds: f64) -> Vec<(Option<f64>, Value)> {
        let utc = |own: &DescribedMarker| Some(moments(&own.object)?.0 - start);
        let local = |own: &DescribedMarker| Some(moments(&own.object)?.1 - start);
        // A start in whole seconds may be up to one early.
        let is_within = |time: &f64| (-1.0..seconds + 1.0).contains(time);
        let count = |time: &dyn Fn(&DescribedMarker) -> Option<f64>| {
            self.markers.iter().filter_map(time).filter(is_within).count()
        };
        let is_local = count(&local) > count(&utc);
        let times = self.markers.iter().map(|own| {
            let time = own.latency.or_else(|| if is_local { local(own) } else { utc(own) });
            (time.filter(is_within).map(|time| time.max(0.0)), placed(own.object.clone()))
        });
        times.collect()
    }

    /// The sentence about markers outside the recording.
    pub(crate) fn outside(&self, count: usize) -> String {
        format!("{}: markers that are not within the recording: {count}.", self.name)
    }

    /// The marker of a row, by as much of its number, type and value as the row contains.
    pub(crate) fn object(file: Option<&Self>, [number, kind, value]: [Option<f64>; 3]) -> Value {
        let is_named = |own: &&Value| index(&own["index"]).is_some_and(|own| Some(own) == number);
        let all = file.into_iter().flat_map(|file| file.markers.iter().map(|own| &own.object));
        let own = all.clone().find(is_named);
        let object = own.cloned().unwrap_or_else(|| {
            let value = value.map(whole);
            let label = number.map(whole).or_else(|| value.clone());
            json!({
                "label": label.map_or_else(String::new, |label| label.to_string()),
                "type": if kind == Some(2.0) { "interval" } else { "instance" },
                "value": value.unwrap_or_else(|| json!("")),
            })
        });
        placed(object)
    }
}

/// A marker at its sample; its own times, which are those of the recording and not of the replay,
/// are removed.
fn placed(mut object: Value) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.retain(|name, _| !matches!(name.as_str(), "startDatetime" | "endDatetime"));
    }
    object
}

/// Seconds since 1970 of a marker's start, and what a local clock showed.
fn moments(object: &Value) -> Option<(f64, f64)> {
    let text = object["startDatetime"].as_str()?;
    let seconds = |own: Timestamp| own.as_duration().as_secs_f64();
    let civil = text.parse::<DateTime>().ok().and_then(|own| own.to_zoned(TimeZone::UTC).ok());
    let local = civil.map(|own| seconds(own.timestamp()));
    let utc = text.parse::<Timestamp>().ok().map(seconds);
    utc.or(local).zip(local.or(utc))
}

/// The latency of a marker, from the entry with its number in a table of intervals.
fn latency(table: &[DescribedMarker], object: &Value) -> Option<f64> {
    let number = index(&object["index"])?;
    table.iter().find(|own| index(&own.object["index"]) == Some(number))?.latency
}

/// A name without one of several suffixes, ignoring case.
fn without<'a>(name: &'a str, ends: &[&str]) -> &'a str {
    let shorter = |end: &&str| {
        let (own, last) = name.split_at_checked(name.len().checked_sub(end.len())?)?;
        last.eq_ignore_ascii_case(end).then_some(own)
    };
    ends.iter().find_map(shorter).unwrap_or(name)
}

/// A number as JSON, as an integer if it is whole.
fn whole(number: f64) -> Value {
    let whole = number.abs().fract() == 0.0 && count(number.abs()).is_some();
    let parsed = whole.then(|| format!("{number:.0}").parse::<i64>().ok()).flatten();
    parsed.map_or_else(|| json!(number), |whole| json!(whole))
}

/// The number of a marker, which some files contain as text.
fn index(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// The markers of a JSON file: a list, or the member `Markers` of an object.
fn markers(text: &str) -> Result<Vec<Value>, String> {
    let mut value: Value = serde_json::from_str(text).map_err(|error| {
        let (line, why) = (error.line(), error.to_string());
        format!("line {line} ({})", why.split(" at line").next().unwrap_or_default())
    })?;
    let list = match &mut value {
        Value::Object(members) => {
            let mut members = members.iter_mut();
            members
                .find(|(name, _)| name.eq_ignore_ascii_case("markers"))
                .map(|(_, own)| own.take())
        }
        list => Some(list.take()),
    };
    let Some(Value::Array(list)) = list else { return Ok(Vec::new()) };
    Ok(list.into_iter().filter(Value::is_object).collect())
}

/// The markers of an interval file, `latency,duration,type,marker_value,…,marker_id`, and its
/// broken lines.
fn intervals(text: &str) -> Result<(Vec<DescribedMarker>, Vec<i64>), String> {
    let mut lines = text.lines();
    let names = lines.next().unwrap_or_default();
    let separator = separator(names);
    let names = cells(names, separator);
    let find = |name: &str| names.iter().position(|own| own.eq_ignore_ascii_case(name));
    let place = |name: &str| find(name).ok_or_else(|| format!("line 1 (it has no column {name})"));
    let (label, value, duration) = (place("type")?, place("marker_value")?, place("duration")?);
    let (mut markers, mut broken) = (Vec::new(), Vec::new());
    for (line, number) in lines.zip(1_i64..).filter(|(line, _)| !line.trim().is_empty()) {
        let cells = cells(line, separator);
        let cell = |place: usize| cells.get(place).map_or("", String::as_str);
        if cells.len() <= label.max(value).max(duration) {
            broken.push(number + 1);
            continue;
        }
        let lasts = cell(duration).parse().is_ok_and(|duration: f64| duration > 0.0);
        let index = find("marker_id").and_then(|own| cell(own).parse().ok()).unwrap_or(number);
        let object = json!({
            "index": index,
            "label": cell(label),
            "type": if lasts { "interval" } else { "instance" },
            "value": cell(value),
        });
        let latency = find("latency").and_then(|own| number_in(cell(own)));
        markers.push(DescribedMarker { object, latency });
    }
    Ok((markers, broken))
}

fn text(file: PathBuf) -> Option<String> {
    let small = fs::metadata(&file).is_ok_and(|it| it.is_file() && it.len() <= LARGEST);
    if small { decode(fs::read(file).ok()?).ok() } else { None }
}
