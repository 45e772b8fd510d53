//! Queries of records and subjects: conditions, order and paging (§3.4, §3.6).

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{api_error::ApiError, call::Call};
use cortop_protocol::code::error::INVALID_PARAMS;

/// The order, and the part of the results.
pub(super) struct PageQuery {
    order: Vec<(String, bool)>,
    limit: usize,
    offset: usize,
}

impl PageQuery {
    /// Parses `orderBy`, `limit` and `offset`; each entry of the first has one of the `keys`.
    pub(super) fn read(call: &Call<'_>, keys: &[&str]) -> Result<Self, ApiError> {
        let mut order = Vec::new();
        for entry in call.list("orderBy") {
            let mut members = entry.as_object().into_iter().flatten();
            let (Some((key, way)), None) = (members.next(), members.next()) else {
                return Err(ApiError::new(INVALID_PARAMS));
            };
            let down = match way.as_str() {
                Some("ASC") => false,
                Some("DESC") => true,
                _ => return Err(ApiError::new(INVALID_PARAMS)),
            };
            if !keys.contains(&key.as_str()) {
                return Err(ApiError::new(INVALID_PARAMS));
            }
            order.push((key.clone(), down));
        }
        let size = |name| usize::try_from(call.count(name)).unwrap_or(usize::MAX);
        Ok(Self { order, limit: size("limit"), offset: size("offset") })
    }

    /// The requested part of the results, in order. A limit of 0 means all.
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

    /// The answer to a query; `count` is the total number of results.
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

/// A condition `{from, to}`, both inclusive and optional.
pub(super) struct RangeCondition(f64, f64);

impl RangeCondition {
    /// Parses a condition; `number` parses its limits.
    pub(super) fn read(
        condition: &Value,
        number: fn(&Value) -> Option<f64>,
    ) -> Result<Self, ApiError> {
        let object = condition.as_object().ok_or_else(|| ApiError::new(INVALID_PARAMS))?;
        if object.keys().any(|key| key != "from" && key != "to") {
            return Err(ApiError::new(INVALID_PARAMS));
        }
        let end = |name: &str, open: f64| match object.get(name) {
            None => Ok(open),
            Some(value) => number(value).ok_or_else(|| ApiError::new(INVALID_PARAMS)),
        };
        Ok(Self(end("from", f64::NEG_INFINITY)?, end("to", f64::INFINITY)?))
    }

    pub(super) fn holds(&self, value: f64) -> bool {
        self.0 <= value && value <= self.1
    }
}

/// Epoch seconds of an ISO 8601 moment.
pub(super) fn moment(value: &Value) -> Option<f64> {
    value.as_str()?.parse::<Timestamp>().ok().map(|it| it.as_duration().as_secs_f64())
}

/// Whether a text contains a word, ignoring case.
pub(super) fn mentions<'a>(texts: impl IntoIterator<Item = &'a str>, word: &str) -> bool {
    let word = word.to_lowercase();
    texts.into_iter().any(|text| text.to_lowercase().contains(&word))
}
