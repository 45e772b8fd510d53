//! What happens when the connection is lost, refused, unusable, or closed.

use std::time::Duration;

use cortop_client::{Command, ConnectionStep, Event, Feed, Link};
use serde_json::json;
use tokio::{net::TcpListener, time::Instant};

use crate::service::{
    ClientUnderTest, INSIGHT, Reply, ScriptedService, closed, config, licence, reached, refused,
    step,
};

/// Which attempt has failed, and why.
fn waiting(event: &Event) -> Option<(u32, String)> {
    match event {
        Event::Link(Link::Waiting { error, attempt, .. }) => Some((*attempt, error.to_string())),
        _ => None,
    }
}

#[tokio::test]
async fn a_lost_socket_brings_back_session_and_streams_and_no_second_debit() {
    let service = ScriptedService::start(|seen| match seen.method.as_str() {
        "getLicenseInfo" => Reply::Result(licence(&["eeg", "pm"], json!(1))),
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url).debit(3));
    tested.until(reached(ConnectionStep::Streaming)).await;
    assert!(matches!(tested.fed().await, Feed::Subscribed(_)));
    assert!(matches!(tested.fed().await, Feed::Subscribed(_)));

    service.drop_connections();
    // The next step concerns the connection; the session stays gone when the connection is back.
    let why = tested.until(closed).await;
    assert!(why.contains("connection") && !why.contains("cortop reconnects"), "{why}");
    assert!(matches!(tested.fed().await, Feed::Ended(_)));
    let attempt = tested
        .until(|event| match event {
            Event::Link(Link::Waiting { attempt, .. }) => Some(*attempt),
            _ => None,
        })
        .await;
    assert_eq!(attempt, 1);
    tested.until(reached(ConnectionStep::Streaming)).await;
    let Feed::Subscribed(again) = tested.fed().await else { panic!() };
    assert_eq!(again.session.as_str(), format!("session-1-of-{INSIGHT}"));

    // The token is reused, so nothing is authorized and nothing debited.
    let authorized = service.asked("authorize");
    assert_eq!(authorized.len(), 1);
    assert_eq!(authorized[0].params["debit"], 3);
    let created = service.asked("createSession");
    assert!(created.iter().all(|seen| seen.params["status"] == "active"), "{created:?}");
    let events = tested.quit().await;
    let searching = |event: &&Event| step(event) == Some(ConnectionStep::Searching);
    assert_eq!(events.iter().filter(searching).count(), 0, "a headset is connected");
}

#[tokio::test]
async fn a_service_that_is_not_there_yet_is_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut tested = ClientUnderTest::start(config(&format!("ws://{address}")));
    let why = tested
        .until(|event| match event {
            Event::Link(Link::Waiting { error, attempt: 2, .. }) => Some(error.to_string()),
            _ => None,
        })
        .await;
    assert!(why.contains("nothing listens on") && why.contains("EMOTIV Launcher"), "{why}");
    // What is requested meanwhile is either refused with a message or remembered.
    tested.command(Command::Scan { anyway: false }).await;
    assert!(tested.until(refused).await.contains("not connected"));
    let _service =
        ScriptedService::on(TcpListener::bind(address).await.unwrap(), None, |_| Reply::Usual);
    tested.until(reached(ConnectionStep::Streaming)).await;
    tested.quit().await;
}

#[tokio::test(start_paused = true)]
async fn after_a_long_absence_a_command_tries_again_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut tested = ClientUnderTest::start(config(&format!("ws://{address}")));
    let mut left = Duration::ZERO;
    while left < Duration::from_secs(20) {
        let event = tested.client.events.recv().await.unwrap();
        if let Event::Link(Link::Waiting { at, .. }) = event {
            left = at.duration_since(Instant::now());
        }
    }
    let _service =
        ScriptedService::on(TcpListener::bind(address).await.unwrap(), None, |_| Reply::Usual);
    let asked = Instant::now();
    tested.command(Command::Connect).await;
    tested.until(reached(ConnectionStep::Streaming)).await;
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    tested.quit().await;
}

#[tokio::test]
async fn a_connection_without_an_identity_is_opened_again_and_finally_blamed_on_the_service() {
    let service = ScriptedService::start(|seen| {
        let message = json!({"jsonrpc": "2.0", "warning": {"code": 11, "message": "re-open"}});
        if seen.connection < 3 { Reply::Texts(vec![message.to_string()]) } else { Reply::Usual }
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    let why = tested
        .until(|event| match event {
            Event::Link(Link::Waiting { error, attempt: 3, .. }) => Some(error.to_string()),
            _ => None,
        })
        .await;
    assert!(why.contains("restart the Cortex service"), "{why}");
    tested.until(reached(ConnectionStep::Streaming)).await;
    tested.quit().await;
}

#[tokio::test(start_paused = true)]
async fn a_service_that_drops_us_once_it_has_greeted_is_left_in_peace_for_longer_and_longer() {
    let service = ScriptedService::start(|seen| match seen.method.as_str() {
        "getLicenseInfo" => Reply::Result(licence(&["eeg"], json!(9))),
        // Longer than any valid message, so the link ends, each time after an activation.
        "subscribe" if seen.connection < 5 => Reply::Texts(vec!["x".repeat((1 << 20) + 1)]),
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    let started = Instant::now();
    let why = tested.until(|event| waiting(event).filter(|(attempt, _)| *attempt == 5)).await.1;
    assert!(why.contains("longer than") && why.contains("--url"), "{why}");
    // 0.5 + 1 + 2 + 4 s, each jittered by a fifth at most.
    assert!(started.elapsed() >= Duration::from_secs(6), "{:?}", started.elapsed());
    assert_eq!(service.asked("createSession").len(), 5);

    // A connection that has lived for a while counts as a good one.
    tested.until(reached(ConnectionStep::Streaming)).await;
    tokio::time::sleep(Duration::from_secs(31)).await;
    service.drop_connections();
    assert_eq!(tested.until(waiting).await.0, 1);
    tested.quit().await;
}

#[tokio::test(start_paused = true)]
async fn a_service_that_forgets_who_is_calling_after_the_greeting_is_blamed_too() {
    let service = ScriptedService::start(|seen| {
        let message = json!({"jsonrpc": "2.0", "warning": {"code": 11, "message": "re-open"}});
        match seen.method.as_str() {
            "getUserLogin" => Reply::Texts(vec![message.to_string()]),
            _ => Reply::Usual,
        }
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    let why = tested.until(|event| waiting(event).filter(|(attempt, _)| *attempt == 3)).await.1;
    assert!(why.contains("restart the Cortex service"), "{why}");
    tested.quit().await;
}

#[tokio::test]
async fn quitting_is_bounded_even_if_nobody_answers_and_nobody_reads() {
    let service = ScriptedService::start(|seen| match seen.method.as_str() {
        "updateSession" => Reply::Nothing,
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    tested.until(reached(ConnectionStep::Streaming)).await;
    let started = Instant::now();
    tested.command(Command::Quit).await;
    tested.client.task.await.unwrap();
    assert!(started.elapsed() < Duration::from_millis(1500));
    assert_eq!(service.asked("updateSession").len(), 1);
}
