//! Stations over MQTT 5. A station is a program beside a Cortex service; it publishes what is known of
//! its headsets to a broker, where any other program reads it. `docs/mqtt.md` is the contract.
//!
//! ```text
//! topic       names of topics, built and read
//! payload     what is published on them: typed, bounded, harmless; schema is its JSON schema
//! publisher   a station's state → the messages that are due         no I/O, no clock
//! broker      where a broker is and how it is trusted               tls
//! connection  one connection to it                                  broker, codec of rumqttc
//! station     publishes while facts come, connects again and again  publisher, connection
//! subscriber  receives all stations, connects again and again       connection
//! book        what a lab knows of them, bounded                     no I/O, no clock
//! ```
//!
//! Nothing here knows Cortex's client: a station is handed facts.

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
