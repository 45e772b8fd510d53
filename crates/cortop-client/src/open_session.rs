//! Opens a session (§2.7), with or without the licence; handles a headset that is not ready, a
//! session that already exists, and a licence that refuses.

use std::{future::pending, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

use super::{Event, SessionMode, config::SessionPolicy, context::Context, state::LastSession};
use cortop_protocol::{
    Error, ErrorKind, ErrorSubject, Headset, HeadsetId, Method, Session, account::Licence,
    session::SessionStatus, tolerant,
};

/// The first and the longest pause before asking again about a headset that is not ready, and the
/// limit of the whole attempt.
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(8);
const PATIENCE: Duration = Duration::from_secs(60);

/// How long to wait for a headset that is not ready before reporting it.
const REPORT_AFTER: Duration = Duration::from_secs(3);

/// By how much the clocks of Cortex and of this computer may differ.
const CLOCKS: SignedDuration = SignedDuration::from_secs(1);

/// Pauses while Cortex retires a session that has just been closed (§2.7).
const RETIRING: [Duration; 3] = [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(2)];

/// What a session that another program of this application has opened means for this one (§2.7): Cortex has one
/// session per headset and application, and all programs with the same client id share it.
pub const FOREIGN_SESSION: &str = "another program with this client id has the headset's session";
/// What to do about it.
pub const FOREIGN_SESSION_NEXT: &str =
    "end that program, or give this one the client id of another application";

/// A session that was opened or found.
pub(super) struct OpenedSession {
    pub(super) session: Session,
    pub(super) mode: SessionMode,
    pub(super) why: String,
    pub(super) origin: SessionOrigin,
}

/// Where a session comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionOrigin {
    /// Opened now.
    New,
    /// Opened by cortop over an earlier connection, which the session has outlived.
    Surviving,
    /// Opened by another program with this application's credentials.
    Foreign,
}

/// Whether the user has called off an attempt.
pub(super) struct Cancellation(pub(super) watch::Receiver<bool>);

impl Cancellation {
    /// Waits until the attempt is called off. Cancel-safe.
    pub(super) async fn wait(&mut self) {
        if self.0.wait_for(|off| *off).await.is_err() {
            // Nobody is left who could call it off.
            pending::<()>().await;
        }
    }

    /// Pauses. Returns whether the attempt continues afterwards.
    async fn pause(&mut self, pause: Duration) -> bool {
        timeout(pause, self.wait()).await.is_err()
    }
}

/// What decides the mode of a session.
#[derive(Clone, Copy)]
struct ModeCriteria<'a> {
    policy: SessionPolicy,
    /// Whether it replaces a session that was lost.
    again: bool,
    /// Whether the licence was debited for a session that never streamed.
    debited: bool,
    licence: Option<&'a Licence>,
}

/// The mode to try first, and why.
fn choose_mode(
    ModeCriteria { policy, again, debited, licence }: ModeCriteria<'_>,
) -> (SessionMode, String) {
    let open = |why: &str| (SessionMode::Open, why.to_owned());
    if policy == SessionPolicy::Open {
        return open("asked for");
    }
    if debited {
        return open(
            "not activated again: the licence was debited for a session that was lost before it \
             streamed",
        );
    }
    if policy == SessionPolicy::Active && !again {
        return (SessionMode::Active, "asked for".to_owned());
    }
    let Some(licence) = licence else { return open("the licence could not be read") };
    let Some(scope) = ["eeg", "pm"].into_iter().find(|scope| licence.has_scope(scope)) else {
        return open("the licence has no scope eeg or pm");
    };
    if licence.expired {
        return open("the licence has expired");
    }
    let why = match licence.local_quota {
        Some(left) if left < 1.0 => {
            return open("no activation is left on this computer; --debit N moves some here");
        }
        Some(left) if again => {
            format!("activated again after a loss: 1 activation used, {} left here", left - 1.0)
        }
        Some(left) => format!("the licence has scope {scope} and {left} activations left here"),
        None if again => "activated again after a loss: 1 activation used".to_owned(),
        // Unknown here, but Cortex knows; if it refuses, there is still the open session.
        None => format!("the licence has scope {scope}"),
    };
    (SessionMode::Active, why)
}

