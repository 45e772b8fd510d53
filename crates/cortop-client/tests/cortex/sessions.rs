//! Sessions and their streams (§2.7, §2.8, §2.12): opened, refused, adopted, lost and resumed.

use std::time::Duration;

use cortop_client::{
    Command, CommandId, ConnectionStep, Event, Feed, SessionMode, SessionPolicy, Stream,
    session::SessionStatus,
};
use cortop_protocol::unavailable::NOT_RECORDED;
use cortop_sim::Options;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    service::{
        ClientUnderTest, EPOCX, INSIGHT, ReceivedRequest, Reply, ScriptedService, closed, config,
        licence, opened, reached, refused, session, step, subscribed,
    },
    simulated::{SimHarness, options},
};

#[tokio::test]
async fn from_socket_to_samples_and_a_goodbye_that_closes_our_session_only() {
    let service = ScriptedService::start(|seen: &ReceivedRequest| match seen.method.as_str() {
        "getLicenseInfo" => Reply::Result(licence(&["eeg", "pm"], json!(7))),
        "subscribe" => {
            let answer = json!({"id": seen.id, "result": {
                "failure": [
                    {"code": -32016, "message": "No.", "streamName": "eeg"},
                    {"code": -32016, "message": NOT_RECORDED, "streamName": "fac"},
                ],
                "success": [{"cols": ["Battery", ["AF3"]], "streamName": "dev"}],
            }});
            let sample = json!({"dev": [4, [2]], "sid": seen.params["session"], "time": 1.5});
            Reply::Texts(vec![answer.to_string(), sample.to_string()])
        }
        _ => Reply::Usual,
    })
    .await;
    let mut config = config(&service.url);
    config.streams = vec![Stream::Eeg, Stream::Dev, Stream::Pow, Stream::Fac];
    let mut tested = ClientUnderTest::start(config);

    let (streams, refused) = tested
        .until(|event| match event {
            Event::Subscribed { streams, refused, .. } => Some((streams.clone(), refused.clone())),
            _ => None,
        })
        .await;
    assert_eq!(streams, [Stream::Dev]);
    let of = |stream| refused.iter().find(|(own, _)| *own == stream).map(|(_, why)| why).unwrap();
    assert_eq!(refused.len(), 3);
    assert!(of(Stream::Eeg).next.contains("eeg: licence and session allow it"), "{refused:?}");
    assert_eq!(of(Stream::Fac).next, "fac: the other streams keep running");
    assert!(of(Stream::Pow).message().contains("did not mention pow"), "{refused:?}");
    tested.until(reached(ConnectionStep::Streaming)).await;

    let Feed::Subscribed(dev) = tested.fed().await else { panic!() };
    assert_eq!((dev.headset.as_str(), dev.nominal_rate), (INSIGHT, Some(2.0)));
    let Feed::Sample(sample) = tested.fed().await else { panic!() };
    assert!(sample.text.contains("[4,[2]]"));

    let events = tested.quit().await;
    let steps: Vec<_> = events.iter().filter_map(step).collect();
    assert_eq!(steps.first(), Some(&ConnectionStep::Greeting));
    assert_eq!(steps.last(), Some(&ConnectionStep::Streaming));
    let (mode, why) = events.iter().find_map(opened).unwrap();
    assert_eq!(mode, SessionMode::Active);
    assert!(why.contains("scope eeg and 7 activations"), "{why}");
    assert!(
        events.iter().any(
            |event| matches!(event, Event::Session(one) if one.headset.id.as_str() == INSIGHT)
        )
    );

    assert_eq!(service.asked("createSession")[0].params["status"], "active");
    assert_eq!(service.asked("authorize")[0].params.get("debit"), None);
    assert_eq!(service.asked("updateSession")[0].params["status"], "close");
    assert!(service.asked("controlDevice").is_empty(), "neither a scan nor a disconnect");
}

