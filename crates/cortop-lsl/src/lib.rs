//! Lab Streaming Layer: streams of samples between the programs of a laboratory, in the protocol
//! 1.10 that liblsl has used since version 1.10, without unsafe code.
//!
//! An [`Outlet`] serves a stream to any number of receivers; all outlets of a program share one
//! [`Server`], which answers programs that look for streams. An [`Inlet`] finds a stream and
//! receives it. Both stay within a [`Network`], which is this machine unless configured otherwise.
//!
//! ```
//! use std::time::Duration;
//! use cortop_lsl::{ChannelFormat, ChannelValues, Element, Inlet, InletEvent, Network, Outlet, Server};
//! use cortop_lsl::{StreamInfo, local_clock};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Ports of its own, so that nothing but this example takes part.
//! let network = Network { discovery_port: 26_571, ports: 26_572..=26_580, ..Network::loopback() };
//! let server = Server::start(network.clone())?;
//! let outlet = Outlet::new(&server, StreamInfo {
//!     name: "buttons".to_owned(),
//!     content: "Markers".to_owned(),
//!     channels: 1,
//!     nominal_rate: 0.0,
//!     format: ChannelFormat::String,
//!     source_id: "buttons of this example".to_owned(),
//!     description: Element::new("desc"),
//! })?;
//!
//! let mut inlet = Inlet::spawn(network, "name='buttons'".to_owned(), 16);
//! while let Some(event) = inlet.events.recv().await {
//!     match event {
//!         InletEvent::Connected(_) => {
//!             outlet.push_texts(local_clock(), &["pressed"])?;
//!             outlet.flush();
//!         }
//!         InletEvent::Sample { time, values, .. } => {
//!             assert_eq!(values, ChannelValues::Texts(vec!["pressed".to_owned()]));
//!             assert!((local_clock() - time).abs() < 5.0);
//!             break;
//!         }
//!         InletEvent::Lost(why) => panic!("{why}"),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Inside
//! ```text
//! outlet    a stream over TCP: requests, samples to each receiver    queue, codec, published
//! server    queries and time over UDP for all outlets                query, published
//! inlet     receives a stream, compares clocks, finds it again       resolve, codec
//! info      a stream and where it is served, as XML                  element
//! network   addresses, ports, sockets
//! clock     the machine's monotonic clock in seconds
//! ```
//!
//! Not supported: IPv6, and the binary format of protocol 1.00, which liblsl before 1.10 (2013)
//! requires.

mod clock;
mod codec;
mod element;
#[cfg(fuzzing)]
pub mod fuzzing;
mod info;
mod inlet;
mod network;
mod outlet;
mod published;
mod query;
mod queue;
mod resolve;
mod server;

pub use clock::{at as clock_at, local_clock};
pub use codec::ChannelValues;
pub use element::Element;
pub use info::{ChannelFormat, FoundStream, OutletInfo, StreamInfo};
pub use inlet::{Inlet, InletEvent};
pub use network::Network;
pub use outlet::{Outlet, WrongShape};
pub use query::Query;
pub use resolve::resolve;
pub use server::Server;
