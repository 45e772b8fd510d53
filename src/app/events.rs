//! Handles the client's events and the newest snapshot of the signals.

use std::{sync::Arc, time::Duration};

use super::{App, Pane, ProfileState, Severity, notice::Condition};
use cortop_client::{
    ConnectionStep, Error, ErrorKind, Event, HeadsetId, Link, Method, SessionId, Stream, Warning,
    account::UserLogin,
    code::{WarningCode, warning},
};
use cortop_signal::{Snapshot, view::ViewEnd};

/// How long numbers stay before they are updated.
const NUMBERS: Duration = Duration::from_millis(500);

impl App {
    pub(super) fn on_event(&mut self, event: Event) {
        let now = self.now.instant;
        match event {
            Event::Link(link) => self.on_link(link),
            Event::Service(info) => self.service = Some(info),
            Event::User(user) => self.on_user(user),
            Event::Licence(licence) => self.licence = Some(licence),
            Event::Headsets(list) => {
                let was_several = self.headsets.list.len() > 1;
                self.headsets.replace(list, now);
                self.refusal.take_if(|(last, _)| last.method == Some(Method::QueryHeadsets));
                if !was_several {
                    self.compare_headsets();
                }
            }
            Event::Scan(true) => self.headsets.scanning = Some(now),
            Event::Scan(false) => self.on_scan_end(),
            Event::Session(session) => self.sessions.put(session, self.now),
            Event::Opened { session, mode, why, foreign } => {
                self.sessions.note(&session, self.now, format!("{mode}: {why}"));
                self.sessions.opened(&session, mode, why, foreign);
                let entry = self.sessions.get(&session);
                let theirs =
                    |stream: &Stream| entry.is_some_and(|entry| entry.is_owners_only(*stream));
                let theirs: Vec<_> = Stream::ALL.into_iter().filter(theirs).collect();
                self.note_streams(
                    &session,
                    "subscribed by its owner, to whom the samples go",
                    &theirs,
                );
            }
            Event::Activating { headset, used, left } => self.on_activating(headset, used, left),
            Event::Activated { used } => {
                self.reactivations += u64::from(self.activating.take().is_some());
                self.activations = used;
            }
            Event::Released { session, why } => {
                self.sessions.note(&session, self.now, format!("left: {why}"));
                self.notify(Severity::Info, format!("another program's session left: {why}"));
                self.sessions.released(&session, why, now);
            }
            Event::Closed { session, why, ordered } => self.on_closed(&session, why, ordered),
            Event::Subscribed { session, streams, refused, .. } => {
                let (came, refused) = self.sessions.subscribed(&session, streams, refused);
                if let Some((stream, refusal)) = refused.first() {
                    let text = self.in_monitor(&refusal.to_string());
                    let until = Condition::Refused(session.clone(), *stream);
                    self.notify_while(until, Severity::Problem, text);
                }
                self.note_streams(&session, "subscribed", &came);
                let names: Vec<_> = refused.iter().map(|(stream, _)| *stream).collect();
                self.note_streams(&session, "refused", &names);
            }
            Event::Unsubscribed { session, streams } => {
                self.note_streams(&session, "unsubscribed", &streams);
                self.sessions.unsubscribed(&session, &streams);
            }
            Event::Record(event) => self.on_record_event(&event),
            Event::Records(stored) => self.records.stored = Some(stored),
            Event::Marker { session, marker, .. } => self.on_marker(&session, marker),
            Event::Updated(headset) => {
                self.notify(Severity::Info, format!("{headset} has been updated"));
            }
            Event::Clock { headset, clock } => {
                self.headsets.clocks.insert(headset, clock);
            }
            Event::Mappings(mappings) => self.mappings = mappings,
            Event::Sessions(found) => {
                self.found = found;
                self.sessions.as_of = None;
            }
            Event::SessionsAsOf(at) => self.sessions.as_of = Some(at),
            Event::Profiles(stored) => self.profiles.stored = Some(stored),
            Event::Profile { headset, loaded } => {
                self.profiles.set_loaded(headset, loaded);
            }
            Event::Warning(warning) => self.on_warning(&warning),
            Event::Stopped { headset, refusal: Some(refusal) } => {
                // The same refusal came before without a headset.
                let same = self.refusal.take_if(|(last, _)| *last == refusal);
                let since = same.map_or(self.now, |(_, since)| since);
                self.stopped.insert(headset, (refusal, since));
            }
            Event::Stopped { headset, refusal: None } => {
                let last = self.stopped.remove(&headset);
                if let Some(last) = last.filter(|(refusal, _)| refusal.kind.is_transient())
                    && !self.is_streaming()
                {
                    // Asked for again: until Cortex answers, this is its last word.
                    self.refusal.get_or_insert(last);
                }
            }
            Event::Outcome { command, outcome } => self.on_outcome(command, outcome),
            Event::Refused(refusal) => {
                let text = self.in_monitor(&refusal.to_string());
                if self.is_streaming() {
                    self.notify(Severity::Problem, text);
                } else {
                    // Earlier refusals are history now.
                    self.notify_while(Condition::NotStreaming, Severity::Problem, text);
                }
                self.keep_refusal(refusal);
            }
        }
    }

