//! Errors as Cortex answers them (§6.1): a code and a text.

use std::fmt;

use serde_json::{Value, json};

/// What a method returns.
pub(super) type Answer = Result<Value, Refusal>;

/// A refused request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: i64,
    pub(super) message: String,
}

pub(super) const NOT_JSON: i64 = -32700;
pub(super) const BAD_REQUEST: i64 = -32600;
pub(super) const UNKNOWN_METHOD: i64 = -32601;
pub(super) const BAD_PARAMS: i64 = -32602;
pub(super) const NO_HEADSET: i64 = -32001;
pub(super) const HEADSET_UNAVAILABLE: i64 = -32004;
pub(super) const SESSION_EXISTS: i64 = -32005;
pub(super) const NO_SESSION: i64 = -32007;
pub(super) const BAD_TOKEN: i64 = -32014;
pub(super) const STREAM_UNAVAILABLE: i64 = -32016;
pub(super) const NO_QUOTA: i64 = -32019;
pub(super) const NO_ACCESS: i64 = -32102;
pub(super) const TOKEN_OF_ANOTHER: i64 = -32135;
pub(super) const HEADSET_NOT_READY: i64 = -32152;

/// The texts of the codes: quoted from the wire where the reference quotes one, its meaning else.
const TEXTS: [(i64, &str); 20] = [
    (NOT_JSON, "Parse error."),
    (BAD_REQUEST, "Invalid Request."),
    (UNKNOWN_METHOD, "Method not found."),
    (BAD_PARAMS, "Invalid Parameters."),
    (-32603, "Internal error."),
    (NO_HEADSET, "No headset is connected."),
    (-32002, "Invalid License Key."),
    (HEADSET_UNAVAILABLE, "The headset is currently not available."),
    (SESSION_EXISTS, "A session for this headset already exists."),
    (NO_SESSION, "The session does not exist."),
    (BAD_TOKEN, "The Cortex token is invalid."),
    (-32015, "The Cortex token has expired."),
    (STREAM_UNAVAILABLE, "The stream is unavailable or unsupported."),
    (NO_QUOTA, "Session limit on this device has been reached."),
    (-32021, "The client id or the client secret is wrong."),
    (-32033, "Nobody is logged in."),
    (NO_ACCESS, "You have no access rights to the Application."),
    (-32127, "A profile is already loaded for this headset. You must unload it first."),
    (TOKEN_OF_ANOTHER, "The Cortex token belongs to another application."),
    (HEADSET_NOT_READY, "The headset is not ready."),
];

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.message)
    }
}

impl Refusal {
    /// With the code's usual text.
    pub(super) fn new(code: i64) -> Self {
        let text = TEXTS.iter().find(|(known, _)| *known == code);
        Self { code, message: text.map_or("The request is refused.", |(_, text)| *text).to_owned() }
    }

    /// The `error` member of an answer.
    pub(super) fn to_json(&self) -> Value {
        json!({ "code": self.code, "message": self.message })
    }
}
