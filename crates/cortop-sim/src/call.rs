//! A checked request, as methods receive it (§1.3).

use serde_json::{Map, Value};

/// A request whose parameters have been checked and whose token has been admitted.
pub(super) struct Call<'a> {
    /// The connection that sent it.
    pub(super) connection: u64,
    /// Service time in seconds.
    pub(super) now: f64,
    /// The application behind the token; empty for methods without one.
    pub(super) app: String,
    pub(super) params: &'a Map<String, Value>,
}

impl<'a> Call<'a> {
    /// A parameter; `None` if omitted.
    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.params.get(name)
    }

    /// A text parameter; empty if omitted.
    pub(super) fn text(&self, name: &str) -> &'a str {
        self.optional_text(name).unwrap_or_default()
    }

    /// An optional text parameter.
    pub(super) fn optional_text(&self, name: &str) -> Option<&'a str> {
        self.get(name).and_then(Value::as_str)
    }

    /// A number parameter; 0 if omitted.
    pub(super) fn number(&self, name: &str) -> f64 {
        self.get(name).and_then(Value::as_f64).unwrap_or_default()
    }

    /// A whole-number parameter; 0 if omitted.
    pub(super) fn count(&self, name: &str) -> u32 {
        let count = self.get(name).and_then(Value::as_u64).unwrap_or_default();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// A flag; `false` if omitted.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    /// The items of a list parameter.
    pub(super) fn list(&self, name: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.get(name).and_then(Value::as_array).into_iter().flatten()
    }

    /// The texts in a list parameter.
    pub(super) fn texts(&self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.list(name).filter_map(Value::as_str)
    }
}
