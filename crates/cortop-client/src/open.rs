//! Opening a session (§2.7): with or without the licence, and what to do while the headset is not
//! ready, when a session is there already, and when the licence refuses.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{
    SessionMode,
    client::SessionPolicy,
    context::Context,
    memory::Last,
    rpc::{Effect, Failure},
};
use cortop_protocol::{
    HeadsetId, Refusal, Session, account::Licence, code::Class, session::SessionStatus, tolerant,
};

/// The first pause before a headset that is not ready is asked again, the longest, and how long the
/// attempt goes on.
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(8);
const PATIENCE: Duration = Duration::from_mins(1);

/// How long a headset that is not ready is waited for without a word.
const QUIETLY: Duration = Duration::from_secs(3);

/// Pauses while Cortex retires a session that was just closed (§2.7).
const RETIRING: [Duration; 3] = [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(2)];

/// A session that was opened or found.
pub(super) struct Opened {
    pub(super) session: Session,
    pub(super) mode: SessionMode,
    pub(super) why: String,
    pub(super) origin: Origin,
}

/// Where a session comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Opened now.
    New,
    /// Opened by cortop over an earlier connection, which it has outlived.
    Kept,
    /// Opened by another program with this application's credentials.
    Adopted,
}

/// A refusal, and whether it may pass by itself.
pub(super) struct Refused {
    pub(super) refusal: Refusal,
    pub(super) passing: bool,
}

impl Refused {
    pub(super) fn new(method: &str, failure: &Failure) -> Self {
        let class = failure.class();
        let passing =
            !matches!(class, Class::User | Class::Licence) && !class.is_about_signing_in();
        Self { refusal: failure.refusal(method), passing }
    }
}

/// The mode to try first, and why. `before`: the mode the headset's last session had.
fn choose(
    policy: SessionPolicy,
    before: Option<SessionMode>,
    licence: Option<&Licence>,
) -> (SessionMode, String) {
    if let Some(mode) = before {
        return (mode, "as before".to_owned());
    }
    match (policy, licence) {
        (SessionPolicy::Active, _) => (SessionMode::Active, "asked for".to_owned()),
        (SessionPolicy::Open, _) => (SessionMode::Open, "asked for".to_owned()),
        (SessionPolicy::Auto, None) => {
            (SessionMode::Open, "the licence could not be read".to_owned())
        }
        (SessionPolicy::Auto, Some(licence)) => choose_by(licence),
    }
}

fn choose_by(licence: &Licence) -> (SessionMode, String) {
    let Some(scope) = ["eeg", "pm"].into_iter().find(|scope| licence.has_scope(scope)) else {
        return (SessionMode::Open, "the licence has no scope eeg or pm".to_owned());
    };
    if licence.expired {
        return (SessionMode::Open, "the licence has expired".to_owned());
    }
    match licence.local_quota {
        Some(left) if left < 1.0 => (
            SessionMode::Open,
            "no activation is left on this computer; --debit N moves some here".to_owned(),
        ),
        Some(left) => (
            SessionMode::Active,
            format!("the licence has scope {scope} and {left} activations left here"),
        ),
        // Not told: Cortex knows, and if it refuses there is the open session.
        None => (SessionMode::Active, format!("the licence has scope {scope}")),
    }
}

