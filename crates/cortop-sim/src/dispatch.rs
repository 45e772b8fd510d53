//! From the text of a request to the text of its answer (§1.3): the envelope, and what all methods
//! share. Which methods there are stands in `methods`, what they do in the file of their area.

use serde_json::{Map, Value, json};

use super::{
    methods,
    outgoing::{Deferred, Payload},
    refusal::{ApiError, BAD_REQUEST, CallResult, NOT_JSON, UNKNOWN_METHOD},
    service::Service,
};

/// A checked request.
pub(super) struct Call<'a> {
    /// Which connection asks.
    pub(super) connection: u64,
    /// Service time in seconds.
    pub(super) now: f64,
    /// The application behind the token; empty for methods without one.
    pub(super) app: String,
    params: &'a Map<String, Value>,
}

impl Call<'_> {
    /// A parameter, or `None` if it was left out.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.params.get(name)
    }

    /// A text parameter, empty when left out.
    pub(super) fn text(&self, name: &str) -> &str {
        self.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// A text parameter that may be left out.
    pub(super) fn maybe_text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// A number parameter, 0 when left out.
    pub(super) fn number(&self, name: &str) -> f64 {
        self.get(name).and_then(Value::as_f64).unwrap_or_default()
    }

    /// A whole number parameter, 0 when left out.
    pub(super) fn count(&self, name: &str) -> u32 {
        let count = self.get(name).and_then(Value::as_u64).unwrap_or_default();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// A flag, not set when left out.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    /// The texts of a list parameter.
    pub(super) fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }
}

impl Service {
    /// Answers one message of a client.
    pub(super) fn answer(&mut self, connection: u64, now: f64, text: &str) -> Payload {
        let request = serde_json::from_str(text);
        let mut method = "";
        let (id, answer) = match &request {
            Err(_) => (Value::Null, Err(ApiError::new(NOT_JSON))),
            Ok(Value::Object(request)) => {
                let id = request.get("id").cloned().unwrap_or_default();
                method = request.get("method").and_then(Value::as_str).unwrap_or_default();
                (id, self.run(connection, now, request))
            }
            Ok(_) => (Value::Null, Err(ApiError::new(BAD_REQUEST))),
        };
        // Neither parameters nor results: they may hold secrets and tokens.
        let outcome = answer.as_ref().map_or_else(ApiError::to_string, |_| "ok".to_owned());
        tracing::debug!("client {connection}: {method:.40}: {outcome}");
        match self.export.take() {
            Some(export) => Payload::Made(Deferred::new(move || reply(&id, Ok(export.write())))),
            None => Payload::Text(reply(&id, answer)),
        }
    }

    fn run(&mut self, connection: u64, now: f64, request: &Map<String, Value>) -> CallResult {
        let none = Map::new();
        let name = request.get("method").and_then(Value::as_str);
        let version = request.get("jsonrpc").and_then(Value::as_str);
        let params = request.get("params").map_or(Some(&none), Value::as_object);
        let (Some(name), Some("2.0"), Some(params)) = (name, version, params) else {
            return Err(ApiError::new(BAD_REQUEST));
        };
        let method = methods::named(name).ok_or_else(|| ApiError::new(UNKNOWN_METHOD))?;
        method.check(params)?;
        let mut call = Call { connection, now, app: String::new(), params };
        if let Some(pass) = method.pass() {
            call.app = self.admit(call.text(methods::TOKEN), pass, now)?;
        }
        (method.run)(self, &call)
    }
}

/// The text of an answer. Members come out in alphabetical order, as Cortex prints them (§1.3).
pub(super) fn reply(id: &Value, answer: CallResult) -> String {
    match answer {
        Ok(result) => json!({ "id": id, "jsonrpc": "2.0", "result": result }),
        Err(refusal) => json!({ "error": refusal.to_json(), "id": id, "jsonrpc": "2.0" }),
    }
    .to_string()
}
