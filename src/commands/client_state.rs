//! How far a client has come from the address to the samples, and where it is stuck. Knows events only: no
//! clock, no queue, no display.

use std::collections::BTreeMap;

use crate::stage::{Failure, Stage};
use cortop_client::{
    ClockOffset, ConnectionStep, Error, ErrorKind, ErrorSubject, Event, FOREIGN_SESSION,
    FOREIGN_SESSION_NEXT, Headset, HeadsetId, Link, Method, Security, Session, SessionId,
    SessionMode, Stream,
    account::{CortexInfo, Licence, UserLogin},
    nearest_name::nearest_name,
    record::RecordList,
};

/// The state of a client as derived from its events.
#[derive(Debug, Default)]
pub(crate) struct ClientState {
    /// Set once the socket is open.
    pub(crate) security: Option<Security>,
    pub(crate) service: Option<CortexInfo>,
    pub(crate) user: Option<UserLogin>,
    pub(crate) licence: Option<Licence>,
    pub(crate) headsets: Option<Vec<Headset>>,
    /// Whether a scan for headsets has ended.
    pub(crate) scanned: bool,
    pub(crate) session: Option<Opened>,
    /// All sessions of this application.
    pub(crate) sessions: Option<Vec<Session>>,
    pub(crate) records: Option<RecordList>,
    /// Offsets of the headsets' clocks from ours.
    pub(crate) clocks: BTreeMap<HeadsetId, ClockOffset>,
    /// The last refusal; cleared when the client continues.
    refusal: Option<Error>,
    /// The last refusal of each method.
    refused: BTreeMap<Method, Error>,
    step: Option<ConnectionStep>,
    /// Why there is no connection now.
    down: Option<Error>,
}

/// One of our sessions.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    pub(crate) id: SessionId,
    pub(crate) mode: SessionMode,
    pub(crate) why: String,
    pub(crate) subscribed: Option<Subscribed>,
}

/// The answer to `subscribe`.
#[derive(Clone, Debug)]
pub(crate) struct Subscribed {
    pub(crate) streams: Vec<Stream>,
    /// The streams that only another program receives.
    pub(crate) theirs: Vec<Stream>,
    pub(crate) refused: Vec<(Stream, Error)>,
}

impl ClientState {
    /// Handles an event.
    pub(crate) fn on_event(&mut self, event: Event) {
        match event {
            Event::Link(Link::Waiting { error, .. }) => {
                self.down = Some(error);
                (self.step, self.refusal) = (None, None);
            }
            Event::Link(Link::Up { security, step }) => {
                self.security = Some(security);
                self.down = None;
                if !matches!(
                    step,
                    ConnectionStep::Stopped
                        | ConnectionStep::Approval
                        | ConnectionStep::Greeting
                        | ConnectionStep::Choosing
                ) {
                    self.refusal = None;
                }
                self.step = Some(step);
            }
            Event::Service(info) => self.service = Some(info),
            Event::User(user) => self.user = user,
            Event::Licence(licence) => self.licence = Some(licence),
            Event::Headsets(headsets) => self.headsets = Some(headsets),
            Event::Scan(running) => self.scanned |= !running,
            Event::Opened { session, mode, why, .. } => {
                self.session = Some(Opened { id: session, mode, why, subscribed: None });
            }
            Event::Subscribed { session, streams, theirs, refused } => {
                if let Some(opened) = self.session.as_mut().filter(|own| own.id == session) {
                    opened.subscribed = Some(Subscribed { streams, theirs, refused });
                }
            }
            Event::Closed { session, .. } | Event::Released { session, .. } => {
                self.session = self.session.take().filter(|own| own.id != session);
            }
            Event::Refused(refusal) => {
                if let Some(method) = refusal.method {
                    self.refused.insert(method, refusal.clone());
                }
                self.refusal = Some(refusal);
            }
            Event::Sessions(sessions) => self.sessions = Some(sessions),
            Event::Records(records) => self.records = Some(records),
            Event::Clock { headset, clock } => {
                self.clocks.insert(headset, clock);
            }
            // Other events do not affect the progress.
            _ => {}
        }
    }

