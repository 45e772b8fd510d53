//! Sessions of our own after their end: which are reopened, how, and what that costs.

use cortop_client::{Command, ConnectionStep, Event, SessionMode, SessionPolicy};
use cortop_protocol::{Session, session::SessionStatus};
use cortop_sim::fault::Fault;
use serde_json::json;

use crate::{
    service::{
        ClientUnderTest, EPOCX, INSIGHT, Reply, ScriptedService, closed, config, headset, licence,
        opened, reached, refused,
    },
    simulated::{OtherProgram, SimHarness, options},
};

fn status(seen: &crate::service::ReceivedRequest) -> String {
    seen.params["status"].as_str().unwrap_or_default().to_owned()
}

/// The modes in which sessions have been requested so far.
fn asked(service: &ScriptedService) -> Vec<String> {
    service.asked("createSession").iter().map(status).collect()
}

fn open(id: &str, mode: Option<SessionMode>) -> Command {
    Command::Open { headset: id.into(), mode }
}

fn object(event: &Event) -> Option<Session> {
    match event {
        Event::Session(session) => Some(session.clone()),
        _ => None,
    }
}

#[tokio::test]
async fn after_a_lost_connection_the_licence_pays_once_where_it_still_can_and_the_log_says_so() {
    let mut few = options(&["epocx:connected"]);
    few.quota = 2;
    let mut rig = SimHarness::with(few, |config| config).await;
    for (mode, words) in [
        (SessionMode::Active, "2 activations left here"),
        (SessionMode::Active, "activated again after a loss: 1 activation used, 0 left here"),
        (SessionMode::Open, "no activation is left"),
    ] {
        if words.starts_with("activated again") {
            // Announced before it is spent.
            let announced = |event: &Event| match event {
                Event::Activating { headset, used, left } => Some((headset.clone(), *used, *left)),
                Event::Opened { .. } => panic!("not announced"),
                _ => None,
            };
            let (headset, used, left) = rig.tested.until(announced).await;
            assert!(headset.as_str().starts_with("EPOCX-"));
            assert_eq!((used, left), (1, Some(1.0)));
        }
        let (opened, why) = rig.tested.until(opened).await;
        assert_eq!(opened, mode, "{why}");
        assert!(why.contains(words), "{why}");
        rig.tested.until(reached(ConnectionStep::Streaming)).await;
        rig.order(Fault::Drop { close: true });
    }
    // The licence is read again each time.
    rig.sim.control().licence(&["eeg"], 9);
    assert_eq!(rig.tested.until(opened).await.0, SessionMode::Active);
    rig.tested.until(reached(ConnectionStep::Streaming)).await;
    rig.sim.control().licence(&[], 8);
    rig.order(Fault::Drop { close: true });
    let (mode, why) = rig.tested.until(opened).await;
    assert_eq!(mode, SessionMode::Open);
    assert!(why.contains("no scope"), "{why}");
    let events = rig.tested.quit().await;
    let used = events.iter().filter_map(|event| match event {
        Event::Activated { used } => Some(*used),
        _ => None,
    });
    assert_eq!(used.collect::<Vec<_>>(), [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_lost_before_it_streams_is_not_activated_again() {
    let service = ScriptedService::start(|seen| match seen.method.as_str() {
        "getLicenseInfo" => Reply::Result(licence(&["eeg"], json!(9))),
        // Longer than any valid message: the link ends.
        "subscribe" if seen.connection < 3 => Reply::Texts(vec!["x".repeat((1 << 20) + 1)]),
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    tested.until(reached(ConnectionStep::Streaming)).await;
    assert_eq!(asked(&service), ["active", "open", "open", "open"]);
    // At the user's request it is.
    let session = tested.events.iter().rev().find_map(object).unwrap();
    tested.command(Command::Close(session.id)).await;
    tested.until(closed).await;
    tested.command(open(INSIGHT, None)).await;
    tested.until(reached(ConnectionStep::Streaming)).await;
    assert_eq!(asked(&service).last().unwrap(), "active");
    tested.quit().await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_subscription_is_tried_again_in_the_same_session() {
    let mut times = 0;
    let service = ScriptedService::start(move |seen| match seen.method.as_str() {
        "getLicenseInfo" => Reply::Result(licence(&["eeg"], json!(9))),
        "subscribe" if times < 3 => {
            times += 1;
            Reply::Error(-32603, "Internal error.")
        }
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    assert!(tested.until(refused).await.starts_with("subscribe -32603"));
    tested.until(reached(ConnectionStep::Stopped)).await;
    tested.until(reached(ConnectionStep::Streaming)).await;
    let events = tested.quit().await;
    assert_eq!(asked(&service), ["active"]);
    assert_eq!(service.asked("updateSession").len(), 1, "closed at the end");
    assert_eq!(events.iter().filter_map(closed).collect::<Vec<_>>(), ["cortop has ended"]);
}

#[tokio::test]
async fn a_session_that_is_closed_while_its_headset_stays_connected_stays_closed() {
    let service = ScriptedService::start(|_| Reply::Usual).await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    tested.until(reached(ConnectionStep::Streaming)).await;
    let id = format!("session-0-of-{INSIGHT}");
    service.warn(0, json!({"behavior": "Stopped.", "sessionId": id}));
    service.warn(1, json!({"behavior": "Closed.", "sessionId": id}));
    let why = tested.until(closed).await;
    assert!(why.contains("closed by Cortex, while its headset stayed connected"), "{why}");
    tested.until(reached(ConnectionStep::Choosing)).await;
    assert_eq!(service.asked("createSession").len(), 1);
    tested.command(open(INSIGHT, None)).await;
    tested.until(reached(ConnectionStep::Streaming)).await;
    assert_eq!(service.asked("createSession").len(), 2);
    tested.quit().await;
}

#[tokio::test]
async fn a_session_that_another_program_closes_stays_closed() {
    let mut rig = SimHarness::start(&["epocx:connected"]).await;
    let session = rig.streaming().await;
    let mut other = OtherProgram::start(&rig.sim).await;
    other.ask("updateSession", json!({"session": session.as_str(), "status": "close"})).await;
    let why = rig.tested.until(closed).await;
    assert_eq!(why, "closed by another program of this application");
    rig.tested.until(reached(ConnectionStep::Choosing)).await;
    assert_eq!(other.ask("querySessions", json!({})).await, json!([]));
    rig.tested.quit().await;
}

#[tokio::test]
async fn the_answer_to_closing_is_its_last_state() {
    let mut rig = SimHarness::start(&["epocx:connected"]).await;
    let id = rig.streaming().await;
    let last = |event: &Event| object(event).filter(|one| one.status == SessionStatus::Closed);
    let session = rig.ask(Command::Close(id.clone()), last).await;
    assert_eq!(session.id, id);
    assert_eq!(session.streams, Some(Vec::new()));
    assert!(session.stopped.is_some_and(|stopped| !stopped.is_empty()));
    assert_eq!(rig.tested.until(closed).await, "closed by you");
    rig.tested.quit().await;
}

#[tokio::test]
async fn two_headsets_that_drop_out_together_both_come_back_to_their_sessions() {
    let service = ScriptedService::start(|seen| match seen.method.as_str() {
        "queryHeadsets" => {
            Reply::Result(json!([headset(INSIGHT, "connected"), headset(EPOCX, "connected")]))
        }
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    for id in [INSIGHT, EPOCX] {
        tested.command(open(id, None)).await;
        tested.until(|event| matches!(event, Event::Subscribed { .. }).then_some(())).await;
    }
    for id in [INSIGHT, EPOCX] {
        service.warn(103, json!({"behavior": "No data.", "headsetId": id}));
        let session = format!("session-0-of-{id}");
        service.warn(0, json!({"behavior": "Stopped.", "sessionId": session}));
        service.warn(1, json!({"behavior": "Closed.", "sessionId": session}));
    }
    for _ in 0..2 {
        tested.until(closed).await;
    }
    for id in [INSIGHT, EPOCX] {
        let sample = json!({"dev": [1], "sid": format!("session-0-of-{id}"), "time": 1});
        service.push.send(sample.to_string()).unwrap();
    }
    for _ in 0..2 {
        tested.until(|event| matches!(event, Event::Subscribed { .. }).then_some(())).await;
    }
    assert_eq!(service.asked("createSession").len(), 2, "no new session is needed");
    tested.quit().await;
}

#[tokio::test]
async fn streams_that_stop_and_do_not_come_back_are_subscribed_again() {
    let service = ScriptedService::start(|_| Reply::Usual).await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    tested.until(reached(ConnectionStep::Streaming)).await;
    service.warn(0, json!({"sessionId": format!("session-0-of-{INSIGHT}")}));
    tested.until(reached(ConnectionStep::Stopped)).await;
    tested.until(reached(ConnectionStep::Streaming)).await;
    assert_eq!(service.asked("subscribe").len(), 2);
    assert_eq!(service.asked("createSession").len(), 1);
    tested.quit().await;
}

#[tokio::test]
async fn a_licence_that_could_not_be_read_once_is_read_for_the_next_session() {
    let service = ScriptedService::start(|seen| match seen.method.as_str() {
        "getLicenseInfo" if seen.connection == 0 => Reply::Error(-32000, "The cloud failed."),
        "getLicenseInfo" => Reply::Result(licence(&["eeg"], json!(3))),
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    let (mode, why) = tested.until(opened).await;
    assert_eq!(mode, SessionMode::Open);
    assert!(why.contains("could not be read"), "{why}");
    tested.until(reached(ConnectionStep::Streaming)).await;
    service.drop_connections();
    assert_eq!(tested.until(opened).await.0, SessionMode::Active);
    tested.quit().await;
}

#[tokio::test]
async fn what_one_user_activated_is_not_charged_to_the_next() {
    let mut users = ["ana.lab", "ben.lab", "ana.lab"].into_iter();
    let service = ScriptedService::start(move |seen| match seen.method.as_str() {
        "getUserLogin" => Reply::Result(json!([{"username": users.next().unwrap()}])),
        "getLicenseInfo" => Reply::Result(licence(&["eeg"], json!(3))),
        _ => Reply::Usual,
    })
    .await;
    let config = config(&service.url).session(SessionPolicy::Open);
    let mut tested = ClientUnderTest::start(config);
    tested.until(reached(ConnectionStep::Streaming)).await;
    tested.command(Command::Activate(format!("session-0-of-{INSIGHT}").into())).await;
    let activated =
        |event: &Event| object(event).filter(|one| one.status == SessionStatus::Activated);
    tested.until(activated).await;
    for (user, mode) in [("ben.lab", SessionMode::Open), ("ana.lab", SessionMode::Active)] {
        service.warn(3, json!("logged out"));
        assert!(tested.until(closed).await.contains("logged out"));
        let named = |event: &Event| match event {
            Event::User(Some(login)) => Some(login.username.clone()),
            _ => None,
        };
        assert_eq!(tested.until(named).await, user);
        let (opened, why) = tested.until(opened).await;
        assert_eq!(opened, mode, "{user}: {why}");
        tested.until(reached(ConnectionStep::Streaming)).await;
    }
    assert_eq!(asked(&service), ["open", "open", "active"]);
    tested.quit().await;
}

#[tokio::test]
async fn an_attempt_that_takes_too_long_can_be_called_off_and_leaves_no_session() {
    let mut rig = SimHarness::start(&["insight:INSIGHT-0A1B2C3D:connected"]).await;
    rig.order(Fault::Refuse {
        method: Some("createSession".to_owned()),
        code: -32152,
        message: None,
        times: 1000,
    });
    rig.tested.until(reached(ConnectionStep::Opening(INSIGHT.into()))).await;
    rig.ask(Command::CallOff(INSIGHT.into()), reached(ConnectionStep::Choosing)).await;
    // An attempt that is under way is completed first.
    rig.order(Fault::Clear {});
    let late = |seconds: f64| Fault::Late {
        method: Some("createSession".to_owned()),
        seconds: seconds.into(),
        times: 1,
    };
    rig.order(late(0.5));
    rig.tested.command(open(INSIGHT, None)).await;
    rig.tested.until(reached(ConnectionStep::Opening(INSIGHT.into()))).await;
    let mut other = OtherProgram::start(&rig.sim).await;
    while other.ask("querySessions", json!({})).await == json!([]) {}
    rig.ask(Command::CallOff(INSIGHT.into()), reached(ConnectionStep::Choosing)).await;
    assert_eq!(other.ask("querySessions", json!({})).await, json!([]));
    rig.tested.quit().await;
}

#[tokio::test]
async fn what_is_ordered_while_a_session_closes_concerns_the_next_or_nothing() {
    let mut rig = SimHarness::with(options(&["insight:INSIGHT-0A1B2C3D:connected"]), |config| {
        config.session(SessionPolicy::Open)
    })
    .await;
    let session = rig.streaming().await;
    rig.order(Fault::Late {
        method: Some("updateSession".to_owned()),
        seconds: 0.3.into(),
        times: 1,
    });
    for command in
        [Command::Close(session.clone()), Command::Activate(session.clone()), open(INSIGHT, None)]
    {
        rig.tested.command(command).await;
    }
    assert_eq!(rig.tested.until(closed).await, "closed by you");
    let refusal = rig.tested.until(refused).await;
    assert!(refusal.contains("updateSession: this session has ended"), "{refusal}");
    assert_eq!(rig.tested.until(opened).await.0, SessionMode::Open);
    rig.tested.until(reached(ConnectionStep::Streaming)).await;
    let events = rig.tested.quit().await;
    let sessions: std::collections::BTreeSet<_> =
        events.iter().filter_map(object).map(|session| session.id).collect();
    assert_eq!(sessions.len(), 2);
}
