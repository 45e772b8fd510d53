//! What crosses a socket, for observers: whole messages and control frames, with sender and time.
//! Knows nothing about their content.

use jiff::Timestamp;

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The client.
    Client,
    /// The service.
    Service,
}

impl Side {
    /// As a word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Service => "service",
        }
    }

    /// The side denoted by a word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Client, Self::Service].into_iter().find(|side| side.name() == name)
    }
}

/// A message or a control frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WireMessage<'a> {
    /// A text message, as nearly all are.
    Text(&'a str),
    /// A binary message, by its length in bytes.
    Binary(usize),
    /// A ping, by its length in bytes.
    Ping(usize),
    /// A pong, by its length in bytes.
    Pong(usize),
    /// A close frame.
    Close {
        /// The close code.
        code: Option<u16>,
        /// The close reason.
        reason: &'a str,
    },
    /// A message too long to be read, by its length in bytes.
    TooLong(u64),
    /// From here on the data is not valid WebSocket.
    Unreadable,
}

/// Something that crossed a connection, or the connection's start or end.
#[derive(Clone, Debug, PartialEq)]
pub struct WireEvent<'a> {
    /// When the observer received it.
    pub at: Timestamp,
    /// Whether it crossed before the observer started; `at` is the original time.
    pub recalled: bool,
    /// The connection, counted from 1.
    pub connection: u64,
    /// The event.
    pub kind: WireEventKind<'a>,
}

/// The kind of a [`WireEvent`].
#[derive(Clone, Debug, PartialEq)]
pub enum WireEventKind<'a> {
    /// The connection began.
    Connected,
    /// A message crossed.
    Message {
        /// Who sent it.
        from: Side,
        /// The message.
        message: WireMessage<'a>,
    },
    /// The connection ended.
    Disconnected {
        /// Who ended it.
        by: Side,
    },
}
