//! Errors as Cortex sends them (§6.1): a code and a text.

use std::fmt;

use cortop_protocol::code::error;
use serde_json::{Value, json};

/// The result of a method.
pub(super) type CallResult = Result<Value, ApiError>;

/// The error of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiError {
    pub(super) code: i64,
    pub(super) message: String,
}

/// The texts of the codes: Cortex's own if the reference quotes it, otherwise the code's meaning.
#[rustfmt::skip]
const TEXTS: &[(i64, &str)] = &[
    (error::PARSE_ERROR, "Parse error."),
    (error::INVALID_REQUEST, "Invalid Request."),
    (error::METHOD_NOT_FOUND, "Method not found."),
    (error::INVALID_PARAMS, "Invalid Parameters."),
    (error::INTERNAL_ERROR, "Internal error."),
    (error::CLOUD_FAILED, "The EMOTIV cloud has failed."),
    (error::NO_HEADSET, "No headset is connected."),
    (error::UNKNOWN_LICENCE, "Invalid License Key."),
    (error::NO_INTERNET, "There is no connection to the internet."),
    (error::HEADSET_UNAVAILABLE, "The headset is currently not available."),
    (error::SESSION_EXISTS, "A session for this headset already exists."),
    (error::LICENCE_NEEDED, "A paid licence is needed to activate a session."),
    (error::NO_SESSION, "The session does not exist."),
    (error::NOT_ACTIVATED, "The session must be activated."),
    (error::INVALID_TOKEN, "The Cortex token is invalid."),
    (error::TOKEN_EXPIRED, "The Cortex token has expired."),
    (error::STREAM_UNAVAILABLE, "The stream is unavailable or unsupported."),
    (error::NO_ACTIVATION, "Session limit on this device has been reached."),
    (error::WRONG_CREDENTIALS, "The client id or the client secret is wrong."),
    (error::TOO_MANY_COMPUTERS, "The licence is used on too many computers."),
    (error::LICENCE_EXPIRED, "The licence has expired."),
    (error::LICENCE_OF_OTHER_APP, "The application may not use this licence."),
    (error::NOT_LOGGED_IN, "Nobody is logged in."),
    (error::TOKEN_OF_OTHER_USER, "The Cortex token belongs to another user."),
    (error::PROFILE_OF_OTHER_APP, "The profile is loaded by another application."),
    (error::NOT_APPROVED, "You have no access rights to the Application."),
    (error::CORTEX_STARTING, "Cortex is starting."),
    (error::PROFILE_LOADED, "A profile is already loaded for this headset. You must unload it first."),
    (error::CLOUD_TOKEN_REFRESHING, "The cloud token is being refreshed."),
    (error::TOKEN_OF_OTHER_APP, "The Cortex token belongs to another application."),
    (error::NO_STREAM_DATA, "The record has no data of this stream."),
    (error::UNPUBLISHED_APP, "The application is not published."),
    (error::RECORD_CORRUPTED, "The record is corrupted."),
    (error::HEADSET_NOT_READY, "The headset is not ready."),
    (error::AUTHORIZE_AGAIN, "The application must authorize again."),
    (error::NO_DOWNLOAD, "The record cannot be downloaded."),
    (error::PROFILE_OF_OTHER_MODEL, "The profile was trained on another headset model."),
    (error::HEADSET_NOT_LICENSED, "The licence does not cover this type of headset."),
    (error::EEG_NOT_LICENSED, "EEG of this headset needs a licence."),
];

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.message)
    }
}

impl ApiError {
    /// An error with the code's usual text.
    pub(super) fn new(code: i64) -> Self {
        let text = TEXTS.iter().find(|(known, _)| *known == code);
        Self::with_message(code, text.map_or("The request is refused.", |(_, text)| *text))
    }

    /// An error with a text of its own, for codes with several meanings.
    pub(super) fn with_message(code: i64, message: &str) -> Self {
        Self { code, message: message.to_owned() }
    }

    /// A bad parameter, or an error whose code is not published (§6.1); the text says which.
    pub(super) fn invalid(message: &str) -> Self {
        Self::with_message(error::INVALID_PARAMS, message)
    }

    /// An entry of a list of failures: what failed, and why.
    pub(super) fn failure(&self, key: &str, name: &str) -> Value {
        json!({ "code": self.code, "message": self.message, key: name })
    }

    /// The `error` member of an answer.
    pub(super) fn to_json(&self) -> Value {
        json!({ "code": self.code, "message": self.message })
    }
}
