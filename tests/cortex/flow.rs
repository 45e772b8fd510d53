//! The client's flow (§2) against a scripted service.

use std::time::Duration;

use crate::service::{
    Say, Seen, Service, TOKEN, Tested, config, headset, licence, session, subscribed,
};
use cortop::cortex::{
    Command, Config, Event, Feed, Link, SessionMode, Step, Stream, account::UserLogin,
    client::SessionPolicy,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::Instant};

const INSIGHT: &str = "INSIGHT-0A1B2C3D";
const EPOCX: &str = "EPOCX-1A2B3C4D";

fn step(event: &Event) -> Option<Step> {
    match event {
        Event::Link(Link::Up { step, .. }) => Some(step.clone()),
        _ => None,
    }
}

fn reached(wanted: Step) -> impl Fn(&Event) -> Option<()> {
    move |event| (step(event)? == wanted).then_some(())
}

fn opened(event: &Event) -> Option<(SessionMode, String)> {
    match event {
        Event::Opened { mode, why, .. } => Some((*mode, why.clone())),
        _ => None,
    }
}

fn refused(event: &Event) -> Option<String> {
    match event {
        Event::Refused(refusal) => Some(refusal.to_string()),
        _ => None,
    }
}

fn closed(event: &Event) -> Option<String> {
    match event {
        Event::Closed { why, .. } => Some(why.clone()),
        _ => None,
    }
}

#[tokio::test]
async fn from_socket_to_samples_and_a_goodbye_that_closes_our_session_only() {
    let service = Service::start(|seen: &Seen| match seen.method.as_str() {
        "getLicenseInfo" => Say::Result(licence(&["eeg", "pm"], json!(7))),
        "subscribe" => {
            let answer = json!({"id": seen.id, "result": {
                "failure": [{"code": -32016, "message": "No.", "streamName": "eeg"}],
                "success": [{"cols": ["Battery", ["AF3"]], "streamName": "dev"}],
            }});
            let sample = json!({"dev": [4, [2]], "sid": seen.params["session"], "time": 1.5});
            Say::Texts(vec![answer.to_string(), sample.to_string()])
        }
        _ => Say::Usual,
    })
    .await;
    let mut config = config(&service.url);
    config.streams = vec![Stream::Eeg, Stream::Dev, Stream::Pow];
    let mut tested = Tested::start(config);

    let (streams, refused) = tested
        .until(|event| match event {
            Event::Subscribed { streams, refused, .. } => Some((streams.clone(), refused.clone())),
            _ => None,
        })
        .await;
    assert_eq!(streams, [Stream::Dev]);
    assert_eq!(refused.len(), 2);
    assert!(refused[0].1.next.contains("licence with scope eeg"), "{refused:?}");
    assert!(refused[1].1.message.contains("without a word on pow"), "{refused:?}");
    tested.until(reached(Step::Streaming)).await;

    let Feed::Subscribed(dev) = tested.fed().await else { panic!() };
    assert_eq!((dev.headset.as_str(), dev.nominal_rate), (INSIGHT, Some(2.0)));
    let Feed::Sample(sample) = tested.fed().await else { panic!() };
    assert!(sample.text.contains("[4,[2]]"));

    let events = tested.quit().await;
    let steps: Vec<_> = events.iter().filter_map(step).collect();
    assert_eq!(steps.first(), Some(&Step::Greeting));
    assert_eq!(steps.last(), Some(&Step::Streaming));
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
    let service = Service::start(move |seen| match seen.method.as_str() {
        "createSession" if times < 2 => {
            times += 1;
            Say::Error(-32152, "The headset is not ready.")
        }
        _ => Say::Usual,
    })
    .await;
    let mut tested = Tested::start(config(&service.url));
    let started = Instant::now();
    tested.until(reached(Step::Streaming)).await;
    assert!(started.elapsed() >= Duration::from_millis(1500));
    assert_eq!(service.asked("createSession").len(), 3);
    assert!(tested.quit().await.iter().all(|event| refused(event).is_none()));
}