    /// Keeps a refusal that stands in the way to streaming.
    fn keep_refusal(&mut self, refusal: Error) {
        let stands_in_the_way = match &self.link {
            Link::Up { step: ConnectionStep::Stopped, .. } => false,
            link @ Link::Up { step, .. } => is_signing_in(link) || step.is_held_up_by(&refusal),
            _ => true,
        };
        let is_known = self.refusal.as_ref().is_some_and(|(known, _)| *known == refusal);
        if stands_in_the_way && !is_known {
            self.refusal = Some((refusal, self.now));
        }
    }

    /// A session that replaces a lost one is about to use an activation.
    fn on_activating(&mut self, headset: HeadsetId, used: u64, left: Option<f64>) {
        let left = left.map(|left| format!(" of the {left} left here")).unwrap_or_default();
        let used = match used {
            0 => String::new(),
            used => format!("; {used} used since cortop started"),
        };
        let text = format!("{headset}: activating again uses 1 activation{left}{used}");
        let until = Condition::NoSessionOn(vec![headset.clone()]);
        self.activating = Some(headset);
        self.notify_while(until, Severity::Problem, text);
    }

    /// A session has ended.
    fn on_closed(&mut self, session: &SessionId, why: String, ordered: bool) {
        self.sessions.note(session, self.now, format!("closed: {why}"));
        let severity = if ordered { Severity::Info } else { Severity::Problem };
        let text = format!("session closed: {why}");
        let entry = self.sessions.get(session);
        let headset = entry.map(|entry| entry.session.headset.id.clone());
        let gone = Condition::NoSessionOn(headset.into_iter().collect());
        let is_alert = self.alert_of_end(session, ordered);
        self.sessions.closed(session, why, ordered, self.now.instant);
        if !is_alert {
            self.notify_while(gone, severity, text);
        }
    }

    /// The state of the connection to the service has changed.
    fn on_link(&mut self, link: Link) {
        if !matches!(link, Link::Up { .. }) && matches!(self.link, Link::Up { .. }) {
            self.headsets.forget();
            self.records.disconnected();
            self.found.clear();
            self.stopped.clear();
            self.sessions.as_of = None;
            self.alerts.disk_low = None;
        }
        let is_over = |refusal: &Error| {
            let Link::Up { step, .. } = &link else { return true };
            !step.is_held_up_by(refusal)
        };
        if !is_stopped(&link) && !is_signing_in(&link) {
            self.refusal.take_if(|(refusal, _)| is_over(refusal));
        }
        if !matches!(link, Link::Up { step: ConnectionStep::Opening(_), .. }) {
            self.activating = None;
        }
        let is_new = self.link != link;
        self.link = link;
        if is_new {
            self.link_since = self.now;
            self.await_step();
            self.called_off = None;
            self.focus_headsets();
            self.compare_headsets();
        }
    }

    /// Notes since when the connection's step has been awaited: a connection that was lost because Cortex is
    /// silent awaits the same step again.
    fn await_step(&mut self) {
        match &self.link {
            Link::Up { step, .. } => match &self.awaited {
                Some((awaited, since)) if awaited == step => self.link_since = *since,
                _ => self.awaited = Some((step.clone(), self.now)),
            },
            Link::Waiting { error, .. } if error.kind != ErrorKind::ConnectionLost => {
                self.awaited = None;
            }
            Link::Waiting { .. } | Link::Connecting => {}
        }
    }

    /// Notes in a session's history what happened to streams that cortop requested.
    fn note_streams(&mut self, session: &SessionId, what: &str, streams: &[Stream]) {
        if !streams.is_empty() {
            let names: Vec<_> = streams.iter().map(|stream| stream.name()).collect();
            self.sessions.note(session, self.now, format!("{} {what}", names.join(" ")));
        }
    }

