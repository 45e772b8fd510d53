//! An entry of the journal, and its JSON form. Secrets are removed before an entry is made.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{advice::Advice, crossing::Refusal};
use cortop_protocol::{HeadsetId, SessionId, Stream, wire::Side};

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The number of the entry, counted from 1.
    pub number: u64,
    /// Seconds since the journal began, by the machine's clock, not the service's.
    pub at: f64,
    /// The client, numbered from 1 in order of connection; 0 if the entry concerns all.
    pub client: u64,
    /// What happened.
    pub event: JournalEvent,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum JournalEvent {
    /// A client has connected.
    Connected,
    /// A client sent a request.
    Request {
        /// The number of the request, counted from 1 per client.
        request: u64,
        /// The method's name.
        method: String,
        /// Its subject: headset, session, status, streams.
        subject: String,
    },
    /// The answer to a request.
    Answer {
        /// The number of the request.
        request: u64,
        /// Its method's name.
        method: String,
        /// The subject of the request.
        subject: String,
        /// The error, if the request was refused.
        refusal: Option<Refusal>,
        /// Seconds since the request.
        took: f64,
    },
    /// A warning was sent.
    Warning {
        /// The code (§6.2).
        code: i64,
        /// Its text.
        text: String,
    },
    /// A session was created.
    SessionOpened {
        /// Its id.
        session: SessionId,
        /// The headset.
        headset: HeadsetId,
        /// `opened` or `activated`.
        status: String,
    },
    /// A session has ended.
    SessionClosed {
        /// Its id.
        session: SessionId,
        /// How it ended.
        end: SessionEnd,
    },
    /// Streams of a session are being sent from now on.
    Subscribed {
        /// The session.
        session: SessionId,
        /// The streams.
        streams: Vec<String>,
    },
    /// A stream was refused within a successful answer.
    StreamRefused {
        /// The stream.
        stream: String,
        /// Why.
        refusal: Refusal,
    },
    /// Streams of a session are no longer sent.
    Unsubscribed {
        /// The session.
        session: SessionId,
        /// The streams.
        streams: Vec<String>,
    },
    /// Samples since the client's last entry of this kind.
    Samples {
        /// Samples sent, by stream.
        sent: BTreeMap<String, u64>,
        /// Samples dropped because the client did not read.
        dropped: u64,
    },
    /// The client has not read its socket for some time.
    Unread {
        /// Seconds.
        seconds: f64,
    },
    /// A client could not connect.
    HandshakeFailed {
        /// Why, and what to do.
        text: String,
    },
    /// A fault was injected.
    Fault {
        /// The fault, as a scenario spells it.
        fault: String,
        /// The only headset affected, if restricted.
        headset: Option<HeadsetId>,
        /// The only stream affected, if restricted.
        stream: Option<Stream>,
    },
    /// A protocol mistake.
    Advice(Advice),
    /// A connection has ended.
    Disconnected {
        /// Who closed it.
        by: Side,
    },
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEnd {
    /// `updateSession` with `close`.
    Closed,
    /// The service closed it (warning 1).
    ByService,
    /// Its connection ended.
    Disconnected,
}

impl Entry {
    /// The entry as a flat JSON object; `time` is an ISO date made by the journal.
    #[must_use]
    pub fn to_json(&self, time: &str) -> Value {
        let refusal =
            |refusal: &Refusal| json!({ "code": refusal.code, "message": refusal.message });
        let ms = |seconds: f64| (seconds * 1e6).round() / 1e3;
        let (event, members) = match &self.event {
            JournalEvent::Connected => ("connected", json!({})),
            JournalEvent::Request { request, method, subject } => {
                ("request", json!({ "method": method, "request": request, "subject": subject }))
            }
            JournalEvent::Answer { request, method, subject, refusal: None, took } => (
                "answer",
                json!({ "method": method, "ms": ms(*took), "ok": true, "request": request, "subject": subject }),
            ),
            JournalEvent::Answer { request, method, subject, refusal: Some(error), took } => (
                "answer",
                json!({ "error": refusal(error), "method": method, "ms": ms(*took), "ok": false, "request": request, "subject": subject }),
            ),
            JournalEvent::Warning { code, text } => {
                ("warning", json!({ "code": code, "text": text }))
            }
            JournalEvent::SessionOpened { session, headset, status } => (
                "session-opened",
                json!({ "headset": headset, "session": session, "status": status }),
            ),
            JournalEvent::SessionClosed { session, end } => {
                ("session-closed", json!({ "by": end.name(), "session": session }))
            }
            JournalEvent::Subscribed { session, streams } => {
                ("subscribed", json!({ "session": session, "streams": streams }))
            }
            JournalEvent::StreamRefused { stream, refusal: error } => {
                ("stream-refused", json!({ "error": refusal(error), "stream": stream }))
            }
            JournalEvent::Unsubscribed { session, streams } => {
                ("unsubscribed", json!({ "session": session, "streams": streams }))
            }
            JournalEvent::Samples { sent, dropped } => {
                ("samples", json!({ "dropped": dropped, "sent": sent }))
            }
            JournalEvent::Unread { seconds } => ("unread", json!({ "seconds": seconds })),
            JournalEvent::HandshakeFailed { text } => ("handshake-failed", json!({ "text": text })),
            JournalEvent::Fault { fault, headset, stream } => {
                let mut members = json!({ "fault": fault });
                if let Some(headset) = headset {
                    members["headset"] = json!(headset);
                }
                if let Some(stream) = stream {
                    members["stream"] = stream.name().into();
                }
                ("fault", members)
            }
            JournalEvent::Advice(advice) => (
                "advice",
                json!({
                    "mistake": advice.mistake.name(),
                    "reference": advice.mistake.reference(),
                    "text": advice.text,
                }),
            ),
            JournalEvent::Disconnected { by } => ("disconnected", json!({ "by": by.name() })),
        };
        let mut object = Map::new();
        if self.client > 0 {
            object.insert("client".to_owned(), self.client.into());
        }
        object.insert("event".to_owned(), event.into());
        object.insert("time".to_owned(), time.into());
        if let Value::Object(members) = members {
            object.extend(members);
        }
        Value::Object(object)
    }
}

impl SessionEnd {
    /// As a word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "client",
            Self::ByService => "service",
            Self::Disconnected => "disconnect",
        }
    }
}
