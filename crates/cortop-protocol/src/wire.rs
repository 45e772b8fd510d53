//! What crosses a socket, for those who look on: whole messages and frames of their own, with who sent
//! them and when. Knows nothing of what they say.

use jiff::Timestamp;

/// An end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The client.
    Client,
    /// The service.
    Service,
}

impl Side {
    /// In a word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Service => "service",
        }
    }

    /// The side behind a word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Client, Self::Service].into_iter().find(|side| side.name() == name)
    }
}

/// A message, or a frame of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WireMessage<'a> {
    /// A text, as nearly all are.
    Text(&'a str),
    /// Bytes, by their number.
    Binary(usize),
    /// A ping, by the number of its bytes.
    Ping(usize),
    /// Its answer, by the same.
    Pong(usize),
    /// The end of the connection.
    Close {
        /// Why, as a number.
        code: Option<u16>,
        /// Why, in words.
        reason: &'a str,
    },
    /// A message too long to be read.
    TooLong(u64),
    /// No WebSocket from here on.
    Unreadable,
}

/// Something that crossed, or the beginning or end of what it crosses.
#[derive(Clone, Debug, PartialEq)]
pub struct WireEvent<'a> {
    /// When it arrived at whoever looks on.
    pub at: Timestamp,
    /// It crossed before whoever looks on began to: `at` is when.
    pub recalled: bool,
    /// Which connection, counted from 1.
    pub connection: u64,
    /// What.
    pub kind: WireEventKind<'a>,
}

/// What a [`WireEvent`] is.
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
