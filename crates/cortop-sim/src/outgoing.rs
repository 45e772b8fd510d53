//! What the service sends to its clients, before it is decided how and through which socket.

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

/// The content of a text frame.
#[derive(Clone, Debug)]
pub(super) enum Payload {
    Text(String),
    /// Not checked to be valid UTF-8.
    Bytes(Vec<u8>),
    /// The answer to a request with this id, whose result takes long to compute: not on the loop
    /// that serves all clients.
    Deferred(RequestId, Deferred),
}

/// The id of a request as written: clients may use numbers of any size and precision.
#[derive(Clone, Debug)]
pub(super) struct RequestId(Box<RawValue>);

impl RequestId {
    /// The id of a request; `null` if none can be read.
    pub(super) fn read(request: &str) -> Self {
        /// The part of a request that is parsed.
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

/// Computes the result of a request.
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
    /// Its text, including that of a deferred one; empty if the bytes are not text.
    #[cfg(test)]
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Deferred(id, result) => reply(&id, Ok(result.run())),
            Self::Bytes(_) => String::new(),
        }
    }
}

/// When a message is sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Delivery {
    Now,
    /// At a service time.
    At(f64),
    /// After the next message that is sent at once, but no later than at this service time.
    AfterNext(f64),
}

/// An unsolicited message or event for clients.
#[derive(Clone, Debug)]
pub(super) struct Notification {
    /// The client; `None`: all clients.
    pub(super) client: Option<u64>,
    pub(super) event: ClientEvent,
}

/// What happens to a client.
#[derive(Clone, Debug)]
pub(super) enum ClientEvent {
    Message(Payload),
    /// The end of the connection, with or without a close frame.
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

/// To be sent at once.
impl From<Payload> for Outgoing {
    fn from(payload: Payload) -> Self {
        Self { payload, delivery: Delivery::Now }
    }
}

/// The text of an answer. Members are in alphabetical order, as Cortex prints them (§1.3).
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
