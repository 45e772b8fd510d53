//! The service, shared by its connections, its acceptor and its control handle. The lock is held
//! for one call at a time and never across an await.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    sync::{broadcast, watch},
    time::Instant,
};

use super::{journal::Journal, outgoing::Notification, service::Service};

/// How many notifications may wait for a connection; a slower one loses the oldest.
const MAX_NOTIFICATIONS: usize = 64;

/// A handle on the service; cheap to clone.
#[derive(Clone)]
pub(super) struct SharedService {
    service: Arc<Mutex<Service>>,
    notifications: broadcast::Sender<Notification>,
    changed: watch::Sender<()>,
    ending: watch::Sender<bool>,
    /// The journal of what clients do.
    pub(super) journal: Journal,
}

impl fmt::Debug for SharedService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The service contains tokens, so nothing of it is printed.
        f.debug_struct("SharedService").finish_non_exhaustive()
    }
}

impl SharedService {
    pub(super) fn new(service: Service) -> Self {
        let journal = Journal::new();
        let seen = service.headsets.0.iter().filter(|own| !own.is_off());
        journal.has_headsets(seen.map(|own| &own.id));
        Self {
            service: Arc::new(Mutex::new(service)),
            notifications: broadcast::Sender::new(MAX_NOTIFICATIONS),
            changed: watch::Sender::new(()),
            ending: watch::Sender::new(false),
            journal,
        }
    }

    /// Calls `act` at the current time, then wakes everything that may be affected.
    pub(super) fn update<T>(&self, act: impl FnOnce(&mut Service, f64) -> T) -> T {
        let done = self.with(act);
        self.changed.send_replace(());
        done
    }

    /// Like [`update`](Self::update), for calls that affect nobody else: wakes nobody, unless a
    /// scheduled event happened first, after which a connection may have something to send.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut Service, f64) -> T) -> T {
        let mut service = self.service.lock().unwrap_or_else(PoisonError::into_inner);
        let now = service.env.clock.now();
        if service.advance(now) {
            self.changed.send_replace(());
        }
        let done = act(&mut service, now);
        for injection in service.faults.take_begun() {
            self.journal.injected(injection);
        }
        for notification in service.env.take_notifications() {
            // Without connections, nobody receives it.
            let _ = self.notifications.send(notification);
        }
        done
    }

    /// Closes all connections.
    pub(super) fn end(&self) {
        self.ending.send_replace(true);
        self.changed.send_replace(());
    }

    /// Whether all connections should close.
    pub(super) fn is_ending(&self) -> bool {
        *self.ending.borrow()
    }

    /// The moment of the next scheduled event.
    pub(super) fn next_event(&self) -> Option<Instant> {
        self.with(|service, _| service.next_event().map(|time| service.env.clock.instant(time)))
    }

    /// Receives what happens to clients from now on.
    pub(super) fn notifications(&self) -> broadcast::Receiver<Notification> {
        self.notifications.subscribe()
    }

    /// Signals changes from now on.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}
