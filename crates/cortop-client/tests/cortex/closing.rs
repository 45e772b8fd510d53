//! How sessions that end or change without a warning become known: by the answer to `close`
//! (§2.11), and by `querySessions`.

use std::time::Duration;

use cortop_client::{Command, ConnectionStep, Event, Session, SessionId, session::SessionStatus};
use serde_json::json;
use tokio::time::Instant;

use crate::service::{ClientUnderTest, INSIGHT, Reply, ScriptedService, config, reached, session};

const STOPPED: &str = "2026-01-09T08:40:00.001+01:00";

fn shown(event: &Event) -> Option<Session> {
    match event {
        Event::Session(session) => Some(session.clone()),
        _ => None,
    }
}

#[tokio::test]
async fn the_answer_to_close_is_told_before_the_end() {
    let service = ScriptedService::start(|seen| match seen.method.as_str() {
        "updateSession" => Reply::Result(json!({
            "id": seen.params["session"], "license": "", "recording": false, "status": "closed",
            "stopped": STOPPED, "streams": [],
        })),
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    let id: SessionId = tested.until(shown).await.id;
    tested.until(reached(ConnectionStep::Streaming)).await;
    tested.command(Command::Close(id.clone())).await;
    let last = tested
        .until(|event| shown(event).filter(|session| session.status == SessionStatus::Closed))
        .await;
    assert_eq!((last.id, last.stopped.as_deref()), (id.clone(), Some(STOPPED)));
    assert_eq!((last.license.as_deref(), last.recording), (Some(""), Some(false)));
    assert_eq!(last.streams, Some(Vec::new()));
    let why = tested
        .until(|event| match event {
            Event::Closed { session, why, .. } if *session == id => Some(why.clone()),
            _ => None,
        })
        .await;
    assert!(why.contains("by you"), "{why}");
    tested.quit().await;
}

#[tokio::test(start_paused = true)]
async fn what_another_program_changes_is_seen_within_two_seconds() {
    let id = format!("session-0-of-{INSIGHT}");
    let owner = std::sync::Arc::new(std::sync::Mutex::new("ana".to_owned()));
    let told = std::sync::Arc::clone(&owner);
    let listed = id.clone();
    let service = ScriptedService::start(move |seen| match seen.method.as_str() {
        "createSession" => Reply::Result(session(&listed, INSIGHT, "opened")),
        "querySessions" => {
            let mut object = session(&listed, INSIGHT, "opened");
            object["owner"] = json!(*told.lock().unwrap());
            Reply::Result(json!([object]))
        }
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    tested.until(reached(ConnectionStep::Streaming)).await;
    for name in ["ben", "cleo", "dan"] {
        name.clone_into(&mut owner.lock().unwrap());
        let changed = Instant::now();
        tested
            .until(|event| shown(event).filter(|session| session.owner.as_deref() == Some(name)))
            .await;
        assert!(changed.elapsed() <= Duration::from_secs(2), "{:?}", changed.elapsed());
    }
    tested.quit().await;
}

#[tokio::test(start_paused = true)]
async fn while_the_sessions_are_not_shown_it_is_told_since_when() {
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&asked);
    let service = ScriptedService::start(move |seen| match seen.method.as_str() {
        "querySessions" if count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 1 => {
            Reply::Nothing
        }
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    tested.until(reached(ConnectionStep::Streaming)).await;
    let at = tested
        .until(|event| match event {
            Event::SessionsAsOf(at) => Some(*at),
            _ => None,
        })
        .await;
    assert!(at.elapsed() >= Duration::from_secs(2), "{:?}", at.elapsed());
    tested.quit().await;
}
