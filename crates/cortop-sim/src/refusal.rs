//! Errors as Cortex answers them (§6.1): a code and a text.

use std::fmt;

use serde_json::{Value, json};

/// What a method returns.
pub(super) type CallResult = Result<Value, ApiError>;

/// A refused request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiError {
    pub(super) code: i64,
    pub(super) message: String,
}

pub(super) const NOT_JSON: i64 = -32700;
pub(super) const BAD_REQUEST: i64 = -32600;
pub(super) const UNKNOWN_METHOD: i64 = -32601;
/// Also what is refused with a code that nobody has published: the text tells the cases apart.
pub(super) const BAD_PARAMS: i64 = -32602;
pub(super) const INTERNAL: i64 = -32603;
pub(super) const NO_HEADSET: i64 = -32001;
pub(super) const UNKNOWN_LICENCE: i64 = -32002;
pub(super) const HEADSET_UNAVAILABLE: i64 = -32004;
pub(super) const SESSION_EXISTS: i64 = -32005;
pub(super) const NO_SESSION: i64 = -32007;
pub(super) const NOT_ACTIVATED: i64 = -32012;
pub(super) const BAD_TOKEN: i64 = -32014;
pub(super) const TOKEN_EXPIRED: i64 = -32015;
pub(super) const STREAM_UNAVAILABLE: i64 = -32016;
pub(super) const NO_QUOTA: i64 = -32019;
pub(super) const BAD_KEYS: i64 = -32021;
pub(super) const LICENCE_EXPIRED: i64 = -32024;
pub(super) const NO_LOGIN: i64 = -32033;
pub(super) const TOKEN_OF_ANOTHER_USER: i64 = -32034;
pub(super) const PROFILE_OF_ANOTHER: i64 = -32046;
pub(super) const NO_ACCESS: i64 = -32102;
pub(super) const PROFILE_LOADED: i64 = -32127;
pub(super) const TOKEN_OF_ANOTHER: i64 = -32135;
pub(super) const NO_SUCH_DATA: i64 = -32138;
pub(super) const HEADSET_NOT_READY: i64 = -32152;
pub(super) const NO_DOWNLOAD: i64 = -32186;
pub(super) const PROFILE_MISFIT: i64 = -32226;

/// The texts of the codes: quoted from the wire where the reference quotes one, its meaning else.
#[rustfmt::skip]
const TEXTS: &[(i64, &str)] = &[
    (NOT_JSON, "Parse error."),
    (BAD_REQUEST, "Invalid Request."),
    (UNKNOWN_METHOD, "Method not found."),
    (BAD_PARAMS, "Invalid Parameters."),
    (INTERNAL, "Internal error."),
    (-32000, "The EMOTIV cloud has failed."),
    (NO_HEADSET, "No headset is connected."),
    (UNKNOWN_LICENCE, "Invalid License Key."),
    (-32003, "There is no connection to the internet."),
    (HEADSET_UNAVAILABLE, "The headset is currently not available."),
    (SESSION_EXISTS, "A session for this headset already exists."),
    (-32006, "A paid licence is needed to activate a session."),
    (NO_SESSION, "The session does not exist."),
    (NOT_ACTIVATED, "The session must be activated."),
    (BAD_TOKEN, "The Cortex token is invalid."),
    (TOKEN_EXPIRED, "The Cortex token has expired."),
    (STREAM_UNAVAILABLE, "The stream is unavailable or unsupported."),
    (NO_QUOTA, "Session limit on this device has been reached."),
    (BAD_KEYS, "The client id or the client secret is wrong."),
    (-32022, "The licence is used on too many computers."),
    (LICENCE_EXPIRED, "The licence has expired."),
    (-32027, "The application may not use this licence."),
    (NO_LOGIN, "Nobody is logged in."),
    (TOKEN_OF_ANOTHER_USER, "The Cortex token belongs to another user."),
    (PROFILE_OF_ANOTHER, "The profile is loaded by another application."),
    (NO_ACCESS, "You have no access rights to the Application."),
    (-32122, "Cortex is starting."),
    (PROFILE_LOADED, "A profile is already loaded for this headset. You must unload it first."),
    (-32130, "The cloud token is being refreshed."),
    (TOKEN_OF_ANOTHER, "The Cortex token belongs to another application."),
    (NO_SUCH_DATA, "The record has no data of this stream."),
    (-32142, "The application is not published."),
    (-32147, "The record is corrupted."),
    (HEADSET_NOT_READY, "The headset is not ready."),
    (-32170, "The application must authorize again."),
    (NO_DOWNLOAD, "The record cannot be downloaded."),
    (PROFILE_MISFIT, "The profile was trained on another headset model."),
    (-32230, "The licence does not cover this type of headset."),
    (-32232, "EEG of this headset needs a licence."),
];

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.message)
    }
}

impl ApiError {
    /// With the code's usual text.
    pub(super) fn new(code: i64) -> Self {
        let text = TEXTS.iter().find(|(known, _)| *known == code);
        Self { code, message: text.map_or("The request is refused.", |(_, text)| *text).to_owned() }
    }

    /// With a text of its own, where one code stands for several things.
    pub(super) fn told(code: i64, message: &str) -> Self {
        Self { code, message: message.to_owned() }
    }

    /// A bad parameter, or a refusal whose code is not published (§6.1).
    pub(super) fn bad(message: &str) -> Self {
        Self::told(BAD_PARAMS, message)
    }

    /// An entry of a list of failures: what failed, and why.
    pub(super) fn of(&self, key: &str, name: &str) -> Value {
        json!({ "code": self.code, "message": self.message, key: name })
    }

    /// The `error` member of an answer.
    pub(super) fn to_json(&self) -> Value {
        json!({ "code": self.code, "message": self.message })
    }
}