    /// Moves the focus to the headsets pane if the user has to open one next.
    fn focus_headsets(&mut self) {
        let chooses = matches!(
            self.link,
            Link::Up { step: ConnectionStep::Choosing | ConnectionStep::Missing(_), .. }
        );
        let idle = matches!(self.focus, Pane::Streams | Pane::Log) && !self.zoomed;
        if chooses && idle && self.dialog.is_none() && self.sessions.live().next().is_none() {
            self.focus = Pane::Headsets;
        }
    }

    /// Opens the overview if the user has to choose one of several headsets.
    fn compare_headsets(&mut self) {
        let chooses = matches!(
            self.link,
            Link::Up { step: ConnectionStep::Choosing | ConnectionStep::Missing(_), .. }
        );
        let several = self.headsets.list.len() > 1 && !self.headsets.overview;
        if chooses && several && self.focus == Pane::Headsets && self.dialog.is_none() {
            self.toggle_overview();
        }
    }

    /// The user has logged in or out. Forgets the account of a previous user, as the new user's may never
    /// arrive.
    fn on_user(&mut self, user: Option<UserLogin>) {
        let name = |user: &Option<UserLogin>| user.as_ref().map(|user| user.username.clone());
        if self.user.as_ref().is_some_and(|before| name(before) != name(&user)) {
            self.licence = None;
            self.profiles = ProfileState::default();
            self.mappings.clear();
            self.records.disconnected();
        }
        self.user = Some(user);
    }

    /// A scan has ended: notifies the user of its result, or of the next step if it found nothing.
    fn on_scan_end(&mut self) {
        if self.headsets.scanning.take().is_some() {
            match self.headsets.list.len() {
                0 => self.notify_while(
                    Condition::NoHeadset,
                    Severity::Info,
                    "scan finished: no headset; switch one on and scan again",
                ),
                1 => self.notify(Severity::Info, "scan finished: 1 headset"),
                count => self.notify(Severity::Info, format!("scan finished: {count} headsets")),
            }
        }
    }

    /// Notifies the user of what a warning means. The log has Cortex's own words.
    fn on_warning(&mut self, warning: &Warning) {
        // The end of a session known here is an event of its own, with its reason; other programs' sessions
        // do not concern us.
        if matches!(warning.code, warning::STREAMS_STOPPED | warning::SESSION_CLOSED)
            && warning.session().is_some()
        {
            return;
        }
        if self.alert_of_warning(warning) {
            return;
        }
        let calls = WarningCode::find(warning.code).is_some_and(|row| !row.next.is_empty());
        let severity = if calls { Severity::Problem } else { Severity::Info };
        let text = format!("Cortex {}: {}", warning.code, warning.sentence());
        match warning.headset() {
            Some(headset)
                if (warning::HEADSET_INFO_WRONG..=warning::HEADSET_LOST)
                    .contains(&warning.code) =>
            {
                self.notify_while(Condition::NoSessionOn(vec![headset]), severity, text);
            }
            _ => self.notify(severity, text),
        }
    }

    pub(super) fn on_snapshot(&mut self, snapshot: Arc<Snapshot>) {
        let asked = |snapshot: &Snapshot| (snapshot.view.headset.clone(), snapshot.view.inspect);
        let other = asked(&snapshot) != asked(&self.held.1);
        self.snapshot = snapshot;
        if let (Some(frozen), Some(traces)) = (&mut self.streams.frozen, &self.snapshot.traces)
            && self.snapshot.view.end == ViewEnd::At(frozen.end)
        {
            frozen.end_time = traces.end_time.or(frozen.end_time);
        }
        if other || self.snapshot.stale() != self.held.1.stale() {
            self.held = (self.now.instant, Arc::clone(&self.snapshot));
        }
        self.refresh_numbers();
    }

    /// Shows the newest numbers once those on the screen have been there long enough.
    pub(super) fn refresh_numbers(&mut self) {
        let now = self.now.instant;
        if now.saturating_duration_since(self.held.0) >= NUMBERS
            && !Arc::ptr_eq(&self.held.1, &self.snapshot)
        {
            self.held = (now, Arc::clone(&self.snapshot));
        }
    }
}

/// Whether signing in is under way: it may fail again for the same reason.
pub(super) const fn is_signing_in(link: &Link) -> bool {
    matches!(
        link,
        Link::Up {
            step: ConnectionStep::Greeting
                | ConnectionStep::Login
                | ConnectionStep::OtherUser
                | ConnectionStep::Approval
                | ConnectionStep::Agreement
                | ConnectionStep::Authorizing,
            ..
        }
    )
}

/// Whether a refusal stops the progress towards streaming.
pub(super) fn is_stopped(link: &Link) -> bool {
    matches!(link, Link::Up { step: ConnectionStep::Stopped, .. })
}
