//! A client of the EMOTIV Cortex service: socket, JSON-RPC, and the way from connection to streaming.
//! Knows nothing of decoding or drawing.
//!
//! From the socket upwards: `tls` and `connect` open it, `link` owns it (`rpc` asks), `client` opens
//! it again when it is lost, `feed` carries the samples away. `flow` runs over one connection:
//! `sign_in`, `poll` and `scan`, and for each headset a `keeper`, which uses `reach`, `open` and
//! `subscribe`. A `command` that takes time is a task of `devices`, `records`, `markers` or
//! `profiles`; `clock` and `token` keep themselves. `memory` outlives a connection, `context` is what
//! its tasks share, `secrets` cuts credentials out of what the service echoes.
//!
//! What the wire carries is [`cortop_protocol`], all of which is re-exported here. Sections named in
//! these docs (`§2.7`) are those of `docs/protocol.md`; what it marks as inferred is marked so here.

mod client;
mod clock;
mod command;
mod config;
mod connect_headset;
mod connection;
mod context;
mod endpoint;
mod event;
mod feed;
mod headset_task;
mod headsets;
mod link;
mod markers;
mod open_session;
mod poller;
mod profiles;
mod records;
mod repeat_counter;
mod rpc;
mod scanner;
mod secrets;
mod sign_in;
mod socket;
mod state;
mod subscribe;
pub mod timer;
mod tls;
mod token;

pub use client::Client;
pub use clock::ClockOffset;
pub use command::{
    Command, CommandId, HeadsetCommand, MarkerCommand, Moment, ProfileCommand, RecordCommand,
};
pub use config::{Config, SessionMode, SessionPolicy};
pub use cortop_protocol::*;
pub use event::{Event, Link, SCAN, Security, Step};
pub use feed::{FeedReceiver, FeedSender, feed};
pub use secrets::HIDDEN;
