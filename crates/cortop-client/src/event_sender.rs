//! Sends events to the application, and logs each on its way.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::mpsc, time::timeout};

use super::{CommandId, Event};
use cortop_protocol::{Error, HeadsetId, SessionId, secrets::Secrets};

/// How long an event may wait for the application before it is dropped.
const EVENT: Duration = Duration::from_secs(1);

/// Sessions whose headsets are remembered for the log.
const SESSIONS: usize = 256;

/// The sending end of the application's event queue.
#[derive(Clone)]
pub(super) struct EventSender {
    events: mpsc::Sender<Event>,
    /// What no log line may contain.
    pub(super) secrets: Secrets,
    /// The headset of each session, so that each line of the log can name it.
    headsets: Arc<Mutex<BTreeMap<SessionId, HeadsetId>>>,
}

impl EventSender {
    pub(super) fn new(events: mpsc::Sender<Event>) -> Self {
        Self { events, secrets: Secrets::default(), headsets: Arc::default() }
    }

    /// The log prefix that names the headset of the session that an event is about.
    fn of(&self, event: &Event) -> String {
        let mut headsets = self.headsets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Event::Session(session) = event
            && !session.headset.id.as_str().is_empty()
        {
            if headsets.len() >= SESSIONS && !headsets.contains_key(&session.id) {
                headsets.pop_first();
            }
            headsets.insert(session.id.clone(), session.headset.id.clone());
        }
        let headset = event.session().and_then(|session| headsets.get(session));
        headset.map_or_else(String::new, |headset| format!("{headset}: "))
    }

    /// Sends an event. Waits for room, but not forever: an application that waits for the client to
    /// end without reading events must not block it.
    pub(super) async fn send(&self, event: Event) {
        event.log(&self.of(&event), &self.secrets);
        if timeout(EVENT, self.events.send(event)).await.is_err() {
            tracing::warn!("the application does not read its events: one was dropped");
        }
    }

    pub(super) async fn send_error(&self, refusal: Error) {
        self.send(Event::Refused(refusal)).await;
    }

    /// Reports how a command ended: under its id if it has one, otherwise only if it was refused.
    pub(super) async fn send_outcome(
        &self,
        command: Option<CommandId>,
        outcome: Result<(), Error>,
    ) {
        match (command, outcome) {
            (Some(command), outcome) => self.send(Event::Outcome { command, outcome }).await,
            (None, Err(refusal)) => self.send_error(refusal).await,
            (None, Ok(())) => {}
        }
    }
}
