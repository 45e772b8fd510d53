//! Queries of records and subjects: conditions, order and page (§3.4, §3.6).

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    account::LICENSE_ID,
    dispatch::Call,
    record::StoredRecord,
    refusal::{ApiError, BAD_PARAMS, CallResult},
    service::Service,
};

/// In which order, and which part.
pub(super) struct Page {
    order: Vec<(String, bool)>,
    limit: usize,
    offset: usize,
}

impl Page {
    /// Reads `orderBy`, `limit` and `offset`; each entry of the first has one of the `keys`.
    pub(super) fn read(call: &Call<'_>, keys: &[&str]) -> Result<Self, ApiError> {
        let mut order = Vec::new();
        for entry in call.get("orderBy").and_then(Value::as_array).into_iter().flatten() {
            let mut members = entry.as_object().into_iter().flatten();
            let (Some((key, way)), None) = (members.next(), members.next()) else {
                return Err(ApiError::new(BAD_PARAMS));
            };
            let down = match way.as_str() {
                Some("ASC") => false,
                Some("DESC") => true,
                _ => return Err(ApiError::new(BAD_PARAMS)),
            };
            if !keys.contains(&key.as_str()) {
                return Err(ApiError::new(BAD_PARAMS));
            }
            order.push((key.clone(), down));
        }
        let size = |name| usize::try_from(call.count(name)).unwrap_or(usize::MAX);
        Ok(Self { order, limit: size("limit"), offset: size("offset") })
    }

    /// The part of what was found, in order. A limit of 0 means all.
    pub(super) fn of<T>(&self, mut found: Vec<T>, key: impl Fn(&T, &str) -> Value) -> Vec<T> {
        found.sort_by(|a, b| {
            let ways = self.order.iter().map(|(name, down)| {
                let way = compare(&key(a, name), &key(b, name));
                if *down { way.reverse() } else { way }
            });
            ways.fold(Ordering::Equal, Ordering::then)
        });
        let limit = if self.limit == 0 { usize::MAX } else { self.limit };
        found.into_iter().skip(self.offset).take(limit).collect()
    }

    /// The answer of a query: `count` of all that was found.
    pub(super) fn to_json(&self, name: &str, count: usize, page: &[Value]) -> Value {
        json!({ "count": count, "limit": self.limit, "offset": self.offset, name: page })
    }
}

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => a.as_str().cmp(&b.as_str()),
    }
}

/// A condition `{from, to}`, ends included, either may be missing.
struct Range(f64, f64);

impl Range {
    /// Reads a condition; `number` reads its ends.
    fn read(condition: &Value, number: fn(&Value) -> Option<f64>) -> Result<Self, ApiError> {
        let object = condition.as_object().ok_or_else(|| ApiError::new(BAD_PARAMS))?;
        if object.keys().any(|key| key != "from" && key != "to") {
            return Err(ApiError::new(BAD_PARAMS));
        }
        let end = |name: &str, open: f64| match object.get(name) {
            None => Ok(open),
            Some(value) => number(value).ok_or_else(|| ApiError::new(BAD_PARAMS)),
        };
        Ok(Self(end("from", f64::NEG_INFINITY)?, end("to", f64::INFINITY)?))
    }

    fn holds(&self, value: f64) -> bool {
        self.0 <= value && value <= self.1
    }
}

/// Epoch seconds of an ISO 8601 moment.
fn moment(value: &Value) -> Option<f64> {
    value.as_str()?.parse::<Timestamp>().ok().map(|it| it.as_duration().as_secs_f64())
}

/// Whether a text holds a word, whatever the case.
pub(super) fn mentions<'a>(texts: impl IntoIterator<Item = &'a str>, word: &str) -> bool {
    let word = word.to_lowercase();
    texts.into_iter().any(|text| text.to_lowercase().contains(&word))
}

impl Service {
    pub(super) fn query_records(&mut self, call: &Call<'_>) -> CallResult {
        const KEYS: [&str; 7] = [
            "title",
            "description",
            "startDatetime",
            "modifiedDatetime",
            "duration",
            "subjectName",
            "applicationId",
        ];
        let page = Page::read(call, &KEYS)?;
        let mut found = Vec::new();
        for record in self.records.iter().filter(|record| record.app == call.app) {
            if self.matches(record, call)? {
                found.push(record);
            }
        }
        let count = found.len();
        let found = page.of(found, |record, key| match key {
            "title" => json!(record.title),
            "description" => json!(record.description),
            "startDatetime" => json!(record.start),
            "modifiedDatetime" => json!(record.modified),
            "duration" => json!(record.duration(call.now)),
            "subjectName" => json!(record.subject),
            _ => json!(record.app_id),
        });
        let objects = found.into_iter().map(|record| {
            let mut object = record.to_json(&self.clock);
            if call.flag("includeMarkers") {
                let markers = record.markers.iter().map(|marker| marker.to_json(&self.clock));
                object["markers"] = markers.collect();
            }
            if call.flag("includeSyncStatusInfo") {
                object["syncStatus"] = json!({ "status": "neverUploaded" });
            }
            object
        });
        Ok(page.to_json("records", count, &objects.collect::<Vec<_>>()))
    }

    /// Whether a record meets every condition of a query.
    fn matches(&self, record: &StoredRecord, call: &Call<'_>) -> Result<bool, ApiError> {
        let conditions = call.get("query").and_then(Value::as_object).into_iter().flatten();
        for (name, condition) in conditions {
            let text = || condition.as_str().ok_or_else(|| ApiError::new(BAD_PARAMS));
            let within = |time: f64| {
                Ok::<_, ApiError>(Range::read(condition, moment)?.holds(self.clock.epoch(time)))
            };
            let met = match name.as_str() {
                "licenseId" => text()? == LICENSE_ID,
                "applicationId" => text()? == record.app_id,
                "keyword" => {
                    let subject = record.subject.as_deref().unwrap_or_default();
                    mentions([record.title.as_str(), &record.description, subject], text()?)
                }
                "startDatetime" => within(record.start)?,
                "modifiedDatetime" => within(record.modified)?,
                "duration" => {
                    Range::read(condition, Value::as_f64)?.holds(record.duration(call.now))
                }
                _ => return Err(ApiError::new(BAD_PARAMS)),
            };
            if !met {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
