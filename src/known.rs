//! What the client has reported about headsets and sessions, for those that publish it. Derived from its
//! events only, without queries.

use std::collections::{BTreeMap, BTreeSet};

use cortop_client::{
    ClockOffset, Event, Headset, HeadsetId, Link, RecordEvent, Session, SessionId,
    session::SessionStatus,
};

/// The current state.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) is_connected: bool,
    /// The state of the connection in words.
    pub(crate) connection: String,
    /// Whether an attempt to connect has failed since the last connection.
    pub(crate) is_down: bool,
    pub(crate) headsets: Vec<Headset>,
    /// The headsets listed before the connection was lost, until they are listed again.
    pub(crate) before: Vec<Headset>,
    /// The offsets of the headsets' clocks from ours.
    pub(crate) clocks: BTreeMap<HeadsetId, ClockOffset>,
    /// Live sessions of this application.
    pub(crate) sessions: Vec<Session>,
    /// The sessions in which a record is running.
    pub(crate) recorded: BTreeSet<SessionId>,
}

impl Known {
    /// Handles an event of the client.
    pub(crate) fn on_event(&mut self, event: &Event) {
        match event {
            Event::Link(Link::Up { step, .. }) => {
                (self.is_connected, self.is_down) = (true, false);
                self.connection = step.to_string();
            }
            Event::Link(link) => {
                let connection = match link {
                    Link::Waiting { error, .. } => error.message().to_owned(),
                    _ if self.is_down => std::mem::take(&mut self.connection),
                    _ => "connecting".to_owned(),
                };
                let is_down = self.is_down || matches!(link, Link::Waiting { .. });
                let before = if self.headsets.is_empty() {
                    std::mem::take(&mut self.before)
                } else {
                    std::mem::take(&mut self.headsets)
                };
                // Everything else is known only while the service is connected.
                *self = Self { connection, is_down, before, ..Self::default() };
            }
            Event::Headsets(headsets) => {
                self.headsets.clone_from(headsets);
                self.before.clear();
            }
            Event::Clock { headset, clock } => {
                self.clocks.insert(headset.clone(), *clock);
            }
            Event::Sessions(sessions) => self.sessions.clone_from(sessions),
            Event::Session(session) => {
                let place = self.sessions.iter().position(|own| own.id == session.id);
                match place {
                    Some(place) => self.sessions[place].clone_from(session),
                    None => self.sessions.push(session.clone()),
                }
            }
            Event::Closed { session, .. } => {
                self.sessions.retain(|own| own.id != *session);
                self.recorded.remove(session);
            }
            Event::Record(RecordEvent::Started { session, .. }) => {
                self.recorded.insert(session.clone());
            }
            Event::Record(
                RecordEvent::Ended { session, .. } | RecordEvent::OutOfSight { session, .. },
            ) => {
                self.recorded.remove(session);
            }
            _ => {}
        }
    }

    /// The live session on a headset.
    pub(crate) fn session_on(&self, headset: &HeadsetId) -> Option<&Session> {
        let is_live = |own: &&Session| own.status != SessionStatus::Closed;
        self.sessions.iter().filter(is_live).find(|own| own.headset.id == *headset)
    }

    /// Whether a record is running in a session.
    pub(crate) fn is_recorded(&self, session: &Session) -> bool {
        self.recorded.contains(&session.id) || session.recording == Some(true)
    }
}