/// Opens a session on a connected headset, or finds the existing one; `None` if the attempt is
/// called off. `last`: the lost session that it replaces. `adopt`: whether an existing session will
/// do.
pub(super) async fn open_session(
    context: &Context,
    headset: &HeadsetId,
    last: Option<&LastSession>,
    adopt: bool,
    called_off: &mut Cancellation,
) -> Result<Option<OpenedSession>, Error> {
    let desired = context.desired.of(headset);
    let policy = match desired.mode {
        None => context.config.session,
        Some(SessionMode::Active) => SessionPolicy::Active,
        Some(SessionMode::Open) => SessionPolicy::Open,
    };
    let again = last.is_some();
    let mut licence = context.account.licence();
    if policy != SessionPolicy::Open && (again || licence.is_none()) {
        // It may have changed: other programs use it too.
        licence = context.ask_licence().await.ok();
    }
    let licence = licence.as_ref();
    let (mut mode, mut why) =
        choose_mode(ModeCriteria { policy, again, debited: desired.debited, licence });
    let started = Instant::now();
    let mut pause = PAUSE;
    let mut retiring = RETIRING.into_iter();
    let mut once_more = true;
    let mut reported = false;
    let mut announced = false;
    // When a session was requested whose answer never came: it may have been opened anyway.
    let mut unanswered: Option<Timestamp> = None;
    loop {
        let asked = Timestamp::now();
        let active = mode == SessionMode::Active;
        let status = if active { "active" } else { "open" };
        let params = json!({"headset": headset.as_str(), "status": status});
        if active {
            // Assume success until it is refused: if the answer is lost, the activation is spent
            // too.
            context.desired.change(headset, |desired| desired.debited = true);
            if again && !std::mem::replace(&mut announced, true) {
                let left = licence.and_then(|licence| licence.local_quota);
                let (headset, used) = (headset.clone(), context.account.activations());
                context.events.send(Event::Activating { headset, used, left }).await;
            }
        }
        let error = match context.ask_as_user(Method::CreateSession, params).await {
            Ok(answer) => {
                let session = Session::from(answer);
                if session.id.as_str().is_empty() {
                    return Err(no_session(headset));
                }
                return Ok(Some(OpenedSession { session, mode, why, origin: SessionOrigin::New }));
            }
            Err(error) => error,
        };
        if error.kind == ErrorKind::NoAnswer {
            unanswered.get_or_insert(asked);
        }
        if active && error.code.is_some() {
            context.desired.change(headset, |desired| desired.debited = false);
        }
        match error.kind {
            ErrorKind::Licence if active && (again || policy != SessionPolicy::Active) => {
                mode = SessionMode::Open;
                why = format!("not activated: {} → {}", error.message(), error.next);
            }
            ErrorKind::HeadsetNotReady if started.elapsed() + pause < PATIENCE => {
                if context.headset(headset).is_some_and(|headset| headset.is_on_usb_cable()) {
                    return Err(on_usb_cable(headset));
                }
                if started.elapsed() >= REPORT_AFTER && !std::mem::replace(&mut reported, true) {
                    context.events.send_error(error).await;
                }
                if !called_off.pause(pause).await {
                    return Ok(None);
                }
                pause = (pause * 2).min(LONGEST);
            }
            ErrorKind::SessionExists => {
                if adopt && let Some(found) = find_session(context, headset, last, unanswered).await
                {
                    return Ok(Some(found));
                }
                let Some(pause) = retiring.next() else {
                    return Err(error);
                };
                if !called_off.pause(pause).await {
                    return Ok(None);
                }
            }
            ErrorKind::Busy | ErrorKind::NoAnswer if once_more => {
                once_more = false;
                if error.kind == ErrorKind::NoAnswer {
                    if adopt
                        && let Some(found) = find_session(context, headset, last, unanswered).await
                    {
                        return Ok(Some(found));
                    }
                    let debited = context.desired.of(headset).debited;
                    (mode, why) = choose_mode(ModeCriteria { policy, again, debited, licence });
                }
                if !called_off.pause(pause).await {
                    return Ok(None);
                }
            }
            _ => return Err(error),
        }
    }
}

/// Finds a session of this application that is already open on the headset. Ignores one of another
/// program. `unanswered`: when cortop requested a session and got no answer.
pub(super) async fn find_session(
    context: &Context,
    headset: &HeadsetId,
    last: Option<&LastSession>,
    unanswered: Option<Timestamp>,
) -> Option<OpenedSession> {
    let answer = context.ask_as_user(Method::QuerySessions, json!({})).await.ok()?;
    let session = tolerant::objects::<Session>(Method::QuerySessions.name(), answer)
        .into_iter()
        .find(|one| {
            one.headset.id == *headset
                && one.status != SessionStatus::Closed
                && !one.id.as_str().is_empty()
        })?;
    let ours = last.is_some_and(|last| !last.foreign && last.session == session.id);
    let (origin, why) = if ours {
        (SessionOrigin::Surviving, "it survived the loss of its connection")
    } else if unanswered.is_some_and(|asked| began_after(&session, asked)) {
        (
            SessionOrigin::New,
            "the answer was lost; it began after cortop asked for it, so it is cortop's own",
        )
    } else {
        (
            SessionOrigin::Foreign,
            "another program of this application opened it; cortop follows it and changes nothing in it",
        )
    };
    let mode = match session.status {
        SessionStatus::Activated => SessionMode::Active,
        _ => SessionMode::Open,
    };
    Some(OpenedSession { session, mode, why: why.to_owned(), origin })
}

