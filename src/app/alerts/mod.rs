//! Alerts: each problem is announced once when it begins and once when it is over, while a record is running
//! or, if so configured, always. `facts` finds the problems in the state of the monitor; the state machine in
//! `tracker` decides which deserve an alert and when; the bell, the desktop notification and the user's
//! command are effects.

mod facts;
mod settings;
#[cfg(test)]
mod tests;
mod tracker;

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;
use tracing::{info, warn};

pub use self::settings::{AlertSettings, AlertWhen, NotificationProtocol};
use self::tracker::{Alert, AlertKind, AlertTracker};
use super::{App, Effect, Severity};
use cortop_client::{HeadsetId, Moment, SessionId, Warning, code::warning};

/// How often the facts are checked.
const INTERVAL: Duration = Duration::from_millis(500);
/// Alerts that arrive within this time are shown together, newest first, at most [`MOST`] of them.
const RECENT: Duration = Duration::from_secs(10);
const MOST: usize = 8;
/// A record that ended at most this long before its session ended because of the session.
const WITH_SESSION: Duration = Duration::from_secs(5);

/// The state of alerts.
#[derive(Clone, Debug, Default)]
pub(crate) struct AlertState {
    tracker: AlertTracker,
    /// When the facts were last checked.
    checked: Option<Instant>,
    /// Alerts raised by events and not announced yet.
    pending: Vec<Alert>,
    /// The sessions whose record has just ended: when, and the text for the alert.
    ended: BTreeMap<SessionId, (Instant, String)>,
    /// The latest alerts, newest first.
    recent: VecDeque<RecentAlert>,
    /// When Cortex last warned that the disk is nearly full. It never reports that the disk has space again.
    pub disk_low: Option<Moment>,
}

/// An alert shown recently.
#[derive(Clone, Debug)]
struct RecentAlert {
    at: Instant,
    severity: Severity,
    text: String,
    headset: Option<HeadsetId>,
    kind: AlertKind,
}

impl AlertState {
    /// Drops all announced conditions without announcing their end.
    pub(super) fn forget(&mut self, now: Instant) {
        self.tracker.observe(&[], |_| Duration::ZERO, now);
    }

    /// The announced conditions that still hold: the kind, the headset, and the part of it.
    pub(crate) fn active(&self) -> impl Iterator<Item = (AlertKind, &HeadsetId, &str)> {
        self.tracker.raised()
    }
}

impl App {
    /// Checks the facts, at most twice a second, and announces what is new.
    pub(super) fn check_alerts(&mut self) -> Vec<Effect> {
        let now = self.now.instant;
        let settings = &self.settings.alerts;
        let last = self.alerts.checked;
        let is_due = last.is_none_or(|last| now.saturating_duration_since(last) >= INTERVAL);
        let mut alerts = std::mem::take(&mut self.alerts.pending);
        if is_due {
            let contact = settings.contact.unwrap_or_default();
            let delay = |kind| if kind == AlertKind::Contact { contact } else { Duration::ZERO };
            let mut tracker = std::mem::take(&mut self.alerts.tracker);
            alerts.extend(tracker.observe(&self.watched(), delay, now));
            self.alerts.tracker = tracker;
            self.alerts.checked = Some(now);
        }
        alerts.iter().flat_map(|alert| self.announce(alert)).collect()
    }

    /// Shows an alert on the screen and adds it to the log and the session's history; returns the effects.
    fn announce(&mut self, alert: &Alert) -> Vec<Effect> {
        let text = alert.text();
        if alert.is_over {
            info!("alert over: {text}");
        } else {
            warn!("alert: {text}");
        }
        let session = alert.headset.as_ref().and_then(|headset| self.sessions.on(headset));
        if let Some(id) = session.map(|entry| entry.session.id.clone()) {
            self.sessions.note(&id, self.now, text.clone());
        }
        // A lost record already has a notice, which stays until it has been seen.
        if alert.kind != AlertKind::Record {
            self.show_alert(alert, text.clone());
        }
        let settings = &self.settings.alerts;
        let mut effects = Vec::new();
        if !alert.is_over && settings.bell {
            effects.push(Effect::Bell);
        }
        if settings.notification != NotificationProtocol::Off {
            effects.push(Effect::Notification(settings.notification, text));
        }
        if !settings.command.is_empty() {
            effects.push(Effect::AlertCommand(settings.command.clone(), alert.environment()));
        }
        effects
    }

