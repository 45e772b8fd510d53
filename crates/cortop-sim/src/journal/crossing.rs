//! What crosses a client's socket, parsed: requests and their answers, warnings, samples. The
//! common representation between the socket and the observers (the journal's entries, the advice).
//! Independent of both.

use serde_json::{Map, Value};

use crate::outgoing::RequestId;
use cortop_protocol::{
    Method, Warning, sanitize::floor_char_boundary, secrets::Secrets, wire::Side,
};

/// Bytes kept of a method's name.
const LONGEST_NAME: usize = 64;

/// Something that happened between a client and the service.
#[derive(Clone, Debug)]
pub(super) struct Crossing<'a> {
    /// Seconds since the journal began.
    pub(super) at: f64,
    /// The client.
    pub(super) client: u64,
    pub(super) what: CrossingEvent<'a>,
}

/// What happened.
#[derive(Clone, Debug)]
pub(super) enum CrossingEvent<'a> {
    Connected,
    Requested(&'a ClientRequest),
    Answered {
        request: &'a ClientRequest,
        result: Result<&'a Value, &'a Refusal>,
    },
    Warned(&'a Warning),
    /// Samples were sent.
    Sampled,
    /// The client has not read its socket for this many seconds.
    Unread(f64),
    Disconnected(Side),
}

/// A request as received, without its secrets.
#[derive(Clone, Debug)]
pub(super) struct ClientRequest {
    /// Its id as JSON; `null` if there is none.
    pub(super) id: String,
    /// Its method's name; empty if there is none.
    pub(super) name: String,
    /// The method, if it exists in the API.
    pub(super) method: Option<Method>,
    pub(super) params: Map<String, Value>,
    /// What is wrong with the envelope.
    pub(super) fault: Option<&'static str>,
}

impl ClientRequest {
    /// Parses whatever a client sent. Secrets are hidden before anything is truncated: a part of
    /// one would not be recognized.
    pub(super) fn read(text: &str, secrets: &Secrets) -> Self {
        let hidden = serde_json::from_str(text).map(|mut request| {
            secrets.redact(&mut request);
            request
        });
        let (mut request, fault) = match hidden {
            Ok(Value::Object(members)) => (members, None),
            Ok(_) => (Map::new(), Some("is no JSON object")),
            Err(_) => (Map::new(), Some("is no JSON")),
        };
        let name = request.get("method").and_then(Value::as_str).unwrap_or_default();
        let name = name[..floor_char_boundary(name, LONGEST_NAME)].to_owned();
        let params = request.remove("params");
        let version = request.get("jsonrpc").and_then(Value::as_str);
        let fault = fault.or(match (&params, version) {
            _ if name.is_empty() => Some("lacks the member method"),
            (_, None) => Some("lacks the member jsonrpc"),
            (_, Some(version)) if version != "2.0" => Some("has another jsonrpc than \"2.0\""),
            (Some(params), _) if !params.is_object() => Some("has params that are no object"),
            _ => None,
        });
        let params = match params {
            Some(Value::Object(params)) => params,
            _ => Map::new(),
        };
        let id = id_of(request.remove("id"), text);
        Self { id, method: name.parse().ok(), name, params, fault }
    }

    /// A text parameter; empty if missing.
    pub(super) fn text(&self, name: &str) -> &str {
        self.params.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

/// The id of a message as JSON. Whole numbers of more than 64 bits are kept as written: rounding
/// would make them equal to others.
pub(super) fn id_of(id: Option<Value>, message: &str) -> String {
    let id = id.unwrap_or_default();
    let written = id.as_number().filter(|own| own.is_f64()).map(|_| RequestId::read(message));
    let written = written.map(|own| own.to_string());
    let is_whole =
        |own: &String| own.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
    written.filter(is_whole).unwrap_or_else(|| id.to_string())
}

/// The error in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The code (§6.1).
    pub code: i64,
    /// The service's text.
    pub message: String,
}