    /// The progress in a word or two.
    pub(crate) fn describe(&self) -> String {
        match (&self.step, &self.down) {
            (Some(step), _) => step.to_string(),
            (None, Some(error)) => error.to_string(),
            (None, None) => "connecting".to_owned(),
        }
    }

    /// Whether the service is waiting for the user's approval.
    pub(crate) fn is_waiting_for_approval(&self) -> bool {
        self.step == Some(ConnectionStep::Approval)
    }

    /// The refusal of a method, if there was one.
    pub(crate) fn refused(&self, method: Method) -> Option<&Error> {
        self.refused.get(&method)
    }

    /// The refusal to list the headsets, if asking again is no use.
    pub(crate) fn cannot_list_headsets(&self) -> Option<&Error> {
        self.refused(Method::QueryHeadsets).filter(|refusal| !refusal.kind.is_transient())
    }

    /// Whether a user of this account is logged in to Cortex.
    pub(crate) fn is_logged_in(&self) -> bool {
        self.user.as_ref().is_some_and(|user| !user.is_other_os_user())
    }

    /// Whether there are several headsets and none is chosen.
    pub(crate) fn is_choosing(&self) -> bool {
        self.step == Some(ConnectionStep::Choosing)
    }

    /// Whether no headset is in range.
    pub(crate) fn is_searching(&self) -> bool {
        matches!(self.step, Some(ConnectionStep::Searching | ConnectionStep::Missing(_)))
    }

    /// Whether there is a token and the client has moved on to the headsets.
    pub(crate) fn is_signed_in(&self) -> bool {
        self.stage() >= Stage::Headset
    }

    /// The current stage of the client: all earlier stages are done.
    pub(crate) fn stage(&self) -> Stage {
        match self.step {
            None => match &self.down {
                Some(Error { kind: ErrorKind::Tls | ErrorKind::Untrusted, .. }) => Stage::Tls,
                _ => Stage::Service,
            },
            Some(ConnectionStep::Greeting) if self.service.is_none() => Stage::Version,
            Some(ConnectionStep::Greeting) => match &self.refusal {
                Some(refusal) => Stage::of(refusal),
                None => Stage::Login,
            },
            Some(ConnectionStep::Login | ConnectionStep::OtherUser) => Stage::Login,
            Some(ConnectionStep::Approval) => Stage::Approval,
            Some(ConnectionStep::Authorizing | ConnectionStep::Agreement) => Stage::Token,
            Some(ConnectionStep::Stopped) if self.cable().is_some() => Stage::Headset,
            Some(ConnectionStep::Stopped) => {
                self.refusal.as_ref().map_or(Stage::Session, Stage::of)
            }
            Some(
                ConnectionStep::Listing
                | ConnectionStep::Searching
                | ConnectionStep::Choosing
                | ConnectionStep::Missing(_)
                | ConnectionStep::Connecting(_),
            ) => Stage::Headset,
            Some(ConnectionStep::Opening(_)) => Stage::Session,
            Some(ConnectionStep::Streaming | ConnectionStep::Watching) => Stage::Samples,
        }
    }

    /// A failure that only the user can fix.
    pub(crate) fn failure(&self) -> Option<Failure> {
        let stuck = match &self.step {
            None => self.down.as_ref().is_some_and(|error| error.kind != ErrorKind::ConnectionLost),
            Some(ConnectionStep::Approval) => self.refusal.is_some(),
            // The only headset cannot be used.
            Some(ConnectionStep::Choosing) => self.cable().is_some(),
            Some(step) => {
                matches!(
                    step,
                    ConnectionStep::Login
                        | ConnectionStep::OtherUser
                        | ConnectionStep::Agreement
                        | ConnectionStep::Stopped
                )
            }
        };
        stuck.then(|| self.waiting_for())
    }