    /// Shows an alert together with other recent ones, as each deserves to be read. The end of a condition
    /// replaces its beginning.
    fn show_alert(&mut self, alert: &Alert, text: String) {
        let now = self.now.instant;
        let recent = &mut self.alerts.recent;
        recent.retain(|own| {
            let is_ended =
                alert.is_over && (own.kind, &own.headset) == (alert.kind, &alert.headset);
            !is_ended && now.saturating_duration_since(own.at) < RECENT
        });
        recent.push_front(RecentAlert {
            at: now,
            severity: alert.severity(),
            text,
            headset: alert.headset.clone(),
            kind: alert.kind,
        });
        recent.truncate(MOST);
        let worst = recent.iter().map(|own| own.severity).max().unwrap_or(Severity::Info);
        let texts: Vec<_> = recent.iter().map(|own| own.text.as_str()).collect();
        let text = texts.join(" · ");
        self.notify(worst, text);
    }

    /// Notes that a record has ended. What happens to its session next tells whether somebody wanted that.
    pub(super) fn note_end_of_record(&mut self, session: &SessionId, text: String) {
        let now = self.now.instant;
        self.alerts.ended.retain(|_, (at, _)| now.saturating_duration_since(*at) < WITH_SESSION);
        self.alerts.ended.insert(session.clone(), (now, text));
    }

    /// Whether the end of a session is an alert: nobody here closed it, and a record ended with it.
    pub(super) fn alert_of_end(&mut self, session: &SessionId, ordered: bool) -> bool {
        let Some((at, text)) = self.alerts.ended.remove(session) else { return false };
        let settings = &self.settings.alerts;
        let is_old = self.now.instant.saturating_duration_since(at) >= WITH_SESSION;
        if ordered || is_old || settings.when == AlertWhen::Off || !settings.record {
            return false;
        }
        let headset = self.sessions.get(session).map(|entry| entry.session.headset.id.clone());
        self.alert_at_once(AlertKind::Record, headset, text, None)
    }

    /// Whether a warning from Cortex is an alert: the disk is nearly full.
    pub(super) fn alert_of_warning(&mut self, warning: &Warning) -> bool {
        if !matches!(warning.code, warning::DISK_LOW | warning::DISK_FULL) {
            return false;
        }
        self.alerts.disk_low = Some(self.now);
        let settings = &self.settings.alerts;
        let is_watched = match settings.when {
            AlertWhen::Off => false,
            AlertWhen::Recording => self.records.running().next().is_some(),
            AlertWhen::Always => true,
        };
        let code = Some(warning.code as f64);
        is_watched
            && settings.disk
            && self.alert_at_once(AlertKind::Disk, None, warning.sentence(), code)
    }

    /// Raises an alert about a one-time event, which has no end. Returns false if the same alert was
    /// announced recently.
    fn alert_at_once(
        &mut self,
        kind: AlertKind,
        headset: Option<HeadsetId>,
        text: String,
        value: Option<f64>,
    ) -> bool {
        let alert = self.alerts.tracker.event(kind, headset, text, value, self.now.instant);
        let is_new = alert.is_some();
        self.alerts.pending.extend(alert);
        is_new
    }
}

impl Alert {
    fn severity(&self) -> Severity {
        let is_first_warning = self.value == Some(warning::DISK_LOW as f64);
        match self.kind {
            _ if self.is_over => Severity::Info,
            AlertKind::Battery => Severity::Warning,
            AlertKind::Disk if is_first_warning => Severity::Warning,
            _ => Severity::Problem,
        }
    }
}