#[tokio::test]
async fn without_quota_the_session_is_opened_and_says_why_unless_the_user_insists() {
    for policy in [SessionPolicy::Auto, SessionPolicy::Active] {
        let service = Service::start(|seen| match seen.method.as_str() {
            "getLicenseInfo" => Say::Result(licence(&["eeg"], Value::Null)),
            "createSession" if seen.params["status"] == "active" => {
                Say::Error(-32019, "Session limit on this device has been reached.")
            }
            _ => Say::Usual,
        })
        .await;
        let mut tested = Tested::start(Config { session: policy, ..config(&service.url) });
        if policy == SessionPolicy::Auto {
            let (mode, why) = tested.until(opened).await;
            assert_eq!(mode, SessionMode::Open);
            assert!(why.contains("Session limit") && why.contains("--debit"), "{why}");
        } else {
            let refusal = tested.until(refused).await;
            assert!(refusal.contains("createSession -32019"), "{refusal}");
            tested.until(reached(Step::Stopped)).await;
        }
        tested.quit().await;
    }
}

#[tokio::test]
async fn a_lost_socket_brings_back_session_and_streams_and_no_second_debit() {
    let service = Service::start(|seen| match seen.method.as_str() {
        "getLicenseInfo" => Say::Result(licence(&["eeg", "pm"], json!(1))),
        _ => Say::Usual,
    })
    .await;
    let mut tested = Tested::start(Config { debit: Some(3), ..config(&service.url) });
    tested.until(reached(Step::Streaming)).await;
    assert!(matches!(tested.fed().await, Feed::Subscribed(_)));
    assert!(matches!(tested.fed().await, Feed::Subscribed(_)));

    service.drop_connections();
    tested.until(closed).await;
    assert!(matches!(tested.fed().await, Feed::Ended(_)));
    let attempt = tested
        .until(|event| match event {
            Event::Link(Link::Waiting { attempt, .. }) => Some(*attempt),
            _ => None,
        })
        .await;
    assert_eq!(attempt, 1);
    tested.until(reached(Step::Streaming)).await;
    let Feed::Subscribed(again) = tested.fed().await else { panic!() };
    assert_eq!(again.session.as_str(), format!("session-1-of-{INSIGHT}"));

    // The token serves again, so nothing is authorized and nothing debited.
    let authorized = service.asked("authorize");
    assert_eq!(authorized.len(), 1);
    assert_eq!(authorized[0].params["debit"], 3);
    let created = service.asked("createSession");
    assert!(created.iter().all(|seen| seen.params["status"] == "active"), "{created:?}");
    tested.quit().await;
}

#[tokio::test]
async fn a_token_that_no_longer_serves_is_renewed_without_a_debit() {
    let mut refusals = [-32015, -32014].into_iter();
    let service = Service::start(move |seen| match seen.method.as_str() {
        "generateNewToken" => Say::Error(-32130, "later"),
        "createSession" | "subscribe" => match refusals.next() {
            Some(code) => Say::Error(code, "no"),
            None => Say::Usual,
        },
        _ => Say::Usual,
    })
    .await;
    let mut tested = Tested::start(Config { debit: Some(1), ..config(&service.url) });
    tested.until(reached(Step::Streaming)).await;
    let debits: Vec<_> =
        service.asked("authorize").iter().map(|seen| seen.params.get("debit").is_some()).collect();
    assert!(debits[0]);
    assert!(debits.len() >= 2 && debits[1..].iter().all(|debit| !debit), "{debits:?}");
    assert_eq!(service.asked("generateNewToken").len(), 1);
    tested.quit().await;
}

