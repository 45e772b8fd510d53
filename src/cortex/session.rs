//! The session object (§4.2): the link between an application and a headset.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Headset, SessionId};

/// A session with its eleven documented fields (§4.2); every member is optional on the wire.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Session {
    /// The id of this session, `sid` in its samples.
    pub id: SessionId,
    /// Opened, activated or closed.
    pub status: SessionStatus,
    /// The `EmotivID` of the user.
    pub owner: String,
    /// The id of the licence it uses; empty if it was not activated.
    pub license: String,
    /// The id of the Cortex application that created it.
    pub app_id: String,
    /// When it was created, ISO 8601 with offset.
    pub started: String,
    /// When it was closed; empty while it lives.
    pub stopped: String,
    /// The streams subscribed to, by name.
    pub streams: Vec<String>,
    /// The ids of the records it created.
    pub record_ids: Vec<String>,
    /// Whether a record is running now.
    pub recording: bool,
    /// The headset it is linked to.
    pub headset: Headset,
    /// Members this program does not know, kept as they came.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The status of a session object. The words of requests (`open`, `active`, `close`) differ (§2.7).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum SessionStatus {
    /// Works, and no licence is debited.
    #[default]
    Opened,
    /// A licence is debited; `eeg` and fast `met` are to be had.
    Activated,
    /// Gone; it cannot be used any more.
    Closed,
    /// A word this program does not know.
    Other(String),
}

impl From<String> for SessionStatus {
    fn from(text: String) -> Self {
        match text.as_str() {
            "opened" => Self::Opened,
            "activated" => Self::Activated,
            "closed" => Self::Closed,
            _ => Self::Other(text),
        }
    }
}

impl From<SessionStatus> for String {
    fn from(status: SessionStatus) -> Self {
        status.to_string()
    }
}

impl fmt::Display for SessionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Opened => "opened",
            Self::Activated => "activated",
            Self::Closed => "closed",
            Self::Other(text) => text,
        })
    }
}
