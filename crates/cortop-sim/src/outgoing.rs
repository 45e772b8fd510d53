//! What leaves the service for its clients, before it is known how and through which socket.

use std::{fmt, sync::Arc};

/// Something for one client.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    pub(super) body: Payload,
    pub(super) when: Delivery,
}

/// What a text frame holds.
#[derive(Clone, Debug)]
pub(super) enum Payload {
    /// As it should be.
    Text(String),
    /// Not checked to be UTF-8.
    Bytes(Vec<u8>),
    /// Takes long to make: not on the loop that serves all clients.
    Made(Deferred),
}

/// Makes a text.
#[derive(Clone)]
pub(super) struct Deferred(Arc<dyn Fn() -> String + Send + Sync>);

impl Deferred {
    pub(super) fn new(make: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }

    pub(super) fn done(&self) -> String {
        (self.0)()
    }
}

impl fmt::Debug for Deferred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Work")
    }
}

/// When it leaves.
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
    pub(super) what: NotificationKind,
}

/// What happens.
#[derive(Clone, Debug)]
pub(super) enum NotificationKind {
    /// A message.
    Say(Payload),
    /// The end of the connection, with a close frame or without.
    HangUp { close: bool },
}

impl Outgoing {
    pub(super) fn now(text: String) -> Self {
        Self { body: Payload::Text(text), when: Delivery::Now }
    }

    #[cfg(test)]
    pub(super) fn text(&self) -> &str {
        match &self.body {
            Payload::Text(text) => text,
            _ => "",
        }
    }
}

#[cfg(test)]
impl Payload {
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Made(work) => work.done(),
            Self::Bytes(_) => String::new(),
        }
    }
}
