//! What all areas of the service share: the time, new ids, scheduled events, and unsolicited
//! messages to clients. Independent of the areas.

use cortop_protocol::{SessionId, settings::Setting};
use serde_json::Value;

use super::{
    clock::Clock,
    ids::Ids,
    options::Delays,
    outgoing::{self, ClientEvent, Notification, Payload},
};

/// Passed to every method in addition to its area.
pub(super) struct Environment {
    pub(super) clock: Clock,
    pub(super) delays: Delays,
    pub(super) ids: Ids,
    schedule: Vec<(f64, ScheduledEvent)>,
    notifications: Vec<Notification>,
}

/// An event that happens some time after it was requested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ScheduledEvent {
    /// The user approves an application, by client id.
    Approval(String),
    /// A scan for headsets ends.
    ScanEnd,
    /// A headset, by its index in the list, is connected.
    Connected(usize),
    /// A headset is disconnected on request.
    Disconnected(usize),
    /// A headset has been silent for too long.
    Silence(usize),
    /// A headset cannot be connected; with the warning's code as the reason.
    ConnectionFailed(usize, i64),
    /// A headset's settings have changed, or could not be changed, with the code of the warning.
    SettingsUpdated(usize, Result<Setting, i64>),
    /// The post-processing of a record ends, by its id.
    RecordProcessed(String),
    /// A session's training ends.
    TrainingEnd(SessionId),
    /// The profiles of a closed connection are unloaded.
    ProfilesAbandoned(u64),
}

impl Environment {
    pub(super) fn new(clock: Clock, delays: Delays, ids: Ids) -> Self {
        Self { clock, delays, ids, schedule: Vec::new(), notifications: Vec::new() }
    }

    /// Schedules an event; replaces the same event if it is already scheduled.
    pub(super) fn schedule(&mut self, time: f64, event: ScheduledEvent) {
        self.cancel(&event);
        self.schedule.push((time, event));
    }

    /// Cancels a scheduled event.
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

    /// Queues a notification.
    pub(super) fn notify(&mut self, notification: Notification) {
        self.notifications.push(notification);
    }

    /// Takes the notifications that have not been delivered yet.
    pub(super) fn take_notifications(&mut self) -> Vec<Notification> {
        std::mem::take(&mut self.notifications)
    }
}