    /// The same, and also a pending choice between several headsets.
    pub(crate) fn needs_user(&self) -> Option<Failure> {
        let unchosen = self.is_choosing() && self.headsets.is_some();
        self.failure().or_else(|| unchosen.then(|| self.waiting_for()))
    }

    /// What is missing now, whether the client waits for it or the user has to act.
    pub(crate) fn waiting_for(&self) -> Failure {
        let stage = self.stage();
        if let (None, Some(error)) = (&self.step, &self.down) {
            return Failure::refused(stage, error);
        }
        if let Some(refusal) = &self.refusal {
            return Failure::refused(stage, refusal);
        }
        let another = format!("{FOREIGN_SESSION} and has subscribed its streams");
        let (found, next) = match &self.step {
            None | Some(ConnectionStep::Greeting | ConnectionStep::Authorizing) => {
                ("the service does not answer", "restart the Cortex service")
            }
            Some(ConnectionStep::Login) => ("nobody is logged in", "log in with EMOTIV Launcher"),
            Some(ConnectionStep::OtherUser) => (
                "another account of this computer is logged in to Cortex",
                "log out there with EMOTIV Launcher, then log in here",
            ),
            Some(ConnectionStep::Approval) => (
                "cortop has not been approved yet",
                "approve it in EMOTIV Launcher, which asks only once: look under its connected \
                 applications",
            ),
            Some(ConnectionStep::Agreement) => {
                ("the licence agreement has not been accepted", "accept it in EMOTIV Launcher")
            }
            Some(ConnectionStep::Listing) => (
                "Cortex has not listed its headsets yet",
                "wait; if nothing changes, restart the Cortex service",
            ),
            Some(ConnectionStep::Searching) => {
                ("no headset is in reach", "switch the headset on and bring it closer")
            }
            Some(ConnectionStep::Choosing) => return self.choice(),
            Some(ConnectionStep::Missing(id)) => {
                return Failure::new(
                    stage,
                    &self.missing(id),
                    "switch it on and bring it closer, or choose another with --headset",
                );
            }
            Some(ConnectionStep::Connecting(id)) => {
                return Failure::new(
                    stage,
                    &format!("{id} is not connected yet"),
                    "switch it off and on, and bring it closer",
                );
            }
            Some(ConnectionStep::Opening(id)) => {
                return Failure::new(
                    stage,
                    &format!("{id} has no session yet"),
                    "wait a moment and try again",
                );
            }
            Some(ConnectionStep::Streaming) => {
                ("no sample has come", "check that the headset is on and near")
            }
            Some(ConnectionStep::Watching) => (another.as_str(), FOREIGN_SESSION_NEXT),
            Some(ConnectionStep::Stopped) => ("the service refused to continue", "see the log"),
        };
        Failure::new(stage, found, next)
    }

    /// Says that the client waits for the requested headset, although others are in range.
    pub(super) fn waits_for_headset(&self) -> Option<Failure> {
        let Some(ConnectionStep::Missing(id)) = &self.step else { return None };
        let meant = nearest_name(self.ids().map(HeadsetId::as_str), id.as_str());
        let meant = meant.map(|own| format!("; if {own} is meant, give that with --headset"));
        let next = format!(
            "switch it on and bring it closer: it is waited for until Ctrl-C, and --duration begins \
             with its first stream{}",
            meant.unwrap_or_default()
        );
        Some(Failure::new(Stage::Headset, &self.missing(id), &next))
    }

    fn missing(&self, id: &HeadsetId) -> String {
        let ids: Vec<_> = self.ids().map(HeadsetId::as_str).collect();
        format!("{id} is not in reach; in reach: {}", ids.join(", "))
    }

    /// Streams that go to another program with the same client id.
    pub(super) fn streams_of_another(streams: &[Stream]) -> Failure {
        let names: Vec<_> = streams.iter().map(|stream| stream.name()).collect();
        let found =
            format!("{FOREIGN_SESSION} and has subscribed its streams: {}", names.join(" "));
        Failure::new(Stage::Samples, &found, FOREIGN_SESSION_NEXT)
    }

