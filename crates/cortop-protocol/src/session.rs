//! The session object (§4.2): the link between an application and a headset.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    Headset, SessionId,
    tolerant::{self, Members},
};

/// A session with its eleven documented fields (§4.2); every member is optional on the wire.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "Value")]
pub struct Session {
    /// The session's id, `sid` in its samples.
    pub id: SessionId,
    /// Opened, activated or closed.
    #[serde(skip_serializing_if = "SessionStatus::is_unknown")]
    pub status: SessionStatus,
    /// The `EmotivID` of the user; `None` if Cortex did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The id of the licence it uses; empty if it was not activated, `None` if Cortex did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// The id of the Cortex application that created it; `None` if Cortex did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// When it was created, ISO 8601 with offset; `None` if Cortex did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
    /// When it was closed; empty while it is open, `None` if Cortex did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// The streams subscribed to, by name; `None` if Cortex did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub streams: Option<Vec<String>>,
    /// The ids of the records it created; `None` if Cortex did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_ids: Option<Vec<String>>,
    /// Whether a record is running now; `None` if Cortex did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recording: Option<bool>,
    /// The headset it is linked to.
    pub headset: Headset,
    /// Unknown members, kept as received.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Session {
    /// Parses a session object.
    ///
    /// # Errors
    /// The text is not JSON; the error names line and column. JSON of any other shape gives a
    /// session with whatever was found in it.
    pub fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        tolerant::parse(json)
    }

    /// Updates the session from the object that came with its end; members missing there stay
    /// unchanged.
    pub fn end_with(&mut self, last: Self) {
        fn take<T: Default + PartialEq>(own: &mut T, last: T) {
            if last != T::default() {
                *own = last;
            }
        }
        let Self { id: _, status, owner, license, app_id, .. } = last;
        take(&mut self.status, status);
        take(&mut self.owner, owner);
        take(&mut self.license, license);
        take(&mut self.app_id, app_id);
        take(&mut self.started, last.started);
        take(&mut self.stopped, last.stopped);
        take(&mut self.streams, last.streams);
        take(&mut self.record_ids, last.record_ids);
        take(&mut self.recording, last.recording);
        take(&mut self.headset, last.headset);
        self.other.extend(last.other);
    }
}

impl From<Value> for Session {
    fn from(value: Value) -> Self {
        let mut members = Members::of("session", value);
        Self {
            id: members.text("id").into(),
            status: members.optional_text("status").map_or_else(SessionStatus::default, Into::into),
            owner: members.optional_text("owner"),
            license: members.optional_text("license"),
            app_id: members.optional_text("appId"),
            started: members.optional_text("started"),
            stopped: members.optional_text("stopped"),
            streams: members.optional_texts("streams"),
            record_ids: members.optional_texts("recordIds"),
            recording: members.optional_flag("recording"),
            headset: members.object("headset"),
            other: members.rest(),
        }
    }
}

/// The status of a session object. The values in requests (`open`, `active`, `close`) differ
/// (§2.7).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum SessionStatus {
    /// Cortex did not say.
    #[default]
    Unknown,
    /// Running without a debited licence.
    Opened,
    /// A licence is debited; `eeg` and fast `met` are available.
    Activated,
    /// Ended; it can no longer be used.
    Closed,
    /// A status unknown to this program.
    Other(String),
}

impl SessionStatus {
    fn is_unknown(&self) -> bool {
        *self == Self::Unknown
    }
}

impl From<String> for SessionStatus {
    fn from(text: String) -> Self {
        match text.as_str() {
            "" => Self::Unknown,
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
            Self::Unknown => "unknown",
            Self::Opened => "opened",
            Self::Activated => "activated",
            Self::Closed => "closed",
            Self::Other(text) => text,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::headset::HeadsetStatus;

    #[test]
    fn the_documented_example_is_read_in_full() {
        let session =
            Session::from_json(include_str!("../tests/fixtures/session-mended.json")).unwrap();
        assert_eq!(session.id.as_str(), "8bfc26de-754b-4c1f-9771-acfd1a7da02c");
        assert_eq!(session.status, SessionStatus::Opened);
        assert_eq!(session.owner.as_deref(), Some("jon.snow"));
        assert_eq!(session.license.as_deref(), Some(""));
        assert_eq!(session.app_id.as_deref(), Some("com.jon.snow.winterfell-app"));
        assert_eq!(session.started.as_deref(), Some("2019-05-29T14:18:45.108+07:00"));
        assert_eq!(session.stopped.as_deref(), Some(""));
        assert_eq!(session.streams, Some(vec!["met".to_owned(), "mot".to_owned()]));
        assert_eq!(session.record_ids, Some(Vec::new()));
        assert_eq!(session.recording, Some(false));
        assert!(session.other.is_empty());

        let headset = session.headset;
        assert_eq!(headset.id.as_str(), "EPOCPLUS-3B9AXXXX");
        assert_eq!(headset.status, HeadsetStatus::Connected);
        assert_eq!(headset.connected_by, "dongle");
        assert_eq!(headset.dongle, "6ff");
        assert_eq!(headset.firmware, "625");
        assert_eq!(headset.custom_name, "");
        assert_eq!(headset.sensors, crate::model::EPOC_SENSORS);
        assert_eq!(headset.motion_sensors.len(), 9);
        assert_eq!(headset.settings.mode, "EPOCPLUS");
        assert_eq!(headset.settings.eeg_rate, Some(256.0));
        assert_eq!(headset.settings.eeg_res, Some(16.0));
        assert_eq!(headset.settings.mems_rate, Some(64.0));
        assert_eq!(headset.settings.mems_res, Some(16.0));
        assert!(headset.other.is_empty());
    }

    #[test]
    fn the_example_as_printed_is_refused_with_the_place() {
        let error =
            Session::from_json(include_str!("../tests/fixtures/session-printed.json")).unwrap_err();
        assert_eq!((error.line(), error.column()), (11, 9));
        assert!(error.to_string().contains("line 11 column 9"), "{error}");
    }

    #[test]
    fn what_cortex_leaves_out_is_unknown_and_stays_out() {
        let session = Session::from(json!({"id": "s", "owner": "ana", "headset": {}}));
        assert_eq!(session.status, SessionStatus::Unknown);
        assert_eq!((session.license.clone(), session.stopped.clone()), (None, None));
        assert_eq!((session.streams.clone(), session.record_ids.clone()), (None, None));
        assert_eq!(session.recording, None);
        let json = serde_json::to_value(&session).unwrap();
        for name in ["status", "license", "stopped", "streams", "recordIds", "recording"] {
            assert_eq!(json.get(name), None, "{name}");
        }
    }

    #[test]
    fn a_headset_of_the_wrong_type_leaves_the_rest() {
        let session = Session::from(json!({
            "id": "s", "headset": "EPOCX-1", "status": "melted", "recording": 1, "new": {"a": 1}
        }));
        assert_eq!(session.id.as_str(), "s");
        assert_eq!(session.headset, Headset::default());
        assert_eq!(session.status.to_string(), "melted");
        assert_eq!(session.other.get("new"), Some(&json!({"a": 1})));
    }
}
