//! Stations over MQTT 5. A station is a program on the computer of a Cortex service. It publishes what is
//! known about its headsets to a broker, from which any other program can read it. `docs/mqtt.md` is the
//! contract.
//!
//! ```text
//! topic       builds and parses the names of topics
//! payload     the payloads: typed, bounded, harmless; schema is their JSON schema
//! publisher   a station's state → the messages that are due         no I/O, no clock
//! broker      a broker's address, account and trust                 tls
//! connection  one connection to a broker                            broker, codec of rumqttc
//! station     publishes facts, reconnects                           publisher, connection
//! subscriber  receives the messages of all stations, reconnects     connection
//! book        what a lab knows about all stations, bounded          no I/O, no clock
//! ```
//!
//! This crate does not know the Cortex client: its user passes facts to a station.

pub mod book;
mod broker;
mod connection;
pub mod payload;
mod publisher;
mod schema;
mod station;
mod subscriber;
mod tls;
pub mod topic;

pub use broker::{Broker, BrokerAccount, BrokerUser, ClientCertificate, check_address};
pub use payload::Text;
pub use schema::schema;
pub use station::{StationFact, StationReport, StationSettings, StationTask};
pub use subscriber::{LabNotice, Subscriber};
pub use topic::{StationName, Topic};
