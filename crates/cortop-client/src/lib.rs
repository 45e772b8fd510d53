//! A client of the EMOTIV Cortex service: connection, sign-in, headsets, sessions, records,
//! markers.
//!
//! A [`Client`] runs on the current tokio runtime. It connects, signs in, opens a session on a
//! headset and subscribes, and restores all of it after a loss, until it is [quit](Client::quit).
//! The application sends it [`Command`]s and receives [`Event`]s; samples bypass the events in a
//! bounded queue of their own, [`feed()`]. Begin with the example below, then read
//! [`ClientConfig`], [`Command`] and [`Event`].
//!
//! ```
//! use cortop_client::{
//!     Client, ClientConfig, ConnectionStep, Event, Feed, Link, Stream, feed, model::Model,
//! };
//! use cortop_sim::{Options, Sim};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A simulated service with one EPOC X. Without `url`, the client connects to the one of this
//! // computer.
//! let sim = Sim::start(Options::demo(Model::EpocX, 1, 7)).await?;
//! let config = ClientConfig::new("client id", "client secret")
//!     .url(sim.url())
//!     .streams([Stream::Eeg]);
//! config.check()?;
//!
//! let (samples, mut feed) = feed();
//! let mut client = Client::spawn(config, samples);
//! while let Some(event) = client.events.recv().await {
//!     match event {
//!         Event::Link(Link::Up { step: ConnectionStep::Streaming, .. }) => break,
//!         // What happened, what it means, and what to do about it.
//!         Event::Refused(error) => eprintln!("{error}"),
//!         _ => {}
//!     }
//! }
//! while let Some(item) = feed.queue.recv().await {
//!     if let Feed::Sample(sample) = item {
//!         assert_eq!(sample.subscription.stream, Stream::Eeg);
//!         assert!(sample.text.contains("\"eeg\":["));
//!         break;
//!     }
//! }
//! client.quit().await;
//! # Ok(())
//! # }
//! ```
//!
//! # What is stable
//! [`Client`], [`ClientConfig`], [`Error`] and the names of [`Method`] and [`code`] follow semantic
//! versioning. [`Command`] and [`Event`] get new variants with new features: match them with a `_`
//! arm. The objects of [`cortop_protocol`], all of which is re-exported here, gain fields as Cortex
//! does.
//!
//! # Inside
//! ```text
//! client           connects and reconnects; owns the state        config, command, event
//!  ├─ socket       name → TCP → TLS → WebSocket                   endpoint, tls
//!  ├─ connection   one connection: starts and ends the tasks; its commands
//!  │   ├─ sign_in  token                                          login, approval, agreement, token
//!  │   ├─ poller   scanner  clock_sync                            polling and periodic work
//!  │   ├─ headset_task                                            one per headset: holds a session
//!  │   │   └─ connect_headset  open_session
//!  │   └─ headsets  records  markers  profiles                    commands that take time
//!  ├─ context      what the tasks of a connection share           event_sender, rpc
//!  ├─ link         owns the socket: requests, answers, samples    rpc, stream_table, subscribe, repeat_counter
//!  └─ state        outlives a connection                          user_account, credentials, record_log, clock
//! feed             the queue of samples
//! tap              observes what crosses the sockets            link
//! interpreter      events and samples from captured traffic     stream_table, subscribe
//! transport        for programs that only pass bytes through    endpoint, socket
//! timer            coinciding deadlines
//! ```
//! Section numbers in these docs (`§2.7`) refer to `docs/protocol.md`; what it marks as inferred is
//! marked so here.

pub mod certificate;
mod client;
mod clock;
mod clock_sync;
mod command;
mod config;
mod connect_headset;
mod connection;
mod context;
mod credentials;
mod endpoint;
mod event;
mod event_sender;
mod feed;
mod headset_task;
mod headsets;
mod interpreter;
mod link;
mod markers;
mod open_session;
mod poller;
mod profiles;
mod record_log;
mod records;
mod repeat_counter;
mod rpc;
mod scanner;
mod sign_in;
mod socket;
mod state;
mod stream_table;
mod subscribe;
pub mod tap;
pub mod timer;
mod tls;
mod token;
pub mod transport;
mod user_account;

pub use client::Client;
pub use clock::ClockOffset;
pub use command::{
    Command, CommandId, HeadsetCommand, MarkerCommand, Moment, ProfileCommand, RecordCommand,
};
pub use config::{ClientConfig, DEFAULT_URL, SessionMode, SessionPolicy};
pub use cortop_protocol::{secrets::HIDDEN, *};
pub use credentials::{Credentials, CredentialsReader};
pub use event::{ConnectionStep, Event, Link, SCAN, Security};
pub use feed::{FeedReceiver, FeedSender, feed};
pub use interpreter::{Interpreted, Interpreter};
pub use open_session::{FOREIGN_SESSION, FOREIGN_SESSION_NEXT};
