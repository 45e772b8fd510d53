//! What leaves the service for its clients, before it is known how and through which socket.

use std::{fmt, sync::Arc};

use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::api_error::CallResult;

/// A message for one client.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    pub(super) payload: Payload,
    pub(super) delivery: Delivery,
}

/// What a text frame holds.
#[derive(Clone, Debug)]
pub(super) enum Payload {
    Text(String),
    /// Not checked to be UTF-8.
    Bytes(Vec<u8>),
    /// The answer to a request with this id, whose result takes long to make: not on the loop that
    /// serves all clients.
    Deferred(RequestId, Deferred),
}

/// The id of a request, as it was written: numbers of any size and precision are the client's own.
#[derive(Clone, Debug)]
pub(super) struct RequestId(Box<RawValue>);

impl RequestId {
    /// That of a request; `null` where there is none that can be read.
    pub(super) fn read(request: &str) -> Self {
        /// What of a request is read.
        #[derive(Deserialize)]
        struct Request {
            id: Box<RawValue>,
        }
        let id = serde_json::from_str::<Request>(request).map(|request| request.id);
        Self(id.unwrap_or_else(|_| RawValue::NULL.to_owned()))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get())
    }
}

/// Makes the result of a request.
#[derive(Clone)]
pub(super) struct Deferred(Arc<dyn Fn() -> Value + Send + Sync>);

impl Deferred {
    pub(super) fn new(result: impl Fn() -> Value + Send + Sync + 'static) -> Self {
        Self(Arc::new(result))
    }

    pub(super) fn run(&self) -> Value {
        (self.0)()
    }
}

impl fmt::Debug for Deferred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Deferred")
    }
}

impl Payload {
    /// Its text, of a deferred one too; bytes that are no text are none.
    #[cfg(test)]
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Deferred(id, result) => reply(&id, Ok(result.run())),
            Self::Bytes(_) => String::new(),
        }
    }
}

/// When a message leaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Delivery {
    Now,
    /// At a service time.
    At(f64),
    /// After the next one that leaves at once, at this service time at the latest.
    AfterNext(f64),
}

/// Something that happens to clients unasked.
#[derive(Clone, Debug)]
pub(super) struct Notification {
    /// To which; `None`: to all.
    pub(super) client: Option<u64>,
    pub(super) event: ClientEvent,
}

/// What happens to a client.
#[derive(Clone, Debug)]
pub(super) enum ClientEvent {
    Message(Payload),
    /// The end of the connection, with a close frame or without.
    Disconnect {
        close: bool,
    },
}

impl Outgoing {
    pub(super) fn now(text: String) -> Self {
        Payload::Text(text).into()
    }

    #[cfg(test)]
    pub(super) fn text(&self) -> &str {
        match &self.payload {
            Payload::Text(text) => text,
            _ => "",
        }
    }
}

/// To leave at once.
impl From<Payload> for Outgoing {
    fn from(payload: Payload) -> Self {
        Self { payload, delivery: Delivery::Now }
    }
}

/// The text of an answer. Members come out in alphabetical order, as Cortex prints them (§1.3).
pub(super) fn reply(RequestId(id): &RequestId, result: CallResult) -> String {
    match result {
        Ok(result) => format!("{{\"id\":{id},\"jsonrpc\":\"2.0\",\"result\":{result}}}"),
        Err(error) => format!("{{\"error\":{},\"id\":{id},\"jsonrpc\":\"2.0\"}}", error.to_json()),
    }
}

/// The text of a warning (§6.2).
pub(super) fn warning(code: i64, message: &Value) -> String {
    json!({ "jsonrpc": "2.0", "warning": { "code": code, "message": message } }).to_string()
}