/// Whether a session began after a moment of this computer's clock. If Cortex's clock is behind,
/// the answer is `false` and the session is left to whoever opened it.
fn began_after(session: &Session, asked: Timestamp) -> bool {
    let began = session.started.as_ref().and_then(|iso| iso.parse::<Timestamp>().ok());
    began.is_some_and(|began| began.duration_since(asked) >= -CLOCKS)
}

/// No automatic retry, which might debit the licence again: only the user may ask again.
fn no_session(headset: &HeadsetId) -> Error {
    let next = "open the headset again; if this persists, restart the Cortex service";
    Error::new(ErrorKind::User, "Cortex returned no session", next)
        .on(Method::CreateSession)
        .about(ErrorSubject::Headset(headset.clone()))
}

/// On a USB cable a headset appears connected but is never ready (§2.7).
pub(super) fn on_usb_cable(headset: &HeadsetId) -> Error {
    let meaning = format!("{headset} is {}", Headset::ON_USB_CABLE);
    Error::new(ErrorKind::User, meaning, Headset::OFF_USB_CABLE)
        .on(Method::CreateSession)
        .about(ErrorSubject::Headset(headset.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn licence(scopes: &[&str], local_quota: Option<f64>, expired: bool) -> Licence {
        let scopes = scopes.iter().map(ToString::to_string).collect();
        Licence { scopes, local_quota, expired, ..Licence::default() }
    }

    fn terms(policy: SessionPolicy, licence: Option<&Licence>) -> ModeCriteria<'_> {
        ModeCriteria { policy, again: false, debited: false, licence }
    }

    #[test]
    fn the_licence_decides_and_says_why() {
        let auto = |licence: &Licence| choose_mode(terms(SessionPolicy::Auto, Some(licence)));
        for (licence, mode, word) in [
            (licence(&["eeg", "pm"], Some(3.0), false), SessionMode::Active, "3 activations"),
            (licence(&["pm"], None, false), SessionMode::Active, "scope pm"),
            (licence(&[""], Some(3.0), false), SessionMode::Open, "no scope"),
            (licence(&["eeg"], Some(0.0), false), SessionMode::Open, "--debit"),
            (licence(&["eeg"], Some(3.0), true), SessionMode::Open, "expired"),
        ] {
            let (chosen, why) = auto(&licence);
            assert_eq!(chosen, mode, "{why}");
            assert!(why.contains(word), "{why}");
        }
        assert_eq!(choose_mode(terms(SessionPolicy::Auto, None)).0, SessionMode::Open);
    }

    #[test]
    fn a_choice_of_the_user_comes_before_the_licence() {
        let rich = licence(&["eeg"], Some(9.0), false);
        assert_eq!(choose_mode(terms(SessionPolicy::Open, Some(&rich))).0, SessionMode::Open);
        assert_eq!(choose_mode(terms(SessionPolicy::Active, None)).0, SessionMode::Active);
    }

    #[test]
    fn after_a_loss_only_what_the_licence_still_has_is_used_and_once() {
        use SessionPolicy::{Active, Auto};
        fn again(policy: SessionPolicy, licence: Option<&Licence>) -> (SessionMode, String) {
            choose_mode(ModeCriteria { again: true, ..terms(policy, licence) })
        }
        let rich = licence(&["eeg"], Some(7.0), false);
        let (mode, why) = again(Auto, Some(&rich));
        assert_eq!(
            (mode, why.as_str()),
            (SessionMode::Active, "activated again after a loss: 1 activation used, 6 left here",)
        );
        for policy in [Auto, Active] {
            for poor in [licence(&[""], Some(7.0), false), licence(&["eeg"], Some(0.0), false)] {
                assert_eq!(again(policy, Some(&poor)).0, SessionMode::Open);
            }
            assert_eq!(again(policy, None).0, SessionMode::Open, "what it has is not known");
            let spent = ModeCriteria { again: true, debited: true, ..terms(policy, Some(&rich)) };
            assert_eq!(choose_mode(spent).0, SessionMode::Open);
        }
    }
}