#[tokio::test]
async fn of_several_headsets_the_user_chooses_and_may_have_them_all() {
    let service = Service::start(|seen| match seen.method.as_str() {
        "queryHeadsets" => {
            Say::Result(json!([headset(INSIGHT, "connected"), "odd", headset(EPOCX, "connected")]))
        }
        _ => Say::Usual,
    })
    .await;
    let mut tested = Tested::start(config(&service.url));
    tested.until(reached(Step::Choosing)).await;
    assert!(service.asked("createSession").is_empty());
    let mut sessions = Vec::new();
    for id in [EPOCX, INSIGHT] {
        tested.command(Command::Open(id.into())).await;
        sessions.push(
            tested
                .until(|event| match event {
                    Event::Subscribed { session, .. } => Some(session.clone()),
                    _ => None,
                })
                .await,
        );
    }
    assert_ne!(sessions[0], sessions[1]);

    tested.command(Command::Scan).await;
    assert!(tested.until(refused).await.contains("scan harms"));
    tested.command(Command::Close(sessions[0].clone())).await;
    assert_eq!(tested.until(closed).await, "closed by you");
    tested.command(Command::Close(sessions[0].clone())).await;
    assert!(tested.until(refused).await.contains("no session of ours"));
    tested.command(Command::Disconnect(INSIGHT.into())).await;
    tested.until(reached(Step::Choosing)).await;
    assert!(tested.until(closed).await.contains("disconnected by you"));
    tested.quit().await;
    let commands: Vec<_> =
        service.asked("controlDevice").iter().map(|seen| seen.params["headset"].clone()).collect();
    assert_eq!(commands, [INSIGHT]);
}

#[tokio::test]
async fn a_discovered_headset_is_connected_and_an_odd_warning_does_no_harm() {
    let mut connected = false;
    let service = Service::start(move |seen| match seen.method.as_str() {
        "queryHeadsets" => {
            let status = if connected { "connected" } else { "discovered" };
            Say::Result(json!([headset(INSIGHT, status)]))
        }
        "controlDevice" if seen.params["command"] == "connect" => {
            connected = true;
            let warn = |code: i64, message: Value| {
                json!({"jsonrpc": "2.0", "warning": {"code": code, "message": message}}).to_string()
            };
            Say::Texts(vec![
                warn(104, json!("a string in place of an object")),
                json!({"id": seen.id, "result": {"command": "connect"}}).to_string(),
                warn(101, json!({"headsetId": EPOCX})),
                warn(104, json!({"behavior": "connected", "headsetId": INSIGHT})),
            ])
        }
        _ => Say::Usual,
    })
    .await;
    let mut tested = Tested::start(config(&service.url));
    tested.until(reached(Step::Connecting(INSIGHT.into()))).await;
    tested.until(reached(Step::Streaming)).await;
    let controlled = service.asked("controlDevice");
    assert_eq!(controlled.len(), 1, "a scan would harm the streams: {controlled:?}");
    let events = tested.quit().await;
    assert!(events.iter().all(|event| refused(event).is_none()));
    let warnings = events.iter().filter(|event| matches!(event, Event::Warning(_))).count();
    assert_eq!(warnings, 3);
}

#[tokio::test]
async fn a_headset_that_cannot_be_connected_says_the_next_step() {
    let service = Service::start(|seen| match seen.method.as_str() {
        "queryHeadsets" => Say::Result(json!([headset(INSIGHT, "discovered")])),
        "controlDevice" if seen.params["command"] == "connect" => {
            let message = json!({"behavior": "Switch motion off.", "headsetId": INSIGHT});
            Say::Texts(vec![
                json!({"id": seen.id, "result": {}}).to_string(),
                json!({"jsonrpc": "2.0", "warning": {"code": 113, "message": message}}).to_string(),
            ])
        }
        _ => Say::Usual,
    })
    .await;
    let mut tested = Tested::start(config(&service.url));
    let refusal = tested.until(refused).await;
    assert!(refusal.contains("113: Switch motion off.") && refusal.contains("dongle"), "{refusal}");
    tested.until(reached(Step::Stopped)).await;
    tested.quit().await;
}

