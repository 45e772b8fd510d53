//! What all areas of the service share: the time, new ids, what is scheduled, and messages that no
//! client has asked for. Knows no area.

use cortop_protocol::{SessionId, settings::Setting};
use serde_json::Value;

use super::{
    clock::Clock,
    ids::Ids,
    options::Delays,
    outgoing::{self, ClientEvent, Notification, Payload},
};

/// Handed to every method beside its area.
pub(super) struct Environment {
    pub(super) clock: Clock,
    pub(super) delays: Delays,
    pub(super) ids: Ids,
    schedule: Vec<(f64, ScheduledEvent)>,
    notifications: Vec<Notification>,
}

/// What happens by itself some time after it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ScheduledEvent {
    /// The user approves an application, by client id.
    Approval(String),
    /// A scan for headsets ends.
    ScanEnd,
    /// A headset, by its place in the list, is connected.
    Connected(usize),
    /// A headset is disconnected on request.
    Disconnected(usize),
    /// A headset has been silent for too long.
    Silence(usize),
    /// A headset cannot be connected, for a reason that is a warning's code.
    ConnectionFailed(usize, i64),
    /// A headset has other settings, or the code of the warning that says why not.
    SettingsUpdated(usize, Result<Setting, i64>),
    /// A record's post-processing ends, by its id.
    RecordProcessed(String),
    /// A session's training ends.
    TrainingEnd(SessionId),
    /// The profiles of a connection that is gone are unloaded.
    ProfilesAbandoned(u64),
}

impl Environment {
    pub(super) fn new(clock: Clock, delays: Delays, ids: Ids) -> Self {
        Self { clock, delays, ids, schedule: Vec::new(), notifications: Vec::new() }
    }

    /// Has something happen at a time; the same event scheduled before is replaced.
    pub(super) fn schedule(&mut self, time: f64, event: ScheduledEvent) {
        self.cancel(&event);
        self.schedule.push((time, event));
    }

    /// Takes a scheduled event back.
    pub(super) fn cancel(&mut self, event: &ScheduledEvent) {
        self.schedule.retain(|(_, scheduled)| scheduled != event);
    }

    /// When the next scheduled event happens.
    pub(super) fn next_event(&self) -> Option<f64> {
        self.schedule.iter().map(|(time, _)| *time).min_by(f64::total_cmp)
    }

    /// Takes the events that are due, in order of time.
    pub(super) fn take_due(&mut self, now: f64) -> Vec<(f64, ScheduledEvent)> {
        self.schedule.sort_by(|a, b| a.0.total_cmp(&b.0));
        let due = self.schedule.partition_point(|(time, _)| *time <= now);
        self.schedule.drain(..due).collect()
    }

    /// Sends a warning to all clients (§6.2).
    pub(super) fn warn(&mut self, code: i64, message: &Value) {
        let text = Payload::Text(outgoing::warning(code, message));
        self.notify(Notification { client: None, event: ClientEvent::Message(text) });
    }

    /// Has something happen to clients.
    pub(super) fn notify(&mut self, notification: Notification) {
        self.notifications.push(notification);
    }

    /// Takes what has been sent and not been delivered yet.
    pub(super) fn take_notifications(&mut self) -> Vec<Notification> {
        std::mem::take(&mut self.notifications)
    }
}
