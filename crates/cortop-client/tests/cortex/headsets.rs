//! Finding, choosing, connecting and releasing headsets (§2.5, §2.6).

use std::time::Duration;

use cortop_client::{Command, ConnectionStep, Event, HeadsetId};
use serde_json::{Value, json};

use crate::service::{
    ClientUnderTest, EPOCX, INSIGHT, Reply, ScriptedService, closed, config, headset, reached,
    refused,
};

#[tokio::test]
async fn of_several_headsets_the_user_chooses_and_may_have_them_all() {
    let service = ScriptedService::start(|seen| match seen.method.as_str() {
        "queryHeadsets" => Reply::Result(json!([
            headset(INSIGHT, "connected"),
            "odd",
            headset(EPOCX, "connected")
        ])),
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    tested.until(reached(ConnectionStep::Choosing)).await;
    assert!(service.asked("createSession").is_empty());
    let mut sessions = Vec::new();
    for id in [EPOCX, INSIGHT] {
        tested.command(Command::Open { headset: id.into(), mode: None }).await;
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

    tested.command(Command::Scan { anyway: false }).await;
    assert!(tested.until(refused).await.contains("scanning disturbs"));
    tested.command(Command::Close(sessions[0].clone())).await;
    assert_eq!(tested.until(closed).await, "closed by you");
    tested.command(Command::Close(sessions[0].clone())).await;
    assert!(tested.until(refused).await.contains("not one of our sessions"));
    tested.command(Command::Disconnect(INSIGHT.into())).await;
    tested.until(reached(ConnectionStep::Choosing)).await;
    assert!(tested.until(closed).await.contains("disconnected by you"));
    tested.quit().await;
    let commands: Vec<_> =
        service.asked("controlDevice").iter().map(|seen| seen.params["headset"].clone()).collect();
    assert_eq!(commands, [INSIGHT]);
}

#[tokio::test]
async fn a_discovered_headset_is_connected_and_an_odd_warning_does_no_harm() {
    let mut connected = false;
    let service = ScriptedService::start(move |seen| match seen.method.as_str() {
        "queryHeadsets" => {
            let status = if connected { "connected" } else { "discovered" };
            Reply::Result(json!([headset(INSIGHT, status)]))
        }
        "controlDevice" if seen.params["command"] == "connect" => {
            connected = true;
            let warn = |code: i64, message: Value| {
                json!({"jsonrpc": "2.0", "warning": {"code": code, "message": message}}).to_string()
            };
            Reply::Texts(vec![
                warn(104, json!("a string in place of an object")),
                json!({"id": seen.id, "result": {"command": "connect"}}).to_string(),
                warn(101, json!({"headsetId": EPOCX})),
                warn(104, json!({"behavior": "connected", "headsetId": INSIGHT})),
            ])
        }
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    tested.until(reached(ConnectionStep::Connecting(INSIGHT.into()))).await;
    tested.until(reached(ConnectionStep::Streaming)).await;
    let controlled = service.asked("controlDevice");
    assert_eq!(controlled.len(), 1, "a scan would harm the streams: {controlled:?}");
    let events = tested.quit().await;
    assert!(events.iter().all(|event| refused(event).is_none()));
    let warnings = events.iter().filter(|event| matches!(event, Event::Warning(_))).count();
    assert_eq!(warnings, 3);
}

#[tokio::test]
async fn a_headset_that_cannot_be_connected_says_the_next_step() {
    let service = ScriptedService::start(|seen| match seen.method.as_str() {
        "queryHeadsets" => Reply::Result(json!([headset(INSIGHT, "discovered")])),
        "controlDevice" if seen.params["command"] == "connect" => {
            let message = json!({"behavior": "Switch motion off.", "headsetId": INSIGHT});
            Reply::Texts(vec![
                json!({"id": seen.id, "result": {}}).to_string(),
                json!({"jsonrpc": "2.0", "warning": {"code": 113, "message": message}}).to_string(),
            ])
        }
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    let refusal = tested.until(refused).await;
    assert!(refusal.contains("113: Switch motion off.") && refusal.contains("dongle"), "{refusal}");
    tested.until(reached(ConnectionStep::Stopped)).await;
    tested.quit().await;
}

#[tokio::test]
async fn while_nothing_is_there_it_scans_and_an_absent_permission_is_told_once() {
    let mut there = false;
    let service = ScriptedService::start(move |seen| match seen.method.as_str() {
        "getUserLogin" => Reply::Error(-32601, "Method not found."),
        "controlDevice" => {
            assert_eq!(seen.params, json!({"command": "refresh"}));
            there = true;
            let message = json!({"behavior": "Headset discovering complete.", "headsetId": ""});
            Reply::Texts(vec![
                json!({"id": seen.id, "result": {"command": "refresh"}}).to_string(),
                json!({"jsonrpc": "2.0", "warning": {"code": 142, "message": message}}).to_string(),
            ])
        }
        "queryHeadsets" => {
            let list = if there { json!([headset(INSIGHT, "connected")]) } else { json!([]) };
            let attention = json!({"code": 31, "message": "Bluetooth permission missing"});
            Reply::Texts(vec![
                json!({"attention": attention, "id": seen.id, "result": list}).to_string(),
            ])
        }
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    tested.until(reached(ConnectionStep::Streaming)).await;
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
    let service = ScriptedService::start(move |seen| match seen.method.as_str() {
        "queryHeadsets" => Reply::Result(json!([cable])),
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    let refusal = tested.until(refused).await;
    assert!(refusal.contains("USB cable") && refusal.contains("dongle"), "{refusal}");
    // When listed again, it is not explained again.
    service.until_asked("queryHeadsets", 3).await;
    let events = tested.quit().await;
    assert_eq!(events.iter().filter_map(refused).count(), 1);
    assert!(service.asked("createSession").is_empty());
}

#[tokio::test(start_paused = true)]
async fn while_streams_flow_it_never_scans_though_no_headset_is_listed() {
    let mut looks = 0;
    let service = ScriptedService::start(move |seen| match seen.method.as_str() {
        "queryHeadsets" => {
            looks += 1;
            if looks > 1 { Reply::Result(json!([])) } else { Reply::Usual }
        }
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    tested.until(reached(ConnectionStep::Streaming)).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!(service.asked("queryHeadsets").len() > 3);
    assert!(service.asked("controlDevice").is_empty());
    tested.quit().await;
}

#[tokio::test(start_paused = true)]
async fn looking_at_the_sessions_in_vain_is_told_once_and_done_ever_more_rarely() {
    let service = ScriptedService::start(|seen| match seen.method.as_str() {
        "querySessions" => Reply::Error(-32015, "The token has expired."),
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    tested.until(reached(ConnectionStep::Streaming)).await;
    tokio::time::sleep(Duration::from_secs(10 * 60)).await;
    // Each poll asks three times, with two more tokens.
    let asked = service.asked("querySessions").len();
    assert!((6..=30).contains(&asked), "{asked}");
    let told: Vec<_> = tested.quit().await.iter().filter_map(refused).collect();
    assert!(matches!(told.as_slice(), [one] if one.contains("querySessions -32015")), "{told:?}");
}

#[tokio::test]
async fn a_wanted_headset_that_is_missing_among_others_is_named() {
    let service = ScriptedService::start(|_| Reply::Usual).await;
    let mut tested =
        ClientUnderTest::start(config(&service.url).headset(HeadsetId::from("MN8-0000ABCD")));
    tested.until(reached(ConnectionStep::Missing("MN8-0000ABCD".into()))).await;
    tested.quit().await;
}