#[tokio::test]
async fn while_nothing_is_there_it_scans_and_an_absent_permission_is_told_once() {
    let mut there = false;
    let service = Service::start(move |seen| match seen.method.as_str() {
        "getUserLogin" => Say::Error(-32601, "Method not found."),
        "controlDevice" => {
            assert_eq!(seen.params, json!({"command": "refresh"}));
            there = true;
            let message = json!({"behavior": "Headset discovering complete.", "headsetId": ""});
            Say::Texts(vec![
                json!({"id": seen.id, "result": {"command": "refresh"}}).to_string(),
                json!({"jsonrpc": "2.0", "warning": {"code": 142, "message": message}}).to_string(),
            ])
        }
        "queryHeadsets" => {
            let list = if there { json!([headset(INSIGHT, "connected")]) } else { json!([]) };
            let attention = json!({"code": 31, "message": "Bluetooth permission missing"});
            Say::Texts(vec![
                json!({"attention": attention, "id": seen.id, "result": list}).to_string(),
            ])
        }
        _ => Say::Usual,
    })
    .await;
    let mut tested = Tested::start(config(&service.url));
    tested.until(reached(Step::Streaming)).await;
    assert!(service.asked("queryHeadsets").len() > 1);
    let events = tested.quit().await;
    let scans: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Scan(runs) => Some(*runs),
            _ => None,
        })
        .collect();
    assert_eq!(scans, [true, false]);
    let told = events.iter().filter(|event| matches!(event, Event::Warning(one) if one.code == 31));
    assert_eq!(told.count(), 1);
}

#[tokio::test]
async fn a_headset_on_a_usb_cable_is_explained_and_not_chosen() {
    let mut cable = headset(EPOCX, "connected");
    cable["connectedBy"] = json!("usb cable");
    let service = Service::start(move |seen| match seen.method.as_str() {
        "queryHeadsets" => Say::Result(json!([cable])),
        _ => Say::Usual,
    })
    .await;
    let mut tested = Tested::start(config(&service.url));
    let refusal = tested.until(refused).await;
    assert!(refusal.contains("USB cable") && refusal.contains("dongle"), "{refusal}");
    // Looked at once more, it is not explained once more.
    while service.asked("queryHeadsets").len() < 3 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let events = tested.quit().await;
    assert_eq!(events.iter().filter_map(refused).count(), 1);
    assert!(service.asked("createSession").is_empty());
}

#[tokio::test]
async fn a_session_that_is_there_already_is_adopted_or_makes_room() {
    for usable in [true, false] {
        let mut there = true;
        let service = Service::start(move |seen| match seen.method.as_str() {
            "createSession" if there => Say::Error(-32005, "The session exists."),
            "querySessions" if there => Say::Result(json!([session("old", INSIGHT, "opened")])),
            "subscribe" if seen.params["session"] == "old" && !usable => {
                Say::Error(-32007, "The session does not exist.")
            }
            "updateSession" => {
                there = false;
                Say::Usual
            }
            _ => Say::Usual,
        })
        .await;
        let mut tested = Tested::start(config(&service.url));
        tested.until(reached(Step::Streaming)).await;
        let Feed::Subscribed(flowing) = tested.fed().await else { panic!() };
        assert_eq!(flowing.session.as_str() == "old", usable);
        tested.quit().await;
    }
}

#[tokio::test]
async fn a_lost_headset_closes_the_session_and_a_new_one_is_opened() {
    let mut times = 0;
    let service = Service::start(move |seen| match seen.method.as_str() {
        "createSession" => {
            times += 1;
            Say::Result(session(&format!("session {times}"), INSIGHT, "opened"))
        }
        _ => Say::Usual,
    })
    .await;
    let mut tested = Tested::start(config(&service.url));
    tested.until(reached(Step::Streaming)).await;
    service
        .warn(1, json!({"behavior": "Cortex has closed the session.", "sessionId": "session 1"}));
    assert_eq!(tested.until(closed).await, "Cortex has closed the session.");
    tested.until(reached(Step::Streaming)).await;
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
    let service = Service::start(|_| Say::Usual).await;
    let mut tested = Tested::start(config(&service.url));
    tested.until(reached(Step::Streaming)).await;
    let id = format!("session-0-of-{INSIGHT}");
    service.warn(0, json!({"behavior": "stopped", "sessionId": id}));
    tested.until(closed).await;
    service.push.send(json!({"dev": [1], "sid": id, "time": 1}).to_string()).unwrap();
    tested.until(reached(Step::Streaming)).await;
    tested.quit().await;
    assert_eq!(service.asked("createSession").len(), 1);
}

