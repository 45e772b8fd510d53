//! What leaves the service for its clients, before it is known how and through which socket.

use std::{fmt, sync::Arc};

/// Something for one client.
#[derive(Clone, Debug)]
pub(super) struct Out {
    pub(super) body: Body,
    pub(super) when: When,
}

/// What a text frame holds.
#[derive(Clone, Debug)]
pub(super) enum Body {
    /// As it should be.
    Text(String),
    /// Not checked to be UTF-8.
    Bytes(Vec<u8>),
    /// Takes long to make: not on the loop that serves all clients.
    Made(Work),
}

/// Makes a text.
#[derive(Clone)]
pub(super) struct Work(Arc<dyn Fn() -> String + Send + Sync>);

impl Work {
    pub(super) fn new(make: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }

    pub(super) fn done(&self) -> String {
        (self.0)()
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Work")
    }
}

/// When it leaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum When {
    Now,
    /// At a service time.
    At(f64),
    /// After the next one that leaves at once, at this service time at the latest.
    AfterNext(f64),
}

/// Something that happens to clients unasked.
#[derive(Clone, Debug)]
pub(super) struct News {
    /// To which; `None`: to all.
    pub(super) client: Option<u64>,
    pub(super) what: What,
}

/// What happens.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// A message.
    Say(Body),
    /// The end of the connection, with a close frame or without.
    HangUp { close: bool },
}

impl Out {
    pub(super) fn now(text: String) -> Self {
        Self { body: Body::Text(text), when: When::Now }
    }

    #[cfg(test)]
    pub(super) fn text(&self) -> &str {
        match &self.body {
            Body::Text(text) => text,
            _ => "",
        }
    }
}

#[cfg(test)]
impl Body {
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Made(work) => work.done(),
            Self::Bytes(_) => String::new(),
        }
    }
}