/// Opens a session on a connected headset, or finds the one that is there. `last`: the one that
/// cortop opened on it before.
pub(super) async fn open(
    context: &Context,
    headset: &HeadsetId,
    last: Option<&Last>,
    adopt: bool,
) -> Result<Opened, Refused> {
    let before = last.map(|last| last.mode);
    let (policy, before) = match context.wishes.of(headset).mode {
        None => (context.config.session, before),
        Some(SessionMode::Active) => (SessionPolicy::Active, None),
        Some(SessionMode::Open) => (SessionPolicy::Open, None),
    };
    let licence = context.account.licence();
    let (mut mode, mut why) = choose(policy, before, licence.as_ref());
    let started = Instant::now();
    let mut pause = PAUSE;
    let mut retiring = RETIRING.into_iter();
    let mut again = true;
    let mut told = false;
    loop {
        let status = if mode == SessionMode::Active { "active" } else { "open" };
        let params = json!({"headset": headset.as_str(), "status": status});
        let failure = match context.ask_as_user("createSession", params, Effect::None).await {
            Ok(answer) => {
                let session = Session::from(answer);
                if session.id.as_str().is_empty() {
                    return Err(no_session());
                }
                return Ok(Opened { session, mode, why, origin: Origin::New });
            }
            Err(failure) => failure,
        };
        match failure.class() {
            Class::Licence if mode == SessionMode::Active && policy != SessionPolicy::Active => {
                let refusal = failure.refusal("createSession");
                mode = SessionMode::Open;
                why = format!("not activated: {} → {}", refusal.message, refusal.next);
            }
            Class::NotReady if started.elapsed() + pause < PATIENCE => {
                if context.headset(headset).is_some_and(|headset| headset.is_on_usb_cable()) {
                    return Err(on_usb_cable(headset));
                }
                if started.elapsed() >= QUIETLY && !std::mem::replace(&mut told, true) {
                    context.outbox.refused(failure.refusal("createSession")).await;
                }
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST);
            }
            Class::Exists => {
                if adopt && let Some(found) = find(context, headset, last, policy).await {
                    return found;
                }
                let Some(pause) = retiring.next() else {
                    return Err(Refused::new("createSession", &failure));
                };
                sleep(pause).await;
            }
            Class::Later if again && failure != Failure::Down => {
                again = false;
                sleep(pause).await;
            }
            _ => return Err(Refused::new("createSession", &failure)),
        }
    }
}

/// A session of this application that lives on the headset already. Another program's is left as it
/// is, unless the user insists on an activated one.
async fn find(
    context: &Context,
    headset: &HeadsetId,
    last: Option<&Last>,
    policy: SessionPolicy,
) -> Option<Result<Opened, Refused>> {
    let answer = context.ask_as_user("querySessions", json!({}), Effect::None).await.ok()?;
    let mut session =
        tolerant::objects::<Session>("querySessions", answer).into_iter().find(|one| {
            one.headset.id == *headset
                && one.status != SessionStatus::Closed
                && !one.id.as_str().is_empty()
        })?;
    let (origin, why) = if last.is_some_and(|last| last.session == session.id) {
        (Origin::Kept, "it has outlived its connection")
    } else {
        (Origin::Adopted, "another program of this application opened it, and it is left as it is")
    };
    if policy == SessionPolicy::Active && session.status != SessionStatus::Activated {
        let params = json!({"session": session.id.as_str(), "status": "active"});
        if let Err(failure) = context.ask_as_user("updateSession", params, Effect::None).await {
            return Some(Err(Refused::new("updateSession", &failure)));
        }
        session.status = SessionStatus::Activated;
    }
    let mode = match session.status {
        SessionStatus::Activated => SessionMode::Active,
        _ => SessionMode::Open,
    };
    Some(Ok(Opened { session, mode, why: why.to_owned(), origin }))
}

/// Asking again by itself might debit the licence again: only the user does.
fn no_session() -> Refused {
    let next = "open the headset again; if it stays, restart the Cortex service";
    let refusal = Refusal::own("createSession", "Cortex gave no session", next);
    Refused { refusal, passing: false }
}

/// On a USB cable a headset looks connected and is never ready (§2.7).
pub(super) fn on_usb_cable(headset: &HeadsetId) -> Refused {
    let refusal = Refusal::own(
        "createSession",
        &format!("{headset} is on a USB cable, over which it cannot stream"),
        "unplug the cable and use the dongle or Bluetooth",
    );
    Refused { refusal, passing: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn licence(scopes: &[&str], local_quota: Option<f64>, expired: bool) -> Licence {
        let scopes = scopes.iter().map(ToString::to_string).collect();
        Licence { scopes, local_quota, expired, ..Licence::default() }
    }

    #[test]
    fn the_licence_decides_and_says_why() {
        let auto = |licence: &Licence| choose(SessionPolicy::Auto, None, Some(licence));
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
        assert_eq!(choose(SessionPolicy::Auto, None, None).0, SessionMode::Open);
    }

    #[test]
    fn a_word_of_the_user_and_the_mode_before_go_over_the_licence() {
        let rich = licence(&["eeg"], Some(9.0), false);
        assert_eq!(choose(SessionPolicy::Open, None, Some(&rich)).0, SessionMode::Open);
        assert_eq!(choose(SessionPolicy::Active, None, None).0, SessionMode::Active);
        let restored = choose(SessionPolicy::Auto, Some(SessionMode::Open), Some(&rich));
        assert_eq!(restored.0, SessionMode::Open);
    }
}