#[tokio::test]
async fn nobody_logged_in_and_no_approval_are_waited_for() {
    let mut logged_in = false;
    let mut granted = false;
    let service = Service::start(move |seen| match seen.method.as_str() {
        "getUserLogin" if !logged_in => {
            logged_in = true;
            Say::Result(json!([]))
        }
        "hasAccessRight" => Say::Result(json!({"accessGranted": granted})),
        "requestAccess" => {
            granted = true;
            Say::Result(json!({"accessGranted": false}))
        }
        _ => Say::Usual,
    })
    .await;
    let mut tested = Tested::start(config(&service.url));
    tested.until(reached(Step::Login)).await;
    service.warn(2, json!("logged in"));
    tested.until(reached(Step::Approval)).await;
    service.warn(9, json!("granted"));
    tested.until(reached(Step::Streaming)).await;
    assert_eq!(service.asked("requestAccess").len(), 1);
    let events = tested.quit().await;
    let users: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::User(user) => Some(user.clone().map(|UserLogin { username, .. }| username)),
            _ => None,
        })
        .collect();
    assert_eq!(users, [None, Some("ana.lab".to_owned())]);
}

#[tokio::test]
async fn the_agreement_is_waited_for() {
    let service = Service::start(|seen| match seen.method.as_str() {
        "authorize" => Say::Result(json!({
            "cortexToken": TOKEN, "warning": {"code": 6, "licenseUrl": "https://", "message": "EULA"}
        })),
        _ => Say::Usual,
    })
    .await;
    let mut tested = Tested::start(config(&service.url));
    tested.until(reached(Step::Agreement)).await;
    service.warn(17, json!("accepted"));
    tested.until(reached(Step::Streaming)).await;
    tested.quit().await;
}

#[tokio::test]
async fn wrong_credentials_stop_with_the_next_step() {
    let service = Service::start(|seen| match seen.method.as_str() {
        "hasAccessRight" => Say::Error(-32021, "Invalid client."),
        _ => Say::Usual,
    })
    .await;
    let mut tested = Tested::start(config(&service.url));
    let refusal = tested.until(refused).await;
    assert!(refusal.contains("EMOTIV_CLIENT_ID"), "{refusal}");
    tested.until(reached(Step::Stopped)).await;
    tested.quit().await;
}

#[tokio::test]
async fn activating_subscribes_what_needs_it_afterwards() {
    let service = Service::start(|seen| match seen.method.as_str() {
        "subscribe" => {
            let mut answer = subscribed(&seen.params);
            let eeg = seen.params["streams"].as_array().unwrap().contains(&json!("eeg"));
            if eeg && seen.params["streams"].as_array().unwrap().len() == 3 {
                answer["success"].as_array_mut().unwrap().retain(|one| one["streamName"] != "eeg");
                answer["failure"] = json!([{"code": -32016, "streamName": "eeg"}]);
            }
            Say::Result(answer)
        }
        _ => Say::Usual,
    })
    .await;
    let mut config = config(&service.url);
    config.streams = vec![Stream::Eeg, Stream::Dev, Stream::Met];
    let mut tested = Tested::start(config);
    let session = tested
        .until(|event| match event {
            Event::Subscribed { session, streams, .. } if !streams.contains(&Stream::Eeg) => {
                Some(session.clone())
            }
            _ => None,
        })
        .await;
    tested.until(reached(Step::Streaming)).await;
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
async fn a_service_that_is_not_there_yet_is_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut tested = Tested::start(config(&format!("ws://{address}")));
    let why = tested
        .until(|event| match event {
            Event::Link(Link::Waiting { why, attempt: 2, .. }) => Some(why.clone()),
            _ => None,
        })
        .await;
    assert!(why.contains("nothing listens on") && why.contains("EMOTIV Launcher"), "{why}");
    // What is asked for meanwhile is refused aloud, or remembered.
    tested.command(Command::Scan).await;
    assert!(tested.until(refused).await.contains("not connected"));
    let _service = Service::on(TcpListener::bind(address).await.unwrap(), None, |_| Say::Usual);
    tested.until(reached(Step::Streaming)).await;
    tested.quit().await;
}

