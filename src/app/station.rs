//! The station that runs with the monitor: what it publishes to a broker for a lab on another computer, and
//! whether it can.

use super::{App, Severity};

/// The status of a station.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StationStatus {
    /// Its name.
    pub name: String,
    /// Its connection to the broker.
    pub link: StationLink,
    /// Events and answers dropped because too many were waiting for the broker.
    pub dropped: u64,
}

/// The state of a station's connection to its broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StationLink {
    /// Connecting for the first time.
    Connecting,
    /// Publishing.
    Online,
    /// Not publishing, and why; the station retries.
    Offline(String),
}

impl App {
    /// The station has started, or its status has changed.
    pub(super) fn on_station(&mut self, status: StationStatus) {
        let is_new = self.station.as_ref().is_none_or(|before| before.link != status.link);
        if let (StationLink::Offline(why), true) = (&status.link, is_new) {
            tracing::warn!("the station {} does not publish: {why}", status.name);
            self.notify(Severity::Problem, format!("not published over MQTT: {why}"));
        }
        let was_offline =
            self.station.as_ref().is_some_and(|own| matches!(own.link, StationLink::Offline(_)));
        if was_offline && status.link == StationLink::Online {
            tracing::info!("the station {} publishes again", status.name);
            self.notify(Severity::Info, "published over MQTT again".to_owned());
        }
        self.station = Some(status);
    }
}
