//! The station beside the monitor: what it publishes to a broker for a lab on another computer, and
//! whether it can.

use super::{App, Severity};

/// How a station stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StationStatus {
    /// Its name.
    pub name: String,
    /// Whether it publishes.
    pub link: StationLink,
    /// Events and answers that were dropped, as too many waited for the broker.
    pub dropped: u64,
}

/// How far a station's connection to its broker is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StationLink {
    /// On its way for the first time.
    Connecting,
    /// It publishes.
    Online,
    /// It does not, and tries again: why.
    Offline(String),
}

impl App {
    /// The station has begun, or stands otherwise than before.
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
