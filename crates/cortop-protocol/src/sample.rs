//! What the reader hands to the decoder: the columns of each subscription first, then its samples
//! as the text that came from the wire. Nothing is parsed here.

use std::{sync::Arc, time::Instant};

use bytestring::ByteString;
use serde::{Deserialize, Serialize};

use crate::{HeadsetId, SessionId, Stream};

/// One label of a stream, or a group of labels for a nested array of values (`dev`, §5.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Column {
    /// The label of one value. `MARKERS` is one label whose value is an array (§5.2).
    One(String),
    /// The labels of an array of values in this place.
    Group(Vec<String>),
}

/// The columns of one subscription: the only authority for meaning and order of its values (§2.8).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns(pub Vec<Column>);

impl Columns {
    /// All labels in order, those of groups in their place.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .flat_map(|column| match column {
                Column::One(label) => std::slice::from_ref(label),
                Column::Group(labels) => labels,
            })
            .map(String::as_str)
    }
}

/// A stream of a session that Cortex has agreed to send.
#[derive(Clone, Debug, PartialEq)]
pub struct Subscription {
    /// Whose session.
    pub session: SessionId,
    /// The headset behind the session.
    pub headset: HeadsetId,
    /// Which stream.
    pub stream: Stream,
    /// Its columns.
    pub columns: Columns,
    /// Samples a second expected (§5.1); `None` for events and where nobody told.
    pub nominal_rate: Option<f64>,
}

/// One sample as it came from the wire, not yet parsed.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The subscription it belongs to, with its columns.
    pub subscription: Arc<Subscription>,
    /// The whole message: `{"eeg":[…],"sid":"…","time":…}`.
    pub text: ByteString,
    /// When the reader took it from the socket.
    pub received: Instant,
}

impl Sample {
    /// Its `time` in epoch seconds (§5). Parses the message: not for every one.
    #[must_use]
    pub fn time(&self) -> Option<f64> {
        #[derive(Deserialize)]
        struct Stamp {
            time: f64,
        }
        serde_json::from_str::<Stamp>(&self.text).ok().map(|stamp| stamp.time)
    }
}

/// What flows from the reader to the decoder, in order.
#[derive(Clone, Debug)]
pub enum Feed {
    /// A subscription came into force, or its columns were replaced.
    Subscribed(Arc<Subscription>),
    /// A sample of a subscription in force.
    Sample(Sample),
    /// Cortex has set a marker of ours, which only the `eeg` stream shows (§5.2).
    Marker {
        /// In the record of this session.
        session: SessionId,
        /// Epoch seconds, as the `time` of samples.
        time: f64,
        /// What it says.
        text: String,
    },
    /// A stream of a session was unsubscribed.
    Unsubscribed(SessionId, Stream),
    /// A session is gone with all its streams (closed, or the socket was lost).
    Ended(SessionId),
}