#[tokio::test]
async fn a_headset_that_is_not_ready_is_asked_again_with_growing_pauses() {
    let mut times = 0;
    let service = ScriptedService::start(move |seen| match seen.method.as_str() {
        "createSession" if times < 2 => {
            times += 1;
            Reply::Error(-32152, "The headset is not ready.")
        }
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    let started = Instant::now();
    tested.until(reached(ConnectionStep::Streaming)).await;
    assert!(started.elapsed() >= Duration::from_millis(1500));
    assert_eq!(service.asked("createSession").len(), 3);
    assert!(tested.quit().await.iter().all(|event| refused(event).is_none()));
}

#[tokio::test]
async fn without_quota_the_session_is_opened_and_says_why_unless_the_user_insists() {
    for policy in [SessionPolicy::Auto, SessionPolicy::Active] {
        let service = ScriptedService::start(|seen| match seen.method.as_str() {
            "getLicenseInfo" => Reply::Result(licence(&["eeg"], Value::Null)),
            "createSession" if seen.params["status"] == "active" => {
                Reply::Error(-32019, "Session limit on this device has been reached.")
            }
            _ => Reply::Usual,
        })
        .await;
        let mut tested = ClientUnderTest::start(config(&service.url).session(policy));
        if policy == SessionPolicy::Auto {
            let (mode, why) = tested.until(opened).await;
            assert_eq!(mode, SessionMode::Open);
            assert!(why.contains("Session limit") && why.contains("--debit"), "{why}");
        } else {
            let refusal = tested.until(refused).await;
            assert!(refusal.contains("createSession -32019"), "{refusal}");
            tested.until(reached(ConnectionStep::Stopped)).await;
        }
        tested.quit().await;
    }
}

/// A service on which another program of the same application holds a session.
async fn shared(
    mut script: impl FnMut(&ReceivedRequest) -> Reply + Send + 'static,
) -> ScriptedService {
    ScriptedService::start(move |seen| match (script(seen), seen.method.as_str()) {
        (Reply::Usual, "getLicenseInfo") => Reply::Result(licence(&["eeg"], json!(7))),
        (Reply::Usual, "createSession") => Reply::Error(-32005, "The session exists."),
        (Reply::Usual, "querySessions") => {
            Reply::Result(json!([session("theirs", INSIGHT, "opened")]))
        }
        (said, _) => said,
    })
    .await
}

#[tokio::test]
async fn another_programs_session_is_shared_and_left_as_it_is() {
    let service = shared(|_| Reply::Usual).await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    let (mode, why) = tested.until(opened).await;
    assert_eq!(mode, SessionMode::Open);
    assert!(why.contains("another program"), "{why}");
    tested.until(reached(ConnectionStep::Streaming)).await;
    let events = tested.quit().await;
    assert!(service.asked("updateSession").is_empty(), "neither activated nor closed");
    assert!(events.iter().filter_map(closed).all(|why| why.contains("left open")));

    // An explicit request of the user overrides that.
    let mut tested = ClientUnderTest::start(config(&service.url));
    tested.until(reached(ConnectionStep::Streaming)).await;
    tested.command(Command::Close("theirs".into())).await;
    assert_eq!(tested.until(closed).await, "closed by you");
    tested.quit().await;
    let updated = service.asked("updateSession");
    assert!(matches!(updated.as_slice(), [one] if one.params["status"] == "close"), "{updated:?}");
}

#[tokio::test(start_paused = true)]
async fn another_programs_session_that_is_of_no_use_is_not_closed_for_that() {
    let service = shared(|seen| match seen.method.as_str() {
        "subscribe" => Reply::Error(-32012, "Activate it."),
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    let refusal = tested.until(refused).await;
    assert!(refusal.starts_with("subscribe -32012"), "{refusal}");
    // It is still followed, and subscribed to again later.
    tested.until(reached(ConnectionStep::Stopped)).await;
    tested.until(refused).await;
    tested.quit().await;
    assert!(service.asked("updateSession").is_empty());
    assert_eq!(service.asked("createSession").len(), 1);
}

#[tokio::test]
async fn an_adopted_session_that_is_gone_after_all_gives_way_to_one_of_ours() {
    let mut there = true;
    let service = shared(move |seen| match seen.method.as_str() {
        "subscribe" if seen.params["session"] == "theirs" => {
            there = false;
            Reply::Error(-32007, "The session does not exist.")
        }
        "createSession" if !there => Reply::Result(session("ours", INSIGHT, "opened")),
        "querySessions" if !there => Reply::Result(json!([session("ours", INSIGHT, "opened")])),
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    let Feed::Subscribed(flowing) = tested.fed().await else { panic!() };
    assert_eq!(flowing.session.as_str(), "ours");
    tested.until(reached(ConnectionStep::Streaming)).await;
    tested.quit().await;
    let updated = service.asked("updateSession");
    assert!(updated.iter().all(|seen| seen.params["session"] == "ours"), "{updated:?}");
}

#[tokio::test]
async fn a_session_of_ours_that_outlived_its_connection_is_still_ours() {
    let ours = format!("session-0-of-{INSIGHT}");
    let lingering = json!([session(&ours, INSIGHT, "opened")]);
    let service =
        ScriptedService::start(move |seen| match (seen.connection, seen.method.as_str()) {
            (1, "createSession") => Reply::Error(-32005, "The session exists."),
            (1, "querySessions") => Reply::Result(lingering.clone()),
            _ => Reply::Usual,
        })
        .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    tested.until(reached(ConnectionStep::Streaming)).await;
    service.drop_connections();
    tested.until(closed).await;
    tested.until(reached(ConnectionStep::Streaming)).await;
    tested.quit().await;
    let updated = service.asked("updateSession");
    assert!(matches!(updated.as_slice(), [one] if one.params["session"] == *ours), "{updated:?}");
}

#[tokio::test]
async fn an_answer_without_a_session_is_a_refusal() {
    for answer in [Value::Null, json!([session("s", INSIGHT, "opened")]), json!({"id": ""})] {
        let service = ScriptedService::start(move |seen| match seen.method.as_str() {
            "createSession" => Reply::Result(answer.clone()),
            _ => Reply::Usual,
        })
        .await;
        let mut tested = ClientUnderTest::start(config(&service.url));
        let refusal = tested.until(refused).await;
        assert!(refusal.contains("createSession: Cortex returned no session"), "{refusal}");
        tested.until(reached(ConnectionStep::Stopped)).await;
        tested.quit().await;
        assert!(service.asked("subscribe").is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_headset_that_stays_unready_is_told_while_it_is_tried_on() {
    let mut times = 0;
    let service = ScriptedService::start(move |seen| match seen.method.as_str() {
        "createSession" if times < 4 => {
            times += 1;
            Reply::Error(-32152, "The headset is not ready.")
        }
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    let started = Instant::now();
    let refusal = tested.until(refused).await;
    assert!(refusal.contains("-32152") && refusal.contains("dongle"), "{refusal}");
    assert!(started.elapsed() < Duration::from_secs(6), "{:?}", started.elapsed());
    tested.until(reached(ConnectionStep::Streaming)).await;
    assert_eq!(tested.quit().await.iter().filter_map(refused).count(), 1);
}

#[tokio::test]
async fn a_lost_headset_closes_the_session_and_a_new_one_is_opened() {
    let mut times = 0;
    let service = ScriptedService::start(move |seen| match seen.method.as_str() {
        "createSession" => {
            times += 1;
            Reply::Result(session(&format!("session {times}"), INSIGHT, "opened"))
        }
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    tested.until(reached(ConnectionStep::Streaming)).await;
    service.warn(103, json!({"behavior": "No data for 30 s.", "headsetId": INSIGHT}));
    service
        .warn(1, json!({"behavior": "Cortex has closed the session.", "sessionId": "session 1"}));
    assert_eq!(tested.until(closed).await, "No data for 30 s.");
    tested.until(reached(ConnectionStep::Streaming)).await;
    let ids: Vec<_> = tested
        .quit()
        .await
        .iter()
        .filter_map(|event| match event {
            Event::Opened { session, .. } => Some(session.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(ids, ["session 1", "session 2"]);
}

#[tokio::test]
async fn a_session_whose_samples_come_back_is_carried_on() {
    let service = ScriptedService::start(|_| Reply::Usual).await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    tested.until(reached(ConnectionStep::Streaming)).await;
    let id = format!("session-0-of-{INSIGHT}");
    let sample = json!({"dev": [1], "sid": id, "time": 1}).to_string();
    service.warn(0, json!({"behavior": "stopped", "sessionId": id}));
    service.push.send(sample.clone()).unwrap();
    service.warn(103, json!({"behavior": "No data for 30 s.", "headsetId": INSIGHT}));
    assert_eq!(tested.until(closed).await, "No data for 30 s.");
    // What resumed earlier does not count.
    service.push.send(sample).unwrap();
    tested.until(reached(ConnectionStep::Streaming)).await;
    let events = tested.quit().await;
    assert_eq!(service.asked("createSession").len(), 1);
    assert_eq!(events.iter().rev().find_map(closed).unwrap(), "cortop has ended");
}

#[tokio::test]
async fn activating_subscribes_what_needs_it_afterwards() {
    let service = ScriptedService::start(|seen| match seen.method.as_str() {
        "subscribe" => {
            let mut answer = subscribed(&seen.params);
            let eeg = seen.params["streams"].as_array().unwrap().contains(&json!("eeg"));
            if eeg && seen.params["streams"].as_array().unwrap().len() == 3 {
                answer["success"].as_array_mut().unwrap().retain(|one| one["streamName"] != "eeg");
                answer["failure"] = json!([{"code": -32016, "streamName": "eeg"}]);
            }
            Reply::Result(answer)
        }
        _ => Reply::Usual,
    })
    .await;
    let mut config = config(&service.url);
    config.streams = vec![Stream::Eeg, Stream::Dev, Stream::Met];
    let mut tested = ClientUnderTest::start(config);
    let session = tested
        .until(|event| match event {
            Event::Subscribed { session, streams, .. } if !streams.contains(&Stream::Eeg) => {
                Some(session.clone())
            }
            _ => None,
        })
        .await;
    tested.until(reached(ConnectionStep::Streaming)).await;
    tested.command(Command::Activate(session)).await;
    let streams = tested
        .until(|event| match event {
            Event::Subscribed { streams, refused, .. } if refused.is_empty() => {
                Some(streams.clone())
            }
            _ => None,
        })
        .await;
    assert_eq!(streams.len(), 3);
    assert_eq!(service.asked("unsubscribe")[0].params["streams"], json!(["met"]));
    assert_eq!(service.asked("subscribe")[1].params["streams"], json!(["eeg", "met"]));
    tested.quit().await;
}

#[tokio::test]
async fn a_session_that_is_listed_no_more_is_gone_though_nobody_said_so() {
    let service = ScriptedService::start(|seen| match seen.method.as_str() {
        "querySessions" => Reply::Result(json!([])),
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    tested.until(reached(ConnectionStep::Streaming)).await;
    // Each warning about a headset makes the client poll.
    let nudging = async {
        loop {
            service.warn(104, json!({"headsetId": EPOCX}));
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::select! {
        why = tested.until(closed) => assert!(why.contains("by another program"), "{why}"),
        () = nudging => {}
    }
    for _ in 0..2 {
        assert!(matches!(tested.fed().await, Feed::Subscribed(_)));
    }
    assert!(matches!(tested.fed().await, Feed::Ended(_)));
    tested.quit().await;
}

#[tokio::test(start_paused = true)]
async fn sessions_that_do_not_last_are_opened_with_growing_pauses() {
    let service = ScriptedService::start(|seen| match seen.method.as_str() {
        "subscribe" => {
            let answer = json!({"id": seen.id, "result": subscribed(&seen.params)});
            let message = json!({"behavior": "No data.", "headsetId": INSIGHT});
            let warning = json!({"warning": {"code": 103, "message": message}});
            Reply::Texts(vec![answer.to_string(), warning.to_string()])
        }
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    tested.until(closed).await;
    let started = Instant::now();
    for _ in 0..4 {
        tested.until(closed).await;
    }
    // 0.5 + 1 + 2 + 4 s, and each time a moment for the old session to resume.
    assert!(started.elapsed() >= Duration::from_secs(13), "{:?}", started.elapsed());
    tested.quit().await;
}

#[tokio::test]
async fn activations_are_moved_here_on_order_and_one_is_used() {
    let options = Options { quota: 0, ..options(&["epocx:connected"]) };
    let mut rig = SimHarness::with(options, |config| config).await;
    let session = rig.streaming().await;
    let id = CommandId(1);
    let debit = Command::Debit { session: session.clone(), activations: 3 };
    let outcome = rig
        .ask(Command::Tracked { id, command: Box::new(debit) }, |event| match event {
            Event::Outcome { command, outcome } if *command == id => Some(outcome.clone()),
            _ => None,
        })
        .await;
    assert_eq!(outcome, Ok(()));
    rig.tested
        .until(|event| match event {
            Event::Subscribed { streams, .. } => streams.contains(&Stream::Eeg).then_some(()),
            _ => None,
        })
        .await;
    let events = rig.tested.quit().await;
    let left: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Licence(licence) => licence.local_quota,
            _ => None,
        })
        .collect();
    assert_eq!(left, [0.0, 3.0, 2.0]);
    let activated = |event: &Event| match event {
        Event::Session(own) => own.id == session && own.status == SessionStatus::Activated,
        _ => false,
    };
    assert!(events.iter().any(activated));
}

#[tokio::test(start_paused = true)]
async fn after_an_activation_whose_subscribe_fails_what_cortex_answered_last_is_shown() {
    let mut active = false;
    let mut fails = true;
    let service = ScriptedService::start(move |seen| match seen.method.as_str() {
        "getLicenseInfo" => Reply::Result(licence(&["eeg", "pm"], json!(7))),
        "updateSession" if seen.params["status"] == "active" => {
            active = true;
            Reply::Usual
        }
        "subscribe" if active && std::mem::take(&mut fails) => Reply::Error(-32603, "not now"),
        "subscribe" if !active => {
            let refused = json!([{"code": -32016, "message": "No.", "streamName": "eeg"}]);
            let mut answer = subscribed(&json!({"streams": ["dev", "met"]}));
            answer["failure"] = refused;
            Reply::Result(answer)
        }
        _ => Reply::Usual,
    })
    .await;
    let streams = vec![Stream::Eeg, Stream::Dev, Stream::Met];
    let config = config(&service.url).session(SessionPolicy::Open).streams(streams);
    let mut tested = ClientUnderTest::start(config);
    let answered = |event: &Event| match event {
        Event::Subscribed { session, streams, refused, .. } => {
            let refused: Vec<_> = refused.iter().map(|(stream, _)| *stream).collect();
            let mut streams = streams.clone();
            streams.sort_unstable();
            Some((session.clone(), streams, refused))
        }
        _ => None,
    };
    let (session, streams, refused_streams) = tested.until(answered).await;
    assert_eq!((streams, refused_streams), (vec![Stream::Dev, Stream::Met], vec![Stream::Eeg]));
    tested.command(Command::Activate(session)).await;
    assert!(tested.until(refused).await.contains("not now"));
    // `met` is unsubscribed, and the old refusal of `eeg` no longer holds.
    let (_, streams, refused_streams) = tested.until(answered).await;
    assert_eq!((streams, refused_streams), (vec![Stream::Dev], vec![]));
    // Then it is retried automatically.
    let (_, streams, refused_streams) = tested.until(answered).await;
    let all = vec![Stream::Eeg, Stream::Dev, Stream::Met];
    assert_eq!((streams, refused_streams), (all, vec![]));
    tested.quit().await;
}
