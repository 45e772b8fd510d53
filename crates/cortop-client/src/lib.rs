//! The Cortex API: socket, JSON-RPC, objects, codes, and the client that walks from connection to
//! streaming. Knows nothing of decoding or drawing.
//!
//! From the socket upwards: `tls` and `connect` open it, `link` owns it (`message` tells frames
//! apart, `rpc` asks), `client` opens it again when it is lost. `flow` runs over one connection:
//! `sign_in`, `poll` and `scan`, and for each headset a `keeper`, which uses `reach`, `open` and
//! `subscribe`. A `command` that takes time is a task of `devices`, `records`, `markers` or
//! `profiles`; `clock` and `token` keep themselves. `memory` outlives a connection, `context` is what
//! its tasks share. The other files are what the wire carries, read by `lenient`, made harmless by
//! `text` and rid of credentials by `secrets`, and what its codes mean.
//!
//! Sections named in the docs of this room (`§2.7`) are those of the project's protocol reference;
//! what that reference marks as inferred is marked so here.

pub mod account;
pub mod client;
pub mod clock;
pub mod code;
pub mod command;
mod connect;
mod context;
mod devices;
pub mod event;
mod flow;
pub mod headset;
pub mod id;
mod keeper;
mod lenient;
mod link;
pub mod markers;
mod memory;
mod message;
pub mod model;
mod open;
mod poll;
pub mod profiles;
mod reach;
pub mod record;
mod records;
mod rpc;
pub mod sample;
mod scan;
mod secrets;
pub mod session;
pub mod settings;
mod sign_in;
pub mod stream;
mod subscribe;
mod tally;
pub mod text;
pub mod tls;
mod token;
pub mod warning;

pub use client::{Client, Config};
pub use command::{Command, HeadsetCommand, MarkerCommand, Moment, ProfileCommand, RecordCommand};
pub use event::{Cause, Event, Link, Refusal, Security, SessionMode, Step};
pub use headset::Headset;
pub use id::{HeadsetId, MarkerId, RecordId, SessionId};
pub use markers::Marker;
pub use profiles::Profile;
pub use record::{Record, RecordEvent};
pub use sample::{Columns, Feed, Sample, Subscription};
pub use secrets::HIDDEN;
pub use session::Session;
pub use stream::Stream;
pub use warning::Warning;