#[tokio::test]
async fn a_connection_without_an_identity_is_opened_again_and_finally_blamed_on_the_service() {
    let service = Service::start(|seen| {
        let message = json!({"jsonrpc": "2.0", "warning": {"code": 11, "message": "re-open"}});
        if seen.connection < 3 { Say::Texts(vec![message.to_string()]) } else { Say::Usual }
    })
    .await;
    let mut tested = Tested::start(config(&service.url));
    let why = tested
        .until(|event| match event {
            Event::Link(Link::Waiting { why, attempt: 3, .. }) => Some(why.clone()),
            _ => None,
        })
        .await;
    assert!(why.contains("restart the Cortex service"), "{why}");
    tested.until(reached(Step::Streaming)).await;
    tested.quit().await;
}

#[tokio::test]
async fn quitting_is_bounded_even_if_nobody_answers_and_nobody_reads() {
    let service = Service::start(|seen| match seen.method.as_str() {
        "updateSession" => Say::Nothing,
        _ => Say::Usual,
    })
    .await;
    let mut tested = Tested::start(config(&service.url));
    tested.until(reached(Step::Streaming)).await;
    let started = Instant::now();
    tested.command(Command::Quit).await;
    tested.client.task.await.unwrap();
    assert!(started.elapsed() < Duration::from_millis(1500));
    assert_eq!(service.asked("updateSession").len(), 1);
}

#[tokio::test]
async fn a_session_that_is_listed_no_more_is_gone_though_nobody_said_so() {
    let service = Service::start(|seen| match seen.method.as_str() {
        "querySessions" => Say::Result(json!([])),
        _ => Say::Usual,
    })
    .await;
    let mut tested = Tested::start(config(&service.url));
    tested.until(reached(Step::Streaming)).await;
    // Each warning about some headset makes the client look again.
    let nudging = async {
        loop {
            service.warn(104, json!({"headsetId": EPOCX}));
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::select! {
        why = tested.until(closed) => assert!(why.contains("no longer knows"), "{why}"),
        () = nudging => {}
    }
    tested.quit().await;
}

#[tokio::test]
async fn after_a_logout_the_next_user_gets_a_token_of_their_own_and_no_debit() {
    let mut users = ["ana.lab", "ben.lab"].into_iter();
    let service = Service::start(move |seen| match seen.method.as_str() {
        "getUserLogin" => Say::Result(json!([{"username": users.next().unwrap()}])),
        _ => Say::Usual,
    })
    .await;
    let config = Config { debit: Some(2), ..config(&service.url) };
    let mut tested = Tested::start(config);
    tested.until(reached(Step::Streaming)).await;
    service.warn(3, json!("ana.lab has logged out"));
    assert!(tested.until(closed).await.contains("logged out"));
    tested.until(reached(Step::Streaming)).await;
    let authorized = service.asked("authorize");
    assert_eq!(authorized.len(), 2);
    assert_eq!(authorized[1].params.get("debit"), None);
    tested.quit().await;
}

#[tokio::test]
async fn another_user_of_this_computer_who_holds_the_service_is_named() {
    let service = Service::start(|seen| match seen.method.as_str() {
        "getUserLogin" => Say::Result(json!([{
            "currentOSUId": "501", "currentOSUsername": "ana", "loggedInOSUId": "502",
            "loggedInOSUsername": "ben", "username": "ben.lab"
        }])),
        _ => Say::Usual,
    })
    .await;
    let mut tested = Tested::start(config(&service.url));
    let refusal = tested.until(refused).await;
    assert!(refusal.contains("ben, is logged in") && refusal.contains("log in here as ana"));
    tested.until(reached(Step::Login)).await;
    tested.quit().await;
    assert!(service.asked("authorize").is_empty());
}
