//! The messages of the EMOTIV Cortex service: the JSON-RPC envelope, the objects, the samples, and
//! what the codes mean. No I/O, no runtime, and no knowledge of how a client uses them. Begin with
//! [`envelope`], which every message passes through, and [`Error`], in which every refusal ends.
//!
//! ```text
//! envelope   distinguishes the four kinds of message           scan    a sample of numbers, in one pass
//! columns    pairs values with their labels                   values  the values of one sample
//! method     the methods of the API        code       what errors and warnings mean, and what to do
//! stream     the nine data streams         model      the headset models
//! error      the error type of the workspace       unavailable   why a stream is refused
//! tolerant   reads objects member by member, however malformed: headset, session, record, marker, …
//! sanitize   makes texts from the wire safe   secrets       hides credentials
//! nearest_name  the name that was probably meant by a misspelt one
//! sample     what the socket's reader hands on: columns first, then samples
//! ```
//! Section numbers in these docs (`§2.7`) refer to `docs/protocol.md`; what it marks as inferred is
//! marked so here.

pub mod account;
pub mod code;
pub mod columns;
pub mod datetime;
pub mod envelope;
pub mod error;
pub mod headset;
pub mod id;
pub mod mapping;
pub mod marker;
pub mod method;
pub mod metric;
pub mod model;
pub mod nearest_name;
pub mod profile;
pub mod record;
pub mod sample;
pub mod sanitize;
mod scan;
pub mod secrets;
pub mod session;
pub mod settings;
pub mod stream;
pub mod tolerant;
pub mod unavailable;
pub mod values;
pub mod warning;
pub mod wire;

pub use code::ErrorKind;
pub use columns::Columns;
pub use error::{Error, ErrorSubject};
pub use headset::Headset;
pub use id::{HeadsetId, MarkerId, RecordId, SessionId};
pub use marker::Marker;
pub use method::Method;
pub use profile::Profile;
pub use record::{Record, RecordEvent};
pub use sample::{Feed, Sample, SamplePool, SessionMarker, Subscription};
pub use session::Session;
pub use stream::Stream;
pub use tolerant::MAX_RATE_HZ;
pub use warning::Warning;