    fn choice(&self) -> Failure {
        let ids: Vec<_> = self.ids().map(HeadsetId::as_str).collect();
        let next = format!("choose one with --headset: {}", ids.join(", "));
        Failure::new(Stage::Headset, "no headset is chosen", &next)
    }

    /// The ids of the headsets that the service sees.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &HeadsetId> {
        self.headsets.iter().flatten().map(|headset| &headset.id)
    }

    /// The refusal of a headset on a USB cable; it has no code.
    fn cable(&self) -> Option<&Error> {
        let is_on_cable = |refusal: &&Error| {
            let Some(ErrorSubject::Headset(id)) = &refusal.subject else { return false };
            self.headsets.iter().flatten().any(|one| one.is_on_usb_cable() && one.id == *id)
        };
        self.refusal.as_ref().filter(|refusal| refusal.code.is_none()).filter(is_on_cable)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    fn up(step: ConnectionStep) -> Event {
        Event::Link(Link::Up { security: Security::Verified, step })
    }

    fn down(kind: ErrorKind) -> Event {
        let error = Error::new(kind, "gone", "start it");
        Event::Link(Link::Waiting { error, at: Instant::now(), attempt: 1 })
    }

    fn refused(method: Method, code: i64) -> Event {
        Event::Refused(Error::refused(method, code, ""))
    }

    /// The stage at which a state is stuck after these events.
    fn stuck(events: Vec<Event>) -> Option<Stage> {
        let mut state = ClientState::default();
        for event in events {
            state.on_event(event);
        }
        let failure = state.failure()?;
        assert!(!failure.next.is_empty(), "{failure}");
        Some(failure.stage)
    }

    #[test]
    fn what_only_the_user_can_fix_is_told_apart() {
        assert_eq!(stuck(vec![down(ErrorKind::Unreachable)]), Some(Stage::Service));
        for kind in [ErrorKind::Tls, ErrorKind::Untrusted] {
            assert_eq!(stuck(vec![down(kind)]), Some(Stage::Tls));
        }
        assert_eq!(stuck(vec![down(ErrorKind::ConnectionLost)]), None);
        assert_eq!(stuck(vec![up(ConnectionStep::Login)]), Some(Stage::Login));
        assert_eq!(stuck(vec![up(ConnectionStep::Approval)]), None);
        assert_eq!(
            stuck(vec![up(ConnectionStep::Approval), refused(Method::RequestAccess, -32102)]),
            Some(Stage::Approval)
        );
        assert_eq!(
            stuck(vec![
                up(ConnectionStep::Greeting),
                refused(Method::HasAccessRight, -32021),
                up(ConnectionStep::Stopped)
            ]),
            Some(Stage::Credentials)
        );
        assert_eq!(stuck(vec![up(ConnectionStep::Agreement)]), Some(Stage::Token));
        assert_eq!(stuck(vec![up(ConnectionStep::Searching)]), None);
    }

    #[test]
    fn a_refusal_is_forgotten_when_the_client_continues() {
        let events = vec![
            refused(Method::Authorize, -32000),
            up(ConnectionStep::Searching),
            up(ConnectionStep::Choosing),
        ];
        assert_eq!(stuck(events), None);
    }

    #[test]
    fn a_headset_on_a_cable_is_a_failure_of_the_headset() {
        let headset = Headset {
            id: "EPOCX-1".into(),
            connected_by: "usb cable".into(),
            ..Headset::default()
        };
        let refusal = Error::new(ErrorKind::User, "it is on a USB cable", "unplug it")
            .on(Method::CreateSession)
            .about(ErrorSubject::Headset(headset.id.clone()));
        for step in [ConnectionStep::Stopped, ConnectionStep::Choosing] {
            let seen = Event::Headsets(vec![headset.clone()]);
            let events = vec![seen, Event::Refused(refusal.clone()), up(step)];
            assert_eq!(stuck(events), Some(Stage::Headset));
        }
    }
}
